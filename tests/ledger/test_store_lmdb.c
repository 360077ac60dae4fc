/* What LMDB's store promises beyond the conformance suite: durability, the lock on the folder, and
 * every way in which a disk says no. */
#include "ledger/schema.h"
#include "ledger/store_lmdb.h"
#include "tests/lib/check.h"
#include "tests/lib/folder.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct folder folder;

static void setup(void) {
    folder_make(&folder);
}

static void teardown(void) {
    folder_remove(&folder);
}

TestSuite(store_lmdb, .init = setup, .fini = teardown, .timeout = 60);

static struct store *open_with(struct store_lmdb_options options) {
    struct store *store = NULL;
    struct refusal why = {0};
    cr_assert_eq(store_lmdb_open(folder.path, &options, &store, &why), STATUS_OK, "%s", why.text);
    return store;
}

static struct store *open_default(void) {
    return open_with((struct store_lmdb_options){0});
}

static struct store_txn *begin(struct store *store, enum store_mode mode) {
    struct store_txn *txn = NULL;
    CHECK_OK(store_begin(store, mode, &txn));
    return txn;
}

static struct bytes number_key(struct key *key, uint32_t n) {
    *key = key_log(TABLE_TREE, n);
    return key_view(key);
}

static enum status try_put(struct store *store, uint32_t n, struct bytes value) {
    struct store_txn *txn = begin(store, STORE_WRITE);
    struct key key;
    CHECK_OK(store_put(txn, number_key(&key, n), value));
    return store_commit(txn);
}

static bool has(struct store *store, uint32_t n) {
    struct store_txn *txn = begin(store, STORE_READ);
    struct key key;
    struct bytes value;
    enum status status = store_get(txn, number_key(&key, n), &value);
    store_abort(txn);
    return status == STATUS_OK;
}

/* Runs `body` in a process of its own and gives its exit code. */
static int in_child(int (*body)(void)) {
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        _exit(body());
    }
    int status = 0;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* --- the folder --- */

Test(store_lmdb, makes_a_private_folder) {
    struct folder outer = folder;
    cr_assert_lt(snprintf(folder.path, sizeof folder.path, "%.400s/node", outer.path), 500);
    store_lmdb_close(open_default());
    struct stat st;
    cr_assert(stat(folder.path, &st) == 0 && (st.st_mode & 0777) == 0700);
    static const char *const files[] = {"data.mdb", "lock.mdb", "in-use"};
    for (size_t i = 0; i < 3; i++) {
        char path[600];
        snprintf(path, sizeof path, "%s/%s", folder.path, files[i]);
        cr_assert(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600, "%s", files[i]);
    }
    folder = outer;
}

static int open_in_child(void) {
    struct store *store = NULL;
    struct refusal why = {0};
    enum status status = store_lmdb_open(folder.path, NULL, &store, &why);
    if (status != STATUS_OK) {
        return why.status == status && strstr(why.text, "in use") != NULL ? (int)status : 99;
    }
    store_lmdb_close(store);
    return STATUS_OK;
}

Test(store_lmdb, is_open_for_writing_once) {
    struct store *store = open_default();
    cr_assert_eq(in_child(open_in_child), STATUS_STORE_IN_USE);
    struct store *second = NULL;
    CHECK_STATUS(store_lmdb_open(folder.path, NULL, &second, NULL), STATUS_STORE_IN_USE);
    cr_assert_null(second);
    CHECK_OK(try_put(store, 1, bytes_text("still works")));
    store_lmdb_close(store);
    cr_assert_eq(in_child(open_in_child), STATUS_OK);
}

static int read_in_child(void) {
    struct store *store = NULL;
    struct store_lmdb_options options = {.read_only = true};
    if (store_lmdb_open(folder.path, &options, &store, NULL) != STATUS_OK) {
        return 1;
    }
    bool there = has(store, 1) && !has(store, 2);
    store_lmdb_close(store);
    return there ? 0 : 2;
}

Test(store_lmdb, lets_tools_look_on) {
    struct store *store = open_default();
    CHECK_OK(try_put(store, 1, bytes_text("v")));
    struct store_txn *txn = begin(store, STORE_WRITE);
    struct key key;
    CHECK_OK(store_put(txn, number_key(&key, 2), bytes_text("v")));
    cr_assert_eq(in_child(read_in_child), 0);
    CHECK_OK(store_commit(txn));
    store_lmdb_close(store);
}

