/* GET /metrics: all that this node can measure of itself, for Prometheus. specs/operations.md lists
 * the names. Counts and sizes only: nothing here is a secret. */
#include "ledger/evidence.h"
#include "ledger/fork.h"
#include "ledger/store_lmdb.h"
#include "net/counters.h"
#include "net/exposition.h"
#include "net/handlers.h"
#include "net/health.h"
#include "net/log_sizes.h"
#include "net/puller.h"
#include "net/replicator.h"
#include "net/submitter.h"

#include <stdlib.h>
#include <string.h>

#define METRICS_SIZE_MAX ((size_t)16 << 20) /* 4,096 logs with the longest names take 6 MiB */

#define LABELS(...)                                                                                \
    (const struct expose_label[]) {                                                                \
        __VA_ARGS__                                                                                \
    }

/* --- health --- */

static void expose_health(struct exposition *e, struct node *node) {
    struct health health;
    health_of_node(node, &health);
    expose_family(e, EXPOSE_GAUGE, "dutylog_health", "1 for the state that the node is in.");
    for (unsigned i = HEALTH_OK; i <= HEALTH_DOWN; i++) {
        enum health_state state = (enum health_state)i;
        expose_number(e, LABELS({"state", health_state_name(state)}), 1,
                      health_state(&health) == state ? 1 : 0);
    }
    expose_family(e, EXPOSE_GAUGE, "dutylog_health_reason",
                  "1 for each reason why the node is degraded or down.");
    for (unsigned i = 0; i < HEALTH_REASON_COUNT; i++) {
        expose_number(e, LABELS({"reason", health_reason_code((enum health_reason)i)}), 1,
                      health.given[i] ? 1 : 0);
    }
}

static void expose_tls(struct exposition *e, const struct node *node) {
    if (node->tls == NULL) {
        return;
    }
    const struct tls_state *state = tls_state(node->tls);
    expose_single(e, EXPOSE_GAUGE, "dutylog_tls_expires_seconds",
                  "Unix time at which the certificate in use runs out.", state->expires);
    expose_single(e, EXPOSE_GAUGE, "dutylog_tls_stale",
                  "1 if the certificate's files hold one that cannot be used.",
                  state->stale ? 1 : 0);
}

/* --- the process, its server and its queues --- */

static void expose_server(struct exposition *e, const struct node *node) {
    static const char *const classes[] = {"1xx", "2xx", "3xx", "4xx", "5xx"};
    static const char *const reasons[] = {
        [CANCEL_GONE] = "gone", [CANCEL_DEADLINE] = "deadline", [CANCEL_STOPPING] = "stopping"};
    struct server_stats stats = server_stats(node->server);
    expose_single(e, EXPOSE_COUNTER, "dutylog_http_requests_total", "Requests begun.",
                  (int64_t)stats.requests);
    expose_family(e, EXPOSE_COUNTER, "dutylog_http_answers_total",
                  "Answers, by the first digit of their HTTP status.");
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        expose_number(e, LABELS({"class", classes[i]}), 1, (int64_t)stats.answered[i + 1]);
    }
    expose_family(e, EXPOSE_COUNTER, "dutylog_http_cancelled_total",
                  "Requests that ended without their handler's answer, by reason.");
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        expose_number(e, LABELS({"reason", reasons[i]}), 1, (int64_t)stats.cancelled[i]);
    }
    expose_single(e, EXPOSE_GAUGE, "dutylog_http_connections", "Connections open now.",
                  (int64_t)stats.connections);
    expose_single(e, EXPOSE_GAUGE, "dutylog_http_body_bytes",
                  "Bytes of request bodies held now, against their budget.",
                  (int64_t)stats.body_bytes);
}

static void expose_counter(void *context, const struct counter_view *view) {
    struct exposition *e = context;
    if (view->first) {
        expose_family(e, EXPOSE_COUNTER, view->family, view->help);
    }
    expose_number(e, LABELS({"reason", view->reason}), 1, (int64_t)view->value);
}

static void expose_histograms(struct exposition *e) {
    struct histogram_view view;
    for (unsigned i = 0; i < HISTOGRAM_COUNT; i++) {
        histogram_read((enum histogram)i, &view);
        expose_histogram(e, &view);
    }
}

static void expose_queues(struct exposition *e, const struct node *node) {
    expose_single(e, EXPOSE_GAUGE, "dutylog_commits_waiting",
                  "Jobs that wait for the committer or are in its batch.",
                  (int64_t)committer_waiting(node->committer));
    expose_single(e, EXPOSE_GAUGE, "dutylog_work_waiting",
                  "Pieces of work that wait for a worker or are at one.",
                  (int64_t)workers_waiting(node->workers));
}

