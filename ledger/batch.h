/* Group commit. All writing goes through jobs: the committer takes the jobs that wait, applies them
 * in order inside one write transaction, commits, and only then lets each finish. What a job lets
 * out into the world (a candidate, a cosignature, a receipt) it lets out in `finish`, so nothing
 * leaves before it is durable.
 *
 *   1. begin a write transaction;
 *   2. apply each job, in order. A refusal (bad bytes, a lost compare-and-swap) is the job's own,
 * and must have written nothing; a store failure fails the whole batch;
 *   3. flush the trees that jobs appended to, and commit; if signatures are to leave, what the
 * guard keeps outside the store is written: cosignatures' at the same time, a candidate's after it;
 *   4. finish each job, in order: with OK, its own refusal, or the batch's failure. After
 * STORE_DOUBT the host stops.
 *
 * Recovery runs the same code: a restart begins with what the last commit left. The daemon runs
 * batches on its committer thread; the simulator inline. */
#ifndef DUTYLOG_LEDGER_BATCH_H
#define DUTYLOG_LEDGER_BATCH_H

#include "ledger/tree.h"

#define BATCH_TREES_MAX 8

struct head;

struct batch {
    struct store_txn *txn;
    bool signs; /* set by a job whose `finish` lets a signature out */
    const struct head
        *head; /* the candidate cut in this batch; NULL: none. Borrowed from its job */
    struct tree trees[BATCH_TREES_MAX]; /* loaded on demand, one write per batch */
    bool dirty[BATCH_TREES_MAX];
    size_t tree_count;
};

struct job {
    /* May write through the batch. Borrowed bytes it appends must live until finish. */
    enum status (*apply)(struct job *job, struct batch *batch);
    /* The commit is durable (OK), or this job was refused, or the batch failed. Called exactly
     * once. */
    void (*finish)(struct job *job, enum status status);
    enum status status; /* set by batch_run */
};

/* Runs the jobs to their finish. Returns the batch's own fate: OK, STORE_FAILED, FULL, STORE_DOUBT,
 * STORE_CORRUPT. `batch` is memory for the run (about 100 KiB), its content not kept. */
enum status batch_run(struct store *store, struct batch *batch, struct job *const *jobs,
                      size_t count) MUST_USE;

/* What is written outside the store for each commit after which signatures leave (ledger/guard.h).
 * Both are called on the thread that runs the batch. */
struct batch_outside {
    /* Begins to write: the number of this commit among those that let signatures out, and the
     * candidate (NULL: none, only cosignatures). May take until `end`. */
    void (*begin)(struct batch_outside *outside, uint64_t commit, const struct head *head);
    /* The writing is durable: OK. */
    enum status (*end)(struct batch_outside *outside);
};
/* As batch_run; for a commit after which signatures leave, `outside` writes, and they leave only
 * if both are durable: a candidate once the commit is, and never for one that failed; cosignatures
 * alone beside the commit, whatever comes of it. STORE_DOUBT also if the commit is durable and the
 * writing outside is not. `outside` may be NULL. */
enum status batch_run_outside(struct store *store, struct batch *batch,
                              struct batch_outside *outside, struct job *const *jobs,
                              size_t count) MUST_USE;

/* The tree of a log, loaded once per batch; marks it dirty if `append`. Borrowed until the next
 * call for another log. */
enum status batch_tree(struct batch *batch, uint32_t log, bool append, struct tree **tree) MUST_USE;

/* True for a status that fails the batch rather than one job. */
bool batch_is_fatal(enum status status);

#endif
