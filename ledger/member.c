#include "ledger/member.h"

#include "crypto/encoding.h"
#include "ledger/checkpoint.h"
#include "ledger/policy.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define HASH_HEX (2 * HASH_SIZE)
#define HANDLE_HEX (2 * HANDLE_SIZE)
#define DATE_SIZE 10
#define TIME_SIZE 20
#define MEASURE_NUMBER_MAX 99999
#define EVIDENCE_PREFIX "dutylog/evidence/v1 "

static_assert(TOKEN_SIZE_MAX <= JCS_NAME_MAX, "a token can name a member of an object");

/* What a test knows; it answers whether the value is accepted, and may say more in `detail`. */
struct test {
    const struct kind_member *member;
    const json_t *value;
    struct refusal detail; /* text "" if there is nothing to add */
};

/* --- texts --- */

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

bool text_is_token(struct bytes text, size_t max) {
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (!(c >= 'a' && c <= 'z') && !is_digit(c) && c != '.' && c != '_' && c != '-') {
            return false;
        }
    }
    return text.len >= 1 && text.len <= max;
}

bool text_is_issuer(struct bytes text) {
    size_t start = 0;
    if (text.len > NAME_SIZE_MAX) {
        return false;
    }
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.data[i] != '/') {
            continue;
        }
        struct bytes part = bytes_of(text.data + start, i - start);
        if (!text_is_token(part, NAME_SIZE_MAX) || bytes_equal(part, bytes_text(".")) ||
            bytes_equal(part, bytes_text(".."))) {
            return false;
        }
        start = i + 1;
    }
    return true;
}

/* `len` digits at `at`, as a number; the text is long enough. */
static bool digits(struct bytes text, size_t at, size_t len, unsigned *out) {
    unsigned n = 0;
    assert(at + len <= text.len);
    for (size_t i = at; i < at + len; i++) {
        if (!is_digit(text.data[i])) {
            return false;
        }
        n = n * 10 + (text.data[i] - (unsigned)'0');
    }
    *out = n;
    return true;
}

bool text_is_date(struct bytes text) {
    static const unsigned month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned year, month, day;
    if (text.len != DATE_SIZE || text.data[4] != '-' || text.data[7] != '-' ||
        !digits(text, 0, 4, &year) || !digits(text, 5, 2, &month) || !digits(text, 8, 2, &day)) {
        return false;
    }
    if (year < 1900 || month < 1 || month > 12 || day < 1) {
        return false;
    }
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= month_days[month - 1] + (month == 2 && leap);
}

/* By the count of days before a year, Gregorian. */
uint64_t date_to_days(const char *date) {
    static const uint16_t before_month[12] = {0,   31,  59,  90,  120, 151,
                                              181, 212, 243, 273, 304, 334};
    uint64_t year = 0;
    for (size_t i = 0; i < 4; i++) {
        year = year * 10 + (uint64_t)(date[i] - '0');
    }
    uint64_t month = (uint64_t)(date[5] - '0') * 10 + (uint64_t)(date[6] - '0');
    uint64_t day = (uint64_t)(date[8] - '0') * 10 + (uint64_t)(date[9] - '0');
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    uint64_t past = year - 1;
    uint64_t days = past * 365 + past / 4 - past / 100 + past / 400;
    days += before_month[month - 1] + (leap && month > 2 ? 1u : 0u) + day - 1;
    const uint64_t epoch = 719162; /* days before 1970-01-01 */
    return days < epoch ? 0 : days - epoch;
}

static bool text_is_time(struct bytes text) {
    unsigned hour, minute, second;
    return text.len == TIME_SIZE && text_is_date(bytes_of(text.data, DATE_SIZE)) &&
           text.data[10] == 'T' && text.data[13] == ':' && text.data[16] == ':' &&
           text.data[19] == 'Z' && digits(text, 11, 2, &hour) && digits(text, 14, 2, &minute) &&
           digits(text, 17, 2, &second) && hour < 24 && minute < 60 && second < 60;
}

