/* What an event's key and log, its subject and its party say of it (specs/standing.md#standings),
 * each rule as a story. */
#include "tests/lib/told.h"

#include <criterion/criterion.h>

/* --- keys and logs --- */

static const struct standing_revocation stolen = {.compromised = true};

/* An agency takes back nothing that a quorum held before it called the key stolen. */
Test(standing_keys, take_nothing_back_where_an_enroller_disowns_them) {
    struct standing_revocation r = stolen;
    TELL(ALLEGED, FOUND, IMPOSED);
    r.confirmed_ms = 2500;
    told_revoke(1, &r);
    IN_FORCE(1);
    cr_assert_eq(told.results[1].disowned, 0);
    told_revoke(2, &r); /* and from then on it binds as any */
    IS(2, WITHOUT_AUTHORITY, REVOKED, 1);
    cr_assert_eq(told.results[2].disowned, NONE);
    SLOTS(1, NONE, NONE);
    r.by_root = true; /* a root doubts */
    told_revoke(1, &r);
    IS(1, DOUBTED, COMPROMISED, 2);
    SLOTS(NONE, NONE, NONE);
    TELL(ALLEGED, FOUND);
    r = (struct standing_revocation){.compromised = true, .since_ms = 2001, .confirmed_ms = 9000};
    told_revoke(1, &r);
    cr_assert_eq(told.results[1].disowned, NONE); /* stolen later */
    r.since_ms = 2000;
    told_revoke(1, &r);
    cr_assert_eq(told.results[1].disowned, 1);
}

/* `since` is of the stamp, and the order of the confirmed time. */
Test(standing_keys, are_doubted_by_the_stamp) {
    struct standing_revocation r = {
        .compromised = true, .by_root = true, .confirmed_ms = 9999999, .since_ms = 61000};
    TELL(ALLEGED, {.who = DESK, .kind = "finding.final", .minutes = 2, .held = 1});
    cr_assert_eq(told.events[1].stamp_ms, 61000);
    told_revoke(1, &r);
    IS(1, DOUBTED, COMPROMISED, 0);
    TELL(ALLEGED, {.who = DESK, .kind = "finding.final", .minutes = 2, .held = 1});
    r.since_ms++;
    told_revoke(1, &r);
    IN_FORCE(1);
}

Test(standing_keys, are_revoked_by_the_first) {
    struct standing_revocation r = {.confirmed_ms = 500, .index = 4};
    TELL(ALLEGED, FOUND);
    told_revoke(1, &r);
    r.index = 3;
    told_revoke(1, &r);
    IS(1, WITHOUT_AUTHORITY, REVOKED, 1);
}

Test(standing_keys, settle_by_the_first_rule_that_fits) {
    struct standing_revocation r = {.compromised = true, .by_root = true, .confirmed_ms = 500};
    const struct told_said all = {.who = DESK,
                                  .kind = "event.opened",
                                  .about = 1,
                                  .other_ori = true,
                                  .beyond = true,
                                  .unfitting = true};
    struct told_said story[] = {ALLEGED, all};
    told_tell(story, 2);
    told_revoke(1, &(struct standing_revocation){.confirmed_ms = 500});
    IS(1, WITHOUT_AUTHORITY, REVOKED, 0);
    told_revoke(1, &r);
    IS(1, DOUBTED, COMPROMISED, 1);
    told_tell(story, 2);
    IS(1, WITHOUT_AUTHORITY, OTHER_ORI, NONE);
    story[1].other_ori = false;
    told_tell(story, 2);
    IS(1, WITHOUT_AUTHORITY, BOUNDS, NONE);
    story[1].beyond = false;
    told_tell(story, 2);
    IS(1, WITHOUT_AUTHORITY, FALSE, NONE);
    story[1].unfitting = false;
    told_tell(story, 2);
    IN_FORCE(1);
    TELL(ALLEGED, {.who = DESK, .kind = "finding.final", .subject = 3, .beyond = true});
    IS(1, WITHOUT_AUTHORITY, BOUNDS, NONE);
}

/* --- subjects and parties --- */

