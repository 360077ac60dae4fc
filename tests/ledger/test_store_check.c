/* Every stored byte of a tree is checked: whatever is changed, removed or added is found. */
#include "ledger/schema.h"
#include "ledger/store_check.h"
#include "ledger/store_memory.h"
#include "ledger/tile.h"
#include "ledger/tree.h"
#include "tests/lib/check.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define LOG 2

static struct store *store;
static struct store_check checked;
static char last_finding[REFUSAL_TEXT_MAX];

static void setup(void) {
    CHECK_OK(store_memory_open(NULL, &store));
}

static void teardown(void) {
    store_memory_close(store);
}

TestSuite(store_check, .init = setup, .fini = teardown, .timeout = 120);

static struct store_txn *begin(enum store_mode mode) {
    struct store_txn *txn = NULL;
    CHECK_OK(store_begin(store, mode, &txn));
    return txn;
}

/* Entries of 0 to 4 bytes, so that every byte can be tried. */
static struct bytes entry_at(uint64_t i, uint8_t memory[4]) {
    for (size_t b = 0; b < 4; b++) {
        memory[b] = (uint8_t)(i >> (8 * b));
    }
    return bytes_of(memory, i % 5);
}

static void append_to(uint64_t to, uint64_t step) {
    uint8_t(*memory)[4] = calloc(step, sizeof *memory);
    struct tree *tree = malloc(sizeof *tree);
    for (;;) {
        struct store_txn *txn = begin(STORE_WRITE);
        CHECK_OK(tree_load(txn, LOG, tree));
        uint64_t at = tree->frontier.size;
        for (uint64_t i = 0; i < step && at + i < to; i++) {
            CHECK_OK(tree_append(tree, txn, entry_at(at + i, memory[i]), NULL));
        }
        CHECK_OK(tree_flush(tree, txn));
        at = tree->frontier.size;
        CHECK_OK(store_commit(txn));
        if (at == to) {
            break;
        }
    }
    free(tree);
    free(memory);
}

static void keep_finding(void *context, const struct refusal *why) {
    cr_assert_eq(context, &checked);
    cr_assert_eq(why->status, STATUS_STORE_CORRUPT);
    cr_assert_neq(why->text[0], '\0');
    memcpy(last_finding, why->text, sizeof last_finding);
}

static void reset(void) {
    checked = (struct store_check){.finding = keep_finding, .context = &checked};
    last_finding[0] = '\0';
}

/* The number of findings in the log as the transaction sees it. */
static uint64_t findings(struct store_txn *txn) {
    reset();
    CHECK_OK(store_check_tree(&checked, txn, LOG));
    return checked.stats.findings;
}

Test(store_check, finds_nothing_in_a_sound_tree) {
    static const uint64_t sizes[] = {0,   1,   2,   255,   256,   257,  300,
                                     511, 512, 600, 65535, 65536, 66100};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (sizes[i] > 0) {
            append_to(sizes[i], sizes[i] < 1000 ? 7 : 3000);
        }
        struct store_txn *txn = begin(STORE_READ);
        cr_assert_eq(findings(txn), 0, "%s", last_finding);
        uint64_t bytes = 0;
        for (uint64_t e = 0; e < sizes[i]; e++) {
            bytes += e % 5;
        }
        cr_assert_eq(checked.stats.entries, sizes[i]);
        cr_assert_eq(checked.stats.bytes, bytes);
        cr_assert_eq(checked.stats.blocks, sizes[i] / 256);
        cr_assert_eq(checked.stats.tiles,
                     (sizes[i] / 256 + 255) / 256 + (sizes[i] / 65536 + 255) / 256);
        store_abort(txn);
    }
}

/* --- every row mangled in every way --- */

#define ROWS_MAX 64
struct row {
    struct key key;
    struct bytes value;
};

/* All rows of the store; values borrowed from the transaction. */
static size_t all_rows(struct store_txn *txn, struct row *rows) {
    size_t count = 0;
    struct key at = {.len = 0};
    struct bytes key, value;
    while (store_seek(txn, key_view(&at), &key, &value) == STATUS_OK) {
        cr_assert_lt(count, ROWS_MAX);
        memcpy(rows[count].key.data, key.data, key.len);
        rows[count].key.len = key.len;
        rows[count].value = value;
        at = rows[count++].key;
        at.data[at.len++] = 0;
    }
    return count;
}

/* Tries one change and takes it back. */
static void expect_found(struct key *key, const struct bytes *value, const char *what, size_t at) {
    struct store_txn *txn = begin(STORE_WRITE);
    if (value != NULL) {
        CHECK_OK(store_put(txn, key_view(key), *value));
    } else {
        CHECK_OK(store_remove(txn, key_view(key)));
    }
    cr_assert_gt(findings(txn), 0, "%s of a row of table '%c' at %zu is not found", what,
                 key->data[0], at);
    store_abort(txn);
}

