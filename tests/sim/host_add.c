/* From submission to receipt: the glue around submit_job, append_job and sequencer_receipt. */
#include "ledger/receipt.h"
#include "tests/sim/check.h"
#include "tests/sim/host.h"
#include "tests/sim/wire.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One request to add, to its answer. */
struct host_waiting {
    struct work work;
    struct host_waiting *next; /* while it waits for a quorum */
    uint64_t serial;
    struct host *host;
    struct node *node;
    struct arrival *arrival;
    bool opaque;
    size_t count;
    struct bytes notes[SUBMIT_EVENTS_MAX]; /* borrow from the arrival */
    struct submission submissions[SUBMIT_EVENTS_MAX];
    struct submit_result results[SUBMIT_EVENTS_MAX];
    struct submit_job submit;
    struct append_job append;
    uint8_t *memory;
    size_t memory_cap;
    uint64_t needs; /* published size at which it is answered; 0: nothing was taken */
};

bool add_result_read(struct reader *r, struct add_result *out) {
    uint16_t status = 0;
    uint32_t len = 0;
    if (!reader_u16(r, &status) || !reader_u64(r, &out->index) ||
        !reader_u64(r, &out->received_ms) || !reader_u32(r, &len) ||
        !reader_take(r, len, &out->receipt)) {
        return false;
    }
    out->status = (enum status)status;
    return true;
}

void add_result_write(struct writer *w, const struct add_result *result) {
    writer_u16(w, (uint16_t)result->status);
    writer_u64(w, result->index);
    writer_u64(w, result->received_ms);
    writer_u32(w, (uint32_t)result->receipt.len);
    writer_bytes(w, result->receipt);
}

static const struct log *own(const struct host_waiting *call) {
    return &call->node->logs[call->node->hosts->number];
}

static void call_free(struct host_waiting *call) {
    for (size_t i = 0; i < call->count && !call->opaque; i++) {
        submission_release(&call->submissions[i]);
    }
    if (call->arrival != NULL) {
        wire_forget(call->arrival);
    }
    free(call->memory);
    free(call);
}

/* --- answering --- */

static uint8_t answer_memory[SUBMIT_EVENTS_MAX * (RECEIPT_SIZE_MAX / 8)];
static uint8_t receipt_memory[RECEIPT_SIZE_MAX];

/* The proof of an opaque entry at the first published checkpoint that covers it. */
static enum status opaque_receipt(struct store_txn *txn, const struct log *log, uint64_t index,
                                  struct writer *w) {
    struct published at;
    TRY(sequencer_published_covering(txn, log->number, index, &at));
    return sequencer_proof(txn, log, index, bytes_of(NULL, 0), &at, w);
}

static struct bytes make_receipt(struct host_waiting *call, struct store_txn *txn, size_t i) {
    struct writer w;
    struct refusal why = {.text = ""};
    bool pending = false;
    uint64_t index = 0;
    enum status status;
    writer_init(&w, receipt_memory, sizeof receipt_memory);
    if (call->opaque) {
        status = opaque_receipt(txn, own(call), call->results[i].place.index, &w);
    } else {
        const struct event *event = &call->submissions[i].event;
        status = sequencer_receipt(txn, own(call), event->issuer, event->seq, UINT64_MAX, &w,
                                   &pending, &index, &why);
    }
    if (status != STATUS_OK) {
        sim_fail(call->node->sim, "G1", "%s published entry %" PRIu64 " and gives no receipt: %s",
                 call->node->name, call->results[i].place.index, why.text);
        return bytes_of(NULL, 0);
    }
    return writer_view(&w);
}

/* Sends what became of each, with receipts if `published`; frees the call. */
static void answer(struct host_waiting *call, unsigned http, bool published) {
    struct writer w;
    struct store_txn *txn = published ? node_read(call->node) : NULL;
    writer_init(&w, answer_memory, sizeof answer_memory);
    for (size_t i = 0; i < call->count; i++) {
        const struct submit_result *result = &call->results[i];
        struct add_result out = {.status = result->status,
                                 .index = result->place.index,
                                 .received_ms = result->received_ms};
        if (txn != NULL && result->status == STATUS_OK) {
            out.receipt = make_receipt(call, txn, i);
        }
        add_result_write(&w, &out);
    }
    assert(!w.failed);
    if (txn != NULL) {
        store_abort(txn);
    }
    wire_answer(call->arrival, http, writer_view(&w));
    call->arrival = NULL;
    call_free(call);
}

static void refuse_all(struct host_waiting *call, enum status status) {
    for (size_t i = 0; i < call->count; i++) {
        call->results[i].status = status;
    }
    answer(call, 503, false);
}

/* --- waiting --- */

static void remove_waiting(struct host_waiting *call) {
    struct host_waiting **at = host_waiting(call->host);
    while (*at != call) {
        at = &(*at)->next;
    }
    *at = call->next;
}

