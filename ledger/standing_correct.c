/* Corrections. They are looked at before all else, since what is corrected has no effect, whenever
 * that is said. None hangs on what other events do in their places: a correction holds by who
 * signed it, by what higher authorities had acted on before, and unless it is corrected itself.
 *
 * What freezes a correction may be corrected, too, so that they are judged from above: by the group
 * of the root's signer, and of these by the group of their own. Then all that one hangs on is
 * judged before it: a decision that freezes it is by a higher group than its root, and a correction
 * that does is by a higher group than itself. */
#include "ledger/standing_parts.h"

#include <assert.h>

#define SLOT_BIT(slot) (1u << (slot))

static bool corrects(const struct standing_case *c, size_t event) {
    return c->events[event].kind->effect == EFFECT_CORRECTS;
}

/* It holds, as far as is known by now. */
static bool holds(const struct standing_case *c, size_t event) {
    return c->results[event].holds;
}

static bool is_effective(const struct standing_case *c, size_t event) {
    return holds(c, event) && !c->results[event].annulled;
}

static enum house_group group_of(const struct standing_case *c, size_t event) {
    return event != STANDING_NONE ? house_group(c->events[event].signer.role) : GROUP_OTHER;
}

/* What it corrects in the end; whoever names an event knows its id, so that this ends. */
static size_t root_of(const struct standing_case *c, size_t event) {
    size_t at = event;
    for (size_t steps = 0; steps < c->count && at != STANDING_NONE && corrects(c, at); steps++) {
        at = c->results[at].names;
    }
    return at;
}

/* --- what freezes --- */

/* Bits of the slots that an event is about. */
static unsigned slots_of(const struct standing_case *c, size_t event) {
    switch ((int)c->events[event].kind->effect) {
    case EFFECT_FINDS:
        return SLOT_BIT(SLOT_FINDING);
    case EFFECT_REVERSES:
        return SLOT_BIT(SLOT_FINDING) | SLOT_BIT(SLOT_DISCIPLINE);
    case EFFECT_IMPOSES:
        return SLOT_BIT(SLOT_DISCIPLINE);
    case EFFECT_DECERTIFIES:
        return SLOT_BIT(SLOT_CERTIFICATE);
    case EFFECT_DECIDES_APPEAL: {
        size_t appeal = c->results[event].names;
        bool is_appeal =
            appeal != STANDING_NONE && c->events[appeal].kind->effect == EFFECT_APPEALS;
        size_t contested = is_appeal ? c->results[appeal].names : STANDING_NONE;
        bool of_certificate =
            contested != STANDING_NONE && c->events[contested].kind->effect == EFFECT_DECERTIFIES;
        return of_certificate ? SLOT_BIT(SLOT_CERTIFICATE)
                              : SLOT_BIT(SLOT_FINDING) | SLOT_BIT(SLOT_DISCIPLINE);
    }
    default:
        return 0;
    }
}

static bool is_act(const struct standing_case *c, size_t event) {
    switch ((int)c->events[event].kind->effect) {
    case EFFECT_FINDS:
    case EFFECT_REVERSES:
    case EFFECT_IMPOSES:
    case EFFECT_SERVES:
    case EFFECT_FORGOES:
    case EFFECT_APPEALS:
    case EFFECT_DECIDES_APPEAL:
    case EFFECT_DECERTIFIES:
    case EFFECT_CORRECTS:
        return true;
    default:
        return false;
    }
}

static bool acts_on(const struct standing_case *c, size_t event, size_t root) {
    size_t named = c->results[event].names;
    if (!is_act(c, event)) {
        return false;
    }
    if (corrects(c, event)) {
        return c->results[event].root == root;
    }
    bool of_appeal = named != STANDING_NONE && c->events[named].kind->effect == EFFECT_APPEALS &&
                     c->results[named].names == root;
    bool same_slot = c->results[event].subject == c->results[root].subject &&
                     (slots_of(c, event) & slots_of(c, root)) != 0;
    return named == root || of_appeal || same_slot;
}

static bool freezes(const struct standing_case *c, size_t act, size_t correction, size_t root) {
    return act > root && !c->results[act].corrected && standing_over(c, act, root) &&
           !standing_may_undo(c, correction, act) &&
           (!corrects(c, act) || standing_over(c, act, correction)) && acts_on(c, act, root) &&
           !standing_surely_before(c, correction, act);
}

