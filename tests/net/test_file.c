#include "net/file.h"

#include "tests/lib/folder.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct folder folder;
static char path[600];
static struct refusal why;

static void setup(void) {
    folder_make(&folder);
    snprintf(path, sizeof path, "%s/file", folder.path);
    memset(&why, 0, sizeof why);
}

static void teardown(void) {
    folder_remove(&folder);
}

static void expect(const char *file, const char *content) {
    struct buffer b;
    buffer_init(&b, 1000);
    cr_assert_eq(file_read(file, &b, &why), STATUS_OK, "%s", why.text);
    cr_assert(bytes_equal(buffer_view(&b), bytes_text(content)));
    buffer_clear(&b);
}

static bool exists(const char *file) {
    return access(file, F_OK) == 0;
}

Test(file, writes_and_reads, .init = setup, .fini = teardown) {
    cr_assert_eq(file_write(path, bytes_text("one"), &why), STATUS_OK, "%s", why.text);
    expect(path, "one");
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
    cr_assert_eq(file_write(path, bytes_text(""), &why), STATUS_OK);
    expect(path, "");
    /* Neither what a crash left beside it nor a readable mode of the old file stands in the way. */
    char beside[620];
    snprintf(beside, sizeof beside, "%s.new", path);
    cr_assert_eq(symlink("/nowhere/at/all", beside), 0);
    cr_assert_eq(chmod(path, 0644), 0);
    cr_assert_eq(file_write(path, bytes_text("two"), &why), STATUS_OK, "%s", why.text);
    expect(path, "two");
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
    cr_assert_not(exists(beside));
    /* In the present folder too. */
    cr_assert_eq(chdir(folder.path), 0);
    cr_assert_eq(file_write("here", bytes_text("here"), &why), STATUS_OK, "%s", why.text);
    expect("here", "here");
}

Test(file, refuses_to_read, .init = setup, .fini = teardown) {
    struct buffer b;
    buffer_init(&b, 4);
    cr_assert_eq(file_read(path, &b, &why), STATUS_NOT_FOUND);
    cr_assert_not_null(strstr(why.text, path));
    cr_assert_eq(file_read(folder.path, &b, &why), STATUS_IO);
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_assert_eq(file_read(path, &b, &why), STATUS_IO, "it must not wait for a writer");
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(file_write(path, bytes_text("1234"), &why), STATUS_OK);
    cr_assert_eq(file_read(path, &b, &why), STATUS_OK);
    cr_assert_eq(b.len, 4);
    buffer_clear(&b);
    cr_assert_eq(file_write(path, bytes_text("12345"), &why), STATUS_OK);
    cr_assert_eq(file_read(path, &b, &why), STATUS_TOO_LARGE);
    cr_assert_not_null(strstr(why.text, "4 bytes"));
    buffer_clear(&b);
}

Test(file, reads_large_files, .init = setup, .fini = teardown) {
    static uint8_t data[300000];
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 7 + i / 251);
    }
    cr_assert_eq(file_write(path, bytes_of(data, sizeof data), &why), STATUS_OK);
    struct buffer b;
    buffer_init(&b, sizeof data);
    cr_assert_eq(file_read(path, &b, &why), STATUS_OK);
    cr_assert(bytes_equal(buffer_view(&b), bytes_of(data, sizeof data)));
    buffer_clear(&b);
    buffer_init(&b, sizeof data - 1);
    cr_assert_eq(file_read(path, &b, &why), STATUS_TOO_LARGE);
    buffer_clear(&b);
}

Test(file, keeps_secrets, .init = setup, .fini = teardown) {
    struct buffer b;
    buffer_init(&b, 100);
    cr_assert_eq(file_write(path, bytes_text("secret"), &why), STATUS_OK);
    cr_assert_eq(file_check_secret(path, &why), STATUS_OK);
    cr_assert_eq(file_read_secret(path, &b, &why), STATUS_OK);
    cr_assert(bytes_equal(buffer_view(&b), bytes_text("secret")));
    buffer_wipe(&b);
    for (unsigned bit = 0; bit < 6; bit++) {
        cr_assert_eq(chmod(path, 0600 | 1U << bit), 0);
        cr_assert_eq(file_check_secret(path, &why), STATUS_DENIED_KEY, "mode %o", 0600 | 1U << bit);
        cr_assert_not_null(strstr(why.text, "chmod 600"));
        cr_assert_eq(file_read_secret(path, &b, &why), STATUS_DENIED_KEY);
        cr_assert_eq(b.len, 0);
    }
    cr_assert_eq(chmod(path, 0400), 0);
    cr_assert_eq(file_check_secret(path, &why), STATUS_OK);
    cr_assert_eq(file_check_secret(folder.path, &why), STATUS_IO);
    cr_assert_eq(file_check_secret("/nowhere", &why), STATUS_NOT_FOUND);
    if (geteuid() == 0) {
        cr_assert_eq(chown(path, 12345, 12345), 0);
        cr_assert_eq(file_check_secret(path, &why), STATUS_DENIED_KEY);
        cr_assert_not_null(strstr(why.text, "chown"));
    }
}

