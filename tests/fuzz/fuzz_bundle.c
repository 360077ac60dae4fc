/* Entry bundles. */
#include "ledger/tile.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes input = bytes_of(data, size);
    uint8_t *memory = malloc(size + 1);
    struct reader r;
    struct writer w;
    struct bytes entry;
    assert(memory != NULL);
    reader_init(&r, input);
    writer_init(&w, memory, size);
    while (bundle_next(&r, &entry)) {
        bundle_put(&w, entry);
    }
    assert(!w.failed);
    if (!r.failed) {
        fuzz_same(&w, input);
    } else {
        assert(w.len < size); /* what is whole before the truncation */
    }
    free(memory);
    return 0;
}
