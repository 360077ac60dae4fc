#include "ledger/store_check.h"

#include "ledger/scan.h"
#include "ledger/tree_layout.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PROGRESS_EVERY_BLOCKS 64

void store_check_found(struct store_check *check, const char *format, ...) {
    char text[REFUSAL_TEXT_MAX];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert(n >= 0);
    struct refusal why;
    (void)refuse(&why, STATUS_STORE_CORRUPT, "%s", text);
    check->stats.findings++;
    check->finding(check->context, &why);
}

/* --- blocks --- */

/* Every entry hashes to its leaf hash, and the bundle ends with the last. */
static void check_entries(struct store_check *check, uint32_t log, const struct piece *piece) {
    struct reader r;
    reader_init(&r, piece->bundle);
    for (unsigned i = 0; i < piece->count; i++) {
        struct bytes entry;
        struct hash leaf;
        uint64_t index = piece->first + i;
        if (!bundle_next(&r, &entry)) {
            store_check_found(
                check, "log %" PRIu32 ": the bundle of entry %" PRIu64 " is cut off before it", log,
                index);
            return;
        }
        hash_leaf(entry.data, entry.len, &leaf);
        if (memcmp(leaf.bytes, piece->hashes.data + (size_t)i * HASH_SIZE, HASH_SIZE) != 0) {
            store_check_found(check,
                              "log %" PRIu32 ": entry %" PRIu64 " does not have its leaf hash", log,
                              index);
        }
        check->stats.entries++;
        check->stats.bytes += entry.len;
    }
    if (r.rest.len > 0) {
        store_check_found(check, "log %" PRIu32 ": bytes left over after entry %" PRIu64, log,
                          piece->first + piece->count - 1);
    }
}

/* What the level-1 tile says the root of a block is. */
struct parents {
    bool set;
    uint64_t tile;
    struct bytes hashes;
};

static enum status check_block(struct store_check *check, struct store_txn *txn, uint32_t log,
                               uint64_t block, struct bytes value, struct parents *parents) {
    struct piece piece;
    if (piece_parse(value, block * TILE_WIDTH, &piece) != STATUS_OK || piece.count != TILE_WIDTH) {
        store_check_found(check, "log %" PRIu32 ": block %" PRIu64 " is malformed", log, block);
        return STATUS_OK;
    }
    check->stats.blocks++;
    check_entries(check, log, &piece);
    if (!parents->set || parents->tile != block / TILE_WIDTH) {
        struct key key = tile_key(log, 1, block / TILE_WIDTH);
        enum status status = store_get(txn, key_view(&key), &parents->hashes);
        if (status == STATUS_NOT_FOUND) {
            parents->hashes = bytes_of(NULL, 0); /* store_check_head finds that it is missing */
        } else {
            TRY(status);
        }
        parents->set = true;
        parents->tile = block / TILE_WIDTH;
    }
    size_t offset = (size_t)(block % TILE_WIDTH) * HASH_SIZE;
    if (parents->hashes.len < offset + HASH_SIZE) {
        return STATUS_OK; /* likewise */
    }
    struct hash root;
    tile_node_hash(piece.hashes.data, TILE_WIDTH, &root);
    if (memcmp(root.bytes, parents->hashes.data + offset, HASH_SIZE) != 0) {
        store_check_found(check,
                          "log %" PRIu32 ": block %" PRIu64 " does not have the root in its tile",
                          log, block);
    }
    return STATUS_OK;
}

static void check_missing(struct store_check *check, uint32_t log, const char *what, uint64_t from,
                          uint64_t to) {
    if (from < to) {
        store_check_found(check, "log %" PRIu32 ": %s %" PRIu64 " to %" PRIu64 " missing", log,
                          what, from, to - 1);
    }
}

