/* Takes events (or opaque entries) for the node's own log, from request to receipt.
 *
 * Happy path
 *   - a request's notes go to a worker, which parses them and verifies signatures against what is
 * committed;
 *   - the committer stamps, checks and appends them, with whatever else waits;
 *   - the replicator hears of the new size; when a quorum holds it, the request is answered with
 * its receipts. Failure modes
 *   - too much waits (events, bytes, requests), the disk is nearly full, the clock disagrees: 503
 * before anything is kept;
 *   - an event is refused: its own status and line; nothing of it is kept;
 *   - no quorum within the deadline: 202 with the place; the entry stays, and the receipt can be
 * fetched later;
 *   - the client leaves: what was committed stays. */
#ifndef DUTYLOG_NET_SUBMITTER_H
#define DUTYLOG_NET_SUBMITTER_H

#include "net/node.h"

#define SUBMIT_EVENTS_MAX 1024            /* in one request */
#define SUBMIT_BODY_MAX (4 * 1024 * 1024) /* of one request */
#define SUBMIT_WAITING_EVENTS_MAX 8192    /* in all requests that are not committed yet */
#define SUBMIT_WAITING_BYTES_MAX (32u << 20)
#define SUBMIT_WAITING_REQUESTS_MAX 2000 /* for a quorum */
#define SUBMIT_DEADLINE_MS 10000

enum status submitter_open(struct node *node, struct submitter **out) MUST_USE;
/* Entries below `size` are published: answers who waits for them. */
void submitter_published(struct submitter *submitter, uint64_t size);
/* Answers whoever waits with 202, takes no more, and calls `closed` when nothing is under way. */
void submitter_close(struct submitter *submitter, void (*closed)(void *context), void *context);

/* The handlers of POST /add. */
void submit_on_headers(struct request *request);
void submit_on_end(struct request *request);
void submit_on_cancel(struct request *request, enum request_cancel reason);
void submit_on_free(struct request *request);

/* For /metrics and /status. */
struct submitter_stats {
    uint64_t accepted;
    uint64_t refused;
    uint64_t waiting_events;
    uint64_t waiting_requests;
};
struct submitter_stats submitter_stats(const struct submitter *submitter);

#endif
