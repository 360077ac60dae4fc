/* Reading. Sizes are checked against the head first; from there on, what is missing is damage. */
#include "ledger/tree.h"

#include "ledger/tree_layout.h"

#include <assert.h>
#include <string.h>

enum status tree_read_head(struct store_txn *txn, uint32_t log, struct tree_head *out) {
    struct key key = key_log(TABLE_TREE, log);
    struct bytes value;
    enum status status = store_get(txn, key_view(&key), &value);
    if (status == STATUS_NOT_FOUND) {
        out->size = 0;
        hash_empty(&out->root);
        return STATUS_OK;
    }
    TRY(status);
    struct tree_row row;
    TRY(tree_row_parse(value, &row));
    *out = (struct tree_head){.size = row.frontier.size, .root = row.root};
    return STATUS_OK;
}

/* NOT_FOUND unless the tree has at least `size` entries. */
static enum status check_size(struct store_txn *txn, uint32_t log, uint64_t size) {
    struct key key = key_log(TABLE_TREE, log);
    struct bytes value;
    if (size == 0) {
        return STATUS_OK;
    }
    TRY(store_get(txn, key_view(&key), &value));
    struct reader r;
    uint64_t stored;
    reader_init(&r, value);
    if (!reader_u64(&r, &stored)) {
        return STATUS_STORE_CORRUPT;
    }
    return size <= stored ? STATUS_OK : STATUS_NOT_FOUND;
}

static enum status missing_is_damage(enum status status) {
    return status == STATUS_NOT_FOUND ? STATUS_STORE_CORRUPT : status;
}

/* --- entries --- */

/* Moves past `count` entries of a bundle. */
static enum status skip_entries(struct reader *r, uint64_t count) {
    struct bytes entry;
    for (uint64_t i = 0; i < count; i++) {
        if (!bundle_next(r, &entry)) {
            return STATUS_STORE_CORRUPT;
        }
    }
    return STATUS_OK;
}

enum status tree_entry(struct store_txn *txn, uint32_t log, uint64_t index, struct bytes *entry) {
    if (index >= TREE_SIZE_MAX) {
        return STATUS_NOT_FOUND;
    }
    TRY(check_size(txn, log, index + 1));
    struct piece piece;
    TRY(missing_is_damage(piece_find(txn, log, index, &piece)));
    struct reader r;
    reader_init(&r, piece.bundle);
    TRY(skip_entries(&r, index - piece.first));
    return bundle_next(&r, entry) ? STATUS_OK : STATUS_STORE_CORRUPT;
}

static enum status walk_piece(const struct piece *piece, uint64_t from, uint64_t to,
                              tree_visit visit, void *context) {
    struct reader r;
    reader_init(&r, piece->bundle);
    TRY(skip_entries(&r, from - piece->first));
    for (uint64_t index = from; index < to; index++) {
        struct bytes entry;
        if (!bundle_next(&r, &entry)) {
            return STATUS_STORE_CORRUPT;
        }
        struct hash leaf;
        memcpy(leaf.bytes, piece->hashes.data + (index - piece->first) * HASH_SIZE, HASH_SIZE);
        TRY(visit(context, index, entry, &leaf));
    }
    return STATUS_OK;
}

enum status tree_walk(struct store_txn *txn, uint32_t log, uint64_t from, uint64_t to,
                      tree_visit visit, void *context) {
    TRY(check_size(txn, log, to));
    while (from < to) {
        struct piece piece;
        TRY(missing_is_damage(piece_find(txn, log, from, &piece)));
        uint64_t end = piece.first + piece.count < to ? piece.first + piece.count : to;
        TRY(walk_piece(&piece, from, end, visit, context));
        from = end;
    }
    return STATUS_OK;
}

/* --- hashes --- */

/* The hashes of one tile: in the store where they stand together, else gathered into `memory`. */
struct tile_hashes {
    bool set;
    unsigned level;
    uint64_t index;
    struct bytes hashes;
    uint8_t memory[TILE_WIDTH * HASH_SIZE];
};

