/* A way to a node that takes time: a relay on loopback that holds back, in both directions, what it
 * reads. Threads of the benchmark's own; they end with it. */
#ifndef DUTYLOG_BENCH_FAR_H
#define DUTYLOG_BENCH_FAR_H

#include <stddef.h>
#include <stdint.h>

struct far;

/* `url` is the relay's. For the rest of the process. */
struct far *far_open(uint16_t port, char *url, size_t cap);
/* Milliseconds in each direction, from now on. */
void far_delay(struct far *far, unsigned ms);

#endif
