/* Publishing: what is served, and what is kept for ever. */
#include "ledger/confirm.h"
#include "ledger/publish_parts.h"
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

/* Accepts an event that is stamped then, and says its index. */
static uint64_t accept_at(uint64_t seconds, uint64_t ms) {
    h.now_ms = seconds * 1000 + ms;
    return hosted_accept(&h, world_sample(w, WORLD_CLERK, "failure.alleged"));
}

/* Each half of the rule alone keeps a checkpoint: its first event's stamp, or its last one's, is
 * not what both it and the next one confirm. */
Test(publish, keeps_what_the_first_of_its_events_hangs_on) {
    uint64_t first = accept_at(NOON, 0);
    uint64_t last = accept_at(NOON + HALF_HOUR, 0);
    CHECK_OK(publish(first, NOON + 2 * HALF_HOUR, "before"));
    CHECK_OK(publish(last + 1, NOON + 2 * HALF_HOUR, "in the hour of both"));
    CHECK_OK(publish(last + 2, NOON + 2 * HALF_HOUR + 1, "in the hour of the last alone"));
    cr_assert_str_eq(kept(),
                     world_text(w, " %llu %llu %llu", (unsigned long long)first,
                                (unsigned long long)last + 1, (unsigned long long)last + 2));
}

Test(publish, keeps_what_the_last_of_its_events_hangs_on) {
    uint64_t first = accept_at(NOON + 2 * HALF_HOUR, 0);
    uint64_t last = accept_at(NOON + 4 * HALF_HOUR + 1, 0);
    CHECK_OK(publish(first, NOON + 2 * HALF_HOUR, "before"));
    CHECK_OK(publish(last + 1, NOON + 2 * HALF_HOUR, "over an hour before the last"));
    CHECK_OK(publish(last + 2, NOON + 2 * HALF_HOUR + 1, "an hour before the last"));
    cr_assert_str_eq(kept(),
                     world_text(w, " %llu %llu %llu", (unsigned long long)first,
                                (unsigned long long)last + 1, (unsigned long long)last + 2));
}

/* Stamps are in milliseconds: half a second over the hour is over the hour. */
Test(publish, keeps_what_is_over_the_hour_by_milliseconds) {
    uint64_t only = accept_at(NOON + 4 * HALF_HOUR, 500);
    CHECK_OK(publish(only, NOON + 2 * HALF_HOUR, "before"));
    CHECK_OK(publish(only + 1, NOON + 2 * HALF_HOUR, "an hour and half a second before it"));
    CHECK_OK(publish(only + 2, NOON + 2 * HALF_HOUR + 1, "within the hour"));
    cr_assert_str_eq(kept(),
                     world_text(w, " %llu %llu %llu", (unsigned long long)only,
                                (unsigned long long)only + 1, (unsigned long long)only + 2));
}

/* A quorum time below that of the one before would be the least for what that one covers. */
Test(publish, keeps_what_falls_below_the_one_before) {
    CHECK_OK(publish(1, NOON + 9, "1"));
    CHECK_OK(publish(2, NOON + 8, "2"));
    CHECK_OK(publish(3, NOON + 10, "3"));
    cr_assert_str_eq(kept(), " 1 2 3");
    CHECK_OK(publish(4, NOON + 9, "4"));
    cr_assert_str_eq(kept(), " 1 2 4");
    CHECK_OK(publish(5, NOON + 7, "5"));
    CHECK_OK(publish(6, NOON + 7, "6"));
    CHECK_OK(publish(7, NOON + 7, "7"));
    cr_assert_str_eq(kept(), " 1 2 4 5 7");
}

/* --- which one confirms --- */

static uint64_t confirming(uint64_t index, uint64_t size) {
    struct store_txn *txn = reading();
    struct published at;
    CHECK_OK(sequencer_published_confirming(txn, h.log.number, index, size, &at));
    store_abort(txn);
    return at.size;
}

/* One of three mirrors was 40 days ahead: what covers the event later, with a quorum that does not
 * need that mirror, confirms the time; and who names a size goes by what was kept up to there. */
Test(publish, confirms_by_the_least_quorum_time) {
    static const uint64_t times[] = {NOON,
                                     NOON + 40 * 86400,
                                     NOON + 60,
                                     NOON + 3 * HALF_HOUR,
                                     NOON + 41 * 86400,
                                     NOON + 30 * 86400};
    for (uint64_t i = 0; i < 6; i++) {
        CHECK_OK(publish(i + 1, times[i], "kept"));
    }
    cr_assert_str_eq(kept(), " 1 2 3 4 5 6");
    static const uint64_t expected[6][6] = {
        /* names 1 to 6; by index */
        {1, 1, 1, 1, 1, 1}, {0, 2, 3, 3, 3, 3}, {0, 0, 3, 3, 3, 3},
        {0, 0, 0, 4, 4, 4}, {0, 0, 0, 0, 5, 6}, {0, 0, 0, 0, 0, 6},
    };
    for (uint64_t index = 0; index < 6; index++) {
        for (uint64_t size = index + 1; size <= 6; size++) {
            cr_assert_eq(confirming(index, size), expected[index][size - 1], "%llu of %llu",
                         (unsigned long long)index, (unsigned long long)size);
        }
        cr_assert_eq(confirming(index, UINT64_MAX), expected[index][5]);
    }
}

