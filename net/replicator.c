#include "net/replicator.h"

#include "crypto/encoding.h"
#include "net/file.h"
#include "net/log.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX                                                                                 \
    (2 * REPLICA_ACTIONS_MAX) /* an action makes one at most, and a failed push is not pushed      \
                                 again at once */

/* Room for the largest request: a package and its header, or a checkpoint with its proof. */
#define SCRATCH_SIZE (PACKAGE_SIZE_MAX + 1024)
static_assert(SCRATCH_SIZE >= ADD_CHECKPOINT_SIZE_MAX && SCRATCH_SIZE >= ADD_CANDIDATE_SIZE_MAX,
              "each fits");

/* A request's body. Mirrors in step get the same one: it is built once. */
struct body {
    unsigned refs;
    enum replica_action_type type; /* which request, */
    uint64_t size;                 /* of which candidate, */
    uint64_t from;                 /* and from which size on */
    uint64_t to;
    size_t ticket_len;
    uint8_t ticket[TICKET_SIZE_MAX];
    size_t len;
    uint8_t data[];
};

/* One request to one mirror. */
struct push {
    struct replicator *replicator;
    size_t mirror;
    struct client_call *call; /* NULL: none under way */
    bool fetching;            /* its pending checkpoint */
};

/* One job of the replica's on its way through the committer. */
struct cut {
    struct cut_job job;
    struct commit commit;
    bool busy;
};
struct publication {
    struct publish_job job;
    struct commit commit;
    uint8_t note[CHECKPOINT_SIZE_MAX];
    bool busy;
};

struct replicator {
    struct node *node;
    replicator_served served;
    void *context;
    struct replica replica;
    struct replica_actions actions;
    struct push pushes[REPLICA_MIRRORS_MAX];
    struct body *last_body; /* the one built last; NULL: none */
    uint8_t *scratch;       /* SCRATCH_SIZE, of which few pages are ever touched */
    struct cut cut;
    struct publication publication;
    struct timer *timer;
    uint64_t policy_index; /* of the last log.policy given to the replica */
    bool has_policy;
    bool stepping;
    struct replica_event queue[EVENTS_MAX];
    size_t queued;
    bool closing;
    void (*closed)(void *context);
    void *closed_context;
};

static void perform(struct replicator *r);

/* Gives one event to the replica and carries out what it wants. Actions whose outcome is known at
 * once (a full queue, an address that is no URL) make further events; they wait until the actions
 * of this one are done. */
static void step(struct replicator *r, const struct replica_event *event) {
    assert(!r->stepping);
    r->stepping = true;
    replica_step(&r->replica, event, &r->actions);
    perform(r);
    while (r->queued > 0) {
        struct replica_event next = r->queue[0];
        r->queued--;
        memmove(r->queue, r->queue + 1, r->queued * sizeof r->queue[0]);
        next.now_ms = clock_wall_ms();
        replica_step(&r->replica, &next, &r->actions);
        perform(r);
    }
    r->stepping = false;
}

static struct replica_event event_of(enum replica_event_type type) {
    return (struct replica_event){.type = type, .now_ms = clock_wall_ms()};
}

static void tick(void *context) {
    struct replicator *r = context;
    if (!r->closing) {
        struct replica_event event = event_of(REPLICA_TICK);
        step(r, &event);
    }
}

static void body_release(void *owner) {
    struct body *body = owner;
    if (body != NULL && --body->refs == 0) {
        free(body);
    }
}

static void free_memory(struct replicator *r) {
    free(r->replica.policy);
    free(r->replica.incoming);
    free(r->replica.next);
    body_release(r->last_body);
    free(r->scratch);
}

/* Frees the replicator once nothing refers to it. */
static void maybe_closed(struct replicator *r) {
    if (!r->closing || r->cut.busy || r->publication.busy) {
        return;
    }
    for (size_t i = 0; i < REPLICA_MIRRORS_MAX; i++) {
        assert(r->pushes[i].call == NULL); /* cancelled by replicator_close */
    }
    void (*closed)(void *) = r->closed;
    void *context = r->closed_context;
    free_memory(r);
    free(r);
    if (closed != NULL) {
        closed(context);
    }
}

