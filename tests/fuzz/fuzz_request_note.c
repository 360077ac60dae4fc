/* Request notes, as they come in a header. */
#include "ledger/request_note.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes input = bytes_of(data, size);
    struct request_note note;
    struct refusal why;
    if (request_note_parse(input, &note, &why) == STATUS_OK) {
        assert(note.target.len > 0 && note.target.data[0] == '/');
        assert(note.target.len <= REQUEST_NOTE_TARGET_MAX && note.note.count == 1);
    }
    return 0;
}
