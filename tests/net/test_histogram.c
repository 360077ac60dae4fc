#include "net/histogram.h"

#include "ledger/store_memory.h"
#include "net/timed_store.h"

#include <criterion/criterion.h>

static uint64_t total(enum histogram histogram) {
    struct histogram_view view;
    histogram_read(histogram, &view);
    return view.counts[HISTOGRAM_BOUND_COUNT];
}

/* A value counts in the bucket whose bound it does not exceed, and in all larger ones. */
Test(histogram, every_bound_belongs_to_its_bucket) {
    static const uint64_t bounds[] = {HISTOGRAM_BOUNDS};
    struct histogram_view before;
    struct histogram_view after;
    for (size_t b = 0; b <= HISTOGRAM_BOUND_COUNT; b++) {
        for (int above = 0; above <= 1; above++) {
            if (b == HISTOGRAM_BOUND_COUNT && above == 1) {
                continue;
            }
            uint64_t value =
                b < HISTOGRAM_BOUND_COUNT ? bounds[b] + (uint64_t)above : UINT64_MAX / 4;
            size_t bucket = b + (size_t)above;
            histogram_read(HISTOGRAM_ROUND, &before);
            histogram_observe(HISTOGRAM_ROUND, value);
            histogram_read(HISTOGRAM_ROUND, &after);
            cr_assert_eq(after.sum - before.sum, value);
            for (size_t i = 0; i <= HISTOGRAM_BOUND_COUNT; i++) {
                cr_assert_eq(after.counts[i] - before.counts[i], i >= bucket ? 1U : 0U,
                             "value %llu, bucket %zu", (unsigned long long)value, i);
            }
        }
    }
    cr_assert_eq(total(HISTOGRAM_COMMIT), 0U, "each counts for itself");
}

Test(histogram, bounds_increase) {
    struct histogram_view view;
    for (unsigned h = 0; h < HISTOGRAM_COUNT; h++) {
        histogram_read((enum histogram)h, &view);
        for (size_t i = 1; i < HISTOGRAM_BOUND_COUNT; i++) {
            cr_assert_lt(view.bounds[i - 1], view.bounds[i]);
        }
    }
}

static enum store_memory_fault fail_the_last(void *context, uint64_t commit) {
    (void)context;
    return commit == 4 ? STORE_MEMORY_FAILS : STORE_MEMORY_OK;
}

/* What is written and durable is measured; what was only read, or failed, is not. */
Test(histogram, a_timed_store_measures_commits) {
    struct store_memory_options options = {.fault = fail_the_last};
    struct store *store = NULL;
    struct store_txn *txn = NULL;
    cr_assert_eq(store_memory_open(&options, &store), STATUS_OK);
    timed_store(store);
    timed_store(store); /* once is enough */
    for (uint64_t n = 0; n < 3; n++) {
        cr_assert_eq(total(HISTOGRAM_COMMIT), n);
        cr_assert_eq(store_begin(store, STORE_WRITE, &txn), STATUS_OK);
        cr_assert_eq(store_put(txn, bytes_text("key"), bytes_text("value")), STATUS_OK);
        cr_assert_eq(store_commit(txn), STATUS_OK);
        cr_assert_eq(total(HISTOGRAM_COMMIT), n + 1);
        cr_assert_eq(store_begin(store, STORE_READ, &txn), STATUS_OK);
        store_abort(txn);
    }
    cr_assert_eq(store_begin(store, STORE_WRITE, &txn), STATUS_OK);
    store_abort(txn);
    cr_assert_eq(store_begin(store, STORE_WRITE, &txn), STATUS_OK);
    cr_assert_eq(store_put(txn, bytes_text("key"), bytes_text("value")), STATUS_OK);
    cr_assert_eq(store_commit(txn), STATUS_STORE_FAILED);
    cr_assert_eq(total(HISTOGRAM_COMMIT), 3U);
    store_memory_close(store);
}
