#include "net/histogram.h"

#include <assert.h>
#include <stdatomic.h>
#include <uv.h>

static const uint64_t bounds[] = {HISTOGRAM_BOUNDS};
static_assert(sizeof bounds / sizeof bounds[0] == HISTOGRAM_BOUND_COUNT, "one count per bound");

static struct {
    _Atomic uint64_t buckets[HISTOGRAM_BOUND_COUNT + 1]; /* each for itself, not cumulative */
    _Atomic uint64_t sum;
} histograms[HISTOGRAM_COUNT];

static const struct {
    const char *name;
    const char *help;
} rows[] = {
#define HISTOGRAM_ROW(name, metric, help) {metric, help},
    HISTOGRAMS(HISTOGRAM_ROW)
#undef HISTOGRAM_ROW
};

void histogram_observe(enum histogram histogram, uint64_t micros) {
    assert((unsigned)histogram < HISTOGRAM_COUNT);
    size_t i = 0;
    while (i < HISTOGRAM_BOUND_COUNT && micros > bounds[i]) {
        i++;
    }
    atomic_fetch_add_explicit(&histograms[histogram].buckets[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histograms[histogram].sum, micros, memory_order_relaxed);
}

uint64_t histogram_clock(void) {
    return uv_hrtime() / 1000;
}

void histogram_read(enum histogram histogram, struct histogram_view *out) {
    assert((unsigned)histogram < HISTOGRAM_COUNT);
    out->name = rows[histogram].name;
    out->help = rows[histogram].help;
    out->sum = atomic_load_explicit(&histograms[histogram].sum, memory_order_relaxed);
    uint64_t count = 0;
    for (size_t i = 0; i <= HISTOGRAM_BOUND_COUNT; i++) {
        if (i < HISTOGRAM_BOUND_COUNT) {
            out->bounds[i] = bounds[i];
        }
        count += atomic_load_explicit(&histograms[histogram].buckets[i], memory_order_relaxed);
        out->counts[i] = count;
    }
}
