/* What is to happen, by virtual time; at one time in the order in which it was planned. */
#ifndef DUTYLOG_TESTS_SIM_QUEUE_H
#define DUTYLOG_TESTS_SIM_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim;
struct node;
typedef void (*task_run)(struct sim *sim, void *context);

struct task {
    uint64_t at; /* ms */
    uint64_t order;
    task_run run;
    task_run drop;     /* instead of run, if the process that planned it is dead; may be NULL */
    void *context;     /* owned: run or drop frees it */
    struct node *node; /* whose process; NULL: nobody's */
    uint64_t life;     /* of that process */
};

struct queue {
    struct task *tasks; /* a heap */
    size_t count;
    size_t cap;
    uint64_t orders;
};

void queue_put(struct queue *queue, struct task task);
/* False: empty. */
bool queue_take(struct queue *queue, struct task *out);
uint64_t queue_next_at(const struct queue *queue); /* UINT64_MAX: empty */
void queue_release(struct queue *queue);

#endif
