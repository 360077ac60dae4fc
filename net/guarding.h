/* What the start-up guard needs of files and configuration (design section 6; ledger/guard.h and
 * ledger/replica.h decide). Called by the node, between opening the store and opening what signs.
 */
#ifndef DUTYLOG_NET_GUARDING_H
#define DUTYLOG_NET_GUARDING_H

#include "net/node.h"

/* Opens the head file, compares it with the store, and says what the log's guard must hear
 * (node->guard); where the store is behind, holds every mirrored log, so that nothing of it is
 * cosigned before the node knows what it cosigned. BAD_LOG: the folder has no signed head and
 * nobody is known to ask for it, or it has another history than the head file: what to do is in
 * `why`. Without a head file: OK, a warning, and
 * the guard of a quorum. */
enum status guarding_open(struct node *node, struct refusal *why) MUST_USE;
/* The log halted since the mirror at `url` showed `note`, a larger head that the log's key signed.
 * Where the head file says that it was this node that signed it, or something larger, the folder is
 * old and nothing else is wrong: the node stops, to fetch from there what it lost
 * (node->behind_url). Else another has the key, and the log stays halted. */
void guarding_behind(struct node *node, struct bytes note, const char *url);
/* What the guard must hear when it begins again: the head file is read afresh. */
enum replica_guard guarding_again(struct node *node, const struct head *head);

#endif
