/* Every small damage to some bytes: each truncation, each byte replaced by each other value, each
 * byte removed, each two neighbours swapped, and at each place a byte inserted that means something
 * to our formats. What equals the original is left out.
 *
 *     struct mangle m;
 *     struct bytes damaged;
 *     mangle_init(&m, original);
 *     while (mangle_next(&m, &damaged)) { ... m.kind, m.position, m.value say which it is ... }
 */
#ifndef DUTYLOG_TESTS_LIB_MANGLE_H
#define DUTYLOG_TESTS_LIB_MANGLE_H

#include "ledger/bytes.h"

#define MANGLE_SIZE_MAX 8192

enum mangle_kind {
    MANGLE_TRUNCATE,
    MANGLE_REPLACE,
    MANGLE_REMOVE,
    MANGLE_SWAP,
    MANGLE_INSERT,
    MANGLE_END,
};

struct mangle {
    struct bytes original; /* borrowed */
    enum mangle_kind kind; /* of the damage last given out, as are the next two */
    size_t position;
    uint8_t value;
    enum mangle_kind next_kind;
    size_t next_position;
    unsigned next_value;
    uint8_t memory[MANGLE_SIZE_MAX + 1];
};

/* The original has at most MANGLE_SIZE_MAX bytes. */
void mangle_init(struct mangle *m, struct bytes original);
/* The next damaged copy, borrowed from `m` until the next call; false after the last. */
bool mangle_next(struct mangle *m, struct bytes *damaged);

#endif
