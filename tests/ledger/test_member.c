/* One accepted and many refused values for every type of member. */
#include "ledger/member.h"
#include "ledger/vkey.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* a, b: type 0x01; c: 0x04; d: b's public key, another name; e: a's name, another public key */
static char keys[5][VKEY_SIZE_MAX + 1];

static void setup(void) {
    static const struct {
        const char *name;
        enum vkey_type type;
        uint8_t seed;
    } of[] = {{"a.example", VKEY_NOTE, 1},
              {"b.example", VKEY_NOTE, 2},
              {"c.example", VKEY_COSIGNATURE, 3},
              {"d.example", VKEY_NOTE, 2},
              {"a.example", VKEY_NOTE, 4}};
    cr_assert(crypto_init());
    for (unsigned i = 0; i < 5; i++) {
        struct signer signer;
        struct writer w;
        uint8_t seed[SIGN_SEED_SIZE] = {of[i].seed};
        cr_assert_eq(signer_make(bytes_text(of[i].name), of[i].type, seed, &signer), STATUS_OK);
        writer_init(&w, keys[i], VKEY_SIZE_MAX);
        vkey_format(&w, &signer.vkey);
        keys[i][w.len] = '\0';
    }
}

TestSuite(member, .init = setup);

static enum status check(const struct kind_member *member, const char *text, struct refusal *why) {
    json_t *value = NULL;
    cr_assert_eq(jcs_parse(bytes_text(text), &value, why), STATUS_OK, "%s: %s", text, why->text);
    enum status status = member_check(member, value, why);
    json_decref(value);
    return status;
}

static void yes(enum member_type type, uint32_t max, const char *text) {
    struct kind_member member = {.name = "thing", .type = type, .max = max};
    struct refusal why = {0};
    cr_expect_eq(check(&member, text, &why), STATUS_OK, "%s: %s", text, why.text);
}

static void no(enum member_type type, uint32_t max, const char *text) {
    struct kind_member member = {.name = "thing", .type = type, .max = max};
    struct refusal why = {0};
    char at_most[32];
    cr_expect_eq(check(&member, text, &why), STATUS_BAD_MEMBER, "%s", text);
    cr_expect(strncmp(why.text, "thing must be ", 14) == 0, "%s", why.text);
    cr_expect(strstr(why.text, member_accepts(type)) != NULL, "%s", why.text);
    snprintf(at_most, sizeof at_most, ", at most %u", (unsigned)max);
    cr_expect_eq(strstr(why.text, max > 0 ? at_most : ", at most") != NULL, max > 0, "%s",
                 why.text);
}

Test(member, text) {
    yes(MEMBER_TEXT, 5, "\"a\\nb c\"");
    yes(MEMBER_TEXT, 5, "\"a\"");
    yes(MEMBER_TEXT, 3, "\"\xe2\x82\xac\"");
    no(MEMBER_TEXT, 2, "\"\xe2\x82\xac\"");
    no(MEMBER_TEXT, 5, "\"\"");
    no(MEMBER_TEXT, 5, "\"a\\tb\"");
    no(MEMBER_TEXT, 5, "\"a\x7f\"");
    no(MEMBER_TEXT, 5, "1");
}

