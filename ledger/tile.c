#include "ledger/tile.h"

#include <assert.h>
#include <string.h>

#define PATH_LEVEL_MAX 63
#define PATH_INDEX_MAX (UINT64_MAX >> 1)

static bool parse_digits(struct bytes text, unsigned *out) {
    unsigned value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        value = value * 10 + (unsigned)(text.data[i] - '0');
    }
    *out = value;
    return true;
}

/* A decimal number of at most three digits without leading zeros. */
static bool parse_small(struct bytes text, unsigned *out) {
    if (text.len == 0 || text.len > 3 || (text.data[0] == '0' && text.len > 1)) {
        return false;
    }
    return parse_digits(text, out);
}

/* "x001/x234/067": groups of three digits, an x before all but the last. */
static bool parse_index(struct reader *r, uint64_t *index) {
    uint64_t value = 0;
    struct bytes group;
    unsigned digits;
    bool more = reader_skip(r, "x");
    bool first_of_many = more;
    for (;;) {
        if (!reader_take(r, 3, &group) || !parse_digits(group, &digits)) {
            return false;
        }
        /* A first group of zeros would be a second spelling. */
        if ((first_of_many && digits == 0) || value > (PATH_INDEX_MAX - digits) / 1000) {
            return false;
        }
        first_of_many = false;
        value = value * 1000 + digits;
        if (!more) {
            *index = value;
            return true;
        }
        if (!reader_skip(r, "/")) {
            return false;
        }
        more = reader_skip(r, "x");
    }
}

static bool parse_level(struct reader *r, unsigned *level) {
    struct bytes text = {r->rest.data, 0};
    while (text.len < r->rest.len && r->rest.data[text.len] != '/') {
        text.len++;
    }
    return reader_take(r, text.len, &text) && reader_skip(r, "/") && parse_small(text, level) &&
           *level <= PATH_LEVEL_MAX;
}

enum status tile_parse_path(struct bytes path, struct tile *out) {
    struct tile tile = {.width = TILE_WIDTH};
    struct reader r;
    reader_init(&r, path);
    tile.entries = reader_skip(&r, "entries/");
    if (!tile.entries && !parse_level(&r, &tile.level)) {
        return STATUS_BAD_FORM;
    }
    if (!parse_index(&r, &tile.index)) {
        return STATUS_BAD_FORM;
    }
    if (reader_skip(&r, ".p/")) {
        struct bytes width;
        if (!reader_take(&r, r.rest.len, &width) || !parse_small(width, &tile.width) ||
            tile.width == 0 || tile.width >= TILE_WIDTH) {
            return STATUS_BAD_FORM;
        }
    }
    if (!reader_done(&r)) {
        return STATUS_BAD_FORM;
    }
    *out = tile;
    return STATUS_OK;
}

static void put_group(struct writer *w, unsigned group) {
    assert(group < 1000);
    writer_u8(w, (uint8_t)('0' + group / 100));
    writer_u8(w, (uint8_t)('0' + group / 10 % 10));
    writer_u8(w, (uint8_t)('0' + group % 10));
}

static void format_index(struct writer *w, uint64_t index) {
    uint64_t unit = 1;
    while (index / unit >= 1000) {
        unit *= 1000;
    }
    for (; unit > 1; unit /= 1000) {
        writer_text(w, "x");
        put_group(w, (unsigned)(index / unit % 1000));
        writer_text(w, "/");
    }
    put_group(w, (unsigned)(index % 1000));
}

void tile_format_path(struct writer *w, const struct tile *tile) {
    assert(tile->width >= 1 && tile->width <= TILE_WIDTH && tile->index <= PATH_INDEX_MAX);
    assert(tile->level <= PATH_LEVEL_MAX && (!tile->entries || tile->level == 0));
    writer_text(w, "tile/");
    if (tile->entries) {
        writer_text(w, "entries");
    } else {
        writer_decimal(w, tile->level);
    }
    writer_text(w, "/");
    format_index(w, tile->index);
    if (tile->width < TILE_WIDTH) {
        writer_text(w, ".p/");
        writer_decimal(w, tile->width);
    }
}

unsigned tile_width_at(unsigned level, uint64_t index, uint64_t size) {
    if (level > TILE_LEVEL_MAX) {
        return 0;
    }
    /* tlog-tiles, "Partial tiles": floor(size / 256^level) hashes stand at this level. */
    uint64_t hashes = size >> (8 * level);
    uint64_t full = hashes / TILE_WIDTH;
    if (index < full) {
        return TILE_WIDTH;
    }
    return index == full ? (unsigned)(hashes % TILE_WIDTH) : 0;
}

void tile_of_node(const struct merkle_node *node, uint64_t size, struct tile *tile, unsigned *first,
                  unsigned *count) {
    assert(size <= TREE_SIZE_MAX && node->level < 63 && node->index < size >> node->level);
    unsigned within = node->level % 8;
    uint64_t hash = node->index << within;
    *tile = (struct tile){.level = node->level / 8, .index = hash / TILE_WIDTH};
    tile->width = tile_width_at(tile->level, tile->index, size);
    *first = (unsigned)(hash % TILE_WIDTH);
    *count = 1U << within;
    assert(*first + *count <= tile->width);
}

void tile_node_hash(const uint8_t *hashes, unsigned count, struct hash *out) {
    assert(count >= 1 && count <= TILE_WIDTH && (count & (count - 1)) == 0);
    struct merkle_frontier f;
    merkle_frontier_init(&f);
    for (unsigned i = 0; i < count; i++) {
        struct hash hash;
        memcpy(hash.bytes, hashes + (size_t)i * HASH_SIZE, HASH_SIZE);
        merkle_frontier_append(&f, &hash);
    }
    merkle_frontier_root(&f, out);
}

bool bundle_next(struct reader *r, struct bytes *entry) {
    uint16_t len;
    if (r->rest.len == 0) {
        return false;
    }
    return reader_u16(r, &len) && reader_take(r, len, entry);
}

void bundle_put(struct writer *w, struct bytes entry) {
    assert(entry.len <= ENTRY_SIZE_MAX);
    writer_u16(w, (uint16_t)entry.len);
    writer_bytes(w, entry);
}
