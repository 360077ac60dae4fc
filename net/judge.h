/* Judges what this node mirrors, behind the storing of it: for each mirrored log of events, a few
 * entries at a time are parsed and their signatures verified on a worker, then accepted or not, in
 * order, by the committer. Storing is never held up: a turn takes at most JUDGE_BATCH_MAX entries,
 * and the next begins when it is done. */
#ifndef DUTYLOG_NET_JUDGE_H
#define DUTYLOG_NET_JUDGE_H

#include "net/node.h"

/* (The state machine's own words are in ledger/accept.h; this is its driver.) */
enum status judge_open(struct node *node, struct judge **out) MUST_USE;
/* Entries of this log below its stored size may be waiting. */
void judge_stored(struct judge *judge, uint32_t log);
void judge_close(struct judge *judge, void (*closed)(void *context), void *context);

#endif
