/* From adding an event to its receipt, with three mirrors: four nodes and their disks on this one
 * machine. The bound is what the disk takes for one sync while four processes sync at once. */
#include "tests/bench/bounds.h"
#include "tests/bench/events.h"
#include "tests/bench/far.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ORIGIN "agency.example/log"
#define DESKS 50
#define EVENTS_PER_SECOND 100
#define WARM_UP_SECONDS 1

struct setting {
    struct desks desks;
    struct bench_node agency;
    struct bench_node mirrors[WORLD_MIRRORS];
    struct far *far; /* the way to the last of them */
};

static void start_mirror(struct bench *bench, struct setting *s, size_t which) {
    char sections[2048];
    struct bench_node *node = &s->mirrors[which];
    node_key(node, "mirror.key", &s->desks.world.mirrors[which]);
    node_key(node, "witness.key", &s->desks.world.witnesses[which]);
    snprintf(sections, sizeof sections,
             "[mirror]\nkey = mirror.key\nwitness_key = witness.key\n\n[log " ORIGIN
             "]\nvkey = %s\naccept = events\nurl = %s\n",
             bench_vkey(&s->desks.world.log.vkey), s->agency.url);
    node_start(bench, node, sections);
}

static struct setting *start(struct bench *bench) {
    static const char *const names[WORLD_MIRRORS] = {"state", "doj", "university"};
    const char *urls[WORLD_MIRRORS];
    char url[64];
    struct setting *s = calloc(1, sizeof *s);
    bench_must(s != NULL, "out of memory");
    node_make(bench, &s->agency, "agency");
    for (size_t i = 0; i < WORLD_MIRRORS; i++) {
        node_make(bench, &s->mirrors[i], names[i]);
        urls[i] = s->mirrors[i].url;
    }
    s->far = far_open(s->mirrors[WORLD_MIRRORS - 1].port, url, sizeof url);
    urls[WORLD_MIRRORS - 1] = url;
    desks_init(&s->desks, ORIGIN, DESKS, urls);
    node_key(&s->agency, "log.key", &s->desks.world.log);
    for (size_t i = 0; i < WORLD_MIRRORS; i++) {
        start_mirror(bench, s, i);
    }
    node_start(bench, &s->agency, "[host]\norigin = " ORIGIN "\nkey = log.key\naccept = events\n");
    desks_open_log(&s->desks, &s->agency);
    return s;
}

static void stop(struct setting *s) {
    node_remove(&s->agency);
    for (size_t i = 0; i < WORLD_MIRRORS; i++) {
        node_remove(&s->mirrors[i]);
    }
    desks_release(&s->desks);
    free(s);
}

/* --- one by one --- */

/* What a mirror that is away does to the others' receipts. */
static double measure_p50(struct bench *bench, struct setting *s) {
    struct load load = {.port = s->agency.port, .expected = load_is_200};
    struct load_result result;
    size_t seconds = bench->quick ? 4 : 10;
    double *samples = malloc(seconds * EVENTS_PER_SECOND * sizeof *samples);
    size_t count = 0;
    bench_must(samples != NULL, "out of memory");
    desks_fill(&s->desks, &load, bench->cores, seconds * EVENTS_PER_SECOND / DESKS, 1,
               1000000000u / EVENTS_PER_SECOND);
    load_run(&load, &result);
    for (size_t d = 0; d < DESKS; d++) {
        for (size_t i = WARM_UP_SECONDS * EVENTS_PER_SECOND / DESKS; i < load.streams[d].count;
             i++) {
            samples[count++] = load.streams[d].requests[i].seconds;
        }
    }
    double p50 = bench_percentile(samples, count, 50);
    desks_discard(&load);
    free(samples);
    return p50;
}

static void measure_away(struct bench *bench, struct setting *s) {
    double all = measure_p50(bench, s);
    far_delay(s->far, 250);
    double far = measure_p50(bench, s);
    far_delay(s->far, 0);
    double again = measure_p50(bench, s);
    node_stop(&s->mirrors[WORLD_MIRRORS - 1]);
    double dead = measure_p50(bench, s);
    double bound = (all + again) / 2 * 1e3;
    report_row(bench, &(struct bench_row){.id = "receipt_far",
                                          .what = "the same, one mirror 500 ms away, p50",
                                          .value = far * 1e3,
                                          .unit = "ms",
                                          .bound_what = "ms with all three near",
                                          .bound = bound,
                                          .size_is = SIZE_RATIO_MAX,
                                          .size = 1.1});
    report_row(bench, &(struct bench_row){.id = "receipt_dead",
                                          .what = "the same, one mirror dead, p50",
                                          .value = dead * 1e3,
                                          .unit = "ms",
                                          .bound_what = "ms with all three",
                                          .bound = bound,
                                          .size_is = SIZE_RATIO_MAX,
                                          .size = 1.1});
}

