/* What acceptance asks of some kinds beyond what it asks of all: that a policy is safe, that an
 * enrolment or a revocation is its issuer's to make, and that what an event says of another event
 * of this log is true. What it says of other logs is standing, not acceptance. */
#include "ledger/accept_parts.h"
#include "ledger/agency.h"
#include "ledger/disclosure.h"
#include "ledger/json.h"
#include "ledger/member.h"
#include "ledger/recognition.h"
#include "ledger/revocation.h"
#include "ledger/succession.h"

#include <assert.h>
#include <string.h>

static enum status check_policy(struct check *c) {
    struct policy policy;
    struct bytes operators[POLICY_WITNESSES_MAX];
    struct accept_state state;
    TRY(accept_state_get(c->txn, c->log->number, &state));
    event_policy(c->event, &policy, operators);
    struct bytes own = bytes_text(state.operator_name);
#ifdef DUTYLOG_BUG_OWN_MIRROR /* planted: a mirror that the log's own operator runs counts */
    own = bytes_of(NULL, 0);
#endif
    return policy_check_safe(&policy, &c->log->vkey, own, operators, c->why);
}

/* --- registry --- */

/* A sequence goes on only from a log that this one succeeds. Whether the event is the key's last
 * there is standing: it takes both logs to tell. */
static enum status check_after(struct check *c) {
    const json_t *after = json_object_get(c->event->open, "after");
    struct succession_row row = {.here = false};
    if (after == NULL) {
        return STATUS_OK;
    }
    struct bytes origin = jcs_text(json_object_get(after, "log"));
    enum status status = succession_get(c->txn, c->log->number, origin, &row);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && !row.here)) {
        return refuse(c->why, STATUS_BAD_MEMBER,
                      "member after: no log.succeeded in this log says that it goes on for that "
                      "one");
    }
    return status;
}

/* A kind of the set that came with a later table; NULL: none, or the set is of all kinds. */
static const struct kind *kinds_after(uint64_t kinds, uint32_t table) {
    for (size_t i = 0; i < KIND_COUNT && kinds != KINDS_ALL; i++) {
        if ((kinds & KIND_BIT(i)) != 0 && kind_at((enum kind_id)i)->table > table) {
            return kind_at((enum kind_id)i);
        }
    }
    return NULL;
}

