#include "tools/make_event.h"

enum status make_event(struct writer *w, const struct event_draft *draft,
                       const struct signer *const *signers, size_t count, struct hash *id,
                       struct refusal *why) {
    uint8_t memory[EVENT_SIZE_MAX];
    struct writer text;
    struct event parsed;
    writer_init(&text, memory, sizeof memory);
    TRY(event_format(&text, draft, why));
    TRY(event_sign(w, writer_view(&text), signers, count, why));
    TRY(event_parse(writer_view(w), &parsed, why));
    if (id != NULL) {
        *id = parsed.id;
    }
    event_release(&parsed);
    return STATUS_OK;
}
