#include "ledger/proof.h"

#include "crypto/encoding.h"

#include <assert.h>

#define FIRST_LINE "c2sp.org/tlog-proof@v1\n"
static_assert(BASE64_LEN(PROOF_EXTRA_MAX) + sizeof FIRST_LINE + 64 <= 2048,
              "PROOF_SIZE_MAX leaves room for what precedes the hashes");

/* "The second line MAY start with the string `extra`". */
static enum status parse_extra(struct reader *r, struct proof *out, struct refusal *why) {
    struct bytes encoded;
    size_t len;
    out->extra_len = 0;
    if (!reader_skip(r, "extra ")) {
        return STATUS_OK;
    }
    if (!reader_line(r, &encoded) ||
        !base64_canonical((const char *)encoded.data, encoded.len, &len) || len == 0) {
        return refuse(why, STATUS_BAD_FORM, "the extra line of a proof is not base64 of something");
    }
    if (len > PROOF_EXTRA_MAX) {
        return refuse(why, STATUS_TOO_LARGE, "the extra data of a proof is over %d bytes",
                      PROOF_EXTRA_MAX);
    }
    bool decoded = base64_decode((const char *)encoded.data, encoded.len, out->extra,
                                 PROOF_EXTRA_MAX, &out->extra_len);
    assert(decoded);
    return STATUS_OK;
}

static enum status parse_hashes(struct reader *r, struct merkle_proof *out, struct refusal *why) {
    out->count = 0;
    for (;;) {
        struct bytes line;
        if (!reader_line(r, &line)) {
            return refuse(why, STATUS_BAD_FORM, "the proof ends before its checkpoint");
        }
        if (line.len == 0) {
            return STATUS_OK;
        }
        if (out->count == MERKLE_PROOF_MAX) {
            return refuse(why, STATUS_BAD_FORM, "more than %d hashes are a proof in no tree",
                          MERKLE_PROOF_MAX);
        }
        if (!bytes_to_hash(line, &out->hashes[out->count])) {
            return refuse(why, STATUS_BAD_FORM, "a line of the proof is not a hash in base64");
        }
        out->count++;
    }
}

enum status proof_parse(struct bytes input, struct proof *out, struct refusal *why) {
    struct proof p;
    struct reader r;
    struct bytes index;
    if (input.len > PROOF_SIZE_MAX) {
        return refuse(why, STATUS_TOO_LARGE, "the proof is larger than %d bytes", PROOF_SIZE_MAX);
    }
    reader_init(&r, input);
    if (!reader_skip(&r, FIRST_LINE)) {
        return refuse(why, STATUS_BAD_FORM, "a proof starts with c2sp.org/tlog-proof@v1");
    }
    TRY(parse_extra(&r, &p, why));
    if (!reader_skip(&r, "index ") || !reader_line(&r, &index) || !bytes_to_u64(index, &p.index)) {
        return refuse(why, STATUS_BAD_FORM, "the index line of a proof is missing or no decimal");
    }
    TRY(parse_hashes(&r, &p.inclusion, why));
    p.checkpoint_note = r.rest;
    TRY(checkpoint_parse(r.rest, &p.note, &p.checkpoint, why));
    *out = p;
    return STATUS_OK;
}

void proof_format(struct writer *w, struct bytes extra, uint64_t index,
                  const struct merkle_proof *inclusion, struct bytes checkpoint_note) {
    assert(extra.len <= PROOF_EXTRA_MAX && inclusion->count <= MERKLE_PROOF_MAX);
    writer_text(w, FIRST_LINE);
    if (extra.len > 0) {
        writer_text(w, "extra ");
        uint8_t *room = writer_reserve(w, BASE64_LEN(extra.len));
        if (room != NULL) {
            base64_encode((char *)room, extra.data, extra.len);
        }
        writer_text(w, "\n");
    }
    writer_text(w, "index ");
    writer_decimal(w, index);
    writer_text(w, "\n");
    for (size_t i = 0; i < inclusion->count; i++) {
        writer_hash_base64(w, &inclusion->hashes[i]);
        writer_text(w, "\n");
    }
    writer_text(w, "\n");
    writer_bytes(w, checkpoint_note);
}

enum status proof_check_inclusion(const struct proof *proof, const struct hash *leaf) {
    bool included =
        merkle_inclusion_check(leaf, proof->index, proof->checkpoint.size, proof->inclusion.hashes,
                               proof->inclusion.count, &proof->checkpoint.root);
    return included ? STATUS_OK : STATUS_BAD_PROOF;
}
