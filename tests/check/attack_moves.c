/* The adversary: some keys, and what they say of the honest events. Not by chance alone: what it
 * aims at is what the case comes to, and by keys that may not undo that. */
#include "tests/check/attack.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define KEYS_MAX 6

/* Who may be the adversary. */
static const struct cast {
    unsigned weight;
    bool pinned; /* without pins their word counts as any court's */
    size_t count;
    enum who keys[KEYS_MAX];
} casts[] = {
    {40, false, 4, {PD_DESK_2, PD_CHIEF, STATE_DESK_3, PD_DESK}},
    {15, false, 3, {RIVAL, PD_DESK_2, STATE_DESK_3}},
    {10, false, 3, {ACADEMY, RIVAL, PD_DESK_2}},
    {10, false, 3, {FEDERAL, COUNTY, PD_DESK_2}},
    {5, false, 3, {BOARD_2, POST_2, PD_DESK_2}},
    {20, true, 6, {PD_COURT, PD_POST, PD_BOARD, PD_TRIBUNAL, COURTS_POST, PD_DESK_2}},
    {10, true, 3, {FOREIGN_DESK, FOREIGN_CHIEF, PD_DESK_2}},
};
#define CASTS (sizeof casts / sizeof casts[0])
static const struct cast *cast;

static const char *const dispositions[] = {"exonerated", "unfounded", "not_sustained", "sustained"};

void moves_begin(struct attack *a) {
    unsigned sum = 0;
    for (size_t i = 0; i < CASTS; i++) {
        sum += casts[i].weight;
    }
    do {
        uint64_t at = roll(sum);
        cast = casts;
        while (at >= cast->weight) {
            at -= cast->weight;
            cast++;
        }
    } while (cast->pinned && !a->pinned && chance(90));
    if (a->pinned && people[cast->keys[0]].log == FOREIGN && chance(70)) {
        merge(a, FOREIGN_ROOT, ATTACK_FOREIGN_ORI, ATTACK_ORI);
    }
}

static enum who somebody(void) {
    return cast->keys[roll(cast->count)];
}

/* --- time --- */

/* Between what it says, mostly so little that stamps may lie about the order. */
static void wait_and_skew(struct attack *a) {
    static const uint64_t gaps[] = {4000,           MINUTE_MS,   15 * MINUTE_MS,
                                    40 * MINUTE_MS, 2 * HOUR_MS, 70 * HOUR_MS};
    static const int64_t skews[] = {-59, -59, -58, -45, -10, 0, 0, 0, 10, 45, 59, 59, -180, 180};
    a->true_ms += gaps[roll(6)];
    a->skew_ms = skews[roll(14)] * MINUTE_MS;
}

/* --- what it aims at --- */

/* An event of these effects, by the adversary or not; one that `who` may not undo, if there is one
 * soon. NOBODY. */
static size_t find_said(const struct attack *a, uint32_t effects, bool adversary, enum who who) {
    size_t found = NOBODY;
    for (unsigned tries = 0; tries < 40; tries++) {
        size_t at = roll(a->count);
        const struct said *s = &a->said[at];
        if (s->adversary == adversary && (EFFECT_BIT(s->kind->effect) & effects) != 0) {
            found = at;
            if (adversary || !may_undo(who, s->who) || chance(10)) {
                return at;
            }
        }
    }
    return found;
}

#define DECISIONS                                                                                  \
    (EFFECT_BIT(EFFECT_FINDS) | EFFECT_BIT(EFFECT_REVERSES) | EFFECT_BIT(EFFECT_IMPOSES) |         \
     EFFECT_BIT(EFFECT_DECERTIFIES) | EFFECT_BIT(EFFECT_DECIDES_APPEAL))

static size_t pick_target(const struct attack *a, enum who who) {
    return find_said(a, DECISIONS, false, who);
}

static size_t pick_any(const struct attack *a) {
    return roll(a->count);
}

/* --- what it says --- */

