/* Every call to the store fails once, wherever the domain makes it: what was under way is failed,
 * nothing of it is kept, and the same goes through when it is tried again. */
#include "tests/lib/check.h"
#include "tests/lib/hosted.h"

#include <criterion/criterion.h>
#include <string.h>

static struct hosted h;
static struct world *w;

static void setup(void) {
    hosted_open(&h);
    w = &h.world;
}

static void cleanup(void) {
    hosted_close(&h);
}

TestSuite(failing, .init = setup, .fini = cleanup);

/* Does it with each call failing in turn, until one time none was left to fail; that time's answer
 * is kept. `act` says STORE_FAILED as often as a call failed. */
static void fail_each(enum status (*act)(void *context), void *context) {
    uint64_t failures = 0;
    for (uint64_t n = 1;; n++) {
        struct hash before = store_digest(h.memory);
        h.flaky.calls = 0;
        h.flaky.fail_at = n;
        enum status status = act(context);
        bool failed = h.flaky.calls >= n;
        h.flaky.fail_at = 0;
        if (!failed) {
            CHECK_OK(status);
            break;
        }
        CHECK_STATUS(status, STATUS_STORE_FAILED);
        struct hash after = store_digest(h.memory);
        cr_assert(hash_equal(&before, &after));
        failures++;
    }
    cr_assert_gt(failures, 0);
}

struct submitting {
    struct bytes note;
    struct submit_result result;
};

static enum status submit(void *context) {
    struct submitting *s = context;
    s->result = hosted_submit(&h, s->note);
    if (h.fate != STATUS_OK) {
        CHECK_STATUS(s->result.status, h.fate);
    }
    return h.fate;
}

static struct submit_result submit_each(struct bytes note) {
    struct submitting s = {.note = note};
    h.now_ms++; /* so that each has to keep its stamp */
    fail_each(submit, &s);
    return s.result;
}

static void accept_each(struct bytes note) {
    uint64_t size = hosted_size(&h);
    struct submit_result result = submit_each(note);
    cr_assert_eq(result.status, STATUS_OK, "%s", result.why.text);
    cr_assert_eq(result.place.index, size);
}

Test(failing, every_kind_of_event) {
    struct bytes start[WORLD_START];
    world_start(w, start);
    for (size_t i = 0; i < WORLD_START; i++) {
        accept_each(start[i]);
    }
    struct bytes first = world_closed_sample(w, WORLD_CLERK, "failure.alleged");
    accept_each(first);
    accept_each(world_sample(w, WORLD_CLERK, "event.opened"));
    accept_each(world_sample(w, WORLD_CLERK, "correction"));
    accept_each(world_sample(w, WORLD_ROOT_1, "log.policy"));
    accept_each(world_enrol(w, WORLD_AGENCY, WORLD_NEWCOMER));
    accept_each(world_sample(w, WORLD_NEWCOMER, "finding.final"));
    accept_each(world_revoke(w, WORLD_AGENCY, WORLD_NEWCOMER));
    /* A resubmission, and a conflict, which is kept. */
    struct submit_result result = submit_each(first);
    CHECK_OK(result.status);
    cr_assert(result.place.logged);
    struct bytes other = world_event(
        w, &(struct world_event){
               .issuer = WORLD_CLERK, .kind = "finding.final", .seq = 1, .aside = true});
    CHECK_STATUS(submit_each(other).status, STATUS_CONFLICT_USED);
    CHECK_STATUS(submit_each(other).status, STATUS_CONFLICT_USED);
    struct store_txn *txn;
    struct issuer clerk;
    struct bytes kept;
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    CHECK_OK(issuer_find(txn, h.log.number, bytes_text("clerk"), &clerk));
    CHECK_OK(issuer_conflict(txn, h.log.number, clerk.number, 1, &kept));
    CHECK_BYTES(kept, other);
    store_abort(txn);
}

Test(failing, the_event_that_finishes_a_block) {
    struct append_job job;
    struct bytes entries[255 - WORLD_START];
    hosted_start(&h);
    for (size_t i = 0; i < 255 - WORLD_START; i++) {
        entries[i] = bytes_text("entry");
    }
    append_job_init(&job);
    job.log = &h.log;
    job.entries = entries;
    job.count = 255 - WORLD_START;
    hosted_run(&h, &job.job);
    CHECK_OK(h.fate);
    accept_each(world_sample(w, WORLD_CLERK, "failure.alleged"));
    cr_assert_eq(hosted_size(&h), 256);
}

static enum status submit_twice(void *context) {
    struct submit_result results[2];
    struct bytes notes[2];
    notes[0] = notes[1] = *(struct bytes *)context;
    hosted_submit_many(&h, notes, 2, results);
    if (h.fate == STATUS_OK) {
        CHECK_OK(results[0].status);
        CHECK_OK(results[1].status);
        cr_assert(results[1].place.logged);
    }
    return h.fate;
}

Test(failing, the_same_event_twice_in_one_request) {
    hosted_start(&h);
    struct bytes note = world_sample(w, WORLD_CLERK, "failure.alleged");
    fail_each(submit_twice, &note);
}

static enum status run(void *context) {
    struct job *job = context;
    hosted_run(&h, job);
    CHECK_STATUS(job->status, h.fate);
    return h.fate;
}

Test(failing, candidates) {
    struct cut_job job;
    hosted_start(&h);
    for (uint64_t expected = 0, i = 0; i < 3; i++) {
        cut_job_init(&job);
        job.log = &h.log;
        job.signer = &w->log;
        job.expected = expected;
        fail_each(run, &job.job);
        expected = job.head.size;
        cr_assert_eq(expected, WORLD_START + i);
        hosted_accept(&h, world_sample(w, WORLD_CLERK, "failure.alleged"));
    }
}

