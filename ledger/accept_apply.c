/* Recording an accepted event: the issuer's sequence, its case, and what the kind does to the
 * registry and the rules. */
#include "ledger/accept_parts.h"
#include "ledger/agency.h"
#include "ledger/case_index.h"
#include "ledger/house.h"
#include "ledger/lodged.h"
#include "ledger/merger.h"
#include "ledger/recognition.h"
#include "ledger/revocation.h"
#include "ledger/schema.h"
#include "ledger/succession.h"

#include <assert.h>
#include <string.h>

/* The keys that log.opened names: its authorities and its operator, each with every right that its
 * role has. */
static enum status add_opened(struct store_txn *txn, const struct log *log,
                              const struct event *event) {
    struct opened opened;
    opened_of(event, &opened);
    struct accept_state state = {.threshold = (uint32_t)opened.threshold,
                                 .rules = {.table = 1},
                                 .authority = house_authority(&opened)};
    memcpy(state.operator_name, opened.operator_name, sizeof state.operator_name);
    TRY(accept_state_put(txn, log->number, &state));
    for (size_t i = 0; i < opened.authority_count; i++) {
        struct issuer root = issuer_named(&opened.authorities[i], ROLE_ROOT);
        TRY(issuer_add(txn, log->number, &root));
    }
    struct issuer runs_it = issuer_named(&opened.operator_vkey, ROLE_OPERATOR);
    TRY(issuer_add(txn, log->number, &runs_it));
    return recognition_put_opened(txn, log->number, event);
}

/* A one-time key, so that its one event is found again, and is its last. */
static enum status add_lodger(struct store_txn *txn, const struct log *log,
                              const struct event *event, uint64_t index) {
    struct issuer issuer;
    lodged_issuer(event, &issuer);
    issuer.enrolled_at = index;
    return issuer_add(txn, log->number, &issuer);
}

static enum status add_enrolled(struct store_txn *txn, const struct log *log,
                                const struct event *event, uint32_t enroller, uint64_t index) {
    struct issuer issuer;
    issuer_of_enrolment(event, &issuer);
    issuer.enroller = enroller;
    issuer.enrolled_at = index;
    return issuer_add(txn, log->number, &issuer);
}

/* A key of this log signs no more here, from the first that took it back; and wherever the key is
 * known, standing will ask all who did. */
static enum status take_back(struct store_txn *txn, const struct log *log,
                             const struct event *event, const struct issuer *revoker,
                             uint64_t index, uint64_t stamp_ms) {
    struct issuer issuer;
    TRY(issuer_find(txn, log->number, bytes_text(event_open_text(event, "key")), &issuer));
    if (issuer.revoked_at == 0) {
        issuer.revoked_at = index;
        TRY(issuer_put(txn, log->number, &issuer));
    }
    return revocation_put(txn, log->number, event, &issuer.vkey.key, &revoker->vkey.key, index,
                          stamp_ms);
}

/* A key.revoked with `vkey` is of another log's key: it is kept for standing alone. */
static enum status revoke(struct store_txn *txn, const struct log *log, const struct event *event,
                          const struct issuer *revoker, uint64_t index, uint64_t stamp_ms) {
    const char *foreign = event_open_text(event, "vkey");
    struct vkey vkey;
    if (foreign == NULL) {
        return take_back(txn, log, event, revoker, index, stamp_ms);
    }
    enum status status = vkey_parse(bytes_text(foreign), &vkey, NULL);
    assert(status == STATUS_OK); /* member_check took it */
    return revocation_put(txn, log->number, event, &vkey.key, &revoker->vkey.key, index, stamp_ms);
}

/* Marks that a log.policy stands at `index`. */
static enum status mark_policy(struct store_txn *txn, const struct log *log, uint64_t index) {
    struct key key = key_log_u64(TABLE_POLICY, log->number, index);
    return store_put(txn, key_view(&key), bytes_of(NULL, 0));
}

/* What is said of another log, or the end of this one. */
static enum status apply_succession(struct store_txn *txn, const struct log *log,
                                    const struct event *event, uint64_t index) {
    struct succession succession;
    succession_of(event, &succession);
    struct succession_row row = {.index = index,
                                 .here = vkey_equal(&succession.successor, &log->vkey)};
    if (vkey_equal(&succession.old, &log->vkey)) {
        struct accept_state state;
        TRY(accept_state_get(txn, log->number, &state));
        assert(state.closed_at == 0 && index > 0); /* nothing is accepted after it */
        state.closed_at = index;
        TRY(accept_state_put(txn, log->number, &state));
    }
    return succession_put(txn, log->number, vkey_name(&succession.old), &row);
}

/* From the first one on, no event may be about an agency that is not registered. */
static enum status apply_agency(struct store_txn *txn, const struct log *log,
                                const struct event *event, const struct issuer *issuer,
                                uint64_t index, uint64_t stamp_ms) {
    if (event->kind->id == KIND_AGENCY_REGISTERED) {
        struct accept_state state;
        TRY(accept_state_get(txn, log->number, &state));
        state.agencies += state.agencies < UINT32_MAX;
        TRY(accept_state_put(txn, log->number, &state));
    }
    TRY(agency_put(txn, log->number, event, issuer->roles, index, stamp_ms));
    return event->kind->id == KIND_AGENCY_MERGED
               ? merger_put(txn, log->number, event, issuer->roles, index)
               : STATUS_OK;
}

/* Also of a table that this build lacks: then it is the last entry that is judged. */
static enum status activate(struct store_txn *txn, const struct log *log, const struct event *event,
                            uint64_t index) {
    struct accept_state state;
    TRY(accept_state_get(txn, log->number, &state));
    rules_of(event, index, &state.rules);
    return accept_state_put(txn, log->number, &state);
}

