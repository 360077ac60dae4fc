/* inih reads the lines; the table below says what may stand where. inih itself cuts sections at 49
 * characters and lines at 198, takes what follows "[section]" for nothing and an indented line for
 * the rest of the value above: so the lines pass through read_line_cb first, which remembers
 * sections whole, takes indentation away and refuses the rest. */
#include "net/config.h"

#include "ledger/note.h"
#include "net/file.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_INIH 198

enum section { SECTION_NONE, SECTION_NODE, SECTION_HOST, SECTION_MIRROR, SECTION_LOG };
static const char *const section_names[] = {"", "node", "host", "mirror", "log"};

struct parser {
    const char *path; /* of node.ini, for messages */
    struct bytes folder;
    bool check_files;
    struct bytes rest; /* not yet read */
    unsigned line;
    enum section section;
    unsigned section_line;
    unsigned section_lines[SECTION_LOG]; /* where each of those that come once is; 0: nowhere */
    uint32_t seen;                       /* options of this section, by row */
    struct config_log *log;              /* the section's, in out->logs */
    char origin[NAME_SIZE_MAX + 1];      /* of [log ORIGIN] */
    size_t log_cap;
    struct node_config *out;
    bool failed;
    struct refusal *why;
};

/* Refuses at a line; the first refusal stands. Returns false. */
static bool bad_at(struct parser *p, unsigned line, enum status status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static bool bad_at(struct parser *p, unsigned line, enum status status, const char *format, ...) {
    assert(!p->failed);
    char text[REFUSAL_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    p->failed = true;
    refuse(p->why, status, "%s:%u: %s", p->path, line, text);
    return false;
}
#define BAD(p, ...) bad_at((p), (p)->line, STATUS_BAD_FORM, __VA_ARGS__)

/* --- values --- */

static bool set_text(struct parser *p, const char *value, char *out, size_t cap) {
    size_t len = strlen(value);
    if (len == 0 || len >= cap) {
        return BAD(p, "the value has %zu characters: give 1 to %zu", len, cap - 1);
    }
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)value[i] < 0x20 || value[i] == 0x7f) {
            return BAD(p, "the value holds a control character: remove it");
        }
    }
    memcpy(out, value, len + 1);
    return true;
}