/* What takes the slot that the target is in, and says something else. */
static size_t take(struct attack *a, enum who who, enum effect effect, unsigned subject,
                   size_t names) {
    if (effect == EFFECT_IMPOSES) {
        return say(a, who, "discipline.imposed", NOBODY,
                   "%s,'decided_by':'chief','discipline':[{'code':'training'}],"
                   "'imposed':'2026-03-2%u'",
                   of_case(subject), (unsigned)roll(3));
    }
    if (effect == EFFECT_DECERTIFIES) {
        return say(a, who, "decertification.ordered", NOBODY,
                   "%s,'action':'reinstated','decided':'2026-03-2%u','decided_by':'chief'",
                   of_case(subject), (unsigned)roll(3));
    }
    if (effect == EFFECT_REVERSES) {
        return say(a, who, "finding.reversed", names,
                   "%s,'decided':'2026-03-2%u','decided_by':'chief'", of_case(subject),
                   (unsigned)roll(3));
    }
    return say(a, who, "finding.final", NOBODY,
               "%s,'decided':'2026-03-2%u','decided_by':'chief','disposition':'%s'",
               of_case(subject), (unsigned)roll(3), dispositions[roll(4)]);
}

static enum effect slot_effect(const struct said *s) {
    enum effect effect = s->kind->effect;
    if (effect == EFFECT_IMPOSES || effect == EFFECT_DECERTIFIES) {
        return effect;
    }
    return effect == EFFECT_DECIDES_APPEAL && chance(50) ? EFFECT_IMPOSES : EFFECT_FINDS;
}

/* As it was said; what it names, if that is anything in this log or another. */
static size_t copy(struct attack *a, enum who who, size_t target) {
    const struct said *s = &a->said[target];
    size_t names = s->names;
    if (names != NOBODY && people[who].log != people[s->who].log && chance(30) &&
        s->kind->effect != EFFECT_REVERSES && s->kind->effect != EFFECT_DECIDES_APPEAL) {
        names = NOBODY;
    }
    return say(a, who, s->kind->name, names, "%s", s->members);
}

static const char *correction_of(void) {
    static const char *const whats[] = {"entered_in_error", "wrong_date", "wrong_code"};
    return whats[roll(3)];
}

static size_t correct(struct attack *a, enum who who, size_t target, size_t replacement) {
    if (replacement == NOBODY) {
        return say(a, who, "correction", target, "" ORI_HERE ",'what':'%s'", correction_of());
    }
    return say(a, who, "correction", target, "" ORI_HERE ",'replaced_by':%s,'what':'%s'",
               reference_to(a, replacement), correction_of());
}

static bool act_take(struct attack *a, enum who who, size_t target) {
    const struct said *s = &a->said[target];
    return take(a, who, slot_effect(s), s->subject, NOBODY) != NOBODY;
}

/* The finding itself, or the one that its reversal names, or an own copy. */
static bool act_reverse(struct attack *a, enum who who, size_t target) {
    const struct said *s = &a->said[target];
    size_t names = s->kind->effect == EFFECT_REVERSES ? s->names : target;
    size_t own = find_said(a, EFFECT_BIT(EFFECT_FINDS), true, who);
    if (own != NOBODY && chance(20)) {
        names = own;
    }
    return take(a, who, EFFECT_REVERSES, s->subject, names) != NOBODY;
}

static bool act_copy(struct attack *a, enum who who, size_t target) {
    size_t made = copy(a, who, target);
    if (made == NOBODY || chance(30)) {
        return made != NOBODY;
    }
    if (chance(50)) {
        a->true_ms += roll(3) * MINUTE_MS;
    }
    return correct(a, who, made, NOBODY) != NOBODY;
}

/* Of the decision, of what it names, of the appeal, of a correction, of what it rests on. */
static bool act_correct(struct attack *a, enum who who, size_t target) {
    size_t replacement =
        chance(40)   ? pick_any(a)
        : chance(30) ? take(a, who, slot_effect(&a->said[target]), a->said[target].subject, NOBODY)
                     : NOBODY;
    size_t names = target;
    switch (roll(6)) {
    case 0:
        names = a->said[target].names;
        break;
    case 1:
        names = find_said(a, EFFECT_BIT(EFFECT_APPEALS) | EFFECT_BIT(EFFECT_ALLEGES), false, who);
        break;
    case 2:
        names = find_said(a, EFFECT_BIT(EFFECT_CORRECTS), chance(50), who);
        break;
    case 3:
        names = find_said(a, DECISIONS, true, who);
        break;
    default:
        break;
    }
    return names != NOBODY && correct(a, who, names, replacement) != NOBODY;
}

