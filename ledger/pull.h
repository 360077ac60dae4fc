/* Pulling a log from its tiles, as a state machine: events in, actions out, like ledger/replica.h.
 * The host (net/puller, the simulator) does the fetching and runs the jobs.
 *
 * What is pulled enters by the same jobs as what is pushed: the checkpoint as add-checkpoint, with
 * the consistency proof computed of fetched tiles; entries as packages, with subtree proofs
 * computed likewise. So a lying server can make nothing be stored that the log did not sign.
 *
 *   WAITING ─▶ HEAD (fetch checkpoint) ─▶ PROVING (fetch the tiles of SUBPROOF(m, D[n], false) from
 *   our pending size m to n) ─▶ ADDING (add_checkpoint_job) ─▶ FILLING (fetch some bundles, and the
 *   tiles of their proofs) ─▶ STORING (package_jobs) ─▶ FILLING … ─▶ ENDING (upload_end_job) ─▶
 *   WAITING. A failure of any kind: WAITING, longer each time.
 *
 * Evidence comes by the way: if the fetched tiles rebuild the root signed at n and yet give another
 * root at m than the one signed there, the list is what evidence (b) needs, also where m is a power
 * of two (ledger/fork.h). Reconciling a checkpoint that was seen elsewhere is a round that begins
 * with that one in place of the fetched.
 *
 * At most PULL_FETCHES_MAX requests are under way, all of one log. */
#ifndef DUTYLOG_LEDGER_PULL_H
#define DUTYLOG_LEDGER_PULL_H

#include "ledger/fork.h"
#include "ledger/mirror.h"
#include "ledger/pull_tiles.h"

#define PULL_BUNDLES_MAX 4 /* packages fetched and stored at a time */
#define PULL_FETCHES_MAX (PULL_TILES_MAX + PULL_BUNDLES_MAX)
#define PULL_ACTIONS_MAX (2 * PULL_FETCHES_MAX)
/* The longest answer to a fetch. */
#define PULL_RESPONSE_MAX BUNDLE_SIZE_MAX

/* What the mirror holds of the log; the host reads it from the store (pull_held) for each event
 * that asks for it, since pushes go on meanwhile. */
struct pull_held {
    bool any; /* a pending checkpoint */
    uint64_t pending;
    struct hash root; /* at `pending` */
    uint64_t next_entry;
    uint64_t mirrored; /* size of the mirror checkpoint */
};
enum status pull_held(struct store_txn *txn, uint32_t log, struct pull_held *out) MUST_USE;

enum pull_state {
    PULL_WAITING,
    PULL_HEAD,
    PULL_PROVING,
    PULL_ADDING,
    PULL_FILLING,
    PULL_STORING,
    PULL_ENDING
};

struct pull_fetch {
    struct tile tile;
    bool head;  /* the checkpoint, no tile */
    bool whole; /* the whole tile is asked for, its partial form being gone */
    bool under_way;
    bool kept; /* a bundle whose body the host keeps */
    struct bytes body;
    uint64_t start; /* of a bundle: the package */
    uint64_t end;
};

struct pull {
    /* Fields are for reading; only pull_step writes them. */
    struct log log;
    uint64_t interval_ms;
    struct pull_tiles *tiles;
    enum pull_state state;
    uint64_t now_ms;
    uint64_t due_ms; /* while waiting */
    uint64_t failures;
    const char *failure; /* of the last round, in words; NULL: none */
    bool failed;         /* this round: it ends when nothing is under way */
    struct pull_held held;
    uint8_t note[CHECKPOINT_SIZE_MAX]; /* the checkpoint of the round */
    size_t note_len;
    uint64_t size;
    struct hash root;
    bool wanted; /* another checkpoint waits to be reconciled */
    uint8_t wanted_note[CHECKPOINT_SIZE_MAX];
    size_t wanted_len;
    struct hash judged; /* text of the last checkpoint given to ACTION_PULL_JUDGE, hashed */
    struct upload upload;
    uint64_t next;  /* first entry of the next window of packages */
    uint64_t saved; /* packages stored in this upload */
    struct pull_fetch fetches[PULL_FETCHES_MAX];
    size_t fetch_count;
    size_t storing; /* package jobs under way */
};

enum pull_event_type {
    PULL_TICK,      /* time passed; `held` */
    PULL_FETCHED,   /* answer to ACTION_PULL_FETCH: fetch, http (0: unreachable), body, `held` */
    PULL_ADDED,     /* add_checkpoint_job done: http, `held` */
    PULL_STORED,    /* one package_job done, in order: status */
    PULL_ENDED,     /* upload_end_job done: http */
    PULL_RECONCILE, /* a checkpoint was seen that is suspicious: `body`; `held` */
};

struct pull_event {
    enum pull_event_type type;
    uint64_t now_ms;
    const struct pull_held *held; /* borrowed for the call */
    size_t fetch;
    unsigned http;
    struct bytes body; /* borrowed for the call; of a bundle: until ACTION_PULL_RELEASE */
    enum status status;
};

enum pull_action_type {
    ACTION_PULL_FETCH,   /* GET <the log's url>/<path> */
    ACTION_PULL_ADD,     /* run an add_checkpoint_job with old size `old_size`, `proof` and `note`
                            (add_checkpoint_format makes the body) */
    ACTION_PULL_STORE,   /* run a package_job: `package`, proved against `upload` */
    ACTION_PULL_END,     /* run an upload_end_job: `upload`, `saved` */
    ACTION_PULL_JUDGE,   /* run a fork_job: `note`, `old_size`, `proof` (a subproof if it
                            has any hashes); what becomes of
                            it is not reported here */
    ACTION_PULL_RELEASE, /* the body of bundle `fetch` is not used any more */
};

struct pull_action {
    enum pull_action_type type;
    size_t fetch;
    char path[TILE_PATH_MAX]; /* of a fetch */
    uint64_t old_size;
    struct merkle_proof proof;
    struct bytes note;      /* borrowed from the pull until the next step */
    struct package package; /* borrows from the bundle's body */
    struct upload *upload;  /* borrowed from the pull until the jobs are done */
    uint64_t saved;
};

struct pull_actions {
    struct pull_action items[PULL_ACTIONS_MAX];
    size_t count;
    uint64_t wake_at_ms; /* when the next TICK is due at the latest; UINT64_MAX: something is under
                            way */
};

/* `tiles` is borrowed; one may serve several pulls if they take turns, never interleaved. */
void pull_init(struct pull *pull, const struct log *log, uint64_t interval_ms,
               struct pull_tiles *tiles);
/* Takes one event, gives the actions, in causal order. Asserts that the event may come now. */
void pull_step(struct pull *pull, const struct pull_event *event, struct pull_actions *actions);
const char *pull_state_name(enum pull_state state);

#endif
