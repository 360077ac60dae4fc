/* What law keeps closed, by state (specs/kinds.md#law): rows of the kinds table beside those of the
 * kinds. The state is the first two letters of the event's ORI. A row closes an open member, which
 * then goes into the body, or the whole event, which then is of kind `closed` with its true kind in
 * the body. Rows are numbered by the table that brought them, so that no event is judged by later
 * law: the log's table in force says which rows count. Only law whose text was read is here: a
 * state without a row is not one without law. */
#ifndef DUTYLOG_LEDGER_LAW_H
#define DUTYLOG_LEDGER_LAW_H

#include "ledger/event.h"

struct law_row {
    char state[3];
    enum kind_id kind;
    const char *member; /* that must be closed; NULL: the whole event */
    const char *unless; /* a member that opens it where it has the value below; NULL: none */
    const char *value;  /* of a member of type code */
    uint32_t table;     /* that brought the row */
    const char *citation;
    const char *says; /* what the law closes, in a few words */
};

/* Rows one by one; NULL after the last. Static. */
const struct law_row *law_at(size_t i);
/* Does the row close something that the event has open? */
bool law_forbids(const struct law_row *row, const struct event *event);
/* The row that closes this one member of an event of the kind that has, or will have, these other
 * open members; `open` NULL: in whatever state. Of all tables. NULL: none does. */
const struct law_row *law_of_member(enum kind_id kind, const char *member, const json_t *open);
/* Against all rows that came after table `after`, up to `table`. BAD_MEMBER: names the member, the
 * state, the law, and what is accepted in its place. */
enum status law_check(const struct event *event, uint32_t after, uint32_t table,
                      struct refusal *why) MUST_USE;

#endif
