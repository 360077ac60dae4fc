/* What keeps published checkpoints (publish.c), for those who keep another log's (kept.c). */
#ifndef DUTYLOG_LEDGER_PUBLISH_PARTS_H
#define DUTYLOG_LEDGER_PUBLISH_PARTS_H

#include "ledger/sequencer.h"

/* Keeps one that is larger than all that are kept, and drops the last before it unless it was the
 * first of its half hour, or an event would be confirmed at another time without it. Asserts the
 * order. */
enum status publish_keep(struct store_txn *txn, uint32_t log,
                         const struct published *next) MUST_USE;

#endif
