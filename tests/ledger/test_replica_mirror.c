/* What a mirror's answers do to the replica, good ones and lies, told as stories
 * (tests/lib/replica_story.h). */
#include "tests/lib/check.h"
#include "tests/lib/keys.h"
#include "tests/lib/replica_story.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(replica_mirror, .init = story_setup, .fini = story_teardown);

/* --- what mirrors answer --- */

static void begin_again(void) {
    story_teardown();
    story_setup();
}

/* Mirror a is asked for its checkpoint of 20; b and c are silent. */
static void begin_asking(void) {
    begin_published();
    COMMITTED(20, "cut after 10");
    CUT("checkpoint a 10-20, checkpoint b 10-20, checkpoint c 10-20");
}

/* --- both requests in one --- */

/* As begin_asking, of mirrors that are asked both at once. */
static void begin_together(uint64_t size) {
    char expected[128];
    begin_published();
    story->replica.options.together = true;
    (void)snprintf(expected, sizeof expected,
                   "candidate a 10-%llu, candidate b 10-%llu, candidate c 10-%llu",
                   (unsigned long long)size, (unsigned long long)size, (unsigned long long)size);
    COMMITTED(size, "cut after 10");
    CUT(expected);
}

Test(replica_mirror, mirrors_in_step_are_sent_both_in_one) {
    begin_together(256);
    cr_assert_eq(mirror('a')->state, MIRROR_CANDIDATE);
    COSIGN('a', 256, "");
    cr_assert_eq(mirror('a')->state, MIRROR_DONE);
    COSIGN('b', 256, "publish 256 +1 a b");
    PUBLISHED("serve 256");
    COMMITTED(300, "cut after 256");
    CUT("candidate a 256-300, candidate b 256-300");
    COSIGN('c', 256, "candidate c 256-300"); /* late, and in step all the same */
}

Test(replica_mirror, more_than_a_package_is_sent_by_two_requests) {
    begin_published();
    story->replica.options.together = true;
    COMMITTED(257, "cut after 10");
    CUT("checkpoint a 10-257, checkpoint b 10-257, checkpoint c 10-257");
}

Test(replica_mirror, first_contact_is_by_two_requests) {
    story->replica.options.together = true;
    START(10, 0, 0, "");
    POLICY(0, "abc", 2, 1, "cut after 0");
    CUT("checkpoint a 0-10, checkpoint b 0-10, checkpoint c 0-10");
}

Test(replica_mirror, refusal_of_both_is_asked_for_again_apart) {
    unsigned statuses[] = {100, 201, 202, 301, 400, 403, 409, 413, 422, 429};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        begin_again();
        begin_together(20);
        ANSWER('a', statuses[i], "1000000\n", "checkpoint a 10-20"); /* no claim is looked at */
        ANSWER('a', 200, "", "entries a 10-20");
        COSIGN('a', 20, "");
        COSIGN('b', 20, "publish 20 +1 a b");
        PUBLISHED("serve 20");
        COMMITTED(30, "cut after 20");
        CUT("candidate a 20-30, candidate b 20-30"); /* and the next time both again */
    }
}

Test(replica_mirror, mirror_that_knows_no_such_request_is_rarely_asked) {
    unsigned statuses[] = {404, 405};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        begin_again();
        begin_together(20);
        ANSWER('a', statuses[i], "", "checkpoint a 10-20");
        ANSWER('a', 200, "", "entries a 10-20");
        COSIGN('a', 20, "");
        COSIGN('b', 20, "publish 20 +1 a b");
        PUBLISHED("serve 20");
        COMMITTED(21, "cut after 20");
        CUT("checkpoint a 20-21, candidate b 20-21");
    }
}

Test(replica_mirror, failure_of_both_is_a_failure) {
    unsigned statuses[] = {0, 500, 502, 503, 999};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        begin_again();
        begin_together(20);
        ANSWER('a', statuses[i], "", "");
        cr_assert_eq(mirror('a')->state, MIRROR_BACKOFF);
        TICK(250, "candidate a 10-20");
    }
}

Test(replica_mirror, lies_about_both_are_failures) {
    begin_together(20);
    ANSWER('a', 200, "", "");
    cr_assert_eq(mirror('a')->state, MIRROR_BACKOFF);
    COSIGN('b', 19, ""); /* of another size: no line on the candidate */
    cr_assert_eq(mirror('b')->state, MIRROR_BACKOFF);
}

