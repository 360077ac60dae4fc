/* A cosigner whose folder is old: what it takes from others, the floor that follows, and what is
 * cosigned meanwhile. */
#include "ledger/regain.h"

#include "ledger/guard.h"
#include "ledger/mirror_parts.h"
#include "tests/lib/check.h"
#include "tests/lib/little.h"
#include "tests/lib/mangle.h"

#include <criterion/criterion.h>
#include <string.h>

#define ORIGIN "agency.example/log"
#define OLD 40 /* what the mirror that was put back holds */
#define SIZE 90

static struct little_log *truth;
static struct little_log *forgery;
static struct little_mirror *mirror;
static struct regain_found found;
static uint8_t memory[CHECKPOINT_SIZE_MAX];
static uint8_t body[1 << 18];

static void in_store(enum status (*change)(struct store_txn *, uint32_t)) {
    struct store_txn *txn;
    CHECK_OK(store_begin(mirror->store, STORE_WRITE, &txn));
    CHECK_OK(change(txn, mirror->log.number));
    CHECK_OK(store_commit(txn));
}

static struct guard_floor floor_now(void) {
    struct store_txn *txn;
    struct guard_floor floor;
    CHECK_OK(store_begin(mirror->store, STORE_READ, &txn));
    CHECK_OK(guard_floor(txn, mirror->log.number, &floor));
    store_abort(txn);
    return floor;
}

static void setup(void) {
    truth = little_log_open(ORIGIN, UINT64_MAX);
    forgery = little_log_open(ORIGIN, OLD - 5);
    little_log_grow(truth, SIZE + 10);
    little_log_grow(forgery, SIZE + 10);
    mirror = little_mirror_open(truth, NULL);
    little_mirror_follow(mirror, truth, OLD);
    in_store(guard_hold);
    memset(&found, 0, sizeof found);
}

static void teardown(void) {
    little_mirror_close(mirror);
    little_log_close(truth);
    little_log_close(forgery);
}

TestSuite(regain, .init = setup, .fini = teardown);

static bool take(struct bytes note) {
    return regain_take(&found, &mirror->log, &mirror->cosigner, 200, note);
}

/* The log's checkpoint with this node's own cosignature at that time. */
static struct bytes cosigned(uint64_t size, const struct signer *signer, uint64_t time) {
    struct bytes note = little_log_note(truth, size, memory);
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    w.len = note.len;
    cosignature_sign(&w, mirror_note_text(note), time, signer);
    cr_assert(!w.failed);
    return writer_view(&w);
}

static struct regain_job apply(enum status expected) {
    struct regain_job job = {.log = &mirror->log, .cosigner = &mirror->cosigner, .found = &found};
    regain_job_init(&job);
    CHECK_OK(little_mirror_run(mirror, &job.job));
    CHECK_STATUS(job.job.status, expected);
    return job;
}

static unsigned add_checkpoint(struct little_log *log, uint64_t old, uint64_t size) {
    return little_mirror_add_checkpoint(mirror,
                                        little_log_checkpoint(log, old, size, body, sizeof body));
}

static unsigned add_entries(uint64_t start, uint64_t end) {
    return little_mirror_add_entries(mirror,
                                     little_log_entries(truth, start, end, body, sizeof body), 0);
}

/* --- answers --- */

Test(regain, only_what_the_log_signed_is_heard) {
    struct little_log *foreign = little_log_open("other.example/log", UINT64_MAX);
    little_log_grow(foreign, SIZE);
    cr_assert(!take(little_log_note(foreign, SIZE, memory)));
    little_log_close(foreign);
    cr_assert(!regain_take(&found, &mirror->log, &mirror->cosigner, 0, bytes_of(NULL, 0)));
    cr_assert(!regain_take(&found, &mirror->log, &mirror->cosigner, 503,
                           little_log_note(truth, SIZE, memory)));
    cr_assert(!take(bytes_of(NULL, 0)));
    cr_assert(!found.any);
    cr_assert(regain_take(&found, &mirror->log, &mirror->cosigner, 404, bytes_text("no such log")));
    cr_assert(!found.any); /* heard, and has nothing */
    cr_assert(take(little_log_note(truth, SIZE, memory)));
    cr_assert(found.any && found.size == SIZE && !found.forked);
}

