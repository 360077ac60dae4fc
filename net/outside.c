/* Happy path: `begin` gives the writer thread a record; it writes and syncs the place whose turn it
 * is; `end` waits for it.
 *
 * Failure modes:
 *   - a write or sync fails: `end` says so and the commit counts as in doubt: nothing leaves, the
 *     node stops;
 *   - a commit of cosignatures fails: the record is ahead of the store until the next one; nothing
 *     left;
 *   - the file was removed or replaced meanwhile: it is made anew, whole. */
#include "net/outside.h"

#include "net/file.h"
#include "net/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#define PLACE_ALIGN 4096 /* what is written at once: what disks write whole */
static_assert(GUARD_RECORD_MAX % PLACE_ALIGN == 0, "a place is whole blocks");

struct outside {
    struct batch_outside batch; /* first */
    char *path;
    int fd; /* -1: there is no file yet */
    bool found;
    bool damaged;               /* it must be made anew */
    struct guard_record record; /* to be written next, or written last */
    struct guard_record was;    /* as found */
    uint8_t *memory;            /* one place */
    size_t memory_len;

    uv_mutex_t mutex; /* held from begin to end, and by what the loop writes: guards all above */

    uv_thread_t thread;
    uv_sem_t go;
    uv_sem_t done;
    bool ending;
    enum status written;
    struct refusal why;
};

static enum status refuse_write(struct outside *o, struct refusal *why) {
    int error = errno;
    return refuse(why, error == ENOSPC || error == EDQUOT ? STATUS_FULL : STATUS_IO,
                  "%s: the head file cannot be written: %s", o->path, strerror(error));
}

/* --- places --- */

/* The record, filled up with newlines to whole blocks. */
static void render(struct outside *o) {
    struct writer w;
    writer_init(&w, o->memory, GUARD_RECORD_MAX);
    guard_record_format(&w, &o->record);
    assert(!w.failed); /* sized for the largest */
    size_t len = (w.len + PLACE_ALIGN - 1) / PLACE_ALIGN * PLACE_ALIGN;
    memset(o->memory + w.len, '\n', len - w.len);
    o->memory_len = len;
}

