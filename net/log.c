/* The format is walked pair by pair, so that the value of each is known as a value, whatever bytes
 * a peer put into it: vsnprintf would give one text in which they can't be told from ours. */
#include "net/log.h"

#include <assert.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = {"debug", "info", "warn", "error", "off"};
static const char *const format_names[] = {"text", "json"};
static _Atomic int least = LOG_INFO;
static _Atomic int line_format = LOG_TEXT;

void log_set_level(enum log_level level) {
    atomic_store(&least, (int)level);
}

void log_set_format(enum log_format format) {
    atomic_store(&line_format, (int)format);
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

enum status log_format_parse(struct bytes text, enum log_format *out) {
    for (int i = LOG_TEXT; i <= LOG_JSON; i++) {
        if (bytes_equal(text, bytes_text(format_names[i]))) {
            *out = (enum log_format)i;
            return STATUS_OK;
        }
    }
    return STATUS_BAD_FORM;
}

/* --- values: what a format and its arguments say --- */

struct arguments {
    va_list list;
};

struct text {
    size_t len;
    char data[LOG_LINE_MAX]; /* what is longer than a line is cut here already */
};

static void text_put(struct text *text, const char *data, size_t len) {
    size_t room = sizeof text->data - text->len;
    len = len < room ? len : room;
    memcpy(text->data + text->len, data, len);
    text->len += len;
}

static void text_number(struct text *text, unsigned long long n, bool negative, unsigned base,
                        size_t width, char pad) {
    char digits[64];
    size_t at = sizeof digits;
    do {
        digits[--at] = "0123456789abcdef"[n % base];
        n /= base;
    } while (n > 0);
    size_t len = sizeof digits - at + (negative ? 1 : 0);
    if (negative && pad == '0') {
        text_put(text, "-", 1);
    }
    for (size_t i = len; i < width; i++) {
        text_put(text, &pad, 1);
    }
    if (negative && pad != '0') {
        text_put(text, "-", 1);
    }
    text_put(text, digits + at, sizeof digits - at);
}

/* One conversion, as far as this file knows them. */
struct conversion {
    char pad;
    size_t width;
    bool star;     /* ".*" */
    unsigned size; /* 0: int; 1: long; 2: long long; 3: size_t */
    char letter;
};

/* `c` is just after the '%'. Returns what follows the conversion. */
static const char *read_conversion(const char *c, struct conversion *out) {
    *out = (struct conversion){.pad = ' '};
    if (*c == '0') {
        out->pad = '0';
        c++;
    }
    while (*c >= '0' && *c <= '9' && out->width < LOG_LINE_MAX) {
        out->width = out->width * 10 + (size_t)(*c++ - '0');
    }
    if (c[0] == '.' && c[1] == '*') {
        out->star = true;
        c += 2;
    }
    while (*c == 'l' && out->size < 2) {
        out->size++;
        c++;
    }
    if (*c == 'z' && out->size == 0) {
        out->size = 3;
        c++;
    }
    out->letter = *c;
    return *c != '\0' ? c + 1 : c;
}

static void put_signed(struct text *text, const struct conversion *conversion,
                       struct arguments *args) {
    long long n = conversion->size == 0   ? va_arg(args->list, int)
                  : conversion->size == 1 ? va_arg(args->list, long)
                  : conversion->size == 2 ? va_arg(args->list, long long)
                                          : va_arg(args->list, ssize_t);
    unsigned long long size = n < 0 ? 0ULL - (unsigned long long)n : (unsigned long long)n;
    text_number(text, size, n < 0, 10, conversion->width, conversion->pad);
}

static void put_unsigned(struct text *text, const struct conversion *conversion,
                         struct arguments *args) {
    unsigned long long n = conversion->size == 0   ? va_arg(args->list, unsigned)
                           : conversion->size == 1 ? va_arg(args->list, unsigned long)
                           : conversion->size == 2 ? va_arg(args->list, unsigned long long)
                                                   : va_arg(args->list, size_t);
    text_number(text, n, false, conversion->letter == 'x' ? 16 : 10, conversion->width,
                conversion->pad);
}

static void put_string(struct text *text, const struct conversion *conversion,
                       struct arguments *args) {
    int max = conversion->star ? va_arg(args->list, int) : -1;
    const char *string = va_arg(args->list, const char *);
    if (max == 0) {
        return; /* a view of nothing may have no address */
    }
    size_t len = max >= 0 ? strnlen(string, (size_t)max) : strlen(string);
    text_put(text, string, len);
}

/* Returns false at a conversion that it does not know: what comes after can't be read either. */
static bool put_conversion(struct text *text, const struct conversion *conversion,
                           struct arguments *args) {
    char c;
    switch (conversion->letter) {
    case 's':
        put_string(text, conversion, args);
        return true;
    case 'd':
    case 'i':
        put_signed(text, conversion, args);
        return true;
    case 'u':
    case 'x':
        put_unsigned(text, conversion, args);
        return true;
    case 'c':
        c = (char)va_arg(args->list, int);
        text_put(text, &c, 1);
        return true;
    case '%':
        text_put(text, "%", 1);
        return true;
    default:
        return false;
    }
}

/* One pair of the format. */
struct pair {
    const char *name;
    size_t name_len;
    bool quoted;
    bool number; /* nothing but one conversion of a number */
    struct text value;
};

/* Reads the pair that begins at `c`, with its arguments; returns where the next begins, or NULL if
 * there is none to be had. */
static const char *read_pair(const char *c, struct arguments *args, struct pair *pair) {
    c += strspn(c, " ");
    pair->name = c;
    pair->name_len = strcspn(c, "= ");
    if (pair->name_len == 0 || c[pair->name_len] != '=') {
        return NULL;
    }
    c += pair->name_len + 1;
    pair->quoted = *c == '"';
    c += pair->quoted ? 1 : 0;
    const char end = pair->quoted ? '"' : ' ';
    size_t conversions = 0;
    size_t plain = 0;
    pair->value.len = 0;
    pair->number = !pair->quoted;
    while (*c != '\0' && *c != end) {
        struct conversion conversion;
        if (*c != '%') {
            text_put(&pair->value, c++, 1);
            plain++;
            continue;
        }
        c = read_conversion(c + 1, &conversion);
        pair->number = pair->number && conversion.letter != '\0' &&
                       strchr("diu", conversion.letter) != NULL && conversion.pad == ' ';
        conversions++;
        if (!put_conversion(&pair->value, &conversion, args)) {
            return NULL;
        }
    }
    pair->number = pair->number && conversions == 1 && plain == 0;
    return pair->quoted && *c == '"' ? c + 1 : c;
}

/* --- lines --- */

struct line {
    size_t len;
    char data[LOG_LINE_MAX];
};

/* A quote, a brace and the newline always fit. */
#define LINE_RESERVE 3

static bool line_put(struct line *line, const char *data, size_t len) {
    if (line->len + len > sizeof line->data - LINE_RESERVE) {
        return false;
    }
    memcpy(line->data + line->len, data, len);
    line->len += len;
    return true;
}

static bool needs_quotes(const char *value, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (value[i] <= ' ' || value[i] > '~' || value[i] == '"' || value[i] == '=' ||
            value[i] == '\\') {
            return true;
        }
    }
    return len == 0;
}

