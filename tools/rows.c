#include "tools/rows.h"

#include "crypto/encoding.h"
#include "ledger/json.h"
#include "net/file.h"
#include "tools/cli.h"
#include "tools/csv.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_LINE "dutylog/list/v1\n"

void rows_init(struct rows *rows) {
    memset(rows, 0, sizeof *rows);
    buffer_init(&rows->text, ROWS_SIZE_MAX);
}

void rows_close(struct rows *rows) {
    buffer_clear(&rows->text);
    free(rows->leaves);
    free(rows->hashes);
    rows->leaves = NULL;
    rows->hashes = NULL;
    rows->count = 0;
    for (size_t i = 0; i < 2; i++) {
        json_decref(rows->labels[i]);
        rows->labels[i] = NULL;
    }
}

static int by_bytes(const void *a, const void *b) {
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

/* Leaves from the lines of `text`, then their hashes and root. */
static enum status index_rows(struct rows *rows, struct bytes text, bool sort,
                              struct refusal *why) {
    struct reader r;
    struct merkle_frontier frontier;
    rows->leaves = calloc(rows->count + 1, sizeof *rows->leaves);
    rows->hashes = calloc(rows->count + 1, sizeof *rows->hashes);
    if (rows->leaves == NULL || rows->hashes == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    reader_init(&r, text);
    for (size_t i = 0; i < rows->count; i++) {
        bool line = reader_line(&r, &rows->leaves[i]);
        assert(line); /* counted before */
    }
    if (sort) {
        qsort(rows->leaves, rows->count, sizeof *rows->leaves, by_bytes);
    }
    merkle_frontier_init(&frontier);
    for (size_t i = 0; i < rows->count; i++) {
        hash_leaf(rows->leaves[i].data, rows->leaves[i].len, &rows->hashes[i]);
        merkle_frontier_append(&frontier, &rows->hashes[i]);
    }
    merkle_frontier_root(&frontier, &rows->about.root);
    rows->about.count = rows->count;
    return STATUS_OK;
}

/* --- from a published file --- */

static json_t *labels_of(const struct list_map_cell *cells, size_t count) {
    json_t *labels = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(labels, json_string(cells[i].label));
    }
    return labels;
}

struct reading {
    struct rows *rows;
    const struct list_map *map;
    struct csv *csv;
    size_t key_columns[LIST_CELLS_MAX];
    size_t other_columns[LIST_CELLS_MAX];
    struct buffer scratch;
    rows_dirty *dirty;
    void *context;
};

static enum status find_columns(struct reading *r, struct refusal *why) {
    for (size_t i = 0; i < r->map->key_count; i++) {
        TRY(csv_column(r->csv, r->map->keys[i].column, &r->key_columns[i], why));
    }
    for (size_t i = 0; i < r->map->other_count; i++) {
        TRY(csv_column(r->csv, r->map->others[i].column, &r->other_columns[i], why));
    }
    return STATUS_OK;
}

/* The cells of one side of the row, in their normal form, in the scratch memory. */
static void take_cells(const struct csv_row *row, const struct list_map_cell *cells,
                       const size_t *columns, size_t count, uint8_t **memory, struct bytes *out) {
    for (size_t i = 0; i < count; i++) {
        struct bytes raw = columns[i] < row->count ? row->cells[columns[i]] : bytes_of(NULL, 0);
        out[i] = raw.len > 0 ? list_cell(raw, &cells[i].strips, *memory) : bytes_of("", 0);
        *memory += raw.len;
    }
}

static bool all_empty(const struct bytes *cells, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (cells[i].len > 0) {
            return false;
        }
    }
    return true;
}

