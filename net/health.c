#include "net/health.h"

#include "ledger/store_lmdb.h"
#include "net/clocks.h"
#include "net/log.h"
#include "net/node.h"
#include "net/puller.h"
#include "net/recogniser.h"
#include "net/replicator.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WATCH_MS 5000

static const struct {
    enum health_state state;
    const char *code;
} rows[] = {
#define HEALTH_ROW(name, state, code) {HEALTH_##state, code},
    HEALTH_REASONS(HEALTH_ROW)
#undef HEALTH_ROW
};

void health_add(struct health *health, enum health_reason reason, const char *format, ...) {
    assert((unsigned)reason < HEALTH_REASON_COUNT);
    if (health->given[reason]) {
        return;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(health->why[reason], sizeof health->why[reason], format, args);
    va_end(args);
    health->given[reason] = true;
}

enum health_state health_state(const struct health *health) {
    enum health_state state = HEALTH_OK;
    for (unsigned i = 0; i < HEALTH_REASON_COUNT; i++) {
        if (health->given[i] && rows[i].state > state) {
            state = rows[i].state;
        }
    }
    return state;
}

const char *health_state_name(enum health_state state) {
    static const char *const names[] = {"ok", "degraded", "down"};
    return names[state];
}

const char *health_reason_code(enum health_reason reason) {
    assert((unsigned)reason < HEALTH_REASON_COUNT);
    return rows[reason].code;
}

enum health_state health_reason_state(enum health_reason reason) {
    assert((unsigned)reason < HEALTH_REASON_COUNT);
    return rows[reason].state;
}

void health_words(const struct health *health, char *out, size_t cap) {
    assert(cap > 0);
    size_t len = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < HEALTH_REASON_COUNT; i++) {
        if (!health->given[i]) {
            continue;
        }
        int n = snprintf(out + len, cap - len, "%s%s", len > 0 ? "; " : "", health->why[i]);
        if (n < 0 || (size_t)n >= cap - len) {
            out[len] = '\0';
            return;
        }
        len += (size_t)n;
    }
}

/* --- the parts --- */

/* Mirrors that the policy counts and that did not answer when last asked. One that is a round
 * behind is only slow. */
static void health_of_mirrors(const struct replica *replica, struct health *out) {
    size_t wanted = 0;
    size_t failing = 0;
    const char *first = NULL;
    for (size_t i = 0; i < replica->mirror_count; i++) {
        const struct replica_mirror *mirror = &replica->mirrors[i];
        if (!mirror->used || !mirror->wanted) {
            continue;
        }
        wanted++;
        if (mirror->failures > 0) {
            failing++;
            first = first != NULL ? first : mirror->vkey.name;
        }
    }
    if (failing > 0) {
        health_add(out, HEALTH_MIRRORS, "%zu of %zu mirrors do not answer, %s first: see /status",
                   failing, wanted, first);
    }
}

/* "40 days ahead", in the largest unit that says it well. */
static void say_offset(int64_t seconds, char *out, size_t cap) {
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{86400, "days"}, {3600, "hours"}, {60, "minutes"}};
    int64_t size = seconds < 0 ? -seconds : seconds;
    size_t u = 0;
    while (u < 2 && size < 2 * units[u].seconds) {
        u++;
    }
    snprintf(out, cap, "%lld %s %s", (long long)(size / units[u].seconds), units[u].name,
             seconds < 0 ? "behind" : "ahead");
}

/* The first mirror whose clock is wrong; or else the first whose clock is right and whose key once
 * signed a time ahead, below which it does not go. */
