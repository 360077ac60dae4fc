/* Comparing two signed trees of one log by the tiles of the larger one: does the smaller begin it?
 * Plan, fetch, conclude: whoever compares (ledger/pull.h, ledger/gossip.h, `dutylog monitor`)
 * fetches the tiles that are missing, from whoever serves the larger tree. Tiles are not trusted:
 * what they say counts only if they rebuild the root that was signed. Pure. */
#ifndef DUTYLOG_LEDGER_COMPARE_H
#define DUTYLOG_LEDGER_COMPARE_H

#include "ledger/pull_tiles.h"

/* What a checkpoint says. */
struct tree_point {
    uint64_t size;
    struct hash root;
};

enum compare_result {
    COMPARE_FITS,    /* the smaller tree is the beginning of the larger one */
    COMPARE_FORKED,  /* it is not, and `subproof` shows it (of one size: the two roots do) */
    COMPARE_NO_TREE, /* the tiles are not those of the larger tree: they tell nothing */
};

/* Lists the tiles that the comparison needs and that are not here, adding to `missing` (of
 * PULL_TILES_MAX places). None where the sizes are the same or the smaller is 0. False: no room. */
bool compare_missing(struct pull_tiles *tiles, const struct tree_point *one,
                     const struct tree_point *two, struct tile *missing, size_t *count) MUST_USE;
/* With all tiles here. `subproof` is SUBPROOF(m, D[n], false) of the larger tree, as evidence (b)
 * needs it; without hashes where none is needed or COMPARE_NO_TREE. NOT_FOUND: a tile is missing.
 */
enum status compare_conclude(struct pull_tiles *tiles, const struct tree_point *one,
                             const struct tree_point *two, enum compare_result *result,
                             struct merkle_proof *subproof) MUST_USE;

#endif
