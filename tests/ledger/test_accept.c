/* Acceptance: a story for every way in, and for every refusal. All go through submit_job, and every
 * refusal is checked to have changed nothing. */
#include "ledger/issuer.h"
#include "ledger/schema.h"
#include "tests/lib/check.h"
#include "tests/lib/hosted.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS UINT64_C(86400000)

static struct hosted h;
static struct world *w;

static void open_empty(void) {
    hosted_open(&h);
    w = &h.world;
}

static void open_started(void) {
    open_empty();
    hosted_start(&h);
}

static void close_all(void) {
    hosted_close(&h);
}

/* An event that is going to be refused, so that its issuer's next has the same seq. */
static struct bytes bad(enum world_who issuer, const char *kind, const char *open) {
    return world_event(
        w, &(struct world_event){.issuer = issuer, .kind = kind, .open = open, .aside = true});
}

static struct issuer find(enum world_who who) {
    struct store_txn *txn;
    struct issuer issuer;
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    CHECK_OK(issuer_find(txn, h.log.number, bytes_text(world_name(w, who)), &issuer));
    store_abort(txn);
    return issuer;
}

/* --- entry 0 --- */

TestSuite(accept_opening, .init = open_empty, .fini = close_all);

Test(accept_opening, makes_roots_and_operator_known) {
    hosted_accept(&h, world_opened(w));
    for (unsigned who = WORLD_ROOT_1; who <= WORLD_OPERATOR; who++) {
        struct issuer issuer = find((enum world_who)who);
        cr_assert_eq(issuer.roles, who == WORLD_OPERATOR ? ROLE_OPERATOR : ROLE_ROOT);
        cr_assert(vkey_equal(&issuer.vkey, &w->people[who].vkey));
        cr_assert_eq(issuer.enroller, 0);
        cr_assert_eq(issuer.last_seq, who == WORLD_OPERATOR);
    }
    cr_assert_eq(find(WORLD_ROOT_1).number, 1);
    cr_assert_eq(find(WORLD_OPERATOR).number, 4);
}

Test(accept_opening, must_come_first) {
    hosted_refuse(&h, world_sample(w, WORLD_ROOT_1, "log.policy"), STATUS_BAD_MEMBER,
                  "first event must be log.opened");
}

Test(accept_opening, comes_once) {
    struct bytes opened = world_opened(w);
    hosted_accept(&h, opened);
    struct submit_result again = hosted_submit(&h, opened);
    CHECK_OK(again.status);
    cr_assert(again.place.logged);
    cr_assert_eq(again.place.index, 0);
    /* Another one by the operator has the same seq. */
    const char *other = world_text(w, "%s", world_opened_open(w));
    char *role = strstr((char *)(uintptr_t)other, "'log_role':'agency'");
    cr_assert_not_null(role);
    memcpy(role, "'log_role':'state' ", strlen("'log_role':'state' "));
    struct bytes second = world_event(w, &(struct world_event){.issuer = WORLD_OPERATOR,
                                                               .kind = "log.opened",
                                                               .open = other,
                                                               .seq = 1,
                                                               .aside = true});
    hosted_refuse(&h, second, STATUS_CONFLICT_USED, "entry 0");
}

Test(accept_opening, is_by_keys_that_the_log_then_keeps) {
    struct world impostor;
    hosted_accept(&h, world_opened(w));
    /* The same names, other keys: it opens nothing here. */
    world_init(&impostor, "agency.example/log");
    impostor.people[WORLD_OPERATOR] = impostor.people[WORLD_STRANGER];
    CHECK_OK(vkey_make(bytes_text("operator"), VKEY_NOTE, &w->people[WORLD_STRANGER].vkey.key,
                       &impostor.people[WORLD_OPERATOR].vkey));
    hosted_refuse(&h, world_opened(&impostor), STATUS_DENIED_KEY, "no key enrolled as operator");
    world_release(&impostor);
}

Test(accept_opening, names_the_key_that_signs_checkpoints) {
    struct world other;
    world_init(&other, "agency.example/log");
    other.log = other.people[WORLD_STRANGER];
    CHECK_OK(vkey_make(vkey_name(&w->log.vkey), VKEY_NOTE, &other.log.vkey.key, &other.log.vkey));
    hosted_refuse(&h, world_opened(&other), STATUS_BAD_MEMBER, "log_vkey");
    world_release(&other);
}

Test(accept_opening, is_for_this_log) {
    struct world other;
    world_init(&other, "another.example/log");
    hosted_refuse(&h, world_opened(&other), STATUS_BAD_LOG, "member log");
    world_release(&other);
}

