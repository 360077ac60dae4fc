/* Submitting and cutting, job by job. Publishing is in test_publish.c, receipts in
 * test_receipt_make.c. */
#include "ledger/schema.h"
#include "ledger/sequencer.h"
#include "tests/lib/check.h"
#include "tests/lib/hosted.h"

#include <criterion/criterion.h>
#include <string.h>

static struct hosted h;
static struct world *w;

static void open_started(void) {
    hosted_open(&h);
    w = &h.world;
    hosted_start(&h);
}

static void close_all(void) {
    hosted_close(&h);
}

static struct store_txn *reading(void) {
    struct store_txn *txn;
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    return txn;
}

static uint64_t stamp_at(uint64_t index) {
    struct store_txn *txn = reading();
    struct bytes entry;
    struct bytes note;
    uint64_t received_ms = 0;
    CHECK_OK(tree_entry(txn, h.log.number, index, &entry));
    CHECK_OK(entry_parse(entry, &received_ms, &note, NULL));
    store_abort(txn);
    return received_ms;
}

/* --- submitting --- */

TestSuite(submit, .init = open_started, .fini = close_all);

Test(submit, stamps_and_appends_the_very_note) {
    struct bytes note = world_sample(w, WORLD_CLERK, "failure.alleged");
    h.now_ms += 5;
    uint64_t index = hosted_accept(&h, note);
    struct store_txn *txn = reading();
    struct bytes entry;
    struct bytes logged;
    uint64_t received_ms;
    CHECK_OK(tree_entry(txn, h.log.number, index, &entry));
    CHECK_OK(entry_parse(entry, &received_ms, &logged, NULL));
    CHECK_BYTES(logged, note);
    cr_assert_eq(received_ms, WORLD_TIME_MS + 5);
    store_abort(txn);
}

Test(submit, never_stamps_earlier_than_before) {
    h.now_ms += 1000;
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "failure.alleged"));
    h.now_ms -= 500000; /* the clock jumps back */
    struct submit_result result = hosted_submit(&h, world_sample(w, WORLD_CLERK, "finding.final"));
    CHECK_OK(result.status);
    cr_assert_eq(result.received_ms, WORLD_TIME_MS + 1000);
    cr_assert_eq(stamp_at(result.place.index), WORLD_TIME_MS + 1000);
    /* The same after the machine has died. */
    store_memory_crash(h.memory, 0);
    result = hosted_submit(&h, world_sample(w, WORLD_CLERK, "finding.final"));
    CHECK_OK(result.status);
    cr_assert_eq(stamp_at(result.place.index), WORLD_TIME_MS + 1000);
    h.now_ms = WORLD_TIME_MS + 1001;
    result = hosted_submit(&h, world_sample(w, WORLD_CLERK, "finding.final"));
    cr_assert_eq(stamp_at(result.place.index), WORLD_TIME_MS + 1001);
}

Test(submit, commits_the_longest_valid_prefix) {
    struct bytes notes[6];
    struct submit_result results[6];
    struct bytes logged = world_sample(w, WORLD_BOARD, "failure.alleged");
    hosted_accept(&h, logged);
    notes[0] = world_sample(w, WORLD_CLERK, "failure.alleged");
    notes[1] = logged; /* a resubmission refuses nothing */
    notes[2] = world_sample(w, WORLD_CLERK, "finding.final");
    notes[3] = world_sample(w, WORLD_STRANGER, "failure.alleged");
    notes[4] = world_sample(w, WORLD_CLERK, "finding.final");
    notes[5] = world_sample(w, WORLD_BOARD, "finding.final");
    hosted_submit_many(&h, notes, 6, results);
    CHECK_OK(h.fate);
    CHECK_OK(results[0].status);
    cr_assert_eq(results[0].place.index, WORLD_START + 1);
    CHECK_OK(results[1].status);
    cr_assert(results[1].place.logged);
    cr_assert_eq(results[1].place.index, WORLD_START);
    CHECK_OK(results[2].status);
    cr_assert_eq(results[2].place.index, WORLD_START + 2);
    CHECK_STATUS(results[3].status, STATUS_DENIED_KEY);
    for (size_t i = 4; i < 6; i++) {
        CHECK_STATUS(results[i].status, STATUS_BUSY);
        cr_assert_str_eq(results[i].why.text,
                         "not tried: an earlier event of this request was refused");
    }
    cr_assert_eq(hosted_size(&h), WORLD_START + 3);
    /* What was not tried enters when it is sent again. */
    hosted_accept(&h, notes[4]);
    hosted_accept(&h, notes[5]);
}

