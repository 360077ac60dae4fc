/* Paths of tiles and bundles: one spelling each. */
#include "ledger/tile.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct tile tile;
    uint8_t memory[TILE_PATH_MAX];
    struct writer w;
    if (tile_parse_path(bytes_of(data, size), &tile) != STATUS_OK) {
        return 0;
    }
    assert(tile.width >= 1 && tile.width <= TILE_WIDTH && tile.level < 64);
    writer_init(&w, memory, sizeof memory);
    tile_format_path(&w, &tile);
    assert(!w.failed && bytes_starts_with(writer_view(&w), "tile/"));
    assert(bytes_equal(bytes_of(memory + 5, w.len - 5), bytes_of(data, size)));
    return 0;
}
