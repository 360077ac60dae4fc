#include "ledger/recognition_parts.h"

#include "ledger/accept_parts.h"

#include <assert.h>
#include <string.h>

/* --- pins --- */

bool pin_holds(const struct pin *pin, const struct sign_public *keys, size_t count) {
    size_t found = 0;
    for (size_t i = 0; i < pin->root_count; i++) {
        for (size_t k = 0; k < count; k++) {
            if (memcmp(pin->roots[i].key.bytes, keys[k].bytes, sizeof keys[k].bytes) == 0) {
                found++;
                break;
            }
        }
    }
    return found >= pin->threshold;
}

static enum status verify_opened(const struct event *event, const struct pin *pin,
                                 struct opened *out, struct refusal *why) {
    struct sign_public signers[EVENT_SIGNATURES_MAX];
    struct vkey keys[EVENT_SIGNATURES_MAX];
    if (event->kind->id != KIND_LOG_OPENED) {
        return refuse(why, STATUS_BAD_MEMBER, "member kind: the first entry is no log.opened");
    }
    /* The keys are in it; no store is looked at. */
    TRY(accept_find_keys(NULL, NULL, event, keys, why));
    TRY(accept_verify(event, keys, why));
    size_t count = recognition_signers(event, signers);
    if (!pin_holds(pin, signers, count)) {
        return refuse(why, STATUS_DENIED_KEY,
                      "fewer than %zu of the %zu roots of %s signed its opening", pin->threshold,
                      pin->root_count, pin->name);
    }
    opened_of(event, out);
    return STATUS_OK;
}

enum status recognition_verify_opened(struct bytes entry, const struct pin *pin, struct opened *out,
                                      struct refusal *why) {
    struct event event;
    struct bytes note;
    uint64_t stamp_ms = 0;
    TRY(entry_parse(entry, &stamp_ms, &note, why));
    TRY(event_parse(note, &event, why));
    enum status status = verify_opened(&event, pin, out, why);
    event_release(&event);
    return status;
}

/* --- the set --- */

#define BUCKETS (2 * RECOGNISED_MAX)
static_assert(RECOGNISED_MAX < UINT16_MAX, "a bucket holds a place from 1");

/* Finding what is recognised. */
struct search {
    struct store_txn *txn;
    const struct pin *pins;
    size_t pin_count;
    size_t pin; /* whose anchored logs are looked for */
    struct recognition_set *set;
};

/* Where the origin is, or would be put: a bucket. */
static size_t bucket_of(const struct recognition_set *set, struct bytes origin) {
    struct hash id;
    hash_of(origin.data, origin.len, &id);
    size_t at = ((size_t)id.bytes[0] << 16 | (size_t)id.bytes[1] << 8 | id.bytes[2]) % BUCKETS;
    while (set->buckets[at] != 0 &&
           !bytes_equal(vkey_name(&set->list[set->buckets[at] - 1].vkey), origin)) {
        at = (at + 1) % BUCKETS;
    }
    return at;
}

const struct recognised *recognition_of(const struct recognition_set *set, struct bytes origin) {
    size_t at = bucket_of(set, origin);
    return set->buckets[at] != 0 ? &set->list[set->buckets[at] - 1] : NULL;
}

/* How far a log is looked at. */
static uint64_t size_of(const struct recognition_set *set, uint32_t log) {
    const struct recognition_view *view = &set->view;
    return view->size_of == NULL ? UINT64_MAX : view->size_of(view->context, log);
}

/* --- classes --- */

static const uint32_t class_roles[RECOGNISED_CLASSES] = {
    [RECOGNISED_COURT] = ROLE_COURT,
    [RECOGNISED_OVERSIGHT] = ROLE_OVERSIGHT,
    [RECOGNISED_POST] = ROLE_POST,
};

static enum recognition_class class_of(uint32_t role) {
    for (size_t c = RECOGNISED_AT_ALL + 1; c < RECOGNISED_CLASSES; c++) {
        if (class_roles[c] == role) {
            return (enum recognition_class)c;
        }
    }
    return RECOGNISED_AT_ALL;
}

/* --- the list --- */

/* With an agency asked for, all that is named has room: how many logs hang on one would say one
 * thing to whoever names few, and another to whoever names many. */