Test(publish, confirms_by_the_smallest_of_equals) {
    for (uint64_t size = 1; size <= 5; size++) {
        CHECK_OK(publish(size, NOON + (size % 2 == 1 ? HALF_HOUR : 0), "kept"));
    }
    cr_assert_eq(confirming(0, UINT64_MAX), 2);
    cr_assert_eq(confirming(1, UINT64_MAX), 2);
    cr_assert_eq(confirming(2, UINT64_MAX), 4);
}

static uint64_t dice = 1;
static uint64_t roll(uint64_t sides) {
    dice = dice * 6364136223846793005u + 1442695040888963407u;
    return (dice >> 33) % sides;
}

/* The model: every checkpoint ever published, and the rule as the specification has it. */
struct published_all {
    uint64_t sizes[64];
    uint64_t times[64];
    size_t count;
};

static uint64_t model(const struct published_all *all, uint64_t index, uint64_t size,
                      uint64_t stamp_ms) {
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < all->count; i++) {
        bool beyond = i > 0 && all->sizes[i - 1] >= size;
        if (all->sizes[i] > index && !beyond && all->times[i] < least) {
            least = all->times[i];
        }
    }
    return confirm_time(stamp_ms, least);
}

/* Another node that holds the same log, and asks now and then for the checkpoints that are kept. */
static struct hosted mirror;

static void mirror_catches_up(void) {
    struct store_txn *ours = reading();
    struct store_txn *theirs;
    struct published at;
    struct published last = {.size = 0};
    CHECK_OK(store_begin(mirror.store, STORE_WRITE, &theirs));
    enum status found = sequencer_published_at_most(theirs, mirror.log.number, UINT64_MAX, &last);
    cr_assert(found == STATUS_OK || found == STATUS_NOT_FOUND);
    uint64_t above = last.size;
    while (sequencer_published_covering(ours, h.log.number, above, &at) == STATUS_OK) {
        CHECK_OK(publish_keep(theirs, mirror.log.number, &at));
        above = at.size;
    }
    CHECK_OK(store_commit(theirs));
    store_abort(ours);
}

static void compare_with(struct hosted *node, const struct published_all *all,
                         const uint64_t *stamps, uint64_t base) {
    struct store_txn *txn;
    struct published last = {.size = 0};
    CHECK_OK(store_begin(node->store, STORE_READ, &txn));
    (void)!sequencer_published_at_most(txn, node->log.number, UINT64_MAX, &last);
    uint64_t largest = last.size;
    for (uint64_t index = base; index < largest; index++) {
        for (uint64_t size = index + 1; size <= largest; size++) {
            struct published at;
            CHECK_OK(sequencer_published_confirming(txn, node->log.number, index, size, &at));
            cr_assert_eq(confirm_time(stamps[index - base], at.quorum_time),
                         model(all, index, size, stamps[index - base]));
        }
    }
    store_abort(txn);
}

/* Whatever is dropped, the time of every event is what all checkpoints ever published would tell,
 * for every size that may be named, on the host and on a mirror that asked in between: so one
 * node's answer is another's. */
Test(publish, drops_nothing_that_a_time_hangs_on) {
    enum { EVENTS = 24 };
    static const uint64_t jumps[] = {1, 1, 300, 1790, 3600, 3601, 86400};
    for (unsigned run = 0; run < 20; run++) {
        struct published_all all = {.count = 0};
        uint64_t stamps[EVENTS];
        uint64_t clock = NOON;
        close_all();
        open_started();
        hosted_open(&mirror);
        hosted_start(&mirror);
        uint64_t base = hosted_size(&h);
        for (uint64_t i = 0; i < EVENTS; i++) {
            clock += roll(3) == 0 ? jumps[roll(7)] : roll(40);
            stamps[i] = clock * 1000 + roll(1000);
            h.now_ms = mirror.now_ms = stamps[i];
            struct bytes note = world_sample(w, WORLD_CLERK, "failure.alleged");
            cr_assert_eq(hosted_accept(&h, note), base + i);
            cr_assert_eq(hosted_accept(&mirror, note), base + i);
            if (roll(4) == 0) {
                continue;
            }
            uint64_t time = clock + roll(20) - (roll(3) == 0 ? jumps[roll(7)] : 0);
            CHECK_OK(publish(base + i + 1, time, "a checkpoint"));
            all.sizes[all.count] = base + i + 1;
            all.times[all.count++] = time;
            compare_with(&h, &all, stamps, base);
            if (roll(3) == 0) {
                mirror_catches_up();
            }
            compare_with(&mirror, &all, stamps, base);
        }
        hosted_close(&mirror);
    }
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