static void put_value(struct line *line, const char *value, size_t len, bool quotes) {
    if (!quotes) {
        for (size_t i = 0; i < len && line_put(line, value + i, 1); i++) {
        }
        return;
    }
    line->data[line->len++] = '"'; /* within put_pair's room */
    for (size_t i = 0; i < len; i++) {
        char escaped[2] = {'\\', value[i]};
        bool special = value[i] == '"' || value[i] == '\\';
        if (value[i] < ' ' || value[i] > '~') {
            escaped[1] = '?';
        }
        if (!line_put(line, special ? escaped : escaped + 1, special ? 2 : 1)) {
            break;
        }
    }
    line->data[line->len++] = '"';
}

static void put_pair(struct line *line, const char *name, size_t name_len, const char *value,
                     size_t len, bool quoted, bool number) {
    bool json = atomic_load_explicit(&line_format, memory_order_relaxed) == LOG_JSON;
    bool first = line->len == 0;
    /* A number is written whole or not at all: cut, it would be another. */
    size_t least_room = name_len + 8 + (number ? len : 0);
    if (line->len + least_room > sizeof line->data - LINE_RESERVE) {
        return;
    }
    if (json) {
        line_put(line, first ? "{\"" : ",\"", 2);
        line_put(line, name, name_len);
        line_put(line, "\":", 2);
        put_value(line, value, len, !number);
    } else {
        line_put(line, " ", first ? 0 : 1);
        line_put(line, name, name_len);
        line_put(line, "=", 1);
        put_value(line, value, len, quoted || needs_quotes(value, len));
    }
}

static void put_word(struct line *line, const char *name, const char *value) {
    put_pair(line, name, strlen(name), value, strlen(value), false, false);
}

static void put_time(struct line *line) {
    struct timespec now;
    struct tm tm;
    struct text text = {.len = 0};
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    text.len = strftime(text.data, sizeof text.data, "%Y-%m-%dT%H:%M:%S.", &tm);
    text_number(&text, (unsigned long long)now.tv_nsec / 1000000, false, 10, 3, '0');
    text_put(&text, "Z", 1);
    put_pair(line, "time", 4, text.data, text.len, false, false);
}

void log_line(enum log_level level, const char *part, const char *event, const char *format, ...) {
    if (!log_enabled(level)) {
        return;
    }
    struct line line;
    line.len = 0;
    put_time(&line);
    put_word(&line, "level", level_names[level]);
    put_word(&line, "part", part);
    put_word(&line, "event", event);
    struct arguments args;
    struct pair pair;
    va_start(args.list, format);
    for (const char *c = format; c != NULL && *c != '\0';) {
        c = read_pair(c, &args, &pair);
        if (c != NULL) {
            put_pair(&line, pair.name, pair.name_len, pair.value.data, pair.value.len, pair.quoted,
                     pair.number);
        }
    }
    va_end(args.list);
    if (atomic_load_explicit(&line_format, memory_order_relaxed) == LOG_JSON) {
        line.data[line.len++] = '}';
    }
    line.data[line.len++] = '\n';
    assert(line.len <= sizeof line.data);
    /* One write keeps lines whole among threads. If standard error is gone there is nobody to tell.
     */
    ssize_t written = write(STDERR_FILENO, line.data, line.len);
    (void)written;
}
