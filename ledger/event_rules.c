#include "ledger/event_rules.h"

#include "ledger/json.h"
#include "ledger/law.h"
#include "ledger/lodged.h"
#include "ledger/member.h"
#include "ledger/succession.h"

#include <assert.h>
#include <string.h>

/* As much of a name as goes into a refusal. */
#define QUOTE(name) (int)((name).len < 60 ? (name).len : 60), (const char *)(name).data

static struct bytes open_text(const struct event *event, const char *name) {
    const char *text = event_open_text(event, name);
    return text == NULL ? bytes_of(NULL, 0) : bytes_text(text);
}

/* A vkey member, which was checked to be one. */
static void get_vkey(const json_t *value, struct vkey *out) {
    enum status status = vkey_parse(jcs_text(value), out, NULL);
    assert(status == STATUS_OK);
}

static bool same_public_key(const struct vkey *a, const struct vkey *b) {
    return memcmp(a->key.bytes, b->key.bytes, sizeof a->key.bytes) == 0;
}

/* --- registry --- */

/* Names of one-time keys are for these alone. */
static enum status check_not_reserved(const struct vkey *key, const char *member,
                                      struct refusal *why) {
    return lodged_reserves(vkey_name(key))
               ? refuse(why, STATUS_BAD_MEMBER,
                        "%s: names that start with " LODGED_PREFIX
                        " are those of one-time keys (report.lodged): give the key another",
                        member)
               : STATUS_OK;
}

static enum status check_authority(const struct event *event, const struct vkey *log_key,
                                   const struct vkey *operator_key, struct refusal *why) {
    const json_t *authority = json_object_get(event->open, "authority");
    uint64_t threshold = 0;
    for (size_t i = 0; i < json_array_size(authority); i++) {
        struct vkey key;
        get_vkey(json_array_get(authority, i), &key);
        if (!text_is_issuer(vkey_name(&key))) {
            return refuse(why, STATUS_BAD_MEMBER,
                          "authority: the key name %.60s is not made of a-z 0-9 . _ - and /",
                          key.name);
        }
        TRY(check_not_reserved(&key, "authority", why));
        if (same_public_key(&key, log_key) || same_public_key(&key, operator_key) ||
            bytes_equal(vkey_name(&key), event->issuer)) {
            return refuse(why, STATUS_BAD_MEMBER,
                          "authority: %.60s is the log's or the operator's own key", key.name);
        }
    }
    bool has_threshold = event_open_integer(event, "threshold", &threshold);
    assert(has_threshold);
    if (threshold < 1 || threshold > json_array_size(authority)) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "threshold must be from 1 to %zu, the keys of authority",
                      json_array_size(authority));
    }
    return STATUS_OK;
}

static enum status check_log_opened(const struct event *event, struct refusal *why) {
    struct vkey log_key;
    struct vkey operator_key;
    get_vkey(json_object_get(event->open, "log_vkey"), &log_key);
    get_vkey(json_object_get(event->open, "operator_vkey"), &operator_key);
    if (event->seq != 1) {
        return refuse(why, STATUS_BAD_MEMBER, "seq must be 1 in log.opened, the log's first event");
    }
    if (!bytes_equal(vkey_name(&log_key), event->log)) {
        return refuse(why, STATUS_BAD_MEMBER, "log_vkey must be named %.*s, as the log is",
                      QUOTE(event->log));
    }
    if (!bytes_equal(vkey_name(&operator_key), event->issuer)) {
        return refuse(why, STATUS_BAD_MEMBER, "operator_vkey must be named %.*s, as the issuer is",
                      QUOTE(event->issuer));
    }
    if (same_public_key(&log_key, &operator_key)) {
        return refuse(why, STATUS_BAD_MEMBER, "operator_vkey must be another key than log_vkey");
    }
    TRY(check_not_reserved(&operator_key, "operator_vkey", why));
    return check_authority(event, &log_key, &operator_key, why);
}

/* Who runs a witness; empty if `operators` does not say. */
static struct bytes operator_of(const struct event *event, const struct policy_witness *witness) {
    const json_t *operators = json_object_get(event->open, "operators");
    char name[JCS_NAME_MAX + 1] = "";
    if (witness->name.len <= JCS_NAME_MAX) {
        memcpy(name, witness->name.data, witness->name.len);
    }
    const json_t *operator_name = json_object_get(operators, name);
    return operator_name == NULL ? bytes_of(NULL, 0) : jcs_text(operator_name);
}

void event_policy(const struct event *event, struct policy *out,
                  struct bytes operators[POLICY_WITNESSES_MAX]) {
    assert(event->kind->id == KIND_LOG_POLICY);
    enum status status = policy_parse(open_text(event, "policy"), out, NULL);
    assert(status == STATUS_OK); /* member_check parsed it before */
    for (size_t i = 0; i < POLICY_WITNESSES_MAX; i++) {
        operators[i] =
            i < out->witness_count ? operator_of(event, &out->witnesses[i]) : bytes_of(NULL, 0);
    }
}

