/* What a receipt cannot show, and all entries of its log do (specs/event.md, "Reading the log for a
 * receipt"): that the log's rules admit what the receipt rests on, which log.policy was in force,
 * and whether a key of its chain was revoked.
 *
 * Reads a store in which the log was judged from entry 0 on (ledger/accept.h); who filled it is the
 * caller's to say, and that its entries are those of the receipt's tree. Pure but for the store. */
#ifndef DUTYLOG_LEDGER_VERIFY_LOG_H
#define DUTYLOG_LEDGER_VERIFY_LOG_H

#include "ledger/revocation.h"
#include "ledger/verify.h"

/* A revocation that binds a key of the chain, after what that key signed of the receipt. */
struct verify_revocation {
    size_t link; /* of the report's chain: whose key */
    uint64_t index;
    enum revocation_reason reason;
    uint64_t since_ms; /* 0: no such day is named */
    bool doubts;       /* what the key signed of the receipt: a root says that it was stolen then */
    bool disowns;      /* the same by its enroller, no root: that leaves in force what it signed */
};

/* As many as one key may have in one log by one revoker, for each key of a chain. */
#define VERIFY_REVOCATIONS_MAX (VERIFY_CHAIN_MAX * REVOCATIONS_BY_ONE_MAX)

struct verify_log {
    uint64_t size;          /* how many entries were looked at */
    uint64_t policy;        /* index of the log.policy in force at the receipt's size */
    uint64_t newest_policy; /* the same at the size looked at */
    struct verify_revocation revocations[VERIFY_REVOCATIONS_MAX]; /* by link, then index */
    size_t revocation_count;
    bool more; /* than have room here */
};

/* `report` is of a good receipt, and the log is judged up to `size`, which is no smaller than any
 * checkpoint of the receipt. DENIED_KEY: a key of the chain was revoked before it signed its item.
 * An item that the log's rules do not admit: the status of its verdict. `why` names the entry.
 * STORE_*. */
enum status verify_log(struct store_txn *txn, uint32_t log, uint64_t size,
                       const struct verify_report *report, struct verify_log *out,
                       struct refusal *why) MUST_USE;

#endif
