/* Only the outer form of receipts: the parts here are any bytes. */
#include "ledger/receipt.h"

#include "ledger/proof.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const char two_items[] = "dutylog/receipt/v1\n"
                                "item 5 3\n"
                                "note\n"
                                "pr\n"
                                "item 12 1\n"
                                "item 1 1\nab\n"
                                "\n";

static enum status parse(const char *text, struct receipt *out) {
    return receipt_parse(bytes_text(text), out, NULL);
}

static struct bytes format(const struct receipt *receipt, void *memory, size_t cap) {
    struct writer w;
    writer_init(&w, memory, cap);
    receipt_start(&w);
    for (size_t i = 0; i < receipt->count; i++) {
        receipt_item(&w, receipt->items[i].note, receipt->items[i].proof);
    }
    cr_assert_not(w.failed);
    return writer_view(&w);
}

Test(receipt, parses_and_formats) {
    struct receipt receipt;
    uint8_t memory[256];
    cr_assert_eq(parse(two_items, &receipt), STATUS_OK);
    cr_assert_eq(receipt.count, 2);
    cr_assert(bytes_equal(receipt.items[0].note, bytes_text("note\n")));
    cr_assert(bytes_equal(receipt.items[0].proof, bytes_text("pr\n")));
    /* What looks like an item within a part is the part's. */
    cr_assert(bytes_equal(receipt.items[1].note, bytes_text("item 1 1\nab\n")));
    cr_assert(bytes_equal(receipt.items[1].proof, bytes_text("\n")));
    cr_assert(bytes_equal(format(&receipt, memory, sizeof memory), bytes_text(two_items)));
}

Test(receipt, truncations_are_refused) {
    size_t len = sizeof two_items - 1;
    size_t first = strlen("dutylog/receipt/v1\nitem 5 3\nnote\npr\n");
    for (size_t cut = 0; cut < len; cut++) {
        struct receipt receipt = {.count = 99};
        struct refusal why = {0};
        enum status status = receipt_parse(bytes_of(two_items, cut), &receipt, &why);
        if (cut == first) {
            cr_assert_eq(status, STATUS_OK);
            continue;
        }
        cr_assert_eq(status, STATUS_BAD_FORM);
        cr_assert(receipt.count == 99 && why.text[0] != '\0');
    }
}

/* Every one-byte change: refused, or it formats to the very same bytes. */
Test(receipt, mangled_bytes) {
    uint8_t input[sizeof two_items];
    uint8_t memory[256];
    memcpy(input, two_items, sizeof two_items);
    size_t len = sizeof two_items - 1;
    unsigned parsed = 0;
    for (size_t at = 0; at < len; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            struct receipt receipt;
            input[at] = (uint8_t)byte;
            if (receipt_parse(bytes_of(input, len), &receipt, NULL) == STATUS_OK) {
                parsed++;
                cr_assert(
                    bytes_equal(format(&receipt, memory, sizeof memory), bytes_of(input, len)));
            }
        }
        input[at] = (uint8_t)two_items[at];
    }
    /* Only the 21 bytes of the parts may be anything; of the others, what they were. */
    cr_assert_eq(parsed, 21 * 255 + len);
}

