/* What the parts of the benchmark share: a clock, medians, and the report.
 *
 * The benchmark measures and never judges: it ends with an error only if something does not work. A
 * figure stands beside its *bound*, measured right before and after it on the same machine: what
 * the cores, or the disk, would give if nothing else had to be done. Their ratio is what to compare
 * between machines; sizes to reach are stated on it where they can be. */
#ifndef DUTYLOG_BENCH_BENCH_H
#define DUTYLOG_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BENCH_PATH_MAX 400

struct report;

struct bench {
    char build[BENCH_PATH_MAX];  /* where the programs are */
    char folder[BENCH_PATH_MAX]; /* where data goes; removed at the end */
    bool quick;
    unsigned cores;
    struct report *report;
};

/* Ends the benchmark if it does not hold: nothing can be measured then. */
void bench_must(bool holds, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- time --- */

uint64_t bench_now_ns(void);
double bench_seconds_since(uint64_t start_ns);

/* --- figures --- */

/* Sorts the samples. */
double bench_median(double *samples, size_t count);
double bench_percentile(double *samples, size_t count, double percent);

enum bench_size {
    SIZE_NONE,
    SIZE_VALUE_MIN, /* the value is to be at least `size` */
    SIZE_VALUE_MAX,
    SIZE_RATIO_MIN, /* the ratio to the bound is to be at least `size` */
    SIZE_RATIO_MAX,
};

struct bench_row {
    const char *id; /* in build/bench.json */
    const char *what;
    double value;
    const char *unit;
    const char *bound_what; /* NULL: none */
    double bound;
    double ratio; /* 0: value / bound */
    enum bench_size size_is;
    double size;
};

/* Begins the table on screen. */
void report_open(struct bench *bench);
void report_section(struct bench *bench, const char *title);
void report_row(struct bench *bench, const struct bench_row *row);
/* A remark under the rows before it. */
void report_note(struct bench *bench, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Ends the table and writes `path`. */
void report_close(struct bench *bench, const char *path);

/* --- parts, in the order in which they run --- */

void bench_bounds(struct bench *bench);
void bench_ingest(struct bench *bench);
void bench_append(struct bench *bench);
void bench_latency(struct bench *bench);
void bench_flow(struct bench *bench);
void bench_import(struct bench *bench);
void bench_mirror(struct bench *bench);
void bench_stored(struct bench *bench);
void bench_restore(struct bench *bench);
void bench_many(struct bench *bench);
void bench_secure(struct bench *bench);
void bench_lists(struct bench *bench);
void bench_cases(struct bench *bench);

#endif
