#include "net/gossip.h"

#include "crypto/encoding.h"
#include "ledger/accept.h"
#include "ledger/accused.h"
#include "ledger/fork.h"
#include "ledger/kept.h"
#include "net/log.h"
#include "net/seen.h"

#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOURCES_MAX (1 + POLICY_WITNESSES_MAX)
#define URL_SIZE (POLICY_URL_MAX + 2 * HEX_LEN(HASH_SIZE) + 64)
#define ASKED_MAX 256         /* whose evidence is asked for in a round */
#define FILES_PER_PEER_MAX 16 /* fetched in a round */
#define LIST_MAX (256 * 1024)
#define KEPT_FILES_MAX 64 /* of one log in a round */
#define ASK_TIMEOUT_MS 10000
#define FIRST_MS 30000

struct gossip {
    struct node *node;
    struct timer *timer;
    struct client_call *call;
    bool committing;
    bool closing;
    void (*closed)(void *context);
    void *closed_context;
    /* The round: a log, one of its sources, and there the checkpoint, or evidence. */
    size_t log_at;
    char sources[SOURCES_MAX][POLICY_URL_MAX + 1];
    size_t source_count;
    size_t source_at;
    struct hash peers[ASKED_MAX]; /* whose evidence was asked for in this round */
    size_t peer_count;
    char files[FILES_PER_PEER_MAX][URL_SIZE]; /* paths that are not held */
    size_t file_count;
    size_t file_at;
    struct seen *seen;
    /* Under way. */
    struct commit commit;
    struct fork_job fork;
    struct fork_keep_job keep;
    struct kept_job kept;
    unsigned kept_files; /* taken of this log in this round */
    uint8_t kept_file[KEPT_FILE_MAX];
    uint8_t note[CHECKPOINT_SIZE_MAX];
    size_t note_len;
    uint8_t evidence[EVIDENCE_SIZE_MAX];
    size_t evidence_len;
    void (*then)(struct gossip *gossip);
    void (*step)(struct gossip *gossip);
    bool going;
};

static void next_source(struct gossip *g);

/* What is to be done next, after this function has returned: a round of many logs whose peers
 * cannot be asked would otherwise go as deep as there are logs. */
static void go(struct gossip *g, void (*step)(struct gossip *g)) {
    g->step = step;
    if (g->going) {
        return;
    }
    g->going = true;
    while (g->step != NULL) {
        void (*now)(struct gossip *) = g->step;
        g->step = NULL;
        now(g);
    }
    g->going = false;
}

static const struct log *log_of(const struct gossip *g) {
    return &g->node->logs[g->log_at];
}

static void maybe_closed(struct gossip *g) {
    if (!g->closing || g->committing) {
        return;
    }
    void (*closed)(void *) = g->closed;
    void *context = g->closed_context;
    g->node->gossip = NULL;
    seen_free(g->seen);
    free(g);
    closed(context);
}

/* --- requests and jobs, one at a time --- */

static void ask(struct gossip *g, const char *path, size_t max, client_done done,
                void (*otherwise)(struct gossip *g)) {
    char url[URL_SIZE + POLICY_URL_MAX];
    const char *base = g->sources[g->source_at];
    size_t len = strlen(base);
    while (len > 0 && base[len - 1] == '/') {
        len--;
    }
    int n = snprintf(url, sizeof url, "%.*s%s", (int)len, base, path);
    assert(n > 0 && (size_t)n < sizeof url);
    struct client_request request = {
        .method = "GET", .url = url, .timeout_ms = ASK_TIMEOUT_MS, .response_max = max};
    if (client_send(g->node->client, &request, done, g, &g->call) != STATUS_OK) {
        g->call = NULL;
        go(g, otherwise);
    }
}

static void submit(struct gossip *g, struct job *job, void (*done)(struct commit *, enum status),
                   void (*then)(struct gossip *g)) {
    g->then = then;
    g->commit = (struct commit){.job = job, .done = done, .context = g};
    g->committing = true;
    if (node_commit(g->node, &g->commit) != STATUS_OK) {
        g->committing = false;
        go(g, then); /* the next round will see it again */
    }
}

