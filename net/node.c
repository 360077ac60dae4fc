#include "net/node.h"

#include "crypto/encoding.h"
#include "ledger/restore.h"
#include "ledger/store_lmdb.h"
#include "net/clocks.h"
#include "net/file.h"
#include "net/gossip.h"
#include "net/guarding.h"
#include "net/health.h"
#include "net/histogram.h"
#include "net/judge.h"
#include "net/keyfile.h"
#include "net/log.h"
#include "net/outside.h"
#include "net/puller.h"
#include "net/recogniser.h"
#include "net/regain.h"
#include "net/reload.h"
#include "net/replicator.h"
#include "net/submitter.h"
#include "net/timed_store.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORK_WAITING_MAX 512

/* --- keys and logs --- */

static enum status load_key(const char *path, enum vkey_type type, const char *purpose,
                            struct signer *out, struct refusal *why) {
    TRY(keyfile_read(path, out, why));
    if (out->vkey.type != type) {
        signer_wipe(out);
        return refuse(why, STATUS_BAD_FORM, "%s: not a key for %s: make one with dutylog keygen%s",
                      path, purpose, type == VKEY_COSIGNATURE ? " --cosigner" : "");
    }
    return STATUS_OK;
}

static enum status load_keys(struct node *node, struct refusal *why) {
    const struct node_config *config = &node->config;
    keyfile_passphrase_file(config->passphrase_file[0] != '\0' ? config->passphrase_file : NULL);
    if (config->has_host) {
        TRY(load_key(config->host.key, VKEY_NOTE, "signing checkpoints", &node->log_signer, why));
        if (!bytes_equal(vkey_name(&node->log_signer.vkey), bytes_text(config->host.origin))) {
            return refuse(why, STATUS_BAD_LOG,
                          "%s: the key's name is %s, the origin is %s: they must be the same",
                          config->host.key, node->log_signer.vkey.name, config->host.origin);
        }
    }
    if (config->has_mirror) {
        TRY(load_key(config->mirror.key, VKEY_COSIGNATURE, "cosigning", &node->mirror_signer, why));
        node->cosigner.mirror = &node->mirror_signer;
    }
    for (size_t i = 0; i < config->log_count && !config->has_mirror; i++) {
        if (config->logs[i].pull_ms > 0) {
            return refuse(
                why, STATUS_BAD_FORM,
                "node.ini:%u: pulling %s ends in a cosignature: add a [mirror] section with a key",
                config->logs[i].line, config->logs[i].vkey.name);
        }
    }
    if (config->has_mirror && config->mirror.witness_key[0] != '\0') {
        TRY(load_key(config->mirror.witness_key, VKEY_COSIGNATURE, "cosigning",
                     &node->witness_signer, why));
        node->cosigner.witness = &node->witness_signer;
        if (memcmp(&node->mirror_signer.vkey.key, &node->witness_signer.vkey.key,
                   SIGN_PUBLIC_SIZE) == 0 ||
            strcmp(node->mirror_signer.vkey.name, node->witness_signer.vkey.name) == 0) {
            return refuse(why, STATUS_BAD_FORM,
                          "the mirror's and the witness's key must differ, in name too: they "
                          "promise different things");
        }
    }
    return STATUS_OK;
}

static uint32_t flags_of(enum config_accept accept) {
    return accept == ACCEPT_EVENTS ? LOG_EVENTS : 0;
}

