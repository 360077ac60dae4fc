/* What the log sends to a mirror and reads of its answers. That a mirror takes the bodies is tested
 * with the mirror (test_upload.c, test_add_checkpoint.c). */
#include "tests/lib/check.h"
#include "tests/lib/little.h"
#include "tests/lib/mangle.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN "agency.example/log"
#define HEADER_LEN (2 + sizeof ORIGIN - 1 + 8 + 8 + 2)

static struct little_log *truth;

static void setup(void) {
    truth = little_log_open(ORIGIN, UINT64_MAX);
}

static void teardown(void) {
    little_log_close(truth);
}

TestSuite(push, .init = setup, .fini = teardown);

/* Counts the packages of a body by parsing it; asserts that nothing is left over. */
static uint64_t packages(struct bytes body, uint64_t *next) {
    struct upload_header header;
    size_t at;
    uint64_t count = 0;
    CHECK_OK(upload_header_parse(body, &header, &at, NULL));
    *next = header.start;
    while (at < body.len) {
        struct package_scan scan = {.entries = 0};
        struct package package;
        size_t consumed;
        uint64_t end;
        package_bounds(*next, header.end, &end);
        CHECK_OK(package_parse(bytes_of(body.data + at, body.len - at), *next, end, &scan, &package,
                               &consumed));
        at += consumed;
        *next = end;
        count++;
    }
    return count;
}

Test(push, entries_at_most_32_packages_per_request) {
    static uint8_t memory[1 << 20];
    uint64_t next;
    little_log_grow(truth, 33 * 256 + 10);
    struct bytes body = little_log_entries(truth, 0, 33 * 256 + 10, memory, sizeof memory);
    cr_assert_eq(packages(body, &next), PACKAGES_PER_UPLOAD);
    cr_assert_eq(next, 32u * 256);
    body = little_log_entries(truth, next, 33 * 256 + 10, memory, sizeof memory);
    cr_assert_eq(packages(body, &next), 2u);
    cr_assert_eq(next, 33u * 256 + 10);
    body = little_log_entries(truth, 100, 33 * 256 + 10, memory, sizeof memory);
    cr_assert_eq(packages(body, &next), PACKAGES_PER_UPLOAD);
    cr_assert_eq(next, 32u * 256); /* the first is a short one */
}

Test(push, entries_none_for_an_empty_interval) {
    uint8_t memory[256];
    uint64_t next;
    little_log_grow(truth, 9);
    struct bytes body = little_log_entries(truth, 9, 9, memory, sizeof memory);
    cr_assert_eq(body.len, HEADER_LEN);
    cr_assert_eq(packages(body, &next), 0u);
}

Test(push, entries_only_as_many_packages_as_fit) {
    static uint8_t memory[1 << 16];
    uint64_t next;
    little_log_grow(truth, 700);
    struct bytes whole = little_log_entries(truth, 0, 700, memory, sizeof memory);
    uint64_t all = packages(whole, &next);
    cr_assert_eq(all, 3u);
    uint64_t last = 0;
    for (size_t cap = 0; cap <= whole.len; cap++) {
        struct store_txn *txn;
        struct writer w;
        writer_init(&w, memory, cap);
        CHECK_OK(store_begin(truth->store, STORE_READ, &txn));
        enum status status =
            push_entries(txn, truth->log.number, bytes_text(ORIGIN), 0, 700, bytes_of(NULL, 0), &w);
        store_abort(txn);
        if (status != STATUS_OK) {
            CHECK_STATUS(status, STATUS_TOO_LARGE);
            cr_assert_eq(last, 0u, "what fitted fits into more");
            continue;
        }
        uint64_t count = packages(writer_view(&w), &next);
        cr_assert(count >= last && count >= 1);
        last = count;
    }
    cr_assert_eq(last, all);
}

Test(push, entries_carry_the_ticket) {
    uint8_t memory[4096];
    struct upload_header header;
    struct store_txn *txn;
    struct writer w;
    size_t at;
    little_log_grow(truth, 9);
    writer_init(&w, memory, sizeof memory);
    CHECK_OK(store_begin(truth->store, STORE_READ, &txn));
    CHECK_OK(
        push_entries(txn, truth->log.number, bytes_text(ORIGIN), 3, 9, bytes_text("ticket"), &w));
    store_abort(txn);
    CHECK_OK(upload_header_parse(writer_view(&w), &header, &at, NULL));
    CHECK_TEXT(header.ticket, "ticket");
    CHECK_TEXT(header.origin, ORIGIN);
    cr_assert(header.start == 3 && header.end == 9);
}