static bool set_word(struct parser *p, const char *value, char *out, size_t cap) {
    if (value[strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789._-")] != '\0') {
        return BAD(p, "only a-z, 0-9, '.', '_' and '-' are allowed here");
    }
    return set_text(p, value, out, cap);
}

static bool set_origin(struct parser *p, const char *value, char *out) {
    if (!note_name_valid(bytes_text(value))) {
        return BAD(p, "an origin has 1 to %d characters, no white space and no '+'", NAME_SIZE_MAX);
    }
    return set_text(p, value, out, NAME_SIZE_MAX + 1);
}

static bool set_number(struct parser *p, const char *value, uint64_t min, uint64_t max,
                       uint64_t unit, uint64_t *out) {
    uint64_t n;
    if (!bytes_to_u64(bytes_text(value), &n) || n < min || n > max) {
        return BAD(p, "give a whole number from %llu to %llu", (unsigned long long)min,
                   (unsigned long long)max);
    }
    *out = n * unit;
    return true;
}

static bool set_path(struct parser *p, const char *value, char *out) {
    int n = value[0] == '/' || p->folder.len == 0
                ? snprintf(out, CONFIG_PATH_MAX, "%s", value)
                : snprintf(out, CONFIG_PATH_MAX, "%.*s/%s", (int)p->folder.len,
                           (const char *)p->folder.data, value);
    if (value[0] == '\0' || n < 0 || n >= CONFIG_PATH_MAX) {
        return BAD(p, "a path has 1 to %d characters", CONFIG_PATH_MAX - 1);
    }
    return true;
}

static bool set_secret(struct parser *p, const char *value, char *out) {
    if (!set_path(p, value, out)) {
        return false;
    }
    struct refusal why;
    enum status status = p->check_files ? file_check_secret(out, &why) : STATUS_OK;
    return status == STATUS_OK || bad_at(p, p->line, status, "%s", why.text);
}

static bool set_file(struct parser *p, const char *value, char *out) {
    if (!set_path(p, value, out)) {
        return false;
    }
    if (!p->check_files) {
        return true;
    }
    struct refusal why;
    struct buffer content;
    buffer_init(&content, POLICY_SIZE_MAX);
    enum status status = file_read(out, &content, &why);
    buffer_clear(&content);
    return status == STATUS_OK || bad_at(p, p->line, status, "%s", why.text);
}

static bool set_accept(struct parser *p, const char *value, enum config_accept *out) {
    if (strcmp(value, "events") != 0 && strcmp(value, "opaque") != 0) {
        return BAD(p, "accept is \"events\" or \"opaque\"");
    }
    *out = value[0] == 'e' ? ACCEPT_EVENTS : ACCEPT_OPAQUE;
    return true;
}

static bool set_url(struct parser *p, const char *value, char *out) {
    const char *host = strncmp(value, "http://", 7) == 0    ? value + 7
                       : strncmp(value, "https://", 8) == 0 ? value + 8
                                                            : NULL;
    if (host == NULL || host[0] == '\0' || host[0] == '/') {
        return BAD(p, "a url begins with http:// or https:// and a host");
    }
    for (const char *c = value; *c != '\0'; c++) {
        if (*c <= 0x20 || *c > 0x7e || *c == '?' || *c == '#') {
            return BAD(p, "a url here has no white space, no '?' and no '#'");
        }
    }
    if (!set_text(p, value, out, CONFIG_TEXT_MAX + 1)) {
        return false;
    }
    size_t len = strlen(out);
    if (out[len - 1] == '/') {
        out[len - 1] = '\0'; /* paths are appended with theirs */
    }
    return true;
}

static bool is_loopback(const char *address) {
    struct in_addr in;
    struct in6_addr in6;
    if (inet_pton(AF_INET, address, &in) == 1) {
        return ntohl(in.s_addr) >> 24 == 127;
    }
    return inet_pton(AF_INET6, address, &in6) == 1 && IN6_IS_ADDR_LOOPBACK(&in6);
}

static bool set_listen(struct parser *p, const char *value) {
    const char *colon = strrchr(value, ':');
    uint64_t port;
    if (colon == NULL || !bytes_to_u64(bytes_text(colon + 1), &port) || port > 65535) {
        return BAD(p, "listen is address:port, such as 127.0.0.1:8080");
    }
    const char *start = value;
    const char *end = colon;
    if (start[0] == '[' && end > start + 1 && end[-1] == ']') {
        start++;
        end--;
    }
    char address[sizeof p->out->address];
    size_t len = (size_t)(end - start);
    if (len >= sizeof address) {
        return BAD(p, "listen is address:port, such as 127.0.0.1:8080");
    }
    memcpy(address, start, len);
    address[len] = '\0';
    if (!is_loopback(address) || (start == value && strchr(address, ':') != NULL)) {
        return BAD(p,
                   "a node listens on loopback only until it has TLS: use 127.0.0.1:%u or "
                   "[::1]:%u",
                   (unsigned)port, (unsigned)port);
    }
    memcpy(p->out->address, address, len + 1);
    p->out->port = (uint16_t)port;
    return true;
}

static bool set_log_level(struct parser *p, const char *value) {
    if (log_level_parse(bytes_text(value), &p->out->log_level) != STATUS_OK) {
        return BAD(p, "log_level is debug, info, warn, error or off");
    }
    return true;
}

static bool set_vkey(struct parser *p, const char *value) {
    struct refusal why;
    if (vkey_parse(bytes_text(value), &p->log->vkey, &why) != STATUS_OK) {
        return BAD(p, "%s", why.text);
    }
    if (p->log->vkey.type != VKEY_NOTE) {
        return BAD(p, "this is a cosigner's key: give the log's own vkey");
    }
    if (strcmp(p->log->vkey.name, p->origin) != 0) {
        return BAD(p, "the vkey is of \"%s\", the section of \"%s\": they must be the same",
                   p->log->vkey.name, p->origin);
    }
    return true;
}

/* --- the table --- */

/* One row per option. The setters take the whole parser: it knows the section's destination. */
#define NODE(p) ((p)->out)
static bool node_name(struct parser *p, const char *v) {
    return set_word(p, v, NODE(p)->name, sizeof NODE(p)->name);
}
static bool node_data(struct parser *p, const char *v) {
    return set_path(p, v, NODE(p)->data);
}
static bool node_operator(struct parser *p, const char *v) {
    return set_text(p, v, NODE(p)->operator_name, sizeof NODE(p)->operator_name);
}
static bool host_origin(struct parser *p, const char *v) {
    return set_origin(p, v, NODE(p)->host.origin);
}
static bool host_key(struct parser *p, const char *v) {
    return set_secret(p, v, NODE(p)->host.key);
}
static bool host_accept(struct parser *p, const char *v) {
    return set_accept(p, v, &NODE(p)->host.accept);
}
static bool host_policy(struct parser *p, const char *v) {
    return set_file(p, v, NODE(p)->host.policy);
}
static bool host_round_timeout(struct parser *p, const char *v) {
    return set_number(p, v, 100, 600000, 1, &NODE(p)->host.round_timeout_ms);
}
static bool host_refresh(struct parser *p, const char *v) {
    return set_number(p, v, 60, 86400, 1000, &NODE(p)->host.refresh_ms);
}
static bool mirror_key(struct parser *p, const char *v) {
    return set_secret(p, v, NODE(p)->mirror.key);
}
static bool mirror_witness_key(struct parser *p, const char *v) {
    return set_secret(p, v, NODE(p)->mirror.witness_key);
}
static bool log_accept(struct parser *p, const char *v) {
    return set_accept(p, v, &p->log->accept);
}
static bool log_url(struct parser *p, const char *v) {
    return set_url(p, v, p->log->url);
}
static bool log_pull(struct parser *p, const char *v) {
    return set_number(p, v, 0, 86400, 1000, &p->log->pull_ms);
}
static bool log_operator(struct parser *p, const char *v) {
    return set_text(p, v, p->log->operator_name, sizeof p->log->operator_name);
}

static const struct option {
    enum section section;
    const char *name;
    bool required;
    bool (*set)(struct parser *p, const char *value);
} options[] = {
    {SECTION_NODE, "name", true, node_name},
    {SECTION_NODE, "listen", true, set_listen},
    {SECTION_NODE, "data", true, node_data},
    {SECTION_NODE, "log_level", false, set_log_level},
    {SECTION_NODE, "operator", false, node_operator},
    {SECTION_HOST, "origin", true, host_origin},
    {SECTION_HOST, "key", true, host_key},
    {SECTION_HOST, "accept", true, host_accept},
    {SECTION_HOST, "policy", false, host_policy},
    {SECTION_HOST, "round_timeout", false, host_round_timeout},
    {SECTION_HOST, "refresh", false, host_refresh},
    {SECTION_MIRROR, "key", true, mirror_key},
    {SECTION_MIRROR, "witness_key", false, mirror_witness_key},
    {SECTION_LOG, "vkey", true, set_vkey},
    {SECTION_LOG, "accept", true, log_accept},
    {SECTION_LOG, "url", false, log_url},
    {SECTION_LOG, "pull", false, log_pull},
    {SECTION_LOG, "operator", false, log_operator},
};
#define OPTION_COUNT (sizeof options / sizeof options[0])
static_assert(OPTION_COUNT <= 32, "`seen` has a bit per option");

static int option_cb(void *user, const char *section, const char *name, const char *value) {
    struct parser *p = user;
    (void)section; /* cut short by inih; read_line_cb has it whole */
    if (p->failed) {
        return 0;
    }
    if (p->section == SECTION_NONE) {
        BAD(p, "\"%s\" stands before any section: begin with [node]", name);
        return 0;
    }
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (options[i].section != p->section || strcmp(options[i].name, name) != 0) {
            continue;
        }
        if ((p->seen & 1U << i) != 0) {
            BAD(p, "\"%s\" is given twice in [%s]: keep one", name, section_names[p->section]);
            return 0;
        }
        p->seen |= 1U << i;
        return options[i].set(p, value) ? 1 : 0;
    }
    BAD(p, "unknown option \"%s\" in [%s]: remove or correct it", name, section_names[p->section]);
    return 0;
}

