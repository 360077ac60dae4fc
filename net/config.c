/* inih reads the lines; the table below says what may stand where. inih itself cuts sections at 49
 * characters and lines at 198, takes what follows "[section]" for nothing and an indented line for
 * the rest of the value above: so the lines pass through read_line_cb first, which remembers
 * sections whole, takes indentation away and refuses the rest. */
#include "net/config_private.h"

#include "ledger/note.h"
#include "net/file.h"
#include "net/tls.h"

#include <assert.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_INIH 198

static const char *const section_names[] = {"",       "node", "host",     "mirror",
                                            "limits", "log",  "authority"};

/* --- the table --- */

/* One row per option. The setters take the whole parser: it knows the section's destination. */
#define NODE(p) ((p)->out)
static bool node_name(struct config_parser *p, const char *v) {
    return value_word(p, v, NODE(p)->name, sizeof NODE(p)->name);
}
static bool node_data(struct config_parser *p, const char *v) {
    return value_path(p, v, NODE(p)->data);
}
static bool node_head(struct config_parser *p, const char *v) {
    return value_path(p, v, NODE(p)->head);
}
static bool node_operator(struct config_parser *p, const char *v) {
    return value_text(p, v, NODE(p)->operator_name, sizeof NODE(p)->operator_name);
}
static bool node_tls_certificate(struct config_parser *p, const char *v) {
    return value_file(p, v, TLS_FILE_MAX, NODE(p)->tls_certificate);
}
static bool node_tls_key(struct config_parser *p, const char *v) {
    return value_secret(p, v, NODE(p)->tls_key);
}
static bool node_ca(struct config_parser *p, const char *v) {
    return value_file(p, v, CONFIG_CA_MAX, NODE(p)->ca);
}
static bool node_gossip(struct config_parser *p, const char *v) {
    return value_number(p, v, 0, 86400, 1000, &NODE(p)->gossip_ms);
}
static bool node_passphrase_file(struct config_parser *p, const char *v) {
    return value_secret(p, v, NODE(p)->passphrase_file);
}
static bool node_behind_proxy(struct config_parser *p, const char *v) {
    NODE(p)->behind_proxy = true;
    return value_address(p, v, &NODE(p)->proxy);
}
static bool limits_connections(struct config_parser *p, const char *v) {
    return value_number(p, v, 64, 100000, 1, &NODE(p)->limits.connections);
}
static bool limits_address_connections(struct config_parser *p, const char *v) {
    return value_number(p, v, 1, 100000, 1, &NODE(p)->limits.address_connections);
}
static bool limits_address_rate(struct config_parser *p, const char *v) {
    return value_number(p, v, 0, 1000000, 1, &NODE(p)->limits.address_rate);
}
static bool limits_issuer_rate(struct config_parser *p, const char *v) {
    return value_number(p, v, 0, 1000000, 1, &NODE(p)->limits.issuer_rate);
}
static bool limits_bodies(struct config_parser *p, const char *v) {
    return value_number(p, v, 8, 65536, 1 << 20, &NODE(p)->limits.body_bytes);
}
static bool host_origin(struct config_parser *p, const char *v) {
    return value_origin(p, v, NODE(p)->host.origin);
}
static bool host_key(struct config_parser *p, const char *v) {
    return value_secret(p, v, NODE(p)->host.key);
}
static bool host_accept(struct config_parser *p, const char *v) {
    return value_accept(p, v, &NODE(p)->host.accept);
}
static bool host_policy(struct config_parser *p, const char *v) {
    return value_file(p, v, POLICY_SIZE_MAX, NODE(p)->host.policy);
}
static bool host_round_timeout(struct config_parser *p, const char *v) {
    return value_number(p, v, 100, 600000, 1, &NODE(p)->host.round_timeout_ms);
}
static bool host_refresh(struct config_parser *p, const char *v) {
    return value_number(p, v, 60, 86400, 1000, &NODE(p)->host.refresh_ms);
}
static bool mirror_key(struct config_parser *p, const char *v) {
    return value_secret(p, v, NODE(p)->mirror.key);
}
static bool mirror_witness_key(struct config_parser *p, const char *v) {
    return value_secret(p, v, NODE(p)->mirror.witness_key);
}
static bool log_accept(struct config_parser *p, const char *v) {
    return value_accept(p, v, &p->log->accept);
}
static bool log_url(struct config_parser *p, const char *v) {
    return value_url(p, v, p->log->url);
}
static bool log_pull(struct config_parser *p, const char *v) {
    return value_number(p, v, 0, 86400, 1000, &p->log->pull_ms);
}
static bool log_operator(struct config_parser *p, const char *v) {
    return value_text(p, v, p->log->operator_name, sizeof p->log->operator_name);
}

