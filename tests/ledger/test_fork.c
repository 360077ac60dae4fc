/* Equivocation, found by a mirror: the forms of evidence that it can make, what it cannot prove
 * yet, and what it keeps. */
#include "ledger/schema.h"
#include "tests/lib/check.h"
#include "tests/lib/keys.h"
#include "tests/lib/little.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN "agency.example/log"
#define FORGED_FROM 5

static struct little_log *truth;
static struct little_log *forgery; /* the same key, other entries from FORGED_FROM on */
static struct little_mirror *mirror;
static uint8_t body[ADD_CHECKPOINT_SIZE_MAX];

static void setup(void) {
    truth = little_log_open(ORIGIN, UINT64_MAX);
    forgery = little_log_open(ORIGIN, FORGED_FROM);
    little_log_grow(truth, 40);
    little_log_grow(forgery, 40);
    mirror = little_mirror_open(truth, NULL);
}

static void teardown(void) {
    little_mirror_close(mirror);
    little_log_close(truth);
    little_log_close(forgery);
}

TestSuite(fork, .init = setup, .fini = teardown);

/* As a host does: a suspicion leads to a fork_job with the request's own bytes. */
static enum fork_outcome judge_request(struct little_log *log, uint64_t old_size, uint64_t size) {
    unsigned http = little_mirror_add_checkpoint(
        mirror, little_log_checkpoint(log, old_size, size, body, sizeof body));
    cr_assert_neq(http, 200u);
    cr_assert_neq(mirror->checkpoint.suspicion, SUSPECT_NONE);
    struct fork_job job = {.log = &mirror->checkpoint.log,
                           .note = mirror->checkpoint.request.note_bytes,
                           .old_size = mirror->checkpoint.request.old_size,
                           .proof = mirror->checkpoint.request.proof};
    fork_job_init(&job);
    CHECK_OK(little_mirror_run(mirror, &job.job));
    CHECK_OK(job.job.status);
    return job.outcome;
}

static enum status judge(struct little_log *log, uint64_t size, enum fork_outcome *outcome) {
    uint8_t note[CHECKPOINT_SIZE_MAX];
    struct fork_job job = {.log = &mirror->log, .note = little_log_note(log, size, note)};
    fork_job_init(&job);
    (void)little_mirror_run(mirror, &job.job);
    *outcome = job.outcome;
    return job.job.status;
}

struct seen {
    size_t count;
    char form;
    uint32_t key_id;
    size_t len;
    uint8_t content[EVIDENCE_SIZE_MAX];
};

static enum status see(void *context, const struct vkey *key, struct bytes content) {
    struct seen *seen = context;
    struct evidence evidence;
    seen->count++;
    seen->key_id = key->id;
    seen->len = content.len;
    memcpy(seen->content, content.data, content.len);
    if (evidence_parse(content, &evidence, NULL) == STATUS_OK) {
        seen->form = evidence.form;
    }
    return STATUS_OK;
}

static struct seen seen;

static size_t look(enum status (*each)(struct store_txn *, fork_visit, void *)) {
    struct store_txn *txn;
    memset(&seen, 0, sizeof seen);
    CHECK_OK(store_begin(mirror->store, STORE_READ, &txn));
    CHECK_OK(each(txn, see, &seen));
    store_abort(txn);
    return seen.count;
}

/* One file is kept, of this form, and verifies offline against the log's key and no other. */
static void check_evidence(char form) {
    struct evidence evidence;
    struct signer other = test_signer("other.example/log", VKEY_NOTE);
    struct refusal why;
    cr_assert_eq(look(fork_each_evidence), 1u);
    cr_assert_eq(seen.form, form);
    cr_assert_eq(seen.key_id, truth->signer.vkey.id);
    CHECK_OK(evidence_parse(bytes_of(seen.content, seen.len), &evidence, &why));
    CHECK_OK(evidence_verify(&evidence, &truth->signer.vkey, &why));
    cr_assert_neq(evidence_verify(&evidence, &other.vkey, &why), STATUS_OK);
}

/* --- what can be proved at once --- */

Test(fork, same_size_is_form_a) {
    little_mirror_follow(mirror, truth, 9);
    cr_assert_eq(judge_request(forgery, 9, 9), FORK_PROVED);
    check_evidence('a');
}

