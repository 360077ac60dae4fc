/* Stamping and appending: events one by one, in the order they came; or raw entries of an opaque
 * log. */
#include "ledger/issuer.h"
#include "ledger/sequencer.h"

#include <assert.h>
#include <string.h>

/* Appends one event that may enter. The entry's bytes lie in the job's memory until finish. */
static enum status append_event(struct submit_job *job, struct batch *batch, struct tree *tree,
                                size_t which, struct writer *memory) {
    struct submit_result *result = &job->results[which];
    struct submission *submission = &job->submissions[which];
    uint64_t index = tree->frontier.size;
    size_t start = memory->len;
    entry_format(memory, result->received_ms, submission->note);
    assert(!memory->failed); /* the submitter gave room: submit_job */
    struct bytes entry = bytes_of(memory->data + start, memory->len - start);
    TRY(accept_apply(batch->txn, job->log, submission, index, result->received_ms));
    TRY(tree_append(tree, batch->txn, entry, NULL));
    result->place.index = index;
    return STATUS_OK;
}

/* The time at which a logged event was received, for whoever sends it again. */
static enum status read_received(struct batch *batch, const struct submit_job *job,
                                 struct tree *tree, struct submit_result *result) {
    struct bytes entry;
    struct bytes note;
    uint32_t log = job->log->number;
    if (result->place.index >= tree->flushed) {
        TRY(tree_flush(tree, batch->txn)); /* it came earlier in this very batch */
    }
    enum status status = tree_entry(batch->txn, log, result->place.index, &entry);
    if (status == STATUS_NOT_FOUND ||
        (status == STATUS_OK &&
         entry_parse(entry, &result->received_ms, &note, NULL) != STATUS_OK)) {
        return STATUS_STORE_CORRUPT;
    }
    return status;
}

static enum status submit_one(struct submit_job *job, struct batch *batch, struct tree *tree,
                              size_t which, uint64_t stamp_ms, struct writer *memory) {
    struct submit_result *result = &job->results[which];
    result->received_ms = stamp_ms;
    result->status = accept_check(batch->txn, job->log, &job->submissions[which],
                                  tree->frontier.size, stamp_ms, &result->place, &result->why);
    const struct event *event = &job->submissions[which].event;
    if (result->status == STATUS_OK && !result->place.logged &&
        event->kind->id == KIND_RULES_ACTIVATED) {
        result->status = rules_may_activate(event, &result->why);
    }
    if (batch_is_fatal(result->status)) {
        return result->status;
    }
    if (result->status == STATUS_CONFLICT_USED) {
        return accept_keep_conflict(batch->txn, job->log, &job->submissions[which]);
    }
    if (result->status != STATUS_OK) {
        return STATUS_OK;
    }
    return result->place.logged ? read_received(batch, job, tree, result)
                                : append_event(job, batch, tree, which, memory);
}

static enum status submit_apply(struct job *base, struct batch *batch) {
    struct submit_job *job = (struct submit_job *)base;
    struct accept_state state;
    struct tree *tree = NULL;
    struct writer memory;
    writer_init(&memory, job->memory, job->memory_cap);
    TRY(accept_state_get(batch->txn, job->log->number, &state));
    TRY(batch_tree(batch, job->log->number, true, &tree));
    /* Stamps never decrease, whatever the clock does. */
    uint64_t stamp_ms = job->now_ms > state.last_stamp_ms ? job->now_ms : state.last_stamp_ms;
    bool refused = false;
    for (size_t i = 0; i < job->count; i++) {
        if (refused) {
            job->results[i].status =
                refuse(&job->results[i].why, STATUS_BUSY,
                       "not tried: an earlier event of this request was refused");
            continue;
        }
        TRY(submit_one(job, batch, tree, i, stamp_ms, &memory));
        refused = job->results[i].status != STATUS_OK;
    }
    job->committed = tree->frontier.size;
    return STATUS_OK;
}

static void submit_finish(struct job *base, enum status status) {
    struct submit_job *job = (struct submit_job *)base;
    const char *fate = status == STATUS_STORE_DOUBT
                           ? "it is not known whether this was kept, send the same bytes again"
                           : "nothing was kept";
    for (size_t i = 0; status != STATUS_OK && i < job->count; i++) {
        job->results[i].status =
            refuse(&job->results[i].why, status, "%s: %s", fate, status_text(status));
    }
    if (job->done != NULL) {
        job->done(job, status);
    }
}

void submit_job_init(struct submit_job *job) {
    memset(job, 0, sizeof *job);
    job->job.apply = submit_apply;
    job->job.finish = submit_finish;
}

static enum status append_apply(struct job *base, struct batch *batch) {
    struct append_job *job = (struct append_job *)base;
    struct tree *tree = NULL;
    TRY(batch_tree(batch, job->log->number, true, &tree));
    job->first = tree->frontier.size;
    for (size_t i = 0; i < job->count; i++) {
        assert(job->entries[i].len <= ENTRY_SIZE_MAX); /* 413 at the door */
        TRY(tree_append(tree, batch->txn, job->entries[i], NULL));
    }
    job->committed = tree->frontier.size;
    return STATUS_OK;
}

static void append_finish(struct job *base, enum status status) {
    struct append_job *job = (struct append_job *)base;
    if (job->done != NULL) {
        job->done(job, status);
    }
}

void append_job_init(struct append_job *job) {
    memset(job, 0, sizeof *job);
    job->job.apply = append_apply;
    job->job.finish = append_finish;
}
