#include "tests/lib/keys.h"

#include <assert.h>
#include <string.h>

/* Plain assertions: the simulator uses this too, without Criterion. */
struct signer test_signer(const char *name, enum vkey_type type) {
    struct hash seed;
    struct signer signer;
    bool ready = crypto_init();
    assert(ready);
    hash_of(name, strlen(name), &seed);
    enum status status = signer_make(bytes_text(name), type, seed.bytes, &signer);
    assert(status == STATUS_OK);
    return signer;
}
