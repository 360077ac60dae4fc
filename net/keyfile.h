/* Secret key files, mode 0600: one line, "PRIVATE+KEY+…" (ledger/vkey.h), or locked by a passphrase
 * (ledger/locked_key.h). Where the passphrase comes from is set once for the process: a file for a
 * daemon, a prompt for a person. */
#ifndef DUTYLOG_NET_KEYFILE_H
#define DUTYLOG_NET_KEYFILE_H

#include "ledger/locked_key.h"
#include "net/buffer.h"

/* The file whose first line is the passphrase of every locked key; mode 0600 or a credential.
 * Borrowed for the life of the process; NULL: none. */
void keyfile_passphrase_file(const char *path);
/* Asks a person, if no file is set: appends the passphrase of this key to `out`, which is wiped by
 * the caller. NULL: nobody can be asked. */
typedef enum status (*keyfile_ask)(const struct vkey *key, struct buffer *out, struct refusal *why);
void keyfile_passphrase_ask(keyfile_ask ask);
/* The passphrase for this key, from where it was said to come: 1 to PASSPHRASE_SIZE_MAX bytes,
 * appended to `out`, to be wiped. BAD_FORM: there is no such place. As file_read_secret. */
enum status keyfile_passphrase(const struct vkey *key, struct buffer *out,
                               struct refusal *why) MUST_USE;

/* Reads a key file; the caller wipes the signer. NOT_FOUND, IO, DENIED_KEY (readable by others, or
 * another passphrase), BAD_FORM. */
enum status keyfile_read(const char *path, struct signer *out, struct refusal *why) MUST_USE;
/* Writes a new one. CONFLICT_USED: the file exists. IO, FULL. */
enum status keyfile_create(const char *path, const struct signer *signer,
                           struct refusal *why) MUST_USE;
/* The same, locked; also NOMEM. */
enum status keyfile_create_locked(const char *path, const struct signer *signer,
                                  const struct lock_cost *cost, struct bytes passphrase,
                                  struct refusal *why) MUST_USE;
/* Puts another content in the place of a key file: plain with an empty passphrase, else locked. The
 * old or the new is there after a crash. */
enum status keyfile_replace(const char *path, const struct signer *signer,
                            const struct lock_cost *cost, struct bytes passphrase,
                            struct refusal *why) MUST_USE;

#endif
