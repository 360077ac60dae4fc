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

/* Did an event that is set aside deny this one, or say its fact? Then, to the one at work, it did
 * not. */
static bool is_denied_aside(const struct effect_of *w, size_t event) {
    const struct standing_result *result = result_of(w, event);
    bool denied = result->standing == STANDING_DUPLICATE ||
                  (result->standing == STANDING_WITHOUT_AUTHORITY && result->why != WHY_FROZEN &&
                   result->why != WHY_REPLACEMENT && !result->keyed);
    return denied && result->other != STANDING_NONE && standing_aside(w, result->other);
}

/* What a name means to the event at work, if it took effect on this subject: the one that says the
 * fact, and what stands in for what was corrected. An appeal that nothing stands in for is decided
 * all the same: who filed it, and then corrects that, does not keep a court from deciding. */
static size_t meant(const struct effect_of *w, size_t name) {
    size_t at = name;
    for (size_t steps = 0; steps <= 2 * w->c->count && at != STANDING_NONE; steps++) {
        const struct standing_result *result = result_of(w, at);
        bool aside = is_denied_aside(w, at);
        bool stays = has_effect(w, at, EFFECT_APPEALS) && result->replacement == STANDING_NONE;
        if (result->standing == STANDING_DUPLICATE && !aside) {
            at = result->other;
        } else if (result->corrected && !stays) {
            at = result->replacement;
        } else {
            bool done = result->done || aside;
            return done && result->subject == w->subject->subject ? at : STANDING_NONE;
        }
    }
    return STANDING_NONE;
}

static size_t named(const struct effect_of *w) {
    return meant(w, result_of(w, w->event)->names);
}

static bool deny(const struct effect_of *w, size_t other) {
    if (other != STANDING_NONE) {
        standing_deny(w->c, w->event, other);
    }
    return other != STANDING_NONE;
}

static bool replace(const struct effect_of *w, enum standing_slot slot) {
    if (deny(w, standing_denies_take(w, slot))) {
        return false;
    }
    standing_take(w, slot, WHY_REPLACED);
    return true;
}

/* --- reversing --- */

/* The finding is none any more, and the discipline for it neither. */
static void reverse_finding(const struct effect_of *w, size_t finding) {
    standing_take(w, SLOT_FINDING, WHY_REVERSED);
    result_of(w, finding)->out_by[SLOT_FINDING] = w->event;
    standing_supersede(w, finding, WHY_REVERSED);
    result_of(w, w->event)->undid = true;
    if (standing_take_out(w, SLOT_DISCIPLINE, WHY_REVERSED) > 0 &&
        !event_at(w, w->event)->sustains) {
        standing_empty(w, SLOT_DISCIPLINE);
    }
}

static bool reverse_named(const struct effect_of *w) {
    size_t at = named(w);
    if (!has_effect(w, at, EFFECT_FINDS) || !standing_sees(w, at, SLOT_FINDING)) {
        return true;
    }
    if (deny(w, standing_denies(w, at)) || deny(w, standing_denies_take(w, SLOT_FINDING)) ||
        deny(w, standing_denies_out(w, SLOT_DISCIPLINE))) {
        return false;
    }
    reverse_finding(w, at);
    return true;
}

/* --- appeals --- */

/* What an appeal contests, to the event at work. One against the decision of an appeal that left
 * all as it was contests what that one did. */
static size_t contested_by(const struct effect_of *w, size_t appeal) {
    if (!event_at(w, appeal)->has_named) {
        return result_of(w, appeal)->contested;
    }
    size_t at = meant(w, result_of(w, appeal)->names);
    bool upheld = has_effect(w, at, EFFECT_DECIDES_APPEAL) && !result_of(w, at)->undid;
    return upheld ? result_of(w, at)->contested : at;
}

