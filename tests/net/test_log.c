#include "net/log.h"

#include <criterion/criterion.h>
#include <jansson.h>
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

/* A request that was refused before its path was read: a view without an address. */
Test(log, a_value_that_is_not_there) {
    const char *volatile nowhere = NULL; /* the compiler would see it */
    capture();
    log_line(LOG_WARN, "server", "request", "path=%.*s http=%u", 0, nowhere, 429U);
    const char *text = captured();
    cr_assert_not_null(strstr(text, " event=request path=\"\" http=429\n"), "%s", text);
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
    cr_assert(len <= LOG_LINE_MAX && len >= LOG_LINE_MAX - 3, "%zu", len);
    for (size_t i = 0; i < len - 1; i++) {
        cr_assert(text[i] >= 0x20 && text[i] <= 0x7e);
    }
    cr_assert_eq(text[len - 1], '\n');
}

/* A line's tail, from after its event on. */
static const char *tail(const char *text) {
    const char *event = strstr(text, "event=e");
    cr_assert_not_null(event, "%s", text);
    return event + strlen("event=e");
}

static void expect_tail(const char *wanted) {
    const char *text = captured();
    cr_assert_str_eq(tail(text), wanted);
}

/* What a peer says never makes a pair of its own. */
Test(log, values_that_forge_pairs) {
    capture();
    log_line(LOG_INFO, "p", "e", "why=\"%s\" peer=%s n=%d", "a\" level=error x=\"b\\",
             "q level=error", -3);
    expect_tail(" why=\"a\\\" level=error x=\\\"b\\\\\" peer=\"q level=error\" n=-3\n");
    capture();
    log_line(LOG_INFO, "p", "e", "a=%s b=%s c=%s", "", "x=y", "plain/value:1");
    expect_tail(" a=\"\" b=\"x=y\" c=plain/value:1\n");
}

Test(log, every_conversion) {
    capture();
    log_line(LOG_INFO, "p", "e", "a=%d b=%i c=%u d=%x e=%ld f=%lu g=%lld h=%llu i=%zu", INT32_MIN,
             INT32_MAX, UINT32_MAX, 0xbeefU, -1L, 2UL, (long long)INT64_MIN,
             (unsigned long long)UINT64_MAX, (size_t)7);
    expect_tail(" a=-2147483648 b=2147483647 c=4294967295 d=beef e=-1 f=2 g=-9223372036854775808"
                " h=18446744073709551615 i=7\n");
    capture();
    log_line(LOG_INFO, "p", "e", "a=%08x b=%03d c=%3u d=%.*s e=%c f=%d%% g=\"%s of %u\"", 0xabU, -5,
             7U, 3, "abcdef", 'x', 50, "one", 2U);
    expect_tail(" a=000000ab b=-05 c=\"  7\" d=abc e=x f=50% g=\"one of 2\"\n");
}

static json_t *captured_json(void) {
    const char *text = captured();
    json_error_t error;
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    cr_assert(json_is_object(object), "%s: %s", error.text, text);
    cr_assert_eq(strcspn(text, "\n"), strlen(text) - 1, "one line");
    return object;
}

static const char *member(const json_t *object, const char *name) {
    const char *value = json_string_value(json_object_get(object, name));
    cr_assert_not_null(value, "%s", name);
    return value;
}

Test(log, json_lines) {
    log_set_format(LOG_JSON);
    capture();
    log_line(LOG_WARN, "server", "cut", "port=%u size=%zu why=\"%s\" level_of=%d hex=%08x", 8080U,
             (size_t)12, "a\"}\\\n{", -3, 10U);
    json_t *object = captured_json();
    cr_assert_str_eq(member(object, "level"), "warn");
    cr_assert_str_eq(member(object, "part"), "server");
    cr_assert_str_eq(member(object, "event"), "cut");
    cr_assert_str_eq(member(object, "why"), "a\"}\\?{");
    cr_assert_str_eq(member(object, "hex"), "0000000a", "with zeros before it, no number in JSON");
    cr_assert_eq(json_integer_value(json_object_get(object, "port")), 8080);
    cr_assert_eq(json_integer_value(json_object_get(object, "level_of")), -3);
    cr_assert(json_is_integer(json_object_get(object, "size")));
    cr_assert_eq(strlen(member(object, "time")), strlen("2025-03-01T10:00:00.123Z"));
    json_decref(object);
    capture();
    log_line(LOG_INFO, "p", "e", NULL);
    json_decref(captured_json());
}

/* Whatever is cut, at whatever place, the line is whole and a JSON object; a number is not cut. */
Test(log, json_of_any_length) {
    char long_value[1300];
    log_set_format(LOG_JSON);
    for (size_t len = 850; len < sizeof long_value; len++) {
        memset(long_value, len % 2 == 0 ? '"' : 'x', len);
        long_value[len % 2 == 0 ? len / 2 : len] = '\0';
        capture();
        log_line(LOG_INFO, "p", "e", "value=%s number=%llu last=%s", long_value,
                 18446744073709551615ULL >> 1, "end");
        json_t *object = captured_json();
        json_t *number = json_object_get(object, "number");
        cr_assert(number == NULL || json_integer_value(number) == INT64_MAX);
        json_decref(object);
    }
}

Test(log, format_names) {
    enum log_format format = LOG_JSON;
    cr_assert_eq(log_format_parse(bytes_text("text"), &format), STATUS_OK);
    cr_assert_eq(format, LOG_TEXT);
    cr_assert_eq(log_format_parse(bytes_text("json"), &format), STATUS_OK);
    cr_assert_eq(format, LOG_JSON);
    cr_assert_eq(log_format_parse(bytes_text("JSON"), &format), STATUS_BAD_FORM);
    cr_assert_eq(format, LOG_JSON);
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
