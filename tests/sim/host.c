/* The host's glue around the replica: actions become calls and jobs, answers become events. */
#include "tests/sim/host.h"

#include "ledger/push.h"
#include "tests/sim/check.h"
#include "tests/sim/guards.h"
#include "tests/sim/wire.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX 8
#define TICK_MS 1000 /* a clock that jumps back must not put the next look off for as long */

struct push {
    struct host *host;
    size_t mirror;
    bool fetch;
};

struct cut {
    struct work work;
    struct cut_job job;
    struct host *host;
    bool busy;
};

struct publication {
    struct work work;
    struct publish_job job;
    struct host *host;
    uint8_t note[CHECKPOINT_SIZE_MAX];
    bool busy;
};

struct host {
    struct node *node;
    struct book *book;
    struct replica replica;
    struct guard_terms terms; /* of its guard */
    struct replica_actions actions;
    struct push pushes[REPLICA_MIRRORS_MAX];
    struct cut cut;
    struct publication publication;
    struct replica_event queue[EVENTS_MAX];
    size_t queued;
    bool stepping;
    bool has_policy;
    uint64_t policy_index;
    uint64_t tick_at; /* true time of the next tick */
    struct round round;
    struct host_waiting *waiting;
};

/* A policy with its text, which its names borrow from. */
struct kept_policy {
    struct policy policy; /* first: freed through this address */
    char text[POLICY_SIZE_MAX + 1];
};

const struct replica *host_replica(const struct node *node) {
    return &node->host->replica;
}

struct node *host_node(const struct host *host) {
    return host->node;
}

struct host_waiting **host_waiting(struct host *host) {
    return &host->waiting;
}

static const struct log *own(const struct host *h) {
    return &h->node->logs[h->book->number];
}

static struct replica_event event_of(const struct host *h, enum replica_event_type type) {
    return (struct replica_event){.type = type, .now_ms = node_now_ms(h->node)};
}

/* --- steps --- */

static void perform(struct host *h);

static void one_step(struct host *h, const struct replica_event *event) {
    enum replica_state was = h->replica.state;
    enum replica_guard guard = h->replica.guard;
    replica_step(&h->replica, event, &h->actions);
    check_round(h->node, &h->round);
    if (guard != GUARD_NONE && h->replica.guard == GUARD_NONE) {
        if (guard == GUARD_ALL) {
            node_say(h->node, "has heard every mirror");
        }
        head_file_set_head(h->node, &h->replica.candidate);
    }
    if (was == REPLICA_PUSHING && h->replica.state == REPLICA_IDLE) {
        node_say(h->node, "gives the round of %" PRIu64 " up", h->replica.signed_size);
    }
    perform(h);
}

static void step(struct host *h, const struct replica_event *event) {
    assert(!h->stepping);
    h->stepping = true;
    one_step(h, event);
    while (h->queued > 0) {
        struct replica_event next = h->queue[0];
        h->queued--;
        memmove(h->queue, h->queue + 1, h->queued * sizeof h->queue[0]);
        next.now_ms = node_now_ms(h->node);
        one_step(h, &next);
    }
    h->stepping = false;
}

static void tick(struct sim *sim, void *context) {
    struct host *h = context;
    if (sim->now == h->tick_at) {
        h->tick_at = UINT64_MAX;
        struct replica_event event = event_of(h, REPLICA_TICK);
        step(h, &event);
    }
}

static void arm_tick(struct host *h) {
    struct sim *sim = h->node->sim;
    uint64_t now = node_now_ms(h->node);
    uint64_t wait = h->actions.wake_at_ms > now ? h->actions.wake_at_ms - now : 1;
    if (h->actions.wake_at_ms == UINT64_MAX) {
        h->tick_at = UINT64_MAX;
        return;
    }
    wait = wait < TICK_MS ? wait : TICK_MS;
    if (h->tick_at != sim->now + wait) {
        h->tick_at = sim->now + wait;
        sim_after(sim, wait, h->node, tick, NULL, h);
    }
}

/* --- pushes --- */

/* What an answer says, for the trace. */
static void say_answer(const struct host *h, const char *mirror, unsigned http, struct bytes body) {
    bool text = body.len > 0 && body.len < 60 && (http == 409 || http == 202);
    char line[64] = "";
    for (size_t i = 0; text && i + 1 < body.len; i++) {
        line[i] = body.data[i] == '\n' ? ' ' : (char)body.data[i];
        line[i + 1] = '\0';
    }
    size_t len = strlen(line);
    while (len > 0 && line[len - 1] == ' ') {
        line[--len] = '\0';
    }
    node_say(h->node, "<- %s %u%s%s", mirror, http, text ? " " : "", line);
}

