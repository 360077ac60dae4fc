/* Which logs a case is gathered from, how far, and what they count for. Numbers of logs are this
 * folder's own, so that nothing may hang on them. */
#include "ledger/case_parts.h"
#include "ledger/merger.h"
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

/* What is recognised for the agency, into the memory, unless it is there. */
static enum status find_recognised(struct gather *g, const uint8_t ori[ORI_SIZE]) {
    struct recognition_view view = {.ori = g->asked_ori, .size_of = size_of, .context = g};
    if (g->asked_ori[0] != '\0' && memcmp(g->asked_ori, ori, ORI_SIZE) == 0) {
        return STATUS_OK;
    }
    memcpy(g->asked_ori, ori, ORI_SIZE);
    enum status status = recognition_find(g->txn, g->ask->authorities, g->ask->authority_count,
                                          &view, &g->memory->recognised);
    if (status != STATUS_OK) {
        g->asked_ori[0] = '\0'; /* it is not whole */
    }
    return status;
}

static bool is_pinned(const struct gather *g) {
    return g->ask->authority_count > 0;
}

/* Of the signers of each class, one. */
static const uint32_t roles[RECOGNISED_CLASSES] = {[RECOGNISED_COURT] = ROLE_COURT,
                                                   [RECOGNISED_OVERSIGHT] = ROLE_OVERSIGHT,
                                                   [RECOGNISED_POST] = ROLE_POST};

/* Where agencies were merged, the log counts as far as it does for one of them. */
static enum status find_scope(struct gather *g, struct case_log *log) {
    for (size_t ori = 0; ori < g->view->ori_count; ori++) {
        TRY(find_recognised(g, g->view->oris[ori]));
        for (size_t i = 0; i < RECOGNISED_CLASSES; i++) {
            struct recognition_scope scope;
            TRY(recognition_scope_of(g->txn, &g->memory->recognised, &log->stored, roles[i],
                                     &scope));
            if (ori == 0 || (scope.counts && !log->scopes[i].counts)) {
                log->scopes[i] = scope;
            }
        }
    }
    return STATUS_OK;
}

enum house_group case_group_of(const struct case_log *log, enum house_group group) {
    static const enum recognition_class classes[GROUPS] = {
        [GROUP_COURT] = RECOGNISED_COURT,         [GROUP_POST] = RECOGNISED_POST,
        [GROUP_OVERSIGHT] = RECOGNISED_OVERSIGHT, [GROUP_AGENCY] = RECOGNISED_AT_ALL,
        [GROUP_OTHER] = RECOGNISED_AT_ALL,
    };
    const struct recognition_scope *scope = &log->scopes[classes[group]];
    return !scope->pinned || scope->counts ? group : GROUPS;
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

/* --- the case's agencies --- */

static enum status counts_for(struct gather *g, const struct log *log, uint32_t role,
                              const uint8_t ori[ORI_SIZE], bool *out) {
    TRY(find_recognised(g, ori));
    *out = recognition_counts(&g->memory->recognised, log, role);
    return STATUS_OK;
}

/* A merger joins two agencies if its log counts for both: else any agency with a log of its own
 * could declare itself part of another, and have a say in its cases. */
static enum status merger_counts(void *context, const uint8_t ori[ORI_SIZE],
                                 const struct merger *merger, bool *out) {
    struct gather *g = context;
    struct log log;
    bool one = true;
    bool other = true;
    TRY(logs_get(g->txn, merger->log, &log));
    if (is_pinned(g)) {
        TRY(counts_for(g, &log, merger->role, ori, &one));
        TRY(counts_for(g, &log, merger->role, merger->other, &other));
    }
    *out = one && other && merger->index < size_of(g, merger->log);
    if (*out) {
        size_t at = NOT_NAMED;
        TRY(case_find_log(g, merger->log, &at));
        g->view->logs[at].contributes = true;
    }
    return STATUS_OK;
}

enum status case_join_agencies(struct gather *g) {
    const struct merger_sources sources = {.counts = merger_counts, .context = g};
    struct case_view *view = g->view;
    assert(g->ask->authority_count <= CASE_PINS_MAX);
    view->pin_count = g->ask->authority_count;
    for (size_t i = 0; i < view->pin_count; i++) {
        view->pins[i] = g->ask->authorities[i];
    }
    TRY(merger_join(g->txn, &sources, CASE_ORIS_MAX, view->oris, &view->ori_count));
    for (size_t i = 0; i < view->log_count && view->ori_count > 1; i++) {
        TRY(find_scope(g, &view->logs[i])); /* it was found for fewer agencies */
    }
    return STATUS_OK;
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

static enum status name_entry(struct gather *g, const struct recognition_entry *entry,
                              struct case_word *out, bool *more) {
    struct event event;
    uint64_t stamp_ms = 0;
    TRY(case_find_log(g, entry->log, &out->log));
    if (out->log == NOT_NAMED) {
        return STATUS_STORE_CORRUPT; /* it was looked at by its size */
    }
    out->known = true;
    out->index = entry->index;
    TRY(case_read_event(g, out->log, entry->index, &stamp_ms, &event));
    out->seq = event.seq;
    memcpy(out->issuer, event.issuer.data, event.issuer.len);
    out->issuer[event.issuer.len] = '\0';
    event_release(&event);
    *more = *more || !g->view->logs[out->log].contributes;
    g->view->logs[out->log].contributes = true;
    return STATUS_OK;
}

/* Says in `more` if another log contributes by that. */
static enum status name_log(struct gather *g, struct case_log *log, bool *more) {
    const struct recognition_scope *all = &log->scopes[RECOGNISED_AT_ALL];
    if (all->withdrawn && !log->withdrawn.known) {
        TRY(name_entry(g, &all->withdrawal, &log->withdrawn, more));
    }
    for (size_t i = 0; i < RECOGNISED_CLASSES; i++) {
        const struct recognition_scope *scope = &log->scopes[i];
        if (scope->pinned && scope->counts && scope->depth > 0 && !log->by[i].known) {
            TRY(name_entry(g, &scope->chain[0], &log->by[i], more));
        }
    }
    return STATUS_OK;
}

enum status case_name_recognisers(struct gather *g) {
    bool more = true;
    while (more) { /* the recogniser of one may stand before it */
        more = false;
        for (size_t i = 0; i < g->view->log_count; i++) {
            if (g->view->logs[i].contributes) {
                TRY(name_log(g, &g->view->logs[i], &more));
            }
        }
    }
    return STATUS_OK;
}
