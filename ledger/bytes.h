/* Bounded bytes: a view, a reading cursor and a writing cursor. All parsing and building goes
 * through these, so that bounds are checked in one place. Failure is sticky: after the first
 * overrun every further call fails too, and checking once at the end is enough. Nothing allocates.
 */
#ifndef DUTYLOG_LEDGER_BYTES_H
#define DUTYLOG_LEDGER_BYTES_H

#include "crypto/hash.h"
#include "ledger/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed bytes: whoever made the view says how long they live. `data` may be NULL only when `len`
 * is 0. */
struct bytes {
    const uint8_t *data;
    size_t len;
};

struct bytes bytes_of(const void *data, size_t len);
struct bytes bytes_text(const char *text); /* without the terminator */
bool bytes_equal(struct bytes a, struct bytes b);
/* memcmp order, a prefix before what it begins. */
int bytes_compare(struct bytes a, struct bytes b);
bool bytes_starts_with(struct bytes a, const char *prefix);
/* True if the bytes are well-formed UTF-8 (Unicode, table 3-7): no overlong form, no surrogate,
 * nothing above U+10FFFF. */
bool bytes_utf8_valid(struct bytes b);

/* Reads from the front of a view. Views handed out borrow from the input. */
struct reader {
    struct bytes rest;
    bool failed;
};

void reader_init(struct reader *r, struct bytes input);
bool reader_take(struct reader *r, size_t len, struct bytes *out);
bool reader_u8(struct reader *r, uint8_t *out);
bool reader_u16(struct reader *r, uint16_t *out); /* big-endian, as all below */
bool reader_u32(struct reader *r, uint32_t *out);
bool reader_u64(struct reader *r, uint64_t *out);
bool reader_hash(struct reader *r, struct hash *out); /* 32 raw bytes */
/* The next line, which must end in a newline; the view is without it. */
bool reader_line(struct reader *r, struct bytes *line);
/* What stands before the next `delimiter`, which is consumed too. Fails if there is none. */
bool reader_until(struct reader *r, uint8_t delimiter, struct bytes *out);
/* The next code point of well-formed UTF-8. */
bool reader_rune(struct reader *r, uint32_t *out);
/* Consumes `text` if the input starts with it; false, without failing the reader, if it does not.
 */
bool reader_skip(struct reader *r, const char *text);
/* True if all was consumed and nothing failed. */
bool reader_done(const struct reader *r);

/* Decimal without leading zeros, at most 2^63 - 1. */
bool bytes_to_u64(struct bytes text, uint64_t *out);
/* One hash in base64 (44 characters), canonical. */
bool bytes_to_hash(struct bytes text, struct hash *out);
/* One hash in lowercase hex (64 characters). */
bool bytes_hex_to_hash(struct bytes text, struct hash *out);

/* Appends to memory that the caller owns, never beyond `cap`. */
struct writer {
    uint8_t *data;
    size_t len;
    size_t cap;
    bool failed; /* something did not fit: the content is not to be used */
};

void writer_init(struct writer *w, void *memory, size_t cap);
void writer_put(struct writer *w, const void *data, size_t len);
void writer_bytes(struct writer *w, struct bytes b);
void writer_text(struct writer *w, const char *text);
void writer_u8(struct writer *w, uint8_t v);
void writer_u16(struct writer *w, uint16_t v);
void writer_u32(struct writer *w, uint32_t v);
void writer_u64(struct writer *w, uint64_t v);
void writer_hash(struct writer *w, const struct hash *h);        /* raw */
void writer_hash_base64(struct writer *w, const struct hash *h); /* 44 characters */
void writer_hash_hex(struct writer *w, const struct hash *h);    /* 64 characters */
void writer_decimal(struct writer *w, uint64_t v);
/* Room for `len` bytes to be filled by the caller, or NULL (and failed) if there is none. */
uint8_t *writer_reserve(struct writer *w, size_t len);
struct bytes writer_view(const struct writer *w);
/* STATUS_OK, or STATUS_TOO_LARGE if anything did not fit. */
enum status writer_status(const struct writer *w) MUST_USE;

#endif
