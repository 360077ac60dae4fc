/* Cases gathered from stores: the same bytes wherever the same is named, in whatever order the logs
 * arrived; which revocations bind; what is looked at and what not. */
#include "ledger/case.h"
#include "ledger/publish_parts.h"
#include "ledger/store_memory.h"
#include "ledger/tree.h"
#include "tests/lib/check.h"
#include "tests/lib/world.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOGS 3
#define ENTRIES 1100
#define HEX "070000000000000000000000000000aa"
#define CASE_MEMBERS "'basis':'live','case':'" HEX "','ori':'" WORLD_ORI "','party':'officer'"

static const uint8_t handle[HANDLE_SIZE] = {7, [15] = 0xaa};

/* A log as its host wrote it. */
static struct history {
    struct world world;
    uint8_t *entries[ENTRIES];
    size_t lens[ENTRIES];
    size_t count;
} histories[LOGS];

/* What a node holds of them, under its own numbers. */
struct node {
    struct store *store;
    struct log logs[LOGS];
    uint64_t sizes[LOGS];
};

static uint64_t clock_ms;
static uint64_t state = 88172645463325252u;

static uint64_t roll(uint64_t sides) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % sides;
}

static void add_entry(size_t log, struct bytes note) {
    struct history *h = &histories[log];
    struct writer w;
    cr_assert_lt(h->count, ENTRIES);
    h->entries[h->count] = malloc(note.len + 64);
    writer_init(&w, h->entries[h->count], note.len + 64);
    entry_format(&w, clock_ms, note);
    h->lens[h->count++] = w.len;
    clock_ms += 1000;
}

static void say(size_t log, enum world_who who, const char *kind, const char *open) {
    struct world *w = &histories[log].world;
    add_entry(log,
              world_event(w, &(struct world_event){.issuer = who, .kind = kind, .open = open}));
}

/* Every history of the same people: their keys come of their names. */
static void begin(void) {
    static const char *const origins[LOGS] = {"agency.example/log", "court.example/log",
                                              "state.example/log"};
    clock_ms = WORLD_TIME_MS;
    for (size_t i = 0; i < LOGS; i++) {
        struct bytes start[WORLD_START];
        histories[i].count = 0;
        world_init(&histories[i].world, origins[i]);
        world_start(&histories[i].world, start);
        for (size_t j = 0; j < WORLD_START; j++) {
            add_entry(i, start[j]);
        }
    }
}

static void end(void) {
    for (size_t i = 0; i < LOGS; i++) {
        for (size_t j = 0; j < histories[i].count; j++) {
            free(histories[i].entries[j]);
        }
        world_release(&histories[i].world);
    }
}

static void node_open(struct node *node, const size_t order[LOGS]) {
    struct store_txn *txn;
    memset(node, 0, sizeof *node);
    CHECK_OK(store_memory_open(NULL, &node->store));
    CHECK_OK(store_begin(node->store, STORE_WRITE, &txn));
    for (size_t i = 0; i < LOGS; i++) {
        size_t log = order[i];
        CHECK_OK(
            logs_register(txn, &histories[log].world.log.vkey, LOG_EVENTS, &node->logs[log], NULL));
    }
    CHECK_OK(store_commit(txn));
}

/* The next entry arrives, is stored and judged; a checkpoint of it is kept. */
static void node_take(struct node *node, size_t log, bool keep) {
    struct store_txn *txn;
    struct batch *batch = calloc(1, sizeof *batch);
    uint64_t judged = 0;
    uint64_t index = node->sizes[log]++;
    struct bytes entry = bytes_of(histories[log].entries[index], histories[log].lens[index]);
    struct append_job job;
    struct job *list = &job.job;
    append_job_init(&job);
    job.log = &node->logs[log];
    job.entries = &entry;
    job.count = 1;
    cr_assert_not_null(batch);
    CHECK_OK(batch_run(node->store, batch, &list, 1));
    free(batch);
    CHECK_OK(store_begin(node->store, STORE_WRITE, &txn));
    CHECK_OK(judge_advance(txn, &node->logs[log], index + 1, 1, NULL, 0, &judged));
    if (keep) {
        struct published at = {.size = index + 1,
                               .quorum_time = WORLD_TIME_MS / 1000 + index * 20,
                               .note = bytes_text("a checkpoint")};
        CHECK_OK(publish_keep(txn, node->logs[log].number, &at));
    }
    CHECK_OK(store_commit(txn));
}

