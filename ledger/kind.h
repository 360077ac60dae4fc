/* Kinds of events: one row of one numbered table each (specs/kinds in specs/event.md). The row is
 * all that a validator, a template or a help text needs: members, whether each is open or closed,
 * and who may sign. */
#ifndef DUTYLOG_LEDGER_KIND_H
#define DUTYLOG_LEDGER_KIND_H

#include "ledger/status.h"

#include <stddef.h>
#include <stdint.h>

#define KIND_TABLE_NUMBER 1

enum member_type {
    MEMBER_TEXT,       /* a string up to `max` bytes, no control characters but newline */
    MEMBER_TOKEN,      /* [a-z0-9._-]+ up to `max` */
    MEMBER_HASH,       /* 64 lowercase hex */
    MEMBER_HANDLE,     /* 32 lowercase hex: a random 16-byte case handle */
    MEMBER_ORI,        /* 9 of [A-Z0-9] */
    MEMBER_DATE,       /* YYYY-MM-DD, a real day */
    MEMBER_TIME,       /* RFC 3339 UTC to the second, ending in Z */
    MEMBER_INTEGER,    /* 0 to 2^53 - 1, at most `max` if not 0 */
    MEMBER_CODE,       /* one of `codes` */
    MEMBER_VKEY,       /* a verifier key, type 0x01 unless said */
    MEMBER_VKEYS,      /* 1 to `max` of them, no two with one public key */
    MEMBER_POLICY,     /* tlog-policy text */
    MEMBER_OPERATORS,  /* object: policy witness name -> operator name */
    MEMBER_ORIS,       /* 0 to `max` ORIs; empty = all */
    MEMBER_KINDS,      /* 1 to `max` kind names, or "*" alone */
    MEMBER_SALT,       /* 64 lowercase hex */
    MEMBER_HASHES,     /* 0 to `max` hashes in hex */
    MEMBER_ANY,        /* any value in its RFC 8785 form (a disclosed value) */
    MEMBER_DISCIPLINE, /* array of discipline codes with their numbers, 1 to `max` */
    MEMBER_EVIDENCE,   /* an evidence file's text in base64 */
    MEMBER_EVENT,      /* an event id with its log: {"id": hex, "log": origin} */
};

enum visibility { VISIBLE_OPEN, VISIBLE_CLOSED };

struct kind_member {
    const char *name;
    enum member_type type;
    enum visibility visibility;
    bool required; /* for a closed member: recommended in templates; a leaf cannot show it */
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

struct kind {
    const char *name;
    uint32_t roles;       /* who may be the issuer */
    bool roots_threshold; /* must carry signatures of exactly `threshold` roots (log.opened,
                             log.policy) */
    bool has_ori;         /* carries an `ori` member that the issuer's scope must cover */
    const struct kind_member *members; /* in bytewise order of names */
    size_t member_count;
    const char *help;
};

/* The row of a kind, or NULL. Static. */
const struct kind *kind_find(const char *name, size_t len);
/* All rows, for help and templates. */
const struct kind *kind_all(size_t *count);
/* Role names: "agency", "clerk", ... 0 if unknown; NULL if no single role. */
uint32_t role_find(const char *name, size_t len);
const char *role_name(uint32_t role);
/* The sources of the disposition and discipline codes: NULL-terminated lists. */
extern const char *const kind_dispositions[];
extern const char *const kind_disciplines[];

#endif
