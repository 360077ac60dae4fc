/* What `dutylog verify` says: in words for people, or as one JSON object for programs. */
#ifndef DUTYLOG_TOOLS_VERIFY_PRINT_H
#define DUTYLOG_TOOLS_VERIFY_PRINT_H

#include "ledger/verify.h"

#include <stdio.h>

void verify_print_words(FILE *out, const struct verify_report *report,
                        const struct verify_trust *trust);
void verify_print_json(FILE *out, const struct verify_report *report);

#endif
