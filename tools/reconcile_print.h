/* What a comparison found, for people, spreadsheets and programs. */
#ifndef DUTYLOG_TOOLS_RECONCILE_PRINT_H
#define DUTYLOG_TOOLS_RECONCILE_PRINT_H

#include "tools/reconcile.h"

#include <stdio.h>

/* How many rows came to which end. */
struct tally {
    size_t counts[FATE_COUNT];
    size_t absent[SERVING_COUNT]; /* of the absent ones, by their officers */
};
void tally_add(struct tally *tally, const struct reconciled *row);
/* Aligned lines; `same`: with the rows that are the same; `roster`: absent rows told apart. */
void tally_print(FILE *out, const struct tally *tally, bool same, bool roster);
/* {"absent":{...},"changed":{...},"new":n} and "same" if asked; a new reference, or NULL. */
json_t *tally_json(const struct tally *tally, bool same);

/* A row in lines: its fate and key, what it said, what it says. */
void reconciled_print(FILE *out, const struct reconciled *row);
/* {"fate","key","old","new","officer"}; a new reference, or NULL. */
json_t *reconciled_json(const struct reconciled *row);
/* CSV: the fate, the officer, the key cells, then the other cells as they were and as they are.
 * `of`: a list with the labels of these cells. */
void reconciled_print_csv_header(FILE *out, const struct rows *of);
void reconciled_print_csv(FILE *out, const struct rows *of, const struct reconciled *row);

#endif
