/* What the files of a restore share: restore.c (which logs, beginning and end), restore_pull.c (one
 * log's pull). */
#ifndef DUTYLOG_NET_RESTORE_PRIVATE_H
#define DUTYLOG_NET_RESTORE_PRIVATE_H

#include "ledger/pull.h"
#include "ledger/restore.h"
#include "net/client.h"
#include "net/config.h"
#include "net/loop.h"

#define RESTORE_URL_SIZE (CONFIG_PATH_MAX + 80)
#define RESTORE_EVENTS_MAX (PULL_ACTIONS_MAX + 4)

struct restore;

struct restore_slot {
    struct restore *restore;
    size_t fetch;
    struct client_call *call; /* NULL: none under way */
    uint8_t *body;            /* of a bundle, kept until the pull releases it */
};

struct restore_log {
    struct log log;
    bool own;
    bool left_out; /* the source does not have it, or not rightly */
};

struct restore {
    struct node_config config;
    const char *source;
    struct loop *loop;
    struct client *client;
    struct timer *timer;
    struct timer *telling; /* of progress, each second */
    struct store *store;
    struct batch *batch;
    struct restore_log *logs;
    size_t count;
    size_t at;          /* the one that is pulled */
    bool stopping;      /* loop and all are being closed */
    bool restored;      /* out: all is done */
    struct refusal why; /* out: else, why not */
    size_t left_out;
    uint64_t stored;            /* entries, of all logs */
    struct client_call *asking; /* for the source's pending checkpoint */

    /* Of the log that is pulled. */
    char base[RESTORE_URL_SIZE]; /* its prefix at the source */
    bool at_root;                /* the source hosts it */
    bool unanswered;             /* a fetch of this round may be answered when asked again */
    char last_error[200];        /* of a fetch of this round; "": none failed */
    struct pull pull;
    struct pull_tiles tiles;
    struct pull_actions actions;
    struct restore_slot slots[PULL_FETCHES_MAX];
    struct pull_event queue[RESTORE_EVENTS_MAX];
    size_t queued;
    bool stepping;
    struct package_job packages[PULL_BUNDLES_MAX];
    struct restore_judge_job judged[PULL_BUNDLES_MAX];
    size_t package_count;
};

/* Begins to pull logs[at]. */
void restore_pull(struct restore *r);
/* For a timer: time passed. */
void restore_tick(void *context);
/* Frees what fetches left. */
void restore_pull_release(struct restore *r);

/* restore.c: the log is complete; the source does not have it; what the source has of this mirrored
 * log is of no use, the restore can't go on: `r->why` says why. Nothing of the pull may be touched
 * after. */
void restore_log_done(struct restore *r);
void restore_log_absent(struct restore *r);
void restore_log_left_out(struct restore *r);
void restore_failed(struct restore *r);

#endif
