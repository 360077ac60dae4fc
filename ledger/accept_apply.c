/* Recording an accepted event: the issuer's sequence, and what the kind does to the registry and
 * the rules. */
#include "ledger/accept_keys.h"
#include "ledger/schema.h"

#include <assert.h>
#include <string.h>

static struct key sequence_key(enum table table, uint32_t log, uint32_t issuer, uint64_t seq) {
    struct key key = key_log(table, log);
    key_u32(&key, issuer);
    key_u64(&key, seq);
    return key;
}

/* The keys that log.opened names: its authorities and its operator, each with every right that its
 * role has. */
static enum status add_opened(struct store_txn *txn, const struct log *log,
                              const struct event *event) {
    struct opened opened;
    enum status status = opened_of(event, &opened, NULL);
    assert(status == STATUS_OK); /* accept_check read it the same way */
    for (size_t i = 0; i <= opened.authority_count; i++) {
        bool runs_it = i == opened.authority_count;
        struct issuer issuer = {.vkey = runs_it ? opened.operator_vkey : opened.authorities[i],
                                .roles = runs_it ? ROLE_OPERATOR : ROLE_ROOT,
                                .kinds = UINT32_MAX,
                                .until_ms = UINT64_MAX};
        TRY(issuer_add(txn, log->number, &issuer));
    }
    return STATUS_OK;
}

static enum status add_enrolled(struct store_txn *txn, const struct log *log,
                                const struct event *event, uint32_t enroller, uint64_t index) {
    struct issuer issuer;
    enum status status = issuer_of_enrolment(event, &issuer, NULL);
    assert(status == STATUS_OK); /* as above */
    issuer.enroller = enroller;
    issuer.enrolled_at = index;
    return issuer_add(txn, log->number, &issuer);
}

static enum status revoke(struct store_txn *txn, const struct log *log, const struct event *event,
                          uint64_t index) {
    struct issuer issuer;
    TRY(issuer_find(txn, log->number, bytes_text(event_open_text(event, "key")), &issuer));
    issuer.revoked_at = index;
    return issuer_put(txn, log->number, &issuer);
}

static enum status apply_kind(struct store_txn *txn, const struct log *log,
                              const struct event *event, uint32_t issuer, uint64_t index) {
    if (strcmp(event->kind->name, "key.enrolled") == 0) {
        return add_enrolled(txn, log, event, issuer, index);
    }
    if (strcmp(event->kind->name, "key.revoked") == 0) {
        return revoke(txn, log, event, index);
    }
    if (strcmp(event->kind->name, "log.policy") == 0) {
        struct key key = key_log_u64(TABLE_POLICY, log->number, index);
        return store_put(txn, key_view(&key), bytes_of(NULL, 0));
    }
    return STATUS_OK;
}

enum status accept_apply(struct store_txn *txn, const struct log *log,
                         const struct submission *submission, uint64_t index, uint64_t stamp_ms) {
    const struct event *event = &submission->event;
    struct accept_state state;
    struct issuer issuer;
    if (index == 0) {
        TRY(add_opened(txn, log, event));
    }
    TRY(accept_state_get(txn, log->number, &state));
    assert(stamp_ms >= state.last_stamp_ms);
    state.last_stamp_ms = stamp_ms;
    TRY(accept_state_put(txn, log->number, &state));

    TRY(issuer_find(txn, log->number, event->issuer, &issuer));
    assert(event->seq == issuer.last_seq + 1);
    issuer.last_seq = event->seq;
    issuer.last_id = event->id;
    TRY(issuer_put(txn, log->number, &issuer));

    uint8_t value[8 + HASH_SIZE];
    struct writer w;
    writer_init(&w, value, sizeof value);
    writer_u64(&w, index);
    writer_hash(&w, &event->id);
    struct key key = sequence_key(TABLE_SEQUENCE, log->number, issuer.number, event->seq);
    TRY(store_put(txn, key_view(&key), writer_view(&w)));
    return apply_kind(txn, log, event, issuer.number, index);
}

enum status accept_keep_conflict(struct store_txn *txn, const struct log *log,
                                 const struct submission *submission) {
    struct issuer issuer;
    struct bytes kept;
    TRY(issuer_find(txn, log->number, submission->event.issuer, &issuer));
    struct key key =
        sequence_key(TABLE_CONFLICT, log->number, issuer.number, submission->event.seq);
    enum status status = store_get(txn, key_view(&key), &kept);
    if (status != STATUS_NOT_FOUND) {
        return status; /* kept once: the first stands */
    }
    return store_put(txn, key_view(&key), submission->note);
}

enum status issuer_event(struct store_txn *txn, uint32_t log, uint32_t issuer, uint64_t seq,
                         uint64_t *index) {
    struct key key = sequence_key(TABLE_SEQUENCE, log, issuer, seq);
    struct bytes value;
    struct reader r;
    TRY(store_get(txn, key_view(&key), &value));
    reader_init(&r, value);
    return reader_u64(&r, index) ? STATUS_OK : STATUS_STORE_CORRUPT;
}

enum status issuer_chain(struct store_txn *txn, uint32_t log, const struct issuer *issuer,
                         uint64_t indexes[CHAIN_MAX], size_t *count) {
    uint64_t found[CHAIN_MAX];
    size_t n = 0;
    struct issuer link = *issuer;
    while (link.enroller != 0) {
        if (n == CHAIN_MAX) {
            return STATUS_TOO_LARGE;
        }
        found[n++] = link.enrolled_at;
        TRY(issuer_by_number(txn, log, link.enroller, &link));
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
