/* The stored tree against naive computation from the list of its entries. */
#include "ledger/schema.h"
#include "ledger/store_lmdb.h"
#include "ledger/store_memory.h"
#include "ledger/tree.h"
#include "tests/lib/check.h"
#include "tests/lib/folder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG 3
#define SMALL 620 /* entries: two full blocks and a part */

/* --- the naive log --- */

/* Entry i: a few bytes that say i, of varying length, some of them empty, one as long as may be. */
static struct bytes entry_at(uint64_t i, uint8_t memory[ENTRY_SIZE_MAX]) {
    size_t len = i == 300 ? ENTRY_SIZE_MAX : i % 7 == 0 ? 0 : 1 + (i * i) % 90;
    for (size_t b = 0; b < len; b++) {
        memory[b] = (uint8_t)(i >> (8 * (b % 3)));
    }
    return bytes_of(memory, len);
}

struct naive {
    uint64_t size;
    struct hash *leaves;
};

static void naive_make(struct naive *n, uint64_t size) {
    static uint8_t memory[ENTRY_SIZE_MAX];
    n->size = size;
    n->leaves = calloc(size + 1, sizeof *n->leaves);
    cr_assert_not_null(n->leaves);
    for (uint64_t i = 0; i < size; i++) {
        struct bytes entry = entry_at(i, memory);
        hash_leaf(entry.data, entry.len, &n->leaves[i]);
    }
}

static struct hash naive_root(const struct naive *n, uint64_t from, uint64_t to) {
    struct hash root;
    merkle_root_of(n->leaves + from, to - from, &root);
    return root;
}

/* Hash `index` of tile level `level`: the root of 256^level leaves. */
static struct hash naive_tile_hash(const struct naive *n, unsigned level, uint64_t index) {
    uint64_t width = (uint64_t)1 << (8 * level);
    return naive_root(n, index * width, (index + 1) * width);
}

/* --- the store under test --- */

static struct store *open_store(void) {
    struct store_memory_options options = {.strict = true};
    struct store *store = NULL;
    CHECK_OK(store_memory_open(&options, &store));
    return store;
}

static struct store_txn *begin(struct store *store, enum store_mode mode) {
    struct store_txn *txn = NULL;
    CHECK_OK(store_begin(store, mode, &txn));
    return txn;
}

/* Appends entries up to `to` in one batch, from memory of its own. */
static void append_in(struct store_txn *txn, uint64_t to) {
    struct tree *tree = malloc(sizeof *tree);
    CHECK_OK(tree_load(txn, LOG, tree));
    cr_assert_eq(tree->flushed, tree->frontier.size);
    uint64_t from = tree->frontier.size;
    uint8_t **memory = calloc(to - from + 1, sizeof *memory);
    for (uint64_t i = from; i < to; i++) {
        uint8_t *full = malloc(ENTRY_SIZE_MAX);
        struct bytes entry = entry_at(i, full);
        memory[i - from] = malloc(entry.len + 1); /* exact, so that a sanitizer sees overruns */
        memcpy(memory[i - from], full, entry.len);
        free(full);
        entry.data = memory[i - from];
        struct hash leaf;
        hash_leaf(entry.data, entry.len, &leaf);
        CHECK_OK(tree_append(tree, txn, entry, i % 2 ? &leaf : NULL));
        cr_assert_eq(tree->frontier.size, i + 1);
    }
    CHECK_OK(tree_flush(tree, txn));
    for (uint64_t i = from; i < to; i++) {
        free(memory[i - from]);
    }
    free(memory);
    free(tree);
}

static void append_to(struct store *store, uint64_t to) {
    struct store_txn *txn = begin(store, STORE_WRITE);
    append_in(txn, to);
    CHECK_OK(store_commit(txn));
}

