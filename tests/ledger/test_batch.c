/* Group commit: what is applied, what is durable, and who hears of it when. */
#include "ledger/batch.h"
#include "ledger/store_memory.h"
#include "tests/lib/check.h"
#include "tests/lib/hosted.h"

#include <criterion/criterion.h>
#include <string.h>

#define JOBS_MAX 16

static struct store *store;
static struct batch batch;
static enum store_memory_fault fault;
static size_t finished;

/* A job that work one pair, or appends to a log, or is refused. */
struct put_job {
    struct job job;
    uint8_t key;
    uint32_t log; /* append to it; 0: put the pair */
    enum status answer;
    bool applied;
    unsigned finishes;
    size_t place;      /* in the order of finishing */
    bool found_stored; /* at finish, a reader sees the pair */
};

static enum status apply(struct job *job, struct batch *b) {
    struct put_job *put = (struct put_job *)job;
    struct tree *tree;
    put->applied = true;
    if (put->answer != STATUS_OK) {
        return put->answer;
    }
    if (put->log == 0) {
        return store_put(b->txn, bytes_of(&put->key, 1), bytes_text("value"));
    }
    TRY(batch_tree(b, put->log, true, &tree));
    return tree_append(tree, b->txn, bytes_of(&put->key, 1), NULL);
}

static bool is_stored(uint8_t key) {
    struct store_txn *txn;
    struct bytes value;
    if (store_begin(store, STORE_READ, &txn) != STATUS_OK) {
        return false; /* in doubt */
    }
    enum status status = store_get(txn, bytes_of(&key, 1), &value);
    store_abort(txn);
    return status == STATUS_OK;
}

static void finish(struct job *job, enum status status) {
    struct put_job *put = (struct put_job *)job;
    cr_assert_eq(status, job->status);
    put->finishes++;
    put->place = finished++;
    put->found_stored = is_stored(put->key);
}

static enum store_memory_fault next_fault(void *context, uint64_t commit) {
    (void)context;
    (void)commit;
    return fault;
}

static void setup(void) {
    struct store_memory_options options = {.strict = true, .fault = next_fault};
    CHECK_OK(store_memory_open(&options, &store));
}

static void cleanup(void) {
    store_memory_close(store);
}

TestSuite(batch, .init = setup, .fini = cleanup);

static struct put_job work[JOBS_MAX];

static enum status run(size_t count) {
    struct job *jobs[JOBS_MAX];
    for (size_t i = 0; i < count; i++) {
        work[i].job = (struct job){.apply = apply, .finish = finish};
        if (work[i].key == 0) {
            work[i].key = (uint8_t)(100 + i);
        }
        jobs[i] = &work[i].job;
    }
    return batch_run(store, &batch, jobs, count);
}

Test(batch, finishes_in_order_after_all_is_durable) {
    CHECK_OK(run(3));
    for (size_t i = 0; i < 3; i++) {
        cr_assert_eq(work[i].finishes, 1);
        cr_assert_eq(work[i].place, i);
        cr_assert(work[i].found_stored);
        CHECK_OK(work[i].job.status);
    }
}

Test(batch, keeps_a_refusal_to_its_job) {
    work[1].answer = STATUS_CONFLICT_HEAD;
    CHECK_OK(run(3));
    CHECK_OK(work[0].job.status);
    CHECK_STATUS(work[1].job.status, STATUS_CONFLICT_HEAD);
    CHECK_OK(work[2].job.status);
    cr_assert(work[0].found_stored && !work[1].found_stored && work[2].found_stored);
}

static const enum status fatal[] = {STATUS_STORE_FAILED, STATUS_STORE_DOUBT, STATUS_STORE_CORRUPT,
                                    STATUS_FULL,         STATUS_NOMEM,       STATUS_IO};

Test(batch, fails_whole_by_a_fatal_status) {
    for (size_t f = 0; f < sizeof fatal / sizeof fatal[0]; f++) {
        memset(work, 0, sizeof work);
        struct hash before = store_digest(store);
        work[0].answer = STATUS_BAD_PROOF;
        work[2].answer = fatal[f];
        CHECK_STATUS(run(4), fatal[f]);
        for (size_t i = 0; i < 4; i++) {
            cr_assert_eq(work[i].finishes, 1);
            CHECK_STATUS(work[i].job.status, fatal[f]);
            cr_assert_not(work[i].found_stored);
        }
        cr_assert_not(work[3].applied);
        struct hash after = store_digest(store);
        cr_assert(hash_equal(&before, &after));
    }
}