#define NODES_KEPT 64

/* What proofs of one size need again and again: the nodes of a plan that are neighbours often lie
 * in one tile, and nearly every plan ends in the unfinished block, which is the one that has to be
 * gathered. */
struct tiles_read {
    struct tile_hashes last;
    struct tile_hashes unfinished;
    /* Nodes that took hashing: all proofs of one size share most of those to the right. */
    struct {
        struct merkle_node node;
        struct hash hash;
    } nodes[NODES_KEPT];
    size_t node_count;
};

/* The leaf hashes of the first `width` entries of the unfinished block at `start`. */
static enum status gather_leaves(struct store_txn *txn, uint32_t log, uint64_t start,
                                 unsigned width, struct tile_hashes *out) {
    struct writer w;
    writer_init(&w, out->memory, (size_t)width * HASH_SIZE);
    for (unsigned slot = 0; slot < width;) {
        struct piece piece;
        TRY(missing_is_damage(piece_find_unfinished(txn, log, start + slot, &piece)));
        if (piece.first != start + slot) {
            return STATUS_STORE_CORRUPT;
        }
        unsigned count = piece.count < width - slot ? piece.count : width - slot;
        writer_put(&w, piece.hashes.data, (size_t)count * HASH_SIZE);
        slot += count;
    }
    assert(!w.failed);
    out->hashes = writer_view(&w);
    return STATUS_OK;
}

/* A hash tile's first `width` hashes as stored together. NOT_FOUND: not stored, or in pieces. */
static enum status borrow_hashes(struct store_txn *txn, uint32_t log, unsigned level,
                                 uint64_t index, unsigned width, struct bytes *out) {
    struct bytes value;
    if (level == 0) {
        struct key key = key_log_u64(TABLE_BLOCK, log, index);
        TRY(store_get(txn, key_view(&key), &value));
        struct piece piece;
        TRY(piece_parse(value, index * TILE_WIDTH, &piece));
        value = piece.hashes;
    } else {
        struct key key = tile_key(log, level, index);
        TRY(missing_is_damage(store_get(txn, key_view(&key), &value)));
    }
    if (value.len < (size_t)width * HASH_SIZE) {
        return STATUS_STORE_CORRUPT;
    }
    *out = bytes_of(value.data, (size_t)width * HASH_SIZE);
    return STATUS_OK;
}

static bool holds(const struct tile_hashes *read, const struct tile *tile) {
    return read->set && read->level == tile->level && read->index == tile->index &&
           read->hashes.len >= (size_t)tile->width * HASH_SIZE;
}

/* A hash tile's hashes, from what was read before where they are there. */
static enum status read_hashes(struct store_txn *txn, uint32_t log, const struct tile *tile,
                               struct tiles_read *read, const uint8_t **out) {
    if (!holds(&read->last, tile) && !holds(&read->unfinished, tile)) {
        struct tile_hashes *into = &read->last;
        into->set = false;
        enum status status =
            borrow_hashes(txn, log, tile->level, tile->index, tile->width, &into->hashes);
        if (status == STATUS_NOT_FOUND) {
            into = &read->unfinished;
            into->set = false;
            status = gather_leaves(txn, log, tile->index * TILE_WIDTH, tile->width, into);
        }
        TRY(status);
        into->level = tile->level;
        into->index = tile->index;
        into->set = true;
    }
    *out = holds(&read->last, tile) ? read->last.hashes.data : read->unfinished.hashes.data;
    return STATUS_OK;
}

static bool known_node(const struct tiles_read *read, const struct merkle_node *node,
                       struct hash *out) {
    for (size_t i = 0; i < read->node_count; i++) {
        if (read->nodes[i].node.level == node->level && read->nodes[i].node.index == node->index) {
            *out = read->nodes[i].hash;
            return true;
        }
    }
    return false;
}