/* All of it, the logs in turn as chance has it; of checkpoints all are kept, or some. */
static void node_take_all(struct node *node, bool all) {
    size_t left = 0;
    for (size_t i = 0; i < LOGS; i++) {
        left += histories[i].count;
    }
    while (left > 0) {
        size_t log = roll(LOGS);
        if (node->sizes[log] < histories[log].count) {
            bool last = node->sizes[log] + 1 == histories[log].count;
            node_take(node, log, all || last || roll(3) == 0);
            left--;
        }
    }
}

/* The answer, from malloc; its length. NULL with the status. */
static enum status ask(struct node *node, const struct case_pin *pins, size_t pin_count,
                       uint8_t **answer, size_t *len, struct refusal *why) {
    struct store_txn *txn;
    struct case_view *view = malloc(sizeof *view);
    struct case_memory *memory = malloc(sizeof *memory);
    const struct case_ask asked = {.named = pins, .named_count = pin_count};
    cr_assert(view != NULL && memory != NULL);
    CHECK_OK(store_begin(node->store, STORE_READ, &txn));
    case_init(view, (const uint8_t *)WORLD_ORI, handle);
    enum status status = case_gather(txn, &asked, memory, view, why);
    *answer = NULL;
    if (status == STATUS_OK) {
        struct writer w;
        case_judge(view);
        size_t max = case_write_max(view);
        *answer = malloc(max);
        cr_assert_not_null(*answer);
        writer_init(&w, *answer, max);
        CHECK_OK(case_write(view, &w));
        *len = w.len;
    }
    case_release(view);
    store_abort(txn);
    free(memory);
    free(view);
    return status;
}

static char *answer_of(struct node *node, const struct case_pin *pins, size_t pin_count) {
    uint8_t *answer;
    size_t len = 0;
    struct refusal why = {.text = ""};
    enum status status = ask(node, pins, pin_count, &answer, &len, &why);
    cr_assert_eq(status, STATUS_OK, "%s", why.text);
    answer[len - 1] = '\0'; /* over the newline */
    return (char *)answer;
}

static struct case_pin pin(size_t log, uint64_t size) {
    struct case_pin out = {.size = size};
    struct bytes origin = vkey_name(&histories[log].world.log.vkey);
    hash_of(origin.data, origin.len, &out.id);
    return out;
}

/* What an event of a log says of another, or of its own. */
static const char *reference(size_t from, size_t log, size_t index) {
    struct event event;
    struct bytes note;
    uint64_t stamp = 0;
    CHECK_OK(entry_parse(bytes_of(histories[log].entries[index], histories[log].lens[index]),
                         &stamp, &note, NULL));
    CHECK_OK(event_parse(note, &event, NULL));
    char hex[2 * HASH_SIZE + 1];
    for (size_t i = 0; i < HASH_SIZE; i++) {
        snprintf(hex + 2 * i, 3, "%02x", event.id.bytes[i]);
    }
    const char *text =
        world_text(&histories[from].world, "{'id':'%s','issuer':'%.*s','log':'%.*s','seq':%llu}",
                   hex, (int)event.issuer.len, (const char *)event.issuer.data, (int)event.log.len,
                   (const char *)event.log.data, (unsigned long long)event.seq);
    event_release(&event);
    return text;
}

