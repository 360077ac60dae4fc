/* Rows of the kinds table. Logs and keys, and what is seen of them. */
#include "ledger/kind_rows.h"

/* One member a line. */
/* clang-format off */
static const struct kind_member log_opened[] = {
    REQUIRED("authority", MEMBER_VKEYS, AUTHORITY_MAX, "the keys above the log's operator: roots"),
    ONE_OF("log_role", codes_log_roles, "what its operator is"),
    REQUIRED("log_vkey", MEMBER_VKEY, 0, "the key that signs checkpoints, named for the origin"),
    REQUIRED("operator", MEMBER_TOKEN, OPERATOR_MAX, "who runs the log"),
    REQUIRED("operator_vkey", MEMBER_VKEY, 0, "the operator's own issuer key: signs this event"),
    OPTIONAL("ori", MEMBER_ORI, 0, "the agency's ORI, where the log is one agency's"),
    REQUIRED("threshold", MEMBER_INTEGER, THRESHOLD_MAX, "how many roots sign for the authority"),
};
const struct kind kind_log_opened = {
    ROW(KIND_LOG_OPENED, "log.opened", log_opened),
    .roles = ROLE_OPERATOR,
    .roots_threshold = true,
    .registry = true,
    .help = "entry 0 of every log: its key, operator and roots",
};

static const struct kind_member log_policy[] = {
    REQUIRED("operators", MEMBER_OPERATORS, OPERATOR_MAX, "who runs each witness of the policy"),
    REQUIRED("policy", MEMBER_POLICY, POLICY_SIZE_MAX, "the tlog-policy text"),
};
const struct kind kind_log_policy = {
    ROW(KIND_LOG_POLICY, "log.policy", log_policy),
    .roles = ROLE_ROOT,
    .roots_threshold = true,
    .registry = true,
    .help = "the policy that receipts are checked against from here on",
};

static const struct kind_member log_recognised[] = {
    REQUIRED("address", MEMBER_ADDRESS, ADDRESS_MAX, "where it is served"),
    REQUIRED("log_vkey", MEMBER_VKEY, 0, "the key of the log that is recognised"),
    REQUIRED("operator", MEMBER_TOKEN, OPERATOR_MAX, "who runs it"),
    OPTIONAL("oris", MEMBER_SOME_ORIS, ORIS_MAX, "agencies that it counts about"),
    SOME_OF("roles", codes_recognised_roles, "whose events count beside an agency's own; absent: none"),
    OPTIONAL("states", MEMBER_STATES, STATES_MAX,
             "states about whose agencies it counts; neither it nor oris: about any agency"),
};
const struct kind kind_log_recognised = {
    ROW(KIND_LOG_RECOGNISED, "log.recognised", log_recognised),
    .roles = ROLE_ROOT,
    .roots_threshold = true,
    .registry = true,
    .help = "another log counts for this authority",
};

static const struct kind_member recognition_withdrawn[] = {
    REQUIRED("log_vkey", MEMBER_VKEY, 0, "the key of the log"),
    ONE_OF("reason", codes_withdrawals, "why"),
};
const struct kind kind_recognition_withdrawn = {
    ROW(KIND_RECOGNITION_WITHDRAWN, "recognition.withdrawn", recognition_withdrawn),
    .roles = ROLE_ROOT,
    .roots_threshold = true,
    .registry = true,
    .help = "another log counts no more for this authority",
};

static const struct kind_member log_succeeded[] = {
    OPTIONAL("abandoned", MEMBER_CHECKPOINT, CHECKPOINT_MAX,
             "a larger checkpoint that the old key signed, and that is given up"),
    REQUIRED("checkpoint", MEMBER_CHECKPOINT, CHECKPOINT_MAX,
             "the largest checkpoint that a mirror holds all entries of"),
    ONE_OF("reason", codes_successions, "why the log ends"),
    REQUIRED("successor", MEMBER_VKEY, 0, "the key of the log that goes on"),
    REQUIRED("vkey", MEMBER_VKEY, 0, "the key of the log that ends"),
};
const struct kind kind_log_succeeded = {
    ROW(KIND_LOG_SUCCEEDED, "log.succeeded", log_succeeded),
    .roles = ROLE_ROOT,
    .roots_threshold = true,
    .registry = true,
    .help = "a log ends, and another goes on in its place",
};

static const struct kind_member logs_listed[] = {
    REQUIRED("count", MEMBER_INTEGER, 0, "how many logs are recognised"),
    REQUIRED("file", MEMBER_HASH, 0, "the SHA-256 of the list, with the size of each"),
    REQUIRED("observed", MEMBER_TIME, 0, "when their sizes were read"),
};
const struct kind kind_logs_listed = {
    ROW(KIND_LOGS_LISTED, "logs.listed", logs_listed),
    .roles = ROLE_ROOT,
    .help = "all logs that the authority recognises, with their sizes",
};

