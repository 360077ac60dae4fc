/* Reading CSV files, plain or gzip (libcsv, zlib): RFC 4180, read generously, in bounded memory.
 *
 * The first row is the header. Rows are handed out one at a time, each cell valid UTF-8 without
 * U+0000: what a file has else is replaced by U+FFFD, byte by byte, and the row is marked. A quote
 * that is not closed, or a cell, row or file beyond the limits, ends the reading with a refusal
 * that names the line: what follows cannot be told apart from what went wrong. Blank lines are
 * skipped. One thread; one file at a time each. */
#ifndef DUTYLOG_TOOLS_CSV_H
#define DUTYLOG_TOOLS_CSV_H

#include "ledger/bytes.h"

#define CSV_CELLS_MAX 256          /* in a row */
#define CSV_CELL_MAX (1024 * 1024) /* bytes of a cell */
#define CSV_SIZE_MAX                                                                               \
    ((uint64_t)256 * 1024 * 1024) /* of a file, unpacked: a gzip bomb ends there                   \
                                   */

struct csv;

struct csv_row {
    const struct bytes *cells; /* borrowed until the next call */
    size_t count;
    uint64_t line; /* of the file, from 1, on which the row begins */
    bool replaced; /* a byte was no UTF-8 and is U+FFFD now */
};

/* Opens the file and reads its header. NOT_FOUND, IO; BAD_FORM: empty, no CSV, no whole gzip;
 * NOMEM. */
enum status csv_open(const char *path, struct csv **out, struct refusal *why) MUST_USE;
/* The same of bytes in memory, which live as long as the reading; `name` for refusals. */
enum status csv_open_bytes(struct bytes content, const char *name, struct csv **out,
                           struct refusal *why) MUST_USE;
void csv_close(struct csv *csv);

/* The header's names, trimmed, a byte order mark taken off. Borrowed for the life of the reading.
 */
size_t csv_columns(const struct csv *csv, const struct bytes **names);
/* The number of the column with this name. BAD_FORM: none, or several; names it and those there
 * are. */
enum status csv_column(const struct csv *csv, const char *name, size_t *out,
                       struct refusal *why) MUST_USE;
/* The next row. NOT_FOUND at the end; BAD_FORM, TOO_LARGE, IO, NOMEM. */
enum status csv_next(struct csv *csv, struct csv_row *out, struct refusal *why) MUST_USE;
/* How far the reading is, for a progress line: bytes read of the file, and its size (0: unknown).
 */
void csv_progress(const struct csv *csv, uint64_t *done, uint64_t *total);

#endif