/* The call may be answered and gone before its deadline: it is known by a number. */
struct deadline {
    struct node *node;
    uint64_t serial;
};

static void deadline_drop(struct sim *sim, void *context) {
    (void)sim;
    free(context);
}

/* No quorum in time: 202. */
static void deadline(struct sim *sim, void *context) {
    struct deadline *due = context;
    struct host_waiting *call = *host_waiting(due->node->host);
    while (call != NULL && call->serial != due->serial) {
        call = call->next;
    }
    if (call != NULL) {
        node_say(call->node, "no quorum for %s in time: 202",
                 sim_end_name(sim, call->arrival->from));
        remove_waiting(call);
        answer(call, 202, false);
    }
    free(due);
}

void host_served(struct host *host) {
    uint64_t published = host_replica(host_node(host))->published;
    struct host_waiting **at = host_waiting(host);
    while (*at != NULL) {
        struct host_waiting *call = *at;
        if (call->needs <= published) {
            *at = call->next;
            answer(call, 200, true);
        } else {
            at = &call->next;
        }
    }
}

void host_waiting_release(struct host *host) {
    struct host_waiting *call = *host_waiting(host);
    *host_waiting(host) = NULL;
    while (call != NULL) {
        struct host_waiting *next = call->next;
        call_free(call);
        call = next;
    }
}

/* Something is committed: the answer waits for the quorum. */
static void await_quorum(struct host_waiting *call) {
    struct sim *sim = call->node->sim;
    if (call->needs <= host_replica(call->node)->published) {
        answer(call, 200, true);
        return;
    }
    struct deadline *due = malloc(sizeof *due);
    assert(due != NULL);
    *due = (struct deadline){.node = call->node, .serial = call->serial};
    call->next = *host_waiting(call->host);
    *host_waiting(call->host) = call;
    sim_after(sim, SUBMIT_DEADLINE_MS, call->node, deadline, deadline_drop, due);
}

/* --- committing --- */

static void say_results(const struct host_waiting *call) {
    char text[400];
    struct writer w;
    writer_init(&w, text, sizeof text - 40);
    for (size_t i = 0; i < call->count && !w.failed; i++) {
        writer_u8(&w, ' ');
        if (call->results[i].status == STATUS_OK) {
            writer_decimal(&w, call->results[i].place.index);
        } else {
            writer_text(&w, status_name(call->results[i].status));
        }
    }
    node_say(call->node, "takes of %s:%.*s", sim_end_name(call->node->sim, call->arrival->from),
             (int)w.len, text);
}

static void landed(struct host_waiting *call, uint64_t committed, enum status status) {
    if (status != STATUS_OK) {
        refuse_all(call, status);
        return;
    }
    for (size_t i = 0; i < call->count; i++) {
        if (call->results[i].status != STATUS_OK) {
            call->node->sim->counts.refusals++;
        } else if (call->results[i].place.index + 1 > call->needs) {
            call->needs = call->results[i].place.index + 1;
        }
    }
    say_results(call);
    host_committed(call->host, committed);
    if (call->needs > 0) {
        await_quorum(call);
    } else {
        answer(call, 409, false);
    }
}

static void submit_done(struct submit_job *job, enum status status) {
    landed(CONTAINER(job, struct host_waiting, submit), job->committed, status);
}

static void append_done(struct append_job *job, enum status status) {
    struct host_waiting *call = CONTAINER(job, struct host_waiting, append);
    for (size_t i = 0; i < call->count; i++) {
        call->results[i].status = STATUS_OK;
        call->results[i].place.index = job->first + i;
    }
    landed(call, job->committed, status);
}

static void work_drop(struct work *work) {
    call_free(CONTAINER(work, struct host_waiting, work));
}

static void commit(struct host_waiting *call) {
    if (call->opaque) {
        append_job_init(&call->append);
        call->append.log = own(call);
        call->append.entries = call->notes;
        call->append.count = call->count;
        call->append.done = append_done;
        call->work = (struct work){.job = &call->append.job, .drop = work_drop};
    } else {
        submit_job_init(&call->submit);
        call->submit.log = own(call);
        call->submit.submissions = call->submissions;
        call->submit.results = call->results;
        call->submit.count = call->count;
        call->submit.now_ms = node_now_ms(call->node);
        call->submit.memory = call->memory;
        call->submit.memory_cap = call->memory_cap;
        call->submit.done = submit_done;
        call->work = (struct work){.job = &call->submit.job, .drop = work_drop};
    }
    node_commit(call->node, &call->work);
}

/* A worker verified the signatures. */
static void verified(struct sim *sim, void *context) {
    (void)sim;
    commit(context);
}

static void verified_drop(struct sim *sim, void *context) {
    (void)sim;
    call_free(context);
}