static const struct kind_member key_enrolled[] = {
    OPTIONAL("after", MEMBER_EVENT, 0, "the key's last event in a log that this one succeeds"),
    ONE_OF("basis", codes_key_bases, "whether it may sign live events, imported ones, or both"),
    OPTIONAL("from", MEMBER_DATE, 0, "the first day on which it may sign"),
    REQUIRED("kinds", MEMBER_KINDS, KINDS_MAX, "the kinds it may sign, or *"),
    REQUIRED("oris", MEMBER_ORIS, ORIS_MAX, "the agencies it may sign about; none listed: all"),
    ONE_OF("role", codes_key_roles, "what its holder is"),
    OPTIONAL("until", MEMBER_DATE, 0, "the last day on which it may sign"),
    REQUIRED("vkey", MEMBER_VKEY, 0, "the key, its name being the issuer's"),
};
const struct kind kind_key_enrolled = {
    ROW(KIND_KEY_ENROLLED, "key.enrolled", key_enrolled),
    .roles = ROLE_ROOT | ROLE_AGENCY,
    .registry = true,
    .help = "makes a key known to the log, with what it may sign",
};

static const struct kind_member key_revoked[] = {
    REQUIRED("key", MEMBER_NAME, NAME_SIZE_MAX, "the name of the key"),
    ONE_OF("reason", codes_revocations, "why"),
    OPTIONAL("since", MEMBER_DATE, 0, "from which day on what it signed is doubted"),
    OPTIONAL("vkey", MEMBER_VKEY, 0, "the key itself, where this log did not enrol it"),
};
const struct kind kind_key_revoked = {
    ROW(KIND_KEY_REVOKED, "key.revoked", key_revoked),
    .roles = ROLE_ROOT | ROLE_AGENCY,
    .registry = true,
    .help = "takes a key back",
};

static const struct kind_member key_rotated[] = {
    ONE_OF("basis", codes_key_bases, "whether it may sign live events, imported ones, or both"),
    OPTIONAL("from", MEMBER_DATE, 0, "the first day on which it may sign"),
    REQUIRED("key", MEMBER_NAME, NAME_SIZE_MAX, "the name of the key that it takes the place of"),
    REQUIRED("kinds", MEMBER_KINDS, KINDS_MAX, "the kinds it may sign, or *"),
    REQUIRED("oris", MEMBER_ORIS, ORIS_MAX, "the agencies it may sign about; none listed: all"),
    ONE_OF("reason", codes_revocations, "why the old key goes"),
    ONE_OF("role", codes_key_roles, "what its holder is: as the old key's"),
    OPTIONAL("since", MEMBER_DATE, 0, "from which day on what the old key signed is doubted"),
    OPTIONAL("until", MEMBER_DATE, 0, "the last day on which it may sign"),
    REQUIRED("vkey", MEMBER_VKEY, 0, "the fresh key, its name being the issuer's"),
};
const struct kind kind_key_rotated = {
    ROW(KIND_KEY_ROTATED, "key.rotated", key_rotated),
    .roles = ROLE_ROOT | ROLE_AGENCY,
    .registry = true,
    .help = "puts a fresh key in the place of another, which it takes back",
};

static const struct kind_member root_replaced[] = {
    REQUIRED("key", MEMBER_NAME, NAME_SIZE_MAX, "the name of the root that goes"),
    ONE_OF("reason", codes_revocations, "why"),
    REQUIRED("vkey", MEMBER_VKEY, 0, "the key that is a root in its place, with a name of its own"),
};
const struct kind kind_root_replaced = {
    ROW(KIND_ROOT_REPLACED, "root.replaced", root_replaced),
    .roles = ROLE_ROOT,
    .roots_threshold = true,
    .registry = true,
    .help = "puts another root in the place of one that signs nothing more",
};

static const struct kind_member rules_activated[] = {
    REQUIRED("hash", MEMBER_HASH, 0, "the SHA-256 of that table's page of kinds"),
    REQUIRED("table", MEMBER_INTEGER, TABLE_MAX, "the number of the kinds table from here on"),
};
const struct kind kind_rules_activated = {
    ROW(KIND_RULES_ACTIVATED, "rules.activated", rules_activated),
    .roles = ROLE_ROOT,
    .roots_threshold = true,
    .registry = true,
    .help = "puts the log under a newer kinds table",
};

