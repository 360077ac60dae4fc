/* Equivocation: turning two signed checkpoints that exclude each other into evidence, keeping it,
 * and keeping what cannot be proved yet as *unreconciled* (specs/evidence.md). Bounded: at most
 * EVIDENCE_PER_KEY_MAX files per key. */
#ifndef DUTYLOG_LEDGER_FORK_H
#define DUTYLOG_LEDGER_FORK_H

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

/* Keeps a verified evidence file under the log's key. OK also if it is known already; FULL: eight
 * are kept already. */
enum status fork_keep(struct store_txn *txn, const struct log *log, struct bytes evidence) MUST_USE;
/* Keeps a validly signed checkpoint that does not fit what we hold and is not explained yet.
 * Bounded likewise. */
enum status fork_keep_unreconciled(struct store_txn *txn, const struct log *log,
                                   struct bytes note) MUST_USE;
enum status fork_drop_unreconciled(struct store_txn *txn, const struct log *log,
                                   struct bytes note) MUST_USE;
/* Visits evidence files (all logs), and unreconciled checkpoints; stops at a status that is not OK.
 */
typedef enum status (*fork_visit)(void *context, uint32_t key_id, struct bytes content);
enum status fork_each_evidence(struct store_txn *txn, fork_visit visit, void *context) MUST_USE;
enum status fork_each_unreconciled(struct store_txn *txn, fork_visit visit, void *context) MUST_USE;

#endif
