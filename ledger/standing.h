/* Standing (specs/standing.md): what each event of one case counts for, as all its logs together
 * show it. Pure: everything that it looks at is in the arrays given, nothing is refused, nothing is
 * dropped, and the same arrays give the same results.
 *
 * Vocabulary: an event *counts* if it is in force, superseded or sealed. Its *place* is where it
 * takes effect: its own in the order, or that of the event that it stands in for by a correction.
 * A *slot* is what at most one event of a subject is in force as: the finding, the discipline, the
 * certificate. Events are named by their index in the array. */
#ifndef DUTYLOG_LEDGER_STANDING_H
#define DUTYLOG_LEDGER_STANDING_H

#include "crypto/sign.h"
#include "ledger/bytes.h"
#include "ledger/kind.h"

#define STANDING_NONE SIZE_MAX

/* --- what is given --- */

/* What an appeal.decided does to what was contested. */
enum standing_outcome {
    OUTCOME_STANDS,   /* nothing: upheld, remanded, withdrawn, settled; and any other kind */
    OUTCOME_REVERSES, /* reversed */
    OUTCOME_CHANGES,  /* reduced, increased: its discipline */
};

struct standing_signer {
    struct sign_public key;
    uint32_t role; /* enum role bits */
    bool has_enroller;
    struct sign_public enroller; /* of a key that was enrolled; those of log.opened have none */
};

struct standing_event {
    struct bytes origin; /* of the log that it is in; borrowed */
    uint64_t index;
    uint64_t stamp_ms;
    uint64_t confirmed_ms;
    struct hash id;
    const struct kind *kind;
    struct hash whole; /* over all of `open`; */
    struct hash fact;  /* over `open` without `event` */
    bool has_case;     /* names a case itself, and does not only name an event of one */
    bool has_body;
    bool other_ori; /* its `ori` is there and not the case's */
    bool imported;
    uint64_t subject; /* from 1; where there is no `case`: that of the event named */
    bool has_named;   /* `event` */
    struct hash named;
    bool has_replacement; /* `replaced_by` */
    struct hash replacement;
    enum standing_outcome outcome;
    bool has_discipline;
    struct bytes authority; /* `recommended_by`; empty without. Borrowed */
    struct standing_signer signer;
};

/* A revocation that binds the key of an event's signer in the log where the event stands. */
struct standing_revocation {
    size_t event;        /* whose signer */
    struct bytes origin; /* where the key.revoked stands; borrowed */
    uint64_t index;
    uint64_t confirmed_ms;
    bool compromised;
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
    WHY_RANK,        /* without authority: `other` was decided by a higher rank */
    WHY_STRANGER,    /* without authority: corrects `other`, another's event of the same rank */
    WHY_ALIKE,       /* duplicate of `other` */
    WHY_EARLY,       /* out of order: nothing before it that it follows */
    WHY_REPLACED,    /* superseded: `other` is the later decision */
    WHY_REVERSED,    /* superseded: reversed by `other` */
    WHY_CHANGED,     /* superseded: reduced or increased by `other` */
    WHY_CORRECTED,   /* superseded: corrected by `other` */
    WHY_SEALED,      /* sealed: by the order `other` */
    WHY_COUNT
};

struct standing_result {
    enum standing standing;
    enum standing_why why;
    size_t other; /* STANDING_NONE: none */
    uint64_t subject;
    bool counts;
    bool corrected;        /* by an event in force: has no effect */
    size_t superseded_by;  /* of one that counts, sealed or not */
    enum standing_why how; /* it was superseded */
    bool open_appeal;      /* an appeal.filed in force that nothing decides */
    bool last_recommended; /* the last recommendation of its authority and effect */
    size_t names;          /* the event that it names by `event` */
    size_t waiting;        /* of a correction: how many corrections of it are not looked at yet */
    size_t contested;      /* of an appeal and what decides it: the decision */
    size_t served;         /* of discipline: the last event that says whether it was carried out */
    size_t under[2];       /* of a reversal: the finding and the discipline that it superseded */
    size_t replaces;       /* in whose place it stands */
    size_t replacement;    /* what stands in its place */
    bool done;             /* has taken effect */
};

/* What the case comes to for one of its parties. STANDING_NONE where there is none. */
struct standing_subject {
    uint64_t subject;
    size_t first;       /* its first event */
    size_t finding;     /* a finding.final; or, where it was reversed, what reversed it */
    size_t discipline;  /* a discipline.imposed, or an appeal.decided with its own */
    size_t certificate; /* a decertification.ordered */
    size_t separation;  /* the last officer.separated */
    uint32_t seen;      /* EFFECT_BITs of those that count */
};

struct standing_case {
    const struct standing_event *events; /* in their order: standing_compare ascending */
    size_t count;
    const struct standing_revocation *revocations;
    size_t revocation_count;
    struct standing_result *results;   /* `count` of them, filled */
    struct standing_subject *subjects; /* room for `count`; filled, ascending */
    size_t *order;                     /* room for `count`: scratch, the order of places */
    size_t subject_count;
};

/* The order of events: confirmed time, origin, index. */
int standing_compare(const struct standing_event *a, const struct standing_event *b);
/* Judges all events. Asserts that they are in their order. The caller owns all memory; at most
 * count^2 steps. */
void standing_judge(struct standing_case *c);

/* court 3, POST 2, agency, clerk, oversight 1; anyone else 0. */
unsigned standing_rank(uint32_t roles);
/* "in force", "superseded", ...; "alike", "rank", ...: static. */
const char *standing_name(enum standing standing);
const char *standing_why_name(enum standing_why why);

#endif
