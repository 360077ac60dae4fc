#include "ledger/fork.h"

#include "ledger/mirror_parts.h"
#include "ledger/schema.h"

#include <assert.h>
#include <string.h>

/* --- making evidence --- */

void fork_same_size(struct writer *w, struct bytes note_a, struct bytes note_b) {
    bool in_order = bytes_compare(note_a, note_b) <= 0;
    struct evidence evidence = {
        .form = 'a',
        .parts = {in_order ? note_a : note_b, in_order ? note_b : note_a},
    };
    evidence_format(w, &evidence);
}

void fork_two_sizes(struct writer *w, struct bytes smaller, struct bytes larger,
                    const struct merkle_proof *hashes) {
    struct evidence evidence = {.form = 'b', .parts = {smaller, larger}, .hashes = *hashes};
    evidence_format(w, &evidence);
}

/* A signed checkpoint under suspicion, reduced to its text and the log's signature line. */
struct suspect {
    struct checkpoint checkpoint; /* borrows from the note as given */
    uint8_t memory[CHECKPOINT_SIZE_MAX];
    struct bytes note;
};

static enum status read_suspect(const struct log *log, struct bytes bytes, struct suspect *out) {
    struct note note;
    TRY(checkpoint_parse(bytes, &note, &out->checkpoint, NULL));
    if (!bytes_equal(out->checkpoint.origin, vkey_name(&log->vkey))) {
        return STATUS_BAD_LOG;
    }
    if (note_verify(&note, &log->vkey) != STATUS_OK) {
        return STATUS_DENIED_SIGNATURE;
    }
    struct writer w;
    writer_init(&w, out->memory, sizeof out->memory);
    mirror_put_note(&w, &note, &log->vkey);
    assert(!w.failed);
    out->note = writer_view(&w);
    return STATUS_OK;
}

static enum status find_same_size(struct store_txn *txn, const struct log *log,
                                  const struct suspect *suspect, struct writer *w) {
    struct signed_checkpoint known;
    TRY(mirror_known(txn, log->number, suspect->checkpoint.size, &known));
    if (hash_equal(&known.root, &suspect->checkpoint.root)) {
        return STATUS_NOT_FOUND;
    }
    fork_same_size(w, known.note, suspect->note);
    return writer_status(w);
}

/* True (through `differs`) if the entries stored have another root at the suspect's size. */
static enum status stored_differs(struct store_txn *txn, const struct log *log,
                                  const struct suspect *suspect, bool *stored, bool *differs) {
    struct tree_head head;
    struct hash root;
    *differs = false;
    TRY(tree_read_head(txn, log->number, &head));
    *stored = suspect->checkpoint.size <= head.size;
    if (!*stored) {
        return STATUS_OK;
    }
    TRY(tree_root_at(txn, log->number, suspect->checkpoint.size, &root));
    *differs = !hash_equal(&root, &suspect->checkpoint.root);
    return STATUS_OK;
}

static enum status find_smaller(struct store_txn *txn, const struct log *log,
                                const struct suspect *suspect, struct writer *w) {
    struct signed_checkpoint larger;
    struct merkle_proof hashes;
    bool stored;
    bool differs;
    TRY(stored_differs(txn, log, suspect, &stored, &differs));
    if (!differs || suspect->checkpoint.size == 0) {
        return STATUS_NOT_FOUND; /* at size 0 there is no subproof, nor anything to take back */
    }
    TRY(mirror_stored_above(txn, log->number, suspect->checkpoint.size, &larger));
    TRY(tree_subproof(txn, log->number, suspect->checkpoint.size, larger.size, &hashes));
    fork_two_sizes(w, suspect->note, larger.note, &hashes);
    return writer_status(w);
}

/* What came with the suspect, or was fetched. */
struct hints {
    uint64_t old_size;
    const struct merkle_proof *proof; /* NULL: none */
    bool subproof;                    /* it is one; else a consistency proof */
};

static bool is_power_of_two(uint64_t n) {
    return (n & (n - 1)) == 0;
}

/* The larger tree's own nodes rebuild the root signed there and give another at the smaller size.
 * ledger/fork.h says why the proof of a power of two does not do. */
