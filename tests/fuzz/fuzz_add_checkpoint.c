/* The body of add-checkpoint. */
#include "ledger/mirror.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes input = bytes_of(data, size);
    static struct add_checkpoint request;
    struct refusal why;
    struct writer w;
    if (add_checkpoint_parse(input, &request, &why) != STATUS_OK) {
        return 0;
    }
    uint8_t *memory = malloc(size);
    assert(memory != NULL);
    writer_init(&w, memory, size);
    add_checkpoint_format(&w, request.old_size, &request.proof, request.note_bytes);
    fuzz_same(&w, input);
    free(memory);
    return 0;
}
