/* What a folder that was old once remembers of logs that it does not know. */
#include "ledger/guard.h"
#include "ledger/store_memory.h"
#include "tests/lib/check.h"

#include <criterion/criterion.h>

Test(guard_new, is_remembered) {
    struct store *store;
    struct store_txn *txn;
    bool holds = true;
    CHECK_OK(store_memory_open(NULL, &store));
    CHECK_OK(store_begin(store, STORE_WRITE, &txn));
    CHECK_OK(guard_holds_new(txn, &holds));
    cr_assert_not(holds);
    CHECK_OK(guard_hold_new(txn));
    CHECK_OK(store_commit(txn));
    CHECK_OK(store_begin(store, STORE_READ, &txn));
    CHECK_OK(guard_holds_new(txn, &holds));
    cr_assert(holds);
    store_abort(txn);
    store_memory_close(store);
}
