#include "tests/lib/check.h"

#include "crypto/encoding.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SHOWN_MAX 1200

void check_status(enum status actual, enum status expected, const char *file, int line) {
    cr_assert(actual == expected, "%s:%d: status is %s, not %s", file, line, status_name(actual),
              status_name(expected));
}

/* Makes bytes readable: what is not printable ASCII as \xNN. */
static void show(struct bytes b, char out[SHOWN_MAX]) {
    size_t at = 0;
    for (size_t i = 0; i < b.len && at + 5 < SHOWN_MAX; i++) {
        uint8_t c = b.data[i];
        if (c == '\n') {
            at += (size_t)snprintf(out + at, SHOWN_MAX - at, "\\n");
        } else if (c < 0x20 || c > 0x7e) {
            at += (size_t)snprintf(out + at, SHOWN_MAX - at, "\\x%02x", c);
        } else {
            out[at++] = (char)c;
        }
    }
    out[at] = '\0';
}

void check_bytes(struct bytes actual, struct bytes expected, const char *file, int line) {
    if (bytes_equal(actual, expected)) {
        return;
    }
    char a[SHOWN_MAX], e[SHOWN_MAX];
    show(actual, a);
    show(expected, e);
    cr_assert_fail("%s:%d: %zu bytes \"%s\", not %zu bytes \"%s\"", file, line, actual.len, a,
                   expected.len, e);
}

void check_hash(const struct hash *actual, const char *hex, const char *file, int line) {
    char text[HEX_LEN(HASH_SIZE) + 1];
    text[hex_encode(text, actual->bytes, HASH_SIZE)] = '\0';
    cr_assert(strcmp(text, hex) == 0, "%s:%d: hash is %s, not %s", file, line, text, hex);
}

void check_unhex(const char *hex, uint8_t *out, size_t len) {
    cr_assert(hex_decode(hex, strlen(hex), out, len), "not %zu bytes in hex: %s", len, hex);
}

void shared_path(const char *relative, char path[SHARED_PATH_MAX]) {
    const char *folder = getenv("DUTYLOG_SHARED");
    int n =
        snprintf(path, SHARED_PATH_MAX, "%s/%s", folder == NULL ? "../shared" : folder, relative);
    cr_assert(n > 0 && n < SHARED_PATH_MAX);
    if (access(path, R_OK) != 0) {
        fprintf(stderr, "skipped: %s is absent (DUTYLOG_SHARED names the folder to look in)\n",
                path);
        cr_skip_test("%s is absent", path);
    }
}