Test(accept_opening, is_signed_by_exactly_the_threshold) {
    const enum world_who too_few[] = {WORLD_OPERATOR, WORLD_ROOT_1};
    const enum world_who too_many[] = {WORLD_OPERATOR, WORLD_ROOT_1, WORLD_ROOT_2, WORLD_ROOT_3};
    const enum world_who surplus[] = {WORLD_OPERATOR, WORLD_ROOT_1, WORLD_STRANGER};
    const enum world_who alone[] = {WORLD_OPERATOR};
    struct bytes text = bytes_text(
        world_event_text(w, &(struct world_event){.issuer = WORLD_OPERATOR, .kind = "log.opened"}));
    hosted_refuse(&h, world_sign(w, text, too_few, 2), STATUS_DENIED_SIGNATURE, "exactly 2");
    hosted_refuse(&h, world_sign(w, text, too_many, 4), STATUS_DENIED_SIGNATURE, "exactly 2");
    hosted_refuse(&h, world_sign(w, text, alone, 1), STATUS_DENIED_SIGNATURE, "exactly 2");
    hosted_refuse(&h, world_sign(w, text, surplus, 3), STATUS_DENIED_SIGNATURE,
                  "stranger is no key of authority");
}

/* Damages the signature on line `which` (from 0) of a note. */
static struct bytes damage_line(struct bytes note, size_t which) {
    struct note parsed;
    CHECK_OK(note_parse(note, &parsed, NULL));
    cr_assert(which < parsed.count);
    const uint8_t *at = parsed.signatures[which].encoded.data + 20;
    uint8_t *byte = (uint8_t *)(uintptr_t)at;
    *byte = *byte == 'A' ? 'B' : 'A';
    return note;
}

Test(accept_opening, has_every_signature_verified) {
    for (size_t line = 0; line < 3; line++) {
        struct bytes note = world_event(
            w,
            &(struct world_event){.issuer = WORLD_OPERATOR, .kind = "log.opened", .aside = true});
        hosted_refuse(&h, damage_line(note, line), STATUS_DENIED_SIGNATURE, "does not verify");
    }
}

/* --- policies --- */

TestSuite(accept_policy, .init = open_started, .fini = close_all);

Test(accept_policy, comes_into_force_with_its_entry) {
    struct store_txn *txn;
    uint64_t index = 99;
    uint64_t second = hosted_accept(&h, world_policy(w));
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    CHECK_STATUS(policy_in_force(txn, h.log.number, 0, &index), STATUS_NOT_FOUND);
    CHECK_STATUS(policy_in_force(txn, h.log.number, 1, &index), STATUS_NOT_FOUND);
    cr_assert_eq(index, 99);
    CHECK_OK(policy_in_force(txn, h.log.number, 2, &index));
    cr_assert_eq(index, 1);
    CHECK_OK(policy_in_force(txn, h.log.number, second, &index));
    cr_assert_eq(index, 1);
    CHECK_OK(policy_in_force(txn, h.log.number, second + 1, &index));
    cr_assert_eq(index, second);
    CHECK_OK(policy_in_force(txn, h.log.number, UINT64_MAX, &index));
    cr_assert_eq(index, second);
    CHECK_STATUS(policy_in_force(txn, h.log.number + 1, 5, &index), STATUS_NOT_FOUND);
    store_abort(txn);
}

Test(accept_policy, may_be_signed_by_any_threshold_of_roots) {
    hosted_accept(&h, world_event(w, &(struct world_event){.issuer = WORLD_ROOT_3,
                                                           .kind = "log.policy",
                                                           .roots = 1 << WORLD_ROOT_1}));
}

Test(accept_policy, is_signed_by_exactly_the_threshold) {
    struct bytes text = bytes_text(
        world_event_text(w, &(struct world_event){.issuer = WORLD_ROOT_1, .kind = "log.policy"}));
    const enum world_who few[] = {WORLD_ROOT_1};
    const enum world_who many[] = {WORLD_ROOT_1, WORLD_ROOT_2, WORLD_ROOT_3};
    const enum world_who agency[] = {WORLD_ROOT_1, WORLD_AGENCY};
    const enum world_who runs_it[] = {WORLD_ROOT_1, WORLD_OPERATOR};
    const enum world_who unknown[] = {WORLD_ROOT_1, WORLD_STRANGER};
    hosted_refuse(&h, world_sign(w, text, few, 1), STATUS_DENIED_SIGNATURE,
                  "1 signatures by authorities, and exactly 2");
    hosted_refuse(&h, world_sign(w, text, many, 3), STATUS_DENIED_SIGNATURE, "exactly 2");
    hosted_refuse(&h, world_sign(w, text, agency, 2), STATUS_DENIED_SIGNATURE,
                  "surplus signature by agency");
    hosted_refuse(&h, world_sign(w, text, runs_it, 2), STATUS_DENIED_SIGNATURE,
                  "surplus signature by operator");
    hosted_refuse(&h, world_sign(w, text, unknown, 2), STATUS_DENIED_KEY, "stranger");
    for (size_t line = 0; line < 2; line++) {
        struct bytes note = bad(WORLD_ROOT_1, "log.policy", NULL);
        hosted_refuse(&h, damage_line(note, line), STATUS_DENIED_SIGNATURE, "does not verify");
    }
}

Test(accept_policy, is_the_roots_to_sign) {
    for (unsigned who = WORLD_OPERATOR; who <= WORLD_POST; who++) {
        struct bytes text = bytes_text(world_event_text(
            w, &(struct world_event){.issuer = (enum world_who)who, .kind = "log.policy"}));
        const enum world_who signers[] = {(enum world_who)who, WORLD_ROOT_1};
        hosted_refuse(&h, world_sign(w, text, signers, 2), STATUS_DENIED_SCOPE, "log.policy");
    }
}

