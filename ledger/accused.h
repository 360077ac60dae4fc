/* Whom a node can hold evidence against: the keys of a log that it holds. */
#ifndef DUTYLOG_LEDGER_ACCUSED_H
#define DUTYLOG_LEDGER_ACCUSED_H

#include "ledger/event.h"
#include "ledger/logs.h"

#define ACCUSED_POLICIES_MAX 4
#define ACCUSED_MAX 64

/* The log's key first, then the mirrors and witnesses of its last ACCUSED_POLICIES_MAX policies,
 * newest first, each once; what is beyond ACCUSED_MAX is left out. Of an opaque log, whose policy
 * is no entry, the log's key alone. */
struct accused {
    struct vkey keys[ACCUSED_MAX];
    size_t count;
};
enum status accused_of(struct store_txn *txn, const struct log *log, struct accused *out) MUST_USE;

/* The policy in force in the first `size` entries, all of which are judged. Names borrow from
 * `event`, which the caller releases after OK. NOT_FOUND: there is none. */
enum status accused_policy(struct store_txn *txn, const struct log *log, uint64_t size,
                           uint64_t *index, struct event *event, struct policy *out) MUST_USE;

#endif
