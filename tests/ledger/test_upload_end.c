/* The end of an upload, and uploads that meet: what tlog-mirror demands of them beside
 * test_upload.c.
 *
 *   any of the last several pending checkpoints            earlier_pending_*, pending_*
 *   concurrent uploads                                     overlapping_uploads, package_*
 *   the mirror checkpoint never goes back                  overtaken_upload
 *   cosign only what is stored                             nothing_is_cosigned_before_all_is_stored
 *   persisted before the cosignature leaves                failed_commit_* */
#include "tests/lib/check.h"
#include "tests/lib/little.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN "agency.example/log"
#define SIZE 700
#define BODY_MAX (1 << 18)

static struct little_log *truth;
static struct little_mirror *mirror;
static uint8_t body[BODY_MAX];

static void setup(void) {
    truth = little_log_open(ORIGIN, UINT64_MAX);
    little_log_grow(truth, SIZE);
    mirror = little_mirror_open(truth, NULL);
}

static void teardown(void) {
    little_mirror_close(mirror);
    little_log_close(truth);
}

TestSuite(upload_end, .init = setup, .fini = teardown);

static void agree(uint64_t size) {
    little_mirror_agree(mirror, truth, size);
}

static struct bytes entries(uint64_t start, uint64_t end) {
    return little_log_entries(truth, start, end, body, sizeof body);
}

static unsigned upload(uint64_t start, uint64_t end) {
    return little_mirror_add_entries(mirror, entries(start, end), 0);
}

static uint64_t stored(void) {
    return little_mirror_stored(mirror);
}

static uint64_t mirrored(void) {
    bool any;
    return little_mirror_checkpoint(mirror, &any);
}

static void check_info(unsigned http, const char *expected) {
    cr_assert_eq(mirror->answer.http, http);
    cr_assert_str_eq(mirror->answer.content_type, "text/x.tlog.mirror-info");
    CHECK_TEXT(bytes_of(mirror->answer.body, mirror->answer.len), expected);
}

static struct upload begin(uint64_t start, uint64_t end) {
    struct upload_header header = {.origin = bytes_text(ORIGIN), .start = start, .end = end};
    struct store_txn *txn;
    struct upload begun;
    CHECK_OK(store_begin(mirror->store, STORE_READ, &txn));
    CHECK_OK(upload_begin(txn, &header, &begun, &mirror->answer));
    store_abort(txn);
    return begun;
}

static struct upload_end_job end_of(const struct upload *upload, uint64_t saved) {
    struct upload_end_job end = {.upload = upload,
                                 .cosigner = &mirror->cosigner,
                                 .now_seconds = mirror->now,
                                 .saved = saved,
                                 .failed = {.status = STATUS_OK}};
    upload_end_job_init(&end);
    return end;
}

/* --- pending checkpoints --- */

Test(upload_end, earlier_pending_checkpoints_can_be_uploaded_to) {
    for (uint64_t size = 1; size <= 1 + PENDING_KEPT; size++) {
        agree(size * 10);
    }
    cr_assert_eq(upload(0, 10), 200u);
    little_mirror_cosigned(mirror, truth, 10, &mirror->mirror);
    cr_assert_eq(mirrored(), 10u);
    cr_assert_eq(upload(10, 50), 200u);
    cr_assert_eq(mirrored(), 50u);
    cr_assert_eq(upload(50, 90), 200u);
}

Test(upload_end, earlier_pending_checkpoint_that_was_forgotten) {
    for (uint64_t size = 1; size <= 2 + PENDING_KEPT; size++) {
        agree(size * 10);
    }
    upload(0, 10);
    check_info(409, "100\n0\n\n");
    cr_assert_eq(upload(0, 20), 200u);
}

