/* May this event be the next entry? Reads the prefix's state, writes nothing. */
#include "ledger/accept_parts.h"
#include "ledger/law.h"
#include "ledger/lodged.h"

#include <assert.h>
#include <string.h>

/* As much of a name as goes into a refusal. */
#define QUOTE(name) (int)((name).len < 60 ? (name).len : 60), (const char *)(name).data

/* --- signatures --- */

/* The signers' keys, verified: as prepared, or found now if an entry since enrolled them. */
static enum status check_signatures(const struct check *c, const struct submission *submission,
                                    struct vkey keys[EVENT_SIGNATURES_MAX]) {
    if (submission->key_count > 0) {
        assert(submission->key_count == c->event->note.count);
        memcpy(keys, submission->keys, submission->key_count * sizeof keys[0]);
        return STATUS_OK;
    }
    TRY(accept_find_keys(c->txn, c->log, c->event, keys, c->why));
    return accept_verify(c->event, keys, c->why);
}

/* Every line is a root's, and they number exactly the threshold. */
static enum status check_roots(struct check *c) {
    struct accept_state state;
    TRY(accept_state_get(c->txn, c->log->number, &state));
    for (size_t i = 0; i < c->event->note.count; i++) {
        struct issuer signer;
        struct bytes name = c->event->note.signatures[i].name;
        enum status status = issuer_find(c->txn, c->log->number, name, &signer);
        assert(status != STATUS_NOT_FOUND); /* its key was found, and keys stay */
        TRY(status);
        if ((signer.roles & ROLE_ROOT) == 0) {
            return refuse(c->why, STATUS_DENIED_SIGNATURE,
                          "surplus signature by %.*s, which is no authority of this log",
                          QUOTE(name));
        }
        if (signer.revoked_at != 0) {
            return refuse(c->why, STATUS_DENIED_SIGNATURE,
                          "surplus signature by %.*s, a root that entry %llu replaced", QUOTE(name),
                          (unsigned long long)signer.revoked_at);
        }
    }
    if (c->event->note.count != state.threshold) {
        return refuse(c->why, STATUS_DENIED_SIGNATURE,
                      "%s has %zu signatures by authorities, and exactly %u are needed",
                      c->event->kind->name, c->event->note.count, state.threshold);
    }
    return STATUS_OK;
}

/* --- entry 0 --- */

/* Its keys are its own: event_parse found that it carries its operator's line and exactly a
 * threshold of its authorities', and the lines have been verified. */
static enum status check_first(const struct check *c) {
    struct opened opened;
    opened_of(c->event, &opened);
    if (!vkey_equal(&opened.log_vkey, &c->log->vkey)) {
        return refuse(c->why, STATUS_BAD_MEMBER,
                      "member log_vkey: not the key with which %s signs its checkpoints",
                      c->log->vkey.name);
    }
    return STATUS_OK;
}

/* --- sequence --- */

/* The (issuer, seq) pair is taken: OK with place->logged by this very event, else CONFLICT_USED. */
static enum status check_used(struct check *c, struct accept_place *place) {
    struct sequence_row row;
    enum status status =
        sequence_get(c->txn, c->log->number, c->issuer.number, c->event->seq, &row);
    if (status == STATUS_NOT_FOUND) {
        return STATUS_STORE_CORRUPT; /* every seq up to the last was written with it */
    }
    TRY(status);
    place->index = row.index;
    place->logged = hash_equal(&row.id, &c->event->id);
    if (place->logged) {
        return STATUS_OK;
    }
    return refuse(
        c->why, STATUS_CONFLICT_USED,
        "member seq: %llu of %.60s is another event, entry %llu: sign this one anew, with "
        "the next seq",
        (unsigned long long)c->event->seq, c->issuer.vkey.name, (unsigned long long)row.index);
}

static enum status check_not_revoked(const struct check *c) {
#ifdef DUTYLOG_BUG_REVOKED_KEY /* planted: a revoked key signs on */
    return STATUS_OK;
#endif
    if (c->issuer.revoked_at != 0) {
        return refuse(c->why, STATUS_DENIED_KEY, "the key %.60s was %s by entry %llu",
                      c->issuer.vkey.name,
                      (c->issuer.roles & ROLE_ROOT) != 0 ? "replaced" : "revoked",
                      (unsigned long long)c->issuer.revoked_at);
    }
    return STATUS_OK;
}

