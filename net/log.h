/* What the daemon tells its operator: one line per event on standard error, as key=value pairs or,
 * if node.ini says log_format = json, as one JSON object:
 *
 *     time=2025-03-01T10:00:00.123Z level=info part=node event=listening port=8080 why="a \"b\""
 *     {"time":"2025-03-01T10:00:00.123Z","level":"info","part":"node","event":"listening",
 *      "port":8080,"why":"a \"b\""}                                         (in one line)
 *
 * The events are listed in specs/operations.md. (Transparency logs are `struct log` in
 * ledger/logs.h; here it is the journal.) Any thread; lines are written whole. Never give it a
 * secret.
 *
 * Values may quote a peer: bytes that are not printable ASCII become '?', quotes and backslashes
 * are escaped, and a value that needs quotes gets them. So nobody but this code makes a line or a
 * pair. */
#ifndef DUTYLOG_NET_LOG_H
#define DUTYLOG_NET_LOG_H

#include "ledger/bytes.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };
enum log_format { LOG_TEXT, LOG_JSON };

#define LOG_LINE_MAX 1024 /* values that do not fit are cut, pairs left out */

/* The least level that is written; LOG_INFO at first. Set before threads start, as the next. */
void log_set_level(enum log_level level);
void log_set_format(enum log_format format);
bool log_enabled(enum log_level level);
/* "debug", "info", "warn", "error", "off". BAD_FORM. */
enum status log_level_parse(struct bytes text, enum log_level *out) MUST_USE;
/* "text", "json". BAD_FORM. */
enum status log_format_parse(struct bytes text, enum log_format *out) MUST_USE;

/* `part` and `event` are words of letters, '_' and '-'. `format` makes further pairs, a space
 * between them: name=%u, name=%s or name="words and %s"; NULL if there are none. Conversions: %s
 * %.*s %c, %d %i %u %x with l, ll, z and a width (and what PRIu64 and its like stand for), %%. A
 * value that is one number without quotes is a number in JSON. */
void log_line(enum log_level level, const char *part, const char *event, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