Test(fork, form_a_is_one_file_whoever_finds_it) {
    uint8_t first[EVIDENCE_SIZE_MAX];
    little_mirror_follow(mirror, truth, 9);
    cr_assert_eq(judge_request(forgery, 9, 9), FORK_PROVED);
    check_evidence('a');
    size_t len = seen.len;
    memcpy(first, seen.content, len);
    little_mirror_close(mirror);
    mirror = little_mirror_open(truth, NULL);
    little_mirror_follow(mirror, forgery, 9); /* this one saw the forgery first */
    cr_assert_eq(judge_request(truth, 9, 9), FORK_PROVED);
    check_evidence('a');
    CHECK_BYTES(bytes_of(seen.content, seen.len), bytes_of(first, len));
}

Test(fork, smaller_than_what_is_stored_is_form_b) {
    for (uint64_t size = FORGED_FROM + 1; size < 20; size++) {
        little_mirror_close(mirror);
        mirror = little_mirror_open(truth, NULL);
        little_mirror_follow(mirror, truth, 20);
        cr_assert_eq(judge_request(forgery, 0, size), FORK_PROVED, "size %lu", size);
        check_evidence('b');
    }
}

Test(fork, larger_is_form_b_from_the_proof_that_came_unless_a_power_of_two) {
    for (uint64_t old_size = FORGED_FROM + 1; old_size < 20; old_size++) {
        for (uint64_t size = old_size + 1; size < 40; size += 3) {
            bool power = (old_size & (old_size - 1)) == 0;
            little_mirror_close(mirror);
            mirror = little_mirror_open(truth, NULL);
            little_mirror_follow(mirror, truth, old_size);
            cr_assert_eq(judge_request(forgery, old_size, size),
                         power ? FORK_UNRECONCILED : FORK_PROVED, "%lu to %lu", old_size, size);
            if (power) {
                cr_assert_eq(look(fork_each_evidence), 0u);
                cr_assert_eq(look(fork_each_unreconciled), 1u);
            } else {
                check_evidence('b');
                cr_assert_eq(look(fork_each_unreconciled), 0u);
            }
        }
    }
}

/* --- what cannot --- */

Test(fork, bad_proof_of_a_true_checkpoint_is_no_evidence_and_is_settled_later) {
    enum fork_outcome outcome;
    struct merkle_proof nothing = {.count = 1};
    uint8_t note[CHECKPOINT_SIZE_MAX];
    struct writer w;
    little_mirror_follow(mirror, truth, 9);
    writer_init(&w, body, sizeof body);
    add_checkpoint_format(&w, 9, &nothing, little_log_note(truth, 20, note));
    cr_assert_eq(little_mirror_add_checkpoint(mirror, writer_view(&w)), 422u);
    cr_assert_eq(mirror->checkpoint.suspicion, SUSPECT_INCONSISTENT);
    CHECK_OK(judge(truth, 20, &outcome));
    cr_assert_eq(outcome, FORK_UNRECONCILED);
    cr_assert_eq(look(fork_each_unreconciled), 1u);
    cr_assert_eq(seen.key_id, truth->signer.vkey.id);
    CHECK_BYTES(bytes_of(seen.content, seen.len), little_log_note(truth, 20, note));
    CHECK_OK(judge(truth, 20, &outcome)); /* once */
    cr_assert_eq(look(fork_each_unreconciled), 1u);
    /* When its entries are here it is seen to fit. */
    little_mirror_follow(mirror, truth, 25);
    CHECK_OK(judge(truth, 20, &outcome));
    cr_assert_eq(outcome, FORK_NONE);
    cr_assert_eq(look(fork_each_unreconciled), 0u);
    cr_assert_eq(look(fork_each_evidence), 0u);
}

Test(fork, forged_checkpoint_that_was_unreconciled_is_proved_once_enough_is_stored) {
    enum fork_outcome outcome;
    little_mirror_follow(mirror, truth, 8);
    cr_assert_eq(judge_request(forgery, 8, 20), FORK_UNRECONCILED);
    little_mirror_follow(mirror, truth, 25);
    CHECK_OK(judge(forgery, 20, &outcome));
    cr_assert_eq(outcome, FORK_PROVED);
    check_evidence('b');
    cr_assert_eq(look(fork_each_unreconciled), 0u);
}

