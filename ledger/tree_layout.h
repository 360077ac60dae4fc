/* How a log's tree lies in the store; shared by what appends (tree.c), what reads (tree_read.c) and
 * what re-checks (store_check.c), and by nobody else.
 *
 * Vocabulary: a *block* is 256 entries, those of one level-0 tile. A *piece* is a run of entries
 * within one block, stored as one value:
 *
 *     u8 count - 1 | count leaf hashes | the entry bundle of these entries
 *
 * A finished block is one piece of 256 in TABLE_BLOCK; the unfinished block is a row of pieces in
 * TABLE_ENTRY, one per flush, each under the index of its first entry. */
#ifndef DUTYLOG_LEDGER_TREE_LAYOUT_H
#define DUTYLOG_LEDGER_TREE_LAYOUT_H

#include "ledger/schema.h"
#include "ledger/tree.h"

struct piece {
    uint64_t first; /* index of its first entry */
    unsigned count; /* 1 to 256 */
    struct bytes hashes;
    struct bytes bundle; /* not looked into */
};

/* Size of the value of a piece. */
size_t piece_size(unsigned count, size_t bundle_len);
/* Splits a value; views borrow from it. STORE_CORRUPT unless the count and hashes are there and the
 * piece stays within its block. */
enum status piece_parse(struct bytes value, uint64_t first, struct piece *out) MUST_USE;
/* The piece that holds entry `index`; borrowed from the transaction. NOT_FOUND, STORE_CORRUPT. */
enum status piece_find(struct store_txn *txn, uint32_t log, uint64_t index,
                       struct piece *out) MUST_USE;
/* The same, in TABLE_ENTRY alone. */
enum status piece_find_unfinished(struct store_txn *txn, uint32_t log, uint64_t index,
                                  struct piece *out) MUST_USE;

struct key tile_key(uint32_t log, unsigned level, uint64_t index);

/* The value of TABLE_TREE: u64 size | u32 bytes of the bundles of the unfinished block's pieces |
 * the root | the frontier's nodes. The root is redundant: it shows a damaged frontier. */
#define TREE_ROW_MAX (8 + 4 + HASH_SIZE + 64 * HASH_SIZE)
struct tree_row {
    struct merkle_frontier frontier;
    uint32_t unfinished_bytes;
    struct hash root;
};
enum status tree_row_parse(struct bytes value, struct tree_row *out) MUST_USE;
void tree_row_format(struct writer *w, const struct tree_row *row);

#endif
