/* A cosigner whose folder is older than what it signed (ledger/guard.h) learns how far the log has
 * come, from the log and from the other mirrors of its policy, before it signs anything of it.
 *
 * Each source is asked for the checkpoints that it serves. It has been *heard* once it gave one
 * that the log signed, or said that it has none (404); all must be heard. The largest is the floor.
 * Which of them bear this node's own cosignature does not matter for the size: what the log signed
 * and showed to anybody, it may have shown here. It matters for the time: none is given that is
 * earlier than one found. */
#ifndef DUTYLOG_LEDGER_REGAIN_H
#define DUTYLOG_LEDGER_REGAIN_H

#include "ledger/batch.h"
#include "ledger/limits.h"
#include "ledger/mirror.h"
#include "ledger/policy.h"

struct regain_found {
    bool any;
    uint64_t size;
    struct hash root;
    uint8_t note[CHECKPOINT_SIZE_MAX];
    size_t note_len;
    uint64_t mirror_time; /* latest of this node's own cosignatures; 0: none */
    uint64_t witness_time;
    bool forked; /* two of one size with different roots were found: nothing can be cosigned */
};

/* Takes one answer. False: it is no answer that counts; ask again. */
bool regain_take(struct regain_found *found, const struct log *log, const struct cosigner *cosigner,
                 unsigned http, struct bytes body);

/* Sets the floor by what was found and what is held; or ends the guard where nothing is missing. */
struct regain_job {
    struct job job;
    const struct log *log;
    const struct cosigner *cosigner;
    const struct regain_found *found;
    bool behind; /* out: what was found covers the floor, which is yet to be pulled, or its entries
                    are */
    bool over;   /* out: the guard has ended */
};
/* Refused: CONFLICT_ROOT, what was found is not what is held; the log stays held. */
void regain_job_init(struct regain_job *job);

#endif
