/* Judging what a mirror stored: the same verdicts as the host's, however the work is cut. */
#include "ledger/accept.h"
#include "ledger/sequencer.h"
#include "tests/lib/check.h"
#include "tests/lib/hosted.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES_MAX 256
#define ALL SIZE_MAX
/* The tables that acceptance owns, conflicts aside: a mirror keeps those as entries. */
#define ACCEPTANCE "ainsy"

static struct world world;
static struct world *const w = &world;

/* The entries of a log, before or without a store. */
static struct bytes entries[ENTRIES_MAX];
static size_t entry_count;
static uint64_t clock_ms;

static struct bytes stamped(uint64_t stamp_ms, struct bytes note) {
    uint8_t memory[EVENT_SIZE_MAX + 64];
    struct writer out;
    writer_init(&out, memory, sizeof memory);
    entry_format(&out, stamp_ms, note);
    cr_assert_not(out.failed);
    const char *kept = world_text(w, "%.*s", (int)out.len, (const char *)out.data);
    return bytes_text(kept);
}

static void log_raw(struct bytes entry) {
    cr_assert_lt(entry_count, ENTRIES_MAX);
    entries[entry_count++] = entry;
}

static void log_note(struct bytes note) {
    log_raw(stamped(clock_ms, note));
}

static void log_start(void) {
    struct bytes start[WORLD_START];
    world_start(w, start);
    for (size_t i = 0; i < WORLD_START; i++) {
        log_note(start[i]);
    }
}

static void setup(void) {
    world_init(w, "agency.example/log");
    entry_count = 0;
    clock_ms = WORLD_TIME_MS;
}

static void cleanup(void) {
    world_release(w);
}

TestSuite(judge, .init = setup, .fini = cleanup);

/* --- a mirror --- */

struct mirror {
    struct store *store;
    struct log log;
};

/* A store that holds the entries, none judged. */
static void mirror_open(struct mirror *m) {
    static struct batch batch;
    struct store_memory_options options = {.strict = true};
    struct store_txn *txn;
    struct append_job job;
    struct job *jobs[] = {&job.job};
    CHECK_OK(store_memory_open(&options, &m->store));
    CHECK_OK(store_begin(m->store, STORE_WRITE, &txn));
    CHECK_OK(logs_register(txn, &w->log.vkey, LOG_EVENTS, &m->log, NULL));
    CHECK_OK(store_commit(txn));
    append_job_init(&job);
    job.log = &m->log;
    job.entries = entries;
    job.count = entry_count;
    CHECK_OK(batch_run(m->store, &batch, jobs, 1));
}

static void mirror_close(struct mirror *m) {
    store_memory_close(m->store);
}

static uint64_t judged_size(struct mirror *m) {
    struct store_txn *txn;
    uint64_t judged = 99;
    CHECK_OK(store_begin(m->store, STORE_READ, &txn));
    CHECK_OK(judge_size(txn, m->log.number, &judged));
    store_abort(txn);
    return judged;
}

/* Judges at most `max` more entries, preparing the first `prepare` of them as of now. */
static uint64_t judge(struct mirror *m, uint64_t size, size_t max, size_t prepare) {
    static struct judgement prepared[ENTRIES_MAX];
    struct store_txn *txn;
    uint64_t from = judged_size(m);
    uint64_t judged = 99;
    size_t count = 0;
    CHECK_OK(store_begin(m->store, STORE_READ, &txn));
    while (count < prepare && from + count < size) {
        judge_prepare(txn, &m->log, from + count, entries[from + count], &prepared[count]);
        count++;
    }
    store_abort(txn);
    CHECK_OK(store_begin(m->store, STORE_WRITE, &txn));
    CHECK_OK(judge_advance(txn, &m->log, size, max, count > 0 ? prepared : NULL, count, &judged));
    CHECK_OK(store_commit(txn));
    for (size_t i = 0; i < count; i++) {
        judgement_release(&prepared[i]);
    }
    cr_assert_eq(judged_size(m), judged);
    return judged;
}

