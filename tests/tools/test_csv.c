/* CSV as it comes: quotes, line ends, blanks, bytes that are no UTF-8, files that stop halfway. */
#include "tools/csv.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static struct csv *open_text(const char *text) {
    struct csv *csv = NULL;
    struct refusal why = {.text = ""};
    cr_assert_eq(csv_open_bytes(bytes_text(text), "t.csv", &csv, &why), STATUS_OK, "%s", why.text);
    return csv;
}

/* The rows as text: line:cell|cell, a row to a line; and "!" after the line of a marked one. */
static char *all(struct csv *csv, enum status end) {
    static char out[8192];
    struct refusal why = {.text = ""};
    struct csv_row row;
    enum status status;
    size_t used = 0;
    out[0] = '\0';
    while ((status = csv_next(csv, &row, &why)) == STATUS_OK) {
        used += (size_t)snprintf(out + used, sizeof out - used, "%d%s:", (int)row.line,
                                 row.replaced ? "!" : "");
        for (size_t i = 0; i < row.count; i++) {
            used += (size_t)snprintf(out + used, sizeof out - used, "%s%.*s", i > 0 ? "|" : "",
                                     (int)row.cells[i].len, (const char *)row.cells[i].data);
        }
        used += (size_t)snprintf(out + used, sizeof out - used, "\n");
    }
    cr_expect_eq(status, end, "%s", why.text);
    if (end != STATUS_NOT_FOUND) {
        snprintf(out + used, sizeof out - used, "%s", why.text);
    }
    csv_close(csv);
    return out;
}

Test(csv, rows_cells_and_lines) {
    cr_expect_str_eq(all(open_text("a,b\n1,2\n3,4\n"), STATUS_NOT_FOUND), "2:1|2\n3:3|4\n");
    cr_expect_str_eq(all(open_text("a,b\r\n1,2\r\n\r\n3,4"), STATUS_NOT_FOUND), "2:1|2\n4:3|4\n");
    cr_expect_str_eq(all(open_text("a,b\n\"x\ny\",2\n3,\"q\"\"r\"\n"), STATUS_NOT_FOUND),
                     "2:x\ny|2\n4:3|q\"r\n");
    cr_expect_str_eq(all(open_text("a\n\n\n1\n"), STATUS_NOT_FOUND), "4:1\n");
    cr_expect_str_eq(all(open_text("a,b\n,\n\"\",x\n"), STATUS_NOT_FOUND), "2:|\n3:|x\n");
    cr_expect_str_eq(all(open_text("a,b\n1\n1,2,3\n"), STATUS_NOT_FOUND), "2:1\n3:1|2|3\n");
    cr_expect_str_eq(all(open_text("a,b\n"), STATUS_NOT_FOUND), "");
}

Test(csv, header_without_mark_and_blanks) {
    struct csv *csv = open_text("\xef\xbb\xbf"
                                "a , \"b c\",a\n");
    const struct bytes *names;
    struct refusal why = {.text = ""};
    size_t at = 9;
    cr_assert_eq(csv_columns(csv, &names), 3);
    cr_expect(bytes_equal(names[0], bytes_text("a")));
    cr_expect_eq(csv_column(csv, "b c", &at, &why), STATUS_OK);
    cr_expect_eq(at, 1);
    cr_expect_eq(csv_column(csv, "z", &at, &why), STATUS_BAD_FORM);
    cr_expect_str_eq(why.text, "t.csv: no column 'z'; its columns are a, b c, a");
    cr_expect_eq(csv_column(csv, "a", &at, &why), STATUS_BAD_FORM);
    cr_expect(strstr(why.text, "more than one") != NULL);
    csv_close(csv);
}

