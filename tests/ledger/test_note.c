/* Signed notes: the public example, what may and may not stand in one, and every small damage. */
#include "ledger/note.h"

#include "tests/lib/check.h"
#include "tests/lib/keys.h"
#include "tests/lib/mangle.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define DASH "\xe2\x80\x94 "
#define FOO "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
#define FOO_LINE                                                                                   \
    DASH "example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFX" \
         "mRKuwHjG1Yu72IneyaQM=\n"
#define FOO_NOTE "This is an example message.\n\n" FOO_LINE
/* A line by nobody, with the least there can be: a key ID and one byte. */
#define TINY_LINE DASH "n AAAAAAE=\n"

/* Writes a note again from what was parsed of it. */
static void format(struct writer *w, const struct note *note) {
    writer_bytes(w, note->text);
    writer_text(w, "\n");
    for (size_t i = 0; i < note->count; i++) {
        uint8_t blob[8192];
        size_t len;
        CHECK_OK(note_signature_decode(&note->signatures[i], blob, sizeof blob, &len));
        note_append_line(w, note->signatures[i].name, note->signatures[i].key_id, blob, len);
    }
}

static void check_comes_back(const struct note *note, struct bytes original) {
    static uint8_t memory[65536];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    format(&w, note);
    CHECK_OK(writer_status(&w));
    CHECK_BYTES(writer_view(&w), original);
    CHECK_BYTES(note->all, original);
}

static void check_parses(struct bytes input, const char *text, size_t count) {
    struct note note;
    struct refusal why = {.text = ""};
    enum status status = note_parse(input, &note, &why);
    cr_assert(status == STATUS_OK, "%s", why.text);
    CHECK_TEXT(note.text, text);
    cr_assert(note.count == count);
    check_comes_back(&note, input);
}

static void check_refused(struct bytes input, enum status expected) {
    static struct note note, before;
    struct refusal why = {.status = STATUS_OK, .text = ""};
    memset(&note, 0x5a, sizeof note);
    before = note;
    CHECK_STATUS(note_parse(input, &note, &why), expected);
    cr_assert(why.status == expected && why.text[0] != '\0');
    cr_assert(memcmp(&note, &before, sizeof note) == 0, "the output was touched");
    CHECK_STATUS(note_parse(input, &note, NULL), expected);
}

Test(note, the_public_example_parses_and_verifies) {
    struct note note;
    struct vkey key;
    CHECK_OK(note_parse(bytes_text(FOO_NOTE), &note, NULL));
    CHECK_OK(vkey_parse(bytes_text(FOO), &key, NULL));
    CHECK_TEXT(note.text, "This is an example message.\n");
    cr_assert(note.count == 1 && note.signatures[0].key_id == 0x530d903a);
    cr_assert(note.signatures[0].blob_len == 64);
    CHECK_TEXT(note.signatures[0].name, "example.com/foo");
    CHECK_TEXT(note.signatures[0].line, FOO_LINE);
    CHECK_OK(note_verify(&note, &key));
    check_comes_back(&note, bytes_text(FOO_NOTE));
}

Test(note, the_text_ends_at_the_last_empty_line) {
    check_parses(bytes_text("\n\n" TINY_LINE), "\n", 1);
    check_parses(bytes_text("\n\n\n" TINY_LINE), "\n\n", 1);
    check_parses(bytes_text("a\n\nb\n\n" TINY_LINE), "a\n\nb\n", 1);
    check_parses(bytes_text("a\n\n\n\n" TINY_LINE TINY_LINE), "a\n\n\n", 2);
    /* What looks like signatures before it is text. */
    check_parses(bytes_text("a\n\n" TINY_LINE "\n" TINY_LINE), "a\n\n" TINY_LINE, 1);
    check_parses(bytes_text("\xc3\xa8 subito sera.\n\n" TINY_LINE), "\xc3\xa8 subito sera.\n", 1);
}

