/* The Merkle code against an independent one: RFC 6962 section 2.1 and section 4.4 of the subtree
 * draft, recursive as they are written there. */
#include "ledger/merkle.h"

#include <criterion/criterion.h>
#include <string.h>

#define SIZE_MAX_TESTED 300

static struct hash leaves[SIZE_MAX_TESTED];

static void fill_leaves(void) {
    for (unsigned i = 0; i < SIZE_MAX_TESTED; i++) {
        uint8_t entry[2] = {(uint8_t)(i >> 8), (uint8_t)i};
        hash_leaf(entry, sizeof entry, &leaves[i]);
    }
}

/* --- the naive definitions --- */

static uint64_t naive_split(uint64_t n) {
    uint64_t k = 1;
    while (2 * k < n) {
        k *= 2;
    }
    return k;
}

/* MTH(D[start:end]) */
static struct hash naive_root(uint64_t start, uint64_t end) {
    struct hash root;
    if (start == end) {
        hash_of("", 0, &root);
        return root;
    }
    if (end - start == 1) {
        return leaves[start];
    }
    uint64_t k = naive_split(end - start);
    struct hash left = naive_root(start, start + k);
    struct hash right = naive_root(start + k, end);
    uint8_t joined[1 + 2 * HASH_SIZE] = {1};
    memcpy(joined + 1, left.bytes, HASH_SIZE);
    memcpy(joined + 1 + HASH_SIZE, right.bytes, HASH_SIZE);
    hash_of(joined, sizeof joined, &root);
    return root;
}

static void naive_push(struct merkle_proof *proof, struct hash hash) {
    proof->hashes[proof->count++] = hash;
}

/* PATH(m, D[low:high]) */
static void naive_path(uint64_t m, uint64_t low, uint64_t high, struct merkle_proof *proof) {
    if (high - low == 1) {
        return;
    }
    uint64_t k = naive_split(high - low);
    if (m < k) {
        naive_path(m, low, low + k, proof);
        naive_push(proof, naive_root(low + k, high));
    } else {
        naive_path(m - k, low + k, high, proof);
        naive_push(proof, naive_root(low, low + k));
    }
}

/* RFC 6962: SUBPROOF(m, D[low:high], b) */
static void naive_subproof(uint64_t m, uint64_t low, uint64_t high, bool b,
                           struct merkle_proof *proof) {
    if (m == high - low) {
        if (!b) {
            naive_push(proof, naive_root(low, high));
        }
        return;
    }
    uint64_t k = naive_split(high - low);
    if (m <= k) {
        naive_subproof(m, low, low + k, b, proof);
        naive_push(proof, naive_root(low + k, high));
    } else {
        naive_subproof(m - k, low + k, high, false, proof);
        naive_push(proof, naive_root(low, low + k));
    }
}

/* The draft: SUBTREE_SUBPROOF(start, end, D[low:high], b), start and end relative to low. */
static void naive_subtree(uint64_t start, uint64_t end, uint64_t low, uint64_t high, bool b,
                          struct merkle_proof *proof) {
    if (start == 0 && end == high - low) {
        if (!b) {
            naive_push(proof, naive_root(low, high));
        }
        return;
    }
    uint64_t k = naive_split(high - low);
    if (end <= k) {
        naive_subtree(start, end, low, low + k, b, proof);
        naive_push(proof, naive_root(low + k, high));
    } else if (k <= start) {
        naive_subtree(start - k, end - k, low + k, high, b, proof);
        naive_push(proof, naive_root(low, low + k));
    } else {
        naive_subtree(0, end - k, low + k, high, false, proof);
        naive_push(proof, naive_root(low, low + k));
    }
}

static uint64_t naive_bit_ceil(uint64_t n) {
    uint64_t power = 1;
    while (power < n) {
        power *= 2;
    }
    return power;
}

/* --- helpers --- */

/* What a store does: the hash of each node of a plan. */
static void read_plan(const struct merkle_plan *plan, struct hash *out) {
    for (size_t i = 0; i < plan->count; i++) {
        const struct merkle_node *node = &plan->nodes[i];
        out[i] = naive_root(node->index << node->level, (node->index + 1) << node->level);
    }
}