Test(standing_keys, let_an_agency_number_its_subjects_one_by_one) {
    TELL({.who = DESK, .kind = "failure.alleged", .subject = 2},
         {.who = DESK, .kind = "failure.alleged"},
         {.who = DESK, .kind = "failure.alleged", .subject = 3},
         {.who = AGENCY, .kind = "failure.alleged", .subject = 2},
         {.who = DESK, .kind = "failure.alleged", .subject = 3});
    IS(0, WITHOUT_AUTHORITY, SUBJECT, NONE); /* and makes no room for 3 */
    IS(2, WITHOUT_AUTHORITY, SUBJECT, NONE);
    IN_FORCE(3);
    IN_FORCE(4);
    TELL({.who = DESK, .kind = "failure.alleged", .subject = 9, .imported = true},
         {.who = DESK, .kind = "failure.alleged", .subject = 10});
    IN_FORCE(0);
    IN_FORCE(1);
    TELL({.who = BOARD, .kind = "failure.alleged", .subject = 5},
         {.who = DESK, .kind = "failure.alleged", .subject = 6});
    IN_FORCE(0); /* others do not hang on how the agency counts */
    IN_FORCE(1);
    TELL({.who = COURT, .kind = "failure.alleged", .subject = 5, .beyond = true},
         {.who = COURT, .kind = "failure.alleged", .subject = 4, .other_ori = true},
         {.who = DESK, .kind = "failure.alleged", .subject = 2});
    IS(2, WITHOUT_AUTHORITY, SUBJECT, NONE); /* what does not count for the case numbers nothing */
}

#define OF_PARTY(whose, whom)                                                                      \
    { .who = whose, .kind = "failure.alleged", .party = whom }

Test(standing_keys, keep_a_subjects_party) {
    TELL(OF_PARTY(DESK, "officer"), OF_PARTY(DESK_2, "supervisor"), OF_PARTY(DESK, "officer"),
         ALLEGED, {.who = DESK, .kind = "failure.alleged", .subject = 2, .party = "agency"});
    IS(1, WITHOUT_AUTHORITY, PARTY, 0);
    IN_FORCE(2);
    IN_FORCE(3); /* says none */
    IN_FORCE(4); /* another subject */
    cr_assert_eq(told.subjects[0].party, 0);
    TELL(OF_PARTY(DESK, "officer"), OF_PARTY(BOARD, "supervisor"), OF_PARTY(DESK, "officer"),
         OF_PARTY(COURT, "agency"), OF_PARTY(BOARD, "supervisor"));
    IN_FORCE(1); /* from above */
    IS(2, WITHOUT_AUTHORITY, PARTY, 1);
    IN_FORCE(3);
    IS(4, WITHOUT_AUTHORITY, PARTY, 3);
    cr_assert_eq(told.subjects[0].party, 3);
    TELL(OF_PARTY(BOARD, "officer"), OF_PARTY(PANEL, "supervisor"), OF_PARTY(BOARD_2, "agency"));
    IN_FORCE(1); /* neither is over the other */
    IS(2, WITHOUT_AUTHORITY, PARTY, 0);
    cr_assert_eq(told.subjects[0].party, 0);
    TELL(OF_PARTY(COURT_KEY, "officer"), OF_PARTY(COURT, "agency"));
    IN_FORCE(1); /* one key: but the one role is over the other */
    TELL(OF_PARTY(DESK, "officer"), CORRECTS(DESK, 1), OF_PARTY(DESK, "supervisor"));
    IN_FORCE(2); /* what is corrected says none */
    cr_assert_eq(told.subjects[0].party, 2);
}

Test(standing_keys, ask_for_the_party_before_the_order) {
    TELL(OF_PARTY(DESK, "officer"), {.who = DESK, .kind = "discipline.imposed", .party = "agency"});
    IS(1, WITHOUT_AUTHORITY, PARTY, 0);
}

/* --- early --- */

Test(standing_keys, of_others_hang_on_nothing_that_the_agency_logged) {
    TELL(FOUND, FINDS(AGENCY), FINDS(BOARD), FINDS(POST), FINDS(COURT));
    IS(0, OUT_OF_ORDER, EARLY, NONE);
    IS(1, OUT_OF_ORDER, EARLY, NONE);
    IS(2, SUPERSEDED, REPLACED, 3);
    IS(3, SUPERSEDED, REPLACED, 4);
    IN_FORCE(4);
    TELL(ALLEGED, FINDS(COURT)); /* of a doubted allegation */
    told_revoke(0, &(struct standing_revocation){
                       .compromised = true, .by_root = true, .confirmed_ms = 9000});
    IS(0, DOUBTED, COMPROMISED, 0);
    IN_FORCE(1);
}

/* Where law closes the kind itself, a closed event may be just what is asked for. */
Test(standing_keys, take_a_closed_event_for_what_came_before) {
    TELL({.who = DESK, .kind = "closed", .body = true}, FOUND);
    IN_FORCE(1);
    TELL({.who = DESK, .kind = "closed", .body = true, .beyond = true}, FOUND);
    IS(1, OUT_OF_ORDER, EARLY, NONE);
    TELL(FOUND, {.who = DESK, .kind = "closed", .body = true});
    IS(0, OUT_OF_ORDER, EARLY, NONE);
}
