#include "tests/sim/pulls.h"

#include "ledger/pull.h"
#include "tests/sim/check.h"
#include "tests/sim/mirrors.h"
#include "tests/sim/wire.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FETCH_TIMEOUT_MS 30000
#define NEVER_MS ((uint64_t)10 * 365 * 86400 * 1000)
#define TICK_MS 1000

struct pulled;

struct slot {
    struct pulled *pulled;
    size_t fetch;
    uint8_t *body; /* of a bundle, kept until the pull releases it */
};

struct stored {
    struct package_job job;
    struct work work;
    struct pulled *pulled;
};

/* One log of one node, with the jobs that its state machine has under way. */
struct pulled {
    struct node *node;
    size_t book;
    struct pull pull;
    struct pull_tiles tiles;
    struct pull_actions actions;
    struct slot slots[PULL_FETCHES_MAX];
    uint64_t tick_at; /* true time of the next tick */
    struct add_checkpoint_job add;
    struct work adding;
    uint8_t add_body[ADD_CHECKPOINT_SIZE_MAX];
    struct stored stored[PULL_BUNDLES_MAX];
    size_t stored_count;
    struct upload_end_job end;
    struct work ending;
};

/* --- events --- */

static void perform(struct pulled *p);

static void step(struct pulled *p, struct pull_event event) {
    struct pull_held held = {.any = false};
    struct store_txn *txn = node_read(p->node);
    if (txn != NULL) {
        enum status status = pull_held(txn, p->node->logs[p->book].number, &held);
        assert(status == STATUS_OK);
        store_abort(txn);
    }
    event.held = &held;
    event.now_ms = node_now_ms(p->node);
    pull_step(&p->pull, &event, &p->actions);
    perform(p);
}

static void tick(struct sim *sim, void *context) {
    struct pulled *p = context;
    if (sim->now == p->tick_at) {
        p->tick_at = UINT64_MAX;
        step(p, (struct pull_event){.type = PULL_TICK});
    }
}

static void arm_tick(struct pulled *p) {
    struct sim *sim = p->node->sim;
    uint64_t now = node_now_ms(p->node);
    if (p->actions.wake_at_ms >= now + NEVER_MS / 2) {
        p->tick_at = UINT64_MAX;
        return;
    }
    uint64_t wait = p->actions.wake_at_ms > now ? p->actions.wake_at_ms - now : 1;
    p->tick_at = sim->now + (wait < TICK_MS ? wait : TICK_MS);
    sim_after(sim, p->tick_at - sim->now, p->node, tick, NULL, p);
}

/* --- fetching --- */

static void fetched(struct sim *sim, void *context, size_t book, unsigned http, struct bytes body) {
    struct slot *slot = context;
    struct pulled *p = slot->pulled;
    (void)sim;
    (void)book;
    if (http == 200 && p->pull.fetches[slot->fetch].tile.entries) {
        slot->body = malloc(body.len + 1);
        assert(slot->body != NULL);
        memcpy(slot->body, body.data, body.len);
        body.data = slot->body;
    }
    step(p, (struct pull_event){
                .type = PULL_FETCHED, .fetch = slot->fetch, .http = http, .body = body});
}

static void do_fetch(struct pulled *p, const struct pull_action *action) {
    struct sim *sim = p->node->sim;
    bool head = strcmp(action->path, "checkpoint") == 0;
    assert(p->slots[action->fetch].body == NULL);
    wire_call(sim, &(struct wire_request){.from = p->node->index,
                                          .to = sim->books[p->book].host->index,
                                          .kind = head ? WIRE_MIRRORED : WIRE_TILE,
                                          .book = p->book,
                                          .body = bytes_text(action->path),
                                          .timeout_ms = FETCH_TIMEOUT_MS,
                                          .reply = fetched,
                                          .context = &p->slots[action->fetch]});
}

/* --- jobs --- */

static void added(struct add_checkpoint_job *job, enum status status) {
    struct pulled *p = CONTAINER(job, struct pulled, add);
    (void)status;
    if (p->node->dying) {
        return;
    }
    node_say(p->node, "pulls to %" PRIu64 ": %u", p->pull.size, job->answer.http);
    if (job->answer.http == 200) {
        check_cosigned(p->node, p->book, WATCH_WITNESS, job->request.checkpoint.size,
                       &job->request.checkpoint.root, job->timestamp);
    }
    step(p, (struct pull_event){.type = PULL_ADDED, .http = job->answer.http});
}

static void do_add(struct pulled *p, const struct pull_action *action) {
    struct writer w;
    writer_init(&w, p->add_body, sizeof p->add_body);
    add_checkpoint_format(&w, action->old_size, &action->proof, action->note);
    assert(!w.failed);
    memset(&p->add, 0, sizeof p->add);
    p->add.body = writer_view(&w);
    p->add.cosigner = &p->node->cosigner;
    p->add.now_seconds = node_now_ms(p->node) / 1000;
    add_checkpoint_job_init(&p->add);
    p->add.done = added;
    p->adding = (struct work){.job = &p->add.job};
    node_commit(p->node, &p->adding);
}

