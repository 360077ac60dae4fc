/* The cursors that all parsing and building goes through: exact bounds, sticky failure. */
#include "ledger/bytes.h"

#include "crypto/encoding.h"
#include "tests/lib/check.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

Test(bytes, compare_is_memcmp_with_a_prefix_first) {
    static const char *const ordered[] = {"", "a", "aa", "ab", "b", "ba", "\xc3"};
    const int n = (int)(sizeof ordered / sizeof ordered[0]);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            int order = bytes_compare(bytes_text(ordered[i]), bytes_text(ordered[j]));
            cr_assert((order > 0) - (order < 0) == (i > j) - (i < j), "%d %d", i, j);
            cr_assert(bytes_equal(bytes_text(ordered[i]), bytes_text(ordered[j])) == (i == j));
        }
    }
    cr_assert(bytes_equal(bytes_of(NULL, 0), bytes_text("")));
    cr_assert(bytes_compare(bytes_of(NULL, 0), bytes_text("a")) < 0);
}

Test(bytes, starts_with_does_not_read_past_the_end) {
    cr_assert(bytes_starts_with(bytes_text("abc"), "ab"));
    cr_assert(bytes_starts_with(bytes_text("abc"), "abc"));
    cr_assert(!bytes_starts_with(bytes_text("abc"), "abcd"));
    cr_assert(!bytes_starts_with(bytes_text("abc"), "b"));
    cr_assert(bytes_starts_with(bytes_of(NULL, 0), ""));
    cr_assert(!bytes_starts_with(bytes_of(NULL, 0), "a"));
}

Test(bytes, reads_big_endian_numbers_and_hashes) {
    uint8_t input[15 + 32];
    for (size_t i = 0; i < sizeof input; i++) {
        input[i] = (uint8_t)(i + 1);
    }
    struct reader r;
    uint8_t a;
    uint16_t b;
    uint32_t c;
    uint64_t d;
    struct hash h;
    reader_init(&r, bytes_of(input, sizeof input));
    cr_assert(reader_u8(&r, &a) && reader_u16(&r, &b) && reader_u32(&r, &c) && reader_u64(&r, &d));
    cr_assert(!reader_done(&r));
    cr_assert(reader_hash(&r, &h) && reader_done(&r));
    cr_assert(a == 0x01 && b == 0x0203 && c == 0x04050607 && d == UINT64_C(0x08090a0b0c0d0e0f));
    cr_assert(memcmp(h.bytes, input + 15, 32) == 0);
}

Test(bytes, a_reader_that_failed_goes_on_failing) {
    struct reader r;
    struct bytes taken = bytes_text("untouched");
    uint64_t n = 77;
    uint32_t rune = 78;
    struct hash h;
    memset(&h, 0xee, sizeof h);
    reader_init(&r, bytes_text("abc\n"));
    cr_assert(!reader_u64(&r, &n) && r.failed);
    cr_assert(!reader_take(&r, 1, &taken) && !reader_line(&r, &taken) && !reader_skip(&r, "a"));
    cr_assert(!reader_take(&r, 0, &taken) && !reader_rune(&r, &rune) && !reader_hash(&r, &h));
    cr_assert(!reader_done(&r));
    CHECK_TEXT(taken, "untouched");
    cr_assert(n == 77 && rune == 78 && h.bytes[0] == 0xee);
    reader_init(&r, bytes_of(NULL, 0));
    cr_assert(reader_done(&r) && reader_take(&r, 0, &taken) && taken.len == 0);
    cr_assert(!reader_line(&r, &taken) && !reader_done(&r));
}

Test(bytes, every_read_stops_exactly_at_the_end) {
    uint8_t input[40] = {0};
    for (size_t len = 0; len < sizeof input; len++) {
        struct reader r;
        uint8_t a;
        uint16_t b;
        uint32_t c;
        uint64_t d;
        struct hash h;
        struct bytes whole = bytes_of(input, len);
        reader_init(&r, whole);
        cr_assert(reader_u8(&r, &a) == (len >= 1));
        reader_init(&r, whole);
        cr_assert(reader_u16(&r, &b) == (len >= 2));
        reader_init(&r, whole);
        cr_assert(reader_u32(&r, &c) == (len >= 4));
        reader_init(&r, whole);
        cr_assert(reader_u64(&r, &d) == (len >= 8));
        reader_init(&r, whole);
        cr_assert(reader_hash(&r, &h) == (len >= 32));
        reader_init(&r, whole);
        cr_assert(!reader_take(&r, len + 1, &whole));
        reader_init(&r, bytes_of(input, len));
        cr_assert(!reader_take(&r, SIZE_MAX, &whole));
    }
}