static enum status take_row(struct reading *r, const struct csv_row *row, struct refusal *why) {
    uint8_t leaf[LIST_LEAF_MAX + 1];
    struct bytes keys[LIST_CELLS_MAX];
    struct bytes others[LIST_CELLS_MAX];
    const struct bytes *names;
    struct writer w;
    uint8_t *memory = NULL;
    size_t need = 1;
    for (size_t i = 0; i < row->count; i++) {
        need += 2 * row->cells[i].len; /* a column may be both key and other, by two labels */
    }
    r->scratch.len = 0;
    TRY(buffer_reserve(&r->scratch, need, &memory));
    take_cells(row, r->map->keys, r->key_columns, r->map->key_count, &memory, keys);
    take_cells(row, r->map->others, r->other_columns, r->map->other_count, &memory, others);
    if (all_empty(keys, r->map->key_count)) {
        r->dirty(r->context, row->line, "left out: all key cells are empty");
        return STATUS_OK;
    }
    writer_init(&w, leaf, LIST_LEAF_MAX);
    list_leaf(&w, keys, r->map->key_count, others, r->map->other_count);
    if (w.failed) {
        r->dirty(r->context, row->line, "left out: its leaf has over 8192 bytes");
        return STATUS_OK;
    }
    if (row->replaced) {
        r->dirty(r->context, row->line, "bytes that are no UTF-8 were replaced by U+FFFD");
    } else if (row->count != csv_columns(r->csv, &names)) {
        r->dirty(r->context, row->line,
                 "another number of cells than the header has: those missing are empty, those too "
                 "many are left out");
    }
    if (r->rows->count == LIST_ROWS_MAX) {
        return refuse(why, STATUS_TOO_LARGE, "over %u rows", LIST_ROWS_MAX);
    }
    leaf[w.len] = '\n';
    r->rows->count++;
    return buffer_append(&r->rows->text, bytes_of(leaf, w.len + 1));
}

static enum status hash_file(const char *path, struct hash *out, struct refusal *why) {
    struct hash_stream stream;
    uint8_t chunk[65536];
    size_t total = 0;
    size_t n;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return refuse(why, STATUS_NOT_FOUND, "%s: cannot be read", path);
    }
    hash_start(&stream);
    while ((n = fread(chunk, 1, sizeof chunk, file)) > 0 && total <= ROWS_FILE_MAX) {
        hash_add(&stream, chunk, n);
        total += n;
    }
    bool failed = ferror(file) != 0;
    fclose(file);
    if (failed || total > ROWS_FILE_MAX) {
        return failed ? refuse(why, STATUS_IO, "%s: cannot be read", path)
                      : refuse(why, STATUS_TOO_LARGE, "%s: over 256 MiB", path);
    }
    hash_finish(&stream, out);
    return STATUS_OK;
}

enum status rows_of_csv(struct rows *rows, const char *path, const struct list_map *map,
                        rows_dirty *dirty, void *context, struct refusal *why) {
    struct reading r = {.rows = rows, .map = map, .dirty = dirty, .context = context};
    struct refusal reason = {.text = ""};
    struct csv_row row = {.line = 0};
    uint64_t done = 0;
    uint64_t total = 0;
    rows->about.keys = map->keys_id;
    rows->mapping = map->file;
    rows->labels[0] = labels_of(map->keys, map->key_count);
    rows->labels[1] = labels_of(map->others, map->other_count);
    TRY(hash_file(path, &rows->about.file, why));
    TRY(csv_open(path, &r.csv, why));
    buffer_init(&r.scratch, (size_t)2 * CSV_CELLS_MAX * CSV_CELL_MAX + 1);
    enum status status = find_columns(&r, &reason);
    while (status == STATUS_OK) {
        status = csv_next(r.csv, &row, &reason);
        if (status == STATUS_OK) {
            status = take_row(&r, &row, &reason);
        }
        if (row.line % 4096 == 0) {
            csv_progress(r.csv, &done, &total);
            cli_progress("rows", done, total);
        }
    }
    cli_progress_end();
    csv_close(r.csv);
    buffer_clear(&r.scratch);
    if (status == STATUS_NOT_FOUND) {
        return index_rows(rows, buffer_view(&rows->text), true, why);
    }
    return reason.text[0] != '\0'
               ? refuse(why, status, "%s", reason.text)
               : refuse(why, status, "%s: %s", path,
                        status == STATUS_TOO_LARGE ? "over 512 MiB of rows" : "out of memory");
}

/* --- from a .rows file --- */