static void stored(struct package_job *job, enum status status) {
    struct stored *s = CONTAINER(job, struct stored, job);
    if (!s->pulled->node->dying) {
        step(s->pulled, (struct pull_event){.type = PULL_STORED, .status = status});
    }
}

static void do_store(struct pulled *p, const struct pull_action *action) {
    assert(p->stored_count < PULL_BUNDLES_MAX);
    struct stored *s = &p->stored[p->stored_count++];
    memset(s, 0, sizeof *s);
    s->pulled = p;
    s->job.upload = action->upload;
    s->job.package = action->package;
    package_job_init(&s->job);
    s->job.done = stored;
    s->work = (struct work){.job = &s->job.job};
    node_commit(p->node, &s->work);
}

static void ended(struct upload_end_job *job, enum status status) {
    struct pulled *p = CONTAINER(job, struct pulled, end);
    (void)status;
    if (p->node->dying) {
        return;
    }
    if (job->answer.http == 200) {
        node_say(p->node, "pulled to %" PRIu64, job->upload->end);
        check_cosigned(p->node, p->book, WATCH_MIRROR, job->upload->end, &job->upload->root,
                       job->timestamp);
        judge_stored(p->node, p->book);
    }
    step(p, (struct pull_event){.type = PULL_ENDED, .http = job->answer.http});
}

static void do_end(struct pulled *p, const struct pull_action *action) {
    memset(&p->end, 0, sizeof p->end);
    p->end.upload = action->upload;
    p->end.cosigner = &p->node->cosigner;
    p->end.now_seconds = node_now_ms(p->node) / 1000;
    p->end.saved = action->saved;
    upload_end_job_init(&p->end);
    p->end.done = ended;
    p->ending = (struct work){.job = &p->end.job};
    node_commit(p->node, &p->ending);
}

/* --- actions --- */

static void perform_one(struct pulled *p, const struct pull_action *action) {
    switch (action->type) {
    case ACTION_PULL_FETCH:
        do_fetch(p, action);
        break;
    case ACTION_PULL_ADD:
        do_add(p, action);
        break;
    case ACTION_PULL_STORE:
        do_store(p, action);
        break;
    case ACTION_PULL_END:
        do_end(p, action);
        break;
    case ACTION_PULL_JUDGE:
        examine(p->node, p->book, action->note, action->old_size,
                action->proof.count > 0 ? &action->proof : NULL, true);
        break;
    case ACTION_PULL_RELEASE:
        free(p->slots[action->fetch].body);
        p->slots[action->fetch].body = NULL;
        break;
    }
}

static void perform(struct pulled *p) {
    for (size_t i = 0; i < p->actions.count; i++) {
        if (p->actions.items[i].type == ACTION_PULL_STORE) {
            p->stored_count = 0; /* a new window */
            break;
        }
    }
    for (size_t i = 0; i < p->actions.count; i++) {
        perform_one(p, &p->actions.items[i]);
    }
    arm_tick(p);
}

void pulls_reconcile(struct node *node, size_t book, struct bytes note) {
    struct pulled *p = node->pulls[book];
    if (p == NULL) {
        p = calloc(1, sizeof *p);
        assert(p != NULL);
        p->node = node;
        p->book = book;
        for (size_t i = 0; i < PULL_FETCHES_MAX; i++) {
            p->slots[i] = (struct slot){.pulled = p, .fetch = i};
        }
        pull_init(&p->pull, &node->logs[book], NEVER_MS, &p->tiles);
        node->pulls[book] = p;
    }
    step(p, (struct pull_event){.type = PULL_RECONCILE, .body = note});
}

void pulls_close(struct node *node) {
    for (size_t b = 0; b < SIM_BOOKS_MAX; b++) {
        struct pulled *p = node->pulls[b];
        for (size_t i = 0; p != NULL && i < PULL_FETCHES_MAX; i++) {
            free(p->slots[i].body);
        }
        free(p);
        node->pulls[b] = NULL;
    }
}

/* --- serving --- */

static uint8_t tile_memory[BUNDLE_SIZE_MAX];

void pulls_serve(struct node *node, struct arrival *arrival) {
    static const char prefix[] = "tile/";
    struct store_txn *txn = node_read(node);
    uint32_t log = node->logs[arrival->book].number;
    struct published published;
    struct tile tile;
    struct reader r;
    struct writer w;
    reader_init(&r, arrival->body);
    writer_init(&w, tile_memory, sizeof tile_memory);
    bool known = reader_skip(&r, prefix) && tile_parse_path(r.rest, &tile) == STATUS_OK;
    bool found = txn != NULL && known && sequencer_published(txn, log, &published) == STATUS_OK &&
                 tile.width <= tile_width_at(tile.level, tile.index, published.size) &&
                 tree_tile(txn, log, &tile, published.size, &w) == STATUS_OK;
    if (txn != NULL) {
        store_abort(txn);
    }
    wire_answer(arrival, found ? 200 : 404, found ? writer_view(&w) : bytes_of(NULL, 0));
}
