/* What the harnesses share. Each tests/fuzz/fuzz_<name>.c hands bytes to one parser and asserts
 * what its header promises: bytes that parse are written back the same. `make fuzz` links a harness
 * with libFuzzer, `make test` with tests/fuzz/replay.c. */
#ifndef DUTYLOG_TESTS_FUZZ_FUZZ_H
#define DUTYLOG_TESTS_FUZZ_FUZZ_H

#include "ledger/bytes.h"

#include <assert.h>

/* libFuzzer's entry point, a harness's only one. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Asserts that what was written is the input again. */
static inline void fuzz_same(const struct writer *w, struct bytes input) {
    assert(!w->failed);
    assert(bytes_equal(writer_view(w), input));
}

#endif
