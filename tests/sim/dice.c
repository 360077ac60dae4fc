#include "tests/sim/dice.h"

#include <assert.h>

void dice_init(struct dice *dice, uint64_t seed) {
    dice->state = seed * 0x9e3779b97f4a7c15u + 0x5851f42d4c957f2du;
}

uint64_t dice_roll(struct dice *dice) {
    uint64_t z = dice->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t dice_below(struct dice *dice, uint64_t n) {
    assert(n > 0);
    return dice_roll(dice) % n;
}

uint64_t dice_between(struct dice *dice, uint64_t from, uint64_t to) {
    assert(from <= to);
    return from + dice_below(dice, to - from + 1);
}

bool dice_chance(struct dice *dice, unsigned permille) {
    return dice_below(dice, 1000) < permille;
}
