/* What became of a list since the time before: told, kept, proved. */
#include "crypto/encoding.h"
#include "net/file.h"
#include "tools/outbox.h"
#include "tools/prove.h"
#include "tools/watch.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHOWN 50

struct comparison {
    const struct watch_list *list;
    FILE *out; /* NULL: none */
    struct list_map map;
    struct rows rows[2];
    char compact[2][OBSERVE_TIME_SIZE + 1]; /* the TIMEs */
    char observed[2][21];
    struct roster roster;
    bool has_roster;
    struct tally tally;
    json_t *alerts;           /* rows */
    json_t *proofs;           /* paths */
    struct reconciled *found; /* absent rows that a find names; they borrow from rows[0] */
    size_t found_count;
    size_t shown;    /* rows printed, or left out for their number */
    bool unfinished; /* a receipt is missing, or the roster: the next run goes on */
};

/* --- reading --- */

static enum status file_of(const struct comparison *c, int side, const char *ending,
                           char out[static OBSERVE_PATH_MAX], struct refusal *why) {
    int n = snprintf(out, OBSERVE_PATH_MAX, "%s/%s-%s%s", c->list->keep, c->list->name,
                     c->compact[side], ending);
    return n > 0 && n < OBSERVE_PATH_MAX ? STATUS_OK
                                         : refuse(why, STATUS_TOO_LARGE, "the name is too long");
}

static enum status read_roster(struct comparison *c, struct refusal *why) {
    char path[OBSERVE_PATH_MAX];
    if (c->list->roster == NULL) {
        return STATUS_OK;
    }
    TRY(file_of(c, 1, ".roster", path, why));
    if (access(path, F_OK) != 0) {
        char newest[256];
        observe_newest(c->list->keep, c->list->name, ".rows", NULL, newest);
        c->unfinished = strstr(newest, c->compact[1]) != NULL;
        return STATUS_OK; /* it can not be had any more, or is tried again */
    }
    TRY(roster_read(&c->roster, path, c->list->roster_column, &c->map, why));
    c->has_roster = c->roster.count > 0;
    if (!c->has_roster) {
        fprintf(stderr,
                "dutylog: LOOK AT THIS: the roster of %s names nobody: who left is not known\n",
                c->list->name);
    }
    return STATUS_OK;
}

static enum status read_all(struct comparison *c, struct refusal *why) {
    char path[OBSERVE_PATH_MAX];
    TRY(list_map_open(c->list->mapping, &c->map, why));
    for (int side = 0; side < 2; side++) {
        TRY(file_of(c, side, ".rows", path, why));
        TRY(rows_read(&c->rows[side], path, why));
    }
    if (!hash_equal(&c->rows[0].about.keys, &c->rows[1].about.keys) ||
        !hash_equal(&c->rows[1].about.keys, &c->map.keys_id)) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "%s: the keys of %s and of %s were made by different rules: they cannot be "
                      "compared",
                      c->list->name, c->observed[0], c->observed[1]);
    }
    TRY(read_roster(c, why));
    c->found = calloc(c->rows[0].count + 1, sizeof *c->found);
    return c->found != NULL ? STATUS_OK : refuse(why, STATUS_NOMEM, "out of memory");
}

/* --- rows --- */

/* The first of the list's finds that names the row; NULL: none. */
static const char *find_of(const struct comparison *c, struct bytes leaf) {
    for (size_t i = 0; i < c->list->find_count; i++) {
        if (list_map_finds(&c->map, c->list->finds[i], list_prefix(leaf))) {
            return c->list->finds[i];
        }
    }
    return NULL;
}

static void take_row(void *context, const struct reconciled *row) {
    struct comparison *c = context;
    unsigned alerts = c->list->alerts;
    bool absent = row->fate == FATE_ABSENT;
    const char *find = absent ? find_of(c, row->old) : NULL;
    bool alert = (absent && (alerts & WATCH_ABSENT) != 0) ||
                 (find != NULL && (alerts & WATCH_FOUND) != 0) ||
                 (absent && row->serving != SERVING_NO && (alerts & WATCH_SERVING) != 0) ||
                 (row->fate == FATE_LOWER && (alerts & WATCH_LOWER) != 0);
    tally_add(&c->tally, row);
    if (find != NULL) {
        c->found[c->found_count++] = *row;
    }
    if (!alert) {
        return;
    }
    json_t *item = reconciled_json(row);
    if (item != NULL && find != NULL) {
        json_object_set_new(item, "find", json_string(find));
    }
    json_array_append_new(c->alerts, item);
    if (c->out != NULL && find == NULL && c->shown++ < SHOWN) {
        reconciled_print(c->out, row);
    }
}

