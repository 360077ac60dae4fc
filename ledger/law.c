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
#ifdef DUTYLOG_TABLE_NEXT /* ledger/kind.h: the tests' next table closes one member by law */
    {.state = "NY",
     .kind = KIND_FAILURE_ALLEGED,
     .member = "occurred",
     .unless = "alleged_by",
     .value = "court",
     .table = 2,
     .citation = "the law of the next table",
     .says = "days are confidential, but in court"},
#endif
};

const struct law_row *law_at(size_t i) {
    return i < sizeof rows / sizeof rows[0] ? &rows[i] : NULL;
}

/* Is it about an event of this kind with these open members, which nothing in them opens? */
static bool holds(const struct law_row *row, enum kind_id kind, const json_t *open) {
    const char *ori = json_string_value(json_object_get(open, "ori"));
    if (kind != row->kind || ori == NULL || strncmp(ori, row->state, 2) != 0) {
        return false;
    }
    const char *value =
        row->unless != NULL ? json_string_value(json_object_get(open, row->unless)) : NULL;
    return value == NULL || strcmp(value, row->value) != 0;
}

bool law_forbids(const struct law_row *row, const struct event *event) {
    return holds(row, event->kind->id, event->open) &&
           (row->member == NULL || json_object_get(event->open, row->member) != NULL);
}

const struct law_row *law_of_member(enum kind_id kind, const char *member, const json_t *open) {
    const struct law_row *row;
    for (size_t i = 0; (row = law_at(i)) != NULL; i++) {
        if (row->kind == kind && row->member != NULL && strcmp(row->member, member) == 0 &&
            (open == NULL || holds(row, kind, open))) {
            return row;
        }
    }
    return NULL;
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
