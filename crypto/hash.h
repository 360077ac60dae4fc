/* SHA-256, and the two ways a Merkle tree uses it (RFC 6962 section 2.1).
 *
 * Vocabulary: a *leaf hash* is SHA-256(0x00 || entry); a *node hash* is SHA-256(0x01 || left ||
 * right); the root of the empty tree is SHA-256 of nothing. The two prefixes keep a leaf from
 * passing for a node.
 *
 * Nothing here allocates, keeps state between calls, or can fail. Thread-safe. */
#ifndef DUTYLOG_CRYPTO_HASH_H
#define DUTYLOG_CRYPTO_HASH_H

#include <nettle/sha2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_SIZE 32

struct hash {
    uint8_t bytes[HASH_SIZE];
};

/* A hash computed piece by piece. Start, add any number of times, finish once. */
struct hash_stream {
    struct sha256_ctx state;
};

void hash_start(struct hash_stream *stream);
void hash_add(struct hash_stream *stream, const void *data, size_t len);
void hash_finish(struct hash_stream *stream, struct hash *out);

/* SHA-256 of `len` bytes. */
void hash_of(const void *data, size_t len, struct hash *out);
/* The leaf hash of one entry. */
void hash_leaf(const void *entry, size_t len, struct hash *out);
/* The node hash of two children. `out` may be either child. */
void hash_node(const struct hash *left, const struct hash *right, struct hash *out);
/* The root of the tree with no leaves. */
void hash_empty(struct hash *out);
/* True if equal. Hashes are public: this is not constant-time on purpose. */
bool hash_equal(const struct hash *a, const struct hash *b);

#endif
