/* Asks, for each log that the guard holds (ledger/guard.h), the log and the other mirrors of its
 * policy what the log signed, and sets the floor by it (ledger/regain.h). What is missing then is
 * pulled from the log (net/puller.h), or comes with its next push.
 *
 * Failure modes: one of them does not answer, or gives what the log did not sign: all are asked
 * again after a while, at most a minute, unless the operator exempts it by its key's name. There is
 * no address to ask, or the floor contradicts what is held: the log stays held, and the log line
 * says what to do. */
#ifndef DUTYLOG_NET_REGAIN_H
#define DUTYLOG_NET_REGAIN_H

#include "net/node.h"

/* NOMEM, STORE_*. */
enum status regain_open(struct node *node, struct regain **out) MUST_USE;
/* A log that became known just now, and is held. */
void regain_add(struct regain *regain, uint32_t log);
void regain_close(struct regain *regain, void (*closed)(void *context), void *context);

#endif