static bool has_room(const struct recognition_set *set, const struct recognised *found) {
    return set->count < RECOGNISED_MAX &&
           (set->view.ori != NULL || found->ways[RECOGNISED_AT_ALL].depth <= 1 ||
            set->below[found->top] < RECOGNISED_BELOW_MAX);
}

/* The new place in the list, or NULL. */
static struct recognised *add(struct recognition_set *set, const struct recognised *found) {
    size_t at = bucket_of(set, vkey_name(&found->vkey));
    struct recognised *kept = &set->list[set->count];
    assert(set->buckets[at] == 0);
    if (!has_room(set, found)) {
        set->full = true;
        return NULL;
    }
    *kept = *found;
    set->below[set->count] = 0;
    if (found->ways[RECOGNISED_AT_ALL].depth <= 1) {
        kept->top = set->count;
    } else {
        set->below[found->top]++;
    }
    set->count++;
    set->buckets[at] = (uint16_t)set->count;
    return kept;
}

/* --- anchored logs --- */

/* A log whose opening a root of the pin signed. */
static enum status take_opened(void *context, uint32_t number) {
    struct search *s = context;
    struct recognition_set *set = s->set;
    struct sign_public keys[EVENT_SIGNATURES_MAX];
    struct recognised found = {.log = number};
    struct log log;
    size_t count = 0;
    enum status status = recognition_openers(s->txn, number, keys, &count);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_STORE_CORRUPT : status; /* written together */
    }
    if (!pin_holds(&s->pins[s->pin], keys, count) || size_of(set, number) == 0) {
        return STATUS_OK;
    }
    TRY(logs_get(s->txn, number, &log));
    if (recognition_of(set, vkey_name(&log.vkey)) != NULL) {
        return STATUS_OK; /* by an earlier pin, or another root of this one */
    }
    found.vkey = log.vkey;
    for (size_t c = 0; c < RECOGNISED_CLASSES; c++) {
        found.ways[c] =
            (struct recognition_way){.known = true, .pin = s->pin, .parent = set->count};
    }
    (void)add(set, &found);
    return STATUS_OK;
}

static enum status find_anchored(struct search *s) {
    for (s->pin = 0; s->pin < s->pin_count; s->pin++) {
        const struct pin *pin = &s->pins[s->pin];
        for (size_t i = 0; i < pin->root_count; i++) {
            TRY(recognition_each_opened(s->txn, &pin->roots[i].key, take_opened, s));
        }
    }
    return STATUS_OK;
}

/* --- recognised logs --- */

/* Is way `a` before `b`: shorter, or did its last recognition begin before in the order (stamp,
 * origin of the recogniser, index)? */
static bool is_before(const struct recognition_set *set, const struct recognition_way *a,
                      const struct recognition_way *b) {
    if (!b->known || a->depth != b->depth) {
        return !b->known || a->depth < b->depth;
    }
    if (a->since_ms != b->since_ms || a->depth == 0) {
        return a->since_ms < b->since_ms;
    }
    int origins =
        bytes_compare(vkey_name(&set->list[a->parent].vkey), vkey_name(&set->list[b->parent].vkey));
    return origins != 0 ? origins < 0 : a->since_index < b->since_index;
}

/* Is the log known here, and by this key? */
static enum status find_number(struct store_txn *txn, struct recognised *found) {
    struct log log;
    enum status status = logs_find(txn, vkey_name(&found->vkey), &log);
    if (status == STATUS_UNKNOWN_LOG) {
        return STATUS_OK;
    }
    TRY(status);
    found->other_key = !vkey_equal(&log.vkey, &found->vkey);
    found->log = found->other_key ? 0 : log.number;
    return STATUS_OK;
}

/* Asked for an agency, only logs that are named matter, each by the key that it has here: what is
 * said of others would take room, and makes no difference. */
static bool is_asked_for(const struct recognition_set *set, const struct recognised *found) {
    return set->view.ori == NULL || (found->log != 0 && size_of(set, found->log) > 0);
}

