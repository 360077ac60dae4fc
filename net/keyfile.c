#include "net/keyfile.h"

#include "crypto/random.h"
#include "net/file.h"

#include <string.h>

static const char *passphrase_path;
static keyfile_ask asks;

void keyfile_passphrase_file(const char *path) {
    passphrase_path = path;
}

void keyfile_passphrase_ask(keyfile_ask ask) {
    asks = ask;
}

enum status keyfile_passphrase(const struct vkey *key, struct buffer *out, struct refusal *why) {
    enum status status = STATUS_OK;
    if (passphrase_path != NULL) {
        status = file_read_secret(passphrase_path, out, why);
    } else if (asks != NULL) {
        status = asks(key, out, why);
    } else {
        status =
            refuse(why, STATUS_BAD_FORM,
                   "the key %.60s is locked: name its passphrase's file, as passphrase_file in "
                   "[node]",
                   key->name);
    }
    TRY(status);
    struct bytes text = buffer_view(out);
    const uint8_t *end = memchr(text.data, '\n', text.len);
    size_t len = end != NULL ? (size_t)(end - text.data) : text.len;
    if (len == 0 || len > PASSPHRASE_SIZE_MAX) {
        return refuse(why, STATUS_BAD_FORM, "a passphrase has 1 to %d bytes, in one line",
                      PASSPHRASE_SIZE_MAX);
    }
    out->len = len; /* the first line; all of it is wiped */
    return STATUS_OK;
}

static enum status open_locked(struct bytes text, struct signer *out, struct refusal *why) {
    struct locked_key key;
    struct buffer passphrase;
    TRY(locked_key_parse(text, &key, why));
    buffer_init(&passphrase, PASSPHRASE_SIZE_MAX + 2);
    enum status status = keyfile_passphrase(&key.vkey, &passphrase, why);
    if (status == STATUS_OK) {
        status = locked_key_open(&key, buffer_view(&passphrase), out, why);
    }
    buffer_wipe(&passphrase);
    return status;
}

enum status keyfile_read(const char *path, struct signer *out, struct refusal *why) {
    struct buffer content;
    buffer_init(&content, SIGNER_SIZE_MAX + LOCKED_KEY_SIZE_MAX);
    enum status status = file_read_secret(path, &content, why);
    struct bytes text = buffer_view(&content);
    if (status == STATUS_OK && locked_key_is(text)) {
        status = open_locked(text, out, why);
    } else if (status == STATUS_OK) {
        if (text.len > 0 && text.data[text.len - 1] == '\n') {
            text.len--;
        }
        status = signer_parse(text, out, why);
    }
    buffer_wipe(&content);
    return status;
}

static enum status write_plain(struct writer *w, const struct signer *signer) {
    signer_format(w, signer);
    writer_u8(w, '\n');
    return writer_status(w);
}

static enum status write_locked(struct writer *w, const struct signer *signer,
                                const struct lock_cost *cost, struct bytes passphrase,
                                struct refusal *why) {
    struct locked_key key;
    uint8_t salt[LOCK_SALT_SIZE];
    uint8_t nonce[LOCK_NONCE_SIZE];
    random_fill(salt, sizeof salt);
    random_fill(nonce, sizeof nonce);
    TRY(locked_key_make(signer, cost, salt, nonce, passphrase, &key, why));
    locked_key_format(w, &key);
    return writer_status(w);
}

enum status keyfile_create(const char *path, const struct signer *signer, struct refusal *why) {
    uint8_t text[SIGNER_SIZE_MAX + 1];
    struct writer w;
    writer_init(&w, text, sizeof text);
    enum status status = write_plain(&w, signer);
    if (status == STATUS_OK) {
        status = file_create(path, writer_view(&w), why);
    }
    crypto_wipe(text, sizeof text);
    return status;
}

enum status keyfile_create_locked(const char *path, const struct signer *signer,
                                  const struct lock_cost *cost, struct bytes passphrase,
                                  struct refusal *why) {
    uint8_t text[LOCKED_KEY_SIZE_MAX];
    struct writer w;
    writer_init(&w, text, sizeof text);
    TRY(write_locked(&w, signer, cost, passphrase, why));
    return file_create(path, writer_view(&w), why);
}

enum status keyfile_replace(const char *path, const struct signer *signer,
                            const struct lock_cost *cost, struct bytes passphrase,
                            struct refusal *why) {
    uint8_t text[SIGNER_SIZE_MAX + LOCKED_KEY_SIZE_MAX];
    struct writer w;
    writer_init(&w, text, sizeof text);
    enum status status = passphrase.len > 0 ? write_locked(&w, signer, cost, passphrase, why)
                                            : write_plain(&w, signer);
    if (status == STATUS_OK) {
        status = file_write(path, writer_view(&w), why);
    }
    crypto_wipe(text, sizeof text);
    return status;
}
