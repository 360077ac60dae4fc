#include "tests/bench/entries.h"

#include "ledger/store_lmdb.h"
#include "tests/bench/bounds.h"
#include "tests/bench/nodes.h"

#include <string.h>

void entry_fill(uint8_t entry[ENTRY_SIZE], uint64_t index) {
    uint64_t state = index;
    for (size_t i = 0; i < ENTRY_SIZE; i += 8) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        memcpy(entry + i, &state, 8);
    }
}

struct store *entries_store(const char *path, bool no_sync) {
    struct store_lmdb_options options = {.no_sync = no_sync};
    struct refusal why;
    struct store *store = NULL;
    folder_clear(path);
    bench_must(store_lmdb_open(path, &options, &store, &why) == STATUS_OK, "%s", why.text);
    return store;
}

void entries_register(struct store *store, const struct vkey *vkey, uint32_t flags,
                      struct log *out) {
    struct store_txn *txn = NULL;
    struct refusal why;
    bench_must(store_begin(store, STORE_WRITE, &txn) == STATUS_OK, "cannot write the store");
    bench_must(logs_register(txn, vkey, flags, out, &why) == STATUS_OK, "%s", why.text);
    bench_must(store_commit(txn) == STATUS_OK, "cannot write the store");
}

/* SHA-256 takes blocks of 64 bytes, the last with at least 9 of padding; the prefix byte is one. */
static double hashed_bytes(size_t len) {
    return (double)((len + 1 + 9 + 63) / 64 * 64);
}

double bound_entries(unsigned threads) {
    double bytes = hashed_bytes(ENTRY_SIZE) + hashed_bytes(2 * HASH_SIZE);
    return bound_hash_megabytes(threads) * 1e6 / bytes;
}
