/* Verifying a receipt offline (specs/event.md#receipt), against what the verifier chose to trust
 * and nothing else.
 *
 * What is proved, in order: every item is an entry of one log, at a checkpoint that the log signed;
 * log.opened is entry 0, signed by its operator and exactly a threshold of its authorities; the
 * policy was signed by those authorities, cannot be split and counts no mirror of the operator's; a
 * quorum of that policy's mirrors cosigned the event's checkpoint, so that each had stored the
 * event durably; the enrolments lead from an authority down to the issuer, who may sign this kind
 * for this agency; and the issuer signed the event.
 *
 * What is not, and no receipt can show: that no key was revoked, at whatever size, that the log's
 * rules admit the event beside its others, and that the policy is the newest at the size proved.
 * The log's entries show it (ledger/verify_log.h). Nor that a body is held by anyone, and, when
 * only a policy is trusted, who the authorities are.
 *
 * Trust is a policy (its log keys and its quorum), or roots (authority keys, of which `threshold`
 * must have signed log.opened), or both. Pure; the caller owns all memory. */
#ifndef DUTYLOG_LEDGER_VERIFY_H
#define DUTYLOG_LEDGER_VERIFY_H

#include "ledger/event.h"
#include "ledger/opened.h"
#include "ledger/policy.h"
#include "ledger/proof.h"
#include "ledger/receipt.h"

#define VERIFY_CHAIN_MAX 8
#define VERIFY_ROOTS_MAX 16

struct verify_trust {
    const struct policy *policy;         /* NULL: none */
    struct vkey roots[VERIFY_ROOTS_MAX]; /* pinned authorities, type 0x01 */
    size_t root_count;                   /* 0: none */
    size_t threshold; /* how many of them must have signed log.opened; at least 1 */
    bool by_others;   /* with neither: who stands behind the log is shown by other receipts
                         (ledger/verify_chain.h), and the caller sees to that */
};

struct verify_link {
    char name[NAME_SIZE_MAX + 1]; /* the key enrolled */
    char role[16];
    char enroller[NAME_SIZE_MAX + 1]; /* by whom */
    struct sign_public enroller_key;
    uint64_t index;
    uint64_t received_ms; /* the enrolment's stamp */
};

struct verify_mirror {
    char name[NAME_SIZE_MAX + 1]; /* key name */
    char operator_name[NAME_SIZE_MAX + 1];
    uint64_t timestamp; /* of its cosignature, seconds; 0: it did not cosign */
};

struct verify_report {
    char origin[NAME_SIZE_MAX + 1];
    char issuer[NAME_SIZE_MAX + 1];
    struct sign_public issuer_key;
    uint32_t issuer_role;
    char kind[32];
    char operator_name[NAME_SIZE_MAX + 1]; /* who runs the log, by log.opened */
    struct hash id;
    uint64_t seq;
    uint64_t index;
    uint64_t size;         /* of the checkpoint */
    uint64_t policy_index; /* of the log.policy that the receipt is judged by */
    uint64_t received_ms;
    uint64_t quorum_time; /* seconds: when the quorum was reached (design G7) */
    uint64_t
        confirmed_ms; /* the stamp, if the quorum is within an hour of it; else the quorum's time */
    bool stamp_confirmed;
    bool has_body;
    bool one_time; /* issued by a one-time key (ledger/lodged.h): somebody's, nobody knows whose */
    bool roots_pinned;
    size_t roots_signed; /* pinned roots that signed log.opened */
    struct verify_link chain[VERIFY_CHAIN_MAX];
    size_t chain_count;
    struct verify_mirror mirrors[POLICY_WITNESSES_MAX];
    size_t mirror_count;
};

/* Room to work in: large, so the caller places it (heap or static). Content not kept between calls.
 */
struct verifier {
    struct receipt receipt;
    struct proof proof;
    struct policy policy; /* the one in the receipt */
    struct event opened_event;
    struct opened opened;
    struct event policy_event;
    struct event event;
};

/* OK: all of the above holds and `report` says with whom. Otherwise the first thing that does not,
 * in `why`, naming the item. Never partly true: `report` is meaningless unless OK. */
enum status verify_receipt(struct verifier *verifier, struct bytes file,
                           const struct verify_trust *trust, struct verify_report *report,
                           struct refusal *why) MUST_USE;

#endif