Test(replica_mirror, lost_pending_checkpoint_is_resynchronised) {
    begin_asking();
    ANSWER('a', 409, "4\n", "checkpoint a 4-20");
    ANSWER('a', 200, "", "entries a 4-20");
    COSIGN('a', 20, "");
}

Test(replica_mirror, mirror_that_lost_everything_is_filled_again) {
    begin_asking();
    ANSWER('a', 409, "0\n", "checkpoint a 0-20");
    ANSWER('a', 200, "", "entries a 0-20");
    COSIGN('a', 20, "");
}

Test(replica_mirror, wrong_old_size_answers_fail) {
    const char *bodies[] = {"",     "10",    "10\n\n", "x\n",
                            "-1\n", "010\n", "10\n",   "99999999999999999999\n"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        begin_again();
        begin_asking();
        ANSWER('a', 409, bodies[i], ""); /* "10" is what was sent, and corrects nothing */
        cr_assert_eq(mirror('a')->state, MIRROR_BACKOFF, "body %zu", i);
    }
}

Test(replica_mirror, every_other_status_fails) {
    unsigned statuses[] = {0, 100, 201, 204, 301, 400, 403, 404, 405, 413, 429, 500, 502, 503, 999};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        begin_again();
        begin_asking();
        ANSWER('a', statuses[i], "20\n20\n\n", "");
        cr_assert_eq(mirror('a')->state, MIRROR_BACKOFF);
        TICK(250, "checkpoint a 10-20");
        ANSWER('a', 200, "", "entries a 10-20");
        ANSWER('a', statuses[i], "20\n20\n\n", "");
        cr_assert_eq(mirror('a')->state, MIRROR_BACKOFF);
        cr_assert_eq(mirror('a')->backoff_ms, 500u); /* the checkpoint alone is no progress */
        TICK(500, "entries a 10-20");
    }
}

/* It was put back from a backup, heard of 21 from another mirror, and cosigns nothing less. */
Test(replica_mirror, mirror_that_refuses_a_past_candidate_is_offered_the_present_one) {
    begin_asking();
    ANSWER('a', 200, "", "entries a 10-20");
    ANSWER('a', 503, "", "");
    TICK(5000, "entries a 10-20");
    COMMITTED(21, "cut after 20");
    CUT(NULL);
    ANSWER('a', 503, "", "");
    TICK(500, "checkpoint a 20-21");
    ANSWER('a', 200, "", "entries a 10-21");
    COSIGN('a', 21, "");
}

Test(replica_mirror, corrections_without_end_are_a_failure) {
    begin_asking();
    ANSWER('a', 409, "1\n", "checkpoint a 1-20");
    ANSWER('a', 409, "2\n", "checkpoint a 2-20");
    ANSWER('a', 409, "1\n", "checkpoint a 1-20");
    ANSWER('a', 409, "2\n", "checkpoint a 2-20");
    ANSWER('a', 409, "1\n", "");
    cr_assert_eq(mirror('a')->state, MIRROR_BACKOFF);
    TICK(250, "checkpoint a 1-20");
    ANSWER('a', 200, "", "entries a 1-20");
    ANSWER('a', 409, "20\n3\n\n", "entries a 3-20");
    ANSWER('a', 409, "20\n4\n\n", "entries a 4-20");
    ANSWER('a', 409, "20\n3\n\n", "entries a 3-20");
    ANSWER('a', 409, "20\n4\n\n", "entries a 4-20");
    ANSWER('a', 409, "20\n3\n\n", "");
    cr_assert_eq(mirror('a')->backoff_ms, 500u);
}

Test(replica_mirror, upload_in_pieces) {
    begin_published();
    COMMITTED(10000, "cut after 10");
    CUT("checkpoint a 10-10000, checkpoint b 10-10000, checkpoint c 10-10000");
    ANSWER('a', 200, "", "entries a 10-10000");
    ANSWER('a', 202, "10000\n8192\ndGlja2V0\n", "entries a 8192-10000");
    cr_assert_eq(mirror('a')->ticket_len, 6u);
    cr_assert_eq(memcmp(mirror('a')->ticket, "ticket", 6), 0);
    ANSWER('a', 202, "10000\n8448\n\n", "entries a 8448-10000");
    cr_assert_eq(mirror('a')->ticket_len, 0u);
    cr_assert_eq(mirror('a')->failures, 0u);
    COSIGN('a', 10000, "");
    cr_assert_eq(mirror('a')->state, MIRROR_DONE);
}

