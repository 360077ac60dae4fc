/* The outer form of evidence files. What they prove: evidence_verify.c. */
#include "ledger/evidence.h"

#include <assert.h>

#define FIRST_LINE "dutylog/evidence/v1 "

/* How many hashes each form carries. */
static bool form_has(char form, size_t hashes) {
    switch (form) {
    case 'a':
    case 'd':
        return hashes == 0;
    case 'b':
        return hashes >= 1;
    case 'c':
        return hashes == 2;
    default:
        return false;
    }
}

static enum status parse_form(struct reader *r, char *form, struct refusal *why) {
    struct bytes line;
    if (!reader_skip(r, FIRST_LINE) || !reader_line(r, &line) || line.len != 1) {
        return refuse(why, STATUS_BAD_FORM, "evidence starts with dutylog/evidence/v1 <form>");
    }
    *form = (char)line.data[0];
    if (*form < 'a' || *form > 'd') {
        return refuse(why, STATUS_BAD_FORM, "the form is not a, b, c or d");
    }
    return STATUS_OK;
}

static enum status parse_part(struct reader *r, int number, struct bytes *part,
                              struct refusal *why) {
    struct bytes line;
    uint64_t size;
    if (!reader_skip(r, "part ") || !reader_line(r, &line) || !bytes_to_u64(line, &size) ||
        size == 0) {
        return refuse(why, STATUS_BAD_FORM, "part %d: no line \"part <bytes>\"", number);
    }
    /* The input is at most EVIDENCE_SIZE_MAX, so that a size which does not fit size_t is refused
     * here too. */
    if (size > r->rest.len || !reader_take(r, (size_t)size, part)) {
        return refuse(why, STATUS_BAD_FORM, "part %d: the file ends within it", number);
    }
    return STATUS_OK;
}

static enum status parse_hashes(struct reader *r, char form, struct merkle_proof *hashes,
                                struct refusal *why) {
    hashes->count = 0;
    while (!reader_done(r)) {
        struct bytes line;
        if (!reader_line(r, &line) || hashes->count == MERKLE_PROOF_MAX ||
            !bytes_to_hash(line, &hashes->hashes[hashes->count])) {
            return refuse(why, STATUS_BAD_FORM, "after the parts: line %zu is no hash in base64",
                          hashes->count + 1);
        }
        hashes->count++;
    }
    if (!form_has(form, hashes->count)) {
        return refuse(why, STATUS_BAD_FORM, "form %c does not have %zu hashes", form,
                      hashes->count);
    }
    return STATUS_OK;
}

enum status evidence_parse(struct bytes input, struct evidence *out, struct refusal *why) {
    struct evidence evidence;
    struct reader r;
    if (input.len > EVIDENCE_SIZE_MAX) {
        return refuse(why, STATUS_TOO_LARGE, "evidence has at most %d bytes", EVIDENCE_SIZE_MAX);
    }
    reader_init(&r, input);
    TRY(parse_form(&r, &evidence.form, why));
    TRY(parse_part(&r, 1, &evidence.parts[0], why));
    TRY(parse_part(&r, 2, &evidence.parts[1], why));
    TRY(parse_hashes(&r, evidence.form, &evidence.hashes, why));
    if (evidence.form == 'a' && bytes_compare(evidence.parts[0], evidence.parts[1]) >= 0) {
        return refuse(why, STATUS_BAD_CANONICAL, "form a: the parts are not in bytewise order");
    }
    *out = evidence;
    return STATUS_OK;
}

void evidence_format(struct writer *w, const struct evidence *evidence) {
    assert(form_has(evidence->form, evidence->hashes.count));
    assert(evidence->hashes.count <= MERKLE_PROOF_MAX);
    writer_text(w, FIRST_LINE);
    writer_u8(w, (uint8_t)evidence->form);
    writer_text(w, "\n");
    for (size_t i = 0; i < 2; i++) {
        assert(evidence->parts[i].len > 0);
        writer_text(w, "part ");
        writer_decimal(w, evidence->parts[i].len);
        writer_text(w, "\n");
        writer_bytes(w, evidence->parts[i]);
    }
    for (size_t i = 0; i < evidence->hashes.count; i++) {
        writer_hash_base64(w, &evidence->hashes.hashes[i]);
        writer_text(w, "\n");
    }
}