Test(store_lmdb, refuses_a_folder_without_a_store_to_tools) {
    struct store *store = NULL;
    struct refusal why = {0};
    struct store_lmdb_options options = {.read_only = true};
    CHECK_STATUS(store_lmdb_open(folder.path, &options, &store, &why), STATUS_NOT_FOUND);
    cr_assert_neq(why.text[0], '\0');
}

Test(store_lmdb, refuses_what_is_no_folder) {
    char path[600];
    snprintf(path, sizeof path, "%s/file", folder.path);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    cr_assert_geq(fd, 0);
    close(fd);
    struct store *store = NULL;
    struct refusal why = {0};
    CHECK_STATUS(store_lmdb_open(path, NULL, &store, &why), STATUS_IO);
    snprintf(path, sizeof path, "%s/file/below", folder.path);
    CHECK_STATUS(store_lmdb_open(path, NULL, &store, &why), STATUS_IO);
    static char long_path[5000];
    memset(long_path, 'x', sizeof long_path - 1);
    CHECK_STATUS(store_lmdb_open(long_path, NULL, &store, &why), STATUS_IO);
}

Test(store_lmdb, refuses_a_file_of_something_else) {
    char path[600];
    snprintf(path, sizeof path, "%s/data.mdb", folder.path);
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    for (int i = 0; i < 20000; i++) {
        fputs("not a store ", f);
    }
    fclose(f);
    struct store *store = NULL;
    struct refusal why = {0};
    CHECK_STATUS(store_lmdb_open(folder.path, NULL, &store, &why), STATUS_STORE_CORRUPT);
    cr_assert_not_null(strstr(why.text, "data.mdb"));
}

Test(store_lmdb, commits_once_at_every_opening) {
    for (uint64_t times = 1; times <= 3; times++) {
        struct store *store = open_default();
        struct store_txn *txn = begin(store, STORE_READ);
        struct bytes value;
        struct reader r;
        uint32_t format;
        uint64_t count;
        CHECK_OK(store_get(txn, bytes_text("mstore"), &value));
        reader_init(&r, value);
        cr_assert(reader_u32(&r, &format) && reader_u64(&r, &count) && reader_done(&r));
        cr_assert_eq(format, STORE_FORMAT);
        cr_assert_eq(count, times);
        store_abort(txn);
        store_lmdb_close(store);
    }
}

/* Opens once more, for writing and for reading; both must say the same. */
static void expect_refused(enum status expected) {
    for (int read_only = 0; read_only <= 1; read_only++) {
        struct store *store = NULL;
        struct refusal why = {0};
        struct store_lmdb_options options = {.read_only = read_only};
        CHECK_STATUS(store_lmdb_open(folder.path, &options, &store, &why), expected);
        cr_assert_eq(why.status, expected);
        cr_assert_not_null(strstr(why.text, folder.path));
    }
}

Test(store_lmdb, refuses_a_store_of_another_format) {
    static const char *const values[] = {"\0\0\0\1\0\0\0\0\0\0\0\1", "\0\0\0\2\0\0\0\0\0\0\0", ""};
    static const size_t lens[] = {12, 11, 0};
    for (size_t i = 0; i < 3; i++) {
        struct store *store = open_default();
        struct store_txn *txn = begin(store, STORE_WRITE);
        CHECK_OK(store_put(txn, bytes_text("mstore"), bytes_of(values[i], lens[i])));
        CHECK_OK(store_commit(txn));
        store_lmdb_close(store);
        expect_refused(STATUS_STORE_CORRUPT);
        folder_remove(&folder);
        folder_make(&folder);
    }
}

Test(store_lmdb, refuses_somebody_elses_store) {
    struct store *store = open_default();
    struct store_txn *txn = begin(store, STORE_WRITE);
    CHECK_OK(store_remove(txn, bytes_text("mstore")));
    CHECK_OK(store_put(txn, bytes_text("theirs"), bytes_text("v")));
    CHECK_OK(store_commit(txn));
    store_lmdb_close(store);
    expect_refused(STATUS_STORE_CORRUPT);
}

/* --- durability --- */

static int pipe_to_parent;

