#include "ledger/tile.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <string.h>

static bool parses(const char *path, struct tile *tile) {
    return tile_parse_path(bytes_text(path), tile) == STATUS_OK;
}

static void assert_formats(const struct tile *tile, const char *path) {
    uint8_t memory[TILE_PATH_MAX];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    tile_format_path(&w, tile);
    cr_assert_not(w.failed);
    cr_assert(bytes_equal(writer_view(&w), bytes_text(path)), "%.*s is not %s", (int)w.len,
              (char *)memory, path);
}

static bool same_tile(const struct tile *a, const struct tile *b) {
    return a->entries == b->entries && a->level == b->level && a->index == b->index &&
           a->width == b->width;
}

static const struct {
    const char *path;
    struct tile tile;
} paths[] = {
    {"tile/0/000", {false, 0, 0, 256}},
    {"tile/0/001.p/1", {false, 0, 1, 1}},
    {"tile/7/999", {false, 7, 999, 256}},
    {"tile/10/000", {false, 10, 0, 256}},
    {"tile/63/000.p/255", {false, 63, 0, 255}},
    {"tile/1/x001/000", {false, 1, 1000, 256}},
    {"tile/0/x001/x234/067", {false, 0, 1234067, 256}}, /* the example of tlog-tiles */
    {"tile/0/x001/x234/067.p/42", {false, 0, 1234067, 42}},
    {"tile/0/x999/999", {false, 0, 999999, 256}},
    {"tile/0/x001/x000/000", {false, 0, 1000000, 256}},
    {"tile/entries/000", {true, 0, 0, 256}},
    {"tile/entries/x273/112.p/112", {true, 0, 273112, 112}},
    {"tile/0/x009/x223/x372/x036/x854/x775/807.p/255", {false, 0, INT64_MAX, 255}},
    {"tile/entries/x009/x223/x372/x036/x854/x775/807.p/255", {true, 0, INT64_MAX, 255}},
};

Test(tile, paths_parse_and_format) {
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct tile tile;
        cr_assert(parses(paths[i].path + strlen("tile/"), &tile), "%s", paths[i].path);
        cr_assert(same_tile(&tile, &paths[i].tile), "%s", paths[i].path);
        assert_formats(&tile, paths[i].path);
    }
}

static const char *const other_spellings[] = {
    "",
    "0",
    "0/",
    "0/0",
    "0/00",
    "0/0000",
    "0/x000/001",
    "0/x001",
    "0/x001/",
    "0/x001/x002",
    "0/001/002",
    "0/x001/0002",
    "0/X001/002",
    "0/xx01/002",
    "0//000",
    "0/x001//002",
    "0/-01",
    "0/+01",
    "0/ 01",
    "0/00a",
    "0/000/",
    "0/000 ",
    "0/000\n",
    "/0/000",
    "tile/0/000",
    "00/000",
    "01/000",
    "64/000",
    "100/000",
    "0000000000000000000001/000",
    "18446744073709551616/000",
    "-1/000",
    "x/000",
    "/000",
    "0/000.p",
    "0/000.p/",
    "0/000.p/0",
    "0/000.p/256",
    "0/000.p/257",
    "0/000.p/999",
    "0/000.p/1000",
    "0/000.p/01",
    "0/000.p/001",
    "0/000.p/1/",
    "0/000.p/1.p/1",
    "0/000.P/1",
    "0/000.p1",
    "0/000.p/-1",
    "0/x000/x000/001",
    "entries",
    "entries/",
    "entries/0",
    "entries/0/000",
    "entries//000",
    "Entries/000",
    "entries000",
    "entries/000.p/256",
    "0/x009/x223/x372/x036/x854/x775/808",
    "0/x018/x446/x744/x073/x709/x551/615",
    "0/x018/x446/x744/x073/x709/x551/616",
    "0/x999/x999/x999/x999/x999/x999/999",
    "0/x001/x000/x000/x000/x000/x000/x000/000",
};

Test(tile, other_spellings_are_refused) {
    for (size_t i = 0; i < sizeof other_spellings / sizeof other_spellings[0]; i++) {
        struct tile tile = {true, 5, 6, 7};
        cr_assert_eq(tile_parse_path(bytes_text(other_spellings[i]), &tile), STATUS_BAD_FORM, "%s",
                     other_spellings[i]);
        cr_assert(tile.entries && tile.level == 5 && tile.index == 6 && tile.width == 7);
    }
    cr_assert_eq(tile_parse_path(bytes_of("0/000\0", 6), &(struct tile){0}), STATUS_BAD_FORM);
}

