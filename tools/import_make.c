#include "tools/import_make.h"

#include "crypto/encoding.h"
#include "crypto/random.h"
#include "ledger/body.h"
#include "ledger/event.h"
#include "ledger/json.h"
#include "ledger/member.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_OF_EVENT (2 + EVENT_SIZE_MAX)
#define VALUES_MAX (128 * 1024) /* of the closed members of one event: more than their maxima */

/* One event on the way from a row. */
struct making {
    const struct import_event *event;
    const struct import_cells *cells;
    json_t *open;
    json_t *closed[EVENT_MEMBERS_MAX]; /* by the number of the member in its kind */
    enum import_confidence confidence;
};

static uint8_t values[VALUES_MAX]; /* of the event that is made; one thread makes */

/* --- conditions --- */

static bool when_holds(const struct import_when *when, const struct import_cells *cells) {
    struct bytes cell = cells->normal[when->column];
    if (when->values == NULL) {
        return cell.len > 0;
    }
    return import_map_listed(when->values, cell) != when->not ;
}

static bool is_wanted(const struct import_event *event, const struct import_cells *cells) {
    for (size_t i = 0; i < event->when_count; i++) {
        if (!when_holds(&event->whens[i], cells)) {
            return false;
        }
    }
    return true;
}

/* --- members --- */

static void report(struct import_maker *maker, const struct making *m, const char *text) {
    import_report_add(maker->report, m->cells->line, IMPORT_MEMBER, m->event->name,
                      bytes_text(text));
}

/* Takes the value. It is checked, so that what is wrong is told by the member's name. */
static bool put(struct import_maker *maker, struct making *m, const struct kind_member *row,
                json_t *value) {
    struct refusal why = {.text = ""};
    if (member_check(row, value, &why) != STATUS_OK) {
        report(maker, m, why.text);
        json_decref(value);
        return false;
    }
    if (row->visibility == VISIBLE_CLOSED) {
        m->closed[row - m->event->kind->members] = value;
    } else {
        json_object_set_new(m->open, row->name, value);
    }
    return true;
}

static bool put_named(struct import_maker *maker, struct making *m, const char *name,
                      json_t *value) {
    const struct kind_member *row = kind_member_find(m->event->kind, name, strlen(name));
    if (row == NULL || value == NULL) {
        json_decref(value);
        return row == NULL;
    }
    return put(maker, m, row, value);
}

/* False: the event is not made; why is reported, or it is as the mapping leaves it out. */
static bool put_said(struct import_maker *maker, struct making *m,
                     const struct import_member *member, enum status *status) {
    struct import_said said;
    if (strcmp(member->row->name, "mapping") == 0) {
        return true;
    }
    *status = import_say(maker, member, m->cells, &said);
    if (*status != STATUS_OK) {
        return false;
    }
    m->confidence = said.confidence > m->confidence ? said.confidence : m->confidence;
    if (said.value != NULL) {
        return put(maker, m, member->row, said.value);
    }
    bool needed = member->row->required && member->row->visibility == VISIBLE_OPEN;
    if (needed && !said.bad && m->cells->normal[member->column].len == 0) {
        char text[REFUSAL_TEXT_MAX];
        snprintf(text, sizeof text, "%s is required, and the cell is empty", member->row->name);
        report(maker, m, text);
    }
    /* What a table lacks leaves its member out, and `mapping` unknown; what cannot be read at all
     * leaves out the event. */
    return !needed && (!said.bad || member->from == IMPORT_FROM_TABLE);
}

