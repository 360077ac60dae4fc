/* What a mirror keeps of a log beside its tree: the pending checkpoint, earlier ones, the mirror
 * checkpoint, and the last timestamp of each cosigning key. */
#include "ledger/mirror_parts.h"
#include "ledger/scan.h"

#include <assert.h>
#include <string.h>

/* --- records --- */

/* size u64, root, length of the line u16, the line, the note. */
#define RECORD_MAX (8 + HASH_SIZE + 2 + COSIGNATURE_LINE_MAX + CHECKPOINT_SIZE_MAX)

static enum status parse_record(struct bytes value, struct signed_checkpoint *out) {
    struct reader r;
    struct signed_checkpoint found;
    uint16_t line_len;
    reader_init(&r, value);
    if (!reader_u64(&r, &found.size) || !reader_hash(&r, &found.root) ||
        !reader_u16(&r, &line_len) || !reader_take(&r, line_len, &found.line) || r.rest.len == 0) {
        return STATUS_STORE_CORRUPT;
    }
    found.note = r.rest;
    *out = found;
    return STATUS_OK;
}

static enum status load(struct store_txn *txn, const struct key *key,
                        struct signed_checkpoint *out) {
    struct bytes value;
    TRY(store_get(txn, key_view(key), &value));
    return parse_record(value, out);
}

static enum status save(struct store_txn *txn, const struct key *key,
                        const struct signed_checkpoint *checkpoint) {
    uint8_t memory[RECORD_MAX];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    writer_u64(&w, checkpoint->size);
    writer_hash(&w, &checkpoint->root);
    writer_u16(&w, (uint16_t)checkpoint->line.len);
    writer_bytes(&w, checkpoint->line);
    writer_bytes(&w, checkpoint->note);
    assert(!w.failed);
    return store_put(txn, key_view(key), writer_view(&w));
}

enum status mirror_pending(struct store_txn *txn, uint32_t log, struct signed_checkpoint *out) {
    struct key key = key_log(TABLE_PENDING, log);
    return load(txn, &key, out);
}

enum status mirror_checkpoint(struct store_txn *txn, uint32_t log, struct signed_checkpoint *out) {
    struct key key = key_log(TABLE_MIRRORED, log);
    return load(txn, &key, out);
}

enum status mirror_known(struct store_txn *txn, uint32_t log, uint64_t size,
                         struct signed_checkpoint *out) {
    struct signed_checkpoint found;
    enum status status = mirror_pending(txn, log, &found);
    if (status == STATUS_OK && found.size != size) {
        status = mirror_checkpoint(txn, log, &found);
    }
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && found.size != size)) {
        struct key key = key_log_u64(TABLE_OLD_PENDING, log, size);
        status = load(txn, &key, &found);
    }
    TRY(status);
    *out = found;
    return STATUS_OK;
}

/* The first earlier pending checkpoint of at least the size. */
static enum status old_from(struct store_txn *txn, uint32_t log, uint64_t size,
                            struct signed_checkpoint *out) {
    struct key from = key_log_u64(TABLE_OLD_PENDING, log, size);
    struct key beyond = key_log_u64(TABLE_OLD_PENDING, log, UINT64_MAX);
    struct bytes at;
    struct bytes value;
    TRY(store_seek(txn, key_view(&from), &at, &value));
    if (bytes_compare(at, key_view(&beyond)) >= 0) {
        return STATUS_NOT_FOUND;
    }
    return parse_record(value, out);
}

enum status mirror_stored_above(struct store_txn *txn, uint32_t log, uint64_t above,
                                struct signed_checkpoint *out) {
    struct signed_checkpoint candidates[3];
    enum status statuses[3] = {
        mirror_checkpoint(txn, log, &candidates[0]),
        mirror_pending(txn, log, &candidates[1]),
        old_from(txn, log, above + 1, &candidates[2]),
    };
    struct tree_head head;
    const struct signed_checkpoint *best = NULL;
    TRY(tree_read_head(txn, log, &head));
    for (size_t i = 0; i < 3; i++) {
        if (statuses[i] != STATUS_OK && statuses[i] != STATUS_NOT_FOUND) {
            return statuses[i];
        }
        if (statuses[i] == STATUS_OK && candidates[i].size > above &&
            candidates[i].size <= head.size && (best == NULL || candidates[i].size < best->size)) {
            best = &candidates[i];
        }
    }
    if (best == NULL) {
        return STATUS_NOT_FOUND;
    }
    *out = *best;
    return STATUS_OK;
}

