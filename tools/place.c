#include "tools/place.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define ANSWER_MAX (1024 * 1024)
#define TIMEOUT_MS 15000

static enum status get_json(struct fetcher *fetcher, const char *node, const char *path,
                            unsigned *http, json_t **out, struct refusal *why) {
    const struct fetched *answer = NULL;
    struct fetch_request request = {
        .base = node, .path = path, .response_max = ANSWER_MAX, .timeout_ms = TIMEOUT_MS};
    TRY(fetch(fetcher, &request, &answer, why));
    *http = answer->http;
    *out = json_loadb((const char *)answer->body.data, answer->body.len, 0, NULL);
    if (answer->http == 200 && *out == NULL) {
        return refuse(why, STATUS_BAD_FORM, "%s%s: the answer is not JSON: is this a dutylog node?",
                      node, path);
    }
    return STATUS_OK;
}

static enum status own_origin(struct place *place, json_t *root, const char *node,
                              struct refusal *why) {
    size_t i;
    json_t *log;
    json_array_foreach(json_object_get(root, "logs"), i, log) {
        const char *origin = json_string_value(json_object_get(log, "origin"));
        if (json_is_true(json_object_get(log, "own")) && origin != NULL &&
            strlen(origin) <= NAME_SIZE_MAX) {
            memcpy(place->log, origin, strlen(origin) + 1);
            return STATUS_OK;
        }
    }
    return refuse(why, STATUS_UNKNOWN_LOG,
                  "%s hosts no log: name another node, or the log with --log", node);
}

static enum status ask_origin(struct place *place, struct fetcher *fetcher, const char *node,
                              struct refusal *why) {
    json_t *root = NULL;
    unsigned http = 0;
    TRY(get_json(fetcher, node, "/logs", &http, &root, why));
    enum status status = http == 200
                             ? own_origin(place, root, node, why)
                             : refuse(why, STATUS_IO, "%s/logs: HTTP status %u", node, http);
    json_decref(root);
    return status;
}

static enum status take_issuer(struct place *place, json_t *root, struct refusal *why) {
    json_int_t seq = json_integer_value(json_object_get(root, "seq"));
    const char *head = json_string_value(json_object_get(root, "head"));
    if (seq < 0 ||
        (seq > 0 && (head == NULL || !bytes_hex_to_hash(bytes_text(head), &place->prev)))) {
        return refuse(why, STATUS_BAD_FORM, "the node's answer about the issuer makes no sense");
    }
    place->seq = (uint64_t)seq + 1;
    place->has_prev = seq > 0;
    return STATUS_OK;
}

static enum status ask_issuer(struct place *place, struct fetcher *fetcher, const char *node,
                              struct bytes issuer, struct refusal *why) {
    char path[NAME_SIZE_MAX + 16];
    json_t *root = NULL;
    unsigned http = 0;
    snprintf(path, sizeof path, "/issuer/%.*s", (int)issuer.len, issuer.data);
    TRY(get_json(fetcher, node, path, &http, &root, why));
    enum status status = STATUS_OK;
    if (http == 200) {
        status = take_issuer(place, root, why);
    } else if (http == 404) {
        place->seq = 1;
        place->has_prev = false;
    } else {
        status = refuse(why, STATUS_IO, "%s%s: HTTP status %u", node, path, http);
    }
    json_decref(root);
    return status;
}

enum status place_from_node(struct place *place, const char *node, struct bytes issuer,
                            struct refusal *why) {
    struct fetcher *fetcher = NULL;
    enum status status = fetcher_open(&fetcher);
    if (status != STATUS_OK) {
        return refuse(why, status, "out of memory");
    }
    if (place->log[0] == '\0') {
        status = ask_origin(place, fetcher, node, why);
    }
    if (status == STATUS_OK) {
        status = ask_issuer(place, fetcher, node, issuer, why);
    }
    fetcher_close(fetcher);
    return status;
}

enum status place_from_outbox(struct place *place, const struct outbox *outbox, struct bytes issuer,
                              struct refusal *why) {
    uint64_t last = 0;
    struct hash id;
    TRY(outbox_last(outbox, issuer, &last, &id, why));
    if (last > 0 && last >= place->seq) {
        place->seq = last + 1;
        place->has_prev = true;
        place->prev = id;
    }
    return STATUS_OK;
}