static void mangle_row(struct row *row) {
    static uint8_t memory[16384];
    size_t len = row->value.len;
    cr_assert_lt(len, sizeof memory);
    expect_found(&row->key, NULL, "removal", 0);
    memcpy(memory, row->value.data, len);
    for (size_t i = 0; i < len; i++) {
        memory[i] ^= (uint8_t)(1 << (i % 8));
        struct bytes mangled = bytes_of(memory, len);
        expect_found(&row->key, &mangled, "change", i);
        memory[i] = row->value.data[i];
    }
    for (size_t cut = 0; cut < len; cut += 1 + cut / 50) {
        struct bytes shorter = bytes_of(memory, cut);
        expect_found(&row->key, &shorter, "truncation", cut);
    }
    memory[len] = 0;
    struct bytes longer = bytes_of(memory, len + 1);
    expect_found(&row->key, &longer, "growth", len);
}

Test(store_check, finds_every_mangled_byte_and_missing_row) {
    append_to(279, 9); /* one block, one tile, three pieces, a frontier of six nodes */
    struct row rows[ROWS_MAX];
    struct store_txn *txn = begin(STORE_READ);
    size_t count = all_rows(txn, rows);
    cr_assert_eq(count, 6);
    for (size_t i = 0; i < count; i++) {
        mangle_row(&rows[i]);
    }
    store_abort(txn);
}

Test(store_check, finds_surplus_rows) {
    append_to(279, 9);
    static const uint64_t entries[] = {0, 100, 255, 257, 278, 279, 280, 512, UINT64_MAX};
    struct key key;
    struct bytes value = bytes_of("\0 32 bytes of a hash, as it seems\0\1x", 1 + HASH_SIZE + 3);
    for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
        key = key_log_u64(TABLE_ENTRY, LOG, entries[i]);
        expect_found(&key, &value, "surplus", i);
    }
    static const uint64_t blocks[] = {1, 2, 1000, UINT64_MAX};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        key = key_log_u64(TABLE_BLOCK, LOG, blocks[i]);
        expect_found(&key, &value, "surplus", i);
    }
    for (unsigned level = 0; level <= 255; level += level < 10 ? 1 : 49) {
        key = key_log(TABLE_TILE, LOG);
        key_u8(&key, (uint8_t)level);
        key_u64(&key, 1);
        expect_found(&key, &value, "surplus", level);
    }
    static const enum table tables[] = {TABLE_TREE, TABLE_ENTRY, TABLE_BLOCK, TABLE_TILE};
    for (size_t t = 0; t < 4; t++) {
        key = key_log_u64(tables[t], LOG, 0);
        key_u8(&key, 1);
        expect_found(&key, &value, "long key", t);
        while (key.len < STORE_KEY_MAX) {
            key_u8(&key, 0xff);
        }
        expect_found(&key, &value, "longest key", t);
    }
    key = key_log(TABLE_ENTRY, LOG + 1); /* not this log's: store_check_strays has it */
    struct store_txn *txn = begin(STORE_WRITE);
    CHECK_OK(store_put(txn, key_view(&key), value));
    cr_assert_eq(findings(txn), 0, "%s", last_finding);
    store_abort(txn);
}

Test(store_check, finds_damage_in_tiles_of_every_level) {
    append_to(65536 * 2 + 300, 6000);
    static const struct {
        unsigned level;
        uint64_t index;
    } tiles[] = {{1, 0}, {1, 1}, {1, 2}, {2, 0}};
    for (size_t t = 0; t < sizeof tiles / sizeof tiles[0]; t++) {
        struct key key = key_log(TABLE_TILE, LOG);
        key_u8(&key, (uint8_t)tiles[t].level);
        key_u64(&key, tiles[t].index);
        expect_found(&key, NULL, "removal", t);
        struct store_txn *txn = begin(STORE_READ);
        struct bytes value;
        uint8_t memory[TILE_WIDTH * HASH_SIZE];
        CHECK_OK(store_get(txn, key_view(&key), &value));
        memcpy(memory, value.data, value.len);
        value.data = memory;
        store_abort(txn);
        for (size_t at = 0; at < value.len; at += 1 + value.len / 4) {
            memory[at] ^= 1;
            expect_found(&key, &value, "change", at);
            memory[at] ^= 1;
        }
        value.len -= HASH_SIZE;
        expect_found(&key, &value, "truncation", t);
    }
}

/* Someone who edits the store and mends the hashes above his edit is found where he stops. A
 * spot is a byte of a row. */
struct spot {
    struct key key;
    size_t at;
};

