/* Work for the processor, off the loop: signature checks, proofs, long reads. On libuv's pool, with
 * a bound on what waits, so that overload is refused at the door and memory does not grow. */
#ifndef DUTYLOG_NET_WORKERS_H
#define DUTYLOG_NET_WORKERS_H

#include "net/loop.h"

struct workers;

/* One piece of work. The submitter owns the memory and keeps it until `done`. */
struct work {
    void (*run)(struct work *work);  /* on a pool thread */
    void (*done)(struct work *work); /* on the loop, exactly once, after run; may free the work */
    void *context;                   /* the submitter's */
    uv_work_t uv;                    /* ours */
    struct workers *workers;         /* ours */
};

/* At most `waiting_max` pieces submitted and not yet done. NOMEM. Call before any other use of
 * libuv's pool: gives it one thread per core (at least 2) unless UV_THREADPOOL_SIZE says otherwise.
 */
enum status workers_open(struct loop *loop, size_t waiting_max, struct workers **out) MUST_USE;
/* `run` and `done` must be set. BUSY: too much waits, or closing; then neither is called. */
enum status workers_submit(struct workers *workers, struct work *work) MUST_USE;
/* Pieces submitted and not yet done. */
size_t workers_waiting(const struct workers *workers);
/* Takes no more, lets all that was submitted run and be done, then calls `closed` (may be NULL) and
 * frees itself. */
void workers_close(struct workers *workers, void (*closed)(void *context), void *context);

#endif