static enum status register_logs(struct node *node, struct store_txn *txn, struct refusal *why) {
    const struct node_config *config = &node->config;
    struct log log;
    if (config->has_host) {
        uint32_t flags = LOG_OWN | flags_of(config->host.accept);
        TRY(logs_register(txn, &node->log_signer.vkey, flags, &node->own, why));
        node->has_own = true;
    }
    for (size_t i = 0; i < config->log_count; i++) {
        TRY(logs_register(txn, &config->logs[i].vkey, flags_of(config->logs[i].accept), &log, why));
    }
    uint32_t count = 0;
    TRY(logs_count(txn, &count));
    node->log_room = count > CONFIG_LOGS_MAX ? count : CONFIG_LOGS_MAX;
    node->logs = calloc(node->log_room, sizeof *node->logs);
    if (node->logs == NULL || node_config_reserve(&node->config) != STATUS_OK) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    for (uint32_t number = 1; number <= count; number++) {
        TRY(logs_get(txn, number, &node->logs[number - 1]));
        if ((node->logs[number - 1].flags & LOG_OWN) != 0 && !config->has_host) {
            return refuse(why, STATUS_BAD_LOG,
                          "%s hosts the log %s, and node.ini has no [host]: restore it",
                          config->data, node->logs[number - 1].vkey.name);
        }
    }
    node->log_count = count;
    return STATUS_OK;
}

static enum status refuse_unfinished(struct node *node, struct store_txn *txn,
                                     struct refusal *why) {
    bool unfinished = false;
    TRY(restore_unfinished(txn, &unfinished));
    return !unfinished
               ? STATUS_OK
               : refuse(why, STATUS_BAD_LOG,
                        "%s: a restore of this folder has not ended: run dutylogd --restore-from "
                        "URL again, it goes on where it stopped",
                        node->config.data);
}

static enum status open_store(struct node *node, struct refusal *why) {
    struct store_txn *txn = NULL;
    TRY(store_lmdb_open(node->config.data, NULL, &node->store, why));
    timed_store(node->store);
    enum status status = store_begin(node->store, STORE_WRITE, &txn);
    if (status != STATUS_OK) {
        return refuse(why, status, "%s: cannot be written: %s", node->config.data,
                      status_text(status));
    }
    why->text[0] = '\0';
    status = refuse_unfinished(node, txn, why);
    if (status == STATUS_OK) {
        status = register_logs(node, txn, why);
    }
    if (status != STATUS_OK) {
        store_abort(txn);
    } else {
        status = store_commit(txn);
    }
    if (status != STATUS_OK && why->text[0] == '\0') {
        refuse(why, status, "%s: %s: run dutylog fsck", node->config.data, status_text(status));
    }
    return status;
}

const struct log *node_log_by_id(const struct node *node, struct bytes hex) {
    struct hash id;
    if (!bytes_hex_to_hash(hex, &id)) {
        return NULL;
    }
    for (size_t i = 0; i < node->log_count; i++) {
        if (hash_equal(&node->logs[i].id, &id)) {
            return &node->logs[i];
        }
    }
    return NULL;
}

const struct log *node_log_by_number(const struct node *node, uint32_t number) {
    assert(number >= 1 && number <= node->log_count);
    return &node->logs[number - 1];
}

void node_add_log(struct node *node, const struct log *log) {
    if (log->number <= node->log_count) {
        return;
    }
    assert(log->number == node->log_count + 1 && node->log_count < node->log_room);
    node->logs[node->log_count++] = *log;
}

struct config_log *node_config_of(struct node *node, const struct vkey *vkey) {
    for (size_t i = 0; i < node->config.log_count; i++) {
        if (vkey_equal(&node->config.logs[i].vkey, vkey)) {
            return &node->config.logs[i];
        }
    }
    return NULL;
}

/* --- committing --- */

static enum status run_batch(void *context, struct job *const *jobs, size_t count) {
    struct node *node = context;
    return batch_run_outside(node->store, node->batch, outside_batch(node->outside), jobs, count);
}

enum status node_commit(struct node *node, struct commit *commit) {
    if (node->failed_why[0] != '\0') {
        return STATUS_BUSY; /* nothing is written or signed after a failure */
    }
    return committer_submit(node->committer, commit);
}

void node_batch_result(struct node *node, enum status batch_status) {
    if (batch_status == STATUS_STORE_DOUBT) {
        node_fail(node, "the disk failed during a commit, and what is durable is unknown: check "
                        "the disk, then start again");
    } else if (batch_status == STATUS_STORE_CORRUPT) {
        node_fail(
            node,
            "what is stored does not fit what was signed: run dutylog fsck on the data folder");
    }
}

