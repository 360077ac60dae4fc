#include "ledger/confirm.h"

#include <assert.h>

bool confirm_stamp(uint64_t stamp_ms, uint64_t quorum_seconds) {
    assert(quorum_seconds <= UINT64_MAX / 1000);
    uint64_t quorum_ms = quorum_seconds * 1000;
    uint64_t apart = stamp_ms > quorum_ms ? stamp_ms - quorum_ms : quorum_ms - stamp_ms;
    return apart <= CONFIRM_WITHIN_MS;
}

uint64_t confirm_time(uint64_t stamp_ms, uint64_t quorum_seconds) {
    return confirm_stamp(stamp_ms, quorum_seconds) ? stamp_ms : quorum_seconds * 1000;
}
