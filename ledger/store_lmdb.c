/* Happy path: begin takes a pooled reader or LMDB's writer lock; every operation moves the one
 * cursor of the transaction; commit writes the dirty pages, fdatasyncs, then writes the meta page
 * through an O_DSYNC descriptor.
 *
 * Failure modes:
 *   - put fails: LMDB marks the transaction broken; we remember why and commit returns that;
 *   - commit fails before the meta page: nothing is there, FULL or STORE_FAILED;
 *   - commit fails with an I/O error, or at the meta page: STORE_DOUBT, for ever;
 *   - all reader slots taken: dead processes' slots are freed, else BUSY. */
#include "ledger/store_lmdb_parts.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#define REAP_READERS_EVERY 1024 /* write transactions */
/* LMDB calls a short write EIO, and a disk that fills up writes short. With less than this left, an
 * EIO before the meta page is taken for the full disk that it is. */
#define NEARLY_FULL_BYTES ((uint64_t)4 << 20)

static struct lmdb_store *of(struct store *store) {
    return (struct lmdb_store *)store;
}

static struct lmdb_txn *of_txn(struct store_txn *txn) {
    return (struct lmdb_txn *)txn;
}

static MDB_val val_of(struct bytes b) {
    union {
        const void *in;
        void *out;
    } data = {.in = b.data}; /* LMDB takes void * and does not write through it */
    return (MDB_val){.mv_size = b.len, .mv_data = data.out};
}

static struct bytes bytes_from(const MDB_val *v) {
    return (struct bytes){.data = v->mv_data, .len = v->mv_size};
}

enum status lmdb_status_of(int rc) {
    switch (rc) {
    case MDB_SUCCESS:
        return STATUS_OK;
    case MDB_NOTFOUND:
        return STATUS_NOT_FOUND;
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return STATUS_FULL;
    case MDB_READERS_FULL:
        return STATUS_BUSY;
    case ENOMEM:
        return STATUS_NOMEM;
    case MDB_PAGE_NOTFOUND:
    case MDB_CORRUPTED:
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
        return STATUS_STORE_CORRUPT;
    case MDB_PANIC:
        return STATUS_STORE_DOUBT;
    default:
        return STATUS_STORE_FAILED;
    }
}

/* --- beginning and ending --- */

static enum status begin_reader(struct lmdb_store *s, struct store_txn **out) {
    pthread_mutex_lock(&s->mutex);
    struct lmdb_txn *t = s->idle;
    if (t != NULL) {
        s->idle = t->next;
    }
    pthread_mutex_unlock(&s->mutex);
    int rc;
    if (t != NULL) {
        rc = mdb_txn_renew(t->txn);
        if (rc == MDB_SUCCESS) {
            rc = mdb_cursor_renew(t->txn, t->cursor);
        }
        if (rc != MDB_SUCCESS) {
            goto err_after_cursor;
        }
    } else {
        t = calloc(1, sizeof *t);
        if (t == NULL) {
            return STATUS_NOMEM;
        }
        t->base = (struct store_txn){.store = &s->base, .mode = STORE_READ};
        rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &t->txn);
        if (rc == MDB_READERS_FULL) {
            int dead = 0;
            rc = mdb_reader_check(s->env, &dead);
            rc = rc != MDB_SUCCESS ? rc : mdb_txn_begin(s->env, NULL, MDB_RDONLY, &t->txn);
        }
        if (rc != MDB_SUCCESS) {
            goto err_after_alloc;
        }
        rc = mdb_cursor_open(t->txn, s->dbi, &t->cursor);
        if (rc != MDB_SUCCESS) {
            goto err_after_txn;
        }
    }
    pthread_mutex_lock(&s->mutex);
    s->readers++;
    pthread_mutex_unlock(&s->mutex);
    *out = &t->base;
    return STATUS_OK;

err_after_cursor:
    mdb_cursor_close(t->cursor);
err_after_txn:
    mdb_txn_abort(t->txn);
err_after_alloc:
    free(t);
    return lmdb_status_of(rc);
}

static void end_reader(struct lmdb_store *s, struct lmdb_txn *t) {
    mdb_txn_reset(t->txn);
    pthread_mutex_lock(&s->mutex);
    assert(s->readers > 0);
    s->readers--;
    t->next = s->idle;
    s->idle = t;
    pthread_mutex_unlock(&s->mutex);
}

