#include "ledger/lodged.h"

#include "crypto/encoding.h"

#include <assert.h>
#include <string.h>

#define HEX_CHARACTERS 32

static_assert(sizeof LODGED_PREFIX - 1 + HEX_CHARACTERS == LODGED_NAME_SIZE, "prefix and hash");

void lodged_name(const struct sign_public *key, char out[static LODGED_NAME_SIZE + 1]) {
    struct hash hash;
    hash_of(key->bytes, sizeof key->bytes, &hash);
    memcpy(out, LODGED_PREFIX, sizeof LODGED_PREFIX - 1);
    hex_encode(out + sizeof LODGED_PREFIX - 1, hash.bytes, HEX_CHARACTERS / 2);
    out[LODGED_NAME_SIZE] = '\0';
}

bool lodged_reserves(struct bytes name) {
    return bytes_starts_with(name, LODGED_PREFIX);
}

static void key_of(const struct event *event, struct vkey *out) {
    const char *text = event_open_text(event, "vkey");
    assert(text != NULL); /* a required member of the row, and of its type */
    enum status status = vkey_parse(bytes_text(text), out, NULL);
    assert(status == STATUS_OK);
}

enum status lodged_check(const struct event *event, struct refusal *why) {
    struct vkey key;
    char name[LODGED_NAME_SIZE + 1];
    key_of(event, &key);
    lodged_name(&key.key, name);
    if (!bytes_equal(vkey_name(&key), bytes_text(name))) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "vkey must be named %s, after its public key: a key for this event alone",
                      name);
    }
    if (!bytes_equal(event->issuer, bytes_text(name))) {
        return refuse(why, STATUS_BAD_MEMBER, "issuer must be %s, as vkey is named", name);
    }
    if (event->seq != 1) {
        return refuse(
            why, STATUS_BAD_MEMBER,
            "seq must be 1: a one-time key signs one event, make another key for the next");
    }
    if (!event->has_body) {
        return refuse(
            why, STATUS_BAD_MEMBER,
            "body is missing: what is reported goes into it, as the closed member report");
    }
    return STATUS_OK;
}

void lodged_issuer(const struct event *event, struct issuer *out) {
    struct vkey key;
    assert(event->kind->id == KIND_REPORT_LODGED);
    key_of(event, &key);
    *out = (struct issuer){.vkey = key,
                           .roles = ROLE_ANYONE,
                           .kinds = KIND_BIT(KIND_REPORT_LODGED),
                           .bases = BASIS_LIVE,
                           .first_seq = 1,
                           .until_ms = UINT64_MAX};
}
