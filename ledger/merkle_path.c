#include "ledger/merkle_path.h"

#include <assert.h>

/* The largest power of two below n. */
static uint64_t split(uint64_t n) {
    assert(n >= 2);
    return (uint64_t)1 << (63 - __builtin_clzll(n - 1));
}

bool merkle_subtree_valid(uint64_t start, uint64_t end) {
    if (start >= end) {
        return false;
    }
    uint64_t lowest_bit = start & (~start + 1);
    return start == 0 || end - start <= lowest_bit;
}

void merkle_path_find(uint64_t start, uint64_t end, uint64_t size, bool known,
                      struct merkle_path *path) {
    assert(merkle_subtree_valid(start, end) && end <= size && size <= TREE_SIZE_MAX);
    uint64_t low = 0;
    uint64_t high = size;
    path->count = 0;
    while (start != low || end != high) {
        /* Each turn at least halves [low, high) rounded up to a power of two, so that a tree of
         * 2^62 takes 62 turns. */
        assert(path->count < MERKLE_PROOF_MAX);
        struct merkle_step *step = &path->steps[path->count++];
        uint64_t middle = low + split(high - low);
        if (end <= middle) {
            *step = (struct merkle_step){middle, high, MERKLE_SIDE_RIGHT};
            high = middle;
        } else if (start >= middle) {
            *step = (struct merkle_step){low, middle, MERKLE_SIDE_LEFT};
            low = middle;
        } else {
            /* The subtree straddles the middle, so it starts at low. Were start between low and
             * middle, then both would be multiples of start's lowest bit, middle at least that much
             * larger, and a valid subtree would end there or before. */
            assert(start == low);
            *step = (struct merkle_step){low, middle, MERKLE_SIDE_INNER};
            start = middle;
            low = middle;
            known = false;
        }
    }
    path->base_start = start;
    path->base_end = end;
    path->base_known = known;
}

size_t merkle_path_hashes(const struct merkle_path *path) {
    return path->count + (path->base_known ? 0 : 1);
}
