/* The head file: what is written is read again, and every damage is seen. */
#include "net/outside.h"

#include "net/buffer.h"
#include "net/file.h"
#include "tests/lib/folder.h"
#include "tests/lib/keys.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ORIGIN "agency.example/log"

static struct folder folder;
static char path[600];
static struct refusal why;
static struct outside *outside;

static void setup(void) {
    folder_make(&folder);
    snprintf(path, sizeof path, "%s/head", folder.path);
}

static void cleanup(void) {
    outside_close(outside);
    folder_remove(&folder);
}

TestSuite(outside, .init = setup, .fini = cleanup);

static const struct guard_record *reopen(void) {
    outside_close(outside);
    outside = NULL;
    cr_assert_eq(outside_open(path, &outside, &why), STATUS_OK);
    return outside_found(outside);
}

static void make(void) {
    static struct guard_record record;
    guard_record_new(&record, bytes_text(ORIGIN));
    cr_assert_eq(outside_create(path, &record, &why), STATUS_OK);
    cr_assert_eq(outside_create(path, &record, &why), STATUS_CONFLICT_USED);
}

static struct head head_of(uint64_t size) {
    static struct signer log;
    struct head head = {.size = size};
    struct writer w;
    log = test_signer(ORIGIN, VKEY_NOTE);
    memset(head.root.bytes, (int)size, HASH_SIZE);
    writer_init(&w, head.note, sizeof head.note);
    checkpoint_sign(&w, bytes_text(ORIGIN), size, &head.root, &log);
    head.note_len = w.len;
    return head;
}

/* As a batch does. */
static void commit(uint64_t number, const struct head *head) {
    struct batch_outside *batch = outside_batch(outside);
    batch->begin(batch, number, head);
    cr_assert_eq(batch->end(batch), STATUS_OK);
}

Test(outside, keeps_every_head_and_commit) {
    make();
    const struct guard_record *found = reopen();
    cr_assert(found != NULL && found->has_log && found->size == 0 && found->commit == 0);
    for (uint64_t i = 1; i <= 5; i++) {
        struct head head = head_of(10 * i);
        commit(2 * i - 1, &head);
        commit(2 * i, NULL); /* cosignatures alone: the head stays */
        struct guard_record again;
        cr_assert_eq(outside_read_again(outside, &again), STATUS_OK);
        cr_assert_eq(again.size, 10 * i);
        found = reopen();
        cr_assert_not_null(found);
        cr_assert_eq(found->commit, 2 * i);
        cr_assert_eq(found->size, 10 * i);
        cr_assert(hash_equal(&found->root, &head.root));
    }
}

Test(outside, missing_file_is_made_at_the_first_writing) {
    cr_assert_null(reopen());
    cr_assert_neq(access(path, F_OK), 0);
    commit(7, NULL);
    const struct guard_record *found = reopen();
    cr_assert(found != NULL && found->commit == 7 && !found->has_log);
    struct head head = head_of(3);
    cr_assert_eq(outside_set_head(outside, &head, &why), STATUS_OK);
    found = reopen();
    cr_assert(found->has_log && found->size == 3 && found->commit == 7);
    cr_assert_str_eq(found->origin, ORIGIN);
}

Test(outside, second_process_is_refused) {
    struct outside *second = NULL;
    make();
    reopen();
    cr_assert_eq(outside_open(path, &second, &why), STATUS_STORE_IN_USE);
    cr_assert_null(second);
}

static void damage(off_t at, const char *with, size_t len) {
    int fd = open(path, O_WRONLY);
    cr_assert(fd >= 0 && pwrite(fd, with, len, at) == (ssize_t)len);
    close(fd);
}

Test(outside, damaged_place_counts_as_no_file_and_is_made_good) {
    make();
    reopen();
    commit(1, NULL);
    commit(2, NULL);
    outside_close(outside);
    outside = NULL;
    damage(GUARD_RECORD_MAX + 20, "x", 1); /* a torn writing, of either place */
    cr_assert_null(reopen());
    commit(3, NULL);
    const struct guard_record *found = reopen();
    cr_assert(found != NULL && found->commit == 3);
    cr_assert_eq(truncate(path, 100), 0);
    cr_assert_null(reopen());
}

Test(outside, file_that_vanishes_while_it_is_open_is_made_anew) {
    make();
    reopen();
    commit(1, NULL);
    cr_assert_eq(unlink(path), 0);
    commit(2, NULL);
    const struct guard_record *found = reopen();
    cr_assert(found != NULL && found->commit == 2);
}

Test(outside, writing_that_fails_is_told) {
    char gone[700];
    make();
    reopen();
    snprintf(gone, sizeof gone, "%s.gone", folder.path);
    cr_assert_eq(rename(folder.path, gone), 0);
    struct batch_outside *batch = outside_batch(outside);
    batch->begin(batch, 1, NULL);
    cr_assert_neq(batch->end(batch), STATUS_OK);
    cr_assert_eq(rename(gone, folder.path), 0);
}

Test(outside, mirrors_are_listed_before_they_are_pushed_to) {
    static struct policy policy;
    make();
    reopen();
    policy.witness_count = 3;
    for (size_t i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "mirror-%zu", i);
        policy.witnesses[i].vkey = test_signer(name, VKEY_COSIGNATURE).vkey;
        policy.witnesses[i].in_quorum = i != 1;
        snprintf(policy.witnesses[i].url, sizeof policy.witnesses[i].url, "http://a");
    }
    cr_assert_eq(outside_list(outside, &policy, &why), STATUS_OK);
    const struct guard_record *found = reopen();
    cr_assert_eq(found->mirror_count, 2);
    cr_assert(guard_lists(found, &policy.witnesses[2].vkey));
    cr_assert(!guard_lists(found, &policy.witnesses[1].vkey));
    uint64_t writing = found->writing;
    cr_assert_eq(outside_list(outside, &policy, &why), STATUS_OK);
    cr_assert_eq(reopen()->writing, writing, "nothing new: nothing is written");
}