Test(bytes, lines_and_skips) {
    struct reader r;
    struct bytes line;
    reader_init(&r, bytes_text("one\n\nthree\nrest"));
    cr_assert(!reader_skip(&r, "two") && !r.failed);
    cr_assert(reader_skip(&r, "on"));
    cr_assert(reader_line(&r, &line));
    CHECK_TEXT(line, "e");
    cr_assert(reader_line(&r, &line) && line.len == 0);
    cr_assert(reader_until(&r, 'r', &line));
    CHECK_TEXT(line, "th");
    cr_assert(reader_line(&r, &line));
    CHECK_TEXT(line, "ee");
    CHECK_TEXT(r.rest, "rest");
    cr_assert(!reader_line(&r, &line) && r.failed);
}

Test(bytes, decimals_have_one_spelling_and_63_bits) {
    static const struct {
        const char *text;
        bool good;
        uint64_t value;
    } cases[] = {
        {"0", true, 0},
        {"9", true, 9},
        {"10", true, 10},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"9999999999999999999", false, 0},
        {"18446744073709551616", false, 0},
        {"00", false, 0},
        {"01", false, 0},
        {"", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1a", false, 0},
        {"1:", false, 0},
        {"1/", false, 0},
        {"0x1", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t v = 77;
        cr_assert(bytes_to_u64(bytes_text(cases[i].text), &v) == cases[i].good, "%s",
                  cases[i].text);
        cr_assert(v == (cases[i].good ? cases[i].value : 77));
    }
}

Test(bytes, hashes_in_base64_are_32_bytes) {
    static const char *const good = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    static const char *const bad[] = {
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUA", /* 33 bytes */
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuA==", /* 31 */
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=", /* trailing bits */
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",  /* no padding */
        "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=", /* another alphabet */
        ""};
    struct hash h, empty;
    hash_empty(&empty);
    cr_assert(bytes_to_hash(bytes_text(good), &h) && hash_equal(&h, &empty));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        h = empty;
        cr_assert(!bytes_to_hash(bytes_text(bad[i]), &h), "%s", bad[i]);
        cr_assert(hash_equal(&h, &empty), "untouched");
    }
    const char *hex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    memset(&h, 0, sizeof h);
    cr_assert(bytes_hex_to_hash(bytes_text(hex), &h) && hash_equal(&h, &empty));
    cr_assert(!bytes_hex_to_hash(bytes_text("e3b0"), &h));
    char upper[65];
    memcpy(upper, hex, sizeof upper);
    upper[0] = 'E';
    cr_assert(!bytes_hex_to_hash(bytes_text(upper), &h));
}

/* A second, slower opinion: decode each sequence by arithmetic, and demand that it is the shortest
 * and a scalar value. */
static bool utf8_valid_by_arithmetic(const uint8_t *p, size_t len) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    for (size_t i = 0; i < len;) {
        size_t n = p[i] < 0x80             ? 1
                   : (p[i] & 0xe0) == 0xc0 ? 2
                   : (p[i] & 0xf0) == 0xe0 ? 3
                   : (p[i] & 0xf8) == 0xf0 ? 4
                                           : 0;
        if (n == 0 || len - i < n) {
            return false;
        }
        uint32_t rune = n == 1 ? p[i] : p[i] & (0xffU >> (n + 1));
        for (size_t j = 1; j < n; j++) {
            if ((p[i + j] & 0xc0) != 0x80) {
                return false;
            }
            rune = rune << 6 | (p[i + j] & 0x3fU);
        }
        if (rune < least[n] || rune > 0x10ffff || (rune >= 0xd800 && rune <= 0xdfff)) {
            return false;
        }
        i += n;
    }
    return true;
}