static void health_of_times(const struct replica *replica, struct health *out) {
    char offset[64];
    for (int by_clock = 1; by_clock >= 0; by_clock--) {
        for (size_t i = 0; i < replica->mirror_count; i++) {
            const struct replica_mirror *mirror = &replica->mirrors[i];
            bool off = by_clock != 0 ? replica_clock_off(mirror) : replica_signed_off(mirror);
            if (!mirror->used || !mirror->wanted || !off) {
                continue;
            }
            say_offset(by_clock != 0 ? mirror->offset_seconds : mirror->signed_offset_seconds,
                       offset, sizeof offset);
            health_add(out, HEALTH_MIRROR_CLOCK, "%.100s %s %s: see /status", mirror->vkey.name,
                       by_clock != 0 ? "has a clock that is" : "signs times that are", offset);
            return;
        }
    }
}

void health_guard_awaits(const struct replica *replica, char text[HEALTH_GUARD_MAX]) {
    assert(replica->guard != GUARD_NONE);
    struct writer w;
    memset(text, 0, HEALTH_GUARD_MAX);
    if (replica->guard == GUARD_ALL) {
        writer_init(&w, text, HEALTH_GUARD_MAX - 1);
        replica_guard_awaits(replica, &w);
    }
    if (text[0] == '\0') {
        snprintf(text, HEALTH_GUARD_MAX, "a quorum");
    }
}

void health_of_replica(const struct replica *replica, bool has_policy, uint64_t now_ms,
                       struct health *out) {
    uint64_t since = replica->candidate_since_ms;
    uint64_t waited = now_ms > since ? now_ms - since : 0;
    if (replica->state == REPLICA_HALTED) {
        health_add(out, HEALTH_HALTED, "the log is halted and signs nothing: %s",
                   replica->halted_why);
        return; /* what else is wrong does not matter any more */
    }
    if (replica->guard != GUARD_NONE) {
        char awaits[HEALTH_GUARD_MAX];
        health_guard_awaits(replica, awaits);
        health_add(out, HEALTH_GUARD,
                   "the last signed head has not been confirmed since the start by: %s", awaits);
    } else if (!replica_may_stamp(replica)) {
        health_add(out, HEALTH_CLOCK,
                   "this node's clock and its mirrors' differ by over five minutes");
    }
    if (!has_policy) {
        health_add(out, HEALTH_NO_POLICY, "the log has no policy: nothing is published");
    } else if (replica->published < replica->signed_size &&
               waited > 2 * replica->options.round_timeout_ms) {
        health_add(out, HEALTH_NO_QUORUM, "no quorum of mirrors for %llu s: see /status",
                   (unsigned long long)(waited / 1000));
    }
    health_of_mirrors(replica, out);
    health_of_times(replica, out);
}

void health_of_disk(uint64_t free_bytes, struct health *out) {
    unsigned long long mebibytes = free_bytes >> 20;
    if (free_bytes < HEALTH_DISK_FULL_BYTES) {
        health_add(out, HEALTH_DISK_FULL,
                   "%llu MiB are left for the data folder: nothing is written until there are 256",
                   mebibytes);
    } else if (free_bytes < HEALTH_DISK_LOW_BYTES) {
        health_add(out, HEALTH_DISK_LOW,
                   "%llu MiB are left for the data folder: make room before there are 256",
                   mebibytes);
    }
}

void health_of_tls(const struct tls_state *state, uint64_t now_ms, struct health *out) {
    int64_t left = state->expires - (int64_t)(now_ms / 1000);
    if (left <= 0) {
        health_add(out, HEALTH_CERTIFICATE_EXPIRED,
                   "the TLS certificate has run out, and peers refuse it: renew it");
    } else if (state->stale) {
        health_add(out, HEALTH_CERTIFICATE, "the new TLS certificate cannot be used: %s",
                   state->why.text);
    } else if (left < HEALTH_CERTIFICATE_SECONDS) {
        health_add(out, HEALTH_CERTIFICATE, "the TLS certificate runs out in %llu hours: renew it",
                   (unsigned long long)left / 3600);
    }
}

void health_of_clocks(size_t alike, size_t apart, struct health *out) {
    if (apart > alike) { /* the peers of one log may all be wrong, or lie */
        health_add(out, HEALTH_CLOCK,
                   "this node's clock and those of %zu of %zu mirrored logs' nodes differ by over "
                   "five minutes: it cosigns none that does not bear it out",
                   apart, apart + alike);
    }
}

