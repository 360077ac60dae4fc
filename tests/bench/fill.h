/* A store that holds a large log of events before its node is first started. */
#ifndef DUTYLOG_BENCH_FILL_H
#define DUTYLOG_BENCH_FILL_H

#include "tests/bench/events.h"

/* The log's beginning, and then events of the desks from the `first` on, whose signatures nobody
 * made: at least `entries` in all. */
void fill_store(const struct bench_node *node, struct desks *desks, size_t first, uint64_t entries);

#endif
