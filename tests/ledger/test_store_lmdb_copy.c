/* A copy of LMDB's store says why it could not be written. */
#include "ledger/store_lmdb.h"
#include "tests/lib/check.h"
#include "tests/lib/folder.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static struct folder folder;

static void setup(void) {
    folder_make(&folder);
}

static void teardown(void) {
    folder_remove(&folder);
}

TestSuite(store_lmdb_copy, .init = setup, .fini = teardown, .timeout = 60);

static enum status copy_to(struct store *store, const char *path, int flags) {
    struct refusal why = {0};
    int fd = open(path, flags | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0);
    enum status status = store_lmdb_copy(store, fd, &why);
    cr_assert_eq(why.text[0] == '\0', status == STATUS_OK, "%s", why.text);
    close(fd);
    return status;
}

Test(store_lmdb_copy, tells_a_full_disk_from_another_error) {
    struct store *store = NULL;
    char path[600];
    snprintf(path, sizeof path, "%s/copy", folder.path);
    CHECK_OK(store_lmdb_open(folder.path, NULL, &store, NULL));
    CHECK_OK(copy_to(store, path, O_WRONLY | O_CREAT));
    CHECK_STATUS(copy_to(store, path, O_RDONLY), STATUS_IO);
    CHECK_STATUS(copy_to(store, "/dev/full", O_WRONLY), STATUS_FULL);
    store_lmdb_close(store);
}