Test(accept_policy, counts_no_mirror_of_the_operators) {
    const char *operators = "{'state':'state','doj':'agency','university':'university',"
                            "'state-witness':'state','doj-witness':'doj',"
                            "'university-witness':'university'}";
    const char *open = world_policy_open(w, world_policy_text(w, NULL), operators);
    hosted_refuse(&h, bad(WORLD_ROOT_1, "log.policy", open), STATUS_BAD_POLICY, "doj");
    /* Outside the quorum it may stand. */
    const char *outside = "{'state':'state','doj':'doj','university':'university',"
                          "'state-witness':'agency','doj-witness':'doj',"
                          "'university-witness':'university'}";
    hosted_accept(
        &h, world_event(w, &(struct world_event){
                               .issuer = WORLD_ROOT_1,
                               .kind = "log.policy",
                               .open = world_policy_open(w, world_policy_text(w, NULL), outside)}));
}

Test(accept_policy, is_for_the_logs_own_key) {
    struct world other;
    world_init(&other, "agency.example/log");
    other.log = other.people[WORLD_STRANGER];
    CHECK_OK(vkey_make(vkey_name(&w->log.vkey), VKEY_NOTE, &other.log.vkey.key, &other.log.vkey));
    const char *open = world_policy_open(w, world_policy_text(&other, NULL), NULL);
    hosted_refuse(&h, bad(WORLD_ROOT_1, "log.policy", open), STATUS_BAD_POLICY, "");
    world_release(&other);
}

/* --- who may sign what --- */

TestSuite(accept_scope, .init = open_started, .fini = close_all);

Test(accept_scope, every_role_signs_exactly_its_kinds) {
    size_t count;
    const struct kind *kinds = kind_all(&count);
    for (unsigned i = WORLD_ROOT_1; i <= WORLD_POST; i++) {
        enum world_who who = (enum world_who)i;
        uint32_t role = find(who).roles;
        for (size_t k = 0; k < count; k++) {
            if (kinds[k].roots_threshold || kinds[k].id == KIND_EVENT_OPENED ||
                kinds[k].id == KIND_CORRECTION) {
                continue; /* in stories of their own */
            }
            bool enrols = kinds[k].id == KIND_KEY_ENROLLED || kinds[k].id == KIND_KEY_REVOKED;
            if ((kinds[k].roles & role) == 0) {
                hosted_refuse(&h, bad(who, kinds[k].name, NULL), STATUS_DENIED_SCOPE, "role");
            } else if (!enrols) {
                hosted_accept(&h, world_sample(w, who, kinds[k].name));
            }
        }
    }
}

Test(accept_scope, an_unknown_key_is_denied) {
    hosted_refuse(&h, world_sample(w, WORLD_STRANGER, "failure.alleged"), STATUS_DENIED_KEY,
                  "the key stranger is not enrolled");
}

Test(accept_scope, a_known_name_with_another_key_is_denied) {
    struct world other;
    world_init(&other, "agency.example/log");
    other.people[WORLD_CLERK] = other.people[WORLD_STRANGER];
    CHECK_OK(vkey_make(bytes_text("clerk"), VKEY_NOTE, &w->people[WORLD_STRANGER].vkey.key,
                       &other.people[WORLD_CLERK].vkey));
    hosted_refuse(&h, world_sample(&other, WORLD_CLERK, "failure.alleged"), STATUS_DENIED_KEY,
                  "clerk");
    world_release(&other);
}

Test(accept_scope, a_bad_signature_is_denied) {
    struct bytes note = bad(WORLD_CLERK, "failure.alleged", NULL);
    hosted_refuse(&h, damage_line(note, 0), STATUS_DENIED_SIGNATURE, "clerk does not verify");
}

Test(accept_scope, a_surplus_signature_is_denied) {
    struct bytes text = bytes_text(world_event_text(
        w, &(struct world_event){.issuer = WORLD_CLERK, .kind = "failure.alleged"}));
    const enum world_who signers[] = {WORLD_CLERK, WORLD_AGENCY};
    hosted_refuse(&h, world_sign(w, text, signers, 2), STATUS_DENIED_SIGNATURE, "alone");
}

Test(accept_scope, another_agency_is_out_of_a_clerks_scope) {
    const char *other = "{'basis':'live','case':'00112233445566778899aabbccddeeff','ori':"
                        "'" WORLD_OTHER_ORI "','party':'officer','reported':'2025-12-02'}";
    hosted_refuse(&h, bad(WORLD_CLERK, "failure.alleged", other), STATUS_DENIED_SCOPE,
                  "member ori: the enrolment of clerk does not cover " WORLD_OTHER_ORI);
    hosted_accept(&h, world_event(w, &(struct world_event){.issuer = WORLD_BOARD,
                                                           .kind = "failure.alleged",
                                                           .open = other}));
}