Test(upload_end, pending_checkpoint_forgotten_during_the_upload) {
    agree(10);
    struct upload to_10 = begin(0, 10);
    for (uint64_t size = 2; size <= 2 + PENDING_KEPT; size++) {
        agree(size * 10);
    }
    cr_assert_eq(upload(0, 100), 200u);
    /* Its own packages went in as they were there; at its end nobody knows the checkpoint. */
    struct upload_end_job end = end_of(&to_10, 1);
    CHECK_OK(little_mirror_run(mirror, &end.job));
    mirror->answer = end.answer;
    check_info(409, "100\n100\n\n");
    cr_assert_eq(mirrored(), 100u);
}

/* --- together --- */

Test(upload_end, overlapping_uploads) {
    /* Two uploads of the same entries, package by package in turn, from different starts. */
    agree(SIZE);
    struct package_job jobs[2][4];
    static uint8_t bodies[2][1 << 16];
    uint64_t starts[2] = {0, 0};
    struct upload uploads[2];
    uint64_t saved[2] = {0, 0};
    for (size_t i = 0; i < 2; i++) {
        struct bytes all = little_log_entries(truth, starts[i], SIZE, bodies[i], sizeof bodies[i]);
        struct upload_header header;
        size_t at;
        CHECK_OK(upload_header_parse(all, &header, &at, NULL));
        uploads[i] = begin(header.start, header.end);
        uint64_t start = starts[i];
        while (start < SIZE) {
            struct package_job *job = &jobs[i][saved[i]++];
            struct package_scan scan = {.entries = 0};
            size_t consumed;
            uint64_t end;
            package_bounds(start, SIZE, &end);
            *job = (struct package_job){.upload = &uploads[i]};
            CHECK_OK(package_parse(bytes_of(all.data + at, all.len - at), start, end, &scan,
                                   &job->package, &consumed));
            package_job_init(job);
            at += consumed;
            start = end;
        }
    }
    /* In one batch, interleaved, with both ends: what finished within the batch is seen by it. */
    struct upload_end_job ends[2];
    struct job *all[8];
    size_t count = 0;
    for (size_t p = 0; p < 3; p++) {
        all[count++] = &jobs[0][p].job;
        all[count++] = &jobs[1][p].job;
    }
    for (size_t i = 0; i < 2; i++) {
        ends[i] = end_of(&uploads[i], saved[i]);
        all[count++] = &ends[i].job;
    }
    CHECK_OK(batch_run(mirror->store, &mirror->batch, all, count));
    for (size_t i = 0; i < 2; i++) {
        mirror->answer = ends[i].answer;
        cr_assert_eq(mirror->answer.http, 200u);
        little_mirror_cosigned(mirror, truth, SIZE, &mirror->mirror);
    }
    little_mirror_check(mirror, truth);
}

Test(upload_end, package_that_begins_inside_a_block_finished_in_the_same_batch) {
    /* [100, 300) and then, in one batch, [150, 300) again: the leaves before 150 are in no
     * unfinished block any more. */
    static uint8_t bodies[2][1 << 14];
    struct package_job jobs[3];
    struct upload uploads[2];
    size_t count = 0;
    little_mirror_follow(mirror, truth, 150);
    agree(300);
    for (size_t i = 0; i < 2; i++) {
        uint64_t start = i == 0 ? 100 : 150;
        struct bytes all = little_log_entries(truth, start, 300, bodies[i], sizeof bodies[i]);
        struct upload_header header;
        size_t at;
        CHECK_OK(upload_header_parse(all, &header, &at, NULL));
        uploads[i] = begin(header.start, header.end);
        uint64_t end;
        for (uint64_t from = start; from < (i == 0 ? 300u : 256u); from = end) {
            struct package_scan scan = {.entries = 0};
            size_t consumed;
            package_bounds(from, 300, &end);
            jobs[count] = (struct package_job){.upload = &uploads[i]};
            CHECK_OK(package_parse(bytes_of(all.data + at, all.len - at), from, end, &scan,
                                   &jobs[count].package, &consumed));
            package_job_init(&jobs[count++]);
            at += consumed;
        }
    }
    struct job *all[] = {&jobs[0].job, &jobs[1].job, &jobs[2].job};
    CHECK_OK(batch_run(mirror->store, &mirror->batch, all, 3));
    for (size_t i = 0; i < 3; i++) {
        CHECK_OK(jobs[i].job.status);
    }
    cr_assert_eq(jobs[2].next_entry, 300u);
    little_mirror_check(mirror, truth);
}

