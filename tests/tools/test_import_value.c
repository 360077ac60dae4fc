/* Reading an import's cells: days in every spelling and out of it, patterns with numbers, items. */
#include "tools/import_value.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const char *day(const char *cell, unsigned spellings) {
    static char out[IMPORT_DAY_SIZE + 1];
    struct refusal why = {.text = ""};
    enum status status = import_date(bytes_text(cell), spellings, out, &why);
    cr_expect(status == STATUS_OK || why.text[0] != '\0');
    return status == STATUS_OK ? out : "-";
}

Test(import_value, days_as_they_are_spelt) {
    cr_expect_str_eq(day("2020-05-30", IMPORT_DATE_ISO), "2020-05-30");
    cr_expect_str_eq(day("2020-05-30 00:00:00", IMPORT_DATE_ISO), "2020-05-30");
    cr_expect_str_eq(day("2020-05-30T13:00:00Z", IMPORT_DATE_ISO), "2020-05-30");
    cr_expect_str_eq(day("5/3/2020", IMPORT_DATE_MDY), "2020-05-03");
    cr_expect_str_eq(day("05-30-2020", IMPORT_DATE_MDY), "2020-05-30");
    cr_expect_str_eq(day("30.5.2020", IMPORT_DATE_DMY), "2020-05-30");
    cr_expect_str_eq(day("5/3/2020", IMPORT_DATE_MDY | IMPORT_DATE_ISO), "2020-05-03");
    cr_expect_str_eq(day("2020-02-29", IMPORT_DATE_ISO), "2020-02-29");
    cr_expect_str_eq(day("2021-02-29", IMPORT_DATE_ISO), "-");
    cr_expect_str_eq(day("13/1/2020", IMPORT_DATE_MDY), "-");
    cr_expect_str_eq(day("10/04/0222", IMPORT_DATE_MDY), "-");
    cr_expect_str_eq(day("11/02/20217", IMPORT_DATE_MDY), "-");
    cr_expect_str_eq(day("5/3-2020", IMPORT_DATE_MDY), "-");
    cr_expect_str_eq(day("5/3/20", IMPORT_DATE_MDY), "-");
    cr_expect_str_eq(day("2020-05-30x", IMPORT_DATE_ISO), "-");
    cr_expect_str_eq(day("5/3/2020", IMPORT_DATE_ISO), "-");
    cr_expect_str_eq(day("", IMPORT_DATE_ISO | IMPORT_DATE_SERIAL | IMPORT_DATE_WITHIN), "-");
    cr_expect_str_eq(day("N/A", IMPORT_DATE_MDY | IMPORT_DATE_WITHIN), "-");
}

Test(import_value, days_by_a_spreadsheets_count) {
    cr_expect_str_eq(day("44200", IMPORT_DATE_SERIAL), "2021-01-04");
    cr_expect_str_eq(day("44200.0", IMPORT_DATE_SERIAL), "2021-01-04");
    cr_expect_str_eq(day("36280", IMPORT_DATE_SERIAL), "1999-04-30");
    cr_expect_str_eq(day("61", IMPORT_DATE_SERIAL), "1900-03-01");
    cr_expect_str_eq(day("60", IMPORT_DATE_SERIAL), "-"); /* a day that never was */
    cr_expect_str_eq(day("2958465", IMPORT_DATE_SERIAL), "9999-12-31");
    cr_expect_str_eq(day("2958466", IMPORT_DATE_SERIAL), "-");
    cr_expect_str_eq(day("44200.5", IMPORT_DATE_SERIAL), "-");
    cr_expect_str_eq(day("44200", IMPORT_DATE_ISO), "-");
}

