#include "crypto/encoding.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

/* libsodium ends what it encodes with a NUL and leaves half of what it cannot decode, so both go
 * through a small buffer, piece by piece: whole groups of 3 bytes and 4 characters. What passes
 * through may be a secret key: the buffer is wiped each time. */
#define PIECE_BYTES 192
#define PIECE_CHARACTERS 256
static_assert(PIECE_CHARACTERS == BASE64_LEN(PIECE_BYTES), "a piece is whole groups");

size_t base64_encode(char *out, const uint8_t *data, size_t len) {
    char piece[PIECE_CHARACTERS + 1];
    size_t written = 0;
    for (size_t done = 0; done < len; done += PIECE_BYTES) {
        size_t n = len - done < PIECE_BYTES ? len - done : PIECE_BYTES;
        sodium_bin2base64(piece, sizeof piece, data + done, n, sodium_base64_VARIANT_ORIGINAL);
        memcpy(out + written, piece, BASE64_LEN(n));
        written += BASE64_LEN(n);
    }
    sodium_memzero(piece, sizeof piece);
    assert(written == BASE64_LEN(len));
    return written;
}

/* The value of a character, or 64: by arithmetic and without a table, since it may be a secret's.
 */
static unsigned base64_value(char c) {
    unsigned u = (unsigned char)c;
    unsigned value = 64;
    value = u - 'A' < 26 ? u - 'A' : value;
    value = u - 'a' < 26 ? u - 'a' + 26 : value;
    value = u - '0' < 10 ? u - '0' + 52 : value;
    value = u == '+' ? 62 : value;
    return u == '/' ? 63 : value;
}

/* libsodium decodes well, but cannot do without room for what it decodes, is slow, and 1.0.18 takes
 * characters for signed and reads every byte from 0x80 up as '/'. So the form is judged here. */
bool base64_canonical(const char *text, size_t text_len, size_t *len) {
    if (text_len % 4 != 0) {
        return false;
    }
    size_t padding = 0;
    while (padding < 2 && padding < text_len && text[text_len - 1 - padding] == '=') {
        padding++;
    }
    size_t characters = text_len - padding;
    unsigned invalid = 0;
    for (size_t i = 0; i < characters; i++) {
        invalid |= base64_value(text[i]) & 64;
    }
    /* One '=' leaves two bits of the last character unused, two leave four: they are zero. */
    unsigned unused = padding == 0 ? 0 : padding == 1 ? 3 : 15;
    if (invalid != 0 || (characters > 0 && (base64_value(text[characters - 1]) & unused) != 0)) {
        return false;
    }
    *len = text_len / 4 * 3 - padding;
    return true;
}

bool base64_decode(const char *text, size_t text_len, uint8_t *out, size_t cap, size_t *len) {
    size_t total = 0;
    size_t decoded = 0;
    if (!base64_canonical(text, text_len, &total) || total > cap) {
        return false;
    }
    *len = total;
    if (total == 0) {
        return true;
    }
    /* In its form, and there is room: nothing can fail any more. */
    int rc = sodium_base642bin(out, cap, text, text_len, NULL, &decoded, NULL,
                               sodium_base64_VARIANT_ORIGINAL);
    assert(rc == 0 && decoded == total);
    return true;
}

size_t hex_encode(char *out, const uint8_t *data, size_t len) {
    char piece[PIECE_CHARACTERS + 1];
    const size_t step = PIECE_CHARACTERS / 2;
    for (size_t done = 0; done < len; done += step) {
        size_t n = len - done < step ? len - done : step;
        sodium_bin2hex(piece, sizeof piece, data + done, n);
        memcpy(out + HEX_LEN(done), piece, HEX_LEN(n));
    }
    sodium_memzero(piece, sizeof piece);
    return HEX_LEN(len);
}

/* The value of a lowercase character, or 16: by arithmetic, as above. */
static unsigned hex_value(char c) {
    unsigned u = (unsigned char)c;
    unsigned value = 16;
    value = u - '0' < 10 ? u - '0' : value;
    return u - 'a' < 6 ? u - 'a' + 10 : value;
}

/* libsodium's takes either case, so that each character would be looked at twice. */
bool hex_decode(const char *text, size_t text_len, uint8_t *out, size_t len) {
    if (text_len != HEX_LEN(len)) {
        return false;
    }
    unsigned invalid = 0;
    for (size_t i = 0; i < text_len; i++) {
        invalid |= hex_value(text[i]) & 16;
    }
    for (size_t i = 0; invalid == 0 && i < len; i++) {
        out[i] = (uint8_t)(hex_value(text[2 * i]) << 4 | hex_value(text[2 * i + 1]));
    }
    return invalid == 0;
}
