/* Gathering a case from a store, in rounds, so that no party can bury what others logged: first
 * each house's first events, from courts down, with what they name and what names them; then all
 * others, as long as there is room. */
#include "ledger/case_parts.h"
#include "ledger/confirm.h"
#include "ledger/json.h"
#include "ledger/sequencer.h"
#include "ledger/tree.h"

#include <assert.h>
#include <string.h>

/* --- entries --- */

enum status case_read_event(struct gather *g, size_t log, uint64_t index, uint64_t *stamp_ms,
                            struct event *out) {
    struct bytes entry;
    struct bytes note;
    enum status status = tree_entry(g->txn, g->view->logs[log].stored.number, index, &entry);
    if (status == STATUS_OK) {
        status = entry_parse(entry, stamp_ms, &note, NULL);
    }
    if (status == STATUS_NOT_FOUND || status == STATUS_BAD_FORM) {
        return STATUS_STORE_CORRUPT;
    }
    TRY(status);
    return event_parse(note, out, NULL) == STATUS_OK ? STATUS_OK : STATUS_STORE_CORRUPT;
}

static enum status confirmed_at(struct gather *g, size_t log, uint64_t index, uint64_t stamp_ms,
                                uint64_t *confirmed_ms) {
    struct published at;
    const struct case_log *named = &g->view->logs[log];
    enum status status =
        sequencer_published_confirming(g->txn, named->stored.number, index, named->size, &at);
    if (status == STATUS_OK) {
        *confirmed_ms = confirm_time(stamp_ms, at.quorum_time);
    }
    /* Sizes named are those of kept checkpoints, or smaller. */
    return status == STATUS_NOT_FOUND ? STATUS_STORE_CORRUPT : status;
}

bool case_has(const struct case_view *view, size_t log, uint64_t index) {
    for (size_t i = 0; i < view->count; i++) {
        if (view->items[i].index == index && view->items[i].log == log) {
            return true;
        }
    }
    return false;
}

static bool has_id(const struct case_view *view, const struct hash *id) {
    for (size_t i = 0; i < view->count; i++) {
        if (hash_equal(&view->items[i].event.id, id)) {
            return true;
        }
    }
    return false;
}

/* The front of a hash is not all of it: is the event of this case, or does it name one of its? */
static bool belongs(const struct case_view *view, const struct event *event) {
    return event->about.has_case ? case_is_of(view, &event->about)
                                 : event->about.has_named && has_id(view, &event->about.named);
}

static enum status find_signer(struct gather *g, size_t log, struct bytes name,
                               struct standing_signer *out) {
    uint32_t number = g->view->logs[log].stored.number;
    TRY(issuer_find(g->txn, number, name, &g->issuer));
    out->key = g->issuer.vkey.key;
    out->role = g->issuer.roles;
    return issuer_house(g->txn, number, &g->issuer, &out->house);
}

/* --- revocations --- */

static enum status read_revocation(struct gather *g, size_t log, const struct revocation *row,
                                   struct case_revocation *out) {
    *out = (struct case_revocation){.log = log,
                                    .index = row->index,
                                    .stamp_ms = row->stamp_ms,
                                    .reason = row->reason,
                                    .since_ms = row->since_ms};
    return confirmed_at(g, log, row->index, row->stamp_ms, &out->confirmed_ms);
}

static enum status take_revocation(void *context, const struct revocation *row) {
    struct gather *g = context;
    const struct case_item *item = &g->view->items[g->current];
    size_t log = NOT_NAMED;
    struct case_revocation revocation;
    bool binds = false;
    bool by_root = false;
    TRY(revocation_binds(g->txn, g->view->logs[item->log].stored.number, &g->issuer, row, &binds,
                         &by_root));
    if (!binds) {
        return STATUS_OK;
    }
    TRY(case_find_log(g, row->log, &log));
    if (log == NOT_NAMED || row->index >= g->view->logs[log].size) {
        return STATUS_OK;
    }
    TRY(read_revocation(g, log, row, &revocation));
    case_bond(g->view, item, &revocation, by_root, &g->bonds);
    return STATUS_OK;
}

/* Of those that matter, who signed them, and as which of theirs. */
static enum status name_revokers(struct gather *g) {
    for (size_t i = 0; i < BONDS; i++) {
        struct case_revocation *row = &g->bonds.first[i];
        struct event event;
        uint64_t stamp_ms = 0;
        if (g->bonds.bound[i]) {
            TRY(case_read_event(g, row->log, row->index, &stamp_ms, &event));
            row->seq = event.seq;
            memcpy(row->issuer, event.issuer.data, event.issuer.len);
            row->issuer[event.issuer.len] = '\0';
            event_release(&event);
        }
    }
    return STATUS_OK;
}

/* --- taking an event --- */

