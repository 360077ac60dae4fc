#include "tests/bench/fill.h"

#include "ledger/sequencer.h"
#include "ledger/store_lmdb.h"

#include <stdio.h>
#include <stdlib.h>

#define EVENTS_PER_REQUEST 1024

struct filler {
    struct submission *submissions;
    struct submit_result *results;
    uint8_t *notes;
    uint8_t *entries;
    struct batch batch;
    struct submit_job job;
    uint64_t stored;
};

static void run_job(struct filler *f, struct store *store, const struct log *log, size_t count) {
    struct job *job = &f->job.job;
    submit_job_init(&f->job);
    f->job.log = log;
    f->job.submissions = f->submissions;
    f->job.results = f->results;
    f->job.count = count;
    f->job.now_ms = WORLD_TIME_MS + f->stored;
    f->job.memory = f->entries;
    f->job.memory_cap = EVENTS_PER_REQUEST * (EVENT_SIZE_MAX / 8);
    bench_must(batch_run(store, &f->batch, &job, 1) == STATUS_OK, "filling the store failed");
    for (size_t i = 0; i < count; i++) {
        bench_must(f->results[i].status == STATUS_OK, "filling the store: %s",
                   f->results[i].why.text);
        submission_release(&f->submissions[i]);
    }
    f->stored += count;
}

static void fill_start(struct filler *f, struct store *store, const struct log *log,
                       const struct desks *desks) {
    for (size_t i = 0; i < desks->start_count; i++) {
        struct store_txn *txn = NULL;
        bench_must(store_begin(store, STORE_READ, &txn) == STATUS_OK, "cannot read the store");
        submission_prepare(txn, log, desks->start[i], &f->submissions[0]);
        store_abort(txn);
        run_job(f, store, log, 1);
    }
}

/* As if the signatures had been verified, which would take minutes. */
static void fill_events(struct filler *f, struct store *store, const struct log *log,
                        struct desks *desks, struct desk *desk) {
    for (size_t i = 0; i < EVENTS_PER_REQUEST; i++) {
        struct submission *s = &f->submissions[i];
        uint8_t *note = f->notes + i * EVENT_ROOM;
        s->note = bytes_of(note, desk_event(desks, desk, false, note, EVENT_ROOM));
        s->status = event_parse(s->note, &s->event, &s->why);
        bench_must(s->status == STATUS_OK, "an event made here: %s", s->why.text);
        s->parsed = true;
        s->key_count = 1;
        s->keys[0] = desk->signer.vkey;
    }
    run_job(f, store, log, EVENTS_PER_REQUEST);
}

void fill_store(const struct bench_node *node, struct desks *desks, size_t first,
                uint64_t entries) {
    char path[BENCH_PATH_MAX + 128];
    struct store_lmdb_options options = {.no_sync = true};
    struct refusal why;
    struct store *store = NULL;
    struct store_txn *txn = NULL;
    struct log log;
    struct filler *f = calloc(1, sizeof *f);
    bench_must(f != NULL, "out of memory");
    f->submissions = calloc(EVENTS_PER_REQUEST, sizeof *f->submissions);
    f->results = calloc(EVENTS_PER_REQUEST, sizeof *f->results);
    f->notes = malloc((size_t)EVENTS_PER_REQUEST * EVENT_ROOM);
    f->entries = malloc((size_t)EVENTS_PER_REQUEST * (EVENT_SIZE_MAX / 8));
    bench_must(f->submissions != NULL && f->results != NULL && f->notes != NULL &&
                   f->entries != NULL,
               "out of memory");
    snprintf(path, sizeof path, "%s/data", node->folder);
    bench_must(store_lmdb_open(path, &options, &store, &why) == STATUS_OK, "%s", why.text);
    bench_must(store_begin(store, STORE_WRITE, &txn) == STATUS_OK &&
                   logs_register(txn, &desks->world.log.vkey, LOG_OWN | LOG_EVENTS, &log, &why) ==
                       STATUS_OK &&
                   store_commit(txn) == STATUS_OK,
               "cannot register the log");
    fill_start(f, store, &log, desks);
    for (size_t round = 0; f->stored < entries; round++) {
        fill_events(f, store, &log, desks, &desks->desks[first + round % (desks->count - first)]);
    }
    store_lmdb_close(store);
    free(f->submissions);
    free(f->results);
    free(f->notes);
    free(f->entries);
    free(f);
}
