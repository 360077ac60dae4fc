/* How far a log has come in this node, for whoever shows it (/logs, /metrics). */
#ifndef DUTYLOG_NET_LOG_SIZES_H
#define DUTYLOG_NET_LOG_SIZES_H

#include "ledger/logs.h"
#include "net/config.h"

/* specs/replication.md, Sizes; 0 where there is none. */
struct log_sizes {
    uint64_t stored;
    uint64_t published; /* the own log's */
    uint64_t pending;   /* from here on a mirrored log's */
    uint64_t cosigned;
    uint64_t judged; /* of a log of events */
    uint64_t table;  /* the kinds table that a log of events is under, as far as it is judged */
    uint64_t lacks;  /* 1: this build lacks that table: what is stored beyond is unjudged */
    uint64_t newest; /* when this node last cosigned anything of it, in seconds */
    uint64_t silent; /* 1: that is a day ago (design G4). Never of a log that is pulled, which we
                        cosign when it has grown */
    uint64_t held;   /* 1: the guard waits until it has what was cosigned of it (ledger/guard.h) */
};
#define LOG_SILENT_S 86400u
/* The store's failures. `silent` as of `now_seconds`. */
enum status log_sizes_read(struct store_txn *txn, const struct node_config *config,
                           const struct log *log, uint64_t now_seconds,
                           struct log_sizes *out) MUST_USE;
/* How many of its judged entries are not acceptable, counted up to LOG_REFUSED_MAX only: a
 * dishonest log may hold any number. */
#define LOG_REFUSED_MAX 10000
enum status log_refused_read(struct store_txn *txn, uint32_t log, uint64_t *count) MUST_USE;

#endif
