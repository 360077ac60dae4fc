/* Evaluating a policy. A policy is read-once: each name is a group member at most once, so the
 * members of a group have no witness in common, and every question below is answered by one pass
 * over the groups, whose members all stand before them. */
#include "ledger/policy.h"

#include "ledger/cosignature.h"

#include <assert.h>
#include <string.h>

#define MEMBERS_MAX (POLICY_WITNESSES_MAX + POLICY_GROUPS_MAX)

bool policy_quorum_met(const struct policy *policy, policy_set have) {
    bool met[MEMBERS_MAX] = {false};
    if (policy->quorum < 0) {
        return true;
    }
    for (size_t i = 0; i < policy->witness_count; i++) {
        met[i] = (have >> i & 1) != 0;
    }
    for (size_t i = 0; i < policy->group_count; i++) {
        const struct policy_group *group = &policy->groups[i];
        unsigned count = 0;
        for (unsigned j = 0; j < group->count; j++) {
            assert(group->members[j] < POLICY_WITNESSES_MAX + i);
            count += met[group->members[j]];
        }
        met[POLICY_WITNESSES_MAX + i] = count >= group->threshold;
    }
    return met[policy->quorum];
}

/* Let b of a group's n members be such that two disjoint sets can satisfy each. Both sides then
 * have those b, and what they still need, k - b each, must come from the n - b others, each of
 * which can stand on one side only. As members share no witness, the sides can be chosen member by
 * member. A witness is never on both sides. */
bool policy_can_split(const struct policy *policy) {
    bool twice[MEMBERS_MAX] = {false};
    if (policy->quorum < 0) {
        return true; /* two empty sets */
    }
    for (size_t i = 0; i < policy->group_count; i++) {
        const struct policy_group *group = &policy->groups[i];
        unsigned both = 0;
        for (unsigned j = 0; j < group->count; j++) {
            both += twice[group->members[j]];
        }
        unsigned missing = group->threshold > both ? group->threshold - both : 0;
        twice[POLICY_WITNESSES_MAX + i] = 2 * missing <= group->count - both;
    }
    return twice[policy->quorum];
}

static bool same_public_key(const struct vkey *a, const struct vkey *b) {
    return memcmp(a->key.bytes, b->key.bytes, sizeof a->key.bytes) == 0;
}

/* Those that `name` runs. */
static policy_set run_by(const struct policy *policy, const struct bytes *operators,
                         struct bytes name) {
    policy_set set = 0;
    for (size_t i = 0; i < policy->witness_count; i++) {
        set |= (policy_set)bytes_equal(operators[i], name) << i;
    }
    return set;
}

/* A quorum is monotone, so that all witnesses of an operator together decide whether some of them
 * suffice: as many questions as witnesses, each one pass over the groups. */
static enum status check_operators(const struct policy *policy, const struct bytes *operators,
                                   struct refusal *why) {
    for (size_t i = 0; i < policy->witness_count; i++) {
        if (policy_quorum_met(policy, run_by(policy, operators, operators[i]))) {
            return refuse(why, STATUS_BAD_POLICY,
                          "operators: the mirrors of %.*s alone could satisfy the quorum of "
                          "policy: it must need mirrors of two different operators at least",
                          (int)(operators[i].len < 60 ? operators[i].len : 60),
                          (const char *)operators[i].data);
        }
    }
    return STATUS_OK;
}

enum status policy_check_safe(const struct policy *policy, const struct vkey *log,
                              struct bytes log_operator, const struct bytes *operators,
                              struct refusal *why) {
    if (policy->log_count != 1) {
        return refuse(why, STATUS_BAD_POLICY, "the policy of a log lists exactly that log, not %zu",
                      policy->log_count);
    }
    const struct vkey *listed = &policy->logs[0].vkey;
    if (log != NULL && !vkey_equal(listed, log)) {
        return refuse(why, STATUS_BAD_POLICY,
                      "the policy lists another log key than that of %.100s", log->name);
    }
    if (policy_can_split(policy)) {
        return refuse(why, STATUS_BAD_POLICY,
                      "two disjoint sets of mirrors could satisfy the quorum: ask for more than "
                      "half of them");
    }
    for (size_t i = 0; i < policy->witness_count; i++) {
        const struct policy_witness *witness = &policy->witnesses[i];
        if (same_public_key(&witness->vkey, listed)) {
            return refuse(why, STATUS_BAD_POLICY, "%.100s cosigns with the log's own key",
                          witness->vkey.name);
        }
        if (witness->in_quorum && bytes_equal(operators[i], log_operator)) {
            return refuse(why, STATUS_BAD_POLICY,
                          "%.100s is in the quorum and run by the log's own operator",
                          witness->vkey.name);
        }
    }
    return check_operators(policy, operators, why);
}

