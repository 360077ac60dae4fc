/* A copy of a store that others may be writing to: LMDB's own, of one snapshot. */
#include "ledger/store_lmdb_parts.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum status store_lmdb_copy(struct store *store, int fd, struct refusal *why) {
    struct lmdb_store *s = (struct lmdb_store *)store;
    /* Compact: free pages, which hold what once was, are left out. */
    int rc = mdb_env_copyfd2(s->env, fd, MDB_CP_COMPACT);
    if (rc != MDB_SUCCESS) {
        enum status status = rc == ENOSPC || rc == EDQUOT || rc == EFBIG ? STATUS_FULL : STATUS_IO;
        return refuse(
            why, rc == MDB_CORRUPTED || rc == MDB_PAGE_NOTFOUND ? STATUS_STORE_CORRUPT : status,
            "the copy cannot be written: %s", mdb_strerror(rc));
    }
    if (fsync(fd) != 0) {
        return refuse(why, STATUS_IO, "the copy cannot be made durable: %s", strerror(errno));
    }
    return STATUS_OK;
}
