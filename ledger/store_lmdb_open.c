/* Opening takes the folder's lock, then opens LMDB, then commits once. Whatever fails is undone by
 * closing, and says what to do. */
#include "ledger/schema.h"
#include "ledger/store_lmdb_parts.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define MAP_SIZE_MIN ((uint64_t)64 << 20)

/* LMDB alone would let two processes write in turn, each signing over what the other appended. */
static enum status take_folder(struct lmdb_store *s, const char *folder, struct refusal *why) {
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        return refuse(why, STATUS_IO, "cannot make the data folder %s: %s", folder,
                      strerror(errno));
    }
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/in-use", folder);
    if (n < 0 || (size_t)n >= sizeof path) {
        return refuse(why, STATUS_IO, "the data folder's path is too long: shorten it");
    }
    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock_fd < 0) {
        return refuse(why, STATUS_IO, "cannot open %s: %s", path, strerror(errno));
    }
    if (flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0) {
        return STATUS_OK;
    }
    int error = errno;
    close(s->lock_fd);
    s->lock_fd = -1;
    if (error == EWOULDBLOCK) {
        return refuse(why, STATUS_STORE_IN_USE,
                      "the data folder %s is in use: stop the other process, or give each its own",
                      folder);
    }
    return refuse(why, STATUS_IO, "cannot lock %s: %s", path, strerror(error));
}

/* The default map leaves half of a limited address space to everything else. */
static uint64_t default_map_size(void) {
    uint64_t size = STORE_LMDB_MAP_DEFAULT;
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        while (size > limit.rlim_cur / 2 && size > MAP_SIZE_MIN) {
            size /= 2;
        }
    }
    return size;
}

static int open_env_once(struct lmdb_store *s, const char *folder,
                         const struct store_lmdb_options *options, uint64_t map_size) {
    int rc = mdb_env_create(&s->env);
    if (rc != MDB_SUCCESS) {
        s->env = NULL;
        return rc;
    }
    unsigned readers = options->max_readers ? options->max_readers : STORE_LMDB_READERS_DEFAULT;
    unsigned flags = MDB_NOTLS | (options->read_only ? MDB_RDONLY : 0) |
                     (options->no_meta_sync ? MDB_NOMETASYNC : 0) |
                     (options->no_sync ? MDB_NOSYNC : 0);
#ifdef DUTYLOG_UNSAFE_NO_SYNC /* for make power-bugs: power loss must find that nothing is synced  \
                               */
    flags |= MDB_NOSYNC;
#endif
#ifdef DUTYLOG_UNSAFE_NO_META_SYNC /* likewise: the last commit may be lost */
    flags |= MDB_NOMETASYNC;
#endif
    rc = mdb_env_set_maxreaders(s->env, readers);
    if (rc == MDB_SUCCESS) {
        rc = mdb_env_set_mapsize(s->env, map_size);
    }
    if (rc == MDB_SUCCESS) {
        rc = mdb_env_open(s->env, folder, flags, 0600);
    }
    if (rc != MDB_SUCCESS) {
        mdb_env_close(s->env); /* LMDB wants it even after a failed open */
        s->env = NULL;
    }
    return rc;
}

static enum status open_env(struct lmdb_store *s, const char *folder,
                            const struct store_lmdb_options *options, struct refusal *why) {
    uint64_t size = options->map_size != 0 ? options->map_size : default_map_size();
    int rc = open_env_once(s, folder, options, size);
    while (rc == ENOMEM && options->map_size == 0 && size > MAP_SIZE_MIN) {
        size /= 2; /* an address space smaller than its limit says, as under some sanitizers */
        rc = open_env_once(s, folder, options, size);
    }
    if (rc == ENOENT && options->read_only) {
        return refuse(why, STATUS_NOT_FOUND, "no store in %s: name a node's data folder", folder);
    }
    enum status status = lmdb_status_of(rc);
    if (status == STATUS_STORE_CORRUPT) {
        return refuse(why, status, "%s/data.mdb is not a store of this program: %s", folder,
                      mdb_strerror(rc));
    }
    if (status != STATUS_OK) {
        status = status == STATUS_STORE_FAILED ? STATUS_IO : status;
        return refuse(why, status, "cannot open the store in %s: %s", folder, mdb_strerror(rc));
    }
    s->map_size = size;
    int dead = 0;
    (void)mdb_reader_check(s->env, &dead);
    return STATUS_OK;
}

/* The handle of LMDB's one unnamed database; it outlives the transaction that opened it. */
static int open_dbi(struct lmdb_store *s) {
    MDB_txn *txn = NULL;
    int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);
    if (rc != MDB_SUCCESS) {
        return rc;
    }
    rc = mdb_dbi_open(txn, NULL, 0, &s->dbi);
    if (rc != MDB_SUCCESS) {
        mdb_txn_abort(txn);
        return rc;
    }
    return mdb_txn_commit(txn);
}

/* TABLE_META "store": u32 format, u64 times opened for writing. The first row of every store. */
#define META_SIZE 12

static struct key meta_key(void) {
    struct key key;
    key_start(&key, TABLE_META);
    key_bytes(&key, bytes_text("store"));
    return key;
}