/* An own event, or one of its house, is said to be replaced by the honest one: that moves. */
static bool act_move(struct attack *a, enum who who, size_t target) {
    size_t own = find_said(a, EFFECT_BIT(a->said[target].kind->effect), chance(70), PD_ROOT);
    if (own == NOBODY || own == target || chance(20)) {
        own = take(a, who, slot_effect(&a->said[target]), a->said[target].subject, NOBODY);
    }
    return own != NOBODY && correct(a, who, own, target) != NOBODY;
}

static size_t decide_appeal(struct attack *a, enum who who, size_t appeal, unsigned subject) {
    static const char *const outcomes[] = {"reversed", "reversed", "reduced", "increased",
                                           "upheld"};
    size_t outcome = roll(5);
    bool changes = outcome == 2 || outcome == 3;
    return say(a, who, "appeal.decided", appeal,
               "%s,'decided':'2026-03-2%u','decided_by':'chief'%s,'outcome':'%s'", of_case(subject),
               (unsigned)roll(3), changes || chance(50) ? ",'discipline':[{'code':'none'}]" : "",
               outcomes[outcome]);
}

/* Against the decision, or against what it was about; or an honest appeal is decided. */
static bool act_appeal(struct attack *a, enum who who, size_t target) {
    unsigned subject = a->said[target].subject;
    size_t contested =
        chance(70) || a->said[target].names == NOBODY ? target : a->said[target].names;
    size_t filed = chance(30) ? find_said(a, EFFECT_BIT(EFFECT_APPEALS), false, who) : NOBODY;
    if (filed == NOBODY) {
        filed = say(a, who, "appeal.filed", chance(85) ? contested : NOBODY,
                    "%s,'filed':'2026-03-22','forum':'chief'", of_case(subject));
    }
    if (filed == NOBODY) {
        return false;
    }
    if (chance(60)) {
        who = somebody();
    }
    return decide_appeal(a, who, filed, a->said[filed].subject) != NOBODY;
}

static bool act_serve(struct attack *a, enum who who, size_t target) {
    size_t names = chance(60) ? find_said(a, EFFECT_BIT(EFFECT_IMPOSES), false, who) : NOBODY;
    unsigned subject = names != NOBODY ? a->said[names].subject : a->said[target].subject;
    if (chance(30)) {
        return say(a, who, "officer.separated", NOBODY,
                   "%s,'reason':'retired','separated':'2026-03-21'", of_case(subject)) != NOBODY;
    }
    return say(a, who, "discipline.not_served", names,
               "%s,'ascertained':'2026-03-21','reason':'retired'", of_case(subject)) != NOBODY;
}

static bool act_recommend(struct attack *a, enum who who, size_t target) {
    return say(a, who, "finding.recommended", NOBODY,
               "%s,'disposition':'exonerated','recommended':'2026-03-21',"
               "'recommended_by':'review_board'",
               of_case(a->said[target].subject)) != NOBODY;
}

static bool act_disclose(struct attack *a, enum who who, size_t target) {
    return disclose(a, who, target, chance(80)) != NOBODY;
}

/* The chief of its desk; the agency's roots of others' keys, that they did not enrol. */
static bool act_revoke(struct attack *a, enum who who, size_t target) {
    (void)who;
    enum who whom = chance(50) ? PD_DESK : a->said[target].who;
    return revoke(a, chance(70) ? PD_CHIEF : PD_ROOT, whom, chance(70) ? "compromised" : "left",
                  chance(50) ? "" : ",'since':'2026-03-01'");
}

static bool act_seal(struct attack *a, enum who who, size_t target) {
    return say(a, who, "seal.ordered", target,
               "'members':['officer'],'order':"
               "'0707070707070707070707070707070707070707070707070707070707070707',"
               "'ordered':'2026-03-20','ordered_by':'court'," ORI_HERE) != NOBODY;
}

