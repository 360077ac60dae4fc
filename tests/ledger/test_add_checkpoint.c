/* add-checkpoint as tlog-witness has it. What the text demands, and where it is tested:
 *
 *   form of the body, at most 63 hashes                    body_*
 *   404 origin unknown                                     unknown_origin, own_log
 *   403 no signature of the log, or one that is bad        signature_*
 *   unknown signatures ignored unknown_signatures_are_ignored_and_dropped 400 old size above the
 * checkpoint's                    old_size_above_the_checkpoint 409 another old size, with the size
 * to send            old_size_* 422 a root of size 0 that is not the empty tree's      empty_tree
 *   422 a proof from old size 0, or one that fails         proof_*
 *   422 the same size with another root                    same_size_other_root
 *   200 persisted first, cosigned by the witness           happy_path, failed_commit_*
 *   the mirror key does not sign here (tlog-mirror)        happy_path
 *   check and store are atomic                             race_in_one_batch */
#include "tests/lib/check.h"
#include "tests/lib/keys.h"
#include "tests/lib/little.h"
#include "tests/lib/mangle.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN "agency.example/log"

static struct little_log *truth;
static struct little_log *forgery; /* the same key, other entries from 5 on */
static struct little_mirror *mirror;
static uint8_t body[ADD_CHECKPOINT_SIZE_MAX * 2];

static void setup(void) {
    truth = little_log_open(ORIGIN, UINT64_MAX);
    forgery = little_log_open(ORIGIN, 5);
    little_log_grow(truth, 40);
    little_log_grow(forgery, 40);
    mirror = little_mirror_open(truth, NULL);
}

static void teardown(void) {
    little_mirror_close(mirror);
    little_log_close(truth);
    little_log_close(forgery);
}

TestSuite(add_checkpoint, .init = setup, .fini = teardown);

static unsigned add(struct little_log *log, uint64_t old_size, uint64_t size) {
    return little_mirror_add_checkpoint(
        mirror, little_log_checkpoint(log, old_size, size, body, sizeof body));
}

static uint64_t pending(void) {
    bool any;
    return little_mirror_pending(mirror, &any);
}

static bool has_pending(void) {
    bool any;
    (void)little_mirror_pending(mirror, &any);
    return any;
}

/* A body of our own making. */
static unsigned add_made(uint64_t old_size, const struct merkle_proof *proof, struct bytes note) {
    struct writer w;
    writer_init(&w, body, sizeof body);
    add_checkpoint_format(&w, old_size, proof, note);
    cr_assert(!w.failed);
    return little_mirror_add_checkpoint(mirror, writer_view(&w));
}

static struct merkle_proof no_proof(void) {
    return (struct merkle_proof){.count = 0};
}

static struct bytes answer_body(void) {
    return bytes_of(mirror->answer.body, mirror->answer.len);
}

/* --- the body --- */

Test(add_checkpoint, body_parses_and_formats_to_the_same_bytes_or_is_refused) {
    struct bytes good = little_log_checkpoint(truth, 7, 40, body, sizeof body);
    struct mangle m;
    struct bytes damaged;
    size_t parsed = 0;
    mangle_init(&m, good);
    while (mangle_next(&m, &damaged)) {
        struct add_checkpoint request;
        uint8_t again[ADD_CHECKPOINT_SIZE_MAX];
        struct writer w;
        if (add_checkpoint_parse(damaged, &request, NULL) != STATUS_OK) {
            continue;
        }
        parsed++;
        writer_init(&w, again, sizeof again);
        add_checkpoint_format(&w, request.old_size, &request.proof, request.note_bytes);
        CHECK_BYTES(writer_view(&w), damaged);
    }
    cr_assert_gt(parsed, 0u); /* another size is as good a form */
}

Test(add_checkpoint, body_damaged_anywhere_is_never_taken) {
    struct bytes good = little_log_checkpoint(truth, 0, 9, body, sizeof body);
    uint8_t kept[4096];
    memcpy(kept, good.data, good.len);
    for (size_t i = 0; i < good.len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            memcpy(body, kept, good.len);
            body[i] ^= (uint8_t)(1u << bit);
            unsigned http = little_mirror_add_checkpoint(mirror, bytes_of(body, good.len));
            cr_assert_neq(http, 200u, "byte %zu bit %u", i, bit);
            cr_assert(http == 400 || http == 403 || http == 404 || http == 409 || http == 422);
            cr_assert(!has_pending());
        }
    }
    for (size_t len = 0; len < good.len; len++) {
        memcpy(body, kept, good.len);
        unsigned http = little_mirror_add_checkpoint(mirror, bytes_of(body, len));
        cr_assert(http == 400, "cut to %zu: %u", len, http);
    }
}

