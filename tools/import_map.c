#include "tools/import_map.h"

#include "net/buffer.h"
#include "net/file.h"
#include "tools/import_value.h"

#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Upper-cased and trimmed copies beside the text as it stands. */
#define MEMORY_MAX ((size_t)4 * IMPORT_MAP_SIZE_MAX)
/* inih cuts what is longer, without a word. */
#define INI_NAME_MAX 48

struct parse {
    struct import_map *map;
    struct refusal *why;
    enum status status;
};

const char *import_confidence_name(enum import_confidence confidence) {
    static const char *const names[] = {"exact", "close", "guessed", "unknown"};
    return names[confidence];
}

/* A copy of the text. Where there is no room for it, nothing, and the mapping is refused at its
 * end.
 */
static const char *keep(struct import_map *map, struct bytes text) {
    if (map->memory_used + text.len + 1 > MEMORY_MAX) {
        map->full = true;
        return "";
    }
    char *out = map->memory + map->memory_used;
    if (text.len > 0) {
        memcpy(out, text.data, text.len);
    }
    out[text.len] = '\0';
    map->memory_used += text.len + 1;
    return out;
}

/* A copy in the normal form that cells are compared in. */
static const char *keep_cell(struct import_map *map, struct bytes text) {
    const char *kept = keep(map, text);
    if (!map->full) {
        uint8_t *memory = (uint8_t *)(map->memory + map->memory_used - text.len - 1);
        size_t len = list_cell(text, NULL, memory).len;
        memory[len] = '\0';
    }
    return kept;
}

size_t import_map_column(struct import_map *map, struct bytes label) {
    for (size_t i = 0; i < map->column_count; i++) {
        if (bytes_equal(bytes_text(map->columns[i].label), label)) {
            return i;
        }
    }
    if (label.len == 0 || map->column_count == IMPORT_COLUMNS_MAX) {
        return IMPORT_NONE;
    }
    const char *kept = keep(map, label);
    map->columns[map->column_count] = (struct import_column){.label = kept, .header = kept};
    return map->column_count++;
}

bool import_map_reference(struct bytes *rest, struct bytes *label) {
    const uint8_t *end =
        rest->len > 0 && rest->data[0] == '{' ? memchr(rest->data, '}', rest->len) : NULL;
    if (end == NULL) {
        return false;
    }
    size_t len = (size_t)(end - rest->data);
    *label = bytes_of(rest->data + 1, len - 1);
    *rest = bytes_of(end + 1, rest->len - len - 1);
    return true;
}

bool import_map_listed(const char *list, struct bytes cell) {
    struct bytes rest = bytes_text(list != NULL ? list : "");
    struct bytes item;
    uint64_t number = 0;
    while (list != NULL && import_next_item(&rest, '|', &item)) {
        if (item.len > 0 && import_fits(item, cell, &number)) {
            return true;
        }
    }
    return false;
}

const struct import_value *import_map_value(const struct import_map *map, size_t table,
                                            struct bytes cell, uint64_t *number) {
    const struct import_table *t = &map->tables[table];
    for (size_t i = t->first; i < t->first + t->count; i++) {
        if (i != t->fallback && import_fits(map->values[i].pattern, cell, number)) {
            return &map->values[i];
        }
    }
    return t->fallback != IMPORT_NONE ? &map->values[t->fallback] : NULL;
}

/* --- sections --- */

static enum status need_column(struct parse *p, struct bytes label, size_t *out) {
    *out = import_map_column(p->map, label);
    return *out != IMPORT_NONE ? STATUS_OK
                               : refuse(p->why, STATUS_BAD_FORM,
                                        "a column's name, at most %d of them", IMPORT_COLUMNS_MAX);
}

/* "{label}" and nothing else. */
static enum status whole_reference(struct parse *p, const char *value, size_t *out) {
    struct bytes rest = bytes_text(value);
    struct bytes label;
    if (!import_map_reference(&rest, &label) || rest.len > 0) {
        return refuse(p->why, STATUS_BAD_FORM, "'%.60s' should be a column, as {its name}", value);
    }
    return need_column(p, label, out);
}