/* The first that keeps the correction from touching `root`; STANDING_NONE. Only acts of higher
 * groups are over it. */
static size_t find_frozen(const struct standing_case *c, size_t correction, size_t root) {
#ifdef DUTYLOG_BUG_NEVER_FROZEN /* planted: what a higher rank acted on is corrected, too */
    return STANDING_NONE;
#endif
    enum house_group group = group_of(c, root);
    size_t count = group > 0 ? c->act_count[group - 1] : 0;
    size_t first = STANDING_NONE;
    for (size_t i = 0; i < count; i++) {
        size_t act = c->acts[i];
        if (act < first && freezes(c, act, correction, root)) {
            first = act;
        }
    }
    return first;
}

/* The acts that may freeze, by group. */
static void collect_acts(struct standing_case *c) {
    size_t count = 0;
    for (int group = 0; group < GROUPS; group++) {
        for (size_t i = 0; i < c->count; i++) {
            if (is_act(c, i) && !c->results[i].keyed && group_of(c, i) == (enum house_group)group) {
                c->acts[count++] = i;
            }
        }
        c->act_count[group] = count;
    }
}

/* --- which hold --- */

static bool may_stand_in(const struct standing_case *c, size_t replacement, size_t target) {
    return !corrects(c, target) && replacement > target &&
           c->events[replacement].kind == c->events[target].kind &&
           c->results[replacement].subject == c->results[target].subject &&
           !c->results[replacement].keyed;
}

static size_t replacement_of(const struct standing_case *c, size_t correction) {
    const struct standing_event *e = &c->events[correction];
    return e->has_replacement ? standing_find(c, &e->replacement) : STANDING_NONE;
}

static void judge_correction(struct standing_case *c, size_t event) {
    size_t target = c->results[event].names;
    size_t root = c->results[event].root;
    size_t replacement = replacement_of(c, event);
    if (target != STANDING_NONE && !standing_may_correct(c, event, target)) {
        standing_deny(c, event, target);
        return;
    }
    size_t frozen = root != STANDING_NONE ? find_frozen(c, event, root) : STANDING_NONE;
    if (frozen != STANDING_NONE) {
        standing_settle(c, event, STANDING_WITHOUT_AUTHORITY, WHY_FROZEN, frozen);
        return;
    }
#ifdef DUTYLOG_BUG_ANY_REPLACEMENT /* planted: anything stands in for what is corrected */
    replacement = STANDING_NONE;
#endif
    if (target != STANDING_NONE && replacement != STANDING_NONE) {
        if (!may_stand_in(c, replacement, target)) {
            standing_settle(c, event, STANDING_WITHOUT_AUTHORITY, WHY_REPLACEMENT, replacement);
            return;
        }
        if (!standing_may_correct(c, event, replacement)) {
            standing_deny(c, event, replacement);
            return;
        }
    }
    c->results[event].holds = true;
}

/* --- what is corrected --- */

/* What it names; and of one house with that, what said the same before. */
static bool covers(const struct standing_case *c, size_t correction, size_t event) {
    size_t target = c->results[correction].names;
    if (event == target || target == STANDING_NONE) {
        return event == target;
    }
    return event < correction && event != replacement_of(c, correction) &&
           standing_one_house(c, event, target) && standing_may_correct(c, correction, event) &&
           standing_alike(c, event, target) &&
           (corrects(c, event) ||
            find_frozen(c, correction, event) == STANDING_NONE); /* twins have one root */
}

/* Finds which are corrected by one that is not corrected itself: each is looked at once all of its
 * own have been. `order` holds those that are next. */
static void annul(struct standing_case *c) {
    size_t next = 0;
    for (size_t i = 0; i < c->count; i++) {
        c->results[i].annulled = false;
        c->results[i].waiting = 0;
    }
    for (size_t i = 0; i < c->count; i++) {
        for (size_t j = 0; holds(c, i) && j < c->count; j++) {
            c->results[j].waiting += holds(c, j) && covers(c, i, j);
        }
    }
    for (size_t i = 0; i < c->count; i++) {
        if (holds(c, i) && c->results[i].waiting == 0) {
            c->order[next++] = i;
        }
    }
    while (next > 0) {
        size_t event = c->order[--next];
        for (size_t j = 0; j < c->count; j++) {
            if (!holds(c, j) || !covers(c, event, j)) {
                continue;
            }
            c->results[j].annulled = c->results[j].annulled || !c->results[event].annulled;
            if (--c->results[j].waiting == 0) {
                c->order[next++] = j;
            }
        }
    }
}

