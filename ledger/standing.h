/* Standing (specs/standing.md): what each event of one case counts for, as all its logs together
 * show it. Pure: everything that it looks at is in the arrays given, nothing is refused, nothing is
 * dropped, and the same arrays give the same results.
 *
 * Vocabulary: an event *counts* if it is in force, superseded or sealed. Its *place* is where it
 * takes effect: its own in the order, or that of the event that it stands in for by a correction.
 * A *slot* holds what is in force for a subject: its finding, discipline or certificate. A *house*
 * is whose voice a key is; who is *over* whom, and who may *undo* whose events, is said by ranks
 * and houses alone. *Twins* are alike: one fact, said more than once. Events are named by their
 * index in the array. */
#ifndef DUTYLOG_LEDGER_STANDING_H
#define DUTYLOG_LEDGER_STANDING_H

#include "crypto/sign.h"
#include "ledger/bytes.h"
#include "ledger/house.h"
#include "ledger/kind.h"

#define STANDING_NONE SIZE_MAX

/* --- what is given --- */

/* What an appeal.decided does to what was contested. */
enum standing_outcome {
    OUTCOME_STANDS,   /* nothing: remanded, withdrawn, settled; and any other kind */
    OUTCOME_UPHOLDS,  /* upheld */
    OUTCOME_REVERSES, /* reversed */
    OUTCOME_CHANGES,  /* reduced, increased: its discipline */
};

struct standing_signer {
    struct sign_public key;
    uint32_t role; /* enum role bits */
    struct hash house;
};

struct standing_event {
    struct bytes origin; /* of the log that it is in; borrowed */
    uint64_t index;
    uint64_t stamp_ms;
    uint64_t confirmed_ms;
    unsigned moves;    /* by how many names in a row it stands after its own time; if any, at: */
    uint64_t moved_ms; /* that of the first of those named */
    struct hash id;
    const struct kind *kind;
    struct hash whole; /* over all of `open`; */
    struct hash fact;  /* over `open` without `event` */
    bool has_case;     /* names a case itself, and does not only name an event of one */
    bool has_body;
    bool other_ori; /* its `ori` is there and is not the case's */
    bool beyond;    /* beyond what its log was recognised for */
    bool unfitting; /* an event.opened that does not fit the body of the event that it names */
    bool imported;
    uint64_t subject; /* from 1; where there is no `case`: that of the event named */
    bool has_named;   /* `event` */
    struct hash named;
    bool has_replacement; /* `replaced_by` */
    struct hash replacement;
    enum standing_outcome outcome;
    bool has_discipline;
    bool sustains;          /* `disposition` is sustained */
    struct bytes party;     /* `party`; empty without. Borrowed, as the next */
    struct bytes authority; /* `recommended_by`; empty without */
    struct standing_signer signer;
};

/* A revocation that binds the key of an event's signer in the log where the event stands. */
struct standing_revocation {
    size_t event;        /* whose signer */
    struct bytes origin; /* where the key.revoked stands; borrowed */
    uint64_t index;
    uint64_t confirmed_ms;
    bool compromised;
    bool by_root;      /* the revoker is a root of the log where the event stands */
    uint64_t since_ms; /* 0: all that the key signed */
};

/* --- what it comes to --- */

enum standing {
    STANDING_IN_FORCE,
    STANDING_SUPERSEDED,
    STANDING_SEALED,
    STANDING_OUT_OF_ORDER,
    STANDING_WITHOUT_AUTHORITY,
    STANDING_DUPLICATE,
    STANDING_DOUBTED,
    STANDING_COUNT
};

/* Why; `other` is the event or the revocation by which it is so. */
enum standing_why {
    WHY_NOTHING,     /* in force */
    WHY_COMPROMISED, /* doubted: by the revocation `other` */
    WHY_REVOKED,     /* without authority: by the revocation `other` */
    WHY_OTHER_ORI,   /* without authority: the `ori` is another agency's */
    WHY_BOUNDS,      /* without authority: the log does not count for that */
    WHY_FALSE,       /* without authority: discloses what does not fit */
    WHY_SUBJECT,     /* without authority: a subject that the case does not have yet */
    WHY_PARTY,       /* without authority: of another party than `other` says */
    WHY_RANK,        /* without authority: `other` is by a higher rank */
    WHY_STRANGER,    /* without authority: `other` is by another house */
    WHY_FROZEN,      /* without authority: corrects what `other` acted on since */
    WHY_REPLACEMENT, /* without authority: `other` cannot stand in that place */
    WHY_ALIKE,       /* duplicate of `other` */
    WHY_EARLY,       /* out of order: nothing before it that it follows */
    WHY_REPLACED,    /* superseded: `other` is the later decision */
    WHY_REVERSED,    /* superseded: reversed by `other` */
    WHY_CHANGED,     /* superseded: reduced or increased by `other` */
    WHY_CORRECTED,   /* superseded: corrected by `other` */
    WHY_SEALED,      /* sealed: by the order `other` */
    WHY_COUNT
};

