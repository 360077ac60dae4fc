#include "ledger/disclosure.h"

#include "ledger/json.h"

#include <assert.h>
#include <string.h>

/* The disclosed member, its value written into `w`. */
static void read_disclosed(const struct event *event, struct writer *w, struct body_member *out,
                           uint64_t *index, uint64_t *count, struct merkle_proof *proof) {
    const json_t *hashes = json_object_get(event->open, "proof");
    struct hash salt;
    bool good = event_open_integer(event, "index", index) &&
                event_open_integer(event, "count", count) &&
                bytes_hex_to_hash(jcs_text(json_object_get(event->open, "salt")), &salt);
    enum status written = jcs_write(w, json_object_get(event->open, "value"), NULL);
    assert(good && written == STATUS_OK); /* it was parsed from this form */
    static_assert(sizeof salt.bytes == BODY_SALT_SIZE, "a salt is written as a hash is");
    memcpy(out->salt, salt.bytes, BODY_SALT_SIZE);
    out->name = jcs_text(json_object_get(event->open, "member"));
    out->value = writer_view(w);
    proof->count = json_array_size(hashes);
    assert(proof->count <= sizeof proof->hashes / sizeof proof->hashes[0]);
    for (size_t i = 0; i < proof->count; i++) {
        bool hash = bytes_hex_to_hash(jcs_text(json_array_get(hashes, i)), &proof->hashes[i]);
        assert(hash);
    }
}

bool disclosure_fits(const struct event *opened, const struct body_context *of,
                     const struct hash *body) {
    struct body_member member;
    struct merkle_proof proof;
    struct writer w;
    uint8_t value[EVENT_SIZE_MAX];
    uint64_t index = 0;
    uint64_t count = 0;
    writer_init(&w, value, sizeof value);
    read_disclosed(opened, &w, &member, &index, &count, &proof);
    return body_check(of, &member, index, count, &proof, body);
}