void node_fail(struct node *node, const char *why) {
    if (node->failed_why[0] != '\0') {
        return;
    }
    struct refusal text;
    refuse(&text, STATUS_STORE_DOUBT, "%s", why);
    memcpy(node->failed_why, text.text, sizeof node->failed_why);
    node->exit_code = 1;
    log_line(LOG_ERROR, "node", "failed", "why=\"%s\"", node->failed_why);
    loop_stop(node->loop);
}

enum status node_admit(struct node *node, struct refusal *why) {
    uint64_t used = 0;
    uint64_t free_bytes = 0;
    if (node->failed_why[0] != '\0' || node->stopping) {
        return refuse(why, STATUS_BUSY, "this node is stopping: try again in a minute");
    }
    enum status status = store_lmdb_used(node->store, &used, &free_bytes);
    if (status != STATUS_OK) {
        return refuse(why, status, "the data folder's disk does not answer: try again later");
    }
    if (free_bytes < HEALTH_DISK_FULL_BYTES) {
        return refuse(why, STATUS_FULL,
                      "the node's disk is nearly full: nothing was kept, try again later");
    }
    return STATUS_OK;
}

/* --- stopping: each part closes when the ones above it are gone --- */

static void close_client(void *context) {
    struct node *node = context;
    client_close(node->client, NULL, NULL);
}

static void close_committer(void *context) {
    struct node *node = context;
    committer_close(node->committer, close_client, node);
}

static void close_workers(void *context) {
    struct node *node = context;
    workers_close(node->workers, close_committer, node);
}

static void close_judge(void *context) {
    struct node *node = context;
    clocks_close(node->clocks); /* nothing is cosigned any more */
    node->clocks = NULL;
    if (node->judge != NULL) {
        judge_close(node->judge, close_workers, node);
    } else {
        close_workers(node);
    }
}

static void close_puller(void *context) {
    struct node *node = context;
    if (node->puller != NULL) {
        puller_close(node->puller, close_judge, node);
    } else {
        close_judge(node);
    }
}

static void close_gossip(void *context) {
    struct node *node = context;
    if (node->gossip != NULL) {
        gossip_close(node->gossip, close_puller, node);
    } else {
        close_puller(node);
    }
}

static void close_recogniser(void *context) {
    struct node *node = context;
    if (node->recogniser != NULL) {
        recogniser_close(node->recogniser, close_gossip, node);
    } else {
        close_gossip(node);
    }
}

static void close_regain(void *context) {
    struct node *node = context;
    regain_close(node->regain, close_recogniser, node);
}

static void close_replicator(void *context) {
    struct node *node = context;
    if (node->replicator != NULL) {
        replicator_close(node->replicator, close_regain, node);
    } else {
        close_regain(node);
    }
}

static void close_server(void *context) {
    struct node *node = context;
    server_close(node->server, close_replicator, node);
}

static void stop(void *context) {
    struct node *node = context;
    log_line(LOG_INFO, "node", "stopping", "name=%s", node->config.name);
    node->stopping = true;
    health_watch_close(node->health_watch); /* it looks at parts that close now */
    node->health_watch = NULL;
    reload_close(node->reload);
    if (node->submitter != NULL) {
        submitter_close(node->submitter, close_server, node);
    } else {
        close_server(node);
    }
}

/* --- opening --- */

static void published(void *context, uint64_t size) {
    struct node *node = context;
    if (node->submitter != NULL) {
        submitter_published(node->submitter, size);
    }
    if (node->replicator != NULL) {
        uint64_t begun = replicator_state(node->replicator)->candidate_since_ms;
        uint64_t now = clock_wall_ms();
        histogram_observe(HISTOGRAM_ROUND, now > begun ? (now - begun) * 1000 : 0);
    }
}

/* After a failure half-way the caller reports and exits, and there is nothing durable to undo.
 * Threads may run on what was opened, so it stays until then; the secrets go now. */
static struct node *volatile abandoned;

