/* .rows files: what is taken is sorted, has the root that it says, and each of its rows is proved
 * to be in it. */
#include "tests/fuzz/fuzz.h"
#include "tools/rows.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct rows rows;
    static struct absence_leaf leaf;
    struct refusal why = {.text = ""};
    rows_init(&rows);
    if (rows_read_bytes(&rows, bytes_of(data, size), &why) != STATUS_OK) {
        assert(why.text[0] != '\0');
        rows_close(&rows);
        return 0;
    }
    assert(rows.about.count == rows.count);
    for (size_t i = 0; i < rows.count; i++) {
        assert(i == 0 || bytes_compare(rows.leaves[i - 1], rows.leaves[i]) <= 0);
        assert(rows_lower_bound(&rows, rows.leaves[i]) <= i);
        rows_prove(&rows, i, &leaf);
        assert(leaf.index == i && bytes_equal(leaf.text, rows.leaves[i]));
    }
    rows_close(&rows);
    return 0;
}
