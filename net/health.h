/* How well a node is: *ok*; *degraded*, it does all that it is for, and something needs a person
 * soon; *down*, it refuses what it is for, and the reason is here. specs/operations.md says of each
 * reason what it means, the runbook what to do.
 *
 * A new reason is a row of HEALTH_REASONS and a line in one of the functions below. */
#ifndef DUTYLOG_NET_HEALTH_H
#define DUTYLOG_NET_HEALTH_H

#include "ledger/replica.h"
#include "net/tls.h"

/* X(name, DOWN or DEGRADED, code), the worst first. */
#define HEALTH_REASONS(X)                                                                          \
    X(STOPPING, DOWN, "stopping")                                                                  \
    X(HALTED, DOWN, "halted")                                                                      \
    X(DISK_SILENT, DOWN, "disk_silent")                                                            \
    X(DISK_FULL, DOWN, "disk_full")                                                                \
    X(GUARD, DOWN, "guard")                                                                        \
    X(CLOCK, DOWN, "clock")                                                                        \
    X(NO_QUORUM, DOWN, "no_quorum")                                                                \
    X(CERTIFICATE_EXPIRED, DOWN, "certificate_expired")                                            \
    X(NO_POLICY, DEGRADED, "no_policy")                                                            \
    X(DISK_LOW, DEGRADED, "disk_low")                                                              \
    X(MIRRORS, DEGRADED, "mirrors")                                                                \
    X(MIRROR_CLOCK, DEGRADED, "mirror_clock")                                                      \
    X(PULLS, DEGRADED, "pulls")                                                                    \
    X(CERTIFICATE, DEGRADED, "certificate")

enum health_reason {
#define HEALTH_ENUM(name, state, code) HEALTH_##name,
    HEALTH_REASONS(HEALTH_ENUM)
#undef HEALTH_ENUM
        HEALTH_REASON_COUNT
};
enum health_state { HEALTH_OK, HEALTH_DEGRADED, HEALTH_DOWN };

/* At most one of each reason, in the order of HEALTH_REASONS. */
struct health {
    bool given[HEALTH_REASON_COUNT];
    char why[HEALTH_REASON_COUNT][REFUSAL_TEXT_MAX];
};

/* Below the first a node warns, below the second it writes nothing more. */
#define HEALTH_DISK_LOW_BYTES ((uint64_t)1 << 30)
#define HEALTH_DISK_FULL_BYTES ((uint64_t)256 << 20)

/* Adds a reason; of one that is given already the first words stay. */
void health_add(struct health *health, enum health_reason reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The worst of what was added. */
enum health_state health_state(const struct health *health);
const char *health_state_name(enum health_state state);
const char *health_reason_code(enum health_reason reason);
enum health_state health_reason_state(enum health_reason reason);
/* All reasons in words, "; " between them; "" if there are none. At least one character of room;
 * what does not fit is left out. */
void health_words(const struct health *health, char *out, size_t cap);

/* --- of the parts; pure --- */

/* Whom the guard waits for, in words. Asserts that it waits. */
#define HEALTH_GUARD_MAX 400
void health_guard_awaits(const struct replica *replica, char text[HEALTH_GUARD_MAX]);
/* The own log's side of replication. */
void health_of_replica(const struct replica *replica, bool has_policy, uint64_t now_ms,
                       struct health *out);
/* `free_bytes`: what may still be written. */
void health_of_disk(uint64_t free_bytes, struct health *out);
/* `state`: of the certificate that the server shows. */
#define HEALTH_CERTIFICATE_SECONDS (14 * 86400) /* it warns so long before its end */
void health_of_tls(const struct tls_state *state, uint64_t now_ms, struct health *out);

/* Logs that are pulled. Of those that node.ini names, the authorities' own among them, each counts;
 * of the many that an authority recognised, one or the other is always out of reach, which is its
 * operator's matter: it is ours when it is over a tenth of them. `lost` is an authority whose log
 * was not found at its address; NULL: none. */
#define HEALTH_PULLS_SHARE 10
/* A cosigner's own clock: `alike` and `apart` are the mirrored logs whose other nodes' clocks agree
 * with it, and do not. */
void health_of_clocks(size_t alike, size_t apart, struct health *out);
struct puller_stats;
void health_of_pulls(const struct puller_stats *stats, const char *lost, struct health *out);

/* --- of the whole --- */

struct node;
/* Zeroes `out` first. */
void health_of_node(struct node *node, struct health *out);

/* Tells the operator when a node's state or reasons change, with a line in the log. It looks every
 * five seconds. */
struct health_watch;
enum status health_watch_open(struct node *node, struct health_watch **out) MUST_USE;
/* NULL is allowed. */
void health_watch_close(struct health_watch *watch);

#endif
