/* Signed notes: text, empty line and signature lines are all there is to one. */
#include "ledger/note.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

/* A line is its name, key ID and decoded bytes, and nothing else. */
static void line_again(struct writer *w, const struct note_signature *signature) {
    uint8_t blob[256];
    size_t len;
    if (signature->blob_len > sizeof blob) {
        assert(note_signature_decode(signature, blob, sizeof blob, &len) == STATUS_TOO_LARGE);
        writer_bytes(w, signature->line);
        return;
    }
    enum status status = note_signature_decode(signature, blob, sizeof blob, &len);
    assert(status == STATUS_OK && len == signature->blob_len);
    note_append_line(w, signature->name, signature->key_id, blob, len);
}

static void check_lines(struct bytes input, uint8_t *memory) {
    struct note_signature lines[NOTE_SIGNATURES_MAX];
    size_t count;
    struct writer w;
    if (note_parse_lines(input, lines, NOTE_SIGNATURES_MAX, &count, NULL) != STATUS_OK) {
        return;
    }
    writer_init(&w, memory, input.len);
    for (size_t i = 0; i < count; i++) {
        line_again(&w, &lines[i]);
    }
    fuzz_same(&w, input);
}

static void check_note(struct bytes input, uint8_t *memory) {
    struct note note;
    struct refusal why;
    struct writer w;
    if (note_parse(input, &note, &why) != STATUS_OK) {
        return;
    }
    assert(note.count > 0 && note_text_valid(note.text));
    writer_init(&w, memory, input.len);
    writer_bytes(&w, note.text);
    writer_text(&w, "\n");
    for (size_t i = 0; i < note.count; i++) {
        line_again(&w, &note.signatures[i]);
    }
    fuzz_same(&w, input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    uint8_t *memory = malloc(size + 1);
    assert(memory != NULL);
    check_note(bytes_of(data, size), memory);
    check_lines(bytes_of(data, size), memory);
    free(memory);
    return 0;
}
