#include "ledger/schema.h"

#include <assert.h>
#include <string.h>

bool table_known(uint8_t byte) {
    switch (byte) {
#define TABLE_KNOWN(name, byte, of_log) case (byte):
        TABLES(TABLE_KNOWN)
#undef TABLE_KNOWN
        return true;
    default:
        return false;
    }
}

bool table_of_log(uint8_t byte) {
    switch (byte) {
#define TABLE_OF_LOG(name, byte, of_log)                                                           \
    case (byte):                                                                                   \
        return (of_log);
        TABLES(TABLE_OF_LOG)
#undef TABLE_OF_LOG
    default:
        return false;
    }
}

static void put_big_endian(struct key *key, uint64_t v, size_t len) {
    assert(key->len >= 1 && key->len + len <= sizeof key->data);
    for (size_t i = 0; i < len; i++) {
        key->data[key->len + i] = (uint8_t)(v >> (8 * (len - 1 - i)));
    }
    key->len += len;
}

void key_start(struct key *key, enum table table) {
    key->data[0] = (uint8_t)table;
    key->len = 1;
}

void key_u8(struct key *key, uint8_t v) {
    put_big_endian(key, v, 1);
}

void key_u32(struct key *key, uint32_t v) {
    put_big_endian(key, v, 4);
}

void key_u64(struct key *key, uint64_t v) {
    put_big_endian(key, v, 8);
}

void key_bytes(struct key *key, struct bytes v) {
    assert(key->len >= 1 && v.len <= sizeof key->data - key->len);
    if (v.len > 0) {
        memcpy(key->data + key->len, v.data, v.len);
        key->len += v.len;
    }
}

struct bytes key_view(const struct key *key) {
    return (struct bytes){.data = key->data, .len = key->len};
}

struct key key_log(enum table table, uint32_t log) {
    struct key key;
    key_start(&key, table);
    key_u32(&key, log);
    return key;
}

struct key key_log_u64(enum table table, uint32_t log, uint64_t v) {
    struct key key = key_log(table, log);
    key_u64(&key, v);
    return key;
}