Test(add_checkpoint, body_with_63_hashes_and_no_more) {
    uint8_t note[CHECKPOINT_SIZE_MAX];
    struct merkle_proof proof = {.count = 63};
    struct add_checkpoint request;
    struct writer w;
    writer_init(&w, body, sizeof body);
    add_checkpoint_format(&w, 1, &proof, little_log_note(truth, 9, note));
    CHECK_OK(add_checkpoint_parse(writer_view(&w), &request, NULL));
    cr_assert_eq(request.proof.count, 63u);
    proof.count = 64;
    writer_init(&w, body, sizeof body);
    add_checkpoint_format(&w, 1, &proof, little_log_note(truth, 9, note));
    CHECK_STATUS(add_checkpoint_parse(writer_view(&w), &request, NULL), STATUS_BAD_FORM);
    cr_assert_eq(little_mirror_add_checkpoint(mirror, writer_view(&w)), 400u);
}

Test(add_checkpoint, body_forms_refused) {
    const char *heads[] = {"old 01\n\n",
                           "old -1\n\n",
                           "old\n\n",
                           "old \n\n",
                           "Old 0\n\n",
                           "old 0 \n\n",
                           "\n",
                           "old 0\n",
                           "old 0\r\n\r\n",
                           "old 0\n \n",
                           "old 9223372036854775808\n\n"};
    uint8_t note[CHECKPOINT_SIZE_MAX];
    struct bytes signed_note = little_log_note(truth, 9, note);
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct writer w;
        writer_init(&w, body, sizeof body);
        writer_text(&w, heads[i]);
        writer_bytes(&w, signed_note);
        cr_assert_eq(little_mirror_add_checkpoint(mirror, writer_view(&w)), 400u, "head %zu", i);
    }
    cr_assert(!has_pending());
}

/* --- who --- */

Test(add_checkpoint, unknown_origin) {
    struct little_log *other = little_log_open("other.example/log", UINT64_MAX);
    little_log_grow(other, 3);
    cr_assert_eq(add(other, 0, 3), 404u);
    little_log_close(other);
}

Test(add_checkpoint, origin_longer_than_any) {
    char long_name[NAME_SIZE_MAX + 2];
    struct writer w;
    memset(long_name, 'x', sizeof long_name);
    writer_init(&w, body, sizeof body);
    writer_text(&w, "old 0\n\n");
    writer_put(&w, long_name, sizeof long_name);
    writer_text(&w,
                "\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n\xe2\x80\x94 a AAAAAAA=\n");
    cr_assert_eq(little_mirror_add_checkpoint(mirror, writer_view(&w)), 404u);
}

Test(add_checkpoint, own_log) {
    struct signer own = test_signer("state.example/log", VKEY_NOTE);
    struct store_txn *txn;
    struct log log;
    struct hash empty;
    uint8_t note[CHECKPOINT_SIZE_MAX];
    struct merkle_proof proof = no_proof();
    CHECK_OK(store_begin(mirror->store, STORE_WRITE, &txn));
    CHECK_OK(logs_register(txn, &own.vkey, LOG_OWN, &log, NULL));
    CHECK_OK(store_commit(txn));
    struct writer w;
    hash_empty(&empty);
    writer_init(&w, note, sizeof note);
    checkpoint_sign(&w, vkey_name(&own.vkey), 0, &empty, &own);
    cr_assert_eq(add_made(0, &proof, writer_view(&w)), 404u);
}

static unsigned add_signed_by(const struct signer *first, const struct signer *second,
                              bool damage) {
    uint8_t note[CHECKPOINT_SIZE_MAX];
    struct hash root = little_log_root(truth, 9);
    struct merkle_proof proof = no_proof();
    struct writer w;
    writer_init(&w, note, sizeof note);
    checkpoint_sign(&w, bytes_text(ORIGIN), 9, &root, first);
    if (second != NULL) {
        struct note parsed;
        CHECK_OK(note_parse(writer_view(&w), &parsed, NULL));
        note_sign(&w, parsed.text, second);
    }
    if (damage) { /* within the last line's signature, keeping its base64 canonical */
        uint8_t *c = &note[w.len - 20];
        *c = *c == 'A' ? 'B' : 'A';
    }
    return add_made(0, &proof, writer_view(&w));
}