Test(batch, knows_what_is_fatal) {
    for (int status = 0; status < STATUS_COUNT; status++) {
        bool expected = false;
        for (size_t f = 0; f < sizeof fatal / sizeof fatal[0]; f++) {
            expected = expected || fatal[f] == (enum status)status;
        }
        cr_assert_eq(batch_is_fatal((enum status)status), expected, "%s",
                     status_name((enum status)status));
    }
}

Test(batch, changes_nothing_where_the_commit_fails) {
    static const struct {
        enum store_memory_fault fault;
        enum status status;
    } flavours[] = {{STORE_MEMORY_FAILS, STATUS_STORE_FAILED}, {STORE_MEMORY_FULL, STATUS_FULL}};
    for (size_t f = 0; f < 2; f++) {
        memset(work, 0, sizeof work);
        fault = flavours[f].fault;
        work[1].answer = STATUS_CONFLICT_HEAD;
        CHECK_STATUS(run(2), flavours[f].status);
        for (size_t i = 0; i < 2; i++) {
            cr_assert_eq(work[i].finishes, 1);
            CHECK_STATUS(work[i].job.status, flavours[f].status);
        }
        cr_assert_not(is_stored(work[0].key));
    }
    memset(work, 0, sizeof work);
    fault = STORE_MEMORY_OK;
    CHECK_OK(run(1));
    cr_assert(work[0].found_stored);
}

Test(batch, says_that_it_is_in_doubt) {
    static const enum store_memory_fault flavours[] = {STORE_MEMORY_DOUBT_LOST,
                                                       STORE_MEMORY_DOUBT_KEPT};
    for (size_t f = 0; f < 2; f++) {
        memset(work, 0, sizeof work);
        fault = flavours[f];
        CHECK_STATUS(run(1), STATUS_STORE_DOUBT);
        CHECK_STATUS(work[0].job.status, STATUS_STORE_DOUBT);
        cr_assert_eq(work[0].finishes, 1);
        /* Until the machine starts again nothing is done at all. */
        memset(work, 0, sizeof work);
        fault = STORE_MEMORY_OK;
        CHECK_STATUS(run(1), STATUS_STORE_DOUBT);
        cr_assert_not(work[0].applied);
        cr_assert_eq(work[0].finishes, 1);
        store_memory_crash(store, 0);
        cr_assert_eq(is_stored(work[0].key), f == 1);
    }
}

/* The size of a log as committed, and its last entry's byte. */
static uint64_t size_of(uint32_t log, uint8_t *last) {
    struct store_txn *txn;
    struct tree_head head;
    CHECK_OK(store_begin(store, STORE_READ, &txn));
    CHECK_OK(tree_read_head(txn, log, &head));
    *last = 0;
    if (head.size > 0) {
        struct bytes entry;
        CHECK_OK(tree_entry(txn, log, head.size - 1, &entry));
        *last = entry.data[0];
    }
    store_abort(txn);
    return head.size;
}

Test(batch, shares_a_logs_tree_among_its_jobs) {
    uint8_t last;
    for (size_t i = 0; i < 6; i++) {
        work[i].log = i % 2 == 0 ? 1 : 2;
    }
    CHECK_OK(run(6));
    cr_assert_eq(size_of(1, &last), 3);
    cr_assert_eq(last, 104);
    cr_assert_eq(size_of(2, &last), 3);
    cr_assert_eq(last, 105);
}

Test(batch, writes_more_trees_than_it_has_room_for) {
    uint8_t last;
    /* One more log than fits, then the first and the last again. */
    for (uint32_t i = 0; i < BATCH_TREES_MAX + 1; i++) {
        work[i].log = i + 1;
    }
    work[BATCH_TREES_MAX + 1].log = 1;
    work[BATCH_TREES_MAX + 2].log = BATCH_TREES_MAX + 1;
    CHECK_OK(run(BATCH_TREES_MAX + 3));
    for (uint32_t log = 1; log <= BATCH_TREES_MAX + 1; log++) {
        cr_assert_eq(size_of(log, &last), log == 1 || log == BATCH_TREES_MAX + 1 ? 2 : 1);
    }
    cr_assert_eq(size_of(1, &last), 2);
    cr_assert_eq(last, 100 + BATCH_TREES_MAX + 1);
}

