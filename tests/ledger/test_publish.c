/* Publishing: what is served, and what is kept for ever. */
#include "ledger/schema.h"
#include "ledger/sequencer.h"
#include "tests/lib/check.h"
#include "tests/lib/hosted.h"

#include <criterion/criterion.h>
#include <string.h>

static struct hosted h;
static struct world *w;

static void open_started(void) {
    hosted_open(&h);
    w = &h.world;
    hosted_start(&h);
}

static void close_all(void) {
    hosted_close(&h);
}

static struct store_txn *reading(void) {
    struct store_txn *txn;
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    return txn;
}

TestSuite(publish, .init = open_started, .fini = close_all);

#define HALF_HOUR 1800u
#define NOON ((uint64_t)WORLD_TIME_MS / 1000) /* when the entries were received */

static enum status publish(uint64_t size, uint64_t time, const char *note) {
    struct publish_job job;
    publish_job_init(&job);
    job.log = &h.log;
    job.size = size;
    job.quorum_time = time;
    job.note = bytes_text(note);
    hosted_run(&h, &job.job);
    return job.job.status;
}

static void is_latest(uint64_t size, uint64_t time, const char *note) {
    struct store_txn *txn = reading();
    struct published latest;
    CHECK_OK(sequencer_published(txn, h.log.number, &latest));
    cr_assert_eq(latest.size, size);
    cr_assert_eq(latest.quorum_time, time);
    CHECK_TEXT(latest.note, note);
    store_abort(txn);
}

/* The sizes kept, smallest first, as text. */
static const char *kept(void) {
    struct store_txn *txn = reading();
    struct published at;
    const char *text = "";
    uint64_t index = 0;
    while (sequencer_published_covering(txn, h.log.number, index, &at) == STATUS_OK) {
        text = world_text(w, "%s %llu", text, (unsigned long long)at.size);
        index = at.size;
    }
    store_abort(txn);
    return text;
}

Test(publish, nothing_at_first) {
    struct store_txn *txn = reading();
    struct published at = {.size = 77};
    CHECK_STATUS(sequencer_published(txn, h.log.number, &at), STATUS_NOT_FOUND);
    CHECK_STATUS(sequencer_published_covering(txn, h.log.number, 0, &at), STATUS_NOT_FOUND);
    cr_assert_eq(at.size, 77);
    store_abort(txn);
}

Test(publish, never_replaces_a_larger_one) {
    CHECK_OK(publish(7, NOON, "seven"));
    CHECK_STATUS(publish(6, NOON + 1, "six"), STATUS_CONFLICT_SIZE);
    CHECK_OK(h.fate);
    is_latest(7, NOON, "seven");
    cr_assert_str_eq(kept(), " 7");
}

Test(publish, serves_the_newer_of_one_size_and_keeps_the_first) {
    CHECK_OK(publish(7, NOON, "seven"));
    CHECK_OK(publish(7, NOON + 3600, "seven, an hour later"));
    is_latest(7, NOON + 3600, "seven, an hour later");
    struct store_txn *txn = reading();
    struct published at;
    CHECK_OK(sequencer_published_covering(txn, h.log.number, 6, &at));
    CHECK_TEXT(at.note, "seven");
    cr_assert_eq(at.quorum_time, NOON);
    CHECK_STATUS(sequencer_published_covering(txn, h.log.number, 7, &at), STATUS_NOT_FOUND);
    store_abort(txn);
    CHECK_OK(publish(7, NOON + 7200, "seven, two hours later"));
    is_latest(7, NOON + 7200, "seven, two hours later");
    CHECK_OK(publish(8, NOON + 7201, "eight"));
    is_latest(8, NOON + 7201, "eight");
}

Test(publish, keeps_the_first_and_the_last_of_each_half_hour) {
    CHECK_OK(publish(1, NOON, "1"));
    cr_assert_str_eq(kept(), " 1");
    CHECK_OK(publish(2, NOON + 1, "2"));
    cr_assert_str_eq(kept(), " 1 2");
    CHECK_OK(publish(3, NOON + 2, "3"));
    cr_assert_str_eq(kept(), " 1 3");
    CHECK_OK(publish(4, NOON + HALF_HOUR - 1, "4"));
    cr_assert_str_eq(kept(), " 1 4");
    CHECK_OK(publish(5, NOON + HALF_HOUR, "5"));
    cr_assert_str_eq(kept(), " 1 4 5");
    CHECK_OK(publish(6, NOON + HALF_HOUR + 1, "6"));
    cr_assert_str_eq(kept(), " 1 4 5 6");
    CHECK_OK(publish(7, NOON + HALF_HOUR + 2, "7"));
    cr_assert_str_eq(kept(), " 1 4 5 7");
    CHECK_OK(publish(8, NOON + 3 * HALF_HOUR, "8"));
    cr_assert_str_eq(kept(), " 1 4 5 7 8");
    CHECK_OK(publish(9, NOON + 9 * HALF_HOUR, "9"));
    cr_assert_str_eq(kept(), " 1 4 5 7 8 9");
    /* A quorum time that goes back, as the mirrors' clocks may: nothing is lost by it. */
    CHECK_OK(publish(10, NOON + 9 * HALF_HOUR - 1, "10"));
    cr_assert_str_eq(kept(), " 1 4 5 7 8 9 10");
    is_latest(10, NOON + 9 * HALF_HOUR - 1, "10");
}

/* What confirms a stamp is not dropped for what comes too late to do so: the time of an event, once
 * confirmed, is the same whichever checkpoints a node has kept. */
Test(publish, keeps_what_the_time_of_an_event_hangs_on) {
    CHECK_OK(publish(1, NOON + HALF_HOUR, "1"));
    CHECK_OK(publish(2, NOON + HALF_HOUR + 1, "2"));
    CHECK_OK(publish(3, NOON + 2 * HALF_HOUR - 1, "3")); /* confirms what 2 did */
    cr_assert_str_eq(kept(), " 1 3");
    CHECK_OK(publish(4, NOON + 2 * HALF_HOUR, "4"));
    CHECK_OK(publish(5, NOON + 2 * HALF_HOUR + 1, "5"));
    CHECK_OK(publish(6, NOON + 2 * HALF_HOUR + 2, "6"));
    cr_assert_str_eq(kept(), " 1 3 4 5 6"); /* over an hour late: 5 and 6 tell other times */
}

Test(publish, keeps_logs_apart) {
    struct store_txn *txn;
    struct published at;
    CHECK_OK(publish(5, NOON, "5"));
    txn = reading();
    CHECK_STATUS(sequencer_published(txn, h.log.number + 1, &at), STATUS_NOT_FOUND);
    CHECK_STATUS(sequencer_published_covering(txn, h.log.number + 1, 0, &at), STATUS_NOT_FOUND);
    CHECK_STATUS(sequencer_published(txn, h.log.number - 1, &at), STATUS_NOT_FOUND);
    CHECK_STATUS(sequencer_published_covering(txn, h.log.number - 1, 0, &at), STATUS_NOT_FOUND);
    store_abort(txn);
}

Test(publish, changes_nothing_where_the_commit_fails) {
    CHECK_OK(publish(5, NOON, "5"));
    CHECK_OK(publish(6, NOON + 1, "6"));
    h.next = STORE_MEMORY_FAILS;
    CHECK_STATUS(publish(7, NOON + 2, "7"), STATUS_STORE_FAILED);
    is_latest(6, NOON + 1, "6");
    cr_assert_str_eq(kept(), " 5 6");
}
