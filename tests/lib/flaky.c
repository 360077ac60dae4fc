#include "tests/lib/flaky.h"

#include <assert.h>
#include <stdlib.h>

struct flaky_txn {
    struct store_txn base;
    struct store_txn *inner;
    bool failed;
};

static struct flaky *flaky_of(struct flaky_txn *txn) {
    return (struct flaky *)txn->base.store;
}

static bool fails(struct flaky_txn *txn) {
    struct flaky *flaky = flaky_of(txn);
    flaky->calls++;
    if (flaky->calls == flaky->fail_at) {
        txn->failed = true;
    }
    return flaky->calls == flaky->fail_at;
}

static enum status begin(struct store *store, enum store_mode mode, struct store_txn **out) {
    struct flaky *flaky = (struct flaky *)store;
    struct flaky_txn *txn = calloc(1, sizeof *txn);
    assert(txn != NULL);
    enum status status = store_begin(flaky->inner, mode, &txn->inner);
    if (status != STATUS_OK) {
        free(txn);
        return status;
    }
    txn->base = (struct store_txn){.store = store, .mode = mode};
    *out = &txn->base;
    return STATUS_OK;
}

static enum status get(struct store_txn *base, struct bytes key, struct bytes *value) {
    struct flaky_txn *txn = (struct flaky_txn *)base;
    return fails(txn) ? STATUS_STORE_FAILED : store_get(txn->inner, key, value);
}

static enum status put(struct store_txn *base, struct bytes key, struct bytes value) {
    struct flaky_txn *txn = (struct flaky_txn *)base;
    return fails(txn) ? STATUS_STORE_FAILED : store_put(txn->inner, key, value);
}

static enum status reserve(struct store_txn *base, struct bytes key, size_t len, uint8_t **value) {
    struct flaky_txn *txn = (struct flaky_txn *)base;
    return fails(txn) ? STATUS_STORE_FAILED : store_reserve(txn->inner, key, len, value);
}

static enum status drop(struct store_txn *base, struct bytes key) {
    struct flaky_txn *txn = (struct flaky_txn *)base;
    return fails(txn) ? STATUS_STORE_FAILED : store_remove(txn->inner, key);
}

static enum status seek(struct store_txn *base, struct bytes from, struct bytes *key,
                        struct bytes *value) {
    struct flaky_txn *txn = (struct flaky_txn *)base;
    return fails(txn) ? STATUS_STORE_FAILED : store_seek(txn->inner, from, key, value);
}

static enum status seek_back(struct store_txn *base, struct bytes from, struct bytes *key,
                             struct bytes *value) {
    struct flaky_txn *txn = (struct flaky_txn *)base;
    return fails(txn) ? STATUS_STORE_FAILED : store_seek_back(txn->inner, from, key, value);
}

static enum status commit(struct store_txn *base) {
    struct flaky_txn *txn = (struct flaky_txn *)base;
    assert(!txn->failed);
    enum status status = store_commit(txn->inner);
    free(txn);
    return status;
}

static void end(struct store_txn *base) {
    struct flaky_txn *txn = (struct flaky_txn *)base;
    store_abort(txn->inner);
    free(txn);
}

static const struct store_ops ops = {
    .begin = begin,
    .get = get,
    .put = put,
    .reserve = reserve,
    .remove = drop,
    .seek = seek,
    .seek_back = seek_back,
    .commit = commit,
    .abort = end,
};

void flaky_init(struct flaky *flaky, struct store *inner) {
    *flaky = (struct flaky){.store = {.ops = &ops}, .inner = inner};
}
