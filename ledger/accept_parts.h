/* What the files of acceptance share: submission.c (runs anywhere), accept_check.c and
 * accept_kind.c (in order, read only), accept_apply.c (in order, writes), sequence.c (the index of
 * issuers' events). */
#ifndef DUTYLOG_LEDGER_ACCEPT_PARTS_H
#define DUTYLOG_LEDGER_ACCEPT_PARTS_H

#include "ledger/issuer.h"

/* --- keys --- */

/* The key of each signature line. DENIED_KEY: one is not known. */
enum status accept_find_keys(struct store_txn *txn, const struct log *log,
                             const struct event *event, struct vkey keys[EVENT_SIGNATURES_MAX],
                             struct refusal *why) MUST_USE;
/* Verifies every line, the evidence in a fork.observed, and the checkpoints in a
 * log.succeeded. DENIED_KEY: a line with another key's
 * ID; DENIED_SIGNATURE; BAD_MEMBER: evidence that does not prove what the event says. */
enum status accept_verify(const struct event *event, const struct vkey *keys,
                          struct refusal *why) MUST_USE;

/* Does the evidence in a fork.observed prove what the event says? Decided by its bytes alone, and
 * bounded: at most EVIDENCE_LINES_MAX signatures are verified, a few times each. BAD_MEMBER. */
#define EVIDENCE_LINES_MAX 8
enum status accept_verify_evidence(const struct event *event, struct refusal *why) MUST_USE;

/* --- a check under way --- */

struct check {
    struct store_txn *txn;
    const struct log *log;
    const struct event *event;
    uint64_t index; /* that the entry would get */
    uint64_t stamp_ms;
    struct rules rules; /* in force */
    struct issuer issuer;
    struct refusal *why;
};
/* What the kind asks beyond what all kinds do: of the registry, of policies, of references. */
enum status accept_check_kind(struct check *c) MUST_USE;

/* A fresh key: under a name of its own, and not the log's. BAD_MEMBER. */
enum status accept_check_fresh(struct check *c, const struct issuer *fresh) MUST_USE;

/* --- roots (roots.c) --- */

/* May the root.replaced take effect? Its lines were checked. BAD_MEMBER. */
enum status accept_check_replacement(struct check *c) MUST_USE;
/* It does: one root signs nothing more, and the other is one from now on. */
enum status accept_replace_root(struct store_txn *txn, const struct log *log,
                                const struct event *event, uint64_t index,
                                uint64_t stamp_ms) MUST_USE;

/* --- the index of events --- */

struct sequence_row {
    uint64_t index;
    struct hash id;
    enum kind_id kind;
    bool has_body;
    struct hash body;
};
/* NOT_FOUND. */
enum status sequence_get(struct store_txn *txn, uint32_t log, uint32_t issuer, uint64_t seq,
                         struct sequence_row *out) MUST_USE;
enum status sequence_put(struct store_txn *txn, uint32_t log, uint32_t issuer, uint64_t seq,
                         const struct sequence_row *row) MUST_USE;

#endif
