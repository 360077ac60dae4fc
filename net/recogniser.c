#include "net/recogniser.h"

#include "ledger/guard.h"
#include "ledger/opened.h"
#include "ledger/tile.h"
#include "net/log.h"
#include "net/puller.h"
#include "net/regain.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS 1000u
#define REGISTER_MAX 512 /* logs made known in one commit */
#define ASK_TIMEOUT_MS 10000
#define ASK_AGAIN_MS 30000u
#define NEVER UINT64_MAX

/* Making logs known. */
struct register_job {
    struct job job;
    struct vkey vkeys[REGISTER_MAX];
    size_t count;
    struct log logs[REGISTER_MAX];
    enum status results[REGISTER_MAX];
    bool held;
};

/* Finding an authority's own log at its address. */
struct search {
    struct recogniser *recogniser;
    struct config_authority *authority;
    struct client_call *call;
    uint64_t due_ms; /* monotonic; NEVER: found, or nothing to look for */
    bool found;
    bool failed; /* when last asked */
    struct vkey vkey;
    char operator_name[OPENED_OPERATOR_MAX + 1];
};

/* What is wrong with recognised logs, found at a look: one line, whatever the logs' number, and
 * again only where it changed. */
struct complaint {
    size_t logs;
    char first[NAME_SIZE_MAX + 1];
};

struct recogniser {
    struct node *node;
    struct timer *timer;
    struct pin pins[CONFIG_AUTHORITIES_MAX];
    struct search searches[CONFIG_AUTHORITIES_MAX];
    struct recognition_set *set;
    struct recognition_set *asked; /* the last agency that was asked for, and when that was */
    char asked_ori[ORI_SIZE + 1];
    uint64_t asked_count;
    struct complaint other_key, other_key_told;
    struct complaint no_address, no_address_told;
    uint64_t seen; /* recognition_count at the last look; NEVER: look again */
    struct register_job job;
    struct commit commit;
    bool busy;
    bool closing;
    void (*closed)(void *context);
    void *closed_context;
};

/* --- what is known --- */

const struct recognition_set *recogniser_set(const struct recogniser *r) {
    return r->set;
}

const struct pin *recogniser_pins(const struct recogniser *r, size_t *count) {
    *count = r != NULL ? r->node->config.authority_count : 0;
    return r != NULL ? r->pins : NULL;
}

const char *recogniser_lost(const struct recogniser *r) {
    for (size_t i = 0; i < r->node->config.authority_count; i++) {
        if (r->searches[i].failed) {
            return r->pins[i].name;
        }
    }
    return NULL;
}

/* What is recognised for the agency, as this transaction sees it. */
static enum status find_for(struct recogniser *r, struct store_txn *txn, const char *ori) {
    uint64_t count = 0;
    TRY(recognition_count(txn, &count));
    if (count == r->asked_count && memcmp(r->asked_ori, ori, ORI_SIZE) == 0) {
        return STATUS_OK;
    }
    memcpy(r->asked_ori, ori, ORI_SIZE);
    r->asked_count = NEVER; /* until it is whole */
    const struct recognition_view view = {.ori = r->asked_ori};
    TRY(recognition_find(txn, r->pins, r->node->config.authority_count, &view, r->asked));
    r->asked_count = count;
    return STATUS_OK;
}

static enum status counts(void *context, struct store_txn *txn, uint32_t number, const char *ori,
                          uint32_t role, bool *out) {
    struct recogniser *r = context;
    struct log log;
    TRY(find_for(r, txn, ori));
    TRY(logs_get(txn, number, &log));
    *out = recognition_counts(r->asked, &log, role);
    return STATUS_OK;
}

struct agency_sources recogniser_sources(struct recogniser *r) {
    return (struct agency_sources){r != NULL ? counts : NULL, r};
}

/* --- registering --- */

static enum status register_apply(struct job *job, struct batch *batch) {
    struct register_job *j = (struct register_job *)job;
    TRY(guard_holds_new(batch->txn, &j->held));
    for (size_t i = 0; i < j->count; i++) {
        uint32_t known = 0;
        TRY(logs_count(batch->txn, &known));
        if (known >= CONFIG_LOGS_MAX) {
            j->results[i] = STATUS_FULL;
            continue;
        }
        j->results[i] = logs_register(batch->txn, &j->vkeys[i], LOG_EVENTS, &j->logs[i], NULL);
        if (j->results[i] == STATUS_BAD_LOG) {
            continue; /* known otherwise since the set was made: the next one says so */
        }
        TRY(j->results[i]);
        if (j->held) {
            TRY(guard_hold(batch->txn, j->logs[i].number));
        }
    }
    return STATUS_OK;
}

