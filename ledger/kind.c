/* The kinds table, number 1. Normative text: specs/event.md#kinds. A change of any row is a new
 * table number. */
#include "ledger/kind.h"

#include "ledger/limits.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define OPEN(n, t, m, h) .name = n, .type = t, .visibility = VISIBLE_OPEN, .max = m, .help = h
/* An open member that must be there, one that may be, one that must unless the event is imported.
 */
#define REQUIRED(n, t, m, h)                                                                       \
    { OPEN(n, t, m, h), .required = true }
#define OPTIONAL(n, t, m, h)                                                                       \
    { OPEN(n, t, m, h) }
#define LIVE(n, t, m, h)                                                                           \
    { OPEN(n, t, m, h), .required_live = true }
#define ONE_OF(n, c, h)                                                                            \
    { OPEN(n, MEMBER_CODE, 0, h), .required = true, .codes = c }
#define CLOSED(n, t, m, h)                                                                         \
    { .name = n, .type = t, .visibility = VISIBLE_CLOSED, .max = m, .help = h }
#define CLOSED_ONE_OF(n, c, h)                                                                     \
    { .name = n, .type = MEMBER_CODE, .visibility = VISIBLE_CLOSED, .codes = c, .help = h }

#define OPERATOR_MAX 64
#define MEMBER_NAME_MAX 64
#define TEXT_MAX 1000
#define NARRATIVE_MAX 8000 /* so that event.opened can disclose it within one event */
#define AUTHORITY_MAX 16
#define THRESHOLD_MAX (EVENT_SIGNATURES_MAX - 1) /* log.opened carries the operator's line too */
#define ORIS_MAX 64
#define KINDS_MAX 32
#define MEASURES_MAX 16
#define EVIDENCE_MAX 15000
#define CHECKPOINT_MAX 4096
#define OPENED_PROOF_MAX 6 /* 64 members at most */

static const char *const bases[] = {"live", "imported", NULL};
static const char *const key_bases[] = {"live", "imported", "both", NULL};
static const char *const parties[] = {"officer", "supervisor", "administrator", "agency", NULL};
static const char *const log_roles[] = {"agency", "state", "doj", "independent", NULL};
static const char *const key_roles[] = {"agency", "clerk", "oversight", "court", "post", NULL};
static const char *const revocations[] = {"retired", "lost", "compromised", "left", NULL};
static const char *const successions[] = {
    "key_lost", "key_stolen", "candidate_lost", "merger", "hash_migration", "quorum_lost", NULL};
static const char *const mappings[] = {"exact", "close", "guessed", NULL};
static const char *const faults[] = {"entered_in_error", "duplicate",    "wrong_case",
                                     "wrong_party",      "wrong_date",   "wrong_code",
                                     "wrong_text",       "wrong_agency", NULL};
const char *const kind_dispositions[] = {
    "pending",      "sustained", "not_sustained", "unfounded",          "exonerated",
    "admin_closed", "mediated",  "withdrawn",     "reversed_on_appeal", NULL};
#define FINAL_DISPOSITIONS (kind_dispositions + 1) /* any but pending */
const struct kind_discipline kind_disciplines[] = {
    {.code = "none"},
    {.code = "counseling"},
    {.code = "training"},
    {.code = "oral_reprimand"},
    {.code = "written_reprimand"},
    {.code = "leave_forfeit", .term = true},
    {.code = "suspension", .term = true, .paid = true},
    {.code = "demotion"},
    {.code = "probation", .term = true},
    {.code = "termination"},
    {.code = "resigned_pending"},
    {.code = "decertification_referral"},
    {.code = "decertified"},
    {.code = "prosecution_referral"},
    {.code = "not_served"},
    {.code = NULL},
};

#define BASIS ONE_OF("basis", bases, "live, or imported from an older record")
#define CASE REQUIRED("case", MEMBER_HANDLE, 0, "the case's random handle, one for all its events")
#define CASE_NUMBER CLOSED("case_number", MEMBER_TEXT, 100, "the agency's own case number")
#define DECIDED_BY                                                                                 \
    REQUIRED("decided_by", MEMBER_TOKEN, 64, "the authority that decided, such as commissioner")
