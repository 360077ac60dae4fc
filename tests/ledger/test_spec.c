/* specs/event.md says what the code does: its types and its worked example are compared with
 * what the code gives; so is specs/kinds.md. */
#include "ledger/body.h"
#include "ledger/event.h"
#include "ledger/json.h"
#include "ledger/kind_page.h"
#include "tests/lib/check.h"
#include "tests/lib/keys.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define SPEC "specs/event.md"

static char spec[131072];

static void setup(void) {
    FILE *file = fopen(SPEC, "rb");
    cr_assert_not_null(file, "%s: run from the project's root", SPEC);
    size_t len = fread(spec, 1, sizeof spec - 1, file);
    cr_assert_lt(len, sizeof spec - 1);
    fclose(file);
    spec[len] = '\0';
    cr_assert(crypto_init());
}

TestSuite(spec, .init = setup);

/* The page is what the program writes. */
Test(spec, the_page_of_kinds_is_the_table) {
    static uint8_t memory[KIND_PAGE_MAX];
    static uint8_t page[KIND_PAGE_MAX + 1];
    struct writer w;
    FILE *file = fopen("specs/kinds.md", "rb");
    cr_assert_not_null(file, "specs/kinds.md: run from the project's root");
    size_t len = fread(page, 1, sizeof page, file);
    fclose(file);
    writer_init(&w, memory, sizeof memory);
    kind_page_write(&w, 1);
    cr_assert_not(w.failed);
    cr_expect(bytes_equal(bytes_of(page, len), writer_view(&w)),
              "the table has changed: dutylog event --kinds > specs/kinds.md");
}

/* Every type has its line in the table of types. */
Test(spec, has_every_type) {
    for (unsigned type = 0; type < MEMBER_TYPE_COUNT; type++) {
        const char *name = member_type_name((enum member_type)type);
        char first[64];
        char second[64];
        if (type == MEMBER_CODE || type == MEMBER_CODES || type == MEMBER_VKEY_ACCUSED ||
            type == MEMBER_VKEY) {
            continue; /* *codes*; vkey and any vkey share a line */
        }
        snprintf(first, sizeof first, "\n| %s", name);
        snprintf(second, sizeof second, ", %s |", name); /* hash, salt */
        cr_expect(strstr(spec, first) != NULL || strstr(spec, second) != NULL, "%s", name);
    }
}

/* --- the worked example --- */

static void put_line(struct writer *w, const char *name, const struct hash *hash) {
    writer_text(w, name);
    writer_hash_hex(w, hash);
    writer_text(w, "\n");
}

Test(spec, has_the_worked_example) {
    static uint8_t memory[8192];
    static char text[4096];
    struct signer clerk = test_signer("pd.example/clerk-7", VKEY_NOTE);
    const struct signer *signers[1] = {&clerk};
    struct body_context context = {bytes_text("log.example"), bytes_text("pd.example/clerk-7"), 1};
    struct body_member members[2] = {
        {.name = bytes_text("narrative"), .value = bytes_text("\"He \\\"stood by\\\".\\n\"")},
        {.name = bytes_text("officer"), .value = bytes_text("\"off-5d490e1d\"")},
    };
    struct hash commitments[2];
    struct hash body;
    struct event event;
    struct refusal why;
    json_t *open;
    struct writer w;
    struct writer draft_text;
    memset(members[0].salt, 0x11, BODY_SALT_SIZE);
    memset(members[1].salt, 0x22, BODY_SALT_SIZE);
    body_commitment(&context, &members[0], &commitments[0]);
    body_commitment(&context, &members[1], &commitments[1]);
    CHECK_OK(body_root(&context, members, 2, &body, &why));
    CHECK_OK(jcs_parse(
        bytes_text("{\"basis\":\"live\",\"case\":\"0123456789abcdef0123456789abcdef\","
                   "\"decided\":\"2024-02-02\",\"decided_by\":\"commissioner\",\"disposition\":"
                   "\"sustained\",\"ori\":\"NY0303000\",\"party\":\"officer\"}"),
        &open, &why));
    struct event_draft draft = {.log = context.log,
                                .issuer = context.issuer,
                                .kind = bytes_text("finding.final"),
                                .seq = 1,
                                .body = &body,
                                .open = open};
    writer_init(&draft_text, memory, sizeof memory);
    CHECK_OK(event_format(&draft_text, &draft, &why));
    json_decref(open);

    writer_init(&w, text, sizeof text - 1);
    writer_text(&w, "```\n");
    vkey_format(&w, &clerk.vkey);
    writer_text(&w, "\n```\n\n```\n");
    size_t start = w.len;
    CHECK_OK(event_sign(&w, writer_view(&draft_text), signers, 1, &why));
    struct bytes note = bytes_of(text + start, w.len - start);
    CHECK_OK(event_parse(note, &event, &why));
    writer_text(&w, "```\n\n```\n");
    put_line(&w, "commitment of narrative  ", &commitments[0]);
    put_line(&w, "commitment of officer    ", &commitments[1]);
    put_line(&w, "body                     ", &body);
    put_line(&w, "id                       ", &event.id);
    event_release(&event);
    struct hash leaf;
    uint8_t entry[2048];
    struct writer e;
    writer_init(&e, entry, sizeof entry);
    entry_format(&e, 1706875200123, note);
    hash_leaf(e.data, e.len, &leaf);
    put_line(&w, "leaf hash of its entry   ", &leaf);
    writer_text(&w, "```\n");
    cr_assert_not(w.failed);
    text[w.len] = '\0';
    cr_expect(strstr(spec, text) != NULL, SPEC " lacks this example:\n%s", text);
}