/* Enrols the newcomer with this scope; by root 1. */
static void enrol_newcomer(const char *role, const char *oris, const char *kinds, const char *basis,
                           const char *more) {
    const char *open = world_enrol_open(w, WORLD_NEWCOMER, role, oris, kinds, basis, more);
    hosted_accept(&h, world_event(w, &(struct world_event){.issuer = WORLD_ROOT_1,
                                                           .kind = "key.enrolled",
                                                           .open = open}));
}

Test(accept_scope, only_enrolled_kinds) {
    enrol_newcomer("clerk", "['" WORLD_ORI "']", "['failure.alleged','finding.final']", "both", "");
    hosted_accept(&h, world_sample(w, WORLD_NEWCOMER, "failure.alleged"));
    hosted_accept(&h, world_sample(w, WORLD_NEWCOMER, "finding.final"));
    hosted_refuse(&h, bad(WORLD_NEWCOMER, "intervention.reported", NULL), STATUS_DENIED_SCOPE,
                  "intervention.reported");
}

static const char imported[] = "{'basis':'imported','case':'00112233445566778899aabbccddeeff',"
                               "'ori':'" WORLD_ORI "','party':'officer'}";

Test(accept_scope, only_the_enrolled_basis) {
    enrol_newcomer("clerk", "['" WORLD_ORI "']", "['*']", "live", "");
    hosted_accept(&h, world_sample(w, WORLD_NEWCOMER, "failure.alleged"));
    hosted_refuse(&h, bad(WORLD_NEWCOMER, "failure.alleged", imported), STATUS_DENIED_SCOPE,
                  "member basis");
}

Test(accept_scope, a_key_for_imports_signs_nothing_live) {
    enrol_newcomer("clerk", "['" WORLD_ORI "']", "['*']", "imported", "");
    hosted_refuse(&h, bad(WORLD_NEWCOMER, "failure.alleged", NULL), STATUS_DENIED_SCOPE,
                  "member basis");
    hosted_accept(&h, world_event(w, &(struct world_event){.issuer = WORLD_NEWCOMER,
                                                           .kind = "failure.alleged",
                                                           .open = imported}));
}

Test(accept_scope, only_an_agencys_own_keys_import) {
    hosted_refuse(&h, bad(WORLD_BOARD, "failure.alleged", imported), STATUS_DENIED_SCOPE,
                  "only an agency's own keys");
    hosted_accept(&h, world_event(w, &(struct world_event){.issuer = WORLD_AGENCY,
                                                           .kind = "failure.alleged",
                                                           .open = imported}));
}

Test(accept_scope, only_within_its_days) {
    enrol_newcomer("clerk", "['" WORLD_ORI "']", "['*']", "both",
                   ",'from':'2025-12-26','until':'2025-12-27'");
    /* The last millisecond before, the first and the last within, the first after. */
    h.now_ms = WORLD_TIME_MS + DAY_MS - 1;
    hosted_refuse(&h, bad(WORLD_NEWCOMER, "failure.alleged", NULL), STATUS_DENIED_SCOPE,
                  "not valid yet");
    h.now_ms += 1;
    hosted_accept(&h, world_sample(w, WORLD_NEWCOMER, "failure.alleged"));
    h.now_ms = WORLD_TIME_MS + 3 * DAY_MS - 1;
    hosted_accept(&h, world_sample(w, WORLD_NEWCOMER, "failure.alleged"));
    h.now_ms += 1;
    hosted_refuse(&h, bad(WORLD_NEWCOMER, "failure.alleged", NULL), STATUS_DENIED_SCOPE,
                  "has run out");
}

Test(accept_scope, days_are_those_of_the_calendar) {
    /* A day, and its first moment by `date -ud DAY +%s`. */
    static const struct {
        const char *day;
        uint64_t seconds;
    } days[] = {
        {"1970-01-01", 0},          {"1970-01-02", 86400},      {"1971-01-01", 31536000},
        {"1972-02-29", 68169600},   {"1972-03-01", 68256000},   {"1999-12-31", 946598400},
        {"2000-02-29", 951782400},  {"2000-03-01", 951868800},  {"2023-03-01", 1677628800},
        {"2024-03-01", 1709251200}, {"2024-12-31", 1735603200}, {"2025-01-01", 1735689600},
        {"2100-02-28", 4107456000}, {"2100-03-01", 4107542400}, {"9999-12-31", 253402214400},
        {"1969-12-31", 0},          {"1900-01-01", 0}};
    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
        struct signer *key = &w->people[WORLD_NEWCOMER];
        CHECK_OK(vkey_make(bytes_text(world_text(w, "new-%zu", i)), VKEY_NOTE, &key->vkey.key,
                           &key->vkey));
        const char *more = world_text(w, ",'from':'%s','until':'%s'", days[i].day, days[i].day);
        enrol_newcomer("clerk", "[]", "['*']", "both", more);
        struct issuer issuer = find(WORLD_NEWCOMER);
        cr_assert_eq(issuer.from_ms, days[i].seconds * 1000, "%s", days[i].day);
        cr_assert_eq(issuer.until_ms, issuer.from_ms + DAY_MS, "%s", days[i].day);
    }
}

/* --- enrolment --- */

TestSuite(accept_enrolment, .init = open_started, .fini = close_all);

