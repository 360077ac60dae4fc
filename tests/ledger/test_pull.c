/* Pulling a log from its tiles: a little server over a little log, and the pull driven to its end
 * as a host does. */
#include "ledger/pull.h"

#include "tests/lib/check.h"
#include "tests/lib/keys.h"
#include "tests/lib/little.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define ORIGIN "agency.example/log"
#define INTERVAL 60000
#define BODY_MAX (1 << 15)

static struct little_log *truth;
static struct little_log *forgery; /* the same key, other entries from 5 on */
static struct little_mirror *mirror;
static struct pull *pull;
static struct pull_tiles *tiles;
static struct pull_actions *actions;

/* The server, and how it misbehaves. */
static struct little_log *served;
static uint64_t served_size;
static unsigned refuse_all; /* this status for everything */
static bool partials_gone;  /* partial tiles that became whole are 404 */
static long damage_at;      /* flips a bit of the n-th byte served; -1: never */
static size_t fetches;
static uint64_t now_ms;
static enum fork_outcome judged; /* the last one */
static size_t judgements;
static uint8_t bodies[PULL_FETCHES_MAX][BODY_MAX];

static void setup(void) {
    truth = little_log_open(ORIGIN, UINT64_MAX);
    forgery = little_log_open(ORIGIN, 5);
    mirror = little_mirror_open(truth, NULL);
    pull = calloc(1, sizeof *pull);
    tiles = calloc(1, sizeof *tiles);
    actions = calloc(1, sizeof *actions);
    cr_assert(pull != NULL && tiles != NULL && actions != NULL);
    pull_init(pull, &mirror->log, INTERVAL, tiles);
    served = truth;
    refuse_all = 0;
    partials_gone = false;
    damage_at = -1;
    fetches = 0;
    now_ms = 1700000000000;
    judged = FORK_NONE;
    judgements = 0;
}

static void teardown(void) {
    free(pull);
    free(tiles);
    free(actions);
    little_mirror_close(mirror);
    little_log_close(truth);
    little_log_close(forgery);
}

TestSuite(pull, .init = setup, .fini = teardown);

static void begin_again(void) {
    teardown();
    setup();
}

/* --- the server --- */

static unsigned serve_tile(struct bytes path, struct writer *w) {
    struct tile tile;
    struct store_txn *txn;
    CHECK_OK(tile_parse_path(path, &tile));
    if (partials_gone && tile.width < TILE_WIDTH &&
        tile_width_at(tile.level, tile.index, served->size) == TILE_WIDTH) {
        return 404;
    }
    CHECK_OK(store_begin(served->store, STORE_READ, &txn));
    enum status status = tree_tile(txn, served->log.number, &tile, served->size, w);
    store_abort(txn);
    cr_assert(status == STATUS_OK || status == STATUS_NOT_FOUND);
    return status == STATUS_OK ? 200 : 404;
}

static unsigned serve(const char *path, uint8_t *memory, struct bytes *body) {
    struct writer w;
    unsigned http = 200;
    fetches++;
    writer_init(&w, memory, BODY_MAX);
    if (refuse_all != 0) {
        return refuse_all == 999 ? 0 : refuse_all;
    }
    if (strcmp(path, "checkpoint") == 0) {
        uint8_t note[CHECKPOINT_SIZE_MAX];
        writer_bytes(&w, little_log_note(served, served_size, note));
    } else {
        cr_assert(strncmp(path, "tile/", 5) == 0);
        http = serve_tile(bytes_text(path + 5), &w);
    }
    cr_assert(!w.failed);
    if (damage_at >= 0 && (size_t)damage_at < w.len) {
        memory[damage_at] ^= 1;
        damage_at = -1;
    } else if (damage_at >= 0) {
        damage_at -= (long)w.len;
    }
    *body = writer_view(&w);
    return http;
}

/* --- the host --- */

