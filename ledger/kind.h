/* Kinds of events: one row of one numbered table each (specs/kinds.md, which is written from this
 * table). The row is all that a validator, a template, a help text, the schema and a case's
 * standing need: members, whether each is open or closed, who may sign, what other events it may
 * name, and what it does to a case. What no row can say, because it relates members to each other,
 * is in event_rules.c. */
#ifndef DUTYLOG_LEDGER_KIND_H
#define DUTYLOG_LEDGER_KIND_H

#include "ledger/status.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The newest table of this build. Tests build a program of the table after this one, which has one
 * kind more, to see old and new builds together. */
#ifdef DUTYLOG_TABLE_NEXT
#define KIND_TABLE_NUMBER 2u
#else
#define KIND_TABLE_NUMBER 1u
#endif

enum member_type {
    MEMBER_TEXT,         /* a string of 1 to `max` bytes, no control characters but newline */
    MEMBER_TOKEN,        /* 1 to `max` of [a-z0-9._-] */
    MEMBER_NAME,         /* an issuer's key name: tokens joined by '/', none "." or ".." */
    MEMBER_ORIGIN,       /* a log's origin: any key name of a signed note */
    MEMBER_HASH,         /* 64 lowercase hex */
    MEMBER_HANDLE,       /* 32 lowercase hex: a random 16-byte case handle */
    MEMBER_ORI,          /* 9 of [A-Z0-9] */
    MEMBER_DATE,         /* YYYY-MM-DD, a real day */
    MEMBER_TIME,         /* YYYY-MM-DDThh:mm:ssZ: RFC 3339, UTC, to the second */
    MEMBER_INTEGER,      /* 0 to 2^53 - 1, at most `max` if not 0 */
    MEMBER_CODE,         /* one of `codes` */
    MEMBER_VKEY,         /* a verifier key of type 0x01 */
    MEMBER_VKEY_ACCUSED, /* a verifier key of type 0x01 or 0x04 */
    MEMBER_VKEYS,      /* 1 to `max` of type 0x01, sorted by key name, no two with one public key */
    MEMBER_POLICY,     /* tlog-policy text of at most `max` bytes */
    MEMBER_OPERATORS,  /* object: policy witness name -> operator (a token) */
    MEMBER_ORIS,       /* 0 to `max` ORIs, sorted; empty = all */
    MEMBER_SOME_ORIS,  /* 1 to `max` ORIs, sorted */
    MEMBER_KINDS,      /* 1 to `max` kind names, sorted, or "*" alone */
    MEMBER_SALT,       /* 64 lowercase hex */
    MEMBER_HASHES,     /* 0 to `max` hashes in hex */
    MEMBER_ANY,        /* any value in its RFC 8785 form (a disclosed value) */
    MEMBER_DISCIPLINE, /* array of 1 to `max` measures: {"code": ...} and its numbers */
    MEMBER_EVIDENCE,   /* an evidence file's text in base64, at most `max` characters */
    MEMBER_CHECKPOINT, /* a signed checkpoint of at most `max` bytes */
    MEMBER_EVENT,      /* another event's place: {"id", "issuer", "log", "seq"} */
    MEMBER_TITLE,      /* one line of 1 to `max` bytes, no control characters */
    MEMBER_ADDRESS,    /* https://, http:// or file: and 1 to `max` printable ASCII, no space */
    MEMBER_MONTH,      /* YYYY-MM, from 1900 on */
    MEMBER_STATE,      /* two of [A-Z]: a state or territory; US for all */
    MEMBER_STATES,     /* 1 to `max` states, sorted; US: agencies whose ORI begins so */
    MEMBER_CODES,      /* one or more of `codes`, sorted */
    MEMBER_TOKENS,     /* 1 to `max` tokens of at most TOKENS_EACH_MAX, sorted */
    MEMBER_TYPE_COUNT
};

#define TOKENS_EACH_MAX 40

enum visibility { VISIBLE_OPEN, VISIBLE_CLOSED };