static struct bytes enrolment(enum world_who by, const char *role, const char *oris,
                              const char *kinds, const char *basis, const char *more) {
    return bad(by, "key.enrolled",
               world_enrol_open(w, WORLD_NEWCOMER, role, oris, kinds, basis, more));
}

#define OWN "['" WORLD_ORI "']"

Test(accept_enrolment, records_what_it_says) {
    const char *open = world_enrol_open(w, WORLD_NEWCOMER, "clerk", OWN, "['correction']", "live",
                                        ",'from':'2025-01-01','until':'2026-12-31'");
    uint64_t index = hosted_accept(&h, world_event(w, &(struct world_event){.issuer = WORLD_AGENCY,
                                                                            .kind = "key.enrolled",
                                                                            .open = open}));
    struct issuer issuer = find(WORLD_NEWCOMER);
    struct store_txn *txn;
    struct issuer same;
    uint64_t chain[CHAIN_MAX];
    size_t links;
    cr_assert_eq(issuer.roles, ROLE_CLERK);
    cr_assert_eq(issuer.enrolled_at, index);
    cr_assert_eq(issuer.enroller, find(WORLD_AGENCY).number);
    cr_assert_eq(issuer.kinds, 1u << KIND_CORRECTION);
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
    struct issuer root = find(WORLD_ROOT_1);
    CHECK_OK(issuer_chain(txn, h.log.number, &root, chain, &links));
    cr_assert_eq(links, 0);
    store_abort(txn);
}

