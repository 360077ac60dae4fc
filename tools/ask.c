#include "tools/ask.h"

#include <stdio.h>
#include <string.h>

#define ANSWER_MAX (16 * 1024 * 1024)
#define TIMEOUT_MS 15000
#define PATH_SIZE 512

enum status ask_json(struct fetcher *fetcher, const char *node, const char *path, json_t **out,
                     struct refusal *why) {
    const struct fetched *answer = NULL;
    struct fetch_request request = {
        .base = node, .path = path, .response_max = ANSWER_MAX, .timeout_ms = TIMEOUT_MS};
    TRY(fetch(fetcher, &request, &answer, why));
    if (answer->http == 404) {
        return refuse(why, STATUS_NOT_FOUND, "%s%s: %.*s", node, path,
                      (int)(answer->body.len < 200 ? answer->body.len : 200),
                      (const char *)answer->body.data);
    }
    if (answer->http != 200) {
        return refuse(why, answer->http >= 500 ? STATUS_IO : STATUS_BAD_FORM,
                      "%s%s: HTTP status %u", node, path, answer->http);
    }
    *out = json_loadb((const char *)answer->body.data, answer->body.len, 0, NULL);
    return *out != NULL
               ? STATUS_OK
               : refuse(why, STATUS_BAD_FORM,
                        "%s%s: the answer is not JSON: is this a dutylog node?", node, path);
}

enum status ask_pages(struct fetcher *fetcher, const char *node, const char *path,
                      const char *query, const char *list,
                      enum status (*each)(void *context, json_t *item), void *context,
                      json_t **last, struct refusal *why) {
    char from[2 * HASH_SIZE + 1] = "";
    for (size_t page = 0; page < ASK_PAGES_MAX; page++) {
        char target[PATH_SIZE];
        json_t *root = NULL;
        json_t *item;
        size_t i;
        enum status status = STATUS_OK;
        snprintf(target, sizeof target, "%s?%s%s%s%s", path, query, query[0] != '\0' ? "&" : "",
                 from[0] != '\0' ? "from=" : "", from);
        TRY(ask_json(fetcher, node, target, &root, why));
        json_array_foreach(json_object_get(root, list), i, item) {
            status = status == STATUS_OK ? each(context, item) : status;
        }
        const char *next = json_string_value(json_object_get(root, "next"));
        bool more = next != NULL && strlen(next) < sizeof from;
        if (more) {
            memcpy(from, next, strlen(next) + 1);
        }
        if (status == STATUS_OK && !more && last != NULL) {
            *last = json_incref(root);
        }
        json_decref(root);
        if (status != STATUS_OK || !more) {
            return status == STATUS_OK || why->text[0] != '\0'
                       ? status
                       : refuse(why, status, "%s%s: %s", node, path, status_text(status));
        }
    }
    return refuse(why, STATUS_TOO_LARGE, "%s%s: over %d pages", node, path, ASK_PAGES_MAX);
}