static bool authority_threshold(struct config_parser *p, const char *v) {
    uint64_t n = 0;
    if (!value_number(p, v, 1, PIN_ROOTS_MAX, 1, &n)) {
        return false;
    }
    p->authority->pin.threshold = (size_t)n;
    return true;
}
static bool authority_url(struct config_parser *p, const char *v) {
    return value_url(p, v, p->authority->url);
}
static bool authority_pull(struct config_parser *p, const char *v) {
    return value_number(p, v, 0, 86400, 1000, &p->authority->pull_ms);
}

static const struct option {
    enum section section;
    const char *name;
    bool required;
    bool (*set)(struct config_parser *p, const char *value);
} options[] = {
    {SECTION_NODE, "name", true, node_name},
    {SECTION_NODE, "listen", true, value_listen},
    {SECTION_NODE, "data", true, node_data},
    {SECTION_NODE, "log_level", false, value_log_level},
    {SECTION_NODE, "log_format", false, value_log_format},
    {SECTION_NODE, "operator", false, node_operator},
    {SECTION_NODE, "head", false, node_head},
    {SECTION_NODE, "exempt", false, value_exempt},
    {SECTION_NODE, "tls_certificate", false, node_tls_certificate},
    {SECTION_NODE, "tls_key", false, node_tls_key},
    {SECTION_NODE, "ca", false, node_ca},
    {SECTION_NODE, "passphrase_file", false, node_passphrase_file},
    {SECTION_NODE, "gossip", false, node_gossip},
    {SECTION_NODE, "behind_proxy", false, node_behind_proxy},
    {SECTION_NODE, "known", false, value_known},
    {SECTION_HOST, "origin", true, host_origin},
    {SECTION_HOST, "key", true, host_key},
    {SECTION_HOST, "accept", true, host_accept},
    {SECTION_HOST, "policy", false, host_policy},
    {SECTION_HOST, "round_timeout", false, host_round_timeout},
    {SECTION_HOST, "refresh", false, host_refresh},
    {SECTION_MIRROR, "key", true, mirror_key},
    {SECTION_MIRROR, "witness_key", false, mirror_witness_key},
    {SECTION_LIMITS, "connections", false, limits_connections},
    {SECTION_LIMITS, "address_connections", false, limits_address_connections},
    {SECTION_LIMITS, "address_rate", false, limits_address_rate},
    {SECTION_LIMITS, "issuer_rate", false, limits_issuer_rate},
    {SECTION_LIMITS, "bodies", false, limits_bodies},
    {SECTION_LOG, "vkey", true, value_vkey},
    {SECTION_LOG, "accept", true, log_accept},
    {SECTION_LOG, "url", false, log_url},
    {SECTION_LOG, "pull", false, log_pull},
    {SECTION_LOG, "operator", false, log_operator},
    {SECTION_AUTHORITY, "root", true, value_root},
    {SECTION_AUTHORITY, "threshold", false, authority_threshold},
    {SECTION_AUTHORITY, "url", false, authority_url},
    {SECTION_AUTHORITY, "pull", false, authority_pull},
};
#define OPTION_COUNT (sizeof options / sizeof options[0])
static_assert(OPTION_COUNT <= 64, "`seen` has a bit per option");