Test(member, token_name_and_origin) {
    char text[NAME_SIZE_MAX + 8];
    yes(MEMBER_TOKEN, 9, "\"az09._-..\"");
    no(MEMBER_TOKEN, 9, "\"az09._-...\"");
    no(MEMBER_TOKEN, 9, "\"\"");
    no(MEMBER_TOKEN, 9, "\"A\"");
    no(MEMBER_TOKEN, 9, "\"a b\"");
    no(MEMBER_TOKEN, 9, "\"a/b\"");
    no(MEMBER_TOKEN, 9, "[]");
    yes(MEMBER_NAME, 0, "\"ny.example/clerk-7/x\"");
    yes(MEMBER_NAME, 0, "\"...\"");
    no(MEMBER_NAME, 0, "\"\"");
    no(MEMBER_NAME, 0, "\"/a\"");
    no(MEMBER_NAME, 0, "\"a/\"");
    no(MEMBER_NAME, 0, "\"a//b\"");
    no(MEMBER_NAME, 0, "\"a/.\"");
    no(MEMBER_NAME, 0, "\"../a\"");
    no(MEMBER_NAME, 0, "\"a+b\"");
    no(MEMBER_NAME, 0, "\"NY/a\"");
    no(MEMBER_NAME, 0, "7");
    snprintf(text, sizeof text, "\"%0*d\"", NAME_SIZE_MAX, 0);
    yes(MEMBER_NAME, 0, text);
    snprintf(text, sizeof text, "\"%0*d\"", NAME_SIZE_MAX + 1, 0);
    no(MEMBER_NAME, 0, text);
    yes(MEMBER_ORIGIN, 0, "\"Example.org/Log#1\"");
    no(MEMBER_ORIGIN, 0, "\"a b\"");
    no(MEMBER_ORIGIN, 0, "\"a+b\"");
    no(MEMBER_ORIGIN, 0, "\"\"");
    no(MEMBER_ORIGIN, 0, "true");
}

Test(member, hex_and_ori) {
    const char *hash = "\"00000000000000000000000000000000000000000000000000000000000000af\"";
    yes(MEMBER_HASH, 0, hash);
    yes(MEMBER_SALT, 0, hash);
    no(MEMBER_HASH, 0, "\"00000000000000000000000000000000000000000000000000000000000000a\"");
    no(MEMBER_HASH, 0, "\"00000000000000000000000000000000000000000000000000000000000000aF\"");
    no(MEMBER_SALT, 0, "\"0000000000000000000000000000000000000000000000000000000000000000a\"");
    no(MEMBER_HASH, 0, "0");
    yes(MEMBER_HANDLE, 0, "\"0123456789abcdef0123456789abcdef\"");
    no(MEMBER_HANDLE, 0, hash);
    no(MEMBER_HANDLE, 0, "\"0123456789abcdef0123456789abcdeg\"");
    yes(MEMBER_ORI, 0, "\"NY0303000\"");
    yes(MEMBER_ORI, 0, "\"AZ0000009\"");
    no(MEMBER_ORI, 0, "\"NY030300\"");
    no(MEMBER_ORI, 0, "\"NY03030000\"");
    no(MEMBER_ORI, 0, "\"ny0303000\"");
    no(MEMBER_ORI, 0, "\"NY03030 0\"");
    no(MEMBER_ORI, 0, "123456789");
    yes(MEMBER_HASHES, 2, "[]");
    char text[256];
    snprintf(text, sizeof text, "[%s,%s]", hash, hash);
    yes(MEMBER_HASHES, 2, text);
    no(MEMBER_HASHES, 1, text);
    no(MEMBER_HASHES, 2, "[1]");
    snprintf(text, sizeof text, "[%s,1]", hash);
    no(MEMBER_HASHES, 2, text);
    no(MEMBER_HASHES, 2, "[\"00\"]");
    no(MEMBER_HASHES, 2, hash);
}

