/* Standing, rule by rule (specs/standing.md): short stories of what is said, by whom, about what.
 * Each is told in the order of events, a second apart; whole cases made by chance are compared with
 * another implementation by tests/check/standing.py. */
#include "tests/lib/told.h"

#include <criterion/criterion.h>

/* --- the order, duplicates --- */

Test(standing, orders_by_time_then_origin_then_index) {
    struct standing_event a = {.confirmed_ms = 5, .origin = bytes_text("a"), .index = 9};
    struct standing_event later = {.confirmed_ms = 6, .origin = bytes_text("a"), .index = 1};
    struct standing_event other = {.confirmed_ms = 5, .origin = bytes_text("b"), .index = 1};
    struct standing_event next = {.confirmed_ms = 5, .origin = bytes_text("a"), .index = 10};
    cr_assert_lt(standing_compare(&a, &later), 0);
    cr_assert_lt(standing_compare(&a, &other), 0);
    cr_assert_lt(standing_compare(&a, &next), 0);
    cr_assert_lt(standing_compare(&other, &later), 0);
    cr_assert_gt(standing_compare(&next, &a), 0);
    cr_assert_eq(standing_compare(&a, &a), 0);
}

Test(standing, counts_one_fact_in_two_logs_once) {
    TELL({.who = DESK, .kind = "failure.alleged", .fact = 7, .body = true},
         {.who = DESK_2, .kind = "failure.alleged", .fact = 7, .body = true, .log = 1},
         {.who = DESK,
          .kind = "failure.alleged",
          .fact = 7,
          .body = true}); /* in one log: two statements */
    IN_FORCE(0);
    IS(1, DUPLICATE, ALIKE, 0);
    IN_FORCE(2);
    TELL({.who = DESK, .kind = "failure.alleged", .fact = 7},
         {.who = DESK, .kind = "failure.alleged", .fact = 7});
    IS(1, DUPLICATE, ALIKE, 0);
}

Test(standing, leaves_out_what_an_event_names_between_logs_only) {
    TELL(ALLEGED, FOUND, {.who = DESK, .kind = "discipline.imposed", .fact = 3, .about = 2},
         {.who = DESK, .kind = "discipline.imposed", .fact = 3, .log = 1},
         {.who = DESK, .kind = "discipline.imposed", .fact = 3});
    IS(3, DUPLICATE, ALIKE, 2);
    IS(2, SUPERSEDED, REPLACED, 4);
    TELL(ALLEGED, {.who = DESK, .kind = "response.appended", .fact = 3, .about = 1},
         {.who = DESK, .kind = "response.appended", .fact = 3, .log = 1},
         {.who = DESK, .kind = "response.appended", .fact = 3, .about = 1, .log = 2});
    IN_FORCE(2); /* a response names what it is about, or it is another */
    IS(3, DUPLICATE, ALIKE, 1);
}

/* What does not count is no fact that others repeat: what a stolen key signed can be signed anew.
 */
Test(standing, takes_nothing_for_a_duplicate_of_what_does_not_count) {
    TELL({.who = DESK, .kind = "finding.final", .fact = 7}, ALLEGED,
         {.who = DESK, .kind = "finding.final", .fact = 7});
    IS(0, OUT_OF_ORDER, EARLY, NONE);
    IN_FORCE(2);
}

/* --- out of order --- */

Test(standing, asks_for_what_comes_before_of_the_same_subject) {
    TELL({.who = DESK, .kind = "discipline.imposed"}, ALLEGED, FOUND,
         {.who = DESK, .kind = "finding.final", .subject = 2},
         {.who = DESK, .kind = "finding.final", .subject = 2, .imported = true}, IMPOSED);
    IS(0, OUT_OF_ORDER, EARLY, NONE);
    IN_FORCE(2);
    IS(3, OUT_OF_ORDER, EARLY, NONE);
    IN_FORCE(4); /* imports may lack what came before */
    IN_FORCE(5);
    cr_assert_eq(told.c.subject_count, 2);
    cr_assert_eq(told.subjects[0].named[SLOT_FINDING], 2);
    cr_assert_eq(told.subjects[0].named[SLOT_DISCIPLINE], 5);
    cr_assert_eq(told.subjects[1].named[SLOT_FINDING], 4);
}

/* --- keys --- */

static void revoke(size_t event, uint64_t confirmed_ms, bool compromised, uint64_t since_ms) {
    told_revoke(event, &(struct standing_revocation){.confirmed_ms = confirmed_ms,
                                                     .compromised = compromised,
                                                     .by_root = true,
                                                     .since_ms = since_ms});
}