Test(failing, publishing) {
    static const uint64_t times[] = {3600, 3601, 3602, 9000, 9001, 9002};
    static const uint64_t sizes[] = {1, 2, 3, 4, 4, 5};
    struct publish_job job;
    hosted_start(&h); /* whether a checkpoint is kept is a matter of the stamps that it covers */
    for (size_t i = 0; i < 6; i++) {
        publish_job_init(&job);
        job.log = &h.log;
        job.size = sizes[i];
        job.quorum_time = times[i];
        job.note = bytes_text("note");
        fail_each(run, &job.job);
    }
}

Test(failing, appending_raw_entries) {
    struct append_job job;
    struct bytes entries[300];
    for (size_t i = 0; i < 300; i++) {
        entries[i] = bytes_text("entry");
    }
    append_job_init(&job);
    job.log = &h.log;
    job.entries = entries;
    job.count = 300;
    fail_each(run, &job.job);
    cr_assert_eq(hosted_size(&h), 300);
}

static enum status append_to_many(void *context) {
    struct append_job jobs[BATCH_TREES_MAX + 2];
    struct log logs[BATCH_TREES_MAX + 2];
    struct job *list[BATCH_TREES_MAX + 2];
    (void)context;
    for (size_t i = 0; i < BATCH_TREES_MAX + 2; i++) {
        static const struct bytes entry = {.data = (const uint8_t *)"entry", .len = 5};
        logs[i] = h.log;
        logs[i].number = (uint32_t)i + 1;
        append_job_init(&jobs[i]);
        jobs[i].log = &logs[i];
        jobs[i].entries = &entry;
        jobs[i].count = 1;
        list[i] = &jobs[i].job;
    }
    return batch_run(h.store, h.batch, list, BATCH_TREES_MAX + 2);
}

Test(failing, more_logs_than_a_batch_has_room_for) {
    fail_each(append_to_many, NULL);
    for (uint32_t number = 1; number <= BATCH_TREES_MAX + 2; number++) {
        h.log.number = number;
        cr_assert_eq(hosted_size(&h), 1);
    }
}

static enum status receipt(void *context) {
    static uint8_t file[RECEIPT_SIZE_MAX];
    struct store_txn *txn;
    struct writer out;
    bool pending;
    uint64_t index;
    (void)context;
    writer_init(&out, file, sizeof file);
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    enum status status = sequencer_receipt(txn, &h.log, bytes_text("clerk"), 1, UINT64_MAX, &out,
                                           &pending, &index, NULL);
    store_abort(txn);
    return status;
}

Test(failing, receipts) {
    hosted_start(&h);
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "failure.alleged"));
    hosted_publish(&h, WORLD_TIME_MS / 1000, 7);
    fail_each(receipt, NULL);
}

static enum status register_log(void *context) {
    struct store_txn *txn;
    struct log log;
    CHECK_OK(store_begin(h.store, STORE_WRITE, &txn));
    enum status status = logs_register(txn, context, LOG_EVENTS, &log, NULL);
    if (status != STATUS_OK) {
        store_abort(txn);
        return status;
    }
    return store_commit(txn);
}

Test(failing, registering_logs) {
    struct world other;
    struct log log;
    struct store_txn *txn;
    world_init(&other, "another.example/log");
    fail_each(register_log, &other.log.vkey);
    fail_each(register_log, &other.log.vkey);
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    h.flaky.fail_at = h.flaky.calls + 1;
    CHECK_STATUS(logs_find(txn, vkey_name(&other.log.vkey), &log), STATUS_STORE_FAILED);
    for (uint64_t n = 1; n <= 3; n++) {
        h.flaky.fail_at = h.flaky.calls + n;
        CHECK_STATUS(logs_find_id(txn, &h.log.id, &log), n < 3 ? STATUS_STORE_FAILED : STATUS_OK);
    }
    store_abort(txn);
    world_release(&other);
}

/* Judges the hosted log as if it were a mirrored one, in a transaction that is given up unless all
 * went well. */
static enum status judge_all(void *context) {
    struct store_txn *txn;
    uint64_t judged;
    (void)context;
    CHECK_OK(store_begin(h.store, STORE_WRITE, &txn));
    enum status status = judge_advance(txn, &h.log, 6, SIZE_MAX, NULL, 0, &judged);
    if (status != STATUS_OK) {
        store_abort(txn);
        return status;
    }
    return store_commit(txn);
}

Test(failing, judging) {
    struct append_job job;
    struct bytes start[WORLD_START];
    struct bytes entries[6];
    uint8_t memory[6 * 4096];
    struct writer out;
    world_start(w, start);
    writer_init(&out, memory, sizeof memory);
    for (size_t i = 0; i < 6; i++) {
        size_t from = out.len;
        entry_format(&out, 1000 + i, i == 5 ? bytes_text("garbage") : start[i]);
        entries[i] = bytes_of(memory + from, out.len - from);
    }
    append_job_init(&job);
    job.log = &h.log;
    job.entries = entries;
    job.count = 6;
    hosted_run(&h, &job.job);
    CHECK_OK(h.fate);
    fail_each(judge_all, NULL);
    struct store_txn *txn;
    struct refusal why;
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    for (uint64_t i = 0; i < 6; i++) {
        CHECK_STATUS(judge_verdict(txn, h.log.number, i, &why),
                     i == 5 ? STATUS_BAD_FORM : STATUS_OK);
    }
    h.flaky.fail_at = h.flaky.calls + 1;
    CHECK_STATUS(judge_verdict(txn, h.log.number, 0, &why), STATUS_STORE_FAILED);
    store_abort(txn);
}