Test(member, dates_are_real_days) {
    yes(MEMBER_DATE, 0, "\"2024-02-29\"");
    yes(MEMBER_DATE, 0, "\"2000-02-29\"");
    yes(MEMBER_DATE, 0, "\"1900-01-01\"");
    yes(MEMBER_DATE, 0, "\"9999-12-31\"");
    no(MEMBER_DATE, 0, "\"2023-02-29\"");
    no(MEMBER_DATE, 0, "\"1900-02-29\"");
    no(MEMBER_DATE, 0, "\"2100-02-29\"");
    no(MEMBER_DATE, 0, "\"1899-12-31\"");
    no(MEMBER_DATE, 0, "\"2024-04-31\"");
    no(MEMBER_DATE, 0, "\"2024-00-10\"");
    no(MEMBER_DATE, 0, "\"2024-13-10\"");
    no(MEMBER_DATE, 0, "\"2024-01-00\"");
    no(MEMBER_DATE, 0, "\"2024-01-32\"");
    no(MEMBER_DATE, 0, "\"2024-1-10\"");
    no(MEMBER_DATE, 0, "\"2024/01/10\"");
    no(MEMBER_DATE, 0, "\"2024/01-10\"");
    no(MEMBER_DATE, 0, "\"2024-01/10\"");
    no(MEMBER_DATE, 0, "\"2024-01-1a\"");
    no(MEMBER_DATE, 0, "\"2024-01-10 \"");
    no(MEMBER_DATE, 0, "20240110");
    static const unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (unsigned month = 1; month <= 12; month++) {
        char text[16];
        snprintf(text, sizeof text, "\"2023-%02u-%02u\"", month, days[month - 1]);
        yes(MEMBER_DATE, 0, text);
        snprintf(text, sizeof text, "\"2023-%02u-%02u\"", month, days[month - 1] + 1);
        no(MEMBER_DATE, 0, text);
    }
}

Test(member, times_are_utc_to_the_second) {
    yes(MEMBER_TIME, 0, "\"2024-02-29T23:59:59Z\"");
    yes(MEMBER_TIME, 0, "\"2024-02-29T00:00:00Z\"");
    no(MEMBER_TIME, 0, "\"2024-02-29T24:00:00Z\"");
    no(MEMBER_TIME, 0, "\"2024-02-29T23:60:00Z\"");
    no(MEMBER_TIME, 0, "\"2024-02-29T23:59:60Z\"");
    no(MEMBER_TIME, 0, "\"2024-02-30T00:00:00Z\"");
    no(MEMBER_TIME, 0, "\"2024-02-29t00:00:00Z\"");
    no(MEMBER_TIME, 0, "\"2024-02-29T00:00:00z\"");
    no(MEMBER_TIME, 0, "\"2024-02-29T00:00:00.0Z\"");
    no(MEMBER_TIME, 0, "\"2024-02-29T00:00:00+00:00\"");
    no(MEMBER_TIME, 0, "\"2024-02-29T00.00:00Z\"");
    no(MEMBER_TIME, 0, "\"2024-02-29T00:00.00Z\"");
    no(MEMBER_TIME, 0, "\"2024-02-29\"");
    no(MEMBER_TIME, 0, "1");
}

Test(member, integers_and_codes) {
    static const char *const codes[] = {"one", "two", NULL};
    struct kind_member member = {.name = "thing", .type = MEMBER_CODE, .codes = codes};
    struct refusal why;
    yes(MEMBER_INTEGER, 0, "0");
    yes(MEMBER_INTEGER, 0, "9007199254740991");
    yes(MEMBER_INTEGER, 7, "7");
    no(MEMBER_INTEGER, 7, "8");
    no(MEMBER_INTEGER, 0, "-1");
    no(MEMBER_INTEGER, 0, "\"1\"");
    no(MEMBER_INTEGER, 0, "true");
    cr_expect_eq(check(&member, "\"two\"", &why), STATUS_OK);
    cr_expect_eq(check(&member, "\"three\"", &why), STATUS_BAD_MEMBER);
    cr_expect_str_eq(why.text, "thing must be one of: one, two");
    cr_expect_eq(check(&member, "\"\"", &why), STATUS_BAD_MEMBER);
    cr_expect_eq(check(&member, "1", &why), STATUS_BAD_MEMBER);
    member.type = MEMBER_CODES;
    cr_expect_eq(check(&member, "[\"one\",\"two\"]", &why), STATUS_OK);
    cr_expect_eq(check(&member, "[\"two\"]", &why), STATUS_OK);
    cr_expect_eq(check(&member, "[\"two\",\"one\"]", &why), STATUS_BAD_MEMBER);
    cr_expect_str_eq(why.text,
                     "thing must be an array of one or more, sorted, each once, of: one, two");
    cr_expect_eq(check(&member, "[\"one\",\"one\"]", &why), STATUS_BAD_MEMBER);
    cr_expect_eq(check(&member, "[\"three\"]", &why), STATUS_BAD_MEMBER);
    cr_expect_eq(check(&member, "[]", &why), STATUS_BAD_MEMBER);
    cr_expect_eq(check(&member, "[1]", &why), STATUS_BAD_MEMBER);
    cr_expect_eq(check(&member, "\"one\"", &why), STATUS_BAD_MEMBER);
}

