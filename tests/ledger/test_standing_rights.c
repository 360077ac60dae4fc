/* Who may what (specs/standing.md): houses and ranks, which corrections hold, which fact is said by
 * whom. Each rule has a story; those of keys, subjects and parties are in test_standing_keys.c,
 * those of slots in test_standing_slots.c. */
#include "tests/lib/told.h"

#include <criterion/criterion.h>

#define SAYS(whose, what, same, where)                                                             \
    { .who = whose, .kind = what, .fact = same, .log = where }
#define STANDS_IN(whose, which, other)                                                             \
    { .who = whose, .kind = "correction", .about = which, .instead = other }

/* --- houses and ranks --- */

/* May `by` correct a finding of `of`, and may its own finding take that one's place? */
struct pair {
    enum told_who by;
    int by_log;
    enum told_who of;
    int of_log;
    enum standing_why correct;
    enum standing_why undo;
};

static void check_pair(const struct pair *p, int number) {
    const struct told_said correction[] = {
        ALLEGED,
        {.who = p->of, .kind = "finding.final", .log = p->of_log, .imported = true},
        {.who = p->by, .kind = "correction", .about = 2, .log = p->by_log, .minutes = 61}};
    const struct told_said finding[] = {
        ALLEGED,
        {.who = p->of, .kind = "finding.final", .log = p->of_log, .imported = true},
        {.who = p->by, .kind = "finding.final", .log = p->by_log, .minutes = 61, .imported = true}};
    bool corrects = p->correct == WHY_NOTHING;
    bool undoes = p->undo == WHY_NOTHING;
    told_tell(correction, 3);
    told_is(2, corrects ? STANDING_IN_FORCE : STANDING_WITHOUT_AUTHORITY, p->correct,
            corrects ? NONE : 1, "correcting pair", number);
    told_is(1, corrects ? STANDING_SUPERSEDED : STANDING_IN_FORCE,
            corrects ? WHY_CORRECTED : WHY_NOTHING, corrects ? 2 : NONE, "corrected pair", number);
    told_tell(finding, 3);
    told_is(2, undoes ? STANDING_IN_FORCE : STANDING_WITHOUT_AUTHORITY, p->undo, undoes ? NONE : 1,
            "replacing pair", number);
    told_is(1, undoes ? STANDING_SUPERSEDED : STANDING_IN_FORCE,
            undoes ? WHY_REPLACED : WHY_NOTHING, undoes ? 2 : NONE, "replaced pair", number);
}

