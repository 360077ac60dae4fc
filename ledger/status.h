/* The one error type. Every function that can fail returns `enum status`; results come back through
 * trailing out parameters, which are untouched on failure.
 *
 * Three failures, three answers (specs/architecture.md):
 *   - our own bug: assert, on in release too;
 *   - a client's or peer's bad bytes or claims: STATUS_BAD_*, STATUS_DENIED_*, STATUS_CONFLICT_*:
 * refuse, name what is wrong, change nothing;
 *   - the environment: STATUS_STORE_*, STATUS_BUSY, STATUS_FULL, STATUS_NOMEM: fail the batch;
 * STATUS_STORE_DOUBT means that the durable state is unknown: the process stops signing and exits.
 *
 * A `struct refusal` carries the status with one line for a person: what is wrong and what to do.
 */
#ifndef DUTYLOG_LEDGER_STATUS_H
#define DUTYLOG_LEDGER_STATUS_H

#include <stdbool.h>

/* X(name, text) */
#define STATUS_TABLE(X)                                                                            \
    X(OK, "ok")                                                                                    \
    X(NOT_FOUND, "not found")                                                                      \
    X(BAD_FORM, "malformed")                                                                       \
    X(BAD_CANONICAL, "not in its canonical form")                                                  \
    X(BAD_MEMBER, "a member is wrong")                                                             \
    X(BAD_KIND, "unknown kind")                                                                    \
    X(BAD_LOG, "meant for another log")                                                            \
    X(BAD_SIZE, "sizes do not fit each other")                                                     \
    X(BAD_PROOF, "the proof does not verify")                                                      \
    X(BAD_POLICY, "the policy is refused")                                                         \
    X(TOO_LARGE, "too large")                                                                      \
    X(DENIED_KEY, "unknown or revoked key")                                                        \
    X(DENIED_SCOPE, "the key may not sign this")                                                   \
    X(DENIED_SIGNATURE, "bad, missing or surplus signature")                                       \
    X(UNKNOWN_LOG, "unknown log")                                                                  \
    X(CONFLICT_GAP, "sequence gap")                                                                \
    X(CONFLICT_USED, "sequence number already used")                                               \
    X(CONFLICT_SIZE, "another size is expected")                                                   \
    X(CONFLICT_ROOT, "another root at the same size")                                              \
    X(CONFLICT_HEAD, "the signed head changed meanwhile")                                          \
    X(CLOSED, "the log was closed")                                                                \
    X(STORE_FAILED, "the store failed and nothing was changed")                                    \
    X(STORE_DOUBT, "the store failed and what is durable is unknown")                              \
    X(STORE_CORRUPT, "what was stored does not hash to what was signed")                           \
    X(STORE_IN_USE, "the data folder is in use by another process")                                \
    X(BUSY, "overloaded, try again later")                                                         \
    X(CLOCK, "the clock disagrees with the mirrors")                                               \
    X(FULL, "no room")                                                                             \
    X(NOMEM, "out of memory")                                                                      \
    X(IO, "input or output failed")                                                                \
    X(RATE, "over its rate, try again later")                                                      \
    X(UNJUDGED, "by rules that this build lacks")

enum status {
#define STATUS_ENUM(name, text) STATUS_##name,
    STATUS_TABLE(STATUS_ENUM)
#undef STATUS_ENUM
        STATUS_COUNT
};

#define MUST_USE __attribute__((warn_unused_result))

#define REFUSAL_TEXT_MAX 240

/* Why something was refused. `text` is one line without a newline, always terminated. */
struct refusal {
    enum status status;
    char text[REFUSAL_TEXT_MAX];
};

/* The fixed text of a status; never NULL. Borrowed, static. */
const char *status_text(enum status status);
/* The symbolic name, such as "BAD_FORM". Borrowed, static. */
const char *status_name(enum status status);

/* Fills `why` (may be NULL) and returns `status`, so that a check reads `return refuse(why,
 * STATUS_BAD_MEMBER, …)`. Bytes that are not printable ASCII are replaced by '?': the text may
 * quote a peer. Truncated when too long. */
enum status refuse(struct refusal *why, enum status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Returns from the calling function if `expression` is not STATUS_OK. Only where the function owns
 * nothing yet; functions that acquire unwind by labelled gotos. */
#define TRY(expression)                                                                            \
    do {                                                                                           \
        enum status try_status_ = (expression);                                                    \
        if (try_status_ != STATUS_OK) {                                                            \
            return try_status_;                                                                    \
        }                                                                                          \
    } while (0)

#endif
