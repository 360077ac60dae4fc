#include "net/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_PIECE 65536
#define PATH_SIZE 1100 /* with the ending of the new file beside it */

static enum status refuse_open(const char *path, int error, struct refusal *why) {
    if (error == ENOENT || error == ENOTDIR) {
        return refuse(why, STATUS_NOT_FOUND, "%s: no such file: make it or correct the path", path);
    }
    return refuse(why, STATUS_IO, "%s: cannot be opened: %s", path, strerror(error));
}

/* A file directly in the folder that systemd made for this service's credentials: it may be root's,
 * and readable to us by an access list, which shows as a group's right. systemd.exec(5) says that
 * the folder is the service's alone. */
static bool is_credential(const char *path, const struct stat *st) {
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    const char *name = strrchr(path, '/');
    return folder != NULL && folder[0] == '/' && name != NULL &&
           strlen(folder) == (size_t)(name - path) &&
           strncmp(path, folder, (size_t)(name - path)) == 0 &&
           (st->st_uid == 0 || st->st_uid == geteuid()) &&
           (st->st_mode & (S_IWGRP | S_IXGRP | S_IRWXO)) == 0;
}

/* Judged on the open descriptor, so that the file that is checked is the one that is read. */
static enum status check_secret(int fd, const char *path, struct refusal *why) {
    struct stat st;
    if (fstat(fd, &st) != 0) {
        return refuse(why, STATUS_IO, "%s: %s", path, strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return refuse(why, STATUS_IO, "%s: not a regular file", path);
    }
    if (is_credential(path, &st)) {
        return STATUS_OK;
    }
    if (st.st_uid != geteuid()) {
        return refuse(why, STATUS_DENIED_KEY,
                      "%s: a secret that belongs to another user: chown it to user %u", path,
                      (unsigned)geteuid());
    }
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return refuse(why, STATUS_DENIED_KEY, "%s: a secret that others can use: chmod 600 it",
                      path);
    }
    return STATUS_OK;
}

static enum status read_all(int fd, const char *path, struct buffer *out, struct refusal *why) {
    for (;;) {
        size_t piece = out->max - out->len < READ_PIECE ? out->max - out->len : READ_PIECE;
        uint8_t one;
        uint8_t *room = &one; /* with no room left, one byte more tells whether the file ended */
        if (piece > 0 && buffer_reserve(out, piece, &room) != STATUS_OK) {
            return refuse(why, STATUS_NOMEM, "%s: out of memory", path);
        }
        ssize_t n = read(fd, room, piece > 0 ? piece : 1);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return refuse(why, STATUS_IO, "%s: cannot be read: %s", path, strerror(errno));
        }
        if (n == 0) {
            return STATUS_OK;
        }
        if (piece == 0) {
            return refuse(why, STATUS_TOO_LARGE, "%s: larger than %zu bytes", path, out->max);
        }
        buffer_commit(out, (size_t)n);
    }
}

static enum status open_regular(const char *path, int *out, struct refusal *why) {
    /* O_NONBLOCK: opening a pipe must not wait for its other end. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return refuse_open(path, errno, why);
    }
    struct stat st;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return refuse(why, STATUS_IO, "%s: not a regular file", path);
    }
    *out = fd;
    return STATUS_OK;
}

enum status file_read(const char *path, struct buffer *out, struct refusal *why) {
    int fd;
    TRY(open_regular(path, &fd, why));
    enum status status = read_all(fd, path, out, why);
    close(fd);
    return status;
}

enum status file_read_secret(const char *path, struct buffer *out, struct refusal *why) {
    int fd;
    TRY(open_regular(path, &fd, why));
    enum status status = check_secret(fd, path, why);
    if (status == STATUS_OK) {
        status = read_all(fd, path, out, why);
    }
    close(fd);
    if (status != STATUS_OK) {
        buffer_wipe(out);
    }
    return status;
}

enum status file_check_secret(const char *path, struct refusal *why) {
    int fd;
    TRY(open_regular(path, &fd, why));
    enum status status = check_secret(fd, path, why);
    close(fd);
    return status;
}

static bool write_all(int fd, struct bytes content) {
    while (content.len > 0) {
        ssize_t n = write(fd, content.data, content.len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        content.data += n;
        content.len -= (size_t)n;
    }
    return true;
}

static enum status refuse_write(const char *path, struct refusal *why) {
    int error = errno;
    enum status status = error == ENOSPC || error == EDQUOT ? STATUS_FULL : STATUS_IO;
    return refuse(why, status, "%s: cannot be written: %s", path, strerror(error));
}

/* A new name in a folder is durable only after the folder itself is synced. */
static enum status sync_folder_of(const char *path, struct refusal *why) {
    char folder[PATH_SIZE];
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        snprintf(folder, sizeof folder, ".");
    } else {
        size_t len = slash == path ? 1 : (size_t)(slash - path);
        assert(len < sizeof folder);
        memcpy(folder, path, len);
        folder[len] = '\0';
    }
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return refuse_write(folder, why);
    }
    int rv = fsync(fd);
    enum status status =
        rv == 0 ? STATUS_OK
                : refuse(why, STATUS_IO, "%s: written, but its folder could not be synced: %s",
                         path, strerror(errno));
    close(fd);
    return status;
}

/* Writes and syncs `path`.new. The name is fixed, so that what a crash leaves behind is overwritten
 * by the next write and does not pile up. */
static enum status write_beside(const char *path, struct bytes content, char *beside, size_t cap,
                                struct refusal *why) {
    int n = snprintf(beside, cap, "%s.new", path);
    if (n < 0 || (size_t)n >= cap) {
        return refuse(why, STATUS_IO, "a path of %zu bytes is too long", strlen(path));
    }
    if (unlink(beside) != 0 && errno != ENOENT) {
        return refuse_write(beside, why);
    }
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return refuse_write(beside, why);
    }
    if (!write_all(fd, content) || fsync(fd) != 0) {
        enum status status = refuse_write(beside, why);
        close(fd);
        unlink(beside);
        return status;
    }
    close(fd);
    return STATUS_OK;
}

enum status file_write(const char *path, struct bytes content, struct refusal *why) {
    char beside[PATH_SIZE];
    TRY(write_beside(path, content, beside, sizeof beside, why));
    if (rename(beside, path) != 0) {
        enum status status = refuse_write(path, why);
        unlink(beside);
        return status;
    }
    return sync_folder_of(path, why);
}

enum status file_create(const char *path, struct bytes content, struct refusal *why) {
    char beside[PATH_SIZE];
    TRY(write_beside(path, content, beside, sizeof beside, why));
    /* link, unlike rename, fails if the name is taken. */
    int rv = link(beside, path);
    int error = errno;
    unlink(beside);
    if (rv != 0 && error == EEXIST) {
        return refuse(why, STATUS_CONFLICT_USED,
                      "%s: exists already and is not overwritten: move it away first", path);
    }
    if (rv != 0) {
        errno = error;
        return refuse_write(path, why);
    }
    return sync_folder_of(path, why);
}

enum status file_make_folder(const char *path, struct refusal *why) {
    if (mkdir(path, 0700) == 0) {
        return sync_folder_of(path, why);
    }
    struct stat st;
    if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        return STATUS_OK;
    }
    return refuse_write(path, why);
}