Test(standing_rights, are_of_ranks_and_houses) {
    static const struct pair pairs[] = {
        {DESK, 0, DESK_2, 0, WHY_NOTHING, WHY_NOTHING},
        {DESK, 3, AGENCY, 0, WHY_NOTHING, WHY_NOTHING}, /* in whatever log */
        {DESK, 0, BOARD, 0, WHY_STRANGER, WHY_STRANGER},
        {AGENCY, 0, BOARD, 0, WHY_STRANGER, WHY_STRANGER},
        {BOARD, 0, DESK, 0, WHY_STRANGER, WHY_NOTHING}, /* over it, of the same rank */
        {BOARD, 0, AGENCY, 0, WHY_STRANGER, WHY_NOTHING},
        {BOARD_2, 1, BOARD, 0, WHY_NOTHING, WHY_NOTHING},
        {PANEL, 1, BOARD, 0, WHY_STRANGER, WHY_STRANGER}, /* two boards */
        {ALIAS, 1, BOARD, 0, WHY_NOTHING, WHY_NOTHING},   /* one key, two names */
        {ALIAS, 0, BOARD_2, 0, WHY_STRANGER, WHY_STRANGER},
        {POST, 0, BOARD, 0, WHY_NOTHING, WHY_NOTHING},
        {BOARD, 0, POST, 0, WHY_RANK, WHY_RANK},
        {DESK, 0, POST, 0, WHY_RANK, WHY_RANK},
        {POST_2, 0, POST, 1, WHY_NOTHING, WHY_NOTHING},
        {POST, 0, COURT, 0, WHY_RANK, WHY_RANK},
        {COURT, 0, DESK, 0, WHY_NOTHING, WHY_NOTHING},
        {COURT, 0, BOARD, 0, WHY_NOTHING, WHY_NOTHING},
        {COURT, 0, POST, 0, WHY_NOTHING, WHY_NOTHING},
        {COURT_2, 0, COURT, 0, WHY_NOTHING, WHY_NOTHING},   /* a second key, or a rotated one */
        {COURT_2, 1, COURT, 2, WHY_NOTHING, WHY_NOTHING},   /* two logs of one authority */
        {COURT_2, 3, COURT, 0, WHY_STRANGER, WHY_STRANGER}, /* of two */
        {COURT, 3, COURT, 0, WHY_NOTHING, WHY_NOTHING},     /* the same key, of two */
        {TRIBUNAL, 0, COURT, 0, WHY_STRANGER, WHY_STRANGER},
        {COURT_KEY, 0, COURT, 0, WHY_RANK, WHY_RANK}, /* one key, in two roles */
        {COURT, 0, COURT_KEY, 0, WHY_NOTHING, WHY_NOTHING},
        {COURT_KEY, 0, POST, 0, WHY_STRANGER, WHY_STRANGER}, /* another POST by its name */
        {NEWSROOM, 0, DESK, 0, WHY_RANK, WHY_RANK},
        {DESK, 0, NEWSROOM, 0, WHY_NOTHING, WHY_NOTHING},
        {NEWSROOM, 0, NEWSROOM, 1, WHY_NOTHING, WHY_NOTHING},
        {ROOT, 0, NEWSROOM, 0, WHY_STRANGER, WHY_STRANGER},
        {ROOT, 0, DESK, 0, WHY_RANK, WHY_RANK},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        check_pair(&pairs[i], (int)i);
    }
}

/* --- frozen --- */

/* Does the desk's correction of its own finding hold, after an event by somebody else? */
static void corrects_after(const struct told_said *act, bool holds, int line) {
    const struct told_said story[] = {ALLEGED, FOUND, *act, CORRECTS(DESK, 2)};
    told_tell(story, 4);
    told_is(3, holds ? STANDING_IN_FORCE : STANDING_WITHOUT_AUTHORITY,
            holds ? WHY_NOTHING : WHY_FROZEN, holds ? NONE : 2, "frozen", line);
    cr_assert_eq(told.results[1].superseded_by == 3, holds, "line %d", line);
}
#define FREEZES(...) corrects_after(&(const struct told_said)__VA_ARGS__, false, __LINE__)
#define LEAVES(...) corrects_after(&(const struct told_said)__VA_ARGS__, true, __LINE__)

Test(standing_rights, freeze_what_a_higher_one_acted_on) {
    FREEZES(REVERSES(COURT, 2));
    FREEZES(REVERSES(BOARD, 2));
    FREEZES(FINDS(COURT)); /* the slot */
    FREEZES(FINDS(PANEL));
    FREEZES(CORRECTS(COURT, 2));
    FREEZES({.who = COURT, .kind = "discipline.imposed", .about = 2}); /* names it */
    FREEZES({.who = POST, .kind = "decertification.ordered", .about = 2});
    FREEZES({.who = COURT, .kind = "discipline.served", .about = 2});
    FREEZES({.who = COURT, .kind = "discipline.not_served", .about = 2});
    FREEZES({.who = COURT, .kind = "appeal.filed", .about = 2});
    FREEZES({.who = COURT, .kind = "appeal.decided"}); /* finding and discipline */
}

Test(standing_rights, leave_the_rest_open_to_correction) {
    LEAVES(REVERSES(DESK_2, 2)); /* its own house */
    LEAVES(REVERSES(NEWSROOM, 2));
    LEAVES({.who = COURT, .kind = "discipline.imposed"}); /* another slot */
    LEAVES({.who = POST, .kind = "decertification.ordered"});
    LEAVES({.who = COURT, .kind = "finding.final", .subject = 2});
    LEAVES({.who = COURT, .kind = "response.appended", .about = 2});
    LEAVES({.who = COURT, .kind = "seal.ordered", .about = 2});
    LEAVES({.who = COURT, .kind = "notice.sent", .about = 2});
    LEAVES({.who = COURT, .kind = "finding.recommended", .about = 2});
    LEAVES({.who = COURT, .kind = "finding.final", .beyond = true}); /* settled by its log */
    TELL(ALLEGED, FINDS(COURT), FOUND, CORRECTS(DESK, 3));           /* before what is corrected */
    IN_FORCE(3);
}