bool rows_is_file(const char *path) {
    char start[sizeof FIRST_LINE] = "";
    FILE *file = fopen(path, "rb");
    size_t n = file != NULL ? fread(start, 1, sizeof start - 1, file) : 0;
    if (file != NULL) {
        fclose(file);
    }
    return n == sizeof start - 1 && strcmp(start, FIRST_LINE) == 0;
}

static bool take_text(const json_t *about, const char *name, char *out, size_t size) {
    const char *text = json_string_value(json_object_get(about, name));
    if (text == NULL || strlen(text) >= size) {
        return false;
    }
    memcpy(out, text, strlen(text) + 1);
    return true;
}

static bool take_hash(const json_t *about, const char *name, struct hash *out) {
    const json_t *value = json_object_get(about, name);
    return json_is_string(value) && bytes_hex_to_hash(jcs_text(value), out);
}

static bool are_labels(const json_t *labels) {
    bool good = json_is_array(labels) && json_array_size(labels) <= LIST_CELLS_MAX;
    for (size_t i = 0; good && i < json_array_size(labels); i++) {
        good = json_is_string(json_array_get(labels, i));
    }
    return good;
}

static enum status read_about(struct rows *rows, struct bytes line, struct hash *root,
                              uint64_t *count, struct refusal *why) {
    json_t *about = json_loadb((const char *)line.data, line.len, JSON_REJECT_DUPLICATES, NULL);
    struct observed *o = &rows->about;
    const json_t *rows_counted = json_object_get(about, "count");
    bool good = take_text(about, "list", o->list, sizeof o->list) &&
                take_text(about, "observed", o->observed, sizeof o->observed) &&
                take_text(about, "address", o->address, sizeof o->address) &&
                take_hash(about, "file", &o->file) && take_hash(about, "keys", &o->keys) &&
                take_hash(about, "mapping", &rows->mapping) && take_hash(about, "root", root) &&
                json_is_integer(rows_counted) && json_integer_value(rows_counted) >= 0 &&
                json_integer_value(rows_counted) <= LIST_ROWS_MAX;
    *count = good ? (uint64_t)json_integer_value(rows_counted) : 0;
    rows->labels[0] = json_incref(json_object_get(about, "key"));
    rows->labels[1] = json_incref(json_object_get(about, "other"));
    good = good && are_labels(rows->labels[0]) && are_labels(rows->labels[1]);
    json_decref(about);
    return good ? STATUS_OK
                : refuse(why, STATUS_BAD_FORM, "its second line does not say of what it is");
}

static enum status read_rows(struct rows *rows, struct refusal *why) {
    struct reader r;
    struct bytes line;
    struct hash root;
    uint64_t count = 0;
    reader_init(&r, buffer_view(&rows->text));
    if (!reader_skip(&r, FIRST_LINE) || !reader_line(&r, &line)) {
        return refuse(why, STATUS_BAD_FORM, "no rows of a list: they start with dutylog/list/v1");
    }
    TRY(read_about(rows, line, &root, &count, why));
    struct bytes leaves = r.rest;
    struct bytes last = {NULL, 0};
    while (r.rest.len > 0) {
        if (!reader_line(&r, &line)) {
            return refuse(why, STATUS_BAD_FORM, "it ends within a line");
        }
        if (rows->count > 0 && bytes_compare(last, line) > 0) {
            return refuse(why, STATUS_BAD_FORM, "row %zu is out of order", rows->count + 1);
        }
        TRY(list_leaf_check(line, why));
        last = line;
        rows->count++;
        if (rows->count > LIST_ROWS_MAX) {
            return refuse(why, STATUS_TOO_LARGE, "over %u rows", LIST_ROWS_MAX);
        }
    }
    TRY(index_rows(rows, leaves, false, why));
    if (rows->count != count || !hash_equal(&root, &rows->about.root)) {
        return refuse(why, STATUS_BAD_PROOF, "its rows are not those that its second line names");
    }
    return STATUS_OK;
}

