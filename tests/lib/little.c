#include "tests/lib/little.h"

#include "tests/lib/check.h"
#include "tests/lib/keys.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX (1 << 20)

/* --- the log --- */

struct little_log *little_log_open(const char *origin, uint64_t forged_from) {
    struct little_log *log = calloc(1, sizeof *log);
    struct store_txn *txn;
    cr_assert(crypto_init());
    cr_assert_not_null(log);
    log->signer = test_signer(origin, VKEY_NOTE);
    log->forged_from = forged_from;
    CHECK_OK(store_memory_open(NULL, &log->store));
    CHECK_OK(store_begin(log->store, STORE_WRITE, &txn));
    CHECK_OK(logs_register(txn, &log->signer.vkey, LOG_OWN, &log->log, NULL));
    CHECK_OK(store_commit(txn));
    return log;
}

void little_log_close(struct little_log *log) {
    store_memory_close(log->store);
    free(log);
}

/* Entries of several lengths, the empty one among them. */
static struct bytes entry_at(const struct little_log *log, uint64_t index, char memory[64]) {
    if (log->stamp_ms != 0) {
        int stamped = snprintf(memory, 64, "received %llu\nentry %llu\n",
                               (unsigned long long)log->stamp_ms, (unsigned long long)index);
        return bytes_of(memory, (size_t)stamped);
    }
    if (index % 17 == 3 && index < log->forged_from) {
        return bytes_of(NULL, 0);
    }
    int len =
        snprintf(memory, 64, "%s entry %llu%.*s", index < log->forged_from ? "true" : "forged",
                 (unsigned long long)index, (int)(index % 7), "-------");
    return bytes_of(memory, (size_t)len);
}

void little_log_grow(struct little_log *log, uint64_t size) {
    struct store_txn *txn;
    struct tree tree;
    CHECK_OK(store_begin(log->store, STORE_WRITE, &txn));
    CHECK_OK(tree_load(txn, log->log.number, &tree));
    for (; log->size < size; log->size++) {
        char memory[64];
        CHECK_OK(tree_append(&tree, txn, entry_at(log, log->size, memory), NULL));
        CHECK_OK(tree_flush(&tree, txn)); /* the entry's memory ends here */
    }
    CHECK_OK(store_commit(txn));
}

struct hash little_log_root(struct little_log *log, uint64_t size) {
    struct store_txn *txn;
    struct hash root;
    CHECK_OK(store_begin(log->store, STORE_READ, &txn));
    CHECK_OK(tree_root_at(txn, log->log.number, size, &root));
    store_abort(txn);
    return root;
}

struct bytes little_log_note(struct little_log *log, uint64_t size, uint8_t *memory) {
    struct hash root = little_log_root(log, size);
    struct writer w;
    writer_init(&w, memory, CHECKPOINT_SIZE_MAX);
    checkpoint_sign(&w, vkey_name(&log->signer.vkey), size, &root, &log->signer);
    cr_assert(!w.failed);
    return writer_view(&w);
}

struct bytes little_log_checkpoint(struct little_log *log, uint64_t old_size, uint64_t size,
                                   uint8_t *memory, size_t cap) {
    uint8_t note[CHECKPOINT_SIZE_MAX];
    struct store_txn *txn;
    struct writer w;
    struct bytes signed_note = little_log_note(log, size, note);
    writer_init(&w, memory, cap);
    CHECK_OK(store_begin(log->store, STORE_READ, &txn));
    CHECK_OK(push_checkpoint(txn, log->log.number, old_size, size, signed_note, &w));
    store_abort(txn);
    return writer_view(&w);
}

struct bytes little_log_entries(struct little_log *log, uint64_t start, uint64_t end,
                                uint8_t *memory, size_t cap) {
    struct store_txn *txn;
    struct writer w;
    writer_init(&w, memory, cap);
    CHECK_OK(store_begin(log->store, STORE_READ, &txn));
    CHECK_OK(push_entries(txn, log->log.number, vkey_name(&log->signer.vkey), start, end,
                          bytes_of(NULL, 0), &w));
    store_abort(txn);
    return writer_view(&w);
}

struct bytes little_log_candidate(struct little_log *log, uint64_t old_size, uint64_t size,
                                  uint8_t *memory, size_t cap) {
    uint8_t note[CHECKPOINT_SIZE_MAX];
    struct store_txn *txn;
    struct writer w;
    struct bytes signed_note = little_log_note(log, size, note);
    writer_init(&w, memory, cap);
    CHECK_OK(store_begin(log->store, STORE_READ, &txn));
    CHECK_OK(push_candidate(txn, log->log.number, vkey_name(&log->signer.vkey), old_size, size,
                            signed_note, &w));
    store_abort(txn);
    return writer_view(&w);
}

/* --- the mirror --- */