/* A clerk that files an appeal, and takes that back once a court decided it, undoes nothing. */
Test(standing_rights, freeze_what_an_appeal_was_decided_of) {
    TELL(ALLEGED, FOUND, APPEALS(DESK, 2), DECIDES(COURT, 3, REVERSES), CORRECTS(DESK, 3),
         CORRECTS(DESK, 2), FOUND);
    IS(4, WITHOUT_AUTHORITY, FROZEN, 3);
    IS(5, WITHOUT_AUTHORITY, FROZEN, 3);
    IS(1, SUPERSEDED, REVERSED, 3);
    IS(6, WITHOUT_AUTHORITY, RANK, 3);
    SLOTS(3, NONE, NONE);
    /* What the appeal is of, though it has no slot. */
    TELL(ALLEGED, {.who = DESK, .kind = "finding.recommended"}, APPEALS(DESK, 2),
         DECIDES(COURT, 3, STANDS), CORRECTS(DESK, 2));
    IS(4, WITHOUT_AUTHORITY, FROZEN, 3);
    /* Of a certificate: that slot alone. */
    TELL(ALLEGED, FOUND, {.who = AGENCY, .kind = "decertification.ordered"}, APPEALS(DESK, 3),
         DECIDES(COURT, 4, STANDS), CORRECTS(DESK, 2), CORRECTS(DESK, 3));
    IN_FORCE(5);
    IS(6, WITHOUT_AUTHORITY, FROZEN, 4);
}

/* A log's operator can date a stamp back by an hour, after seeing the court's. */
Test(standing_rights, freeze_within_the_hour_between_two_logs) {
    TELL(ALLEGED, FOUND, CORRECTS(DESK, 2),
         {.who = COURT, .kind = "finding.reversed", .about = 2, .log = 1, .minutes = 60});
    IS(2, WITHOUT_AUTHORITY, FROZEN, 3);
    IS(1, SUPERSEDED, REVERSED, 3);
    TELL(ALLEGED, FOUND, CORRECTS(DESK, 2),
         {.who = COURT, .kind = "finding.reversed", .about = 2, .log = 1, .minutes = 61});
    IN_FORCE(2);
    IS(1, SUPERSEDED, CORRECTED, 2);
    TELL(ALLEGED, FOUND, CORRECTS(DESK, 2), REVERSES(COURT, 2)); /* in one log nobody can */
    IN_FORCE(2);
    /* What the court's act names, it saw. */
    TELL(ALLEGED, FOUND, CORRECTS(DESK, 2),
         {.who = COURT, .kind = "appeal.filed", .about = 3, .log = 1},
         {.who = COURT, .kind = "appeal.decided", .about = 4, .log = 1});
    IN_FORCE(2);
}

Test(standing_rights, freeze_a_correction_of_a_correction) {
    TELL(ALLEGED, FOUND, CORRECTS(DESK, 2), FINDS(COURT), CORRECTS(DESK, 3));
    IS(4, WITHOUT_AUTHORITY, FROZEN, 3);
    IS(1, SUPERSEDED, CORRECTED, 2);
    IN_FORCE(3);
    TELL(ALLEGED, FOUND, CORRECTS(COURT, 2), CORRECTS(DESK, 3));
    IS(3, WITHOUT_AUTHORITY, RANK, 2);
    IS(1, SUPERSEDED, CORRECTED, 2);
}

