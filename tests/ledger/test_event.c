/* Events: one good event of every kind goes round, each rule has a refusal that names the member,
 * and no mangled or truncated event passes for the one that was signed. */
#include "ledger/body.h"
#include "ledger/event.h"
#include "ledger/json.h"

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LOG "log.example"
#define HASH_A "aa000000000000000000000000000000000000000000000000000000000000aa"
#define HANDLE "0123456789abcdef0123456789abcdef"
#define TEXT_SIZE 20000

static struct signer log_key;
static struct signer operator_key;
static struct signer clerk;
static struct signer roots[9];
static struct signer witnesses[3];

static void make_key(const char *name, enum vkey_type type, uint8_t number, struct signer *signer) {
    uint8_t seed[SIGN_SEED_SIZE] = {number};
    cr_assert_eq(signer_make(bytes_text(name), type, seed, signer), STATUS_OK);
}

static void setup(void) {
    cr_assert(crypto_init());
    make_key(LOG, VKEY_NOTE, 1, &log_key);
    make_key("op.example/7", VKEY_NOTE, 2, &operator_key);
    make_key("pd.example/clerk-7", VKEY_NOTE, 3, &clerk);
    for (unsigned i = 0; i < 9; i++) {
        char name[32];
        snprintf(name, sizeof name, "root%u.example", i);
        make_key(name, VKEY_NOTE, (uint8_t)(10 + i), &roots[i]);
    }
    for (unsigned i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "m%u.example", i);
        make_key(name, VKEY_COSIGNATURE, (uint8_t)(20 + i), &witnesses[i]);
    }
}

TestSuite(event, .init = setup);

/* $L log, $O operator, $C clerk, $A $B $D roots 0 to 2, $0 to $2 witnesses: their vkeys; $H a hash,
 * $h a handle. */
static void expand(const char *pattern, char *out) {
    size_t len = 0;
    for (const char *c = pattern; *c != '\0'; c++) {
        const struct signer *key = NULL;
        if (*c != '$') {
            out[len++] = *c;
            continue;
        }
        switch (*++c) {
        case 'L':
            key = &log_key;
            break;
        case 'O':
            key = &operator_key;
            break;
        case 'C':
            key = &clerk;
            break;
        case 'A':
            key = &roots[0];
            break;
        case 'B':
            key = &roots[1];
            break;
        case 'D':
            key = &roots[2];
            break;
        case '0':
        case '1':
        case '2':
            key = &witnesses[*c - '0'];
            break;
        case 'H':
            len += (size_t)snprintf(out + len, TEXT_SIZE - len, "%s", HASH_A);
            continue;
        case 'h':
            len += (size_t)snprintf(out + len, TEXT_SIZE - len, "%s", HANDLE);
            continue;
        default:
            cr_assert_fail("bad pattern");
        }
        struct writer w;
        writer_init(&w, out + len, VKEY_SIZE_MAX);
        vkey_format(&w, &key->vkey);
        len += w.len;
        cr_assert_lt(len, TEXT_SIZE - 512);
    }
    out[len] = '\0';
}

/* One good `open` for each kind, in canonical order. */
#define CASE_OPEN "\"basis\":\"live\",\"case\":\"$h\""
#define ALLEGED                                                                                    \
    "{" CASE_OPEN ",\"occurred\":\"2024-01-02\",\"ori\":\"NY0303000\",\"party\":\"officer\","      \
    "\"reported\":\"2024-01-03\"}"
#define OPENED                                                                                     \
    "{\"authority\":[\"$A\",\"$B\",\"$D\"],\"log_role\":\"agency\",\"log_vkey\":\"$L\","           \
    "\"operator\":\"pd\",\"operator_vkey\":\"$O\",\"ori\":\"NY0303000\",\"threshold\":2}"
#define POLICY "log $L\\nwitness a $0\\nwitness b $1\\nwitness c $2\\ngroup g 2 a b c\\nquorum g\\n"
#define EVENT_REF                                                                                  \
    "{\"id\":\"$H\",\"issuer\":\"pd.example/clerk-7\",\"log\":\"log.example\",\"seq\":4}"
static const char *const good_open[KIND_COUNT] = {
    [KIND_CORRECTION] = "{\"event\":" EVENT_REF ",\"ori\":\"NY0303000\",\"replaced_by\":" EVENT_REF
                        ",\"what\":\"wrong_date\"}",
    [KIND_DISCIPLINE_IMPOSED] =
        "{" CASE_OPEN ",\"decided_by\":\"commissioner\",\"discipline\":[{\"code\":\"probation\","
        "\"months\":12},{\"code\":\"suspension\",\"days\":30,\"paid\":false}],\"imposed\":"
        "\"2024-02-03\",\"ori\":\"NY0303000\",\"party\":\"officer\"}",
    [KIND_EVENT_OPENED] = "{\"count\":3,\"event\":" EVENT_REF
                          ",\"index\":1,\"member\":\"narrative\",\"ori\":\"NY0303000\",\"proof\":["
                          "\"$H\",\"$H\"],\"salt\":\"$H\",\"value\":\"He \\\"stood by\\\".\\n\"}",
    [KIND_FAILURE_ALLEGED] = ALLEGED,
    [KIND_FINDING_FINAL] =
        "{" CASE_OPEN ",\"decided\":\"2024-02-02\",\"decided_by\":\"commissioner\","
        "\"disposition\":\"sustained\",\"ori\":\"NY0303000\",\"party\":"
        "\"officer\"}",
    [KIND_FORK_OBSERVED] = "{\"evidence\":\"ZHV0eWxvZy9ldmlkZW5jZS92MSBhCg==\",\"origin\":"
                           "\"log.example\",\"vkey\":\"$0\"}",
    [KIND_INTERVENTION_REPORTED] = "{" CASE_OPEN ",\"ori\":\"NY0303000\",\"party\":\"supervisor\","
                                   "\"reported\":\"2024-01-03\"}",
    [KIND_KEY_ENROLLED] = "{\"basis\":\"live\",\"from\":\"2024-01-01\",\"kinds\":[\"*\"],\"oris\":["
                          "\"NY0303000\"],\"role\":\"clerk\",\"until\":\"2024-01-01\",\"vkey\":"
                          "\"$C\"}",
    [KIND_KEY_REVOKED] = "{\"key\":\"pd.example/clerk-7\",\"reason\":\"lost\",\"since\":"
                         "\"2024-01-01\"}",
    [KIND_LOG_OPENED] = OPENED,
    [KIND_LOG_POLICY] = "{\"operators\":{\"a\":\"state\",\"b\":\"doj\",\"c\":\"newsroom\"},"
                        "\"policy\":\"" POLICY "\"}",
};

