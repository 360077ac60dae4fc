/* Acceptance: who opens a log, makes its rules, and may sign what. All go through submit_job, and
 * every refusal is checked to have changed nothing. Registry, sequence and references are in
 * test_accept_registry.c and test_accept_sequence.c. */
#include "tests/lib/check.h"
#include "tests/lib/hosted.h"

#include <criterion/criterion.h>
#include <string.h>

#define DAY_MS UINT64_C(86400000)

static struct hosted h;
static struct world *w;

static void open_empty(void) {
    hosted_open(&h);
    w = &h.world;
}

static void open_started(void) {
    hosted_open(&h);
    w = &h.world;
    hosted_start(&h);
}

static void close_all(void) {
    hosted_close(&h);
}

/* --- entry 0 --- */

TestSuite(accept_opening, .init = open_empty, .fini = close_all);

Test(accept_opening, makes_roots_and_operator_known) {
    hosted_accept(&h, world_opened(w));
    for (unsigned who = WORLD_ROOT_1; who <= WORLD_OPERATOR; who++) {
        struct issuer issuer = hosted_issuer(&h, (enum world_who)who);
        cr_assert_eq(issuer.roles, who == WORLD_OPERATOR ? ROLE_OPERATOR : ROLE_ROOT);
        cr_assert(vkey_equal(&issuer.vkey, &w->people[who].vkey));
        cr_assert_eq(issuer.enroller, 0);
        cr_assert_eq(issuer.last_seq, who == WORLD_OPERATOR);
    }
    cr_assert_eq(hosted_issuer(&h, WORLD_ROOT_1).number, 1);
    cr_assert_eq(hosted_issuer(&h, WORLD_OPERATOR).number, 4);
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

Test(accept_opening, has_every_signature_verified) {
    for (size_t line = 0; line < 3; line++) {
        struct bytes note = world_event(
            w,
            &(struct world_event){.issuer = WORLD_OPERATOR, .kind = "log.opened", .aside = true});
        hosted_refuse(&h, world_damage(note, line), STATUS_DENIED_SIGNATURE, "does not verify");
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
        struct bytes note = world_aside(w, WORLD_ROOT_1, "log.policy", NULL);
        hosted_refuse(&h, world_damage(note, line), STATUS_DENIED_SIGNATURE, "does not verify");
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
    hosted_refuse(&h, world_aside(w, WORLD_ROOT_1, "log.policy", open), STATUS_BAD_POLICY, "doj");
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

Test(accept_policy, takes_two_operators_for_a_quorum) {
    static const enum world_who roots[] = {WORLD_ROOT_1, WORLD_ROOT_2};
    const char *text =
        world_event_text(w, &(struct world_event){.issuer = WORLD_ROOT_1, .kind = "log.policy"});
    text = world_bend(w, text, "\"state\":\"state\"", "\"state\":\"doj\"");
    hosted_refuse(&h, world_sign(w, bytes_text(text), roots, 2), STATUS_BAD_POLICY,
                  "the mirrors of doj alone could satisfy the quorum");
}

Test(accept_policy, is_for_the_logs_own_key) {
    struct world other;
    world_init(&other, "agency.example/log");
    other.log = other.people[WORLD_STRANGER];
    CHECK_OK(vkey_make(vkey_name(&w->log.vkey), VKEY_NOTE, &other.log.vkey.key, &other.log.vkey));
    const char *open = world_policy_open(w, world_policy_text(&other, NULL), NULL);
    hosted_refuse(&h, world_aside(w, WORLD_ROOT_1, "log.policy", open), STATUS_BAD_POLICY, "");
    world_release(&other);
}

/* --- who may sign what --- */

TestSuite(accept_scope, .init = open_started, .fini = close_all);

Test(accept_scope, every_role_signs_exactly_its_kinds) {
    /* A log that registers one agency wants all registered that are spoken of. */
    static const char *const oris[] = {WORLD_ORI, "NY9999900"};
    for (size_t i = 0; i < 2; i++) {
        const char *open = world_text(w,
                                      "{'name':'A','officers':1,'ori':'%s','state':'MN','type':"
                                      "'municipal'}",
                                      oris[i]);
        hosted_accept(&h, world_event(w, &(struct world_event){.issuer = WORLD_ROOT_1,
                                                               .kind = "agency.registered",
                                                               .open = open}));
    }
    for (unsigned i = WORLD_ROOT_1; i <= WORLD_POST; i++) {
        enum world_who who = (enum world_who)i;
        uint32_t role = hosted_issuer(&h, who).roles;
        for (size_t k = 0; k < KIND_COUNT; k++) {
            const struct kind *kind = kind_at((enum kind_id)k);
            if (kind->roots_threshold || kind->id == KIND_EVENT_OPENED ||
                kind->id == KIND_REPORT_LODGED || kind->id == KIND_CORRECTION) {
                continue; /* in stories of their own */
            }
            bool enrols = kind_enrols(kind) || kind->id == KIND_KEY_REVOKED;
            if ((kind->roles & role) == 0) {
                hosted_refuse(&h, world_aside(w, who, kind->name, NULL), STATUS_DENIED_SCOPE,
                              "role");
            } else if (!enrols) {
                hosted_accept(&h, world_sample(w, who, kind->name));
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
    struct bytes note = world_aside(w, WORLD_CLERK, "failure.alleged", NULL);
    hosted_refuse(&h, world_damage(note, 0), STATUS_DENIED_SIGNATURE, "clerk does not verify");
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
    hosted_refuse(&h, world_aside(w, WORLD_CLERK, "failure.alleged", other), STATUS_DENIED_SCOPE,
                  "member ori: the enrolment of clerk does not cover " WORLD_OTHER_ORI);
    hosted_accept(&h, world_event(w, &(struct world_event){.issuer = WORLD_BOARD,
                                                           .kind = "failure.alleged",
                                                           .open = other}));
}

Test(accept_scope, only_enrolled_kinds) {
    hosted_accept(&h, world_enrol_as(w, WORLD_ROOT_1, WORLD_NEWCOMER, "clerk", "['" WORLD_ORI "']",
                                     "['failure.alleged','finding.final']", "both", ""));
    hosted_accept(&h, world_sample(w, WORLD_NEWCOMER, "failure.alleged"));
    hosted_accept(&h, world_sample(w, WORLD_NEWCOMER, "finding.final"));
    hosted_refuse(&h, world_aside(w, WORLD_NEWCOMER, "intervention.reported", NULL),
                  STATUS_DENIED_SCOPE, "intervention.reported");
}

static const char imported[] = "{'basis':'imported','case':'00112233445566778899aabbccddeeff',"
                               "'ori':'" WORLD_ORI "','party':'officer'}";

Test(accept_scope, only_the_enrolled_basis) {
    hosted_accept(&h, world_enrol_as(w, WORLD_ROOT_1, WORLD_NEWCOMER, "clerk", "['" WORLD_ORI "']",
                                     "['*']", "live", ""));
    hosted_accept(&h, world_sample(w, WORLD_NEWCOMER, "failure.alleged"));
    hosted_refuse(&h, world_aside(w, WORLD_NEWCOMER, "failure.alleged", imported),
                  STATUS_DENIED_SCOPE, "member basis");
}

Test(accept_scope, a_key_for_imports_signs_nothing_live) {
    hosted_accept(&h, world_enrol_as(w, WORLD_ROOT_1, WORLD_NEWCOMER, "clerk", "['" WORLD_ORI "']",
                                     "['*']", "imported", ""));
    hosted_refuse(&h, world_aside(w, WORLD_NEWCOMER, "failure.alleged", NULL), STATUS_DENIED_SCOPE,
                  "member basis");
    hosted_accept(&h, world_event(w, &(struct world_event){.issuer = WORLD_NEWCOMER,
                                                           .kind = "failure.alleged",
                                                           .open = imported}));
}

Test(accept_scope, only_an_agencys_own_keys_import) {
    hosted_refuse(&h, world_aside(w, WORLD_BOARD, "failure.alleged", imported), STATUS_DENIED_SCOPE,
                  "only an agency's own keys");
    hosted_accept(&h, world_event(w, &(struct world_event){.issuer = WORLD_AGENCY,
                                                           .kind = "failure.alleged",
                                                           .open = imported}));
}

Test(accept_scope, only_within_its_days) {
    hosted_accept(&h, world_enrol_as(w, WORLD_ROOT_1, WORLD_NEWCOMER, "clerk", "['" WORLD_ORI "']",
                                     "['*']", "both", ",'from':'2025-12-26','until':'2025-12-27'"));
    /* The last millisecond before, the first and the last within, the first after. */
    h.now_ms = WORLD_TIME_MS + DAY_MS - 1;
    hosted_refuse(&h, world_aside(w, WORLD_NEWCOMER, "failure.alleged", NULL), STATUS_DENIED_SCOPE,
                  "not valid yet");
    h.now_ms += 1;
    hosted_accept(&h, world_sample(w, WORLD_NEWCOMER, "failure.alleged"));
    h.now_ms = WORLD_TIME_MS + 3 * DAY_MS - 1;
    hosted_accept(&h, world_sample(w, WORLD_NEWCOMER, "failure.alleged"));
    h.now_ms += 1;
    hosted_refuse(&h, world_aside(w, WORLD_NEWCOMER, "failure.alleged", NULL), STATUS_DENIED_SCOPE,
                  "has run out");
}

/* The stamp's day is one of UTC; where the fact happened it may be a day later already. */
Test(accept_scope, no_fact_lies_after_its_receipt) {
    static const char open[] =
        "{'basis':'live','case':'00112233445566778899aabbccddeeff','decided':"
        "'%s','decided_by':'chief','disposition':'sustained','ori':"
        "'" WORLD_ORI "','party':'officer'}";
    h.now_ms = WORLD_TIME_MS;
    hosted_refuse(&h,
                  world_aside(w, WORLD_CLERK, "finding.final", world_text(w, open, "2025-12-27")),
                  STATUS_BAD_MEMBER, "member decided: 2025-12-27 is after the day");
    hosted_refuse(&h,
                  world_aside(w, WORLD_CLERK, "finding.final", world_text(w, open, "2031-01-01")),
                  STATUS_BAD_MEMBER, "member decided: 2031-01-01 is after the day");
    hosted_accept(&h,
                  world_event(w, &(struct world_event){.issuer = WORLD_CLERK,
                                                       .kind = "finding.final",
                                                       .open = world_text(w, open, "2025-12-26")}));
    /* What lies ahead by its nature may. */
    hosted_accept(
        &h, world_event(w, &(struct world_event){.issuer = WORLD_CLERK,
                                                 .kind = "policy.adopted",
                                                 .open = "{'basis':'live','document':"
                                                         "'0707070707070707070707070707070707070707"
                                                         "070707070707070707070707','effective':"
                                                         "'2031-01-01','ori':'" WORLD_ORI
                                                         "','title':'Duty to intervene'}"}));
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
        hosted_accept(&h, world_enrol_as(w, WORLD_ROOT_1, WORLD_NEWCOMER, "clerk", "[]", "['*']",
                                         "both", more));
        struct issuer issuer = hosted_issuer(&h, WORLD_NEWCOMER);
        cr_assert_eq(issuer.from_ms, days[i].seconds * 1000, "%s", days[i].day);
        cr_assert_eq(issuer.until_ms, issuer.from_ms + DAY_MS, "%s", days[i].day);
    }
}
