/* `dutylog verify A B`: two receipts held against each other. */
#ifndef DUTYLOG_TOOLS_VERIFY_PAIR_H
#define DUTYLOG_TOOLS_VERIFY_PAIR_H

#include "ledger/receipt_compare.h"
#include "ledger/verify.h"
#include "net/buffer.h"

#define VERIFY_PAIR_KEYS_MAX 128

/* Whom the two may accuse: the log, its mirrors and witnesses, as far as the verifier knows them:
 * from their own policy, and from receipts that verified. Zeroed to begin with; logs' keys come
 * first. */
struct verify_pair {
    struct buffer files[2]; /* the caller's, as are those that follow */
    struct vkey keys[VERIFY_PAIR_KEYS_MAX];
    size_t key_count;
};
void verify_pair_add(struct verify_pair *pair, const struct vkey *key);
void verify_pair_add_policy(struct verify_pair *pair, const struct policy *policy);

/* If `both_good`, and one is the end of the other's log: says what that means for the event. Else
 * looks for a contradiction and says what there is, writing evidence to `out` (NULL: nowhere).
 * CLI_OK: none is shown, or the event lies in what goes on; CLI_REFUSED; CLI_FAILED: the file
 * cannot be written. */
int verify_pair_compare(struct verify_pair *pair, bool both_good, const char *out, bool json,
                        bool quiet);

#endif
