#include "tools/cli.h"

#include "ledger/bytes.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const struct cli_command *cli_find(const char *name) {
    for (const struct cli_command *c = cli_commands; c->name != NULL; c++) {
        if (strcmp(c->name, name) == 0) {
            return c;
        }
    }
    return NULL;
}

int cli_help(const char *command) {
    const struct cli_command *c = cli_find(command);
    assert(c != NULL);
    fputs(c->help, stdout);
    return CLI_OK;
}

int cli_usage(const char *command, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "dutylog %s: ", command);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\ndutylog %s --help shows the options and an example.\n", command);
    va_end(args);
    return CLI_USAGE;
}

int cli_error(const char *command, enum cli_exit exit_code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "dutylog %s: ", command);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    return (int)exit_code;
}

enum cli_exit cli_exit_of(enum status status) {
    switch (status) {
    case STATUS_OK:
        return CLI_OK;
    case STATUS_UNJUDGED:
        return CLI_UNJUDGED;
    case STATUS_STORE_FAILED:
    case STATUS_STORE_DOUBT:
    case STATUS_STORE_IN_USE:
    case STATUS_BUSY:
    case STATUS_RATE:
    case STATUS_CLOCK:
    case STATUS_FULL:
    case STATUS_NOMEM:
    case STATUS_IO:
        return CLI_FAILED;
    case STATUS_NOT_FOUND:
    case STATUS_BAD_FORM:
    case STATUS_BAD_CANONICAL:
    case STATUS_BAD_MEMBER:
    case STATUS_BAD_KIND:
    case STATUS_BAD_LOG:
    case STATUS_BAD_SIZE:
    case STATUS_BAD_PROOF:
    case STATUS_BAD_POLICY:
    case STATUS_TOO_LARGE:
    case STATUS_DENIED_KEY:
    case STATUS_DENIED_SCOPE:
    case STATUS_DENIED_SIGNATURE:
    case STATUS_UNKNOWN_LOG:
    case STATUS_CLOSED:
    case STATUS_CONFLICT_GAP:
    case STATUS_CONFLICT_USED:
    case STATUS_CONFLICT_SIZE:
    case STATUS_CONFLICT_ROOT:
    case STATUS_CONFLICT_HEAD:
    case STATUS_STORE_CORRUPT:
    case STATUS_COUNT:
        break;
    }
    return CLI_REFUSED;
}

bool cli_number(const char *text, uint64_t min, uint64_t max, uint64_t *out) {
    uint64_t value = 0;
    if (!bytes_to_u64(bytes_text(text), &value) || value < min || value > max) {
        return false;
    }
    *out = value;
    return true;
}

static bool progress_shown;

void cli_progress(const char *what, uint64_t done, uint64_t total) {
    static uint64_t last_ms;
    if (!isatty(STDERR_FILENO)) {
        return;
    }
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    if (progress_shown && now_ms - last_ms < 100 && done < total) {
        return;
    }
    last_ms = now_ms;
    progress_shown = true;
    unsigned percent = total > 0 ? (unsigned)(done * 100 / total) : 100;
    unsigned filled = percent * 30 / 100;
    char bar[31];
    for (unsigned i = 0; i < 30; i++) {
        bar[i] = i < filled ? '#' : '.';
    }
    bar[30] = '\0';
    fprintf(stderr, "\r%-10s [%s] %3u %%  %" PRIu64 " of %" PRIu64, what, bar, percent, done,
            total);
    fflush(stderr);
}

void cli_progress_end(void) {
    if (progress_shown) {
        fputc('\n', stderr);
        progress_shown = false;
    }
}

void cli_time(uint64_t seconds, char out[static 21]) {
    time_t t = (time_t)seconds;
    struct tm tm;
    if (gmtime_r(&t, &tm) == NULL || strftime(out, 21, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
        memcpy(out, "(out of range)", 15);
    }
}
