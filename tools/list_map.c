#include "tools/list_map.h"

#include "ledger/json.h"
#include "tools/ini_file.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAP_MEMORY (2 * LIST_MAP_SIZE_MAX)

struct parse {
    struct list_map *map;
    struct refusal *why;
};

/* A copy of the text, upper-cased if it is compared with cells. Texts are parts of the file, each
 * kept once, with a byte more each: the memory is twice the file's maximum. */
static const char *keep(struct list_map *map, struct bytes text, bool upper) {
    assert(map->memory_used + text.len + 1 <= LIST_MAP_MEMORY);
    char *out = map->memory + map->memory_used;
    for (size_t i = 0; i < text.len; i++) {
        char c = (char)text.data[i];
        out[i] = upper && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    out[text.len] = '\0';
    map->memory_used += text.len + 1;
    return out;
}

static struct bytes trim(struct bytes b) {
    while (b.len > 0 && b.data[0] == ' ') {
        b = bytes_of(b.data + 1, b.len - 1);
    }
    while (b.len > 0 && b.data[b.len - 1] == ' ') {
        b.len--;
    }
    return b;
}

/* The next item of a list, trimmed; false at its end. */
static bool next_item(struct bytes *rest, uint8_t separator, struct bytes *item) {
    if (rest->data == NULL) {
        return false;
    }
    const uint8_t *at = rest->len > 0 ? memchr(rest->data, separator, rest->len) : NULL;
    size_t len = at != NULL ? (size_t)(at - rest->data) : rest->len;
    *item = trim(bytes_of(rest->data, len));
    *rest = at != NULL ? bytes_of(at + 1, rest->len - len - 1) : bytes_of(NULL, 0);
    return true;
}

static struct list_map_cell *find_cell(struct list_map *map, const char *label) {
    for (size_t i = 0; i < map->key_count; i++) {
        if (strcmp(map->keys[i].label, label) == 0) {
            return &map->keys[i];
        }
    }
    for (size_t i = 0; i < map->other_count; i++) {
        if (strcmp(map->others[i].label, label) == 0) {
            return &map->others[i];
        }
    }
    return NULL;
}

/* --- sections --- */

static enum status take_cells(struct parse *p, const char *value, bool keys) {
    struct list_map *map = p->map;
    struct bytes rest = bytes_text(value);
    struct bytes item;
    size_t *count = keys ? &map->key_count : &map->other_count;
    while (next_item(&rest, ',', &item)) {
        const char *label = keep(map, item, false);
        if (item.len == 0 || *count == LIST_CELLS_MAX || find_cell(map, label) != NULL) {
            return refuse(p->why, STATUS_BAD_FORM,
                          "%s: a list of at most %d columns, separated by commas, each once",
                          keys ? "key" : "other", LIST_CELLS_MAX);
        }
        struct list_map_cell *cell = keys ? &map->keys[*count] : &map->others[*count];
        *cell = (struct list_map_cell){.label = label, .column = label};
        (*count)++;
    }
    return STATUS_OK;
}

static enum status take_list(struct parse *p, const char *name, const char *value) {
    struct list_map *map = p->map;
    if (strcmp(name, "key") == 0) {
        return take_cells(p, value, true);
    }
    if (strcmp(name, "other") == 0) {
        return take_cells(p, value, false);
    }
    if (strcmp(name, "person") == 0 && map->person == LIST_CELLS_MAX) {
        for (size_t i = 0; i < map->key_count; i++) {
            if (strcmp(map->keys[i].label, value) == 0) {
                map->person = i;
                return STATUS_OK;
            }
        }
        return refuse(p->why, STATUS_BAD_FORM,
                      "person: one of the key columns, named before it, once");
    }
    return refuse(p->why, STATUS_BAD_FORM, "[list] has key, other and person (once)");
}

static enum status take_strip(struct parse *p, struct list_map_cell *cell, const char *value) {
    struct bytes rest = bytes_text(value);
    struct bytes item;
    while (next_item(&rest, ' ', &item)) {
        const char *pattern = keep(p->map, item, true);
        if (item.len == 0) {
            continue;
        }
        if (cell->strips.count == LIST_STRIPS_MAX || item.len > LIST_STRIP_SIZE_MAX) {
            return refuse(p->why, STATUS_BAD_FORM,
                          "at most %d patterns of %d characters, separated by spaces",
                          LIST_STRIPS_MAX, LIST_STRIP_SIZE_MAX);
        }
        cell->strips.patterns[cell->strips.count++] = bytes_text(pattern);
    }
    return STATUS_OK;
}

static enum status take_outcome(struct parse *p, struct list_map_cell *cell, const char *value) {
    bool items = strcmp(value, "items") == 0;
    if (cell >= p->map->keys && cell < p->map->keys + LIST_CELLS_MAX) {
        return refuse(p->why, STATUS_BAD_FORM, "an outcome is one of the other columns");
    }
    if (cell->outcome != OUTCOME_NONE || (!items && strchr(value, '|') == NULL)) {
        return refuse(p->why, STATUS_BAD_FORM,
                      "%s: once, either items, or values in two ranks or more, the gravest first, "
                      "with | between ranks",
                      cell->label);
    }
    cell->outcome = items ? OUTCOME_ITEMS : OUTCOME_RANKS;
    cell->ranks = keep(p->map, bytes_text(value), true);
    return STATUS_OK;
}

static enum status take_find(struct parse *p, const char *name, const char *value) {
    struct list_map *map = p->map;
    if (map->find_count == LIST_MAP_FINDS_MAX) {
        return refuse(p->why, STATUS_BAD_FORM, "at most %d lines in [find]", LIST_MAP_FINDS_MAX);
    }
    struct list_map_find *find = &map->finds[map->find_count++];
    find->name = keep(map, bytes_text(name), false);
    find->texts = keep(map, bytes_text(value), true);
    return STATUS_OK;
}

static enum status take_line(struct parse *p, const char *section, const char *name,
                             const char *value) {
    if (strcmp(section, "list") == 0) {
        return take_list(p, name, value);
    }
    if (strcmp(section, "find") == 0) {
        return take_find(p, name, value);
    }
    struct list_map_cell *cell = find_cell(p->map, name);
    bool known = strcmp(section, "columns") == 0 || strcmp(section, "strip") == 0 ||
                 strcmp(section, "outcome") == 0;
    if (!known) {
        return refuse(p->why, STATUS_BAD_FORM,
                      "no section [%s]: there are list, columns, strip, outcome and find", section);
    }
    if (cell == NULL) {
        return refuse(p->why, STATUS_BAD_FORM, "%s is no column of [list]", name);
    }
    if (strcmp(section, "columns") == 0) {
        cell->column = keep(p->map, bytes_text(value), false);
        return STATUS_OK;
    }
    return strcmp(section, "strip") == 0 ? take_strip(p, cell, value)
                                         : take_outcome(p, cell, value);
}

static enum status on_line(void *context, const char *section, const char *name, const char *value,
                           struct refusal *why) {
    struct parse p = {.map = context, .why = why};
    return take_line(&p, section, name, value);
}

/* --- what names the keys --- */

/* [["officer",[]],["description",["##.","."]]] */
static void hash_keys(struct list_map *map) {
    static uint8_t memory[LIST_CELLS_MAX * (LIST_STRIPS_MAX * (2 * LIST_STRIP_SIZE_MAX + 4) + 8) +
                          2 * LIST_MAP_SIZE_MAX];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    for (size_t i = 0; i < map->key_count; i++) {
        const struct list_map_cell *cell = &map->keys[i];
        writer_text(&w, i > 0 ? "],[" : "[[");
        jcs_write_text(&w, bytes_text(cell->label));
        writer_text(&w, ",[");
        for (size_t j = 0; j < cell->strips.count; j++) {
            writer_text(&w, j > 0 ? "," : "");
            jcs_write_text(&w, cell->strips.patterns[j]);
        }
        writer_text(&w, "]");
    }
    writer_text(&w, "]]");
    hash_of(w.data, w.len, &map->keys_id);
}

enum status list_map_open(const char *path, struct list_map *out, struct refusal *why) {
    struct buffer file;
    memset(out, 0, sizeof *out);
    out->person = LIST_CELLS_MAX;
    buffer_init(&file, LIST_MAP_SIZE_MAX);
    out->memory = calloc(1, LIST_MAP_MEMORY);
    enum status status = out->memory != NULL ? ini_file_read(path, &file, on_line, out, why)
                                             : refuse(why, STATUS_NOMEM, "out of memory");
    if (status == STATUS_OK && out->key_count == 0) {
        status = refuse(why, STATUS_BAD_FORM, "%s: [list] lacks key", path);
    }
    if (status == STATUS_OK) {
        hash_of(file.data, file.len, &out->file);
        out->person = out->person < out->key_count ? out->person : out->key_count;
        hash_keys(out);
    }
    buffer_clear(&file);
    return status;
}

void list_map_close(struct list_map *map) {
    free(map->memory);
    map->memory = NULL;
}

static bool finds_text(const char *texts, struct bytes in) {
    struct bytes rest = bytes_text(texts);
    struct bytes item;
    while (next_item(&rest, '|', &item)) {
        if (item.len > 0 && memmem(in.data, in.len, item.data, item.len) != NULL) {
            return true;
        }
    }
    return false;
}

bool list_map_names_find(const struct list_map *map, const char *name) {
    for (size_t i = 0; map != NULL && i < map->find_count; i++) {
        if (strcmp(map->finds[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

bool list_map_finds(const struct list_map *map, const char *name, struct bytes text) {
    if (!list_map_names_find(map, name)) {
        return finds_text(name, text);
    }
    for (size_t i = 0; i < map->find_count; i++) {
        if (strcmp(map->finds[i].name, name) == 0 && finds_text(map->finds[i].texts, text)) {
            return true;
        }
    }
    return false;
}
