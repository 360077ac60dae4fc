/* The answer of GET /case: canonical JSON, written member by member in the order of names. Nothing
 * in it is a node's own: no address, no log number, no size that was not named. */
#include "ledger/case.h"
#include "ledger/json.h"

#include <assert.h>
#include <string.h>

/* What each part takes at most, beside names and what it copies of its event. */
#define HEAD_MAX 1024
#define LOG_MAX (40 * NAME_SIZE_MAX + 1024)
#define EVENT_MAX (32 * NAME_SIZE_MAX + 1024)
#define SUBJECT_MAX (48 * NAME_SIZE_MAX + 2048)

struct out {
    struct writer *w;
    const struct case_view *view;
};

/* --- small parts --- */

/* `name` comes with what stands before it: a brace or a comma. */
static void put_text(struct out *o, const char *name, struct bytes text) {
    writer_text(o->w, name);
    jcs_write_text(o->w, text);
}

static void put_number(struct out *o, const char *name, uint64_t number) {
    writer_text(o->w, name);
    writer_decimal(o->w, number);
}

static void put_hash(struct out *o, const char *name, const struct hash *hash) {
    writer_text(o->w, name);
    writer_u8(o->w, '"');
    writer_hash_hex(o->w, hash);
    writer_u8(o->w, '"');
}

static void put_value(struct out *o, const char *name, const json_t *value) {
    writer_text(o->w, name);
    enum status status = jcs_write(o->w, value, NULL);
    assert(status == STATUS_OK || status == STATUS_TOO_LARGE); /* parsed from this form */
    o->w->failed = o->w->failed || status != STATUS_OK;
}

static void put_member(struct out *o, const char *name, const struct case_item *item,
                       const char *member) {
    const json_t *value = json_object_get(item->event.open, member);
    if (value != NULL) {
        put_value(o, name, value);
    }
}

static const char *origin_of(const struct out *o, size_t log) {
    return o->view->logs[log].origin;
}

/* `"index":…,"log":…`, which name an entry. */
static void put_entry(struct out *o, const char *name, size_t log, uint64_t index) {
    put_number(o, name, index);
    put_text(o, ",\"log\":", bytes_text(origin_of(o, log)));
}

static void put_event_at(struct out *o, const char *name, size_t event) {
    const struct case_item *item = o->view->sorted[event];
    put_entry(o, name, item->log, item->index);
}

static void put_proof(struct out *o, size_t log, struct bytes issuer, uint64_t seq) {
    writer_text(o->w, ",\"proof\":\"/");
    writer_hash_hex(o->w, &o->view->logs[log].id);
    writer_text(o->w, "/receipt/");
    writer_bytes(o->w, issuer); /* a name: nothing in it is escaped */
    writer_u8(o->w, '/');
    writer_decimal(o->w, seq);
    writer_u8(o->w, '"');
}

/* --- events --- */

/* The day that an imported event claims: of its days of facts, the one that a live event must have;
 * else the first. */
static const char *claimed_day(const struct event *event) {
    const char *first = NULL;
    for (size_t i = 0; i < event->kind->member_count; i++) {
        const struct kind_member *member = &event->kind->members[i];
        const char *day = member->past ? event_open_text(event, member->name) : NULL;
        if (day != NULL && (first == NULL || member->required_live)) {
            first = day;
        }
    }
    return first;
}

static const char *role_of(uint32_t roles) {
    for (uint32_t bit = 1; bit <= ROLE_LAST; bit <<= 1) {
        if ((roles & bit) != 0) {
            return role_name(bit);
        }
    }
    return "none";
}

/* The revocation of a link. */
static void put_link(struct out *o, const char *name, size_t link) {
    const struct case_revocation *row = &o->view->revocations[o->view->link_revocation[link]];
    put_entry(o, name, row->log, row->index);
}

static void put_why(struct out *o, size_t event) {
    const struct standing_result *result = &o->view->results[event];
    if (result->why == WHY_NOTHING) {
        return;
    }
    writer_text(o->w, ",\"why\":{");
    if (result->other != STANDING_NONE) {
        bool by_key = result->why == WHY_COMPROMISED || result->why == WHY_REVOKED;
        if (by_key) {
            put_link(o, "\"index\":", result->other);
        } else {
            put_event_at(o, "\"index\":", result->other);
        }
        writer_u8(o->w, ',');
    }
    put_text(o, "\"rule\":", bytes_text(standing_why_name(result->why)));
    writer_u8(o->w, '}');
}

