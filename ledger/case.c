#include "ledger/case.h"

#include "ledger/disclosure.h"
#include "ledger/json.h"

#include <assert.h>
#include <string.h>

void case_init(struct case_view *view, const uint8_t ori[static ORI_SIZE],
               const uint8_t handle[static HANDLE_SIZE]) {
    memcpy(view->ori, ori, ORI_SIZE);
    memcpy(view->handle, handle, HANDLE_SIZE);
    memcpy(view->oris[0], ori, ORI_SIZE);
    view->ori_count = 1;
    view->pin_count = 0;
    view->log_count = 0;
    view->count = 0;
    view->left_out_count = 0;
    view->revocation_count = 0;
    view->standing.count = 0;
}

void case_release(struct case_view *view) {
    for (size_t i = 0; i < view->count; i++) {
        event_release(&view->items[i].event);
    }
    view->count = 0;
}

static bool has_ori(const struct case_view *view, const void *ori) {
    for (size_t i = 0; i < view->ori_count; i++) {
        if (memcmp(view->oris[i], ori, ORI_SIZE) == 0) {
            return true;
        }
    }
    return false;
}

bool case_is_of(const struct case_view *view, const struct event_about *about) {
    return about->has_case && has_ori(view, about->ori) &&
           memcmp(about->handle, view->handle, HANDLE_SIZE) == 0;
}

struct case_log *case_log_named(struct case_view *view, struct bytes origin) {
    assert(origin.len <= NAME_SIZE_MAX);
    for (size_t i = 0; i < view->log_count; i++) {
        if (bytes_equal(bytes_text(view->logs[i].origin), origin)) {
            return &view->logs[i];
        }
    }
    if (view->log_count == CASE_LOGS_MAX) {
        return NULL;
    }
    struct case_log *log = &view->logs[view->log_count++];
    memset(log, 0, sizeof *log);
    memcpy(log->origin, origin.data, origin.len);
    hash_of(origin.data, origin.len, &log->id);
    return log;
}

/* --- revocations --- */

static int compare(const struct case_view *view, uint64_t confirmed_a, size_t log_a,
                   uint64_t index_a, uint64_t confirmed_b, size_t log_b, uint64_t index_b) {
    struct standing_event a = {.confirmed_ms = confirmed_a,
                               .origin = bytes_text(view->logs[log_a].origin),
                               .index = index_a};
    struct standing_event b = {.confirmed_ms = confirmed_b,
                               .origin = bytes_text(view->logs[log_b].origin),
                               .index = index_b};
    return standing_compare(&a, &b);
}

/* What of it may matter for the event. */
static void sorts_of(const struct case_view *view, const struct case_item *item,
                     const struct case_revocation *row, bool by_root, bool sorts[static BONDS]) {
    bool stolen = revocation_doubts(row->reason, row->since_ms, item->stamp_ms);
    bool later = compare(view, row->confirmed_ms, row->log, row->index, item->confirmed_ms,
                         item->log, item->index) > 0;
    sorts[BOND_REVOKES] = !later;
    sorts[BOND_DOUBTS] = stolen && by_root;
    sorts[BOND_DISOWNS] = stolen && !by_root && later;
}

void case_bond(const struct case_view *view, const struct case_item *item,
               const struct case_revocation *row, bool by_root, struct case_bonds *bonds) {
    bool sorts[BONDS];
    sorts_of(view, item, row, by_root, sorts);
    for (size_t i = 0; i < BONDS; i++) {
        const struct case_revocation *first = &bonds->first[i];
        bool before =
            !bonds->bound[i] || compare(view, row->confirmed_ms, row->log, row->index,
                                        first->confirmed_ms, first->log, first->index) < 0;
        if (sorts[i] && before) {
            bonds->bound[i] = true;
            bonds->by_root[i] = by_root;
            bonds->first[i] = *row;
        }
    }
}

static size_t keep_revocation(struct case_view *view, const struct case_revocation *row) {
    size_t at = 0;
    while (at < view->revocation_count &&
           (view->revocations[at].log != row->log || view->revocations[at].index != row->index)) {
        at++;
    }
    if (at == view->revocation_count) {
        assert(at < CASE_REVOCATIONS_MAX); /* BONDS for each item */
        view->revocations[view->revocation_count++] = *row;
        view->logs[row->log].contributes = true;
    }
    return at;
}