/* That no mirror is run by the log's own operator is for ledger/accept.h: log.opened names that
 * one. */
static enum status check_log_policy(const struct event *event, struct refusal *why) {
    struct policy policy;
    struct bytes operators[POLICY_WITNESSES_MAX];
    event_policy(event, &policy, operators);
    for (size_t i = 0; i < policy.witness_count; i++) {
        if (operators[i].len == 0) {
            return refuse(why, STATUS_BAD_MEMBER, "operators lacks the witness %.*s",
                          QUOTE(policy.witnesses[i].name));
        }
    }
    /* No operator is empty, so none is taken for the log's. */
    TRY(policy_check_safe(&policy, NULL, bytes_of(NULL, 0), operators, why));
    if (!bytes_equal(vkey_name(&policy.logs[0].vkey), event->log)) {
        return refuse(why, STATUS_BAD_POLICY, "the policy is for the log %.60s",
                      policy.logs[0].vkey.name);
    }
    if (json_object_size(json_object_get(event->open, "operators")) != policy.witness_count) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "operators names a witness that the policy lacks: it has one member for each "
                      "witness line, and no other");
    }
    return STATUS_OK;
}

static enum status check_log_succeeded(const struct event *event, struct refusal *why) {
    struct succession succession;
    succession_of(event, &succession);
    return succession_check(&succession, why);
}

/* The key goes on with its own sequence, from another log. */
static enum status check_after(const struct event *event, const struct vkey *key,
                               struct refusal *why) {
    const json_t *after = json_object_get(event->open, "after");
    if (after == NULL) {
        return STATUS_OK;
    }
    if (!bytes_equal(jcs_text(json_object_get(after, "issuer")), vkey_name(key))) {
        return refuse(why, STATUS_BAD_MEMBER, "after must be an event of the same key, %.60s",
                      key->name);
    }
    if (bytes_equal(jcs_text(json_object_get(after, "log")), event->log)) {
        return refuse(why, STATUS_BAD_MEMBER, "after must be an event of another log");
    }
    return STATUS_OK;
}

static enum status check_fresh_key(const struct event *event, struct vkey *out,
                                   struct refusal *why) {
    struct vkey key;
    struct bytes from = open_text(event, "from");
    struct bytes until = open_text(event, "until");
    get_vkey(json_object_get(event->open, "vkey"), &key);
    if (!text_is_issuer(vkey_name(&key))) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "vkey: the key name %.60s is not made of a-z 0-9 . _ - and /", key.name);
    }
    if (bytes_equal(vkey_name(&key), event->issuer)) {
        return refuse(why, STATUS_BAD_MEMBER, "vkey must be another key than the issuer's");
    }
    TRY(check_not_reserved(&key, "vkey", why));
    /* An absent `from` is empty, and so before every day. */
    if (until.len > 0 && bytes_compare(from, until) > 0) {
        return refuse(why, STATUS_BAD_MEMBER, "until must not be before from");
    }
    *out = key;
    return STATUS_OK;
}

static enum status check_key_enrolled(const struct event *event, struct refusal *why) {
    struct vkey key;
    TRY(check_fresh_key(event, &key, why));
    return check_after(event, &key, why);
}

static enum status check_root_replaced(const struct event *event, struct refusal *why) {
    struct bytes name = open_text(event, "key");
    struct vkey key;
    TRY(check_fresh_key(event, &key, why));
    if (bytes_equal(vkey_name(&key), name)) {
        return refuse(why, STATUS_BAD_MEMBER, "vkey must have another name than %.*s", QUOTE(name));
    }
    return STATUS_OK;
}

static enum status check_key_revoked(const struct event *event, struct refusal *why) {
    const json_t *vkey = json_object_get(event->open, "vkey");
    struct vkey key;
    if (vkey == NULL) {
        return STATUS_OK;
    }
    get_vkey(vkey, &key);
    return bytes_equal(vkey_name(&key), open_text(event, "key"))
               ? STATUS_OK
               : refuse(why, STATUS_BAD_MEMBER, "vkey must be named %.*s, as key says",
                        QUOTE(open_text(event, "key")));
}

static enum status check_key_rotated(const struct event *event, struct refusal *why) {
    struct vkey key;
    TRY(check_fresh_key(event, &key, why));
    if (bytes_equal(vkey_name(&key), open_text(event, "key"))) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "vkey must be under another name than %.60s, whose place it takes: every key "
                      "has a name of its own",
                      key.name);
    }
    return STATUS_OK;
}

/* --- other kinds --- */

