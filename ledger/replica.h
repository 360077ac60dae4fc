/* The log's side of replication, as a state machine: events in, actions out. It owns no socket,
 * store, clock or thread; time arrives inside the event. The daemon (net/replicator) and the
 * simulator drive the same code. specs/replication.md is the same in prose.
 *
 * Publishing goes in rounds. In a round one *candidate*, the only checkpoint that is signed, is
 * pushed to every mirror of the policy, none being sent a larger one before the round ends; a
 * cosignature counts only on the candidate. At quorum the cosigned checkpoint is persisted, then
 * served, and whoever waits is answered; the next candidate covers all that was committed
 * meanwhile. A mirror that is behind goes on being pushed the candidate of the day; cosignatures
 * that come after the quorum are added to the published checkpoint while nothing else is due.
 * After `round_timeout_ms` without quorum the round is given up: the next candidate is cut as soon
 * as more is committed (each round given up in a row doubles the next one's time, up to eightfold,
 * so that mirrors slower than the timeout are not starved for ever); until then the same one goes
 * on. An unchanged candidate is cosigned afresh every hour, and every minute while the mirrors'
 * clocks disagree with ours.
 *
 *   IDLE ──more committed, or coming──▶ CUTTING ──durable──▶ PUSHING ──quorum──▶ PUBLISHING
 * ──durable──▶ IDLE └──timeout──▶ IDLE (still pushed) any ──proof of another or larger head──▶
 * HALTED
 *
 * A policy that changes needs both quorums: while the candidate covers a log.policy entry that no
 * published checkpoint covers, the old and the new policy must both be met, and the mirrors of both
 * are pushed to. Of several such entries the last one counts: those before it were never in force.
 * Without any policy no candidate is cut.
 *
 * Per mirror: UNKNOWN (its pending size not known) ─▶ CHECKPOINT (add-checkpoint under way) ─▶
 * ENTRIES (add-entries under way, in pieces) ─▶ DONE (cosigned this candidate); any failure ─▶
 * BACKOFF, doubling from 250 ms to 30 s, then again; READY: nothing is under way, the next request
 * waits for a candidate. One request per mirror is under way at any time, and no mirror waits for
 * another. A mirror known to be in step is sent both in one: CANDIDATE (add-candidate under way) ─▶
 * DONE; if it refuses, for whatever reason, it is sent the two, whose refusals say what is amiss.
 *
 * Time. What a mirror signs is what confirms the times of events; what its clock says now, by the
 * answer's own word, decides alone whether this log stamps. A quorum that needs a line whose time
 * is over five minutes from our clock waits, within the round, for mirrors that may still answer:
 * so one mirror whose clock is wrong does not set the time of what is published.
 *
 * Nothing that a mirror says is believed beyond what it can only harm itself with: its numbers
 * choose the next request, a few such corrections in a row are followed, then it is a failure. A
 * mirror that claims (409) a larger size than we ever signed, or refuses (422) what must fit, has
 * its pending checkpoint fetched, and only our own signature on a larger size, or on another root,
 * HALTS the log: nothing is signed any more.
 *
 * After a start with a guard, nothing is stamped or cut before the quorum (or every mirror, with
 * its witness) has cosigned the last signed head afresh; a larger head that any of them shows halts
 * the log first, and so does one that the record outside the folder names, if all were heard and
 * nobody showed it. *Heard* is a mirror whose cosignature was made since the guard began, by its
 * time; that says it knows no log of this origin (404) where it was never pushed to; or that the
 * operator exempted. The guard may begin again at any time (REPLICA_GUARD).
 *
 * Actions come in causal order, and the host may not reorder them. */
#ifndef DUTYLOG_LEDGER_REPLICA_H
#define DUTYLOG_LEDGER_REPLICA_H

#include "ledger/guard.h"
#include "ledger/policy.h"
#include "ledger/push.h"
#include "ledger/sequencer.h"

/* Those of the policy in force and of the one coming; as many as fit a note beside the log's own
 * line. */
#define REPLICA_MIRRORS_MAX (NOTE_SIGNATURES_MAX - 1)
#define REPLICA_ACTIONS_MAX (REPLICA_MIRRORS_MAX + 8)

struct replica_options {
    uint64_t round_timeout_ms;   /* default 5,000 */
    uint64_t refresh_ms;         /* default 3,600,000 */
    uint64_t clock_refresh_ms;   /* default 60,000 */
    uint64_t request_timeout_ms; /* default 10,000: the host's, kept here so that both know */
    bool together;               /* default true: mirrors in step are sent add-candidate */
};
extern const struct replica_options replica_defaults;

