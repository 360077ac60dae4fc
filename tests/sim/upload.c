/* add-entries: the header is looked at, packages are stored one after the other, the end cosigns.
 * The process may die between any two of these. */
#include "tests/sim/check.h"
#include "tests/sim/clocks.h"
#include "tests/sim/lies.h"
#include "tests/sim/mirrors.h"
#include "tests/sim/wire.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct upload_call {
    struct work work;
    struct arrival *arrival;
    struct upload upload;
    struct bytes rest; /* of the body */
    uint64_t next;
    uint64_t saved;
    struct refusal failed;
    struct package_job package;
    struct upload_end_job end;
};

static void call_drop(struct work *work) {
    struct upload_call *call = CONTAINER(work, struct upload_call, work);
    wire_forget(call->arrival);
    free(call);
}

static void go_on(struct upload_call *call);

/* --- the end --- */

static void end_done(struct upload_end_job *job, enum status status) {
    struct upload_call *call = CONTAINER(job, struct upload_call, end);
    struct arrival *arrival = call->arrival;
    struct node *node = arrival->node;
    (void)status;
    if (job->answer.http == 200) {
        node_say(node, "cosigns %" PRIu64, call->upload.end);
        if (!node->dying) {
            check_cosigned(node, arrival->book, WATCH_MIRROR, call->upload.end, &call->upload.root,
                           job->timestamp);
            clocks_check_cosigned(node, arrival->book, job->timestamp, job->peers);
        }
    } else {
        node_say(node, "upload to %" PRIu64 " ends with %u", call->upload.end, job->answer.http);
    }
    if (!node->dying) {
        judge_stored(node, arrival->book);
    }
    lies_answer(arrival, job->answer.http, bytes_of(job->answer.body, job->answer.len));
    free(call);
}

static void finish(struct upload_call *call) {
    struct node *node = call->arrival->node;
    call->end.upload = &call->upload;
    call->end.cosigner = &node->cosigner;
    call->end.now_seconds = node_now_ms(node) / 1000;
    call->end.peers = clocks_peers(node, call->arrival->book);
    call->end.saved = call->saved;
    call->end.failed = call->failed;
    upload_end_job_init(&call->end);
    call->end.done = end_done;
    call->work = (struct work){.job = &call->end.job, .drop = call_drop};
    node_commit(node, &call->work);
}

/* --- packages --- */

static void package_done(struct package_job *job, enum status status) {
    struct upload_call *call = CONTAINER(job, struct upload_call, package);
    struct node *node = call->arrival->node;
    if (node->dying) {
        call_drop(&call->work);
        return;
    }
    if (batch_is_fatal(status)) {
        wire_answer(call->arrival, 503, bytes_of(NULL, 0));
        free(call);
        return;
    }
    if (status == STATUS_OK) {
        node_say(node, "stored %" PRIu64 "-%" PRIu64, job->package.start, job->package.end);
        call->saved++;
        call->next = job->package.end;
    } else {
        (void)refuse(&call->failed, status, "package at %" PRIu64, call->next);
    }
    go_on(call);
}

static void go_on(struct upload_call *call) {
    struct package_scan scan = {.entries = 0};
    uint64_t end;
    size_t consumed = 0;
    if (call->failed.status != STATUS_OK || call->next == call->upload.end) {
        finish(call);
        return;
    }
    package_job_init(&call->package);
    package_bounds(call->next, call->upload.end, &end);
    enum status status =
        package_parse(call->rest, call->next, end, &scan, &call->package.package, &consumed);
    if (status != STATUS_OK) {
        if (status != STATUS_NOT_FOUND) {
            (void)refuse(&call->failed, status, "package at %" PRIu64, call->next);
        }
        finish(call);
        return;
    }
    call->rest = bytes_of(call->rest.data + consumed, call->rest.len - consumed);
    call->package.upload = &call->upload;
    call->package.done = package_done;
    call->work = (struct work){.job = &call->package.job, .drop = call_drop};
    node_commit(call->arrival->node, &call->work);
}

void upload_serve(struct node *node, struct arrival *arrival) {
    struct upload_header header;
    struct answer refused;
    size_t consumed = 0;
    enum status status = upload_header_parse(arrival->body, &header, &consumed, NULL);
    if (status != STATUS_OK) {
        lies_answer(arrival, status == STATUS_UNKNOWN_LOG ? 404 : 400, bytes_of(NULL, 0));
        return;
    }
    struct upload_call *call = calloc(1, sizeof *call);
    assert(call != NULL);
    call->arrival = arrival;
    struct store_txn *txn = node_read(node);
    if (txn == NULL) {
        call_drop(&call->work);
        return;
    }
    status = upload_begin(txn, &header, &call->upload, &refused);
    store_abort(txn);
    if (status != STATUS_OK) {
        node_say(node, "refuses an upload of %" PRIu64 "-%" PRIu64 ": %u", header.start, header.end,
                 refused.http);
        lies_answer(arrival, refused.http, bytes_of(refused.body, refused.len));
        free(call);
        return;
    }
    call->next = call->upload.start;
    call->rest = bytes_of(arrival->body.data + consumed, arrival->body.len - consumed);
    go_on(call);
}