/* Signs any text, event or not. */
static struct bytes sign_text(const char *text, const struct signer *const *signers, size_t count) {
    static uint8_t memory[2 * TEXT_SIZE];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    writer_text(&w, text);
    writer_text(&w, "\n");
    for (size_t i = 0; i < count; i++) {
        note_sign(&w, bytes_text(text), signers[i]);
    }
    cr_assert_not(w.failed);
    return writer_view(&w);
}

static const struct signer *issuer_of(enum kind_id kind) {
    return kind == KIND_LOG_OPENED ? &operator_key : kind == KIND_LOG_POLICY ? &roots[0] : &clerk;
}

static size_t signers_of(enum kind_id kind, const struct signer *signers[3]) {
    signers[0] = kind == KIND_KEY_ENROLLED ? &roots[0] : issuer_of(kind);
    signers[1] = kind == KIND_LOG_OPENED ? &roots[0] : &roots[1];
    signers[2] = &roots[2];
    return kind == KIND_LOG_OPENED ? 3 : kind == KIND_LOG_POLICY ? 2 : 1;
}

/* A good text of the kind around `open` ("" for none), with `body` or not, at seq 1 or 2. */
static void good_text(enum kind_id id, const char *open, bool body, unsigned seq, char *out) {
    char pattern[TEXT_SIZE];
    size_t count;
    const struct signer *signers[3];
    signers_of(id, signers);
    snprintf(pattern, sizeof pattern,
             "dutylog/event/v1\n{%s\"issuer\":\"%s\",\"kind\":\"%s\",\"log\":\"" LOG "\"%s%s%s,"
             "\"seq\":%u}\n",
             body ? "\"body\":\"$H\"," : "", signers[0]->vkey.name, kind_all(&count)[id].name,
             open[0] != '\0' ? ",\"open\":" : "", open, seq > 1 ? ",\"prev\":\"$H\"" : "", seq);
    expand(pattern, out);
}

static struct bytes good_event(enum kind_id id, bool body, unsigned seq) {
    static char text[TEXT_SIZE];
    const struct signer *signers[3];
    good_text(id, good_open[id], body, seq, text);
    return sign_text(text, signers, signers_of(id, signers));
}

static void accepted(struct bytes note) {
    static struct event event;
    struct refusal why = {0};
    cr_expect_eq(event_parse(note, &event, &why), STATUS_OK, "%.*s: %s", (int)note.len,
                 (const char *)note.data, why.text);
    if (why.text[0] == '\0') {
        event_release(&event);
    }
}

static void refused(struct bytes note, enum status status, const char *says) {
    static struct event event;
    struct refusal why = {0};
    event.seq = 12345;
    cr_expect_eq(event_parse(note, &event, &why), status, "%.*s: %s %s", (int)note.len,
                 (const char *)note.data, status_name(why.status), why.text);
    cr_expect(strstr(why.text, says) != NULL, "%.*s: %s", (int)note.len, (const char *)note.data,
              why.text);
    cr_expect_eq(event.seq, 12345, "output touched on failure");
}

/* --- good events --- */

static void goes_round(struct bytes note) {
    static struct event event;
    static uint8_t memory[2][EVENT_SIZE_MAX];
    struct refusal why = {0};
    struct writer text;
    struct writer whole;
    const struct signer *signers[3];
    cr_assert_eq(event_parse(note, &event, &why), STATUS_OK, "%.*s: %s", (int)note.len,
                 (const char *)note.data, why.text);
    struct event_draft draft = {.log = event.log,
                                .issuer = event.issuer,
                                .kind = bytes_text(event.kind->name),
                                .seq = event.seq,
                                .prev = event.has_prev ? &event.prev : NULL,
                                .body = event.has_body ? &event.body : NULL,
                                .open = event.open};
    writer_init(&text, memory[0], EVENT_SIZE_MAX);
    cr_assert_eq(event_format(&text, &draft, &why), STATUS_OK, "%s", why.text);
    cr_assert(bytes_equal(writer_view(&text), event.note.text));
    size_t count = signers_of(event.kind->id, signers);
    writer_init(&whole, memory[1], EVENT_SIZE_MAX);
    cr_assert_eq(event_sign(&whole, writer_view(&text), signers, count, &why), STATUS_OK, "%s",
                 why.text);
    cr_assert(bytes_equal(writer_view(&whole), note));
    struct hash id;
    hash_of(text.data, text.len, &id);
    cr_assert(hash_equal(&id, &event.id));
    event_release(&event);
}

Test(event, every_kind_goes_round) {
    for (unsigned id = 0; id < KIND_COUNT; id++) {
        size_t count;
        bool closed = kind_has_closed(&kind_all(&count)[id]);
        goes_round(good_event(id, false, 1));
        if (id != KIND_LOG_OPENED) {
            goes_round(good_event(id, closed, 2));
        }
    }
}

Test(event, gives_what_the_bytes_say) {
    static struct event event;
    struct refusal why;
    struct hash expected;
    uint64_t n = 5;
    struct bytes note = good_event(KIND_FAILURE_ALLEGED, true, 2);
    cr_assert_eq(event_parse(note, &event, &why), STATUS_OK);
    cr_assert_eq(event.kind->id, KIND_FAILURE_ALLEGED);
    cr_assert(bytes_equal(event.log, bytes_text(LOG)));
    cr_assert(bytes_equal(event.issuer, bytes_text("pd.example/clerk-7")));
    cr_assert_eq(event.seq, 2);
    cr_assert(bytes_hex_to_hash(bytes_text(HASH_A), &expected));
    cr_assert(event.has_prev && hash_equal(&event.prev, &expected));
    cr_assert(event.has_body && hash_equal(&event.body, &expected));
    cr_assert_str_eq(event_open_text(&event, "case"), HANDLE);
    cr_assert_null(event_open_text(&event, "decided"));
    cr_assert_not(event_open_integer(&event, "case", &n));
    event_release(&event);
    note = good_event(KIND_EVENT_OPENED, false, 1);
    cr_assert_eq(event_parse(note, &event, &why), STATUS_OK);
    cr_assert_not(event.has_prev || event.has_body);
    cr_assert(event_open_integer(&event, "count", &n));
    cr_assert_eq(n, 3);
    cr_assert_not(event_open_integer(&event, "nothing", &n));
    event_release(&event);
}