/* --- requests to mirrors --- */

/* Our own root at the size that a fetched checkpoint names, for the replica to compare. */
static bool own_root(struct replicator *r, struct bytes checkpoint, struct hash *root) {
    struct store_txn *txn = NULL;
    if (store_begin(r->node->store, STORE_READ, &txn) != STATUS_OK) {
        return false;
    }
    enum status status = push_own_root(txn, r->node->own.number, checkpoint, root);
    store_abort(txn);
    return status == STATUS_OK;
}

static void push_done(void *context, const struct client_response *response) {
    struct push *push = context;
    struct replicator *r = push->replicator;
    push->call = NULL;
    if (r->closing) {
        return;
    }
    if (response->http == 0) {
        log_line(LOG_DEBUG, "replicator", "unreachable", "mirror=%s why=\"%s\"",
                 r->replica.mirrors[push->mirror].vkey.name, response->error);
    }
    if (response->http >= 300) {
        size_t len = response->body.len < 100 ? response->body.len : 100;
        log_line(LOG_DEBUG, "replicator", "refused", "mirror=%s http=%u body=\"%.*s\"",
                 r->replica.mirrors[push->mirror].vkey.name, response->http, (int)len,
                 response->body.data);
    }
    struct hash root;
    struct replica_event event = event_of(REPLICA_RESPONSE);
    event.mirror = push->mirror;
    event.http = response->http;
    event.body = response->body;
    if (push->fetching && response->http == 200 && own_root(r, response->body, &root)) {
        event.root = &root;
    }
    step(r, &event);
}

/* An answer that came without a request. `http` 0: the mirror counts as unreachable this time. */
static void push_failed(struct replicator *r, size_t mirror, unsigned http) {
    assert(r->queued < EVENTS_MAX);
    r->queue[r->queued] = event_of(REPLICA_RESPONSE);
    r->queue[r->queued].mirror = mirror;
    r->queue[r->queued].http = http;
    r->queued++;
}

/* Takes a reference to the body; NULL: a GET. */
static void push_send(struct replicator *r, size_t mirror, const char *path, struct body *body) {
    struct push *push = &r->pushes[mirror];
    const struct replica_mirror *m = &r->replica.mirrors[mirror];
    assert(push->call == NULL);
    char url[POLICY_URL_MAX + 128];
    int n = snprintf(url, sizeof url, "%s%s", m->url, path);
    assert(n > 0 && (size_t)n < sizeof url);
    push->fetching = body == NULL;
    static const struct client_header octets[] = {{"Content-Type", "application/octet-stream"}};
    struct client_request request = {
        .method = body != NULL ? "POST" : "GET",
        .url = url,
        .headers = octets,
        .header_count = body != NULL ? 1 : 0,
        .body = body != NULL ? bytes_of(body->data, body->len) : bytes_of(NULL, 0),
        .release_body =
            body_release, /* the client is done with a body later than with its answer */
        .body_owner = body,
        .timeout_ms = r->replica.options.request_timeout_ms,
        .response_max = CHECKPOINT_SIZE_MAX,
    };
    if (client_send(r->node->client, &request, push_done, push, &push->call) != STATUS_OK) {
        push->call = NULL;
        push_failed(r, mirror, 0);
    }
}

/* Writes a request's body. */
typedef enum status (*build)(struct replicator *r, struct store_txn *txn,
                             const struct replica_action *action, struct writer *w);

static enum status build_checkpoint(struct replicator *r, struct store_txn *txn,
                                    const struct replica_action *action, struct writer *w) {
    const struct head *head = &r->replica.candidate;
    return push_checkpoint(txn, r->node->own.number, action->old_size, head->size,
                           bytes_of(head->note, head->note_len), w);
}

