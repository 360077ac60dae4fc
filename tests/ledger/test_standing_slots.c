/* What takes the place of what (specs/standing.md#what-takes-the-place-of-what), each rule as a
 * story: what an event sees, what stands beside it, what is emptied, upheld and given back, what an
 * appeal comes to, and what is shown. */
#include "tests/lib/told.h"

#include <criterion/criterion.h>

/* --- aside --- */

/* A clerk's finding that is dated back to just before a court's reversal. */
Test(standing_slots, see_through_what_was_dated_back) {
    TELL(ALLEGED, FOUND, {.who = DESK, .kind = "finding.final", .log = 1}, REVERSES(COURT, 2));
    IS(1, SUPERSEDED, REVERSED, 3);
    IS(2, SUPERSEDED, REVERSED, 3);
    SLOTS(3, NONE, NONE);
    TELL(ALLEGED, FOUND, {.who = DESK, .kind = "finding.final", .log = 1},
         {.who = COURT, .kind = "finding.reversed", .about = 2, .minutes = 61});
    IS(1, SUPERSEDED, REPLACED, 2); /* long before: the reversal misses */
    IN_FORCE(2);
    SLOTS(2, NONE, NONE);
    TELL(ALLEGED, FOUND, FOUND, REVERSES(COURT, 2)); /* in one log nobody dates back */
    IN_FORCE(2);
    SLOTS(2, NONE, NONE);
    TELL(ALLEGED, FOUND, {.who = BOARD, .kind = "finding.final", .log = 1}, REVERSES(POST, 2));
    IS(2, SUPERSEDED, REVERSED, 3); /* a board's as well, to a POST */
}

Test(standing_slots, see_no_further_than_what_is_not_set_aside) {
    TELL(ALLEGED, FOUND, {.who = DESK, .kind = "finding.final", .log = 1}, FINDS(COURT),
         REVERSES(COURT_2, 2));
    IS(2, SUPERSEDED, REPLACED, 3);
    IN_FORCE(3); /* it took the slot since */
    SLOTS(3, NONE, NONE);
}

/* What it set aside has denied nothing. */
Test(standing_slots, see_what_was_denied_by_one_set_aside) {
    TELL({.who = DESK, .kind = "failure.alleged", .log = 1},
         {.who = DESK, .kind = "finding.final", .party = "agency", .log = 1},
         {.who = DESK, .kind = "finding.final", .party = "officer"}, REVERSES(COURT, 3));
    IS(2, WITHOUT_AUTHORITY, PARTY, 1);
    cr_assert(told.results[3].undid);
    SLOTS(3, NONE, NONE);
    TELL(ALLEGED, {.who = DESK, .kind = "finding.final", .fact = 7, .log = 1},
         {.who = DESK, .kind = "finding.final", .fact = 7}, REVERSES(COURT, 3));
    cr_assert(told.results[3].undid); /* though it is a duplicate of a copy dated back */
    SLOTS(3, NONE, NONE);
}

/* What is given back is in force, and what the reversal had set aside does not come back. */
Test(standing_slots, give_back_nothing_that_was_set_aside) {
    TELL(ALLEGED, FOUND, {.who = DESK, .kind = "finding.final", .log = 1}, REVERSES(COURT, 2),
         APPEALS(DESK, 4), DECIDES(COURT_2, 5, REVERSES));
    IN_FORCE(1);
    IS(2, SUPERSEDED, REVERSED, 3);
    IS(3, SUPERSEDED, REVERSED, 5);
    SLOTS(1, NONE, NONE);
}

/* --- beside --- */

