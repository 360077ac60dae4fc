#include "tools/import_send.h"

#include "tools/fetch.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TIMEOUT_MS 60000
#define ANSWER_MAX (4u << 20)

struct import_sender {
    const char *node;
    uint64_t wait_s;
    struct fetcher *fetcher; /* the thread's while it runs */
    pthread_t thread;
    bool running;
    struct import_batch batch;
    uint64_t sent;
    enum status status;
    struct refusal why;
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

/* --- the thread --- */

/* One JSON line per event: how many from the front are logged; what the first other one says. */
static size_t read_lines(struct import_sender *s, struct bytes body, size_t count, bool *later) {
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
static bool send_once(struct import_sender *s, uint64_t *pause_s) {
    const struct fetched *answer = NULL;
    struct fetch_request request = {.base = s->node,
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
        s->sent = s->batch.first + logged - 1;
        drop(&s->batch, logged);
    }
    return later;
}

static uint64_t now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec;
}

static void *run(void *context) {
    struct import_sender *s = context;
    uint64_t until = now_s() + s->wait_s;
    for (;;) {
        uint64_t pause_s = 0;
        uint64_t before = s->sent;
        if (!send_once(s, &pause_s) || now_s() >= until) {
            return NULL;
        }
        if (s->sent > before) { /* it goes on, if slowly */
            until = now_s() + s->wait_s;
        }
        struct timespec t = {.tv_sec = (time_t)(pause_s < 60 ? pause_s : 60)};
        nanosleep(&t, NULL);
    }
}

/* --- the other side --- */

enum status import_sender_open(const char *node, uint64_t wait_s, struct import_sender **out,
                               struct refusal *why) {
    struct import_sender *s = calloc(1, sizeof *s);
    if (s == NULL || fetcher_open(&s->fetcher) != STATUS_OK) {
        free(s);
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    s->node = node;
    s->wait_s = wait_s;
    s->status = STATUS_OK;
    buffer_init(&s->batch.body, IMPORT_BATCH_SIZE_MAX);
    *out = s;
    return STATUS_OK;
}

enum status import_send_end(struct import_sender *s, struct refusal *why) {
    if (s->running) {
        int error = pthread_join(s->thread, NULL);
        assert(error == 0);
        s->running = false;
    }
    if (s->status != STATUS_OK) {
        return refuse(why, s->status, "%s", s->why.text);
    }
    return STATUS_OK;
}

enum status import_send(struct import_sender *s, struct import_batch *batch, struct refusal *why) {
    TRY(import_send_end(s, why));
    struct buffer empty = s->batch.body;
    empty.len = 0;
    s->batch = *batch;
    *batch = (struct import_batch){.body = empty};
    if (pthread_create(&s->thread, NULL, run, s) != 0) {
        return refuse(why, STATUS_NOMEM, "no thread can be made");
    }
    s->running = true;
    return STATUS_OK;
}

uint64_t import_sent(const struct import_sender *s) {
    assert(!s->running);
    return s->sent;
}

void import_sender_close(struct import_sender *s) {
    if (s == NULL) {
        return;
    }
    struct refusal ignored;
    enum status status = import_send_end(s, &ignored);
    (void)status; /* whoever wants it asks before */
    fetcher_close(s->fetcher);
    buffer_clear(&s->batch.body);
    free(s);
}