/* Owns the event from here on. */
static enum status add_item(struct gather *g, size_t log, uint64_t index, uint64_t stamp_ms,
                            struct event *event) {
    struct case_view *view = g->view;
    assert(view->count < CASE_EVENTS_MAX);
    struct case_item *item = &view->items[view->count];
    *item = (struct case_item){.log = log, .index = index, .stamp_ms = stamp_ms, .event = *event};
    g->current = view->count++; /* released with the view from here on */
    view->logs[log].contributes = true;
    memset(&g->bonds, 0, sizeof g->bonds);
    TRY(confirmed_at(g, log, index, stamp_ms, &item->confirmed_ms));
    enum status status = find_signer(g, log, item->event.issuer, &item->signer);
    if (status == STATUS_OK) {
        item->beyond = case_group_of(&view->logs[log], house_group(item->signer.role)) == GROUPS;
        status = revocation_each(g->txn, &item->signer.key, take_revocation, g);
    }
    if (status == STATUS_OK) {
        status = name_revokers(g);
    }
    if (status == STATUS_OK) {
        case_bind(view, g->current, &g->bonds);
    }
    return status == STATUS_NOT_FOUND ? STATUS_STORE_CORRUPT : status;
}

/* The entry that a member of type event names, if it is named and looked at. NOT_FOUND. */
static enum status find_named(struct gather *g, const json_t *reference, size_t *log,
                              uint64_t *index) {
    struct issuer issuer;
    struct log stored;
    struct bytes origin = jcs_text(json_object_get(reference, "log"));
    struct bytes name = jcs_text(json_object_get(reference, "issuer"));
    json_int_t seq = json_integer_value(json_object_get(reference, "seq"));
    enum status status = logs_find(g->txn, origin, &stored);
    if (status == STATUS_UNKNOWN_LOG) {
        return STATUS_NOT_FOUND;
    }
    TRY(status);
    TRY(issuer_find(g->txn, stored.number, name, &issuer));
    TRY(issuer_event(g->txn, stored.number, issuer.number, (uint64_t)seq, index));
    TRY(case_find_log(g, stored.number, log));
    return *log == NOT_NAMED || *index >= g->view->logs[*log].size ? STATUS_NOT_FOUND : STATUS_OK;
}

static bool is_full(struct gather *g) {
    g->full = g->full || g->view->count == CASE_EVENTS_MAX;
    return g->view->count == CASE_EVENTS_MAX;
}

static enum status pull(struct gather *g, const json_t *reference, unsigned steps);

/* What an event names, and what that names. */
static enum status pull_named(struct gather *g, const struct event *event, unsigned steps) {
    const json_t *named = json_object_get(event->open, "event");
    const json_t *replacement = json_object_get(event->open, "replaced_by");
    if (named != NULL) {
        TRY(pull(g, named, steps));
    }
    return replacement != NULL ? pull(g, replacement, steps) : STATUS_OK;
}

/* Takes the event that is named, if it is of the case: one without `case` by what it names. */
static enum status pull(struct gather *g, const json_t *reference, unsigned steps) {
    struct event event;
    struct hash id;
    size_t log = NOT_NAMED;
    uint64_t index = 0;
    uint64_t stamp_ms = 0;
    bool good = bytes_hex_to_hash(jcs_text(json_object_get(reference, "id")), &id);
    assert(good); /* member_check took it */
    if (steps == 0 || is_full(g) || has_id(g->view, &id)) {
        return STATUS_OK;
    }
    enum status status = find_named(g, reference, &log, &index);
    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK;
    }
    TRY(status);
    TRY(case_read_event(g, log, index, &stamp_ms, &event));
    bool taken = false;
    if (hash_equal(&event.id, &id) &&
        !(event.about.has_case && !case_is_of(g->view, &event.about))) {
        status = event.about.has_case ? STATUS_OK : pull_named(g, &event, steps - 1);
        taken = status == STATUS_OK && belongs(g->view, &event) && !is_full(g);
    }
    if (!taken) {
        event_release(&event);
        return status;
    }
    TRY(add_item(g, log, index, stamp_ms, &event)); /* the view owns the event, in any case */
    return pull_named(g, &g->view->items[g->view->count - 1].event, steps - 1);
}

/* --- houses --- */

/* Whether another event of the house may be taken now; counts it. */
static bool house_has_room(struct gather *g, const struct case_row *row, bool naming) {
    size_t at = 0;
    while (at < g->house_count &&
           (g->houses[at].group != row->group ||
            memcmp(g->houses[at].house, row->house, sizeof row->house) != 0)) {
        at++;
    }
    if (at == CASE_HOUSES_MAX) {
        return false;
    }
    if (at == g->house_count) {
        g->house_count++;
        memset(&g->houses[at], 0, sizeof g->houses[at]);
        g->houses[at].group = row->group;
        memcpy(g->houses[at].house, row->house, sizeof row->house);
    }
    size_t *count = naming ? &g->houses[at].naming : &g->houses[at].own;
    return ++*count <= CASE_HOUSE_MAX;
}

