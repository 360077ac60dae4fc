/* An agency's node with a million events in its log: how fast it takes more, in how much memory,
 * and how fast its store is re-checked and proved from. The node is alone: nobody cosigns, so that
 * each request is answered (202) once it is durable. */
#include "tests/bench/bounds.h"
#include "tests/bench/entries.h"
#include "tests/bench/events.h"
#include "tests/bench/fill.h"

#include "ledger/sequencer.h"
#include "ledger/store_check.h"
#include "ledger/store_lmdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN "agency.example/log"
#define DESKS 8
#define FILLERS 4 /* further desks, whose events fill the store beforehand */
#define EVENTS_PER_REQUEST 1024
#define REPEATS 3

/* --- ingest --- */

struct watch {
    const struct bench_node *node;
    double most;
};

static void look(void *context) {
    struct watch *watch = context;
    double now = node_resident(watch->node);
    watch->most = now > watch->most ? now : watch->most;
}

struct ingest {
    double rate[REPEATS];
    double verify[2 * REPEATS];
    double cpu; /* seconds of the node's, in all */
    double events;
    struct watch watch;
};

static void ingest_round(struct bench *bench, struct desks *desks, struct bench_node *node,
                         struct ingest *in, size_t repeat) {
    struct load load = {.port = node->port,
                        .busy_repeats = true,
                        .expected = load_is_2xx,
                        .tick = look,
                        .context = &in->watch};
    struct load_result result;
    size_t all = desks->count;
    desks->count = DESKS;
    desks_fill(desks, &load, bench->cores, bench->quick ? 3 : 8, EVENTS_PER_REQUEST, 0);
    desks->count = all;
    in->verify[2 * repeat] = bound_verify(bench->cores);
    double cpu = node_cpu(node);
    load_run(&load, &result);
    in->cpu += node_cpu(node) - cpu;
    in->verify[2 * repeat + 1] = bound_verify(bench->cores);
    in->rate[repeat] = (double)result.weight / result.seconds;
    in->events += (double)result.weight;
    desks_discard(&load);
}

static void report_ingest(struct bench *bench, struct ingest *in, const struct bench_node *node) {
    double verify = bench_median(in->verify, 2 * REPEATS);
    double one = bound_verify(1);
    report_row(bench, &(struct bench_row){.id = "signed_ingest",
                                          .what = "signed ingest, durable",
                                          .value = bench_median(in->rate, REPEATS),
                                          .unit = "events/s",
                                          .bound_what = "Ed25519 verify/s, all cores",
                                          .bound = verify,
                                          .size_is = SIZE_RATIO_MIN,
                                          .size = 0.70});
    report_row(bench, &(struct bench_row){.id = "ingest_cpu",
                                          .what = "the node's own time per event",
                                          .value = in->cpu / in->events * 1e6,
                                          .unit = "us",
                                          .bound_what = "us for one Ed25519 verify",
                                          .bound = 1e6 / one});
    report_row(bench, &(struct bench_row){.id = "resident_busy",
                                          .what = "resident memory, most during ingest",
                                          .value = in->watch.most,
                                          .unit = "MiB",
                                          .size_is = SIZE_VALUE_MAX,
                                          .size = 64});
    report_row(bench, &(struct bench_row){.id = "resident",
                                          .what = "resident memory, at rest after it",
                                          .value = node_resident(node),
                                          .unit = "MiB",
                                          .size_is = SIZE_VALUE_MAX,
                                          .size = 64});
}

/* --- what is stored --- */

