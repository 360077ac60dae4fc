#include "tools/import_send.h"

#include "ledger/limits.h"
#include "tools/fetch.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TIMEOUT_MS 60000
#define ANSWER_MAX (4u << 20)
#define SLOTS 3 /* batches on their way: two wait for their quorum while one is verified */
#define POLL_MS 4

/* A batch on its way, and the thread that brings it there. */
struct slot {
    struct import_sender *sender;
    struct fetcher *fetcher; /* the thread's while it runs */
    pthread_t thread;
    bool running;
    struct import_batch batch;
    enum status status;
    struct refusal why;
    struct import_denial denial;
};

struct import_sender {
    const char *node;
    char issuer_path[NAME_SIZE_MAX + 16];
    uint64_t wait_s;
    struct slot slots[SLOTS];
    size_t next;          /* the slot of the next batch: the oldest that runs, if all do */
    atomic_ullong logged; /* the largest seq of which it is known that the log has it */
    atomic_bool failed;   /* a batch ended otherwise: those behind it are not sent */
    enum status status;   /* of the first that failed, once it is known */
    struct refusal why;
    struct import_denial denial; /* that it failed by, if it was that */
};

bool import_batch_add(struct import_batch *batch, uint64_t seq, struct bytes note) {
    uint8_t len[2] = {(uint8_t)(note.len >> 8), (uint8_t)note.len};
    if (batch->count == IMPORT_BATCH_EVENTS_MAX ||
        batch->body.len + sizeof len + note.len > IMPORT_BATCH_SIZE_MAX ||
        buffer_append(&batch->body, bytes_of(len, sizeof len)) != STATUS_OK) {
        return false;
    }
    if (buffer_append(&batch->body, note) != STATUS_OK) {
        batch->body.len -= sizeof len;
        return false;
    }
    batch->first = batch->count == 0 ? seq : batch->first;
    batch->count++;
    return true;
}

/* --- the threads --- */

/* The log has all up to this seq. */
static void raise(struct import_sender *sender, uint64_t seq) {
    unsigned long long before = atomic_load(&sender->logged);
    while (before < seq && !atomic_compare_exchange_weak(&sender->logged, &before, seq)) {
    }
}

/* For good: 4xx but 429. What names a member is about what the event says (specs/http.md); the rest
 * is about the key, its sequence or the log. */
static void deny(struct slot *s, uint64_t seq, json_int_t http, const char *error) {
    s->denial = (struct import_denial){
        .seq = seq,
        .content = (http == 400 || http == 403) && strncmp(error, "member ", 7) == 0,
    };
    snprintf(s->denial.text, sizeof s->denial.text, "%s", error);
}

/* One JSON line per event: how many from the front are logged; what the first other one says. */
static size_t read_lines(struct slot *s, struct bytes body, size_t count, bool *later) {
    struct reader r;
    struct bytes line;
    reader_init(&r, body);
    for (size_t i = 0; i < count; i++) {
        json_t *answer =
            reader_line(&r, &line) ? json_loadb((const char *)line.data, line.len, 0, NULL) : NULL;
        json_int_t http = json_integer_value(json_object_get(answer, "status"));
        const char *error = json_string_value(json_object_get(answer, "error"));
        bool good = http == 200 || http == 202;
        if (!good) {
            *later = answer == NULL || http == 429 || http == 503;
            s->status = refuse(&s->why, *later ? STATUS_BUSY : STATUS_DENIED_SCOPE,
                               "the event with seq %" PRIu64 " was answered with %lld: %s",
                               s->batch.first + i, (long long)http,
                               error != NULL ? error : "(the answer cannot be read)");
            if (!*later && error != NULL && http >= 400 && http < 500) {
                deny(s, s->batch.first + i, http, error);
            }
        }
        json_decref(answer);
        if (!good) {
            return i;
        }
    }
    return count;
}

/* Drops the notes from the front that are logged. */
static void drop(struct import_batch *batch, size_t count) {
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        at += 2 + (((size_t)batch->body.data[at] << 8) | batch->body.data[at + 1]);
    }
    assert(count <= batch->count && at <= batch->body.len);
    buffer_consume(&batch->body, at);
    batch->first += count;
    batch->count -= count;
}

/* One request; true if it is to be tried again after so many seconds. */
static bool send_once(struct slot *s, uint64_t *pause_s) {
    const struct fetched *answer = NULL;
    struct fetch_request request = {.base = s->sender->node,
                                    .path = "/add",
                                    .content_type = "application/octet-stream",
                                    .body = buffer_view(&s->batch.body),
                                    .response_max = ANSWER_MAX,
                                    .timeout_ms = TIMEOUT_MS};
    *pause_s = 1;
    s->status = fetch(s->fetcher, &request, &answer, &s->why);
    if (s->status != STATUS_OK) {
        return true; /* perhaps all of it is logged: sending it again says */
    }
    *pause_s = answer->retry_after_s > 0 ? answer->retry_after_s : 1;
    if (strncmp(answer->content_type, "application/x-ndjson", 20) != 0) {
        struct bytes body = buffer_view(&answer->body);
        bool later = fetch_try_later(answer->http);
        s->status =
            refuse(&s->why, later ? STATUS_BUSY : STATUS_DENIED_SCOPE, "the node answered %u: %.*s",
                   answer->http, (int)(body.len < 160 ? body.len : 160), body.data);
        return later;
    }
    bool later = false;
    size_t logged = read_lines(s, buffer_view(&answer->body), s->batch.count, &later);
    if (logged > 0) {
        raise(s->sender, s->batch.first + logged - 1);
        drop(&s->batch, logged);
    }
    return later;
}

