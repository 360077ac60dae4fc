/* The passes: what an event's key and log say of it; which corrections hold; then all events in the
 * order of their places, each against what those before it made of the case; then seals. */
#include "ledger/standing_parts.h"

#include <assert.h>
#include <string.h>

static const char *const names[STANDING_COUNT] = {
    [STANDING_IN_FORCE] = "in force",
    [STANDING_SUPERSEDED] = "superseded",
    [STANDING_SEALED] = "sealed",
    [STANDING_OUT_OF_ORDER] = "out of order",
    [STANDING_WITHOUT_AUTHORITY] = "without authority",
    [STANDING_DUPLICATE] = "duplicate",
    [STANDING_DOUBTED] = "doubted",
};

static const char *const why_names[WHY_COUNT] = {
    [WHY_NOTHING] = "",          [WHY_COMPROMISED] = "compromised",
    [WHY_REVOKED] = "revoked",   [WHY_OTHER_ORI] = "ori",
    [WHY_BOUNDS] = "bounds",     [WHY_FALSE] = "false",
    [WHY_SUBJECT] = "subject",   [WHY_PARTY] = "party",
    [WHY_RANK] = "rank",         [WHY_STRANGER] = "stranger",
    [WHY_FROZEN] = "frozen",     [WHY_REPLACEMENT] = "replacement",
    [WHY_ALIKE] = "alike",       [WHY_EARLY] = "early",
    [WHY_REPLACED] = "replaced", [WHY_REVERSED] = "reversed",
    [WHY_CHANGED] = "changed",   [WHY_CORRECTED] = "corrected",
    [WHY_SEALED] = "sealed",
};

const char *standing_name(enum standing standing) {
    assert(standing < STANDING_COUNT);
    return names[standing];
}

const char *standing_why_name(enum standing_why why) {
    assert(why < WHY_COUNT);
    return why_names[why];
}

/* --- the order --- */

static int compare_places(uint64_t time_a, struct bytes origin_a, uint64_t index_a, uint64_t time_b,
                          struct bytes origin_b, uint64_t index_b) {
    if (time_a != time_b) {
        return time_a < time_b ? -1 : 1;
    }
    int origins = bytes_compare(origin_a, origin_b);
    if (origins != 0) {
        return origins;
    }
    return index_a < index_b ? -1 : index_a > index_b;
}

int standing_compare(const struct standing_event *a, const struct standing_event *b) {
    uint64_t time_a = a->moves > 0 ? a->moved_ms : a->confirmed_ms;
    uint64_t time_b = b->moves > 0 ? b->moved_ms : b->confirmed_ms;
    if (time_a == time_b && a->moves != b->moves) {
        return a->moves < b->moves ? -1 : 1;
    }
    return compare_places(time_a, a->origin, a->index, time_b, b->origin, b->index);
}

size_t standing_find(const struct standing_case *c, const struct hash *id) {
    for (size_t i = 0; i < c->count; i++) {
        if (hash_equal(&c->events[i].id, id)) {
            return i;
        }
    }
    return STANDING_NONE;
}

/* --- settling --- */

void standing_settle(struct standing_case *c, size_t event, enum standing standing,
                     enum standing_why why, size_t other) {
    struct standing_result *result = &c->results[event];
    result->standing = standing;
    result->why = why;
    result->other = other;
    result->counts = false;
}

bool standing_settled(const struct standing_case *c, size_t event) {
    return c->results[event].standing != STANDING_IN_FORCE;
}

/* --- by key and log --- */

static bool revoked_before(const struct standing_revocation *r, const struct standing_event *e) {
    return compare_places(r->confirmed_ms, r->origin, r->index, e->confirmed_ms, e->origin,
                          e->index) < 0;
}

/* Does the revocation say that the key was stolen when it signed the event? */
static bool covers_stamp(const struct standing_revocation *r, const struct standing_event *e) {
    return r->compromised && e->stamp_ms >= r->since_ms;
}

static bool doubts(const struct standing_revocation *r, const struct standing_event *e) {
#ifdef DUTYLOG_BUG_DISOWNED /* planted: an enroller takes back what a key signed */
    return covers_stamp(r, e);
#endif
    return r->by_root && covers_stamp(r, e);
}

/* An agency that calls its officer's key stolen takes back nothing that a quorum held before. */
static bool disowns(const struct standing_revocation *r, const struct standing_event *e) {
    return !r->by_root && covers_stamp(r, e) && !revoked_before(r, e);
}