/* --- sections --- */

static bool end_section(struct parser *p) {
    if (p->section == SECTION_NONE) {
        return true;
    }
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (options[i].section == p->section && options[i].required && (p->seen & 1U << i) == 0) {
            return bad_at(p, p->section_line, STATUS_BAD_FORM, "[%s] lacks \"%s\": add it",
                          section_names[p->section], options[i].name);
        }
    }
    struct node_config *out = p->out;
    if (p->section == SECTION_HOST &&
        (out->host.accept == ACCEPT_OPAQUE) != (out->host.policy[0] != '\0')) {
        return bad_at(p, p->section_line, STATUS_BAD_FORM,
                      out->host.accept == ACCEPT_OPAQUE
                          ? "[host] with accept = opaque needs \"policy\": add it"
                          : "[host] with accept = events takes its policy from its log: remove "
                            "\"policy\"");
    }
    if (p->section == SECTION_MIRROR && strcmp(out->mirror.key, out->mirror.witness_key) == 0) {
        return bad_at(p, p->section_line, STATUS_BAD_FORM,
                      "[mirror] uses one file as key and witness_key: make another with keygen");
    }
    if (p->section == SECTION_LOG && p->log->pull_ms > 0 && p->log->url[0] == '\0') {
        return bad_at(p, p->section_line, STATUS_BAD_FORM,
                      "[log] with \"pull\" needs \"url\": add it, or set pull = 0");
    }
    return true;
}

