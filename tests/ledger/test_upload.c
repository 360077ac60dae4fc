/* add-entries as tlog-mirror has it. What the text demands, and where it is tested:
 *
 *   form of the header                                     header_*
 *   404 origin not known                                   unknown_origin, own_log
 *   422 no pending checkpoint ever                         no_checkpoint_yet
 *   409 upload_end unknown; before the mirror checkpoint;  bounds_*
 *       upload_start after the next entry; too much excess
 *   the canonical sequence                                 every_interval, package_*
 *   each package proved before it is stored; 422           damaged_*, bad_proof_*, foreign_*
 *   at most 63 hashes                                      hashes_*
 *   entries stored already are skipped                     every_interval, overlapping_uploads
 *   202 with the next entry for a prefix                   prefix_*, truncated_anywhere
 *   400 where no package was stored before the body ended  truncated_anywhere
 *   text/x.tlog.mirror-info and its first line             prefix_*, bounds_*
 *   any of the last several pending checkpoints            earlier_pending_*
 *   200, cosigned by the mirror key alone, persisted first happy_path, failed_commit_*
 *   the mirror checkpoint never goes back                  overtaken_upload
 *   concurrent uploads                                     overlapping_uploads, overtaken_upload
 *   cosign only what is stored                             nothing_is_cosigned_before_all_is_stored
 */
#include "tests/lib/check.h"
#include "tests/lib/keys.h"
#include "tests/lib/little.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN "agency.example/log"
#define SIZE 700
#define BODY_MAX (1 << 18)

static struct little_log *truth;
static struct little_log *forgery;
static struct little_mirror *mirror;
static uint8_t body[BODY_MAX];
static uint8_t kept[BODY_MAX];

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

TestSuite(upload, .init = setup, .fini = teardown);

static void begin_again(void) {
    little_mirror_close(mirror);
    mirror = little_mirror_open(truth, NULL);
}

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

/* A header of any numbers, and nothing after it. */
static unsigned upload_header(const char *origin, uint64_t start, uint64_t end) {
    struct writer w;
    writer_init(&w, body, sizeof body);
    writer_u16(&w, (uint16_t)strlen(origin));
    writer_text(&w, origin);
    writer_u64(&w, start);
    writer_u64(&w, end);
    writer_u16(&w, 0);
    return little_mirror_add_entries(mirror, writer_view(&w), 0);
}

/* --- the header --- */

Test(upload, header_parses_only_whole) {
    struct upload_header header = {
        .origin = bytes_text(ORIGIN), .start = 3, .end = 9, .ticket = bytes_text("ticket")};
    struct upload_header parsed;
    struct writer w;
    size_t consumed;
    writer_init(&w, body, sizeof body);
    upload_header_format(&w, &header);
    writer_text(&w, "more");
    size_t len = w.len - 4;
    for (size_t cut = 0; cut < len; cut++) {
        CHECK_STATUS(upload_header_parse(bytes_of(body, cut), &parsed, &consumed, NULL),
                     STATUS_NOT_FOUND);
    }
    for (size_t more = 0; more <= 4; more++) {
        CHECK_OK(upload_header_parse(bytes_of(body, len + more), &parsed, &consumed, NULL));
        cr_assert_eq(consumed, len);
        CHECK_TEXT(parsed.origin, ORIGIN);
        CHECK_TEXT(parsed.ticket, "ticket");
        cr_assert(parsed.start == 3 && parsed.end == 9);
    }
}

Test(upload, header_with_the_longest_origin_and_ticket) {
    uint8_t long_bytes[TICKET_SIZE_MAX];
    struct upload_header parsed;
    struct writer w;
    size_t consumed;
    memset(long_bytes, 'x', sizeof long_bytes);
    struct upload_header header = {.origin = bytes_of(long_bytes, NAME_SIZE_MAX),
                                   .start = 5,
                                   .end = 5,
                                   .ticket = bytes_of(long_bytes, TICKET_SIZE_MAX)};
    writer_init(&w, body, sizeof body);
    upload_header_format(&w, &header);
    CHECK_OK(upload_header_parse(writer_view(&w), &parsed, &consumed, NULL));
    cr_assert_eq(parsed.origin.len, (size_t)NAME_SIZE_MAX);
    cr_assert_eq(parsed.ticket.len, (size_t)TICKET_SIZE_MAX);
    cr_assert_eq(little_mirror_add_entries(mirror, writer_view(&w), 0), 404u);
}

