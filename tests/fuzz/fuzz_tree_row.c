/* What the store keeps of a tree, as a damaged disk might return it: the head, and pieces of
 * blocks. The first byte says where in its block a piece begins. */
#include "ledger/tree_layout.h"
#include "tests/fuzz/fuzz.h"

static void check_head(struct bytes value) {
    struct tree_row row;
    uint8_t memory[TREE_ROW_MAX];
    struct writer w;
    if (tree_row_parse(value, &row) != STATUS_OK) {
        return;
    }
    writer_init(&w, memory, sizeof memory);
    tree_row_format(&w, &row);
    fuzz_same(&w, value);
}

static void check_piece(struct bytes value, unsigned first) {
    struct piece piece;
    if (piece_parse(value, first, &piece) != STATUS_OK) {
        return;
    }
    assert(piece.count >= 1 && first + piece.count <= TILE_WIDTH);
    assert(piece.hashes.len == piece.count * (size_t)HASH_SIZE);
    assert(piece_size(piece.count, piece.bundle.len) == value.len);
    assert(piece.bundle.len == 0 || piece.bundle.data + piece.bundle.len == value.data + value.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    check_head(bytes_of(data, size));
    if (size > 0) {
        check_piece(bytes_of(data + 1, size - 1), data[0]);
    }
    return 0;
}
