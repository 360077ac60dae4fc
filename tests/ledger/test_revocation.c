/* Revocations over several logs: what each log says of a key, and whose word binds. */
#include "ledger/revocation.h"

#include "ledger/schema.h"
#include "tests/lib/check.h"
#include "tests/lib/keys.h"
#include "tests/lib/several.h"

#include <criterion/criterion.h>
#include <string.h>

/* The agency's log, and the state's: the same people sign in both, the clerk only in the first. */
static struct several s;
static struct several_log *here;
static struct several_log *there;

static void setup(void) {
    several_open(&s);
    here = several_add(&s, "agency.example/log");
    there = several_add(&s, "state.example/log");
    several_accept(here, world_enrol(&here->world, WORLD_AGENCY, WORLD_CLERK));
}

static void cleanup(void) {
    several_close(&s);
}

TestSuite(revocation, .init = setup, .fini = cleanup);

/* A key.revoked in the state's log of somebody whom only the agency's log knows. */
static struct bytes foreign(enum world_who by, enum world_who whom, const char *more) {
    struct world *w = &there->world;
    const char *open = world_text(w, "{'key':'%s','vkey':'%s',%s}", world_name(w, whom),
                                  several_vkey(there, &here->world.people[whom].vkey), more);
    return world_event(w, &(struct world_event){.issuer = by, .kind = "key.revoked", .open = open});
}

static struct issuer issuer_here(enum world_who who) {
    struct issuer issuer;
    CHECK_OK(
        issuer_find(s.txn, here->log.number, bytes_text(world_name(&here->world, who)), &issuer));
    return issuer;
}

#define ROWS_MAX 4
struct rows {
    struct revocation list[ROWS_MAX];
    size_t count;
};

static enum status keep_row(void *context, const struct revocation *row) {
    struct rows *rows = context;
    cr_assert_lt(rows->count, ROWS_MAX);
    rows->list[rows->count++] = *row;
    return STATUS_OK;
}

static struct rows rows_of(enum world_who who) {
    struct rows rows = {.count = 0};
    CHECK_OK(revocation_each(s.txn, &here->world.people[who].vkey.key, keep_row, &rows));
    return rows;
}

static bool binds(enum world_who who, const struct revocation *row) {
    struct issuer issuer = issuer_here(who);
    bool found = false;
    bool by_root = false;
    CHECK_OK(revocation_binds(s.txn, here->log.number, &issuer, row, &found, &by_root));
    return found;
}

Test(revocation, of_ones_own_log_is_a_row_too) {
    cr_assert_eq(rows_of(WORLD_CLERK).count, 0);
    uint64_t index = several_accept(here, world_revoke(&here->world, WORLD_AGENCY, WORLD_CLERK));
    struct rows rows = rows_of(WORLD_CLERK);
    cr_assert_eq(rows.count, 1);
    cr_assert_eq(rows.list[0].log, here->log.number);
    cr_assert_eq(rows.list[0].index, index);
    cr_assert_eq(rows.list[0].stamp_ms, WORLD_TIME_MS + index * 60000);
    cr_assert_eq(rows.list[0].reason, REVOKED_LOST);
    cr_assert_eq(rows.list[0].since_ms, 0);
    cr_assert(binds(WORLD_CLERK, &rows.list[0]));
    cr_assert_not(binds(WORLD_AGENCY, &rows.list[0])); /* another key */
    cr_assert_not(revocation_doubts(rows.list[0].reason, rows.list[0].since_ms, UINT64_MAX));
    cr_assert_str_eq(revocation_reason_name(rows.list[0].reason), "lost");
}

Test(revocation, by_a_rotation_is_a_row_of_the_key_that_goes) {
    uint64_t index = several_say(
        here, WORLD_AGENCY, "key.rotated",
        world_rotate_open(&here->world, WORLD_CLERK, WORLD_NEWCOMER, ",'since':'2025-12-01'"));
    struct rows rows = rows_of(WORLD_CLERK);
    cr_assert_eq(rows.count, 1);
    cr_assert_eq(rows.list[0].index, index);
    cr_assert_eq(rows.list[0].since_ms, UINT64_C(1764547200000));
    cr_assert(binds(WORLD_CLERK, &rows.list[0]));
    cr_assert_eq(rows_of(WORLD_NEWCOMER).count, 0);
}