Test(receipt, bad_forms_are_refused) {
    static const char *const bad[] = {
        "",
        "dutylog/receipt/v1",
        "dutylog/receipt/v1\n",
        "dutylog/receipt/v2\nitem 1 1\nab",
        "Dutylog/receipt/v1\nitem 1 1\nab",
        "dutylog/receipt/v1\r\nitem 1 1\nab",
        "dutylog/receipt/v1\n\nitem 1 1\nab",
        "dutylog/receipt/v1\nitem 1 1\nabc",
        "dutylog/receipt/v1\nitem 1 1\nab\n",
        "dutylog/receipt/v1\nitem 1 1\na",
        "dutylog/receipt/v1\nitem 1 2\na",
        "dutylog/receipt/v1\nitem 0 1\na",
        "dutylog/receipt/v1\nitem 1 0\na",
        "dutylog/receipt/v1\nitem 01 1\nab",
        "dutylog/receipt/v1\nitem 1 01\nab",
        "dutylog/receipt/v1\nitem +1 1\nab",
        "dutylog/receipt/v1\nitem 1  1\nab",
        "dutylog/receipt/v1\nitem 1 1 \nab",
        "dutylog/receipt/v1\nitem  1 1\nab",
        "dutylog/receipt/v1\nitem 1\nab",
        "dutylog/receipt/v1\nitem 1 \nab",
        "dutylog/receipt/v1\nitem 1 1 1\nab",
        "dutylog/receipt/v1\nitem 1\t1\nab",
        "dutylog/receipt/v1\nitem a 1\nab",
        "dutylog/receipt/v1\nitem\nab",
        "dutylog/receipt/v1\nItem 1 1\nab",
        "dutylog/receipt/v1\nitem 1 1",
        "dutylog/receipt/v1\nitem 1 18446744073709551617\nab",
        "dutylog/receipt/v1\nitem 18446744073709551617 1\nab",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct receipt receipt = {.count = 99};
        cr_assert_eq(parse(bad[i], &receipt), STATUS_BAD_FORM, "%s", bad[i]);
        cr_assert_eq(receipt.count, 99);
    }
}

Test(receipt, item_count_is_bounded) {
    uint8_t memory[1024];
    struct writer w;
    struct receipt receipt;
    writer_init(&w, memory, sizeof memory);
    receipt_start(&w);
    for (unsigned i = 0; i < RECEIPT_ITEMS_MAX; i++) {
        receipt_item(&w, bytes_text("n"), bytes_text("p"));
    }
    cr_assert_eq(receipt_parse(writer_view(&w), &receipt, NULL), STATUS_OK);
    cr_assert_eq(receipt.count, RECEIPT_ITEMS_MAX);
    receipt_item(&w, bytes_text("n"), bytes_text("p"));
    cr_assert_eq(receipt_parse(writer_view(&w), &receipt, NULL), STATUS_TOO_LARGE);
}

Test(receipt, sizes_are_bounded) {
    static uint8_t part[RECEIPT_SIZE_MAX];
    static uint8_t memory[RECEIPT_SIZE_MAX + 1024];
    struct receipt receipt;
    struct writer w;
    memset(part, 'p', sizeof part);
    writer_init(&w, memory, sizeof memory);
    receipt_start(&w);
    receipt_item(&w, bytes_of(part, ENTRY_SIZE_MAX), bytes_of(part, PROOF_SIZE_MAX));
    cr_assert_eq(receipt_parse(writer_view(&w), &receipt, NULL), STATUS_OK);

    static const struct {
        size_t note;
        size_t proof;
    } over[] = {{ENTRY_SIZE_MAX + 1, 1}, {1, PROOF_SIZE_MAX + 1}};
    for (unsigned i = 0; i < 2; i++) {
        char line[64];
        snprintf(line, sizeof line, "item %zu %zu\n", over[i].note, over[i].proof);
        writer_init(&w, memory, sizeof memory);
        receipt_start(&w);
        writer_text(&w, line);
        writer_put(&w, part, over[i].note + over[i].proof);
        cr_assert_eq(receipt_parse(writer_view(&w), &receipt, NULL), STATUS_TOO_LARGE);
    }

    /* Sixteen of the largest notes are more than the whole may be; shortened, they just fit. */
    size_t excess = 0;
    for (unsigned turn = 0; turn < 3; turn++) {
        size_t shorter = turn == 0 ? 0 : turn == 1 ? excess : excess - 1;
        writer_init(&w, memory, sizeof memory);
        receipt_start(&w);
        for (unsigned i = 0; i < RECEIPT_ITEMS_MAX; i++) {
            size_t len = ENTRY_SIZE_MAX - (i == 0 ? shorter : 0);
            receipt_item(&w, bytes_of(part, len), bytes_text("p"));
        }
        excess = turn == 0 ? w.len - RECEIPT_SIZE_MAX : excess;
        cr_assert_eq(receipt_parse(writer_view(&w), &receipt, NULL),
                     turn == 1 ? STATUS_OK : STATUS_TOO_LARGE);
    }
}

Test(receipt, item_without_proof_aborts, .signal = SIGABRT) {
    uint8_t memory[64];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    receipt_item(&w, bytes_text("n"), bytes_text(""));
}
