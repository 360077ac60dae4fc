/* Fetching the receipts by which a log is recognised (`dutylog registry chain`). */
#ifndef DUTYLOG_TOOLS_LOG_CHAIN_H
#define DUTYLOG_TOOLS_LOG_CHAIN_H

#include "ledger/recognition.h"

struct log_chain {
    const char *origin;       /* of the log that is recognised */
    const char *const *nodes; /* the first says by whom; all are asked for receipts, in order */
    size_t node_count;
    const char *out;                        /* what the files' names begin with */
    char paths[RECOGNITION_DEPTH_MAX][512]; /* out: the files, the nearest recognition first */
    size_t count;
};

/* Writes the files, over older ones. Nothing of it is verified: that is for dutylog verify.
 * NOT_FOUND: the first node does not recognise the log, or no node has a receipt yet; IO. */
enum status log_chain_fetch(struct log_chain *chain, struct refusal *why) MUST_USE;

#endif