Test(standing_slots, leave_a_strangers_decision_beside) {
    TELL(ALLEGED, FINDS(BOARD), {.who = PANEL, .kind = "finding.final", .log = 1});
    IN_FORCE(1);
    IN_FORCE(2);
    SLOTS(1, NONE, NONE);
    BESIDE(FINDING, 2);
    TELL(ALLEGED, FINDS(BOARD), {.who = PANEL, .kind = "finding.final", .log = 1, .minutes = 60});
    BESIDE(FINDING, 2);
    TELL(ALLEGED, FINDS(BOARD), {.who = PANEL, .kind = "finding.final", .log = 1, .minutes = 61});
    IS(2, WITHOUT_AUTHORITY, STRANGER, 1);
    TELL(ALLEGED, FINDS(BOARD), FINDS(PANEL)); /* one log */
    IS(2, WITHOUT_AUTHORITY, STRANGER, 1);
    TELL(ALLEGED, FINDS(COURT), {.who = TRIBUNAL, .kind = "finding.final", .log = 1});
    BESIDE(FINDING, 2);
    TELL(ALLEGED, FINDS(BOARD), {.who = DESK, .kind = "finding.final", .log = 1});
    IS(2, WITHOUT_AUTHORITY, STRANGER, 1); /* a board is over a desk: that is no stranger */
}

Test(standing_slots, replace_ones_own_beside_a_stranger) {
    TELL(ALLEGED, FINDS(BOARD), {.who = PANEL, .kind = "finding.final", .log = 1},
         {.who = BOARD_2, .kind = "finding.final", .minutes = 61});
    IS(1, SUPERSEDED, REPLACED, 3);
    IN_FORCE(2); /* surely before it, and not for its house to undo */
    IN_FORCE(3);
    SLOTS(2, NONE, NONE);
    BESIDE(FINDING, 3);
    TELL(ALLEGED, FINDS(BOARD), {.who = PANEL, .kind = "finding.final", .log = 1}, FINDS(COURT));
    IS(1, SUPERSEDED, REPLACED, 3);
    IS(2, SUPERSEDED, REPLACED, 3);
    BESIDE(FINDING, NONE);
}

/* --- emptied --- */

Test(standing_slots, leave_a_slot_empty_for_those_who_may_fill_it) {
    TELL(ALLEGED, FOUND, IMPOSED, REVERSES(BOARD, 2), IMPOSED,
         {.who = BOARD_2, .kind = "discipline.imposed"}, IMPOSED);
    IS(4, WITHOUT_AUTHORITY, STRANGER, 3);
    IN_FORCE(5);
    IS(6, WITHOUT_AUTHORITY, STRANGER, 5); /* by what is in it, once it is filled */
    SLOTS(3, 5, NONE);
    TELL(ALLEGED, FOUND, IMPOSED, REVERSES(BOARD, 2),
         {.who = PANEL, .kind = "discipline.imposed", .log = 1});
    IN_FORCE(4); /* a stranger within the hour leaves that beside itself, too */
    TELL(ALLEGED, FOUND, IMPOSED, REVERSES(BOARD, 2), {.who = PANEL, .kind = "discipline.imposed"});
    IS(4, WITHOUT_AUTHORITY, STRANGER, 3);
}

Test(standing_slots, empty_nothing_where_nothing_was_taken_out) {
    TELL(ALLEGED, FOUND, REVERSES(BOARD, 2), IMPOSED);
    IN_FORCE(3);
    TELL(ALLEGED, FOUND, IMPOSED,
         {.who = BOARD, .kind = "finding.reversed", .about = 2, .sustains = true}, IMPOSED);
    IS(2, SUPERSEDED, REVERSED, 3);
    IN_FORCE(4); /* the board sustains: the discipline is for the agency to say */
    SLOTS(3, 4, NONE);
}

Test(standing_slots, empty_what_an_appeal_was_won_of) {
    TELL(ALLEGED, FOUND, IMPOSED, APPEALS(DESK, 3), DECIDES(COURT, 4, REVERSES), IMPOSED);
    IS(2, SUPERSEDED, REVERSED, 4);
    IN_FORCE(1);
    IS(5, WITHOUT_AUTHORITY, RANK, 4);
    SLOTS(1, NONE, NONE);
    TELL(ALLEGED, FOUND, {.who = POST, .kind = "decertification.ordered"}, APPEALS(DESK, 3),
         DECIDES(COURT, 4, REVERSES), {.who = POST, .kind = "decertification.ordered"});
    IS(2, SUPERSEDED, REVERSED, 4);
    IS(5, WITHOUT_AUTHORITY, RANK, 4);
    SLOTS(1, NONE, NONE);
    TELL(ALLEGED, FOUND, IMPOSED, APPEALS(DESK, 3), DECIDES(COURT, 4, CHANGES), IMPOSED);
    IS(2, SUPERSEDED, CHANGED, 4); /* with no discipline of its own */
    IS(5, WITHOUT_AUTHORITY, RANK, 4);
    SLOTS(1, NONE, NONE);
}