Test(member, vkeys) {
    char text[1024];
    snprintf(text, sizeof text, "\"%s\"", keys[0]);
    yes(MEMBER_VKEY, 0, text);
    yes(MEMBER_VKEY_ACCUSED, 0, text);
    no(MEMBER_VKEYS, 3, text);
    snprintf(text, sizeof text, "\"%s\"", keys[2]);
    no(MEMBER_VKEY, 0, text);
    yes(MEMBER_VKEY_ACCUSED, 0, text);
    no(MEMBER_VKEY, 0, "\"a.example+00000000+AAAA\"");
    no(MEMBER_VKEY, 0, "1");
    no(MEMBER_VKEY_ACCUSED, 0, "{}");
    snprintf(text, sizeof text, "[\"%s\",\"%s\"]", keys[0], keys[1]);
    yes(MEMBER_VKEYS, 2, text);
    no(MEMBER_VKEYS, 1, text);
    no(MEMBER_VKEYS, 2, "[]");
    no(MEMBER_VKEYS, 2, "[1]");
    snprintf(text, sizeof text, "[\"%s\",\"%s\"]", keys[1], keys[0]);
    no(MEMBER_VKEYS, 2, text); /* not sorted */
    snprintf(text, sizeof text, "[\"%s\",\"%s\"]", keys[0], keys[0]);
    no(MEMBER_VKEYS, 2, text);
    snprintf(text, sizeof text, "[\"%s\",\"%s\"]", keys[1], keys[3]);
    no(MEMBER_VKEYS, 2, text); /* one public key twice */
    snprintf(text, sizeof text, "[\"%s\",\"%s\"]", keys[0], keys[2]);
    no(MEMBER_VKEYS, 2, text); /* a cosigner's */
    snprintf(text, sizeof text, "[\"%s\"]", keys[0]);
    yes(MEMBER_VKEYS, 1, text);
    snprintf(text, sizeof text, "[\"%s\",\"%s\",\"%s\"]", keys[0], keys[3], keys[1]);
    no(MEMBER_VKEYS, 3, text); /* the last two are not sorted */
    snprintf(text, sizeof text, "[\"%s\",\"%s\",\"%s\"]", keys[0], keys[1], keys[3]);
    no(MEMBER_VKEYS, 3, text); /* the last two have one public key */
    snprintf(text, sizeof text, "[\"%s\",\"%s\"]", keys[0], keys[4]);
    no(MEMBER_VKEYS, 2, text); /* one name twice */
}

Test(member, policy_and_operators) {
    struct kind_member member = {.name = "policy", .type = MEMBER_POLICY, .max = 40};
    struct refusal why;
    yes(MEMBER_POLICY, 40, "\"quorum none\\n\"");
    yes(MEMBER_POLICY, 12, "\"quorum none\\n\"");
    no(MEMBER_POLICY, 11, "\"quorum none\\n\"");
    no(MEMBER_POLICY, 5, "\"quorum none\\n\"");
    no(MEMBER_POLICY, 40, "\"quorum none\"");
    no(MEMBER_POLICY, 40, "1");
    cr_expect_eq(check(&member, "\"\\nquorum x\\n\"", &why), STATUS_BAD_MEMBER);
    cr_expect(strstr(why.text, "policy line 2") != NULL, "%s", why.text);
    yes(MEMBER_OPERATORS, 5, "{\"X1\":\"doj\",\"b\":\"state\"}");
    no(MEMBER_OPERATORS, 4, "{\"X1\":\"doj\",\"b\":\"state\"}");
    no(MEMBER_OPERATORS, 5, "{}");
    no(MEMBER_OPERATORS, 5, "{\"X1\":\"DOJ\"}");
    no(MEMBER_OPERATORS, 5, "{\"X1\":1}");
    no(MEMBER_OPERATORS, 5, "[]");
    char text[1024];
    for (unsigned count = POLICY_WITNESSES_MAX; count <= POLICY_WITNESSES_MAX + 1; count++) {
        size_t len = (size_t)snprintf(text, sizeof text, "{");
        for (unsigned i = 0; i < count; i++) {
            len += (size_t)snprintf(text + len, sizeof text - len, "%s\"w%02u\":\"x\"",
                                    i > 0 ? "," : "", i);
        }
        snprintf(text + len, sizeof text - len, "}");
        (count > POLICY_WITNESSES_MAX ? no : yes)(MEMBER_OPERATORS, 5, text);
    }
}

