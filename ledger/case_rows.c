/* Rows of the index of cases: which there are, and in which order they are looked at. */
#include "ledger/case_parts.h"

#include <string.h>

static bool is_known(const struct gather *g, uint32_t number) {
    for (size_t i = 0; i < g->view->log_count; i++) {
        if (g->view->logs[i].stored.number == number) {
            return true;
        }
    }
    return false;
}

static bool same_house(const struct case_place *a, const struct case_place *b) {
    return a->log == b->log && a->group == b->group &&
           memcmp(a->house, b->house, sizeof a->house) == 0;
}

/* --- counting --- */

struct case_left_out *case_house(struct case_view *view, enum house_group group,
                                 const uint8_t house[static CASE_HOUSE_SIZE]) {
    size_t count = view->left_out_count;
    for (size_t i = 0; i < count; i++) {
        if (view->left_out[i].group == group &&
            memcmp(view->left_out[i].house, house, CASE_HOUSE_SIZE) == 0) {
            return &view->left_out[i];
        }
    }
    if (count == CASE_HOUSES_MAX) { /* roots alone make houses: the last stands for all others */
        return &view->left_out[count - 1];
    }
    struct case_left_out *fresh = &view->left_out[view->left_out_count++];
    *fresh = (struct case_left_out){.group = group};
    memcpy(fresh->house, house, CASE_HOUSE_SIZE);
    return fresh;
}

static enum status name_house(struct gather *g, const struct case_row *row,
                              struct case_left_out *house) {
    static const uint8_t agency[CASE_HOUSE_SIZE];
    struct event event;
    uint64_t stamp_ms = 0;
    if (house->count > 0 || memcmp(row->house, agency, sizeof agency) == 0) {
        return STATUS_OK;
    }
    TRY(case_read_event(g, row->log, row->index, &stamp_ms, &event));
    struct bytes name = house_name(event.issuer);
    memcpy(house->name, name.data, name.len);
    house->name[name.len] = '\0';
    event_release(&event);
    return STATUS_OK;
}

static enum status take_row(struct gather *g, size_t log, const struct case_place *place) {
    struct case_row row = {.stamp_ms = place->stamp_ms,
                           .log = log,
                           .index = place->index,
                           .group = case_group_of(&g->view->logs[log], place->group)};
    memcpy(row.house, place->house, sizeof row.house);
    if (!g->counting) {
        g->memory->rows[g->memory->row_count++] = row;
        return STATUS_OK;
    }
    struct case_left_out *house = case_house(g->view, row.group, row.house);
    TRY(name_house(g, &row, house));
    house->count++;
    return STATUS_OK;
}

/* --- collecting --- */

/* Of one house in one log; `at` goes on to what comes after it. */
static enum status collect_house(struct gather *g, size_t log, size_t each, struct case_place *at,
                                 bool *more) {
    struct case_place first = *at;
    size_t taken = 0;
    *more = true;
    while (same_house(&first, at)) {
        if (taken == each || g->memory->row_count == CASE_ROWS_MAX) {
            g->full = true; /* of what comes after, something may be left out */
            *more = case_place_after_house(at);
            return STATUS_OK;
        }
        if (at->index < g->view->logs[log].size) {
            TRY(take_row(g, log, at));
            taken++;
        }
        *more = case_place_after(at);
        enum status status = *more ? case_index_seek(g->txn, at, at) : STATUS_NOT_FOUND;
        if (status == STATUS_NOT_FOUND) {
            *more = false;
            return STATUS_OK;
        }
        TRY(status);
    }
    return STATUS_OK;
}

enum status case_collect(struct gather *g, const struct case_prefix *prefix, size_t each,
                         bool known) {
    struct case_place at = {.prefix = *prefix};
    bool more = true;
    while (more) {
        size_t log = NOT_NAMED;
        enum status status = case_index_seek(g->txn, &at, &at);
        if (status == STATUS_NOT_FOUND) {
            return STATUS_OK;
        }
        TRY(status);
        if (!known || is_known(g, at.log)) {
            TRY(case_find_log(g, at.log, &log));
        }
        if (log == NOT_NAMED) {
            more = case_place_after_log(&at);
        } else {
            TRY(collect_house(g, log, each, &at, &more));
        }
    }
    return STATUS_OK;
}

/* --- sorting --- */

static bool row_before(const struct gather *g, const struct case_row *a, const struct case_row *b) {
    if (!g->wide && a->group != b->group) {
        return a->group < b->group;
    }
    if (a->stamp_ms != b->stamp_ms) {
        return a->stamp_ms < b->stamp_ms;
    }
    int origins = strcmp(g->view->logs[a->log].origin, g->view->logs[b->log].origin);
    return origins != 0 ? origins < 0 : a->index < b->index;
}

/* Heap sort: rows may be many, and most come sorted from few logs. */
static void sift(const struct gather *g, size_t at, size_t count) {
    struct case_row *rows = g->memory->rows;
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

void case_sort_rows(const struct gather *g) {
    struct case_row *rows = g->memory->rows;
    for (size_t i = g->memory->row_count / 2; i-- > 0;) {
        sift(g, i, g->memory->row_count);
    }
    for (size_t end = g->memory->row_count; end-- > 1;) {
        struct case_row largest = rows[0];
        rows[0] = rows[end];
        rows[end] = largest;
        sift(g, 0, end);
    }
}
