/* Two trees compared by tiles: every pair of small sizes, of one history and of two. */
#include "ledger/compare.h"

#include "tests/lib/check.h"
#include "tests/lib/little.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#define ORIGIN "agency.example/log"
#define FORGED_FROM 5
#define SIZES 40

static struct little_log *truth;
static struct little_log *forgery;
static struct pull_tiles *tiles;

static void setup(void) {
    truth = little_log_open(ORIGIN, UINT64_MAX);
    forgery = little_log_open(ORIGIN, FORGED_FROM);
    little_log_grow(truth, 600);
    little_log_grow(forgery, 600);
    tiles = calloc(1, sizeof *tiles);
    cr_assert_not_null(tiles);
}

static void teardown(void) {
    free(tiles);
    little_log_close(truth);
    little_log_close(forgery);
}

TestSuite(compare, .init = setup, .fini = teardown);

static struct tree_point at(struct little_log *log, uint64_t size) {
    return (struct tree_point){.size = size, .root = little_log_root(log, size)};
}

/* Fetches from a log that has `size` entries. */
static void fetch(struct little_log *log, uint64_t size, const struct tile *missing, size_t count) {
    struct store_txn *txn;
    uint8_t body[TILE_WIDTH * HASH_SIZE];
    CHECK_OK(store_begin(log->store, STORE_READ, &txn));
    for (size_t i = 0; i < count; i++) {
        struct writer w;
        writer_init(&w, body, sizeof body);
        CHECK_OK(tree_tile(txn, log->log.number, &missing[i], size, &w));
        CHECK_OK(pull_tiles_put(tiles, &missing[i], writer_view(&w)));
    }
    store_abort(txn);
}

static enum compare_result compare(struct tree_point one, struct tree_point two,
                                   struct little_log *server, struct merkle_proof *subproof) {
    struct tile missing[PULL_TILES_MAX];
    enum compare_result result = COMPARE_NO_TREE;
    size_t count = 0;
    pull_tiles_clear(tiles);
    cr_assert(compare_missing(tiles, &one, &two, missing, &count));
    if (count > 0) {
        CHECK_STATUS(compare_conclude(tiles, &one, &two, &result, subproof), STATUS_NOT_FOUND);
    }
    fetch(server, one.size > two.size ? one.size : two.size, missing, count);
    CHECK_OK(compare_conclude(tiles, &one, &two, &result, subproof));
    return result;
}

Test(compare, every_pair_of_small_sizes) {
    struct merkle_proof subproof;
    struct hash root_m;
    struct hash root_n;
    for (uint64_t m = 0; m <= SIZES; m++) {
        for (uint64_t n = m; n <= SIZES; n++) {
            cr_expect_eq(compare(at(truth, m), at(truth, n), truth, &subproof), COMPARE_FITS);
            cr_expect_eq(compare(at(truth, n), at(truth, m), truth, &subproof), COMPARE_FITS);
            enum compare_result result = compare(at(forgery, m), at(truth, n), truth, &subproof);
            cr_expect_eq(result, m > FORGED_FROM ? COMPARE_FORKED : COMPARE_FITS, "%lu %lu", m, n);
            if (result == COMPARE_FORKED && m < n) {
                struct tree_point truly = at(truth, m);
                cr_assert(
                    merkle_subproof_roots(m, n, subproof.hashes, subproof.count, &root_m, &root_n));
                cr_expect(hash_equal(&root_m, &truly.root));
            }
        }
    }
}

Test(compare, tiles_of_another_tree_tell_nothing) {
    struct merkle_proof subproof = {.count = 9};
    for (uint64_t m = 1; m < SIZES; m++) {
        for (uint64_t n = m + 1; n <= SIZES; n++) {
            enum compare_result expected = n > FORGED_FROM ? COMPARE_NO_TREE : COMPARE_FITS;
            cr_expect_eq(compare(at(truth, m), at(truth, n), forgery, &subproof), expected);
            cr_expect(expected == COMPARE_FITS || subproof.count == 0);
        }
    }
}

Test(compare, across_tiles) {
    struct merkle_proof subproof;
    static const uint64_t sizes[] = {255, 256, 257, 511, 512, 513, 600};
    for (size_t i = 0; i + 1 < sizeof sizes / sizeof sizes[0]; i++) {
        for (size_t k = i + 1; k < sizeof sizes / sizeof sizes[0]; k++) {
            cr_expect_eq(compare(at(truth, sizes[i]), at(truth, sizes[k]), truth, &subproof),
                         COMPARE_FITS);
            cr_expect_eq(compare(at(forgery, sizes[i]), at(truth, sizes[k]), truth, &subproof),
                         COMPARE_FORKED);
        }
    }
}
