/* JSON in its one form; and our reader of that form against jansson, which parses the same text and
 * is written again. */
#include "ledger/json_read.h"
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
    json_t *theirs =
        json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    json_t *ours = jcs_read_canonical(input);
    assert(theirs != NULL && ours != NULL && json_equal(theirs, value) && json_equal(ours, value));
    json_decref(theirs);
    json_decref(ours);
    writer_init(&w, memory, sizeof memory);
    enum status status = jcs_write(&w, value, &why);
    assert(status == STATUS_OK);
    fuzz_same(&w, input);
    json_decref(value);
    return 0;
}
