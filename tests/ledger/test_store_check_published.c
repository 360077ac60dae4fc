/* What `dutylog fsck` finds in the checkpoints that a log keeps: their quorum times, and the falls
 * that they name. */
#include "ledger/schema.h"
#include "ledger/store_check_log.h"
#include "tests/lib/check.h"
#include "tests/lib/hosted.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct hosted h;
static char findings[2048];

static void found(void *context, const struct refusal *why) {
    (void)context;
    size_t len = strlen(findings);
    snprintf(findings + len, sizeof findings - len, "%s\n", why->text);
}

static const char *look(void) {
    struct store_check check = {.finding = found};
    struct store_check_keys keys = {.count = 0};
    struct store_txn *txn;
    findings[0] = '\0';
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    CHECK_OK(store_check_checkpoints(&check, txn, &h.log, hosted_size(&h), &keys));
    store_abort(txn);
    return findings;
}

/* Adds to one of the two numbers that a kept checkpoint's row begins with. */
static void change(uint64_t size, size_t number, uint8_t by) {
    uint8_t row[CHECKPOINT_SIZE_MAX + 16];
    struct key key = key_log_u64(TABLE_PUBLISHED, h.log.number, size);
    struct store_txn *txn;
    struct bytes value;
    CHECK_OK(store_begin(h.store, STORE_WRITE, &txn));
    CHECK_OK(store_get(txn, key_view(&key), &value));
    memcpy(row, value.data, value.len);
    row[8 * number + 7] = (uint8_t)(row[8 * number + 7] + by);
    CHECK_OK(store_put(txn, key_view(&key), bytes_of(row, value.len)));
    CHECK_OK(store_commit(txn));
}

static void setup(void) {
    hosted_open(&h);
    hosted_start(&h);
}

static void teardown(void) {
    hosted_close(&h);
}

TestSuite(store_check_published, .init = setup, .fini = teardown);

Test(store_check_published, finds_wrong_times_and_falls) {
    static const uint64_t times[] = {0, 86400, 60};
    uint64_t sizes[3];
    for (size_t i = 0; i < 3; i++) {
        hosted_accept(&h, world_sample(&h.world, WORLD_CLERK, "failure.alleged"));
        sizes[i] = hosted_publish(&h, WORLD_TIME_MS / 1000 + times[i], 3);
    }
    cr_assert_str_eq(look(), ""); /* the third is a fall, and says so */
    change(sizes[1], 0, 1);
    cr_assert_not_null(strstr(look(), "had its quorum at"), "%s", findings);
    change(sizes[1], 0, (uint8_t)-1);
    cr_assert_str_eq(look(), "");
    change(sizes[2], 1, (uint8_t)-1);
    cr_assert_not_null(strstr(look(), "names the fall at"), "%s", findings);
}