Test(standing_rights, freeze_nobody_who_may_undo_the_act) {
    TELL(ALLEGED, FINDS(BOARD), REVERSES(BOARD, 2), CORRECTS(BOARD_2, 2)); /* its own later act */
    IN_FORCE(3);
    IS(1, SUPERSEDED, CORRECTED, 3);
    TELL(ALLEGED, FOUND, REVERSES(BOARD, 2), CORRECTS(COURT, 2));
    IN_FORCE(3);
    TELL(ALLEGED, FOUND, REVERSES(POST, 2), CORRECTS(POST_2, 2));
    IN_FORCE(3);
    TELL(ALLEGED, FOUND, REVERSES(COURT, 2), CORRECTS(TRIBUNAL, 2));
    IS(3, WITHOUT_AUTHORITY, FROZEN, 2);
    TELL(ALLEGED, FOUND, CORRECTS(COURT, 2), CORRECTS(TRIBUNAL, 2)); /* neither is over the other */
    IN_FORCE(3);
    IS(1, SUPERSEDED, CORRECTED, 3);
}

Test(standing_rights, freeze_no_more_once_the_act_is_corrected) {
    TELL(ALLEGED, FOUND, REVERSES(COURT, 2), CORRECTS(COURT_2, 3), CORRECTS(DESK, 2));
    IS(2, SUPERSEDED, CORRECTED, 3);
    IN_FORCE(4);
    IS(1, SUPERSEDED, CORRECTED, 4);
}

/* A desk that mistyped a date sets it right, and once more. */
Test(standing_rights, let_a_desk_correct_its_own_dates) {
    TELL(ALLEGED, FOUND, FOUND, STANDS_IN(DESK, 2, 3), FOUND, STANDS_IN(DESK_2, 3, 5), IMPOSED);
    IS(1, SUPERSEDED, CORRECTED, 3);
    IS(2, SUPERSEDED, CORRECTED, 5);
    IN_FORCE(3);
    IN_FORCE(4);
    IN_FORCE(5);
    SLOTS(4, 6, NONE);
}

Test(standing_rights, leave_a_correction_by_its_key_or_log_alone) {
    TELL(ALLEGED, FOUND, {.who = DESK, .kind = "correction", .about = 2, .beyond = true});
    IS(2, WITHOUT_AUTHORITY, BOUNDS, NONE);
    IN_FORCE(1);
}

/* --- what stands in --- */

Test(standing_rights, let_no_clerk_move_what_is_a_courts) {
    TELL(ALLEGED, FOUND, {.who = POST, .kind = "finding.final"}, FINDS(COURT),
         STANDS_IN(DESK, 2, 4));
    IS(4, WITHOUT_AUTHORITY, FROZEN, 2);
    SLOTS(3, NONE, NONE);
    /* Where nothing freezes, since there is no slot. */
    TELL(ALLEGED, {.who = COURT, .kind = "failure.alleged"}, STANDS_IN(DESK, 1, 2));
    IS(2, WITHOUT_AUTHORITY, RANK, 1);
    IN_FORCE(0);
    IN_FORCE(1);
    TELL(ALLEGED, FINDS(BOARD), {.who = PANEL, .kind = "finding.final", .log = 1},
         STANDS_IN(BOARD, 2, 3));
    IS(3, WITHOUT_AUTHORITY, STRANGER, 2);
    IN_FORCE(1);
    IN_FORCE(2);
}

