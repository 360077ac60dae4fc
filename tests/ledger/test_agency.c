/* Agencies: what is said of them in several logs, what they come to, and what a log that registers
 * some asks of every event. */
#include "ledger/agency.h"

#include "ledger/schema.h"
#include "tests/lib/check.h"
#include "tests/lib/several.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define ANY UINT64_MAX

static struct several s;
static struct several_log *state;
static struct several_log *doj;

static void setup(void) {
    several_open(&s);
    state = several_add(&s, "state.example/log");
    doj = several_add(&s, "doj.example/log");
}

static void cleanup(void) {
    several_close(&s);
}

TestSuite(agency, .init = setup, .fini = cleanup);

static void registers(struct several_log *log, const char *ori, const char *name,
                      const char *more) {
    several_say(
        log, WORLD_ROOT_1, "agency.registered",
        world_text(&log->world,
                   "{'name':'%s','officers':12,'ori':'%s','state':'MN','type':'municipal'%s}", name,
                   ori, more));
}

static void renames(struct several_log *log, const char *ori, const char *name, const char *from) {
    several_say(log, WORLD_ROOT_2, "agency.renamed",
                world_text(&log->world, "{'from':'%s','name':'%s','ori':'%s'}", from, name, ori));
}

static void merges(struct several_log *log, const char *ori, const char *into) {
    several_say(log, WORLD_ROOT_2, "agency.merged",
                world_text(&log->world, "{'from':'2024-07-01','into':'%s','ori':'%s'}", into, ori));
}

static const struct agency_sources all = {NULL, NULL};

static struct agency resolve(const char *ori, uint64_t day) {
    struct agency agency;
    CHECK_OK(agency_resolve(s.txn, &all, ori, day, &agency));
    return agency;
}

Test(agency, has_what_it_was_registered_with) {
    struct agency agency;
    CHECK_STATUS(agency_resolve(s.txn, &all, "MN0000001", ANY, &agency), STATUS_NOT_FOUND);
    registers(state, "MN0000001", "Aitkin Police", "");
    agency = resolve("MN0000001", 0);
    cr_assert(agency.registered);
    cr_assert_str_eq(agency.ori, "MN0000001");
    cr_assert_str_eq(agency.name, "Aitkin Police");
    cr_assert_str_eq(agency.state, "MN");
    cr_assert_str_eq(agency.type, "municipal");
    cr_assert_eq(agency.officers, 12);
    cr_assert_eq(agency.former_count, 0);
    cr_assert_str_empty(agency.into);
    CHECK_OK(agency_known(s.txn, state->log.number, "MN0000001"));
    CHECK_STATUS(agency_known(s.txn, doj->log.number, "MN0000001"), STATUS_NOT_FOUND);
}

/* Nobody reads on without end, and one look tells whether a log registers it. */
Test(agency, of_one_log_the_first_rows_count) {
    struct agency agency;
    struct agency_sources none = {NULL, NULL};
    for (int i = 0; i <= AGENCY_ROWS_MAX; i++) {
        char name[40];
        snprintf(name, sizeof name, "Name %d", i);
        renames(state, "MN0000001", name, "2021-05-01");
    }
    CHECK_STATUS(agency_known(s.txn, state->log.number, "MN0000001"), STATUS_NOT_FOUND);
    merges(state, "MN0000001", "MN0000002");
    registers(doj, "MN0000001", "By the DOJ", "");
    registers(state, "MN0000001", "By the state", "");
    CHECK_OK(agency_known(s.txn, state->log.number, "MN0000001"));
    CHECK_OK(agency_resolve(s.txn, &none, "MN0000001", ANY, &agency));
    cr_assert_str_eq(agency.name, "Name 255"); /* and what comes after it is looked at */
    cr_assert_str_eq(agency.into, "MN0000002");
    cr_assert(agency.registered);
}

#define DAY_2020 UINT64_C(18262) /* 2020-01-01 */

