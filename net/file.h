/* Whole files: read with a maximum, written so that a crash leaves the old content or the new. For
 * small files (keys, policies, configuration, the signed head outside the data folder); blocking,
 * any thread, not for the loop once it serves. Refusals name the file and what to do. */
#ifndef DUTYLOG_NET_FILE_H
#define DUTYLOG_NET_FILE_H

#include "net/buffer.h"

/* Appends the content to `out`. NOT_FOUND, TOO_LARGE (over out's maximum), IO (also: not a regular
 * file), NOMEM. */
enum status file_read(const char *path, struct buffer *out, struct refusal *why) MUST_USE;
/* As file_read, for a secret. DENIED_KEY: the file can be read or written by group or others, or
 * belongs to another user; not so in $CREDENTIALS_DIRECTORY, where systemd gives root's files to be
 * read. `out` is to be wiped. */
enum status file_read_secret(const char *path, struct buffer *out, struct refusal *why) MUST_USE;
/* The permission check alone: DENIED_KEY, NOT_FOUND, IO. */
enum status file_check_secret(const char *path, struct refusal *why) MUST_USE;
/* Replaces the file, mode 0600: writes a new file beside it, fsync, rename, fsync of the folder.
 * IO, FULL: the old content stands, unless `why` says that the last fsync failed. */
enum status file_write(const char *path, struct bytes content, struct refusal *why) MUST_USE;
/* As file_write, but never over an existing file. CONFLICT_USED: it exists. */
enum status file_create(const char *path, struct bytes content, struct refusal *why) MUST_USE;
/* Makes the folder, mode 0700, unless it is there. IO. */
enum status file_make_folder(const char *path, struct refusal *why) MUST_USE;

#endif
