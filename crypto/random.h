/* The system's cryptographic randomness. For tools/ and net/ only: the core in ledger/ takes its
 * randomness as an argument, and `make layers` fails if a core object refers to this. */
#ifndef DUTYLOG_CRYPTO_RANDOM_H
#define DUTYLOG_CRYPTO_RANDOM_H

#include <stddef.h>

void random_fill(void *out, size_t len);

#endif
