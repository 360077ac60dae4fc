/* The canonical form of JSON: vectors of our own for every rule of specs/event.md#json. */
#include "ledger/json_read.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static void accepts(const char *text) {
    struct refusal why = {0};
    json_t *value = NULL;
    uint8_t memory[EVENT_SIZE_MAX];
    struct writer w;
    cr_expect_eq(jcs_parse(bytes_text(text), &value, &why), STATUS_OK, "%s: %s", text, why.text);
    if (value == NULL) {
        return;
    }
    writer_init(&w, memory, sizeof memory);
    cr_expect_eq(jcs_write(&w, value, &why), STATUS_OK);
    cr_expect(bytes_equal(writer_view(&w), bytes_text(text)), "%s", text);
    json_decref(value);
}

static void refuses(struct bytes text, enum status expected, const char *says) {
    struct refusal why = {0};
    json_t *value = NULL;
    cr_expect_eq(jcs_parse(text, &value, &why), expected, "%.*s: %s", (int)text.len,
                 (const char *)text.data, why.text);
    cr_expect(strstr(why.text, says) != NULL, "%.*s: %s", (int)text.len, (const char *)text.data,
              why.text);
    cr_expect_null(value, "output touched on failure");
}

static void malformed(const char *text, const char *says) {
    refuses(bytes_text(text), STATUS_BAD_FORM, says);
}

static void misspelt(const char *text, const char *says) {
    refuses(bytes_text(text), STATUS_BAD_CANONICAL, says);
}

Test(json, accepts_canonical_values) {
    accepts("{}");
    accepts("[]");
    accepts("\"\"");
    accepts("true");
    accepts("false");
    accepts("0");
    accepts("-1");
    accepts("[1,\"a\",[],{},true,false]");
    accepts("{\"A\":1,\"Z\":1,\"a\":{\"b\":[{\"c\":2}]},\"a.b\":1,\"a0\":1,\"a_b\":1}");
    accepts("9007199254740991");
    accepts("-9007199254740991");
}

Test(json, accepts_every_escape_in_its_one_spelling) {
    accepts("\"\\b\\t\\n\\f\\r\\\"\\\\\"");
    accepts("\"\\u0001\\u0002\\u0007\\u000b\\u000e\\u001f\"");
    accepts("\"/ \x7f \xc2\x80 \xe2\x80\xa8 \xe2\x82\xac \xf0\x9d\x84\x9e \xef\xbf\xbf\"");
}

Test(json, refuses_other_spellings_saying_where) {
    misspelt(" 1", "at byte 0");
    misspelt("1 ", "is over at byte 1");
    misspelt("{ }", "at byte 1");
    misspelt("{\"a\":1, \"b\":2}", "at byte 7, where that has \"b\":2}");
    misspelt("{\"b\":1,\"a\":2}", "at byte 2, where that has a\":2,\"b\":1}");
    misspelt("{\"a\":1,\"B\":2}", "at byte 2");
    misspelt("\"\\/\"", "at byte 1");
    misspelt("\"\\u0041\"", "at byte 1");
    misspelt("\"\\u000a\"", "at byte 2");
    misspelt("\"\\u001F\"", "at byte 6");
    misspelt("\"\\u20ac\"", "at byte 1");
    misspelt("\"\\ud834\\udd1e\"", "at byte 1");
    misspelt("\"\\u007f\"", "at byte 1");
    misspelt("-0", "at byte 0");
}

Test(json, refuses_numbers_that_are_not_small_integers) {
    misspelt("9007199254740992", "not below 2^53");
    misspelt("-9007199254740992", "not below 2^53");
    misspelt("9223372036854775807", "not below 2^53");
    misspelt("-9223372036854775808", "not below 2^53");
    misspelt("1.0", "fraction or an exponent");
    misspelt("1e3", "fraction or an exponent");
    misspelt("[1E3]", "fraction or an exponent");
    misspelt("0.1", "fraction or an exponent");
    malformed("9223372036854775808", "too big");
    malformed("01", "malformed");
    malformed("+1", "malformed");
    malformed("1.", "malformed");
    malformed("1e999", "malformed");
    malformed("NaN", "malformed");
}

Test(json, refuses_what_is_not_json) {
    malformed("", "malformed");
    malformed("{", "malformed");
    malformed("{}}", "malformed");
    malformed("1 2", "malformed");
    malformed("[1,]", "malformed");
    malformed("{\"a\":1,}", "malformed");
    malformed("{a:1}", "malformed");
    malformed("'a'", "malformed");
    malformed("\"a", "malformed");
    malformed("\"\n\"", "malformed");
    malformed("\"\x01\"", "malformed");
    malformed("\"\\x41\"", "malformed");
    malformed("// a\n1", "malformed");
    malformed("\xef\xbb\xbf"
              "1",
              "malformed");
}

