/* A store whose bytes rotted: nothing is appended over what does not hash, and no reader trusts a
 * length. */
#include "ledger/schema.h"
#include "ledger/store_memory.h"
#include "ledger/tree.h"
#include "tests/lib/check.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define LOG 2
#define SIZE 279 /* a block, a tile, pieces of the unfinished block, a head */

static struct store *store;

static void setup(void) {
    struct store_memory_options options = {.strict = true};
    CHECK_OK(store_memory_open(&options, &store));
}

static void teardown(void) {
    store_memory_close(store);
}

TestSuite(tree_damage, .init = setup, .fini = teardown, .timeout = 120);

static struct store_txn *begin(enum store_mode mode) {
    struct store_txn *txn = NULL;
    CHECK_OK(store_begin(store, mode, &txn));
    return txn;
}

static struct bytes entry_at(uint64_t i) {
    static uint8_t memory[65536][2];
    memory[i % 65536][0] = (uint8_t)i;
    memory[i % 65536][1] = (uint8_t)(i >> 8);
    return bytes_of(memory[i % 65536], i % 3);
}

/* Loads, appends up to `to`, flushes: the first status that is not OK. */
static enum status try_append(struct store_txn *txn, uint64_t to) {
    static struct tree tree;
    TRY(tree_load(txn, LOG, &tree));
    while (tree.frontier.size < to) {
        TRY(tree_append(&tree, txn, entry_at(tree.frontier.size), NULL));
    }
    return tree_flush(&tree, txn);
}

static void append_to(uint64_t to, uint64_t step) {
    for (uint64_t at = 0; at < to;) {
        at = at + step < to ? at + step : to;
        struct store_txn *txn = begin(STORE_WRITE);
        CHECK_OK(try_append(txn, at));
        CHECK_OK(store_commit(txn));
    }
}

/* What a reader may say of damage: it sees it, or it cannot know. */
static void check_seen_or_ok(enum status status) {
    cr_assert(status == STATUS_OK || status == STATUS_STORE_CORRUPT || status == STATUS_NOT_FOUND,
              "%s", status_name(status));
}

static enum status count_entries(void *context, uint64_t index, struct bytes entry,
                                 const struct hash *leaf) {
    uint64_t *sum = context;
    *sum += index + leaf->bytes[0];
    for (size_t i = 0; i < entry.len; i++) {
        *sum += entry.data[i]; /* a sanitizer watches */
    }
    return STATUS_OK;
}

static void read_all(struct store_txn *txn) {
    static uint8_t memory[65536];
    struct tree_head head;
    struct hash root;
    struct bytes entry;
    struct merkle_proof proof;
    uint64_t sum = 0;
    check_seen_or_ok(tree_read_head(txn, LOG, &head));
    check_seen_or_ok(tree_walk(txn, LOG, 0, SIZE, count_entries, &sum));
    check_seen_or_ok(tree_root_at(txn, LOG, SIZE - 1, &root));
    static const uint64_t indexes[] = {0, 255, 256, 264, 270, 278};
    for (size_t i = 0; i < sizeof indexes / sizeof indexes[0]; i++) {
        check_seen_or_ok(tree_entry(txn, LOG, indexes[i], &entry));
        check_seen_or_ok(tree_inclusion(txn, LOG, indexes[i], SIZE, &proof));
    }
    for (unsigned t = 0; t < 5; t++) {
        struct tile tile = {.level = t == 4, .index = t & 1, .entries = t < 2};
        tile.width = tile_width_at(tile.level, t == 4 ? 0 : tile.index, SIZE);
        tile.index = t == 4 ? 0 : tile.index;
        struct writer w;
        writer_init(&w, memory, sizeof memory);
        check_seen_or_ok(tree_tile(txn, LOG, &tile, SIZE, &w));
    }
}

struct row {
    struct key key;
    uint8_t value[16384];
    size_t len;
};

static struct row read_row(struct key key) {
    static struct row row;
    struct store_txn *txn = begin(STORE_READ);
    struct bytes value;
    CHECK_OK(store_get(txn, key_view(&key), &value));
    cr_assert_leq(value.len, sizeof row.value - 1);
    row.key = key;
    memcpy(row.value, value.data, value.len);
    row.len = value.len;
    store_abort(txn);
    return row;
}

/* With the value changed to `len` bytes of row->value: every reader lives, and appending beyond the
 * block's end is refused if `feeds_append`. */
static void try_damage(const struct row *row, size_t len, bool feeds_append, const char *what,
                       size_t at) {
    struct store_txn *txn = begin(STORE_WRITE);
    CHECK_OK(store_put(txn, key_view(&row->key), bytes_of(row->value, len)));
    read_all(txn);
    if (feeds_append) {
        enum status status = try_append(txn, 520);
        cr_assert_eq(status, STATUS_STORE_CORRUPT, "%s of '%c' at %zu: %s", what, row->key.data[0],
                     at, status_name(status));
    }
    store_abort(txn);
}

