/* For what a recognised log counts: the agencies and roles that all on its way leave, what was
 * withdrawn, at which sizes; and that the logs of the way are enough to tell. */
#include "ledger/recognition.h"

#include "tests/lib/check.h"
#include "tests/lib/several.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINNEAPOLIS "MN0271100"
#define CHICAGO "IL0160000"

static struct several s;
static struct recognition_set *set;
static struct several_log *doj;
static struct several_log *state;
static struct several_log *agency;
static struct pin pin;
static uint64_t sizes[SEVERAL_MAX + 1]; /* named, by log number; UINT64_MAX: all of it */

static void setup(void) {
    several_open(&s);
    set = malloc(sizeof *set);
    cr_assert_not_null(set);
    doj = several_add_rooted(&s, "doj.example/log");
    state = several_add_rooted(&s, "state.example/log");
    agency = several_add_rooted(&s, "agency.example/log");
    pin = (struct pin){.name = "doj", .root_count = 2, .threshold = 2};
    pin.roots[0] = doj->world.people[WORLD_ROOT_1].vkey;
    pin.roots[1] = doj->world.people[WORLD_ROOT_2].vkey;
    for (size_t i = 0; i <= SEVERAL_MAX; i++) {
        sizes[i] = UINT64_MAX;
    }
}

static void cleanup(void) {
    free(set);
    several_close(&s);
}

TestSuite(recognition_scope, .init = setup, .fini = cleanup);

static uint64_t size_of(void *context, uint32_t log) {
    cr_assert_eq(context, sizes);
    return sizes[log];
}

static uint64_t recognises(struct several_log *by, const struct several_log *whom,
                           const char *more) {
    return several_recognise(by, &whom->world.log.vkey, more);
}

static struct recognition_scope scope_as(const struct several_log *log, const char *ori,
                                         uint32_t role) {
    const struct recognition_view view = {.ori = ori, .size_of = size_of, .context = sizes};
    struct recognition_scope out;
    CHECK_OK(recognition_find(s.txn, &pin, 1, &view, set));
    CHECK_OK(recognition_scope_of(s.txn, set, &log->log, role, &out));
    return out;
}

static struct recognition_scope scope(const struct several_log *log, const char *ori) {
    return scope_as(log, ori, ROLE_CLERK);
}

/* The roles that count there, of those that have to be named. */
static uint32_t roles(const struct several_log *log, const char *ori) {
    uint32_t found = 0;
    for (uint32_t role = ROLE_ROOT; role <= ROLE_LAST; role <<= 1) {
        bool whole = scope_as(log, ori, role).counts;
        cr_assert((role & RECOGNITION_ROLES) != 0 || whole == scope(log, ori).counts);
        found |= whole ? role & RECOGNITION_ROLES : 0;
    }
    return found;
}

static bool counts(const struct several_log *log, const char *ori) {
    return scope(log, ori).counts;
}

Test(recognition_scope, an_anchored_log_counts_whole) {
    struct recognition_scope found = scope(doj, MINNEAPOLIS);
    cr_assert(found.counts);
    cr_assert(found.pinned);
    cr_assert_eq(roles(doj, MINNEAPOLIS), RECOGNITION_ROLES);
    cr_assert_eq(found.depth, 0);
    cr_assert_not(counts(state, MINNEAPOLIS));
    cr_assert_not(scope(state, MINNEAPOLIS).withdrawn);
}

Test(recognition_scope, without_pins_everything_counts) {
    const struct recognition_view view = {.ori = MINNEAPOLIS};
    struct recognition_scope found;
    CHECK_OK(recognition_find(s.txn, NULL, 0, &view, set));
    CHECK_OK(recognition_scope_of(s.txn, set, &agency->log, ROLE_COURT, &found));
    cr_assert(found.counts);
    cr_assert_not(found.pinned);
}