Test(standing_rights, ask_of_a_replacement_that_it_fits) {
    TELL(ALLEGED, FOUND, IMPOSED, STANDS_IN(DESK, 2, 3));
    IS(3, WITHOUT_AUTHORITY, REPLACEMENT, 2); /* another kind */
    IN_FORCE(1);
    TELL(ALLEGED, FOUND, {.who = DESK, .kind = "finding.final", .subject = 2, .imported = true},
         STANDS_IN(DESK, 2, 3));
    IS(3, WITHOUT_AUTHORITY, REPLACEMENT, 2);
    TELL(ALLEGED, FOUND, FOUND, STANDS_IN(DESK, 3, 2)); /* before it */
    IS(3, WITHOUT_AUTHORITY, REPLACEMENT, 1);
    IN_FORCE(2);
    TELL(ALLEGED, FOUND, STANDS_IN(DESK, 2, 2)); /* itself */
    IS(2, WITHOUT_AUTHORITY, REPLACEMENT, 1);
    IN_FORCE(1);
    TELL(ALLEGED, FOUND, {.who = DESK, .kind = "finding.final", .beyond = true},
         STANDS_IN(DESK, 2, 3)); /* settled by its log */
    IS(3, WITHOUT_AUTHORITY, REPLACEMENT, 2);
    TELL(ALLEGED, FOUND, CORRECTS(DESK, 2), CORRECTS(DESK, 2), STANDS_IN(DESK, 3, 4));
    IS(4, WITHOUT_AUTHORITY, REPLACEMENT, 3);     /* nothing stands in for a correction */
    TELL(ALLEGED, FOUND, STANDS_IN(DESK, 2, 32)); /* not of the case */
    IN_FORCE(2);
    IS(1, SUPERSEDED, CORRECTED, 2);
    SLOTS(NONE, NONE, NONE);
}

Test(standing_rights, let_the_last_say_what_stands_in) {
    TELL(ALLEGED, FOUND, FOUND, FOUND, STANDS_IN(DESK, 2, 3), STANDS_IN(DESK_2, 2, 4));
    IS(1, SUPERSEDED, CORRECTED, 5);
    IS(2, SUPERSEDED, CORRECTED, 5); /* it stood in the place */
    IN_FORCE(3);
    SLOTS(3, NONE, NONE);
    cr_assert_eq(told.order[3], 3); /* in the place of the first, after what stood there */
    /* Two courts: neither gives way to the other. */
    TELL(ALLEGED, FOUND, FOUND, FOUND, STANDS_IN(COURT, 2, 3), STANDS_IN(TRIBUNAL, 2, 4));
    IN_FORCE(5);
    cr_assert_eq(told.results[1].replacement, 2);
    cr_assert_eq(told.results[3].replaces, NONE);
}

Test(standing_rights, let_one_stand_in_for_several_in_the_first_place) {
    TELL(ALLEGED, FOUND, FOUND, FOUND, STANDS_IN(DESK, 3, 4), STANDS_IN(DESK, 2, 4));
    IS(1, SUPERSEDED, CORRECTED, 5);
    IS(2, SUPERSEDED, CORRECTED, 4);
    cr_assert_eq(told.results[3].replaces, 1);
    SLOTS(3, NONE, NONE);
}

Test(standing_rights, are_asked_again_where_a_replacement_takes_effect) {
    TELL(ALLEGED, FINDS(COURT), FOUND, FOUND, STANDS_IN(DESK, 3, 4));
    IN_FORCE(4);
    IS(3, WITHOUT_AUTHORITY, RANK, 1);
    IN_FORCE(1);
}

/* --- one fact, said more than once --- */

#define FACT(whose, where) SAYS(whose, "finding.final", 7, where)

/* A copy, logged first or dated back, then corrected, takes no court's finding with it. */
Test(standing_rights, let_no_copy_hide_a_decision) {
    TELL(ALLEGED, FACT(DESK, 1), FACT(COURT, 0),
         {.who = DESK, .kind = "correction", .about = 2, .log = 1});
    IS(1, DUPLICATE, ALIKE, 2);
    IN_FORCE(2);
    IS(3, WITHOUT_AUTHORITY, FROZEN, 2);
    SLOTS(2, NONE, NONE);
    TELL(ALLEGED, FACT(DESK, 1), {.who = DESK, .kind = "correction", .about = 2, .log = 1},
         FACT(COURT, 0)); /* the correction dated back as well */
    IS(2, WITHOUT_AUTHORITY, FROZEN, 3);
    IN_FORCE(3);
    TELL(ALLEGED, FACT(DESK, 1), {.who = DESK, .kind = "correction", .about = 2, .log = 1},
         {.who = COURT, .kind = "finding.final", .fact = 7, .minutes = 61});
    IN_FORCE(2); /* long before */
    IS(1, SUPERSEDED, CORRECTED, 2);
    IN_FORCE(3);
    TELL(ALLEGED, FACT(COURT, 0), FACT(DESK, 1)); /* the court's first */
    IN_FORCE(1);
    IS(2, DUPLICATE, ALIKE, 1);
}