struct kind_member {
    const char *name;
    enum member_type type;
    enum visibility visibility;
    bool required;      /* for a closed member: recommended in templates; a leaf cannot show it */
    bool required_live; /* required where `basis` is live; an import may lack it */
    bool past;          /* a day that must not lie after the one on which the event is received */
    uint32_t max;
    const char *const *codes; /* NULL-terminated; for MEMBER_CODE, MEMBER_CODES */
    const char *help;         /* one line for a clerk */
};

/* Roles of enrolled keys, as bits. Roots are the authority keys of log.opened. */
enum role {
    ROLE_ROOT = 1 << 0,      /* an authority of log.opened */
    ROLE_OPERATOR = 1 << 1,  /* runs the log; signs log.opened and fork.observed */
    ROLE_AGENCY = 1 << 2,    /* an agency's own key: may enrol clerks within its ORIs */
    ROLE_CLERK = 1 << 3,     /* submits for an agency */
    ROLE_OVERSIGHT = 1 << 4, /* civilian oversight board */
    ROLE_COURT = 1 << 5,
    ROLE_POST = 1 << 6,     /* peace officer standards and training board */
    ROLE_OBSERVER = 1 << 7, /* a newsroom, a university, a monitor: signs what it saw, no case */
    ROLE_ANYONE = 1 << 8,   /* a one-time key, enrolled by nobody (ledger/lodged.h) */
};
#define ROLE_LAST ROLE_ANYONE

/* For code that treats one kind apart. */
enum kind_id {
    KIND_AGENCY_MERGED,
    KIND_AGENCY_REGISTERED,
    KIND_AGENCY_RENAMED,
    KIND_APPEAL_DECIDED,
    KIND_APPEAL_FILED,
    KIND_AUDIT_STATEMENT,
    KIND_CLOSED,
    KIND_COHORT_PUBLISHED,
    KIND_CORRECTION,
    KIND_DECERTIFICATION_ORDERED,
    KIND_DISCIPLINE_IMPOSED,
    KIND_DISCIPLINE_NOT_SERVED,
    KIND_DISCIPLINE_RECOMMENDED,
    KIND_DISCIPLINE_SERVED,
    KIND_EVENT_OPENED,
    KIND_FAILURE_ALLEGED,
    KIND_FINDING_FINAL,
    KIND_FINDING_RECOMMENDED,
    KIND_FINDING_REVERSED,
    KIND_FORK_OBSERVED,
    KIND_GUIDANCE_PUBLISHED,
    KIND_HELD,
    KIND_INTERVENTION_REPORTED,
    KIND_INVESTIGATION_CLOSED,
    KIND_INVESTIGATION_EXTENDED,
    KIND_INVESTIGATION_OPENED,
    KIND_KEY_ENROLLED,
    KIND_KEY_REVOKED,
    KIND_KEY_ROTATED,
    KIND_LIST_OBSERVED,
    KIND_LOG_OPENED,
    KIND_LOG_POLICY,
    KIND_LOG_RECOGNISED,
    KIND_LOG_SUCCEEDED,
    KIND_LOGS_LISTED,
    KIND_NODE_SILENT,
    KIND_NOTICE_SENT,
    KIND_OFFICER_SEPARATED,
    KIND_PERIOD_REPORTED,
    KIND_POLICY_ADOPTED,
    KIND_POLICY_REVISED,
    KIND_POLICY_REVOKED,
    KIND_RECOGNITION_WITHDRAWN,
    KIND_REPORT_LODGED,
    KIND_RESPONSE_APPENDED,
    KIND_RETALIATION_ALLEGED,
    KIND_ROOT_REPLACED,
    KIND_RULES_ACTIVATED,
    KIND_SEAL_ORDERED,
    KIND_STAMP_UNCONFIRMED,
    KIND_STANDARD_PUBLISHED,
    KIND_SUBMISSION_WITHHELD,
    KIND_TRAINING_COMPLETED,
    KIND_WITNESS_REPORTED,
/* Of later tables: after all before, since a store keeps sets of kinds by these numbers. */
#ifdef DUTYLOG_TABLE_NEXT
    KIND_NEXT_TESTED,
#endif
    KIND_COUNT
};

/* A set of kinds: a bit for each. */
static_assert(KIND_COUNT <= 64, "a bit of 64 for each kind");
#define KIND_BIT(id) (UINT64_C(1) << (id))
#define KINDS_ALL UINT64_MAX

