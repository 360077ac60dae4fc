#include "net/submit_call.h"

#include "net/log.h"
#include "net/replicator.h"
#include "net/submit_rate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct submitter {
    struct node *node;
    struct submit_call *first; /* waiting for a quorum, oldest first */
    struct submit_call *last;
    struct submitter_stats stats;
    size_t waiting_bytes;
    struct submit_queue queue;
    struct submit_rate rate;
    size_t under_way; /* requests with work or a commit of theirs out */
    bool closing;
    void (*closed)(void *context);
    void *closed_context;
};

static struct submitter *submitter_of(struct request *request) {
    const struct node *node = request_context(request);
    return node->submitter;
}

/* --- memory and bounds --- */

static void call_free(struct submit_call *call) {
    if (call == NULL) {
        return;
    }
    assert(!call->waiting && !call->counted);
    submit_release_events(call);
    buffer_clear(&call->lines);
    free(call->notes);
    free(call);
}

static void maybe_closed(struct submitter *s) {
    if (!s->closing || s->under_way > 0 || s->queue.beginning) {
        return; /* whoever lets the queue begin calls this again */
    }
    assert(s->first == NULL);
    void (*closed)(void *) = s->closed;
    void *context = s->closed_context;
    s->node->submitter = NULL;
    submit_rate_close(&s->rate);
    free(s);
    if (closed != NULL) {
        closed(context);
    }
}

/* The call's work is over: what it held of the bounds is free again. The request's last hold goes
 * with it. */
static void call_over(struct submit_call *call) {
    struct submitter *s = call->submitter;
    if (call->counted) {
        s->stats.waiting_events -= call->count;
        s->waiting_bytes -= call->bytes;
        call->counted = false;
    }
    if (!call->opaque) {
        submit_unprepare(call);
    }
    assert(s->under_way > 0);
    s->under_way--;
    request_release(call->request); /* may free the call, through submit_on_free */
    maybe_closed(s);
}

static bool admit(struct submitter *s, struct refusal *why) {
    const struct replica *replica = replicator_state(s->node->replicator);
    if (s->closing) {
        refuse(why, STATUS_BUSY, "this node is stopping: try again in a minute");
        return false;
    }
    if (replica->state == REPLICA_HALTED) {
        refuse(why, STATUS_BUSY, "this log has stopped signing: its operator must act");
        return false;
    }
    if (replica->guard != GUARD_NONE) {
        refuse(why, STATUS_BUSY,
               "this node has just started and asks its mirrors about its last signed head: try "
               "again in a second");
        return false;
    }
    if (!replica_may_stamp(replica)) {
        refuse(
            why, STATUS_CLOCK,
            "this node's clock and its mirrors' differ by over five minutes: nothing is stamped");
        return false;
    }
    if (s->stats.waiting_events >= SUBMIT_WAITING_EVENTS_MAX ||
        s->waiting_bytes >= SUBMIT_WAITING_BYTES_MAX) {
        refuse(why, STATUS_BUSY, "too much is waiting to be committed: try again in a second");
        return false;
    }
    return node_admit(s->node, why) == STATUS_OK;
}

/* --- waiting for a quorum --- */

static void list_add(struct submitter *s, struct submit_call *call) {
    call->waiting = true;
    call->next = NULL;
    call->previous = s->last;
    if (s->last != NULL) {
        s->last->next = call;
    } else {
        s->first = call;
    }
    s->last = call;
    s->stats.waiting_requests++;
}

static void list_remove(struct submitter *s, struct submit_call *call) {
    assert(call->waiting);
    call->waiting = false;
    if (call->previous != NULL) {
        call->previous->next = call->next;
    } else {
        s->first = call->next;
    }
    if (call->next != NULL) {
        call->next->previous = call->previous;
    } else {
        s->last = call->previous;
    }
    s->stats.waiting_requests--;
}

void submitter_published(struct submitter *s, uint64_t size) {
    /* A resubmission may wait for less than those before it: the whole list is looked at, which is
     * short. */
    struct submit_call *next = NULL;
    for (struct submit_call *call = s->first; call != NULL; call = next) {
        next = call->next;
        if (call->needs <= size) {
            list_remove(s, call);
            submit_answer(call, true);
            request_release(call->request);
        }
    }
}

