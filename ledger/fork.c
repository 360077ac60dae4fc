#include "ledger/fork.h"

#include "ledger/fork_parts.h"
#include "ledger/sequencer.h"

#include <assert.h>

enum status fork_read_suspect(const struct log *log, struct bytes bytes, struct suspect *out) {
    struct note note;
    TRY(checkpoint_parse(bytes, &note, &out->checkpoint, NULL));
    if (!bytes_equal(out->checkpoint.origin, vkey_name(&log->vkey))) {
        return STATUS_BAD_LOG;
    }
    if (note_verify(&note, &log->vkey) != STATUS_OK) {
        return STATUS_DENIED_SIGNATURE;
    }
    struct writer w;
    writer_init(&w, out->memory, sizeof out->memory);
    note_put_by(&w, &note, &log->vkey);
    assert(!w.failed);
    out->note = writer_view(&w);
    return STATUS_OK;
}

/* A signed checkpoint that we hold, of that size: a mirror's, or the signed head of the log that
 * this node hosts itself, whose memory is `own`. NOT_FOUND. */
static enum status held_at(struct store_txn *txn, const struct log *log, uint64_t size,
                           struct head *own, struct signed_checkpoint *out) {
    if ((log->flags & LOG_OWN) == 0) {
        return mirror_known(txn, log->number, size, out);
    }
    TRY(sequencer_head(txn, log, own));
    *out = (struct signed_checkpoint){
        .size = own->size, .root = own->root, .note = bytes_of(own->note, own->note_len)};
    return own->size == size ? STATUS_OK : STATUS_NOT_FOUND;
}

/* The same of a larger one, all of whose entries are stored. */
static enum status held_above(struct store_txn *txn, const struct log *log, uint64_t above,
                              struct head *own, struct signed_checkpoint *out) {
    struct tree_head tree;
    if ((log->flags & LOG_OWN) == 0) {
        return mirror_stored_above(txn, log->number, above, out);
    }
    TRY(tree_read_head(txn, log->number, &tree));
    TRY(sequencer_head(txn, log, own));
    *out = (struct signed_checkpoint){
        .size = own->size, .root = own->root, .note = bytes_of(own->note, own->note_len)};
    return own->size > above && own->size <= tree.size ? STATUS_OK : STATUS_NOT_FOUND;
}

static enum status find_same_size(struct store_txn *txn, const struct log *log,
                                  const struct suspect *suspect, struct writer *w) {
    struct signed_checkpoint known;
    struct head own;
    TRY(held_at(txn, log, suspect->checkpoint.size, &own, &known));
    return evidence_of_checkpoints(&log->vkey, known.note, suspect->note, NULL, w);
}

/* True (through `differs`) if the entries stored have another root at the suspect's size. */
static enum status stored_differs(struct store_txn *txn, const struct log *log,
                                  const struct suspect *suspect, bool *stored, bool *differs) {
    struct tree_head head;
    struct hash root;
    *differs = false;
    TRY(tree_read_head(txn, log->number, &head));
    *stored = suspect->checkpoint.size <= head.size;
    if (!*stored) {
        return STATUS_OK;
    }
    TRY(tree_root_at(txn, log->number, suspect->checkpoint.size, &root));
    *differs = !hash_equal(&root, &suspect->checkpoint.root);
    return STATUS_OK;
}

static enum status find_smaller(struct store_txn *txn, const struct log *log,
                                const struct suspect *suspect, struct writer *w) {
    struct signed_checkpoint larger;
    struct head own;
    struct merkle_proof hashes;
    bool stored;
    bool differs;
    TRY(stored_differs(txn, log, suspect, &stored, &differs));
    if (!differs || suspect->checkpoint.size == 0) {
        return STATUS_NOT_FOUND; /* at size 0 there is no subproof, nor anything to take back */
    }
    TRY(held_above(txn, log, suspect->checkpoint.size, &own, &larger));
    TRY(tree_subproof(txn, log->number, suspect->checkpoint.size, larger.size, &hashes));
    return evidence_of_checkpoints(&log->vkey, suspect->note, larger.note, &hashes, w);
}

