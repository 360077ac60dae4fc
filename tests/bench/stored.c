/* What 4,000 logs cost that one state's node holds, their entries coming in turn: every commit
 * touches many logs, and pages of the store are split among them. */
#include "tests/bench/entries.h"
#include "tests/bench/nodes.h"

#include "ledger/sequencer.h"
#include "ledger/store_lmdb.h"
#include "tests/lib/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOGS 4000
#define JOBS 1000 /* logs that one commit appends to */

struct many {
    struct store *store;
    struct log logs[LOGS];
    struct batch batch;
    struct append_job jobs[JOBS];
    struct job *list[JOBS];
    struct bytes entries[JOBS];
    uint8_t memory[JOBS][ENTRY_SIZE];
    uint64_t done;
};

static void register_all(struct many *m) {
    struct store_txn *txn = NULL;
    struct refusal why;
    bench_must(store_begin(m->store, STORE_WRITE, &txn) == STATUS_OK, "cannot write the store");
    for (size_t i = 0; i < LOGS; i++) {
        char origin[64];
        snprintf(origin, sizeof origin, "agency-%04zu.example/log", i);
        struct signer signer = test_signer(origin, VKEY_NOTE);
        bench_must(logs_register(txn, &signer.vkey, 0, &m->logs[i], &why) == STATUS_OK, "%s",
                   why.text);
    }
    bench_must(store_commit(txn) == STATUS_OK, "cannot write the store");
}

/* One entry to each of JOBS logs, in one commit. */
static void append_round(struct many *m, size_t first) {
    for (size_t i = 0; i < JOBS; i++) {
        entry_fill(m->memory[i], m->done + i);
        m->entries[i] = bytes_of(m->memory[i], ENTRY_SIZE);
        append_job_init(&m->jobs[i]);
        m->jobs[i].log = &m->logs[first + i];
        m->jobs[i].entries = &m->entries[i];
        m->jobs[i].count = 1;
        m->list[i] = &m->jobs[i].job;
    }
    bench_must(batch_run(m->store, &m->batch, m->list, JOBS) == STATUS_OK, "a batch failed");
    m->done += JOBS;
}

void bench_stored(struct bench *bench) {
    struct many *m = calloc(1, sizeof *m);
    char path[BENCH_PATH_MAX + 32];
    uint64_t used = 0;
    uint64_t free_bytes = 0;
    size_t rounds = bench->quick ? 24 : 300;
    bench_must(m != NULL, "out of memory");
    report_section(bench, "4,000 logs in one store, entries in turn");
    snprintf(path, sizeof path, "%s/many", bench->folder);
    m->store = entries_store(path, true);
    register_all(m);
    uint64_t start = bench_now_ns();
    for (size_t round = 0; round < rounds; round++) {
        for (size_t first = 0; first < LOGS; first += JOBS) {
            append_round(m, first);
        }
    }
    double seconds = bench_seconds_since(start);
    bench_must(store_lmdb_used(m->store, &used, &free_bytes) == STATUS_OK, "the disk fails");
    report_row(bench, &(struct bench_row){.id = "bytes_4000_logs",
                                          .what = "stored per entry, 4,000 logs",
                                          .value = (double)used / (double)m->done,
                                          .unit = "bytes",
                                          .bound_what = "bytes of the entry itself",
                                          .bound = ENTRY_SIZE});
    report_row(bench, &(struct bench_row){.id = "appends_4000_logs",
                                          .what = "appends, 1,000 logs a commit, no fsync",
                                          .value = (double)m->done / seconds,
                                          .unit = "entries/s"});
    store_lmdb_close(m->store);
    folder_clear(path);
    free(m);
}
