/* The store in LMDB (specs/storage.md): one memory-mapped file, one writer, readers that block
 * nobody. Only store_lmdb*.c know LMDB.
 *
 * A folder holds data.mdb and lock.mdb (LMDB's) and `in-use`, locked for as long as a process may
 * write. Opening for writing makes the folder (0700) and the files (0600) where they are missing,
 * and commits once, durably, before anything else is read: after a failed fsync of an earlier
 * process the page cache may show what no disk holds.
 *
 * Threads: a write transaction belongs to the thread that began it; another thread's begin waits
 * for it to end. Readers may be begun in one thread and ended in another, and are kept for reuse.
 * Keep them under a second: the pages they see cannot be reused.
 *
 * Failures: FULL (map or disk) and STORE_FAILED leave the last commit in place; an I/O error at
 * commit is STORE_DOUBT and the end of this store object; a page that cannot be right is
 * STORE_CORRUPT. A read error of the disk under the map is a SIGBUS: the process dies, which is as
 * safe as kill -9. */
#ifndef DUTYLOG_LEDGER_STORE_LMDB_H
#define DUTYLOG_LEDGER_STORE_LMDB_H

#include "ledger/store.h"

#define STORE_LMDB_READERS_DEFAULT 126
#define STORE_LMDB_MAP_DEFAULT ((uint64_t)1 << 40)

struct store_lmdb_options {
    uint64_t map_size;    /* the largest the store may grow; 0: STORE_LMDB_MAP_DEFAULT, or what the
                             address space allows. Sparse: costs nothing until used */
    unsigned max_readers; /* at once, all processes together; 0: STORE_LMDB_READERS_DEFAULT */
    bool read_only;       /* for tools: never writes, may look on while a daemon writes */
    bool no_meta_sync; /* a power failure may undo the last commit, whole; one sync less each. For
                          what can be done again, never where anything leaves after a commit */
    bool no_sync;      /* for tests of speed only: commits are not durable */
};

/* Opens `folder`; `options` may be NULL for the defaults. Returns-owned. NOT_FOUND: read_only and
 * no store is there. STORE_IN_USE: another process has it open for writing. STORE_CORRUPT: not an
 * LMDB file of ours. FULL, STORE_DOUBT: the first commit failed. IO: the folder cannot be used. */
enum status store_lmdb_open(const char *folder, const struct store_lmdb_options *options,
                            struct store **out, struct refusal *why) MUST_USE;
/* Closes; no transaction may be open. NULL is allowed. */
void store_lmdb_close(struct store *store);

/* Writes one snapshot of the store to `fd`, as the data.mdb of another, and makes it durable, while
 * others write. Pages that the snapshot holds are not reused meanwhile: the file grows by what is
 * written during the copy. FULL, IO, STORE_CORRUPT. */
enum status store_lmdb_copy(struct store *store, int fd, struct refusal *why) MUST_USE;

/* For admission: bytes of the file in use or once used, and how many more may be written before
 * either the disk or the map is full. IO: the disk does not say. */
enum status store_lmdb_used(struct store *store, uint64_t *used, uint64_t *free_bytes) MUST_USE;

#endif