/* Both places, the second empty but for newlines. */
static enum status make_file(const char *path, const struct guard_record *record, bool fresh,
                             struct refusal *why) {
    uint8_t *memory = malloc(2 * GUARD_RECORD_MAX);
    struct writer w;
    if (memory == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    memset(memory, '\n', 2 * GUARD_RECORD_MAX);
    writer_init(&w, memory + (record->writing % 2) * GUARD_RECORD_MAX, GUARD_RECORD_MAX);
    guard_record_format(&w, record);
    assert(!w.failed);
    struct bytes content = bytes_of(memory, 2 * GUARD_RECORD_MAX);
    enum status status = fresh ? file_create(path, content, why) : file_write(path, content, why);
    free(memory);
    return status;
}

enum status outside_create(const char *path, const struct guard_record *record,
                           struct refusal *why) {
    return make_file(path, record, true, why);
}

static enum status open_file(struct outside *o, struct refusal *why) {
    int fd = open(o->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return errno == ENOENT ? STATUS_NOT_FOUND
                               : refuse(why, STATUS_IO, "%s: the head file cannot be opened: %s",
                                        o->path, strerror(errno));
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return refuse(why, STATUS_STORE_IN_USE,
                      "%s: another process has this head file open: each node needs its own",
                      o->path);
    }
    o->fd = fd;
    return STATUS_OK;
}

static bool still_there(const struct outside *o) {
    struct stat ours;
    struct stat named;
    return o->fd >= 0 && fstat(o->fd, &ours) == 0 && stat(o->path, &named) == 0 &&
           ours.st_dev == named.st_dev && ours.st_ino == named.st_ino &&
           named.st_size == (off_t)(2 * GUARD_RECORD_MAX);
}

static enum status make_anew(struct outside *o, struct refusal *why) {
    if (o->fd >= 0) {
        log_line(LOG_WARN, "outside", "made-anew",
                 "file=%s why=\"it was removed, replaced or damaged\"", o->path);
        close(o->fd);
        o->fd = -1;
    }
    TRY(make_file(o->path, &o->record, false, why));
    o->damaged = false;
    return open_file(o, why);
}

/* Writes the record and waits until it is durable. */
static enum status write_record(struct outside *o, struct refusal *why) {
    o->record.writing++;
    if (o->damaged || !still_there(o)) {
        return make_anew(o, why);
    }
    render(o);
    off_t at = (off_t)((o->record.writing % 2) * GUARD_RECORD_MAX);
    size_t done = 0;
    while (done < o->memory_len) {
        ssize_t n = pwrite(o->fd, o->memory + done, o->memory_len - done, at + (off_t)done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return refuse_write(o, why);
        }
        done += (size_t)n;
    }
    return fdatasync(o->fd) == 0 ? STATUS_OK : refuse_write(o, why);
}

/* --- reading --- */

static bool is_empty(struct bytes place) {
    for (size_t i = 0; i < place.len; i++) {
        if (place.data[i] != '\n') {
            return false;
        }
    }
    return true;
}

/* The newer of the two places. A place that is neither a record nor empty was torn while it was
 * written, or damaged since: what it said is not known, and may have been the newer. */
static bool read_places(struct bytes content, struct guard_record *out) {
    struct guard_record record;
    bool found = false;
    if (content.len != 2 * GUARD_RECORD_MAX) {
        return false;
    }
    for (size_t i = 0; i < 2; i++) {
        struct bytes place = bytes_of(content.data + i * GUARD_RECORD_MAX, GUARD_RECORD_MAX);
        if (is_empty(place)) {
            continue;
        }
        if (guard_record_parse(place, &record) != STATUS_OK) {
            return false;
        }
        if (!found || record.writing > out->writing) {
            *out = record;
            found = true;
        }
    }
    return found;
}

/* NOT_FOUND: missing or damaged. */
static enum status read_file(const char *path, struct guard_record *out, struct refusal *why) {
    struct buffer content;
    buffer_init(&content, 2 * GUARD_RECORD_MAX);
    enum status status = file_read(path, &content, why);
    if (status == STATUS_TOO_LARGE ||
        (status == STATUS_OK && !read_places(buffer_view(&content), out))) {
        status = STATUS_NOT_FOUND;
    }
    buffer_clear(&content);
    return status;
}

enum status outside_read_again(struct outside *o, struct guard_record *out) {
    struct refusal why;
    uv_mutex_lock(&o->mutex);
    enum status status = read_file(o->path, out, &why);
    if (status == STATUS_OK && out->writing > o->record.writing) {
        o->record = *out; /* memory is of the past */
    }
    uv_mutex_unlock(&o->mutex);
    return status == STATUS_OK ? STATUS_OK : STATUS_NOT_FOUND;
}

static enum status load(struct outside *o, struct refusal *why) {
    enum status status = open_file(o, why);
    if (status == STATUS_OK) {
        status = read_file(o->path, &o->record, why);
        o->damaged = status == STATUS_NOT_FOUND;
    }
    o->found = status == STATUS_OK;
    if (!o->found) {
        memset(&o->record, 0, sizeof o->record);
    }
    o->was = o->record;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* --- the writer --- */

static void write_main(void *arg) {
    struct outside *o = arg;
    for (;;) {
        uv_sem_wait(&o->go);
        if (o->ending) {
            return;
        }
        o->written = write_record(o, &o->why);
        uv_sem_post(&o->done);
    }
}

static void put_head(struct outside *o, const struct head *head, struct bytes origin) {
    if (!o->record.has_log) {
        assert(origin.len > 0 && origin.len <= NAME_SIZE_MAX);
        memcpy(o->record.origin, origin.data, origin.len);
        o->record.origin[origin.len] = '\0';
        o->record.has_log = true;
    }
    o->record.size = head->size;
    o->record.root = head->root;
}

/* The first line of a signed checkpoint. */
static struct bytes origin_of(const struct head *head) {
    struct reader r;
    struct bytes origin = bytes_of(NULL, 0);
    reader_init(&r, bytes_of(head->note, head->note_len));
    bool there = reader_line(&r, &origin);
    assert(there);
    return origin;
}

static void begin(struct batch_outside *batch, uint64_t commit, const struct head *head) {
    struct outside *o = (struct outside *)batch;
    uv_mutex_lock(&o->mutex);
    o->record.commit = commit;
    if (head != NULL) {
        put_head(o, head, origin_of(head));
    }
    uv_sem_post(&o->go);
}

static enum status end(struct batch_outside *batch) {
    struct outside *o = (struct outside *)batch;
    uv_sem_wait(&o->done);
    enum status status = o->written;
    if (status != STATUS_OK) {
        log_line(LOG_ERROR, "outside", "not-written", "why=\"%s\"", o->why.text);
    }
    uv_mutex_unlock(&o->mutex);
    return status;
}

/* --- opening and closing --- */

enum status outside_open(const char *path, struct outside **out, struct refusal *why) {
    struct outside *o = calloc(1, sizeof *o);
    if (o == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    o->batch = (struct batch_outside){.begin = begin, .end = end};
    o->fd = -1;
    o->path = strdup(path);
    o->memory = malloc(GUARD_RECORD_MAX);
    enum status status = o->path != NULL && o->memory != NULL
                             ? load(o, why)
                             : refuse(why, STATUS_NOMEM, "out of memory");
    if (status != STATUS_OK) {
        goto err_after_memory;
    }
    status = refuse(why, STATUS_IO, "the machine gave no thread to write the head file");
    if (uv_mutex_init(&o->mutex) != 0) {
        goto err_after_memory;
    }
    if (uv_sem_init(&o->go, 0) != 0) {
        goto err_after_mutex;
    }
    if (uv_sem_init(&o->done, 0) != 0) {
        goto err_after_go;
    }
    if (uv_thread_create(&o->thread, write_main, o) != 0) {
        goto err_after_done;
    }
    *out = o;
    return STATUS_OK;

err_after_done:
    uv_sem_destroy(&o->done);
err_after_go:
    uv_sem_destroy(&o->go);
err_after_mutex:
    uv_mutex_destroy(&o->mutex);
err_after_memory:
    if (o->fd >= 0) {
        close(o->fd);
    }
    free(o->memory);
    free(o->path);
    free(o);
    return status;
}

void outside_close(struct outside *o) {
    if (o == NULL) {
        return;
    }
    o->ending = true;
    uv_sem_post(&o->go);
    uv_thread_join(&o->thread);
    uv_sem_destroy(&o->done);
    uv_sem_destroy(&o->go);
    uv_mutex_destroy(&o->mutex);
    if (o->fd >= 0) {
        close(o->fd);
    }
    free(o->memory);
    free(o->path);
    free(o);
}

const struct guard_record *outside_found(const struct outside *o) {
    return o->found ? &o->was : NULL;
}

const struct guard_record *outside_record(const struct outside *o) {
    return &o->record;
}

struct batch_outside *outside_batch(struct outside *o) {
    return o != NULL ? &o->batch : NULL;
}

/* --- on the loop --- */

enum status outside_list(struct outside *o, const struct policy *policy, struct refusal *why) {
    enum status status = STATUS_OK;
    size_t before = 0;
    uv_mutex_lock(&o->mutex);
    before = o->record.mirror_count;
    for (size_t i = 0; i < policy->witness_count && status == STATUS_OK; i++) {
        const struct policy_witness *witness = &policy->witnesses[i];
        if (witness->in_quorum && witness->url[0] != '\0' &&
            !guard_list(&o->record, &witness->vkey)) {
            status = refuse(why, STATUS_FULL,
                            "%s: more than %d mirrors were pushed to: write a new one with dutylog "
                            "keygen once the log is up",
                            o->path, GUARD_MIRRORS_MAX);
        }
    }
    if (status == STATUS_OK && o->record.mirror_count > before) {
        status = write_record(o, why);
    }
    uv_mutex_unlock(&o->mutex);
    return status;
}

enum status outside_set_head(struct outside *o, const struct head *head, struct refusal *why) {
    enum status status = STATUS_OK;
    uv_mutex_lock(&o->mutex);
    if (!o->record.has_log || o->record.size != head->size ||
        !hash_equal(&o->record.root, &head->root)) {
        put_head(o, head, origin_of(head));
        status = write_record(o, why);
    }
    uv_mutex_unlock(&o->mutex);
    return status;
}

enum status outside_set_commit(struct outside *o, uint64_t commit, struct refusal *why) {
    uv_mutex_lock(&o->mutex);
    o->record.commit = commit;
    enum status status = write_record(o, why);
    uv_mutex_unlock(&o->mutex);
    return status;
}
