/* What one node serves of one log, as somebody from outside sees it. */
#ifndef DUTYLOG_TOOLS_VIEW_H
#define DUTYLOG_TOOLS_VIEW_H

#include "ledger/compare.h"
#include "ledger/cosignature.h"
#include "tools/fetch.h"

enum view_state {
    VIEW_SERVED,
    VIEW_UNREACHABLE, /* no answer, or 5xx */
    VIEW_ABSENT,      /* it does not hold the log, or has no checkpoint of it */
    VIEW_BAD,         /* what it serves is no checkpoint of this log, signed by its key */
    VIEW_REMEMBERED,  /* served at an earlier time, by the monitor's own record */
};

struct view {
    const char *url; /* borrowed */
    enum view_state state;
    struct refusal why;                  /* unless served or remembered */
    char prefix[1 + 2 * HASH_SIZE + 1];  /* of the log there: "" or "/<hex>" */
    uint8_t memory[CHECKPOINT_SIZE_MAX]; /* its note */
    struct bytes note;
    struct tree_point point;
};

/* Fetches the checkpoint: under the log's own prefix, else at the node's root, where a log's own
 * server, or a tlog that is not ours, has it. Never fails: see `state`. */
void view_fetch(struct fetcher *fetcher, const char *url, const struct vkey *log, struct view *out);
/* A view of a note that was kept. BAD_FORM, DENIED_SIGNATURE. */
enum status view_remember(const char *url, struct bytes note, const struct vkey *log,
                          struct view *out) MUST_USE;
/* Fetches the tiles that a comparison wants, from this view. NOT_FOUND: one is not there; IO;
 * BAD_FORM. */
enum status view_fetch_tiles(struct fetcher *fetcher, const struct view *view,
                             const struct tile *missing, size_t count, struct pull_tiles *tiles,
                             struct refusal *why) MUST_USE;

#endif
