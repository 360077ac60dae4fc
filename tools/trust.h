/* The options by which a command is told what to trust: --policy, --root, --threshold. Nothing is
 * trusted that was not named. `command` is the command's name, for messages. */
#ifndef DUTYLOG_TOOLS_TRUST_H
#define DUTYLOG_TOOLS_TRUST_H

#include "ledger/verify.h"
#include "net/buffer.h"

/* One --root. CLI_USAGE, said: no verifier key, given twice, or one too many. */
int trust_add_root(const char *command, struct verify_trust *trust, const char *text);
/* After all options: reads the policy (`path` NULL: none) into `text` and `policy`, which `trust`
 * borrows from then on, and sets how many of the roots must have signed (`threshold` 0: all).
 * CLI_USAGE, said: no policy to be read there, or a threshold above the roots. CLI_FAILED: memory.
 */
int trust_load(const char *command, struct verify_trust *trust, const char *path,
               uint64_t threshold, struct buffer *text, struct policy *policy);

#endif
