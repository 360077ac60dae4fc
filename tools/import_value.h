/* Reading what a source's cells say (specs/import.md#values): days in the spellings that lists
 * have, and values by patterns, some with a number in them. Pure; no cell is ever guessed at: what
 * is not in a named spelling is no day. */
#ifndef DUTYLOG_TOOLS_IMPORT_VALUE_H
#define DUTYLOG_TOOLS_IMPORT_VALUE_H

#include "ledger/bytes.h"

/* Spellings of a day, as bits: a column may have several. */
enum import_dates {
    IMPORT_DATE_ISO = 1,     /* 2020-05-30, or that with a time of day after it */
    IMPORT_DATE_MDY = 2,     /* 5/30/2020, 05-30-2020 */
    IMPORT_DATE_DMY = 4,     /* 30/5/2020, 30.05.2020 */
    IMPORT_DATE_SERIAL = 8,  /* a spreadsheet's count of days, 1899-12-30 being 0: from 61 on */
    IMPORT_DATE_WITHIN = 16, /* the only such text within another: "REINSTATED, 05/18/2023" */
};
#define IMPORT_DAY_SIZE 10

/* "iso", "m/d/y", "d/m/y", "serial", "within"; 0: none of these. */
unsigned import_date_spelling(struct bytes name);
/* The day as YYYY-MM-DD. BAD_FORM: in none of the spellings, no day of the calendar, or before
 * 1900; `why` says which. */
enum status import_date(struct bytes cell, unsigned spellings, char out[static IMPORT_DAY_SIZE + 1],
                        struct refusal *why) MUST_USE;
/* The day so many days after 1970-01-01, for any up to the year 9999. */
void import_day_of(int64_t days, char out[static IMPORT_DAY_SIZE + 1]);

/* Does the text fit the pattern? In it, `#` stands for a run of one to six digits, `*` at its end
 * for whatever follows. `number`: what the last `#` stood for; untouched without one. */
bool import_fits(struct bytes pattern, struct bytes text, uint64_t *number);

/* The next of the items in a list, trimmed; of measures, commas within parentheses separate
 * nothing. False at its end; `rest` starts as the whole. */
bool import_next_item(struct bytes *rest, uint8_t separator, struct bytes *item);

/* Text as a member may have it: control characters but newline become blanks, blanks at both ends
 * of the text go. Writes at most raw.len bytes. */
struct bytes import_text(struct bytes raw, uint8_t *memory);

#endif
