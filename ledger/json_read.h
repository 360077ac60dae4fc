/* Reads JSON that is in its canonical form in one pass; shared by json.c and its tests, and by
 * nobody else. An event's JSON nearly always is, and then neither a general parser nor writing it
 * again to compare is needed: that was a fifth of the time that an event takes. */
#ifndef DUTYLOG_LEDGER_JSON_READ_H
#define DUTYLOG_LEDGER_JSON_READ_H

#include "ledger/json.h"

/* The value, owned by the caller, if `text` is the canonical form of one as ledger/json.h has it.
 * NULL: it is not, or there is no memory: json.c finds out what is wrong. */
json_t *jcs_read_canonical(struct bytes text) MUST_USE;

#endif
