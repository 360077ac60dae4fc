/* Two threads meet here, in `queue` and `ready`, under `mutex`; nothing else is shared.
 *
 *   loop                          mutex                    committer thread
 *   submit ── append ──▶ queue ── wakes ──▶ take up to batch_max ─▶ run (no lock held)
 *   done   ◀── uv_async ── ready ◀── append ── each with the batch's status
 *
 * `outstanding` (submitted, not done) belongs to the loop alone, which bounds queue and ready
 * together. Closing: `closing` wakes the thread; it ends once the queue is empty; it says so with
 * `ended` and a last uv_async_send, after which it touches nothing; the loop, having delivered what
 * is ready, joins it and closes the handle. */
#include "net/committer.h"

#include <assert.h>
#include <stdlib.h>

const struct committer_options committer_defaults = {.waiting_max = 4096, .batch_max = 1024};

struct queue {
    struct commit *first;
    struct commit *last;
};

struct committer {
    struct committer_options options;
    committer_run run;
    void *context;
    size_t outstanding; /* the loop's */
    uv_async_t async;
    uv_thread_t thread;
    struct job **jobs; /* the thread's, batch_max of them */

    uv_mutex_t mutex;
    uv_cond_t wake;
    struct queue queue;
    struct queue ready;
    unsigned gathering; /* more than 0: the thread begins nothing */
    bool closing;
    bool ended;

    bool joined;
    void (*closed)(void *context);
    void *closed_context;
};

static void queue_append(struct queue *queue, struct commit *first, struct commit *last) {
    assert(last->next == NULL);
    if (queue->last == NULL) {
        queue->first = first;
    } else {
        queue->last->next = first;
    }
    queue->last = last;
}

/* Cuts off up to `max` commits from the front; returns the first. */
static struct commit *queue_take(struct queue *queue, size_t max, size_t *count) {
    assert(queue->first != NULL && max > 0);
    struct commit *first = queue->first;
    struct commit *last = first;
    *count = 1;
    while (*count < max && last->next != NULL) {
        last = last->next;
        (*count)++;
    }
    queue->first = last->next;
    if (queue->first == NULL) {
        queue->last = NULL;
    }
    last->next = NULL;
    return first;
}

static void run_batch(struct committer *c, struct commit *first, size_t count) {
    struct commit *last = first;
    size_t n = 0;
    for (struct commit *i = first; i != NULL; i = i->next) {
        c->jobs[n++] = i->job;
        last = i;
    }
    assert(n == count);
    enum status status = c->run(c->context, c->jobs, count);
    for (struct commit *i = first; i != NULL; i = i->next) {
        i->batch_status = status;
    }
    uv_mutex_lock(&c->mutex);
    queue_append(&c->ready, first, last);
    uv_mutex_unlock(&c->mutex);
    uv_async_send(&c->async);
}

static void thread_main(void *arg) {
    struct committer *c = arg;
    uv_mutex_lock(&c->mutex);
    for (;;) {
        while (c->gathering > 0 || (c->queue.first == NULL && !c->closing)) {
            uv_cond_wait(&c->wake, &c->mutex);
        }
        if (c->queue.first == NULL) {
            break;
        }
        size_t count;
        struct commit *first = queue_take(&c->queue, c->options.batch_max, &count);
        uv_mutex_unlock(&c->mutex);
        run_batch(c, first, count);
        uv_mutex_lock(&c->mutex);
    }
    c->ended = true;
    uv_mutex_unlock(&c->mutex);
    uv_async_send(&c->async);
}

static void close_cb(uv_handle_t *handle) {
    struct committer *c = handle->data;
    assert(c->outstanding == 0 && c->queue.first == NULL && c->ready.first == NULL);
    uv_cond_destroy(&c->wake);
    uv_mutex_destroy(&c->mutex);
    void (*closed)(void *) = c->closed;
    void *context = c->closed_context;
    free(c->jobs);
    free(c);
    if (closed != NULL) {
        closed(context);
    }
}

static void async_cb(uv_async_t *handle) {
    struct committer *c = handle->data;
    uv_mutex_lock(&c->mutex);
    struct commit *next = c->ready.first;
    c->ready = (struct queue){0};
    bool ended = c->ended;
    uv_mutex_unlock(&c->mutex);

    while (next != NULL) {
        struct commit *commit = next;
        next = commit->next; /* done may free the commit */
        commit->next = NULL;
        assert(c->outstanding > 0);
        c->outstanding--;
        commit->done(commit, commit->batch_status);
    }
    if (ended && !c->joined) {
        c->joined = true;
        uv_thread_join(&c->thread);
        uv_close((uv_handle_t *)&c->async, close_cb);
    }
}

enum status committer_open(struct loop *loop, const struct committer_options *options,
                           committer_run run, void *context, struct committer **out) {
    struct committer *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return STATUS_NOMEM;
    }
    c->options = options != NULL ? *options : committer_defaults;
    assert(c->options.waiting_max > 0 && c->options.batch_max > 0);
    c->run = run;
    c->context = context;
    enum status status = STATUS_NOMEM;
    c->jobs = calloc(c->options.batch_max, sizeof *c->jobs);
    if (c->jobs == NULL) {
        goto err_after_committer;
    }
    if (uv_mutex_init(&c->mutex) != 0) {
        goto err_after_jobs;
    }
    if (uv_cond_init(&c->wake) != 0) {
        goto err_after_mutex;
    }
    status = STATUS_IO;
    if (uv_async_init(loop_uv(loop), &c->async, async_cb) != 0) {
        goto err_after_cond;
    }
    c->async.data = c;
    if (uv_thread_create(&c->thread, thread_main, c) != 0) {
        c->closed = NULL;
        uv_close((uv_handle_t *)&c->async, close_cb); /* frees all the rest */
        return STATUS_IO;
    }
    *out = c;
    return STATUS_OK;

err_after_cond:
    uv_cond_destroy(&c->wake);
err_after_mutex:
    uv_mutex_destroy(&c->mutex);
err_after_jobs:
    free(c->jobs);
err_after_committer:
    free(c);
    return status;
}

enum status committer_submit(struct committer *c, struct commit *commit) {
    assert(commit->job != NULL && commit->done != NULL);
    /* `closing` is written on this thread only: no lock to read it. */
    if (c->closing || c->outstanding >= c->options.waiting_max) {
        return STATUS_BUSY;
    }
    c->outstanding++;
    commit->next = NULL;
    uv_mutex_lock(&c->mutex);
    queue_append(&c->queue, commit, commit);
    uv_cond_signal(&c->wake);
    uv_mutex_unlock(&c->mutex);
    return STATUS_OK;
}

void committer_gather(struct committer *c) {
    uv_mutex_lock(&c->mutex);
    c->gathering++;
    uv_mutex_unlock(&c->mutex);
}

void committer_go(struct committer *c) {
    uv_mutex_lock(&c->mutex);
    assert(c->gathering > 0);
    c->gathering--;
    uv_cond_signal(&c->wake);
    uv_mutex_unlock(&c->mutex);
}

size_t committer_waiting(const struct committer *c) {
    return c->outstanding;
}

void committer_close(struct committer *c, void (*closed)(void *context), void *context) {
    assert(!c->closing);
    c->closed = closed;
    c->closed_context = context;
    uv_mutex_lock(&c->mutex);
    c->closing = true;
    uv_cond_signal(&c->wake);
    uv_mutex_unlock(&c->mutex);
}
