/* The guard: what a log must hear before it signs (tests/lib/replica_story.h). */
#include "tests/lib/check.h"
#include "tests/lib/keys.h"
#include "tests/lib/replica_story.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(replica_guard, .init = story_setup, .fini = story_teardown);

static void answer_at_10(char name) {
    char text[64];
    snprintf(text, sizeof text, "checkpoint %c 10-10", name);
    ANSWER(name, 409, "10\n", text);
    snprintf(text, sizeof text, "entries %c 10-10", name);
    ANSWER(name, 200, "", text);
}

Test(replica_guard, lets_nothing_be_signed_before_the_quorum_is_heard) {
    start_at(12, 10, 10, GUARD_QUORUM, "", __LINE__);
    POLICY(0, "abc", 2, 1, "checkpoint a 0-10, checkpoint b 0-10, checkpoint c 0-10");
    cr_assert(!replica_may_stamp(&story->replica));
    answer_at_10('a');
    COSIGN('a', 10, "");
    TICK(60 * 1000, ""); /* no time is long enough */
    cr_assert(!replica_may_stamp(&story->replica));
    answer_at_10('b');
    COSIGN('b', 10, "publish 10 +60 a b");
    cr_assert(replica_may_stamp(&story->replica));
    PUBLISHED("cut after 10");
}

Test(replica_guard, of_all_waits_for_every_mirror) {
    start_at(12, 10, 10, GUARD_ALL, "", __LINE__);
    POLICY(0, "abc", 2, 1, "checkpoint a 0-10, checkpoint b 0-10, checkpoint c 0-10");
    answer_at_10('a');
    answer_at_10('b');
    COSIGN('a', 10, "");
    COSIGN('b', 10, "publish 10 +0 a b");
    PUBLISHED("");
    cr_assert(!replica_may_stamp(&story->replica));
    answer_at_10('c');
    COSIGN('c', 10, "cut after 10");
    cr_assert(replica_may_stamp(&story->replica));
}

/* --- whom the guard of all need not hear --- */

static struct guard_record record;
static struct guard_terms terms = {.record = &record};

/* Guard of all at 10; a and b have cosigned, c is asked. `listed`: c was pushed to before. */
static void all_but_c(bool listed) {
    guard_record_new(&record, bytes_text(ORIGIN));
    for (size_t i = 0; i < (listed ? 3 : 2); i++) {
        cr_assert(guard_list(&record, &story->mirrors[i].vkey));
    }
    story->replica.terms = &terms;
    start_at(12, 10, 10, GUARD_ALL, "", __LINE__);
    POLICY(0, "abc", 2, 1, "checkpoint a 0-10, checkpoint b 0-10, checkpoint c 0-10");
    answer_at_10('a');
    answer_at_10('b');
    COSIGN('a', 10, "");
    COSIGN('b', 10, "publish 10 +0 a b");
    PUBLISHED("");
    cr_assert(!replica_may_stamp(&story->replica));
}

Test(replica_guard, takes_404_from_a_mirror_that_was_never_pushed_to) {
    all_but_c(false);
    ANSWER('c', 404, "", "cut after 10");
    cr_assert(replica_may_stamp(&story->replica));
}

Test(replica_guard, takes_no_404_from_a_mirror_that_was_pushed_to) {
    char text[512] = "";
    struct writer w;
    all_but_c(true);
    ANSWER('c', 404, "", "");
    cr_assert(!replica_may_stamp(&story->replica));
    writer_init(&w, text, sizeof text - 1);
    replica_guard_awaits(&story->replica, &w);
    cr_assert_str_eq(text, story->mirrors[2].vkey.name);
}

Test(replica_guard, without_a_record_takes_no_404) {
    all_but_c(false);
    terms.record = NULL;
    ANSWER('c', 404, "", "");
    cr_assert(!replica_may_stamp(&story->replica));
}

Test(replica_guard, does_not_wait_for_a_mirror_that_is_exempt) {
    static char names[1][NAME_SIZE_MAX + 1];
    snprintf(names[0], sizeof names[0], "%s", story->mirrors[2].vkey.name);
    all_but_c(true);
    terms.exempt = names;
    terms.exempt_count = 1;
    TICK(1, "cut after 10");
    cr_assert(replica_may_stamp(&story->replica));
}

Test(replica_guard, exempt_mirror_that_comes_back_larger_halts) {
    static char names[1][NAME_SIZE_MAX + 1];
    snprintf(names[0], sizeof names[0], "%s", story->mirrors[2].vkey.name);
    all_but_c(true);
    terms.exempt = names;
    terms.exempt_count = 1;
    ANSWER('c', 409, "15\n", "cut after 10");
    COMMITTED(12, "");
    cut_at(STATUS_OK, NULL, __LINE__);
    struct head theirs = head_at(15, 0);
    response_at('c', 200, bytes_of(theirs.note, theirs.note_len), NULL, "halt", __LINE__);
    cr_assert_eq(story->replica.halt, HALT_LARGER);
}

/* --- what the record says was signed --- */

/* As all_but_c, with a record of this head; c cosigns too. */
static void all_heard(const char *origin, uint64_t size, const struct hash *root,
                      const char *expected) {
    all_but_c(true);
    guard_record_new(&record, bytes_text(origin));
    record.size = size;
    record.root = *root;
    answer_at_10('c');
    COSIGN('c', 10, expected);
}

