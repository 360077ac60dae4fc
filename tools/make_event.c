#include "tools/make_event.h"

#include "net/file.h"

#include <stdio.h>

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

enum status make_event_into(struct outbox *outbox, struct place *place, const char *kind,
                            const json_t *open, const struct signer *const *signers, size_t count,
                            struct refusal *why) {
    uint8_t note[EVENT_SIZE_MAX];
    char path[OUTBOX_PATH_MAX + 16];
    char base[OUTBOX_PATH_MAX];
    struct writer w;
    struct hash id;
    struct bytes issuer = vkey_name(&signers[0]->vkey);
    struct event_draft draft = {.log = bytes_text(place->log),
                                .issuer = issuer,
                                .kind = bytes_text(kind),
                                .seq = place->seq,
                                .prev = place->has_prev ? &place->prev : NULL,
                                .open = open};
    writer_init(&w, note, sizeof note);
    TRY(make_event(&w, &draft, signers, count, &id, why));
    TRY(outbox_base(outbox, issuer, place->seq, base, why));
    snprintf(path, sizeof path, "%s.event", base);
    TRY(file_create(path, writer_view(&w), why));
    place->seq++;
    place->has_prev = true;
    place->prev = id;
    return STATUS_OK;
}
