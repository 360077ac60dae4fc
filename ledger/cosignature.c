#include "ledger/cosignature.h"

#include <assert.h>

#define HEADER "cosignature/v1\ntime "
#define TIMESTAMP_SIZE 8
#define BLOB_SIZE (TIMESTAMP_SIZE + SIGN_SIGNATURE_SIZE)
static_assert(BLOB_SIZE <= NOTE_SIGNATURE_BYTES_MAX, "a cosignature is decoded");

/* The signed message at its longest: the two lines, with 19 digits, and a whole checkpoint. */
#define MESSAGE_SIZE_MAX (sizeof HEADER - 1 + 19 + 1 + CHECKPOINT_SIZE_MAX)

/* The message of tlog-cosignature, "Ed25519 signed message". `text` is at most
 * CHECKPOINT_SIZE_MAX. */
static struct bytes build_message(uint8_t memory[MESSAGE_SIZE_MAX], uint64_t timestamp,
                                  struct bytes text) {
    struct writer w;
    writer_init(&w, memory, MESSAGE_SIZE_MAX);
    writer_text(&w, HEADER);
    writer_decimal(&w, timestamp);
    writer_text(&w, "\n");
    writer_bytes(&w, text);
    assert(!w.failed);
    return writer_view(&w);
}

void cosignature_sign(struct writer *w, struct bytes checkpoint_text, uint64_t timestamp,
                      const struct signer *cosigner) {
    uint8_t memory[MESSAGE_SIZE_MAX];
    uint8_t blob_memory[BLOB_SIZE];
    struct writer blob;
    assert(cosigner->vkey.type == VKEY_COSIGNATURE);
    assert(timestamp > 0 && timestamp <= INT64_MAX && checkpoint_text.len <= CHECKPOINT_SIZE_MAX);
    struct bytes message = build_message(memory, timestamp, checkpoint_text);
    writer_init(&blob, blob_memory, sizeof blob_memory);
    writer_u64(&blob, timestamp);
    uint8_t *signature = writer_reserve(&blob, SIGN_SIGNATURE_SIZE);
    assert(signature != NULL);
    sign_message(&cosigner->key, message.data, message.len, signature);
    note_append_line(w, vkey_name(&cosigner->vkey), cosigner->vkey.id, blob_memory,
                     sizeof blob_memory);
}

enum status cosignature_verify(const struct note_signature *signature, struct bytes checkpoint_text,
                               const struct vkey *cosigner, uint64_t *timestamp) {
    uint8_t memory[MESSAGE_SIZE_MAX];
    uint8_t raw[BLOB_SIZE];
    size_t len;
    struct reader r;
    struct bytes ed25519;
    uint64_t time;
    if (checkpoint_text.len > CHECKPOINT_SIZE_MAX) {
        return STATUS_TOO_LARGE;
    }
    if (cosigner->type != VKEY_COSIGNATURE || !note_signature_is_by(signature, cosigner) ||
        note_signature_decode(signature, raw, sizeof raw, &len) != STATUS_OK) {
        return STATUS_DENIED_SIGNATURE;
    }
    reader_init(&r, bytes_of(raw, len));
    /* No more than these two fit into `raw`. "It MUST NOT exceed 2^63 - 1". */
    if (!reader_u64(&r, &time) || !reader_take(&r, SIGN_SIGNATURE_SIZE, &ed25519) ||
        time > INT64_MAX) {
        return STATUS_DENIED_SIGNATURE;
    }
    struct bytes message = build_message(memory, time, checkpoint_text);
    if (!sign_verify(&cosigner->key, message.data, message.len, ed25519.data)) {
        return STATUS_DENIED_SIGNATURE;
    }
    *timestamp = time;
    return STATUS_OK;
}

enum status cosignature_find(const struct note *note, const struct vkey *cosigner,
                             uint64_t *timestamp) {
    bool found = false;
    uint64_t latest = 0;
    if (cosigner->type != VKEY_COSIGNATURE) {
        return STATUS_NOT_FOUND;
    }
    for (size_t i = 0; i < note->count; i++) {
        uint64_t time;
        if (!note_signature_is_by(&note->signatures[i], cosigner)) {
            continue;
        }
        TRY(cosignature_verify(&note->signatures[i], note->text, cosigner, &time));
        found = true;
        latest = time > latest ? time : latest;
    }
    if (!found) {
        return STATUS_NOT_FOUND;
    }
    *timestamp = latest;
    return STATUS_OK;
}
