/* The index of cases: which entries, of whatever log, a case has.
 *
 * A row per accepted event that is about a case. An event with `ori` and `case` stands under these
 * two; one that names another event by `event` and carries no case (a correction, a response, a
 * seal) stands under that event's id, so that it is found from it whichever of the two, perhaps of
 * different logs, arrives first. All else has no row.
 *
 *     TABLE_CASE: 16 bytes of a hash, u32 log, u8 group, 8 bytes of the house, u64 stamp, u64
 * index: nothing
 *
 * Group and house (ledger/house.h) are those of the signer, so that what a court says is found
 * without reading what a clerk wrote a thousand times. The hash is cut to 16 bytes, since these
 * rows are half of what an event costs beside its entry. Whoever reads a row reads the entry too,
 * and believes that. */
#ifndef DUTYLOG_LEDGER_CASE_INDEX_H
#define DUTYLOG_LEDGER_CASE_INDEX_H

#include "ledger/accept.h"
#include "ledger/house.h"
#include "ledger/scan.h"

#define CASE_PREFIX_SIZE 16
#define CASE_HOUSE_SIZE 8

/* Under what rows stand. */
struct case_prefix {
    uint8_t bytes[CASE_PREFIX_SIZE];
};
/* Of a case: the front of SHA-256("dutylog/case/v1\n" || ORI || handle, raw). */
struct case_prefix case_prefix_of(const uint8_t ori[static ORI_SIZE],
                                  const uint8_t handle[static HANDLE_SIZE]);
/* Of the events that name an event by its id: the front of the id, which is a hash already. */
struct case_prefix case_prefix_naming(const struct hash *id);

/* A row: where it stands, and all that it says. */
struct case_place {
    struct case_prefix prefix;
    uint32_t log;
    enum house_group group;
    uint8_t house[CASE_HOUSE_SIZE];
    uint64_t stamp_ms;
    uint64_t index;
};

/* Writes the row of an accepted event, if it has one. */
enum status case_index_put(struct store_txn *txn, uint32_t log, const struct issuer *issuer,
                           const struct event_about *about, uint64_t index,
                           uint64_t stamp_ms) MUST_USE;
/* The row that an accepted event has, if it `has` one. */
enum status case_index_place(struct store_txn *txn, uint32_t log, const struct issuer *issuer,
                             const struct event_about *about, uint64_t index, uint64_t stamp_ms,
                             struct case_place *out, bool *has) MUST_USE;
/* Is the row there, as it should be? */
enum status case_index_check(struct store_txn *txn, const struct case_place *place,
                             bool *there) MUST_USE;

/* The first row under at->prefix that is at `at` or after it, by log, group, house, stamp, index.
 * NOT_FOUND. `at` and `out` may be one. */
enum status case_index_seek(struct store_txn *txn, const struct case_place *at,
                            struct case_place *out) MUST_USE;
/* From a row to the least that may come after it: the next of its house, the first of the next
 * house, of the next group, or of the next log. False: there is none. */
bool case_place_after(struct case_place *at);
bool case_place_after_house(struct case_place *at);
bool case_place_after_group(struct case_place *at);
bool case_place_after_log(struct case_place *at);

#endif