/* Every one-byte change of every good path is refused, or is the one spelling of another tile. */
Test(tile, mangled_paths) {
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        uint8_t path[TILE_PATH_MAX];
        size_t len = strlen(paths[i].path);
        memcpy(path, paths[i].path, len);
        for (size_t at = strlen("tile/"); at < len; at++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                struct tile tile;
                uint8_t memory[TILE_PATH_MAX];
                struct writer w;
                path[at] = (uint8_t)byte;
                if (tile_parse_path(bytes_of(path + 5, len - 5), &tile) != STATUS_OK) {
                    continue;
                }
                writer_init(&w, memory, sizeof memory);
                tile_format_path(&w, &tile);
                cr_assert(bytes_equal(writer_view(&w), bytes_of(path, len)));
                cr_assert_eq(same_tile(&tile, &paths[i].tile), byte == (uint8_t)paths[i].path[at]);
            }
            path[at] = (uint8_t)paths[i].path[at];
        }
    }
}

/* tlog-tiles, "Partial tiles": 70,000 entries are 273 full level 0 tiles and one of width 112, one
 * full level 1 tile and one of 17, and a level 2 tile of width 1. */
Test(tile, widths_of_the_example) {
    cr_assert_eq(tile_width_at(0, 272, 70000), 256);
    cr_assert_eq(tile_width_at(0, 273, 70000), 112);
    cr_assert_eq(tile_width_at(0, 274, 70000), 0);
    cr_assert_eq(tile_width_at(1, 0, 70000), 256);
    cr_assert_eq(tile_width_at(1, 1, 70000), 17);
    cr_assert_eq(tile_width_at(1, 2, 70000), 0);
    cr_assert_eq(tile_width_at(2, 0, 70000), 1);
    cr_assert_eq(tile_width_at(2, 1, 70000), 0);
    cr_assert_eq(tile_width_at(3, 0, 70000), 0);
    cr_assert_eq(tile_width_at(0, 0, 256), 256);
    cr_assert_eq(tile_width_at(0, 1, 256), 0);
    cr_assert_eq(tile_width_at(1, 0, 256), 1);
    cr_assert_eq(tile_width_at(0, 0, 0), 0);
    cr_assert_eq(tile_width_at(7, 0, TREE_SIZE_MAX), 64);
    cr_assert_eq(tile_width_at(8, 0, TREE_SIZE_MAX), 0);
    cr_assert_eq(tile_width_at(63, 0, UINT64_MAX), 0);
    cr_assert_eq(tile_width_at(0, UINT64_MAX, UINT64_MAX), 0);
}

/* Widths, counted one by one: hash i of a level-1 tile is there once 256 leaves of it are. */
Test(tile, widths_counted) {
    for (uint64_t size = 0; size < 1400; size++) {
        for (uint64_t index = 0; index < 7; index++) {
            unsigned leaves = 0;
            unsigned blocks = 0;
            for (uint64_t i = 0; i < 256; i++) {
                leaves += index * 256 + i < size;
                blocks += (index * 256 + i + 1) * 256 <= size;
            }
            cr_assert_eq(tile_width_at(0, index, size), leaves);
            cr_assert_eq(tile_width_at(1, index, size), blocks);
        }
    }
}

static void assert_tile_of(struct merkle_node node, uint64_t size, struct tile expected,
                           unsigned first, unsigned count) {
    struct tile tile;
    unsigned got_first;
    unsigned got_count;
    tile_of_node(&node, size, &tile, &got_first, &got_count);
    cr_assert(same_tile(&tile, &expected));
    cr_assert_eq(got_first, first);
    cr_assert_eq(got_count, count);
}

Test(tile, tiles_of_nodes) {
    assert_tile_of((struct merkle_node){0, 0}, 1, (struct tile){false, 0, 0, 1}, 0, 1);
    assert_tile_of((struct merkle_node){0, 300}, 70000, (struct tile){false, 0, 1, 256}, 44, 1);
    assert_tile_of((struct merkle_node){7, 1}, 256, (struct tile){false, 0, 0, 256}, 128, 128);
    assert_tile_of((struct merkle_node){8, 0}, 256, (struct tile){false, 1, 0, 1}, 0, 1);
    assert_tile_of((struct merkle_node){8, 272}, 70000, (struct tile){false, 1, 1, 17}, 16, 1);
    assert_tile_of((struct merkle_node){4, 4367}, 69990, (struct tile){false, 0, 272, 256}, 240,
                   16);
    assert_tile_of((struct merkle_node){16, 0}, 70000, (struct tile){false, 2, 0, 1}, 0, 1);
    assert_tile_of((struct merkle_node){62, 0}, TREE_SIZE_MAX, (struct tile){false, 7, 0, 64}, 0,
                   64);
}

