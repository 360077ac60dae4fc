/* What is looked at of a case with too many events, so that nobody buries what others logged
 * (specs/standing.md#what-is-looked-at); what is not looked at is counted. */
#include "tests/lib/check.h"
#include "tests/lib/gathered.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define MANY (CASE_EVENTS_MAX + 10)
#define SUBJECT_FINDING                                                                            \
    "\"finding\":{\"decided_by\":\"chief\",\"disposition\":\"sustained\",\"index\""

static struct node node;

/* A clerk says a thousand things, all of them alleged before anybody else comes. */
static void bury(size_t log, size_t count) {
    for (size_t i = 0; i < count; i++) {
        gathered_say(
            log, WORLD_CLERK, "failure.alleged",
            world_text(&histories[log].world,
                       "{" CASE_MEMBERS
                       ",'occurred':'2023-12-01','party':'officer','reported':'2024-%02u-%02u'}",
                       1 + (unsigned)(i / 28 % 12), 1 + (unsigned)(i % 28)));
    }
}

static char *answer(void) {
    holder_open(&node, NULL);
    node_take_in_turn(&node);
    return node_answer(&node, NULL, 0);
}

static void close(char *text) {
    free(text);
    holder_close(&node);
    gathered_end();
}

static bool has(const char *text, const char *what) {
    return strstr(text, what) != NULL;
}

Test(case_buried, clerks_leave_nobody_elses_later_finding_out) {
    gathered_begin(3);
    bury(0, MANY);
    gathered_say(0, WORLD_BOARD, "finding.final", A_FINDING); /* in the same log */
    gathered_say(1, WORLD_POST, "finding.final", A_FINDING);
    gathered_say(2, WORLD_COURT, "finding.final",
                 "{" CASE_MEMBERS ",'decided':'2025-12-04','decided_by':'judge',"
                 "'disposition':'unfounded','party':'officer'}");
    char *text = answer();
    cr_assert_eq(count_of(text, "\"standing\":"), CASE_EVENTS_MAX);
    cr_assert(has(text, "\"role\":\"oversight\"") && has(text, "\"role\":\"post\""));
    cr_assert(has(text, "\"finding\":{\"decided_by\":\"judge\""));
    cr_assert(has(text, "\"left_out\":[{\"count\":13,\"role\":\"agency\"}]"), "%s",
              strstr(text, "\"left_out\""));
    close(text);
}

Test(case_buried, who_is_left_out_is_counted_by_house) {
    gathered_begin(3);
    bury(0, MANY);
    for (size_t i = 0; i < CASE_HOUSE_MAX + 6; i++) { /* in two logs */
        gathered_say(
            1 + i % 2, WORLD_BOARD, "failure.alleged",
            world_text(&histories[1 + i % 2].world,
                       "{" CASE_MEMBERS
                       ",'occurred':'2023-12-01','party':'officer','reported':'2024-%02u-%02u'}",
                       1 + (unsigned)(i / 28), 1 + (unsigned)(i % 28)));
    }
    char *text = answer();
    cr_assert_eq(count_of(text, "\"standing\":"), CASE_EVENTS_MAX);
    cr_assert_eq(count_of(text, "\"role\":\"oversight\",\"seq\""), CASE_HOUSE_MAX);
    cr_assert(has(text, "\"left_out\":[{\"count\":6,\"name\":\"board\",\"role\":\"oversight\"},"
                        "{\"count\":74,\"role\":\"agency\"}]"),
              "%s", strstr(text, "\"left_out\""));
    close(text);
}

/* What a board's reversal names is looked at, though its house's first are others. */
Test(case_buried, what_a_higher_one_names_is_looked_at) {
    gathered_begin(2);
    bury(0, MANY);
    gathered_say(0, WORLD_CLERK, "finding.final", A_FINDING);
    gathered_say(1, WORLD_BOARD, "finding.reversed",
                 world_text(&histories[1].world,
                            "{" CASE_MEMBERS ",'decided':'2025-12-09','decided_by':'board',"
                            "'event':%s,'party':'officer'}",
                            gathered_last(1, 0)));
    char *text = answer();
    cr_assert(has(text, "\"rule\":\"reversed\""), "%s", strstr(text, "\"kind\":\"finding"));
    cr_assert(has(text, "\"finding\":{\"decided_by\":\"board\""));
    close(text);
}

