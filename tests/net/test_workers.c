#include "net/workers.h"

#include <criterion/criterion.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static struct loop *loop;
static struct workers *workers;
static atomic_int ran;
static int done_count;
static int closed_after = -1;
static uv_sem_t gate;

static void run_cb(struct work *work) {
    uv_thread_t *self = work->context;
    *self = uv_thread_self();
    atomic_fetch_add(&ran, 1);
}

static void gated_cb(struct work *work) {
    uv_sem_wait(&gate);
    run_cb(work);
}

static void done_cb(struct work *work) {
    done_count++;
    uv_thread_t self = uv_thread_self();
    cr_assert_not(uv_thread_equal(&self, work->context), "it ran on the loop");
    free(work->context);
    free(work);
}

static struct work *make(void (*run)(struct work *work)) {
    struct work *work = calloc(1, sizeof *work);
    work->run = run;
    work->done = done_cb;
    work->context = calloc(1, sizeof(uv_thread_t));
    return work;
}

static void drop(struct work *work) {
    free(work->context);
    free(work);
}

static void closed_cb(void *context) {
    (void)context;
    closed_after = done_count;
}

Test(workers, run_off_the_loop_and_close_after_all) {
    cr_assert_eq(loop_open(&loop), STATUS_OK);
    cr_assert_eq(workers_open(loop, 100, &workers), STATUS_OK);
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(workers_submit(workers, make(run_cb)), STATUS_OK);
    }
    cr_assert_eq(workers_waiting(workers), 100);
    workers_close(workers, closed_cb, NULL);
    struct work *late = make(run_cb);
    cr_assert_eq(workers_submit(workers, late), STATUS_BUSY);
    drop(late);
    loop_run(loop);
    loop_free(loop);
    cr_assert_eq(atomic_load(&ran), 100);
    cr_assert_eq(closed_after, 100);
}

Test(workers, refuse_when_full) {
    uv_sem_init(&gate, 0);
    cr_assert_eq(loop_open(&loop), STATUS_OK);
    cr_assert_eq(workers_open(loop, 3, &workers), STATUS_OK);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(workers_submit(workers, make(gated_cb)), STATUS_OK);
    }
    struct work *fourth = make(gated_cb);
    cr_assert_eq(workers_submit(workers, fourth), STATUS_BUSY);
    for (int i = 0; i < 4; i++) {
        uv_sem_post(&gate);
    }
    while (done_count == 0) {
        uv_run(loop_uv(loop), UV_RUN_ONCE);
    }
    cr_assert_eq(workers_submit(workers, fourth), STATUS_OK);
    workers_close(workers, closed_cb, NULL);
    loop_run(loop);
    loop_free(loop);
    cr_assert_eq(closed_after, 4);
}

Test(workers, close_when_idle) {
    cr_assert_eq(loop_open(&loop), STATUS_OK);
    cr_assert_eq(workers_open(loop, 3, &workers), STATUS_OK);
    workers_close(workers, closed_cb, NULL);
    cr_assert_eq(closed_after, -1, "not from within workers_close");
    loop_run(loop);
    loop_free(loop);
    cr_assert_eq(closed_after, 0);
}

Test(workers, size_the_pool) {
    unsetenv("UV_THREADPOOL_SIZE");
    cr_assert_eq(loop_open(&loop), STATUS_OK);
    cr_assert_eq(workers_open(loop, 3, &workers), STATUS_OK);
    cr_assert_geq(strtol(getenv("UV_THREADPOOL_SIZE"), NULL, 10), 2);
    setenv("UV_THREADPOOL_SIZE", "7", 1);
    struct workers *second;
    cr_assert_eq(workers_open(loop, 3, &second), STATUS_OK);
    cr_assert_str_eq(getenv("UV_THREADPOOL_SIZE"), "7");
    workers_close(workers, NULL, NULL);
    workers_close(second, NULL, NULL);
    loop_run(loop);
    loop_free(loop);
}
