/* Quorum checkpoints kept by a mirror: each verified, by the rule that the host follows. */
#include "ledger/kept.h"
#include "ledger/sequencer.h"
#include "tests/lib/check.h"
#include "tests/lib/hosted.h"
#include "tests/lib/mirrored.h"

#include <criterion/criterion.h>
#include <string.h>

#define START_S (WORLD_TIME_MS / 1000)

static struct hosted h;
static struct world *w;
static struct mirrored m;
static struct entries entries;
static uint8_t file[KEPT_FILE_MAX];

/* A log of a few hours with a publication every ten minutes, and a mirror of it. */
static void setup(void) {
    hosted_open(&h);
    w = &h.world;
    hosted_start(&h);
    for (unsigned i = 0; i < 20; i++) {
        hosted_accept(&h, world_sample(w, WORLD_CLERK, "failure.alleged"));
        hosted_publish(&h, START_S + i * 600, 3);
        h.now_ms += 600000;
    }
    struct store_txn *txn;
    entries_init(&entries, w);
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    for (uint64_t i = 0; i < 27; i++) {
        struct bytes entry;
        CHECK_OK(tree_entry(txn, h.log.number, i, &entry));
        entries_raw(&entries, entry);
    }
    mirrored_open(&m, &entries);
    store_abort(txn);
}

static void teardown(void) {
    mirrored_close(&m);
    hosted_close(&h);
}

TestSuite(kept, .init = setup, .fini = teardown);

static struct bytes list(struct store *store, uint32_t log, uint64_t above) {
    struct store_txn *txn;
    struct writer writer;
    CHECK_OK(store_begin(store, STORE_READ, &txn));
    writer_init(&writer, file, sizeof file);
    enum status status = kept_write(txn, log, above, &writer);
    store_abort(txn);
    return status == STATUS_OK ? writer_view(&writer) : bytes_of(NULL, 0);
}

static struct kept_job take(struct bytes bytes) {
    static struct batch batch;
    struct kept_job job;
    struct job *jobs[] = {&job.job};
    kept_job_init(&job);
    job.log = &m.log;
    job.file = bytes;
    CHECK_OK(batch_run(m.store, &batch, jobs, 1));
    return job;
}

static uint64_t last(void) {
    struct store_txn *txn;
    uint64_t size = 99;
    CHECK_OK(store_begin(m.store, STORE_READ, &txn));
    CHECK_OK(kept_last(txn, m.log.number, &size));
    store_abort(txn);
    return size;
}

static void judge_all(void) {
    (void)mirrored_judge(&m, &entries, entries.count, entries.count, 0);
}

Test(kept, a_mirror_keeps_what_the_host_keeps) {
    judge_all();
    cr_assert_eq(last(), 0);
    for (;;) {
        struct bytes more = list(h.store, h.log.number, last());
        if (more.len == 0) {
            break;
        }
        struct kept_job job = take(more);
        cr_assert_eq(job.why.status, STATUS_OK, "%s", job.why.text);
        cr_assert_eq(job.taken, job.in_file);
    }
    cr_assert_eq(last(), 27);
    /* The same, with the same times: an event's receipt would say the same from here. */
    struct store_txn *a;
    struct store_txn *b;
    struct published one;
    struct published two;
    size_t count = 0;
    CHECK_OK(store_begin(h.store, STORE_READ, &a));
    CHECK_OK(store_begin(m.store, STORE_READ, &b));
    for (uint64_t at = 0; sequencer_published_covering(a, h.log.number, at, &one) == STATUS_OK;
         at = one.size) {
        CHECK_OK(sequencer_published_covering(b, m.log.number, at, &two));
        cr_assert_eq(one.size, two.size);
        cr_assert_eq(one.quorum_time, two.quorum_time);
        cr_assert(bytes_equal(one.note, two.note));
        count++;
    }
    store_abort(a);
    store_abort(b);
    cr_assert_eq(count, 14); /* of each half hour the first and the last */
}

Test(kept, waits_for_what_is_not_judged) {
    struct kept_job job = take(list(h.store, h.log.number, 0));
    cr_assert_eq(job.taken, 0);
    cr_assert_eq(job.why.status, STATUS_OK);
    (void)mirrored_judge(&m, &entries, 12, 12, 0);
    job = take(list(h.store, h.log.number, 0));
    cr_assert_eq(job.why.status, STATUS_OK);
    cr_assert_gt(job.taken, 0);
    cr_assert_leq(last(), 12);
    cr_assert_gt(last(), 7);
}

static void refuse_note(struct bytes note, enum status status, const char *says) {
    struct writer writer;
    writer_init(&writer, file, sizeof file);
    writer_text(&writer, "dutylog/checkpoints/v1\ncheckpoint ");
    writer_decimal(&writer, note.len);
    writer_u8(&writer, '\n');
    writer_bytes(&writer, note);
    struct kept_job job = take(writer_view(&writer));
    cr_assert_eq(job.taken, 0);
    cr_assert_eq(job.why.status, status, "%s: %s", says, job.why.text);
    cr_assert_not_null(strstr(job.why.text, says), "%s", job.why.text);
    cr_assert_eq(last(), 0);
}

static struct hash root_at(uint64_t size) {
    struct store_txn *txn;
    struct hash root;
    CHECK_OK(store_begin(m.store, STORE_READ, &txn));
    CHECK_OK(tree_root_at(txn, m.log.number, size, &root));
    store_abort(txn);
    return root;
}

Test(kept, believes_nothing) {
    judge_all();
    struct hash good = root_at(10);
    struct hash early = root_at(1);
    struct hash other = {{1}};
    struct world stranger;
    world_init(&stranger, "other.example/log");
    refuse_note(world_checkpoint(w, 10, &good, START_S, 1), STATUS_BAD_POLICY, "quorum");
    refuse_note(world_checkpoint(w, 10, &good, START_S, 0), STATUS_BAD_POLICY, "quorum");
    refuse_note(world_checkpoint(w, 10, &other, START_S, 7), STATUS_CONFLICT_ROOT, "another tree");
    refuse_note(world_checkpoint(w, 1, &early, START_S, 7), STATUS_BAD_POLICY, "no policy");
    refuse_note(world_checkpoint(&stranger, 10, &good, START_S, 7), STATUS_BAD_LOG, "another log");
    struct bytes damaged = world_checkpoint(w, 10, &good, START_S, 7);
    world_damage(damaged, 0);
    refuse_note(damaged, STATUS_DENIED_SIGNATURE, "");
    world_release(&stranger);
}

Test(kept, every_truncation_is_refused_and_keeps_nothing) {
    static uint8_t copy[KEPT_FILE_MAX];
    judge_all();
    struct bytes good = list(h.store, h.log.number, 0);
    size_t whole = 0;
    memcpy(copy, good.data, good.len);
    for (size_t len = 0; len < good.len; len++) {
        struct kept_job job = take(bytes_of(copy, len));
        bool shorter = job.job.status == STATUS_OK; /* cut between two of them */
        whole += shorter;
        cr_assert(shorter || (job.job.status == STATUS_BAD_FORM && job.taken == 0), "%zu", len);
    }
    cr_assert_eq(whole, 13);
    cr_assert_eq(take(bytes_of(copy, good.len)).taken, 14);
}
