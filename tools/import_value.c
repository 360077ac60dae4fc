#include "tools/import_value.h"

#include "ledger/member.h"

#include <stdio.h>
#include <string.h>

#define EPOCH_SERIAL 25569 /* the serial of 1970-01-01 */
#define SERIAL_MAX 2958465 /* of 9999-12-31 */
/* Spreadsheets count a 29 February 1900 that never was: below it, they disagree about the day. */
#define SERIAL_MIN 61

unsigned import_date_spelling(struct bytes name) {
    static const struct {
        const char *name;
        unsigned bit;
    } spellings[] = {
        {"iso", IMPORT_DATE_ISO},       {"m/d/y", IMPORT_DATE_MDY},     {"d/m/y", IMPORT_DATE_DMY},
        {"serial", IMPORT_DATE_SERIAL}, {"within", IMPORT_DATE_WITHIN},
    };
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        if (bytes_equal(name, bytes_text(spellings[i].name))) {
            return spellings[i].bit;
        }
    }
    return 0;
}

static bool is_digit(uint8_t c) {
    return c >= '0' && c <= '9';
}

/* A run of digits at the front, `min` to `max` of them, and none more. */
static bool take_number(struct bytes *rest, size_t min, size_t max, unsigned *out) {
    size_t len = 0;
    unsigned value = 0;
    while (len < rest->len && is_digit(rest->data[len]) && len <= max) {
        value = value * 10 + (rest->data[len++] - (unsigned)'0');
    }
    if (len < min || len > max) {
        return false;
    }
    *rest = bytes_of(rest->data + len, rest->len - len);
    *out = value;
    return true;
}

static bool take_byte(struct bytes *rest, uint8_t c) {
    if (rest->len == 0 || rest->data[0] != c) {
        return false;
    }
    *rest = bytes_of(rest->data + 1, rest->len - 1);
    return true;
}

/* --- days --- */

static void put_day(unsigned year, unsigned month, unsigned day,
                    char out[static IMPORT_DAY_SIZE + 1]) {
    /* Each has at most four digits, or two. */
    for (unsigned i = 0, n = year; i < 4; i++, n /= 10) {
        out[3 - i] = (char)('0' + n % 10);
    }
    out[4] = '-';
    out[5] = (char)('0' + month / 10 % 10);
    out[6] = (char)('0' + month % 10);
    out[7] = '-';
    out[8] = (char)('0' + day / 10 % 10);
    out[9] = (char)('0' + day % 10);
    out[IMPORT_DAY_SIZE] = '\0';
}

/* Howard Hinnant's civil_from_days: years counted from March, in eras of 400. */
void import_day_of(int64_t days, char out[static IMPORT_DAY_SIZE + 1]) {
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    uint64_t of_era = (uint64_t)(z - era * 146097);
    uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    uint64_t month = (5 * of_year + 2) / 153;
    uint64_t day = of_year - (153 * month + 2) / 5 + 1;
    month = month < 10 ? month + 3 : month - 9;
    int64_t y = (int64_t)year + era * 400 + (month <= 2 ? 1 : 0);
    put_day((unsigned)y, (unsigned)month, (unsigned)day, out);
}

/* What follows a day in the same cell: nothing, or a time of day. */
static bool is_time_of_day(struct bytes rest) {
    if (rest.len == 0) {
        return true;
    }
    if (rest.data[0] != ' ' && rest.data[0] != 'T' && rest.data[0] != 't') {
        return false;
    }
    for (size_t i = 1; i < rest.len; i++) {
        if (!is_digit(rest.data[i]) && memchr(":.+-Zz", rest.data[i], 6) == NULL) {
            return false;
        }
    }
    return rest.len >= 6;
}

static bool take_iso(struct bytes *rest, char out[static IMPORT_DAY_SIZE + 1]) {
    unsigned year, month, day;
    if (!take_number(rest, 4, 4, &year) || !take_byte(rest, '-') ||
        !take_number(rest, 2, 2, &month) || !take_byte(rest, '-') ||
        !take_number(rest, 2, 2, &day)) {
        return false;
    }
    put_day(year, month, day, out);
    return true;
}

static bool take_slashed(struct bytes *rest, bool month_first,
                         char out[static IMPORT_DAY_SIZE + 1]) {
    unsigned first, second, year;
    if (!take_number(rest, 1, 2, &first) || rest->len == 0) {
        return false;
    }
    uint8_t separator = rest->data[0];
    if ((separator != '/' && separator != '-' && separator != '.') || !take_byte(rest, separator) ||
        !take_number(rest, 1, 2, &second) || !take_byte(rest, separator) ||
        !take_number(rest, 4, 4, &year)) {
        return false;
    }
    put_day(year, month_first ? first : second, month_first ? second : first, out);
    return true;
}