/* What is to be told to the pull, in order. */
#define QUEUE_MAX 256
static struct {
    enum pull_event_type type;
    size_t fetch;
    unsigned http;
    struct bytes body;
    enum status status;
} queue[QUEUE_MAX];
static size_t queue_head;
static size_t queue_tail;

static void tell(enum pull_event_type type, size_t fetch, unsigned http, struct bytes body,
                 enum status status) {
    cr_assert_lt(queue_tail - queue_head, QUEUE_MAX);
    size_t at = queue_tail++ % QUEUE_MAX;
    queue[at].type = type;
    queue[at].fetch = fetch;
    queue[at].http = http;
    queue[at].body = body;
    queue[at].status = status;
}

static void run_add(const struct pull_action *action) {
    uint8_t body[ADD_CHECKPOINT_SIZE_MAX];
    struct writer w;
    writer_init(&w, body, sizeof body);
    add_checkpoint_format(&w, action->old_size, &action->proof, action->note);
    tell(PULL_ADDED, 0, little_mirror_add_checkpoint(mirror, writer_view(&w)), bytes_of(NULL, 0),
         STATUS_OK);
}

static void run_store(const struct pull_action *action) {
    struct package_job job = {.upload = action->upload, .package = action->package};
    package_job_init(&job);
    (void)little_mirror_run(mirror, &job.job);
    tell(PULL_STORED, 0, 0, bytes_of(NULL, 0), job.job.status);
}

static void run_end(const struct pull_action *action) {
    struct upload_end_job job = {.upload = action->upload,
                                 .cosigner = &mirror->cosigner,
                                 .now_seconds = mirror->now,
                                 .saved = action->saved,
                                 .failed = {.status = STATUS_OK}};
    upload_end_job_init(&job);
    (void)little_mirror_run(mirror, &job.job);
    mirror->answer = job.answer;
    tell(PULL_ENDED, 0, job.answer.http, bytes_of(NULL, 0), STATUS_OK);
}

static void run_judge(const struct pull_action *action) {
    struct fork_job job = {.log = &mirror->log,
                           .note = action->note,
                           .old_size = action->old_size,
                           .proof = action->proof,
                           .subproof = action->proof.count > 0};
    fork_job_init(&job);
    CHECK_OK(little_mirror_run(mirror, &job.job));
    CHECK_OK(job.job.status);
    judged = job.outcome;
    judgements++;
}

static bool kept[PULL_FETCHES_MAX];

static void perform(void) {
    for (size_t i = 0; i < actions->count; i++) {
        const struct pull_action *action = &actions->items[i];
        struct bytes body = bytes_of(NULL, 0);
        switch (action->type) {
        case ACTION_PULL_FETCH: {
            cr_assert(!kept[action->fetch], "a body is still in use");
            unsigned http = serve(action->path, bodies[action->fetch], &body);
            kept[action->fetch] = strstr(action->path, "entries") != NULL && http == 200;
            tell(PULL_FETCHED, action->fetch, http, body, STATUS_OK);
            break;
        }
        case ACTION_PULL_ADD:
            run_add(action);
            break;
        case ACTION_PULL_STORE:
            run_store(action);
            break;
        case ACTION_PULL_END:
            run_end(action);
            break;
        case ACTION_PULL_JUDGE:
            run_judge(action);
            break;
        case ACTION_PULL_RELEASE:
            cr_assert(kept[action->fetch]);
            kept[action->fetch] = false;
            memset(bodies[action->fetch], 0xee, BODY_MAX); /* nobody may look at it any more */
            break;
        }
    }
}

static void step(struct pull_event event) {
    struct pull_held held;
    struct store_txn *txn;
    CHECK_OK(store_begin(mirror->store, STORE_READ, &txn));
    CHECK_OK(pull_held(txn, mirror->log.number, &held));
    store_abort(txn);
    event.held = &held;
    event.now_ms = now_ms;
    pull_step(pull, &event, actions);
    perform();
}

