/* What mirrors sign is the time of what is published; what their clocks say now decides whether
 * this log stamps. */
#include "tests/lib/check.h"
#include "tests/lib/replica_story.h"

#include <criterion/criterion.h>

#define DAYS_40 (40 * 86400)

TestSuite(replica_time, .init = story_setup, .fini = story_teardown);

/* A candidate of 11 that all three are about to store; a's times are far ahead. */
static void begin_with_one_ahead(void) {
    begin_published();
    story->offsets[0] = DAYS_40;
    COMMITTED(11, "cut after 10");
    CUT("checkpoint a 10-11, checkpoint b 10-11, checkpoint c 10-11");
    ANSWER('a', 200, "", "entries a 10-11");
    ANSWER('b', 200, "", "entries b 10-11");
}

Test(replica_time, one_mirror_ahead_does_not_set_the_time) {
    begin_with_one_ahead();
    ANSWER('c', 200, "", "entries c 10-11");
    COSIGN('a', 11, "");
    COSIGN('b', 11, ""); /* a quorum, but by a's clock */
    cr_assert_eq(story->actions.wake_at_ms, story->now + 5000);
    TICK(4999, "");
    COSIGN('c', 11, "publish 11 +5 a b c");
    PUBLISHED("serve 11");
}

Test(replica_time, nor_does_one_behind) {
    begin_with_one_ahead();
    story->offsets[0] = -DAYS_40;
    ANSWER('c', 200, "", "entries c 10-11");
    COSIGN('a', 11, "");
    COSIGN('b', 11, "");
    COSIGN('c', 11, "publish 11 +1 a b c");
}

Test(replica_time, without_a_wrong_line_nobody_is_waited_for) {
    begin_with_one_ahead();
    ANSWER('c', 200, "", "entries c 10-11");
    COSIGN('c', 11, "");
    COSIGN('b', 11, "publish 11 +1 b c");
}

Test(replica_time, waits_no_longer_than_the_round) {
    begin_with_one_ahead();
    COSIGN('a', 11, "");
    COSIGN('b', 11, "");
    TICK(4999, "");
    TICK(1, "publish 11 +3456001 a b");
    PUBLISHED("serve 11");
    cr_assert_eq(story->replica.timeouts, 0u); /* it was not given up */
}

Test(replica_time, waits_for_nobody_who_cannot_answer_within_it) {
    begin_with_one_ahead();
    story->offsets[0] = 0;
    COSIGN('a', 11, "");
    COSIGN('b', 11, "publish 11 +1 a b");
    PUBLISHED("serve 11");
    ANSWER('c', 0, "", "");
    for (uint64_t wait = 250; wait <= 8000; wait *= 2) {
        TICK(wait, "checkpoint c 10-11");
        ANSWER('c', 0, "", "");
    }
    story->offsets[0] = DAYS_40; /* c is asked again in 16 s */
    COMMITTED(12, "cut after 11");
    CUT("checkpoint a 11-12, checkpoint b 11-12");
    ANSWER('a', 200, "", "entries a 11-12");
    ANSWER('b', 200, "", "entries b 11-12");
    COSIGN('a', 12, "");
    COSIGN('b', 12, "publish 12 +3456016 a b");
}

Test(replica_time, waits_for_who_failed_and_is_asked_again_in_time) {
    begin_with_one_ahead();
    ANSWER('c', 503, "", "");
    COSIGN('a', 11, "");
    COSIGN('b', 11, "");
    TICK(250, "checkpoint c 10-11");
    ANSWER('c', 200, "", "entries c 10-11");
    COSIGN('c', 11, "publish 11 +1 a b c");
}

/* The old policy's quorum too: its lines are not published by their time alone. */
Test(replica_time, waits_for_either_policy) {
    begin_published();
    POLICY(1, "cd", 2, 10, "");
    story->offsets[0] = DAYS_40;
    COMMITTED(11, "cut after 10");
    CUT("checkpoint a 10-11, checkpoint b 10-11, checkpoint c 10-11, checkpoint d 0-11");
    ANSWER('a', 200, "", "entries a 10-11");
    ANSWER('c', 200, "", "entries c 10-11");
    ANSWER('d', 200, "", "entries d 0-11");
    COSIGN('a', 11, "");
    COSIGN('d', 11, "");
    COSIGN('c', 11, ""); /* the old one has a and c, by a's clock */
    TICK(5000, "publish 11 +1 a c d");
}

/* --- whether to stamp --- */

/* Where answers do not say what the clock is, the time that is signed stands for it. */
Test(replica_time, nothing_is_stamped_while_a_quorum_of_clocks_disagrees) {
    begin_published();
    cr_assert(replica_may_stamp(&story->replica));
    story->offsets[0] = 301;
    story->offsets[1] = -301;
    COMMITTED(11, "cut after 10");
    CUT("checkpoint a 10-11, checkpoint b 10-11, checkpoint c 10-11");
    ANSWER('a', 200, "", "entries a 10-11");
    ANSWER('b', 200, "", "entries b 10-11");
    COSIGN('a', 11, "");
    cr_assert(replica_may_stamp(&story->replica)); /* one is no quorum */
    cr_assert_eq(mirror('a')->offset_seconds, 301);
    COSIGN('b', 11, ""); /* c may still answer */
    cr_assert(!replica_may_stamp(&story->replica));
    TICK(5000, "publish 11 +302 a b");
    PUBLISHED("serve 11");
    /* It heals: every minute they are asked again. */
    TICK(54999, "");
    TICK(1, "entries a 11-11, entries b 11-11");
    story->offsets[1] = -300;
    COSIGN('a', 11, "");
    cr_assert(!replica_may_stamp(&story->replica));
    COSIGN('b', 11, "");
    cr_assert(replica_may_stamp(&story->replica)); /* five minutes exactly are allowed */
    TICK(5000, "publish 11 +362 a b");
}

