/* What an import's mapping says, held against the kinds: so that what is wrong with it shows before
 * the first row, and not in the middle of a log. */
#include "ledger/json.h"
#include "ledger/member.h"
#include "tools/import_map.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct check {
    struct import_map *map;
    const char *file;
    const struct import_event *event;
    struct refusal *why;
};

static enum status bad(struct check *c, const char *member, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static enum status bad(struct check *c, const char *member, const char *format, ...) {
    char detail[REFUSAL_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    return refuse(c->why, STATUS_BAD_FORM, "%s, [event %s], %s: %s", c->file, c->event->name,
                  member, detail);
}

/* --- tables --- */

static enum status find_table(struct check *c, const char *member, struct bytes name, bool measures,
                              size_t *out) {
    char text[64];
    snprintf(text, sizeof text, "%.*s", (int)(name.len < 50 ? name.len : 50), name.data);
    for (size_t i = 0; i < c->map->table_count; i++) {
        if (c->map->tables[i].measures == measures &&
            bytes_equal(bytes_text(c->map->tables[i].name), name)) {
            *out = i;
            return STATUS_OK;
        }
    }
    return bad(c, member, "there is no section [%s %s]", measures ? "measures" : "codes", text);
}

/* Every code of the table is one that the member takes. */
static enum status check_codes(struct check *c, const struct kind_member *row, size_t table) {
    const struct import_table *t = &c->map->tables[table];
    for (size_t i = t->first; i < t->first + t->count; i++) {
        struct refusal detail = {.text = ""};
        const char *code = c->map->values[i].code;
        json_t *value = strcmp(code, "-") != 0 ? json_string(code) : NULL;
        enum status status = value != NULL ? member_check(row, value, &detail) : STATUS_OK;
        json_decref(value);
        if (status != STATUS_OK) {
            return refuse(c->why, STATUS_BAD_FORM, "%s, [codes %s], %.40s: %.120s", c->file,
                          t->name, code, detail.text);
        }
    }
    return STATUS_OK;
}

static const struct kind_discipline *find_discipline(const char *code) {
    for (const struct kind_discipline *d = kind_disciplines; d->code != NULL; d++) {
        if (strcmp(d->code, code) == 0) {
            return d;
        }
    }
    return NULL;
}

static bool has_number(struct bytes pattern) {
    return memchr(pattern.data, '#', pattern.len) != NULL;
}

/* Every line of a table of measures makes a measure, whatever the number. */
static enum status check_measures(struct check *c) {
    for (size_t t = 0; t < c->map->table_count; t++) {
        const struct import_table *table = &c->map->tables[t];
        for (size_t i = table->first; table->measures && i < table->first + table->count; i++) {
            const struct import_value *v = &c->map->values[i];
            const struct kind_discipline *d = find_discipline(v->code);
            bool known = d != NULL || strcmp(v->code, "-") == 0;
            bool term = v->number || v->term > 0;
            const char *wrong = NULL;
            if (!known) {
                wrong = "no code of discipline: kinds.md lists them";
            } else if (d != NULL && d->term != term) {
                wrong =
                    d->term ? "says no number: # or a number, and days or months" : "has no number";
            } else if (v->number && v->term > 0) {
                wrong = "# and a number";
            } else if (d != NULL && d->paid != v->says_paid) {
                wrong = d->paid ? "says neither paid nor unpaid" : "is neither paid nor unpaid";
            } else if (v->number && !has_number(v->pattern)) {
                wrong = "takes a number, #, and its pattern has none";
            }
            if (wrong != NULL) {
                return refuse(c->why, STATUS_BAD_FORM, "%s, [measures %s], %.40s: %s", c->file,
                              table->name, v->code, wrong);
            }
        }
    }
    return STATUS_OK;
}

/* --- members --- */

/* The value that is the same for every row. */
static enum status resolve_fixed(struct check *c, struct import_member *m) {
    struct refusal detail = {.text = ""};
    const char *text = m->lines[0];
    uint64_t number = 0;
    if (m->row->type == MEMBER_INTEGER && bytes_to_u64(bytes_text(text), &number) &&
        number <= (uint64_t)JCS_INTEGER_MAX) {
        m->fixed = json_integer((json_int_t)number);
    } else if (text[0] == '[') {
        m->fixed = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    } else {
        m->fixed = json_string(text);
    }
    m->from = IMPORT_FROM_MAPPING;
    if (m->fixed == NULL || member_check(m->row, m->fixed, &detail) != STATUS_OK) {
        return bad(c, m->row->name, "%s",
                   detail.text[0] != '\0' ? detail.text : member_accepts(m->row->type));
    }
    return STATUS_OK;
}

static bool has_reference(const char *line) {
    return strchr(line, '{') != NULL;
}

/* Every column that a text's lines name is known by then. */
static enum status add_references(struct check *c, const struct import_member *m) {
    for (size_t i = 0; i < m->line_count; i++) {
        struct bytes rest = bytes_text(m->lines[i]);
        struct bytes label;
        while (rest.len > 0) {
            if (!import_map_reference(&rest, &label)) {
                rest = bytes_of(rest.data + 1, rest.len - 1);
            } else if (import_map_column(c->map, label) == IMPORT_NONE) {
                return bad(c, m->row->name, "%s", "a column without a name, or too many columns");
            }
        }
    }
    return STATUS_OK;
}

static enum status resolve_cell(struct check *c, struct import_member *m) {
    struct bytes rest = bytes_text(m->lines[0]);
    struct bytes label = bytes_text("");
    const char *name = m->row->name;
    bool measures = m->row->type == MEMBER_DISCIPLINE;
    bool reference = import_map_reference(&rest, &label);
    m->column = reference ? import_map_column(c->map, label) : IMPORT_NONE;
    if (m->column == IMPORT_NONE) {
        return bad(c, name, "%s", "{column}, or {column} by TABLE");
    }
    if (bytes_starts_with(rest, " by ")) {
        m->from = IMPORT_FROM_TABLE;
        TRY(find_table(c, name, bytes_of(rest.data + 4, rest.len - 4), measures, &m->table));
        return measures ? STATUS_OK : check_codes(c, m->row, m->table);
    }
    m->from = IMPORT_FROM_CELL;
    if (rest.len > 0) {
        return bad(c, name, "%s", "{column}, or {column} by TABLE, and nothing after");
    }
    if (measures) {
        return bad(c, name, "%s", "discipline is read by a table: {column} by TABLE");
    }
    if (m->row->type == MEMBER_CODE) {
        return bad(c, name, "%s", "codes are read by a table: {column} by TABLE");
    }
    if (m->row->type == MEMBER_DATE && c->map->columns[m->column].dates == 0) {
        return bad(c, name, "say in [dates] how the days of %s are spelt",
                   c->map->columns[m->column].label);
    }
    return STATUS_OK;
}

static enum status resolve_member(struct check *c, struct import_member *m) {
    static const char *const ours[] = {"basis", "case", "case_number", "ori", "subject"};
    bool lines = m->line_count > 1;
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (strcmp(m->row->name, ours[i]) == 0) {
            return bad(c, m->row->name, "%s", "comes from [import], for all events of a row");
        }
    }
    if (m->row->type == MEMBER_EVENT) {
        return bad(c, m->row->name, "%s", "an import cannot name another event");
    }
    for (size_t i = 0; i < m->line_count; i++) {
        struct bytes rest = bytes_text(m->lines[i]);
        struct bytes label;
        bool alone = import_map_reference(&rest, &label) &&
                     (rest.len == 0 || bytes_starts_with(rest, " by "));
        lines = lines || (has_reference(m->lines[i]) && !alone);
    }
    if (lines && m->row->type != MEMBER_TEXT) {
        return bad(c, m->row->name, "%s", "one line: a value, {column}, or {column} by TABLE");
    }
    if (lines) {
        m->from = IMPORT_FROM_LINES;
        return add_references(c, m);
    }
    return has_reference(m->lines[0]) ? resolve_cell(c, m) : resolve_fixed(c, m);
}

/* `mapping` is not a member like others: a confidence, or a column by a table of confidences; what
 * tables say of an event's values comes on top. */
static enum status take_mapping(struct check *c, struct import_event *event,
                                const struct import_member *m) {
    if (m->from == IMPORT_FROM_MAPPING) {
        while (strcmp(import_confidence_name(event->confidence), json_string_value(m->fixed)) !=
               0) {
            event->confidence++; /* member_check took it, so it is one of the four */
        }
    } else if (m->from == IMPORT_FROM_TABLE) {
        event->mapping_column = m->column;
        event->mapping_table = m->table;
    } else {
        return bad(c, "mapping", "%s", "exact, close, guessed or unknown; or {column} by TABLE");
    }
    return STATUS_OK;
}

static bool has_member(const struct import_event *event, const char *name) {
    for (size_t i = 0; i < event->member_count; i++) {
        if (strcmp(event->members[i].row->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* What the kind asks of every event, and [import] does not give. */
static enum status check_required(struct check *c) {
    const struct kind *kind = c->event->kind;
    for (size_t i = 0; i < kind->member_count; i++) {
        const struct kind_member *row = &kind->members[i];
        bool given = strcmp(row->name, "basis") == 0 || strcmp(row->name, "ori") == 0 ||
                     strcmp(row->name, "case") == 0 ||
                     (strcmp(row->name, "party") == 0 && c->map->party != NULL);
        if (row->required && row->visibility == VISIBLE_OPEN && !given &&
            !has_member(c->event, row->name)) {
            return bad(c, row->name, "%s",
                       row->type == MEMBER_EVENT
                           ? "the kind names another event: it cannot be imported"
                           : "the kind requires it");
        }
    }
    return kind_member_find(kind, "basis", 5) != NULL && kind_member_find(kind, "ori", 3) != NULL
               ? STATUS_OK
               : bad(c, "basis", "%s", "events of this kind are never imported");
}

/* [import] party is one that the kind's events may have. */
static enum status check_party(struct check *c) {
    const struct kind_member *row = kind_member_find(c->event->kind, "party", 5);
    struct refusal why = {.text = ""};
    if (row == NULL || c->map->party == NULL) {
        return STATUS_OK;
    }
    json_t *party = json_string(c->map->party);
    enum status status = party != NULL ? member_check(row, party, &why) : STATUS_NOMEM;
    json_decref(party);
    return status == STATUS_OK ? STATUS_OK : bad(c, "party", "[import] says: %s", why.text);
}

static enum status resolve_event(struct check *c, struct import_event *event) {
    c->event = event;
    for (size_t i = 0; i < event->member_count; i++) {
        struct import_member *m = &event->members[i];
        TRY(resolve_member(c, m));
        if (strcmp(m->row->name, "mapping") == 0) {
            TRY(take_mapping(c, event, m));
        }
    }
    TRY(check_party(c));
    return check_required(c);
}

static enum status check_import(struct check *c) {
    const struct import_map *map = c->map;
    int agencies =
        (map->ori != NULL) + (map->ori_column != IMPORT_NONE) + (map->agency_column != IMPORT_NONE);
    const char *wrong = NULL;
    if (map->source == NULL || !text_is_token(bytes_text(map->source), TOKEN_SIZE_MAX) ||
        map->table == NULL || !text_is_token(bytes_text(map->table), TOKEN_SIZE_MAX)) {
        wrong = "source and table: names of a-z 0-9 . _ -, at most 64 characters each";
    } else if (agencies != 1) {
        wrong = "one of: ori = NINE CHARACTERS, ori = {column}, agency = {column}";
    } else if (map->key_count == 0) {
        wrong = "key: the columns that say which row this is, separated by commas";
    } else if (map->subject != IMPORT_SUBJECT_NONE && map->case_column == IMPORT_NONE) {
        wrong = "subject: where each row is a case of its own, there is one party";
    } else if (map->event_count == 0) {
        wrong = "there is no [event KIND]: no row would make anything";
    }
    return wrong == NULL ? STATUS_OK
                         : refuse(c->why, STATUS_BAD_FORM, "%s, [import]: %s", c->file, wrong);
}

enum status import_map_resolve(struct import_map *map, const char *name, struct refusal *why) {
    struct check c = {.map = map, .file = name, .why = why};
    TRY(check_import(&c));
    TRY(check_measures(&c));
    for (size_t i = 0; i < map->event_count; i++) {
        TRY(resolve_event(&c, &map->events[i]));
    }
    for (size_t i = 0; i < map->order_count; i++) {
        const struct import_order *o = &map->orders[i];
        if (map->columns[o->early].dates == 0 || map->columns[o->late].dates == 0) {
            return refuse(why, STATUS_BAD_FORM, "%s, [order], %.40s: both are columns of [dates]",
                          name, map->columns[o->early].label);
        }
    }
    return STATUS_OK;
}
