#include "tools/import_rows.h"

#include "tools/cli.h"

#include <stdlib.h>
#include <string.h>

enum status import_file_open(struct import_file *file, const char *path,
                             const struct import_map *map, struct refusal *why) {
    struct hash_stream stream;
    struct hash hash;
    *file = (struct import_file){.map = map, .path = path};
    TRY(csv_open(path, &file->csv, why));
    enum status status = STATUS_OK;
    for (size_t i = 0; i < map->column_count && status == STATUS_OK; i++) {
        status = csv_column(file->csv, map->columns[i].header, &file->at[i], why);
    }
    if (status != STATUS_OK) {
        import_file_close(file);
        return status;
    }
    hash_start(&stream);
    hash_add(&stream, map->source, strlen(map->source) + 1);
    hash_add(&stream, map->table, strlen(map->table) + 1);
    hash_finish(&stream, &hash);
    memcpy(file->table, hash.bytes, sizeof file->table);
    return STATUS_OK;
}

void import_file_close(struct import_file *file) {
    csv_close(file->csv);
    file->csv = NULL;
}

/* --- cells --- */

static struct bytes cell_of(const struct csv_row *row, size_t at) {
    return at < row->count ? row->cells[at] : bytes_of(NULL, 0);
}

static enum status make_room(struct import_cells *cells, size_t len) {
    if (len <= cells->memory_cap) {
        return STATUS_OK;
    }
    free(cells->memory);
    cells->memory_cap = 0;
    cells->memory = malloc(len * 2);
    if (cells->memory == NULL) {
        return STATUS_NOMEM;
    }
    cells->memory_cap = len * 2;
    return STATUS_OK;
}

static enum status take_cells(const struct import_file *file, const struct csv_row *row,
                              struct import_cells *cells) {
    const struct import_map *map = file->map;
    size_t used = 0;
    size_t all = 1;
    for (size_t i = 0; i < map->column_count; i++) {
        all += cell_of(row, file->at[i]).len;
    }
    TRY(make_room(cells, all));
    for (size_t i = 0; i < map->column_count; i++) {
        const struct import_column *column = &map->columns[i];
        struct bytes raw = cell_of(row, file->at[i]);
        struct bytes normal =
            raw.len > 0 ? list_cell(raw, &column->strips, cells->memory + used) : bytes_of(NULL, 0);
        used += raw.len;
        bool empty = normal.len == 0 || import_map_listed(column->empties, normal);
        cells->raw[i] = raw;
        cells->normal[i] = empty ? bytes_of(NULL, 0) : normal;
    }
    cells->line = row->line;
    cells->replaced = row->replaced;
    return STATUS_OK;
}

void import_cells_release(struct import_cells *cells) {
    free(cells->memory);
    cells->memory = NULL;
    cells->memory_cap = 0;
}

/* --- what tells rows apart --- */

static void add_cell(struct hash_stream *stream, struct bytes cell) {
    uint8_t len[4] = {(uint8_t)(cell.len >> 24), (uint8_t)(cell.len >> 16),
                      (uint8_t)(cell.len >> 8), (uint8_t)cell.len};
    hash_add(stream, len, sizeof len);
    hash_add(stream, cell.data != NULL ? cell.data : (const uint8_t *)"", cell.len);
}

static void identify(const struct import_map *map, const struct csv_row *row,
                     const struct import_cells *cells, struct import_row_id *id) {
    struct hash_stream stream;
    struct hash hash;
    memset(id, 0, sizeof *id);
    hash_start(&stream);
    for (size_t i = 0; i < map->key_count; i++) {
        add_cell(&stream, cells->normal[map->keys[i]]);
    }
    hash_finish(&stream, &hash);
    memcpy(id->key, hash.bytes, sizeof id->key);
    hash_start(&stream);
    for (size_t i = 0; map->content_said && i < map->column_count; i++) {
        if (map->columns[i].content) {
            add_cell(&stream, cells->normal[i]);
        }
    }
    for (size_t i = 0; !map->content_said && i < row->count; i++) {
        add_cell(&stream, row->cells[i]);
    }
    hash_finish(&stream, &hash);
    memcpy(id->content, hash.bytes, sizeof id->content);
}

enum status import_file_next(struct import_file *file, struct import_cells *cells,
                             struct import_row_id *id, struct refusal *why) {
    struct csv_row row;
    TRY(csv_next(file->csv, &row, why));
    if (take_cells(file, &row, cells) != STATUS_OK) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    identify(file->map, &row, cells, id);
    return STATUS_OK;
}

/* --- the whole file --- */

struct placed {
    struct import_row_id id;
    uint32_t place;
};

static int by_id(const void *a, const void *b) {
    const struct placed *x = a;
    const struct placed *y = b;
    int order = memcmp(&x->id, &y->id, sizeof x->id);
    return order != 0 ? order : (x->place < y->place ? -1 : x->place > y->place);
}

static int compare_keys(const struct import_row_id *a, const struct import_row_id *b) {
    return memcmp(a->key, b->key, sizeof a->key);
}

/* The n-th of rows that are the same is another row than the first. */
static void count_times(struct placed *rows, size_t count) {
    uint32_t times = 0;
    struct import_row_id before = {.key = {0}};
    for (size_t i = 0; i < count; i++) {
        struct import_row_id plain = rows[i].id;
        times = i > 0 && memcmp(&plain, &before, sizeof plain) == 0 ? times + 1 : 0;
        before = plain;
        for (size_t j = 0; j < sizeof plain.times; j++) {
            rows[i].id.times[j] = (uint8_t)(times >> (24 - 8 * j));
        }
    }
}