static uint64_t now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec;
}

static void pause_ms(uint64_t ms) {
    struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

/* Asks the log how far this key's events are in it: committed, perhaps without a quorum yet. */
static void ask_logged(struct slot *s) {
    const struct fetched *answer = NULL;
    struct refusal ignored;
    struct fetch_request request = {.base = s->sender->node,
                                    .path = s->sender->issuer_path,
                                    .response_max = 65536,
                                    .timeout_ms = TIMEOUT_MS};
    if (fetch(s->fetcher, &request, &answer, &ignored) != STATUS_OK || answer->http != 200) {
        return;
    }
    json_t *root = json_loadb((const char *)answer->body.data, answer->body.len, 0, NULL);
    json_int_t seq = json_integer_value(json_object_get(root, "seq"));
    raise(s->sender, seq > 0 ? (uint64_t)seq : 0);
    json_decref(root);
}

/* A batch follows the one before as soon as that is committed, not only when a quorum holds it:
 * until then its first event would not be the next. False: one before it failed. */
static bool wait_for_turn(struct slot *s) {
    while (!atomic_load(&s->sender->failed)) {
        if (atomic_load(&s->sender->logged) + 1 >= s->batch.first) {
            return true;
        }
        pause_ms(POLL_MS);
        if (atomic_load(&s->sender->logged) + 1 < s->batch.first) {
            ask_logged(s);
        }
    }
    return false;
}

static void deliver(struct slot *s) {
    uint64_t until = now_s() + s->sender->wait_s;
    for (;;) {
        uint64_t pause_s = 0;
        size_t before = s->batch.count;
        if (!send_once(s, &pause_s) || now_s() >= until) {
            return;
        }
        if (s->batch.count < before) { /* it goes on, if slowly */
            until = now_s() + s->sender->wait_s;
        }
        pause_ms((pause_s < 60 ? pause_s : 60) * 1000);
    }
}

static void *run(void *context) {
    struct slot *s = context;
    if (wait_for_turn(s)) {
        deliver(s);
    } else {
        s->status = refuse(&s->why, STATUS_BUSY, "a batch before was not logged");
    }
    if (s->status != STATUS_OK) {
        atomic_store(&s->sender->failed, true);
    }
    return NULL;
}

/* --- the other side --- */

enum status import_sender_open(const char *node, const char *issuer, uint64_t wait_s,
                               struct import_sender **out, struct refusal *why) {
    struct import_sender *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    s->node = node;
    s->wait_s = wait_s;
    snprintf(s->issuer_path, sizeof s->issuer_path, "/issuer/%s", issuer);
    for (size_t i = 0; i < SLOTS; i++) {
        s->slots[i].sender = s;
        buffer_init(&s->slots[i].batch.body, IMPORT_BATCH_SIZE_MAX);
        if (fetcher_open(&s->slots[i].fetcher) != STATUS_OK) {
            import_sender_close(s);
            return refuse(why, STATUS_NOMEM, "out of memory");
        }
    }
    *out = s;
    return STATUS_OK;
}

/* Waits for the slot's batch. Slots end in the order of their batches, so that the first failure is
 * the one that counts. */
static void collect(struct import_sender *s, struct slot *slot) {
    if (!slot->running) {
        return;
    }
    int error = pthread_join(slot->thread, NULL);
    assert(error == 0);
    slot->running = false;
    if (slot->status != STATUS_OK && s->status == STATUS_OK) {
        s->status = refuse(&s->why, slot->status, "%s", slot->why.text);
        s->denial = slot->denial;
    }
}

static enum status told(const struct import_sender *s, struct refusal *why) {
    return s->status == STATUS_OK ? STATUS_OK : refuse(why, s->status, "%s", s->why.text);
}

enum status import_send_end(struct import_sender *s, struct refusal *why) {
    for (size_t i = 0; i < SLOTS; i++) {
        collect(s, &s->slots[(s->next + i) % SLOTS]);
    }
    return told(s, why);
}

const struct import_denial *import_send_denial(const struct import_sender *s) {
    return &s->denial;
}

void import_send_anew(struct import_sender *s, uint64_t seq) {
    s->status = STATUS_OK;
    s->denial.seq = 0;
    s->next = 0;
    atomic_store(&s->failed, false);
    atomic_store(&s->logged, seq - 1);
}

enum status import_send(struct import_sender *s, struct import_batch *batch, struct refusal *why) {
    struct slot *slot = &s->slots[s->next];
    collect(s, slot);
    TRY(told(s, why));
    if (atomic_load(&s->logged) == 0) { /* the first: what is before it, the log has */
        raise(s, batch->first - 1);
    }
    struct buffer empty = slot->batch.body;
    empty.len = 0;
    slot->batch = *batch;
    slot->status = STATUS_OK;
    slot->denial.seq = 0;
    *batch = (struct import_batch){.body = empty};
    if (pthread_create(&slot->thread, NULL, run, slot) != 0) {
        return refuse(why, STATUS_NOMEM, "no thread can be made");
    }
    slot->running = true;
    s->next = (s->next + 1) % SLOTS;
    return STATUS_OK;
}

void import_sender_close(struct import_sender *s) {
    if (s == NULL) {
        return;
    }
    struct refusal ignored;
    enum status status = import_send_end(s, &ignored);
    (void)status; /* whoever wants it asks before */
    for (size_t i = 0; i < SLOTS; i++) {
        fetcher_close(s->slots[i].fetcher);
        buffer_clear(&s->slots[i].batch.body);
    }
    free(s);
}
