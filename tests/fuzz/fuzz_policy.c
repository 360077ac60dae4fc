/* Policies: what is answered about quorums is compared with trying every set of witnesses. */
#include "ledger/policy.h"
#include "tests/fuzz/fuzz.h"

#define TRY_ALL_UP_TO 10

static void try_all_sets(const struct policy *policy) {
    policy_set all = ((policy_set)1 << policy->witness_count) - 1;
    bool split = policy->quorum < 0;
    for (policy_set set = 0; set <= all; set++) {
        bool met = policy_quorum_met(policy, set);
        split = split || (met && policy_quorum_met(policy, all & ~set));
        /* More witnesses never unmake a quorum. */
        for (unsigned i = 0; met && i < policy->witness_count; i++) {
            assert(policy_quorum_met(policy, set | (policy_set)1 << i));
        }
    }
    assert(policy_can_split(policy) == split);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct policy policy;
    struct refusal why;
    uint64_t times[POLICY_WITNESSES_MAX] = {0};
    uint64_t quorum_time;
    if (policy_parse(bytes_of(data, size), &policy, &why) != STATUS_OK) {
        return 0;
    }
    if (policy.witness_count <= TRY_ALL_UP_TO) {
        try_all_sets(&policy);
    }
    for (size_t i = 0; i < policy.witness_count; i++) {
        times[i] = i * 7 % 5;
    }
    if (policy_quorum_time(&policy, times, &quorum_time)) {
        policy_set have = 0;
        for (size_t i = 0; i < policy.witness_count; i++) {
            have |= times[i] > 0 && times[i] <= quorum_time ? (policy_set)1 << i : 0;
        }
        assert(policy_quorum_met(&policy, have));
    }
    return 0;
}
