/* Acceptance: enrolling keys and taking them back. */
#include "ledger/issuer.h"
#include "tests/lib/check.h"
#include "tests/lib/hosted.h"

#include <criterion/criterion.h>
#include <stdio.h>
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

/* --- enrolment --- */

TestSuite(accept_enrolment, .init = open_started, .fini = close_all);

static struct bytes enrolment(enum world_who by, const char *role, const char *oris,
                              const char *kinds, const char *basis, const char *more) {
    return world_aside(w, by, "key.enrolled",
                       world_enrol_open(w, WORLD_NEWCOMER, role, oris, kinds, basis, more));
}

#define OWN "['" WORLD_ORI "']"

Test(accept_enrolment, records_what_it_says) {
    const char *open = world_enrol_open(w, WORLD_NEWCOMER, "clerk", OWN, "['correction']", "live",
                                        ",'from':'2025-01-01','until':'2026-12-31'");
    uint64_t index = hosted_accept(&h, world_event(w, &(struct world_event){.issuer = WORLD_AGENCY,
                                                                            .kind = "key.enrolled",
                                                                            .open = open}));
    struct issuer issuer = hosted_issuer(&h, WORLD_NEWCOMER);
    struct store_txn *txn;
    struct issuer same;
    uint64_t chain[CHAIN_MAX];
    size_t links;
    cr_assert_eq(issuer.roles, ROLE_CLERK);
    cr_assert_eq(issuer.enrolled_at, index);
    cr_assert_eq(issuer.enroller, hosted_issuer(&h, WORLD_AGENCY).number);
    cr_assert_eq(issuer.kinds, KIND_BIT(KIND_CORRECTION));
    cr_assert_eq(issuer.bases, BASIS_LIVE);
    cr_assert_eq(issuer.ori_count, 1);
    cr_assert_eq(issuer.last_seq, 0);
    cr_assert_eq(issuer.revoked_at, 0);
    cr_assert_eq(issuer.from_ms, UINT64_C(1735689600000));
    cr_assert_eq(issuer.until_ms, UINT64_C(1798761600000)); /* 2027-01-01: the last day counts */
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    CHECK_OK(issuer_by_number(txn, h.log.number, issuer.number, &same));
    cr_assert(vkey_equal(&same.vkey, &w->people[WORLD_NEWCOMER].vkey));
    CHECK_STATUS(issuer_by_number(txn, h.log.number, issuer.number + 1, &same), STATUS_NOT_FOUND);
    CHECK_STATUS(issuer_find(txn, h.log.number, bytes_text(""), &same), STATUS_NOT_FOUND);
    CHECK_OK(issuer_chain(txn, h.log.number, &issuer, chain, &links));
    cr_assert_eq(links, 2);
    cr_assert_eq(chain[0], 2);
    cr_assert_eq(chain[1], index);
    struct issuer root = hosted_issuer(&h, WORLD_ROOT_1);
    CHECK_OK(issuer_chain(txn, h.log.number, &root, chain, &links));
    cr_assert_eq(links, 0);
    store_abort(txn);
}

Test(accept_enrolment, a_name_is_given_once) {
    const enum world_who taken[] = {WORLD_CLERK, WORLD_ROOT_2, WORLD_OPERATOR};
    for (size_t i = 0; i < 3; i++) {
        const char *open = world_enrol_open(w, taken[i], "clerk", OWN, "['*']", "both", "");
        hosted_refuse(&h, world_aside(w, WORLD_AGENCY, "key.enrolled", open), STATUS_BAD_MEMBER,
                      "is taken in this log");
    }
    /* Not even after a revocation. */
    hosted_accept(&h, world_revoke(w, WORLD_AGENCY, WORLD_CLERK));
    const char *open = world_enrol_open(w, WORLD_CLERK, "clerk", OWN, "['*']", "both", "");
    hosted_refuse(&h, world_aside(w, WORLD_AGENCY, "key.enrolled", open), STATUS_BAD_MEMBER,
                  "is taken in this log");
}