Test(revocation, of_another_logs_key_binds_by_its_enroller_or_a_root) {
    several_accept(
        there, foreign(WORLD_AGENCY, WORLD_CLERK, "'reason':'compromised','since':'2025-12-01'"));
    several_accept(there, foreign(WORLD_ROOT_3, WORLD_CLERK, "'reason':'left'"));
    struct rows rows = rows_of(WORLD_CLERK);
    cr_assert_eq(rows.count, 2);
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(rows.list[i].log, there->log.number);
        cr_assert(binds(WORLD_CLERK, &rows.list[i]));
    }
    /* Its log knows nothing of it, and goes on. */
    cr_assert_eq(issuer_here(WORLD_CLERK).revoked_at, 0);
    several_accept(here, world_sample(&here->world, WORLD_CLERK, "failure.alleged"));
    const uint64_t day = UINT64_C(1764547200000); /* 2025-12-01 */
    cr_assert(revocation_doubts(rows.list[0].reason, rows.list[0].since_ms, day));
    cr_assert_not(revocation_doubts(rows.list[0].reason, rows.list[0].since_ms, day - 1));
    cr_assert_not(revocation_doubts(rows.list[1].reason, rows.list[1].since_ms, day));
}

Test(revocation, of_another_logs_key_by_anyone_else_is_heard_and_binds_nobody) {
    several_accept(there, world_enrol_as(&there->world, WORLD_ROOT_1, WORLD_NEWCOMER, "agency",
                                         "[]", "['*']", "both", ""));
    several_accept(there, foreign(WORLD_NEWCOMER, WORLD_CLERK, "'reason':'compromised'"));
    struct rows rows = rows_of(WORLD_CLERK);
    cr_assert_eq(rows.count, 1);
    cr_assert_not(binds(WORLD_CLERK, &rows.list[0]));
    cr_assert(revocation_doubts(rows.list[0].reason, rows.list[0].since_ms,
                                0)); /* without since: all of it, if it bound */
}

/* A third log, where another key stands in the place of root 3. */
static struct several_log *add_with_another_root(void) {
    struct several_log *log = &s.logs[s.count++];
    struct world *w = &log->world;
    world_init(w, "stranger.example/log");
    w->people[WORLD_ROOT_3] = test_signer("root-9", VKEY_NOTE);
    log->txn = s.txn;
    CHECK_OK(logs_register(s.txn, &w->log.vkey, LOG_EVENTS, &log->log, NULL));
    several_accept(log, world_opened(w));
    return log;
}

Test(revocation, by_a_root_of_the_log_in_which_it_stands_binds_in_that_log_alone) {
    there = add_with_another_root();
    several_accept(there, foreign(WORLD_ROOT_3, WORLD_CLERK, "'reason':'compromised'"));
    several_accept(there, foreign(WORLD_ROOT_1, WORLD_CLERK, "'reason':'compromised'"));
    struct rows rows = rows_of(WORLD_CLERK);
    cr_assert_eq(rows.count, 2);
    cr_assert_not(binds(WORLD_CLERK, &rows.list[0])); /* no root of the clerk's own log */
    cr_assert(binds(WORLD_CLERK, &rows.list[1]));
}

/* A root that was replaced speaks for its log no more, wherever it says it; who came in its place
 * speaks within the log. */
Test(revocation, by_a_root_that_was_replaced_binds_no_more) {
    struct world *w = &there->world;
    several_accept(there, world_enrol_as(w, WORLD_ROOT_1, WORLD_NEWCOMER, "agency", "[]", "['*']",
                                         "both", ""));
    several_accept(there, foreign(WORLD_ROOT_3, WORLD_CLERK, "'reason':'left'"));
    here->late_ms = 3600000;
    several_accept(here, world_sample(&here->world, WORLD_ROOT_1, "root.replaced"));
    there->late_ms = 2 * 3600000;
    several_accept(there, foreign(WORLD_ROOT_3, WORLD_CLERK, "'reason':'compromised'"));
    several_accept(there, foreign(WORLD_NEWCOMER, WORLD_CLERK, "'reason':'compromised'"));
    struct rows rows = rows_of(WORLD_CLERK);
    cr_assert_eq(rows.count, 3);
    cr_assert(binds(WORLD_CLERK, &rows.list[0]));
    cr_assert_not(binds(WORLD_CLERK, &rows.list[1]));
    cr_assert_not(binds(WORLD_CLERK, &rows.list[2]));
    several_accept(here, world_revoke(&here->world, WORLD_NEWCOMER, WORLD_CLERK));
    rows = rows_of(WORLD_CLERK);
    cr_assert_eq(rows.list[0].log, here->log.number);
    cr_assert(binds(WORLD_CLERK, &rows.list[0]));
}