Test(import_value, days_within_text) {
    unsigned within = IMPORT_DATE_MDY | IMPORT_DATE_WITHIN;
    cr_expect_str_eq(day("REINSTATED, 05/18/2023", within), "2023-05-18");
    cr_expect_str_eq(day("Reinstated 07-23-2021", within), "2021-07-23");
    cr_expect_str_eq(day("5/18/2023 and again 05/18/2023", within), "2023-05-18");
    cr_expect_str_eq(day("5/18/2023 or 5/19/2023", within), "-");
    cr_expect_str_eq(day("Va. Code 18.2-57.2", within), "-");
    cr_expect_str_eq(day("no. 15/18/2023", within), "-"); /* read, and no day */
    cr_expect_str_eq(day("1115/18/2023", within), "-");
    cr_expect_str_eq(day("REINSTATED, 05/18/2023", IMPORT_DATE_MDY), "-");
}

Test(import_value, days_are_those_of_the_calendar) {
    char out[IMPORT_DAY_SIZE + 1];
    unsigned month = 1, d = 1, year = 1900;
    static const unsigned lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    for (int64_t n = -25567; year < 2101; n++) { /* 1900-01-01 on */
        char want[32];
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        import_day_of(n, out);
        snprintf(want, sizeof want, "%04u-%02u-%02u", year, month, d);
        cr_assert_str_eq(out, want);
        if (++d > lengths[month - 1] + (month == 2 && leap ? 1 : 0)) {
            d = 1;
            month = month == 12 ? 1 : month + 1;
            year += month == 1;
        }
    }
}

static int fits(const char *pattern, const char *text) {
    uint64_t number = 7777;
    return import_fits(bytes_text(pattern), bytes_text(text), &number) ? (int)number : -1;
}

Test(import_value, patterns) {
    cr_expect_eq(fits("VACATION DAYS (# DAY(S) )", "VACATION DAYS (30 DAY(S) )"), 30);
    cr_expect_eq(fits("# - # SUSPENSION", "010 - 10 SUSPENSION"), 10);
    cr_expect_eq(fits("# - # SUSPENSION", "010 - 10 DAY SUSPENSION"), -1);
    cr_expect_eq(fits("SUSPENSION", "SUSPENSION"), 7777);
    cr_expect_eq(fits("SUSPENSION", "SUSPENSIONS"), -1);
    cr_expect_eq(fits("SUSPENSIONS", "SUSPENSION"), -1);
    cr_expect_eq(fits("FIREARM DISCHARGE-*", "FIREARM DISCHARGE-FATAL"), 7777);
    cr_expect_eq(fits("FIREARM DISCHARGE-*", "FIREARM DISCHARGE"), -1);
    cr_expect_eq(fits("A*B", "A*B"), 7777); /* only at the end */
    cr_expect_eq(fits("#", "1234567"), -1);
    cr_expect_eq(fits("#", ""), -1);
    cr_expect_eq(fits("", ""), 7777);
}

static void expect_items(const char *list, uint8_t separator, const char *want) {
    char all[512] = "";
    size_t used = 0;
    struct bytes rest = bytes_text(list);
    struct bytes item;
    while (import_next_item(&rest, separator, &item)) {
        used += (size_t)snprintf(all + used, sizeof all - used, "<%.*s>", (int)item.len,
                                 (const char *)item.data);
    }
    cr_expect_str_eq(all, want);
}

Test(import_value, items) {
    expect_items("A | B|C", '|', "<A><B><C>");
    expect_items("VACATION DAYS (3, OR 4), TRAINING", ',', "<VACATION DAYS (3, OR 4)><TRAINING>");
    expect_items("RESTITUTION ($1,105)", ',', "<RESTITUTION ($1,105)>");
    expect_items("A), B", ',', "<A)><B>");
    expect_items("(A, B", ',', "<(A, B>");
    expect_items("", ',', "<>");
    expect_items("A,", ',', "<A><>");
}

static void expect_text(const char *raw, const char *want) {
    uint8_t memory[256];
    struct bytes text = import_text(bytes_text(raw), memory);
    cr_expect(bytes_equal(text, bytes_text(want)), "'%s'", raw);
}

Test(import_value, text) {
    expect_text("  a\r\nb\tc\x7f ", "a\nb c");
    expect_text("\r\n", "");
    expect_text("a\rb", "a b");
    expect_text("caf\xc3\xa9", "caf\xc3\xa9");
}
