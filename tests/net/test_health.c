#include "net/health.h"

#include "net/puller.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define NOW 1700000000000u

static struct health health;
static struct replica *replica;

/* A log that is well: everything published, two mirrors that answer. */
static void setup(void) {
    memset(&health, 0, sizeof health);
    replica = calloc(1, sizeof *replica);
    cr_assert_not_null(replica);
    replica->options = replica_defaults;
    replica->started = true;
    replica->state = REPLICA_IDLE;
    replica->now_ms = NOW;
    replica->committed = replica->signed_size = replica->published = 10;
    replica->candidate_since_ms = NOW - 60000;
    replica->gathered = true;
    replica->mirror_count = 2;
    for (size_t i = 0; i < 2; i++) {
        replica->mirrors[i].used = replica->mirrors[i].wanted = true;
        memcpy(replica->mirrors[i].vkey.name, i == 0 ? "one" : "two", 4);
    }
}
static void teardown(void) {
    free(replica);
}
TestSuite(health, .init = setup, .fini = teardown);

static void judge(void) {
    memset(&health, 0, sizeof health);
    health_of_replica(replica, true, NOW, &health);
}

/* Exactly this reason, and its words. */
static void expect(enum health_reason reason, enum health_state state, const char *words) {
    for (unsigned i = 0; i < HEALTH_REASON_COUNT; i++) {
        cr_assert_eq(health.given[i], i == (unsigned)reason, "%s",
                     health_reason_code((enum health_reason)i));
    }
    cr_assert_eq(health_state(&health), state);
    cr_assert_not_null(strstr(health.why[reason], words), "%s", health.why[reason]);
}

Test(health, a_log_that_is_well) {
    judge();
    cr_assert_eq(health_state(&health), HEALTH_OK);
    health_of_disk(HEALTH_DISK_LOW_BYTES, &health);
    cr_assert_eq(health_state(&health), HEALTH_OK);
    char words[100] = "x";
    health_words(&health, words, sizeof words);
    cr_assert_str_eq(words, "");
}

Test(health, halted_hides_the_rest) {
    replica->state = REPLICA_HALTED;
    memcpy(replica->halted_why, "a larger head", 14);
    replica->mirrors[0].failures = 3;
    replica->published = 9;
    judge();
    expect(HEALTH_HALTED, HEALTH_DOWN, "a larger head");
}

Test(health, names_the_mirror_whose_clock_is_wrong) {
    replica->mirrors[0].has_signed_offset = replica->mirrors[1].has_signed_offset = true;
    replica->mirrors[0].has_offset = replica->mirrors[1].has_offset = true;
    replica->mirrors[0].offset_seconds = 300;
    replica->mirrors[1].signed_offset_seconds = -300;
    judge();
    cr_assert_eq(health_state(&health), HEALTH_OK);
    replica->mirrors[0].signed_offset_seconds = 40 * 86400;
    judge();
    expect(HEALTH_MIRROR_CLOCK, HEALTH_DEGRADED, "one signs times that are 40 days ahead");
    replica->mirrors[1].offset_seconds = -7200;
    judge();
    expect(HEALTH_MIRROR_CLOCK, HEALTH_DEGRADED, "two has a clock that is 2 hours behind");
    replica->mirrors[1].wanted = false;
    replica->mirrors[0].signed_offset_seconds = 301;
    judge();
    expect(HEALTH_MIRROR_CLOCK, HEALTH_DEGRADED, "one signs times that are 5 minutes ahead");
}

Test(health, a_cosigners_own_clock) {
    health_of_clocks(3, 0, &health);
    health_of_clocks(1, 1, &health); /* one log's nodes may be wrong themselves */
    cr_assert_eq(health_state(&health), HEALTH_OK);
    health_of_clocks(1, 2, &health);
    expect(HEALTH_CLOCK, HEALTH_DOWN, "those of 2 of 3 mirrored logs");
}

Test(health, guard_before_clock) {
    replica->guard = GUARD_QUORUM;
    judge();
    expect(HEALTH_GUARD, HEALTH_DOWN, "by: a quorum");
}

Test(health, no_quorum_after_two_rounds) {
    replica->published = 9;
    replica->gathered = false;
    uint64_t patience = 2 * replica->options.round_timeout_ms;
    replica->candidate_since_ms = NOW - patience;
    judge();
    cr_assert_eq(health_state(&health), HEALTH_OK, "a round may take its time");
    replica->candidate_since_ms--;
    judge();
    expect(HEALTH_NO_QUORUM, HEALTH_DOWN, "for 10 s");
    replica->candidate_since_ms = NOW + 5000; /* the clock was set back */
    judge();
    cr_assert_eq(health_state(&health), HEALTH_OK);
}

Test(health, no_policy_is_told) {
    health_of_replica(replica, false, NOW, &health);
    expect(HEALTH_NO_POLICY, HEALTH_DEGRADED, "no policy");
}