static void expose_pulls(struct exposition *e, const struct node *node) {
    if (node->puller == NULL) {
        return;
    }
    const struct puller_stats stats = puller_stats(node->puller);
    const struct {
        const char *by;
        const struct pulls *pulls;
    } rows[] = {{"node.ini", &stats.named}, {"recognition", &stats.recognised}};
    expose_family(e, EXPOSE_GAUGE, "dutylog_pulls",
                  "Logs that are pulled by interval, by where their addresses are from.");
    for (size_t i = 0; i < 2; i++) {
        expose_number(e, LABELS({"by", rows[i].by}), 1, (int64_t)rows[i].pulls->pulled);
    }
    expose_family(e, EXPOSE_GAUGE, "dutylog_pulls_failing",
                  "Those of them that could not be fetched when last tried.");
    for (size_t i = 0; i < 2; i++) {
        expose_number(e, LABELS({"by", rows[i].by}), 1, (int64_t)rows[i].pulls->failing);
    }
}

static void expose_disk(struct exposition *e, const struct node *node) {
    uint64_t used = 0;
    uint64_t free_bytes = 0;
    if (store_lmdb_used(node->store, &used, &free_bytes) != STATUS_OK) {
        return; /* no figure rather than a wrong one: the alert on its absence tells */
    }
    expose_single(e, EXPOSE_GAUGE, "dutylog_store_used_bytes",
                  "Bytes of the store's file in use or once used.", (int64_t)used);
    expose_single(e, EXPOSE_GAUGE, "dutylog_store_free_bytes",
                  "Bytes that may still be written before the disk or the map is full.",
                  (int64_t)free_bytes);
}

/* --- the own log --- */

static int64_t seconds_since(uint64_t then_ms) {
    uint64_t now = clock_wall_ms();
    return then_ms > 0 && now > then_ms ? (int64_t)((now - then_ms) / 1000) : 0;
}

static enum status expose_own(struct exposition *e, const struct node *node,
                              struct store_txn *txn) {
    const struct replica *replica = replicator_state(node->replicator);
    struct submitter_stats stats = submitter_stats(node->submitter);
    struct published published = {.quorum_time = 0};
    enum status status = sequencer_published(txn, node->own.number, &published);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    expose_single(e, EXPOSE_COUNTER, "dutylog_sequenced_total",
                  "Events or entries taken into the own log since the start.",
                  (int64_t)stats.accepted);
    expose_single(e, EXPOSE_GAUGE, "dutylog_submissions_waiting_events",
                  "Events submitted and not yet committed.", (int64_t)stats.waiting_events);
    expose_single(e, EXPOSE_GAUGE, "dutylog_submissions_waiting_requests",
                  "Requests that wait for a quorum.", (int64_t)stats.waiting_requests);
    expose_single(e, EXPOSE_GAUGE, "dutylog_committed_entries", "The own log's committed size.",
                  (int64_t)replica->committed);
    expose_single(e, EXPOSE_GAUGE, "dutylog_signed_entries", "The size of its signed head.",
                  (int64_t)replica->signed_size);
    expose_single(e, EXPOSE_GAUGE, "dutylog_published_entries",
                  "The size of its published checkpoint.", (int64_t)replica->published);
    expose_single(e, EXPOSE_GAUGE, "dutylog_candidate_age_seconds",
                  "How long the candidate has waited for a quorum; 0: it has one.",
                  replica->gathered || replica->signed_size == 0
                      ? 0
                      : seconds_since(replica->candidate_since_ms));
    expose_single(e, EXPOSE_GAUGE, "dutylog_published_age_seconds",
                  "Since the quorum time of the published checkpoint; 0: there is none.",
                  seconds_since(published.quorum_time * 1000));
    expose_single(e, EXPOSE_GAUGE, "dutylog_policy_in_force",
                  "1 if the own log has a policy; without one nothing is published.",
                  replicator_has_policy(node->replicator) ? 1 : 0);
    expose_single(e, EXPOSE_GAUGE, "dutylog_rounds_given_up",
                  "Rounds given up in a row without a quorum.", (int64_t)replica->timeouts);
    expose_single(e, EXPOSE_GAUGE, "dutylog_halted",
                  "1 if the own log is halted: it signs nothing any more.",
                  replica->state == REPLICA_HALTED ? 1 : 0);
    expose_single(e, EXPOSE_GAUGE, "dutylog_guarded",
                  "1 until enough mirrors have confirmed the last signed head since the start.",
                  replica->guard != GUARD_NONE ? 1 : 0);
    expose_single(e, EXPOSE_GAUGE, "dutylog_stamping",
                  "1 while submissions can be stamped: clocks agree, guard passed, not halted.",
                  replica_may_stamp(replica) ? 1 : 0);
    return STATUS_OK;
}

