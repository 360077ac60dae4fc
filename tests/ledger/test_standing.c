/* Standing, rule by rule (specs/standing.md): short stories of what is said, by whom, about what.
 * Each is told in the order of events, a second apart; whole cases made by chance are compared with
 * another implementation by tests/check/standing.py. */
#include "ledger/standing.h"
#include "tests/lib/check.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define EVENTS_MAX 32
#define NONE STANDING_NONE

/* Who signs: two clerks that the agency's key enrolled, the agency's own key, a board, a POST, a
 * court. */
enum who { DESK, DESK_2, AGENCY, BOARD, POST, COURT, ROOT };

struct said {
    enum who who;
    const char *kind;
    int about;        /* 1 + the event that it names; 0: none */
    int instead;      /* 1 + the event that is to stand in for it */
    int fact;         /* events of one kind with the same number say the same; 0: of its own */
    int log;          /* 0 to 2: "a", "b", "c" */
    uint64_t subject; /* 0: 1 */
    bool imported;
    bool body;
    bool other_ori;
    bool discipline;
    enum standing_outcome outcome;
    const char *authority;
};

static struct standing_event events[EVENTS_MAX];
static struct standing_result results[EVENTS_MAX];
static struct standing_subject subjects[EVENTS_MAX];
static struct standing_revocation revocations[EVENTS_MAX];
static size_t order[EVENTS_MAX];
static struct standing_case c;

static struct sign_public key_of(enum who who) {
    struct sign_public key = {{(uint8_t)(who + 1)}};
    return key;
}

static struct standing_signer signer_of(enum who who) {
    static const uint32_t roles[] = {ROLE_CLERK, ROLE_CLERK, ROLE_AGENCY, ROLE_OVERSIGHT,
                                     ROLE_POST,  ROLE_COURT, ROLE_ROOT};
    struct standing_signer signer = {.key = key_of(who), .role = roles[who]};
    signer.has_enroller = who != ROOT;
    signer.enroller = key_of(who <= DESK_2 ? AGENCY : ROOT);
    return signer;
}

static struct hash number(int a, int b) {
    struct hash hash = {{(uint8_t)a, (uint8_t)b}};
    return hash;
}

static void tell(const struct said *story, size_t count) {
    static const char *const origins[] = {"a", "b", "c"};
    memset(&c, 0, sizeof c);
    for (size_t i = 0; i < count; i++) {
        const struct said *said = &story[i];
        struct standing_event *e = &events[i];
        int fact = said->fact != 0 ? said->fact : 100 + (int)i;
        *e = (struct standing_event){
            .origin = bytes_text(origins[said->log]),
            .index = i,
            .stamp_ms = 1000 * (i + 1),
            .confirmed_ms = 1000 * (i + 1),
            .id = number(1, (int)i),
            .kind = kind_find(said->kind, strlen(said->kind)),
            .whole = number(fact, said->about),
            .fact = number(fact, 0),
            .has_body = said->body,
            .other_ori = said->other_ori,
            .imported = said->imported,
            .subject = said->subject != 0 ? said->subject : 1,
            .has_named = said->about > 0,
            .named = number(1, said->about - 1),
            .has_replacement = said->instead > 0,
            .replacement = number(1, said->instead - 1),
            .outcome = said->outcome,
            .has_discipline = said->discipline,
            .authority = bytes_text(said->authority != NULL ? said->authority : ""),
            .signer = signer_of(said->who),
        };
        cr_assert_not_null(e->kind, "%s", said->kind);
        e->has_case = kind_member_find(e->kind, "case", 4) != NULL;
    }
    c = (struct standing_case){.events = events,
                               .count = count,
                               .revocations = revocations,
                               .results = results,
                               .subjects = subjects,
                               .order = order};
}

#define TELL(...)                                                                                  \
    do {                                                                                           \
        static const struct said story[] = {__VA_ARGS__};                                          \
        tell(story, sizeof story / sizeof story[0]);                                               \
        standing_judge(&c);                                                                        \
    } while (0)

static void is_(size_t event, enum standing standing, enum standing_why why, size_t other,
                int line) {
    cr_assert(results[event].standing == standing && results[event].why == why &&
                  results[event].other == other,
              "line %d: event %zu is %s: %s %zd", line, event,
              standing_name(results[event].standing), standing_why_name(results[event].why),
              (ssize_t)results[event].other);
}
#define IS(event, standing, why, other) is_(event, STANDING_##standing, WHY_##why, other, __LINE__)
#define IN_FORCE(event) IS(event, IN_FORCE, NOTHING, NONE)

#define ALLEGED                                                                                    \
    { .who = DESK, .kind = "failure.alleged" }
#define FOUND                                                                                      \
    { .who = DESK, .kind = "finding.final" }
#define IMPOSED                                                                                    \
    { .who = DESK, .kind = "discipline.imposed" }

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
         {.who = BOARD, .kind = "failure.alleged", .fact = 7, .body = true, .log = 1},
         {.who = BOARD,
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
    cr_assert_eq(c.subject_count, 2);
    cr_assert_eq(subjects[0].finding, 2);
    cr_assert_eq(subjects[0].discipline, 5);
    cr_assert_eq(subjects[1].finding, 4);
}

