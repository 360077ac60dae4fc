/* What takes the place of what (specs/standing.md#what-takes-the-place-of-what): the slots of one
 * subject, as its events take effect one after the other. */
#include "ledger/standing_parts.h"

#include <assert.h>

/* An event at work. */
struct effect_of {
    struct standing_case *c;
    struct standing_subject *subject;
    size_t event;
};

static const struct standing_event *event_at(const struct effect_of *w, size_t event) {
    return &w->c->events[event];
}

/* What the event names, if it has taken effect on this subject: the first of duplicates, and what
 * stands in for what was corrected. */
static size_t named(const struct effect_of *w) {
    size_t at = w->c->results[w->event].names;
    for (size_t steps = 0; steps <= w->c->count && at != STANDING_NONE; steps++) {
        const struct standing_result *result = &w->c->results[at];
        if (result->standing == STANDING_DUPLICATE) {
            at = result->other;
        } else if (result->corrected) {
            at = result->replacement;
        } else {
            return result->done && result->subject == w->subject->subject ? at : STANDING_NONE;
        }
    }
    return STANDING_NONE;
}

/* --- authority --- */

/* May the signer take the place of it? STANDING_NONE is nobody's. If not, that is its standing. */
static bool may_undo(const struct effect_of *w, size_t other) {
    if (other == STANDING_NONE || standing_rank(event_at(w, w->event)->signer.role) >=
                                      standing_rank(event_at(w, other)->signer.role)) {
        return true;
    }
    standing_settle(w->c, w->event, STANDING_WITHOUT_AUTHORITY, WHY_RANK, other);
    return false;
}

/* --- superseding --- */

/* The decision of an appeal goes on being that when what it put in force is replaced. */
static void supersede(const struct effect_of *w, size_t other, enum standing_why how) {
    if (other == STANDING_NONE ||
        (how != WHY_REVERSED && event_at(w, other)->kind->effect == EFFECT_DECIDES_APPEAL)) {
        return;
    }
    w->c->results[other].superseded_by = w->event;
    w->c->results[other].how = how;
}

static bool replace(const struct effect_of *w, size_t *slot) {
    if (!may_undo(w, *slot)) {
        return false;
    }
    supersede(w, *slot, WHY_REPLACED);
    *slot = w->event;
    return true;
}

/* The finding in force is none any more, and the discipline for it neither. */
static bool reverse_finding(const struct effect_of *w) {
    struct standing_subject *s = w->subject;
    if (!may_undo(w, s->finding) || !may_undo(w, s->discipline)) {
        return false;
    }
    w->c->results[w->event].under[0] = s->finding;
    w->c->results[w->event].under[1] = s->discipline;
    supersede(w, s->finding, WHY_REVERSED);
    supersede(w, s->discipline, WHY_REVERSED);
    s->finding = w->event;
    s->discipline = STANDING_NONE;
    return true;
}

/* Did it reverse or change anything? */
static bool undid(const struct effect_of *w, size_t event) {
    const size_t *under = w->c->results[event].under;
    return under[0] != STANDING_NONE || under[1] != STANDING_NONE;
}

static void put_back(const struct effect_of *w, size_t *slot, size_t event) {
    *slot = event;
    if (event != STANDING_NONE) {
        w->c->results[event].superseded_by = STANDING_NONE;
    }
}

/* A reversal is itself reversed: what it superseded is back, unless something else is in force
 * since. */
static bool restore(const struct effect_of *w, size_t reversal) {
    struct standing_subject *s = w->subject;
    const size_t *under = w->c->results[reversal].under;
    if (!may_undo(w, reversal)) {
        return false;
    }
    supersede(w, reversal, WHY_REVERSED);
    if (s->finding == reversal) {
        put_back(w, &s->finding, under[0]);
    }
    if (s->discipline == reversal || s->discipline == STANDING_NONE) {
        put_back(w, &s->discipline, under[1]);
    }
    return true;
}

/* --- appeals --- */

/* An appeal that names nothing contests the finding in force, or else the discipline. One against
 * the decision of an appeal that left all as it was contests what that one did. */
static size_t contested_by(const struct effect_of *w) {
    if (event_at(w, w->event)->has_named) {
        size_t at = named(w);
        bool upheld = at != STANDING_NONE &&
                      event_at(w, at)->kind->effect == EFFECT_DECIDES_APPEAL && !undid(w, at);
        return upheld ? w->c->results[at].contested : at;
    }
    return w->subject->finding != STANDING_NONE ? w->subject->finding : w->subject->discipline;
}