/* Some event of a case or about one, by chance. */
static void say_something(void) {
    static const enum world_who people[] = {WORLD_CLERK, WORLD_AGENCY, WORLD_BOARD, WORLD_COURT,
                                            WORLD_POST};
    size_t log = roll(LOGS);
    struct world *w = &histories[log].world;
    enum world_who who = people[roll(5)];
    size_t other = (log + 1 + roll(2)) % LOGS; /* of one's own log acceptance asks more */
    const char *about = reference(log, other, 2 + roll(histories[other].count - 2));
    switch (roll(8)) {
    case 0:
        say(log, who, "failure.alleged",
            "{" CASE_MEMBERS ",'occurred':'2025-12-01','reported':'2025-12-02'}");
        break;
    case 1:
    case 2:
        say(log, who, "finding.final",
            world_text(w,
                       "{" CASE_MEMBERS ",'decided':'2025-12-0%u','decided_by':'chief',"
                       "'disposition':'sustained'}",
                       3 + (unsigned)roll(3)));
        break;
    case 3:
        say(log, who, "discipline.imposed",
            "{" CASE_MEMBERS ",'decided_by':'chief','discipline':[{'code':'training'}],"
            "'imposed':'2025-12-08'}");
        break;
    case 4:
        say(log, who, "finding.reversed",
            world_text(w,
                       "{" CASE_MEMBERS ",'decided':'2025-12-09','decided_by':'chief',"
                       "'event':%s}",
                       about));
        break;
    case 5:
        say(log, who, "correction",
            world_text(w, "{'event':%s,'ori':'" WORLD_ORI "','what':'wrong_code'}", about));
        break;
    default:
        say(log, who, "response.appended",
            world_text(w, "{'by':'agency','event':%s,'ori':'" WORLD_ORI "'}", about));
    }
}

static const size_t one_way[LOGS] = {0, 1, 2};
static const size_t other_way[LOGS] = {2, 0, 1};

Test(case_gather, is_the_same_in_whatever_order_logs_arrive) {
    for (unsigned round = 0; round < 12; round++) {
        struct node a;
        struct node b;
        begin();
        say(0, WORLD_CLERK, "failure.alleged",
            "{" CASE_MEMBERS ",'occurred':'2025-12-01','reported':'2025-12-02'}");
        for (unsigned i = 0; i < 60; i++) {
            if (round % 2 == 1 && i == 30) { /* a key that all logs know: in one of them */
                add_entry(2, world_revoke(&histories[2].world, WORLD_AGENCY, WORLD_CLERK));
            }
            say_something();
        }
        node_open(&a, one_way);
        node_open(&b, other_way);
        node_take_all(&a, true);
        node_take_all(&b, false);
        char *of_a = answer_of(&a, NULL, 0);
        char *of_b = answer_of(&b, NULL, 0);
        cr_assert_str_eq(of_a, of_b);
        cr_assert_not_null(strstr(of_a, "\"superseded\""));
        cr_assert((round % 2 == 1) == (strstr(of_a, "\"revocations\":[]") == NULL));
        free(of_a);
        free(of_b);
        /* At earlier sizes, and of one log alone. */
        for (size_t log = 0; log < LOGS; log++) {
            const struct case_pin pins[] = {pin(log, histories[log].count - roll(5)),
                                            pin((log + 1) % LOGS, WORLD_START + roll(9))};
            uint8_t *answers[2];
            size_t lens[2] = {0, 0};
            struct refusal why;
            enum status status = ask(&a, pins, 2, &answers[0], &lens[0], &why);
            CHECK_STATUS(ask(&b, pins, 2, &answers[1], &lens[1], &why), status);
            CHECK_BYTES(bytes_of(answers[0], lens[0]), bytes_of(answers[1], lens[1]));
            free(answers[0]);
            free(answers[1]);
        }
        store_memory_close(a.store);
        store_memory_close(b.store);
        end();
    }
}

