/* specs/event.md says what the code does: its kinds table and its worked example are compared with
 * what the code gives. */
#include "ledger/body.h"
#include "ledger/event.h"
#include "ledger/json.h"
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

static const char *const type_names[] = {
    [MEMBER_TEXT] = "text",         [MEMBER_TOKEN] = "token",   [MEMBER_NAME] = "name",
    [MEMBER_ORIGIN] = "origin",     [MEMBER_HASH] = "hash",     [MEMBER_HANDLE] = "handle",
    [MEMBER_ORI] = "ORI",           [MEMBER_DATE] = "day",      [MEMBER_TIME] = "time",
    [MEMBER_INTEGER] = "integer",   [MEMBER_VKEY] = "vkey",     [MEMBER_VKEY_ACCUSED] = "any vkey",
    [MEMBER_VKEYS] = "vkeys",       [MEMBER_POLICY] = "policy", [MEMBER_OPERATORS] = "operators",
    [MEMBER_ORIS] = "ORIs",         [MEMBER_KINDS] = "kinds",   [MEMBER_SALT] = "salt",
    [MEMBER_HASHES] = "hashes",     [MEMBER_ANY] = "any",       [MEMBER_DISCIPLINE] = "discipline",
    [MEMBER_EVIDENCE] = "evidence", [MEMBER_EVENT] = "event",   [MEMBER_CHECKPOINT] = "checkpoint",
};

static void put_codes(struct writer *w, const char *const *codes) {
    for (size_t i = 0; codes[i] != NULL; i++) {
        writer_text(w, i > 0 ? ", " : "");
        writer_text(w, codes[i]);
    }
}

/* | `member` | type, at most max | open, required | */
static void put_row(struct writer *w, const struct kind_member *member) {
    writer_text(w, "| `");
    writer_text(w, member->name);
    writer_text(w, "` | ");
    if (member->type == MEMBER_CODE) {
        put_codes(w, member->codes);
    } else {
        writer_text(w, type_names[member->type]);
    }
    if (member->max > 0) {
        writer_text(w, ", at most ");
        writer_decimal(w, member->max);
    }
    writer_text(w, member->visibility == VISIBLE_CLOSED ? " | closed | "
                   : member->required                   ? " | open, required | "
                   : member->required_live              ? " | open, required if live | "
                                                        : " | open | ");
    writer_text(w, member->help);
    writer_text(w, " |\n");
}

static void put_roles(struct writer *w, const struct kind *kind) {
    bool first = true;
    for (uint32_t role = ROLE_ROOT; role <= ROLE_POST; role <<= 1) {
        if ((kind->roles & role) != 0) {
            writer_text(w, first ? "" : ", ");
            writer_text(w, role_name(role));
            first = false;
        }
    }
}

/* The section of one kind, as the spec must have it. */
static void put_kind(struct writer *w, const struct kind *kind) {
    writer_text(w, "### `");
    writer_text(w, kind->name);
    writer_text(w, "`\n");
    writer_u8(w, (uint8_t)(kind->help[0] - 'a' + 'A'));
    writer_text(w, kind->help + 1);
    writer_text(w, ". Issuer: ");
    put_roles(w, kind);
    writer_text(w, kind->roots_threshold ? ". Signed by the authority.\n\n" : ".\n\n");
    writer_text(w, "| member | type | | |\n|---|---|---|---|\n");
    for (size_t i = 0; i < kind->member_count; i++) {
        put_row(w, &kind->members[i]);
    }
}

Test(spec, has_every_kind_as_the_code_has_it) {
    static char section[16384];
    size_t count;
    const struct kind *kinds = kind_all(&count);
    for (size_t i = 0; i < count; i++) {
        struct writer w;
        writer_init(&w, section, sizeof section - 1);
        put_kind(&w, &kinds[i]);
        cr_assert_not(w.failed);
        section[w.len] = '\0';
        cr_expect(strstr(spec, section) != NULL, SPEC " lacks this section:\n%s", section);
    }
    size_t sections = 0;
    for (const char *at = spec; (at = strstr(at, "\n### `")) != NULL; at++) {
        sections++;
    }
    cr_expect_eq(sections, count, SPEC " has a kind that the code lacks");
}

Test(spec, has_every_measure_and_disposition) {
    char text[1024];
    struct writer w;
    writer_init(&w, text, sizeof text - 1);
    for (const struct kind_discipline *row = kind_disciplines; row->code != NULL; row++) {
        writer_text(&w, row == kind_disciplines ? "" : ", ");
        writer_text(&w, row->code);
    }
    text[w.len] = '\0';
    cr_expect(strstr(spec, text) != NULL, "%s", text);
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
