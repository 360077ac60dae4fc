/* The confirmed time of an event (design G7, specs/event.md#time), from its stamp and the time at
 * which a quorum held it. One rule for who verifies a receipt, who shows a case, and who decides
 * which checkpoints are kept. Pure. */
#ifndef DUTYLOG_LEDGER_CONFIRM_H
#define DUTYLOG_LEDGER_CONFIRM_H

#include <stdbool.h>
#include <stdint.h>

#define CONFIRM_WITHIN_MS ((uint64_t)3600 * 1000)

/* True if stamp and quorum are at most an hour apart, whichever comes first: the stamp counts. */
bool confirm_stamp(uint64_t stamp_ms, uint64_t quorum_seconds);
/* The stamp if it counts, else the quorum's time; milliseconds. Never falls as `quorum_seconds`
 * grows. Asserts that the quorum's time can be said in milliseconds. */
uint64_t confirm_time(uint64_t stamp_ms, uint64_t quorum_seconds);

#endif