Test(note, what_is_no_note_is_refused) {
    static const char *const bad[] = {
        "",
        "\n",
        "\n\n",
        "text\n",
        "text\n\n",                             /* no signature */
        "\n" TINY_LINE,                         /* the text must end in a newline */
        TINY_LINE,                              /* no text */
        "text\n" TINY_LINE,                     /* no empty line */
        "text\n\n" TINY_LINE "\n",              /* an empty line after the signatures */
        "text\n\n" DASH "n AAAAAAE=",           /* no newline at the end */
        "text\n\n" TINY_LINE "more\n",          /* another line among them */
        "text\n\nmore\n" TINY_LINE,             /* and before them */
        "text\n\n\xe2\x80\x94n AAAAAAE=\n",     /* no space after the dash */
        "text\n\n- n AAAAAAE=\n",               /* not an em dash */
        "text\n\n\xe2\x80\x93 n AAAAAAE=\n",    /* an en dash */
        "text\n\n" DASH "n\n",                  /* no signature in the line */
        "text\n\n" DASH "nAAAAAAE=\n",          /* one word */
        "text\n\n" DASH " AAAAAAE=\n",          /* empty name */
        "text\n\n" DASH "n AAAAAAE= \n",        /* space after */
        "text\n\n" DASH "n  AAAAAAE=\n",        /* two spaces */
        "text\n\n" DASH " n AAAAAAE=\n",        /* space before */
        "text\n\n" DASH "n m AAAAAAE=\n",       /* space within the name */
        "text\n\n" DASH "n+m AAAAAAE=\n",       /* plus */
        "text\n\n" DASH "n AAAAAA==\n",         /* the key ID alone */
        "text\n\n" DASH "n AAAA\n",             /* not even that */
        "text\n\n" DASH "n \n",                 /* nothing */
        "text\n\n" DASH "n AAAAAAF=\n",         /* trailing bits */
        "text\n\n" DASH "n AAAAAAE\n",          /* no padding */
        "text\n\n" DASH "n AAAAAA-_\n",         /* another alphabet */
        "text\n\n" DASH "n AAAAAAE=AAAAAAE=\n", /* after the padding */
        "text\r\n\n" TINY_LINE,                 /* control characters */
        "te\txt\n\n" TINY_LINE,
        "te\x1fxt\n\n" TINY_LINE,
        "te\xc0\x80xt\n\n" TINY_LINE,     /* overlong */
        "te\xed\xa0\x80xt\n\n" TINY_LINE, /* surrogate */
        "te\xff"
        "xt\n\n" TINY_LINE,         /* no UTF-8 at all */
        "te\xe2\x80\n\n" TINY_LINE, /* cut short */
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        check_refused(bytes_text(bad[i]), STATUS_BAD_FORM);
    }
    check_refused(bytes_of("te\0xt\n\n" TINY_LINE, 7 + strlen(TINY_LINE)), STATUS_BAD_FORM);
    check_refused(bytes_of(NULL, 0), STATUS_BAD_FORM);
    check_parses(bytes_text("te\x7fxt\n\n" TINY_LINE), "te\x7fxt\n", 1); /* not below U+0020 */
}

/* Encodes a code point; that of a surrogate is not UTF-8. */
static struct bytes encode_rune(uint32_t rune, uint8_t out[4]) {
    if (rune < 0x80) {
        out[0] = (uint8_t)rune;
        return bytes_of(out, 1);
    }
    size_t len = rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;
    for (size_t i = len; i-- > 1;) {
        out[i] = (uint8_t)(0x80 | (rune & 0x3f));
        rune >>= 6;
    }
    out[0] = (uint8_t)((0xf00U >> len) | rune);
    return bytes_of(out, len);
}

Test(note, names_hold_any_rune_but_spaces_plus_and_controls) {
    /* Unicode's White_Space, all 25. */
    static const uint32_t spaces[] = {0x09,   0x0a,   0x0b,   0x0c,   0x0d,   0x20,   0x85,
                                      0xa0,   0x1680, 0x2000, 0x2001, 0x2002, 0x2003, 0x2004,
                                      0x2005, 0x2006, 0x2007, 0x2008, 0x2009, 0x200a, 0x2028,
                                      0x2029, 0x202f, 0x205f, 0x3000};
    size_t refused = 0;
    for (uint32_t rune = 0; rune <= 0x10ffff; rune++) {
        uint8_t memory[4];
        bool good = rune >= 0x20 && rune != '+' && (rune < 0xd800 || rune > 0xdfff);
        for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++) {
            good = good && rune != spaces[i];
        }
        if (note_name_valid(encode_rune(rune, memory)) != good) {
            cr_assert_fail("U+%04x", rune);
        }
        refused += good ? 0 : 1;
    }
    cr_assert(refused == 32 + 1 + 20 + 2048, "%zu", refused);
}

