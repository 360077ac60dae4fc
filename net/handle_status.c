/* What an operator, a monitor or a script asks: which logs, how far, how healthy. */
#include "crypto/encoding.h"
#include "ledger/guard.h"
#include "net/handlers.h"
#include "net/log_sizes.h"
#include "net/replicator.h"
#include "net/submitter.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* --- /logs --- */

static enum status sizes_json(struct store_txn *txn, const struct log *log, json_t *object) {
    struct log_sizes sizes;
    uint64_t refused = 0;
    TRY(log_sizes_read(txn, log, &sizes));
    json_object_set_new(object, "size", json_integer((json_int_t)sizes.stored));
    if ((log->flags & LOG_OWN) != 0) {
        json_object_set_new(object, "published", json_integer((json_int_t)sizes.published));
        return STATUS_OK;
    }
    json_object_set_new(object, "pending", json_integer((json_int_t)sizes.pending));
    json_object_set_new(object, "mirrored", json_integer((json_int_t)sizes.cosigned));
    struct guard_floor floor;
    TRY(guard_floor(txn, log->number, &floor));
    if (floor.guarded) {
        json_object_set_new(object, "guard", json_string(floor.known ? "behind" : "asking"));
    }
    if ((log->flags & LOG_EVENTS) != 0) {
        TRY(log_refused_read(txn, log->number, &refused));
        json_object_set_new(object, "judged", json_integer((json_int_t)sizes.judged));
        json_object_set_new(object, "refused", json_integer((json_int_t)refused));
    }
    return STATUS_OK;
}

void handle_logs(struct request *request) {
    struct node *node = request_context(request);
    struct store_txn *txn = NULL;
    if (!handler_begin(request, &txn)) {
        return;
    }
    json_t *list = json_array();
    enum status status = STATUS_OK;
    for (size_t i = 0; i < node->log_count && status == STATUS_OK; i++) {
        const struct log *log = &node->logs[i];
        char hex[HEX_LEN(HASH_SIZE) + 1];
        hex[hex_encode(hex, log->id.bytes, HASH_SIZE)] = '\0';
        json_t *object = json_pack("{s:s, s:s, s:s, s:b}", "id", hex, "kind",
                                   (log->flags & LOG_EVENTS) != 0 ? "events" : "opaque", "origin",
                                   log->vkey.name, "own", (log->flags & LOG_OWN) != 0);
        status = object != NULL ? sizes_json(txn, log, object) : STATUS_NOMEM;
        json_array_append_new(list, object);
    }
    store_abort(txn);
    if (status == STATUS_OK) {
        handler_answer_json(request, 200, json_pack("{s:o}", "logs", list));
    } else {
        json_decref(list);
        handler_answer_status(request, status, "no logs");
    }
}

/* --- /status --- */

static json_t *mirror_json(const struct replica_mirror *mirror) {
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "name", mirror->vkey.name, "state",
                  replica_mirror_state_name(mirror->state), "url", mirror->url, "cosigned",
                  (json_int_t)mirror->cosigned, "failures", (json_int_t)mirror->failures, "pending",
                  (json_int_t)mirror->pending);
    if (object != NULL && mirror->has_offset) {
        json_object_set_new(object, "clock_offset",
                            json_integer((json_int_t)mirror->offset_seconds));
    }
    return object;
}

#define GUARD_TEXT_MAX 400

/* Whom the guard waits for. */
static void guard_text(const struct replica *replica, char text[GUARD_TEXT_MAX]) {
    struct writer w;
    memset(text, 0, GUARD_TEXT_MAX);
    if (replica->guard == GUARD_ALL) {
        writer_init(&w, text, GUARD_TEXT_MAX - 1);
        replica_guard_awaits(replica, &w);
    }
    if (text[0] == '\0') {
        snprintf(text, GUARD_TEXT_MAX, "a quorum");
    }
}