/* The first in the order of the revocations that do this to the event; STANDING_NONE. */
static size_t first_revocation(const struct standing_case *c, size_t event,
                               bool (*does)(const struct standing_revocation *r,
                                            const struct standing_event *e)) {
    size_t first = STANDING_NONE;
    for (size_t i = 0; i < c->revocation_count; i++) {
        const struct standing_revocation *r = &c->revocations[i];
        if (r->event != event || !does(r, &c->events[event])) {
            continue;
        }
        const struct standing_revocation *best =
            &c->revocations[first != STANDING_NONE ? first : i];
        if (first == STANDING_NONE ||
            compare_places(r->confirmed_ms, r->origin, r->index, best->confirmed_ms, best->origin,
                           best->index) < 0) {
            first = i;
        }
    }
    return first;
}

static bool of_agency(const struct standing_event *e) {
    return house_group(e->signer.role) == GROUP_AGENCY;
}

/* Agencies number the parties of a case one after the other; `highest` is the last so far. What
 * another authority decides does not hang on how the agency counts. */
static bool skips_subjects(const struct standing_event *e, uint64_t highest) {
    return e->has_case && of_agency(e) && !e->imported && e->subject > highest + 1;
}

/* What needs no other event's effect. */
static void settle_by_key(struct standing_case *c, size_t event, uint64_t *highest) {
    const struct standing_event *e = &c->events[event];
    size_t doubt = first_revocation(c, event, doubts);
    size_t revoked = first_revocation(c, event, revoked_before);
    c->results[event].disowned = first_revocation(c, event, disowns);
    bool skips = skips_subjects(e, *highest);
    if (doubt != STANDING_NONE) {
        standing_settle(c, event, STANDING_DOUBTED, WHY_COMPROMISED, doubt);
    } else if (revoked != STANDING_NONE) {
        standing_settle(c, event, STANDING_WITHOUT_AUTHORITY, WHY_REVOKED, revoked);
    } else if (e->other_ori) {
        standing_settle(c, event, STANDING_WITHOUT_AUTHORITY, WHY_OTHER_ORI, STANDING_NONE);
#ifndef DUTYLOG_BUG_NO_BOUNDS /* planted: a log counts for any role */
    } else if (e->beyond) {
        standing_settle(c, event, STANDING_WITHOUT_AUTHORITY, WHY_BOUNDS, STANDING_NONE);
#endif
#ifndef DUTYLOG_BUG_FALSE_OPENED /* planted: a disclosure that does not fit is believed */
    } else if (e->unfitting) {
        standing_settle(c, event, STANDING_WITHOUT_AUTHORITY, WHY_FALSE, STANDING_NONE);
#endif
    } else if (skips) {
        standing_settle(c, event, STANDING_WITHOUT_AUTHORITY, WHY_SUBJECT, STANDING_NONE);
    }
    c->results[event].keyed = standing_settled(c, event);
    if (e->has_case && !e->other_ori && !e->beyond && !skips && e->subject > *highest) {
        *highest = e->subject;
    }
}

/* --- subjects --- */

/* An event without a case is about what the event that it names is about. */
static uint64_t subject_of(const struct standing_case *c, size_t event) {
    size_t at = event;
    for (size_t steps = 0; steps < c->count && at != STANDING_NONE; steps++) {
        const struct standing_event *e = &c->events[at];
        if (e->has_case || !e->has_named) {
            return e->subject;
        }
        at = c->results[at].names;
    }
    return c->events[event].subject;
}

/* The subject's row; a new one goes where its number asks. */
static struct standing_subject *find_subject(struct standing_case *c, uint64_t subject,
                                             size_t event) {
    size_t at = 0;
    while (at < c->subject_count && c->subjects[at].subject < subject) {
        at++;
    }
    if (at < c->subject_count && c->subjects[at].subject == subject) {
        return &c->subjects[at];
    }
    assert(c->subject_count < c->count);
    memmove(&c->subjects[at + 1], &c->subjects[at],
            (c->subject_count - at) * sizeof c->subjects[0]);
    c->subject_count++;
    c->subjects[at] = (struct standing_subject){
        .subject = subject, .first = event, .party = STANDING_NONE, .separation = STANDING_NONE};
    for (size_t slot = 0; slot < SLOT_COUNT; slot++) {
        c->subjects[at].named[slot] = STANDING_NONE;
        c->subjects[at].emptied[slot] = STANDING_NONE;
    }
    return &c->subjects[at];
}

/* --- in the order of places --- */

/* An earlier twin that says the fact, so that this one need not; STANDING_NONE. One that was undone
 * by a signer who could not undo this one says it no more. */
