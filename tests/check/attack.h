/* The adversary as a program: what its files share. attack.c (runs and what is printed),
 * attack_logs.c (who signs, the logs, acceptance, time), attack_story.c (an honest case),
 * attack_moves.c (the adversary). What the run comes to is judged by tests/check/attack.py.
 *
 * Vocabulary: a *person* is a key in one log. A *case event* is what was said of the case, in the
 * order in which it was said; it is named by its place there. The *true time* is the world's, that
 * no log has to stamp; a quorum holds an entry some seconds of true time after it was said. */
#ifndef DUTYLOG_TESTS_CHECK_ATTACK_H
#define DUTYLOG_TESTS_CHECK_ATTACK_H

#include "ledger/case.h"

#define ATTACK_ORI "MN0620900"
#define ATTACK_OTHER_ORI "MN0270000"   /* what it becomes part of, in some cases */
#define ATTACK_FOREIGN_ORI "MN0990000" /* another agency, with a log of its own */
#define ATTACK_HANDLE "070000000000000000000000000000aa"
#define SAID_MAX 1500
#define SAID_MANY 300 /* from here on an answer is asked for at the end alone */
#define MEMBERS_SIZE 512
#define MINUTE_MS 60000
#define HOUR_MS (60 * MINUTE_MS)

/* In the bytewise order of their origins. */
enum attack_log { COURTS, PD, STATE, FOREIGN, ATTACK_LOGS };

enum who {
    PD_ROOT,
    PD_OPERATOR,
    PD_CHIEF,
    PD_DESK,
    PD_DESK_2,
    PD_COURT, /* from here to PD_TRIBUNAL: keys that the agency's own roots enrolled as what they
                 are not */
    PD_POST,
    PD_BOARD,
    PD_TRIBUNAL,
    STATE_ROOT,
    STATE_OPERATOR,
    STATE_CHIEF, /* the key of PD_CHIEF in the state's log, and of PD_DESK */
    STATE_DESK,
    STATE_DESK_3,
    BOARD_1,
    BOARD_2,
    RIVAL, /* another board */
    POST_1,
    POST_2,
    ACADEMY, /* another POST */
    COURT_1,
    COURT_2,
    FEDERAL,
    COURTS_ROOT,
    COURTS_OPERATOR,
    COURT_3, /* of the name of COURT_1, in a log of another authority */
    COUNTY,
    COURTS_POST, /* enrolled in a log that is recognised for courts alone */
    FOREIGN_ROOT,
    FOREIGN_OPERATOR,
    FOREIGN_CHIEF,
    FOREIGN_DESK,
    PEOPLE
};

struct person {
    const char *name;
    const char *seed; /* of the key; NULL: the name */
    const char *role; /* NULL: named in log.opened */
    enum attack_log log;
    enum who enroller;
    const char *oris; /* as JSON with ' for ", without brackets */
};
extern const struct person people[PEOPLE];

#define NOBODY SIZE_MAX

/* What was said of the case. */
struct said {
    struct hash id;
    enum who who;
    const struct kind *kind;
    char members[MEMBERS_SIZE]; /* of `open` but for `event`, with ' for " */
    size_t names;               /* by `event`; NOBODY: none */
    unsigned subject;
    uint64_t seq;
    uint64_t index;
    uint64_t stamp_ms;
    bool adversary;
    bool has_body;
    bool is_false; /* an event.opened that does not fit */
};

struct attack {
    struct store *store;
    struct store_txn *txn;
    struct log logs[ATTACK_LOGS];
    struct {
        uint64_t size;
        uint64_t stamp_ms;
        uint64_t quorum; /* seconds */
    } at[ATTACK_LOGS];
    struct {
        struct signer signer;
        uint64_t seq;
        struct hash id;
    } people[PEOPLE];
    uint64_t true_ms;
    int64_t skew_ms; /* of what the adversary says in a log that is not the state's */
    struct pin pin;  /* the state's root */
    bool pinned;
    bool adversary; /* who speaks */
    bool trusted;   /* of cheap events signatures are not verified again */
    size_t bury;    /* so many cheap events are still to be said */
    bool merged;    /* the agency is part of the other one by now */
    struct said said[SAID_MAX];
    size_t count;
    struct revoked {
        enum who by;
        enum who whom;
        uint64_t index;
    } revoked[8];
    size_t revoked_count;
    char why[300]; /* of the last refusal */
};

/* --- chance --- */

void roll_seed(uint64_t seed);
uint64_t roll(uint64_t sides);
bool chance(unsigned percent);

/* --- the logs --- */

/* Opens all logs, with everybody enrolled: the same for every seed. */
void attack_open(struct attack *a);
/* Begins a seed: nothing said yet. And forgets it. */
void attack_begin(struct attack *a);
void attack_end(struct attack *a);
/* An event of the case: `names` by `event`, and the other members as JSON with ' for ". Its place
 * in `said`; NOBODY: refused by acceptance, and in no log. */
size_t say(struct attack *a, enum who who, const char *kind, size_t names, const char *members, ...)
    __attribute__((format(printf, 5, 6)));
/* The same with a body of one closed member; and its disclosure, true or false. */
size_t say_closed(struct attack *a, enum who who, const char *kind, size_t names,
                  const char *members, ...) __attribute__((format(printf, 5, 6)));
size_t disclose(struct attack *a, enum who who, size_t event, bool falsely);
/* A key.revoked as compromised; `since`: "" or a member with its leading comma. */
bool revoke(struct attack *a, enum who by, enum who whom, const char *reason, const char *since);
/* An agency.merged of its log: the one ORI is part of the other. False: refused. */
bool merge(struct attack *a, enum who who, const char *ori, const char *into);
/* What refers to an event said, as JSON with ' for ". Static, four at a time. */
const char *reference_to(const struct attack *a, size_t event);
unsigned rank_of(enum who who);
bool of_agency(enum who who);
/* May the one undo the other's, by the page? */
bool may_undo(enum who one, enum who other);
/* Does its word count where a root of the state is pinned? */
bool in_bounds(enum who who);

/* --- the case --- */

/* In members: the ORI under which the speaker speaks of the case now. */
#define ORI_HERE "'ori':'#########'"
/* Members of a case event of this subject: a prefix for `members`. Static, four at a time. */
const char *of_case(unsigned subject);
/* Tells an honest story; `lurking`: the adversary says things in between. */
void story_tell(struct attack *a, bool lurking);
/* The adversary's: choose who they are; something said before an honest event of the kind with
 * these members; one more act; and the cheap ones. */
void moves_begin(struct attack *a);
void moves_lurk(struct attack *a, const char *kind, size_t names, const char *members);
bool moves_act(struct attack *a);
void moves_bury(struct attack *a);

/* Prints the answer as it is now. */
void attack_view(struct attack *a);

#endif