static uint32_t next_random(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* A log of `size` entries in batches of mixed sizes: most small, some over a block. */
static void append_mixed(struct store *store, uint64_t size, uint64_t seed) {
    for (uint64_t at = 0; at < size;) {
        uint64_t step =
            next_random(&seed) % 8 == 0 ? next_random(&seed) % 600 : next_random(&seed) % 12;
        at = at + step < size ? at + step : size;
        append_to(store, at);
    }
}

static size_t rows_of(struct store_txn *txn, enum table table) {
    struct key from = key_log(table, LOG);
    struct bytes key, value;
    size_t count = 0;
    while (store_seek(txn, key_view(&from), &key, &value) == STATUS_OK && key.len > 5 &&
           key.data[0] == (uint8_t)table) {
        count++;
        key_start(&from, table);
        key_bytes(&from, bytes_of(key.data + 1, key.len - 1));
        key_u8(&from, 0);
    }
    return count;
}

/* --- appending --- */

Test(tree, an_unknown_log_is_empty) {
    struct store *store = open_store();
    struct store_txn *txn = begin(store, STORE_READ);
    struct tree_head head;
    struct hash empty, root;
    hash_empty(&empty);
    CHECK_OK(tree_read_head(txn, LOG, &head));
    cr_assert(head.size == 0 && hash_equal(&head.root, &empty));
    CHECK_OK(tree_root_at(txn, LOG, 0, &root));
    cr_assert(hash_equal(&root, &empty));
    struct bytes entry;
    CHECK_STATUS(tree_entry(txn, LOG, 0, &entry), STATUS_NOT_FOUND);
    CHECK_STATUS(tree_root_at(txn, LOG, 1, &root), STATUS_NOT_FOUND);
    store_abort(txn);
    store_memory_close(store);
}

Test(tree, has_the_naive_root_at_every_size) {
    struct naive n;
    naive_make(&n, SMALL);
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct store *store = open_store();
        for (uint64_t at = 0; at < SMALL;) {
            at = seed == 1 ? at + 1 : at + next_random(&seed) % (seed == 2 ? 20 : 400);
            at = at < SMALL ? at : SMALL;
            append_to(store, at);
            struct store_txn *txn = begin(store, STORE_READ);
            struct tree_head head;
            CHECK_OK(tree_read_head(txn, LOG, &head));
            struct hash root = naive_root(&n, 0, at);
            cr_assert_eq(head.size, at);
            cr_assert(hash_equal(&head.root, &root), "root at %ju", (uintmax_t)at);
            store_abort(txn);
        }
        struct store_txn *txn = begin(store, STORE_READ);
        for (uint64_t size = 0; size <= SMALL; size++) {
            struct hash root, expected = naive_root(&n, 0, size);
            CHECK_OK(tree_root_at(txn, LOG, size, &root));
            cr_assert(hash_equal(&root, &expected), "root at %ju", (uintmax_t)size);
        }
        struct hash root;
        CHECK_STATUS(tree_root_at(txn, LOG, SMALL + 1, &root), STATUS_NOT_FOUND);
        store_abort(txn);
        store_memory_close(store);
    }
    free(n.leaves);
}

Test(tree, loads_what_was_flushed) {
    struct store *store = open_store();
    struct naive n;
    naive_make(&n, SMALL);
    struct merkle_frontier f;
    merkle_frontier_init(&f);
    for (uint64_t size = 1; size <= SMALL; size++) {
        append_to(store, size);
        merkle_frontier_append(&f, &n.leaves[size - 1]);
        struct store_txn *txn = begin(store, STORE_READ);
        struct tree tree;
        CHECK_OK(tree_load(txn, LOG, &tree));
        cr_assert_eq(tree.frontier.size, size);
        cr_assert_arr_eq(tree.frontier.nodes, f.nodes,
                         merkle_frontier_count(&f) * sizeof(struct hash));
        cr_assert_eq(rows_of(txn, TABLE_ENTRY), size % TILE_WIDTH);
        cr_assert_eq(rows_of(txn, TABLE_BLOCK), size / TILE_WIDTH);
        store_abort(txn);
    }
    free(n.leaves);
    store_memory_close(store);
}

Test(tree, may_be_flushed_many_times_in_a_transaction) {
    struct store *store = open_store();
    struct naive n;
    naive_make(&n, SMALL);
    struct store_txn *txn = begin(store, STORE_WRITE);
    uint64_t random = 9;
    for (uint64_t at = 0; at < SMALL;) {
        at += next_random(&random) % 40;
        at = at < SMALL ? at : SMALL;
        append_in(txn, at);
        struct hash root, expected = naive_root(&n, 0, at);
        CHECK_OK(tree_root_at(txn, LOG, at, &root));
        cr_assert(hash_equal(&root, &expected));
    }
    CHECK_OK(store_commit(txn));
    free(n.leaves);
    store_memory_close(store);
}