#define MAPPING CLOSED_ONE_OF("mapping", mappings, "how surely the source's own code became ours")
#define NARRATIVE CLOSED("narrative", MEMBER_TEXT, NARRATIVE_MAX, "what happened, in words")
#define OFFICER CLOSED("officer", MEMBER_TOKEN, 64, "the officer's pseudonym")
#define ORI REQUIRED("ori", MEMBER_ORI, 0, "the agency's ORI")
#define PARTY ONE_OF("party", parties, "who the event is about")
#define PLACE CLOSED("place", MEMBER_TEXT, TEXT_MAX, "where it happened")
#define SOURCE_CODE CLOSED("source_code", MEMBER_TEXT, TEXT_MAX, "the source's own code")
#define SOURCE_TEXT CLOSED("source_text", MEMBER_TEXT, NARRATIVE_MAX, "the source's own words")
#define TIME CLOSED("time", MEMBER_TIME, 0, "when it happened, to the second")

/* One member a line. */
/* clang-format off */
static const struct kind_member correction[] = {
    REQUIRED("event", MEMBER_EVENT, 0, "the event that is corrected"),
    NARRATIVE,
    ORI,
    OPTIONAL("replaced_by", MEMBER_EVENT, 0, "the event that stands in its place"),
    ONE_OF("what", faults, "what is wrong with it"),
};

static const struct kind_member discipline_imposed[] = {
    BASIS,
    CASE,
    CASE_NUMBER,
    DECIDED_BY,
    REQUIRED("discipline", MEMBER_DISCIPLINE, MEASURES_MAX, "the measures, each with its numbers"),
    LIVE("imposed", MEMBER_DATE, 0, "the day it was imposed"),
    MAPPING,
    NARRATIVE,
    OFFICER,
    ORI,
    PARTY,
    SOURCE_CODE,
    SOURCE_TEXT,
};

static const struct kind_member event_opened[] = {
    REQUIRED("count", MEMBER_INTEGER, EVENT_MEMBERS_MAX, "how many members the body has"),
    REQUIRED("event", MEMBER_EVENT, 0, "the event whose member is disclosed"),
    REQUIRED("index", MEMBER_INTEGER, EVENT_MEMBERS_MAX - 1, "which of them it is, from 0"),
    REQUIRED("member", MEMBER_TOKEN, MEMBER_NAME_MAX, "the member's name"),
    ORI,
    REQUIRED("proof", MEMBER_HASHES, OPENED_PROOF_MAX, "the inclusion proof in the body's tree"),
    REQUIRED("salt", MEMBER_SALT, 0, "the member's salt"),
    REQUIRED("value", MEMBER_ANY, 0, "the member's value"),
};

static const struct kind_member failure_alleged[] = {
    BASIS,
    CASE,
    CASE_NUMBER,
    MAPPING,
    NARRATIVE,
    OPTIONAL("occurred", MEMBER_DATE, 0, "the day on which it happened"),
    OFFICER,
    ORI,
    PARTY,
    PLACE,
    LIVE("reported", MEMBER_DATE, 0, "the day on which the agency learned of it"),
    SOURCE_CODE,
    SOURCE_TEXT,
    TIME,
};

static const struct kind_member finding_final[] = {
    BASIS,
    CASE,
    CASE_NUMBER,
    LIVE("decided", MEMBER_DATE, 0, "the day of the decision"),
    DECIDED_BY,
    ONE_OF("disposition", FINAL_DISPOSITIONS, "the finding"),
    MAPPING,
    NARRATIVE,
    OFFICER,
    ORI,
    PARTY,
    SOURCE_CODE,
    SOURCE_TEXT,
};

static const struct kind_member fork_observed[] = {
    REQUIRED("evidence", MEMBER_EVIDENCE, EVIDENCE_MAX, "the evidence file, in base64"),
    REQUIRED("origin", MEMBER_ORIGIN, NAME_SIZE_MAX, "the origin of the log that forked"),
    REQUIRED("vkey", MEMBER_VKEY_ACCUSED, 0, "the key that signed both sides"),
};

static const struct kind_member intervention_reported[] = {
    BASIS,
    CASE,
    CASE_NUMBER,
    MAPPING,
    NARRATIVE,
    OPTIONAL("occurred", MEMBER_DATE, 0, "the day on which it happened"),
    OFFICER,
    ORI,
    PARTY,
    PLACE,
    LIVE("reported", MEMBER_DATE, 0, "the day on which it was reported"),
    SOURCE_CODE,
    SOURCE_TEXT,
    TIME,
};