/* Whom the guard of all need not hear. */
struct guard_terms {
    const struct guard_record *record;       /* lists the mirrors whose 404 does not count; NULL, or
                                                without a log: nobody's does. Its head, if it is of
                                                this log, was signed and may have left */
    const char (*exempt)[NAME_SIZE_MAX + 1]; /* names of mirrors' and witnesses' keys */
    size_t exempt_count;
};

enum replica_halt {
    HALT_NOT,
    HALT_LARGER, /* the log's key signed a larger head than this folder has: perhaps it is old, and
                    what it lacks can be fetched (ledger/pull.h) */
    HALT_FORKED, /* the log's key signed another root: nothing can be done */
    HALT_LOST,   /* the log's key signed what the record names, and nobody has it: likewise */
    HALT_STORE,  /* what is stored does not go on from what was signed, or is not known */
};

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
    MIRROR_CANDIDATE, /* both in one request */
    MIRROR_DONE,
    MIRROR_BACKOFF,
    MIRROR_FETCHING, /* its pending checkpoint, after a claim of a larger head */
    MIRROR_READY,    /* nothing is under way */
};

#define REPLICA_LINE_MAX (3 + 1 + NAME_SIZE_MAX + 1 + 104 + 1)

/* A place in the table of mirrors. It keeps its index as long as a request of it is under way, even
 * if the mirror leaves the policy meanwhile. */
struct replica_mirror {
    bool used;
    bool wanted; /* counted by the policy in force or the one coming */
    struct vkey vkey;
    char url[POLICY_URL_MAX + 1]; /* submission prefix; "": it can't be pushed to */
    enum replica_mirror_state state;
    bool suspect;        /* fetch its pending checkpoint before anything else */
    uint64_t pending;    /* size of its pending checkpoint, as last heard */
    uint64_t agreed;     /* size of the candidate that its add-checkpoint last took; 0: none */
    bool has_next_entry; /* next_entry was heard, not guessed */
    uint64_t next_entry; /* as last heard */
    uint64_t cosigned;   /* largest size it cosigned */
    uint64_t target;     /* size of the candidate that the request under way is about */
    uint64_t start;      /* of the add-entries under way */
    uint64_t apart_to;   /* candidates up to this size are sent by two requests */
    uint64_t retry_at_ms;
    uint64_t backoff_ms;
    uint64_t asked_ms;      /* when the request under way was sent, by our clock */
    int64_t offset_seconds; /* its clock minus ours, by its last answer: so much at least */
    bool has_offset;
    int64_t signed_offset_seconds; /* its last cosignature's time minus our clock as that came */
    bool has_signed_offset;
    uint64_t failures;    /* in a row */
    unsigned corrections; /* by 409, in a row */
    bool ignore;          /* the answer under way was asked for before the guard began */
    bool knows_nothing;   /* since the guard began: 404 */
    uint8_t ticket[TICKET_SIZE_MAX];
    size_t ticket_len;
};

/* A cosignature line gathered on the candidate. */
struct replica_line {
    bool have;
    bool off; /* its time was over COSIGN_OFFSET_MAX_SECONDS from our clock as it came */
    uint64_t timestamp;
    size_t len;
    uint8_t line[REPLICA_LINE_MAX];
};

enum replica_guard {
    GUARD_NONE,   /* the host vouches for the signed head by other means */
    GUARD_QUORUM, /* the head's copy outside the data folder matches */
    GUARD_ALL,    /* it is missing or differs: every mirror must be heard, and its witness */
};

struct replica {
    /* Fields are for reading (status page, metrics, the simulator's checkers); only replica_step
     * writes them. */
    struct replica_options options;
    struct vkey log_vkey;
    const struct guard_terms *terms; /* borrowed for the replica's life; NULL: every mirror is
                                        listed, none exempt */
    bool started;
    enum replica_state state;
    enum replica_guard guard;      /* what still must be heard before anything is stamped or cut */
    enum replica_guard guard_next; /* to begin when the cut under way is done */
    struct sign_public witnesses[REPLICA_MIRRORS_MAX]; /* heard since the guard began */
    size_t witness_count;
    uint64_t now_ms; /* of the last event: wall clock, milliseconds */
    uint64_t committed;
    uint64_t signed_size; /* signed head; the candidate's size */
    uint64_t published;
    struct head candidate;
    uint64_t candidate_since_ms; /* when its cosignatures were last begun to be gathered */
    bool gathered;               /* what was gathered since then was published at quorum */
    bool fresh;                  /* a line came that no PUBLISH had yet */
    unsigned timeouts;           /* rounds given up in a row */
    uint64_t published_at_ms;
    bool coming;             /* more is about to be committed; within a step only */
    uint64_t retry_at_ms;    /* no cut or publish before, after one failed; 0: at once */
    struct policy *policy;   /* in force at the published size; NULL: none yet; owned by the host,
                                see replica_event */
    struct policy *incoming; /* the one that the candidate will bring into force; NULL: none */
    uint64_t incoming_index;
    struct policy *next; /* committed beyond the candidate; NULL: none */
    uint64_t next_index;
    struct replica_mirror mirrors[REPLICA_MIRRORS_MAX];
    size_t mirror_count;                            /* places in use, with gaps: see `used` */
    struct replica_line lines[REPLICA_MIRRORS_MAX]; /* by mirror */
    enum replica_halt halt;
    char halted_why[REFUSAL_TEXT_MAX];
};

