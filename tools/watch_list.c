/* One list's run. Happy path: take the lock; complete what an earlier run left; fetch; keep the
 * bytes and the rows, and the roster; sign; send, and take the receipts; compare; prove. Each step
 * looks at the files for what there is to do, today's or older; a failure is told, and the next
 * step does what it can without. */
#include "net/file.h"
#include "tools/cli.h"
#include "tools/send.h"
#include "tools/watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define RECEIPT_WAIT_S 60
#define RECORD_MAX 1024

struct run {
    const struct watch_list *list;
    FILE *out;
    struct watch_result *result;
    char today[21]; /* now */
    bool told;      /* something was printed */
};

/* What fails is told at once, and in the result. */
static void fail(struct run *run, const struct refusal *why) {
    fprintf(stderr, "dutylog watch: %s: %s\n", run->list->name, why->text);
    json_array_append_new(json_object_get(run->result->json, "failures"), json_string(why->text));
    run->result->failed = true;
}

/* --- files --- */

/* The names of the list's files with the ending, sorted by time; to be freed as one. NULL: none, or
 * no memory. */
static char (*names_of(const struct watch_list *list, const char *ending, size_t *count))[256] {
    char(*names)[256] = NULL;
    char name[256];
    char compact[OBSERVE_TIME_SIZE + 1] = "99999999T999999Z";
    char rfc3339[21];
    *count = 0;
    for (;;) {
        observe_newest(list->keep, list->name, ending, compact, name);
        char(*grown)[256] = name[0] != '\0' ? realloc(names, (*count + 1) * sizeof *names) : NULL;
        if (grown == NULL) {
            break;
        }
        names = grown;
        memcpy(names[(*count)++], name, sizeof name);
        observe_time(name, list->name, compact, rfc3339);
    }
    for (size_t i = 0; i < *count / 2; i++) {
        memcpy(name, names[i], sizeof name);
        memcpy(names[i], names[*count - 1 - i], sizeof name);
        memcpy(names[*count - 1 - i], name, sizeof name);
    }
    return names;
}

/* The file of the same TIME with another ending. */
static bool other_file(const struct watch_list *list, const char *name, const char *ending,
                       char out[static OBSERVE_PATH_MAX]) {
    int n = snprintf(out, OBSERVE_PATH_MAX, "%s/%.*s%s", list->keep,
                     (int)(strlen(list->name) + 1 + OBSERVE_TIME_SIZE), name, ending);
    return n > 0 && n < OBSERVE_PATH_MAX && access(out, F_OK) == 0;
}

static void observation_of(const struct run *run, const char *observed, struct observation *o) {
    const struct watch_list *list = run->list;
    observation_init(o);
    o->source = list->address;
    o->list = list->name;
    o->mapping_path = list->mapping;
    o->keep = list->keep;
    o->observed = observed;
    o->ori = list->ori;
    o->key_path = list->key;
    o->outbox = list->outbox;
    o->node = list->node;
}

/* A line in LIST.failures: that there was no list is a fact too. */
static void record_failure(struct run *run, const struct refusal *why) {
    char path[OBSERVE_PATH_MAX];
    char line[RECORD_MAX];
    snprintf(path, sizeof path, "%.3800s/%s.failures", run->list->keep, run->list->name);
    int n = snprintf(line, sizeof line, "%s %s\n", run->today, why->text);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || write(fd, line, (size_t)n) != n || fdatasync(fd) != 0) {
        fprintf(stderr, "dutylog watch: %s: %s\n", path, strerror(errno));
    }
    if (fd >= 0) {
        close(fd);
    }
    fail(run, why);
}

/* --- observing --- */

/* With each of the names whose file with the ending is not there. */
static void each_without(struct run *run, const char *ending, const char *lacking,
                         enum status (*work)(struct run *run, const char *name,
                                             struct refusal *why)) {
    char path[OBSERVE_PATH_MAX];
    size_t count = 0;
    char(*names)[256] = names_of(run->list, ending, &count);
    for (size_t i = 0; i < count; i++) {
        struct refusal why = {.text = ""};
        if (!other_file(run->list, names[i], lacking, path) &&
            work(run, names[i], &why) != STATUS_OK) {
            fail(run, &why);
        }
    }
    free(names);
}

