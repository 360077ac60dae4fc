/* Power loss, for a process that does not know of it: a library to be preloaded (LD_PRELOAD) into a
 * node. It lets every write through, remembers what the disk held before, and forgets that only
 * when a sync has made the write durable. At a chosen call it kills the process, and then gives the
 * files back the old bytes of what was never synced: all of it, none, or some sectors.
 *
 *   POWER_FOLDER  files below it are the disk (absolute, no final slash)
 *   POWER_AFTER   the call at which power fails: the n-th among writes, syncs and sends, from 1
 *   POWER_MODE    drop, keep, or tear: what becomes of writes that were not synced
 *   POWER_SEED    decides which sectors of 512 bytes a tear keeps
 *   POWER_DONE    a file that is made when the files are as the disk has them
 *
 * What a write through an O_DSYNC descriptor brought is durable when it returns. fsync and
 * fdatasync make durable all that was written to their file. Names are durable at once: a node
 * makes and renames no files while it runs. Reading is not changed: LMDB reads by a map of the same
 * file, which shows what was written, synced or not, as the page cache does. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES_MAX 64
#define DESCRIPTORS_MAX 65536
#define SECTOR 512
#define EXPORT __attribute__((visibility("default")))

/* A write that no sync has followed yet. */
struct undo {
    struct undo *next; /* the one before it */
    off_t offset;
    size_t len;
    off_t size_before;
    uint8_t old[]; /* what was there; zeros beyond the end */
};

struct file {
    dev_t device;
    ino_t inode;
    int shadow; /* our own descriptor */
    struct undo *undos;
};

/* Taken around every call that is followed, so that when power fails nothing is half done. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct file files[FILES_MAX];
static size_t file_count;
static struct {
    struct file *file;
    bool dsync;
} descriptors[DESCRIPTORS_MAX];

static char folder[4096];
static char done[4096];
static uint64_t after;
static uint64_t calls;
static uint64_t seed;
static char mode[16];

static void copy_setting(const char *name, char *out, size_t cap) {
    const char *value = getenv(name);
    snprintf(out, cap, "%s", value != NULL ? value : "");
}

static uint64_t number_setting(const char *name) {
    const char *value = getenv(name);
    return value != NULL ? strtoull(value, NULL, 10) : 0;
}

__attribute__((constructor)) static void read_settings(void) {
    copy_setting("POWER_FOLDER", folder, sizeof folder);
    copy_setting("POWER_DONE", done, sizeof done);
    copy_setting("POWER_MODE", mode, sizeof mode);
    after = number_setting("POWER_AFTER");
    seed = number_setting("POWER_SEED");
    unsetenv("LD_PRELOAD");
}

/* Something here is not as it must be: the test is to fail, not to pass without a fault. */
static void give_up(const char *what) {
    dprintf(2, "power: %s: %s\n", what, strerror(errno));
    _exit(99);
}

/* --- what the disk had --- */

/* A sector's fate is one for all writes to it: it has its last content, or that of the last sync.
 */
static bool sector_is_lost(const struct file *file, off_t sector) {
    if (mode[0] == 'd' || mode[0] == 'k') {
        return mode[0] == 'd';
    }
    uint64_t x = seed ^ ((uint64_t)sector * UINT64_C(0x9e3779b97f4a7c15)) ^ (uint64_t)file->inode;
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    return (x & 1) != 0;
}

static void put_back(const struct file *file, const struct undo *undo) {
    off_t at = undo->offset;
    off_t end = undo->offset + (off_t)undo->len;
    while (at < end) {
        off_t next = (at / SECTOR + 1) * SECTOR;
        next = next < end ? next : end;
        if (sector_is_lost(file, at / SECTOR) &&
            syscall(SYS_pwrite64, file->shadow, undo->old + (at - undo->offset),
                    (size_t)(next - at), at) != next - at) {
            give_up("cannot put back");
        }
        at = next;
    }
    /* The length is metadata: lost with everything, kept otherwise. */
    if (mode[0] == 'd' && syscall(SYS_ftruncate, file->shadow, undo->size_before) != 0) {
        give_up("cannot shorten");
    }
}

/* In a child of the process, which is single and sees the files and our memory as they were. */
static void restore(pid_t parent) {
    while (getppid() == parent) {
        syscall(SYS_sched_yield); /* nobody writes any more, but let the locks go first */
    }
    for (size_t i = 0; i < file_count; i++) {
        for (const struct undo *u = files[i].undos; u != NULL; u = u->next) {
            put_back(&files[i], u);
        }
    }
    for (int fd = 3; fd < 4096; fd++) {
        syscall(SYS_close, fd); /* the parent's flock is on descriptors that we share */
    }
    int fd = (int)syscall(SYS_openat, AT_FDCWD, done, O_CREAT | O_WRONLY, 0600);
    if (fd < 0) {
        give_up(done);
    }
    _exit(0);
}