static bool job_over(struct gossip *g, enum status batch_status) {
    g->committing = false;
    node_batch_result(g->node, batch_status);
    if (g->closing) {
        maybe_closed(g);
        return false;
    }
    return true;
}

static void kept(struct commit *commit, enum status batch_status) {
    struct gossip *g = commit->context;
    if (!job_over(g, batch_status)) {
        return;
    }
    if (batch_status == STATUS_OK && g->keep.job.status == STATUS_OK && g->keep.fresh) {
        log_line(LOG_ERROR, "fork", "proved", "key=%s from=%s do=\"GET /evidence, and pass it on\"",
                 g->keep.accused.name, g->sources[g->source_at]);
    }
    go(g, g->then);
}

static void keep_evidence(struct gossip *g, void (*then)(struct gossip *g)) {
    fork_keep_job_init(&g->keep);
    g->keep.evidence = bytes_of(g->evidence, g->evidence_len);
    submit(g, &g->keep.job, kept, then);
}

/* --- evidence that the peer keeps --- */

static void next_file(struct gossip *g);

static void got_file(void *context, const struct client_response *response) {
    struct gossip *g = context;
    g->call = NULL;
    if (response->http != 200 || response->body.len > sizeof g->evidence) {
        go(g, next_file);
        return;
    }
    memcpy(g->evidence, response->body.data, response->body.len);
    g->evidence_len = response->body.len;
    keep_evidence(g, next_file);
}

static void next_file(struct gossip *g) {
    if (g->file_at == g->file_count) {
        g->source_at++;
        go(g, next_source);
        return;
    }
    const char *path = g->files[g->file_at++];
    ask(g, path, EVIDENCE_SIZE_MAX, got_file, next_file);
}