Test(submit, says_how_much_is_committed) {
    static struct submission submission;
    struct submit_result result;
    struct submit_job job;
    uint8_t memory[EVENT_SIZE_MAX + 32];
    struct bytes note = world_sample(w, WORLD_CLERK, "failure.alleged");
    struct store_txn *txn = reading();
    submission_prepare(txn, &h.log, note, &submission);
    store_abort(txn);
    submit_job_init(&job);
    job.log = &h.log;
    job.submissions = &submission;
    job.results = &result;
    job.count = 1;
    job.memory = memory;
    job.memory_cap = note.len + 32;
    hosted_run(&h, &job.job);
    submission_release(&submission);
    CHECK_OK(job.job.status);
    cr_assert_eq(job.committed, WORLD_START + 1);
}

Test(submit, keeps_nothing_where_the_commit_fails) {
    static const struct {
        enum store_memory_fault fault;
        enum status status;
    } flavours[] = {{STORE_MEMORY_FAILS, STATUS_STORE_FAILED}, {STORE_MEMORY_FULL, STATUS_FULL}};
    struct bytes notes[2];
    struct submit_result results[2];
    notes[0] = world_sample(w, WORLD_CLERK, "failure.alleged");
    notes[1] = world_sample(w, WORLD_STRANGER, "failure.alleged");
    for (size_t f = 0; f < 2; f++) {
        struct hash before = store_digest(h.memory);
        h.next = flavours[f].fault;
        hosted_submit_many(&h, notes, 2, results);
        CHECK_STATUS(h.fate, flavours[f].status);
        for (size_t i = 0; i < 2; i++) {
            CHECK_STATUS(results[i].status, flavours[f].status);
            cr_assert_not_null(strstr(results[i].why.text, "nothing was kept"));
        }
        struct hash after = store_digest(h.memory);
        cr_assert(hash_equal(&before, &after));
    }
    hosted_accept(&h, notes[0]);
}

Test(submit, in_doubt_is_settled_by_sending_again) {
    static const enum store_memory_fault flavours[] = {STORE_MEMORY_DOUBT_LOST,
                                                       STORE_MEMORY_DOUBT_KEPT};
    for (size_t f = 0; f < 2; f++) {
        struct bytes note = world_sample(w, WORLD_CLERK, "failure.alleged");
        uint64_t size = hosted_size(&h);
        h.next = flavours[f];
        struct submit_result result = hosted_submit(&h, note);
        CHECK_STATUS(h.fate, STATUS_STORE_DOUBT);
        CHECK_STATUS(result.status, STATUS_STORE_DOUBT);
        cr_assert_null(strstr(result.why.text, "nothing was kept"), "%s", result.why.text);
        store_memory_crash(h.memory, 0);
        result = hosted_submit(&h, note);
        CHECK_OK(result.status);
        cr_assert_eq(result.place.logged, f == 1);
        cr_assert_eq(result.place.index, size);
        cr_assert_eq(hosted_size(&h), size + 1);
    }
}

/* --- opaque logs --- */

