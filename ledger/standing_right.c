/* Who may undo and correct whose events, what surely came before what, and which events are twins:
 * all that is asked of two events alone. */
#include "ledger/standing_parts.h"

#include <string.h>

#define HOUR_MS 3600000u

static const struct standing_signer *signer(const struct standing_case *c, size_t event) {
    return &c->events[event].signer;
}

bool standing_over(const struct standing_case *c, size_t a, size_t b) {
    return house_over(signer(c, a)->role, signer(c, b)->role);
}

bool standing_one_house(const struct standing_case *c, size_t a, size_t b) {
    if (standing_over(c, a, b) || standing_over(c, b, a)) { /* one key, in two roles */
        return false;
    }
    return hash_equal(&signer(c, a)->house, &signer(c, b)->house) ||
           memcmp(signer(c, a)->key.bytes, signer(c, b)->key.bytes, SIGN_PUBLIC_SIZE) == 0;
}

static int compare_ranks(const struct standing_case *c, size_t a, size_t b) {
    return (int)house_rank(signer(c, a)->role) - (int)house_rank(signer(c, b)->role);
}

bool standing_above(const struct standing_case *c, size_t a, size_t b) {
    return compare_ranks(c, a, b) > 0;
}

bool standing_may_correct(const struct standing_case *c, size_t a, size_t b) {
    int ranks = compare_ranks(c, a, b);
#ifdef DUTYLOG_BUG_STRANGER_CORRECTS /* planted: a correction asks for a rank alone */
    return ranks >= 0;
#endif
    return ranks > 0 || (ranks == 0 && standing_one_house(c, a, b));
}

bool standing_may_undo(const struct standing_case *c, size_t a, size_t b) {
#ifdef DUTYLOG_BUG_STRANGER_TAKES /* planted: undoing asks for a rank alone */
    return compare_ranks(c, a, b) >= 0;
#endif
    return standing_over(c, a, b) || standing_may_correct(c, a, b);
}

void standing_deny(struct standing_case *c, size_t event, size_t other) {
    standing_settle(c, event, STANDING_WITHOUT_AUTHORITY,
                    compare_ranks(c, event, other) < 0 ? WHY_RANK : WHY_STRANGER, other);
}

/* Between two logs a stamp proves no more than a quorum's hour allows: who runs a log can date back
 * by that much what was made in answer to an event of another. In one log nobody can. */
static bool before_by_time(const struct standing_case *c, size_t a, size_t b) {
    const struct standing_event *x = &c->events[a];
    const struct standing_event *y = &c->events[b];
#ifdef DUTYLOG_BUG_NO_HOUR /* planted: stamps of two logs are believed */
    return standing_compare(x, y) < 0;
#endif
    return bytes_equal(x->origin, y->origin) ? x->index < y->index
                                             : x->confirmed_ms + HOUR_MS < y->confirmed_ms;
}

/* Nobody names a hash before what it is of. */
bool standing_surely_before(const struct standing_case *c, size_t a, size_t b) {
    size_t at = b;
    for (size_t steps = 0; steps <= c->count && at != STANDING_NONE; steps++) {
        if (before_by_time(c, a, at)) {
            return true;
        }
        at = c->results[at].names;
        if (at == a) {
            return true;
        }
    }
    return false;
}

/* Does `a` stand in the place of `b`, by one correction or several? */
static bool stands_in_for(const struct standing_case *c, size_t a, size_t b) {
    size_t at = c->results[a].replaces;
    for (size_t steps = 0; steps < c->count && at != STANDING_NONE; steps++) {
        if (at == b) {
            return true;
        }
        at = c->results[at].replaces;
    }
    return false;
}

/* In one log, closed members tell two facts apart that look the same; in two logs they never agree,
 * since a commitment is bound to its event. What they name is left to the caller. */
static bool say_the_same(const struct standing_case *c, size_t first, size_t second) {
    const struct standing_event *a = &c->events[first];
    const struct standing_event *b = &c->events[second];
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

/* In two logs, each may name its own log's; else what looks like a copy of a reversal, and names
 * something else, would take its place and do nothing. */
static bool name_the_same(const struct standing_case *c, size_t first, size_t second) {
    const struct standing_event *a = &c->events[first];
    const struct standing_event *b = &c->events[second];
    size_t of_a = c->results[first].names;
    size_t of_b = c->results[second].names;
    if (!a->has_named || !b->has_named || hash_equal(&a->named, &b->named)) {
        return true;
    }
    return of_a != STANDING_NONE && of_b != STANDING_NONE && say_the_same(c, of_a, of_b);
}

bool standing_alike(const struct standing_case *c, size_t first, size_t second) {
    return first != second && say_the_same(c, first, second) && name_the_same(c, first, second) &&
           !stands_in_for(c, first, second) && !stands_in_for(c, second, first);
}
