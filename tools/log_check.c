#include "tools/log_check.h"

#include "tools/ask.h"
#include "tools/cli.h"

#include <string.h>

const char *log_finding_name(enum log_finding finding) {
    static const char *const names[] = {
        [LOG_UNANNOUNCED] = "unannounced", [LOG_OTHER_KEY] = "other-key", [LOG_SHRUNK] = "shrunk",
        [LOG_CONTRADICTS] = "contradicts", [LOG_UNCHECKED] = "unchecked", [LOG_BEHIND] = "behind",
        [LOG_LACKING] = "lacking",
    };
    return names[finding];
}

bool log_finding_is_fault(enum log_finding finding) {
    return finding < LOG_BEHIND;
}

static void tell(struct log_check *c, enum log_finding finding, const char *node,
                 const char *origin, uint64_t listed, uint64_t served) {
    c->found(c->context, finding, node, origin, listed, served);
}

/* Every log of events that the node names has to be listed. */
static void find_unannounced(struct log_check *c, const char *node, const json_t *logs) {
    size_t i;
    json_t *log;
    json_array_foreach(json_object_get(logs, "logs"), i, log) {
        const char *origin = json_string_value(json_object_get(log, "origin"));
        const char *kind = json_string_value(json_object_get(log, "kind"));
        json_int_t size = json_integer_value(json_object_get(log, "size"));
        if (origin != NULL && kind != NULL && strcmp(kind, "events") == 0 &&
            log_list_find(c->list, bytes_text(origin)) == NULL) {
            tell(c, LOG_UNANNOUNCED, node, origin, 0, size > 0 ? (uint64_t)size : 0);
        }
    }
}

/* Whether the log is the node's own, by its own word. */
static bool is_own(const json_t *logs, const char *origin) {
    size_t i;
    json_t *log;
    json_array_foreach(json_object_get(logs, "logs"), i, log) {
        const char *name = json_string_value(json_object_get(log, "origin"));
        if (name != NULL && strcmp(name, origin) == 0) {
            return json_is_true(json_object_get(log, "own"));
        }
    }
    return false;
}

/* Does what is served go on from what is listed? */
static enum compare_result compare(struct log_check *c, const struct listed_log *listed) {
    struct tile missing[PULL_TILES_MAX];
    struct merkle_proof subproof;
    struct refusal why;
    enum compare_result result = COMPARE_NO_TREE;
    size_t count = 0;
    if (listed->point.size == c->view.point.size) {
        return hash_equal(&listed->point.root, &c->view.point.root) ? COMPARE_FITS : COMPARE_FORKED;
    }
    pull_tiles_clear(&c->tiles);
    if (!compare_missing(&c->tiles, &listed->point, &c->view.point, missing, &count) ||
        view_fetch_tiles(c->fetcher, &c->view, missing, count, &c->tiles, &why) != STATUS_OK ||
        compare_conclude(&c->tiles, &listed->point, &c->view.point, &result, &subproof) !=
            STATUS_OK) {
        return COMPARE_NO_TREE;
    }
    return result;
}

static void check_listed(struct log_check *c, const char *node, const struct listed_log *listed,
                         const json_t *logs) {
    const char *origin = listed->vkey.name;
    uint64_t size = listed->point.size;
    view_fetch(c->fetcher, node, &listed->vkey, &c->view);
    uint64_t served = c->view.state == VIEW_SERVED ? c->view.point.size : 0;
    if (c->view.state == VIEW_BAD) {
        tell(c, LOG_OTHER_KEY, node, origin, size, 0);
    } else if (served < size && is_own(logs, origin)) {
        tell(c, LOG_SHRUNK, node, origin, size, served);
    } else if (c->view.state != VIEW_SERVED) {
        tell(c, LOG_LACKING, node, origin, size, 0);
    } else if (served < size) {
        tell(c, LOG_BEHIND, node, origin, size, served);
    } else if (size > 0) {
        enum compare_result result = compare(c, listed);
        if (result != COMPARE_FITS) {
            tell(c, result == COMPARE_FORKED ? LOG_CONTRADICTS : LOG_UNCHECKED, node, origin, size,
                 served);
        }
    }
}

enum status log_check_node(struct log_check *c, const char *node, struct refusal *why) {
    json_t *logs = NULL;
    TRY(ask_json(c->fetcher, node, "/logs", &logs, why));
    find_unannounced(c, node, logs);
    for (size_t i = 0; i < c->list->count; i++) {
        check_listed(c, node, &c->list->logs[i], logs);
        cli_progress(node, i + 1, c->list->count);
    }
    cli_progress_end();
    json_decref(logs);
    return STATUS_OK;
}