Test(note, names_have_a_length) {
    char name[NAME_SIZE_MAX + 1];
    memset(name, 'n', sizeof name);
    cr_assert(note_name_valid(bytes_of(name, 1)) && note_name_valid(bytes_of(name, NAME_SIZE_MAX)));
    cr_assert(!note_name_valid(bytes_of(name, NAME_SIZE_MAX + 1)));
    cr_assert(!note_name_valid(bytes_of(name, 0)) && !note_name_valid(bytes_of(NULL, 0)));
    for (size_t i = 0; i < 40; i++) { /* a space is found anywhere */
        name[i] = ' ';
        cr_assert(!note_name_valid(bytes_of(name, 40)));
        name[i] = 'n';
    }
    cr_assert(!note_name_valid(bytes_text("a\xc3")));
    cr_assert(!note_name_valid(bytes_text("\xff")));
}

Test(note, up_to_64_signatures_of_any_length) {
    static uint8_t memory[65536], blob[5000];
    struct writer w;
    for (size_t count = 1; count <= NOTE_SIGNATURES_MAX + 1; count++) {
        writer_init(&w, memory, sizeof memory);
        writer_text(&w, "many\n\n");
        for (size_t i = 0; i < count; i++) {
            blob[0] = (uint8_t)i;
            note_append_line(&w, bytes_text("n"), (uint32_t)i << 24, blob, 1 + i);
        }
        CHECK_OK(writer_status(&w));
        if (count <= NOTE_SIGNATURES_MAX) {
            check_parses(writer_view(&w), "many\n", count);
        } else {
            check_refused(writer_view(&w), STATUS_TOO_LARGE);
        }
    }
    /* As long as a post-quantum one, and all lengths near the ends of base64 groups. */
    for (size_t len = sizeof blob - 9; len <= sizeof blob; len++) {
        writer_init(&w, memory, sizeof memory);
        writer_text(&w, "long\n\n");
        note_append_line(&w, bytes_text("n"), 0x01020304, blob, len);
        check_parses(writer_view(&w), "long\n", 1);
    }
}

Test(note, decoding_a_signature_keeps_to_the_room) {
    struct note note;
    uint8_t blob[64];
    size_t len = 77;
    memset(blob, 0xee, sizeof blob);
    CHECK_OK(note_parse(bytes_text(FOO_NOTE), &note, NULL));
    CHECK_STATUS(note_signature_decode(&note.signatures[0], blob, 63, &len), STATUS_TOO_LARGE);
    cr_assert(len == 77 && blob[0] == 0xee, "untouched");
    CHECK_OK(note_signature_decode(&note.signatures[0], blob, 64, &len));
    cr_assert(len == 64 && blob[0] == 0x49 && blob[63] == 0x03);
}

Test(note, lines_alone) {
    struct note_signature lines[4];
    size_t count = 77;
    CHECK_OK(note_parse_lines(bytes_text(""), lines, 4, &count, NULL));
    cr_assert(count == 0);
    CHECK_OK(note_parse_lines(bytes_of(NULL, 0), lines, 4, &count, NULL));
    CHECK_OK(note_parse_lines(bytes_text(FOO_LINE TINY_LINE), lines, 2, &count, NULL));
    cr_assert(count == 2 && lines[1].blob_len == 1 && lines[1].key_id == 0);
    CHECK_TEXT(lines[0].line, FOO_LINE);
    CHECK_TEXT(lines[1].encoded, "AAAAAAE=");
    count = 77;
    CHECK_STATUS(note_parse_lines(bytes_text(FOO_LINE TINY_LINE), lines, 1, &count, NULL),
                 STATUS_TOO_LARGE);
    static const char *const bad[] = {"\n",
                                      FOO_LINE "\n",
                                      "\n" FOO_LINE,
                                      FOO_LINE "x\n",
                                      "text\n" FOO_LINE,
                                      DASH "n AAAAAAE=",
                                      "x",
                                      DASH "n AAAAAAE\n",
                                      DASH "\xff AAAAAAE=\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct refusal why = {.status = STATUS_OK};
        CHECK_STATUS(note_parse_lines(bytes_text(bad[i]), lines, 4, &count, &why), STATUS_BAD_FORM);
        cr_assert(why.status == STATUS_BAD_FORM && count == 77);
    }
}

