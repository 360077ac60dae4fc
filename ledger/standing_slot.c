/* What is in a slot, what an event sees there, and what it may take out. A slot has no memory of
 * its own: each event says which slots it took, what took it out again and when, and whether it
 * acted on a slot at its place. */
#include "ledger/standing_parts.h"

#include <assert.h>

static struct standing_result *result(const struct effect_of *w, size_t event) {
    return &w->c->results[event];
}

static bool took(const struct effect_of *w, size_t event, enum standing_slot slot) {
    return result(w, event)->took[slot] && result(w, event)->subject == w->subject->subject;
}

bool standing_is_in(const struct effect_of *w, size_t event, enum standing_slot slot) {
    return took(w, event, slot) && result(w, event)->out_by[slot] == STANDING_NONE;
}

size_t standing_first_in(const struct effect_of *w, enum standing_slot slot) {
    for (size_t i = 0; i < w->position; i++) {
        if (standing_is_in(w, w->c->order[i], slot)) {
            return w->c->order[i];
        }
    }
    return STANDING_NONE;
}

bool standing_is_free(const struct effect_of *w, enum standing_slot slot) {
    return standing_first_in(w, slot) == STANDING_NONE;
}

/* --- seeing --- */

/* A twin of lower rank said the same thing: what it did is not in the way of who says it again. */
bool standing_aside(const struct effect_of *w, size_t event) {
#ifdef DUTYLOG_BUG_NOT_ASIDE /* planted: nothing is set aside */
    return false;
#endif
    return standing_over(w->c, w->event, event) &&
           (!standing_surely_before(w->c, event, w->event) ||
            standing_alike(w->c, w->event, event));
}

/* Of one rank, and neither house has a right over the other's. */
static bool are_strangers(const struct effect_of *w, size_t other) {
#ifdef DUTYLOG_BUG_NOT_BESIDE /* planted: nothing stands beside */
    return false;
#endif
    return !standing_may_undo(w->c, w->event, other) && !standing_may_undo(w->c, other, w->event);
}

bool standing_overlooks(const struct effect_of *w, size_t event) {
    return standing_aside(w, event) ||
           (are_strangers(w, event) && !standing_surely_before(w->c, event, w->event));
}

/* Who acted at a place: the event there, or the one whose doing that is now. */
static size_t actor_at(const struct standing_case *c, size_t position) {
    size_t at = c->order[position];
    while (c->results[at].standing == STANDING_DUPLICATE) {
        at = c->results[at].other;
    }
    return at;
}

struct effect_of standing_at_work(struct standing_case *c, struct standing_subject *subject,
                                  size_t position) {
    struct effect_of w = {
        .c = c, .subject = subject, .event = c->order[position], .position = position};
    for (size_t slot = 0; slot < SLOT_COUNT; slot++) {
        for (size_t i = position; i-- > 0 && w.firm[slot] == 0;) {
            const struct standing_result *r = &c->results[c->order[i]];
            if (r->acted[slot] && r->subject == subject->subject &&
                !standing_overlooks(&w, actor_at(c, i))) {
                w.firm[slot] = i + 1;
            }
        }
    }
    return w;
}

bool standing_sees(const struct effect_of *w, size_t event, enum standing_slot slot) {
    if (!took(w, event, slot) || standing_aside(w, event)) {
        return false;
    }
    const struct standing_result *r = result(w, event);
    if (r->out_by[slot] == STANDING_NONE) {
        return true;
    }
    /* One that was never there, by its key, is its own way out. */
    bool past = r->out_by[slot] == event ? standing_over(w->c, w->event, event)
                                         : standing_overlooks(w, r->out_by[slot]);
    return past && w->firm[slot] <= r->out_at[slot];
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
#ifdef DUTYLOG_BUG_ONE_TWIN /* planted: no twin and no upholder is asked for */
    return STANDING_NONE;
#endif
    if (upholder != STANDING_NONE && !standing_may_undo(c, w->event, upholder) &&
        !standing_overlooks(w, upholder)) {
        return upholder;
    }
    for (size_t i = 0; i < w->position; i++) {
        size_t twin = c->order[i];
        const struct standing_result *r = &c->results[twin];
        bool said = r->counts || r->standing == STANDING_DUPLICATE;
        if (said && !r->corrected && !standing_may_undo(c, w->event, twin) &&
            standing_alike(c, event, twin) && !standing_overlooks(w, twin)) {
            return twin;
        }
    }
    return STANDING_NONE;
}

static bool own_house_is_in(const struct effect_of *w, enum standing_slot slot) {
    for (size_t i = 0; i < w->position; i++) {
        if (standing_is_in(w, w->c->order[i], slot) &&
            standing_one_house(w->c, w->event, w->c->order[i])) {
            return true;
        }
    }
    return false;
}

