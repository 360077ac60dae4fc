/* Bounds: what this machine gives to a figure at most, measured beside it. */
#ifndef DUTYLOG_BENCH_BOUNDS_H
#define DUTYLOG_BENCH_BOUNDS_H

#include "tests/bench/bench.h"

/* Ed25519 verifications of a message as long as an event, per second, on `threads` cores at once.
 */
double bound_verify(unsigned threads);
/* SHA-256 in MB/s, and of Merkle nodes (two hashes) per second, on `threads` cores. */
double bound_hash_megabytes(unsigned threads);
double bound_hash_nodes(unsigned threads);
/* Seconds that it takes to append 4 KiB to a file and fdatasync it: the median over `count` times,
 * in each of `processes` processes with a file of its own. */
double bound_fsync(const struct bench *bench, unsigned processes, unsigned count);

#endif
