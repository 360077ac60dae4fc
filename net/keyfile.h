/* Secret key files: one line, "PRIVATE+KEY+…" (ledger/vkey.h), mode 0600. */
#ifndef DUTYLOG_NET_KEYFILE_H
#define DUTYLOG_NET_KEYFILE_H

#include "ledger/vkey.h"

/* Reads a key file; the caller wipes the signer. NOT_FOUND, IO, DENIED_KEY (readable by others),
 * BAD_FORM. */
enum status keyfile_read(const char *path, struct signer *out, struct refusal *why) MUST_USE;
/* Writes a new one. CONFLICT_USED: the file exists. IO, FULL. */
enum status keyfile_create(const char *path, const struct signer *signer,
                           struct refusal *why) MUST_USE;

#endif
