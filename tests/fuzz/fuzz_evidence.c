/* Evidence: its form, and whether it proves anything against a log's or a cosigner's key. */
#include "ledger/evidence.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/keys.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct bytes input = bytes_of(data, size);
    struct evidence evidence;
    struct refusal why;
    struct writer w;
    if (evidence_parse(input, &evidence, &why) != STATUS_OK) {
        return 0;
    }
    uint8_t *memory = malloc(size);
    assert(memory != NULL);
    writer_init(&w, memory, size);
    evidence_format(&w, &evidence);
    fuzz_same(&w, input);
    free(memory);

    /* Keys of tests/lib/world.h. */
    struct signer log = test_signer("agency.example/log", VKEY_NOTE);
    struct signer mirror = test_signer("state.example/mirror", VKEY_COSIGNATURE);
    bool log_accused = evidence_verify(&evidence, &log.vkey, &why) == STATUS_OK;
    bool mirror_accused = evidence_verify(&evidence, &mirror.vkey, &why) == STATUS_OK;
    assert(!log_accused || evidence.form != 'd');
    assert(!mirror_accused || evidence.parts[0].len > 0);
    return 0;
}
