#include "net/puller.h"

#include "ledger/pull.h"
#include "net/clocks.h"
#include "net/judge.h"
#include "net/log.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FETCH_TIMEOUT_MS 30000
#define NEVER_MS                                                                                   \
    ((uint64_t)10 * 365 * 86400 * 1000)   /* the interval of a log that is only reconciled */
#define EVENTS_MAX (PULL_ACTIONS_MAX + 4) /* outcomes known at once, of one step */

struct pulled;

/* One request to the log's server. */
struct slot {
    struct pulled *pulled;
    size_t fetch;
    struct client_call *call; /* NULL: none under way */
    uint8_t *body;            /* of a bundle, kept until the pull releases it */
};

/* One log that is pulled, with the jobs that its state machine has under way. */
struct pulled {
    struct puller *puller;
    const struct log *log;
    const struct config_log *config;
    struct pull pull;
    struct pull_tiles tiles;
    struct pull_actions actions;
    struct slot slots[PULL_FETCHES_MAX];
    struct timer *timer;
    struct pull_event queue[EVENTS_MAX];
    size_t queued;
    bool stepping;
    size_t jobs;            /* commits under way */
    uint64_t failures_told; /* to the operator */

    struct {
        struct add_checkpoint_job job;
        struct commit commit;
        uint8_t body[ADD_CHECKPOINT_SIZE_MAX];
    } add;
    struct stored {
        struct package_job job;
        struct commit commit;
        struct pulled *pulled;
    } stored[PULL_BUNDLES_MAX];
    size_t stored_count;
    struct {
        struct upload_end_job job;
        struct commit commit;
    } end;
    struct {
        struct fork_job job;
        struct commit commit;
        uint8_t note[CHECKPOINT_SIZE_MAX];
        bool busy;
    } judged;
};

struct puller {
    struct node *node;
    struct pulled **pulled; /* by log number - 1; NULL where there is nothing to pull */
    bool closing;
    void (*closed)(void *context);
    void *closed_context;
};

static void perform(struct pulled *p);

/* --- events --- */

static bool read_held(struct pulled *p, struct pull_held *held) {
    struct store_txn *txn = NULL;
    if (store_begin(p->puller->node->store, STORE_READ, &txn) != STATUS_OK) {
        return false;
    }
    enum status status = pull_held(txn, p->log->number, held);
    store_abort(txn);
    return status == STATUS_OK;
}

/* One event, with what the store holds at this moment; then what its actions brought about at once.
 */
static void step(struct pulled *p, const struct pull_event *event) {
    assert(!p->stepping);
    struct pull_event next = *event;
    struct pull_held held;
    p->stepping = true;
    for (;;) {
        if (!read_held(p, &held)) {
            /* Too many readers, or a store that fails: the node hears of that elsewhere. What was
             * under way is lost to this round, and the pull is told so when it can be. */
            log_line(LOG_WARN, "puller", "store-not-read", "log=%s", p->log->vkey.name);
            memset(&held, 0, sizeof held);
        }
        next.held = &held;
        next.now_ms = clock_wall_ms();
        pull_step(&p->pull, &next, &p->actions);
        perform(p);
        if (p->queued == 0) {
            break;
        }
        next = p->queue[0];
        p->queued--;
        memmove(p->queue, p->queue + 1, p->queued * sizeof p->queue[0]);
    }
    p->stepping = false;
}

/* An outcome that is known while actions are still being carried out waits for its turn. */
static void enqueue(struct pulled *p, struct pull_event event) {
    assert(p->queued < EVENTS_MAX);
    p->queue[p->queued++] = event;
}

static void tick(void *context) {
    struct pulled *p = context;
    if (!p->puller->closing) {
        struct pull_event event = {.type = PULL_TICK};
        step(p, &event);
    }
}

/* --- closing --- */

static void pulled_free(struct pulled *p) {
    for (size_t i = 0; i < PULL_FETCHES_MAX; i++) {
        free(p->slots[i].body);
    }
    free(p);
}

static void maybe_closed(struct puller *puller) {
    if (!puller->closing) {
        return;
    }
    for (size_t i = 0; i < puller->node->log_count; i++) {
        if (puller->pulled[i] != NULL && puller->pulled[i]->jobs > 0) {
            return;
        }
    }
    void (*closed)(void *) = puller->closed;
    void *context = puller->closed_context;
    for (size_t i = 0; i < puller->node->log_count; i++) {
        if (puller->pulled[i] != NULL) {
            pulled_free(puller->pulled[i]);
        }
    }
    puller->node->puller = NULL;
    free(puller->pulled);
    free(puller);
    closed(context);
}

