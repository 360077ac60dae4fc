/* tlog-proofs. */
#include "ledger/proof.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes input = bytes_of(data, size);
    static struct proof proof;
    static uint8_t memory[PROOF_SIZE_MAX];
    struct refusal why;
    struct writer w;
    struct hash leaf;
    if (proof_parse(input, &proof, &why) != STATUS_OK) {
        return 0;
    }
    writer_init(&w, memory, sizeof memory);
    proof_format(&w, bytes_of(proof.extra, proof.extra_len), proof.index, &proof.inclusion,
                 proof.checkpoint_note);
    fuzz_same(&w, input);
    hash_leaf("", 0, &leaf);
    if (proof_check_inclusion(&proof, &leaf) == STATUS_OK) {
        assert(proof.index < proof.checkpoint.size);
    }
    return 0;
}
