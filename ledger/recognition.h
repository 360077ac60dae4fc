/* Recognised logs (specs/registry.md#recognition): which logs count for whoever pins an authority's
 * roots, about which agencies and in whose roles, and where they are to be had.
 *
 * Vocabulary: a *pin* is a named set of roots that a node's operator chose, and how many of them
 * must have signed. A log is *anchored* by a pin if so many of its roots are among the authority
 * keys whose lines stand on its log.opened. A log.recognised in an anchored or recognised log
 * *recognises* the log that it names, by its key; the *recogniser* is the log in which the event
 * stands. Of what one log says of another, the latest holds: a log.recognised with its *bounds*
 * (the agencies about which the other counts, and whose roles), or a recognition.withdrawn. A *way*
 * is the recognitions that lead from an anchored log to another, all of them for the agency and the
 * role in question; its *depth* is how many.
 *
 * What is recognised is a function of the pins and of the logs' accepted entries up to the sizes
 * that are named, in whatever order they came here: of several ways to one log the shortest holds,
 * then the one whose last recognition began first (stamp, origin of the recogniser, index).
 * Agencies and roles have each their own ways, so that nobody's recognition of a log, with narrower
 * bounds, takes from that log what another gives it. So the answer for a log hangs on the logs of
 * its way alone: whoever holds these, at the same sizes, comes to the same. */
#ifndef DUTYLOG_LEDGER_RECOGNITION_H
#define DUTYLOG_LEDGER_RECOGNITION_H

#include "ledger/accept.h"
#include "ledger/opened.h"

#define PIN_ROOTS_MAX 16
#define PIN_NAME_MAX 64
#define RECOGNITION_DEPTH_MAX 4
#define RECOGNITION_ADDRESS_MAX 1000
#define RECOGNITION_OPERATOR_MAX 64
#define RECOGNITION_ORIS_MAX 64
#define RECOGNITION_STATES_MAX 64
/* Bounds, so that no log that is recognised by mistake, and no log that such a one recognises, can
 * take the room of the others, or a node's time. What is beyond them is not recognised there. */
#define RECOGNISED_MAX 4096 /* all; and what one anchored log recognises */
#define RECOGNISED_BELOW_MAX                                                                       \
    1024                       /* that hang on one log of depth 1, and that such a one recognises */
#define RECOGNISED_DEEP_MAX 64 /* that one log of depth 2 or more recognises */
#define RECOGNITIONS_MAX                                                                           \
    16384 /* looked at to find what to mirror; of one origin in one log, one                       \
           */

struct pin {
    char name[PIN_NAME_MAX + 1];
    struct vkey roots[PIN_ROOTS_MAX];
    size_t root_count;
    size_t threshold; /* 1 to root_count */
};

/* The roles that a recognition has to name if their events are to count. */
#define RECOGNITION_ROLES ((uint32_t)(ROLE_COURT | ROLE_OVERSIGHT | ROLE_POST))

struct recognition_bounds {
    size_t ori_count;
    size_t state_count; /* neither: any agency */
    char oris[RECOGNITION_ORIS_MAX][ORI_SIZE];
    char states[RECOGNITION_STATES_MAX][2];
    uint32_t roles; /* of RECOGNITION_ROLES */
};
/* Those of a parsed log.recognised. */
void recognition_bounds_of(const struct event *event, struct recognition_bounds *out);
/* Do they have the agency, by its ORI or by the state that this begins with? */
bool recognition_covers(const struct recognition_bounds *bounds, const char ori[ORI_SIZE]);

/* --- rows --- */

/* Writes who of the authority signed a log.opened that was accepted, or what an accepted
 * log.recognised or recognition.withdrawn says. Write transaction. */
enum status recognition_put_opened(struct store_txn *txn, uint32_t log,
                                   const struct event *event) MUST_USE;
enum status recognition_put(struct store_txn *txn, uint32_t log, const struct event *event,
                            uint64_t index, uint64_t stamp_ms) MUST_USE;
/* Acceptance of a log.recognised or recognition.withdrawn: of another log, under the key that this
 * log gave that origin before, if it did; and only what is recognised is withdrawn. BAD_MEMBER. */
enum status recognition_check(struct store_txn *txn, const struct log *log,
                              const struct event *event, struct refusal *why) MUST_USE;

/* What one log says of another: texts are terminated. */
struct recognition {
    bool withdrawn; /* then without bounds; address and operator are those that were said last */
    uint64_t index;
    uint64_t stamp_ms;
    uint64_t since_index; /* where it began: the first log.recognised since the last withdrawal */
    uint64_t since_ms;    /* its stamp */
    uint32_t place;       /* of the origin among those that the log ever recognised, from 1 */
    struct vkey vkey;
    char address[RECOGNITION_ADDRESS_MAX + 1];
    char operator_name[RECOGNITION_OPERATOR_MAX + 1];
    struct recognition_bounds bounds;
};
/* The latest that the log `by` says of an origin in its first `size` entries. NOT_FOUND. */
enum status recognition_get(struct store_txn *txn, uint32_t by, struct bytes origin, uint64_t size,
                            struct recognition *out) MUST_USE;

