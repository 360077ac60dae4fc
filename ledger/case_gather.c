/* Gathering a case from a store: its rows in the index, then those of the events that name its
 * events, and so on, each level the earliest stamps first. Numbers of logs, and with them the order
 * of rows, are this folder's own, so that nothing may hang on them. */
#include "ledger/case.h"
#include "ledger/sequencer.h"
#include "ledger/tree.h"

#include <assert.h>
#include <string.h>

struct gather {
    struct store_txn *txn;
    const struct case_pin *pins;
    size_t pin_count;
    struct case_view *view;
    struct case_row *rows;
    size_t row_count;
    size_t current; /* item whose signer is asked for */
    struct issuer issuer;
    struct refusal *why;
};

#define NOT_NAMED SIZE_MAX

/* --- logs --- */

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

/* What is looked at of a log: false if it is not named. */
static enum status named_size(struct gather *g, const struct log *log, uint64_t *size) {
    *size = 0;
    if (g->pin_count == 0) {
        return (log->flags & LOG_EVENTS) != 0 ? confirmed_size(g->txn, log, size) : STATUS_OK;
    }
    for (size_t i = 0; i < g->pin_count; i++) {
        if (hash_equal(&g->pins[i].id, &log->id)) {
            *size = g->pins[i].size;
        }
    }
    return STATUS_OK;
}

static enum status check_pins(struct gather *g) {
    for (size_t i = 0; i < g->pin_count; i++) {
        struct log log;
        uint64_t size = 0;
        enum status status = logs_find_id(g->txn, &g->pins[i].id, &log);
        if (status == STATUS_UNKNOWN_LOG ||
            (status == STATUS_OK && (log.flags & LOG_EVENTS) == 0)) {
            return refuse(g->why, STATUS_UNKNOWN_LOG,
                          "at: this node holds no log of events under one of these: GET /logs "
                          "lists what it holds");
        }
        TRY(status);
        TRY(confirmed_size(g->txn, &log, &size));
        if (g->pins[i].size > size) {
            return refuse(g->why, STATUS_CONFLICT_SIZE,
                          "at: of %.60s this node can show %llu entries, and not %llu yet",
                          log.vkey.name, (unsigned long long)size,
                          (unsigned long long)g->pins[i].size);
        }
    }
    return STATUS_OK;
}

/* The view's log of a number of the store, or NOT_NAMED. */
static enum status find_log(struct gather *g, uint32_t number, size_t *out) {
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
        return refuse(g->why, STATUS_TOO_LARGE, "the case stands in more than %d logs",
                      CASE_LOGS_MAX);
    }
    fresh->stored = log;
    fresh->size = size;
    *out = (size_t)(fresh - view->logs);
    return tree_root_at(g->txn, number, size, &fresh->root);
}

/* --- entries --- */

static enum status read_entry(struct gather *g, size_t log, uint64_t index, uint64_t *stamp_ms,
                              struct bytes *note) {
    struct bytes entry;
    enum status status = tree_entry(g->txn, g->view->logs[log].stored.number, index, &entry);
    if (status == STATUS_OK) {
        status = entry_parse(entry, stamp_ms, note, NULL);
    }
    return status == STATUS_NOT_FOUND || status == STATUS_BAD_FORM ? STATUS_STORE_CORRUPT : status;
}

static enum status read_event(struct gather *g, size_t log, uint64_t index, uint64_t *stamp_ms,
                              struct event *out) {
    struct bytes note;
    TRY(read_entry(g, log, index, stamp_ms, &note));
    return event_parse(note, out, NULL) == STATUS_OK ? STATUS_OK : STATUS_STORE_CORRUPT;
}

static enum status confirmed_at(struct gather *g, size_t log, uint64_t index, uint64_t stamp_ms,
                                uint64_t *confirmed_ms) {
    struct published at;
    enum status status =
        sequencer_published_covering(g->txn, g->view->logs[log].stored.number, index, &at);
    if (status == STATUS_OK) {
        *confirmed_ms = case_confirmed(stamp_ms, at.quorum_time);
    }
    /* Sizes named are those of kept checkpoints, or smaller. */
    return status == STATUS_NOT_FOUND ? STATUS_STORE_CORRUPT : status;
}