Test(replica_mirror, piece_that_is_no_progress_fails) {
    /* Less than a whole package, nothing, beyond the end, no form. */
    const char *bodies[] = {
        "10000\n255\n\n", "10000\n10\n\n",    "10000\n9\n\n",   "10000\n10001\n\n", "",
        "10000\n256\n",   "10000\n256\n\n\n", "10000\n256\n!\n"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        begin_again();
        begin_published();
        COMMITTED(10000, "cut after 10");
        CUT("checkpoint a 10-10000, checkpoint b 10-10000, checkpoint c 10-10000");
        ANSWER('a', 200, "", "entries a 10-10000");
        ANSWER('a', 202, bodies[i], "");
        cr_assert_eq(mirror('a')->state, MIRROR_BACKOFF, "body %zu", i);
    }
}

Test(replica_mirror, empty_upload_cannot_be_answered_as_a_piece) {
    begin_published();
    TICK(3600 * 1000 - 1000, "entries a 10-10, entries b 10-10, entries c 10-10");
    ANSWER('a', 202, "10\n10\n\n", "");
    cr_assert_eq(mirror('a')->state, MIRROR_BACKOFF);
}

Test(replica_mirror, upload_that_should_begin_elsewhere) {
    begin_asking();
    ANSWER('a', 200, "", "entries a 10-20");
    ANSWER('a', 409, "20\n3\n\n", "entries a 3-20");
    COSIGN('a', 20, "");
}

Test(replica_mirror, upload_conflict_that_asks_for_the_same_again_fails) {
    begin_asking();
    ANSWER('a', 200, "", "entries a 10-20");
    ANSWER('a', 409, "20\n10\n\n", "");
    cr_assert_eq(mirror('a')->state, MIRROR_BACKOFF);
    TICK(250, "entries a 10-20");
    ANSWER('a', 409, "20\n10\ndGlja2V0\n", "entries a 10-20"); /* a ticket makes it another */
    ANSWER('a', 409, "20\n10\ndGlja2V0\n", "");
}

Test(replica_mirror, forgotten_candidate_is_added_again) {
    begin_asking();
    ANSWER('a', 200, "", "entries a 10-20");
    ANSWER('a', 409, "10\n10\n\n", "checkpoint a 10-20");
    ANSWER('a', 200, "", "entries a 10-20");
    COSIGN('a', 20, "");
}

Test(replica_mirror, refused_entries_begin_with_the_first_question) {
    begin_asking();
    ANSWER('a', 200, "", "entries a 10-20");
    ANSWER('a', 422, "", "");
    TICK(250, "checkpoint a 0-20");
}

Test(replica_mirror, cosignatures_count_only_if_good_and_on_the_candidate) {
    begin_asking();
    ANSWER('a', 200, "", "entries a 10-20");
    cosign_at('a', 20, 1, "", __LINE__); /* another root */
    cr_assert_eq(mirror('a')->state, MIRROR_BACKOFF);
    TICK(250, "entries a 10-20");
    cosign_at('a', 10, 0, "", __LINE__); /* another size */
    cr_assert_eq(mirror('a')->state, MIRROR_BACKOFF);
    TICK(500, "entries a 10-20");
    ANSWER('a', 200, "", ""); /* none */
    TICK(1000, "entries a 10-20");
    ANSWER('a', 200, "not a line\n", "");
    TICK(2000, "entries a 10-20");
    uint8_t text[CHECKPOINT_TEXT_MAX];
    uint8_t lines[1024];
    struct writer t;
    struct writer w;
    struct hash root = root_at(20, 0);
    writer_init(&t, text, sizeof text);
    checkpoint_format_text(&t, bytes_text(ORIGIN), 20, &root);
    writer_init(&w, lines, sizeof lines);
    cosignature_sign(&w, writer_view(&t), 1700000000, &story->mirrors[1]); /* b's, sent by a */
    response_at('a', 200, writer_view(&w), NULL, "", __LINE__);
    cr_assert_eq(mirror('a')->state, MIRROR_BACKOFF);
    TICK(4000, "entries a 10-20");
    cosignature_sign(&w, writer_view(&t), 1700000000,
                     &story->mirrors[0]); /* and its own beside it */
    response_at('a', 200, writer_view(&w), NULL, "", __LINE__);
    cr_assert_eq(mirror('a')->state, MIRROR_DONE);
    cr_assert(!story->replica.lines[mirror_place('b')].have);
}