Test(append, takes_any_bytes_in_order) {
    struct hosted o;
    struct append_job job;
    uint8_t large[ENTRY_SIZE_MAX] = {7};
    struct bytes entries[] = {bytes_text("one"), bytes_text(""), bytes_of(large, sizeof large)};
    hosted_open(&o);
    for (uint64_t round = 0; round < 100; round++) {
        append_job_init(&job);
        job.log = &o.log;
        job.entries = entries;
        job.count = 3;
        hosted_run(&o, &job.job);
        CHECK_OK(job.job.status);
        cr_assert_eq(job.first, 3 * round);
        cr_assert_eq(job.committed, 3 * round + 3);
    }
    struct store_txn *txn;
    struct bytes entry;
    CHECK_OK(store_begin(o.store, STORE_READ, &txn));
    for (uint64_t i = 0; i < 300; i++) {
        CHECK_OK(tree_entry(txn, o.log.number, i, &entry));
        CHECK_BYTES(entry, entries[i % 3]);
    }
    store_abort(txn);
    hosted_close(&o);
}

/* --- candidates --- */

TestSuite(cut, .init = open_started, .fini = close_all);

/* Cuts with `expected`; the job with its outcome. */
static struct cut_job cut(uint64_t expected) {
    struct cut_job job;
    cut_job_init(&job);
    job.log = &h.log;
    job.signer = &w->log;
    job.expected = expected;
    hosted_run(&h, &job.job);
    return job;
}

Test(cut, signs_all_that_is_committed) {
    struct cut_job job = cut(0);
    struct note note;
    struct checkpoint checkpoint;
    struct hash root;
    CHECK_OK(job.job.status);
    CHECK_OK(
        checkpoint_parse(bytes_of(job.head.note, job.head.note_len), &note, &checkpoint, NULL));
    CHECK_OK(note_verify(&note, &w->log.vkey));
    CHECK_TEXT(checkpoint.origin, "agency.example/log");
    cr_assert_eq(checkpoint.size, WORLD_START);
    cr_assert_eq(job.head.size, WORLD_START);
    struct store_txn *txn = reading();
    struct head head;
    CHECK_OK(tree_root_at(txn, h.log.number, WORLD_START, &root));
    cr_assert(hash_equal(&checkpoint.root, &root));
    cr_assert(hash_equal(&job.head.root, &root));
    CHECK_OK(sequencer_head(txn, &h.log, &head));
    CHECK_BYTES(bytes_of(head.note, head.note_len), bytes_of(job.head.note, job.head.note_len));
    cr_assert_eq(head.size, WORLD_START);
    cr_assert(hash_equal(&head.root, &root));
    store_abort(txn);
}

Test(cut, signs_the_empty_log_too) {
    struct hosted empty;
    struct hash root;
    hosted_open(&empty);
    struct head head = hosted_cut(&empty);
    hash_empty(&root);
    cr_assert_eq(head.size, 0);
    cr_assert(hash_equal(&head.root, &root));
    head = hosted_cut(&empty);
    cr_assert_gt(head.note_len, 0);
    hosted_close(&empty);
}

Test(cut, only_if_the_signed_head_is_the_expected_one) {
    struct hash before = store_digest(h.memory);
    struct store_txn *txn = reading();
    struct head head;
    CHECK_STATUS(sequencer_head(txn, &h.log, &head), STATUS_NOT_FOUND);
    store_abort(txn);
    struct cut_job job = cut(3);
    CHECK_OK(h.fate);
    CHECK_STATUS(job.job.status, STATUS_CONFLICT_HEAD);
    cr_assert_eq(job.head.note_len, 0);
    struct hash after = store_digest(h.memory);
    cr_assert(hash_equal(&before, &after));
    CHECK_OK(cut(0).job.status);
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "failure.alleged"));
    CHECK_STATUS(cut(0).job.status, STATUS_CONFLICT_HEAD);
    CHECK_STATUS(cut(WORLD_START + 1).job.status, STATUS_CONFLICT_HEAD);
    CHECK_OK(cut(WORLD_START).job.status);
    CHECK_STATUS(cut(WORLD_START).job.status, STATUS_CONFLICT_HEAD);
    /* Unchanged, it is the same candidate again. */
    struct cut_job first = cut(WORLD_START + 1);
    struct cut_job second = cut(WORLD_START + 1);
    CHECK_BYTES(bytes_of(first.head.note, first.head.note_len),
                bytes_of(second.head.note, second.head.note_len));
}