Test(regain, no_damaged_checkpoint_is_heard) {
    static struct mangle m;
    static uint8_t note[CHECKPOINT_SIZE_MAX];
    struct bytes damaged;
    struct bytes good = little_log_note(truth, SIZE, note);
    mangle_init(&m, good);
    while (mangle_next(&m, &damaged)) {
        if (take(damaged)) {
            /* Only by what is not signed: the text is the log's. */
            cr_assert(found.size == SIZE);
            struct hash root = little_log_root(truth, SIZE);
            cr_assert(hash_equal(&found.root, &root), "kind %d at %zu", (int)m.kind, m.position);
        }
    }
}

Test(regain, the_largest_counts_and_the_latest_times) {
    cr_assert(take(cosigned(SIZE, &mirror->witness, 5000)));
    cr_assert(take(cosigned(OLD, &mirror->mirror, 7000)));
    cr_assert(take(cosigned(OLD + 1, &mirror->witness, 4000)));
    cr_assert_eq(found.size, SIZE);
    cr_assert_eq(found.witness_time, 5000);
    cr_assert_eq(found.mirror_time, 7000);
    cr_assert(!found.forked);
    cr_assert(take(little_log_note(forgery, SIZE, memory)));
    cr_assert(found.forked);
    apply(STATUS_CONFLICT_ROOT);
    cr_assert(floor_now().guarded && !floor_now().known);
}

/* --- held --- */

Test(regain, nothing_is_cosigned_while_it_is_held) {
    cr_assert_eq(add_checkpoint(truth, OLD, OLD), 503u); /* the pending one, afresh */
    cr_assert_eq(add_checkpoint(truth, OLD, SIZE), 503u);
    cr_assert_eq(add_checkpoint(forgery, OLD - 10, OLD - 5), 409u);
    cr_assert_eq(add_entries(OLD, OLD), 503u); /* the mirror checkpoint, afresh */
    bool any;
    cr_assert_eq(little_mirror_pending(mirror, &any), OLD);
    cr_assert_eq(little_mirror_checkpoint(mirror, &any), OLD);
}

Test(regain, the_floor_comes_before_anything_else) {
    cr_assert(take(little_log_note(truth, SIZE, memory)));
    struct regain_job job = apply(STATUS_OK);
    cr_assert(job.behind && !job.over);
    cr_assert(floor_now().known && floor_now().size == SIZE);
    cr_assert_eq(add_checkpoint(truth, OLD, OLD), 503u);
    cr_assert_eq(add_checkpoint(truth, OLD, SIZE - 1), 503u);
    cr_assert_eq(add_checkpoint(truth, OLD, SIZE + 1), 503u);
    cr_assert_eq(add_entries(OLD, OLD), 503u);
    cr_assert_eq(add_checkpoint(truth, OLD, SIZE), 200u);
    little_mirror_cosigned(mirror, truth, SIZE, &mirror->witness);
    /* What was pending before is known still, and is smaller than what was mirrored once. */
    cr_assert_eq(add_entries(OLD, OLD), 503u);
    cr_assert(floor_now().guarded);
    cr_assert_eq(add_checkpoint(truth, SIZE, SIZE + 5), 200u); /* beyond it, by a proof from it */
    cr_assert_eq(add_entries(OLD, SIZE + 5), 200u);
    little_mirror_cosigned(mirror, truth, SIZE + 5, &mirror->mirror);
    cr_assert(!floor_now().guarded);
    cr_assert_eq(add_checkpoint(truth, SIZE + 5, SIZE + 6), 200u);
}

Test(regain, another_history_of_the_floors_size_is_never_cosigned) {
    /* The forgery agrees with what is held here, and not with what was cosigned. */
    teardown();
    truth = little_log_open(ORIGIN, UINT64_MAX);
    forgery = little_log_open(ORIGIN, OLD + 5);
    little_log_grow(truth, SIZE + 10);
    little_log_grow(forgery, SIZE + 10);
    mirror = little_mirror_open(truth, NULL);
    little_mirror_follow(mirror, truth, OLD);
    in_store(guard_hold);
    cr_assert(take(little_log_note(truth, SIZE, memory)));
    cr_assert(apply(STATUS_OK).behind);
    cr_assert_eq(add_checkpoint(forgery, OLD, SIZE), 503u);
    cr_assert_eq(add_checkpoint(forgery, OLD, SIZE + 1), 503u);
    cr_assert_eq(add_checkpoint(truth, OLD, SIZE), 200u);
}

