/* Cases gathered from stores: the same bytes wherever the same is named, in whatever order the logs
 * arrived; which revocations bind; what is looked at and what not. */
#include "tests/lib/check.h"
#include "tests/lib/gathered.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define LOGS 3

/* Some event of a case or about one, by chance. */
static void say_something(void) {
    static const enum world_who people[] = {WORLD_CLERK, WORLD_AGENCY, WORLD_BOARD, WORLD_COURT,
                                            WORLD_POST};
    size_t log = gathered_roll(LOGS);
    struct world *w = &histories[log].world;
    enum world_who who = people[gathered_roll(5)];
    size_t other = (log + 1 + gathered_roll(2)) % LOGS; /* of one's own log acceptance asks more */
    const char *about =
        gathered_reference(log, other, 2 + gathered_roll(histories[other].count - 2));
    switch (gathered_roll(8)) {
    case 0:
        gathered_say(log, who, "failure.alleged",
                     "{" CASE_MEMBERS
                     ",'party':'officer','occurred':'2025-12-01','reported':'2025-12-02'}");
        break;
    case 1:
    case 2:
        gathered_say(log, who, "finding.final",
                     world_text(w,
                                "{" CASE_MEMBERS
                                ",'party':'officer','decided':'2025-12-0%u','decided_by':'chief',"
                                "'disposition':'sustained'}",
                                3 + (unsigned)gathered_roll(3)));
        break;
    case 3:
        gathered_say(log, who, "discipline.imposed",
                     "{" CASE_MEMBERS
                     ",'party':'officer','decided_by':'chief','discipline':[{'code':'training'}],"
                     "'imposed':'2025-12-08'}");
        break;
    case 4:
        gathered_say(log, who, "finding.reversed",
                     world_text(w,
                                "{" CASE_MEMBERS
                                ",'party':'officer','decided':'2025-12-09','decided_by':'chief',"
                                "'event':%s}",
                                about));
        break;
    case 5:
        gathered_say(
            log, who, "correction",
            world_text(w, "{'event':%s,'ori':'" WORLD_ORI "','what':'wrong_code'}", about));
        break;
    default:
        gathered_say(log, who, "response.appended",
                     world_text(w, "{'by':'agency','event':%s,'ori':'" WORLD_ORI "'}", about));
    }
}

static const size_t one_way[LOGS] = {0, 1, 2};
static const size_t other_way[LOGS] = {2, 0, 1};

Test(case_gather, is_the_same_in_whatever_order_logs_arrive) {
    for (unsigned round = 0; round < 12; round++) {
        struct node a;
        struct node b;
        gathered_begin(LOGS);
        gathered_say(0, WORLD_CLERK, "failure.alleged",
                     "{" CASE_MEMBERS
                     ",'party':'officer','occurred':'2025-12-01','reported':'2025-12-02'}");
        for (unsigned i = 0; i < 60; i++) {
            if (round % 2 == 1 && i == 30) { /* a key that all logs know: in one of them */
                gathered_add(2, world_revoke(&histories[2].world, WORLD_AGENCY, WORLD_CLERK));
            }
            say_something();
        }
        holder_open(&a, one_way);
        holder_open(&b, other_way);
        holder_take_all(&a, true);
        holder_take_all(&b, false);
        char *of_a = node_answer(&a, NULL, 0);
        char *of_b = node_answer(&b, NULL, 0);
        cr_assert_str_eq(of_a, of_b);
        cr_assert_not_null(strstr(of_a, "\"superseded\""));
        cr_assert((round % 2 == 1) == (strstr(of_a, "\"revocations\":[]") == NULL));
        free(of_a);
        free(of_b);
        /* At earlier sizes, and of one log alone. */
        for (size_t log = 0; log < LOGS; log++) {
            const struct case_pin pins[] = {
                gathered_pin(log, histories[log].count - gathered_roll(5)),
                gathered_pin((log + 1) % LOGS, WORLD_START + gathered_roll(9))};
            uint8_t *answers[2];
            size_t lens[2] = {0, 0};
            struct refusal why;
            enum status status = node_ask(&a, &gathered_case, pins, 2, &answers[0], &lens[0], &why);
            CHECK_STATUS(node_ask(&b, &gathered_case, pins, 2, &answers[1], &lens[1], &why),
                         status);
            CHECK_BYTES(bytes_of(answers[0], lens[0]), bytes_of(answers[1], lens[1]));
            free(answers[0]);
            free(answers[1]);
        }
        holder_close(&a);
        holder_close(&b);
        gathered_end();
    }
}