Test(replica_guard, halts_where_nobody_has_what_the_record_names) {
    struct head theirs = head_at(12, 0);
    all_heard(ORIGIN, 12, &theirs.root, "halt");
    cr_assert_eq(story->replica.halt, HALT_LOST);
    cr_assert_not_null(strstr(story->actions.items[0].why, "12"));
    cr_assert_not_null(strstr(story->actions.items[0].why, "lost"));
    cr_assert_eq(story->actions.items[0].note.len, 0);
    COMMITTED(13, "");
    cr_assert(!replica_may_stamp(&story->replica));
}

Test(replica_guard, halts_where_the_record_names_another_root) {
    struct head theirs = head_at(10, 0);
    theirs.root.bytes[0] ^= 1;
    all_heard(ORIGIN, 10, &theirs.root, "halt");
    cr_assert_eq(story->replica.halt, HALT_LOST);
}

Test(replica_guard, passes_where_the_folder_covers_what_the_record_names) {
    struct head ours = head_at(10, 0);
    all_heard(ORIGIN, 10, &ours.root, "cut after 10");
}

Test(replica_guard, passes_where_the_record_is_of_an_older_head) {
    struct head ours = head_at(7, 0);
    all_heard(ORIGIN, 7, &ours.root, "cut after 10");
}

Test(replica_guard, passes_where_the_record_is_of_another_log) {
    struct head theirs = head_at(12, 0);
    all_heard("other.example/log", 12, &theirs.root, "cut after 10");
}

Test(replica_guard, waits_for_all_before_it_calls_a_head_lost) {
    struct head theirs = head_at(12, 0);
    all_but_c(true);
    record.size = 12;
    record.root = theirs.root;
    ANSWER('c', 0, "", "");
    TICK(60 * 1000, NULL);
    cr_assert_neq(story->replica.state, REPLICA_HALTED);
    ANSWER('c', 409, "12\n", "fetch c");
    response_at('c', 200, bytes_of(theirs.note, theirs.note_len), NULL, "halt", __LINE__);
    cr_assert_eq(story->replica.halt, HALT_LARGER);
}

Test(replica_guard, takes_no_cosignature_that_is_old) {
    start_at(12, 10, 10, GUARD_QUORUM, "", __LINE__);
    POLICY(0, "abc", 2, 1, "checkpoint a 0-10, checkpoint b 0-10, checkpoint c 0-10");
    answer_at_10('a');
    COSIGN('a', 10, "");
    answer_at_10('b');
    story->offsets[1] = -COSIGN_OFFSET_MAX_SECONDS - 1;
    COSIGN('b', 10, ""); /* somebody kept it */
    cr_assert(!replica_may_stamp(&story->replica));
    cr_assert_eq(mirror('b')->state, MIRROR_BACKOFF);
    answer_at_10('c');
    story->offsets[2] = -COSIGN_OFFSET_MAX_SECONDS;
    COSIGN('c', 10, "publish 10 +0 a c");
}

Test(replica_guard, begins_again_and_asks_all_afresh) {
    begin_published();
    COMMITTED(11, "cut after 10");
    step_guard(GUARD_QUORUM, "", __LINE__); /* not while a cut is under way */
    cr_assert(!replica_may_stamp(&story->replica));
    CUT("checkpoint a 0-11, checkpoint b 0-11, checkpoint c 0-11");
    cr_assert_eq(story->replica.guard, GUARD_QUORUM);
    COMMITTED(12, "");
    for (char name = 'a'; name <= 'b'; name++) {
        char text[64];
        snprintf(text, sizeof text, "checkpoint %c 10-11", name);
        ANSWER(name, 409, "10\n", text);
        snprintf(text, sizeof text, "entries %c 10-11", name);
        ANSWER(name, 200, "", text);
    }
    COSIGN('a', 11, "");
    cr_assert(!replica_may_stamp(&story->replica));
    COSIGN('b', 11, "publish 11 +1 a b");
    cr_assert(replica_may_stamp(&story->replica));
    PUBLISHED("serve 11, cut after 11");
}

Test(replica_guard, that_begins_again_takes_no_answer_asked_for_before) {
    begin_published();
    TICK(3600 * 1000, NULL);
    step_guard(GUARD_QUORUM, "", __LINE__);
    COSIGN('a', 10, "checkpoint a 0-10"); /* asked again, from the beginning */
}

Test(replica_guard, of_a_folder_that_is_an_old_copy_halts) {
    start_at(12, 10, 10, GUARD_QUORUM, "", __LINE__);
    POLICY(0, "abc", 2, 1, "checkpoint a 0-10, checkpoint b 0-10, checkpoint c 0-10");
    ANSWER('a', 409, "15\n", "fetch a");
    struct head theirs = head_at(15, 0);
    response_at('a', 200, bytes_of(theirs.note, theirs.note_len), NULL, "halt", __LINE__);
    cr_assert_eq(story->replica.state, REPLICA_HALTED);
    CHECK_BYTES(story->actions.items[0].note, bytes_of(theirs.note, theirs.note_len));
    cr_assert_not_null(strstr(story->actions.items[0].why, "mirror-a.example"));
    cr_assert_not_null(strstr(story->actions.items[0].why, "15"));
    ANSWER('b', 200, "", ""); /* late answers change nothing */
    cr_assert(!replica_may_stamp(&story->replica));
}
