#include "tools/ini_file.h"
#include "tools/watch.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each text is part of the file, and has at most the folder's name in front. */
#define MEMORY (WATCH_CONFIG_SIZE_MAX * 16)

static const struct {
    const char *name;
    enum watch_alert alert;
} alert_names[] = {{"serving", WATCH_SERVING},
                   {"absent", WATCH_ABSENT},
                   {"found", WATCH_FOUND},
                   {"lower", WATCH_LOWER}};

/* A copy, with `before` in front; NULL: no room. */
static const char *keep(struct watch_config *config, const char *before, const char *text) {
    size_t room = MEMORY - config->memory_used;
    char *out = config->memory + config->memory_used;
    int n = snprintf(out, room, "%s%s", before, text);
    if (n < 0 || (size_t)n >= room) {
        return NULL;
    }
    config->memory_used += (size_t)n + 1;
    return out;
}

/* A file's name is relative to the configuration's folder. */
static enum status take_text(struct watch_config *config, const char **field, const char *name,
                             const char *value, bool path, struct refusal *why) {
    if (*field != NULL) { /* a long one goes on in the next line */
        value = keep(config, *field, value);
        path = false;
    }
    if (value != NULL && *value == '\0') {
        return refuse(why, STATUS_BAD_FORM, "%s: it is empty", name);
    }
    bool relative = path && value != NULL && *value != '/' && !observe_is_address(value);
    *field = value != NULL ? keep(config, relative ? config->folder : "", value) : NULL;
    return *field != NULL ? STATUS_OK : refuse(why, STATUS_TOO_LARGE, "too much text");
}

/* The next word of a list with commas, trimmed, in `out`; false at its end. */
static bool next_word(const char **rest, char out[static 65]) {
    const char *at = *rest + strspn(*rest, ", \t");
    size_t len = strcspn(at, ",");
    *rest = at + len;
    while (len > 0 && (at[len - 1] == ' ' || at[len - 1] == '\t')) {
        len--;
    }
    snprintf(out, 65, "%.*s", len > 64 ? 64 : (int)len, at);
    return len > 0;
}

static enum status take_alerts(struct watch_list *list, const char *value, struct refusal *why) {
    char word[65];
    while (next_word(&value, word)) {
        bool known = false;
        for (size_t i = 0; i < sizeof alert_names / sizeof alert_names[0]; i++) {
            if (strcmp(word, alert_names[i].name) == 0) {
                list->alerts |= alert_names[i].alert;
                known = true;
            }
        }
        if (!known) {
            return refuse(why, STATUS_BAD_FORM,
                          "alert takes serving, absent, found, lower; several with commas");
        }
    }
    return STATUS_OK;
}

static enum status take_finds(struct watch_config *config, struct watch_list *list,
                              const char *value, struct refusal *why) {
    char word[65];
    while (next_word(&value, word)) {
        const char *find = keep(config, "", word);
        if (find == NULL || list->find_count == WATCH_FINDS_MAX) {
            return refuse(why, STATUS_BAD_FORM, "find takes at most %d names", WATCH_FINDS_MAX);
        }
        list->finds[list->find_count++] = find;
    }
    return STATUS_OK;
}

static enum status take_value(struct watch_config *config, struct watch_list *list,
                              const char *name, const char *value, struct refusal *why) {
    const struct {
        const char *name;
        const char **field;
        bool path;
    } texts[] = {{"address", &list->address, true}, {"mapping", &list->mapping, true},
                 {"keep", &list->keep, true},       {"key", &list->key, true},
                 {"outbox", &list->outbox, true},   {"node", &list->node, false},
                 {"roster", &list->roster, false},  {"roster_column", &list->roster_column, false},
                 {"ori", &list->ori, false}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (strcmp(name, texts[i].name) == 0) {
            return take_text(config, texts[i].field, name, value, texts[i].path, why);
        }
    }
    if (strcmp(name, "alert") == 0) {
        return take_alerts(list, value, why);
    }
    if (strcmp(name, "find") == 0) {
        return take_finds(config, list, value, why);
    }
    return refuse(why, STATUS_BAD_FORM,
                  "%s: there are address, mapping, keep, key, outbox, node, roster, roster_column, "
                  "ori, find and alert",
                  name);
}

