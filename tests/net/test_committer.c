/* The committer: order, grouping, backpressure, the batch's fate, closing. The run callback here
 * stands for batch_run and notes what it was given. */
#include "net/committer.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { JOBS_MAX = 5000, BATCHES_MAX = 5000 };

/* The committer's thread writes, the test reads after the loop has ended. */
struct record {
    size_t ran[JOBS_MAX];
    size_t ran_count;
    size_t batches[BATCHES_MAX];
    size_t batch_count;
    enum status status;
    uv_sem_t *gate;    /* if set, each batch waits for it */
    uv_sem_t *arrived; /* if set, posted as each batch begins */
    uv_thread_t thread;
};

struct numbered {
    struct job job;
    struct commit commit;
    size_t number;
    struct record *record;
};

static struct loop *loop;
static struct committer *committer;
static struct record record;
static struct numbered jobs[JOBS_MAX];
static size_t done[JOBS_MAX];
static enum status done_status[JOBS_MAX];
static size_t done_count;
static bool closed;

static enum status run(void *context, struct job *const *batch, size_t count) {
    struct record *r = context;
    r->thread = uv_thread_self();
    if (r->arrived != NULL) {
        uv_sem_post(r->arrived);
    }
    if (r->gate != NULL) {
        uv_sem_wait(r->gate);
    }
    r->batches[r->batch_count++] = count;
    for (size_t i = 0; i < count; i++) {
        const struct numbered *job = (const struct numbered *)batch[i];
        r->ran[r->ran_count++] = job->number;
    }
    return r->status;
}

static void done_cb(struct commit *commit, enum status status) {
    const struct numbered *job = commit->context;
    done[done_count] = job->number;
    done_status[done_count++] = status;
}

static void closed_cb(void *context) {
    (void)context;
    closed = true;
}

static void open_with(size_t waiting_max, size_t batch_max) {
    struct committer_options options = {.waiting_max = waiting_max, .batch_max = batch_max};
    cr_assert_eq(loop_open(&loop), STATUS_OK);
    cr_assert_eq(committer_open(loop, &options, run, &record, &committer), STATUS_OK);
}

static enum status submit(size_t number) {
    struct numbered *job = &jobs[number];
    job->number = number;
    job->commit = (struct commit){.job = &job->job, .done = done_cb, .context = job};
    return committer_submit(committer, &job->commit);
}

static void finish(void) {
    committer_close(committer, closed_cb, NULL);
    loop_run(loop);
    loop_free(loop);
    cr_assert(closed);
}

/* Long enough for a thread that has work to begin it. */
static void sleep_a_little(void) {
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static void expect_all_in_order(size_t count) {
    cr_assert_eq(record.ran_count, count);
    cr_assert_eq(done_count, count);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(record.ran[i], i);
        cr_assert_eq(done[i], i);
        cr_assert_eq(done_status[i], record.status);
    }
}

Test(committer, runs_in_order_on_its_own_thread) {
    open_with(JOBS_MAX, 64);
    for (size_t i = 0; i < JOBS_MAX; i++) {
        cr_assert_eq(submit(i), STATUS_OK);
    }
    finish();
    expect_all_in_order(JOBS_MAX);
    uv_thread_t self = uv_thread_self();
    cr_assert_not(uv_thread_equal(&self, &record.thread));
    for (size_t i = 0; i < record.batch_count; i++) {
        cr_assert(record.batches[i] >= 1 && record.batches[i] <= 64);
    }
}

/* What waits while a batch runs makes the next one, up to batch_max. */
Test(committer, groups_what_waits) {
    uv_sem_t gate;
    uv_sem_t arrived;
    uv_sem_init(&gate, 0);
    uv_sem_init(&arrived, 0);
    record.gate = &gate;
    record.arrived = &arrived;
    open_with(100, 8);
    cr_assert_eq(submit(0), STATUS_OK);
    uv_sem_wait(&arrived);
    for (size_t i = 1; i < 12; i++) {
        cr_assert_eq(submit(i), STATUS_OK);
    }
    for (int i = 0; i < 3; i++) {
        uv_sem_post(&gate);
    }
    finish();
    expect_all_in_order(12);
    cr_assert_eq(record.batch_count, 3);
    cr_assert_eq(record.batches[0], 1);
    cr_assert_eq(record.batches[1], 8);
    cr_assert_eq(record.batches[2], 3);
}