Test(add_checkpoint, signature_by_another_key) {
    struct signer other = test_signer("other.example/log", VKEY_NOTE);
    cr_assert_eq(add_signed_by(&other, NULL, false), 403u);
    struct signer same_name = test_signer("other.example/log", VKEY_NOTE);
    memcpy(&same_name.vkey.name, ORIGIN, sizeof ORIGIN); /* our name, another key and ID */
    same_name.vkey.name_len = strlen(ORIGIN);
    cr_assert_eq(add_signed_by(&same_name, NULL, false), 403u);
    cr_assert(!has_pending());
}

Test(add_checkpoint, signature_that_is_bad) {
    cr_assert_eq(add_signed_by(&truth->signer, NULL, true), 403u);
    /* A good one does not make up for a bad one by the same key: such a note is malformed. */
    cr_assert_eq(add_signed_by(&truth->signer, &truth->signer, true), 403u);
    cr_assert(!has_pending());
    cr_assert_eq(add_signed_by(&truth->signer, &truth->signer, false), 200u);
}

Test(add_checkpoint, unknown_signatures_are_ignored_and_dropped) {
    struct signer other = test_signer("other.example/log", VKEY_NOTE);
    uint8_t plain[CHECKPOINT_SIZE_MAX];
    struct store_txn *txn;
    struct signed_checkpoint held;
    cr_assert_eq(add_signed_by(&truth->signer, &other, true), 200u);
    CHECK_OK(store_begin(mirror->store, STORE_READ, &txn));
    CHECK_OK(mirror_pending(txn, mirror->log.number, &held));
    CHECK_BYTES(held.note, little_log_note(truth, 9, plain));
    store_abort(txn);
}

/* --- sizes --- */

Test(add_checkpoint, old_size_above_the_checkpoint) {
    uint8_t note[CHECKPOINT_SIZE_MAX];
    struct merkle_proof proof = no_proof();
    cr_assert_eq(add_made(10, &proof, little_log_note(truth, 9, note)), 400u);
    cr_assert_eq(add(truth, 0, 9), 200u);
    cr_assert_eq(add_made(10, &proof, little_log_note(truth, 9, note)), 400u);
}

Test(add_checkpoint, old_size_of_a_log_never_seen) {
    cr_assert_eq(add(truth, 3, 9), 409u);
    cr_assert_str_eq(mirror->answer.content_type, "text/x.tlog.size");
    CHECK_TEXT(answer_body(), "0\n");
}

Test(add_checkpoint, old_size_that_is_stale) {
    cr_assert_eq(add(truth, 0, 9), 200u);
    CHECK_OK(mirror->checkpoint.job.status);
    cr_assert_eq(add(truth, 0, 20), 409u);
    CHECK_STATUS(mirror->checkpoint.job.status, STATUS_CONFLICT_SIZE);
    CHECK_TEXT(answer_body(), "9\n");
    cr_assert_eq(add(truth, 8, 9), 409u);
    cr_assert_eq(add(truth, 3, 5), 409u); /* a smaller checkpoint never takes its place */
    cr_assert_eq(add(truth, 5, 5), 409u);
    cr_assert_eq(pending(), 9u);
    cr_assert_eq(mirror->checkpoint.suspicion, SUSPECT_NONE);
    cr_assert_eq(add(truth, 9, 20), 200u);
    cr_assert_eq(pending(), 20u);
}

Test(add_checkpoint, empty_tree) {
    struct hash wrong = {.bytes = {1}};
    struct merkle_proof proof = no_proof();
    uint8_t note[CHECKPOINT_SIZE_MAX];
    struct writer w;
    writer_init(&w, note, sizeof note);
    checkpoint_sign(&w, bytes_text(ORIGIN), 0, &wrong, &truth->signer);
    cr_assert_eq(add_made(0, &proof, writer_view(&w)), 422u);
    cr_assert(!has_pending());
    cr_assert_eq(add(truth, 0, 0), 200u);
    cr_assert(has_pending());
    cr_assert_eq(add(truth, 0, 0), 200u);
    proof.count = 1;
    cr_assert_eq(add_made(0, &proof, little_log_note(truth, 0, note)), 422u);
    cr_assert_eq(add(truth, 0, 9), 200u);
}

/* --- proofs --- */

Test(add_checkpoint, proof_from_old_size_zero_must_be_empty) {
    uint8_t note[CHECKPOINT_SIZE_MAX];
    struct merkle_proof proof = {.count = 1};
    cr_assert_eq(add_made(0, &proof, little_log_note(truth, 9, note)), 422u);
    cr_assert(!has_pending());
}

