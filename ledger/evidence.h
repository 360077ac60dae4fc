/* Evidence files (specs/evidence.md): proof, offline, that a key signed two things that exclude
 * each other.
 *
 *     dutylog/evidence/v1 <form>
 *     part <bytes>          then that many bytes, twice
 *     <base64 hash>         none, or several lines
 *
 *   a  One size, two roots: two signed checkpoints, in bytewise order.
 *   b  Two sizes: two signed checkpoints, the smaller first, then the hashes of SUBPROOF(m, D[n],
 *      false), which rebuild the larger root and give another root at the smaller size than the
 *      one signed there.
 *   c  One index, two leaves: two tlog-proofs, the smaller tree first, then the two leaf hashes.
 *   d  A cosigner that went back: two cosigned checkpoints, the smaller first, although it was
 *      cosigned later.
 *
 * The accused is a key named by the verifier, never by the file: a log's key (type 0x01) that
 * signed both, or a cosigner's (0x04) that cosigned both. A file that parses formats to the same
 * bytes. Views borrow from the parsed bytes. */
#ifndef DUTYLOG_LEDGER_EVIDENCE_H
#define DUTYLOG_LEDGER_EVIDENCE_H

#include "ledger/checkpoint.h"
#include "ledger/merkle.h"

struct evidence {
    char form; /* 'a', 'b', 'c' or 'd' */
    struct bytes parts[2];
    struct merkle_proof hashes; /* a, d: none; b: at least one; c: two */
};

/* BAD_FORM: another first line or form, a part that is empty or missing, hashes that the form does
 * not have, bytes left over; BAD_CANONICAL: the parts of form a in the other order; TOO_LARGE. */
enum status evidence_parse(struct bytes input, struct evidence *out, struct refusal *why) MUST_USE;
/* Writes the file. Asserts what evidence_parse checks of a form, but for the order of parts. */
void evidence_format(struct writer *w, const struct evidence *evidence);
/* OK if the file proves that `key` contradicted itself; then `why` says in words what is proved.
 * BAD_FORM: a part is no checkpoint or proof; DENIED_SIGNATURE: a part is not signed by the key;
 * BAD_PROOF: all is signed, and nothing is proved. `why` says which. */
enum status evidence_verify(const struct evidence *evidence, const struct vkey *key,
                            struct refusal *why) MUST_USE;
/* Whose log both parts speak of, by the first; nothing is verified. BAD_FORM. */
enum status evidence_origin(const struct evidence *evidence, struct bytes *origin) MUST_USE;
/* How many signature lines the key has in both parts together: what evidence_verify has to verify.
 * 0 where a part cannot be read. */
size_t evidence_lines(const struct evidence *evidence, const struct vkey *key);

/* --- making --- */

/* Room for what the two functions below write. */
#define EVIDENCE_MADE_MAX (2 * CHECKPOINT_SIZE_MAX + 16384)

/* Makes what two signed checkpoints prove against the key, in the form that needs least: (a) if
 * they have one size and two roots; (d) if the key is a cosigner's and went back; (b) if `subproof`
 * (NULL: there is none), SUBPROOF(m, D[n], false) of the larger tree, shows it. Parts keep the
 * accused's signature lines alone, so that who finds the same two writes the same file. OK: `w` has
 * the file, which verifies; NOT_FOUND: they prove nothing; what was written is taken back. */
enum status evidence_of_checkpoints(const struct vkey *key, struct bytes one, struct bytes two,
                                    const struct merkle_proof *subproof, struct writer *w) MUST_USE;
/* The same of two tlog-proofs, each with its leaf hash: form (c). */
enum status evidence_of_proofs(const struct vkey *key, struct bytes one,
                               const struct hash *leaf_one, struct bytes two,
                               const struct hash *leaf_two, struct writer *w) MUST_USE;

#endif