Test(accept_enrolment, a_name_is_given_once) {
    const enum world_who taken[] = {WORLD_CLERK, WORLD_ROOT_2, WORLD_OPERATOR};
    for (size_t i = 0; i < 3; i++) {
        const char *open = world_enrol_open(w, taken[i], "clerk", OWN, "['*']", "both", "");
        hosted_refuse(&h, bad(WORLD_AGENCY, "key.enrolled", open), STATUS_BAD_MEMBER,
                      "is taken in this log");
    }
    /* Not even after a revocation. */
    hosted_accept(&h, world_revoke(w, WORLD_AGENCY, WORLD_CLERK));
    const char *open = world_enrol_open(w, WORLD_CLERK, "clerk", OWN, "['*']", "both", "");
    hosted_refuse(&h, bad(WORLD_AGENCY, "key.enrolled", open), STATUS_BAD_MEMBER,
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
        enrol_newcomer(roles[i], "[]", "['*']", "both", "");
        cr_assert_eq(find(WORLD_NEWCOMER).roles, role_find(roles[i], strlen(roles[i])));
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
    enrol_newcomer("agency", "['" WORLD_OTHER_ORI "','" WORLD_ORI "']",
                   "['failure.alleged','key.enrolled']", "live",
                   ",'from':'2025-12-01','until':'2026-12-31'");
}

static struct bytes by_narrow(const char *oris, const char *kinds, const char *basis,
                              const char *more) {
    return bad(WORLD_NEWCOMER, "key.enrolled",
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
    enrol_newcomer("agency", "[]", "['*']", "both", "");
    hosted_accept(&h, by_narrow("[]", "['*']", "both", ""));
}

Test(accept_enrolment, an_agency_whose_kinds_leave_it_out_enrols_nobody) {
    enrol_newcomer("agency", OWN, "['failure.alleged']", "both", "");
    hosted_refuse(&h, by_narrow(OWN, "['failure.alleged']", "both", ""), STATUS_DENIED_SCOPE,
                  "key.enrolled");
}

Test(accept_enrolment, works_within_one_request) {
    struct bytes notes[3];
    struct submit_result results[3];
    notes[0] = world_enrol(w, WORLD_AGENCY, WORLD_NEWCOMER);
    notes[1] = world_sample(w, WORLD_NEWCOMER, "failure.alleged");
    notes[2] = damage_line(world_sample(w, WORLD_NEWCOMER, "failure.alleged"), 0);
    hosted_submit_many(&h, notes, 3, results);
    CHECK_OK(h.fate);
    CHECK_OK(results[0].status);
    CHECK_OK(results[1].status);
    CHECK_STATUS(results[2].status, STATUS_DENIED_SIGNATURE);
}

Test(accept_enrolment, a_chain_that_does_not_end_is_corrupt) {
    struct store_txn *txn;
    uint64_t chain[CHAIN_MAX];
    size_t links = 77;
    struct issuer clerk = find(WORLD_CLERK);
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
    return bad(by, "key.revoked", world_text(w, "{'key':'%s','reason':'lost'}", key));
}

Test(accept_revocation, by_the_enroller_ends_the_key) {
    struct bytes before = world_sample(w, WORLD_CLERK, "failure.alleged");
    hosted_accept(&h, before);
    uint64_t index = hosted_accept(&h, world_revoke(w, WORLD_AGENCY, WORLD_CLERK));
    cr_assert_eq(find(WORLD_CLERK).revoked_at, index);
    hosted_refuse(&h, bad(WORLD_CLERK, "failure.alleged", NULL), STATUS_DENIED_KEY,
                  "clerk was revoked by entry 8");
    /* What it signed before stands, and is found again. */
    struct submit_result again = hosted_submit(&h, before);
    CHECK_OK(again.status);
    cr_assert(again.place.logged);
    /* But it leaves no conflicts behind. */
    w->last[WORLD_CLERK].seq = 0;
    hosted_refuse(&h, bad(WORLD_CLERK, "finding.final", NULL), STATUS_DENIED_KEY, "was revoked");
    struct store_txn *txn;
    struct bytes note;
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    CHECK_STATUS(issuer_conflict(txn, h.log.number, find(WORLD_CLERK).number, 1, &note),
                 STATUS_NOT_FOUND);
    store_abort(txn);
}

Test(accept_revocation, by_any_root) {
    hosted_accept(&h, world_revoke(w, WORLD_ROOT_3, WORLD_CLERK));
    hosted_accept(&h, world_revoke(w, WORLD_ROOT_2, WORLD_AGENCY));
    hosted_refuse(&h, bad(WORLD_AGENCY, "failure.alleged", NULL), STATUS_DENIED_KEY, "revoked");
}

Test(accept_revocation, by_nobody_else) {
    enrol_newcomer("agency", "[]", "['*']", "both", "");
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

/* --- sequence --- */

TestSuite(accept_sequence, .init = open_started, .fini = close_all);

Test(accept_sequence, a_gap_names_what_is_expected) {
    struct submit_result result =
        hosted_refuse(&h,
                      world_event(w, &(struct world_event){.issuer = WORLD_BOARD,
                                                           .kind = "failure.alleged",
                                                           .seq = 3,
                                                           .aside = true,
                                                           .prev = &w->last[WORLD_CLERK].id}),
                      STATUS_CONFLICT_GAP, "1 is expected of board");
    struct hash none = {{0}};
    cr_assert_eq(result.place.expected, 1);
    cr_assert(hash_equal(&result.place.head, &none));
    struct bytes first = world_sample(w, WORLD_CLERK, "failure.alleged");
    hosted_accept(&h, first);
    result = hosted_refuse(&h,
                           world_event(w, &(struct world_event){.issuer = WORLD_CLERK,
                                                                .kind = "failure.alleged",
                                                                .seq = 3,
                                                                .aside = true}),
                           STATUS_CONFLICT_GAP, "2 is expected of clerk");
    struct hash id = world_id(first);
    cr_assert_eq(result.place.expected, 2);
    cr_assert(hash_equal(&result.place.head, &id));
}

Test(accept_sequence, prev_is_the_id_of_the_event_before) {
    struct bytes first = world_sample(w, WORLD_CLERK, "failure.alleged");
    hosted_accept(&h, first);
    struct hash wrong = world_id(first);
    wrong.bytes[31] ^= 1;
    struct submit_result result =
        hosted_refuse(&h,
                      world_event(w, &(struct world_event){.issuer = WORLD_CLERK,
                                                           .kind = "failure.alleged",
                                                           .prev = &wrong,
                                                           .aside = true}),
                      STATUS_CONFLICT_GAP, "member prev");
    struct hash id = world_id(first);
    cr_assert_eq(result.place.expected, 2);
    cr_assert(hash_equal(&result.place.head, &id));
}

Test(accept_sequence, the_same_event_again_is_found) {
    struct bytes notes[3];
    for (size_t i = 0; i < 3; i++) {
        notes[i] = world_sample(w, WORLD_CLERK, "failure.alleged");
        h.now_ms += 1000;
        hosted_accept(&h, notes[i]);
    }
    struct hash before = store_digest(h.memory);
    for (size_t i = 0; i < 3; i++) {
        h.now_ms += 500000;
        struct submit_result result = hosted_submit(&h, notes[i]);
        CHECK_OK(result.status);
        cr_assert(result.place.logged);
        cr_assert_eq(result.place.index, WORLD_START + i);
        cr_assert_eq(result.received_ms, WORLD_TIME_MS + 1000 * (i + 1));
    }
    struct hash after = store_digest(h.memory);
    cr_assert(hash_equal(&before, &after));
}

Test(accept_sequence, the_same_event_twice_in_one_request) {
    struct bytes notes[3];
    struct submit_result results[3];
    notes[0] = world_sample(w, WORLD_CLERK, "failure.alleged");
    notes[1] = notes[0];
    notes[2] = world_sample(w, WORLD_CLERK, "failure.alleged");
    hosted_submit_many(&h, notes, 3, results);
    for (size_t i = 0; i < 3; i++) {
        CHECK_OK(results[i].status);
        cr_assert_eq(results[i].received_ms, WORLD_TIME_MS);
    }
    cr_assert_not(results[0].place.logged);
    cr_assert(results[1].place.logged);
    cr_assert_eq(results[1].place.index, results[0].place.index);
    cr_assert_eq(results[2].place.index, results[0].place.index + 1);
    cr_assert_eq(hosted_size(&h), WORLD_START + 2);
}

Test(accept_sequence, another_event_of_a_used_seq_is_kept_once) {
    struct bytes first = world_sample(w, WORLD_CLERK, "failure.alleged");
    uint64_t index = hosted_accept(&h, first);
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "failure.alleged"));
    uint32_t clerk = find(WORLD_CLERK).number;
    static const char *const kinds[] = {"finding.final", "intervention.reported"};
    struct bytes others[2];
    for (size_t i = 0; i < 2; i++) {
        others[i] =
            world_event(w, &(struct world_event){
                               .issuer = WORLD_CLERK, .kind = kinds[i], .seq = 1, .aside = true});
        struct submit_result result =
            hosted_refuse(&h, others[i], STATUS_CONFLICT_USED, "member seq: 1 of clerk");
        cr_assert_eq(result.place.index, index);
        cr_assert_not(result.place.logged);
    }
    struct store_txn *txn;
    struct bytes kept;
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    CHECK_OK(issuer_conflict(txn, h.log.number, clerk, 1, &kept));
    CHECK_BYTES(kept, others[0]);
    CHECK_STATUS(issuer_conflict(txn, h.log.number, clerk, 2, &kept), STATUS_NOT_FOUND);
    store_abort(txn);
    /* Sent again it is a conflict again, and changes nothing. */
    struct hash before = store_digest(h.memory);
    hosted_refuse(&h, others[0], STATUS_CONFLICT_USED, "entry 7");
    struct hash after = store_digest(h.memory);
    cr_assert(hash_equal(&before, &after));
}

Test(accept_sequence, a_badly_signed_event_of_a_used_seq_is_not_kept) {
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "failure.alleged"));
    struct bytes other = world_event(
        w, &(struct world_event){
               .issuer = WORLD_CLERK, .kind = "finding.final", .seq = 1, .aside = true});
    struct hash before = store_digest(h.memory);
    hosted_refuse(&h, damage_line(other, 0), STATUS_DENIED_SIGNATURE, "clerk");
    struct hash after = store_digest(h.memory);
    cr_assert(hash_equal(&before, &after));
}