Test(recognition_scope, is_of_oris_or_states_or_any) {
    recognises(doj, state, ",'states':['MN','WI']");
    cr_assert(counts(state, MINNEAPOLIS));
    cr_assert(counts(state, "WI0000001"));
    cr_assert_not(counts(state, CHICAGO));
    recognises(doj, state, ",'oris':['IL0160000'],'states':['MN']");
    cr_assert(counts(state, CHICAGO));
    cr_assert_not(counts(state, "IL0160001"));
    cr_assert(counts(state, MINNEAPOLIS));
    cr_assert_not(counts(state, "WI0000001")); /* the latest says */
    recognises(doj, state, "");
    cr_assert(counts(state, "WI0000001"));
    recognises(doj, state, ",'oris':['IL0160000']");
    cr_assert_not(counts(state, MINNEAPOLIS));
    cr_assert(counts(state, CHICAGO));
}

Test(recognition_scope, is_what_all_on_the_way_leave) {
    uint64_t first = recognises(doj, state, ",'roles':['court','post'],'states':['MN']");
    uint64_t second = recognises(state, agency, ",'roles':['oversight','post']");
    struct recognition_scope found = scope(agency, MINNEAPOLIS);
    cr_assert(found.counts);
    cr_assert_eq(roles(agency, MINNEAPOLIS), ROLE_POST);
    cr_assert_eq(found.depth, 2);
    cr_assert_eq(found.chain[0].log, state->log.number);
    cr_assert_eq(found.chain[0].index, second);
    cr_assert_eq(found.chain[1].log, doj->log.number);
    cr_assert_eq(found.chain[1].index, first);
    cr_assert_not(counts(agency, CHICAGO));
    cr_assert_eq(roles(state, MINNEAPOLIS), ROLE_COURT | ROLE_POST);
}

/* Its roots may enrol whom they like as a court: it is one of theirs alone. */
Test(recognition_scope, an_agency_makes_no_court) {
    recognises(doj, state, ",'roles':['court','oversight','post'],'states':['MN']");
    recognises(state, agency, ",'oris':['MN0271100']");
    several_accept(agency, world_enrol(&agency->world, WORLD_ROOT_1, WORLD_COURT));
    cr_assert(counts(agency, MINNEAPOLIS));
    cr_assert_eq(roles(agency, MINNEAPOLIS), 0);
    /* Nor by way of a log of its own making. */
    struct several_log *puppet = several_add_rooted(&s, "puppet.example/log");
    recognises(agency, puppet, ",'roles':['court','oversight','post']");
    cr_assert(counts(puppet, MINNEAPOLIS));
    cr_assert_eq(roles(puppet, MINNEAPOLIS), 0);
    cr_assert_not(counts(puppet, "MN0620900"));
}

/* A log that recognised another first, for agencies that are not its own to give, takes nothing
 * from those who may. */
Test(recognition_scope, recognitions_beyond_ones_bounds_are_not_looked_at) {
    struct several_log *other = several_add_rooted(&s, "illinois.example/log");
    recognises(doj, state, ",'states':['MN']");
    recognises(doj, other, ",'states':['IL']");
    recognises(other, agency, ",'oris':['MN0271100']");
    cr_assert_not(counts(agency, MINNEAPOLIS));
    recognises(other, agency, "");
    state->late_ms = 3600000;
    recognises(state, agency, ",'oris':['MN0271100'],'roles':['oversight']");
    struct recognition_scope found = scope(agency, MINNEAPOLIS);
    cr_assert(found.counts);
    cr_assert_eq(found.chain[0].log, state->log.number);
    cr_assert(counts(agency, CHICAGO)); /* which the state of Illinois may give */
    cr_assert_eq(scope(agency, CHICAGO).chain[0].log, other->log.number);
}

