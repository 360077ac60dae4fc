/* Ed25519 (RFC 8032) through libsodium.
 *
 * The verification rule is libsodium's, pinned by vectors in specs/ed25519.md: S must be canonical,
 * A and R must be canonical encodings and not of small order, and the check is without cofactor.
 * Every node uses this one rule, so that no two honest nodes disagree on a signature.
 *
 * Secrets: `struct sign_key` holds a secret; wipe it with sign_key_wipe before its memory is left.
 * All functions are thread-safe once crypto_init has returned true. */
#ifndef DUTYLOG_CRYPTO_SIGN_H
#define DUTYLOG_CRYPTO_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIGN_PUBLIC_SIZE 32
#define SIGN_SEED_SIZE 32
#define SIGN_SIGNATURE_SIZE 64

struct sign_public {
    uint8_t bytes[SIGN_PUBLIC_SIZE];
};

struct sign_key {
    uint8_t secret[64]; /* libsodium's form: seed, then public key */
    struct sign_public public_key;
};

/* Prepares libsodium. Call once per process before anything else here. False: the process must not
 * go on. */
bool crypto_init(void) __attribute__((warn_unused_result));

/* Derives the key pair of a 32-byte seed. Deterministic. */
void sign_key_from_seed(struct sign_key *key, const uint8_t seed[SIGN_SEED_SIZE]);
/* Copies the seed out, for writing a key file. The caller wipes it. */
void sign_key_seed(const struct sign_key *key, uint8_t seed[SIGN_SEED_SIZE]);
void sign_key_wipe(struct sign_key *key);

void sign_message(const struct sign_key *key, const void *message, size_t len,
                  uint8_t signature[SIGN_SIGNATURE_SIZE]);
bool sign_verify(const struct sign_public *key, const void *message, size_t len,
                 const uint8_t signature[SIGN_SIGNATURE_SIZE]) __attribute__((warn_unused_result));

/* Overwrites memory that held a secret, in a way the compiler may not remove. */
void crypto_wipe(void *memory, size_t len);

#endif
