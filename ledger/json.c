#include "ledger/json.h"

#include "ledger/json_read.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* As many of a peer's characters as go into a refusal. */
#define QUOTE_MAX 60

struct member {
    const char *name;
    const json_t *value;
};

/* An array or object being written. */
struct frame {
    const json_t *container;
    size_t next;
    size_t count;
    struct member members[EVENT_MEMBERS_MAX]; /* of an object, sorted */
};

struct bytes jcs_text(const json_t *string) {
    assert(json_is_string(string));
    return bytes_of(json_string_value(string), json_string_length(string));
}

/* RFC 8785 section 3.2.2.2 */
static void write_escape(struct writer *w, uint8_t c) {
    static const char hex[] = "0123456789abcdef";
    const char *const short_forms = "\bb\tt\nn\ff\rr\"\"\\\\";
    for (const char *f = short_forms; *f != '\0'; f += 2) {
        if ((uint8_t)f[0] == c) {
            char escape[2] = {'\\', f[1]};
            writer_put(w, escape, sizeof escape);
            return;
        }
    }
    char escape[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    writer_put(w, escape, sizeof escape);
}

void jcs_write_text(struct writer *w, struct bytes text) {
    size_t start = 0;
    writer_u8(w, '"');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c < 0x20 || c == '"' || c == '\\') {
            writer_put(w, text.data + start, i - start);
            write_escape(w, c);
            start = i + 1;
        }
    }
    if (start < text.len) {
        writer_put(w, text.data + start, text.len - start);
    }
    writer_u8(w, '"');
}

static enum status write_integer(struct writer *w, json_int_t value, struct refusal *why) {
    if (value > JCS_INTEGER_MAX || value < -JCS_INTEGER_MAX) {
        return refuse(why, STATUS_BAD_CANONICAL,
                      "the number %" JSON_INTEGER_FORMAT " is not below 2^53", value);
    }
    if (value < 0) {
        writer_u8(w, '-');
        value = -value;
    }
    writer_decimal(w, (uint64_t)value);
    return STATUS_OK;
}

static enum status write_scalar(struct writer *w, const json_t *value, struct refusal *why) {
    switch (json_typeof(value)) {
    case JSON_STRING:
        if (memchr(json_string_value(value), '\0', json_string_length(value)) != NULL) {
            return refuse(why, STATUS_BAD_FORM, "a string contains U+0000");
        }
        jcs_write_text(w, jcs_text(value));
        return STATUS_OK;
    case JSON_INTEGER:
        return write_integer(w, json_integer_value(value), why);
    case JSON_TRUE:
        writer_text(w, "true");
        return STATUS_OK;
    case JSON_FALSE:
        writer_text(w, "false");
        return STATUS_OK;
    case JSON_REAL:
        return refuse(why, STATUS_BAD_CANONICAL,
                      "a number with a fraction or an exponent: only integers are used");
    case JSON_NULL:
        return refuse(why, STATUS_BAD_FORM, "null is not used: leave the member out");
    case JSON_OBJECT:
    case JSON_ARRAY:
        break;
    }
    assert(false); /* containers go through frame_open */
    return STATUS_BAD_FORM;
}

static bool is_name(const char *name) {
    size_t len = 0;
    for (; name[len] != '\0'; len++) {
        char c = name[len];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-') {
            return false;
        }
    }
    return len >= 1 && len <= JCS_NAME_MAX;
}

static int compare_members(const void *a, const void *b) {
    return strcmp(((const struct member *)a)->name, ((const struct member *)b)->name);
}

/* jansson keeps the order in which members came, so canonical input is sorted already. */
static enum status frame_members(struct frame *frame, struct refusal *why) {
    /* jansson iterates over objects that are not const only; nothing here changes one. */
    json_t *object = (json_t *)(uintptr_t)frame->container;
    bool sorted = true;
    if (json_object_size(object) > EVENT_MEMBERS_MAX) {
        return refuse(why, STATUS_BAD_FORM, "an object with more than %d members",
                      EVENT_MEMBERS_MAX);
    }
    frame->count = 0;
    for (void *i = json_object_iter(object); i != NULL; i = json_object_iter_next(object, i)) {
        struct member *member = &frame->members[frame->count];
        member->name = json_object_iter_key(i);
        member->value = json_object_iter_value(i);
        if (!is_name(member->name)) {
            return refuse(why, STATUS_BAD_FORM,
                          "the name \"%.60s\": names are 1 to %d characters of A-Z a-z 0-9 . _ -",
                          member->name, JCS_NAME_MAX);
        }
        sorted = sorted && (frame->count == 0 || strcmp(member[-1].name, member->name) < 0);
        frame->count++;
    }
    if (!sorted) {
        qsort(frame->members, frame->count, sizeof frame->members[0], compare_members);
    }
    return STATUS_OK;
}