/* The counts, then the rows that are looked for: of many rows, they are not to be lost. */
static void print_counts(const struct comparison *c) {
    if (c->out == NULL) {
        return;
    }
    if (c->shown > SHOWN) {
        fprintf(c->out, "and %zu rows more: dutylog reconcile lists them\n", c->shown - SHOWN);
    }
    fprintf(c->out, "since   %s, of %zu rows%s\n", c->observed[0], c->rows[0].count,
            hash_equal(&c->rows[0].about.file, &c->rows[1].about.file) ? ": the same file" : "");
    tally_print(c->out, &c->tally, true, c->has_roster);
    for (size_t i = 0; i < c->found_count; i++) {
        fprintf(c->out, "%s%s:\n", i == 0 ? "\n" : "", find_of(c, c->found[i].old));
        reconciled_print(c->out, &c->found[i]);
    }
}

/* --- proofs --- */

/* The receipt of the side's event; false: none yet. */
static bool find_receipt(const struct comparison *c, int side,
                         char out[static OUTBOX_PATH_MAX + 16]) {
    char path[OBSERVE_PATH_MAX];
    char base[OUTBOX_PATH_MAX];
    struct outbox outbox = {.lock = -1};
    struct buffer file;
    struct refusal why;
    buffer_init(&file, 4096);
    bool good = file_of(c, side, ".place", path, &why) == STATUS_OK &&
                file_read(path, &file, &why) == STATUS_OK;
    json_t *place = good ? json_loadb((const char *)file.data, file.len, 0, NULL) : NULL;
    const char *issuer = json_string_value(json_object_get(place, "issuer"));
    json_int_t seq = json_integer_value(json_object_get(place, "seq"));
    snprintf(outbox.folder, sizeof outbox.folder, "%s", c->list->outbox);
    good = issuer != NULL && seq > 0 &&
           outbox_base(&outbox, bytes_text(issuer), (uint64_t)seq, base, &why) == STATUS_OK;
    if (good) {
        snprintf(out, OUTBOX_PATH_MAX + 16, "%s.receipt", base);
    }
    json_decref(place);
    buffer_clear(&file);
    return good && access(out, F_OK) == 0;
}

static enum status proof_path(const struct comparison *c, struct bytes leaf,
                              char out[static OBSERVE_PATH_MAX], struct refusal *why) {
    char ending[32];
    char hex[16];
    struct hash hash;
    struct bytes prefix = list_prefix(leaf);
    hash_of(prefix.data, prefix.len, &hash);
    hex_encode(hex, hash.bytes, sizeof hex / 2);
    snprintf(ending, sizeof ending, "-%.16s.absence", hex);
    return file_of(c, 1, ending, out, why);
}

static enum status prove_row(struct comparison *c, struct bytes leaf, const char *const receipts[2],
                             struct watch_result *result, struct refusal *why) {
    char path[OBSERVE_PATH_MAX];
    struct refusal reason = {.text = ""};
    TRY(proof_path(c, leaf, path, why));
    if (access(path, F_OK) != 0) {
        enum status status = prove_absence(&c->rows[0], &c->rows[1], leaf, receipts, path, &reason);
        if (status == STATUS_BAD_MEMBER) { /* another row of its key is there still */
            return STATUS_OK;
        }
        if (status != STATUS_OK) {
            return refuse(why, status, "%s", reason.text);
        }
        result->proofs++;
    }
    if (c->out != NULL) {
        fprintf(c->out, "proof   %s\n", path);
    }
    json_array_append_new(c->proofs, json_string(path));
    return STATUS_OK;
}

static enum status prove_all(struct comparison *c, struct watch_result *result,
                             struct refusal *why) {
    char paths[2][OUTBOX_PATH_MAX + 16];
    const char *receipts[2] = {paths[0], paths[1]};
    if (c->found_count == 0 || c->list->key == NULL) {
        return STATUS_OK;
    }
    if (!find_receipt(c, 0, paths[0]) || !find_receipt(c, 1, paths[1])) {
        c->unfinished = true;
        return STATUS_OK;
    }
    for (size_t i = 0; i < c->found_count; i++) {
        bool again = i > 0 && list_begins(c->found[i].old, list_prefix(c->found[i - 1].old));
        if (!again) { /* rows come in the order of keys, and one proof is of all of a key */
            TRY(prove_row(c, c->found[i].old, receipts, result, why));
        }
    }
    return STATUS_OK;
}