/* What is submitted between the two makes one batch, though the thread waits for work. */
Test(committer, gathers) {
    open_with(100, 100);
    for (size_t round = 0; round < 20; round++) {
        committer_gather(committer);
        cr_assert_eq(submit(3 * round), STATUS_OK);
        committer_gather(committer);
        cr_assert_eq(submit(3 * round + 1), STATUS_OK);
        committer_go(committer);
        sleep_a_little();
        cr_assert_eq(submit(3 * round + 2), STATUS_OK);
        committer_go(committer);
        while (done_count < 3 * (round + 1)) {
            uv_run(loop_uv(loop), UV_RUN_ONCE);
        }
    }
    finish();
    expect_all_in_order(60);
    cr_assert_eq(record.batch_count, 20);
}

Test(committer, refuses_when_full) {
    uv_sem_t gate;
    uv_sem_init(&gate, 0);
    record.gate = &gate;
    open_with(5, 2);
    for (size_t i = 0; i < 5; i++) {
        cr_assert_eq(submit(i), STATUS_OK);
        cr_assert_eq(committer_waiting(committer), i + 1);
    }
    cr_assert_eq(submit(5), STATUS_BUSY);
    cr_assert_eq(committer_waiting(committer), 5);
    /* Room comes with each `done`, not before. */
    for (int i = 0; i < 5; i++) {
        uv_sem_post(&gate);
    }
    while (done_count == 0) {
        cr_assert_eq(submit(5), STATUS_BUSY);
        uv_run(loop_uv(loop), UV_RUN_ONCE);
    }
    cr_assert_eq(submit(5), STATUS_OK);
    uv_sem_post(&gate);
    finish();
    expect_all_in_order(6);
    cr_assert_eq(committer_defaults.waiting_max, 4096);
}

Test(committer, tells_each_the_batch_status) {
    record.status = STATUS_STORE_DOUBT;
    open_with(10, 10);
    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(submit(i), STATUS_OK);
    }
    finish();
    expect_all_in_order(4);
}

Test(committer, closes_when_idle) {
    open_with(10, 10);
    finish();
    cr_assert_eq(record.batch_count, 0);
}

Test(committer, closes_after_what_waits) {
    uv_sem_t gate;
    uv_sem_init(&gate, 0);
    record.gate = &gate;
    open_with(10, 1);
    for (size_t i = 0; i < 10; i++) {
        cr_assert_eq(submit(i), STATUS_OK);
    }
    committer_close(committer, closed_cb, NULL);
    cr_assert_eq(submit(10), STATUS_BUSY);
    for (int i = 0; i < 10; i++) {
        uv_sem_post(&gate);
    }
    loop_run(loop);
    loop_free(loop);
    cr_assert(closed);
    expect_all_in_order(10);
}

/* `done` may free the commit, and submit the next. */
static size_t chain_left;
static void chain_done(struct commit *commit, enum status status) {
    cr_assert_eq(status, STATUS_OK);
    free(commit->context);
    if (chain_left == 0) {
        committer_close(committer, closed_cb, NULL);
        return;
    }
    chain_left--;
    struct numbered *next = calloc(1, sizeof *next);
    next->number = 500 - chain_left;
    next->commit = (struct commit){.job = &next->job, .done = chain_done, .context = next};
    cr_assert_eq(committer_submit(committer, &next->commit), STATUS_OK);
}

Test(committer, chains) {
    open_with(1, 1);
    struct numbered *first = calloc(1, sizeof *first);
    first->commit = (struct commit){.job = &first->job, .done = chain_done, .context = first};
    chain_left = 500;
    cr_assert_eq(committer_submit(committer, &first->commit), STATUS_OK);
    loop_run(loop);
    loop_free(loop);
    cr_assert(closed);
    cr_assert_eq(record.ran_count, 501);
    cr_assert_eq(record.ran[500], 500);
}
