#include "tests/lib/keys.h"

#include <criterion/criterion.h>
#include <string.h>

struct signer test_signer(const char *name, enum vkey_type type) {
    struct hash seed;
    struct signer signer;
    cr_assert(crypto_init());
    hash_of(name, strlen(name), &seed);
    cr_assert(signer_make(bytes_text(name), type, seed.bytes, &signer) == STATUS_OK);
    return signer;
}
