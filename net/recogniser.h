/* Mirrors what a pinned authority has recognised (specs/registry.md#recognition), without an entry
 * in node.ini: looks once a second whether the logs that are held here say anything new of
 * recognised logs, makes such a log known, and has it pulled from the address that its recogniser
 * gives. What is fetched is believed no more than of any pulled log: all of it is verified under
 * the key that was recognised.
 *
 *   1. an authority's own log is found by the address in node.ini: its first entry is fetched, and
 *      taken if enough of the pinned roots signed it;
 *   2. its entries are pulled, stored, judged; each log.recognised leaves a row in the store;
 *   3. the set is made anew of the rows (ledger/recognition.h); a log in it that is not known here
 *      is registered by a commit, and from then on it is as if node.ini named it: pulled at the
 *      authority's interval, cosigned, judged, gossiped about; and so on, down to its depth.
 *
 * Failure modes: more logs than there is room for, an address that is none, an origin that is known
 * here under another key: said in the log each time the set changes, and left. The address does not
 * answer: asked again. After a restart the store has the rows, and all is as before. */
#ifndef DUTYLOG_NET_RECOGNISER_H
#define DUTYLOG_NET_RECOGNISER_H

#include "ledger/agency.h"
#include "ledger/recognition.h"
#include "net/node.h"

/* NULL in `out` if node.ini pins no authority. Gives the logs that were recognised before their
 * addresses, so that the parts opened next find them. NOMEM, STORE_*. */
enum status recogniser_open(struct node *node, struct recogniser **out) MUST_USE;
/* What is recognised, as last looked; borrowed until the loop goes on. */
const struct recognition_set *recogniser_set(const struct recogniser *recogniser);
/* Which logs' rows count for a reader: the recognised ones; all, if nothing is pinned (`recogniser`
 * NULL). As long as the recogniser. */
struct agency_sources recogniser_sources(struct recogniser *recogniser);
/* What node.ini pins, as long as the recogniser; none where it is NULL. Any thread. */
const struct pin *recogniser_pins(const struct recogniser *recogniser, size_t *count);
/* The name of an authority whose log was not found at its address when last asked; NULL: none. */
const char *recogniser_lost(const struct recogniser *recogniser);
void recogniser_close(struct recogniser *recogniser, void (*closed)(void *context), void *context);

#endif