/* Something was committed: answered now, or when a quorum has it. */
static void await_quorum(struct submit_call *call) {
    struct submitter *s = call->submitter;
    const struct replica *replica = replicator_state(s->node->replicator);
    if (request_ended(call->request)) {
        return;
    }
    if (call->needs <= replica->published) {
        submit_answer(call, true);
    } else if (s->closing || !replicator_has_policy(s->node->replicator) ||
               s->stats.waiting_requests >= SUBMIT_WAITING_REQUESTS_MAX) {
        /* Without a policy nobody is asked to cosign: waiting would be for nothing. */
        submit_answer(call, false);
    } else {
        request_hold(call->request);
        list_add(s, call);
    }
}

/* --- committing --- */

static void count_results(struct submit_call *call) {
    for (size_t i = 0; i < call->count; i++) {
        const struct submit_result *result = &call->results[i];
        if (result->status == STATUS_OK) {
            call->submitter->stats.accepted++;
            call->needs =
                result->place.index + 1 > call->needs ? result->place.index + 1 : call->needs;
        } else if (result->status != STATUS_BUSY) {
            call->submitter->stats.refused++;
        }
    }
}

static void committed(struct commit *commit, enum status batch_status) {
    struct submit_call *call = commit->context;
    struct submitter *s = call->submitter;
    node_batch_result(s->node, batch_status);
    if (batch_status != STATUS_OK) {
        submit_answer_failure(call, batch_status);
        call_over(call);
        return;
    }
    uint64_t size = call->opaque ? call->append.committed : call->submit.committed;
    if (call->opaque) {
        s->stats.accepted += call->count;
        call->needs = call->append.first + call->count;
    } else {
        count_results(call);
        submit_rate_settle(&s->rate, call);
        submit_settle(call);
    }
    if (!s->closing) {
        replicator_committed(s->node->replicator, size);
    }
    if (call->needs > 0) {
        await_quorum(call);
    } else {
        submit_answer(call, true); /* nothing was accepted: the refusal is the answer */
    }
    call_over(call);
}

static void commit_call(struct submit_call *call, struct job *job) {
    struct submitter *s = call->submitter;
    call->commit = (struct commit){.job = job, .done = committed, .context = call};
    committer_gather(s->node->committer);
    enum status status = node_commit(call->node, &call->commit);
    if (status == STATUS_OK && !s->closing) {
        replicator_coming(s->node->replicator);
    }
    committer_go(s->node->committer);
    if (status != STATUS_OK) {
        submit_answer_failure(call, status);
        call_over(call);
    }
}

static void commit_events(struct submit_call *call) {
    submit_job_init(&call->submit);
    call->submit.log = &call->node->own;
    call->submit.submissions = call->submissions;
    call->submit.results = call->results;
    call->submit.count = call->count;
    call->submit.now_ms = clock_wall_ms();
    call->submit.memory = call->entries;
    call->submit.memory_cap = call->entries_cap;
    commit_call(call, &call->submit.job);
}

static void commit_opaque(struct submit_call *call) {
    append_job_init(&call->append);
    call->append.log = &call->node->own;
    call->append.entries = call->notes;
    call->append.count = call->count;
    commit_call(call, &call->append.job);
}

static void prepared(struct submit_call *call, enum status status) {
    if (status != STATUS_OK) {
        submit_answer_failure(call, status);
        call_over(call);
    } else if (request_ended(call->request)) {
        call_over(call); /* the client left before anything was kept */
    } else {
        submit_rate_take(&call->submitter->rate, call);
        commit_events(call);
    }
}

static void start(struct submit_call *call) {
    struct submitter *s = call->submitter;
    request_hold(call->request);
    s->under_way++;
    s->stats.waiting_events += call->count;
    s->waiting_bytes += call->bytes;
    call->counted = true;
    if (call->opaque) {
        commit_opaque(call);
    } else {
        submit_prepare(&s->queue, call, prepared);
        maybe_closed(s); /* the call may be over, while the queue was at it */
    }
}

/* --- the request --- */

