/* Which logs are silent: those that push, and gave nothing to cosign for a day. */
#include "net/log_sizes.h"
#include "tests/lib/check.h"
#include "tests/lib/little.h"

#include <criterion/criterion.h>

static struct log_sizes read_at(struct little_mirror *mirror, const struct config_log *configured,
                                uint64_t now) {
    struct config_log logs[1] = {*configured};
    struct node_config config = {.logs = logs, .log_count = 1};
    struct store_txn *txn;
    struct log_sizes sizes;
    CHECK_OK(store_begin(mirror->store, STORE_READ, &txn));
    CHECK_OK(log_sizes_read(txn, &config, &mirror->log, now, &sizes));
    store_abort(txn);
    return sizes;
}

Test(log_sizes, a_log_is_silent_after_a_day) {
    struct little_log *log = little_log_open("agency.example/log", UINT64_MAX);
    little_log_grow(log, 5);
    struct little_mirror *mirror = little_mirror_open(log, NULL);
    struct config_log pushed = {.vkey = log->log.vkey};
    struct config_log pulled = {.vkey = log->log.vkey, .pull_ms = 1000};
    cr_assert_eq(read_at(mirror, &pushed, UINT64_C(1) << 40).newest, 0);
    cr_assert_eq(read_at(mirror, &pushed, UINT64_C(1) << 40).silent, 0, "it never began");
    little_mirror_follow(mirror, log, 5);
    uint64_t newest = read_at(mirror, &pushed, 0).newest;
    cr_assert_eq(newest, mirror->now);
    cr_assert_eq(read_at(mirror, &pushed, newest + LOG_SILENT_S).silent, 0);
    cr_assert_eq(read_at(mirror, &pushed, newest + LOG_SILENT_S + 1).silent, 1);
    cr_assert_eq(read_at(mirror, &pulled, newest + LOG_SILENT_S + 1).silent, 0);
    little_mirror_close(mirror);
    little_log_close(log);
}
