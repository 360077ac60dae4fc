/* The growing right edge of a tree. */
#include "ledger/merkle.h"

#include <assert.h>

void merkle_frontier_init(struct merkle_frontier *f) {
    f->size = 0;
}

size_t merkle_frontier_count(const struct merkle_frontier *f) {
    return (size_t)__builtin_popcountll(f->size);
}

void merkle_frontier_append(struct merkle_frontier *f, const struct hash *leaf) {
    assert(f->size < TREE_SIZE_MAX);
    size_t count = merkle_frontier_count(f);
    struct hash node = *leaf;
    /* Each trailing one bit of the size is a perfect subtree as large as what is added: they
     * become one, as in a carry. */
    for (uint64_t rest = f->size; (rest & 1) != 0; rest >>= 1) {
        assert(count > 0);
        hash_node(&f->nodes[--count], &node, &node);
    }
    f->nodes[count] = node;
    f->size++;
}

void merkle_frontier_root(const struct merkle_frontier *f, struct hash *root) {
    merkle_root_compute(f->nodes, merkle_frontier_count(f), root);
}

void merkle_root_of(const struct hash *leaves, size_t count, struct hash *root) {
    struct merkle_frontier f;
    merkle_frontier_init(&f);
    for (size_t i = 0; i < count; i++) {
        merkle_frontier_append(&f, &leaves[i]);
    }
    merkle_frontier_root(&f, root);
}
