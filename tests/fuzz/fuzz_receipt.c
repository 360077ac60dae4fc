/* Receipts: the outer form, and all of verification against trust that was chosen before. */
#include "ledger/verify.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/keys.h"

#include <stdlib.h>

static void check_form(struct bytes input) {
    static struct receipt receipt;
    struct refusal why;
    struct writer w;
    if (receipt_parse(input, &receipt, &why) != STATUS_OK) {
        return;
    }
    uint8_t *memory = malloc(input.len);
    assert(memory != NULL);
    writer_init(&w, memory, input.len);
    receipt_start(&w);
    for (size_t i = 0; i < receipt.count; i++) {
        receipt_item(&w, receipt.items[i].note, receipt.items[i].proof);
    }
    fuzz_same(&w, input);
    free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct verifier verifier;
    static struct verify_trust trust;
    struct verify_report report = {.size = 0};
    struct refusal why;
    if (trust.root_count == 0) {
        struct signer root = test_signer("root-1", VKEY_NOTE); /* of tests/lib/world.h */
        trust.roots[0] = root.vkey;
        trust.root_count = 1;
        trust.threshold = 1;
    }
    check_form(bytes_of(data, size));
    if (verify_receipt(&verifier, bytes_of(data, size), &trust, &report, &why) == STATUS_OK) {
        assert(report.index < report.size && report.quorum_time > 0 && report.roots_signed == 1);
    }
    return 0;
}