static enum status take_row(struct gather *g, const struct case_row *row, bool naming);

/* In the last round others' events come before what names one; so what a higher group says of it
 * comes with it, or a court's correction of a buried finding would be lost, and not the finding. */
static enum status take_above(struct gather *g, size_t item) {
    enum house_group own = house_group(g->view->items[item].signer.role);
    struct case_place at = {.prefix = case_prefix_naming(&g->view->items[item].event.id)};
    enum status status;
    while ((status = case_index_seek(g->txn, &at, &at)) == STATUS_OK) {
        size_t log = NOT_NAMED;
        TRY(case_find_log(g, at.log, &log));
        bool more = true;
        if (log == NOT_NAMED || at.group >= own) {
            more = case_place_after_log(&at);
        } else {
            struct case_row row = {.stamp_ms = at.stamp_ms,
                                   .log = log,
                                   .index = at.index,
                                   .group = case_group_of(&g->view->logs[log], at.group)};
            memcpy(row.house, at.house, sizeof row.house);
            bool room = row.group < own && house_has_room(g, &row, true);
            if (room && row.index < g->view->logs[log].size) {
                TRY(take_row(g, &row, true));
            }
            more = room ? case_place_after(&at) : case_place_after_house(&at);
        }
        if (!more) {
            return STATUS_OK;
        }
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status take_row(struct gather *g, const struct case_row *row, bool naming) {
    struct event event;
    uint64_t stamp_ms = 0;
    if (case_has(g->view, row->log, row->index)) {
        return STATUS_OK;
    }
    if (is_full(g) || (!g->wide && !house_has_room(g, row, naming))) {
        g->full = true;
        return STATUS_OK;
    }
    TRY(case_read_event(g, row->log, row->index, &stamp_ms, &event));
    if (!belongs(g->view, &event)) {
        event_release(&event);
        return STATUS_OK;
    }
    TRY(add_item(g, row->log, row->index, stamp_ms, &event));
    size_t item = g->view->count - 1;
    return g->wide ? take_above(g, item)
                   : pull_named(g, &g->view->items[item].event, CASE_STEPS_MAX);
}

static enum status take_rows(struct gather *g, bool naming) {
    case_sort_rows(g);
    for (size_t i = 0; i < g->memory->row_count; i++) {
        TRY(take_row(g, &g->memory->rows[i], naming));
    }
    g->memory->row_count = 0;
    return STATUS_OK;
}

/* --- rounds --- */

static enum status take_own(struct gather *g) {
    size_t each = g->wide ? CASE_EVENTS_MAX : CASE_HOUSE_MAX;
    for (size_t i = 0; i < g->view->ori_count; i++) {
        struct case_prefix prefix = case_prefix_of(g->view->oris[i], g->view->handle);
        TRY(case_collect(g, &prefix, each, true));
    }
    return take_rows(g, false);
}

/* What names the events taken, and what names these: whoever names an event comes after it, so that
 * this ends. */
static enum status take_naming(struct gather *g) {
    size_t each = g->wide ? CASE_EVENTS_MAX : CASE_HOUSE_MAX;
    size_t level = 0;
    while (level < g->view->count) {
        for (size_t end = g->view->count; level < end; level++) {
            struct case_prefix prefix = case_prefix_naming(&g->view->items[level].event.id);
            TRY(case_collect(g, &prefix, each, false));
        }
        TRY(take_rows(g, true));
    }
    return STATUS_OK;
}

static enum status take_all(struct gather *g) {
#ifdef DUTYLOG_BUG_FIRST_STAMPS /* planted: the first stamps are looked at, of whatever house */
    g->wide = true;
#endif
    TRY(take_own(g));
    TRY(take_naming(g));
    if (!g->full) {
        return STATUS_OK;
    }
    g->wide = true;
    g->full = false; /* found again */
    TRY(take_own(g));
    return take_naming(g);
}

enum status case_gather(struct store_txn *txn, const struct case_ask *ask,
                        struct case_memory *memory, struct case_view *view, struct refusal *why) {
    struct gather g = {.txn = txn, .ask = ask, .memory = memory, .view = view, .why = why};
    memory->row_count = 0;
    TRY(case_check_named(&g));
    TRY(case_join_agencies(&g));
    TRY(case_choose_logs(&g));
    bool cut = g.full; /* logs were left aside */
    TRY(take_all(&g));
    g.full = g.full || cut;
    TRY(case_count_left_out(&g));
    if (view->count == 0) {
        return refuse(why, STATUS_NOT_FOUND,
                      "no event of this ORI and handle is in the logs that this node can show");
    }
    return case_name_recognisers(&g);
}