static void assert_same(const struct merkle_proof *a, const struct merkle_proof *b) {
    cr_assert_eq(a->count, b->count);
    cr_assert_arr_eq(a->hashes, b->hashes, a->count * sizeof a->hashes[0]);
}

/* One question to a checker, so that all are mangled by one function. */
struct question {
    enum { INCLUSION, CONSISTENCY, SUBTREE, SUBTREE_INCLUSION } what;
    uint64_t a, b, c;
    struct hash inner, outer;
};

static bool ask(const struct question *q, const struct merkle_proof *p) {
    switch (q->what) {
    case INCLUSION:
        return merkle_inclusion_check(&q->inner, q->a, q->c, p->hashes, p->count, &q->outer);
    case CONSISTENCY:
        return merkle_consistency_check(q->a, &q->inner, q->c, &q->outer, p->hashes, p->count);
    case SUBTREE:
        return merkle_subtree_check(q->a, q->b, &q->inner, q->c, &q->outer, p->hashes, p->count);
    case SUBTREE_INCLUSION:
    default:
        return merkle_subtree_inclusion_check(&q->inner, q->c, q->a, q->b, p->hashes, p->count,
                                              &q->outer);
    }
}

static void flip(struct hash *hash, unsigned bit) {
    hash->bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
}

/* Flips one bit of each hash in turn: every bit if `step` is 1. */
static void assert_bits_matter(const struct question *q, const struct merkle_proof *p,
                               unsigned step) {
    struct merkle_proof bad = *p;
    for (size_t i = 0; i < p->count; i++) {
        for (unsigned bit = (unsigned)(q->a + i) % step; bit < 256; bit += step) {
            flip(&bad.hashes[i], bit);
            cr_assert_not(ask(q, &bad));
            flip(&bad.hashes[i], bit);
        }
    }
    struct question wrong = *q;
    for (unsigned bit = (unsigned)q->a % step; bit < 256; bit += step) {
        flip(&wrong.inner, bit);
        cr_assert_not(ask(&wrong, p));
        flip(&wrong.inner, bit);
        flip(&wrong.outer, bit);
        cr_assert_not(ask(&wrong, p));
        flip(&wrong.outer, bit);
    }
}

/* Drops each hash, adds one at each place, swaps neighbours. */
static void assert_count_and_order_matter(const struct question *q, const struct merkle_proof *p) {
    struct merkle_proof bad;
    for (size_t i = 0; i < p->count; i++) {
        bad = *p;
        memmove(&bad.hashes[i], &bad.hashes[i + 1], (p->count - i - 1) * sizeof bad.hashes[0]);
        bad.count--;
        cr_assert_not(ask(q, &bad));
    }
    for (size_t i = 0; i <= p->count; i++) {
        bad = *p;
        memmove(&bad.hashes[i + 1], &bad.hashes[i], (p->count - i) * sizeof bad.hashes[0]);
        bad.hashes[i] = i % 2 == 0 ? q->outer : q->inner;
        bad.count++;
        cr_assert_not(ask(q, &bad));
    }
    for (size_t i = 0; i + 1 < p->count; i++) {
        bad = *p;
        bad.hashes[i] = p->hashes[i + 1];
        bad.hashes[i + 1] = p->hashes[i];
        cr_assert_not(ask(q, &bad));
    }
}

static void assert_only_this(const struct question *q, const struct merkle_proof *p,
                             unsigned step) {
    cr_assert(ask(q, p));
    assert_bits_matter(q, p, step);
    assert_count_and_order_matter(q, p);
}

TestSuite(merkle, .init = fill_leaves);

/* --- roots and the frontier --- */

