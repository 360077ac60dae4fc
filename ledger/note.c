#include "ledger/note.h"

#include "crypto/encoding.h"

#include <assert.h>
#include <string.h>

#define DASH "\xe2\x80\x94 " /* em dash (U+2014), space */
#define KEY_ID_SIZE 4

/* Base64 comes in groups of 4 characters for 3 bytes. The key ID ends within the second group, so
 * the first two are coded apart from the rest; no signature, however long, needs a buffer. */
#define HEAD_BYTES 6
#define HEAD_CHARACTERS 8
static_assert(HEAD_CHARACTERS == BASE64_LEN(HEAD_BYTES), "whole groups");
static_assert(HEAD_BYTES > KEY_ID_SIZE, "the head holds the key ID and some of the signature");

/* Unicode's White_Space property (PropList.txt). */
static bool is_space(uint32_t rune) {
    return (rune >= 0x09 && rune <= 0x0d) || rune == 0x20 || rune == 0x85 || rune == 0xa0 ||
           rune == 0x1680 || (rune >= 0x2000 && rune <= 0x200a) || rune == 0x2028 ||
           rune == 0x2029 || rune == 0x202f || rune == 0x205f || rune == 0x3000;
}

bool note_name_valid(struct bytes name) {
    if (name.len == 0 || name.len > NAME_SIZE_MAX) {
        return false;
    }
    struct reader r;
    reader_init(&r, name);
    while (r.rest.len > 0) {
        uint32_t rune = r.rest.data[0];
        if (rune > 0x20 && rune < 0x7f && rune != '+') { /* nearly all are such */
            r.rest = bytes_of(r.rest.data + 1, r.rest.len - 1);
            continue;
        }
        if (!reader_rune(&r, &rune) || rune < 0x20 || rune == '+' || is_space(rune)) {
            return false;
        }
    }
    return true;
}

bool note_text_valid(struct bytes text) {
    if (text.len == 0 || text.data[text.len - 1] != '\n') {
        return false;
    }
    size_t i = 0;
    while (i < text.len) {
        /* Eight bytes at a step while none is below 0x20: then no subtraction borrows into a byte
         * whose top bit was clear. */
        uint64_t eight;
        if (text.len - i >= sizeof eight) {
            memcpy(&eight, text.data + i, sizeof eight);
            if (((eight - UINT64_C(0x2020202020202020)) & ~eight & UINT64_C(0x8080808080808080)) ==
                0) {
                i += sizeof eight;
                continue;
            }
        }
        if (text.data[i] < 0x20 && text.data[i] != '\n') {
            return false;
        }
        i++;
    }
    return bytes_utf8_valid(text);
}