Test(json, refuses_bad_unicode) {
    malformed("\"\x80\"", "malformed");
    malformed("\"\xc0\xaf\"", "malformed");
    malformed("\"\xed\xa0\x80\"", "malformed");
    malformed("\"\xf4\x90\x80\x80\"", "malformed");
    malformed("\"\xe2\x82\"", "malformed");
    malformed("\"\\ud834\"", "malformed");
    malformed("\"\\udd1e\\ud834\"", "malformed");
    malformed("\"\\u0000\"", "malformed");
    refuses(bytes_of("\"\0\"", 3), STATUS_BAD_FORM, "malformed");
}

Test(json, refuses_null_and_names_out_of_rule) {
    malformed("null", "null is not used");
    malformed("{\"a\":null}", "null is not used");
    malformed("{\"a\":1,\"a\":1}", "duplicate");
    malformed("{\"a\":1,\"\\u0061\":2}", "duplicate");
    malformed("{\"\":1}", "names are 1 to 64");
    malformed("{\"a b\":1}", "names are 1 to 64");
    malformed("{\"a\xc3\xa9\":1}", "names are 1 to 64");
    malformed("{\"a/b\":1}", "names are 1 to 64");
    char text[128];
    snprintf(text, sizeof text, "{\"%064d\":1}", 0);
    accepts(text);
    snprintf(text, sizeof text, "{\"%065d\":1}", 0);
    malformed(text, "names are 1 to 64");
}

static void nest(char *text, unsigned depth, char open, char close) {
    memset(text, open, depth);
    memset(text + depth, close, depth);
    text[2 * depth] = '\0';
}

Test(json, depth_members_and_size_are_bounded) {
    static char text[EVENT_SIZE_MAX + 2];
    nest(text, EVENT_JSON_DEPTH_MAX, '[', ']');
    accepts(text);
    nest(text, EVENT_JSON_DEPTH_MAX + 1, '[', ']');
    malformed(text, "more than 8 deep");
    accepts("{\"a\":{\"a\":{\"a\":{\"a\":[{\"a\":{\"a\":{}}}]}}}}");
    accepts("{\"a\":{\"a\":{\"a\":{\"a\":[{\"a\":{\"a\":{\"a\":1}}}]}}}}");
    malformed("{\"a\":{\"a\":{\"a\":{\"a\":[{\"a\":{\"a\":{\"a\":[]}}}]}}}}", "more than 8 deep");
    nest(text, 8000, '[', ']'); /* beyond what jansson nests itself */
    malformed(text, "malformed");

    for (unsigned count = EVENT_MEMBERS_MAX; count <= EVENT_MEMBERS_MAX + 1; count++) {
        size_t len = (size_t)snprintf(text, sizeof text, "{");
        for (unsigned i = 0; i < count; i++) {
            len += (size_t)snprintf(text + len, sizeof text - len, "%s\"m%02u\":%u",
                                    i > 0 ? "," : "", i, i);
        }
        snprintf(text + len, sizeof text - len, "}");
        if (count <= EVENT_MEMBERS_MAX) {
            accepts(text);
        } else {
            malformed(text, "more than 64 members");
        }
    }
    memset(text, 'a', EVENT_SIZE_MAX);
    text[0] = text[EVENT_SIZE_MAX - 1] = '"';
    text[EVENT_SIZE_MAX] = '\0';
    accepts(text);
    text[EVENT_SIZE_MAX - 1] = 'a';
    text[EVENT_SIZE_MAX] = '"';
    refuses(bytes_of(text, EVENT_SIZE_MAX + 1), STATUS_TOO_LARGE, "over 16384");
}

Test(json, writes_members_sorted_whatever_their_order) {
    uint8_t memory[256];
    struct writer w;
    json_t *value =
        json_pack("{s:i, s:{s:b, s:s}, s:[i,i]}", "b", 1, "a", "z", 1, "_", "\x1f", "B", 3, 2);
    cr_assert_not_null(value);
    writer_init(&w, memory, sizeof memory);
    cr_assert_eq(jcs_write(&w, value, NULL), STATUS_OK);
    cr_assert(bytes_equal(
        writer_view(&w), bytes_text("{\"B\":[3,2],\"a\":{\"_\":\"\\u001f\",\"z\":true},\"b\":1}")));
    json_decref(value);
}