/* A note by two keys, with one line of another's. */
static struct bytes make_note(struct writer *w, uint8_t memory[2048]) {
    struct signer a = test_signer("a.example/log", VKEY_NOTE);
    struct signer b = test_signer("b.example", VKEY_NOTE);
    struct bytes text = bytes_text("some\n\ntext: \xc3\xa8\n");
    writer_init(w, memory, 2048);
    writer_bytes(w, text);
    writer_text(w, "\n");
    note_sign(w, text, &a);
    note_sign(w, text, &b);
    CHECK_OK(writer_status(w));
    return writer_view(w);
}

Test(note, signed_by_two_keys) {
    struct signer a = test_signer("a.example/log", VKEY_NOTE);
    struct signer b = test_signer("b.example", VKEY_NOTE);
    struct signer c = test_signer("c.example", VKEY_NOTE);
    struct signer a4 = test_signer("a.example/log", VKEY_COSIGNATURE);
    uint8_t memory[2048];
    struct writer w;
    struct note note;
    struct bytes all = make_note(&w, memory);
    CHECK_OK(note_parse(all, &note, NULL));
    check_comes_back(&note, all);
    CHECK_OK(note_verify(&note, &a.vkey));
    CHECK_OK(note_verify(&note, &b.vkey));
    CHECK_STATUS(note_verify(&note, &c.vkey), STATUS_NOT_FOUND);
    CHECK_STATUS(note_verify(&note, &a4.vkey), STATUS_NOT_FOUND);
    cr_assert(note_signature_verify(&note.signatures[0], note.text, &a.vkey));
    /* One key of another type that has the ID by collision. */
    a4.vkey.id = a.vkey.id;
    a4.vkey.key = a.vkey.key;
    cr_assert(!note_signature_verify(&note.signatures[0], note.text, &a4.vkey));
    CHECK_STATUS(note_verify(&note, &a4.vkey), STATUS_NOT_FOUND);
    cr_assert(!note_signature_verify(&note.signatures[0], note.text, &b.vkey));
    cr_assert(!note_signature_verify(&note.signatures[0], bytes_text("other\n"), &a.vkey));
}

/* "Verifiers MUST ignore signatures from unknown keys, even if they share a name or ID (but not
 * both) with a known key. If the key name and ID match a known key, verifiers MUST verify." */