static enum status verdict(struct mirror *m, uint64_t index, struct refusal *why) {
    struct store_txn *txn;
    CHECK_OK(store_begin(m->store, STORE_READ, &txn));
    enum status status = judge_verdict(txn, m->log.number, index, why);
    store_abort(txn);
    return status;
}

/* --- stories --- */

Test(judge, comes_to_what_the_host_came_to) {
    struct hosted h;
    hosted_open(&h);
    hosted_start(&h);
    static const enum world_who people[] = {WORLD_CLERK, WORLD_BOARD, WORLD_POST};
    for (size_t i = 0; i < 30; i++) {
        h.now_ms += 1000 * (i % 4);
        enum world_who who = people[i % 3];
        hosted_accept(&h, i % 5 == 0 ? world_closed_sample(&h.world, who, "failure.alleged")
                                     : world_sample(&h.world, who, "finding.final"));
    }
    hosted_accept(&h, world_sample(&h.world, WORLD_CLERK, "event.opened"));
    hosted_accept(&h, world_sample(&h.world, WORLD_CLERK, "correction"));
    hosted_accept(&h, world_enrol(&h.world, WORLD_AGENCY, WORLD_NEWCOMER));
    hosted_accept(&h, world_sample(&h.world, WORLD_NEWCOMER, "finding.final"));
    hosted_accept(&h, world_revoke(&h.world, WORLD_AGENCY, WORLD_NEWCOMER));
    hosted_accept(&h, world_policy(&h.world));
    struct store_txn *txn;
    entry_count = hosted_size(&h);
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    for (size_t i = 0; i < entry_count; i++) {
        CHECK_OK(tree_entry(txn, h.log.number, i, &entries[i]));
    }
    struct mirror m;
    mirror_open(&m);
    cr_assert_eq(judge(&m, entry_count, ALL, 0), entry_count);
    for (size_t i = 0; i < entry_count; i++) {
        struct refusal why = {.text = ""};
        cr_assert_eq(verdict(&m, i, &why), STATUS_OK, "%zu: %s", i, why.text);
    }
    struct hash host = store_digest_of(h.store, ACCEPTANCE);
    struct hash mirror = store_digest_of(m.store, ACCEPTANCE);
    struct hash nothing = store_digest_of(m.store, "");
    cr_assert(hash_equal(&host, &mirror));
    cr_assert_not(hash_equal(&host, &nothing));
    store_abort(txn);
    mirror_close(&m);
    hosted_close(&h);
}

/* An event of a dishonest host: what no acceptance let in. */
static struct bytes aside(enum world_who who, const char *kind, const char *open, uint64_t seq) {
    return world_event(w,
                       &(struct world_event){
                           .issuer = who, .kind = kind, .open = open, .seq = seq, .aside = true});
}

#define BAD_MAX 32
static struct {
    uint64_t index;
    enum status status;
    const char *says;
} expected[BAD_MAX];
static size_t expected_count;

/* The entry just logged is refused so. */
static void expect(enum status status, const char *says) {
    cr_assert_lt(expected_count, BAD_MAX);
    expected[expected_count].index = entry_count - 1;
    expected[expected_count].status = status;
    expected[expected_count].says = says;
    expected_count++;
}

