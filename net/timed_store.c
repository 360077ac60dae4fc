#include "net/timed_store.h"

#include "net/histogram.h"

#include <assert.h>
#include <stddef.h>

static const struct store_ops *inner;
static struct store_ops timed;

static enum status timed_commit(struct store_txn *txn) {
    uint64_t begun = histogram_clock();
    enum status status = inner->commit(txn);
    if (status == STATUS_OK) {
        histogram_observe(HISTOGRAM_COMMIT, histogram_clock() - begun);
    }
    return status;
}

void timed_store(struct store *store) {
    if (store->ops == &timed) {
        return;
    }
    assert(inner == NULL || inner == store->ops);
    inner = store->ops;
    timed = *inner;
    timed.commit = timed_commit;
    store->ops = &timed;
}