/* A log that was recognised, by these ways: where one is before that of its class, it holds. */
static enum status add_found(struct search *s, struct recognised *found) {
    struct recognition_set *set = s->set;
    size_t at = bucket_of(set, vkey_name(&found->vkey));
    struct recognised *known = set->buckets[at] == 0 ? NULL : &set->list[set->buckets[at] - 1];
    TRY(find_number(s->txn, found));
    if (!is_asked_for(set, found)) {
        return STATUS_OK;
    }
    if (known == NULL) {
        (void)add(set, found); /* no way of another class is shorter than the first class's */
        return STATUS_OK;
    }
    if (found->withdrawn && !known->withdrawn) {
        return STATUS_OK; /* another recognises it */
    }
    bool again = known->withdrawn && !found->withdrawn; /* whatever its ways were */
    for (size_t c = 0; c < RECOGNISED_CLASSES; c++) {
        if (!found->ways[c].known ||
            (!again && !is_before(set, &found->ways[c], &known->ways[c]))) {
            continue;
        }
        known->ways[c] = found->ways[c];
        if (c == RECOGNISED_AT_ALL) { /* it keeps its place among those that hang there */
            known->vkey = found->vkey;
            known->log = found->log;
            known->other_key = found->other_key;
            known->withdrawn = found->withdrawn;
        }
    }
    return STATUS_OK;
}

/* The recognition goes on with those ways of its recogniser that have this depth, and whose role it
 * names. For what to mirror no role is asked. */
static enum status follow(struct search *s, size_t at, unsigned depth,
                          const struct recognition *row) {
    const struct recognised *by = &s->set->list[at];
    struct recognised found = {.vkey = row->vkey, .top = by->top, .withdrawn = row->withdrawn};
    bool any = false;
    const size_t classes = s->set->view.ori == NULL ? 1 : RECOGNISED_CLASSES;
    for (size_t c = 0; c < classes; c++) {
        const struct recognition_way *way = &by->ways[c];
        if (!way->known || way->depth != depth || (class_roles[c] & ~row->bounds.roles) != 0) {
            continue;
        }
        any = true;
        found.ways[c] = (struct recognition_way){.known = true,
                                                 .depth = depth + 1,
                                                 .pin = way->pin,
                                                 .parent = at,
                                                 .by = by->log,
                                                 .index = row->index,
                                                 .since_index = row->since_index,
                                                 .since_ms = row->since_ms};
    }
    return any ? add_found(s, &found) : STATUS_OK;
}

/* How many of the logs that one of this depth recognises count: by their place among all that it
 * ever recognised, and not by what else is held here. */
static uint32_t places_at(unsigned depth) {
    return depth == 0 ? RECOGNISED_MAX : depth == 1 ? RECOGNISED_BELOW_MAX : RECOGNISED_DEEP_MAX;
}

/* What the log at list[at] recognises, for its ways of this depth. */
static enum status expand(struct search *s, size_t at, unsigned depth) {
    struct recognition_set *set = s->set;
    uint32_t by = set->list[at].log;
    struct recognition_scan scan = recognition_scan_of(s->txn, by, set->view.ori);
    for (;;) {
        struct recognition row;
        struct bytes id;
        uint32_t place = 0;
        enum status status = recognition_scan_next(&scan, &place, &id);
        if (status != STATUS_OK) {
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        }
        bool enough = set->view.ori == NULL && set->looked == RECOGNITIONS_MAX;
        if (enough || place > places_at(depth)) {
            set->full = true;
            recognition_scan_skip(&scan);
            continue;
        }
        set->looked++;
        status = recognition_latest(s->txn, by, id, size_of(set, by), &row);
        if (status == STATUS_NOT_FOUND) {
            continue; /* said only beyond that size */
        }
        TRY(status);
        /* What covered the agency may have been said before, and taken back since. */
        if (set->view.ori == NULL ||
            (!row.withdrawn && recognition_covers(&row.bounds, set->view.ori))) {
            TRY(follow(s, at, depth, &row));
        }
    }
}

static bool has_way(const struct recognised *log, unsigned depth) {
    for (size_t c = 0; c < RECOGNISED_CLASSES; c++) {
        if (log->ways[c].known && log->ways[c].depth == depth) {
            return true;
        }
    }
    return false;
}