/* A log with every sort of entry that is refused, good ones between. */
static void log_all_that_is_bad(void) {
    expected_count = 0;
    log_start();
    struct bytes first = world_closed_sample(w, WORLD_CLERK, "failure.alleged");
    log_note(first);
    log_raw(bytes_text("not even stamped\n"));
    expect(STATUS_BAD_FORM, "received <unix ms>");
    log_raw(bytes_text(""));
    expect(STATUS_BAD_FORM, "received <unix ms>");
    log_note(bytes_text("garbage"));
    expect(STATUS_BAD_FORM, "");
    log_note(world_damage(aside(WORLD_CLERK, "finding.final", NULL, 0), 0));
    expect(STATUS_DENIED_SIGNATURE, "clerk does not verify");
    log_note(aside(WORLD_STRANGER, "finding.final", NULL, 0));
    expect(STATUS_DENIED_KEY, "stranger is not enrolled");
    log_note(aside(WORLD_BOARD, "key.enrolled", NULL, 0));
    expect(STATUS_DENIED_SCOPE, "role oversight");
    log_note(first);
    expect(STATUS_CONFLICT_USED, "the event of entry 7 again");
    log_note(aside(WORLD_CLERK, "finding.final", NULL, 1));
    expect(STATUS_CONFLICT_USED, "entry 7");
    log_note(aside(WORLD_CLERK, "finding.final", NULL, 9));
    expect(STATUS_CONFLICT_GAP, "2 is expected of clerk");
    log_note(aside(WORLD_CLERK, "event.opened",
                   world_text(w, "%s", world_disclose(w, WORLD_CLERK, 0)), 0));
    log_note(aside(WORLD_CLERK, "correction", NULL, 2));
    expect(STATUS_CONFLICT_USED, "entry");
    log_raw(stamped(clock_ms - 1, aside(WORLD_BOARD, "finding.final", NULL, 0)));
    expect(STATUS_BAD_MEMBER, "earlier than an accepted entry");
    /* A refused entry's stamp holds back nobody. */
    log_raw(stamped(clock_ms + 1000000, aside(WORLD_STRANGER, "finding.final", NULL, 0)));
    expect(STATUS_DENIED_KEY, "stranger");
    log_note(world_sample(w, WORLD_BOARD, "finding.final"));
    log_note(aside(WORLD_OPERATOR, "log.opened", NULL, 1));
    expect(STATUS_CONFLICT_USED, "entry 0 again");
    const char *own = "{'state':'agency','doj':'doj','university':'university','state-witness':"
                      "'state','doj-witness':'doj','university-witness':'university'}";
    log_note(aside(WORLD_ROOT_3, "log.policy",
                   world_policy_open(w, world_policy_text(w, NULL), own), 0));
    expect(STATUS_BAD_POLICY, "");
    log_note(world_revoke(w, WORLD_AGENCY, WORLD_CLERK));
    log_note(aside(WORLD_CLERK, "finding.final", NULL, 3));
    expect(STATUS_DENIED_KEY, "was revoked");
    struct world other;
    world_init(&other, "another.example/log");
    log_note(bytes_text(world_text(w, "%s", (const char *)world_opened(&other).data)));
    expect(STATUS_BAD_LOG, "another.example/log");
    world_release(&other);
    log_note(world_sample(w, WORLD_AGENCY, "finding.final"));
}

Test(judge, refuses_what_a_dishonest_host_logged) {
    struct mirror m;
    log_all_that_is_bad();
    mirror_open(&m);
    cr_assert_eq(judge(&m, entry_count, ALL, 0), entry_count);
    size_t next = 0;
    for (uint64_t i = 0; i < entry_count; i++) {
        struct refusal why = {.status = STATUS_OK, .text = ""};
        enum status status = verdict(&m, i, &why);
        if (next < expected_count && expected[next].index == i) {
            cr_assert_eq(status, expected[next].status, "entry %zu: %s %s", (size_t)i,
                         status_name(status), why.text);
            cr_assert_eq(why.status, status);
            cr_assert_not_null(strstr(why.text, expected[next].says), "%s lacks %s", why.text,
                               expected[next].says);
            next++;
        } else {
            cr_assert_eq(status, STATUS_OK, "entry %zu: %s", (size_t)i, why.text);
        }
    }
    cr_assert_eq(next, expected_count);
    mirror_close(&m);
}

Test(judge, refuses_all_of_a_log_that_was_never_opened) {
    struct mirror m;
    struct refusal why;
    struct bytes start[WORLD_START];
    world_start(w, start);
    log_note(start[1]);
    log_note(start[0]);
    log_note(start[1]);
    mirror_open(&m);
    judge(&m, 3, ALL, 0);
    CHECK_STATUS(verdict(&m, 0, &why), STATUS_BAD_MEMBER);
    CHECK_STATUS(verdict(&m, 1, &why), STATUS_DENIED_KEY);
    CHECK_STATUS(verdict(&m, 2, &why), STATUS_DENIED_KEY);
    struct hash none = store_digest_of(m.store, "");
    struct hash kept = store_digest_of(m.store, ACCEPTANCE);
    cr_assert(hash_equal(&none, &kept));
    mirror_close(&m);
}

