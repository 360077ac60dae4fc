/* Revocations over several logs: what each log says of a key, and whose word binds. */
#include "ledger/revocation.h"

#include "ledger/schema.h"
#include "ledger/store_memory.h"
#include "tests/lib/check.h"
#include "tests/lib/mirrored.h"

#include <criterion/criterion.h>
#include <string.h>

/* The agency's log, and the state's: the same people sign in both, the clerk only in the first. */
static struct world agency;
static struct world state;
static struct store *store;
static struct store_txn *txn;

struct place {
    struct world *world;
    struct log log;
    uint64_t next;
};
static struct place here;
static struct place there;

/* Judges a note as the next entry of a log, a minute after the one before. */
static uint64_t judge(struct place *place, struct bytes note, struct refusal *why) {
    struct judgement judgement;
    uint8_t memory[EVENT_SIZE_MAX + 64];
    struct writer w;
    uint64_t index = place->next++;
    writer_init(&w, memory, sizeof memory);
    entry_format(&w, WORLD_TIME_MS + index * 60000, note);
    judge_prepare(txn, &place->log, index, writer_view(&w), &judgement);
    CHECK_OK(judge_entry(txn, &place->log, &judgement));
    judgement_release(&judgement);
    enum status status = judge_verdict(txn, place->log.number, index, why);
    cr_assert(why->status == status);
    return index;
}

static uint64_t accept(struct place *place, struct bytes note) {
    struct refusal why = {.status = STATUS_OK};
    uint64_t index = judge(place, note, &why);
    cr_assert_eq(why.status, STATUS_OK, "%s", why.text);
    return index;
}

static void refused(struct place *place, struct bytes note, const char *says) {
    struct refusal why = {.status = STATUS_OK};
    judge(place, note, &why);
    cr_assert_eq(why.status, STATUS_BAD_MEMBER, "%s", why.text);
    cr_assert_not_null(strstr(why.text, says), "%s", why.text);
}

static void open_log(struct place *place, struct world *world, const char *origin) {
    world_init(world, origin);
    *place = (struct place){.world = world};
    CHECK_OK(logs_register(txn, &world->log.vkey, LOG_EVENTS, &place->log, NULL));
    accept(place, world_opened(world));
    accept(place, world_policy(world));
    accept(place, world_enrol(world, WORLD_ROOT_1, WORLD_AGENCY));
    accept(place, world_enrol(world, WORLD_ROOT_1, WORLD_COURT));
}

static void setup(void) {
    CHECK_OK(store_memory_open(NULL, &store));
    CHECK_OK(store_begin(store, STORE_WRITE, &txn));
    open_log(&here, &agency, "agency.example/log");
    open_log(&there, &state, "state.example/log");
    accept(&here, world_enrol(&agency, WORLD_AGENCY, WORLD_CLERK));
}

static void cleanup(void) {
    store_abort(txn);
    store_memory_close(store);
    world_release(&agency);
    world_release(&state);
}

TestSuite(revocation, .init = setup, .fini = cleanup);

/* A key.revoked in the state's log of somebody whom only the agency's log knows. */
static struct bytes foreign(enum world_who by, enum world_who whom, const char *more) {
    char vkey[VKEY_SIZE_MAX + 1];
    struct writer w;
    writer_init(&w, vkey, sizeof vkey - 1);
    vkey_format(&w, &agency.people[whom].vkey);
    vkey[w.len] = '\0';
    const char *open =
        world_text(&state, "{'key':'%s','vkey':'%s',%s}", world_name(&agency, whom), vkey, more);
    return world_event(&state,
                       &(struct world_event){.issuer = by, .kind = "key.revoked", .open = open});
}

static struct issuer issuer_here(enum world_who who) {
    struct issuer issuer;
    CHECK_OK(issuer_find(txn, here.log.number, bytes_text(world_name(&agency, who)), &issuer));
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
    CHECK_OK(revocation_each(txn, &agency.people[who].vkey.key, keep_row, &rows));
    return rows;
}

static bool binds(enum world_who who, const struct revocation *row) {
    struct issuer issuer = issuer_here(who);
    bool found = false;
    CHECK_OK(revocation_binds(txn, here.log.number, &issuer, row, &found));
    return found;
}

Test(revocation, of_ones_own_log_is_a_row_too) {
    cr_assert_eq(rows_of(WORLD_CLERK).count, 0);
    uint64_t index = accept(&here, world_revoke(&agency, WORLD_AGENCY, WORLD_CLERK));
    struct rows rows = rows_of(WORLD_CLERK);
    cr_assert_eq(rows.count, 1);
    cr_assert_eq(rows.list[0].log, here.log.number);
    cr_assert_eq(rows.list[0].index, index);
    cr_assert_eq(rows.list[0].stamp_ms, WORLD_TIME_MS + index * 60000);
    cr_assert_eq(rows.list[0].reason, REVOKED_LOST);
    cr_assert_eq(rows.list[0].since_ms, 0);
    cr_assert(binds(WORLD_CLERK, &rows.list[0]));
    cr_assert_not(binds(WORLD_AGENCY, &rows.list[0])); /* another key */
    cr_assert_not(revocation_doubts(&rows.list[0], UINT64_MAX));
    cr_assert_str_eq(revocation_reason_name(rows.list[0].reason), "lost");
}