static enum status read_node(struct store_txn *txn, uint32_t log, uint64_t size,
                             const struct merkle_node *node, struct tiles_read *read,
                             struct hash *out) {
    struct tile tile;
    unsigned first, count;
    const uint8_t *hashes = NULL;
    if (known_node(read, node, out)) {
        return STATUS_OK;
    }
    tile_of_node(node, size, &tile, &first, &count);
    TRY(read_hashes(txn, log, &tile, read, &hashes));
    tile_node_hash(hashes + (size_t)first * HASH_SIZE, count, out);
    if (count > 1 && read->node_count < NODES_KEPT) {
        read->nodes[read->node_count].node = *node;
        read->nodes[read->node_count++].hash = *out;
    }
    return STATUS_OK;
}

static enum status read_plan(struct store_txn *txn, uint32_t log, uint64_t size,
                             const struct merkle_plan *plan, struct tiles_read *read,
                             struct hash *out) {
    for (size_t i = 0; i < plan->count; i++) {
        TRY(read_node(txn, log, size, &plan->nodes[i], read, &out[i]));
    }
    return STATUS_OK;
}

static void nothing_read(struct tiles_read *read) {
    read->last.set = false;
    read->unfinished.set = false;
    read->node_count = 0;
}

enum status tree_read_plan(struct store_txn *txn, uint32_t log, uint64_t size,
                           const struct merkle_plan *plan, struct hash *out) {
    struct tiles_read tiles;
    TRY(check_size(txn, log, size));
    nothing_read(&tiles);
    return read_plan(txn, log, size, plan, &tiles, out);
}

enum status tree_root_at(struct store_txn *txn, uint32_t log, uint64_t size, struct hash *root) {
    struct tree_head head;
    TRY(tree_read_head(txn, log, &head));
    if (size == 0) {
        hash_empty(root);
        return STATUS_OK;
    }
    if (size > head.size) {
        return STATUS_NOT_FOUND;
    }
    if (size == head.size) {
        *root = head.root;
        return STATUS_OK;
    }
    struct merkle_plan plan;
    struct hash read[MERKLE_PLAN_MAX];
    merkle_root_plan(0, size, &plan);
    TRY(tree_read_plan(txn, log, size, &plan, read));
    merkle_root_compute(read, plan.count, root);
    return STATUS_OK;
}

enum status tree_inclusions(struct store_txn *txn, uint32_t log, const uint64_t *indexes,
                            size_t count, uint64_t size, struct merkle_proof *proofs) {
    struct merkle_plan plan;
    struct hash read[MERKLE_PLAN_MAX];
    struct tiles_read tiles;
    TRY(check_size(txn, log, size));
    nothing_read(&tiles);
    for (size_t i = 0; i < count; i++) {
        merkle_inclusion_plan(indexes[i], size, &plan);
        TRY(read_plan(txn, log, size, &plan, &tiles, read));
        merkle_inclusion_prove(indexes[i], size, read, &proofs[i]);
    }
    return STATUS_OK;
}

enum status tree_inclusion(struct store_txn *txn, uint32_t log, uint64_t index, uint64_t size,
                           struct merkle_proof *proof) {
    return tree_inclusions(txn, log, &index, 1, size, proof);
}

enum status tree_consistency(struct store_txn *txn, uint32_t log, uint64_t old_size,
                             uint64_t new_size, struct merkle_proof *proof) {
    struct merkle_plan plan;
    struct hash read[MERKLE_PLAN_MAX];
    merkle_consistency_plan(old_size, new_size, &plan);
    TRY(tree_read_plan(txn, log, new_size, &plan, read));
    merkle_consistency_prove(old_size, new_size, read, proof);
    return STATUS_OK;
}

