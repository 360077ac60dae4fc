/* Gossip (design section 6): now and then this node asks its peers, the hosts and the mirrors of
 * the logs that it holds, what they show of them, and what evidence they keep.
 *
 *   - A peer's checkpoint that the log signed is held against our own entries; where it is of
 *     another tree, ledger/fork.h makes evidence of it or keeps it as unreconciled. One that is
 *     larger than what we hold is kept in memory until we hold as much.
 *   - It is also held against what the same peer showed before: a cosigner that went back, or
 *     cosigned two trees, is evidence (d) or (a).
 *   - Evidence that a peer keeps and we do not is fetched, verified, and kept: so what one node was
 *     shown reaches those that were shown the other side. A peer's word is taken for nothing.
 *   - Of a log that is mirrored, the quorum checkpoints that the peer keeps and we do not are
 * fetched, verified and kept (ledger/kept.h), so that events' confirmed times do not vanish with a
 * host.
 *
 * One request at a time, each bounded in size and time; a round ends, whatever the peers do. */
#ifndef DUTYLOG_NET_GOSSIP_H
#define DUTYLOG_NET_GOSSIP_H

#include "net/node.h"

struct gossip;

/* NOMEM. Does nothing if the interval is 0. */
enum status gossip_open(struct node *node, struct gossip **out) MUST_USE;
void gossip_close(struct gossip *gossip, void (*closed)(void *context), void *context);

#endif
