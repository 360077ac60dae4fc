/* Offline re-verification of what the store holds (the core of `dutylog fsck`): every entry is
 * hashed again, every stored hash compared with the one it stands for, up to the head's root, and
 * no key is missing or in surplus. Signatures are checked by whoever owns them.
 *
 * Nothing stops at the first fault: each is a *finding*, one line. A status that is not OK means
 * that the store could not be read at all.
 *
 * Which check finds what: blocks tie entries to leaf hashes, and each block's root to the level-1
 * tile; the head ties the tiles to each other, the last, partial ones and the unfinished block to
 * the frontier, and the frontier to the root. Both together leave no stored byte of a tree
 * unchecked. Blocks may be shared out among threads by range, each with a transaction of its own;
 * finished blocks never change, so that later snapshots do. Keep a range short (a few thousand)
 * where a daemon writes meanwhile. */
#ifndef DUTYLOG_LEDGER_STORE_CHECK_H
#define DUTYLOG_LEDGER_STORE_CHECK_H

#include "ledger/store.h"

struct store_check_stats {
    uint64_t entries; /* hashed */
    uint64_t bytes;   /* of entries */
    uint64_t blocks;
    uint64_t tiles;
    uint64_t findings;
};

struct store_check {
    /* Called with each finding; `why->status` is STORE_CORRUPT. Borrowed for the call. */
    void (*finding)(void *context, const struct refusal *why);
    /* Called now and then with the entries checked so far in this `stats`; false ends the check
     * with STATUS_BUSY. May be NULL. */
    bool (*progress)(void *context, uint64_t entries);
    void *context;
    struct store_check_stats stats; /* added to; start with zeros */
};

/* Reports a finding; for other checkers too. */
void store_check_found(struct store_check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* One log's head, frontier, unfinished block, tiles and keys: all but its finished blocks. Gives
 * the tree's size; 0 if the head cannot be read. */
enum status store_check_head(struct store_check *check, struct store_txn *txn, uint32_t log,
                             uint64_t *size) MUST_USE;
/* The finished blocks [from, to) of a log whose tree has `size` entries; to <= size / 256. The
 * range that ends with the last block also looks for surplus ones after it. */
enum status store_check_blocks(struct store_check *check, struct store_txn *txn, uint32_t log,
                               uint64_t size, uint64_t from, uint64_t to) MUST_USE;
/* Both, whole, in one transaction. */
enum status store_check_tree(struct store_check *check, struct store_txn *txn,
                             uint32_t log) MUST_USE;

/* Keys of no known table, and keys of logs that nobody registered: `logs` are known, numbered from
 * 1. */
enum status store_check_strays(struct store_check *check, struct store_txn *txn,
                               uint32_t logs) MUST_USE;

#endif