/* "YYYY-MM": a month is one that has a first day. */
static bool text_is_month(struct bytes text) {
    uint8_t day[DATE_SIZE];
    if (text.len != DATE_SIZE - 3) {
        return false;
    }
    memcpy(day, text.data, text.len);
    memcpy(day + text.len, "-01", 3);
    return text_is_date(bytes_of(day, sizeof day));
}

static bool text_is_hex(struct bytes text, size_t len) {
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.data[i]) && !(text.data[i] >= 'a' && text.data[i] <= 'f')) {
            return false;
        }
    }
    return text.len == len;
}

bool text_is_ori(struct bytes text) {
    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.data[i]) && !(text.data[i] >= 'A' && text.data[i] <= 'Z')) {
            return false;
        }
    }
    return text.len == ORI_SIZE;
}

/* --- one test per type --- */

static bool get_text(const json_t *value, struct bytes *out) {
    if (!json_is_string(value)) {
        return false;
    }
    *out = jcs_text(value);
    return true;
}

static bool test_text(struct test *t) {
    struct bytes text;
    if (!get_text(t->value, &text) || text.len < 1 || text.len > t->member->max) {
        return false;
    }
    for (size_t i = 0; i < text.len; i++) {
        if ((text.data[i] < 0x20 && text.data[i] != '\n') || text.data[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool test_title(struct test *t) {
    struct bytes text;
    return test_text(t) && get_text(t->value, &text) && memchr(text.data, '\n', text.len) == NULL;
}

static bool test_address(struct test *t) {
    static const char *const schemes[] = {"https://", "http://", "file:"};
    struct bytes text;
    size_t scheme = 0;
    if (!get_text(t->value, &text) || text.len > t->member->max) {
        return false;
    }
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        scheme = bytes_starts_with(text, schemes[i]) ? strlen(schemes[i]) : scheme;
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] <= ' ' || text.data[i] > '~') {
            return false;
        }
    }
    return scheme > 0 && text.len > scheme;
}

static bool test_token(struct test *t) {
    struct bytes text;
    return get_text(t->value, &text) && text_is_token(text, t->member->max);
}

static bool test_name(struct test *t) {
    struct bytes text;
    return get_text(t->value, &text) && text_is_issuer(text);
}

static bool test_origin(struct test *t) {
    struct bytes text;
    return get_text(t->value, &text) && note_name_valid(text);
}

static bool test_hash(struct test *t) {
    struct bytes text;
    return get_text(t->value, &text) && text_is_hex(text, HASH_HEX);
}

static bool test_handle(struct test *t) {
    struct bytes text;
    return get_text(t->value, &text) && text_is_hex(text, HANDLE_HEX);
}

static bool test_ori(struct test *t) {
    struct bytes text;
    return get_text(t->value, &text) && text_is_ori(text);
}

static bool test_date(struct test *t) {
    struct bytes text;
    return get_text(t->value, &text) && text_is_date(text);
}

static bool test_time(struct test *t) {
    struct bytes text;
    return get_text(t->value, &text) && text_is_time(text);
}

static bool test_month(struct test *t) {
    struct bytes text;
    return get_text(t->value, &text) && text_is_month(text);
}

static bool text_is_state(struct bytes text) {
    return text.len == 2 && text.data[0] >= 'A' && text.data[0] <= 'Z' && text.data[1] >= 'A' &&
           text.data[1] <= 'Z';
}

static bool test_state(struct test *t) {
    struct bytes text;
    return get_text(t->value, &text) && text_is_state(text);
}

static bool test_integer(struct test *t) {
    if (!json_is_integer(t->value)) {
        return false;
    }
    json_int_t n = json_integer_value(t->value);
    return n >= 0 && (t->member->max == 0 || n <= t->member->max);
}

static bool is_code(const struct kind_member *member, struct bytes text) {
    for (const char *const *code = member->codes; *code != NULL; code++) {
        if (bytes_equal(text, bytes_text(*code))) {
            return true;
        }
    }
    return false;
}

/* What would be accepted, for a refusal. */
static void tell_codes(struct test *t) {
    size_t used = 0;
    for (const char *const *code = t->member->codes; *code != NULL; code++) {
        int n = snprintf(t->detail.text + used, sizeof t->detail.text - used, "%s%s",
                         used > 0 ? ", " : "", *code);
        assert(n > 0);
        used += used + (size_t)n < sizeof t->detail.text ? (size_t)n : 0;
    }
}

static bool test_code(struct test *t) {
    struct bytes text;
    if (get_text(t->value, &text) && is_code(t->member, text)) {
        return true;
    }
    tell_codes(t);
    return false;
}

static bool parse_vkey(struct test *t, const json_t *value, struct vkey *out) {
    struct bytes text;
    return get_text(value, &text) && vkey_parse(text, out, &t->detail) == STATUS_OK;
}

static bool test_vkey_accused(struct test *t) {
    struct vkey key;
    return parse_vkey(t, t->value, &key);
}

static bool test_vkey(struct test *t) {
    struct vkey key;
    return parse_vkey(t, t->value, &key) && key.type == VKEY_NOTE;
}

static bool test_vkeys(struct test *t) {
    size_t count = json_array_size(t->value);
    if (!json_is_array(t->value) || count < 1 || count > t->member->max) {
        return false;
    }
    /* Few keys: parsing them again for each pair costs less than a bound on memory would. */
    for (size_t i = 0; i < count; i++) {
        struct vkey key;
        if (!parse_vkey(t, json_array_get(t->value, i), &key) || key.type != VKEY_NOTE) {
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            struct vkey before;
            bool parsed = parse_vkey(t, json_array_get(t->value, j), &before);
            assert(parsed);
            if (bytes_compare(vkey_name(&before), vkey_name(&key)) >= 0 ||
                memcmp(before.key.bytes, key.key.bytes, sizeof key.key.bytes) == 0) {
                return false;
            }
        }
    }
    return true;
}

static bool test_policy(struct test *t) {
    struct policy policy;
    struct bytes text;
    return get_text(t->value, &text) && text.len <= t->member->max &&
           policy_parse(text, &policy, &t->detail) == STATUS_OK;
}

static bool test_checkpoint(struct test *t) {
    struct checkpoint checkpoint;
    struct note note;
    struct bytes text;
    return get_text(t->value, &text) && text.len <= t->member->max &&
           checkpoint_parse(text, &note, &checkpoint, &t->detail) == STATUS_OK;
}

static bool test_operators(struct test *t) {
    json_t *object = (json_t *)(uintptr_t)t->value; /* jansson iterates over non-const only */
    if (!json_is_object(object) || json_object_size(object) == 0 ||
        json_object_size(object) > POLICY_WITNESSES_MAX) {
        return false;
    }
    for (void *i = json_object_iter(object); i != NULL; i = json_object_iter_next(object, i)) {
        struct bytes text;
        if (!get_text(json_object_iter_value(i), &text) || !text_is_token(text, t->member->max)) {
            return false;
        }
    }
    return true;
}

/* Are they strings in strictly ascending order? So that one set has one spelling. */
static bool is_ascending(const json_t *array) {
    struct bytes last = {NULL, 0};
    for (size_t i = 0; i < json_array_size(array); i++) {
        struct bytes text;
        if (!get_text(json_array_get(array, i), &text) ||
            (i > 0 && bytes_compare(last, text) >= 0)) {
            return false;
        }
        last = text;
    }
    return json_is_array(array);
}

static bool test_sorted(struct test *t, size_t min, bool (*accepts)(struct bytes text)) {
    size_t count = json_array_size(t->value);
    if (!is_ascending(t->value) || count < min || count > t->member->max) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!accepts(jcs_text(json_array_get(t->value, i)))) {
            return false;
        }
    }
    return true;
}

