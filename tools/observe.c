#include "tools/observe.h"

#include "crypto/encoding.h"
#include "ledger/json.h"
#include "net/file.h"
#include "tools/cli.h"
#include "tools/fetch.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FETCH_TIMEOUT_MS 300000
#define KIND_NAME "list.observed"

void observation_init(struct observation *o) {
    memset(o, 0, sizeof *o);
    o->keep = ".";
    rows_init(&o->rows);
}

void observation_release(struct observation *o) {
    rows_close(&o->rows);
    list_map_close(&o->map);
    members_release(&o->members);
}

/* --- names --- */

enum status observe_path(const struct observation *o, const char *ending,
                         char out[static OBSERVE_PATH_MAX], struct refusal *why) {
    int n = snprintf(out, OBSERVE_PATH_MAX, "%s%s", o->base, ending);
    return n > 0 && n < OBSERVE_PATH_MAX ? STATUS_OK
                                         : refuse(why, STATUS_TOO_LARGE, "the name is too long");
}

static bool is_there(const struct observation *o, const char *ending) {
    char path[OBSERVE_PATH_MAX];
    struct refusal why;
    return observe_path(o, ending, path, &why) == STATUS_OK && access(path, F_OK) == 0;
}

void observe_newest(const char *keep, const char *list, const char *ending, const char *before,
                    char out[static 256]) {
    DIR *folder = opendir(keep);
    size_t len = strlen(list);
    size_t time_end = len + 1 + OBSERVE_TIME_SIZE;
    out[0] = '\0';
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        const char *name = entry->d_name;
        size_t size = strlen(name);
        bool ours = size == time_end + strlen(ending) && strncmp(name, list, len) == 0 &&
                    name[len] == '-' && strcmp(name + time_end, ending) == 0;
        bool early =
            ours && (before == NULL || strncmp(name + len + 1, before, OBSERVE_TIME_SIZE) < 0);
        if (early && strcmp(name, out) > 0 && size < 256) {
            memcpy(out, name, size + 1);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

void observe_time(const char *name, const char *list, char compact[static OBSERVE_TIME_SIZE + 1],
                  char rfc3339[static 21]) {
    const char *t = name + strlen(list) + 1;
    assert(strlen(t) >= OBSERVE_TIME_SIZE);
    memcpy(compact, t, OBSERVE_TIME_SIZE);
    compact[OBSERVE_TIME_SIZE] = '\0';
    snprintf(rfc3339, 21, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", t, t + 4, t + 6, t + 9, t + 11, t + 13);
}

/* 2023-09-01T00:00:00Z as 20230901T000000Z: names sort by time, and have no colon. */
static void compact_of(const char *rfc3339, char out[static OBSERVE_TIME_SIZE + 1]) {
    size_t len = 0;
    for (const char *c = rfc3339; *c != '\0' && len < OBSERVE_TIME_SIZE; c++) {
        if (*c != '-' && *c != ':') {
            out[len++] = *c;
        }
    }
    out[len] = '\0';
}

/* --- what it is --- */

static enum status set(struct observation *o, const char *name, const char *value,
                       struct refusal *why) {
    char assignment[2048];
    int n = snprintf(assignment, sizeof assignment, "%s=%s", name, value);
    return n > 0 && (size_t)n < sizeof assignment
               ? members_set(&o->members, assignment, false, why)
               : refuse(why, STATUS_TOO_LARGE, "%s: too long", name);
}

static enum status set_hash(struct observation *o, const char *name, const struct hash *hash,
                            struct refusal *why) {
    char hex[HEX_LEN(HASH_SIZE) + 1];
    hex_encode(hex, hash->bytes, HASH_SIZE);
    hex[HEX_LEN(HASH_SIZE)] = '\0';
    return set(o, name, hex, why);
}

bool observe_is_address(const char *text) {
    return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
}

/* The address of a file is its name, without its folder; what an address may not have, as %XX. */
static enum status set_address(struct observation *o, struct refusal *why) {
    char text[1100] = "file:";
    size_t len = 5;
    if (o->address != NULL || observe_is_address(o->source)) {
        return set(o, "address", o->address != NULL ? o->address : o->source, why);
    }
    const char *slash = strrchr(o->source, '/');
    for (const char *c = slash != NULL ? slash + 1 : o->source; *c != '\0' && len < 1024; c++) {
        bool plain = *c > ' ' && *c < 0x7f && *c != '%';
        len += (size_t)snprintf(text + len, 4, plain ? "%c" : "%%%02X", (unsigned char)*c);
    }
    return set(o, "address", text, why);
}

/* All that is known before the list is read, so that a wrong option stops before the work. */
static enum status describe(struct observation *o, struct refusal *why) {
    char now[21];
    char compact[OBSERVE_TIME_SIZE + 1];
    const struct kind *kind = kind_find(KIND_NAME, strlen(KIND_NAME));
    cli_time((uint64_t)time(NULL), now);
    TRY(members_init(&o->members, kind));
    TRY(set(o, "list", o->list, why));
    TRY(set(o, "observed", o->observed != NULL ? o->observed : now, why));
    TRY(set_address(o, why));
    if (o->ori != NULL) {
        TRY(set(o, "ori", o->ori, why));
    }
    const char *observed = json_string_value(json_object_get(o->members.open, "observed"));
    const char *address = json_string_value(json_object_get(o->members.open, "address"));
    snprintf(o->rows.about.list, sizeof o->rows.about.list, "%s", o->list);
    snprintf(o->rows.about.observed, sizeof o->rows.about.observed, "%s", observed);
    snprintf(o->rows.about.address, sizeof o->rows.about.address, "%s", address);
    compact_of(observed, compact);
    int n = snprintf(o->base, sizeof o->base, "%s/%s-%s", o->keep, o->list, compact);
    return n > 0 && (size_t)n < sizeof o->base - 16
               ? STATUS_OK
               : refuse(why, STATUS_TOO_LARGE, "--keep: the name is too long");
}

enum status observe_open(struct observation *o, struct refusal *why) {
    TRY(list_map_open(o->mapping_path, &o->map, why));
    TRY(describe(o, why));
    return file_make_folder(o->keep, why);
}

/* --- reading --- */

static enum status fetch_address(const char *source, struct buffer *out, struct refusal *why) {
    struct fetcher *fetcher = NULL;
    const struct fetched *answer = NULL;
    char base[1100];
    const char *host = strstr(source, "://") + 3;
    size_t len = strcspn(host, "/") + (size_t)(host - source);
    if (len >= sizeof base) {
        return refuse(why, STATUS_BAD_FORM, "%.60s...: the address is too long", source);
    }
    memcpy(base, source, len);
    base[len] = '\0';
    struct fetch_request request = {.base = base,
                                    .path = source[len] != '\0' ? source + len : "/",
                                    .response_max = out->max,
                                    .timeout_ms = FETCH_TIMEOUT_MS};
    if (fetcher_open(&fetcher) != STATUS_OK) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    enum status status = fetch(fetcher, &request, &answer, why);
    if (status == STATUS_OK && answer->location[0] != '\0') {
        status = refuse(why, STATUS_NOT_FOUND,
                        "%s: the answer is %u, and leads to %s: name that address, if it is right",
                        source, answer->http, answer->location);
    } else if (status == STATUS_OK && answer->http != 200) {
        status =
            refuse(why, answer->http == 404 || answer->http == 410 ? STATUS_NOT_FOUND : STATUS_IO,
                   "%s: the answer is %u: the list is not there as it was, and nothing was "
                   "recorded",
                   source, answer->http);
    }
    if (status == STATUS_OK && buffer_append(out, buffer_view(&answer->body)) != STATUS_OK) {
        status = refuse(why, STATUS_NOMEM, "out of memory");
    }
    fetcher_close(fetcher);
    return status;
}

enum status observe_fetch(const char *source, struct buffer *out, struct refusal *why) {
    return observe_is_address(source) ? fetch_address(source, out, why)
                                      : file_read(source, out, why);
}

enum status observe_keep(const struct observation *o, struct bytes content, struct refusal *why) {
    char path[OBSERVE_PATH_MAX];
    if (is_there(o, ".rows")) {
        return refuse(why, STATUS_CONFLICT_USED,
                      "%s.rows is there already: this list was observed at this time", o->base);
    }
    TRY(observe_path(o, ".source", path, why));
    return file_write(path, content, why); /* over what a run left that ended here */
}

/* How many rows there were the time before. A file that is damaged stops nothing. */
static void count_before(struct observation *o) {
    char compact[OBSERVE_TIME_SIZE + 1];
    char path[OBSERVE_PATH_MAX];
    struct refusal why = {.text = ""};
    compact_of(o->rows.about.observed, compact);
    observe_newest(o->keep, o->list, ".rows", compact, o->before_name);
    if (o->before_name[0] == '\0') {
        return;
    }
    snprintf(path, sizeof path, "%.3800s/%s", o->keep, o->before_name);
    o->has_before = rows_count(path, &o->before, &why) == STATUS_OK;
    if (!o->has_before) {
        fprintf(stderr, "dutylog: LOOK AT THIS: %s\n", why.text);
    }
}

static void tell_dirty(void *context, uint64_t line, const char *reason) {
    struct observation *o = context;
    if (++o->dirty <= OBSERVE_DIRTY_SHOWN) {
        cli_progress_end();
        fprintf(stderr, "%s, line %llu: %s\n", o->source, (unsigned long long)line, reason);
    }
}

/* A list that is none, as far as the mapping goes: the bytes are kept, and nobody tries them again.
 */
static void set_aside(const struct observation *o, const char *source) {
    char refused[OBSERVE_PATH_MAX];
    struct refusal why;
    if (observe_path(o, ".refused", refused, &why) == STATUS_OK && rename(source, refused) != 0) {
        fprintf(stderr, "%s: cannot be renamed: %s\n", source, strerror(errno));
    }
}

static enum status write_members(const struct observation *o, struct refusal *why) {
    char path[OBSERVE_PATH_MAX];
    TRY(observe_path(o, ".json", path, why));
    json_t *draft = json_pack("{s:O}", "open", o->members.open);
    char *text = draft != NULL ? json_dumps(draft, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL;
    json_decref(draft);
    enum status status = text != NULL ? file_write(path, bytes_text(text), why)
                                      : refuse(why, STATUS_NOMEM, "out of memory");
    free(text);
    return status;
}

static enum status write_rows(struct observation *o, struct refusal *why) {
    char rows[OBSERVE_PATH_MAX];
    char count[24];
    snprintf(count, sizeof count, "%zu", o->rows.count);
    TRY(observe_path(o, ".rows", rows, why));
    TRY(set(o, "count", count, why));
    TRY(set_hash(o, "file", &o->rows.about.file, why));
    TRY(set_hash(o, "keys", &o->rows.about.keys, why));
    TRY(set_hash(o, "mapping", &o->rows.mapping, why));
    TRY(set_hash(o, "root", &o->rows.about.root, why));
    TRY(write_members(o, why));
    return rows_write(&o->rows, rows, why);
}

enum status observe_rows(struct observation *o, struct refusal *why) {
    char source[OBSERVE_PATH_MAX];
    struct refusal reason = {.text = ""};
    TRY(observe_path(o, ".source", source, why));
    count_before(o);
    enum status status = rows_of_csv(&o->rows, source, &o->map, tell_dirty, o, &reason);
    if (status == STATUS_BAD_FORM || status == STATUS_TOO_LARGE) {
        set_aside(o, source);
        return refuse(why, status, "%s: %s", o->source,
                      strncmp(reason.text, source, strlen(source)) == 0
                          ? reason.text + strlen(source) + 2
                          : reason.text);
    }
    if (status != STATUS_OK) {
        return refuse(why, status, "%s", reason.text);
    }
    if (o->dirty > OBSERVE_DIRTY_SHOWN) {
        fprintf(stderr, "%s: and %zu lines more\n", o->source, o->dirty - OBSERVE_DIRTY_SHOWN);
    }
    TRY(write_rows(o, why));
    if (o->before > 0 && o->rows.count * 2 <= o->before) {
        fprintf(stderr,
                "dutylog: LOOK AT THIS: %s has %zu rows, and had %zu (%s). It is recorded as it "
                "is;\n"
                "         dutylog reconcile names what is gone\n",
                o->list, o->rows.count, o->before, o->before_name);
    }
    return STATUS_OK;
}

enum status observe_load(struct observation *o, struct refusal *why) {
    char path[OBSERVE_PATH_MAX];
    TRY(observe_path(o, ".json", path, why));
    TRY(members_from_file(&o->members, path, why));
    TRY(observe_path(o, ".rows", path, why));
    return rows_read(&o->rows, path, why);
}

/* --- all --- */

enum status observe(struct observation *o, struct refusal *why) {
    struct buffer content;
    struct refusal reason = {.text = ""};
    TRY(observe_open(o, why));
    buffer_init(&content, ROWS_FILE_MAX);
    enum status status = observe_fetch(o->source, &content, why);
    if (status == STATUS_OK) {
        status = observe_keep(o, buffer_view(&content), why);
    }
    buffer_clear(&content);
    TRY(status);
    TRY(observe_rows(o, why));
    if (o->key_path == NULL) {
        return STATUS_OK;
    }
    status = observe_sign(o, &reason);
    return status == STATUS_OK
               ? STATUS_OK
               : refuse(why, status, "%s.rows is kept, and not signed: %s", o->base, reason.text);
}

/* --- telling --- */

static void print_hash(const char *what, const struct hash *hash) {
    char hex[HEX_LEN(HASH_SIZE)];
    hex_encode(hex, hash->bytes, HASH_SIZE);
    printf("%-9s %.*s\n", what, (int)sizeof hex, hex);
}

void observation_print(const struct observation *o, bool json) {
    if (json) {
        json_t *line = json_pack("{s:O, s:s, s:I, s:s}", "members", o->members.open, "rows",
                                 o->base, "dirty", (json_int_t)o->dirty, "event", o->event_path);
        if (line != NULL && o->has_before) {
            json_object_set_new(line, "before", json_integer((json_int_t)o->before));
        }
        char *text = line != NULL ? json_dumps(line, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
        puts(text != NULL ? text : "{\"error\":\"out of memory\"}");
        free(text);
        json_decref(line);
        return;
    }
    printf("%-9s %s, observed %s\n", "list", o->list, o->rows.about.observed);
    printf("%-9s %zu", "rows", o->rows.count);
    if (o->has_before) {
        printf(", %zu the time before", o->before);
    }
    putchar('\n');
    print_hash("root", &o->rows.about.root);
    print_hash("file", &o->rows.about.file);
    printf("%-9s %s.rows\n", "kept", o->base);
    if (o->event_path[0] != '\0') {
        printf("%-9s %s\n", "event", o->event_path);
    }
}
