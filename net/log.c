#include "net/log.h"

#include <assert.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = {"debug", "info", "warn", "error", "off"};
static _Atomic int least = LOG_INFO;

void log_set_level(enum log_level level) {
    atomic_store(&least, (int)level);
}

bool log_enabled(enum log_level level) {
    return level < LOG_OFF && (int)level >= atomic_load_explicit(&least, memory_order_relaxed);
}

enum status log_level_parse(struct bytes text, enum log_level *out) {
    for (int i = LOG_DEBUG; i <= LOG_OFF; i++) {
        if (bytes_equal(text, bytes_text(level_names[i]))) {
            *out = (enum log_level)i;
            return STATUS_OK;
        }
    }
    return STATUS_BAD_FORM;
}

static size_t put_head(char *line, size_t cap, enum log_level level, const char *part,
                       const char *event) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct tm tm;
    gmtime_r(&now.tv_sec, &tm);
    size_t len = strftime(line, cap, "time=%Y-%m-%dT%H:%M:%S", &tm);
    int n = snprintf(line + len, cap - len, ".%03ldZ level=%s part=%s event=%s",
                     now.tv_nsec / 1000000, level_names[level], part, event);
    assert(n > 0 && len + (size_t)n < cap / 2);
    return len + (size_t)n;
}

void log_line(enum log_level level, const char *part, const char *event, const char *format, ...) {
    if (!log_enabled(level)) {
        return;
    }
    char line[LOG_LINE_MAX];
    size_t len = put_head(line, sizeof line, level, part, event);
    if (format != NULL && format[0] != '\0') {
        line[len++] = ' ';
        va_list args;
        va_start(args, format);
        int n = vsnprintf(line + len, sizeof line - len, format, args);
        va_end(args);
        assert(n >= 0);
        size_t room = sizeof line - len - 1;
        len += (size_t)n < room ? (size_t)n : room;
    }
    /* Values may quote a peer, and lines go to terminals. */
    for (size_t i = 0; i < len; i++) {
        if (line[i] < 0x20 || line[i] > 0x7e) {
            line[i] = '?';
        }
    }
    line[len++] = '\n';
    /* One write keeps lines whole among threads. If standard error is gone there is nobody to tell.
     */
    ssize_t written = write(STDERR_FILENO, line, len);
    (void)written;
}