Test(revocation, by_a_rotation_is_a_row_of_the_key_that_goes) {
    uint64_t index = accept(
        &here, world_event(&agency, &(struct world_event){.issuer = WORLD_AGENCY,
                                                          .kind = "key.rotated",
                                                          .open = world_rotate_open(
                                                              &agency, WORLD_CLERK, WORLD_NEWCOMER,
                                                              ",'since':'2025-12-01'")}));
    struct rows rows = rows_of(WORLD_CLERK);
    cr_assert_eq(rows.count, 1);
    cr_assert_eq(rows.list[0].index, index);
    cr_assert_eq(rows.list[0].since_ms, UINT64_C(1764547200000));
    cr_assert(binds(WORLD_CLERK, &rows.list[0]));
    cr_assert_eq(rows_of(WORLD_NEWCOMER).count, 0);
}

Test(revocation, of_another_logs_key_binds_by_its_enroller_or_a_root) {
    accept(&there,
           foreign(WORLD_AGENCY, WORLD_CLERK, "'reason':'compromised','since':'2025-12-01'"));
    accept(&there, foreign(WORLD_ROOT_3, WORLD_CLERK, "'reason':'left'"));
    struct rows rows = rows_of(WORLD_CLERK);
    cr_assert_eq(rows.count, 2);
    for (size_t i = 0; i < 2; i++) {
        cr_assert_eq(rows.list[i].log, there.log.number);
        cr_assert(binds(WORLD_CLERK, &rows.list[i]));
    }
    /* Its log knows nothing of it, and goes on. */
    cr_assert_eq(issuer_here(WORLD_CLERK).revoked_at, 0);
    accept(&here, world_sample(&agency, WORLD_CLERK, "failure.alleged"));
    const uint64_t day = UINT64_C(1764547200000); /* 2025-12-01 */
    cr_assert(revocation_doubts(&rows.list[0], day));
    cr_assert_not(revocation_doubts(&rows.list[0], day - 1));
    cr_assert_not(revocation_doubts(&rows.list[1], day));
}

Test(revocation, of_another_logs_key_by_anyone_else_is_heard_and_binds_nobody) {
    accept(&there, world_enrol_as(&state, WORLD_ROOT_1, WORLD_NEWCOMER, "agency", "[]", "['*']",
                                  "both", ""));
    accept(&there, foreign(WORLD_NEWCOMER, WORLD_CLERK, "'reason':'compromised'"));
    struct rows rows = rows_of(WORLD_CLERK);
    cr_assert_eq(rows.count, 1);
    cr_assert_not(binds(WORLD_CLERK, &rows.list[0]));
    cr_assert(revocation_doubts(&rows.list[0], 0)); /* without since: all of it, if it bound */
}

Test(revocation, never_binds_a_key_that_the_log_opened_with) {
    struct revocation row = {.key = agency.people[WORLD_ROOT_2].vkey.key,
                             .revoker = agency.people[WORLD_ROOT_1].vkey.key};
    cr_assert_not(binds(WORLD_ROOT_2, &row));
    row.key = agency.people[WORLD_OPERATOR].vkey.key;
    cr_assert_not(binds(WORLD_OPERATOR, &row));
}

Test(revocation, says_which_key_is_meant) {
    refused(&there,
            world_aside(&state, WORLD_ROOT_2, "key.revoked", "{'key':'clerk','reason':'lost'}"),
            "a key of another log is revoked with its vkey");
    refused(&there, foreign(WORLD_ROOT_1, WORLD_COURT, "'reason':'lost'"),
            "court is enrolled in this log: leave it out");
}

Test(revocation, is_corrupt_where_its_row_is) {
    struct bytes key;
    struct bytes value;
    struct key from;
    struct rows rows = {.count = 0};
    accept(&there, foreign(WORLD_AGENCY, WORLD_CLERK, "'reason':'left'"));
    key_start(&from, TABLE_REVOCATION);
    CHECK_OK(store_seek(txn, key_view(&from), &key, &value));
    uint8_t place[STORE_KEY_MAX];
    uint8_t changed[128];
    size_t place_len = key.len;
    size_t len = value.len;
    memcpy(place, key.data, place_len);
    memcpy(changed, value.data, len);
    changed[len - 1] = REVOCATION_REASONS;
    CHECK_OK(store_put(txn, bytes_of(place, place_len), bytes_of(changed, len)));
    CHECK_STATUS(revocation_each(txn, &agency.people[WORLD_CLERK].vkey.key, keep_row, &rows),
                 STATUS_STORE_CORRUPT);
    changed[len - 1] = REVOKED_LEFT;
    CHECK_OK(store_put(txn, bytes_of(place, place_len), bytes_of(changed, len - 1)));
    CHECK_STATUS(revocation_each(txn, &agency.people[WORLD_CLERK].vkey.key, keep_row, &rows),
                 STATUS_STORE_CORRUPT);
}
