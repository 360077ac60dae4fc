/* log.succeeded: a log ends and another goes on in its place (specs/event.md#succession): the one
 * way out of a lost or stolen log key, a lost signed candidate, a quorum gone for good, a merger.
 *
 * Vocabulary: the *old log* ends, the *successor* goes on. The *closing checkpoint* is the largest
 * one of which a mirror holds all entries: what it covers is the old log, for ever. What the old
 * key signed beyond it is *abandoned*. The event may stand in the old log itself, which it closes,
 * in the successor, where keys then go on with their sequences (key.enrolled, member `after`), and
 * in any third log, such as that of the authority above.
 *
 * Accepted is what the roots of the log in which it stands have signed. It binds the mirrors of the
 * old log only if a threshold of the old log's own roots signed it: then they cosign nothing
 * beyond the closing checkpoint, whoever has the key. */
#ifndef DUTYLOG_LEDGER_SUCCESSION_H
#define DUTYLOG_LEDGER_SUCCESSION_H

#include "ledger/checkpoint.h"
#include "ledger/event.h"
#include "ledger/logs.h"
#include "ledger/opened.h"

struct succession {
    struct vkey old;
    struct vkey successor;
    struct note checkpoint_note;
    struct checkpoint checkpoint; /* the closing checkpoint */
    bool has_abandoned;
    struct note abandoned_note;
    struct checkpoint abandoned;
};

/* Reads the members of a parsed log.succeeded; views borrow from the event. */
void succession_of(const struct event *event, struct succession *out);
/* What the members owe each other: two logs, checkpoints of the old one, the abandoned larger.
 * BAD_MEMBER. */
enum status succession_check(const struct succession *succession, struct refusal *why) MUST_USE;
/* Both checkpoints are signed by the old log's key. BAD_MEMBER. Verifies two signatures. */
enum status succession_verify(const struct succession *succession, struct refusal *why) MUST_USE;
/* Did a threshold of the old log's roots sign the event? `opened` is what the old log's entry 0
 * says. The signatures themselves are the caller's to verify: a line counts by its key. */
bool succession_by_roots(const struct event *event, const struct opened *opened);

/* --- in the store: which log says so of which --- */

struct succession_row {
    uint64_t index; /* of the log.succeeded */
    bool here;      /* the log in which it stands is the successor */
};
/* What `log` says of the log with that origin. NOT_FOUND. */
enum status succession_get(struct store_txn *txn, uint32_t log, struct bytes origin,
                           struct succession_row *out) MUST_USE;
enum status succession_put(struct store_txn *txn, uint32_t log, struct bytes origin,
                           const struct succession_row *row) MUST_USE;

/* May this node cosign a checkpoint of `size` of a log that it mirrors? DENIED_KEY, naming the
 * event and the successor: a log known here says that it ended before, and its own roots signed
 * that. The old log's roots are read from its entry 0 and need it to be stored. */
enum status succession_admits(struct store_txn *txn, const struct log *log, uint64_t size,
                              struct refusal *why) MUST_USE;

#endif
