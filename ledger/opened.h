/* log.opened, entry 0: who the log is, who runs it, and whose signatures its rules need. */
#ifndef DUTYLOG_LEDGER_OPENED_H
#define DUTYLOG_LEDGER_OPENED_H

#include "ledger/event.h"

#define OPENED_AUTHORITIES_MAX 16
#define OPENED_OPERATOR_MAX 64

struct opened {
    struct vkey log_vkey;
    struct vkey operator_vkey;
    char operator_name[OPENED_OPERATOR_MAX + 1];
    struct vkey authorities[OPENED_AUTHORITIES_MAX];
    size_t authority_count;
    size_t threshold; /* 1 to authority_count */
};

/* Reads the members of a parsed log.opened. What they owe each other event_parse has checked: the
 * log's key is named after the log, the operator's is the issuer's, all names differ. */
void opened_of(const struct event *event, struct opened *out);
/* How many of `count` authorities may ever be replaced (root.replaced), where `threshold` sign: so
 * many that a threshold of those who opened the log stays, and that those who went are fewer than
 * one. What the opening alone can tell, such as who may end the log, is told by the same people. */
size_t opened_replaceable(size_t count, size_t threshold);
/* The authority of that name, or NULL. */
const struct vkey *opened_authority(const struct opened *opened, struct bytes name);

#endif