Test(upload, header_refused) {
    struct upload_header parsed;
    struct refusal why;
    size_t consumed;
    uint8_t empty_origin[2] = {0, 0};
    uint8_t long_origin[2] = {0, NAME_SIZE_MAX + 1};
    CHECK_STATUS(upload_header_parse(bytes_of(empty_origin, 2), &parsed, &consumed, &why),
                 STATUS_BAD_FORM);
    CHECK_STATUS(upload_header_parse(bytes_of(long_origin, 2), &parsed, &consumed, &why),
                 STATUS_UNKNOWN_LOG); /* at once: nobody waits for 65,535 bytes */
    struct writer w;
    writer_init(&w, body, sizeof body);
    writer_u16(&w, 1);
    writer_text(&w, "x");
    writer_u64(&w, 0);
    writer_u64(&w, 0);
    writer_u16(&w, TICKET_SIZE_MAX + 1);
    CHECK_STATUS(upload_header_parse(writer_view(&w), &parsed, &consumed, &why), STATUS_BAD_FORM);
    agree(9);
    cr_assert_eq(upload_header(ORIGIN, 5, 4), 400u); /* start above end */
    cr_assert_eq(upload_header("", 0, 9), 400u);
}

Test(upload, unknown_origin) {
    agree(9);
    cr_assert_eq(upload_header("other.example/log", 0, 9), 404u);
}

Test(upload, own_log) {
    struct signer own = test_signer("state.example/log", VKEY_NOTE);
    struct store_txn *txn;
    struct log log;
    CHECK_OK(store_begin(mirror->store, STORE_WRITE, &txn));
    CHECK_OK(logs_register(txn, &own.vkey, LOG_OWN, &log, NULL));
    CHECK_OK(store_commit(txn));
    cr_assert_eq(upload_header("state.example/log", 0, 0), 404u);
}

Test(upload, no_checkpoint_yet) {
    cr_assert_eq(upload(0, 9), 422u);
    cr_assert_eq(upload_header(ORIGIN, 0, 0), 422u);
    cr_assert_eq(stored(), 0u);
}

/* --- bounds --- */

Test(upload, bounds_upload_end_unknown) {
    agree(9);
    upload_header(ORIGIN, 0, 8);
    check_info(409, "9\n0\n\n");
    upload_header(ORIGIN, 0, 10);
    check_info(409, "9\n0\n\n");
    upload_header(ORIGIN, 0, UINT64_MAX);
    check_info(409, "9\n0\n\n");
    upload_header(ORIGIN, UINT64_MAX, UINT64_MAX);
    check_info(409, "9\n0\n\n");
}

Test(upload, bounds_upload_end_before_the_mirror_checkpoint) {
    agree(5);
    agree(9);
    cr_assert_eq(upload(0, 9), 200u);
    upload_header(ORIGIN, 5, 5);
    check_info(409, "9\n9\n\n");
}

Test(upload, bounds_upload_start_after_the_next_entry) {
    agree(9);
    agree(12);
    upload_header(ORIGIN, 1, 12);
    check_info(409, "12\n0\n\n");
    upload_header(ORIGIN, 9, 9); /* a valid end is repeated, so that proofs stay good */
    check_info(409, "9\n0\n\n");
}

Test(upload, bounds_too_much_excess) {
    little_log_grow(truth, UPLOAD_EXCESS_MAX + 600);
    little_mirror_follow(mirror, truth, UPLOAD_EXCESS_MAX + 300);
    agree(UPLOAD_EXCESS_MAX + 600);
    upload_header(ORIGIN, 299, UPLOAD_EXCESS_MAX + 600);
    check_info(409, "8792\n8492\n\n");
    cr_assert_eq(upload_header(ORIGIN, 300, UPLOAD_EXCESS_MAX + 600),
                 400u); /* allowed, and empty */
}

/* --- the canonical sequence --- */

Test(upload, package_bounds_and_count) {
    for (uint64_t start = 0; start < 1100; start += 37) {
        for (uint64_t end = start; end < 1100; end += 41) {
            uint64_t rounded_start = start / 256 * 256;
            uint64_t rounded_end = (end + 255) / 256 * 256;
            uint64_t count = start == end ? 0 : (rounded_end - rounded_start) / 256;
            cr_assert_eq(package_count(start, end), count);
            uint64_t at = start;
            for (uint64_t i = 0; i < count; i++) {
                uint64_t package_end;
                uint64_t block_end = rounded_start + (i + 1) * 256;
                package_bounds(at, end, &package_end);
                cr_assert_eq(package_end, end < block_end ? end : block_end);
                at = package_end;
            }
            cr_assert_eq(at, end);
        }
    }
    cr_assert_eq(package_count(0, TREE_SIZE_MAX), TREE_SIZE_MAX / 256);
}