/* Do enough of the pin's roots stand among these keys? */
bool pin_holds(const struct pin *pin, const struct sign_public *keys, size_t count);
/* The public keys of the authority whose lines a parsed log.opened carries, at most
 * EVENT_SIGNATURES_MAX; whether they verify is the caller's to know. */
size_t recognition_signers(const struct event *opened,
                           struct sign_public keys[static EVENT_SIGNATURES_MAX]);

/* Is the entry (stamped note) a log.opened whose lines verify, anchored by the pin? Then what it
 * says. Whether it stands at index 0 of its log is for whoever pulls that to find. BAD_FORM,
 * BAD_MEMBER, DENIED_SIGNATURE; DENIED_KEY: too few of the pin's roots signed it. */
enum status recognition_verify_opened(struct bytes entry, const struct pin *pin, struct opened *out,
                                      struct refusal *why) MUST_USE;

/* How often an opening, a recognition or a withdrawal was written to this store: tells whether
 * there is anything new. */
enum status recognition_count(struct store_txn *txn, uint64_t *count) MUST_USE;

/* --- what counts --- */

/* What is asked. */
struct recognition_view {
    const char *ori; /* the agency, ORI_SIZE characters: only recognitions that cover it are looked
                        at, of logs that are held here under the key that they name; NULL: all,
                        whatever their bounds, as for what to mirror */
    /* How many entries of a log are looked at; 0: the log is not named, and is no recogniser. NULL:
     * all that this store accepted. */
    uint64_t (*size_of)(void *context, uint32_t log);
    void *context;
};

/* For whom there is a way: signers in any other role, and in each that has to be named. */
enum recognition_class {
    RECOGNISED_AT_ALL,
    RECOGNISED_COURT,
    RECOGNISED_OVERSIGHT,
    RECOGNISED_POST,
    RECOGNISED_CLASSES
};

struct recognition_way {
    bool known;
    unsigned depth;
    size_t pin;           /* which of the pins it begins at */
    size_t parent;        /* place in the list of its last recogniser; of depth 0, its own */
    uint32_t by;          /* that recogniser; 0: anchored */
    uint64_t index;       /* of its latest log.recognised, which says the bounds */
    uint64_t since_index; /* where that recognition began */
    uint64_t since_ms;
};

struct recognised {
    struct vkey vkey;
    uint32_t log;   /* this node's number for it; 0: not known here yet */
    bool other_key; /* this node knows the origin with another key: it cannot be held here */
    bool withdrawn; /* without an agency in the view: it counts no more, by the entry `index`, and
                       none of its own recognitions is looked at */
    size_t top;     /* place in the list of the log of depth 1 that it hangs on; of depth 0 and 1,
                       its own */
    struct recognition_way ways[RECOGNISED_CLASSES]; /* the first is known */
};

/* Big: from malloc. */
struct recognition_set {
    struct recognition_view view;
    bool unpinned; /* there are no pins: nothing is recognised, and everything counts */
    struct recognised list[RECOGNISED_MAX];
    size_t count;
    size_t looked;                  /* recognitions */
    bool full;                      /* a bound was reached: there are more */
    uint16_t below[RECOGNISED_MAX]; /* by place: how many hang on it, of depth 1 */
    uint16_t buckets[2 * RECOGNISED_MAX];
};
/* Finds all that is anchored or recognised, as the view has it. With an agency in the view it takes
 * a few reads for each log that is recognised for that agency, however many others there are. */
enum status recognition_find(struct store_txn *txn, const struct pin *pins, size_t pin_count,
                             const struct recognition_view *view,
                             struct recognition_set *out) MUST_USE;
/* The one with this origin, or NULL. Borrowed. */
const struct recognised *recognition_of(const struct recognition_set *set, struct bytes origin);

/* An entry of a log, by this node's number. */
struct recognition_entry {
    uint32_t log;
    uint64_t index;
};

/* Whether a log counts for signers of a role, about the agency and at the sizes of a set's view. */
struct recognition_scope {
    bool counts;
    bool pinned;    /* false: there are no pins, and everything counts */
    bool withdrawn; /* it does not count, and a log that does has withdrawn it */
    size_t
        pin; /* where the way begins: that of the log, or, if withdrawn, of the one that did so */
    size_t depth;                                          /* how many entries the way has */
    struct recognition_entry chain[RECOGNITION_DEPTH_MAX]; /* its log.recognised, the nearest first:
                                                              the log in which the last one stands
                                                              is anchored */
    struct recognition_entry withdrawal; /* if withdrawn: the first by depth, stamp, origin */
};
/* Of a log that this store knows, and a signer's role: for those that a recognition need not name
 * (0 among them) it is the log itself that counts. recognition_counts is the same without the
 * reasons, and reads nothing. */
bool recognition_counts(const struct recognition_set *set, const struct log *log, uint32_t role);
enum status recognition_scope_of(struct store_txn *txn, const struct recognition_set *set,
                                 const struct log *log, uint32_t role,
                                 struct recognition_scope *out) MUST_USE;

#endif
