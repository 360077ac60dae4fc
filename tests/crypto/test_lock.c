/* Locking a secret by a passphrase. */
#include "crypto/lock.h"
#include "crypto/sign.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct lock_cost cheap = {.passes = 1, .memory_kib = LOCK_MEMORY_MIN_KIB};
static const uint8_t salt[LOCK_SALT_SIZE] = {1, 2, 3};
static const uint8_t nonce[LOCK_NONCE_SIZE] = {4, 5, 6};

static void setup(void) {
    cr_assert(crypto_init());
}

TestSuite(lock, .init = setup);

static enum lock_result open_with(const struct lock_cost *cost, const uint8_t *s, const uint8_t *n,
                                  const char *passphrase, const char *context,
                                  const uint8_t *locked, uint8_t *out) {
    return lock_open(cost, s, n, passphrase, strlen(passphrase), context, strlen(context), locked,
                     5 + LOCK_TAG_SIZE, out);
}

Test(lock, opens_with_what_closed_it_and_nothing_else) {
    const struct lock_cost other = {.passes = 2, .memory_kib = LOCK_MEMORY_MIN_KIB};
    const uint8_t zeros[LOCK_NONCE_SIZE] = {0};
    uint8_t locked[5 + LOCK_TAG_SIZE];
    uint8_t out[5];
    cr_assert(lock_close(&cheap, salt, nonce, "open", 4, "ctx", 3, "hello", 5, locked));
    cr_assert_eq(open_with(&cheap, salt, nonce, "open", "ctx", locked, out), LOCK_OPENED);
    cr_assert_eq(memcmp(out, "hello", 5), 0);
    cr_assert_eq(open_with(&cheap, salt, nonce, "opem", "ctx", locked, out), LOCK_WRONG);
    cr_assert_eq(memcmp(out, zeros, 5), 0, "nothing is let out");
    cr_assert_eq(open_with(&cheap, salt, nonce, "ope", "ctx", locked, out), LOCK_WRONG);
    cr_assert_eq(open_with(&cheap, salt, nonce, "open", "ctz", locked, out), LOCK_WRONG);
    cr_assert_eq(open_with(&other, salt, nonce, "open", "ctx", locked, out), LOCK_WRONG);
    cr_assert_eq(open_with(&cheap, zeros, nonce, "open", "ctx", locked, out), LOCK_WRONG);
    cr_assert_eq(open_with(&cheap, salt, zeros, "open", "ctx", locked, out), LOCK_WRONG);
    for (size_t i = 0; i < sizeof locked; i++) {
        locked[i] ^= 0x40;
        cr_assert_eq(open_with(&cheap, salt, nonce, "open", "ctx", locked, out), LOCK_WRONG, "%zu",
                     i);
        locked[i] ^= 0x40;
    }
}

Test(lock, the_cost_has_bounds) {
    const struct lock_cost bad[] = {
        {.passes = 0, .memory_kib = LOCK_MEMORY_MIN_KIB},
        {.passes = LOCK_PASSES_MAX + 1, .memory_kib = LOCK_MEMORY_MIN_KIB},
        {.passes = 1, .memory_kib = LOCK_MEMORY_MIN_KIB - 1},
        {.passes = 1, .memory_kib = LOCK_MEMORY_MAX_KIB + 1},
    };
    for (size_t i = 0; i < 4; i++) {
        cr_assert_not(lock_cost_valid(&bad[i]), "%zu", i);
    }
    const struct lock_cost good = {.passes = LOCK_PASSES_DEFAULT,
                                   .memory_kib = LOCK_MEMORY_DEFAULT_KIB};
    cr_assert(lock_cost_valid(&good) && lock_cost_valid(&cheap));
}