static enum status take_labels(struct parse *p, const char *value, bool content) {
    struct bytes rest = bytes_text(value);
    struct bytes item;
    while (import_next_item(&rest, ',', &item)) {
        size_t column = 0;
        TRY(need_column(p, item, &column));
        if (content) {
            p->map->columns[column].content = true;
        } else if (p->map->key_count == IMPORT_COLUMNS_MAX) {
            return refuse(p->why, STATUS_BAD_FORM, "at most %d columns in key", IMPORT_COLUMNS_MAX);
        } else {
            p->map->keys[p->map->key_count++] = column;
        }
    }
    p->map->content_said = p->map->content_said || content;
    return STATUS_OK;
}

/* What is said once. */
static enum status keep_once(struct parse *p, const char **out, const char *value) {
    if (*out != NULL) {
        return refuse(p->why, STATUS_BAD_FORM, "'%.60s': this was said before, as '%.60s'", value,
                      *out);
    }
    *out = keep(p->map, bytes_text(value));
    return STATUS_OK;
}

static enum status take_import(struct parse *p, const char *name, const char *value) {
    struct import_map *map = p->map;
    if (strcmp(name, "source") == 0) {
        return keep_once(p, &map->source, value);
    }
    if (strcmp(name, "table") == 0) {
        return keep_once(p, &map->table, value);
    }
    if (strcmp(name, "party") == 0) {
        return keep_once(p, &map->party, value);
    }
    if (strcmp(name, "case") == 0) {
        return strcmp(value, "row") == 0 ? STATUS_OK : whole_reference(p, value, &map->case_column);
    } else if (strcmp(name, "subject") == 0) {
        map->subject = strcmp(value, "none") == 0  ? IMPORT_SUBJECT_NONE
                       : strcmp(value, "row") == 0 ? IMPORT_SUBJECT_ROW
                                                   : IMPORT_SUBJECT_COLUMN;
        return map->subject == IMPORT_SUBJECT_COLUMN
                   ? whole_reference(p, value, &map->subject_column)
                   : STATUS_OK;
    } else if (strcmp(name, "ori") == 0 && value[0] != '{') {
        return keep_once(p, &map->ori, value);
    } else if (strcmp(name, "ori") == 0) {
        return whole_reference(p, value, &map->ori_column);
    } else if (strcmp(name, "agency") == 0) {
        return whole_reference(p, value, &map->agency_column);
    } else if (strcmp(name, "key") == 0 || strcmp(name, "content") == 0) {
        return take_labels(p, value, name[0] == 'c');
    } else {
        return refuse(
            p->why, STATUS_BAD_FORM,
            "[import] has source, table, case, key, content, subject, ori, agency and party");
    }
    return STATUS_OK;
}

static enum status take_strips(struct parse *p, struct import_column *column, const char *value) {
    struct bytes rest = bytes_text(value);
    struct bytes item;
    while (import_next_item(&rest, ' ', &item)) {
        if (item.len == 0) {
            continue;
        }
        if (column->strips.count == LIST_STRIPS_MAX || item.len > LIST_STRIP_SIZE_MAX) {
            return refuse(p->why, STATUS_BAD_FORM,
                          "at most %d patterns of %d characters, separated by spaces",
                          LIST_STRIPS_MAX, LIST_STRIP_SIZE_MAX);
        }
        column->strips.patterns[column->strips.count++] = bytes_text(keep_cell(p->map, item));
    }
    return STATUS_OK;
}

/* "A | B"; a further line goes on with it. */
static enum status take_empties(struct parse *p, struct import_column *column, const char *value) {
    struct import_map *map = p->map;
    char both[1024];
    int n = snprintf(both, sizeof both, "%s%s%s", column->empties != NULL ? column->empties : "",
                     column->empties != NULL ? " | " : "", value);
    if (n < 0 || (size_t)n >= sizeof both) {
        return refuse(p->why, STATUS_BAD_FORM, "at most %zu characters", sizeof both);
    }
    column->empties = keep_cell(map, bytes_text(both));
    return STATUS_OK;
}