/* --- the end --- */

Test(regain, nothing_missing_ends_it) {
    cr_assert(take(little_log_note(truth, OLD, memory)));
    struct regain_job job = apply(STATUS_OK);
    cr_assert(!job.behind && job.over);
    cr_assert(!floor_now().guarded);
    cr_assert_eq(add_checkpoint(truth, OLD, SIZE), 200u);
}

Test(regain, a_pending_checkpoint_that_is_not_stored_is_the_floor) {
    in_store(guard_release);
    little_mirror_agree(mirror, truth, OLD + 7);
    in_store(guard_hold);
    cr_assert(take(little_log_note(truth, OLD, memory)));
    struct regain_job job = apply(STATUS_OK);
    cr_assert(!job.behind && !job.over);
    cr_assert_eq(floor_now().size, OLD + 7);
    cr_assert_eq(add_entries(OLD, OLD), 503u);
    cr_assert_eq(add_entries(OLD, OLD + 7), 200u);
    cr_assert(!floor_now().guarded);
}

Test(regain, a_floor_whose_entries_are_not_stored_is_pulled_to_its_end) {
    cr_assert(take(little_log_note(truth, SIZE, memory)));
    cr_assert(apply(STATUS_OK).behind);
    cr_assert_eq(add_checkpoint(truth, OLD, SIZE), 200u);
    struct regain_job job = apply(STATUS_OK); /* the process ended before the entries came */
    cr_assert(job.behind && !job.over);
    cr_assert_eq(floor_now().size, SIZE);
    cr_assert(take(little_log_note(truth, SIZE + 5, memory))); /* the log goes on */
    cr_assert(apply(STATUS_OK).behind);
    cr_assert_eq(floor_now().size, SIZE, "what it signs now is not what was cosigned before");
    cr_assert_eq(add_entries(OLD, SIZE), 200u);
    cr_assert(!floor_now().guarded);
}

Test(regain, a_floor_that_the_log_has_passed_is_raised) {
    cr_assert(take(little_log_note(truth, SIZE, memory)));
    cr_assert(apply(STATUS_OK).behind);
    cr_assert(take(little_log_note(truth, SIZE + 5, memory)));
    cr_assert(apply(STATUS_OK).behind);
    cr_assert_eq(floor_now().size, SIZE + 5, "it is not sent the smaller one any more");
    cr_assert_eq(add_checkpoint(truth, OLD, SIZE + 5), 200u);
}

Test(regain, what_others_show_is_not_what_is_held) {
    cr_assert(take(little_log_note(forgery, OLD, memory)));
    apply(STATUS_CONFLICT_ROOT);
    memset(&found, 0, sizeof found);
    cr_assert(take(little_log_note(forgery, OLD - 1, memory)));
    apply(STATUS_CONFLICT_ROOT);
    cr_assert(floor_now().guarded && !floor_now().known);
    memset(&found, 0, sizeof found);
    cr_assert(take(little_log_note(forgery, OLD - 10, memory))); /* before they part */
    cr_assert(apply(STATUS_OK).over);
}

Test(regain, no_time_is_given_that_is_earlier_than_one_found) {
    uint64_t later = mirror->now + 100000;
    cr_assert(take(cosigned(OLD, &mirror->witness, later)));
    cr_assert(take(cosigned(OLD, &mirror->mirror, later + 1)));
    cr_assert(apply(STATUS_OK).over);
    cr_assert_eq(add_checkpoint(truth, OLD, SIZE), 200u);
    cr_assert_eq(little_mirror_cosigned(mirror, truth, SIZE, &mirror->witness), later);
    cr_assert_eq(add_entries(OLD, SIZE), 200u);
    cr_assert_eq(little_mirror_cosigned(mirror, truth, SIZE, &mirror->mirror), later + 1);
}

Test(regain, a_log_that_nobody_has_seen_is_not_held_for_ever) {
    cr_assert(regain_take(&found, &mirror->log, &mirror->cosigner, 404, bytes_of(NULL, 0)));
    cr_assert(apply(STATUS_OK).over);
    cr_assert_eq(add_checkpoint(truth, OLD, SIZE), 200u);
}
