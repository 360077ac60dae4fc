/* Printing text that others wrote: on a terminal it must not steer it, in a spreadsheet not run. */
#ifndef DUTYLOG_TOOLS_TEXT_PRINT_H
#define DUTYLOG_TOOLS_TEXT_PRINT_H

#include "ledger/bytes.h"

#include <stdio.h>

/* Prints UTF-8 with a '?' in place of each control character (C0, DEL, C1) and of each that turns
 * the direction of writing (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069). */
void text_print(FILE *out, struct bytes text);
/* Prints a cell of a CSV file in quotes. One that a spreadsheet would take for a formula (it begins
 * with = + - @, a tab or a carriage return) gets an apostrophe in front. */
void text_print_csv(FILE *out, struct bytes text);

#endif
