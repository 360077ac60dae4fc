/* Opaque entries: appended durably in this process, by the very batches that a node's committer
 * runs; and through a node, one request each. */
#include "tests/bench/bounds.h"
#include "tests/bench/entries.h"
#include "tests/bench/load.h"
#include "tests/bench/nodes.h"

#include "ledger/sequencer.h"
#include "ledger/store_lmdb.h"
#include "tests/lib/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN "plain.example/log"
#define JOBS 1024 /* as many as a committer takes into one batch */
#define REPEATS 3
#define CONNECTIONS 64

/* --- in this process --- */

struct appending {
    struct store *store;
    struct log log;
    struct batch batch;
    struct append_job jobs[JOBS];
    struct job *list[JOBS];
    struct bytes entries[JOBS];
    uint8_t memory[JOBS][ENTRY_SIZE];
};

static void append_batch(struct appending *a, uint64_t first) {
    for (size_t i = 0; i < JOBS; i++) {
        entry_fill(a->memory[i], first + i);
        a->entries[i] = bytes_of(a->memory[i], ENTRY_SIZE);
        append_job_init(&a->jobs[i]);
        a->jobs[i].log = &a->log;
        a->jobs[i].entries = &a->entries[i];
        a->jobs[i].count = 1;
        a->list[i] = &a->jobs[i].job;
    }
    bench_must(batch_run(a->store, &a->batch, a->list, JOBS) == STATUS_OK, "a batch failed");
}

static void measure_in_process(struct bench *bench) {
    struct appending *a = calloc(1, sizeof *a);
    struct signer signer = test_signer(ORIGIN, VKEY_NOTE);
    char path[BENCH_PATH_MAX + 32];
    double rates[REPEATS];
    double hashes[REPEATS];
    uint64_t done = 0;
    uint64_t used = 0;
    uint64_t free_bytes = 0;
    bench_must(a != NULL, "out of memory");
    snprintf(path, sizeof path, "%s/append", bench->folder);
    a->store = entries_store(path, false);
    entries_register(a->store, &signer.vkey, LOG_OWN, &a->log);
    for (size_t repeat = 0; repeat < REPEATS; repeat++) {
        uint64_t until = done + (uint64_t)(bench->quick ? 60 : 200) * JOBS;
        hashes[repeat] = bound_entries(1);
        uint64_t first = done;
        uint64_t start = bench_now_ns();
        for (; done < until; done += JOBS) {
            append_batch(a, done);
        }
        rates[repeat] = (double)(done - first) / bench_seconds_since(start);
    }
    report_row(bench, &(struct bench_row){.id = "opaque_appends",
                                          .what = "durable appends, 1,024 a commit",
                                          .value = bench_median(rates, REPEATS),
                                          .unit = "entries/s",
                                          .bound_what = "entries/s by SHA-256, one core",
                                          .bound = bench_median(hashes, REPEATS),
                                          .size_is = SIZE_VALUE_MIN,
                                          .size = 60000});
    bench_must(store_lmdb_used(a->store, &used, &free_bytes) == STATUS_OK, "the disk fails");
    report_row(bench, &(struct bench_row){.id = "bytes_one_log",
                                          .what = "stored per entry, one log",
                                          .value = (double)used / (double)done,
                                          .unit = "bytes",
                                          .bound_what = "bytes of the entry itself",
                                          .bound = ENTRY_SIZE});
    store_lmdb_close(a->store);
    folder_clear(path);
    free(a);
}

/* --- through a node --- */

static void measure_node(struct bench *bench) {
    struct bench_node node;
    struct signer signer = test_signer(ORIGIN, VKEY_NOTE);
    struct load load = {.busy_repeats = true, .expected = load_is_200};
    struct load_result result;
    char policy[VKEY_SIZE_MAX + 64];
    double rates[REPEATS];
    size_t requests = bench->quick ? 200 : 600;
    uint8_t *memory = malloc(CONNECTIONS * requests * ENTRY_SIZE);
    bench_must(memory != NULL, "out of memory");
    node_make(bench, &node, "plain");
    node_key(&node, "log.key", &signer);
    snprintf(policy, sizeof policy, "log %s\nquorum none\n", bench_vkey(&signer.vkey));
    node_file(&node, "policy", policy);
    node_start(bench, &node,
               "[host]\norigin = " ORIGIN "\nkey = log.key\naccept = opaque\npolicy = policy\n");
    load.port = node.port;
    load.stream_count = CONNECTIONS;
    struct bytes head = load_head("POST", "/add", "application/octet-stream", ENTRY_SIZE);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        load.streams[i].requests = calloc(requests, sizeof *load.streams[i].requests);
        load.streams[i].count = requests;
        bench_must(load.streams[i].requests != NULL, "out of memory");
        for (size_t j = 0; j < requests; j++) {
            uint8_t *entry = memory + (i * requests + j) * ENTRY_SIZE;
            entry_fill(entry, i * requests + j);
            load.streams[i].requests[j] = (struct load_request){
                .head = head, .body = bytes_of(entry, ENTRY_SIZE), .weight = 1};
        }
    }
    for (size_t repeat = 0; repeat < REPEATS; repeat++) {
        load_run(&load, &result);
        rates[repeat] = (double)result.weight / result.seconds;
    }
    report_row(bench, &(struct bench_row){.id = "opaque_http",
                                          .what = "appended and published, 64 clients",
                                          .value = bench_median(rates, REPEATS),
                                          .unit = "entries/s"});
    for (size_t i = 0; i < CONNECTIONS; i++) {
        free(load.streams[i].requests);
    }
    free((void *)(uintptr_t)head.data);
    free(memory);
    node_remove(&node);
}

void bench_append(struct bench *bench) {
    report_section(bench, "an opaque log, entries of 512 bytes");
    measure_in_process(bench);
    measure_node(bench);
}
