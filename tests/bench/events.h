/* A log of events with many desks that write in it, and their events made and signed beforehand, so
 * that making them is not what is measured. */
#ifndef DUTYLOG_BENCH_EVENTS_H
#define DUTYLOG_BENCH_EVENTS_H

#include "tests/bench/load.h"
#include "tests/bench/nodes.h"
#include "tests/lib/world.h"

#define DESKS_MAX LOAD_STREAMS_MAX
#define EVENT_ROOM 768 /* an event of a desk takes less */

struct desk {
    struct signer signer;
    uint64_t seq; /* of the last event made */
    struct hash head;
    uint64_t made;
};

struct desks {
    struct world world; /* the log's key, its authorities, its mirrors */
    struct desk desks[DESKS_MAX];
    size_t count;
    struct bytes start[DESKS_MAX + 3]; /* what opens the log, in order */
    size_t start_count;
};

/* Makes the log's beginning: log.opened, log.policy of 2 of 3 if `urls` (of the mirrors) are given,
 * the enrolments of the agency and of `count` desks. */
void desks_init(struct desks *desks, const char *origin, size_t count,
                const char *const urls[WORLD_MIRRORS]);
void desks_release(struct desks *desks);
/* Sends the beginning to a node and checks that it is taken. */
void desks_open_log(struct desks *desks, const struct bench_node *node);

/* The next event of a desk: a final finding with a body, about 560 bytes. With `sign` false its
 * signature is 64 zeros: for filling a store without the time that a million signatures take. Its
 * length. */
size_t desk_event(const struct desks *desks, struct desk *desk, bool sign, uint8_t *out,
                  size_t cap);

/* For each desk, `requests` requests of `events` events each (1: text/plain), on all cores. Request
 * i of desk d is due after (i * count + d) * step_ns. */
void desks_fill(struct desks *desks, struct load *load, unsigned cores, size_t requests,
                size_t events, uint64_t step_ns);
void desks_discard(struct load *load);

#endif