static size_t find_twin(const struct standing_case *c, size_t position) {
    size_t event = c->order[position];
    for (size_t i = 0; i < position; i++) {
        size_t twin = c->order[i];
        const struct standing_result *r = &c->results[twin];
        bool stands =
            r->superseded_by == STANDING_NONE || standing_may_undo(c, r->superseded_by, event);
#ifdef DUTYLOG_BUG_FIRST_TWIN /* planted: the first twin that counts says it, by any rank */
        if (r->counts && standing_alike(c, event, twin)) {
            return twin;
        }
#endif
        if (r->counts && !r->corrected && stands && !standing_above(c, event, twin) &&
            standing_alike(c, event, twin)) {
            return twin;
        }
    }
    return STANDING_NONE;
}

static void hand_over(size_t *to, size_t twin, size_t event) {
    *to = *to == twin ? event : *to;
}

static void take_over_slot(struct standing_case *c, struct standing_subject *subject, size_t twin,
                           const struct effect_of *w, enum standing_slot slot) {
    struct standing_result *was = &c->results[twin];
    if (was->took[slot] && was->out_by[slot] == STANDING_NONE) {
        c->results[w->event].took[slot] = true;
        c->results[w->event].out_by[slot] = STANDING_NONE;
        was->out_by[slot] = w->event;
        was->out_at[slot] = w->position;
    }
    hand_over(&subject->emptied[slot], twin, w->event);
    for (size_t i = 0; i < c->count; i++) {
        hand_over(&c->results[i].undone_by[slot], twin, w->event);
        hand_over(&c->results[i].back_by[slot], twin, w->event);
    }
}

/* What the twin did is the event's doing from here on. What took things out of slots stays that,
 * for those who come after and set one of the two aside. */
static void take_over(const struct effect_of *w, size_t twin) {
    struct standing_case *c = w->c;
    struct standing_result *of = &c->results[w->event];
    struct standing_result *was = &c->results[twin];
    for (int slot = 0; slot < SLOT_COUNT; slot++) {
        take_over_slot(c, w->subject, twin, w, (enum standing_slot)slot);
    }
    for (size_t i = 0; i < c->count; i++) {
        hand_over(&c->results[i].superseded_by, twin, w->event);
        hand_over(&c->results[i].upheld_by, twin, w->event);
    }
    of->undid = of->undid || was->undid;
    if (was->upheld_by != STANDING_NONE &&
        (of->upheld_by == STANDING_NONE || standing_may_undo(c, was->upheld_by, of->upheld_by))) {
        of->upheld_by = was->upheld_by;
    }
    was->last_recommended = false;
    standing_settle(c, twin, STANDING_DUPLICATE, WHY_ALIKE, w->event);
}

/* From here on the event says what twins of lower signers said before. */
static void take_over_twins(const struct effect_of *w) {
    struct standing_case *c = w->c;
    bool any = false;
    bool open = false;
    for (size_t i = 0; i < w->position; i++) {
        size_t twin = c->order[i];
        if (c->results[twin].counts && !c->results[twin].corrected &&
            standing_above(c, w->event, twin) && standing_alike(c, w->event, twin)) {
            any = true;
            open = open || c->results[twin].open_appeal;
            c->results[twin].open_appeal = false;
            take_over(w, twin);
        }
    }
    if (any) {
        c->results[w->event].open_appeal = open;
    }
}

/* Which event says the subject's party, of those before `position`; STANDING_NONE. */
static size_t find_party(const struct standing_case *c, uint64_t subject, size_t position) {
    size_t said = STANDING_NONE;
    for (size_t i = 0; i < position; i++) {
        size_t event = c->order[i];
        const struct standing_result *r = &c->results[event];
#ifdef DUTYLOG_BUG_PARTY
        said = r->subject == subject && r->counts && c->events[event].party.len > 0 ? event : said;
#endif
        if (r->subject == subject && r->counts && !r->corrected && c->events[event].party.len > 0 &&
            (said == STANDING_NONE || standing_over(c, event, said))) {
            said = event;
        }
    }
    return said;
}

/* The event by which this one's party is another's; STANDING_NONE. */
static size_t denies_party(const struct standing_case *c, size_t position) {
    size_t event = c->order[position];
    struct bytes party = c->events[event].party;
#ifdef DUTYLOG_BUG_PARTY /* planted: the last that names a party says it, and denies none */
    return STANDING_NONE;
#endif
    size_t said =
        party.len > 0 ? find_party(c, c->results[event].subject, position) : STANDING_NONE;
    if (said == STANDING_NONE || bytes_equal(party, c->events[said].party)) {
        return STANDING_NONE;
    }
    return standing_over(c, said, event) || standing_one_house(c, said, event) ? said
                                                                               : STANDING_NONE;
}

