#include "tools/log_chain.h"

#include "net/file.h"
#include "tools/ask.h"

#include <stdio.h>
#include <string.h>

#define TIMEOUT_MS 30000

static enum status take_log(void *context, json_t *item) {
    json_t *by_origin = context;
    const char *origin = json_string_value(json_object_get(item, "origin"));
    return origin == NULL || json_object_set(by_origin, origin, item) == 0 ? STATUS_OK
                                                                           : STATUS_NOMEM;
}

/* From the first node that has it. */
static enum status fetch_receipt(struct fetcher *fetcher, const struct log_chain *chain,
                                 const char *path, const char *out, struct refusal *why) {
    const struct fetched *answer = NULL;
    for (size_t i = 0; i < chain->node_count; i++) {
        struct fetch_request request = {.base = chain->nodes[i],
                                        .path = path,
                                        .response_max = RECEIPT_SIZE_MAX,
                                        .timeout_ms = TIMEOUT_MS};
        if (fetch(fetcher, &request, &answer, why) == STATUS_OK && answer->http == 200) {
            return file_write(out, buffer_view(&answer->body), why);
        }
    }
    return refuse(why, STATUS_NOT_FOUND,
                  "no node has the receipt at %s now: name one more --node, that of the log that "
                  "recognised, or ask again",
                  path);
}

static enum status climb(struct fetcher *fetcher, struct log_chain *chain, json_t *by_origin,
                         struct refusal *why) {
    const char *origin = chain->origin;
    const json_t *log = json_object_get(by_origin, origin);
    if (log == NULL) {
        return refuse(why, STATUS_NOT_FOUND, "%s does not recognise %s", chain->nodes[0], origin);
    }
    while (log != NULL && json_object_get(log, "by") != NULL) {
        const char *receipt = json_string_value(json_object_get(log, "receipt"));
        const char *by = json_string_value(json_object_get(log, "by"));
        if (receipt == NULL || by == NULL || receipt[0] != '/' ||
            chain->count == RECOGNITION_DEPTH_MAX) {
            return refuse(why, STATUS_BAD_FORM, "/recognised: %s makes no sense", origin);
        }
        if (json_is_true(json_object_get(log, "withdrawn"))) {
            return refuse(why, STATUS_NOT_FOUND, "%s withdrew its recognition of %s: %s", by,
                          origin, receipt);
        }
        char *path = chain->paths[chain->count];
        snprintf(path, sizeof chain->paths[0], "%.480s-%zu.receipt", chain->out, chain->count + 1);
        TRY(fetch_receipt(fetcher, chain, receipt, path, why));
        chain->count++;
        origin = by;
        log = json_object_get(by_origin, by);
    }
    return STATUS_OK;
}

enum status log_chain_fetch(struct log_chain *chain, struct refusal *why) {
    struct fetcher *fetcher = NULL;
    json_t *by_origin = json_object();
    if (by_origin == NULL || fetcher_open(&fetcher) != STATUS_OK) {
        json_decref(by_origin);
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    chain->count = 0;
    enum status status = ask_pages(fetcher, chain->nodes[0], "/recognised", "", "logs", take_log,
                                   by_origin, NULL, why);
    if (status == STATUS_OK) {
        status = climb(fetcher, chain, by_origin, why);
    }
    json_decref(by_origin);
    fetcher_close(fetcher);
    return status;
}