Test(file, creates_but_never_overwrites, .init = setup, .fini = teardown) {
    cr_assert_eq(file_create(path, bytes_text("first"), &why), STATUS_OK, "%s", why.text);
    cr_assert_eq(file_create(path, bytes_text("second"), &why), STATUS_CONFLICT_USED);
    expect(path, "first");
    char beside[620];
    snprintf(beside, sizeof beside, "%s.new", path);
    cr_assert_not(exists(beside));
}

Test(file, refuses_to_write, .init = setup, .fini = teardown) {
    char other[620];
    snprintf(other, sizeof other, "%s/none/file", folder.path);
    cr_assert_eq(file_write(other, bytes_text("x"), &why), STATUS_IO);
    cr_assert_not_null(strstr(why.text, other));
    /* Over a folder: what is there stays, nothing is left beside it. */
    snprintf(other, sizeof other, "%s/folder", folder.path);
    cr_assert_eq(file_make_folder(other, &why), STATUS_OK);
    cr_assert_eq(file_write(other, bytes_text("x"), &why), STATUS_IO);
    char beside[640];
    snprintf(beside, sizeof beside, "%s.new", other);
    cr_assert_not(exists(beside));
    static char longest[3000];
    memset(longest, 'a', sizeof longest - 1);
    cr_assert_eq(file_write(longest, bytes_text("x"), &why), STATUS_IO);
}

Test(file, makes_folders, .init = setup, .fini = teardown) {
    cr_assert_eq(file_make_folder(path, &why), STATUS_OK);
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0700);
    cr_assert_eq(file_make_folder(path, &why), STATUS_OK, "there already");
    cr_assert_eq(rmdir(path), 0);
    cr_assert_eq(file_write(path, bytes_text("x"), &why), STATUS_OK);
    cr_assert_eq(file_make_folder(path, &why), STATUS_IO, "a file stands there");
}

/* systemd gives a credential to a service by an access list, which stat shows as a group's right.
 */
Test(file, takes_credentials_as_systemd_gives_them, .init = setup, .fini = teardown) {
    cr_assert_eq(file_write(path, bytes_text("secret"), &why), STATUS_OK, "%s", why.text);
    cr_assert_eq(chmod(path, 0440), 0);
    cr_assert_eq(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    cr_assert_eq(file_check_secret(path, &why), STATUS_DENIED_KEY);
    cr_assert_eq(setenv("CREDENTIALS_DIRECTORY", folder.path, 1), 0);
    cr_assert_eq(file_check_secret(path, &why), STATUS_OK, "%s", why.text);
    static const mode_t bad[] = {0460, 0450, 0444, 0442, 0441};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_assert_eq(chmod(path, bad[i]), 0);
        cr_assert_eq(file_check_secret(path, &why), STATUS_DENIED_KEY, "mode %o", bad[i]);
    }
    /* Only directly in that folder. */
    cr_assert_eq(chmod(path, 0440), 0);
    char other[700];
    snprintf(other, sizeof other, "%s/below", folder.path);
    cr_assert_eq(mkdir(other, 0700), 0);
    snprintf(other, sizeof other, "%s/below/../file", folder.path);
    cr_assert_eq(file_check_secret(other, &why), STATUS_DENIED_KEY);
    snprintf(other, sizeof other, "%s/below", folder.path);
    cr_assert_eq(setenv("CREDENTIALS_DIRECTORY", other, 1), 0);
    cr_assert_eq(file_check_secret(path, &why), STATUS_DENIED_KEY);
    cr_assert_eq(setenv("CREDENTIALS_DIRECTORY", "", 1), 0);
    cr_assert_eq(file_check_secret(path, &why), STATUS_DENIED_KEY);
    snprintf(other, sizeof other, "%s/below", folder.path);
    cr_assert_eq(rmdir(other), 0);
}