enum status accept_check_fresh(struct check *c, const struct issuer *fresh) {
    struct issuer known;
    if (memcmp(fresh->vkey.key.bytes, c->log->vkey.key.bytes, sizeof fresh->vkey.key.bytes) == 0) {
        return refuse(c->why, STATUS_BAD_MEMBER,
                      "member vkey: the log's own key, which signs checkpoints and nothing else");
    }
    const struct kind *later = kinds_after(fresh->kinds, c->rules.table);
    if (later != NULL) {
        return refuse(c->why, STATUS_BAD_MEMBER,
                      "member kinds: %s is of kinds table %u, and this log is under table %u",
                      later->name, later->table, c->rules.table);
    }
    enum status status = issuer_find(c->txn, c->log->number, vkey_name(&fresh->vkey), &known);
    if (status == STATUS_OK) {
        return refuse(c->why, STATUS_BAD_MEMBER,
                      "member vkey: the name %.60s is taken in this log: give every key its own",
                      fresh->vkey.name);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status check_enrolment(struct check *c) {
    struct issuer fresh;
    issuer_of_enrolment(c->event, &fresh);
    TRY(accept_check_fresh(c, &fresh));
    TRY(check_after(c));
    return issuer_may_grant(&c->issuer, &fresh, c->why);
}

static enum status check_succession(struct check *c) {
    struct succession succession;
    struct succession_row known;
    succession_of(c->event, &succession);
    bool own = vkey_equal(&succession.old, &c->log->vkey);
    if (!own && bytes_equal(vkey_name(&succession.old), vkey_name(&c->log->vkey))) {
        return refuse(c->why, STATUS_BAD_MEMBER, "member vkey: another key than this log's");
    }
    if (own && succession.checkpoint.size > c->index) {
        return refuse(c->why, STATUS_BAD_MEMBER,
                      "member checkpoint: its size %llu is beyond this log, of %llu entries",
                      (unsigned long long)succession.checkpoint.size, (unsigned long long)c->index);
    }
    enum status status = succession_get(c->txn, c->log->number, vkey_name(&succession.old), &known);
    if (status == STATUS_OK) {
        return refuse(c->why, STATUS_BAD_MEMBER,
                      "member vkey: entry %llu of this log says already what becomes of %.60s",
                      (unsigned long long)known.index, succession.old.name);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Taken back already, and the same again moves nothing. */
static enum status check_says_more(struct check *c, const struct revocation_said *said) {
    if (revocation_says_more(c->event, said)) {
        return said->by_revoker < REVOCATIONS_BY_ONE_MAX
                   ? STATUS_OK
                   : refuse(c->why, STATUS_BAD_MEMBER,
                            "member key: this issuer has revoked %.60s %d times: let another say "
                            "the rest",
                            event_open_text(c->event, "key"), REVOCATIONS_BY_ONE_MAX);
    }
    return refuse(c->why, STATUS_BAD_MEMBER,
                  "member key: %.60s is revoked already, by entry %llu: again only with the reason "
                  "compromised, from an earlier day than before",
                  event_open_text(c->event, "key"), (unsigned long long)said->index);
}

/* With `vkey`, the key of another log: whose it is to take back, that log knows, and it is not
 * asked here. But it has to be clear which of the two is meant; and who says the same over and over
 * would make everybody who judges a case of that key read it all. */
static enum status check_foreign(struct check *c, const char *vkey) {
    struct vkey key;
    struct issuer target;
    enum status status = vkey_parse(bytes_text(vkey), &key, NULL);
    assert(status == STATUS_OK); /* member_check took it */
    status = issuer_find(c->txn, c->log->number, vkey_name(&key), &target); /* named as key says */
    if (status == STATUS_OK && vkey_equal(&key, &target.vkey)) {
        return refuse(c->why, STATUS_BAD_MEMBER,
                      "member vkey: %.60s is enrolled in this log: leave it out", key.name);
    }
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    struct revocation_said said;
    TRY(revocation_said(c->txn, c->log->number, NULL, &key.key, &c->issuer.vkey.key, &said));
    if (said.rows >= REVOCATIONS_FOREIGN_MAX) {
        return refuse(c->why, STATUS_BAD_MEMBER,
                      "member vkey: this log revokes %.60s %d times, and it is another log's key",
                      key.name, REVOCATIONS_FOREIGN_MAX);
    }
    return check_says_more(c, &said);
}

/* The key that a revocation or rotation takes back: one that is the issuer's to take. */
static enum status check_revocable(struct check *c, struct issuer *out) {
    struct issuer target;
    const char *name = event_open_text(c->event, "key");
    assert(name != NULL); /* a required member of the row */
    enum status status = issuer_find(c->txn, c->log->number, bytes_text(name), &target);
    if (status == STATUS_NOT_FOUND) {
        return refuse(c->why, STATUS_BAD_MEMBER,
                      "member key: %.60s is not enrolled in this log: a key of another log is "
                      "revoked with its vkey",
                      name);
    }
    TRY(status);
    if (target.enrolled_at == 0) {
        return refuse(c->why, STATUS_DENIED_SCOPE,
                      "member key: %.60s is named by log.opened and cannot be revoked", name);
    }
    if ((target.roles & ROLE_ROOT) != 0) {
        return refuse(c->why, STATUS_DENIED_SCOPE,
                      "member key: %.60s is a root, and is replaced (root.replaced), not revoked",
                      name);
    }
    if ((target.roles & ROLE_ANYONE) != 0) {
        return refuse(c->why, STATUS_BAD_MEMBER,
                      "member key: %.60s is a one-time key, and signs nothing more", name);
    }
    if ((c->issuer.roles & ROLE_ROOT) == 0 && target.enroller != c->issuer.number) {
        return refuse(c->why, STATUS_DENIED_SCOPE,
                      "member key: only the enroller of %.60s or a root may revoke it", name);
    }
    *out = target;
    return STATUS_OK;
}

static enum status check_revocation(struct check *c) {
    struct issuer target;
    struct revocation_said said;
    const char *vkey = event_open_text(c->event, "vkey");
    if (vkey != NULL) {
        return check_foreign(c, vkey);
    }
    TRY(check_revocable(c, &target));
    if (target.revoked_at == 0) {
        return STATUS_OK;
    }
    TRY(revocation_said(c->txn, c->log->number, &target, &target.vkey.key, &c->issuer.vkey.key,
                        &said));
    return check_says_more(c, &said);
}

static enum status check_rotation(struct check *c) {
    struct issuer old;
    struct issuer fresh;
    TRY(check_revocable(c, &old));
    if (old.revoked_at != 0) {
        return refuse(c->why, STATUS_BAD_MEMBER,
                      "member key: %.60s is revoked already, by entry %llu: enrol the fresh key",
                      old.vkey.name, (unsigned long long)old.revoked_at);
    }
    issuer_of_enrolment(c->event, &fresh);
    TRY(accept_check_fresh(c, &fresh));
    TRY(issuer_may_replace(&old, &fresh, c->why));
    return issuer_may_grant(&c->issuer, &fresh, c->why);
}

static enum status check_recognition(struct check *c) {
    return recognition_check(c->txn, c->log, c->event, c->why);
}

static enum status check_agency(struct check *c) {
    struct accept_state state;
    TRY(accept_state_get(c->txn, c->log->number, &state));
    return agency_check(c->txn, c->log->number, state.agencies, c->event, c->why);
}

/* --- rules --- */

static enum status check_activation(struct check *c) {
    struct rules fresh;
    rules_of(c->event, c->index, &fresh);
    if (fresh.table <= c->rules.table) {
        return refuse(c->why, STATUS_BAD_MEMBER,
                      "member table: %u is not after %u, the kinds table that this log is under",
                      fresh.table, c->rules.table);
    }
    return STATUS_OK;
}

/* --- references --- */

/* An event that a member of type MEMBER_EVENT names. */
struct reference {
    struct body_context context;
    struct hash id;
};

static void read_reference(const json_t *value, struct reference *out) {
    out->context.log = jcs_text(json_object_get(value, "log"));
    out->context.issuer = jcs_text(json_object_get(value, "issuer"));
    out->context.seq = (uint64_t)json_integer_value(json_object_get(value, "seq"));
    bool good = bytes_hex_to_hash(jcs_text(json_object_get(value, "id")), &out->id);
    assert(good); /* member_check took it */
}

/* What a member `event` may name, by its row. */
static enum status check_referred_kind(struct check *c, const struct sequence_row *row) {
    const struct kind *kind = c->event->kind;
    if ((kind->refers & KIND_BIT(row->kind)) != 0) {
        return STATUS_OK;
    }
    return refuse(c->why, STATUS_BAD_MEMBER,
                  "member event: entry %llu is %s, which no %s is about: dutylog event --kinds "
                  "says what it may name",
                  (unsigned long long)row->index, kind_at(row->kind)->name, kind->name);
}

/* OK if the event is in this log as named; `here` is false for another log's, which is not looked
 * for. */
static enum status find_reference(struct check *c, const char *member,
                                  const struct reference *reference, bool *here,
                                  struct sequence_row *row) {
    struct issuer issuer;
    *here = bytes_equal(reference->context.log, vkey_name(&c->log->vkey));
    if (!*here) {
        return STATUS_OK;
    }
    enum status status = issuer_find(c->txn, c->log->number, reference->context.issuer, &issuer);
    if (status == STATUS_OK) {
        status = sequence_get(c->txn, c->log->number, issuer.number, reference->context.seq, row);
    }
    if (status == STATUS_NOT_FOUND ||
        (status == STATUS_OK && !hash_equal(&row->id, &reference->id))) {
        return refuse(c->why, STATUS_BAD_MEMBER,
                      "member %s: no event of that issuer, seq and id is in this log so far",
                      member);
    }
    return status;
}

/* Of every member that names an event; `after` names one of another log. */
static enum status check_references(struct check *c) {
    const struct kind *kind = c->event->kind;
    for (size_t i = 0; i < kind->member_count; i++) {
        const struct kind_member *member = &kind->members[i];
        const json_t *value =
            member->type == MEMBER_EVENT ? json_object_get(c->event->open, member->name) : NULL;
        struct reference reference;
        struct sequence_row row;
        bool here;
        if (value == NULL) {
            continue;
        }
        read_reference(value, &reference);
        TRY(find_reference(c, member->name, &reference, &here, &row));
        if (here && strcmp(member->name, "event") == 0) {
            TRY(check_referred_kind(c, &row));
        }
    }
    return STATUS_OK;
}

static enum status check_disclosure(struct check *c) {
    struct reference reference;
    struct sequence_row row;
    bool here = false;
    read_reference(json_object_get(c->event->open, "event"), &reference);
    TRY(find_reference(c, "event", &reference, &here, &row));
    if (!here) {
        return STATUS_OK;
    }
    if (!row.has_body) {
        return refuse(c->why, STATUS_BAD_MEMBER,
                      "member event: entry %llu has no closed members to disclose",
                      (unsigned long long)row.index);
    }
    if (!disclosure_fits(c->event, &reference.context, &row.body)) {
        return refuse(
            c->why, STATUS_BAD_MEMBER,
            "member value: with this name, salt, place and proof it is not in the body of "
            "entry %llu",
            (unsigned long long)row.index);
    }
    return STATUS_OK;
}

/* --- days --- */

/* A fact cannot lie after its record was received. One day more is allowed, since days are those of
 * the place where it happened, and the stamp's is UTC's. */
static enum status check_days(struct check *c) {
    const struct kind *kind = c->event->kind;
    for (size_t i = 0; i < kind->member_count; i++) {
        const struct kind_member *member = &kind->members[i];
        const char *day = member->past ? event_open_text(c->event, member->name) : NULL;
        if (day != NULL && date_to_days(day) > c->stamp_ms / DAY_MS + 1) {
            return refuse(
                c->why, STATUS_BAD_MEMBER,
                "member %s: %s is after the day on which it was received: give the day on "
                "which it happened",
                member->name, day);
        }
    }
    return STATUS_OK;
}

enum status accept_check_kind(struct check *c) {
    static enum status (*const checks[KIND_COUNT])(struct check * c) = {
        [KIND_LOG_POLICY] = check_policy,
        [KIND_LOG_SUCCEEDED] = check_succession,
        [KIND_KEY_ENROLLED] = check_enrolment,
        [KIND_KEY_REVOKED] = check_revocation,
        [KIND_KEY_ROTATED] = check_rotation,
        [KIND_EVENT_OPENED] = check_disclosure,
        [KIND_LOG_RECOGNISED] = check_recognition,
        [KIND_RULES_ACTIVATED] = check_activation,
        [KIND_RECOGNITION_WITHDRAWN] = check_recognition,
        [KIND_ROOT_REPLACED] = accept_check_replacement,
    };
    /* After entry 0: its seq is 1, and the only operator has used that. */
    assert(c->event->kind->id != KIND_LOG_OPENED);
    TRY(check_days(c));
    TRY(check_agency(c));
    if (c->event->kind->id != KIND_KEY_ENROLLED) {
        TRY(check_references(c));
    }
    return checks[c->event->kind->id] != NULL ? checks[c->event->kind->id](c) : STATUS_OK;
}
