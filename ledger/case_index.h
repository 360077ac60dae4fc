/* The index of cases: which entries, of whatever log, a case has.
 *
 * A row per accepted event that is about a case. An event with `ori` and `case` stands under these
 * two; one that names another event by `event` and carries no case (a correction, a response, a
 * seal) stands under that event's id, so that it is found from it whichever of the two, perhaps of
 * different logs, arrives first. All else has no row.
 *
 *     TABLE_CASE: 16 bytes of a hash, u32 log, u64 index: nothing
 *
 * The hash is cut to 16 bytes, since these rows are half of what an event costs beside its entry.
 * Whoever reads a row reads the entry too, and believes that. */
#ifndef DUTYLOG_LEDGER_CASE_INDEX_H
#define DUTYLOG_LEDGER_CASE_INDEX_H

#include "ledger/event.h"
#include "ledger/scan.h"

#define CASE_PREFIX_SIZE 16

/* Where the rows of something stand. */
struct case_prefix {
    uint8_t bytes[CASE_PREFIX_SIZE];
};
/* Of a case: the front of SHA-256("dutylog/case/v1\n" || ORI || handle, raw). */
struct case_prefix case_prefix_of(const uint8_t ori[static ORI_SIZE],
                                  const uint8_t handle[static HANDLE_SIZE]);
/* Of the events that name an event by its id: the front of the id, which is a hash already. */
struct case_prefix case_prefix_naming(const struct hash *id);
/* Where an event's own row stands; false: it has none. */
bool case_prefix_about(const struct event_about *about, struct case_prefix *out);

/* Writes the row of an accepted event, if it has one. */
enum status case_index_put(struct store_txn *txn, uint32_t log, const struct event_about *about,
                           uint64_t index) MUST_USE;
/* Whether the row of an event is there, and as it should be; `has` says if it has one at all. */
enum status case_index_check(struct store_txn *txn, uint32_t log, const struct event_about *about,
                             uint64_t index, bool *has, bool *there) MUST_USE;
/* All rows of a prefix, in the order of logs' numbers and indexes. NOT_FOUND at the end. */
struct scan case_index_scan(struct store_txn *txn, const struct case_prefix *prefix);
enum status case_index_next(struct scan *scan, uint32_t *log, uint64_t *index) MUST_USE;

#endif
