/* Stories for tests of standing: a case told event by event, judged, and asked about.
 *
 *     TELL(ALLEGED, FOUND, {.who = COURT, .kind = "finding.reversed", .about = 2});
 *     IS(1, SUPERSEDED, REVERSED, 2);       event 1 is superseded, reversed by event 2
 *     IN_FORCE(2);
 *     SLOTS(2, NONE, NONE);                 of the first subject: finding, discipline, certificate
 *
 * The events of a story are told in their order, a second apart if nothing else is said. `about`
 * and `instead` count from 1, so that 0 is nobody; all else counts from 0. */
#ifndef DUTYLOG_TESTS_LIB_TOLD_H
#define DUTYLOG_TESTS_LIB_TOLD_H

#include "ledger/standing.h"

#define TOLD_MAX 32
#define NONE STANDING_NONE

/* Who signs. What follows a name with _2 is another key of the same house; the houses are those of
 * ledger/house.h, by role, name and the log's authority. */
enum told_who {
    DESK, /* clerks of the agency */
    DESK_2,
    AGENCY,
    BOARD,
    BOARD_2,
    PANEL, /* another board */
    POST,
    POST_2,
    COURT,
    COURT_2,
    TRIBUNAL,  /* another court */
    COURT_KEY, /* the key of COURT, enrolled as a POST's */
    ALIAS,     /* the key of BOARD, enrolled under another name */
    NEWSROOM,  /* an observer */
    ROOT,
    TOLD_PEOPLE
};

struct told_said {
    enum told_who who;
    const char *kind;
    int about;        /* 1 + the event that it names; 0: none */
    int instead;      /* 1 + the event that is to stand in for it */
    int fact;         /* events of one kind with the same number say the same; 0: of its own */
    int log;          /* 0 to 3: "a", "b", "c" of one authority, "d" of another */
    unsigned minutes; /* confirmed so long after the one before; 0: a second */
    unsigned held;    /* minutes for which no quorum had it: the stamp is so much older */
    uint64_t subject; /* 0: 1 */
    bool imported;
    bool body;
    bool other_ori;
    bool beyond;
    bool unfitting;
    bool discipline;
    bool sustains;
    enum standing_outcome outcome;
    const char *authority; /* recommended_by */
    const char *party;
};

/* The story told last, and what it came to. */
struct told {
    struct standing_event events[TOLD_MAX];
    struct standing_result results[TOLD_MAX];
    struct standing_subject subjects[TOLD_MAX];
    struct standing_revocation revocations[TOLD_MAX];
    size_t order[TOLD_MAX];
    size_t acts[TOLD_MAX];
    struct standing_case c;
};
extern struct told told;

/* Tells and judges. */
void told_tell(const struct told_said *story, size_t count);
/* A revocation that binds the signer of that event joins the story, which is judged again; it
 * stands in log "c". Its number is how many were there before. */
void told_revoke(size_t event, const struct standing_revocation *revocation);

void told_is(size_t event, enum standing standing, enum standing_why why, size_t other,
             const char *file, int line);
/* What the subject at that place among the subjects has in its slots. */
void told_slots(size_t subject, size_t finding, size_t discipline, size_t certificate,
                const char *file, int line);
/* Events in the slot of the first subject beside the one named; NONE: none. */
void told_beside(enum standing_slot slot, size_t event, const char *file, int line);

#define TELL(...)                                                                                  \
    do {                                                                                           \
        static const struct told_said story_[] = {__VA_ARGS__};                                    \
        told_tell(story_, sizeof story_ / sizeof story_[0]);                                       \
    } while (0)
#define IS(event, standing, why, other)                                                            \
    told_is(event, STANDING_##standing, WHY_##why, other, __FILE__, __LINE__)
#define IN_FORCE(event) IS(event, IN_FORCE, NOTHING, NONE)
#define SLOTS(finding, discipline, certificate)                                                    \
    told_slots(0, finding, discipline, certificate, __FILE__, __LINE__)
#define BESIDE(slot, event) told_beside(SLOT_##slot, event, __FILE__, __LINE__)

/* What most stories begin with. */
#define ALLEGED                                                                                    \
    { .who = DESK, .kind = "failure.alleged" }
#define FOUND                                                                                      \
    { .who = DESK, .kind = "finding.final" }
#define IMPOSED                                                                                    \
    { .who = DESK, .kind = "discipline.imposed" }
#define FINDS(whose)                                                                               \
    { .who = whose, .kind = "finding.final" }
#define REVERSES(whose, which)                                                                     \
    { .who = whose, .kind = "finding.reversed", .about = which }
#define CORRECTS(whose, which)                                                                     \
    { .who = whose, .kind = "correction", .about = which }
#define APPEALS(whose, which)                                                                      \
    { .who = whose, .kind = "appeal.filed", .about = which }
#define DECIDES(whose, which, how)                                                                 \
    { .who = whose, .kind = "appeal.decided", .about = which, .outcome = OUTCOME_##how }

#endif