void standing_contest(const struct effect_of *w) {
    size_t *contested = &result_of(w, w->event)->contested;
    if (event_at(w, w->event)->has_named) {
        *contested = contested_by(w, w->event);
        return;
    }
    *contested = standing_first_seen(w, SLOT_FINDING);
    if (*contested == STANDING_NONE) {
        *contested = standing_first_seen(w, SLOT_DISCIPLINE);
    }
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

static bool sees_anywhere(const struct effect_of *w, size_t event) {
    for (int slot = 0; slot < SLOT_COUNT; slot++) {
        if (standing_sees(w, event, (enum standing_slot)slot)) {
            return true;
        }
    }
    return false;
}

static enum turn turn_of_reversal(const struct effect_of *w, size_t contested) {
    if (result_of(w, contested)->undid) {
        return TURN_RESTORE;
    }
    if (has_effect(w, contested, EFFECT_FINDS)) {
        return standing_sees(w, contested, SLOT_FINDING) ? TURN_FINDING : TURN_NOTHING;
    }
    if (standing_sees(w, contested, SLOT_DISCIPLINE)) {
        return TURN_DISCIPLINE;
    }
    return standing_sees(w, contested, SLOT_CERTIFICATE) ? TURN_CERTIFICATE : TURN_NOTHING;
}

static enum turn turn_of(const struct effect_of *w, size_t contested) {
    if (contested == STANDING_NONE ||
        (result_of(w, contested)->superseded_by != STANDING_NONE && !sees_anywhere(w, contested))) {
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
    bool alive =
        contested != STANDING_NONE &&
        (result_of(w, contested)->superseded_by == STANDING_NONE || sees_anywhere(w, contested));
    return e->has_discipline && alive &&
           (e->outcome == OUTCOME_REVERSES || e->outcome == OUTCOME_CHANGES);
}

/* Is the reversal in force in the slot finding, by itself or by what it put back there? */
static bool sees_reversal(const struct effect_of *w, size_t reversal) {
    bool seen = standing_sees(w, reversal, SLOT_FINDING);
    for (size_t i = 0; !seen && i < w->position; i++) {
        size_t event = w->c->order[i];
        seen = result_of(w, event)->back_by == reversal && standing_sees(w, event, SLOT_FINDING);
    }
    return seen;
}

/* Was it taken out of a slot in which the event at work sees it? */
static bool is_seen_out(const struct effect_of *w, size_t event, enum standing_slot slot) {
    return result_of(w, event)->out_by[slot] != STANDING_NONE && standing_sees(w, event, slot);
}

static bool is_given_back(const struct effect_of *w, size_t event, size_t reversal,
                          enum standing_slot slot) {
    return result_of(w, event)->back_by == reversal && standing_sees(w, event, slot) &&
           result_of(w, event)->out_by[slot] == STANDING_NONE;
}

static size_t denies_restore(const struct effect_of *w, size_t reversal) {
    size_t denied =
        sees_reversal(w, reversal) ? standing_denies_out(w, SLOT_FINDING) : STANDING_NONE;
    for (int slot = 0; slot < SLOT_COUNT; slot++) {
        for (size_t i = 0; denied == STANDING_NONE && i < w->position; i++) {
            size_t event = w->c->order[i];
            if (is_given_back(w, event, reversal, (enum standing_slot)slot)) {
                denied = standing_denies(w, event);
            }
        }
    }
    return denied;
}

/* Whom it may not undo of all that it would. */
static size_t denies_turn(const struct effect_of *w, enum turn turn, size_t contested) {
    size_t denied = STANDING_NONE;
    if (contested != STANDING_NONE) {
        denied = standing_denies(w, contested);
    }
    if (denied == STANDING_NONE && turn == TURN_RESTORE) {
        denied = denies_restore(w, contested);
    }
    for (int slot = 0; turn == TURN_UPHOLD && denied == STANDING_NONE && slot < SLOT_COUNT;
         slot++) {
        if (is_seen_out(w, contested, (enum standing_slot)slot)) {
            denied = standing_denies_out(w, (enum standing_slot)slot);
        }
    }
    if (denied == STANDING_NONE && turn == TURN_FINDING) {
        denied = standing_denies_take(w, SLOT_FINDING);
    }
    if (denied == STANDING_NONE &&
        (turn == TURN_FINDING || turn == TURN_DISCIPLINE || turn == TURN_CHANGE)) {
        denied = standing_denies_out(w, SLOT_DISCIPLINE);
    }
    if (denied == STANDING_NONE && turn == TURN_CERTIFICATE) {
        denied = standing_denies_out(w, SLOT_CERTIFICATE);
    }
    if (denied == STANDING_NONE && has_own(w, contested)) {
        denied = standing_denies_take(w, SLOT_DISCIPLINE);
    }
    return denied;
}

/* What the reversal gave back itself is out again. */
static void take_back(const struct effect_of *w, size_t reversal, enum standing_slot slot) {
    for (size_t i = 0; i < w->position; i++) {
        size_t event = w->c->order[i];
        if (is_given_back(w, event, reversal, slot)) {
            result_of(w, event)->out_by[slot] = w->event;
            standing_supersede(w, event, WHY_REVERSED);
        }
    }
}

/* A reversal that is back empties what it had emptied. */
static void give_back(const struct effect_of *w, size_t event, enum standing_slot slot) {
    standing_put_back(w, event, slot);
    result_of(w, event)->upheld_by = w->event;
    for (int other = 0; other < SLOT_COUNT; other++) {
        if (result_of(w, event)->emptied[other] &&
            standing_slot_is_free(w, (enum standing_slot)other)) {
            w->subject->emptied[other] = event;
        }
    }
}

static void restore_slot(const struct effect_of *w, size_t reversal, enum standing_slot slot) {
    for (size_t i = 0; i < w->position; i++) {
        size_t event = w->c->order[i];
        const struct standing_result *result = result_of(w, event);
        if (result->took[slot] && result->counts && result->out_by[slot] == reversal &&
            !result->set_aside) {
            give_back(w, event, slot);
        }
    }
}

/* A reversal is itself reversed: what it took out is back, unless something else is in force
 * since. */
static void restore(const struct effect_of *w, size_t reversal, bool own) {
    struct standing_result *result = result_of(w, reversal);
    bool seen = sees_reversal(w, reversal);
    for (int slot = 0; slot < SLOT_COUNT; slot++) {
        take_back(w, reversal, (enum standing_slot)slot);
    }
    if (seen) {
        standing_take_out(w, SLOT_FINDING, WHY_REVERSED);
    }
    standing_supersede(w, reversal, WHY_REVERSED);
    for (int s = 0; s < SLOT_COUNT; s++) {
        enum standing_slot slot = (enum standing_slot)s;
        size_t *emptied = &w->subject->emptied[slot];
        if (result->took[slot] && result->out_by[slot] == STANDING_NONE) {
            result->out_by[slot] = w->event;
        }
        *emptied = *emptied == reversal ? STANDING_NONE : *emptied;
    }
    for (int s = 0; s < SLOT_COUNT; s++) {
        enum standing_slot slot = (enum standing_slot)s;
        bool back = slot == SLOT_FINDING ? seen
                                         : standing_slot_is_free(w, slot) &&
                                               w->subject->emptied[slot] == STANDING_NONE &&
                                               !(slot == SLOT_DISCIPLINE && own);
        if (back) {
            restore_slot(w, reversal, slot);
        }
    }
}

/* What it had to see past is gone, and what it upholds is in its slot again. */
static void uphold(const struct effect_of *w, size_t contested) {
    for (int s = 0; s < SLOT_COUNT; s++) {
        enum standing_slot slot = (enum standing_slot)s;
        if (is_seen_out(w, contested, slot)) {
            standing_take_out(w, slot, WHY_REVERSED);
            standing_put_back(w, contested, slot);
        }
    }
    result_of(w, contested)->upheld_by = w->event;
}

static void empty(const struct effect_of *w, enum standing_slot slot, size_t contested,
                  enum standing_why how) {
    size_t count = standing_take_out(w, slot, how);
    if (how == WHY_REVERSED) {
        result_of(w, contested)->out_by[slot] = w->event;
        standing_supersede(w, contested, how);
    }
    if (count > 0 || how == WHY_REVERSED) {
        standing_empty(w, slot);
        result_of(w, w->event)->undid = true;
    }
}

static void turn_over(const struct effect_of *w, enum turn turn, size_t contested, bool own) {
    switch (turn) {
    case TURN_NOTHING:
        break;
    case TURN_RESTORE:
        restore(w, contested, own);
        result_of(w, w->event)->undid = true;
        break;
    case TURN_FINDING:
        reverse_finding(w, contested);
        break;
    case TURN_DISCIPLINE:
        empty(w, SLOT_DISCIPLINE, contested, WHY_REVERSED);
        break;
    case TURN_CERTIFICATE:
        empty(w, SLOT_CERTIFICATE, contested, WHY_REVERSED);
        break;
    case TURN_CHANGE:
        empty(w, SLOT_DISCIPLINE, contested, WHY_CHANGED);
        break;
    case TURN_UPHOLD:
        uphold(w, contested);
        break;
    }
}

static bool decide_appeal(const struct effect_of *w) {
    size_t appeal = named(w);
    if (!has_effect(w, appeal, EFFECT_APPEALS)) {
        return true;
    }
    size_t contested = meant(w, contested_by(w, appeal));
    enum turn turn = turn_of(w, contested);
    bool own = has_own(w, contested);
    result_of(w, w->event)->contested = contested;
    if (deny(w, denies_turn(w, turn, contested))) {
        return false;
    }
    turn_over(w, turn, contested, own);
    if (own) {
        standing_take(w, SLOT_DISCIPLINE, WHY_REPLACED);
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
        struct standing_result *result = result_of(w, event);
        if (result->last_recommended && result->subject == w->subject->subject &&
            event_at(w, event)->kind == e->kind &&
            bytes_equal(event_at(w, event)->authority, e->authority) &&
            standing_may_undo(w->c, w->event, event)) {
            result->last_recommended = false;
        }
    }
    result_of(w, w->event)->last_recommended = true;
}

/* What is shown gives way only to one that may undo it. */
static void show(const struct effect_of *w, size_t *shown) {
    if (*shown == STANDING_NONE || standing_may_undo(w->c, w->event, *shown)) {
        *shown = w->event;
    }
}

static size_t first_in(const struct effect_of *w, enum standing_slot slot) {
    for (size_t i = 0; i < w->position; i++) {
        const struct standing_result *result = result_of(w, w->c->order[i]);
        if (result->took[slot] && result->out_by[slot] == STANDING_NONE &&
            result->subject == w->subject->subject) {
            return w->c->order[i];
        }
    }
    return STANDING_NONE;
}

static void serve(const struct effect_of *w) {
    size_t at = event_at(w, w->event)->has_named ? named(w) : first_in(w, SLOT_DISCIPLINE);
    if (at != STANDING_NONE) {
        show(w, &result_of(w, at)->served);
    }
}

bool standing_effect(const struct effect_of *w) {
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
        serve(w);
        return true;
    case EFFECT_APPEALS:
        standing_contest(w);
        result_of(w, w->event)->open_appeal = true;
        return true;
    case EFFECT_SEPARATES:
        show(w, &w->subject->separation);
        return true;
    default:
        return true;
    }
}