/* One event and all that follows from it. */
static void run(struct pull_event event) {
    queue_head = 0;
    queue_tail = 0;
    step(event);
    while (queue_head < queue_tail) {
        size_t at = queue_head++ % QUEUE_MAX;
        step((struct pull_event){.type = queue[at].type,
                                 .fetch = queue[at].fetch,
                                 .http = queue[at].http,
                                 .body = queue[at].body,
                                 .status = queue[at].status});
    }
    cr_assert_eq(pull->state, PULL_WAITING);
    cr_assert_eq(actions->wake_at_ms, pull->due_ms);
    for (size_t i = 0; i < PULL_FETCHES_MAX; i++) {
        cr_assert(!kept[i], "body %zu was never released", i);
    }
}

static void tick(void) {
    now_ms = pull->due_ms > now_ms ? pull->due_ms : now_ms;
    run((struct pull_event){.type = PULL_TICK});
}

static void publish(struct little_log *log, uint64_t size) {
    if (log->size < size) {
        little_log_grow(log, size);
    }
    served = log;
    served_size = size;
}

static uint64_t mirrored(void) {
    bool any;
    return little_mirror_checkpoint(mirror, &any);
}

static uint64_t pending(void) {
    bool any;
    return little_mirror_pending(mirror, &any);
}

struct found {
    size_t count;
    char form;
};

static enum status see(void *context, const struct vkey *key, struct bytes content) {
    struct found *found = context;
    struct evidence evidence;
    (void)key;
    found->count++;
    CHECK_OK(evidence_parse(content, &evidence, NULL));
    CHECK_OK(evidence_verify(&evidence, &truth->signer.vkey, NULL));
    found->form = evidence.form;
    return STATUS_OK;
}

static struct found evidence(void) {
    struct found found = {.count = 0};
    struct store_txn *txn;
    CHECK_OK(store_begin(mirror->store, STORE_READ, &txn));
    CHECK_OK(fork_each_evidence(txn, see, &found));
    store_abort(txn);
    return found;
}

/* --- following --- */

Test(pull, follows_a_growing_log) {
    static const uint64_t sizes[] = {0,   1,   2,    3,    4,    8,    9,    255,  256,
                                     257, 511, 1024, 1025, 1300, 2000, 2047, 2048, 2500};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        publish(truth, sizes[i]);
        tick();
        cr_assert_null(pull->failure, "size %lu: %s", sizes[i], pull->failure);
        cr_assert_eq(pending(), sizes[i]);
        cr_assert_eq(mirrored(), sizes[i]);
        little_mirror_check(mirror, truth);
        if (sizes[i] > 0) {
            little_mirror_cosigned(mirror, truth, sizes[i], &mirror->mirror);
        }
    }
    cr_assert_eq(judgements, 0u);
}

Test(pull, from_nothing_to_any_size) {
    for (uint64_t size = 1; size < 3000; size += size < 20 ? 1 : 467) {
        begin_again();
        publish(truth, size);
        tick();
        cr_assert_null(pull->failure, "size %lu: %s", size, pull->failure);
        cr_assert_eq(mirrored(), size);
        little_mirror_check(mirror, truth);
    }
}

Test(pull, log_of_three_levels_with_few_fetches) {
    publish(truth, 70000);
    tick();
    cr_assert_eq(mirrored(), 70000u);
    /* 274 bundles, a checkpoint, and each tile once: two of level 1, one of level 2, the last of
     * level 0. */
    cr_assert_leq(fetches, 274u + 1 + 4);
}

Test(pull, nothing_new_costs_one_fetch) {
    publish(truth, 300);
    tick();
    size_t before = fetches;
    tick();
    cr_assert_eq(fetches, before + 1);
    cr_assert_eq(pull->due_ms, now_ms + INTERVAL);
}