enum status store_check_blocks(struct store_check *check, struct store_txn *txn, uint32_t log,
                               uint64_t size, uint64_t from, uint64_t to) {
    assert(from <= to && to <= size / TILE_WIDTH);
    bool last = to == size / TILE_WIDTH;
    struct scan scan =
        scan_from(txn, key_log(TABLE_BLOCK, log), key_log_u64(TABLE_BLOCK, log, from));
    struct parents parents = {.set = false};
    struct bytes key, value;
    uint64_t next = from;
    enum status status;
    while ((status = scan_next(&scan, &key, &value)) == STATUS_OK) {
        uint64_t block;
        if (!scan_number(&scan, key, &block)) {
            store_check_found(check, "log %" PRIu32 ": a malformed key among its blocks", log);
            continue;
        }
        if (block >= to) {
            if (!last) {
                break;
            }
            store_check_found(check, "log %" PRIu32 ": block %" PRIu64 " beyond the tree", log,
                              block);
            continue;
        }
        check_missing(check, log, "blocks", next, block);
        TRY(check_block(check, txn, log, block, value, &parents));
        next = block + 1;
        if (next % PROGRESS_EVERY_BLOCKS == 0 && check->progress != NULL &&
            !check->progress(check->context, check->stats.entries)) {
            return STATUS_BUSY;
        }
    }
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    check_missing(check, log, "blocks", next, to);
    return STATUS_OK;
}

/* --- the head --- */

/* The frontier's nodes within one tile level: they are the perfect subtrees of the level's last,
 * partial tile, whose `width` hashes these are. */
static void check_frontier(struct store_check *check, const struct merkle_frontier *f, uint32_t log,
                           unsigned level, const uint8_t *hashes) {
    unsigned width = (unsigned)(f->size >> (8 * level) & (TILE_WIDTH - 1));
    unsigned first = 0;
    for (unsigned bit = 8; bit-- > 0;) {
        unsigned count = 1U << bit;
        if ((width & count) == 0) {
            continue;
        }
        /* Nodes stand largest first, one per one bit of the size. */
        unsigned above = 8 * level + bit + 1;
        size_t at = above > 63 ? 0 : (size_t)__builtin_popcountll(f->size >> above);
        struct hash node;
        tile_node_hash(hashes + (size_t)first * HASH_SIZE, count, &node);
        if (!hash_equal(&node, &f->nodes[at])) {
            store_check_found(check,
                              "log %" PRIu32 ": level %u, hashes from %" PRIu64
                              " do not have the frontier's node",
                              log, level, (f->size >> (8 * level)) - width + first);
        }
        first += count;
    }
}

/* The pieces of the unfinished block stand next to each other and hold what the head says. */
static enum status check_unfinished(struct store_check *check, struct store_txn *txn, uint32_t log,
                                    const struct tree_row *row) {
    uint64_t size = row->frontier.size;
    uint64_t start = size / TILE_WIDTH * TILE_WIDTH, next = start, bundle_bytes = 0;
    uint8_t leaves[TILE_WIDTH * HASH_SIZE];
    struct key prefix = key_log(TABLE_ENTRY, log);
    struct scan scan = scan_from(txn, prefix, prefix);
    struct bytes key, value;
    enum status status;
    bool whole = true;
    while ((status = scan_next(&scan, &key, &value)) == STATUS_OK) {
        struct piece piece;
        uint64_t first;
        if (!scan_number(&scan, key, &first) || piece_parse(value, first, &piece) != STATUS_OK) {
            store_check_found(check, "log %" PRIu32 ": a malformed piece of the unfinished block",
                              log);
            whole = false;
        } else if (first != next || piece.count > size - first) {
            store_check_found(check,
                              "log %" PRIu32 ": a piece at %" PRIu64 " where %" PRIu64
                              " of %" PRIu64 " entries come next",
                              log, first, next, size);
            whole = false;
        } else {
            check_entries(check, log, &piece);
            memcpy(leaves + (first - start) * HASH_SIZE, piece.hashes.data, piece.hashes.len);
            bundle_bytes += piece.bundle.len;
            next += piece.count;
        }
    }
    if (status != STATUS_NOT_FOUND) {
        return status;
    }
    check_missing(check, log, "entries", next, size);
    if (whole && next == size) {
        if (bundle_bytes != row->unfinished_bytes) {
            store_check_found(check,
                              "log %" PRIu32 ": the unfinished block has %" PRIu64
                              " bytes, not the head's %" PRIu32,
                              log, bundle_bytes, row->unfinished_bytes);
        }
        check_frontier(check, &row->frontier, log, 0, leaves);
    }
    return STATUS_OK;
}

