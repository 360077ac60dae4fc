/* Opaque entries, and stores to put them into. */
#ifndef DUTYLOG_BENCH_ENTRIES_H
#define DUTYLOG_BENCH_ENTRIES_H

#include "ledger/logs.h"
#include "tests/bench/bench.h"

#define ENTRY_SIZE 512 /* about that of a signed event */

/* Entry `index`: bytes that do not repeat. */
void entry_fill(uint8_t entry[ENTRY_SIZE], uint64_t index);
/* Opens a new store at `path`; `no_sync`: where only sizes are of interest. */
struct store *entries_store(const char *path, bool no_sync);
void entries_register(struct store *store, const struct vkey *vkey, uint32_t flags,
                      struct log *out);
/* How many such entries per second the cores could hash into a tree: the leaf, and one node. */
double bound_entries(unsigned threads);

#endif
