#include "ledger/request_note.h"

#include "crypto/encoding.h"

#include <assert.h>
#include <string.h>

static const char first_line[] = "dutylog/request/v1";

/* Visible ASCII: what a request line of HTTP is made of. */
static bool is_word(struct bytes text, size_t max) {
    if (text.len == 0 || text.len > max) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= 0x20 || text.data[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

static bool values_valid(const struct request_note *values) {
    return note_name_valid(values->origin) && is_word(values->method, REQUEST_NOTE_METHOD_MAX) &&
           is_word(values->target, REQUEST_NOTE_TARGET_MAX) && values->target.data[0] == '/';
}

static bool read_text(struct bytes text, struct request_note *out) {
    struct reader r;
    struct bytes first;
    struct bytes expires;
    struct bytes nonce;
    reader_init(&r, text);
    return reader_line(&r, &first) && bytes_equal(first, bytes_text(first_line)) &&
           reader_line(&r, &out->origin) && reader_line(&r, &out->method) &&
           reader_line(&r, &out->target) && reader_line(&r, &expires) && reader_line(&r, &nonce) &&
           reader_done(&r) && values_valid(out) && bytes_to_u64(expires, &out->expires) &&
           hex_decode((const char *)nonce.data, nonce.len, out->nonce, sizeof out->nonce);
}

enum status request_note_parse(struct bytes input, struct request_note *out, struct refusal *why) {
    struct request_note parsed;
    if (input.len > REQUEST_NOTE_SIZE_MAX) {
        return refuse(why, STATUS_TOO_LARGE, "a request note has at most %d bytes",
                      REQUEST_NOTE_SIZE_MAX);
    }
    TRY(note_parse(input, &parsed.note, why));
    if (parsed.note.count != 1) {
        return refuse(why, STATUS_BAD_FORM, "a request note has one signature, this has %zu",
                      parsed.note.count);
    }
    if (!read_text(parsed.note.text, &parsed)) {
        return refuse(why, STATUS_BAD_FORM,
                      "a request note has six lines: dutylog/request/v1, the log's origin, the "
                      "method, the path with its query, the expiry in unix seconds, 16 random "
                      "bytes in hex");
    }
    *out = parsed;
    return STATUS_OK;
}

void request_note_make(struct writer *w, const struct request_note *values,
                       const struct signer *signer) {
    char nonce[HEX_LEN(REQUEST_NOTE_NONCE_SIZE)];
    size_t start = w->len;
    assert(values_valid(values));
    hex_encode(nonce, values->nonce, sizeof values->nonce);
    writer_text(w, first_line);
    writer_u8(w, '\n');
    writer_bytes(w, values->origin);
    writer_u8(w, '\n');
    writer_bytes(w, values->method);
    writer_u8(w, '\n');
    writer_bytes(w, values->target);
    writer_u8(w, '\n');
    writer_decimal(w, values->expires);
    writer_u8(w, '\n');
    writer_put(w, nonce, sizeof nonce);
    writer_u8(w, '\n');
    if (w->failed) {
        return;
    }
    struct bytes text = bytes_of(w->data + start, w->len - start);
    writer_u8(w, '\n');
    note_sign(w, text, signer);
}
