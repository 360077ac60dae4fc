/* What the monitor remembers of a log from run to run: the note that each node served last, the
 * largest one of all, and since when a node is behind.
 *
 *     {"key":"<vkey>","largest":"<note>","log":"<origin>",
 *      "views":{"<url>":{"behind_since":0,"note":"<note>"}}}
 *
 * The record's notes are verified when they are read: a folder that somebody wrote into can hide
 * what was seen, and cannot accuse anybody. */
#include "crypto/encoding.h"
#include "net/file.h"
#include "tools/monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_SIZE_MAX ((MONITOR_URLS_MAX + 2) * (6 * CHECKPOINT_SIZE_MAX + 4096))
#define LARGEST "an earlier run"

static enum status state_path(const char *folder, const char *origin, char *out, size_t cap,
                              struct refusal *why) {
    struct hash id;
    char hex[2 * HASH_SIZE + 1];
    hash_of(origin, strlen(origin), &id);
    hex[hex_encode(hex, id.bytes, HASH_SIZE)] = '\0';
    int n = snprintf(out, cap, "%s/%s.json", folder, hex);
    return n > 0 && (size_t)n < cap
               ? STATUS_OK
               : refuse(why, STATUS_BAD_FORM, "--state %s: the name is too long", folder);
}

/* NOT_FOUND: nothing was seen yet. */
static enum status load(const char *folder, const char *origin, json_t **out, struct refusal *why) {
    char path[1024];
    struct buffer text;
    TRY(state_path(folder, origin, path, sizeof path, why));
    buffer_init(&text, STATE_SIZE_MAX);
    enum status status = file_read(path, &text, why);
    if (status == STATUS_OK) {
        struct bytes view = buffer_view(&text);
        json_t *root = json_loadb((const char *)view.data, view.len, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(root)) {
            json_decref(root);
            status = refuse(why, STATUS_BAD_FORM,
                            "%s: not a monitor's record: move it away to begin anew", path);
        } else {
            *out = root;
        }
    }
    buffer_clear(&text);
    return status;
}

static void recall_note(struct monitor *m, const char *url, const json_t *note) {
    const char *text = json_string_value(note);
    if (text != NULL && m->view_count < MONITOR_VIEWS_MAX &&
        view_remember(url, bytes_text(text), &m->log->vkey, &m->views[m->view_count]) ==
            STATUS_OK) {
        m->view_count++;
    }
}

enum status monitor_recall(struct monitor *m, struct refusal *why) {
    json_t *root = NULL;
    enum status status = load(m->options->state, m->log->vkey.name, &root, why);
    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK;
    }
    TRY(status);
    const json_t *views = json_object_get(root, "views");
    for (size_t i = 0; i < m->options->url_count; i++) {
        const json_t *view = json_object_get(views, m->options->urls[i]);
        json_int_t since = json_integer_value(json_object_get(view, "behind_since"));
        m->behind_since[i] = since > 0 ? (uint64_t)since : 0;
        recall_note(m, m->options->urls[i], json_object_get(view, "note"));
    }
    recall_note(m, LARGEST, json_object_get(root, "largest"));
    json_decref(root);
    return STATUS_OK;
}

static json_t *note_json(const struct view *view) {
    return json_stringn((const char *)view->note.data, view->note.len);
}

/* The note to keep for an address: what it serves; where it serves less or nothing, what it served
 * before, so that every run finds it again. */
static const struct view *note_of(const struct monitor *m, size_t which) {
    const struct view *best = m->views[which].state == VIEW_SERVED ? &m->views[which] : NULL;
    for (size_t i = m->served; i < m->view_count; i++) {
        if (strcmp(m->views[i].url, m->options->urls[which]) == 0 &&
            (best == NULL || m->views[i].point.size > best->point.size)) {
            best = &m->views[i];
        }
    }
    return best;
}

static json_t *record_of(const struct monitor *m) {
    char key[VKEY_SIZE_MAX];
    struct writer w;
    const struct view *largest = NULL;
    json_t *views = json_object();
    writer_init(&w, key, sizeof key);
    vkey_format(&w, &m->log->vkey);
    for (size_t i = 0; i < m->served; i++) {
        const struct view *kept = note_of(m, i);
        if (kept != NULL) {
            json_object_set_new(views, m->options->urls[i],
                                json_pack("{s:I, s:o}", "behind_since",
                                          (json_int_t)m->behind_since[i], "note", note_json(kept)));
        }
    }
    for (size_t i = m->view_count; i > 0; i--) { /* of equals, one that is served */
        const struct view *view = &m->views[i - 1];
        if ((view->state == VIEW_SERVED || view->state == VIEW_REMEMBERED) &&
            (largest == NULL || view->point.size >= largest->point.size)) {
            largest = view;
        }
    }
    json_t *root =
        json_pack("{s:s%, s:s, s:o}", "key", key, w.len, "log", m->log->vkey.name, "views", views);
    if (root != NULL && largest != NULL) {
        json_object_set_new(root, "largest", note_json(largest));
    }
    return root;
}

enum status monitor_record(struct monitor *m, struct refusal *why) {
    char path[1024];
    TRY(state_path(m->options->state, m->log->vkey.name, path, sizeof path, why));
    TRY(file_make_folder(m->options->state, why));
    json_t *root = record_of(m);
    char *text = root != NULL ? json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    enum status status = text != NULL ? file_write(path, bytes_text(text), why)
                                      : refuse(why, STATUS_NOMEM, "out of memory");
    free(text);
    json_decref(root);
    return status;
}
