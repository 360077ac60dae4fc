/* Candidates: the signed head, and the compare-and-swap through which alone it moves (design
 * section 6.3). */
#include "ledger/schema.h"
#include "ledger/sequencer.h"

#include <assert.h>
#include <string.h>

/* TABLE_HEAD: the signed checkpoint, as it left. */

static enum status head_of_note(struct bytes note_bytes, struct head *out) {
    struct note note;
    struct checkpoint checkpoint;
    if (note_bytes.len > sizeof out->note ||
        checkpoint_parse(note_bytes, &note, &checkpoint, NULL) != STATUS_OK) {
        return STATUS_STORE_CORRUPT;
    }
    out->size = checkpoint.size;
    out->root = checkpoint.root;
    out->note_len = note_bytes.len;
    memcpy(out->note, note_bytes.data, note_bytes.len);
    return STATUS_OK;
}

/* `known`: of a head whose signature needs no verifying again; may be empty. */
static enum status read_head(struct store_txn *txn, const struct log *log, struct bytes known,
                             struct head *out) {
    struct key key = key_log(TABLE_HEAD, log->number);
    struct bytes value;
    struct note note;
    TRY(store_get(txn, key_view(&key), &value));
    if (bytes_equal(value, known)) {
        return head_of_note(value, out);
    }
    /* Read back before it is trusted: the log's own signature tells what is ours from what a bad
     * disk made of it. */
    if (note_parse(value, &note, NULL) != STATUS_OK ||
        note_verify(&note, &log->vkey) != STATUS_OK) {
        return STATUS_STORE_CORRUPT;
    }
    return head_of_note(value, out);
}

enum status sequencer_head(struct store_txn *txn, const struct log *log, struct head *out) {
    return read_head(txn, log, bytes_of(NULL, 0), out);
}

static enum status cut_apply(struct job *base, struct batch *batch) {
    struct cut_job *job = (struct cut_job *)base;
    struct head last = {.size = 0};
    bool signed_before = true;
    assert(vkey_equal(&job->signer->vkey, &job->log->vkey));
    enum status status = read_head(batch->txn, job->log, job->known, &last);
    if (status == STATUS_NOT_FOUND) {
        signed_before = false;
    } else {
        TRY(status);
    }
#ifndef DUTYLOG_BUG_NO_CAS /* planted: signs whatever is asked, whatever was signed before */
    if (last.size != job->expected) {
        return STATUS_CONFLICT_HEAD;
    }
#endif
    struct tree *tree = NULL;
    TRY(batch_tree(batch, job->log->number, false, &tree));
    struct hash root;
    merkle_frontier_root(&tree->frontier, &root);
    if (tree->frontier.size < last.size) {
        return STATUS_STORE_CORRUPT; /* a head that covers more than is stored: the folder lost
                                        entries */
    }
    if (signed_before && tree->frontier.size == last.size && !hash_equal(&root, &last.root)) {
        return STATUS_STORE_CORRUPT; /* what is stored is not what was signed */
    }
    struct writer w;
    writer_init(&w, job->head.note, sizeof job->head.note);
    checkpoint_sign(&w, vkey_name(&job->log->vkey), tree->frontier.size, &root, job->signer);
    assert(!w.failed); /* sized for the longest origin */
    job->head.size = tree->frontier.size;
    job->head.root = root;
    job->head.note_len = w.len;
    batch->signs = true;
    batch->head = &job->head;
    struct key key = key_log(TABLE_HEAD, job->log->number);
    return store_put(batch->txn, key_view(&key), writer_view(&w));
}

static void cut_finish(struct job *base, enum status status) {
    struct cut_job *job = (struct cut_job *)base;
    if (status != STATUS_OK) {
        /* Signed in memory, perhaps, but not durable: it must not leave. */
        memset(&job->head, 0, sizeof job->head);
    }
    if (job->done != NULL) {
        job->done(job, status);
    }
}

void cut_job_init(struct cut_job *job) {
    memset(job, 0, sizeof *job);
    job->job.apply = cut_apply;
    job->job.finish = cut_finish;
}
