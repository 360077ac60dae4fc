#include "net/restore.h"

#include "crypto/encoding.h"
#include "ledger/accused.h"
#include "ledger/guard.h"
#include "ledger/kept.h"
#include "ledger/sequencer.h"
#include "ledger/store_lmdb.h"
#include "net/keyfile.h"
#include "net/log.h"
#include "net/outside.h"
#include "net/restore_private.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TELL_MS 1000
#define ASK_TIMEOUT_MS 30000
#define SOURCE_MAX 1000

static struct restore_log *current(struct restore *r) {
    return &r->logs[r->at];
}

/* --- the end --- */

static void stop(void *context) {
    struct restore *r = context;
    if (!r->restored && r->why.text[0] == '\0') {
        refuse(&r->why, STATUS_BUSY, "broken off: the same command goes on where it stopped");
    }
    r->stopping = true;
    restore_pull_release(r);
    if (r->asking != NULL) {
        client_cancel(r->asking);
    }
    timer_close(r->timer);
    timer_close(r->telling);
    client_close(r->client, NULL, NULL);
}

void restore_failed(struct restore *r) {
    assert(r->why.text[0] != '\0');
    loop_stop(r->loop);
}

static enum status end_all(struct restore *r, struct store_txn *txn) {
    for (size_t i = 0; i < r->count; i++) {
        if (!r->logs[i].left_out) {
            TRY(restore_check(txn, &r->logs[i].log));
        }
        TRY(restore_end_log(txn, &r->logs[i].log, r->logs[i].own));
    }
    return restore_end(txn);
}

static void finish(struct restore *r) {
    struct store_txn *txn = NULL;
    enum status status = store_begin(r->store, STORE_WRITE, &txn);
    if (status == STATUS_OK) {
        status = end_all(r, txn);
        if (status == STATUS_OK) {
            status = store_commit(txn);
        } else {
            store_abort(txn);
        }
    }
    if (status != STATUS_OK) {
        refuse(&r->why, status, "%s: %s", r->config.data, status_text(status));
    }
    r->restored = status == STATUS_OK;
    loop_stop(r->loop);
}

static void next_log(struct restore *r) {
    r->at++;
    if (r->at == r->count) {
        finish(r);
    } else {
        restore_pull(r);
    }
}

/* --- what the source says of the own log beyond its entries --- */

/* Cosignatures by keys of the log's policy: one that does not verify is a lie. */
static enum status check_lines(struct restore *r, const struct note *note,
                               const struct policy *policy) {
    size_t good = 0;
    for (size_t i = 0; i < note->count; i++) {
        for (size_t w = 0; w < policy->witness_count; w++) {
            const struct vkey *key = &policy->witnesses[w].vkey;
            uint64_t time = 0;
            if (!note_signature_is_by(&note->signatures[i], key)) {
                continue;
            }
            if (cosignature_verify(&note->signatures[i], note->text, key, &time) != STATUS_OK) {
                return refuse(&r->why, STATUS_DENIED_SIGNATURE,
                              "%s: the checkpoint's cosignature by %s does not verify", r->base,
                              key->name);
            }
            good++;
            log_line(LOG_INFO, "restore", "cosigned", "log=%s size=%" PRIu64 " by=%s time=%" PRIu64,
                     current(r)->log.vkey.name, r->pull.size, key->name, time);
        }
    }
    if (good == 0) {
        log_line(LOG_WARN, "restore", "not-cosigned",
                 "log=%s size=%" PRIu64 " why=\"the source is no mirror of the log's policy: what "
                 "it gave is what the log signed, others may have more\"",
                 current(r)->log.vkey.name, r->pull.size);
    }
    return STATUS_OK;
}

