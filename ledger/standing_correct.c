/* Corrections. They are looked at before all else, since what is corrected has no effect, whenever
 * that is said. None hangs on what other events do: a correction holds by who signed it, and unless
 * it is corrected itself. */
#include "ledger/standing_parts.h"

#include <assert.h>
#include <string.h>

static bool same_key(const struct sign_public *a, const struct sign_public *b) {
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* Of one rank: the same key, its enroller, one that it enrolled; or two of an agency's own, that
 * one key enrolled. */
static bool of_one_house(const struct standing_signer *a, const struct standing_signer *b) {
    const uint32_t house = ROLE_AGENCY | ROLE_CLERK;
    if (same_key(&a->key, &b->key) || (b->has_enroller && same_key(&a->key, &b->enroller)) ||
        (a->has_enroller && same_key(&b->key, &a->enroller))) {
        return true;
    }
    return (a->role & house) != 0 && (b->role & house) != 0 && a->has_enroller && b->has_enroller &&
           same_key(&a->enroller, &b->enroller);
}

static void judge_correction(struct standing_case *c, size_t event) {
    const struct standing_signer *signer = &c->events[event].signer;
    size_t target = c->results[event].names;
    size_t other = standing_alike(c, NULL, event, event);
    if (other != STANDING_NONE) {
        standing_settle(c, event, STANDING_DUPLICATE, WHY_ALIKE, other);
        return;
    }
    if (target != STANDING_NONE) {
        const struct standing_signer *corrected = &c->events[target].signer;
        unsigned rank = standing_rank(signer->role);
        unsigned asked = standing_rank(corrected->role);
        if (rank < asked) {
            standing_settle(c, event, STANDING_WITHOUT_AUTHORITY, WHY_RANK, target);
            return;
        }
        if (rank == asked && !of_one_house(signer, corrected)) {
            standing_settle(c, event, STANDING_WITHOUT_AUTHORITY, WHY_STRANGER, target);
            return;
        }
    }
    c->results[event].counts = true;
}

static bool is_correction(const struct standing_case *c, size_t event) {
    return c->events[event].kind->effect == EFFECT_CORRECTS && c->results[event].counts;
}

/* Marks what is corrected by a correction that is not corrected itself. Whoever names an event
 * knows its id, so that corrections of corrections make no circle: each is looked at once all of
 * its own have been. `order` holds those that are next. */
static void mark_corrected(struct standing_case *c) {
    size_t next = 0;
    for (size_t i = 0; i < c->count; i++) {
        size_t target = c->results[i].names;
        if (is_correction(c, i) && target != STANDING_NONE && is_correction(c, target)) {
            c->results[target].waiting++;
        }
    }
    for (size_t i = 0; i < c->count; i++) {
        if (is_correction(c, i) && c->results[i].waiting == 0) {
            c->order[next++] = i;
        }
    }
    while (next > 0) {
        size_t event = c->order[--next];
        size_t target = c->results[event].names;
        if (target == STANDING_NONE) {
            continue;
        }
        if (!c->results[event].corrected) {
            c->results[target].corrected = true;
        }
        if (is_correction(c, target) && --c->results[target].waiting == 0) {
            c->order[next++] = target;
        }
    }
}

/* The last that holds is named as the one by which it is so; and the last that says what stands in
 * its place says that. */
static void note_correction(struct standing_case *c, size_t event) {
    const struct standing_event *e = &c->events[event];
    size_t target = c->results[event].names;
    if (target == STANDING_NONE) {
        return;
    }
    c->results[target].superseded_by = event;
    c->results[target].how = WHY_CORRECTED;
    size_t replacement = e->has_replacement ? standing_find(c, &e->replacement) : STANDING_NONE;
    if (replacement != STANDING_NONE && replacement != target) {
        c->results[target].replacement = replacement;
    }
}

void standing_correct(struct standing_case *c) {
    for (size_t i = 0; i < c->count; i++) {
        if (c->events[i].kind->effect == EFFECT_CORRECTS && !standing_settled(c, i)) {
            judge_correction(c, i);
        }
    }
    mark_corrected(c);
    for (size_t i = 0; i < c->count; i++) {
        if (is_correction(c, i) && !c->results[i].corrected) {
            note_correction(c, i);
        }
    }
    /* One that is to stand in for several stands in for the first. */
    for (size_t i = c->count; i-- > 0;) {
        if (c->results[i].replacement != STANDING_NONE) {
            c->results[c->results[i].replacement].replaces = i;
        }
    }
    for (size_t i = 0; i < c->count; i++) {
        if (is_correction(c, i)) {
            c->results[i].counts = false; /* until its place comes */
        }
    }
}
