/* Growing bytes with a maximum fixed at creation. Owned by whoever initialised it. */
#ifndef DUTYLOG_NET_BUFFER_H
#define DUTYLOG_NET_BUFFER_H

#include "ledger/bytes.h"

/* Fields are for reading. Invariant: len <= cap <= max; data is NULL only if cap is 0. */
struct buffer {
    uint8_t *data;
    size_t len;
    size_t cap;
    size_t max;
};

/* Takes no memory yet. */
void buffer_init(struct buffer *b, size_t max);
/* Frees the memory and keeps the maximum: usable again. */
void buffer_clear(struct buffer *b);
/* As clear, after wiping what was there: for secrets. */
void buffer_wipe(struct buffer *b);
/* Appends a copy. TOO_LARGE: beyond the maximum; NOMEM; then nothing was appended. */
enum status buffer_append(struct buffer *b, struct bytes more) MUST_USE;
/* Room for `len` more bytes, at the end, uninitialised; counted only by buffer_commit. */
enum status buffer_reserve(struct buffer *b, size_t len, uint8_t **room) MUST_USE;
void buffer_commit(struct buffer *b, size_t len);
/* Drops `len` bytes from the front, moving the rest: for streams, in pieces of some size. */
void buffer_consume(struct buffer *b, size_t len);
/* Borrowed until the next change. */
struct bytes buffer_view(const struct buffer *b);
/* Hands the memory over, to be freed with free(); leaves the buffer empty. */
uint8_t *buffer_take(struct buffer *b, size_t *len);

#endif