static void put_disowned(struct out *o, size_t event) {
    size_t link = o->view->results[event].disowned;
    if (link != STANDING_NONE) {
        put_link(o, ",\"disowned\":{\"index\":", link);
        writer_u8(o->w, '}');
    }
}

/* What an event.opened says and its event does not have is not passed on. */
static void put_unfitting(struct out *o, const struct event *event) {
    const char *before = ",\"open\":{";
    for (size_t i = 0; i < event->kind->member_count; i++) { /* in the order of names */
        const char *name = event->kind->members[i].name;
        const json_t *value = json_object_get(event->open, name);
        if (value != NULL && strcmp(name, "salt") != 0 && strcmp(name, "value") != 0) {
            writer_text(o->w, before);
            jcs_write_text(o->w, bytes_text(name));
            put_value(o, ":", value);
            before = ",";
        }
    }
    writer_u8(o->w, '}');
}

static void put_open(struct out *o, size_t event) {
    const struct event *said = &o->view->sorted[event]->event;
    if (said->open != NULL && o->view->events[event].unfitting) {
        put_unfitting(o, said);
    } else if (said->open != NULL) {
        put_value(o, ",\"open\":", said->open);
    }
}

static void put_event(struct out *o, size_t event) {
    const struct case_item *item = o->view->sorted[event];
    const struct standing_event *e = &o->view->events[event];
    const struct standing_result *result = &o->view->results[event];
    const char *claimed = e->imported ? claimed_day(&item->event) : NULL;
    writer_u8(o->w, '{');
    if (claimed != NULL) {
        put_text(o, "\"claimed\":", bytes_text(claimed));
        writer_u8(o->w, ',');
    }
    put_number(o, "\"confirmed\":", item->confirmed_ms);
    put_disowned(o, event);
    put_hash(o, ",\"id\":", &item->event.id);
    put_number(o, ",\"index\":", item->index);
    put_text(o, ",\"issuer\":", item->event.issuer);
    put_text(o, ",\"kind\":", bytes_text(item->event.kind->name));
    put_text(o, ",\"log\":", bytes_text(origin_of(o, item->log)));
    put_open(o, event);
    put_proof(o, item->log, item->event.issuer, item->event.seq);
    put_text(o, ",\"role\":", bytes_text(role_of(item->signer.role)));
    put_number(o, ",\"seq\":", item->event.seq);
    put_number(o, ",\"stamp\":", item->stamp_ms);
    put_text(o, ",\"standing\":", bytes_text(standing_name(result->standing)));
    put_number(o, ",\"subject\":", result->subject);
    put_why(o, event);
    writer_u8(o->w, '}');
}

/* --- subjects --- */

static bool is_open_appeal(const struct standing_result *r) {
    return r->open_appeal && !r->corrected;
}

static void put_appeals(struct out *o, uint64_t subject) {
    bool any = false;
    for (size_t i = 0; i < o->view->count; i++) {
        const struct standing_result *result = &o->view->results[i];
        if (is_open_appeal(result) && result->subject == subject) {
            put_event_at(o, any ? ",{\"index\":" : "\"appeals\":[{\"index\":", i);
            writer_u8(o->w, '}');
            any = true;
        }
    }
    if (any) {
        writer_text(o->w, "],");
    }
}

/* What stands in a slot beside the one that is named there. */
static void put_beside(struct out *o, const struct standing_subject *s) {
    bool any = false;
    for (int slot = 0; slot < SLOT_COUNT; slot++) {
        for (size_t i = 0; i < o->view->count; i++) {
            size_t event = o->view->order[i];
            if ((int)standing_beside(&o->view->standing, s, event) == slot) {
                put_event_at(o, any ? ",{\"index\":" : "\"beside\":[{\"index\":", event);
                writer_u8(o->w, '}');
                any = true;
            }
        }
    }
    if (any) {
        writer_text(o->w, "],");
    }
}

static void put_certificate(struct out *o, const struct standing_subject *s) {
    size_t certificate = s->named[SLOT_CERTIFICATE];
    if (certificate != STANDING_NONE) {
        const struct case_item *item = o->view->sorted[certificate];
        put_member(o, "\"certificate\":{\"action\":", item, "action");
        put_member(o, ",\"decided_by\":", item, "decided_by");
        put_event_at(o, ",\"index\":", certificate);
        writer_text(o->w, "},");
    }
}

