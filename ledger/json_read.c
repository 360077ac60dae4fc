#include "ledger/json_read.h"

#include <assert.h>
#include <string.h>

/* An array or object being read. */
struct level {
    json_t *container;
    bool object;
    size_t count;
    struct bytes last_name; /* of an object's member read last */
    struct bytes name;      /* of the member whose value comes next */
};

struct reading {
    const uint8_t *at;
    const uint8_t *end;
    struct level levels[EVENT_JSON_DEPTH_MAX];
    size_t depth;
};

static bool take(struct reading *r, uint8_t c) {
    if (r->at == r->end || *r->at != c) {
        return false;
    }
    r->at++;
    return true;
}

static bool take_word(struct reading *r, const char *word) {
    size_t len = strlen(word);
    if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0) {
        return false;
    }
    r->at += len;
    return true;
}

/* --- strings --- */

/* The character that an escape stands for, RFC 8785 section 3.2.2.2; false: not its spelling. */
static bool unescape(struct reading *r, uint8_t *out) {
    static const char shorts[] = "\bb\tt\nn\ff\rr\"\"\\\\";
    static const char hex[] = "0123456789abcdef";
    if (r->at == r->end) {
        return false;
    }
    uint8_t c = *r->at++;
    for (const char *s = shorts; *s != '\0'; s += 2) {
        if ((uint8_t)s[1] == c) {
            *out = (uint8_t)s[0];
            return true;
        }
    }
    if (c != 'u' || r->end - r->at < 4 || memcmp(r->at, "00", 2) != 0 ||
        (r->at[2] != '0' && r->at[2] != '1')) {
        return false;
    }
    const char *low = memchr(hex, r->at[3], 16);
    if (low == NULL) {
        return false;
    }
    *out = (uint8_t)((r->at[2] - '0') * 16 + (low - hex));
    r->at += 4;
    /* U+0000 is not used, and what has a short form has no other. */
    for (const char *s = shorts; *s != '\0'; s += 2) {
        if ((uint8_t)s[0] == *out) {
            return false;
        }
    }
    return *out != 0;
}

/* After the opening quote. Plain characters, which are nearly all, are looked at once and copied by
 * jansson; the rest goes through `memory`. */
static json_t *read_string(struct reading *r) {
    uint8_t memory[EVENT_SIZE_MAX];
    const uint8_t *start = r->at;
    size_t len = 0;
    bool escapes = false;
    uint8_t bits = 0;
    while (r->at < r->end && *r->at != '"') {
        uint8_t c = *r->at++;
        if (c < 0x20) {
            return NULL;
        }
        if (c == '\\') {
            if (!escapes) {
                len = (size_t)(r->at - 1 - start);
                memcpy(memory, start, len);
                escapes = true;
            }
            if (!unescape(r, &c)) {
                return NULL;
            }
        }
        bits |= c;
        if (escapes) {
            assert(len < sizeof memory); /* the text is no longer, and an escape shrinks it */
            memory[len++] = c;
        }
    }
    const char *text = escapes ? (const char *)memory : (const char *)start;
    len = escapes ? len : (size_t)(r->at - start);
    if (!take(r, '"')) {
        return NULL;
    }
    /* jansson checks UTF-8 where there is any. */
    return bits < 0x80 ? json_stringn_nocheck(text, len) : json_stringn(text, len);
}

/* The name of a member and its colon; names are in order, each once. */
static bool read_name(struct reading *r, struct level *level) {
    const uint8_t *start = r->at;
    while (r->at < r->end && *r->at != '"') {
        uint8_t c = *r->at++;
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-') {
            return false;
        }
    }
    level->name = bytes_of(start, (size_t)(r->at - start));
    if (level->name.len < 1 || level->name.len > JCS_NAME_MAX || !take(r, '"') || !take(r, ':')) {
        return false;
    }
    bool in_order = level->count == 0 || bytes_compare(level->last_name, level->name) < 0;
    level->last_name = level->name;
    return in_order && level->count < EVENT_MEMBERS_MAX;
}

/* --- numbers --- */

static json_t *read_integer(struct reading *r) {
    bool negative = take(r, '-');
    const uint8_t *start = r->at;
    int64_t value = 0;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9' && value <= JCS_INTEGER_MAX) {
        value = value * 10 + (*r->at++ - '0'); /* below 2^53 * 10 + 10: no overflow */
    }
    bool leading_zero = r->at > start + 1 && *start == '0';
    if (r->at == start || leading_zero || value > JCS_INTEGER_MAX || (negative && value == 0)) {
        return NULL;
    }
    return json_integer(negative ? -value : value);
}

/* --- values --- */

static json_t *read_scalar(struct reading *r) {
    if (take(r, '"')) {
        return read_string(r);
    }
    if (take_word(r, "true")) {
        return json_true();
    }
    if (take_word(r, "false")) {
        return json_false();
    }
    return read_integer(r);
}

static bool open_level(struct reading *r, bool object) {
    if (r->depth == EVENT_JSON_DEPTH_MAX) {
        return false;
    }
    struct level *level = &r->levels[r->depth];
    *level = (struct level){.object = object, .container = object ? json_object() : json_array()};
    if (level->container == NULL) {
        return false;
    }
    r->depth++;
    return true;
}

/* What stands before an element or closes the container: a comma where it must, a member's name.
 * False: neither. */
static bool before_element(struct reading *r, struct level *level, bool *closes) {
    *closes = take(r, level->object ? '}' : ']');
    if (*closes) {
        return true;
    }
    if (level->count > 0 && !take(r, ',')) {
        return false;
    }
    return !level->object || (take(r, '"') && read_name(r, level));
}

/* Takes the value. */
static bool put_element(struct level *level, json_t *value) {
    level->count++;
    int rc = level->object
                 ? json_object_setn_new_nocheck(level->container, (const char *)level->name.data,
                                                level->name.len, value)
                 : json_array_append_new(level->container, value);
    return rc == 0;
}

/* Reads on until a value is whole: a scalar, or a container that closes. NULL: not canonical. A
 * container that has begun stays in its level. */
static json_t *read_value(struct reading *r) {
    for (;;) {
        bool closes = false;
        if (take(r, '{')) {
            if (!open_level(r, true)) {
                return NULL;
            }
        } else if (take(r, '[')) {
            if (!open_level(r, false)) {
                return NULL;
            }
        } else {
            return read_scalar(r);
        }
        if (!before_element(r, &r->levels[r->depth - 1], &closes)) {
            return NULL;
        }
        if (closes) {
            return r->levels[--r->depth].container;
        }
    }
}

static json_t *read_whole(struct reading *r) {
    for (;;) {
        json_t *value = read_value(r);
        bool closes = value != NULL;
        /* Into its container; and that into its own, where this was the last element. */
        while (closes && r->depth > 0) {
            struct level *level = &r->levels[r->depth - 1];
            if (!put_element(level, value) || !before_element(r, level, &closes)) {
                return NULL;
            }
            if (closes) {
                value = level->container;
                r->depth--;
            }
        }
        if (value == NULL || r->depth == 0) {
            return value;
        }
    }
}

json_t *jcs_read_canonical(struct bytes text) {
    struct reading r = {.at = text.data, .end = text.data + text.len};
    assert(text.len <= EVENT_SIZE_MAX);
    json_t *value = text.len > 0 ? read_whole(&r) : NULL;
    if (value != NULL && r.at != r.end) {
        json_decref(value);
        value = NULL;
    }
    while (r.depth > 0) {
        json_decref(r.levels[--r.depth].container);
    }
    return value;
}