Test(accept_enrolment, not_of_the_logs_own_key) {
    struct world other = *w;
    CHECK_OK(vkey_make(bytes_text("newcomer"), VKEY_NOTE, &w->log.vkey.key,
                       &other.people[WORLD_NEWCOMER].vkey));
    const char *open = world_enrol_open(&other, WORLD_NEWCOMER, "clerk", OWN, "['*']", "both", "");
    struct bytes note = world_event(
        &other, &(struct world_event){
                    .issuer = WORLD_ROOT_1, .kind = "key.enrolled", .open = open, .aside = true});
    hosted_refuse(&h, note, STATUS_BAD_MEMBER, "the log's own key");
    w->memory = other.memory;
}

Test(accept_enrolment, a_root_gives_any_role) {
    static const char *const roles[] = {"agency", "clerk", "oversight", "court", "post"};
    for (size_t i = 0; i < 5; i++) {
        struct signer *key = &w->people[WORLD_NEWCOMER];
        CHECK_OK(vkey_make(bytes_text(world_text(w, "new-%s", roles[i])), VKEY_NOTE, &key->vkey.key,
                           &key->vkey));
        hosted_accept(&h, world_enrol_as(w, WORLD_ROOT_1, WORLD_NEWCOMER, roles[i], "[]", "['*']",
                                         "both", ""));
        cr_assert_eq(hosted_issuer(&h, WORLD_NEWCOMER).roles,
                     role_find(roles[i], strlen(roles[i])));
    }
}

Test(accept_enrolment, an_agency_makes_clerks_only) {
    static const char *const roles[] = {"agency", "oversight", "court", "post"};
    for (size_t i = 0; i < 4; i++) {
        hosted_refuse(&h, enrolment(WORLD_AGENCY, roles[i], OWN, "['*']", "both", ""),
                      STATUS_DENIED_SCOPE, "clerks only");
    }
}

Test(accept_enrolment, an_agency_gives_no_more_agencies_than_it_has) {
    hosted_refuse(&h, enrolment(WORLD_AGENCY, "clerk", "[]", "['*']", "both", ""),
                  STATUS_DENIED_SCOPE, "member oris");
    hosted_refuse(&h,
                  enrolment(WORLD_AGENCY, "clerk", "['" WORLD_OTHER_ORI "']", "['*']", "both", ""),
                  STATUS_DENIED_SCOPE, "member oris");
    hosted_refuse(&h,
                  enrolment(WORLD_AGENCY, "clerk", "['" WORLD_OTHER_ORI "','" WORLD_ORI "']",
                            "['*']", "both", ""),
                  STATUS_DENIED_SCOPE, "member oris");
}

/* An agency whose own enrolment is narrow in every way. */
static void enrol_narrow_agency(void) {
    hosted_accept(&h, world_enrol_as(w, WORLD_ROOT_1, WORLD_NEWCOMER, "agency",
                                     "['" WORLD_OTHER_ORI "','" WORLD_ORI "']",
                                     "['failure.alleged','key.enrolled']", "live",
                                     ",'from':'2025-12-01','until':'2026-12-31'"));
}

static struct bytes by_narrow(const char *oris, const char *kinds, const char *basis,
                              const char *more) {
    return world_aside(w, WORLD_NEWCOMER, "key.enrolled",
                       world_enrol_open(w, WORLD_STRANGER, "clerk", oris, kinds, basis, more));
}

Test(accept_enrolment, an_agency_gives_no_more_than_it_has) {
    const char *days = ",'from':'2025-12-01','until':'2026-12-31'";
    enrol_narrow_agency();
    hosted_refuse(&h, by_narrow(OWN, "['*']", "live", days), STATUS_DENIED_SCOPE, "member kinds");
    hosted_refuse(&h, by_narrow(OWN, "['failure.alleged','finding.final']", "live", days),
                  STATUS_DENIED_SCOPE, "member kinds");
    hosted_refuse(&h, by_narrow(OWN, "['failure.alleged']", "both", days), STATUS_DENIED_SCOPE,
                  "member basis");
    hosted_refuse(&h, by_narrow(OWN, "['failure.alleged']", "imported", days), STATUS_DENIED_SCOPE,
                  "member basis");
    hosted_refuse(&h, by_narrow(OWN, "['failure.alleged']", "live", ",'until':'2026-12-31'"),
                  STATUS_DENIED_SCOPE, "member from");
    hosted_refuse(
        &h,
        by_narrow(OWN, "['failure.alleged']", "live", ",'from':'2025-11-30','until':'2026-12-31'"),
        STATUS_DENIED_SCOPE, "member from");
    hosted_refuse(&h, by_narrow(OWN, "['failure.alleged']", "live", ",'from':'2025-12-01'"),
                  STATUS_DENIED_SCOPE, "member until");
    hosted_refuse(
        &h,
        by_narrow(OWN, "['failure.alleged']", "live", ",'from':'2025-12-01','until':'2027-01-01'"),
        STATUS_DENIED_SCOPE, "member until");
    hosted_accept(&h, by_narrow(OWN, "['failure.alleged']", "live", days));
}