Test(recognition_scope, ends_with_a_withdrawal) {
    recognises(doj, state, "");
    uint64_t index = several_withdraw(doj, &state->world.log.vkey);
    struct recognition_scope found = scope(state, MINNEAPOLIS);
    cr_assert_not(found.counts);
    cr_assert(found.withdrawn);
    cr_assert_eq(found.withdrawal.log, doj->log.number);
    cr_assert_eq(found.withdrawal.index, index);
    cr_assert_eq(found.depth, 0); /* by an anchored log */
    struct world *w = &doj->world;
    several_refuse(doj,
                   world_aside(w, WORLD_ROOT_1, "recognition.withdrawn",
                               world_text(w, "{'log_vkey':'%s','reason':'ended'}",
                                          several_vkey(doj, &state->world.log.vkey))),
                   STATUS_BAD_MEMBER, "withdrew the recognition of state.example/log already");
    several_refuse(doj,
                   world_aside(w, WORLD_ROOT_1, "recognition.withdrawn",
                               world_text(w, "{'log_vkey':'%s','reason':'ended'}",
                                          several_vkey(doj, &agency->world.log.vkey))),
                   STATUS_BAD_MEMBER, "no entry of this log recognises agency.example/log");
    uint64_t again = recognises(doj, state, ",'states':['MN']");
    found = scope(state, MINNEAPOLIS);
    cr_assert(found.counts);
    cr_assert_eq(found.chain[0].index, again);
    cr_assert_not(found.withdrawn);
    /* As many entries as are named. */
    sizes[doj->log.number] = again;
    cr_assert(scope(state, MINNEAPOLIS).withdrawn);
    sizes[doj->log.number] = index;
    cr_assert(counts(state, CHICAGO));
    sizes[doj->log.number] = index - 1;
    cr_assert_not(counts(state, CHICAGO));
    cr_assert_not(scope(state, CHICAGO).withdrawn);
    sizes[doj->log.number] = 0;
    cr_assert_not(counts(doj, CHICAGO));
}

/* A withdrawal takes back what its own log gave, and nobody else's word. */
Test(recognition_scope, a_withdrawal_is_one_logs_word) {
    struct several_log *other = several_add_rooted(&s, "other.example/log");
    struct recognition_scope found;
    recognises(doj, state, "");
    recognises(state, agency, ",'oris':['MN0271100']");
    uint64_t index = several_withdraw(state, &agency->world.log.vkey);
    found = scope(agency, MINNEAPOLIS);
    cr_assert(found.withdrawn);
    cr_assert_eq(found.withdrawal.log, state->log.number);
    cr_assert_eq(found.withdrawal.index, index);
    cr_assert_eq(found.depth, 1); /* by which the state counts */
    cr_assert_eq(found.chain[0].log, doj->log.number);
    recognises(doj, agency, ",'oris':['MN0271100']");
    cr_assert(counts(agency, MINNEAPOLIS));
    index = several_withdraw(doj, &agency->world.log.vkey);
    found = scope(agency, MINNEAPOLIS);
    cr_assert(found.withdrawn);
    cr_assert_eq(found.withdrawal.log, doj->log.number); /* of two the nearest to the pin */
    cr_assert_eq(found.withdrawal.index, index);
    recognises(state, agency, ",'oris':['MN0271100']");
    cr_assert(counts(agency, MINNEAPOLIS));
    /* One that does not count withdraws nothing. */
    several_withdraw(state, &agency->world.log.vkey);
    several_withdraw(doj, &state->world.log.vkey);
    cr_assert_eq(scope(agency, MINNEAPOLIS).withdrawal.log, doj->log.number);
    recognises(agency, other, "");
    several_withdraw(agency, &other->world.log.vkey);
    cr_assert_not(scope(other, MINNEAPOLIS).withdrawn);
}

/* Whose bounds are narrower takes nothing from a log that another recognises, by recognising it
 * first or by a shorter way. */
