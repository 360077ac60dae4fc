/* Tiles and entry bundles (https://c2sp.org/tlog-tiles): their paths, what a tile holds, and how
 * entries are packed.
 *
 * Vocabulary: a *tile* (level, index) holds up to 256 hashes of Merkle level 8*level; an *entry
 * bundle* holds the entries of the level-0 tile of the same index, each after its big-endian uint16
 * length. Width 256 is full. */
#ifndef DUTYLOG_LEDGER_TILE_H
#define DUTYLOG_LEDGER_TILE_H

#include "ledger/bytes.h"
#include "ledger/limits.h"
#include "ledger/merkle.h"

struct tile {
    bool entries; /* an entry bundle; then level is 0 */
    unsigned
        level; /* 0 to TILE_LEVEL_MAX; a path may name up to 63, which then exists in no tree */
    uint64_t index;
    unsigned width; /* 1 to 256 */
};

/* Parses what follows "tile/": "<L>/<N>[.p/<W>]" or "entries/<N>[.p/<W>]". BAD_FORM unless it is
 * the one spelling. */
enum status tile_parse_path(struct bytes path, struct tile *out) MUST_USE;
/* Writes the path with its leading "tile/". */
void tile_format_path(struct writer *w, const struct tile *tile);
/* The width that the tile has in a tree of `size`: 0 (absent) to 256. */
unsigned tile_width_at(unsigned level, uint64_t index, uint64_t size);
/* The tile of a tree of `size` from which a node's hash can be computed, and the range of its
 * hashes to hash together: hashes [first, first + count) with count a power of two. Asserts that
 * the node is in the tree. */
void tile_of_node(const struct merkle_node *node, uint64_t size, struct tile *tile, unsigned *first,
                  unsigned *count);
/* The root of `count` (a power of two, at most 256) hashes stored one after another at `hashes`. */
void tile_node_hash(const uint8_t *hashes, unsigned count, struct hash *out);

/* The next entry of a bundle; false at the end or on truncation (then r->failed). */
bool bundle_next(struct reader *r, struct bytes *entry);
/* Appends one entry with its length. Asserts len <= ENTRY_SIZE_MAX. */
void bundle_put(struct writer *w, struct bytes entry);

#endif