Test(accept_enrolment, an_agency_for_all_agencies_gives_all) {
    hosted_accept(
        &h, world_enrol_as(w, WORLD_ROOT_1, WORLD_NEWCOMER, "agency", "[]", "['*']", "both", ""));
    hosted_accept(&h, by_narrow("[]", "['*']", "both", ""));
}

Test(accept_enrolment, an_agency_whose_kinds_leave_it_out_enrols_nobody) {
    hosted_accept(&h, world_enrol_as(w, WORLD_ROOT_1, WORLD_NEWCOMER, "agency", OWN,
                                     "['failure.alleged']", "both", ""));
    hosted_refuse(&h, by_narrow(OWN, "['failure.alleged']", "both", ""), STATUS_DENIED_SCOPE,
                  "key.enrolled");
}

Test(accept_enrolment, works_within_one_request) {
    struct bytes notes[3];
    struct submit_result results[3];
    notes[0] = world_enrol(w, WORLD_AGENCY, WORLD_NEWCOMER);
    notes[1] = world_sample(w, WORLD_NEWCOMER, "failure.alleged");
    notes[2] = world_damage(world_sample(w, WORLD_NEWCOMER, "failure.alleged"), 0);
    hosted_submit_many(&h, notes, 3, results);
    CHECK_OK(h.fate);
    CHECK_OK(results[0].status);
    CHECK_OK(results[1].status);
    CHECK_STATUS(results[2].status, STATUS_DENIED_SIGNATURE);
}

Test(accept_enrolment, holds_the_largest_scope_and_name) {
    char name[NAME_SIZE_MAX + 2];
    char oris[ISSUER_ORIS_MAX * (ORI_SIZE + 3) + 3] = "[";
    struct signer *key = &w->people[WORLD_NEWCOMER];
    struct store_txn *txn;
    struct issuer issuer;
    memset(name, 'n', sizeof name);
    CHECK_OK(vkey_make(bytes_of(name, NAME_SIZE_MAX), VKEY_NOTE, &key->vkey.key, &key->vkey));
    for (size_t i = 0; i < ISSUER_ORIS_MAX; i++) {
        size_t len = strlen(oris);
        snprintf(oris + len, sizeof oris - len, "%s'MN%07zu'", i > 0 ? "," : "", i);
    }
    size_t len = strlen(oris);
    snprintf(oris + len, sizeof oris - len, "]");
    hosted_accept(
        &h, world_enrol_as(w, WORLD_ROOT_1, WORLD_NEWCOMER, "agency", oris, "['*']", "both", ""));
    issuer = hosted_issuer(&h, WORLD_NEWCOMER);
    cr_assert_eq(issuer.ori_count, ISSUER_ORIS_MAX);
    CHECK_BYTES(bytes_of(issuer.oris[63], ORI_SIZE), bytes_text("MN0000063"));
    const char *last = "{'basis':'live','case':'00112233445566778899aabbccddeeff','ori':'MN0000063'"
                       ",'party':'officer','reported':'2025-12-02'}";
    hosted_accept(&h, world_event(w, &(struct world_event){.issuer = WORLD_NEWCOMER,
                                                           .kind = "failure.alleged",
                                                           .open = last}));
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    CHECK_OK(issuer_by_number(txn, h.log.number, issuer.number, &issuer));
    cr_assert_eq(issuer.vkey.name_len, NAME_SIZE_MAX);
    CHECK_STATUS(issuer_find(txn, h.log.number, bytes_of(name, NAME_SIZE_MAX + 1), &issuer),
                 STATUS_NOT_FOUND);
    store_abort(txn);
}

