/* The outbox: a folder (0700) of signed events that are not forgotten until their receipts are
 * there. An event is written durably before it is sent, and only its bytes are ever sent again, so
 * that a crash, a lost answer or a second try never signs the same sequence number twice. One
 * process at a time (an flock on `lock`).
 *
 *     <issuer with '/' as '_'>-<seq, 10 digits>.event     the signed note
 *     ... .body       its closed members with their salts (JSON, secret)
 *     ... .receipt    once it came */
#ifndef DUTYLOG_TOOLS_OUTBOX_H
#define DUTYLOG_TOOLS_OUTBOX_H

#include "ledger/bytes.h"

#define OUTBOX_PATH_MAX 4096

struct outbox {
    char folder[OUTBOX_PATH_MAX - 512];
    int lock; /* -1: not open */
};

/* Makes the folder if need be and locks it. STORE_IN_USE: another process has it. IO. */
enum status outbox_open(struct outbox *outbox, const char *folder, struct refusal *why) MUST_USE;
void outbox_close(struct outbox *outbox);
/* The path of the event's file without its ending. */
enum status outbox_base(const struct outbox *outbox, struct bytes issuer, uint64_t seq,
                        char out[static OUTBOX_PATH_MAX], struct refusal *why) MUST_USE;
/* The highest seq of this issuer in the outbox, sent or not, and that event's id; 0 if there is
 * none. */
enum status outbox_last(const struct outbox *outbox, struct bytes issuer, uint64_t *seq,
                        struct hash *id, struct refusal *why) MUST_USE;
/* The paths of the events that have no receipt yet, in the order in which they were made (by the
 * files' times, then by name): an enrolment goes before what the new key signs. `paths` is from
 * malloc, as is each. */
enum status outbox_pending(const struct outbox *outbox, char ***paths, size_t *count,
                           struct refusal *why) MUST_USE;
void outbox_free_list(char **paths, size_t count);

#endif