Test(replica_time, five_minutes_of_a_line_are_allowed_either_way) {
    static const int64_t offsets[] = {-301, -300, 300, 301};
    for (size_t i = 0; i < 4; i++) {
        story_teardown();
        story_setup();
        begin_published();
        story->offsets[0] = offsets[i];
        story->offsets[1] = offsets[i];
        TICK(3600 * 1000 - 1000, "entries a 10-10, entries b 10-10, entries c 10-10");
        cosign_at('a', 10, 0, NULL, __LINE__);
        cosign_at('b', 10, 0, NULL, __LINE__);
        cr_assert_eq(replica_may_stamp(&story->replica), i == 1 || i == 2);
    }
}

/* Two mirrors were ahead for ten seconds and are right again; their keys' times cannot go back. */
Test(replica_time, clamped_times_do_not_stop_stamping) {
    story->dated = true;
    begin_with_one_ahead();
    story->offsets[1] = DAYS_40;
    ANSWER('c', 200, "", "entries c 10-11");
    COSIGN('a', 11, "");
    COSIGN('b', 11, "");
    COSIGN('c', 11, "publish 11 +3456001 a b c");
    cr_assert(replica_may_stamp(&story->replica));
    cr_assert_eq(mirror('a')->offset_seconds, 0);
    cr_assert_eq(mirror('a')->signed_offset_seconds, DAYS_40);
    cr_assert(replica_signed_off(mirror('a')) && !replica_clock_off(mirror('a')));
    cr_assert(!replica_signed_off(mirror('c')) && !replica_clock_off(mirror('c')));
}

/* It takes a quorum's clocks, and any answer tells what they are, a refusal too. */
Test(replica_time, a_quorum_of_clocks_stops_it_whatever_they_sign) {
    static const int64_t clocks[] = {-DAYS_40, -301, 301, DAYS_40};
    for (size_t i = 0; i < 4; i++) {
        story_teardown();
        story_setup();
        begin_published();
        story->dated = true;
        COMMITTED(11, "cut after 10");
        CUT("checkpoint a 10-11, checkpoint b 10-11, checkpoint c 10-11");
        story->clocks[0] = clocks[i] > 0 ? clocks[i] : clocks[i] - 1; /* it may round to less */
        story->clocks[2] = clocks[i] > 0 ? clocks[i] : clocks[i] - 1;
        ANSWER('a', 503, "", "");
        cr_assert(replica_may_stamp(&story->replica));
        ANSWER('c', 200, "", "entries c 10-11");
        cr_assert(!replica_may_stamp(&story->replica));
        story->clocks[2] = 0; /* set right */
        COSIGN('c', 11, "");
        cr_assert(replica_may_stamp(&story->replica));
    }
}

Test(replica_time, five_minutes_exactly_are_allowed) {
    for (int sign = -1; sign <= 1; sign += 2) {
        story_teardown();
        story_setup();
        begin_published();
        story->dated = true;
        COMMITTED(11, "cut after 10");
        CUT("checkpoint a 10-11, checkpoint b 10-11, checkpoint c 10-11");
        for (int i = 0; i < 3; i++) {
            story->clocks[i] = sign * 300;
        }
        ANSWER('a', 503, "", "");
        ANSWER('b', 503, "", "");
        cr_assert(replica_may_stamp(&story->replica));
        cr_assert_leq(mirror('b')->offset_seconds * sign, 300);
        cr_assert_geq(mirror('b')->offset_seconds * sign, 299);
    }
}

/* The clock was read at some moment on the way: ten minutes of waiting are no wrong clock. */
Test(replica_time, a_slow_answer_is_no_wrong_clock) {
    begin_published();
    story->dated = true;
    COMMITTED(11, "cut after 10");
    CUT("checkpoint a 10-11, checkpoint b 10-11, checkpoint c 10-11");
    tick_at(600000, NULL, __LINE__);
    story->clocks[0] = -600; /* as it was when the question left */
    ANSWER('a', 503, "", "");
    cr_assert_eq(mirror('a')->offset_seconds, 0);
    story->clocks[1] = -600 - 302;
    ANSWER('b', 503, "", "");
    cr_assert_eq(mirror('b')->offset_seconds, -301);
    cr_assert(replica_clock_off(mirror('b')));
}

/* A time that no clock shows is no word of a clock; a line's time then stands for it. */
Test(replica_time, nonsense_is_not_believed) {
    begin_with_one_ahead();
    story->offsets[0] = 0;
    story->dated = true;
    story->clocks[0] = (int64_t)COSIGN_TIME_MAX;
    COSIGN('a', 11, "");
    cr_assert_eq(mirror('a')->offset_seconds, 0);
    cr_assert_not(replica_clock_off(mirror('a')));
}
