/* Parsing and verifying the events of POST /add, on workers.
 *
 * A request's events are shared out in slices, so that one large request has all cores. Requests
 * begin in the order in which they came, and only while few events are parsed and not yet
 * committed: a parsed event takes ten times the memory of its bytes. */
#include "net/submit_call.h"

#include <assert.h>
#include <stdlib.h>

#define SLICE_EVENTS 64
#define PREPARED_EVENTS_MAX 3072 /* parsed, or being parsed, and not committed */
#define SLICES_MAX 256           /* in the workers' queue */

struct submit_slice {
    struct submit_call *call;
    size_t from;
    size_t to;
    struct work work;
};

static size_t slices_of(const struct submit_call *call) {
    return (call->count + SLICE_EVENTS - 1) / SLICE_EVENTS;
}

static bool allocate(struct submit_call *call) {
    call->entries_cap = call->bytes + call->count * 32;
    call->submissions = calloc(call->count, sizeof *call->submissions);
    call->results = calloc(call->count, sizeof *call->results);
    call->entries = malloc(call->entries_cap);
    call->slices = calloc(slices_of(call), sizeof *call->slices);
    return call->submissions != NULL && call->results != NULL && call->entries != NULL &&
           call->slices != NULL;
}

static void slice_run(struct work *work) {
    const struct submit_slice *slice = work->context;
    struct submit_call *call = slice->call;
    struct store_txn *txn = NULL;
    enum status status = store_begin(call->node->store, STORE_READ, &txn);
    for (size_t i = slice->from; i < slice->to; i++) {
        struct submission *submission = &call->submissions[i];
        if (status == STATUS_OK) {
            submission_prepare(txn, &call->node->own, call->notes[i], submission);
        } else {
            submission->status = refuse(&submission->why, status, "%s", status_text(status));
        }
    }
    if (status == STATUS_OK) {
        store_abort(txn);
    }
}

static void begin_some(struct submit_queue *queue);

static void slice_done(struct work *work) {
    const struct submit_slice *slice = work->context;
    struct submit_call *call = slice->call;
    struct submit_queue *queue = call->queue;
    assert(queue->slices > 0 && call->slices_left > 0);
    queue->slices--;
    call->slices_left--;
    begin_some(queue);
    if (call->slices_left == 0) {
        free(call->slices);
        call->slices = NULL;
        call->prepared(call, call->prepare_status); /* may free the call, and then the queue */
    }
}

static void begin(struct submit_queue *queue, struct submit_call *call) {
    call->preparing = true;
    queue->events += call->count;
    call->prepare_status = allocate(call) ? STATUS_OK : STATUS_NOMEM;
    for (size_t i = 0; i < slices_of(call) && call->prepare_status == STATUS_OK; i++) {
        struct submit_slice *slice = &call->slices[i];
        slice->call = call;
        slice->from = i * SLICE_EVENTS;
        slice->to =
            slice->from + SLICE_EVENTS < call->count ? slice->from + SLICE_EVENTS : call->count;
        slice->work = (struct work){.run = slice_run, .done = slice_done, .context = slice};
        call->prepare_status = workers_submit(call->node->workers, &slice->work);
        if (call->prepare_status == STATUS_OK) {
            call->slices_left++;
            queue->slices++;
        }
    }
    if (call->slices_left == 0) {
        assert(call->prepare_status != STATUS_OK); /* a request has at least one event */
        free(call->slices);
        call->slices = NULL;
        call->prepared(call, call->prepare_status);
    }
}

/* Whether the call at the front may begin; the very first always may. */
static bool has_room(const struct submit_queue *queue) {
    const struct submit_call *call = queue->first;
    return (queue->events == 0 || queue->events + call->count <= PREPARED_EVENTS_MAX) &&
           (queue->slices == 0 || queue->slices + slices_of(call) <= SLICES_MAX);
}

static void begin_some(struct submit_queue *queue) {
    if (queue->beginning) {
        return; /* from within a `prepared` that `begin` called: the loop below goes on */
    }
    queue->beginning = true;
    while (queue->first != NULL && has_room(queue)) {
        struct submit_call *call = queue->first;
        queue->first = call->next;
        if (queue->first == NULL) {
            queue->last = NULL;
        }
        call->next = NULL;
        begin(queue, call);
    }
    queue->beginning = false;
}

void submit_prepare(struct submit_queue *queue, struct submit_call *call,
                    void (*prepared)(struct submit_call *call, enum status status)) {
    assert(call->count > 0 && call->next == NULL);
    call->queue = queue;
    call->prepared = prepared;
    if (queue->last != NULL) {
        queue->last->next = call;
    } else {
        queue->first = call;
    }
    queue->last = call;
    begin_some(queue);
}

void submit_unprepare(struct submit_call *call) {
    struct submit_queue *queue = call->queue;
    if (!call->preparing) {
        return;
    }
    assert(queue->events >= call->count && call->slices_left == 0);
    call->preparing = false;
    queue->events -= call->count;
    begin_some(queue);
}