/* In whatever order they were logged: names hold from their day on. */
Test(agency, has_the_name_of_the_day) {
    registers(state, "MN0000001", "Aitkin Police", "");
    renames(state, "MN0000001", "Aitkin Public Safety", "2021-05-01");
    renames(state, "MN0000001", "Aitkin Constabulary", "2010-01-01");
    struct agency agency = resolve("MN0000001", ANY);
    cr_assert_str_eq(agency.name, "Aitkin Public Safety");
    cr_assert_eq(agency.former_count, 2);
    cr_assert_str_eq(agency.former[0], "Aitkin Police");
    cr_assert_str_eq(agency.former[1], "Aitkin Constabulary");
    cr_assert_str_eq(resolve("MN0000001", DAY_2020).name, "Aitkin Constabulary");
    cr_assert_str_eq(resolve("MN0000001", 100).name, "Aitkin Police");
    cr_assert_str_eq(resolve("MN0000001", 18747).name, "Aitkin Constabulary"); /* 2021-04-30 */
    cr_assert_str_eq(resolve("MN0000001", 18748).name, "Aitkin Public Safety");
}

/* The same question, the same day: the later in the order, by stamp, then by origin. */
Test(agency, believes_the_later_word) {
    registers(state, "MN0000001", "By the state", "");
    doj->late_ms = 3600000;
    registers(doj, "MN0000001", "By the DOJ", "");
    cr_assert_str_eq(resolve("MN0000001", ANY).name, "By the DOJ");
    cr_assert_str_eq(resolve("MN0000001", ANY).former[0], "By the state");
    state->late_ms = 2 * 3600000;
    registers(state, "MN0000001", "By the state again", "");
    cr_assert_str_eq(resolve("MN0000001", ANY).name, "By the state again");
}

Test(agency, of_one_stamp_the_order_is_by_origin) {
    registers(doj, "MN0000001", "By the DOJ", "");
    registers(state, "MN0000001", "By the state", ""); /* the same stamp */
    cr_assert_eq(doj->next, state->next);
    cr_assert_str_eq(resolve("MN0000001", ANY).name, "By the state");
}

/* Nor does what a POST signed. */
static enum status only_doj(void *context, struct store_txn *txn, uint32_t log, const char *ori,
                            uint32_t role, bool *out) {
    cr_assert_eq(memcmp(ori, "MN0000001", ORI_SIZE), 0);
    cr_assert_eq(context, &s);
    cr_assert_eq(txn, s.txn);
    *out = log == doj->log.number && role == ROLE_ROOT;
    return STATUS_OK;
}

Test(agency, counts_only_the_logs_that_count) {
    const struct agency_sources sources = {only_doj, &s};
    struct agency agency;
    registers(state, "MN0000001", "By the state", "");
    several_accept(doj, world_enrol(&doj->world, WORLD_ROOT_1, WORLD_POST));
    several_say(doj, WORLD_POST, "agency.registered",
                "{'name':'By a POST','officers':7,'ori':'MN0000001','state':'MN','type':'county'}");
    CHECK_STATUS(agency_resolve(s.txn, &sources, "MN0000001", ANY, &agency), STATUS_NOT_FOUND);
    registers(doj, "MN0000001", "By the DOJ", "");
    CHECK_OK(agency_resolve(s.txn, &sources, "MN0000001", ANY, &agency));
    cr_assert_str_eq(agency.name, "By the DOJ");
    cr_assert_eq(agency.former_count, 0);
}

Test(agency, is_followed_to_what_it_became_part_of) {
    registers(state, "MN0000001", "A", "");
    registers(state, "MN0000002", "B", "");
    registers(state, "MN0000003", "C", "");
    merges(state, "MN0000001", "MN0000002");
    struct agency agency = resolve("MN0000001", ANY);
    cr_assert_str_eq(agency.into, "MN0000002");
    cr_assert_str_eq(agency.goes_on, "MN0000002");
    merges(state, "MN0000002", "MN0000003");
    agency = resolve("MN0000001", ANY);
    cr_assert_str_eq(agency.into, "MN0000002");
    cr_assert_str_eq(agency.goes_on, "MN0000003");
    cr_assert_not(agency.cycle);
    cr_assert_str_empty(resolve("MN0000001", DAY_2020).into); /* not yet */
    merges(state, "MN0000003", "MN0000001");
    agency = resolve("MN0000001", ANY);
    cr_assert(agency.cycle);
    cr_assert_str_eq(agency.goes_on, "MN0000002");
}