Test(replica_mirror, next_entry_that_was_heard_is_better_than_a_guess) {
    begin_asking();
    ANSWER('a', 200, "", "entries a 10-20");
    ANSWER('a', 409, "20\n3\n\n", "entries a 3-20");
    ANSWER('a', 503, "", "");
    TICK(250, "entries a 3-20");
    ANSWER('a', 409, "9\n3\n\n", "checkpoint a 9-20");
    ANSWER('a', 409, "12\n", "checkpoint a 12-20");
    ANSWER('a', 200, "", "entries a 3-20");
    ANSWER('a', 409, "2\n2\n\n", "checkpoint a 2-20");
    ANSWER('a', 200, "", "entries a 2-20");
}

Test(replica_mirror, next_entry_beyond_a_lost_pending_checkpoint_is_forgotten) {
    begin_asking(); /* all 10 are known to be there */
    ANSWER('a', 409, "4\n", "checkpoint a 4-20");
    ANSWER('a', 200, "", "entries a 4-20");
}

Test(replica_mirror, entries_heard_of_in_an_upload_outlive_a_failure) {
    begin_published();
    COMMITTED(10000, "cut after 10");
    CUT("checkpoint a 10-10000, checkpoint b 10-10000, checkpoint c 10-10000");
    ANSWER('a', 200, "", "entries a 10-10000");
    ANSWER('a', 202, "10000\n8192\n\n", "entries a 8192-10000");
    ANSWER('a', 0, "", "");
    TICK(250, "entries a 8192-10000");
    ANSWER('a', 202, "10000\n10000\n\n", "entries a 10000-10000"); /* all is there */
    COSIGN('a', 10000, "");
}

Test(replica_mirror, upload_conflict_when_all_is_there) {
    begin_asking();
    ANSWER('a', 200, "", "entries a 10-20");
    ANSWER('a', 409, "20\n20\n\n", "entries a 20-20");
    COSIGN('a', 20, "");
}

Test(replica_mirror, upload_conflict_without_numbers_fails) {
    begin_asking();
    ANSWER('a', 200, "", "entries a 10-20");
    ANSWER('a', 409, "conflict", "");
    cr_assert_eq(mirror('a')->state, MIRROR_BACKOFF);
}

Test(replica_mirror, progress_forgives_corrections) {
    begin_published();
    COMMITTED(10000, "cut after 10");
    CUT("checkpoint a 10-10000, checkpoint b 10-10000, checkpoint c 10-10000");
    ANSWER('a', 409, "8\n", "checkpoint a 8-10000");
    ANSWER('a', 409, "7\n", "checkpoint a 7-10000");
    ANSWER('a', 200, "", "entries a 7-10000");
    ANSWER('a', 409, "10000\n6\n\n", "entries a 6-10000");
    ANSWER('a', 202, "10000\n256\n\n", "entries a 256-10000");
    for (int i = 0; i < 2; i++) {
        ANSWER('a', 409, "10000\n255\n\n", "entries a 255-10000");
        ANSWER('a', 409, "10000\n256\n\n", "entries a 256-10000");
    }
    cr_assert_eq(mirror('a')->state, MIRROR_ENTRIES);
}

Test(replica_mirror, ticket_is_dropped_with_all_else_that_was_known) {
    begin_asking();
    ANSWER('a', 200, "", "entries a 10-20");
    ANSWER('a', 409, "20\n5\ndGlja2V0\n", "entries a 5-20");
    cr_assert_eq(mirror('a')->ticket_len, 6u);
    ANSWER('a', 422, "", "");
    cr_assert_eq(mirror('a')->ticket_len, 0u);
    TICK(250, "checkpoint a 0-20");
    ANSWER('a', 409, "15\n", "checkpoint a 15-20"); /* what was heard before counts no more */
    ANSWER('a', 200, "", "entries a 15-20");
}

/* --- larger and other heads --- */

Test(replica_mirror, larger_claim_without_proof_is_a_failure) {
    begin_asking();
    ANSWER('a', 409, "21\n", "fetch a");
    ANSWER('a', 404, "", "");
    cr_assert_eq(mirror('a')->state, MIRROR_BACKOFF);
    TICK(250, "checkpoint a 10-20");
    ANSWER('a', 409, "9223372036854775807\n", "fetch a");
    ANSWER('a', 200, "nonsense", "");
    TICK(500, "checkpoint a 10-20");
    ANSWER('a', 200, "", "entries a 10-20");
    ANSWER('a', 409, "21\n10\n\n", "fetch a"); /* the same by add-entries */
    ANSWER('a', 0, "", "");
    TICK(1000, "entries a 10-20");
    ANSWER('a', 409, "20\n21\n\n", "fetch a");
    ANSWER('a', 200, "", "");
    cr_assert_neq(story->replica.state, REPLICA_HALTED);
}