Test(member, scopes_are_sorted_sets) {
    yes(MEMBER_ORIS, 2, "[]");
    yes(MEMBER_ORIS, 2, "[\"NY0303000\",\"NY0303001\"]");
    no(MEMBER_ORIS, 1, "[\"NY0303000\",\"NY0303001\"]");
    no(MEMBER_ORIS, 2, "[\"NY0303001\",\"NY0303000\"]");
    no(MEMBER_ORIS, 2, "[\"NY0303000\",\"NY0303000\"]");
    no(MEMBER_ORIS, 2, "[\"*\"]");
    no(MEMBER_ORIS, 2, "\"NY0303000\"");
    no(MEMBER_SOME_ORIS, 2, "[]");
    yes(MEMBER_SOME_ORIS, 2, "[\"NY0303000\",\"NY0303001\"]");
    no(MEMBER_SOME_ORIS, 2, "[\"NY0303001\",\"NY0303000\"]");
    no(MEMBER_SOME_ORIS, 1, "[\"NY0303000\",\"NY0303001\"]");
    no(MEMBER_SOME_ORIS, 2, "[\"NY030300\"]");
    no(MEMBER_STATES, 2, "[]");
    yes(MEMBER_STATES, 2, "[\"MN\",\"NY\"]");
    no(MEMBER_STATES, 2, "[\"NY\",\"MN\"]");
    no(MEMBER_STATES, 2, "[\"NY\",\"NY\"]");
    no(MEMBER_STATES, 1, "[\"MN\",\"NY\"]");
    no(MEMBER_STATES, 2, "[\"Ny\"]");
    no(MEMBER_STATES, 2, "[3]");
    no(MEMBER_STATES, 2, "{\"a\":\"NY\"}");
    yes(MEMBER_KINDS, 2, "[\"*\"]");
    yes(MEMBER_KINDS, 2, "[\"correction\",\"finding.final\"]");
    no(MEMBER_KINDS, 1, "[\"correction\",\"finding.final\"]");
    no(MEMBER_KINDS, 2, "[]");
    no(MEMBER_KINDS, 2, "[\"finding.final\",\"correction\"]");
    no(MEMBER_KINDS, 2, "[\"*\",\"correction\"]");
    no(MEMBER_KINDS, 2, "[\"nonsense\"]");
    no(MEMBER_KINDS, 2, "\"*\"");
    no(MEMBER_KINDS, 2, "[1]");
}