/* A correction has no case of its own: it is found from what it names. */
Test(case_buried, a_courts_correction_is_looked_at_with_what_it_corrects) {
    gathered_begin(2);
    bury(0, CASE_HOUSE_MAX + 6);
    gathered_say(0, WORLD_CLERK, "finding.final", A_FINDING);
    const char *finding = gathered_last(1, 0);
    gathered_say(1, WORLD_COURT, "correction",
                 world_text(&histories[1].world,
                            "{'event':%s,'ori':'" WORLD_ORI "','what':'wrong_party'}", finding));
    bury(0, MANY);
    char *text = answer();
    cr_assert(!has(text, SUBJECT_FINDING) || has(text, "\"rule\":\"corrected\""),
              "the finding is shown as in force, and its correction is not looked at");
    close(text);
}

/* Of too many logs, those in which a court speaks come first, whatever they are called. */
Test(case_buried, too_many_logs_leave_no_court_out) {
    gathered_begin(GATHERED_LOGS);
    for (size_t i = 0; i < GATHERED_LOGS; i++) {
        gathered_say(i, WORLD_CLERK, "failure.alleged", AN_ALLEGATION);
    }
    gathered_say(GATHERED_LOGS - 1, WORLD_COURT, "finding.final", A_FINDING); /* the last by name */
    char *text = answer();
    cr_assert(has(text, SUBJECT_FINDING));
    cr_assert_eq(count_of(text, "\"standing\":"), CASE_OWN_LOGS_MAX + 1);
    cr_assert(has(text, "\"left_out\":[{\"count\":6,\"role\":\"agency\"}]"), "%s",
              strstr(text, "\"left_out\""));
    close(text);
}

/* Revocations in many logs, by many clerks' agencies: of each event the first decides. */
Test(case_buried, revocations_in_many_logs_are_no_refusal) {
    gathered_begin(GATHERED_LOGS);
    for (size_t i = 1; i < GATHERED_LOGS; i++) {
        gathered_add(i, world_revoke(&histories[i].world, WORLD_AGENCY, WORLD_CLERK));
    }
    gathered_say(0, WORLD_CLERK, "failure.alleged", AN_ALLEGATION);
    gathered_say(0, WORLD_COURT, "finding.final", A_FINDING);
    char *text = answer();
    cr_assert(has(text, "\"rule\":\"revoked\""));
    cr_assert_eq(count_of(text, "\"reason\":\"lost\""), 1);
    cr_assert_eq(count_of(text, "\"origin\":"), 2); /* the log of the first alone is shown */
    cr_assert(has(text, SUBJECT_FINDING));
    close(text);
}

/* 66,000 rows of one clerk, all of one real entry: rows cost less so than entries do. */
Test(case_buried, rows_without_end_are_no_refusal) {
    enum { ROWS = 66000 };
    struct store_txn *txn;
    struct issuer clerk;
    struct event_about about = {.has_case = true};
    gathered_begin(2);
    gathered_say(0, WORLD_CLERK, "failure.alleged", AN_ALLEGATION);
    gathered_say(1, WORLD_COURT, "finding.final", A_FINDING);
    free(answer());
    memcpy(about.ori, WORLD_ORI, ORI_SIZE);
    memcpy(about.handle, gathered_case.handle, HANDLE_SIZE);
    CHECK_OK(store_begin(node.store, STORE_WRITE, &txn));
    CHECK_OK(issuer_find(txn, node.logs[0].number, bytes_text("clerk"), &clerk));
    for (uint64_t i = 0; i < ROWS; i++) {
        CHECK_OK(case_index_put(txn, node.logs[0].number, &clerk, &about, WORLD_START, i));
    }
    CHECK_OK(store_commit(txn));
    char *text = node_answer(&node, NULL, 0);
    cr_assert(has(text, SUBJECT_FINDING));
    cr_assert_eq(count_of(text, "\"standing\":"), 2);
    cr_assert(has(text, "\"left_out\":[{\"count\":65535,\"role\":\"agency\"}]"), "%s",
              strstr(text, "\"left_out\"")); /* those that can be counted, less the one looked at */
    close(text);
}
