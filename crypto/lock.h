/* A small secret locked by a passphrase: Argon2id (RFC 9106) makes the key, XChaCha20-Poly1305
 * locks with it, both through libsodium. What guessing one passphrase costs is in the parameters,
 * which stand beside the locked secret and are bounded, so that a hostile file cannot take the
 * machine's memory.
 *
 * All functions are thread-safe once crypto_init has returned true. */
#ifndef DUTYLOG_CRYPTO_LOCK_H
#define DUTYLOG_CRYPTO_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOCK_SALT_SIZE 16
#define LOCK_NONCE_SIZE 24
#define LOCK_TAG_SIZE 16 /* a locked secret is so much longer */

#define LOCK_PASSES_MIN 1
#define LOCK_PASSES_MAX 16
#define LOCK_MEMORY_MIN_KIB 8192
#define LOCK_MEMORY_MAX_KIB (1024 * 1024)
/* Half a second and 256 MiB a guess. */
#define LOCK_PASSES_DEFAULT 3
#define LOCK_MEMORY_DEFAULT_KIB (256 * 1024)

struct lock_cost {
    uint32_t passes;
    uint32_t memory_kib;
};
bool lock_cost_valid(const struct lock_cost *cost);

/* Locks `len` bytes of `secret` into `out` (len + LOCK_TAG_SIZE bytes), bound to `context`, which
 * is not secret. The salt and nonce are fresh random bytes. False: no memory for such a cost.
 * Asserts that the cost is valid. */
bool lock_close(const struct lock_cost *cost, const uint8_t salt[LOCK_SALT_SIZE],
                const uint8_t nonce[LOCK_NONCE_SIZE], const void *passphrase, size_t passphrase_len,
                const void *context, size_t context_len, const void *secret, size_t len,
                uint8_t *out) __attribute__((warn_unused_result));
enum lock_result {
    LOCK_OPENED,
    LOCK_WRONG, /* another passphrase, or the bytes were changed */
    LOCK_NO_MEMORY,
};
/* The other way: `len` bytes of `locked` into `out` (len - LOCK_TAG_SIZE bytes), which the caller
 * wipes. `out` is zeros unless OPENED. */
enum lock_result lock_open(const struct lock_cost *cost, const uint8_t salt[LOCK_SALT_SIZE],
                           const uint8_t nonce[LOCK_NONCE_SIZE], const void *passphrase,
                           size_t passphrase_len, const void *context, size_t context_len,
                           const void *locked, size_t len, uint8_t *out);

#endif