static const struct kind_member key_enrolled[] = {
    OPTIONAL("after", MEMBER_EVENT, 0, "the key's last event in a log that this one succeeds"),
    ONE_OF("basis", key_bases, "whether it may sign live events, imported ones, or both"),
    OPTIONAL("from", MEMBER_DATE, 0, "the first day on which it may sign"),
    REQUIRED("kinds", MEMBER_KINDS, KINDS_MAX, "the kinds it may sign, or *"),
    REQUIRED("oris", MEMBER_ORIS, ORIS_MAX, "the agencies it may sign about; none listed: all"),
    ONE_OF("role", key_roles, "what its holder is"),
    OPTIONAL("until", MEMBER_DATE, 0, "the last day on which it may sign"),
    REQUIRED("vkey", MEMBER_VKEY, 0, "the key, its name being the issuer's"),
};

static const struct kind_member key_revoked[] = {
    REQUIRED("key", MEMBER_NAME, NAME_SIZE_MAX, "the name of the key"),
    ONE_OF("reason", revocations, "why"),
    OPTIONAL("since", MEMBER_DATE, 0, "from which day on what it signed is doubted"),
};

static const struct kind_member log_opened[] = {
    REQUIRED("authority", MEMBER_VKEYS, AUTHORITY_MAX, "the keys above the log's operator: roots"),
    ONE_OF("log_role", log_roles, "what its operator is"),
    REQUIRED("log_vkey", MEMBER_VKEY, 0, "the key that signs checkpoints, named for the origin"),
    REQUIRED("operator", MEMBER_TOKEN, OPERATOR_MAX, "who runs the log"),
    REQUIRED("operator_vkey", MEMBER_VKEY, 0, "the operator's own issuer key: signs this event"),
    OPTIONAL("ori", MEMBER_ORI, 0, "the agency's ORI, where the log is one agency's"),
    REQUIRED("threshold", MEMBER_INTEGER, THRESHOLD_MAX, "how many roots sign for the authority"),
};

static const struct kind_member log_policy[] = {
    REQUIRED("operators", MEMBER_OPERATORS, OPERATOR_MAX, "who runs each witness of the policy"),
    REQUIRED("policy", MEMBER_POLICY, POLICY_SIZE_MAX, "the tlog-policy text"),
};

static const struct kind_member log_succeeded[] = {
    OPTIONAL("abandoned", MEMBER_CHECKPOINT, CHECKPOINT_MAX,
             "a larger checkpoint that the old key signed, and that is given up"),
    REQUIRED("checkpoint", MEMBER_CHECKPOINT, CHECKPOINT_MAX,
             "the largest checkpoint that a mirror holds all entries of"),
    ONE_OF("reason", successions, "why the log ends"),
    REQUIRED("successor", MEMBER_VKEY, 0, "the key of the log that goes on"),
    REQUIRED("vkey", MEMBER_VKEY, 0, "the key of the log that ends"),
};

static const struct kind_member node_silent[] = {
    OPTIONAL("last", MEMBER_TIME, 0, "the newest cosignature that was seen; absent: none was"),
    REQUIRED("observed", MEMBER_TIME, 0, "when it was looked for"),
    REQUIRED("origin", MEMBER_ORIGIN, NAME_SIZE_MAX, "the origin of the log that it should sign"),
    REQUIRED("vkey", MEMBER_VKEY_ACCUSED, 0, "the silent key: a mirror's, a witness's, the log's"),
};

static const struct kind_member stamp_unconfirmed[] = {
    REQUIRED("event", MEMBER_EVENT, 0, "the event whose stamp no quorum confirmed in time"),
    REQUIRED("quorum", MEMBER_TIME, 0, "when a quorum first held it, by a kept checkpoint"),
    REQUIRED("received", MEMBER_TIME, 0, "its stamp"),
    REQUIRED("size", MEMBER_INTEGER, 0, "the size of that checkpoint"),
};

/* clang-format on */

#define ROLES_AGENCY (ROLE_AGENCY | ROLE_CLERK)
#define ROLES_OUTSIDE (ROLE_OVERSIGHT | ROLE_COURT | ROLE_POST)
#define ROLES_CASE (ROLES_AGENCY | ROLES_OUTSIDE)
#define ROLES_OBSERVERS (ROLE_ROOT | ROLE_OPERATOR | ROLE_AGENCY | ROLES_OUTSIDE)
#define ROW(i, n, m) .id = i, .name = n, .members = m, .member_count = COUNT(m)

