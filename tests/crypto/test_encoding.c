/* Base64 and hex: one spelling for a value, and outputs untouched by a refusal. */
#include "crypto/encoding.h"

#include <criterion/criterion.h>
#include <string.h>

static bool decodes(const char *text, uint8_t *out, size_t cap, size_t *len) {
    return base64_decode(text, strlen(text), out, cap, len);
}

Test(encoding, base64_agrees_with_rfc_4648) {
    static const struct {
        const char *plain, *encoded;
    } examples[] = {{"", ""},
                    {"f", "Zg=="},
                    {"fo", "Zm8="},
                    {"foo", "Zm9v"},
                    {"foob", "Zm9vYg=="},
                    {"fooba", "Zm9vYmE="},
                    {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        char text[16];
        uint8_t back[16];
        size_t len = 99, plain_len = strlen(examples[i].plain);
        size_t n = base64_encode(text, (const uint8_t *)examples[i].plain, plain_len);
        cr_assert(n == strlen(examples[i].encoded) && memcmp(text, examples[i].encoded, n) == 0);
        cr_assert(base64_decode(text, n, back, sizeof back, &len));
        cr_assert(len == plain_len && memcmp(back, examples[i].plain, len) == 0);
    }
}

Test(encoding, base64_refuses_every_other_spelling) {
    static const char *const bad[] = {
        "Zg",       "Zg=",      "Z",    "Z===",
        "====",     "=",                              /* padding is required, and no more of it */
        "Zh==",     "Zm9=",                           /* trailing bits that are not zero */
        "Zm9v\n",   " Zm9",     "Zm 9", "Zm9vZg==\n", /* no white space */
        "Zm9-",     "Zm9_",                           /* not the URL alphabet */
        "Zg==Zm9v", "Zm8=Zm8=",                       /* nothing after padding */
        "Zm9vZg=",  "Zm9vZ"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t out[16];
        size_t len = 77;
        memset(out, 0xee, sizeof out);
        cr_assert(!decodes(bad[i], out, sizeof out, &len), "%s", bad[i]);
        cr_assert(!base64_canonical(bad[i], strlen(bad[i]), &len), "%s", bad[i]);
        cr_assert(len == 77);
        for (size_t j = 0; j < sizeof out; j++) {
            cr_assert(out[j] == 0xee, "untouched after %s", bad[i]);
        }
    }
}

/* All groups of four over the alphabet, padding and some that belong to neither. */
Test(encoding, whatever_decodes_encodes_to_the_same_characters) {
    static const char some[] = "AQghwxyz01789+/=-_ \n";
    size_t accepted = 0;
    for (size_t i = 0; i < 20 * 20 * 20 * 20; i++) {
        char text[4] = {some[i % 20], some[i / 20 % 20], some[i / 400 % 20], some[i / 8000]};
        uint8_t out[3];
        size_t len;
        if (base64_decode(text, 4, out, sizeof out, &len)) {
            char again[4];
            cr_assert(base64_encode(again, out, len) == 4 && memcmp(text, again, 4) == 0);
            accepted++;
        }
    }
    /* 15 letters of the alphabet make whole groups; 6 of them have no bits below where one '=' cuts
     * them (A Q g w 0 8), 4 where two do (A Q g w). */
    cr_assert(accepted == 15 * 15 * 15 * 15 + 15 * 15 * 6 + 15 * 4, "%zu", accepted);
}

Test(encoding, base64_knows_65_characters_at_every_place) {
    static const char known[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t place = 0; place < 8; place++) {
        size_t accepted = 0;
        for (unsigned c = 0; c < 256; c++) {
            char text[8] = {'A', 'A', 'A', 'A', 'A', 'A', 'A', 'A'};
            uint8_t out[6];
            size_t len;
            text[place] = (char)c;
            bool expected = c != 0 && strchr(known, (int)c) != NULL;
            expected = expected || (c == '=' && place == 7);
            cr_assert(base64_decode(text, 8, out, sizeof out, &len) == expected, "%zu %02x", place,
                      c);
            accepted += expected ? 1 : 0;
        }
        cr_assert(accepted == (place == 7 ? 65 : 64));
    }
}

Test(encoding, base64_of_every_length_up_to_several_pieces_comes_back) {
    static uint8_t data[1000], back[1000];
    static char text[BASE64_LEN(1000) + 1];
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 31 + i / 256);
    }
    for (size_t len = 0; len <= sizeof data; len++) {
        size_t got = 0, counted = 0;
        text[BASE64_LEN(len)] = '#';
        cr_assert(base64_encode(text, data, len) == BASE64_LEN(len));
        cr_assert(text[BASE64_LEN(len)] == '#', "no terminator is written");
        cr_assert(base64_canonical(text, BASE64_LEN(len), &counted) && counted == len);
        cr_assert(base64_decode(text, BASE64_LEN(len), back, len, &got) && got == len);
        cr_assert(memcmp(data, back, len) == 0);
        if (len > 0) {
            cr_assert(!base64_decode(text, BASE64_LEN(len), back, len - 1, &got),
                      "one byte too long for the room");
        }
    }
}

Test(encoding, padding_between_pieces_is_refused) {
    static const uint8_t zeros[400];
    char text[BASE64_LEN(400)];
    size_t len;
    size_t n = base64_encode(text, zeros, 390);
    cr_assert(base64_canonical(text, n, &len));
    for (size_t i = 0; i + 2 < n; i++) {
        char kept[2] = {text[i], text[i + 1]};
        text[i] = '=';
        cr_assert(!base64_canonical(text, n, &len), "padding at %zu", i);
        text[i + 1] = '=';
        cr_assert(!base64_canonical(text, n, &len), "padding at %zu", i);
        memcpy(text + i, kept, 2);
    }
}

Test(encoding, hex_is_lowercase_and_of_the_length_asked_for) {
    uint8_t out[4] = {9, 9, 9, 9};
    char text[8];
    cr_assert(hex_decode("00ff10ab", 8, out, 4));
    cr_assert(out[0] == 0 && out[1] == 0xff && out[2] == 0x10 && out[3] == 0xab);
    cr_assert(hex_encode(text, out, 4) == 8 && memcmp(text, "00ff10ab", 8) == 0);
    cr_assert(hex_decode("", 0, out, 0));
    static const char *const bad[] = {"00FF10ab", "00ff10a", "00ff10abc", "00ff10ag", "00ff 0ab",
                                      "00:f10ab", "",        "00ff10a/",  "00ff10a`", "00ff10aA"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint8_t kept[4] = {1, 2, 3, 4};
        cr_assert(!hex_decode(bad[i], strlen(bad[i]), kept, 4), "%s", bad[i]);
        cr_assert(kept[0] == 1 && kept[3] == 4, "untouched after %s", bad[i]);
    }
}

Test(encoding, hex_of_every_byte_and_of_long_data_comes_back) {
    uint8_t data[600], back[600];
    char text[HEX_LEN(600) + 1];
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(255 - i % 256);
    }
    text[HEX_LEN(600)] = '#';
    cr_assert(hex_encode(text, data, sizeof data) == HEX_LEN(600) && text[HEX_LEN(600)] == '#');
    cr_assert(hex_decode(text, HEX_LEN(600), back, sizeof back));
    cr_assert(memcmp(data, back, sizeof data) == 0);
}