static void register_finish(struct job *job, enum status status) {
    job->status = status;
}

static void maybe_closed(struct recogniser *r) {
    if (!r->closing || r->busy) {
        return;
    }
    void (*closed)(void *) = r->closed;
    void *context = r->closed_context;
    r->node->recogniser = NULL;
    free(r->set);
    free(r->asked);
    free(r);
    closed(context);
}

static void registered(struct commit *commit, enum status batch_status) {
    struct recogniser *r = commit->context;
    struct node *node = r->node;
    r->busy = false;
    node_batch_result(node, batch_status);
    bool done = batch_status == STATUS_OK && r->job.job.status == STATUS_OK;
    for (size_t i = 0; done && i < r->job.count; i++) {
        if (r->job.results[i] == STATUS_OK) {
            node_add_log(node, &r->job.logs[i]);
            if (r->job.held && !r->closing) {
                regain_add(node->regain, r->job.logs[i].number);
            }
        } else if (r->job.results[i] == STATUS_FULL) {
            log_line(LOG_ERROR, "registry", "full",
                     "log=%s logs=%d do=\"a node holds no more logs: mirror some elsewhere\"",
                     r->job.vkeys[i].name, CONFIG_LOGS_MAX);
        }
    }
    r->seen = NEVER; /* they are known now, and want an address */
    maybe_closed(r);
}

static void submit(struct recogniser *r) {
    if (r->job.count == 0) {
        return;
    }
    r->job.job = (struct job){.apply = register_apply, .finish = register_finish};
    r->commit = (struct commit){.job = &r->job.job, .done = registered, .context = r};
    r->busy = node_commit(r->node, &r->commit) == STATUS_OK;
    if (!r->busy) {
        r->seen = NEVER; /* the committer's queue is full: at the next look */
    }
}

/* --- addresses --- */

/* As value_url of node.ini: what paths are appended to. */
static bool is_base(const char *url) {
    size_t len = strlen(url);
    return (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0) &&
           len <= CONFIG_TEXT_MAX && strchr(url, '?') == NULL && strchr(url, '#') == NULL;
}

/* From now on the log is as if node.ini named it: on `line`, if that gives its address. */
static void configure(struct recogniser *r, const struct log *log, unsigned line, const char *url,
                      const char *operator_name, uint64_t pull_ms) {
    struct node_config *config = &r->node->config;
    struct config_log *row = node_config_of(r->node, &log->vkey);
    size_t len = strlen(url);
    if (row != NULL && row->line > 0) {
        return; /* what the operator wrote stands */
    }
    if (row == NULL) {
        if (config->log_count == CONFIG_LOGS_MAX) {
            log_line(LOG_ERROR, "registry", "full", "log=%s logs=%d", log->vkey.name,
                     CONFIG_LOGS_MAX);
            return;
        }
        row = &config->logs[config->log_count++];
        *row = (struct config_log){
            .vkey = log->vkey, .line = line, .accept = ACCEPT_EVENTS, .pull_ms = pull_ms};
        log_line(LOG_INFO, "registry", "mirroring", "log=%s url=%s", log->vkey.name, url);
    }
    len -= len > 0 && url[len - 1] == '/';
    memcpy(row->url, url, len);
    row->url[len] = '\0';
    snprintf(row->operator_name, sizeof row->operator_name, "%s", operator_name);
    if (r->node->puller != NULL) {
        puller_add(r->node->puller, log);
    }
}

/* --- looking --- */

static void want(struct recogniser *r, const struct vkey *vkey) {
    if (r->job.count == REGISTER_MAX) {
        r->seen = NEVER; /* the rest at the next look */
        return;
    }
    r->job.vkeys[r->job.count++] = *vkey;
}

static void complain(struct complaint *c, const struct recognised *found) {
    if (c->logs++ == 0) {
        memcpy(c->first, found->vkey.name, sizeof c->first);
    }
}

static bool is_news(const struct complaint *c, struct complaint *told) {
    bool news = c->logs > 0 && (c->logs != told->logs || strcmp(c->first, told->first) != 0);
    *told = *c;
    return news;
}

