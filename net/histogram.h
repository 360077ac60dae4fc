/* How long things took, in buckets, since the process began: Prometheus histograms for /metrics.
 * Any thread may observe and read. A new one is a new row in HISTOGRAMS. */
#ifndef DUTYLOG_NET_HISTOGRAM_H
#define DUTYLOG_NET_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

/* X(name, name in /metrics, help) */
#define HISTOGRAMS(X)                                                                              \
    X(COMMIT, "dutylog_store_commit_seconds",                                                      \
      "Write transactions, from the call of commit until durable, both syncs included.")           \
    X(ROUND, "dutylog_round_seconds",                                                              \
      "Rounds, from a candidate that is signed to its publication with a quorum.")

enum histogram {
#define HISTOGRAM_ENUM(name, metric, help) HISTOGRAM_##name,
    HISTOGRAMS(HISTOGRAM_ENUM)
#undef HISTOGRAM_ENUM
        HISTOGRAM_COUNT
};

/* Upper bounds in microseconds; one more bucket takes what is larger. */
#define HISTOGRAM_BOUNDS                                                                           \
    500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, \
        10000000, 30000000
#define HISTOGRAM_BOUND_COUNT 15

void histogram_observe(enum histogram histogram, uint64_t micros);
/* Microseconds from an arbitrary start, never going back. Any thread. */
uint64_t histogram_clock(void);

struct histogram_view {
    const char *name; /* static, as the help */
    const char *help;
    uint64_t bounds[HISTOGRAM_BOUND_COUNT]; /* microseconds */
    /* Observations at most as large as each bound; the last is all of them. */
    uint64_t counts[HISTOGRAM_BOUND_COUNT + 1];
    uint64_t sum; /* microseconds */
};
/* Counts never decrease from one bucket to the next, whatever is observed meanwhile. */
void histogram_read(enum histogram histogram, struct histogram_view *out);

#endif