static enum status begin_writer(struct lmdb_store *s, struct store_txn **out) {
    assert(!s->read_only);
    pthread_mutex_lock(&s->mutex);
    /* A second write transaction in the same thread would wait for itself. */
    assert(!s->writing || !pthread_equal(s->writer, pthread_self()));
    pthread_mutex_unlock(&s->mutex);
    MDB_txn *txn = NULL;
    int rc = mdb_txn_begin(s->env, NULL, 0, &txn);
    if (rc != MDB_SUCCESS) {
        return lmdb_status_of(rc);
    }
    /* It may have waited for a commit that ended in doubt. */
    if (atomic_load(&s->doubted)) {
        mdb_txn_abort(txn);
        return STATUS_STORE_DOUBT;
    }
    struct lmdb_txn *t = &s->write;
    *t = (struct lmdb_txn){.base = {.store = &s->base, .mode = STORE_WRITE}, .txn = txn};
    rc = mdb_cursor_open(txn, s->dbi, &t->cursor);
    if (rc != MDB_SUCCESS) {
        mdb_txn_abort(txn);
        return lmdb_status_of(rc);
    }
    /* A tool that was killed while it read would hold its pages for ever. */
    if (++s->writes % REAP_READERS_EVERY == 0) {
        int dead = 0;
        (void)mdb_reader_check(s->env, &dead);
    }
    pthread_mutex_lock(&s->mutex);
    s->writing = true;
    s->writer = pthread_self();
    pthread_mutex_unlock(&s->mutex);
    *out = &t->base;
    return STATUS_OK;
}

/* To be called while LMDB's writer lock is still held: after it, `s->write` is the next one's. */
static void writer_ends(struct lmdb_store *s) {
    pthread_mutex_lock(&s->mutex);
    assert(s->writing && pthread_equal(s->writer, pthread_self()));
    s->writing = false;
    pthread_mutex_unlock(&s->mutex);
}

static enum status lmdb_begin(struct store *store, enum store_mode mode, struct store_txn **txn) {
    struct lmdb_store *s = of(store);
    if (atomic_load(&s->doubted)) {
        return STATUS_STORE_DOUBT;
    }
    return mode == STORE_WRITE ? begin_writer(s, txn) : begin_reader(s, txn);
}

static void lmdb_abort(struct store_txn *txn) {
    struct lmdb_store *s = of(txn->store);
    struct lmdb_txn *t = of_txn(txn);
    if (txn->mode == STORE_READ) {
        end_reader(s, t);
        return;
    }
    writer_ends(s);
    MDB_txn *mdb = t->txn;
    mdb_cursor_close(t->cursor);
    mdb_txn_abort(mdb);
}

static bool disk_nearly_full(const struct lmdb_store *s) {
    int fd = -1;
    struct statvfs fs;
    return mdb_env_get_fd(s->env, &fd) == MDB_SUCCESS && fstatvfs(fd, &fs) == 0 &&
           (uint64_t)fs.f_bavail * fs.f_frsize < NEARLY_FULL_BYTES;
}

/* True if LMDB itself gave up: the meta page may or may not have reached the disk. It then refuses
 * every further write transaction. */
static bool meta_page_in_doubt(const struct lmdb_store *s) {
    MDB_txn *probe = NULL;
    if (mdb_txn_begin(s->env, NULL, 0, &probe) != MDB_SUCCESS) {
        return true;
    }
    mdb_txn_abort(probe);
    return false;
}

/* What a failed commit left behind. LMDB writes data pages, fdatasyncs, then writes the meta page;
 * whatever fails before the meta page leaves the last commit in force, since nothing that it
 * references was overwritten. An I/O error is doubted all the same, unless it is a short write. */
static enum status commit_failed(struct lmdb_store *s, int rc) {
    enum status status = lmdb_status_of(rc);
    bool short_write = rc == EIO && disk_nearly_full(s);
    if (meta_page_in_doubt(s) || (rc == EIO && !short_write)) {
        atomic_store(&s->doubted, true);
        return STATUS_STORE_DOUBT;
    }
    return short_write ? STATUS_FULL : status;
}

