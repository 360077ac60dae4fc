/* Keys are a format on disk: their bytes, and that their order is the order of their parts. */
#include "ledger/schema.h"
#include "tests/lib/check.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

Test(schema, builds_keys_of_big_endian_parts) {
    struct key key;
    key_start(&key, TABLE_TILE);
    key_u32(&key, 0x01020304);
    key_u8(&key, 0xfe);
    key_u64(&key, UINT64_C(0x1122334455667788));
    key_bytes(&key, bytes_text("ab"));
    static const uint8_t expected[] = {'h',  1,    2,    3,    4,    0xfe, 0x11, 0x22,
                                       0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 'a',  'b'};
    CHECK_BYTES(key_view(&key), bytes_of(expected, sizeof expected));
}

Test(schema, builds_the_common_shapes) {
    struct key key = key_log(TABLE_TREE, 258);
    CHECK_BYTES(key_view(&key), bytes_of("t\0\0\1\2", 5));
    key = key_log_u64(TABLE_BLOCK, UINT32_MAX, 3);
    CHECK_BYTES(key_view(&key), bytes_of("b\xff\xff\xff\xff\0\0\0\0\0\0\0\3", 13));
}

Test(schema, orders_as_the_numbers_do) {
    static const uint64_t numbers[] = {0, 1, 255, 256, 65535, 65536, UINT64_C(1) << 40, UINT64_MAX};
    for (size_t i = 0; i + 1 < sizeof numbers / sizeof numbers[0]; i++) {
        struct key low = key_log_u64(TABLE_ENTRY, 7, numbers[i]);
        struct key high = key_log_u64(TABLE_ENTRY, 7, numbers[i + 1]);
        struct key other = key_log_u64(TABLE_ENTRY, 8, 0);
        cr_assert_lt(bytes_compare(key_view(&low), key_view(&high)), 0);
        cr_assert_lt(bytes_compare(key_view(&high), key_view(&other)), 0);
    }
}

Test(schema, gives_each_table_its_own_byte) {
    static const enum table tables[] = {
#define TABLE_BYTE(name, byte, of_log) TABLE_##name,
        TABLES(TABLE_BYTE)
#undef TABLE_BYTE
    };
    bool seen[256] = {false};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        cr_assert_not(seen[tables[i]]);
        seen[tables[i]] = true;
    }
    for (unsigned byte = 0; byte < 256; byte++) {
        cr_assert_eq(table_known((uint8_t)byte), seen[byte]);
    }
    cr_assert(table_of_log(TABLE_TREE) && !table_of_log(TABLE_META) && !table_of_log('?'));
}

Test(schema, takes_the_longest_key) {
    static uint8_t part[STORE_KEY_MAX - 1];
    memset(part, 'x', sizeof part);
    struct key key;
    key_start(&key, TABLE_ORIGIN);
    key_bytes(&key, bytes_of(part, sizeof part));
    cr_assert_eq(key_view(&key).len, STORE_KEY_MAX);
    key_bytes(&key, bytes_of(NULL, 0));
    cr_assert_eq(key_view(&key).len, STORE_KEY_MAX);
}

Test(schema, stops_at_a_key_too_long, .signal = SIGABRT) {
    static uint8_t part[STORE_KEY_MAX];
    struct key key;
    key_start(&key, TABLE_ORIGIN);
    key_bytes(&key, bytes_of(part, sizeof part));
}
