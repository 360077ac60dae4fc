/* A log of a million events: from the start of its node to its first new receipt, and the
 * rebuilding of its folder from a mirror. Two mirrors of three are up, and hold all of it. They
 * take the entries as opaque bytes, so that none of them judges a million events meanwhile. */
#include "tests/bench/bounds.h"
#include "tests/bench/entries.h"
#include "tests/bench/events.h"
#include "tests/bench/fill.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ORIGIN "agency.example/log"
#define DESKS 8
#define MIRRORS 2
#define REPEATS 3
#define PUSH_SECONDS 300
#define HOST "[host]\norigin = " ORIGIN "\nkey = log.key\naccept = events\n"

struct lost {
    struct desks desks;
    struct bench_node agency;
    struct bench_node mirrors[WORLD_MIRRORS];
};

static void start_mirror(struct bench *bench, struct lost *l, size_t which) {
    char sections[2048];
    struct bench_node *node = &l->mirrors[which];
    node_key(node, "mirror.key", &l->desks.world.mirrors[which]);
    node_key(node, "witness.key", &l->desks.world.witnesses[which]);
    snprintf(sections, sizeof sections,
             "[mirror]\nkey = mirror.key\nwitness_key = witness.key\n\n[log " ORIGIN
             "]\nvkey = %s\naccept = opaque\nurl = %s\n",
             bench_vkey(&l->desks.world.log.vkey), l->agency.url);
    node_start(bench, node, sections);
}

static struct lost *make(struct bench *bench, uint64_t entries) {
    static const char *const names[WORLD_MIRRORS] = {"state", "doj", "university"};
    const char *urls[WORLD_MIRRORS];
    struct lost *l = calloc(1, sizeof *l);
    bench_must(l != NULL, "out of memory");
    node_make(bench, &l->agency, "agency");
    for (size_t i = 0; i < WORLD_MIRRORS; i++) {
        node_make(bench, &l->mirrors[i], names[i]);
        urls[i] = l->mirrors[i].url;
    }
    desks_init(&l->desks, ORIGIN, DESKS, urls);
    node_key(&l->agency, "log.key", &l->desks.world.log);
    fill_store(&l->agency, &l->desks, 1, entries);
    for (size_t i = 0; i < MIRRORS; i++) {
        start_mirror(bench, l, i);
    }
    return l;
}

/* A new event of the first desk, sent until there is a receipt. */
static void add_one(struct lost *l, unsigned seconds) {
    uint8_t note[EVENT_ROOM];
    uint64_t start = bench_now_ns();
    struct bytes body =
        bytes_of(note, desk_event(&l->desks, &l->desks.desks[0], true, note, sizeof note));
    while (node_post(&l->agency, "/add", "text/plain", body, NULL, 0) != 200) {
        bench_must(bench_seconds_since(start) < seconds, "the log does not publish: see %s/log.txt",
                   l->agency.folder);
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
}

static void measure_start(struct bench *bench, struct lost *l) {
    double seconds[REPEATS];
    for (size_t repeat = 0; repeat < REPEATS; repeat++) {
        node_stop(&l->agency);
        uint64_t start = bench_now_ns();
        node_start(bench, &l->agency, HOST);
        add_one(l, PUSH_SECONDS);
        seconds[repeat] = bench_seconds_since(start);
    }
    report_row(bench, &(struct bench_row){.id = "restart",
                                          .what = "start of a node to its first new receipt",
                                          .value = bench_median(seconds, REPEATS),
                                          .unit = "s",
                                          .size_is = SIZE_VALUE_MAX,
                                          .size = 2});
}

static void measure_restore(struct bench *bench, struct lost *l, uint64_t entries) {
    double rates[REPEATS];
    char data[BENCH_PATH_MAX + 128];
    char config[BENCH_PATH_MAX + 128];
    double bound = bound_entries(1);
    snprintf(data, sizeof data, "%s/data", l->agency.folder);
    snprintf(config, sizeof config, "%s/node.ini", l->agency.folder);
    const char *const arguments[] = {"-c", config, "--restore-from", l->mirrors[0].url, NULL};
    node_stop(&l->agency);
    for (size_t repeat = 0; repeat < REPEATS; repeat++) {
        folder_clear(data);
        rates[repeat] = (double)entries / restore_run(bench, arguments);
    }
    report_row(bench, &(struct bench_row){.id = "restore",
                                          .what = "restore of a log of events from a mirror",
                                          .value = bench_median(rates, REPEATS),
                                          .unit = "entries/s",
                                          .bound_what = "entries/s by SHA-256, one core",
                                          .bound = bound,
                                          .size_is = SIZE_VALUE_MIN,
                                          .size = 80000});
    node_start(bench, &l->agency, HOST);
    add_one(l, PUSH_SECONDS); /* it is the log that it was */
}

void bench_restore(struct bench *bench) {
    uint64_t entries = bench->quick ? 200000 : 1000000;
    char title[120];
    snprintf(title, sizeof title, "a log of %s events, its node started and lost",
             bench->quick ? "200,000" : "a million");
    report_section(bench, title);
    struct lost *l = make(bench, entries);
    node_start(bench, &l->agency, HOST);
    add_one(l, PUSH_SECONDS); /* all is pushed first */
    measure_start(bench, l);
    measure_restore(bench, l, entries);
    node_remove(&l->agency);
    for (size_t i = 0; i < WORLD_MIRRORS; i++) {
        node_remove(&l->mirrors[i]);
    }
    desks_release(&l->desks);
    free(l);
}