/* An event of its own house in the slot is one that it left there, or would. */
static bool leaves_beside(const struct effect_of *w, size_t other, enum standing_slot slot) {
    return are_strangers(w, other) &&
           (!standing_surely_before(w->c, other, w->event) || own_house_is_in(w, slot));
}

size_t standing_denies_emptier(const struct effect_of *w, enum standing_slot slot) {
    size_t emptied = w->subject->emptied[slot];
#ifdef DUTYLOG_BUG_NOT_EMPTIED /* planted: anybody fills an emptied slot */
    emptied = STANDING_NONE;
#endif
    return emptied == STANDING_NONE || leaves_beside(w, emptied, slot)
               ? STANDING_NONE
               : standing_denies(w, emptied);
}

void standing_mark(const struct effect_of *w, enum standing_slot slot, bool clears) {
    for (size_t i = 0; i < w->position; i++) {
        size_t event = w->c->order[i];
        result(w, event)->marked[slot] =
            (standing_is_in(w, event, slot) || (clears && standing_sees(w, event, slot))) &&
            !leaves_beside(w, event, slot);
    }
}

size_t standing_denies_marked(const struct effect_of *w, enum standing_slot slot) {
    for (size_t i = 0; i < w->position; i++) {
        size_t event = w->c->order[i];
        size_t denied = result(w, event)->marked[slot] ? standing_denies(w, event) : STANDING_NONE;
        if (denied != STANDING_NONE) {
            return denied;
        }
    }
    return STANDING_NONE;
}

/* --- doing --- */

/* The decision of an appeal goes on being that when what it put in force is replaced. */
void standing_supersede(const struct effect_of *w, size_t event, enum standing_why how) {
    if (how == WHY_REVERSED || w->c->events[event].kind->effect != EFFECT_DECIDES_APPEAL) {
        result(w, event)->superseded_by = w->event;
        result(w, event)->how = how;
    }
}

void standing_take_one(const struct effect_of *w, size_t event, enum standing_slot slot,
                       enum standing_why how) {
    if (standing_is_in(w, event, slot)) {
        result(w, event)->out_by[slot] = w->event;
        result(w, event)->out_at[slot] = w->position;
    }
    if (how != WHY_REPLACED || w->c->events[w->event].kind->effect == EFFECT_DECIDES_APPEAL) {
        result(w, event)->undone_by[slot] = w->event;
        result(w, w->event)->undid = true;
    }
    standing_supersede(w, event, how);
}

void standing_take_out(const struct effect_of *w, enum standing_slot slot, enum standing_why how) {
    for (size_t i = 0; i < w->position; i++) {
        size_t event = w->c->order[i];
        if (result(w, event)->marked[slot]) {
            result(w, event)->marked[slot] = false;
            standing_take_one(w, event, slot, how);
        }
    }
}

void standing_empty(const struct effect_of *w, enum standing_slot slot, enum standing_why how) {
    bool saw = false;
    for (size_t i = 0; i < w->position; i++) {
        saw =
            saw || (result(w, w->c->order[i])->marked[slot] && !standing_aside(w, w->c->order[i]));
    }
    standing_take_out(w, slot, how);
    if (saw) {
        w->subject->emptied[slot] = w->event;
        result(w, w->event)->emptied[slot] = true;
        result(w, w->event)->acted[slot] = true;
    }
}

void standing_put_in(const struct effect_of *w, enum standing_slot slot) {
    result(w, w->event)->took[slot] = true;
    result(w, w->event)->out_by[slot] = STANDING_NONE;
    result(w, w->event)->acted[slot] = true;
    w->subject->emptied[slot] = STANDING_NONE;
}

/* What was denied by one that the event at work sets aside is in force again, too. */
void standing_give_back(const struct effect_of *w, size_t event, enum standing_slot slot) {
    struct standing_result *r = result(w, event);
    if (r->keyed || r->standing == STANDING_OUT_OF_ORDER) {
        return; /* what was wrong with it is not mended so */
    }
    if (!r->counts) {
        r->standing = STANDING_IN_FORCE;
        r->why = WHY_NOTHING;
        r->other = STANDING_NONE;
        r->counts = true;
        r->done = true;
    }
    r->superseded_by = STANDING_NONE;
    if (!standing_is_in(w, event, slot)) {
        r->took[slot] = true;
        r->out_by[slot] = STANDING_NONE;
        w->subject->emptied[slot] = STANDING_NONE;
        result(w, w->event)->acted[slot] = true;
    }
    r->upheld_by = w->event;
    r->back_by[slot] = w->event;
}

/* --- in the end --- */

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
