/* Verifier keys and secret keys: the public example, exactness, and every small damage. */
#include "ledger/vkey.h"

#include "crypto/encoding.h"
#include "tests/lib/check.h"
#include "tests/lib/keys.h"
#include "tests/lib/mangle.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* The example of the signed-note specification. */
#define FOO "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"

static struct bytes format(struct writer *w, uint8_t memory[SIGNER_SIZE_MAX],
                           const struct vkey *key) {
    writer_init(w, memory, SIGNER_SIZE_MAX);
    vkey_format(w, key);
    CHECK_OK(writer_status(w));
    return writer_view(w);
}

Test(vkey, the_public_example_parses_and_comes_back) {
    struct vkey key;
    struct writer w;
    uint8_t memory[SIGNER_SIZE_MAX];
    CHECK_OK(vkey_parse(bytes_text(FOO), &key, NULL));
    CHECK_TEXT(vkey_name(&key), "example.com/foo");
    cr_assert(key.id == 0x530d903a && key.type == VKEY_NOTE);
    cr_assert(strcmp(key.name, "example.com/foo") == 0);
    CHECK_TEXT(format(&w, memory, &key), FOO);
}

static void every_damage_is_refused_or_canonical(struct bytes text) {
    struct mangle m;
    struct bytes damaged;
    size_t parsed = 0;
    mangle_init(&m, text);
    while (mangle_next(&m, &damaged)) {
        struct vkey key;
        struct writer w;
        uint8_t memory[SIGNER_SIZE_MAX];
        if (vkey_parse(damaged, &key, NULL) == STATUS_OK) {
            CHECK_BYTES(format(&w, memory, &key), damaged);
            parsed++;
        }
    }
    /* The ID commits to the name, the type and the key, so no single damage survives. */
    cr_assert(parsed == 0);
}

Test(vkey, no_damaged_key_parses) {
    struct signer s = test_signer("mirror.example/\xc3\xa9t\xc3\xa9", VKEY_COSIGNATURE);
    struct writer w;
    uint8_t memory[SIGNER_SIZE_MAX];
    every_damage_is_refused_or_canonical(bytes_text(FOO));
    every_damage_is_refused_or_canonical(format(&w, memory, &s.vkey));
}

Test(vkey, says_what_is_wrong) {
    static const struct {
        const char *text;
        enum status status;
    } cases[] = {
        {"", STATUS_BAD_FORM},
        {"example.com/foo", STATUS_BAD_FORM},
        {"example.com/foo+530d903a", STATUS_BAD_FORM},
        {"+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", STATUS_BAD_FORM},
        {"example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", STATUS_BAD_FORM},
        {"example.com/foo+530d903+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", STATUS_BAD_FORM},
        {"example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
         STATUS_BAD_CANONICAL},
        {"example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
         STATUS_BAD_CANONICAL},
        /* type 0x02, and 32 and 31 bytes instead of 33 */
        {"example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", STATUS_BAD_FORM},
        {"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U0=", STATUS_BAD_FORM},
        {"example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3Q==", STATUS_BAD_FORM},
        {FOO "\n", STATUS_BAD_FORM},
        {" " FOO, STATUS_BAD_FORM},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct vkey key = {.id = 77};
        struct refusal why = {.status = STATUS_OK};
        CHECK_STATUS(vkey_parse(bytes_text(cases[i].text), &key, &why), cases[i].status);
        cr_assert(why.status == cases[i].status && why.text[0] != '\0', "%s", cases[i].text);
        cr_assert(key.id == 77, "untouched after %s", cases[i].text);
    }
}

Test(vkey, names_up_to_the_maximum) {
    char name[NAME_SIZE_MAX + 1];
    struct sign_public key = {{1}};
    struct vkey made, parsed;
    struct writer w;
    uint8_t memory[SIGNER_SIZE_MAX];
    memset(name, 'n', sizeof name);
    CHECK_OK(vkey_make(bytes_of(name, NAME_SIZE_MAX), VKEY_NOTE, &key, &made));
    struct bytes text = format(&w, memory, &made);
    cr_assert(text.len == VKEY_SIZE_MAX);
    CHECK_OK(vkey_parse(text, &parsed, NULL));
    cr_assert(vkey_equal(&made, &parsed));
    made.id = 77;
    CHECK_STATUS(vkey_make(bytes_of(name, NAME_SIZE_MAX + 1), VKEY_NOTE, &key, &made),
                 STATUS_BAD_FORM);
    CHECK_STATUS(vkey_make(bytes_text("a b"), VKEY_NOTE, &key, &made), STATUS_BAD_FORM);
    CHECK_STATUS(vkey_make(bytes_of("a\0b", 3), VKEY_NOTE, &key, &made), STATUS_BAD_FORM);
    cr_assert(made.id == 77, "untouched");
}

