/* The body of an event: members whose values are kept out of the public leaf, behind salted
 * commitments (specs/event.md#body). Each can be disclosed without the others.
 *
 * commitment = SHA-256("dutylog/commit/v1\n" || for each of log, issuer, decimal seq, member name,
 * raw 32-byte salt, RFC 8785 value: u32-BE length and bytes); the body root is the RFC 6962 tree
 * with the commitments as leaf data, in bytewise order of names. Pure: salts come from the caller.
 */
#ifndef DUTYLOG_LEDGER_BODY_H
#define DUTYLOG_LEDGER_BODY_H

#include "ledger/bytes.h"
#include "ledger/limits.h"
#include "ledger/merkle.h"

#define BODY_SALT_SIZE 32

struct body_member {
    struct bytes name;  /* [a-z_]+ */
    struct bytes value; /* RFC 8785 form */
    uint8_t salt[BODY_SALT_SIZE];
};

/* The event that a body belongs to; all borrowed. */
struct body_context {
    struct bytes log;
    struct bytes issuer;
    uint64_t seq;
};

void body_commitment(const struct body_context *context, const struct body_member *member,
                     struct hash *out);
/* The root over members in bytewise order of names. BAD_MEMBER: out of order, twice, a bad name;
 * none at all. */
enum status body_root(const struct body_context *context, const struct body_member *members,
                      size_t count, struct hash *root, struct refusal *why) MUST_USE;
/* The inclusion proof of one member. */
enum status body_prove(const struct body_context *context, const struct body_member *members,
                       size_t count, size_t which, struct merkle_proof *proof) MUST_USE;
/* True if the member is number `index` of the `count` members under `root`. */
bool body_check(const struct body_context *context, const struct body_member *member,
                uint64_t index, uint64_t count, const struct merkle_proof *proof,
                const struct hash *root) MUST_USE;

#endif