/* --- reversals --- */

Test(standing_slots, reverse_a_finding_in_its_slot_and_nothing_else) {
    TELL(ALLEGED, FOUND, FOUND, REVERSES(BOARD, 2)); /* not in its slot */
    IN_FORCE(2);
    IN_FORCE(3);
    SLOTS(2, NONE, NONE);
    TELL(ALLEGED, FOUND, IMPOSED, REVERSES(BOARD, 3)); /* no finding */
    IN_FORCE(2);
    SLOTS(1, 2, NONE);
    TELL(ALLEGED, FOUND, {.who = COURT, .kind = "discipline.imposed"}, REVERSES(BOARD, 2));
    IS(3, WITHOUT_AUTHORITY, RANK, 2); /* it would take out the court's, too */
    SLOTS(1, 2, NONE);
}

/* --- upheld --- */

Test(standing_slots, leave_alone_what_a_court_upheld) {
    TELL(ALLEGED, FOUND, APPEALS(DESK, 2), DECIDES(COURT, 3, UPHOLDS), REVERSES(BOARD, 2), FOUND,
         REVERSES(COURT_2, 2));
    IS(4, WITHOUT_AUTHORITY, RANK, 3);
    IS(5, WITHOUT_AUTHORITY, RANK, 3);
    IN_FORCE(6);
    IS(1, SUPERSEDED, REVERSED, 6);
    /* A court that corrects a correction upholds what that was of. */
    TELL(ALLEGED, FOUND, CORRECTS(DESK, 2), CORRECTS(COURT, 3), REVERSES(BOARD, 2));
    IS(2, SUPERSEDED, CORRECTED, 3);
    IS(4, WITHOUT_AUTHORITY, RANK, 3);
    SLOTS(1, NONE, NONE);
}

Test(standing_slots, put_back_what_is_upheld_over_what_was_dated_back) {
    TELL(ALLEGED, FOUND, APPEALS(DESK, 2), {.who = DESK, .kind = "finding.final", .log = 1},
         DECIDES(COURT, 3, UPHOLDS));
    IN_FORCE(1);
    IS(3, SUPERSEDED, REVERSED, 4);
    SLOTS(1, NONE, NONE);
    cr_assert_not(told.results[4].undid);
}

/* --- appeals --- */

Test(standing_slots, contest_what_an_appeal_names_or_what_is_in_force) {
    TELL(ALLEGED, FOUND, IMPOSED, APPEALS(DESK, 3), APPEALS(DESK, 0));
    cr_assert_eq(told.results[3].contested, 2);
    cr_assert_eq(told.results[4].contested, 1);
    TELL(ALLEGED, {.who = BOARD, .kind = "discipline.imposed"}, APPEALS(DESK, 0));
    cr_assert_eq(told.results[2].contested, 1); /* or else the discipline */
}

/* Who filed it, and takes it back, does not keep a court from deciding. */
Test(standing_slots, decide_an_appeal_that_was_corrected) {
    TELL(ALLEGED, FOUND, APPEALS(DESK, 2), CORRECTS(DESK, 3), DECIDES(COURT, 3, REVERSES));
    IS(2, SUPERSEDED, CORRECTED, 3);
    IS(1, SUPERSEDED, REVERSED, 4);
    SLOTS(4, NONE, NONE);
}