static json_t *own_json(const struct node *node) {
    const struct replica *replica = replicator_state(node->replicator);
    struct submitter_stats stats = submitter_stats(node->submitter);
    json_t *mirrors = json_array();
    for (size_t i = 0; i < replica->mirror_count; i++) {
        if (replica->mirrors[i].used) {
            json_array_append_new(mirrors, mirror_json(&replica->mirrors[i]));
        }
    }
    json_t *object = json_pack(
        "{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "origin", node->own.vkey.name, "state",
        replica_state_name(replica->state), "committed", (json_int_t)replica->committed, "signed",
        (json_int_t)replica->signed_size, "published", (json_int_t)replica->published, "accepted",
        (json_int_t)stats.accepted, "refused", (json_int_t)stats.refused, "waiting",
        (json_int_t)(stats.waiting_events + stats.waiting_requests), "mirrors", mirrors);
    if (object != NULL && replica->guard != GUARD_NONE) {
        char awaits[GUARD_TEXT_MAX];
        guard_text(replica, awaits);
        json_object_set_new(object, "guard", json_string(awaits));
    }
    if (object != NULL && replica->state == REPLICA_HALTED) {
        json_object_set_new(object, "halted", json_string(replica->halted_why));
    }
    return object;
}

static json_t *tls_json(const struct tls_state *state) {
    json_t *object = json_pack("{s:I, s:I, s:b}", "expires", (json_int_t)state->expires, "loaded",
                               (json_int_t)state->loaded, "stale", (int)state->stale);
    if (object != NULL && state->stale) {
        json_object_set_new(object, "why", json_string(state->why.text));
    }
    return object;
}

void handle_status(struct request *request) {
    struct node *node = request_context(request);
    struct server_stats stats = server_stats(node->server);
    json_t *object =
        json_pack("{s:s, s:I, s:I, s:I}", "name", node->config.name, "connections",
                  (json_int_t)stats.connections, "requests", (json_int_t)stats.requests,
                  "body_bytes", (json_int_t)stats.body_bytes);
    if (object != NULL && node->submitter != NULL) {
        json_object_set_new(object, "log", own_json(node));
    }
    if (object != NULL && node->tls != NULL) {
        json_object_set_new(object, "tls", tls_json(tls_state(node->tls)));
    }
    handler_answer_json(request, 200, object);
}

/* --- /healthz --- */

/* How many mirrors the policy counts, and how many of them did not answer when last asked. One that
 * is a round behind is only slow. */
static size_t mirrors_failing(const struct replica *replica, size_t *wanted) {
    size_t failing = 0;
    *wanted = 0;
    for (size_t i = 0; i < replica->mirror_count; i++) {
        const struct replica_mirror *mirror = &replica->mirrors[i];
        *wanted += mirror->used && mirror->wanted ? 1 : 0;
        failing += mirror->used && mirror->wanted && mirror->failures > 0 ? 1 : 0;
    }
    return failing;
}

void handle_healthz(struct request *request) {
    struct node *node = request_context(request);
    struct refusal why = {.text = ""};
    if (node_admit(node, &why) != STATUS_OK) {
        request_answer_text(request, 503, "down: %s", why.text);
        return;
    }
    if (!node->has_own) {
        request_answer_text(request, 200, "ok");
        return;
    }
    const struct replica *replica = replicator_state(node->replicator);
    uint64_t waited_ms = clock_wall_ms() - replica->candidate_since_ms;
    size_t wanted = 0;
    size_t failing = mirrors_failing(replica, &wanted);
    if (replica->state == REPLICA_HALTED) {
        request_answer_text(request, 503, "down: %s", replica->halted_why);
    } else if (replica->guard != GUARD_NONE) {
        char awaits[GUARD_TEXT_MAX];
        guard_text(replica, awaits);
        request_answer_text(request, 503,
                            "down: the last signed head has not been confirmed since the start by: "
                            "%s",
                            awaits);
    } else if (!replica_may_stamp(replica)) {
        request_answer_text(request, 503,
                            "down: this node's clock and its mirrors' differ by over five minutes");
    } else if (replica->published < replica->signed_size &&
               waited_ms > 2 * replica->options.round_timeout_ms) {
        request_answer_text(request, 503, "down: no quorum of mirrors for %llu s: see /status",
                            (unsigned long long)(waited_ms / 1000));
    } else if (failing > 0) {
        request_answer_text(request, 200, "degraded: %zu of %zu mirrors do not answer: see /status",
                            failing, wanted);
    } else {
        request_answer_text(request, 200, "ok");
    }
}
