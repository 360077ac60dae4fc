/* POST /add-entries: an upload of unbounded size, taken package by package.
 *
 * Happy path
 *   - the header arrives and is checked against the log's state;
 *   - bytes gather in one buffer until a package is whole; the package goes to the committer, and
 * reading stops until it is stored: one package in memory, one in flight, however large the upload;
 *   - when the body has ended and all packages are stored, the upload's end goes to the committer,
 * which moves the mirror checkpoint and cosigns. Failure modes
 *   - the header is refused: the answer is given at once, the rest of the body is discarded by the
 * server;
 *   - a package's proof does not verify: 422, nothing of that package is kept;
 *   - the body ends early, or the client leaves: what was stored stays, and the client resumes at
 * the next entry;
 *   - no room for the buffer in the budget of all bodies: 503. */
#include "net/buffer.h"
#include "net/handlers.h"
#include "net/judge.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_SIZE_MAX (2 + NAME_SIZE_MAX + 8 + 8 + 2 + TICKET_SIZE_MAX + 65536)
#define BUFFER_STEP 65536

struct entries_call {
    struct node *node;
    struct request *request;
    struct buffer buffer;
    size_t charged;
    bool has_header;
    struct upload upload;
    uint64_t next; /* first entry of the package under way */
    struct package_scan scan;
    size_t package_len; /* of the one in flight: consumed when it is stored */
    uint64_t saved;
    struct refusal failed;
    bool body_ended;
    bool in_flight;
    bool ending;
    struct package_job package;
    struct upload_end_job end;
    struct commit commit;
};

static void advance(struct entries_call *call);

static void call_free(struct entries_call *call) {
    assert(!call->in_flight);
    buffer_clear(&call->buffer);
    free(call);
}

/* A job came back: the request's memory was held for it. */
static void landed(struct entries_call *call) {
    call->in_flight = false;
    if (request_ended(call->request)) {
        /* Nobody listens. entries_on_free frees the call once the hold is gone. */
        request_release(call->request);
        return;
    }
    request_release(call->request);
}

static bool launch(struct entries_call *call, struct job *job,
                   void (*done)(struct commit *, enum status)) {
    call->commit = (struct commit){.job = job, .done = done, .context = call};
    request_hold(call->request);
    call->in_flight = true;
    if (node_commit(call->node, &call->commit) == STATUS_OK) {
        return true;
    }
    call->in_flight = false;
    request_answer_text(call->request, 503, "too much is waiting: try again in a second");
    request_release(call->request);
    return false;
}

/* --- the end --- */

static void end_done(struct commit *commit, enum status batch_status) {
    struct entries_call *call = commit->context;
    struct node *node = call->node;
    uint32_t log = call->upload.log.number;
    node_batch_result(node, batch_status);
    if (batch_status != STATUS_OK) {
        request_answer_text(call->request, 503, "the store failed: %s: try again later",
                            status_text(batch_status));
    } else {
        request_answer_core(call->request, &call->end.answer);
    }
    if (node->judge != NULL) {
        judge_stored(node->judge, log);
    }
    landed(call);
}

static void finish(struct entries_call *call) {
    assert(!call->in_flight && !call->ending);
    call->ending = true;
    call->end.upload = &call->upload;
    call->end.cosigner = &call->node->cosigner;
    call->end.now_seconds = clock_wall_ms() / 1000;
    call->end.saved = call->saved;
    call->end.failed = call->failed;
    upload_end_job_init(&call->end);
    (void)launch(call, &call->end.job, end_done); /* answered 503 if not */
}

/* --- packages --- */

static void package_done(struct commit *commit, enum status batch_status) {
    struct entries_call *call = commit->context;
    struct node *node = call->node;
    node_batch_result(node, batch_status);
    enum status status = batch_status != STATUS_OK ? batch_status : call->package.job.status;
    bool listening = !request_ended(call->request);
    if (batch_status != STATUS_OK && listening) {
        request_answer_text(call->request, 503, "the store failed: %s: try again later",
                            status_text(batch_status));
        listening = false;
    }
    if (status == STATUS_OK) {
        call->saved++;
        call->next = call->package.package.end;
        memset(&call->scan, 0, sizeof call->scan);
        buffer_consume(&call->buffer, call->package_len);
        call->package_len = 0;
    } else {
        refuse(&call->failed, status, "package at entry %llu: %s", (unsigned long long)call->next,
               status_text(status));
    }
    call->in_flight = false;
    if (listening) {
        advance(call);
        if (!call->body_ended && !call->in_flight && !call->ending) {
            request_resume(call->request);
        }
    }
    request_release(call->request);
}

