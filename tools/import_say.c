/* What one member of an event says, from the cells of a row. */
#include "ledger/json.h"
#include "ledger/member.h"
#include "tools/import_make.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEASURES_MAX 16
#define TEXT_MAX (64 * 1024)

static void worsen(struct import_said *said, enum import_confidence confidence) {
    said->confidence = confidence > said->confidence ? confidence : said->confidence;
}

static void report(struct import_maker *maker, const struct import_cells *cells,
                   enum import_problem problem, const char *where, struct bytes what) {
    import_report_add(maker->report, cells->line, problem, where, what);
}

/* --- through a table --- */

/* Is it the line for all other values? */
static bool is_fallback(const struct import_map *map, size_t table,
                        const struct import_value *value) {
    size_t fallback = map->tables[table].fallback;
    return fallback != IMPORT_NONE && value == &map->values[fallback];
}

static enum status say_code(struct import_maker *maker, const struct import_member *member,
                            const struct import_cells *cells, struct import_said *out) {
    const char *table = maker->map->tables[member->table].name;
    struct bytes cell = cells->normal[member->column];
    uint64_t number = 0;
    const struct import_value *value = import_map_value(maker->map, member->table, cell, &number);
    if (value == NULL || is_fallback(maker->map, member->table, value)) {
        report(maker, cells, IMPORT_VALUE, table, cell);
        out->confidence = IMPORT_UNKNOWN;
        out->bad = value == NULL;
    }
    if (value == NULL || strcmp(value->code, "-") == 0) {
        if (value != NULL) {
            report(maker, cells, IMPORT_LEFT, table, cell);
            worsen(out, IMPORT_CLOSE);
        }
        return STATUS_OK;
    }
    worsen(out, value->confidence);
    out->value = json_string(value->code);
    return out->value != NULL ? STATUS_OK : STATUS_NOMEM;
}

enum import_confidence import_say_mapping(const struct import_map *map, size_t table,
                                          struct bytes cell) {
    uint64_t number = 0;
    const struct import_value *value = import_map_value(map, table, cell, &number);
    for (enum import_confidence c = IMPORT_EXACT; value != NULL && c <= IMPORT_UNKNOWN; c++) {
        if (strcmp(value->code, import_confidence_name(c)) == 0) {
            return c;
        }
    }
    return IMPORT_UNKNOWN;
}

/* {"code", "days" or "months", "paid"}; NULL: its number is none that a measure has. */
static json_t *measure(const struct import_value *value, uint64_t number) {
    uint64_t term = value->number ? number : value->term;
    json_t *out = json_pack("{s:s}", "code", value->code);
    if ((value->number || value->term > 0) && out != NULL) {
        json_object_set_new(out, value->months ? "months" : "days", json_integer((json_int_t)term));
    }
    if (value->says_paid && out != NULL) {
        json_object_set_new(out, "paid", json_boolean(value->paid));
    }
    if (value->number && (term < 1 || term > 99999)) {
        json_decref(out);
        return NULL;
    }
    return out;
}

static bool has_measure(const json_t *list, const json_t *one) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_equal(json_array_get(list, i), one) != 0) {
            return true;
        }
    }
    return false;
}

/* One item of a list of measures, or the whole cell as one. */
static void say_measure(struct import_maker *maker, const struct import_member *member,
                        const struct import_cells *cells, struct bytes item,
                        struct import_said *out) {
    const char *table = maker->map->tables[member->table].name;
    uint64_t number = 0;
    const struct import_value *value = import_map_value(maker->map, member->table, item, &number);
    bool left = value != NULL && strcmp(value->code, "-") == 0;
    json_t *one = value != NULL && !left ? measure(value, number) : NULL;
    if (left) {
        report(maker, cells, IMPORT_LEFT, table, item);
        worsen(out, IMPORT_CLOSE); /* what is made says less than the source */
        return;
    }
    if (one == NULL) {
        report(maker, cells, IMPORT_VALUE, table, item);
        out->confidence = IMPORT_UNKNOWN;
        out->bad = true;
        return;
    }
    if (is_fallback(maker->map, member->table, value)) {
        report(maker, cells, IMPORT_VALUE, table, item);
    }
    worsen(out, value->confidence);
    if (!has_measure(out->value, one)) { /* lists repeat a record's measures now and then */
        json_array_append(out->value, one);
    }
    json_decref(one);
}