/* --- notes --- */

struct bytes mirror_note_text(struct bytes note) {
    /* Our own record: the text ends before the empty line, and neither the text of a checkpoint nor
     * a signature line holds one. */
    for (size_t i = 0; i + 1 < note.len; i++) {
        if (note.data[i] == '\n' && note.data[i + 1] == '\n') {
            return bytes_of(note.data, i + 1);
        }
    }
    return note;
}

static enum status serve(const struct signed_checkpoint *checkpoint, struct writer *w) {
    writer_bytes(w, checkpoint->note);
    writer_bytes(w, checkpoint->line);
    return writer_status(w);
}

enum status mirror_serve_checkpoint(struct store_txn *txn, uint32_t log, struct writer *w) {
    struct signed_checkpoint checkpoint;
    TRY(mirror_checkpoint(txn, log, &checkpoint));
    return serve(&checkpoint, w);
}

enum status witness_serve_checkpoint(struct store_txn *txn, uint32_t log, struct writer *w) {
    struct signed_checkpoint checkpoint;
    TRY(mirror_pending(txn, log, &checkpoint));
    if (checkpoint.line.len == 0) {
        return STATUS_NOT_FOUND; /* it was taken, and never cosigned by a witness */
    }
    return serve(&checkpoint, w);
}

/* --- changing --- */

static enum status count_old(struct store_txn *txn, uint32_t log, size_t *count) {
    struct signed_checkpoint at = {.size = 0};
    uint64_t from = 0;
    *count = 0;
    for (;;) {
        enum status status = old_from(txn, log, from, &at);
        if (status == STATUS_NOT_FOUND) {
            return STATUS_OK;
        }
        TRY(status);
        (*count)++;
        from = at.size + 1;
    }
}

/* Removes the smallest one if it is smaller than `below`. NOT_FOUND if there is none. */
static enum status remove_oldest(struct store_txn *txn, uint32_t log, uint64_t below) {
    struct signed_checkpoint smallest;
    TRY(old_from(txn, log, 0, &smallest));
    if (smallest.size >= below) {
        return STATUS_NOT_FOUND;
    }
    struct key key = key_log_u64(TABLE_OLD_PENDING, log, smallest.size);
    return store_remove(txn, key_view(&key));
}

