/* Where an issuer's next event stands: log, seq and prev, from a node, an outbox, or the options.
 */
#ifndef DUTYLOG_TOOLS_PLACE_H
#define DUTYLOG_TOOLS_PLACE_H

#include "ledger/limits.h"
#include "tools/fetch.h"
#include "tools/outbox.h"

struct place {
    char log[NAME_SIZE_MAX + 1];
    uint64_t seq;
    bool has_prev;
    struct hash prev;
};

/* Asks the node: its own log's origin (unless `place->log` is set) and the issuer's last event. An
 * issuer that the log does not know yet starts at 1. IO; UNKNOWN_LOG: the node hosts no log. */
enum status place_from_node(struct place *place, const char *node, struct bytes issuer,
                            struct refusal *why) MUST_USE;
/* Moves on past events of this issuer that wait in the outbox. */
enum status place_from_outbox(struct place *place, const struct outbox *outbox, struct bytes issuer,
                              struct refusal *why) MUST_USE;

#endif