/* "none" beside a measure is not none. */
static void drop_none(struct import_said *out) {
    for (size_t i = 0; json_array_size(out->value) > 1 && i < json_array_size(out->value); i++) {
        const char *code =
            json_string_value(json_object_get(json_array_get(out->value, i), "code"));
        if (strcmp(code, "none") == 0) {
            json_array_remove(out->value, i);
            worsen(out, IMPORT_GUESSED);
            return;
        }
    }
}

static enum status say_discipline(struct import_maker *maker, const struct import_member *member,
                                  const struct import_cells *cells, struct import_said *out) {
    struct bytes cell = cells->normal[member->column];
    struct bytes rest = cell;
    struct bytes item;
    uint64_t number = 0;
    out->value = json_array();
    if (out->value == NULL) {
        return STATUS_NOMEM;
    }
    if (import_map_value(maker->map, member->table, cell, &number) != NULL) {
        say_measure(maker, member, cells, cell, out);
    } else {
        while (import_next_item(&rest, ',', &item)) {
            if (item.len > 0) {
                say_measure(maker, member, cells, item, out);
            }
        }
    }
    drop_none(out);
    if (json_array_size(out->value) == 0) {
        json_decref(out->value);
        out->value = NULL;
    } else {
        out->bad = false; /* some of it can be said, and `mapping` tells that not all of it is */
    }
    return STATUS_OK;
}

/* --- straight from a cell --- */

static enum status say_date(struct import_maker *maker, const struct import_member *member,
                            const struct import_cells *cells, struct import_said *out) {
    const struct import_column *column = &maker->map->columns[member->column];
    struct bytes cell = cells->normal[member->column];
    char day[IMPORT_DAY_SIZE + 1];
    char what[REFUSAL_TEXT_MAX + 64];
    struct refusal why = {.text = ""};
    enum status status = import_date(cell, column->dates, day, &why);
    if (status == STATUS_OK && member->row->past && strcmp(day, maker->last_day) > 0) {
        status = refuse(&why, STATUS_BAD_FORM, "%s has not come yet", day);
    }
    if (status != STATUS_OK) {
        int n = snprintf(what, sizeof what, "'%.*s': %s", (int)(cell.len < 40 ? cell.len : 40),
                         (const char *)cell.data, why.text);
        report(maker, cells, IMPORT_DATE, column->label,
               bytes_of(what, n > 0 && (size_t)n < sizeof what ? (size_t)n : 0));
        out->bad = true;
        return STATUS_OK;
    }
    out->value = json_string(day);
    return out->value != NULL ? STATUS_OK : STATUS_NOMEM;
}

/* "12", or "12.0" as a table of numbers writes it. */
static json_t *integer_of(struct bytes cell) {
    uint64_t number = 0;
    if (cell.len > 2 && bytes_equal(bytes_of(cell.data + cell.len - 2, 2), bytes_text(".0"))) {
        cell.len -= 2;
    }
    return bytes_to_u64(cell, &number) && number <= (uint64_t)JCS_INTEGER_MAX
               ? json_integer((json_int_t)number)
               : NULL;
}

/* The cell as text; a token or name in small letters. */
static enum status say_text(const struct import_member *member, const struct import_cells *cells,
                            struct import_said *out) {
    struct bytes raw = cells->raw[member->column];
    uint8_t *memory = malloc(raw.len + 1);
    if (memory == NULL) {
        return STATUS_NOMEM;
    }
    struct bytes text = import_text(raw, memory);
    size_t at = text.len > 0 ? (size_t)(text.data - memory) : 0;
    for (size_t i = at; member->row->type == MEMBER_TOKEN && i < at + text.len; i++) {
        bool capital = memory[i] >= 'A' && memory[i] <= 'Z';
        memory[i] = capital ? (uint8_t)(memory[i] - 'A' + 'a') : memory[i];
    }
    out->value = json_stringn((const char *)text.data, text.len);
    free(memory);
    return out->value != NULL ? STATUS_OK : STATUS_NOMEM;
}

