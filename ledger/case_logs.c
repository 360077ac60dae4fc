/* Which logs a case is gathered from, how far, and what they count for. Numbers of logs are this
 * folder's own, so that nothing may hang on them. */
#include "ledger/case_parts.h"
#include "ledger/sequencer.h"
#include "ledger/tree.h"

#include <assert.h>
#include <string.h>

/* --- sizes --- */

/* The size of the latest quorum checkpoint kept of a log, as far as it is judged; 0: none. */
static enum status confirmed_size(struct store_txn *txn, const struct log *log, uint64_t *size) {
    struct published last = {.size = 0};
    uint64_t judged = UINT64_MAX;
    if ((log->flags & LOG_OWN) == 0) {
        TRY(judge_size(txn, log->number, &judged));
    }
    enum status status = sequencer_published_at_most(txn, log->number, judged, &last);
    *size = last.size;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* What is looked at of a log; 0: it is not named. */
static enum status named_size(struct gather *g, const struct log *log, uint64_t *size) {
    *size = 0;
    if (g->ask->named_count == 0) {
        return (log->flags & LOG_EVENTS) != 0 ? confirmed_size(g->txn, log, size) : STATUS_OK;
    }
    for (size_t i = 0; i < g->ask->named_count; i++) {
        if (hash_equal(&g->ask->named[i].id, &log->id)) {
            *size = g->ask->named[i].size;
        }
    }
    return STATUS_OK;
}

enum status case_check_named(struct gather *g) {
    for (size_t i = 0; i < g->ask->named_count; i++) {
        const struct case_pin *named = &g->ask->named[i];
        struct log log;
        uint64_t size = 0;
        enum status status = logs_find_id(g->txn, &named->id, &log);
        if (status == STATUS_UNKNOWN_LOG ||
            (status == STATUS_OK && (log.flags & LOG_EVENTS) == 0)) {
            return refuse(g->why, STATUS_UNKNOWN_LOG,
                          "at: this node holds no log of events under one of these: GET /logs "
                          "lists what it holds");
        }
        TRY(status);
        TRY(confirmed_size(g->txn, &log, &size));
        if (named->size > size) {
            return refuse(g->why, STATUS_CONFLICT_SIZE,
                          "at: of %.60s this node can show %llu entries, and not %llu yet",
                          log.vkey.name, (unsigned long long)size, (unsigned long long)named->size);
        }
    }
    return STATUS_OK;
}

/* --- what a log counts for --- */

/* A log that cannot be read is found so again when its events are. */
static uint64_t size_of(void *context, uint32_t number) {
    struct gather *g = context;
    struct log log;
    uint64_t size = 0;
    if (logs_get(g->txn, number, &log) != STATUS_OK || named_size(g, &log, &size) != STATUS_OK) {
        return 0;
    }
    return size;
}

static enum status find_recognised(struct gather *g, size_t ori) {
    struct recognition_view view = {
        .ori = (const char *)g->view->oris[ori], .size_of = size_of, .context = g};
    return recognition_find(g->txn, g->ask->authorities, g->ask->authority_count, &view,
                            &g->memory->recognised);
}

enum status case_find_recognised(struct gather *g) {
    assert(g->ask->authority_count <= CASE_PINS_MAX);
    g->view->pin_count = g->ask->authority_count;
    for (size_t i = 0; i < g->ask->authority_count; i++) {
        g->view->pins[i] = g->ask->authorities[i];
    }
    return find_recognised(g, 0);
}

/* Where agencies were merged, the log counts as far as it does for one of them. */
static enum status find_scope(struct gather *g, struct case_log *log) {
    for (size_t ori = 0; ori < g->view->ori_count; ori++) {
        struct recognition_scope scope;
        if (g->memory->recognised.view.ori != (const char *)g->view->oris[ori]) {
            TRY(find_recognised(g, ori));
        }
        TRY(recognition_scope_of(g->txn, &g->memory->recognised, &log->stored, &scope));
        if (ori == 0 || (scope.counts && !log->scope.counts)) {
            log->scope = scope;
        } else if (scope.counts) {
            log->scope.roles |= scope.roles;
        }
    }
    return STATUS_OK;
}

enum house_group case_group_of(const struct case_log *log, enum house_group group) {
    static const uint32_t roles[GROUPS] = {
        [GROUP_COURT] = ROLE_COURT, [GROUP_POST] = ROLE_POST, [GROUP_OVERSIGHT] = ROLE_OVERSIGHT};
    if (!log->scope.pinned) {
        return group;
    }
    bool counts = log->scope.counts && (roles[group] & ~log->scope.roles) == 0;
    return counts ? group : GROUPS;
}

/* --- the view's logs --- */

enum status case_find_log(struct gather *g, uint32_t number, size_t *out) {
    struct case_view *view = g->view;
    struct log log;
    uint64_t size = 0;
    for (size_t i = 0; i < view->log_count; i++) {
        if (view->logs[i].stored.number == number) {
            *out = i;
            return STATUS_OK;
        }
    }
    TRY(logs_get(g->txn, number, &log));
    TRY(named_size(g, &log, &size));
    *out = NOT_NAMED;
    if (size == 0) {
        return STATUS_OK;
    }
    struct case_log *fresh = case_log_named(view, vkey_name(&log.vkey));
    if (fresh == NULL) {
        return refuse(g->why, STATUS_TOO_LARGE, "the case hangs on more than %d logs",
                      CASE_LOGS_MAX);
    }
    fresh->stored = log;
    fresh->size = size;
    TRY(find_scope(g, fresh));
    *out = (size_t)(fresh - view->logs);
    return tree_root_at(g->txn, number, size, &fresh->root);
}

/* --- which of too many --- */

struct choice {
    uint32_t number;
    enum house_group group; /* the highest that has an event */
    struct case_log log;
};

/* By group, then by origin. */
static bool choice_before(const struct choice *a, const struct choice *b) {
    return a->group != b->group ? a->group < b->group : strcmp(a->log.origin, b->log.origin) < 0;
}

/* The highest group in which the log has an event, and that counts; `at` goes on to the next log.
 * A log that is not named has none. */
static enum status weigh_log(struct gather *g, struct case_place *at, struct choice *out,
                             bool *named) {
    uint32_t number = at->log;
    struct case_place next = *at;
    out->number = number;
    out->group = GROUPS;
    memset(&out->log, 0, sizeof out->log);
    TRY(logs_get(g->txn, number, &out->log.stored));
    TRY(named_size(g, &out->log.stored, &out->log.size));
    *named = out->log.size > 0;
    memcpy(out->log.origin, out->log.stored.vkey.name, sizeof out->log.origin);
    if (*named) {
        TRY(find_scope(g, &out->log));
    }
    while (*named && next.log == number) {
        enum house_group group = case_group_of(&out->log, next.group);
        out->group = group < out->group ? group : out->group;
        if (!case_place_after_group(&next)) {
            break;
        }
        enum status status = case_index_seek(g->txn, &next, &next);
        if (status == STATUS_NOT_FOUND) {
            break;
        }
        TRY(status);
    }
    return STATUS_OK;
}

/* Into its place among the first; the last of too many falls out. */
static void choose(struct gather *g, struct choice *choices, size_t *count,
                   const struct choice *choice) {
    size_t at = 0;
    for (size_t i = 0; i < *count; i++) {
        if (choices[i].number == choice->number) { /* of another of the case's agencies */
            if (choice->group >= choices[i].group) {
                return;
            }
            memmove(&choices[i], &choices[i + 1], (--*count - i) * sizeof choices[0]);
            break;
        }
    }
    while (at < *count && choice_before(&choices[at], choice)) {
        at++;
    }
    if (*count == CASE_OWN_LOGS_MAX) {
        g->full = true;
        if (at == *count) {
            return;
        }
        --*count;
    }
    memmove(&choices[at + 1], &choices[at], (*count - at) * sizeof choices[0]);
    choices[at] = *choice;
    ++*count;
}

enum status case_choose_logs(struct gather *g) {
    struct choice choices[CASE_OWN_LOGS_MAX + 1];
    size_t count = 0;
    for (size_t ori = 0; ori < g->view->ori_count; ori++) {
        struct case_place at = {.prefix = case_prefix_of(g->view->oris[ori], g->view->handle)};
        enum status status;
        while ((status = case_index_seek(g->txn, &at, &at)) == STATUS_OK) {
            struct choice choice;
            bool named = false;
            TRY(weigh_log(g, &at, &choice, &named));
            if (named) {
                choose(g, choices, &count, &choice);
            }
            if (!case_place_after_log(&at)) {
                break;
            }
        }
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
            return status;
        }
    }
    for (size_t i = 0; i < count; i++) {
        size_t ignored;
        TRY(case_find_log(g, choices[i].number, &ignored));
    }
    return STATUS_OK;
}

