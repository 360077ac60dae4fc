/* What is kept of equivocation: evidence, and checkpoints that nothing explains yet. */
#include "ledger/accused.h"
#include "ledger/fork_parts.h"

#include <assert.h>
#include <string.h>

/* --- rows --- */

/* The pairs under a prefix, in order. */
static enum status next_under(struct store_txn *txn, const struct key *prefix, struct key *at,
                              struct bytes *value) {
    struct bytes key;
    TRY(store_seek(txn, key_view(at), &key, value));
    if (key.len < prefix->len || memcmp(key.data, prefix->data, prefix->len) != 0) {
        return STATUS_NOT_FOUND;
    }
    assert(key.len < sizeof at->data); /* our keys are far shorter */
    memcpy(at->data, key.data, key.len);
    at->len = key.len;
    return STATUS_OK;
}

/* The least key after `at`. */
static void step_over(struct key *at) {
    key_u8(at, 0);
}

static enum status count_under(struct store_txn *txn, const struct key *prefix, size_t *count) {
    struct key at = *prefix;
    struct bytes value;
    *count = 0;
    for (;;) {
        enum status status = next_under(txn, prefix, &at, &value);
        if (status != STATUS_OK) {
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        }
        (*count)++;
        step_over(&at);
    }
}

/* Puts the value unless it is there; BUSY if the prefix holds as many as may be kept. */
static enum status keep(struct store_txn *txn, const struct key *prefix, const struct key *key,
                        struct bytes content, bool *fresh) {
    struct bytes value;
    size_t count;
    *fresh = false;
    enum status status = store_get(txn, key_view(key), &value);
    if (status != STATUS_NOT_FOUND) {
        return status;
    }
    TRY(count_under(txn, prefix, &count));
    if (count >= EVIDENCE_PER_KEY_MAX) {
        return STATUS_BUSY;
    }
    TRY(store_put(txn, key_view(key), content));
    *fresh = true;
    return STATUS_OK;
}

/* --- evidence --- */

/* Key: key ID, SHA-256 of the vkey, SHA-256 of the file; value: u16 length, vkey, file. Another key
 * with the same ID, which anybody can search for, takes no room from this one. */
#define EVIDENCE_VALUE_MAX (2 + VKEY_SIZE_MAX + EVIDENCE_SIZE_MAX)

static struct key evidence_prefix(const struct vkey *accused, struct writer *vkey) {
    struct key key;
    struct hash hash;
    vkey_format(vkey, accused);
    assert(!vkey->failed);
    hash_of(vkey->data, vkey->len, &hash);
    key_start(&key, TABLE_EVIDENCE);
    key_u32(&key, accused->id);
    key_bytes(&key, bytes_of(hash.bytes, sizeof hash.bytes));
    return key;
}

static enum status read_evidence(struct bytes value, struct vkey *accused, struct bytes *file) {
    struct reader r;
    struct bytes vkey;
    uint16_t len;
    reader_init(&r, value);
    if (!reader_u16(&r, &len) || !reader_take(&r, len, &vkey) ||
        vkey_parse(vkey, accused, NULL) != STATUS_OK) {
        return STATUS_STORE_CORRUPT;
    }
    *file = r.rest;
    return STATUS_OK;
}

/* The file is known to prove something against the key. */
static enum status keep_verified(struct store_txn *txn, const struct vkey *accused,
                                 struct bytes evidence, bool *fresh) {
    uint8_t text[VKEY_SIZE_MAX];
    uint8_t value[EVIDENCE_VALUE_MAX];
    struct writer vkey;
    struct writer w;
    struct hash hash;
    writer_init(&vkey, text, sizeof text);
    struct key prefix = evidence_prefix(accused, &vkey);
    struct key key = prefix;
    hash_of(evidence.data, evidence.len, &hash);
    key_bytes(&key, bytes_of(hash.bytes, sizeof hash.bytes));
    writer_init(&w, value, sizeof value);
    writer_u16(&w, (uint16_t)vkey.len);
    writer_bytes(&w, writer_view(&vkey));
    writer_bytes(&w, evidence);
    assert(!w.failed); /* evidence_parse took it */
    return keep(txn, &prefix, &key, writer_view(&w), fresh);
}

enum status fork_keep(struct store_txn *txn, const struct vkey *accused, struct bytes evidence,
                      bool *fresh) {
    struct evidence parsed;
    TRY(evidence_parse(evidence, &parsed, NULL));
    TRY(evidence_verify(&parsed, accused, NULL));
    return keep_verified(txn, accused, evidence, fresh);
}

/* The key among those of the log that the file accuses. */
static enum status find_accused(const struct evidence *evidence, const struct accused *keys,
                                struct vkey *accused, struct refusal *why) {
    for (size_t i = 0; i < keys->count; i++) {
        if (evidence_lines(evidence, &keys->keys[i]) > 0 &&
            evidence_verify(evidence, &keys->keys[i], why) == STATUS_OK) {
            *accused = keys->keys[i];
            return STATUS_OK;
        }
    }
    return refuse(why, STATUS_BAD_PROOF,
                  "it proves nothing against the log's key, nor against a mirror or witness of its "
                  "policies");
}

