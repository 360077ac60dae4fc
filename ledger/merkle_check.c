/* Checkers. Every number and hash here may come from a peer: nothing is asserted of them, and a
 * proof with one hash too many or too few is refused before anything is hashed. */
#include "ledger/merkle.h"
#include "ledger/merkle_path.h"

/* Climbs a path from its base: `inner` becomes the root of the subtree, `outer` that of the tree.
 */
static void climb(const struct merkle_path *path, const struct hash *base, const struct hash *proof,
                  struct hash *inner, struct hash *outer) {
    *inner = *base;
    *outer = *base;
    for (size_t i = path->count; i > 0; i--) {
        const struct hash *sibling = proof++;
        switch (path->steps[i - 1].side) {
        case MERKLE_SIDE_RIGHT:
            hash_node(outer, sibling, outer);
            break;
        case MERKLE_SIDE_INNER:
            hash_node(sibling, inner, inner);
            hash_node(sibling, outer, outer);
            break;
        case MERKLE_SIDE_LEFT:
            hash_node(sibling, outer, outer);
            break;
        }
    }
}

bool merkle_subtree_check(uint64_t start, uint64_t end, const struct hash *subtree_root,
                          uint64_t size, const struct hash *root, const struct hash *proof,
                          size_t count) {
    if (size > TREE_SIZE_MAX || end > size || !merkle_subtree_valid(start, end)) {
        return false;
    }
    struct merkle_path path;
    merkle_path_find(start, end, size, true, &path);
    if (count != merkle_path_hashes(&path)) {
        return false;
    }
    const struct hash *base = path.base_known ? subtree_root : proof++;
    struct hash inner;
    struct hash outer;
    climb(&path, base, proof, &inner, &outer);
    return hash_equal(&inner, subtree_root) && hash_equal(&outer, root);
}

bool merkle_inclusion_check(const struct hash *leaf, uint64_t index, uint64_t size,
                            const struct hash *proof, size_t count, const struct hash *root) {
    if (index >= size) {
        return false;
    }
    return merkle_subtree_check(index, index + 1, leaf, size, root, proof, count);
}

bool merkle_consistency_check(uint64_t old_size, const struct hash *old_root, uint64_t new_size,
                              const struct hash *new_root, const struct hash *proof, size_t count) {
    return merkle_subtree_check(0, old_size, old_root, new_size, new_root, proof, count);
}

bool merkle_subtree_inclusion_check(const struct hash *leaf, uint64_t index, uint64_t start,
                                    uint64_t end, const struct hash *proof, size_t count,
                                    const struct hash *subtree_root) {
    if (!merkle_subtree_valid(start, end) || index < start) {
        return false;
    }
    return merkle_inclusion_check(leaf, index - start, end - start, proof, count, subtree_root);
}

bool merkle_subproof_roots(uint64_t m, uint64_t n, const struct hash *hashes, size_t count,
                           struct hash *root_m, struct hash *root_n) {
    if (m == 0 || m >= n || n > TREE_SIZE_MAX) {
        return false;
    }
    struct merkle_path path;
    merkle_path_find(0, m, n, false, &path);
    if (count != merkle_path_hashes(&path)) {
        return false;
    }
    climb(&path, &hashes[0], hashes + 1, root_m, root_n);
    return true;
}