void case_bind(struct case_view *view, size_t item, const struct case_bonds *bonds) {
    for (size_t i = 0; i < BONDS; i++) {
        view->bonds[item][i] =
            bonds->bound[i] ? keep_revocation(view, &bonds->first[i]) : CASE_UNBOUND;
        view->bonds_by_root[item][i] = bonds->by_root[i];
    }
}

/* --- what standing looks at --- */

/* One fact has one hash: name and value of each open member, in the order of names. */
static struct hash hash_open(const struct event *event, bool references) {
    static const char *const reference = "event";
    uint8_t memory[EVENT_SIZE_MAX];
    struct writer w;
    struct hash hash;
    writer_init(&w, memory, sizeof memory);
    for (size_t i = 0; i < event->kind->member_count; i++) {
        const char *name = event->kind->members[i].name;
        const json_t *value = json_object_get(event->open, name);
        if (value == NULL || (!references && strcmp(name, reference) == 0)) {
            continue;
        }
        jcs_write_text(&w, bytes_text(name));
        enum status status = jcs_write(&w, value, NULL);
        assert(status == STATUS_OK); /* it was parsed from this form, within an event's size */
    }
    assert(!w.failed);
    hash_of(memory, w.len, &hash);
    return hash;
}

static bool id_of(const struct event *event, const char *member, struct hash *out) {
    const json_t *value = json_object_get(event->open, member);
    if (value == NULL) {
        return false;
    }
    bool good = bytes_hex_to_hash(jcs_text(json_object_get(value, "id")), out);
    assert(good); /* member_check took it */
    return true;
}

static enum standing_outcome outcome_of(const struct event *event) {
    const char *outcome = event_open_text(event, "outcome");
    if (event->kind->effect != EFFECT_DECIDES_APPEAL || outcome == NULL) {
        return OUTCOME_STANDS;
    }
    if (strcmp(outcome, "reversed") == 0) {
        return OUTCOME_REVERSES;
    }
    if (strcmp(outcome, "upheld") == 0) {
        return OUTCOME_UPHOLDS;
    }
    bool changes = strcmp(outcome, "reduced") == 0 || strcmp(outcome, "increased") == 0;
    return changes ? OUTCOME_CHANGES : OUTCOME_STANDS;
}

static bool other_ori(const struct case_view *view, const struct event *event) {
    const char *ori = event_open_text(event, "ori");
    return ori != NULL && (strlen(ori) != ORI_SIZE || !has_ori(view, ori));
}

/* Does it disclose what the event that it names, if that is here, does not have? */
static bool is_unfitting(const struct case_view *view, const struct event *event) {
    if (event->kind->effect != EFFECT_DISCLOSES) {
        return false;
    }
    for (size_t i = 0; i < view->count; i++) {
        const struct event *other = &view->items[i].event;
        if (hash_equal(&other->id, &event->about.named)) {
            const struct body_context of = {
                .log = other->log, .issuer = other->issuer, .seq = other->seq};
            return !other->has_body || !disclosure_fits(event, &of, &other->body);
        }
    }
    return false;
}

static void read_item(const struct case_view *view, const struct case_item *item,
                      struct standing_event *out) {
    const struct event *event = &item->event;
    const char *basis = event_open_text(event, "basis");
    const char *authority = event_open_text(event, "recommended_by");
    const char *party = event_open_text(event, "party");
    const char *disposition = event_open_text(event, "disposition");
    *out = (struct standing_event){
        .origin = bytes_text(view->logs[item->log].origin),
        .index = item->index,
        .stamp_ms = item->stamp_ms,
        .confirmed_ms = item->confirmed_ms,
        .moves = item->moves,
        .moved_ms = item->moved_ms,
        .id = event->id,
        .kind = event->kind,
        .whole = hash_open(event, true),
        .fact = hash_open(event, false),
        .has_case = event->about.has_case,
        .has_body = event->has_body,
        .other_ori = other_ori(view, event),
        .beyond = item->beyond,
        .unfitting = is_unfitting(view, event),
        .imported = basis != NULL && strcmp(basis, "imported") == 0,
        .subject = 1,
        .outcome = outcome_of(event),
        .has_discipline = json_object_get(event->open, "discipline") != NULL,
        .sustains = disposition != NULL && strcmp(disposition, "sustained") == 0,
        .party = bytes_text(party != NULL ? party : ""),
        .authority = bytes_text(authority != NULL ? authority : ""),
        .signer = item->signer,
    };
    uint64_t subject = 0;
    if (event_open_integer(event, "subject", &subject)) {
        out->subject = subject;
    }
    out->has_named = id_of(event, "event", &out->named);
    out->has_replacement = id_of(event, "replaced_by", &out->replacement);
}

