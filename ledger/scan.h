/* Walking the keys that start with a prefix: a table, or one log's share of it. */
#ifndef DUTYLOG_LEDGER_SCAN_H
#define DUTYLOG_LEDGER_SCAN_H

#include "ledger/schema.h"

struct scan {
    struct store_txn *txn;
    struct key prefix;
    struct key at; /* the first key not yet given out */
};

/* The keys that start with `prefix`, in order, from `at` on (which may be the prefix itself). */
struct scan scan_from(struct store_txn *txn, struct key prefix, struct key at);
/* The next pair, borrowed from the transaction. NOT_FOUND at the end. */
enum status scan_next(struct scan *scan, struct bytes *key, struct bytes *value) MUST_USE;
/* The u64 that is the rest of a key after the scan's prefix; false: another length. */
bool scan_number(const struct scan *scan, struct bytes key, uint64_t *out);

#endif
