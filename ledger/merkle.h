/* Merkle trees of RFC 6962 section 2.1, and the subtrees of draft-ietf-plants-merkle-tree-certs (as
 * tlog-mirror uses them): plan, read once, compute. A *plan* lists the node ids a proof needs; the
 * store reads their hashes in one go; pure code makes the proof of them. Nothing here allocates,
 * recurses, reads or writes.
 *
 * Vocabulary: a *node* (level, index) is the perfect subtree over leaves [index << level, (index +
 * 1) << level). A *subtree* [start, end) is valid if it is not empty and end - start is at most the
 * largest power of two dividing start (any for 0); the draft, section 4.1. Intervals are half-open.
 *
 * Sizes are at most TREE_SIZE_MAX; larger ones, and all else that a function's comment excludes,
 * are our bug and assert in plans and provers. Checkers see a peer's numbers and answer false. They
 * take exactly the proof that the prover makes: one hash more or fewer is refused.
 *
 * `read` holds the hashes of a plan's nodes, in the plan's order. A plan is used once: plan with
 * merkle_X_plan, prove with merkle_X_prove and the same numbers. Files: merkle_path.c (the walk
 * that all share), merkle_plan.c, merkle_check.c, merkle_frontier.c. */
#ifndef DUTYLOG_LEDGER_MERKLE_H
#define DUTYLOG_LEDGER_MERKLE_H

#include "crypto/hash.h"
#include "ledger/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the largest trees need, measured over edge and random sizes: 123 nodes, 63 hashes. */
#define MERKLE_PLAN_MAX 128
#define MERKLE_PROOF_MAX 64

struct merkle_node {
    unsigned level;
    uint64_t index;
};

struct merkle_plan {
    struct merkle_node nodes[MERKLE_PLAN_MAX];
    size_t count;
};

struct merkle_proof {
    struct hash hashes[MERKLE_PROOF_MAX];
    size_t count;
};

/* The perfect subtrees that make up [start, end) of a valid subtree, largest first, and their root.
 * For the whole tree start is 0. The root of an empty range is hash_empty. */
void merkle_root_plan(uint64_t start, uint64_t end, struct merkle_plan *plan);
void merkle_root_compute(const struct hash *read, size_t count, struct hash *root);

/* Inclusion (RFC 6962 section 2.1.1): the leaf at `index` in the tree of `size`; index < size. */
void merkle_inclusion_plan(uint64_t index, uint64_t size, struct merkle_plan *plan);
void merkle_inclusion_prove(uint64_t index, uint64_t size, const struct hash *read,
                            struct merkle_proof *proof);
bool merkle_inclusion_check(const struct hash *leaf, uint64_t index, uint64_t size,
                            const struct hash *proof, size_t count, const struct hash *root);

/* Consistency (section 2.1.2) between 0 < old_size <= new_size; equal sizes have the empty proof.
 * The check refuses old_size 0: everything follows the empty tree, and nothing is proved by that.
 */
void merkle_consistency_plan(uint64_t old_size, uint64_t new_size, struct merkle_plan *plan);
void merkle_consistency_prove(uint64_t old_size, uint64_t new_size, const struct hash *read,
                              struct merkle_proof *proof);
bool merkle_consistency_check(uint64_t old_size, const struct hash *old_root, uint64_t new_size,
                              const struct hash *new_root, const struct hash *proof, size_t count);

/* Subtrees: validity, the proof that the subtree [start, end) is consistent with the tree of
 * `size`, and that a leaf is in a subtree. */
bool merkle_subtree_valid(uint64_t start, uint64_t end);
void merkle_subtree_plan(uint64_t start, uint64_t end, uint64_t size, struct merkle_plan *plan);
void merkle_subtree_prove(uint64_t start, uint64_t end, uint64_t size, const struct hash *read,
                          struct merkle_proof *proof);
bool merkle_subtree_check(uint64_t start, uint64_t end, const struct hash *subtree_root,
                          uint64_t size, const struct hash *root, const struct hash *proof,
                          size_t count);
bool merkle_subtree_inclusion_check(const struct hash *leaf, uint64_t index, uint64_t start,
                                    uint64_t end, const struct hash *proof, size_t count,
                                    const struct hash *subtree_root);

/* Evidence form (b) (specs/evidence.md): SUBPROOF(m, D[n], false) of section 2.1.2, whose hashes
 * alone rebuild both the root at m and the root at n, 0 < m < n. merkle_subproof_roots leaves the
 * roots untouched when it answers false. */
void merkle_subproof_plan(uint64_t m, uint64_t n, struct merkle_plan *plan);
void merkle_subproof_prove(uint64_t m, uint64_t n, const struct hash *read,
                           struct merkle_proof *proof);
bool merkle_subproof_roots(uint64_t m, uint64_t n, const struct hash *hashes, size_t count,
                           struct hash *root_m, struct hash *root_n);

/* The right edge of a growing tree: the roots of its perfect subtrees, largest first. Caller-owned,
 * plain data. */
struct merkle_frontier {
    uint64_t size;
    struct hash nodes[64]; /* as many as `size` has one bits */
};

void merkle_frontier_init(struct merkle_frontier *f);
/* Adds one leaf hash; asserts that size stays within TREE_SIZE_MAX. */
void merkle_frontier_append(struct merkle_frontier *f, const struct hash *leaf);
size_t merkle_frontier_count(const struct merkle_frontier *f);
void merkle_frontier_root(const struct merkle_frontier *f, struct hash *root);
/* The root of up to 256 (any number of) consecutive leaf hashes, as a tree of its own. */
void merkle_root_of(const struct hash *leaves, size_t count, struct hash *root);

#endif