static int option_cb(void *user, const char *section, const char *name, const char *value) {
    struct config_parser *p = user;
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
        if ((p->seen & UINT64_C(1) << i) != 0 &&
            options[i].set != value_root) { /* of which there may be several */
            BAD(p, "\"%s\" is given twice in [%s]: keep one", name, section_names[p->section]);
            return 0;
        }
        p->seen |= UINT64_C(1) << i;
        return options[i].set(p, value) ? 1 : 0;
    }
    BAD(p, "unknown option \"%s\" in [%s]: remove or correct it", name, section_names[p->section]);
    return 0;
}

/* --- sections --- */

static bool end_authority(struct config_parser *p) {
    struct pin *pin = &p->authority->pin;
    if (pin->threshold > pin->root_count) {
        return config_bad(p, p->section_line, STATUS_BAD_FORM,
                          "[authority %s] has %zu roots and a threshold of %zu: lower it, or add "
                          "roots",
                          pin->name, pin->root_count, pin->threshold);
    }
    if (pin->threshold == 0) {
        pin->threshold = pin->root_count;
    }
    return true;
}

static bool end_section(struct config_parser *p) {
    if (p->section == SECTION_NONE) {
        return true;
    }
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (options[i].section == p->section && options[i].required &&
            (p->seen & UINT64_C(1) << i) == 0) {
            return config_bad(p, p->section_line, STATUS_BAD_FORM, "[%s] lacks \"%s\": add it",
                              section_names[p->section], options[i].name);
        }
    }
    struct node_config *out = p->out;
    if (p->section == SECTION_HOST &&
        (out->host.accept == ACCEPT_OPAQUE) != (out->host.policy[0] != '\0')) {
        return config_bad(p, p->section_line, STATUS_BAD_FORM,
                          out->host.accept == ACCEPT_OPAQUE
                              ? "[host] with accept = opaque needs \"policy\": add it"
                              : "[host] with accept = events takes its policy from its log: remove "
                                "\"policy\"");
    }
    if (p->section == SECTION_MIRROR && strcmp(out->mirror.key, out->mirror.witness_key) == 0) {
        return config_bad(
            p, p->section_line, STATUS_BAD_FORM,
            "[mirror] uses one file as key and witness_key: make another with keygen");
    }
    if (p->section == SECTION_LOG && p->log->pull_ms > 0 && p->log->url[0] == '\0') {
        return config_bad(p, p->section_line, STATUS_BAD_FORM,
                          "[log] with \"pull\" needs \"url\": add it, or set pull = 0");
    }
    return p->section != SECTION_AUTHORITY || end_authority(p);
}

