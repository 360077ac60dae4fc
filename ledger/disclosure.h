/* What an event.opened discloses: one closed member of an earlier event (specs/event.md#body). */
#ifndef DUTYLOG_LEDGER_DISCLOSURE_H
#define DUTYLOG_LEDGER_DISCLOSURE_H

#include "ledger/body.h"
#include "ledger/event.h"

/* Does the parsed event.opened fit the body of the event that it names: is its member, with its
 * salt and value, the leaf that it says under `body`? `of` is that event's log, issuer and seq. */
bool disclosure_fits(const struct event *opened, const struct body_context *of,
                     const struct hash *body);

#endif
