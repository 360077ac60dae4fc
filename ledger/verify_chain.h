/* Receipts that carry the chain (specs/registry.md#receipts): the log of a receipt is recognised by
 * the log.recognised in the next receipt, that one's log by the next, up to a log whose opening the
 * pinned roots signed. Each receipt is verified as any other; only who stands behind the first ones
 * is shown by those that follow, and not asked of their openings; each recognises the log for the
 * event's agency and for its signer's role. Pure, as ledger/verify.h. */
#ifndef DUTYLOG_LEDGER_VERIFY_CHAIN_H
#define DUTYLOG_LEDGER_VERIFY_CHAIN_H

#include "ledger/recognition.h"
#include "ledger/verify.h"

struct verify_chain {
    struct verify_report
        steps[RECOGNITION_DEPTH_MAX]; /* of each log.recognised, the nearest first */
    size_t count;
};

/* Of which log, agency and signer it is asked. */
struct verify_subject {
    struct vkey log;
    char ori[ORI_SIZE + 1]; /* "": about none */
    uint32_t role;          /* of its signer */
};
/* Those of the event whose receipt was verified last, and found good. */
void verify_subject_of(const struct verifier *verifier, const struct verify_report *report,
                       struct verify_subject *out);

/* Verifies the receipts of log.recognised: the first names the subject's log, each later one the
 * log of the one before, and all have its agency and role in their bounds; of the last one's log
 * `trust` is asked, which pins roots. BAD_KIND: an event of another kind; UNKNOWN_LOG: it names
 * another log; DENIED_SCOPE: not for that agency or role; TOO_LARGE: more than
 * RECOGNITION_DEPTH_MAX; else as verify_receipt. `why` begins with which receipt, from 1. */
enum status verify_chain(struct verifier *verifier, const struct verify_subject *subject,
                         const struct bytes *files, size_t count, const struct verify_trust *trust,
                         struct verify_chain *out, struct refusal *why) MUST_USE;

#endif