/* A commit came back. False: the puller is closing, and may be gone now. */
static bool job_done(struct pulled *p, enum status batch_status) {
    struct puller *puller = p->puller;
    p->jobs--;
    node_batch_result(puller->node, batch_status);
    if (puller->closing) {
        maybe_closed(puller);
        return false;
    }
    return true;
}

static bool job_start(struct pulled *p, struct commit *commit) {
    if (node_commit(p->puller->node, commit) != STATUS_OK) {
        return false;
    }
    p->jobs++;
    return true;
}

/* --- fetching --- */

static void fetched(void *context, const struct client_response *response) {
    struct slot *slot = context;
    struct pulled *p = slot->pulled;
    slot->call = NULL;
    if (response->http != 200) {
        log_line(LOG_DEBUG, "puller", "not-fetched", "log=%s http=%u why=\"%s\"", p->log->vkey.name,
                 response->http, response->error);
    }
    struct pull_event event = {
        .type = PULL_FETCHED, .fetch = slot->fetch, .http = response->http, .body = response->body};
    if (response->http == 200 && p->pull.fetches[slot->fetch].tile.entries) {
        /* Entries are used until they are stored; the response only lives for this call. */
        slot->body = malloc(response->body.len > 0 ? response->body.len : 1);
        if (slot->body == NULL) {
            event.http = 0;
            event.body = bytes_of(NULL, 0);
        } else {
            memcpy(slot->body, response->body.data, response->body.len);
            event.body = bytes_of(slot->body, response->body.len);
        }
    }
    step(p, &event);
}

static void do_fetch(struct pulled *p, const struct pull_action *action) {
    struct slot *slot = &p->slots[action->fetch];
    char url[CONFIG_TEXT_MAX + TILE_PATH_MAX + 4];
    assert(slot->call == NULL && slot->body == NULL);
    int n = snprintf(url, sizeof url, "%s/%s", p->config->url, action->path);
    assert(n > 0 && (size_t)n < sizeof url);
    struct client_request request = {.method = "GET",
                                     .url = url,
                                     .timeout_ms = FETCH_TIMEOUT_MS,
                                     .response_max = PULL_RESPONSE_MAX};
    if (client_send(p->puller->node->client, &request, fetched, slot, &slot->call) != STATUS_OK) {
        slot->call = NULL;
        enqueue(p, (struct pull_event){.type = PULL_FETCHED, .fetch = action->fetch});
    }
}

/* --- jobs --- */

static void added(struct commit *commit, enum status batch_status) {
    struct pulled *p = commit->context;
    if (job_done(p, batch_status)) {
        struct pull_event event = {
            .type = PULL_ADDED, .http = batch_status == STATUS_OK ? p->add.job.answer.http : 503};
        step(p, &event);
    }
}

static void do_add(struct pulled *p, const struct pull_action *action) {
    struct writer w;
    writer_init(&w, p->add.body, sizeof p->add.body);
    add_checkpoint_format(&w, action->old_size, &action->proof, action->note);
    assert(!w.failed); /* the note is at most CHECKPOINT_SIZE_MAX */
    memset(&p->add.job, 0, sizeof p->add.job);
    p->add.job.body = writer_view(&w);
    p->add.job.cosigner = &p->puller->node->cosigner;
    p->add.job.now_seconds = clock_wall_ms() / 1000;
    p->add.job.peers = clocks_say(p->puller->node->clocks, p->log);
    add_checkpoint_job_init(&p->add.job);
    p->add.commit = (struct commit){.job = &p->add.job.job, .done = added, .context = p};
    if (!job_start(p, &p->add.commit)) {
        enqueue(p, (struct pull_event){.type = PULL_ADDED, .http = 503});
    }
}

static void stored(struct commit *commit, enum status batch_status) {
    struct stored *s = commit->context;
    struct pulled *p = s->pulled;
    enum status status = batch_status != STATUS_OK ? batch_status : s->job.job.status;
    if (job_done(p, batch_status)) {
        struct pull_event event = {.type = PULL_STORED, .status = status};
        step(p, &event);
    }
}