/* Only mirrors that the policy counts, and only those that do not answer. */
Test(health, mirrors_that_fail) {
    replica->mirrors[1].failures = 1;
    judge();
    expect(HEALTH_MIRRORS, HEALTH_DEGRADED, "1 of 2 mirrors do not answer, two first");
    replica->mirrors[1].wanted = false;
    judge();
    cr_assert_eq(health_state(&health), HEALTH_OK);
    replica->mirrors[1].wanted = true;
    replica->mirrors[1].used = false;
    judge();
    cr_assert_eq(health_state(&health), HEALTH_OK);
}

Test(health, a_disk_that_fills) {
    health_of_disk(HEALTH_DISK_LOW_BYTES - 1, &health);
    expect(HEALTH_DISK_LOW, HEALTH_DEGRADED, "1023 MiB");
    memset(&health, 0, sizeof health);
    health_of_disk(HEALTH_DISK_FULL_BYTES, &health);
    expect(HEALTH_DISK_LOW, HEALTH_DEGRADED, "256 MiB");
    memset(&health, 0, sizeof health);
    health_of_disk(HEALTH_DISK_FULL_BYTES - 1, &health);
    expect(HEALTH_DISK_FULL, HEALTH_DOWN, "255 MiB");
}

Test(health, a_certificate_that_runs_out) {
    struct tls_state tls = {.expires = NOW / 1000 + HEALTH_CERTIFICATE_SECONDS};
    health_of_tls(&tls, NOW, &health);
    cr_assert_eq(health_state(&health), HEALTH_OK);
    tls.expires--;
    health_of_tls(&tls, NOW, &health);
    expect(HEALTH_CERTIFICATE, HEALTH_DEGRADED, "in 335 hours");
    memset(&health, 0, sizeof health);
    tls.expires = NOW / 1000 + 1;
    health_of_tls(&tls, NOW, &health);
    expect(HEALTH_CERTIFICATE, HEALTH_DEGRADED, "in 0 hours");
    memset(&health, 0, sizeof health);
    tls.expires = NOW / 1000;
    health_of_tls(&tls, NOW, &health);
    expect(HEALTH_CERTIFICATE_EXPIRED, HEALTH_DOWN, "has run out");
    memset(&health, 0, sizeof health);
    tls = (struct tls_state){.expires = INT64_MAX, .stale = true, .why = {.text = "half a file"}};
    health_of_tls(&tls, NOW, &health);
    expect(HEALTH_CERTIFICATE, HEALTH_DEGRADED, "half a file");
}

Test(health, of_pulled_logs_those_named_count_each_and_recognised_ones_by_their_share) {
    struct puller_stats stats = {.named = {.pulled = 3},
                                 .recognised = {.pulled = 40, .failing = 4}};
    stats.recognised.first = "agency.example/log";
    health_of_pulls(&stats, NULL, &health);
    cr_assert_eq(health_state(&health), HEALTH_OK);
    stats.recognised.failing = 5;
    health_of_pulls(&stats, NULL, &health);
    expect(HEALTH_PULLS, HEALTH_DEGRADED, "5 of 40 recognised logs cannot be fetched, agency.");
    memset(&health, 0, sizeof health);
    stats.named = (struct pulls){.pulled = 3, .failing = 1, .first = "state.example/log"};
    health_of_pulls(&stats, NULL, &health);
    expect(HEALTH_PULLS, HEALTH_DEGRADED, "1 of 3 pulled logs cannot be fetched, state.");
    memset(&health, 0, sizeof health);
    health_of_pulls(&(struct puller_stats){.named = {.pulled = 0}}, "doj", &health);
    expect(HEALTH_PULLS, HEALTH_DEGRADED, "authority doj is not found");
}

Test(health, the_worst_counts_and_comes_first) {
    char words[100];
    health_add(&health, HEALTH_PULLS, "pulls %d", 1);
    cr_assert_eq(health_state(&health), HEALTH_DEGRADED);
    health_add(&health, HEALTH_CLOCK, "clock");
    health_add(&health, HEALTH_CLOCK, "said twice");
    cr_assert_eq(health_state(&health), HEALTH_DOWN);
    health_words(&health, words, sizeof words);
    cr_assert_str_eq(words, "clock; pulls 1");
    health_words(&health, words, 10);
    cr_assert_str_eq(words, "clock", "what does not fit is left out whole");
}

Test(health, codes_differ_and_the_worst_stand_first) {
    for (unsigned i = 1; i < HEALTH_REASON_COUNT; i++) {
        cr_assert_leq(health_reason_state((enum health_reason)i),
                      health_reason_state((enum health_reason)(i - 1)));
        for (unsigned j = 0; j < i; j++) {
            cr_assert_str_neq(health_reason_code((enum health_reason)i),
                              health_reason_code((enum health_reason)j));
        }
    }
}
