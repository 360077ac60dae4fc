/* Verifier keys and secret keys. */
#include "ledger/vkey.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes input = bytes_of(data, size);
    struct vkey key;
    struct signer signer;
    struct refusal why;
    uint8_t memory[SIGNER_SIZE_MAX];
    struct writer w;
    if (vkey_parse(input, &key, &why) == STATUS_OK) {
        writer_init(&w, memory, sizeof memory);
        vkey_format(&w, &key);
        fuzz_same(&w, input);
    }
    if (signer_parse(input, &signer, &why) == STATUS_OK) {
        writer_init(&w, memory, sizeof memory);
        signer_format(&w, &signer);
        fuzz_same(&w, input);
        signer_wipe(&signer);
    }
    return 0;
}
