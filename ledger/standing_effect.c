/* What takes the place of what (specs/standing.md#what-takes-the-place-of-what): what each event
 * does to the slots of its subject, one after the other. All that an effect asks is asked before
 * anything is done. */
#include "ledger/standing_parts.h"

#include <assert.h>

static const struct standing_event *event_at(const struct effect_of *w, size_t event) {
    return &w->c->events[event];
}

static struct standing_result *result_of(const struct effect_of *w, size_t event) {
    return &w->c->results[event];
}

static bool has_effect(const struct effect_of *w, size_t event, enum effect effect) {
    return event != STANDING_NONE && event_at(w, event)->kind->effect == effect;
}

/* --- what a name means --- */

size_t standing_stands_for(const struct standing_case *c, const struct effect_of *w, size_t event) {
    size_t at = event;
    for (size_t steps = 0; steps <= 2 * c->count && at != STANDING_NONE; steps++) {
        const struct standing_result *r = &c->results[at];
        if (r->standing == STANDING_DUPLICATE && !(w != NULL && standing_overlooks(w, r->other))) {
            at = r->other;
        } else if (r->corrected && r->replacement != STANDING_NONE) {
            at = r->replacement;
        } else {
            return at;
        }
    }
    return STANDING_NONE; /* a circle of replacements */
}

/* Did it take effect; or did it not, by nothing but what the event at work sets aside, or, to one
 * who is over its signer, by its key? */
static bool took_effect(const struct effect_of *w, size_t event) {
    const struct standing_result *r = result_of(w, event);
    bool denied =
        r->why == WHY_ALIKE || r->why == WHY_PARTY || r->why == WHY_RANK || r->why == WHY_STRANGER;
    bool settled = r->standing == STANDING_DUPLICATE || r->standing == STANDING_WITHOUT_AUTHORITY;
    bool by_key = r->why == WHY_COMPROMISED || r->why == WHY_REVOKED || r->why == WHY_EARLY;
    return r->done ||
           (settled && denied && !has_effect(w, event, EFFECT_CORRECTS) &&
            standing_overlooks(w, r->other)) ||
           (by_key && standing_over(w->c, w->event, event));
}

static bool is_of_subject(const struct effect_of *w, size_t event) {
    return result_of(w, event)->subject == w->subject->subject;
}

static size_t named(const struct effect_of *w) {
    size_t at = standing_stands_for(w->c, w, result_of(w, w->event)->names);
    return at != STANDING_NONE && took_effect(w, at) && is_of_subject(w, at) ? at : STANDING_NONE;
}

static bool deny(const struct effect_of *w, size_t other) {
    if (other != STANDING_NONE) {
        standing_deny(w->c, w->event, other);
    }
    return other != STANDING_NONE;
}

/* --- taking a slot, and reversing --- */

static bool replace(const struct effect_of *w, enum standing_slot slot) {
    standing_mark(w, slot, false);
    if (deny(w, standing_denies_marked(w, slot)) || deny(w, standing_denies_emptier(w, slot))) {
        return false;
    }
    standing_take_out(w, slot, WHY_REPLACED);
    standing_put_in(w, slot);
    return true;
}

static size_t denies_reversal(const struct effect_of *w, size_t finding) {
    size_t denied = standing_denies(w, finding);
    standing_mark(w, SLOT_FINDING, true);
    standing_mark(w, SLOT_DISCIPLINE, true);
    denied = denied != STANDING_NONE ? denied : standing_denies_marked(w, SLOT_FINDING);
    denied = denied != STANDING_NONE ? denied : standing_denies_emptier(w, SLOT_FINDING);
    return denied != STANDING_NONE ? denied : standing_denies_marked(w, SLOT_DISCIPLINE);
}

/* The finding is none any more, and the discipline for it neither. */
static void reverse_finding(const struct effect_of *w) {
    standing_take_out(w, SLOT_FINDING, WHY_REVERSED);
    standing_put_in(w, SLOT_FINDING);
    if (event_at(w, w->event)->sustains) {
        standing_take_out(w, SLOT_DISCIPLINE, WHY_REVERSED);
    } else {
        standing_empty(w, SLOT_DISCIPLINE, WHY_REVERSED);
    }
}

