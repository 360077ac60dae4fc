/* The rows of a source's file as an import sees them: cells by the mapping's columns, in the form
 * in which they are compared and as they stand; and what tells one row from another, so that a
 * second run, or a later edition of the file, makes only what is new (specs/import.md#rows). */
#ifndef DUTYLOG_TOOLS_IMPORT_ROWS_H
#define DUTYLOG_TOOLS_IMPORT_ROWS_H

#include "tools/csv.h"
#include "tools/import_map.h"
#include "tools/import_state.h"

#define IMPORT_ROWS_MAX ((size_t)1 << 22) /* of one file */

/* An open file, by the mapping's columns. */
struct import_file {
    const struct import_map *map;
    const char *path;
    struct csv *csv;
    size_t at[IMPORT_COLUMNS_MAX]; /* which column of the file is which of the mapping */
    uint8_t table[IMPORT_TABLE_SIZE];
};

struct import_cells {
    struct bytes raw[IMPORT_COLUMNS_MAX];    /* as it stands; borrowed until the next row */
    struct bytes normal[IMPORT_COLUMNS_MAX]; /* its normal form; empty: nothing is said */
    uint64_t line;
    bool replaced;
    uint8_t *memory; /* of the normal forms; owned */
    size_t memory_cap;
};

enum import_fate { IMPORT_ROW_NEW, IMPORT_ROW_KNOWN, IMPORT_ROW_CHANGED };

/* What each row of a file is, by its place in the file. */
struct import_rows {
    struct import_row_id *ids;
    uint8_t *fates; /* enum import_fate */
    size_t count;
    struct import_row_id *known; /* rows that made something, sorted */
    uint32_t *was;               /* of a changed row: which of the known ones it is taken for */
    uint64_t gone;               /* rows that made something and that the file has no more */
};

/* NOT_FOUND, IO, BAD_FORM: a column is missing, or there twice. */
enum status import_file_open(struct import_file *file, const char *path,
                             const struct import_map *map, struct refusal *why) MUST_USE;
void import_file_close(struct import_file *file);
/* The next row, and its id but for `times`. NOT_FOUND at the end; else as csv_next, NOMEM. */
enum status import_file_next(struct import_file *file, struct import_cells *cells,
                             struct import_row_id *id, struct refusal *why) MUST_USE;
void import_cells_release(struct import_cells *cells);

/* Reads the whole file, and tells new rows from known and changed ones. Release with
 * import_rows_release, also after a failure. */
enum status import_rows_read(struct import_rows *rows, const char *path,
                             const struct import_map *map, struct import_state *state,
                             struct refusal *why) MUST_USE;
void import_rows_release(struct import_rows *rows);

#endif
