#include "tools/csv.h"

#include "net/buffer.h"

#include <assert.h>
#include <csv.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define PARSER_OPTIONS (CSV_REPALL_NL | CSV_STRICT_FINI)
#define CHUNK 16384
#define ROWS_PER_CHUNK (CHUNK + 2) /* every byte may end a row, and so may the file's end */
#define REPLACEMENT "\xef\xbf\xbd"
#define TEXT_MAX (CSV_CELL_MAX * 3 + CHUNK * 4) /* each byte may become three */

/* A row that was read: its cells are those from `first` on, of the text of its chunk. */
struct pending_row {
    size_t first;
    size_t count;
    uint64_t line;
    bool replaced;
};
struct span {
    size_t at;
    size_t len;
};

struct csv {
    const char *name;
    gzFile file;        /* NULL: bytes in memory */
    struct bytes bytes; /* what is left of them */
    uint64_t size;
    uint64_t unpacked; /* bytes read so far */
    struct csv_parser parser;
    uint64_t line; /* that the next character is on */
    bool begun;
    bool ended;
    enum status status; /* of what the callbacks met; OK so far */
    struct refusal why;
    /* The rows of the last chunks, until they are handed out; then all is reused. */
    struct buffer text;
    struct buffer spans;
    struct pending_row rows[ROWS_PER_CHUNK];
    size_t row_count;
    size_t row_next;
    struct pending_row open; /* of which cells have come, and not yet the end */
    struct bytes cells[CSV_CELLS_MAX];
    struct bytes header[CSV_CELLS_MAX];
    size_t header_count;
    char *header_text; /* owned */
};

/* --- what libcsv calls --- */

static void fail(struct csv *csv, enum status status, const char *what) {
    if (csv->status == STATUS_OK) {
        csv->status =
            refuse(&csv->why, status, "%s, line %llu: %s", csv->name,
                   (unsigned long long)(csv->open.count > 0 ? csv->open.line : csv->line), what);
    }
}

/* Appends text as UTF-8 without U+0000. */
static enum status put_utf8(struct csv *csv, struct bytes text) {
    if (bytes_utf8_valid(text) && memchr(text.data, 0, text.len) == NULL) {
        return buffer_append(&csv->text, text);
    }
    csv->open.replaced = true;
    size_t at = 0;
    while (at < text.len) {
        size_t len = 0;
        /* The longest piece of one character, at most four bytes, that is well-formed. */
        for (size_t n = 1; n <= 4 && n <= text.len - at && len == 0; n++) {
            len = bytes_utf8_valid(bytes_of(text.data + at, n)) && text.data[at] != 0 ? n : 0;
        }
        TRY(buffer_append(&csv->text,
                          len > 0 ? bytes_of(text.data + at, len) : bytes_text(REPLACEMENT)));
        at += len > 0 ? len : 1;
    }
    return STATUS_OK;
}

static void on_cell(void *data, size_t len, void *context) {
    struct csv *csv = context;
    struct bytes text = bytes_of(data, len);
    if (csv->open.count == 0) {
        csv->open.line = csv->line;
        csv->open.first = csv->spans.len / sizeof(struct span);
        csv->open.replaced = false;
    }
    if (csv->open.count == CSV_CELLS_MAX || len > CSV_CELL_MAX) {
        fail(csv, STATUS_TOO_LARGE, "a row of over 256 cells, or a cell of over 1 MiB");
    }
    if (csv->status != STATUS_OK) {
        return;
    }
    struct span span = {.at = csv->text.len};
    enum status status = put_utf8(csv, text);
    span.len = csv->text.len - span.at;
    if (status == STATUS_OK) {
        status = buffer_append(&csv->spans, bytes_of(&span, sizeof span));
    }
    if (status != STATUS_OK) {
        fail(csv, status, "out of memory");
        return;
    }
    csv->open.count++;
    for (size_t i = 0; i < len; i++) {
        csv->line += text.data[i] == '\n';
    }
}

/* `end` is the character that ended the row; -1 at the file's end. Of "\r\n" both come, the second
 * with no cell before it; so does the end of a blank line. */
static void on_row(int end, void *context) {
    struct csv *csv = context;
    if (csv->open.count > 0 && csv->status == STATUS_OK) {
        assert(csv->row_count < ROWS_PER_CHUNK);
        csv->rows[csv->row_count++] = csv->open;
    }
    csv->open.count = 0;
    csv->line += end == '\n';
}

/* --- reading --- */

