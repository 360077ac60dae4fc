/* What POST /add answers (specs/http.md): a receipt, a place to ask, or a refusal with what the
 * client needs to go on. */
#include "ledger/json.h"
#include "net/submit_call.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WASTE_EVENTS_MIN 16 /* fewer are freed faster than handed over */
/* A line of the answer: a refusal's text and a path at most. */
#define LINE_MAX_BYTES ((size_t)REFUSAL_TEXT_MAX * 6 + NAME_SIZE_MAX + 512)

static const char object_type[] = "application/json";
static const char lines_type[] = "application/x-ndjson";
static const char text_type[] = "text/plain; charset=utf-8";

/* The event's name and place: "/receipt/<issuer>/<seq>". */
static void receipt_path(const struct submit_call *call, size_t which, char *out, size_t cap) {
    const struct event *event = &call->submissions[which].event;
    int n = snprintf(out, cap, "/receipt/%.*s/%llu", (int)event->issuer.len, event->issuer.data,
                     (unsigned long long)event->seq);
    assert(n > 0 && (size_t)n < cap);
}

/* One line of JSON in its members' order, without jansson: of these there are a thousand in an
 * answer. */
#define ACCEPTED_LINE_MAX (NAME_SIZE_MAX + 64 + 160)

static struct bytes accepted_line(const struct submit_call *call, size_t which, unsigned http,
                                  uint8_t *memory) {
    const struct submit_result *result = &call->results[which];
    char path[NAME_SIZE_MAX + 64];
    struct writer w;
    receipt_path(call, which, path, sizeof path);
    writer_init(&w, memory, ACCEPTED_LINE_MAX);
    writer_text(&w, "{\"index\":");
    writer_decimal(&w, result->place.index);
    writer_text(&w, ",\"receipt\":");
    jcs_write_text(&w, bytes_text(path)); /* a key name needs no escapes */
    writer_text(&w, ",\"received\":");
    writer_decimal(&w, result->received_ms);
    writer_text(&w, ",\"status\":");
    writer_decimal(&w, http);
    writer_text(&w, "}\n");
    assert(!w.failed);
    return writer_view(&w);
}

static json_t *refused_json(const struct submit_call *call, size_t which) {
    const struct submit_result *result = &call->results[which];
    bool tried = result->status != STATUS_BUSY;
    json_t *line = json_pack("{s:s, s:i}", "error", result->why.text, "status",
                             (int)(tried ? answer_http(result->status) : 424));
    if (line != NULL && result->status == STATUS_CONFLICT_GAP) {
        char head[HASH_SIZE * 2];
        struct writer w;
        writer_init(&w, head, sizeof head);
        writer_hash_hex(&w, &result->place.head);
        json_object_set_new(line, "expected", json_integer((json_int_t)result->place.expected));
        if (result->place.expected > 1) {
            json_object_set_new(line, "head", json_stringn(head, sizeof head));
        }
    } else if (line != NULL && result->status == STATUS_CONFLICT_USED) {
        char path[NAME_SIZE_MAX + 64];
        receipt_path(call, which, path, sizeof path);
        json_object_set_new(line, "index", json_integer((json_int_t)result->place.index));
        json_object_set_new(line, "receipt", json_string(path));
    }
    return line;
}

