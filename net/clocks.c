#include "net/clocks.h"

#include "ledger/accept.h"
#include "ledger/accused.h"
#include "net/log.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLOCKS_MAX 1024 /* of all logs */
#define PEERS_PER_LOG 8
#define CALLS_MAX 8
#define ASK_TIMEOUT_MS 5000
#define ANSWER_MAX (64 * 1024)
#define TICK_MS 1000
#define FIRST_TICK_MS 20
#define LOGS_PER_TICK 64
#define AGAIN_PER_TICK 16
#define ROUND_MS 60000
#define STALE_MS (10 * ROUND_MS) /* an answer that is older says nothing */
#define MOVED_MS 5000            /* a wall clock that moved so far is asked about at once */

struct peer {
    struct clocks *clocks;
    char url[POLICY_URL_MAX + 1]; /* "": a free place */
    uint64_t round;               /* in which a log last named it */
    struct client_call *call;
    uint64_t asked_ms; /* monotonic, as the next two; 0: never */
    bool settled;      /* it answered, or could not be reached, since it was named first */
    uint64_t heard_ms; /* 0: never */
    int64_t least_ms;  /* its clock minus our monotonic one is from here */
    int64_t most_ms;   /* to here */
};

struct peers_of_log {
    bool looked; /* its peers are known, as far as they are named */
    size_t count;
    uint16_t peers[PEERS_PER_LOG];
};

struct clocks {
    struct node *node;
    struct timer *timer;
    uint64_t round;
    uint64_t round_ms; /* monotonic: when it began */
    int64_t shift_ms;  /* wall minus monotonic, then */
    size_t log_at;     /* the next log to look at in this round */
    size_t again_at;   /* the next one to see whether it has peers by now */
    size_t calls;
    struct peers_of_log *logs; /* by number - 1 */
    struct peer peers[CLOCKS_MAX];
};

static int64_t shift_now(void) {
    return (int64_t)clock_wall_ms() - (int64_t)clock_monotonic_ms();
}

/* --- asking --- */

static void ask_more(struct clocks *c);

static void answered(void *context, const struct client_response *response) {
    struct peer *peer = context;
    uint64_t now = clock_monotonic_ms();
    peer->call = NULL;
    peer->settled = true;
    peer->clocks->calls--;
    if (response->http != 0 && response->date_s != 0 && response->date_s <= COSIGN_TIME_MAX) {
        int64_t date_ms = (int64_t)(response->date_s * 1000);
        peer->heard_ms = now;
        peer->least_ms = date_ms - (int64_t)now;
        peer->most_ms = date_ms + 999 - (int64_t)peer->asked_ms;
    }
    ask_more(peer->clocks);
}

static void ask(struct clocks *c, struct peer *peer) {
    char url[POLICY_URL_MAX + 16];
    size_t len = strlen(peer->url);
    while (len > 0 && peer->url[len - 1] == '/') {
        len--;
    }
    snprintf(url, sizeof url, "%.*s/healthz", (int)len, peer->url);
    struct client_request request = {
        .method = "GET", .url = url, .timeout_ms = ASK_TIMEOUT_MS, .response_max = ANSWER_MAX};
    peer->asked_ms = clock_monotonic_ms();
    if (client_send(c->node->client, &request, answered, peer, &peer->call) == STATUS_OK) {
        c->calls++;
    } else {
        peer->call = NULL;
        peer->settled = true; /* no address that can be asked, or too much is asked already */
    }
}

/* Those that are named and were not asked in this round, some at a time. */
static void ask_more(struct clocks *c) {
    for (size_t i = 0; i < CLOCKS_MAX && c->calls < CALLS_MAX; i++) {
        struct peer *peer = &c->peers[i];
        if (peer->url[0] != '\0' && peer->call == NULL && peer->round == c->round &&
            (peer->asked_ms == 0 || peer->asked_ms < c->round_ms)) {
            ask(c, peer);
        }
    }
}

/* --- whom --- */

/* A place that nobody named in this round and the one before is free. */
static struct peer *place_of(struct clocks *c, const char *url) {
    struct peer *unused = NULL;
    for (size_t i = 0; i < CLOCKS_MAX; i++) {
        struct peer *peer = &c->peers[i];
        if (strcmp(peer->url, url) == 0) {
            return peer;
        }
        if (unused == NULL && peer->call == NULL &&
            (peer->url[0] == '\0' || peer->round + 1 < c->round)) {
            unused = peer;
        }
    }
    if (unused != NULL) {
        *unused = (struct peer){.clocks = c};
        memcpy(unused->url, url, strlen(url) + 1);
    }
    return unused;
}

static void add_peer(struct clocks *c, struct peers_of_log *of, const char *url) {
    if (url[0] == '\0' || strlen(url) > POLICY_URL_MAX || of->count == PEERS_PER_LOG) {
        return;
    }
    struct peer *peer = place_of(c, url);
    if (peer == NULL) {
        return;
    }
    peer->round = c->round;
    uint16_t at = (uint16_t)(peer - c->peers);
    for (size_t i = 0; i < of->count; i++) {
        if (of->peers[i] == at) {
            return;
        }
    }
    of->peers[of->count++] = at;
}

static enum status add_by_policy(struct clocks *c, struct store_txn *txn, const struct log *log,
                                 struct peers_of_log *of) {
    static struct policy policy; /* of the loop alone */
    const struct node *node = c->node;
    struct event event;
    uint64_t judged = 0;
    uint64_t index = 0;
    TRY(judge_size(txn, log->number, &judged));
    TRY(accused_policy(txn, log, judged, &index, &event, &policy));
    if (of->count == 0 && policy.log_count == 1) {
        add_peer(c, of, policy.logs[0].url);
    }
    for (size_t i = 0; i < policy.witness_count; i++) {
        const struct policy_witness *witness = &policy.witnesses[i];
        if (!vkey_equal(&witness->vkey, &node->mirror_signer.vkey) &&
            !vkey_equal(&witness->vkey, &node->witness_signer.vkey)) {
            add_peer(c, of, witness->url);
        }
    }
    event_release(&event);
    return STATUS_OK;
}