static enum status lmdb_commit(struct store_txn *txn) {
    struct lmdb_store *s = of(txn->store);
    struct lmdb_txn *t = of_txn(txn);
    if (t->failed != STATUS_OK) {
        enum status status = t->failed;
        lmdb_abort(txn);
        return status;
    }
    writer_ends(s);
    MDB_txn *mdb = t->txn;
    mdb_cursor_close(t->cursor);
    int rc = mdb_txn_commit(mdb);
    return rc == MDB_SUCCESS ? STATUS_OK : commit_failed(s, rc);
}

/* --- reading and writing --- */

static enum status lmdb_get(struct store_txn *txn, struct bytes key, struct bytes *value) {
    MDB_val k = val_of(key), v;
    int rc = mdb_cursor_get(of_txn(txn)->cursor, &k, &v, MDB_SET_KEY);
    if (rc != MDB_SUCCESS) {
        return lmdb_status_of(rc);
    }
    *value = bytes_from(&v);
    return STATUS_OK;
}

/* Remembers the first failed change, so that commit refuses. */
static enum status changed(struct lmdb_txn *t, int rc) {
    enum status status = lmdb_status_of(rc);
    if (status != STATUS_OK && t->failed == STATUS_OK) {
        t->failed = status;
    }
    return status;
}

static enum status lmdb_put(struct store_txn *txn, struct bytes key, struct bytes value) {
    MDB_val k = val_of(key), v = val_of(value);
    return changed(of_txn(txn), mdb_cursor_put(of_txn(txn)->cursor, &k, &v, 0));
}

static enum status lmdb_reserve(struct store_txn *txn, struct bytes key, size_t len,
                                uint8_t **value) {
    MDB_val k = val_of(key), v = {.mv_size = len, .mv_data = NULL};
    TRY(changed(of_txn(txn), mdb_cursor_put(of_txn(txn)->cursor, &k, &v, MDB_RESERVE)));
    *value = v.mv_data;
    return STATUS_OK;
}

static enum status lmdb_remove(struct store_txn *txn, struct bytes key) {
    MDB_val k = val_of(key), v;
    int rc = mdb_cursor_get(of_txn(txn)->cursor, &k, &v, MDB_SET_KEY);
    if (rc == MDB_NOTFOUND) {
        return STATUS_NOT_FOUND;
    }
    return changed(of_txn(txn), rc != MDB_SUCCESS ? rc : mdb_cursor_del(of_txn(txn)->cursor, 0));
}

static enum status lmdb_seek(struct store_txn *txn, struct bytes from, struct bytes *key,
                             struct bytes *value) {
    MDB_val k = val_of(from), v;
    int rc = mdb_cursor_get(of_txn(txn)->cursor, &k, &v, from.len == 0 ? MDB_FIRST : MDB_SET_RANGE);
    if (rc != MDB_SUCCESS) {
        return lmdb_status_of(rc);
    }
    *key = bytes_from(&k);
    *value = bytes_from(&v);
    return STATUS_OK;
}

static enum status lmdb_seek_back(struct store_txn *txn, struct bytes from, struct bytes *key,
                                  struct bytes *value) {
    MDB_cursor *cursor = of_txn(txn)->cursor;
    MDB_val k = val_of(from), v;
    int rc = mdb_cursor_get(cursor, &k, &v, MDB_SET_RANGE);
    if (rc == MDB_NOTFOUND) {
        rc = mdb_cursor_get(cursor, &k, &v, MDB_LAST);
    } else if (rc == MDB_SUCCESS && !bytes_equal(bytes_from(&k), from)) {
        rc = mdb_cursor_get(cursor, &k, &v, MDB_PREV);
    }
    if (rc != MDB_SUCCESS) {
        return lmdb_status_of(rc);
    }
    *key = bytes_from(&k);
    *value = bytes_from(&v);
    return STATUS_OK;
}

const struct store_ops lmdb_ops = {
    .begin = lmdb_begin,
    .get = lmdb_get,
    .put = lmdb_put,
    .reserve = lmdb_reserve,
    .remove = lmdb_remove,
    .seek = lmdb_seek,
    .seek_back = lmdb_seek_back,
    .commit = lmdb_commit,
    .abort = lmdb_abort,
};