Test(merkle, roots_and_frontier_are_the_definition) {
    struct merkle_frontier f;
    merkle_frontier_init(&f);
    for (uint64_t size = 0; size <= SIZE_MAX_TESTED; size++) {
        struct hash expected = naive_root(0, size);
        struct hash got;
        merkle_frontier_root(&f, &got);
        cr_assert(hash_equal(&got, &expected));
        merkle_root_of(leaves, size, &got);
        cr_assert(hash_equal(&got, &expected));

        struct merkle_plan plan;
        struct hash read[MERKLE_PLAN_MAX];
        merkle_root_plan(0, size, &plan);
        read_plan(&plan, read);
        cr_assert_eq(plan.count, merkle_frontier_count(&f));
        cr_assert_arr_eq(read, f.nodes, plan.count * sizeof read[0]);
        merkle_root_compute(read, plan.count, &got);
        cr_assert(hash_equal(&got, &expected));
        if (size < SIZE_MAX_TESTED) {
            merkle_frontier_append(&f, &leaves[size]);
        }
    }
}

/* The empty tree, and one of seven leaves (the entries are 00 00 to 00 06): values computed apart,
 * with Python's hashlib. */
Test(merkle, known_roots) {
    struct hash root;
    static const uint8_t empty[32] = {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14,
                                      0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
                                      0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c,
                                      0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55};
    merkle_root_of(NULL, 0, &root);
    cr_assert_arr_eq(root.bytes, empty, sizeof empty);
    static const uint8_t seven[32] = {0xe9, 0x9d, 0xfb, 0xba, 0xa8, 0xe2, 0x6d, 0x67,
                                      0xfc, 0xb8, 0x75, 0x03, 0xfb, 0x6a, 0xe1, 0x0d,
                                      0x2f, 0x26, 0xe4, 0x22, 0xe2, 0x12, 0x1a, 0xb6,
                                      0x76, 0xf6, 0x30, 0xe0, 0x59, 0x5b, 0xbb, 0x95};
    merkle_root_of(leaves, 7, &root);
    cr_assert_arr_eq(root.bytes, seven, sizeof seven);
}

Test(merkle, roots_of_subtrees) {
    for (uint64_t start = 0; start < 128; start++) {
        for (uint64_t end = start; end <= 128; end++) {
            bool valid = start < end && start % naive_bit_ceil(end - start) == 0;
            cr_assert_eq(merkle_subtree_valid(start, end), valid);
            if (!valid && start != end) {
                continue;
            }
            struct merkle_plan plan;
            struct hash read[MERKLE_PLAN_MAX];
            struct hash got;
            merkle_root_plan(start, end, &plan);
            for (size_t i = 1; i < plan.count; i++) {
                cr_assert_lt(plan.nodes[i].level, plan.nodes[i - 1].level);
            }
            read_plan(&plan, read);
            merkle_root_compute(read, plan.count, &got);
            struct hash expected = naive_root(start, end);
            cr_assert(hash_equal(&got, &expected));
        }
    }
    cr_assert_not(merkle_subtree_valid(1, 0));
    cr_assert_not(merkle_subtree_valid(UINT64_MAX, 0));
    cr_assert(merkle_subtree_valid(0, UINT64_MAX));
    cr_assert(merkle_subtree_valid((uint64_t)1 << 63, UINT64_MAX));
    cr_assert_not(merkle_subtree_valid((uint64_t)1 << 62, UINT64_MAX));
}

/* --- inclusion --- */

static void prove_inclusion(uint64_t index, uint64_t size, struct merkle_proof *proof) {
    struct merkle_plan plan;
    struct hash read[MERKLE_PLAN_MAX];
    merkle_inclusion_plan(index, size, &plan);
    read_plan(&plan, read);
    merkle_inclusion_prove(index, size, read, proof);
}

static void check_inclusion(uint64_t index, uint64_t size, unsigned step) {
    struct merkle_proof proof;
    struct merkle_proof expected = {.count = 0};
    prove_inclusion(index, size, &proof);
    naive_path(index, 0, size, &expected);
    assert_same(&proof, &expected);
    struct question q = {INCLUSION, index, 0, size, leaves[index], naive_root(0, size)};
    assert_only_this(&q, &proof, step);
    for (uint64_t other = 0; other <= size; other++) {
        q.a = other;
        cr_assert_eq(ask(&q, &proof), other == index);
    }
}

