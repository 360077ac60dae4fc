/* Runs drawn from a seed: which nodes, which faults and how often, who is dishonest and how. Then
 * the faults stop, and all must converge. */
#ifndef DUTYLOG_TESTS_SIM_SWARM_H
#define DUTYLOG_TESTS_SIM_SWARM_H

#include "tests/sim/sim.h"

/* Runs the seed to its end. The caller looks at sim->failed, and frees it. */
struct sim *swarm_run(uint64_t seed, bool trace);

#endif