/* --- rows --- */

static enum status gather_rows(struct gather *g, const struct case_prefix *prefix) {
    struct scan scan = case_index_scan(g->txn, prefix);
    uint32_t number = 0;
    uint64_t index = 0;
    enum status status;
    while ((status = case_index_next(&scan, &number, &index)) == STATUS_OK) {
        struct case_row row = {.index = index};
        struct bytes note;
        TRY(find_log(g, number, &row.log));
        if (row.log == NOT_NAMED || index >= g->view->logs[row.log].size) {
            continue;
        }
        if (g->row_count == CASE_ROWS_MAX) {
            return refuse(g->why, STATUS_TOO_LARGE,
                          "the case has over %d events: read the logs themselves", CASE_ROWS_MAX);
        }
        TRY(read_entry(g, row.log, index, &row.stamp_ms, &note));
        g->rows[g->row_count++] = row;
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static bool row_before(const struct gather *g, const struct case_row *a, const struct case_row *b) {
    if (a->stamp_ms != b->stamp_ms) {
        return a->stamp_ms < b->stamp_ms;
    }
    int origins = strcmp(g->view->logs[a->log].origin, g->view->logs[b->log].origin);
    return origins != 0 ? origins < 0 : a->index < b->index;
}

/* Heap sort: rows may be many, and most come sorted from few logs. */
static void sift(const struct gather *g, size_t at, size_t count) {
    struct case_row *rows = g->rows;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= count) {
            return;
        }
        if (child + 1 < count && row_before(g, &rows[child], &rows[child + 1])) {
            child++;
        }
        if (!row_before(g, &rows[at], &rows[child])) {
            return;
        }
        struct case_row swapped = rows[at];
        rows[at] = rows[child];
        rows[child] = swapped;
        at = child;
    }
}

static void sort_rows(const struct gather *g) {
    for (size_t i = g->row_count / 2; i-- > 0;) {
        sift(g, i, g->row_count);
    }
    for (size_t end = g->row_count; end-- > 1;) {
        struct case_row largest = g->rows[0];
        g->rows[0] = g->rows[end];
        g->rows[end] = largest;
        sift(g, 0, end);
    }
}

/* --- events --- */

/* The front of a hash is not all of it: is the event of this case, or does it name one of its? */
static bool belongs(const struct case_view *view, const struct event *event) {
    const struct event_about *about = &event->about;
    if (about->has_case) {
        return memcmp(about->ori, view->ori, ORI_SIZE) == 0 &&
               memcmp(about->handle, view->handle, HANDLE_SIZE) == 0;
    }
    for (size_t i = 0; about->has_named && i < view->count; i++) {
        if (hash_equal(&view->items[i].event.id, &about->named)) {
            return true;
        }
    }
    return false;
}

static enum status find_signer(struct gather *g, size_t log, struct bytes name,
                               struct standing_signer *out) {
    struct issuer enroller;
    uint32_t number = g->view->logs[log].stored.number;
    TRY(issuer_find(g->txn, number, name, &g->issuer));
    *out = (struct standing_signer){.key = g->issuer.vkey.key, .role = g->issuer.roles};
    out->has_enroller = g->issuer.enroller != 0;
    if (out->has_enroller) {
        TRY(issuer_by_number(g->txn, number, g->issuer.enroller, &enroller));
        out->enroller = enroller.vkey.key;
    }
    return STATUS_OK;
}

/* --- revocations --- */