static const char *mirror_name(const struct host *h, size_t mirror) {
    const struct node *node = node_of_mirror(h->node->sim, &h->replica.mirrors[mirror].vkey);
    return node != NULL ? node->name : "?";
}

static void push_done(struct sim *sim, void *context, size_t book, unsigned http,
                      struct bytes body) {
    struct push *push = context;
    struct host *h = push->host;
    struct replica_event event = event_of(h, REPLICA_RESPONSE);
    struct hash root;
    (void)book;
    event.mirror = push->mirror;
    event.http = http;
    event.peer_seconds = sim->told_ms / 1000;
    event.body = body;
    say_answer(h, mirror_name(h, push->mirror), http, body);
    struct store_txn *txn = push->fetch ? node_read(h->node) : NULL;
    if (txn != NULL) {
        if (push_own_root(txn, own(h)->number, body, &root) == STATUS_OK) {
            event.root = &root;
        }
        store_abort(txn);
    }
    step(h, &event);
}

static void push_failed(struct host *h, size_t mirror) {
    assert(h->queued < EVENTS_MAX);
    h->queue[h->queued] = event_of(h, REPLICA_RESPONSE);
    h->queue[h->queued++].mirror = mirror;
}

static void push_send(struct host *h, size_t mirror, enum wire_kind kind, struct bytes body,
                      uint64_t shows) {
    const struct node *to = node_of_mirror(h->node->sim, &h->replica.mirrors[mirror].vkey);
    assert(to != NULL);
    h->pushes[mirror].fetch = kind == WIRE_PENDING;
    wire_call(h->node->sim,
              &(struct wire_request){.from = h->node->index,
                                     .to = to->index,
                                     .kind = kind,
                                     .book = h->book->number,
                                     .body = body,
                                     .shows = shows,
                                     .timeout_ms = h->replica.options.request_timeout_ms,
                                     .reply = push_done,
                                     .context = &h->pushes[mirror]});
}

/* Bodies are built in one place: nothing else runs meanwhile. */
static uint8_t push_memory[PACKAGE_SIZE_MAX + 1024];

static void push_checkpoint_to(struct host *h, const struct replica_action *action) {
    struct store_txn *txn = node_read(h->node);
    struct writer w;
    writer_init(&w, push_memory, ADD_CHECKPOINT_SIZE_MAX);
    enum status status = STATUS_STORE_DOUBT;
    if (txn != NULL) {
        status =
            push_checkpoint(txn, own(h)->number, action->old_size, action->size, action->note, &w);
        store_abort(txn);
    }
    if (status != STATUS_OK) {
        push_failed(h, action->mirror);
        return;
    }
    node_say(h->node, "-> %s checkpoint %" PRIu64 " from %" PRIu64, mirror_name(h, action->mirror),
             action->size, action->old_size);
    check_candidate(h->node, h->book, action->note, &h->round);
    push_send(h, action->mirror, WIRE_CHECKPOINT, writer_view(&w), action->size);
}

static void push_entries_to(struct host *h, const struct replica_action *action) {
    const struct replica_mirror *m = &h->replica.mirrors[action->mirror];
    struct store_txn *txn = node_read(h->node);
    struct writer w;
    writer_init(&w, push_memory, sizeof push_memory);
    enum status status = STATUS_STORE_DOUBT;
    if (txn != NULL) {
        status = push_entries(txn, own(h)->number, book_origin(h->book), action->start, action->end,
                              bytes_of(m->ticket, m->ticket_len), &w);
        store_abort(txn);
    }
    if (status != STATUS_OK) {
        push_failed(h, action->mirror);
        return;
    }
    node_say(h->node, "-> %s entries %" PRIu64 "-%" PRIu64, mirror_name(h, action->mirror),
             action->start, action->end);
    push_send(h, action->mirror, WIRE_ENTRIES, writer_view(&w), 0);
}

static void push_candidate_to(struct host *h, const struct replica_action *action) {
    struct store_txn *txn = node_read(h->node);
    struct writer w;
    writer_init(&w, push_memory, ADD_CANDIDATE_SIZE_MAX);
    enum status status = STATUS_STORE_DOUBT;
    if (txn != NULL) {
        status = push_candidate(txn, own(h)->number, book_origin(h->book), action->old_size,
                                action->size, action->note, &w);
        store_abort(txn);
    }
    if (status != STATUS_OK) {
        push_failed(h, action->mirror);
        return;
    }
    node_say(h->node, "-> %s candidate %" PRIu64 " from %" PRIu64, mirror_name(h, action->mirror),
             action->size, action->old_size);
    check_candidate(h->node, h->book, action->note, &h->round);
    push_send(h, action->mirror, WIRE_CANDIDATE, writer_view(&w), action->size);
}

