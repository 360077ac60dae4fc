#include "ledger/batch.h"

#include "ledger/guard.h"

#include <assert.h>

bool batch_is_fatal(enum status status) {
    return status == STATUS_STORE_FAILED || status == STATUS_STORE_DOUBT ||
           status == STATUS_STORE_CORRUPT || status == STATUS_FULL || status == STATUS_NOMEM ||
           status == STATUS_IO;
}

/* Writes what the trees gathered and makes room for others. */
static enum status flush_trees(struct batch *batch) {
    for (size_t i = 0; i < batch->tree_count; i++) {
        if (batch->dirty[i]) {
            TRY(tree_flush(&batch->trees[i], batch->txn));
            batch->dirty[i] = false;
        }
    }
    batch->tree_count = 0;
    return STATUS_OK;
}

enum status batch_tree(struct batch *batch, uint32_t log, bool append, struct tree **tree) {
    size_t i = 0;
    while (i < batch->tree_count && batch->trees[i].log != log) {
        i++;
    }
    if (i == batch->tree_count) {
        if (i == BATCH_TREES_MAX) {
            TRY(flush_trees(batch));
            i = 0;
        }
        TRY(tree_load(batch->txn, log, &batch->trees[i]));
        batch->dirty[i] = false;
        batch->tree_count = i + 1;
    }
    batch->dirty[i] = batch->dirty[i] || append;
    *tree = &batch->trees[i];
    return STATUS_OK;
}

static enum status apply_all(struct batch *batch, struct job *const *jobs, size_t count) {
    for (size_t i = 0; i < count; i++) {
        jobs[i]->status = jobs[i]->apply(jobs[i], batch);
        if (batch_is_fatal(jobs[i]->status)) {
            return jobs[i]->status;
        }
    }
    return flush_trees(batch);
}

static void finish_all(struct job *const *jobs, size_t count, enum status fate) {
    for (size_t i = 0; i < count; i++) {
        if (fate != STATUS_OK) {
            jobs[i]->status = fate; /* an OK of its own is worth nothing: nothing of the batch is
                                       known to stand */
        }
        jobs[i]->finish(jobs[i], jobs[i]->status);
    }
}

/* Nothing signed leaves before its number is durable both inside and outside. Cosignatures' is
 * written at both places at once: after a crash the record may be ahead of the store, which costs
 * questions. A candidate's is written outside once it is durable inside: what the record names was
 * signed and stored, or the folder is old, and no crash looks like that (specs/decisions/029). */
static enum status commit(struct batch *batch, struct batch_outside *outside) {
    uint64_t commits = 0;
    if (outside == NULL || !batch->signs) {
        return store_commit(batch->txn);
    }
    enum status status = guard_commits(batch->txn, &commits);
    if (status == STATUS_OK) {
        status = guard_set_commits(batch->txn, commits + 1);
    }
    if (status != STATUS_OK) {
        store_abort(batch->txn);
        return status;
    }
    if (batch->head == NULL) {
        outside->begin(outside, commits + 1, NULL);
    }
    status = store_commit(batch->txn);
    if (batch->head != NULL) {
        if (status != STATUS_OK) {
            return status;
        }
        outside->begin(outside, commits + 1, batch->head);
    }
    enum status written = outside->end(outside);
    return status == STATUS_OK && written != STATUS_OK ? STATUS_STORE_DOUBT : status;
}

enum status batch_run_outside(struct store *store, struct batch *batch,
                              struct batch_outside *outside, struct job *const *jobs,
                              size_t count) {
    assert(count > 0);
    batch->tree_count = 0;
    batch->signs = false;
    batch->head = NULL;
    enum status fate = store_begin(store, STORE_WRITE, &batch->txn);
    if (fate == STATUS_OK) {
        fate = apply_all(batch, jobs, count);
        if (fate != STATUS_OK) {
            store_abort(batch->txn);
        } else {
#ifdef DUTYLOG_BUG_FINISH_EARLY /* planted: answers and cosignatures leave before they are durable \
                                 */
            finish_all(jobs, count, STATUS_OK);
            return store_commit(batch->txn);
#endif
            fate = commit(batch, outside);
        }
    }
    batch->txn = NULL;
    finish_all(jobs, count, fate);
    return fate;
}

enum status batch_run(struct store *store, struct batch *batch, struct job *const *jobs,
                      size_t count) {
    return batch_run_outside(store, batch, NULL, jobs, count);
}
