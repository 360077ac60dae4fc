/* Private to ledger/merkle*.c: the way from the root of a tree down to a subtree, of which every
 * plan, proof and check is made. One walk serves them all, so that a prover and a checker cannot
 * disagree on which hashes a proof has.
 *
 * It follows SUBTREE_SUBPROOF of draft-ietf-plants-merkle-tree-certs section 4.4.1, of which RFC
 * 6962's PATH (a subtree of one leaf) and SUBPROOF (a subtree that starts at 0) are cases. The
 * recursion there unwinds here into a list. */
#ifndef DUTYLOG_LEDGER_MERKLE_PATH_H
#define DUTYLOG_LEDGER_MERKLE_PATH_H

#include "ledger/merkle.h"

/* Where a step's hash stands beside what has been computed below it. */
enum merkle_side {
    MERKLE_SIDE_RIGHT, /* to the right: outside the subtree */
    MERKLE_SIDE_LEFT,  /* to the left: outside the subtree */
    MERKLE_SIDE_INNER, /* to the left, and the subtree's own left part */
};

/* One hash of a proof: the root over leaves [start, end). */
struct merkle_step {
    uint64_t start;
    uint64_t end;
    enum merkle_side side;
};

/* `steps` go from the root of the tree downwards; a proof has them in the opposite order. */
struct merkle_path {
    struct merkle_step steps[MERKLE_PROOF_MAX];
    size_t count;
    /* What the walk ends at: the whole subtree, or its right part after an INNER step. */
    uint64_t base_start;
    uint64_t base_end;
    bool base_known; /* the checker holds the base's hash, so the proof does not carry it */
};

/* Walks from the tree of `size` to the valid subtree [start, end) in it. `known` is false for
 * SUBPROOF(…, false), where the proof carries the base in every case. */
void merkle_path_find(uint64_t start, uint64_t end, uint64_t size, bool known,
                      struct merkle_path *path);
/* How many hashes the proof has. */
size_t merkle_path_hashes(const struct merkle_path *path);

#endif
