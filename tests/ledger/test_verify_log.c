/* What the log shows of a receipt: reports as verify_receipt gives them, against logs that were
 * judged entry by entry. */
#include "ledger/verify_log.h"

#include "tests/lib/check.h"
#include "tests/lib/several.h"

#include <criterion/criterion.h>
#include <string.h>

static struct several s;
static struct several_log *log_;
static struct world *w;
static struct verify_report report;
static struct verify_log found;
static struct refusal why;

#define MINUTE 60000u

static void link_to(size_t link, enum world_who enroller, enum world_who key, uint64_t index) {
    struct verify_link *out = &report.chain[link];
    snprintf(out->name, sizeof out->name, "%s", world_name(w, key));
    snprintf(out->enroller, sizeof out->enroller, "%s", world_name(w, enroller));
    out->index = index;
    out->received_ms = WORLD_TIME_MS + index * MINUTE;
    report.chain_count = link + 1;
}

/* The agency's log: 0 the opening, 1 the policy, 2 the agency, 5 its clerk. */
static void setup(void) {
    several_open(&s);
    log_ = several_add(&s, "agency.example/log");
    w = &log_->world;
    uint64_t clerk = several_accept(log_, world_enrol(w, WORLD_AGENCY, WORLD_CLERK));
    cr_assert_eq(clerk, 5);
    memset(&report, 0, sizeof report);
    report.policy_index = 1;
    link_to(0, WORLD_ROOT_1, WORLD_AGENCY, 2);
    link_to(1, WORLD_AGENCY, WORLD_CLERK, 5);
}

static void cleanup(void) {
    several_close(&s);
}

TestSuite(verify_log, .init = setup, .fini = cleanup);

/* The receipt's event, at the size that ends with it. */
static void event_at(uint64_t index) {
    report.index = index;
    report.size = index + 1;
    report.received_ms = WORLD_TIME_MS + index * MINUTE + log_->late_ms;
}

static enum status look_up_to(uint64_t size) {
    why.text[0] = '\0';
    return verify_log(s.txn, log_->log.number, size, &report, &found, &why);
}

static enum status look(void) {
    return look_up_to(log_->next);
}

static void find(enum world_who who) {
    event_at(several_accept(log_, world_sample(w, who, "finding.final")));
}

static void refused(enum status status, const char *says) {
    CHECK_STATUS(look(), status);
    cr_assert_not_null(strstr(why.text, says), "\"%s\" lacks \"%s\"", why.text, says);
}

Test(verify_log, says_that_nothing_speaks_against_it) {
    find(WORLD_CLERK);
    several_accept(log_, world_sample(w, WORLD_BOARD, "finding.final"));
    CHECK_OK(look());
    cr_assert_eq(found.size, log_->next);
    cr_assert_eq(found.policy, 1);
    cr_assert_eq(found.newest_policy, 1);
    cr_assert_eq(found.revocation_count, 0);
    cr_assert_not(found.more);
}

Test(verify_log, refuses_what_a_revoked_key_signed) {
    several_accept(log_, world_revoke(w, WORLD_AGENCY, WORLD_CLERK));
    several_refuse(log_, world_sample(w, WORLD_CLERK, "finding.final"), STATUS_DENIED_KEY, "");
    event_at(log_->next - 1);
    refused(STATUS_DENIED_KEY, "entry 7, the event: the log's own rules do not admit it: the key "
                               "clerk was revoked by entry 6");
}

Test(verify_log, refuses_each_item_that_the_rules_do_not_admit) {
    several_refuse(log_, world_damage(world_policy(w), 0), STATUS_DENIED_SIGNATURE, "");
    w->last[WORLD_ROOT_1].seq--; /* that one does not count */
    uint64_t bad = log_->next - 1;
    find(WORLD_CLERK);
    report.policy_index = bad;
    refused(STATUS_DENIED_SIGNATURE, "entry 6, the policy: ");
    report.policy_index = 1;
    link_to(1, WORLD_AGENCY, WORLD_CLERK, bad);
    refused(STATUS_DENIED_SIGNATURE, "entry 6, an enrolment of the chain: ");
}

/* Acceptance knows keys by their names; who revokes one means the key. */
Test(verify_log, refuses_a_key_that_was_revoked_under_another_name) {
    struct signer *twin = &w->people[WORLD_NEWCOMER];
    twin->key = w->people[WORLD_CLERK].key;
    CHECK_OK(
        vkey_make(bytes_text("clerk-2"), VKEY_NOTE, &w->people[WORLD_CLERK].vkey.key, &twin->vkey));
    uint64_t enrolled = several_accept(log_, world_enrol(w, WORLD_AGENCY, WORLD_NEWCOMER));
    uint64_t revoked = several_accept(log_, world_revoke(w, WORLD_AGENCY, WORLD_CLERK));
    find(WORLD_NEWCOMER);
    link_to(1, WORLD_AGENCY, WORLD_NEWCOMER, enrolled);
    refused(STATUS_DENIED_KEY, "entry 7 revoked the key of clerk-2, which signed entry 8 after");
    cr_assert_eq(revoked, 7);
}