Test(json, takes_back_what_it_wrote_when_it_fails) {
    uint8_t memory[16];
    struct writer w;
    struct refusal why;
    json_t *null_inside = json_pack("[s,n]", "a");
    json_t *nul_inside = json_pack("[s#]", "a\0b", 3);
    json_t *real = json_pack("[f]", 1.0);
    json_t *fits = json_pack("s", "0123456789012");
    json_t *large = json_pack("s", "01234567890123");
    writer_init(&w, memory, sizeof memory);
    writer_u8(&w, '=');
    cr_expect_eq(jcs_write(&w, null_inside, &why), STATUS_BAD_FORM);
    cr_expect_eq(jcs_write(&w, nul_inside, &why), STATUS_BAD_FORM);
    cr_expect_eq(jcs_write(&w, real, &why), STATUS_BAD_CANONICAL);
    cr_expect_eq(jcs_write(&w, large, &why), STATUS_TOO_LARGE);
    cr_expect_eq(w.len, 1);
    cr_expect_not(w.failed);
    cr_expect_eq(jcs_write(&w, fits, &why), STATUS_OK);
    cr_expect_eq(w.len, 16);
    json_decref(null_inside);
    json_decref(nul_inside);
    json_decref(real);
    json_decref(fits);
    json_decref(large);
}

/* Any change of one byte of a canonical text is refused or is another value. */
Test(json, every_mangling_is_refused_or_another_value) {
    const char *good = "{\"a\":[1,-20,true,\"x\\n\\u001f\xc3\xa9\"],\"b\":{\"c\":false}}";
    char text[128];
    struct refusal why;
    json_t *original;
    size_t len = strlen(good);
    unsigned parsed = 0;
    cr_assert_eq(jcs_parse(bytes_text(good), &original, &why), STATUS_OK);
    for (size_t i = 0; i < len; i++) {
        for (unsigned c = 0; c < 256; c++) {
            json_t *value;
            memcpy(text, good, len);
            text[i] = (char)c;
            if (text[i] == good[i] || jcs_parse(bytes_of(text, len), &value, &why) != STATUS_OK) {
                continue;
            }
            cr_assert_not(json_equal(value, original), "byte %zu = %u", i, c);
            json_decref(value);
            parsed++;
        }
        json_t *value;
        cr_assert_neq(jcs_parse(bytes_of(good, i), &value, &why), STATUS_OK);
    }
    cr_assert_gt(parsed, 100);
    json_decref(original);
}

/* --- the reader of the canonical form alone --- */

static const char sample[] =
    "{\"a\":[1,-2,{\"b\":true},[],\"x\\ny\\u0001\"],\"b.c\":{},\"d\":\"\xc3\xa9\",\"e\":{\"f\":{"
    "\"g\":[0]}}}";

Test(json_read, reads_the_canonical_form_without_jansson) {
    json_t *ours = jcs_read_canonical(bytes_text(sample));
    json_t *theirs = json_loads(sample, JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(ours, "left to jansson");
    cr_expect(json_equal(ours, theirs));
    json_decref(ours);
    json_decref(theirs);
}

/* Of every change of one byte: what is read here is what jansson reads, and is canonical. */
Test(json_read, reads_no_mangled_text_otherwise_than_jansson) {
    char text[sizeof sample];
    size_t read = 0;
    for (size_t i = 0; i < sizeof sample - 1; i++) {
        for (unsigned c = 0; c < 256; c++) {
            uint8_t memory[EVENT_SIZE_MAX];
            struct writer w;
            memcpy(text, sample, sizeof sample);
            text[i] = (char)c;
            struct bytes bytes = bytes_of(text, sizeof sample - 1);
            json_t *ours = jcs_read_canonical(bytes);
            if (ours == NULL) {
                continue;
            }
            read++;
            json_t *theirs = json_loadb(text, bytes.len, JSON_REJECT_DUPLICATES, NULL);
            cr_assert(theirs != NULL && json_equal(ours, theirs), "byte %zu as %u", i, c);
            writer_init(&w, memory, sizeof memory);
            cr_assert_eq(jcs_write(&w, ours, NULL), STATUS_OK);
            cr_assert(bytes_equal(writer_view(&w), bytes), "byte %zu as %u", i, c);
            json_decref(ours);
            json_decref(theirs);
        }
    }
    cr_expect_gt(read, sizeof sample, "some letters may be others");
}

Test(json_read, leaves_every_truncation_to_jansson) {
    for (size_t len = 0; len < sizeof sample - 1; len++) {
        cr_expect_null(jcs_read_canonical(bytes_of(sample, len)));
    }
}
