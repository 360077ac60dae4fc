/* Preparing an event: everything about it that needs no order, the signatures above all. */
#include "ledger/accept_parts.h"
#include "ledger/lodged.h"
#include "ledger/succession.h"

#include <assert.h>
#include <string.h>

/* As much of a name as goes into a refusal. */
#define QUOTE(name) (int)((name).len < 60 ? (name).len : 60), (const char *)(name).data

/* The keys of log.opened are in it. */
static void keys_of_opened(const struct event *event, struct vkey *keys) {
    struct opened opened;
    opened_of(event, &opened);
    keys[0] = opened.operator_vkey;
    for (size_t i = 1; i < event->note.count; i++) {
        const struct vkey *key = opened_authority(&opened, event->note.signatures[i].name);
        assert(key != NULL); /* event_parse refused lines that are not by these */
        keys[i] = *key;
    }
}

enum status accept_find_keys(struct store_txn *txn, const struct log *log,
                             const struct event *event, struct vkey keys[EVENT_SIGNATURES_MAX],
                             struct refusal *why) {
    if (event->kind->id == KIND_LOG_OPENED) {
        keys_of_opened(event, keys);
        return STATUS_OK;
    }
    if (event->kind->id == KIND_REPORT_LODGED) {
        struct issuer issuer;
        lodged_issuer(event, &issuer);
        keys[0] = issuer.vkey; /* event_parse found one line */
        return STATUS_OK;
    }
    for (size_t i = 0; i < event->note.count; i++) {
        struct bytes name = event->note.signatures[i].name;
        struct issuer issuer;
        enum status status = issuer_find(txn, log->number, name, &issuer);
        if (status == STATUS_NOT_FOUND) {
            return refuse(why, STATUS_DENIED_KEY,
                          "the key %.*s is not enrolled in this log: have it enrolled first",
                          QUOTE(name));
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
    if (event->kind->id == KIND_LOG_SUCCEEDED) {
        struct succession succession;
        succession_of(event, &succession);
        return succession_verify(&succession, why);
    }
    return event->kind->id == KIND_FORK_OBSERVED ? accept_verify_evidence(event, why) : STATUS_OK;
}

static void prepare(struct store_txn *txn, const struct log *log, struct bytes note, bool verify,
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
            refuse(&out->why, STATUS_BAD_LOG, "member log: meant for %.*s, and this is %.60s",
                   QUOTE(out->event.log), log->vkey.name);
        return;
    }
    enum status status = accept_find_keys(txn, log, &out->event, out->keys, &out->why);
    if (status == STATUS_OK) {
        out->key_count = out->event.note.count;
        out->status = verify ? accept_verify(&out->event, out->keys, &out->why) : STATUS_OK;
    } else if (status != STATUS_DENIED_KEY) {
        out->status = status;
    }
    /* DENIED_KEY is no verdict yet: an earlier event of the same request may enrol the key
     * (accept_check looks again). */
}

void submission_prepare(struct store_txn *txn, const struct log *log, struct bytes note,
                        struct submission *out) {
    prepare(txn, log, note, true, out);
}

void submission_prepare_trusted(struct store_txn *txn, const struct log *log, struct bytes note,
                                struct submission *out) {
    prepare(txn, log, note, false, out);
}

void submission_release(struct submission *submission) {
    if (submission->parsed) {
        event_release(&submission->event);
        submission->parsed = false;
    }
}