Test(standing, doubts_what_a_stolen_key_signed_since) {
    TELL(ALLEGED, FOUND);
    revoke(1, 9000, true, 2001); /* stolen after it was signed */
    IN_FORCE(1);
    revoke(1, 9000, true, 2000);
    IS(1, DOUBTED, COMPROMISED, 1);
    cr_assert_eq(told.subjects[0].named[SLOT_FINDING], NONE);
    TELL(ALLEGED, FOUND);
    revoke(1, 9000, true, 0);
    IS(1, DOUBTED, COMPROMISED, 0);
}

Test(standing, takes_authority_from_the_revocation_on) {
    TELL(ALLEGED, FOUND);
    revoke(1, 2000, false, 0); /* at the same time, in a log whose origin comes after */
    IN_FORCE(1);
    revoke(1, 1999, false, 0);
    IS(1, WITHOUT_AUTHORITY, REVOKED, 1);
}

Test(standing, leaves_another_agencys_cases_alone) {
    TELL(ALLEGED, FOUND, {.who = DESK, .kind = "correction", .about = 2, .other_ori = true});
    IS(2, WITHOUT_AUTHORITY, OTHER_ORI, NONE);
    IN_FORCE(1);
}

/* --- what decides --- */

Test(standing, replaces_a_decision_by_the_later_one_and_no_recommendation) {
    TELL(ALLEGED, {.who = BOARD, .kind = "finding.recommended", .authority = "board"}, FOUND, FOUND,
         {.who = BOARD, .kind = "finding.recommended", .authority = "board"},
         {.who = BOARD, .kind = "discipline.recommended", .authority = "board"}, IMPOSED, IMPOSED,
         {.who = POST, .kind = "decertification.ordered"},
         {.who = POST, .kind = "decertification.ordered"});
    IN_FORCE(1);
    IS(2, SUPERSEDED, REPLACED, 3);
    IN_FORCE(3);
    IN_FORCE(4);
    IS(6, SUPERSEDED, REPLACED, 7);
    IS(8, SUPERSEDED, REPLACED, 9);
    cr_assert(!told.results[1].last_recommended && told.results[4].last_recommended);
    cr_assert(told.results[5].last_recommended);
    cr_assert_eq(told.subjects[0].named[SLOT_CERTIFICATE], 9);
}

Test(standing, lets_no_lower_rank_undo_a_higher_one) {
    TELL(ALLEGED, {.who = COURT, .kind = "finding.final"}, {.who = POST, .kind = "finding.final"},
         FOUND, {.who = POST, .kind = "decertification.ordered"},
         {.who = DESK, .kind = "decertification.ordered"},
         {.who = DESK, .kind = "finding.reversed", .about = 2},
         {.who = COURT, .kind = "discipline.imposed"}, IMPOSED);
    IN_FORCE(1);
    IS(2, WITHOUT_AUTHORITY, RANK, 1);
    IS(3, WITHOUT_AUTHORITY, RANK, 1);
    IS(5, WITHOUT_AUTHORITY, RANK, 4);
    IS(6, WITHOUT_AUTHORITY, RANK, 1);
    IS(8, WITHOUT_AUTHORITY, RANK, 7);
}

Test(standing, reverses_a_finding_with_its_discipline) {
    TELL(ALLEGED, FOUND, IMPOSED, {.who = BOARD, .kind = "finding.reversed", .about = 2}, IMPOSED);
    IS(1, SUPERSEDED, REVERSED, 3);
    IS(2, SUPERSEDED, REVERSED, 3);
    cr_assert_eq(told.subjects[0].named[SLOT_FINDING], 3);
    IS(4, WITHOUT_AUTHORITY, STRANGER, 3); /* the board left no discipline */
    TELL(ALLEGED, FOUND, IMPOSED, REVERSES(DESK_2, 2), IMPOSED);
    IS(2, SUPERSEDED, REVERSED, 3);
    IN_FORCE(4); /* its own house emptied the slot */
    TELL(ALLEGED, FOUND, FOUND,
         {.who = DESK, .kind = "finding.reversed", .about = 2}); /* in force no more */
    IN_FORCE(2);
    cr_assert_eq(told.subjects[0].named[SLOT_FINDING], 2);
    TELL(ALLEGED, FOUND,
         {.who = DESK, .kind = "finding.reversed", .about = 2, .subject = 2, .imported = true});
    IN_FORCE(1); /* another subject's */
}