enum replica_event_type {
    REPLICA_START,     /* once, first: now, committed (`size`), head (size 0: none), published size,
                          guard */
    REPLICA_POLICY,    /* a log.policy entry at `index` was committed (or found at start: first the
                          one in force at the published size, then those after it, in order):
                          `policy`, borrowed until the replica says ACTION_RELEASE_POLICY for it.
                          Must come before the REPLICA_CUT whose head covers it. (An opaque log's
                          policy, which is in no entry, comes with index 0.) */
    REPLICA_COMING,    /* a job that will commit more was queued just now: if nothing is under way,
                          ACTION_CUT comes of it, whose job queued behind that one goes into the same
                          commit and saves one. Optional. */
    REPLICA_GUARD,     /* the guard begins again: `guard` */
    REPLICA_COMMITTED, /* the log's committed size is now `size` */
    REPLICA_CUT,       /* answer to ACTION_CUT: `status`, `head` */
    REPLICA_PUBLISHED, /* answer to ACTION_PUBLISH: `status` */
    REPLICA_RESPONSE,  /* answer to any ACTION_SEND_* or ACTION_FETCH_PENDING: mirror, http (0:
                          unreachable or timed out), peer_seconds, body; for a fetch also `root` */
    REPLICA_TICK,      /* time passed */
};

struct replica_event {
    enum replica_event_type type;
    uint64_t now_ms;
    uint64_t size;
    uint64_t published;
    uint64_t index;
    enum replica_guard guard;
    enum status status;
    const struct head *head; /* borrowed for the call */
    struct policy *policy;
    size_t mirror;
    unsigned http;
    uint64_t peer_seconds; /* the mirror's clock as it answered, by its own word (HTTP's Date); 0:
                              it did not say */
    struct bytes body; /* borrowed for the call; and until the actions are done, for ACTION_HALT */
    const struct hash *root; /* for a fetched checkpoint: what push_own_root gave; NULL: nothing */
};

enum replica_action_type {
    ACTION_CUT,             /* run a cut_job with `expected` */
    ACTION_SEND_CHECKPOINT, /* POST add-checkpoint to `mirror`: old `old_size`, the candidate (its
                               `size` and `note`, borrowed until the next step) */
    ACTION_SEND_ENTRIES,    /* POST add-entries to `mirror`: [start, end), its ticket */
    ACTION_SEND_CANDIDATE,  /* POST add-candidate to `mirror`: as ACTION_SEND_CHECKPOINT, and the
                               entries from `old_size` on. A body too large counts as a 413 */
    ACTION_FETCH_PENDING,   /* GET witness/<hex>/checkpoint of `mirror` */
    ACTION_PUBLISH, /* run a publish_job: note (borrowed until the next step), size, quorum_time */
    ACTION_SERVE,   /* the published size is now `size`: answer who waits */
    ACTION_HALT,    /* stop signing for good; `halt`, `why`; keep `note`, the proof, if any (it
                       borrows from the event's body), which `mirror` showed */
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
    enum replica_halt halt;
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
/* The names of those that the guard still waits for, as many as fit, a space between; nothing while
 * it waits for a quorum. */
void replica_guard_awaits(const struct replica *replica, struct writer *w);
/* Takes one event, gives the actions. Asserts that the event is one the host may send now. */
void replica_step(struct replica *replica, const struct replica_event *event,
                  struct replica_actions *actions);
/* False while the clocks of a quorum of mirrors are more than COSIGN_OFFSET_MAX_SECONDS from ours,
 * while the guard has not passed, and once halted: stamp nothing. */
bool replica_may_stamp(const struct replica *replica);
/* True if a mirror's clock, as it last answered, or the time of its last cosignature is over
 * COSIGN_OFFSET_MAX_SECONDS from ours. The two differ where a key signed a time ahead once: its
 * times never go back. */
bool replica_clock_off(const struct replica_mirror *mirror);
bool replica_signed_off(const struct replica_mirror *mirror);
/* Asserts everything that must hold between steps; called at the end of each. */
void replica_check(const struct replica *replica);
const char *replica_state_name(enum replica_state state);
const char *replica_mirror_state_name(enum replica_mirror_state state);

#endif
