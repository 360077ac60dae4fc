/* TABLE_REQUEST: log -> u64 forgotten until (unix seconds), u32 rows of the kind below; (log, u64
 * expiry, SHA-256 of the note's text) -> nothing. Ordered by expiry, so that what may be forgotten
 * comes first. TABLE_ACCESS: (log, u64 number) -> u64 unix ms, then "<key> <address> <method>
 * <target>"; none of the four holds a space. */
#include "ledger/access.h"

#include "ledger/schema.h"

#include <assert.h>
#include <string.h>

#define FORGET_PER_JOB 64
#define ROW_MAX                                                                                    \
    (8 + NAME_SIZE_MAX + ACCESS_ADDRESS_MAX + REQUEST_NOTE_METHOD_MAX + REQUEST_NOTE_TARGET_MAX + 3)

/* --- one note against what the node is, was asked, and knows --- */

static enum access_verdict check_form(const struct access_request *request, struct refusal *why) {
    const struct request_note *note = request->note;
    uint64_t now = request->now_ms / 1000;
    if (!bytes_equal(note->origin, vkey_name(&request->log->vkey))) {
        refuse(why, STATUS_BAD_LOG, "the request note is meant for another log: this node's is %s",
               request->log->vkey.name);
        return ACCESS_OTHER_LOG;
    }
    if (!bytes_equal(note->method, request->method) ||
        !bytes_equal(note->target, request->target)) {
        refuse(why, STATUS_BAD_FORM,
               "the request note is for another method or path: sign this one");
        return ACCESS_OTHER_REQUEST;
    }
    if (note->expires <= now) {
        refuse(why, STATUS_BAD_FORM, "the request note has expired: sign a new one");
        return ACCESS_EXPIRED;
    }
    if (note->expires - now > REQUEST_NOTE_AHEAD_MAX) {
        refuse(why, STATUS_BAD_FORM,
               "the request note expires over %d seconds ahead: sign one that ends sooner, and "
               "check your clock",
               REQUEST_NOTE_AHEAD_MAX);
        return ACCESS_AHEAD;
    }
    return ACCESS_OK;
}

static enum access_verdict check_signature(const struct access_request *request,
                                           const struct issuer *issuer, struct refusal *why) {
    const struct note_signature *signature = &request->note->note.signatures[0];
    if (!note_signature_is_by(signature, &issuer->vkey)) {
        refuse(why, STATUS_DENIED_KEY, "the key ID of %s is not the enrolled key's",
               issuer->vkey.name);
        return ACCESS_UNKNOWN_KEY;
    }
    if (!note_signature_verify(signature, request->note->note.text, &issuer->vkey)) {
        refuse(why, STATUS_DENIED_SIGNATURE, "the signature of the request note does not verify");
        return ACCESS_BAD_SIGNATURE;
    }
    if (issuer->revoked_at != 0) {
        refuse(why, STATUS_DENIED_SCOPE, "the key %s is revoked", issuer->vkey.name);
        return ACCESS_WITHOUT_RIGHT;
    }
    if (request->now_ms < issuer->from_ms || request->now_ms >= issuer->until_ms) {
        refuse(why, STATUS_DENIED_SCOPE, "the key %s is not valid on this day", issuer->vkey.name);
        return ACCESS_WITHOUT_RIGHT;
    }
    if ((issuer->roles & request->roles) == 0) {
        refuse(why, STATUS_DENIED_SCOPE, "the key %s has no role that may read this",
               issuer->vkey.name);
        return ACCESS_WITHOUT_RIGHT;
    }
    return ACCESS_OK;
}

enum status access_check(struct store_txn *txn, const struct access_request *request,
                         enum access_verdict *verdict, struct refusal *why) {
    struct issuer issuer;
    struct bytes name = request->note->note.signatures[0].name;
    enum access_verdict found = check_form(request, why);
    if (found == ACCESS_OK) {
        enum status status = issuer_find(txn, request->log->number, name, &issuer);
        if (status == STATUS_NOT_FOUND) {
            refuse(why, STATUS_DENIED_KEY, "the key is not enrolled in this node's log");
            found = ACCESS_UNKNOWN_KEY;
        } else if (status != STATUS_OK) {
            return status;
        } else {
            found = check_signature(request, &issuer, why);
        }
    }
    *verdict = found;
    return STATUS_OK;
}

