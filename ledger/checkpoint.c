#include "ledger/checkpoint.h"

#include <assert.h>
#include <string.h>

/* "The note text is a sequence of at least three non-empty lines": this reads one of the three. */
static bool read_line(struct reader *r, struct bytes *line) {
    return reader_line(r, line) && line->len > 0;
}

/* "Extension lines, if any, MUST be non-empty": none starts with a newline. */
static bool extensions_valid(struct bytes extensions) {
    for (size_t i = 0; i < extensions.len; i++) {
        bool line_starts = i == 0 || extensions.data[i - 1] == '\n';
        if (line_starts && extensions.data[i] == '\n') {
            return false;
        }
    }
    return true;
}

/* Parses a text that note_text_valid holds of. */
static enum status parse_lines(struct bytes text, struct checkpoint *out, struct refusal *why) {
    struct reader r;
    struct checkpoint c;
    struct bytes line;
    reader_init(&r, text);
    if (!read_line(&r, &c.origin)) {
        return refuse(why, STATUS_BAD_FORM, "the first line of a checkpoint, the origin, is empty");
    }
    if (c.origin.len > NAME_SIZE_MAX) {
        return refuse(why, STATUS_TOO_LARGE, "the origin is longer than %d bytes", NAME_SIZE_MAX);
    }
    if (!read_line(&r, &line) || !bytes_to_u64(line, &c.size)) {
        return refuse(why, STATUS_BAD_FORM,
                      "the second line of a checkpoint is not a decimal size below 2^63");
    }
    if (c.size > TREE_SIZE_MAX) {
        return refuse(why, STATUS_BAD_SIZE, "the checkpoint's size is over 2^62");
    }
    if (!read_line(&r, &line) || !bytes_to_hash(line, &c.root)) {
        return refuse(why, STATUS_BAD_FORM,
                      "the third line of a checkpoint is not a root hash in base64");
    }
    if (!extensions_valid(r.rest)) {
        return refuse(why, STATUS_BAD_FORM, "a checkpoint holds no empty line");
    }
    c.extensions = r.rest;
    *out = c;
    return STATUS_OK;
}

static enum status check_size(struct bytes input, struct refusal *why) {
    if (input.len > CHECKPOINT_SIZE_MAX) {
        return refuse(why, STATUS_TOO_LARGE, "the checkpoint is larger than %d bytes",
                      CHECKPOINT_SIZE_MAX);
    }
    return STATUS_OK;
}

enum status checkpoint_parse_text(struct bytes text, struct checkpoint *out, struct refusal *why) {
    TRY(check_size(text, why));
    if (!note_text_valid(text)) {
        return refuse(why, STATUS_BAD_FORM,
                      "a checkpoint is UTF-8 lines without control characters");
    }
    return parse_lines(text, out, why);
}

enum status checkpoint_parse(struct bytes input, struct note *note, struct checkpoint *out,
                             struct refusal *why) {
    struct note parsed;
    TRY(check_size(input, why));
    TRY(note_parse(input, &parsed, why));
    TRY(parse_lines(parsed.text, out, why));
    *note = parsed;
    return STATUS_OK;
}

void checkpoint_format_text(struct writer *w, struct bytes origin, uint64_t size,
                            const struct hash *root) {
    assert(origin.len > 0 && origin.len <= NAME_SIZE_MAX && size <= TREE_SIZE_MAX);
    assert(memchr(origin.data, '\n', origin.len) == NULL);
    writer_bytes(w, origin);
    writer_text(w, "\n");
    writer_decimal(w, size);
    writer_text(w, "\n");
    writer_hash_base64(w, root);
    writer_text(w, "\n");
}

void checkpoint_sign(struct writer *w, struct bytes origin, uint64_t size, const struct hash *root,
                     const struct signer *log) {
    uint8_t memory[CHECKPOINT_TEXT_MAX];
    struct writer text;
    writer_init(&text, memory, sizeof memory);
    checkpoint_format_text(&text, origin, size, root);
    assert(!text.failed);
    writer_bytes(w, writer_view(&text));
    writer_text(w, "\n");
    note_sign(w, writer_view(&text), log);
}
