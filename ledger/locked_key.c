#include "ledger/locked_key.h"

#include "crypto/encoding.h"

#include <assert.h>
#include <string.h>

static const char first_line[] = "dutylog/key/v1\n";

bool locked_key_is(struct bytes text) {
    return bytes_starts_with(text, first_line);
}

/* The lines that the lock is bound to: all but the last. */
static void format_context(struct writer *w, const struct locked_key *key) {
    char hex[HEX_LEN(LOCK_NONCE_SIZE)];
    writer_text(w, first_line);
    vkey_format(w, &key->vkey);
    writer_text(w, "\nargon2id ");
    writer_decimal(w, key->cost.passes);
    writer_u8(w, ' ');
    writer_decimal(w, key->cost.memory_kib);
    writer_u8(w, ' ');
    writer_put(w, hex, hex_encode(hex, key->salt, sizeof key->salt));
    writer_u8(w, '\n');
    writer_put(w, hex, hex_encode(hex, key->nonce, sizeof key->nonce));
    writer_u8(w, '\n');
}

void locked_key_format(struct writer *w, const struct locked_key *key) {
    char base64[BASE64_LEN(LOCKED_SEED_SIZE)];
    format_context(w, key);
    writer_put(w, base64, base64_encode(base64, key->locked, sizeof key->locked));
    writer_u8(w, '\n');
}

/* --- parsing --- */

static bool read_number(struct reader *r, uint32_t *out) {
    struct bytes word;
    uint64_t n = 0;
    if (!reader_until(r, ' ', &word) || !bytes_to_u64(word, &n) || n > UINT32_MAX) {
        return false;
    }
    *out = (uint32_t)n;
    return true;
}

static bool read_hex(struct bytes text, uint8_t *out, size_t len) {
    return hex_decode((const char *)text.data, text.len, out, len);
}

static bool read_lines(struct reader *r, struct locked_key *key, struct refusal *why) {
    struct bytes vkey;
    struct bytes cost;
    struct bytes nonce;
    struct bytes locked;
    struct reader words;
    size_t len = 0;
    if (!reader_skip(r, first_line) || !reader_line(r, &vkey) || !reader_line(r, &cost) ||
        !reader_line(r, &nonce) || !reader_line(r, &locked) || !reader_done(r)) {
        return false;
    }
    reader_init(&words, cost);
    return vkey_parse(vkey, &key->vkey, why) == STATUS_OK && reader_skip(&words, "argon2id ") &&
           read_number(&words, &key->cost.passes) && read_number(&words, &key->cost.memory_kib) &&
           read_hex(words.rest, key->salt, sizeof key->salt) &&
           read_hex(nonce, key->nonce, sizeof key->nonce) &&
           base64_decode((const char *)locked.data, locked.len, key->locked, sizeof key->locked,
                         &len) &&
           len == sizeof key->locked;
}

enum status locked_key_parse(struct bytes text, struct locked_key *out, struct refusal *why) {
    struct locked_key key;
    struct reader r;
    reader_init(&r, text);
    if (text.len > LOCKED_KEY_SIZE_MAX || !read_lines(&r, &key, NULL)) {
        return refuse(why, STATUS_BAD_FORM,
                      "not a locked key file: five lines, from dutylog/key/v1 "
                      "on");
    }
    if (!lock_cost_valid(&key.cost)) {
        return refuse(why, STATUS_BAD_FORM,
                      "argon2id with %u passes over %u KiB: 1 to %d passes, and %d to %d KiB are "
                      "taken",
                      (unsigned)key.cost.passes, (unsigned)key.cost.memory_kib, LOCK_PASSES_MAX,
                      LOCK_MEMORY_MIN_KIB, LOCK_MEMORY_MAX_KIB);
    }
    *out = key;
    return STATUS_OK;
}

/* --- locking --- */

enum status locked_key_make(const struct signer *signer, const struct lock_cost *cost,
                            const uint8_t salt[LOCK_SALT_SIZE],
                            const uint8_t nonce[LOCK_NONCE_SIZE], struct bytes passphrase,
                            struct locked_key *out, struct refusal *why) {
    uint8_t context[LOCKED_KEY_SIZE_MAX];
    uint8_t seed[SIGN_SEED_SIZE];
    struct writer w;
    assert(passphrase.len > 0 && passphrase.len <= PASSPHRASE_SIZE_MAX);
    out->vkey = signer->vkey;
    out->cost = *cost;
    memcpy(out->salt, salt, sizeof out->salt);
    memcpy(out->nonce, nonce, sizeof out->nonce);
    writer_init(&w, context, sizeof context);
    format_context(&w, out);
    assert(!w.failed);
    sign_key_seed(&signer->key, seed);
    bool closed = lock_close(cost, salt, nonce, passphrase.data, passphrase.len, context, w.len,
                             seed, sizeof seed, out->locked);
    crypto_wipe(seed, sizeof seed);
    return closed ? STATUS_OK
                  : refuse(why, STATUS_NOMEM, "no %u MiB of memory to lock the key with",
                           (unsigned)(cost->memory_kib / 1024));
}

enum status locked_key_open(const struct locked_key *key, struct bytes passphrase,
                            struct signer *out, struct refusal *why) {
    uint8_t context[LOCKED_KEY_SIZE_MAX];
    uint8_t seed[SIGN_SEED_SIZE];
    struct writer w;
    writer_init(&w, context, sizeof context);
    format_context(&w, key);
    assert(!w.failed); /* it is as long as what was parsed */
    enum lock_result result =
        lock_open(&key->cost, key->salt, key->nonce, passphrase.data, passphrase.len, context,
                  w.len, key->locked, sizeof key->locked, seed);
    enum status status = STATUS_OK;
    if (result == LOCK_NO_MEMORY) {
        status = refuse(why, STATUS_NOMEM, "no %u MiB of memory to open the key with",
                        (unsigned)(key->cost.memory_kib / 1024));
    } else if (result == LOCK_WRONG) {
        status = refuse(why, STATUS_DENIED_KEY,
                        "the passphrase does not open the key %.60s, or its file was changed",
                        key->vkey.name);
    } else {
        status = signer_make(vkey_name(&key->vkey), key->vkey.type, seed, out);
        if (status == STATUS_OK && !vkey_equal(&out->vkey, &key->vkey)) {
            signer_wipe(out);
            status = refuse(why, STATUS_BAD_FORM, "the locked key is not that of its vkey");
        }
    }
    crypto_wipe(seed, sizeof seed);
    return status;
}
