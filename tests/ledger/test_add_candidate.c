/* add-candidate: both requests of a log in step, in one. Whatever is refused is refused as it is in
 * the two; what is taken becomes durable at once. */
#include "tests/lib/check.h"
#include "tests/lib/keys.h"
#include "tests/lib/little.h"

#include <criterion/criterion.h>
#include <string.h>

#define ORIGIN "agency.example/log"
#define SIZE 700
#define BODY_MAX (1 << 18)

static struct little_log *truth;
static struct little_log *forgery;
static struct little_mirror *mirror;
static uint8_t body[BODY_MAX];

static void setup(void) {
    truth = little_log_open(ORIGIN, UINT64_MAX);
    forgery = little_log_open(ORIGIN, 5);
    little_log_grow(truth, SIZE);
    little_log_grow(forgery, 20);
    mirror = little_mirror_open(truth, NULL);
}

static void teardown(void) {
    little_mirror_close(mirror);
    little_log_close(truth);
    little_log_close(forgery);
}

TestSuite(add_candidate, .init = setup, .fini = teardown);

static struct bytes candidate(uint64_t old_size, uint64_t size) {
    return little_log_candidate(truth, old_size, size, body, sizeof body);
}

static unsigned add(uint64_t old_size, uint64_t size) {
    return little_mirror_add_candidate(mirror, candidate(old_size, size));
}

static void check_sizes(uint64_t pending, uint64_t stored, uint64_t mirrored) {
    bool any;
    cr_assert_eq(little_mirror_pending(mirror, &any), pending);
    cr_assert_eq(little_mirror_stored(mirror), stored);
    cr_assert_eq(little_mirror_checkpoint(mirror, &any), mirrored);
    little_mirror_check(mirror, truth);
}

/* The answer's line number `which` is by `signer`. */
static void check_line(size_t which, size_t lines, uint64_t size, const struct signer *signer) {
    struct note_signature found[4];
    uint8_t text[CHECKPOINT_TEXT_MAX];
    struct hash root = little_log_root(truth, size);
    struct writer w;
    size_t count;
    uint64_t timestamp;
    CHECK_OK(note_parse_lines(bytes_of(mirror->answer.body, mirror->answer.len), found, 4, &count,
                              NULL));
    cr_assert_eq(count, lines);
    writer_init(&w, text, sizeof text);
    checkpoint_format_text(&w, bytes_text(ORIGIN), size, &root);
    CHECK_OK(cosignature_verify(&found[which], writer_view(&w), &signer->vkey, &timestamp));
    cr_assert_eq(timestamp, mirror->now);
}

/* --- what is taken --- */

Test(add_candidate, both_are_done_and_both_cosign) {
    static const uint64_t sizes[] = {0, 1, 2, 9, 255, 256, 257, 300, 511, 512, 513, SIZE};
    for (size_t i = 1; i < sizeof sizes / sizeof sizes[0]; i++) {
        cr_assert_eq(add(sizes[i - 1], sizes[i]), 200u, "to %llu: %u", (unsigned long long)sizes[i],
                     mirror->answer.http);
        check_line(0, 2, sizes[i], &mirror->witness);
        check_line(1, 2, sizes[i], &mirror->mirror);
        check_sizes(sizes[i], sizes[i], sizes[i]);
    }
}

Test(add_candidate, without_a_witness_there_is_one_line) {
    mirror->cosigner.witness = NULL;
    cr_assert_eq(add(0, 9), 200u);
    check_line(0, 1, 9, &mirror->mirror);
}

Test(add_candidate, plain_requests_go_on_where_it_ended) {
    cr_assert_eq(add(0, 9), 200u);
    little_mirror_follow(mirror, truth, 300);
    cr_assert_eq(add(300, 301), 200u);
    check_sizes(301, 301, 301);
}

Test(add_candidate, two_steps_share_a_batch) {
    /* The second begins where the first, which is not flushed, ends. */
    static uint8_t second_body[BODY_MAX];
    struct add_candidate_job jobs[2];
    struct bytes bodies[2] = {candidate(0, 9),
                              little_log_candidate(truth, 9, 20, second_body, sizeof second_body)};
    for (size_t i = 0; i < 2; i++) {
        jobs[i] = (struct add_candidate_job){
            .body = bodies[i], .cosigner = &mirror->cosigner, .now_seconds = mirror->now};
        add_candidate_job_init(&jobs[i]);
    }
    struct job *both[] = {&jobs[0].job, &jobs[1].job};
    CHECK_OK(batch_run(mirror->store, &mirror->batch, both, 2));
    cr_assert_eq(jobs[0].answer.http, 200u);
    cr_assert_eq(jobs[1].answer.http, 200u);
    check_sizes(20, 20, 20);
}

/* --- what is not --- */

Test(add_candidate, checkpoint_that_is_refused_brings_nothing) {
    cr_assert_eq(add(0, 9), 200u);
    cr_assert_eq(add(4, 12), 409u);
    cr_assert_str_eq(mirror->answer.content_type, "text/x.tlog.size");
    CHECK_TEXT(bytes_of(mirror->answer.body, mirror->answer.len), "9\n");
    check_sizes(9, 9, 9);
    struct bytes forged = little_log_candidate(forgery, 9, 20, body, sizeof body);
    cr_assert_eq(little_mirror_add_candidate(mirror, forged), 422u);
    cr_assert_eq(mirror->candidate.checkpoint.suspicion, SUSPECT_INCONSISTENT);
    check_sizes(9, 9, 9);
}

