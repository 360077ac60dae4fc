/* Checkpoints: the public example's text, exactness, limits, and every small damage. */
#include "ledger/checkpoint.h"

#include "tests/lib/check.h"
#include "tests/lib/keys.h"
#include "tests/lib/mangle.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define ORIGIN "example.com/behind-the-sofa"
#define ROOT "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
#define TEXT ORIGIN "\n20852163\n" ROOT "\n"
/* The example of the tlog-checkpoint and tlog-cosignature specifications. */
#define EXAMPLE                                                                                    \
    TEXT                                                                                           \
        "\n\xe2\x80\x94 " ORIGIN                                                                   \
        " Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTO" \
        "AYQ8=\n"                                                                                  \
        "\xe2\x80\x94 witness.example.com/w1 "                                                     \
        "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe"  \
        "+mbIUBkBIfZ+qnA==\n"

static void check_comes_back(const struct checkpoint *c, struct bytes text) {
    static uint8_t memory[CHECKPOINT_SIZE_MAX];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    checkpoint_format_text(&w, c->origin, c->size, &c->root);
    writer_bytes(&w, c->extensions);
    CHECK_OK(writer_status(&w));
    CHECK_BYTES(writer_view(&w), text);
}

static void check_refused(struct bytes text, enum status expected) {
    static struct checkpoint c, before;
    struct refusal why = {.status = STATUS_OK, .text = ""};
    memset(&c, 0x5a, sizeof c);
    before = c;
    CHECK_STATUS(checkpoint_parse_text(text, &c, &why), expected);
    cr_assert(why.status == expected && why.text[0] != '\0');
    cr_assert(memcmp(&c, &before, sizeof c) == 0, "the output was touched");
}

Test(checkpoint, the_public_example) {
    struct note note;
    struct checkpoint c;
    CHECK_OK(checkpoint_parse(bytes_text(EXAMPLE), &note, &c, NULL));
    CHECK_TEXT(c.origin, ORIGIN);
    cr_assert(c.size == 20852163 && c.extensions.len == 0);
    CHECK_HASH(&c.root, "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62");
    CHECK_TEXT(note.text, TEXT);
    cr_assert(note.count == 2);
    check_comes_back(&c, note.text);
}

