#include "tests/sim/sim.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct sim *sim_new(uint64_t seed) {
    struct sim *sim = calloc(1, sizeof *sim);
    assert(sim != NULL);
    sim->seed = seed;
    dice_init(&sim->dice, seed);
    sim->trace_hash = 0xcbf29ce484222325u;
    return sim;
}

void sim_free(struct sim *sim) {
    for (size_t i = 0; i < sim->node_count; i++) {
        node_stop(&sim->nodes[i]);
    }
    struct task task;
    while (queue_take(&sim->queue, &task)) {
        if (task.drop != NULL) {
            task.drop(sim, task.context);
        }
    }
    for (size_t i = 0; i < sim->node_count; i++) {
        node_release(&sim->nodes[i]);
    }
    for (size_t i = 0; i < sim->client_count; i++) {
        client_release(&sim->clients[i]);
    }
    for (size_t i = 0; i < sim->book_count; i++) {
        book_release(&sim->books[i]);
    }
    queue_release(&sim->queue);
    free(sim);
}

void sim_after(struct sim *sim, uint64_t delay_ms, struct node *node, task_run run, task_run drop,
               void *context) {
    queue_put(&sim->queue, (struct task){.at = sim->now + delay_ms,
                                         .run = run,
                                         .drop = drop,
                                         .context = context,
                                         .node = node,
                                         .life = node != NULL ? node->life : 0});
}

bool sim_step(struct sim *sim) {
    struct task task;
    if (sim->failed || !queue_take(&sim->queue, &task)) {
        return false;
    }
    assert(task.at >= sim->now);
    sim->now = task.at;
    if (task.node != NULL && (task.node->life != task.life || !task.node->up)) {
        if (task.drop != NULL) {
            task.drop(sim, task.context);
        }
        return true;
    }
    sim->steps++;
    task.run(sim, task.context);
    return true;
}

void sim_run_until(struct sim *sim, uint64_t at_ms) {
    while (!sim->failed && queue_next_at(&sim->queue) <= at_ms && sim_step(sim)) {
    }
    if (!sim->failed && sim->now < at_ms) {
        sim->now = at_ms;
    }
}

static void put_line(struct sim *sim, const char *who, const char *text) {
    char line[1024];
    int n = snprintf(line, sizeof line, "%4" PRIu64 ".%03" PRIu64 " %-10s %s\n", sim->now / 1000,
                     sim->now % 1000, who, text);
    assert(n > 0 && (size_t)n < sizeof line);
    for (int i = 0; i < n; i++) {
        sim->trace_hash = (sim->trace_hash ^ (uint8_t)line[i]) * 0x100000001b3u;
    }
    if (sim->trace) {
        fputs(line, sim->out != NULL ? sim->out : stdout);
    }
}

void sim_say(struct sim *sim, const char *who, const char *format, ...) {
    char text[900];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    assert(n >= 0);
    put_line(sim, who, text);
}

void sim_fail(struct sim *sim, const char *what, const char *format, ...) {
    if (sim->failed) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    int n = snprintf(sim->failure, sizeof sim->failure, "%s: ", what);
    vsnprintf(sim->failure + n, sizeof sim->failure - (size_t)n, format, arguments);
    va_end(arguments);
    put_line(sim, "FAILED", sim->failure);
    sim->failed = true;
}

const char *sim_end_name(const struct sim *sim, size_t end) {
    return end < SIM_NODES_MAX ? sim->nodes[end].name : sim->clients[end - SIM_NODES_MAX].name;
}
