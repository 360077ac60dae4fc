/* Kinds of events: one row of one numbered table each (specs/event.md#kinds). The row is all that a
 * validator, a template or a help text needs: members, whether each is open or closed, and who may
 * sign. What no row can say, because it relates members to each other, is in event_rules.c. */
#ifndef DUTYLOG_LEDGER_KIND_H
#define DUTYLOG_LEDGER_KIND_H

#include "ledger/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KIND_TABLE_NUMBER 1

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
    MEMBER_KINDS,      /* 1 to `max` kind names, sorted, or "*" alone */
    MEMBER_SALT,       /* 64 lowercase hex */
    MEMBER_HASHES,     /* 0 to `max` hashes in hex */
    MEMBER_ANY,        /* any value in its RFC 8785 form (a disclosed value) */
    MEMBER_DISCIPLINE, /* array of 1 to `max` measures: {"code": ...} and its numbers */
    MEMBER_EVIDENCE,   /* an evidence file's text in base64, at most `max` characters */
    MEMBER_CHECKPOINT, /* a signed checkpoint of at most `max` bytes */
    MEMBER_EVENT,      /* another event's place: {"id", "issuer", "log", "seq"} */
};

enum visibility { VISIBLE_OPEN, VISIBLE_CLOSED };

struct kind_member {
    const char *name;
    enum member_type type;
    enum visibility visibility;
    bool required;      /* for a closed member: recommended in templates; a leaf cannot show it */
    bool required_live; /* required where `basis` is live; an import may lack it */
    uint32_t max;
    const char *const *codes; /* NULL-terminated; for MEMBER_CODE */
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
    ROLE_POST = 1 << 6, /* peace officer standards and training board */
};

/* For code that treats one kind apart; the number is never written. */
enum kind_id {
    KIND_CORRECTION,
    KIND_DISCIPLINE_IMPOSED,
    KIND_EVENT_OPENED,
    KIND_FAILURE_ALLEGED,
    KIND_FINDING_FINAL,
    KIND_FORK_OBSERVED,
    KIND_INTERVENTION_REPORTED,
    KIND_KEY_ENROLLED,
    KIND_KEY_REVOKED,
    KIND_LOG_OPENED,
    KIND_LOG_POLICY,
    KIND_LOG_SUCCEEDED,
    KIND_NODE_SILENT,
    KIND_STAMP_UNCONFIRMED,
    KIND_COUNT
};

struct kind {
    enum kind_id id;
    const char *name;
    uint32_t roles;       /* who may be the issuer */
    bool roots_threshold; /* must carry signatures of exactly `threshold` roots (log.opened,
                             log.policy, log.succeeded) */
    bool has_ori;         /* carries an `ori` member that the issuer's scope must cover */
    const struct kind_member *members; /* open and closed, in bytewise order of names */
    size_t member_count;
    const char *help;
};

/* The row of a kind, or NULL. Static. */
const struct kind *kind_find(const char *name, size_t len);
/* All rows, for help and templates, in bytewise order of names. */
const struct kind *kind_all(size_t *count);
/* A kind's member, or NULL. Static. */
const struct kind_member *kind_member_find(const struct kind *kind, const char *name, size_t len);
/* True if events of the kind may carry a body. */
bool kind_has_closed(const struct kind *kind);
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
