/* Observing a published list once (specs/lists.md#observing): fetching or reading it, keeping its
 * rows, comparing their number with the day before, and signing what was seen. Of LIST at TIME
 * these files are kept in a folder, whose names sort by time:
 *
 *     LIST-TIME.source   the bytes as fetched; of a file that was given: none
 *     LIST-TIME.rows     the rows (tools/rows.h)
 *     LIST-TIME.json     the members of the event, for dutylog event list.observed --from
 *     LIST-TIME.place    where the signed event stands, for the next one's `previous` */
#ifndef DUTYLOG_TOOLS_OBSERVE_H
#define DUTYLOG_TOOLS_OBSERVE_H

#include "tools/members.h"
#include "tools/rows.h"

#define OBSERVE_PATH_MAX 4096
#define OBSERVE_DIRTY_SHOWN 20

struct observation {
    /* What is asked; borrowed. */
    const char *source; /* a file, or an http(s) address */
    const char *list;
    const char *mapping_path;
    const char *keep;     /* the folder; "." if not said */
    const char *observed; /* NULL: now */
    const char *address;  /* NULL: the source's */
    const char *ori;      /* NULL: not said */
    const char *key_path; /* NULL: nothing is signed; else with outbox and node */
    const char *outbox;
    const char *node;
    /* What came of it. */
    struct list_map map;
    struct rows rows;
    struct members members;
    char base[OBSERVE_PATH_MAX]; /* of the files, without ending */
    char event_path[OBSERVE_PATH_MAX];
    bool has_before;
    size_t before; /* rows of the observation before */
    char before_name[256];
    size_t dirty;
};

void observation_init(struct observation *o);
/* Reports dirty rows, and a list that shrank, on standard error; both are recorded as they are.
 * IO: it could not be fetched or read; BAD_FORM: a column is missing, no CSV; CONFLICT_USED: this
 * list was observed at this time before. On failure nothing is signed. */
enum status observe(struct observation *o, struct refusal *why) MUST_USE;
/* What was recorded, in words or as a JSON line, on standard output. */
void observation_print(const struct observation *o, bool json);
void observation_release(struct observation *o);

#endif