static void prepare(struct host_waiting *call) {
    struct store_txn *txn = node_read(call->node);
    if (txn == NULL) {
        refuse_all(call, STATUS_STORE_DOUBT);
        return;
    }
    for (size_t i = 0; i < call->count; i++) {
        submission_prepare(txn, own(call), call->notes[i], &call->submissions[i]);
    }
    store_abort(txn);
    call->memory = malloc(call->memory_cap);
    assert(call->memory != NULL);
    struct sim *sim = call->node->sim;
    sim_after(sim, dice_between(&sim->dice, sim->rates.commit_ms[0], sim->rates.commit_ms[1]),
              call->node, verified, verified_drop, call);
}

/* --- requests --- */

static bool split_body(struct host_waiting *call, struct bytes body) {
    struct reader r;
    reader_init(&r, body);
    while (r.rest.len > 0 && call->count < SUBMIT_EVENTS_MAX) {
        uint16_t len;
        if (!reader_u16(&r, &len) || !reader_take(&r, len, &call->notes[call->count])) {
            return false;
        }
        call->memory_cap += len + 32u;
        call->count++;
    }
    return reader_done(&r) && call->count > 0;
}

static void serve_add(struct node *node, struct arrival *arrival) {
    struct host_waiting *call = calloc(1, sizeof *call);
    assert(call != NULL);
    call->node = node;
    call->host = node->host;
    call->arrival = arrival;
    call->opaque = node->hosts->opaque;
    call->serial = ++node->sim->serials;
    bool whole = split_body(call, arrival->body);
    assert(whole);
    if (!replica_may_stamp(host_replica(node))) {
        node_say(node, "stamps nothing now: 503 for %s", sim_end_name(node->sim, arrival->from));
        refuse_all(call, STATUS_CLOCK);
        return;
    }
    if (call->opaque) {
        commit(call);
    } else {
        prepare(call);
    }
}

static void serve_receipt(struct node *node, struct arrival *arrival) {
    struct store_txn *txn = node_read(node);
    const struct log *log = &node->logs[node->hosts->number];
    struct writer w;
    struct reader r;
    struct bytes issuer;
    uint64_t number = 0;
    bool pending = false;
    uint64_t index = 0;
    enum status status = STATUS_STORE_DOUBT;
    writer_init(&w, receipt_memory, sizeof receipt_memory);
    reader_init(&r, arrival->body);
    bool named = reader_until(&r, ' ', &issuer) && bytes_to_u64(r.rest, &number);
    assert(named);
    if (txn != NULL) {
        status = node->hosts->opaque ? opaque_receipt(txn, log, number, &w)
                                     : sequencer_receipt(txn, log, issuer, number, UINT64_MAX, &w,
                                                         &pending, &index, NULL);
        store_abort(txn);
    }
    if (status == STATUS_OK) {
        wire_answer(arrival, 200, writer_view(&w));
    } else {
        wire_answer(arrival, status == STATUS_NOT_FOUND ? 404 : 503, bytes_of(NULL, 0));
    }
}

void host_serve(struct node *node, struct arrival *arrival) {
    if (arrival->kind == WIRE_ADD) {
        serve_add(node, arrival);
    } else {
        serve_receipt(node, arrival);
    }
}

/* --- imports --- */

#define BULK_MAX 300

struct bulk {
    struct work work;
    struct append_job job;
    struct node *node;
    struct bytes entries[BULK_MAX];
    char text[BULK_MAX][24];
};

static void bulk_drop(struct work *work) {
    free(CONTAINER(work, struct bulk, work));
}

static void bulk_done(struct append_job *job, enum status status) {
    struct bulk *bulk = CONTAINER(job, struct bulk, job);
    if (status == STATUS_OK) {
        node_say(bulk->node, "imports %zu from %" PRIu64, job->count, job->first);
        host_committed(bulk->node->host, job->committed);
    }
    free(bulk);
}

void host_bulk(struct node *node, size_t count) {
    if (!replica_may_stamp(host_replica(node))) {
        return;
    }
    struct bulk *bulk = calloc(1, sizeof *bulk);
    assert(bulk != NULL && count <= BULK_MAX && node->hosts->opaque);
    bulk->node = node;
    for (size_t i = 0; i < count; i++) {
        int n = snprintf(bulk->text[i], sizeof bulk->text[i], "%" PRIu64 " %zu",
                         ++node->sim->serials, i);
        bulk->entries[i] = bytes_of(bulk->text[i], (size_t)n);
    }
    append_job_init(&bulk->job);
    bulk->job.log = &node->logs[node->hosts->number];
    bulk->job.entries = bulk->entries;
    bulk->job.count = count;
    bulk->job.done = bulk_done;
    bulk->work = (struct work){.job = &bulk->job.job, .drop = bulk_drop};
    node_commit(node, &bulk->work);
}
