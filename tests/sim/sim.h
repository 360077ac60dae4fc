/* The simulator (specs/simulation.md): many nodes on the real core (ledger/), in one thread, by a
 * virtual clock, over a network and disks that fail, everything drawn from one seed.
 *
 * Vocabulary: a *node* is a machine with one process that dies and starts again (tests/sim/node.h);
 * its *life* counts the starts. A *book* is what the simulator itself knows of a log, against
 * which it checks what nodes say (tests/sim/book.h). An *end* is where calls come from or go to: a
 * node, or a client. A *step* is one task of the queue. *True time* is `now`; a node's clock is
 * that and its own error. */
#ifndef DUTYLOG_TESTS_SIM_SIM_H
#define DUTYLOG_TESTS_SIM_SIM_H

#include "tests/sim/book.h"
#include "tests/sim/client.h"
#include "tests/sim/dice.h"
#include "tests/sim/node.h"
#include "tests/sim/queue.h"

#include <stdio.h>

#define SIM_NODES_MAX 10
#define SIM_CLIENTS_MAX 12
#define SIM_ENDS (SIM_NODES_MAX + SIM_CLIENTS_MAX)

/* What goes wrong by itself. Chances in thousandths; times in ms, both ends included. */
struct rates {
    unsigned lost;      /* a request or an answer */
    unsigned doubled;   /* a request arrives twice */
    unsigned cut_short; /* an upload ends in the middle */
    unsigned slow;      /* a message takes slow_ms instead */
    unsigned silent;    /* a crash takes the machine, so that callers wait for their timeouts */
    uint64_t delay_ms[2];
    uint64_t slow_ms[2];
    unsigned commit_fails;  /* and nothing is changed */
    unsigned commit_doubts; /* and nobody knows whether it was */
    unsigned torn;          /* a crash in a commit leaves disk and head file apart */
    uint64_t commit_ms[2];
};

/* What happened, for the swarm's summary: a fault that never occurs tests nothing. */
struct counts {
    uint64_t receipts;
    uint64_t crashes;
    uint64_t doubts;
    uint64_t cosignatures;
    uint64_t rounds;
    uint64_t halts;
    uint64_t evidence;
    uint64_t unreconciled;
    uint64_t refusals;
};

struct sim {
    uint64_t seed;
    struct dice dice;
    struct queue queue;
    uint64_t now; /* ms since the beginning */
    uint64_t steps;
    uint64_t serials; /* given to calls */
    struct rates rates;
    bool blocked[SIM_ENDS][SIM_ENDS]; /* from, to */
    uint64_t told_ms; /* within a reply: the clock of who answered, as it did; 0: nobody did */
    uint64_t lag_ms[SIM_ENDS]; /* more, for whatever comes from or goes to an end */
    struct node nodes[SIM_NODES_MAX];
    size_t node_count;
    struct book books[SIM_BOOKS_MAX];
    size_t book_count;
    struct client clients[SIM_CLIENTS_MAX];
    size_t client_count;
    struct counts counts;
    bool trace;          /* print the lines */
    FILE *out;           /* where to; NULL: standard output */
    uint64_t trace_hash; /* over all lines, printed or not */
    bool failed;
    char failure[512];
};

struct sim *sim_new(uint64_t seed);
void sim_free(struct sim *sim);

/* Plans a task; see struct task. `node` NULL: whatever becomes of any node. */
void sim_after(struct sim *sim, uint64_t delay_ms, struct node *node, task_run run, task_run drop,
               void *context);
/* Runs the next task. False: none is left, or a check failed. */
bool sim_step(struct sim *sim);
/* Runs until true time `at_ms`, or a failure. */
void sim_run_until(struct sim *sim, uint64_t at_ms);

/* One line of the trace. */
void sim_say(struct sim *sim, const char *who, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A check failed: the first one ends the run. `what` is the guarantee: "G1", "G2", "G3", "end". */
void sim_fail(struct sim *sim, const char *what, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

const char *sim_end_name(const struct sim *sim, size_t end);

#endif