/* --- by whose word they count --- */

static enum status name_recogniser(struct gather *g, size_t which, size_t *recogniser) {
    const struct recognition_scope *scope = &g->view->logs[which].scope;
    const struct recognition_entry *by = scope->withdrawn ? &scope->withdrawal : &scope->chain[0];
    struct event event;
    uint64_t stamp_ms = 0;
    TRY(case_find_log(g, by->log, recogniser));
    if (*recogniser == NOT_NAMED) {
        return STATUS_STORE_CORRUPT; /* it was looked at by its size */
    }
    struct case_log *log = &g->view->logs[which];
    log->recognised = true;
    log->by_log = *recogniser;
    log->by_index = by->index;
    TRY(case_read_event(g, *recogniser, by->index, &stamp_ms, &event));
    log->by_seq = event.seq;
    memcpy(log->by_issuer, event.issuer.data, event.issuer.len);
    log->by_issuer[event.issuer.len] = '\0';
    event_release(&event);
    return STATUS_OK;
}

enum status case_name_recognisers(struct gather *g) {
    for (size_t i = 0; i < g->view->log_count;) {
        struct case_log *log = &g->view->logs[i];
        bool named = log->scope.pinned && (log->scope.withdrawn || log->scope.depth > 0);
        size_t recogniser = NOT_NAMED;
        if (log->contributes && !log->recognised && named) {
            TRY(name_recogniser(g, i, &recogniser));
            if (!g->view->logs[recogniser].contributes) {
                g->view->logs[recogniser].contributes = true;
                i = 0; /* it may stand before this one */
                continue;
            }
        }
        i++;
    }
    return STATUS_OK;
}
