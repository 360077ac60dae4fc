/* The simulator's store: the same map in memory, with a disk that fails on command.
 *
 * One thread only. Deterministic: nothing depends on addresses, time or chance. Versions share what
 * did not change, so that a snapshot, a clone and a crash cost next to nothing; any number of
 * readers may overlap one write transaction.
 *
 * What a crash leaves: commits that were durable. With `lazy_sync` a commit answers OK before it is
 * durable (the planted bug of a store that does not sync); at most STORE_MEMORY_UNSYNCED_MAX such
 * commits wait, the oldest of which then becomes durable by itself. */
#ifndef DUTYLOG_LEDGER_STORE_MEMORY_H
#define DUTYLOG_LEDGER_STORE_MEMORY_H

#include "ledger/store.h"

#define STORE_MEMORY_UNSYNCED_MAX 64

/* What happens to a commit; the four flavours of a disk. */
enum store_memory_fault {
    STORE_MEMORY_OK,
    STORE_MEMORY_FAILS,      /* STORE_FAILED: nothing of it is there */
    STORE_MEMORY_FULL,       /* FULL: nothing of it is there */
    STORE_MEMORY_DOUBT_KEPT, /* STORE_DOUBT, and it did reach the disk */
    STORE_MEMORY_DOUBT_LOST, /* STORE_DOUBT, and it did not */
};

struct store_memory_options {
    size_t max_bytes; /* of keys and values; puts beyond it: FULL. 0: 1 GiB */
    bool lazy_sync;
    /* In a write transaction, hands out copies that die at the next change, so that a sanitizer
     * finds who uses a value for too long. Slower. */
    bool strict;
    /* Asked once per commit that would succeed, in order, `commit` counting from 1; NULL: no
     * faults. */
    enum store_memory_fault (*fault)(void *context, uint64_t commit);
    void *context;
};

/* `options` may be NULL for the defaults. Returns-owned. NOMEM. */
enum status store_memory_open(const struct store_memory_options *options,
                              struct store **out) MUST_USE;
/* No transaction may be open. NULL is allowed. */
void store_memory_close(struct store *store);

/* The machine dies and starts again: what was durable is there, and of the unsynced commits the
 * oldest `kept`; a doubted store works again. No transaction may be open: abort them first. */
void store_memory_crash(struct store *store, size_t kept);
/* Makes all commits durable; the number that were not. */
size_t store_memory_sync(struct store *store);

/* A copy of what a crash now would leave, as a backup is: a store of its own, with `options` (NULL
 * for the defaults). Returns-owned. NOMEM. */
enum status store_memory_clone(struct store *store, const struct store_memory_options *options,
                               struct store **out) MUST_USE;

/* Pairs, and bytes of keys and values, as of the last commit. */
void store_memory_used(struct store *store, size_t *pairs, size_t *bytes);

#endif