/* Number of hashes in the RFC 6962 inclusion proof of leaf `index` of `count`. */
static size_t proof_length(uint64_t index, uint64_t count) {
    size_t length = 0;
    for (uint64_t last = count - 1; last > 0; last >>= 1, index >>= 1) {
        /* The last node of a level is without a sibling if it is a left child. */
        length += index < last || (index & 1) != 0;
    }
    return length;
}

static enum status check_event_opened(const struct event *event, struct refusal *why) {
    uint64_t index = 0;
    uint64_t count = 0;
    bool complete =
        event_open_integer(event, "index", &index) && event_open_integer(event, "count", &count);
    assert(complete);
    if (index >= count) {
        return refuse(why, STATUS_BAD_MEMBER, "index must be below count");
    }
    size_t length = json_array_size(json_object_get(event->open, "proof"));
    if (length != proof_length(index, count)) {
        return refuse(why, STATUS_BAD_MEMBER, "proof must have %zu hashes for leaf %d of %d",
                      proof_length(index, count), (int)index, (int)count);
    }
    return STATUS_OK;
}

static enum status check_live(const struct event *event, struct refusal *why) {
    const char *basis = event_open_text(event, "basis");
    if (basis == NULL || strcmp(basis, "live") != 0) {
        return STATUS_OK;
    }
    for (size_t i = 0; i < event->kind->member_count; i++) {
        const struct kind_member *member = &event->kind->members[i];
        if (member->required_live && json_object_get(event->open, member->name) == NULL) {
            return refuse(why, STATUS_BAD_MEMBER, "%s is required where basis is live: %s",
                          member->name, member->help);
        }
    }
    return STATUS_OK;
}

/* What happened cannot have been reported before. */
static enum status check_occurred(const struct event *event, struct refusal *why) {
    struct bytes occurred = open_text(event, "occurred");
    struct bytes reported = open_text(event, "reported");
    if (occurred.len > 0 && reported.len > 0 && bytes_compare(occurred, reported) > 0) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "occurred must not be after reported: %.10s is after %.10s",
                      (const char *)occurred.data, (const char *)reported.data);
    }
    return STATUS_OK;
}

static enum status check_merged(const struct event *event, struct refusal *why) {
    if (bytes_equal(open_text(event, "into"), open_text(event, "ori"))) {
        return refuse(why, STATUS_BAD_MEMBER, "into must be another agency than ori");
    }
    return STATUS_OK;
}

static enum status check_activated(const struct event *event, struct refusal *why) {
    uint64_t table = 0;
    if (event_open_integer(event, "table", &table) && table < 2) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "table must be from 2 on: a log is under table 1 from its opening");
    }
    return STATUS_OK;
}

static enum status check_subject(const struct event *event, struct refusal *why) {
    uint64_t subject = 0;
    if (event_open_integer(event, "subject", &subject) && subject == 0) {
        return refuse(why, STATUS_BAD_MEMBER, "subject must be from 1 on");
    }
    return STATUS_OK;
}

static enum status check_period(const struct event *event, struct refusal *why) {
    bool first = json_object_get(event->open, "first_case") != NULL;
    bool last = json_object_get(event->open, "last_case") != NULL;
    return first == last ? STATUS_OK
                         : refuse(why, STATUS_BAD_MEMBER,
                                  "first_case and last_case stand together, or neither");
}

/* What it is reduced or increased to. */
static enum status check_decided(const struct event *event, struct refusal *why) {
    struct bytes outcome = open_text(event, "outcome");
    bool changes = bytes_equal(outcome, bytes_text("reduced")) ||
                   bytes_equal(outcome, bytes_text("increased"));
    return !changes || json_object_get(event->open, "discipline") != NULL
               ? STATUS_OK
               : refuse(why, STATUS_BAD_MEMBER,
                        "discipline must be there, with what is imposed now, where outcome is %.*s",
                        QUOTE(outcome));
}

static enum status check_standard(const struct event *event, struct refusal *why) {
    bool deadline = json_object_get(event->open, "deadline") != NULL;
    bool calendar = json_object_get(event->open, "calendar") != NULL;
    bool start = json_object_get(event->open, "clock_start") != NULL;
    return deadline == calendar && deadline == start
               ? STATUS_OK
               : refuse(why, STATUS_BAD_MEMBER,
                        "deadline, calendar and clock_start stand together, or none of them");
}