Test(revocation, never_binds_a_key_that_the_log_opened_with) {
    struct revocation row = {.key = here->world.people[WORLD_ROOT_2].vkey.key,
                             .revoker = here->world.people[WORLD_ROOT_1].vkey.key};
    cr_assert_not(binds(WORLD_ROOT_2, &row));
    row.key = here->world.people[WORLD_OPERATOR].vkey.key;
    cr_assert_not(binds(WORLD_OPERATOR, &row));
}

Test(revocation, says_which_key_is_meant) {
    several_refuse(
        there,
        world_aside(&there->world, WORLD_ROOT_2, "key.revoked", "{'key':'clerk','reason':'lost'}"),
        STATUS_BAD_MEMBER, "a key of another log is revoked with its vkey");
    several_refuse(there, foreign(WORLD_ROOT_1, WORLD_COURT, "'reason':'lost'"), STATUS_BAD_MEMBER,
                   "court is enrolled in this log: leave it out");
}

static struct bytes again(enum world_who by, const char *more) {
    return world_aside(&here->world, by, "key.revoked",
                       world_text(&here->world, "{'key':'clerk',%s}", more));
}

/* A key that was rotated away, or retired, is found stolen later. */
Test(revocation, is_said_again_only_where_it_says_more) {
    uint64_t first = several_say(
        here, WORLD_AGENCY, "key.rotated",
        world_rotate_open(&here->world, WORLD_CLERK, WORLD_NEWCOMER, ",'since':'2025-12-01'"));
    several_refuse(here, again(WORLD_AGENCY, "'reason':'retired'"), STATUS_BAD_MEMBER,
                   "clerk is revoked already, by entry");
    several_refuse(here, again(WORLD_BOARD, "'reason':'compromised'"), STATUS_DENIED_SCOPE, "role");
    several_say(here, WORLD_AGENCY, "key.revoked",
                "{'key':'clerk','reason':'compromised','since':'2025-12-10'}");
    /* Whoever may: once more from the same day, from a later one, for another reason. */
    several_refuse(here, again(WORLD_AGENCY, "'reason':'compromised','since':'2025-12-10'"),
                   STATUS_BAD_MEMBER, "from an earlier day than before");
    /* A root's makes doubted, which an enroller's does not: also from a later day. */
    several_say(here, WORLD_ROOT_2, "key.revoked",
                "{'key':'clerk','reason':'compromised','since':'2025-12-11'}");
    several_refuse(here, again(WORLD_ROOT_1, "'reason':'compromised','since':'2025-12-11'"),
                   STATUS_BAD_MEMBER, "again only with the reason compromised");
    several_refuse(here, again(WORLD_ROOT_2, "'reason':'lost','since':'2025-11-01'"),
                   STATUS_BAD_MEMBER, "revoked already");
    several_say(here, WORLD_ROOT_2, "key.revoked", "{'key':'clerk','reason':'compromised'}");
    several_refuse(here, again(WORLD_ROOT_1, "'reason':'compromised','since':'2020-01-01'"),
                   STATUS_BAD_MEMBER, "revoked already");
    /* It lost its right by the first, and standing hears all four. */
    cr_assert_eq(issuer_here(WORLD_CLERK).revoked_at, first);
    struct rows rows = rows_of(WORLD_CLERK);
    cr_assert_eq(rows.count, 4);
    cr_assert_not(revocation_doubts(rows.list[0].reason, rows.list[0].since_ms, UINT64_MAX));
    cr_assert(
        revocation_doubts(rows.list[1].reason, rows.list[1].since_ms, UINT64_C(1765324800000)));
    cr_assert_not(
        revocation_doubts(rows.list[1].reason, rows.list[1].since_ms, UINT64_C(1765324800000) - 1));
    cr_assert(revocation_doubts(rows.list[3].reason, rows.list[3].since_ms, 0));
    /* A rotation is no second one. */
    several_refuse(here,
                   world_aside(&here->world, WORLD_AGENCY, "key.rotated",
                               world_rotate_open(&here->world, WORLD_CLERK, WORLD_STRANGER, "")),
                   STATUS_BAD_MEMBER, "revoked already, by entry");
}