Test(note, a_line_is_by_a_key_if_name_and_id_are_its_own) {
    struct signer a = test_signer("a.example", VKEY_NOTE);
    struct bytes text = bytes_text("text\n");
    const uint8_t junk[64] = {1};
    uint8_t good[SIGN_SIGNATURE_SIZE];
    sign_message(&a.key, text.data, text.len, good);
    const struct {
        const char *name;
        uint32_t id;
        const uint8_t *blob;
        size_t len;
        enum status alone, beside_a_good_one;
    } cases[] = {
        {"a.example", a.vkey.id, good, 64, STATUS_OK, STATUS_OK},
        {"a.exampl", a.vkey.id, good, 64, STATUS_NOT_FOUND, STATUS_OK},
        {"a.examplee", a.vkey.id, good, 64, STATUS_NOT_FOUND, STATUS_OK},
        {"a.example", a.vkey.id ^ 1, good, 64, STATUS_NOT_FOUND, STATUS_OK},
        {"a.example", a.vkey.id, junk, 64, STATUS_DENIED_SIGNATURE, STATUS_DENIED_SIGNATURE},
        {"a.example", a.vkey.id, good, 63, STATUS_DENIED_SIGNATURE, STATUS_DENIED_SIGNATURE},
        {"a.example", a.vkey.id, junk, 1, STATUS_DENIED_SIGNATURE, STATUS_DENIED_SIGNATURE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (int beside = 0; beside < 3; beside++) { /* alone, before a good line, after one */
            uint8_t memory[2048];
            struct writer w;
            struct note note;
            writer_init(&w, memory, sizeof memory);
            writer_text(&w, "text\n\n");
            if (beside == 2) {
                note_sign(&w, text, &a);
            }
            note_append_line(&w, bytes_text(cases[i].name), cases[i].id, cases[i].blob,
                             cases[i].len);
            if (beside == 1) {
                note_sign(&w, text, &a);
            }
            CHECK_OK(note_parse(writer_view(&w), &note, NULL));
            CHECK_STATUS(note_verify(&note, &a.vkey),
                         beside == 0 ? cases[i].alone : cases[i].beside_a_good_one);
        }
    }
    /* 65 bytes that begin well. */
    uint8_t longer[65] = {0}, memory[2048];
    struct writer w;
    struct note note;
    memcpy(longer, good, 64);
    writer_init(&w, memory, sizeof memory);
    writer_text(&w, "text\n\n");
    note_append_line(&w, bytes_text("a.example"), a.vkey.id, longer, 65);
    CHECK_OK(note_parse(writer_view(&w), &note, NULL));
    CHECK_STATUS(note_verify(&note, &a.vkey), STATUS_DENIED_SIGNATURE);
}

Test(note, no_damaged_note_passes) {
    struct signer a = test_signer("a.example/log", VKEY_NOTE);
    struct signer b = test_signer("b.example", VKEY_NOTE);
    static struct mangle m;
    uint8_t memory[2048];
    struct writer w;
    struct bytes damaged;
    size_t parsed = 0, refused = 0;
    mangle_init(&m, make_note(&w, memory));
    while (mangle_next(&m, &damaged)) {
        struct note note;
        struct refusal why = {.status = STATUS_OK};
        enum status status = note_parse(damaged, &note, &why);
        if (status != STATUS_OK) {
            cr_assert(status == STATUS_BAD_FORM && why.status == STATUS_BAD_FORM);
            refused++;
            continue;
        }
        parsed++;
        check_comes_back(&note, damaged);
        cr_assert(note_verify(&note, &a.vkey) != STATUS_OK ||
                      note_verify(&note, &b.vkey) != STATUS_OK,
                  "damage %d at %zu, value %02x", m.kind, m.position, m.value);
    }
    cr_assert(parsed > 1000 && refused > 1000, "%zu parsed, %zu refused", parsed, refused);
}

Test(note, parsing_takes_time_in_proportion) {
    /* 4 MiB of what an impatient parser would scan again and again: it must not take minutes. */
    static const char *const lines[] = {"\n", "a\n", DASH "\n", TINY_LINE, ("\n\n\n" DASH)};
    const size_t len = 4U << 20;
    uint8_t *memory = malloc(len);
    cr_assert(memory != NULL);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct writer w;
        struct note note;
        writer_init(&w, memory, len);
        while (w.len + 64 < len) {
            writer_text(&w, lines[i]);
        }
        writer_text(&w, "\n");
        CHECK_OK(writer_status(&w));
        cr_assert(note_parse(writer_view(&w), &note, NULL) != STATUS_OK);
        writer_text(&w, "\n" TINY_LINE);
        CHECK_OK(note_parse(writer_view(&w), &note, NULL));
    }
    free(memory);
}

Test(note, a_cosigner_signs_no_note, .signal = SIGABRT) {
    struct signer s = test_signer("a.example", VKEY_COSIGNATURE);
    uint8_t memory[512];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    note_sign(&w, bytes_text("text\n"), &s);
}

Test(note, a_text_without_newline_is_not_signed, .signal = SIGABRT) {
    struct signer s = test_signer("a.example", VKEY_NOTE);
    uint8_t memory[512];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    note_sign(&w, bytes_text("text"), &s);
}
