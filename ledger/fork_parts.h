/* What fork.c (what comes of a suspicious checkpoint), fork_keep.c (what is kept) and view.c (what
 * others serve) share. */
#ifndef DUTYLOG_LEDGER_FORK_PARTS_H
#define DUTYLOG_LEDGER_FORK_PARTS_H

#include "ledger/fork.h"
#include "ledger/mirror_parts.h"
#include "ledger/schema.h"

/* A signed checkpoint under suspicion, reduced to its text and the log's signature line. */
struct suspect {
    struct checkpoint checkpoint; /* borrows from the note as given */
    uint8_t memory[CHECKPOINT_SIZE_MAX];
    struct bytes note;
};
/* Parses, and verifies the log's signature. BAD_FORM, BAD_LOG, DENIED_SIGNATURE. */
enum status fork_read_suspect(const struct log *log, struct bytes bytes,
                              struct suspect *out) MUST_USE;

/* By the text, so that other signature lines make no other record. */
struct key fork_unreconciled_key(const struct log *log, const struct suspect *suspect);
/* `fresh`: it was not there. BUSY. */
enum status fork_keep_suspect(struct store_txn *txn, const struct log *log,
                              const struct suspect *suspect, bool *fresh) MUST_USE;

#endif
