/* One log's pull, on the loop; the jobs run at once, since nobody else waits for the store. */
#include "net/restore_private.h"

#include "crypto/encoding.h"
#include "net/log.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FETCH_TIMEOUT_MS 30000
#define TRIES 5 /* rounds without an answer, 1 to 16 s apart */
#define NEVER_MS ((uint64_t)10 * 365 * 86400 * 1000)

static struct restore_log *current(struct restore *r) {
    return &r->logs[r->at];
}

static void set_base(struct restore *r, bool at_root) {
    char hex[HEX_LEN(HASH_SIZE) + 1];
    hex[hex_encode(hex, current(r)->log.id.bytes, HASH_SIZE)] = '\0';
    int n = at_root ? snprintf(r->base, sizeof r->base, "%s", r->source)
                    : snprintf(r->base, sizeof r->base, "%s/%s", r->source, hex);
    assert(n > 0 && (size_t)n < sizeof r->base); /* restore_run checked the address's length */
    r->at_root = at_root;
}

/* --- events --- */

static void perform(struct restore *r);

static void enqueue(struct restore *r, struct pull_event event) {
    assert(r->queued < RESTORE_EVENTS_MAX);
    r->queue[r->queued++] = event;
}

static enum status read_held(struct restore *r, struct pull_held *held) {
    struct store_txn *txn = NULL;
    TRY(store_begin(r->store, STORE_READ, &txn));
    enum status status = pull_held(txn, current(r)->log.number, held);
    store_abort(txn);
    return status;
}

/* The round is over: was it the last one? */
static void look_at_round(struct restore *r) {
    if (r->pull.state != PULL_WAITING || r->stopping) {
        return;
    }
    if (r->pull.failure == NULL) {
        restore_log_done(r);
        return;
    }
    if (r->unanswered && r->pull.failures < TRIES) {
        log_line(LOG_WARN, "restore", "waits", "url=%s why=\"%s: %s\"", r->base, r->pull.failure,
                 r->last_error);
        uint64_t now = clock_wall_ms();
        timer_start(r->timer, r->pull.due_ms > now ? r->pull.due_ms - now : 1, 0);
        r->unanswered = false;
        r->last_error[0] = '\0';
        r->why.text[0] = '\0';
        return;
    }
    if (r->why.text[0] == '\0') {
        refuse(&r->why, r->unanswered ? STATUS_IO : STATUS_BAD_PROOF, "%s: %s%s%s", r->base,
               r->pull.failure, r->last_error[0] != '\0' ? ": " : "", r->last_error);
    }
    if (r->unanswered || batch_is_fatal(r->why.status) || current(r)->own) {
        restore_failed(r);
    } else {
        restore_log_left_out(r);
    }
}

static void step(struct restore *r, const struct pull_event *event) {
    struct pull_event next = *event;
    struct pull_held held;
    assert(!r->stepping);
    r->stepping = true;
    for (;;) {
        enum status status = read_held(r, &held);
        if (status != STATUS_OK) {
            refuse(&r->why, status, "%s: %s", r->config.data, status_text(status));
            r->stepping = false;
            restore_failed(r);
            return;
        }
        next.held = &held;
        next.now_ms = clock_wall_ms();
        pull_step(&r->pull, &next, &r->actions);
        perform(r);
        if (r->queued == 0) {
            break;
        }
        next = r->queue[0];
        r->queued--;
        memmove(r->queue, r->queue + 1, r->queued * sizeof r->queue[0]);
    }
    r->stepping = false;
    look_at_round(r);
}

void restore_tick(void *context) {
    struct restore *r = context;
    struct pull_event event = {.type = PULL_TICK};
    if (!r->stopping) {
        step(r, &event);
    }
}

/* --- fetching --- */

static void do_fetch(struct restore *r, size_t fetch, const char *path);

/* Of a checkpoint that is not this log's, or is not there, at the address where mirrors serve it:
 * the source may be the log's own node. True if the answer was dealt with here. */
static bool elsewhere(struct restore *r, struct restore_slot *slot,
                      const struct client_response *response) {
    struct reader reader;
    struct bytes origin;
    reader_init(&reader, response->body);
    bool other =
        response->http == 200 && r->at_root &&
        (!reader_line(&reader, &origin) || !bytes_equal(origin, vkey_name(&current(r)->log.vkey)));
    if (response->http != 404 && !other) {
        return false;
    }
    if (!r->at_root) {
        set_base(r, true);
        do_fetch(r, slot->fetch, "checkpoint");
        return true;
    }
    restore_log_absent(r);
    return true;
}