static bool reverse_named(const struct effect_of *w) {
    size_t at = named(w);
    if (!has_effect(w, at, EFFECT_FINDS) || !standing_sees(w, at, SLOT_FINDING)) {
        return true;
    }
    if (deny(w, denies_reversal(w, at))) {
        return false;
    }
    reverse_finding(w);
    return true;
}

/* --- appeals --- */

/* One against the decision of an appeal that left all as it was contests what that one did. */
void standing_contest(const struct effect_of *w) {
    size_t *contested = &result_of(w, w->event)->contested;
    if (!event_at(w, w->event)->has_named) {
        *contested = standing_first_seen(w, SLOT_FINDING);
        if (*contested == STANDING_NONE) {
            *contested = standing_first_seen(w, SLOT_DISCIPLINE);
        }
        return;
    }
    size_t at = named(w);
    bool upheld = has_effect(w, at, EFFECT_DECIDES_APPEAL) && !result_of(w, at)->undid;
    *contested = upheld ? standing_stands_for(w->c, NULL, result_of(w, at)->contested) : at;
}

/* The appeal that is decided. One that was corrected is decided all the same: who filed it, and
 * then corrects that, does not keep a court from deciding. */
static size_t decided_appeal(const struct effect_of *w) {
    size_t at = standing_stands_for(w->c, w, result_of(w, w->event)->names);
    if (!has_effect(w, at, EFFECT_APPEALS) || !is_of_subject(w, at)) {
        return STANDING_NONE;
    }
    bool corrected = result_of(w, at)->corrected && result_of(w, at)->counts;
    return took_effect(w, at) || corrected ? at : STANDING_NONE;
}

/* What it contests, to the decision: where that sets it aside, a twin that it does not. */
static size_t contested_by(const struct effect_of *w, size_t appeal) {
    size_t at = standing_stands_for(w->c, w, result_of(w, appeal)->contested);
    if (at == STANDING_NONE) { /* what was nothing to the appeal may be something to a court */
        at = standing_stands_for(w->c, w, result_of(w, appeal)->names);
        if (at != STANDING_NONE && !(took_effect(w, at) && is_of_subject(w, at))) {
            at = STANDING_NONE;
        }
    }
    for (size_t i = 0; at != STANDING_NONE && standing_overlooks(w, at) && i < w->position; i++) {
        size_t twin = w->c->order[i];
        if (result_of(w, twin)->standing == STANDING_DUPLICATE && standing_alike(w->c, twin, at) &&
            !standing_overlooks(w, twin)) {
            return twin;
        }
    }
    return at;
}

static bool sees_anywhere(const struct effect_of *w, size_t event) {
    for (int slot = 0; slot < SLOT_COUNT; slot++) {
        if (standing_sees(w, event, (enum standing_slot)slot)) {
            return true;
        }
    }
    return false;
}

static bool is_alive(const struct effect_of *w, size_t contested) {
    return contested != STANDING_NONE &&
           (result_of(w, contested)->superseded_by == STANDING_NONE || sees_anywhere(w, contested));
}

/* What the decision of an appeal is about to do. */
enum turn {
    TURN_NOTHING,
    TURN_RESTORE,    /* a reversal is reversed */
    TURN_FINDING,    /* a finding is */
    TURN_DISCIPLINE, /* discipline is */
    TURN_CERTIFICATE,
    TURN_CHANGE, /* the discipline is another */
    TURN_UPHOLD,
};

static enum turn turn_of_reversal(const struct effect_of *w, size_t contested) {
    if (result_of(w, contested)->undid) {
        return TURN_RESTORE;
    }
    if (has_effect(w, contested, EFFECT_FINDS) && standing_sees(w, contested, SLOT_FINDING)) {
        return TURN_FINDING;
    }
    if (standing_sees(w, contested, SLOT_DISCIPLINE)) {
        return TURN_DISCIPLINE;
    }
    return standing_sees(w, contested, SLOT_CERTIFICATE) ? TURN_CERTIFICATE : TURN_NOTHING;
}