Test(pull, goes_on_where_a_push_stopped) {
    uint8_t body[1 << 15];
    publish(truth, 700);
    cr_assert_eq(little_mirror_add_checkpoint(
                     mirror, little_log_checkpoint(truth, 0, 700, body, sizeof body)),
                 200u);
    struct bytes all = little_log_entries(truth, 0, 700, body, sizeof body);
    cr_assert_eq(little_mirror_add_entries(mirror, bytes_of(all.data, all.len / 2), 0), 202u);
    cr_assert_eq(little_mirror_stored(mirror), 256u);
    tick();
    cr_assert_eq(mirrored(), 700u);
    little_mirror_check(mirror, truth);
}

Test(pull, partial_tiles_that_are_gone_are_read_from_whole_ones) {
    publish(truth, 300);
    tick();
    publish(truth, 5000);
    served_size = 700; /* an older checkpoint is served than there are tiles of */
    partials_gone = true;
    tick();
    cr_assert_null(pull->failure, "%s", pull->failure);
    cr_assert_eq(mirrored(), 700u);
    little_mirror_check(mirror, truth);
}

/* --- failures --- */

Test(pull, unreachable_log_is_asked_ever_more_rarely) {
    publish(truth, 9);
    refuse_all = 999;
    for (uint64_t i = 0; i < 12; i++) {
        tick();
        uint64_t wait = i < 8 ? 1000ull << i : 300000;
        cr_assert_eq(pull->due_ms, now_ms + wait, "failure %lu", i);
        cr_assert_not_null(pull->failure);
    }
    refuse_all = 0;
    tick();
    cr_assert_null(pull->failure);
    cr_assert_eq(mirrored(), 9u);
}

Test(pull, refused_fetches_fail) {
    unsigned statuses[] = {301, 400, 403, 404, 429, 500, 503};
    publish(truth, 9);
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        refuse_all = statuses[i];
        tick();
        cr_assert_not_null(pull->failure);
        cr_assert_eq(little_mirror_stored(mirror), 0u);
    }
}

Test(pull, one_damaged_byte_anywhere_stores_nothing_wrong, .timeout = 200) {
    /* From 300 to 620: every byte that is served, until one goes undamaged. */
    publish(truth, 620);
    for (long at = 0;; at += 7) {
        begin_again();
        publish(truth, 300);
        tick();
        publish(truth, 620);
        damage_at = at;
        tick();
        if (damage_at >= 0) {
            cr_assert_eq(mirrored(), 620u);
            cr_assert_gt(at, 8192);
            break;
        }
        little_mirror_check(mirror, truth);
        cr_assert_eq(evidence().count, 0u, "byte %ld", at);
        tick(); /* the damage was a passing one */
        cr_assert_null(pull->failure, "byte %ld: %s", at, pull->failure);
        cr_assert_eq(mirrored(), 620u, "byte %ld", at);
        little_mirror_check(mirror, truth);
    }
}

Test(pull, checkpoint_by_another_key_is_not_taken) {
    struct little_log *other = little_log_open("other.example/log", UINT64_MAX);
    publish(other, 9);
    tick();
    cr_assert_not_null(pull->failure);
    bool any;
    (void)little_mirror_pending(mirror, &any);
    cr_assert(!any);
    little_log_close(other);
}

Test(pull, clock_that_jumps_back_does_not_stop_it) {
    publish(truth, 9);
    tick();
    now_ms -= 86400 * 1000ull;
    run((struct pull_event){.type = PULL_TICK});
    cr_assert_leq(pull->due_ms, now_ms + INTERVAL);
}

/* --- forks --- */

Test(pull, forked_log_is_proved_whatever_the_sizes) {
    for (uint64_t m = 6; m < 20; m++) {
        for (uint64_t n = m + 1; n < 40; n += 3) {
            begin_again();
            publish(truth, m);
            tick();
            cr_assert_eq(mirrored(), m);
            publish(forgery, n);
            tick(); /* cached tiles of the true log may mix with these */
            tick();
            cr_assert_not_null(pull->failure);
            cr_assert_eq(evidence().count, 1u, "%lu to %lu", m, n);
            cr_assert_eq(evidence().form, 'b');
            cr_assert_eq(pending(), m);
            little_mirror_check(mirror, truth);
        }
    }
}