struct little_mirror *little_mirror_open(const struct little_log *log,
                                         const struct store_memory_options *options) {
    /* Strict: a value used for longer than the store promises is found by the sanitizer. */
    static const struct store_memory_options strict = {.strict = true};
    struct little_mirror *mirror = calloc(1, sizeof *mirror);
    struct store_txn *txn;
    cr_assert_not_null(mirror);
    mirror->mirror = test_signer("state.example/mirror", VKEY_COSIGNATURE);
    mirror->witness = test_signer("state.example/witness", VKEY_COSIGNATURE);
    mirror->cosigner.mirror = &mirror->mirror;
    mirror->cosigner.witness = &mirror->witness;
    mirror->now = 1700000000;
    CHECK_OK(store_memory_open(options != NULL ? options : &strict, &mirror->store));
    CHECK_OK(store_begin(mirror->store, STORE_WRITE, &txn));
    CHECK_OK(logs_register(txn, &log->signer.vkey, 0, &mirror->log, NULL));
    CHECK_OK(store_commit(txn));
    return mirror;
}

void little_mirror_close(struct little_mirror *mirror) {
    store_memory_close(mirror->store);
    free(mirror);
}

enum status little_mirror_run(struct little_mirror *mirror, struct job *job) {
    return batch_run(mirror->store, &mirror->batch, &job, 1);
}

unsigned little_mirror_add_checkpoint(struct little_mirror *mirror, struct bytes body) {
    mirror->checkpoint = (struct add_checkpoint_job){.body = body,
                                                     .cosigner = &mirror->cosigner,
                                                     .now_seconds = mirror->now,
                                                     .peers = mirror->peers};
    add_checkpoint_job_init(&mirror->checkpoint);
    (void)little_mirror_run(mirror, &mirror->checkpoint.job);
    mirror->answer = mirror->checkpoint.answer;
    return mirror->answer.http;
}

static unsigned refused(struct little_mirror *mirror, const struct refusal *why) {
    answer_refusal(&mirror->answer, why);
    return mirror->answer.http;
}

/* Stores one package; false: the upload ends here, for the reason in `why`. */
static bool store_package(struct little_mirror *mirror, struct upload *upload,
                          const struct package *package, struct refusal *why) {
    struct package_job job = {.upload = upload, .package = *package};
    package_job_init(&job);
    (void)little_mirror_run(mirror, &job.job);
    if (job.job.status != STATUS_OK) {
        (void)refuse(why, job.job.status, "a package was refused");
        return false;
    }
    mirror->packages++;
    return true;
}

static unsigned end_upload(struct little_mirror *mirror, const struct upload *upload,
                           const struct refusal *failed) {
    struct upload_end_job job = {.upload = upload,
                                 .cosigner = &mirror->cosigner,
                                 .now_seconds = mirror->now,
                                 .peers = mirror->peers,
                                 .saved = mirror->packages,
                                 .failed = *failed};
    upload_end_job_init(&job);
    (void)little_mirror_run(mirror, &job.job);
    mirror->answer = job.answer;
    return mirror->answer.http;
}

unsigned little_mirror_add_entries(struct little_mirror *mirror, struct bytes body, size_t piece) {
    struct upload_header header;
    struct upload upload;
    struct refusal why = {.status = STATUS_OK};
    struct store_txn *txn;
    size_t arrived = piece == 0 || piece > body.len ? body.len : piece;
    size_t begun = 0;
    mirror->packages = 0;
    enum status status;
    while ((status = upload_header_parse(bytes_of(body.data, arrived), &header, &begun, &why)) ==
               STATUS_NOT_FOUND &&
           arrived < body.len) {
        arrived = body.len - arrived < piece ? body.len : arrived + piece;
    }
    if (status == STATUS_NOT_FOUND) {
        (void)refuse(&why, STATUS_BAD_FORM, "the body ended within its header");
    }
    if (status != STATUS_OK) {
        return refused(mirror, &why);
    }
    CHECK_OK(store_begin(mirror->store, STORE_READ, &txn));
    status = upload_begin(txn, &header, &upload, &mirror->answer);
    store_abort(txn);
    if (status != STATUS_OK) {
        return mirror->answer.http;
    }
    struct package_scan scan = {.entries = 0};
    uint64_t at = upload.start;
    while (at < upload.end) {
        struct package package;
        size_t consumed;
        uint64_t end;
        package_bounds(at, upload.end, &end);
        status = package_parse(bytes_of(body.data + begun, arrived - begun), at, end, &scan,
                               &package, &consumed);
        if (status == STATUS_NOT_FOUND && arrived < body.len) {
            arrived = body.len - arrived < piece ? body.len : arrived + piece;
            continue;
        }
        if (status != STATUS_OK) {
            if (status == STATUS_BAD_FORM) {
                (void)refuse(&why, status, "a package is malformed");
            }
            break;
        }
        if (!store_package(mirror, &upload, &package, &why)) {
            break;
        }
        begun += consumed;
        at = end;
        scan = (struct package_scan){.entries = 0};
    }
    return end_upload(mirror, &upload, &why);
}

