#include "tools/import_refused.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(IMPORT_EVENTS_MAX <= 16, "a row's events have a bit each");

enum status import_refused_add(struct import_refused *r, size_t row_count, size_t row, size_t event,
                               const char *text) {
    assert(row < row_count && event < IMPORT_EVENTS_MAX);
    if (r->rows == NULL) {
        r->rows = calloc(row_count, sizeof *r->rows);
        r->reasons = calloc(IMPORT_REASONS_MAX, sizeof *r->reasons);
        r->row_count = row_count;
    }
    if (r->rows == NULL || r->reasons == NULL) {
        return STATUS_NOMEM;
    }
    r->fresh = true;
    r->row = row;
    r->event = event;
    snprintf(r->text, sizeof r->text, "%s", text);
    return STATUS_OK;
}

bool import_refused_told(const struct import_refused *r, size_t row, size_t event) {
    return r->rows != NULL && (r->rows[row] & (1u << event)) != 0;
}

static bool is_of(const struct import_reason *reason, const struct import_event *event,
                  const char *ori) {
    return reason->event == event && strcmp(reason->ori, ori) == 0;
}

/* Counts the reason of the one that was just refused. Where there is no room for another the events
 * are tried, one by one. */
static void count(struct import_refused *r, const struct import_event *event, const char *ori) {
    size_t i = 0;
    while (i < r->reason_count &&
           !(is_of(&r->reasons[i], event, ori) && strcmp(r->reasons[i].text, r->text) == 0)) {
        i++;
    }
    if (i == IMPORT_REASONS_MAX) {
        return;
    }
    struct import_reason *reason = &r->reasons[i];
    if (i == r->reason_count) {
        r->reason_count++;
        reason->event = event;
        snprintf(reason->ori, sizeof reason->ori, "%s", ori);
        memcpy(reason->text, r->text, sizeof reason->text);
    }
    reason->times++;
}

static const char *known_reason(const struct import_refused *r, const struct import_event *event,
                                const char *ori) {
    for (size_t i = 0; i < r->reason_count; i++) {
        if (r->reasons[i].times >= IMPORT_TRIES && is_of(&r->reasons[i], event, ori)) {
            return r->reasons[i].text;
        }
    }
    return NULL;
}

const char *import_refused_why(struct import_refused *r, size_t row, size_t event,
                               const struct import_map *map, const char *ori) {
    const char *text = NULL;
    if (r->rows == NULL) {
        return NULL;
    }
    if (r->fresh && r->row == row && r->event == event) {
        r->fresh = false;
        count(r, &map->events[event], ori);
        text = r->text;
    } else {
        text = known_reason(r, &map->events[event], ori);
    }
    if (text != NULL) {
        r->rows[row] = (uint16_t)(r->rows[row] | (1u << event));
    }
    return text;
}

void import_refused_release(struct import_refused *r) {
    free(r->rows);
    free(r->reasons);
    memset(r, 0, sizeof *r);
}
