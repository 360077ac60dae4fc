/* Measures how long a store's commits take (HISTOGRAM_COMMIT): the core has no clock, so the shell
 * puts itself between. */
#ifndef DUTYLOG_NET_TIMED_STORE_H
#define DUTYLOG_NET_TIMED_STORE_H

#include "ledger/store.h"

/* From now on the store's write transactions are measured. One store per process (asserted unless
 * it is of the same kind). */
void timed_store(struct store *store);

#endif
