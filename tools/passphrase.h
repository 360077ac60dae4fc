/* Asking a person for a passphrase, on the terminal and without showing it. */
#ifndef DUTYLOG_TOOLS_PASSPHRASE_H
#define DUTYLOG_TOOLS_PASSPHRASE_H

#include "net/keyfile.h"

/* For keyfile_passphrase_ask. IO: there is no terminal; name a file with --passphrase-file. */
enum status passphrase_ask(const struct vkey *key, struct buffer *out, struct refusal *why);
/* A new one, asked for twice; or the one of `file` (NULL: none). BAD_FORM: the two differ, or it is
 * empty or too long. */
enum status passphrase_new(const char *file, const struct vkey *key, struct buffer *out,
                           struct refusal *why) MUST_USE;

#endif
