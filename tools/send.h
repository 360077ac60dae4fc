/* Sending signed events to a node and saving their receipts beside them (specs/http.md): the same
 * bytes again until there is an answer, in as few requests as they fit. */
#ifndef DUTYLOG_TOOLS_SEND_H
#define DUTYLOG_TOOLS_SEND_H

#include "tools/fetch.h"
#include "tools/outbox.h"

struct sending {
    const char *node;
    uint64_t wait_s; /* for an answer, and then for a receipt */
    bool quiet;      /* else the receipts' paths are printed as they come */
    struct fetcher *fetcher;
    /* What came of it. */
    size_t receipts;
    size_t pending; /* logged and durable at the node, and no receipt yet */
    size_t total;
};

/* Events in the order given; the first that is refused ends the run, and those before it get their
 * receipts. DENIED_SCOPE: refused, `why` has the node's answer; BUSY, RATE, IO: try again later. */
enum status send_files(struct sending *s, char *const *paths, size_t count,
                       struct refusal *why) MUST_USE;
/* All of the outbox that has no receipt yet. Also as outbox_open. */
enum status send_outbox(struct sending *s, const char *folder, struct refusal *why) MUST_USE;

#endif
