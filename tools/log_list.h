/* The list of recognised logs that an authority signs by logs.listed, so that a log which is not on
 * it shows (specs/registry.md#list-of-logs): a line for each, in the order of their origins.
 *
 *     dutylog/logs/v1
 *     observed 2026-03-01T10:00:00Z
 *     log <vkey> <size> <root in hex, or - at size 0> */
#ifndef DUTYLOG_TOOLS_LOG_LIST_H
#define DUTYLOG_TOOLS_LOG_LIST_H

#include "ledger/compare.h"
#include "ledger/recognition.h"

#define LOG_LIST_SIZE_MAX ((size_t)4 * 1024 * 1024)

struct listed_log {
    struct vkey vkey;
    struct tree_point point;
};

/* Owns `logs`: log_list_release. */
struct log_list {
    char observed[21]; /* RFC 3339, UTC, terminated */
    struct listed_log *logs;
    size_t count; /* at most RECOGNISED_MAX */
};

void log_list_release(struct log_list *list);
/* Adds one, in any order. NOMEM; TOO_LARGE: RECOGNISED_MAX are there. */
enum status log_list_add(struct log_list *list, const struct vkey *vkey,
                         const struct tree_point *point) MUST_USE;
/* Sorts, and writes. */
void log_list_format(struct log_list *list, struct writer *w);
/* What parses is formatted to the same bytes. BAD_FORM names the line; `out` is released by the
 * caller on success only. */
enum status log_list_parse(struct bytes text, struct log_list *out, struct refusal *why) MUST_USE;
/* The one with this origin, or NULL. Of a list that was parsed or formatted. */
const struct listed_log *log_list_find(const struct log_list *list, struct bytes origin);

#endif
