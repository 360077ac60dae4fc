/* INI files that people write for commands: mappings of lists, what to watch (inih). Lines
 * `name = value` in sections, comments from `;`; a line that is indented goes on where the one
 * before ended. inih reads lines of at most 197 characters and section names of 48, and cuts longer
 * ones without a word: here they are refused. */
#ifndef DUTYLOG_TOOLS_INI_FILE_H
#define DUTYLOG_TOOLS_INI_FILE_H

#include "net/buffer.h"

#define INI_LINE_SIZE_MAX 197
#define INI_SECTION_SIZE_MAX 48

/* Takes one line; a line that goes on comes as one more of the same name. A refusal ends it. */
typedef enum status ini_take(void *context, const char *section, const char *name,
                             const char *value, struct refusal *why);

/* Appends the file's content to `content` (its maximum is the file's), then takes line by line.
 * Errors name the file and the line. BAD_FORM: no such lines, or a NUL byte; what file_read and
 * `take` return. */
enum status ini_file_read(const char *path, struct buffer *content, ini_take *take, void *context,
                          struct refusal *why) MUST_USE;

#endif