static const struct kind kinds[] = {
    {ROW(KIND_CORRECTION, "correction", correction), .roles = ROLES_CASE, .has_ori = true,
     .help = "an earlier event is wrong; it stays, and this says how"},
    {ROW(KIND_DISCIPLINE_IMPOSED, "discipline.imposed", discipline_imposed), .roles = ROLES_CASE,
     .has_ori = true, .help = "discipline was imposed"},
    {ROW(KIND_EVENT_OPENED, "event.opened", event_opened), .roles = ROLES_CASE, .has_ori = true,
     .help = "discloses one closed member of an earlier event"},
    {ROW(KIND_FAILURE_ALLEGED, "failure.alleged", failure_alleged), .roles = ROLES_CASE,
     .has_ori = true, .help = "somebody is said to have failed to intervene"},
    {ROW(KIND_FINDING_FINAL, "finding.final", finding_final), .roles = ROLES_CASE, .has_ori = true,
     .help = "the final finding in a case"},
    {ROW(KIND_FORK_OBSERVED, "fork.observed", fork_observed), .roles = ROLES_OBSERVERS,
     .help = "proof that a key signed two things that exclude each other"},
    {ROW(KIND_INTERVENTION_REPORTED, "intervention.reported", intervention_reported),
     .roles = ROLES_CASE, .has_ori = true, .help = "somebody intervened, or tried to"},
    {ROW(KIND_KEY_ENROLLED, "key.enrolled", key_enrolled), .roles = ROLE_ROOT | ROLE_AGENCY,
     .help = "makes a key known to the log, with what it may sign"},
    {ROW(KIND_KEY_REVOKED, "key.revoked", key_revoked), .roles = ROLE_ROOT | ROLE_AGENCY,
     .help = "takes a key back"},
    {ROW(KIND_LOG_OPENED, "log.opened", log_opened), .roles = ROLE_OPERATOR,
     .roots_threshold = true, .help = "entry 0 of every log: its key, operator and roots"},
    {ROW(KIND_LOG_POLICY, "log.policy", log_policy), .roles = ROLE_ROOT, .roots_threshold = true,
     .help = "the policy that receipts are checked against from here on"},
    {ROW(KIND_LOG_SUCCEEDED, "log.succeeded", log_succeeded), .roles = ROLE_ROOT,
     .roots_threshold = true, .help = "a log ends, and another goes on in its place"},
    {ROW(KIND_NODE_SILENT, "node.silent", node_silent), .roles = ROLES_OBSERVERS,
     .help = "a log, mirror or witness gave no cosignature for over 24 hours"},
    {ROW(KIND_STAMP_UNCONFIRMED, "stamp.unconfirmed", stamp_unconfirmed), .roles = ROLES_OBSERVERS,
     .help = "no quorum held an event within an hour of its stamp"},
};
static_assert(COUNT(kinds) == KIND_COUNT, "one row for each kind");

static bool name_is(const char *row, const char *name, size_t len) {
    return strlen(row) == len && memcmp(row, name, len) == 0;
}

const struct kind *kind_find(const char *name, size_t len) {
    for (size_t i = 0; i < COUNT(kinds); i++) {
        if (name_is(kinds[i].name, name, len)) {
            return &kinds[i];
        }
    }
    return NULL;
}

const struct kind *kind_all(size_t *count) {
    *count = COUNT(kinds);
    return kinds;
}

const struct kind_member *kind_member_find(const struct kind *kind, const char *name, size_t len) {
    for (size_t i = 0; i < kind->member_count; i++) {
        if (name_is(kind->members[i].name, name, len)) {
            return &kind->members[i];
        }
    }
    return NULL;
}

bool kind_has_closed(const struct kind *kind) {
    for (size_t i = 0; i < kind->member_count; i++) {
        if (kind->members[i].visibility == VISIBLE_CLOSED) {
            return true;
        }
    }
    return false;
}

static const struct {
    uint32_t role;
    const char *name;
} roles[] = {
    {ROLE_ROOT, "root"},   {ROLE_OPERATOR, "operator"},   {ROLE_AGENCY, "agency"},
    {ROLE_CLERK, "clerk"}, {ROLE_OVERSIGHT, "oversight"}, {ROLE_COURT, "court"},
    {ROLE_POST, "post"},
};

uint32_t role_find(const char *name, size_t len) {
    for (size_t i = 0; i < COUNT(roles); i++) {
        if (name_is(roles[i].name, name, len)) {
            return roles[i].role;
        }
    }
    return 0;
}

const char *role_name(uint32_t role) {
    for (size_t i = 0; i < COUNT(roles); i++) {
        if (roles[i].role == role) {
            return roles[i].name;
        }
    }
    return NULL;
}