static enum status forget_one(struct store_txn *txn, struct key key) {
    enum status status = store_remove(txn, key_view(&key));
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status mirror_forget(struct store_txn *txn, uint32_t log) {
    enum status status = STATUS_OK;
    while (status == STATUS_OK) {
        status = remove_oldest(txn, log, UINT64_MAX);
    }
    if (status != STATUS_NOT_FOUND) {
        return status;
    }
    TRY(forget_one(txn, key_log(TABLE_PENDING, log)));
    return forget_one(txn, key_log(TABLE_MIRRORED, log));
}

static enum status keep_old(struct store_txn *txn, uint32_t log,
                            const struct signed_checkpoint *old) {
    /* The value read lives only until the next put. */
    uint8_t note[CHECKPOINT_SIZE_MAX];
    struct signed_checkpoint copy = *old;
    size_t count;
    if (old->note.len > sizeof note) {
        return STATUS_STORE_CORRUPT;
    }
    memcpy(note, old->note.data, old->note.len);
    copy.note = bytes_of(note, old->note.len);
    copy.line = bytes_of(NULL, 0);
    struct key key = key_log_u64(TABLE_OLD_PENDING, log, old->size);
    TRY(save(txn, &key, &copy));
    TRY(count_old(txn, log, &count));
    for (; count > PENDING_KEPT; count--) {
        TRY(remove_oldest(txn, log, UINT64_MAX));
    }
    return STATUS_OK;
}

enum status mirror_set_pending(struct store_txn *txn, uint32_t log,
                               const struct signed_checkpoint *checkpoint) {
    struct signed_checkpoint old;
    enum status status = mirror_pending(txn, log, &old);
#ifdef DUTYLOG_BUG_FORGET_PENDING
    return STATUS_OK;
#endif
    if (status == STATUS_OK && old.size < checkpoint->size) {
        TRY(keep_old(txn, log, &old));
    } else if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    struct key key = key_log(TABLE_PENDING, log);
    return save(txn, &key, checkpoint);
}

enum status mirror_set_checkpoint(struct store_txn *txn, uint32_t log,
                                  const struct signed_checkpoint *checkpoint) {
    struct key key = key_log(TABLE_MIRRORED, log);
    TRY(save(txn, &key, checkpoint));
    for (;;) {
        enum status status = remove_oldest(txn, log, checkpoint->size);
        if (status != STATUS_OK) {
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        }
    }
}

/* --- answers --- */

bool mirror_answer_fate(struct answer *answer, enum status status) {
    if (!batch_is_fatal(status) && answer->http != 0) {
        return false; /* a job of its own refusal never prepared a 200 */
    }
    struct refusal why;
    (void)refuse(&why, status, "nothing was changed: %s", status_text(status));
    answer_refusal(answer, &why);
    return true;
}

/* --- cosigning --- */

/* Per key and log: last timestamp u64, size u64. */

static enum status last_cosigned(struct store_txn *txn, const struct key *key, uint64_t *last,
                                 uint64_t *size) {
    struct bytes value;
    struct reader r;
    *last = 0;
    *size = 0;
    enum status status = store_get(txn, key_view(key), &value);
    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK;
    }
    TRY(status);
    reader_init(&r, value);
    return reader_u64(&r, last) && reader_u64(&r, size) ? STATUS_OK : STATUS_STORE_CORRUPT;
}

static enum status put_cosigned(struct store_txn *txn, const struct key *key, uint64_t time,
                                uint64_t size) {
    uint8_t memory[16];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    writer_u64(&w, time);
    writer_u64(&w, size);
    return store_put(txn, key_view(key), writer_view(&w));
}

static struct key cosigned_key(uint32_t log, const struct signer *signer) {
    struct key key = key_log(TABLE_COSIGNED, log);
    key_u32(&key, signer->vkey.id);
    return key;
}

enum status mirror_newest(struct store_txn *txn, uint32_t log, uint64_t *seconds) {
    struct key prefix = key_log(TABLE_COSIGNED, log);
    struct scan scan = scan_from(txn, prefix, prefix);
    struct bytes key;
    struct bytes value;
    uint64_t newest = 0;
    for (;;) {
        struct reader r;
        uint64_t last = 0;
        enum status status = scan_next(&scan, &key, &value);
        if (status == STATUS_NOT_FOUND) {
            *seconds = newest;
            return STATUS_OK;
        }
        TRY(status);
        reader_init(&r, value);
        if (!reader_u64(&r, &last)) {
            return STATUS_STORE_CORRUPT;
        }
        newest = last > newest ? last : newest;
    }
}

enum status mirror_raise_time(struct store_txn *txn, uint32_t log, const struct signer *signer,
                              uint64_t time) {
    struct key key = cosigned_key(log, signer);
    uint64_t last;
    uint64_t size;
    TRY(last_cosigned(txn, &key, &last, &size));
    return time > last ? put_cosigned(txn, &key, time, size) : STATUS_OK;
}

enum status mirror_cosign(struct store_txn *txn, uint32_t log, const struct signer *signer,
                          uint64_t now_seconds, uint64_t size, struct bytes text,
                          struct writer *line, uint64_t *timestamp) {
    struct key key = cosigned_key(log, signer);
    uint64_t last;
    uint64_t before;
    TRY(last_cosigned(txn, &key, &last, &before));
    uint64_t time = now_seconds > 0 ? now_seconds : 1; /* tlog-witness: never zero */
#ifndef DUTYLOG_BUG_TIMESTAMP_BACK
    if (time < last) {
        time = last;
    }
#endif
    TRY(put_cosigned(txn, &key, time, size));
    cosignature_sign(line, text, time, signer);
    assert(!line->failed);
    *timestamp = time;
    return STATUS_OK;
}