enum standing_slot { SLOT_FINDING, SLOT_DISCIPLINE, SLOT_CERTIFICATE, SLOT_COUNT };

struct standing_result {
    enum standing standing;
    enum standing_why why;
    size_t other; /* STANDING_NONE: none */
    uint64_t subject;
    size_t disowned; /* the revocation by a non-root that says the key was stolen before */
    bool counts;
    bool keyed; /* settled by its key or its log, before any event is looked at */
    bool done;  /* has taken effect */

    /* Corrections. */
    size_t names;         /* the event that it names by `event` */
    size_t root;          /* of a correction: what it corrects in the end */
    size_t waiting;       /* of one: how many corrections of it are not looked at yet */
    bool holds;           /* of one: its signer may, and it is not too late, */
    bool annulled;        /* and is corrected itself by one that does */
    bool corrected;       /* by a correction that holds: has no effect */
    size_t replaces;      /* in whose place it stands */
    size_t replacement;   /* what stands in its place, */
    size_t replaced_says; /* and which correction says so */
    size_t gave_way;      /* to which correction, of one that stood in another's place */

    /* What it supersedes, and what does so to it. */
    size_t superseded_by;  /* of one that counts, sealed or not */
    enum standing_why how; /* it was superseded */
    size_t upheld_by;      /* what upholds it */
    bool undid;            /* reversed or changed something */

    /* Slots: it is in one that it took until something took it out. */
    bool took[SLOT_COUNT];
    size_t out_by[SLOT_COUNT];    /* what took it out, */
    size_t out_at[SLOT_COUNT];    /* and at which place in their order */
    size_t undone_by[SLOT_COUNT]; /* what reversed or changed it there */
    size_t back_by[SLOT_COUNT];   /* what gave it back to the slot */
    bool emptied[SLOT_COUNT];     /* it took things out of the slot without taking it */
    bool acted[SLOT_COUNT];       /* it took or emptied the slot, or gave something back to it */
    bool marked[SLOT_COUNT];      /* scratch: the event at work will take it out */
    bool given[SLOT_COUNT];       /* scratch: what it undoes gave it back */
    bool own;                     /* scratch: the discipline of the one at work takes its place */

    /* What is shown. */
    bool open_appeal;      /* an appeal.filed in force that nothing decides */
    bool last_recommended; /* shown as a recommendation */
    size_t contested;      /* of an appeal and what decides it: the decision */
    size_t speaks_of;      /* of discipline.served and not_served: the discipline */
    size_t served;         /* of discipline: what says whether it was carried out */
};

/* What the case comes to for one of its parties. STANDING_NONE where there is none. */
struct standing_subject {
    uint64_t subject;
    size_t first;               /* its first event */
    size_t party;               /* the event that says its party */
    size_t named[SLOT_COUNT];   /* the first in that slot: the finding, or what reversed it; the
                                   discipline, or an appeal.decided with its own; the certificate */
    size_t emptied[SLOT_COUNT]; /* what emptied it, until another takes it */
    size_t separation;          /* an officer.separated */
    uint32_t seen;              /* EFFECT_BITs of those that count */
};

struct standing_case {
    const struct standing_event *events; /* in their order: standing_compare ascending */
    size_t count;
    const struct standing_revocation *revocations;
    size_t revocation_count;
    struct standing_result *results;   /* `count` of them, filled */
    struct standing_subject *subjects; /* room for `count`; filled, ascending */
    size_t *order;                     /* room for `count`: the order of places, filled */
    size_t *acts;                      /* room for `count`: scratch */
    size_t subject_count;
    size_t act_count[GROUPS]; /* scratch: how many of `acts` are by this group or above */
    bool closed;              /* scratch: an event of kind `closed` counted */
};

/* The order of events: time, moves, origin, index. */
int standing_compare(const struct standing_event *a, const struct standing_event *b);
/* Judges all events. Asserts that they are in their order. The caller owns all memory; a few times
 * count^2 steps. */
void standing_judge(struct standing_case *c);
/* Is the event in this slot, in the end? */
bool standing_in_slot(const struct standing_case *c, size_t event, enum standing_slot slot);
/* The first slot of the subject in which the event stands beside the one named; SLOT_COUNT: none.
 */
enum standing_slot standing_beside(const struct standing_case *c,
                                   const struct standing_subject *subject, size_t event);

/* "in force", "superseded", ...; "alike", "rank", ...: static. */
const char *standing_name(enum standing standing);
const char *standing_why_name(enum standing_why why);

#endif