Test(fork, nothing_is_made_of_a_checkpoint_that_the_log_did_not_sign) {
    enum fork_outcome outcome;
    struct little_log *other = little_log_open("other.example/log", 5);
    uint8_t note[CHECKPOINT_SIZE_MAX];
    struct store_txn *txn;
    little_log_grow(other, 9);
    little_mirror_follow(mirror, truth, 9);
    CHECK_STATUS(judge(other, 9, &outcome), STATUS_BAD_LOG);
    struct bytes forged = little_log_note(forgery, 9, note);
    note[forged.len - 20] = note[forged.len - 20] == 'A' ? 'B' : 'A';
    struct fork_job job = {.log = &mirror->log, .note = forged};
    fork_job_init(&job);
    (void)little_mirror_run(mirror, &job.job);
    CHECK_STATUS(job.job.status, STATUS_DENIED_SIGNATURE);
    CHECK_OK(store_begin(mirror->store, STORE_WRITE, &txn));
    CHECK_STATUS(fork_keep_unreconciled(txn, &mirror->log, forged), STATUS_DENIED_SIGNATURE);
    CHECK_STATUS(fork_keep_unreconciled(txn, &mirror->log, bytes_text("no note")), STATUS_BAD_FORM);
    store_abort(txn);
    cr_assert_eq(look(fork_each_evidence), 0u);
    cr_assert_eq(look(fork_each_unreconciled), 0u);
    little_log_close(other);
}

/* --- keeping --- */

static bool fresh;

static enum status keep(struct store_txn *txn, struct bytes file) {
    return fork_keep(txn, &mirror->log.vkey, file, &fresh);
}

Test(fork, what_is_kept_is_verified_first) {
    uint8_t notes[2][CHECKPOINT_SIZE_MAX];
    uint8_t file[EVIDENCE_SIZE_MAX];
    struct store_txn *txn;
    struct writer w;
    struct evidence evidence = {
        .form = 'd',
        .parts = {little_log_note(truth, 9, notes[0]), little_log_note(truth, 12, notes[1])}};
    writer_init(&w, file, sizeof file);
    evidence_format(&w, &evidence);
    CHECK_OK(store_begin(mirror->store, STORE_WRITE, &txn));
    CHECK_STATUS(keep(txn, writer_view(&w)), STATUS_BAD_PROOF);
    CHECK_STATUS(keep(txn, bytes_text("no evidence")), STATUS_BAD_FORM);
    store_abort(txn);
    cr_assert_eq(look(fork_each_evidence), 0u);
}

static void put_form_a(uint64_t size, uint8_t *file, struct writer *w) {
    static uint8_t notes[2][CHECKPOINT_SIZE_MAX];
    writer_init(w, file, EVIDENCE_SIZE_MAX);
    CHECK_OK(evidence_of_checkpoints(&truth->signer.vkey, little_log_note(truth, size, notes[0]),
                                     little_log_note(forgery, size, notes[1]), NULL, w));
}

Test(fork, evidence_is_bounded_and_kept_once) {
    static uint8_t file[EVIDENCE_SIZE_MAX];
    struct store_txn *txn;
    struct writer w;
    CHECK_OK(store_begin(mirror->store, STORE_WRITE, &txn));
    for (uint64_t i = 0; i < EVIDENCE_PER_KEY_MAX; i++) {
        put_form_a(FORGED_FROM + 1 + i, file, &w);
        CHECK_OK(keep(txn, writer_view(&w)));
        cr_assert(fresh);
        CHECK_OK(keep(txn, writer_view(&w)));
        cr_assert_not(fresh);
    }
    put_form_a(39, file, &w);
    CHECK_STATUS(keep(txn, writer_view(&w)), STATUS_BUSY);
    put_form_a(FORGED_FROM + 1, file, &w);
    CHECK_OK(keep(txn, writer_view(&w)));
    CHECK_OK(store_commit(txn));
    cr_assert_eq(look(fork_each_evidence), EVIDENCE_PER_KEY_MAX);
}