static bool add_log(struct parser *p, struct bytes origin) {
    struct node_config *out = p->out;
    if (!note_name_valid(origin)) {
        return BAD(p, "[log] needs an origin, as in [log agency.example/log]");
    }
    for (size_t i = 0; i < out->log_count; i++) {
        if (bytes_equal(origin, vkey_name(&out->logs[i].vkey))) {
            return BAD(p, "this log stands at line %u already: keep one", out->logs[i].line);
        }
    }
    if (out->log_count == CONFIG_LOGS_MAX) {
        return BAD(p, "more than %d logs: remove some", CONFIG_LOGS_MAX);
    }
    if (out->log_count == p->log_cap) {
        size_t cap = p->log_cap == 0 ? 8 : p->log_cap * 2;
        struct config_log *logs = realloc(out->logs, cap * sizeof *logs);
        if (logs == NULL) {
            return bad_at(p, p->line, STATUS_NOMEM, "out of memory");
        }
        out->logs = logs;
        p->log_cap = cap;
    }
    p->log = &out->logs[out->log_count++];
    *p->log = (struct config_log){.line = p->line};
    memcpy(p->origin, origin.data, origin.len);
    p->origin[origin.len] = '\0';
    return true;
}

/* `text` is what stands between the brackets. */
static bool begin_section(struct parser *p, struct bytes text) {
    if (!end_section(p)) {
        return false;
    }
    p->seen = 0;
    p->section_line = p->line;
    if (bytes_starts_with(text, "log ")) {
        p->section = SECTION_LOG;
        return add_log(p, bytes_of(text.data + 4, text.len - 4));
    }
    for (enum section i = SECTION_NODE; i < SECTION_LOG; i++) {
        if (!bytes_equal(text, bytes_text(section_names[i]))) {
            continue;
        }
        if (p->section_lines[i] != 0) {
            return BAD(p, "[%s] stands at line %u already: keep one", section_names[i],
                       p->section_lines[i]);
        }
        p->section_lines[i] = p->line;
        p->section = i;
        p->out->has_host = p->out->has_host || i == SECTION_HOST;
        p->out->has_mirror = p->out->has_mirror || i == SECTION_MIRROR;
        return true;
    }
    return BAD(p, "unknown section: there are [node], [host], [mirror] and [log ORIGIN]");
}