static bool take_day(struct bytes *rest, unsigned spellings, char out[static IMPORT_DAY_SIZE + 1]) {
    struct bytes start = *rest;
    if ((spellings & IMPORT_DATE_ISO) != 0 && take_iso(rest, out)) {
        return true;
    }
    *rest = start;
    if ((spellings & IMPORT_DATE_MDY) != 0 && take_slashed(rest, true, out)) {
        return true;
    }
    *rest = start;
    return (spellings & IMPORT_DATE_DMY) != 0 && take_slashed(rest, false, out);
}

/* "43217", or "43217.0" as a table of numbers writes it. */
static bool read_serial(struct bytes cell, char out[static IMPORT_DAY_SIZE + 1]) {
    unsigned serial = 0;
    struct bytes rest = cell;
    if (!take_number(&rest, 2, 7, &serial) ||
        (rest.len > 0 && !bytes_equal(rest, bytes_text(".0"))) || serial < SERIAL_MIN ||
        serial > SERIAL_MAX) {
        return false;
    }
    import_day_of((int64_t)serial - EPOCH_SERIAL, out);
    return true;
}

/* The one day within the text; false if there is none, or several that differ. */
static bool find_within(struct bytes cell, unsigned spellings,
                        char out[static IMPORT_DAY_SIZE + 1]) {
    bool found = false;
    for (size_t i = 0; i < cell.len; i++) {
        char day[IMPORT_DAY_SIZE + 1];
        struct bytes rest = bytes_of(cell.data + i, cell.len - i);
        if ((i > 0 && is_digit(cell.data[i - 1])) || !is_digit(cell.data[i]) ||
            !take_day(&rest, spellings, day)) {
            continue;
        }
        if (found && memcmp(day, out, sizeof day) != 0) {
            return false;
        }
        memcpy(out, day, sizeof day);
        found = true;
        i += cell.len - i - rest.len - 1;
    }
    return found;
}

enum status import_date(struct bytes cell, unsigned spellings, char out[static IMPORT_DAY_SIZE + 1],
                        struct refusal *why) {
    char day[IMPORT_DAY_SIZE + 1] = "";
    struct bytes rest = cell;
    bool read = (take_day(&rest, spellings, day) && is_time_of_day(rest)) ||
                ((spellings & IMPORT_DATE_SERIAL) != 0 && read_serial(cell, day)) ||
                ((spellings & IMPORT_DATE_WITHIN) != 0 && find_within(cell, spellings, day));
    if (!read) {
        return refuse(why, STATUS_BAD_FORM, "not a date as the mapping says they are spelt");
    }
    if (!text_is_date(bytes_text(day))) {
        return refuse(why, STATUS_BAD_FORM, "%s is no day of the calendar, or before 1900", day);
    }
    memcpy(out, day, sizeof day);
    return STATUS_OK;
}

/* --- patterns --- */

bool import_fits(struct bytes pattern, struct bytes text, uint64_t *number) {
    uint64_t found = 0;
    bool any = false;
    for (size_t i = 0; i < pattern.len; i++) {
        uint8_t c = pattern.data[i];
        if (c == '*' && i + 1 == pattern.len) {
            text.len = 0;
            break;
        }
        if (c == '#') {
            unsigned value = 0;
            if (!take_number(&text, 1, 6, &value)) {
                return false;
            }
            found = value;
            any = true;
        } else if (!take_byte(&text, c)) {
            return false;
        }
    }
    if (any && text.len == 0) {
        *number = found;
    }
    return text.len == 0;
}

static struct bytes trim(struct bytes b) {
    while (b.len > 0 && b.data[0] <= ' ') {
        b = bytes_of(b.data + 1, b.len - 1);
    }
    while (b.len > 0 && b.data[b.len - 1] <= ' ') {
        b.len--;
    }
    return b;
}

bool import_next_item(struct bytes *rest, uint8_t separator, struct bytes *item) {
    size_t depth = 0;
    size_t i = 0;
    if (rest->data == NULL) {
        return false;
    }
    for (; i < rest->len; i++) {
        uint8_t c = rest->data[i];
        if (c == separator && depth == 0) {
            break;
        }
        depth += c == '(' && separator == ',';
        depth -= c == ')' && separator == ',' && depth > 0;
    }
    *item = trim(bytes_of(rest->data, i));
    *rest = i < rest->len ? bytes_of(rest->data + i + 1, rest->len - i - 1) : bytes_of(NULL, 0);
    return true;
}

struct bytes import_text(struct bytes raw, uint8_t *memory) {
    size_t len = 0;
    for (size_t i = 0; i < raw.len; i++) {
        uint8_t c = raw.data[i];
        if (c == '\r' && i + 1 < raw.len && raw.data[i + 1] == '\n') {
            continue;
        }
        memory[len++] = (c < ' ' && c != '\n') || c == 0x7f ? ' ' : c;
    }
    return trim(bytes_of(memory, len));
}
