/* The simulator's only source of chance: a small generator (splitmix64), so that a seed gives the
 * same run on every machine. */
#ifndef DUTYLOG_TESTS_SIM_DICE_H
#define DUTYLOG_TESTS_SIM_DICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

void dice_init(struct dice *dice, uint64_t seed);
uint64_t dice_roll(struct dice *dice);
/* From 0 to n - 1; n > 0. */
uint64_t dice_below(struct dice *dice, uint64_t n);
/* From `from` to `to`, both included. */
uint64_t dice_between(struct dice *dice, uint64_t from, uint64_t to);
/* True `permille` times in a thousand. */
bool dice_chance(struct dice *dice, unsigned permille);

#endif