/* The same case with another party, another subject, another agency. */
static bool act_other(struct attack *a, enum who who, size_t target) {
    unsigned subject = a->said[target].subject;
    switch (roll(3)) {
    case 0:
        return say(a, who, chance(50) ? "failure.alleged" : "intervention.reported", NOBODY,
                   "'basis':'%s','case':'" ATTACK_HANDLE "'," ORI_HERE
                   ",'party':'supervisor','reported':'2026-03-10','subject':%u",
                   people[who].role[0] == 'c' && chance(30) && rank_of(who) == 1 ? "imported"
                                                                                 : "live",
                   subject) != NOBODY;
    case 1:
        return take(a, who, EFFECT_FINDS, subject + 1 + (unsigned)roll(5), NOBODY) != NOBODY;
    default:
        return say(a, who, "correction", target, "'ori':'%s','what':'wrong_agency'",
                   chance(60) ? ATTACK_OTHER_ORI : ATTACK_ORI) != NOBODY;
    }
}

/* Another agency's roots join it to this one; or the agency's own to so many that the one which it
 * became part of finds no room. */
static bool act_merge(struct attack *a, enum who who, size_t target) {
    (void)target;
    if (!a->pinned) {
        return false;
    }
    if (people[who].log == FOREIGN) {
        return merge(a, FOREIGN_ROOT, ATTACK_FOREIGN_ORI, ATTACK_ORI);
    }
    bool merged = true;
    for (unsigned i = 0; i < 17 && merged; i++) {
        char ori[ORI_SIZE + 1];
        snprintf(ori, sizeof ori, "AA00000%02u", i);
        merged = merge(a, PD_ROOT, ATTACK_ORI, ori);
    }
    return merged;
}

static const struct {
    unsigned weight;
    bool (*act)(struct attack *a, enum who who, size_t target);
} acts[] = {
    {16, act_take},   {12, act_reverse}, {14, act_copy},     {18, act_correct}, {10, act_move},
    {16, act_appeal}, {5, act_serve},    {3, act_recommend}, {3, act_disclose}, {4, act_revoke},
    {2, act_seal},    {6, act_other},    {3, act_merge},
};
#define ACTS (sizeof acts / sizeof acts[0])

bool moves_act(struct attack *a) {
    unsigned sum = 0;
    size_t at = 0;
    for (size_t i = 0; i < ACTS; i++) {
        sum += acts[i].weight;
    }
    uint64_t left = roll(sum);
    while (left >= acts[at].weight) {
        left -= acts[at++].weight;
    }
    enum who who = somebody();
    size_t target = pick_target(a, who);
    if (target == NOBODY) {
        return false;
    }
    wait_and_skew(a);
    a->adversary = true;
    bool said = acts[at].act(a, who, target);
    a->adversary = false;
    a->skew_ms = 0;
    return said;
}

/* --- before the honest --- */

static enum effect effect_of(const char *kind) {
    return kind_find(kind, strlen(kind))->effect;
}

/* What is about to be said, first; or something else in its place. */
void moves_lurk(struct attack *a, const char *kind, size_t names, const char *members) {
    enum who who = somebody();
    wait_and_skew(a);
    a->adversary = true;
    if (a->bury > 0) {
        moves_bury(a);
    } else if (chance(50)) {
        say(a, who, kind, names, "%s", members);
    } else {
        const char *subject = strstr(members, "'subject':");
        take(a, who, effect_of(kind), subject != NULL ? (unsigned)(subject[10] - '0') : 1, names);
    }
    a->adversary = false;
    a->skew_ms = 0;
    a->true_ms += roll(2) * 10 * MINUTE_MS + roll(MINUTE_MS);
}

/* --- burying --- */

void moves_bury(struct attack *a) {
    enum who who = somebody();
    size_t target = roll(a->count);
    bool names = chance(40);
    a->adversary = true;
    a->trusted = true;
    while (a->bury > 0) {
        a->bury--;
        if (names) {
            say(a, who, "response.appended", target, "'by':'agency'," ORI_HERE);
        } else {
            say(a, who, "notice.sent", NOBODY,
                "%s,'notice':'finding','sent':'2026-03-21','to':'p-%zu'", of_case(1), a->bury);
        }
    }
    a->trusted = false;
    a->adversary = false;
}