static void do_store(struct pulled *p, const struct pull_action *action) {
    assert(p->stored_count < PULL_BUNDLES_MAX);
    struct stored *s = &p->stored[p->stored_count++];
    memset(&s->job, 0, sizeof s->job);
    s->pulled = p;
    s->job.upload = action->upload;
    s->job.package = action->package;
    package_job_init(&s->job);
    s->commit = (struct commit){.job = &s->job.job, .done = stored, .context = s};
    if (!job_start(p, &s->commit)) {
        enqueue(p, (struct pull_event){.type = PULL_STORED, .status = STATUS_BUSY});
    }
}

static void ended(struct commit *commit, enum status batch_status) {
    struct pulled *p = commit->context;
    if (!job_done(p, batch_status)) {
        return;
    }
    unsigned http = batch_status == STATUS_OK ? p->end.job.answer.http : 503;
    if (http == 200) {
        log_line(LOG_DEBUG, "puller", "pulled", "log=%s size=%" PRIu64, p->log->vkey.name,
                 p->pull.size);
        judge_stored(p->puller->node->judge, p->log->number);
    }
    struct pull_event event = {.type = PULL_ENDED, .http = http};
    step(p, &event);
}

static void do_end(struct pulled *p, const struct pull_action *action) {
    memset(&p->end.job, 0, sizeof p->end.job);
    p->end.job.upload = action->upload;
    p->end.job.cosigner = &p->puller->node->cosigner;
    p->end.job.now_seconds = clock_wall_ms() / 1000;
    p->end.job.peers = clocks_say(p->puller->node->clocks, p->log);
    p->end.job.saved = action->saved;
    upload_end_job_init(&p->end.job);
    p->end.commit = (struct commit){.job = &p->end.job.job, .done = ended, .context = p};
    if (!job_start(p, &p->end.commit)) {
        enqueue(p, (struct pull_event){.type = PULL_ENDED, .http = 503});
    }
}

static void judged(struct commit *commit, enum status batch_status) {
    struct pulled *p = commit->context;
    p->judged.busy = false;
    if (job_done(p, batch_status) && batch_status == STATUS_OK &&
        p->judged.job.outcome == FORK_PROVED) {
        log_line(LOG_ERROR, "fork", "proved", "log=%s do=\"GET /evidence, and pass it on\"",
                 p->log->vkey.name);
    }
}

/* What becomes of it is no event of the pull's: it comes again if it is put off. */
static void do_judge(struct pulled *p, const struct pull_action *action) {
    if (p->judged.busy || action->note.len > sizeof p->judged.note) {
        return;
    }
    memcpy(p->judged.note, action->note.data, action->note.len);
    memset(&p->judged.job, 0, sizeof p->judged.job);
    p->judged.job.log = p->log;
    p->judged.job.note = bytes_of(p->judged.note, action->note.len);
    p->judged.job.old_size = action->old_size;
    p->judged.job.proof = action->proof;
    p->judged.job.subproof = action->proof.count > 0;
    fork_job_init(&p->judged.job);
    p->judged.commit = (struct commit){.job = &p->judged.job.job, .done = judged, .context = p};
    p->judged.busy = job_start(p, &p->judged.commit);
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
        do_judge(p, action);
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
            p->stored_count =
                0; /* a new window begins when the packages of the last one are all stored */
            break;
        }
    }
    /* enqueue, never step, happens meanwhile: the array stays as it is. */
    for (size_t i = 0; i < p->actions.count; i++) {
        perform_one(p, &p->actions.items[i]);
    }
    if (p->pull.failure != NULL && p->pull.state == PULL_WAITING &&
        p->pull.failures != p->failures_told) {
        log_line(LOG_WARN, "puller", "failed", "log=%s why=\"%s\" failures=%" PRIu64,
                 p->log->vkey.name, p->pull.failure, p->pull.failures);
    }
    p->failures_told = p->pull.failures;
    uint64_t now = clock_wall_ms();
    if (p->actions.wake_at_ms == UINT64_MAX) {
        timer_stop(p->timer);
        return;
    }
    uint64_t delay = p->actions.wake_at_ms > now ? p->actions.wake_at_ms - now : 1;
    timer_start(p->timer, delay < 60000 ? delay : 60000,
                0); /* a clock may jump: look again within a minute */
}

/* --- opening --- */