/* What every event of an import has. */
static bool put_common(struct import_maker *maker, struct making *m, const char *ori,
                       const struct import_row *row) {
    const struct import_map *map = maker->map;
    char handle[HEX_LEN(IMPORT_HANDLE_SIZE)];
    hex_encode(handle, row->handle, IMPORT_HANDLE_SIZE);
    bool good = put_named(maker, m, "basis", json_string("imported")) &&
                put_named(maker, m, "case", json_stringn(handle, sizeof handle)) &&
                put_named(maker, m, "ori", json_string(ori));
    if (good && map->party != NULL) {
        good = put_named(maker, m, "party", json_string(map->party));
    }
    if (good && row->subject > 0) {
        good = put_named(maker, m, "subject", json_integer(row->subject));
    }
    if (good && map->case_column != IMPORT_NONE && m->cells->normal[map->case_column].len > 0) {
        struct bytes raw = m->cells->raw[map->case_column];
        uint8_t *memory = malloc(raw.len + 1);
        struct bytes text = memory != NULL ? import_text(raw, memory) : bytes_of(NULL, 0);
        good = put_named(maker, m, "case_number", json_stringn((const char *)text.data, text.len));
        free(memory);
    }
    return good;
}

static bool put_mapping(struct import_maker *maker, struct making *m) {
    const struct import_event *event = m->event;
    if (event->mapping_column != IMPORT_NONE) {
        struct bytes cell = m->cells->normal[event->mapping_column];
        enum import_confidence c = import_say_mapping(maker->map, event->mapping_table, cell);
        m->confidence = c > m->confidence ? c : m->confidence;
    }
    return put_named(maker, m, "mapping", json_string(import_confidence_name(m->confidence)));
}

/* --- the body --- */

/* The closed members under fresh salts; `body` is the text of the .body file. */
static enum status make_body(struct import_maker *maker, const struct making *m,
                             struct body_member *members, size_t *count, struct writer *body,
                             struct refusal *why) {
    uint8_t salts[EVENT_MEMBERS_MAX][BODY_SALT_SIZE];
    struct writer w;
    *count = 0;
    writer_init(&w, values, sizeof values);
    for (size_t i = 0; i < m->event->kind->member_count; i++) {
        if (m->closed[i] != NULL) {
            size_t start = w.len;
            TRY(jcs_write(&w, m->closed[i], why));
            members[*count].name = bytes_text(m->event->kind->members[i].name);
            members[(*count)++].value = bytes_of(values + start, w.len - start);
        }
    }
    random_fill(salts, *count * BODY_SALT_SIZE);
    writer_text(body, "{\"issuer\":");
    jcs_write_text(body, maker->issuer);
    writer_text(body, ",\"log\":");
    jcs_write_text(body, bytes_text(maker->place.log));
    writer_text(body, ",\"members\":{");
    for (size_t i = 0; i < *count; i++) {
        char salt[HEX_LEN(BODY_SALT_SIZE)];
        memcpy(members[i].salt, salts[i], BODY_SALT_SIZE);
        hex_encode(salt, salts[i], BODY_SALT_SIZE);
        writer_text(body, i > 0 ? "," : "");
        jcs_write_text(body, members[i].name);
        writer_text(body, ":{\"salt\":");
        jcs_write_text(body, bytes_of(salt, sizeof salt));
        writer_text(body, ",\"value\":");
        writer_bytes(body, members[i].value);
        writer_text(body, "}");
    }
    writer_text(body, "},\"seq\":");
    writer_decimal(body, maker->place.seq);
    writer_text(body, "}");
    return writer_status(body);
}

/* --- the event --- */

/* Into state and batch, and the place moves on. */
static enum status keep(struct import_maker *maker, struct bytes text, struct bytes body) {
    uint8_t memory[EVENT_SIZE_MAX];
    struct writer note;
    struct place *place = &maker->place;
    if (maker->signer != NULL) {
        writer_init(&note, memory, sizeof memory);
        writer_bytes(&note, text);
        writer_text(&note, "\n");
        if (note.failed || note.cap - note.len < NOTE_SIGNATURE_BYTES_MAX * 2 + NAME_SIZE_MAX) {
            return STATUS_TOO_LARGE;
        }
        note_sign(&note, text, maker->signer);
        TRY(writer_status(&note));
        TRY(import_state_put_event(maker->state, place->seq, writer_view(&note), body));
        bool added = import_batch_add(&maker->batch, place->seq, writer_view(&note));
        assert(added); /* import_maker_full was asked before the row */
    }
    hash_of(text.data, text.len, &place->prev);
    place->has_prev = true;
    place->seq++;
    return STATUS_OK;
}

