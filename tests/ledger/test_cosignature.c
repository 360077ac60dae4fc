/* Cosignatures: the message exactly as specified, whose key and time it is, and every small damage.
 * The signed message is built here a second time, by hand. */
#include "ledger/cosignature.h"

#include "tests/lib/check.h"
#include "tests/lib/keys.h"
#include "tests/lib/mangle.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#define TEXT "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

/* A checkpoint by its log and any cosigners at their times. */
static struct bytes make(struct writer *w, uint8_t memory[2048], const struct signer *const *by,
                         const uint64_t *times, size_t count) {
    struct signer log = test_signer("agency.example/log", VKEY_NOTE);
    struct bytes text = bytes_text(TEXT);
    writer_init(w, memory, 2048);
    writer_bytes(w, text);
    writer_text(w, "\n");
    note_sign(w, text, &log);
    for (size_t i = 0; i < count; i++) {
        cosignature_sign(w, text, times[i], by[i]);
    }
    CHECK_OK(writer_status(w));
    return writer_view(w);
}

/* Appends a line over a message of the caller's. */
static void put_line(struct writer *w, const struct signer *s, uint64_t time, const char *message,
                     size_t surplus) {
    uint8_t blob[80] = {0};
    struct writer b;
    writer_init(&b, blob, sizeof blob);
    writer_u64(&b, time);
    sign_message(&s->key, message, strlen(message), blob + 8);
    note_append_line(w, vkey_name(&s->vkey), s->vkey.id, blob, 72 + surplus);
}

Test(cosignature, the_line_is_the_time_and_a_signature_over_the_message) {
    struct signer s = test_signer("mirror.example", VKEY_COSIGNATURE);
    uint8_t memory[512], by_hand[512], blob[72];
    struct writer w, h;
    struct note_signature line;
    size_t count, len;
    writer_init(&w, memory, sizeof memory);
    cosignature_sign(&w, bytes_text(TEXT), 1679315147, &s);
    CHECK_OK(writer_status(&w));
    writer_init(&h, by_hand, sizeof by_hand);
    put_line(&h, &s, 1679315147, "cosignature/v1\ntime 1679315147\n" TEXT, 0);
    CHECK_BYTES(writer_view(&w), writer_view(&h));
    CHECK_OK(note_parse_lines(writer_view(&w), &line, 1, &count, NULL));
    CHECK_OK(note_signature_decode(&line, blob, sizeof blob, &len));
    CHECK_BYTES(bytes_of(blob, 8), bytes_of("\0\0\0\0\x64\x18\x50\xcb", 8));
    uint64_t time = 0;
    CHECK_OK(cosignature_verify(&line, bytes_text(TEXT), &s.vkey, &time));
    cr_assert(time == 1679315147);
}