enum status fork_keep_known(struct store_txn *txn, struct bytes evidence, struct vkey *accused,
                            bool *fresh, struct refusal *why) {
    struct evidence parsed;
    struct bytes origin;
    struct log log;
    struct accused keys;
    TRY(evidence_parse(evidence, &parsed, why));
    if (evidence_origin(&parsed, &origin) != STATUS_OK) {
        return refuse(why, STATUS_BAD_FORM, "part 1 is no checkpoint or proof");
    }
    enum status status = logs_find(txn, origin, &log);
    if (status != STATUS_OK) {
        return refuse(why, status, "evidence about a log that this node does not hold");
    }
    TRY(accused_of(txn, &log, &keys));
    TRY(find_accused(&parsed, &keys, accused, why));
    status = keep_verified(txn, accused, evidence, fresh);
    if (status == STATUS_BUSY) {
        return refuse(why, status, "%d files against this key are kept already",
                      EVIDENCE_PER_KEY_MAX);
    }
    return status;
}

enum status fork_evidence(struct store_txn *txn, uint32_t key_id, const struct hash *hash,
                          struct vkey *accused, struct bytes *file) {
    struct key prefix;
    struct bytes value;
    key_start(&prefix, TABLE_EVIDENCE);
    key_u32(&prefix, key_id);
    for (struct key at = prefix;; step_over(&at)) {
        TRY(next_under(txn, &prefix, &at, &value));
        if (at.len == prefix.len + 2 * HASH_SIZE &&
            memcmp(at.data + prefix.len + HASH_SIZE, hash->bytes, HASH_SIZE) == 0) {
            return read_evidence(value, accused, file);
        }
    }
}

enum status fork_each_evidence(struct store_txn *txn, fork_visit visit, void *context) {
    struct key prefix;
    key_start(&prefix, TABLE_EVIDENCE);
    for (struct key at = prefix;; step_over(&at)) {
        struct bytes value;
        struct bytes file;
        struct vkey accused;
        enum status status = next_under(txn, &prefix, &at, &value);
        if (status != STATUS_OK) {
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        }
        TRY(read_evidence(value, &accused, &file));
        TRY(visit(context, &accused, file));
    }
}

/* --- unreconciled --- */

struct key fork_unreconciled_key(const struct log *log, const struct suspect *suspect) {
    struct hash hash;
    struct bytes text = mirror_note_text(suspect->note);
    struct key key = key_log_u64(TABLE_UNRECONCILED, log->number, suspect->checkpoint.size);
    hash_of(text.data, text.len, &hash);
    key_bytes(&key, bytes_of(hash.bytes, sizeof hash.bytes));
    return key;
}

enum status fork_keep_suspect(struct store_txn *txn, const struct log *log,
                              const struct suspect *suspect, bool *fresh) {
    struct key prefix = key_log(TABLE_UNRECONCILED, log->number);
    struct key key = fork_unreconciled_key(log, suspect);
    return keep(txn, &prefix, &key, suspect->note, fresh);
}

enum status fork_keep_unreconciled(struct store_txn *txn, const struct log *log,
                                   struct bytes note) {
    struct suspect suspect;
    bool fresh;
    TRY(fork_read_suspect(log, note, &suspect));
    return fork_keep_suspect(txn, log, &suspect, &fresh);
}

enum status fork_drop_unreconciled(struct store_txn *txn, const struct log *log,
                                   struct bytes note) {
    struct suspect suspect;
    TRY(fork_read_suspect(log, note, &suspect));
    struct key key = fork_unreconciled_key(log, &suspect);
    return store_remove(txn, key_view(&key));
}

enum status fork_each_unreconciled(struct store_txn *txn, fork_visit visit, void *context) {
    struct key prefix;
    key_start(&prefix, TABLE_UNRECONCILED);
    for (struct key at = prefix;; step_over(&at)) {
        struct bytes value;
        struct reader r;
        struct log log;
        uint8_t table;
        uint32_t number;
        enum status status = next_under(txn, &prefix, &at, &value);
        if (status != STATUS_OK) {
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        }
        reader_init(&r, key_view(&at));
        if (!reader_u8(&r, &table) || !reader_u32(&r, &number)) {
            return STATUS_STORE_CORRUPT;
        }
        TRY(logs_get(txn, number, &log));
        TRY(visit(context, &log.vkey, value));
    }
}

/* --- a file from elsewhere --- */

static enum status fork_keep_apply(struct job *job, struct batch *batch) {
    struct fork_keep_job *self = (struct fork_keep_job *)job;
    return fork_keep_known(batch->txn, self->evidence, &self->accused, &self->fresh, &self->why);
}

static void fork_keep_finish(struct job *job, enum status status) {
    struct fork_keep_job *self = (struct fork_keep_job *)job;
    self->fresh = self->fresh && status == STATUS_OK;
    if (self->done != NULL) {
        self->done(self, status);
    }
}

void fork_keep_job_init(struct fork_keep_job *job) {
    job->job.apply = fork_keep_apply;
    job->job.finish = fork_keep_finish;
    job->job.status = STATUS_OK;
    job->fresh = false;
}