/* The same for what was refused. Takes the object. */
static enum status append_refused(struct buffer *text, json_t *line) {
    char *dumped = line != NULL ? json_dumps(line, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(line);
    enum status status = STATUS_NOMEM;
    if (dumped != NULL) {
        status = buffer_append(text, bytes_text(dumped));
    }
    if (status == STATUS_OK) {
        status = buffer_append(text, bytes_text("\n"));
    }
    free(dumped);
    return status;
}

static enum status append_line(const struct submit_call *call, size_t which, unsigned http,
                               struct buffer *text) {
    uint8_t memory[ACCEPTED_LINE_MAX];
    if (call->results[which].status != STATUS_OK) {
        return append_refused(text, refused_json(call, which));
    }
    return buffer_append(text, accepted_line(call, which, http, memory));
}

/* Takes the buffer's memory. */
static void answer_json(struct submit_call *call, unsigned http, const char *type,
                        struct buffer *text) {
    size_t len = 0;
    uint8_t *data = buffer_take(text, &len);
    struct reply reply = {
        .http = http, .content_type = type, .body = bytes_of(data, len), .body_is = REPLY_TAKE};
    request_answer(call->request, &reply);
}

static void answer_line(struct submit_call *call, unsigned http) {
    struct buffer text;
    buffer_init(&text, LINE_MAX_BYTES);
    if (append_line(call, 0, http, &text) == STATUS_OK) {
        answer_json(call, http, object_type, &text);
    } else {
        buffer_clear(&text);
        request_answer_text(call->request, 503, "out of memory: ask for the receipt later");
    }
}

static void answer_receipt(struct submit_call *call) {
    const struct event *event = &call->submissions[0].event;
    struct node *node = call->node;
    struct refusal why = {.text = ""};
    struct store_txn *txn = NULL;
    bool pending = false;
    uint64_t index = 0;
    uint8_t *memory = malloc(RECEIPT_SIZE_MAX);
    struct writer w;
    enum status status = memory != NULL ? store_begin(node->store, STORE_READ, &txn) : STATUS_NOMEM;
    if (status == STATUS_OK) {
        writer_init(&w, memory, RECEIPT_SIZE_MAX);
        status = sequencer_receipt(txn, &node->own, event->issuer, event->seq, UINT64_MAX, &w,
                                   &pending, &index, &why);
        store_abort(txn);
    }
    if (status != STATUS_OK) {
        free(memory);
        answer_line(call, 202); /* it is held: only the receipt is wanting */
        return;
    }
    struct reply reply = {
        .http = 200, .content_type = text_type, .body = writer_view(&w), .body_is = REPLY_COPY};
    request_answer(call->request, &reply);
    free(memory);
}

static void answer_one(struct submit_call *call, bool published) {
    const struct submit_result *result = &call->results[0];
    if (result->status == STATUS_OK && published) {
        answer_receipt(call);
    } else if (result->status == STATUS_OK) {
        answer_line(call, 202);
    } else if (result->status == STATUS_CONFLICT_GAP || result->status == STATUS_CONFLICT_USED) {
        answer_line(call, 409);
    } else {
        request_refuse(call->request, &result->why);
    }
}

/* What was parsed, on its way to be freed by a worker: they allocated it, piece by piece, and take
 * the same pieces next; the loop would only spoil its own heap. */
struct waste {
    struct work work;
    struct submission *submissions;
    size_t count;
};

static void waste_run(struct work *work) {
    struct waste *waste = work->context;
    for (size_t i = 0; i < waste->count; i++) {
        submission_release(&waste->submissions[i]);
    }
    free(waste->submissions);
}

static void waste_done(struct work *work) {
    free(work->context);
}

static void release_submissions(struct submit_call *call) {
    struct waste *waste = call->count < WASTE_EVENTS_MIN ? NULL : malloc(sizeof *waste);
    if (waste != NULL) {
        *waste = (struct waste){
            .work = {.run = waste_run, .done = waste_done, .context = waste},
            .submissions = call->submissions,
            .count = call->count,
        };
        if (workers_submit(call->node->workers, &waste->work) == STATUS_OK) {
            return;
        }
        free(waste);
    }
    for (size_t i = 0; i < call->count; i++) {
        submission_release(&call->submissions[i]);
    }
    free(call->submissions);
}

void submit_release_events(struct submit_call *call) {
    if (call->submissions != NULL) {
        release_submissions(call);
    }
    free(call->results);
    free(call->entries);
    call->submissions = NULL;
    call->results = NULL;
    call->entries = NULL;
}

/* The end of each accepted event's line, as published and as not yet published: of one length, so
 * that one can be written over the other. No string in JSON holds an unescaped quote, so it stands
 * nowhere else. */
static const char published_end[] = "\"status\":200}\n";
static const char pending_end[] = "\"status\":202}\n";
static_assert(sizeof published_end == sizeof pending_end, "one is written over the other");

void submit_settle(struct submit_call *call) {
    if (!call->several) {
        return; /* one event: the receipt is made when it can be */
    }
    call->lines_whole = true;
    buffer_init(&call->lines, call->count * LINE_MAX_BYTES);
    for (size_t i = 0; i < call->count && call->lines_whole; i++) {
        call->lines_whole = append_line(call, i, 200, &call->lines) == STATUS_OK;
    }
    /* The refusal's own status only if nothing was committed: then the first event is the one
     * refused. */
    enum status first = call->results[0].status;
    call->refused_http = first == STATUS_OK ? 0 : answer_http(first);
    submit_release_events(call);
}

static void answer_several(struct submit_call *call, bool published) {
    if (!call->lines_whole) {
        request_answer_text(call->request, 503,
                            "out of memory: send the same again, it is not logged twice");
        return;
    }
    uint8_t *text = call->lines.data;
    size_t left = call->lines.len;
    uint8_t *end = published ? NULL : memmem(text, left, published_end, strlen(published_end));
    while (end != NULL) {
        memcpy(end, pending_end, strlen(pending_end));
        left -= (size_t)(end + strlen(pending_end) - text);
        text = end + strlen(pending_end);
        end = memmem(text, left, published_end, strlen(published_end));
    }
    unsigned http = call->refused_http != 0 ? call->refused_http : published ? 200 : 202;
    answer_json(call, http, lines_type, &call->lines);
}

static void answer_opaque(struct submit_call *call, bool published) {
    if (published) {
        char index[32];
        int n = snprintf(index, sizeof index, "%llu", (unsigned long long)call->append.first);
        struct reply reply = {.http = 200,
                              .content_type = text_type,
                              .body = bytes_of(index, (size_t)n),
                              .body_is = REPLY_COPY};
        request_answer(call->request, &reply);
    } else {
        request_answer_text(call->request, 503,
                            "durable as entry %llu; no quorum of mirrors has it yet",
                            (unsigned long long)call->append.first);
    }
}

void submit_answer(struct submit_call *call, bool published) {
    if (call->opaque) {
        answer_opaque(call, published);
    } else if (call->several) {
        answer_several(call, published);
    } else {
        answer_one(call, published);
    }
}

void submit_answer_failure(struct submit_call *call, enum status status) {
    request_answer_text(call->request, 503, "nothing was kept: %s: try again in a second",
                        status_text(status));
}
