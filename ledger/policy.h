/* Trust policies (https://c2sp.org/tlog-policy): which logs, which witnesses, and which sets of
 * them are a quorum.
 *
 * In a dutylog policy each `witness` that the quorum counts is a *mirror* (its cosignature says:
 * stored durably); the witness keys of the same nodes may stand in the policy outside the quorum.
 * policy_parse accepts any tlog-policy text; policy_check_safe adds the refusals of
 * specs/event.md#log.policy. */
#ifndef DUTYLOG_LEDGER_POLICY_H
#define DUTYLOG_LEDGER_POLICY_H

#include "ledger/checkpoint.h"
#include "ledger/vkey.h"

#define POLICY_URL_MAX 256

struct policy_log {
    struct vkey vkey;
    char url[POLICY_URL_MAX + 1]; /* "" if none */
};

struct policy_witness {
    struct bytes name; /* the policy's own name for it */
    struct vkey vkey;
    char url[POLICY_URL_MAX + 1]; /* submission prefix, without a trailing slash; "" if none */
    bool in_quorum;               /* reachable from the quorum line */
};

/* A member is a witness (index < POLICY_WITNESSES_MAX) or a group (index - POLICY_WITNESSES_MAX).
 */
struct policy_group {
    struct bytes name;
    unsigned threshold;
    unsigned count;
    uint8_t members[POLICY_WITNESSES_MAX + POLICY_GROUPS_MAX];
};

struct policy {
    struct policy_log logs[POLICY_LOGS_MAX];
    size_t log_count;
    struct policy_witness witnesses[POLICY_WITNESSES_MAX];
    size_t witness_count;
    struct policy_group groups[POLICY_GROUPS_MAX];
    size_t group_count;
    int quorum; /* -1: none; else a member number as in groups */
};

/* A set of witnesses, bit i = witnesses[i]. */
typedef uint32_t policy_set;

/* Parses; names borrow from `text`, which outlives the policy. BAD_POLICY with the line's number in
 * `why`. */
enum status policy_parse(struct bytes text, struct policy *out, struct refusal *why) MUST_USE;

/* True if the set satisfies the quorum. A quorum of none is always met. */
bool policy_quorum_met(const struct policy *policy, policy_set have);

/* True if two sets without a common witness can both satisfy the quorum (or it is none): exact,
 * since each name is a member at most once: a group with b of n members that can be satisfied twice
 * over can itself be iff 2 * max(k - b, 0) <= n - b. */
bool policy_can_split(const struct policy *policy);

/* The refusals of a log's own policy: exactly one log, whose key is `log` (NULL: not compared); not
 * splittable; no witness of the quorum run by the log's operator; and no operator whose witnesses
 * satisfy the quorum without anybody else's: `operators[i]` names the operator of witnesses[i].
 * BAD_POLICY. */
enum status policy_check_safe(const struct policy *policy, const struct vkey *log,
                              struct bytes log_operator, const struct bytes *operators,
                              struct refusal *why) MUST_USE;

/* Verifies a signed checkpoint against the policy: its origin is a listed log's name and that log
 * signed it, and the quorum cosigned it. Gives the set that cosigned, each one's timestamp (0:
 * none; `times` has POLICY_WITNESSES_MAX places, or NULL) and which log. UNKNOWN_LOG,
 * DENIED_SIGNATURE, or BAD_POLICY "quorum not met" with `have` filled. */
enum status policy_check(const struct policy *policy, const struct note *note,
                         const struct checkpoint *checkpoint, policy_set *have, uint64_t *times,
                         size_t *log, struct refusal *why) MUST_USE;

/* The quorum time (design G7): the smallest T such that the witnesses with 0 < times[i] <= T meet
 * the quorum. False if no T does. */
bool policy_quorum_time(const struct policy *policy, const uint64_t *times, uint64_t *quorum_time);

#endif