Test(csv, bytes_that_are_no_text) {
    cr_expect_str_eq(
        all(open_text("a,b\nx\xff\xfey,2\n\xc3\xa9,3\n\xe2\x82,4\n"), STATUS_NOT_FOUND),
        "2!:x\xef\xbf\xbd\xef\xbf\xbdy|2\n3:\xc3\xa9|3\n4!:\xef\xbf\xbd\xef\xbf\xbd|4\n");
    struct csv *csv = NULL;
    cr_assert_eq(csv_open_bytes(bytes_of("a\nx\0y\n", 6), "t.csv", &csv, NULL), STATUS_OK);
    cr_expect_str_eq(all(csv, STATUS_NOT_FOUND), "2!:x\xef\xbf\xbdy\n");
}

Test(csv, what_ends_it) {
    cr_expect_str_eq(all(open_text("a,b\n1,2\n\"x,3\n4,5\n"), STATUS_BAD_FORM),
                     "2:1|2\nt.csv, line 3: a quote that is opened here is not closed");
    struct csv *csv = NULL;
    struct refusal why = {.text = ""};
    cr_expect_eq(csv_open_bytes(bytes_text(""), "t.csv", &csv, &why), STATUS_BAD_FORM);
    cr_expect_str_eq(why.text, "t.csv: no header: the file is empty");
    cr_expect_eq(csv_open("/nowhere/t.csv", &csv, &why), STATUS_NOT_FOUND);
    cr_expect_eq(csv_open("/", &csv, &why), STATUS_IO);
    /* 257 cells */
    char wide[2 + 256 + 1] = "a\n";
    memset(wide + 2, ',', 256);
    char *said = all(open_text(wide), STATUS_TOO_LARGE);
    cr_expect(strstr(said, "line 2: a row of over 256 cells") != NULL, "%s", said);
}

/* Cells that lie across the pieces in which the file is read, and one beyond the limit. */
Test(csv, long_cells) {
    size_t len = 3 * 16384 + 7;
    char *text = malloc(CSV_CELL_MAX + 100);
    cr_assert_not_null(text);
    memcpy(text, "a,b\nq,", 6);
    memset(text + 6, 'x', len);
    memcpy(text + 6 + len, "\nr,s\n", 6);
    struct csv *csv = open_text(text);
    struct csv_row row;
    cr_assert_eq(csv_next(csv, &row, NULL), STATUS_OK);
    cr_expect_eq(row.cells[1].len, len);
    cr_expect(bytes_equal(row.cells[0], bytes_text("q")));
    cr_assert_eq(csv_next(csv, &row, NULL), STATUS_OK);
    cr_expect(bytes_equal(row.cells[1], bytes_text("s")));
    cr_expect_eq(row.line, 3);
    csv_close(csv);
    memset(text + 6, 'x', CSV_CELL_MAX + 1);
    memcpy(text + 6 + CSV_CELL_MAX + 1, "\n", 2);
    char *said = all(open_text(text), STATUS_TOO_LARGE);
    cr_expect(strstr(said, "line 2") != NULL, "%s", said);
    free(text);
}

Test(csv, plain_and_gzip_files_and_a_torn_one) {
    char path[] = "/tmp/dutylog-csv-XXXXXX";
    int fd = mkstemp(path);
    cr_assert(fd >= 0);
    close(fd);
    gzFile file = gzopen(path, "wb");
    for (int i = 0; i < 20000; i++) {
        gzprintf(file, "%d,%d\n", i, i * 7919 % 10007);
    }
    gzclose(file);
    struct csv *csv = NULL;
    struct csv_row row;
    struct refusal why = {.text = ""};
    cr_assert_eq(csv_open(path, &csv, &why), STATUS_OK, "%s", why.text);
    size_t rows = 0;
    while (csv_next(csv, &row, &why) == STATUS_OK) {
        rows++;
        cr_assert_eq(row.line, rows + 1);
    }
    cr_expect_eq(rows, 19999); /* the first is the header */
    csv_close(csv);
    cr_assert_eq(truncate(path, 30000), 0);
    cr_assert_eq(csv_open(path, &csv, &why), STATUS_OK, "%s", why.text);
    enum status status;
    while ((status = csv_next(csv, &row, &why)) == STATUS_OK) {
    }
    cr_expect_eq(status, STATUS_BAD_FORM, "%d %s", (int)status, why.text);
    csv_close(csv);
    unlink(path);
}