/* The id and the signature of one event, so that no change of the format passes unseen. */
Test(event, is_what_it_was) {
    static struct event event;
    struct refusal why;
    char hex[65];
    struct writer w;
    cr_assert_eq(event_parse(good_event(KIND_FINDING_FINAL, true, 2), &event, &why), STATUS_OK);
    writer_init(&w, hex, 64);
    writer_hash_hex(&w, &event.id);
    hex[64] = '\0';
    cr_expect_str_eq(hex, "9c4046d0b18a81c7f388fd5b7e2b529739194c8d4c956f2b273ba0150c6d9b65");
    cr_expect(
        bytes_equal(event.note.text,
                    bytes_text("dutylog/event/v1\n{\"body\":\"" HASH_A
                               "\",\"issuer\":\"pd.example/clerk-7\",\"kind\":\"finding."
                               "final\",\"log\":\"log.example\",\"open\":{\"basis\":\"live\","
                               "\"case\":\"" HANDLE "\",\"decided\":\"2024-02-02\","
                               "\"decided_by\":\"commissioner\",\"disposition\":\"sustained\","
                               "\"ori\":\"NY0303000\",\"party\":\"officer\"},\"prev\":\"" HASH_A
                               "\",\"seq\":2}\n")));
    event_release(&event);
}

Test(event, a_kind_without_needed_open_members_may_lack_open) {
    /* No such kind in this table: then `open` may not be absent either. */
    for (unsigned id = 0; id < KIND_COUNT; id++) {
        char text[TEXT_SIZE];
        const struct signer *signers[3];
        good_text(id, "", false, 1, text);
        refused(sign_text(text, signers, signers_of(id, signers)), STATUS_BAD_MEMBER,
                "open lacks ");
    }
}

/* --- refusals of the form --- */

static void refuse_text(const char *pattern, enum status status, const char *says) {
    static char text[TEXT_SIZE];
    const struct signer *signers[1] = {&clerk};
    expand(pattern, text);
    refused(sign_text(text, signers, 1), status, says);
}

#define HEAD "dutylog/event/v1\n"
#define ISSUER "\"issuer\":\"pd.example/clerk-7\","
#define KIND "\"kind\":\"failure.alleged\","
#define IN_LOG "\"log\":\"log.example\","
#define OPEN "\"open\":" ALLEGED ","

Test(event, refuses_a_text_that_is_not_two_lines) {
    refuse_text("dutylog/event/v2\n{}\n", STATUS_BAD_FORM, "the first line");
    refuse_text("dutylog/event/v1 \n{}\n", STATUS_BAD_FORM, "the first line");
    refuse_text("{}\n", STATUS_BAD_FORM, "the first line");
    refuse_text(HEAD, STATUS_BAD_FORM, "two lines");
    refuse_text(HEAD "{" ISSUER KIND IN_LOG OPEN "\"seq\":1}\n\n", STATUS_BAD_FORM, "two lines");
    refuse_text(HEAD "{" ISSUER KIND IN_LOG OPEN "\"seq\":1}\nmore\n", STATUS_BAD_FORM,
                "two lines");
    refuse_text(HEAD "\n", STATUS_BAD_FORM, "malformed");
    refuse_text(HEAD "[]\n", STATUS_BAD_FORM, "not a JSON object");
    refuse_text(HEAD "\"a\"\n", STATUS_BAD_FORM, "not a JSON object");
    refuse_text(HEAD "{" ISSUER KIND IN_LOG OPEN "\"seq\":1\n", STATUS_BAD_FORM, "malformed");
    refuse_text(HEAD "{" ISSUER KIND IN_LOG OPEN "\"seq\":1,\"seq\":1}\n", STATUS_BAD_FORM,
                "duplicate");
    refuse_text(HEAD "{" KIND ISSUER IN_LOG OPEN "\"seq\":1}\n", STATUS_BAD_CANONICAL, "at byte 2");
    refuse_text(HEAD "{" ISSUER KIND IN_LOG OPEN "\"seq\": 1}\n", STATUS_BAD_CANONICAL, "at byte");
    refuse_text(HEAD "{" ISSUER KIND IN_LOG OPEN "\"seq\":1.0}\n", STATUS_BAD_CANONICAL,
                "fraction");
    refuse_text(HEAD "{" ISSUER KIND IN_LOG OPEN "\"seq\":9007199254740992}\n",
                STATUS_BAD_CANONICAL, "2^53");
}

Test(event, refuses_notes_that_are_none) {
    refused(bytes_of(NULL, 0), STATUS_BAD_FORM, "");
    refused(bytes_text(HEAD "{}\n"), STATUS_BAD_FORM, "");
    refused(bytes_text(HEAD "{}\n\n"), STATUS_BAD_FORM, "");
}

