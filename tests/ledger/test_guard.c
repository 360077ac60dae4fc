/* The record outside the data folder: its text, and what it says of a folder. */
#include "ledger/guard.h"

#include "ledger/store_memory.h"
#include "tests/lib/check.h"
#include "tests/lib/keys.h"
#include "tests/lib/mangle.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define ORIGIN "agency.example/log"

static struct guard_record record;
static uint8_t memory[GUARD_RECORD_MAX];

static struct bytes format(const struct guard_record *r) {
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    guard_record_format(&w, r);
    cr_assert(!w.failed);
    return writer_view(&w);
}

static struct vkey mirror_key(unsigned i) {
    char name[NAME_SIZE_MAX + 1];
    snprintf(name, sizeof name, "mirror-%u.example", i);
    return test_signer(name, VKEY_COSIGNATURE).vkey;
}

static void example(void) {
    guard_record_new(&record, bytes_text(ORIGIN));
    record.writing = 7;
    record.commit = 41;
    record.size = 12;
    memset(record.root.bytes, 0x5a, HASH_SIZE);
    for (unsigned i = 0; i < 2; i++) {
        struct vkey key = mirror_key(i);
        cr_assert(guard_list(&record, &key));
        cr_assert(guard_list(&record, &key)); /* listed once */
    }
    cr_assert_eq(record.mirror_count, 2);
}

Test(guard, record_is_read_as_it_was_written) {
    struct guard_record read;
    struct guard_record none;
    example();
    CHECK_OK(guard_record_parse(format(&record), &read));
    cr_assert_eq(read.writing, 7);
    cr_assert_eq(read.commit, 41);
    cr_assert(read.has_log);
    cr_assert_str_eq(read.origin, ORIGIN);
    cr_assert_eq(read.size, 12);
    cr_assert(hash_equal(&read.root, &record.root));
    cr_assert_eq(read.mirror_count, 2);
    cr_assert(vkey_equal(&read.mirrors[1], &record.mirrors[1]));
    guard_record_new(&none, bytes_text("")); /* a node without a log */
    none.commit = 3;
    CHECK_OK(guard_record_parse(format(&none), &read));
    cr_assert(!read.has_log && read.mirror_count == 0 && read.commit == 3);
}

Test(guard, record_holds_as_many_mirrors_as_it_may) {
    struct guard_record read;
    guard_record_new(&record, bytes_text(ORIGIN));
    for (unsigned i = 0; i < GUARD_MIRRORS_MAX; i++) {
        struct vkey key = mirror_key(i);
        cr_assert(guard_list(&record, &key));
    }
    struct vkey more = mirror_key(GUARD_MIRRORS_MAX);
    cr_assert(!guard_list(&record, &more));
    cr_assert(!guard_lists(&record, &more));
    CHECK_OK(guard_record_parse(format(&record), &read));
    cr_assert_eq(read.mirror_count, GUARD_MIRRORS_MAX);
}

Test(guard, every_damage_to_a_record_is_seen) {
    static struct mangle m;
    struct bytes damaged;
    struct guard_record read;
    example();
    struct bytes text = format(&record);
    mangle_init(&m, text);
    while (mangle_next(&m, &damaged)) {
        enum status status = guard_record_parse(damaged, &read);
        /* Newlines after the end fill the file's place. */
        bool padded = damaged.len > text.len && memcmp(damaged.data, text.data, text.len) == 0 &&
                      damaged.data[text.len] == '\n';
        cr_assert_eq(status, padded ? STATUS_OK : STATUS_BAD_FORM, "kind %d at %zu", (int)m.kind,
                     m.position);
    }
    uint8_t other[1024] = {0};
    memcpy(other, text.data, text.len);
    memset(other + text.len, '\n', 100);
    CHECK_OK(guard_record_parse(bytes_of(other, text.len + 100), &read));
    other[text.len + 50] = 'x';
    CHECK_STATUS(guard_record_parse(bytes_of(other, text.len + 100), &read), STATUS_BAD_FORM);
}

Test(guard, folder_is_judged_by_its_signed_head) {
    struct head head = {.size = 12};
    struct head none = {.size = 0};
    struct bytes origin = bytes_text(ORIGIN);
    example();
    head.root = record.root;
    cr_assert_eq(guard_judge(&record, origin, &head), GUARD_FITS);
    head.size = 11; /* an old folder */
    cr_assert_eq(guard_judge(&record, origin, &head), GUARD_DIFFERS);
    head.size = 13; /* an old file */
    cr_assert_eq(guard_judge(&record, origin, &head), GUARD_DIFFERS);
    head.size = 12;
    head.root.bytes[0] ^= 1;
    cr_assert_eq(guard_judge(&record, origin, &head), GUARD_DIFFERS);
    cr_assert_eq(guard_judge(NULL, origin, &head), GUARD_DIFFERS);
    cr_assert_eq(guard_judge(&record, bytes_text("other.example/log"), &head), GUARD_DIFFERS);
    cr_assert_eq(guard_judge(&record, origin, &none), GUARD_LOST);
    cr_assert_eq(guard_judge(NULL, origin, &none), GUARD_LOST);
    guard_record_new(&record, bytes_text("")); /* of a node that hosted nothing */
    cr_assert_eq(guard_judge(&record, origin, &none), GUARD_LOST);
    guard_record_new(&record, origin);
    cr_assert_eq(guard_judge(&record, origin, &none), GUARD_FITS);
}

Test(guard, counts_holds_and_floors_are_kept) {
    struct store *store;
    struct store_txn *txn;
    uint64_t commits;
    struct guard_floor floor;
    struct hash root;
    memset(root.bytes, 0x31, HASH_SIZE);
    CHECK_OK(store_memory_open(NULL, &store));
    CHECK_OK(store_begin(store, STORE_WRITE, &txn));
    CHECK_OK(guard_commits(txn, &commits));
    cr_assert_eq(commits, 0);
    CHECK_OK(guard_set_commits(txn, 9));
    CHECK_OK(guard_hold(txn, 2));
    CHECK_OK(guard_hold(txn, 2));
    CHECK_OK(guard_set_floor(txn, 4, 77, &root));
    CHECK_OK(store_commit(txn));
    CHECK_OK(store_begin(store, STORE_WRITE, &txn));
    CHECK_OK(guard_commits(txn, &commits));
    cr_assert_eq(commits, 9);
    CHECK_OK(guard_floor(txn, 2, &floor));
    cr_assert(floor.guarded && !floor.known);
    CHECK_OK(guard_floor(txn, 3, &floor));
    cr_assert(!floor.guarded);
    CHECK_OK(guard_floor(txn, 4, &floor));
    cr_assert(floor.guarded && floor.known && floor.size == 77 && hash_equal(&floor.root, &root));
    CHECK_OK(guard_hold(txn, 4)); /* an old folder again: what was found does not count any more */
    CHECK_OK(guard_floor(txn, 4, &floor));
    cr_assert(floor.guarded && !floor.known);
    CHECK_OK(guard_release(txn, 2));
    CHECK_OK(guard_release(txn, 2));
    CHECK_OK(guard_floor(txn, 2, &floor));
    cr_assert(!floor.guarded);
    store_abort(txn);
    store_memory_close(store);
}
