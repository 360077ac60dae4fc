/* The kinds table: its shape, and the visibility that specs/event.md promises. */
#include "ledger/json.h"
#include "ledger/kind.h"
#include "ledger/limits.h"

#include <criterion/criterion.h>
#include <string.h>

Test(kind, rows_and_members_are_sorted_and_complete) {
    size_t count;
    const struct kind *kinds = kind_all(&count);
    cr_assert_eq(count, KIND_COUNT);
    for (size_t i = 0; i < count; i++) {
        const struct kind *kind = &kinds[i];
        cr_expect_eq(kind->id, i);
        cr_expect(i == 0 || strcmp(kinds[i - 1].name, kind->name) < 0, "%s", kind->name);
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
            cr_expect_eq(m->type == MEMBER_CODE, m->codes != NULL, "%s", m->name);
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
    static const char *const closed[] = {"case_number", "mapping",     "narrative",   "officer",
                                         "place",       "source_code", "source_text", "time"};
    static const enum member_type never_open[] = {MEMBER_TEXT, MEMBER_TIME};
    size_t count;
    size_t found = 0;
    const struct kind *kinds = kind_all(&count);
    for (size_t i = 0; i < count; i++) {
        /* The times of these two are those of machines. */
        bool of_machines = kinds[i].id == KIND_NODE_SILENT || kinds[i].id == KIND_STAMP_UNCONFIRMED;
        for (size_t j = 0; j < kinds[i].member_count; j++) {
            const struct kind_member *m = &kinds[i].members[j];
            bool expected = false;
            for (size_t k = 0; k < sizeof closed / sizeof closed[0]; k++) {
                expected = expected || strcmp(m->name, closed[k]) == 0;
            }
            found += expected;
            cr_expect_eq(m->visibility == VISIBLE_CLOSED, expected, "%s.%s", kinds[i].name,
                         m->name);
            for (size_t k = 0; k < sizeof never_open / sizeof never_open[0]; k++) {
                cr_expect(expected || m->type != never_open[k] ||
                              (of_machines && m->type == MEMBER_TIME),
                          "%s", m->name);
            }
        }
    }
    cr_expect_eq(found, 29);
}

Test(kind, registry_rows_are_all_open_and_signed_by_those_above) {
    static const struct {
        const char *name;
        uint32_t roles;
        bool threshold;
    } rows[] = {
        {"log.opened", ROLE_OPERATOR, true},
        {"log.policy", ROLE_ROOT, true},
        {"log.succeeded", ROLE_ROOT, true},
        {"key.enrolled", ROLE_ROOT | ROLE_AGENCY, false},
        {"key.revoked", ROLE_ROOT | ROLE_AGENCY, false},
    };
    size_t count;
    size_t thresholds = 0;
    const struct kind *kinds = kind_all(&count);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct kind *kind = kind_find(rows[i].name, strlen(rows[i].name));
        cr_assert_not_null(kind);
        cr_expect_eq(kind->roles, rows[i].roles);
        cr_expect_eq(kind->roots_threshold, rows[i].threshold);
        cr_expect_not(kind->has_ori);
        cr_expect_not(kind_has_closed(kind));
    }
    for (size_t i = 0; i < count; i++) {
        const struct kind_member *ori = kind_member_find(&kinds[i], "ori", 3);
        thresholds += kinds[i].roots_threshold;
        cr_expect_eq(kinds[i].has_ori, ori != NULL && ori->required, "%s", kinds[i].name);
        /* Nobody signs for a case without a scope, and no operator does. */
        cr_expect(!kinds[i].has_ori || (kinds[i].roles & (ROLE_ROOT | ROLE_OPERATOR)) == 0);
    }
    cr_expect_eq(thresholds, 3);
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
    for (uint32_t role = ROLE_ROOT; role <= ROLE_POST; role <<= 1) {
        const char *name = role_name(role);
        cr_assert_not_null(name);
        cr_expect_eq(role_find(name, strlen(name)), role);
    }
    cr_expect_null(role_name(0));
    cr_expect_null(role_name(ROLE_ROOT | ROLE_CLERK));
    cr_expect_null(role_name(ROLE_POST << 1));
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