Test(pull, forked_log_of_the_same_size) {
    publish(truth, 9);
    tick();
    publish(forgery, 9);
    tick();
    cr_assert_eq(judged, FORK_PROVED);
    cr_assert_eq(evidence().form, 'a');
    size_t before = judgements;
    tick();
    cr_assert_eq(judgements, before); /* the same one is not judged again and again */
}

Test(pull, forked_log_of_a_smaller_size) {
    publish(truth, 20);
    tick();
    publish(forgery, 11);
    tick();
    cr_assert_eq(judged, FORK_PROVED);
    cr_assert_eq(evidence().form, 'b');
}

Test(pull, log_that_shows_an_older_checkpoint_is_not_accused) {
    publish(truth, 20);
    tick();
    publish(truth, 11);
    tick();
    cr_assert_eq(judged, FORK_NONE);
    cr_assert_eq(evidence().count, 0u);
    cr_assert_eq(mirrored(), 20u);
}

Test(pull, reconciles_a_refused_push_of_a_forgery) {
    uint8_t note[CHECKPOINT_SIZE_MAX];
    uint8_t body[4096];
    publish(truth, 8);
    tick();
    publish(forgery, 20); /* the log shows it to all now */
    cr_assert_eq(little_mirror_add_checkpoint(
                     mirror, little_log_checkpoint(forgery, 8, 20, body, sizeof body)),
                 422u);
    cr_assert_eq(evidence().count, 0u); /* 8 is a power of two: the proof does not tell */
    run((struct pull_event){.type = PULL_RECONCILE, .body = little_log_note(forgery, 20, note)});
    cr_assert_eq(evidence().count, 1u);
    cr_assert_eq(evidence().form, 'b');
}

Test(pull, reconciles_a_bad_proof_of_a_true_checkpoint) {
    uint8_t note[CHECKPOINT_SIZE_MAX];
    publish(truth, 8);
    tick();
    publish(truth, 20);
    run((struct pull_event){.type = PULL_RECONCILE, .body = little_log_note(truth, 15, note)});
    cr_assert_null(pull->failure, "%s", pull->failure);
    cr_assert_eq(pending(), 15u);
    cr_assert_eq(mirrored(), 15u);
    cr_assert_eq(evidence().count, 0u);
}

Test(pull, reconciles_a_forgery_between_stored_and_pending) {
    uint8_t note[CHECKPOINT_SIZE_MAX];
    uint8_t body[4096];
    publish(truth, 8);
    tick();
    publish(truth, 40);
    cr_assert_eq(little_mirror_add_checkpoint(
                     mirror, little_log_checkpoint(truth, 8, 40, body, sizeof body)),
                 200u);
    little_log_grow(forgery, 20);
    run((struct pull_event){.type = PULL_RECONCILE, .body = little_log_note(forgery, 20, note)});
    cr_assert_eq(evidence().count, 1u);
    cr_assert_eq(evidence().form, 'b');
}

Test(pull, forgery_whose_tree_is_not_served_stays_unexplained) {
    uint8_t note[CHECKPOINT_SIZE_MAX];
    publish(truth, 8);
    tick();
    little_log_grow(forgery, 20);
    publish(truth, 20);
    run((struct pull_event){.type = PULL_RECONCILE, .body = little_log_note(forgery, 20, note)});
    cr_assert_not_null(pull->failure);
    cr_assert_eq(judged, FORK_UNRECONCILED);
    cr_assert_eq(evidence().count, 0u);
    tick();
    cr_assert_eq(mirrored(), 20u); /* the log itself goes on being followed */
}