static void fetched(void *context, const struct client_response *response) {
    struct restore_slot *slot = context;
    struct restore *r = slot->restore;
    struct pull_event event = {
        .type = PULL_FETCHED, .fetch = slot->fetch, .http = response->http, .body = response->body};
    slot->call = NULL;
    if (r->pull.fetches[slot->fetch].head && elsewhere(r, slot, response)) {
        return;
    }
    if (response->http != 200) {
        r->unanswered = r->unanswered || (response->http != 404 && response->http != 410);
        if (response->http == 0) {
            snprintf(r->last_error, sizeof r->last_error, "%s", response->error);
        } else {
            snprintf(r->last_error, sizeof r->last_error, "HTTP status %u", response->http);
        }
    } else if (r->pull.fetches[slot->fetch].tile.entries) {
        slot->body = malloc(response->body.len > 0 ? response->body.len : 1);
        if (slot->body == NULL) {
            event.http = 0;
        } else {
            memcpy(slot->body, response->body.data, response->body.len);
            event.body = bytes_of(slot->body, response->body.len);
        }
    }
    step(r, &event);
}

static void do_fetch(struct restore *r, size_t fetch, const char *path) {
    struct restore_slot *slot = &r->slots[fetch];
    char url[RESTORE_URL_SIZE + TILE_PATH_MAX + 4];
    assert(slot->call == NULL && slot->body == NULL);
    int n = snprintf(url, sizeof url, "%s/%s", r->base, path);
    assert(n > 0 && (size_t)n < sizeof url);
    struct client_request request = {.method = "GET",
                                     .url = url,
                                     .timeout_ms = FETCH_TIMEOUT_MS,
                                     .response_max = PULL_RESPONSE_MAX};
    if (client_send(r->client, &request, fetched, slot, &slot->call) != STATUS_OK) {
        slot->call = NULL;
        r->unanswered = true;
        snprintf(r->last_error, sizeof r->last_error, "no request could be made");
        enqueue(r, (struct pull_event){.type = PULL_FETCHED, .fetch = fetch});
    }
}

/* --- jobs --- */

static enum status run(struct restore *r, struct job *const *jobs, size_t count) {
    enum status status = batch_run(r->store, r->batch, jobs, count);
    if (status != STATUS_OK && r->why.text[0] == '\0') {
        refuse(&r->why, status, "%s: %s", r->config.data, status_text(status));
    }
    return status;
}

static void do_add(struct restore *r, const struct pull_action *action) {
    static const struct cosigner nobody;
    static uint8_t body[ADD_CHECKPOINT_SIZE_MAX]; /* of the loop alone */
    struct add_checkpoint_job job;
    struct job *jobs[] = {&job.job};
    struct writer w;
    memset(&job, 0, sizeof job);
    writer_init(&w, body, sizeof body);
    add_checkpoint_format(&w, action->old_size, &action->proof, action->note);
    assert(!w.failed); /* the note is at most CHECKPOINT_SIZE_MAX */
    job.body = writer_view(&w);
    job.cosigner = &nobody;
    add_checkpoint_job_init(&job);
    enum status status = run(r, jobs, 1);
    if (status == STATUS_OK && job.answer.http != 200) {
        refuse(&r->why, STATUS_BAD_PROOF,
               "%s: the checkpoint does not go on from what this folder holds: %.*s", r->base,
               (int)(job.answer.len < 120 ? job.answer.len : 120), (const char *)job.answer.body);
    }
    enqueue(r, (struct pull_event){.type = PULL_ADDED,
                                   .http = status == STATUS_OK ? job.answer.http : 503});
}

static void want_store(struct restore *r, const struct pull_action *action) {
    struct package_job *job = &r->packages[r->package_count++];
    memset(job, 0, sizeof *job);
    job->upload = action->upload;
    job->package = action->package;
    package_job_init(job);
}

