/* Rounds, restarts, policies and time, told as stories (tests/lib/replica_story.h). replica_check
 * runs inside every step. */
#include "tests/lib/check.h"
#include "tests/lib/keys.h"
#include "tests/lib/replica_story.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(replica, .init = story_setup, .fini = story_teardown);

/* --- rounds --- */

Test(replica, happy_path_two_of_three) {
    START(0, 0, 0, "");
    COMMITTED(1, ""); /* log.opened: no policy yet, so nothing is signed */
    POLICY(0, "abc", 2, 1, "cut after 0");
    COMMITTED(2, "");
    CUT("checkpoint a 0-2, checkpoint b 0-2, checkpoint c 0-2");
    ANSWER('a', 200, "", "entries a 0-2");
    ANSWER('b', 200, "", "entries b 0-2");
    COSIGN('a', 2, "");
    cr_assert_eq(story->replica.state, REPLICA_PUSHING);
    COMMITTED(7, ""); /* within the round nothing else is signed */
    COSIGN('b', 2, "publish 2 +0 a b");
    cr_assert_eq(story->replica.published, 0u);
    PUBLISHED("serve 2, cut after 2");
    cr_assert_eq(story->replica.published, 2u);
    CUT("checkpoint a 2-7, checkpoint b 2-7");
    ANSWER('c', 200, "", "entries c 0-2"); /* slower: it goes on with what it agreed to */
    ANSWER('a', 200, "", "entries a 2-7");
    COSIGN('c', 2,
           "checkpoint c 2-7"); /* counts no more, and brings it to the candidate of the day */
    cr_assert_eq(mirror('c')->cosigned, 0u);
    ANSWER('b', 200, "", "entries b 2-7");
    ANSWER('c', 200, "", "entries c 2-7");
    COSIGN('c', 7, "");
    COSIGN('b', 7, "publish 7 +0 b c");
    COSIGN('a', 7, "");
    PUBLISHED("serve 7");
    cr_assert_eq(story->actions.wake_at_ms, T0 + 1000);
    TICK(999, "");
    TICK(1, "publish 7 +0 a b c"); /* the rest is collected while nothing else is due */
    PUBLISHED("");
    cr_assert_eq(story->replica.state, REPLICA_IDLE);
    cr_assert_eq(story->actions.wake_at_ms, T0 + 3600 * 1000);
}

Test(replica, late_lines_wait_for_what_is_due) {
    begin_published();
    COMMITTED(11, "cut after 10");
    CUT("checkpoint a 10-11, checkpoint b 10-11, checkpoint c 10-11");
    ANSWER('a', 200, "", "entries a 10-11");
    ANSWER('b', 200, "", "entries b 10-11");
    ANSWER('c', 200, "", "entries c 10-11");
    COSIGN('a', 11, "");
    COSIGN('b', 11, "publish 11 +1 a b");
    COSIGN('c', 11, "");
    COMMITTED(12, "");
    PUBLISHED("serve 11, cut after 11"); /* not the late line's commit */
    CUT("checkpoint a 11-12, checkpoint b 11-12, checkpoint c 11-12");
}

Test(replica, one_dead_stops_nothing) {
    begin_published();
    COMMITTED(20, "cut after 10");
    CUT("checkpoint a 10-20, checkpoint b 10-20, checkpoint c 10-20");
    ANSWER('c', 0, "", "");
    ANSWER('a', 200, "", "entries a 10-20");
    ANSWER('b', 200, "", "entries b 10-20");
    COSIGN('b', 20, "");
    COSIGN('a', 20, "publish 20 +1 a b");
    PUBLISHED("serve 20");
    uint64_t waits[] = {250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000};
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        cr_assert_eq(mirror('c')->backoff_ms, waits[i]);
        cr_assert_eq(story->actions.wake_at_ms, story->now + waits[i]);
        TICK(waits[i] - 1, "");
        TICK(1, "checkpoint c 10-20");
        ANSWER('c', 0, "", "");
        cr_assert_eq(mirror('c')->failures, i + 2);
    }
    TICK(30000, "checkpoint c 10-20");
    ANSWER('c', 200, "", "entries c 10-20");
    COSIGN('c', 20, "publish 20 +1 a b c");
    cr_assert_eq(mirror('c')->failures, 0u);
    cr_assert_eq(mirror('c')->backoff_ms, 0u);
}

