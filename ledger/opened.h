/* log.opened, entry 0: who the log is, who runs it, and whose signatures its rules need. */
#ifndef DUTYLOG_LEDGER_OPENED_H
#define DUTYLOG_LEDGER_OPENED_H

#include "ledger/event.h"
#include "ledger/store.h"

#define OPENED_AUTHORITIES_MAX (EVENT_SIGNATURES_MAX - 1)

struct opened {
    struct vkey log_vkey;
    struct vkey operator_vkey;
    char operator_name[256];
    struct vkey authorities[16];
    size_t authority_count;
    size_t threshold;
};

/* Reads the members of a parsed log.opened, and checks what they owe each other: the log's key is
 * named after the log, the operator's is the issuer's, names differ, 1 <= threshold <= authorities.
 * BAD_MEMBER names the member. */
enum status opened_of(const struct event *event, struct opened *out, struct refusal *why) MUST_USE;
/* The log's own: reads entry 0. NOT_FOUND: the log is empty. */
enum status opened_read(struct store_txn *txn, uint32_t log, struct opened *out) MUST_USE;
/* The authority of that name, or NULL. */
const struct vkey *opened_authority(const struct opened *opened, struct bytes name);
/* Who runs each witness of a log.policy's policy: `operators` has POLICY_WITNESSES_MAX places, ""
 * where none is named. Borrows from the event. */
struct policy;
void opened_operators(const struct event *policy_event, const struct policy *policy,
                      struct bytes *operators);

#endif