/* All packages of a window in one commit, each followed by its judging. */
static void store_packages(struct restore *r) {
    struct job *jobs[2 * PULL_BUNDLES_MAX];
    const struct restore_log *log = current(r);
    bool judge = log->own && (log->log.flags & LOG_EVENTS) != 0;
    size_t count = 0;
    for (size_t i = 0; i < r->package_count; i++) {
        jobs[count++] = &r->packages[i].job;
        if (judge) {
            r->judged[i].log = &log->log;
            r->judged[i].package = &r->packages[i];
            restore_judge_job_init(&r->judged[i]);
            jobs[count++] = &r->judged[i].job;
        }
    }
    enum status status = batch_run(r->store, r->batch, jobs, count);
    for (size_t i = 0; i < r->package_count; i++) {
        const struct package *package = &r->packages[i].package;
        enum status own = status != STATUS_OK ? status : r->packages[i].job.status;
        if (judge && r->judged[i].why.text[0] != '\0') {
            refuse(&r->why, STATUS_BAD_PROOF, "%s: %s", r->base, r->judged[i].why.text);
        } else if (own == STATUS_BAD_PROOF) {
            refuse(&r->why, own,
                   "%s: entries %" PRIu64 " to %" PRIu64 ", or the tiles that prove them, are not "
                   "those under the root that the log signed at size %" PRIu64,
                   r->base, package->start, package->end - 1, r->pull.upload.end);
        } else if (own != STATUS_OK && r->why.text[0] == '\0') {
            refuse(&r->why, own, "%s: %s", r->config.data, status_text(own));
        } else if (own == STATUS_OK) {
            r->stored += package->end - package->start;
        }
        enqueue(r, (struct pull_event){.type = PULL_STORED, .status = own});
    }
    r->package_count = 0;
}

static void do_end(struct restore *r) {
    struct store_txn *txn = NULL;
    enum status status = store_begin(r->store, STORE_READ, &txn);
    if (status == STATUS_OK) {
        status = restore_check(txn, &current(r)->log);
        store_abort(txn);
    }
    if (status != STATUS_OK) {
        refuse(&r->why, status, "%s: %s does not have the root that was signed: run dutylog fsck",
               r->config.data, current(r)->log.vkey.name);
    }
    enqueue(r, (struct pull_event){.type = PULL_ENDED, .http = status == STATUS_OK ? 200 : 500});
}

/* What does not fit may be a fork, and then evidence is made of it. */
static void do_judge(struct restore *r, const struct pull_action *action) {
    struct fork_job job;
    struct job *jobs[] = {&job.job};
    memset(&job, 0, sizeof job);
    job.log = &current(r)->log;
    job.note = action->note;
    job.old_size = action->old_size;
    job.proof = action->proof;
    job.subproof = action->proof.count > 0;
    fork_job_init(&job);
    if (run(r, jobs, 1) == STATUS_OK && job.outcome == FORK_PROVED) {
        log_line(LOG_ERROR, "fork", "proved",
                 "log=%s do=\"keep this folder: GET /evidence of a node that runs on it\"",
                 current(r)->log.vkey.name);
    }
}

/* --- actions --- */

static void perform_one(struct restore *r, const struct pull_action *action) {
    switch (action->type) {
    case ACTION_PULL_FETCH:
        do_fetch(r, action->fetch, action->path);
        break;
    case ACTION_PULL_ADD:
        do_add(r, action);
        break;
    case ACTION_PULL_STORE:
        want_store(r, action);
        break;
    case ACTION_PULL_END:
        do_end(r);
        break;
    case ACTION_PULL_JUDGE:
        do_judge(r, action);
        break;
    case ACTION_PULL_RELEASE:
        free(r->slots[action->fetch].body);
        r->slots[action->fetch].body = NULL;
        break;
    }
}

static void perform(struct restore *r) {
    for (size_t i = 0; i < r->actions.count; i++) {
        perform_one(r, &r->actions.items[i]);
    }
    if (r->package_count > 0) {
        store_packages(r);
    }
}

/* --- beginning and end --- */

void restore_pull(struct restore *r) {
    set_base(r, false);
    r->unanswered = false;
    r->last_error[0] = '\0';
    r->queued = 0;
    pull_init(&r->pull, &current(r)->log, NEVER_MS, &r->tiles);
    timer_start(r->timer, 1, 0);
}

void restore_pull_release(struct restore *r) {
    for (size_t i = 0; i < PULL_FETCHES_MAX; i++) {
        if (r->slots[i].call != NULL) {
            client_cancel(r->slots[i].call);
            r->slots[i].call = NULL;
        }
        free(r->slots[i].body);
        r->slots[i].body = NULL;
    }
}
