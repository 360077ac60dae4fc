#include "net/workers.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct workers {
    struct loop *loop;
    size_t waiting;
    size_t waiting_max;
    bool closing;
    struct timer *farewell; /* so that `closed` never comes from within workers_close */
    void (*closed)(void *context);
    void *context;
};

static void finish_close(void *context) {
    struct workers *workers = context;
    assert(workers->closing && workers->waiting == 0);
    timer_close(workers->farewell);
    if (workers->closed != NULL) {
        workers->closed(workers->context);
    }
    free(workers);
}

/* libuv's pool has four threads unless told otherwise: on a large machine cores would idle, on a
 * small one signature checks would fight the loop for them. */
static void size_pool(void) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    char text[24];
    snprintf(text, sizeof text, "%ld", cores < 2 ? 2 : cores);
    setenv("UV_THREADPOOL_SIZE", text, 0);
}

enum status workers_open(struct loop *loop, size_t waiting_max, struct workers **out) {
    assert(waiting_max > 0);
    struct workers *workers = calloc(1, sizeof *workers);
    if (workers == NULL) {
        return STATUS_NOMEM;
    }
    enum status status = timer_open(loop, finish_close, workers, &workers->farewell);
    if (status != STATUS_OK) {
        free(workers);
        return status;
    }
    size_pool();
    workers->loop = loop;
    workers->waiting_max = waiting_max;
    *out = workers;
    return STATUS_OK;
}

static void run_cb(uv_work_t *uv) {
    struct work *work = uv->data;
    work->run(work);
}

static void done_cb(uv_work_t *uv, int rv) {
    struct work *work = uv->data;
    struct workers *workers = work->workers;
    assert(rv == 0); /* nothing here cancels work */
    assert(workers->waiting > 0);
    workers->waiting--;
    work->done(work); /* may free the work */
    if (workers->closing && workers->waiting == 0) {
        timer_start(workers->farewell, 0, 0);
    }
}

enum status workers_submit(struct workers *workers, struct work *work) {
    assert(work->run != NULL && work->done != NULL);
    if (workers->closing || workers->waiting >= workers->waiting_max) {
        return STATUS_BUSY;
    }
    work->workers = workers;
    work->uv.data = work;
    int rv = uv_queue_work(loop_uv(workers->loop), &work->uv, run_cb, done_cb);
    assert(rv == 0); /* fails only without a callback */
    workers->waiting++;
    return STATUS_OK;
}

size_t workers_waiting(const struct workers *workers) {
    return workers->waiting;
}

void workers_close(struct workers *workers, void (*closed)(void *context), void *context) {
    assert(!workers->closing);
    workers->closing = true;
    workers->closed = closed;
    workers->context = context;
    if (workers->waiting == 0) {
        timer_start(workers->farewell, 0, 0);
    }
}
