#include "tools/view.h"

#include "crypto/encoding.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define TIMEOUT_MS 15000
#define PATH_MAX_CHARS 160

/* The note in `view->memory`: a checkpoint of this log, signed by its key? */
static enum status take_note(const struct vkey *log, struct view *view) {
    struct note note;
    struct checkpoint checkpoint;
    TRY(checkpoint_parse(view->note, &note, &checkpoint, &view->why));
    if (!bytes_equal(checkpoint.origin, vkey_name(log))) {
        return refuse(&view->why, STATUS_BAD_LOG, "a checkpoint of another log");
    }
    if (note_verify(&note, log) != STATUS_OK) {
        return refuse(&view->why, STATUS_DENIED_SIGNATURE, "not signed by the log's key");
    }
    view->point = (struct tree_point){.size = checkpoint.size, .root = checkpoint.root};
    return STATUS_OK;
}

static enum status keep_note(struct view *view, struct bytes note) {
    if (note.len > sizeof view->memory) {
        return refuse(&view->why, STATUS_TOO_LARGE, "the checkpoint is too large");
    }
    memcpy(view->memory, note.data, note.len);
    view->note = bytes_of(view->memory, note.len);
    return STATUS_OK;
}

static enum view_state fetch_at(struct fetcher *fetcher, const struct vkey *log,
                                struct view *view) {
    char path[PATH_MAX_CHARS];
    const struct fetched *answer = NULL;
    int n = snprintf(path, sizeof path, "%s/checkpoint", view->prefix);
    assert(n > 0 && (size_t)n < sizeof path);
    struct fetch_request request = {.base = view->url,
                                    .path = path,
                                    .response_max = CHECKPOINT_SIZE_MAX,
                                    .timeout_ms = TIMEOUT_MS};
    if (fetch(fetcher, &request, &answer, &view->why) != STATUS_OK) {
        return VIEW_UNREACHABLE;
    }
    if (answer->http != 200) {
        refuse(&view->why, STATUS_NOT_FOUND, "HTTP status %u", answer->http);
        return answer->http >= 500 ? VIEW_UNREACHABLE : VIEW_ABSENT;
    }
    if (keep_note(view, buffer_view(&answer->body)) != STATUS_OK ||
        take_note(log, view) != STATUS_OK) {
        return VIEW_BAD;
    }
    return VIEW_SERVED;
}

void view_fetch(struct fetcher *fetcher, const char *url, const struct vkey *log,
                struct view *out) {
    struct hash id;
    hash_of(log->name, log->name_len, &id);
    memset(out, 0, sizeof *out);
    out->url = url;
    out->prefix[0] = '/';
    out->prefix[1 + hex_encode(out->prefix + 1, id.bytes, HASH_SIZE)] = '\0';
    out->state = fetch_at(fetcher, log, out);
    if (out->state == VIEW_ABSENT) {
        out->prefix[0] = '\0';
        out->state = fetch_at(fetcher, log, out);
        if (out->state == VIEW_BAD && out->why.status == STATUS_BAD_LOG) {
            out->state = VIEW_ABSENT; /* it hosts another log */
        }
    }
}

enum status view_remember(const char *url, struct bytes note, const struct vkey *log,
                          struct view *out) {
    memset(out, 0, sizeof *out);
    out->url = url;
    out->state = VIEW_REMEMBERED;
    TRY(keep_note(out, note));
    return take_note(log, out);
}

/* One tile; where its partial form is gone, the whole one, as tlog-tiles allows. */
static enum status fetch_tile(struct fetcher *fetcher, const struct view *view,
                              const struct tile *tile, struct pull_tiles *tiles,
                              struct refusal *why) {
    struct tile asked = *tile;
    for (;;) {
        char path[PATH_MAX_CHARS];
        const struct fetched *answer = NULL;
        struct writer w;
        writer_init(&w, path, sizeof path - 1);
        writer_text(&w, view->prefix);
        writer_text(&w, "/");
        tile_format_path(&w, &asked);
        assert(!w.failed);
        path[w.len] = '\0';
        struct fetch_request request = {.base = view->url,
                                        .path = path,
                                        .response_max = TILE_WIDTH * HASH_SIZE,
                                        .timeout_ms = TIMEOUT_MS};
        TRY(fetch(fetcher, &request, &answer, why));
        if (answer->http == 200) {
            return pull_tiles_put(tiles, tile, buffer_view(&answer->body));
        }
        if (asked.width == TILE_WIDTH) {
            return refuse(why, STATUS_NOT_FOUND, "%s%s: HTTP status %u", view->url, path,
                          answer->http);
        }
        asked.width = TILE_WIDTH;
    }
}

enum status view_fetch_tiles(struct fetcher *fetcher, const struct view *view,
                             const struct tile *missing, size_t count, struct pull_tiles *tiles,
                             struct refusal *why) {
    for (size_t i = 0; i < count; i++) {
        TRY(fetch_tile(fetcher, view, &missing[i], tiles, why));
    }
    return STATUS_OK;
}