/* A step of an observation that was begun, by one of its files' names. */
static enum status with_observation(struct run *run, const char *name,
                                    enum status (*step)(struct observation *o, struct refusal *why),
                                    struct refusal *why) {
    char compact[OBSERVE_TIME_SIZE + 1];
    char observed[21];
    struct observation *o = calloc(1, sizeof *o);
    if (o == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    observe_time(name, run->list->name, compact, observed);
    observation_of(run, observed, o);
    enum status status = observe_open(o, why);
    if (status == STATUS_OK) {
        status = step(o, why);
    }
    observation_release(o);
    free(o);
    return status;
}

/* The bytes are there, the rows are not: an earlier run ended between. */
static enum status complete(struct run *run, const char *name, struct refusal *why) {
    return with_observation(run, name, observe_rows, why);
}

/* What the newest observation was of: its time, "" if there is none, and its file's hash. */
static enum status read_newest(const struct run *run, char observed[static 21], struct hash *file,
                               struct refusal *why) {
    char name[256];
    char path[OBSERVE_PATH_MAX];
    struct buffer content;
    observed[0] = '\0';
    observe_newest(run->list->keep, run->list->name, ".rows", NULL, name);
    if (name[0] == '\0') {
        return STATUS_OK;
    }
    char compact[OBSERVE_TIME_SIZE + 1];
    observe_time(name, run->list->name, compact, observed);
    if (!other_file(run->list, name, ".json", path)) {
        return refuse(why, STATUS_NOT_FOUND,
                      "%s is missing: bring it back, or move all of its time away", path);
    }
    buffer_init(&content, 65536);
    enum status status = file_read(path, &content, why);
    json_t *root =
        status == STATUS_OK ? json_loadb((const char *)content.data, content.len, 0, NULL) : NULL;
    const char *hex = json_string_value(json_object_get(json_object_get(root, "open"), "file"));
    if (status == STATUS_OK && (hex == NULL || !bytes_hex_to_hash(bytes_text(hex), file))) {
        status = refuse(why, STATUS_BAD_FORM, "%s: it names no file", path);
    }
    json_decref(root);
    buffer_clear(&content);
    return status;
}

static enum status observe_new(struct run *run, struct bytes content, struct refusal *why) {
    struct observation *o = calloc(1, sizeof *o);
    if (o == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    observation_of(run, run->today, o);
    enum status status = observe_open(o, why);
    if (status == STATUS_OK) {
        status = observe_keep(o, content, why);
    }
    if (status == STATUS_OK) {
        status = observe_rows(o, why);
    }
    run->result->observed = status == STATUS_OK;
    observation_release(o);
    free(o);
    return status;
}

/* The list as it is now. The same bytes on the same day are the same observation; on another day
 * they are another. */
static enum status take_content(struct run *run, struct bytes content, struct refusal *why) {
    char before[21];
    struct hash file;
    struct hash now;
    TRY(read_newest(run, before, &file, why));
    hash_of(content.data, content.len, &now);
    bool same = before[0] != '\0' && hash_equal(&file, &now);
    if (before[0] != '\0' && strcmp(before, run->today) > 0) {
        return refuse(why, STATUS_CLOCK,
                      "the clock says %s, and the newest observation is of %s: set the clock",
                      run->today, before);
    }
    if (before[0] != '\0' && strcmp(before, run->today) == 0 && !same) {
        return refuse(why, STATUS_BUSY, "it has changed within this second: run again");
    }
    bool again = same && strncmp(before, run->today, 10) == 0;
    json_object_set_new(run->result->json, "again", json_boolean(again));
    json_object_set_new(run->result->json, "identical", json_boolean(same));
    return again ? STATUS_OK : observe_new(run, content, why);
}

static void observe_now(struct run *run) {
    struct buffer content;
    struct refusal why = {.text = ""};
    buffer_init(&content, ROWS_FILE_MAX);
    cli_time((uint64_t)time(NULL), run->today);
    enum status status = observe_fetch(run->list->address, &content, &why);
    if (status == STATUS_OK) {
        status = take_content(run, buffer_view(&content), &why);
    }
    buffer_clear(&content);
    if (status != STATUS_OK) {
        record_failure(run, &why);
    }
}

/* The roster of a day belongs to that day: only the newest observation's is fetched. */
static enum status keep_roster(struct run *run, struct refusal *why) {
    const struct watch_list *list = run->list;
    char name[256];
    char path[OBSERVE_PATH_MAX];
    char from[OBSERVE_PATH_MAX];
    char compact[OBSERVE_TIME_SIZE + 1];
    char observed[21];
    struct buffer content;
    observe_newest(list->keep, list->name, ".rows", NULL, name);
    if (list->roster == NULL || name[0] == '\0' || other_file(list, name, ".roster", path)) {
        return STATUS_OK;
    }
    observe_time(name, list->name, compact, observed);
    if (strncmp(observed, run->today, 10) != 0) {
        return STATUS_OK;
    }
    snprintf(from, sizeof from, "%s", list->roster);
    if (list->roster_list != NULL) {
        const struct watch_list *other = list->roster_list;
        observe_newest(other->keep, other->name, ".rows", NULL, name);
        if (name[0] == '\0' || !other_file(other, name, ".source", from)) {
            return refuse(why, STATUS_NOT_FOUND, "the roster: %s was not observed yet",
                          other->name);
        }
    }
    buffer_init(&content, ROWS_FILE_MAX);
    enum status status = observe_fetch(from, &content, why);
    if (status == STATUS_OK) {
        status = file_write(path, buffer_view(&content), why);
    }
    buffer_clear(&content);
    return status;
}

/* --- the log --- */

static enum status load_and_sign(struct observation *o, struct refusal *why) {
    rows_close(&o->rows);
    rows_init(&o->rows);
    TRY(observe_load(o, why));
    return observe_sign(o, why);
}

static enum status sign(struct run *run, const char *name, struct refusal *why) {
    return with_observation(run, name, load_and_sign, why);
}

static enum status send(struct run *run, struct refusal *why) {
    struct sending s = {.node = run->list->node, .wait_s = RECEIPT_WAIT_S, .quiet = true};
    if (fetcher_open(&s.fetcher) != STATUS_OK) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    enum status status = send_outbox(&s, run->list->outbox, why);
    fetcher_close(s.fetcher);
    run->result->pending = s.pending > 0;
    return status;
}

static void log_all(struct run *run) {
    struct refusal why = {.text = ""};
    bool failed = run->result->failed;
    run->result->failed = false;
    each_without(run, ".rows", ".place", sign);
    /* A node that did not say where an event stands takes none: nobody waits for it. */
    if (!run->result->failed && send(run, &why) != STATUS_OK) {
        fail(run, &why);
    }
    run->result->failed = run->result->failed || failed;
}

/* --- all --- */

static enum status compare_one(struct run *run, const char *name, struct refusal *why) {
    char compact[OBSERVE_TIME_SIZE + 1];
    char observed[21];
    observe_time(name, run->list->name, compact, observed);
    if (run->out != NULL) {
        fprintf(run->out, "%s%s, observed %s\n", run->told ? "\n" : "", run->list->name, observed);
        run->told = true;
    }
    return watch_compare(run->list, name, run->out, run->result, why);
}

/* What is left of earlier days, and the newest in any case. */
static void compare_all(struct run *run) {
    char name[256];
    char path[OBSERVE_PATH_MAX];
    struct refusal why = {.text = ""};
    observe_newest(run->list->keep, run->list->name, ".rows", NULL, name);
    bool done = name[0] != '\0' && other_file(run->list, name, ".reconciled", path);
    each_without(run, ".rows", ".reconciled", compare_one);
    if (done && compare_one(run, name, &why) != STATUS_OK) {
        fail(run, &why);
    }
}

static int lock(const struct watch_list *list, struct refusal *why) {
    char path[OBSERVE_PATH_MAX];
    if (file_make_folder(list->keep, why) != STATUS_OK) {
        return -1;
    }
    snprintf(path, sizeof path, "%.3800s/%s.lock", list->keep, list->name);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0) {
        (void)refuse(why, fd < 0 ? STATUS_IO : STATUS_STORE_IN_USE, "%s: %s", path,
                     fd < 0 ? strerror(errno)
                            : "another run is at this list: wait until it is done");
        if (fd >= 0) {
            close(fd);
        }
        return -1;
    }
    return fd;
}

void watch_list_run(const struct watch_list *list, FILE *out, struct watch_result *result) {
    struct run run = {.list = list, .out = out, .result = result};
    struct refusal why = {.text = ""};
    memset(result, 0, sizeof *result);
    result->json = json_pack("{s:s, s:[], s:[]}", "list", list->name, "compared", "failures");
    int fd = lock(list, &why);
    if (fd < 0) {
        fail(&run, &why);
        return;
    }
    each_without(&run, ".source", ".rows", complete);
    observe_now(&run);
    if (keep_roster(&run, &why) != STATUS_OK) {
        fail(&run, &why);
    }
    if (list->key != NULL) {
        log_all(&run);
    }
    compare_all(&run);
    json_object_set_new(result->json, "pending", json_boolean(result->pending));
    json_object_set_new(result->json, "observed", json_boolean(result->observed));
    close(fd); /* the lock goes with it */
}

void watch_result_release(struct watch_result *result) {
    json_decref(result->json);
    result->json = NULL;
}