static void abandon(struct node *node) {
    signer_wipe(&node->log_signer);
    signer_wipe(&node->mirror_signer);
    signer_wipe(&node->witness_signer);
    abandoned = node;
}

static enum status open_client(struct node *node) {
    struct client_options options = client_defaults;
    options.ca = node->config.ca[0] != '\0' ? node->config.ca : NULL;
    return client_open(node->loop, &options, &node->client);
}

static enum status open_server(struct node *node, struct refusal *why) {
    const struct node_config *config = &node->config;
    const struct config_limits *limits = &config->limits;
    struct server_options options = server_defaults;
    if (config->tls_certificate[0] != '\0') {
        TRY(tls_open(config->tls_certificate, config->tls_key, &node->tls, why));
    }
    TRY(reload_open(node->loop, node->tls, &node->reload));
    options.address = config->address;
    options.port = config->port;
    options.tls = node->tls;
    options.proxied = config->behind_proxy;
    options.proxy = config->proxy;
    options.known = config->known;
    options.known_count = config->known_count;
    options.connections_max = (unsigned)limits->connections;
    options.per_peer_max = (unsigned)limits->address_connections;
    options.rate = (struct bucket_size){limits->address_rate, 4 * limits->address_rate};
    options.body_budget = limits->body_bytes;
    return server_open(node->loop, &options, node_routes, node_route_count, node, &node->server,
                       why);
}

/* The parts in the order in which they need each other. */
static enum status open_parts(struct node *node, struct refusal *why) {
    refuse(why, STATUS_IO, "the machine gave no thread, descriptor or memory to start with");
    TRY(loop_open(&node->loop));
    TRY(workers_open(node->loop, WORK_WAITING_MAX, &node->workers));
    TRY(committer_open(node->loop, NULL, run_batch, node, &node->committer));
    TRY(open_client(node));
    TRY(judge_open(node, &node->judge));
    TRY(recogniser_open(node, &node->recogniser)); /* before what looks at addresses */
    TRY(puller_open(node, &node->puller));
    TRY(regain_open(node, &node->regain));
    TRY(gossip_open(node, &node->gossip));
    TRY(clocks_open(node, &node->clocks)); /* before what asks it */
    if (node->has_own) {
        TRY(submitter_open(node, &node->submitter));
        TRY(replicator_open(node, published, node, &node->replicator, why));
    }
    TRY(open_server(node, why));
    TRY(health_watch_open(node, &node->health_watch));
    return loop_on_stop(node->loop, stop, node);
}

enum status node_open(struct node_config *config, struct node **out, struct refusal *why) {
    struct node *node = calloc(1, sizeof *node);
    if (node == NULL) {
        node_config_release(config);
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    node->config = *config;
    memset(config, 0, sizeof *config);
    node->batch = malloc(sizeof *node->batch);
    enum status status =
        node->batch != NULL ? load_keys(node, why) : refuse(why, STATUS_NOMEM, "out of memory");
    if (status == STATUS_OK) {
        status = open_store(node, why);
    }
    if (status == STATUS_OK) {
        status = guarding_open(node, why);
    }
    if (status == STATUS_OK) {
        status = open_parts(node, why);
    }
    if (status != STATUS_OK) {
        abandon(node);
        return status;
    }
    log_line(LOG_INFO, "node", "listening", "name=%s address=%s port=%u tls=%s logs=%zu",
             node->config.name, node->config.address, server_port(node->server),
             node->tls != NULL ? "yes" : "no", node->log_count);
    *out = node;
    return STATUS_OK;
}

int node_run(struct node *node) {
    loop_run(node->loop);
    return node->exit_code;
}

void node_free(struct node *node) {
    loop_free(node->loop);
    store_lmdb_close(node->store);
    outside_close(node->outside);
    tls_close(node->tls);
    signer_wipe(&node->log_signer);
    signer_wipe(&node->mirror_signer);
    signer_wipe(&node->witness_signer);
    node_config_release(&node->config);
    free(node->logs);
    free(node->batch);
    free(node);
}