Test(tree, keeps_on_after_a_flush) {
    struct store *store = open_store();
    struct naive n;
    naive_make(&n, SMALL);
    struct store_txn *txn = begin(store, STORE_WRITE);
    static uint8_t memory[SMALL][ENTRY_SIZE_MAX];
    struct tree tree;
    CHECK_OK(tree_load(txn, LOG, &tree));
    for (uint64_t i = 0; i < SMALL; i++) {
        CHECK_OK(tree_append(&tree, txn, entry_at(i, memory[i]), NULL));
        if (i % 100 == 99 || i == SMALL - 1) {
            CHECK_OK(tree_flush(&tree, txn));
            CHECK_OK(tree_flush(&tree, txn)); /* nothing left to write */
        }
    }
    struct tree_head head;
    struct hash root = naive_root(&n, 0, SMALL);
    CHECK_OK(tree_read_head(txn, LOG, &head));
    cr_assert(head.size == SMALL && hash_equal(&head.root, &root));
    CHECK_OK(store_commit(txn));
    free(n.leaves);
    store_memory_close(store);
}

Test(tree, refuses_an_entry_too_large) {
    struct store *store = open_store();
    static const uint8_t memory[ENTRY_SIZE_MAX + 1];
    struct store_txn *txn = begin(store, STORE_WRITE);
    struct tree tree;
    CHECK_OK(tree_load(txn, LOG, &tree));
    CHECK_STATUS(tree_append(&tree, txn, bytes_of(memory, sizeof memory), NULL), STATUS_TOO_LARGE);
    cr_assert_eq(tree.frontier.size, 0);
    CHECK_OK(tree_append(&tree, txn, bytes_of(memory, ENTRY_SIZE_MAX), NULL));
    CHECK_OK(tree_flush(&tree, txn));
    struct bytes entry;
    CHECK_OK(tree_entry(txn, LOG, 0, &entry));
    CHECK_BYTES(entry, bytes_of(memory, ENTRY_SIZE_MAX));
    store_abort(txn);
    store_memory_close(store);
}

Test(tree, keeps_logs_apart) {
    struct store *store = open_store();
    append_to(store, 300);
    struct store_txn *txn = begin(store, STORE_WRITE);
    struct bytes entry;
    for (uint32_t log = LOG - 1; log <= LOG + 1; log += 2) {
        struct tree tree;
        CHECK_OK(tree_load(txn, log, &tree));
        cr_assert_eq(tree.frontier.size, 0);
        CHECK_STATUS(tree_entry(txn, log, 260, &entry), STATUS_NOT_FOUND);
        CHECK_OK(tree_append(&tree, txn, bytes_text("other"), NULL));
        CHECK_OK(tree_flush(&tree, txn));
    }
    struct tree_head head;
    CHECK_OK(tree_read_head(txn, LOG, &head));
    cr_assert_eq(head.size, 300);
    CHECK_OK(tree_entry(txn, LOG + 1, 0, &entry));
    CHECK_TEXT(entry, "other");
    store_abort(txn);
    store_memory_close(store);
}

/* --- reading --- */

struct walked {
    const struct naive *n;
    uint64_t next;
    uint64_t stop;
};

static enum status check_walked(void *context, uint64_t index, struct bytes entry,
                                const struct hash *leaf) {
    struct walked *walked = context;
    static uint8_t memory[ENTRY_SIZE_MAX];
    cr_assert_eq(index, walked->next);
    CHECK_BYTES(entry, entry_at(index, memory));
    cr_assert(hash_equal(leaf, &walked->n->leaves[index]));
    walked->next++;
    return walked->next == walked->stop ? STATUS_BUSY : STATUS_OK;
}

Test(tree, gives_and_walks_the_entries) {
    struct naive n;
    naive_make(&n, SMALL);
    static uint8_t memory[ENTRY_SIZE_MAX];
    struct store *store = open_store();
    append_mixed(store, SMALL, 4);
    struct store_txn *txn = begin(store, STORE_READ);
    struct bytes entry;
    for (uint64_t i = 0; i < SMALL; i++) {
        CHECK_OK(tree_entry(txn, LOG, i, &entry));
        CHECK_BYTES(entry, entry_at(i, memory));
    }
    CHECK_STATUS(tree_entry(txn, LOG, SMALL, &entry), STATUS_NOT_FOUND);
    CHECK_STATUS(tree_entry(txn, LOG, UINT64_MAX, &entry), STATUS_NOT_FOUND);
    for (uint64_t from = 0; from <= SMALL; from += 31) {
        for (uint64_t to = from; to <= SMALL; to += 17) {
            struct walked walked = {.n = &n, .next = from};
            CHECK_OK(tree_walk(txn, LOG, from, to, check_walked, &walked));
            cr_assert_eq(walked.next, to);
        }
    }
    struct walked walked = {.n = &n, .stop = 400};
    CHECK_STATUS(tree_walk(txn, LOG, 0, SMALL, check_walked, &walked), STATUS_BUSY);
    cr_assert_eq(walked.next, 400);
    CHECK_STATUS(tree_walk(txn, LOG, 0, SMALL + 1, check_walked, &walked), STATUS_NOT_FOUND);
    store_abort(txn);
    store_memory_close(store);
    free(n.leaves);
}