Test(standing, defends_a_courts_reversal_from_a_new_finding_below) {
    TELL(ALLEGED, FOUND, {.who = COURT, .kind = "finding.reversed", .about = 2}, FOUND,
         {.who = COURT, .kind = "finding.final"});
    IS(3, WITHOUT_AUTHORITY, RANK, 2);
    IS(2, SUPERSEDED, REPLACED, 4);
    cr_assert_eq(told.subjects[0].named[SLOT_FINDING], 4);
}

/* --- appeals --- */

#define DECIDED(o)                                                                                 \
    { COURT, "appeal.decided", .about = 4, .outcome = OUTCOME_##o }

Test(standing, reverses_what_was_appealed_against) {
    TELL(ALLEGED, FOUND, IMPOSED, {.who = DESK, .kind = "appeal.filed", .about = 2},
         DECIDED(REVERSES));
    IS(1, SUPERSEDED, REVERSED, 4);
    IS(2, SUPERSEDED, REVERSED, 4);
    cr_assert_eq(told.subjects[0].named[SLOT_FINDING], 4);
    cr_assert_eq(told.subjects[0].named[SLOT_DISCIPLINE], NONE);
    TELL(ALLEGED, FOUND, IMPOSED, {.who = DESK, .kind = "appeal.filed", .about = 3},
         DECIDED(REVERSES));
    IN_FORCE(1);
    IS(2, SUPERSEDED, REVERSED, 4);
    TELL(ALLEGED, FOUND, {.who = POST, .kind = "decertification.ordered"},
         {.who = DESK, .kind = "appeal.filed", .about = 3}, DECIDED(REVERSES));
    IS(2, SUPERSEDED, REVERSED, 4);
    cr_assert_eq(told.subjects[0].named[SLOT_CERTIFICATE], NONE);
}

Test(standing, changes_discipline_on_appeal) {
    TELL(ALLEGED, FOUND, IMPOSED, {.who = DESK, .kind = "appeal.filed", .about = 2},
         {.who = COURT,
          .kind = "appeal.decided",
          .about = 4,
          .outcome = OUTCOME_CHANGES,
          .discipline = true},
         {.who = DESK, .kind = "discipline.served"});
    IN_FORCE(1);
    IS(2, SUPERSEDED, CHANGED, 4);
    cr_assert_eq(told.subjects[0].named[SLOT_DISCIPLINE], 4);
    cr_assert_eq(told.results[4].served, 5);
    TELL(ALLEGED, FOUND, IMPOSED, {.who = DESK, .kind = "appeal.filed", .about = 2},
         {.who = COURT, .kind = "appeal.decided", .about = 4, .discipline = true}); /* upheld */
    IN_FORCE(2);
    cr_assert_eq(told.subjects[0].named[SLOT_DISCIPLINE], 2);
}

Test(standing, keeps_appeals_open_until_they_are_decided) {
    TELL(ALLEGED, {.who = COURT, .kind = "finding.final"}, IMPOSED,
         {.who = DESK, .kind = "appeal.filed"}, DECIDES(DESK, 4, REVERSES));
    cr_assert_eq(told.results[3].contested, 1);
    IS(4, WITHOUT_AUTHORITY, RANK, 1);
    cr_assert(told.results[3].open_appeal);
    TELL(ALLEGED, FOUND, {.who = DESK, .kind = "appeal.filed"},
         {.who = DESK, .kind = "appeal.filed", .about = 2}, DECIDES(DESK, 4, STANDS));
    cr_assert(told.results[2].open_appeal && !told.results[3].open_appeal);
}

Test(standing, gives_back_what_a_reversal_took_that_is_reversed) {
    TELL(ALLEGED, FOUND, IMPOSED, {.who = BOARD, .kind = "finding.reversed", .about = 2},
         {.who = DESK, .kind = "appeal.filed", .about = 4},
         {.who = COURT, .kind = "appeal.decided", .about = 5, .outcome = OUTCOME_REVERSES});
    IS(3, SUPERSEDED, REVERSED, 5);
    IN_FORCE(1);
    IN_FORCE(2);
    cr_assert(told.subjects[0].named[SLOT_FINDING] == 1 &&
              told.subjects[0].named[SLOT_DISCIPLINE] == 2);
    /* Likewise the decision of an appeal, on a further one. */
    TELL(ALLEGED, FOUND, IMPOSED, {.who = DESK, .kind = "appeal.filed", .about = 2},
         {.who = BOARD, .kind = "appeal.decided", .about = 4, .outcome = OUTCOME_REVERSES},
         {.who = DESK, .kind = "appeal.filed"},
         {.who = COURT, .kind = "appeal.decided", .about = 6, .outcome = OUTCOME_REVERSES});
    IS(4, SUPERSEDED, REVERSED, 6);
    cr_assert(told.subjects[0].named[SLOT_FINDING] == 1 &&
              told.subjects[0].named[SLOT_DISCIPLINE] == 2);
}

/* What names a duplicate names what that repeats; what names nothing in force undoes nothing. */
Test(standing, follows_a_duplicate_and_leaves_alone_what_is_past) {
    TELL(ALLEGED, {.who = DESK, .kind = "finding.final", .fact = 7},
         {.who = BOARD, .kind = "finding.final", .fact = 7, .log = 1},
         {.who = BOARD, .kind = "finding.reversed", .about = 3, .log = 1});
    IS(1, SUPERSEDED, REVERSED, 3);
    IS(2, DUPLICATE, ALIKE, 1);
    TELL(ALLEGED, FOUND, IMPOSED, {.who = DESK, .kind = "appeal.filed", .about = 3}, IMPOSED,
         {.who = COURT, .kind = "appeal.decided", .about = 4, .outcome = OUTCOME_CHANGES});
    IN_FORCE(4); /* it was about the discipline before */
    TELL(ALLEGED, FOUND, {.who = BOARD, .kind = "finding.reversed", .about = 2},
         {.who = COURT, .kind = "finding.reversed", .about = 3});
    IN_FORCE(2); /* only a finding.final is reversed so */
}

Test(standing, asks_for_the_rank_of_all_that_it_would_undo) {
    TELL(ALLEGED, FOUND, {.who = COURT, .kind = "discipline.imposed"},
         {.who = DESK, .kind = "finding.reversed", .about = 2});
    IS(3, WITHOUT_AUTHORITY, RANK, 2);
    IN_FORCE(1);
}

Test(standing, contests_what_was_upheld_once_more) {
    TELL(ALLEGED, FOUND, {.who = DESK, .kind = "appeal.filed", .about = 2},
         {.who = BOARD, .kind = "appeal.decided", .about = 3},
         {.who = DESK, .kind = "appeal.filed", .about = 4},
         {.who = COURT, .kind = "appeal.decided", .about = 5, .outcome = OUTCOME_REVERSES});
    cr_assert_eq(told.results[4].contested, 1);
    IS(1, SUPERSEDED, REVERSED, 5);
    IN_FORCE(3);
}

/* --- corrections --- */

Test(standing, corrects_by_the_same_house_or_from_above) {
    static const struct {
        enum told_who signer, corrector;
        enum standing standing;
        enum standing_why why;
    } pairs[] = {
        {DESK, DESK, STANDING_IN_FORCE, WHY_NOTHING},
        {DESK, DESK_2, STANDING_IN_FORCE, WHY_NOTHING}, /* one key enrolled both */
        {DESK, AGENCY, STANDING_IN_FORCE, WHY_NOTHING},
        {AGENCY, DESK, STANDING_IN_FORCE, WHY_NOTHING},
        {DESK, COURT, STANDING_IN_FORCE, WHY_NOTHING},
        {DESK, POST, STANDING_IN_FORCE, WHY_NOTHING},
        {BOARD, DESK, STANDING_WITHOUT_AUTHORITY, WHY_STRANGER},
        {BOARD, AGENCY, STANDING_WITHOUT_AUTHORITY, WHY_STRANGER}, /* a root enrolled both */
        {AGENCY, BOARD, STANDING_WITHOUT_AUTHORITY, WHY_STRANGER},
        {POST, BOARD, STANDING_WITHOUT_AUTHORITY, WHY_RANK},
        {COURT, POST, STANDING_WITHOUT_AUTHORITY, WHY_RANK},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        const struct told_said story[] = {
            ALLEGED,
            {.who = pairs[i].signer, .kind = "finding.final"},
            {.who = pairs[i].corrector, .kind = "correction", .about = 2}};
        told_tell(story, 3);
        bool holds = pairs[i].standing == STANDING_IN_FORCE;
        told_is(2, pairs[i].standing, pairs[i].why, holds ? NONE : 1, "pair", (int)i);
        told_is(1, holds ? STANDING_SUPERSEDED : STANDING_IN_FORCE,
                holds ? WHY_CORRECTED : WHY_NOTHING, holds ? 2 : NONE, "pair", (int)i);
    }
}

Test(standing, gives_back_what_a_corrected_event_took) {
    TELL(ALLEGED, FOUND, {.who = DESK_2, .kind = "finding.final"},
         {.who = DESK, .kind = "correction", .about = 3});
    IN_FORCE(1);
    IS(2, SUPERSEDED, CORRECTED, 3);
    /* and takes it again, if the correction is itself one */
    TELL(ALLEGED, FOUND, {.who = DESK_2, .kind = "finding.final"},
         {.who = DESK, .kind = "correction", .about = 3},
         {.who = AGENCY, .kind = "correction", .about = 4});
    IS(3, SUPERSEDED, CORRECTED, 4);
    IS(1, SUPERSEDED, REPLACED, 2);
    IN_FORCE(2);
}

Test(standing, lets_what_was_corrected_be_what_came_before) {
    TELL(ALLEGED, {.who = DESK, .kind = "correction", .about = 1}, FOUND);
    IS(0, SUPERSEDED, CORRECTED, 1);
    IN_FORCE(2);
}

/* The discipline was mistyped, and set right only after a reversal: in its place, it is reversed.
 */
Test(standing, puts_a_replacement_in_the_place_of_what_it_replaces) {
    TELL(ALLEGED, FOUND, IMPOSED, REVERSES(DESK_2, 2), IMPOSED,
         {.who = DESK, .kind = "correction", .about = 3, .instead = 5});
    IS(2, SUPERSEDED, CORRECTED, 5);
    IS(4, SUPERSEDED, REVERSED, 3);
    cr_assert_eq(told.subjects[0].named[SLOT_DISCIPLINE], NONE);
    /* Whatever names the one names the other. */
    TELL(ALLEGED, FOUND, {.who = DESK, .kind = "appeal.filed", .about = 2}, FOUND,
         {.who = DESK, .kind = "correction", .about = 2, .instead = 4},
         {.who = COURT, .kind = "appeal.decided", .about = 3, .outcome = OUTCOME_REVERSES});
    IS(3, SUPERSEDED, REVERSED, 5);
    /* It may say the same in the open: what was wrong was closed. */
    TELL(ALLEGED, {.who = DESK, .kind = "finding.final", .fact = 5},
         {.who = DESK, .kind = "finding.final", .fact = 5},
         {.who = DESK, .kind = "correction", .about = 2, .instead = 3});
    IN_FORCE(2);
}

/* So that no circle comes about. */
Test(standing, lets_nothing_stand_in_for_what_came_later) {
    TELL(ALLEGED, FOUND, FOUND, {.who = DESK, .kind = "correction", .about = 2, .instead = 3},
         {.who = DESK, .kind = "correction", .about = 3, .instead = 2});
    IS(1, SUPERSEDED, CORRECTED, 3);
    IS(4, WITHOUT_AUTHORITY, REPLACEMENT, 1);
    IN_FORCE(2);
    SLOTS(2, NONE, NONE);
}

/* --- seals, and all else --- */

Test(standing, seals_what_counts_as_it_did) {
    TELL(ALLEGED, FOUND, {.who = COURT, .kind = "seal.ordered", .about = 2}, IMPOSED, FOUND);
    IS(1, SEALED, SEALED, 2);
    IN_FORCE(3);
    cr_assert_eq(told.results[1].superseded_by, 4);
    cr_assert_eq(told.subjects[0].named[SLOT_FINDING], 4);
    TELL(ALLEGED, FOUND, {.who = COURT, .kind = "seal.ordered", .about = 2},
         {.who = COURT, .kind = "correction", .about = 3});
    IN_FORCE(1);
}

Test(standing, is_about_the_subject_of_what_it_names) {
    TELL({.who = DESK, .kind = "failure.alleged", .subject = 3},
         {.who = DESK, .kind = "response.appended", .about = 1},
         {.who = DESK, .kind = "correction", .about = 2});
    cr_assert_eq(told.results[1].subject, 3);
    cr_assert_eq(told.results[2].subject, 3);
    cr_assert_eq(told.c.subject_count, 1);
}

Test(standing, remembers_whether_discipline_was_served) {
    TELL(ALLEGED, FOUND, IMPOSED, {.who = DESK, .kind = "discipline.served"},
         {.who = DESK, .kind = "discipline.not_served", .about = 3},
         {.who = DESK, .kind = "officer.separated"});
    cr_assert_eq(told.results[2].served, 4);
    cr_assert_eq(told.subjects[0].separation, 5);
    cr_assert_eq(told.subjects[0].first, 0);
}
