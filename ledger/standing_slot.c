/* What is in a slot, what an event sees there, and what it may take out. A slot has no memory of
 * its own: each event says which slots it took, and what took it out again. */
#include "ledger/standing_parts.h"

#include <assert.h>

static const struct standing_result *result(const struct effect_of *w, size_t event) {
    return &w->c->results[event];
}

static bool took(const struct effect_of *w, size_t event, enum standing_slot slot) {
    return result(w, event)->took[slot] && result(w, event)->subject == w->subject->subject;
}

static bool is_in(const struct effect_of *w, size_t event, enum standing_slot slot) {
    return took(w, event, slot) && result(w, event)->out_by[slot] == STANDING_NONE;
}

/* In the order of places, the next in the slot before the one at work; STANDING_NONE. */
static size_t next_in(const struct effect_of *w, enum standing_slot slot, size_t *position) {
    while (*position < w->position) {
        size_t event = w->c->order[(*position)++];
        if (is_in(w, event, slot)) {
            return event;
        }
    }
    return STANDING_NONE;
}

bool standing_slot_is_free(const struct effect_of *w, enum standing_slot slot) {
    size_t position = 0;
    return next_in(w, slot, &position) == STANDING_NONE;
}

/* --- seeing --- */

bool standing_aside(const struct effect_of *w, size_t event) {
    return standing_over(w->c, w->event, event) && !standing_surely_before(w->c, event, w->event);
}

/* Did the event give another back to the slot? */
static bool gave_back(const struct effect_of *w, size_t event, enum standing_slot slot) {
    for (size_t i = 0; i < w->position; i++) {
        if (result(w, w->c->order[i])->back_by == event && took(w, w->c->order[i], slot)) {
            return true;
        }
    }
    return false;
}

/* Did an event that is not set aside act on the slot after `since`? */
static bool is_past(const struct effect_of *w, size_t since, enum standing_slot slot) {
    for (size_t i = w->position; i-- > 0 && w->c->order[i] != since;) {
        size_t event = w->c->order[i];
        bool counts = result(w, event)->counts && result(w, event)->subject == w->subject->subject;
        if (counts && !standing_aside(w, event) &&
            (took(w, event, slot) || result(w, event)->emptied[slot] ||
             gave_back(w, event, slot))) {
            return true;
        }
    }
    return false;
}

bool standing_sees(const struct effect_of *w, size_t event, enum standing_slot slot) {
    if (!took(w, event, slot) || standing_aside(w, event)) {
        return false;
    }
    size_t out_by = result(w, event)->out_by[slot];
    return out_by == STANDING_NONE || (standing_aside(w, out_by) && !is_past(w, out_by, slot));
}

size_t standing_first_seen(const struct effect_of *w, enum standing_slot slot) {
    for (size_t i = 0; i < w->position; i++) {
        if (standing_sees(w, w->c->order[i], slot)) {
            return w->c->order[i];
        }
    }
    return STANDING_NONE;
}

/* --- asking --- */

size_t standing_denies(const struct effect_of *w, size_t event) {
    const struct standing_case *c = w->c;
    size_t upholder = c->results[event].upheld_by;
    if (!standing_may_undo(c, w->event, event)) {
        return event;
    }
    if (upholder != STANDING_NONE && !standing_may_undo(c, w->event, upholder)) {
        return upholder;
    }
    for (size_t i = 0; i < w->position; i++) {
        size_t twin = c->order[i];
        const struct standing_result *r = &c->results[twin];
        bool said = r->counts || r->standing == STANDING_DUPLICATE;
        if (twin != event && said && !r->corrected && !standing_may_undo(c, w->event, twin) &&
            standing_alike(c, event, twin)) {
            return twin;
        }
    }
    return STANDING_NONE;
}

/* Of one rank, and neither house has a right over the other's. */
static bool are_strangers(const struct effect_of *w, size_t other) {
    return !standing_may_undo(w->c, w->event, other) && !standing_may_undo(w->c, other, w->event);
}