enum status tree_subtree(struct store_txn *txn, uint32_t log, uint64_t start, uint64_t end,
                         uint64_t size, struct merkle_proof *proof) {
    struct merkle_plan plan;
    struct hash read[MERKLE_PLAN_MAX];
    merkle_subtree_plan(start, end, size, &plan);
    TRY(tree_read_plan(txn, log, size, &plan, read));
    merkle_subtree_prove(start, end, size, read, proof);
    return STATUS_OK;
}

enum status tree_subproof(struct store_txn *txn, uint32_t log, uint64_t m, uint64_t n,
                          struct merkle_proof *proof) {
    struct merkle_plan plan;
    struct hash read[MERKLE_PLAN_MAX];
    merkle_subproof_plan(m, n, &plan);
    TRY(tree_read_plan(txn, log, n, &plan, read));
    merkle_subproof_prove(m, n, read, proof);
    return STATUS_OK;
}

/* --- tiles as they are served --- */

/* NOT_FOUND unless the first `size` entries, all stored, have the tile in this width. */
static enum status check_tile(struct store_txn *txn, uint32_t log, const struct tile *tile,
                              uint64_t size) {
    unsigned level = tile->entries ? 0 : tile->level;
    if (tile->width == 0 || tile->width > tile_width_at(level, tile->index, size)) {
        return STATUS_NOT_FOUND;
    }
    return check_size(txn, log, size);
}

/* The bytes of the first `count` entries of a bundle. */
static enum status bundle_prefix(struct bytes bundle, unsigned count, struct bytes *out) {
    struct reader r;
    reader_init(&r, bundle);
    TRY(skip_entries(&r, count));
    *out = bytes_of(bundle.data, bundle.len - r.rest.len);
    return STATUS_OK;
}

static enum status write_unfinished_bundle(struct store_txn *txn, uint32_t log,
                                           const struct tile *tile, struct writer *w) {
    uint64_t start = tile->index * TILE_WIDTH;
    for (unsigned slot = 0; slot < tile->width;) {
        struct piece piece;
        TRY(missing_is_damage(piece_find_unfinished(txn, log, start + slot, &piece)));
        if (piece.first != start + slot) {
            return STATUS_STORE_CORRUPT;
        }
        unsigned left = tile->width - slot;
        unsigned count = piece.count < left ? piece.count : left;
        struct bytes prefix;
        TRY(bundle_prefix(piece.bundle, count, &prefix));
        writer_bytes(w, prefix);
        slot += count;
    }
    return writer_status(w);
}

enum status tree_tile_borrow(struct store_txn *txn, uint32_t log, const struct tile *tile,
                             uint64_t size, struct bytes *out) {
    TRY(check_tile(txn, log, tile, size));
    if (!tile->entries) {
        return borrow_hashes(txn, log, tile->level, tile->index, tile->width, out);
    }
    struct key key = key_log_u64(TABLE_BLOCK, log, tile->index);
    struct bytes value;
    TRY(store_get(txn, key_view(&key), &value));
    struct piece piece;
    TRY(piece_parse(value, tile->index * TILE_WIDTH, &piece));
    return bundle_prefix(piece.bundle, tile->width, out);
}

enum status tree_tile(struct store_txn *txn, uint32_t log, const struct tile *tile, uint64_t size,
                      struct writer *w) {
    struct bytes borrowed;
    enum status status = tree_tile_borrow(txn, log, tile, size, &borrowed);
    if (status == STATUS_OK) {
        writer_bytes(w, borrowed);
        return writer_status(w);
    }
    if (status != STATUS_NOT_FOUND) {
        return status;
    }
    TRY(check_tile(txn, log, tile, size)); /* absent, or of the unfinished block? */
    if (tile->entries) {
        return write_unfinished_bundle(txn, log, tile, w);
    }
    struct tiles_read tiles;
    const uint8_t *hashes = NULL;
    nothing_read(&tiles);
    TRY(read_hashes(txn, log, tile, &tiles, &hashes));
    writer_put(w, hashes, (size_t)tile->width * HASH_SIZE);
    return writer_status(w);
}
