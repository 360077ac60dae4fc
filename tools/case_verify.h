/* Judging a case anew from its receipts (specs/standing.md): nothing of what the node said of an
 * event is believed but where its receipt is to be had. */
#ifndef DUTYLOG_TOOLS_CASE_VERIFY_H
#define DUTYLOG_TOOLS_CASE_VERIFY_H

#include "ledger/case.h"
#include "ledger/verify.h"
#include "tools/fetch.h"

struct case_verify {
    struct fetcher *fetcher; /* borrowed, as all that is given */
    const char *node;
    const struct verify_trust *trust;
    const json_t *answer; /* the node's */
    /* Called before each receipt is fetched; may be NULL. */
    void (*progress)(uint64_t done, uint64_t total);
    uint64_t receipts; /* out: verified */
};

/* Fetches and verifies the receipt of every event and revocation that the answer names, judges the
 * case anew from them alone, and writes the answer that this makes into `out`. What a receipt
 * cannot show is taken over: the logs' sizes and roots (held against receipts proved at that size),
 * and how many events were left out. BAD_FORM: the answer is not one; BAD_PROOF and others: a
 * receipt does not verify, or is of another event than it was given for; IO: none was to be had. */
enum status case_verify(struct case_verify *verify, struct buffer *out,
                        struct refusal *why) MUST_USE;

#endif
