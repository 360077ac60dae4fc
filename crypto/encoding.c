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

static bool is_base64(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/' || c == '=';
}

/* Decodes one piece. libsodium refuses wrong or missing padding and trailing bits that are not
 * zero, but 1.0.18 takes characters for signed and reads every byte from 0x80 up as '/'. */
static bool decode_piece(const char *text, size_t text_len, uint8_t out[PIECE_BYTES], size_t *len) {
    assert(text_len <= PIECE_CHARACTERS);
    for (size_t i = 0; i < text_len; i++) {
        if (!is_base64(text[i])) {
            return false;
        }
    }
    return sodium_base642bin(out, PIECE_BYTES, text, text_len, NULL, len, NULL,
                             sodium_base64_VARIANT_ORIGINAL) == 0;
}

bool base64_canonical(const char *text, size_t text_len, size_t *len) {
    uint8_t piece[PIECE_BYTES];
    size_t total = 0;
    bool good = true;
    for (size_t done = 0; good && done < text_len; done += PIECE_CHARACTERS) {
        size_t left = text_len - done;
        size_t n = left < PIECE_CHARACTERS ? left : PIECE_CHARACTERS;
        size_t decoded = 0;
        good = decode_piece(text + done, n, piece, &decoded);
        /* Padding ends the text: only the last piece may be short of bytes. */
        good = good && (left <= PIECE_CHARACTERS || decoded == PIECE_BYTES);
        total += decoded;
    }
    sodium_memzero(piece, sizeof piece);
    if (good) {
        *len = total;
    }
    return good;
}

bool base64_decode(const char *text, size_t text_len, uint8_t *out, size_t cap, size_t *len) {
    size_t total = 0;
    if (!base64_canonical(text, text_len, &total) || total > cap) {
        return false;
    }
    *len = total;
    if (total == 0) {
        return true;
    }
    /* It was just decoded once: nothing can fail any more. */
    int rc = sodium_base642bin(out, cap, text, text_len, NULL, NULL, NULL,
                               sodium_base64_VARIANT_ORIGINAL);
    assert(rc == 0);
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

bool hex_decode(const char *text, size_t text_len, uint8_t *out, size_t len) {
    if (text_len != HEX_LEN(len)) {
        return false;
    }
    for (size_t i = 0; i < text_len; i++) {
        bool lowercase_hex =
            (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
        if (!lowercase_hex) {
            return false;
        }
    }
    if (len == 0) {
        return true;
    }
    /* 2 * len hex characters are len bytes. */
    int rc = sodium_hex2bin(out, len, text, text_len, NULL, NULL, NULL);
    assert(rc == 0);
    return true;
}