Test(verify_log, names_revocations_that_came_after) {
    find(WORLD_CLERK);
    several_say(log_, WORLD_AGENCY, "key.revoked", "{'key':'clerk','reason':'left'}");
    several_say(log_, WORLD_AGENCY, "key.revoked",
                "{'key':'clerk','reason':'compromised','since':'2025-12-26'}");
    several_say(log_, WORLD_ROOT_1, "key.revoked", "{'key':'agency','reason':'compromised'}");
    CHECK_OK(look());
    cr_assert_eq(found.revocation_count, 3);
    const struct verify_revocation *rows = found.revocations;
    cr_assert(rows[0].link == 0 && rows[0].index == 9 && rows[0].reason == REVOKED_COMPROMISED);
    cr_assert(rows[0].doubts && rows[0].since_ms == 0);
    cr_assert(rows[1].link == 1 && rows[1].index == 7 && rows[1].reason == REVOKED_LEFT);
    cr_assert_not(rows[1].doubts);
    cr_assert(rows[2].link == 1 && rows[2].index == 8 && rows[2].reason == REVOKED_COMPROMISED);
    cr_assert_not(rows[2].disowns); /* the event is of the day before */
    /* What lies beyond the entries that were read is not known. */
    CHECK_OK(look_up_to(8));
    cr_assert_eq(found.revocation_count, 1);
    CHECK_OK(look_up_to(7));
    cr_assert_eq(found.revocation_count, 0);
}

/* Of each key, by the stamp of what that key signed. */
Test(verify_log, doubts_by_the_stamp_of_what_the_key_signed) {
    log_->late_ms = 24 * 60 * MINUTE; /* the event is of the next day, the enrolment is not */
    find(WORLD_CLERK);
    several_say(log_, WORLD_ROOT_1, "key.revoked",
                "{'key':'agency','reason':'compromised','since':'2025-12-26'}");
    several_say(log_, WORLD_ROOT_1, "key.revoked",
                "{'key':'clerk','reason':'compromised','since':'2025-12-26'}");
    CHECK_OK(look());
    cr_assert_eq(found.revocation_count, 2);
    cr_assert_not(found.revocations[0].doubts);
    cr_assert(found.revocations[1].doubts && !found.revocations[1].disowns);
}

Test(verify_log, tells_a_roots_doubt_from_an_enrollers_word) {
    find(WORLD_CLERK);
    several_say(log_, WORLD_AGENCY, "key.revoked", "{'key':'clerk','reason':'compromised'}");
    CHECK_OK(look());
    cr_assert_eq(found.revocation_count, 1);
    cr_assert(found.revocations[0].disowns && !found.revocations[0].doubts);
}

Test(verify_log, knows_a_rotation) {
    find(WORLD_CLERK);
    several_say(log_, WORLD_AGENCY, "key.rotated",
                world_rotate_open(w, WORLD_CLERK, WORLD_NEWCOMER, ""));
    CHECK_OK(look());
    cr_assert_eq(found.revocation_count, 1);
    cr_assert_eq(found.revocations[0].index, 7);
    several_refuse(log_, world_sample(w, WORLD_CLERK, "finding.final"), STATUS_DENIED_KEY, "");
    event_at(log_->next - 1);
    refused(STATUS_DENIED_KEY, "was revoked by entry 7");
}

/* Neither another log's revocations, which are another log's to show, nor those by others. */
Test(verify_log, leaves_alone_what_does_not_bind_here) {
    struct several_log *there = several_add(&s, "state.example/log");
    find(WORLD_CLERK);
    several_say(there, WORLD_ROOT_1, "key.revoked",
                world_text(&there->world, "{'key':'clerk','reason':'lost','vkey':'%s'}",
                           several_vkey(there, &w->people[WORLD_CLERK].vkey)));
    several_accept(
        log_, world_enrol_as(w, WORLD_ROOT_1, WORLD_NEWCOMER, "agency", "[]", "['*']", "both", ""));
    several_refuse(log_, world_revoke(w, WORLD_NEWCOMER, WORLD_CLERK), STATUS_DENIED_SCOPE, "");
    CHECK_OK(look());
    cr_assert_eq(found.revocation_count, 0);
}

Test(verify_log, knows_the_policy_at_the_receipts_size_and_the_newest) {
    find(WORLD_CLERK);
    several_accept(log_, world_policy(w));
    CHECK_OK(look());
    cr_assert_eq(found.policy, 1);
    cr_assert_eq(found.newest_policy, 7);
    report.size = log_->next; /* the same event, at a checkpoint that covers the newer */
    CHECK_OK(look());
    cr_assert_eq(found.policy, 7);
    report.policy_index = 7;
    CHECK_OK(look());
    cr_assert_eq(found.policy, 7);
    report.size = report.index + 1; /* judged by a policy that is newer than its checkpoint */
    CHECK_OK(look());
    cr_assert_eq(found.policy, 7);
}

Test(verify_log, asks_no_chain_of_keys_that_the_opening_names) {
    report.chain_count = 0;
    event_at(several_accept(log_, world_sample(w, WORLD_OPERATOR, "fork.observed")));
    CHECK_OK(look());
    cr_assert_eq(found.revocation_count, 0);
}
