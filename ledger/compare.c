#include "ledger/compare.h"

#include <assert.h>

static void smaller_first(const struct tree_point **one, const struct tree_point **two) {
    if ((*one)->size > (*two)->size) {
        const struct tree_point *larger = *one;
        *one = *two;
        *two = larger;
    }
}

/* No tile is needed: one size has one root, and everything continues the empty tree. */
static bool needs_none(const struct tree_point *small, const struct tree_point *large) {
    return small->size == large->size || small->size == 0;
}

bool compare_missing(struct pull_tiles *tiles, const struct tree_point *one,
                     const struct tree_point *two, struct tile *missing, size_t *count) {
    struct merkle_plan plan;
    smaller_first(&one, &two);
    if (needs_none(one, two)) {
        return true;
    }
    merkle_subproof_plan(one->size, two->size, &plan);
    return pull_tiles_missing(tiles, &plan, two->size, missing, count);
}

enum status compare_conclude(struct pull_tiles *tiles, const struct tree_point *one,
                             const struct tree_point *two, enum compare_result *result,
                             struct merkle_proof *subproof) {
    struct merkle_plan plan;
    struct hash read[MERKLE_PLAN_MAX];
    struct hash root_m;
    struct hash root_n;
    smaller_first(&one, &two);
    subproof->count = 0;
    if (needs_none(one, two)) {
        bool same = one->size != two->size || hash_equal(&one->root, &two->root);
        *result = same ? COMPARE_FITS : COMPARE_FORKED;
        return STATUS_OK;
    }
    merkle_subproof_plan(one->size, two->size, &plan);
    TRY(pull_tiles_read(tiles, &plan, two->size, read));
    merkle_subproof_prove(one->size, two->size, read, subproof);
    bool sound = merkle_subproof_roots(one->size, two->size, subproof->hashes, subproof->count,
                                       &root_m, &root_n);
    assert(sound); /* the prover's own list, of sizes in order */
    if (!hash_equal(&root_n, &two->root)) {
        subproof->count = 0;
        *result = COMPARE_NO_TREE;
    } else {
        *result = hash_equal(&root_m, &one->root) ? COMPARE_FITS : COMPARE_FORKED;
    }
    return STATUS_OK;
}