/* Did the log refuse it in this run, or two that say the same? Told and, where the row is made
 * again, no longer counted as made. */
static bool is_refused(struct import_maker *maker, const struct making *m) {
    struct import_report *out = maker->report;
    const char *ori = json_string_value(json_object_get(m->open, "ori"));
    size_t which = (size_t)(m->event - maker->map->events);
    const char *text =
        import_refused_why(&maker->refused, maker->row, which, maker->map, ori != NULL ? ori : "");
    bool again = out->again;
    if (text == NULL) {
        return false;
    }
    if (again) {
        out->made[which]--;
        out->confidence[m->confidence]--;
    }
    out->again = false;
    import_report_add(out, m->cells->line, IMPORT_REFUSED, m->event->name, bytes_text(text));
    out->again = again;
    return true;
}

static enum status sign(struct import_maker *maker, const struct making *m, bool *made,
                        struct refusal *why) {
    static uint8_t body_memory[VALUES_MAX * 2];
    uint8_t text_memory[EVENT_SIZE_MAX];
    struct body_member members[EVENT_MEMBERS_MAX];
    struct refusal reason = {.text = ""};
    struct writer body;
    struct writer text;
    struct hash root;
    size_t count = 0;
    struct body_context context = {
        .log = bytes_text(maker->place.log), .issuer = maker->issuer, .seq = maker->place.seq};
    writer_init(&body, body_memory, sizeof body_memory);
    writer_init(&text, text_memory, sizeof text_memory);
    TRY(make_body(maker, m, members, &count, &body, why));
    if (count > 0) {
        TRY(body_root(&context, members, count, &root, why));
    }
    struct event_draft draft = {.log = context.log,
                                .issuer = maker->issuer,
                                .kind = bytes_text(m->event->kind->name),
                                .seq = maker->place.seq,
                                .prev = maker->place.has_prev ? &maker->place.prev : NULL,
                                .body = count > 0 ? &root : NULL,
                                .open = m->open};
    enum status status = event_format(&text, &draft, &reason);
    if (status == STATUS_OK && is_refused(maker, m)) {
        return STATUS_OK;
    }
    if (status == STATUS_OK) {
        status = keep(maker, writer_view(&text), count > 0 ? writer_view(&body) : bytes_of("", 0));
    }
    *made = status == STATUS_OK;
    if (status == STATUS_BAD_MEMBER || status == STATUS_TOO_LARGE) {
        report(maker, m, status == STATUS_TOO_LARGE ? "the event is too large" : reason.text);
        return STATUS_OK;
    }
    return status == STATUS_OK ? STATUS_OK
                               : refuse(why, status, "an event cannot be made or kept: %s",
                                        reason.text[0] != '\0' ? reason.text : status_text(status));
}

static enum status make_event_of(struct import_maker *maker, const struct import_event *event,
                                 const struct import_cells *cells, const char *ori,
                                 const struct import_row *row, bool *made, struct refusal *why) {
    struct making m = {.event = event, .cells = cells, .confidence = event->confidence};
    enum status status = STATUS_OK;
    m.open = json_object();
    bool good = m.open != NULL && put_common(maker, &m, ori, row);
    for (size_t i = 0; good && i < event->member_count; i++) {
        good = put_said(maker, &m, &event->members[i], &status);
    }
    good = good && put_mapping(maker, &m);
    *made = false;
    if (status != STATUS_OK || m.open == NULL) {
        status = refuse(why, STATUS_NOMEM, "out of memory");
    } else if (good) {
        status = sign(maker, &m, made, why);
    }
    if (*made && !maker->report->again) {
        maker->report->made[event - maker->map->events]++;
        maker->report->confidence[m.confidence]++;
    }
    json_decref(m.open);
    for (size_t i = 0; i < EVENT_MEMBERS_MAX; i++) {
        json_decref(m.closed[i]);
    }
    return status;
}