static const struct config_log *config_of(const struct node *node, const struct log *log) {
    for (size_t i = 0; i < node->config.log_count; i++) {
        if (vkey_equal(&node->config.logs[i].vkey, &log->vkey)) {
            return &node->config.logs[i];
        }
    }
    return NULL;
}

/* A log's pull, made when it is first needed. */
static enum status pulled_open(struct puller *puller, const struct log *log, struct pulled **out) {
    const struct config_log *config = config_of(puller->node, log);
    if (puller->pulled[log->number - 1] != NULL) {
        *out = puller->pulled[log->number - 1];
        return STATUS_OK;
    }
    if (config == NULL || config->url[0] == '\0') {
        return STATUS_NOT_FOUND;
    }
    struct pulled *p = calloc(1, sizeof *p);
    enum status status =
        p != NULL ? timer_open(puller->node->loop, tick, p, &p->timer) : STATUS_NOMEM;
    if (status != STATUS_OK) {
        free(p);
        return status;
    }
    p->puller = puller;
    p->log = log;
    p->config = config;
    for (size_t i = 0; i < PULL_FETCHES_MAX; i++) {
        p->slots[i] = (struct slot){.pulled = p, .fetch = i};
    }
    pull_init(&p->pull, log, config->pull_ms > 0 ? config->pull_ms : NEVER_MS, &p->tiles);
    puller->pulled[log->number - 1] = p;
    *out = p;
    return STATUS_OK;
}

enum status puller_open(struct node *node, struct puller **out) {
    struct puller *puller = calloc(1, sizeof *puller);
    struct pulled **pulled = calloc(node->log_room, sizeof *pulled);
    if (puller == NULL || pulled == NULL) {
        free(pulled);
        free(puller);
        return STATUS_NOMEM;
    }
    puller->node = node;
    puller->pulled = pulled;
    *out = puller;
    for (size_t i = 0; i < node->log_count; i++) {
        const struct config_log *config = config_of(node, &node->logs[i]);
        struct pulled *p = NULL;
        if (config != NULL && config->pull_ms > 0) {
            TRY(pulled_open(puller, &node->logs[i], &p));
            timer_start(p->timer, 1, 0);
        }
    }
    return STATUS_OK;
}

void puller_add(struct puller *puller, const struct log *log) {
    struct pulled *p = NULL;
    if (puller->closing || puller->pulled[log->number - 1] != NULL) {
        return;
    }
    if (pulled_open(puller, log, &p) != STATUS_OK) {
        log_line(LOG_WARN, "puller", "not-begun", "log=%s why=\"out of memory\"", log->vkey.name);
        return;
    }
    timer_start(p->timer, 1 + log->number % 64 * 50, 0); /* not all of a large registry at once */
}

void puller_reconcile(struct puller *puller, uint32_t log, struct bytes note) {
    struct pulled *p = NULL;
    if (puller->closing || note.len > CHECKPOINT_SIZE_MAX ||
        pulled_open(puller, node_log_by_number(puller->node, log), &p) != STATUS_OK) {
        return; /* no address to ask: it stays unreconciled, and is listed */
    }
    struct pull_event event = {.type = PULL_RECONCILE, .body = note};
    step(p, &event);
}

struct puller_stats puller_stats(const struct puller *puller) {
    struct puller_stats stats = {.named = {.pulled = 0}};
    for (size_t i = 0; i < puller->node->log_count; i++) {
        const struct pulled *p = puller->pulled[i];
        if (p == NULL || p->config->pull_ms == 0) {
            continue; /* made to reconcile only */
        }
        struct pulls *pulls = p->config->line > 0 ? &stats.named : &stats.recognised;
        pulls->pulled++;
        if (p->pull.failures > 0) {
            pulls->failing++;
            pulls->first = pulls->first != NULL ? pulls->first : p->log->vkey.name;
        }
    }
    return stats;
}

void puller_close(struct puller *puller, void (*closed)(void *context), void *context) {
    puller->closing = true;
    puller->closed = closed;
    puller->closed_context = context;
    for (size_t i = 0; i < puller->node->log_count; i++) {
        struct pulled *p = puller->pulled[i];
        if (p == NULL) {
            continue;
        }
        timer_close(p->timer);
        for (size_t k = 0; k < PULL_FETCHES_MAX; k++) {
            if (p->slots[k].call != NULL) {
                client_cancel(p->slots[k].call);
                p->slots[k].call = NULL;
            }
        }
    }
    maybe_closed(puller);
}