/* The first package of an upload of [start, end). */
static struct package_job package_of(struct upload *to, uint64_t start, uint64_t end) {
    struct bytes all = entries(start, end);
    struct upload_header header;
    struct package_scan scan = {.entries = 0};
    struct package_job job = {.upload = to};
    uint64_t package_end;
    size_t at;
    size_t consumed;
    package_bounds(start, end, &package_end);
    CHECK_OK(upload_header_parse(all, &header, &at, NULL));
    CHECK_OK(package_parse(bytes_of(all.data + at, all.len - at), start, package_end, &scan,
                           &job.package, &consumed));
    package_job_init(&job);
    return job;
}

Test(upload_end, package_whose_predecessor_was_refused) {
    agree(SIZE);
    struct upload to_all = {
        .log = mirror->log, .start = 0, .end = SIZE, .root = little_log_root(truth, SIZE)};
    struct package_job job = package_of(&to_all, 512, SIZE);
    CHECK_OK(little_mirror_run(mirror, &job.job));
    CHECK_STATUS(job.job.status, STATUS_CONFLICT_SIZE);
    cr_assert_eq(stored(), 0u);
}

Test(upload_end, package_whose_predecessor_was_stored_and_is_now_refused) {
    agree(256);
    cr_assert_eq(upload(0, 256), 200u);
    agree(SIZE);
    struct upload to_all = begin(0, SIZE);
    struct package_job jobs[3];
    static uint8_t bodies[3][1 << 15];
    for (size_t i = 0; i < 3; i++) {
        jobs[i] = package_of(&to_all, i * 256, SIZE);
        struct package *package = &jobs[i].package;
        cr_assert(package->entries.len <= sizeof bodies[i]);
        memcpy(bodies[i], package->entries.data, package->entries.len); /* the view is lent */
        package->entries.data = bodies[i];
    }
    jobs[0].package.proof.hashes[0].bytes[0] ^= 1;
    struct job *all[] = {&jobs[0].job, &jobs[1].job, &jobs[2].job};
    CHECK_OK(batch_run(mirror->store, &mirror->batch, all, 3));
    CHECK_STATUS(jobs[0].job.status, STATUS_BAD_PROOF);
    CHECK_STATUS(jobs[1].job.status, STATUS_CONFLICT_SIZE);
    CHECK_STATUS(jobs[2].job.status, STATUS_CONFLICT_SIZE);
    cr_assert_eq(stored(), 256u);
    /* The next upload is not held to what befell this one. */
    cr_assert_eq(upload(256, SIZE), 200u);
}

Test(upload_end, last_package_and_end_share_a_commit) {
    agree(9);
    struct upload to_9 = begin(0, 9);
    struct package_job last = package_of(&to_9, 0, 9);
    struct upload_end_job end = end_of(&to_9, 0);
    end.last = &last;
    struct job *both[] = {&last.job, &end.job};
    CHECK_OK(batch_run(mirror->store, &mirror->batch, both, 2));
    cr_assert_eq(end.answer.http, 200u);
    cr_assert_eq(mirrored(), 9u);
    little_mirror_check(mirror, truth);
}

Test(upload_end, last_package_that_is_refused) {
    agree(9);
    struct upload to_9 = begin(0, 9);
    struct package_job last = package_of(&to_9, 0, 9);
    struct upload_end_job end = end_of(&to_9, 0);
    last.package.proof.count = 1;
    end.last = &last;
    struct job *both[] = {&last.job, &end.job};
    CHECK_OK(batch_run(mirror->store, &mirror->batch, both, 2));
    cr_assert_eq(end.answer.http, 422u);
    cr_assert_eq(mirrored(), 0u);
    cr_assert_eq(stored(), 0u);
}

