/* Asking a node for JSON. */
#ifndef DUTYLOG_TOOLS_ASK_H
#define DUTYLOG_TOOLS_ASK_H

#include "tools/fetch.h"

#include <jansson.h>

/* GET `path` of a node; `out` is the caller's to json_decref. IO: no answer, or 5xx; NOT_FOUND:
 * 404; BAD_FORM: no JSON, or another status; `why` says which. */
enum status ask_json(struct fetcher *fetcher, const char *node, const char *path, json_t **out,
                     struct refusal *why) MUST_USE;
/* All pages of a list: calls back for each item of the member `list`, and asks on with `next` as
 * `from`; `query` ("" or "state=VA") stands in each request. Stops at the first status that is not
 * OK, or after ASK_PAGES_MAX pages (TOO_LARGE). `last` (may be NULL) gets the last page, the
 * caller's to json_decref. */
#define ASK_PAGES_MAX 1000
enum status ask_pages(struct fetcher *fetcher, const char *node, const char *path,
                      const char *query, const char *list,
                      enum status (*each)(void *context, json_t *item), void *context,
                      json_t **last, struct refusal *why) MUST_USE;

#endif
