/* `dutylog verify RECEIPT --by RECOGNITION.receipt...`: whose recognition a receipt's log has. */
#ifndef DUTYLOG_TOOLS_VERIFY_BY_H
#define DUTYLOG_TOOLS_VERIFY_BY_H

#include "ledger/verify_chain.h"

#include <jansson.h>
#include <stdio.h>

/* Reads the files and verifies the chain from `log` up to `trust`. The statuses of file_read and
 * verify_chain. */
enum status verify_by(struct verifier *verifier, const struct verify_subject *subject,
                      const char *const *paths, size_t count, const struct verify_trust *trust,
                      struct verify_chain *out, struct refusal *why) MUST_USE;
/* In words, after what was said of the receipt; and as an array. */
void verify_by_print(FILE *out, const struct verify_chain *chain, const char *origin,
                     const struct verify_trust *trust);
json_t *verify_by_json(const struct verify_chain *chain); /* returns-owned, or NULL */

#endif
