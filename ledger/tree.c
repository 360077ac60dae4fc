/* Appending. Every hash is computed from what is in memory: the frontier gives the root of a block
 * and of a tile at the moment it is finished, so that what was read back from the store (the pieces
 * of the unfinished block, the growing tiles) is checked against it and never signed over unseen.
 */
#include "ledger/tree.h"

#include "ledger/tree_layout.h"

#include <assert.h>
#include <string.h>

static_assert(TREE_SIZE_MAX >> 56 < TILE_WIDTH, "the level above the last tiles is never full");

/* A log without a head has no entries either; else it would be begun anew, over what is there. */
static enum status check_empty(struct store_txn *txn, uint32_t log) {
    static const enum table tables[] = {TABLE_ENTRY, TABLE_BLOCK};
    for (size_t i = 0; i < 2; i++) {
        struct key from = key_log(tables[i], log);
        struct bytes key, value;
        enum status status = store_seek(txn, key_view(&from), &key, &value);
        if (status == STATUS_OK && key.len >= from.len &&
            memcmp(key.data, from.data, from.len) == 0) {
            return STATUS_STORE_CORRUPT;
        }
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
            return status;
        }
    }
    return STATUS_OK;
}

enum status tree_load(struct store_txn *txn, uint32_t log, struct tree *out) {
    struct key key = key_log(TABLE_TREE, log);
    struct bytes value;
    struct tree_row row = {.frontier = {.size = 0}};
    enum status status = store_get(txn, key_view(&key), &value);
    if (status == STATUS_NOT_FOUND) {
        TRY(check_empty(txn, log));
    } else {
        TRY(status);
        TRY(tree_row_parse(value, &row));
    }
    out->log = log;
    out->frontier = row.frontier;
    out->flushed = row.frontier.size;
    out->stored_bytes = row.unfinished_bytes;
    out->new_bytes = 0;
    return STATUS_OK;
}

/* The index of the first entry of the unfinished block, or of the next one. */
static uint64_t block_start(uint64_t size) {
    return size / TILE_WIDTH * TILE_WIDTH;
}

/* How many entries of the block at `start` lie in the store, in pieces. */
static unsigned stored_in_block(const struct tree *tree, uint64_t start) {
    return tree->flushed > start ? (unsigned)(tree->flushed - start) : 0;
}

/* Copies a stored piece into the room of its block; its leaf hashes join the tree's. */
static enum status gather_piece(struct tree *tree, const struct piece *piece, uint8_t *hashes,
                                struct writer *bundle) {
    unsigned slot = (unsigned)(piece->first % TILE_WIDTH);
    memcpy(hashes + (size_t)slot * HASH_SIZE, piece->hashes.data, piece->hashes.len);
    memcpy(tree->leaves[slot].bytes, piece->hashes.data, piece->hashes.len);
    struct reader r;
    reader_init(&r, piece->bundle);
    for (unsigned i = 0; i < piece->count; i++) {
        struct bytes entry;
        struct hash leaf;
        if (!bundle_next(&r, &entry)) {
            return STATUS_STORE_CORRUPT;
        }
        /* The disk has no checksums, and this is the last time these bytes are moved. */
        hash_leaf(entry.data, entry.len, &leaf);
        if (!hash_equal(&leaf, &tree->leaves[slot + i])) {
            return STATUS_STORE_CORRUPT;
        }
    }
    writer_bytes(bundle, piece->bundle);
    return reader_done(&r) && !bundle->failed ? STATUS_OK : STATUS_STORE_CORRUPT;
}

/* Fills the room of a finished block: the stored pieces, then what the caller holds. Marks the slot
 * of each piece's first entry in `is_piece`. */