Test(revocation, of_another_logs_key_is_not_repeated_by_one_revoker) {
    struct world *w = &there->world;
    several_accept(there, foreign(WORLD_AGENCY, WORLD_CLERK, "'reason':'left'"));
    const char *vkey = several_vkey(there, &here->world.people[WORLD_CLERK].vkey);
    const char *open = world_text(w, "{'key':'clerk','vkey':'%s','reason':'left'}", vkey);
    several_refuse(there, world_aside(w, WORLD_AGENCY, "key.revoked", open), STATUS_BAD_MEMBER,
                   "revoked already, by entry");
    /* Another revoker is not held to what this one said: whose word binds, the other log knows. */
    several_accept(there, foreign(WORLD_ROOT_1, WORLD_CLERK, "'reason':'left'"));
    several_accept(there, foreign(WORLD_AGENCY, WORLD_CLERK, "'reason':'compromised'"));
    cr_assert_eq(rows_of(WORLD_CLERK).count, 3);
}

/* A stolen key that says it from an earlier day each time makes everybody read no more for it. */
Test(revocation, of_another_logs_key_is_said_so_often_and_no_more) {
    struct world *w = &there->world;
    const char *vkey = several_vkey(there, &here->world.people[WORLD_CLERK].vkey);
    for (int day = 0; day <= REVOCATIONS_BY_ONE_MAX; day++) {
        const char *open =
            world_text(w, "{'key':'clerk','vkey':'%s','reason':'compromised','since':'2025-11-%d'}",
                       vkey, 28 - day);
        if (day < REVOCATIONS_BY_ONE_MAX) {
            several_say(there, WORLD_AGENCY, "key.revoked", open);
        } else {
            several_refuse(there, world_aside(w, WORLD_AGENCY, "key.revoked", open),
                           STATUS_BAD_MEMBER, "has revoked clerk 8 times");
        }
    }
    several_accept(there, foreign(WORLD_ROOT_1, WORLD_CLERK, "'reason':'compromised'"));
    struct event event;
    CHECK_OK(event_parse(foreign(WORLD_ROOT_2, WORLD_CLERK, "'reason':'lost'"), &event, NULL));
    for (uint64_t i = REVOCATIONS_BY_ONE_MAX + 1; i < REVOCATIONS_FOREIGN_MAX; i++) {
        CHECK_OK(revocation_put(s.txn, there->log.number, &event,
                                &here->world.people[WORLD_CLERK].vkey.key,
                                &w->people[WORLD_COURT].vkey.key, 1000 + i, WORLD_TIME_MS));
    }
    event_release(&event);
    w->last[WORLD_ROOT_2].seq = 0;
    several_refuse(there,
                   world_aside(w, WORLD_ROOT_3, "key.revoked",
                               world_text(w, "{'key':'clerk','vkey':'%s','reason':'lost'}", vkey)),
                   STATUS_BAD_MEMBER, "revokes clerk 256 times");
}

Test(revocation, is_corrupt_where_its_row_is) {
    struct bytes key;
    struct bytes value;
    struct key from;
    struct rows rows = {.count = 0};
    several_accept(there, foreign(WORLD_AGENCY, WORLD_CLERK, "'reason':'left'"));
    key_start(&from, TABLE_REVOCATION);
    CHECK_OK(store_seek(s.txn, key_view(&from), &key, &value));
    uint8_t place[STORE_KEY_MAX];
    uint8_t changed[128];
    size_t place_len = key.len;
    size_t len = value.len;
    memcpy(place, key.data, place_len);
    memcpy(changed, value.data, len);
    changed[len - 1] = REVOCATION_REASONS;
    CHECK_OK(store_put(s.txn, bytes_of(place, place_len), bytes_of(changed, len)));
    CHECK_STATUS(revocation_each(s.txn, &here->world.people[WORLD_CLERK].vkey.key, keep_row, &rows),
                 STATUS_STORE_CORRUPT);
    changed[len - 1] = REVOKED_LEFT;
    CHECK_OK(store_put(s.txn, bytes_of(place, place_len), bytes_of(changed, len - 1)));
    CHECK_STATUS(revocation_each(s.txn, &here->world.people[WORLD_CLERK].vkey.key, keep_row, &rows),
                 STATUS_STORE_CORRUPT);
}