/* A path of the form that GET /evidence lists, of a file that is not here. */
static bool is_wanted(struct store_txn *txn, const char *path) {
    uint8_t id[4];
    struct hash hash;
    struct vkey accused;
    struct bytes file;
    static const char start[] = "/evidence/";
    size_t len = strlen(start);
    if (strncmp(path, start, len) != 0 || strlen(path) != len + 8 + 1 + HEX_LEN(HASH_SIZE) ||
        path[len + 8] != '/' || !hex_decode(path + len, 8, id, sizeof id) ||
        !bytes_hex_to_hash(bytes_text(path + len + 9), &hash)) {
        return false;
    }
    uint32_t number = (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
    return fork_evidence(txn, number, &hash, &accused, &file) == STATUS_NOT_FOUND;
}

static void got_list(void *context, const struct client_response *response) {
    struct gossip *g = context;
    struct store_txn *txn = NULL;
    g->call = NULL;
    g->file_count = 0;
    g->file_at = 0;
    json_t *root = response->http == 200
                       ? json_loadb((const char *)response->body.data, response->body.len, 0, NULL)
                       : NULL;
    if (root != NULL && store_begin(g->node->store, STORE_READ, &txn) == STATUS_OK) {
        size_t i;
        json_t *item;
        json_array_foreach(json_object_get(root, "evidence"), i, item) {
            const char *path = json_string_value(json_object_get(item, "file"));
            if (path != NULL && g->file_count < FILES_PER_PEER_MAX && is_wanted(txn, path)) {
                snprintf(g->files[g->file_count++], URL_SIZE, "%s", path);
            }
        }
        store_abort(txn);
    }
    json_decref(root);
    go(g, next_file);
}

/* Once a round for each peer, however many logs it holds. */
static void ask_evidence(struct gossip *g) {
    struct hash peer;
    const char *url = g->sources[g->source_at];
    hash_of((const uint8_t *)url, strlen(url), &peer);
    bool asked = g->peer_count == ASKED_MAX;
    for (size_t i = 0; i < g->peer_count && !asked; i++) {
        asked = hash_equal(&g->peers[i], &peer);
    }
    g->file_count = 0;
    g->file_at = 0;
    if (asked) {
        go(g, next_file);
        return;
    }
    g->peers[g->peer_count++] = peer;
    ask(g, "/evidence", LIST_MAX, got_list, next_file);
}

/* --- the quorum checkpoints that the peer keeps --- */

static void ask_kept(struct gossip *g);

static void took_kept(struct commit *commit, enum status batch_status) {
    struct gossip *g = commit->context;
    bool more = batch_status == STATUS_OK && g->kept.job.status == STATUS_OK &&
                g->kept.in_file == KEPT_PER_FILE && g->kept.taken == KEPT_PER_FILE;
    if (!job_over(g, batch_status)) {
        return;
    }
    if (batch_status == STATUS_OK && g->kept.why.status != STATUS_OK) {
        log_line(LOG_WARN, "gossip", "not-kept", "log=%s from=%s why=\"%s\"", log_of(g)->vkey.name,
                 g->sources[g->source_at], g->kept.why.text);
    }
    g->kept_files = more ? g->kept_files : KEPT_FILES_MAX;
    go(g, ask_kept);
}

static void got_kept(void *context, const struct client_response *response) {
    struct gossip *g = context;
    g->call = NULL;
    if (response->http != 200 || response->body.len > sizeof g->kept_file) {
        go(g, ask_evidence);
        return;
    }
    memcpy(g->kept_file, response->body.data, response->body.len);
    kept_job_init(&g->kept);
    g->kept.log = log_of(g);
    g->kept.file = bytes_of(g->kept_file, response->body.len);
    submit(g, &g->kept.job, took_kept, ask_evidence);
}

/* Of a mirrored log, from the first peer in a round that has more of them. */
static void ask_kept(struct gossip *g) {
    char hex[HEX_LEN(HASH_SIZE) + 1];
    char path[URL_SIZE];
    struct store_txn *txn = NULL;
    uint64_t last = 0;
    if (log_of(g)->flags != LOG_EVENTS || g->kept_files == KEPT_FILES_MAX ||
        store_begin(g->node->store, STORE_READ, &txn) != STATUS_OK) {
        go(g, ask_evidence);
        return;
    }
    enum status status = kept_last(txn, log_of(g)->number, &last);
    store_abort(txn);
    if (status != STATUS_OK) {
        go(g, ask_evidence);
        return;
    }
    g->kept_files++;
    hex[hex_encode(hex, log_of(g)->id.bytes, HASH_SIZE)] = '\0';
    snprintf(path, sizeof path, "/%s/kept/%" PRIu64, hex, last);
    ask(g, path, KEPT_FILE_MAX, got_kept, ask_evidence);
}

/* --- the peer's checkpoint --- */

static void forked(struct commit *commit, enum status batch_status) {
    struct gossip *g = commit->context;
    if (!job_over(g, batch_status)) {
        return;
    }
    if (batch_status == STATUS_OK && g->fork.outcome == FORK_PROVED && g->fork.fresh) {
        log_line(LOG_ERROR, "fork", "proved", "log=%s from=%s do=\"GET /evidence, and pass it on\"",
                 log_of(g)->vkey.name, g->sources[g->source_at]);
    } else if (batch_status == STATUS_OK && g->fork.outcome == FORK_UNRECONCILED && g->fork.fresh) {
        log_line(LOG_WARN, "fork", "unreconciled", "log=%s from=%s", log_of(g)->vkey.name,
                 g->sources[g->source_at]);
    }
    go(g, g->then);
}

/* Is the checkpoint one of our own tree? `beyond`: it is larger. */
static enum status fits(struct gossip *g, const struct checkpoint *checkpoint, bool *beyond,
                        bool *fit) {
    struct store_txn *txn = NULL;
    struct tree_head head;
    struct hash root;
    TRY(store_begin(g->node->store, STORE_READ, &txn));
    enum status status = tree_read_head(txn, log_of(g)->number, &head);
    *beyond = status == STATUS_OK && checkpoint->size > head.size;
    if (status == STATUS_OK && !*beyond) {
        status = tree_root_at(txn, log_of(g)->number, checkpoint->size, &root);
        *fit = status == STATUS_OK && hash_equal(&root, &checkpoint->root);
    }
    store_abort(txn);
    return status;
}

/* What waited until we hold as much, or else what was just shown. */
static void examine(struct gossip *g) {
    struct note note;
    struct checkpoint checkpoint;
    struct bytes shown = seen_waiting(g->seen, log_of(g)->number, g->sources[g->source_at]);
    bool beyond = false;
    bool fit = false;
    if (shown.len == 0) {
        shown = bytes_of(g->note, g->note_len);
    }
    if (checkpoint_parse(shown, &note, &checkpoint, NULL) != STATUS_OK ||
        fits(g, &checkpoint, &beyond, &fit) != STATUS_OK) {
        go(g, ask_kept);
        return;
    }
    if (beyond) {
        seen_wait(g->seen, log_of(g)->number, g->sources[g->source_at], shown);
        go(g, ask_kept);
        return;
    }
    memmove(g->note, shown.data, shown.len); /* it may be what is forgotten now */
    g->note_len = shown.len;
    seen_wait(g->seen, log_of(g)->number, g->sources[g->source_at], bytes_of(NULL, 0));
    if (fit) {
        go(g, ask_kept);
        return;
    }
    memset(&g->fork, 0, sizeof g->fork);
    g->fork.log = log_of(g);
    g->fork.note = bytes_of(g->note, g->note_len);
    fork_job_init(&g->fork);
    submit(g, &g->fork.job, forked, ask_kept);
}

/* Evidence of what the peer showed before and shows now, against any key of the log. */
static bool contradicts(struct gossip *g, struct bytes before) {
    static struct accused accused; /* of the loop alone */
    struct store_txn *txn = NULL;
    struct bytes now = bytes_of(g->note, g->note_len);
    if (before.len == 0 || bytes_equal(before, now) ||
        store_begin(g->node->store, STORE_READ, &txn) != STATUS_OK) {
        return false;
    }
    enum status status = accused_of(txn, log_of(g), &accused);
    store_abort(txn);
    for (size_t i = 0; status == STATUS_OK && i < accused.count; i++) {
        struct writer w;
        writer_init(&w, g->evidence, sizeof g->evidence);
        if (evidence_of_checkpoints(&accused.keys[i], before, now, NULL, &w) == STATUS_OK) {
            g->evidence_len = w.len;
            return true;
        }
    }
    return false;
}

static void got_checkpoint(void *context, const struct client_response *response) {
    struct gossip *g = context;
    struct note note;
    struct checkpoint checkpoint;
    uint32_t log = log_of(g)->number;
    const char *url = g->sources[g->source_at];
    g->call = NULL;
    if (response->http != 200 || response->body.len > sizeof g->note ||
        checkpoint_parse(response->body, &note, &checkpoint, NULL) != STATUS_OK ||
        !bytes_equal(checkpoint.origin, vkey_name(&log_of(g)->vkey)) ||
        note_verify(&note, &log_of(g)->vkey) != STATUS_OK) {
        go(g, ask_kept); /* nobody answers for it */
        return;
    }
    memcpy(g->note, response->body.data, response->body.len);
    g->note_len = response->body.len;
    bool contradiction = contradicts(g, seen_last(g->seen, log, url));
    seen_show(g->seen, log, url, bytes_of(g->note, g->note_len));
    if (contradiction) {
        keep_evidence(g, examine);
    } else {
        go(g, examine);
    }
}

/* --- the round --- */

static void add_source(struct gossip *g, const char *url) {
    if (url[0] == '\0' || g->source_count == SOURCES_MAX || strlen(url) > POLICY_URL_MAX) {
        return;
    }
    for (size_t i = 0; i < g->source_count; i++) {
        if (strcmp(g->sources[i], url) == 0) {
            return;
        }
    }
    snprintf(g->sources[g->source_count++], POLICY_URL_MAX + 1, "%s", url);
}

/* The other mirrors of the policy, as this node knows the log. */
static enum status add_mirrors(struct gossip *g, struct store_txn *txn) {
    const struct node *node = g->node;
    static struct policy policy; /* of the loop alone */
    struct event event;
    struct tree_head head;
    uint64_t index = 0;
    uint64_t known = 0;
    TRY(tree_read_head(txn, log_of(g)->number, &head));
    known = head.size;
    if ((log_of(g)->flags & LOG_OWN) == 0) {
        TRY(judge_size(txn, log_of(g)->number, &known));
    }
    TRY(accused_policy(txn, log_of(g), known, &index, &event, &policy));
    for (size_t i = 0; i < policy.witness_count; i++) {
        const struct policy_witness *witness = &policy.witnesses[i];
        bool own = vkey_equal(&witness->vkey, &node->mirror_signer.vkey) ||
                   vkey_equal(&witness->vkey, &node->witness_signer.vkey);
        if (!own) {
            add_source(g, witness->url);
        }
    }
    event_release(&event);
    return STATUS_OK;
}

static void find_sources(struct gossip *g) {
    struct store_txn *txn = NULL;
    g->source_count = 0;
    g->source_at = 0;
    g->kept_files = 0;
    for (size_t i = 0; i < g->node->config.log_count; i++) {
        const struct config_log *config = &g->node->config.logs[i];
        if (vkey_equal(&config->vkey, &log_of(g)->vkey)) {
            add_source(g, config->url);
        }
    }
    if ((log_of(g)->flags & LOG_EVENTS) != 0 &&
        store_begin(g->node->store, STORE_READ, &txn) == STATUS_OK) {
        (void)add_mirrors(g, txn); /* without a policy there is the log's own address */
        store_abort(txn);
    }
}

static void next_log(struct gossip *g) {
    if (g->log_at == g->node->log_count) {
        timer_start(g->timer, g->node->config.gossip_ms, 0);
        return;
    }
    find_sources(g);
    go(g, next_source);
}

static void next_source(struct gossip *g) {
    char hex[HEX_LEN(HASH_SIZE) + 1];
    char path[URL_SIZE];
    if (g->source_at == g->source_count) {
        g->log_at++;
        go(g, next_log);
        return;
    }
    hex[hex_encode(hex, log_of(g)->id.bytes, HASH_SIZE)] = '\0';
    snprintf(path, sizeof path, "/%s/checkpoint", hex);
    ask(g, path, CHECKPOINT_SIZE_MAX, got_checkpoint, ask_kept);
}

static void begin_round(void *context) {
    struct gossip *g = context;
    g->log_at = 0;
    g->peer_count = 0;
    go(g, next_log);
}

enum status gossip_open(struct node *node, struct gossip **out) {
    struct gossip *g = calloc(1, sizeof *g);
    if (g == NULL) {
        return STATUS_NOMEM;
    }
    g->node = node;
    g->seen = seen_open();
    *out = g;
    if (g->seen == NULL) {
        return STATUS_NOMEM;
    }
    TRY(timer_open(node->loop, begin_round, g, &g->timer));
    if (node->config.gossip_ms > 0) {
        timer_start(g->timer, node->config.gossip_ms < FIRST_MS ? node->config.gossip_ms : FIRST_MS,
                    0);
    }
    return STATUS_OK;
}

void gossip_close(struct gossip *g, void (*closed)(void *context), void *context) {
    g->closing = true;
    g->closed = closed;
    g->closed_context = context;
    timer_close(g->timer);
    if (g->call != NULL) {
        client_cancel(g->call);
        g->call = NULL;
    }
    maybe_closed(g);
}
