/* Every system call of a commit fails in every way, once and for good: what the store says must be
 * what a new opening finds. LMDB's calls come here because the program's own definitions of pwrite,
 * writev and fdatasync stand before the C library's. */
#include "ledger/schema.h"
#include "ledger/store_lmdb.h"
#include "tests/lib/check.h"
#include "tests/lib/folder.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum how {
    FAILS_EIO,
    FAILS_ENOSPC,
    FAILS_SHORT,     /* half of it is written, as where a disk or a quota fills up */
    FAILS_PERSISTED, /* all of it is written, and EIO reported */
    HOW_COUNT
};

static struct {
    bool armed;
    bool for_good; /* all later calls fail too */
    enum how how;
    int at; /* which call, from 1 */
    int calls;
} fault;

static bool fails_now(void) {
    if (!fault.armed) {
        return false;
    }
    fault.calls++;
    return fault.calls == fault.at || (fault.for_good && fault.calls > fault.at);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t offset) {
    bool fails = fails_now();
    if (fails && (fault.how == FAILS_EIO || fault.how == FAILS_ENOSPC)) {
        errno = fault.how == FAILS_EIO ? EIO : ENOSPC;
        return -1;
    }
    size_t part = fails && fault.how == FAILS_SHORT ? len / 2 : len;
    ssize_t done = syscall(SYS_pwrite64, fd, data, part, offset);
    if (fails && fault.how == FAILS_PERSISTED) {
        errno = EIO;
        return -1;
    }
    return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    bool fails = fails_now();
    if (fails && (fault.how == FAILS_EIO || fault.how == FAILS_ENOSPC)) {
        errno = fault.how == FAILS_EIO ? EIO : ENOSPC;
        return -1;
    }
    ssize_t done = syscall(SYS_writev, fd, parts, fails && fault.how == FAILS_SHORT ? 1 : count);
    if (fails && fault.how == FAILS_PERSISTED) {
        errno = EIO;
        return -1;
    }
    return done;
}

int fdatasync(int fd) {
    bool fails = fails_now();
    if (fails && (fault.how == FAILS_ENOSPC || fault.how == FAILS_EIO)) {
        errno = fault.how == FAILS_EIO ? EIO : ENOSPC;
        return -1;
    }
    int rc = (int)syscall(SYS_fdatasync, fd);
    if (fails) {
        errno = EIO;
        return -1;
    }
    return rc;
}

static struct folder folder;

static struct store *open_store(void) {
    struct store *store = NULL;
    struct refusal why = {0};
    cr_assert_eq(store_lmdb_open(folder.path, NULL, &store, &why), STATUS_OK, "%s", why.text);
    return store;
}

#define ROWS 40

/* All rows say the same number, on pages of their own and on shared ones. */
static enum status try_commit(struct store *store, uint8_t number) {
    static uint8_t big[20000];
    memset(big, number, sizeof big);
    struct store_txn *txn;
    TRY(store_begin(store, STORE_WRITE, &txn));
    for (uint32_t row = 0; row < ROWS; row++) {
        struct key key = key_log(TABLE_TREE, row);
        size_t len = row % 8 == 0 ? sizeof big : 300;
        CHECK_OK(store_put(txn, key_view(&key), bytes_of(big, len)));
    }
    return store_commit(txn);
}

/* The number that all rows say. */
static uint8_t committed(struct store *store) {
    struct store_txn *txn;
    CHECK_OK(store_begin(store, STORE_READ, &txn));
    uint8_t number = 0;
    for (uint32_t row = 0; row < ROWS; row++) {
        struct key key = key_log(TABLE_TREE, row);
        struct bytes value;
        CHECK_OK(store_get(txn, key_view(&key), &value));
        number = row == 0 ? value.data[0] : number;
        for (size_t i = 0; i < value.len; i++) {
            cr_assert_eq(value.data[i], number, "a torn commit");
        }
    }
    store_abort(txn);
    return number;
}

/* One commit with one fault; true if the fault came to pass. */
static bool commit_with_fault(enum how how, bool for_good, int at, uint8_t *number) {
    struct store *store = open_store();
    uint8_t before = committed(store), attempted = (uint8_t)(*number + 1);
    fault.how = how;
    fault.for_good = for_good;
    fault.at = at;
    fault.calls = 0;
    fault.armed = true;
    enum status status = try_commit(store, attempted);
    fault.armed = false;
    bool happened = fault.calls >= at;
    struct store_txn *txn;
    switch ((int)status) {
    case STATUS_OK:
        cr_assert(!happened, "call %d failed (%d) and the commit said OK", at, (int)how);
        cr_assert_eq(committed(store), attempted);
        break;
    case STATUS_FULL:
        cr_assert_eq(how, FAILS_ENOSPC);
        cr_assert_eq(committed(store), before);
        attempted = (uint8_t)(attempted + 1);
        CHECK_OK(try_commit(store, attempted)); /* there is room again */
        cr_assert_eq(committed(store), attempted);
        before = attempted;
        break;
    case STATUS_STORE_DOUBT:
        CHECK_STATUS(store_begin(store, STORE_READ, &txn), STATUS_STORE_DOUBT);
        CHECK_STATUS(store_begin(store, STORE_WRITE, &txn), STATUS_STORE_DOUBT);
        break;
    default:
        cr_assert_fail("call %d failed (%d): %s", at, (int)how, status_name(status));
    }
    store_lmdb_close(store);
    store = open_store();
    uint8_t after = committed(store);
    cr_assert(after == attempted || (status != STATUS_OK && after == before));
    *number = attempted > after ? attempted : after;
    store_lmdb_close(store);
    return happened;
}

Test(store_faults, of_every_call_of_a_commit_are_told_truly, .timeout = 120) {
    folder_make(&folder);
    struct store *store = open_store();
    uint8_t number = 1;
    CHECK_OK(try_commit(store, number));
    store_lmdb_close(store);
    for (int how = 0; how < HOW_COUNT; how++) {
        for (int for_good = 0; for_good <= 1; for_good++) {
            int at = 1;
            while (commit_with_fault((enum how)how, for_good, at, &number)) {
                at++;
                number = number > 200 ? 1 : number;
            }
            cr_assert_gt(at, 4, "a commit makes several writes, a sync and a meta write");
        }
    }
    folder_remove(&folder);
}

/* The commit at opening is the first that a failing disk refuses. */
Test(store_faults, at_opening_refuse_to_open, .timeout = 60) {
    folder_make(&folder);
    store_lmdb_close(open_store());
    static const enum status expected[HOW_COUNT] = {
        [FAILS_EIO] = STATUS_STORE_DOUBT,
        [FAILS_ENOSPC] = STATUS_FULL,
        [FAILS_SHORT] = STATUS_STORE_DOUBT,
        [FAILS_PERSISTED] = STATUS_STORE_DOUBT,
    };
    for (int how = 0; how < HOW_COUNT; how++) {
        struct store *store = NULL;
        struct refusal why = {0};
        fault.how = (enum how)how;
        fault.for_good = false;
        fault.at = 1;
        fault.calls = 0;
        fault.armed = true;
        enum status status = store_lmdb_open(folder.path, NULL, &store, &why);
        fault.armed = false;
        CHECK_STATUS(status, expected[how]);
        cr_assert(store == NULL && strstr(why.text, folder.path) != NULL);
        store_lmdb_close(open_store());
    }
    folder_remove(&folder);
}