/* A response that came before what it names, which is in a log that came last. */
Test(case_gather, finds_what_names_an_event_that_came_later) {
    struct node node;
    begin();
    say(1, WORLD_CLERK, "failure.alleged",
        "{" CASE_MEMBERS ",'occurred':'2025-12-01','reported':'2025-12-02'}");
    say(0, WORLD_CLERK, "response.appended",
        world_text(&histories[0].world, "{'by':'agency','event':%s,'ori':'" WORLD_ORI "'}",
                   reference(0, 1, WORLD_START)));
    say(2, WORLD_BOARD, "response.appended",
        world_text(&histories[2].world, "{'by':'oversight','event':%s,'ori':'" WORLD_ORI "'}",
                   reference(2, 0, WORLD_START)));
    node_open(&node, one_way);
    while (node.sizes[2] < histories[2].count) {
        node_take(&node, 2, true);
    }
    while (node.sizes[0] < histories[0].count) {
        node_take(&node, 0, true);
    }
    uint8_t *none;
    size_t len = 0;
    struct refusal why;
    CHECK_STATUS(ask(&node, NULL, 0, &none, &len, &why), STATUS_NOT_FOUND);
    while (node.sizes[1] < histories[1].count) {
        node_take(&node, 1, true);
    }
    char *answer = answer_of(&node, NULL, 0);
    cr_assert_not_null(strstr(answer, "\"by\":\"oversight\""), "%s",
                       answer); /* names the response */
    cr_assert_not_null(strstr(answer, "\"left_out\":[]"));
    free(answer);
    store_memory_close(node.store);
    end();
}

Test(case_gather, shows_what_a_quorum_checkpoint_covers_and_no_more) {
    struct node node;
    uint8_t *answer;
    size_t len = 0;
    struct refusal why;
    begin();
    say(0, WORLD_CLERK, "failure.alleged",
        "{" CASE_MEMBERS ",'occurred':'2025-12-01','reported':'2025-12-02'}");
    say(0, WORLD_CLERK, "investigation.opened", "{" CASE_MEMBERS ",'opened':'2025-12-03'}");
    node_open(&node, one_way);
    while (node.sizes[0] < WORLD_START) {
        node_take(&node, 0, false);
    }
    node_take(&node, 0, true);
    node_take(&node, 0, false); /* stored and judged */
    char *text = answer_of(&node, NULL, 0);
    cr_assert_not_null(strstr(text, "\"size\":8}"), "%s", text);
    cr_assert_null(strstr(text, "investigation.opened"));
    free(text);
    const struct case_pin beyond = pin(0, WORLD_START + 2);
    CHECK_STATUS(ask(&node, &beyond, 1, &answer, &len, &why), STATUS_CONFLICT_SIZE);
    const struct case_pin elsewhere = {.id = {{1}}, .size = 1};
    CHECK_STATUS(ask(&node, &elsewhere, 1, &answer, &len, &why), STATUS_UNKNOWN_LOG);
    const struct case_pin before = pin(0, WORLD_START);
    CHECK_STATUS(ask(&node, &before, 1, &answer, &len, &why), STATUS_NOT_FOUND);
    store_memory_close(node.store);
    end();
}

/* The first by their stamps are looked at, the case's own before what names them. */
Test(case_gather, leaves_out_what_is_too_much_and_says_how_much) {
    struct node node;
    begin();
    say(0, WORLD_CLERK, "failure.alleged",
        "{" CASE_MEMBERS ",'occurred':'2025-12-01','reported':'2025-12-02'}");
    const char *about = reference(0, 0, WORLD_START);
    for (size_t i = 0; i < CASE_EVENTS_MAX + 5; i++) {
        say(0, WORLD_CLERK, "response.appended",
            world_text(&histories[0].world, "{'by':'agency','event':%s,'ori':'" WORLD_ORI "'}",
                       about));
    }
    say(0, WORLD_CLERK, "investigation.opened", "{" CASE_MEMBERS ",'opened':'2025-12-03'}");
    node_open(&node, one_way);
    while (node.sizes[0] < histories[0].count) {
        node_take(&node, 0, node.sizes[0] + 1 == histories[0].count);
    }
    char *answer = answer_of(&node, NULL, 0);
    cr_assert_not_null(strstr(answer, "\"left_out\":[{\"count\":7,\"role\":\"agency\"}]"));
    cr_assert_not_null(strstr(answer, "investigation.opened"));
    size_t events = 0;
    for (const char *at = answer; (at = strstr(at, "\"standing\":")) != NULL; at++) {
        events++;
    }
    cr_assert_eq(events, CASE_EVENTS_MAX);
    free(answer);
    store_memory_close(node.store);
    end();
}
