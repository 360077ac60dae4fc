/* Timestamped Ed25519 cosignatures of checkpoints (https://c2sp.org/tlog-cosignature, type 0x04):
 * the signature is 8 bytes of POSIX time and 64 of Ed25519 over "cosignature/v1\ntime <t>\n" and
 * the checkpoint's text. */
#ifndef DUTYLOG_LEDGER_COSIGNATURE_H
#define DUTYLOG_LEDGER_COSIGNATURE_H

#include "ledger/checkpoint.h"

/* Appends one cosignature line over the checkpoint text. `timestamp` in seconds, above 0, at most
 * 2^63 - 1; the text at most CHECKPOINT_SIZE_MAX; asserted. */
void cosignature_sign(struct writer *w, struct bytes checkpoint_text, uint64_t timestamp,
                      const struct signer *cosigner);
/* Verifies one line by a type 0x04 key and gives its timestamp, which may be 0. DENIED_SIGNATURE:
 * it does not verify, or is not by that key; TOO_LARGE: a text over CHECKPOINT_SIZE_MAX. */
enum status cosignature_verify(const struct note_signature *signature, struct bytes checkpoint_text,
                               const struct vkey *cosigner, uint64_t *timestamp) MUST_USE;
/* Looks through a note for a cosignature by the key: OK with the timestamp of the latest,
 * NOT_FOUND, or DENIED_SIGNATURE if one by that name and ID does not verify. A key of another type
 * is NOT_FOUND. */
enum status cosignature_find(const struct note *note, const struct vkey *cosigner,
                             uint64_t *timestamp) MUST_USE;

#endif