static enum status apply_kind(struct store_txn *txn, const struct log *log,
                              const struct event *event, const struct issuer *issuer,
                              uint64_t index, uint64_t stamp_ms) {
    /* Other kinds, which are in no table of the registry, do nothing here. */
    switch ((int)event->kind->id) {
    case KIND_KEY_ENROLLED:
        return add_enrolled(txn, log, event, issuer->number, index);
    case KIND_KEY_REVOKED:
        return revoke(txn, log, event, issuer, index, stamp_ms);
    case KIND_KEY_ROTATED:
        TRY(add_enrolled(txn, log, event, issuer->number, index));
        return take_back(txn, log, event, issuer, index, stamp_ms);
    case KIND_LOG_POLICY:
        return mark_policy(txn, log, index);
    case KIND_LOG_RECOGNISED:
    case KIND_RECOGNITION_WITHDRAWN:
        return recognition_put(txn, log->number, event, index, stamp_ms);
    case KIND_LOG_SUCCEEDED:
        return apply_succession(txn, log, event, index);
    case KIND_AGENCY_REGISTERED:
    case KIND_AGENCY_RENAMED:
    case KIND_AGENCY_MERGED:
        return apply_agency(txn, log, event, issuer, index, stamp_ms);
    case KIND_ROOT_REPLACED:
        return accept_replace_root(txn, log, event, index, stamp_ms);
    case KIND_RULES_ACTIVATED:
        return activate(txn, log, event, index);
    default:
        /* Of these, the keys were added before their issuer could be found. */
        assert(!event->kind->registry || event->kind->id == KIND_LOG_OPENED ||
               event->kind->id == KIND_REPORT_LODGED);
        return STATUS_OK;
    }
}

static enum status apply_state(struct store_txn *txn, const struct log *log,
                               const struct submission *submission, uint64_t index,
                               uint64_t stamp_ms, struct issuer *issuer) {
    const struct event *event = &submission->event;
    struct accept_state state;
    if (index == 0) {
        TRY(add_opened(txn, log, event));
    }
    if (event->kind->id == KIND_REPORT_LODGED) {
        TRY(add_lodger(txn, log, event, index));
    }
    TRY(accept_state_get(txn, log->number, &state));
    assert(stamp_ms >= state.last_stamp_ms);
    if (state.last_stamp_ms != stamp_ms) { /* one write for all that came in one batch */
        state.last_stamp_ms = stamp_ms;
        TRY(accept_state_put(txn, log->number, &state));
    }
    TRY(issuer_find(txn, log->number, event->issuer, issuer));
    assert(event->seq == issuer->last_seq + 1);
    issuer->last_seq = event->seq;
    issuer->last_id = event->id;
    TRY(issuer_put(txn, log->number, issuer));

    struct sequence_row row = {.index = index,
                               .id = event->id,
                               .kind = event->kind->id,
                               .has_body = event->has_body,
                               .body = event->body};
    TRY(sequence_put(txn, log->number, issuer->number, event->seq, &row));
    return apply_kind(txn, log, event, issuer, index, stamp_ms);
}

enum status accept_apply_state(struct store_txn *txn, const struct log *log,
                               const struct submission *submission, uint64_t index,
                               uint64_t stamp_ms) {
    struct issuer issuer;
    return apply_state(txn, log, submission, index, stamp_ms, &issuer);
}

enum status accept_apply(struct store_txn *txn, const struct log *log,
                         const struct submission *submission, uint64_t index, uint64_t stamp_ms) {
    struct issuer issuer;
    TRY(apply_state(txn, log, submission, index, stamp_ms, &issuer));
    return case_index_put(txn, log->number, &issuer, &submission->event.about, index, stamp_ms);
}

enum status issuer_chain(struct store_txn *txn, uint32_t log, const struct issuer *issuer,
                         uint64_t indexes[CHAIN_MAX], size_t *count) {
    uint64_t found[CHAIN_MAX];
    size_t n = 0;
    struct issuer link = *issuer;
    while (link.enroller != 0) {
        /* Acceptance makes none so long: roots enrol agencies, and these enrol clerks only. */
        if (n == CHAIN_MAX) {
            return STATUS_STORE_CORRUPT;
        }
        found[n++] = link.enrolled_at;
        enum status status = issuer_by_number(txn, log, link.enroller, &link);
        if (status != STATUS_OK) {
            return status == STATUS_NOT_FOUND ? STATUS_STORE_CORRUPT : status;
        }
    }
    for (size_t i = 0; i < n; i++) {
        indexes[i] = found[n - 1 - i];
    }
    *count = n;
    return STATUS_OK;
}

enum status policy_in_force(struct store_txn *txn, uint32_t log, uint64_t size, uint64_t *index) {
    struct key prefix = key_log(TABLE_POLICY, log);
    struct bytes key;
    struct bytes value;
    struct reader r;
    if (size == 0) {
        return STATUS_NOT_FOUND;
    }
    struct key from = key_log_u64(TABLE_POLICY, log, size - 1);
    TRY(store_seek_back(txn, key_view(&from), &key, &value));
    if (key.len != prefix.len + 8 || memcmp(key.data, prefix.data, prefix.len) != 0) {
        return STATUS_NOT_FOUND;
    }
    reader_init(&r, bytes_of(key.data + prefix.len, 8));
    return reader_u64(&r, index) ? STATUS_OK : STATUS_STORE_CORRUPT;
}
