/* Base64 (RFC 4648 section 4, padded) and lowercase hex, each with exactly one spelling for a
 * value: decoding accepts only what encoding writes, so that parsed text re-encodes to the same
 * bytes. Built on libsodium's codecs. Nothing allocates; outputs are untouched on failure. */
#ifndef DUTYLOG_CRYPTO_ENCODING_H
#define DUTYLOG_CRYPTO_ENCODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Characters that `len` bytes take, without a terminator. */
#define BASE64_LEN(len) (((len) + 2) / 3 * 4)
#define HEX_LEN(len) ((len)*2)

/* Writes BASE64_LEN(len) characters and no terminator; `out` has room for them. Returns the count.
 */
size_t base64_encode(char *out, const uint8_t *data, size_t len);
/* True if `text` is canonical and padded, of any length; gives the number of bytes that it stands
 * for. */
bool base64_canonical(const char *text, size_t text_len, size_t *len)
    __attribute__((warn_unused_result));
/* Decodes `text`, which must be canonical and padded, into at most `cap` bytes. False: not
 * canonical, or too long. */
bool base64_decode(const char *text, size_t text_len, uint8_t *out, size_t cap, size_t *len)
    __attribute__((warn_unused_result));

/* Writes HEX_LEN(len) lowercase characters and no terminator. Returns the count. */
size_t hex_encode(char *out, const uint8_t *data, size_t len);
/* Decodes exactly 2*len lowercase hex characters. False: another length or another character. */
bool hex_decode(const char *text, size_t text_len, uint8_t *out, size_t len)
    __attribute__((warn_unused_result));

#endif