/* --- keys --- */

static void revoke(size_t event, uint64_t confirmed_ms, bool compromised, uint64_t since_ms) {
    revocations[c.revocation_count++] = (struct standing_revocation){.event = event,
                                                                     .origin = bytes_text("c"),
                                                                     .confirmed_ms = confirmed_ms,
                                                                     .compromised = compromised,
                                                                     .since_ms = since_ms};
    standing_judge(&c);
}

Test(standing, doubts_what_a_stolen_key_signed_since) {
    TELL(ALLEGED, FOUND);
    revoke(1, 9000, true, 2001); /* stolen after it was signed */
    IN_FORCE(1);
    revoke(1, 9000, true, 2000);
    IS(1, DOUBTED, COMPROMISED, 1);
    cr_assert_eq(subjects[0].finding, NONE);
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
    cr_assert(!results[1].last_recommended && results[4].last_recommended);
    cr_assert(results[5].last_recommended);
    cr_assert_eq(subjects[0].certificate, 9);
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
    cr_assert_eq(standing_rank(ROLE_OBSERVER | ROLE_ROOT | ROLE_OPERATOR), 0);
}

Test(standing, reverses_a_finding_with_its_discipline) {
    TELL(ALLEGED, FOUND, IMPOSED, {.who = BOARD, .kind = "finding.reversed", .about = 2}, IMPOSED);
    IS(1, SUPERSEDED, REVERSED, 3);
    IS(2, SUPERSEDED, REVERSED, 3);
    cr_assert_eq(subjects[0].finding, 3);
    IN_FORCE(4); /* imposed after it */
    TELL(ALLEGED, FOUND, FOUND,
         {.who = DESK, .kind = "finding.reversed", .about = 2}); /* in force no more */
    IN_FORCE(2);
    cr_assert_eq(subjects[0].finding, 2);
    TELL(ALLEGED, FOUND,
         {.who = DESK, .kind = "finding.reversed", .about = 2, .subject = 2, .imported = true});
    IN_FORCE(1); /* another subject's */
}

Test(standing, defends_a_courts_reversal_from_a_new_finding_below) {
    TELL(ALLEGED, FOUND, {.who = COURT, .kind = "finding.reversed", .about = 2}, FOUND,
         {.who = COURT, .kind = "finding.final"});
    IS(3, WITHOUT_AUTHORITY, RANK, 2);
    IS(2, SUPERSEDED, REPLACED, 4);
    cr_assert_eq(subjects[0].finding, 4);
}

/* --- appeals --- */

