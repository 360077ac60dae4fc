/* What is decided of an event before its turn: all that costs time, and nothing that the prefix may
 * yet change. */
#include "tests/lib/check.h"
#include "tests/lib/hosted.h"

#include <criterion/criterion.h>
#include <string.h>

static struct hosted h;
static struct world *w;
static struct submission submission;

static void setup(void) {
    hosted_open(&h);
    w = &h.world;
    hosted_start(&h);
}

static void cleanup(void) {
    submission_release(&submission);
    submission_release(&submission); /* twice is fine */
    hosted_close(&h);
}

TestSuite(submission, .init = setup, .fini = cleanup);

/* Prepares in memory that was something else before. */
static void prepare(struct bytes note) {
    struct store_txn *txn;
    memset(&submission, 0xa5, sizeof submission);
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    submission_prepare(txn, &h.log, note, &submission);
    store_abort(txn);
}

static void refused(enum status status, const char *says) {
    CHECK_STATUS(submission.status, status);
    CHECK_STATUS(submission.why.status, status);
    cr_assert_not_null(strstr(submission.why.text, says), "%s", submission.why.text);
}

Test(submission, finds_and_verifies_known_keys) {
    struct bytes note = world_sample(w, WORLD_CLERK, "failure.alleged");
    prepare(note);
    CHECK_OK(submission.status);
    CHECK_OK(submission.why.status);
    cr_assert(submission.parsed);
    cr_assert_eq(submission.key_count, 1);
    cr_assert(vkey_equal(&submission.keys[0], &w->people[WORLD_CLERK].vkey));
    CHECK_BYTES(submission.note, note);
    CHECK_TEXT(submission.event.issuer, "clerk");
}

Test(submission, finds_the_keys_of_every_line) {
    prepare(world_policy(w));
    CHECK_OK(submission.status);
    cr_assert_eq(submission.key_count, 2);
    cr_assert(vkey_equal(&submission.keys[0], &w->people[WORLD_ROOT_1].vkey));
    cr_assert(vkey_equal(&submission.keys[1], &w->people[WORLD_ROOT_2].vkey));
}

Test(submission, finds_the_keys_of_log_opened_in_it) {
    struct world other;
    world_init(&other, "agency.example/log");
    prepare(world_opened(&other));
    CHECK_OK(submission.status);
    cr_assert_eq(submission.key_count, 3);
    for (size_t i = 0; i < 3; i++) {
        static const enum world_who signers[] = {WORLD_OPERATOR, WORLD_ROOT_1, WORLD_ROOT_2};
        cr_assert(vkey_equal(&submission.keys[i], &w->people[signers[i]].vkey));
    }
    world_release(&other);
}

Test(submission, leaves_unknown_keys_open) {
    prepare(world_sample(w, WORLD_STRANGER, "failure.alleged"));
    CHECK_OK(submission.status);
    cr_assert(submission.parsed);
    cr_assert_eq(submission.key_count, 0);
}

Test(submission, refuses_a_bad_signature_at_once) {
    prepare(world_damage(world_aside(w, WORLD_CLERK, "failure.alleged", NULL), 0));
    refused(STATUS_DENIED_SIGNATURE, "clerk does not verify");
}

Test(submission, refuses_another_key_of_a_known_name_at_once) {
    struct world other;
    world_init(&other, "agency.example/log");
    CHECK_OK(vkey_make(bytes_text("clerk"), VKEY_NOTE, &w->people[WORLD_STRANGER].vkey.key,
                       &other.people[WORLD_CLERK].vkey));
    prepare(world_sample(&other, WORLD_CLERK, "failure.alleged"));
    refused(STATUS_DENIED_KEY, "the key ID of clerk");
    submission_release(&submission);
    world_release(&other);
}

Test(submission, refuses_what_does_not_parse) {
    prepare(bytes_text("garbage"));
    refused(STATUS_BAD_FORM, "");
    cr_assert_not(submission.parsed);
    cr_assert_eq(submission.key_count, 0);
}

Test(submission, refuses_another_logs_event) {
    prepare(world_event(w, &(struct world_event){.issuer = WORLD_CLERK,
                                                 .kind = "failure.alleged",
                                                 .log = "state.example/log",
                                                 .aside = true}));
    refused(STATUS_BAD_LOG, "meant for state.example/log, and this is agency.example/log");
    cr_assert_eq(submission.key_count, 0);
}

Test(submission, says_that_the_store_failed) {
    struct bytes note = world_sample(w, WORLD_CLERK, "failure.alleged");
    h.flaky.fail_at = h.flaky.calls + 1;
    prepare(note);
    CHECK_STATUS(submission.status, STATUS_STORE_FAILED);
}
