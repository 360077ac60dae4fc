#include "ledger/case.h"

#include "ledger/json.h"

#include <assert.h>
#include <string.h>

#define HOUR_MS 3600000u

void case_init(struct case_view *view, const uint8_t ori[static ORI_SIZE],
               const uint8_t handle[static HANDLE_SIZE]) {
    memcpy(view->ori, ori, ORI_SIZE);
    memcpy(view->handle, handle, HANDLE_SIZE);
    view->log_count = 0;
    view->count = 0;
    view->left_out = 0;
    view->revocation_count = 0;
    view->bound_count = 0;
    view->standing.count = 0;
}

void case_release(struct case_view *view) {
    for (size_t i = 0; i < view->count; i++) {
        event_release(&view->items[i].event);
    }
    view->count = 0;
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

uint64_t case_confirmed(uint64_t stamp_ms, uint64_t quorum_seconds) {
    uint64_t quorum_ms = quorum_seconds * 1000;
    bool near = quorum_ms <= stamp_ms + HOUR_MS && stamp_ms <= quorum_ms + HOUR_MS;
    return near ? stamp_ms : quorum_ms;
}

/* --- revocations --- */

static bool revocation_before(const struct case_view *view, const struct case_revocation *a,
                              const struct case_revocation *b) {
    if (a->confirmed_ms != b->confirmed_ms) {
        return a->confirmed_ms < b->confirmed_ms;
    }
    int origins = strcmp(view->logs[a->log].origin, view->logs[b->log].origin);
    return origins != 0 ? origins < 0 : a->index < b->index;
}

/* Takes the place of the item that is kept for this, if it comes before what has it. */
static void bind_first(struct case_view *view, size_t item, size_t revocation, bool doubts) {
    size_t at = 0;
    while (at < view->bound_count &&
           (view->bound[at].item != item || view->bound[at].doubts != doubts)) {
        at++;
    }
    if (at == view->bound_count) {
        assert(view->bound_count < sizeof view->bound / sizeof view->bound[0]);
        view->bound_count++;
    } else if (!revocation_before(view, &view->revocations[revocation],
                                  &view->revocations[view->bound[at].revocation])) {
        return;
    }
    view->bound[at].item = item;
    view->bound[at].revocation = revocation;
    view->bound[at].doubts = doubts;
}

void case_bind(struct case_view *view, size_t item, size_t revocation) {
    const struct case_revocation *row = &view->revocations[revocation];
    bind_first(view, item, revocation, false);
    if (row->reason == REVOKED_COMPROMISED && view->items[item].stamp_ms >= row->since_ms) {
        bind_first(view, item, revocation, true);
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
    bool changes = strcmp(outcome, "reduced") == 0 || strcmp(outcome, "increased") == 0;
    return changes ? OUTCOME_CHANGES : OUTCOME_STANDS;
}

static bool other_ori(const struct case_view *view, const struct event *event) {
    const char *ori = event_open_text(event, "ori");
    return ori != NULL && (strlen(ori) != ORI_SIZE || memcmp(ori, view->ori, ORI_SIZE) != 0);
}

static void read_item(const struct case_view *view, const struct case_item *item,
                      struct standing_event *out) {
    const struct event *event = &item->event;
    const char *basis = event_open_text(event, "basis");
    const char *authority = event_open_text(event, "recommended_by");
    *out = (struct standing_event){
        .origin = bytes_text(view->logs[item->log].origin),
        .index = item->index,
        .stamp_ms = item->stamp_ms,
        .confirmed_ms = item->confirmed_ms,
        .id = event->id,
        .kind = event->kind,
        .whole = hash_open(event, true),
        .fact = hash_open(event, false),
        .has_case = event->about.has_case,
        .has_body = event->has_body,
        .other_ori = other_ori(view, event),
        .imported = basis != NULL && strcmp(basis, "imported") == 0,
        .subject = 1,
        .outcome = outcome_of(event),
        .has_discipline = json_object_get(event->open, "discipline") != NULL,
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

static bool item_before(const struct case_view *view, const struct case_item *a,
                        const struct case_item *b) {
    struct standing_event left = {.confirmed_ms = a->confirmed_ms,
                                  .origin = bytes_text(view->logs[a->log].origin),
                                  .index = a->index};
    struct standing_event right = {.confirmed_ms = b->confirmed_ms,
                                   .origin = bytes_text(view->logs[b->log].origin),
                                   .index = b->index};
    return standing_compare(&left, &right) < 0;
}

/* Into their order; they come nearly so, by their stamps. */
static void sort_items(struct case_view *view) {
    for (size_t i = 0; i < view->count; i++) {
        struct case_item *item = &view->items[i];
        size_t at = i;
        for (; at > 0 && item_before(view, item, view->sorted[at - 1]); at--) {
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

void case_judge(struct case_view *view) {
    sort_items(view);
    for (size_t i = 0; i < view->count; i++) {
        read_item(view, view->sorted[i], &view->events[i]);
    }
    for (size_t i = 0; i < view->bound_count; i++) {
        const struct case_revocation *row = &view->revocations[view->bound[i].revocation];
        view->link_revocation[i] = view->bound[i].revocation;
        view->links[i] = (struct standing_revocation){
            .event = place_of_item(view, view->bound[i].item),
            .origin = bytes_text(view->logs[row->log].origin),
            .index = row->index,
            .confirmed_ms = row->confirmed_ms,
            .compromised = row->reason == REVOKED_COMPROMISED,
            .since_ms = row->since_ms,
        };
    }
    view->standing = (struct standing_case){.events = view->events,
                                            .count = view->count,
                                            .revocations = view->links,
                                            .revocation_count = view->bound_count,
                                            .results = view->results,
                                            .subjects = view->subjects,
                                            .order = view->order};
    standing_judge(&view->standing);
}
