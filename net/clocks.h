/* What the clocks of other nodes say of ours: the hosts of the logs that are mirrored here, by
 * node.ini or by the log's own policy, and the other mirrors of those policies. A cosigner asks it
 * before it signs (ledger/mirror.h), since what it signs with a wrong clock it cannot take back.
 *
 * Each is asked about once a minute, at the start at once, by a small request whose answer, any,
 * carries a Date. What came is kept against the monotonic clock, so that a wall clock that is set
 * wrong is seen by the very next look, with nobody asked again. A peer's word is taken for no more
 * than this: it is one of several clocks. On the loop. */
#ifndef DUTYLOG_NET_CLOCKS_H
#define DUTYLOG_NET_CLOCKS_H

#include "ledger/mirror.h"
#include "net/node.h"

struct clocks;

/* NOMEM. */
enum status clocks_open(struct node *node, struct clocks **out) MUST_USE;
/* No answer comes after this. NULL is allowed. */
void clocks_close(struct clocks *clocks);

/* Of a log that is mirrored here, now; UNHEARD for any other. */
enum peers_say clocks_say(const struct clocks *clocks, const struct log *log);
/* The same by its origin. */
enum peers_say clocks_say_of(const struct clocks *clocks, struct bytes origin);
/* Of how many mirrored logs the peers' clocks agree with ours, and of how many they do not. */
void clocks_count(const struct clocks *clocks, size_t *alike, size_t *apart);

#endif