Test(add_candidate, entries_that_are_refused_leave_the_checkpoint) {
    /* The mirror is behind: the entries begin after the next one that it wants. */
    little_mirror_agree(mirror, truth, 9);
    cr_assert_eq(add(9, 12), 409u);
    cr_assert_str_eq(mirror->answer.content_type, "text/x.tlog.mirror-info");
    CHECK_TEXT(bytes_of(mirror->answer.body, mirror->answer.len), "12\n0\n\n");
    check_sizes(12, 0, 0);
    little_mirror_follow(mirror, truth, 12);
    check_sizes(12, 12, 12);
}

Test(add_candidate, entries_of_another_history) {
    uint8_t other[4096];
    struct bytes good = candidate(0, 9);
    struct bytes forged = little_log_candidate(forgery, 0, 9, other, sizeof other);
    size_t at = 2 + ((size_t)good.data[0] << 8 | good.data[1]);
    size_t forged_at = 2 + ((size_t)other[0] << 8 | other[1]);
    memcpy(body + at, other + forged_at, forged.len - forged_at);
    struct bytes mixed = bytes_of(body, at + forged.len - forged_at);
    cr_assert_eq(little_mirror_add_candidate(mirror, mixed), 422u);
    check_sizes(9, 0, 0);
}

Test(add_candidate, entries_for_another_checkpoint) {
    uint8_t other[4096];
    struct bytes longer = little_log_candidate(truth, 0, 12, other, sizeof other);
    struct bytes good = candidate(0, 9);
    size_t at = 2 + ((size_t)good.data[0] << 8 | good.data[1]);
    size_t longer_at = 2 + ((size_t)other[0] << 8 | other[1]);
    little_mirror_agree(mirror, truth, 9);
    little_mirror_agree(mirror, truth, 12); /* which is known too */
    memcpy(body + at, other + longer_at, longer.len - longer_at);
    struct bytes mixed = bytes_of(body, at + longer.len - longer_at);
    cr_assert_eq(little_mirror_add_candidate(mirror, mixed), 409u); /* the checkpoint is old */
    check_sizes(12, 0, 0);
    little_mirror_close(mirror);
    mirror = little_mirror_open(truth, NULL);
    cr_assert_eq(little_mirror_add_candidate(mirror, mixed), 400u);
    check_sizes(9, 0, 0);
}

Test(add_candidate, more_than_a_package_is_refused_whole) {
    struct add_candidate parsed;
    struct refusal why;
    struct writer w;
    uint8_t *entries = body + BODY_MAX / 2;
    struct bytes checkpoint = little_log_checkpoint(truth, 0, 300, body + 2, 4096);
    struct bytes upload = little_log_entries(truth, 0, 300, entries, BODY_MAX / 2);
    writer_init(&w, body, sizeof body);
    writer_u16(&w, (uint16_t)checkpoint.len);
    w.len += checkpoint.len;
    memmove(body + w.len, upload.data, upload.len);
    struct bytes all = bytes_of(body, w.len + upload.len);
    CHECK_STATUS(add_candidate_parse(all, &parsed, &why), STATUS_BAD_FORM);
    cr_assert_eq(little_mirror_add_candidate(mirror, all), 400u);
    check_sizes(0, 0, 0);
}

Test(add_candidate, truncated_or_longer_bodies_are_refused) {
    struct bytes whole = candidate(0, 3);
    for (size_t len = 0; len < whole.len; len++) {
        cr_assert_eq(little_mirror_add_candidate(mirror, bytes_of(body, len)), 400u, "%zu bytes",
                     len);
        check_sizes(0, 0, 0);
    }
    body[whole.len] = 0;
    cr_assert_eq(little_mirror_add_candidate(mirror, bytes_of(body, whole.len + 1)), 400u);
    check_sizes(0, 0, 0);
}

Test(add_candidate, every_mangled_byte_is_refused_or_harmless) {
    struct bytes whole = candidate(0, 3);
    size_t len = whole.len;
    for (size_t i = 0; i < len; i++) {
        (void)candidate(0, 3);
        body[i] ^= 1;
        unsigned http = little_mirror_add_candidate(mirror, bytes_of(body, len));
        cr_assert_neq(http, 202u);
        if (http == 200) {
            /* A byte that says nothing: of what does not count in the note. */
            check_sizes(3, 3, 3);
        }
        little_mirror_check(mirror, truth);
        little_mirror_close(mirror);
        mirror = little_mirror_open(truth, NULL);
    }
}

static enum store_memory_fault fault;

static enum store_memory_fault next_fault(void *context, uint64_t commit) {
    (void)context;
    return commit > 1 ? fault : STORE_MEMORY_OK; /* the first registers the log */
}

Test(add_candidate, failed_commit_lets_no_cosignature_out) {
    static const enum store_memory_fault kinds[] = {
        STORE_MEMORY_FAILS, STORE_MEMORY_FULL, STORE_MEMORY_DOUBT_LOST, STORE_MEMORY_DOUBT_KEPT};
    for (size_t i = 0; i < 4; i++) {
        struct store_memory_options options = {.fault = next_fault, .strict = true};
        little_mirror_close(mirror);
        mirror = little_mirror_open(truth, &options);
        struct bytes whole = candidate(0, 9);
        fault = kinds[i];
        cr_assert_eq(little_mirror_add_candidate(mirror, whole), i < 2 ? 503u : 500u);
        cr_assert_str_eq(mirror->answer.content_type, "text/plain; charset=utf-8");
        cr_assert_null(memmem(mirror->answer.body, mirror->answer.len, "state.example",
                              strlen("state.example")));
        fault = STORE_MEMORY_OK;
        store_memory_crash(mirror->store, 0);
        uint64_t kept = i < 3 ? 0 : 9;
        check_sizes(kept, kept, kept);
    }
}