static int commit_for_ever(void) {
    struct store *store = NULL;
    if (store_lmdb_open(folder.path, NULL, &store, NULL) != STATUS_OK) {
        return 1;
    }
    for (uint32_t n = 0;; n++) {
        struct store_txn *txn;
        struct key key;
        if (store_begin(store, STORE_WRITE, &txn) != STATUS_OK ||
            store_put(txn, number_key(&key, n), bytes_text("v")) != STATUS_OK ||
            store_commit(txn) != STATUS_OK ||
            write(pipe_to_parent, &n, sizeof n) != (ssize_t)sizeof n) {
            return 1;
        }
    }
}

Test(store_lmdb, keeps_every_commit_through_a_kill) {
    for (int round = 0; round < 3; round++) {
        int fds[2];
        cr_assert_eq(pipe(fds), 0);
        pipe_to_parent = fds[1];
        pid_t pid = fork();
        cr_assert_geq(pid, 0);
        if (pid == 0) {
            _exit(commit_for_ever());
        }
        close(fds[1]);
        uint32_t last = 0;
        while (last < 5 + (uint32_t)round * 3) {
            cr_assert_eq(read(fds[0], &last, sizeof last), (ssize_t)sizeof last);
        }
        kill(pid, SIGKILL);
        cr_assert_eq(waitpid(pid, NULL, 0), pid);
        while (read(fds[0], &last, sizeof last) == (ssize_t)sizeof last) {
        }
        close(fds[0]);
        struct store *store = open_default();
        for (uint32_t n = 0; n <= last; n++) {
            cr_assert(has(store, n), "commit %u of %u", n, last);
        }
        store_lmdb_close(store);
    }
}

/* --- no room --- */

Test(store_lmdb, says_full_when_the_map_is) {
    struct store *store = open_with((struct store_lmdb_options){.map_size = 1 << 20});
    CHECK_OK(try_put(store, 1, bytes_text("v")));
    static const uint8_t big[600 * 1024];
    CHECK_OK(try_put(store, 2, bytes_of(big, sizeof big)));
    struct store_txn *txn = begin(store, STORE_WRITE);
    struct key key;
    CHECK_STATUS(store_put(txn, number_key(&key, 3), bytes_of(big, sizeof big)), STATUS_FULL);
    CHECK_STATUS(store_commit(txn), STATUS_FULL);
    cr_assert(has(store, 1) && has(store, 2) && !has(store, 3));
    txn = begin(store, STORE_WRITE);
    CHECK_OK(store_remove(txn, number_key(&key, 2)));
    CHECK_OK(store_commit(txn));
    CHECK_OK(try_put(store, 4, bytes_text("v")));
    cr_assert(has(store, 4));
    store_lmdb_close(store);
}