/* --- the row --- */

static bool find_ori(struct import_maker *maker, const struct import_cells *cells,
                     char ori[static IMPORT_ORI_SIZE + 1]) {
    const struct import_map *map = maker->map;
    struct refusal why = {.text = ""};
    char what[REFUSAL_TEXT_MAX + IMPORT_AGENCY_NAME_MAX];
    enum status status = STATUS_OK;
    if (map->ori != NULL) {
        memcpy(ori, map->ori, IMPORT_ORI_SIZE + 1); /* import_agencies_open checked it */
        return true;
    }
    size_t column = map->ori_column != IMPORT_NONE ? map->ori_column : map->agency_column;
    struct bytes cell = cells->normal[column];
    if (map->ori_column != IMPORT_NONE) {
        status = import_agency_check(maker->agencies, cell, &why);
        if (status == STATUS_OK) {
            memcpy(ori, cell.data, IMPORT_ORI_SIZE);
            ori[IMPORT_ORI_SIZE] = '\0';
        }
    } else {
        status = import_agency_find(maker->agencies, cell, ori, &why);
    }
    if (status != STATUS_OK) {
        int n = snprintf(what, sizeof what, "'%.*s': %s", (int)(cell.len < 200 ? cell.len : 200),
                         (const char *)cell.data, why.text);
        import_report_add(maker->report, cells->line, IMPORT_AGENCY, map->columns[column].label,
                          bytes_of(what, n > 0 && (size_t)n < sizeof what ? (size_t)n : 0));
    }
    return status == STATUS_OK;
}

/* A row without its case's number is of no case: not of one with all others that lack it. */
static bool has_case(struct import_maker *maker, const struct import_cells *cells) {
    size_t column = maker->map->case_column;
    if (column == IMPORT_NONE || cells->normal[column].len > 0) {
        return true;
    }
    import_report_add(maker->report, cells->line, IMPORT_MEMBER, maker->map->columns[column].label,
                      bytes_text("the case number is missing"));
    return false;
}

/* The row's handle and subject: of its case, or its own. */
static enum status find_case(struct import_maker *maker, const struct import_cells *cells,
                             struct import_row *row) {
    const struct import_map *map = maker->map;
    uint8_t id[IMPORT_ID_SIZE];
    uint8_t value[IMPORT_ID_SIZE];
    if (map->case_column == IMPORT_NONE) {
        random_fill(row->handle, IMPORT_HANDLE_SIZE);
        return STATUS_OK;
    }
    import_state_id(map->source, cells->normal[map->case_column], id);
    TRY(import_state_case(maker->state, id, row->handle));
    if (map->subject == IMPORT_SUBJECT_NONE) {
        return STATUS_OK;
    }
    struct bytes who = map->subject == IMPORT_SUBJECT_COLUMN ? cells->normal[map->subject_column]
                                                             : bytes_of(NULL, 0);
    import_state_id(map->source, who, value);
    return import_state_subject(maker->state, id, who.len > 0 ? value : NULL, &row->subject);
}

static bool is_made(const struct import_row *row, const struct import_event *event) {
    for (size_t i = 0; i < row->count; i++) {
        if (strcmp(row->made[i].name, event->name) == 0) {
            return true;
        }
    }
    return false;
}

/* Days in the wrong order are told, and logged as the source has them. */
static void check_order(struct import_maker *maker, const struct import_cells *cells) {
    const struct import_map *map = maker->map;
    for (size_t i = 0; i < map->order_count; i++) {
        const struct import_order *o = &map->orders[i];
        char early[IMPORT_DAY_SIZE + 1];
        char late[IMPORT_DAY_SIZE + 1];
        char what[128];
        if (import_date(cells->normal[o->early], map->columns[o->early].dates, early, NULL) ==
                STATUS_OK &&
            import_date(cells->normal[o->late], map->columns[o->late].dates, late, NULL) ==
                STATUS_OK &&
            strcmp(early, late) > 0) {
            snprintf(what, sizeof what, "after %s", map->columns[o->late].label);
            import_report_add(maker->report, cells->line, IMPORT_ORDER,
                              map->columns[o->early].label, bytes_text(what));
        }
    }
}