static enum status find_by_proof(struct store_txn *txn, const struct log *log,
                                 const struct suspect *suspect, const struct hints *hints,
                                 struct writer *w) {
    struct signed_checkpoint known;
    struct hash root_m;
    struct hash root_n;
    bool larger = hints->old_size < suspect->checkpoint.size;
    if (hints->proof == NULL || hints->old_size == suspect->checkpoint.size ||
        hints->old_size == 0 || suspect->checkpoint.size == 0 ||
        (!hints->subproof && (!larger || is_power_of_two(hints->old_size)))) {
        return STATUS_NOT_FOUND;
    }
    TRY(mirror_known(txn, log->number, hints->old_size, &known));
    uint64_t m = larger ? known.size : suspect->checkpoint.size;
    uint64_t n = larger ? suspect->checkpoint.size : known.size;
    const struct hash *signed_m = larger ? &known.root : &suspect->checkpoint.root;
    const struct hash *signed_n = larger ? &suspect->checkpoint.root : &known.root;
    if (!merkle_subproof_roots(m, n, hints->proof->hashes, hints->proof->count, &root_m, &root_n) ||
        !hash_equal(&root_n, signed_n) || hash_equal(&root_m, signed_m)) {
        return STATUS_NOT_FOUND;
    }
    fork_two_sizes(w, larger ? known.note : suspect->note, larger ? suspect->note : known.note,
                   hints->proof);
    return writer_status(w);
}

static enum status find(struct store_txn *txn, const struct log *log, const struct suspect *suspect,
                        const struct hints *hints, struct writer *w) {
    enum status status = find_same_size(txn, log, suspect, w);
    if (status == STATUS_NOT_FOUND) {
        status = find_smaller(txn, log, suspect, w);
    }
    if (status == STATUS_NOT_FOUND) {
        status = find_by_proof(txn, log, suspect, hints, w);
    }
    return status;
}

enum status fork_find(struct store_txn *txn, const struct log *log, struct bytes note,
                      uint64_t old_size, const struct merkle_proof *proof, struct writer *w) {
    struct suspect suspect;
    struct hints hints = {.old_size = old_size, .proof = proof};
    TRY(read_suspect(log, note, &suspect));
    return find(txn, log, &suspect, &hints, w);
}

/* --- keeping --- */

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
                        struct bytes content) {
    struct bytes value;
    size_t count;
    enum status status = store_get(txn, key_view(key), &value);
    if (status != STATUS_NOT_FOUND) {
        return status;
    }
    TRY(count_under(txn, prefix, &count));
    if (count >= EVIDENCE_PER_KEY_MAX) {
        return STATUS_BUSY;
    }
    return store_put(txn, key_view(key), content);
}

static struct key evidence_prefix(const struct log *log) {
    struct key key;
    key_start(&key, TABLE_EVIDENCE);
    key_u32(&key, log->vkey.id);
    return key;
}

enum status fork_keep(struct store_txn *txn, const struct log *log, struct bytes evidence) {
    struct evidence parsed;
    struct hash hash;
    TRY(evidence_parse(evidence, &parsed, NULL));
    TRY(evidence_verify(&parsed, &log->vkey, NULL));
    struct key prefix = evidence_prefix(log);
    struct key key = prefix;
    hash_of(evidence.data, evidence.len, &hash);
    key_bytes(&key, bytes_of(hash.bytes, sizeof hash.bytes));
    return keep(txn, &prefix, &key, evidence);
}

/* By the text, so that other signature lines make no other record. */
static struct key unreconciled_key(const struct log *log, const struct suspect *suspect) {
    struct hash hash;
    struct bytes text = mirror_note_text(suspect->note);
    struct key key = key_log_u64(TABLE_UNRECONCILED, log->number, suspect->checkpoint.size);
    hash_of(text.data, text.len, &hash);
    key_bytes(&key, bytes_of(hash.bytes, sizeof hash.bytes));
    return key;
}

static enum status keep_suspect(struct store_txn *txn, const struct log *log,
                                const struct suspect *suspect) {
    struct key prefix = key_log(TABLE_UNRECONCILED, log->number);
    struct key key = unreconciled_key(log, suspect);
    return keep(txn, &prefix, &key, suspect->note);
}

