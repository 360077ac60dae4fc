/* The rest of `dutylog fsck`: what is stored beside a log's tree. Findings as in
 * ledger/store_check.h.
 *
 * Checkpoints: the signed head, the published, pending and mirror checkpoints are signed by the
 * log's key over the root that the stored entries have at that size; published ones carry a quorum
 * of the log's policy in force; lines by the cosigners given verify; sizes stand in order.
 *
 * Acceptance: the entries are judged anew, in order, into a scratch store, and the tables that
 * acceptance keeps (issuers, sequences, policies, verdicts, cases) must be the same, byte for byte.
 */
#ifndef DUTYLOG_LEDGER_STORE_CHECK_LOG_H
#define DUTYLOG_LEDGER_STORE_CHECK_LOG_H

#include "ledger/accept.h"
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

/* Tables whose keys start with what many logs speak of (a case, an origin, a key, an agency), and
 * go on with the number of the log that does. To read one whole for every log would take as many
 * times as long as there are logs, so each row that a log's entries make is looked up, and what is
 * stored beyond those is found by counting. */
enum store_shared_table {
    STORE_SHARED_CASES,
    STORE_SHARED_SUCCESSIONS,
    STORE_SHARED_REVOCATIONS,
    STORE_SHARED_AGENCIES,
    STORE_SHARED_MERGERS,
    STORE_SHARED_TABLES
};
/* What the entries of one log make. */
struct store_shared {
    bool known; /* all was judged, so that `rows` are all that there may be */
    uint64_t rows[STORE_SHARED_TABLES];
};

/* Judging a log of events anew. Most of the work needs no order: threads prepare ranges of entries,
 * each in a read transaction of its own, and one thread applies them in order.
 *
 * Without `signatures`, what was decided on the members, scope and signature of an accepted event
 * of an ordinary kind (event_read_known) is taken as it was decided: its bytes are those that the
 * tree's hashes cover. Its id, its place in its issuer's sequence and its stamp are not, nor is any
 * event that opens the log, sets its policy or touches its keys, nor what was refused. */
struct store_replay {
    struct store_check *check;
    struct store_txn *stored;
    struct store_txn *scratch;
    const struct log *log;
    bool signatures;
    uint64_t end;      /* entries to judge: all, or of a mirrored log those judged so far */
    uint64_t next;     /* to be applied */
    uint64_t beyond;   /* stored and unjudged, since this build lacks the rules */
    uint64_t unjudged; /* of those applied: past rules that this build lacks; nothing is compared */
    struct store_shared shared;        /* out of store_replay_end */
    bool missing[STORE_SHARED_TABLES]; /* a row was found to be, or to be another, and said */
};

struct replay_entry {
    bool known; /* judgement.submission.event is as event_read_known leaves it */
    struct judgement judgement;
};

/* Borrows all until store_replay_end. `scratch` is an empty store (ledger/store_memory.h), whose
 * content is not kept. With `signatures` every event is judged whole. NOMEM, FULL: the scratch
 * store does not hold it; then there is nothing to end. */
enum status store_replay_begin(struct store_replay *replay, struct store_check *check,
                               struct store_txn *txn, const struct log *log, uint64_t size,
                               struct store *scratch, bool signatures) MUST_USE;
/* Entries [from, to), to <= end, into `out`, which has room for them and borrows from `txn` until
 * they are released (best by the thread that prepared them, whose heap it is). NOT_FOUND,
 * STORE_CORRUPT: an entry cannot be read; then none is to be released. */
enum status store_replay_prepare(const struct store_replay *replay, struct store_txn *txn,
                                 uint64_t from, uint64_t to, struct replay_entry *out) MUST_USE;
void replay_entry_release(struct replay_entry *entry);
/* The next `count` entries. */
enum status store_replay_apply(struct store_replay *replay, struct replay_entry *entries,
                               size_t count) MUST_USE;
/* Ends it with what preparing and applying came to: entries that could not be read are a finding,
 * and when all were applied the tables are compared. */
enum status store_replay_end(struct store_replay *replay, enum status status) MUST_USE;
/* The shared tables, once for all logs, each walked once: has any a row that no entry of its log
 * makes? (Which lack, store_replay_end has found.) `logs` are what it left of logs 1 to `count`,
 * and are counted down. In the transaction in which they were judged. */
enum status store_check_shared(struct store_check *check, struct store_txn *txn,
                               struct store_shared *logs, uint32_t count) MUST_USE;

/* --- between store_check_accept.c and store_check_shared.c --- */

/* Counts a row that the entries make; `there` is false where it is not stored as they make it. */
void store_replay_shared_row(struct store_replay *replay, enum store_shared_table table,
                             bool there);
/* Looks up each row that the scratch store has in the shared tables. */
enum status store_replay_shared(struct store_replay *replay) MUST_USE;

/* Every evidence file and unreconciled checkpoint proves, or says, what it is kept for. */
enum status store_check_evidence(struct store_check *check, struct store_txn *txn) MUST_USE;

#endif