static void mangle(struct key key, bool feeds_append) {
    static struct row row;
    row = read_row(key);
    for (size_t i = 0; i < row.len; i++) {
        for (unsigned bit = 0; bit < 8; bit += i < 16 ? 1 : 7) {
            row.value[i] ^= (uint8_t)(1 << bit);
            try_damage(&row, row.len, feeds_append, "change", i);
            row.value[i] ^= (uint8_t)(1 << bit);
        }
    }
    for (size_t cut = 0; cut < row.len; cut += 1 + cut / 64) {
        try_damage(&row, cut, feeds_append, "truncation", cut);
    }
    row.value[row.len] = 0;
    try_damage(&row, row.len + 1, feeds_append, "growth", row.len);
    struct store_txn *txn = begin(STORE_WRITE);
    CHECK_OK(store_remove(txn, key_view(&key)));
    read_all(txn);
    if (feeds_append) {
        CHECK_STATUS(try_append(txn, 520), STATUS_STORE_CORRUPT);
    }
    store_abort(txn);
}

Test(tree_damage, of_the_head_is_never_appended_over) {
    append_to(SIZE, 9);
    mangle(key_log(TABLE_TREE, LOG), true);
}

Test(tree_damage, of_the_head_alone_does_not_begin_anew) {
    append_to(9, 9); /* no block yet: the pieces alone must tell */
    struct store_txn *txn = begin(STORE_WRITE);
    struct key key = key_log(TABLE_TREE, LOG);
    CHECK_OK(store_remove(txn, key_view(&key)));
    CHECK_STATUS(try_append(txn, 10), STATUS_STORE_CORRUPT);
    store_abort(txn);
    append_to(256, 256); /* no piece left: the block must tell */
    txn = begin(STORE_WRITE);
    CHECK_OK(store_remove(txn, key_view(&key)));
    CHECK_STATUS(try_append(txn, 257), STATUS_STORE_CORRUPT);
    store_abort(txn);
}

Test(tree_damage, of_a_piece_is_never_appended_over) {
    append_to(SIZE, 9);
    static const uint64_t firsts[] = {256, 261, 270}; /* 252 began in the block before */
    for (size_t i = 0; i < 3; i++) {
        mangle(key_log_u64(TABLE_ENTRY, LOG, firsts[i]), true);
    }
}

Test(tree_damage, of_a_tile_is_found_when_it_is_full) {
    append_to(65536 - 100, 6000);
    struct key key = key_log(TABLE_TILE, LOG);
    key_u8(&key, 1);
    key_u64(&key, 0);
    static struct row row;
    row = read_row(key);
    cr_assert_eq(row.len, 255 * HASH_SIZE);
    struct store_txn *txn = begin(STORE_WRITE);
    CHECK_OK(try_append(txn, 65536));
    store_abort(txn);
    for (size_t i = 0; i < row.len; i += 13) {
        txn = begin(STORE_WRITE);
        row.value[i] ^= 4;
        CHECK_OK(store_put(txn, key_view(&key), bytes_of(row.value, row.len)));
        CHECK_STATUS(try_append(txn, 65536), STATUS_STORE_CORRUPT);
        row.value[i] ^= 4;
        store_abort(txn);
    }
    static const size_t lens[] = {0, 1, 254 * HASH_SIZE, 255 * HASH_SIZE - 1, 256 * HASH_SIZE};
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        txn = begin(STORE_WRITE);
        CHECK_OK(store_put(txn, key_view(&key), bytes_of(row.value, lens[i])));
        CHECK_STATUS(try_append(txn, 65536), STATUS_STORE_CORRUPT);
        store_abort(txn);
    }
    txn = begin(STORE_WRITE);
    CHECK_OK(store_remove(txn, key_view(&key)));
    CHECK_STATUS(try_append(txn, 65536), STATUS_STORE_CORRUPT);
    store_abort(txn);
}

Test(tree_damage, of_a_block_or_tile_leaves_readers_alive) {
    append_to(SIZE, 9);
    struct key tile = key_log(TABLE_TILE, LOG);
    key_u8(&tile, 1);
    key_u64(&tile, 0);
    mangle(tile, false);
    struct key block = key_log_u64(TABLE_BLOCK, LOG, 0);
    static struct row row;
    row = read_row(block);
    for (size_t i = 0; i < row.len; i += i < 4 || i > 8190 ? 1 : 97) {
        row.value[i] ^= 0x81;
        try_damage(&row, row.len, false, "change", i);
        row.value[i] ^= 0x81;
    }
    for (size_t cut = 0; cut < row.len; cut += 1 + cut / 64) {
        try_damage(&row, cut, false, "truncation", cut);
    }
}