Test(fork, unreconciled_is_bounded_and_dropped) {
    uint8_t note[CHECKPOINT_SIZE_MAX];
    struct store_txn *txn;
    CHECK_OK(store_begin(mirror->store, STORE_WRITE, &txn));
    for (uint64_t i = 0; i < EVIDENCE_PER_KEY_MAX; i++) {
        CHECK_OK(fork_keep_unreconciled(txn, &mirror->log, little_log_note(truth, i + 1, note)));
    }
    CHECK_STATUS(fork_keep_unreconciled(txn, &mirror->log, little_log_note(truth, 30, note)),
                 STATUS_BUSY);
    CHECK_STATUS(fork_drop_unreconciled(txn, &mirror->log, little_log_note(truth, 30, note)),
                 STATUS_NOT_FOUND);
    CHECK_OK(fork_drop_unreconciled(txn, &mirror->log, little_log_note(truth, 3, note)));
    CHECK_OK(fork_keep_unreconciled(txn, &mirror->log, little_log_note(truth, 30, note)));
    CHECK_OK(store_commit(txn));
    cr_assert_eq(look(fork_each_unreconciled), EVIDENCE_PER_KEY_MAX);
}

/* Another key with the same 32-bit ID has room of its own: whoever searches for one silences
 * nobody. */
Test(fork, evidence_is_bounded_by_key_and_not_by_its_id) {
    static uint8_t file[EVIDENCE_SIZE_MAX];
    struct store_txn *txn;
    struct writer w;
    struct hash hash;
    struct bytes content;
    struct vkey accused;
    CHECK_OK(store_begin(mirror->store, STORE_WRITE, &txn));
    for (uint64_t i = 0; i < EVIDENCE_PER_KEY_MAX; i++) {
        struct key row;
        struct hash other = {{(uint8_t)i}};
        key_start(&row, TABLE_EVIDENCE);
        key_u32(&row, truth->signer.vkey.id);
        key_bytes(&row, bytes_of(other.bytes, HASH_SIZE));
        key_bytes(&row, bytes_of(other.bytes, HASH_SIZE));
        CHECK_OK(store_put(txn, key_view(&row), bytes_text("another's")));
    }
    put_form_a(9, file, &w);
    CHECK_OK(keep(txn, writer_view(&w)));
    hash_of(w.data, w.len, &hash);
    CHECK_OK(fork_evidence(txn, truth->signer.vkey.id, &hash, &accused, &content));
    CHECK_BYTES(content, writer_view(&w));
    cr_assert(vkey_equal(&accused, &truth->signer.vkey));
    hash.bytes[0] ^= 1;
    CHECK_STATUS(fork_evidence(txn, truth->signer.vkey.id, &hash, &accused, &content),
                 STATUS_NOT_FOUND);
    store_abort(txn);
}

/* --- files from elsewhere --- */

static enum status keep_sent(struct bytes file, struct fork_keep_job *job) {
    memset(job, 0, sizeof *job);
    job->evidence = file;
    fork_keep_job_init(job);
    CHECK_OK(little_mirror_run(mirror, &job->job));
    return job->job.status;
}

Test(fork, keep_job_takes_what_proves_something_against_a_log_that_is_held) {
    static uint8_t file[EVIDENCE_SIZE_MAX];
    static uint8_t notes[2][CHECKPOINT_SIZE_MAX];
    struct fork_keep_job job;
    struct writer w;
    put_form_a(9, file, &w);
    CHECK_OK(keep_sent(writer_view(&w), &job));
    cr_assert(job.fresh);
    cr_assert(vkey_equal(&job.accused, &truth->signer.vkey));
    check_evidence('a');
    CHECK_OK(keep_sent(writer_view(&w), &job));
    cr_assert_not(job.fresh);
    for (size_t i = 0; i < w.len; i++) { /* any byte: nothing else is kept */
        file[i] ^= 1;
        cr_assert_neq(keep_sent(writer_view(&w), &job), STATUS_OK, "byte %zu", i);
        file[i] ^= 1;
    }
    cr_assert_eq(look(fork_each_evidence), 1u);
    CHECK_STATUS(keep_sent(bytes_text("no evidence"), &job), STATUS_BAD_FORM);
    /* Somebody else's log, and somebody else's key on this log's origin. */
    struct little_log *one = little_log_open("other.example/log", UINT64_MAX);
    struct little_log *two = little_log_open("other.example/log", 3);
    little_log_grow(one, 9);
    little_log_grow(two, 9);
    writer_init(&w, file, sizeof file);
    CHECK_OK(evidence_of_checkpoints(&one->signer.vkey, little_log_note(one, 9, notes[0]),
                                     little_log_note(two, 9, notes[1]), NULL, &w));
    CHECK_STATUS(keep_sent(writer_view(&w), &job), STATUS_UNKNOWN_LOG);
    little_log_close(one);
    little_log_close(two);
    cr_assert_eq(look(fork_each_evidence), 1u);
}