/* The events that are wanted and not made yet. */
static enum status make_events(struct import_maker *maker, const struct import_cells *cells,
                               const char *ori, struct import_row *row, bool *ready,
                               struct refusal *why) {
    for (size_t i = 0; i < maker->map->event_count; i++) {
        const struct import_event *event = &maker->map->events[i];
        bool made = false;
        if (is_made(row, event) || import_refused_told(&maker->refused, maker->row, i) ||
            !is_wanted(event, cells)) {
            continue;
        }
        if (row->count == IMPORT_MADE_MAX) {
            report(maker, &(struct making){.event = event, .cells = cells},
                   "the row has made as many events as a row may");
            break;
        }
        if (!*ready) {
            enum status status = find_case(maker, cells, row);
            if (status == STATUS_TOO_LARGE) {
                report(maker, &(struct making){.event = event, .cells = cells},
                       "the case has over 999 parties");
                break;
            }
            if (status != STATUS_OK) {
                return refuse(why, status, "the state folder: %s", status_text(status));
            }
            *ready = true;
        }
        uint64_t seq = maker->place.seq;
        TRY(make_event_of(maker, event, cells, ori, row, &made, why));
        if (made) {
            struct import_made *entry = &row->made[row->count++];
            entry->seq = seq;
            snprintf(entry->name, sizeof entry->name, "%s", event->name);
        }
    }
    return STATUS_OK;
}

/* What became of the row, in this run. One that is made again was counted: as one that made
 * something, if it lost what it made to a refusal. */
static void count_row(struct import_maker *maker, const struct import_row *row, bool lost) {
    struct import_report *out = maker->report;
    bool made = false;
    for (size_t i = 0; i < row->count; i++) {
        made = made || row->made[i].seq >= maker->first_seq;
    }
    if (out->again && (made || !lost)) {
        return;
    }
    out->rows_made -= out->again;
    if (made) {
        out->rows_made++;
    } else if (row->count > 0) {
        out->rows_before++;
    } else {
        out->rows_nothing++;
    }
}

enum status import_make_row(struct import_maker *maker, const struct import_cells *cells,
                            const struct import_row_id *id, struct refusal *why) {
    struct import_row row;
    char ori[IMPORT_ORI_SIZE + 1];
    enum status status = import_state_row(maker->state, maker->table, id, &row);
    bool known = status == STATUS_OK;
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return refuse(why, status, "the state folder: %s", status_text(status));
    }
    size_t before = row.count;
    uint64_t refused = maker->report->problems[IMPORT_REFUSED];
    if (cells->replaced && !known) {
        import_report_add(maker->report, cells->line, IMPORT_BYTES, "row",
                          bytes_text("bytes that are no UTF-8"));
    }
    if (!has_case(maker, cells) || !find_ori(maker, cells, ori)) {
        row.count = 0;
        count_row(maker, &row, false);
        return STATUS_OK;
    }
    check_order(maker, cells);
    bool ready = known;
    TRY(make_events(maker, cells, ori, &row, &ready, why));
    count_row(maker, &row, maker->report->problems[IMPORT_REFUSED] > refused);
    /* Also of a row that could make nothing: its party keeps its number until it can. */
    if (row.count > before || ready != known) {
        status = import_state_put_row(maker->state, maker->table, id, &row);
        return status == STATUS_OK
                   ? STATUS_OK
                   : refuse(why, status, "the state folder: %s", status_text(status));
    }
    return STATUS_OK;
}

bool import_maker_full(const struct import_maker *maker) {
    size_t most = maker->map->event_count;
    return maker->batch.count + most > maker->batch_max ||
           maker->batch.body.len + most * ROOM_OF_EVENT > IMPORT_BATCH_SIZE_MAX;
}
