/* Evidence files (specs/evidence.md): proof, offline, that a key signed two things that exclude
 * each other. "dutylog/evidence/v1 <form>\n", then parts, each "part <bytes>\n" and its bytes, then
 * hashes as base64 lines.
 *
 *   a  one origin, one size, two roots: two signed checkpoints.
 *   b  two sizes: two signed checkpoints, the smaller first, then the hashes of SUBPROOF(m, D[n],
 * false), which rebuild the larger root and give another root than the one signed at the smaller
 * size. c, d: two tlog-proofs of one index with different leaves; a cosigner that went back. Read
 * here, made later.
 *
 * In every form the accused is a key named by the verifier, not by the file. Views borrow. */
#ifndef DUTYLOG_LEDGER_EVIDENCE_H
#define DUTYLOG_LEDGER_EVIDENCE_H

#include "ledger/checkpoint.h"
#include "ledger/merkle.h"

struct evidence {
    char form; /* 'a', 'b', 'c' or 'd' */
    struct bytes parts[2];
    struct merkle_proof hashes;
};

enum status evidence_parse(struct bytes input, struct evidence *out, struct refusal *why) MUST_USE;
void evidence_format(struct writer *w, const struct evidence *evidence);
/* OK if the file proves that `key` (a log key, or for (d) and cosigned (a)-(b) a cosigner's)
 * equivocated. Says in `why`, in words, what is proved, or what is missing (BAD_PROOF). */
enum status evidence_verify(const struct evidence *evidence, const struct vkey *key,
                            struct refusal *why) MUST_USE;

#endif
