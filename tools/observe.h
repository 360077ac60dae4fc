/* Observing a published list once (specs/lists.md#observing): fetching or reading it, keeping its
 * rows, comparing their number with the time before, and signing what was seen. Of LIST at TIME
 * these files are kept in a folder; names sort by time:
 *
 *     LIST-TIME.source   the bytes as they were published
 *     LIST-TIME.json     the members of the event, for dutylog event list.observed --from
 *     LIST-TIME.rows     the rows (tools/rows.h): with this file the observation is complete
 *     LIST-TIME.place    where the signed event stands, for the next one's `previous`
 *     LIST-TIME.refused  the bytes, where they are no such list: there is nothing else then
 *
 * Each file is written whole or not at all, in this order, so that a run that ended anywhere can be
 * taken up by the steps below: what is there is done. */
#ifndef DUTYLOG_TOOLS_OBSERVE_H
#define DUTYLOG_TOOLS_OBSERVE_H

#include "tools/members.h"
#include "tools/rows.h"

#define OBSERVE_PATH_MAX 4096
#define OBSERVE_DIRTY_SHOWN 20
#define OBSERVE_TIME_SIZE 16 /* 20230901T000000Z */

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
void observation_release(struct observation *o);

/* All of it. Reports dirty rows, and a list that shrank, on standard error; both are recorded as
 * they are. IO: it could not be fetched or read; BAD_FORM: a column is missing, no CSV, and the
 * bytes are kept as .refused; CONFLICT_USED: this list was observed at this time before. On failure
 * nothing is signed. */
enum status observe(struct observation *o, struct refusal *why) MUST_USE;
/* What was recorded, in words or as a JSON line, on standard output. */
void observation_print(const struct observation *o, bool json);

/* --- the steps --- */

/* Reads the mapping, makes the folder and the names; `observed` is set from here on. */
enum status observe_open(struct observation *o, struct refusal *why) MUST_USE;
/* The bytes of a file, or those at an address, as they are now; follows no redirect, and says where
 * one leads. `out` has their maximum. NOT_FOUND, IO, TOO_LARGE. */
enum status observe_fetch(const char *source, struct buffer *out, struct refusal *why) MUST_USE;
/* Keeps them. CONFLICT_USED: the observation is complete. */
enum status observe_keep(const struct observation *o, struct bytes content,
                         struct refusal *why) MUST_USE;
/* Completes the observation whose bytes are kept. */
enum status observe_rows(struct observation *o, struct refusal *why) MUST_USE;
/* Reads one that is complete. */
enum status observe_load(struct observation *o, struct refusal *why) MUST_USE;
/* Signs one that is complete into the outbox, unless it is signed: by its .place, or by an event in
 * the outbox that says just this, after which a run ended. tools/observe_sign.c. */
enum status observe_sign(struct observation *o, struct refusal *why) MUST_USE;

/* The path of one of its files. TOO_LARGE. */
enum status observe_path(const struct observation *o, const char *ending,
                         char out[static OBSERVE_PATH_MAX], struct refusal *why) MUST_USE;
/* The name of the newest file of the list with the ending whose TIME is before `before` (NULL: the
 * newest of all); "" if there is none. */
void observe_newest(const char *keep, const char *list, const char *ending, const char *before,
                    char out[static 256]);
/* The TIME in such a name, and as RFC 3339 writes it. */
void observe_time(const char *name, const char *list, char compact[static OBSERVE_TIME_SIZE + 1],
                  char rfc3339[static 21]);
/* Is it an address of http or https? */
bool observe_is_address(const char *source);

#endif
