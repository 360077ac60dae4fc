/* Preparing an event: everything about it that needs no order, the signatures above all. */
#include "ledger/accept_keys.h"

#include <assert.h>
#include <string.h>

/* The keys of log.opened are in it. */
static enum status keys_of_opened(const struct event *event, struct vkey *keys,
                                  struct refusal *why) {
    struct opened opened;
    TRY(opened_of(event, &opened, why));
    keys[0] = opened.operator_vkey;
    for (size_t i = 1; i < event->note.count; i++) {
        const struct vkey *key = opened_authority(&opened, event->note.signatures[i].name);
        if (key == NULL) {
            return refuse(
                why, STATUS_DENIED_SIGNATURE, "signature by %.*s, which log.opened does not name",
                (int)event->note.signatures[i].name.len, event->note.signatures[i].name.data);
        }
        keys[i] = *key;
    }
    return STATUS_OK;
}

enum status accept_find_keys(struct store_txn *txn, const struct log *log,
                             const struct event *event, struct vkey keys[EVENT_SIGNATURES_MAX],
                             struct refusal *why) {
    if (event->seq == 1 && strcmp(event->kind->name, "log.opened") == 0) {
        return keys_of_opened(event, keys, why);
    }
    for (size_t i = 0; i < event->note.count; i++) {
        struct issuer issuer;
        enum status status = issuer_find(txn, log->number, event->note.signatures[i].name, &issuer);
        if (status == STATUS_NOT_FOUND) {
            return refuse(why, STATUS_DENIED_KEY,
                          "the key %.*s is not enrolled in this log: have it enrolled first",
                          (int)event->note.signatures[i].name.len,
                          event->note.signatures[i].name.data);
        }
        TRY(status);
        keys[i] = issuer.vkey;
    }
    return STATUS_OK;
}

enum status accept_verify(const struct event *event, const struct vkey *keys, struct refusal *why) {
    for (size_t i = 0; i < event->note.count; i++) {
        const struct note_signature *signature = &event->note.signatures[i];
        if (!note_signature_is_by(signature, &keys[i])) {
            return refuse(why, STATUS_DENIED_KEY,
                          "the key ID of %s is not the enrolled key's: sign with that key",
                          keys[i].name);
        }
        if (!note_signature_verify(signature, event->note.text, &keys[i])) {
            return refuse(why, STATUS_DENIED_SIGNATURE, "the signature by %s does not verify",
                          keys[i].name);
        }
    }
    return STATUS_OK;
}

void submission_prepare(struct store_txn *txn, const struct log *log, struct bytes note,
                        struct submission *out) {
    out->note = note;
    out->parsed = false;
    out->key_count = 0;
    out->why.status = STATUS_OK;
    out->why.text[0] = '\0';
    out->status = event_parse(note, &out->event, &out->why);
    if (out->status != STATUS_OK) {
        return;
    }
    out->parsed = true;
    if (!bytes_equal(out->event.log, vkey_name(&log->vkey))) {
        out->status =
            refuse(&out->why, STATUS_BAD_LOG, "member log: meant for %.*s, and this is %s",
                   (int)out->event.log.len, out->event.log.data, log->vkey.name);
        return;
    }
    enum status status = accept_find_keys(txn, log, &out->event, out->keys, &out->why);
    if (status == STATUS_OK) {
        out->key_count = out->event.note.count;
        out->status = accept_verify(&out->event, out->keys, &out->why);
    } else if (status != STATUS_DENIED_KEY) {
        out->status = status;
    }
    /* DENIED_KEY is no verdict yet: an earlier event of the same request may enrol the key
     * (accept_check looks again). */
}

void submission_release(struct submission *submission) {
    if (submission->parsed) {
        event_release(&submission->event);
        submission->parsed = false;
    }
}