Test(event, names_missing_unknown_and_wrong_members) {
    refuse_text(HEAD "{" KIND IN_LOG OPEN "\"seq\":1}\n", STATUS_BAD_MEMBER, "issuer is missing");
    refuse_text(HEAD "{" ISSUER IN_LOG OPEN "\"seq\":1}\n", STATUS_BAD_MEMBER, "kind is missing");
    refuse_text(HEAD "{" ISSUER KIND OPEN "\"seq\":1}\n", STATUS_BAD_MEMBER, "log is missing");
    refuse_text(HEAD "{" ISSUER KIND IN_LOG "\"open\":" ALLEGED "}\n", STATUS_BAD_MEMBER,
                "seq is missing");
    refuse_text(HEAD "{" ISSUER KIND IN_LOG "\"open\":" ALLEGED ",\"ori\":1,\"seq\":1}\n",
                STATUS_BAD_MEMBER, "no member ori");
    refuse_text(HEAD "{" ISSUER "\"kind\":\"finding.finale\"," IN_LOG OPEN "\"seq\":1}\n",
                STATUS_BAD_KIND, "finding.finale");
    refuse_text(HEAD "{" ISSUER "\"kind\":1," IN_LOG OPEN "\"seq\":1}\n", STATUS_BAD_MEMBER,
                "kind must be");
    refuse_text(HEAD "{\"issuer\":\"PD\"," KIND IN_LOG OPEN "\"seq\":1}\n", STATUS_BAD_MEMBER,
                "issuer must be");
    refuse_text(HEAD "{\"issuer\":7," KIND IN_LOG OPEN "\"seq\":1}\n", STATUS_BAD_MEMBER,
                "issuer must be");
    refuse_text(HEAD "{" ISSUER KIND "\"log\":\"a b\"," OPEN "\"seq\":1}\n", STATUS_BAD_MEMBER,
                "log must be");
    refuse_text(HEAD "{" ISSUER KIND IN_LOG OPEN "\"seq\":0}\n", STATUS_BAD_MEMBER, "seq must be");
    refuse_text(HEAD "{" ISSUER KIND IN_LOG OPEN "\"seq\":-1}\n", STATUS_BAD_MEMBER, "seq must be");
    refuse_text(HEAD "{" ISSUER KIND IN_LOG OPEN "\"seq\":\"1\"}\n", STATUS_BAD_MEMBER,
                "seq must be");
    refuse_text(HEAD "{" ISSUER KIND IN_LOG OPEN "\"seq\":2}\n", STATUS_BAD_MEMBER,
                "prev is missing");
    refuse_text(HEAD "{" ISSUER KIND IN_LOG OPEN "\"prev\":\"$H\",\"seq\":1}\n", STATUS_BAD_MEMBER,
                "prev must be absent");
    refuse_text(HEAD "{" ISSUER KIND IN_LOG OPEN "\"prev\":\"$h\",\"seq\":2}\n", STATUS_BAD_MEMBER,
                "prev must be 64");
    refuse_text(HEAD "{" ISSUER KIND IN_LOG OPEN "\"prev\":\"\",\"seq\":2}\n", STATUS_BAD_MEMBER,
                "prev must be 64");
    refuse_text(HEAD "{" ISSUER KIND IN_LOG OPEN "\"prev\":null,\"seq\":1}\n", STATUS_BAD_FORM,
                "null");
    refuse_text(HEAD "{\"body\":\"$h\"," ISSUER KIND IN_LOG OPEN "\"seq\":1}\n", STATUS_BAD_MEMBER,
                "body must be 64");
    refuse_text(HEAD "{\"body\":{}," ISSUER KIND IN_LOG OPEN "\"seq\":1}\n", STATUS_BAD_MEMBER,
                "body must be 64");
    refuse_text(HEAD "{" ISSUER KIND IN_LOG "\"open\":{},\"seq\":1}\n", STATUS_BAD_MEMBER,
                "open must be");
    refuse_text(HEAD "{" ISSUER KIND IN_LOG "\"open\":[1],\"seq\":1}\n", STATUS_BAD_MEMBER,
                "open must be");
    refuse_text(HEAD "{\"body\":\"$H\"," ISSUER "\"kind\":\"key.revoked\"," IN_LOG
                     "\"open\":{\"key\":\"a\",\"reason\":\"lost\"},\"seq\":1}\n",
                STATUS_BAD_MEMBER, "body must be absent");
}

static void refuse_open(enum kind_id id, const char *open, enum status status, const char *says) {
    static char text[TEXT_SIZE];
    const struct signer *signers[3];
    good_text(id, open, false, 1, text);
    refused(sign_text(text, signers, signers_of(id, signers)), status, says);
}

/* `open` of the kind with `from` replaced by `to`. */
static void refuse_changed(enum kind_id id, const char *from, const char *to, enum status status,
                           const char *says) {
    char open[4096];
    const char *at = strstr(good_open[id], from);
    cr_assert_not_null(at, "%s", from);
    snprintf(open, sizeof open, "%.*s%s%s", (int)(at - good_open[id]), good_open[id], to,
             at + strlen(from));
    refuse_open(id, open, status, says);
}

Test(event, refuses_each_missing_open_member_by_name) {
    size_t count;
    size_t tried = 0;
    const struct kind *kinds = kind_all(&count);
    for (unsigned id = 0; id < KIND_COUNT; id++) {
        char expanded[TEXT_SIZE];
        expand(good_open[id], expanded);
        for (size_t i = 0; i < kinds[id].member_count; i++) {
            const struct kind_member *member = &kinds[id].members[i];
            uint8_t memory[TEXT_SIZE];
            struct writer w;
            json_t *open;
            char says[64];
            if (!member->required && !member->required_live) {
                continue;
            }
            cr_assert_eq(jcs_parse(bytes_text(expanded), &open, NULL), STATUS_OK);
            cr_assert_eq(json_object_del(open, member->name), 0);
            writer_init(&w, memory, sizeof memory - 1);
            cr_assert_eq(jcs_write(&w, open, NULL), STATUS_OK);
            memory[w.len] = '\0';
            snprintf(says, sizeof says,
                     member->required ? "open lacks %s: " : "%s is required where", member->name);
            refuse_open(id, (const char *)memory, STATUS_BAD_MEMBER, says);
            json_decref(open);
            tried++;
        }
    }
    cr_expect_eq(tried, 53);
}

Test(event, an_import_may_lack_its_dates) {
    static char text[TEXT_SIZE];
    const struct signer *signers[1] = {&clerk};
    good_text(
        KIND_FAILURE_ALLEGED,
        "{\"basis\":\"imported\",\"case\":\"$h\",\"ori\":\"NY0303000\",\"party\":\"officer\"}",
        true, 1, text);
    accepted(sign_text(text, signers, 1));
}

