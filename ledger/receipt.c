#include "ledger/receipt.h"

#include "ledger/proof.h"

#include <assert.h>

#define FIRST_LINE "dutylog/receipt/v1\n"

/* An item's line, and then the two parts of which it gives the sizes. */
static enum status parse_item(struct reader *r, size_t number, struct receipt_item *out,
                              struct refusal *why) {
    struct bytes line;
    struct reader words;
    uint64_t sizes[2];
    if (!reader_skip(r, "item ") || !reader_line(r, &line)) {
        return refuse(why, STATUS_BAD_FORM, "item %zu: no line \"item <bytes> <bytes>\"", number);
    }
    size_t space = 0;
    while (space < line.len && line.data[space] != ' ') {
        space++;
    }
    struct bytes first;
    reader_init(&words, line);
    if (!reader_take(&words, space, &first) || !reader_skip(&words, " ") ||
        !bytes_to_u64(first, &sizes[0]) || !bytes_to_u64(words.rest, &sizes[1])) {
        return refuse(why, STATUS_BAD_FORM, "item %zu: its line has no two decimal sizes", number);
    }
    if (sizes[0] == 0 || sizes[1] == 0) {
        return refuse(why, STATUS_BAD_FORM, "item %zu: an empty note or proof", number);
    }
    if (sizes[0] > ENTRY_SIZE_MAX || sizes[1] > PROOF_SIZE_MAX) {
        return refuse(why, STATUS_TOO_LARGE, "item %zu: its note or proof is too large", number);
    }
    if (!reader_take(r, (size_t)sizes[0], &out->note) ||
        !reader_take(r, (size_t)sizes[1], &out->proof)) {
        return refuse(why, STATUS_BAD_FORM, "item %zu: the receipt ends within it", number);
    }
    return STATUS_OK;
}

enum status receipt_parse(struct bytes input, struct receipt *out, struct refusal *why) {
    struct receipt receipt = {.count = 0};
    struct reader r;
    if (input.len > RECEIPT_SIZE_MAX) {
        return refuse(why, STATUS_TOO_LARGE, "a receipt has at most %d bytes", RECEIPT_SIZE_MAX);
    }
    reader_init(&r, input);
    if (!reader_skip(&r, FIRST_LINE)) {
        return refuse(why, STATUS_BAD_FORM, "a receipt starts with dutylog/receipt/v1");
    }
    while (!reader_done(&r)) {
        if (receipt.count == RECEIPT_ITEMS_MAX) {
            return refuse(why, STATUS_TOO_LARGE, "a receipt has at most %d items",
                          RECEIPT_ITEMS_MAX);
        }
        TRY(parse_item(&r, receipt.count, &receipt.items[receipt.count], why));
        receipt.count++;
    }
    if (receipt.count == 0) {
        return refuse(why, STATUS_BAD_FORM, "a receipt without items");
    }
    *out = receipt;
    return STATUS_OK;
}

void receipt_start(struct writer *w) {
    writer_text(w, FIRST_LINE);
}

void receipt_item(struct writer *w, struct bytes note, struct bytes proof) {
    assert(note.len > 0 && note.len <= ENTRY_SIZE_MAX);
    assert(proof.len > 0 && proof.len <= PROOF_SIZE_MAX);
    writer_text(w, "item ");
    writer_decimal(w, note.len);
    writer_text(w, " ");
    writer_decimal(w, proof.len);
    writer_text(w, "\n");
    writer_bytes(w, note);
    writer_bytes(w, proof);
}