/* Called with the mutex held, which is never released if power fails. */
static void count_call(void) {
    if (++calls != after) {
        return;
    }
    pid_t parent = getpid();
    /* The bare call: a library's handlers for fork would come back to us. */
    pid_t child = (pid_t)syscall(SYS_fork);
    if (child == 0) {
        restore(parent);
    }
    if (child < 0) {
        give_up("fork");
    }
    kill(parent, SIGKILL);
    for (;;) {
        pause();
    }
}

/* --- following --- */

static struct file *file_of(int fd) {
    return fd >= 0 && fd < DESCRIPTORS_MAX ? descriptors[fd].file : NULL;
}

static void forget_undos(struct file *file) {
    while (file->undos != NULL) {
        struct undo *gone = file->undos;
        file->undos = gone->next;
        free(gone);
    }
}

/* Before a write. */
static struct undo *remember(struct file *file, off_t offset, size_t len) {
    struct stat st;
    struct undo *undo = calloc(1, sizeof *undo + len);
    if (undo == NULL || fstat(file->shadow, &st) != 0) {
        give_up("cannot remember");
    }
    undo->offset = offset;
    undo->len = len;
    undo->size_before = st.st_size;
    if (syscall(SYS_pread64, file->shadow, undo->old, len, offset) < 0) {
        give_up("cannot read what was there");
    }
    return undo;
}

/* After a durable write: what is put back later must not go behind it. */
static void overlay(struct file *file, const struct undo *written) {
    uint8_t *now = malloc(written->len);
    if (now == NULL || syscall(SYS_pread64, file->shadow, now, written->len, written->offset) !=
                           (ssize_t)written->len) {
        give_up("cannot read back");
    }
    for (struct undo *u = file->undos; u != NULL; u = u->next) {
        off_t from = u->offset > written->offset ? u->offset : written->offset;
        off_t u_end = u->offset + (off_t)u->len;
        off_t w_end = written->offset + (off_t)written->len;
        off_t to = u_end < w_end ? u_end : w_end;
        if (from < to) {
            memcpy(u->old + (from - u->offset), now + (from - written->offset),
                   (size_t)(to - from));
        }
    }
    free(now);
}

static void wrote(int fd, struct file *file, struct undo *undo, ssize_t n) {
    if (n <= 0) {
        free(undo);
        return;
    }
    undo->len = (size_t)n;
    if (descriptors[fd].dsync) {
        overlay(file, undo);
        free(undo);
        return;
    }
    undo->next = file->undos;
    file->undos = undo;
}

static void opened(int fd, const char *path, int flags) {
    struct stat st;
    char full[4096];
    char link[64];
    if (fd < 0 || fd >= DESCRIPTORS_MAX || folder[0] == '\0') {
        return;
    }
    descriptors[fd].file = NULL;
    if ((flags & O_ACCMODE) == O_RDONLY || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        return;
    }
    (void)path;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, full, sizeof full - 1);
    size_t prefix = strlen(folder);
    if (len < 0 || (size_t)len <= prefix || memcmp(full, folder, prefix) != 0 ||
        full[prefix] != '/') {
        return;
    }
    full[len] = '\0';
    if (strcmp(full + len - strlen("lock.mdb"), "lock.mdb") == 0) {
        return; /* shared memory, made anew at every start */
    }
    size_t i = 0;
    while (i < file_count && (files[i].device != st.st_dev || files[i].inode != st.st_ino)) {
        i++;
    }
    if (i == file_count) {
        if (file_count == FILES_MAX) {
            give_up("too many files");
        }
        int shadow = (int)syscall(SYS_openat, AT_FDCWD, full, O_RDWR | O_CLOEXEC);
        if (shadow < 0) {
            give_up(full);
        }
        files[file_count++] =
            (struct file){.device = st.st_dev, .inode = st.st_ino, .shadow = shadow};
    }
    descriptors[fd].file = &files[i];
    descriptors[fd].dsync = (flags & O_DSYNC) != 0; /* O_SYNC has that bit too */
}

