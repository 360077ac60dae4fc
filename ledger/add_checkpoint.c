/* add-checkpoint (https://c2sp.org/tlog-witness): taking a checkpoint as the pending one.
 *
 * Happy path: parse, find the log, verify its signature, old size = pending size, consistency, then
 * in one transaction the new pending checkpoint and the witness's timestamp; after the commit the
 * witness's cosignature leaves.
 *
 * Reading the pending size, checking and storing stand in one write transaction, so that the race
 * that tlog-witness describes (a smaller checkpoint stored after a larger) can't occur. */
#include "ledger/guard.h"
#include "ledger/mirror_parts.h"
#include "ledger/succession.h"

#include <assert.h>
#include <string.h>

/* --- the request --- */

#define OLD_PROOF_MAX 63 /* tlog-witness: "MUST NOT send more than 63 consistency proof lines" */

static bool parse_lines(struct reader *r, uint64_t *old_size, struct merkle_proof *proof) {
    struct bytes line;
    if (!reader_skip(r, "old ") || !reader_line(r, &line) || !bytes_to_u64(line, old_size)) {
        return false;
    }
    proof->count = 0;
    while (reader_line(r, &line)) {
        if (line.len == 0) {
            return true;
        }
        if (proof->count == OLD_PROOF_MAX || !bytes_to_hash(line, &proof->hashes[proof->count++])) {
            return false;
        }
    }
    return false;
}

enum status add_checkpoint_parse(struct bytes body, struct add_checkpoint *out,
                                 struct refusal *why) {
    struct add_checkpoint request;
    struct reader r;
    reader_init(&r, body);
    memset(&request, 0, sizeof request);
    if (!parse_lines(&r, &request.old_size, &request.proof)) {
        return refuse(why, STATUS_BAD_FORM,
                      "the body must be \"old <size>\", at most 63 base64 hashes, a line each, an "
                      "empty line and a checkpoint (tlog-witness)");
    }
    request.note_bytes = r.rest;
    struct bytes origin;
    if (reader_line(&r, &origin) && origin.len > NAME_SIZE_MAX) {
        return refuse(why, STATUS_UNKNOWN_LOG, "no log known here has so long an origin");
    }
    TRY(checkpoint_parse(request.note_bytes, &request.note, &request.checkpoint, why));
    *out = request;
    return STATUS_OK;
}

struct bytes add_checkpoint_origin(struct bytes body) {
    struct reader r;
    struct bytes line;
    reader_init(&r, body);
    while (reader_line(&r, &line)) {
        if (line.len == 0) {
            return reader_line(&r, &line) ? line : bytes_of(NULL, 0);
        }
    }
    return bytes_of(NULL, 0);
}

void add_checkpoint_format(struct writer *w, uint64_t old_size, const struct merkle_proof *proof,
                           struct bytes note) {
    writer_text(w, "old ");
    writer_decimal(w, old_size);
    writer_u8(w, '\n');
    for (size_t i = 0; i < proof->count; i++) {
        writer_hash_base64(w, &proof->hashes[i]);
        writer_u8(w, '\n');
    }
    writer_u8(w, '\n');
    writer_bytes(w, note);
}

/* --- checking --- */

static enum status find_log(struct store_txn *txn, struct add_checkpoint_job *job,
                            struct refusal *why) {
    enum status status = logs_find(txn, job->request.checkpoint.origin, &job->log);
    if (status == STATUS_UNKNOWN_LOG || (status == STATUS_OK && (job->log.flags & LOG_OWN) != 0)) {
        return refuse(why, STATUS_UNKNOWN_LOG, "this node does not mirror that log");
    }
    return status;
}

/* tlog-witness: 403 if "no signature from a trusted key for the origin is present, or a signature
 * line's key name and ID match a trusted key but the signature itself fails to verify". */
static enum status check_signature(const struct add_checkpoint_job *job, struct refusal *why) {
    if (note_verify(&job->request.note, &job->log.vkey) != STATUS_OK) {
        return refuse(why, STATUS_DENIED_SIGNATURE,
                      "the checkpoint is not validly signed by the log's key");
    }
    return STATUS_OK;
}

/* The checks that need no state but the pending checkpoint, in the order of tlog-witness.
 * `pending` has size 0 and the empty tree's root if there is none. */
static enum status check_consistency(const struct add_checkpoint *request,
                                     const struct signed_checkpoint *pending, struct refusal *why) {
    const struct checkpoint *checkpoint = &request->checkpoint;
    struct hash empty;
    hash_empty(&empty);
    if (request->old_size > checkpoint->size) {
        return refuse(why, STATUS_BAD_SIZE, "the old size is larger than the checkpoint's");
    }
#ifdef DUTYLOG_BUG_SHORTER_LOG
    if (checkpoint->size < pending->size) {
        return STATUS_OK;
    }
#endif
    if (request->old_size != pending->size) {
        return refuse(why, STATUS_CONFLICT_SIZE, "another old size is expected");
    }
    if (checkpoint->size == 0 && !hash_equal(&checkpoint->root, &empty)) {
        return refuse(why, STATUS_BAD_PROOF, "the root of the empty tree is another");
    }
#ifdef DUTYLOG_BUG_SKIP_CONSISTENCY
    return STATUS_OK;
#endif
    if (request->old_size == 0) {
        /* "the empty tree is consistent with any tree, so no proof is necessary" */
        return request->proof.count == 0
                   ? STATUS_OK
                   : refuse(why, STATUS_BAD_PROOF, "from old size 0 the proof must be empty");
    }
    if (request->old_size == checkpoint->size && !hash_equal(&checkpoint->root, &pending->root)) {
        return refuse(why, STATUS_CONFLICT_ROOT,
                      "this node holds a checkpoint of the same size with another root");
    }
    if (!merkle_consistency_check(request->old_size, &pending->root, checkpoint->size,
                                  &checkpoint->root, request->proof.hashes, request->proof.count)) {
        return refuse(why, STATUS_BAD_PROOF,
                      "the consistency proof from the pending checkpoint does not verify");
    }
    return STATUS_OK;
}

