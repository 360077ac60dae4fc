/* The guard's record in a file outside the data folder (`head` in node.ini; ledger/guard.h says
 * what it holds and why).
 *
 * The file has two places of GUARD_RECORD_MAX bytes, written in turn, so that a writing that a
 * crash tears leaves the record before it. A writing is one pwrite and one fdatasync of space that
 * the file has already: it runs on a thread of its own, so that it can run beside a commit of the
 * store, and takes less long. A torn place counts as a damaged file, since the record that it held
 * is not known.
 *
 * The file is locked for as long as it is open. Lost while the node runs (its name is gone, or is
 * another file's), it is made again at the next writing. */
#ifndef DUTYLOG_NET_OUTSIDE_H
#define DUTYLOG_NET_OUTSIDE_H

#include "ledger/guard.h"
#include "ledger/policy.h"

struct outside;

/* Makes the file with this record. CONFLICT_USED: it exists. IO, FULL. */
enum status outside_create(const char *path, const struct guard_record *record,
                           struct refusal *why) MUST_USE;

/* Opens the file if it is there. What it says is then in outside_record; a missing or damaged one
 * is made at the first writing. STORE_IN_USE: another process holds it. IO, NOMEM. */
enum status outside_open(const char *path, struct outside **out, struct refusal *why) MUST_USE;
/* NULL is allowed. */
void outside_close(struct outside *outside);

/* As it was found: NULL if the file was missing or damaged. */
const struct guard_record *outside_found(const struct outside *outside);
/* As it is to be now, for reading on the loop between two calls below. */
const struct guard_record *outside_record(const struct outside *outside);

/* For the committer (ledger/batch.h). */
struct batch_outside *outside_batch(struct outside *outside);

/* On the loop; each writes durably before it returns, if there is anything new. IO, FULL. */

/* The mirrors of this policy will be pushed to. */
enum status outside_list(struct outside *outside, const struct policy *policy,
                         struct refusal *why) MUST_USE;
/* The guard has passed with this head: from now on the record names it. */
enum status outside_set_head(struct outside *outside, const struct head *head,
                             struct refusal *why) MUST_USE;
/* The store's count goes on from here. */
enum status outside_set_commit(struct outside *outside, uint64_t commit,
                               struct refusal *why) MUST_USE;
/* What the file says now. NOT_FOUND: it is missing or damaged. A newer writing than is remembered
 * here, since the machine went on from a snapshot, is what the record is from now on. */
enum status outside_read_again(struct outside *outside, struct guard_record *out) MUST_USE;

#endif