static void look_at_log(struct clocks *c, struct store_txn *txn, const struct log *log) {
    struct peers_of_log of = {.looked = true};
    if ((log->flags & LOG_OWN) == 0) {
        const struct config_log *config = node_config_of(c->node, &log->vkey);
        if (config != NULL) {
            add_peer(c, &of, config->url);
        }
        if ((log->flags & LOG_EVENTS) != 0) {
            (void)add_by_policy(c, txn, log, &of); /* without one there is the log's own address */
        }
    }
    c->logs[log->number - 1] = of;
}

static void look_at_logs(struct clocks *c) {
    struct store_txn *txn = NULL;
    if (store_begin(c->node->store, STORE_READ, &txn) != STATUS_OK) {
        return;
    }
    for (size_t i = 0; i < LOGS_PER_TICK && c->log_at < c->node->log_count; i++) {
        look_at_log(c, txn, &c->node->logs[c->log_at++]);
    }
    store_abort(txn);
}

/* A log whose policy has been judged since the round began has peers now. */
static void look_again(struct clocks *c) {
    struct store_txn *txn = NULL;
    if (c->node->log_count == 0 || store_begin(c->node->store, STORE_READ, &txn) != STATUS_OK) {
        return;
    }
    for (size_t i = 0; i < AGAIN_PER_TICK && i < c->node->log_count; i++) {
        c->again_at = (c->again_at + 1) % c->node->log_count;
        if (c->logs[c->again_at].looked && c->logs[c->again_at].count == 0) {
            look_at_log(c, txn, &c->node->logs[c->again_at]);
        }
    }
    store_abort(txn);
}

static void begin_round(struct clocks *c) {
    c->round++;
    c->round_ms = clock_monotonic_ms();
    c->shift_ms = shift_now();
    c->log_at = 0;
}

static void tick(void *context) {
    struct clocks *c = context;
    int64_t moved = shift_now() - c->shift_ms;
    if (c->log_at == c->node->log_count &&
        (clock_monotonic_ms() >= c->round_ms + ROUND_MS || moved > MOVED_MS || moved < -MOVED_MS)) {
        begin_round(c);
    }
    look_at_logs(c);
    look_again(c);
    ask_more(c);
    timer_start(c->timer, c->log_at < c->node->log_count ? FIRST_TICK_MS : TICK_MS, 0);
}

/* --- what they say --- */

/* Of the offsets that the answer leaves possible the one nearest to none. */
static int64_t offset_seconds(const struct peer *peer, int64_t shift_ms) {
    int64_t least = peer->least_ms - shift_ms;
    int64_t most = peer->most_ms - shift_ms;
    return (least > 0 ? least : most < 0 ? most : 0) / 1000;
}

enum peers_say clocks_say(const struct clocks *c, const struct log *log) {
    const struct peers_of_log *of = &c->logs[log->number - 1];
    uint64_t now = clock_monotonic_ms();
    int64_t shift = shift_now();
    int64_t offsets[PEERS_PER_LOG];
    size_t heard = 0;
    size_t awaited = 0;
    if (!of->looked) {
        return PEERS_AWAITED;
    }
    for (size_t i = 0; i < of->count; i++) {
        const struct peer *peer = &c->peers[of->peers[i]];
        if (peer->heard_ms != 0 && peer->heard_ms + STALE_MS > now) {
            offsets[heard++] = offset_seconds(peer, shift);
        } else if (!peer->settled) {
            awaited++;
        }
    }
    return mirror_peers_say(offsets, heard, awaited);
}

enum peers_say clocks_say_of(const struct clocks *c, struct bytes origin) {
    for (size_t i = 0; i < c->node->log_count; i++) {
        if (bytes_equal(vkey_name(&c->node->logs[i].vkey), origin)) {
            return clocks_say(c, &c->node->logs[i]);
        }
    }
    return PEERS_UNHEARD;
}

void clocks_count(const struct clocks *c, size_t *alike, size_t *apart) {
    *alike = *apart = 0;
    for (size_t i = 0; i < c->node->log_count; i++) {
        enum peers_say say = clocks_say(c, &c->node->logs[i]);
        *alike += say == PEERS_ALIKE ? 1 : 0;
        *apart += say == PEERS_APART ? 1 : 0;
    }
}

/* --- opening and closing --- */

enum status clocks_open(struct node *node, struct clocks **out) {
    struct clocks *c = calloc(1, sizeof *c);
    if (c == NULL) {
        return STATUS_NOMEM;
    }
    c->node = node;
    c->logs = calloc(node->log_room, sizeof *c->logs);
    *out = c;
    if (c->logs == NULL) {
        return STATUS_NOMEM;
    }
    for (size_t i = node->log_count; i < node->log_room; i++) {
        c->logs[i].looked = true; /* what is found later has nobody to be asked yet */
    }
    TRY(timer_open(node->loop, tick, c, &c->timer));
    begin_round(c);
    timer_start(c->timer, 1, 0);
    return STATUS_OK;
}

void clocks_close(struct clocks *c) {
    if (c == NULL) {
        return;
    }
    timer_close(c->timer);
    for (size_t i = 0; i < CLOCKS_MAX; i++) {
        if (c->peers[i].call != NULL) {
            client_cancel(c->peers[i].call);
        }
    }
    free(c->logs);
    free(c);
}