Test(accept_enrolment, the_longest_operator_name_is_kept) {
    struct store_txn *txn;
    struct accept_state state = {.last_stamp_ms = 1, .issuers = 2, .threshold = 3};
    struct accept_state same;
    memset(state.operator_name, 'o', OPENED_OPERATOR_MAX);
    CHECK_OK(store_begin(h.store, STORE_WRITE, &txn));
    CHECK_OK(accept_state_put(txn, h.log.number, &state));
    CHECK_OK(accept_state_get(txn, h.log.number, &same));
    cr_assert_eq(memcmp(&same, &state, sizeof same), 0);
    store_abort(txn);
}

Test(accept_enrolment, a_chain_that_does_not_end_is_corrupt) {
    struct store_txn *txn;
    uint64_t chain[CHAIN_MAX];
    size_t links = 77;
    struct issuer clerk = hosted_issuer(&h, WORLD_CLERK);
    clerk.enroller = clerk.number;
    CHECK_OK(store_begin(h.store, STORE_WRITE, &txn));
    CHECK_OK(issuer_put(txn, h.log.number, &clerk));
    CHECK_STATUS(issuer_chain(txn, h.log.number, &clerk, chain, &links), STATUS_STORE_CORRUPT);
    cr_assert_eq(links, 77);
    clerk.enroller = 99;
    CHECK_STATUS(issuer_chain(txn, h.log.number, &clerk, chain, &links), STATUS_STORE_CORRUPT);
    store_abort(txn);
}

/* --- revocation --- */

TestSuite(accept_revocation, .init = open_started, .fini = close_all);

static struct bytes bad_revocation(enum world_who by, const char *key) {
    return world_aside(w, by, "key.revoked", world_text(w, "{'key':'%s','reason':'lost'}", key));
}

Test(accept_revocation, by_the_enroller_ends_the_key) {
    struct bytes before = world_sample(w, WORLD_CLERK, "failure.alleged");
    hosted_accept(&h, before);
    uint64_t index = hosted_accept(&h, world_revoke(w, WORLD_AGENCY, WORLD_CLERK));
    cr_assert_eq(hosted_issuer(&h, WORLD_CLERK).revoked_at, index);
    hosted_refuse(&h, world_aside(w, WORLD_CLERK, "failure.alleged", NULL), STATUS_DENIED_KEY,
                  "clerk was revoked by entry 8");
    /* What it signed before stands, and is found again. */
    struct submit_result again = hosted_submit(&h, before);
    CHECK_OK(again.status);
    cr_assert(again.place.logged);
    /* But it leaves no conflicts behind. */
    w->last[WORLD_CLERK].seq = 0;
    hosted_refuse(&h, world_aside(w, WORLD_CLERK, "finding.final", NULL), STATUS_DENIED_KEY,
                  "was revoked");
    struct store_txn *txn;
    struct bytes note;
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    CHECK_STATUS(
        issuer_conflict(txn, h.log.number, hosted_issuer(&h, WORLD_CLERK).number, 1, &note),
        STATUS_NOT_FOUND);
    store_abort(txn);
}

Test(accept_revocation, by_any_root) {
    hosted_accept(&h, world_revoke(w, WORLD_ROOT_3, WORLD_CLERK));
    hosted_accept(&h, world_revoke(w, WORLD_ROOT_2, WORLD_AGENCY));
    hosted_refuse(&h, world_aside(w, WORLD_AGENCY, "failure.alleged", NULL), STATUS_DENIED_KEY,
                  "revoked");
}

Test(accept_revocation, by_nobody_else) {
    hosted_accept(
        &h, world_enrol_as(w, WORLD_ROOT_1, WORLD_NEWCOMER, "agency", "[]", "['*']", "both", ""));
    hosted_refuse(&h, bad_revocation(WORLD_NEWCOMER, "clerk"), STATUS_DENIED_SCOPE,
                  "only the enroller of clerk or a root");
    hosted_refuse(&h, bad_revocation(WORLD_AGENCY, "agency"), STATUS_DENIED_SCOPE, "only the");
    hosted_refuse(&h, bad_revocation(WORLD_CLERK, "clerk"), STATUS_DENIED_SCOPE, "role clerk");
}

