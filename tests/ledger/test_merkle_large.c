/* Plans, provers and checkers at sizes of which nothing can be stored, and with numbers that no
 * tree has. */
#include "ledger/merkle.h"

#include <criterion/criterion.h>
#include <signal.h>

static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint64_t random_below(uint64_t bound) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % bound;
}

/* Sizes near powers of two as often as any others. */
static uint64_t random_size(void) {
    uint64_t size = (uint64_t)1 << random_below(63);
    switch (random_below(3)) {
    case 0:
        size -= random_below(3) < size ? random_below(2) : 0;
        break;
    case 1:
        size = 1 + random_below(size);
        break;
    default:
        size = size / 2 + random_below(size / 2 + 1);
        break;
    }
    return size == 0 ? 1 : size;
}

static size_t most_nodes;
static size_t most_hashes;

/* The nodes of a plan lie in the tree and do not overlap; the numbers of hashes fit. */
static void note_plan(const struct merkle_plan *plan, uint64_t size,
                      const struct merkle_proof *proof) {
    for (size_t i = 0; i < plan->count; i++) {
        cr_assert_lt(plan->nodes[i].level, 63);
        cr_assert_lt(plan->nodes[i].index, size >> plan->nodes[i].level);
    }
    most_nodes = plan->count > most_nodes ? plan->count : most_nodes;
    most_hashes = proof->count > most_hashes ? proof->count : most_hashes;
}

static void exercise_large(uint64_t a, uint64_t size) {
    static const struct hash read[MERKLE_PLAN_MAX];
    struct merkle_plan plan;
    struct merkle_proof proof;
    merkle_inclusion_plan(a, size, &plan);
    merkle_inclusion_prove(a, size, read, &proof);
    note_plan(&plan, size, &proof);
    merkle_consistency_plan(a + 1, size, &plan);
    merkle_consistency_prove(a + 1, size, read, &proof);
    note_plan(&plan, size, &proof);
    if (a + 1 < size) {
        struct hash m;
        struct hash n;
        merkle_subproof_plan(a + 1, size, &plan);
        merkle_subproof_prove(a + 1, size, read, &proof);
        note_plan(&plan, size, &proof);
        cr_assert(merkle_subproof_roots(a + 1, size, proof.hashes, proof.count, &m, &n));
    }
    uint64_t lowest = a & (~a + 1);
    uint64_t end = a == 0 || lowest > size - a ? size : a + lowest;
    merkle_subtree_plan(a, end, size, &plan);
    merkle_subtree_prove(a, end, size, read, &proof);
    note_plan(&plan, size, &proof);
}

Test(merkle_large, large_trees_stay_within_the_maxima, .timeout = 120) {
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t size = random_size();
        exercise_large(random_below(size), size);
    }
    for (unsigned bit = 0; bit <= 62; bit++) {
        uint64_t power = (uint64_t)1 << bit;
        for (uint64_t size = power - (bit > 0); size <= TREE_SIZE_MAX && size <= power + 1;
             size++) {
            for (unsigned at = 0; at < bit; at++) {
                uint64_t one = (uint64_t)1 << at;
                exercise_large(one - 1, size);
                exercise_large(size - one, size);
            }
            exercise_large(0, size);
            exercise_large(size - 1, size);
        }
    }
    /* The maxima in ledger/merkle.h name these numbers. */
    cr_assert_eq(most_nodes, 123, "most nodes %zu", most_nodes);
    cr_assert_eq(most_hashes, 63, "most hashes %zu", most_hashes);
}

/* A peer's absurd numbers: false, and no assertion. */
Test(merkle_large, checkers_survive_any_numbers) {
    static const uint64_t numbers[] = {0,
                                       1,
                                       2,
                                       3,
                                       UINT64_MAX,
                                       UINT64_MAX - 1,
                                       (uint64_t)1 << 63,
                                       TREE_SIZE_MAX,
                                       TREE_SIZE_MAX + 1,
                                       TREE_SIZE_MAX - 1};
    const size_t many = sizeof numbers / sizeof numbers[0];
    struct hash some[MERKLE_PROOF_MAX] = {{{7}}};
    for (size_t i = 0; i < many * many * many; i++) {
        uint64_t a = numbers[i % many];
        uint64_t b = numbers[i / many % many];
        uint64_t c = numbers[i / many / many];
        for (size_t count = 0; count <= MERKLE_PROOF_MAX; count += 1 + count / 8) {
            cr_assert_not(merkle_inclusion_check(&some[0], a, b, some, count, &some[1]));
            cr_assert_not(merkle_consistency_check(a, &some[0], b, &some[1], some, count));
            cr_assert_not(merkle_subtree_check(a, b, &some[0], c, &some[1], some, count));
            cr_assert_not(merkle_subtree_inclusion_check(&some[0], c, a, b, some, count, &some[1]));
        }
    }
}

/* --- our own bugs abort --- */

Test(merkle_large, plan_of_a_leaf_outside_aborts, .signal = SIGABRT) {
    struct merkle_plan plan;
    merkle_inclusion_plan(5, 5, &plan);
}
Test(merkle_large, plan_of_a_tree_too_large_aborts, .signal = SIGABRT) {
    struct merkle_plan plan;
    merkle_inclusion_plan(5, TREE_SIZE_MAX + 1, &plan);
}
Test(merkle_large, plan_of_consistency_from_nothing_aborts, .signal = SIGABRT) {
    struct merkle_plan plan;
    merkle_consistency_plan(0, 5, &plan);
}
Test(merkle_large, plan_of_an_invalid_subtree_aborts, .signal = SIGABRT) {
    struct merkle_plan plan;
    merkle_subtree_plan(2, 5, 8, &plan);
}
Test(merkle_large, subproof_of_equal_sizes_aborts, .signal = SIGABRT) {
    struct merkle_plan plan;
    merkle_subproof_plan(5, 5, &plan);
}
Test(merkle_large, frontier_beyond_the_largest_tree_aborts, .signal = SIGABRT) {
    struct merkle_frontier f;
    merkle_frontier_init(&f);
    f.size = TREE_SIZE_MAX;
    merkle_frontier_append(&f, &(struct hash){{0}});
}
