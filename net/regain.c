#include "net/regain.h"

#include "crypto/encoding.h"
#include "ledger/accept.h"
#include "ledger/accused.h"
#include "ledger/guard.h"
#include "ledger/regain.h"
#include "ledger/rules.h"
#include "net/log.h"
#include "net/puller.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS 8 /* logs asked about at a time */
#define SOURCES_MAX (1 + 2 * POLICY_WITNESSES_MAX)
#define URL_SIZE (POLICY_URL_MAX + HEX_LEN(HASH_SIZE) + 32)
#define ASK_TIMEOUT_MS 10000
#define AGAIN_MIN_MS 1000
#define AGAIN_MAX_MS 60000
#define TICK_MS 250

enum held_state {
    HELD_NOT,
    HELD_WAITING, /* until due_ms */
    HELD_ASKING,  /* in a slot */
};

struct held {
    enum held_state state;
    uint64_t due_ms; /* monotonic */
    uint64_t again_ms;
};

struct slot {
    struct regain *regain;
    const struct log *log; /* NULL: free */
    char urls[SOURCES_MAX][URL_SIZE];
    size_t count;
    size_t at;
    size_t unheard;
    struct client_call *call;
    struct regain_found found;
    struct regain_job job;
    struct commit commit;
    bool committing;
};

struct regain {
    struct node *node;
    struct held *held; /* by log number - 1 */
    size_t left;
    struct slot slots[SLOTS];
    struct timer *timer;
    bool closing;
    void (*closed)(void *context);
    void *closed_context;
};

static void ask(struct slot *slot);

static void maybe_closed(struct regain *r) {
    for (size_t i = 0; i < SLOTS; i++) {
        if (r->slots[i].committing) {
            return;
        }
    }
    void (*closed)(void *) = r->closed;
    void *context = r->closed_context;
    r->node->regain = NULL;
    free(r->held);
    free(r);
    closed(context);
}

/* --- whom to ask --- */

static void add_source(struct slot *slot, const char *url, const char *path, const char *rest) {
    if (url[0] == '\0' || slot->count == SOURCES_MAX) {
        return;
    }
    int n = snprintf(slot->urls[slot->count], URL_SIZE, "%s%s%s", url, path, rest);
    assert(n > 0 && n < URL_SIZE);
    slot->count++;
}