static enum status fill_block(struct tree *tree, struct store_txn *txn, uint64_t start,
                              uint8_t *hashes, struct writer *bundle, bool *is_piece) {
    unsigned stored = stored_in_block(tree, start);
    for (unsigned slot = 0; slot < stored;) {
        struct piece piece;
        enum status status = piece_find_unfinished(txn, tree->log, start + slot, &piece);
        if (status == STATUS_NOT_FOUND ||
            (status == STATUS_OK && (piece.first != start + slot || piece.count > stored - slot))) {
            return STATUS_STORE_CORRUPT; /* the head says that they are there */
        }
        TRY(status);
        TRY(gather_piece(tree, &piece, hashes, bundle));
        is_piece[slot] = true;
        slot += piece.count;
    }
    memcpy(hashes + (size_t)stored * HASH_SIZE, tree->leaves[stored].bytes,
           (size_t)(TILE_WIDTH - stored) * HASH_SIZE);
    for (unsigned slot = stored; slot < TILE_WIDTH; slot++) {
        bundle_put(bundle, tree->entries[slot]);
    }
    return !bundle->failed && bundle->len == bundle->cap ? STATUS_OK : STATUS_STORE_CORRUPT;
}

/* Writes the finished block at `start`, whose root the frontier says is `root`. */
static enum status write_block(struct tree *tree, struct store_txn *txn, uint64_t start,
                               const struct hash *root) {
    unsigned stored = stored_in_block(tree, start);
    size_t bundle_len = (stored > 0 ? (size_t)tree->stored_bytes : 0) + tree->new_bytes;
    struct key key = key_log_u64(TABLE_BLOCK, tree->log, start / TILE_WIDTH);
    uint8_t *room;
    TRY(store_reserve(txn, key_view(&key), piece_size(TILE_WIDTH, bundle_len), &room));
    bool is_piece[TILE_WIDTH] = {false};
    struct writer bundle;
    writer_init(&bundle, room + piece_size(TILE_WIDTH, 0), bundle_len);
    room[0] = TILE_WIDTH - 1;
    TRY(fill_block(tree, txn, start, room + 1, &bundle, is_piece));
    if (stored > 0) {
        struct hash computed;
        merkle_root_of(tree->leaves, TILE_WIDTH, &computed);
        if (!hash_equal(&computed, root)) {
            return STATUS_STORE_CORRUPT;
        }
    }
    for (unsigned slot = 0; slot < stored; slot++) {
        if (is_piece[slot]) {
            key = key_log_u64(TABLE_ENTRY, tree->log, start + slot);
            TRY(store_remove(txn, key_view(&key)));
        }
    }
    tree->stored_bytes = 0;
    tree->new_bytes = 0;
    return STATUS_OK;
}

/* Adds one hash to a growing tile of level >= 1. If that finishes the tile, `parent` is the hash
 * that the frontier gives for the whole of it. */
static enum status grow_tile(struct tree *tree, struct store_txn *txn, unsigned level,
                             uint64_t index, const struct hash *hash, const struct hash *parent) {
    struct hash hashes[TILE_WIDTH];
    size_t slot = index % TILE_WIDTH;
    struct key key = tile_key(tree->log, level, index / TILE_WIDTH);
    if (slot > 0) {
        struct bytes value;
        enum status status = store_get(txn, key_view(&key), &value);
        if (status == STATUS_NOT_FOUND || (status == STATUS_OK && value.len != slot * HASH_SIZE)) {
            return STATUS_STORE_CORRUPT;
        }
        TRY(status);
        memcpy(hashes, value.data, value.len);
    }
    hashes[slot] = *hash;
    if (slot == TILE_WIDTH - 1) {
        struct hash computed;
        merkle_root_of(hashes, TILE_WIDTH, &computed);
        if (!hash_equal(&computed, parent)) {
            return STATUS_STORE_CORRUPT;
        }
    }
    return store_put(txn, key_view(&key), bytes_of(hashes, (slot + 1) * HASH_SIZE));
}

/* What the leaf at the frontier's size finishes: its block, and every tile that thereby gets a
 * hash. The hash of the perfect subtree of 256^level leaves that ends with this leaf is folded from
 * the frontier, whose last nodes are exactly its left siblings. */
