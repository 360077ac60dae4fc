/* dutylog succeed: ending a log, and starting its successor where it ended (ledger/succession.h).
 * What the old log was is read from its mirrors and verified: every entry, and every mirror's
 * checkpoint against the same tree. */
#ifndef DUTYLOG_TOOLS_SUCCEED_H
#define DUTYLOG_TOOLS_SUCCEED_H

#include "ledger/opened.h"
#include "ledger/succession.h"
#include "tools/log_read.h"

#include <jansson.h>

#define SUCCEED_MIRRORS_MAX (LOG_READ_KNOWN_MAX / 2)

/* A checkpoint that a mirror shows. */
struct shown {
    bool any;
    struct buffer bytes;
    struct note note;
    struct checkpoint checkpoint;
};

struct old_mirror {
    const char *url;
    char *prefix;         /* <url>/<hex>; owned */
    struct shown stored;  /* its mirror checkpoint: all entries are there */
    struct shown pending; /* what the old key signed, as its witness took it */
};

/* The old log, as its mirrors have it. */
struct old_log {
    struct vkey vkey;
    struct old_mirror mirrors[SUCCEED_MIRRORS_MAX];
    size_t mirror_count;
    struct old_mirror *best; /* has the closing checkpoint */
    struct shown *abandoned; /* NULL: nothing was signed beyond */
    struct log_read read;    /* of `best`, whole */
    struct opened opened;    /* of its entry 0 */
    bool has_opened;
    json_t *enrolments; /* key name -> members of its key.enrolled or key.rotated */
    uint64_t wrong;     /* each was told on standard output */
};

void old_log_init(struct old_log *old);
void old_log_release(struct old_log *old);
/* Asks all mirrors, takes the largest mirror checkpoint, reads the log up to it and compares the
 * other mirrors' checkpoints. A mirror that does not answer is told on standard error, and left
 * out. IO: none answered; BAD_PROOF: what they show is not one log (old->wrong lines were told). */
enum status old_log_read(struct old_log *old, struct refusal *why) MUST_USE;

/* --- making the events (succeed_prepare.c) --- */

struct succeed_making {
    const char *node;
    const char *outbox;
    const char *reason;
    struct vkey successor;
    const struct signer *signers[EVENT_SIGNATURES_MAX]; /* roots of the successor */
    size_t signer_count;
};
/* Writes log.succeeded and an enrolment for each key that goes on into the outbox, and says what it
 * wrote. */
enum status succeed_prepare(struct old_log *old, const struct succeed_making *making,
                            struct refusal *why) MUST_USE;

/* --- checking them (succeed_check.c) --- */

/* Reads the successor's log from a node and holds it against the old one. Adds to old->wrong. */
enum status succeed_check(struct old_log *old, const char *node, const struct vkey *successor,
                          struct refusal *why) MUST_USE;

/* Tells one thing that is wrong. */
void succeed_wrong(struct old_log *old, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