/* --- sorting --- */

static int compare_items(const struct case_view *view, const struct case_item *a,
                         const struct case_item *b) {
    struct standing_event x = {.confirmed_ms = a->confirmed_ms,
                               .moves = a->moves,
                               .moved_ms = a->moved_ms,
                               .origin = bytes_text(view->logs[a->log].origin),
                               .index = a->index};
    struct standing_event y = {.confirmed_ms = b->confirmed_ms,
                               .moves = b->moves,
                               .moved_ms = b->moved_ms,
                               .origin = bytes_text(view->logs[b->log].origin),
                               .index = b->index};
    return standing_compare(&x, &y);
}

static struct case_item *named_item(struct case_view *view, const struct case_item *item) {
    for (size_t i = 0; item->event.about.has_named && i < view->count; i++) {
        if (hash_equal(&view->items[i].event.id, &item->event.about.named)) {
            return &view->items[i];
        }
    }
    return NULL;
}

/* A name is a hash, so that an event was made after what it names, whatever stamps say: it stands
 * there, too. Names make no circles, so that this ends. */
static void move_items(struct case_view *view) {
    struct case_item *named[CASE_EVENTS_MAX];
    bool moved = true;
    for (size_t i = 0; i < view->count; i++) {
        named[i] = named_item(view, &view->items[i]);
        view->items[i].moves = 0;
    }
    for (size_t rounds = 0; moved && rounds <= view->count; rounds++) {
        moved = false;
        for (size_t i = 0; i < view->count; i++) {
            struct case_item *item = &view->items[i];
            if (named[i] != NULL && compare_items(view, named[i], item) >= 0) {
                item->moves = named[i]->moves + 1;
                item->moved_ms = named[i]->moves > 0 ? named[i]->moved_ms : named[i]->confirmed_ms;
                moved = true;
            }
        }
    }
}

/* Into their order; they come nearly so, by their stamps. */
static void sort_items(struct case_view *view) {
    for (size_t i = 0; i < view->count; i++) {
        struct case_item *item = &view->items[i];
        size_t at = i;
        for (; at > 0 && compare_items(view, item, view->sorted[at - 1]) < 0; at--) {
            view->sorted[at] = view->sorted[at - 1];
        }
        view->sorted[at] = item;
    }
}

static size_t place_of_item(const struct case_view *view, size_t item) {
    size_t place = 0;
    while (view->sorted[place] != &view->items[item]) {
        place++;
    }
    return place;
}

static size_t link_revocations(struct case_view *view) {
    size_t count = 0;
    for (size_t i = 0; i < view->count; i++) {
        size_t place = place_of_item(view, i);
        for (size_t bond = 0; bond < BONDS; bond++) {
            if (view->bonds[i][bond] == CASE_UNBOUND) {
                continue;
            }
            const struct case_revocation *row = &view->revocations[view->bonds[i][bond]];
            view->link_revocation[count] = view->bonds[i][bond];
            view->links[count++] = (struct standing_revocation){
                .event = place,
                .origin = bytes_text(view->logs[row->log].origin),
                .index = row->index,
                .confirmed_ms = row->confirmed_ms,
                .compromised = row->reason == REVOKED_COMPROMISED,
                .by_root = view->bonds_by_root[i][bond],
                .since_ms = row->since_ms,
            };
        }
    }
    return count;
}

void case_judge(struct case_view *view) {
    move_items(view);
    sort_items(view);
    for (size_t i = 0; i < view->count; i++) {
        read_item(view, view->sorted[i], &view->events[i]);
    }
    view->standing = (struct standing_case){.events = view->events,
                                            .count = view->count,
                                            .revocations = view->links,
                                            .revocation_count = link_revocations(view),
                                            .results = view->results,
                                            .subjects = view->subjects,
                                            .order = view->order,
                                            .acts = view->acts};
    standing_judge(&view->standing);
}