Test(standing_rights, let_a_higher_twin_take_over) {
    TELL(ALLEGED, FACT(DESK, 0), FACT(COURT, 0), REVERSES(BOARD, 2), FOUND);
    IS(1, DUPLICATE, ALIKE, 2);
    IN_FORCE(2);
    IS(3, WITHOUT_AUTHORITY, RANK, 2);
    IS(4, WITHOUT_AUTHORITY, RANK, 2);
    /* What a twin took out and emptied. */
    TELL(ALLEGED, FOUND, IMPOSED, {.who = DESK, .kind = "finding.reversed", .about = 2, .fact = 8},
         {.who = COURT, .kind = "finding.reversed", .about = 2, .fact = 8}, IMPOSED);
    IS(3, DUPLICATE, ALIKE, 4);
    IS(1, SUPERSEDED, REVERSED, 4);
    IS(2, SUPERSEDED, REVERSED, 4);
    IS(5, WITHOUT_AUTHORITY, RANK, 4);
    SLOTS(4, NONE, NONE);
    TELL(ALLEGED, FACT(DESK, 0), FACT(BOARD, 1), FACT(DESK_2, 2)); /* one rank: the first */
    IN_FORCE(1);
    IS(2, DUPLICATE, ALIKE, 1);
    IS(3, DUPLICATE, ALIKE, 1);
    /* What upholds. */
    TELL(
        ALLEGED, FINDS(BOARD), APPEALS(DESK, 2),
        {.who = BOARD, .kind = "appeal.decided", .about = 3, .fact = 8, .outcome = OUTCOME_UPHOLDS},
        {.who = COURT, .kind = "appeal.decided", .about = 3, .fact = 8, .outcome = OUTCOME_UPHOLDS},
        REVERSES(POST, 2));
    IS(3, DUPLICATE, ALIKE, 4);
    IS(5, WITHOUT_AUTHORITY, RANK, 4);
}

Test(standing_rights, let_a_twin_take_over_what_became_of_it) {
    TELL(ALLEGED, FOUND, SAYS(DESK, "discipline.imposed", 8, 0),
         {.who = DESK, .kind = "discipline.served", .about = 3},
         SAYS(POST, "discipline.imposed", 8, 1));
    IS(2, DUPLICATE, ALIKE, 4);
    cr_assert_eq(told.results[4].served, 3);
    SLOTS(1, 4, NONE);
    /* Open as an appeal only if its twin is. */
    TELL(ALLEGED, FOUND, {.who = DESK, .kind = "appeal.filed", .about = 2, .fact = 8},
         {.who = POST, .kind = "appeal.filed", .about = 2, .fact = 8});
    IS(2, DUPLICATE, ALIKE, 3);
    cr_assert(told.results[3].open_appeal && !told.results[2].open_appeal);
    TELL(ALLEGED, FOUND, {.who = DESK, .kind = "appeal.filed", .about = 2, .fact = 8},
         DECIDES(BOARD, 3, STANDS), {.who = POST, .kind = "appeal.filed", .about = 2, .fact = 8});
    cr_assert(!told.results[4].open_appeal);
}

/* Who undoes a fact undoes it as all say it. */
Test(standing_rights, are_asked_of_every_twin) {
    TELL(ALLEGED, FACT(BOARD, 0), FACT(PANEL, 1),
         {.who = BOARD_2, .kind = "finding.reversed", .about = 2, .minutes = 61});
    IS(2, DUPLICATE, ALIKE, 1);
    IS(3, WITHOUT_AUTHORITY, STRANGER, 2);
    IN_FORCE(1);
    TELL(ALLEGED, FACT(BOARD, 0), FACT(PANEL, 1), REVERSES(BOARD_2, 2)); /* overlooks that one */
    IS(1, SUPERSEDED, REVERSED, 3);
    TELL(ALLEGED, FACT(BOARD, 0), FACT(PANEL, 1), REVERSES(POST, 2));
    IS(1, SUPERSEDED, REVERSED, 3);
    /* but for one that is corrected */
    TELL(ALLEGED, FACT(BOARD, 0), FACT(PANEL, 1), CORRECTS(PANEL, 3),
         {.who = BOARD_2, .kind = "finding.reversed", .about = 2, .minutes = 61});
    IS(1, SUPERSEDED, REVERSED, 4);
}