static bool test_oris(struct test *t) {
    return test_sorted(t, 0, text_is_ori);
}

static bool test_some_oris(struct test *t) {
    return test_sorted(t, 1, text_is_ori);
}

static bool test_states(struct test *t) {
    return test_sorted(t, 1, text_is_state);
}

/* Each once, so that there are no more than codes. */
static bool test_codes(struct test *t) {
    bool good = is_ascending(t->value) && json_array_size(t->value) > 0;
    for (size_t i = 0; good && i < json_array_size(t->value); i++) {
        good = is_code(t->member, jcs_text(json_array_get(t->value, i)));
    }
    if (!good) {
        tell_codes(t);
    }
    return good;
}

static bool is_short_token(struct bytes text) {
    return text_is_token(text, TOKENS_EACH_MAX);
}

static bool test_tokens(struct test *t) {
    return test_sorted(t, 1, is_short_token);
}

static bool is_kind(struct bytes text) {
    return kind_find((const char *)text.data, text.len) != NULL;
}

static bool test_kinds(struct test *t) {
    struct bytes text;
    if (json_array_size(t->value) == 1 && get_text(json_array_get(t->value, 0), &text) &&
        bytes_equal(text, bytes_text("*"))) {
        return true;
    }
    return test_sorted(t, 1, is_kind);
}

