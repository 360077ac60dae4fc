/* The one loop thread: all network input and output, all timers and all handlers run on it, so none
 * of them needs a lock. Every function of net/ is called on this thread unless its header says
 * otherwise; what takes longer than a millisecond goes to net/workers.h or net/committer.h.
 *
 * A part that lives on the loop is opened, used, and closed with a callback: its memory is freed by
 * the part itself once libuv has let go of its handles. loop_run returns when all are closed. */
#ifndef DUTYLOG_NET_LOOP_H
#define DUTYLOG_NET_LOOP_H

#include "ledger/status.h"

#include <stdint.h>
#include <uv.h>

struct loop;

/* Opens a loop. NOMEM, IO (no descriptors left). Ignores SIGPIPE for the process. */
enum status loop_open(struct loop **out) MUST_USE;
/* Calls `stop(context)` once, on the loop, at the first SIGINT or SIGTERM or loop_stop; there the
 * owner closes its parts. A second signal ends the process at once. NOMEM, IO. */
enum status loop_on_stop(struct loop *loop, void (*stop)(void *context), void *context) MUST_USE;
/* The same from our own code. Does nothing the second time. */
void loop_stop(struct loop *loop);
/* Runs until nothing is open any more. */
void loop_run(struct loop *loop);
/* Frees the loop, which must be empty (loop_run returned). */
void loop_free(struct loop *loop);

uv_loop_t *loop_uv(struct loop *loop);
/* Milliseconds from an arbitrary start, never going back; as of the loop's present iteration. */
uint64_t loop_now_ms(const struct loop *loop);
/* Wall clock, unix milliseconds. Any thread. */
uint64_t clock_wall_ms(void);
/* Milliseconds from an arbitrary start, never going back, read afresh. Any thread. */
uint64_t clock_monotonic_ms(void);

/* A timer. It is memory of the loop: timer_close, never free. */
struct timer;
/* NOMEM. The timer does nothing until started. */
enum status timer_open(struct loop *loop, void (*fire)(void *context), void *context,
                       struct timer **out) MUST_USE;
/* Fires once after `delay_ms`, then every `repeat_ms` if that is not 0. Replaces an earlier start.
 */
void timer_start(struct timer *timer, uint64_t delay_ms, uint64_t repeat_ms);
void timer_stop(struct timer *timer);
/* Never fires again; the memory is freed by the loop. NULL is allowed. May be called in `fire`. */
void timer_close(struct timer *timer);

#endif
