#include "ledger/tree_layout.h"

#include <assert.h>

size_t piece_size(unsigned count, size_t bundle_len) {
    assert(count >= 1 && count <= TILE_WIDTH);
    return 1 + (size_t)count * HASH_SIZE + bundle_len;
}

enum status piece_parse(struct bytes value, uint64_t first, struct piece *out) {
    struct reader r;
    uint8_t last;
    struct bytes hashes;
    reader_init(&r, value);
    if (!reader_u8(&r, &last) || !reader_take(&r, ((size_t)last + 1) * HASH_SIZE, &hashes) ||
        first % TILE_WIDTH + last >= TILE_WIDTH) {
        return STATUS_STORE_CORRUPT;
    }
    *out = (struct piece){
        .first = first, .count = (unsigned)last + 1, .hashes = hashes, .bundle = r.rest};
    return STATUS_OK;
}

enum status piece_find_unfinished(struct store_txn *txn, uint32_t log, uint64_t index,
                                  struct piece *out) {
    struct key from = key_log_u64(TABLE_ENTRY, log, index);
    struct bytes key, value;
    TRY(store_seek_back(txn, key_view(&from), &key, &value));
    struct reader r;
    uint8_t table;
    uint32_t found_log;
    uint64_t first;
    reader_init(&r, key);
    if (!reader_u8(&r, &table) || table != TABLE_ENTRY || !reader_u32(&r, &found_log) ||
        found_log != log) {
        return STATUS_NOT_FOUND;
    }
    if (!reader_u64(&r, &first) || !reader_done(&r)) {
        return STATUS_STORE_CORRUPT;
    }
    struct piece piece;
    TRY(piece_parse(value, first, &piece));
    if (index - piece.first >= piece.count) {
        return STATUS_NOT_FOUND;
    }
    *out = piece;
    return STATUS_OK;
}

enum status piece_find(struct store_txn *txn, uint32_t log, uint64_t index, struct piece *out) {
    struct key key = key_log_u64(TABLE_BLOCK, log, index / TILE_WIDTH);
    struct bytes value;
    enum status status = store_get(txn, key_view(&key), &value);
    if (status == STATUS_NOT_FOUND) {
        return piece_find_unfinished(txn, log, index, out);
    }
    TRY(status);
    struct piece piece;
    TRY(piece_parse(value, index / TILE_WIDTH * TILE_WIDTH, &piece));
    if (piece.count != TILE_WIDTH) {
        return STATUS_STORE_CORRUPT;
    }
    *out = piece;
    return STATUS_OK;
}

struct key tile_key(uint32_t log, unsigned level, uint64_t index) {
    assert(level >= 1 && level <= TILE_LEVEL_MAX);
    struct key key = key_log(TABLE_TILE, log);
    key_u8(&key, (uint8_t)level);
    key_u64(&key, index);
    return key;
}

enum status tree_row_parse(struct bytes value, struct tree_row *out) {
    struct reader r;
    struct tree_row row = {0};
    reader_init(&r, value);
    reader_u64(&r, &row.frontier.size);
    reader_u32(&r, &row.unfinished_bytes);
    if (!reader_hash(&r, &row.root) || row.frontier.size > TREE_SIZE_MAX) {
        return STATUS_STORE_CORRUPT;
    }
    size_t count = merkle_frontier_count(&row.frontier);
    for (size_t i = 0; i < count; i++) {
        reader_hash(&r, &row.frontier.nodes[i]);
    }
    uint64_t unfinished = row.frontier.size % TILE_WIDTH;
    if (!reader_done(&r) || row.unfinished_bytes < 2 * unfinished ||
        row.unfinished_bytes > unfinished * (2 + ENTRY_SIZE_MAX)) {
        return STATUS_STORE_CORRUPT;
    }
    struct hash root;
    merkle_frontier_root(&row.frontier, &root);
    if (!hash_equal(&root, &row.root)) {
        return STATUS_STORE_CORRUPT;
    }
    *out = row;
    return STATUS_OK;
}

void tree_row_format(struct writer *w, const struct tree_row *row) {
    writer_u64(w, row->frontier.size);
    writer_u32(w, row->unfinished_bytes);
    writer_hash(w, &row->root);
    for (size_t i = 0; i < merkle_frontier_count(&row->frontier); i++) {
        writer_hash(w, &row->frontier.nodes[i]);
    }
}