#ifdef DUTYLOG_TABLE_NEXT
static const struct kind_member next_tested[] = {
    ORI,
    REQUIRED("title", MEMBER_TITLE, TITLE_MAX, "anything"),
};
const struct kind kind_next_tested = {
    ROW_SINCE(2, KIND_NEXT_TESTED, "next.tested", next_tested),
    .roles = ROLES_AGENCY,
    .has_ori = true,
    .help = "for tests: a kind that the released table lacks",
};
#endif

static const struct kind_member fork_observed[] = {
    REQUIRED("evidence", MEMBER_EVIDENCE, EVIDENCE_MAX, "the evidence file, in base64"),
    REQUIRED("origin", MEMBER_ORIGIN, NAME_SIZE_MAX, "the origin of the log that forked"),
    REQUIRED("vkey", MEMBER_VKEY_ACCUSED, 0, "the key that signed both sides"),
};
const struct kind kind_fork_observed = {
    ROW(KIND_FORK_OBSERVED, "fork.observed", fork_observed),
    .roles = ROLES_OBSERVERS,
    .help = "proof that a key signed two things that exclude each other",
};

static const struct kind_member node_silent[] = {
    OPTIONAL("last", MEMBER_TIME, 0, "the newest cosignature that was seen; absent: none was"),
    REQUIRED("observed", MEMBER_TIME, 0, "when it was looked for"),
    REQUIRED("origin", MEMBER_ORIGIN, NAME_SIZE_MAX, "the origin of the log that it should sign"),
    REQUIRED("vkey", MEMBER_VKEY_ACCUSED, 0, "the silent key: a mirror's, a witness's, the log's"),
};
const struct kind kind_node_silent = {
    ROW(KIND_NODE_SILENT, "node.silent", node_silent),
    .roles = ROLES_OBSERVERS,
    .help = "a log, mirror or witness gave no cosignature for over 24 hours",
};

static const struct kind_member audit_statement[] = {
    OPTIONAL("document", MEMBER_HASH, 0, "the SHA-256 of the auditor's report"),
    REQUIRED("observed", MEMBER_TIME, 0, "when it was examined"),
    REQUIRED("origin", MEMBER_ORIGIN, NAME_SIZE_MAX, "the origin of the log that was examined"),
    REQUIRED("root", MEMBER_HASH, 0, "the root at that size"),
    REQUIRED("size", MEMBER_INTEGER, 0, "up to which size it was examined"),
    ONE_OF("statement", codes_statements, "what was found"),
};
const struct kind kind_audit_statement = {
    ROW(KIND_AUDIT_STATEMENT, "audit.statement", audit_statement),
    .roles = ROLES_OBSERVERS,
    .help = "what an auditor found in a log",
};

static const struct kind_member list_observed[] = {
    REQUIRED("address", MEMBER_ADDRESS, ADDRESS_MAX, "where it was published"),
    REQUIRED("count", MEMBER_INTEGER, 0, "how many rows it has"),
    REQUIRED("file", MEMBER_HASH, 0, "the SHA-256 of the published file"),
    REQUIRED("keys", MEMBER_HASH, 0, "the SHA-256 of the mapping's part that makes the keys"),
    REQUIRED("list", MEMBER_TOKEN, 64, "what the list is called, on every day"),
    REQUIRED("mapping", MEMBER_HASH, 0, "the SHA-256 of the mapping"),
    REQUIRED("observed", MEMBER_TIME, 0, "when it was fetched"),
    OPTIONAL("ori", MEMBER_ORI, 0, "the ORI of the agency that publishes it"),
    OPTIONAL("previous", MEMBER_EVENT, 0, "the observation before"),
    REQUIRED("root", MEMBER_HASH, 0, "the root over its rows"),
};
const struct kind kind_list_observed = {
    ROW(KIND_LIST_OBSERVED, "list.observed", list_observed),
    .roles = ROLES_OBSERVERS,
    .help = "what a published list said, seen by somebody who fetched it",
};

static const struct kind_member submission_withheld[] = {
    ONE_OF("answer", codes_answers, "what the node answered"),
    REQUIRED("origin", MEMBER_ORIGIN, NAME_SIZE_MAX, "the log that it was sent to"),
    REQUIRED("sent", MEMBER_TIME, 0, "when it was sent"),
    REQUIRED("submission", MEMBER_HASH, 0, "the id of the event that was sent"),
};
const struct kind kind_submission_withheld = {
    ROW(KIND_SUBMISSION_WITHHELD, "submission.withheld", submission_withheld),
    .roles = ROLES_OBSERVERS,
    .help = "an event was sent to a log, and is not in it",
};
/* clang-format on */
