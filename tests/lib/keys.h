/* Keys for tests: the same name and type always give the same key. */
#ifndef DUTYLOG_TESTS_LIB_KEYS_H
#define DUTYLOG_TESTS_LIB_KEYS_H

#include "ledger/vkey.h"

/* Its seed is SHA-256 of the name. */
struct signer test_signer(const char *name, enum vkey_type type);

#endif
