#include "tools/observe.h"

#include "crypto/encoding.h"
#include "ledger/json.h"
#include "net/file.h"
#include "net/keyfile.h"
#include "tools/cli.h"
#include "tools/fetch.h"
#include "tools/make_event.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

static bool is_address(const char *text) {
    return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
}

/* The address of a file is its name, without its folder. */
static enum status set_address(struct observation *o, struct refusal *why) {
    char text[1100];
    if (o->address != NULL || is_address(o->source)) {
        return set(o, "address", o->address != NULL ? o->address : o->source, why);
    }
    const char *slash = strrchr(o->source, '/');
    snprintf(text, sizeof text, "file:%s", slash != NULL ? slash + 1 : o->source);
    return set(o, "address", text, why);
}

/* All that is known before the list is read, so that a wrong option stops before the work. */
static enum status describe(struct observation *o, struct refusal *why) {
    char now[21];
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
    /* 2023-09-01T00:00:00Z as 20230901T000000Z: names sort by time, and have no colon. */
    char compact[21];
    size_t len = 0;
    for (const char *c = observed; *c != '\0'; c++) {
        if (*c != '-' && *c != ':') {
            compact[len++] = *c;
        }
    }
    compact[len] = '\0';
    int n = snprintf(o->base, sizeof o->base, "%s/%s-%s", o->keep, o->list, compact);
    return n > 0 && (size_t)n < sizeof o->base - 16
               ? STATUS_OK
               : refuse(why, STATUS_TOO_LARGE, "--keep: the name is too long");
}

static enum status path_of(const struct observation *o, const char *ending,
                           char out[static OBSERVE_PATH_MAX], struct refusal *why) {
    int n = snprintf(out, OBSERVE_PATH_MAX, "%s%s", o->base, ending);
    return n > 0 && n < OBSERVE_PATH_MAX ? STATUS_OK
                                         : refuse(why, STATUS_TOO_LARGE, "the name is too long");
}

/* --- the observation before --- */