Test(add_checkpoint, proof_of_every_pair_of_sizes) {
    for (uint64_t old_size = 0; old_size <= 40; old_size += old_size < 9 ? 1 : 7) {
        for (uint64_t size = old_size; size <= 40; size++) {
            little_mirror_close(mirror);
            mirror = little_mirror_open(truth, NULL);
            cr_assert_eq(add(truth, 0, old_size), 200u);
            cr_assert_eq(add(truth, old_size, size), 200u);
            cr_assert_eq(pending(), size);
        }
    }
}

Test(add_checkpoint, proof_that_is_wrong) {
    uint8_t note[CHECKPOINT_SIZE_MAX];
    struct store_txn *txn;
    struct merkle_proof proof;
    cr_assert_eq(add(truth, 0, 9), 200u);
    CHECK_OK(store_begin(truth->store, STORE_READ, &txn));
    CHECK_OK(tree_consistency(txn, truth->log.number, 9, 40, &proof));
    store_abort(txn);
    little_log_note(truth, 40, note);
    for (size_t i = 0; i < proof.count; i++) {
        struct merkle_proof wrong = proof;
        wrong.hashes[i].bytes[i % HASH_SIZE] ^= 1;
        cr_assert_eq(add_made(9, &wrong, little_log_note(truth, 40, note)), 422u);
        cr_assert_eq(mirror->checkpoint.suspicion, SUSPECT_INCONSISTENT);
    }
    struct merkle_proof longer = proof;
    longer.hashes[longer.count++] = proof.hashes[0];
    cr_assert_eq(add_made(9, &longer, little_log_note(truth, 40, note)), 422u);
    struct merkle_proof shorter = proof;
    shorter.count--;
    cr_assert_eq(add_made(9, &shorter, little_log_note(truth, 40, note)), 422u);
    shorter.count = 0;
    cr_assert_eq(add_made(9, &shorter, little_log_note(truth, 40, note)), 422u);
    cr_assert_eq(pending(), 9u);
    cr_assert_eq(add_made(9, &proof, little_log_note(truth, 40, note)), 200u);
}

Test(add_checkpoint, proof_between_equal_sizes_must_be_empty) {
    uint8_t note[CHECKPOINT_SIZE_MAX];
    struct merkle_proof proof = {.count = 1};
    cr_assert_eq(add(truth, 0, 9), 200u);
    cr_assert_eq(add_made(9, &proof, little_log_note(truth, 9, note)), 422u);
    cr_assert_eq(mirror->checkpoint.suspicion, SUSPECT_NONE); /* the checkpoint itself is known */
}

/* --- conflicts --- */

Test(add_checkpoint, same_size_other_root) {
    cr_assert_eq(add(truth, 0, 9), 200u);
    cr_assert_eq(add(forgery, 9, 9), 422u);
    cr_assert_eq(mirror->checkpoint.suspicion, SUSPECT_SAME_SIZE);
    cr_assert_eq(pending(), 9u);
    /* An old size that gets a mere 409 hides nothing. */
    cr_assert_eq(add(forgery, 3, 9), 409u);
    cr_assert_eq(mirror->checkpoint.suspicion, SUSPECT_SAME_SIZE);
    CHECK_TEXT(answer_body(), "9\n");
}

Test(add_checkpoint, same_size_as_an_earlier_pending_checkpoint) {
    cr_assert_eq(add(truth, 0, 9), 200u);
    cr_assert_eq(add(truth, 9, 12), 200u);
    cr_assert_eq(add(forgery, 0, 9), 409u);
    cr_assert_eq(mirror->checkpoint.suspicion, SUSPECT_SAME_SIZE);
}

Test(add_checkpoint, larger_checkpoint_of_another_history) {
    cr_assert_eq(add(truth, 0, 9), 200u);
    cr_assert_eq(add(forgery, 9, 20), 422u);
    cr_assert_eq(mirror->checkpoint.suspicion, SUSPECT_INCONSISTENT);
    cr_assert_eq(pending(), 9u);
    cr_assert_eq(add(truth, 9, 20), 200u);
}

