/* One POST /add on its way. Shared by submitter.c, which moves it, submit_prepare.c, which parses
 * and verifies it, and submit_answer.c, which answers it. */
#ifndef DUTYLOG_NET_SUBMIT_CALL_H
#define DUTYLOG_NET_SUBMIT_CALL_H

#include "ledger/sequencer.h"
#include "net/buffer.h"
#include "net/submitter.h"

/* Requests whose events are to be parsed, oldest first. Zeroed to begin with. */
struct submit_queue {
    struct submit_call *first;
    struct submit_call *last;
    size_t events;  /* of requests that have begun and are not unprepared */
    size_t slices;  /* in the workers' queue */
    bool beginning; /* calls may be over meanwhile, but the queue must stay */
};

struct submit_call {
    struct node *node;
    struct submitter *submitter;
    struct request *request; /* held from on_end until the last job or wait is over */
    bool opaque;
    bool several; /* application/octet-stream: one JSON line per event */
    size_t count;
    struct bytes *notes; /* views of the body */
    size_t bytes;        /* of the body, against the submitter's bound */
    struct submission *submissions;
    struct submit_result *results;
    uint8_t *entries; /* memory for the stamped entries */
    size_t entries_cap;
    struct submit_queue *queue;
    struct submit_slice *slices; /* work under way */
    size_t slices_left;
    bool preparing; /* counted in queue->events */
    enum status prepare_status;
    void (*prepared)(struct submit_call *call, enum status status);
    struct submit_job submit;
    struct append_job append;
    struct commit commit;
    uint64_t needs;      /* published size that covers all of it */
    bool counted;        /* against the submitter's bounds */
    bool waiting;        /* in the submitter's list */
    struct buffer lines; /* the answer for several events, as if published */
    bool lines_whole;
    unsigned refused_http;    /* nothing was accepted: the HTTP status; else 0 */
    struct submit_call *next; /* in the queue, later in the submitter's list */
    struct submit_call *previous;
};

/* Parses and verifies the call's notes as soon as others before it leave room, then calls
 * `prepared` on the loop, perhaps from within. OK: call->submissions are prepared; BUSY, NOMEM:
 * nothing may be done with them. */
void submit_prepare(struct submit_queue *queue, struct submit_call *call,
                    void (*prepared)(struct submit_call *call, enum status status));
/* The call's events are committed or given up: others may begin. Once per call, or more often. */
void submit_unprepare(struct submit_call *call);

/* Called once what was committed is known. Of a request of several events only the answer's lines
 * stay in memory, since many such requests may wait for a quorum together; what was parsed of them
 * is freed. */
void submit_settle(struct submit_call *call);
/* Frees what submit_settle frees, if it was not called. */
void submit_release_events(struct submit_call *call);
/* Answers by the results: `published` tells whether a quorum holds all that was accepted. */
void submit_answer(struct submit_call *call, bool published);
/* Nothing was kept, for this reason. */
void submit_answer_failure(struct submit_call *call, enum status status);

#endif