Test(standing_slots, decide_nothing_that_names_no_appeal) {
    TELL(ALLEGED, FOUND, APPEALS(DESK, 2), DECIDES(COURT, 2, REVERSES));
    IN_FORCE(3);
    IN_FORCE(1);
    cr_assert(told.results[2].open_appeal);
    TELL(ALLEGED, FOUND, APPEALS(DESK, 2), DECIDES(COURT, 0, REVERSES));
    IN_FORCE(1);
    cr_assert(told.results[2].open_appeal);
    TELL(ALLEGED, FOUND, {.who = DESK, .kind = "appeal.filed", .about = 2, .beyond = true},
         DECIDES(COURT, 3, REVERSES)); /* it took no effect */
    IN_FORCE(1);
    TELL({.who = DESK, .kind = "failure.alleged", .party = "officer"}, FOUND,
         {.who = DESK, .kind = "appeal.filed", .about = 2, .party = "agency"},
         DECIDES(COURT, 3, REVERSES)); /* nor did this */
    IS(2, WITHOUT_AUTHORITY, PARTY, 0);
    IN_FORCE(1);
}

Test(standing_slots, close_an_appeal_only_by_who_may_undo_what_it_contests) {
    TELL(ALLEGED, FINDS(COURT), APPEALS(DESK, 2), DECIDES(BOARD, 3, STANDS));
    IS(3, WITHOUT_AUTHORITY, RANK, 1);
    cr_assert(told.results[2].open_appeal);
    TELL(ALLEGED, FINDS(COURT), APPEALS(DESK, 2), DECIDES(COURT_2, 3, STANDS));
    IN_FORCE(1);
    cr_assert_not(told.results[2].open_appeal);
}

Test(standing_slots, change_discipline_and_no_certificate) {
    TELL(ALLEGED, FOUND, IMPOSED, {.who = POST, .kind = "decertification.ordered"},
         APPEALS(DESK, 4), DECIDES(COURT, 5, CHANGES));
    IN_FORCE(2);
    IN_FORCE(3);
    SLOTS(1, 2, 3);
    cr_assert_not(told.results[4].open_appeal);
    /* Replaced, the decision goes on being one. */
    TELL(ALLEGED, FOUND, IMPOSED, APPEALS(DESK, 3),
         {.who = COURT,
          .kind = "appeal.decided",
          .about = 4,
          .outcome = OUTCOME_CHANGES,
          .discipline = true},
         {.who = COURT, .kind = "discipline.imposed"});
    IN_FORCE(4);
    SLOTS(1, 5, NONE);
}

/* --- given back --- */

#define REVERSED_AND_APPEALED ALLEGED, FOUND, IMPOSED, REVERSES(BOARD, 2), APPEALS(DESK, 4)

Test(standing_slots, uphold_what_they_give_back) {
    TELL(REVERSED_AND_APPEALED, DECIDES(COURT, 5, REVERSES), REVERSES(BOARD, 2), FOUND);
    IN_FORCE(1);
    IN_FORCE(2);
    IS(3, SUPERSEDED, REVERSED, 5);
    IS(6, WITHOUT_AUTHORITY, RANK, 5);
    IS(7, WITHOUT_AUTHORITY, RANK, 5);
    SLOTS(1, 2, NONE);
}

Test(standing_slots, give_discipline_back_unless_there_is_another) {
    TELL(ALLEGED, FOUND, IMPOSED, REVERSES(BOARD, 2), {.who = BOARD, .kind = "discipline.imposed"},
         APPEALS(DESK, 4), DECIDES(COURT, 6, REVERSES));
    IN_FORCE(1);
    IS(2, SUPERSEDED, REVERSED, 3);
    IN_FORCE(4);
    SLOTS(1, 4, NONE);
    TELL(REVERSED_AND_APPEALED, {.who = COURT,
                                 .kind = "appeal.decided",
                                 .about = 5,
                                 .outcome = OUTCOME_REVERSES,
                                 .discipline = true});
    IN_FORCE(1);
    IS(2, SUPERSEDED, REVERSED, 3);
    SLOTS(1, 5, NONE);
}

