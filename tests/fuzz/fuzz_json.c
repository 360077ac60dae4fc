/* JSON in its one form. */
#include "ledger/json.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes input = bytes_of(data, size);
    static uint8_t memory[EVENT_SIZE_MAX];
    struct refusal why;
    struct writer w;
    json_t *value;
    if (jcs_parse(input, &value, &why) != STATUS_OK) {
        return 0;
    }
    writer_init(&w, memory, sizeof memory);
    enum status status = jcs_write(&w, value, &why);
    assert(status == STATUS_OK);
    fuzz_same(&w, input);
    json_decref(value);
    return 0;
}
