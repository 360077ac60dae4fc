/* What the simulator's store promises beyond the conformance suite: a disk that fails on command.
 */
#include "ledger/store_memory.h"
#include "tests/lib/check.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

static struct store_txn *begin(struct store *store, enum store_mode mode) {
    struct store_txn *txn = NULL;
    CHECK_OK(store_begin(store, mode, &txn));
    return txn;
}

static enum status try_put(struct store *store, const char *key, const char *value) {
    struct store_txn *txn = begin(store, STORE_WRITE);
    CHECK_OK(store_put(txn, bytes_text(key), bytes_text(value)));
    return store_commit(txn);
}

static bool has(struct store *store, const char *key, const char *value) {
    struct store_txn *txn = begin(store, STORE_READ);
    struct bytes v;
    enum status status = store_get(txn, bytes_text(key), &v);
    bool result = status == STATUS_OK && bytes_equal(v, bytes_text(value));
    store_abort(txn);
    return result;
}

struct plan {
    enum store_memory_fault faults[8]; /* of commit 1, 2, ... */
    uint64_t asked;
};

static enum store_memory_fault by_plan(void *context, uint64_t commit) {
    struct plan *plan = context;
    plan->asked++;
    cr_assert_eq(commit, plan->asked);
    return commit <= 8 ? plan->faults[commit - 1] : STORE_MEMORY_OK;
}

static struct store *open_with(struct store_memory_options options) {
    struct store *store = NULL;
    CHECK_OK(store_memory_open(&options, &store));
    return store;
}

Test(store_memory, fails_without_a_trace) {
    struct plan plan = {{STORE_MEMORY_OK, STORE_MEMORY_FAILS, STORE_MEMORY_FULL}, 0};
    struct store *store =
        open_with((struct store_memory_options){.fault = by_plan, .context = &plan});
    CHECK_OK(try_put(store, "k", "1"));
    CHECK_STATUS(try_put(store, "k", "2"), STATUS_STORE_FAILED);
    cr_assert(has(store, "k", "1"));
    CHECK_STATUS(try_put(store, "k", "3"), STATUS_FULL);
    cr_assert(has(store, "k", "1"));
    CHECK_OK(try_put(store, "k", "4"));
    cr_assert(has(store, "k", "4"));
    cr_assert_eq(plan.asked, 4);
    store_memory_close(store);
}

static void doubt(enum store_memory_fault fault, const char *after) {
    struct plan plan = {{STORE_MEMORY_OK, fault}, 0};
    struct store *store =
        open_with((struct store_memory_options){.fault = by_plan, .context = &plan});
    CHECK_OK(try_put(store, "k", "1"));
    CHECK_STATUS(try_put(store, "k", "2"), STATUS_STORE_DOUBT);
    struct store_txn *txn;
    CHECK_STATUS(store_begin(store, STORE_READ, &txn), STATUS_STORE_DOUBT);
    CHECK_STATUS(store_begin(store, STORE_WRITE, &txn), STATUS_STORE_DOUBT);
    store_memory_crash(store, 0);
    cr_assert(has(store, "k", after));
    CHECK_OK(try_put(store, "k", "3"));
    store_memory_close(store);
}

Test(store_memory, doubts_what_was_kept) {
    doubt(STORE_MEMORY_DOUBT_KEPT, "2");
}

Test(store_memory, doubts_what_was_lost) {
    doubt(STORE_MEMORY_DOUBT_LOST, "1");
}

Test(store_memory, loses_what_a_lazy_sync_had_not_written) {
    for (size_t kept = 0; kept <= 4; kept++) {
        struct store *store = open_with((struct store_memory_options){.lazy_sync = true});
        CHECK_OK(try_put(store, "k", "0"));
        cr_assert_eq(store_memory_sync(store), 1);
        cr_assert_eq(store_memory_sync(store), 0);
        CHECK_OK(try_put(store, "k", "1"));
        CHECK_OK(try_put(store, "k", "2"));
        CHECK_OK(try_put(store, "k", "3"));
        cr_assert(has(store, "k", "3"));
        store_memory_crash(store, kept);
        static const char *const after[] = {"0", "1", "2", "3", "3"};
        cr_assert(has(store, "k", after[kept]));
        store_memory_crash(store, 0);
        cr_assert(has(store, "k", after[kept]), "what survived is durable");
        store_memory_close(store);
    }
}

Test(store_memory, writes_back_the_oldest_by_itself) {
    struct store *store = open_with((struct store_memory_options){.lazy_sync = true});
    for (int i = 0; i < STORE_MEMORY_UNSYNCED_MAX + 3; i++) {
        char value[2] = {(char)('0' + i % 10), 0};
        CHECK_OK(try_put(store, "k", value));
    }
    store_memory_crash(store, 0);
    cr_assert(has(store, "k", "2")); /* the third commit wrote it */
    store_memory_close(store);
}

Test(store_memory, clones_what_is_durable) {
    struct store *store = open_with((struct store_memory_options){.lazy_sync = true});
    CHECK_OK(try_put(store, "k", "1"));
    store_memory_sync(store);
    CHECK_OK(try_put(store, "k", "2"));
    struct store *backup = NULL;
    CHECK_OK(store_memory_clone(store, NULL, &backup));
    CHECK_OK(try_put(store, "k", "3"));
    cr_assert(has(backup, "k", "1"));
    CHECK_OK(try_put(backup, "k", "other"));
    cr_assert(has(store, "k", "3"));
    store_memory_close(store);
    cr_assert(has(backup, "k", "other"));
    store_memory_close(backup);
}

Test(store_memory, is_bounded_and_counts) {
    struct store *store = open_with((struct store_memory_options){.max_bytes = 10});
    size_t pairs, bytes;
    CHECK_OK(try_put(store, "abcd", "123456"));
    store_memory_used(store, &pairs, &bytes);
    cr_assert(pairs == 1 && bytes == 10);
    struct store_txn *txn = begin(store, STORE_WRITE);
    CHECK_STATUS(store_put(txn, bytes_text("x"), bytes_text("")), STATUS_FULL);
    CHECK_STATUS(store_commit(txn), STATUS_FULL); /* a failed change spoils the transaction */
    CHECK_OK(try_put(store, "abcd", "654321"));
    txn = begin(store, STORE_WRITE);
    CHECK_OK(store_put(txn, bytes_text("abcd"), bytes_text("")));
    CHECK_OK(store_put(txn, bytes_text("x"), bytes_text("12345")));
    CHECK_STATUS(store_put(txn, bytes_text("x"), bytes_text("123456")), STATUS_FULL);
    store_abort(txn);
    txn = begin(store, STORE_WRITE);
    CHECK_OK(store_remove(txn, bytes_text("abcd")));
    CHECK_OK(store_commit(txn));
    store_memory_used(store, &pairs, &bytes);
    cr_assert(pairs == 0 && bytes == 0);
    store_memory_close(store);
}

Test(store_memory, stops_at_a_crash_under_a_transaction, .signal = SIGABRT) {
    struct store *store = open_with((struct store_memory_options){0});
    (void)begin(store, STORE_READ);
    store_memory_crash(store, 0);
}

Test(store_memory, stops_at_a_close_under_a_transaction, .signal = SIGABRT) {
    struct store *store = open_with((struct store_memory_options){0});
    (void)begin(store, STORE_READ);
    store_memory_close(store);
}
