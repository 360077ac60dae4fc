#include "ledger/succession.h"

#include "ledger/batch.h"
#include "ledger/json.h"
#include "ledger/scan.h"
#include "ledger/tree.h"

#include <assert.h>
#include <string.h>

/* --- the event --- */

static void read_vkey(const struct event *event, const char *member, struct vkey *out) {
    const char *text = event_open_text(event, member);
    assert(text != NULL);
    enum status status = vkey_parse(bytes_text(text), out, NULL);
    assert(status == STATUS_OK); /* member_check took it, as the checkpoints below */
}

static bool read_checkpoint(const struct event *event, const char *member, struct note *note,
                            struct checkpoint *out) {
    const json_t *value = json_object_get(event->open, member);
    if (value == NULL) {
        return false;
    }
    enum status status = checkpoint_parse(jcs_text(value), note, out, NULL);
    assert(status == STATUS_OK);
    return true;
}

void succession_of(const struct event *event, struct succession *out) {
    assert(event->kind->id == KIND_LOG_SUCCEEDED);
    read_vkey(event, "vkey", &out->old);
    read_vkey(event, "successor", &out->successor);
    bool closing = read_checkpoint(event, "checkpoint", &out->checkpoint_note, &out->checkpoint);
    assert(closing); /* a required member */
    out->has_abandoned = read_checkpoint(event, "abandoned", &out->abandoned_note, &out->abandoned);
}

enum status succession_check(const struct succession *succession, struct refusal *why) {
    const struct vkey *old = &succession->old;
    const struct vkey *successor = &succession->successor;
    if (bytes_equal(vkey_name(old), vkey_name(successor)) ||
        memcmp(old->key.bytes, successor->key.bytes, sizeof old->key.bytes) == 0) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "successor must be another log with another key than vkey: an origin is used "
                      "once");
    }
    if (!bytes_equal(succession->checkpoint.origin, vkey_name(old))) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "checkpoint must be of the log %.60s, whose vkey is "
                      "given",
                      old->name);
    }
    if (succession->has_abandoned && (!bytes_equal(succession->abandoned.origin, vkey_name(old)) ||
                                      succession->abandoned.size <= succession->checkpoint.size)) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "abandoned must be of the same log as checkpoint, and larger");
    }
    return STATUS_OK;
}

enum status succession_verify(const struct succession *succession, struct refusal *why) {
    if (note_verify(&succession->checkpoint_note, &succession->old) != STATUS_OK) {
        return refuse(why, STATUS_BAD_MEMBER, "member checkpoint: not signed by the key of %.60s",
                      succession->old.name);
    }
    if (succession->has_abandoned &&
        note_verify(&succession->abandoned_note, &succession->old) != STATUS_OK) {
        return refuse(why, STATUS_BAD_MEMBER, "member abandoned: not signed by the key of %.60s",
                      succession->old.name);
    }
    return STATUS_OK;
}

bool succession_by_roots(const struct event *event, const struct opened *opened) {
    size_t signed_by = 0;
    for (size_t i = 0; i < event->note.count; i++) {
        const struct note_signature *line = &event->note.signatures[i];
        const struct vkey *root = opened_authority(opened, line->name);
        /* Verified anew: where the event stands, the name may belong to another key. */
        signed_by += root != NULL && note_signature_is_by(line, root) &&
                     note_signature_verify(line, event->note.text, root);
    }
    return signed_by >= opened->threshold;
}

/* --- the store --- */

/* TABLE_SUCCESSION: SHA-256 of the old log's origin, u32 log in which it stands: u64 index, u8
 * here.
 */
static struct key origin_prefix(struct bytes origin) {
    struct key key;
    struct hash id;
    hash_of(origin.data, origin.len, &id);
    key_start(&key, TABLE_SUCCESSION);
    key_bytes(&key, bytes_of(id.bytes, sizeof id.bytes));
    return key;
}

static enum status decode(struct bytes value, struct succession_row *out) {
    struct reader r;
    uint8_t here = 0;
    reader_init(&r, value);
    reader_u64(&r, &out->index);
    if (!reader_u8(&r, &here) || here > 1 || !reader_done(&r)) {
        return STATUS_STORE_CORRUPT;
    }
    out->here = here == 1;
    return STATUS_OK;
}

