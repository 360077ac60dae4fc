/* The kinds table: its shape, and the visibility that specs/event.md promises. */
#include "ledger/json.h"
#include "ledger/kind.h"
#include "ledger/limits.h"

#include <criterion/criterion.h>
#include <string.h>

Test(kind, rows_and_members_are_sorted_and_complete) {
    for (size_t i = 0; i < KIND_COUNT; i++) {
        const struct kind *kind = kind_at((enum kind_id)i);
        cr_expect_eq(kind->id, i);
        cr_expect(i == 0 || strcmp(kind_at((enum kind_id)(i - 1))->name, kind->name) < 0, "%s",
                  kind->name);
        cr_expect_eq(kind_find(kind->name, strlen(kind->name)), kind);
        cr_expect_neq(kind->roles, 0);
        cr_expect_gt(strlen(kind->help), 0);
        cr_expect_leq(kind->member_count, EVENT_MEMBERS_MAX);
        for (size_t j = 0; j < kind->member_count; j++) {
            const struct kind_member *m = &kind->members[j];
            cr_expect(j == 0 || strcmp(m[-1].name, m->name) < 0, "%s.%s", kind->name, m->name);
            cr_expect_eq(kind_member_find(kind, m->name, strlen(m->name)), m);
            cr_expect_eq(strspn(m->name, "abcdefghijklmnopqrstuvwxyz_"), strlen(m->name));
            cr_expect_leq(strlen(m->name), JCS_NAME_MAX);
            cr_expect_gt(strlen(m->help), 0);
            cr_expect_eq(m->type == MEMBER_CODE || m->type == MEMBER_CODES, m->codes != NULL, "%s",
                         m->name);
            cr_expect_not(m->required && m->required_live);
            cr_expect(m->visibility == VISIBLE_OPEN || !(m->required || m->required_live));
        }
    }
}

Test(kind, finds_only_exact_names) {
    cr_expect_null(kind_find("", 0));
    cr_expect_null(kind_find("finding", 7));
    cr_expect_null(kind_find("finding.final ", 14));
    cr_expect_null(kind_find("Correction", 10));
    const struct kind *kind = kind_find("correction", 10);
    cr_assert_not_null(kind);
    cr_expect_null(kind_member_find(kind, "nam", 3));
    cr_expect_null(kind_member_find(kind, "or", 2));
    cr_expect_null(kind_member_find(kind, "orix", 4));
}

/* Whoever moves one of these into the open must do so here as well. */
Test(kind, what_could_name_a_person_is_closed) {
    static const char *const closed[] = {"case_number", "kind",  "mapping",     "narrative",
                                         "officer",     "place", "source_code", "source_text",
                                         "time",        "report"};
    for (size_t i = 0; i < KIND_COUNT; i++) {
        const struct kind *kind = kind_at((enum kind_id)i);
        bool about_case = kind_member_find(kind, "case", 4) != NULL;
        for (size_t j = 0; j < kind->member_count; j++) {
            const struct kind_member *m = &kind->members[j];
            bool expected = false;
            for (size_t k = 0; k < sizeof closed / sizeof closed[0]; k++) {
                expected = expected || strcmp(m->name, closed[k]) == 0;
            }
            /* That of a list is a file's hash. */
            expected = expected && kind->id != KIND_LIST_OBSERVED;
            cr_expect_eq(m->visibility == VISIBLE_CLOSED, expected, "%s.%s", kind->name, m->name);
            /* Free text is closed everywhere; times of day and lines of text in every case. */
            cr_expect(expected || m->type != MEMBER_TEXT, "%s.%s", kind->name, m->name);
            cr_expect(expected || !about_case ||
                          (m->type != MEMBER_TIME && m->type != MEMBER_TITLE &&
                           m->type != MEMBER_ADDRESS),
                      "%s.%s", kind->name, m->name);
        }
    }
}

/* What makes a row fit for cases: both ends of the rule, so that no row is forgotten. */
Test(kind, every_kind_of_a_case_has_what_cases_need) {
    size_t cases = 0;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        const struct kind *kind = kind_at((enum kind_id)i);
        const struct kind_member *handle = kind_member_find(kind, "case", 4);
        if (handle == NULL || kind->id == KIND_CLOSED) {
            continue;
        }
        cases++;
        cr_expect(handle->required && handle->type == MEMBER_HANDLE, "%s", kind->name);
        cr_expect(kind->has_ori, "%s", kind->name);
        cr_expect_neq(kind->effect, EFFECT_NONE, "%s", kind->name);
        cr_expect_eq(kind->roles,
                     ROLE_AGENCY | ROLE_CLERK | ROLE_OVERSIGHT | ROLE_COURT | ROLE_POST, "%s",
                     kind->name);
        static const char *const members[] = {"basis",       "case_number", "mapping",
                                              "narrative",   "officer",     "party",
                                              "source_code", "source_text", "subject"};
        for (size_t j = 0; j < sizeof members / sizeof members[0]; j++) {
            cr_expect_not_null(kind_member_find(kind, members[j], strlen(members[j])),
                               "%s lacks %s", kind->name, members[j]);
        }
    }
    cr_expect_eq(cases, 19);
}

