/* The keys behind an event's signature lines, as a log's prefix knows them. Shared by the two
 * halves of acceptance: submission.c, which runs anywhere, and accept_check.c, which runs in order.
 */
#ifndef DUTYLOG_LEDGER_ACCEPT_KEYS_H
#define DUTYLOG_LEDGER_ACCEPT_KEYS_H

#include "ledger/issuer.h"
#include "ledger/opened.h"

/* The key of each signature line. DENIED_KEY: one is not known; DENIED_SIGNATURE: log.opened
 * carries another's. */
enum status accept_find_keys(struct store_txn *txn, const struct log *log,
                             const struct event *event, struct vkey keys[EVENT_SIGNATURES_MAX],
                             struct refusal *why) MUST_USE;
/* Verifies every line. DENIED_KEY: a line with another key's ID; DENIED_SIGNATURE. */
enum status accept_verify(const struct event *event, const struct vkey *keys,
                          struct refusal *why) MUST_USE;

#endif