static enum status build_entries(struct replicator *r, struct store_txn *txn,
                                 const struct replica_action *action, struct writer *w) {
    const struct replica_mirror *m = &r->replica.mirrors[action->mirror];
    return push_entries(txn, r->node->own.number, vkey_name(&r->node->own.vkey), action->start,
                        action->end, bytes_of(m->ticket, m->ticket_len), w);
}

static enum status build_candidate(struct replicator *r, struct store_txn *txn,
                                   const struct replica_action *action, struct writer *w) {
    const struct head *head = &r->replica.candidate;
    w->cap = ADD_CANDIDATE_SIZE_MAX; /* a larger one is sent in two requests */
    return push_candidate(txn, r->node->own.number, vkey_name(&r->node->own.vkey), action->old_size,
                          head->size, bytes_of(head->note, head->note_len), w);
}

static bool same_body(const struct replicator *r, const struct replica_action *action) {
    const struct body *body = r->last_body;
    const struct replica_mirror *m = &r->replica.mirrors[action->mirror];
    if (body == NULL || body->type != action->type || body->size != r->replica.candidate.size) {
        return false;
    }
    if (action->type != ACTION_SEND_ENTRIES) {
        return body->from == action->old_size;
    }
    return body->from == action->start && body->to == action->end &&
           body->ticket_len == m->ticket_len && memcmp(body->ticket, m->ticket, m->ticket_len) == 0;
}

/* Builds the body in a read transaction of its own, first where there is room for the largest. */
static enum status build_body(struct replicator *r, const struct replica_action *action,
                              build make) {
    const struct replica_mirror *m = &r->replica.mirrors[action->mirror];
    bool entries = action->type == ACTION_SEND_ENTRIES;
    struct store_txn *txn = NULL;
    struct writer w;
    writer_init(&w, r->scratch, SCRATCH_SIZE);
    TRY(store_begin(r->node->store, STORE_READ, &txn));
    enum status status = make(r, txn, action, &w);
    store_abort(txn);
    TRY(status);
    struct body *body = malloc(sizeof *body + w.len);
    if (body == NULL) {
        return STATUS_NOMEM;
    }
    *body = (struct body){.refs = 1,
                          .type = action->type,
                          .size = r->replica.candidate.size,
                          .from = entries ? action->start : action->old_size,
                          .to = entries ? action->end : 0,
                          .ticket_len = entries ? m->ticket_len : 0,
                          .len = w.len};
    memcpy(body->ticket, m->ticket, body->ticket_len);
    memcpy(body->data, r->scratch, w.len);
    body_release(r->last_body);
    r->last_body = body;
    return STATUS_OK;
}

static void push_built(struct replicator *r, const struct replica_action *action, const char *path,
                       build make) {
    enum status status = same_body(r, action) ? STATUS_OK : build_body(r, action, make);
    if (status == STATUS_TOO_LARGE && action->type == ACTION_SEND_CANDIDATE) {
        push_failed(r, action->mirror, 413);
        return;
    }
    if (status != STATUS_OK) {
        log_line(LOG_WARN, "replicator", "push-not-built", "mirror=%s why=\"%s\"",
                 r->replica.mirrors[action->mirror].vkey.name, status_text(status));
        push_failed(r, action->mirror, 0);
        return;
    }
    r->last_body->refs++;
    push_send(r, action->mirror, path, r->last_body);
}

static void fetch_pending(struct replicator *r, size_t mirror) {
    char hex[HEX_LEN(HASH_SIZE) + 1];
    char path[128];
    hex[hex_encode(hex, r->node->own.id.bytes, HASH_SIZE)] = '\0';
    int n = snprintf(path, sizeof path, "/witness/%s/checkpoint", hex);
    assert(n > 0 && (size_t)n < sizeof path);
    push_send(r, mirror, path, NULL);
}

/* --- jobs --- */

static void cut_done(struct commit *commit, enum status batch_status) {
    struct replicator *r = commit->context;
    r->cut.busy = false;
    node_batch_result(r->node, batch_status);
    if (r->closing) {
        maybe_closed(r);
        return;
    }
    struct replica_event event = event_of(REPLICA_CUT);
    event.status = batch_status != STATUS_OK ? batch_status : r->cut.job.job.status;
    event.head = &r->cut.job.head;
    step(r, &event);
}