static bool is_exempt(const struct node *node, const char *name) {
    for (size_t i = 0; i < node->config.exempt_count; i++) {
        if (strcmp(node->config.exempt[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* The other mirrors of the policy, as this node has judged the log: the newest that it knows. */
static enum status add_mirrors(struct slot *slot, struct store_txn *txn) {
    const struct node *node = slot->regain->node;
    struct event event;
    static struct policy policy; /* of the loop alone */
    struct signed_checkpoint mirrored = {.size = 0};
    uint64_t judged = 0;
    uint64_t index = 0;
    if ((slot->log->flags & LOG_EVENTS) == 0) {
        return STATUS_OK; /* its policy is in no entry */
    }
    TRY(judge_size(txn, slot->log->number, &judged));
    enum status status = mirror_checkpoint(txn, slot->log->number, &mirrored);
    if (status == STATUS_OK && judged < mirrored.size &&
        rules_check(txn, slot->log, NULL) != STATUS_UNJUDGED) {
        return STATUS_BUSY; /* what is stored may name mirrors that are not known yet */
    }
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    status = accused_policy(txn, slot->log, judged, &index, &event, &policy);
    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK;
    }
    TRY(status);
    char hex[HEX_LEN(HASH_SIZE) + 1];
    hex[hex_encode(hex, slot->log->id.bytes, HASH_SIZE)] = '\0';
    if (slot->count == 0 && policy.log_count == 1 && !is_exempt(node, slot->log->vkey.name)) {
        add_source(slot, policy.logs[0].url, "/checkpoint", "");
    }
    for (size_t i = 0; i < policy.witness_count; i++) {
        const struct policy_witness *witness = &policy.witnesses[i];
        bool own = vkey_equal(&witness->vkey, &node->mirror_signer.vkey) ||
                   vkey_equal(&witness->vkey, &node->witness_signer.vkey);
        if (!witness->in_quorum || own || is_exempt(node, witness->vkey.name)) {
            continue;
        }
        char path[HEX_LEN(HASH_SIZE) + 16];
        snprintf(path, sizeof path, "/%s", hex);
        add_source(slot, witness->url, path, "/checkpoint");
        snprintf(path, sizeof path, "/witness/%s", hex);
        add_source(slot, witness->url, path, "/checkpoint");
    }
    event_release(&event);
    return STATUS_OK;
}

static enum status find_sources(struct slot *slot) {
    const struct node *node = slot->regain->node;
    struct store_txn *txn = NULL;
    slot->count = 0;
    for (size_t i = 0; i < node->config.log_count; i++) {
        const struct config_log *config = &node->config.logs[i];
        if (vkey_equal(&config->vkey, &slot->log->vkey) && !is_exempt(node, config->vkey.name)) {
            add_source(slot, config->url, "/checkpoint", "");
        }
    }
    TRY(store_begin(node->store, STORE_READ, &txn));
    enum status status = add_mirrors(slot, txn);
    store_abort(txn);
    return status;
}

/* --- one log --- */

static struct held *held_of(const struct slot *slot) {
    return &slot->regain->held[slot->log->number - 1];
}

static void slot_over(struct slot *slot, bool again) {
    struct held *held = held_of(slot);
    if (again) {
        held->again_ms = held->again_ms == 0 ? AGAIN_MIN_MS : 2 * held->again_ms;
        if (held->again_ms > AGAIN_MAX_MS) {
            held->again_ms = AGAIN_MAX_MS;
        }
        held->state = HELD_WAITING;
        held->due_ms = clock_monotonic_ms() + held->again_ms;
    } else {
        held->state = HELD_NOT;
        slot->regain->left--;
    }
    slot->log = NULL;
}

static void committed(struct commit *commit, enum status batch_status) {
    struct slot *slot = commit->context;
    struct regain *r = slot->regain;
    slot->committing = false;
    node_batch_result(r->node, batch_status);
    if (r->closing) {
        maybe_closed(r);
        return;
    }
    enum status status = batch_status != STATUS_OK ? batch_status : slot->job.job.status;
    if (status == STATUS_CONFLICT_ROOT) {
        log_line(LOG_ERROR, "guard", "conflict",
                 "log=%s size=%" PRIu64 " why=\"what this folder holds is not what the log shows: "
                 "the log is forked\" do=\"GET /evidence, and pass it on\"",
                 slot->log->vkey.name, slot->found.size);
    }
    bool behind = status == STATUS_OK && slot->job.behind;
    if (behind || status == STATUS_CONFLICT_ROOT) {
        log_line(LOG_INFO, "guard", "regains", "log=%s size=%" PRIu64, slot->log->vkey.name,
                 slot->found.size);
        puller_reconcile(r->node->puller, slot->log->number,
                         bytes_of(slot->found.note, slot->found.note_len));
    } else if (status == STATUS_OK) {
        log_line(LOG_INFO, "guard", "cosigns-again", "log=%s size=%" PRIu64, slot->log->vkey.name,
                 slot->found.any ? slot->found.size : 0);
    }
    slot_over(slot, status != STATUS_OK || behind);
}

static void all_asked(struct slot *slot) {
    struct regain *r = slot->regain;
    if (slot->count == 0 && !is_exempt(r->node, slot->log->vkey.name)) {
        log_line(LOG_ERROR, "guard", "nobody-to-ask",
                 "log=%s do=\"give its url in node.ini: it is asked what this node cosigned\"",
                 slot->log->vkey.name);
        slot->unheard++;
    }
    if (slot->unheard > 0) {
        slot_over(slot, true);
        return;
    }
    memset(&slot->job, 0, sizeof slot->job);
    slot->job.log = slot->log;
    slot->job.cosigner = &r->node->cosigner;
    slot->job.found = &slot->found;
    regain_job_init(&slot->job);
    slot->commit = (struct commit){.job = &slot->job.job, .done = committed, .context = slot};
    if (node_commit(r->node, &slot->commit) != STATUS_OK) {
        slot_over(slot, true);
        return;
    }
    slot->committing = true;
}

static void answered(void *context, const struct client_response *response) {
    struct slot *slot = context;
    struct regain *r = slot->regain;
    slot->call = NULL;
    if (!regain_take(&slot->found, slot->log, &r->node->cosigner, response->http, response->body)) {
        log_line(LOG_WARN, "guard", "not-heard",
                 "log=%s url=%s http=%u do=\"if it is gone for good, exempt its key in node.ini\"",
                 slot->log->vkey.name, slot->urls[slot->at], response->http);
        slot->unheard++;
    }
    slot->at++;
    ask(slot);
}

static void ask(struct slot *slot) {
    if (slot->at == slot->count) {
        all_asked(slot);
        return;
    }
    struct client_request request = {.method = "GET",
                                     .url = slot->urls[slot->at],
                                     .timeout_ms = ASK_TIMEOUT_MS,
                                     .response_max = CHECKPOINT_SIZE_MAX};
    if (client_send(slot->regain->node->client, &request, answered, slot, &slot->call) !=
        STATUS_OK) {
        slot->call = NULL;
        slot_over(slot, true);
    }
}

static void begin(struct slot *slot, const struct log *log) {
    slot->log = log;
    slot->at = 0;
    slot->unheard = 0;
    memset(&slot->found, 0, sizeof slot->found);
    held_of(slot)->state = HELD_ASKING;
    if (find_sources(slot) != STATUS_OK) {
        slot_over(slot, true);
        return;
    }
    ask(slot);
}

/* --- all logs --- */

static void tick(void *context) {
    struct regain *r = context;
    uint64_t now = clock_monotonic_ms();
    size_t slot = 0;
    for (size_t i = 0; i < r->node->log_count; i++) {
        if (r->held[i].state != HELD_WAITING || r->held[i].due_ms > now) {
            continue;
        }
        while (slot < SLOTS && r->slots[slot].log != NULL) {
            slot++;
        }
        if (slot == SLOTS) {
            break;
        }
        begin(&r->slots[slot], &r->node->logs[i]);
    }
    if (r->left > 0) {
        timer_start(r->timer, TICK_MS, 0);
    }
}

/* Held, or with a floor that is not stored yet: the process may have ended while it was pulled. */
static enum status find_held(struct regain *r, struct store_txn *txn) {
    for (size_t i = 0; i < r->node->log_count; i++) {
        struct guard_floor floor;
        TRY(guard_floor(txn, r->node->logs[i].number, &floor));
        if (floor.guarded) {
            r->held[i].state = HELD_WAITING;
            r->left++;
        }
    }
    return STATUS_OK;
}

enum status regain_open(struct node *node, struct regain **out) {
    struct regain *r = calloc(1, sizeof *r);
    struct held *held = calloc(node->log_room, sizeof *held);
    struct store_txn *txn = NULL;
    if (r == NULL || held == NULL) {
        free(held);
        free(r);
        return STATUS_NOMEM;
    }
    r->node = node;
    r->held = held;
    for (size_t i = 0; i < SLOTS; i++) {
        r->slots[i].regain = r;
    }
    *out = r;
    TRY(timer_open(node->loop, tick, r, &r->timer));
    TRY(store_begin(node->store, STORE_READ, &txn));
    enum status status = find_held(r, txn);
    store_abort(txn);
    if (r->left > 0) {
        timer_start(r->timer, 1, 0);
    }
    return status;
}

void regain_add(struct regain *r, uint32_t log) {
    if (r->closing || r->held[log - 1].state != HELD_NOT) {
        return;
    }
    r->held[log - 1].state = HELD_WAITING;
    if (r->left++ == 0) {
        timer_start(r->timer, 1, 0);
    }
}

void regain_close(struct regain *r, void (*closed)(void *context), void *context) {
    r->closing = true;
    r->closed = closed;
    r->closed_context = context;
    timer_close(r->timer);
    for (size_t i = 0; i < SLOTS; i++) {
        if (r->slots[i].call != NULL) {
            client_cancel(r->slots[i].call);
            r->slots[i].call = NULL;
        }
    }
    maybe_closed(r);
}
