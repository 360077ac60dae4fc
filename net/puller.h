/* Pulls logs from their tiles: those that node.ini gives a `pull` interval, from their `url`. What
 * is pulled enters through the same door as what is pushed: the checkpoint as add-checkpoint,
 * entries as proved packages (ledger/mirror.h), so that nothing is stored that the log did not
 * sign. */
#ifndef DUTYLOG_NET_PULLER_H
#define DUTYLOG_NET_PULLER_H

#include "net/node.h"

enum status puller_open(struct node *node, struct puller **out) MUST_USE;
/* Begins to pull a log that the configuration has an address and an interval for since a moment
 * ago. */
void puller_add(struct puller *puller, const struct log *log);
/* Pull this log now rather than at its next time: a push was refused as inconsistent, and its tiles
 * tell why. `note` is the checkpoint to reconcile with; copied. */
void puller_reconcile(struct puller *puller, uint32_t log, struct bytes note);
/* For health and metrics: logs that are pulled by interval, those of them that could not be fetched
 * when last tried, and the origin of one such; borrowed from the node's logs, NULL if none. */
struct pulls {
    size_t pulled;
    size_t failing;
    const char *first;
};
struct puller_stats {
    struct pulls named;      /* in node.ini */
    struct pulls recognised; /* found by recognition (net/recogniser.h) */
};
struct puller_stats puller_stats(const struct puller *puller);
void puller_close(struct puller *puller, void (*closed)(void *context), void *context);

#endif
