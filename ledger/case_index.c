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

bool case_prefix_about(const struct event_about *about, struct case_prefix *out) {
    if (about->has_case) {
        *out = case_prefix_of(about->ori, about->handle);
    } else if (about->has_named) {
        *out = case_prefix_naming(&about->named);
    } else {
        return false;
    }
    return true;
}

static struct key prefix_key(const struct case_prefix *prefix) {
    struct key key;
    key_start(&key, TABLE_CASE);
    key_bytes(&key, bytes_of(prefix->bytes, sizeof prefix->bytes));
    return key;
}

static struct key row_key(const struct case_prefix *prefix, uint32_t log, uint64_t index) {
    struct key key = prefix_key(prefix);
    key_u32(&key, log);
    key_u64(&key, index);
    return key;
}

enum status case_index_put(struct store_txn *txn, uint32_t log, const struct event_about *about,
                           uint64_t index) {
    struct case_prefix prefix;
    if (!case_prefix_about(about, &prefix)) {
        return STATUS_OK;
    }
    struct key key = row_key(&prefix, log, index);
    return store_put(txn, key_view(&key), bytes_of(NULL, 0));
}

enum status case_index_check(struct store_txn *txn, uint32_t log, const struct event_about *about,
                             uint64_t index, bool *has, bool *there) {
    struct case_prefix prefix;
    struct bytes value;
    *there = false;
    *has = case_prefix_about(about, &prefix);
    if (!*has) {
        return STATUS_OK;
    }
    struct key key = row_key(&prefix, log, index);
    enum status status = store_get(txn, key_view(&key), &value);
    *there = status == STATUS_OK && value.len == 0;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

struct scan case_index_scan(struct store_txn *txn, const struct case_prefix *prefix) {
    struct key key = prefix_key(prefix);
    return scan_from(txn, key, key);
}

enum status case_index_next(struct scan *scan, uint32_t *log, uint64_t *index) {
    struct bytes key;
    struct bytes value;
    struct reader r;
    TRY(scan_next(scan, &key, &value));
    reader_init(&r, bytes_of(key.data + scan->prefix.len, key.len - scan->prefix.len));
    reader_u32(&r, log);
    reader_u64(&r, index);
    return reader_done(&r) && value.len == 0 ? STATUS_OK : STATUS_STORE_CORRUPT;
}