static void put_served(struct out *o, size_t event) {
    const struct case_item *item = o->view->sorted[event];
    bool served = item->event.kind->effect == EFFECT_SERVES;
    put_event_at(o, ",\"served\":{\"index\":", event);
    put_member(o, ",\"reason\":", item, "reason");
    put_text(o, ",\"state\":", bytes_text(served ? "served" : "not served"));
    writer_u8(o->w, '}');
}

static void put_discipline(struct out *o, const struct standing_subject *s) {
    size_t discipline = s->named[SLOT_DISCIPLINE];
    if (discipline != STANDING_NONE) {
        const struct case_item *item = o->view->sorted[discipline];
        size_t served = o->view->results[discipline].served;
        put_member(o, "\"discipline\":{\"decided_by\":", item, "decided_by");
        put_event_at(o, ",\"index\":", discipline);
        put_member(o, ",\"measures\":", item, "discipline");
        if (served != STANDING_NONE) {
            put_served(o, served);
        }
        writer_text(o->w, "},");
    }
}

static void put_finding(struct out *o, const struct standing_subject *s) {
    size_t finding = s->named[SLOT_FINDING];
    if (finding != STANDING_NONE) {
        const struct case_item *item = o->view->sorted[finding];
        const char *disposition = event_open_text(&item->event, "disposition");
        put_member(o, "\"finding\":{\"decided_by\":", item, "decided_by");
        put_text(o, ",\"disposition\":",
                 bytes_text(disposition != NULL ? disposition : "reversed_on_appeal"));
        put_event_at(o, ",\"index\":", finding);
        writer_text(o->w, "},");
    }
}

static void put_recommended(struct out *o, uint64_t subject) {
    bool any = false;
    for (size_t i = 0; i < o->view->count; i++) {
        const struct standing_result *result = &o->view->results[i];
        const struct case_item *item = o->view->sorted[i];
        if (!result->last_recommended || result->corrected || result->subject != subject) {
            continue;
        }
        writer_text(o->w, any ? "," : ",\"recommended\":[");
        put_member(o, "{\"by\":", item, "recommended_by");
        put_member(o, ",\"discipline\":", item, "discipline");
        put_member(o, ",\"disposition\":", item, "disposition");
        put_event_at(o, ",\"index\":", i);
        writer_u8(o->w, '}');
        any = true;
    }
    if (any) {
        writer_u8(o->w, ']');
    }
}

static void put_separation(struct out *o, const struct standing_subject *s) {
    if (s->separation != STANDING_NONE) {
        const struct case_item *item = o->view->sorted[s->separation];
        writer_text(o->w, ",\"separation\":{");
        if (json_object_get(item->event.open, "separated") != NULL) {
            put_member(o, "\"day\":", item, "separated");
            writer_u8(o->w, ',');
        }
        put_event_at(o, "\"index\":", s->separation);
        put_member(o, ",\"reason\":", item, "reason");
        writer_u8(o->w, '}');
    }
}

static void put_subject(struct out *o, const struct standing_subject *s) {
    size_t says = s->party != STANDING_NONE ? s->party : s->first;
    const char *party = event_open_text(&o->view->sorted[says]->event, "party");
    writer_u8(o->w, '{');
    put_appeals(o, s->subject);
    put_beside(o, s);
    put_certificate(o, s);
    put_discipline(o, s);
    put_finding(o, s);
    put_text(o, "\"party\":", bytes_text(party != NULL ? party : "unknown"));
    put_recommended(o, s->subject);
    put_separation(o, s);
    put_number(o, ",\"subject\":", s->subject);
    writer_u8(o->w, '}');
}

/* All its agencies, where mergers joined several. */
static void put_oris(struct out *o) {
    for (size_t i = 0; o->view->ori_count > 1 && i < o->view->ori_count; i++) {
        put_text(o, i > 0 ? "," : ",\"oris\":[", bytes_of(o->view->oris[i], ORI_SIZE));
    }
    if (o->view->ori_count > 1) {
        writer_u8(o->w, ']');
    }
}

/* --- the whole --- */

/* Of those not yet written, the log whose origin is the first. */
static size_t next_log(const struct case_view *view, const char *after) {
    size_t next = STANDING_NONE;
    for (size_t i = 0; i < view->log_count; i++) {
        const char *origin = view->logs[i].origin;
        if (view->logs[i].contributes && (after == NULL || strcmp(origin, after) > 0) &&
            (next == STANDING_NONE || strcmp(origin, view->logs[next].origin) < 0)) {
            next = i;
        }
    }
    return next;
}