/* "The policy says that a checkpoint is considered valid if it is signed by any one of the listed
 * logs"; a log is known by its origin, which its key is named for. */
static enum status find_log(const struct policy *policy, const struct note *note,
                            const struct checkpoint *checkpoint, size_t *log, struct refusal *why) {
    bool known = false;
    for (size_t i = 0; i < policy->log_count; i++) {
        const struct vkey *key = &policy->logs[i].vkey;
        if (!bytes_equal(vkey_name(key), checkpoint->origin)) {
            continue;
        }
        known = true;
        enum status status = note_verify(note, key);
        if (status == STATUS_OK) {
            *log = i;
            return STATUS_OK;
        }
        if (status == STATUS_DENIED_SIGNATURE) {
            return refuse(why, status, "the signature of %.100s does not verify", key->name);
        }
        assert(status == STATUS_NOT_FOUND);
    }
    if (known) {
        return refuse(why, STATUS_DENIED_SIGNATURE,
                      "the checkpoint is not signed by its log's key");
    }
    return refuse(why, STATUS_UNKNOWN_LOG, "the policy does not list the log %.*s",
                  (int)(checkpoint->origin.len < 100 ? checkpoint->origin.len : 100),
                  (const char *)checkpoint->origin.data);
}

enum status policy_check(const struct policy *policy, const struct note *note,
                         const struct checkpoint *checkpoint, policy_set *have, uint64_t *times,
                         size_t *log, struct refusal *why) {
    policy_set set = 0;
    uint64_t seen[POLICY_WITNESSES_MAX] = {0};
    size_t found = 0;
    TRY(find_log(policy, note, checkpoint, &found, why));
    /* "If the key name and ID match a known key, verifiers MUST verify the signature"
     * (signed-note): also of witnesses outside the quorum. policy_parse saw to it that no line can
     * belong to two of them, so each is verified once. */
    for (size_t i = 0; i < policy->witness_count; i++) {
        const struct vkey *key = &policy->witnesses[i].vkey;
        enum status status = cosignature_find(note, key, &seen[i]);
        if (status == STATUS_OK) {
            set |= (policy_set)1 << i;
        } else if (status != STATUS_NOT_FOUND) {
            return refuse(why, STATUS_DENIED_SIGNATURE, "the cosignature of %.100s does not verify",
                          key->name);
        }
    }
    *have = set;
    *log = found;
    if (times != NULL) {
        memcpy(times, seen, sizeof seen);
    }
    if (!policy_quorum_met(policy, set)) {
        return refuse(why, STATUS_BAD_POLICY,
                      "quorum not met: %d of the policy's witnesses cosigned",
                      __builtin_popcount(set));
    }
    return STATUS_OK;
}

bool policy_quorum_time(const struct policy *policy, const uint64_t *times, uint64_t *quorum_time) {
    bool found = false;
    uint64_t best = 0;
    if (policy_quorum_met(policy, 0)) {
        *quorum_time = 0;
        return true;
    }
    /* A quorum is monotone: the smallest T is one of the times. */
    for (size_t i = 0; i < policy->witness_count; i++) {
        policy_set set = 0;
        for (size_t j = 0; j < policy->witness_count; j++) {
            set |= (policy_set)(times[j] > 0 && times[j] <= times[i]) << j;
        }
        if (times[i] > 0 && (!found || times[i] < best) && policy_quorum_met(policy, set)) {
            best = times[i];
            found = true;
        }
    }
    if (found) {
        *quorum_time = best;
    }
    return found;
}
