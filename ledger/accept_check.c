/* May this event be the next entry? Reads the prefix's state, writes nothing. */
#include "ledger/accept_keys.h"
#include "ledger/policy.h"
#include "ledger/schema.h"

#include <assert.h>
#include <string.h>

/* An event under check, with what the steps before found. */
struct check {
    struct store_txn *txn;
    const struct log *log;
    const struct event *event;
    const struct vkey *keys;
    struct issuer issuer;
    uint64_t stamp_ms;
    struct refusal *why;
};

/* --- signatures --- */

/* The first `roots` after line `first` must be roots' and number exactly the threshold. */
static enum status check_roots(struct check *c, size_t first, const struct opened *opened) {
    size_t good = 0;
    for (size_t i = first; i < c->event->note.count; i++) {
        const struct vkey *root = opened_authority(opened, c->event->note.signatures[i].name);
        if (root == NULL || !vkey_equal(root, &c->keys[i])) {
            return refuse(c->why, STATUS_DENIED_SIGNATURE,
                          "surplus signature by %s, which is no authority of this log",
                          c->keys[i].name);
        }
        good++;
    }
    if (good != opened->threshold) {
        return refuse(c->why, STATUS_DENIED_SIGNATURE,
                      "%s needs exactly %zu signatures of authorities, and has %zu",
                      c->event->kind->name, opened->threshold, good);
    }
    return STATUS_OK;
}

static enum status check_signers(struct check *c) {
    if (!c->event->kind->roots_threshold) {
        if (c->event->note.count != 1) {
            return refuse(c->why, STATUS_DENIED_SIGNATURE,
                          "surplus signature: %s is signed by its issuer alone",
                          c->event->kind->name);
        }
        return STATUS_OK;
    }
    struct opened opened;
    enum status status = opened_read(c->txn, c->log->number, &opened);
    assert(status != STATUS_NOT_FOUND); /* an issuer is known, so entry 0 stands */
    TRY(status);
    return check_roots(c, 0, &opened);
}

/* --- entry 0 --- */

static enum status check_first(struct check *c) {
    struct opened opened;
    if (strcmp(c->event->kind->name, "log.opened") != 0) {
        return refuse(c->why, STATUS_DENIED_KEY,
                      "this log is not open yet: its first event must be log.opened");
    }
    if (c->event->seq != 1) {
        return refuse(c->why, STATUS_BAD_MEMBER,
                      "member seq: log.opened is its issuer's first event, seq 1");
    }
    TRY(opened_of(c->event, &opened, c->why));
    if (!vkey_equal(&opened.log_vkey, &c->log->vkey)) {
        return refuse(c->why, STATUS_BAD_MEMBER,
                      "member log_vkey: not the key that this log signs with");
    }
    return check_roots(c, 1, &opened);
}

/* --- sequence --- */

/* Is the (issuer, seq) pair taken? OK with place->logged for the same event, CONFLICT_USED for
 * another. */
static enum status check_used(struct check *c, struct accept_place *place) {
    struct key key = key_log(TABLE_SEQUENCE, c->log->number);
    struct bytes value;
    struct reader r;
    struct hash id;
    key_u32(&key, c->issuer.number);
    key_u64(&key, c->event->seq);
    enum status status = store_get(c->txn, key_view(&key), &value);
    if (status == STATUS_NOT_FOUND) {
        return STATUS_STORE_CORRUPT; /* every seq up to the last was written with it */
    }
    TRY(status);
    reader_init(&r, value);
    if (!reader_u64(&r, &place->index) || !reader_hash(&r, &id) || !reader_done(&r)) {
        return STATUS_STORE_CORRUPT;
    }
    if (hash_equal(&id, &c->event->id)) {
        place->logged = true;
        return STATUS_OK;
    }
    return refuse(c->why, STATUS_CONFLICT_USED,
                  "seq %llu of %s is another event, entry %llu: fetch its receipt, and sign this "
                  "one with the next seq",
                  (unsigned long long)c->event->seq, c->issuer.vkey.name,
                  (unsigned long long)place->index);
}

static enum status check_next(struct check *c, struct accept_place *place) {
    const struct issuer *issuer = &c->issuer;
    place->expected = issuer->last_seq + 1;
    place->head = issuer->last_id;
    if (c->event->seq != place->expected) {
        return refuse(c->why, STATUS_CONFLICT_GAP,
                      "member seq: %llu leaves a gap, %llu is expected of %s",
                      (unsigned long long)c->event->seq, (unsigned long long)place->expected,
                      issuer->vkey.name);
    }
    /* event_parse: prev is there iff seq > 1 */
    if (c->event->has_prev && !hash_equal(&c->event->prev, &issuer->last_id)) {
        return refuse(c->why, STATUS_CONFLICT_GAP, "member prev: not the id of event %llu of %s",
                      (unsigned long long)issuer->last_seq, issuer->vkey.name);
    }
    return STATUS_OK;
}

/* --- what the kind adds --- */

