/* Comparing two lists row by row (specs/lists.md#comparing). */
#ifndef DUTYLOG_TOOLS_RECONCILE_H
#define DUTYLOG_TOOLS_RECONCILE_H

#include "tools/rows.h"

/* What became of a row. */
enum fate {
    FATE_SAME,
    FATE_LOWER,  /* changed in place: the outcome is less grave than it was */
    FATE_HIGHER, /* ... graver */
    FATE_MIXED,  /* ... both, or it cannot be said which */
    FATE_FULLER, /* ... what was said is said still, and more of it: no other outcome */
    FATE_OTHER,  /* ... in cells that are no outcome */
    FATE_ABSENT,
    FATE_NEW,
    FATE_COUNT
};
/* "same", "lower", ... Static. */
const char *fate_name(enum fate fate);

/* Whether the officer is on the roster of the later day. */
enum serving { SERVING_UNKNOWN, SERVING_YES, SERVING_NO, SERVING_COUNT };

/* "unknown", "serving", "left". Static. */
const char *serving_name(enum serving serving);

struct reconciled {
    enum fate fate;
    enum serving serving; /* of an absent row */
    struct bytes old;     /* leaf, in A; empty if new */
    struct bytes new;     /* leaf, in B; empty if absent */
};

/* Who serves: the persons of a list that names them, in normal form and sorted. */
struct roster {
    struct buffer text;
    struct bytes *persons;
    size_t count;
};
/* Reads the column `column` (NULL: that of the mapping's person) of a CSV file. The mapping must
 * name a person. Release with roster_close, also after a failure. */
enum status roster_read(struct roster *roster, const char *path, const char *column,
                        const struct list_map *map, struct refusal *why) MUST_USE;
void roster_close(struct roster *roster);

/* Calls back for every row that is not the same in both, in bytewise order of keys; of one key the
 * changed ones first. Returns how many rows are the same. `map` may be NULL: then a change is
 * FATE_OTHER; `roster` may be NULL. BAD_MEMBER: a leaf without the cells that the mapping has. */
enum status reconcile(const struct rows *a, const struct rows *b, const struct list_map *map,
                      const struct roster *roster,
                      void (*each)(void *context, const struct reconciled *row), void *context,
                      size_t *same, struct refusal *why) MUST_USE;

#endif
