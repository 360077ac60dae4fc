/* Which entry is event `seq` of an issuer, and the other events that were sent under a used seq. */
#include "ledger/accept_parts.h"
#include "ledger/scan.h"

#include <assert.h>

/* TABLE_SEQUENCE: u64 index, id, u8 kind, and the body's root if the event has one: so that a
 * disclosure is checked without reading the entry. TABLE_CONFLICT: the note. */

static struct key sequence_key(enum table table, uint32_t log, uint32_t issuer, uint64_t seq) {
    struct key key = key_log(table, log);
    key_u32(&key, issuer);
    key_u64(&key, seq);
    return key;
}

enum status sequence_get(struct store_txn *txn, uint32_t log, uint32_t issuer, uint64_t seq,
                         struct sequence_row *out) {
    struct key key = sequence_key(TABLE_SEQUENCE, log, issuer, seq);
    struct sequence_row row = {.has_body = false};
    struct bytes value;
    struct reader r;
    uint8_t kind = KIND_COUNT;
    TRY(store_get(txn, key_view(&key), &value));
    reader_init(&r, value);
    reader_u64(&r, &row.index);
    reader_hash(&r, &row.id);
    reader_u8(&r, &kind);
    row.kind = (enum kind_id)kind;
    row.has_body = r.rest.len > 0;
    if (row.has_body) {
        reader_hash(&r, &row.body);
    }
    if (!reader_done(&r) || kind >= KIND_COUNT) {
        return STATUS_STORE_CORRUPT;
    }
    *out = row;
    return STATUS_OK;
}

enum status sequence_put(struct store_txn *txn, uint32_t log, uint32_t issuer, uint64_t seq,
                         const struct sequence_row *row) {
    uint8_t value[8 + 1 + 2 * HASH_SIZE];
    struct writer w;
    writer_init(&w, value, sizeof value);
    writer_u64(&w, row->index);
    writer_hash(&w, &row->id);
    writer_u8(&w, (uint8_t)row->kind);
    if (row->has_body) {
        writer_hash(&w, &row->body);
    }
    assert(!w.failed);
    struct key key = sequence_key(TABLE_SEQUENCE, log, issuer, seq);
    return store_put(txn, key_view(&key), writer_view(&w));
}

enum status issuer_event(struct store_txn *txn, uint32_t log, uint32_t issuer, uint64_t seq,
                         uint64_t *index) {
    struct sequence_row row;
    TRY(sequence_get(txn, log, issuer, seq, &row));
    *index = row.index;
    return STATUS_OK;
}

enum status accept_keep_conflict(struct store_txn *txn, const struct log *log,
                                 const struct submission *submission) {
    struct issuer issuer;
    struct bytes kept;
    TRY(issuer_find(txn, log->number, submission->event.issuer, &issuer));
    struct key key =
        sequence_key(TABLE_CONFLICT, log->number, issuer.number, submission->event.seq);
    enum status status = store_get(txn, key_view(&key), &kept);
    if (status != STATUS_NOT_FOUND) {
        return status; /* kept once: the first stands */
    }
    return store_put(txn, key_view(&key), submission->note);
}

enum status issuer_conflict(struct store_txn *txn, uint32_t log, uint32_t issuer, uint64_t seq,
                            struct bytes *note) {
    struct key key = sequence_key(TABLE_CONFLICT, log, issuer, seq);
    return store_get(txn, key_view(&key), note);
}

enum status issuer_each_conflict(struct store_txn *txn, uint32_t log,
                                 enum status (*each)(void *context, uint32_t issuer, uint64_t seq,
                                                     struct bytes note),
                                 void *context) {
    struct key prefix = key_log(TABLE_CONFLICT, log);
    struct scan scan = scan_from(txn, prefix, prefix);
    struct bytes key;
    struct bytes note;
    for (;;) {
        enum status status = scan_next(&scan, &key, &note);
        if (status != STATUS_OK) {
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        }
        struct reader r;
        uint32_t issuer = 0;
        uint64_t seq = 0;
        reader_init(&r, bytes_of(key.data + prefix.len, key.len - prefix.len));
        reader_u32(&r, &issuer);
        if (!reader_u64(&r, &seq) || !reader_done(&r)) {
            return STATUS_STORE_CORRUPT;
        }
        TRY(each(context, issuer, seq, note));
    }
}