static enum status read_chunk(struct csv *csv, uint8_t *chunk, size_t *len, struct refusal *why) {
    if (csv->file == NULL) {
        *len = csv->bytes.len < CHUNK ? csv->bytes.len : CHUNK;
        if (*len > 0) {
            memcpy(chunk, csv->bytes.data, *len);
            csv->bytes = bytes_of(csv->bytes.data + *len, csv->bytes.len - *len);
        }
        return STATUS_OK;
    }
    int n = gzread(csv->file, chunk, CHUNK);
    int error = Z_OK;
    if (n <= 0) {
        gzerror(csv->file, &error);
    }
    if (n < 0 || error != Z_OK) { /* a file that ends halfway says so at its end only */
        return error == Z_ERRNO
                   ? refuse(why, STATUS_IO, "%s: %s", csv->name, strerror(errno))
                   : refuse(why, STATUS_BAD_FORM, "%s: no whole gzip file: it %s", csv->name,
                            error == Z_BUF_ERROR ? "ends halfway" : "is damaged");
    }
    *len = (size_t)n;
    csv->unpacked += *len;
    if (csv->unpacked > CSV_SIZE_MAX) {
        return refuse(why, STATUS_TOO_LARGE, "%s: over 256 MiB, unpacked", csv->name);
    }
    return STATUS_OK;
}

/* A row that is not ended keeps its text; all that was handed out goes. */
static enum status make_room(struct csv *csv) {
    struct pending_row *open = &csv->open;
    csv->row_count = 0;
    csv->row_next = 0;
    if (open->count == 0) {
        csv->text.len = 0;
        csv->spans.len = 0;
        return STATUS_OK;
    }
    struct span *spans = (struct span *)(void *)csv->spans.data;
    size_t start = spans[open->first].at;
    memmove(csv->text.data, csv->text.data + start, csv->text.len - start);
    csv->text.len -= start;
    for (size_t i = 0; i < open->count; i++) {
        spans[i] = spans[open->first + i];
        spans[i].at -= start;
    }
    csv->spans.len = open->count * sizeof(struct span);
    open->first = 0;
    return STATUS_OK;
}

/* UTF-16 of either order: by its mark, or by a first letter with a zero byte on one side. */
static bool is_wide(const uint8_t *text, size_t len) {
    return len >= 2 && ((text[0] == 0xff && text[1] == 0xfe) ||
                        (text[0] == 0xfe && text[1] == 0xff) || (text[0] == 0) != (text[1] == 0));
}

static enum status parse_more(struct csv *csv, struct refusal *why) {
    uint8_t chunk[CHUNK];
    size_t len = 0;
    TRY(make_room(csv));
    TRY(read_chunk(csv, chunk, &len, why));
    if (!csv->begun && is_wide(chunk, len)) {
        return refuse(why, STATUS_BAD_FORM,
                      "%s: it begins as text in UTF-16 does: save it as CSV in UTF-8", csv->name);
    }
    csv->begun = true;
    if (len > 0 && csv_parse(&csv->parser, chunk, len, on_cell, on_row, csv) != len) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    if (len == 0) {
        csv->ended = true;
        csv_set_opts(&csv->parser,
                     PARSER_OPTIONS | CSV_STRICT); /* without it an open quote passes */
        if (csv_fini(&csv->parser, on_cell, on_row, csv) != 0) {
            fail(csv, STATUS_BAD_FORM, "a quote that is opened here is not closed");
        }
    }
    if (csv_get_buffer_size(&csv->parser) > CSV_CELL_MAX + CHUNK) {
        fail(csv, STATUS_TOO_LARGE, "a cell of over 1 MiB: is a quote not closed?");
    }
    return csv->status == STATUS_OK ? STATUS_OK : refuse(why, csv->status, "%s", csv->why.text);
}

enum status csv_next(struct csv *csv, struct csv_row *out, struct refusal *why) {
    while (csv->row_next == csv->row_count) {
        if (csv->ended) {
            return STATUS_NOT_FOUND;
        }
        TRY(parse_more(csv, why));
    }
    const struct pending_row *row = &csv->rows[csv->row_next++];
    const struct span *spans = (const struct span *)(const void *)csv->spans.data;
    for (size_t i = 0; i < row->count; i++) {
        const struct span *span = &spans[row->first + i];
        csv->cells[i] = bytes_of(csv->text.data + span->at, span->len);
    }
    *out = (struct csv_row){
        .cells = csv->cells, .count = row->count, .line = row->line, .replaced = row->replaced};
    return STATUS_OK;
}

/* --- opening --- */