/* Takes the header off the front of what has arrived. False: refused, or more is needed. */
static bool take_header(struct entries_call *call) {
    struct upload_header header;
    size_t consumed = 0;
    struct refusal why = {.text = ""};
    struct answer refused;
    struct store_txn *txn = NULL;
    enum status status = upload_header_parse(buffer_view(&call->buffer), &header, &consumed, &why);
    if (status == STATUS_NOT_FOUND && !call->body_ended) {
        return false;
    }
    if (status != STATUS_OK) {
        request_answer_text(call->request, status == STATUS_UNKNOWN_LOG ? 404 : 400, "%s",
                            status == STATUS_NOT_FOUND ? "the body ends within its header"
                                                       : why.text);
        return false;
    }
    if (!handler_begin(call->request, &txn)) {
        return false;
    }
    status = upload_begin(txn, &header, &call->upload, &refused);
    store_abort(txn);
    if (status != STATUS_OK) {
        request_answer_core(call->request, &refused);
        return false;
    }
    call->has_header = true;
    call->next = call->upload.start;
    buffer_consume(&call->buffer, consumed);
    return true;
}

/* Does what can be done with what has arrived: starts at most one job. */
static void advance(struct entries_call *call) {
    if (request_ended(call->request) || call->in_flight || call->ending) {
        return;
    }
    if (!call->has_header && !take_header(call)) {
        return;
    }
    if (call->failed.status != STATUS_OK || call->next == call->upload.end) {
        if (call->body_ended || call->failed.status != STATUS_OK) {
            finish(call);
        }
        return;
    }
    uint64_t end = 0;
    size_t consumed = 0;
    package_job_init(&call->package);
    package_bounds(call->next, call->upload.end, &end);
    enum status status = package_parse(buffer_view(&call->buffer), call->next, end, &call->scan,
                                       &call->package.package, &consumed);
    if (status == STATUS_OK) {
        call->package.upload = &call->upload;
        call->package_len = consumed;
        (void)launch(call, &call->package.job, package_done); /* answered 503 if not */
    } else if (status != STATUS_NOT_FOUND) {
        refuse(&call->failed, status, "package at entry %llu: more than 63 hashes",
               (unsigned long long)call->next);
        finish(call);
    } else if (call->body_ended) {
        finish(call);
    }
}

/* --- the request --- */

void entries_on_headers(struct request *request) {
    struct node *node = request_context(request);
    struct refusal why;
    if (node->cosigner.mirror == NULL) {
        request_answer_text(request, 404, "this node mirrors no logs");
        return;
    }
    if (node_admit(node, &why) != STATUS_OK) {
        request_refuse(request, &why);
        return;
    }
    struct entries_call *call = calloc(1, sizeof *call);
    if (call == NULL) {
        request_answer_text(request, 503, "out of memory: try again in a second");
        return;
    }
    call->node = node;
    call->request = request;
    buffer_init(&call->buffer, PACKAGE_SIZE_MAX + HEADER_SIZE_MAX);
    request_set_user(request, call);
}

/* Counts the buffer's growth against the budget of all bodies. */
static bool charge(struct entries_call *call, size_t len) {
    size_t wanted = call->buffer.len + len;
    if (wanted <= call->charged) {
        return true;
    }
    size_t more = (wanted - call->charged + BUFFER_STEP - 1) / BUFFER_STEP * BUFFER_STEP;
    if (!request_charge(call->request, more)) {
        request_answer_text(call->request, 503, "too many uploads at once: try again in a second");
        return false;
    }
    call->charged += more;
    return true;
}

enum body_step entries_on_body(struct request *request, struct bytes chunk) {
    struct entries_call *call = request_user(request);
    assert(call != NULL && !call->in_flight);
    if (call->ending || !charge(call, chunk.len)) {
        return BODY_MORE;
    }
    enum status status = buffer_append(&call->buffer, chunk);
    if (status != STATUS_OK) {
        request_answer_text(request, status == STATUS_TOO_LARGE ? 413 : 503, "%s",
                            status_text(status));
        return BODY_MORE;
    }
    advance(call);
    return call->in_flight ? BODY_SUSPEND : BODY_MORE;
}

void entries_on_end(struct request *request) {
    struct entries_call *call = request_user(request);
    if (call == NULL) {
        return;
    }
    call->body_ended = true;
    advance(call);
}

void entries_on_cancel(struct request *request, enum request_cancel reason) {
    if (reason != CANCEL_GONE) {
        request_answer_text(
            request, 503,
            "this took too long, or the node is stopping: what was stored stays, resume later");
    }
}

void entries_on_free(struct request *request) {
    struct entries_call *call = request_user(request);
    if (call != NULL) {
        call_free(call);
    }
}
