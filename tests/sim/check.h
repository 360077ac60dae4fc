/* What must hold, after every step: the guarantees of design section 1 as far as the simulator can
 * see them, which is further than any node can. A check that fails ends the run (sim_fail).
 *
 *   G1  A receipt verifies, and every honest mirror that it names holds the entries durably, then
 *       and ever after.
 *   G2  Two signed checkpoints of one log that exclude each other, once compared, leave evidence or
 *       are listed as unreconciled; evidence verifies; there is none against an honest log.
 *   G3  An honest log signs one history, in one chain of heads, one candidate a round. An honest
 *       cosigner signs one history of each log, sizes and times never going back.
 *   end  Once the faults stop, everything converges. */
#ifndef DUTYLOG_TESTS_SIM_CHECK_H
#define DUTYLOG_TESTS_SIM_CHECK_H

#include "ledger/fork.h"
#include "tests/sim/sim.h"

/* The round of a host's process, by what it lets out. */
struct round {
    uint64_t size;
    uint64_t since; /* by the host's clock, following it when it jumps back */
    bool over;      /* published, or its time is up */
};

/* --- logs (check_log.c) --- */

void check_started(struct node *host, struct book *book, uint64_t signed_size, uint64_t published,
                   struct round *round);
void check_round(const struct node *host, struct round *round);
/* A head was signed and is durable. */
void check_cut(struct node *host, struct book *book, uint64_t expected, const struct head *head,
               struct round *round);
/* A candidate leaves for a mirror. */
void check_candidate(struct node *host, struct book *book, struct bytes note,
                     const struct round *round);
void check_published(struct node *host, struct book *book, struct bytes note, uint64_t size,
                     struct round *round);
void check_halt(struct node *host, const struct book *book, struct bytes proof);
/* Every entry that clients were told of is in the history, as far as that goes. */
void check_promises(struct book *book);

/* --- mirrors (check_mirror.c) --- */

/* A cosignature leaves. */
void check_cosigned(struct node *node, size_t book, enum watch_role role, uint64_t size,
                    const struct hash *root, uint64_t time);
/* What it promised is on its disk: after every batch and at every start. */
void check_node(struct node *node);
/* The disk is an old copy: promises of what came later are void. `bare`: no head file says what its
 * log signed. */
void check_restored(struct node *node, bool bare);
void check_judged(struct node *node, size_t book, uint64_t judged);
void check_examined(struct node *node, size_t book, struct bytes note, enum status status,
                    enum fork_outcome outcome);
/* True if a crash now would leave that root at that size. */
bool check_durable(struct node *node, size_t book, uint64_t size, const struct hash *root);
/* The histories of the book that have this root at this size, as bits. */
uint32_t check_histories(const struct book *book, uint64_t size, const struct hash *root);

/* --- clients (check_receipt.c) --- */

void check_promise(struct book *book, const struct item *item);
void check_receipt(struct book *book, const struct item *item);
void check_refused(const struct client *client, const struct item *item);

/* --- the end (check_end.c) --- */

/* NULL: all has converged; else what has not: in words, or the name of a client that waits for a
 * receipt or of a mirror that is down. Borrowed from the simulator. */
const char *check_unfinished(struct sim *sim);
/* Every store whole, judged as accepted, promises kept. */
void check_end(struct sim *sim);

#endif