Test(member, discipline) {
    yes(MEMBER_DISCIPLINE, 2, "[{\"code\":\"none\"}]");
    yes(MEMBER_DISCIPLINE, 2, "[{\"code\":\"training\"},{\"code\":\"training\"}]");
    yes(MEMBER_DISCIPLINE, 2, "[{\"code\":\"leave_forfeit\",\"days\":60}]");
    yes(MEMBER_DISCIPLINE, 2, "[{\"code\":\"leave_forfeit\",\"days\":1}]");
    yes(MEMBER_DISCIPLINE, 2, "[{\"code\":\"probation\",\"months\":12}]");
    yes(MEMBER_DISCIPLINE, 2, "[{\"code\":\"suspension\",\"days\":30,\"paid\":false}]");
    yes(MEMBER_DISCIPLINE, 2, "[{\"code\":\"suspension\",\"months\":99999,\"paid\":true}]");
    no(MEMBER_DISCIPLINE, 2, "[]");
    no(MEMBER_DISCIPLINE, 1, "[{\"code\":\"training\"},{\"code\":\"demotion\"}]");
    no(MEMBER_DISCIPLINE, 2, "[{\"code\":\"none\"},{\"code\":\"demotion\"}]");
    no(MEMBER_DISCIPLINE, 2, "[{\"code\":\"demotion\"},{\"code\":\"none\"}]");
    no(MEMBER_DISCIPLINE, 2, "[{\"code\":\"nonsense\"}]");
    no(MEMBER_DISCIPLINE, 2, "[\"none\"]");
    no(MEMBER_DISCIPLINE, 2, "[{}]");
    no(MEMBER_DISCIPLINE, 2, "{\"code\":\"none\"}");
    no(MEMBER_DISCIPLINE, 2, "[{\"code\":1}]");
    no(MEMBER_DISCIPLINE, 2, "[{\"code\":\"training\",\"days\":1}]");
    no(MEMBER_DISCIPLINE, 2, "[{\"code\":\"training\",\"note\":1}]");
    no(MEMBER_DISCIPLINE, 2, "[{\"code\":\"leave_forfeit\"}]");
    no(MEMBER_DISCIPLINE, 2, "[{\"code\":\"leave_forfeit\",\"note\":1}]");
    no(MEMBER_DISCIPLINE, 2, "[{\"code\":\"suspension\",\"days\":1,\"note\":1}]");
    no(MEMBER_DISCIPLINE, 2, "[{\"code\":\"leave_forfeit\",\"days\":0}]");
    no(MEMBER_DISCIPLINE, 2, "[{\"code\":\"leave_forfeit\",\"days\":100000}]");
    no(MEMBER_DISCIPLINE, 2, "[{\"code\":\"leave_forfeit\",\"days\":\"1\"}]");
    no(MEMBER_DISCIPLINE, 2, "[{\"code\":\"leave_forfeit\",\"days\":1,\"months\":1}]");
    no(MEMBER_DISCIPLINE, 2, "[{\"code\":\"leave_forfeit\",\"days\":1,\"paid\":true}]");
    no(MEMBER_DISCIPLINE, 2, "[{\"code\":\"suspension\",\"days\":1}]");
    no(MEMBER_DISCIPLINE, 2, "[{\"code\":\"suspension\",\"days\":1,\"months\":1}]");
    no(MEMBER_DISCIPLINE, 2, "[{\"code\":\"suspension\",\"days\":1,\"paid\":1}]");
    no(MEMBER_DISCIPLINE, 2, "[{\"code\":\"suspension\",\"paid\":true}]");
}