static enum status take_dates(struct parse *p, struct import_column *column, const char *value) {
    struct bytes rest = bytes_text(value);
    struct bytes item;
    while (import_next_item(&rest, '|', &item)) {
        unsigned bit = import_date_spelling(item);
        if (bit == 0) {
            return refuse(p->why, STATUS_BAD_FORM,
                          "dates are iso, m/d/y, d/m/y, serial or within, with | between several");
        }
        column->dates |= bit;
    }
    return (column->dates & IMPORT_DATE_MDY) != 0 && (column->dates & IMPORT_DATE_DMY) != 0
               ? refuse(p->why, STATUS_BAD_FORM, "m/d/y and d/m/y cannot be told apart: say one")
               : STATUS_OK;
}

static enum status take_column(struct parse *p, const char *section, const char *name,
                               const char *value) {
    size_t at = 0;
    TRY(need_column(p, bytes_text(name), &at));
    struct import_column *column = &p->map->columns[at];
    if (strcmp(section, "columns") == 0) {
        if (column->renamed) {
            return refuse(p->why, STATUS_BAD_FORM,
                          "the column's header was said before, as '%.60s'", column->header);
        }
        column->renamed = true;
        column->header = keep(p->map, bytes_text(value));
        return STATUS_OK;
    }
    if (strcmp(section, "strip") == 0) {
        return take_strips(p, column, value);
    }
    if (strcmp(section, "empty") == 0) {
        return take_empties(p, column, value);
    }
    if (strcmp(section, "dates") == 0) {
        return take_dates(p, column, value);
    }
    if (p->map->order_count == IMPORT_ORDERS_MAX) {
        return refuse(p->why, STATUS_BAD_FORM, "at most %d lines in [order]", IMPORT_ORDERS_MAX);
    }
    struct import_order *order = &p->map->orders[p->map->order_count++];
    order->early = at;
    return need_column(p, bytes_text(value), &order->late);
}

/* "spelling => agency". */
static enum status take_alias(struct parse *p, const char *name, const char *value) {
    struct import_map *map = p->map;
    const char *arrow = strstr(value, "=>");
    if (strcmp(name, "same") != 0 || arrow == NULL || map->alias_count == IMPORT_ALIASES_MAX) {
        return refuse(
            p->why, STATUS_BAD_FORM,
            "[agencies] has lines: same = A SPELLING => A NAME IN THE REGISTRY, OR AN ORI; at most "
            "%d",
            IMPORT_ALIASES_MAX);
    }
    struct import_alias *alias = &map->aliases[map->alias_count++];
    alias->spelling = keep(map, bytes_of(value, (size_t)(arrow - value)));
    alias->agency = keep(map, bytes_text(arrow + 2));
    return STATUS_OK;
}

/* --- tables --- */

static bool take_confidence(struct bytes word, enum import_confidence *out) {
    for (enum import_confidence c = IMPORT_EXACT; c <= IMPORT_UNKNOWN; c++) {
        if (bytes_equal(word, bytes_text(import_confidence_name(c)))) {
            *out = c;
            return true;
        }
    }
    return false;
}

/* "CODE", then in any order: a confidence; of measures "# days", "30 days", "# months", "paid",
 * "unpaid". */