Test(replica, two_dead_then_back) {
    begin_published();
    COMMITTED(20, "cut after 10");
    CUT("checkpoint a 10-20, checkpoint b 10-20, checkpoint c 10-20");
    ANSWER('a', 200, "", "entries a 10-20");
    ANSWER('b', 503, "", "");
    ANSWER('c', 0, "", "");
    COSIGN('a', 20, "");
    TICK(250, "checkpoint b 10-20, checkpoint c 10-20");
    ANSWER('b', 0, "", "");
    ANSWER('c', 0, "", "");
    COMMITTED(30, "");
    TICK(4749, "checkpoint b 10-20, checkpoint c 10-20");
    TICK(1, "cut after 20"); /* five seconds without quorum: the round is given up */
    cr_assert_eq(story->replica.published, 10u);
    CUT("checkpoint a 20-30");
    ANSWER('b', 200, "", "entries b 10-20"); /* both are back, and finish what they agreed to */
    ANSWER('c', 200, "", "entries c 10-20");
    ANSWER('a', 200, "", "entries a 20-30");
    COSIGN('a', 30, "");
    COSIGN('b', 20, "checkpoint b 20-30");
    ANSWER('b', 200, "", "entries b 20-30");
    COSIGN('b', 30, "publish 30 +6 a b");
    PUBLISHED("serve 30");
}

Test(replica, round_timeout_without_news_goes_on_with_the_same_candidate) {
    begin_published();
    COMMITTED(20, "cut after 10");
    CUT("checkpoint a 10-20, checkpoint b 10-20, checkpoint c 10-20");
    ANSWER('a', 200, "", "entries a 10-20");
    COSIGN('a', 20, "");
    TICK(5000, "");
    cr_assert_eq(story->replica.state, REPLICA_IDLE);
    cr_assert_eq(story->replica.timeouts, 1u);
    ANSWER('b', 200, "", "entries b 10-20");
    COSIGN('b', 20, "publish 20 +6 a b"); /* the first line still counts */
    PUBLISHED("serve 20");
    cr_assert_eq(story->replica.timeouts, 0u);
}

Test(replica, given_up_rounds_get_longer) {
    /* Mirrors that need 7 s are not starved by rounds of 5 s. */
    uint64_t lasts[] = {5000, 10000, 20000, 40000, 40000};
    begin_published();
    COMMITTED(11, "cut after 10");
    CUT("checkpoint a 10-11, checkpoint b 10-11, checkpoint c 10-11");
    for (uint64_t i = 0; i < 5; i++) {
        COMMITTED(12 + i, "");
        TICK(lasts[i] - 1, "");
        TICK(1, i == 0   ? "cut after 11"
                : i == 1 ? "cut after 12"
                : i == 2 ? "cut after 13"
                : i == 3 ? "cut after 14"
                         : "cut after 15");
        CUT("");
    }
}

Test(replica, slow_mirror_stores_though_rounds_are_shorter_than_its_answers) {
    begin_published();
    COMMITTED(11, "cut after 10");
    CUT("checkpoint a 10-11, checkpoint b 10-11, checkpoint c 10-11");
    ANSWER('a', 200, "", "entries a 10-11");
    /* Rounds pass by a and b alone; c answers once in three rounds. */
    ANSWER('b', 200, "", "entries b 10-11");
    COSIGN('a', 11, "");
    COSIGN('b', 11, "publish 11 +1 a b");
    COMMITTED(12, "");
    PUBLISHED("serve 11, cut after 11");
    CUT("checkpoint a 11-12, checkpoint b 11-12");
    ANSWER('c', 200, "", "entries c 10-11");
    ANSWER('a', 200, "", "entries a 11-12");
    ANSWER('b', 200, "", "entries b 11-12");
    COSIGN('a', 12, "");
    COSIGN('b', 12, "publish 12 +1 a b");
    COMMITTED(13, "");
    PUBLISHED("serve 12, cut after 12");
    CUT("checkpoint a 12-13, checkpoint b 12-13");
    COSIGN('c', 11, "checkpoint c 11-13");
}

