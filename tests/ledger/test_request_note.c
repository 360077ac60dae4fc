/* Request notes: one spelling, and every damage is seen. */
#include "ledger/request_note.h"
#include "tests/lib/check.h"
#include "tests/lib/keys.h"
#include "tests/lib/mangle.h"

#include <criterion/criterion.h>
#include <string.h>

#define NONCE "000102030405060708090a0b0c0d0e0f"

static struct signer key;
static uint8_t memory[2 * REQUEST_NOTE_SIZE_MAX];

static void setup(void) {
    cr_assert(crypto_init());
    key = test_signer("board", VKEY_NOTE);
}

TestSuite(request_note, .init = setup);

static struct request_note values(void) {
    struct request_note v = {.origin = bytes_text("agency.example/log"),
                             .method = bytes_text("GET"),
                             .target = bytes_text("/access?from=7"),
                             .expires = 1766620900};
    for (uint8_t i = 0; i < REQUEST_NOTE_NONCE_SIZE; i++) {
        v.nonce[i] = i;
    }
    return v;
}

static struct bytes good(void) {
    struct writer w;
    struct request_note v = values();
    writer_init(&w, memory, sizeof memory);
    request_note_make(&w, &v, &key);
    cr_assert_not(w.failed);
    return writer_view(&w);
}

static struct bytes signed_text(const char *text) {
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    writer_text(&w, text);
    writer_u8(&w, '\n');
    note_sign(&w, bytes_text(text), &key);
    cr_assert_not(w.failed);
    return writer_view(&w);
}

Test(request_note, says_what_it_was_made_of) {
    struct request_note parsed;
    struct request_note v = values();
    struct bytes note = good();
    CHECK_OK(request_note_parse(note, &parsed, NULL));
    cr_assert(bytes_equal(parsed.origin, v.origin) && bytes_equal(parsed.method, v.method) &&
              bytes_equal(parsed.target, v.target));
    cr_assert_eq(parsed.expires, v.expires);
    cr_assert_eq(memcmp(parsed.nonce, v.nonce, sizeof v.nonce), 0);
    CHECK_OK(note_verify(&parsed.note, &key.vkey));
    cr_assert(bytes_starts_with(note,
                                "dutylog/request/v1\nagency.example/log\nGET\n/access?from=7\n"
                                "1766620900\n" NONCE "\n\n"));
}

/* Refused, or its signature no longer verifies. */
Test(request_note, every_damage_is_seen) {
    static uint8_t copy[REQUEST_NOTE_SIZE_MAX];
    struct bytes note = good();
    struct bytes damaged;
    struct mangle m;
    memcpy(copy, note.data, note.len);
    mangle_init(&m, bytes_of(copy, note.len));
    while (mangle_next(&m, &damaged)) {
        struct request_note parsed;
        cr_assert(request_note_parse(damaged, &parsed, NULL) != STATUS_OK ||
                      note_verify(&parsed.note, &key.vkey) != STATUS_OK,
                  "kind %d at %zu", (int)m.kind, m.position);
    }
    for (size_t len = 0; len < note.len; len++) {
        struct request_note parsed;
        cr_assert_neq(request_note_parse(bytes_of(copy, len), &parsed, NULL), STATUS_OK, "%zu",
                      len);
    }
}

Test(request_note, has_one_form) {
    static const char *const bad[] = {
        "dutylog/request/v2\na.example\nGET\n/x\n17\n" NONCE "\n",
        "dutylog/request/v1\na.example\nGET\n/x\n17\n",
        "dutylog/request/v1\na.example\nGET\n/x\n17\n" NONCE "\nmore\n",
        "dutylog/request/v1\na example\nGET\n/x\n17\n" NONCE "\n",
        "dutylog/request/v1\na.example\n\n/x\n17\n" NONCE "\n",
        "dutylog/request/v1\na.example\nGET\nx\n17\n" NONCE "\n",
        "dutylog/request/v1\na.example\nGET\n/x y\n17\n" NONCE "\n",
        "dutylog/request/v1\na.example\nGET\n/\xc3\xa9\n17\n" NONCE "\n",
        "dutylog/request/v1\na.example\nGETGETGETGETGETGE\n/x\n17\n" NONCE "\n",
        "dutylog/request/v1\na.example\nGET\n/x\n017\n" NONCE "\n",
        "dutylog/request/v1\na.example\nGET\n/x\n-1\n" NONCE "\n",
        "dutylog/request/v1\na.example\nGET\n/x\n17\n000102030405060708090A0b0c0d0e0f\n",
        "dutylog/request/v1\na.example\nGET\n/x\n17\n0001\n",
        "dutylog/request/v1\na.example\nGET\n/x\n17\n" NONCE "00\n",
    };
    struct request_note parsed;
    CHECK_OK(request_note_parse(
        signed_text("dutylog/request/v1\na.example\nGET\n/x\n17\n" NONCE "\n"), &parsed, NULL));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct refusal why;
        cr_assert_eq(request_note_parse(signed_text(bad[i]), &parsed, &why), STATUS_BAD_FORM, "%zu",
                     i);
        cr_assert_not_null(strstr(why.text, "six lines"), "%zu: %s", i, why.text);
    }
}

Test(request_note, has_one_signature_and_a_size) {
    static uint8_t large[REQUEST_NOTE_SIZE_MAX + 1];
    struct signer other = test_signer("other", VKEY_NOTE);
    struct request_note parsed;
    struct bytes note = good();
    CHECK_OK(request_note_parse(note, &parsed, NULL));
    struct bytes text = parsed.note.text;
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    w.len = note.len;
    note_sign(&w, text, &other);
    CHECK_STATUS(request_note_parse(writer_view(&w), &parsed, NULL), STATUS_BAD_FORM);
    CHECK_STATUS(request_note_parse(bytes_of(large, sizeof large), &parsed, NULL),
                 STATUS_TOO_LARGE);
}