static struct spot tile_spot(unsigned level, uint64_t hash) {
    struct spot spot = {.key = key_log(TABLE_TILE, LOG), .at = (size_t)(hash % 256) * HASH_SIZE};
    key_u8(&spot.key, (uint8_t)level);
    key_u64(&spot.key, hash / 256);
    return spot;
}

/* Puts `hash` where the spot is. */
static void mend(struct store_txn *txn, const struct spot *spot, const struct hash *hash) {
    static uint8_t memory[16384];
    struct bytes value;
    CHECK_OK(store_get(txn, key_view(&spot->key), &value));
    cr_assert(value.len <= sizeof memory && spot->at + HASH_SIZE <= value.len);
    memcpy(memory, value.data, value.len);
    memcpy(memory + spot->at, hash->bytes, HASH_SIZE);
    CHECK_OK(store_put(txn, key_view(&spot->key), bytes_of(memory, value.len)));
}

/* The root of the 256 hashes after `from` in a row. */
static struct hash root_of_row(struct store_txn *txn, const struct key *key, size_t from) {
    struct bytes value;
    struct hash root;
    CHECK_OK(store_get(txn, key_view(key), &value));
    cr_assert_geq(value.len, from + 256 * HASH_SIZE);
    tile_node_hash(value.data + from, 256, &root);
    return root;
}

/* Changes the last byte of entry 4 of the row's bundle, and that entry's leaf hash. */
static void edit_entry(struct store_txn *txn, const struct key *key) {
    static uint8_t memory[16384];
    struct bytes value, entry = {.len = 0};
    CHECK_OK(store_get(txn, key_view(key), &value));
    cr_assert_leq(value.len, sizeof memory);
    memcpy(memory, value.data, value.len);
    size_t hashes = ((size_t)memory[0] + 1) * HASH_SIZE;
    struct reader r;
    reader_init(&r, bytes_of(memory + 1 + hashes, value.len - 1 - hashes));
    for (int i = 0; i <= 4; i++) {
        cr_assert(bundle_next(&r, &entry));
    }
    cr_assert_gt(entry.len, 0);
    memory[(size_t)(entry.data - memory) + entry.len - 1] ^= 1;
    struct hash leaf;
    hash_leaf(entry.data, entry.len, &leaf);
    memcpy(memory + 1 + 4 * HASH_SIZE, leaf.bytes, HASH_SIZE);
    CHECK_OK(store_put(txn, key_view(key), bytes_of(memory, value.len)));
}

Test(store_check, finds_an_edit_with_mended_leaf_hash) {
    append_to(268, 7);
    struct store_txn *txn = begin(STORE_WRITE);
    struct key key = key_log_u64(TABLE_ENTRY, LOG, 259);
    edit_entry(txn, &key);
    cr_assert_eq(findings(txn), 1, "only the frontier knows");
    store_abort(txn);
}

Test(store_check, finds_an_edit_wherever_mending_stops) {
    append_to(65536 + 256 * 3, 6000);
    for (int mended = 0; mended <= 2; mended++) {
        struct store_txn *txn = begin(STORE_WRITE);
        struct key key = key_log_u64(TABLE_BLOCK, LOG, 7);
        edit_entry(txn, &key);
        struct hash root = root_of_row(txn, &key, 1);
        struct spot spot = tile_spot(1, 7);
        if (mended >= 1) {
            mend(txn, &spot, &root);
            root = root_of_row(txn, &spot.key, 0);
        }
        struct spot above = tile_spot(2, 0);
        if (mended >= 2) {
            mend(txn, &above, &root);
        }
        cr_assert_eq(findings(txn), 1, "%d levels mended: %s", mended, last_finding);
        store_abort(txn);
    }
    /* In the last, partial tile. */
    struct store_txn *txn = begin(STORE_WRITE);
    struct key key = key_log_u64(TABLE_BLOCK, LOG, 257);
    edit_entry(txn, &key);
    struct hash root = root_of_row(txn, &key, 1);
    struct spot spot = tile_spot(1, 257);
    mend(txn, &spot, &root);
    cr_assert_eq(findings(txn), 1);
    store_abort(txn);
}

/* A head of an older state, whole in itself, on a later tree: an edited or half-restored store. */
Test(store_check, finds_a_head_of_another_size) {
    append_to(600, 50);
    struct key key = key_log(TABLE_TREE, LOG);
    uint8_t memory[4096];
    struct store_txn *txn = begin(STORE_READ);
    struct bytes value;
    CHECK_OK(store_get(txn, key_view(&key), &value));
    memcpy(memory, value.data, value.len);
    value.data = memory;
    store_abort(txn);
    append_to(700, 50);
    expect_found(&key, &value, "older head", 600);
    append_to(900, 50);
    expect_found(&key, &value, "older head", 600);
}

/* --- ranges, progress, strays --- */

