/* The store: an ordered key-value map with transactions. Two implementations, held to one
 * conformance suite (tests/ledger/test_store.c): LMDB (ledger/store_lmdb.h) and the simulator's
 * (ledger/store_memory.h).
 *
 * Rules that both keep: one write transaction at a time, and it belongs to the thread that began
 * it; readers see the last commit before they began and block nobody; a value handed out lives
 * until the transaction ends or, in a write transaction, until its next put or delete; commit is
 * durable when it returns STATUS_OK. STORE_FAILED and FULL from commit mean that nothing of it is
 * there; STORE_DOUBT that it may or may not be durable, after which the store refuses everything.
 * After a failed put, reserve or remove (NOT_FOUND aside) the transaction cannot be committed.
 *
 * Keys: 1 to STORE_KEY_MAX bytes, ordered as memcmp does, a prefix first. Values: 0 to 2^31 - 1
 * bytes. */
#ifndef DUTYLOG_LEDGER_STORE_H
#define DUTYLOG_LEDGER_STORE_H

#include "ledger/bytes.h"

#define STORE_KEY_MAX 500
#define STORE_VALUE_MAX ((size_t)0x7fffffff)

struct store;
struct store_txn;

enum store_mode { STORE_READ, STORE_WRITE };

/* What an implementation provides; every transaction starts with `struct store_txn`. */
struct store_ops {
    enum status (*begin)(struct store *store, enum store_mode mode, struct store_txn **txn);
    enum status (*get)(struct store_txn *txn, struct bytes key, struct bytes *value);
    enum status (*put)(struct store_txn *txn, struct bytes key, struct bytes value);
    enum status (*reserve)(struct store_txn *txn, struct bytes key, size_t len, uint8_t **value);
    enum status (*remove)(struct store_txn *txn, struct bytes key);
    enum status (*seek)(struct store_txn *txn, struct bytes from, struct bytes *key,
                        struct bytes *value);
    enum status (*seek_back)(struct store_txn *txn, struct bytes from, struct bytes *key,
                             struct bytes *value);
    enum status (*commit)(struct store_txn *txn);
    void (*abort)(struct store_txn *txn);
};

struct store {
    const struct store_ops *ops;
};
struct store_txn {
    struct store *store;
    enum store_mode mode;
};

/* Begins; the caller ends it with commit or abort. BUSY: too many readers. */
enum status store_begin(struct store *store, enum store_mode mode, struct store_txn **txn) MUST_USE;
/* The value, borrowed (see above). NOT_FOUND. */
enum status store_get(struct store_txn *txn, struct bytes key, struct bytes *value) MUST_USE;
/* Copies both; neither may be a view that this transaction handed out. FULL: no room in the map or
 * on the disk. */
enum status store_put(struct store_txn *txn, struct bytes key, struct bytes value) MUST_USE;
/* As put, but gives `len` bytes of room, to be filled whole before the next put, reserve, remove or
 * commit. Reading calls may stand between, so that old values can be gathered into the new one. */
enum status store_reserve(struct store_txn *txn, struct bytes key, size_t len,
                          uint8_t **value) MUST_USE;
/* NOT_FOUND if it was not there. The key may not be a view that this transaction handed out. */
enum status store_remove(struct store_txn *txn, struct bytes key) MUST_USE;
/* The first pair whose key is >= `from` (an empty `from`: the first of all). NOT_FOUND: none.
 * Sequential calls, each from just after the last key, are cheap. */
enum status store_seek(struct store_txn *txn, struct bytes from, struct bytes *key,
                       struct bytes *value) MUST_USE;
/* The last pair whose key is <= `from`. NOT_FOUND: none, as always for an empty `from`. */
enum status store_seek_back(struct store_txn *txn, struct bytes from, struct bytes *key,
                            struct bytes *value) MUST_USE;
/* Ends the transaction in every case. See above for the two failures. */
enum status store_commit(struct store_txn *txn) MUST_USE;
/* Ends the transaction without a trace; for readers, the normal end. */
void store_abort(struct store_txn *txn);

#endif