Test(checkpoint, what_may_stand_in_a_text) {
    static const struct {
        const char *text, *origin, *extensions;
        uint64_t size;
    } cases[] = {
        {"o\n0\n" ROOT "\n", "o", "", 0},
        {"an origin + with spaces\n7\n" ROOT "\n", "an origin + with spaces", "", 7},
        {"\xc3\xa8\n7\n" ROOT "\next\n", "\xc3\xa8", "ext\n", 7},
        {"o\n4611686018427387904\n" ROOT "\n1\n 2\n", "o", "1\n 2\n", UINT64_C(1) << 62},
        {" \n1\n" ROOT "\n \n", " ", " \n", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct checkpoint c;
        CHECK_OK(checkpoint_parse_text(bytes_text(cases[i].text), &c, NULL));
        CHECK_TEXT(c.origin, cases[i].origin);
        CHECK_TEXT(c.extensions, cases[i].extensions);
        cr_assert(c.size == cases[i].size);
        check_comes_back(&c, bytes_text(cases[i].text));
    }
}

Test(checkpoint, what_may_not) {
    static const char *const bad[] = {
        "",
        "\n",
        "o",
        "o\n",
        "o\n1\n",
        "o\n1\n" ROOT,              /* no newline */
        "\n1\n" ROOT "\n",          /* empty origin */
        "o\n\n" ROOT "\n",          /* empty size */
        "o\n1\n\n",                 /* empty root */
        "o\n1\n" ROOT "\n\n",       /* empty extension line */
        "o\n1\n" ROOT "\next\n\n",  /* later */
        "o\n1\n" ROOT "\n\next\n",  /* first */
        "o\n1\n" ROOT "\na\n\nb\n", /* between */
        "o\n1\n" ROOT "\next",      /* no newline */
        "o\n01\n" ROOT "\n",        /* leading zero */
        "o\n00\n" ROOT "\n",
        "o\n-1\n" ROOT "\n",
        "o\n 1\n" ROOT "\n",
        "o\n1 \n" ROOT "\n",
        "o\n0x1\n" ROOT "\n",
        "o\n9223372036854775808\n" ROOT "\n", /* 2^63 */
        "o\n18446744073709551617\n" ROOT "\n",
        "o\n1\n" ROOT " \n",
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n",  /* no padding */
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n", /* trailing bits */
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==\n", /* 31 bytes */
        "o\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2IA\n", /* 33 */
        "o\r\n1\n" ROOT "\n",
        "o\n1\n" ROOT "\n\t\n",
        "\xff\n1\n" ROOT "\n",
        "o\n1\n" ROOT "\n\xff\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        check_refused(bytes_text(bad[i]), STATUS_BAD_FORM);
    }
    check_refused(bytes_text("o\n4611686018427387905\n" ROOT "\n"), STATUS_BAD_SIZE);
    check_refused(bytes_text("o\n9223372036854775807\n" ROOT "\n"), STATUS_BAD_SIZE);
}

Test(checkpoint, an_empty_line_ends_no_text_early) {
    /* The note's text goes on to the last empty line, and then holds one. */
    struct note note = {.count = 77};
    struct checkpoint c = {.size = 77};
    CHECK_STATUS(
        checkpoint_parse(bytes_text(TEXT "\next\n\n\xe2\x80\x94 n AAAAAAE=\n"), &note, &c, NULL),
        STATUS_BAD_FORM);
    CHECK_STATUS(checkpoint_parse(bytes_text(TEXT), &note, &c, NULL), STATUS_BAD_FORM);
    cr_assert(note.count == 77 && c.size == 77, "untouched");
}

Test(checkpoint, origins_up_to_the_maximum) {
    char text[NAME_SIZE_MAX + 1 + sizeof "\n1\n" ROOT "\n"];
    struct checkpoint c;
    memset(text, 'o', NAME_SIZE_MAX + 1);
    memcpy(text + NAME_SIZE_MAX + 1, "\n1\n" ROOT "\n", sizeof "\n1\n" ROOT "\n");
    CHECK_OK(checkpoint_parse_text(bytes_text(text + 1), &c, NULL));
    cr_assert(c.origin.len == NAME_SIZE_MAX);
    check_refused(bytes_text(text), STATUS_TOO_LARGE);
}

Test(checkpoint, extensions_up_to_the_maximum) {
    static uint8_t memory[CHECKPOINT_SIZE_MAX + 1];
    struct checkpoint c;
    memset(memory, 'x', sizeof memory);
    memcpy(memory, TEXT, sizeof TEXT - 1);
    memory[CHECKPOINT_SIZE_MAX - 1] = '\n';
    CHECK_OK(checkpoint_parse_text(bytes_of(memory, CHECKPOINT_SIZE_MAX), &c, NULL));
    check_comes_back(&c, bytes_of(memory, CHECKPOINT_SIZE_MAX));
    memory[CHECKPOINT_SIZE_MAX] = '\n';
    memory[CHECKPOINT_SIZE_MAX - 1] = 'x';
    check_refused(bytes_of(memory, CHECKPOINT_SIZE_MAX + 1), STATUS_TOO_LARGE);

    /* A whole signed checkpoint, at the limit and one byte over it. */
    static const char tail[] = "\n\n\xe2\x80\x94 n AAAAAAE=\n";
    struct note note;
    for (size_t over = 0; over < 2; over++) {
        size_t len = CHECKPOINT_SIZE_MAX + over;
        memset(memory + sizeof TEXT - 1, 'x', len - (sizeof TEXT - 1));
        memcpy(memory + len - (sizeof tail - 1), tail, sizeof tail - 1);
        CHECK_STATUS(checkpoint_parse(bytes_of(memory, len), &note, &c, NULL),
                     over == 0 ? STATUS_OK : STATUS_TOO_LARGE);
    }
}

static struct bytes make(struct writer *w, uint8_t memory[1024]) {
    struct signer log = test_signer("agency.example/log", VKEY_NOTE);
    struct hash root;
    hash_of("root", 4, &root);
    writer_init(w, memory, 1024);
    checkpoint_sign(w, vkey_name(&log.vkey), 1234, &root, &log);
    CHECK_OK(writer_status(w));
    return writer_view(w);
}

Test(checkpoint, what_is_signed_parses_and_verifies) {
    struct signer log = test_signer("agency.example/log", VKEY_NOTE);
    uint8_t memory[1024];
    struct writer w;
    struct note note;
    struct checkpoint c;
    struct bytes all = make(&w, memory);
    CHECK_OK(checkpoint_parse(all, &note, &c, NULL));
    CHECK_TEXT(c.origin, "agency.example/log");
    cr_assert(c.size == 1234 && note.count == 1 && c.extensions.len == 0);
    CHECK_OK(note_verify(&note, &log.vkey));
    check_comes_back(&c, note.text);
}

Test(checkpoint, the_longest_text_fits_its_maximum) {
    char name[NAME_SIZE_MAX];
    uint8_t memory[CHECKPOINT_TEXT_MAX];
    struct writer w;
    struct hash root;
    hash_empty(&root);
    memset(name, 'o', sizeof name);
    writer_init(&w, memory, sizeof memory);
    checkpoint_format_text(&w, bytes_of(name, sizeof name), TREE_SIZE_MAX, &root);
    CHECK_OK(writer_status(&w));
    cr_assert(w.len == CHECKPOINT_TEXT_MAX);
}

Test(checkpoint, no_damaged_checkpoint_passes) {
    struct signer log = test_signer("agency.example/log", VKEY_NOTE);
    static struct mangle m;
    uint8_t memory[1024];
    struct writer w;
    struct bytes damaged;
    size_t parsed = 0, refused = 0;
    mangle_init(&m, make(&w, memory));
    while (mangle_next(&m, &damaged)) {
        struct note note;
        struct checkpoint c;
        struct refusal why = {.status = STATUS_OK};
        if (checkpoint_parse(damaged, &note, &c, &why) != STATUS_OK) {
            cr_assert(why.status != STATUS_OK);
            refused++;
            continue;
        }
        parsed++;
        check_comes_back(&c, note.text);
        cr_assert(note_verify(&note, &log.vkey) != STATUS_OK, "damage %d at %zu, value %02x",
                  m.kind, m.position, m.value);
    }
    cr_assert(parsed > 1000 && refused > 1000, "%zu parsed, %zu refused", parsed, refused);
}

Test(checkpoint, a_newline_in_an_origin_is_our_bug, .signal = SIGABRT) {
    struct hash root;
    uint8_t memory[512];
    struct writer w;
    hash_empty(&root);
    writer_init(&w, memory, sizeof memory);
    checkpoint_format_text(&w, bytes_text("a\nb"), 1, &root);
}
