/* Judging behind the storing: a few entries of one log are prepared, then judged by a job. */
#include "tests/sim/check.h"
#include "tests/sim/mirrors.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TURN_MAX 8

struct judge_call {
    struct job job;
    struct work work;
    struct node *node;
    size_t book;
    uint64_t size; /* of the mirror checkpoint */
    size_t max;
    uint64_t judged;
    size_t count;
    struct judgement prepared[TURN_MAX];
    uint8_t *entries[TURN_MAX];
};

static void call_free(struct judge_call *call) {
    for (size_t i = 0; i < call->count; i++) {
        if (call->prepared[i].form == STATUS_OK) {
            submission_release(&call->prepared[i].submission);
        }
        free(call->entries[i]);
    }
    free(call);
}

static void judge_drop(struct work *work) {
    call_free(CONTAINER(work, struct judge_call, work));
}

static enum status judge_apply(struct job *job, struct batch *batch) {
    struct judge_call *call = CONTAINER(job, struct judge_call, job);
    return judge_advance(batch->txn, &call->node->logs[call->book], call->size, call->max,
                         call->prepared, call->count, &call->judged);
}

static void judge_finish(struct job *job, enum status status) {
    struct judge_call *call = CONTAINER(job, struct judge_call, job);
    struct node *node = call->node;
    size_t book = call->book;
    node->judging[book] = false;
    if (!node->dying) {
        if (status == STATUS_OK) {
            check_judged(node, book, call->judged);
        }
        judge_stored(node, book);
    }
    call_free(call);
}

static void prepare_one(struct judge_call *call, struct store_txn *txn, uint64_t index) {
    struct judgement *judgement = &call->prepared[call->count];
    const struct log *log = &call->node->logs[call->book];
    struct bytes entry;
    struct bytes note;
    enum status status = tree_entry(txn, log->number, index, &entry);
    assert(status == STATUS_OK);
    uint8_t *copy = malloc(entry.len + 1);
    assert(copy != NULL);
    memcpy(copy, entry.data, entry.len);
    call->entries[call->count] = copy;
    judgement->index = index;
    judgement->entry = bytes_of(copy, entry.len);
    judgement->form = entry_parse(judgement->entry, &judgement->stamp_ms, &note, NULL);
    if (judgement->form == STATUS_OK) {
        submission_prepare(txn, log, note, &judgement->submission);
    }
    call->count++;
}

/* Not everything is prepared: what is not is verified by the job itself. */
static void prepare(struct judge_call *call, struct store_txn *txn, uint64_t judged) {
    struct sim *sim = call->node->sim;
    call->max = dice_between(&sim->dice, 1, TURN_MAX);
    size_t wanted = dice_chance(&sim->dice, 200) ? 0 : call->max;
    for (uint64_t i = judged; i < call->size && call->count < wanted; i++) {
        prepare_one(call, txn, i);
    }
}

static void turn(struct sim *sim, void *context) {
    struct judge_call *call = context;
    struct node *node = call->node;
    struct store_txn *txn = node_read(node);
    uint32_t log = node->logs[call->book].number;
    struct signed_checkpoint checkpoint;
    uint64_t judged = 0;
    (void)sim;
    if (txn != NULL && mirror_checkpoint(txn, log, &checkpoint) == STATUS_OK &&
        judge_size(txn, log, &judged) == STATUS_OK) {
        call->size = checkpoint.size;
        if (judged < checkpoint.size) {
            prepare(call, txn, judged);
        }
    }
    if (txn != NULL) {
        store_abort(txn);
    }
    if (judged >= call->size) {
        node->judging[call->book] = false;
        call_free(call);
        return;
    }
    call->job = (struct job){.apply = judge_apply, .finish = judge_finish};
    call->work = (struct work){.job = &call->job, .drop = judge_drop};
    node_commit(node, &call->work);
}

static void turn_drop(struct sim *sim, void *context) {
    (void)sim;
    call_free(context);
}

void judge_stored(struct node *node, size_t book) {
    struct sim *sim = node->sim;
    if (node->logs[book].number == 0 || sim->books[book].opaque ||
        node->hosts == &sim->books[book] || node->judging[book]) {
        return;
    }
    struct judge_call *call = calloc(1, sizeof *call);
    assert(call != NULL);
    call->node = node;
    call->book = book;
    node->judging[book] = true;
    sim_after(sim, dice_between(&sim->dice, sim->rates.commit_ms[0], sim->rates.commit_ms[1]), node,
              turn, turn_drop, call);
}
