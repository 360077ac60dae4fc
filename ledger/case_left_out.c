/* What is not looked at of a case: how much of which house, and, for who asks, which entries. */
#include "ledger/case_parts.h"
#include "ledger/json.h"

#include <string.h>

/* --- how much --- */

static bool house_before(const struct case_left_out *a, const struct case_left_out *b) {
    return a->group != b->group ? a->group < b->group
                                : memcmp(a->house, b->house, sizeof a->house) < 0;
}

/* By group and house, without those of which all is looked at. */
static void sort_houses(struct case_view *view) {
    size_t kept = 0;
    for (size_t i = 0; i < view->left_out_count; i++) {
        struct case_left_out house = view->left_out[i];
        if (house.count == 0) {
            continue;
        }
        size_t at = kept++;
        for (; at > 0 && house_before(&house, &view->left_out[at - 1]); at--) {
            view->left_out[at] = view->left_out[at - 1];
        }
        view->left_out[at] = house;
    }
    view->left_out_count = kept;
}

/* Every row of the case, as far as it can be known: of a house in a log the first CASE_ROWS_MAX. */
static enum status collect_all(struct gather *g) {
    for (size_t i = 0; i < g->view->ori_count; i++) {
        struct case_prefix prefix = case_prefix_of(g->view->oris[i], g->view->handle);
        TRY(case_collect(g, &prefix, CASE_ROWS_MAX, false));
    }
    for (size_t i = 0; i < g->view->count; i++) {
        struct case_prefix prefix = case_prefix_naming(&g->view->items[i].event.id);
        TRY(case_collect(g, &prefix, CASE_ROWS_MAX, false));
    }
    return STATUS_OK;
}

/* All rows are counted, and those looked at taken off again. */
enum status case_count_left_out(struct gather *g) {
    struct case_view *view = g->view;
    if (!g->full) {
        return STATUS_OK;
    }
    g->counting = true;
    TRY(collect_all(g));
    g->counting = false;
    for (size_t i = 0; i < view->count; i++) {
        const struct case_item *item = &view->items[i];
        enum house_group group = item->beyond ? GROUPS : house_group(item->signer.role);
        struct case_left_out *house = case_house(view, group, item->signer.house.bytes);
        house->count -= house->count > 0;
    }
    sort_houses(view);
    return STATUS_OK;
}

/* --- which --- */

struct place {
    size_t log;
    uint64_t index;
};

static bool place_before(const struct place *a, const struct place *b) {
    return a->log != b->log ? a->log < b->log : a->index < b->index;
}

static void note_looked_at(const struct case_view *view, struct place *sorted) {
    for (size_t i = 0; i < view->count; i++) {
        struct place place = {.log = view->items[i].log, .index = view->items[i].index};
        size_t at = i;
        for (; at > 0 && place_before(&place, &sorted[at - 1]); at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = place;
    }
}

/* Rows may be many: by halves. */
static bool is_looked_at(const struct place *sorted, size_t count, const struct case_row *row) {
    struct place place = {.log = row->log, .index = row->index};
    size_t from = 0;
    while (from < count) {
        size_t middle = from + (count - from) / 2;
        if (place_before(&sorted[middle], &place)) {
            from = middle + 1;
        } else if (place_before(&place, &sorted[middle])) {
            count = middle;
        } else {
            return true;
        }
    }
    return false;
}

enum status case_list_left_out(struct store_txn *txn, const struct case_ask *ask,
                               struct case_memory *memory, struct case_view *view,
                               struct refusal *why) {
    struct gather g = {.txn = txn, .ask = ask, .memory = memory, .view = view, .why = why};
    struct place looked_at[CASE_EVENTS_MAX];
    size_t kept = 0;
    memory->row_count = 0;
    if (view->left_out_count == 0) {
        return STATUS_OK;
    }
    TRY(collect_all(&g));
    note_looked_at(view, looked_at);
    for (size_t i = 0; i < memory->row_count; i++) {
        if (!is_looked_at(looked_at, view->count, &memory->rows[i])) {
            memory->rows[kept++] = memory->rows[i];
        }
    }
    memory->row_count = kept;
    case_sort_rows(&g);
    return STATUS_OK;
}

enum status case_write_left_out(const struct case_view *view, const struct case_memory *memory,
                                uint64_t from, struct writer *w) {
    uint64_t count = memory->row_count;
    uint64_t end = count - (from < count ? from : count) > CASE_PAGE ? from + CASE_PAGE : count;
    writer_text(w, "{\"entries\":[");
    for (uint64_t i = from; i < end; i++) {
        writer_text(w, i > from ? ",{\"index\":" : "{\"index\":");
        writer_decimal(w, memory->rows[i].index);
        writer_text(w, ",\"log\":");
        jcs_write_text(w, bytes_text(view->logs[memory->rows[i].log].origin));
        writer_u8(w, '}');
    }
    writer_text(w, "],\"from\":");
    writer_decimal(w, from);
    if (end < count) {
        writer_text(w, ",\"next\":");
        writer_decimal(w, end);
    }
    writer_text(w, ",\"total\":");
    writer_decimal(w, count);
    writer_text(w, "}\n");
    return writer_status(w);
}