static enum status check_policy(struct check *c) {
    struct opened opened;
    struct bytes operators[POLICY_WITNESSES_MAX];
    const char *text = event_open_text(c->event, "policy");
    assert(text != NULL);
    struct policy policy;
    TRY(opened_read(c->txn, c->log->number, &opened));
    TRY(policy_parse(bytes_text(text), &policy, c->why));
    opened_operators(c->event, &policy, operators);
    struct bytes own = bytes_text(opened.operator_name);
    return policy_check_safe(&policy, &c->log->vkey, own, operators, c->why);
}

static enum status check_enrolment(struct check *c) {
    struct issuer fresh;
    struct issuer known;
    TRY(issuer_of_enrolment(c->event, &fresh, c->why));
    enum status status = issuer_find(c->txn, c->log->number, vkey_name(&fresh.vkey), &known);
    if (status == STATUS_OK) {
        return refuse(c->why, STATUS_BAD_MEMBER,
                      "member vkey: the name %s is taken in this log: every key has its own",
                      fresh.vkey.name);
    }
    if (status != STATUS_NOT_FOUND) {
        return status;
    }
    return issuer_may_grant(&c->issuer, &fresh, c->why);
}

static enum status check_revocation(struct check *c) {
    struct issuer target;
    const char *name = event_open_text(c->event, "key");
    assert(name != NULL);
    enum status status = issuer_find(c->txn, c->log->number, bytes_text(name), &target);
    if (status == STATUS_NOT_FOUND) {
        return refuse(c->why, STATUS_BAD_MEMBER, "member key: %s is not known in this log", name);
    }
    TRY(status);
    if (target.enrolled_at == 0) {
        return refuse(c->why, STATUS_DENIED_SCOPE,
                      "member key: %s is named by log.opened and cannot be revoked", name);
    }
    if (target.revoked_at != 0) {
        return refuse(c->why, STATUS_BAD_MEMBER, "member key: %s is revoked already, by entry %llu",
                      name, (unsigned long long)target.revoked_at);
    }
    if ((c->issuer.roles & ROLE_ROOT) == 0 && target.enroller != c->issuer.number) {
        return refuse(c->why, STATUS_DENIED_SCOPE,
                      "only the enroller of %s or a root may revoke it", name);
    }
    return STATUS_OK;
}

static enum status check_kind(struct check *c) {
    const char *kind = c->event->kind->name;
    if (strcmp(kind, "log.opened") == 0) {
        return refuse(c->why, STATUS_BAD_MEMBER,
                      "member kind: log.opened is a log's first entry and stands only there");
    }
    if (strcmp(kind, "log.policy") == 0) {
        return check_policy(c);
    }
    if (strcmp(kind, "key.enrolled") == 0) {
        return check_enrolment(c);
    }
    if (strcmp(kind, "key.revoked") == 0) {
        return check_revocation(c);
    }
    return STATUS_OK;
}

/* --- all of it --- */

/* The signers' keys, verified: as prepared, or found now if an entry since enrolled them. */
static enum status check_signatures(struct check *c, const struct submission *submission,
                                    struct vkey keys[EVENT_SIGNATURES_MAX]) {
    if (submission->key_count > 0) {
        c->keys = submission->keys;
        return STATUS_OK;
    }
    TRY(accept_find_keys(c->txn, c->log, c->event, keys, c->why));
    c->keys = keys;
    return accept_verify(c->event, keys, c->why);
}

enum status accept_check(struct store_txn *txn, const struct log *log,
                         const struct submission *submission, uint64_t index, uint64_t stamp_ms,
                         struct accept_place *place, struct refusal *why) {
    memset(place, 0, sizeof *place);
    if (submission->status != STATUS_OK) {
        return refuse(why, submission->status, "%s", submission->why.text);
    }
    struct vkey keys[EVENT_SIGNATURES_MAX];
    struct check c = {
        .txn = txn, .log = log, .event = &submission->event, .stamp_ms = stamp_ms, .why = why};
    TRY(check_signatures(&c, submission, keys));
    if (index == 0) {
        return check_first(&c);
    }
    enum status status = issuer_find(txn, log->number, c.event->issuer, &c.issuer);
    if (status == STATUS_NOT_FOUND) {
        return refuse(why, STATUS_DENIED_KEY,
                      "the key %.*s is not enrolled in this log: have it enrolled first",
                      (int)c.event->issuer.len, c.event->issuer.data);
    }
    TRY(status);
    if (!vkey_equal(&c.issuer.vkey, &c.keys[0])) {
        /* A second log.opened brings keys of its own choice under names that are taken. */
        return refuse(why, STATUS_DENIED_KEY, "the signature is not by the key enrolled as %s",
                      c.issuer.vkey.name);
    }
    if (c.event->seq <= c.issuer.last_seq) {
        return check_used(&c, place);
    }
    if (c.issuer.revoked_at != 0) {
        return refuse(why, STATUS_DENIED_KEY, "the key %s was revoked by entry %llu",
                      c.issuer.vkey.name, (unsigned long long)c.issuer.revoked_at);
    }
    TRY(check_next(&c, place));
    const char *ori = c.event->kind->has_ori ? event_open_text(c.event, "ori") : NULL;
    TRY(issuer_covers(&c.issuer, c.event->kind, ori, stamp_ms, why));
    TRY(check_signers(&c));
    return check_kind(&c);
}