Test(event, says_that_a_closed_member_must_be_closed) {
    size_t count;
    size_t tried = 0;
    const struct kind *kinds = kind_all(&count);
    for (unsigned id = 0; id < KIND_COUNT; id++) {
        for (size_t i = 0; i < kinds[id].member_count; i++) {
            char open[64];
            char says[64];
            const char *name = kinds[id].members[i].name;
            if (kinds[id].members[i].visibility == VISIBLE_CLOSED) {
                snprintf(open, sizeof open, "{\"%s\":\"x\"}", name);
                snprintf(says, sizeof says, "%s must be closed", name);
                refuse_open(id, open, STATUS_BAD_MEMBER, says);
                tried++;
            }
        }
        refuse_open(id, "{\"zebra\":1}", STATUS_BAD_MEMBER, "has no member zebra");
    }
    cr_expect_eq(tried, 29);
    refuse_changed(KIND_FAILURE_ALLEGED, "NY0303000", "NY", STATUS_BAD_MEMBER,
                   "ori must be an ORI");
    refuse_changed(KIND_FINDING_FINAL, "sustained", "pending", STATUS_BAD_MEMBER,
                   "disposition must be one of: sustained, not_sustained");
}

/* --- refusals of the rules --- */

Test(event, log_opened_fits_its_keys) {
    enum kind_id id = KIND_LOG_OPENED;
    refuse_changed(id, "\"log_vkey\":\"$L\"", "\"log_vkey\":\"$C\"", STATUS_BAD_MEMBER,
                   "log_vkey must be named log.example");
    refuse_changed(id, "\"operator_vkey\":\"$O\"", "\"operator_vkey\":\"$C\"", STATUS_BAD_MEMBER,
                   "operator_vkey must be named op.example/7");
    refuse_changed(id, "\"threshold\":2", "\"threshold\":0", STATUS_BAD_MEMBER,
                   "threshold must be from 1 to 3");
    refuse_changed(id, "\"threshold\":2", "\"threshold\":4", STATUS_BAD_MEMBER,
                   "threshold must be from 1 to 3");
    refuse_changed(id, "\"threshold\":2", "\"threshold\":8", STATUS_BAD_MEMBER, "at most 7");
    refuse_changed(id, "[\"$A\"", "[\"$L\",\"$A\"", STATUS_BAD_MEMBER,
                   "log.example is the log's or the operator's own");
    refuse_changed(id, "[\"$A\"", "[\"$O\",\"$A\"", STATUS_BAD_MEMBER,
                   "op.example/7 is the log's or the operator's own");
    refuse_changed(id, "\"log_role\":\"agency\"", "\"log_role\":\"clerk\"", STATUS_BAD_MEMBER,
                   "log_role must be one of: agency, state, doj, independent");
    /* The log's key under the operator's name, and a root with a name that no issuer may have. */
    struct signer odd;
    char vkey[VKEY_SIZE_MAX + 1];
    char to[512];
    struct writer w;
    make_key("op.example/7", VKEY_NOTE, 1, &odd);
    writer_init(&w, vkey, VKEY_SIZE_MAX);
    vkey_format(&w, &odd.vkey);
    snprintf(to, sizeof to, "\"operator_vkey\":\"%.*s\"", (int)w.len, vkey);
    refuse_changed(id, "\"operator_vkey\":\"$O\"", to, STATUS_BAD_MEMBER, "another key than log_v");
    make_key("ROOT", VKEY_NOTE, 50, &odd);
    writer_init(&w, vkey, VKEY_SIZE_MAX);
    vkey_format(&w, &odd.vkey);
    snprintf(to, sizeof to, "[\"%.*s\",\"$A\"", (int)w.len, vkey);
    refuse_changed(id, "[\"$A\"", to, STATUS_BAD_MEMBER, "the key name ROOT");
    char text[TEXT_SIZE];
    const struct signer *signers[3];
    good_text(id, good_open[id], false, 2, text);
    refused(sign_text(text, signers, signers_of(id, signers)), STATUS_BAD_MEMBER, "seq must be 1");
}

Test(event, log_policy_is_safe_and_names_every_operator) {
    enum kind_id id = KIND_LOG_POLICY;
    refuse_changed(id, "log $L", "log $C", STATUS_BAD_POLICY, "the policy is for the log pd.exam");
    refuse_changed(id, "log $L", "log $L\\nlog $C", STATUS_BAD_POLICY, "exactly that log, not 2");
    refuse_changed(id, "group g 2", "group g 1", STATUS_BAD_POLICY, "two disjoint sets");
    refuse_changed(id, "quorum g", "quorum none", STATUS_BAD_POLICY, "two disjoint sets");
    refuse_changed(id, "quorum g", "quorum x", STATUS_BAD_MEMBER,
                   "line 6: the name x is not defined");
    refuse_changed(id, "\"b\":\"doj\",", "", STATUS_BAD_MEMBER, "operators lacks the witness b");
    refuse_changed(id, "\"c\":\"newsroom\"", "\"c\":\"newsroom\",\"d\":\"x\"", STATUS_BAD_MEMBER,
                   "a witness that the policy lacks");
    refuse_changed(id, "\"b\":\"doj\"", "\"b\":\"\"", STATUS_BAD_MEMBER, "operators must be");
    /* A witness with a name that no member can have. */
    refuse_changed(id, "witness c $2", "witness c# $2", STATUS_BAD_MEMBER, "name c is not defined");
}

Test(event, a_policy_is_given_with_its_operators) {
    static struct event event;
    static struct policy policy;
    struct bytes operators[POLICY_WITNESSES_MAX];
    struct refusal why;
    cr_assert_eq(event_parse(good_event(KIND_LOG_POLICY, false, 1), &event, &why), STATUS_OK);
    event_policy(&event, &policy, operators);
    cr_assert_eq(policy.witness_count, 3);
    cr_assert(bytes_equal(operators[0], bytes_text("state")));
    cr_assert(bytes_equal(operators[1], bytes_text("doj")));
    cr_assert(bytes_equal(operators[2], bytes_text("newsroom")));
    cr_assert_eq(operators[3].len, 0);
    cr_assert(vkey_equal(&policy.logs[0].vkey, &log_key.vkey));
    event_release(&event);
}