/* How often the store was opened for writing; 0 if it is empty. STORE_CORRUPT: it is not ours. */
static enum status read_meta(struct store_txn *txn, uint64_t *opened) {
    struct key key = meta_key();
    struct bytes value, first;
    enum status status = store_get(txn, key_view(&key), &value);
    if (status == STATUS_NOT_FOUND) {
        *opened = 0;
        status = store_seek(txn, bytes_of(NULL, 0), &first, &value);
        return status == STATUS_OK          ? STATUS_STORE_CORRUPT
               : status == STATUS_NOT_FOUND ? STATUS_OK
                                            : status;
    }
    TRY(status);
    struct reader r;
    uint32_t format;
    reader_init(&r, value);
    if (!reader_u32(&r, &format) || format != STORE_FORMAT || !reader_u64(&r, opened) ||
        !reader_done(&r)) {
        return STATUS_STORE_CORRUPT;
    }
    return STATUS_OK;
}

/* The durable commit that every opening for writing begins with. */
static enum status write_meta(struct store *store) {
    struct store_txn *txn;
    uint64_t opened;
    TRY(store_begin(store, STORE_WRITE, &txn));
    enum status status = read_meta(txn, &opened);
    if (status == STATUS_OK) {
        uint8_t memory[META_SIZE];
        struct writer w;
        writer_init(&w, memory, sizeof memory);
        writer_u32(&w, STORE_FORMAT);
        writer_u64(&w, opened + 1);
        struct key key = meta_key();
        status = store_put(txn, key_view(&key), writer_view(&w));
    }
    if (status != STATUS_OK) {
        store_abort(txn);
        return status;
    }
    return store_commit(txn);
}

static enum status check_meta(struct store *store) {
    struct store_txn *txn;
    uint64_t opened;
    TRY(store_begin(store, STORE_READ, &txn));
    enum status status = read_meta(txn, &opened);
    store_abort(txn);
    return status == STATUS_OK && opened == 0 ? STATUS_NOT_FOUND : status;
}

static enum status open_meta(struct lmdb_store *s, const char *folder, struct refusal *why) {
    enum status status = s->read_only ? check_meta(&s->base) : write_meta(&s->base);
    if (status == STATUS_STORE_CORRUPT) {
        return refuse(why, status, "%s/data.mdb is not a store of this version: %s", folder,
                      "use the program that wrote it, or another folder");
    }
    if (status == STATUS_NOT_FOUND) {
        return refuse(why, status, "the store in %s is empty: name a node's data folder", folder);
    }
    if (status != STATUS_OK) {
        return refuse(why, status, "cannot use the store in %s: %s", folder, status_text(status));
    }
    return STATUS_OK;
}

enum status store_lmdb_open(const char *folder, const struct store_lmdb_options *options,
                            struct store **out, struct refusal *why) {
    static const struct store_lmdb_options defaults = {0};
    options = options != NULL ? options : &defaults;
    struct lmdb_store *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    s->base.ops = &lmdb_ops;
    s->lock_fd = -1;
    s->read_only = options->read_only;
    atomic_init(&s->doubted, false);
    int mutex_rc = pthread_mutex_init(&s->mutex, NULL);
    assert(mutex_rc == 0); /* a default mutex needs no resource on Linux */
    enum status status = STATUS_OK;
    if (!s->read_only) {
        status = take_folder(s, folder, why);
    }
    if (status == STATUS_OK) {
        status = open_env(s, folder, options, why);
    }
    if (status == STATUS_OK) {
        int rc = open_dbi(s);
        if (rc != MDB_SUCCESS) {
            status = refuse(why, lmdb_status_of(rc), "cannot read the store in %s: %s", folder,
                            mdb_strerror(rc));
        }
    }
    if (status == STATUS_OK) {
        status = open_meta(s, folder, why);
    }
    if (status != STATUS_OK) {
        store_lmdb_close(&s->base);
        return status;
    }
    *out = &s->base;
    return STATUS_OK;
}

void store_lmdb_close(struct store *store) {
    if (store == NULL) {
        return;
    }
    struct lmdb_store *s = (struct lmdb_store *)store;
    assert(s->readers == 0 && !s->writing);
    while (s->idle != NULL) {
        struct lmdb_txn *t = s->idle;
        s->idle = t->next;
        mdb_cursor_close(t->cursor);
        mdb_txn_abort(t->txn);
        free(t);
    }
    if (s->env != NULL) {
        mdb_env_close(s->env);
    }
    if (s->lock_fd >= 0) {
        close(s->lock_fd); /* and with it the lock */
    }
    pthread_mutex_destroy(&s->mutex);
    free(s);
}

enum status store_lmdb_used(struct store *store, uint64_t *used, uint64_t *free_bytes) {
    struct lmdb_store *s = (struct lmdb_store *)store;
    MDB_envinfo info;
    MDB_stat stat;
    int fd = -1;
    struct statvfs fs;
    if (mdb_env_info(s->env, &info) != MDB_SUCCESS || mdb_env_stat(s->env, &stat) != MDB_SUCCESS ||
        mdb_env_get_fd(s->env, &fd) != MDB_SUCCESS || fstatvfs(fd, &fs) != 0) {
        return STATUS_IO;
    }
    uint64_t in_use = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
    uint64_t in_map = s->map_size > in_use ? s->map_size - in_use : 0;
    uint64_t on_disk = (uint64_t)fs.f_bavail * fs.f_frsize;
    *used = in_use;
    *free_bytes = in_map < on_disk ? in_map : on_disk;
    return STATUS_OK;
}