/* What another authority decides does not hang on what the agency logged; and a closed event may be
 * just what is asked for. */
static bool is_early(const struct standing_case *c, const struct standing_subject *subject,
                     size_t event) {
    const struct standing_event *e = &c->events[event];
#ifdef DUTYLOG_BUG_EARLY_ABOVE /* planted: a court's decision may come too early */
    return e->kind->after != 0 && !e->imported && (subject->seen & e->kind->after) == 0;
#endif
    return e->kind->after != 0 && of_agency(e) && !e->imported && !c->closed &&
           (subject->seen & e->kind->after) == 0;
}

/* An event that `by` denies, or whose fact that says, was in its slot for those who set that one
 * aside. One that is settled by its key is its own `by`. */
static void note_denied(struct standing_case *c, size_t position, size_t by) {
    static const struct {
        enum effect effect;
        enum standing_slot slot;
    } takes[] = {{EFFECT_FINDS, SLOT_FINDING},
                 {EFFECT_IMPOSES, SLOT_DISCIPLINE},
                 {EFFECT_DECERTIFIES, SLOT_CERTIFICATE}};
    size_t event = c->order[position];
    struct standing_result *result = &c->results[event];
    for (size_t i = 0; i < sizeof takes / sizeof takes[0]; i++) {
        if (c->events[event].kind->effect == takes[i].effect && !result->corrected) {
            result->took[takes[i].slot] = true;
            result->out_by[takes[i].slot] = by;
            result->out_at[takes[i].slot] = position;
        }
    }
}

static bool comes_to_effect(struct standing_case *c, size_t position,
                            struct standing_subject *subject) {
    size_t event = c->order[position];
    struct standing_result *result = &c->results[event];
    size_t party = denies_party(c, position);
    if (party != STANDING_NONE) {
        standing_settle(c, event, STANDING_WITHOUT_AUTHORITY, WHY_PARTY, party);
        note_denied(c, position, party);
        return false;
    }
    if (is_early(c, subject, event)) {
        standing_settle(c, event, STANDING_OUT_OF_ORDER, WHY_EARLY, STANDING_NONE);
        note_denied(c, position, event);
        return false;
    }
    result->counts = true;
    if (result->corrected) {
        return true;
    }
    const struct effect_of w = standing_at_work(c, subject, position);
    if (!standing_effect(&w)) {
        note_denied(c, position, result->other);
        return false;
    }
    result->done = true;
    take_over_twins(&w);
    return true;
}

/* Whatever becomes of the appeal, as it may be decided all the same. */
static void contest(struct standing_case *c, size_t position) {
    size_t event = c->order[position];
    struct standing_subject any = {.subject = c->results[event].subject};
    if (c->events[event].kind->effect == EFFECT_APPEALS) {
        const struct effect_of w = standing_at_work(c, &any, position);
        standing_contest(&w);
    }
}

static void judge_event(struct standing_case *c, size_t position) {
    size_t event = c->order[position];
    struct standing_result *result = &c->results[event];
    bool by_key = result->why == WHY_COMPROMISED || result->why == WHY_REVOKED;
    if (by_key) {
        contest(c, position);
        note_denied(c, position, event);
    }
    if (standing_settled(c, event)) {
        return;
    }
    contest(c, position);
    size_t twin = find_twin(c, position);
    if (twin != STANDING_NONE) {
        standing_settle(c, event, STANDING_DUPLICATE, WHY_ALIKE, twin);
        note_denied(c, position, twin);
        return;
    }
    struct standing_subject *subject = find_subject(c, c->results[event].subject, event);
    if (comes_to_effect(c, position, subject)) {
        c->closed = c->closed || c->events[event].kind->id == KIND_CLOSED;
        subject->seen |= EFFECT_BIT(c->events[event].kind->effect);
    }
}

/* Where an event takes effect: each in its own place, or right after the one it stands in for. A
 * chain that leads back to itself stands in for nothing. */
static size_t place_of(const struct standing_case *c, size_t event) {
    size_t at = event;
    for (size_t steps = 0; steps <= c->count; steps++) {
        if (c->results[at].replaces == STANDING_NONE) {
            return at;
        }
        at = c->results[at].replaces;
    }
    return event;
}