static enum status frame_open(struct frame *frame, struct writer *w, const json_t *container,
                              struct refusal *why) {
    frame->container = container;
    frame->next = 0;
    if (json_is_array(container)) {
        frame->count = json_array_size(container);
        writer_u8(w, '[');
        return STATUS_OK;
    }
    TRY(frame_members(frame, why));
    writer_u8(w, '{');
    return STATUS_OK;
}

/* Writes what stands before the next element and gives it, or NULL after closing the frame. */
static const json_t *frame_next(struct frame *frame, struct writer *w) {
    bool array = json_is_array(frame->container);
    if (frame->next == frame->count) {
        writer_u8(w, array ? ']' : '}');
        return NULL;
    }
    size_t i = frame->next++;
    if (i > 0) {
        writer_u8(w, ',');
    }
    if (array) {
        return json_array_get(frame->container, i);
    }
    jcs_write_text(w, bytes_text(frame->members[i].name));
    writer_u8(w, ':');
    return frame->members[i].value;
}

static enum status write_value(struct writer *w, const json_t *value, struct refusal *why) {
    struct frame frames[EVENT_JSON_DEPTH_MAX];
    size_t depth = 0;
    for (;;) {
        if (json_is_object(value) || json_is_array(value)) {
            if (depth == EVENT_JSON_DEPTH_MAX) {
                return refuse(why, STATUS_BAD_FORM, "arrays and objects more than %d deep",
                              EVENT_JSON_DEPTH_MAX);
            }
            TRY(frame_open(&frames[depth], w, value, why));
            depth++;
        } else {
            TRY(write_scalar(w, value, why));
        }
        do {
            if (depth == 0) {
                return STATUS_OK;
            }
            value = frame_next(&frames[depth - 1], w);
            depth -= value == NULL;
        } while (value == NULL);
    }
}

enum status jcs_write(struct writer *w, const json_t *value, struct refusal *why) {
    struct writer before = *w;
    assert(value != NULL);
    enum status status = write_value(w, value, why);
    if (status == STATUS_OK && writer_status(w) != STATUS_OK) {
        status = refuse(why, STATUS_TOO_LARGE, "the JSON does not fit into %zu bytes", w->cap);
    }
    if (status != STATUS_OK) {
        *w = before;
    }
    return status;
}

static enum status refuse_spelling(struct bytes text, struct bytes canonical, struct refusal *why) {
    size_t at = 0;
    while (at < text.len && at < canonical.len && text.data[at] == canonical.data[at]) {
        at++;
    }
    size_t rest = canonical.len - at;
    if (rest == 0) {
        return refuse(why, STATUS_BAD_CANONICAL,
                      "the JSON is over at byte %zu, but the text goes on", at);
    }
    return refuse(why, STATUS_BAD_CANONICAL,
                  "the JSON differs from its RFC 8785 form at byte %zu, where that has %.*s", at,
                  (int)(rest < QUOTE_MAX ? rest : QUOTE_MAX), (const char *)canonical.data + at);
}

/* Any JSON: says what is wrong with it, or where it differs from its canonical form. */
static enum status parse_any(struct bytes text, json_t **out, struct refusal *why) {
    uint8_t memory[EVENT_SIZE_MAX];
    struct writer w;
    json_error_t error;
    json_t *value = json_loadb((const char *)text.data, text.len,
                               JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (value == NULL) {
        return refuse(why, STATUS_BAD_FORM, "the JSON is malformed at byte %d: %s", error.position,
                      error.text);
    }
    writer_init(&w, memory, sizeof memory);
    enum status status = jcs_write(&w, value, why);
    /* No spelling is shorter than the canonical one, so it fits where the text did. */
    assert(status != STATUS_TOO_LARGE);
    if (status == STATUS_OK && !bytes_equal(writer_view(&w), text)) {
        status = refuse_spelling(text, writer_view(&w), why);
    }
    if (status != STATUS_OK) {
        json_decref(value);
        return status;
    }
    *out = value;
    return STATUS_OK;
}

enum status jcs_parse(struct bytes text, json_t **out, struct refusal *why) {
    if (text.len > EVENT_SIZE_MAX) {
        return refuse(why, STATUS_TOO_LARGE, "the JSON is over %d bytes", EVENT_SIZE_MAX);
    }
    json_t *value = jcs_read_canonical(text);
    if (value == NULL) {
        return parse_any(text, out, why);
    }
    *out = value;
    return STATUS_OK;
}