Test(merkle, every_leaf_of_every_tree_is_proved, .timeout = 120) {
    for (uint64_t size = 1; size <= SIZE_MAX_TESTED; size++) {
        for (uint64_t index = 0; index < size; index++) {
            struct merkle_proof proof;
            prove_inclusion(index, size, &proof);
            struct hash root = naive_root(0, size);
            cr_assert(merkle_inclusion_check(&leaves[index], index, size, proof.hashes, proof.count,
                                             &root));
        }
    }
}
Test(merkle, inclusion_takes_exactly_its_proof, .timeout = 120) {
    for (uint64_t size = 1; size <= 100; size++) {
        for (uint64_t index = 0; index < size; index++) {
            check_inclusion(index, size, 61);
        }
    }
}
Test(merkle, inclusion_every_bit, .timeout = 120) {
    for (uint64_t size = 1; size <= 24; size++) {
        for (uint64_t index = 0; index < size; index++) {
            check_inclusion(index, size, 1);
        }
    }
    for (uint64_t index = 0; index < SIZE_MAX_TESTED; index += 23) {
        check_inclusion(index, SIZE_MAX_TESTED, 1);
    }
}

/* --- consistency --- */

static void check_consistency(uint64_t old_size, uint64_t new_size, unsigned step) {
    struct merkle_plan plan;
    struct hash read[MERKLE_PLAN_MAX];
    struct merkle_proof proof;
    struct merkle_proof expected = {.count = 0};
    merkle_consistency_plan(old_size, new_size, &plan);
    read_plan(&plan, read);
    merkle_consistency_prove(old_size, new_size, read, &proof);
    naive_subproof(old_size, 0, new_size, true, &expected);
    assert_same(&proof, &expected);
    struct question q = {
        CONSISTENCY, old_size, 0, new_size, naive_root(0, old_size), naive_root(0, new_size)};
    assert_only_this(&q, &proof, step);
    for (uint64_t other = 0; other <= new_size + 1; other++) {
        q.a = other;
        cr_assert_eq(ask(&q, &proof), other == old_size);
    }
}

Test(merkle, consistency_of_every_pair, .timeout = 120) {
    for (uint64_t new_size = 1; new_size <= 100; new_size++) {
        for (uint64_t old_size = 1; old_size <= new_size; old_size++) {
            check_consistency(old_size, new_size, new_size <= 20 ? 1 : 61);
        }
    }
}

Test(merkle, nothing_is_consistent_with_the_empty_tree) {
    struct hash empty;
    hash_empty(&empty);
    struct hash root = naive_root(0, 5);
    cr_assert_not(merkle_consistency_check(0, &empty, 5, &root, NULL, 0));
    cr_assert_not(merkle_consistency_check(0, &empty, 5, &root, &root, 1));
    cr_assert_not(merkle_consistency_check(0, &empty, 0, &empty, NULL, 0));
}

/* --- subtrees --- */

static void check_subtree(uint64_t start, uint64_t end, uint64_t size, unsigned step) {
    struct merkle_plan plan;
    struct hash read[MERKLE_PLAN_MAX];
    struct merkle_proof proof;
    struct merkle_proof expected = {.count = 0};
    merkle_subtree_plan(start, end, size, &plan);
    read_plan(&plan, read);
    merkle_subtree_prove(start, end, size, read, &proof);
    naive_subtree(start, end, 0, size, true, &expected);
    assert_same(&proof, &expected);
    struct question q = {SUBTREE, start, end, size, naive_root(start, end), naive_root(0, size)};
    assert_only_this(&q, &proof, step);
}

Test(merkle, every_valid_subtree, .timeout = 120) {
    for (uint64_t size = 1; size <= 70; size++) {
        for (uint64_t start = 0; start < size; start++) {
            for (uint64_t end = start + 1; end <= size; end++) {
                if (merkle_subtree_valid(start, end)) {
                    check_subtree(start, end, size, size <= 12 ? 1 : 97);
                }
            }
        }
    }
}

/* An invalid, empty, inverted or outside subtree is refused whatever the proof. */
Test(merkle, other_ranges_are_refused) {
    struct merkle_proof proof = {.count = 0};
    struct hash root = naive_root(0, 9);
    for (uint64_t start = 0; start < 12; start++) {
        for (uint64_t end = 0; end < 12; end++) {
            if (merkle_subtree_valid(start, end) && end <= 9) {
                continue;
            }
            struct hash inner = start < end ? naive_root(start, end) : naive_root(0, 0);
            for (proof.count = 0; proof.count <= MERKLE_PROOF_MAX; proof.count++) {
                cr_assert_not(
                    merkle_subtree_check(start, end, &inner, 9, &root, proof.hashes, proof.count));
            }
        }
    }
}

