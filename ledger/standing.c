/* The passes: what a key's revocation does; which corrections hold; then all events in the order of
 * their places, each against what those before it made of the case; then seals. */
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
    [WHY_RANK] = "rank",         [WHY_STRANGER] = "stranger",
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

unsigned standing_rank(uint32_t roles) {
    if ((roles & ROLE_COURT) != 0) {
        return 3;
    }
    if ((roles & ROLE_POST) != 0) {
        return 2;
    }
    return (roles & (ROLE_AGENCY | ROLE_CLERK | ROLE_OVERSIGHT)) != 0 ? 1 : 0;
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
    return compare_places(a->confirmed_ms, a->origin, a->index, b->confirmed_ms, b->origin,
                          b->index);
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

/* Is there a revocation that makes the event doubted (or, if not `doubts`, one that came before
 * it)? The first one given. */
static size_t find_revocation(const struct standing_case *c, size_t event, bool doubts) {
    const struct standing_event *e = &c->events[event];
    for (size_t i = 0; i < c->revocation_count; i++) {
        const struct standing_revocation *r = &c->revocations[i];
        bool holds = doubts ? r->compromised && e->stamp_ms >= r->since_ms
                            : compare_places(r->confirmed_ms, r->origin, r->index, e->confirmed_ms,
                                             e->origin, e->index) < 0;
        if (r->event == event && holds) {
            return i;
        }
    }
    return STANDING_NONE;
}

/* What needs no other event of the case. */
static void settle_by_key(struct standing_case *c, size_t event) {
    size_t doubt = find_revocation(c, event, true);
    size_t revoked = find_revocation(c, event, false);
    if (doubt != STANDING_NONE) {
        standing_settle(c, event, STANDING_DOUBTED, WHY_COMPROMISED, doubt);
    } else if (revoked != STANDING_NONE) {
        standing_settle(c, event, STANDING_WITHOUT_AUTHORITY, WHY_REVOKED, revoked);
    } else if (c->events[event].other_ori) {
        standing_settle(c, event, STANDING_WITHOUT_AUTHORITY, WHY_OTHER_ORI, STANDING_NONE);
    }
}

/* --- duplicates --- */

/* One fact said twice. In one log, closed members tell two facts apart that look the same; in two
 * logs they never agree, since a commitment is bound to its event. */
static bool alike(const struct standing_event *a, const struct standing_event *b) {
    if (a->kind != b->kind || a->has_case != b->has_case) {
        return false;
    }
    bool one_log = bytes_equal(a->origin, b->origin);
    if (one_log && (a->has_body || b->has_body)) {
        return false;
    }
    return one_log || !a->has_case ? hash_equal(&a->whole, &b->whole)
                                   : hash_equal(&a->fact, &b->fact);
}

size_t standing_alike(const struct standing_case *c, const size_t *order, size_t count,
                      size_t event) {
    for (size_t i = 0; i < count; i++) {
        size_t other = order != NULL ? order[i] : i;
        if (c->results[other].counts && c->results[event].replaces != other &&
            alike(&c->events[other], &c->events[event])) {
            return other;
        }
    }
    return STANDING_NONE;
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
    c->subjects[at] = (struct standing_subject){.subject = subject,
                                                .first = event,
                                                .finding = STANDING_NONE,
                                                .discipline = STANDING_NONE,
                                                .certificate = STANDING_NONE,
                                                .separation = STANDING_NONE};
    return &c->subjects[at];
}

/* --- in the order of places --- */

static void judge_event(struct standing_case *c, size_t position) {
    size_t event = c->order[position];
    const struct standing_event *e = &c->events[event];
    struct standing_result *result = &c->results[event];
    if (standing_settled(c, event)) {
        return;
    }
    /* Corrections were compared with each other before. */
    size_t other = e->kind->effect == EFFECT_CORRECTS
                       ? STANDING_NONE
                       : standing_alike(c, c->order, position, event);
    if (other != STANDING_NONE) {
        standing_settle(c, event, STANDING_DUPLICATE, WHY_ALIKE, other);
        return;
    }
    struct standing_subject *subject = find_subject(c, result->subject, event);
    if (e->kind->after != 0 && !e->imported && (subject->seen & e->kind->after) == 0) {
        standing_settle(c, event, STANDING_OUT_OF_ORDER, WHY_EARLY, STANDING_NONE);
        return;
    }
    result->counts = true;
    if (!result->corrected && !standing_effect(c, subject, event)) {
        return;
    }
    subject->seen |= EFFECT_BIT(e->kind->effect);
    result->done = true;
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

void standing_judge(struct standing_case *c) {
    c->subject_count = 0;
    for (size_t i = 0; i < c->count; i++) {
        assert(i == 0 || standing_compare(&c->events[i - 1], &c->events[i]) < 0);
        c->results[i] = (struct standing_result){.other = STANDING_NONE,
                                                 .superseded_by = STANDING_NONE,
                                                 .names = STANDING_NONE,
                                                 .contested = STANDING_NONE,
                                                 .served = STANDING_NONE,
                                                 .under = {STANDING_NONE, STANDING_NONE},
                                                 .replaces = STANDING_NONE,
                                                 .replacement = STANDING_NONE};
    }
    for (size_t i = 0; i < c->count; i++) {
        const struct standing_event *e = &c->events[i];
        c->results[i].names = e->has_named ? standing_find(c, &e->named) : STANDING_NONE;
    }
    for (size_t i = 0; i < c->count; i++) {
        c->results[i].subject = subject_of(c, i);
        settle_by_key(c, i);
    }
    standing_correct(c);
    order_places(c);
    for (size_t i = 0; i < c->count; i++) {
        judge_event(c, i);
    }
    settle_superseded(c);
    settle_sealed(c);
}
