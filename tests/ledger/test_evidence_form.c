/* The outer form of evidence files: the parts here are any bytes. */
#include "ledger/evidence.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

static struct bytes format(const struct evidence *e) {
    static uint8_t memory[1024];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    evidence_format(&w, e);
    cr_assert_not(w.failed);
    return writer_view(&w);
}

#define HASH64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"

Test(evidence_form, bad_forms_are_refused) {
    static const struct {
        const char *text;
        enum status status;
    } cases[] = {
        {"dutylog/evidence/v1 a\npart 1\n1part 1\n2", STATUS_OK},
        {"dutylog/evidence/v1 b\npart 1\n2part 1\n1" HASH64, STATUS_OK},
        {"dutylog/evidence/v1 c\npart 1\n2part 1\n1" HASH64 HASH64, STATUS_OK},
        {"dutylog/evidence/v1 d\npart 1\n2part 1\n1", STATUS_OK},
        {"dutylog/evidence/v1 a\npart 1\n2part 1\n1", STATUS_BAD_CANONICAL},
        {"dutylog/evidence/v1 a\npart 1\n1part 1\n1", STATUS_BAD_CANONICAL},
        {"dutylog/evidence/v1 a\npart 1\n1part 1\n2" HASH64, STATUS_BAD_FORM},
        {"dutylog/evidence/v1 d\npart 1\n1part 1\n2" HASH64, STATUS_BAD_FORM},
        {"dutylog/evidence/v1 b\npart 1\n1part 1\n2", STATUS_BAD_FORM},
        {"dutylog/evidence/v1 c\npart 1\n1part 1\n2" HASH64, STATUS_BAD_FORM},
        {"dutylog/evidence/v1 c\npart 1\n1part 1\n2" HASH64 HASH64 HASH64, STATUS_BAD_FORM},
        {"dutylog/evidence/v1 e\npart 1\n1part 1\n2", STATUS_BAD_FORM},
        {"dutylog/evidence/v1 A\npart 1\n1part 1\n2", STATUS_BAD_FORM},
        {"dutylog/evidence/v1 \npart 1\n1part 1\n2", STATUS_BAD_FORM},
        {"dutylog/evidence/v1 ab\npart 1\n1part 1\n2", STATUS_BAD_FORM},
        {"dutylog/evidence/v1\npart 1\n1part 1\n2", STATUS_BAD_FORM},
        {"dutylog/evidence/v2 a\npart 1\n1part 1\n2", STATUS_BAD_FORM},
        {"", STATUS_BAD_FORM},
        {"dutylog/evidence/v1 a", STATUS_BAD_FORM},
        {"dutylog/evidence/v1 a\n", STATUS_BAD_FORM},
        {"dutylog/evidence/v1 a\npart 1\n1", STATUS_BAD_FORM},
        {"dutylog/evidence/v1 a\npart 1\n1part 2\n2", STATUS_BAD_FORM},
        {"dutylog/evidence/v1 a\npart 1\n1part 1\n2\n", STATUS_BAD_FORM},
        {"dutylog/evidence/v1 a\npart 0\npart 1\n2", STATUS_BAD_FORM},
        {"dutylog/evidence/v1 a\npart 1\n1part 0\n", STATUS_BAD_FORM},
        {"dutylog/evidence/v1 a\npart 01\n1part 1\n2", STATUS_BAD_FORM},
        {"dutylog/evidence/v1 a\npart 1 \n1part 1\n2", STATUS_BAD_FORM},
        {"dutylog/evidence/v1 a\npart  1\n1part 1\n2", STATUS_BAD_FORM},
        {"dutylog/evidence/v1 a\nPart 1\n1part 1\n2", STATUS_BAD_FORM},
        {"dutylog/evidence/v1 a\npart 9223372036854775807\n1part 1\n2", STATUS_BAD_FORM},
        {"dutylog/evidence/v1 a\npart 1\n1part 1\n2part 1\n3", STATUS_BAD_FORM},
        {"dutylog/evidence/v1 b\npart 1\n2part 1\n1A" HASH64, STATUS_BAD_FORM},
        {"dutylog/evidence/v1 b\npart 1\n2part 1\n1\n" HASH64, STATUS_BAD_FORM},
        {"dutylog/evidence/v1 b\npart 1\n2part 1\n1"
         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n",
         STATUS_BAD_FORM},
        {"dutylog/evidence/v1 b\npart 1\n2part 1\n1"
         "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
         STATUS_BAD_FORM},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct evidence e = {.form = '?'};
        struct refusal why = {0};
        enum status got = evidence_parse(bytes_text(cases[i].text), &e, &why);
        cr_assert_eq(got, cases[i].status, "%s: %s", cases[i].text, why.text);
        bool no_form = strstr(why.text, "the form is not a, b, c or d") != NULL;
        cr_assert_eq(no_form,
                     strlen(cases[i].text) > 22 && strchr("eA", cases[i].text[20]) != NULL);
        if (got != STATUS_OK) {
            cr_assert(e.form == '?' && why.status == got && why.text[0] != '\0');
        } else {
            cr_assert(bytes_equal(format(&e), bytes_text(cases[i].text)));
        }
    }
}

Test(evidence_form, hashes_and_size_are_bounded) {
    static uint8_t memory[EVIDENCE_SIZE_MAX + 1];
    struct evidence e;
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    writer_text(&w, "dutylog/evidence/v1 b\npart 1\n1part 1\n2");
    for (unsigned i = 0; i < MERKLE_PROOF_MAX; i++) {
        writer_text(&w, HASH64);
    }
    cr_assert_eq(evidence_parse(writer_view(&w), &e, NULL), STATUS_OK);
    writer_text(&w, HASH64);
    cr_assert_eq(evidence_parse(writer_view(&w), &e, NULL), STATUS_BAD_FORM);
    cr_assert_eq(evidence_parse(bytes_of(memory, sizeof memory), &e, NULL), STATUS_TOO_LARGE);
}

Test(evidence_form, format_of_no_form_aborts, .signal = SIGABRT) {
    struct evidence e = {
        .form = 'b', .parts = {bytes_text("1"), bytes_text("2")}, .hashes = {.count = 0}};
    format(&e);
}
