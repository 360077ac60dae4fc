/* Recognised logs (specs/registry.md#recognition): which logs count for whoever pins an authority's
 * roots, and where they are to be had.
 *
 * Vocabulary: a *pin* is a named set of roots that a node's operator chose, and how many of them
 * must have signed. A log is *anchored* by a pin if so many of its roots are among the authority
 * keys whose lines stand on its log.opened. A log.recognised in an anchored or recognised log
 * *recognises* the log that it names, by its key; *depth* is how many recognitions lead there from
 * an anchored log, which has 0. The *recogniser* is the log in which the event stands.
 *
 * What is recognised is a function of the pins and of the logs' accepted entries, in whatever order
 * they came here: of several recognitions of one origin the one of the smallest depth holds, then
 * the first in the order (stamp, origin of the recogniser, index). There are no cycles: what is
 * recognised already is not recognised again. Nothing takes a recognition back. */
#ifndef DUTYLOG_LEDGER_RECOGNITION_H
#define DUTYLOG_LEDGER_RECOGNITION_H

#include "ledger/accept.h"
#include "ledger/opened.h"

#define PIN_ROOTS_MAX 16
#define PIN_NAME_MAX 64
#define RECOGNITION_DEPTH_MAX 4
#define RECOGNITION_ADDRESS_MAX 1000
#define RECOGNITION_OPERATOR_MAX 64
/* Bounds, so that no log that is recognised by mistake, and no log that such a one recognises, can
 * take the room of the others, or a node's time. What is beyond them is not recognised there. */
#define RECOGNISED_MAX 4096       /* all */
#define RECOGNISED_BELOW_MAX 1024 /* that hang on one log of depth 1, or on a deeper one */
#define RECOGNITIONS_MAX 16384    /* looked at; of one origin in one log, one */

struct pin {
    char name[PIN_NAME_MAX + 1];
    struct vkey roots[PIN_ROOTS_MAX];
    size_t root_count;
    size_t threshold; /* 1 to root_count */
};

/* --- rows --- */

/* Writes who of the authority signed a log.opened that was accepted, or who an accepted
 * log.recognised names. Write transaction. */
enum status recognition_put_opened(struct store_txn *txn, uint32_t log,
                                   const struct event *event) MUST_USE;
enum status recognition_put(struct store_txn *txn, uint32_t log, const struct event *event,
                            uint64_t index, uint64_t stamp_ms) MUST_USE;
/* Acceptance of a log.recognised: of another log, and under the key that this log gave that origin
 * before, if it did. BAD_MEMBER. */
enum status recognition_check(struct store_txn *txn, const struct log *log,
                              const struct event *event, struct refusal *why) MUST_USE;

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

/* How often a recognition or an opening was written to this store: tells whether there is anything
 * new. */
enum status recognition_count(struct store_txn *txn, uint64_t *count) MUST_USE;

/* --- what counts --- */

struct recognised {
    struct vkey vkey;
    uint32_t log;   /* this node's number for it; 0: not known here yet */
    bool other_key; /* this node knows the origin with another key: it cannot be held here */
    unsigned depth;
    size_t pin;     /* which of the pins it hangs on */
    size_t top;     /* place in the list of the log of depth 1 that it hangs on; of depth 0 and 1,
                       its own */
    uint32_t by;    /* the recogniser; 0: anchored */
    uint64_t index; /* of the log.recognised */
    uint64_t stamp_ms;
};

/* Big: from malloc. */
struct recognition_set {
    struct recognised list[RECOGNISED_MAX];
    size_t count;
    size_t looked;                  /* recognitions */
    bool full;                      /* a bound was reached: there are more */
    uint16_t below[RECOGNISED_MAX]; /* by place: how many hang on it, of depth 1 */
    uint16_t buckets[2 * RECOGNISED_MAX];
};
/* Finds all that is anchored or recognised. */
enum status recognition_find(struct store_txn *txn, const struct pin *pins, size_t pin_count,
                             struct recognition_set *out) MUST_USE;
/* The one with this origin, or NULL. Borrowed. */
const struct recognised *recognition_of(const struct recognition_set *set, struct bytes origin);

/* What the recogniser says of it, by its latest log.recognised with this origin: texts are
 * terminated. NOT_FOUND. */
struct recognition {
    uint64_t index;
    char address[RECOGNITION_ADDRESS_MAX + 1];
    char operator_name[RECOGNITION_OPERATOR_MAX + 1];
    char ori[ORI_SIZE + 1]; /* "": none */
};
enum status recognition_get(struct store_txn *txn, uint32_t by, struct bytes origin,
                            struct recognition *out) MUST_USE;

#endif
