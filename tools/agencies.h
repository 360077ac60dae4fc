/* Registering agencies in bulk: an agency.registered of each line of a CSV file. */
#ifndef DUTYLOG_TOOLS_AGENCIES_H
#define DUTYLOG_TOOLS_AGENCIES_H

#include "ledger/vkey.h"
#include "tools/outbox.h"
#include "tools/place.h"

struct agencies_made {
    uint64_t written; /* events, durable in the outbox */
    uint64_t refused; /* lines, each told on stderr with its number and what is wrong */
};

/* Reads FILE.csv (columns ori, name, state, type, officers, and perhaps from, in any order), checks
 * each line as a node will, and writes its event at `place`, which moves on. A line that is wrong,
 * or of an ORI that stood before, is told and left out, and the rest goes on. Fails for the file or
 * the outbox: what was written then stays, to be sent. */
enum status agencies_register(const char *path, const struct signer *signer, struct outbox *outbox,
                              struct place *place, struct agencies_made *made,
                              struct refusal *why) MUST_USE;

#endif
