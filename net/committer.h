/* The committer: one thread that owns all write transactions. (An LMDB transaction belongs to one
 * thread; on libuv's pool it would starve behind signature checks.)
 *
 *   1. commits are queued on the loop, in order;
 *   2. the committer takes all that wait, up to `batch_max`, and hands their jobs to `run`, which
 *      is ledger/batch.h's batch_run on the node's store: one transaction, one fsync. No timer:
 *      while one batch commits the next one gathers;
 *   3. each commit's `done` is called on the loop, in the order of submission.
 *
 * A job's own apply and finish run on the committer's thread (see batch.h): they touch only the job
 * and the store. `done` runs on the loop, where requests are answered. */
#ifndef DUTYLOG_NET_COMMITTER_H
#define DUTYLOG_NET_COMMITTER_H

#include "ledger/batch.h"
#include "net/loop.h"

struct committer;

/* One job on its way. The submitter owns the memory, and the job's, until `done`. */
struct commit {
    struct job *job;
    void (*done)(struct commit *commit, enum status batch_status); /* may free the commit */
    void *context;                                                 /* the submitter's */
    struct commit *next;                                           /* ours, as all below */
    enum status batch_status;
};

/* Runs the jobs in one write transaction, to their finish, and returns the batch's fate. On the
 * committer's thread, never twice at a time. */
typedef enum status (*committer_run)(void *context, struct job *const *jobs, size_t count);

struct committer_options {
    size_t waiting_max; /* commits queued and not yet done; default 4,096 */
    size_t batch_max;   /* jobs in one transaction; default 1,024 */
};
extern const struct committer_options committer_defaults;

/* Starts the thread. `options` NULL: the defaults. NOMEM, IO. */
enum status committer_open(struct loop *loop, const struct committer_options *options,
                           committer_run run, void *context, struct committer **out) MUST_USE;
/* BUSY: the queue is full or closing, and nothing is called: answer 503. */
enum status committer_submit(struct committer *committer, struct commit *commit) MUST_USE;
/* Between the two, what is submitted is not begun: so that it goes into one batch. In pairs, which
 * may be nested; not across a return to the loop. */
void committer_gather(struct committer *committer);
void committer_go(struct committer *committer);
/* Submitted and not yet done. */
size_t committer_waiting(const struct committer *committer);
/* Takes no more, runs all that waits, ends the thread, then calls `closed` (may be NULL) and frees
 * itself. Every `done` comes before `closed`. */
void committer_close(struct committer *committer, void (*closed)(void *context), void *context);

#endif