Test(merkle, inclusion_in_subtrees, .timeout = 120) {
    for (uint64_t start = 0; start < 64; start++) {
        for (uint64_t end = start + 1; end <= 64; end++) {
            if (!merkle_subtree_valid(start, end)) {
                continue;
            }
            for (uint64_t index = start; index < end; index++) {
                struct merkle_proof proof = {.count = 0};
                naive_path(index - start, start, end, &proof);
                struct question q = {SUBTREE_INCLUSION,     start, end, index, leaves[index],
                                     naive_root(start, end)};
                assert_only_this(&q, &proof, 127);
                for (q.c = 0; q.c < 70; q.c++) {
                    cr_assert_eq(ask(&q, &proof), q.c == index);
                }
            }
        }
    }
    struct hash one = naive_root(5, 7);
    cr_assert_not(merkle_subtree_inclusion_check(&leaves[5], 5, 5, 7, &leaves[6], 1, &one));
    cr_assert_not(merkle_subtree_inclusion_check(&leaves[5], 5, 5, 5, NULL, 0, &leaves[5]));
}

/* --- evidence form (b) --- */

Test(merkle, subproof_rebuilds_both_roots, .timeout = 120) {
    for (uint64_t n = 2; n <= 100; n++) {
        struct hash root_n = naive_root(0, n);
        for (uint64_t m = 1; m < n; m++) {
            struct merkle_plan plan;
            struct hash read[MERKLE_PLAN_MAX];
            struct merkle_proof proof;
            struct merkle_proof expected = {.count = 0};
            merkle_subproof_plan(m, n, &plan);
            read_plan(&plan, read);
            merkle_subproof_prove(m, n, read, &proof);
            naive_subproof(m, 0, n, false, &expected);
            assert_same(&proof, &expected);

            struct hash root_m = naive_root(0, m);
            struct hash got_m;
            struct hash got_n;
            cr_assert(merkle_subproof_roots(m, n, proof.hashes, proof.count, &got_m, &got_n));
            cr_assert(hash_equal(&got_m, &root_m));
            cr_assert(hash_equal(&got_n, &root_n));

            /* Every hash matters to the larger root. */
            for (size_t i = 0; i < proof.count; i++) {
                flip(&proof.hashes[i], (unsigned)(m + n + i) % 256);
                cr_assert(merkle_subproof_roots(m, n, proof.hashes, proof.count, &got_m, &got_n));
                cr_assert_not(hash_equal(&got_n, &root_n));
                flip(&proof.hashes[i], (unsigned)(m + n + i) % 256);
            }
        }
    }
}

Test(merkle, subproof_of_wrong_shape_is_refused_and_touches_nothing) {
    struct hash hashes[MERKLE_PROOF_MAX] = {{{0}}};
    struct hash zero = {{0}};
    struct hash m = zero;
    struct hash n = zero;
    cr_assert(merkle_subproof_roots(4, 8, hashes, 2, &m, &n));
    m = n = zero;
    for (size_t count = 0; count <= MERKLE_PROOF_MAX; count++) {
        cr_assert(count == 2 || !merkle_subproof_roots(4, 8, hashes, count, &m, &n));
        cr_assert_not(merkle_subproof_roots(0, 8, hashes, count, &m, &n));
        cr_assert_not(merkle_subproof_roots(8, 8, hashes, count, &m, &n));
        cr_assert_not(merkle_subproof_roots(9, 8, hashes, count, &m, &n));
        cr_assert_not(merkle_subproof_roots(1, UINT64_MAX, hashes, count, &m, &n));
        cr_assert_not(merkle_subproof_roots(4, TREE_SIZE_MAX + 1, hashes, count, &m, &n));
    }
    cr_assert(hash_equal(&m, &zero) && hash_equal(&n, &zero));
}
