/* A hosted log for tests: a world (tests/lib/world.h) whose log lives in a strict store in memory
 * and is written through batches, as the daemon does it. */
#ifndef DUTYLOG_TESTS_LIB_HOSTED_H
#define DUTYLOG_TESTS_LIB_HOSTED_H

#include "ledger/sequencer.h"
#include "ledger/store_memory.h"
#include "tests/lib/flaky.h"
#include "tests/lib/world.h"

#define HOSTED_MANY 16

struct hosted {
    struct world world;
    struct store *memory; /* the store in memory */
    struct flaky flaky;   /* around it: fails where a test says */
    struct store *store;  /* that one, which everything here uses */
    struct log log;
    struct batch *batch;
    uint64_t now_ms;              /* the clock: WORLD_TIME_MS at first */
    enum store_memory_fault next; /* of the next commit; reset by it */
    enum status fate;             /* of the last batch */
    uint64_t commits;
};

/* Opens an empty log of the world "agency.example/log", or of another origin. */
void hosted_open(struct hosted *h);
void hosted_open_named(struct hosted *h, const char *origin);
void hosted_close(struct hosted *h);
/* Submits what world_start made; all are accepted. */
void hosted_start(struct hosted *h);

/* Runs one job as a batch of its own; keeps its fate in h->fate. */
void hosted_run(struct hosted *h, struct job *job);
/* Submits notes as one request. The submissions are prepared against what is committed. */
void hosted_submit_many(struct hosted *h, const struct bytes *notes, size_t count,
                        struct submit_result *results);
struct submit_result hosted_submit(struct hosted *h, struct bytes note);
/* Submits and checks that the note became the next entry. Its index. */
uint64_t hosted_accept(struct hosted *h, struct bytes note);
/* Submits and checks that it is refused with this status and a text that has `says` in it, and that
 * the store is unchanged (but for a kept conflict). */
struct submit_result hosted_refuse(struct hosted *h, struct bytes note, enum status status,
                                   const char *says);

/* What the log knows of a key that is known to it. */
struct issuer hosted_issuer(struct hosted *h, enum world_who who);
/* The size of the log as committed. */
uint64_t hosted_size(struct hosted *h);
/* Cuts a candidate of all that is committed. */
struct head hosted_cut(struct hosted *h);
/* Cuts a candidate, has a set of mirrors cosign it at `time` (seconds) and publishes it. Its size.
 */
uint64_t hosted_publish(struct hosted *h, uint64_t time, uint32_t mirrors);

/* A hash over every pair of a store. */
struct hash store_digest(struct store *store);
/* The same, without one table's pairs; and of the tables in a string only. */
struct hash store_digest_without(struct store *store, uint8_t table);
struct hash store_digest_of(struct store *store, const char *tables);

#endif