#define DECIDED(o)                                                                                 \
    { COURT, "appeal.decided", .about = 4, .outcome = OUTCOME_##o }

Test(standing, reverses_what_was_appealed_against) {
    TELL(ALLEGED, FOUND, IMPOSED, {.who = DESK, .kind = "appeal.filed", .about = 2},
         DECIDED(REVERSES));
    IS(1, SUPERSEDED, REVERSED, 4);
    IS(2, SUPERSEDED, REVERSED, 4);
    cr_assert_eq(subjects[0].finding, 4);
    cr_assert_eq(subjects[0].discipline, NONE);
    TELL(ALLEGED, FOUND, IMPOSED, {.who = DESK, .kind = "appeal.filed", .about = 3},
         DECIDED(REVERSES));
    IN_FORCE(1);
    IS(2, SUPERSEDED, REVERSED, 4);
    TELL(ALLEGED, FOUND, {.who = POST, .kind = "decertification.ordered"},
         {.who = DESK, .kind = "appeal.filed", .about = 3}, DECIDED(REVERSES));
    IS(2, SUPERSEDED, REVERSED, 4);
    cr_assert_eq(subjects[0].certificate, NONE);
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
    cr_assert_eq(subjects[0].discipline, 4);
    cr_assert_eq(results[4].served, 5);
    TELL(ALLEGED, FOUND, IMPOSED, {.who = DESK, .kind = "appeal.filed", .about = 2},
         {.who = COURT, .kind = "appeal.decided", .about = 4, .discipline = true}); /* upheld */
    IN_FORCE(2);
    cr_assert_eq(subjects[0].discipline, 2);
}

Test(standing, keeps_appeals_open_until_they_are_decided) {
    TELL(ALLEGED, {.who = COURT, .kind = "finding.final"}, IMPOSED,
         {.who = DESK, .kind = "appeal.filed"},
         {.who = DESK, .kind = "appeal.decided", .outcome = OUTCOME_REVERSES});
    cr_assert_eq(results[3].contested, 1);
    IS(4, WITHOUT_AUTHORITY, RANK, 1);
    cr_assert(results[3].open_appeal);
    TELL(ALLEGED, FOUND, {.who = DESK, .kind = "appeal.filed"},
         {.who = DESK, .kind = "appeal.filed", .about = 2},
         {.who = DESK, .kind = "appeal.decided"});
    cr_assert(results[2].open_appeal && !results[3].open_appeal); /* the last one */
}

Test(standing, gives_back_what_a_reversal_took_that_is_reversed) {
    TELL(ALLEGED, FOUND, IMPOSED, {.who = BOARD, .kind = "finding.reversed", .about = 2},
         {.who = DESK, .kind = "appeal.filed", .about = 4},
         {.who = COURT, .kind = "appeal.decided", .about = 5, .outcome = OUTCOME_REVERSES});
    IS(3, SUPERSEDED, REVERSED, 5);
    IN_FORCE(1);
    IN_FORCE(2);
    cr_assert(subjects[0].finding == 1 && subjects[0].discipline == 2);
    /* Likewise the decision of an appeal, on a further one. */
    TELL(ALLEGED, FOUND, IMPOSED, {.who = DESK, .kind = "appeal.filed", .about = 2},
         {.who = BOARD, .kind = "appeal.decided", .about = 4, .outcome = OUTCOME_REVERSES},
         {.who = DESK, .kind = "appeal.filed"},
         {.who = COURT, .kind = "appeal.decided", .about = 6, .outcome = OUTCOME_REVERSES});
    IS(4, SUPERSEDED, REVERSED, 6);
    cr_assert(subjects[0].finding == 1 && subjects[0].discipline == 2);
}

/* What names a duplicate names what that repeats; what names nothing in force undoes nothing. */
Test(standing, follows_a_duplicate_and_leaves_alone_what_is_past) {
    TELL(ALLEGED, {.who = DESK, .kind = "finding.final", .fact = 7},
         {.who = BOARD, .kind = "finding.final", .fact = 7, .log = 1},
         {.who = BOARD, .kind = "finding.reversed", .about = 3, .log = 1});
    IS(1, SUPERSEDED, REVERSED, 3);
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
    cr_assert_eq(results[4].contested, 1);
    IS(1, SUPERSEDED, REVERSED, 5);
    IN_FORCE(3);
}

/* --- corrections --- */

Test(standing, corrects_by_the_same_house_or_from_above) {
    static const struct {
        enum who signer, corrector;
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
        const struct said story[] = {ALLEGED,
                                     {.who = pairs[i].signer, .kind = "finding.final"},
                                     {.who = pairs[i].corrector, .kind = "correction", .about = 2}};
        tell(story, 3);
        standing_judge(&c);
        bool holds = pairs[i].standing == STANDING_IN_FORCE;
        is_(2, pairs[i].standing, pairs[i].why, holds ? NONE : 1, (int)i);
        is_(1, holds ? STANDING_SUPERSEDED : STANDING_IN_FORCE, holds ? WHY_CORRECTED : WHY_NOTHING,
            holds ? 2 : NONE, (int)i);
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
    TELL(ALLEGED, FOUND, IMPOSED, {.who = BOARD, .kind = "finding.reversed", .about = 2}, IMPOSED,
         {.who = DESK, .kind = "correction", .about = 3, .instead = 5});
    IS(2, SUPERSEDED, CORRECTED, 5);
    IS(4, SUPERSEDED, REVERSED, 3);
    cr_assert_eq(subjects[0].discipline, NONE);
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

Test(standing, follows_no_circle_of_replacements) {
    TELL(ALLEGED, FOUND, FOUND, {.who = DESK, .kind = "correction", .about = 2, .instead = 3},
         {.who = DESK, .kind = "correction", .about = 3, .instead = 2});
    IS(1, SUPERSEDED, CORRECTED, 3);
    IS(2, SUPERSEDED, CORRECTED, 4);
    cr_assert_eq(subjects[0].finding, NONE);
}

/* --- seals, and all else --- */

Test(standing, seals_what_counts_as_it_did) {
    TELL(ALLEGED, FOUND, {.who = COURT, .kind = "seal.ordered", .about = 2}, IMPOSED, FOUND);
    IS(1, SEALED, SEALED, 2);
    IN_FORCE(3);
    cr_assert_eq(results[1].superseded_by, 4);
    cr_assert_eq(subjects[0].finding, 4);
    TELL(ALLEGED, FOUND, {.who = COURT, .kind = "seal.ordered", .about = 2},
         {.who = COURT, .kind = "correction", .about = 3});
    IN_FORCE(1);
}

Test(standing, is_about_the_subject_of_what_it_names) {
    TELL({.who = DESK, .kind = "failure.alleged", .subject = 3},
         {.who = DESK, .kind = "response.appended", .about = 1},
         {.who = DESK, .kind = "correction", .about = 2});
    cr_assert_eq(results[1].subject, 3);
    cr_assert_eq(results[2].subject, 3);
    cr_assert_eq(c.subject_count, 1);
}

Test(standing, remembers_whether_discipline_was_served) {
    TELL(ALLEGED, FOUND, IMPOSED, {.who = DESK, .kind = "discipline.served"},
         {.who = DESK, .kind = "discipline.not_served", .about = 3},
         {.who = DESK, .kind = "officer.separated"});
    cr_assert_eq(results[2].served, 4);
    cr_assert_eq(subjects[0].separation, 5);
    cr_assert_eq(subjects[0].first, 0);
}
