/* JSON in the one form that is signed (specs/event.md#json): RFC 8785 (JCS) without the numbers
 * that need floating point. One value has one spelling, so equal values are equal bytes and what
 * parses writes back as it was.
 *
 *   - no white space; names in bytewise order, none twice, each of 1 to JCS_NAME_MAX characters of
 *     [A-Za-z0-9._-] (so that bytewise order is RFC 8785's order of UTF-16 units);
 *   - numbers are integers n with |n| <= JCS_INTEGER_MAX, decimal, no leading zero, no -0;
 *   - strings are UTF-8 without U+0000; escaped are only \" \\ \b \t \n \f \r and other characters
 *     below U+0020 as \u00xx, lowercase hex;
 *   - true and false, but no null: what has no value is left out;
 *   - at most EVENT_JSON_DEPTH_MAX arrays and objects inside each other, EVENT_MEMBERS_MAX members
 * in an object, EVENT_SIZE_MAX bytes in all.
 *
 * What is canonical is read in one pass of our own (json_read.h) into jansson's values; all else is
 * parsed by jansson and written again, to say what is wrong with it. Both allocate. Thread-safe. */
#ifndef DUTYLOG_LEDGER_JSON_H
#define DUTYLOG_LEDGER_JSON_H

#include "ledger/bytes.h"
#include "ledger/limits.h"

#include <jansson.h>

#define JCS_INTEGER_MAX (((int64_t)1 << 53) - 1)
#define JCS_NAME_MAX 64

/* Parses any JSON value that is in its canonical form. The caller owns `*out` (json_decref).
 * BAD_FORM: not JSON, a name twice, or outside the limits above; BAD_CANONICAL: another spelling,
 * with the byte where it differs; TOO_LARGE. */
enum status jcs_parse(struct bytes text, json_t **out, struct refusal *why) MUST_USE;
/* Writes a value in its canonical form, whatever the order of its members in memory. BAD_FORM or
 * BAD_CANONICAL: it has none; TOO_LARGE: it does not fit. On failure what was written is taken
 * back. */
enum status jcs_write(struct writer *w, const json_t *value, struct refusal *why) MUST_USE;
/* Writes one string with its quotes. `text` is UTF-8. */
void jcs_write_text(struct writer *w, struct bytes text);

/* The bytes of a JSON string; borrowed. */
struct bytes jcs_text(const json_t *string);

#endif
