/* What the domain costs beside its signatures: the checks and the index of each event, what they
 * take on disk, and how long a case takes to be answered, at a million events. */
#include "tests/bench/entries.h"
#include "tests/bench/events.h"

#include "crypto/encoding.h"
#include "ledger/case.h"
#include "ledger/sequencer.h"
#include "ledger/store_lmdb.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 1024
#define PER_CASE 10
#define ASKED 200

struct cases {
    struct desks *desks;
    struct desk *desk;
    struct store *store;
    struct log log;
    uint64_t count; /* events beside the log's beginning */
    uint64_t made;
    uint64_t index; /* of the next entry */
    struct submission submissions[BATCH];
    struct submit_result results[BATCH];
    uint8_t notes[BATCH][EVENT_ROOM];
    uint8_t entries[BATCH * (EVENT_ROOM + 64)];
    struct batch batch;
    struct submit_job job;
};

static void handle_of(uint64_t number, uint8_t handle[HANDLE_SIZE]) {
    struct hash hash;
    hash_of(&number, sizeof number, &hash);
    memcpy(handle, hash.bytes, HANDLE_SIZE);
}

/* The events of a case come far apart. */
static size_t make_event(struct cases *c, uint8_t *out) {
    static const uint8_t unsigned_blob[SIGN_SIGNATURE_SIZE];
    uint8_t handle[HANDLE_SIZE];
    char hex[2 * HANDLE_SIZE + 1] = "";
    char head[2 * HASH_SIZE + 1] = "";
    struct desk *desk = c->desk;
    struct writer w;
    handle_of(c->made % (c->count / PER_CASE), handle);
    hex_encode(hex, handle, sizeof handle);
    hex_encode(head, desk->head.bytes, sizeof desk->head.bytes);
    writer_init(&w, out, EVENT_ROOM);
    char text[EVENT_ROOM];
    int n = snprintf(text, sizeof text,
                     EVENT_FIRST_LINE
                     "\n{\"issuer\":\"%s\",\"kind\":\"finding.final\",\"log\":\"%s\",\"open\":{"
                     "\"basis\":\"live\",\"case\":\"%s\",\"decided\":\"2025-12-20\","
                     "\"decided_by\":\"commissioner\",\"disposition\":\"sustained\",\"ori\":\"%s\","
                     "\"party\":\"officer\"}%s%s%s,\"seq\":%" PRIu64 "}\n",
                     desk->signer.vkey.name, c->desks->world.log.vkey.name, hex, WORLD_ORI,
                     desk->seq > 0 ? ",\"prev\":\"" : "", desk->seq > 0 ? head : "",
                     desk->seq > 0 ? "\"" : "", desk->seq + 1);
    bench_must(n > 0 && (size_t)n < sizeof text, "an event does not fit");
    hash_of(text, (size_t)n, &desk->head);
    desk->seq++;
    c->made++;
    writer_put(&w, text, (size_t)n);
    writer_text(&w, "\n");
    note_append_line(&w, vkey_name(&desk->signer.vkey), desk->signer.vkey.id, unsigned_blob,
                     sizeof unsigned_blob);
    bench_must(writer_status(&w) == STATUS_OK, "an event does not fit");
    return w.len;
}

/* As if its signature had been verified. */
static void prepare_batch(struct cases *c, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct submission *s = &c->submissions[i];
        s->note = bytes_of(c->notes[i], make_event(c, c->notes[i]));
        s->status = event_parse(s->note, &s->event, &s->why);
        bench_must(s->status == STATUS_OK, "an event made here: %s", s->why.text);
        s->parsed = true;
        s->key_count = 1;
        s->keys[0] = c->desk->signer.vkey;
    }
}

static void release_batch(struct cases *c, size_t count) {
    for (size_t i = 0; i < count; i++) {
        submission_release(&c->submissions[i]);
    }
}

static void open_store(struct cases *c, const struct bench *bench, const char *name) {
    char path[BENCH_PATH_MAX + 64];
    struct store_txn *txn = NULL;
    struct refusal why;
    snprintf(path, sizeof path, "%s/%s", bench->folder, name);
    c->store = entries_store(path, true);
    c->made = 0;
    c->index = 0;
    c->desk->seq = 0;
    bench_must(store_begin(c->store, STORE_WRITE, &txn) == STATUS_OK &&
                   logs_register(txn, &c->desks->world.log.vkey, LOG_OWN | LOG_EVENTS, &c->log,
                                 &why) == STATUS_OK &&
                   store_commit(txn) == STATUS_OK,
               "cannot register the log");
}

