/* Judging what a mirror stored: the same verdicts as the host's, however the work is cut. */
#include "ledger/accept.h"
#include "ledger/sequencer.h"
#include "tests/lib/check.h"
#include "tests/lib/hosted.h"
#include "tests/lib/mirrored.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

#define ALL SIZE_MAX
/* The tables that acceptance owns, conflicts aside: a mirror keeps those as entries. */
#define ACCEPTANCE "ainsyzVGk"

static struct world world;
static struct world *const w = &world;

static struct entries entries;

static void setup(void) {
    world_init(w, "agency.example/log");
    entries_init(&entries, w);
}

static void cleanup(void) {
    world_release(w);
}

TestSuite(judge, .init = setup, .fini = cleanup);

/* Judges up to `size`, at most `max`, having prepared some. */
static uint64_t judge(struct mirrored *m, uint64_t size, size_t max, size_t prepare) {
    return mirrored_judge(m, &entries, size, max, prepare);
}

static enum status verdict(struct mirrored *m, uint64_t index, struct refusal *why) {
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
    entries.count = hosted_size(&h);
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    for (size_t i = 0; i < entries.count; i++) {
        CHECK_OK(tree_entry(txn, h.log.number, i, &entries.list[i]));
    }
    struct mirrored m;
    mirrored_open(&m, &entries);
    cr_assert_eq(judge(&m, entries.count, ALL, 0), entries.count);
    for (size_t i = 0; i < entries.count; i++) {
        struct refusal why = {.text = ""};
        cr_assert_eq(verdict(&m, i, &why), STATUS_OK, "%zu: %s", i, why.text);
    }
    struct hash host = store_digest_of(h.store, ACCEPTANCE);
    struct hash mirror = store_digest_of(m.store, ACCEPTANCE);
    struct hash nothing = store_digest_of(m.store, "");
    cr_assert(hash_equal(&host, &mirror));
    cr_assert_not(hash_equal(&host, &nothing));
    store_abort(txn);
    mirrored_close(&m);
    hosted_close(&h);
}

Test(judge, refuses_what_a_dishonest_host_logged) {
    struct mirrored m;
    entries_of_a_liar(&entries);
    mirrored_open(&m, &entries);
    cr_assert_eq(judge(&m, entries.count, ALL, 0), entries.count);
    size_t next = 0;
    for (uint64_t i = 0; i < entries.count; i++) {
        struct refusal why = {.status = STATUS_OK, .text = ""};
        enum status status = verdict(&m, i, &why);
        if (next < entries.refused_count && entries.refused[next].index == i) {
            cr_assert_eq(status, entries.refused[next].status, "entry %zu: %s %s", (size_t)i,
                         status_name(status), why.text);
            cr_assert_eq(why.status, status);
            cr_assert_not_null(strstr(why.text, entries.refused[next].says), "%s lacks %s",
                               why.text, entries.refused[next].says);
            next++;
        } else {
            cr_assert_eq(status, STATUS_OK, "entry %zu: %s", (size_t)i, why.text);
        }
    }
    cr_assert_eq(next, entries.refused_count);
    mirrored_close(&m);
}

Test(judge, refuses_all_of_a_log_that_was_never_opened) {
    struct mirrored m;
    struct refusal why;
    struct bytes start[WORLD_START];
    world_start(w, start);
    entries_note(&entries, start[1]);
    entries_note(&entries, start[0]);
    entries_note(&entries, start[1]);
    mirrored_open(&m, &entries);
    judge(&m, 3, ALL, 0);
    CHECK_STATUS(verdict(&m, 0, &why), STATUS_BAD_MEMBER);
    CHECK_STATUS(verdict(&m, 1, &why), STATUS_DENIED_KEY);
    CHECK_STATUS(verdict(&m, 2, &why), STATUS_DENIED_KEY);
    struct hash none = store_digest_of(m.store, "");
    struct hash kept = store_digest_of(m.store, ACCEPTANCE);
    cr_assert(hash_equal(&none, &kept));
    mirrored_close(&m);
}

Test(judge, goes_as_far_as_it_is_told) {
    struct mirrored m;
    entries_of_a_liar(&entries);
    mirrored_open(&m, &entries);
    cr_assert_eq(mirrored_judged(&m), 0);
    cr_assert_eq(judge(&m, 0, ALL, 0), 0);
    cr_assert_eq(judge(&m, 5, 3, 0), 3);
    cr_assert_eq(judge(&m, 5, 3, 0), 5);
    cr_assert_eq(judge(&m, 5, 3, 0), 5);
    cr_assert_eq(judge(&m, entries.count, ALL, 0), entries.count);
    cr_assert_eq(judge(&m, entries.count, ALL, 0), entries.count);
    mirrored_close(&m);
}

