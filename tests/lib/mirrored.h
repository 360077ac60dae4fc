/* Mirrored logs for tests: the entries of a log, written by an honest or a dishonest host, and a
 * store that holds them, not yet judged. */
#ifndef DUTYLOG_TESTS_LIB_MIRRORED_H
#define DUTYLOG_TESTS_LIB_MIRRORED_H

#include "ledger/accept.h"
#include "ledger/store_memory.h"
#include "tests/lib/world.h"

#define ENTRIES_MAX 256
#define REFUSED_MAX 32

struct entries {
    struct world *world; /* borrowed; owns the bytes */
    struct bytes list[ENTRIES_MAX];
    size_t count;
    uint64_t clock_ms; /* the stamp of what is written next */
    struct {           /* what a judge is to refuse, in order */
        uint64_t index;
        enum status status;
        const char *says;
    } refused[REFUSED_MAX];
    size_t refused_count;
};

void entries_init(struct entries *entries, struct world *world);
void entries_raw(struct entries *entries, struct bytes entry);
/* With its received line. */
void entries_note(struct entries *entries, struct bytes note);
void entries_stamped(struct entries *entries, uint64_t stamp_ms, struct bytes note);
/* The last one is to be refused so, with a text that has `says` in it. */
void entries_refused(struct entries *entries, enum status status, const char *says);
/* What world_start makes. */
void entries_start(struct entries *entries);
/* A log with every sort of entry that acceptance refuses, good ones between. */
void entries_of_a_liar(struct entries *entries);

struct mirrored {
    struct store *store; /* strict, in memory */
    struct log log;
};
/* A store that holds the entries, none judged. */
void mirrored_open(struct mirrored *m, const struct entries *entries);
void mirrored_close(struct mirrored *m);
/* How far it is judged. */
uint64_t mirrored_judged(struct mirrored *m);
/* Judges at most `max` more of the first `size` entries, having prepared the next `prepare` of them
 * before. How far it is judged then. */
uint64_t mirrored_judge(struct mirrored *m, const struct entries *entries, uint64_t size,
                        size_t max, size_t prepare);

#endif