static void put_word(struct out *o, const char *name, const struct case_word *word,
                     const char *role) {
    put_entry(o, name, word->log, word->index);
    put_proof(o, word->log, bytes_text(word->issuer), word->seq);
    if (role != NULL) {
        put_text(o, ",\"role\":", bytes_text(role));
    }
    writer_u8(o->w, '}');
}

/* By whose word the log counts; for signers of a role that must be named, by its own. */
static void put_recognisers(struct out *o, const struct case_log *log) {
    static const char *const roles[RECOGNISED_CLASSES] = {[RECOGNISED_COURT] = "court",
                                                          [RECOGNISED_OVERSIGHT] = "oversight",
                                                          [RECOGNISED_POST] = "post"};
    bool any = false;
    for (size_t i = 0; i < RECOGNISED_CLASSES; i++) {
        if (log->by[i].known) {
            put_word(o, any ? ",{\"index\":" : "\"by\":[{\"index\":", &log->by[i], roles[i]);
            any = true;
        }
    }
    if (any) {
        writer_text(o->w, "],");
    }
}

/* The pins that what counts hangs on: not what this node calls them, nor their order there. */
static bool pin_before(const struct pin *a, const struct pin *b) {
    for (size_t i = 0; i < a->root_count && i < b->root_count; i++) {
        int order = memcmp(a->roots[i].key.bytes, b->roots[i].key.bytes, SIGN_PUBLIC_SIZE);
        if (order != 0) {
            return order < 0;
        }
    }
    return a->root_count != b->root_count ? a->root_count < b->root_count
                                          : a->threshold < b->threshold;
}

static void sort_roots(struct pin *pin) {
    for (size_t i = 1; i < pin->root_count; i++) {
        struct vkey root = pin->roots[i];
        size_t at = i;
        for (; at > 0 && memcmp(root.key.bytes, pin->roots[at - 1].key.bytes, SIGN_PUBLIC_SIZE) < 0;
             at--) {
            pin->roots[at] = pin->roots[at - 1];
        }
        pin->roots[at] = root;
    }
}

static void put_public_key(struct out *o, const char *before, const struct vkey *root) {
    struct hash key;
    static_assert(sizeof key.bytes == SIGN_PUBLIC_SIZE, "a key is written as a hash is");
    memcpy(key.bytes, root->key.bytes, sizeof key.bytes);
    put_hash(o, before, &key);
}