Test(upload_end, last_package_that_was_never_run_does_not_count) {
    agree(9);
    struct upload to_9 = begin(0, 9);
    struct package_job last = package_of(&to_9, 0, 9);
    struct upload_end_job end = end_of(&to_9, 0);
    end.last = &last;
    CHECK_OK(little_mirror_run(mirror, &end.job));
    cr_assert_eq(end.answer.http, 503u);
    cr_assert_eq(mirrored(), 0u);
}

Test(upload_end, overtaken_upload) {
    agree(300);
    struct upload to_300 = begin(0, 300);
    agree(SIZE);
    cr_assert_eq(upload(0, SIZE), 200u);
    struct upload_end_job end = end_of(&to_300, 2);
    CHECK_OK(little_mirror_run(mirror, &end.job));
    mirror->answer = end.answer;
    check_info(409, "700\n700\n\n");
    cr_assert_eq(mirrored(), SIZE);
}

Test(upload_end, nothing_is_cosigned_before_all_is_stored) {
    agree(9);
    for (uint64_t saved = 0; saved < 2; saved++) {
        struct upload to_9 = {
            .log = mirror->log, .start = 0, .end = SIZE, .root = little_log_root(truth, SIZE)};
        struct upload_end_job end = end_of(&to_9, saved);
        (void)little_mirror_run(mirror, &end.job);
        cr_assert_eq(end.answer.http, saved == 0 ? 400u : 202u);
        cr_assert_eq(mirrored(), 0u);
    }
    /* A host that counts wrongly is told so, and nothing is signed. */
    struct upload to_9 = {
        .log = mirror->log, .start = 0, .end = 9, .root = little_log_root(truth, 9)};
    struct upload_end_job end = end_of(&to_9, 1);
    CHECK_STATUS(little_mirror_run(mirror, &end.job), STATUS_STORE_CORRUPT);
    cr_assert_eq(end.answer.http, 500u);
    cr_assert_eq(mirrored(), 0u);
}

/* --- the store --- */

static uint64_t fail_at;
static enum store_memory_fault fault;
static enum store_memory_fault next_fault(void *context, uint64_t commit) {
    (void)context;
    return commit == fail_at ? fault : STORE_MEMORY_OK;
}

Test(upload_end, failed_commit_lets_no_cosignature_out) {
    static const enum store_memory_fault kinds[] = {
        STORE_MEMORY_FAILS, STORE_MEMORY_FULL, STORE_MEMORY_DOUBT_LOST, STORE_MEMORY_DOUBT_KEPT};
    for (size_t i = 0; i < 4; i++) {
        struct store_memory_options options = {.fault = next_fault, .strict = true};
        little_mirror_close(mirror);
        fail_at = 0;
        fault = kinds[i];
        mirror = little_mirror_open(truth, &options);
        agree(9);
        fail_at = 4; /* 1 registers, 2 agrees, 3 stores, 4 cosigns */
        unsigned http = upload(0, 9);
        cr_assert_eq(http, i < 2 ? 503u : 500u);
        cr_assert_null(strstr((const char *)mirror->answer.body, "mirror"));
        store_memory_crash(mirror->store, 0);
        cr_assert_eq(stored(), 9u);
        cr_assert_eq(mirrored(), i < 3 ? 0u : 9u);
        fail_at = 0;
        cr_assert_eq(upload(9, 9), 200u);
    }
}

Test(upload_end, failed_commit_of_a_package) {
    struct store_memory_options options = {.fault = next_fault, .strict = true};
    little_mirror_close(mirror);
    fail_at = 0;
    fault = STORE_MEMORY_FAILS;
    mirror = little_mirror_open(truth, &options);
    agree(300);
    fail_at = 4; /* the second package */
    upload(0, 300);
    check_info(202, "300\n256\n\n");
    fail_at = 6; /* 5 ended that upload; this is the next one's first package */
    cr_assert_eq(upload(256, 300), 503u); /* our fault, not the client's */
    fail_at = 0;
    cr_assert_eq(upload(256, 300), 200u);
    little_mirror_check(mirror, truth);
}
