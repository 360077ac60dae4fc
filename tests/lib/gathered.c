#include "tests/lib/gathered.h"

#include "ledger/publish_parts.h"
#include "ledger/store_memory.h"
#include "ledger/tree.h"
#include "tests/lib/check.h"
#include "tests/lib/keys.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct asked gathered_case = {.ori = WORLD_ORI, .handle = {7, [15] = 0xaa}};
struct history histories[GATHERED_LOGS];
static size_t log_count;
static uint64_t clock_ms;
static uint64_t state = 88172645463325252u;

uint64_t gathered_roll(uint64_t sides) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % sides;
}

void gathered_add(size_t log, struct bytes note) {
    struct history *h = &histories[log];
    struct writer w;
    cr_assert_lt(h->count, GATHERED_ENTRIES);
    h->entries[h->count] = malloc(note.len + 64);
    writer_init(&w, h->entries[h->count], note.len + 64);
    entry_format(&w, clock_ms, note);
    h->lens[h->count++] = w.len;
    clock_ms += 1000;
}

void gathered_say(size_t log, enum world_who who, const char *kind, const char *open) {
    struct world *w = &histories[log].world;
    gathered_add(log,
                 world_event(w, &(struct world_event){.issuer = who, .kind = kind, .open = open}));
}

static void start(size_t log) {
    struct bytes notes[WORLD_START];
    world_start(&histories[log].world, notes);
    for (size_t j = 0; j < WORLD_START; j++) {
        gathered_add(log, notes[j]);
    }
}

void gathered_begin(size_t count) {
    static const char *const origins[] = {"agency.example/log", "court.example/log",
                                          "state.example/log"};
    char other[32];
    cr_assert_leq(count, GATHERED_LOGS);
    clock_ms = WORLD_TIME_MS;
    log_count = count;
    for (size_t i = 0; i < count; i++) {
        snprintf(other, sizeof other, "town-%02zu.example/log", i);
        histories[i].count = 0;
        world_init(&histories[i].world,
                   i < sizeof origins / sizeof origins[0] ? origins[i] : other);
        start(i);
    }
}

static void release(size_t log) {
    for (size_t j = 0; j < histories[log].count; j++) {
        free(histories[log].entries[j]);
    }
    histories[log].count = 0;
}

void gathered_end(void) {
    for (size_t i = 0; i < log_count; i++) {
        release(i);
        world_release(&histories[i].world);
    }
}

void gathered_own_roots(size_t log) {
    struct world *w = &histories[log].world;
    char name[64];
    char origin[NAME_SIZE_MAX + 1];
    snprintf(origin, sizeof origin, "%s", w->log.vkey.name);
    release(log);
    world_release(w);
    world_init(w, origin);
    for (int i = WORLD_ROOT_1; i <= WORLD_ROOT_3; i++) {
        snprintf(name, sizeof name, "own-root-%d", i);
        w->people[i] = test_signer(name, VKEY_NOTE);
    }
    start(log);
}

void holder_open(struct node *node, const size_t *order) {
    struct store_txn *txn;
    memset(node, 0, sizeof *node);
    CHECK_OK(store_memory_open(NULL, &node->store));
    CHECK_OK(store_begin(node->store, STORE_WRITE, &txn));
    for (size_t i = 0; i < log_count; i++) {
        size_t log = order != NULL ? order[i] : i;
        CHECK_OK(
            logs_register(txn, &histories[log].world.log.vkey, LOG_EVENTS, &node->logs[log], NULL));
    }
    CHECK_OK(store_commit(txn));
}

void holder_close(struct node *node) {
    store_memory_close(node->store);
}

void holder_take(struct node *node, size_t log, bool keep) {
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
        struct bytes note;
        uint64_t stamp_ms = 0;
        CHECK_OK(entry_parse(entry, &stamp_ms, &note, NULL));
        struct published at = {.size = index + 1,
                               .quorum_time = stamp_ms / 1000 + 20,
                               .note = bytes_text("a checkpoint")};
        CHECK_OK(publish_keep(txn, node->logs[log].number, &at));
    }
    CHECK_OK(store_commit(txn));
}

void holder_take_all(struct node *node, bool all) {
    size_t left = 0;
    for (size_t i = 0; i < log_count; i++) {
        left += histories[i].count;
    }
    while (left > 0) {
        size_t log = gathered_roll(log_count);
        if (node->sizes[log] < histories[log].count) {
            bool last = node->sizes[log] + 1 == histories[log].count;
            holder_take(node, log, all || last || gathered_roll(3) == 0);
            left--;
        }
    }
}

enum status node_ask(struct node *node, const struct asked *asked, const struct case_pin *named,
                     size_t named_count, uint8_t **answer, size_t *len, struct refusal *why) {
    struct store_txn *txn;
    struct case_view *view = malloc(sizeof *view);
    struct case_memory *memory = malloc(sizeof *memory);
    const struct case_ask ask = {.authorities = node->pins,
                                 .authority_count = node->pin_count,
                                 .named = named,
                                 .named_count = named_count};
    cr_assert(view != NULL && memory != NULL);
    CHECK_OK(store_begin(node->store, STORE_READ, &txn));
    case_init(view, (const uint8_t *)asked->ori, asked->handle);
    enum status status = case_gather(txn, &ask, memory, view, why);
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

char *node_answer(struct node *node, const struct case_pin *named, size_t named_count) {
    uint8_t *answer;
    size_t len = 0;
    struct refusal why = {.text = ""};
    enum status status = node_ask(node, &gathered_case, named, named_count, &answer, &len, &why);
    cr_assert_eq(status, STATUS_OK, "%s", why.text);
    answer[len - 1] = '\0'; /* over the newline */
    return (char *)answer;
}

struct case_pin gathered_pin(size_t log, uint64_t size) {
    struct case_pin out = {.size = size};
    struct bytes origin = vkey_name(&histories[log].world.log.vkey);
    hash_of(origin.data, origin.len, &out.id);
    return out;
}

const char *gathered_reference(size_t from, size_t log, size_t index) {
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

const char *gathered_last(size_t from, size_t log) {
    return gathered_reference(from, log, histories[log].count - 1);
}

void node_take_in_turn(struct node *node) {
    for (size_t log = 0; log < log_count; log++) {
        while (node->sizes[log] < histories[log].count) {
            holder_take(node, log, node->sizes[log] + 1 == histories[log].count);
        }
    }
}

size_t count_of(const char *text, const char *what) {
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++) {
        count++;
    }
    return count;
}