static void tell(struct recogniser *r) {
    if (is_news(&r->other_key, &r->other_key_told)) {
        log_line(LOG_ERROR, "registry", "other-key",
                 "log=%s logs=%zu do=\"this node knows the log under another key than the "
                 "authority: use another data folder\"",
                 r->other_key.first, r->other_key.logs);
    }
    if (is_news(&r->no_address, &r->no_address_told)) {
        log_line(LOG_WARN, "registry", "no-address",
                 "log=%s logs=%zu why=\"not http:// or https:// of at most %d characters\"",
                 r->no_address.first, r->no_address.logs, CONFIG_TEXT_MAX);
    }
    if (r->set->full) {
        log_line(LOG_ERROR, "registry", "full",
                 "recognised=%zu do=\"more are recognised than a node looks at: which log "
                 "recognises so many?\"",
                 r->set->count);
    }
}

static enum status look_at(struct recogniser *r, struct store_txn *txn,
                           const struct recognised *found) {
    const struct recognition_way *way = &found->ways[RECOGNISED_AT_ALL];
    const struct config_authority *authority = &r->node->config.authorities[way->pin];
    const struct log *log = found->log != 0 ? node_log_by_number(r->node, found->log) : NULL;
    struct recognition row;
    if (way->by != 0) {
        TRY(recognition_get(txn, way->by, vkey_name(&found->vkey), UINT64_MAX, &row));
    }
    if (way->by == 0 || authority->pull_ms == 0 || !r->node->config.has_mirror ||
        (log != NULL && log->flags != LOG_EVENTS)) {
        return STATUS_OK; /* its own log, or none that it pulls */
    }
    if (found->other_key) {
        complain(&r->other_key, found);
        return STATUS_OK;
    }
    if (!is_base(row.address)) {
        complain(&r->no_address, found);
        return STATUS_OK;
    }
    if (log == NULL && !found->withdrawn) {
        want(r, &found->vkey);
    } else if (log != NULL) { /* also if withdrawn: what is held is mirrored on */
        configure(r, log, 0, row.address, row.operator_name, authority->pull_ms);
    }
    return STATUS_OK;
}

/* An authority's own log, found by its address. */
static void look_at_search(struct recogniser *r, const struct search *search) {
    for (size_t i = 0; i < r->node->log_count; i++) {
        const struct log *log = &r->node->logs[i];
        if (vkey_equal(&log->vkey, &search->vkey)) {
            if (log->flags == LOG_EVENTS) {
                configure(r, log, search->authority->line, search->authority->url,
                          search->operator_name, search->authority->pull_ms);
            }
            return;
        }
    }
    want(r, &search->vkey);
}

static enum status look_in(struct recogniser *r, struct store_txn *txn) {
    uint64_t count = 0;
    TRY(recognition_count(txn, &count));
    if (count == r->seen) {
        return STATUS_OK;
    }
    const struct recognition_view all = {.ori = NULL};
    TRY(recognition_find(txn, r->pins, r->node->config.authority_count, &all, r->set));
    r->seen = count;
    r->job.count = 0;
    r->other_key.logs = 0;
    r->no_address.logs = 0;
    for (size_t i = 0; i < r->node->config.authority_count; i++) {
        if (r->searches[i].found) {
            look_at_search(r, &r->searches[i]);
        }
    }
    for (size_t i = 0; i < r->set->count; i++) {
        TRY(look_at(r, txn, &r->set->list[i]));
    }
    tell(r);
    return STATUS_OK;
}

static enum status look(struct recogniser *r) {
    struct store_txn *txn = NULL;
    if (r->busy) {
        return STATUS_OK;
    }
    TRY(store_begin(r->node->store, STORE_READ, &txn));
    enum status status = look_in(r, txn);
    store_abort(txn);
    if (status != STATUS_OK) {
        r->seen = NEVER;
        return status;
    }
    submit(r);
    if (!r->busy) {
        r->job.count = 0; /* else the job is the committer's until it is done */
    }
    return STATUS_OK;
}

/* --- searching --- */

