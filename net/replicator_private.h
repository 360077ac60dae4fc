/* What the files of the replicator share: replicator.c (events, jobs, policies) and
 * replicator_push.c (requests to mirrors). Private to them. */
#ifndef DUTYLOG_NET_REPLICATOR_PRIVATE_H
#define DUTYLOG_NET_REPLICATOR_PRIVATE_H

#include "ledger/fork.h"
#include "net/replicator.h"

#define EVENTS_MAX                                                                                 \
    (2 * REPLICA_ACTIONS_MAX) /* an action makes one at most, and a failed push is not pushed      \
                                 again at once */

struct body;

/* One request to one mirror. */
struct push {
    struct replicator *replicator;
    size_t mirror;
    struct client_call *call; /* NULL: none under way */
    bool fetching;            /* its pending checkpoint */
};

/* One job of the replica's on its way through the committer. */
struct cut {
    struct cut_job job;
    struct commit commit;
    bool busy;
};
/* What halted the log, on its way into the store. */
struct halting {
    struct fork_job job;
    struct commit commit;
    uint8_t note[CHECKPOINT_SIZE_MAX];
    bool busy;
};
struct publication {
    struct publish_job job;
    struct commit commit;
    uint8_t note[CHECKPOINT_SIZE_MAX];
    bool busy;
};

struct replicator {
    struct node *node;
    replicator_served served;
    void *context;
    struct replica replica;
    struct guard_terms terms; /* of its guard */
    uint64_t seen_wall_ms;    /* the two clocks, as last compared */
    uint64_t seen_monotonic_ms;
    struct replica_actions actions;
    struct push pushes[REPLICA_MIRRORS_MAX];
    struct body *last_body; /* the one built last; NULL: none */
    uint8_t *scratch;       /* SCRATCH_SIZE, of which few pages are ever touched */
    struct cut cut;
    struct publication publication;
    struct halting halting;
    struct timer *timer;
    uint64_t policy_index; /* of the last log.policy given to the replica */
    bool has_policy;
    bool stepping;
    struct replica_event queue[EVENTS_MAX];
    size_t queued;
    bool closing;
    void (*closed)(void *context);
    void *closed_context;
};

/* --- replicator.c --- */

struct replica_event replicator_event(enum replica_event_type type);
/* Gives one event to the replica and carries out what it wants. Not from within an action: see
 * replicator_enqueue. */
void replicator_step(struct replicator *r, const struct replica_event *event);
/* For an action whose outcome is known at once: the event is given to the replica when all actions
 * of this step are done. */
void replicator_enqueue(struct replicator *r, const struct replica_event *event);

/* --- replicator_push.c --- */

/* False: no memory. */
bool replicator_push_init(struct replicator *r) MUST_USE;
/* Any of ACTION_SEND_* and ACTION_FETCH_PENDING. */
void replicator_push(struct replicator *r, const struct replica_action *action);
/* No answer is waited for any more. */
void replicator_push_cancel(struct replicator *r);
void replicator_push_release(struct replicator *r);

#endif
