#include "net/judge.h"

#include "ledger/accept.h"
#include "ledger/rules.h"
#include "net/log.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A turn: prepare up to JUDGE_BATCH_MAX entries of one log on a worker, then judge them in the
 * committer. */
struct judge {
    struct node *node;
    struct waiting {
        bool stored; /* since the log's last turn: something may be there to judge */
        bool due;    /* this round */
        bool told;   /* that this build lacks its kinds table */
    } * waiting;     /* by log number - 1 */
    bool busy;
    size_t turn; /* the log looked at last: each gets its turn */
    struct timer *timer;
    bool resting; /* the timer runs */
    const struct log *log;
    uint64_t size;
    uint64_t next;         /* the first that is not judged */
    bool lacks;            /* its kinds table: it is judged no further by this build */
    struct refusal reason; /* and which that is */
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

/* Between rounds, in each of which every log is judged as far as it is stored: a turn for every
 * upload would cost a commit each, beside those that store and cosign. */
#define REST_MS 200

static void next_turn(struct judge *j);

static void rest(struct judge *j) {
    if (!j->resting) {
        j->resting = true;
        timer_start(j->timer, REST_MS, 0);
    }
}

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

/* `again`: the log has more to judge in this round. */
static void turn_over(struct judge *j, bool again) {
    release_prepared(j);
    j->busy = false;
    j->waiting[j->log->number - 1].due = again;
    if (j->closing) {
        maybe_closed(j);
    } else {
        next_turn(j);
    }
}

/* No place in a queue, or no memory: the log's turn comes in the next round. */
static void put_off(struct judge *j) {
    release_prepared(j);
    j->busy = false;
    j->waiting[j->log->number - 1].stored = true;
    j->waiting[j->log->number - 1].due = false;
    if (j->closing) {
        maybe_closed(j);
    } else {
        rest(j);
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
    bool done = batch_status == STATUS_OK && j->job.job.status == STATUS_OK;
    if (!done) {
        j->waiting[j->log->number - 1].stored = true; /* tried again in the next round */
    }
    turn_over(j, done && j->job.judged < j->size);
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
    size_t used = 0;
    j->size = 0;
    j->next = 0;
    j->lacks = false;
    if (store_begin(j->node->store, STORE_READ, &txn) != STATUS_OK) {
        return;
    }
    enum status status = mirror_checkpoint(txn, j->log->number, &checkpoint);
    if (status == STATUS_OK) {
        j->size = checkpoint.size;
        status = judge_size(txn, j->log->number, &j->next);
    }
    if (status == STATUS_OK) {
        status = rules_check(txn, j->log, &j->reason);
        j->lacks = status == STATUS_UNJUDGED;
    }
    for (uint64_t next = j->next;
         status == STATUS_OK && next < j->size && j->prepared_count < JUDGE_BATCH_MAX; next++) {
        size_t len = 0;
        status = prepare_one(j, txn, next, j->entries + used, &len);
        used += len;
    }
    store_abort(txn);
}

/* Once a run: it stays so until another build starts here. */
static void tell_lack(struct judge *j) {
    struct waiting *waiting = &j->waiting[j->log->number - 1];
    if (j->lacks && !waiting->told) {
        waiting->told = true;
        log_line(LOG_WARN, "judge", "unjudged", "log=%s judged=%" PRIu64 " why=\"%s\"",
                 j->log->vkey.name, j->next, j->reason.text);
    }
}

static void prepared(struct work *work) {
    struct judge *j = work->context;
    tell_lack(j);
    if (j->prepared_count == 0 || j->closing) {
        turn_over(j, false); /* all is judged, or there is no mirror checkpoint yet */
        return;
    }
    j->job.job = (struct job){.apply = judge_apply, .finish = judge_finish};
    j->job.judge = j;
    j->commit = (struct commit){.job = &j->job.job, .done = judged, .context = j};
    if (node_commit(j->node, &j->commit) != STATUS_OK) {
        put_off(j);
    }
}

/* --- turns --- */

/* False: put off. */
static bool start_turn(struct judge *j, size_t which) {
    j->turn = which;
    j->log = &j->node->logs[which];
    j->waiting[which].stored = false;
    j->entries =
        malloc((size_t)JUDGE_BATCH_MAX * ENTRY_SIZE_MAX); /* what is not written costs nothing */
    j->work = (struct work){.run = prepare, .done = prepared, .context = j};
    j->busy = true;
    if (j->entries == NULL || workers_submit(j->node->workers, &j->work) != STATUS_OK) {
        put_off(j);
        return false;
    }
    return true;
}

static void next_turn(struct judge *j) {
    bool more = false;
    if (j->busy || j->closing) {
        return;
    }
    for (size_t i = 1; i <= j->node->log_count; i++) {
        size_t which = (j->turn + i) % j->node->log_count;
        if (j->waiting[which].due && start_turn(j, which)) {
            return;
        }
        more = more || j->waiting[which].stored;
    }
    if (more) {
        rest(j);
    }
}

/* A round begins. */
static void fire(void *context) {
    struct judge *j = context;
    j->resting = false;
    for (size_t i = 0; i < j->node->log_count; i++) {
        j->waiting[i].due = j->waiting[i].due || j->waiting[i].stored;
    }
    next_turn(j);
}

void judge_stored(struct judge *j, uint32_t log) {
    const struct log *which = node_log_by_number(j->node, log);
    if ((which->flags & LOG_EVENTS) == 0 || (which->flags & LOG_OWN) != 0) {
        return;
    }
    j->waiting[log - 1].stored = true;
    if (!j->busy) {
        rest(j);
    }
}

enum status judge_open(struct node *node, struct judge **out) {
    struct judge *j = calloc(1, sizeof *j);
    struct waiting *waiting = calloc(node->log_room, sizeof *waiting);
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