Test(agency, keeps_the_last_of_many_names) {
    char name[32];
    char day[16];
    registers(state, "MN0000001", "Name 0", "");
    for (int i = 1; i <= 12; i++) {
        snprintf(name, sizeof name, "Name %d", i);
        snprintf(day, sizeof day, "2000-%02d-01", i);
        renames(state, "MN0000001", name, day);
    }
    struct agency agency = resolve("MN0000001", ANY);
    cr_assert_str_eq(agency.name, "Name 12");
    cr_assert_eq(agency.former_count, AGENCY_FORMER_MAX);
    cr_assert_str_eq(agency.former[0], "Name 4");
    cr_assert_str_eq(agency.former[7], "Name 11");
}

Test(agency, are_walked_in_the_order_of_their_oris) {
    char ori[ORI_SIZE + 1];
    CHECK_STATUS(agency_next(s.txn, "", ori), STATUS_NOT_FOUND);
    registers(doj, "MN0000002", "B", "");
    registers(state, "MN0000001", "A", "");
    registers(state, "MN0000002", "B", "");
    CHECK_OK(agency_next(s.txn, "", ori));
    cr_assert_str_eq(ori, "MN0000001");
    CHECK_OK(agency_next(s.txn, "MN00000010", ori));
    cr_assert_str_eq(ori, "MN0000002");
    CHECK_STATUS(agency_next(s.txn, "MN00000020", ori), STATUS_NOT_FOUND);
}

/* --- acceptance --- */

Test(agency, unknown_is_refused_where_any_is_registered) {
    struct world *w = &state->world;
    several_accept(state, world_sample(w, WORLD_BOARD, "finding.final")); /* none is: any may be */
    registers(state, "MN0000001", "A", "");
    several_refuse(state, world_aside(w, WORLD_BOARD, "finding.final", NULL), STATUS_BAD_MEMBER,
                   "member ori: " WORLD_ORI " is none of the 1 agencies that this log registers");
    several_refuse(state,
                   world_aside(w, WORLD_ROOT_2, "agency.merged",
                               "{'from':'2024-07-01','into':'MN0000009','ori':'MN0000001'}"),
                   STATUS_BAD_MEMBER, "member into: MN0000009");
    several_refuse(state,
                   world_aside(w, WORLD_ROOT_2, "agency.renamed",
                               "{'from':'2024-07-01','name':'X','ori':'MN0000009'}"),
                   STATUS_BAD_MEMBER, "have it registered first");
    registers(state, WORLD_ORI, "B", "");
    several_accept(state, world_sample(w, WORLD_BOARD, "finding.final"));
    /* Another log's registrations ask nothing of this one. */
    several_accept(doj, world_sample(&doj->world, WORLD_BOARD, "finding.final"));
}

Test(agency, is_corrupt_where_a_row_is) {
    struct bytes key;
    struct bytes value;
    struct key from;
    struct agency agency;
    uint8_t place[STORE_KEY_MAX];
    uint8_t changed[512];
    registers(state, "MN0000001", "A", "");
    key_start(&from, TABLE_AGENCY);
    CHECK_OK(store_seek(s.txn, key_view(&from), &key, &value));
    size_t place_len = key.len;
    size_t len = value.len;
    memcpy(place, key.data, place_len);
    memcpy(changed, value.data, len);
    for (size_t cut = 0; cut < len; cut++) { /* the name is its last byte */
        CHECK_OK(store_put(s.txn, bytes_of(place, place_len), bytes_of(changed, cut)));
        CHECK_STATUS(agency_resolve(s.txn, &all, "MN0000001", ANY, &agency), STATUS_STORE_CORRUPT);
    }
    CHECK_OK(store_put(s.txn, bytes_of(place, place_len), bytes_of(changed, len)));
    CHECK_OK(agency_resolve(s.txn, &all, "MN0000001", ANY, &agency));
    place[1 + ORI_SIZE + 4] = 6; /* no such sort of row */
    CHECK_OK(store_put(s.txn, bytes_of(place, place_len), bytes_of(changed, len)));
    CHECK_STATUS(agency_resolve(s.txn, &all, "MN0000001", ANY, &agency), STATUS_STORE_CORRUPT);
}