/* --- all --- */

static json_t *comparison_json(const struct comparison *c) {
    json_t *all = tally_json(&c->tally, true);
    if (all != NULL) {
        json_object_set_new(all, "observed", json_string(c->observed[1]));
        json_object_set_new(all, "before", json_string(c->observed[0]));
        json_object_set_new(all, "rows", json_integer((json_int_t)c->rows[1].count));
        json_object_set_new(all, "rows_before", json_integer((json_int_t)c->rows[0].count));
        json_object_set(all, "alerts", c->alerts);
        json_object_set(all, "proofs", c->proofs);
        json_object_set_new(all, "finished", json_boolean(!c->unfinished));
    }
    return all;
}

/* Kept, and told: with the file nothing is left to do. */
static enum status keep_result(const struct comparison *c, struct watch_result *result,
                               struct refusal *why) {
    char path[OBSERVE_PATH_MAX];
    json_t *all = comparison_json(c);
    char *text = all != NULL ? json_dumps(all, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
    enum status status = text != NULL ? file_of(c, 1, ".reconciled", path, why)
                                      : refuse(why, STATUS_NOMEM, "out of memory");
    if (status == STATUS_OK && !c->unfinished) {
        status = file_write(path, bytes_text(text), why);
    }
    free(text);
    json_array_append_new(json_object_get(result->json, "compared"), all);
    result->alerts += json_array_size(c->alerts);
    return status;
}

/* Where there is nothing to compare, or what there is does not fit, that is kept instead. */
static enum status keep_word(const struct comparison *c, const char *word, struct refusal *why) {
    char path[OBSERVE_PATH_MAX];
    json_t *all = json_pack("{s:s, s:s}", "observed", c->observed[1], "why", word);
    char *text = all != NULL ? json_dumps(all, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
    enum status status = text != NULL ? file_of(c, 1, ".reconciled", path, why)
                                      : refuse(why, STATUS_NOMEM, "out of memory");
    if (status == STATUS_OK) {
        status = file_write(path, bytes_text(text), why);
    }
    free(text);
    json_decref(all);
    return status;
}

static enum status compare_rows(struct comparison *c, struct refusal *why) {
    TRY(read_all(c, why));
    return reconcile(&c->rows[0], &c->rows[1], &c->map, c->has_roster ? &c->roster : NULL, take_row,
                     c, &c->tally.counts[FATE_SAME], why);
}

static enum status compare(struct comparison *c, struct watch_result *result, struct refusal *why) {
    enum status status = compare_rows(c, why);
    if (status == STATUS_BAD_MEMBER) { /* the mappings do not fit: told once */
        struct refusal reason;
        return keep_word(c, why->text, &reason) == STATUS_OK ? status : reason.status;
    }
    TRY(status);
    print_counts(c);
    enum status proved = prove_all(c, result, why);
    c->unfinished = c->unfinished || proved != STATUS_OK;
    enum status kept = keep_result(c, result, proved == STATUS_OK ? why : NULL);
    return proved != STATUS_OK ? proved : kept;
}

enum status watch_compare(const struct watch_list *list, const char *name, FILE *out,
                          struct watch_result *result, struct refusal *why) {
    char before[256];
    struct comparison *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    c->list = list;
    c->out = out;
    c->alerts = json_array();
    c->proofs = json_array();
    rows_init(&c->rows[0]);
    rows_init(&c->rows[1]);
    observe_time(name, list->name, c->compact[1], c->observed[1]);
    observe_newest(list->keep, list->name, ".rows", c->compact[1], before);
    enum status status = STATUS_OK;
    if (before[0] != '\0') {
        observe_time(before, list->name, c->compact[0], c->observed[0]);
        status = compare(c, result, why);
    } else {
        status = keep_word(c, "the first time", why);
        fputs(out != NULL ? "since   nothing: it is the first time\n" : "",
              out != NULL ? out : stdout);
    }
    rows_close(&c->rows[0]);
    rows_close(&c->rows[1]);
    roster_close(&c->roster);
    list_map_close(&c->map);
    json_decref(c->alerts);
    json_decref(c->proofs);
    free(c->found);
    free(c);
    return status;
}
