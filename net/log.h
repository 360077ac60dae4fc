/* What the daemon tells its operator: one line per happening on standard error, as key=value pairs:
 *
 *     time=2025-03-01T10:00:00.123Z level=info part=server event=listening port=8080
 *
 * (Transparency logs are `struct log` in ledger/logs.h; here it is the journal.) Any thread; lines
 * are written whole. Never give it a secret. Bytes that are not printable ASCII become '?'. */
#ifndef DUTYLOG_NET_LOG_H
#define DUTYLOG_NET_LOG_H

#include "ledger/bytes.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };

#define LOG_LINE_MAX 1024 /* longer lines are cut */

/* The least level that is written; LOG_INFO at first. Set before threads start. */
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);
/* "debug", "info", "warn", "error", "off". BAD_FORM. */
enum status log_level_parse(struct bytes text, enum log_level *out) MUST_USE;

/* `part` and `event` are words; `format` makes further pairs, such as "port=%u why=\"%s\""; NULL
 * if there are none. */
void log_line(enum log_level level, const char *part, const char *event, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
