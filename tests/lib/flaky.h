/* A store around another, one call of which fails: so that a test can fail every call in turn.
 *
 *     for (flaky.fail_at = 1;; flaky.fail_at++) {
 *         flaky.calls = 0;
 *         ... do it ...
 *         if (flaky.calls < flaky.fail_at) break;      it went through without failing
 *         ... it said STORE_FAILED, and changed nothing ...
 *     } */
#ifndef DUTYLOG_TESTS_LIB_FLAKY_H
#define DUTYLOG_TESTS_LIB_FLAKY_H

#include "ledger/store.h"

struct flaky {
    struct store store;  /* to be used in the other's place */
    struct store *inner; /* borrowed */
    uint64_t fail_at;    /* which call fails with STORE_FAILED, from 1; 0: none */
    uint64_t calls;      /* get, put, reserve, remove, seek, seek_back so far */
};

/* Asserts at commit that no call of the transaction failed: whoever ignores a failure is caught. */
void flaky_init(struct flaky *flaky, struct store *inner);

#endif
