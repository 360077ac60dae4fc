#include "net/config_private.h"

#include "ledger/note.h"
#include "net/file.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool config_bad(struct config_parser *p, unsigned line, enum status status, const char *format,
                ...) {
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

bool value_text(struct config_parser *p, const char *value, char *out, size_t cap) {
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

bool value_word(struct config_parser *p, const char *value, char *out, size_t cap) {
    if (value[strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789._-")] != '\0') {
        return BAD(p, "only a-z, 0-9, '.', '_' and '-' are allowed here");
    }
    return value_text(p, value, out, cap);
}

bool value_origin(struct config_parser *p, const char *value, char *out) {
    if (!note_name_valid(bytes_text(value))) {
        return BAD(p, "an origin has 1 to %d characters, no white space and no '+'", NAME_SIZE_MAX);
    }
    return value_text(p, value, out, NAME_SIZE_MAX + 1);
}

bool value_number(struct config_parser *p, const char *value, uint64_t min, uint64_t max,
                  uint64_t unit, uint64_t *out) {
    uint64_t n;
    if (!bytes_to_u64(bytes_text(value), &n) || n < min || n > max) {
        return BAD(p, "give a whole number from %llu to %llu", (unsigned long long)min,
                   (unsigned long long)max);
    }
    *out = n * unit;
    return true;
}

bool value_path(struct config_parser *p, const char *value, char *out) {
    int n = value[0] == '/' || p->folder.len == 0
                ? snprintf(out, CONFIG_PATH_MAX, "%s", value)
                : snprintf(out, CONFIG_PATH_MAX, "%.*s/%s", (int)p->folder.len,
                           (const char *)p->folder.data, value);
    if (value[0] == '\0' || n < 0 || n >= CONFIG_PATH_MAX) {
        return BAD(p, "a path has 1 to %d characters", CONFIG_PATH_MAX - 1);
    }
    return true;
}

bool value_secret(struct config_parser *p, const char *value, char *out) {
    if (!value_path(p, value, out)) {
        return false;
    }
    struct refusal why;
    enum status status = p->check_files ? file_check_secret(out, &why) : STATUS_OK;
    return status == STATUS_OK || config_bad(p, p->line, status, "%s", why.text);
}

bool value_file(struct config_parser *p, const char *value, size_t max, char *out) {
    if (!value_path(p, value, out)) {
        return false;
    }
    if (!p->check_files) {
        return true;
    }
    struct refusal why;
    struct buffer content;
    buffer_init(&content, max);
    enum status status = file_read(out, &content, &why);
    buffer_clear(&content);
    return status == STATUS_OK || config_bad(p, p->line, status, "%s", why.text);
}

bool value_accept(struct config_parser *p, const char *value, enum config_accept *out) {
    if (strcmp(value, "events") != 0 && strcmp(value, "opaque") != 0) {
        return BAD(p, "accept is \"events\" or \"opaque\"");
    }
    *out = value[0] == 'e' ? ACCEPT_EVENTS : ACCEPT_OPAQUE;
    return true;
}

bool value_url(struct config_parser *p, const char *value, char *out) {
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
    if (!value_text(p, value, out, CONFIG_TEXT_MAX + 1)) {
        return false;
    }
    size_t len = strlen(out);
    if (out[len - 1] == '/') {
        out[len - 1] = '\0'; /* paths are appended with theirs */
    }
    return true;
}

bool value_listen(struct config_parser *p, const char *value) {
    const char *colon = strrchr(value, ':');
    uint64_t port;
    if (colon == NULL || !bytes_to_u64(bytes_text(colon + 1), &port) || port > 65535) {
        return BAD(p, "listen is address:port, such as 127.0.0.1:8080");
    }
    const char *start = value;
    const char *end = colon;
    bool bracketed = start[0] == '[' && end > start + 1 && end[-1] == ']';
    if (bracketed) {
        start++;
        end--;
    }
    struct address address;
    size_t len = (size_t)(end - start);
    bool colons = memchr(start, ':', len) != NULL;
    if (len >= sizeof p->out->address || colons != bracketed ||
        !address_parse(bytes_of(start, len), &address)) {
        return BAD(p, "listen is an IP address and a port, such as 127.0.0.1:8080 or [::1]:8080");
    }
    memcpy(p->out->address, start, len);
    p->out->address[len] = '\0';
    p->out->port = (uint16_t)port;
    p->out->loopback = address.loopback;
    p->listen_line = p->line;
    return true;
}

bool value_address(struct config_parser *p, const char *value, struct address *out) {
    if (!address_parse(bytes_text(value), out)) {
        return BAD(p, "give an IP address, such as 192.0.2.1 or 2001:db8::1");
    }
    return true;
}

bool value_known(struct config_parser *p, const char *value) {
    struct node_config *out = p->out;
    for (const char *start = value; *start != '\0';) {
        size_t len = strcspn(start, " \t");
        if (out->known_count == CONFIG_KNOWN_MAX) {
            return BAD(p, "more than %d addresses: keep those of mirrors and logs",
                       CONFIG_KNOWN_MAX);
        }
        if (!address_parse(bytes_of(start, len), &out->known[out->known_count])) {
            return BAD(p, "give IP addresses with spaces between, such as 192.0.2.1 2001:db8::1");
        }
        out->known_count++;
        start += len;
        start += strspn(start, " \t");
    }
    return true;
}

bool value_exempt(struct config_parser *p, const char *value) {
    struct node_config *out = p->out;
    for (const char *start = value; *start != '\0';) {
        size_t len = strcspn(start, " \t");
        if (out->exempt_count == CONFIG_EXEMPT_MAX) {
            return BAD(p, "more than %d are exempt: keep fewer", CONFIG_EXEMPT_MAX);
        }
        if (!note_name_valid(bytes_of(start, len))) {
            return BAD(p, "give names of keys with spaces between, such as state.example/mirror "
                          "state.example/witness");
        }
        memcpy(out->exempt[out->exempt_count], start, len);
        out->exempt[out->exempt_count++][len] = '\0';
        start += len;
        start += strspn(start, " \t");
    }
    return true;
}

bool value_log_level(struct config_parser *p, const char *value) {
    if (log_level_parse(bytes_text(value), &p->out->log_level) != STATUS_OK) {
        return BAD(p, "log_level is debug, info, warn, error or off");
    }
    return true;
}

bool value_log_format(struct config_parser *p, const char *value) {
    if (log_format_parse(bytes_text(value), &p->out->log_format) != STATUS_OK) {
        return BAD(p, "log_format is text or json");
    }
    return true;
}

bool value_vkey(struct config_parser *p, const char *value) {
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

bool value_root(struct config_parser *p, const char *value) {
    struct pin *pin = &p->authority->pin;
    struct refusal why;
    struct vkey root;
    if (pin->root_count == PIN_ROOTS_MAX) {
        return BAD(p, "more than %d roots: keep fewer", PIN_ROOTS_MAX);
    }
    if (vkey_parse(bytes_text(value), &root, &why) != STATUS_OK) {
        return BAD(p, "%s", why.text);
    }
    if (root.type != VKEY_NOTE) {
        return BAD(p, "this is a cosigner's key: give a root's");
    }
    for (size_t i = 0; i < pin->root_count; i++) {
        if (memcmp(pin->roots[i].key.bytes, root.key.bytes, sizeof root.key.bytes) == 0) {
            return BAD(p, "this root is named twice: it would count twice");
        }
    }
    pin->roots[pin->root_count++] = root;
    return true;
}
