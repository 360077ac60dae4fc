/* What an operator, a monitor or a script asks: which logs, how far, how healthy. */
#include "crypto/encoding.h"
#include "ledger/guard.h"
#include "ledger/rules.h"
#include "net/handlers.h"
#include "net/health.h"
#include "net/log_sizes.h"
#include "net/recogniser.h"
#include "net/replicator.h"
#include "net/submitter.h"

#include <jansson.h>

/* --- /logs --- */

static enum status sizes_json(const struct node *node, struct store_txn *txn, const struct log *log,
                              json_t *object) {
    struct log_sizes sizes;
    uint64_t refused = 0;
    TRY(log_sizes_read(txn, &node->config, log, clock_wall_ms() / 1000, &sizes));
    json_object_set_new(object, "size", json_integer((json_int_t)sizes.stored));
    if ((log->flags & LOG_EVENTS) != 0) {
        json_object_set_new(object, "table", json_integer((json_int_t)sizes.table));
    }
    if (sizes.lacks != 0) {
        json_object_set_new(object, "unjudged",
                            json_integer((json_int_t)(sizes.stored - sizes.judged)));
    }
    if ((log->flags & LOG_OWN) != 0) {
        json_object_set_new(object, "published", json_integer((json_int_t)sizes.published));
        return STATUS_OK;
    }
    json_object_set_new(object, "pending", json_integer((json_int_t)sizes.pending));
    json_object_set_new(object, "mirrored", json_integer((json_int_t)sizes.cosigned));
    json_object_set_new(object, "newest", json_integer((json_int_t)sizes.newest));
    json_object_set_new(object, "silent", json_boolean(sizes.silent != 0));
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

/* By whom it is recognised: that of a pin, of another log. */
static enum status recognition_json(const struct node *node, struct store_txn *txn,
                                    const struct log *log, json_t *object) {
    const struct recognised *found =
        node->recogniser != NULL
            ? recognition_of(recogniser_set(node->recogniser), vkey_name(&log->vkey))
            : NULL;
    struct log by;
    if (found == NULL || found->log != log->number) {
        return STATUS_OK;
    }
    const struct recognition_way *way = &found->ways[RECOGNISED_AT_ALL];
    json_object_set_new(object, "authority",
                        json_string(node->config.authorities[way->pin].pin.name));
    if (way->by != 0) {
        TRY(logs_get(txn, way->by, &by));
        json_object_set_new(object, found->withdrawn ? "withdrawn_by" : "recognised_by",
                            json_string(by.vkey.name));
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
        status = object != NULL ? sizes_json(node, txn, log, object) : STATUS_NOMEM;
        if (status == STATUS_OK) {
            status = recognition_json(node, txn, log, object);
        }
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

/* --- health, as /status and /healthz?json show it --- */

#define WORDS_MAX 4000

static json_t *health_json(const struct health *health) {
    json_t *reasons = json_array();
    for (unsigned i = 0; i < HEALTH_REASON_COUNT; i++) {
        enum health_reason reason = (enum health_reason)i;
        if (health->given[i]) {
            json_array_append_new(reasons,
                                  json_pack("{s:s, s:s, s:s}", "reason", health_reason_code(reason),
                                            "state", health_state_name(health_reason_state(reason)),
                                            "why", health->why[i]));
        }
    }
    return json_pack("{s:o, s:s}", "reasons", reasons, "state",
                     health_state_name(health_state(health)));
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
    if (object != NULL && mirror->has_signed_offset) {
        json_object_set_new(object, "signed_offset",
                            json_integer((json_int_t)mirror->signed_offset_seconds));
    }
    return object;
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
        char awaits[HEALTH_GUARD_MAX];
        health_guard_awaits(replica, awaits);
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
    struct health health;
    health_of_node(node, &health);
    json_t *object =
        json_pack("{s:s, s:I, s:I, s:I, s:I, s:o}", "name", node->config.name, "table",
                  (json_int_t)rules_newest(), "connections", (json_int_t)stats.connections,
                  "requests", (json_int_t)stats.requests, "body_bytes",
                  (json_int_t)stats.body_bytes, "health", health_json(&health));
    if (object != NULL && node->submitter != NULL) {
        json_object_set_new(object, "log", own_json(node));
    }
    if (object != NULL && node->tls != NULL) {
        json_object_set_new(object, "tls", tls_json(tls_state(node->tls)));
    }
    handler_answer_json(request, 200, object);
}

/* --- /healthz --- */

void handle_healthz(struct request *request) {
    struct node *node = request_context(request);
    struct health health;
    struct bytes unused;
    char words[WORDS_MAX];
    health_of_node(node, &health);
    enum health_state state = health_state(&health);
    unsigned http = state == HEALTH_DOWN ? 503 : 200;
    if (request_query(request, "json", &unused)) {
        handler_answer_json(request, http, health_json(&health));
        return;
    }
    health_words(&health, words, sizeof words);
    request_answer_text(request, http, "%s%s%s", health_state_name(state),
                        state == HEALTH_OK ? "" : ": ", words);
}
