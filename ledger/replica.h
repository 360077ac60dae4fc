/* The log's side of replication, as a state machine: events in, actions out. It owns no socket,
 * store, clock or thread; time arrives inside the event. The daemon (net/replicator) and the
 * simulator drive the same code.
 *
 * Publishing goes in rounds. In a round one *candidate*, the only checkpoint that is signed, is
 * pushed to every mirror of the policy, none being sent a larger one before the round ends; a
 * cosignature counts only on the candidate. At quorum the cosigned checkpoint is persisted, then
 * served, and whoever waits is answered; the next candidate covers all that was committed
 * meanwhile. A mirror that is behind goes on being pushed the candidate of the day. After
 * `round_timeout_ms` without quorum the round is given up and the next candidate is cut (if more
 * was committed; else the same one goes on). An unchanged candidate is cosigned afresh every hour,
 * and every minute while the mirrors' clocks disagree with ours.
 *
 *   IDLE ──commit or refresh due──▶ CUTTING ──durable──▶ PUSHING ──quorum──▶ PUBLISHING
 * ──durable──▶ IDLE └──timeout──▶ IDLE        any ──proof of a larger head──▶ HALTED
 *
 * A policy that changes needs both quorums: while the candidate covers a log.policy entry that no
 * published checkpoint covers, the old and the new policy must both be met, and the mirrors of both
 * are pushed to.
 *
 * Per mirror: UNKNOWN (its pending size not known) ─▶ CHECKPOINT (add-checkpoint under way) ─▶
 * ENTRIES (add-entries under way, in pieces) ─▶ DONE (cosigned this candidate); any failure ─▶
 * BACKOFF, doubling from 250 ms to 30 s, then again. One request per mirror is under way at any
 * time.
 *
 * A mirror that claims (409) a larger pending size than we ever signed is not believed: its pending
 * checkpoint is fetched, and only our own signature on a larger size, or on another root, HALTS the
 * log: nothing is signed any more.
 *
 * Actions come in causal order, and the host may not reorder them. */
#ifndef DUTYLOG_LEDGER_REPLICA_H
#define DUTYLOG_LEDGER_REPLICA_H

#include "ledger/policy.h"
#include "ledger/push.h"
#include "ledger/sequencer.h"

#define REPLICA_MIRRORS_MAX POLICY_WITNESSES_MAX
#define REPLICA_ACTIONS_MAX (REPLICA_MIRRORS_MAX + 8)

struct replica_options {
    uint64_t round_timeout_ms;   /* default 5,000 */
    uint64_t refresh_ms;         /* default 3,600,000 */
    uint64_t clock_refresh_ms;   /* default 60,000 */
    uint64_t request_timeout_ms; /* default 10,000: the host's, kept here so that both know */
};
extern const struct replica_options replica_defaults;

enum replica_state {
    REPLICA_IDLE,
    REPLICA_CUTTING,
    REPLICA_PUSHING,
    REPLICA_PUBLISHING,
    REPLICA_HALTED
};
enum replica_mirror_state {
    MIRROR_UNKNOWN,
    MIRROR_CHECKPOINT,
    MIRROR_ENTRIES,
    MIRROR_DONE,
    MIRROR_BACKOFF,
    MIRROR_FETCHING, /* its pending checkpoint, after a claim of a larger head */
};

struct replica_mirror {
    struct vkey vkey;
    char url[POLICY_URL_MAX + 1];
    enum replica_mirror_state state;
    uint64_t pending;    /* last known size of its pending checkpoint */
    uint64_t next_entry; /* last known */
    uint64_t cosigned;   /* largest size it cosigned */
    uint64_t target;     /* size of the candidate that the request under way is about */
    uint64_t retry_at_ms;
    uint64_t backoff_ms;
    int64_t offset_seconds; /* its clock minus ours, at its last cosignature */
    bool has_offset;
    uint64_t failures; /* in a row */
    uint8_t ticket[TICKET_SIZE_MAX];
    size_t ticket_len;
};