Test(add_checkpoint, smaller_checkpoint_of_another_history) {
    little_mirror_follow(mirror, truth, 20);
    cr_assert_eq(add(forgery, 0, 11), 409u);
    cr_assert_eq(mirror->checkpoint.suspicion, SUSPECT_STORED);
    cr_assert_eq(add(truth, 0, 11), 409u);
    cr_assert_eq(mirror->checkpoint.suspicion, SUSPECT_NONE);
    cr_assert_eq(add(forgery, 0, 5), 409u); /* up to 5 the histories are one */
    cr_assert_eq(mirror->checkpoint.suspicion, SUSPECT_NONE);
}

Test(add_checkpoint, checkpoint_of_just_what_is_stored_so_far) {
    static uint8_t upload[1 << 16];
    little_log_grow(truth, 700);
    little_log_grow(forgery, 256);
    little_mirror_agree(mirror, truth, 700);
    struct bytes all = little_log_entries(truth, 0, 700, upload, sizeof upload);
    cr_assert_eq(little_mirror_add_entries(mirror, bytes_of(all.data, all.len / 2), 0), 202u);
    cr_assert_eq(little_mirror_stored(mirror), 256u);
    cr_assert_eq(add(forgery, 0, 256), 409u);
    cr_assert_eq(mirror->checkpoint.suspicion, SUSPECT_STORED);
    cr_assert_eq(add(truth, 0, 256), 409u);
    cr_assert_eq(mirror->checkpoint.suspicion, SUSPECT_NONE);
}

/* --- taking --- */

Test(add_checkpoint, happy_path) {
    uint8_t served[CHECKPOINT_SIZE_MAX];
    struct store_txn *txn;
    struct note note;
    struct checkpoint checkpoint;
    struct writer w;
    uint64_t timestamp;
    cr_assert_eq(add(truth, 0, 9), 200u);
    cr_assert_eq(little_mirror_cosigned(mirror, truth, 9, &mirror->witness), mirror->now);
    cr_assert_eq(mirror->checkpoint.timestamp, mirror->now);
    cr_assert_eq(mirror->checkpoint.suspicion, SUSPECT_NONE);
    /* GET /witness/<hex>/checkpoint: the log's signature and the witness's. */
    CHECK_OK(store_begin(mirror->store, STORE_READ, &txn));
    writer_init(&w, served, sizeof served);
    CHECK_OK(witness_serve_checkpoint(txn, mirror->log.number, &w));
    CHECK_OK(checkpoint_parse(writer_view(&w), &note, &checkpoint, NULL));
    CHECK_OK(note_verify(&note, &truth->signer.vkey));
    CHECK_OK(cosignature_find(&note, &mirror->witness.vkey, &timestamp));
    CHECK_STATUS(cosignature_find(&note, &mirror->mirror.vkey, &timestamp), STATUS_NOT_FOUND);
    CHECK_STATUS(mirror_serve_checkpoint(txn, mirror->log.number, &w), STATUS_NOT_FOUND);
    store_abort(txn);
}

Test(add_checkpoint, without_a_witness_key_the_answer_is_empty) {
    struct store_txn *txn;
    struct writer w;
    mirror->cosigner.witness = NULL;
    cr_assert_eq(add(truth, 0, 9), 200u);
    cr_assert_eq(mirror->answer.len, 0u);
    cr_assert_eq(pending(), 9u);
    CHECK_OK(store_begin(mirror->store, STORE_READ, &txn));
    writer_init(&w, body, sizeof body);
    CHECK_STATUS(witness_serve_checkpoint(txn, mirror->log.number, &w), STATUS_NOT_FOUND);
    store_abort(txn);
}

Test(add_checkpoint, timestamps_never_decrease) {
    cr_assert_eq(add(truth, 0, 9), 200u);
    mirror->now += 10;
    cr_assert_eq(add(truth, 9, 9), 200u);
    cr_assert_eq(little_mirror_cosigned(mirror, truth, 9, &mirror->witness), 1700000010u);
    mirror->now -= 3600;
    cr_assert_eq(add(truth, 9, 9), 200u);
    cr_assert_eq(little_mirror_cosigned(mirror, truth, 9, &mirror->witness), 1700000010u);
    store_memory_crash(mirror->store, 0); /* nor over a restart */
    cr_assert_eq(add(truth, 9, 12), 200u);
    cr_assert_eq(little_mirror_cosigned(mirror, truth, 12, &mirror->witness), 1700000010u);
    mirror->now = 0;
    cr_assert_eq(add(truth, 12, 12), 200u);
    cr_assert_eq(mirror->checkpoint.timestamp, 1700000010u);
}

