#include "ledger/list.h"

#include "ledger/json.h"

#include <assert.h>
#include <string.h>

/* --- cells --- */

/* What separates words: all up to a space, DEL, and the two of Latin-1. */
static bool is_blank(uint32_t rune) {
    return rune <= ' ' || rune == 0x7f || rune == 0x85 || rune == 0xa0;
}

/* How many bytes of `cell` the pattern takes at its front; 0: it does not fit. */
static size_t strip_fits(struct bytes pattern, struct bytes cell) {
    if (pattern.len == 0 || pattern.len > cell.len) {
        return 0;
    }
    for (size_t i = 0; i < pattern.len; i++) {
        uint8_t c = cell.data[i];
        bool fits = pattern.data[i] == '#' ? c >= '0' && c <= '9' : c == pattern.data[i];
        if (!fits) {
            return 0;
        }
    }
    return pattern.len;
}

/* The first pattern that fits is taken off, and the space behind it, until none fits. */
static struct bytes strip(struct bytes cell, const struct list_strips *strips) {
    size_t i = 0;
    while (i < strips->count) {
        size_t taken = strip_fits(strips->patterns[i], cell);
        if (taken == 0) {
            i++;
            continue;
        }
        taken += taken < cell.len && cell.data[taken] == ' ' ? 1u : 0u;
        cell = bytes_of(cell.data + taken, cell.len - taken);
        i = 0;
    }
    return cell;
}

struct bytes list_cell(struct bytes raw, const struct list_strips *strips, uint8_t *memory) {
    struct reader r;
    size_t len = 0;
    bool blank = false;
    reader_init(&r, raw);
    while (r.rest.len > 0) {
        struct bytes before = r.rest;
        uint32_t rune = 0;
        bool good = reader_rune(&r, &rune);
        assert(good); /* the caller's text is valid UTF-8 */
        if (is_blank(rune)) {
            blank = true;
            continue;
        }
        if (blank && len > 0) {
            memory[len++] = ' ';
        }
        blank = false;
        size_t size = before.len - r.rest.len;
        memcpy(memory + len, before.data, size);
        if (rune >= 'a' && rune <= 'z') {
            memory[len] = (uint8_t)(rune - 'a' + 'A');
        }
        len += size;
    }
    assert(len <= raw.len); /* a run of blanks has at least one byte */
    struct bytes cell = bytes_of(memory, len);
    return strips != NULL ? strip(cell, strips) : cell;
}

/* --- leaves --- */

static void put_cells(struct writer *w, const struct bytes *cells, size_t count) {
    writer_text(w, "[");
    for (size_t i = 0; i < count; i++) {
        writer_text(w, i > 0 ? "," : "");
        jcs_write_text(w, cells[i]);
    }
    writer_text(w, "]");
}

void list_leaf(struct writer *w, const struct bytes *keys, size_t key_count,
               const struct bytes *others, size_t other_count) {
    assert(key_count >= 1 && key_count <= LIST_CELLS_MAX && other_count <= LIST_CELLS_MAX);
    writer_text(w, "[");
    put_cells(w, keys, key_count);
    writer_text(w, ",");
    put_cells(w, others, other_count);
    writer_text(w, "]");
}

struct bytes list_prefix(struct bytes leaf) {
    bool quoted = false;
    /* The first bracket that closes outside of a string ends the key cells. */
    for (size_t i = 0; i < leaf.len; i++) {
        uint8_t c = leaf.data[i];
        if (quoted && c == '\\') {
            i++;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && c == ']') {
            assert(i + 1 < leaf.len && leaf.data[i + 1] == ',');
            return bytes_of(leaf.data, i + 2);
        }
    }
    assert(false); /* a leaf has two arrays */
    return leaf;
}

bool list_begins(struct bytes leaf, struct bytes prefix) {
    return leaf.len >= prefix.len && memcmp(leaf.data, prefix.data, prefix.len) == 0;
}

static bool all_texts(const json_t *cells) {
    if (!json_is_array(cells) || json_array_size(cells) > LIST_CELLS_MAX) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(cells); i++) {
        if (!json_is_string(json_array_get(cells, i))) {
            return false;
        }
    }
    return true;
}

enum status list_cells(struct bytes leaf,
                       void (*each)(void *context, int other, size_t number, struct bytes text),
                       void *context) {
    json_t *root = NULL;
    if (leaf.len > LIST_LEAF_MAX) {
        return STATUS_TOO_LARGE;
    }
    TRY(jcs_parse(leaf, &root, NULL));
    bool good = json_is_array(root) && json_array_size(root) == 2 &&
                all_texts(json_array_get(root, 0)) && all_texts(json_array_get(root, 1)) &&
                json_array_size(json_array_get(root, 0)) > 0;
    for (int other = 0; good && each != NULL && other < 2; other++) {
        const json_t *cells = json_array_get(root, (size_t)other);
        for (size_t i = 0; i < json_array_size(cells); i++) {
            each(context, other, i, jcs_text(json_array_get(cells, i)));
        }
    }
    json_decref(root);
    return good ? STATUS_OK : STATUS_BAD_FORM;
}

enum status list_leaf_check(struct bytes leaf, struct refusal *why) {
    enum status status = list_cells(leaf, NULL, NULL);
    return status == STATUS_OK
               ? STATUS_OK
               : refuse(why, status,
                        "a leaf is [[key cells],[other cells]], all of them texts, in "
                        "canonical JSON of at most 8192 bytes");
}
