/* A secret key locked by a passphrase, as a text file of five lines:
 *
 *     dutylog/key/v1
 *     <the verifier key: public, so that one can tell what the file is for>
 *     argon2id <passes> <memory in KiB> <salt, 32 hex characters>
 *     <nonce, 48 hex characters>
 *     <base64: the seed of 32 bytes, locked (crypto/lock.h) with the lines above as context>
 *
 * Bytes that parse are written back the same. */
#ifndef DUTYLOG_LEDGER_LOCKED_KEY_H
#define DUTYLOG_LEDGER_LOCKED_KEY_H

#include "crypto/lock.h"
#include "ledger/vkey.h"

#define LOCKED_SEED_SIZE (SIGN_SEED_SIZE + LOCK_TAG_SIZE)
#define LOCKED_KEY_SIZE_MAX (16 + VKEY_SIZE_MAX + 64 + 64 + 80)
#define PASSPHRASE_SIZE_MAX 1024

struct locked_key {
    struct vkey vkey;
    struct lock_cost cost;
    uint8_t salt[LOCK_SALT_SIZE];
    uint8_t nonce[LOCK_NONCE_SIZE];
    uint8_t locked[LOCKED_SEED_SIZE];
};

/* Does the text begin as such a file does? */
bool locked_key_is(struct bytes text);
/* BAD_FORM: not such a file, or with a cost out of bounds. */
enum status locked_key_parse(struct bytes text, struct locked_key *out,
                             struct refusal *why) MUST_USE;
void locked_key_format(struct writer *w, const struct locked_key *key);

/* Locks a signer. `salt` and `nonce` are fresh random bytes. NOMEM: too little memory for the cost.
 */
enum status locked_key_make(const struct signer *signer, const struct lock_cost *cost,
                            const uint8_t salt[LOCK_SALT_SIZE],
                            const uint8_t nonce[LOCK_NONCE_SIZE], struct bytes passphrase,
                            struct locked_key *out, struct refusal *why) MUST_USE;
/* DENIED_KEY: the passphrase is another, or the file was changed. NOMEM. The caller wipes the
 * signer. */
enum status locked_key_open(const struct locked_key *key, struct bytes passphrase,
                            struct signer *out, struct refusal *why) MUST_USE;

#endif