static enum status read_left(struct parse *p, const struct import_table *table, const char *left,
                             struct import_value *value) {
    struct bytes rest = bytes_text(left);
    struct bytes word;
    bool first = true;
    while (import_next_item(&rest, ' ', &word)) {
        uint64_t term = 0;
        if (word.len == 0) {
            continue;
        }
        if (first) {
            value->code = keep(p->map, word);
            first = false;
        } else if (take_confidence(word, &value->confidence)) {
        } else if (!table->measures) {
            return refuse(p->why, STATUS_BAD_FORM,
                          "after the code comes exact, close, guessed or unknown");
        } else if (bytes_equal(word, bytes_text("#"))) {
            value->number = true;
        } else if (bytes_to_u64(word, &term) && term >= 1 && term <= 99999) {
            value->term = (uint32_t)term;
        } else if (bytes_equal(word, bytes_text("months"))) {
            value->months = true;
        } else if (bytes_equal(word, bytes_text("paid")) ||
                   bytes_equal(word, bytes_text("unpaid"))) {
            value->says_paid = true;
            value->paid = word.data[0] == 'p';
        } else if (!bytes_equal(word, bytes_text("days"))) {
            return refuse(p->why, STATUS_BAD_FORM,
                          "after a measure's code: a number or #, days or months, paid or unpaid, "
                          "a confidence");
        }
    }
    return value->code != NULL ? STATUS_OK
                               : refuse(p->why, STATUS_BAD_FORM, "a code of ours is missing");
}

static enum status find_table(struct parse *p, const char *section, struct import_table **out) {
    struct import_map *map = p->map;
    bool measures = strncmp(section, "measures ", 9) == 0;
    const char *name = strchr(section, ' ') + 1;
    for (size_t i = 0; i < map->table_count; i++) {
        if (strcmp(map->tables[i].name, name) == 0) {
            *out = &map->tables[i];
            return i + 1 == map->table_count && map->tables[i].measures == measures
                       ? STATUS_OK
                       : refuse(p->why, STATUS_BAD_FORM, "the table %s stands here twice", name);
        }
    }
    if (map->table_count == IMPORT_TABLES_MAX) {
        return refuse(p->why, STATUS_BAD_FORM, "at most %d tables", IMPORT_TABLES_MAX);
    }
    *out = &map->tables[map->table_count++];
    **out = (struct import_table){.name = keep(map, bytes_text(name)),
                                  .measures = measures,
                                  .first = map->value_count,
                                  .fallback = IMPORT_NONE};
    return STATUS_OK;
}

static enum status take_value(struct parse *p, const char *section, const char *name,
                              const char *value) {
    struct import_map *map = p->map;
    struct import_table *table = NULL;
    struct import_value line = {.confidence = IMPORT_EXACT};
    struct bytes rest = bytes_text(value);
    struct bytes item;
    TRY(find_table(p, section, &table));
    TRY(read_left(p, table, name, &line));
    while (import_next_item(&rest, '|', &item)) {
        if (item.len == 0) {
            continue;
        }
        if (map->value_count == IMPORT_VALUES_MAX) {
            return refuse(p->why, STATUS_BAD_FORM, "at most %d values in all tables",
                          IMPORT_VALUES_MAX);
        }
        line.pattern = bytes_text(keep_cell(map, item));
        if (bytes_equal(line.pattern, bytes_text("*"))) {
            if (table->fallback != IMPORT_NONE || strcmp(line.code, "none") == 0) {
                return refuse(p->why, STATUS_BAD_FORM,
                              "* is all other values: once in a table, and never as none: what is "
                              "not known is "
                              "not nothing");
            }
            line.confidence = IMPORT_UNKNOWN;
            table->fallback = map->value_count;
        }
        map->values[map->value_count++] = line;
        table->count++;
    }
    return STATUS_OK;
}

/* --- events --- */

static enum status find_event(struct parse *p, const char *section, struct import_event **out) {
    struct import_map *map = p->map;
    const char *name = section + strlen("event ");
    size_t len = strcspn(name, " ");
    for (size_t i = 0; i < map->event_count; i++) {
        if (strcmp(map->events[i].name, name) == 0) {
            *out = &map->events[i];
            return STATUS_OK;
        }
    }
    const struct kind *kind = kind_find(name, len);
    if (kind == NULL) {
        return refuse(p->why, STATUS_BAD_FORM, "no kind '%.*s'; dutylog event --list shows them",
                      (int)len, name);
    }
    if (map->event_count == IMPORT_EVENTS_MAX) {
        return refuse(p->why, STATUS_BAD_FORM, "at most %d events", IMPORT_EVENTS_MAX);
    }
    *out = &map->events[map->event_count++];
    (*out)->name = keep(map, bytes_text(name));
    (*out)->kind = kind;
    (*out)->mapping_column = IMPORT_NONE;
    return STATUS_OK;
}

