/* Offline proofs that an entry is in a log (https://c2sp.org/tlog-proof), `.tlog-proof` files:
 * "c2sp.org/tlog-proof@v1", optional "extra <base64>", "index <n>", inclusion hashes, empty line,
 * checkpoint. Parse ok => format gives the same bytes. Views borrow from the parsed bytes. */
#ifndef DUTYLOG_LEDGER_PROOF_H
#define DUTYLOG_LEDGER_PROOF_H

#include "ledger/checkpoint.h"
#include "ledger/merkle.h"

#define PROOF_EXTRA_MAX 1024
#define PROOF_SIZE_MAX (2048 + 64 * 45 + CHECKPOINT_SIZE_MAX)

struct proof {
    uint8_t extra[PROOF_EXTRA_MAX];
    size_t extra_len; /* 0: no extra line (an empty one is refused: two spellings of nothing) */
    uint64_t index;
    struct merkle_proof inclusion;
    struct bytes checkpoint_note; /* verbatim */
    struct note note;             /* of the checkpoint */
    struct checkpoint checkpoint;
};

/* BAD_FORM: not a proof; TOO_LARGE: over PROOF_SIZE_MAX or PROOF_EXTRA_MAX; of the checkpoint also
 * what checkpoint_parse refuses. Whether index and hashes fit the checkpoint is
 * proof_check_inclusion's to say. */
enum status proof_parse(struct bytes input, struct proof *out, struct refusal *why) MUST_USE;
/* An empty `extra` writes no extra line. */
void proof_format(struct writer *w, struct bytes extra, uint64_t index,
                  const struct merkle_proof *inclusion, struct bytes checkpoint_note);
/* Checks the inclusion of a leaf hash in the checkpoint's root. Signatures are policy_check's work.
 * BAD_PROOF. */
enum status proof_check_inclusion(const struct proof *proof, const struct hash *leaf) MUST_USE;

#endif