Test(replica, failed_cut_and_failed_publish_are_tried_again) {
    START(10, 0, 0, "");
    POLICY(0, "abc", 2, 1, "cut after 0");
    cut_at(STATUS_FULL, "", __LINE__);
    cr_assert_eq(story->actions.wake_at_ms, T0 + 1000);
    TICK(999, "");
    TICK(1, "cut after 0");
    CUT("checkpoint a 0-10, checkpoint b 0-10, checkpoint c 0-10");
    ANSWER('a', 200, "", "entries a 0-10");
    ANSWER('b', 200, "", "entries b 0-10");
    COSIGN('a', 10, "");
    COSIGN('b', 10, "publish 10 +1 a b");
    COMMITTED(11, "");
    published_at(STATUS_STORE_FAILED, "", __LINE__);
    cr_assert_eq(story->replica.published, 0u);
    TICK(999, "");
    TICK(1, "publish 10 +1 a b"); /* what has its quorum comes before anything newer */
    PUBLISHED("serve 10, cut after 10");
}

Test(replica, what_is_coming_is_cut_with_it) {
    begin_published();
    COMING("cut after 10");
    COMMITTED(11, ""); /* the same commit brought both */
    CUT("checkpoint a 10-11, checkpoint b 10-11, checkpoint c 10-11");
    COMING(""); /* a round is under way */
    COMMITTED(12, "");
    ANSWER('a', 200, "", "entries a 10-11");
    ANSWER('b', 200, "", "entries b 10-11");
    COSIGN('a', 11, "");
    COSIGN('b', 11, "publish 11 +1 a b");
    PUBLISHED("serve 11, cut after 11");
}

Test(replica, what_was_coming_may_be_refused) {
    begin_published();
    COMING("cut after 10");
    CUT(""); /* of 10 again */
    cr_assert_eq(story->replica.state, REPLICA_IDLE);
    cr_assert_eq(story->replica.candidate.size, 10u);
    TICK(1000, "");
    COMMITTED(11, "cut after 10");
}

Test(replica, nothing_is_cut_for_what_is_coming_to_an_empty_log) {
    START(0, 0, 0, "");
    POLICY(0, "abc", 2, 0, "");
    COMING("");
    COMMITTED(1, "cut after 0");
}

Test(replica, store_that_does_not_hold_what_was_signed_halts) {
    begin_published();
    COMMITTED(11, "cut after 10");
    cut_at(STATUS_STORE_CORRUPT, "halt", __LINE__);
}

Test(replica, lost_compare_and_swap_halts) {
    begin_published();
    COMMITTED(11, "cut after 10");
    cut_at(STATUS_CONFLICT_HEAD, "halt", __LINE__);
    cr_assert_eq(story->replica.state, REPLICA_HALTED);
    COMMITTED(12, "");
    TICK(3600 * 1000, "");
    cr_assert(!replica_may_stamp(&story->replica));
    cr_assert_eq(story->actions.wake_at_ms, UINT64_MAX);
}

Test(replica, unknown_durability_of_a_cut_halts) {
    begin_published();
    COMMITTED(11, "cut after 10");
    cut_at(STATUS_STORE_DOUBT, "halt", __LINE__);
}

Test(replica, quorum_of_none_publishes_at_once) {
    START(0, 0, 0, "");
    POLICY(0, "", 0, 0, "");
    COMMITTED(5, "cut after 0");
    CUT("publish 5 +0");
    PUBLISHED("serve 5");
    COMMITTED(6, "cut after 5");
    CUT("publish 6 +0");
    PUBLISHED("serve 6");
}

Test(replica, mirror_without_an_address_is_not_pushed_to_and_not_counted) {
    begin_published();
    story->replica.mirrors[mirror_place('c')].url[0] = '\0';
    COMMITTED(11, "cut after 10");
    CUT("checkpoint a 10-11, checkpoint b 10-11");
}

/* --- starting --- */

Test(replica, signed_and_unpublished_head_goes_on_after_a_restart) {
    START(12, 10, 7, "");
    POLICY(0, "abc", 2, 1, "checkpoint a 0-10, checkpoint b 0-10, checkpoint c 0-10");
    ANSWER('a', 409, "7\n", "checkpoint a 7-10");
    ANSWER('a', 200, "", "entries a 7-10");
    ANSWER('b', 409, "10\n", "checkpoint b 10-10");
    ANSWER('b', 200, "", "entries b 10-10"); /* it may have stored all */
    ANSWER('b', 409, "10\n9\n\n", "entries b 9-10");
    COSIGN('a', 10, "");
    COSIGN('b', 10, "publish 10 +0 a b");
    PUBLISHED("serve 10, cut after 10");
}

Test(replica, signed_and_unpublished_head_with_a_quorum_of_none_is_published) {
    START(10, 10, 7, "");
    POLICY(0, "", 0, 0, "publish 10 +0");
}

