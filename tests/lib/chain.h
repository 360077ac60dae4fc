/* Three logs on paper, each with roots of its own: an agency's, the state's that recognises it, and
 * the DOJ's that recognises the state's; and the receipts that say so (specs/registry.md#receipts).
 * Needs no Criterion. Big: static memory, or from malloc. */
#ifndef DUTYLOG_TESTS_LIB_CHAIN_H
#define DUTYLOG_TESTS_LIB_CHAIN_H

#include "tests/lib/paper.h"

enum chain_log { CHAIN_AGENCY, CHAIN_STATE, CHAIN_DOJ, CHAIN_LOGS };

struct chain {
    struct world worlds[CHAIN_LOGS];
    struct paper_log logs[CHAIN_LOGS];
    size_t recognition[CHAIN_LOGS]; /* index of the log.recognised of the log before; of the
                                       agency's log, of an event of an agency's key */
};

void chain_open(struct chain *chain);
void chain_release(struct chain *chain);
/* The receipt of that entry; of what else was added to the log by paper_add: chain_receipt_of. */
void chain_receipt(struct chain *chain, enum chain_log which, struct writer *w);
void chain_receipt_of(struct chain *chain, enum chain_log which, size_t index, struct writer *w);
/* The same under another enrolment of the log, at that index; 0: none. */
void chain_receipt_under(struct chain *chain, enum chain_log which, size_t enrolment, size_t index,
                         struct writer *w);
/* Adds a log.recognised that names `vkey`; `more`: JSON members with a leading comma, or "". Its
 * index. */
size_t chain_recognise(struct chain *chain, enum chain_log by, const struct vkey *vkey,
                       const char *more);

#endif
