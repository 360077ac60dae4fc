/* Equivocation: turning two signed checkpoints that exclude each other into evidence, keeping it,
 * and keeping what cannot be proved yet as *unreconciled* (specs/evidence.md). Bounded: at most
 * EVIDENCE_PER_KEY_MAX files per key, and as many unreconciled checkpoints per log.
 *
 * What comes of a signed checkpoint of size s that does not fit, m being the size of one we hold:
 *
 *   s = m            (a), at once, from the two notes;
 *   s < m, stored    (b), at once: our own tree of size m gives the hashes, and another root at s;
 *   s > m            (b), from the consistency proof that came with it, if that rebuilds the root
 * at s and gives another root at m. RFC 6962's PROOF(m, D[n]) is SUBPROOF(m, D[n], true); the flag
 * turns false as soon as the walk to m's edge goes right once, so unless m is a power of two the
 * list is that of SUBPROOF(m, D[n], false), which form (b) needs. Where m is a power of two the old
 * root itself is left out of the proof, and a false one can't be told from a bad proof: then, and
 *                    where the proof is simply bad, the log's tiles tell (ledger/pull.h).
 */
#ifndef DUTYLOG_LEDGER_FORK_H
#define DUTYLOG_LEDGER_FORK_H

#include "ledger/batch.h"
#include "ledger/evidence.h"
#include "ledger/logs.h"
#include "ledger/store.h"

/* Makes evidence of a checkpoint that the log's key signed (asserted by fork_job, which verified
 * it) and what is held of the log, if that suffices. `proof`: the consistency proof from `old_size`
 * that came with it, or NULL. What other signatures the note carries are left out of the evidence,
 * so that one conflict makes one file. OK: `w` has the file; NOT_FOUND: what is held does not prove
 * anything. */
enum status fork_find(struct store_txn *txn, const struct log *log, struct bytes note,
                      uint64_t old_size, const struct merkle_proof *proof,
                      struct writer *w) MUST_USE;

/* Keeps an evidence file under the accused's key after verifying it. OK also if it is known already
 * (then `fresh` is false); refused as by evidence_parse and evidence_verify; BUSY: eight are kept
 * already. */
enum status fork_keep(struct store_txn *txn, const struct vkey *accused, struct bytes evidence,
                      bool *fresh) MUST_USE;
/* The same of a file that somebody sent, which does not name the accused: looked for among the keys
 * of the log that it is about (ledger/accused.h), so that nobody can fill the store with evidence
 * against keys of their own. UNKNOWN_LOG; BAD_PROOF: it proves nothing against any of them. */
enum status fork_keep_known(struct store_txn *txn, struct bytes evidence, struct vkey *accused,
                            bool *fresh, struct refusal *why) MUST_USE;
/* A file that is kept, borrowed from the transaction. NOT_FOUND. */
enum status fork_evidence(struct store_txn *txn, uint32_t key_id, const struct hash *hash,
                          struct vkey *accused, struct bytes *file) MUST_USE;
/* Keeps a signed checkpoint of the log, after verifying it, that does not fit what we hold and is
 * not explained yet. BAD_FORM, BAD_LOG, DENIED_SIGNATURE; BUSY as above. */
enum status fork_keep_unreconciled(struct store_txn *txn, const struct log *log,
                                   struct bytes note) MUST_USE;
/* NOT_FOUND. */
enum status fork_drop_unreconciled(struct store_txn *txn, const struct log *log,
                                   struct bytes note) MUST_USE;
/* Visits evidence files (all logs) with the accused, and unreconciled checkpoints with the log's
 * key; stops at a status that is not OK. */
typedef enum status (*fork_visit)(void *context, const struct vkey *key, struct bytes content);
enum status fork_each_evidence(struct store_txn *txn, fork_visit visit, void *context) MUST_USE;
enum status fork_each_unreconciled(struct store_txn *txn, fork_visit visit, void *context) MUST_USE;

/* What became of a suspicious checkpoint. */
enum fork_outcome {
    FORK_NONE,         /* it fits what is stored */
    FORK_PROVED,       /* evidence is kept */
    FORK_UNRECONCILED, /* it is kept until the log's tiles explain it */
};

/* Judges a checkpoint that add-checkpoint refused with a suspicion, or that was seen elsewhere:
 * evidence if what is held proves it, unreconciled if not. Done again with an unreconciled one,
 * after more was stored, it settles that. Refused: not signed by the log's key (nothing is kept);
 * BUSY: too many are unreconciled. */
struct fork_job {
    struct job job;
    const struct log *log; /* borrowed until done, as the next */
    struct bytes note;
    uint64_t old_size;
    struct merkle_proof proof; /* count 0: none */
    bool subproof; /* it is SUBPROOF(m, D[n], false) of the larger tree, of fetched tiles
                      (ledger/pull.h), whichever of the two is the larger */
    enum fork_outcome outcome; /* out */
    bool fresh;                /* out: what is kept of it was not known before */
    void (*done)(struct fork_job *job, enum status status);
};
void fork_job_init(struct fork_job *job);

/* Keeps a file that came from elsewhere, by fork_keep_known. */
struct fork_keep_job {
    struct job job;
    struct bytes evidence; /* borrowed until done */
    struct vkey accused;   /* out, if kept */
    bool fresh;            /* out: it was not known */
    struct refusal why;    /* out, if refused */
    void (*done)(struct fork_keep_job *job, enum status status);
};
void fork_keep_job_init(struct fork_keep_job *job);

#endif