/* What one mirror of the own log's policy is at, as a number. */
typedef int64_t (*mirror_figure)(const struct replica *replica, size_t i);

static int64_t figure_wanted(const struct replica *replica, size_t i) {
    return replica->mirrors[i].wanted ? 1 : 0;
}
static int64_t figure_on_candidate(const struct replica *replica, size_t i) {
    return replica->lines[i].have ? 1 : 0;
}
static int64_t figure_cosigned(const struct replica *replica, size_t i) {
    return (int64_t)replica->mirrors[i].cosigned;
}
static int64_t figure_failures(const struct replica *replica, size_t i) {
    return (int64_t)replica->mirrors[i].failures;
}
static int64_t figure_clock(const struct replica *replica, size_t i) {
    return replica->mirrors[i].has_offset ? replica->mirrors[i].offset_seconds : 0;
}
static int64_t figure_signed(const struct replica *replica, size_t i) {
    return replica->mirrors[i].has_signed_offset ? replica->mirrors[i].signed_offset_seconds : 0;
}

static const struct {
    const char *name;
    const char *help;
    mirror_figure figure;
} mirror_figures[] = {
    {"dutylog_mirror_wanted", "1 if the policy in force or the one coming counts this mirror.",
     figure_wanted},
    {"dutylog_mirror_on_candidate", "1 if it has cosigned the present candidate.",
     figure_on_candidate},
    {"dutylog_mirror_cosigned_entries", "The largest size that it has cosigned since the start.",
     figure_cosigned},
    {"dutylog_mirror_failures", "Requests to it that failed, in a row.", figure_failures},
    {"dutylog_mirror_clock_offset_seconds", "Its clock minus ours, by its last answer.",
     figure_clock},
    {"dutylog_mirror_signed_offset_seconds",
     "The time of its last cosignature minus our clock as that came.", figure_signed},
};

static void expose_mirrors(struct exposition *e, const struct node *node) {
    const struct replica *replica = replicator_state(node->replicator);
    for (size_t f = 0; f < sizeof mirror_figures / sizeof mirror_figures[0]; f++) {
        expose_family(e, EXPOSE_GAUGE, mirror_figures[f].name, mirror_figures[f].help);
        for (size_t i = 0; i < replica->mirror_count; i++) {
            if (replica->mirrors[i].used) {
                expose_number(e, LABELS({"mirror", replica->mirrors[i].vkey.name}), 1,
                              mirror_figures[f].figure(replica, i));
            }
        }
    }
    expose_family(e, EXPOSE_GAUGE, "dutylog_mirror_state",
                  "1 for the state that replication is in with this mirror.");
    for (size_t i = 0; i < replica->mirror_count; i++) {
        if (replica->mirrors[i].used) {
            expose_number(e,
                          LABELS({"mirror", replica->mirrors[i].vkey.name},
                                 {"state", replica_mirror_state_name(replica->mirrors[i].state)}),
                          2, 1);
        }
    }
}

/* --- what is mirrored --- */