/* --- lines of text --- */

/* One line with its columns filled in; false, with nothing written, if it names columns and all of
 * them are empty. */
static bool write_filled(struct import_maker *maker, const char *line,
                         const struct import_cells *cells, struct writer *w) {
    struct bytes rest = bytes_text(line);
    struct bytes label;
    size_t start = w->len;
    size_t named = 0;
    size_t filled = 0;
    while (rest.len > 0) {
        if (!import_map_reference(&rest, &label)) {
            writer_u8(w, rest.data[0]);
            rest = bytes_of(rest.data + 1, rest.len - 1);
            continue;
        }
        size_t column = 0;
        while (!bytes_equal(bytes_text(maker->map->columns[column].label), label)) {
            column++; /* import_map_resolve added it */
        }
        named++;
        if (cells->normal[column].len > 0) {
            struct bytes raw = cells->raw[column];
            uint8_t *room = raw.len <= w->cap - w->len ? w->data + w->len : NULL;
            struct bytes text = room != NULL ? import_text(raw, room) : bytes_of(NULL, 0);
            filled += text.len > 0;
            if (text.len > 0) { /* it begins where it was written, or after blanks */
                memmove(room, text.data, text.len);
                w->len += text.len;
            }
            w->failed = w->failed || room == NULL;
        }
    }
    if (named > 0 && filled == 0) {
        w->len = start;
        return false;
    }
    return true;
}

static enum status say_lines(struct import_maker *maker, const struct import_member *member,
                             const struct import_cells *cells, struct import_said *out) {
    static uint8_t memory[TEXT_MAX];
    struct writer w;
    bool any = false;
    writer_init(&w, memory, sizeof memory);
    for (size_t i = 0; i < member->line_count && !w.failed; i++) {
        struct writer before = w;
        if (any) {
            writer_u8(&w, '\n');
        }
        if (write_filled(maker, member->lines[i], cells, &w)) {
            any = true;
        } else {
            w = before;
        }
    }
    if (w.failed) {
        report(maker, cells, IMPORT_MEMBER, member->row->name, bytes_text("the text is too long"));
        out->bad = true;
    } else if (any && w.len > 0) {
        out->value = json_stringn((const char *)w.data, w.len);
        return out->value != NULL ? STATUS_OK : STATUS_NOMEM;
    }
    return STATUS_OK;
}

enum status import_say(struct import_maker *maker, const struct import_member *member,
                       const struct import_cells *cells, struct import_said *out) {
    *out = (struct import_said){.confidence = IMPORT_EXACT};
    if (member->from == IMPORT_FROM_MAPPING) {
        out->value = json_incref(member->fixed);
        return STATUS_OK;
    }
    if (member->from == IMPORT_FROM_LINES) {
        return say_lines(maker, member, cells, out);
    }
    if (cells->normal[member->column].len == 0) {
        return STATUS_OK;
    }
    if (member->from == IMPORT_FROM_TABLE) {
        return member->row->type == MEMBER_DISCIPLINE ? say_discipline(maker, member, cells, out)
                                                      : say_code(maker, member, cells, out);
    }
    if (member->row->type == MEMBER_DATE) {
        return say_date(maker, member, cells, out);
    }
    if (member->row->type == MEMBER_INTEGER) {
        out->value = integer_of(cells->normal[member->column]);
        if (out->value == NULL) {
            report(maker, cells, IMPORT_MEMBER, member->row->name, bytes_text("not a number"));
            out->bad = true;
        }
        return STATUS_OK;
    }
    return say_text(member, cells, out);
}
