#include "ledger/issuer.h"

#include "ledger/house.h"
#include "ledger/schema.h"

#include <assert.h>
#include <string.h>

/* TABLE_ISSUER: u32 number, u32 roles, u64 first_seq, u64 last_seq, last_id, u64 enrolled_at, u64
 * revoked_at, u32 enroller, u64 kinds, u8 bases, u64 from, u64 until, u8 count and that many 9-byte
 * ORIs, public key. TABLE_ISSUER_NAME: the name. TABLE_ACCEPT: u64 last stamp, u64 closed at, u32
 * issuers, u32 threshold, u32 agencies, u32 table, u64 since, its hash, the authority's hash, u8
 * roots replaced, and u32 number of each that came, and the operator's name. */
#define RECORD_MAX                                                                                 \
    (4 + 4 + 8 + 8 + HASH_SIZE + 8 + 8 + 4 + 8 + 1 + 8 + 8 + 1 + ISSUER_ORIS_MAX * ORI_SIZE +      \
     SIGN_PUBLIC_SIZE)

static struct key issuer_key(uint32_t log, struct bytes name) {
    struct key key = key_log(TABLE_ISSUER, log);
    key_bytes(&key, name);
    return key;
}

static struct key number_key(uint32_t log, uint32_t number) {
    struct key key = key_log(TABLE_ISSUER_NAME, log);
    key_u32(&key, number);
    return key;
}

static enum status decode(struct bytes name, struct bytes value, struct issuer *out) {
    struct reader r;
    struct bytes oris;
    struct bytes public_key;
    uint8_t bases = 0;
    uint8_t count = 0;
    reader_init(&r, value);
    reader_u32(&r, &out->number);
    reader_u32(&r, &out->roles);
    reader_u64(&r, &out->first_seq);
    reader_u64(&r, &out->last_seq);
    reader_hash(&r, &out->last_id);
    reader_u64(&r, &out->enrolled_at);
    reader_u64(&r, &out->revoked_at);
    reader_u32(&r, &out->enroller);
    reader_u64(&r, &out->kinds);
    reader_u8(&r, &bases);
    reader_u64(&r, &out->from_ms);
    reader_u64(&r, &out->until_ms);
    if (!reader_u8(&r, &count) || count > ISSUER_ORIS_MAX ||
        !reader_take(&r, (size_t)count * ORI_SIZE, &oris) ||
        !reader_take(&r, SIGN_PUBLIC_SIZE, &public_key) || !reader_done(&r)) {
        return STATUS_STORE_CORRUPT;
    }
    out->bases = bases;
    out->ori_count = count;
    memcpy(out->oris, oris.data, oris.len);
    struct sign_public key;
    memcpy(key.bytes, public_key.data, sizeof key.bytes);
    return vkey_make(name, VKEY_NOTE, &key, &out->vkey) == STATUS_OK ? STATUS_OK
                                                                     : STATUS_STORE_CORRUPT;
}

enum status issuer_find(struct store_txn *txn, uint32_t log, struct bytes name,
                        struct issuer *out) {
    struct bytes value;
    if (name.len == 0 || name.len > NAME_SIZE_MAX) {
        return STATUS_NOT_FOUND;
    }
    struct key key = issuer_key(log, name);
    TRY(store_get(txn, key_view(&key), &value));
    return decode(name, value, out);
}

enum status issuer_by_number(struct store_txn *txn, uint32_t log, uint32_t number,
                             struct issuer *out) {
    struct key key = number_key(log, number);
    struct bytes name;
    TRY(store_get(txn, key_view(&key), &name));
    uint8_t copy[NAME_SIZE_MAX]; /* what is borrowed may not be a key of the next call */
    if (name.len == 0 || name.len > sizeof copy) {
        return STATUS_STORE_CORRUPT;
    }
    memcpy(copy, name.data, name.len);
    enum status status = issuer_find(txn, log, bytes_of(copy, name.len), out);
    return status == STATUS_NOT_FOUND ? STATUS_STORE_CORRUPT : status;
}

enum status issuer_put(struct store_txn *txn, uint32_t log, const struct issuer *issuer) {
    uint8_t memory[RECORD_MAX];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    writer_u32(&w, issuer->number);
    writer_u32(&w, issuer->roles);
    writer_u64(&w, issuer->first_seq);
    writer_u64(&w, issuer->last_seq);
    writer_hash(&w, &issuer->last_id);
    writer_u64(&w, issuer->enrolled_at);
    writer_u64(&w, issuer->revoked_at);
    writer_u32(&w, issuer->enroller);
    writer_u64(&w, issuer->kinds);
    writer_u8(&w, (uint8_t)issuer->bases);
    writer_u64(&w, issuer->from_ms);
    writer_u64(&w, issuer->until_ms);
    assert(issuer->ori_count <= ISSUER_ORIS_MAX);
    writer_u8(&w, (uint8_t)issuer->ori_count);
    writer_put(&w, issuer->oris, issuer->ori_count * ORI_SIZE);
    writer_put(&w, issuer->vkey.key.bytes, SIGN_PUBLIC_SIZE);
    assert(!w.failed);
    struct key key = issuer_key(log, vkey_name(&issuer->vkey));
    return store_put(txn, key_view(&key), writer_view(&w));
}