/* Every node of every plan for small trees, computed from its tile, is the hash of its leaves. */
Test(tile, nodes_are_computed_from_tiles) {
    static struct hash leaves[700];
    for (unsigned i = 0; i < 700; i++) {
        uint8_t entry[2] = {(uint8_t)(i >> 8), (uint8_t)i};
        hash_leaf(entry, sizeof entry, &leaves[i]);
    }
    for (uint64_t size = 1; size <= 700; size += size < 20 ? 1 : 37) {
        for (unsigned level = 0; size >> level > 0; level++) {
            for (uint64_t index = 0; index < size >> level; index++) {
                struct merkle_node node = {level, index};
                struct tile tile;
                unsigned first;
                unsigned count;
                tile_of_node(&node, size, &tile, &first, &count);
                uint8_t hashes[TILE_WIDTH * HASH_SIZE];
                for (unsigned i = 0; i < tile.width; i++) {
                    struct hash hash;
                    uint64_t span = (uint64_t)1 << (8 * tile.level);
                    merkle_root_of(&leaves[(tile.index * 256 + i) * span], span, &hash);
                    memcpy(hashes + i * HASH_SIZE, hash.bytes, HASH_SIZE);
                }
                struct hash got;
                struct hash expected;
                tile_node_hash(hashes + first * HASH_SIZE, count, &got);
                merkle_root_of(&leaves[index << level], (size_t)1 << level, &expected);
                cr_assert(hash_equal(&got, &expected));
            }
        }
    }
}

Test(tile, node_outside_the_tree_aborts, .signal = SIGABRT) {
    struct merkle_node node = {3, 1};
    struct tile tile;
    unsigned first;
    unsigned count;
    tile_of_node(&node, 15, &tile, &first, &count);
}
Test(tile, hash_of_three_aborts, .signal = SIGABRT) {
    uint8_t hashes[3 * HASH_SIZE] = {0};
    struct hash out;
    tile_node_hash(hashes, 3, &out);
}

/* --- bundles --- */

Test(tile, bundles_round_trip) {
    static uint8_t memory[3 * (2 + ENTRY_SIZE_MAX)];
    static uint8_t longest[ENTRY_SIZE_MAX];
    memset(longest, 'z', sizeof longest);
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    bundle_put(&w, bytes_text("one"));
    bundle_put(&w, bytes_text(""));
    bundle_put(&w, bytes_of(longest, sizeof longest));
    cr_assert_not(w.failed);
    cr_assert_eq(w.len, 5 + 2 + 2 + ENTRY_SIZE_MAX);
    cr_assert_arr_eq(memory, "\0\003one\0\0\377\377zz", 11);

    struct reader r;
    struct bytes entry;
    reader_init(&r, writer_view(&w));
    cr_assert(bundle_next(&r, &entry) && bytes_equal(entry, bytes_text("one")));
    cr_assert(bundle_next(&r, &entry) && entry.len == 0);
    cr_assert(bundle_next(&r, &entry) && entry.len == ENTRY_SIZE_MAX);
    cr_assert_not(bundle_next(&r, &entry));
    cr_assert(reader_done(&r));
}

Test(tile, truncated_bundles_fail) {
    static const uint8_t bundle[] = "\0\003one\0\0\0\002ab";
    size_t len = sizeof bundle - 1;
    for (size_t cut = 0; cut <= len; cut++) {
        struct reader r;
        struct bytes entry = bytes_text("untouched");
        unsigned count = 0;
        reader_init(&r, bytes_of(bundle, cut));
        while (bundle_next(&r, &entry)) {
            count++;
        }
        bool whole = cut == 0 || cut == 5 || cut == 7 || cut == 11;
        cr_assert_eq(r.failed, !whole);
        cr_assert_eq(count, (unsigned)(cut >= 5) + (cut >= 7) + (cut >= 11));
        cr_assert_not(bundle_next(&r, &entry));
        cr_assert(count > 0 || bytes_equal(entry, bytes_text("untouched")));
    }
}

Test(tile, bundle_that_does_not_fit_fails) {
    uint8_t memory[4];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    bundle_put(&w, bytes_text("one"));
    cr_assert_eq(writer_status(&w), STATUS_TOO_LARGE);
}
Test(tile, entry_too_large_aborts, .signal = SIGABRT) {
    static uint8_t entry[ENTRY_SIZE_MAX + 1];
    static uint8_t memory[2 * ENTRY_SIZE_MAX];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    bundle_put(&w, bytes_of(entry, sizeof entry));
}