static void cut_start(struct replicator *r, uint64_t expected) {
    assert(!r->cut.busy);
    cut_job_init(&r->cut.job);
    r->cut.job.log = &r->node->own;
    r->cut.job.signer = &r->node->log_signer;
    r->cut.job.expected = expected;
    r->cut.commit = (struct commit){.job = &r->cut.job.job, .done = cut_done, .context = r};
    r->cut.busy = true;
    if (node_commit(r->node, &r->cut.commit) != STATUS_OK) {
        r->cut.busy = false;
        assert(r->queued < EVENTS_MAX);
        r->queue[r->queued] = event_of(REPLICA_CUT);
        r->queue[r->queued].status = STATUS_BUSY;
        r->queued++;
    }
}

static void publish_done(struct commit *commit, enum status batch_status) {
    struct replicator *r = commit->context;
    r->publication.busy = false;
    node_batch_result(r->node, batch_status);
    if (r->closing) {
        maybe_closed(r);
        return;
    }
    struct replica_event event = event_of(REPLICA_PUBLISHED);
    event.status = batch_status != STATUS_OK ? batch_status : r->publication.job.job.status;
    event.size = r->publication.job.size;
    step(r, &event);
}

static void publish_start(struct replicator *r, const struct replica_action *action) {
    struct publication *p = &r->publication;
    assert(!p->busy && action->note.len <= sizeof p->note);
    memcpy(p->note, action->note.data, action->note.len);
    publish_job_init(&p->job);
    p->job.log = &r->node->own;
    p->job.size = action->size;
    p->job.quorum_time = action->quorum_time;
    p->job.note = bytes_of(p->note, action->note.len);
    p->commit = (struct commit){.job = &p->job.job, .done = publish_done, .context = r};
    p->busy = true;
    if (node_commit(r->node, &p->commit) != STATUS_OK) {
        p->busy = false;
        assert(r->queued < EVENTS_MAX);
        r->queue[r->queued] = event_of(REPLICA_PUBLISHED);
        r->queue[r->queued].status = STATUS_BUSY;
        r->queue[r->queued].size = action->size;
        r->queued++;
    }
}

/* --- actions --- */

static void perform_one(struct replicator *r, const struct replica_action *action) {
    switch (action->type) {
    case ACTION_CUT:
        cut_start(r, action->expected);
        break;
    case ACTION_SEND_CHECKPOINT:
        push_built(r, action, "/add-checkpoint", build_checkpoint);
        break;
    case ACTION_SEND_ENTRIES:
        push_built(r, action, "/add-entries", build_entries);
        break;
    case ACTION_SEND_CANDIDATE:
        push_built(r, action, "/add-candidate", build_candidate);
        break;
    case ACTION_FETCH_PENDING:
        fetch_pending(r, action->mirror);
        break;
    case ACTION_PUBLISH:
        publish_start(r, action);
        break;
    case ACTION_SERVE:
        log_line(LOG_DEBUG, "replicator", "published", "size=%" PRIu64, action->size);
        r->served(r->context, action->size);
        break;
    case ACTION_HALT:
        log_line(LOG_ERROR, "replicator", "halted",
                 "why=\"%s\" do=\"nothing is signed any more: stop the node, and find the data "
                 "folder that signed the larger head\"",
                 action->why);
        break;
    case ACTION_RELEASE_POLICY:
        free(action->policy);
        break;
    }
}

static void perform(struct replicator *r) {
    /* A copy: an action may not be looked at again once a later step has refilled the array. */
    for (size_t i = 0; i < r->actions.count; i++) {
        struct replica_action action = r->actions.items[i];
        perform_one(r, &action);
    }
    uint64_t now = clock_wall_ms();
    if (r->actions.wake_at_ms == UINT64_MAX) {
        timer_stop(r->timer);
    } else {
        uint64_t delay = r->actions.wake_at_ms > now ? r->actions.wake_at_ms - now : 1;
        /* A clock that jumps back would put the wake-up off for as long: look again within a
         * second. */
        timer_start(r->timer, delay < 1000 ? delay : 1000, 0);
    }
}

