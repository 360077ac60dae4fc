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

/* Evidence (a) from two signed checkpoints of one size, in bytewise order so that both finders
 * write one file. */
void fork_same_size(struct writer *w, struct bytes note_a, struct bytes note_b);
/* Evidence (b) from the smaller and the larger checkpoint and the hashes of SUBPROOF(m, D[n],
 * false) of the larger tree. */
void fork_two_sizes(struct writer *w, struct bytes smaller, struct bytes larger,
                    const struct merkle_proof *hashes);

/* Makes evidence of a checkpoint that the log's key signed (asserted by fork_job, which verified
 * it) and what is held of the log, if that suffices. `proof`: the consistency proof from `old_size`
 * that came with it, or NULL. What other signatures the note carries are left out of the evidence,
 * so that one conflict makes one file. OK: `w` has the file; NOT_FOUND: what is held does not prove
 * anything. */
enum status fork_find(struct store_txn *txn, const struct log *log, struct bytes note,
                      uint64_t old_size, const struct merkle_proof *proof,
                      struct writer *w) MUST_USE;

/* Keeps an evidence file under the log's key after verifying it. OK also if it is known already;
 * refused as by evidence_parse and evidence_verify; BUSY: eight are kept already. */
enum status fork_keep(struct store_txn *txn, const struct log *log, struct bytes evidence) MUST_USE;
/* Keeps a signed checkpoint of the log, after verifying it, that does not fit what we hold and is
 * not explained yet. BAD_FORM, BAD_LOG, DENIED_SIGNATURE; BUSY as above. */
enum status fork_keep_unreconciled(struct store_txn *txn, const struct log *log,
                                   struct bytes note) MUST_USE;
/* NOT_FOUND. */
enum status fork_drop_unreconciled(struct store_txn *txn, const struct log *log,
                                   struct bytes note) MUST_USE;
/* Visits evidence files (all logs), and unreconciled checkpoints; stops at a status that is not OK.
 */
typedef enum status (*fork_visit)(void *context, uint32_t key_id, struct bytes content);
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
 * after more was stored, it settles that. Refused: not signed by the log's key (nothing is kept),
 * BUSY. */
struct fork_job {
    struct job job;
    const struct log *log; /* borrowed until done, as the next */
    struct bytes note;
    uint64_t old_size;
    struct merkle_proof proof; /* count 0: none */
    bool subproof; /* it is SUBPROOF(m, D[n], false) of the larger tree, of fetched tiles
                      (ledger/pull.h), whichever of the two is the larger */
    enum fork_outcome outcome; /* out */
    void (*done)(struct fork_job *job, enum status status);
};
void fork_job_init(struct fork_job *job);

/* Keeps evidence that was completed with fetched tiles or came from a peer, and drops the
 * unreconciled checkpoint it explains (`explained`, may be empty). An empty `evidence` only drops:
 * the tiles showed that the checkpoint fits. */
struct fork_keep_job {
    struct job job;
    const struct log *log; /* borrowed until done, as the next two */
    struct bytes evidence;
    struct bytes explained;
    void (*done)(struct fork_keep_job *job, enum status status);
};
void fork_keep_job_init(struct fork_keep_job *job);

#endif
