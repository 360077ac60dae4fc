/* Drives ledger/replica for the node's own log: gives it events, carries out its actions.
 *
 * Happy path
 *   - the submitter reports that the log grew; the replica wants a candidate cut; the committer
 * cuts it;
 *   - the candidate's checkpoint and entries go to every mirror; their answers come back as events;
 *   - at quorum the committer persists the cosigned checkpoint; then the submitter answers who
 * waits. Failure modes
 *   - a mirror does not answer, or answers nonsense: the replica backs off and tries again; others
 * are not held up;
 *   - the committer's queue is full: the job is submitted again after a short while;
 *   - the store's state is in doubt: the node stops (node_fail);
 *   - proof that the log signed a larger head than this folder knows: nothing is signed any more,
 * reads go on. */
#ifndef DUTYLOG_NET_REPLICATOR_H
#define DUTYLOG_NET_REPLICATOR_H

#include "ledger/replica.h"
#include "net/node.h"

/* Called on the loop when entries below `size` are published and durable. */
typedef void (*replicator_served)(void *context, uint64_t size);

/* Reads the log's state from the store and starts. */
enum status replicator_open(struct node *node, replicator_served served, void *context,
                            struct replicator **out, struct refusal *why) MUST_USE;
/* A job was submitted that will commit more, if it is not refused: a cut may then share its commit.
 * Call it between committer_gather and committer_go, after the job. */
void replicator_coming(struct replicator *replicator);
/* The log's committed size is now `size`; a log.policy may be among the new entries. */
void replicator_committed(struct replicator *replicator, uint64_t size);
/* False while the log has no policy: nobody is asked to cosign, and nothing is published. */
bool replicator_has_policy(const struct replicator *replicator);
/* For status, metrics and admission. Borrowed until the next turn of the loop. */
const struct replica *replicator_state(const struct replicator *replicator);
/* Cancels what is under way and calls `closed` when nothing of it is left; then frees itself. */
void replicator_close(struct replicator *replicator, void (*closed)(void *context), void *context);

#endif
