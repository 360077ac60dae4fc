#include "tests/lib/told.h"

#include <criterion/criterion.h>
#include <string.h>

struct told told;

static const struct {
    const char *name;
    uint32_t role;
    enum told_who key; /* whose key it is */
} people[TOLD_PEOPLE] = {
    [DESK] = {"agency/desk-1", ROLE_CLERK, DESK},
    [DESK_2] = {"agency/desk-2", ROLE_CLERK, DESK_2},
    [AGENCY] = {"chief", ROLE_AGENCY, AGENCY},
    [BOARD] = {"board/a", ROLE_OVERSIGHT, BOARD},
    [BOARD_2] = {"board/b", ROLE_OVERSIGHT, BOARD_2},
    [PANEL] = {"panel", ROLE_OVERSIGHT, PANEL},
    [POST] = {"post/a", ROLE_POST, POST},
    [POST_2] = {"post/b", ROLE_POST, POST_2},
    [COURT] = {"court/a", ROLE_COURT, COURT},
    [COURT_2] = {"court/b", ROLE_COURT, COURT_2},
    [TRIBUNAL] = {"tribunal", ROLE_COURT, TRIBUNAL},
    [COURT_KEY] = {"court/a", ROLE_POST, COURT},
    [ALIAS] = {"inspector", ROLE_OVERSIGHT, BOARD},
    [NEWSROOM] = {"newsroom", ROLE_OBSERVER, NEWSROOM},
    [ROOT] = {"root-1", ROLE_ROOT, ROOT},
};

static struct standing_signer signer_of(enum told_who who, int log) {
    const struct hash authority = {{log < 3 ? 1 : 2}};
    struct standing_signer signer = {.key = {{(uint8_t)(people[who].key + 1)}},
                                     .role = people[who].role};
    signer.house = house_of(people[who].role, bytes_text(people[who].name), &authority);
    return signer;
}

static struct hash number(int a, int b) {
    struct hash hash = {{(uint8_t)a, (uint8_t)b}};
    return hash;
}

static struct standing_event event_of(const struct told_said *said, int place, uint64_t now_ms) {
    static const char *const origins[] = {"a", "b", "c", "d"};
    int fact = said->fact != 0 ? said->fact : 100 + place;
    struct standing_event e = {
        .origin = bytes_text(origins[said->log]),
        .index = (uint64_t)place,
        .stamp_ms = now_ms - said->held * 60000u,
        .confirmed_ms = now_ms,
        .id = number(1, place),
        .kind = kind_find(said->kind, strlen(said->kind)),
        .whole = number(fact, said->about),
        .fact = number(fact, 0),
        .has_body = said->body,
        .other_ori = said->other_ori,
        .beyond = said->beyond,
        .unfitting = said->unfitting,
        .imported = said->imported,
        .subject = said->subject != 0 ? said->subject : 1,
        .has_named = said->about > 0,
        .named = number(1, said->about - 1),
        .has_replacement = said->instead > 0,
        .replacement = number(1, said->instead - 1),
        .outcome = said->outcome,
        .has_discipline = said->discipline,
        .sustains = said->sustains,
        .party = bytes_text(said->party != NULL ? said->party : ""),
        .authority = bytes_text(said->authority != NULL ? said->authority : ""),
        .signer = signer_of(said->who, said->log),
    };
    cr_assert_not_null(e.kind, "%s", said->kind);
    e.has_case = kind_member_find(e.kind, "case", 4) != NULL;
    return e;
}

void told_tell(const struct told_said *story, size_t count) {
    uint64_t now_ms = 0;
    cr_assert_leq(count, TOLD_MAX);
    memset(&told, 0, sizeof told);
    for (size_t i = 0; i < count; i++) {
        now_ms += story[i].minutes != 0 ? story[i].minutes * 60000u : 1000;
        told.events[i] = event_of(&story[i], (int)i, now_ms);
    }
    told.c = (struct standing_case){.events = told.events,
                                    .count = count,
                                    .revocations = told.revocations,
                                    .results = told.results,
                                    .subjects = told.subjects,
                                    .order = told.order,
                                    .acts = told.acts};
    standing_judge(&told.c);
}

void told_revoke(size_t event, const struct standing_revocation *revocation) {
    struct standing_revocation *fresh = &told.revocations[told.c.revocation_count++];
    *fresh = *revocation;
    fresh->event = event;
    fresh->origin = bytes_text("c");
    standing_judge(&told.c);
}

void told_is(size_t event, enum standing standing, enum standing_why why, size_t other,
             const char *file, int line) {
    const struct standing_result *r = &told.results[event];
    cr_assert(r->standing == standing && r->why == why && r->other == other,
              "%s:%d: event %zu is %s: %s %zd", file, line, event, standing_name(r->standing),
              standing_why_name(r->why), (ssize_t)r->other);
}

void told_slots(size_t subject, size_t finding, size_t discipline, size_t certificate,
                const char *file, int line) {
    cr_assert_lt(subject, told.c.subject_count, "%s:%d: no such subject", file, line);
    const size_t *named = told.subjects[subject].named;
    cr_assert(named[SLOT_FINDING] == finding && named[SLOT_DISCIPLINE] == discipline &&
                  named[SLOT_CERTIFICATE] == certificate,
              "%s:%d: the slots have %zd %zd %zd", file, line, (ssize_t)named[SLOT_FINDING],
              (ssize_t)named[SLOT_DISCIPLINE], (ssize_t)named[SLOT_CERTIFICATE]);
}

void told_beside(enum standing_slot slot, size_t event, const char *file, int line) {
    size_t found = NONE;
    for (size_t i = 0; i < told.c.count; i++) {
        if (standing_beside(&told.c, &told.subjects[0], i) == slot) {
            cr_assert_eq(found, NONE, "%s:%d: events %zu and %zu are beside", file, line, found, i);
            found = i;
        }
    }
    cr_assert_eq(found, event, "%s:%d: event %zd is beside", file, line, (ssize_t)found);
}
