/* add-candidate: what a log in step sends in one request, add-checkpoint and add-entries of one
 * package (https://c2sp.org/tlog-mirror), each taken by the code that takes it alone.
 *
 * Both become durable in one commit, and nothing leaves before it: the witness's cosignature and
 * the mirror's are one answer. */
#include "ledger/mirror_parts.h"

#include <assert.h>
#include <string.h>

/* --- parsing --- */

static enum status parse_entries(struct reader *r, struct add_candidate *out, struct refusal *why) {
    struct package_scan scan = {.entries = 0};
    size_t consumed;
    enum status status = upload_header_parse(r->rest, &out->header, &consumed, why);
    if (status == STATUS_NOT_FOUND) {
        return refuse(why, STATUS_BAD_FORM, "the body ends within the header of its entries");
    }
    TRY(status);
    if (out->header.end > TREE_SIZE_MAX || package_count(out->header.start, out->header.end) != 1) {
        return refuse(why, STATUS_BAD_FORM, "the entries are not one package");
    }
    struct bytes rest = bytes_of(r->rest.data + consumed, r->rest.len - consumed);
    status =
        package_parse(rest, out->header.start, out->header.end, &scan, &out->package, &consumed);
    if (status != STATUS_OK || consumed != rest.len) {
        return refuse(why, STATUS_BAD_FORM, "the body does not end with its package");
    }
    return STATUS_OK;
}

enum status add_candidate_parse(struct bytes body, struct add_candidate *out, struct refusal *why) {
    struct add_candidate parsed;
    struct reader r;
    uint16_t len;
    reader_init(&r, body);
    if (!reader_u16(&r, &len) || !reader_take(&r, len, &parsed.checkpoint)) {
        return refuse(why, STATUS_BAD_FORM, "the body ends within its checkpoint");
    }
    TRY(parse_entries(&r, &parsed, why));
    *out = parsed;
    return STATUS_OK;
}

struct bytes add_candidate_origin(struct bytes body) {
    struct reader r;
    struct bytes checkpoint;
    uint16_t len;
    reader_init(&r, body);
    return reader_u16(&r, &len) && reader_take(&r, len, &checkpoint)
               ? add_checkpoint_origin(checkpoint)
               : bytes_of(NULL, 0);
}

/* --- the job --- */

/* add-entries, to the checkpoint that was just taken. Fatal, or OK and the answer. */
static enum status take_entries(struct add_candidate_job *self, struct batch *batch,
                                const struct add_candidate *request) {
    struct tree *tree;
    struct refusal why;
    /* Uploads of others may stand in this batch: upload_begin must see the size stored. */
    TRY(batch_tree(batch, self->checkpoint.log.number, false, &tree));
    TRY(tree_flush(tree, batch->txn));
    if (!bytes_equal(request->header.origin, vkey_name(&self->checkpoint.log.vkey)) ||
        request->header.end != self->checkpoint.request.checkpoint.size) {
        (void)refuse(&why, STATUS_BAD_FORM, "the entries are not the checkpoint's");
        answer_refusal(&self->answer, &why);
        return STATUS_OK;
    }
    enum status status = upload_begin(batch->txn, &request->header, &self->upload, &self->answer);
    if (status != STATUS_OK) {
        return batch_is_fatal(status) ? status : STATUS_OK;
    }
    self->package.upload = &self->upload;
    self->package.package = request->package;
    package_job_init(&self->package);
    self->package.job.status = self->package.job.apply(&self->package.job, batch);
    if (batch_is_fatal(self->package.job.status)) {
        return self->package.job.status;
    }
    self->end = (struct upload_end_job){.upload = &self->upload,
                                        .cosigner = self->cosigner,
                                        .now_seconds = self->now_seconds,
                                        .peers = self->peers,
                                        .last = &self->package};
    upload_end_job_init(&self->end);
    TRY(self->end.job.apply(&self->end.job, batch));
    self->answer = self->end.answer;
    return STATUS_OK;
}

/* Puts the witness's lines before the mirror's. */
static void join_lines(struct add_candidate_job *self) {
    const struct answer *first = &self->checkpoint.answer;
    const struct answer *second = &self->end.answer;
    struct writer w;
    static_assert(2 * COSIGNATURE_LINE_MAX <= ANSWER_BODY_MAX, "both fit");
    writer_init(&w, self->answer.body, sizeof self->answer.body);
    writer_bytes(&w, bytes_of(first->body, first->len));
    writer_bytes(&w, bytes_of(second->body, second->len));
    assert(!w.failed);
    self->answer.len = w.len;
}

static enum status add_candidate_apply(struct job *job, struct batch *batch) {
    struct add_candidate_job *self = (struct add_candidate_job *)job;
    struct add_candidate request;
    struct refusal why;
    enum status status = add_candidate_parse(self->body, &request, &why);
    if (status != STATUS_OK) {
        answer_refusal(&self->answer, &why);
        return status;
    }
    self->checkpoint.body = request.checkpoint;
    self->checkpoint.cosigner = self->cosigner;
    self->checkpoint.now_seconds = self->now_seconds;
    self->checkpoint.peers = self->peers;
    status = self->checkpoint.job.apply(&self->checkpoint.job, batch);
    if (status != STATUS_OK) {
        self->answer = self->checkpoint.answer;
        return status;
    }
    assert(self->checkpoint.answer.http == 200);
    TRY(take_entries(self, batch, &request));
    if (self->answer.http == 200) {
        join_lines(self);
    }
    return STATUS_OK;
}

static void add_candidate_finish(struct job *job, enum status status) {
    struct add_candidate_job *self = (struct add_candidate_job *)job;
    self->checkpoint.job.finish(&self->checkpoint.job, status);
    (void)mirror_answer_fate(&self->answer, status);
    if (self->done != NULL) {
        self->done(self, status);
    }
}

void add_candidate_job_init(struct add_candidate_job *job) {
    assert(job->cosigner != NULL && job->cosigner->mirror != NULL);
    job->job.apply = add_candidate_apply;
    job->job.finish = add_candidate_finish;
    job->job.status = STATUS_OK;
    memset(&job->checkpoint, 0, sizeof job->checkpoint);
    job->checkpoint.cosigner = job->cosigner;
    add_checkpoint_job_init(&job->checkpoint);
    memset(&job->answer, 0, sizeof job->answer);
}
