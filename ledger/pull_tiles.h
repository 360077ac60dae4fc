/* A few fetched tiles, from which the hashes of proofs are computed (https://c2sp.org/tlog-tiles).
 * Nothing here is trusted: whatever is made of the hashes is checked against a signed root by whom
 * it is given to. Caller-owned, plain data; about 260 KiB. */
#ifndef DUTYLOG_LEDGER_PULL_TILES_H
#define DUTYLOG_LEDGER_PULL_TILES_H

#include "ledger/bytes.h"
#include "ledger/tile.h"

/* A proof needs at most three tiles of each of the eight levels; those of a few neighbouring
 * packages nearly the same. */
#define PULL_TILES_MAX 32

struct pull_tile {
    struct tile tile;
    uint64_t used; /* turn of the last plan that needed it */
    uint8_t hashes[TILE_WIDTH * HASH_SIZE];
};

struct pull_tiles {
    struct pull_tile tiles[PULL_TILES_MAX];
    size_t count;
    uint64_t turn;
};

void pull_tiles_clear(struct pull_tiles *tiles);
/* Lists the tiles of a tree of `size` that the plan needs and that are not here, adding them to the
 * `count` ones in `missing` (of PULL_TILES_MAX places) unless they are listed. False: no room. */
bool pull_tiles_missing(struct pull_tiles *tiles, const struct merkle_plan *plan, uint64_t size,
                        struct tile *missing, size_t *count) MUST_USE;
/* Copies a fetched tile in, in the place of the one longest unused. BAD_FORM: neither `width`
 * hashes nor a whole tile, which a log may serve in its stead. */
enum status pull_tiles_put(struct pull_tiles *tiles, const struct tile *tile,
                           struct bytes body) MUST_USE;
/* Computes the hashes of the plan's nodes. NOT_FOUND: a tile is missing. */
enum status pull_tiles_read(struct pull_tiles *tiles, const struct merkle_plan *plan, uint64_t size,
                            struct hash *out) MUST_USE;

#endif