Test(store_check, shares_blocks_out_by_range) {
    append_to(256 * 20 + 9, 1000);
    struct store_txn *txn = begin(STORE_READ);
    cr_assert_eq(findings(txn), 0);
    struct store_check_stats whole = checked.stats;
    reset();
    uint64_t size;
    CHECK_OK(store_check_head(&checked, txn, LOG, &size));
    cr_assert_eq(size, 256 * 20 + 9);
    CHECK_OK(store_check_blocks(&checked, txn, LOG, size, 0, 7));
    CHECK_OK(store_check_blocks(&checked, txn, LOG, size, 7, 7));
    CHECK_OK(store_check_blocks(&checked, txn, LOG, size, 7, 20));
    CHECK_OK(store_check_blocks(&checked, txn, LOG, size, 20, 20));
    cr_assert_eq(checked.stats.entries, whole.entries);
    cr_assert_eq(checked.stats.blocks, whole.blocks);
    cr_assert_eq(checked.stats.findings, 0);
    store_abort(txn);
    /* Each range finds what it misses. */
    txn = begin(STORE_WRITE);
    struct key key = key_log_u64(TABLE_BLOCK, LOG, 12);
    CHECK_OK(store_remove(txn, key_view(&key)));
    reset();
    CHECK_OK(store_check_blocks(&checked, txn, LOG, size, 0, 12));
    cr_assert_eq(checked.stats.findings, 0);
    CHECK_OK(store_check_blocks(&checked, txn, LOG, size, 12, 13));
    cr_assert_eq(checked.stats.findings, 1);
    CHECK_TEXT(bytes_text(last_finding), "log 2: blocks 12 to 12 missing");
    store_abort(txn);
}

static uint64_t progress_calls;

static bool stop_at_second(void *context, uint64_t entries) {
    cr_assert_eq(context, &checked);
    cr_assert_eq(entries, 256 * 64 * (progress_calls + 1));
    return ++progress_calls < 2;
}

Test(store_check, can_be_stopped) {
    append_to(256 * 200, 5000);
    reset();
    checked.progress = stop_at_second;
    struct store_txn *txn = begin(STORE_READ);
    CHECK_STATUS(store_check_tree(&checked, txn, LOG), STATUS_BUSY);
    cr_assert_eq(progress_calls, 2);
    cr_assert_eq(checked.stats.entries, 256 * 128);
    store_abort(txn);
}

static uint64_t strays(const char *key, size_t len, uint32_t logs) {
    struct store_txn *txn = begin(STORE_WRITE);
    CHECK_OK(store_put(txn, bytes_of(key, len), bytes_text("v")));
    reset();
    CHECK_OK(store_check_strays(&checked, txn, logs));
    store_abort(txn);
    return checked.stats.findings;
}

Test(store_check, finds_keys_of_nobody) {
    append_to(300, 10);
    cr_assert_eq(strays("mname", 5, 2), 0, "%s", last_finding);
    cr_assert_eq(strays("oexample.com/log", 16, 2), 0);
    cr_assert_eq(strays("H\0\0\0\1", 5, 2), 0);
    cr_assert_eq(strays("H\0\0\0\2", 5, 2), 0);
    cr_assert_eq(strays("mname", 5, 1), 4, "four tables of log 2");
    cr_assert_eq(strays("H\0\0\0\3", 5, 2), 1);
    cr_assert_eq(strays("H\0\0\0\0", 5, 2), 1);
    cr_assert_eq(strays("H\xff\xff\xff\xff", 5, 2), 1);
    cr_assert_eq(strays("H\0\0\0", 4, 2), 1);
    cr_assert_eq(strays("H", 1, 2), 1);
    cr_assert_eq(strays("\0", 1, 2), 1);
    cr_assert_eq(strays("Z", 1, 2), 1);
    cr_assert_eq(strays("\xff\xff", 2, 2), 1);
}

static void keep_first(void *context, const struct refusal *why) {
    if (last_finding[0] == '\0') {
        keep_finding(context, why);
    }
}

Test(store_check, names_the_entry_that_lacks_its_hash) {
    append_to(268, 7);
    struct store_txn *txn = begin(STORE_WRITE);
    struct key key = key_log_u64(TABLE_ENTRY, LOG, 259); /* a piece of seven */
    struct bytes value;
    uint8_t memory[1024];
    CHECK_OK(store_get(txn, key_view(&key), &value));
    cr_assert_leq(value.len, sizeof memory);
    memcpy(memory, value.data, value.len);
    memory[1 + 4 * HASH_SIZE] ^= 1;
    CHECK_OK(store_put(txn, key_view(&key), bytes_of(memory, value.len)));
    reset();
    checked.finding = keep_first;
    CHECK_OK(store_check_tree(&checked, txn, LOG));
    cr_assert_str_eq(last_finding, "log 2: entry 263 does not have its leaf hash");
    store_abort(txn);
}
