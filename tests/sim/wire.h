/* Calls from end to end: a request with a body, and an answer, each of which may be lost, late,
 * doubled or out of order with every other (each call has a connection of its own). A process that
 * dies takes the calls that it was serving with it, and hears no answers. */
#ifndef DUTYLOG_TESTS_SIM_WIRE_H
#define DUTYLOG_TESTS_SIM_WIRE_H

#include "tests/sim/sim.h"

enum wire_kind {
    WIRE_ADD,        /* POST add: wire_add_body */
    WIRE_RECEIPT,    /* GET receipt/<issuer>/<seq>: "<issuer> <seq>"; of an opaque log "<index>" */
    WIRE_CHECKPOINT, /* POST add-checkpoint */
    WIRE_ENTRIES,    /* POST add-entries */
    WIRE_CANDIDATE,  /* POST add-candidate */
    WIRE_PENDING,    /* GET witness/<hex>/checkpoint */
    WIRE_MIRRORED,   /* GET <hex>/checkpoint; of the log's own node: checkpoint */
    WIRE_TILE,       /* GET tile/…: the path */
};

/* `http` 0: no answer came. The body is borrowed for the call. What the answerer's clock was is in
 * sim->told_ms. */
typedef void (*wire_reply)(struct sim *sim, void *context, size_t book, unsigned http,
                           struct bytes body);

struct wire_request {
    size_t from;
    size_t to;
    enum wire_kind kind;
    size_t book;
    struct bytes body; /* copied */
    uint64_t shows;    /* size of the checkpoint of the log's that the body carries; 0: none */
    uint64_t timeout_ms;
    wire_reply reply; /* called once, unless the process that called is dead */
    void *context;
};
void wire_call(struct sim *sim, const struct wire_request *request);

/* A request that arrived. The serving node owns it until wire_answer or wire_forget. */
struct arrival {
    struct call *call;
    struct node *node;
    enum wire_kind kind;
    size_t from;
    size_t book;
    struct bytes body; /* as much as came */
    bool whole;
};
void wire_answer(struct arrival *arrival, unsigned http, struct bytes body);
void wire_forget(struct arrival *arrival);

/* Cuts the connections between two ends, or mends them, both ways. */
void wire_block(struct sim *sim, size_t a, size_t b, bool blocked);

/* A task's drop for an arrival. */
void wire_drop(struct sim *sim, void *arrival);

#endif
