#include "ledger/case_index.h"

#include <string.h>

struct case_prefix case_prefix_of(const uint8_t ori[static ORI_SIZE],
                                  const uint8_t handle[static HANDLE_SIZE]) {
    static const char domain[] = "dutylog/case/v1\n";
    uint8_t text[sizeof domain - 1 + ORI_SIZE + HANDLE_SIZE];
    struct case_prefix prefix;
    struct hash hash;
    struct writer w;
    writer_init(&w, text, sizeof text);
    writer_text(&w, domain);
    writer_put(&w, ori, ORI_SIZE);
    writer_put(&w, handle, HANDLE_SIZE);
    hash_of(text, w.len, &hash);
    memcpy(prefix.bytes, hash.bytes, sizeof prefix.bytes);
    return prefix;
}

struct case_prefix case_prefix_naming(const struct hash *id) {
    struct case_prefix prefix;
    memcpy(prefix.bytes, id->bytes, sizeof prefix.bytes);
    return prefix;
}

static bool prefix_about(const struct event_about *about, struct case_prefix *out) {
    if (about->has_case) {
        *out = case_prefix_of(about->ori, about->handle);
    } else if (about->has_named) {
        *out = case_prefix_naming(&about->named);
    } else {
        return false;
    }
    return true;
}

enum status case_index_place(struct store_txn *txn, uint32_t log, const struct issuer *issuer,
                             const struct event_about *about, uint64_t index, uint64_t stamp_ms,
                             struct case_place *out, bool *has) {
    struct case_place place = {
        .log = log, .group = house_group(issuer->roles), .stamp_ms = stamp_ms, .index = index};
    struct hash house;
    *has = prefix_about(about, &place.prefix);
    if (*has) {
        TRY(issuer_house(txn, log, issuer, &house));
        memcpy(place.house, house.bytes, sizeof place.house);
        *out = place;
    }
    return STATUS_OK;
}

/* --- rows --- */

static struct key prefix_key(const struct case_prefix *prefix) {
    struct key key;
    key_start(&key, TABLE_CASE);
    key_bytes(&key, bytes_of(prefix->bytes, sizeof prefix->bytes));
    return key;
}

static struct key row_key(const struct case_place *place) {
    struct key key = prefix_key(&place->prefix);
    key_u32(&key, place->log);
    key_u8(&key, (uint8_t)place->group);
    key_bytes(&key, bytes_of(place->house, sizeof place->house));
    key_u64(&key, place->stamp_ms);
    key_u64(&key, place->index);
    return key;
}

enum status case_index_put(struct store_txn *txn, uint32_t log, const struct issuer *issuer,
                           const struct event_about *about, uint64_t index, uint64_t stamp_ms) {
    struct case_place place;
    bool has = false;
    TRY(case_index_place(txn, log, issuer, about, index, stamp_ms, &place, &has));
    if (!has) {
        return STATUS_OK;
    }
    struct key key = row_key(&place);
    return store_put(txn, key_view(&key), bytes_of(NULL, 0));
}

enum status case_index_check(struct store_txn *txn, const struct case_place *place, bool *there) {
    struct bytes value;
    struct key key = row_key(place);
    enum status status = store_get(txn, key_view(&key), &value);
    *there = status == STATUS_OK && value.len == 0;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static bool decode(struct bytes rest, struct case_place *out) {
    struct reader r;
    struct bytes house;
    uint8_t group = 0;
    reader_init(&r, rest);
    reader_u32(&r, &out->log);
    reader_u8(&r, &group);
    if (!reader_take(&r, sizeof out->house, &house)) {
        return false;
    }
    memcpy(out->house, house.data, house.len);
    reader_u64(&r, &out->stamp_ms);
    reader_u64(&r, &out->index);
    out->group = (enum house_group)group;
    return reader_done(&r) && group < GROUPS;
}

enum status case_index_seek(struct store_txn *txn, const struct case_place *at,
                            struct case_place *out) {
    struct key prefix = prefix_key(&at->prefix);
    struct scan scan = scan_from(txn, prefix, row_key(at));
    struct case_place place = {.prefix = at->prefix};
    struct bytes key;
    struct bytes value;
    TRY(scan_next(&scan, &key, &value));
    if (!decode(bytes_of(key.data + prefix.len, key.len - prefix.len), &place) || value.len != 0) {
        return STATUS_STORE_CORRUPT;
    }
    *out = place;
    return STATUS_OK;
}

/* --- from a row on --- */

bool case_place_after_log(struct case_place *at) {
    *at = (struct case_place){.prefix = at->prefix, .log = at->log + 1};
    return at->log != 0;
}

bool case_place_after_group(struct case_place *at) {
    if (at->group + 1 == GROUPS) {
        return case_place_after_log(at);
    }
    *at = (struct case_place){
        .prefix = at->prefix, .log = at->log, .group = (enum house_group)(at->group + 1)};
    return true;
}

bool case_place_after_house(struct case_place *at) {
    at->stamp_ms = 0;
    at->index = 0;
    for (size_t i = sizeof at->house; i-- > 0;) {
        if (++at->house[i] != 0) {
            return true;
        }
    }
    return case_place_after_group(at);
}

bool case_place_after(struct case_place *at) {
    if (++at->index == 0 && ++at->stamp_ms == 0) {
        return case_place_after_house(at);
    }
    return true;
}