Test(recognition_scope, no_recogniser_narrows_what_another_gives) {
    struct several_log *court = several_add_rooted(&s, "court.example/log");
    struct several_log *judiciary = several_add_rooted(&s, "judiciary.example/log");
    recognises(doj, agency, ",'oris':['MN0271100']");
    recognises(agency, court, ""); /* at depth 2, and before all others */
    recognises(agency, judiciary, "");
    several_withdraw(agency, &court->world.log.vkey);
    recognises(agency, court, "");
    cr_assert(counts(court, MINNEAPOLIS));
    cr_assert_eq(roles(court, MINNEAPOLIS), 0);
    doj->late_ms = state->late_ms = judiciary->late_ms = 86400000;
    recognises(doj, state, ",'roles':['court','oversight','post'],'states':['MN']");
    recognises(state, judiciary, ",'roles':['court','post']");
    recognises(judiciary, court, ",'roles':['court']");
    cr_assert_eq(roles(court, MINNEAPOLIS), ROLE_COURT);
    cr_assert_eq(scope_as(court, MINNEAPOLIS, ROLE_COURT).depth, 3);
    cr_assert_eq(scope_as(court, MINNEAPOLIS, ROLE_CLERK).depth, 2);
    several_withdraw(agency, &court->world.log.vkey);
    cr_assert_eq(roles(court, MINNEAPOLIS), ROLE_COURT);
    cr_assert(counts(court, MINNEAPOLIS));
    /* Nor a court, of what a POST signs. */
    struct several_log *other = several_add_rooted(&s, "other.example/log");
    recognises(doj, other, ",'roles':['court']");
    recognises(other, judiciary, ",'roles':['court']");
    cr_assert_eq(roles(judiciary, MINNEAPOLIS), ROLE_COURT | ROLE_POST);
    cr_assert_eq(roles(judiciary, CHICAGO), ROLE_COURT);
}

/* Where it was withdrawn in between, a recognition begins anew. */
Test(recognition_scope, the_first_to_begin_holds) {
    struct several_log *b = several_add_rooted(&s, "b.example/log");
    recognises(doj, state, "");
    recognises(doj, b, "");
    recognises(state, agency, "");
    b->late_ms = 3600000;
    recognises(b, agency, "");
    state->late_ms = 2 * 3600000;
    recognises(state, agency, ",'states':['MN']");
    cr_assert_eq(scope(agency, MINNEAPOLIS).chain[0].log, state->log.number);
    cr_assert_eq(scope(agency, CHICAGO).chain[0].log, b->log.number);
    several_withdraw(state, &agency->world.log.vkey);
    recognises(state, agency, "");
    cr_assert_eq(scope(agency, MINNEAPOLIS).chain[0].log, b->log.number);
}

/* A recognition under another key is of another log. */
Test(recognition_scope, is_of_the_key_that_is_held) {
    struct several_log *b = several_add_rooted(&s, "b.example/log");
    struct vkey other;
    recognises(doj, b, "");
    recognises(doj, state, "");
    CHECK_OK(
        vkey_make(bytes_text("agency.example/log"), VKEY_NOTE, &doj->world.log.vkey.key, &other));
    several_recognise(b, &other, "");
    cr_assert_not(counts(agency, MINNEAPOLIS));
    recognises(state, agency, "");
    cr_assert(counts(agency, MINNEAPOLIS));
}

/* A hostile log's many recognitions cost what its place allows, and take nothing from others. */
Test(recognition_scope, a_log_gives_so_many_places) {
    recognises(doj, state, "");
    for (unsigned i = 0; i < RECOGNISED_BELOW_MAX; i++) {
        char origin[40];
        snprintf(origin, sizeof origin, "made-up-%u.example/log", i);
        struct vkey vkey;
        CHECK_OK(vkey_make(bytes_text(origin), VKEY_NOTE, &state->world.log.vkey.key, &vkey));
        several_recognise(state, &vkey, i % 2 == 0 ? "" : ",'states':['MN','WI']");
    }
    recognises(state, agency, "");
    cr_assert_not(counts(agency, MINNEAPOLIS)); /* one too many */
    cr_assert(set->full);
    cr_assert_leq(set->looked, 1 + RECOGNISED_BELOW_MAX);
    recognises(doj, agency, ",'oris':['MN0271100']");
    cr_assert(counts(agency, MINNEAPOLIS));
    /* Only what may cover the agency is read, in whatever sort it is found. */
    recognises(doj, state, ",'states':['IL']");
    CHECK_OK(recognition_find(s.txn, &pin, 1, &(struct recognition_view){.ori = MINNEAPOLIS}, set));
    cr_assert_leq(set->looked, 3);
}