/* The view's row of a revocation. */
static enum status keep_revocation(struct gather *g, size_t log, const struct revocation *row,
                                   size_t *out) {
    struct case_view *view = g->view;
    struct event event;
    uint64_t stamp_ms = 0;
    for (*out = 0; *out < view->revocation_count; ++*out) {
        if (view->revocations[*out].log == log && view->revocations[*out].index == row->index) {
            return STATUS_OK;
        }
    }
    if (view->revocation_count == CASE_REVOCATIONS_MAX) {
        return refuse(g->why, STATUS_TOO_LARGE, "over %d revocations bind the case's signers",
                      CASE_REVOCATIONS_MAX);
    }
    struct case_revocation *kept = &view->revocations[*out];
    TRY(read_event(g, log, row->index, &stamp_ms, &event));
    *kept = (struct case_revocation){.log = log,
                                     .index = row->index,
                                     .stamp_ms = row->stamp_ms,
                                     .seq = event.seq,
                                     .reason = row->reason,
                                     .since_ms = row->since_ms};
    memcpy(kept->issuer, event.issuer.data, event.issuer.len);
    kept->issuer[event.issuer.len] = '\0';
    event_release(&event);
    TRY(confirmed_at(g, log, row->index, row->stamp_ms, &kept->confirmed_ms));
    view->revocation_count++;
    view->logs[log].contributes = true;
    return STATUS_OK;
}

static enum status take_revocation(void *context, const struct revocation *row) {
    struct gather *g = context;
    const struct case_item *item = &g->view->items[g->current];
    size_t log = NOT_NAMED;
    size_t at = 0;
    bool binds = false;
    TRY(find_log(g, row->log, &log));
    if (log == NOT_NAMED || row->index >= g->view->logs[log].size) {
        return STATUS_OK;
    }
    TRY(revocation_binds(g->txn, g->view->logs[item->log].stored.number, &g->issuer, row, &binds));
    if (binds) {
        TRY(keep_revocation(g, log, row, &at));
        case_bind(g->view, g->current, at);
    }
    return STATUS_OK;
}

/* --- all of it --- */

static enum status take_row(struct gather *g, const struct case_row *row) {
    struct case_view *view = g->view;
    struct case_item *item = &view->items[view->count];
    *item = (struct case_item){.log = row->log, .index = row->index, .stamp_ms = row->stamp_ms};
    TRY(read_event(g, row->log, row->index, &item->stamp_ms, &item->event));
    if (!belongs(view, &item->event)) {
        event_release(&item->event);
        return STATUS_OK;
    }
    g->current = view->count++; /* released with the view from here on */
    view->logs[row->log].contributes = true;
    TRY(confirmed_at(g, row->log, row->index, row->stamp_ms, &item->confirmed_ms));
    enum status status = find_signer(g, row->log, item->event.issuer, &item->signer);
    if (status == STATUS_OK) {
        status = revocation_each(g->txn, &item->signer.key, take_revocation, g);
    }
    return status == STATUS_NOT_FOUND ? STATUS_STORE_CORRUPT : status;
}

static enum status take_level(struct gather *g) {
    sort_rows(g);
    for (size_t i = 0; i < g->row_count; i++) {
        if (g->view->count == CASE_EVENTS_MAX) {
            g->view->left_out += g->row_count - i;
            break;
        }
        TRY(take_row(g, &g->rows[i]));
    }
    g->row_count = 0;
    return STATUS_OK;
}

enum status case_gather(struct store_txn *txn, const struct case_pin *pins, size_t pin_count,
                        struct case_row *rows, struct case_view *view, struct refusal *why) {
    struct gather g = {
        .txn = txn, .pins = pins, .pin_count = pin_count, .view = view, .rows = rows, .why = why};
    struct case_prefix prefix = case_prefix_of(view->ori, view->handle);
    TRY(check_pins(&g));
    TRY(gather_rows(&g, &prefix));
    size_t level = 0;
    while (g.row_count > 0) {
        TRY(take_level(&g));
        /* What names the events of this level, and so on: whoever names an event comes after it,
         * so that this ends. */
        for (; level < view->count; level++) {
            prefix = case_prefix_naming(&view->items[level].event.id);
            TRY(gather_rows(&g, &prefix));
        }
    }
    if (view->count == 0) {
        return refuse(why, STATUS_NOT_FOUND,
                      "no event of this ORI and handle is in the logs that this node can show");
    }
    return STATUS_OK;
}