/* "{label}", "{label} is A | B", "{label} not A | B". */
static enum status take_when(struct parse *p, struct import_event *event, const char *value) {
    struct bytes rest = bytes_text(value);
    struct bytes label;
    struct import_when when = {.values = NULL};
    if (!import_map_reference(&rest, &label) || event->when_count == IMPORT_WHENS_MAX) {
        return refuse(
            p->why, STATUS_BAD_FORM,
            "when = {column}, or {column} is A | B, or {column} not A | B; at most %d lines",
            IMPORT_WHENS_MAX);
    }
    TRY(need_column(p, label, &when.column));
    bool is = bytes_starts_with(rest, " is ");
    when.not = bytes_starts_with(rest, " not ");
    if (is || when.not ) {
        size_t skip = is ? 4 : 5;
        when.values = keep_cell(p->map, bytes_of(rest.data + skip, rest.len - skip));
    } else if (rest.len > 0) {
        return refuse(p->why, STATUS_BAD_FORM, "after {column} comes `is` or `not`, and values");
    }
    event->whens[event->when_count++] = when;
    return STATUS_OK;
}

static enum status take_member(struct parse *p, const char *section, const char *name,
                               const char *value) {
    struct import_event *event = NULL;
    struct import_member *member = NULL;
    TRY(find_event(p, section, &event));
    if (strcmp(name, "when") == 0) {
        return take_when(p, event, value);
    }
    const struct kind_member *row = kind_member_find(event->kind, name, strlen(name));
    if (row == NULL) {
        return refuse(p->why, STATUS_BAD_FORM,
                      "%s has no member %.40s: dutylog event --template %s lists them",
                      event->kind->name, name, event->kind->name);
    }
    for (size_t i = 0; i < event->member_count; i++) {
        member = event->members[i].row == row ? &event->members[i] : member;
    }
    if (member == NULL && event->member_count < IMPORT_MEMBERS_MAX) {
        member = &event->members[event->member_count++];
        member->row = row;
    }
    if (member == NULL || member->line_count == IMPORT_LINES_MAX) {
        return refuse(p->why, STATUS_BAD_FORM, "at most %d members, and %d lines of one",
                      IMPORT_MEMBERS_MAX, IMPORT_LINES_MAX);
    }
    member->lines[member->line_count++] = keep(p->map, bytes_text(value));
    return STATUS_OK;
}

static enum status take_line(struct parse *p, const char *section, const char *name,
                             const char *value) {
    static const char *const of_columns[] = {"columns", "strip", "empty", "dates", "order"};
    if (strlen(section) > INI_NAME_MAX || strlen(name) > INI_NAME_MAX) {
        return refuse(p->why, STATUS_BAD_FORM,
                      "a section's or a line's name has at most %d characters", INI_NAME_MAX);
    }
    if (value[0] == '\0') {
        return STATUS_OK; /* lines that are set in follow, or nothing is said */
    }
    if (strcmp(section, "import") == 0) {
        return take_import(p, name, value);
    }
    if (strcmp(section, "agencies") == 0) {
        return take_alias(p, name, value);
    }
    if (strncmp(section, "codes ", 6) == 0 || strncmp(section, "measures ", 9) == 0) {
        return take_value(p, section, name, value);
    }
    if (strncmp(section, "event ", 6) == 0) {
        return take_member(p, section, name, value);
    }
    for (size_t i = 0; i < sizeof of_columns / sizeof of_columns[0]; i++) {
        if (strcmp(section, of_columns[i]) == 0) {
            return take_column(p, section, name, value);
        }
    }
    return refuse(p->why, STATUS_BAD_FORM,
                  "no section [%.40s]: there are import, columns, strip, empty, dates, order, "
                  "agencies, codes "
                  "NAME, measures NAME and event KIND",
                  section);
}

