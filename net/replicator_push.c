/* Requests to mirrors: their bodies, built once for all mirrors in step, and their answers. */
#include "crypto/encoding.h"
#include "net/log.h"
#include "net/replicator_private.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void body_release(void *owner) {
    struct body *body = owner;
    if (body != NULL && --body->refs == 0) {
        free(body);
    }
}

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
    struct replica_event event = replicator_event(REPLICA_RESPONSE);
    event.mirror = push->mirror;
    event.http = response->http;
    event.peer_seconds = response->date_s;
    event.body = response->body;
    if (push->fetching && response->http == 200 && own_root(r, response->body, &root)) {
        event.root = &root;
    }
    replicator_step(r, &event);
}

/* An answer that came without a request. `http` 0: the mirror counts as unreachable this time. */
static void push_failed(struct replicator *r, size_t mirror, unsigned http) {
    struct replica_event event = replicator_event(REPLICA_RESPONSE);
    event.mirror = mirror;
    event.http = http;
    replicator_enqueue(r, &event);
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

/* --- from replicator.c --- */

void replicator_push(struct replicator *r, const struct replica_action *action) {
    if (action->type == ACTION_SEND_CHECKPOINT) {
        push_built(r, action, "/add-checkpoint", build_checkpoint);
    } else if (action->type == ACTION_SEND_ENTRIES) {
        push_built(r, action, "/add-entries", build_entries);
    } else if (action->type == ACTION_SEND_CANDIDATE) {
        push_built(r, action, "/add-candidate", build_candidate);
    } else {
        assert(action->type == ACTION_FETCH_PENDING);
        fetch_pending(r, action->mirror);
    }
}

bool replicator_push_init(struct replicator *r) {
    for (size_t i = 0; i < REPLICA_MIRRORS_MAX; i++) {
        r->pushes[i] = (struct push){.replicator = r, .mirror = i};
    }
    r->scratch = malloc(SCRATCH_SIZE);
    return r->scratch != NULL;
}

void replicator_push_cancel(struct replicator *r) {
    for (size_t i = 0; i < REPLICA_MIRRORS_MAX; i++) {
        if (r->pushes[i].call != NULL) {
            client_cancel(r->pushes[i].call);
            r->pushes[i].call = NULL;
        }
    }
}

void replicator_push_release(struct replicator *r) {
    body_release(r->last_body);
    free(r->scratch);
}