Test(upload, package_parses_only_whole_and_scans_once) {
    agree(SIZE);
    struct bytes all = entries(0, SIZE);
    struct upload_header header;
    struct package package;
    size_t begin;
    size_t whole = 0;
    CHECK_OK(upload_header_parse(all, &header, &begin, NULL));
    struct bytes rest = bytes_of(all.data + begin, all.len - begin);
    struct package_scan scan = {.entries = 0};
    CHECK_OK(package_parse(rest, 0, 256, &scan, &package, &whole));
    struct package_scan step = {.entries = 0};
    for (size_t cut = 0; cut < whole; cut++) {
        size_t before = step.offset;
        size_t consumed;
        CHECK_STATUS(package_parse(bytes_of(rest.data, cut), 0, 256, &step, &package, &consumed),
                     STATUS_NOT_FOUND);
        cr_assert(step.offset >= before && step.offset <= cut);
    }
    size_t consumed;
    CHECK_OK(package_parse(bytes_of(rest.data, whole), 0, 256, &step, &package, &consumed));
    cr_assert_eq(consumed, whole);
    cr_assert_eq(package.proof.count,
                 scan.offset == whole - 1 ? 0 : (whole - scan.offset - 1) / 32);
}

Test(upload, happy_path) {
    uint8_t served[CHECKPOINT_SIZE_MAX];
    struct store_txn *txn;
    struct note note;
    struct checkpoint checkpoint;
    struct writer w;
    uint64_t timestamp;
    bool any;
    agree(SIZE);
    (void)little_mirror_checkpoint(mirror, &any);
    cr_assert(!any); /* add-checkpoint moves the pending checkpoint alone */
    cr_assert_eq(upload(0, SIZE), 200u);
    cr_assert_eq(little_mirror_cosigned(mirror, truth, SIZE, &mirror->mirror), mirror->now);
    cr_assert_eq(stored(), SIZE);
    cr_assert_eq(mirrored(), SIZE);
    little_mirror_check(mirror, truth);
    CHECK_OK(store_begin(mirror->store, STORE_READ, &txn));
    writer_init(&w, served, sizeof served);
    CHECK_OK(mirror_serve_checkpoint(txn, mirror->log.number, &w));
    CHECK_OK(checkpoint_parse(writer_view(&w), &note, &checkpoint, NULL));
    CHECK_OK(note_verify(&note, &truth->signer.vkey));
    CHECK_OK(cosignature_find(&note, &mirror->mirror.vkey, &timestamp));
    CHECK_STATUS(cosignature_find(&note, &mirror->witness.vkey, &timestamp), STATUS_NOT_FOUND);
    store_abort(txn);
}

/* From every stored size, by every start that is allowed, to every end: about the edges of blocks.
 */
Test(upload, every_interval, .timeout = 120) {
    static const uint64_t sizes[] = {0, 1, 2, 3, 254, 255, 256, 257, 511, 512, 513, 600};
    size_t n = sizeof sizes / sizeof sizes[0];
    for (size_t s = 0; s < n; s++) {
        for (size_t e = s; e < n; e++) {
            for (size_t b = 0; b <= s; b++) {
                begin_again();
                little_mirror_follow(mirror, truth, sizes[s]);
                agree(sizes[e]);
                cr_assert_eq(upload(sizes[b], sizes[e]), 200u, "%lu stored, [%lu, %lu)", sizes[s],
                             sizes[b], sizes[e]);
                cr_assert_eq(mirrored(), sizes[e]);
                cr_assert_eq(stored(), sizes[e]);
                cr_assert_eq(mirror->packages, package_count(sizes[b], sizes[e]));
                little_mirror_check(mirror, truth);
            }
        }
    }
}

Test(upload, body_in_pieces_of_any_length) {
    static const size_t pieces[] = {1, 2, 3, 100, 4095, 4096, 9999};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        begin_again();
        agree(SIZE);
        cr_assert_eq(little_mirror_add_entries(mirror, entries(0, SIZE), pieces[i]), 200u);
        little_mirror_check(mirror, truth);
    }
}

Test(upload, log_of_nothing) {
    agree(0);
    cr_assert_eq(upload(0, 0), 200u);
    little_mirror_cosigned(mirror, truth, 0, &mirror->mirror);
}

