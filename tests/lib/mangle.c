#include "tests/lib/mangle.h"

#include <assert.h>
#include <string.h>

/* What our formats give a meaning: separators, signs, digits, padding, quoting, and what text must
 * not hold. */
static const uint8_t inserted[] = {'\n', '\r', '\t', ' ', '+', '=', '/', '0', '1',  '9',  'a',
                                   'A',  '"',  ',',  '{', '}', ':', '-', 0,   0x7f, 0x80, 0xff};

void mangle_init(struct mangle *m, struct bytes original) {
    assert(original.len <= MANGLE_SIZE_MAX);
    m->original = original;
    m->next_kind = MANGLE_TRUNCATE;
    m->next_position = 0;
    m->next_value = 0;
}

/* How many values a position is tried with, and how many positions there are. */
static unsigned value_count(enum mangle_kind kind) {
    return kind == MANGLE_REPLACE ? 256 : kind == MANGLE_INSERT ? sizeof inserted : 1;
}

static size_t position_count(enum mangle_kind kind, size_t len) {
    return kind == MANGLE_INSERT ? len + 1 : kind == MANGLE_SWAP && len > 0 ? len - 1 : len;
}

/* Moves on to the next damage to try; false at the end. */
static bool advance(struct mangle *m) {
    while (m->next_kind != MANGLE_END) {
        if (m->next_position < position_count(m->next_kind, m->original.len)) {
            m->kind = m->next_kind;
            m->position = m->next_position;
            m->value = m->kind == MANGLE_INSERT ? inserted[m->next_value] : (uint8_t)m->next_value;
            if (++m->next_value == value_count(m->kind)) {
                m->next_value = 0;
                m->next_position++;
            }
            return true;
        }
        m->next_kind = (enum mangle_kind)(m->next_kind + 1);
        m->next_position = 0;
    }
    return false;
}

static size_t apply(struct mangle *m) {
    const uint8_t *from = m->original.data;
    size_t len = m->original.len, at = m->position;
    uint8_t *to = m->memory;
    memcpy(to, from, len);
    switch (m->kind) {
    case MANGLE_TRUNCATE:
        return at;
    case MANGLE_REPLACE:
        to[at] = m->value;
        return len;
    case MANGLE_REMOVE:
        memcpy(to + at, from + at + 1, len - at - 1);
        return len - 1;
    case MANGLE_SWAP:
        to[at] = from[at + 1];
        to[at + 1] = from[at];
        return len;
    case MANGLE_INSERT:
        to[at] = m->value;
        memcpy(to + at + 1, from + at, len - at);
        return len + 1;
    case MANGLE_END:
        break;
    }
    assert(false);
    return 0;
}

bool mangle_next(struct mangle *m, struct bytes *damaged) {
    while (advance(m)) {
        *damaged = bytes_of(m->memory, apply(m));
        if (!bytes_equal(*damaged, m->original)) {
            return true;
        }
    }
    return false;
}