Test(event, key_enrolled_fits) {
    enum kind_id id = KIND_KEY_ENROLLED;
    refuse_changed(id, "\"vkey\":\"$C\"", "\"vkey\":\"$A\"", STATUS_BAD_MEMBER,
                   "another key than the issuer's");
    refuse_changed(id, "\"until\":\"2024-01-01\"", "\"until\":\"2023-12-31\"", STATUS_BAD_MEMBER,
                   "until must not be before from");
    refuse_changed(id, "\"vkey\":\"$C\"", "\"vkey\":\"$0\"", STATUS_BAD_MEMBER, "of type 0x01");
    refuse_changed(id, "\"role\":\"clerk\"", "\"role\":\"root\"", STATUS_BAD_MEMBER,
                   "role must be one of: agency, clerk");
    refuse_changed(id, "\"basis\":\"live\"", "\"basis\":\"all\"", STATUS_BAD_MEMBER,
                   "basis must be one of: live, imported, both");
    struct signer odd;
    char vkey[VKEY_SIZE_MAX + 1];
    char to[512];
    struct writer w;
    make_key("Clerk", VKEY_NOTE, 50, &odd);
    writer_init(&w, vkey, VKEY_SIZE_MAX);
    vkey_format(&w, &odd.vkey);
    snprintf(to, sizeof to, "\"vkey\":\"%.*s\"", (int)w.len, vkey);
    refuse_changed(id, "\"vkey\":\"$C\"", to, STATUS_BAD_MEMBER, "the key name Clerk");
}

Test(event, event_opened_has_a_proof_of_the_right_length) {
    enum kind_id id = KIND_EVENT_OPENED;
    refuse_changed(id, "\"index\":1", "\"index\":3", STATUS_BAD_MEMBER,
                   "index must be below count");
    refuse_changed(id, "[\"$H\",\"$H\"]", "[\"$H\"]", STATUS_BAD_MEMBER,
                   "proof must have 2 hashes");
    refuse_changed(id, "\"count\":3", "\"count\":5", STATUS_BAD_MEMBER, "proof must have 3 hashes");
    refuse_changed(id, "\"count\":3", "\"count\":65", STATUS_BAD_MEMBER, "count must be");
}

/* The proof's length is what the code that makes proofs gives. */
Test(event, proof_length_agrees_with_the_prover) {
    struct body_member members[EVENT_MEMBERS_MAX];
    char names[EVENT_MEMBERS_MAX][3];
    struct body_context context = {bytes_text(LOG), bytes_text("a"), 1};
    for (unsigned i = 0; i < EVENT_MEMBERS_MAX; i++) {
        names[i][0] = (char)('a' + i / 26);
        names[i][1] = (char)('a' + i % 26);
        members[i] = (struct body_member){.name = bytes_of(names[i], 2), .value = bytes_text("1")};
    }
    for (size_t count = 1; count <= EVENT_MEMBERS_MAX; count++) {
        for (size_t index = 0; index < count; index++) {
            static char text[TEXT_SIZE];
            char open[4096];
            struct merkle_proof proof;
            const struct signer *signers[1] = {&clerk};
            cr_assert_eq(body_prove(&context, members, count, index, &proof), STATUS_OK);
            size_t len = (size_t)snprintf(open, sizeof open,
                                          "{\"count\":%zu,\"event\":" EVENT_REF
                                          ",\"index\":%zu,\"member\":\"narrative\",\"ori\":"
                                          "\"NY0303000\",\"proof\":[",
                                          count, index);
            for (size_t i = 0; i < proof.count; i++) {
                len +=
                    (size_t)snprintf(open + len, sizeof open - len, "%s\"$H\"", i > 0 ? "," : "");
            }
            snprintf(open + len, sizeof open - len, "],\"salt\":\"$H\",\"value\":1}");
            good_text(KIND_EVENT_OPENED, open, false, 1, text);
            accepted(sign_text(text, signers, 1));
        }
    }
}

/* --- signature lines --- */

static struct bytes with_signers(enum kind_id id, size_t count, ...) {
    static char text[TEXT_SIZE];
    const struct signer *signers[NOTE_SIGNATURES_MAX];
    va_list args;
    va_start(args, count);
    for (size_t i = 0; i < count; i++) {
        signers[i] = va_arg(args, const struct signer *);
    }
    va_end(args);
    good_text(id, good_open[id], false, 1, text);
    return sign_text(text, signers, count);
}

Test(event, signature_lines_are_exactly_those_of_the_kind) {
    enum status denied = STATUS_DENIED_SIGNATURE;
    refused(with_signers(KIND_CORRECTION, 1, &roots[0]), denied, "must be by the issuer, pd.exam");
    refused(with_signers(KIND_CORRECTION, 2, &clerk, &roots[0]), denied, "by its issuer alone");
    refused(with_signers(KIND_CORRECTION, 2, &roots[0], &clerk), denied, "must be by the issuer");
    refused(with_signers(KIND_CORRECTION, 2, &clerk, &clerk), denied, "the issuer signed twice");

    accepted(with_signers(KIND_LOG_POLICY, 1, &roots[0]));
    accepted(with_signers(KIND_LOG_POLICY, 3, &roots[0], &roots[1], &roots[2]));
    refused(with_signers(KIND_LOG_POLICY, 3, &roots[0], &roots[2], &roots[1]), denied,
            "root1.example is out of order");
    refused(with_signers(KIND_LOG_POLICY, 3, &roots[0], &roots[1], &roots[1]), denied,
            "root1.example is out of order");
    refused(with_signers(KIND_LOG_POLICY, 3, &roots[0], &roots[1], &roots[0]), denied,
            "the issuer signed twice");
    accepted(with_signers(KIND_LOG_POLICY, 8, &roots[0], &roots[1], &roots[2], &roots[3], &roots[4],
                          &roots[5], &roots[6], &roots[7]));
    refused(with_signers(KIND_LOG_POLICY, 9, &roots[0], &roots[1], &roots[2], &roots[3], &roots[4],
                         &roots[5], &roots[6], &roots[7], &roots[8]),
            denied, "9 signatures, and 8 are the most");
}

