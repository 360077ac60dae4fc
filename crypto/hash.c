#include "crypto/hash.h"

#include <assert.h>
#include <string.h>

static_assert(HASH_SIZE == SHA256_DIGEST_SIZE, "a hash is a SHA-256 digest");

void hash_start(struct hash_stream *stream) {
    sha256_init(&stream->state);
}

void hash_add(struct hash_stream *stream, const void *data, size_t len) {
    /* An empty view may have a null pointer, which nettle's memcpy must not see. */
    if (len != 0) {
        sha256_update(&stream->state, len, data);
    }
}

void hash_finish(struct hash_stream *stream, struct hash *out) {
    sha256_digest(&stream->state, HASH_SIZE, out->bytes);
}

void hash_of(const void *data, size_t len, struct hash *out) {
    struct hash_stream stream;
    hash_start(&stream);
    hash_add(&stream, data, len);
    hash_finish(&stream, out);
}

void hash_leaf(const void *entry, size_t len, struct hash *out) {
    static const uint8_t prefix = 0x00;
    struct hash_stream stream;
    hash_start(&stream);
    hash_add(&stream, &prefix, 1);
    hash_add(&stream, entry, len);
    hash_finish(&stream, out);
}

void hash_node(const struct hash *left, const struct hash *right, struct hash *out) {
    uint8_t input[1 + 2 * HASH_SIZE];
    input[0] = 0x01;
    memcpy(input + 1, left->bytes, HASH_SIZE);
    memcpy(input + 1 + HASH_SIZE, right->bytes, HASH_SIZE);
    hash_of(input, sizeof input, out);
}

void hash_empty(struct hash *out) {
    hash_of(NULL, 0, out);
}

bool hash_equal(const struct hash *a, const struct hash *b) {
    return memcmp(a->bytes, b->bytes, HASH_SIZE) == 0;
}