/* --- checks and index alone --- */

static void apply(struct cases *c, struct store_txn *txn, const struct submission *s) {
    struct accept_place place;
    struct refusal why;
    uint64_t stamp = WORLD_TIME_MS + c->index;
    enum status status = accept_check(txn, &c->log, s, c->index, stamp, &place, &why);
    bench_must(status == STATUS_OK, "%s", why.text);
    bench_must(accept_apply(txn, &c->log, s, c->index, stamp) == STATUS_OK, "the store fails");
    c->index++;
}

static void apply_start(struct cases *c) {
    for (size_t i = 0; i < c->desks->start_count; i++) {
        struct store_txn *txn = NULL;
        bench_must(store_begin(c->store, STORE_WRITE, &txn) == STATUS_OK, "the store fails");
        submission_prepare(txn, &c->log, c->desks->start[i], &c->submissions[0]);
        apply(c, txn, &c->submissions[0]);
        bench_must(store_commit(txn) == STATUS_OK, "the store fails");
        submission_release(&c->submissions[0]);
    }
}

static void measure_checks(struct cases *c, struct bench *bench) {
    uint64_t in_checks = 0;
    uint64_t in_all = 0;
    uint64_t used = 0;
    uint64_t free_bytes = 0;
    open_store(c, bench, "cases-checks");
    apply_start(c);
    while (c->made < c->count) {
        struct store_txn *txn = NULL;
        prepare_batch(c, BATCH);
        uint64_t start = bench_now_ns();
        bench_must(store_begin(c->store, STORE_WRITE, &txn) == STATUS_OK, "the store fails");
        for (size_t i = 0; i < BATCH; i++) {
            apply(c, txn, &c->submissions[i]);
        }
        in_checks += bench_now_ns() - start;
        bench_must(store_commit(txn) == STATUS_OK, "the store fails");
        in_all += bench_now_ns() - start;
        release_batch(c, BATCH);
    }
    bench_must(store_lmdb_used(c->store, &used, &free_bytes) == STATUS_OK, "the disk fails");
    store_lmdb_close(c->store);
    double events = (double)c->made;
    report_row(bench, &(struct bench_row){.id = "domain_us",
                                          .what = "acceptance and index of an event",
                                          .value = (double)in_checks / events / 1000,
                                          .unit = "us",
                                          .size_is = SIZE_VALUE_MAX,
                                          .size = 15});
    report_row(bench, &(struct bench_row){.id = "domain_commit_us",
                                          .what = "the same with its share of a commit, no fsync",
                                          .value = (double)in_all / events / 1000,
                                          .unit = "us"});
    report_row(bench, &(struct bench_row){.id = "domain_bytes",
                                          .what = "index and state of an event on disk",
                                          .value = (double)used / events,
                                          .unit = "bytes",
                                          .size_is = SIZE_VALUE_MAX,
                                          .size = 200});
}

/* --- a case --- */

static void submit_batch(struct cases *c, size_t count) {
    struct job *job = &c->job.job;
    submit_job_init(&c->job);
    c->job.log = &c->log;
    c->job.submissions = c->submissions;
    c->job.results = c->results;
    c->job.count = count;
    c->job.now_ms = WORLD_TIME_MS + c->index;
    c->job.memory = c->entries;
    c->job.memory_cap = sizeof c->entries;
    bench_must(batch_run(c->store, &c->batch, &job, 1) == STATUS_OK, "filling the store failed");
    for (size_t i = 0; i < count; i++) {
        bench_must(c->results[i].status == STATUS_OK, "filling: %s", c->results[i].why.text);
    }
    c->index += count;
}

static void fill(struct cases *c) {
    for (size_t i = 0; i < c->desks->start_count; i++) {
        struct store_txn *txn = NULL;
        bench_must(store_begin(c->store, STORE_READ, &txn) == STATUS_OK, "cannot read the store");
        submission_prepare(txn, &c->log, c->desks->start[i], &c->submissions[0]);
        store_abort(txn);
        submit_batch(c, 1);
        submission_release(&c->submissions[0]);
    }
    while (c->made < c->count) {
        prepare_batch(c, BATCH);
        submit_batch(c, BATCH);
        release_batch(c, BATCH);
    }
}