Test(event, log_opened_carries_its_operator_and_exactly_the_threshold) {
    enum status denied = STATUS_DENIED_SIGNATURE;
    struct signer twin;
    accepted(with_signers(KIND_LOG_OPENED, 3, &operator_key, &roots[1], &roots[2]));
    refused(with_signers(KIND_LOG_OPENED, 1, &operator_key), denied,
            "0 signatures by keys of authority, and exactly 2");
    refused(with_signers(KIND_LOG_OPENED, 2, &operator_key, &roots[0]), denied, "exactly 2");
    refused(with_signers(KIND_LOG_OPENED, 4, &operator_key, &roots[0], &roots[1], &roots[2]),
            denied, "3 signatures by keys of authority, and exactly 2");
    refused(with_signers(KIND_LOG_OPENED, 3, &operator_key, &roots[0], &roots[3]), denied,
            "root3.example is no key of authority");
    /* Other keys under the names of the right ones. */
    make_key("root1.example", VKEY_NOTE, 60, &twin);
    refused(with_signers(KIND_LOG_OPENED, 3, &operator_key, &roots[0], &twin), denied,
            "root1.example is no key of authority");
    make_key("op.example/7", VKEY_NOTE, 61, &twin);
    refused(with_signers(KIND_LOG_OPENED, 3, &twin, &roots[0], &roots[1]), denied,
            "not by operator_vkey");
}

Test(event, a_line_of_another_algorithm_is_refused) {
    static char text[TEXT_SIZE];
    uint8_t memory[TEXT_SIZE];
    uint8_t blob[72] = {0};
    struct writer w;
    good_text(KIND_CORRECTION, good_open[KIND_CORRECTION], false, 1, text);
    writer_init(&w, memory, sizeof memory);
    writer_text(&w, text);
    writer_text(&w, "\n");
    note_append_line(&w, vkey_name(&clerk.vkey), clerk.vkey.id, blob, sizeof blob);
    refused(writer_view(&w), STATUS_DENIED_SIGNATURE, "is not Ed25519");
}

/* --- writing --- */

Test(event, format_refuses_what_parse_would_and_takes_it_back) {
    uint8_t memory[4096];
    struct writer w;
    struct refusal why = {0};
    struct hash hash = {{0}};
    json_t *open = json_pack("{s:s,s:s}", "reason", "lost", "key", "a");
    struct event_draft good = {.log = bytes_text(LOG),
                               .issuer = bytes_text("pd.example/clerk-7"),
                               .kind = bytes_text("key.revoked"),
                               .seq = 1,
                               .open = open};
    struct event_draft bad[8];
    static const struct {
        enum status status;
        const char *says;
    } expected[8] = {
        {STATUS_BAD_MEMBER, "log must be"},     {STATUS_BAD_MEMBER, "issuer must be"},
        {STATUS_BAD_KIND, "key.revoke"},        {STATUS_BAD_MEMBER, "prev is missing"},
        {STATUS_BAD_MEMBER, "prev must be ab"}, {STATUS_BAD_MEMBER, "body must be absent"},
        {STATUS_BAD_MEMBER, "open lacks key"},  {STATUS_BAD_MEMBER, "seq must be"},
    };
    for (size_t i = 0; i < 8; i++) {
        bad[i] = good;
    }
    bad[0].log = bytes_text("a b");
    bad[1].issuer = bytes_text("");
    bad[2].kind = bytes_text("key.revoke");
    bad[3].seq = 2;
    bad[4].prev = &hash;
    bad[5].body = &hash;
    bad[6].open = NULL;
    bad[7].seq = 0;
    writer_init(&w, memory, sizeof memory);
    writer_u8(&w, '=');
    for (size_t i = 0; i < 8; i++) {
        cr_expect_eq(event_format(&w, &bad[i], &why), expected[i].status, "%zu", i);
        cr_expect(strstr(why.text, expected[i].says) != NULL, "%s", why.text);
        cr_expect_eq(w.len, 1);
    }
    cr_expect_eq(event_format(&w, &good, &why), STATUS_OK);
    cr_expect_eq(w.len, 1 + 17 +
                            strlen("{\"issuer\":\"pd.example/clerk-7\",\"kind\":\"key.revoked\","
                                   "\"log\":\"log.example\",\"open\":{\"key\":\"a\",\"reason\":"
                                   "\"lost\"},\"seq\":1}\n"));
    writer_init(&w, memory, 100);
    cr_expect_eq(event_format(&w, &good, &why), STATUS_TOO_LARGE);
    cr_expect_eq(w.len, 0);
    cr_expect_not(w.failed);
    json_decref(open);
}

Test(event, sign_sorts_the_lines_and_refuses_wrong_signers) {
    static char text[TEXT_SIZE];
    uint8_t memory[EVENT_SIZE_MAX];
    struct writer w;
    struct refusal why = {0};
    const struct signer *signers[9];
    struct bytes view;
    good_text(KIND_LOG_POLICY, good_open[KIND_LOG_POLICY], false, 1, text);
    view = bytes_text(text);
    for (unsigned i = 0; i < 9; i++) {
        signers[i] = &roots[(i * 7) % 9];
    }
    writer_init(&w, memory, sizeof memory);
    cr_expect_eq(event_sign(&w, view, signers, 8, &why), STATUS_OK, "%s", why.text);
    accepted(writer_view(&w));
    w.len = 0;
    cr_expect_eq(event_sign(&w, view, signers, 9, &why), STATUS_DENIED_SIGNATURE);
    signers[3] = signers[5];
    cr_expect_eq(event_sign(&w, view, signers, 8, &why), STATUS_DENIED_SIGNATURE);
    signers[3] = signers[0];
    cr_expect_eq(event_sign(&w, view, signers, 8, &why), STATUS_DENIED_SIGNATURE);
    signers[1] = &witnesses[0];
    cr_expect_eq(event_sign(&w, view, signers, 2, &why), STATUS_DENIED_SIGNATURE);
    cr_expect(strstr(why.text, "a cosigner's key") != NULL);
    signers[0] = &clerk;
    cr_expect_eq(event_sign(&w, view, signers, 1, &why), STATUS_DENIED_SIGNATURE);
    signers[0] = &roots[0];
    cr_expect_eq(event_sign(&w, bytes_text("no event\n"), signers, 1, &why), STATUS_BAD_FORM);
    cr_expect_eq(w.len, 0);
    writer_init(&w, memory, strlen(text) + 20);
    cr_expect_eq(event_sign(&w, view, signers, 1, &why), STATUS_TOO_LARGE);
    cr_expect_eq(w.len, 0);
}

