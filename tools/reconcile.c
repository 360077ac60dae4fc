#include "tools/reconcile.h"

#include "tools/csv.h"
#include "tools/weigh.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const char *fate_name(enum fate fate) {
    static const char *const names[FATE_COUNT] = {"same",   "lower", "higher", "mixed",
                                                  "fuller", "other", "absent", "new"};
    assert(fate < FATE_COUNT);
    return names[fate];
}

const char *serving_name(enum serving serving) {
    static const char *const names[SERVING_COUNT] = {"unknown", "serving", "left"};
    assert(serving < SERVING_COUNT);
    return names[serving];
}

/* --- roster --- */

static int by_bytes(const void *a, const void *b) {
    return bytes_compare(*(const struct bytes *)a, *(const struct bytes *)b);
}

static enum status read_persons(struct roster *roster, struct csv *csv, size_t column,
                                const struct list_strips *strips, struct refusal *why) {
    struct csv_row row;
    enum status status;
    while ((status = csv_next(csv, &row, why)) == STATUS_OK) {
        struct bytes raw = column < row.count ? row.cells[column] : bytes_of(NULL, 0);
        uint8_t *room = NULL;
        if (raw.len == 0) {
            continue;
        }
        if (buffer_reserve(&roster->text, raw.len + 1, &room) != STATUS_OK) {
            return refuse(why, STATUS_NOMEM, "the roster: out of memory");
        }
        struct bytes cell = list_cell(raw, strips, room);
        if (cell.len == 0) {
            continue;
        }
        memmove(room, cell.data, cell.len); /* what was stripped stood before it */
        room[cell.len] = '\n';
        buffer_commit(&roster->text, cell.len + 1);
        roster->count++;
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status sort_persons(struct roster *roster, struct refusal *why) {
    struct reader r;
    roster->persons = calloc(roster->count + 1, sizeof *roster->persons);
    if (roster->persons == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    reader_init(&r, buffer_view(&roster->text));
    for (size_t i = 0; i < roster->count; i++) {
        bool line = reader_line(&r, &roster->persons[i]);
        assert(line);
    }
    qsort(roster->persons, roster->count, sizeof *roster->persons, by_bytes);
    return STATUS_OK;
}

enum status roster_read(struct roster *roster, const char *path, const char *column,
                        const struct list_map *map, struct refusal *why) {
    struct csv *csv = NULL;
    size_t at = 0;
    memset(roster, 0, sizeof *roster);
    buffer_init(&roster->text, ROWS_SIZE_MAX);
    if (map == NULL || map->person >= map->key_count) {
        return refuse(why, STATUS_BAD_FORM,
                      "a roster needs a mapping with person: which key column is the officer");
    }
    const struct list_map_cell *person = &map->keys[map->person];
    TRY(csv_open(path, &csv, why));
    enum status status = csv_column(csv, column != NULL ? column : person->column, &at, why);
    if (status == STATUS_OK) {
        status = read_persons(roster, csv, at, &person->strips, why);
    }
    csv_close(csv);
    TRY(status);
    return sort_persons(roster, why);
}

void roster_close(struct roster *roster) {
    buffer_clear(&roster->text);
    free(roster->persons);
    roster->persons = NULL;
}

struct person_of {
    const struct roster *roster;
    size_t number;
    enum serving serving;
};

static void look_up_person(void *context, int other, size_t number, struct bytes text) {
    struct person_of *p = context;
    if (other == 0 && number == p->number && text.len > 0) { /* nobody's row: unknown */
        bool there = bsearch(&text, p->roster->persons, p->roster->count, sizeof text, by_bytes);
        p->serving = there ? SERVING_YES : SERVING_NO;
    }
}

static enum serving serving_of(const struct roster *roster, const struct list_map *map,
                               struct bytes leaf) {
    struct person_of p = {.roster = roster, .serving = SERVING_UNKNOWN};
    if (roster == NULL) {
        return SERVING_UNKNOWN;
    }
    p.number = map->person;
    enum status status = list_cells(leaf, look_up_person, &p);
    assert(status == STATUS_OK || status == STATUS_NOMEM); /* leaves are checked where they enter */
    return p.serving;
}

/* --- comparing --- */

struct comparing {
    const struct list_map *map;
    const struct roster *roster;
    void (*each)(void *context, const struct reconciled *row);
    void *context;
    size_t same;
    struct refusal *why;
    /* Of one key: what the other list has not. */
    struct bytes *old;
    struct bytes *new;
    size_t old_count;
    size_t new_count;
};

/* The end of the rows that begin with the key of the row at `from`. */
static size_t key_end(const struct rows *rows, size_t from, struct bytes prefix) {
    size_t end = from;
    while (end < rows->count && list_begins(rows->leaves[end], prefix)) {
        end++;
    }
    return end;
}

/* The rows of one key: equal ones meet, the rest are kept in order. */
static void part(struct comparing *c, const struct rows *a, size_t a_from, size_t a_end,
                 const struct rows *b, size_t b_from, size_t b_end) {
    c->old_count = 0;
    c->new_count = 0;
    while (a_from < a_end || b_from < b_end) {
        int order = a_from == a_end   ? 1
                    : b_from == b_end ? -1
                                      : bytes_compare(a->leaves[a_from], b->leaves[b_from]);
        if (order == 0) {
            c->same++;
            a_from++;
            b_from++;
        } else if (order < 0) {
            c->old[c->old_count++] = a->leaves[a_from++];
        } else {
            c->new[c->new_count++] = b->leaves[b_from++];
        }
    }
}

static enum status tell(struct comparing *c) {
    size_t pairs = c->old_count < c->new_count ? c->old_count : c->new_count;
    for (size_t i = 0; i < pairs; i++) {
        struct reconciled row = {.fate = FATE_OTHER, .old = c->old[i], .new = c->new[i]};
        TRY(weigh(c->map, row.old, row.new, &row.fate, c->why));
        c->each(c->context, &row);
    }
    for (size_t i = pairs; i < c->old_count; i++) {
        c->each(c->context,
                &(struct reconciled){.fate = FATE_ABSENT,
                                     .old = c->old[i],
                                     .serving = serving_of(c->roster, c->map, c->old[i])});
    }
    for (size_t i = pairs; i < c->new_count; i++) {
        c->each(c->context, &(struct reconciled){.fate = FATE_NEW, .new = c->new[i]});
    }
    return STATUS_OK;
}

static enum status compare_all(struct comparing *c, const struct rows *a, const struct rows *b) {
    size_t i = 0;
    size_t j = 0;
    while (i < a->count || j < b->count) {
        bool from_a =
            j == b->count || (i < a->count && bytes_compare(a->leaves[i], b->leaves[j]) <= 0);
        struct bytes prefix = list_prefix(from_a ? a->leaves[i] : b->leaves[j]);
        size_t a_end = key_end(a, i, prefix);
        size_t b_end = key_end(b, j, prefix);
        assert(a_end > i || b_end > j);
        part(c, a, i, a_end, b, j, b_end);
        TRY(tell(c));
        i = a_end;
        j = b_end;
    }
    return STATUS_OK;
}

enum status reconcile(const struct rows *a, const struct rows *b, const struct list_map *map,
                      const struct roster *roster,
                      void (*each)(void *context, const struct reconciled *row), void *context,
                      size_t *same, struct refusal *why) {
    struct comparing c = {
        .map = map, .roster = roster, .each = each, .context = context, .why = why};
    c.old = calloc(a->count + 1, sizeof *c.old);
    c.new = calloc(b->count + 1, sizeof *c.new);
    enum status status = c.old != NULL && c.new != NULL
                             ? compare_all(&c, a, b)
                             : refuse(why, STATUS_NOMEM, "out of memory");
    free(c.old);
    free(c.new);
    *same = c.same;
    return status;
}
