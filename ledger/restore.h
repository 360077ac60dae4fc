/* Rebuilding a data folder from a mirror (`dutylogd --restore-from`; specs/replication.md#restore).
 *
 * While it lasts the folder bears a mark, with which no node starts. Every log in it, the folder's
 * own one too, is then a mirrored one that is pulled (ledger/pull.h): so what comes in is proved
 * like a push, and a restore that was broken off goes on where it stopped. The own log's entries
 * are judged as they come, in the commit that stores them. At the end the own log's largest
 * checkpoint becomes its signed head, and the mirrored logs are held (ledger/guard.h).
 *
 * An old folder of the same log is taken up from what it has. */
#ifndef DUTYLOG_LEDGER_RESTORE_H
#define DUTYLOG_LEDGER_RESTORE_H

#include "ledger/accept.h"
#include "ledger/batch.h"
#include "ledger/logs.h"
#include "ledger/mirror.h"

/* Whether a restore of this folder was begun and has not ended. */
enum status restore_unfinished(struct store_txn *txn, bool *unfinished) MUST_USE;

/* Makes one log ready to be restored, and marks the folder. `flags` as the node would register it
 * with; LOG_OWN is put aside. BAD_LOG, as logs_register: the folder is another log's. */
enum status restore_begin(struct store_txn *txn, const struct vkey *vkey, uint32_t flags,
                          struct log *out, struct refusal *why) MUST_USE;

/* Judges the entries of a package in the batch that stores it, for the folder's own log of events.
 * What was decided of an event itself, its signatures and members, is not looked at again: the
 * node's own key signed that it took it. Its place is, and all that changes the registry. Refused:
 * CONFLICT_SIZE, the package was; else the first entry that is against the log's rules, named in
 * `why`. */
struct restore_judge_job {
    struct job job;
    const struct log *log;
    const struct package_job *package; /* before it in the same batch */
    struct refusal why;                /* out */
};
void restore_judge_job_init(struct restore_judge_job *job);

/* All up to the pending checkpoint is stored and has its root: OK; BAD_PROOF; NOT_FOUND: there is
 * no checkpoint, or entries are missing. */
enum status restore_check(struct store_txn *txn, const struct log *log) MUST_USE;

/* After restore_check of a log: it gets its flags, and is what a start expects. */
enum status restore_end_log(struct store_txn *txn, const struct log *log, bool own) MUST_USE;
/* After all logs: the mark goes. */
enum status restore_end(struct store_txn *txn) MUST_USE;

#endif