static enum status check_cosignatures(struct restore *r) {
    const struct restore_log *log = current(r);
    static struct policy policy; /* of the loop alone */
    struct store_txn *txn = NULL;
    struct signed_checkpoint pending;
    struct checkpoint checkpoint;
    struct event event;
    struct note note;
    uint64_t index = 0;
    if (!log->own || (log->log.flags & LOG_EVENTS) == 0 ||
        checkpoint_parse(bytes_of(r->pull.note, r->pull.note_len), &note, &checkpoint, NULL) !=
            STATUS_OK) {
        return STATUS_OK;
    }
    TRY(store_begin(r->store, STORE_READ, &txn));
    enum status status = mirror_pending(txn, log->log.number, &pending);
    if (status == STATUS_OK) {
        status = accused_policy(txn, &log->log, pending.size, &index, &event, &policy);
    }
    if (status == STATUS_OK) {
        status = check_lines(r, &note, &policy);
        event_release(&event);
    }
    store_abort(txn);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* --- the own log's quorum checkpoints, which confirm the times of its events --- */

static void ask_kept(struct restore *r);

static void took_kept(struct restore *r, struct bytes file) {
    struct kept_job job;
    struct job *jobs[] = {&job.job};
    kept_job_init(&job);
    job.log = &current(r)->log;
    job.file = file;
    enum status status = batch_run(r->store, r->batch, jobs, 1);
    if (status != STATUS_OK) {
        refuse(&r->why, status, "%s: %s", r->config.data, status_text(status));
        restore_failed(r);
        return;
    }
    if (job.job.status != STATUS_OK || job.why.status != STATUS_OK) {
        log_line(LOG_WARN, "restore", "times-not-kept", "log=%s why=\"%s\"",
                 current(r)->log.vkey.name, job.why.text);
    }
    if (job.job.status == STATUS_OK && job.taken == KEPT_PER_FILE) {
        ask_kept(r);
    } else {
        next_log(r);
    }
}

static void answered_kept(void *context, const struct client_response *response) {
    struct restore *r = context;
    r->asking = NULL;
    if (response->http == 200) {
        took_kept(r, response->body);
    } else {
        next_log(r); /* it keeps no more, or none */
    }
}

static void ask_kept(struct restore *r) {
    char url[RESTORE_URL_SIZE + 64];
    char hex[HEX_LEN(HASH_SIZE) + 1];
    struct store_txn *txn = NULL;
    uint64_t last = 0;
    enum status status = store_begin(r->store, STORE_READ, &txn);
    if (status == STATUS_OK) {
        status = kept_last(txn, current(r)->log.number, &last);
        store_abort(txn);
    }
    if (status != STATUS_OK || (current(r)->log.flags & LOG_EVENTS) == 0) {
        next_log(r);
        return;
    }
    hex[hex_encode(hex, current(r)->log.id.bytes, HASH_SIZE)] = '\0';
    int n = snprintf(url, sizeof url, "%s/%s/kept/%" PRIu64, r->source, hex, last);
    assert(n > 0 && (size_t)n < sizeof url);
    struct client_request request = {
        .method = "GET", .url = url, .timeout_ms = ASK_TIMEOUT_MS, .response_max = KEPT_FILE_MAX};
    if (client_send(r->client, &request, answered_kept, r, &r->asking) != STATUS_OK) {
        r->asking = NULL;
        next_log(r);
    }
}

/* The source may have cosigned as a witness what it does not have the entries of. */
static void asked(void *context, const struct client_response *response) {
    struct restore *r = context;
    struct note note;
    struct checkpoint checkpoint;
    r->asking = NULL;
    if (response->http == 200 &&
        checkpoint_parse(response->body, &note, &checkpoint, NULL) == STATUS_OK &&
        bytes_equal(checkpoint.origin, vkey_name(&current(r)->log.vkey)) &&
        note_verify(&note, &current(r)->log.vkey) == STATUS_OK && checkpoint.size > r->pull.size) {
        log_line(LOG_WARN, "restore", "larger-is-pending",
                 "log=%s restored=%" PRIu64 " pending=%" PRIu64
                 " do=\"the log signed more than the source has: restore from another mirror too, "
                 "before the node is started\"",
                 current(r)->log.vkey.name, r->pull.size, checkpoint.size);
    }
    ask_kept(r);
}

static void ask_pending(struct restore *r) {
    char url[RESTORE_URL_SIZE + 40];
    char hex[HEX_LEN(HASH_SIZE) + 1];
    hex[hex_encode(hex, current(r)->log.id.bytes, HASH_SIZE)] = '\0';
    int n = snprintf(url, sizeof url, "%s/witness/%s/checkpoint", r->source, hex);
    assert(n > 0 && (size_t)n < sizeof url);
    struct client_request request = {.method = "GET",
                                     .url = url,
                                     .timeout_ms = ASK_TIMEOUT_MS,
                                     .response_max = CHECKPOINT_SIZE_MAX};
    if (client_send(r->client, &request, asked, r, &r->asking) != STATUS_OK) {
        r->asking = NULL;
        ask_kept(r);
    }
}

void restore_log_done(struct restore *r) {
    enum status status = check_cosignatures(r);
    if (status != STATUS_OK) {
        if (r->why.text[0] == '\0') {
            refuse(&r->why, status, "%s: %s", r->config.data, status_text(status));
        }
        restore_failed(r);
        return;
    }
    log_line(LOG_INFO, "restore", "log-done", "log=%s size=%" PRIu64, current(r)->log.vkey.name,
             r->pull.held.pending > r->pull.size ? r->pull.held.pending : r->pull.size);
    if (current(r)->own) {
        ask_pending(r);
    } else {
        next_log(r);
    }
}

void restore_log_absent(struct restore *r) {
    const struct restore_log *log = current(r);
    if (log->own) {
        refuse(&r->why, STATUS_UNKNOWN_LOG,
               "%s does not have the log %s: give the address of one of its mirrors", r->source,
               log->log.vkey.name);
        restore_failed(r);
        return;
    }
    refuse(&r->why, STATUS_UNKNOWN_LOG, "the source does not have it");
    restore_log_left_out(r);
}

/* One log that the source has not, or lies about, keeps no other from coming back. */
void restore_log_left_out(struct restore *r) {
    log_line(LOG_WARN, "restore", "left-out",
             "log=%s why=\"%s\" do=\"what is missing comes with the log's next push or pull\"",
             current(r)->log.vkey.name, r->why.text);
    r->why.text[0] = '\0';
    r->left_out++;
    current(r)->left_out = true;
    next_log(r);
}

/* --- the beginning --- */

static void tell(void *context) {
    struct restore *r = context;
    if (r->at < r->count) {
        log_line(LOG_INFO, "restore", "progress",
                 "log=%s entries=%" PRIu64 " of=%" PRIu64 " stored=%" PRIu64,
                 current(r)->log.vkey.name, r->pull.next, r->pull.upload.end, r->stored);
    }
}

static enum status own_key(const struct node_config *config, struct vkey *out,
                           struct refusal *why) {
    struct signer signer;
    keyfile_passphrase_file(config->passphrase_file[0] != '\0' ? config->passphrase_file : NULL);
    TRY(keyfile_read(config->host.key, &signer, why));
    *out = signer.vkey;
    signer_wipe(&signer);
    if (out->type != VKEY_NOTE || strcmp(out->name, config->host.origin) != 0) {
        return refuse(why, STATUS_BAD_LOG, "%s: not the key of the log %s", config->host.key,
                      config->host.origin);
    }
    return STATUS_OK;
}

static uint32_t flags_of(enum config_accept accept) {
    return accept == ACCEPT_EVENTS ? LOG_EVENTS : 0;
}

static enum status begin_logs(struct restore *r, struct store_txn *txn) {
    const struct node_config *config = &r->config;
    uint32_t known = 0;
    if (config->has_host) {
        struct vkey vkey;
        TRY(own_key(config, &vkey, &r->why));
        r->logs[r->count].own = true;
        TRY(restore_begin(txn, &vkey, LOG_OWN | flags_of(config->host.accept),
                          &r->logs[r->count].log, &r->why));
        r->count++;
    }
    for (size_t i = 0; i < config->log_count; i++) {
        TRY(restore_begin(txn, &config->logs[i].vkey, flags_of(config->logs[i].accept),
                          &r->logs[r->count].log, &r->why));
        r->count++;
    }
    TRY(logs_count(txn, &known));
    if (known > r->count) {
        return refuse(&r->why, STATUS_BAD_LOG,
                      "%s holds a log that node.ini does not name: give the restored node a folder "
                      "of its own, or the node.ini that this folder belongs to",
                      config->data);
    }
    return STATUS_OK;
}

static enum status begin_folder(struct restore *r) {
    struct store_txn *txn = NULL;
    /* A window that is undone is fetched again. */
    struct store_lmdb_options lmdb = {.no_meta_sync = true};
    TRY(store_lmdb_open(r->config.data, &lmdb, &r->store, &r->why));
    enum status status = store_begin(r->store, STORE_WRITE, &txn);
    if (status == STATUS_OK) {
        status = begin_logs(r, txn);
        if (status == STATUS_OK) {
            status = store_commit(txn);
        } else {
            store_abort(txn);
        }
    }
    if (status != STATUS_OK && r->why.text[0] == '\0') {
        refuse(&r->why, status, "%s: %s", r->config.data, status_text(status));
    }
    return status;
}

static enum status begin(struct restore *r) {
    struct client_options options = client_defaults;
    size_t count = (r->config.has_host ? 1 : 0) + r->config.log_count;
    if (count == 0) {
        return refuse(&r->why, STATUS_BAD_FORM, "node.ini names no log: nothing to restore");
    }
    refuse(&r->why, STATUS_NOMEM, "out of memory");
    r->batch = malloc(sizeof *r->batch);
    r->logs = calloc(count, sizeof *r->logs);
    if (r->batch == NULL || r->logs == NULL) {
        return STATUS_NOMEM;
    }
    for (size_t i = 0; i < PULL_FETCHES_MAX; i++) {
        r->slots[i] = (struct restore_slot){.restore = r, .fetch = i};
    }
    options.ca = r->config.ca[0] != '\0' ? r->config.ca : NULL;
    TRY(loop_open(&r->loop));
    TRY(client_open(r->loop, &options, &r->client));
    TRY(timer_open(r->loop, restore_tick, r, &r->timer));
    TRY(timer_open(r->loop, tell, r, &r->telling));
    TRY(loop_on_stop(r->loop, stop, r));
    r->why.text[0] = '\0';
    return begin_folder(r);
}

/* What the head file says was signed, if it is there: the guard will ask for it. */
static void compare_head_file(struct restore *r, uint64_t size) {
    struct outside *outside = NULL;
    struct refusal why;
    if (!r->config.has_host || r->config.head[0] == '\0' ||
        outside_open(r->config.head, &outside, &why) != STATUS_OK) {
        return;
    }
    const struct guard_record *record = outside_found(outside);
    if (record == NULL) {
        log_line(LOG_WARN, "restore", "no-head-file",
                 "file=%s why=\"it is missing or damaged: the start waits until every mirror is "
                 "heard\"",
                 r->config.head);
    } else if (record->size > size) {
        log_line(LOG_WARN, "restore", "more-was-signed",
                 "restored=%" PRIu64 " signed=%" PRIu64
                 " do=\"restore from another mirror too, before the node is started\"",
                 size, record->size);
    }
    outside_close(outside);
}

/* Opening anew begins with a commit that makes all before it durable. */
static enum status make_durable(struct restore *r) {
    store_lmdb_close(r->store);
    r->store = NULL;
    return store_lmdb_open(r->config.data, NULL, &r->store, &r->why);
}

static void report(struct restore *r) {
    struct store_txn *txn = NULL;
    struct head head = {.size = 0};
    if (!r->logs[0].own) {
        return;
    }
    if (store_begin(r->store, STORE_READ, &txn) == STATUS_OK) {
        if (sequencer_head(txn, &r->logs[0].log, &head) != STATUS_OK) {
            head.size = 0;
        }
        store_abort(txn);
    }
    compare_head_file(r, head.size);
}

static int run(struct restore *r) {
    enum status status = begin(r);
    if (status != STATUS_OK) {
        fprintf(stderr, "dutylogd: not restored: %s\n", r->why.text);
        return 2;
    }
    restore_pull(r);
    timer_start(r->telling, TELL_MS, TELL_MS);
    loop_run(r->loop);
    loop_free(r->loop);
    if (!r->restored || make_durable(r) != STATUS_OK) {
        fprintf(stderr, "dutylogd: not restored: %s\n", r->why.text);
        return 1;
    }
    report(r);
    fprintf(stderr,
            "dutylogd: restored %zu of %zu logs, %" PRIu64
            " entries fetched: start it with -c alone\n",
            r->count - r->left_out, r->count, r->stored);
    return 0;
}

int restore_run(struct node_config *config, const char *source, uint64_t *stored) {
    struct restore *r = calloc(1, sizeof *r);
    char url[SOURCE_MAX + 1];
    size_t len = strlen(source);
    while (len > 0 && source[len - 1] == '/') {
        len--;
    }
    bool address = strncmp(source, "http://", 7) == 0 || strncmp(source, "https://", 8) == 0;
    if (r == NULL || !address || len > SOURCE_MAX) {
        fputs("dutylogd: --restore-from: give the http:// or https:// address of a mirror, up to "
              "1000 characters\n",
              stderr);
        node_config_release(config);
        free(r);
        return 2;
    }
    memcpy(url, source, len);
    url[len] = '\0';
    r->config = *config;
    memset(config, 0, sizeof *config);
    r->source = url;
    int exit_code = run(r);
    if (stored != NULL) {
        *stored = r->stored;
    }
    if (r->store != NULL) {
        store_lmdb_close(r->store);
    }
    node_config_release(&r->config);
    free(r->logs);
    free(r->batch);
    free(r);
    return exit_code;
}
