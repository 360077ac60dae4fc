/* Signing an event such that nothing is signed that a node would refuse for its form. */
#ifndef DUTYLOG_TOOLS_MAKE_EVENT_H
#define DUTYLOG_TOOLS_MAKE_EVENT_H

#include "ledger/event.h"
#include "tools/place.h"

/* Writes the signed note: text, the issuer's line (signers[0]), the others'. Refuses whatever
 * event_parse would. `id` may be NULL. */
enum status make_event(struct writer *w, const struct event_draft *draft,
                       const struct signer *const *signers, size_t count, struct hash *id,
                       struct refusal *why) MUST_USE;

/* Makes an open event at `place`, writes it durably into the outbox, and moves the place on. */
enum status make_event_into(struct outbox *outbox, struct place *place, const char *kind,
                            const json_t *open, const struct signer *const *signers, size_t count,
                            struct refusal *why) MUST_USE;

#endif