/* --- of any history, the same by all logs and by those of the way alone, and by the page --- */

#define LOGS 7
#define SAID 60

struct said {
    size_t by;
    size_t of;
    uint64_t index;
    uint64_t stamp_ms;
    bool withdrawn;
    bool any;     /* agency */
    char ori[10]; /* "": none */
    char state[3];
    uint32_t roles; /* named */
};

static struct said story[SAID];
static struct several_log *logs[LOGS];

/* What is needed of chance: the same on every machine. */
static uint32_t roll(uint32_t *seed, uint32_t below) {
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % below;
}

static void say(uint32_t *seed, struct said *one) {
    static const char *const roles[] = {"", ",'roles':['court']", ",'roles':['court','post']",
                                        ",'roles':['court','oversight','post']"};
    static const uint32_t bits[] = {0, ROLE_COURT, ROLE_COURT | ROLE_POST, RECOGNITION_ROLES};
    uint32_t role = roll(seed, 4);
    uint32_t what = roll(seed, 6);
    struct several_log *by = logs[one->by];
    by->late_ms += roll(seed, 3) * 60000; /* so that some stamps are the same in two logs */
    *one = (struct said){.by = one->by, .of = one->of, .index = by->next, .roles = bits[role]};
    one->stamp_ms = WORLD_TIME_MS + by->next * 60000 + by->late_ms;
    const struct vkey *of = &logs[one->of]->world.log.vkey;
    struct recognition last;
    bool there =
        recognition_get(s.txn, by->log.number, vkey_name(of), UINT64_MAX, &last) == STATUS_OK &&
        !last.withdrawn;
    if (what == 0 && there) {
        one->withdrawn = true;
        several_withdraw(by, of);
        return;
    }
    one->any = what < 4;
    memcpy(one->ori, what == 4 ? MINNEAPOLIS : "", what == 4 ? 10 : 1);
    memcpy(one->state, what == 5 ? "MN" : "", what == 5 ? 3 : 1);
    several_recognise(by, of,
                      world_text(&by->world, "%s%s", roles[role],
                                 what == 4   ? ",'oris':['" MINNEAPOLIS "']"
                                 : what == 5 ? ",'states':['MN']"
                                             : ""));
}

static const struct said *latest(size_t by, size_t of) {
    const struct said *found = NULL;
    for (size_t i = 0; i < SAID; i++) {
        if (story[i].by == by && story[i].of == of &&
            story[i].index < sizes[logs[by]->log.number]) {
            found = &story[i];
        }
    }
    return found;
}

/* The first since the last withdrawal. */
static const struct said *begin_of(size_t by, size_t of) {
    const struct said *found = NULL;
    for (size_t i = 0; i < SAID; i++) {
        if (story[i].by == by && story[i].of == of &&
            story[i].index < sizes[logs[by]->log.number]) {
            found = story[i].withdrawn ? NULL : found == NULL ? &story[i] : found;
        }
    }
    return found;
}

static bool covers(const struct said *one, const char *ori) {
    return one->any || memcmp(one->ori, ori, ORI_SIZE) == 0 || memcmp(one->state, ori, 2) == 0;
}

struct way {
    bool known;
    size_t depth;
    size_t parent;
    const struct said *by;
    const struct said *begin;
};

static bool before(const struct way *a, const struct way *b) {
    if (a->begin->stamp_ms != b->begin->stamp_ms) {
        return a->begin->stamp_ms < b->begin->stamp_ms;
    }
    return strcmp(logs[a->parent]->world.log.vkey.name, logs[b->parent]->world.log.vkey.name) < 0;
}

