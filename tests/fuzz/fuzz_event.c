/* Events: the draft made of a parsed event writes its text again. Entries likewise. */
#include "ledger/event.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

/* Whatever is taken is read off its bytes the same, if it is read. */
static void check_known(const struct event *event) {
    struct event known;
    if (!event_read_known(event->all, &known)) {
        return;
    }
    assert(known.kind == event->kind && known.seq == event->seq);
    assert(bytes_equal(known.issuer, event->issuer) && hash_equal(&known.id, &event->id));
    assert(known.has_prev == event->has_prev && known.has_body == event->has_body);
    assert(!known.has_prev || hash_equal(&known.prev, &event->prev));
    assert(!known.has_body || hash_equal(&known.body, &event->body));
    assert(known.about.has_case == event->about.has_case);
    assert(memcmp(known.about.ori, event->about.ori, ORI_SIZE) == 0 || !known.about.has_case);
    assert(memcmp(known.about.handle, event->about.handle, HANDLE_SIZE) == 0 ||
           !known.about.has_case);
    assert(known.about.has_named == event->about.has_named);
    assert(!known.about.has_named || hash_equal(&known.about.named, &event->about.named));
}

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
    check_known(&event);
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