Test(push, checkpoint_too_large_for_the_room) {
    uint8_t memory[4096];
    uint8_t note[CHECKPOINT_SIZE_MAX];
    little_log_grow(truth, 9);
    struct bytes signed_note = little_log_note(truth, 9, note);
    struct bytes whole = little_log_checkpoint(truth, 7, 9, memory, sizeof memory);
    for (size_t cap = 0; cap < whole.len; cap++) {
        struct store_txn *txn;
        struct writer w;
        writer_init(&w, memory, cap);
        CHECK_OK(store_begin(truth->store, STORE_READ, &txn));
        CHECK_STATUS(push_checkpoint(txn, truth->log.number, 7, 9, signed_note, &w),
                     STATUS_TOO_LARGE);
        store_abort(txn);
    }
}

Test(push, own_root_at_the_size_that_is_named) {
    struct little_log *forgery = little_log_open(ORIGIN, 5);
    uint8_t note[CHECKPOINT_SIZE_MAX];
    struct store_txn *txn;
    struct hash root = {.bytes = {7}};
    struct hash untouched = root;
    little_log_grow(truth, 20);
    little_log_grow(forgery, 30);
    CHECK_OK(store_begin(truth->store, STORE_READ, &txn));
    CHECK_STATUS(push_own_root(txn, truth->log.number, little_log_note(forgery, 21, note), &root),
                 STATUS_NOT_FOUND);
    CHECK_STATUS(push_own_root(txn, truth->log.number, bytes_text("nonsense"), &root),
                 STATUS_NOT_FOUND);
    CHECK_STATUS(push_own_root(txn, truth->log.number, bytes_of(NULL, 0), &root), STATUS_NOT_FOUND);
    cr_assert(hash_equal(&root, &untouched));
    for (uint64_t size = 0; size <= 20; size++) {
        struct hash expected = little_log_root(truth, size);
        CHECK_OK(
            push_own_root(txn, truth->log.number, little_log_note(forgery, size, note), &root));
        cr_assert(hash_equal(&root, &expected));
    }
    store_abort(txn);
    little_log_close(forgery);
}

/* --- mirror-info --- */

Test(push, info_parses_and_formats_to_the_same_bytes_or_is_refused) {
    struct mangle m;
    struct bytes damaged;
    mangle_init(&m, bytes_text("1234\n1200\ndGlja2V0\n"));
    while (mangle_next(&m, &damaged)) {
        struct mirror_info info;
        uint8_t memory[1024];
        struct writer w;
        if (mirror_info_parse(damaged, &info) != STATUS_OK) {
            continue;
        }
        writer_init(&w, memory, sizeof memory);
        mirror_info_format(&w, &info);
        CHECK_BYTES(writer_view(&w), damaged);
    }
}

Test(push, info_forms) {
    struct mirror_info info;
    CHECK_OK(mirror_info_parse(bytes_text("1234\n1200\ndGlja2V0\n"), &info));
    cr_assert(info.pending == 1234 && info.next_entry == 1200 && info.ticket_len == 6);
    cr_assert_eq(memcmp(info.ticket, "ticket", 6), 0);
    CHECK_OK(mirror_info_parse(bytes_text("0\n0\n\n"), &info));
    cr_assert_eq(info.ticket_len, 0u);
    const char *bad[] = {"",           "1\n2\n",    "1\n2\n\n\n", "01\n2\n\n", "1\n2\n=\n",
                         "1\n2\n\r\n", "-1\n2\n\n", "1 \n2\n\n",  "1\n2\nA\n", "1\n2\ndGlja2V0"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_STATUS(mirror_info_parse(bytes_text(bad[i]), &info), STATUS_BAD_FORM);
    }
}

Test(push, info_ticket_that_is_too_long_is_read_as_none) {
    char text[2048];
    struct mirror_info info;
    struct writer w;
    writer_init(&w, text, sizeof text);
    writer_text(&w, "9\n9\n");
    for (size_t i = 0; i < 400; i++) {
        writer_text(&w, "AAAA");
    }
    writer_text(&w, "\n");
    CHECK_OK(mirror_info_parse(writer_view(&w), &info));
    cr_assert_eq(info.ticket_len, 0u);
    cr_assert_eq(info.pending, 9u);
}