/* One tile of level >= 1 in its right width; a full one has the root in its parent. */
static enum status check_tile(struct store_check *check, struct store_txn *txn, uint32_t log,
                              const struct tree_row *row, unsigned level, uint64_t index,
                              struct bytes hashes) {
    unsigned width = tile_width_at(level, index, row->frontier.size);
    check->stats.tiles++;
    if (hashes.len != (size_t)width * HASH_SIZE) {
        store_check_found(check,
                          "log %" PRIu32 ": tile %u/%" PRIu64 " has %zu bytes, not %u hashes", log,
                          level, index, hashes.len, width);
        return STATUS_OK;
    }
    if (width < TILE_WIDTH) {
        check_frontier(check, &row->frontier, log, level, hashes.data);
        return STATUS_OK;
    }
    assert(level < TILE_LEVEL_MAX); /* the highest is never full: TREE_SIZE_MAX is 2^62 */
    struct hash root;
    tile_node_hash(hashes.data, TILE_WIDTH, &root);
    struct key key = tile_key(log, level + 1, index / TILE_WIDTH);
    struct bytes parent;
    size_t offset = (size_t)(index % TILE_WIDTH) * HASH_SIZE;
    enum status status = store_get(txn, key_view(&key), &parent);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && parent.len < offset + HASH_SIZE)) {
        return STATUS_OK; /* found when its own level is checked */
    }
    TRY(status);
    if (memcmp(root.bytes, parent.data + offset, HASH_SIZE) != 0) {
        store_check_found(
            check, "log %" PRIu32 ": tile %u/%" PRIu64 " does not have the root in its parent", log,
            level, index);
    }
    return STATUS_OK;
}

static void check_missing_tiles(struct store_check *check, uint32_t log, unsigned level,
                                uint64_t from, uint64_t to) {
    if (from < to) {
        store_check_found(check, "log %" PRIu32 ": tiles %u/%" PRIu64 " to %u/%" PRIu64 " missing",
                          log, level, from, level, to - 1);
    }
}

/* All tiles of one level, as many as the size asks for. */
static enum status check_level(struct store_check *check, struct store_txn *txn, uint32_t log,
                               const struct tree_row *row, unsigned level) {
    uint64_t hashes = row->frontier.size >> (8 * level);
    uint64_t tiles = (hashes + TILE_WIDTH - 1) / TILE_WIDTH, next = 0;
    struct key prefix = key_log(TABLE_TILE, log);
    key_u8(&prefix, (uint8_t)level);
    struct scan scan = scan_from(txn, prefix, prefix);
    struct bytes key, value;
    enum status status;
    while ((status = scan_next(&scan, &key, &value)) == STATUS_OK) {
        uint64_t index;
        if (!scan_number(&scan, key, &index) || index >= tiles) {
            store_check_found(check, "log %" PRIu32 ": a tile of level %u too many", log, level);
            continue;
        }
        check_missing_tiles(check, log, level, next, index);
        TRY(check_tile(check, txn, log, row, level, index, value));
        next = index + 1;
    }
    if (status != STATUS_NOT_FOUND) {
        return status;
    }
    check_missing_tiles(check, log, level, next, tiles);
    return STATUS_OK;
}

