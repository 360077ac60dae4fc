#include "net/judge.h"

#include "ledger/accept.h"
#include "net/log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A turn: prepare up to JUDGE_BATCH_MAX entries of one log on a worker, then judge them in the
 * committer. */
struct judge {
    struct node *node;
    bool *waiting; /* by log number - 1: something may be there to judge */
    bool busy;
    bool retry;  /* the last turn could not start */
    size_t turn; /* the log looked at last: each gets its turn */
    struct timer *timer;
    const struct log *log;
    uint64_t size;
    struct judgement prepared[JUDGE_BATCH_MAX];
    size_t prepared_count;
    uint8_t *entries; /* their bytes, JUDGE_BATCH_MAX * ENTRY_SIZE_MAX at most */
    struct work work;
    struct judge_job {
        struct job job;
        struct judge *judge;
        uint64_t judged;
    } job;
    struct commit commit;
    bool closing;
    void (*closed)(void *context);
    void *closed_context;
};

#define RETRY_MS 200

static void next_turn(struct judge *j);

static void release_prepared(struct judge *j) {
    for (size_t i = 0; i < j->prepared_count; i++) {
        submission_release(&j->prepared[i].submission);
    }
    j->prepared_count = 0;
    free(j->entries);
    j->entries = NULL;
}

static void maybe_closed(struct judge *j) {
    if (!j->closing || j->busy) {
        return;
    }
    void (*closed)(void *) = j->closed;
    void *context = j->closed_context;
    j->node->judge = NULL;
    free(j->waiting);
    free(j);
    closed(context);
}

static void turn_over(struct judge *j) {
    release_prepared(j);
    j->busy = false;
    if (j->closing) {
        maybe_closed(j);
    } else {
        next_turn(j);
    }
}

/* --- in the committer --- */

static enum status judge_apply(struct job *base, struct batch *batch) {
    struct judge_job *job = (struct judge_job *)base;
    struct judge *j = job->judge;
    return judge_advance(batch->txn, j->log, j->size, j->prepared_count, j->prepared,
                         j->prepared_count, &job->judged);
}

static void judge_finish(struct job *base, enum status status) {
    (void)base;
    (void)status; /* the loop reads it in judged() */
}

static void judged(struct commit *commit, enum status batch_status) {
    struct judge *j = commit->context;
    node_batch_result(j->node, batch_status);
    if (batch_status == STATUS_OK && j->job.job.status == STATUS_OK && j->job.judged >= j->size) {
        j->waiting[j->log->number - 1] = false;
    }
    turn_over(j);
}

/* --- on a worker --- */

static enum status prepare_one(struct judge *j, struct store_txn *txn, uint64_t index,
                               uint8_t *room, size_t *used) {
    struct judgement *judgement = &j->prepared[j->prepared_count];
    struct bytes entry;
    struct bytes note;
    TRY(tree_entry(txn, j->log->number, index, &entry));
    memcpy(room, entry.data, entry.len);
    *used = entry.len;
    memset(judgement, 0, sizeof *judgement);
    judgement->index = index;
    judgement->entry = bytes_of(room, entry.len);
    judgement->form = entry_parse(judgement->entry, &judgement->stamp_ms, &note, NULL);
    if (judgement->form == STATUS_OK) {
        submission_prepare(txn, j->log, note, &judgement->submission);
    }
    j->prepared_count++;
    return STATUS_OK;
}

static void prepare(struct work *work) {
    struct judge *j = work->context;
    struct store_txn *txn = NULL;
    struct signed_checkpoint checkpoint;
    uint64_t next = 0;
    size_t used = 0;
    j->size = 0;
    if (store_begin(j->node->store, STORE_READ, &txn) != STATUS_OK) {
        return;
    }
    enum status status = mirror_checkpoint(txn, j->log->number, &checkpoint);
    if (status == STATUS_OK) {
        j->size = checkpoint.size;
        status = judge_size(txn, j->log->number, &next);
    }
    for (; status == STATUS_OK && next < j->size && j->prepared_count < JUDGE_BATCH_MAX; next++) {
        size_t len = 0;
        status = prepare_one(j, txn, next, j->entries + used, &len);
        used += len;
    }
    store_abort(txn);
}

static void prepared(struct work *work) {
    struct judge *j = work->context;
    if (j->prepared_count == 0 || j->closing) {
        j->waiting[j->log->number - 1] =
            false; /* all is judged, or there is no mirror checkpoint yet */
        turn_over(j);
        return;
    }
    j->job.job = (struct job){.apply = judge_apply, .finish = judge_finish};
    j->job.judge = j;
    j->commit = (struct commit){.job = &j->job.job, .done = judged, .context = j};
    if (node_commit(j->node, &j->commit) != STATUS_OK) {
        release_prepared(j);
        j->busy = false;
        timer_start(j->timer, RETRY_MS, 0);
        maybe_closed(j);
    }
}

/* --- turns --- */

static void next_turn(struct judge *j) {
    if (j->busy || j->closing) {
        return;
    }
    for (size_t i = 1; i <= j->node->log_count; i++) {
        size_t which = (j->turn + i) % j->node->log_count;
        if (!j->waiting[which]) {
            continue;
        }
        j->turn = which;
        j->log = &j->node->logs[which];
        j->entries = malloc((size_t)JUDGE_BATCH_MAX *
                            ENTRY_SIZE_MAX); /* what is not written costs nothing */
        j->work = (struct work){.run = prepare, .done = prepared, .context = j};
        if (j->entries == NULL || workers_submit(j->node->workers, &j->work) != STATUS_OK) {
            free(j->entries);
            j->entries = NULL;
            timer_start(j->timer, RETRY_MS, 0);
            return;
        }
        j->busy = true;
        return;
    }
}

static void fire(void *context) {
    next_turn(context);
}

void judge_stored(struct judge *j, uint32_t log) {
    const struct log *which = node_log_by_number(j->node, log);
    if ((which->flags & LOG_EVENTS) == 0 || (which->flags & LOG_OWN) != 0) {
        return;
    }
    j->waiting[log - 1] = true;
    next_turn(j);
}

enum status judge_open(struct node *node, struct judge **out) {
    struct judge *j = calloc(1, sizeof *j);
    bool *waiting = calloc(node->log_count > 0 ? node->log_count : 1, sizeof *waiting);
    enum status status =
        j != NULL && waiting != NULL ? timer_open(node->loop, fire, j, &j->timer) : STATUS_NOMEM;
    if (status != STATUS_OK) {
        free(waiting);
        free(j);
        return status;
    }
    j->node = node;
    j->waiting = waiting;
    *out = j;
    /* What an earlier run stored and did not come to judge. */
    for (size_t i = 0; i < node->log_count; i++) {
        judge_stored(j, (uint32_t)(i + 1));
    }
    return STATUS_OK;
}

void judge_close(struct judge *j, void (*closed)(void *context), void *context) {
    j->closing = true;
    j->closed = closed;
    j->closed_context = context;
    timer_close(j->timer);
    j->timer = NULL;
    maybe_closed(j);
}