Test(bytes, utf8_of_all_short_sequences) {
    /* All of one, two and three bytes, and of four those with every lead and every second byte, and
     * edges of the last two. */
    static const uint8_t edges[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff};
    size_t good = 0;
    for (uint32_t i = 0; i < 1U << 24; i++) {
        uint8_t p[4] = {(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i, 0};
        bool valid = bytes_utf8_valid(bytes_of(p, 3));
        if (valid != utf8_valid_by_arithmetic(p, 3)) {
            cr_assert_fail("%02x %02x %02x", p[0], p[1], p[2]);
        }
        good += valid ? 1 : 0;
    }
    /* U+0800 to U+FFFF but the surrogates; a pair of 1 and 2, 2 and 1; three of 1 byte. */
    cr_assert(good == 63488 - 2048 + 2 * 128 * 1920 + 128 * 128 * 128, "%zu", good);
    for (uint32_t i = 0; i < 1U << 16; i++) {
        for (size_t j = 0; j < sizeof edges * sizeof edges; j++) {
            uint8_t p[4] = {(uint8_t)(i >> 8), (uint8_t)i, edges[j % sizeof edges],
                            edges[j / sizeof edges]};
            cr_assert(bytes_utf8_valid(bytes_of(p, 4)) == utf8_valid_by_arithmetic(p, 4));
            cr_assert(bytes_utf8_valid(bytes_of(p, 1)) == utf8_valid_by_arithmetic(p, 1));
            cr_assert(bytes_utf8_valid(bytes_of(p, 2)) == utf8_valid_by_arithmetic(p, 2));
        }
    }
}

Test(bytes, utf8_is_checked_at_every_place_of_a_long_text) {
    uint8_t text[67];
    memset(text, 'a', sizeof text);
    cr_assert(bytes_utf8_valid(bytes_of(text, sizeof text)));
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = 0xff;
        cr_assert(!bytes_utf8_valid(bytes_of(text, sizeof text)), "at %zu", i);
        text[i] = 'a';
        if (i + 4 <= sizeof text) {
            memcpy(text + i, "\xf0\x9f\x99\x82", 4);
            cr_assert(bytes_utf8_valid(bytes_of(text, sizeof text)), "at %zu", i);
            cr_assert(!bytes_utf8_valid(bytes_of(text, i + 3)), "cut at %zu", i + 3);
            memset(text + i, 'a', 4);
        }
    }
}

Test(bytes, runes_have_their_values) {
    struct reader r;
    uint32_t rune;
    static const uint32_t expected[] = {'a', 0xe9, 0x2014, 0x1f642, 0x10ffff};
    reader_init(&r, bytes_text("a\xc3\xa9\xe2\x80\x94\xf0\x9f\x99\x82\xf4\x8f\xbf\xbf"));
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        cr_assert(reader_rune(&r, &rune) && rune == expected[i], "%x", rune);
    }
    cr_assert(reader_done(&r));
}

static void write_one_of_each(struct writer *w) {
    struct hash h;
    hash_empty(&h);
    writer_put(w, "put", 3);
    writer_put(w, NULL, 0);
    writer_bytes(w, bytes_text("bytes"));
    writer_text(w, "text");
    writer_u8(w, 0x01);
    writer_u16(w, 0x0203);
    writer_u32(w, 0x04050607);
    writer_u64(w, UINT64_C(0x08090a0b0c0d0e0f));
    writer_hash(w, &h);
    writer_hash_base64(w, &h);
    writer_hash_hex(w, &h);
    writer_decimal(w, 0);
    writer_decimal(w, UINT64_MAX);
    uint8_t *room = writer_reserve(w, 2);
    if (room != NULL) {
        memcpy(room, "ok", 2);
    }
}

#define ONE_OF_EACH (12 + 15 + 32 + 44 + 64 + 1 + 20 + 2)

Test(bytes, writes_what_readers_read) {
    uint8_t memory[ONE_OF_EACH], expected[12 + 15];
    struct writer w;
    struct hash h;
    hash_empty(&h);
    writer_init(&w, memory, sizeof memory);
    write_one_of_each(&w);
    CHECK_OK(writer_status(&w));
    cr_assert(writer_view(&w).len == ONE_OF_EACH);
    memcpy(expected, "putbytestext", 12);
    for (uint8_t i = 0; i < 15; i++) {
        expected[12 + i] = (uint8_t)(i + 1);
    }
    CHECK_BYTES(bytes_of(memory, 27), bytes_of(expected, 27));
    CHECK_BYTES(bytes_of(memory + 27, 32), bytes_of(h.bytes, 32));
    CHECK_TEXT(bytes_of(memory + 59, ONE_OF_EACH - 59),
               "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
               "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
               "0"
               "18446744073709551615"
               "ok");
}

Test(bytes, a_writer_never_passes_its_end) {
    for (size_t cap = 0; cap < ONE_OF_EACH; cap++) {
        uint8_t memory[ONE_OF_EACH + 1];
        struct writer w;
        memset(memory, 0xee, sizeof memory);
        writer_init(&w, memory, cap);
        write_one_of_each(&w);
        CHECK_STATUS(writer_status(&w), STATUS_TOO_LARGE);
        cr_assert(w.len <= cap);
        for (size_t i = cap; i < sizeof memory; i++) {
            cr_assert(memory[i] == 0xee, "room %zu, byte %zu", cap, i);
        }
        cr_assert(writer_reserve(&w, 0) == NULL, "failure is sticky");
    }
    struct writer none;
    writer_init(&none, NULL, 0);
    CHECK_OK(writer_status(&none));
    cr_assert(writer_reserve(&none, SIZE_MAX) == NULL);
}

Test(bytes, a_view_of_nothing_with_a_length_is_our_bug, .signal = SIGABRT) {
    (void)bytes_of(NULL, 1);
}
