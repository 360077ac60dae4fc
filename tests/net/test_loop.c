#include "net/loop.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <unistd.h>

static struct loop *loop;
static struct timer *timer;
static int fired;
static int stopped;

static void fire(void *context) {
    int *limit = context;
    fired++;
    if (fired == *limit) {
        timer_close(timer); /* within its own callback */
    }
}

Test(loop, timers) {
    int limit = 3;
    cr_assert_eq(loop_open(&loop), STATUS_OK);
    cr_assert_eq(timer_open(loop, fire, &limit, &timer), STATUS_OK);
    uint64_t before = clock_monotonic_ms();
    timer_start(timer, 20, 10);
    loop_run(loop);
    cr_assert_eq(fired, 3);
    cr_assert_geq(clock_monotonic_ms() - before, 39);
    loop_free(loop);
}

Test(loop, stopped_and_closed_timers_do_not_fire) {
    int limit = 1;
    cr_assert_eq(loop_open(&loop), STATUS_OK);
    struct timer *other;
    struct timer *third;
    cr_assert_eq(timer_open(loop, fire, &limit, &timer), STATUS_OK);
    cr_assert_eq(timer_open(loop, fire, &limit, &other), STATUS_OK);
    cr_assert_eq(timer_open(loop, fire, &limit, &third), STATUS_OK);
    timer_start(timer, 0, 0);
    timer_close(timer);
    timer_start(other, 0, 0);
    timer_stop(other);
    timer_start(third, 60000, 0);
    timer_stop(third);
    timer_close(third);
    timer_close(NULL);
    loop_run(loop);
    cr_assert_eq(fired, 0);
    timer_close(other);
    loop_free(loop);
}

static void stop(void *context) {
    (void)context;
    stopped++;
    timer_close(timer);
}

static void raise_term(void *context) {
    (void)context;
    kill(getpid(), SIGTERM);
}

Test(loop, stops_at_a_signal) {
    cr_assert_eq(loop_open(&loop), STATUS_OK);
    cr_assert_eq(loop_on_stop(loop, stop, NULL), STATUS_OK);
    cr_assert_eq(timer_open(loop, raise_term, NULL, &timer), STATUS_OK);
    timer_start(timer, 10, 0);
    loop_run(loop);
    loop_stop(loop); /* the second time nothing happens */
    cr_assert_eq(stopped, 1);
    loop_free(loop);
}

static void stop_by_hand(void *context) {
    (void)context;
    loop_stop(loop);
}

Test(loop, stops_by_hand) {
    cr_assert_eq(loop_open(&loop), STATUS_OK);
    cr_assert_eq(loop_on_stop(loop, stop, NULL), STATUS_OK);
    cr_assert_eq(timer_open(loop, stop_by_hand, NULL, &timer), STATUS_OK);
    timer_start(timer, 0, 0);
    loop_run(loop);
    cr_assert_eq(stopped, 1);
    loop_free(loop);
}

/* Should closing hang, a second signal ends the process. */
Test(loop, second_signal_ends, .signal = SIGINT) {
    cr_assert_eq(loop_open(&loop), STATUS_OK);
    cr_assert_eq(loop_on_stop(loop, stop, NULL), STATUS_OK);
    cr_assert_eq(timer_open(loop, raise_term, NULL, &timer), STATUS_OK);
    timer_start(timer, 0, 0);
    loop_run(loop);
    cr_assert_eq(stopped, 1);
    kill(getpid(), SIGINT);
    sleep(5);
}

Test(loop, ignores_broken_pipes) {
    cr_assert_eq(loop_open(&loop), STATUS_OK);
    loop_free(loop);
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    close(fds[0]);
    cr_assert_eq(write(fds[1], "x", 1), -1);
}
