/* Absence files: their form, the leaves in them, and what they prove against lists of their own
 * making: never that a key is absent from a list that has it. */
#include "ledger/absence.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

/* A list of one row, that of the first leaf: whatever stands around it, its key is not absent. */
static void check_proof(const struct absence *absence) {
    struct observed lists[2] = {{.list = "list", .observed = "2023-09-01T00:00:00Z", .count = 1},
                                {.list = "list", .observed = "2023-09-20T00:00:00Z", .count = 1}};
    struct refusal why;
    hash_leaf(absence->row.text.data, absence->row.text.len, &lists[0].root);
    lists[1].root = lists[0].root;
    assert(absence_check(absence, lists, &why) != STATUS_OK);
    if (absence->around_count > 0) {
        hash_leaf(absence->around[0].text.data, absence->around[0].text.len, &lists[1].root);
        bool same = list_begins(absence->around[0].text, list_prefix(absence->row.text));
        assert(absence_check(absence, lists, &why) != STATUS_OK || !same);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct absence absence;
    struct bytes input = bytes_of(data, size);
    struct refusal why;
    struct writer w;
    if (absence_parse(input, &absence, &why) != STATUS_OK) {
        return 0;
    }
    uint8_t *memory = malloc(size);
    assert(memory != NULL);
    writer_init(&w, memory, size);
    absence_format(&w, &absence);
    fuzz_same(&w, input);
    free(memory);
    struct bytes prefix = list_prefix(absence.row.text);
    assert(list_begins(absence.row.text, prefix) && prefix.len < absence.row.text.len);
    check_proof(&absence);
    return 0;
}