enum status fork_keep_unreconciled(struct store_txn *txn, const struct log *log,
                                   struct bytes note) {
    struct suspect suspect;
    TRY(read_suspect(log, note, &suspect));
    return keep_suspect(txn, log, &suspect);
}

enum status fork_drop_unreconciled(struct store_txn *txn, const struct log *log,
                                   struct bytes note) {
    struct suspect suspect;
    TRY(read_suspect(log, note, &suspect));
    struct key key = unreconciled_key(log, &suspect);
    return store_remove(txn, key_view(&key));
}

/* --- visiting --- */

enum status fork_each_evidence(struct store_txn *txn, fork_visit visit, void *context) {
    struct key prefix;
    key_start(&prefix, TABLE_EVIDENCE);
    for (struct key at = prefix;; step_over(&at)) {
        struct bytes value;
        struct reader r;
        uint8_t table;
        uint32_t key_id;
        enum status status = next_under(txn, &prefix, &at, &value);
        if (status != STATUS_OK) {
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        }
        reader_init(&r, key_view(&at));
        if (!reader_u8(&r, &table) || !reader_u32(&r, &key_id)) {
            return STATUS_STORE_CORRUPT;
        }
        TRY(visit(context, key_id, value));
    }
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
        TRY(visit(context, log.vkey.id, value));
    }
}

/* --- jobs --- */

static enum status settle(struct store_txn *txn, const struct log *log,
                          const struct suspect *suspect) {
    struct key key = unreconciled_key(log, suspect);
    enum status status = store_remove(txn, key_view(&key));
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status fork_apply(struct job *job, struct batch *batch) {
    struct fork_job *self = (struct fork_job *)job;
    struct suspect suspect;
    uint8_t memory[2 * CHECKPOINT_SIZE_MAX + 8192];
    struct writer w;
    bool stored;
    bool differs;
    TRY(read_suspect(self->log, self->note, &suspect));
    writer_init(&w, memory, sizeof memory);
    struct hints hints = {.old_size = self->old_size,
                          .proof = self->proof.count > 0 ? &self->proof : NULL,
                          .subproof = self->subproof};
    enum status status = find(batch->txn, self->log, &suspect, &hints, &w);
    if (status == STATUS_OK) {
        TRY(fork_keep(batch->txn, self->log, writer_view(&w)));
        self->outcome = FORK_PROVED;
        return settle(batch->txn, self->log, &suspect);
    }
    if (status != STATUS_NOT_FOUND) {
        return status;
    }
    TRY(stored_differs(batch->txn, self->log, &suspect, &stored, &differs));
    if (stored && !differs) {
        return settle(batch->txn, self->log, &suspect);
    }
    self->outcome = FORK_UNRECONCILED;
    return keep_suspect(batch->txn, self->log, &suspect);
}

static void fork_finish(struct job *job, enum status status) {
    struct fork_job *self = (struct fork_job *)job;
    if (status != STATUS_OK) {
        self->outcome = FORK_NONE;
    }
    if (self->done != NULL) {
        self->done(self, status);
    }
}

void fork_job_init(struct fork_job *job) {
    job->job.apply = fork_apply;
    job->job.finish = fork_finish;
    job->job.status = STATUS_OK;
    job->outcome = FORK_NONE;
}

static enum status fork_keep_apply(struct job *job, struct batch *batch) {
    struct fork_keep_job *self = (struct fork_keep_job *)job;
    if (self->evidence.len > 0) {
        TRY(fork_keep(batch->txn, self->log, self->evidence));
    }
    if (self->explained.len == 0) {
        return STATUS_OK;
    }
    enum status status = fork_drop_unreconciled(batch->txn, self->log, self->explained);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static void fork_keep_finish(struct job *job, enum status status) {
    struct fork_keep_job *self = (struct fork_keep_job *)job;
    if (self->done != NULL) {
        self->done(self, status);
    }
}

void fork_keep_job_init(struct fork_keep_job *job) {
    job->job.apply = fork_keep_apply;
    job->job.finish = fork_keep_finish;
    job->job.status = STATUS_OK;
}
