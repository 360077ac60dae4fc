/* Two receipts of one log, held against each other: do they contradict, and whom do they accuse? */
#ifndef DUTYLOG_LEDGER_RECEIPT_COMPARE_H
#define DUTYLOG_LEDGER_RECEIPT_COMPARE_H

#include "ledger/evidence.h"
#include "ledger/receipt.h"

/* Looks through every pair of items for evidence against one of the keys, tried in their order: of
 * their checkpoints (a) and (d), of their entries (c). OK: `w` has the file and `accused` whom it
 * accuses; NOT_FOUND: what the two show excludes nothing. The receipts need not verify. */
enum status receipt_compare(const struct receipt *one, const struct receipt *two,
                            const struct vkey *keys, size_t key_count, struct vkey *accused,
                            struct writer *w) MUST_USE;

#endif