Test(add_checkpoint, timestamp_is_never_zero) {
    mirror->now = 0;
    cr_assert_eq(add(truth, 0, 9), 200u);
    cr_assert_eq(little_mirror_cosigned(mirror, truth, 9, &mirror->witness), 1u);
}

Test(add_checkpoint, earlier_pending_checkpoints_are_kept_for_a_while) {
    struct store_txn *txn;
    struct signed_checkpoint held;
    uint64_t old_size = 0;
    for (uint64_t size = 1; size <= 20; size++) {
        cr_assert_eq(add(truth, old_size, size), 200u);
        old_size = size;
    }
    CHECK_OK(store_begin(mirror->store, STORE_READ, &txn));
    for (uint64_t size = 1; size <= 21; size++) {
        bool kept = size >= 20 - PENDING_KEPT && size <= 20;
        CHECK_STATUS(mirror_known(txn, mirror->log.number, size, &held),
                     kept ? STATUS_OK : STATUS_NOT_FOUND);
        cr_assert(!kept || held.size == size);
    }
    store_abort(txn);
}

Test(add_checkpoint, two_logs_keep_apart) {
    struct little_log *other = little_log_open("other.example/log", UINT64_MAX);
    struct store_txn *txn;
    struct signed_checkpoint held;
    struct log log;
    little_log_grow(other, 30);
    CHECK_OK(store_begin(mirror->store, STORE_WRITE, &txn));
    CHECK_OK(logs_register(txn, &other->signer.vkey, 0, &log, NULL));
    CHECK_OK(store_commit(txn));
    for (uint64_t size = 1; size <= 15; size++) {
        cr_assert_eq(add(truth, size - 1, size), 200u);
        cr_assert_eq(add(other, size - 1, size), 200u);
    }
    CHECK_OK(store_begin(mirror->store, STORE_READ, &txn));
    CHECK_STATUS(mirror_known(txn, mirror->log.number, 6, &held), STATUS_NOT_FOUND);
    CHECK_OK(mirror_known(txn, mirror->log.number, 7, &held));
    CHECK_STATUS(mirror_known(txn, log.number, 6, &held), STATUS_NOT_FOUND);
    CHECK_OK(mirror_known(txn, log.number, 7, &held));
    store_abort(txn);
    little_log_close(other);
}

Test(add_checkpoint, race_in_one_batch) {
    uint8_t bodies[2][4096];
    struct add_checkpoint_job jobs[2];
    for (size_t i = 0; i < 2; i++) {
        jobs[i] = (struct add_checkpoint_job){
            .body = little_log_checkpoint(truth, 0, i == 0 ? 20 : 9, bodies[i], sizeof bodies[i]),
            .cosigner = &mirror->cosigner,
            .now_seconds = mirror->now};
        add_checkpoint_job_init(&jobs[i]);
    }
    struct job *both[] = {&jobs[0].job, &jobs[1].job};
    CHECK_OK(batch_run(mirror->store, &mirror->batch, both, 2));
    cr_assert_eq(jobs[0].answer.http, 200u);
    cr_assert_eq(jobs[1].answer.http, 409u);
    CHECK_TEXT(bytes_of(jobs[1].answer.body, jobs[1].answer.len), "20\n");
    cr_assert_eq(pending(), 20u);
}

static enum store_memory_fault fault;
static enum store_memory_fault next_fault(void *context, uint64_t commit) {
    (void)context;
    return commit > 1 ? fault : STORE_MEMORY_OK; /* the first registers the log */
}

static void check_failed_commit(enum store_memory_fault kind, unsigned http, uint64_t kept) {
    struct store_memory_options options = {.fault = next_fault, .strict = true};
    little_mirror_close(mirror);
    mirror = little_mirror_open(truth, &options);
    fault = kind;
    cr_assert_eq(add(truth, 0, 9), http);
    cr_assert_str_eq(mirror->answer.content_type, "text/plain; charset=utf-8");
    cr_assert_null(strstr((const char *)mirror->answer.body, "witness")); /* no cosignature */
    fault = STORE_MEMORY_OK;
    store_memory_crash(mirror->store, 0);
    cr_assert_eq(pending(), kept);
}

Test(add_checkpoint, failed_commit_lets_no_cosignature_out) {
    check_failed_commit(STORE_MEMORY_FAILS, 503, 0);
    check_failed_commit(STORE_MEMORY_FULL, 503, 0);
    check_failed_commit(STORE_MEMORY_DOUBT_LOST, 500, 0);
    check_failed_commit(STORE_MEMORY_DOUBT_KEPT, 500, 9);
}
