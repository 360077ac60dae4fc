/* Assertions on our own types for Criterion tests, and the finding of shared vectors. On failure
 * they name the file and line of the caller. */
#ifndef DUTYLOG_TESTS_LIB_CHECK_H
#define DUTYLOG_TESTS_LIB_CHECK_H

#include "ledger/bytes.h"

#include <stddef.h>

/* The status of `expression` is `expected`. */
#define CHECK_STATUS(expression, expected)                                                         \
    check_status((expression), (expected), __FILE__, __LINE__)
/* It is STATUS_OK. */
#define CHECK_OK(expression) CHECK_STATUS(expression, STATUS_OK)
/* Two struct bytes hold the same. */
#define CHECK_BYTES(actual, expected) check_bytes((actual), (expected), __FILE__, __LINE__)
/* A struct bytes holds the text of a C string. */
#define CHECK_TEXT(actual, expected) CHECK_BYTES((actual), bytes_text(expected))
/* A hash has this value in hex. */
#define CHECK_HASH(actual, hex) check_hash((actual), (hex), __FILE__, __LINE__)

void check_status(enum status actual, enum status expected, const char *file, int line);
void check_bytes(struct bytes actual, struct bytes expected, const char *file, int line);
void check_hash(const struct hash *actual, const char *hex, const char *file, int line);

/* Decodes hex that the test itself wrote; `hex` has exactly 2 * len characters. */
void check_unhex(const char *hex, uint8_t *out, size_t len);

#define SHARED_PATH_MAX 1024
/* Fills `path` with where a file shared between projects is: under $DUTYLOG_SHARED, or ../shared
 * seen from the project's root. Where it is absent the test says so and is skipped: the call does
 * not return. */
void shared_path(const char *relative, char path[SHARED_PATH_MAX]);

#endif
