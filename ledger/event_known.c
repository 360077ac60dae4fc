/* Reading the place of an event off bytes that were accepted before (ledger/event.h). */
#include "crypto/encoding.h"
#include "ledger/event.h"

#include <string.h>

#define SEPARATOR "\n\n\xe2\x80\x94 " /* between a note's text and its first line's name */
#define HASH_CHARACTERS (2 * HASH_SIZE)

/* Takes `text` off the end. */
static bool drop_tail(struct bytes *b, const char *text) {
    size_t len = strlen(text);
    if (b->len < len || memcmp(b->data + b->len - len, text, len) != 0) {
        return false;
    }
    b->len -= len;
    return true;
}

static bool split(struct bytes note, struct bytes *text, struct bytes *name) {
    const size_t len = strlen(SEPARATOR);
    /* From the front: a text of two lines has no empty one. */
    const uint8_t *at = memmem(note.data, note.len, SEPARATOR, len);
    struct reader r;
    if (at == NULL) {
        return false;
    }
    *text = bytes_of(note.data, (size_t)(at - note.data) + 1);
    reader_init(&r, bytes_of(at + len, note.len - text->len - len + 1));
    return reader_until(&r, ' ', name);
}

/* The members before `log`: body, issuer, kind. An issuer's name is written as it is: MEMBER_NAME
 * has no character that JSON escapes. */
static bool read_front(struct reader *r, struct event *event) {
    struct bytes body;
    struct bytes kind;
    event->has_body = reader_skip(r, "{\"body\":\"");
    if (event->has_body) {
        if (!reader_take(r, HASH_CHARACTERS, &body) || !bytes_hex_to_hash(body, &event->body) ||
            !reader_skip(r, "\",")) {
            return false;
        }
    } else if (!reader_skip(r, "{")) {
        return false;
    }
    struct bytes issuer;
    if (!reader_skip(r, "\"issuer\":\"") || !reader_until(r, '"', &issuer) ||
        !bytes_equal(issuer, event->issuer) || !reader_skip(r, ",\"kind\":\"") ||
        !reader_until(r, '"', &kind)) {
        return false;
    }
    event->kind = kind_find((const char *)kind.data, kind.len);
    return event->kind != NULL;
}

/* --- what it is about --- */

/* The rest of a string whose first quotation mark is taken. */
static bool skip_string(struct reader *r) {
    uint8_t c = 0;
    while (reader_u8(r, &c) && c != '"') {
        if (c == '\\' && !reader_u8(r, &c)) {
            return false;
        }
    }
    return !r->failed;
}

/* Any value of an object's member, up to the comma or brace that follows it. */
static bool skip_value(struct reader *r) {
    size_t depth = 0;
    while (r->rest.len > 0) {
        uint8_t c = r->rest.data[0];
        if (depth == 0 && (c == ',' || c == '}')) {
            return true;
        }
        reader_u8(r, &c);
        if (c == '"') {
            if (!skip_string(r)) {
                return false;
            }
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (depth == 0) {
                return false;
            }
            depth--;
        }
    }
    return false;
}

/* What is left of an object whose first member is read. */
static bool skip_rest(struct reader *r) {
    while (reader_skip(r, ",")) {
        if (!reader_skip(r, "\"") || !skip_string(r) || !reader_skip(r, ":") || !skip_value(r)) {
            return false;
        }
    }
    return reader_skip(r, "}");
}

/* A string member of hex or of an ORI: nothing in it is escaped. */
static bool read_plain(struct reader *r, size_t len, struct bytes *out) {
    return reader_skip(r, "\"") && reader_take(r, len, out) && reader_skip(r, "\"");
}

static bool read_open_member(struct reader *r, struct bytes name, struct event_about *about,
                             bool *has_ori) {
    struct bytes text;
    if (bytes_equal(name, bytes_text("case"))) {
        about->has_case = true;
        return read_plain(r, 2 * HANDLE_SIZE, &text) &&
               hex_decode((const char *)text.data, text.len, about->handle, HANDLE_SIZE);
    }
    if (bytes_equal(name, bytes_text("event"))) {
        /* Its first member, in the order of names, is the id. */
        about->has_named = true;
        return reader_skip(r, "{\"id\":") && read_plain(r, HASH_CHARACTERS, &text) &&
               bytes_hex_to_hash(text, &about->named) && skip_rest(r);
    }
    if (bytes_equal(name, bytes_text("ori"))) {
        *has_ori = read_plain(r, ORI_SIZE, &text);
        if (*has_ori) {
            memcpy(about->ori, text.data, ORI_SIZE);
        }
        return *has_ori;
    }
    return skip_value(r);
}

/* `log` and `open`, where there is one. Names stand in order, and none of interest comes after
 * `ori`. */
static bool read_about(struct reader *r, struct event_about *about) {
    struct bytes name;
    bool has_ori = false;
    if (!reader_skip(r, ",\"log\":\"") || !skip_string(r)) {
        return false;
    }
    bool more = reader_skip(r, ",\"open\":{");
    while (more) {
        if (!reader_skip(r, "\"") || !reader_until(r, '"', &name) || !reader_skip(r, ":") ||
            !read_open_member(r, name, about, &has_ori)) {
            return false;
        }
        more = !has_ori && reader_skip(r, ",");
    }
    about->has_case = about->has_case && has_ori;
    return true;
}

/* The members after `open`: prev, seq. Read from the end: the last brace closes the event, so what
 * stands before it is the event's own, and no quotation mark within a string stands without a
 * backslash before it. */
static bool read_back(struct bytes json, struct event *event) {
    if (!drop_tail(&json, "}")) {
        return false;
    }
    size_t digits = 0;
    while (digits < json.len && json.data[json.len - 1 - digits] >= '0' &&
           json.data[json.len - 1 - digits] <= '9') {
        digits++;
    }
    if (!bytes_to_u64(bytes_of(json.data + json.len - digits, digits), &event->seq)) {
        return false;
    }
    json.len -= digits;
    if (!drop_tail(&json, ",\"seq\":")) {
        return false;
    }
    if (event->seq == 1) {
        return true;
    }
    if (!drop_tail(&json, "\"") || json.len < HASH_CHARACTERS) {
        return false;
    }
    json.len -= HASH_CHARACTERS;
    struct bytes prev = bytes_of(json.data + json.len, HASH_CHARACTERS);
    event->has_prev = true;
    return bytes_hex_to_hash(prev, &event->prev) && drop_tail(&json, ",\"prev\":\"");
}

bool event_read_known(struct bytes note, struct event *out) {
    struct event event = {.all = note};
    struct bytes text;
    struct bytes json;
    struct reader r;
    struct reader members;
    if (!split(note, &text, &event.issuer)) {
        return false;
    }
    reader_init(&r, text);
    if (!reader_skip(&r, EVENT_FIRST_LINE "\n") || !reader_line(&r, &json) || !reader_done(&r)) {
        return false;
    }
    reader_init(&members, json);
    if (!read_front(&members, &event) || event.kind->registry ||
        !read_about(&members, &event.about) || !read_back(json, &event)) {
        return false;
    }
    hash_of(text.data, text.len, &event.id);
    *out = event;
    return true;
}