static void put_naive_tile(const struct naive *n, const struct tile *tile, struct writer *w) {
    static uint8_t memory[ENTRY_SIZE_MAX];
    for (unsigned i = 0; i < tile->width; i++) {
        if (tile->entries) {
            bundle_put(w, entry_at(tile->index * TILE_WIDTH + i, memory));
        } else {
            struct hash hash = naive_tile_hash(n, tile->level, tile->index * TILE_WIDTH + i);
            writer_hash(w, &hash);
        }
    }
    cr_assert(!w->failed);
}

/* The tile, copied and borrowed, is the naive one if it exists at `size`, and absent if not. */
static void check_tile(struct store_txn *txn, const struct naive *n, const struct tile *tile,
                       uint64_t size, bool stored_together) {
    static uint8_t expected_memory[BUNDLE_SIZE_MAX / 64], got_memory[BUNDLE_SIZE_MAX / 64];
    struct writer expected, got;
    writer_init(&expected, expected_memory, sizeof expected_memory);
    writer_init(&got, got_memory, sizeof got_memory);
    struct bytes borrowed;
    enum status borrow = tree_tile_borrow(txn, LOG, tile, size, &borrowed);
    if (tile->width > tile_width_at(tile->level, tile->index, size)) {
        CHECK_STATUS(tree_tile(txn, LOG, tile, size, &got), STATUS_NOT_FOUND);
        CHECK_STATUS(borrow, STATUS_NOT_FOUND);
        return;
    }
    put_naive_tile(n, tile, &expected);
    CHECK_OK(tree_tile(txn, LOG, tile, size, &got));
    CHECK_BYTES(writer_view(&got), writer_view(&expected));
    CHECK_STATUS(borrow, stored_together ? STATUS_OK : STATUS_NOT_FOUND);
    if (stored_together) {
        CHECK_BYTES(borrowed, writer_view(&expected));
    }
}

Test(tree, serves_every_tile_and_bundle_in_every_width) {
    struct naive n;
    naive_make(&n, SMALL);
    struct store *store = open_store();
    append_mixed(store, SMALL, 5);
    struct store_txn *txn = begin(store, STORE_READ);
    static const uint64_t sizes[] = {0, 1, 255, 256, 257, 511, 512, 513, 600, SMALL};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        for (unsigned width = 1; width <= TILE_WIDTH; width++) {
            for (uint64_t index = 0; index <= 3; index++) {
                bool full = (index + 1) * TILE_WIDTH <= SMALL;
                struct tile tile = {.index = index, .width = width};
                check_tile(txn, &n, &tile, sizes[s], full);
                tile.entries = true;
                check_tile(txn, &n, &tile, sizes[s], full);
            }
            struct tile tile = {.level = 1, .width = width};
            check_tile(txn, &n, &tile, sizes[s], true);
            tile.level = 2;
            check_tile(txn, &n, &tile, sizes[s], true);
        }
    }
    struct writer w;
    uint8_t small[31];
    writer_init(&w, small, sizeof small);
    CHECK_STATUS(tree_tile(txn, LOG, &(struct tile){.width = 1}, SMALL, &w), STATUS_TOO_LARGE);
    CHECK_STATUS(tree_tile(txn, LOG, &(struct tile){.width = 1}, SMALL + 1, &w), STATUS_NOT_FOUND);
    CHECK_STATUS(tree_tile(txn, LOG, &(struct tile){.width = 0}, SMALL, &w), STATUS_NOT_FOUND);
    CHECK_STATUS(tree_tile(txn, LOG, &(struct tile){.level = 63, .width = 1}, SMALL, &w),
                 STATUS_NOT_FOUND);
    store_abort(txn);
    store_memory_close(store);
    free(n.leaves);
}