static int on_line(void *context, const char *section, const char *name, const char *value) {
    struct parse *p = context;
    /* After the first error inih goes on, with handlers' failures counted no more. */
    if (p->status == STATUS_OK) {
        p->status = take_line(p, section, name, value);
        return p->status == STATUS_OK;
    }
    return 1;
}

/* --- reading --- */

/* inih cuts a longer line in two, and takes NUL for the end. */
static enum status check_text(struct bytes text, const char *name, struct refusal *why) {
    size_t line = 1;
    size_t len = 0;
    if (!bytes_utf8_valid(text) ||
        memchr(text.data != NULL ? (const void *)text.data : "", 0, text.len) != NULL) {
        return refuse(why, STATUS_BAD_FORM, "%s: not text in UTF-8", name);
    }
    for (size_t i = 0; i < text.len; i++) {
        bool end = text.data[i] == '\n';
        len = end ? 0 : len + 1;
        if (len > IMPORT_LINE_MAX) {
            return refuse(why, STATUS_BAD_FORM,
                          "%s, line %zu: over %d bytes: go on in the next line, set in by a space",
                          name, line, IMPORT_LINE_MAX);
        }
        line += end;
    }
    return STATUS_OK;
}

static enum status start(struct import_map *map, struct refusal *why) {
    memset(map, 0, sizeof *map);
    map->case_column = IMPORT_NONE;
    map->ori_column = IMPORT_NONE;
    map->agency_column = IMPORT_NONE;
    map->memory = malloc(MEMORY_MAX);
    map->values = calloc(IMPORT_VALUES_MAX, sizeof *map->values);
    map->aliases = calloc(IMPORT_ALIASES_MAX, sizeof *map->aliases);
    return map->memory != NULL && map->values != NULL && map->aliases != NULL
               ? STATUS_OK
               : refuse(why, STATUS_NOMEM, "out of memory");
}

enum status import_map_parse(struct bytes text, const char *name, struct import_map *out,
                             struct refusal *why) {
    struct refusal reason = {.text = ""};
    struct parse p = {.map = out, .why = &reason, .status = STATUS_OK};
    TRY(start(out, why));
    TRY(check_text(text, name, why));
    char *copy = malloc(text.len + 1);
    if (copy == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    if (text.len > 0) {
        memcpy(copy, text.data, text.len);
    }
    copy[text.len] = '\0';
    hash_of(text.data, text.len, &out->file);
    int line = ini_parse_string(copy, on_line, &p);
    free(copy);
    if (line != 0) {
        return refuse(why, STATUS_BAD_FORM, "%s, line %d: %s", name, line < 0 ? 0 : line,
                      p.status != STATUS_OK ? reason.text : "neither a section nor name = value");
    }
    return !out->full ? import_map_resolve(out, name, why)
                      : refuse(why, STATUS_TOO_LARGE, "%s: too much text", name);
}

enum status import_map_open(const char *path, struct import_map *out, struct refusal *why) {
    struct buffer file;
    memset(out, 0, sizeof *out);
    buffer_init(&file, IMPORT_MAP_SIZE_MAX);
    enum status status = file_read(path, &file, why);
    if (status == STATUS_OK) {
        status = import_map_parse(buffer_view(&file), path, out, why);
    }
    buffer_clear(&file);
    return status;
}

void import_map_close(struct import_map *map) {
    for (size_t i = 0; i < map->event_count; i++) {
        for (size_t j = 0; j < map->events[i].member_count; j++) {
            json_decref(map->events[i].members[j].fixed);
        }
    }
    free(map->memory);
    free(map->values);
    free(map->aliases);
    memset(map, 0, sizeof *map);
}