Test(accept_revocation, of_a_known_key_once) {
    hosted_refuse(&h, bad_revocation(WORLD_ROOT_1, "stranger"), STATUS_BAD_MEMBER,
                  "stranger is not enrolled");
    hosted_refuse(&h, bad_revocation(WORLD_ROOT_1, "root-2"), STATUS_DENIED_SCOPE,
                  "named by log.opened");
    hosted_refuse(&h, bad_revocation(WORLD_ROOT_1, "operator"), STATUS_DENIED_SCOPE,
                  "named by log.opened");
    hosted_accept(&h, world_revoke(w, WORLD_ROOT_1, WORLD_CLERK));
    hosted_refuse(&h, bad_revocation(WORLD_ROOT_1, "clerk"), STATUS_BAD_MEMBER,
                  "revoked already, by entry 7");
}

Test(accept_revocation, within_one_request) {
    struct bytes notes[2];
    struct submit_result results[2];
    notes[0] = world_revoke(w, WORLD_AGENCY, WORLD_CLERK);
    notes[1] = world_sample(w, WORLD_CLERK, "failure.alleged");
    hosted_submit_many(&h, notes, 2, results);
    CHECK_OK(results[0].status);
    CHECK_STATUS(results[1].status, STATUS_DENIED_KEY);
}

/* --- rotation --- */

TestSuite(accept_rotation, .init = open_started, .fini = close_all);

static struct bytes rotation(enum world_who by, enum world_who old, enum world_who fresh) {
    return world_aside(w, by, "key.rotated", world_rotate_open(w, old, fresh, ""));
}

Test(accept_rotation, puts_one_key_in_the_place_of_another) {
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "failure.alleged"));
    uint64_t index = hosted_accept(
        &h,
        world_event(w, &(struct world_event){.issuer = WORLD_AGENCY,
                                             .kind = "key.rotated",
                                             .open = world_rotate_open(
                                                 w, WORLD_CLERK, WORLD_NEWCOMER,
                                                 ",'since':'2025-12-01','until':'2026-12-31'")}));
    struct issuer old = hosted_issuer(&h, WORLD_CLERK);
    struct issuer fresh = hosted_issuer(&h, WORLD_NEWCOMER);
    cr_assert_eq(old.revoked_at, index);
    cr_assert_eq(fresh.enrolled_at, index);
    cr_assert_eq(fresh.enroller, hosted_issuer(&h, WORLD_AGENCY).number);
    cr_assert_eq(fresh.roles, ROLE_CLERK);
    cr_assert_eq(fresh.first_seq, 1);
    cr_assert_eq(fresh.last_seq, 0);
    cr_assert_eq(fresh.revoked_at, 0);
    cr_assert_eq(fresh.until_ms, UINT64_C(1798761600000)); /* narrower than the old one's */
    hosted_refuse(&h, world_aside(w, WORLD_CLERK, "failure.alleged", NULL), STATUS_DENIED_KEY,
                  "clerk was revoked by entry 8");
    hosted_accept(&h, world_sample(w, WORLD_NEWCOMER, "failure.alleged"));
    struct store_txn *txn;
    uint64_t chain[CHAIN_MAX];
    size_t links;
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    CHECK_OK(issuer_chain(txn, h.log.number, &fresh, chain, &links));
    cr_assert_eq(links, 2);
    cr_assert_eq(chain[0], 2);
    cr_assert_eq(chain[1], index);
    store_abort(txn);
    /* And the fresh one in its turn; a root may. */
    hosted_accept(&h, world_aside(w, WORLD_ROOT_2, "key.rotated",
                                  world_enrol_open(
                                      w, WORLD_STRANGER, "clerk", OWN, "['*']", "both",
                                      ",'key':'newcomer','reason':'left','until':'2026-12-31'")));
    cr_assert_eq(hosted_issuer(&h, WORLD_STRANGER).enroller,
                 hosted_issuer(&h, WORLD_ROOT_2).number);
}