/* Parses one signature line; `line` ends in its newline. */
static enum status parse_line(struct bytes line, struct note_signature *out, struct refusal *why) {
    struct reader r;
    struct bytes name, encoded;
    reader_init(&r, line);
    if (!reader_skip(&r, DASH)) {
        return refuse(why, STATUS_BAD_FORM,
                      "after the last empty line stands a line that is not a signature line");
    }
    /* A key name holds no space, nor does base64: the next one is what separates them. */
    if (!reader_until(&r, ' ', &name) || !reader_line(&r, &encoded)) {
        return refuse(why, STATUS_BAD_FORM, "a signature line lacks its signature");
    }
    if (!note_name_valid(name)) {
        return refuse(why, STATUS_BAD_FORM, "the key name of a signature line is not one");
    }
    const char *characters = (const char *)encoded.data;
    size_t blob_len;
    if (!base64_canonical(characters, encoded.len, &blob_len) || blob_len <= KEY_ID_SIZE) {
        return refuse(why, STATUS_BAD_FORM,
                      "the signature by %.*s is not canonical base64 of a key ID and a signature",
                      (int)name.len, (const char *)name.data);
    }
    uint8_t head[HEAD_BYTES];
    size_t head_len;
    bool decoded = base64_decode(characters, HEAD_CHARACTERS, head, sizeof head, &head_len);
    /* More than KEY_ID_SIZE bytes are more than one group, and the whole is canonical. */
    assert(decoded && head_len > KEY_ID_SIZE);
    *out = (struct note_signature){
        .line = line,
        .name = name,
        .encoded = encoded,
        .key_id = (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 |
                  (uint32_t)head[3],
        .blob_len = blob_len - KEY_ID_SIZE,
    };
    return STATUS_OK;
}

/* Parses lines that are known to be UTF-8 without control characters into `out`, which may be left
 * half filled. */
static enum status parse_lines(struct bytes input, struct note_signature *out, size_t cap,
                               size_t *count, struct refusal *why) {
    struct reader r;
    size_t n = 0;
    reader_init(&r, input);
    while (r.rest.len > 0) {
        struct bytes line;
        const uint8_t *start = r.rest.data;
        if (!reader_line(&r, &line)) {
            return refuse(why, STATUS_BAD_FORM, "the last signature line lacks its newline");
        }
        if (n == cap) {
            return refuse(why, STATUS_TOO_LARGE, "more than %zu signature lines", cap);
        }
        TRY(parse_line(bytes_of(start, line.len + 1), &out[n], why));
        n++;
    }
    *count = n;
    return STATUS_OK;
}

enum status note_parse(struct bytes input, struct note *out, struct refusal *why) {
    if (!note_text_valid(input)) {
        return refuse(why, STATUS_BAD_FORM,
                      "a note is UTF-8 without control characters but newline, and ends in one");
    }
    /* "the text is separated from the signatures by the last empty line in the note": the last
     * newline that another follows, since the text, which ends in one, is not empty itself. */
    size_t text_len = input.len - 1;
    while (text_len > 0 && (input.data[text_len - 1] != '\n' || input.data[text_len] != '\n')) {
        text_len--;
    }
    if (text_len == 0) {
        return refuse(why, STATUS_BAD_FORM, "no empty line between a text and signatures");
    }
    struct note_signature signatures[NOTE_SIGNATURES_MAX];
    size_t count;
    struct bytes lines = bytes_of(input.data + text_len + 1, input.len - text_len - 1);
    TRY(parse_lines(lines, signatures, NOTE_SIGNATURES_MAX, &count, why));
    if (count == 0) {
        return refuse(why, STATUS_BAD_FORM, "the note has no signature line");
    }
    out->all = input;
    out->text = bytes_of(input.data, text_len);
    memcpy(out->signatures, signatures, count * sizeof signatures[0]);
    out->count = count;
    return STATUS_OK;
}

enum status note_parse_lines(struct bytes input, struct note_signature *out, size_t cap,
                             size_t *count, struct refusal *why) {
    assert(cap <= NOTE_SIGNATURES_MAX);
    if (input.len > 0 && !note_text_valid(input)) {
        return refuse(why, STATUS_BAD_FORM,
                      "signature lines are UTF-8 without control characters, each with a newline");
    }
    struct note_signature signatures[NOTE_SIGNATURES_MAX];
    size_t n;
    TRY(parse_lines(input, signatures, cap, &n, why));
    if (n > 0) {
        memcpy(out, signatures, n * sizeof signatures[0]);
    }
    *count = n;
    return STATUS_OK;
}

enum status note_signature_decode(const struct note_signature *signature, uint8_t *out, size_t cap,
                                  size_t *len) {
    if (signature->blob_len > cap) {
        return STATUS_TOO_LARGE;
    }
    const char *characters = (const char *)signature->encoded.data;
    uint8_t head[HEAD_BYTES];
    size_t head_len;
    bool good = base64_decode(characters, HEAD_CHARACTERS, head, sizeof head, &head_len);
    assert(good && head_len > KEY_ID_SIZE); /* checked when it was parsed */
    size_t first = head_len - KEY_ID_SIZE;
    size_t rest = 0;
    memcpy(out, head + KEY_ID_SIZE, first);
    if (signature->encoded.len > HEAD_CHARACTERS) {
        good = base64_decode(characters + HEAD_CHARACTERS, signature->encoded.len - HEAD_CHARACTERS,
                             out + first, cap - first, &rest);
        assert(good);
    }
    assert(first + rest == signature->blob_len);
    *len = signature->blob_len;
    return STATUS_OK;
}

bool note_signature_is_by(const struct note_signature *signature, const struct vkey *key) {
    return signature->key_id == key->id && bytes_equal(signature->name, vkey_name(key));
}

bool note_signature_verify(const struct note_signature *signature, struct bytes text,
                           const struct vkey *key) {
    uint8_t raw[SIGN_SIGNATURE_SIZE];
    size_t len;
    return key->type == VKEY_NOTE && note_signature_is_by(signature, key) &&
           note_signature_decode(signature, raw, sizeof raw, &len) == STATUS_OK &&
           len == sizeof raw && sign_verify(&key->key, text.data, text.len, raw);
}

enum status note_verify(const struct note *note, const struct vkey *key) {
    bool found = false;
    if (key->type != VKEY_NOTE) {
        return STATUS_NOT_FOUND;
    }
    for (size_t i = 0; i < note->count; i++) {
        if (!note_signature_is_by(&note->signatures[i], key)) {
            continue;
        }
        if (!note_signature_verify(&note->signatures[i], note->text, key)) {
            return STATUS_DENIED_SIGNATURE;
        }
        found = true;
    }
    return found ? STATUS_OK : STATUS_NOT_FOUND;
}

void note_sign(struct writer *w, struct bytes text, const struct signer *signer) {
    uint8_t raw[SIGN_SIGNATURE_SIZE];
    assert(signer->vkey.type == VKEY_NOTE && note_text_valid(text));
    sign_message(&signer->key, text.data, text.len, raw);
    note_append_line(w, vkey_name(&signer->vkey), signer->vkey.id, raw, sizeof raw);
}

void note_put_by(struct writer *w, const struct note *note, const struct vkey *key) {
    writer_bytes(w, note->text);
    writer_u8(w, '\n');
    for (size_t i = 0; i < note->count; i++) {
        if (note_signature_is_by(&note->signatures[i], key)) {
            writer_bytes(w, note->signatures[i].line);
            return;
        }
    }
    assert(false);
}

void note_append_line(struct writer *w, struct bytes name, uint32_t key_id, const uint8_t *blob,
                      size_t blob_len) {
    assert(note_name_valid(name) && blob_len > 0);
    uint8_t head[HEAD_BYTES] = {(uint8_t)(key_id >> 24), (uint8_t)(key_id >> 16),
                                (uint8_t)(key_id >> 8), (uint8_t)key_id};
    size_t first = HEAD_BYTES - KEY_ID_SIZE;
    if (first > blob_len) {
        first = blob_len;
    }
    memcpy(head + KEY_ID_SIZE, blob, first);
    writer_text(w, DASH);
    writer_bytes(w, name);
    writer_text(w, " ");
    uint8_t *room = writer_reserve(w, BASE64_LEN(KEY_ID_SIZE + blob_len));
    if (room != NULL) {
        size_t done = base64_encode((char *)room, head, KEY_ID_SIZE + first);
        /* What follows a short head is empty: only a whole one is a multiple of 3 bytes. */
        base64_encode((char *)room + done, blob + first, blob_len - first);
    }
    writer_text(w, "\n");
}
