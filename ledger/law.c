#include "ledger/law.h"

#include <string.h>

#define CALIFORNIA_COMPLAINTS "Cal. Penal Code 832.7(a)"
#define CALIFORNIA_FINDINGS "Cal. Penal Code 832.7(a), (b)(1)(A)(iv)"

static const struct law_row rows[] = {
    {.state = "CA",
     .kind = KIND_FAILURE_ALLEGED,
     .table = 1,
     .citation = CALIFORNIA_COMPLAINTS,
     .says = "records of complaints are confidential"},
    {.state = "CA",
     .kind = KIND_FINDING_FINAL,
     .unless = "disposition",
     .value = "sustained",
     .table = 1,
     .citation = CALIFORNIA_FINDINGS,
     .says = "findings are confidential, but for sustained ones on failing to intervene"},
    {.state = "CA",
     .kind = KIND_FINDING_RECOMMENDED,
     .table = 1,
     .citation = CALIFORNIA_FINDINGS,
     .says = "findings are confidential, but for sustained ones on failing to intervene"},
};

const struct law_row *law_at(size_t i) {
    return i < sizeof rows / sizeof rows[0] ? &rows[i] : NULL;
}

bool law_forbids(const struct law_row *row, const struct event *event) {
    const char *ori = event_open_text(event, "ori");
    if (event->kind->id != row->kind || ori == NULL || strncmp(ori, row->state, 2) != 0) {
        return false;
    }
    const char *value = row->unless != NULL ? event_open_text(event, row->unless) : NULL;
    bool open = value != NULL && strcmp(value, row->value) == 0;
    return !open && (row->member == NULL || json_object_get(event->open, row->member) != NULL);
}

static enum status forbid(const struct law_row *row, const struct event *event,
                          struct refusal *why) {
    if (row->member != NULL) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "%s must be closed in %s: %s (%s): put it into the body, not into open",
                      row->member, row->state, row->says, row->citation);
    }
    bool unless = row->unless != NULL;
    return refuse(why, STATUS_BAD_MEMBER,
                  "kind: in %s a %s%s%s%s%s must be of kind closed, with its kind and members in "
                  "the body: %s (%s)",
                  row->state, event->kind->name, unless ? " whose " : "", unless ? row->unless : "",
                  unless ? " is not " : "", unless ? row->value : "", row->says, row->citation);
}

enum status law_check(const struct event *event, uint32_t after, uint32_t table,
                      struct refusal *why) {
    for (size_t i = 0; law_at(i) != NULL; i++) {
        const struct law_row *row = law_at(i);
        if (row->table > after && row->table <= table && law_forbids(row, event)) {
            return forbid(row, event, why);
        }
    }
    return STATUS_OK;
}