static void answered(void *context, const struct client_response *response) {
    struct search *search = context;
    struct refusal why;
    struct reader r;
    struct bytes entry;
    struct opened opened;
    search->call = NULL;
    reader_init(&r, response->body);
    enum status status = refuse(&why, STATUS_IO, "%s", response->error);
    if (response->http != 200) {
        refuse(&why, STATUS_IO, "HTTP %u %s", response->http, response->error);
    } else if (!bundle_next(&r, &entry)) {
        status = refuse(&why, STATUS_BAD_FORM, "no entry");
    } else {
        status = recognition_verify_opened(entry, &search->authority->pin, &opened, &why);
    }
    search->failed = status != STATUS_OK;
    if (search->failed) {
        log_line(LOG_WARN, "registry", "not-found", "authority=%s url=%s why=\"%s\"",
                 search->authority->pin.name, search->authority->url, why.text);
        return;
    }
    search->found = true;
    search->due_ms = NEVER;
    search->vkey = opened.log_vkey;
    memcpy(search->operator_name, opened.operator_name, sizeof search->operator_name);
    search->recogniser->seen = NEVER;
}

static void ask(struct search *search) {
    struct recogniser *r = search->recogniser;
    char url[CONFIG_TEXT_MAX + TILE_PATH_MAX + 2];
    char path[TILE_PATH_MAX];
    struct tile first = {.entries = true, .width = 1};
    struct writer w;
    writer_init(&w, path, sizeof path);
    tile_format_path(&w, &first);
    snprintf(url, sizeof url, "%s/%.*s", search->authority->url, (int)w.len, path);
    search->due_ms = clock_monotonic_ms() + ASK_AGAIN_MS;
    struct client_request request = {.method = "GET",
                                     .url = url,
                                     .timeout_ms = ASK_TIMEOUT_MS,
                                     .response_max = 2 + ENTRY_SIZE_MAX};
    if (client_send(r->node->client, &request, answered, search, &search->call) != STATUS_OK) {
        search->call = NULL;
    }
}

static void tick(void *context) {
    struct recogniser *r = context;
    uint64_t now = clock_monotonic_ms();
    for (size_t i = 0; i < r->node->config.authority_count; i++) {
        if (r->searches[i].call == NULL && r->searches[i].due_ms <= now) {
            ask(&r->searches[i]);
        }
    }
    if (look(r) != STATUS_OK) {
        log_line(LOG_WARN, "registry", "store-not-read", "do=\"it is tried again\"");
    }
}

/* --- opening and closing --- */

static void begin_search(struct recogniser *r, size_t i) {
    struct config_authority *authority = &r->node->config.authorities[i];
    bool wanted = authority->url[0] != '\0' && authority->pull_ms > 0 && r->node->config.has_mirror;
    r->pins[i] = authority->pin;
    r->searches[i] =
        (struct search){.recogniser = r, .authority = authority, .due_ms = wanted ? 0 : NEVER};
    if (!r->node->config.has_mirror && authority->pull_ms > 0) {
        log_line(LOG_INFO, "registry", "not-mirroring",
                 "authority=%s why=\"pulling ends in a cosignature, and there is no [mirror]\"",
                 authority->pin.name);
    }
}

enum status recogniser_open(struct node *node, struct recogniser **out) {
    *out = NULL;
    if (node->config.authority_count == 0) {
        return STATUS_OK;
    }
    struct recogniser *r = calloc(1, sizeof *r);
    if (r == NULL) {
        return STATUS_NOMEM;
    }
    r->node = node;
    r->seen = NEVER;
    r->set = calloc(1, sizeof *r->set);
    r->asked = calloc(1, sizeof *r->asked);
    r->asked_count = NEVER;
    *out = r;
    if (r->set == NULL || r->asked == NULL) {
        return STATUS_NOMEM;
    }
    for (size_t i = 0; i < node->config.authority_count; i++) {
        begin_search(r, i);
    }
    TRY(timer_open(node->loop, tick, r, &r->timer));
    TRY(look(r));
    timer_start(r->timer, 1, LOOK_MS);
    return STATUS_OK;
}

void recogniser_close(struct recogniser *r, void (*closed)(void *context), void *context) {
    r->closing = true;
    r->closed = closed;
    r->closed_context = context;
    timer_close(r->timer);
    for (size_t i = 0; i < CONFIG_AUTHORITIES_MAX; i++) {
        if (r->searches[i].call != NULL) {
            client_cancel(r->searches[i].call);
            r->searches[i].call = NULL;
        }
    }
    maybe_closed(r);
}
