#include "tools/outbox.h"

#include "crypto/hash.h"
#include "ledger/limits.h"
#include "ledger/note.h"
#include "net/buffer.h"
#include "net/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEQ_DIGITS 10
static const char event_ending[] = ".event";

enum status outbox_open(struct outbox *outbox, const char *folder, struct refusal *why) {
    char path[OUTBOX_PATH_MAX];
    outbox->lock = -1;
    int n = snprintf(outbox->folder, sizeof outbox->folder, "%s", folder);
    if (n <= 0 || (size_t)n >= sizeof outbox->folder) {
        return refuse(why, STATUS_BAD_FORM, "the outbox's name is empty or too long");
    }
    TRY(file_make_folder(folder, why));
    n = snprintf(path, sizeof path, "%s/lock", outbox->folder);
    if (n <= 0 || (size_t)n >= sizeof path) {
        return refuse(why, STATUS_BAD_FORM, "the outbox's name is too long");
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return refuse(why, STATUS_IO, "%s: %s", path, strerror(errno));
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        close(fd);
        return refuse(why, STATUS_STORE_IN_USE,
                      "%s: another dutylog is using this outbox: wait until it is done", folder);
    }
    outbox->lock = fd;
    return STATUS_OK;
}

void outbox_close(struct outbox *outbox) {
    if (outbox->lock >= 0) {
        close(outbox->lock); /* the lock goes with it */
        outbox->lock = -1;
    }
}

/* "<issuer with '/' as '_'>-": '_' may stand in a name too, so that two issuers may share a prefix:
 * events are told apart by their content, the name only sorts them. */
static void stem_of(struct bytes issuer, char out[static NAME_SIZE_MAX + 2]) {
    for (size_t i = 0; i < issuer.len; i++) {
        out[i] = issuer.data[i] == '/' ? '_' : (char)issuer.data[i];
    }
    out[issuer.len] = '-';
    out[issuer.len + 1] = '\0';
}

enum status outbox_base(const struct outbox *outbox, struct bytes issuer, uint64_t seq,
                        char out[static OUTBOX_PATH_MAX], struct refusal *why) {
    char stem[NAME_SIZE_MAX + 2];
    if (issuer.len == 0 || issuer.len > NAME_SIZE_MAX) {
        return refuse(why, STATUS_BAD_FORM, "not a key name");
    }
    stem_of(issuer, stem);
    int n =
        snprintf(out, OUTBOX_PATH_MAX, "%s/%s%0*" PRIu64, outbox->folder, stem, SEQ_DIGITS, seq);
    return n > 0 && n < OUTBOX_PATH_MAX
               ? STATUS_OK
               : refuse(why, STATUS_BAD_FORM, "the outbox's name is too long");
}

static bool ends_with(const char *name, const char *ending) {
    size_t len = strlen(name);
    size_t end = strlen(ending);
    return len > end && strcmp(name + len - end, ending) == 0;
}

/* The seq in "<stem><digits>.event", or 0. */
static uint64_t seq_of(const char *name, const char *stem) {
    size_t len = strlen(stem);
    uint64_t seq = 0;
    if (strncmp(name, stem, len) != 0 || !ends_with(name, event_ending)) {
        return 0;
    }
    const char *digits = name + len;
    size_t count = strlen(digits) - strlen(event_ending);
    while (count > 1 && *digits == '0') {
        digits++;
        count--;
    }
    return bytes_to_u64(bytes_of(digits, count), &seq) ? seq : 0;
}

static enum status id_of_file(const char *path, struct hash *id, struct refusal *why) {
    struct buffer content;
    struct note note;
    buffer_init(&content, EVENT_SIZE_MAX);
    enum status status = file_read(path, &content, why);
    if (status == STATUS_OK) {
        status = note_parse(buffer_view(&content), &note, why);
    }
    if (status == STATUS_OK) {
        hash_of(note.text.data, note.text.len, id);
    }
    buffer_clear(&content);
    return status;
}

