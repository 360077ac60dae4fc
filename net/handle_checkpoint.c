/* POST /add-checkpoint, and /add-candidate which brings the entries too: the request goes to the
 * committer as a job; what looks like equivocation goes on to be examined after the client has its
 * answer. */
#include "ledger/fork.h"
#include "net/clocks.h"
#include "net/handlers.h"
#include "net/judge.h"
#include "net/log.h"
#include "net/puller.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct checkpoint_call {
    struct node *node;
    struct request *request; /* held until the end */
    struct add_candidate_job candidate;
    struct add_checkpoint_job *job; /* the candidate's, or a checkpoint alone */
    struct fork_job fork;
    struct commit commit;
};

static void finish(struct checkpoint_call *call) {
    request_release(call->request);
    free(call);
}

static void fork_done(struct commit *commit, enum status batch_status) {
    struct checkpoint_call *call = commit->context;
    node_batch_result(call->node, batch_status);
    const char *origin = call->job->log.vkey.name;
    if (batch_status == STATUS_OK && call->fork.outcome == FORK_PROVED) {
        log_line(LOG_ERROR, "fork", "proved", "log=%s do=\"GET /evidence, and pass it on\"",
                 origin);
    } else if (batch_status == STATUS_OK && call->fork.outcome == FORK_UNRECONCILED) {
        log_line(LOG_WARN, "fork", "unreconciled", "log=%s size=%" PRIu64, origin,
                 call->job->request.checkpoint.size);
        if (call->node->puller != NULL) {
            puller_reconcile(call->node->puller, call->job->log.number,
                             call->job->request.note_bytes);
        }
    }
    finish(call);
}

/* The signature was good and the claim was not: make evidence of it, or keep it until the log's
 * tiles explain it. */
static void examine(struct checkpoint_call *call) {
    fork_job_init(&call->fork);
    call->fork.log = &call->job->log;
    call->fork.note = call->job->request.note_bytes;
    call->fork.old_size = call->job->request.old_size;
    call->fork.proof = call->job->request.proof;
    call->commit = (struct commit){.job = &call->fork.job, .done = fork_done, .context = call};
    if (node_commit(call->node, &call->commit) != STATUS_OK) {
        log_line(LOG_WARN, "fork", "not-examined",
                 "log=%s why=\"overloaded; it will be sent again\"", call->job->log.vkey.name);
        finish(call);
    }
}

static void take_fate(struct checkpoint_call *call, enum status batch_status,
                      const struct answer *answer) {
    node_batch_result(call->node, batch_status);
    if (batch_status != STATUS_OK) {
        request_answer_text(call->request, 503, "nothing was kept: %s: try again later",
                            status_text(batch_status));
        finish(call);
        return;
    }
    if (answer->http == 200 && call->job->request.checkpoint.size > call->job->request.old_size) {
        request_vouch(call->request); /* what nobody but the log had to give us */
    }
    request_answer_core(call->request, answer);
    if (call->job->suspicion != SUSPECT_NONE) {
        examine(call);
    } else {
        finish(call);
    }
}

static void checkpoint_done(struct commit *commit, enum status batch_status) {
    struct checkpoint_call *call = commit->context;
    take_fate(call, batch_status, &call->job->answer);
}

static void candidate_done(struct commit *commit, enum status batch_status) {
    struct checkpoint_call *call = commit->context;
    struct judge *judge = call->node->judge;
    if (batch_status == STATUS_OK && call->candidate.answer.http == 200 && judge != NULL) {
        judge_stored(judge, call->job->log.number);
    }
    take_fate(call, batch_status, &call->candidate.answer);
}

/* NULL: answered already. */
static struct checkpoint_call *begin(struct request *request) {
    struct node *node = request_context(request);
    struct refusal why;
    if (node_admit(node, &why) != STATUS_OK) {
        request_refuse(request, &why);
        return NULL;
    }
    struct checkpoint_call *call = calloc(1, sizeof *call);
    if (call == NULL) {
        request_answer_text(request, 503, "out of memory: try again in a second");
        return NULL;
    }
    call->node = node;
    call->request = request;
    call->job = &call->candidate.checkpoint;
    request_hold(request);
    return call;
}

static void launch(struct checkpoint_call *call) {
    if (node_commit(call->node, &call->commit) != STATUS_OK) {
        request_answer_text(call->request, 503, "too much is waiting: try again in a second");
        finish(call);
    }
}

void handle_add_checkpoint(struct request *request) {
    struct checkpoint_call *call = begin(request);
    if (call == NULL) {
        return;
    }
    call->job->body = request_body(request);
    call->job->cosigner = &call->node->cosigner;
    call->job->now_seconds = clock_wall_ms() / 1000;
    call->job->peers = clocks_say_of(call->node->clocks, add_checkpoint_origin(call->job->body));
    add_checkpoint_job_init(call->job);
    call->commit =
        (struct commit){.job = &call->job->job, .done = checkpoint_done, .context = call};
    launch(call);
}

void handle_add_candidate(struct request *request) {
    struct node *node = request_context(request);
    if (node->cosigner.mirror == NULL) {
        request_answer_text(request, 404, "this node mirrors no logs");
        return;
    }
    struct checkpoint_call *call = begin(request);
    if (call == NULL) {
        return;
    }
    call->candidate.body = request_body(request);
    call->candidate.cosigner = &node->cosigner;
    call->candidate.now_seconds = clock_wall_ms() / 1000;
    call->candidate.peers = clocks_say_of(node->clocks, add_candidate_origin(call->candidate.body));
    add_candidate_job_init(&call->candidate);
    call->commit =
        (struct commit){.job = &call->candidate.job, .done = candidate_done, .context = call};
    launch(call);
}