static enum status finish_block(struct tree *tree, struct store_txn *txn, const struct hash *leaf) {
    const struct merkle_frontier *f = &tree->frontier;
    uint64_t size = f->size + 1;
    struct hash perfect[TILE_LEVEL_MAX + 1] = {[0] = *leaf};
    unsigned levels = 0; /* perfect[0..levels] are set */
    size_t count = merkle_frontier_count(f);
    while (levels < TILE_LEVEL_MAX && size % ((uint64_t)1 << (8 * (levels + 1))) == 0) {
        struct hash node = perfect[levels];
        for (unsigned i = 0; i < 8; i++) {
            assert(count > 0);
            hash_node(&f->nodes[--count], &node, &node);
        }
        perfect[++levels] = node;
    }
    assert(levels >= 1);
    TRY(write_block(tree, txn, size - TILE_WIDTH, &perfect[1]));
    for (unsigned level = 1; level <= levels; level++) {
        const struct hash *parent = level < levels ? &perfect[level + 1] : NULL;
        TRY(grow_tile(tree, txn, level, (size >> (8 * level)) - 1, &perfect[level], parent));
    }
    return STATUS_OK;
}

enum status tree_append(struct tree *tree, struct store_txn *txn, struct bytes entry,
                        const struct hash *leaf) {
    if (entry.len > ENTRY_SIZE_MAX) {
        return STATUS_TOO_LARGE;
    }
    unsigned slot = (unsigned)(tree->frontier.size % TILE_WIDTH);
    if (leaf != NULL) {
        tree->leaves[slot] = *leaf;
    } else {
        hash_leaf(entry.data, entry.len, &tree->leaves[slot]);
    }
    tree->entries[slot] = entry;
    tree->new_bytes += (uint32_t)(2 + entry.len);
    if (slot == TILE_WIDTH - 1) {
        TRY(finish_block(tree, txn, &tree->leaves[slot]));
    }
    merkle_frontier_append(&tree->frontier, &tree->leaves[slot]);
    return STATUS_OK;
}

/* Writes the entries of the unfinished block that are not yet in the store as one piece. */
static enum status write_piece(struct tree *tree, struct store_txn *txn) {
    uint64_t start = block_start(tree->frontier.size);
    uint64_t first = tree->flushed > start ? tree->flushed : start;
    unsigned count = (unsigned)(tree->frontier.size - first);
    if (count == 0) {
        return STATUS_OK;
    }
    unsigned slot = (unsigned)(first - start);
    size_t len = piece_size(count, tree->new_bytes);
    struct key key = key_log_u64(TABLE_ENTRY, tree->log, first);
    uint8_t *room;
    TRY(store_reserve(txn, key_view(&key), len, &room));
    struct writer w;
    writer_init(&w, room, len);
    writer_u8(&w, (uint8_t)(count - 1));
    writer_put(&w, tree->leaves[slot].bytes, (size_t)count * HASH_SIZE);
    for (unsigned i = 0; i < count; i++) {
        bundle_put(&w, tree->entries[slot + i]);
    }
    assert(!w.failed && w.len == len); /* new_bytes counts exactly these entries */
    tree->stored_bytes += tree->new_bytes;
    tree->new_bytes = 0;
    return STATUS_OK;
}

enum status tree_flush(struct tree *tree, struct store_txn *txn) {
    if (tree->frontier.size == tree->flushed) {
        return STATUS_OK;
    }
    TRY(write_piece(tree, txn));
    struct tree_row row = {.frontier = tree->frontier, .unfinished_bytes = tree->stored_bytes};
    merkle_frontier_root(&row.frontier, &row.root);
    uint8_t memory[TREE_ROW_MAX];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    tree_row_format(&w, &row);
    assert(!w.failed);
    struct key key = key_log(TABLE_TREE, tree->log);
    TRY(store_put(txn, key_view(&key), writer_view(&w)));
    tree->flushed = tree->frontier.size;
    return STATUS_OK;
}