/* The appeal that is decided: the one named, or the last that is open. */
static size_t decided_appeal(const struct effect_of *w) {
    if (event_at(w, w->event)->has_named) {
        size_t at = named(w);
        bool appeal = at != STANDING_NONE && event_at(w, at)->kind->effect == EFFECT_APPEALS;
        return appeal ? at : STANDING_NONE;
    }
    size_t last = STANDING_NONE;
    for (size_t i = 0; i < w->c->count; i++) { /* the places after this one are not open yet */
        const struct standing_result *result = &w->c->results[i];
        if (result->open_appeal && result->subject == w->subject->subject) {
            last = i;
        }
    }
    return last;
}

static bool reverse_contested(const struct effect_of *w, size_t contested) {
    struct standing_subject *s = w->subject;
    if (undid(w, contested)) {
        return restore(w, contested);
    }
    if (contested == s->finding) {
        return reverse_finding(w);
    }
    size_t *slot = contested == s->discipline    ? &s->discipline
                   : contested == s->certificate ? &s->certificate
                                                 : NULL;
    if (slot == NULL) {
        return true; /* in force no more */
    }
    if (!may_undo(w, *slot)) {
        return false;
    }
    supersede(w, *slot, WHY_REVERSED);
    *slot = STANDING_NONE;
    return true;
}

static bool change_discipline(const struct effect_of *w, size_t contested) {
    struct standing_subject *s = w->subject;
    if (event_at(w, contested)->kind->effect == EFFECT_DECERTIFIES) {
        return true;
    }
    if (!may_undo(w, s->discipline)) {
        return false;
    }
    w->c->results[w->event].under[1] = s->discipline;
    supersede(w, s->discipline, WHY_CHANGED);
    s->discipline = STANDING_NONE;
    return true;
}

static bool decide_appeal(const struct effect_of *w) {
    const struct standing_event *e = event_at(w, w->event);
    size_t appeal = decided_appeal(w);
    if (appeal == STANDING_NONE) {
        return true;
    }
    size_t contested = w->c->results[appeal].contested;
    w->c->results[w->event].contested = contested;
    bool in_force =
        contested != STANDING_NONE && w->c->results[contested].superseded_by == STANDING_NONE;
    if (in_force && e->outcome == OUTCOME_REVERSES && !reverse_contested(w, contested)) {
        return false;
    }
    if (in_force && e->outcome == OUTCOME_CHANGES && !change_discipline(w, contested)) {
        return false;
    }
    if (in_force && e->outcome != OUTCOME_STANDS && e->has_discipline) {
        w->subject->discipline = w->event;
    }
    w->c->results[appeal].open_appeal = false;
    return true;
}

/* --- all others --- */

static bool reverse_named(const struct effect_of *w) {
    size_t at = named(w);
    bool in_force = at != STANDING_NONE && at == w->subject->finding &&
                    event_at(w, at)->kind->effect == EFFECT_FINDS;
    return !in_force || reverse_finding(w);
}

/* Each authority's last recommendation of a sort is the one that it makes. */
static void recommend(const struct effect_of *w) {
    const struct standing_event *e = event_at(w, w->event);
    for (size_t i = 0; i < w->c->count; i++) {
        struct standing_result *result = &w->c->results[i];
        if (result->last_recommended && result->subject == w->subject->subject &&
            event_at(w, i)->kind == e->kind &&
            bytes_equal(event_at(w, i)->authority, e->authority)) {
            result->last_recommended = false;
        }
    }
    w->c->results[w->event].last_recommended = true;
}

static void serve(const struct effect_of *w) {
    size_t at = event_at(w, w->event)->has_named ? named(w) : w->subject->discipline;
    if (at != STANDING_NONE) {
        w->c->results[at].served = w->event;
    }
}

static void appeal(const struct effect_of *w) {
    w->c->results[w->event].contested = contested_by(w);
    w->c->results[w->event].open_appeal = true;
}

bool standing_effect(struct standing_case *c, struct standing_subject *subject, size_t event) {
    const struct effect_of w = {.c = c, .subject = subject, .event = event};
    switch ((int)c->events[event].kind->effect) {
    case EFFECT_FINDS:
        return replace(&w, &subject->finding);
    case EFFECT_IMPOSES:
        return replace(&w, &subject->discipline);
    case EFFECT_DECERTIFIES:
        return replace(&w, &subject->certificate);
    case EFFECT_REVERSES:
        return reverse_named(&w);
    case EFFECT_DECIDES_APPEAL:
        return decide_appeal(&w);
    case EFFECT_RECOMMENDS_FINDING:
    case EFFECT_RECOMMENDS_DISCIPLINE:
        recommend(&w);
        return true;
    case EFFECT_SERVES:
    case EFFECT_FORGOES:
        serve(&w);
        return true;
    case EFFECT_APPEALS:
        appeal(&w);
        return true;
    case EFFECT_SEPARATES:
        subject->separation = event;
        return true;
    default:
        return true;
    }
}