enum status rows_read(struct rows *rows, const char *path, struct refusal *why) {
    struct refusal reason = {.text = ""};
    TRY(file_read(path, &rows->text, why));
    enum status status = read_rows(rows, &reason);
    return status == STATUS_OK ? STATUS_OK : refuse(why, status, "%s: %s", path, reason.text);
}

enum status rows_read_bytes(struct rows *rows, struct bytes content, struct refusal *why) {
    return buffer_append(&rows->text, content) == STATUS_OK
               ? read_rows(rows, why)
               : refuse(why, STATUS_NOMEM, "out of memory");
}

enum status rows_count(const char *path, size_t *out, struct refusal *why) {
    char head[65536];
    struct rows *rows = calloc(1, sizeof *rows);
    FILE *file = fopen(path, "rb");
    struct bytes line;
    struct hash root;
    uint64_t count = 0;
    struct reader r;
    size_t n = file != NULL && rows != NULL ? fread(head, 1, sizeof head, file) : 0;
    if (file != NULL) {
        fclose(file);
    }
    reader_init(&r, bytes_of(head, n));
    bool good = reader_skip(&r, FIRST_LINE) && reader_line(&r, &line) &&
                read_about(rows, line, &root, &count, why) == STATUS_OK;
    if (rows != NULL) {
        rows_close(rows);
    }
    free(rows);
    *out = (size_t)count;
    return good
               ? STATUS_OK
               : refuse(why, STATUS_BAD_FORM, "%s: its beginning does not say of what it is", path);
}

static json_t *hex_of(const struct hash *hash) {
    char hex[HEX_LEN(HASH_SIZE)];
    hex_encode(hex, hash->bytes, HASH_SIZE);
    return json_stringn(hex, sizeof hex);
}

enum status rows_write(const struct rows *rows, const char *path, struct refusal *why) {
    const struct observed *o = &rows->about;
    json_t *about =
        json_pack("{s:s, s:I, s:o, s:O, s:o, s:s, s:o, s:s, s:O, s:o}", "address", o->address,
                  "count", (json_int_t)o->count, "file", hex_of(&o->file), "key", rows->labels[0],
                  "keys", hex_of(&o->keys), "list", o->list, "mapping", hex_of(&rows->mapping),
                  "observed", o->observed, "other", rows->labels[1], "root", hex_of(&o->root));
    char *text = about != NULL ? json_dumps(about, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(about);
    struct buffer out;
    buffer_init(&out, ROWS_SIZE_MAX + 65536);
    enum status status = text != NULL ? buffer_append(&out, bytes_text(FIRST_LINE)) : STATUS_NOMEM;
    if (status == STATUS_OK) {
        status = buffer_append(&out, bytes_text(text));
    }
    if (status == STATUS_OK) {
        status = buffer_append(&out, bytes_text("\n"));
    }
    for (size_t i = 0; status == STATUS_OK && i < rows->count; i++) {
        status = buffer_append(&out, rows->leaves[i]);
        status = status == STATUS_OK ? buffer_append(&out, bytes_text("\n")) : status;
    }
    free(text);
    if (status == STATUS_OK) {
        status = file_create(path, buffer_view(&out), why);
    } else {
        status = refuse(why, status, "%s: out of memory", path);
    }
    buffer_clear(&out);
    return status;
}

/* --- looking up and proving --- */

size_t rows_lower_bound(const struct rows *rows, struct bytes text) {
    size_t low = 0;
    size_t high = rows->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (bytes_compare(rows->leaves[middle], text) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void rows_prove(const struct rows *rows, size_t index, struct absence_leaf *out) {
    struct merkle_plan plan;
    struct hash read[MERKLE_PLAN_MAX];
    assert(index < rows->count);
    merkle_inclusion_plan(index, rows->count, &plan);
    for (size_t i = 0; i < plan.count; i++) {
        const struct merkle_node *node = &plan.nodes[i];
        merkle_root_of(rows->hashes + (node->index << node->level), (size_t)1 << node->level,
                       &read[i]);
    }
    out->index = index;
    out->text = rows->leaves[index];
    merkle_inclusion_prove(index, rows->count, read, &out->proof);
}