Test(member, evidence_event_and_any) {
    /* "dutylog/evidence/v1 a\n" */
    yes(MEMBER_EVIDENCE, 40, "\"ZHV0eWxvZy9ldmlkZW5jZS92MSBhCg==\"");
    yes(MEMBER_EVIDENCE, 32, "\"ZHV0eWxvZy9ldmlkZW5jZS92MSBhCg==\"");
    no(MEMBER_EVIDENCE, 31, "\"ZHV0eWxvZy9ldmlkZW5jZS92MSBhCg==\"");
    no(MEMBER_EVIDENCE, 40, "\"ZHV0eWxvZy9ldmlkZW5jZS92MSBhCg\"");
    no(MEMBER_EVIDENCE, 40, "\"ZHV0eWxvZy9yZWNlaXB0L3YxCg==\"");
    no(MEMBER_EVIDENCE, 40, "1");
#define ID "\"id\":\"00000000000000000000000000000000000000000000000000000000000000af\""
    yes(MEMBER_EVENT, 0, "{" ID ",\"issuer\":\"a\",\"log\":\"L\",\"seq\":1}");
    no(MEMBER_EVENT, 0, "{" ID ",\"issuer\":\"a\",\"log\":\"L\",\"seq\":0}");
    no(MEMBER_EVENT, 0, "{" ID ",\"issuer\":\"A\",\"log\":\"L\",\"seq\":1}");
    no(MEMBER_EVENT, 0, "{" ID ",\"issuer\":\"a\",\"log\":\"L L\",\"seq\":1}");
    no(MEMBER_EVENT, 0, "{\"id\":\"af\",\"issuer\":\"a\",\"log\":\"L\",\"seq\":1}");
    no(MEMBER_EVENT, 0, "{" ID ",\"issuer\":\"a\",\"log\":\"L\"}");
    no(MEMBER_EVENT, 0, "{" ID ",\"issuer\":\"a\",\"log\":\"L\",\"more\":1,\"seq\":1}");
    no(MEMBER_EVENT, 0, "{" ID ",\"issuer\":\"a\",\"log\":\"L\",\"seq\":\"1\"}");
    no(MEMBER_EVENT, 0, "[]");
    yes(MEMBER_ANY, 0, "[{\"a\":1}]");
    yes(MEMBER_ANY, 0, "\"\"");
}

Test(member, titles_addresses_months_states_tokens) {
    yes(MEMBER_TITLE, 5, "\"a b\xc3\xa9\"");
    no(MEMBER_TITLE, 5, "\"abcdef\"");
    no(MEMBER_TITLE, 5, "\"\"");
    no(MEMBER_TITLE, 5, "\"a\\nb\"");
    no(MEMBER_TITLE, 5, "3");
    yes(MEMBER_ADDRESS, 30, "\"https://pd.example/a?b\"");
    yes(MEMBER_ADDRESS, 30, "\"http://x\"");
    yes(MEMBER_ADDRESS, 30, "\"file:list.csv\"");
    no(MEMBER_ADDRESS, 30, "\"https://\"");
    no(MEMBER_ADDRESS, 30, "\"file:\"");
    no(MEMBER_ADDRESS, 30, "\"ftp://pd.example/a\"");
    no(MEMBER_ADDRESS, 30, "\"https://pd.example/a b\"");
    no(MEMBER_ADDRESS, 30, "\"https://pd.example/\xc3\xa9\"");
    no(MEMBER_ADDRESS, 12, "\"https://pd.example\"");
    yes(MEMBER_MONTH, 0, "\"2024-02\"");
    yes(MEMBER_MONTH, 0, "\"1900-12\"");
    no(MEMBER_MONTH, 0, "\"2024-13\"");
    no(MEMBER_MONTH, 0, "\"2024-00\"");
    no(MEMBER_MONTH, 0, "\"1899-12\"");
    no(MEMBER_MONTH, 0, "\"2024-02-01\"");
    no(MEMBER_MONTH, 0, "\"2024-2\"");
    yes(MEMBER_STATE, 0, "\"NY\"");
    no(MEMBER_STATE, 0, "\"ny\"");
    no(MEMBER_STATE, 0, "\"N\"");
    no(MEMBER_STATE, 0, "\"NYC\"");
    yes(MEMBER_TOKENS, 3, "[\"a\",\"b_c\"]");
    no(MEMBER_TOKENS, 3, "[]");
    no(MEMBER_TOKENS, 3, "[\"b\",\"a\"]");
    no(MEMBER_TOKENS, 3, "[\"a\",\"a\"]");
    no(MEMBER_TOKENS, 3, "[\"a\",\"b\",\"c\",\"d\"]");
    no(MEMBER_TOKENS, 3, "[\"A\"]");
    no(MEMBER_TOKENS, 3, "[\"aaaaaaaaaabbbbbbbbbbccccccccccddddddddddx\"]");
    no(MEMBER_TOKENS, 3, "\"a\"");
}
