/* Policies that change, told as stories (tests/lib/replica_story.h). */
#include "tests/lib/replica_story.h"

#include <criterion/criterion.h>

TestSuite(replica_policy, .init = story_setup, .fini = story_teardown);

Test(replica_policy, policy_change_needs_both_quorums) {
    begin_published();
    POLICY(1, "cd", 2, 10, "");
    COMMITTED(11, "cut after 10");
    CUT("checkpoint a 10-11, checkpoint b 10-11, checkpoint c 10-11, checkpoint d 0-11");
    ANSWER('a', 200, "", "entries a 10-11");
    ANSWER('b', 200, "", "entries b 10-11");
    ANSWER('c', 200, "", "entries c 10-11");
    COSIGN('a', 11, "");
    COSIGN('b', 11, ""); /* the old quorum alone is not enough */
    COSIGN('c', 11, "");
    ANSWER('d', 200, "", "entries d 0-11");
    COSIGN('d', 11, "publish 11 +1 a b c d");
    PUBLISHED("serve 11, release 0");
    COMMITTED(12, "cut after 11");
    CUT("checkpoint c 11-12, checkpoint d 11-12"); /* a and b are not its mirrors any more */
    ANSWER('c', 200, "", "entries c 11-12");
    ANSWER('d', 200, "", "entries d 11-12");
    COSIGN('c', 12, "");
    COSIGN('d', 12, "publish 12 +1 c d");
}

Test(replica_policy, new_quorum_alone_is_not_enough_either) {
    begin_published();
    POLICY(1, "cd", 2, 10, "");
    COMMITTED(11, "cut after 10");
    CUT("checkpoint a 10-11, checkpoint b 10-11, checkpoint c 10-11, checkpoint d 0-11");
    ANSWER('c', 200, "", "entries c 10-11");
    ANSWER('d', 200, "", "entries d 0-11");
    COSIGN('c', 11, "");
    COSIGN('d', 11, "");
    ANSWER('a', 200, "", "entries a 10-11");
    COSIGN('a', 11, "publish 11 +1 a c d");
}

Test(replica_policy, policy_beyond_the_candidate_does_not_count_for_it) {
    begin_published();
    COMMITTED(11, "cut after 10");
    CUT("checkpoint a 10-11, checkpoint b 10-11, checkpoint c 10-11");
    POLICY(1, "cd", 2, 11, "");
    COMMITTED(12, "");
    ANSWER('a', 200, "", "entries a 10-11");
    ANSWER('b', 200, "", "entries b 10-11");
    COSIGN('a', 11, "");
    COSIGN('b', 11, "publish 11 +1 a b");
    PUBLISHED("serve 11, cut after 11");
    CUT("checkpoint a 11-12, checkpoint b 11-12, checkpoint d 0-12");
}

Test(replica_policy, of_several_new_policies_the_last_counts) {
    begin_published();
    POLICY(1, "cd", 2, 10, "");
    POLICY(2, "ad", 2, 11, "release 1");
    COMMITTED(12, "cut after 10");
    CUT("checkpoint a 10-12, checkpoint b 10-12, checkpoint c 10-12, checkpoint d 0-12");
    /* Another comes, and the round is given up: the next candidate covers that too. */
    POLICY(3, "bcd", 2, 12, "");
    COMMITTED(13, "");
    TICK(5000, "cut after 12");
    CUT("release 2");
    cr_assert_eq(story->replica.incoming, &story->policies[3]);
    cr_assert_eq(story->replica.policy, &story->policies[0]);
}

Test(replica_policy, mirror_that_leaves_with_a_request_under_way_keeps_its_place_until_answered) {
    begin_published();
    POLICY(1, "cd", 1, 10, "");
    COMMITTED(11, "cut after 10");
    CUT("checkpoint a 10-11, checkpoint b 10-11, checkpoint c 10-11, checkpoint d 0-11");
    ANSWER('b', 200, "", "entries b 10-11");
    ANSWER('c', 200, "", "entries c 10-11");
    COSIGN('c', 11, "");
    COSIGN('b', 11, "publish 11 +1 b c");
    PUBLISHED("serve 11, release 0");
    size_t place = mirror_place('a');
    cr_assert(story->replica.mirrors[place].used && !story->replica.mirrors[place].wanted);
    COMMITTED(12, "cut after 11");
    CUT("checkpoint c 11-12");
    response_at('a', 200, bytes_text(""), NULL, "", __LINE__);
    cr_assert(!story->replica.mirrors[place].used);
}

Test(replica_policy, policy_found_at_start_between_head_and_published) {
    /* Published 7, signed 10 (covering the policy entry 8), committed 12 (with another at 11). */
    START(12, 10, 7, "");
    POLICY(0, "abc", 2, 1, "checkpoint a 0-10, checkpoint b 0-10, checkpoint c 0-10");
    POLICY(1, "cd", 2, 8, "checkpoint d 0-10");
    POLICY(2, "ad", 2, 11, "");
    cr_assert_eq(story->replica.policy, &story->policies[0]);
    cr_assert_eq(story->replica.incoming, &story->policies[1]);
    cr_assert_eq(story->replica.next, &story->policies[2]);
}

Test(replica_policy, of_two_under_the_signed_head_the_last_counts) {
    START(12, 10, 7, "");
    POLICY(0, "abc", 2, 1, "checkpoint a 0-10, checkpoint b 0-10, checkpoint c 0-10");
    POLICY(1, "cd", 2, 8, "checkpoint d 0-10");
    POLICY(2, "ad", 2, 9, "release 1");
    cr_assert_eq(story->replica.incoming, &story->policies[2]);
}

Test(replica_policy, entry_just_beyond_the_cut_is_not_covered) {
    begin_published();
    COMMITTED(11, "cut after 10");
    POLICY(1, "cd", 2, 11, ""); /* committed behind the cut */
    CUT("checkpoint a 10-11, checkpoint b 10-11, checkpoint c 10-11");
    cr_assert_null(story->replica.incoming);
    cr_assert_eq(story->replica.next, &story->policies[1]);
}

/* Verifiers and mirrors go by the policy that the checkpoint brings into force, and so does the
 * log.
 */
Test(replica_policy, quorum_time_is_by_the_new_policy) {
    for (int ahead = 0; ahead < 2; ahead++) {
        story_teardown();
        story_setup();
        begin_published();
        POLICY(1, "cd", 2, 10, "");
        COMMITTED(11, "cut after 10");
        CUT("checkpoint a 10-11, checkpoint b 10-11, checkpoint c 10-11, checkpoint d 0-11");
        if (ahead == 0) {
            story->offsets[0] = story->offsets[1] = 20; /* one of them is in any old quorum */
        } else {
            story->offsets[3] = 20;
        }
        ANSWER('a', 200, "", "entries a 10-11");
        ANSWER('b', 200, "", "entries b 10-11");
        ANSWER('c', 200, "", "entries c 10-11");
        ANSWER('d', 200, "", "entries d 0-11");
        COSIGN('a', 11, "");
        COSIGN('b', 11, "");
        COSIGN('d', 11, "");
        COSIGN('c', 11, ahead == 0 ? "publish 11 +1 a b c d" : "publish 11 +21 a b c d");
    }
}