Test(upload, empty_upload_cosigns_afresh) {
    little_mirror_follow(mirror, truth, 300);
    mirror->now += 3600;
    cr_assert_eq(upload(300, 300), 200u);
    cr_assert_eq(little_mirror_cosigned(mirror, truth, 300, &mirror->mirror), 1700003600u);
    agree(301); /* of the mirror checkpoint too, though another is pending */
    cr_assert_eq(upload(300, 300), 200u);
    little_mirror_cosigned(mirror, truth, 300, &mirror->mirror);
    cr_assert_eq(mirrored(), 300u);
}

Test(upload, timestamps_never_decrease) {
    little_mirror_follow(mirror, truth, 300);
    mirror->now -= 10;
    cr_assert_eq(upload(300, 300), 200u);
    cr_assert_eq(little_mirror_cosigned(mirror, truth, 300, &mirror->mirror), 1700000000u);
    store_memory_crash(mirror->store, 0);
    little_mirror_follow(mirror, truth, 301);
    cr_assert_eq(little_mirror_cosigned(mirror, truth, 301, &mirror->mirror), 1700000000u);
}

/* --- prefixes and cuts --- */

Test(upload, prefix_is_stored_and_answered_with_the_next_entry) {
    agree(300);
    agree(SIZE);
    struct bytes all = entries(0, SIZE);
    struct bytes one = little_log_entries(truth, 256, SIZE, kept, sizeof kept);
    size_t tail = one.len - (2 + strlen(ORIGIN) + 8 + 8 + 2); /* its packages end the whole one */
    little_mirror_add_entries(mirror, bytes_of(all.data, all.len - tail), 0);
    check_info(202, "700\n256\n\n");
    cr_assert_eq(upload(256, SIZE), 200u);
    little_mirror_check(mirror, truth);
}

Test(upload, prefix_of_an_end_that_others_passed_names_the_current_pending_checkpoint) {
    agree(300);
    agree(SIZE);
    cr_assert_eq(upload(0, SIZE), 200u);
    begin_again();
    agree(300);
    agree(SIZE);
    struct bytes all = little_log_entries(truth, 0, 300, kept, sizeof kept);
    uint8_t copy[1 << 14];
    memcpy(copy, all.data, all.len);
    /* The first package of an upload to 300, while another upload stores all 700: its mirror
     * checkpoint is not moved yet. */
    struct package_job job;
    struct upload_header header;
    struct upload to_300;
    struct store_txn *txn;
    struct package_scan scan = {.entries = 0};
    size_t begin;
    size_t consumed;
    CHECK_OK(upload_header_parse(bytes_of(copy, all.len), &header, &begin, NULL));
    CHECK_OK(store_begin(mirror->store, STORE_READ, &txn));
    CHECK_OK(upload_begin(txn, &header, &to_300, &mirror->answer));
    store_abort(txn);
    job = (struct package_job){.upload = &to_300};
    CHECK_OK(package_parse(bytes_of(copy + begin, all.len - begin), 0, 256, &scan, &job.package,
                           &consumed));
    package_job_init(&job);
    CHECK_OK(little_mirror_run(mirror, &job.job));
    cr_assert_eq(job.next_entry, 256u);
    cr_assert_eq(upload(256, SIZE), 200u);
    struct upload_end_job end = {.upload = &to_300,
                                 .cosigner = &mirror->cosigner,
                                 .now_seconds = mirror->now,
                                 .saved = 1,
                                 .failed = {.status = STATUS_OK}};
    upload_end_job_init(&end);
    CHECK_OK(little_mirror_run(mirror, &end.job));
    mirror->answer = end.answer;
    check_info(202, "700\n700\n\n");
}

Test(upload, truncated_anywhere, .timeout = 120) {
    uint64_t size = 300;
    uint64_t start = 200;
    struct package_scan scan = {.entries = 0};
    struct upload_header header;
    struct package package;
    size_t begin;
    size_t first;
    size_t second;
    struct bytes whole = little_log_entries(truth, start, size, kept, sizeof kept);
    CHECK_OK(upload_header_parse(whole, &header, &begin, NULL));
    CHECK_OK(package_parse(bytes_of(whole.data + begin, whole.len - begin), 200, 256, &scan,
                           &package, &first));
    scan = (struct package_scan){.entries = 0};
    CHECK_OK(package_parse(bytes_of(whole.data + begin + first, whole.len - begin - first), 256,
                           300, &scan, &package, &second));
    cr_assert_eq(begin + first + second, whole.len);
    begin_again();
    little_mirror_follow(mirror, truth, start);
    agree(size);
    for (size_t len = 0; len <= whole.len; len++) {
        struct store *before;
        struct store *now = mirror->store;
        CHECK_OK(store_memory_clone(now, NULL, &before));
        mirror->store = before;
        unsigned http = little_mirror_add_entries(mirror, bytes_of(kept, len), 0);
        if (len < begin + first) {
            cr_assert_eq(http, 400u, "cut to %zu: %u", len, http);
            cr_assert_eq(stored(), start);
        } else if (len < whole.len) {
            check_info(202, "300\n256\n\n");
            cr_assert_eq(stored(), 256u);
        } else {
            cr_assert_eq(http, 200u);
            cr_assert_eq(stored(), size);
        }
        cr_assert_eq(mirrored(), len < whole.len ? start : size);
        little_mirror_check(mirror, truth);
        mirror->store = now;
        store_memory_close(before);
    }
}