Test(accept_sequence, each_issuer_has_its_own) {
    static const enum world_who people[] = {WORLD_CLERK, WORLD_BOARD, WORLD_COURT, WORLD_POST};
    for (uint64_t seq = 1; seq <= 5; seq++) {
        for (size_t i = 0; i < 4; i++) {
            hosted_accept(&h, world_sample(w, people[i], "finding.final"));
        }
    }
    for (size_t i = 0; i < 4; i++) {
        struct issuer issuer = find(people[i]);
        struct store_txn *txn;
        uint64_t index = 0;
        cr_assert_eq(issuer.last_seq, 5);
        cr_assert(hash_equal(&issuer.last_id, &w->last[people[i]].id));
        CHECK_OK(store_begin(h.store, STORE_READ, &txn));
        for (uint64_t seq = 1; seq <= 5; seq++) {
            CHECK_OK(issuer_event(txn, h.log.number, issuer.number, seq, &index));
            cr_assert_eq(index, WORLD_START + 4 * (seq - 1) + i);
        }
        CHECK_STATUS(issuer_event(txn, h.log.number, issuer.number, 6, &index), STATUS_NOT_FOUND);
        store_abort(txn);
    }
}

/* --- references --- */

TestSuite(accept_reference, .init = open_started, .fini = close_all);

static const char *reference(const char *log, enum world_who issuer, uint64_t seq,
                             const struct hash *id) {
    uint8_t hex[2 * HASH_SIZE];
    struct writer out;
    writer_init(&out, hex, sizeof hex);
    writer_hash_hex(&out, id);
    return world_text(w, "{'id':'%.64s','issuer':'%s','log':'%s','seq':%llu}", (const char *)hex,
                      world_name(w, issuer), log, (unsigned long long)seq);
}

static const char *correct(const char *event, const char *more) {
    return world_text(w, "{'event':%s,'ori':'" WORLD_ORI "','what':'wrong_date'%s}", event, more);
}

Test(accept_reference, a_correction_is_of_an_event_that_is_there) {
    const char *own = "agency.example/log";
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "failure.alleged"));
    struct hash id = w->last[WORLD_CLERK].id;
    struct hash other = id;
    other.bytes[0] ^= 1;
    const char *wrong[] = {
        reference(own, WORLD_CLERK, 1, &other), reference(own, WORLD_CLERK, 2, &id),
        reference(own, WORLD_AGENCY, 1, &id), reference(own, WORLD_STRANGER, 1, &id)};
    const char *right = reference(own, WORLD_CLERK, 1, &id);
    for (size_t i = 0; i < 4; i++) {
        hosted_refuse(&h, bad(WORLD_BOARD, "correction", correct(wrong[i], "")), STATUS_BAD_MEMBER,
                      "member event:");
        const char *more = world_text(w, ",'replaced_by':%s", wrong[i]);
        hosted_refuse(&h, bad(WORLD_BOARD, "correction", correct(right, more)), STATUS_BAD_MEMBER,
                      "member replaced_by:");
    }
    hosted_accept(&h, world_event(w, &(struct world_event){.issuer = WORLD_BOARD,
                                                           .kind = "correction",
                                                           .open = correct(right, "")}));
    /* Of another log's event nothing is known here: standing, not acceptance. */
    const char *elsewhere = reference("state.example/log", WORLD_STRANGER, 9, &other);
    hosted_accept(&h, world_event(w, &(struct world_event){.issuer = WORLD_BOARD,
                                                           .kind = "correction",
                                                           .open = correct(elsewhere, "")}));
}