Test(cosignature, only_that_message_verifies) {
    struct signer s = test_signer("mirror.example", VKEY_COSIGNATURE);
    static const struct {
        const char *message;
        uint64_t time;
        size_t surplus;
        bool good;
    } cases[] = {
        {"cosignature/v1\ntime 7\n" TEXT, 7, 0, true},
        {"cosignature/v1\ntime 0\n" TEXT, 0, 0, true},
        {"cosignature/v1\ntime 9223372036854775807\n" TEXT, INT64_MAX, 0, true},
        {"cosignature/v1\ntime 9223372036854775808\n" TEXT, UINT64_C(1) << 63, 0, false},
        {"cosignature/v1\ntime 18446744073709551615\n" TEXT, UINT64_MAX, 0, false},
        {"cosignature/v1\ntime 7\n" TEXT, 8, 0, false},
        {"cosignature/v1\ntime 07\n" TEXT, 7, 0, false},
        {"cosignature/v2\ntime 7\n" TEXT, 7, 0, false},
        {"cosignature/v1\ntime 7\n" TEXT "\n", 7, 0, false},
        {"time 7\n" TEXT, 7, 0, false},
        {TEXT, 7, 0, false},
        {"cosignature/v1\ntime 7\n" TEXT, 7, 1, false}, /* a byte after the signature */
        {"cosignature/v1\ntime 7\n" TEXT, 7, 8, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t memory[512];
        struct writer w;
        struct note_signature line;
        size_t count;
        uint64_t time = 77;
        writer_init(&w, memory, sizeof memory);
        put_line(&w, &s, cases[i].time, cases[i].message, cases[i].surplus);
        CHECK_OK(note_parse_lines(writer_view(&w), &line, 1, &count, NULL));
        CHECK_STATUS(cosignature_verify(&line, bytes_text(TEXT), &s.vkey, &time),
                     cases[i].good ? STATUS_OK : STATUS_DENIED_SIGNATURE);
        cr_assert(time == (cases[i].good ? cases[i].time : 77), "case %zu", i);
    }
}

Test(cosignature, short_blobs_are_denied) {
    struct signer s = test_signer("mirror.example", VKEY_COSIGNATURE);
    const uint8_t blob[72] = {0};
    for (size_t len = 1; len <= 72; len++) {
        uint8_t memory[512];
        struct writer w;
        struct note_signature line;
        size_t count;
        uint64_t time;
        writer_init(&w, memory, sizeof memory);
        note_append_line(&w, vkey_name(&s.vkey), s.vkey.id, blob, len);
        CHECK_OK(note_parse_lines(writer_view(&w), &line, 1, &count, NULL));
        CHECK_STATUS(cosignature_verify(&line, bytes_text(TEXT), &s.vkey, &time),
                     STATUS_DENIED_SIGNATURE);
    }
}

Test(cosignature, types_and_keys_are_told_apart) {
    struct signer cosigner = test_signer("mirror.example", VKEY_COSIGNATURE);
    struct signer other = test_signer("other.example", VKEY_COSIGNATURE);
    struct signer as_note = test_signer("mirror.example", VKEY_NOTE); /* the same key pair */
    struct signer log = test_signer("agency.example/log", VKEY_NOTE);
    const struct signer *by[] = {&cosigner};
    const uint64_t times[] = {100};
    uint8_t memory[2048];
    struct writer w;
    struct note note;
    uint64_t time = 77;
    CHECK_OK(note_parse(make(&w, memory, by, times, 1), &note, NULL));
    CHECK_STATUS(cosignature_find(&note, &other.vkey, &time), STATUS_NOT_FOUND);
    CHECK_STATUS(cosignature_find(&note, &as_note.vkey, &time), STATUS_NOT_FOUND);
    CHECK_STATUS(cosignature_find(&note, &log.vkey, &time), STATUS_NOT_FOUND);
    CHECK_STATUS(cosignature_verify(&note.signatures[1], note.text, &other.vkey, &time),
                 STATUS_DENIED_SIGNATURE);
    CHECK_STATUS(cosignature_verify(&note.signatures[0], note.text, &log.vkey, &time),
                 STATUS_DENIED_SIGNATURE);
    CHECK_STATUS(note_verify(&note, &as_note.vkey), STATUS_NOT_FOUND);
    cr_assert(!note_signature_verify(&note.signatures[1], note.text, &cosigner.vkey));
    /* The same key pair under another name, and of the other type with the ID by collision. */
    struct vkey renamed, retyped = cosigner.vkey;
    CHECK_OK(vkey_make(bytes_text("m.example"), VKEY_COSIGNATURE, &cosigner.vkey.key, &renamed));
    retyped.type = VKEY_NOTE;
    CHECK_STATUS(cosignature_verify(&note.signatures[1], note.text, &renamed, &time),
                 STATUS_DENIED_SIGNATURE);
    CHECK_STATUS(cosignature_verify(&note.signatures[1], note.text, &retyped, &time),
                 STATUS_DENIED_SIGNATURE);
    CHECK_STATUS(cosignature_find(&note, &retyped, &time), STATUS_NOT_FOUND);
    cr_assert(time == 77, "untouched");
    CHECK_OK(cosignature_find(&note, &cosigner.vkey, &time));
    cr_assert(time == 100);
}

Test(cosignature, the_latest_of_several_counts) {
    struct signer a = test_signer("a.example", VKEY_COSIGNATURE);
    struct signer b = test_signer("b.example", VKEY_COSIGNATURE);
    const struct signer *by[] = {&a, &b, &a, &a};
    const uint64_t times[] = {100, 500, 300, 200};
    uint8_t memory[2048];
    struct writer w;
    struct note note;
    uint64_t time;
    (void)make(&w, memory, by, times, 4);
    CHECK_OK(note_parse(writer_view(&w), &note, NULL));
    CHECK_OK(cosignature_find(&note, &a.vkey, &time));
    cr_assert(time == 300);
    CHECK_OK(cosignature_find(&note, &b.vkey, &time));
    cr_assert(time == 500);
    /* One that does not verify spoils the good ones. */
    put_line(&w, &a, 400, "something else\n", 0);
    CHECK_OK(note_parse(writer_view(&w), &note, NULL));
    CHECK_STATUS(cosignature_find(&note, &a.vkey, &time), STATUS_DENIED_SIGNATURE);
    CHECK_OK(cosignature_find(&note, &b.vkey, &time));
}

Test(cosignature, texts_up_to_the_maximum) {
    static uint8_t text[CHECKPOINT_SIZE_MAX + 1];
    struct signer s = test_signer("mirror.example", VKEY_COSIGNATURE);
    uint8_t memory[512];
    struct writer w;
    struct note_signature line;
    size_t count;
    uint64_t time;
    memset(text, 'x', sizeof text);
    memcpy(text, TEXT, sizeof TEXT - 1);
    text[CHECKPOINT_SIZE_MAX - 1] = '\n';
    struct bytes longest = bytes_of(text, CHECKPOINT_SIZE_MAX);
    writer_init(&w, memory, sizeof memory);
    cosignature_sign(&w, longest, INT64_MAX, &s);
    CHECK_OK(note_parse_lines(writer_view(&w), &line, 1, &count, NULL));
    CHECK_OK(cosignature_verify(&line, longest, &s.vkey, &time));
    text[CHECKPOINT_SIZE_MAX - 2] = 'y'; /* its last byte but one is signed too */
    CHECK_STATUS(cosignature_verify(&line, longest, &s.vkey, &time), STATUS_DENIED_SIGNATURE);
    CHECK_STATUS(cosignature_verify(&line, bytes_of(text, sizeof text), &s.vkey, &time),
                 STATUS_TOO_LARGE);
}

Test(cosignature, no_damaged_cosigned_checkpoint_passes) {
    struct signer log = test_signer("agency.example/log", VKEY_NOTE);
    struct signer a = test_signer("a.example", VKEY_COSIGNATURE);
    struct signer b = test_signer("b.example", VKEY_COSIGNATURE);
    const struct signer *by[] = {&a, &b};
    const uint64_t times[] = {1679315147, 1679315148};
    static struct mangle m;
    uint8_t memory[2048];
    struct writer w;
    struct bytes damaged;
    size_t parsed = 0, refused = 0;
    mangle_init(&m, make(&w, memory, by, times, 2));
    while (mangle_next(&m, &damaged)) {
        struct note note;
        struct checkpoint c;
        uint64_t time_a, time_b;
        if (checkpoint_parse(damaged, &note, &c, NULL) != STATUS_OK) {
            refused++;
            continue;
        }
        parsed++;
        cr_assert(note_verify(&note, &log.vkey) != STATUS_OK ||
                      cosignature_find(&note, &a.vkey, &time_a) != STATUS_OK ||
                      cosignature_find(&note, &b.vkey, &time_b) != STATUS_OK,
                  "damage %d at %zu, value %02x", m.kind, m.position, m.value);
    }
    cr_assert(parsed > 1000 && refused > 1000, "%zu parsed, %zu refused", parsed, refused);
}

Test(cosignature, time_zero_is_never_signed, .signal = SIGABRT) {
    struct signer s = test_signer("mirror.example", VKEY_COSIGNATURE);
    uint8_t memory[512];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    cosignature_sign(&w, bytes_text(TEXT), 0, &s);
}

Test(cosignature, time_beyond_63_bits_is_never_signed, .signal = SIGABRT) {
    struct signer s = test_signer("mirror.example", VKEY_COSIGNATURE);
    uint8_t memory[512];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    cosignature_sign(&w, bytes_text(TEXT), UINT64_C(1) << 63, &s);
}

Test(cosignature, a_note_key_cosigns_nothing, .signal = SIGABRT) {
    struct signer s = test_signer("mirror.example", VKEY_NOTE);
    uint8_t memory[512];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    cosignature_sign(&w, bytes_text(TEXT), 1, &s);
}