/* --- policies --- */

/* A policy as read from its log.policy entry, on the heap: the text first, so that the policy's
 * names have something to borrow from. */
struct kept_policy {
    struct policy policy; /* first: freed through this address */
    char text[POLICY_SIZE_MAX + 1];
};

static enum status read_policy(struct replicator *r, struct store_txn *txn, uint64_t index,
                               struct policy **out) {
    struct bytes entry;
    struct bytes note;
    uint64_t received_ms = 0;
    struct event event;
    TRY(tree_entry(txn, r->node->own.number, index, &entry));
    TRY(entry_parse(entry, &received_ms, &note, NULL));
    TRY(event_parse(note, &event, NULL));
    const char *text = event_open_text(&event, "policy");
    struct kept_policy *kept = malloc(sizeof *kept);
    enum status status = kept != NULL ? STATUS_OK : STATUS_NOMEM;
    if (status == STATUS_OK && (text == NULL || strlen(text) > POLICY_SIZE_MAX)) {
        status = STATUS_STORE_CORRUPT; /* acceptance let it in: it has one */
    }
    if (status == STATUS_OK) {
        memcpy(kept->text, text, strlen(text) + 1);
        status = policy_parse(bytes_text(kept->text), &kept->policy, NULL);
    }
    event_release(&event);
    if (status != STATUS_OK) {
        free(kept);
        return status;
    }
    *out = &kept->policy;
    return STATUS_OK;
}

/* Gives the replica the policy in force at `size`, if it does not know it. */
static enum status give_policy(struct replicator *r, struct store_txn *txn, uint64_t size) {
    uint64_t index = 0;
    enum status status = policy_in_force(txn, r->node->own.number, size, &index);
    if (status == STATUS_NOT_FOUND ||
        (status == STATUS_OK && r->has_policy && index <= r->policy_index)) {
        return STATUS_OK;
    }
    TRY(status);
    struct replica_event event = event_of(REPLICA_POLICY);
    TRY(read_policy(r, txn, index, &event.policy));
    event.index = index;
    r->has_policy = true;
    r->policy_index = index;
    log_line(LOG_INFO, "replicator", "policy", "index=%" PRIu64 " mirrors=%zu", index,
             event.policy->witness_count);
    step(r, &event);
    return STATUS_OK;
}

void replicator_committed(struct replicator *r, uint64_t size) {
    if (r->closing) {
        return;
    }
    if ((r->node->own.flags & LOG_EVENTS) != 0) {
        struct store_txn *txn = NULL;
        enum status status = store_begin(r->node->store, STORE_READ, &txn);
        if (status == STATUS_OK) {
            status = give_policy(r, txn, size);
            store_abort(txn);
        }
        if (status != STATUS_OK) {
            node_fail(r->node, "the log's own policy entry cannot be read back");
            return;
        }
    }
    struct replica_event event = event_of(REPLICA_COMMITTED);
    event.size = size;
    step(r, &event);
}

void replicator_coming(struct replicator *r) {
    if (!r->closing && !r->stepping) { /* else no harm: the cut comes with the next commit */
        struct replica_event event = event_of(REPLICA_COMING);
        step(r, &event);
    }
}

bool replicator_has_policy(const struct replicator *r) {
    return r->has_policy;
}

const struct replica *replicator_state(const struct replicator *r) {
    return &r->replica;
}

/* --- opening and closing --- */

/* The policy of an opaque log comes from a file named in node.ini. */
static enum status give_policy_file(struct replicator *r, struct refusal *why) {
    struct buffer text;
    buffer_init(&text, POLICY_SIZE_MAX);
    struct kept_policy *kept = malloc(sizeof *kept);
    enum status status = kept != NULL ? STATUS_OK : refuse(why, STATUS_NOMEM, "out of memory");
    if (status == STATUS_OK) {
        status = file_read(r->node->config.host.policy, &text, why);
    }
    if (status == STATUS_OK) {
        memcpy(kept->text, text.data, text.len);
        status = policy_parse(bytes_of(kept->text, text.len), &kept->policy, why);
    }
    buffer_clear(&text);
    if (status != STATUS_OK) {
        free(kept);
        return status;
    }
    struct replica_event event = event_of(REPLICA_POLICY);
    event.policy = &kept->policy;
    r->has_policy = true;
    step(r, &event);
    return STATUS_OK;
}

