/* Reading the place of an event off bytes that were accepted before (ledger/event.h). */
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
static bool read_front(struct bytes json, struct event *event) {
    struct reader r;
    struct bytes body;
    struct bytes kind;
    reader_init(&r, json);
    event->has_body = reader_skip(&r, "{\"body\":\"");
    if (event->has_body) {
        if (!reader_take(&r, HASH_CHARACTERS, &body) || !bytes_hex_to_hash(body, &event->body) ||
            !reader_skip(&r, "\",")) {
            return false;
        }
    } else if (!reader_skip(&r, "{")) {
        return false;
    }
    struct bytes issuer;
    if (!reader_skip(&r, "\"issuer\":\"") || !reader_until(&r, '"', &issuer) ||
        !bytes_equal(issuer, event->issuer) || !reader_skip(&r, ",\"kind\":\"") ||
        !reader_until(&r, '"', &kind)) {
        return false;
    }
    event->kind = kind_find((const char *)kind.data, kind.len);
    return event->kind != NULL;
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
    if (!split(note, &text, &event.issuer)) {
        return false;
    }
    reader_init(&r, text);
    if (!reader_skip(&r, EVENT_FIRST_LINE "\n") || !reader_line(&r, &json) || !reader_done(&r) ||
        !read_front(json, &event) || event.kind->registry || !read_back(json, &event)) {
        return false;
    }
    hash_of(text.data, text.len, &event.id);
    *out = event;
    return true;
}
