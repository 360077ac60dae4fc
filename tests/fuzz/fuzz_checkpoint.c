/* Checkpoints: origin, size, root and extension lines are all of the text. */
#include "ledger/checkpoint.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes input = bytes_of(data, size);
    static uint8_t memory[CHECKPOINT_SIZE_MAX];
    struct note note;
    struct checkpoint checkpoint;
    struct refusal why;
    struct writer w;
    if (checkpoint_parse(input, &note, &checkpoint, &why) == STATUS_OK) {
        assert(checkpoint.size <= TREE_SIZE_MAX);
        writer_init(&w, memory, sizeof memory);
        checkpoint_format_text(&w, checkpoint.origin, checkpoint.size, &checkpoint.root);
        writer_bytes(&w, checkpoint.extensions);
        fuzz_same(&w, note.text);
    }
    return 0;
}
