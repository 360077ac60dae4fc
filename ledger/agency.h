/* Agencies as the logs register them (specs/registry.md#agencies): name, state, sort, size, what
 * they were called before, and what they became part of.
 *
 * Vocabulary: a *row* is what one accepted agency.registered, agency.renamed or agency.merged says
 * of an ORI. An ORI is *registered* in a log where a row of that log registers it. *At a day* those
 * rows hold whose `from` is not after it; of two that answer one question the one with the later
 * `from` holds, and of the same day the later in the order (stamp, origin, index).
 *
 * A row is written in the transaction that accepts the event, and never changes. Which logs' rows
 * count, and whether those of a POST's key do, is the reader's choice: what recognition leaves,
 * where an authority is pinned. */
#ifndef DUTYLOG_LEDGER_AGENCY_H
#define DUTYLOG_LEDGER_AGENCY_H

#include "ledger/accept.h"

#define AGENCY_NAME_MAX 200
#define AGENCY_TYPE_MAX 40
#define AGENCY_FORMER_MAX 8
#define AGENCY_HOPS_MAX 8
#define AGENCY_ROWS_MAX                                                                            \
    256 /* of one ORI, log, kind and role: the first so many count, so that no log                 \
           makes everybody who asks for an agency read without end */

/* --- rows --- */

/* Writes what an accepted event of one of the three kinds says; `role`: of its signer, root or
 * post. Write transaction. */
enum status agency_put(struct store_txn *txn, uint32_t log, const struct event *event,
                       uint32_t role, uint64_t index, uint64_t stamp_ms) MUST_USE;
/* Is the ORI registered in this log? NOT_FOUND. */
enum status agency_known(struct store_txn *txn, uint32_t log, const char ori[ORI_SIZE]) MUST_USE;
/* Acceptance (specs/event.md#acceptance, 7): may an event about this ORI enter a log that registers
 * agencies? BAD_MEMBER names the member, and what to do. `agencies`: how many registrations the log
 * has; with none, nothing is asked. */
enum status agency_check(struct store_txn *txn, uint32_t log, uint32_t agencies,
                         const struct event *event, struct refusal *why) MUST_USE;

/* --- reading --- */

/* Which logs' rows about an ORI count, by the role of who signed them, root or post; NULL as
 * `counts`: all. */
struct agency_sources {
    enum status (*counts)(void *context, struct store_txn *txn, uint32_t log, const char *ori,
                          uint32_t role, bool *out);
    void *context;
};

/* Texts are terminated. */
struct agency {
    char ori[ORI_SIZE + 1];
    bool registered; /* a counted row registers it; else it was only renamed or merged */
    char name[AGENCY_NAME_MAX + 1];
    char state[3];
    char type[AGENCY_TYPE_MAX + 1];
    uint32_t officers;
    char former[AGENCY_FORMER_MAX][AGENCY_NAME_MAX + 1]; /* other names it had or will have, the
                                                            earliest first; the last ones of more */
    size_t former_count;
    char into[ORI_SIZE + 1];    /* what it was merged into; "": it goes on */
    char goes_on[ORI_SIZE + 1]; /* the last of that chain: `into`, or what that became part of */
    bool cycle;                 /* the chain comes back to itself, or has over AGENCY_HOPS_MAX
                                   links: goes_on is then `into` */
};

/* The agency as of a day (days since 1970; UINT64_MAX: whatever was ever said). NOT_FOUND: no
 * counted row. */
enum status agency_resolve(struct store_txn *txn, const struct agency_sources *sources,
                           const char ori[ORI_SIZE], uint64_t day, struct agency *out) MUST_USE;
/* The first ORI that any log speaks of and that is not before `from` in bytewise order; "" for the
 * first of all. NOT_FOUND: none. */
enum status agency_next(struct store_txn *txn, const char *from,
                        char out[static ORI_SIZE + 1]) MUST_USE;

#endif