/* --- what is remembered --- */

struct memory {
    uint64_t forgotten; /* what expired at or before this, in unix seconds, may not be there */
    uint32_t count;
};

static enum status memory_get(struct store_txn *txn, uint32_t log, struct memory *out) {
    struct key key = key_log(TABLE_REQUEST, log);
    struct bytes value;
    struct reader r;
    enum status status = store_get(txn, key_view(&key), &value);
    if (status == STATUS_NOT_FOUND) {
        *out = (struct memory){0};
        return STATUS_OK;
    }
    TRY(status);
    reader_init(&r, value);
    if (!reader_u64(&r, &out->forgotten) || !reader_u32(&r, &out->count) || !reader_done(&r)) {
        return STATUS_STORE_CORRUPT;
    }
    return STATUS_OK;
}

static enum status memory_put(struct store_txn *txn, uint32_t log, const struct memory *memory) {
    struct key key = key_log(TABLE_REQUEST, log);
    uint8_t value[12];
    struct writer w;
    writer_init(&w, value, sizeof value);
    writer_u64(&w, memory->forgotten);
    writer_u32(&w, memory->count);
    return store_put(txn, key_view(&key), writer_view(&w));
}

static struct key note_key(uint32_t log, const struct request_note *note) {
    struct hash hash;
    struct key key = key_log_u64(TABLE_REQUEST, log, note->expires);
    hash_of(note->note.text.data, note->note.text.len, &hash);
    key_bytes(&key, bytes_of(hash.bytes, HASH_SIZE));
    return key;
}

/* Forgets some of what has expired. */
static enum status forget(struct store_txn *txn, uint32_t log, uint64_t now,
                          struct memory *memory) {
    struct key prefix = key_log(TABLE_REQUEST, log);
    for (unsigned i = 0; i < FORGET_PER_JOB; i++) {
        struct key from = key_log_u64(TABLE_REQUEST, log, 0);
        struct bytes found;
        struct bytes value;
        struct reader r;
        uint64_t expires = 0;
        enum status status = store_seek(txn, key_view(&from), &found, &value);
        if (status == STATUS_NOT_FOUND) {
            return STATUS_OK;
        }
        TRY(status);
        if (found.len < prefix.len || memcmp(found.data, prefix.data, prefix.len) != 0) {
            return STATUS_OK; /* another log's, or another table's */
        }
        reader_init(&r, bytes_of(found.data + prefix.len, found.len - prefix.len));
        if (!reader_u64(&r, &expires) || r.rest.len != HASH_SIZE || memory->count == 0) {
            return STATUS_STORE_CORRUPT;
        }
        if (expires > now) {
            return STATUS_OK;
        }
        struct key gone = {.len = found.len};
        memcpy(gone.data, found.data, found.len);
        TRY(store_remove(txn, key_view(&gone)));
        memory->forgotten = expires > memory->forgotten ? expires : memory->forgotten;
        memory->count--;
    }
    return STATUS_OK;
}

/* --- the access log --- */

static bool read_row(struct bytes key, struct bytes value, struct access_row *out) {
    struct reader r;
    uint8_t table = 0;
    uint32_t log = 0;
    reader_init(&r, key);
    if (!reader_u8(&r, &table) || !reader_u32(&r, &log) || !reader_u64(&r, &out->number) ||
        !reader_done(&r)) {
        return false;
    }
    reader_init(&r, value);
    if (!reader_u64(&r, &out->time_ms) || !reader_until(&r, ' ', &out->key) ||
        !reader_until(&r, ' ', &out->address) || !reader_until(&r, ' ', &out->method)) {
        return false;
    }
    out->target = r.rest;
    return out->target.len > 0;
}

enum status access_row_from(struct store_txn *txn, uint32_t log, uint64_t number,
                            struct access_row *out) {
    struct key prefix = key_log(TABLE_ACCESS, log);
    struct key from = key_log_u64(TABLE_ACCESS, log, number);
    struct bytes key;
    struct bytes value;
    TRY(store_seek(txn, key_view(&from), &key, &value));
    if (key.len < prefix.len || memcmp(key.data, prefix.data, prefix.len) != 0) {
        return STATUS_NOT_FOUND;
    }
    return read_row(key, value, out) ? STATUS_OK : STATUS_STORE_CORRUPT;
}

