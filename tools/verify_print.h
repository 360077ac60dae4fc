/* What `dutylog verify` says: in words for people, or as one JSON object for programs. */
#ifndef DUTYLOG_TOOLS_VERIFY_PRINT_H
#define DUTYLOG_TOOLS_VERIFY_PRINT_H

#include "ledger/absence.h"
#include "tools/verify_by.h"
#include "tools/verify_read.h"

#include <stdio.h>

/* `read` NULL: the log was not read. */
void verify_print_words(FILE *out, const struct verify_report *report,
                        const struct verify_trust *trust, const struct verify_read *read);
/* `chain` NULL: none was given; `read` as above. */
void verify_print_json(FILE *out, const struct verify_report *report,
                       const struct verify_chain *chain, const struct verify_read *read);

/* The same of an absence file: only if it was verified; and as JSON, whatever the status. */
void verify_print_absence(FILE *out, const struct absence *absence,
                          const struct absence_report *report, const struct verify_trust *trust);
void verify_print_absence_json(FILE *out, const struct absence *absence,
                               const struct absence_report *report, enum status status);

#endif