/* Rows of one key, of the file and known, both sorted: those that are the same are known; of the
 * rest as many are changed as are known and not met. */
static void compare_group(struct import_rows *out, const struct placed *rows, size_t count,
                          size_t known_from, size_t known_to) {
    const struct import_row_id *known = out->known;
    for (size_t i = 0, j = known_from; i < count; i++) {
        while (j < known_to && memcmp(&known[j], &rows[i].id, sizeof known[j]) < 0) {
            j++;
        }
        bool same = j < known_to && memcmp(&known[j], &rows[i].id, sizeof known[j]) == 0;
        out->fates[rows[i].place] = same ? IMPORT_ROW_KNOWN : IMPORT_ROW_NEW;
    }
    size_t next = 0;
    for (size_t j = known_from, i = 0; j < known_to; j++) {
        while (i < count && memcmp(&rows[i].id, &known[j], sizeof known[j]) < 0) {
            i++;
        }
        if (i < count && memcmp(&rows[i].id, &known[j], sizeof known[j]) == 0) {
            continue;
        }
        while (next < count && out->fates[rows[next].place] != IMPORT_ROW_NEW) {
            next++;
        }
        if (next == count) {
            out->gone++;
        } else {
            out->fates[rows[next].place] = IMPORT_ROW_CHANGED;
            out->was[rows[next].place] = (uint32_t)j;
        }
    }
}

static void compare(struct import_rows *out, const struct placed *rows, size_t known_count) {
    const struct import_row_id *known = out->known;
    size_t i = 0;
    size_t j = 0;
    while (i < out->count || j < known_count) {
        size_t rows_end = i;
        size_t known_end = j;
        const struct import_row_id *first =
            i == out->count || (j < known_count && compare_keys(&known[j], &rows[i].id) < 0)
                ? &known[j]
                : &rows[i].id;
        while (rows_end < out->count && compare_keys(&rows[rows_end].id, first) == 0) {
            rows_end++;
        }
        while (known_end < known_count && compare_keys(&known[known_end], first) == 0) {
            known_end++;
        }
        compare_group(out, rows + i, rows_end - i, j, known_end);
        i = rows_end;
        j = known_end;
    }
}

static enum status grow(struct import_rows *rows, size_t *cap) {
    if (rows->count < *cap) {
        return STATUS_OK;
    }
    size_t more = *cap > 0 ? *cap * 2 : 4096;
    struct import_row_id *ids = realloc(rows->ids, more * sizeof *ids);
    if (ids == NULL) {
        return STATUS_NOMEM;
    }
    rows->ids = ids;
    *cap = more;
    return STATUS_OK;
}

static enum status read_ids(struct import_rows *rows, struct import_file *file,
                            struct refusal *why) {
    struct import_cells cells = {.memory = NULL};
    struct import_row_id id;
    size_t cap = 0;
    enum status status = STATUS_OK;
    while ((status = import_file_next(file, &cells, &id, why)) == STATUS_OK) {
        if (rows->count == IMPORT_ROWS_MAX || grow(rows, &cap) != STATUS_OK) {
            status =
                refuse(why, STATUS_TOO_LARGE, "%s: over %zu rows, or out of memory: split the file",
                       file->path, IMPORT_ROWS_MAX);
            break;
        }
        rows->ids[rows->count++] = id;
        if (rows->count % 1024 == 0) {
            uint64_t done = 0;
            uint64_t total = 0;
            csv_progress(file->csv, &done, &total);
            cli_progress("reading", done, total);
        }
    }
    cli_progress_end();
    import_cells_release(&cells);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status judge(struct import_rows *rows, const struct import_file *file,
                         struct import_state *state, struct refusal *why) {
    size_t known_count = 0;
    struct placed *placed = calloc(rows->count + 1, sizeof *placed);
    rows->fates = calloc(rows->count + 1, 1);
    rows->was = calloc(rows->count + 1, sizeof *rows->was);
    if (placed == NULL || rows->fates == NULL || rows->was == NULL) {
        free(placed);
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < rows->count; i++) {
        placed[i] = (struct placed){.id = rows->ids[i], .place = (uint32_t)i};
    }
    qsort(placed, rows->count, sizeof *placed, by_id);
    count_times(placed, rows->count);
    for (size_t i = 0; i < rows->count; i++) {
        rows->ids[placed[i].place] = placed[i].id;
    }
    enum status status = import_state_rows(state, file->table, &rows->known, &known_count);
    if (status == STATUS_OK) {
        compare(rows, placed, known_count);
    } else {
        refuse(why, status, "the state folder: %s", status_text(status));
    }
    free(placed);
    return status;
}

enum status import_rows_read(struct import_rows *rows, const char *path,
                             const struct import_map *map, struct import_state *state,
                             struct refusal *why) {
    struct import_file file;
    memset(rows, 0, sizeof *rows);
    TRY(import_file_open(&file, path, map, why));
    enum status status = read_ids(rows, &file, why);
    if (status == STATUS_OK) {
        status = judge(rows, &file, state, why);
    }
    import_file_close(&file);
    return status;
}

void import_rows_release(struct import_rows *rows) {
    free(rows->ids);
    free(rows->fates);
    free(rows->known);
    free(rows->was);
    memset(rows, 0, sizeof *rows);
}
