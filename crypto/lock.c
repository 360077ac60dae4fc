#include "crypto/lock.h"

#include "crypto/sign.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static_assert(LOCK_SALT_SIZE == crypto_pwhash_argon2id_SALTBYTES, "libsodium's salt");
static_assert(LOCK_NONCE_SIZE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "its nonce");
static_assert(LOCK_TAG_SIZE == crypto_aead_xchacha20poly1305_ietf_ABYTES, "its tag");

#define KEY_SIZE crypto_aead_xchacha20poly1305_ietf_KEYBYTES

bool lock_cost_valid(const struct lock_cost *cost) {
    return cost->passes >= LOCK_PASSES_MIN && cost->passes <= LOCK_PASSES_MAX &&
           cost->memory_kib >= LOCK_MEMORY_MIN_KIB && cost->memory_kib <= LOCK_MEMORY_MAX_KIB;
}

static bool derive(const struct lock_cost *cost, const uint8_t *salt, const void *passphrase,
                   size_t len, uint8_t key[KEY_SIZE]) {
    assert(lock_cost_valid(cost));
    return crypto_pwhash_argon2id(key, KEY_SIZE, passphrase, len, salt, cost->passes,
                                  (size_t)cost->memory_kib * 1024,
                                  crypto_pwhash_argon2id_ALG_ARGON2ID13) == 0;
}

bool lock_close(const struct lock_cost *cost, const uint8_t salt[LOCK_SALT_SIZE],
                const uint8_t nonce[LOCK_NONCE_SIZE], const void *passphrase, size_t passphrase_len,
                const void *context, size_t context_len, const void *secret, size_t len,
                uint8_t *out) {
    uint8_t key[KEY_SIZE];
    if (!derive(cost, salt, passphrase, passphrase_len, key)) {
        return false;
    }
    int rc = crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, secret, len, context,
                                                        context_len, NULL, nonce, key);
    crypto_wipe(key, sizeof key);
    assert(rc == 0); /* it has no way to fail */
    return true;
}

enum lock_result lock_open(const struct lock_cost *cost, const uint8_t salt[LOCK_SALT_SIZE],
                           const uint8_t nonce[LOCK_NONCE_SIZE], const void *passphrase,
                           size_t passphrase_len, const void *context, size_t context_len,
                           const void *locked, size_t len, uint8_t *out) {
    uint8_t key[KEY_SIZE];
    assert(len >= LOCK_TAG_SIZE);
    memset(out, 0, len - LOCK_TAG_SIZE);
    if (!derive(cost, salt, passphrase, passphrase_len, key)) {
        return LOCK_NO_MEMORY;
    }
    int rc = crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, locked, len, context,
                                                        context_len, nonce, key);
    crypto_wipe(key, sizeof key);
    return rc == 0 ? LOCK_OPENED : LOCK_WRONG;
}
