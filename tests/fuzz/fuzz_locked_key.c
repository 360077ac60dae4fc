/* Locked key files; opening them is left out, since it is slow on purpose. */
#include "ledger/locked_key.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes input = bytes_of(data, size);
    struct locked_key key;
    struct refusal why;
    uint8_t memory[LOCKED_KEY_SIZE_MAX];
    struct writer w;
    if (locked_key_parse(input, &key, &why) == STATUS_OK) {
        assert(lock_cost_valid(&key.cost));
        writer_init(&w, memory, sizeof memory);
        locked_key_format(&w, &key);
        fuzz_same(&w, input);
    }
    return 0;
}
