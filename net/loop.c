#include "net/loop.h"

#include "net/log.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define STOP_SIGNALS 2
static const int stop_signals[STOP_SIGNALS] = {SIGINT, SIGTERM};

struct loop {
    uv_loop_t uv;
    uv_signal_t signals[STOP_SIGNALS];
    bool watching; /* the signal handles are open */
    bool stopped;
    void (*stop)(void *context);
    void *context;
};

struct timer {
    uv_timer_t uv;
    void (*fire)(void *context);
    void *context;
    bool closing;
};

enum status loop_open(struct loop **out) {
    struct loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL) {
        return STATUS_NOMEM;
    }
    if (uv_loop_init(&loop->uv) != 0) {
        free(loop);
        return STATUS_IO;
    }
    loop->uv.data = loop;
    /* A peer that closes while we send is an error return, not the end of the process. */
    signal(SIGPIPE, SIG_IGN);
    *out = loop;
    return STATUS_OK;
}

static void close_signals(struct loop *loop) {
    if (!loop->watching) {
        return;
    }
    loop->watching = false;
    for (size_t i = 0; i < STOP_SIGNALS; i++) {
        uv_close((uv_handle_t *)&loop->signals[i], NULL);
    }
}

void loop_stop(struct loop *loop) {
    if (loop->stopped) {
        return;
    }
    loop->stopped = true;
    /* Closing the handles gives the signals their default action back: a second one ends the
     * process, should closing hang. */
    close_signals(loop);
    if (loop->stop != NULL) {
        loop->stop(loop->context);
    }
}

static void signal_cb(uv_signal_t *handle, int signum) {
    struct loop *loop = handle->loop->data;
    log_line(LOG_INFO, "loop", "signal", "number=%d", signum);
    loop_stop(loop);
}

enum status loop_on_stop(struct loop *loop, void (*stop)(void *context), void *context) {
    assert(loop->stop == NULL && !loop->watching);
    for (size_t i = 0; i < STOP_SIGNALS; i++) {
        int rv = uv_signal_init(&loop->uv, &loop->signals[i]);
        assert(rv == 0 || i == 0); /* only the first sets up the pipe that can fail */
        if (rv != 0) {
            return STATUS_IO;
        }
        /* The handles alone do not keep the loop running. */
        uv_unref((uv_handle_t *)&loop->signals[i]);
    }
    loop->watching = true;
    for (size_t i = 0; i < STOP_SIGNALS; i++) {
        if (uv_signal_start(&loop->signals[i], signal_cb, stop_signals[i]) != 0) {
            close_signals(loop);
            return STATUS_IO;
        }
    }
    loop->stop = stop;
    loop->context = context;
    return STATUS_OK;
}

void loop_run(struct loop *loop) {
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_free(struct loop *loop) {
    close_signals(loop);
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    int rv = uv_loop_close(&loop->uv);
    assert(rv == 0); /* whoever opened a part closes it first */
    free(loop);
}

uv_loop_t *loop_uv(struct loop *loop) {
    return &loop->uv;
}

uint64_t loop_now_ms(const struct loop *loop) {
    return uv_now(&loop->uv);
}

static uint64_t clock_ms(clockid_t id) {
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t clock_wall_ms(void) {
    return clock_ms(CLOCK_REALTIME);
}

uint64_t clock_monotonic_ms(void) {
    return clock_ms(CLOCK_MONOTONIC);
}

static void timer_cb(uv_timer_t *handle) {
    struct timer *timer = handle->data;
    if (!timer->closing) {
        timer->fire(timer->context);
    }
}

enum status timer_open(struct loop *loop, void (*fire)(void *context), void *context,
                       struct timer **out) {
    struct timer *timer = calloc(1, sizeof *timer);
    if (timer == NULL) {
        return STATUS_NOMEM;
    }
    uv_timer_init(&loop->uv, &timer->uv);
    timer->uv.data = timer;
    timer->fire = fire;
    timer->context = context;
    *out = timer;
    return STATUS_OK;
}

void timer_start(struct timer *timer, uint64_t delay_ms, uint64_t repeat_ms) {
    assert(!timer->closing);
    uv_timer_start(&timer->uv, timer_cb, delay_ms, repeat_ms);
}

void timer_stop(struct timer *timer) {
    uv_timer_stop(&timer->uv);
}

static void timer_close_cb(uv_handle_t *handle) {
    free(handle->data);
}

void timer_close(struct timer *timer) {
    if (timer == NULL) {
        return;
    }
    assert(!timer->closing);
    timer->closing = true;
    uv_close((uv_handle_t *)&timer->uv, timer_close_cb);
}
