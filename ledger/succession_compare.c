#include "ledger/succession_compare.h"

#include "ledger/proof.h"

#include <string.h>

static bool parse_kind(struct bytes note, enum kind_id kind, struct event *out) {
    if (event_parse(note, out, NULL) != STATUS_OK) {
        return false;
    }
    if (out->kind->id == kind) {
        return true;
    }
    event_release(out);
    return false;
}

static enum succession_bearing bearing_of(const struct receipt_item *event,
                                          const struct succession *said, bool binds) {
    struct proof proof;
    if (proof_parse(event->proof, &proof, NULL) != STATUS_OK) {
        return SUCCESSION_UNRELATED;
    }
    if (!binds) {
        return SUCCESSION_NOT_BINDING;
    }
    if (proof.checkpoint.size == said->checkpoint.size &&
        !hash_equal(&proof.checkpoint.root, &said->checkpoint.root)) {
        return SUCCESSION_FORKS;
    }
    return proof.index < said->checkpoint.size ? SUCCESSION_COVERS : SUCCESSION_ABANDONS;
}

static void compare(const struct receipt_item *event, const struct event *opened_event,
                    const struct event *succeeded, struct succession_finding *out) {
    struct opened opened;
    struct succession said;
    struct proof proof;
    opened_of(opened_event, &opened);
    succession_of(succeeded, &said);
    if (!vkey_equal(&said.old, &opened.log_vkey)) {
        return;
    }
    out->bearing = bearing_of(event, &said, succession_by_roots(succeeded, &opened));
    if (proof_parse(event->proof, &proof, NULL) == STATUS_OK) {
        out->index = proof.index;
    }
    out->size = said.checkpoint.size;
    memcpy(out->old, said.old.name, sizeof out->old);
    memcpy(out->successor, said.successor.name, sizeof out->successor);
}

void succession_compare(const struct receipt *of_event, const struct receipt *of_succession,
                        struct succession_finding *out) {
    struct event opened;
    struct event succeeded;
    memset(out, 0, sizeof *out);
    out->bearing = SUCCESSION_UNRELATED;
    if (of_event->count == 0 || of_succession->count == 0 ||
        !parse_kind(of_event->items[0].note, KIND_LOG_OPENED, &opened)) {
        return;
    }
    if (parse_kind(of_succession->items[of_succession->count - 1].note, KIND_LOG_SUCCEEDED,
                   &succeeded)) {
        compare(&of_event->items[of_event->count - 1], &opened, &succeeded, out);
        event_release(&succeeded);
    }
    event_release(&opened);
}
