/* Verifier keys (https://c2sp.org/signed-note, "Verifier keys") and the secret keys that belong to
 * them.
 *
 *     <key name>+hex(32-bit key ID)+base64(signature type || public key)
 *     PRIVATE+KEY+<key name>+hex(32-bit key ID)+base64(signature type || seed)
 *
 * Types: 0x01 Ed25519 notes (logs, issuers), 0x04 timestamped Ed25519 cosignatures (mirrors,
 * witnesses). The key ID is recomputed and must match: a vkey that parses formats to the same
 * bytes. */
#ifndef DUTYLOG_LEDGER_VKEY_H
#define DUTYLOG_LEDGER_VKEY_H

#include "crypto/sign.h"
#include "ledger/bytes.h"
#include "ledger/limits.h"

enum vkey_type {
    VKEY_NOTE = 0x01,
    VKEY_COSIGNATURE = 0x04,
};

/* '+', 8 hex characters, '+', 44 base64 characters */
#define VKEY_SIZE_MAX (NAME_SIZE_MAX + 1 + 8 + 1 + 44)
#define SIGNER_SIZE_MAX (12 + VKEY_SIZE_MAX)

struct vkey {
    char name[NAME_SIZE_MAX + 1]; /* terminated; no NUL inside */
    size_t name_len;
    uint32_t id;
    enum vkey_type type;
    struct sign_public key;
};

/* A key that can sign. Holds a secret: signer_wipe before the memory is left. */
struct signer {
    struct vkey vkey;
    struct sign_key key;
};

/* BAD_FORM: not a vkey, or of a type other than the two; BAD_CANONICAL: its ID is not its own. */
enum status vkey_parse(struct bytes text, struct vkey *out, struct refusal *why) MUST_USE;
void vkey_format(struct writer *w, const struct vkey *key);
/* Makes a vkey of its parts. BAD_FORM: the name is no key name. */
enum status vkey_make(struct bytes name, enum vkey_type type, const struct sign_public *key,
                      struct vkey *out) MUST_USE;
struct bytes vkey_name(const struct vkey *key);
/* Same name, ID, type and public key. */
bool vkey_equal(const struct vkey *a, const struct vkey *b);

/* As the three above, for secret keys. The caller wipes the seed, and the text or memory that it
 * was read from or is written to. */
enum status signer_make(struct bytes name, enum vkey_type type, const uint8_t seed[SIGN_SEED_SIZE],
                        struct signer *out) MUST_USE;
enum status signer_parse(struct bytes text, struct signer *out, struct refusal *why) MUST_USE;
void signer_format(struct writer *w, const struct signer *signer);
void signer_wipe(struct signer *signer);

#endif