static enum turn turn_of(const struct effect_of *w, size_t contested) {
    if (!is_alive(w, contested)) {
        return TURN_NOTHING;
    }
    switch (event_at(w, w->event)->outcome) {
    case OUTCOME_REVERSES:
        return turn_of_reversal(w, contested);
    case OUTCOME_CHANGES:
        return has_effect(w, contested, EFFECT_DECERTIFIES) ? TURN_NOTHING : TURN_CHANGE;
    case OUTCOME_UPHOLDS:
        return TURN_UPHOLD;
    case OUTCOME_STANDS:
        break;
    }
    return TURN_NOTHING;
}

/* Does the decision put discipline of its own in force? */
static bool has_own(const struct effect_of *w, size_t contested) {
    const struct standing_event *e = event_at(w, w->event);
    bool changes = e->outcome == OUTCOME_REVERSES || e->outcome == OUTCOME_CHANGES;
    return changes && e->has_discipline && is_alive(w, contested);
}

/* --- a reversal is reversed --- */

/* Notes what the reversal had given back, and the one at work sees. Is any in this slot? */
static bool note_given(const struct effect_of *w, size_t reversal, enum standing_slot slot) {
    bool any = false;
    for (size_t i = 0; i < w->position; i++) {
        struct standing_result *r = result_of(w, w->c->order[i]);
        r->given[slot] = r->back_by[slot] == reversal && standing_sees(w, w->c->order[i], slot);
        any = any || r->given[slot];
    }
    return any;
}

/* Is the reversal seen in the slot finding, or what it gave back there? */
static bool mark_reversed(const struct effect_of *w, size_t reversal) {
    bool sees = false;
    for (int s = 0; s < SLOT_COUNT; s++) {
        enum standing_slot slot = (enum standing_slot)s;
        bool given = note_given(w, reversal, slot);
        if (slot == SLOT_FINDING) {
            sees = given || standing_sees(w, reversal, slot);
        }
        bool clears = given || (slot == SLOT_FINDING && sees);
        for (size_t i = 0; i < w->position && !clears; i++) {
            result_of(w, w->c->order[i])->marked[slot] = false;
        }
        if (clears) {
            standing_mark(w, slot, true);
        }
        result_of(w, reversal)->given[slot] =
            standing_is_in(w, reversal, slot) || standing_sees(w, reversal, slot);
    }
    return sees;
}

static size_t denies_restore(const struct effect_of *w, size_t reversal) {
    size_t denied = STANDING_NONE;
    mark_reversed(w, reversal);
    for (int slot = 0; denied == STANDING_NONE && slot < SLOT_COUNT; slot++) {
        denied = standing_denies_marked(w, (enum standing_slot)slot);
    }
    return denied;
}

static bool may_empty(const struct effect_of *w, enum standing_slot slot) {
    return standing_is_free(w, slot) && w->subject->emptied[slot] == STANDING_NONE;
}

static void restore_slot(const struct effect_of *w, size_t reversal, enum standing_slot slot) {
    const struct effect_of then = {.c = w->c, .event = reversal};
    for (size_t i = 0; i < w->position; i++) {
        size_t event = w->c->order[i];
        if (result_of(w, event)->undone_by[slot] == reversal && is_of_subject(w, event) &&
            !standing_aside(&then, event)) {
            standing_give_back(w, event, slot);
        }
    }
}

/* A reversal that is back empties what it had emptied. */
static void empty_again(const struct effect_of *w) {
    for (size_t i = 0; i < w->position; i++) {
        const struct standing_result *r = result_of(w, w->c->order[i]);
        bool back = false;
        for (int slot = 0; slot < SLOT_COUNT; slot++) {
            back = back || r->back_by[slot] == w->event;
        }
        for (int slot = 0; back && slot < SLOT_COUNT; slot++) {
            if (r->emptied[slot] && may_empty(w, (enum standing_slot)slot)) {
                w->subject->emptied[slot] = w->c->order[i];
                result_of(w, w->event)->acted[slot] = true;
            }
        }
    }
}

