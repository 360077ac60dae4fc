/* Events: one good event of every kind goes round, each rule of the form has a refusal that names
 * the member, and no mangled or truncated event passes for the one that was signed. */
#include "ledger/json.h"
#include "tests/lib/events.h"
#include "tests/lib/mangle.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

TestSuite(event, .init = events_setup);

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
        bool closed = kind_has_closed(kind_at(id));
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
    cr_assert(bytes_equal(event.log, bytes_text(EVENT_LOG)));
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
        char text[EVENT_TEXT_SIZE];
        const struct signer *signers[3];
        good_text(id, "", false, 1, text);
        event_refused(sign_text(text, signers, signers_of(id, signers)), STATUS_BAD_MEMBER,
                      "open lacks ");
    }
}

/* --- refusals of the form --- */

static void refuse_text(const char *pattern, enum status status, const char *says) {
    static char text[EVENT_TEXT_SIZE];
    const struct signer *signers[1] = {&clerk};
    event_expand(pattern, text);
    event_refused(sign_text(text, signers, 1), status, says);
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
    event_refused(bytes_of(NULL, 0), STATUS_BAD_FORM, "");
    event_refused(bytes_text(HEAD "{}\n"), STATUS_BAD_FORM, "");
    event_refused(bytes_text(HEAD "{}\n\n"), STATUS_BAD_FORM, "");
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

Test(event, refuses_each_missing_open_member_by_name) {
    size_t tried = 0;
    for (unsigned id = 0; id < KIND_COUNT; id++) {
        const struct kind *kind = kind_at(id);
        char expanded[EVENT_TEXT_SIZE];
        event_expand(good_open(id), expanded);
        for (size_t i = 0; i < kind->member_count; i++) {
            const struct kind_member *member = &kind->members[i];
            uint8_t memory[EVENT_TEXT_SIZE];
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
    cr_expect_gt(tried, 200);
}

Test(event, an_import_may_lack_its_dates) {
    static char text[EVENT_TEXT_SIZE];
    const struct signer *signers[1] = {&clerk};
    good_text(
        KIND_FAILURE_ALLEGED,
        "{\"basis\":\"imported\",\"case\":\"$h\",\"ori\":\"NY0303000\",\"party\":\"officer\"}",
        true, 1, text);
    event_accepted(sign_text(text, signers, 1));
}

Test(event, says_that_a_closed_member_must_be_closed) {
    size_t tried = 0;
    for (unsigned id = 0; id < KIND_COUNT; id++) {
        const struct kind *kind = kind_at(id);
        for (size_t i = 0; i < kind->member_count; i++) {
            char open[64];
            char says[64];
            const char *name = kind->members[i].name;
            if (kind->members[i].visibility == VISIBLE_CLOSED) {
                snprintf(open, sizeof open, "{\"%s\":\"x\"}", name);
                snprintf(says, sizeof says, "%s must be closed", name);
                refuse_open(id, open, STATUS_BAD_MEMBER, says);
                tried++;
            }
        }
        refuse_open(id, "{\"zebra\":1}", STATUS_BAD_MEMBER, "has no member zebra");
    }
    cr_expect_gt(tried, 100);
    refuse_changed(KIND_FAILURE_ALLEGED, "NY0303000", "NY", STATUS_BAD_MEMBER,
                   "ori must be an ORI");
    refuse_changed(KIND_FINDING_FINAL, "sustained", "pending", STATUS_BAD_MEMBER,
                   "disposition must be one of: sustained, not_sustained");
}

/* --- writing --- */

Test(event, format_refuses_what_parse_would_and_takes_it_back) {
    uint8_t memory[4096];
    struct writer w;
    struct refusal why = {0};
    struct hash hash = {{0}};
    json_t *open = json_pack("{s:s,s:s}", "reason", "lost", "key", "a");
    struct event_draft good = {.log = bytes_text(EVENT_LOG),
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
    static char text[EVENT_TEXT_SIZE];
    uint8_t memory[EVENT_SIZE_MAX];
    struct writer w;
    struct refusal why = {0};
    const struct signer *signers[9];
    struct bytes view;
    good_text(KIND_LOG_POLICY, good_open(KIND_LOG_POLICY), false, 1, text);
    view = bytes_text(text);
    for (unsigned i = 0; i < 9; i++) {
        signers[i] = &roots[(i * 7) % 9];
    }
    writer_init(&w, memory, sizeof memory);
    cr_expect_eq(event_sign(&w, view, signers, 8, &why), STATUS_OK, "%s", why.text);
    event_accepted(writer_view(&w));
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
    static char open[EVENT_TEXT_SIZE];
    static char text[EVENT_TEXT_SIZE];
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
    event_accepted(sized(EVENT_SIZE_MAX));
    event_refused(sized(EVENT_SIZE_MAX + 1), STATUS_TOO_LARGE, "16385 bytes, and 16384");
}

/* --- mangling --- */

/* Whether the note is a good event that the keys of the original signed. */
static bool passes(struct bytes note, const struct hash *id, const struct signer *const *signers,
                   size_t count) {
    static struct event event;
    static struct note parsed;
    if (event_parse(note, &event, NULL) != STATUS_OK ||
        note_parse(note, &parsed, NULL) != STATUS_OK) {
        return false;
    }
    bool same = hash_equal(&event.id, id);
    for (size_t i = 0; i < count; i++) {
        same = same && note_verify(&parsed, &signers[i]->vkey) == STATUS_OK;
    }
    event_release(&event);
    return same;
}

static void mangle_all(enum kind_id kind) {
    static struct event event;
    static struct mangle m;
    const struct signer *signers[3];
    struct bytes damaged;
    size_t count = signers_of(kind, signers);
    struct bytes note = good_event(kind, false, 1);
    cr_assert_eq(event_parse(note, &event, NULL), STATUS_OK);
    struct hash id = event.id;
    event_release(&event);
    cr_assert(passes(note, &id, signers, count));
    mangle_init(&m, note);
    while (mangle_next(&m, &damaged)) {
        cr_assert_not(passes(damaged, &id, signers, count), "damage %d at %zu, value %u",
                      (int)m.kind, m.position, m.value);
    }
}

Test(event, no_mangled_or_truncated_event_passes, .timeout = 60) {
    mangle_all(KIND_FAILURE_ALLEGED);
    mangle_all(KIND_KEY_REVOKED);
    mangle_all(KIND_LOG_POLICY);
}

/* Every truncation is refused outright, not just not verified; but of several roots' lines the last
 * ones may be missing, since only the prefix knows how many they need. */
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
        bool roots_sign = kind_at(id)->roots_threshold && id != KIND_LOG_OPENED;
        cr_assert_eq(parsed, roots_sign ? 1 : 0, "kind %u", id);
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