/* Splits the body into events, each after its big-endian length. */
static enum status split_body(struct submit_call *call, struct bytes body) {
    struct reader r;
    struct bytes note;
    reader_init(&r, body);
    while (r.rest.len > 0) {
        uint16_t len = 0;
        if (call->count == SUBMIT_EVENTS_MAX) {
            request_answer_text(call->request, 413,
                                "over %d events in one request: send them in several",
                                SUBMIT_EVENTS_MAX);
            return STATUS_TOO_LARGE;
        }
        if (!reader_u16(&r, &len) || !reader_take(&r, len, &note)) {
            request_answer_text(call->request, 400,
                                "event %zu: the body ends within it: each event comes after its "
                                "length in two bytes, big-endian",
                                call->count);
            return STATUS_BAD_FORM;
        }
        call->notes[call->count++] = note;
    }
    if (call->count == 0) {
        request_answer_text(call->request, 400, "no event in the body");
        return STATUS_BAD_FORM;
    }
    return STATUS_OK;
}

static enum status one_body(struct submit_call *call, struct bytes body) {
    size_t max = call->opaque ? ENTRY_SIZE_MAX : EVENT_SIZE_MAX;
    if (body.len > max) {
        request_answer_text(call->request, 413, "%zu bytes: at most %zu", body.len, max);
        return STATUS_TOO_LARGE;
    }
    call->notes[0] = body;
    call->count = 1;
    return STATUS_OK;
}

/* The media type without its parameters. */
static bool media_type_is(const char *header, const char *type) {
    size_t len = strlen(type);
    return header != NULL && strncasecmp(header, type, len) == 0 &&
           (header[len] == '\0' || header[len] == ';' || header[len] == ' ');
}

void submit_on_headers(struct request *request) {
    struct node *node = request_context(request);
    struct refusal why = {.text = ""};
    if (node->submitter == NULL) {
        request_answer_text(request, 404, "this node hosts no log: submit to one that does");
    } else if (!admit(node->submitter, &why)) {
        request_refuse(request, &why);
    }
}

void submit_on_end(struct request *request) {
    struct submitter *s = submitter_of(request);
    const char *type = request_header(request, "Content-Type");
    struct submit_call *call = s != NULL ? calloc(1, sizeof *call) : NULL;
    if (call == NULL) {
        request_answer_text(request, 503, "out of memory, or stopping: try again in a second");
        return;
    }
    request_set_user(request, call);
    call->node = s->node;
    call->submitter = s;
    call->request = request;
    call->opaque = (s->node->own.flags & LOG_EVENTS) == 0;
    call->several = !call->opaque && media_type_is(type, "application/octet-stream");
    if (!call->opaque && !call->several && !media_type_is(type, "text/plain")) {
        request_answer_text(
            request, 400,
            "Content-Type: text/plain for one event, application/octet-stream for several");
        return;
    }
    struct bytes body = request_body(request);
    call->bytes = body.len;
    call->notes = calloc(call->several ? SUBMIT_EVENTS_MAX : 1, sizeof *call->notes);
    if (call->notes == NULL) {
        request_answer_text(request, 503, "out of memory: try again in a second");
        return;
    }
    if ((call->several ? split_body(call, body) : one_body(call, body)) == STATUS_OK) {
        start(call);
    }
}

void submit_on_cancel(struct request *request, enum request_cancel reason) {
    struct submit_call *call = request_user(request);
    if (call == NULL || !call->waiting) {
        return; /* still being committed: the server says 503, though the entry may stand: the
                   client asks again */
    }
    list_remove(call->submitter, call);
    if (reason != CANCEL_GONE) {
        submit_answer(call, false);
    }
    request_release(request);
}

void submit_on_free(struct request *request) {
    call_free(request_user(request));
}

enum status submitter_open(struct node *node, struct submitter **out) {
    struct submitter *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return STATUS_NOMEM;
    }
    s->node = node;
    if (submit_rate_open(node->config.limits.issuer_rate, &s->rate) != STATUS_OK) {
        free(s);
        return STATUS_NOMEM;
    }
    *out = s;
    return STATUS_OK;
}

void submitter_close(struct submitter *s, void (*closed)(void *context), void *context) {
    s->closing = true;
    s->closed = closed;
    s->closed_context = context;
    while (s->first != NULL) {
        struct submit_call *call = s->first;
        list_remove(s, call);
        submit_answer(call, false);
        request_release(call->request);
    }
    maybe_closed(s);
}

struct submitter_stats submitter_stats(const struct submitter *s) {
    return s->stats;
}
