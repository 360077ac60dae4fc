/* Randomness cannot be tested for being random; that it fills all of what it is given, and nothing
 * more, can. */
#include "crypto/random.h"

#include "crypto/sign.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

Test(random, fills_every_byte_and_no_other) {
    cr_assert(crypto_init());
    uint8_t seen[34] = {0};
    for (int i = 0; i < 32; i++) {
        uint8_t data[34] = {0};
        random_fill(data + 1, 32);
        cr_assert(data[0] == 0 && data[33] == 0);
        for (size_t j = 0; j < sizeof data; j++) {
            seen[j] |= data[j];
        }
    }
    for (size_t j = 1; j <= 32; j++) {
        cr_assert(seen[j] != 0, "byte %zu was zero 32 times", j);
    }
}

Test(random, two_calls_differ) {
    cr_assert(crypto_init());
    uint8_t a[32], b[32];
    random_fill(a, sizeof a);
    random_fill(b, sizeof b);
    cr_assert(memcmp(a, b, sizeof a) != 0);
}
