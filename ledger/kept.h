/* The quorum checkpoints that a log keeps for ever, of each half hour the first and the last
 * (design G7), held by its mirrors too: what confirms the time of an event does not vanish with its
 * host.
 *
 * A mirror asks a peer for those larger than the last that it keeps, verifies each (the log's
 * signature, its own tree's root at that size, the quorum of the log.policy in force there) and
 * keeps it by the rule that the host follows. In the order of sizes: a peer that leaves some out
 * hides what the mirror could have asked another for, and forges nothing.
 *
 *     dutylog/checkpoints/v1\n
 *     checkpoint <bytes>\n<that many bytes of a signed checkpoint>     each, sizes ascending */
#ifndef DUTYLOG_LEDGER_KEPT_H
#define DUTYLOG_LEDGER_KEPT_H

#include "ledger/batch.h"
#include "ledger/logs.h"

#define KEPT_PER_FILE 16 /* each costs a commit's thread a few signature checks */
#define KEPT_FILE_MAX (32 + KEPT_PER_FILE * (CHECKPOINT_SIZE_MAX + 32))

/* Writes the kept checkpoints of sizes above `above`, KEPT_PER_FILE at most. NOT_FOUND: there is
 * none. */
enum status kept_write(struct store_txn *txn, uint32_t log, uint64_t above,
                       struct writer *w) MUST_USE;
/* The size of the last one kept; 0: none. */
enum status kept_last(struct store_txn *txn, uint32_t log, uint64_t *size) MUST_USE;

/* Takes a file that a peer sent. Refused as a whole if it is malformed (BAD_FORM); otherwise takes
 * what verifies, up to the first that does not, and that one's refusal is in `why`. Checkpoints of
 * entries that are not stored or judged yet are left for later. */
struct kept_job {
    struct job job;
    const struct log *log; /* a mirrored log of events; borrowed until done, as the file */
    struct bytes file;
    size_t taken;       /* out */
    size_t in_file;     /* out: how many it had; KEPT_PER_FILE: there may be more */
    struct refusal why; /* out: status OK if nothing was refused */
    void (*done)(struct kept_job *job, enum status batch_status);
};
void kept_job_init(struct kept_job *job);

#endif
