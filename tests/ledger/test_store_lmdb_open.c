/* What stands in the way of opening LMDB's store is named, and a limited address space is shared.
 */
#include "ledger/store_lmdb.h"
#include "tests/lib/check.h"
#include "tests/lib/folder.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct folder folder;

static void setup(void) {
    folder_make(&folder);
}

static void teardown(void) {
    folder_remove(&folder);
}

TestSuite(store_lmdb_open, .init = setup, .fini = teardown, .timeout = 60);

/* Opening fails with IO and says so in these words; `in_the_way` is a folder where a file is due.
 */
static void is_refused(const char *in_the_way, const char *words) {
    char path[600];
    snprintf(path, sizeof path, "%s/%s", folder.path, in_the_way);
    cr_assert_eq(mkdir(path, 0700), 0);
    struct store *store = NULL;
    struct refusal why = {0};
    CHECK_STATUS(store_lmdb_open(folder.path, NULL, &store, &why), STATUS_IO);
    cr_assert_null(store);
    cr_assert_not_null(strstr(why.text, words), "%s", why.text);
    cr_assert_eq(rmdir(path), 0);
    CHECK_OK(store_lmdb_open(folder.path, NULL, &store, &why));
    store_lmdb_close(store);
}

Test(store_lmdb_open, names_the_lock_that_it_cannot_open) {
    is_refused("in-use", "/in-use: ");
}

Test(store_lmdb_open, names_the_store_that_it_cannot_open) {
    is_refused("data.mdb", "cannot open the store in ");
}

/* Sanitizers take more address space than any limit. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
Test(store_lmdb_open, leaves_half_of_the_address_space_to_others) {
    const uint64_t mebibyte = (uint64_t)1 << 20;
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_AS, &limit), 0);
    limit.rlim_cur = 1536 * mebibyte;
    cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
    struct store *store = NULL;
    CHECK_OK(store_lmdb_open(folder.path, NULL, &store, NULL));
    uint64_t used, room;
    CHECK_OK(store_lmdb_used(store, &used, &room));
    cr_assert_leq(used + room, 512 * mebibyte); /* a map of 1,024 would fit too */
    cr_assert_gt(room, 0);
    store_lmdb_close(store);
}
#endif
