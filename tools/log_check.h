/* Holding a signed list of logs against what nodes hold and serve (`dutylog registry check`). */
#ifndef DUTYLOG_TOOLS_LOG_CHECK_H
#define DUTYLOG_TOOLS_LOG_CHECK_H

#include "tools/log_list.h"
#include "tools/view.h"

enum log_finding {
    LOG_UNANNOUNCED, /* a node holds a log of events that the list lacks */
    LOG_OTHER_KEY,   /* it serves the origin, signed by no key on the list */
    LOG_SHRUNK,      /* its own node serves less than is listed */
    LOG_CONTRADICTS, /* what it serves does not go on from the listed root */
    LOG_UNCHECKED,   /* its tiles do not tell */
    LOG_BEHIND,      /* a mirror serves less than is listed: no fault */
    LOG_LACKING,     /* the node does not serve a listed log: no fault */
};
const char *log_finding_name(enum log_finding finding);
/* Whether it makes the command's exit code 1. */
bool log_finding_is_fault(enum log_finding finding);

struct log_check {
    const struct log_list *list;
    struct fetcher *fetcher;
    struct view view; /* ours, as the rest */
    struct pull_tiles tiles;
    void (*found)(void *context, enum log_finding finding, const char *node, const char *origin,
                  uint64_t listed, uint64_t served);
    void *context;
};
/* Asks one node, and calls `found` for each thing. IO, BAD_FORM: it does not answer as a node. */
enum status log_check_node(struct log_check *check, const char *node, struct refusal *why) MUST_USE;

#endif
