#include "tools/agencies.h"

#include "tools/cli.h"
#include "tools/csv.h"
#include "tools/make_event.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum column { COLUMN_ORI, COLUMN_NAME, COLUMN_STATE, COLUMN_TYPE, COLUMN_OFFICERS, COLUMN_FROM };
#define COLUMNS 6
static const char *const names[COLUMNS] = {"ori", "name", "state", "type", "officers", "from"};

struct reading {
    struct csv *csv;
    size_t at[COLUMNS]; /* SIZE_MAX: the file has no such column */
    json_t *seen;       /* ORI -> the line on which it stood */
};

static enum status find_columns(struct reading *r, struct refusal *why) {
    const struct bytes *headers;
    size_t count = csv_columns(r->csv, &headers);
    for (size_t i = 0; i < COLUMNS; i++) {
        bool there = false;
        for (size_t k = 0; k < count; k++) {
            there = there || bytes_equal(headers[k], bytes_text(names[i]));
        }
        r->at[i] = SIZE_MAX;
        if (there || i != COLUMN_FROM) {
            TRY(csv_column(r->csv, names[i], &r->at[i], why));
        }
    }
    return STATUS_OK;
}

static struct bytes cell(const struct reading *r, const struct csv_row *row, enum column column) {
    struct bytes text = bytes_of(NULL, 0);
    if (r->at[column] < row->count) {
        text = row->cells[r->at[column]];
    }
    while (text.len > 0 && text.data[0] == ' ') {
        text = bytes_of(text.data + 1, text.len - 1);
    }
    while (text.len > 0 && text.data[text.len - 1] == ' ') {
        text.len--;
    }
    return text;
}

static enum status check_seen(struct reading *r, struct bytes ori, uint64_t line,
                              struct refusal *why) {
    char key[16] = "";
    if (ori.len >= sizeof key) {
        return STATUS_OK; /* no ORI: make_event says so */
    }
    memcpy(key, ori.data, ori.len);
    const json_t *before = json_object_get(r->seen, key);
    if (before != NULL) {
        return refuse(why, STATUS_BAD_MEMBER, "ori: %s stands on line %lld already", key,
                      (long long)json_integer_value(before));
    }
    return json_object_set_new(r->seen, key, json_integer((json_int_t)line)) == 0 ? STATUS_OK
                                                                                  : STATUS_NOMEM;
}

/* The event's members; NULL: no memory, or `why`. */
static json_t *members_of(const struct reading *r, const struct csv_row *row, struct refusal *why) {
    json_t *open = json_object();
    uint64_t officers = 0;
    if (!bytes_to_u64(cell(r, row, COLUMN_OFFICERS), &officers) || officers > 1000000000) {
        refuse(why, STATUS_BAD_MEMBER, "officers: how many there are, as a whole number");
        json_decref(open);
        return NULL;
    }
    json_object_set_new(open, "officers", json_integer((json_int_t)officers));
    for (size_t i = 0; i < COLUMNS; i++) {
        struct bytes text = cell(r, row, (enum column)i);
        if (i != COLUMN_OFFICERS && (i != COLUMN_FROM || text.len > 0)) {
            json_object_set_new(
                open, names[i],
                json_stringn(text.len > 0 ? (const char *)text.data : "", text.len));
        }
    }
    return open;
}

/* Whether the line is wrong, or the machine. */
static bool is_lines(enum status status) {
    return status == STATUS_BAD_MEMBER || status == STATUS_BAD_FORM ||
           status == STATUS_BAD_CANONICAL || status == STATUS_TOO_LARGE;
}

static enum status register_line(struct reading *r, const struct csv_row *row,
                                 const struct signer *signer, struct outbox *outbox,
                                 struct place *place, struct refusal *why) {
    const struct signer *const signers[1] = {signer};
    TRY(check_seen(r, cell(r, row, COLUMN_ORI), row->line, why));
    json_t *open = members_of(r, row, why);
    if (open == NULL) {
        return STATUS_BAD_MEMBER;
    }
    enum status status = make_event_into(outbox, place, "agency.registered", open, signers, 1, why);
    json_decref(open);
    return status;
}

static enum status register_all(struct reading *r, const struct signer *signer,
                                struct outbox *outbox, struct place *place,
                                struct agencies_made *made, struct refusal *why) {
    struct csv_row row;
    enum status status;
    while ((status = csv_next(r->csv, &row, why)) == STATUS_OK) {
        uint64_t done = 0;
        uint64_t total = 0;
        status = register_line(r, &row, signer, outbox, place, why);
        if (status == STATUS_OK) {
            made->written++;
        } else if (is_lines(status)) {
            made->refused++;
            fprintf(stderr, "line %llu: %s\n", (unsigned long long)row.line, why->text);
        } else {
            return status;
        }
        csv_progress(r->csv, &done, &total);
        cli_progress("agencies", done, total);
    }
    cli_progress_end();
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status agencies_register(const char *path, const struct signer *signer, struct outbox *outbox,
                              struct place *place, struct agencies_made *made,
                              struct refusal *why) {
    struct reading r = {.csv = NULL};
    *made = (struct agencies_made){0};
    TRY(csv_open(path, &r.csv, why));
    r.seen = json_object();
    enum status status =
        r.seen != NULL ? find_columns(&r, why) : refuse(why, STATUS_NOMEM, "out of memory");
    if (status == STATUS_OK) {
        status = register_all(&r, signer, outbox, place, made, why);
    }
    json_decref(r.seen);
    csv_close(r.csv);
    return status;
}