static bool test_hashes(struct test *t) {
    size_t count = json_array_size(t->value);
    if (!json_is_array(t->value) || count > t->member->max) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct bytes text;
        if (!get_text(json_array_get(t->value, i), &text) || !text_is_hex(text, HASH_HEX)) {
            return false;
        }
    }
    return true;
}

static bool test_any(struct test *t) {
    (void)t;
    return true; /* that it has a canonical form was jcs_parse's work */
}

static bool is_measure_number(const json_t *value) {
    return json_is_integer(value) && json_integer_value(value) >= 1 &&
           json_integer_value(value) <= MEASURE_NUMBER_MAX;
}

/* {"code": ...} and exactly the numbers that go with the code. */
static bool is_measure(const json_t *measure, const struct kind_discipline **out) {
    struct bytes code;
    const struct kind_discipline *row = kind_disciplines;
    if (!json_is_object(measure) || !get_text(json_object_get(measure, "code"), &code)) {
        return false;
    }
    while (row->code != NULL && !bytes_equal(code, bytes_text(row->code))) {
        row++;
    }
    if (row->code == NULL) {
        return false;
    }
    const json_t *days = json_object_get(measure, "days");
    const json_t *months = json_object_get(measure, "months");
    const json_t *paid = json_object_get(measure, "paid");
    const json_t *number = days != NULL ? days : months;
    /* As many members as the row has, and each of those there: so no other. */
    if (json_object_size(measure) != (size_t)1 + row->term + row->paid) {
        return false;
    }
    *out = row;
    return (!row->term || is_measure_number(number)) && (!row->paid || json_is_boolean(paid));
}

static bool test_discipline(struct test *t) {
    size_t count = json_array_size(t->value);
    if (!json_is_array(t->value) || count < 1 || count > t->member->max) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct kind_discipline *row;
        if (!is_measure(json_array_get(t->value, i), &row)) {
            return false;
        }
        if (row == &kind_disciplines[0] && count > 1) {
            return false; /* none, and another */
        }
    }
    return true;
}

static bool test_evidence(struct test *t) {
    uint8_t file[EVENT_SIZE_MAX];
    size_t len;
    struct bytes text;
    return get_text(t->value, &text) && text.len <= t->member->max &&
           base64_decode((const char *)text.data, text.len, file, sizeof file, &len) &&
           bytes_starts_with(bytes_of(file, len), EVIDENCE_PREFIX);
}

static bool test_event(struct test *t) {
    struct bytes id, issuer, log;
    const json_t *seq = json_object_get(t->value, "seq");
    return json_is_object(t->value) && json_object_size(t->value) == 4 &&
           get_text(json_object_get(t->value, "id"), &id) && text_is_hex(id, HASH_HEX) &&
           get_text(json_object_get(t->value, "issuer"), &issuer) && text_is_issuer(issuer) &&
           get_text(json_object_get(t->value, "log"), &log) && note_name_valid(log) &&
           json_is_integer(seq) && json_integer_value(seq) >= 1;
}