/* What it took out is back, unless something else is in force since. */
static void restore(const struct effect_of *w, size_t reversal, bool own) {
    bool sees = mark_reversed(w, reversal);
    standing_take_out(w, SLOT_FINDING, WHY_REVERSED);
    for (int s = 0; s < SLOT_COUNT; s++) {
        enum standing_slot slot = (enum standing_slot)s;
        for (size_t i = 0; i < w->position; i++) {
            if (result_of(w, w->c->order[i])->given[slot]) {
                standing_take_one(w, w->c->order[i], slot, WHY_REVERSED);
            }
        }
    }
    standing_supersede(w, reversal, WHY_REVERSED);
    result_of(w, w->event)->undid = true;
    for (int s = 0; s < SLOT_COUNT; s++) {
        enum standing_slot slot = (enum standing_slot)s;
        size_t *emptied = &w->subject->emptied[slot];
        *emptied = *emptied == reversal ? STANDING_NONE : *emptied;
        bool free = may_empty(w, slot) && !(slot == SLOT_DISCIPLINE && own);
        if (slot == SLOT_FINDING ? sees : free) {
            restore_slot(w, reversal, slot);
        }
    }
    empty_again(w);
}

/* --- upholding --- */

/* Was it taken out of a slot in which the event at work sees it? */
static bool is_seen_out(const struct effect_of *w, size_t event, enum standing_slot slot) {
    return standing_sees(w, event, slot) && !standing_is_in(w, event, slot);
}

static size_t denies_upholding(const struct effect_of *w, size_t contested) {
    size_t denied = STANDING_NONE;
    for (int slot = 0; denied == STANDING_NONE && slot < SLOT_COUNT; slot++) {
        if (is_seen_out(w, contested, (enum standing_slot)slot)) {
            standing_mark(w, (enum standing_slot)slot, false);
            denied = standing_denies_marked(w, (enum standing_slot)slot);
        }
    }
    return denied;
}

/* What was in the way is gone, and what it upholds is in its slot again: that undoes nothing. */
static void uphold(const struct effect_of *w, size_t contested) {
    for (int s = 0; s < SLOT_COUNT; s++) {
        enum standing_slot slot = (enum standing_slot)s;
        if (is_seen_out(w, contested, slot)) {
            standing_mark(w, slot, false);
            standing_take_out(w, slot, WHY_REVERSED);
            standing_give_back(w, contested, slot);
            result_of(w, contested)->back_by[slot] = STANDING_NONE;
        }
    }
    result_of(w, contested)->upheld_by = w->event;
    result_of(w, w->event)->undid = false;
}

/* --- the decision --- */

/* Whom it may not undo of all that it would; marks the rest. */
static size_t denies_turn(const struct effect_of *w, enum turn turn, size_t contested) {
    size_t denied = contested != STANDING_NONE ? standing_denies(w, contested) : STANDING_NONE;
#ifdef DUTYLOG_BUG_APPEAL_UNDOES /* planted: anybody decides an appeal */
    return STANDING_NONE;
#endif
    if (denied != STANDING_NONE) {
        return denied;
    }
    switch (turn) {
    case TURN_NOTHING:
        break;
    case TURN_RESTORE:
        return denies_restore(w, contested);
    case TURN_FINDING:
        return denies_reversal(w, contested);
    case TURN_DISCIPLINE:
    case TURN_CHANGE:
        standing_mark(w, SLOT_DISCIPLINE, true);
        return standing_denies_marked(w, SLOT_DISCIPLINE);
    case TURN_CERTIFICATE:
        standing_mark(w, SLOT_CERTIFICATE, true);
        return standing_denies_marked(w, SLOT_CERTIFICATE);
    case TURN_UPHOLD:
        return denies_upholding(w, contested);
    }
    return STANDING_NONE;
}

/* May its own discipline take the slot, as that is before anything is done? Notes what it takes
 * out. */
static size_t denies_own(const struct effect_of *w) {
    standing_mark(w, SLOT_DISCIPLINE, false);
    for (size_t i = 0; i < w->position; i++) {
        struct standing_result *r = result_of(w, w->c->order[i]);
        r->own = r->marked[SLOT_DISCIPLINE];
    }
    size_t denied = standing_denies_marked(w, SLOT_DISCIPLINE);
    return denied != STANDING_NONE ? denied : standing_denies_emptier(w, SLOT_DISCIPLINE);
}

