/* Reading a whole log, over HTTP or from a folder, and verifying it from its bytes: entries against
 * hashes, hashes against the signed checkpoint, each event against the rules of its log. What is
 * found wrong is told, and reading goes on; what cannot be had ends it. Believes the key that it is
 * given, and nothing that the node says. */
#ifndef DUTYLOG_TOOLS_LOG_READ_H
#define DUTYLOG_TOOLS_LOG_READ_H

#include "ledger/accept.h"
#include "ledger/checkpoint.h"
#include "ledger/merkle.h"
#include "ledger/policy.h"
#include "tools/fetch.h"

#define LOG_READ_KNOWN_MAX 32

/* A checkpoint that somebody else shows: the log's tree must have that root at that size. */
struct log_read_known {
    uint64_t size;
    struct hash root;
    const char *who; /* borrowed */
};

struct log_read {
    /* Set by the caller after log_read_init. */
    const char *url;  /* the log's prefix, or a folder with its checkpoint and tiles; borrowed */
    const char *what; /* for the progress line */
    void *context;
    void (*wrong)(void *context, const char *text);
    /* Of each event that the log's rules admit. NULL: nothing. */
    enum status (*accepted)(void *context, uint64_t index, const struct event *event);
    bool entries_only; /* the hash tiles are not asked for: the root vouches for the entries */
    bool rules_apart;  /* an entry that the log's rules do not admit is counted, and not told */
    struct log_read_known known[LOG_READ_KNOWN_MAX];
    size_t known_count;
    /* What was read. */
    struct log log; /* number 1 in `txn` */
    struct buffer checkpoint_bytes;
    struct note note;
    struct checkpoint checkpoint;
    struct merkle_frontier frontier;
    struct store_txn *txn; /* what acceptance knows after the last entry; NULL: not opened */
    uint64_t refused;      /* entries that the log's rules do not admit */
    uint64_t unjudged;     /* entries under a kinds table that this build lacks */
    struct refusal lacks;  /* which; where there are such */
    /* Its own. */
    struct fetcher *fetcher;
    struct store *scratch;
    struct buffer bundle;
    struct fetched file; /* the last of a folder */
};

/* `flags` as in struct log. */
void log_read_init(struct log_read *read, const struct vkey *vkey, uint32_t flags);
void log_read_release(struct log_read *read);
/* Fetches the checkpoint, and tells if it is not the log's. After it, the size is known. IO, BUSY,
 * NOT_FOUND (no such log there), BAD_FORM. */
enum status log_read_checkpoint(struct log_read *read, struct refusal *why) MUST_USE;
/* Reads every entry of the checkpoint, and tells if they do not give its root, or one that is known
 * of elsewhere. */
enum status log_read_entries(struct log_read *read, struct refusal *why) MUST_USE;
/* Fetches one entry again; `entry` is borrowed until the next request. */
enum status log_read_entry(struct log_read *read, uint64_t index, struct bytes *entry,
                           struct refusal *why) MUST_USE;
/* Fetches the log.policy at `index` again. The policy borrows from the event, which the caller
 * releases after OK. BAD_FORM: another entry is there now. */
enum status log_read_policy(struct log_read *read, uint64_t index, struct event *event,
                            struct policy *policy, struct refusal *why) MUST_USE;
/* GET of a path under the prefix; a node that is busy is asked again. Borrowed until the next. */
enum status log_read_get(struct log_read *read, const char *path, size_t max,
                         const struct fetched **out, struct refusal *why) MUST_USE;

#endif