Test(replica_mirror, larger_claim_with_someone_elses_signature_is_a_failure) {
    begin_asking();
    struct signer own = story->log;
    ANSWER('a', 409, "21\n", "fetch a");
    story->log = test_signer("other.example/log", VKEY_NOTE);
    struct head foreign = head_at(21, 0); /* our origin, another's line */
    story->log = own;
    response_at('a', 200, bytes_of(foreign.note, foreign.note_len), NULL, "", __LINE__);
    cr_assert_eq(mirror('a')->state, MIRROR_BACKOFF);
    TICK(250, "checkpoint a 10-20");
    ANSWER('a', 409, "21\n", "fetch a");
    struct head good = head_at(21, 0);
    good.note[good.note_len - 10] ^= 1; /* a broken signature */
    response_at('a', 200, bytes_of(good.note, good.note_len), NULL, "", __LINE__);
    cr_assert_neq(story->replica.state, REPLICA_HALTED);
}

Test(replica_mirror, own_signature_on_a_larger_size_halts) {
    begin_asking();
    ANSWER('a', 409, "21\n", "fetch a");
    struct head theirs = head_at(21, 0);
    response_at('a', 200, bytes_of(theirs.note, theirs.note_len), NULL, "halt", __LINE__);
}

Test(replica_mirror, own_signature_on_another_root_halts) {
    begin_asking();
    ANSWER('a', 422, "", "fetch a");
    struct head theirs = head_at(15, 1);
    struct hash ours = root_at(15, 0);
    response_at('a', 200, bytes_of(theirs.note, theirs.note_len), &ours, "halt", __LINE__);
    cr_assert_not_null(strstr(story->replica.halted_why, "forked"));
}

Test(replica_mirror, own_signature_on_another_root_at_the_candidate_halts) {
    begin_asking();
    ANSWER('a', 422, "", "fetch a");
    struct head theirs = head_at(20, 1);
    response_at('a', 200, bytes_of(theirs.note, theirs.note_len), NULL, "halt", __LINE__);
}

Test(replica_mirror, refusal_that_nothing_contradicts_is_a_failure) {
    begin_asking();
    ANSWER('a', 422, "", "fetch a");
    struct head theirs = head_at(15, 0);
    struct hash ours = root_at(15, 0);
    response_at('a', 200, bytes_of(theirs.note, theirs.note_len), &ours, "", __LINE__);
    cr_assert_eq(mirror('a')->state, MIRROR_BACKOFF);
    TICK(250, "checkpoint a 15-20"); /* what it really holds was learned */
    ANSWER('a', 200, "", "entries a 15-20");
}

Test(replica_mirror, fetched_checkpoint_that_is_the_candidate_is_no_proof) {
    begin_asking();
    ANSWER('a', 200, "", "entries a 10-20");
    ANSWER('a', 409, "20\n21\n\n", "fetch a");
    struct head theirs = head_at(20, 0);
    response_at('a', 200, bytes_of(theirs.note, theirs.note_len), NULL, "", __LINE__);
    cr_assert_eq(mirror('a')->state, MIRROR_BACKOFF);
    TICK(250, "checkpoint a 20-20"); /* what was known of it is forgotten */
    ANSWER('a', 200, "", "entries a 20-20");
    COSIGN('a', 20, "");
}

Test(replica_mirror, claims_without_end_are_asked_about_ever_more_rarely) {
    begin_asking();
    uint64_t wait = 250;
    for (int i = 0; i < 12; i++) {
        ANSWER('a', 409, "21\n", "fetch a");
        ANSWER('a', 404, "", "");
        cr_assert_eq(story->actions.wake_at_ms > story->now, 1);
        cr_assert_eq(mirror('a')->retry_at_ms, story->now + wait);
        cr_assert_eq(mirror('a')->state, MIRROR_BACKOFF);
        story->now += wait - 1;
        TICK(1, "checkpoint a 10-20");
        wait = wait < 15000 ? 2 * wait : 30000;
        wait = wait > 30000 ? 30000 : wait;
    }
}

Test(replica_mirror, what_was_known_of_its_entries_is_forgotten_by_a_guard) {
    begin_published();
    step_guard(GUARD_ALL, "checkpoint a 0-10, checkpoint b 0-10, checkpoint c 0-10", __LINE__);
    ANSWER('a', 200, "", "entries a 0-10"); /* it had none, or it has another's folder now */
}