static void put_pins(struct out *o) {
    struct pin sorted[CASE_PINS_MAX];
    for (size_t i = 0; i < o->view->pin_count; i++) {
        struct pin pin = o->view->pins[i];
        size_t at = i;
        sort_roots(&pin);
        for (; at > 0 && pin_before(&pin, &sorted[at - 1]); at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = pin;
    }
    writer_text(o->w, ",\"pins\":[");
    for (size_t i = 0; i < o->view->pin_count; i++) {
        writer_text(o->w, i > 0 ? ",{\"roots\":[" : "{\"roots\":[");
        for (size_t root = 0; root < sorted[i].root_count; root++) {
            put_public_key(o, root > 0 ? "," : "", &sorted[i].roots[root]);
        }
        put_number(o, "],\"threshold\":", sorted[i].threshold);
        writer_u8(o->w, '}');
    }
    writer_u8(o->w, ']');
}

static void put_left_out(struct out *o) {
    static const char *const roles[GROUPS + 1] = {"court",  "post",  "oversight",
                                                  "agency", "other", "none"};
    writer_text(o->w, "],\"left_out\":[");
    for (size_t i = 0; i < o->view->left_out_count; i++) {
        const struct case_left_out *house = &o->view->left_out[i];
        put_number(o, i > 0 ? ",{\"count\":" : "{\"count\":", house->count);
        if (house->name[0] != '\0') {
            put_text(o, ",\"name\":", bytes_text(house->name));
        }
        put_text(o, ",\"role\":", bytes_text(roles[house->group]));
        writer_u8(o->w, '}');
    }
    writer_u8(o->w, ']');
}

static void put_logs(struct out *o) {
    const char *after = NULL;
    writer_text(o->w, ",\"logs\":[");
    for (size_t i; (i = next_log(o->view, after)) != STANDING_NONE;) {
        const struct case_log *log = &o->view->logs[i];
        writer_text(o->w, after != NULL ? ",{" : "{");
        put_recognisers(o, log);
        put_hash(o, "\"id\":", &log->id);
        put_text(o, ",\"origin\":", bytes_text(log->origin));
        put_hash(o, ",\"root\":", &log->root);
        put_number(o, ",\"size\":", log->size);
        if (log->withdrawn.known) {
            put_word(o, ",\"withdrawn\":{\"index\":", &log->withdrawn, NULL);
        }
        writer_u8(o->w, '}');
        after = log->origin;
    }
    writer_u8(o->w, ']');
}

static int compare_revocations(const struct case_view *view, size_t a, size_t b) {
    const struct case_revocation *x = &view->revocations[a];
    const struct case_revocation *y = &view->revocations[b];
    int origins = strcmp(view->logs[x->log].origin, view->logs[y->log].origin);
    return origins != 0 ? origins : x->index < y->index ? -1 : x->index > y->index;
}

/* The next after `after`, by origin and index; `after` STANDING_NONE: the first. */
static size_t next_revocation(const struct case_view *view, size_t after) {
    size_t next = STANDING_NONE;
    for (size_t i = 0; i < view->revocation_count; i++) {
        bool above = after == STANDING_NONE || compare_revocations(view, i, after) > 0;
        if (above && (next == STANDING_NONE || compare_revocations(view, i, next) < 0)) {
            next = i;
        }
    }
    return next;
}

static void put_revocations(struct out *o) {
    size_t at = STANDING_NONE;
    bool any = false;
    writer_text(o->w, ",\"revocations\":[");
    while ((at = next_revocation(o->view, at)) != STANDING_NONE) {
        const struct case_revocation *row = &o->view->revocations[at];
        put_number(o, any ? ",{\"confirmed\":" : "{\"confirmed\":", row->confirmed_ms);
        put_number(o, ",\"index\":", row->index);
        put_text(o, ",\"issuer\":", bytes_text(row->issuer));
        put_text(o, ",\"log\":", bytes_text(origin_of(o, row->log)));
        put_proof(o, row->log, bytes_text(row->issuer), row->seq);
        put_text(o, ",\"reason\":", bytes_text(revocation_reason_name(row->reason)));
        put_number(o, ",\"seq\":", row->seq);
        writer_u8(o->w, '}');
        any = true;
    }
    writer_u8(o->w, ']');
}

size_t case_write_max(const struct case_view *view) {
    size_t max = HEAD_MAX + view->log_count * LOG_MAX + view->revocation_count * EVENT_MAX +
                 view->pin_count * (PIN_ROOTS_MAX * (2 * SIGN_PUBLIC_SIZE + 4) + 64) +
                 view->left_out_count * (6 * NAME_SIZE_MAX + 128) +
                 view->ori_count * (ORI_SIZE + 4);
    for (size_t i = 0; i < view->count; i++) {
        /* The members of `open` once in the event, once in what its subject comes to. */
        max += EVENT_MAX + SUBJECT_MAX + 2 * view->items[i].event.all.len;
    }
    return max;
}

enum status case_write(const struct case_view *view, struct writer *w) {
    struct out o = {.w = w, .view = view};
    uint8_t hex[2 * HANDLE_SIZE];
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < HANDLE_SIZE; i++) {
        hex[2 * i] = (uint8_t)digits[view->handle[i] >> 4];
        hex[2 * i + 1] = (uint8_t)digits[view->handle[i] & 15];
    }
    put_text(&o, "{\"case\":", bytes_of(hex, sizeof hex));
    writer_text(w, ",\"events\":[");
    for (size_t i = 0; i < view->count; i++) {
        if (i > 0) {
            writer_u8(w, ',');
        }
        put_event(&o, i);
    }
    put_left_out(&o);
    put_logs(&o);
    put_text(&o, ",\"ori\":", bytes_of(view->ori, ORI_SIZE));
    put_oris(&o);
    put_pins(&o);
    put_revocations(&o);
    writer_text(w, ",\"subjects\":[");
    for (size_t i = 0; i < view->standing.subject_count; i++) {
        if (i > 0) {
            writer_u8(w, ',');
        }
        put_subject(&o, &view->subjects[i]);
    }
    writer_text(w, view->pin_count == 0 ? "],\"unpinned\":true}\n" : "]}\n");
    return writer_status(w);
}