static bool is_socket(int fd) {
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* --- the calls --- */

static int open_any(int at, const char *path, int flags, mode_t permissions) {
    pthread_mutex_lock(&mutex);
    int fd = (int)syscall(SYS_openat, at, path, flags, permissions);
    int error = errno;
    opened(fd, path, flags);
    pthread_mutex_unlock(&mutex);
    errno = error;
    return fd;
}

#define OPEN_MODE(flags, last)                                                                     \
    mode_t permissions = 0;                                                                        \
    if (((flags) & (O_CREAT | O_TMPFILE)) != 0) {                                                  \
        va_list args;                                                                              \
        va_start(args, last);                                                                      \
        permissions = va_arg(args, mode_t);                                                        \
        va_end(args);                                                                              \
    }

EXPORT int open(const char *path, int flags, ...) {
    OPEN_MODE(flags, flags)
    return open_any(AT_FDCWD, path, flags, permissions);
}
EXPORT int open64(const char *path, int flags, ...) {
    OPEN_MODE(flags, flags)
    return open_any(AT_FDCWD, path, flags, permissions);
}
EXPORT int openat(int at, const char *path, int flags, ...) {
    OPEN_MODE(flags, flags)
    return open_any(at, path, flags, permissions);
}
EXPORT int openat64(int at, const char *path, int flags, ...) {
    OPEN_MODE(flags, flags)
    return open_any(at, path, flags, permissions);
}

EXPORT int close(int fd) {
    pthread_mutex_lock(&mutex);
    if (fd >= 0 && fd < DESCRIPTORS_MAX) {
        descriptors[fd].file = NULL;
    }
    int result = (int)syscall(SYS_close, fd);
    int error = errno;
    pthread_mutex_unlock(&mutex);
    errno = error;
    return result;
}

/* A write of several pieces at an offset; offset -1: at the descriptor's place. */
static ssize_t write_pieces(int fd, const struct iovec *pieces, int count, off_t offset) {
    size_t len = 0;
    pthread_mutex_lock(&mutex);
    struct file *file = file_of(fd);
    struct undo *undo = NULL;
    if (file != NULL) {
        count_call();
        off_t at = offset >= 0 ? offset : lseek(fd, 0, SEEK_CUR);
        for (int i = 0; i < count; i++) {
            len += pieces[i].iov_len;
        }
        undo = remember(file, at, len);
    } else if (is_socket(fd)) {
        count_call();
    }
    ssize_t n = offset >= 0 ? syscall(SYS_pwritev, fd, pieces, count, offset, 0)
                            : syscall(SYS_writev, fd, pieces, count);
    int error = errno;
    if (file != NULL) {
        wrote(fd, file, undo, n);
    }
    pthread_mutex_unlock(&mutex);
    errno = error;
    return n;
}

EXPORT ssize_t write(int fd, const void *data, size_t len) {
    struct iovec piece = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
    return write_pieces(fd, &piece, 1, -1);
}
EXPORT ssize_t writev(int fd, const struct iovec *pieces, int count) {
    return write_pieces(fd, pieces, count, -1);
}
EXPORT ssize_t pwrite(int fd, const void *data, size_t len, off_t offset) {
    struct iovec piece = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
    return write_pieces(fd, &piece, 1, offset);
}
EXPORT ssize_t pwrite64(int fd, const void *data, size_t len, off_t offset) {
    return pwrite(fd, data, len, offset);
}
EXPORT ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t offset) {
    return write_pieces(fd, pieces, count, offset);
}
EXPORT ssize_t pwritev64(int fd, const struct iovec *pieces, int count, off_t offset) {
    return write_pieces(fd, pieces, count, offset);
}

static int sync_file(int fd, long call) {
    pthread_mutex_lock(&mutex);
    struct file *file = file_of(fd);
    if (file != NULL) {
        count_call();
    }
    int result = (int)syscall(call, fd);
    int error = errno;
    if (file != NULL && result == 0) {
        forget_undos(file);
    }
    pthread_mutex_unlock(&mutex);
    errno = error;
    return result;
}
EXPORT int fsync(int fd) {
    return sync_file(fd, SYS_fsync);
}
EXPORT int fdatasync(int fd) {
    return sync_file(fd, SYS_fdatasync);
}

/* --- what leaves --- */

static void count_send(void) {
    pthread_mutex_lock(&mutex);
    count_call();
    pthread_mutex_unlock(&mutex);
}

EXPORT ssize_t sendto(int fd, const void *data, size_t len, int flags, const struct sockaddr *to,
                      socklen_t to_len) {
    count_send();
    return syscall(SYS_sendto, fd, data, len, flags, to, to_len);
}
EXPORT ssize_t send(int fd, const void *data, size_t len, int flags) {
    return sendto(fd, data, len, flags, NULL, 0);
}
EXPORT ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    count_send();
    return syscall(SYS_sendmsg, fd, message, flags);
}
EXPORT ssize_t sendfile(int to, int from, off_t *offset, size_t len) {
    count_send();
    return syscall(SYS_sendfile, to, from, offset, len);
}