/* --- what stands in its place --- */

/* What stands in an event's place after all; STANDING_NONE in a circle. */
static size_t end_of(const struct standing_case *c, size_t event) {
    size_t at = event;
    for (size_t steps = 0; steps <= c->count; steps++) {
        if (c->results[at].replacement == STANDING_NONE) {
            return at;
        }
        at = c->results[at].replacement;
    }
    return STANDING_NONE;
}

static void note_replacement(struct standing_case *c, size_t correction) {
    size_t target = c->results[correction].names;
    size_t fresh = replacement_of(c, correction);
    if (target == STANDING_NONE || fresh == STANDING_NONE) {
        return;
    }
    struct standing_result *result = &c->results[target];
    size_t stands = end_of(c, target);
    if (result->replacement == STANDING_NONE) {
        result->replacement = fresh;
        result->replaced_says = correction;
    } else if (stands != STANDING_NONE && standing_may_undo(c, correction, result->replaced_says) &&
               standing_may_correct(c, correction, stands)) {
        result->replaced_says = correction;
        if (stands != fresh) {
            c->results[stands].replacement = fresh;
            c->results[stands].replaced_says = correction;
            c->results[stands].gave_way = correction;
        }
    }
}

/* One that is to stand in for several stands in for the first. */
static void note_places(struct standing_case *c) {
    for (size_t i = 0; i < c->count; i++) {
        c->results[i].replacement = STANDING_NONE;
        c->results[i].replaces = STANDING_NONE;
        c->results[i].replaced_says = STANDING_NONE;
        c->results[i].gave_way = STANDING_NONE;
    }
    for (size_t i = 0; i < c->count; i++) {
        if (is_effective(c, i)) {
            note_replacement(c, i);
        }
    }
    for (size_t i = c->count; i-- > 0;) {
        if (c->results[i].replacement != STANDING_NONE) {
            c->results[c->results[i].replacement].replaces = i;
        }
    }
}

/* Of several that correct an event, the last is named as the one by which it is so. */
static void note_corrected(struct standing_case *c) {
    for (size_t i = 0; i < c->count; i++) {
        struct standing_result *result = &c->results[i];
        result->corrected = false;
        result->superseded_by = STANDING_NONE;
        for (size_t j = c->count; j-- > 0 && !result->corrected;) {
            if (is_effective(c, j) && (result->gave_way == j || covers(c, j, i))) {
                result->corrected = true;
                result->superseded_by = j;
                result->how = WHY_CORRECTED;
            }
        }
    }
}

/* --- all of it --- */

/* What a correction of a correction gives back is upheld by it. */
static void note_upheld(struct standing_case *c, size_t correction) {
    size_t root = c->results[correction].root;
    size_t target = c->results[correction].names;
    if (root == STANDING_NONE || target == root) {
        return;
    }
    size_t *upheld_by = &c->results[root].upheld_by;
    if (*upheld_by == STANDING_NONE || standing_may_undo(c, correction, *upheld_by)) {
        *upheld_by = correction;
    }
}

static bool is_of(const struct standing_case *c, size_t event, enum house_group root,
                  enum house_group signer) {
    return corrects(c, event) && !c->results[event].keyed &&
           group_of(c, c->results[event].root) == root && group_of(c, event) == signer;
}

static void judge_group(struct standing_case *c, enum house_group root, enum house_group signer) {
    bool any = false;
    for (size_t i = 0; i < c->count; i++) {
        if (is_of(c, i, root, signer)) {
            judge_correction(c, i);
            any = true;
        }
    }
    if (any) {
        annul(c);
        note_places(c);
        note_corrected(c);
    }
}

void standing_correct(struct standing_case *c) {
    for (size_t i = 0; i < c->count; i++) {
        c->results[i].root = corrects(c, i) ? root_of(c, i) : STANDING_NONE;
    }
    collect_acts(c);
    for (int root = 0; root < GROUPS; root++) {
        for (int signer = 0; signer < GROUPS; signer++) {
            judge_group(c, (enum house_group)root, (enum house_group)signer);
        }
    }
    for (size_t i = 0; i < c->count; i++) {
        if (is_effective(c, i)) {
            note_upheld(c, i);
        }
    }
}