unsigned little_mirror_add_candidate(struct little_mirror *mirror, struct bytes body) {
    mirror->candidate = (struct add_candidate_job){.body = body,
                                                   .cosigner = &mirror->cosigner,
                                                   .now_seconds = mirror->now,
                                                   .peers = mirror->peers};
    add_candidate_job_init(&mirror->candidate);
    (void)little_mirror_run(mirror, &mirror->candidate.job);
    mirror->answer = mirror->candidate.answer;
    return mirror->answer.http;
}

void little_mirror_agree(struct little_mirror *mirror, struct little_log *log, uint64_t size) {
    uint8_t body[ADD_CHECKPOINT_SIZE_MAX];
    bool any;
    uint64_t old = little_mirror_pending(mirror, &any);
    struct bytes request = little_log_checkpoint(log, old, size, body, sizeof body);
    cr_assert_eq(little_mirror_add_checkpoint(mirror, request), 200u);
}

void little_mirror_follow(struct little_mirror *mirror, struct little_log *log, uint64_t size) {
    uint8_t *memory = malloc(BODY_MAX);
    cr_assert_not_null(memory);
    little_mirror_agree(mirror, log, size);
    unsigned http;
    do {
        uint64_t start = little_mirror_stored(mirror);
        http = little_mirror_add_entries(mirror,
                                         little_log_entries(log, start, size, memory, BODY_MAX), 0);
    } while (http == 202);
    cr_assert_eq(http, 200u);
    free(memory);
}

/* --- looking --- */

uint64_t little_mirror_stored(struct little_mirror *mirror) {
    struct store_txn *txn;
    struct tree_head head;
    CHECK_OK(store_begin(mirror->store, STORE_READ, &txn));
    CHECK_OK(tree_read_head(txn, mirror->log.number, &head));
    store_abort(txn);
    return head.size;
}

uint64_t little_mirror_pending(struct little_mirror *mirror, bool *any) {
    struct store_txn *txn;
    struct signed_checkpoint checkpoint = {.size = 0};
    CHECK_OK(store_begin(mirror->store, STORE_READ, &txn));
    *any = mirror_pending(txn, mirror->log.number, &checkpoint) == STATUS_OK;
    store_abort(txn);
    return checkpoint.size;
}

uint64_t little_mirror_checkpoint(struct little_mirror *mirror, bool *any) {
    struct store_txn *txn;
    struct signed_checkpoint checkpoint = {.size = 0};
    CHECK_OK(store_begin(mirror->store, STORE_READ, &txn));
    *any = mirror_checkpoint(txn, mirror->log.number, &checkpoint) == STATUS_OK;
    store_abort(txn);
    return checkpoint.size;
}

static enum status same_entry(void *context, uint64_t index, struct bytes entry,
                              const struct hash *leaf) {
    char memory[64];
    struct hash hash;
    CHECK_BYTES(entry, entry_at(context, index, memory));
    hash_leaf(entry.data, entry.len, &hash);
    cr_assert(hash_equal(&hash, leaf));
    return STATUS_OK;
}

void little_mirror_check(struct little_mirror *mirror, struct little_log *log) {
    struct store_txn *txn;
    struct tree_head head;
    CHECK_OK(store_begin(mirror->store, STORE_READ, &txn));
    CHECK_OK(tree_read_head(txn, mirror->log.number, &head));
    cr_assert_leq(head.size, log->size);
    struct hash root = little_log_root(log, head.size);
    cr_assert(hash_equal(&root, &head.root));
    CHECK_OK(tree_walk(txn, mirror->log.number, 0, head.size, same_entry, log));
    store_abort(txn);
}

uint64_t little_mirror_cosigned(const struct little_mirror *mirror, struct little_log *log,
                                uint64_t size, const struct signer *signer) {
    struct note_signature lines[2];
    uint8_t text[CHECKPOINT_TEXT_MAX];
    struct hash root = little_log_root(log, size);
    struct writer w;
    size_t count;
    uint64_t timestamp;
    CHECK_OK(note_parse_lines(bytes_of(mirror->answer.body, mirror->answer.len), lines, 2, &count,
                              NULL));
    cr_assert_eq(count, 1u);
    writer_init(&w, text, sizeof text);
    checkpoint_format_text(&w, vkey_name(&log->signer.vkey), size, &root);
    CHECK_OK(cosignature_verify(&lines[0], writer_view(&w), &signer->vkey, &timestamp));
    cr_assert_neq(timestamp, 0u);
    return timestamp;
}
