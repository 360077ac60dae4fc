/* Which kinds table a log is under (specs/event.md#tables).
 *
 * Vocabulary: a *table* is all rows of kinds up to a number: a later one adds kinds and rows of
 * law, and changes none that is there, so that what was judged under the earlier is judged the
 * same. Its *hash* is the SHA-256 of its page (ledger/kind_page.h). A log is under table 1 from
 * log.opened on, and under another from the entry after the rules.activated that names it: that is
 * the table *in force*. A build *has* the tables up to KIND_TABLE_NUMBER; one that lacks the table
 * in force stores and cosigns the log, and judges nothing of it past that entry: the rest is
 * *unjudged*, until a build that has the table starts on the same store.
 *
 * A host logs no rules.activated of a table that its own build lacks (rules_may_activate). */
#ifndef DUTYLOG_LEDGER_RULES_H
#define DUTYLOG_LEDGER_RULES_H

#include "ledger/event.h"
#include "ledger/logs.h"
#include "ledger/store.h"

struct rules {
    uint32_t table;   /* in force; 0: the log is not open yet */
    uint64_t since;   /* index of the rules.activated; 0 for table 1 */
    struct hash hash; /* that it names; of zeros for table 1 */
};

/* What a rules.activated at `index` says. */
void rules_of(const struct event *event, uint64_t index, struct rules *out);
/* The table in force after what is judged. */
enum status rules_in_force(struct store_txn *txn, uint32_t log, struct rules *out) MUST_USE;
/* True if this build has that very table, by number and hash. */
bool rules_known(const struct rules *rules);
/* OK if this build has the table in force of the log. UNJUDGED says which it lacks. */
enum status rules_check(struct store_txn *txn, const struct log *log, struct refusal *why) MUST_USE;
/* May a node of this build log this rules.activated? BAD_MEMBER: it lacks the table; the refusal
 * says what to install. */
enum status rules_may_activate(const struct event *event, struct refusal *why) MUST_USE;
/* The newest table that this build has, and the hash of one that it has. */
uint32_t rules_newest(void);
void rules_hash(uint32_t table, struct hash *out);

#endif