/* What the last run left: committed size, signed head, published size, and the policies. */
static enum status start(struct replicator *r, struct store_txn *txn, struct refusal *why) {
    struct tree_head tree;
    struct head head = {.size = 0};
    struct published published = {.size = 0};
    const struct log *own = &r->node->own;
    TRY(tree_read_head(txn, own->number, &tree));
    enum status status = sequencer_head(txn, own, &head);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return refuse(why, status, "the last signed head cannot be read: %s", status_text(status));
    }
    status = sequencer_published(txn, own->number, &published);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return refuse(why, status, "the published checkpoint cannot be read: %s",
                      status_text(status));
    }
    struct replica_event event = event_of(REPLICA_START);
    event.size = tree.size;
    event.head = &head;
    event.published = published.size;
    /* Before anything is stamped or signed, a quorum must cosign the last signed head afresh: a
     * folder restored from an old backup learns from it that more was signed (design section 6,
     * start-up guard). */
    event.guard = GUARD_QUORUM;
    step(r, &event);
    if ((own->flags & LOG_EVENTS) == 0) {
        return give_policy_file(r, why);
    }
    /* In force, in the candidate, and beyond it: the candidate answers to its own policy too. */
    status = give_policy(r, txn, published.size);
    if (status == STATUS_OK) {
        status = give_policy(r, txn, head.size);
    }
    if (status == STATUS_OK) {
        status = give_policy(r, txn, tree.size);
    }
    return status == STATUS_OK
               ? STATUS_OK
               : refuse(why, status, "the log's policy cannot be read: run dutylog fsck");
}

enum status replicator_open(struct node *node, replicator_served served, void *context,
                            struct replicator **out, struct refusal *why) {
    struct replicator *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    r->node = node;
    r->served = served;
    r->context = context;
    for (size_t i = 0; i < REPLICA_MIRRORS_MAX; i++) {
        r->pushes[i] = (struct push){.replicator = r, .mirror = i};
    }
    r->scratch = malloc(SCRATCH_SIZE);
    if (r->scratch == NULL) {
        free(r);
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    struct replica_options options = replica_defaults;
    options.round_timeout_ms = node->config.host.round_timeout_ms;
    options.refresh_ms = node->config.host.refresh_ms;
    replica_init(&r->replica, &node->own.vkey, &options);
    enum status status = timer_open(node->loop, tick, r, &r->timer);
    if (status != STATUS_OK) {
        refuse(why, status, "no timer could be made");
        goto err_after_alloc;
    }
    struct store_txn *txn = NULL;
    status = store_begin(node->store, STORE_READ, &txn);
    if (status != STATUS_OK) {
        refuse(why, status, "the store cannot be read: %s", status_text(status));
        goto err_after_timer;
    }
    /* Published before anything can fail: `served` may be called by the first step. */
    *out = r;
    status = start(r, txn, why);
    store_abort(txn);
    if (status == STATUS_OK) {
        return STATUS_OK;
    }
    *out = NULL;
err_after_timer:
    timer_close(r->timer);
err_after_alloc:
    free_memory(r);
    free(r);
    return status;
}

void replicator_close(struct replicator *r, void (*closed)(void *context), void *context) {
    assert(!r->closing);
    r->closing = true;
    r->closed = closed;
    r->closed_context = context;
    timer_close(r->timer);
    for (size_t i = 0; i < REPLICA_MIRRORS_MAX; i++) {
        if (r->pushes[i].call != NULL) {
            client_cancel(r->pushes[i].call);
            r->pushes[i].call = NULL;
        }
    }
    maybe_closed(r);
}
