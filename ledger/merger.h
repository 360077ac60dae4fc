/* Which agencies are one, since one became part of another (specs/standing.md#mergers): rows of
 * accepted agency.merged, found from either side. What an agency is called, and what it became on
 * which day, is ledger/agency.h's. */
#ifndef DUTYLOG_LEDGER_MERGER_H
#define DUTYLOG_LEDGER_MERGER_H

#include "ledger/event.h"
#include "ledger/store.h"

struct merger {
    uint8_t other[ORI_SIZE]; /* with which the agency asked for is one */
    uint32_t log;            /* where the agency.merged stands */
    uint64_t index;
    uint32_t role; /* of its signer: root or post */
};

/* Writes both rows of an accepted agency.merged. Write transaction. */
enum status merger_put(struct store_txn *txn, uint32_t log, const struct event *event,
                       uint32_t role, uint64_t index) MUST_USE;

#define MERGER_ROWS_MAX 256 /* of one agency in one log, so many are looked at */

/* Which of them count; may read the store. */
struct merger_sources {
    enum status (*counts)(void *context, const uint8_t ori[ORI_SIZE], const struct merger *merger,
                          bool *out);
    void *context;
};
/* Adds to `oris`, which begins with `*count` agencies, those joined to them by mergers that count,
 * the nearest first, then bytewise; at most `max` in all. */
enum status merger_join(struct store_txn *txn, const struct merger_sources *sources, size_t max,
                        uint8_t oris[][ORI_SIZE], size_t *count) MUST_USE;

#endif