static bool own_house_is_in(const struct effect_of *w, enum standing_slot slot) {
    size_t position = 0;
    for (size_t event; (event = next_in(w, slot, &position)) != STANDING_NONE;) {
        if (standing_one_house(w->c, w->event, event)) {
            return true;
        }
    }
    return false;
}

static bool leaves_beside(const struct effect_of *w, size_t other, enum standing_slot slot) {
    return are_strangers(w, other) &&
           (!standing_surely_before(w->c, other, w->event) || own_house_is_in(w, slot));
}

size_t standing_denies_out(const struct effect_of *w, enum standing_slot slot) {
    size_t position = 0;
    for (size_t event; (event = next_in(w, slot, &position)) != STANDING_NONE;) {
        size_t denied = leaves_beside(w, event, slot) ? STANDING_NONE : standing_denies(w, event);
        if (denied != STANDING_NONE) {
            return denied;
        }
    }
    return STANDING_NONE;
}

size_t standing_denies_take(const struct effect_of *w, enum standing_slot slot) {
    size_t denied = standing_denies_out(w, slot);
    size_t emptied = w->subject->emptied[slot];
    if (denied != STANDING_NONE || emptied == STANDING_NONE || leaves_beside(w, emptied, slot)) {
        return denied;
    }
    return standing_denies(w, emptied);
}

/* --- doing --- */

/* The decision of an appeal goes on being that when what it put in force is replaced. */
void standing_supersede(const struct effect_of *w, size_t event, enum standing_why how) {
    struct standing_result *r = &w->c->results[event];
    r->set_aside = standing_aside(w, event);
    if (how == WHY_REVERSED || w->c->events[event].kind->effect != EFFECT_DECIDES_APPEAL) {
        r->superseded_by = w->event;
        r->how = how;
    }
}

size_t standing_take_out(const struct effect_of *w, enum standing_slot slot,
                         enum standing_why how) {
    size_t position = 0;
    size_t count = 0;
    bool own = own_house_is_in(w, slot); /* asked before any is out */
    for (size_t event; (event = next_in(w, slot, &position)) != STANDING_NONE;) {
        bool stays =
            are_strangers(w, event) && (own || !standing_surely_before(w->c, event, w->event));
        if (!stays) {
            w->c->results[event].out_by[slot] = w->event;
            standing_supersede(w, event, how);
            count++;
        }
    }
    return count;
}

void standing_take(const struct effect_of *w, enum standing_slot slot, enum standing_why how) {
    standing_take_out(w, slot, how);
    w->c->results[w->event].took[slot] = true;
    w->c->results[w->event].out_by[slot] = STANDING_NONE;
    w->subject->emptied[slot] = STANDING_NONE;
}

void standing_empty(const struct effect_of *w, enum standing_slot slot) {
    w->subject->emptied[slot] = w->event;
    w->c->results[w->event].emptied[slot] = true;
}

/* What was denied by one that the event at work sets aside is in force again, too. */
void standing_put_back(const struct effect_of *w, size_t event, enum standing_slot slot) {
    struct standing_result *r = &w->c->results[event];
    if (!r->counts) {
        r->standing = STANDING_IN_FORCE;
        r->why = WHY_NOTHING;
        r->other = STANDING_NONE;
        r->counts = true;
        r->done = true;
    }
    r->out_by[slot] = STANDING_NONE;
    r->superseded_by = STANDING_NONE;
    r->back_by = w->event;
    w->subject->emptied[slot] = STANDING_NONE;
}

bool standing_in_slot(const struct standing_case *c, size_t event, enum standing_slot slot) {
    return c->results[event].counts && c->results[event].took[slot] &&
           c->results[event].out_by[slot] == STANDING_NONE;
}

enum standing_slot standing_beside(const struct standing_case *c,
                                   const struct standing_subject *subject, size_t event) {
    int slot = 0;
    while (slot < SLOT_COUNT &&
           (c->results[event].subject != subject->subject || subject->named[slot] == event ||
            !standing_in_slot(c, event, (enum standing_slot)slot))) {
        slot++;
    }
    return (enum standing_slot)slot;
}
