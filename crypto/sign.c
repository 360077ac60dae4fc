#include "crypto/sign.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static_assert(SIGN_PUBLIC_SIZE == crypto_sign_PUBLICKEYBYTES, "libsodium's public key");
static_assert(SIGN_SEED_SIZE == crypto_sign_SEEDBYTES, "libsodium's seed");
static_assert(SIGN_SIGNATURE_SIZE == crypto_sign_BYTES, "libsodium's signature");
static_assert(sizeof((struct sign_key *)0)->secret == crypto_sign_SECRETKEYBYTES,
              "libsodium's secret key");

bool crypto_init(void) {
    return sodium_init() >= 0;
}

void sign_key_from_seed(struct sign_key *key, const uint8_t seed[SIGN_SEED_SIZE]) {
    /* Cannot fail: a key pair exists for every seed. */
    int rc = crypto_sign_seed_keypair(key->public_key.bytes, key->secret, seed);
    assert(rc == 0);
}

void sign_key_seed(const struct sign_key *key, uint8_t seed[SIGN_SEED_SIZE]) {
    memcpy(seed, key->secret, SIGN_SEED_SIZE);
}

void sign_key_wipe(struct sign_key *key) {
    crypto_wipe(key, sizeof *key);
}

void sign_message(const struct sign_key *key, const void *message, size_t len,
                  uint8_t signature[SIGN_SIGNATURE_SIZE]) {
    int rc = crypto_sign_detached(signature, NULL, message, len, key->secret);
    assert(rc == 0);
}

bool sign_verify(const struct sign_public *key, const void *message, size_t len,
                 const uint8_t signature[SIGN_SIGNATURE_SIZE]) {
    return crypto_sign_verify_detached(signature, message, len, key->bytes) == 0;
}

void crypto_wipe(void *memory, size_t len) {
    sodium_memzero(memory, len);
}
