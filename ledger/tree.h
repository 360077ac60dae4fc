/* The stored Merkle tree of one log: its entries, hashes and bundles, in the store. Own and
 * mirrored logs use the same.
 *
 * Layout (specs/storage.md, ledger/tree_layout.h): a full block of 256 entries is one value, its
 * leaf hashes and then the entry bundle as it is served; the unfinished block is a row of such
 * pieces, one per flush; tiles of level 1 and up are one value each, growing by a hash per finished
 * tile below. Partial tiles are computed, never stored.
 *
 * Appending: tree_load, any number of tree_append, tree_flush, all in one write transaction.
 * Entries of a block that finishes within the batch are written once, with their block. Reading
 * works in any transaction and sees what was flushed; what does not fit together is STORE_CORRUPT.
 */
#ifndef DUTYLOG_LEDGER_TREE_H
#define DUTYLOG_LEDGER_TREE_H

#include "ledger/merkle.h"
#include "ledger/store.h"
#include "ledger/tile.h"

struct tree_head {
    uint64_t size;
    struct hash root;
};

/* A tree being appended to. Caller-owned; plain data; about 14 KiB. `leaves` and `entries` have one
 * slot per entry of the unfinished block and are set for those not yet flushed. */
struct tree {
    uint32_t log;
    struct merkle_frontier frontier;  /* over all leaves, appended ones included */
    uint64_t flushed;                 /* size in the store */
    uint32_t stored_bytes;            /* of the unfinished block's bundles in the store */
    uint32_t new_bytes;               /* of the bundle of `entries` */
    struct hash leaves[TILE_WIDTH];   /* their hashes */
    struct bytes entries[TILE_WIDTH]; /* borrowed from the caller */
};

/* Reads the head, in one read; a log never appended to has size 0. STORE_CORRUPT if its root is not
 * that of its frontier, or there are entries without a head. */
enum status tree_load(struct store_txn *txn, uint32_t log, struct tree *out) MUST_USE;
/* Appends one entry at index tree->frontier.size. The entry bytes are borrowed until tree_flush. A
 * finished block is written at once. `leaf` may be NULL or give the leaf hash when already known.
 * TOO_LARGE: over ENTRY_SIZE_MAX, and nothing was appended. After any other failure the tree is of
 * no more use and the transaction must be aborted. STORE_CORRUPT: what the store gave back of the
 * unfinished block, or of a tile, does not hash to what was appended. */
enum status tree_append(struct tree *tree, struct store_txn *txn, struct bytes entry,
                        const struct hash *leaf) MUST_USE;
/* Writes what is not yet written, and the head. */
enum status tree_flush(struct tree *tree, struct store_txn *txn) MUST_USE;

/* Size and root as flushed. Never NOT_FOUND: a log never appended to has size 0. */
enum status tree_read_head(struct store_txn *txn, uint32_t log, struct tree_head *out) MUST_USE;

/* All that follows answers NOT_FOUND for what lies beyond the tree, a `size` larger than the tree's
 * among it. */

/* The root of the first `size` entries. */
enum status tree_root_at(struct store_txn *txn, uint32_t log, uint64_t size,
                         struct hash *root) MUST_USE;
/* An entry, borrowed from the transaction. */
enum status tree_entry(struct store_txn *txn, uint32_t log, uint64_t index,
                       struct bytes *entry) MUST_USE;
/* Calls back for each entry of [from, to), reading each block once; stops at the first status that
 * is not OK. Entries are borrowed from the transaction, `leaf` for the call; the callback must not
 * write in the transaction. The leaf hash is the stored one, not recomputed. */
typedef enum status (*tree_visit)(void *context, uint64_t index, struct bytes entry,
                                  const struct hash *leaf);
enum status tree_walk(struct store_txn *txn, uint32_t log, uint64_t from, uint64_t to,
                      tree_visit visit, void *context) MUST_USE;
/* Reads the hashes of a plan's nodes, all within the first `size` entries; `out` has room for
 * plan->count. The proofs below ask of their numbers what ledger/merkle.h asks, by assertion. */
enum status tree_read_plan(struct store_txn *txn, uint32_t log, uint64_t size,
                           const struct merkle_plan *plan, struct hash *out) MUST_USE;
enum status tree_inclusion(struct store_txn *txn, uint32_t log, uint64_t index, uint64_t size,
                           struct merkle_proof *proof) MUST_USE;
/* Several entries' proofs at one size, for little more than one. `proofs` has room for `count`. */
enum status tree_inclusions(struct store_txn *txn, uint32_t log, const uint64_t *indexes,
                            size_t count, uint64_t size, struct merkle_proof *proofs) MUST_USE;
enum status tree_consistency(struct store_txn *txn, uint32_t log, uint64_t old_size,
                             uint64_t new_size, struct merkle_proof *proof) MUST_USE;
enum status tree_subtree(struct store_txn *txn, uint32_t log, uint64_t start, uint64_t end,
                         uint64_t size, struct merkle_proof *proof) MUST_USE;
enum status tree_subproof(struct store_txn *txn, uint32_t log, uint64_t m, uint64_t n,
                          struct merkle_proof *proof) MUST_USE;
/* Writes the hashes of a tile (width * 32 bytes) or a bundle; its width must exist in the first
 * `size` entries. TOO_LARGE: `w` has no room. */
enum status tree_tile(struct store_txn *txn, uint32_t log, const struct tile *tile, uint64_t size,
                      struct writer *w) MUST_USE;
/* The same without copying where the bytes stand together in the store: borrowed from the
 * transaction. NOT_FOUND: absent, or of the unfinished block, where tree_tile is the way. */
enum status tree_tile_borrow(struct store_txn *txn, uint32_t log, const struct tile *tile,
                             uint64_t size, struct bytes *out) MUST_USE;

#endif