Test(standing_slots, take_back_what_a_reversed_decision_gave_back) {
    TELL(REVERSED_AND_APPEALED, DECIDES(POST, 5, REVERSES), APPEALS(DESK, 6),
         DECIDES(COURT, 7, REVERSES), IMPOSED);
    IN_FORCE(3); /* the board's reversal is back, */
    IS(1, SUPERSEDED, REVERSED, 7);
    IS(2, SUPERSEDED, REVERSED, 7);
    IS(5, SUPERSEDED, REVERSED, 7);
    IS(8, WITHOUT_AUTHORITY, STRANGER, 3); /* and empties the discipline again */
    SLOTS(3, NONE, NONE);
}

Test(standing_slots, give_back_no_finding_where_another_was_made) {
    TELL(REVERSED_AND_APPEALED, FINDS(BOARD), DECIDES(COURT, 5, REVERSES));
    IS(1, SUPERSEDED, REVERSED, 3);
    IN_FORCE(5);
    SLOTS(5, NONE, NONE);
    /* The decision of an appeal goes on being one, and is reversed: what it took out stays out. */
    TELL(ALLEGED, FOUND, APPEALS(DESK, 2), DECIDES(BOARD, 3, REVERSES), FINDS(BOARD),
         APPEALS(DESK, 4), DECIDES(COURT, 6, REVERSES));
    IS(3, SUPERSEDED, REVERSED, 6);
    IS(1, SUPERSEDED, REVERSED, 3);
    IN_FORCE(4);
    SLOTS(4, NONE, NONE);
}

/* --- stolen keys --- */

/* Nobody takes a court's reversal away by taking back the key of what it reversed. */
Test(standing_slots, keep_what_a_court_did_to_a_stolen_keys_event) {
    const struct standing_revocation stolen = {
        .compromised = true, .by_root = true, .confirmed_ms = 90000};
    const struct standing_revocation revoked = {.confirmed_ms = 500};
    TELL(ALLEGED, FOUND, REVERSES(COURT, 2));
    told_revoke(1, &stolen);
    IS(1, DOUBTED, COMPROMISED, 0);
    cr_assert(told.results[2].undid);
    SLOTS(2, NONE, NONE);
    TELL(ALLEGED, FOUND, REVERSES(COURT, 2));
    told_revoke(1, &revoked);
    IS(1, WITHOUT_AUTHORITY, REVOKED, 0);
    SLOTS(2, NONE, NONE);
    TELL(ALLEGED, FOUND, REVERSES(DESK_2, 2)); /* to its own house it is none */
    told_revoke(1, &stolen);
    cr_assert_not(told.results[2].undid);
    TELL(ALLEGED, FOUND, APPEALS(DESK_2, 2), DECIDES(COURT, 3, REVERSES));
    told_revoke(2, &stolen);
    IS(1, SUPERSEDED, REVERSED, 3);
    SLOTS(3, NONE, NONE);
    TELL(ALLEGED, FOUND, APPEALS(BOARD, 2), DECIDES(BOARD_2, 3, REVERSES));
    told_revoke(2, &stolen);
    IN_FORCE(1); /* to its own house the appeal is none */
    TELL(ALLEGED, FOUND, REVERSES(COURT, 2), APPEALS(COURT, 3), DECIDES(COURT_2, 4, REVERSES));
    told_revoke(1, &stolen);
    IS(1, DOUBTED, COMPROMISED, 0); /* it does not come back */
    SLOTS(NONE, NONE, NONE);
}

/* --- twins from above --- */

#define SAME_REVERSAL(whose)                                                                       \
    { .who = whose, .kind = "finding.reversed", .about = 2, .fact = 8 }
#define SAME_DECISION(whose, how, own)                                                             \
    {                                                                                              \
        .who = whose, .kind = "appeal.decided", .about = 3, .fact = 8, .outcome = OUTCOME_##how,   \
        .discipline = own                                                                          \
    }