static enum status next_number(struct store_txn *txn, uint32_t log, uint64_t *out) {
    struct key prefix = key_log(TABLE_ACCESS, log);
    struct key last = key_log_u64(TABLE_ACCESS, log, UINT64_MAX);
    struct bytes key;
    struct bytes value;
    struct access_row row;
    enum status status = store_seek_back(txn, key_view(&last), &key, &value);
    if (status == STATUS_NOT_FOUND ||
        (status == STATUS_OK &&
         (key.len < prefix.len || memcmp(key.data, prefix.data, prefix.len) != 0))) {
        *out = 1;
        return STATUS_OK;
    }
    TRY(status);
    if (!read_row(key, value, &row)) {
        return STATUS_STORE_CORRUPT;
    }
    *out = row.number + 1;
    return STATUS_OK;
}

static enum status append_row(struct store_txn *txn, struct access_job *job) {
    const struct access_request *request = &job->request;
    uint8_t memory[ROW_MAX];
    struct writer w;
    assert(request->address.len > 0 && request->address.len <= ACCESS_ADDRESS_MAX);
    TRY(next_number(txn, request->log->number, &job->number));
    writer_init(&w, memory, sizeof memory);
    writer_u64(&w, request->now_ms);
    writer_bytes(&w, request->note->note.signatures[0].name);
    writer_u8(&w, ' ');
    writer_bytes(&w, request->address);
    writer_u8(&w, ' ');
    writer_bytes(&w, request->note->method);
    writer_u8(&w, ' ');
    writer_bytes(&w, request->note->target);
    assert(!w.failed); /* each part has its maximum */
    struct key key = key_log_u64(TABLE_ACCESS, request->log->number, job->number);
    return store_put(txn, key_view(&key), writer_view(&w));
}

/* --- the job --- */

static enum status grant(struct store_txn *txn, struct access_job *job) {
    const struct access_request *request = &job->request;
    uint32_t log = request->log->number;
    struct key key = note_key(log, request->note);
    struct memory memory;
    struct bytes value;
    TRY(memory_get(txn, log, &memory));
    enum status status = store_get(txn, key_view(&key), &value);
    if (status == STATUS_OK) {
        refuse(&job->why, STATUS_BAD_FORM, "the request note was used already: sign a new one");
        job->verdict = ACCESS_REPLAYED;
        return STATUS_OK;
    }
    if (status != STATUS_NOT_FOUND) {
        return status;
    }
    if (request->note->expires <= memory.forgotten) {
        refuse(&job->why, STATUS_BAD_FORM,
               "this node's clock went back, and the request note may have been used: sign a new "
               "one that expires later");
        job->verdict = ACCESS_EXPIRED;
        return STATUS_OK;
    }
    TRY(forget(txn, log, request->now_ms / 1000, &memory));
    if (memory.count >= ACCESS_REMEMBERED_MAX) {
        /* What was forgotten is written all the same. */
        refuse(&job->why, STATUS_BUSY, "too many request notes are remembered: try again later");
        job->verdict = ACCESS_FULL;
        return memory_put(txn, log, &memory);
    }
    memory.count++;
    TRY(store_put(txn, key_view(&key), bytes_of(NULL, 0)));
    TRY(memory_put(txn, log, &memory));
    return append_row(txn, job);
}

static enum status access_apply(struct job *base, struct batch *batch) {
    struct access_job *job = (struct access_job *)base;
    TRY(access_check(batch->txn, &job->request, &job->verdict, &job->why));
    return job->verdict == ACCESS_OK ? grant(batch->txn, job) : STATUS_OK;
}

static void access_finish(struct job *base, enum status status) {
    struct access_job *job = (struct access_job *)base;
    if (job->done != NULL) {
        job->done(job, status);
    }
}

void access_job_init(struct access_job *job) {
    memset(job, 0, sizeof *job);
    job->job.apply = access_apply;
    job->job.finish = access_finish;
}
