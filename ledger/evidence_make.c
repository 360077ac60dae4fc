/* Making evidence (specs/evidence.md): every function here writes only what evidence_verify then
 * says is proved, so that a mistake in the making accuses nobody. */
#include "ledger/cosignature.h"
#include "ledger/evidence.h"
#include "ledger/proof.h"

#include <assert.h>
#include <string.h>

/* A part, reduced to its text and the accused's own lines. */
struct side {
    struct note note;
    struct checkpoint checkpoint;
    uint8_t memory[CHECKPOINT_SIZE_MAX];
    struct bytes part;
};

static enum status read_side(struct bytes bytes, const struct vkey *key, struct side *out) {
    struct writer w;
    bool any = false;
    TRY(checkpoint_parse(bytes, &out->note, &out->checkpoint, NULL));
    writer_init(&w, out->memory, sizeof out->memory);
    writer_bytes(&w, out->note.text);
    writer_u8(&w, '\n');
    for (size_t i = 0; i < out->note.count; i++) {
        if (note_signature_is_by(&out->note.signatures[i], key)) {
            writer_bytes(&w, out->note.signatures[i].line);
            any = true;
        }
    }
    assert(!w.failed); /* no longer than the note that it is taken from */
    out->part = writer_view(&w);
    return any ? STATUS_OK : STATUS_NOT_FOUND;
}

/* Writes the file if it proves something, else nothing. */
static enum status try_form(const struct evidence *evidence, const struct vkey *key,
                            struct writer *w) {
    size_t before = w->len;
    if (evidence_verify(evidence, key, NULL) != STATUS_OK) {
        return STATUS_NOT_FOUND;
    }
    evidence_format(w, evidence);
    if (w->failed) {
        w->len = before;
    }
    return writer_status(w);
}

static enum status of_two_sizes(const struct vkey *key, struct bytes smaller, struct bytes larger,
                                const struct merkle_proof *subproof, struct writer *w) {
    struct evidence evidence = {.form = 'd', .parts = {smaller, larger}};
    enum status status = STATUS_NOT_FOUND;
    if (key->type == VKEY_COSIGNATURE) {
        status = try_form(&evidence, key, w);
    }
    if (status == STATUS_NOT_FOUND && subproof != NULL && subproof->count > 0) {
        evidence.form = 'b';
        evidence.hashes = *subproof;
        status = try_form(&evidence, key, w);
    }
    return status;
}

enum status evidence_of_checkpoints(const struct vkey *key, struct bytes one, struct bytes two,
                                    const struct merkle_proof *subproof, struct writer *w) {
    struct side sides[2];
    if (read_side(one, key, &sides[0]) != STATUS_OK ||
        read_side(two, key, &sides[1]) != STATUS_OK) {
        return STATUS_NOT_FOUND;
    }
    if (sides[0].checkpoint.size == sides[1].checkpoint.size) {
        bool in_order = bytes_compare(sides[0].part, sides[1].part) < 0;
        struct evidence evidence = {.form = 'a',
                                    .parts = {sides[!in_order].part, sides[in_order].part}};
        return try_form(&evidence, key, w);
    }
    bool in_order = sides[0].checkpoint.size < sides[1].checkpoint.size;
    return of_two_sizes(key, sides[!in_order].part, sides[in_order].part, subproof, w);
}

enum status evidence_of_proofs(const struct vkey *key, struct bytes one,
                               const struct hash *leaf_one, struct bytes two,
                               const struct hash *leaf_two, struct writer *w) {
    struct proof proofs[2];
    const struct hash *leaves[2] = {leaf_one, leaf_two};
    struct bytes parts[2] = {one, two};
    if (proof_parse(one, &proofs[0], NULL) != STATUS_OK ||
        proof_parse(two, &proofs[1], NULL) != STATUS_OK) {
        return STATUS_NOT_FOUND;
    }
    bool in_order = proofs[0].checkpoint.size < proofs[1].checkpoint.size;
    struct evidence evidence = {.form = 'c', .parts = {parts[!in_order], parts[in_order]}};
    evidence.hashes.count = 2;
    evidence.hashes.hashes[0] = *leaves[!in_order];
    evidence.hashes.hashes[1] = *leaves[in_order];
    return try_form(&evidence, key, w);
}

/* --- what a file is about --- */

/* The signed checkpoint of a part, in form c that of a proof. */
static enum status part_note(const struct evidence *evidence, int which, struct note *note,
                             struct checkpoint *checkpoint) {
    if (evidence->form != 'c') {
        return checkpoint_parse(evidence->parts[which], note, checkpoint, NULL);
    }
    struct proof proof;
    TRY(proof_parse(evidence->parts[which], &proof, NULL));
    *note = proof.note;
    *checkpoint = proof.checkpoint;
    return STATUS_OK;
}

enum status evidence_origin(const struct evidence *evidence, struct bytes *origin) {
    struct note note;
    struct checkpoint checkpoint;
    TRY(part_note(evidence, 0, &note, &checkpoint));
    *origin = checkpoint.origin;
    return STATUS_OK;
}

size_t evidence_lines(const struct evidence *evidence, const struct vkey *key) {
    size_t lines = 0;
    for (int which = 0; which < 2; which++) {
        struct note note;
        struct checkpoint checkpoint;
        if (part_note(evidence, which, &note, &checkpoint) != STATUS_OK) {
            return 0;
        }
        for (size_t i = 0; i < note.count; i++) {
            lines += note_signature_is_by(&note.signatures[i], key);
        }
    }
    return lines;
}