Test(replica, published_head_is_cosigned_afresh_after_a_restart) {
    START(10, 10, 10, "");
    POLICY(0, "abc", 2, 1, "checkpoint a 0-10, checkpoint b 0-10, checkpoint c 0-10");
    ANSWER('a', 409, "10\n", "checkpoint a 10-10");
    ANSWER('a', 200, "", "entries a 10-10");
    ANSWER('b', 409, "10\n", "checkpoint b 10-10");
    ANSWER('b', 200, "", "entries b 10-10");
    COSIGN('a', 10, "");
    COSIGN('b', 10, "publish 10 +0 a b");
    PUBLISHED(""); /* nobody waits for it */
}

/* --- time --- */

Test(replica, unchanged_candidate_is_cosigned_afresh_every_hour) {
    begin_published();
    TICK(3600 * 1000 - 1001, "");
    TICK(1, "entries a 10-10, entries b 10-10, entries c 10-10");
    COSIGN('c', 10, "");
    COSIGN('a', 10, "publish 10 +3600 a c");
    PUBLISHED("");
    COSIGN('b', 10, "");
    TICK(1000, "publish 10 +3600 a b c");
    PUBLISHED("");
    cr_assert_eq(story->actions.wake_at_ms, T0 + 2 * 3600 * 1000);
}

Test(replica, commit_during_a_refresh_does_not_wait_for_it) {
    begin_published();
    TICK(3600 * 1000 - 1000, "entries a 10-10, entries b 10-10, entries c 10-10");
    COMMITTED(11, "cut after 10");
    CUT("");
    COSIGN('a', 10, "checkpoint a 10-11");
}

Test(replica, lines_of_an_unpublished_candidate_outlive_the_hour) {
    begin_published();
    COMMITTED(11, "cut after 10");
    CUT("checkpoint a 10-11, checkpoint b 10-11, checkpoint c 10-11");
    ANSWER('a', 200, "", "entries a 10-11");
    COSIGN('a', 11, "");
    TICK(5000, "");
    TICK(3600 * 1000, "entries a 11-11"); /* asked afresh, and it is down now */
    ANSWER('a', 0, "", "");
    ANSWER('b', 200, "", "entries b 10-11");
    COSIGN('b', 11, "publish 11 +3606 a b");
}

Test(replica, clock_that_jumps_back_holds_up_no_round) {
    begin_published();
    COMMITTED(11, "cut after 10");
    CUT("checkpoint a 10-11, checkpoint b 10-11, checkpoint c 10-11");
    cr_assert_eq(story->actions.wake_at_ms, story->now + 5000);
    story->now -= 3600 * 1000;
    COMMITTED(12, "");
    cr_assert_eq(story->actions.wake_at_ms, story->now + 5000);
    TICK(5000, "cut after 11");
    cut_at(STATUS_FULL, "", __LINE__);
    story->now -= 3600 * 1000;
    TICK(0, "");
    TICK(1000, "cut after 11");
}

Test(replica, clock_that_jumps_back_holds_up_no_late_line) {
    begin_published();
    COMMITTED(11, "cut after 10");
    CUT("checkpoint a 10-11, checkpoint b 10-11, checkpoint c 10-11");
    ANSWER('a', 200, "", "entries a 10-11");
    ANSWER('b', 200, "", "entries b 10-11");
    ANSWER('c', 200, "", "entries c 10-11");
    COSIGN('a', 11, "");
    COSIGN('b', 11, "publish 11 +1 a b");
    PUBLISHED("serve 11");
    story->now -= 3600 * 1000;
    COSIGN('c', 11, "");
    cr_assert_eq(story->actions.wake_at_ms, story->now + 1000);
}

Test(replica, clock_that_jumps_back_leaves_nothing_waiting) {
    begin_published();
    COMMITTED(11, "cut after 10");
    CUT("checkpoint a 10-11, checkpoint b 10-11, checkpoint c 10-11");
    for (int i = 0; i < 10; i++) {
        ANSWER('a', 0, "", "");
        TICK(30000, "checkpoint a 10-11");
    }
    ANSWER('a', 0, "", "");
    story->now -= 24 * 3600 * 1000;
    TICK(0, "");
    cr_assert_leq(story->actions.wake_at_ms, story->now + 30000);
    TICK(30000, "checkpoint a 10-11");
}