/* A generator of test numbers (Steele and others: SplitMix64). */
static uint64_t next_number(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void measure_proofs(struct bench *bench, struct store *store) {
    struct store_txn *txn = NULL;
    struct tree_head head;
    struct merkle_proof proof;
    uint64_t state = 1;
    double rates[REPEATS];
    double nodes = bound_hash_nodes(1);
    bench_must(store_begin(store, STORE_READ, &txn) == STATUS_OK &&
                   tree_read_head(txn, 1, &head) == STATUS_OK,
               "cannot read the store");
    for (size_t repeat = 0; repeat < REPEATS; repeat++) {
        uint64_t start = bench_now_ns();
        uint64_t count = 0;
        while (bench_seconds_since(start) < 0.7) {
            uint64_t index = next_number(&state) % head.size;
            bench_must(tree_inclusion(txn, 1, index, head.size, &proof) == STATUS_OK,
                       "no inclusion proof");
            count++;
        }
        rates[repeat] = (double)count / bench_seconds_since(start);
    }
    store_abort(txn);
    report_row(bench, &(struct bench_row){.id = "inclusion_proofs",
                                          .what = "inclusion proofs, one core",
                                          .value = bench_median(rates, REPEATS),
                                          .unit = "/s",
                                          .bound_what = "Merkle nodes/s, one core",
                                          .bound = nodes});
}

static enum status add_length(void *context, uint64_t index, struct bytes entry,
                              const struct hash *leaf) {
    (void)index;
    (void)leaf;
    *(double *)context += (double)entry.len;
    return STATUS_OK;
}

static void measure_bytes(struct bench *bench, struct store *store) {
    struct store_txn *txn = NULL;
    struct tree_head head;
    uint64_t used = 0;
    uint64_t free_bytes = 0;
    double length = 0;
    bench_must(store_begin(store, STORE_READ, &txn) == STATUS_OK &&
                   tree_read_head(txn, 1, &head) == STATUS_OK &&
                   tree_walk(txn, 1, 0, head.size, add_length, &length) == STATUS_OK &&
                   store_lmdb_used(store, &used, &free_bytes) == STATUS_OK,
               "cannot read the store");
    store_abort(txn);
    report_row(bench, &(struct bench_row){.id = "bytes_events",
                                          .what = "stored per event, one log",
                                          .value = (double)used / (double)head.size,
                                          .unit = "bytes",
                                          .bound_what = "bytes of the entry itself",
                                          .bound = length / (double)head.size});
}

/* The whole command, as one runs it, on all cores. */
static void measure_fsck(struct bench *bench, const char *path, uint64_t entries) {
    double rates[REPEATS];
    const char *const arguments[] = {"fsck", path, NULL};
    double bound = bound_entries(bench->cores);
    for (size_t repeat = 0; repeat < REPEATS; repeat++) {
        rates[repeat] = (double)entries / tool_run(bench, arguments);
    }
    report_row(bench, &(struct bench_row){.id = "fsck_events",
                                          .what = "dutylog fsck, a log of events",
                                          .value = bench_median(rates, REPEATS),
                                          .unit = "entries/s",
                                          .bound_what = "entries hashed/s, all cores",
                                          .bound = bound,
                                          .size_is = SIZE_VALUE_MIN,
                                          .size = 300000});
}

static uint64_t tree_size(struct store *store) {
    struct store_txn *txn = NULL;
    struct tree_head head;
    bench_must(store_begin(store, STORE_READ, &txn) == STATUS_OK &&
                   tree_read_head(txn, 1, &head) == STATUS_OK,
               "cannot read the store");
    store_abort(txn);
    return head.size;
}

void bench_ingest(struct bench *bench) {
    struct desks *desks = malloc(sizeof *desks);
    struct bench_node node;
    struct ingest in = {.watch.node = &node};
    char title[120];
    char path[BENCH_PATH_MAX + 128];
    uint64_t entries = bench->quick ? 200000 : 1000000;
    bench_must(desks != NULL, "out of memory");
    snprintf(title, sizeof title, "an agency's node with %s events",
             bench->quick ? "200,000" : "a million");
    report_section(bench, title);
    desks_init(desks, ORIGIN, DESKS + FILLERS, NULL);
    node_make(bench, &node, "ingest");
    node_key(&node, "log.key", &desks->world.log);
    fill_store(&node, desks, DESKS, entries);
    node_start(bench, &node, "[host]\norigin = " ORIGIN "\nkey = log.key\naccept = events\n");
    for (size_t repeat = 0; repeat < REPEATS; repeat++) {
        ingest_round(bench, desks, &node, &in, repeat);
    }
    report_ingest(bench, &in, &node);
    node_stop(&node);

    struct store_lmdb_options options = {.read_only = true};
    struct store *store = NULL;
    struct refusal why;
    snprintf(path, sizeof path, "%s/data", node.folder);
    bench_must(store_lmdb_open(path, &options, &store, &why) == STATUS_OK, "%s", why.text);
    measure_proofs(bench, store);
    measure_bytes(bench, store);
    uint64_t held = tree_size(store);
    store_lmdb_close(store);
    measure_fsck(bench, path, held);
    node_remove(&node);
    desks_release(desks);
    free(desks);
}