static struct bytes trimmed(struct bytes b) {
    while (b.len > 0 && b.data[0] <= ' ') {
        b = bytes_of(b.data + 1, b.len - 1);
    }
    while (b.len > 0 && b.data[b.len - 1] <= ' ') {
        b.len--;
    }
    return b;
}

static enum status read_header(struct csv *csv, struct refusal *why) {
    struct csv_row row;
    size_t len = 0;
    enum status status = csv_next(csv, &row, why);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND
                   ? refuse(why, STATUS_BAD_FORM, "%s: no header: the file is empty", csv->name)
                   : status;
    }
    for (size_t i = 0; i < row.count; i++) {
        len += row.cells[i].len;
    }
    csv->header_text = malloc(len + 1);
    if (csv->header_text == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    char *at = csv->header_text;
    for (size_t i = 0; i < row.count; i++) {
        struct bytes name = row.cells[i];
        if (i == 0 && bytes_starts_with(name, "\xef\xbb\xbf")) {
            name = bytes_of(name.data + 3, name.len - 3);
        }
        name = trimmed(name);
        if (name.len > 0) {
            memcpy(at, name.data, name.len);
        }
        csv->header[i] = bytes_of(at, name.len);
        at += name.len;
    }
    csv->header_count = row.count;
    return STATUS_OK;
}

static enum status start(struct csv *csv, struct csv **out, struct refusal *why) {
    csv->line = 1;
    csv->open.line = 1;
    csv->status = STATUS_OK;
    buffer_init(&csv->text, TEXT_MAX);
    buffer_init(&csv->spans, (CSV_CELLS_MAX + CHUNK) * sizeof(struct span));
    enum status status = csv_init(&csv->parser, PARSER_OPTIONS) == 0
                             ? read_header(csv, why)
                             : refuse(why, STATUS_NOMEM, "out of memory");
    if (status != STATUS_OK) {
        csv_close(csv);
        return status;
    }
    *out = csv;
    return STATUS_OK;
}

enum status csv_open_bytes(struct bytes content, const char *name, struct csv **out,
                           struct refusal *why) {
    struct csv *csv = calloc(1, sizeof *csv);
    if (csv == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    csv->name = name;
    csv->bytes = content;
    csv->size = content.len;
    return start(csv, out, why);
}

enum status csv_open(const char *path, struct csv **out, struct refusal *why) {
    struct stat info;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        enum status status = fd < 0 && errno == ENOENT ? STATUS_NOT_FOUND : STATUS_IO;
        refuse(why, status, "%s: %s", path, fd < 0 ? strerror(errno) : "not a regular file");
        if (fd >= 0) {
            close(fd);
        }
        return status;
    }
    struct csv *csv = calloc(1, sizeof *csv);
    gzFile file = csv != NULL ? gzdopen(fd, "rb") : NULL;
    if (file == NULL) {
        close(fd);
        free(csv);
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    csv->file = file;
    csv->name = path;
    csv->size = (uint64_t)info.st_size;
    return start(csv, out, why);
}

void csv_close(struct csv *csv) {
    if (csv == NULL) {
        return;
    }
    if (csv->file != NULL) {
        gzclose_r(csv->file);
    }
    csv_free(&csv->parser);
    buffer_clear(&csv->text);
    buffer_clear(&csv->spans);
    free(csv->header_text);
    free(csv);
}

size_t csv_columns(const struct csv *csv, const struct bytes **names) {
    *names = csv->header;
    return csv->header_count;
}

enum status csv_column(const struct csv *csv, const char *name, size_t *out, struct refusal *why) {
    size_t found = 0;
    char all[200] = "";
    size_t used = 0;
    for (size_t i = 0; i < csv->header_count; i++) {
        struct bytes column = csv->header[i];
        if (bytes_equal(column, bytes_text(name))) {
            *out = i;
            found++;
        }
        int n = snprintf(all + used, sizeof all - used, "%s%.*s", i > 0 ? ", " : "",
                         (int)column.len, (const char *)column.data);
        used += n > 0 && used + (size_t)n < sizeof all ? (size_t)n : 0;
    }
    if (found == 1) {
        return STATUS_OK;
    }
    return refuse(why, STATUS_BAD_FORM, "%s: %s column '%s'; its columns are %s", csv->name,
                  found == 0 ? "no" : "more than one", name, all);
}

void csv_progress(const struct csv *csv, uint64_t *done, uint64_t *total) {
    z_off_t at = csv->file != NULL ? gzoffset(csv->file) : 0;
    *done = csv->file != NULL ? (at > 0 ? (uint64_t)at : 0) : csv->size - csv->bytes.len;
    *total = csv->size;
}