/* The log goes on, and the kind is one of the table that it is under. */
static enum status check_state(struct check *c) {
    struct accept_state state;
    TRY(accept_state_get(c->txn, c->log->number, &state));
    if (state.closed_at != 0) {
        return refuse(c->why, STATUS_CLOSED,
                      "this log was closed by entry %llu (log.succeeded): send it to the log that "
                      "goes on, signed anew for that one",
                      (unsigned long long)state.closed_at);
    }
    c->rules = state.rules;
    if (c->event->kind->table > state.rules.table) {
        return refuse(c->why, STATUS_BAD_KIND,
                      "member kind: %s is of kinds table %u, and this log is under table %u until "
                      "a rules.activated",
                      c->event->kind->name, c->event->kind->table, state.rules.table);
    }
    TRY(rules_check(c->txn, c->log, c->why));
    return law_check(c->event, 1, state.rules.table, c->why);
}

static enum status check_next(struct check *c, struct accept_place *place) {
    const struct issuer *issuer = &c->issuer;
    place->expected = issuer->last_seq + 1;
    place->head = issuer->last_id;
    if (c->event->seq < issuer->first_seq) {
        return refuse(c->why, STATUS_CONFLICT_GAP,
                      "member seq: %llu of %.60s is before this log, which goes on for another: "
                      "%llu is expected",
                      (unsigned long long)c->event->seq, issuer->vkey.name,
                      (unsigned long long)place->expected);
    }
    if (c->event->seq != place->expected) {
        return refuse(c->why, STATUS_CONFLICT_GAP,
                      "member seq: %llu leaves a gap, %llu is expected of %.60s",
                      (unsigned long long)c->event->seq, (unsigned long long)place->expected,
                      issuer->vkey.name);
    }
    /* event_parse: prev is there iff seq > 1 */
    if (c->event->has_prev && !hash_equal(&c->event->prev, &issuer->last_id)) {
        return refuse(c->why, STATUS_CONFLICT_GAP, "member prev: not the id of event %llu of %.60s",
                      (unsigned long long)issuer->last_seq, issuer->vkey.name);
    }
    return STATUS_OK;
}

/* --- all of it --- */

static enum status find_issuer(struct check *c, const struct vkey *signer) {
    struct bytes name = c->event->issuer;
    enum status status = issuer_find(c->txn, c->log->number, name, &c->issuer);
    if (status == STATUS_NOT_FOUND && c->event->kind->id == KIND_REPORT_LODGED) {
        lodged_issuer(c->event, &c->issuer);
        return STATUS_OK;
    }
    if (status == STATUS_NOT_FOUND ||
        (status == STATUS_OK && !vkey_equal(&c->issuer.vkey, signer))) {
        /* Only another log.opened gets here: it brings its own keys, under names that may be taken.
         */
        return refuse(c->why, STATUS_DENIED_KEY, "the signature is by no key enrolled as %.*s",
                      QUOTE(name));
    }
    return status;
}

/* An entry after the first, its signatures verified. */
static enum status check_later(struct check *c, const struct vkey *signer, uint64_t stamp_ms,
                               struct accept_place *place) {
    TRY(find_issuer(c, signer));
    if (c->event->seq >= c->issuer.first_seq && c->event->seq <= c->issuer.last_seq) {
        enum status status = check_used(c, place);
        if (status == STATUS_CONFLICT_USED) {
            TRY(check_not_revoked(c)); /* a stolen key fills no table */
        }
        return status;
    }
    TRY(check_state(c));
    TRY(check_not_revoked(c));
    TRY(check_next(c, place));
    TRY(issuer_covers(&c->issuer, c->event, stamp_ms, c->why));
    /* Other kinds are signed by their issuer alone, says event_parse. */
    if (c->event->kind->roots_threshold) {
        TRY(check_roots(c));
    }
    return accept_check_kind(c);
}

enum status accept_check(struct store_txn *txn, const struct log *log,
                         const struct submission *submission, uint64_t index, uint64_t stamp_ms,
                         struct accept_place *place, struct refusal *why) {
    struct vkey keys[EVENT_SIGNATURES_MAX];
    struct check c = {.txn = txn,
                      .log = log,
                      .event = &submission->event,
                      .index = index,
                      .stamp_ms = stamp_ms,
                      .why = why};
    memset(place, 0, sizeof *place);
    if (submission->status != STATUS_OK) {
        return refuse(why, submission->status, "%s", submission->why.text);
    }
    if (index == 0 && c.event->kind->id != KIND_LOG_OPENED) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "member kind: this log is not open yet, its first event must be log.opened");
    }
    TRY(check_signatures(&c, submission, keys));
    return index == 0 ? check_first(&c) : check_later(&c, &keys[0], stamp_ms, place);
}