/* --- the whole --- */

void health_of_pulls(const struct puller_stats *stats, const char *lost, struct health *out) {
    const struct pulls *named = &stats->named;
    const struct pulls *recognised = &stats->recognised;
    bool many = recognised->failing * HEALTH_PULLS_SHARE > recognised->pulled;
    if (lost != NULL) {
        health_add(out, HEALTH_PULLS, "the log of authority %s is not found at its address", lost);
    } else if (named->failing > 0) {
        health_add(out, HEALTH_PULLS, "%zu of %zu pulled logs cannot be fetched, %s first",
                   named->failing, named->pulled, named->first);
    } else if (many) {
        health_add(out, HEALTH_PULLS, "%zu of %zu recognised logs cannot be fetched, %s first",
                   recognised->failing, recognised->pulled, recognised->first);
    }
}

void health_of_node(struct node *node, struct health *out) {
    uint64_t used = 0;
    uint64_t free_bytes = 0;
    memset(out, 0, sizeof *out);
    if (node->failed_why[0] != '\0' || node->stopping) {
        health_add(out, HEALTH_STOPPING, "this node is stopping%s%s",
                   node->failed_why[0] != '\0' ? ": " : "", node->failed_why);
    }
    if (store_lmdb_used(node->store, &used, &free_bytes) != STATUS_OK) {
        health_add(out, HEALTH_DISK_SILENT, "the data folder's disk does not answer");
    } else {
        health_of_disk(free_bytes, out);
    }
    if (node->replicator != NULL) {
        health_of_replica(replicator_state(node->replicator),
                          replicator_has_policy(node->replicator), clock_wall_ms(), out);
    }
    if (node->clocks != NULL && node->cosigner.mirror != NULL) {
        size_t alike = 0;
        size_t apart = 0;
        clocks_count(node->clocks, &alike, &apart);
        health_of_clocks(alike, apart, out);
    }
    if (node->tls != NULL) {
        health_of_tls(tls_state(node->tls), clock_wall_ms(), out);
    }
    if (node->puller != NULL) {
        struct puller_stats stats = puller_stats(node->puller);
        health_of_pulls(&stats, node->recogniser != NULL ? recogniser_lost(node->recogniser) : NULL,
                        out);
    }
}

/* --- watching --- */

struct health_watch {
    struct node *node;
    struct timer *timer;
    bool told;                       /* once at least: a start is told */
    bool given[HEALTH_REASON_COUNT]; /* as last told */
};

static void look(void *context) {
    struct health_watch *watch = context;
    struct health health;
    char words[LOG_LINE_MAX];
    health_of_node(watch->node, &health);
    if (watch->told && memcmp(watch->given, health.given, sizeof watch->given) == 0) {
        return;
    }
    watch->told = true;
    memcpy(watch->given, health.given, sizeof watch->given);
    enum health_state state = health_state(&health);
    health_words(&health, words, sizeof words);
    log_line(state == HEALTH_OK         ? LOG_INFO
             : state == HEALTH_DEGRADED ? LOG_WARN
                                        : LOG_ERROR,
             "health", "state", "state=%s why=\"%s\"", health_state_name(state), words);
}

enum status health_watch_open(struct node *node, struct health_watch **out) {
    struct health_watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL) {
        return STATUS_NOMEM;
    }
    watch->node = node;
    enum status status = timer_open(node->loop, look, watch, &watch->timer);
    if (status != STATUS_OK) {
        free(watch);
        return status;
    }
    timer_start(watch->timer, WATCH_MS, WATCH_MS);
    *out = watch;
    return STATUS_OK;
}

void health_watch_close(struct health_watch *watch) {
    if (watch != NULL) {
        timer_close(watch->timer);
        free(watch); /* the timer is the loop's and does not fire any more */
    }
}
