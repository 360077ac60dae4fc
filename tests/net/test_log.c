#include "net/log.h"

#include <criterion/criterion.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

static int fds[2];
static int saved;

static void capture(void) {
    cr_assert_eq(pipe(fds), 0);
    saved = dup(STDERR_FILENO);
    cr_assert_eq(dup2(fds[1], STDERR_FILENO), STDERR_FILENO);
}

/* What was written since capture; ends it. */
static const char *captured(void) {
    static char text[65536];
    dup2(saved, STDERR_FILENO);
    close(fds[1]);
    size_t len = 0;
    ssize_t n;
    while (len < sizeof text - 1 && (n = read(fds[0], text + len, sizeof text - 1 - len)) > 0) {
        len += (size_t)n;
    }
    text[len] = '\0';
    close(fds[0]);
    return text;
}

Test(log, lines) {
    capture();
    log_line(LOG_WARN, "server", "listening", "port=%u why=\"%s\"", 8080U, "a b");
    log_line(LOG_INFO, "node", "ready", NULL);
    const char *text = captured();
    regex_t re;
    cr_assert_eq(regcomp(&re,
                         "^time=20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z"
                         " level=warn part=server event=listening port=8080 why=\"a b\"\n"
                         "time=[^ ]+Z level=info part=node event=ready\n$",
                         REG_EXTENDED | REG_NOSUB),
                 0);
    cr_assert_eq(regexec(&re, text, 0, NULL, 0), 0, "%s", text);
    regfree(&re);
}

Test(log, levels) {
    static const char *names[] = {"debug", "info", "warn", "error", "off"};
    for (enum log_level least = LOG_DEBUG; least <= LOG_OFF; least++) {
        enum log_level parsed;
        cr_assert_eq(log_level_parse(bytes_text(names[least]), &parsed), STATUS_OK);
        cr_assert_eq(parsed, least);
        log_set_level(least);
        for (enum log_level level = LOG_DEBUG; level < LOG_OFF; level++) {
            capture();
            log_line(level, "p", "e", NULL);
            cr_assert_eq(strlen(captured()) > 0, level >= least);
            cr_assert_eq(log_enabled(level), level >= least);
        }
        cr_assert_not(log_enabled(LOG_OFF));
    }
    enum log_level untouched = LOG_WARN;
    cr_assert_eq(log_level_parse(bytes_text("Info"), &untouched), STATUS_BAD_FORM);
    cr_assert_eq(log_level_parse(bytes_text(""), &untouched), STATUS_BAD_FORM);
    cr_assert_eq(untouched, LOG_WARN);
}

/* Whatever is quoted, a line stays one line of printable ASCII, and whole. */
Test(log, hostile_values) {
    static char hostile[3000];
    for (size_t i = 0; i < sizeof hostile - 1; i++) {
        hostile[i] = (char)(i % 255 + 1);
    }
    capture();
    log_line(LOG_INFO, "p", "e", "value=%s", hostile);
    const char *text = captured();
    size_t len = strlen(text);
    cr_assert_eq(len, LOG_LINE_MAX);
    for (size_t i = 0; i < len - 1; i++) {
        cr_assert(text[i] >= 0x20 && text[i] <= 0x7e);
    }
    cr_assert_eq(text[len - 1], '\n');
}

static void write_many(void *arg) {
    for (int i = 0; i < 100; i++) {
        log_line(LOG_INFO, "thread", arg, "padding=%0100d", i);
    }
}

Test(log, threads) {
    capture();
    uv_thread_t threads[3];
    static char names[3][4] = {"aaa", "bbb", "ccc"};
    for (int i = 0; i < 3; i++) {
        uv_thread_create(&threads[i], write_many, names[i]);
    }
    for (int i = 0; i < 3; i++) {
        uv_thread_join(&threads[i]);
    }
    const char *text = captured();
    int lines = 0;
    for (const char *line = text; *line != '\0'; lines++) {
        const char *end = strchr(line, '\n');
        cr_assert_not_null(end);
        cr_assert_eq(strncmp(line, "time=", 5), 0);
        cr_assert_eq((size_t)(end - line), strcspn(text, "\n"), "a line was torn");
        line = end + 1;
    }
    cr_assert_eq(lines, 300);
}