static bool is_blank(uint8_t c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool take_section(struct parser *p, struct bytes line) {
    const uint8_t *close = memchr(line.data, ']', line.len);
    if (close == NULL) {
        return BAD(p, "a section ends in ']'");
    }
    for (const uint8_t *c = close + 1; c < line.data + line.len; c++) {
        if (*c == ';' && c > close + 1) {
            break;
        }
        if (!is_blank(*c)) {
            return BAD(p, "nothing but a comment may follow a section");
        }
    }
    return begin_section(p, bytes_of(line.data + 1, (size_t)(close - line.data) - 1));
}

/* inih asks for lines as fgets gives them. */
static char *read_line_cb(char *out, int cap, void *stream) {
    struct parser *p = stream;
    if (p->failed || p->rest.len == 0) {
        return NULL;
    }
    p->line++;
    const uint8_t *newline = memchr(p->rest.data, '\n', p->rest.len);
    struct bytes line =
        bytes_of(p->rest.data, newline != NULL ? (size_t)(newline - p->rest.data) : p->rest.len);
    size_t step = newline != NULL ? line.len + 1 : line.len;
    p->rest = bytes_of(p->rest.data + step, p->rest.len - step);
    while (line.len > 0 && is_blank(line.data[0])) {
        line = bytes_of(line.data + 1, line.len - 1);
    }
    while (line.len > 0 && is_blank(line.data[line.len - 1])) {
        line.len--;
    }
    if (line.len > LINE_MAX_INIH || line.len + 2 > (size_t)cap) {
        BAD(p, "longer than %d characters: shorten it", LINE_MAX_INIH);
        return NULL;
    }
    if (line.len > 0 && memchr(line.data, '\0', line.len) != NULL) {
        BAD(p, "holds a NUL byte: this is no text file");
        return NULL;
    }
    if (line.len > 0 && line.data[0] == '[' && !take_section(p, line)) {
        return NULL;
    }
    if (line.len > 0) {
        memcpy(out, line.data, line.len);
    }
    out[line.len] = '\n';
    out[line.len + 1] = '\0';
    return out;
}

/* --- the whole --- */

static bool check_whole(struct parser *p) {
    if (!end_section(p)) {
        return false;
    }
    if (p->section_lines[SECTION_NODE] == 0) {
        return bad_at(p, p->line, STATUS_BAD_FORM, "there is no [node]: add it");
    }
    const struct node_config *out = p->out;
    for (size_t i = 0; out->has_host && i < out->log_count; i++) {
        if (strcmp(out->logs[i].vkey.name, out->host.origin) == 0) {
            return bad_at(p, out->logs[i].line, STATUS_BAD_FORM,
                          "this node hosts that log itself and cannot mirror it: remove one");
        }
    }
    if (out->has_host && out->has_mirror &&
        (strcmp(out->host.key, out->mirror.key) == 0 ||
         strcmp(out->host.key, out->mirror.witness_key) == 0)) {
        return bad_at(p, p->section_lines[SECTION_MIRROR], STATUS_BAD_FORM,
                      "[mirror] uses the key file of [host]: make another with keygen");
    }
    return true;
}

static enum status parse(struct bytes text, const char *path, bool check_files,
                         struct node_config *out, struct refusal *why) {
    struct node_config config = {.log_level = LOG_INFO,
                                 .host = {.round_timeout_ms = 5000, .refresh_ms = 3600000}};
    struct refusal first = {.status = STATUS_BAD_FORM};
    const char *slash = strrchr(path, '/');
    struct parser p = {.path = path,
                       .folder = bytes_of(path, slash != NULL ? (size_t)(slash - path) : 0),
                       .check_files = check_files,
                       .rest = text,
                       .out = &config,
                       .why = &first};
    if (slash == path) {
        p.folder = bytes_text("/."); /* node.ini in the root folder */
    }
    int line = ini_parse_stream(read_line_cb, &p, option_cb, &p);
    if (!p.failed && line != 0) {
        bad_at(&p, line > 0 ? (unsigned)line : p.line, STATUS_BAD_FORM,
               "neither a [section] nor option = value");
    }
    if (p.failed || !check_whole(&p)) {
        node_config_release(&config);
        return refuse(why, first.status, "%s", first.text);
    }
    *out = config;
    return STATUS_OK;
}

enum status config_parse(struct bytes text, const char *path, struct node_config *out,
                         struct refusal *why) {
    return parse(text, path, false, out, why);
}

enum status config_load(const char *path, struct node_config *out, struct refusal *why) {
    struct buffer content;
    buffer_init(&content, CONFIG_SIZE_MAX);
    enum status status = file_read(path, &content, why);
    if (status == STATUS_OK) {
        status = parse(buffer_view(&content), path, true, out, why);
    }
    buffer_clear(&content);
    return status;
}

void node_config_release(struct node_config *config) {
    free(config->logs);
    config->logs = NULL;
    config->log_count = 0;
}