static bool add_log(struct config_parser *p, struct bytes origin) {
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
            return config_bad(p, p->line, STATUS_NOMEM, "out of memory");
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

static bool add_authority(struct config_parser *p, struct bytes name) {
    struct node_config *out = p->out;
    char word[PIN_NAME_MAX + 1] = "";
    if (name.len > PIN_NAME_MAX) {
        return BAD(p, "an authority's name has 1 to %d characters", PIN_NAME_MAX);
    }
    memcpy(word, name.data, name.len);
    if (out->authorities == NULL) {
        out->authorities = calloc(CONFIG_AUTHORITIES_MAX, sizeof *out->authorities);
        if (out->authorities == NULL) {
            return config_bad(p, p->line, STATUS_NOMEM, "out of memory");
        }
    }
    if (out->authority_count == CONFIG_AUTHORITIES_MAX) {
        return BAD(p, "more than %d authorities: remove some", CONFIG_AUTHORITIES_MAX);
    }
    for (size_t i = 0; i < out->authority_count; i++) {
        if (strcmp(out->authorities[i].pin.name, word) == 0) {
            return BAD(p, "this authority stands at line %u already: keep one",
                       out->authorities[i].line);
        }
    }
    p->authority = &out->authorities[out->authority_count++];
    *p->authority = (struct config_authority){.line = p->line, .pull_ms = 300000};
    return value_word(p, word, p->authority->pin.name, sizeof p->authority->pin.name);
}

/* `text` is what stands between the brackets. */
static bool begin_section(struct config_parser *p, struct bytes text) {
    if (!end_section(p)) {
        return false;
    }
    p->seen = 0;
    p->section_line = p->line;
    if (bytes_starts_with(text, "log ")) {
        p->section = SECTION_LOG;
        return add_log(p, bytes_of(text.data + 4, text.len - 4));
    }
    if (bytes_starts_with(text, "authority ")) {
        p->section = SECTION_AUTHORITY;
        return add_authority(p, bytes_of(text.data + 10, text.len - 10));
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
    return BAD(p, "unknown section: there are [node], [host], [mirror], [limits], [log ORIGIN] and "
                  "[authority NAME]");
}

static bool is_blank(uint8_t c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool take_section(struct config_parser *p, struct bytes line) {
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
    struct config_parser *p = stream;
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

static bool check_tls(struct config_parser *p) {
    const struct node_config *out = p->out;
    bool tls = out->tls_certificate[0] != '\0';
    if (tls != (out->tls_key[0] != '\0')) {
        return config_bad(p, p->section_lines[SECTION_NODE], STATUS_BAD_FORM,
                          "[node] needs tls_certificate and tls_key, or neither: add the other");
    }
    if (!out->loopback && !tls && !out->behind_proxy) {
        return config_bad(p, p->listen_line, STATUS_BAD_FORM,
                          "off loopback a node does not listen in clear: add tls_certificate and "
                          "tls_key, or behind_proxy = ADDRESS of a proxy that does TLS, or listen "
                          "on 127.0.0.1:%u",
                          (unsigned)out->port);
    }
    return true;
}

/* Beside the data folder, or it would be copied and put back with it. */
static bool check_head(struct config_parser *p) {
    const struct node_config *out = p->out;
    size_t len = strlen(out->data);
    return strncmp(out->head, out->data, len) != 0 ||
           (out->head[len] != '/' && out->head[len] != '\0') ||
           config_bad(p, p->section_lines[SECTION_NODE], STATUS_BAD_FORM,
                      "\"head\" lies in the data folder, and would be restored with it: put it "
                      "elsewhere, best on another disk");
}

static bool check_whole(struct config_parser *p) {
    if (!end_section(p)) {
        return false;
    }
    if (p->section_lines[SECTION_NODE] == 0) {
        return config_bad(p, p->line, STATUS_BAD_FORM, "there is no [node]: add it");
    }
    const struct node_config *out = p->out;
    if (!check_tls(p) || !check_head(p)) {
        return false;
    }
    for (size_t i = 0; out->has_host && i < out->log_count; i++) {
        if (strcmp(out->logs[i].vkey.name, out->host.origin) == 0) {
            return config_bad(p, out->logs[i].line, STATUS_BAD_FORM,
                              "this node hosts that log itself and cannot mirror it: remove one");
        }
    }
    if (out->has_host && out->has_mirror &&
        (strcmp(out->host.key, out->mirror.key) == 0 ||
         strcmp(out->host.key, out->mirror.witness_key) == 0)) {
        return config_bad(p, p->section_lines[SECTION_MIRROR], STATUS_BAD_FORM,
                          "[mirror] uses the key file of [host]: make another with keygen");
    }
    return true;
}

static enum status parse(struct bytes text, const char *path, bool check_files,
                         struct node_config *out, struct refusal *why) {
    struct node_config config = {.log_level = LOG_INFO,
                                 .gossip_ms = 600000,
                                 .host = {.round_timeout_ms = 5000, .refresh_ms = 3600000},
                                 .limits = {.connections = 4000,
                                            .address_connections = 256,
                                            .address_rate = 1000,
                                            .issuer_rate = 1000,
                                            .body_bytes = 64U << 20}};
    struct refusal first = {.status = STATUS_BAD_FORM};
    const char *slash = strrchr(path, '/');
    struct config_parser p = {.path = path,
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
        config_bad(&p, line > 0 ? (unsigned)line : p.line, STATUS_BAD_FORM,
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
    free(config->authorities);
    config->logs = NULL;
    config->log_count = 0;
    config->authorities = NULL;
    config->authority_count = 0;
}

enum status node_config_reserve(struct node_config *config) {
    struct config_log *logs = realloc(config->logs, CONFIG_LOGS_MAX * sizeof *logs);
    if (logs == NULL) {
        return STATUS_NOMEM;
    }
    config->logs = logs;
    return STATUS_OK;
}