enum status outbox_last(const struct outbox *outbox, struct bytes issuer, uint64_t *seq,
                        struct hash *id, struct refusal *why) {
    char stem[NAME_SIZE_MAX + 2];
    char path[OUTBOX_PATH_MAX];
    uint64_t last = 0;
    if (issuer.len == 0 || issuer.len > NAME_SIZE_MAX) {
        return refuse(why, STATUS_BAD_FORM, "not a key name");
    }
    stem_of(issuer, stem);
    DIR *dir = opendir(outbox->folder);
    if (dir == NULL) {
        return refuse(why, STATUS_IO, "%s: %s", outbox->folder, strerror(errno));
    }
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        uint64_t found = seq_of(entry->d_name, stem);
        last = found > last ? found : last;
    }
    closedir(dir);
    if (last > 0) {
        TRY(outbox_base(outbox, issuer, last, path, why));
        size_t len = strlen(path);
        snprintf(path + len, sizeof path - len, "%s", event_ending);
        TRY(id_of_file(path, id, why));
    }
    *seq = last;
    return STATUS_OK;
}

struct found {
    char path[OUTBOX_PATH_MAX];
    struct timespec made;
};

static int by_time(const void *a, const void *b) {
    const struct found *x = a;
    const struct found *y = b;
    if (x->made.tv_sec != y->made.tv_sec) {
        return x->made.tv_sec < y->made.tv_sec ? -1 : 1;
    }
    if (x->made.tv_nsec != y->made.tv_nsec) {
        return x->made.tv_nsec < y->made.tv_nsec ? -1 : 1;
    }
    return strcmp(x->path, y->path);
}

static bool has_receipt(const char *path) {
    char receipt[OUTBOX_PATH_MAX + 16];
    int base = (int)(strlen(path) - strlen(event_ending));
    snprintf(receipt, sizeof receipt, "%.*s.receipt", base, path);
    return access(receipt, F_OK) == 0;
}

/* Adds the event if it waits. */
static enum status add_found(const struct outbox *outbox, const char *name, struct found **found,
                             size_t *count) {
    struct found item;
    struct stat st;
    int n = snprintf(item.path, sizeof item.path, "%s/%s", outbox->folder, name);
    if (n <= 0 || (size_t)n >= sizeof item.path || has_receipt(item.path) ||
        stat(item.path, &st) != 0) {
        return STATUS_OK;
    }
    item.made = st.st_mtim;
    struct found *grown = realloc(*found, (*count + 1) * sizeof *grown);
    if (grown == NULL) {
        return STATUS_NOMEM;
    }
    grown[(*count)++] = item;
    *found = grown;
    return STATUS_OK;
}

/* The paths alone, sorted. */
static enum status list_found(struct found *found, size_t count, char ***paths) {
    char **list = calloc(count > 0 ? count : 1, sizeof *list);
    if (list == NULL) {
        return STATUS_NOMEM;
    }
    if (count > 0) {
        qsort(found, count, sizeof *found, by_time);
    }
    for (size_t i = 0; i < count; i++) {
        list[i] = strdup(found[i].path);
        if (list[i] == NULL) {
            outbox_free_list(list, i);
            return STATUS_NOMEM;
        }
    }
    *paths = list;
    return STATUS_OK;
}

enum status outbox_pending(const struct outbox *outbox, char ***paths, size_t *count,
                           struct refusal *why) {
    struct found *found = NULL;
    size_t n = 0;
    DIR *dir = opendir(outbox->folder);
    if (dir == NULL) {
        return refuse(why, STATUS_IO, "%s: %s", outbox->folder, strerror(errno));
    }
    enum status status = STATUS_OK;
    for (struct dirent *entry = readdir(dir); entry != NULL && status == STATUS_OK;
         entry = readdir(dir)) {
        if (ends_with(entry->d_name, event_ending)) {
            status = add_found(outbox, entry->d_name, &found, &n);
        }
    }
    closedir(dir);
    if (status == STATUS_OK) {
        status = list_found(found, n, paths);
    }
    free(found);
    if (status != STATUS_OK) {
        return refuse(why, status, "out of memory");
    }
    *count = n;
    return STATUS_OK;
}

void outbox_free_list(char **paths, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(paths[i]);
    }
    free(paths);
}
