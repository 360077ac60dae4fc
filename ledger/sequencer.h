/* The host's side of its own log: stamping and appending events (or opaque entries), cutting
 * candidates, publishing cosigned checkpoints. All are jobs (ledger/batch.h).
 *
 * Vocabulary: the *committed* size is what the store holds; a *candidate* is a checkpoint that the
 * log's key signed, and the last one is the *signed head*; the *published* checkpoint carries a
 * quorum of cosignatures. published <= signed head
 * <= committed. Only candidates are ever signed, and each only after a compare-and-swap on the
 * signed head. */
#ifndef DUTYLOG_LEDGER_SEQUENCER_H
#define DUTYLOG_LEDGER_SEQUENCER_H

#include "ledger/accept.h"
#include "ledger/batch.h"
#include "ledger/policy.h"

/* --- submitting --- */

struct submit_result {
    enum status status; /* OK: in the log at `place.index`, received at `received_ms` */
    struct accept_place place;
    uint64_t received_ms;
    struct refusal why;
};

/* Commits the longest valid prefix of `submissions`: from the first refusal on, the rest are BUSY
 * ("not tried"), except that a resubmission is not a refusal. `results` has `count` places. The
 * stamp is max(now_ms, last stamp). */
struct submit_job {
    struct job job;
    const struct log *log;
    struct submission *submissions; /* prepared; borrowed */
    struct submit_result *results;  /* filled */
    size_t count;
    uint64_t now_ms;
    uint8_t *memory; /* room for the stamped entries: sum of (note + 32) over all; borrowed until
                        finish */
    size_t memory_cap;
    uint64_t committed; /* out: the log's size after this job */
    void (*done)(struct submit_job *job, enum status batch_status);
};
void submit_job_init(struct submit_job *job);

/* Appends raw entries to an opaque log. */
struct append_job {
    struct job job;
    const struct log *log;
    const struct bytes *entries; /* borrowed until finish */
    size_t count;
    uint64_t first;     /* out: index of entries[0] */
    uint64_t committed; /* out */
    void (*done)(struct append_job *job, enum status batch_status);
};
void append_job_init(struct append_job *job);

/* --- candidates --- */

struct head {
    uint64_t size;
    struct hash root;
    size_t note_len;
    uint8_t
        note[CHECKPOINT_TEXT_MAX + 1 + 3 + NAME_SIZE_MAX + 1 + 92 + 1]; /* the signed checkpoint */
};
/* The last signed head. NOT_FOUND: none was ever signed. */
enum status sequencer_head(struct store_txn *txn, const struct log *log, struct head *out) MUST_USE;

/* Signs the checkpoint of all that is committed, if the signed head still is of size `expected` (0:
 * none). The note leaves through `head` after it is durable. CONFLICT_HEAD otherwise. */
struct cut_job {
    struct job job;
    const struct log *log;
    const struct signer *signer;
    uint64_t expected;
    struct bytes known; /* the head's note, if this process made or verified it: what is stored is
                           then compared with it, else its signature is verified. May be empty;
                           borrowed until done */
    struct head head;   /* out */
    void (*done)(struct cut_job *job, enum status batch_status);
};
void cut_job_init(struct cut_job *job);

/* --- publishing --- */

/* Persists a checkpoint with its quorum's cosignatures. CONFLICT_SIZE: a larger one is published.
 * Another of the latest size is served from then on, but what the quorum signed first is what
 * receipts use. Kept for ever: the first and the last of each half hour of quorum time, and those
 * between that the confirmed time of an event hangs on. */
struct publish_job {
    struct job job;
    const struct log *log;
    uint64_t size;
    uint64_t quorum_time; /* seconds */
    struct bytes note;    /* borrowed until finish */
    void (*done)(struct publish_job *job, enum status batch_status);
};
void publish_job_init(struct publish_job *job);

struct published {
    uint64_t size;
    uint64_t quorum_time; /* seconds, at most COSIGN_TIME_MAX */
    uint64_t fall;        /* publish.c's; of kept ones */
    struct bytes note;    /* borrowed from the transaction */
};
/* The latest published checkpoint. NOT_FOUND. */
enum status sequencer_published(struct store_txn *txn, uint32_t log,
                                struct published *out) MUST_USE;
/* The largest kept one of at most this size, as first published. NOT_FOUND. */
enum status sequencer_published_at_most(struct store_txn *txn, uint32_t log, uint64_t size,
                                        struct published *out) MUST_USE;
/* The smallest kept one whose size is above `index`, as first published. NOT_FOUND. The next larger
 * one is the one that covers entry `size`. */
enum status sequencer_published_covering(struct store_txn *txn, uint32_t log, uint64_t index,
                                         struct published *out) MUST_USE;

/* The one that confirms the time of entry `index` for who names `size` (above `index`; UINT64_MAX:
 * all that are kept): of the kept ones that cover the entry, up to the first of at least that size,
 * the one with the least quorum time; of several the smallest. NOT_FOUND: none covers it. */
enum status sequencer_published_confirming(struct store_txn *txn, uint32_t log, uint64_t index,
                                           uint64_t size, struct published *out) MUST_USE;

/* --- receipts --- */

/* Writes the receipt of the event of (issuer, seq) at the kept checkpoint that confirms its time
 * (design G7) for who names `size` of the log; UINT64_MAX: by all that are kept. NOT_FOUND: no such
 * event, or no published checkpoint covers it yet
 * (`pending` tells which, with the index). TOO_LARGE: no room in `w`. */
enum status sequencer_receipt(struct store_txn *txn, const struct log *log, struct bytes issuer,
                              uint64_t seq, uint64_t size, struct writer *w, bool *pending,
                              uint64_t *index, struct refusal *why) MUST_USE;
/* One tlog-proof of an entry at a published checkpoint, for opaque logs and for --split. */
enum status sequencer_proof(struct store_txn *txn, const struct log *log, uint64_t index,
                            struct bytes extra, const struct published *at,
                            struct writer *w) MUST_USE;

#endif