static void report_latency(struct bench *bench, double *seconds, size_t count, double sync) {
    double p50 = bench_percentile(seconds, count, 50);
    double p99 = bench_percentile(seconds, count, 99);
    report_row(bench, &(struct bench_row){.id = "receipt_p50",
                                          .what = "add to receipt at 100/s, p50",
                                          .value = p50 * 1e3,
                                          .unit = "ms",
                                          .bound_what = "ms, one fsync of four at once",
                                          .bound = sync * 1e3,
                                          .size_is = SIZE_RATIO_MAX,
                                          .size = 8});
    report_row(bench, &(struct bench_row){.id = "receipt_p99",
                                          .what = "add to receipt at 100/s, p99",
                                          .value = p99 * 1e3,
                                          .unit = "ms",
                                          .bound_what = "ms, one fsync of four at once",
                                          .bound = sync * 1e3,
                                          .size_is = SIZE_RATIO_MAX,
                                          .size = 20});
}

static void measure_latency(struct bench *bench, struct setting *s) {
    struct load load = {.port = s->agency.port, .expected = load_is_200};
    struct load_result result;
    size_t seconds = bench->quick ? 6 : 20;
    double syncs[2];
    double *samples = malloc(seconds * EVENTS_PER_SECOND * sizeof *samples);
    size_t count = 0;
    bench_must(samples != NULL, "out of memory");
    desks_fill(&s->desks, &load, bench->cores, seconds * EVENTS_PER_SECOND / DESKS, 1,
               1000000000u / EVENTS_PER_SECOND);
    syncs[0] = bound_fsync(bench, 4, 200);
    load_run(&load, &result);
    syncs[1] = bound_fsync(bench, 4, 200);
    for (size_t d = 0; d < DESKS; d++) {
        for (size_t i = WARM_UP_SECONDS * EVENTS_PER_SECOND / DESKS; i < load.streams[d].count;
             i++) {
            samples[count++] = load.streams[d].requests[i].seconds;
        }
    }
    report_latency(bench, samples, count, (syncs[0] + syncs[1]) / 2);
    desks_discard(&load);
    free(samples);
}

/* --- many at once --- */

/* Waits until every mirror has judged all that the agency holds: how much that is. */
static uint64_t wait_for_judges(const struct setting *s) {
    uint64_t size = node_log_number(&s->agency, "size");
    for (size_t i = 0; i < WORLD_MIRRORS; i++) {
        while (node_log_number(&s->mirrors[i], "judged") < size) {
            nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        }
    }
    return size;
}

static void measure_flow(struct bench *bench, struct setting *s) {
    struct load load = {.port = s->agency.port, .busy_repeats = true, .expected = load_is_200};
    struct load_result result;
    size_t all = s->desks.count;
    double verify = bound_verify(bench->cores);
    uint64_t before = wait_for_judges(s);
    s->desks.count = 8;
    desks_fill(&s->desks, &load, bench->cores, bench->quick ? 8 : 20, 256, 0);
    s->desks.count = all;
    uint64_t start = bench_now_ns();
    load_run(&load, &result);
    uint64_t after = wait_for_judges(s);
    double judging = bench_seconds_since(start);
    report_row(bench, &(struct bench_row){.id = "ingest_receipts",
                                          .what = "ingest to receipts, four nodes here",
                                          .value = (double)result.weight / result.seconds,
                                          .unit = "events/s",
                                          .bound_what = "Ed25519 verify/s, all cores",
                                          .bound = verify});
    report_row(bench, &(struct bench_row){.id = "ingest_judged",
                                          .what = "the same, until all three judged it",
                                          .value = (double)(after - before) / judging,
                                          .unit = "events/s",
                                          .bound_what = "a quarter of that: four verify it",
                                          .bound = verify / 4});
    desks_discard(&load);
}

/* The whole command over loopback: signatures of all events, hashes, checkpoints. */
static void measure_audit(struct bench *bench, const struct setting *s) {
    char vkey[512];
    const char *const arguments[] = {"audit", s->agency.url, "--vkey", vkey, NULL};
    double rates[3];
    double entries = (double)node_log_number(&s->agency, "size");
    double verify = bound_verify(bench->cores);
    snprintf(vkey, sizeof vkey, "%s", bench_vkey(&s->desks.world.log.vkey));
    for (size_t repeat = 0; repeat < 3; repeat++) {
        rates[repeat] = entries / tool_run(bench, arguments);
    }
    report_row(bench, &(struct bench_row){.id = "audit",
                                          .what = "dutylog audit, a log of events",
                                          .value = bench_median(rates, 3),
                                          .unit = "entries/s",
                                          .bound_what = "Ed25519 verify/s, all cores",
                                          .bound = verify});
}

void bench_latency(struct bench *bench) {
    report_section(bench, "an agency and three mirrors, 2 of 3: one event at a time");
    struct setting *s = start(bench);
    measure_latency(bench, s);
    measure_away(bench, s);
    stop(s);
}

void bench_flow(struct bench *bench) {
    report_section(bench, "an agency and three mirrors, 2 of 3: as many as they can");
    struct setting *s = start(bench);
    measure_flow(bench, s);
    measure_audit(bench, s);
    stop(s);
}
