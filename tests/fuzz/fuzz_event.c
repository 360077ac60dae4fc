/* Events: the draft made of a parsed event writes its text again. Entries likewise. */
#include "ledger/event.h"
#include "tests/fuzz/fuzz.h"

static void check_event(struct bytes input) {
    static uint8_t memory[EVENT_SIZE_MAX];
    struct event event;
    struct refusal why;
    struct writer w;
    if (event_parse(input, &event, &why) != STATUS_OK) {
        return;
    }
    struct event_draft draft = {
        .log = event.log,
        .issuer = event.issuer,
        .kind = bytes_text(event.kind->name),
        .seq = event.seq,
        .prev = event.has_prev ? &event.prev : NULL,
        .body = event.has_body ? &event.body : NULL,
        .open = event.open,
    };
    writer_init(&w, memory, sizeof memory);
    enum status status = event_format(&w, &draft, &why);
    assert(status == STATUS_OK);
    fuzz_same(&w, event.note.text);
    struct hash id;
    hash_of(event.note.text.data, event.note.text.len, &id);
    assert(hash_equal(&id, &event.id));
    event_release(&event);
}

static void check_entry(struct bytes input) {
    static uint8_t memory[ENTRY_SIZE_MAX];
    struct bytes note;
    struct refusal why;
    struct writer w;
    uint64_t received_ms;
    if (entry_parse(input, &received_ms, &note, &why) != STATUS_OK) {
        return;
    }
    if (input.len <= sizeof memory) {
        writer_init(&w, memory, sizeof memory);
        entry_format(&w, received_ms, note);
        fuzz_same(&w, input);
    }
    check_event(note);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    check_event(bytes_of(data, size));
    check_entry(bytes_of(data, size));
    return 0;
}
