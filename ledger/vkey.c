#include "ledger/vkey.h"

#include "crypto/encoding.h"
#include "ledger/note.h"

#include <assert.h>
#include <string.h>

#define PRIVATE_PREFIX "PRIVATE+KEY+"
#define ID_SIZE 4
#define MATERIAL_SIZE (1 + SIGN_PUBLIC_SIZE) /* signature type, then public key or seed */
static_assert(SIGN_PUBLIC_SIZE == SIGN_SEED_SIZE, "both kinds of key text have one shape");
static_assert(BASE64_LEN(MATERIAL_SIZE) == 44 && MATERIAL_SIZE % 3 == 0, "as in VKEY_SIZE_MAX");

/* What stands in the text of a key of either kind. */
struct parts {
    struct bytes name;
    uint32_t id;
    uint8_t material[MATERIAL_SIZE];
};

/* "key ID = SHA-256(key name || 0x0A || signature type || public key)[:4]" */
static uint32_t key_id(struct bytes name, enum vkey_type type, const struct sign_public *key) {
    struct hash_stream stream;
    struct hash digest;
    uint8_t middle[2] = {'\n', (uint8_t)type};
    hash_start(&stream);
    hash_add(&stream, name.data, name.len);
    hash_add(&stream, middle, sizeof middle);
    hash_add(&stream, key->bytes, sizeof key->bytes);
    hash_finish(&stream, &digest);
    return (uint32_t)digest.bytes[0] << 24 | (uint32_t)digest.bytes[1] << 16 |
           (uint32_t)digest.bytes[2] << 8 | (uint32_t)digest.bytes[3];
}

static bool is_known_type(unsigned type) {
    return type == VKEY_NOTE || type == VKEY_COSIGNATURE;
}

/* Leaves the material of a secret key in `out` on success only; the caller wipes it. */
static enum status parse_parts(struct bytes text, struct parts *out, struct refusal *why) {
    struct reader r;
    struct bytes hex;
    uint8_t id[ID_SIZE];
    size_t len;
    reader_init(&r, text);
    if (!reader_until(&r, '+', &out->name) || !reader_until(&r, '+', &hex)) {
        return refuse(why, STATUS_BAD_FORM, "a key is <name>+<key ID in hex>+<base64>");
    }
    if (!note_name_valid(out->name)) {
        return refuse(why, STATUS_BAD_FORM, "the name of the key is no key name");
    }
    if (!hex_decode((const char *)hex.data, hex.len, id, sizeof id)) {
        return refuse(why, STATUS_BAD_FORM, "the key ID is not 8 lowercase hex characters");
    }
    if (r.rest.len != BASE64_LEN(MATERIAL_SIZE) ||
        !base64_decode((const char *)r.rest.data, r.rest.len, out->material, MATERIAL_SIZE, &len)) {
        return refuse(why, STATUS_BAD_FORM, "the key is not 44 characters of base64");
    }
    if (len != MATERIAL_SIZE || !is_known_type(out->material[0])) {
        crypto_wipe(out->material, sizeof out->material);
        return refuse(why, STATUS_BAD_FORM, "the key is not Ed25519 of type 0x01 or 0x04");
    }
    out->id =
        (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | (uint32_t)id[3];
    return STATUS_OK;
}

static void format_parts(struct writer *w, const struct vkey *key,
                         const uint8_t tail[SIGN_PUBLIC_SIZE]) {
    uint8_t material[MATERIAL_SIZE];
    uint8_t id[ID_SIZE] = {(uint8_t)(key->id >> 24), (uint8_t)(key->id >> 16),
                           (uint8_t)(key->id >> 8), (uint8_t)key->id};
    uint8_t *room;
    material[0] = (uint8_t)key->type;
    memcpy(material + 1, tail, SIGN_PUBLIC_SIZE);
    writer_bytes(w, vkey_name(key));
    writer_text(w, "+");
    room = writer_reserve(w, HEX_LEN(ID_SIZE));
    if (room != NULL) {
        hex_encode((char *)room, id, sizeof id);
    }
    writer_text(w, "+");
    room = writer_reserve(w, BASE64_LEN(MATERIAL_SIZE));
    if (room != NULL) {
        base64_encode((char *)room, material, sizeof material);
    }
    crypto_wipe(material, sizeof material);
}

enum status vkey_make(struct bytes name, enum vkey_type type, const struct sign_public *key,
                      struct vkey *out) {
    assert(is_known_type(type));
    if (!note_name_valid(name)) {
        return STATUS_BAD_FORM;
    }
    struct vkey made = {
        .name_len = name.len, .id = key_id(name, type, key), .type = type, .key = *key};
    memcpy(made.name, name.data, name.len);
    *out = made;
    return STATUS_OK;
}

enum status vkey_parse(struct bytes text, struct vkey *out, struct refusal *why) {
    struct parts parts;
    struct sign_public key;
    struct vkey made;
    TRY(parse_parts(text, &parts, why));
    memcpy(key.bytes, parts.material + 1, sizeof key.bytes);
    TRY(vkey_make(parts.name, (enum vkey_type)parts.material[0], &key, &made));
    if (made.id != parts.id) {
        return refuse(why, STATUS_BAD_CANONICAL,
                      "the key ID is not that of the name and key: it should be %08x",
                      (unsigned)made.id);
    }
    *out = made;
    return STATUS_OK;
}

void vkey_format(struct writer *w, const struct vkey *key) {
    format_parts(w, key, key->key.bytes);
}

struct bytes vkey_name(const struct vkey *key) {
    return bytes_of(key->name, key->name_len);
}

bool vkey_equal(const struct vkey *a, const struct vkey *b) {
    return a->id == b->id && a->type == b->type && bytes_equal(vkey_name(a), vkey_name(b)) &&
           memcmp(a->key.bytes, b->key.bytes, sizeof a->key.bytes) == 0;
}

enum status signer_make(struct bytes name, enum vkey_type type, const uint8_t seed[SIGN_SEED_SIZE],
                        struct signer *out) {
    struct sign_key key;
    sign_key_from_seed(&key, seed);
    enum status status = vkey_make(name, type, &key.public_key, &out->vkey);
    if (status == STATUS_OK) {
        out->key = key;
    }
    sign_key_wipe(&key);
    return status;
}

enum status signer_parse(struct bytes text, struct signer *out, struct refusal *why) {
    struct reader r;
    struct parts parts;
    struct signer made;
    reader_init(&r, text);
    if (!reader_skip(&r, PRIVATE_PREFIX)) {
        return refuse(why, STATUS_BAD_FORM, "a secret key starts with " PRIVATE_PREFIX);
    }
    TRY(parse_parts(r.rest, &parts, why));
    enum status status =
        signer_make(parts.name, (enum vkey_type)parts.material[0], parts.material + 1, &made);
    assert(status == STATUS_OK); /* the name and the type were checked */
    if (made.vkey.id == parts.id) {
        *out = made;
    } else {
        status = refuse(why, STATUS_BAD_CANONICAL,
                        "the key ID is not that of the name and key: it should be %08x",
                        (unsigned)made.vkey.id);
    }
    signer_wipe(&made);
    crypto_wipe(&parts, sizeof parts);
    return status;
}

void signer_format(struct writer *w, const struct signer *signer) {
    uint8_t seed[SIGN_SEED_SIZE];
    writer_text(w, PRIVATE_PREFIX);
    sign_key_seed(&signer->key, seed);
    format_parts(w, &signer->vkey, seed);
    crypto_wipe(seed, sizeof seed);
}

void signer_wipe(struct signer *signer) {
    crypto_wipe(signer, sizeof *signer);
}
