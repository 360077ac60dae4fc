#include "ledger/store.h"

#include <assert.h>

/* Keys come from ledger/schema.c alone, so a wrong length is our bug. */
static void check_key(struct bytes key) {
    assert(key.data != NULL && key.len >= 1 && key.len <= STORE_KEY_MAX);
}

static void check_from(struct bytes from) {
    assert(from.len <= STORE_KEY_MAX && (from.len == 0 || from.data != NULL));
}

static void check_value_len(size_t len) {
    assert(len <= STORE_VALUE_MAX);
}

/* What a damaged file says of its own lengths is not believed: callers copy keys. */
static enum status check_found(enum status status, const struct bytes *key,
                               const struct bytes *value) {
    bool sound = status != STATUS_OK ||
                 ((key == NULL || key->len <= STORE_KEY_MAX) && value->len <= STORE_VALUE_MAX);
    return sound ? status : STATUS_STORE_CORRUPT;
}

enum status store_begin(struct store *store, enum store_mode mode, struct store_txn **txn) {
    assert(store != NULL && txn != NULL && (mode == STORE_READ || mode == STORE_WRITE));
    return store->ops->begin(store, mode, txn);
}

enum status store_get(struct store_txn *txn, struct bytes key, struct bytes *value) {
    check_key(key);
    assert(value != NULL);
    return check_found(txn->store->ops->get(txn, key, value), NULL, value);
}

enum status store_put(struct store_txn *txn, struct bytes key, struct bytes value) {
    check_key(key);
    check_value_len(value.len);
    assert(txn->mode == STORE_WRITE && (value.len == 0 || value.data != NULL));
    return txn->store->ops->put(txn, key, value);
}

enum status store_reserve(struct store_txn *txn, struct bytes key, size_t len, uint8_t **value) {
    check_key(key);
    check_value_len(len);
    assert(txn->mode == STORE_WRITE && value != NULL);
    return txn->store->ops->reserve(txn, key, len, value);
}

enum status store_remove(struct store_txn *txn, struct bytes key) {
    check_key(key);
    assert(txn->mode == STORE_WRITE);
    return txn->store->ops->remove(txn, key);
}

enum status store_seek(struct store_txn *txn, struct bytes from, struct bytes *key,
                       struct bytes *value) {
    check_from(from);
    assert(key != NULL && value != NULL);
    return check_found(txn->store->ops->seek(txn, from, key, value), key, value);
}

enum status store_seek_back(struct store_txn *txn, struct bytes from, struct bytes *key,
                            struct bytes *value) {
    check_from(from);
    assert(key != NULL && value != NULL);
    if (from.len == 0) {
        return STATUS_NOT_FOUND; /* no key is empty */
    }
    return check_found(txn->store->ops->seek_back(txn, from, key, value), key, value);
}

enum status store_commit(struct store_txn *txn) {
    assert(txn->mode == STORE_WRITE);
    return txn->store->ops->commit(txn);
}

void store_abort(struct store_txn *txn) {
    txn->store->ops->abort(txn);
}
