/* Ranks and houses (specs/standing.md#houses-and-ranks): whose voice a key is, and how far it
 * carries. Pure.
 *
 * Vocabulary: a *house* is the same for keys that speak for one holder: all agency and clerk keys
 * of a case, or the keys of one role, of one first component of the name, enrolled under one
 * authority. */
#ifndef DUTYLOG_LEDGER_HOUSE_H
#define DUTYLOG_LEDGER_HOUSE_H

#include "crypto/hash.h"
#include "ledger/opened.h"

#include <stdint.h>

/* Groups of roles, from above; what is looked at first, and asked first. */
enum house_group { GROUP_COURT, GROUP_POST, GROUP_OVERSIGHT, GROUP_AGENCY, GROUP_OTHER, GROUPS };

/* court 3, POST 2, agency, clerk, oversight 1; anyone else 0. */
unsigned house_rank(uint32_t roles);
enum house_group house_group(uint32_t roles);
/* Is a signer in the roles `a` over one in the roles `b`? */
bool house_over(uint32_t a, uint32_t b);

/* The first component of a key's name: up to the first `/`, or all of it. Borrowed. */
struct bytes house_name(struct bytes key_name);
/* Which authority a log has: over the public keys of log.opened's `authority`, in whatever order
 * they stand there. */
struct hash house_authority(const struct opened *opened);
/* Of a key in these roles under that name, in a log of that authority. All agency and clerk keys
 * have one: zeros. */
struct hash house_of(uint32_t roles, struct bytes key_name, const struct hash *authority);

#endif
