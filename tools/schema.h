/* The kinds table as a JSON Schema (draft 7), for whoever makes events with other software:
 * specs/event.schema.json is what this gives. A schema cannot say all (its $comment lists what it
 * leaves out), so what it takes may still be refused; what it refuses, is. */
#ifndef DUTYLOG_TOOLS_SCHEMA_H
#define DUTYLOG_TOOLS_SCHEMA_H

#include <jansson.h>

/* The schema of an event's second line, owned by the caller; NULL: out of memory. */
json_t *event_schema(void);

#endif
