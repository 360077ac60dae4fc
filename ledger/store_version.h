/* One state of the simulator's store (ledger/store_memory.h, its only user): a sorted map that
 * shares with its copies whatever did not change.
 *
 * A version is a sorted array of leaves, a leaf a sorted array of pairs; all three are counted
 * references. What has more than one holder never changes: a change first copies the version's
 * array of leaves, and the leaf, if they are shared. Two levels are enough: the simulator's stores
 * hold thousands of pairs, not billions. */
#ifndef DUTYLOG_LEDGER_STORE_VERSION_H
#define DUTYLOG_LEDGER_STORE_VERSION_H

#include "ledger/bytes.h"

struct pair {
    unsigned refs;
    size_t key_len;
    size_t value_len;
    uint8_t data[]; /* the key, then the value */
};

struct leaf;

#define VERSION_HINTS 16

struct version {
    unsigned refs;
    size_t pairs;
    size_t bytes; /* of keys and values */
    size_t count;
    size_t cap;
    struct leaf **leaves;
    size_t hints[VERSION_HINTS]; /* by a key's first byte, the leaf last found: tried first */
};

/* Holds and releases one reference; the last release frees. NULL may be released. */
struct pair *pair_hold(struct pair *p);
void pair_release(struct pair *p);
struct version *version_hold(struct version *v);
void version_release(struct version *v);

/* An empty version, and one with the same content as another; one reference, the caller's. NULL:
 * out of memory. */
struct version *version_new(void);
struct version *version_copy(const struct version *from);

/* The pair of the key; the first whose key is >= `from`; the last whose key is <= `from`. Borrowed
 * from the version; NULL: none. */
const struct pair *version_find(struct version *v, struct bytes key);
const struct pair *version_seek(struct version *v, struct bytes from);
const struct pair *version_seek_back(struct version *v, struct bytes from);

/* Puts a pair with room for `len` bytes of value, to be filled by the caller. The caller's
 * reference `*v` is replaced by one to a copy if the version is shared. FULL: the bytes would
 * exceed `max_bytes`. NOMEM. On failure the content is as before. */
enum status version_put(struct version **v, struct bytes key, size_t len, size_t max_bytes,
                        struct pair **out) MUST_USE;
/* NOT_FOUND. NOMEM. */
enum status version_remove(struct version **v, struct bytes key) MUST_USE;

#endif
