/* An honest case: for each subject an allegation, an investigation, what some of the ranks found,
 * and what came of it; each said by somebody who may. */
#include "tests/check/attack.h"

#include <stdio.h>
#include <string.h>

/* What is in a slot of the subject at hand. */
struct telling {
    struct attack *a;
    bool lurking;
    unsigned subject;
    size_t alleged;
    size_t finding;
    size_t discipline;
    size_t certificate;
};

static const char *const dispositions[] = {"sustained", "not_sustained", "unfounded", "exonerated"};

static const char *day(void) {
    static const char *const days[] = {"2026-03-20", "2026-03-21", "2026-03-22"};
    return days[roll(3)];
}

/* From seconds to days. */
static void let_time_pass(struct attack *a) {
    static const uint64_t gaps[] = {5000,           MINUTE_MS,   9 * MINUTE_MS, 30 * MINUTE_MS,
                                    55 * MINUTE_MS, 2 * HOUR_MS, 26 * HOUR_MS};
    a->true_ms += gaps[roll(7)] + roll(MINUTE_MS);
}

static enum who desk(void) {
    return chance(60) ? PD_DESK : chance(80) ? STATE_DESK : STATE_CHIEF;
}

static enum who decider(unsigned rank) {
    switch (rank) {
    case 3:
        return chance(70) ? COURT_1 : chance(50) ? COURT_2 : COURT_3;
    case 2:
        return chance(80) ? POST_1 : POST_2;
    case 1:
        return chance(80) ? BOARD_1 : BOARD_2;
    default:
        return desk();
    }
}

static const char *name_of(unsigned rank) {
    static const char *const names[] = {"chief", "review_board", "post", "court"};
    return names[rank];
}

/* Says what takes a slot; somebody may have been first. */
static size_t decide(struct telling *t, enum who who, const char *kind, size_t names,
                     const char *members) {
    if (t->lurking && chance(60)) {
        moves_lurk(t->a, kind, names, members);
        if (t->a->count < SAID_MANY) {
            attack_view(t->a);
        }
    }
    size_t made = chance(20) ? say_closed(t->a, who, kind, names, "%s", members)
                             : say(t->a, who, kind, names, "%s", members);
    if (t->lurking && t->a->count < SAID_MANY) {
        attack_view(t->a);
    }
    let_time_pass(t->a);
    return made;
}

static void begin_case(struct telling *t) {
    t->alleged = say(t->a, desk(), "failure.alleged", NOBODY,
                     "%s,'occurred':'2026-03-0%u','reported':'2026-03-10'", of_case(t->subject),
                     1 + (unsigned)roll(3));
    let_time_pass(t->a);
    say(t->a, desk(), "investigation.opened", NOBODY, "%s,'opened':'%s'", of_case(t->subject),
        day());
    let_time_pass(t->a);
}

static void recommend(struct telling *t) {
    say(t->a, chance(50) ? BOARD_1 : desk(), "finding.recommended", NOBODY,
        "%s,'disposition':'%s','recommended':'%s','recommended_by':'%s'", of_case(t->subject),
        dispositions[roll(4)], day(), chance(50) ? "review_board" : "sergeant");
    let_time_pass(t->a);
}

/* --- findings --- */

static void find(struct telling *t, unsigned rank) {
    char members[MEMBERS_SIZE];
    snprintf(members, sizeof members, "%s,'decided':'%s','decided_by':'%s','disposition':'%s'",
             of_case(t->subject), day(), name_of(rank), dispositions[chance(60) ? 0 : roll(4)]);
    t->finding = decide(t, decider(rank), "finding.final", NOBODY, members);
}

static void reverse(struct telling *t, unsigned rank) {
    char members[MEMBERS_SIZE];
    const char *disposition = dispositions[roll(4)];
    bool gives = chance(60);
    snprintf(members, sizeof members, "%s,'decided':'%s','decided_by':'%s'%s%s%s",
             of_case(t->subject), day(), name_of(rank), gives ? ",'disposition':'" : "",
             gives ? disposition : "", gives ? "'" : "");
    t->finding = decide(t, decider(rank), "finding.reversed", t->finding, members);
    if (!gives || strcmp(disposition, "sustained") != 0) {
        t->discipline = NOBODY;
    }
}

/* An appeal against `contested` and its decision by this rank. */
static void appeal(struct telling *t, size_t contested, unsigned rank) {
    static const char *const outcomes[] = {"upheld", "reversed", "reduced", "increased",
                                           "remanded"};
    char members[MEMBERS_SIZE];
    const char *outcome = outcomes[roll(5)];
    bool changes = strcmp(outcome, "reduced") == 0 || strcmp(outcome, "increased") == 0;
    size_t filed = say(t->a, desk(), "appeal.filed", contested, "%s,'filed':'%s','forum':'court'",
                       of_case(t->subject), day());
    let_time_pass(t->a);
    if (filed == NOBODY || chance(20)) {
        return;
    }
    snprintf(members, sizeof members, "%s,'decided':'%s','decided_by':'%s'%s,'outcome':'%s'",
             of_case(t->subject), day(), name_of(rank),
             changes ? ",'discipline':[{'code':'counseling'}]" : "", outcome);
    size_t decided = decide(t, decider(rank), "appeal.decided", filed, members);
    if (strcmp(outcome, "reversed") == 0 && contested == t->finding) {
        t->finding = decided;
    }
}