enum status issuer_add(struct store_txn *txn, uint32_t log, struct issuer *issuer) {
    struct accept_state state;
    struct bytes taken;
    struct key name = issuer_key(log, vkey_name(&issuer->vkey));
    enum status status = store_get(txn, key_view(&name), &taken);
    assert(status != STATUS_OK); /* acceptance, or event_parse of log.opened, saw to that */
    if (status != STATUS_NOT_FOUND) {
        return status;
    }
    TRY(accept_state_get(txn, log, &state));
    issuer->number = ++state.issuers;
    TRY(accept_state_put(txn, log, &state));
    struct key number = number_key(log, issuer->number);
    TRY(store_put(txn, key_view(&number), vkey_name(&issuer->vkey)));
    return issuer_put(txn, log, issuer);
}

enum status issuer_house(struct store_txn *txn, uint32_t log, const struct issuer *issuer,
                         struct hash *out) {
    struct accept_state state = {.last_stamp_ms = 0};
    if (house_group(issuer->roles) != GROUP_AGENCY) { /* most are: theirs hangs on nothing */
        TRY(accept_state_get(txn, log, &state));
    }
    *out = house_of(issuer->roles, vkey_name(&issuer->vkey), &state.authority);
    return STATUS_OK;
}

static bool take_replaced(struct reader *r, struct accept_state *state) {
    uint8_t count = 0;
    if (!reader_u8(r, &count) || count > ROOTS_REPLACED_MAX) {
        return false;
    }
    state->replaced_count = count;
    for (size_t i = 0; i < count; i++) {
        reader_u32(r, &state->replaced[i]);
    }
    return !r->failed;
}

enum status accept_state_get(struct store_txn *txn, uint32_t log, struct accept_state *out) {
    struct key key = key_log(TABLE_ACCEPT, log);
    struct bytes value;
    struct reader r;
    struct accept_state state = {.last_stamp_ms = 0};
    enum status status = store_get(txn, key_view(&key), &value);
    if (status == STATUS_OK) {
        reader_init(&r, value);
        reader_u64(&r, &state.last_stamp_ms);
        reader_u64(&r, &state.closed_at);
        reader_u32(&r, &state.issuers);
        reader_u32(&r, &state.threshold);
        reader_u32(&r, &state.agencies);
        reader_u32(&r, &state.rules.table);
        reader_u64(&r, &state.rules.since);
        reader_hash(&r, &state.rules.hash);
        reader_hash(&r, &state.authority);
        if (!take_replaced(&r, &state) || r.rest.len == 0 ||
            r.rest.len >= sizeof state.operator_name) {
            return STATUS_STORE_CORRUPT;
        }
        memcpy(state.operator_name, r.rest.data, r.rest.len);
    } else if (status != STATUS_NOT_FOUND) {
        return status;
    }
    *out = state;
    return STATUS_OK;
}

enum status accept_state_put(struct store_txn *txn, uint32_t log,
                             const struct accept_state *state) {
    uint8_t memory[8 + 8 + 4 + 4 + 4 + 4 + 8 + 2 * HASH_SIZE + 1 + 4 * ROOTS_REPLACED_MAX +
                   sizeof state->operator_name];
    struct writer w;
    assert(state->operator_name[0] != '\0');
    writer_init(&w, memory, sizeof memory);
    writer_u64(&w, state->last_stamp_ms);
    writer_u64(&w, state->closed_at);
    writer_u32(&w, state->issuers);
    writer_u32(&w, state->threshold);
    writer_u32(&w, state->agencies);
    writer_u32(&w, state->rules.table);
    writer_u64(&w, state->rules.since);
    writer_hash(&w, &state->rules.hash);
    writer_hash(&w, &state->authority);
    writer_u8(&w, (uint8_t)state->replaced_count);
    for (size_t i = 0; i < state->replaced_count; i++) {
        writer_u32(&w, state->replaced[i]);
    }
    writer_text(&w, state->operator_name);
    assert(!w.failed);
    struct key key = key_log(TABLE_ACCEPT, log);
    return store_put(txn, key_view(&key), writer_view(&w));
}
