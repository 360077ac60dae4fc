/* Plans and provers: which hashes a proof is made of, and the proof from them. */
#include "ledger/merkle.h"
#include "ledger/merkle_path.h"

#include <assert.h>

static unsigned floor_log2(uint64_t n) {
    assert(n > 0);
    return 63U - (unsigned)__builtin_clzll(n);
}

static size_t one_bits(uint64_t n) {
    return (size_t)__builtin_popcountll(n);
}

/* The perfect subtrees of [start, end), largest first: the one bits of the length, since start is a
 * multiple of a power of two that is at least the length. */
static void plan_range(uint64_t start, uint64_t end, struct merkle_plan *plan) {
    while (start < end) {
        unsigned level = floor_log2(end - start);
        uint64_t width = (uint64_t)1 << level;
        assert((start & (width - 1)) == 0);
        assert(plan->count < MERKLE_PLAN_MAX);
        plan->nodes[plan->count++] = (struct merkle_node){level, start >> level};
        start += width;
    }
}

void merkle_root_plan(uint64_t start, uint64_t end, struct merkle_plan *plan) {
    assert(end <= TREE_SIZE_MAX && (start == end || merkle_subtree_valid(start, end)));
    plan->count = 0;
    plan_range(start, end, plan);
}

void merkle_root_compute(const struct hash *read, size_t count, struct hash *root) {
    if (count == 0) {
        hash_empty(root);
        return;
    }
    struct hash sum = read[count - 1];
    for (size_t i = count - 1; i > 0; i--) {
        hash_node(&read[i - 1], &sum, &sum);
    }
    *root = sum;
}

/* Within the maximum: the left and inner steps are perfect subtrees, of one node each, and so are
 * all right steps after the first, since going left leaves the tree's ragged edge. Only the first
 * right step or else the base has several nodes, at most 62. */
static void plan_path(const struct merkle_path *path, struct merkle_plan *plan) {
    plan->count = 0;
    if (!path->base_known) {
        plan_range(path->base_start, path->base_end, plan);
    }
    for (size_t i = path->count; i > 0; i--) {
        plan_range(path->steps[i - 1].start, path->steps[i - 1].end, plan);
    }
}

/* Computes one hash of the proof, and returns where the next one's nodes begin. */
static const struct hash *prove_range(uint64_t start, uint64_t end, const struct hash *read,
                                      struct merkle_proof *proof) {
    size_t nodes = one_bits(end - start);
    assert(nodes > 0 && proof->count < MERKLE_PROOF_MAX);
    merkle_root_compute(read, nodes, &proof->hashes[proof->count++]);
    return read + nodes;
}

static void prove_path(const struct merkle_path *path, const struct hash *read,
                       struct merkle_proof *proof) {
    proof->count = 0;
    if (!path->base_known) {
        read = prove_range(path->base_start, path->base_end, read, proof);
    }
    for (size_t i = path->count; i > 0; i--) {
        read = prove_range(path->steps[i - 1].start, path->steps[i - 1].end, read, proof);
    }
    assert(proof->count == merkle_path_hashes(path));
}

void merkle_subtree_plan(uint64_t start, uint64_t end, uint64_t size, struct merkle_plan *plan) {
    struct merkle_path path;
    merkle_path_find(start, end, size, true, &path);
    plan_path(&path, plan);
}

void merkle_subtree_prove(uint64_t start, uint64_t end, uint64_t size, const struct hash *read,
                          struct merkle_proof *proof) {
    struct merkle_path path;
    merkle_path_find(start, end, size, true, &path);
    prove_path(&path, read, proof);
}

void merkle_inclusion_plan(uint64_t index, uint64_t size, struct merkle_plan *plan) {
    assert(index < size);
    merkle_subtree_plan(index, index + 1, size, plan);
}

void merkle_inclusion_prove(uint64_t index, uint64_t size, const struct hash *read,
                            struct merkle_proof *proof) {
    assert(index < size);
    merkle_subtree_prove(index, index + 1, size, read, proof);
}

void merkle_consistency_plan(uint64_t old_size, uint64_t new_size, struct merkle_plan *plan) {
    merkle_subtree_plan(0, old_size, new_size, plan);
}

void merkle_consistency_prove(uint64_t old_size, uint64_t new_size, const struct hash *read,
                              struct merkle_proof *proof) {
    merkle_subtree_prove(0, old_size, new_size, read, proof);
}

void merkle_subproof_plan(uint64_t m, uint64_t n, struct merkle_plan *plan) {
    assert(m < n);
    struct merkle_path path;
    merkle_path_find(0, m, n, false, &path);
    plan_path(&path, plan);
}

void merkle_subproof_prove(uint64_t m, uint64_t n, const struct hash *read,
                           struct merkle_proof *proof) {
    assert(m < n);
    struct merkle_path path;
    merkle_path_find(0, m, n, false, &path);
    prove_path(&path, read, proof);
}