/* The newest of this list's files with the ending; "" if there is none. */
static void find_newest(const struct observation *o, const char *ending, char out[static 256]) {
    DIR *folder = opendir(o->keep);
    size_t list = strlen(o->list);
    out[0] = '\0';
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        const char *name = entry->d_name;
        size_t len = strlen(name);
        /* LIST-YYYYMMDDThhmmssZ */
        bool ours = strncmp(name, o->list, list) == 0 && name[list] == '-' &&
                    len == list + 17 + strlen(ending) && strcmp(name + list + 17, ending) == 0;
        if (ours && strcmp(name, out) > 0 && len < 256) {
            memcpy(out, name, len + 1);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
}

static enum status read_before(struct observation *o, struct refusal *why) {
    char name[256];
    char path[OBSERVE_PATH_MAX];
    struct rows *before = calloc(1, sizeof *before);
    if (before == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    find_newest(o, ".rows", o->before_name);
    rows_init(before);
    enum status status = STATUS_OK;
    if (o->before_name[0] != '\0') {
        snprintf(path, sizeof path, "%.3800s/%s", o->keep, o->before_name);
        status = rows_read(before, path, why);
        o->has_before = status == STATUS_OK;
        o->before = before->count;
    }
    rows_close(before);
    free(before);
    TRY(status);
    find_newest(o, ".place", name);
    if (o->key_path == NULL || name[0] == '\0') {
        return STATUS_OK;
    }
    struct buffer place;
    buffer_init(&place, 4096);
    snprintf(path, sizeof path, "%.3800s/%s", o->keep, name);
    status = file_read(path, &place, why);
    if (status == STATUS_OK) {
        status = buffer_append(&place, bytes_of("", 1));
    }
    if (status == STATUS_OK) {
        status = set(o, "previous", (const char *)place.data, why);
    }
    buffer_clear(&place);
    return status;
}

/* --- reading --- */

static enum status fetch_source(struct observation *o, const char *path, struct refusal *why) {
    struct fetcher *fetcher = NULL;
    const struct fetched *answer = NULL;
    char base[1100];
    const char *host = strstr(o->source, "://") + 3;
    size_t len = strcspn(host, "/") + (size_t)(host - o->source);
    if (len >= sizeof base) {
        return refuse(why, STATUS_BAD_FORM, "%.60s...: the address is too long", o->source);
    }
    memcpy(base, o->source, len);
    base[len] = '\0';
    struct fetch_request request = {.base = base,
                                    .path = o->source[len] != '\0' ? o->source + len : "/",
                                    .response_max = ROWS_FILE_MAX,
                                    .timeout_ms = FETCH_TIMEOUT_MS};
    TRY(fetcher_open(&fetcher));
    enum status status = fetch(fetcher, &request, &answer, why);
    if (status == STATUS_OK && answer->http != 200) {
        status =
            refuse(why, answer->http == 404 || answer->http == 410 ? STATUS_NOT_FOUND : STATUS_IO,
                   "%s: the answer is %u: the list is not there as it was, and nothing was "
                   "recorded",
                   o->source, answer->http);
    }
    if (status == STATUS_OK) {
        status = file_create(path, buffer_view(&answer->body), why);
    }
    fetcher_close(fetcher);
    return status;
}

static void tell_dirty(void *context, uint64_t line, const char *reason) {
    struct observation *o = context;
    if (++o->dirty <= OBSERVE_DIRTY_SHOWN) {
        fprintf(stderr, "%s, line %llu: %s\n", o->source, (unsigned long long)line, reason);
    }
}

static enum status read_rows(struct observation *o, struct refusal *why) {
    char source[OBSERVE_PATH_MAX];
    char rows[OBSERVE_PATH_MAX];
    char members[OBSERVE_PATH_MAX];
    bool fetched = is_address(o->source);
    TRY(path_of(o, ".source", source, why));
    TRY(path_of(o, ".rows", rows, why));
    TRY(path_of(o, ".json", members, why));
    if (fetched) {
        TRY(fetch_source(o, source, why));
    }
    TRY(rows_of_csv(&o->rows, fetched ? source : o->source, &o->map, tell_dirty, o, why));
    if (o->dirty > OBSERVE_DIRTY_SHOWN) {
        fprintf(stderr, "%s: and %zu lines more\n", o->source, o->dirty - OBSERVE_DIRTY_SHOWN);
    }
    char count[24];
    snprintf(count, sizeof count, "%zu", o->rows.count);
    TRY(set(o, "count", count, why));
    TRY(set_hash(o, "file", &o->rows.about.file, why));
    TRY(set_hash(o, "keys", &o->rows.about.keys, why));
    TRY(set_hash(o, "mapping", &o->rows.mapping, why));
    TRY(set_hash(o, "root", &o->rows.about.root, why));
    TRY(rows_write(&o->rows, rows, why));
    json_t *draft = json_pack("{s:O}", "open", o->members.open);
    char *text = draft != NULL ? json_dumps(draft, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL;
    json_decref(draft);
    enum status status = text != NULL ? file_create(members, bytes_text(text), why)
                                      : refuse(why, STATUS_NOMEM, "out of memory");
    free(text);
    return status;
}

/* --- signing --- */

static enum status write_place(const struct observation *o, const struct place *place, uint64_t seq,
                               struct bytes issuer, struct refusal *why) {
    char path[OBSERVE_PATH_MAX];
    char text[1024];
    char hex[HEX_LEN(HASH_SIZE)];
    hex_encode(hex, place->prev.bytes, HASH_SIZE); /* the place has moved on: its prev is ours */
    snprintf(text, sizeof text, "{\"id\":\"%.*s\",\"issuer\":\"%.*s\",\"log\":\"%s\",\"seq\":%llu}",
             (int)sizeof hex, hex, (int)issuer.len, (const char *)issuer.data, place->log,
             (unsigned long long)seq);
    TRY(path_of(o, ".place", path, why));
    return file_create(path, bytes_text(text), why);
}

static enum status sign_into(struct observation *o, struct outbox *outbox,
                             const struct signer *signer, struct refusal *why) {
    struct place place = {.seq = 0};
    struct bytes issuer = vkey_name(&signer->vkey);
    const struct signer *signers[1] = {signer};
    char base[OUTBOX_PATH_MAX];
    TRY(place_from_node(&place, o->node, issuer, why));
    TRY(place_from_outbox(&place, outbox, issuer, why));
    if (place.seq == 0) {
        place.seq = 1;
    }
    uint64_t seq = place.seq;
    TRY(make_event_into(outbox, &place, KIND_NAME, o->members.open, signers, 1, why));
    TRY(outbox_base(outbox, issuer, seq, base, why));
    snprintf(o->event_path, sizeof o->event_path, "%.4000s.event", base);
    return write_place(o, &place, seq, issuer, why);
}

static enum status sign_observation(struct observation *o, struct refusal *why) {
    struct signer signer;
    struct outbox outbox = {.lock = -1};
    TRY(keyfile_read(o->key_path, &signer, why));
    enum status status = outbox_open(&outbox, o->outbox, why);
    if (status == STATUS_OK) {
        status = sign_into(o, &outbox, &signer, why);
    }
    outbox_close(&outbox);
    signer_wipe(&signer);
    return status;
}

enum status observe(struct observation *o, struct refusal *why) {
    TRY(list_map_open(o->mapping_path, &o->map, why));
    TRY(describe(o, why));
    TRY(file_make_folder(o->keep, why));
    TRY(read_before(o, why));
    TRY(read_rows(o, why));
    if (o->has_before && o->rows.count * 2 <= o->before) {
        fprintf(stderr,
                "dutylog: LOOK AT THIS: %s has %zu rows, and had %zu (%s). It is recorded as it "
                "is;\n"
                "         dutylog reconcile names what is gone\n",
                o->list, o->rows.count, o->before, o->before_name);
    }
    return o->key_path != NULL ? sign_observation(o, why) : STATUS_OK;
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
