/* Writing absence files (specs/lists.md#absence) from two lists and the receipts of their events.
 */
#ifndef DUTYLOG_TOOLS_PROVE_H
#define DUTYLOG_TOOLS_PROVE_H

#include "tools/rows.h"

/* Writes `out`, never over an existing file: that `row`, a leaf of `a`, has no row of its key in
 * `b`. BAD_MEMBER: a row of its key is in `b`; a receipt is not of this list's event, or the first
 * was not observed before the second. NOT_FOUND, IO: a receipt cannot be read. CONFLICT_USED: the
 * file is there. The receipts are not verified: who reads the file does that, by his own trust. */
enum status prove_absence(const struct rows *a, const struct rows *b, struct bytes row,
                          const char *const receipts[2], const char *out,
                          struct refusal *why) MUST_USE;

#endif