static void order_places(struct standing_case *c) {
    size_t filled = 0;
    size_t moved = 0;
    for (size_t i = 0; i < c->count; i++) {
        moved += place_of(c, i) != i;
    }
    for (size_t i = 0; i < c->count; i++) {
        if (place_of(c, i) == i) {
            c->order[filled++] = i;
        }
        for (size_t j = 0; moved > 0 && j < c->count; j++) {
            if (j != i && place_of(c, j) == i) {
                c->order[filled++] = j;
            }
        }
    }
    assert(filled == c->count);
}

/* --- at the end --- */

static void settle_sealed(struct standing_case *c) {
    for (size_t i = 0; i < c->count; i++) {
        const struct standing_result *seal = &c->results[i];
        if (c->events[i].kind->effect != EFFECT_SEALS || !seal->counts || seal->corrected) {
            continue;
        }
        size_t target = seal->names;
        if (target != STANDING_NONE && c->results[target].counts &&
            c->results[target].standing != STANDING_SEALED) {
            c->results[target].standing = STANDING_SEALED;
            c->results[target].why = WHY_SEALED;
            c->results[target].other = i;
        }
    }
}

static void settle_superseded(struct standing_case *c) {
    for (size_t i = 0; i < c->count; i++) {
        struct standing_result *result = &c->results[i];
        if (result->counts && result->superseded_by != STANDING_NONE) {
            result->standing = STANDING_SUPERSEDED;
            result->why = result->how;
            result->other = result->superseded_by;
        }
    }
}

/* Of a slot's events the first is named. */
static void name_slots(struct standing_case *c) {
    for (size_t i = 0; i < c->count; i++) {
        size_t event = c->order[i];
        for (int slot = 0; slot < SLOT_COUNT; slot++) {
            if (standing_in_slot(c, event, (enum standing_slot)slot)) {
                size_t *named = &find_subject(c, c->results[event].subject, event)->named[slot];
                *named = *named == STANDING_NONE ? event : *named;
            }
        }
    }
}

/* Of discipline, what says whether it was carried out: the last, where one gives way only to a
 * signer who may undo it. */
static void show_served(struct standing_case *c) {
    for (size_t i = 0; i < c->count; i++) {
        size_t event = c->order[i];
        size_t of = c->results[event].counts ? c->results[event].speaks_of : STANDING_NONE;
        of = of != STANDING_NONE ? standing_stands_for(c, NULL, of) : of;
#ifdef DUTYLOG_BUG_LAST_SERVED /* planted: the last is shown, by any rank */
        if (of != STANDING_NONE) {
            c->results[of].served = event;
        }
#endif
        if (of != STANDING_NONE && (c->results[of].served == STANDING_NONE ||
                                    standing_may_undo(c, event, c->results[of].served))) {
            c->results[of].served = event;
        }
    }
}

static void start(struct standing_case *c) {
    uint64_t highest = 0;
    c->subject_count = 0;
    c->closed = false;
    for (size_t i = 0; i < c->count; i++) {
        assert(i == 0 || standing_compare(&c->events[i - 1], &c->events[i]) < 0);
        c->results[i] = (struct standing_result){
            .other = STANDING_NONE,
            .disowned = STANDING_NONE,
            .names = STANDING_NONE,
            .root = STANDING_NONE,
            .replaces = STANDING_NONE,
            .replacement = STANDING_NONE,
            .replaced_says = STANDING_NONE,
            .gave_way = STANDING_NONE,
            .superseded_by = STANDING_NONE,
            .upheld_by = STANDING_NONE,
            .out_by = {STANDING_NONE, STANDING_NONE, STANDING_NONE},
            .undone_by = {STANDING_NONE, STANDING_NONE, STANDING_NONE},
            .back_by = {STANDING_NONE, STANDING_NONE, STANDING_NONE},
            .contested = STANDING_NONE,
            .speaks_of = STANDING_NONE,
            .served = STANDING_NONE,
        };
    }
    for (size_t i = 0; i < c->count; i++) {
        const struct standing_event *e = &c->events[i];
        c->results[i].names = e->has_named ? standing_find(c, &e->named) : STANDING_NONE;
    }
    for (size_t i = 0; i < c->count; i++) {
        c->results[i].subject = subject_of(c, i);
        settle_by_key(c, i, &highest);
    }
}

void standing_judge(struct standing_case *c) {
    start(c);
    standing_correct(c);
    order_places(c);
    for (size_t i = 0; i < c->count; i++) {
        judge_event(c, i);
    }
    settle_superseded(c);
    name_slots(c);
    show_served(c);
    for (size_t i = 0; i < c->subject_count; i++) {
        c->subjects[i].party = find_party(c, c->subjects[i].subject, c->count);
    }
    settle_sealed(c);
}
