#include "net/access.h"

#include "crypto/encoding.h"
#include "ledger/access.h"
#include "net/handlers.h"
#include "net/log.h"

#include <stdlib.h>
#include <string.h>

static const char scheme[] = "Dutylog ";

struct access_call {
    struct node *node;
    struct request *request; /* held until the end */
    void (*serve)(struct request *request);
    struct request_note note;
    struct access_job job;
    struct commit commit;
    uint8_t bytes[REQUEST_NOTE_SIZE_MAX]; /* of the note */
};

static const struct {
    enum counter counter;
    unsigned http;
} verdicts[] = {
    [ACCESS_OTHER_LOG] = {COUNTER_REFUSED_NOTE_LOG, 401},
    [ACCESS_OTHER_REQUEST] = {COUNTER_REFUSED_NOTE_TARGET, 401},
    [ACCESS_EXPIRED] = {COUNTER_REFUSED_NOTE_EXPIRED, 401},
    [ACCESS_AHEAD] = {COUNTER_REFUSED_NOTE_AHEAD, 401},
    [ACCESS_UNKNOWN_KEY] = {COUNTER_REFUSED_NOTE_KEY, 401},
    [ACCESS_BAD_SIGNATURE] = {COUNTER_REFUSED_NOTE_SIGNATURE, 401},
    [ACCESS_WITHOUT_RIGHT] = {COUNTER_REFUSED_NOTE_SCOPE, 403},
    [ACCESS_REPLAYED] = {COUNTER_REFUSED_NOTE_REPLAY, 401},
    [ACCESS_FULL] = {COUNTER_REFUSED_NOTE_FULL, 503},
};

/* RFC 9110 wants the scheme named with every 401. */
static void refuse_note(struct request *request, enum counter reason, unsigned http,
                        const char *why) {
    static const struct reply_header header = {"WWW-Authenticate", "Dutylog"};
    uint8_t line[REFUSAL_TEXT_MAX + 1];
    struct writer w;
    writer_init(&w, line, sizeof line);
    writer_text(&w, why);
    writer_u8(&w, '\n');
    struct reply reply = {.http = http,
                          .content_type = "text/plain; charset=utf-8",
                          .body = writer_view(&w),
                          .body_is = REPLY_COPY,
                          .headers = &header,
                          .header_count = http == 401 ? 1 : 0};
    counter_add(COUNTER_ACCESS_REFUSED);
    log_line(LOG_INFO, "access", "refused", "reason=%s peer=%s", counter_reason(reason),
             request_peer(request));
    request_set_reason(request, reason);
    request_answer(request, &reply);
}

static void refuse_verdict(struct request *request, enum access_verdict verdict,
                           const struct refusal *why) {
    refuse_note(request, verdicts[verdict].counter, verdicts[verdict].http, why->text);
}

static void finish(struct access_call *call) {
    request_release(call->request);
    free(call);
}

static void access_done(struct commit *commit, enum status batch_status) {
    struct access_call *call = commit->context;
    struct access_job *job = &call->job;
    node_batch_result(call->node, batch_status);
    if (batch_status != STATUS_OK) {
        request_answer_text(call->request, 503, "nothing was read: %s: try again later",
                            status_text(batch_status));
    } else if (job->verdict != ACCESS_OK) {
        refuse_verdict(call->request, job->verdict, &job->why);
    } else {
        counter_add(COUNTER_ACCESS_GRANTED);
        if (!request_ended(call->request)) {
            call->serve(call->request);
        }
    }
    finish(call);
}

/* The note of the header, decoded into `call`. */
static bool read_note(struct access_call *call) {
    struct refusal why = {.text = ""};
    const char *header = request_header(call->request, "Authorization");
    size_t len = 0;
    if (header == NULL || strncmp(header, scheme, strlen(scheme)) != 0) {
        refuse_note(call->request, COUNTER_REFUSED_NOTE_MISSING, 401,
                    "this is not open to all: send Authorization: Dutylog <request note in "
                    "base64>, as dutylog request does");
        return false;
    }
    header += strlen(scheme);
    if (!base64_decode(header, strlen(header), call->bytes, sizeof call->bytes, &len)) {
        refuse_note(call->request, COUNTER_REFUSED_NOTE_FORM, 401,
                    "the request note is not base64, or too long");
        return false;
    }
    if (request_note_parse(bytes_of(call->bytes, len), &call->note, &why) != STATUS_OK) {
        refuse_note(call->request, COUNTER_REFUSED_NOTE_FORM, 401, why.text);
        return false;
    }
    return true;
}

/* By what is committed, before anything is queued: who has no right makes no commits. */
static bool check_first(struct access_call *call) {
    struct store_txn *txn = NULL;
    enum access_verdict verdict = ACCESS_OK;
    struct refusal why = {.text = ""};
    if (!handler_begin(call->request, &txn)) {
        return false;
    }
    enum status status = access_check(txn, &call->job.request, &verdict, &why);
    store_abort(txn);
    if (status != STATUS_OK) {
        handler_answer_status(call->request, status, "no such key");
        return false;
    }
    if (verdict != ACCESS_OK) {
        request_cost(call->request, 10); /* a signature was verified for it */
        refuse_verdict(call->request, verdict, &why);
        return false;
    }
    return true;
}

static bool launch(struct access_call *call, uint32_t roles) {
    struct node *node = call->node;
    struct refusal why;
    if (!read_note(call)) {
        return false;
    }
    access_job_init(&call->job);
    call->job.request = (struct access_request){.log = &node->own,
                                                .note = &call->note,
                                                .method = request_method(call->request),
                                                .target = request_target(call->request),
                                                .address = bytes_text(request_peer(call->request)),
                                                .roles = roles,
                                                .now_ms = clock_wall_ms()};
    if (!check_first(call)) {
        return false;
    }
    if (node_admit(node, &why) != STATUS_OK) {
        request_refuse(call->request, &why); /* what cannot be logged is not read */
        return false;
    }
    call->commit = (struct commit){.job = &call->job.job, .done = access_done, .context = call};
    if (node_commit(node, &call->commit) != STATUS_OK) {
        request_answer_text(call->request, 503, "too much is waiting: try again in a second");
        return false;
    }
    return true;
}

void access_ask(struct request *request, uint32_t roles, void (*serve)(struct request *request)) {
    struct node *node = request_context(request);
    if (!node->has_own || (node->own.flags & LOG_EVENTS) == 0) {
        request_answer_text(request, 404, "this node hosts no log of events");
        return;
    }
    struct access_call *call = calloc(1, sizeof *call);
    if (call == NULL) {
        request_answer_text(request, 503, "out of memory: try again in a second");
        return;
    }
    call->node = node;
    call->request = request;
    call->serve = serve;
    request_hold(request);
    if (!launch(call, roles)) {
        finish(call);
    }
}