static void check_proofs_at(struct store_txn *txn, const struct naive *n, uint64_t size) {
    struct hash root = naive_root(n, 0, size);
    struct merkle_proof proof;
    for (uint64_t index = 0; index < size; index++) {
        CHECK_OK(tree_inclusion(txn, LOG, index, size, &proof));
        cr_assert(merkle_inclusion_check(&n->leaves[index], index, size, proof.hashes, proof.count,
                                         &root));
    }
    for (uint64_t old = 1; old <= size; old++) {
        struct hash old_root = naive_root(n, 0, old);
        CHECK_OK(tree_consistency(txn, LOG, old, size, &proof));
        cr_assert(merkle_consistency_check(old, &old_root, size, &root, proof.hashes, proof.count));
        if (old < size) {
            struct hash root_m, root_n;
            CHECK_OK(tree_subproof(txn, LOG, old, size, &proof));
            cr_assert(
                merkle_subproof_roots(old, size, proof.hashes, proof.count, &root_m, &root_n));
            cr_assert(hash_equal(&root_m, &old_root) && hash_equal(&root_n, &root));
        }
    }
    for (uint64_t start = 0; start < size; start += 13) {
        for (uint64_t end = start + 1; end <= size; end++) {
            if (!merkle_subtree_valid(start, end)) {
                continue;
            }
            struct hash subtree = naive_root(n, start, end);
            CHECK_OK(tree_subtree(txn, LOG, start, end, size, &proof));
            cr_assert(
                merkle_subtree_check(start, end, &subtree, size, &root, proof.hashes, proof.count));
        }
    }
}

Test(tree, makes_proofs_that_check) {
    struct naive n;
    naive_make(&n, SMALL);
    struct store *store = open_store();
    append_mixed(store, SMALL, 6);
    struct store_txn *txn = begin(store, STORE_READ);
    for (uint64_t size = 1; size <= SMALL; size += size < 20 ? 1 : 119) {
        check_proofs_at(txn, &n, size);
    }
    check_proofs_at(txn, &n, 256);
    check_proofs_at(txn, &n, 512);
    check_proofs_at(txn, &n, SMALL);
    struct merkle_proof proof;
    CHECK_STATUS(tree_inclusion(txn, LOG, 0, SMALL + 1, &proof), STATUS_NOT_FOUND);
    CHECK_STATUS(tree_consistency(txn, LOG, 1, SMALL + 1, &proof), STATUS_NOT_FOUND);
    CHECK_STATUS(tree_subtree(txn, LOG, 0, 1, SMALL + 1, &proof), STATUS_NOT_FOUND);
    CHECK_STATUS(tree_subproof(txn, LOG, 1, SMALL + 1, &proof), STATUS_NOT_FOUND);
    store_abort(txn);
    store_memory_close(store);
    free(n.leaves);
}

/* Level 2 begins with the 65,536th entry; in LMDB, as a node has it. */
Test(tree, grows_tiles_of_the_second_level, .timeout = 60) {
    enum { SIZE = 2 * 65536 + 700 };
    struct naive n;
    naive_make(&n, SIZE);
    struct folder folder;
    folder_make(&folder);
    struct store *store = NULL;
    struct store_lmdb_options options = {.no_sync = true};
    CHECK_OK(store_lmdb_open(folder.path, &options, &store, NULL));
    for (uint64_t at = 0; at < SIZE;) {
        at = at + 5000 < SIZE ? at + 5000 : SIZE;
        append_to(store, at);
    }
    struct store_txn *txn = begin(store, STORE_READ);
    static const uint64_t sizes[] = {65535, 65536, 65537, 100000, 131071, 131072, 131073, SIZE};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        struct hash root, expected = naive_root(&n, 0, sizes[s]);
        CHECK_OK(tree_root_at(txn, LOG, sizes[s], &root));
        cr_assert(hash_equal(&root, &expected));
        for (uint64_t index = 0; index < sizes[s]; index += 4099) {
            struct merkle_proof proof;
            CHECK_OK(tree_inclusion(txn, LOG, index, sizes[s], &proof));
            cr_assert(merkle_inclusion_check(&n.leaves[index], index, sizes[s], proof.hashes,
                                             proof.count, &root));
        }
        for (unsigned level = 1; level <= 3; level++) {
            for (uint64_t index = 0; index < 3; index++) {
                unsigned width = tile_width_at(level, index, sizes[s]);
                struct tile tile = {.level = level, .index = index, .width = width ? width : 1};
                check_tile(txn, &n, &tile, sizes[s], true);
            }
        }
    }
    store_abort(txn);
    store_lmdb_close(store);
    folder_remove(&folder);
    free(n.leaves);
}