static void limit_files_to(rlim_t size) {
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {.rlim_cur = size, .rlim_max = RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static rlim_t data_size(void) {
    char path[600];
    struct stat st;
    snprintf(path, sizeof path, "%s/data.mdb", folder.path);
    cr_assert_eq(stat(path, &st), 0);
    return (rlim_t)st.st_size;
}

/* A limit on the file's size stands in for a full disk: the write fails whole. */
Test(store_lmdb, says_full_when_the_disk_is_and_goes_on) {
    struct store *store = open_default();
    CHECK_OK(try_put(store, 1, bytes_text("v")));
    static const uint8_t big[600 * 1024];
    limit_files_to(data_size());
    CHECK_STATUS(try_put(store, 2, bytes_of(big, sizeof big)), STATUS_FULL);
    cr_assert(has(store, 1) && !has(store, 2));
    limit_files_to(RLIM_INFINITY);
    CHECK_OK(try_put(store, 3, bytes_of(big, sizeof big)));
    store_lmdb_close(store);
    store = open_default();
    cr_assert(has(store, 1) && !has(store, 2) && has(store, 3));
    store_lmdb_close(store);
}

/* A write that stops half-way on a disk with room is an I/O error: what is durable is unknown. */
Test(store_lmdb, doubts_after_an_io_error) {
    struct store *store = open_default();
    CHECK_OK(try_put(store, 1, bytes_text("v")));
    static const uint8_t big[600 * 1024];
    struct store_txn *reader = begin(store, STORE_READ);
    limit_files_to(data_size() + 8192);
    CHECK_STATUS(try_put(store, 2, bytes_of(big, sizeof big)), STATUS_STORE_DOUBT);
    limit_files_to(RLIM_INFINITY);
    struct store_txn *txn;
    CHECK_STATUS(store_begin(store, STORE_WRITE, &txn), STATUS_STORE_DOUBT);
    CHECK_STATUS(store_begin(store, STORE_READ, &txn), STATUS_STORE_DOUBT);
    store_abort(reader);
    store_lmdb_close(store);
    store = open_default();
    cr_assert(has(store, 1) && !has(store, 2));
    CHECK_OK(try_put(store, 3, bytes_text("v")));
    store_lmdb_close(store);
}

Test(store_lmdb, says_what_is_used_and_free) {
    struct store *store = open_with((struct store_lmdb_options){.map_size = 8 << 20});
    uint64_t used, used_before, room;
    CHECK_OK(store_lmdb_used(store, &used_before, &room));
    cr_assert(used_before > 0 && used_before + room == 8 << 20);
    static const uint8_t big[600 * 1024];
    CHECK_OK(try_put(store, 1, bytes_of(big, sizeof big)));
    CHECK_OK(store_lmdb_used(store, &used, &room));
    cr_assert(used >= used_before + sizeof big && used + room == 8 << 20);
    store_lmdb_close(store);
}

/* --- readers --- */

Test(store_lmdb, is_busy_beyond_its_readers) {
    struct store *store = open_with((struct store_lmdb_options){.max_readers = 2});
    struct store_txn *a = begin(store, STORE_READ), *b = begin(store, STORE_READ), *c = NULL;
    CHECK_STATUS(store_begin(store, STORE_READ, &c), STATUS_BUSY);
    store_abort(a);
    c = begin(store, STORE_READ);
    store_abort(b);
    store_abort(c);
    store_lmdb_close(store);
}

Test(store_lmdb, reuses_a_reader_with_a_fresh_view) {
    struct store *store = open_with((struct store_lmdb_options){.max_readers = 1});
    for (uint32_t n = 0; n < 10; n++) {
        cr_assert_not(has(store, n));
        CHECK_OK(try_put(store, n, bytes_text("v")));
        cr_assert(has(store, n));
    }
    store_lmdb_close(store);
}

/* The writer puts pairs (2n, 2n + 1) together: no reader may see one alone. */
static void *read_pairs(void *context) {
    struct store *store = context;
    for (int i = 0; i < 2000; i++) {
        struct store_txn *txn;
        if (store_begin(store, STORE_READ, &txn) != STATUS_OK) {
            return store;
        }
        for (uint32_t n = 0; n < 40; n += 2) {
            struct key key;
            struct bytes value;
            enum status even = store_get(txn, number_key(&key, n), &value);
            if (store_get(txn, number_key(&key, n + 1), &value) != even) {
                store_abort(txn);
                return store;
            }
        }
        store_abort(txn);
    }
    return NULL;
}

Test(store_lmdb, serves_many_threads) {
    struct store *store = open_with((struct store_lmdb_options){.no_sync = true});
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(pthread_create(&threads[i], NULL, read_pairs, store), 0);
    }
    for (uint32_t i = 0; i < 2000; i++) {
        struct store_txn *txn = begin(store, STORE_WRITE);
        struct key key;
        uint32_t n = i * 2 % 40;
        for (uint32_t k = n; k < n + 2; k++) {
            if (i / 20 % 2 == 0) {
                CHECK_OK(store_put(txn, number_key(&key, k), bytes_text("v")));
            } else {
                CHECK_OK(store_remove(txn, number_key(&key, k)));
            }
        }
        CHECK_OK(store_commit(txn));
    }
    for (int i = 0; i < 4; i++) {
        void *bad = NULL;
        cr_assert_eq(pthread_join(threads[i], &bad), 0);
        cr_assert_null(bad);
    }
    store_lmdb_close(store);
}

Test(store_lmdb, stops_at_a_second_writer_in_the_thread, .signal = SIGABRT) {
    struct store *store = open_default();
    struct store_txn *txn = begin(store, STORE_WRITE);
    folder_remove(&folder); /* fini does not run after a signal */
    CHECK_OK(store_begin(store, STORE_WRITE, &txn));
}