static enum status expose_logs(struct exposition *e, const struct node *node,
                               struct store_txn *txn) {
    static const struct {
        const char *name;
        const char *help;
        size_t offset;
    } figures[] = {
        {"dutylog_log_stored_entries", "A mirrored log's stored size.",
         offsetof(struct log_sizes, stored)},
        {"dutylog_log_pending_entries", "The size of its pending checkpoint.",
         offsetof(struct log_sizes, pending)},
        {"dutylog_log_cosigned_entries", "The size of its mirror checkpoint, cosigned by us.",
         offsetof(struct log_sizes, cosigned)},
        {"dutylog_log_judged_entries", "Its judged size; a log of opaque entries has none.",
         offsetof(struct log_sizes, judged)},
        {"dutylog_log_table", "The kinds table that it is under, as far as it is judged.",
         offsetof(struct log_sizes, table)},
        {"dutylog_log_unjudged", "1 if this build lacks that table, so that it judges no further.",
         offsetof(struct log_sizes, lacks)},
        {"dutylog_log_newest_cosignature_seconds", "When we last cosigned anything of it.",
         offsetof(struct log_sizes, newest)},
        {"dutylog_log_silent", "1 if that is a day ago, and the log pushes to us.",
         offsetof(struct log_sizes, silent)},
        {"dutylog_log_held", "1 while nothing of it is cosigned: the start-up guard.",
         offsetof(struct log_sizes, held)},
    };
    struct log_sizes *sizes = calloc(node->log_count > 0 ? node->log_count : 1, sizeof *sizes);
    enum status status = sizes != NULL ? STATUS_OK : STATUS_NOMEM;
    for (size_t i = 0; i < node->log_count && status == STATUS_OK; i++) {
        status =
            log_sizes_read(txn, &node->config, &node->logs[i], clock_wall_ms() / 1000, &sizes[i]);
    }
    for (size_t f = 0; f < sizeof figures / sizeof figures[0] && status == STATUS_OK; f++) {
        bool judged = figures[f].offset >= offsetof(struct log_sizes, judged) &&
                      figures[f].offset <= offsetof(struct log_sizes, lacks);
        expose_family(e, EXPOSE_GAUGE, figures[f].name, figures[f].help);
        for (size_t i = 0; i < node->log_count; i++) {
            uint32_t flags = node->logs[i].flags;
            if ((flags & LOG_OWN) != 0 || (judged && (flags & LOG_EVENTS) == 0)) {
                continue;
            }
            uint64_t value;
            memcpy(&value, (const uint8_t *)&sizes[i] + figures[f].offset, sizeof value);
            expose_number(e, LABELS({"log", node->logs[i].vkey.name}), 1, (int64_t)value);
        }
    }
    free(sizes);
    return status;
}

/* --- evidence --- */

struct tally {
    uint64_t forms[4]; /* a to d */
    uint64_t unreconciled;
};

static enum status count_evidence(void *context, const struct vkey *accused, struct bytes content) {
    (void)accused;
    struct tally *tally = context;
    struct evidence evidence;
    if (evidence_parse(content, &evidence, NULL) != STATUS_OK) {
        return STATUS_STORE_CORRUPT;
    }
    tally->forms[evidence.form - 'a']++;
    return STATUS_OK;
}

static enum status count_unreconciled(void *context, const struct vkey *log, struct bytes content) {
    (void)log;
    (void)content;
    struct tally *tally = context;
    tally->unreconciled++;
    return STATUS_OK;
}

static enum status expose_evidence(struct exposition *e, struct store_txn *txn) {
    struct tally tally = {.unreconciled = 0};
    TRY(fork_each_evidence(txn, count_evidence, &tally));
    TRY(fork_each_unreconciled(txn, count_unreconciled, &tally));
    expose_family(e, EXPOSE_GAUGE, "dutylog_evidence_files",
                  "Evidence kept that a key contradicted itself, by form.");
    for (size_t i = 0; i < sizeof tally.forms / sizeof tally.forms[0]; i++) {
        char form[2] = {(char)('a' + i), '\0'};
        expose_number(e, LABELS({"form", form}), 1, (int64_t)tally.forms[i]);
    }
    expose_single(e, EXPOSE_GAUGE, "dutylog_unreconciled_checkpoints",
                  "Signed checkpoints that do not fit and are neither proved nor explained.",
                  (int64_t)tally.unreconciled);
    return STATUS_OK;
}

/* --- all of it --- */

static enum status expose_all(struct exposition *e, struct node *node, struct store_txn *txn) {
    expose_health(e, node);
    expose_server(e, node);
    expose_tls(e, node);
    counters_each(expose_counter, e);
    expose_histograms(e);
    expose_queues(e, node);
    expose_pulls(e, node);
    expose_disk(e, node);
    if (node->has_own) {
        TRY(expose_own(e, node, txn));
        expose_mirrors(e, node);
    }
    TRY(expose_logs(e, node, txn));
    TRY(expose_evidence(e, txn));
    return e->status;
}

void handle_metrics(struct request *request) {
    struct node *node = request_context(request);
    struct store_txn *txn = NULL;
    struct exposition e;
    struct buffer text;
    if (!handler_begin(request, &txn)) {
        return;
    }
    buffer_init(&text, METRICS_SIZE_MAX);
    expose_init(&e, &text);
    enum status status = expose_all(&e, node, txn);
    store_abort(txn);
    if (status != STATUS_OK) {
        buffer_clear(&text);
        handler_answer_status(request, status, "no metrics");
        return;
    }
    size_t len = 0;
    uint8_t *taken = buffer_take(&text, &len);
    struct reply reply = {.http = 200,
                          .content_type = EXPOSITION_TYPE,
                          .body = bytes_of(taken, len),
                          .body_is = REPLY_TAKE};
    request_answer(request, &reply);
}