Test(kind, what_an_event_may_name_exists_and_is_named) {
    for (size_t i = 0; i < KIND_COUNT; i++) {
        const struct kind *kind = kind_at((enum kind_id)i);
        const struct kind_member *event = kind_member_find(kind, "event", 5);
        cr_expect_eq(event != NULL, kind->refers != 0, "%s", kind->name);
        cr_expect(kind->refers == KINDS_ALL || kind->refers < KIND_BIT(KIND_COUNT), "%s",
                  kind->name);
        cr_expect(kind->after == 0 || kind->effect != EFFECT_NONE, "%s", kind->name);
        cr_expect(kind->after < EFFECT_BIT(EFFECT_COUNT), "%s", kind->name);
    }
    for (size_t i = 0; i < EFFECT_COUNT; i++) {
        bool used = false;
        for (size_t j = 0; j < KIND_COUNT; j++) {
            used = used || kind_at((enum kind_id)j)->effect == (enum effect)i;
        }
        cr_expect(used, "no kind %s", effect_name((enum effect)i));
        cr_expect_gt(strlen(effect_help((enum effect)i)), 0);
    }
}

Test(kind, registry_rows_are_all_open_and_signed_by_those_above) {
    static const struct {
        const char *name;
        uint32_t roles;
        bool threshold;
    } rows[] = {
        {"log.opened", ROLE_OPERATOR, true},
        {"log.policy", ROLE_ROOT, true},
        {"log.recognised", ROLE_ROOT, true},
        {"log.succeeded", ROLE_ROOT, true},
        {"recognition.withdrawn", ROLE_ROOT, true},
        {"root.replaced", ROLE_ROOT, true},
        {"key.enrolled", ROLE_ROOT | ROLE_AGENCY, false},
        {"key.revoked", ROLE_ROOT | ROLE_AGENCY, false},
        {"key.rotated", ROLE_ROOT | ROLE_AGENCY, false},
        {"rules.activated", ROLE_ROOT, true},
    };
    size_t thresholds = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct kind *kind = kind_find(rows[i].name, strlen(rows[i].name));
        cr_assert_not_null(kind);
        cr_expect_eq(kind->roles, rows[i].roles);
        cr_expect_eq(kind->roots_threshold, rows[i].threshold);
        cr_expect_not(kind->has_ori);
        cr_expect_not(kind_has_closed(kind));
    }
    for (size_t i = 0; i < KIND_COUNT; i++) {
        const struct kind *kind = kind_at((enum kind_id)i);
        const struct kind_member *ori = kind_member_find(kind, "ori", 3);
        thresholds += kind->roots_threshold;
        cr_expect_eq(kind->has_ori, ori != NULL && ori->required, "%s", kind->name);
        /* Nobody signs for a case without a scope, and no operator does. */
        cr_expect(kind_member_find(kind, "case", 4) == NULL ||
                  (kind->roles & (ROLE_ROOT | ROLE_OPERATOR | ROLE_OBSERVER)) == 0);
    }
    cr_expect_eq(thresholds, 7);
}

Test(kind, codes_are_those_of_the_design) {
    size_t dispositions = 0;
    size_t measures = 0;
    size_t terms = 0;
    while (kind_dispositions[dispositions] != NULL) {
        dispositions++;
    }
    while (kind_disciplines[measures].code != NULL) {
        terms += kind_disciplines[measures].term;
        measures++;
    }
    cr_expect_eq(dispositions, 9);
    cr_expect_eq(measures, 15);
    cr_expect_eq(terms, 3);
    cr_expect_str_eq(kind_disciplines[0].code, "none");
    const struct kind *finding = kind_find("finding.final", 13);
    const struct kind_member *disposition = kind_member_find(finding, "disposition", 11);
    for (size_t i = 0; disposition->codes[i] != NULL; i++) {
        cr_expect_str_neq(disposition->codes[i], "pending");
    }
}

Test(kind, roles_have_names) {
    for (uint32_t role = ROLE_ROOT; role <= ROLE_LAST; role <<= 1) {
        const char *name = role_name(role);
        cr_assert_not_null(name);
        cr_expect_eq(role_find(name, strlen(name)), role);
    }
    cr_expect_null(role_name(0));
    cr_expect_null(role_name(ROLE_ROOT | ROLE_CLERK));
    cr_expect_null(role_name(ROLE_LAST << 1));
    cr_expect_eq(role_find("clerks", 6), 0);
    cr_expect_eq(role_find("cler", 4), 0);
    /* Every role that key.enrolled can give is one we know, and no root is made by enrolment. */
    const struct kind_member *m = kind_member_find(kind_find("key.enrolled", 12), "role", 4);
    for (size_t i = 0; m->codes[i] != NULL; i++) {
        uint32_t role = role_find(m->codes[i], strlen(m->codes[i]));
        cr_expect_neq(role, 0);
        cr_expect_eq(role & (ROLE_ROOT | ROLE_OPERATOR), 0);
    }
}
