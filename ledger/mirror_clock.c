/* Whether a cosigner's clock may be signed by. A key's times on a log never decrease, so that one
 * signature with a clock that is 40 days ahead is what all that follow say for 40 days: it is
 * better not made.
 *
 * A log that lives vouches for a right clock by its newest stamp, and its mirrors do by what they
 * last cosigned. One that was silent for an hour has neither, through nobody's fault; then the
 * clocks of the log's other nodes count, as they say themselves. Any of the three is enough, and of
 * the clocks half, so that no liar alone keeps an honest mirror from signing. */
#include "ledger/mirror_parts.h"
#include "ledger/sequencer.h"

#include <assert.h>

#define DAY 86400u

static bool near(uint64_t a, uint64_t b) {
    return (a > b ? a - b : b - a) <= COSIGN_OFFSET_MAX_SECONDS;
}

enum peers_say mirror_peers_say(const int64_t *offsets, size_t heard, size_t awaited) {
    size_t alike = 0;
    for (size_t i = 0; i < heard; i++) {
        bool right = offsets[i] <= COSIGN_OFFSET_MAX_SECONDS &&
                     offsets[i] >= -(int64_t)COSIGN_OFFSET_MAX_SECONDS;
        alike += right ? 1 : 0;
    }
    if (2 * alike > heard + awaited) {
        return PEERS_ALIKE;
    }
    if (awaited > 0) {
        return PEERS_AWAITED;
    }
    return heard == 0 ? PEERS_UNHEARD : 2 * alike == heard ? PEERS_TIED : PEERS_APART;
}

/* Of the last entry that is stored, in seconds; 0: there is none, or it has no stamp. */
static enum status newest_stamp(struct store_txn *txn, uint32_t log, uint64_t *seconds) {
    struct tree_head head;
    struct bytes entry;
    struct bytes note;
    uint64_t stamp_ms = 0;
    *seconds = 0;
    TRY(tree_read_head(txn, log, &head));
    if (head.size == 0) {
        return STATUS_OK;
    }
    TRY(tree_entry(txn, log, head.size - 1, &entry));
    if (entry_parse(entry, &stamp_ms, &note, NULL) == STATUS_OK) {
        *seconds = stamp_ms / 1000;
    }
    return STATUS_OK;
}

/* Of the last quorum checkpoint that is kept here, as others signed it; 0: none. */
static enum status newest_quorum(struct store_txn *txn, uint32_t log, uint64_t *seconds) {
    struct published last = {.quorum_time = 0};
    enum status status = sequencer_published_at_most(txn, log, UINT64_MAX, &last);
    *seconds = last.quorum_time;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* What is signed of the log, as far as it is known here. */
struct signed_times {
    uint64_t stamp;
    uint64_t quorum;
    uint64_t own; /* what this node cosigned last */
};

static enum status read_times(struct store_txn *txn, uint32_t log, struct signed_times *out) {
    TRY(newest_stamp(txn, log, &out->stamp));
    TRY(newest_quorum(txn, log, &out->quorum));
    return mirror_newest(txn, log, &out->own);
}

/* A log that lives is cosigned every hour, and no clock is a day ahead of all that is signed. */
static bool within_a_day(const struct signed_times *times, uint64_t now) {
    uint64_t newest = times->stamp > times->quorum ? times->stamp : times->quorum;
    newest = newest > times->own ? newest : times->own;
    return now <= newest + DAY;
}

/* Where nobody is to be asked, only a clock behind both is known to be wrong: ahead of them is what
 * every clock is after a silence. Where one peer says yes and one no, whichever lies: a clock that
 * goes by what is signed is taken for right, one that is far ahead of it for as wrong as the peer
 * that agrees with it. */
static bool peers_vouch(const struct signed_times *times, uint64_t now, enum peers_say peers) {
    switch (peers) {
    case PEERS_TIED:
        return within_a_day(times, now);
    case PEERS_UNHEARD:
        return times->stamp == 0 || times->quorum == 0 || now > times->stamp || now > times->quorum;
    case PEERS_AWAITED:
    case PEERS_APART:
        return false;
    case PEERS_ALIKE:
        break;
    }
    assert(false);
    return false;
}

enum status mirror_clock_check(struct store_txn *txn, uint32_t log, uint64_t now_seconds,
                               enum peers_say peers, struct refusal *why) {
    struct signed_times times;
#ifdef DUTYLOG_BUG_ANY_CLOCK /* planted: a cosigner signs by whatever clock it has */
    return STATUS_OK;
#endif
    if (peers == PEERS_ALIKE) {
        return STATUS_OK; /* as nearly always: nothing is read for it */
    }
    TRY(read_times(txn, log, &times));
    if (near(now_seconds, times.stamp) || near(now_seconds, times.quorum) ||
        peers_vouch(&times, now_seconds, peers)) {
        return STATUS_OK;
    }
    return peers == PEERS_AWAITED
               ? refuse(why, STATUS_BUSY,
                        "this node has not heard yet what its peers' clocks say: try again in a "
                        "second")
               : refuse(why, STATUS_BUSY,
                        "this node's clock is over five minutes from its peers' and from what is "
                        "signed of the log: nothing is cosigned until it is set right");
}