enum status recognition_find(struct store_txn *txn, const struct pin *pins, size_t pin_count,
                             const struct recognition_view *view, struct recognition_set *out) {
    struct search s = {.txn = txn, .pins = pins, .pin_count = pin_count, .set = out};
    out->view = *view;
    out->unpinned = pin_count == 0;
    out->count = 0;
    out->looked = 0;
    out->full = false;
    memset(out->buckets, 0, sizeof out->buckets);
    TRY(find_anchored(&s));
    for (unsigned depth = 0; depth < RECOGNITION_DEPTH_MAX; depth++) {
        size_t end = out->count; /* what is found now is one deeper */
        for (size_t i = 0; i < end; i++) {
            const struct recognised *log = &out->list[i];
            if (log->log != 0 && !log->withdrawn && has_way(log, depth)) {
                TRY(expand(&s, i, depth));
            }
        }
    }
    return STATUS_OK;
}

/* --- scope --- */

static void put_chain(const struct recognition_set *set, const struct recognised *log,
                      enum recognition_class class, struct recognition_scope *out) {
    const struct recognition_way *way = &log->ways[class];
    out->pin = way->pin;
    for (out->depth = 0; way->depth > 0; way = &set->list[way->parent].ways[class]) {
        assert(way->known && out->depth < RECOGNITION_DEPTH_MAX);
        out->chain[out->depth++] = (struct recognition_entry){.log = way->by, .index = way->index};
    }
}

/* A withdrawal by a log that counts. */
struct withdrawal {
    const struct recognised *by; /* NULL: there is none */
    unsigned depth;
    uint64_t index;
    uint64_t stamp_ms;
};

static bool is_first(const struct withdrawal *a, const struct withdrawal *b) {
    if (b->by == NULL || a->depth != b->depth) {
        return b->by == NULL || a->depth < b->depth;
    }
    return a->stamp_ms != b->stamp_ms
               ? a->stamp_ms < b->stamp_ms
               : bytes_compare(vkey_name(&a->by->vkey), vkey_name(&b->by->vkey)) < 0;
}

static enum status find_withdrawal(struct store_txn *txn, const struct recognition_set *set,
                                   const struct log *log, enum recognition_class class,
                                   struct recognition_scope *out) {
    struct withdrawal first = {.by = NULL};
    for (size_t i = 0; i < set->count; i++) {
        const struct recognised *by = &set->list[i];
        struct recognition said;
        if (by->log == 0 || !by->ways[class].known) {
            continue;
        }
        enum status status =
            recognition_get(txn, by->log, vkey_name(&log->vkey), size_of(set, by->log), &said);
        if (status == STATUS_NOT_FOUND || (status == STATUS_OK && !said.withdrawn)) {
            continue;
        }
        TRY(status);
        const struct withdrawal found = {.by = by,
                                         .depth = by->ways[class].depth,
                                         .index = said.index,
                                         .stamp_ms = said.stamp_ms};
        first = is_first(&found, &first) ? found : first;
    }
    if (first.by != NULL) {
        out->withdrawn = true;
        out->withdrawal = (struct recognition_entry){.log = first.by->log, .index = first.index};
        put_chain(set, first.by, class, out);
    }
    return STATUS_OK;
}

/* The log in the set, if it counts for that class; NULL. */
static const struct recognised *find_counted(const struct recognition_set *set,
                                             const struct log *log, enum recognition_class class) {
    const struct recognised *found = recognition_of(set, vkey_name(&log->vkey));
    return found != NULL && found->log == log->number && found->ways[class].known ? found : NULL;
}

bool recognition_counts(const struct recognition_set *set, const struct log *log, uint32_t role) {
    return set->unpinned || find_counted(set, log, class_of(role)) != NULL;
}

enum status recognition_scope_of(struct store_txn *txn, const struct recognition_set *set,
                                 const struct log *log, uint32_t role,
                                 struct recognition_scope *out) {
    enum recognition_class class = class_of(role);
    memset(out, 0, sizeof *out);
    out->pinned = !set->unpinned;
    out->counts = recognition_counts(set, log, role);
    if (!out->counts) {
        return find_withdrawal(txn, set, log, class, out);
    }
    if (out->pinned) {
        put_chain(set, find_counted(set, log, class), class, out);
    }
    return STATUS_OK;
}