enum status event_check_rules(const struct event *event, struct refusal *why) {
    static enum status (*const checks[KIND_COUNT])(const struct event *event,
                                                   struct refusal *why) = {
        [KIND_AGENCY_MERGED] = check_merged,        [KIND_EVENT_OPENED] = check_event_opened,
        [KIND_APPEAL_DECIDED] = check_decided,      [KIND_KEY_ENROLLED] = check_key_enrolled,
        [KIND_ROOT_REPLACED] = check_root_replaced, [KIND_KEY_REVOKED] = check_key_revoked,
        [KIND_KEY_ROTATED] = check_key_rotated,     [KIND_LOG_OPENED] = check_log_opened,
        [KIND_LOG_POLICY] = check_log_policy,       [KIND_LOG_SUCCEEDED] = check_log_succeeded,
        [KIND_PERIOD_REPORTED] = check_period,      [KIND_STANDARD_PUBLISHED] = check_standard,
        [KIND_RULES_ACTIVATED] = check_activated,   [KIND_REPORT_LODGED] = lodged_check,
    };
    TRY(law_check(event, 0, 1, why)); /* later rows: acceptance, which knows the table in force */
    TRY(check_live(event, why));
    TRY(check_occurred(event, why));
    TRY(check_subject(event, why));
    return checks[event->kind->id] != NULL ? checks[event->kind->id](event, why) : STATUS_OK;
}

/* --- signature lines --- */

static bool is_by_authority(const struct event *event, const struct note_signature *line) {
    const json_t *authority = json_object_get(event->open, "authority");
    for (size_t i = 0; i < json_array_size(authority); i++) {
        struct vkey key;
        get_vkey(json_array_get(authority, i), &key);
        if (note_signature_is_by(line, &key)) {
            return true;
        }
    }
    return false;
}

/* log.opened brings its keys along, so that even whose lines they are is decided by its bytes. */
static enum status check_opening_lines(const struct event *event, const struct note *note,
                                       struct refusal *why) {
    struct vkey operator_key;
    uint64_t threshold = 0;
    bool has_threshold = event_open_integer(event, "threshold", &threshold);
    assert(has_threshold);
    get_vkey(json_object_get(event->open, "operator_vkey"), &operator_key);
    if (!note_signature_is_by(&note->signatures[0], &operator_key)) {
        return refuse(why, STATUS_DENIED_SIGNATURE, "the first signature is not by operator_vkey");
    }
    for (size_t i = 1; i < note->count; i++) {
        if (!is_by_authority(event, &note->signatures[i])) {
            return refuse(why, STATUS_DENIED_SIGNATURE, "%.*s is no key of authority",
                          QUOTE(note->signatures[i].name));
        }
    }
    if (note->count != 1 + threshold) {
        return refuse(why, STATUS_DENIED_SIGNATURE,
                      "%d signatures by keys of authority, and exactly %d are needed",
                      (int)note->count - 1, (int)threshold);
    }
    return STATUS_OK;
}

/* The root that goes has no say in it. */
static enum status check_replacing_lines(const struct event *event, const struct note *note,
                                         struct refusal *why) {
    struct bytes name = open_text(event, "key");
    for (size_t i = 0; i < note->count; i++) {
        if (bytes_equal(note->signatures[i].name, name)) {
            return refuse(why, STATUS_DENIED_SIGNATURE,
                          "signed by %.*s, which is to go: the other roots sign", QUOTE(name));
        }
    }
    return STATUS_OK;
}

enum status event_check_lines(const struct event *event, const struct note *note,
                              struct refusal *why) {
    if (!bytes_equal(note->signatures[0].name, event->issuer)) {
        return refuse(why, STATUS_DENIED_SIGNATURE,
                      "the first signature is by %.*s and must be by the issuer, %.*s",
                      QUOTE(note->signatures[0].name), QUOTE(event->issuer));
    }
    if (note->count > EVENT_SIGNATURES_MAX) {
        return refuse(why, STATUS_DENIED_SIGNATURE, "%zu signatures, and %d are the most",
                      note->count, EVENT_SIGNATURES_MAX);
    }
    for (size_t i = 0; i < note->count; i++) {
        const struct note_signature *line = &note->signatures[i];
        if (line->blob_len != SIGN_SIGNATURE_SIZE) {
            return refuse(why, STATUS_DENIED_SIGNATURE, "the signature by %.*s is not Ed25519",
                          QUOTE(line->name));
        }
        if (i > 0 && bytes_equal(line->name, event->issuer)) {
            return refuse(why, STATUS_DENIED_SIGNATURE, "the issuer signed twice");
        }
        if (i > 1 && bytes_compare(line[-1].name, line->name) >= 0) {
            return refuse(why, STATUS_DENIED_SIGNATURE,
                          "the signature by %.*s is out of order: after the issuer's, lines are "
                          "sorted by key name, each once",
                          QUOTE(line->name));
        }
    }
    if (!event->kind->roots_threshold && note->count != 1) {
        return refuse(why, STATUS_DENIED_SIGNATURE, "%s is signed by its issuer alone",
                      event->kind->name);
    }
    if (event->kind->id == KIND_ROOT_REPLACED) {
        return check_replacing_lines(event, note, why);
    }
    return event->kind->id == KIND_LOG_OPENED ? check_opening_lines(event, note, why) : STATUS_OK;
}