/* From the page alone: depth by depth, of each log the way that began first. */
static void model(const char *ori, uint32_t role, struct way ways[LOGS]) {
    memset(ways, 0, LOGS * sizeof ways[0]);
    ways[0].known = sizes[logs[0]->log.number] > 0;
    for (size_t depth = 0; depth < RECOGNITION_DEPTH_MAX; depth++) {
        for (size_t by = 0; by < LOGS; by++) {
            for (size_t of = 0; ways[by].known && ways[by].depth == depth && of < LOGS; of++) {
                const struct said *said = latest(by, of);
                bool good = said != NULL && !said->withdrawn && covers(said, ori) &&
                            (role & RECOGNITION_ROLES & ~said->roles) == 0 &&
                            sizes[logs[of]->log.number] > 0;
                if (!good || (ways[of].known && ways[of].depth <= depth)) {
                    continue;
                }
                struct way way = {.known = true,
                                  .depth = depth + 1,
                                  .parent = by,
                                  .by = said,
                                  .begin = begin_of(by, of)};
                if (!ways[of].known || before(&way, &ways[of])) {
                    ways[of] = way;
                }
            }
        }
    }
}

static void check_one(const char *ori, uint32_t role, size_t of, const struct way *way,
                      size_t *alone) {
    const struct recognition_scope whole = scope_as(logs[of], ori, role);
    uint64_t kept[SEVERAL_MAX + 1];
    cr_assert_eq(whole.counts, way->known);
    if (!whole.counts && !whole.withdrawn) {
        return;
    }
    if (whole.counts) {
        cr_assert_eq(whole.depth, way->depth);
        cr_assert(way->depth == 0 || (whole.chain[0].log == logs[way->parent]->log.number &&
                                      whole.chain[0].index == way->by->index));
    }
    memcpy(kept, sizes, sizeof kept);
    memset(sizes, 0, sizeof sizes);
    sizes[logs[of]->log.number] = kept[logs[of]->log.number];
    for (size_t i = 0; i < whole.depth; i++) {
        sizes[whole.chain[i].log] = kept[whole.chain[i].log];
    }
    if (whole.withdrawn) {
        sizes[whole.withdrawal.log] = kept[whole.withdrawal.log];
    }
    const struct recognition_scope few = scope_as(logs[of], ori, role);
    memcpy(sizes, kept, sizeof sizes);
    cr_assert_eq(memcmp(&few, &whole, sizeof few), 0, "log %zu", of);
    ++*alone;
}

Test(recognition_scope, hangs_on_the_logs_of_the_way_alone) {
    static const char *const names[] = {
        "doj.example/log", "state.example/log", "agency.example/log", "c.example/log",
        "b.example/log",   "a.example/log",     "z.example/log"};
    size_t alone = 0;
    size_t deepest = 0;
    for (uint32_t round = 1; round <= 60; round++) {
        uint32_t seed = round;
        several_close(&s);
        several_open(&s);
        for (size_t i = 0; i < LOGS; i++) {
            logs[i] = several_add_rooted(&s, names[i]);
        }
        for (size_t i = 0; i < SAID; i++) {
            story[i].by = roll(&seed, LOGS);
            story[i].of = (story[i].by + 1 + roll(&seed, LOGS - 1)) % LOGS;
            say(&seed, &story[i]);
        }
        for (size_t i = 0; i < LOGS; i++) {
            sizes[logs[i]->log.number] = roll(&seed, 4) == 0 ? roll(&seed, 12) : UINT64_MAX;
        }
        for (size_t i = 0; i < 12; i++) {
            const char *ori = (const char *const[]){MINNEAPOLIS, "MN0620900", CHICAGO}[i % 3];
            uint32_t role =
                (const uint32_t[]){ROLE_AGENCY, ROLE_COURT, ROLE_OVERSIGHT, ROLE_POST}[i / 3];
            struct way ways[LOGS];
            model(ori, role, ways);
            for (size_t of = 0; of < LOGS; of++) {
                if (sizes[logs[of]->log.number] > 0) {
                    check_one(ori, role, of, &ways[of], &alone);
                    deepest = ways[of].depth > deepest ? ways[of].depth : deepest;
                }
            }
        }
    }
    cr_assert_gt(alone, 100); /* so many were told by few logs */
    cr_assert_geq(deepest, 3);
}