/* A response that came before what it names, which is in a log that came last. */
Test(case_gather, finds_what_names_an_event_that_came_later) {
    struct node node;
    gathered_begin(LOGS);
    gathered_say(1, WORLD_CLERK, "failure.alleged",
                 "{" CASE_MEMBERS
                 ",'party':'officer','occurred':'2025-12-01','reported':'2025-12-02'}");
    gathered_say(0, WORLD_CLERK, "response.appended",
                 world_text(&histories[0].world, "{'by':'agency','event':%s,'ori':'" WORLD_ORI "'}",
                            gathered_reference(0, 1, WORLD_START)));
    gathered_say(2, WORLD_BOARD, "response.appended",
                 world_text(&histories[2].world,
                            "{'by':'oversight','event':%s,'ori':'" WORLD_ORI "'}",
                            gathered_reference(2, 0, WORLD_START)));
    holder_open(&node, one_way);
    while (node.sizes[2] < histories[2].count) {
        holder_take(&node, 2, true);
    }
    while (node.sizes[0] < histories[0].count) {
        holder_take(&node, 0, true);
    }
    uint8_t *none;
    size_t len = 0;
    struct refusal why;
    CHECK_STATUS(node_ask(&node, &gathered_case, NULL, 0, &none, &len, &why), STATUS_NOT_FOUND);
    while (node.sizes[1] < histories[1].count) {
        holder_take(&node, 1, true);
    }
    char *answer = node_answer(&node, NULL, 0);
    cr_assert_not_null(strstr(answer, "\"by\":\"oversight\""), "%s",
                       answer); /* names the response */
    cr_assert_not_null(strstr(answer, "\"left_out\":[]"));
    free(answer);
    holder_close(&node);
    gathered_end();
}

Test(case_gather, shows_what_a_quorum_checkpoint_covers_and_no_more) {
    struct node node;
    uint8_t *answer;
    size_t len = 0;
    struct refusal why;
    gathered_begin(LOGS);
    gathered_say(0, WORLD_CLERK, "failure.alleged",
                 "{" CASE_MEMBERS
                 ",'party':'officer','occurred':'2025-12-01','reported':'2025-12-02'}");
    gathered_say(0, WORLD_CLERK, "investigation.opened",
                 "{" CASE_MEMBERS ",'party':'officer','opened':'2025-12-03'}");
    holder_open(&node, one_way);
    while (node.sizes[0] < WORLD_START) {
        holder_take(&node, 0, false);
    }
    holder_take(&node, 0, true);
    holder_take(&node, 0, false); /* stored and judged */
    char *text = node_answer(&node, NULL, 0);
    cr_assert_not_null(strstr(text, "\"size\":8}"), "%s", text);
    cr_assert_null(strstr(text, "investigation.opened"));
    free(text);
    const struct case_pin beyond = gathered_pin(0, WORLD_START + 2);
    CHECK_STATUS(node_ask(&node, &gathered_case, &beyond, 1, &answer, &len, &why),
                 STATUS_CONFLICT_SIZE);
    const struct case_pin elsewhere = {.id = {{1}}, .size = 1};
    CHECK_STATUS(node_ask(&node, &gathered_case, &elsewhere, 1, &answer, &len, &why),
                 STATUS_UNKNOWN_LOG);
    const struct case_pin before = gathered_pin(0, WORLD_START);
    CHECK_STATUS(node_ask(&node, &gathered_case, &before, 1, &answer, &len, &why),
                 STATUS_NOT_FOUND);
    holder_close(&node);
    gathered_end();
}

/* The first by their stamps are looked at, the case's own before what names them. */
Test(case_gather, leaves_out_what_is_too_much_and_says_how_much) {
    struct node node;
    gathered_begin(LOGS);
    gathered_say(0, WORLD_CLERK, "failure.alleged",
                 "{" CASE_MEMBERS
                 ",'party':'officer','occurred':'2025-12-01','reported':'2025-12-02'}");
    const char *about = gathered_reference(0, 0, WORLD_START);
    for (size_t i = 0; i < CASE_EVENTS_MAX + 5; i++) {
        gathered_say(0, WORLD_CLERK, "response.appended",
                     world_text(&histories[0].world,
                                "{'by':'agency','event':%s,'ori':'" WORLD_ORI "'}", about));
    }
    gathered_say(0, WORLD_CLERK, "investigation.opened",
                 "{" CASE_MEMBERS ",'party':'officer','opened':'2025-12-03'}");
    holder_open(&node, one_way);
    while (node.sizes[0] < histories[0].count) {
        holder_take(&node, 0, node.sizes[0] + 1 == histories[0].count);
    }
    char *answer = node_answer(&node, NULL, 0);
    cr_assert_not_null(strstr(answer, "\"left_out\":[{\"count\":7,\"role\":\"agency\"}]"));
    cr_assert_not_null(strstr(answer, "investigation.opened"));
    size_t events = 0;
    for (const char *at = answer; (at = strstr(at, "\"standing\":")) != NULL; at++) {
        events++;
    }
    cr_assert_eq(events, CASE_EVENTS_MAX);
    free(answer);
    holder_close(&node);
    gathered_end();
}
