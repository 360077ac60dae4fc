/* One POST /add on its way. Shared by submitter.c, which moves it, and submit_answer.c, which
 * answers it. */
#ifndef DUTYLOG_NET_SUBMIT_CALL_H
#define DUTYLOG_NET_SUBMIT_CALL_H

#include "ledger/sequencer.h"
#include "net/submitter.h"

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
    struct work work;
    struct submit_job submit;
    struct append_job append;
    struct commit commit;
    uint64_t needs; /* published size that covers all of it */
    bool counted;   /* against the submitter's bounds */
    bool waiting;   /* in the submitter's list */
    char *lines;    /* the answer for several events, as if published; from malloc */
    size_t lines_len;
    unsigned refused_http; /* nothing was accepted: the HTTP status; else 0 */
    struct submit_call *next;
    struct submit_call *previous;
};

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
