/* POST /add-entries: an upload of unbounded size, taken a few packages at a time.
 *
 * Happy path
 *   - the header arrives and is checked against the log's state;
 *   - bytes gather in one buffer; all whole packages in it go to the committer together, and while
 * they are stored the next ones gather in another. So the first package begins at once, and many
 * share a commit when they come fast. Reading stops while a batch is stored and BATCH_BYTES wait;
 *   - when all packages are stored, the upload's end goes to the committer, which moves the mirror
 * checkpoint and cosigns; where the last package is a batch of its own, together with it.
 *
 * Failure modes
 *   - the header is refused: the answer is given at once, the rest of the body is discarded by the
 * server;
 *   - a package's proof does not verify: 422, nothing of that package is kept;
 *   - the body ends early, or the client leaves: what was stored stays, and the client resumes at
 * the next entry;
 *   - no room for the buffers in the budget of all bodies: 503. */
#include "net/buffer.h"
#include "net/clocks.h"
#include "net/handlers.h"
#include "net/judge.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_SIZE_MAX (2 + NAME_SIZE_MAX + 8 + 8 + 2 + TICKET_SIZE_MAX + 65536)
#define BUFFER_STEP 65536
#define BATCH_BYTES ((size_t)2 << 20)
#define BATCH_PACKAGES PACKAGES_PER_UPLOAD /* what a well-behaved client sends in a request */

struct entries_call;

/* A package on its way through the committer. */
struct slot {
    struct entries_call *call;
    struct package_job package;
    struct commit commit;
};

struct entries_call {
    struct node *node;
    struct request *request;
    struct buffer coming; /* from the first byte not yet in a job */
    struct buffer stored; /* what the slots' packages are views of */
    size_t charged;
    bool has_header;
    struct upload upload;
    uint64_t next; /* first entry of the next package to go to the committer */
    struct package_scan scan;
    struct slot *slots; /* BATCH_PACKAGES of them */
    size_t flying;      /* of the slots, how many are not landed */
    uint64_t saved;
    struct refusal failed;
    bool suspended;
    bool body_ended;
    bool ending;
    struct upload_end_job end;
    struct commit end_commit;
};

static void advance(struct entries_call *call);

static void call_free(struct entries_call *call) {
    assert(call->flying == 0);
    buffer_clear(&call->coming);
    buffer_clear(&call->stored);
    free(call->slots);
    free(call);
}

/* The request's memory is held until the job has landed. False: there is no place for it, which was
 * answered. */
static bool launch(struct entries_call *call, struct commit *commit) {
    request_hold(call->request);
    if (node_commit(call->node, commit) == STATUS_OK) {
        return true;
    }
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
    request_release(call->request);
}

/* `last`: a package that is on its way and belongs to what is saved if it succeeds. */
static void finish(struct entries_call *call, const struct package_job *last) {
    assert(!call->ending);
    call->ending = true;
    call->end.upload = &call->upload;
    call->end.cosigner = &call->node->cosigner;
    call->end.now_seconds = clock_wall_ms() / 1000;
    call->end.peers = clocks_say(call->node->clocks, &call->upload.log);
    call->end.saved = call->saved;
    call->end.failed = call->failed;
    call->end.last = last;
    upload_end_job_init(&call->end);
    call->end_commit = (struct commit){.job = &call->end.job, .done = end_done, .context = call};
    (void)launch(call, &call->end_commit); /* answered 503 if not */
}

/* --- packages --- */

/* Jobs of a batch land in their order; the first refusal is the one that counts, and what follows
 * it is sent again by the client. */
static void count_package(struct entries_call *call, const struct package_job *package) {
    if (call->failed.status != STATUS_OK) {
        return;
    }
    if (package->job.status == STATUS_OK) {
        call->saved++;
    } else {
        refuse(&call->failed, package->job.status, "package at entry %llu: %s",
               (unsigned long long)package->package.start, status_text(package->job.status));
    }
}

static void package_done(struct commit *commit, enum status batch_status) {
    struct slot *slot = commit->context;
    struct entries_call *call = slot->call;
    struct request *request = call->request;
    node_batch_result(call->node, batch_status);
    if (batch_status != STATUS_OK) {
        request_answer_text(request, 503, "the store failed: %s: try again later",
                            status_text(batch_status));
    } else {
        count_package(call, &slot->package);
    }
    assert(call->flying > 0);
    call->flying--;
    if (call->flying == 0 && !request_ended(request)) {
        buffer_consume(&call->stored, call->stored.len);
        advance(call);
        if (call->suspended && (call->flying == 0 || call->coming.len < BATCH_BYTES)) {
            call->suspended = false;
            request_resume(request);
        }
    }
    request_release(request);
}

