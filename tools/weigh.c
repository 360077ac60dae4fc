#include "tools/weigh.h"

#include <assert.h>
#include <string.h>

#define ITEMS_MAX 256

struct item {
    struct bytes name;
    uint64_t number;
    bool used;
};

/* The other cells of a leaf, copied. */
struct cells {
    struct bytes text[LIST_CELLS_MAX];
    size_t count;
    uint8_t memory[LIST_LEAF_MAX];
    size_t used;
};

static void take_cell(void *context, int other, size_t number, struct bytes text) {
    struct cells *cells = context;
    if (other == 1) {
        assert(number == cells->count && cells->used + text.len <= sizeof cells->memory);
        if (text.len > 0) {
            memcpy(cells->memory + cells->used, text.data, text.len);
        }
        cells->text[cells->count++] = bytes_of(cells->memory + cells->used, text.len);
        cells->used += text.len;
    }
}

static struct bytes trim(struct bytes b) {
    while (b.len > 0 && b.data[0] == ' ') {
        b = bytes_of(b.data + 1, b.len - 1);
    }
    while (b.len > 0 && b.data[b.len - 1] == ' ') {
        b.len--;
    }
    return b;
}

/* --- ranks --- */

/* In which rank of "A, B | C" the value stands, from 0, the gravest; SIZE_MAX: in none. */
static size_t rank_of(const char *ranks, struct bytes value) {
    size_t rank = 0;
    const char *from = ranks;
    for (const char *at = ranks;; at++) {
        if (*at == ',' || *at == '|' || *at == '\0') {
            if (bytes_equal(trim(bytes_of(from, (size_t)(at - from))), value)) {
                return rank;
            }
            rank += *at == '|';
            from = at + 1;
        }
        if (*at == '\0') {
            return SIZE_MAX;
        }
    }
}

static enum fate weigh_ranks(const char *ranks, struct bytes old, struct bytes new) {
    size_t before = rank_of(ranks, old);
    size_t after = rank_of(ranks, new);
    if (before == SIZE_MAX || after == SIZE_MAX) {
        return FATE_MIXED;
    }
    return after > before ? FATE_LOWER : after < before ? FATE_HIGHER : FATE_SAME;
}

/* --- items --- */

/* "SUSPENSION (30 DAYS)": the name before the last "(" that a number follows, and that number; an
 * item without one has 0. */
static struct item item_of(struct bytes text) {
    struct item item = {.name = trim(text)};
    for (size_t i = text.len; i > 0; i--) {
        if (text.data[i - 1] != '(') {
            continue;
        }
        size_t end = i;
        while (end < text.len && text.data[end] >= '0' && text.data[end] <= '9') {
            end++;
        }
        if (end > i && end - i <= 9 &&
            bytes_to_u64(bytes_of(text.data + i, end - i), &item.number)) {
            item.name = trim(bytes_of(text.data, i - 1));
            break;
        }
    }
    return item;
}

static bool is_among(const struct item *items, size_t count, const struct item *item) {
    for (size_t i = 0; i < count; i++) {
        if (items[i].number == item->number && bytes_equal(items[i].name, item->name)) {
            return true;
        }
    }
    return false;
}

/* The items of a cell, each once, since lists repeat all of a record's measures now and
 * then: between commas that stand outside of parentheses. False: too many. */
static bool items_of(struct bytes cell, struct item items[ITEMS_MAX], size_t *count) {
    size_t from = 0;
    int depth = 0;
    *count = 0;
    for (size_t i = 0; i <= cell.len; i++) {
        uint8_t c = i < cell.len ? cell.data[i] : ',';
        depth += c == '(' ? 1 : c == ')' && depth > 0 ? -1 : 0;
        if (c != ',' || (depth > 0 && i < cell.len)) {
            continue;
        }
        struct bytes text = trim(bytes_of(cell.data + from, i - from));
        from = i + 1;
        if (text.len == 0) {
            continue;
        }
        if (*count == ITEMS_MAX) {
            return false;
        }
        struct item item = item_of(text);
        if (!is_among(items, *count, &item)) {
            items[(*count)++] = item;
        }
    }
    return true;
}

/* The unused item with this name whose number is nearest; NULL: none. An equal number is nearest.
 */
static struct item *partner(struct item *items, size_t count, const struct item *of) {
    struct item *best = NULL;
    uint64_t distance = UINT64_MAX;
    for (size_t i = 0; i < count; i++) {
        uint64_t d = items[i].number > of->number ? items[i].number - of->number
                                                  : of->number - items[i].number;
        if (!items[i].used && bytes_equal(items[i].name, of->name) && d < distance) {
            best = &items[i];
            distance = d;
        }
    }
    return best;
}

/* Of what was imposed, is something gone or smaller, or larger? Is there more of it? */
static enum fate weigh_items(struct bytes old, struct bytes new) {
    struct item before[ITEMS_MAX];
    struct item after[ITEMS_MAX];
    size_t before_count;
    size_t after_count;
    bool lower = false;
    bool higher = false;
    bool more = false;
    if (!items_of(old, before, &before_count) || !items_of(new, after, &after_count)) {
        return FATE_MIXED;
    }
    for (size_t i = 0; i < before_count; i++) {
        struct item *found = partner(after, after_count, &before[i]);
        lower = lower || found == NULL || found->number < before[i].number;
        higher = higher || (found != NULL && found->number > before[i].number);
        if (found != NULL) {
            found->used = true;
        }
    }
    for (size_t i = 0; i < after_count; i++) {
        more = more || !after[i].used;
    }
    if (lower) {
        return higher || more ? FATE_MIXED : FATE_LOWER;
    }
    return higher ? FATE_HIGHER : more ? FATE_FULLER : FATE_SAME;
}

/* --- both --- */

/* What two cells' fates come to together. FATE_SAME: neither says anything. */
static enum fate combined(enum fate one, enum fate other) {
    if (one == FATE_SAME || one == other) {
        return other;
    }
    if (other == FATE_SAME) {
        return one;
    }
    bool one_full = one == FATE_FULLER;
    bool other_full = other == FATE_FULLER;
    return one_full ? other : other_full ? one : FATE_MIXED;
}

enum status weigh(const struct list_map *map, struct bytes old, struct bytes new, enum fate *fate,
                  struct refusal *why) {
    struct cells before = {.count = 0};
    struct cells after = {.count = 0};
    enum fate all = FATE_SAME;
    if (map == NULL) {
        *fate = FATE_OTHER;
        return STATUS_OK;
    }
    TRY(list_cells(old, take_cell, &before));
    TRY(list_cells(new, take_cell, &after));
    if (before.count != map->other_count || after.count != map->other_count) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "the lists have %zu and %zu other cells, and the mapping %zu: was it another "
                      "one that they were observed with?",
                      before.count, after.count, map->other_count);
    }
    for (size_t i = 0; i < map->other_count; i++) {
        const struct list_map_cell *cell = &map->others[i];
        if (cell->outcome == OUTCOME_NONE || bytes_equal(before.text[i], after.text[i])) {
            continue;
        }
        all = combined(all, cell->outcome == OUTCOME_RANKS
                                ? weigh_ranks(cell->ranks, before.text[i], after.text[i])
                                : weigh_items(before.text[i], after.text[i]));
    }
    *fate = all == FATE_SAME ? FATE_OTHER : all;
    return STATUS_OK;
}