Test(vkey, equal_means_all_four_parts) {
    struct signer a = test_signer("a.example", VKEY_NOTE);
    struct signer b = test_signer("b.example", VKEY_NOTE);
    struct vkey other;
    cr_assert(vkey_equal(&a.vkey, &a.vkey) && !vkey_equal(&a.vkey, &b.vkey));
    CHECK_OK(vkey_make(vkey_name(&a.vkey), VKEY_COSIGNATURE, &a.vkey.key, &other));
    cr_assert(!vkey_equal(&a.vkey, &other) && other.id != a.vkey.id, "the type is in the ID");
    other = a.vkey;
    other.key.bytes[31] ^= 1;
    cr_assert(!vkey_equal(&a.vkey, &other));
    other = a.vkey;
    other.id ^= 1;
    cr_assert(!vkey_equal(&a.vkey, &other));
    other = a.vkey;
    other.name[0] = 'x';
    cr_assert(!vkey_equal(&a.vkey, &other));
    other = a.vkey;
    other.type = VKEY_COSIGNATURE;
    cr_assert(!vkey_equal(&a.vkey, &other));
}

Test(vkey, an_unknown_type_is_our_bug, .signal = SIGABRT) {
    struct sign_public key = {{1}};
    struct vkey out;
    enum status s = vkey_make(bytes_text("a"), (enum vkey_type)2, &key, &out);
    cr_assert_fail("%s", status_name(s));
}

Test(vkey, a_secret_key_comes_back_and_signs_the_same) {
    const enum vkey_type types[] = {VKEY_NOTE, VKEY_COSIGNATURE};
    for (size_t i = 0; i < 2; i++) {
        struct signer s = test_signer("agency.example/clerk-1", types[i]), back;
        uint8_t memory[SIGNER_SIZE_MAX], one[64], two[64];
        struct writer w;
        writer_init(&w, memory, sizeof memory);
        signer_format(&w, &s);
        CHECK_OK(writer_status(&w));
        cr_assert(bytes_starts_with(writer_view(&w), "PRIVATE+KEY+agency.example/clerk-1+"));
        CHECK_OK(signer_parse(writer_view(&w), &back, NULL));
        cr_assert(vkey_equal(&s.vkey, &back.vkey));
        sign_message(&s.key, "m", 1, one);
        sign_message(&back.key, "m", 1, two);
        cr_assert(memcmp(one, two, 64) == 0);
        cr_assert(sign_verify(&back.vkey.key, "m", 1, two));
    }
}

/* Made with another implementation's rules by hand: the ID is that of the public key, which the
 * seed of RFC 8032's first test gives. */
Test(vkey, a_secret_key_has_the_known_form) {
    uint8_t seed[32], memory[SIGNER_SIZE_MAX], public_memory[SIGNER_SIZE_MAX];
    struct signer s;
    struct writer w;
    check_unhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", seed, 32);
    CHECK_OK(signer_make(bytes_text("example.com/rfc8032"), VKEY_NOTE, seed, &s));
    writer_init(&w, memory, sizeof memory);
    signer_format(&w, &s);
    CHECK_TEXT(writer_view(&w), "PRIVATE+KEY+example.com/rfc8032+c0c5b2a9+"
                                "AZ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g");
    CHECK_TEXT(format(&w, public_memory, &s.vkey),
               "example.com/rfc8032+c0c5b2a9+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea");
}

Test(vkey, no_damaged_secret_key_parses) {
    struct signer s = test_signer("a.example", VKEY_NOTE);
    uint8_t memory[SIGNER_SIZE_MAX];
    struct writer w;
    struct mangle m;
    struct bytes damaged;
    writer_init(&w, memory, sizeof memory);
    signer_format(&w, &s);
    mangle_init(&m, writer_view(&w));
    while (mangle_next(&m, &damaged)) {
        struct signer out = {.vkey = {.id = 77}};
        struct refusal why = {.status = STATUS_OK};
        enum status status = signer_parse(damaged, &out, &why);
        cr_assert(status == STATUS_BAD_FORM || status == STATUS_BAD_CANONICAL);
        cr_assert(why.status == status && out.vkey.id == 77);
    }
    struct vkey key;
    CHECK_STATUS(vkey_parse(writer_view(&w), &key, NULL), STATUS_BAD_FORM);
}

Test(vkey, a_bad_name_makes_no_signer) {
    uint8_t seed[32] = {1};
    struct signer out = {.vkey = {.id = 77}};
    CHECK_STATUS(signer_make(bytes_text("a+b"), VKEY_NOTE, seed, &out), STATUS_BAD_FORM);
    cr_assert(out.vkey.id == 77);
}

Test(vkey, wiping_leaves_nothing) {
    struct signer s = test_signer("a.example", VKEY_NOTE);
    signer_wipe(&s);
    for (size_t i = 0; i < sizeof s; i++) {
        cr_assert(((const uint8_t *)&s)[i] == 0, "byte %zu", i);
    }
}