static void find_by_ranks(struct telling *t) {
    unsigned asked = 1 + (unsigned)roll(15); /* a bit for each rank; one at least */
    for (unsigned rank = 0; rank <= 3; rank++) {
        if ((asked >> rank & 1) == 0) {
            continue;
        }
        bool found = t->finding != NOBODY;
        bool final = found && strcmp(t->a->said[t->finding].kind->name, "finding.final") == 0;
        if (final && chance(40)) {
            reverse(t, rank);
        } else if (found && chance(25)) {
            appeal(t, t->finding, rank);
        } else {
            find(t, rank);
        }
    }
}

/* --- what comes of it --- */

static void impose(struct telling *t, unsigned rank) {
    char members[MEMBERS_SIZE];
    snprintf(members, sizeof members,
             "%s,'decided_by':'%s','discipline':[{'code':'suspension','days':%u,'paid':false}],"
             "'imposed':'%s'",
             of_case(t->subject), name_of(rank), 1 + (unsigned)roll(30), day());
    t->discipline = decide(t, decider(rank), "discipline.imposed", NOBODY, members);
    if (t->discipline != NOBODY && chance(40)) {
        say(t->a, decider(chance(50) ? rank : 3), "discipline.served", t->discipline,
            "%s,'served':'%s'", of_case(t->subject), day());
        let_time_pass(t->a);
    }
    if (t->discipline != NOBODY && chance(25)) {
        appeal(t, t->discipline, rank + (unsigned)roll(4 - rank));
    }
}

static void take_certificate(struct telling *t) {
    char members[MEMBERS_SIZE];
    unsigned rank = chance(70) ? 2 : 3;
    snprintf(members, sizeof members, "%s,'action':'%s','decided':'%s','decided_by':'%s'",
             of_case(t->subject), chance(70) ? "decertified" : "suspended", day(), name_of(rank));
    t->certificate = decide(t, decider(rank), "decertification.ordered", NOBODY, members);
    if (t->certificate != NOBODY && chance(25)) {
        appeal(t, t->certificate, 3);
    }
}

/* A desk corrects its own dates, and its finding; the same fact is said in the other log too. */
static void tidy(struct telling *t) {
    struct attack *a = t->a;
    size_t finding = t->finding;
    if (chance(20)) {
        say(a, desk(), "correction", t->alleged, "" ORI_HERE ",'what':'wrong_date'");
        let_time_pass(a);
    }
    if (finding != NOBODY && rank_of(a->said[finding].who) == 1 && chance(25)) {
        enum who who = a->said[finding].who;
        size_t better = say(a, who, "finding.final", NOBODY,
                            "%s,'decided':'2026-03-19','decided_by':'chief','disposition':'%s'",
                            of_case(t->subject), dispositions[roll(4)]);
        let_time_pass(a);
        if (better != NOBODY) {
            say(a, who, "correction", finding, "" ORI_HERE ",'replaced_by':%s,'what':'wrong_date'",
                reference_to(a, better));
        }
        let_time_pass(a);
    }
    if (finding != NOBODY && chance(30)) {
        bool agency = people[a->said[finding].who].log == PD;
        say(a, agency ? STATE_DESK : PD_DESK, a->said[finding].kind->name, a->said[finding].names,
            "%s", a->said[finding].members);
        let_time_pass(a);
    }
}

static void end_case(struct telling *t) {
    if (chance(20)) {
        say(t->a, desk(), "officer.separated", NOBODY, "%s,'reason':'resigned','separated':'%s'",
            of_case(t->subject), day());
        let_time_pass(t->a);
    }
    if (t->finding != NOBODY && t->a->said[t->finding].has_body && chance(30)) {
        disclose(t->a, t->a->said[t->finding].who, t->finding, false);
        let_time_pass(t->a);
    }
}

void story_tell(struct attack *a, bool lurking) {
    unsigned subjects = chance(70) ? 1 : 2;
    for (unsigned subject = 1; subject <= subjects; subject++) {
        struct telling t = {.a = a,
                            .lurking = lurking,
                            .subject = subject,
                            .alleged = NOBODY,
                            .finding = NOBODY,
                            .discipline = NOBODY,
                            .certificate = NOBODY};
        begin_case(&t);
        if (subject == 1 && chance(8)) {
            a->merged = merge(a, STATE_ROOT, ATTACK_ORI, ATTACK_OTHER_ORI);
        }
        if (chance(30)) {
            recommend(&t);
        }
        find_by_ranks(&t);
        if (chance(50)) {
            impose(&t, (unsigned)roll(4));
        }
        if (chance(40)) {
            take_certificate(&t);
        }
        tidy(&t);
        end_case(&t);
    }
}
