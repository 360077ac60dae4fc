/* Events that the log refused for what they say, in one run of an import (specs/import.md#refused):
 * which event of which row, so that none is tried twice in a run, and for what reasons, so that of
 * many that say the same only two are tried. */
#ifndef DUTYLOG_TOOLS_IMPORT_REFUSED_H
#define DUTYLOG_TOOLS_IMPORT_REFUSED_H

#include "ledger/status.h"
#include "tools/import_agency.h"
#include "tools/import_map.h"

#define IMPORT_REASONS_MAX 4096
#define IMPORT_TRIES 2 /* of one kind, agency and reason: then the rest is not tried */

/* What the log said of a kind and an agency. */
struct import_reason {
    const struct import_event *event;
    char ori[IMPORT_ORI_SIZE + 1];
    char text[REFUSAL_TEXT_MAX];
    size_t times;
};

/* All zero: nothing was refused. */
struct import_refused {
    uint16_t *rows; /* owned; for each row of the file a bit for each event of the mapping */
    size_t row_count;
    struct import_reason *reasons; /* owned */
    size_t reason_count;
    /* The one that is not told yet: its agency is known once the row is made again. */
    bool fresh;
    size_t row;
    size_t event;
    char text[REFUSAL_TEXT_MAX];
};

/* The event of the row was refused. NOMEM. */
enum status import_refused_add(struct import_refused *refused, size_t row_count, size_t row,
                               size_t event, const char *text) MUST_USE;
/* Was it refused, and told? */
bool import_refused_told(const struct import_refused *refused, size_t row, size_t event);
/* Why the event is not to be signed: it was just refused, or would be, as two before it that are of
 * its kind and agency. From now on it is told. NULL: nothing is against it. Borrowed. */
const char *import_refused_why(struct import_refused *refused, size_t row, size_t event,
                               const struct import_map *map, const char *ori);
void import_refused_release(struct import_refused *refused);

#endif