/* What an event does to the case that it names (specs/kinds.md#effects). In the order in which a
 * case usually goes. */
enum effect {
    EFFECT_NONE,                  /* concerns no case */
    EFFECT_ALLEGES,               /* brings a case about: an allegation, a report */
    EFFECT_OPENS,                 /* an investigation begins */
    EFFECT_EXTENDS,               /* an investigation is given more time */
    EFFECT_CLOSES,                /* an investigation ends */
    EFFECT_RECOMMENDS_FINDING,    /* stands beside the finding, and is none */
    EFFECT_FINDS,                 /* the finding in force; the one before is superseded */
    EFFECT_REVERSES,              /* the finding that it names is superseded */
    EFFECT_RECOMMENDS_DISCIPLINE, /* stands beside what is imposed */
    EFFECT_IMPOSES,               /* the discipline in force; the one before is superseded */
    EFFECT_SERVES,                /* discipline was carried out */
    EFFECT_FORGOES,               /* discipline was not carried out */
    EFFECT_APPEALS,               /* a decision is contested */
    EFFECT_DECIDES_APPEAL,        /* an appeal ends: what it reverses or reduces is superseded */
    EFFECT_DECERTIFIES,           /* the certificate is taken, suspended or given back */
    EFFECT_SEPARATES,             /* the officer leaves the agency */
    EFFECT_NOTIFIES,              /* somebody was told */
    EFFECT_CORRECTS,              /* the event that it names was wrong: superseded */
    EFFECT_RESPONDS,              /* a statement of somebody concerned, beside what it names */
    EFFECT_DISCLOSES,             /* opens a closed member of the event that it names */
    EFFECT_SEALS,                 /* closed members of the event that it names are sealed */
    EFFECT_COUNT
};
#define EFFECT_BIT(effect) (UINT32_C(1) << (effect))

struct kind {
    enum kind_id id;
    const char *name;
    uint32_t table;       /* that brought it: refused in a log that is under an earlier one */
    uint32_t roles;       /* who may be the issuer */
    bool roots_threshold; /* must carry signatures of exactly `threshold` roots (log.opened,
                             log.policy, log.succeeded, rules.activated) */
    bool registry;        /* changes what acceptance keeps of the log: keys, rules, agencies, logs
                             recognised, its end */
    bool has_ori;         /* carries an `ori` member that the issuer's scope must cover */
    uint64_t refers;      /* the kinds that its member `event` may name */
    enum effect effect;   /* what it does to a case */
    uint32_t after;       /* effects of which a live case must have one before; 0: none is asked.
                             Else the event is out of order, which is standing and refuses nothing */
    const struct kind_member *members; /* open and closed, in bytewise order of names */
    size_t member_count;
    const char *help;
};

/* The row of a kind, or NULL. Static. */
const struct kind *kind_find(const char *name, size_t len);
/* The row of a kind. Those of one table are numbered in bytewise order of names, those of a later
 * one after them: whoever wants all goes from 0 to KIND_COUNT. Static. */
const struct kind *kind_at(enum kind_id id);
/* A kind's member, or NULL. Static. */
const struct kind_member *kind_member_find(const struct kind *kind, const char *name, size_t len);
/* True if events of the kind may carry a body. */
bool kind_has_closed(const struct kind *kind);
/* True if events of the kind make a key known, with its whole scope: key.enrolled, key.rotated. */
bool kind_enrols(const struct kind *kind);
/* "alleges", "finds", ...; and what it means, for a reader. Static. */
const char *effect_name(enum effect effect);
const char *effect_help(enum effect effect);
/* Role names: "agency", "clerk", ... 0 if unknown; NULL if no single role. */
uint32_t role_find(const char *name, size_t len);
const char *role_name(uint32_t role);
/* The disposition codes (a final finding has any but `pending`), and the discipline codes with the
 * numbers that each carries: ended by a NULL name. */
extern const char *const kind_dispositions[];
struct kind_discipline {
    const char *code;
    bool term; /* carries exactly one of `days` and `months` */
    bool paid; /* carries `paid` */
};
extern const struct kind_discipline kind_disciplines[];

#endif
