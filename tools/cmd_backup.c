/* A copy of a node's data folder, taken while the node runs.
 *
 * The copy grows in DEST.new, which is locked, so that two backups to one place do not mix; it is
 * made durable, opened and looked at, and only then gets its name. So whatever is called DEST is
 * whole. What an earlier one left half-way in DEST.new is overwritten. */
#include "ledger/logs.h"
#include "ledger/store_lmdb.h"
#include "ledger/tree.h"
#include "tools/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096

static const struct option options[] = {
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct backup {
    const char *folder;
    char dest[PATH_SIZE - 32];
    char beside[PATH_SIZE]; /* DEST.new */
    char file[PATH_SIZE + 16];
    char lock[PATH_SIZE + 16]; /* LMDB's, made by looking at the copy */
    uint64_t logs;
    uint64_t entries;
    uint64_t bytes;
};

static enum status refuse_io(struct refusal *why, const char *path) {
    enum status status = errno == ENOSPC || errno == EDQUOT ? STATUS_FULL : STATUS_IO;
    return refuse(why, status, "%s: %s", path, strerror(errno));
}

static enum status make_beside(struct backup *b, int *out, struct refusal *why) {
    struct stat st;
    if (lstat(b->dest, &st) == 0) {
        return refuse(why, STATUS_CONFLICT_USED,
                      "%s is there already: a backup is never written over, name another place",
                      b->dest);
    }
    if (mkdir(b->beside, 0700) != 0 && errno != EEXIST) {
        return refuse_io(why, b->beside);
    }
    int fd = open(b->file, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return refuse_io(why, b->file);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return refuse(why, STATUS_STORE_IN_USE, "%s: another backup is being written there",
                      b->beside);
    }
    if (ftruncate(fd, 0) != 0) {
        refuse_io(why, b->file);
        close(fd);
        return why->status;
    }
    *out = fd;
    return STATUS_OK;
}

static enum status copy(struct backup *b, int fd, struct refusal *why) {
    struct store_lmdb_options lmdb = {.read_only = true};
    struct store *store = NULL;
    struct stat st;
    TRY(store_lmdb_open(b->folder, &lmdb, &store, why));
    enum status status = store_lmdb_copy(store, fd, why);
    store_lmdb_close(store);
    TRY(status);
    if (fstat(fd, &st) != 0) {
        return refuse_io(why, b->file);
    }
    b->bytes = (uint64_t)st.st_size;
    return STATUS_OK;
}

/* --- what is in the copy --- */

static enum status count_logs(struct backup *b, struct store_txn *txn) {
    uint32_t logs = 0;
    TRY(logs_count(txn, &logs));
    for (uint32_t number = 1; number <= logs; number++) {
        struct tree_head head;
        TRY(tree_read_head(txn, number, &head));
        b->entries += head.size;
    }
    b->logs = logs;
    return STATUS_OK;
}

static enum status look(struct backup *b, struct refusal *why) {
    struct store_lmdb_options lmdb = {.read_only = true};
    struct store *store = NULL;
    struct store_txn *txn = NULL;
    TRY(store_lmdb_open(b->beside, &lmdb, &store, why));
    enum status status = store_begin(store, STORE_READ, &txn);
    if (status == STATUS_OK) {
        status = count_logs(b, txn);
        store_abort(txn);
    }
    store_lmdb_close(store);
    if (status != STATUS_OK) {
        return refuse(why, status, "the copy cannot be read back: %s", status_text(status));
    }
    if (unlink(b->lock) != 0) {
        return refuse_io(why, b->lock);
    }
    return STATUS_OK;
}

/* --- its name --- */

static enum status sync_folder(const char *path, struct refusal *why) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return refuse_io(why, path);
    }
    int rv = fsync(fd);
    if (rv != 0) {
        refuse_io(why, path);
    }
    close(fd);
    return rv == 0 ? STATUS_OK : why->status;
}

static enum status give_name(struct backup *b, struct refusal *why) {
    char parent[PATH_SIZE];
    memcpy(parent, b->dest, strlen(b->dest) + 1);
    TRY(sync_folder(b->beside, why));
    /* An empty folder that was made meanwhile would be replaced, anything else is not. */
    if (rename(b->beside, b->dest) != 0) {
        return refuse_io(why, b->dest);
    }
    return sync_folder(dirname(parent), why);
}

static enum status run(struct backup *b, struct refusal *why) {
    int fd = -1;
    TRY(make_beside(b, &fd, why));
    enum status status = copy(b, fd, why);
    if (status == STATUS_OK) {
        status = look(b, why);
    }
    if (status == STATUS_OK) {
        status = give_name(b, why);
    }
    close(fd); /* and with it the lock */
    return status;
}

static bool set_paths(struct backup *b, const char *dest) {
    size_t len = strlen(dest);
    while (len > 1 && dest[len - 1] == '/') {
        len--;
    }
    if (len == 0 || len >= sizeof b->dest) {
        return false;
    }
    memcpy(b->dest, dest, len);
    b->dest[len] = '\0';
    snprintf(b->beside, sizeof b->beside, "%s.new", b->dest);
    snprintf(b->file, sizeof b->file, "%s/data.mdb", b->beside);
    snprintf(b->lock, sizeof b->lock, "%s/lock.mdb", b->beside);
    return true;
}

int cmd_backup(int argc, char **argv) {
    static struct backup b;
    struct refusal why = {.text = ""};
    int c = 0;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h') {
            return cli_help("backup");
        }
        return cli_usage("backup", "unknown option");
    }
    if (optind + 2 != argc) {
        return cli_usage("backup", "give a node's data folder, and where the copy goes");
    }
    b.folder = argv[optind];
    if (!set_paths(&b, argv[optind + 1])) {
        return cli_usage("backup", "the destination's path is too long");
    }
    enum status status = run(&b, &why);
    if (status != STATUS_OK) {
        return cli_error("backup", cli_exit_of(status), "%s", why.text);
    }
    printf("%s: %" PRIu64 " logs, %" PRIu64 " entries, %" PRIu64 " bytes\n", b.dest, b.logs,
           b.entries, b.bytes);
    return CLI_OK;
}
