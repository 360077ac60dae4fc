/* What a store below says of lengths is checked before anybody copies by them: a damaged file lies.
 */
#include "ledger/store.h"
#include "tests/lib/check.h"

#include <criterion/criterion.h>

static uint8_t byte;
static size_t key_len;
static size_t value_len;

static enum status say(struct store_txn *txn, struct bytes from, struct bytes *key,
                       struct bytes *value) {
    (void)txn;
    (void)from;
    *key = bytes_of(&byte, key_len);
    *value = bytes_of(&byte, value_len);
    return STATUS_OK;
}

static enum status say_value(struct store_txn *txn, struct bytes key, struct bytes *value) {
    (void)txn;
    (void)key;
    *value = bytes_of(&byte, value_len);
    return STATUS_OK;
}

static const struct store_ops ops = {.get = say_value, .seek = say, .seek_back = say};

static void expect(size_t key_size, size_t value_size, enum status of_key, enum status of_value) {
    struct store store = {.ops = &ops};
    struct store_txn txn = {.store = &store, .mode = STORE_READ};
    struct bytes key;
    struct bytes value;
    key_len = key_size;
    value_len = value_size;
    CHECK_STATUS(store_seek(&txn, bytes_text("a"), &key, &value), of_key);
    CHECK_STATUS(store_seek_back(&txn, bytes_text("a"), &key, &value), of_key);
    CHECK_STATUS(store_get(&txn, bytes_text("a"), &value), of_value);
}

Test(store_found, lengths_are_not_believed) {
    const enum status bad = STATUS_STORE_CORRUPT;
    expect(STORE_KEY_MAX, STORE_VALUE_MAX, STATUS_OK, STATUS_OK);
    expect(STORE_KEY_MAX + 1, 1, bad, STATUS_OK);
    expect(65535, 1, bad, STATUS_OK);
    expect(1, STORE_VALUE_MAX + 1, bad, bad);
}