static enum status look(struct job *job, struct batch *b) {
    struct tree *tree;
    (void)job;
    return batch_tree(b, 1, false, &tree);
}

static void hear(struct job *job, enum status status) {
    (void)job;
    (void)status;
}

Test(batch, writes_no_tree_that_was_only_read) {
    struct job job = {.apply = look, .finish = hear};
    struct job *jobs[] = {&job};
    work[0].log = 1;
    CHECK_OK(run(1));
    struct hash before = store_digest(store);
    CHECK_OK(batch_run(store, &batch, jobs, 1));
    struct hash after = store_digest(store);
    cr_assert(hash_equal(&before, &after));
}

/* --- what is written outside --- */

static struct {
    struct batch_outside batch; /* first */
    unsigned begun;
    unsigned ended;
    uint64_t commit;
    const struct head *head;
    bool stored_at_begin;
    size_t finished_at_end;
    enum status answer;
} outside;

static void outside_begin(struct batch_outside *b, uint64_t commit, const struct head *head) {
    (void)b;
    outside.begun++;
    outside.head = head;
    outside.commit = commit;
    outside.stored_at_begin = is_stored(1);
}

static enum status outside_end(struct batch_outside *b) {
    (void)b;
    outside.ended++;
    outside.finished_at_end = finished;
    return outside.answer;
}

static struct head cut_head;

static enum status apply_signing(struct job *job, struct batch *b) {
    b->signs = true;
    return apply(job, b);
}

static enum status apply_cut(struct job *job, struct batch *b) {
    b->head = &cut_head;
    return apply_signing(job, b);
}

/* One job, of this key, that does `what`. */
static enum status run_one(uint8_t key, enum status (*what)(struct job *, struct batch *)) {
    static struct put_job put;
    struct job *list[] = {&put.job};
    put = (struct put_job){.job = {.apply = what, .finish = finish}, .key = key};
    outside.batch = (struct batch_outside){.begin = outside_begin, .end = outside_end};
    finished = 0;
    return batch_run_outside(store, &batch, &outside.batch, list, 1);
}

Test(batch, cosignatures_are_written_outside_beside_the_commit_and_before_anything_leaves) {
    CHECK_OK(run_one(2, apply));
    cr_assert_eq(outside.begun, 0, "nothing signed leaves: nothing is written");
    CHECK_OK(run_one(1, apply_signing));
    cr_assert(outside.begun == 1 && outside.ended == 1);
    cr_assert_null(outside.head);
    cr_assert(!outside.stored_at_begin);
    cr_assert_eq(outside.commit, 1);
    cr_assert_eq(outside.finished_at_end, 0);
    cr_assert_eq(finished, 1);
    CHECK_OK(run_one(1, apply_signing));
    cr_assert_eq(outside.commit, 2, "each is counted, in the commit itself");
}

/* A record ahead of the store then means one thing alone: that the folder is old. */
Test(batch, candidate_is_written_outside_once_it_is_durable_and_before_it_leaves) {
    fault = STORE_MEMORY_FAILS;
    CHECK_STATUS(run_one(1, apply_cut), STATUS_STORE_FAILED);
    cr_assert_eq(outside.begun, 0, "what is not stored is not named");
    fault = STORE_MEMORY_OK;
    CHECK_OK(run_one(1, apply_cut));
    cr_assert(outside.begun == 1 && outside.ended == 1);
    cr_assert_eq(outside.head, &cut_head);
    cr_assert(outside.stored_at_begin);
    cr_assert_eq(outside.commit, 1);
    cr_assert_eq(outside.finished_at_end, 0);
    outside.answer = STATUS_IO;
    CHECK_STATUS(run_one(1, apply_cut), STATUS_STORE_DOUBT);
}

Test(batch, nothing_leaves_if_what_is_outside_is_not_written) {
    outside.answer = STATUS_IO;
    CHECK_STATUS(run_one(1, apply_signing), STATUS_STORE_DOUBT);
    outside.answer = STATUS_OK;
    fault = STORE_MEMORY_FAILS;
    CHECK_STATUS(run_one(1, apply_signing), STATUS_STORE_FAILED);
    fault = STORE_MEMORY_OK;
    CHECK_OK(run_one(1, apply_signing));
    cr_assert_eq(outside.commit, 2, "the number of a commit that failed is used again");
}