Test(standing_slots, are_a_higher_twins_though_it_does_nothing_more) {
    TELL(ALLEGED, FOUND, IMPOSED, SAME_REVERSAL(DESK), FINDS(BOARD), SAME_REVERSAL(COURT),
         {.who = BOARD, .kind = "discipline.imposed"});
    IS(1, SUPERSEDED, REVERSED, 5);
    IS(2, SUPERSEDED, REVERSED, 5);
    IS(3, DUPLICATE, ALIKE, 5);
    IS(6, WITHOUT_AUTHORITY, RANK, 5); /* it is the court's that emptied the slot */
    cr_assert(told.results[5].undid);
    SLOTS(4, NONE, NONE);
    TELL(ALLEGED, FOUND, APPEALS(DESK, 2), SAME_DECISION(DESK, REVERSES, true), FINDS(BOARD),
         SAME_DECISION(COURT, REVERSES, true));
    IS(3, DUPLICATE, ALIKE, 5);
    SLOTS(4, 5, NONE);
    TELL(ALLEGED, FINDS(BOARD), APPEALS(DESK, 2), SAME_DECISION(BOARD, UPHOLDS, false),
         FINDS(BOARD_2), SAME_DECISION(COURT, UPHOLDS, false));
    cr_assert_eq(told.results[1].upheld_by, 5);
}

Test(standing_slots, are_acted_on_again_by_a_higher_twin) {
    TELL(ALLEGED, FOUND, IMPOSED, SAME_REVERSAL(DESK), IMPOSED, SAME_REVERSAL(COURT));
    IS(4, SUPERSEDED, REVERSED, 5); /* imposed since */
    SLOTS(5, NONE, NONE);
}

/* --- what is shown --- */

Test(standing_slots, show_what_was_served_as_the_higher_says) {
    TELL(ALLEGED, FOUND, IMPOSED, {.who = BOARD, .kind = "discipline.not_served", .about = 3},
         {.who = DESK, .kind = "discipline.served", .about = 3});
    cr_assert_eq(told.results[2].served, 3);
    TELL(ALLEGED, FOUND, IMPOSED, {.who = DESK, .kind = "discipline.served"},
         {.who = COURT, .kind = "discipline.not_served"});
    cr_assert_eq(told.results[2].served, 4);
    IN_FORCE(3);
}

Test(standing_slots, show_what_each_authority_recommends) {
    TELL(ALLEGED, {.who = POST, .kind = "finding.recommended", .authority = "state"},
         {.who = DESK, .kind = "finding.recommended", .authority = "state"},
         {.who = DESK, .kind = "finding.recommended", .authority = "chief"},
         {.who = DESK_2, .kind = "finding.recommended", .authority = "chief"});
    cr_assert(told.results[1].last_recommended && told.results[2].last_recommended);
    cr_assert(!told.results[3].last_recommended && told.results[4].last_recommended);
    for (size_t i = 1; i <= 4; i++) {
        IN_FORCE(i);
    }
}

Test(standing_slots, show_the_separation_that_the_higher_says) {
    TELL(ALLEGED, {.who = POST, .kind = "officer.separated"},
         {.who = DESK, .kind = "officer.separated"});
    cr_assert_eq(told.subjects[0].separation, 1);
    IN_FORCE(2);
    TELL(ALLEGED, {.who = DESK, .kind = "officer.separated"},
         {.who = DESK_2, .kind = "officer.separated"});
    cr_assert_eq(told.subjects[0].separation, 2);
}

Test(standing_slots, keep_subjects_apart) {
    TELL(ALLEGED, {.who = DESK, .kind = "failure.alleged", .subject = 2}, FINDS(COURT),
         {.who = DESK, .kind = "finding.final", .subject = 2},
         {.who = DESK, .kind = "finding.reversed", .about = 3, .subject = 2});
    IN_FORCE(2);
    IN_FORCE(3);
    cr_assert_eq(told.subjects[0].named[SLOT_FINDING], 2);
    cr_assert_eq(told.subjects[1].named[SLOT_FINDING], 3);
    TELL(ALLEGED, FOUND, IMPOSED,
         {.who = BOARD, .kind = "discipline.not_served", .about = 3, .subject = 2});
    cr_assert_eq(told.results[2].served, NONE);
}