Test(judge, goes_as_far_as_it_is_told) {
    struct mirror m;
    log_all_that_is_bad();
    mirror_open(&m);
    cr_assert_eq(judged_size(&m), 0);
    cr_assert_eq(judge(&m, 0, ALL, 0), 0);
    cr_assert_eq(judge(&m, 5, 3, 0), 3);
    cr_assert_eq(judge(&m, 5, 3, 0), 5);
    cr_assert_eq(judge(&m, 5, 3, 0), 5);
    cr_assert_eq(judge(&m, entry_count, ALL, 0), entry_count);
    cr_assert_eq(judge(&m, entry_count, ALL, 0), entry_count);
    mirror_close(&m);
}

static uint32_t next_random(uint32_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

Test(judge, is_the_same_however_it_is_cut) {
    struct mirror reference;
    log_all_that_is_bad();
    mirror_open(&reference);
    judge(&reference, entry_count, ALL, 0);
    struct hash right = store_digest(reference.store);
    for (uint32_t seed = 1; seed <= 60; seed++) {
        struct mirror m;
        uint32_t state = seed * 2654435761u;
        /* The first ones regular: all at once, prepared as of the empty log; one by one. */
        mirror_open(&m);
        while (judged_size(&m) < entry_count) {
            size_t chunk = seed == 1 ? entry_count : seed == 2 ? 1 : next_random(&state) % 9 + 1;
            size_t prepare = seed <= 2 ? chunk : next_random(&state) % (chunk + 1);
            judge(&m, entry_count, chunk, prepare);
        }
        struct hash digest = store_digest(m.store);
        cr_assert(hash_equal(&digest, &right), "seed %u", seed);
        mirror_close(&m);
    }
    mirror_close(&reference);
}

Test(judge, uses_nothing_that_was_prepared_for_other_bytes) {
    struct mirror m;
    struct judgement prepared;
    struct store_txn *txn;
    uint64_t judged;
    struct refusal why;
    log_start();
    struct bytes good = world_sample(w, WORLD_CLERK, "finding.final");
    struct bytes good_entry = stamped(clock_ms, good);
    log_note(world_damage(good, 0));
    mirror_open(&m);
    judge(&m, WORLD_START, ALL, 0);
    CHECK_OK(store_begin(m.store, STORE_READ, &txn));
    judge_prepare(txn, &m.log, WORLD_START, good_entry, &prepared);
    store_abort(txn);
    CHECK_OK(prepared.submission.status);
    CHECK_OK(store_begin(m.store, STORE_WRITE, &txn));
    CHECK_OK(judge_advance(txn, &m.log, entry_count, ALL, &prepared, 1, &judged));
    CHECK_OK(store_commit(txn));
    judgement_release(&prepared);
    CHECK_STATUS(verdict(&m, WORLD_START, &why), STATUS_DENIED_SIGNATURE);
    mirror_close(&m);
}

Test(judge, leaves_no_trace_when_its_transaction_ends) {
    struct mirror m;
    struct store_txn *txn;
    uint64_t judged;
    log_all_that_is_bad();
    mirror_open(&m);
    judge(&m, 10, ALL, 0);
    struct hash before = store_digest(m.store);
    CHECK_OK(store_begin(m.store, STORE_WRITE, &txn));
    CHECK_OK(judge_advance(txn, &m.log, entry_count, ALL, NULL, 0, &judged));
    store_abort(txn);
    struct hash after = store_digest(m.store);
    cr_assert(hash_equal(&before, &after));
    cr_assert_eq(judged_size(&m), 10);
    mirror_close(&m);
}

Test(judge, has_no_verdict_on_opaque_logs, .signal = SIGABRT) {
    struct mirror m;
    struct store_txn *txn;
    uint64_t judged;
    mirror_open(&m);
    m.log.flags = 0;
    CHECK_OK(store_begin(m.store, STORE_WRITE, &txn));
    CHECK_OK(judge_advance(txn, &m.log, 0, ALL, NULL, 0, &judged));
}
