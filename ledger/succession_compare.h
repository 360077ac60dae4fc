/* A receipt of an event, and one of a log.succeeded: what does the end of the log mean for the
 * event (specs/event.md#two-receipts)? */
#ifndef DUTYLOG_LEDGER_SUCCESSION_COMPARE_H
#define DUTYLOG_LEDGER_SUCCESSION_COMPARE_H

#include "ledger/receipt.h"
#include "ledger/succession.h"

enum succession_bearing {
    SUCCESSION_UNRELATED,   /* the second is no log.succeeded of the first's log */
    SUCCESSION_NOT_BINDING, /* it is, and the log's own roots did not sign it */
    SUCCESSION_COVERS,      /* the event lies below the closing checkpoint */
    SUCCESSION_ABANDONS,    /* it does not: an event that a quorum holds is given up */
    SUCCESSION_FORKS,       /* at one size, the closing checkpoint has another root */
};

struct succession_finding {
    enum succession_bearing bearing;
    /* Unless unrelated. */
    uint64_t index; /* of the event */
    uint64_t size;  /* of the closing checkpoint */
    char old[NAME_SIZE_MAX + 1];
    char successor[NAME_SIZE_MAX + 1];
};

/* Both receipts verify, each against what the verifier trusts: that is the caller's work. */
void succession_compare(const struct receipt *of_event, const struct receipt *of_succession,
                        struct succession_finding *out);

#endif
