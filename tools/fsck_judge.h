/* The threads of `dutylog fsck` that judge a log of events anew (ledger/store_check_log.h). */
#ifndef DUTYLOG_TOOLS_FSCK_JUDGE_H
#define DUTYLOG_TOOLS_FSCK_JUDGE_H

#include "ledger/store_check_log.h"

/* Prepares all entries of a replay that has begun on up to `threads` threads, and applies them on
 * this one. `applied` is called with the entries applied since it was last called. What it gives
 * belongs to store_replay_end, which the caller still owes. NOMEM besides. */
enum status fsck_judge(struct store *store, struct store_replay *replay, size_t threads,
                       void (*applied)(void *context, uint64_t entries), void *context) MUST_USE;

#endif
