/* The rest of `dutylog fsck`: what is stored beside a log's tree. Findings as in
 * ledger/store_check.h.
 *
 * Checkpoints: the signed head, the published, pending and mirror checkpoints are signed by the
 * log's key over the root that the stored entries have at that size; published ones carry a quorum
 * of the log's policy in force; lines by the cosigners given verify; sizes stand in order.
 *
 * Acceptance: the entries are judged anew, in order, into a scratch store, and the tables that
 * acceptance keeps (issuers, sequences, policies, verdicts) must be the same, byte for byte. */
#ifndef DUTYLOG_LEDGER_STORE_CHECK_LOG_H
#define DUTYLOG_LEDGER_STORE_CHECK_LOG_H

#include "ledger/logs.h"
#include "ledger/store_check.h"

struct store_check_keys {
    const struct vkey *cosigners; /* type 0x04: whose lines to verify beside the policy's */
    size_t count;
};

/* `size` is that of the tree, as store_check_head gave it. */
enum status store_check_checkpoints(struct store_check *check, struct store_txn *txn,
                                    const struct log *log, uint64_t size,
                                    const struct store_check_keys *keys) MUST_USE;

/* For logs of events. `scratch` is an empty store (ledger/store_memory.h); its content is not kept.
 * With `signatures` every event's signatures are verified too. NOMEM, FULL: the scratch store does
 * not hold it. */
enum status store_check_acceptance(struct store_check *check, struct store_txn *txn,
                                   const struct log *log, uint64_t size, struct store *scratch,
                                   bool signatures) MUST_USE;

/* Every evidence file and unreconciled checkpoint proves, or says, what it is kept for. */
enum status store_check_evidence(struct store_check *check, struct store_txn *txn) MUST_USE;

#endif