static void take_own(const struct effect_of *w) {
    for (size_t i = 0; i < w->position; i++) {
        size_t event = w->c->order[i];
        if (result_of(w, event)->own && standing_is_in(w, event, SLOT_DISCIPLINE)) {
            standing_take_one(w, event, SLOT_DISCIPLINE, WHY_REPLACED);
        }
    }
    standing_put_in(w, SLOT_DISCIPLINE);
}

static void turn_over(const struct effect_of *w, enum turn turn, size_t contested, bool own) {
    switch (turn) {
    case TURN_NOTHING:
        break;
    case TURN_RESTORE:
        restore(w, contested, own);
        break;
    case TURN_FINDING:
        standing_mark(w, SLOT_DISCIPLINE, true); /* asked anew since, for its own */
        reverse_finding(w);
        break;
    case TURN_DISCIPLINE:
        standing_mark(w, SLOT_DISCIPLINE, true);
        standing_empty(w, SLOT_DISCIPLINE, WHY_REVERSED);
        break;
    case TURN_CERTIFICATE:
        standing_empty(w, SLOT_CERTIFICATE, WHY_REVERSED);
        break;
    case TURN_CHANGE:
        standing_mark(w, SLOT_DISCIPLINE, true);
        standing_empty(w, SLOT_DISCIPLINE, WHY_CHANGED);
        break;
    case TURN_UPHOLD:
        uphold(w, contested);
        break;
    }
}

static bool decide_appeal(const struct effect_of *w) {
    size_t appeal = decided_appeal(w);
    if (appeal == STANDING_NONE) {
        return true;
    }
    size_t contested = contested_by(w, appeal);
    enum turn turn = turn_of(w, contested);
    bool own = has_own(w, contested);
    result_of(w, w->event)->contested = contested;
    if (deny(w, denies_turn(w, turn, contested)) || (own && deny(w, denies_own(w)))) {
        return false;
    }
    turn_over(w, turn, contested, own);
    if (own) {
        take_own(w);
    }
    result_of(w, appeal)->open_appeal = false;
    return true;
}

/* --- all others --- */

/* Each authority's last recommendation of a sort is the one that it makes. */
static void recommend(const struct effect_of *w) {
    const struct standing_event *e = event_at(w, w->event);
    for (size_t i = 0; i < w->position; i++) {
        size_t event = w->c->order[i];
        struct standing_result *r = result_of(w, event);
        if (r->last_recommended && is_of_subject(w, event) && event_at(w, event)->kind == e->kind &&
            bytes_equal(event_at(w, event)->authority, e->authority) &&
            standing_may_undo(w->c, w->event, event)) {
            r->last_recommended = false;
        }
    }
    result_of(w, w->event)->last_recommended = true;
}

bool standing_effect(const struct effect_of *w) {
    struct standing_result *r = result_of(w, w->event);
    switch ((int)event_at(w, w->event)->kind->effect) {
    case EFFECT_FINDS:
        return replace(w, SLOT_FINDING);
    case EFFECT_IMPOSES:
        return replace(w, SLOT_DISCIPLINE);
    case EFFECT_DECERTIFIES:
        return replace(w, SLOT_CERTIFICATE);
    case EFFECT_REVERSES:
        return reverse_named(w);
    case EFFECT_DECIDES_APPEAL:
        return decide_appeal(w);
    case EFFECT_RECOMMENDS_FINDING:
    case EFFECT_RECOMMENDS_DISCIPLINE:
        recommend(w);
        return true;
    case EFFECT_SERVES:
    case EFFECT_FORGOES:
        r->speaks_of =
            event_at(w, w->event)->has_named ? named(w) : standing_first_in(w, SLOT_DISCIPLINE);
        return true;
    case EFFECT_APPEALS:
        r->open_appeal = true;
        return true;
    case EFFECT_SEPARATES:
        if (w->subject->separation == STANDING_NONE ||
            standing_may_undo(w->c, w->event, w->subject->separation)) {
            w->subject->separation = w->event;
        }
        return true;
    default:
        return true;
    }
}