Test(upload, bytes_after_the_last_package_are_not_looked_at) {
    agree(9);
    struct bytes whole = entries(0, 9);
    memset(body + whole.len, 'x', 100);
    cr_assert_eq(little_mirror_add_entries(mirror, bytes_of(body, whole.len + 100), 0), 200u);
    little_mirror_check(mirror, truth);
}

/* --- damage --- */

Test(upload, damaged_anywhere_stores_nothing_unproved, .timeout = 120) {
    uint64_t start = 3;
    uint64_t size = 9;
    little_mirror_follow(mirror, truth, start);
    agree(size);
    agree(300); /* so that an end of another size is not known by chance only */
    struct bytes whole = little_log_entries(truth, start, size, kept, sizeof kept);
    for (size_t i = 0; i < whole.len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            struct store *before;
            struct store *now = mirror->store;
            CHECK_OK(store_memory_clone(now, NULL, &before));
            mirror->store = before;
            memcpy(body, kept, whole.len);
            body[i] ^= (uint8_t)(1u << bit);
            unsigned http = little_mirror_add_entries(mirror, bytes_of(body, whole.len), 0);
            cr_assert(http == 400 || http == 404 || http == 409 || http == 422,
                      "byte %zu bit %u: %u", i, bit, http);
            cr_assert_eq(stored(), start);
            cr_assert_eq(mirrored(), start);
            mirror->store = now;
            store_memory_close(before);
        }
    }
}

Test(upload, bad_proof_ends_processing_and_keeps_what_was_proved) {
    agree(SIZE);
    struct bytes whole = entries(0, SIZE);
    struct bytes last = little_log_entries(truth, 512, SIZE, kept, sizeof kept);
    size_t tail = last.len - (2 + strlen(ORIGIN) + 8 + 8 + 2);
    size_t in_second = whole.len - tail - 1; /* the last byte of the second package's proof */
    body[in_second] ^= 1;
    cr_assert_eq(little_mirror_add_entries(mirror, whole, 0), 422u);
    cr_assert_eq(stored(), 256u);
    cr_assert_eq(mirrored(), 0u);
    little_mirror_check(mirror, truth);
    body[in_second] ^= 1;
    cr_assert_eq(little_mirror_add_entries(mirror, whole, 0), 200u);
}

Test(upload, foreign_entries_are_refused) {
    agree(20);
    cr_assert_eq(
        little_mirror_add_entries(mirror, little_log_entries(forgery, 0, 20, body, sizeof body), 0),
        422u);
    cr_assert_eq(stored(), 0u);
    /* Nor are they taken where the true ones are stored already. */
    cr_assert_eq(upload(0, 20), 200u);
    cr_assert_eq(
        little_mirror_add_entries(mirror, little_log_entries(forgery, 0, 20, body, sizeof body), 0),
        422u);
    little_mirror_check(mirror, truth);
}

Test(upload, hashes_above_63_are_malformed) {
    agree(9);
    struct bytes whole = entries(0, 9);
    body[whole.len - 1] = 64; /* the empty proof's count: the subtree is the whole tree */
    memset(body + whole.len, 0, 64 * HASH_SIZE);
    cr_assert_eq(little_mirror_add_entries(mirror, bytes_of(body, whole.len + 64 * HASH_SIZE), 0),
                 400u);
    cr_assert_eq(stored(), 0u);
    body[whole.len - 1] = 63;
    cr_assert_eq(little_mirror_add_entries(mirror, bytes_of(body, whole.len + 63 * HASH_SIZE), 0),
                 422u);
    /* After a good package the good one counts. */
    agree(300);
    whole = entries(0, 300);
    struct bytes second = little_log_entries(truth, 256, 300, kept, sizeof kept);
    size_t proof_len = (size_t)kept[second.len - 1 - HASH_SIZE] == 1 ? HASH_SIZE : 0;
    body[whole.len - 1 - proof_len] = 64;
    little_mirror_add_entries(mirror, whole, 0);
    check_info(202, "300\n256\n\n");
}