/* Takes the header off the front of what has arrived. False: refused, or more is needed. */
static bool take_header(struct entries_call *call) {
    struct upload_header header;
    size_t consumed = 0;
    struct refusal why = {.text = ""};
    struct answer refused;
    struct store_txn *txn = NULL;
    enum status status = upload_header_parse(buffer_view(&call->coming), &header, &consumed, &why);
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
    buffer_consume(&call->coming, consumed);
    return true;
}

/* Parses the whole packages that have arrived into the slots. Gives their number and bytes. */
static size_t take_packages(struct entries_call *call, size_t *taken) {
    struct bytes rest = buffer_view(&call->coming);
    size_t count = 0;
    *taken = 0;
    while (count < BATCH_PACKAGES && call->next < call->upload.end && *taken < BATCH_BYTES) {
        struct package_job *job = &call->slots[count].package;
        uint64_t end = 0;
        size_t consumed = 0;
        package_bounds(call->next, call->upload.end, &end);
        enum status status =
            package_parse(rest, call->next, end, &call->scan, &job->package, &consumed);
        if (status == STATUS_BAD_FORM && count == 0) {
            /* Where others go before it, it is found again when they are stored. */
            refuse(&call->failed, status, "package at entry %llu: more than 63 hashes",
                   (unsigned long long)call->next);
        }
        if (status != STATUS_OK) {
            break;
        }
        memset(&call->scan, 0, sizeof call->scan);
        call->next = end;
        *taken += consumed;
        rest = bytes_of(rest.data + consumed, rest.len - consumed);
        count++;
    }
    return count;
}

/* What the packages are views of stays where it is; what follows them moves to the other buffer.
 * False: no memory, which was answered. */
static bool part_buffers(struct entries_call *call, size_t taken) {
    struct bytes all = buffer_view(&call->coming);
    assert(call->stored.len == 0);
    if (buffer_append(&call->stored, bytes_of(all.data + taken, all.len - taken)) != STATUS_OK) {
        request_answer_text(call->request, 503, "out of memory: try again in a second");
        return false;
    }
    struct buffer rest = call->stored;
    call->stored = call->coming;
    call->coming = rest;
    return true;
}

/* The whole packages that have arrived go into one commit. */
static void store_packages(struct entries_call *call) {
    size_t taken = 0;
    size_t count = take_packages(call, &taken);
    if (count == 0 || !part_buffers(call, taken)) {
        return;
    }
    committer_gather(call->node->committer);
    bool launched = true;
    for (size_t i = 0; i < count && launched; i++) {
        struct slot *slot = &call->slots[i];
        package_job_init(&slot->package);
        slot->call = call;
        slot->package.upload = &call->upload;
        slot->commit =
            (struct commit){.job = &slot->package.job, .done = package_done, .context = slot};
        launched = launch(call, &slot->commit);
        call->flying += launched;
    }
    if (launched && count == 1 && call->next == call->upload.end) {
        finish(call, &call->slots[0].package);
    }
    committer_go(call->node->committer);
}

/* Does what can be done with what has arrived. */
static void advance(struct entries_call *call) {
    if (request_ended(call->request) || call->flying > 0 || call->ending) {
        return;
    }
    if (!call->has_header && !take_header(call)) {
        return;
    }
    if (call->failed.status == STATUS_OK && call->next < call->upload.end) {
        store_packages(call);
    }
    if (call->flying > 0 || call->ending || request_ended(call->request)) {
        return;
    }
    /* Bytes after the last package are not waited for. */
    if (call->failed.status != STATUS_OK || call->next == call->upload.end || call->body_ended) {
        finish(call, NULL);
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
    struct slot *slots = calloc(BATCH_PACKAGES, sizeof *slots);
    if (call == NULL || slots == NULL) {
        free(call);
        free(slots);
        request_answer_text(request, 503, "out of memory: try again in a second");
        return;
    }
    call->node = node;
    call->request = request;
    call->slots = slots;
    /* A package and what a chunk brings beyond it. */
    buffer_init(&call->coming, PACKAGE_SIZE_MAX + HEADER_SIZE_MAX + BATCH_BYTES);
    buffer_init(&call->stored, call->coming.max);
    request_set_user(request, call);
}

/* Counts the buffers' growth against the budget of all bodies. */
static bool charge(struct entries_call *call, size_t len) {
    size_t wanted = call->coming.len + call->stored.len + len;
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
    assert(call != NULL && !call->suspended);
    if (call->ending || !charge(call, chunk.len)) {
        return BODY_MORE;
    }
    enum status status = buffer_append(&call->coming, chunk);
    if (status != STATUS_OK) {
        request_answer_text(request, status == STATUS_TOO_LARGE ? 413 : 503, "%s",
                            status_text(status));
        return BODY_MORE;
    }
    advance(call);
    call->suspended = call->flying > 0 && call->coming.len >= BATCH_BYTES;
    return call->suspended ? BODY_SUSPEND : BODY_MORE;
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
