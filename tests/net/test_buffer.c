#include "net/buffer.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

Test(buffer, grows_to_its_maximum_and_no_further) {
    for (size_t max = 0; max < 1200; max += 7) {
        struct buffer b;
        buffer_init(&b, max);
        for (size_t i = 0; i < max; i++) {
            uint8_t byte = (uint8_t)i;
            cr_assert_eq(buffer_append(&b, bytes_of(&byte, 1)), STATUS_OK);
            cr_assert_leq(b.cap, max);
        }
        cr_assert_eq(buffer_append(&b, bytes_text("x")), STATUS_TOO_LARGE);
        cr_assert_eq(buffer_view(&b).len, max);
        for (size_t i = 0; i < max; i++) {
            cr_assert_eq(b.data[i], (uint8_t)i);
        }
        buffer_clear(&b);
        cr_assert_eq(b.max, max);
    }
}

Test(buffer, appends_all_or_nothing) {
    struct buffer b;
    buffer_init(&b, 5);
    cr_assert_eq(buffer_append(&b, bytes_text("abc")), STATUS_OK);
    cr_assert_eq(buffer_append(&b, bytes_text("def")), STATUS_TOO_LARGE);
    cr_assert_eq(buffer_append(&b, bytes_of(NULL, 0)), STATUS_OK);
    cr_assert(bytes_equal(buffer_view(&b), bytes_text("abc")));
    uint8_t *room;
    cr_assert_eq(buffer_reserve(&b, SIZE_MAX, &room), STATUS_TOO_LARGE);
    cr_assert_eq(buffer_reserve(&b, 2, &room), STATUS_OK);
    memcpy(room, "de", 2);
    cr_assert_eq(b.len, 3);
    buffer_commit(&b, 2);
    cr_assert(bytes_equal(buffer_view(&b), bytes_text("abcde")));
    buffer_wipe(&b);
    cr_assert_eq(b.len, 0);
    cr_assert_null(b.data);
}

Test(buffer, consumes_and_gives_away) {
    struct buffer b;
    buffer_init(&b, 100);
    cr_assert_eq(buffer_append(&b, bytes_text("abcdef")), STATUS_OK);
    buffer_consume(&b, 0);
    buffer_consume(&b, 2);
    cr_assert(bytes_equal(buffer_view(&b), bytes_text("cdef")));
    buffer_consume(&b, 4);
    cr_assert_eq(b.len, 0);
    cr_assert_eq(buffer_append(&b, bytes_text("xy")), STATUS_OK);
    size_t len;
    uint8_t *data = buffer_take(&b, &len);
    cr_assert_eq(len, 2);
    cr_assert_eq(memcmp(data, "xy", 2), 0);
    free(data);
    cr_assert_eq(b.cap, 0);
    cr_assert_eq(buffer_append(&b, bytes_text("again")), STATUS_OK);
    buffer_clear(&b);
}