/* --- jobs --- */

static void cut_done(struct cut_job *job, enum status status) {
    struct cut *cut = CONTAINER(job, struct cut, job);
    struct host *h = cut->host;
    cut->busy = false;
    if (status == STATUS_OK) {
        node_say(h->node, "cut %" PRIu64 " after %" PRIu64, job->head.size, job->expected);
        check_cut(h->node, h->book, job->expected, &job->head, &h->round);
    } else {
        node_say(h->node, "cut after %" PRIu64 ": %s", job->expected, status_name(status));
    }
    struct replica_event event = event_of(h, REPLICA_CUT);
    event.status = status;
    event.head = &job->head;
    step(h, &event);
}

static void cut_start(struct host *h, uint64_t expected) {
    assert(!h->cut.busy);
    h->cut.busy = true;
    cut_job_init(&h->cut.job);
    h->cut.job.log = own(h);
    h->cut.job.signer = &h->book->world.log;
    h->cut.job.expected = expected;
    h->cut.job.done = cut_done;
    h->cut.work = (struct work){.job = &h->cut.job.job};
    node_commit(h->node, &h->cut.work);
}

static void publish_done(struct publish_job *job, enum status status) {
    struct publication *p = CONTAINER(job, struct publication, job);
    struct host *h = p->host;
    p->busy = false;
    if (status == STATUS_OK) {
        node_say(h->node, "published %" PRIu64, job->size);
        check_published(h->node, h->book, job->note, job->size, &h->round);
    } else {
        node_say(h->node, "publishing %" PRIu64 ": %s", job->size, status_name(status));
    }
    struct replica_event event = event_of(h, REPLICA_PUBLISHED);
    event.status = status;
    event.size = job->size;
    step(h, &event);
}

static void publish_start(struct host *h, const struct replica_action *action) {
    struct publication *p = &h->publication;
    assert(!p->busy && action->note.len <= sizeof p->note);
    p->busy = true;
    memcpy(p->note, action->note.data, action->note.len);
    publish_job_init(&p->job);
    p->job.log = own(h);
    p->job.size = action->size;
    p->job.quorum_time = action->quorum_time;
    p->job.note = bytes_of(p->note, action->note.len);
    p->job.done = publish_done;
    p->work = (struct work){.job = &p->job.job};
    node_commit(h->node, &p->work);
}

/* --- actions --- */

static void perform_one(struct host *h, const struct replica_action *action) {
    switch (action->type) {
    case ACTION_CUT:
        cut_start(h, action->expected);
        break;
    case ACTION_SEND_CHECKPOINT:
        push_checkpoint_to(h, action);
        break;
    case ACTION_SEND_ENTRIES:
        push_entries_to(h, action);
        break;
    case ACTION_SEND_CANDIDATE:
        push_candidate_to(h, action);
        break;
    case ACTION_FETCH_PENDING:
        node_say(h->node, "-> %s asks for its pending checkpoint", mirror_name(h, action->mirror));
        push_send(h, action->mirror, WIRE_PENDING, bytes_of(NULL, 0), 0);
        break;
    case ACTION_PUBLISH:
        publish_start(h, action);
        break;
    case ACTION_SERVE:
        host_served(h);
        break;
    case ACTION_HALT:
        node_say(h->node, "HALTS: %s", action->why);
        check_halt(h->node, h->book, action->note);
        break;
    case ACTION_RELEASE_POLICY:
        free(action->policy);
        break;
    }
}

static void perform(struct host *h) {
    for (size_t i = 0; i < h->actions.count; i++) {
        struct replica_action action = h->actions.items[i];
        if (!h->node->dying || action.type == ACTION_RELEASE_POLICY) {
            perform_one(h, &action);
        }
    }
    arm_tick(h);
}

/* --- policies --- */

static enum status keep_policy(const char *text, struct policy **out) {
    struct kept_policy *kept = malloc(sizeof *kept);
    assert(kept != NULL && strlen(text) <= POLICY_SIZE_MAX);
    memcpy(kept->text, text, strlen(text) + 1);
    enum status status = policy_parse(bytes_text(kept->text), &kept->policy, NULL);
    if (status != STATUS_OK) {
        free(kept);
        return status;
    }
    *out = &kept->policy;
    return STATUS_OK;
}

static enum status read_policy(struct host *h, struct store_txn *txn, uint64_t index,
                               struct policy **out) {
    struct bytes entry;
    struct bytes note;
    uint64_t received_ms = 0;
    struct event event;
    TRY(tree_entry(txn, own(h)->number, index, &entry));
    TRY(entry_parse(entry, &received_ms, &note, NULL));
    TRY(event_parse(note, &event, NULL));
    enum status status = keep_policy(event_open_text(&event, "policy"), out);
    event_release(&event);
    return status;
}