Test(cut, of_two_in_one_batch_one_wins) {
    struct cut_job a;
    struct cut_job b;
    struct job *jobs[] = {&a.job, &b.job};
    cut_job_init(&a);
    cut_job_init(&b);
    a.log = b.log = &h.log;
    a.signer = b.signer = &w->log;
    CHECK_OK(batch_run(h.store, h.batch, jobs, 2));
    CHECK_OK(a.job.status);
    CHECK_STATUS(b.job.status, STATUS_CONFLICT_HEAD);
}

Test(cut, covers_what_was_appended_before_it_in_the_batch) {
    struct append_job append;
    struct cut_job job;
    struct bytes entry = bytes_text("received 1\nx");
    struct job *jobs[] = {&append.job, &job.job};
    append_job_init(&append);
    append.log = &h.log;
    append.entries = &entry;
    append.count = 1;
    cut_job_init(&job);
    job.log = &h.log;
    job.signer = &w->log;
    CHECK_OK(batch_run(h.store, h.batch, jobs, 2));
    cr_assert_eq(job.head.size, WORLD_START + 1);
    struct store_txn *txn = reading();
    struct hash root;
    CHECK_OK(tree_root_at(txn, h.log.number, WORLD_START + 1, &root));
    cr_assert(hash_equal(&root, &job.head.root));
    store_abort(txn);
}

Test(cut, nothing_leaves_that_is_not_durable) {
    static const enum store_memory_fault flavours[] = {
        STORE_MEMORY_FAILS, STORE_MEMORY_FULL, STORE_MEMORY_DOUBT_LOST, STORE_MEMORY_DOUBT_KEPT};
    struct head none;
    memset(&none, 0, sizeof none);
    for (size_t f = 0; f < 4; f++) {
        h.next = flavours[f];
        struct cut_job job = cut(0);
        cr_assert_neq(job.job.status, STATUS_OK);
        cr_assert_eq(memcmp(&job.head, &none, sizeof none), 0);
        store_memory_crash(h.memory, 0);
    }
    /* The last one is durable all the same: it is the signed head now. */
    CHECK_STATUS(cut(0).job.status, STATUS_CONFLICT_HEAD);
    CHECK_OK(cut(WORLD_START).job.status);
}

/* Replaces the value of a key. */
static void tamper(const struct key *key, struct bytes value) {
    struct store_txn *txn;
    CHECK_OK(store_begin(h.store, STORE_WRITE, &txn));
    CHECK_OK(store_put(txn, key_view(key), value));
    CHECK_OK(store_commit(txn));
}

Test(cut, stops_where_the_signed_head_is_damaged) {
    struct cut_job job = cut(0);
    struct key key = key_log(TABLE_HEAD, h.log.number);
    for (size_t at = 0; at < job.head.note_len; at++) {
        uint8_t note[sizeof job.head.note];
        memcpy(note, job.head.note, job.head.note_len);
        note[at] ^= 1;
        tamper(&key, bytes_of(note, job.head.note_len));
        struct store_txn *txn = reading();
        struct head head;
        CHECK_STATUS(sequencer_head(txn, &h.log, &head), STATUS_STORE_CORRUPT);
        store_abort(txn);
    }
    CHECK_STATUS(cut(WORLD_START).job.status, STATUS_STORE_CORRUPT);
    CHECK_STATUS(h.fate, STATUS_STORE_CORRUPT);
}