static bool is_token(const char *name) {
    size_t len = strlen(name);
    return len >= 1 && len <= 64 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

static enum status on_line(void *context, const char *section, const char *name, const char *value,
                           struct refusal *why) {
    struct watch_config *config = context;
    if (strcmp(section, "watch") == 0) {
        return strcmp(name, "address") == 0 || strcmp(name, "find") == 0
                   ? refuse(why, STATUS_BAD_FORM, "%s belongs into a [list NAME]", name)
                   : take_value(config, &config->all, name, value, why);
    }
    const char *list = strncmp(section, "list ", 5) == 0 ? section + 5 : "";
    if (!is_token(list)) {
        return refuse(why, STATUS_BAD_FORM,
                      "[%s]: there are [watch] and [list NAME], the name of a-z 0-9 . _ -",
                      section);
    }
    for (size_t i = 0; i < config->count; i++) {
        if (strcmp(config->lists[i].name, list) == 0) {
            return take_value(config, &config->lists[i], name, value, why);
        }
    }
    if (config->count == WATCH_LISTS_MAX) {
        return refuse(why, STATUS_TOO_LARGE, "at most %d lists", WATCH_LISTS_MAX);
    }
    struct watch_list *next = &config->lists[config->count++];
    snprintf(next->name, sizeof next->name, "%s", list);
    return take_value(config, next, name, value, why);
}

/* --- as a whole --- */

static void take_from_all(const struct watch_config *config, struct watch_list *list) {
    const struct watch_list *all = &config->all;
    list->mapping = list->mapping != NULL ? list->mapping : all->mapping;
    list->keep = list->keep != NULL ? list->keep : all->keep;
    list->key = list->key != NULL ? list->key : all->key;
    list->outbox = list->outbox != NULL ? list->outbox : all->outbox;
    list->node = list->node != NULL ? list->node : all->node;
    /* A roster that is watched as a list has itself none. */
    bool itself = all->roster != NULL && strcmp(all->roster, list->name) == 0;
    list->roster = list->roster != NULL || itself ? list->roster : all->roster;
    list->roster_column = list->roster_column != NULL ? list->roster_column : all->roster_column;
    list->ori = list->ori != NULL ? list->ori : all->ori;
    list->alerts = list->alerts != 0 ? list->alerts : all->alerts;
    if (list->alerts == 0) {
        list->alerts = WATCH_SERVING | WATCH_FOUND;
    }
}

static enum status find_roster(struct watch_config *config, struct watch_list *list,
                               struct refusal *why) {
    for (size_t i = 0; i < config->count; i++) {
        if (strcmp(config->lists[i].name, list->roster) == 0 && &config->lists[i] != list) {
            list->roster_list = &config->lists[i];
            return STATUS_OK;
        }
    }
    const char *roster = list->roster;
    list->roster = NULL;
    return take_text(config, &list->roster, "roster", roster, true, why);
}

static enum status finish_list(struct watch_config *config, struct watch_list *list,
                               struct refusal *why) {
    struct list_map *map = calloc(1, sizeof *map);
    if (map == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    enum status status =
        list->address == NULL || list->mapping == NULL || list->keep == NULL
            ? refuse(why, STATUS_BAD_FORM,
                     "it lacks address, mapping or keep; [watch] may have the last "
                     "two for all")
            : list_map_open(list->mapping, map, why);
    bool none = list->key == NULL && list->outbox == NULL && list->node == NULL;
    bool all = list->key != NULL && list->outbox != NULL && list->node != NULL;
    if (status == STATUS_OK && !none && !all) {
        status = refuse(why, STATUS_BAD_FORM,
                        "to sign, it needs key, outbox and node; else none of them");
    }
    if (status == STATUS_OK && list->roster != NULL && map->person >= map->key_count) {
        status = refuse(why, STATUS_BAD_FORM, "a roster needs a mapping with person");
    }
    for (size_t i = 0; status == STATUS_OK && i < list->find_count; i++) {
        if (!list_map_names_find(map, list->finds[i])) {
            status = refuse(why, STATUS_BAD_FORM, "find: [find] of %s has no %s", list->mapping,
                            list->finds[i]);
        }
    }
    if (status == STATUS_OK && list->roster != NULL) {
        status = find_roster(config, list, why);
    }
    list_map_close(map);
    free(map);
    return status;
}

static enum status finish(struct watch_config *config, const char *path, struct refusal *why) {
    struct refusal reason = {.text = ""};
    if (config->count == 0) {
        return refuse(why, STATUS_BAD_FORM, "%s: no [list NAME]", path);
    }
    for (size_t i = 0; i < config->count; i++) {
        struct watch_list *list = &config->lists[i];
        take_from_all(config, list);
        enum status status = finish_list(config, list, &reason);
        if (status != STATUS_OK) {
            return refuse(why, status, "%s, [list %s]: %s", path, list->name, reason.text);
        }
    }
    return STATUS_OK;
}

enum status watch_config_read(const char *path, struct watch_config *out, struct refusal *why) {
    struct buffer file;
    const char *slash = strrchr(path, '/');
    memset(out, 0, sizeof *out);
    int n = snprintf(out->folder, sizeof out->folder, "%.*s",
                     slash != NULL ? (int)(slash - path + 1) : 0, path);
    out->memory = malloc(MEMORY);
    if (out->memory == NULL || n < 0 || (size_t)n >= sizeof out->folder) {
        return refuse(why, STATUS_NOMEM, "%s: the name is too long, or no memory", path);
    }
    buffer_init(&file, WATCH_CONFIG_SIZE_MAX);
    enum status status = ini_file_read(path, &file, on_line, out, why);
    buffer_clear(&file);
    return status == STATUS_OK ? finish(out, path, why) : status;
}

void watch_config_release(struct watch_config *config) {
    free(config->memory);
    config->memory = NULL;
}
