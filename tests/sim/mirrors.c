#include "tests/sim/mirrors.h"

#include "tests/sim/check.h"
#include "tests/sim/clocks.h"
#include "tests/sim/lies.h"
#include "tests/sim/wire.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- add-checkpoint, add-candidate --- */

struct checkpoint_call {
    struct work work;
    struct add_candidate_job candidate;
    struct add_checkpoint_job *job; /* the candidate's, or a checkpoint alone */
    struct arrival *arrival;
};

static void checkpoint_drop(struct work *work) {
    struct checkpoint_call *call = CONTAINER(work, struct checkpoint_call, work);
    wire_forget(call->arrival);
    free(call);
}

static void say_checkpoint(const struct checkpoint_call *call) {
    const struct add_checkpoint_job *job = call->job;
    const struct node *node = call->arrival->node;
    if (job->answer.http == 200) {
        node_say(node, "pending %" PRIu64, job->request.checkpoint.size);
    } else {
        node_say(node, "refuses a checkpoint: %u%s", job->answer.http,
                 job->suspicion != SUSPECT_NONE ? ", suspicious" : "");
    }
}

/* What both kinds of request come to: the checkpoint's part. */
static void checkpoint_taken(const struct checkpoint_call *call) {
    const struct add_checkpoint_job *job = call->job;
    struct arrival *arrival = call->arrival;
    struct node *node = arrival->node;
    say_checkpoint(call);
    if (job->answer.http == 200 && !node->dying) {
        check_cosigned(node, arrival->book, WATCH_WITNESS, job->request.checkpoint.size,
                       &job->request.checkpoint.root, job->timestamp);
        clocks_check_cosigned(node, arrival->book, job->timestamp, job->peers);
    }
    if (job->suspicion != SUSPECT_NONE && !node->dying) {
        examine(node, arrival->book, job->request.note_bytes, job->request.old_size,
                &job->request.proof, false);
    }
}

static void checkpoint_done(struct add_checkpoint_job *job, enum status status) {
    struct checkpoint_call *call = CONTAINER(job, struct checkpoint_call, candidate.checkpoint);
    (void)status;
    checkpoint_taken(call);
    lies_answer(call->arrival, job->answer.http, bytes_of(job->answer.body, job->answer.len));
    free(call);
}

static void candidate_done(struct add_candidate_job *job, enum status status) {
    struct checkpoint_call *call = CONTAINER(job, struct checkpoint_call, candidate);
    struct arrival *arrival = call->arrival;
    struct node *node = arrival->node;
    (void)status;
    checkpoint_taken(call);
    if (job->answer.http == 200) {
        node_say(node, "stored %" PRIu64 "-%" PRIu64 " and cosigns it", job->upload.start,
                 job->upload.end);
        if (!node->dying) {
            check_cosigned(node, arrival->book, WATCH_MIRROR, job->upload.end, &job->upload.root,
                           job->end.timestamp);
            clocks_check_cosigned(node, arrival->book, job->end.timestamp, job->peers);
        }
    } else if (job->checkpoint.answer.http == 200) {
        node_say(node, "but not its entries: %u", job->answer.http);
    }
    if (!node->dying) {
        judge_stored(node, arrival->book);
    }
    lies_answer(arrival, job->answer.http, bytes_of(job->answer.body, job->answer.len));
    free(call);
}

static struct checkpoint_call *call_of(struct arrival *arrival) {
    struct checkpoint_call *call = calloc(1, sizeof *call);
    assert(call != NULL);
    call->arrival = arrival;
    call->job = &call->candidate.checkpoint;
    return call;
}

static void serve_checkpoint(struct node *node, struct arrival *arrival) {
    struct checkpoint_call *call = call_of(arrival);
    call->job->body = arrival->body;
    call->job->cosigner = &node->cosigner;
    call->job->now_seconds = node_now_ms(node) / 1000;
    call->job->peers = clocks_peers(node, arrival->book);
    add_checkpoint_job_init(call->job);
    call->job->done = checkpoint_done;
    call->work = (struct work){.job = &call->job->job, .drop = checkpoint_drop};
    node_commit(node, &call->work);
}

static void serve_candidate(struct node *node, struct arrival *arrival) {
    struct checkpoint_call *call = call_of(arrival);
    call->candidate.body = arrival->body;
    call->candidate.cosigner = &node->cosigner;
    call->candidate.now_seconds = node_now_ms(node) / 1000;
    call->candidate.peers = clocks_peers(node, arrival->book);
    add_candidate_job_init(&call->candidate);
    call->candidate.done = candidate_done;
    call->work = (struct work){.job = &call->candidate.job, .drop = checkpoint_drop};
    node_commit(node, &call->work);
}

/* --- serving --- */

static void serve_note(struct node *node, struct arrival *arrival) {
    uint8_t memory[CHECKPOINT_SIZE_MAX];
    struct store_txn *txn = node_read(node);
    uint32_t log = node->logs[arrival->book].number;
    struct writer w;
    enum status status = STATUS_STORE_DOUBT;
    writer_init(&w, memory, sizeof memory);
    if (txn != NULL) {
        status = arrival->kind == WIRE_PENDING ? witness_serve_checkpoint(txn, log, &w)
                                               : mirror_serve_checkpoint(txn, log, &w);
        store_abort(txn);
    }
    if (status == STATUS_OK) {
        lies_answer(arrival, 200, writer_view(&w));
    } else {
        lies_answer(arrival, status == STATUS_NOT_FOUND ? 404 : 503, bytes_of(NULL, 0));
    }
}

void mirrors_serve(struct node *node, struct arrival *arrival) {
    if (node->lies != NULL && lies_instead(arrival)) {
        return;
    }
    if (arrival->kind == WIRE_CHECKPOINT) {
        serve_checkpoint(node, arrival);
    } else if (arrival->kind == WIRE_ENTRIES) {
        upload_serve(node, arrival);
    } else if (arrival->kind == WIRE_CANDIDATE && node->apart) {
        wire_answer(arrival, 404, bytes_of(NULL, 0)); /* it knows the two requests alone */
    } else if (arrival->kind == WIRE_CANDIDATE) {
        serve_candidate(node, arrival);
    } else {
        serve_note(node, arrival);
    }
}

void mirrors_open(struct node *node) {
    for (size_t b = 0; b < node->sim->book_count; b++) {
        judge_stored(node, b);
    }
    gossip_start(node);
}

void mirrors_release(struct node *node) {
    free(node->lies);
    node->lies = NULL;
}