struct replica {
    /* Fields are for reading (status page, metrics, the simulator's checkers); only replica_step
     * writes them. */
    struct replica_options options;
    struct vkey log_vkey;
    enum replica_state state;
    uint64_t now_ms; /* of the last event: wall clock, milliseconds */
    uint64_t committed;
    uint64_t signed_size; /* signed head */
    uint64_t published;
    struct head candidate;
    uint64_t candidate_since_ms;
    uint64_t published_at_ms;
    struct policy *policy; /* in force at the published size; NULL: none yet; owned by the host, see
                              replica_event */
    struct policy *incoming; /* the one that the candidate will bring into force; NULL: none */
    uint64_t incoming_index;
    struct replica_mirror mirrors[REPLICA_MIRRORS_MAX];
    size_t mirror_count;
    /* cosignature lines gathered on the candidate, by mirror */
    struct {
        bool have;
        uint64_t timestamp;
        size_t len;
        uint8_t line[3 + 1 + NAME_SIZE_MAX + 1 + 104 + 1];
    } lines[REPLICA_MIRRORS_MAX];
    char halted_why[REFUSAL_TEXT_MAX];
};

enum replica_event_type {
    REPLICA_START,     /* once, first: now, committed, head (size 0: none), published size */
    REPLICA_POLICY,    /* a log.policy entry at `index` was committed (or found at start): `policy`,
                          borrowed until the    replica says ACTION_RELEASE_POLICY for it */
    REPLICA_COMMITTED, /* the log's committed size is now `size` */
    REPLICA_CUT,       /* answer to ACTION_CUT: `status`, `head` */
    REPLICA_PUBLISHED, /* answer to ACTION_PUBLISH: `status` */
    REPLICA_RESPONSE,  /* answer to any ACTION_SEND_*: mirror, http (0: unreachable or timed out),
                          body */
    REPLICA_TICK,      /* time passed */
};

struct replica_event {
    enum replica_event_type type;
    uint64_t now_ms;
    uint64_t size;
    uint64_t published;
    uint64_t index;
    enum status status;
    const struct head *head; /* borrowed for the call */
    struct policy *policy;
    size_t mirror;
    unsigned http;
    struct bytes body; /* borrowed for the call */
};

enum replica_action_type {
    ACTION_CUT,             /* run a cut_job with `expected` */
    ACTION_SEND_CHECKPOINT, /* POST add-checkpoint to `mirror`: old `old_size`, the candidate */
    ACTION_SEND_ENTRIES,    /* POST add-entries to `mirror`: [start, end), its ticket */
    ACTION_FETCH_PENDING, /* GET /witness/<hex>/checkpoint of `mirror`, answered by REPLICA_RESPONSE
                           */
    ACTION_PUBLISH, /* run a publish_job: note (borrowed until the next step), size, quorum_time */
    ACTION_SERVE,   /* the published size is now `size`: answer who waits */
    ACTION_HALT,    /* stop signing for good; `why`; keep `note`, the proof, if any */
    ACTION_RELEASE_POLICY, /* `policy` is not used any more */
};

struct replica_action {
    enum replica_action_type type;
    size_t mirror;
    uint64_t expected;
    uint64_t old_size;
    uint64_t start;
    uint64_t end;
    uint64_t size;
    uint64_t quorum_time;
    struct bytes note;
    struct policy *policy;
    const char *why;
};

struct replica_actions {
    struct replica_action items[REPLICA_ACTIONS_MAX];
    size_t count;
    uint64_t wake_at_ms; /* when the next TICK is due at the latest; UINT64_MAX: never */
    uint8_t note[CHECKPOINT_SIZE_MAX]; /* memory for ACTION_PUBLISH's note */
};

void replica_init(struct replica *replica, const struct vkey *log_vkey,
                  const struct replica_options *options);
/* Takes one event, gives the actions. Asserts that the event is one the host may send now. */
void replica_step(struct replica *replica, const struct replica_event *event,
                  struct replica_actions *actions);
/* False while the clocks of a quorum of mirrors are more than COSIGN_OFFSET_MAX_SECONDS from ours:
 * stamp nothing. */
bool replica_may_stamp(const struct replica *replica);
/* Asserts everything that must hold between steps; called at the end of each. */
void replica_check(const struct replica *replica);
const char *replica_state_name(enum replica_state state);
const char *replica_mirror_state_name(enum replica_mirror_state state);

#endif