static void give_policy(struct host *h, struct store_txn *txn, uint64_t size) {
    uint64_t index = 0;
    struct replica_event event = event_of(h, REPLICA_POLICY);
    enum status status = policy_in_force(txn, own(h)->number, size, &index);
    if (status == STATUS_NOT_FOUND || (h->has_policy && index <= h->policy_index)) {
        return;
    }
    if (status == STATUS_OK) {
        status = read_policy(h, txn, index, &event.policy);
    }
    if (status != STATUS_OK) {
        sim_fail(h->node->sim, "store", "%s cannot read its own policy: %s", h->node->name,
                 status_name(status));
        return;
    }
    event.index = index;
    h->has_policy = true;
    h->policy_index = index;
    node_say(h->node, "policy at %" PRIu64 ": %zu mirrors", index, event.policy->witness_count);
    head_file_list(h->node, event.policy);
    step(h, &event);
}

void host_committed(struct host *h, uint64_t size) {
    if (!h->book->opaque) {
        struct store_txn *txn = node_read(h->node);
        if (txn == NULL) {
            return;
        }
        give_policy(h, txn, size);
        store_abort(txn);
    }
    struct replica_event event = event_of(h, REPLICA_COMMITTED);
    event.size = size;
    step(h, &event);
}

/* --- opening and closing --- */

static void start(struct host *h, struct store_txn *txn) {
    struct tree_head tree;
    struct head head = {.size = 0};
    struct published published = {.size = 0};
    struct replica_event event = event_of(h, REPLICA_START);
    enum status a = tree_read_head(txn, own(h)->number, &tree);
    enum status b = sequencer_head(txn, own(h), &head);
    enum status c = sequencer_published(txn, own(h)->number, &published);
    if (a != STATUS_OK || (b != STATUS_OK && b != STATUS_NOT_FOUND) ||
        (c != STATUS_OK && c != STATUS_NOT_FOUND)) {
        sim_fail(h->node->sim, "store", "%s cannot read what it stored", h->node->name);
        return;
    }
    event.size = tree.size;
    event.head = &head;
    event.published = published.size;
    event.guard = h->node->guard;
    node_say(h->node, "has %" PRIu64 ", signed %" PRIu64 ", published %" PRIu64, tree.size,
             head.size, published.size);
    check_started(h->node, h->book, head.size, published.size, &h->round);
    step(h, &event);
    if (h->book->opaque) {
        event = event_of(h, REPLICA_POLICY);
        enum status status = keep_policy(h->book->policies[0].text, &event.policy);
        assert(status == STATUS_OK);
        h->book->policies[0].logged = true;
        head_file_list(h->node, event.policy);
        step(h, &event);
        return;
    }
    /* Those in force at the published size, in the candidate, and beyond it. */
    give_policy(h, txn, published.size);
    give_policy(h, txn, head.size);
    give_policy(h, txn, tree.size);
}

void host_open(struct node *node) {
    struct host *h = calloc(1, sizeof *h);
    assert(h != NULL && node->host == NULL);
    node->host = h;
    h->node = node;
    h->book = node->hosts;
    h->tick_at = UINT64_MAX;
    h->cut.host = h;
    h->publication.host = h;
    for (size_t i = 0; i < REPLICA_MIRRORS_MAX; i++) {
        h->pushes[i] = (struct push){.host = h, .mirror = i};
    }
    replica_init(&h->replica, &h->book->world.log.vkey, &h->book->options);
    h->terms.record = node->has_record ? &node->disk->head_file.record : NULL;
    h->replica.terms = &h->terms;
    struct store_txn *txn = node_read(node);
    assert(txn != NULL);
    start(h, txn);
    store_abort(txn);
}

void host_close(struct node *node) {
    struct host *h = node->host;
    node->host = NULL;
    host_waiting_release(h);
    free(h->replica.policy);
    free(h->replica.incoming);
    free(h->replica.next);
    free(h);
}

void host_serve_checkpoint(struct node *node, struct arrival *arrival) {
    struct store_txn *txn = node_read(node);
    struct published published = {.size = 0};
    enum status status = STATUS_STORE_DOUBT;
    if (txn != NULL) {
        status = sequencer_published(txn, node->logs[node->hosts->number].number, &published);
    }
    wire_answer(arrival,
                status == STATUS_OK          ? 200
                : status == STATUS_NOT_FOUND ? 404
                                             : 503,
                status == STATUS_OK ? published.note : bytes_of(NULL, 0));
    if (txn != NULL) {
        store_abort(txn);
    }
}