enum status succession_get(struct store_txn *txn, uint32_t log, struct bytes origin,
                           struct succession_row *out) {
    struct key key = origin_prefix(origin);
    struct bytes value;
    key_u32(&key, log);
    TRY(store_get(txn, key_view(&key), &value));
    return decode(value, out);
}

enum status succession_put(struct store_txn *txn, uint32_t log, struct bytes origin,
                           const struct succession_row *row) {
    struct key key = origin_prefix(origin);
    uint8_t value[8 + 1];
    struct writer w;
    key_u32(&key, log);
    writer_init(&w, value, sizeof value);
    writer_u64(&w, row->index);
    writer_u8(&w, row->here);
    assert(!w.failed);
    return store_put(txn, key_view(&key), writer_view(&w));
}

/* --- what it binds --- */

/* The event at `index` of a log; BAD_KIND: another kind. `event` is released by the caller if OK.
 */
static enum status read_event(struct store_txn *txn, uint32_t log, uint64_t index,
                              enum kind_id kind, struct event *event) {
    struct bytes entry;
    struct bytes note;
    uint64_t received_ms = 0;
    TRY(tree_entry(txn, log, index, &entry));
    TRY(entry_parse(entry, &received_ms, &note, NULL));
    TRY(event_parse(note, event, NULL));
    if (event->kind->id == kind) {
        return STATUS_OK;
    }
    event_release(event);
    return STATUS_BAD_KIND;
}

/* Does the log.succeeded at `row` of `by` end `log` below `size`? */
static enum status judge_row(struct store_txn *txn, const struct log *log,
                             const struct opened *opened, const struct log *by,
                             const struct succession_row *row, uint64_t size, struct refusal *why) {
    struct event event;
    struct succession succession;
    enum status status = read_event(txn, by->number, row->index, KIND_LOG_SUCCEEDED, &event);
    if (status != STATUS_OK) {
        return STATUS_STORE_CORRUPT; /* acceptance read it there */
    }
    succession_of(&event, &succession);
    if (vkey_equal(&succession.old, &log->vkey) && size > succession.checkpoint.size &&
        succession_by_roots(&event, opened)) {
        status = refuse(why, STATUS_DENIED_KEY,
                        "the log ended at size %llu by its authority, says entry %llu of %.60s "
                        "(log.succeeded): %.60s goes on",
                        (unsigned long long)succession.checkpoint.size,
                        (unsigned long long)row->index, by->vkey.name, succession.successor.name);
    }
    event_release(&event);
    return status;
}

/* OK with who may end it; NOT_FOUND: its first entry is not stored, or is no log.opened. */
static enum status read_opened(struct store_txn *txn, const struct log *log, struct opened *out) {
    struct event event;
    enum status status = read_event(txn, log->number, 0, KIND_LOG_OPENED, &event);
    if (status == STATUS_OK) {
        opened_of(&event, out);
        event_release(&event);
    }
    /* A log may begin with anything: then there is nobody who can end it. */
    return status == STATUS_OK || batch_is_fatal(status) ? status : STATUS_NOT_FOUND;
}

enum status succession_admits(struct store_txn *txn, const struct log *log, uint64_t size,
                              struct refusal *why) {
    struct key prefix = origin_prefix(vkey_name(&log->vkey));
    struct scan scan = scan_from(txn, prefix, prefix);
    struct opened opened;
    struct bytes key;
    struct bytes value;
    bool read = false;
    for (;;) {
        enum status status = scan_next(&scan, &key, &value);
        if (status != STATUS_OK) {
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        }
        struct succession_row row;
        struct log by;
        struct reader r;
        uint32_t number = 0;
        reader_init(&r, bytes_of(key.data + prefix.len, key.len - prefix.len));
        if (!reader_u32(&r, &number) || !reader_done(&r)) {
            return STATUS_STORE_CORRUPT;
        }
        TRY(decode(value, &row));
        if (!read) {
            status = read_opened(txn, log, &opened);
            if (status != STATUS_OK) {
                return status == STATUS_NOT_FOUND ? STATUS_OK : status;
            }
            read = true;
        }
        TRY(logs_get(txn, number, &by));
        /* Its own last entry was for its host to obey; what is said elsewhere binds mirrors. */
        if (number != log->number) {
            TRY(judge_row(txn, log, &opened, &by, &row, size, why));
        }
    }
}