/* A fact that was undone by somebody with no right over this signer is said anew. */
Test(standing_rights, make_no_duplicate_of_what_a_stranger_undid) {
    TELL(ALLEGED, FACT(DESK, 0), FINDS(DESK_2), FACT(DESK, 1));
    IS(1, SUPERSEDED, REPLACED, 2);
    IS(3, DUPLICATE, ALIKE, 1);
    TELL(ALLEGED, FACT(BOARD, 0), FINDS(BOARD_2), FACT(PANEL, 1));
    IS(1, SUPERSEDED, REPLACED, 2);
    IN_FORCE(3);
    BESIDE(FINDING, 3);
}

Test(standing_rights, make_a_correction_cover_its_houses_twins) {
    TELL(ALLEGED, FACT(DESK, 0), FACT(DESK_2, 1), CORRECTS(DESK, 2));
    IS(1, SUPERSEDED, CORRECTED, 3);
    IS(2, SUPERSEDED, CORRECTED, 3);
    SLOTS(NONE, NONE, NONE);
    TELL(ALLEGED, FACT(DESK, 0), CORRECTS(DESK, 2), FACT(DESK_2, 1)); /* said after it */
    IN_FORCE(3);
    TELL(ALLEGED, FACT(DESK, 0), FACT(BOARD, 1), CORRECTS(COURT, 2)); /* another house's */
    IS(1, SUPERSEDED, CORRECTED, 3);
    IN_FORCE(2);
}

/* A copy, logged after a court reversed the fact, and corrected: that touches the copy alone. */
Test(standing_rights, cover_no_twin_that_was_acted_on) {
    TELL(ALLEGED, FACT(DESK, 0), REVERSES(COURT, 2), FACT(DESK_2, 1), CORRECTS(DESK, 4));
    IN_FORCE(4);
    IS(1, SUPERSEDED, REVERSED, 2);
    IS(3, DUPLICATE, ALIKE, 1);
    SLOTS(2, NONE, NONE);
}

/* What looks like a copy of a reversal, and names something else, is another. */
Test(standing_rights, tell_twins_by_what_they_name) {
    TELL(ALLEGED, FOUND, {.who = DESK, .kind = "finding.reversed", .about = 2, .fact = 8}, FOUND,
         {.who = DESK_2, .kind = "finding.reversed", .about = 4, .fact = 8, .log = 1});
    IN_FORCE(4);
    IS(2, SUPERSEDED, REPLACED, 3);
    IS(3, SUPERSEDED, REVERSED, 4);
    TELL(ALLEGED, {.who = DESK, .kind = "finding.final", .fact = 7},
         {.who = DESK, .kind = "finding.final", .fact = 7, .log = 1},
         {.who = DESK, .kind = "finding.reversed", .about = 2, .fact = 8},
         {.who = DESK, .kind = "finding.reversed", .about = 3, .fact = 8, .log = 1});
    IS(4, DUPLICATE, ALIKE, 3); /* each names its own log's */
}

Test(standing_rights, make_no_duplicate_of_a_correction_that_does_not_hold) {
    TELL(ALLEGED, FOUND, {.who = DESK, .kind = "correction", .about = 2, .fact = 9},
         {.who = DESK, .kind = "correction", .about = 2, .fact = 9});
    IN_FORCE(2);
    IS(3, DUPLICATE, ALIKE, 2);
    TELL(ALLEGED, FOUND, {.who = DESK, .kind = "correction", .about = 2, .fact = 9}, FINDS(COURT),
         {.who = DESK, .kind = "correction", .about = 2, .fact = 9});
    IN_FORCE(2);
    IS(4, WITHOUT_AUTHORITY, FROZEN, 3);
}