Test(accept_rotation, of_a_key_that_its_issuer_may_take_back) {
    hosted_refuse(&h, rotation(WORLD_ROOT_1, WORLD_STRANGER, WORLD_NEWCOMER), STATUS_BAD_MEMBER,
                  "stranger is not enrolled");
    hosted_refuse(&h, rotation(WORLD_ROOT_1, WORLD_OPERATOR, WORLD_NEWCOMER), STATUS_DENIED_SCOPE,
                  "named by log.opened");
    hosted_refuse(&h, rotation(WORLD_AGENCY, WORLD_BOARD, WORLD_NEWCOMER), STATUS_DENIED_SCOPE,
                  "only the enroller of board or a root");
    hosted_refuse(&h, rotation(WORLD_AGENCY, WORLD_AGENCY, WORLD_NEWCOMER), STATUS_DENIED_SCOPE,
                  "only the enroller of agency or a root");
    hosted_accept(&h, world_revoke(w, WORLD_ROOT_1, WORLD_CLERK));
    hosted_refuse(&h, rotation(WORLD_ROOT_1, WORLD_CLERK, WORLD_NEWCOMER), STATUS_BAD_MEMBER,
                  "revoked already, by entry 7");
}

Test(accept_rotation, by_a_fresh_key) {
    hosted_refuse(&h, rotation(WORLD_ROOT_1, WORLD_CLERK, WORLD_BOARD), STATUS_BAD_MEMBER,
                  "board is taken in this log");
    struct world other = *w;
    CHECK_OK(vkey_make(bytes_text("newcomer"), VKEY_NOTE, &w->log.vkey.key,
                       &other.people[WORLD_NEWCOMER].vkey));
    struct bytes note = world_aside(&other, WORLD_ROOT_1, "key.rotated",
                                    world_rotate_open(&other, WORLD_CLERK, WORLD_NEWCOMER, ""));
    hosted_refuse(&h, note, STATUS_BAD_MEMBER, "the log's own key");
    w->memory = other.memory;
}

/* By a root, which may give anything by an enrolment: what it gives here is the old key's. */
static struct bytes wider(const char *role, const char *oris, const char *kinds, const char *basis,
                          const char *more) {
    const char *all = world_text(w, ",'key':'stranger','reason':'retired'%s", more);
    return world_aside(w, WORLD_ROOT_1, "key.rotated",
                       world_enrol_open(w, WORLD_CLERK, role, oris, kinds, basis, all));
}

Test(accept_rotation, with_the_scope_of_the_old_one_at_most) {
    const char *days = ",'from':'2025-12-01','until':'2026-12-31'";
    struct signer clerk = w->people[WORLD_CLERK];
    w->people[WORLD_CLERK].vkey = w->people[WORLD_NEWCOMER].vkey; /* the fresh key, below */
    hosted_accept(&h, world_enrol_as(w, WORLD_ROOT_1, WORLD_STRANGER, "clerk", OWN,
                                     "['failure.alleged']", "live", days));
    hosted_refuse(&h, wider("agency", OWN, "['failure.alleged']", "live", days),
                  STATUS_DENIED_SCOPE, "member role: must be clerk");
    hosted_refuse(&h, wider("clerk", "[]", "['failure.alleged']", "live", days),
                  STATUS_DENIED_SCOPE, "member oris");
    hosted_refuse(&h, wider("clerk", OWN, "['correction','failure.alleged']", "live", days),
                  STATUS_DENIED_SCOPE, "member kinds");
    hosted_refuse(&h, wider("clerk", OWN, "['failure.alleged']", "both", days), STATUS_DENIED_SCOPE,
                  "member basis");
    hosted_refuse(&h, wider("clerk", OWN, "['failure.alleged']", "live", ",'until':'2026-12-31'"),
                  STATUS_DENIED_SCOPE, "member from");
    hosted_refuse(&h, wider("clerk", OWN, "['failure.alleged']", "live", ",'from':'2025-12-01'"),
                  STATUS_DENIED_SCOPE, "member until");
    hosted_accept(&h, wider("clerk", OWN, "['failure.alleged']", "live", days));
    w->people[WORLD_CLERK] = clerk;
}
