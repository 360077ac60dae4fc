#include "net/buffer.h"

#include <assert.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 256

static void check(const struct buffer *b) {
    assert(b->len <= b->cap && b->cap <= b->max);
    assert(b->data != NULL || b->cap == 0);
}

void buffer_init(struct buffer *b, size_t max) {
    *b = (struct buffer){.max = max};
}

void buffer_clear(struct buffer *b) {
    check(b);
    free(b->data);
    buffer_init(b, b->max);
}

void buffer_wipe(struct buffer *b) {
    check(b);
    if (b->data != NULL) {
        sodium_memzero(b->data, b->cap);
    }
    buffer_clear(b);
}

/* Doubles, so that a body that comes in pieces is copied a bounded number of times; never beyond
 * the maximum. */
static enum status grow(struct buffer *b, size_t needed) {
    size_t cap = b->cap < FIRST_CAP ? FIRST_CAP : b->cap;
    while (cap < needed) {
        cap = cap > b->max / 2 ? b->max : cap * 2;
    }
    if (cap > b->max) {
        cap = b->max;
    }
    /* Not realloc: it may leave a copy of a secret in the memory it gives back. */
    uint8_t *data = malloc(cap);
    if (data == NULL) {
        return STATUS_NOMEM;
    }
    if (b->data != NULL) {
        memcpy(data, b->data, b->len);
        sodium_memzero(b->data, b->len);
        free(b->data);
    }
    b->data = data;
    b->cap = cap;
    return STATUS_OK;
}

enum status buffer_reserve(struct buffer *b, size_t len, uint8_t **room) {
    check(b);
    if (len > b->max - b->len) {
        return STATUS_TOO_LARGE;
    }
    if (len > b->cap - b->len) {
        TRY(grow(b, b->len + len));
    }
    *room = b->data + b->len;
    check(b);
    return STATUS_OK;
}

void buffer_commit(struct buffer *b, size_t len) {
    assert(len <= b->cap - b->len);
    b->len += len;
}

enum status buffer_append(struct buffer *b, struct bytes more) {
    if (more.len == 0) {
        return STATUS_OK;
    }
    uint8_t *room;
    TRY(buffer_reserve(b, more.len, &room));
    memcpy(room, more.data, more.len);
    buffer_commit(b, more.len);
    return STATUS_OK;
}

void buffer_consume(struct buffer *b, size_t len) {
    assert(len <= b->len);
    if (len == 0) {
        return;
    }
    memmove(b->data, b->data + len, b->len - len);
    b->len -= len;
}

struct bytes buffer_view(const struct buffer *b) {
    check(b);
    return bytes_of(b->data, b->len);
}

uint8_t *buffer_take(struct buffer *b, size_t *len) {
    check(b);
    uint8_t *data = b->data;
    *len = b->len;
    buffer_init(b, b->max);
    return data;
}
