/* Locked key files: one spelling, and a changed file opens with no passphrase. */
#include "ledger/locked_key.h"
#include "tests/lib/check.h"
#include "tests/lib/keys.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct signer key;
static uint8_t file[LOCKED_KEY_SIZE_MAX];
static size_t file_len;

static void setup(void) {
    const struct lock_cost cheap = {.passes = 1, .memory_kib = LOCK_MEMORY_MIN_KIB};
    const uint8_t salt[LOCK_SALT_SIZE] = {0xab};
    const uint8_t nonce[LOCK_NONCE_SIZE] = {0xcd};
    struct locked_key locked;
    struct writer w;
    cr_assert(crypto_init());
    key = test_signer("desk", VKEY_NOTE);
    CHECK_OK(locked_key_make(&key, &cheap, salt, nonce, bytes_text("open"), &locked, NULL));
    writer_init(&w, file, sizeof file);
    locked_key_format(&w, &locked);
    cr_assert_not(w.failed);
    file_len = w.len;
}

TestSuite(locked_key, .init = setup);

Test(locked_key, opens_to_the_same_signer) {
    struct locked_key locked;
    struct signer opened;
    struct refusal why;
    uint8_t again[LOCKED_KEY_SIZE_MAX];
    struct writer w;
    cr_assert(locked_key_is(bytes_of(file, file_len)));
    cr_assert_not(locked_key_is(bytes_text("PRIVATE+KEY+desk")));
    CHECK_OK(locked_key_parse(bytes_of(file, file_len), &locked, NULL));
    writer_init(&w, again, sizeof again);
    locked_key_format(&w, &locked);
    cr_assert(bytes_equal(writer_view(&w), bytes_of(file, file_len)));
    CHECK_OK(locked_key_open(&locked, bytes_text("open"), &opened, NULL));
    cr_assert(vkey_equal(&opened.vkey, &key.vkey));
    cr_assert_eq(memcmp(&opened.key, &key.key, sizeof key.key), 0);
    CHECK_STATUS(locked_key_open(&locked, bytes_text("opem"), &opened, &why), STATUS_DENIED_KEY);
    cr_assert_not_null(strstr(why.text, "the passphrase does not open the key desk"));
}

/* Of each byte one other value: refused as a file, or it does not open. Changes to the cost that
 * would make it dear are left out: they are bounded, and bound by the lock like the rest. */
Test(locked_key, no_changed_file_opens) {
    unsigned parsed = 0;
    for (size_t i = 0; i < file_len; i++) {
        struct locked_key locked;
        struct signer opened;
        file[i] ^= 0x01;
        if (locked_key_parse(bytes_of(file, file_len), &locked, NULL) == STATUS_OK &&
            locked.cost.memory_kib <= 2 * LOCK_MEMORY_MIN_KIB) {
            parsed++;
            CHECK_STATUS(locked_key_open(&locked, bytes_text("open"), &opened, NULL),
                         STATUS_DENIED_KEY);
        }
        file[i] ^= 0x01;
    }
    cr_assert_gt(parsed, 50);
    for (size_t len = 0; len < file_len; len++) {
        struct locked_key locked;
        CHECK_STATUS(locked_key_parse(bytes_of(file, len), &locked, NULL), STATUS_BAD_FORM);
    }
}

static void refuse_cost(const char *cost, const char *says) {
    char text[LOCKED_KEY_SIZE_MAX + 64];
    struct refusal why;
    struct locked_key locked;
    char *at = memmem(file, file_len, "argon2id 1 8192 ", 16);
    cr_assert_not_null(at);
    int before = (int)(at - (char *)file);
    snprintf(text, sizeof text, "%.*s%s%.*s", before, (const char *)file, cost,
             (int)(file_len - (size_t)before - 16), at + 16);
    cr_assert_eq(locked_key_parse(bytes_text(text), &locked, &why), STATUS_BAD_FORM, "%s", cost);
    cr_assert_not_null(strstr(why.text, says), "%s: %s", cost, why.text);
}

Test(locked_key, the_cost_is_bounded) {
    refuse_cost("argon2id 0 8192 ", "passes");
    refuse_cost("argon2id 17 8192 ", "passes");
    refuse_cost("argon2id 1 8191 ", "KiB");
    refuse_cost("argon2id 1 1048577 ", "KiB");
    refuse_cost("argon2id 1 99999999999 ", "five lines");
    refuse_cost("argon2id 01 8192 ", "five lines");
    refuse_cost("argon2i 1 8192 ", "five lines");
    refuse_cost("scrypt 1 8192 ", "five lines");
}
