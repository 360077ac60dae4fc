/* What the two files of the LMDB store share: store_lmdb.c (transactions) and store_lmdb_open.c
 * (the folder, opening, closing). No other file includes lmdb.h. */
#ifndef DUTYLOG_LEDGER_STORE_LMDB_PARTS_H
#define DUTYLOG_LEDGER_STORE_LMDB_PARTS_H

#include "ledger/store_lmdb.h"

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>

struct lmdb_txn {
    struct store_txn base;
    MDB_txn *txn;
    MDB_cursor *cursor;
    enum status failed;    /* the first failed change; STATUS_OK if none */
    struct lmdb_txn *next; /* in the pool */
};

struct lmdb_store {
    struct store base;
    MDB_env *env;
    MDB_dbi dbi;
    int lock_fd; /* -1 for readers */
    bool read_only;
    uint64_t map_size;
    atomic_bool doubted;

    pthread_mutex_t mutex; /* guards what follows */
    struct lmdb_txn *idle; /* readers that were reset: a slot, no snapshot */
    unsigned readers;      /* readers in use */
    bool writing;
    pthread_t writer;

    struct lmdb_txn write; /* touched only by who holds LMDB's writer lock */
    unsigned writes;
};

extern const struct store_ops lmdb_ops;

/* Our name for what LMDB returned. */
enum status lmdb_status_of(int rc);

#endif