/* A refused checkpoint may still say more than the refusal: it is signed. Looked for whatever the
 * refusal was, since a liar may choose an old size that gets a mere 409. */
static enum status look_for_conflict(struct store_txn *txn, struct add_checkpoint_job *job,
                                     enum status refused) {
    const struct checkpoint *checkpoint = &job->request.checkpoint;
    struct signed_checkpoint known;
    struct tree_head head;
    struct hash root;
    enum status status = mirror_known(txn, job->log.number, checkpoint->size, &known);
    if (status == STATUS_OK) {
        job->suspicion =
            hash_equal(&known.root, &checkpoint->root) ? SUSPECT_NONE : SUSPECT_SAME_SIZE;
    }
    if (status != STATUS_NOT_FOUND) {
        return status;
    }
    TRY(tree_read_head(txn, job->log.number, &head));
    if (checkpoint->size > 0 && checkpoint->size <= head.size) {
        TRY(tree_root_at(txn, job->log.number, checkpoint->size, &root));
        if (!hash_equal(&root, &checkpoint->root)) {
            job->suspicion = SUSPECT_STORED;
        }
    } else if (refused == STATUS_BAD_PROOF) {
        job->suspicion = SUSPECT_INCONSISTENT;
    }
    return STATUS_OK;
}

/* --- the job --- */

static enum status store_pending(struct store_txn *txn, struct add_checkpoint_job *job,
                                 struct refusal *why) {
    const struct add_checkpoint *request = &job->request;
    uint8_t note[CHECKPOINT_SIZE_MAX];
    uint8_t line[COSIGNATURE_LINE_MAX];
    struct writer note_writer;
    struct writer line_writer;
    writer_init(&note_writer, note, sizeof note);
    writer_init(&line_writer, line, sizeof line);
    /* "The mirror MUST retain the log's signature in the pending checkpoint." (tlog-mirror) */
    note_put_by(&note_writer, &request->note, &job->log.vkey);
    assert(!note_writer.failed); /* its line is there, since it was verified; it is part of a note
                                    that checkpoint_parse took */
    if (job->cosigner->witness != NULL) {
        TRY(mirror_clock_check(txn, job->log.number, job->now_seconds, job->peers, why));
        TRY(mirror_cosign(txn, job->log.number, job->cosigner->witness, job->now_seconds,
                          request->checkpoint.size, request->note.text, &line_writer,
                          &job->timestamp));
    }
    struct signed_checkpoint pending = {
        .size = request->checkpoint.size,
        .root = request->checkpoint.root,
        .note = writer_view(&note_writer),
        .line = writer_view(&line_writer),
    };
    TRY(mirror_set_pending(txn, job->log.number, &pending));
    answer_set(&job->answer, 200, "text/plain; charset=utf-8", writer_view(&line_writer));
    return STATUS_OK;
}

/* "The response body MUST consist of the tree size of the latest cosigned checkpoint in decimal,
 * followed by a newline (U+000A). The response MUST have a Content-Type of text/x.tlog.size." */
static void answer_old_size(struct answer *answer, uint64_t size) {
    uint8_t memory[32];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    writer_decimal(&w, size);
    writer_u8(&w, '\n');
    answer_set(answer, 409, "text/x.tlog.size", writer_view(&w));
}

static enum status take(struct store_txn *txn, struct add_checkpoint_job *job,
                        struct refusal *why) {
    struct signed_checkpoint pending = {.size = 0};
    TRY(add_checkpoint_parse(job->body, &job->request, why));
    TRY(find_log(txn, job, why));
    TRY(check_signature(job, why));
    enum status status = mirror_pending(txn, job->log.number, &pending);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    status = check_consistency(&job->request, &pending, why);
    if (status == STATUS_OK) {
        TRY(succession_admits(txn, &job->log, job->request.checkpoint.size, why));
        TRY(guard_check_pending(txn, job->log.number, pending.size, job->request.checkpoint.size,
                                &job->request.checkpoint.root, why));
        return store_pending(txn, job, why);
    }
    if (status == STATUS_CONFLICT_SIZE) {
        answer_old_size(&job->answer, pending.size);
    }
    TRY(look_for_conflict(txn, job, status));
    return status;
}

static enum status add_checkpoint_apply(struct job *job, struct batch *batch) {
    struct add_checkpoint_job *self = (struct add_checkpoint_job *)job;
    struct refusal why = {.status = STATUS_OK};
    enum status status = take(batch->txn, self, &why);
    batch->signs = batch->signs || self->answer.http == 200;
    if (status != STATUS_OK && self->answer.http == 0 && !batch_is_fatal(status)) {
        answer_refusal(&self->answer, &why);
    }
    return status;
}

static void add_checkpoint_finish(struct job *job, enum status status) {
    struct add_checkpoint_job *self = (struct add_checkpoint_job *)job;
    if (mirror_answer_fate(&self->answer, status)) {
        self->suspicion = SUSPECT_NONE;
    }
    if (self->done != NULL) {
        self->done(self, status);
    }
}

void add_checkpoint_job_init(struct add_checkpoint_job *job) {
    assert(job->cosigner != NULL);
    job->job.apply = add_checkpoint_apply;
    job->job.finish = add_checkpoint_finish;
    job->job.status = STATUS_OK;
    job->timestamp = 0;
    job->suspicion = SUSPECT_NONE;
    memset(&job->answer, 0, sizeof job->answer);
}