static const struct {
    bool (*test)(struct test *t);
    const char *accepts;
} types[MEMBER_TYPE_COUNT] = {
    [MEMBER_TEXT] = {test_text, "a text without control characters but \\n, in bytes"},
    [MEMBER_TOKEN] = {test_token, "characters of a-z 0-9 . _ -"},
    [MEMBER_NAME] = {test_name, "a key name: a-z 0-9 . _ - in parts joined by /"},
    [MEMBER_ORIGIN] = {test_origin, "an origin: a key name as in signed notes"},
    [MEMBER_HASH] = {test_hash, "64 lowercase hex characters"},
    [MEMBER_HANDLE] = {test_handle, "32 lowercase hex characters"},
    [MEMBER_ORI] = {test_ori, "an ORI: 9 characters of A-Z 0-9"},
    [MEMBER_DATE] = {test_date, "a day as YYYY-MM-DD, from 1900 on"},
    [MEMBER_TIME] = {test_time, "a time in UTC as YYYY-MM-DDThh:mm:ssZ"},
    [MEMBER_INTEGER] = {test_integer, "an integer from 0 to 2^53 - 1"},
    [MEMBER_CODE] = {test_code, "one of"},
    [MEMBER_VKEY] = {test_vkey, "a verifier key of type 0x01"},
    [MEMBER_VKEY_ACCUSED] = {test_vkey_accused, "a verifier key of type 0x01 or 0x04"},
    [MEMBER_VKEYS] = {test_vkeys,
                      "verifier keys of type 0x01, sorted by name, each name and public key once"},
    [MEMBER_POLICY] = {test_policy, "a tlog-policy text, in bytes"},
    [MEMBER_OPERATORS] = {test_operators,
                          "an object of witness names, each with its operator, in characters of "
                          "a-z 0-9 . _ -"},
    [MEMBER_ORIS] = {test_oris, "an array of ORIs, sorted, each once"},
    [MEMBER_SOME_ORIS] = {test_some_oris, "an array of one or more ORIs, sorted, each once"},
    [MEMBER_STATES] = {test_states,
                       "an array of one or more states, sorted, each once: two letters of A-Z"},
    [MEMBER_CODES] = {test_codes, "an array of one or more, sorted, each once, of"},
    [MEMBER_KINDS] = {test_kinds, "an array of kinds, sorted, each once, or [\"*\"]"},
    [MEMBER_SALT] = {test_hash, "64 lowercase hex characters"},
    [MEMBER_HASHES] = {test_hashes, "an array of hashes, each 64 lowercase hex characters"},
    [MEMBER_ANY] = {test_any, "any value"},
    [MEMBER_DISCIPLINE] = {test_discipline,
                           "an array of {\"code\"}; with days or months for leave_forfeit, "
                           "suspension (and paid), probation; none alone"},
    [MEMBER_EVIDENCE] = {test_evidence, "an evidence file in base64, in characters"},
    [MEMBER_CHECKPOINT] = {test_checkpoint, "a signed checkpoint, in bytes"},
    [MEMBER_EVENT] = {test_event, "an event as {\"id\",\"issuer\",\"log\",\"seq\"}"},
    [MEMBER_TITLE] = {test_title, "one line of text without control characters, in bytes"},
    [MEMBER_ADDRESS] = {test_address,
                        "an address: https://, http:// or file: and what follows, in printable "
                        "ASCII without spaces"},
    [MEMBER_MONTH] = {test_month, "a month as YYYY-MM, from 1900-01 on"},
    [MEMBER_STATE] = {test_state, "a state as two letters of A-Z, or US"},
    [MEMBER_TOKENS] = {test_tokens, "an array of tokens, sorted, each once: a-z 0-9 . _ -"},
};

const char *member_accepts(enum member_type type) {
    assert(type < sizeof types / sizeof types[0]);
    return types[type].accepts;
}

enum status member_check(const struct kind_member *member, const json_t *value,
                         struct refusal *why) {
    struct test t;
    char max[32] = "";
    assert(member->type < sizeof types / sizeof types[0]);
    t.member = member;
    t.value = value;
    t.detail.text[0] = '\0';
    if (types[member->type].test(&t)) {
        return STATUS_OK;
    }
    if (member->max > 0) {
        snprintf(max, sizeof max, ", at most %u", (unsigned)member->max);
    }
    return refuse(why, STATUS_BAD_MEMBER, "%s must be %s%s%s%.120s", member->name,
                  types[member->type].accepts, max, t.detail.text[0] != '\0' ? ": " : "",
                  t.detail.text);
}
