#include "tests/sim/queue.h"

#include <assert.h>
#include <stdlib.h>

static bool before(const struct task *a, const struct task *b) {
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void swap(struct task *a, struct task *b) {
    struct task t = *a;
    *a = *b;
    *b = t;
}

void queue_put(struct queue *queue, struct task task) {
    if (queue->count == queue->cap) {
        queue->cap = queue->cap == 0 ? 256 : 2 * queue->cap;
        queue->tasks = realloc(queue->tasks, queue->cap * sizeof *queue->tasks);
        assert(queue->tasks != NULL);
    }
    task.order = queue->orders++;
    size_t i = queue->count++;
    queue->tasks[i] = task;
    while (i > 0 && before(&queue->tasks[i], &queue->tasks[(i - 1) / 2])) {
        swap(&queue->tasks[i], &queue->tasks[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

bool queue_take(struct queue *queue, struct task *out) {
    if (queue->count == 0) {
        return false;
    }
    *out = queue->tasks[0];
    queue->tasks[0] = queue->tasks[--queue->count];
    size_t i = 0;
    for (;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2; child++) {
            if (child < queue->count && before(&queue->tasks[child], &queue->tasks[least])) {
                least = child;
            }
        }
        if (least == i) {
            return true;
        }
        swap(&queue->tasks[i], &queue->tasks[least]);
        i = least;
    }
}

uint64_t queue_next_at(const struct queue *queue) {
    return queue->count > 0 ? queue->tasks[0].at : UINT64_MAX;
}

void queue_release(struct queue *queue) {
    free(queue->tasks);
    *queue = (struct queue){.tasks = NULL};
}
