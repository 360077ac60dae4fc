/* What a node keeps outside its data folder, so that a folder put back from a backup is known for
 * what it is (design section 6, start-up guard; specs/replication.md#guard).
 *
 * The *record* says how far this node's signatures have come: the number of the last commit after
 * which a candidate or a cosignature left, the last signed head of its own log, and the mirrors
 * that were ever pushed to. The store counts the same commits. A store whose count is behind the
 * record's is old, or lost a commit.
 *
 * Each record is written before anything leaves (ledger/batch.h), so it is never behind what left.
 * What it says of cosignatures is written while their commit runs, and may be one commit ahead of
 * the store after a crash. A head is written once it is stored: a folder without it is old. */
#ifndef DUTYLOG_LEDGER_GUARD_H
#define DUTYLOG_LEDGER_GUARD_H

#include "ledger/limits.h"
#include "ledger/logs.h"
#include "ledger/sequencer.h"
#include "ledger/store.h"

#define GUARD_MIRRORS_MAX (2 * NOTE_SIGNATURES_MAX)
#define GUARD_RECORD_MAX ((size_t)40960)

struct guard_record {
    uint64_t writing; /* counts the writings of the record: the larger of two is the newer */
    uint64_t commit;
    bool has_log;
    char origin[NAME_SIZE_MAX + 1]; /* of the log this node hosts */
    uint64_t size;                  /* of its last signed head; 0: none was ever signed */
    struct hash root;
    struct vkey mirrors[GUARD_MIRRORS_MAX];
    size_t mirror_count;
};

/* The text: "dutylog/head/v1", "writing N", "commit N", then "log ORIGIN" and "head SIZE ROOT" if
 * there is a log, "mirror VKEY" for each, and "sum HASH" over all before it; a line each. */
void guard_record_format(struct writer *w, const struct guard_record *record);
/* BAD_FORM: not a record, or damaged. What follows the sum must be newlines. */
enum status guard_record_parse(struct bytes text, struct guard_record *out) MUST_USE;
/* Of a node of which nothing was signed, that hosts the log `origin`, or none where that is empty.
 */
void guard_record_new(struct guard_record *record, struct bytes origin);
bool guard_lists(const struct guard_record *record, const struct vkey *mirror);
/* False: no room. True also if it is listed already. */
bool guard_list(struct guard_record *record, const struct vkey *mirror);

/* What the record says of the folder's own log. */
enum guard_verdict {
    GUARD_FITS,    /* the folder's signed head is the record's */
    GUARD_DIFFERS, /* it is another, or there is no record */
    GUARD_LOST,    /* the folder has none, and there is no record or it names one: nobody is known
                      whom to ask */
};
/* `record` NULL: missing or damaged. `head` of size 0: none. */
enum guard_verdict guard_judge(const struct guard_record *record, struct bytes origin,
                               const struct head *head);

/* --- counting commits --- */

/* How many commits of this store let signatures out. */
enum status guard_commits(struct store_txn *txn, uint64_t *commits) MUST_USE;
enum status guard_set_commits(struct store_txn *txn, uint64_t commits) MUST_USE;

/* --- cosigners --- */

/* What a cosigner whose folder was old may sign of a log. It begins *held*: nothing, until the log
 * and its other mirrors have been asked what the log signed (ledger/regain.h). The largest
 * checkpoint found is then the *floor*: the pending checkpoint becomes that one first, and neither
 * key signs anything smaller. Once the mirror checkpoint is there the guard is over. */
struct guard_floor {
    bool guarded;
    bool known; /* else held */
    uint64_t size;
    struct hash root;
};
enum status guard_floor(struct store_txn *txn, uint32_t log, struct guard_floor *out) MUST_USE;
enum status guard_hold(struct store_txn *txn, uint32_t log) MUST_USE;
/* The folder was old once, and what it had cosigned of logs that it does not know now is not known:
 * a log that becomes known later begins held too (net/recogniser.h). */
enum status guard_hold_new(struct store_txn *txn) MUST_USE;
enum status guard_holds_new(struct store_txn *txn, bool *holds) MUST_USE;
enum status guard_set_floor(struct store_txn *txn, uint32_t log, uint64_t size,
                            const struct hash *root) MUST_USE;
enum status guard_release(struct store_txn *txn, uint32_t log) MUST_USE;
/* May the witness key sign this checkpoint, where the pending one has `pending` entries? OK; BUSY.
 */
enum status guard_check_pending(struct store_txn *txn, uint32_t log, uint64_t pending,
                                uint64_t size, const struct hash *root,
                                struct refusal *why) MUST_USE;
/* May the mirror key sign the checkpoint of this size? OK; BUSY. */
enum status guard_check_mirror(struct store_txn *txn, uint32_t log, uint64_t size,
                               struct refusal *why) MUST_USE;

#endif