/* What came with the suspect, or was fetched. */
struct hints {
    uint64_t old_size;
    const struct merkle_proof *proof; /* NULL: none */
    bool subproof;                    /* it is one; else a consistency proof */
};

static bool is_power_of_two(uint64_t n) {
    return (n & (n - 1)) == 0;
}

/* The larger tree's own nodes rebuild the root signed there and give another at the smaller size.
 * ledger/fork.h says why the proof of a power of two does not do. */
static enum status find_by_proof(struct store_txn *txn, const struct log *log,
                                 const struct suspect *suspect, const struct hints *hints,
                                 struct writer *w) {
    struct signed_checkpoint known;
    bool larger = hints->old_size < suspect->checkpoint.size;
    if (hints->proof == NULL || hints->old_size == suspect->checkpoint.size ||
        hints->old_size == 0 || suspect->checkpoint.size == 0 ||
        (!hints->subproof && (!larger || is_power_of_two(hints->old_size)))) {
        return STATUS_NOT_FOUND;
    }
    TRY(mirror_known(txn, log->number, hints->old_size, &known));
    return evidence_of_checkpoints(&log->vkey, known.note, suspect->note, hints->proof, w);
}

static enum status find(struct store_txn *txn, const struct log *log, const struct suspect *suspect,
                        const struct hints *hints, struct writer *w) {
    enum status status = find_same_size(txn, log, suspect, w);
    if (status == STATUS_NOT_FOUND) {
        status = find_smaller(txn, log, suspect, w);
    }
    if (status == STATUS_NOT_FOUND) {
        status = find_by_proof(txn, log, suspect, hints, w);
    }
    return status;
}

enum status fork_find(struct store_txn *txn, const struct log *log, struct bytes note,
                      uint64_t old_size, const struct merkle_proof *proof, struct writer *w) {
    struct suspect suspect;
    struct hints hints = {.old_size = old_size, .proof = proof};
    TRY(fork_read_suspect(log, note, &suspect));
    return find(txn, log, &suspect, &hints, w);
}

/* --- jobs --- */

static enum status settle(struct store_txn *txn, const struct log *log,
                          const struct suspect *suspect) {
    struct key key = fork_unreconciled_key(log, suspect);
    enum status status = store_remove(txn, key_view(&key));
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status fork_apply(struct job *job, struct batch *batch) {
    struct fork_job *self = (struct fork_job *)job;
    struct suspect suspect;
    uint8_t memory[EVIDENCE_MADE_MAX];
    struct writer w;
    bool stored;
    bool differs;
    TRY(fork_read_suspect(self->log, self->note, &suspect));
    writer_init(&w, memory, sizeof memory);
    struct hints hints = {.old_size = self->old_size,
                          .proof = self->proof.count > 0 ? &self->proof : NULL,
                          .subproof = self->subproof};
    enum status status = find(batch->txn, self->log, &suspect, &hints, &w);
    if (status == STATUS_OK) {
        /* BUSY: eight files prove it already. */
        status = fork_keep(batch->txn, &self->log->vkey, writer_view(&w), &self->fresh);
        if (status != STATUS_OK && status != STATUS_BUSY) {
            return status;
        }
        self->outcome = FORK_PROVED;
        return settle(batch->txn, self->log, &suspect);
    }
    if (status != STATUS_NOT_FOUND) {
        return status;
    }
    TRY(stored_differs(batch->txn, self->log, &suspect, &stored, &differs));
    if (stored && !differs) {
        return settle(batch->txn, self->log, &suspect);
    }
    self->outcome = FORK_UNRECONCILED;
    return fork_keep_suspect(batch->txn, self->log, &suspect, &self->fresh);
}

static void fork_finish(struct job *job, enum status status) {
    struct fork_job *self = (struct fork_job *)job;
    if (status != STATUS_OK) {
        self->outcome = FORK_NONE;
        self->fresh = false;
    }
    if (self->done != NULL) {
        self->done(self, status);
    }
}

void fork_job_init(struct fork_job *job) {
    job->job.apply = fork_apply;
    job->job.finish = fork_finish;
    job->job.status = STATUS_OK;
    job->outcome = FORK_NONE;
    job->fresh = false;
}