static uint32_t next_random(uint32_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

Test(judge, is_the_same_however_it_is_cut) {
    struct mirrored reference;
    entries_of_a_liar(&entries);
    mirrored_open(&reference, &entries);
    judge(&reference, entries.count, ALL, 0);
    struct hash right = store_digest(reference.store);
    for (uint32_t seed = 1; seed <= 60; seed++) {
        struct mirrored m;
        uint32_t state = seed * 2654435761u;
        /* The first ones regular: all at once, prepared as of the empty log; one by one. */
        mirrored_open(&m, &entries);
        while (mirrored_judged(&m) < entries.count) {
            size_t chunk = seed == 1 ? entries.count : seed == 2 ? 1 : next_random(&state) % 9 + 1;
            size_t prepare = seed <= 2 ? chunk : next_random(&state) % (chunk + 1);
            judge(&m, entries.count, chunk, prepare);
        }
        struct hash digest = store_digest(m.store);
        cr_assert(hash_equal(&digest, &right), "seed %u", seed);
        mirrored_close(&m);
    }
    mirrored_close(&reference);
}

Test(judge, uses_nothing_that_was_prepared_for_other_bytes) {
    struct mirrored m;
    struct judgement prepared;
    struct store_txn *txn;
    uint64_t judged;
    struct refusal why;
    entries_start(&entries);
    struct bytes good = world_sample(w, WORLD_CLERK, "finding.final");
    entries_note(&entries, good);
    struct bytes good_entry = entries.list[--entries.count];
    entries_note(&entries, world_damage(good, 0));
    mirrored_open(&m, &entries);
    judge(&m, WORLD_START, ALL, 0);
    CHECK_OK(store_begin(m.store, STORE_READ, &txn));
    judge_prepare(txn, &m.log, WORLD_START, good_entry, &prepared);
    store_abort(txn);
    CHECK_OK(prepared.submission.status);
    CHECK_OK(store_begin(m.store, STORE_WRITE, &txn));
    CHECK_OK(judge_advance(txn, &m.log, entries.count, ALL, &prepared, 1, &judged));
    CHECK_OK(store_commit(txn));
    judgement_release(&prepared);
    CHECK_STATUS(verdict(&m, WORLD_START, &why), STATUS_DENIED_SIGNATURE);
    mirrored_close(&m);
}

Test(judge, uses_what_was_prepared) {
    struct mirrored m;
    struct judgement prepared;
    struct store_txn *txn;
    uint64_t judged;
    struct refusal why;
    entries_start(&entries);
    mirrored_open(&m, &entries);
    CHECK_OK(store_begin(m.store, STORE_READ, &txn));
    judge_prepare(txn, &m.log, 0, entries.list[0], &prepared);
    store_abort(txn);
    CHECK_OK(prepared.form);
    cr_assert_eq(prepared.stamp_ms, WORLD_TIME_MS);
    /* Something that only this preparation can say. */
    prepared.submission.status = refuse(&prepared.submission.why, STATUS_BAD_KIND, "as prepared");
    CHECK_OK(store_begin(m.store, STORE_WRITE, &txn));
    CHECK_OK(judge_advance(txn, &m.log, 1, ALL, &prepared, 1, &judged));
    CHECK_OK(store_commit(txn));
    judgement_release(&prepared);
    CHECK_STATUS(verdict(&m, 0, &why), STATUS_BAD_KIND);
    cr_assert_str_eq(why.text, "as prepared");
    mirrored_close(&m);
}

Test(judge, leaves_no_trace_when_its_transaction_ends) {
    struct mirrored m;
    struct store_txn *txn;
    uint64_t judged;
    entries_of_a_liar(&entries);
    mirrored_open(&m, &entries);
    judge(&m, 10, ALL, 0);
    struct hash before = store_digest(m.store);
    CHECK_OK(store_begin(m.store, STORE_WRITE, &txn));
    CHECK_OK(judge_advance(txn, &m.log, entries.count, ALL, NULL, 0, &judged));
    store_abort(txn);
    struct hash after = store_digest(m.store);
    cr_assert(hash_equal(&before, &after));
    cr_assert_eq(mirrored_judged(&m), 10);
    mirrored_close(&m);
}

Test(judge, has_no_verdict_on_opaque_logs, .signal = SIGABRT) {
    struct mirrored m;
    struct store_txn *txn;
    uint64_t judged;
    mirrored_open(&m, &entries);
    m.log.flags = 0;
    CHECK_OK(store_begin(m.store, STORE_WRITE, &txn));
    CHECK_OK(judge_advance(txn, &m.log, 0, ALL, NULL, 0, &judged));
}

/* --- what a host accepted, told by its place alone --- */

static bool follows(struct hosted *h, struct bytes note, uint64_t index, uint64_t stamp_ms) {
    uint8_t memory[ENTRY_SIZE_MAX];
    struct judgement judgement;
    struct store_txn *txn;
    struct writer writer;
    bool found = false;
    writer_init(&writer, memory, sizeof memory);
    entry_format(&writer, stamp_ms, note);
    cr_assert(judge_read_known(index, writer_view(&writer), &judgement));
    CHECK_OK(store_begin(h->store, STORE_READ, &txn));
    CHECK_OK(judge_follows(txn, &h->log, &judgement, &found));
    store_abort(txn);
    return found;
}

Test(judge, an_entry_follows_if_it_is_the_next_of_a_key_that_may_sign) {
    struct hosted h;
    hosted_open(&h);
    hosted_start(&h);
    struct world *here = &h.world;
    struct bytes first = world_sample(here, WORLD_CLERK, "finding.final");
    struct bytes second = world_sample(here, WORLD_CLERK, "finding.final");
    struct bytes stranger = world_sample(here, WORLD_STRANGER, "finding.final");
    uint64_t next = hosted_size(&h);
    cr_assert(follows(&h, first, next, h.now_ms));
    cr_assert_not(follows(&h, first, 0, h.now_ms));
    cr_assert_not(follows(&h, first, next, h.now_ms - 1)); /* before the entry before it */
    cr_assert_not(follows(&h, second, next, h.now_ms));    /* a gap */
    cr_assert_not(follows(&h, stranger, next, h.now_ms));
    hosted_accept(&h, first);
    cr_assert(follows(&h, second, next + 1, h.now_ms));
    cr_assert_not(follows(&h, first, next + 1, h.now_ms)); /* again */
    hosted_accept(&h, world_revoke(here, WORLD_AGENCY, WORLD_CLERK));
    cr_assert_not(follows(&h, second, next + 2, h.now_ms));
    cr_assert(follows(&h, world_sample(here, WORLD_BOARD, "finding.final"), next + 2, h.now_ms));
    hosted_close(&h);
}
