/* Revocations that bind across logs (specs/registry.md#revocation). Acceptance of one log knows
 * only the keys that were taken back in that log; standing asks what any log says of a key, so that
 * a log that leaves a revocation out does not undo it.
 *
 * Vocabulary: a *revocation* is an accepted key.revoked or key.rotated, of whichever log. It is of
 * a public key, under whatever name the key is enrolled. The *revoker* is the issuer that signed
 * it. It *binds* a key in a log if the revoker's public key is that of the key's enroller there, or
 * of a root there. A key is *doubted* from `since` on where the reason is that it was compromised.
 *
 * A row is written in the transaction that accepts the event, by a host and by a mirror that judges
 * alike, and never changes. Whether a row counts at a set of checkpoints is the caller's to say: it
 * does if its index is below the size named for its log. */
#ifndef DUTYLOG_LEDGER_REVOCATION_H
#define DUTYLOG_LEDGER_REVOCATION_H

#include "ledger/accept.h"

enum revocation_reason { REVOKED_RETIRED, REVOKED_LOST, REVOKED_COMPROMISED, REVOKED_LEFT };
#define REVOCATION_REASONS 4

struct revocation {
    struct sign_public key;     /* what was revoked */
    struct sign_public revoker; /* who did */
    uint32_t log;               /* in which log of this node it stands */
    uint64_t index;             /* at which place */
    uint64_t stamp_ms;          /* its entry's */
    enum revocation_reason reason;
    uint64_t since_ms; /* the first millisecond of the day `since`; 0: the event has none */
};

/* Writes the row of an accepted event with the members `reason` and perhaps `since`, which takes
 * `key` back. Write transaction. */
enum status revocation_put(struct store_txn *txn, uint32_t log, const struct event *event,
                           const struct sign_public *key, const struct sign_public *revoker,
                           uint64_t index, uint64_t stamp_ms) MUST_USE;
/* Calls back for every revocation of the public key, over all logs, by log number and index; stops
 * at the first status that is not OK. */
enum status revocation_each(struct store_txn *txn, const struct sign_public *key,
                            enum status (*each)(void *context, const struct revocation *row),
                            void *context) MUST_USE;
/* Does the row bind an issuer of the log `log`, and is its revoker a root there (`by_root`)? False
 * too if it is of another public key, and of the keys that log.opened names, which nobody takes
 * back. */
enum status revocation_binds(struct store_txn *txn, uint32_t log, const struct issuer *issuer,
                             const struct revocation *row, bool *binds, bool *by_root) MUST_USE;
/* What the prefix of one log says of a key already, so that it is not said twice: a key that was
 * retired, lost, left or rotated away may later turn out to be stolen. */
struct revocation_said {
    bool any;
    uint64_t index;    /* of the first */
    bool compromised;  /* of any of them, that is the reason */
    uint64_t since_ms; /* the earliest of these; 0: all that the key signed is doubted */
    size_t rows;       /* of the key in this log, by anybody */
    size_t by_revoker; /* of these, by whoever would say it now */
};
/* Bounds, so that no log makes everybody who judges a case of the key read without end. */
#define REVOCATIONS_BY_ONE_MAX 8    /* of one key in one log, by one revoker */
#define REVOCATIONS_FOREIGN_MAX 256 /* of a key that the log does not know, by anybody */
/* Of what the log says of `key`: by those that bind its issuer `target`; NULL: by `revoker`, since
 * the key is another log's. */
enum status revocation_said(struct store_txn *txn, uint32_t log, const struct issuer *target,
                            const struct sign_public *key, const struct sign_public *revoker,
                            struct revocation_said *out) MUST_USE;
/* Does the key.revoked say more: the reason compromised where none has it, or from an earlier day
 * on? What is said once more moves nothing. */
bool revocation_says_more(const struct event *event, const struct revocation_said *said);
/* Does a revocation with this reason and `since` say that the key was stolen by this stamp? */
bool revocation_doubts(enum revocation_reason reason, uint64_t since_ms, uint64_t stamp_ms);
/* "retired", ...: the codes of the member `reason`. Static. */
const char *revocation_reason_name(enum revocation_reason reason);

#endif