/* Keys of the log in the tree's tables that no size explains. */
static enum status check_surplus(struct store_check *check, struct store_txn *txn, uint32_t log) {
    struct bytes key, value;
    struct key prefix = key_log(TABLE_TREE, log), at = prefix;
    key_u8(&at, 0);
    struct scan scan = scan_from(txn, prefix, at);
    enum status status = scan_next(&scan, &key, &value);
    if (status == STATUS_OK) {
        store_check_found(check, "log %" PRIu32 ": a second head", log);
    } else if (status != STATUS_NOT_FOUND) {
        return status;
    }
    prefix = key_log(TABLE_TILE, log);
    scan = scan_from(txn, prefix, prefix);
    while ((status = scan_next(&scan, &key, &value)) == STATUS_OK) {
        unsigned level = key.len > prefix.len ? key.data[prefix.len] : 0;
        if (level < 1 || level > TILE_LEVEL_MAX) {
            store_check_found(check, "log %" PRIu32 ": a tile of a level that no tree has", log);
            continue;
        }
        /* The level itself is check_level's: on to the next one. */
        scan.at = prefix;
        key_u8(&scan.at, (uint8_t)(level + 1));
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status store_check_head(struct store_check *check, struct store_txn *txn, uint32_t log,
                             uint64_t *size) {
    struct key key = key_log(TABLE_TREE, log);
    struct bytes value;
    struct tree_row row = {.unfinished_bytes = 0};
    enum status status = store_get(txn, key_view(&key), &value);
    if (status == STATUS_OK && tree_row_parse(value, &row) != STATUS_OK) {
        store_check_found(
            check, "log %" PRIu32 ": the head is malformed, or its root not its frontier's", log);
        *size = 0;
        return STATUS_OK;
    }
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    TRY(check_unfinished(check, txn, log, &row));
    for (unsigned level = 1; level <= TILE_LEVEL_MAX; level++) {
        TRY(check_level(check, txn, log, &row, level));
    }
    TRY(check_surplus(check, txn, log));
    *size = row.frontier.size;
    return STATUS_OK;
}

enum status store_check_tree(struct store_check *check, struct store_txn *txn, uint32_t log) {
    uint64_t size;
    uint64_t before = check->stats.findings;
    TRY(store_check_head(check, txn, log, &size));
    if (size == 0 && check->stats.findings > before) {
        return STATUS_OK; /* without a head every block would be a finding */
    }
    return store_check_blocks(check, txn, log, size, 0, size / TILE_WIDTH);
}

/* --- keys of nobody --- */

/* Finds the keys of a table that are too short, and the logs in it that nobody registered. */
static enum status check_table(struct store_check *check, struct store_txn *txn, uint8_t table,
                               uint32_t logs) {
    struct bytes key, value;
    struct key prefix;
    key_start(&prefix, (enum table)table);
    struct scan scan = scan_from(txn, prefix, prefix);
    enum status status;
    /* One step per log: from its first key to the next log's. */
    while ((status = scan_next(&scan, &key, &value)) == STATUS_OK) {
        struct reader r;
        uint32_t log;
        reader_init(&r, bytes_of(key.data + 1, key.len - 1));
        if (!reader_u32(&r, &log)) {
            store_check_found(check, "a key of table '%c' without a log", table);
            continue;
        }
        if (log < 1 || log > logs) {
            store_check_found(check, "table '%c' has keys of log %" PRIu32 ", which is unknown",
                              table, log);
        }
        if (log == UINT32_MAX) {
            return STATUS_OK;
        }
        scan.at = key_log((enum table)table, log + 1);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status store_check_strays(struct store_check *check, struct store_txn *txn, uint32_t logs) {
    struct key at = {.len = 0};
    for (;;) {
        struct bytes key, value;
        enum status status = store_seek(txn, key_view(&at), &key, &value);
        if (status == STATUS_NOT_FOUND) {
            return STATUS_OK;
        }
        TRY(status);
        uint8_t table = key.data[0];
        if (!table_known(table)) {
            store_check_found(check, "keys of an unknown table 0x%02x", table);
        } else if (table_of_log(table)) {
            TRY(check_table(check, txn, table, logs));
        }
        if (table == UINT8_MAX) {
            return STATUS_OK;
        }
        key_start(&at, (enum table)(table + 1));
    }
}