Test(accept_reference, every_closed_member_can_be_disclosed) {
    hosted_accept(&h, world_closed_sample(w, WORLD_CLERK, "failure.alleged"));
    for (size_t which = 0; which < WORLD_CLOSED; which++) {
        const char *open = world_disclose(w, WORLD_CLERK, which);
        hosted_accept(&h, world_event(w, &(struct world_event){.issuer = WORLD_BOARD,
                                                               .kind = "event.opened",
                                                               .open = open}));
    }
}

Test(accept_reference, works_within_one_request) {
    struct bytes notes[3];
    struct submit_result results[3];
    notes[0] = world_closed_sample(w, WORLD_CLERK, "failure.alleged");
    notes[1] = world_sample(w, WORLD_CLERK, "event.opened");
    notes[2] = world_sample(w, WORLD_CLERK, "correction");
    hosted_submit_many(&h, notes, 3, results);
    for (size_t i = 0; i < 3; i++) {
        CHECK_OK(results[i].status);
    }
}

/* Replaces the first `from` in a disclosure by `to`. */
static const char *bend(const char *open, const char *from, const char *to) {
    const char *at = strstr(open, from);
    cr_assert_not_null(at, "%s in %s", from, open);
    return world_text(w, "%.*s%s%s", (int)(at - open), open, to, at + strlen(from));
}

Test(accept_reference, a_disclosure_shows_what_was_committed) {
    hosted_accept(&h, world_closed_sample(w, WORLD_CLERK, "failure.alleged"));
    const char *open = world_disclose(w, WORLD_CLERK, 1);
    const char *bent[] = {
        bend(open, "Stood by", "Sat by"),
        bend(open, "'member':'narrative'", "'member':'place'"),
        bend(open, "'index':1", "'index':0"),
        bend(open, "'salt':'", "'salt':'0000"),
        bend(open, "'proof':['", "'proof':['0000"),
    };
    for (size_t i = 0; i < sizeof bent / sizeof bent[0]; i++) {
        const char *text = bent[i];
        if (i >= 3) { /* four digits too many now: drop as many at the end of that hash */
            char *end = strstr((char *)(uintptr_t)strstr(text, "'0000") + 5, "'");
            memmove(end - 4, end, strlen(end) + 1);
        }
        hosted_refuse(&h, bad(WORLD_BOARD, "event.opened", text), STATUS_BAD_MEMBER,
                      "member value: ");
    }
    hosted_accept(&h, bad(WORLD_BOARD, "event.opened", open));
}

Test(accept_reference, a_disclosure_is_of_an_event_with_a_body) {
    hosted_accept(&h, world_closed_sample(w, WORLD_CLERK, "failure.alleged"));
    struct hash closed = w->closed[WORLD_CLERK].id;
    const char *open = world_disclose(w, WORLD_CLERK, 1);
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "failure.alleged"));
    struct hash id = w->last[WORLD_CLERK].id;
    const char *own = "agency.example/log";
    const char *named = reference(own, WORLD_CLERK, 1, &closed);
    hosted_refuse(
        &h,
        bad(WORLD_BOARD, "event.opened", bend(open, named, reference(own, WORLD_CLERK, 2, &id))),
        STATUS_BAD_MEMBER, "entry 8 has no closed members");
    hosted_refuse(
        &h,
        bad(WORLD_BOARD, "event.opened", bend(open, named, reference(own, WORLD_CLERK, 3, &id))),
        STATUS_BAD_MEMBER, "member event:");
    hosted_accept(&h, bad(WORLD_BOARD, "event.opened",
                          bend(open, named, reference("state.example/log", WORLD_CLERK, 3, &id))));
}

/* --- the bytes alone --- */

TestSuite(accept_form, .init = open_started, .fini = close_all);

Test(accept_form, what_event_parse_refuses_never_enters) {
    struct bytes good = bad(WORLD_CLERK, "failure.alleged", NULL);
    hosted_refuse(&h, bytes_text(""), STATUS_BAD_FORM, "");
    hosted_refuse(&h, bytes_text("dutylog/event/v1\n{}\n"), STATUS_BAD_FORM, "");
    hosted_refuse(&h, bytes_of(good.data, good.len - 1), STATUS_BAD_FORM, "");
    static uint8_t large[EVENT_SIZE_MAX + 1];
    hosted_refuse(&h, bytes_of(large, sizeof large), STATUS_TOO_LARGE, "16384");
    hosted_accept(&h, good);
}

Test(accept_form, an_event_for_another_log_is_refused) {
    struct bytes note = world_event(w, &(struct world_event){.issuer = WORLD_CLERK,
                                                             .kind = "failure.alleged",
                                                             .log = "state.example/log",
                                                             .aside = true});
    hosted_refuse(&h, note, STATUS_BAD_LOG, "member log: meant for state.example/log");
}