Test(cut, known_head_that_is_damaged_in_the_store) {
    struct head first = cut(0).head;
    struct key key = key_log(TABLE_HEAD, h.log.number);
    uint8_t note[sizeof first.note];
    memcpy(note, first.note, first.note_len);
    for (int damaged = 0; damaged < 2; damaged++) {
        struct cut_job job;
        cut_job_init(&job);
        job.log = &h.log;
        job.signer = &w->log;
        job.expected = WORLD_START;
        job.known = bytes_of(first.note, first.note_len);
        note[first.note_len - 9] ^= (uint8_t)damaged; /* in the signature */
        tamper(&key, bytes_of(note, first.note_len));
        hosted_run(&h, &job.job);
        CHECK_STATUS(job.job.status, damaged ? STATUS_STORE_CORRUPT : STATUS_OK);
    }
}

/* A head that the key signed, though the store does not hold such a tree: a restored backup, or
 * tampering. */
static void sign_head(uint64_t size, const struct hash *root) {
    uint8_t note[512];
    struct writer out;
    struct key key = key_log(TABLE_HEAD, h.log.number);
    writer_init(&out, note, sizeof note);
    checkpoint_sign(&out, vkey_name(&w->log.vkey), size, root, &w->log);
    tamper(&key, writer_view(&out));
}

Test(cut, stops_where_more_was_signed_than_is_there) {
    struct hash root = {{1}};
    sign_head(WORLD_START + 1, &root);
    CHECK_STATUS(cut(WORLD_START + 1).job.status, STATUS_STORE_CORRUPT);
}

Test(cut, stops_where_another_root_was_signed) {
    struct hash root = {{1}};
    sign_head(WORLD_START, &root);
    CHECK_STATUS(cut(WORLD_START).job.status, STATUS_STORE_CORRUPT);
}

/* --- who waits hears of it --- */

TestSuite(done, .init = open_started, .fini = close_all);

static unsigned heard;
static enum status heard_status;

static void hear(enum status status) {
    heard++;
    heard_status = status;
}

static void submit_done(struct submit_job *job, enum status status) {
    CHECK_STATUS(job->job.status, status);
    hear(status);
}

static void append_done(struct append_job *job, enum status status) {
    CHECK_STATUS(job->job.status, status);
    hear(status);
}

static void cut_done(struct cut_job *job, enum status status) {
    CHECK_STATUS(job->job.status, status);
    hear(status);
}

static void publish_done(struct publish_job *job, enum status status) {
    CHECK_STATUS(job->job.status, status);
    hear(status);
}

/* Runs the job twice: once the commit fails, once it does not. Each time it is heard of once. */
static void heard_of(struct job *job, enum status second) {
    h.next = STORE_MEMORY_FAILS;
    hosted_run(&h, job);
    cr_assert_eq(heard, 1);
    CHECK_STATUS(heard_status, STATUS_STORE_FAILED);
    hosted_run(&h, job);
    cr_assert_eq(heard, 2);
    CHECK_STATUS(heard_status, second);
    heard = 0;
}

Test(done, once_for_each_job) {
    struct submit_job submit;
    struct append_job append;
    struct cut_job first;
    struct cut_job late;
    struct publish_job publication;
    submit_job_init(&submit);
    submit.log = &h.log;
    submit.done = submit_done;
    heard_of(&submit.job, STATUS_OK);
    append_job_init(&append);
    append.log = &h.log;
    append.done = append_done;
    heard_of(&append.job, STATUS_OK);
    cut_job_init(&first);
    first.log = &h.log;
    first.signer = &w->log;
    first.done = cut_done;
    late = first;
    heard_of(&first.job, STATUS_OK);
    heard_of(&late.job, STATUS_CONFLICT_HEAD);
    publish_job_init(&publication);
    publication.log = &h.log;
    publication.size = 3;
    publication.note = bytes_text("3");
    publication.done = publish_done;
    heard_of(&publication.job, STATUS_OK);
}