/* As far as a case looks at it: its size and time. */
static void publish(struct cases *c) {
    struct publish_job job;
    struct job *list = &job.job;
    publish_job_init(&job);
    job.log = &c->log;
    job.size = c->index;
    job.quorum_time = WORLD_TIME_MS / 1000;
    job.note = bytes_text("a checkpoint");
    bench_must(batch_run(c->store, &c->batch, &list, 1) == STATUS_OK, "publishing failed");
}

/* What a worker does for GET /case. */
static size_t answer(struct cases *c, uint64_t number) {
    uint8_t handle[HANDLE_SIZE];
    struct store_txn *txn = NULL;
    struct refusal why;
    struct writer w;
    handle_of(number, handle);
    struct case_view *view = malloc(sizeof *view);
    struct case_memory *scratch = malloc(sizeof *scratch);
    const struct case_ask ask = {.named_count = 0};
    bench_must(view != NULL && scratch != NULL, "out of memory");
    bench_must(store_begin(c->store, STORE_READ, &txn) == STATUS_OK, "cannot read the store");
    case_init(view, (const uint8_t *)WORLD_ORI, handle);
    enum status status = case_gather(txn, &ask, scratch, view, &why);
    bench_must(status == STATUS_OK, "%s", why.text);
    case_judge(view);
    size_t max = case_write_max(view);
    uint8_t *memory = malloc(max);
    bench_must(memory != NULL, "out of memory");
    writer_init(&w, memory, max);
    bench_must(case_write(view, &w) == STATUS_OK, "an answer does not fit");
    size_t count = view->count;
    case_release(view);
    store_abort(txn);
    free(memory);
    free(scratch);
    free(view);
    return count;
}

/* All tables are made anew from the entries, the index of cases among them. */
static void measure_fsck(const struct cases *c, struct bench *bench) {
    char path[BENCH_PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/cases-answers", bench->folder);
    double seconds = tool_run(bench, (const char *const[]){"fsck", path, NULL});
    report_row(bench, &(struct bench_row){.id = "fsck_cases",
                                          .what = "fsck of a log of cases",
                                          .value = (double)c->index / seconds,
                                          .unit = "entries/s"});
}

static void measure_answers(struct cases *c, struct bench *bench) {
    static double samples[ASKED];
    open_store(c, bench, "cases-answers");
    fill(c);
    measure_fsck(c, bench);
    publish(c);
    for (size_t i = 0; i < ASKED; i++) {
        uint64_t start = bench_now_ns();
        size_t count = answer(c, i * 7919 % (c->count / PER_CASE));
        samples[i] = bench_seconds_since(start) * 1000;
        bench_must(count == PER_CASE || count == PER_CASE + 1, "a case of %zu events", count);
    }
    report_row(bench, &(struct bench_row){.id = "case_ms",
                                          .what = "a case of ten events, median",
                                          .value = bench_median(samples, ASKED),
                                          .unit = "ms",
                                          .size_is = SIZE_VALUE_MAX,
                                          .size = 5});
    report_row(bench, &(struct bench_row){.id = "case_ms_99",
                                          .what = "the same, 99 of 100",
                                          .value = bench_percentile(samples, ASKED, 99),
                                          .unit = "ms",
                                          .size_is = SIZE_VALUE_MAX,
                                          .size = 5});
    store_lmdb_close(c->store);
}

void bench_cases(struct bench *bench) {
    struct cases *c = calloc(1, sizeof *c);
    struct desks *desks = calloc(1, sizeof *desks);
    bench_must(c != NULL && desks != NULL, "out of memory");
    desks_init(desks, "agency.example/log", 1, NULL);
    c->desks = desks;
    c->desk = &desks->desks[0];
    c->count = bench->quick ? 100000 : 1000000;
    report_section(bench, bench->quick ? "cases, 100,000 events" : "cases, 1,000,000 events");
    measure_checks(c, bench);
    measure_answers(c, bench);
    desks_release(desks);
    free(desks);
    free(c);
}
