#include "ledger/pull_tiles.h"

#include <assert.h>
#include <string.h>

void pull_tiles_clear(struct pull_tiles *tiles) {
    tiles->count = 0;
    tiles->turn = 0;
}

/* A wider tile of the same place begins with the same hashes. */
static bool covers(const struct tile *have, const struct tile *wanted) {
    return have->level == wanted->level && have->index == wanted->index &&
           have->width >= wanted->width;
}

static struct pull_tile *find(struct pull_tiles *tiles, const struct tile *wanted) {
    for (size_t i = 0; i < tiles->count; i++) {
        if (covers(&tiles->tiles[i].tile, wanted)) {
            return &tiles->tiles[i];
        }
    }
    return NULL;
}

bool pull_tiles_missing(struct pull_tiles *tiles, const struct merkle_plan *plan, uint64_t size,
                        struct tile *missing, size_t *count) {
    tiles->turn++;
    for (size_t n = 0; n < plan->count; n++) {
        struct tile tile;
        unsigned first;
        unsigned width;
        bool listed = false;
        tile_of_node(&plan->nodes[n], size, &tile, &first, &width);
        struct pull_tile *here = find(tiles, &tile);
        if (here != NULL) {
            here->used = tiles->turn;
            continue;
        }
        for (size_t i = 0; i < *count; i++) {
            listed = listed || covers(&missing[i], &tile);
        }
        if (listed) {
            continue;
        }
        if (*count == PULL_TILES_MAX) {
            return false;
        }
        missing[(*count)++] = tile;
    }
    return true;
}

static struct pull_tile *place(struct pull_tiles *tiles) {
    if (tiles->count < PULL_TILES_MAX) {
        return &tiles->tiles[tiles->count++];
    }
    struct pull_tile *oldest = &tiles->tiles[0];
    for (size_t i = 1; i < PULL_TILES_MAX; i++) {
        if (tiles->tiles[i].used < oldest->used) {
            oldest = &tiles->tiles[i];
        }
    }
    return oldest;
}

enum status pull_tiles_put(struct pull_tiles *tiles, const struct tile *tile, struct bytes body) {
    bool whole = body.len == (size_t)TILE_WIDTH * HASH_SIZE;
    assert(!tile->entries && tile->width >= 1 && tile->width <= TILE_WIDTH);
    if (!whole && body.len != (size_t)tile->width * HASH_SIZE) {
        return STATUS_BAD_FORM;
    }
    struct pull_tile *here = place(tiles);
    here->tile = *tile;
    here->tile.width = whole ? TILE_WIDTH : tile->width;
    here->used = tiles->turn;
    memcpy(here->hashes, body.data, body.len);
    return STATUS_OK;
}

enum status pull_tiles_read(struct pull_tiles *tiles, const struct merkle_plan *plan, uint64_t size,
                            struct hash *out) {
    for (size_t n = 0; n < plan->count; n++) {
        struct tile tile;
        unsigned first;
        unsigned count;
        tile_of_node(&plan->nodes[n], size, &tile, &first, &count);
        struct pull_tile *here = find(tiles, &tile);
        if (here == NULL) {
            return STATUS_NOT_FOUND;
        }
        tile_node_hash(here->hashes + (size_t)first * HASH_SIZE, count, &out[n]);
    }
    return STATUS_OK;
}