/* An event_opened whose value fills the note up to `size` bytes. */
static struct bytes sized(size_t size) {
    static char open[TEXT_SIZE];
    static char text[TEXT_SIZE];
    const struct signer *signers[1] = {&clerk};
    struct bytes note = {NULL, 0};
    size_t fill = 1;
    for (unsigned round = 0; round < 2; round++) {
        snprintf(open, sizeof open,
                 "{\"count\":1,\"event\":" EVENT_REF ",\"index\":0,\"member\":\"narrative\","
                 "\"ori\":\"NY0303000\",\"proof\":[],\"salt\":\"$H\",\"value\":\"%0*d\"}",
                 (int)fill, 0);
        good_text(KIND_EVENT_OPENED, open, false, 1, text);
        note = sign_text(text, signers, 1);
        fill += size - note.len;
    }
    cr_assert_eq(note.len, size);
    return note;
}

Test(event, size_is_bounded) {
    accepted(sized(EVENT_SIZE_MAX));
    refused(sized(EVENT_SIZE_MAX + 1), STATUS_TOO_LARGE, "16385 bytes, and 16384");
}

/* --- mangling --- */

/* Whether the note is a good event that the keys of the original signed. */
static bool passes(struct bytes note, const struct hash *id, const struct signer *const *signers,
                   size_t count) {
    static struct event event;
    if (event_parse(note, &event, NULL) != STATUS_OK) {
        return false;
    }
    bool same = hash_equal(&event.id, id);
    for (size_t i = 0; i < count; i++) {
        same = same && note_verify(&event.note, &signers[i]->vkey) == STATUS_OK;
    }
    event_release(&event);
    return same;
}

static void mangle(enum kind_id kind, unsigned step) {
    static struct event event;
    static uint8_t copy[EVENT_SIZE_MAX];
    const struct signer *signers[3];
    size_t count = signers_of(kind, signers);
    struct bytes note = good_event(kind, false, 1);
    cr_assert_eq(event_parse(note, &event, NULL), STATUS_OK);
    struct hash id = event.id;
    event_release(&event);
    memcpy(copy, note.data, note.len);
    struct bytes mangled = bytes_of(copy, note.len);
    cr_assert(passes(mangled, &id, signers, count));
    for (size_t i = 0; i < note.len; i++) {
        for (unsigned c = (unsigned)(i % step); c < 256; c += step) {
            copy[i] = (uint8_t)c;
            cr_assert(c == note.data[i] || !passes(mangled, &id, signers, count),
                      "byte %zu as 0x%02x passes", i, c);
        }
        copy[i] = note.data[i];
        cr_assert_not(passes(bytes_of(copy, i), &id, signers, count), "cut at %zu", i);
    }
    copy[note.len] = '\n';
    cr_assert_not(passes(bytes_of(copy, note.len + 1), &id, signers, count));
}

Test(event, no_mangled_or_truncated_event_passes, .timeout = 60) {
    mangle(KIND_FAILURE_ALLEGED, 1);
    mangle(KIND_EVENT_OPENED, 5);
    mangle(KIND_LOG_OPENED, 17);
    mangle(KIND_LOG_POLICY, 17);
}

/* Every truncation is refused outright, not just not verified; but of several roots' lines the last
 * ones may be missing, since only the prefix knows how many log.policy needs. */
Test(event, every_truncation_is_refused) {
    for (unsigned id = 0; id < KIND_COUNT; id++) {
        struct bytes note = good_event(id, false, 1);
        unsigned parsed = 0;
        for (size_t len = 0; len < note.len; len++) {
            struct event event;
            if (event_parse(bytes_of(note.data, len), &event, NULL) == STATUS_OK) {
                event_release(&event);
                parsed++;
            }
        }
        cr_assert_eq(parsed, id == KIND_LOG_POLICY ? 1 : 0, "kind %u", id);
    }
}

/* --- entries --- */

static void bad_entry(const char *entry) {
    uint64_t ms = 9;
    struct bytes note = {NULL, 99};
    struct refusal why;
    cr_expect_eq(entry_parse(bytes_text(entry), &ms, &note, &why), STATUS_BAD_FORM, "%s", entry);
    cr_expect_eq(ms, 9);
    cr_expect_eq(note.len, 99);
}

Test(event, entries_go_round) {
    static uint8_t memory[ENTRY_SIZE_MAX + 1];
    struct writer w;
    struct bytes note;
    struct refusal why;
    uint64_t ms;
    writer_init(&w, memory, sizeof memory);
    entry_format(&w, 1700000000123, bytes_text("a note\n"));
    cr_assert(bytes_equal(writer_view(&w), bytes_text("received 1700000000123\na note\n")));
    cr_assert_eq(entry_parse(writer_view(&w), &ms, &note, &why), STATUS_OK);
    cr_assert_eq(ms, 1700000000123);
    cr_assert(bytes_equal(note, bytes_text("a note\n")));
    cr_assert_eq(entry_parse(bytes_text("received 0\n"), &ms, &note, &why), STATUS_OK);
    cr_assert_eq(note.len, 0);
    bad_entry("");
    bad_entry("received");
    bad_entry("received 1");
    bad_entry("received \n");
    bad_entry("received 01\n");
    bad_entry("received +1\n");
    bad_entry("received -1\n");
    bad_entry("received  1\n");
    bad_entry("received 1 \n");
    bad_entry("received 1\r\n");
    bad_entry("received 9223372036854775808\n");
    bad_entry("Received 1\n");
    memset(memory, 'a', sizeof memory);
    memcpy(memory, "received 1\n", 11);
    cr_assert_eq(entry_parse(bytes_of(memory, ENTRY_SIZE_MAX), &ms, &note, &why), STATUS_OK);
    cr_assert_eq(entry_parse(bytes_of(memory, ENTRY_SIZE_MAX + 1), &ms, &note, &why),
                 STATUS_TOO_LARGE);
}
