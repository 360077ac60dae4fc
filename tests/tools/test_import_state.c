/* What an import remembers: over a closing and over one that was no closing; batches, rows, handles
 * and the numbers of parties. */
#include "tests/lib/folder.h"
#include "tools/import_state.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct folder home;
static char folder[600];
static struct import_state *state;
static struct refusal why;
static const uint8_t table[IMPORT_TABLE_SIZE] = {1, 2, 3};

static enum status open_state(const char *issuer) {
    return import_state_open(folder, bytes_text(issuer), bytes_text("log.example"), &state, &why);
}

static void reopen(void) {
    import_state_close(state);
    cr_assert_eq(open_state("clerk"), STATUS_OK, "%s", why.text);
}

static void start(void) {
    folder_make(&home);
    snprintf(folder, sizeof folder, "%s/state", home.path);
    cr_assert_eq(open_state("clerk"), STATUS_OK, "%s", why.text);
}

static void stop(void) {
    import_state_close(state);
    folder_remove(&home);
}

static void put(uint64_t seq, const char *note, const char *body) {
    cr_assert_eq(import_state_put_event(state, seq, bytes_text(note), bytes_text(body)), STATUS_OK);
}

static void expect_event(uint64_t seq, const char *note, const char *body) {
    struct bytes n, b;
    cr_assert_eq(import_state_event(state, seq, &n, &b), STATUS_OK, "seq %d", (int)seq);
    cr_expect(bytes_equal(n, bytes_text(note)));
    cr_expect(bytes_equal(b, bytes_text(body)));
}

Test(import_state, batches, .init = start, .fini = stop) {
    struct bytes n, b;
    put(5, "five", "body 5");
    put(6, "six", "");
    cr_assert_eq(import_state_commit(state, &why), STATUS_OK);
    put(7, "seven", "body 7");
    cr_assert_eq(import_state_commit(state, &why), STATUS_OK);
    put(8, "lost", "");
    reopen();
    expect_event(5, "five", "body 5");
    expect_event(6, "six", "");
    expect_event(7, "seven", "body 7");
    cr_expect_eq(import_state_event(state, 4, &n, &b), STATUS_NOT_FOUND);
    cr_expect_eq(import_state_event(state, 8, &n, &b), STATUS_NOT_FOUND);
}

Test(import_state, belongs_to_one_log_and_key, .init = start, .fini = stop) {
    struct import_state *other = NULL;
    import_state_close(state);
    state = NULL;
    cr_expect_eq(open_state("another"), STATUS_DENIED_KEY);
    cr_expect(strstr(why.text, "clerk") != NULL, "%s", why.text);
    cr_assert_eq(open_state("clerk"), STATUS_OK);
    cr_expect_eq(
        import_state_open(folder, bytes_text("clerk"), bytes_text("log.example"), &other, &why),
        STATUS_STORE_IN_USE);
}

Test(import_state, rows, .init = start, .fini = stop) {
    struct import_row_id a = {.key = {1}, .content = {1}}, b = {.key = {1}, .content = {2}};
    struct import_row_id none = {.key = {3}};
    struct import_row row = {.handle = {9}, .subject = 4, .count = 2};
    struct import_row found;
    struct import_row_id *ids = NULL;
    size_t count = 0;
    snprintf(row.made[0].name, sizeof row.made[0].name, "finding.final");
    snprintf(row.made[1].name, sizeof row.made[1].name, "discipline.imposed second");
    row.made[0].seq = 1;
    row.made[1].seq = UINT64_C(1) << 40;
    cr_assert_eq(import_state_put_row(state, table, &b, &row), STATUS_OK);
    cr_assert_eq(import_state_put_row(state, table, &a, &row), STATUS_OK);
    row.count = 0; /* it has its number, and made nothing yet */
    cr_assert_eq(import_state_put_row(state, table, &none, &row), STATUS_OK);
    cr_assert_eq(import_state_put_row(state, (const uint8_t[IMPORT_TABLE_SIZE]){1, 2, 4}, &a, &row),
                 STATUS_OK);
    cr_assert_eq(import_state_commit(state, &why), STATUS_OK);
    reopen();
    cr_assert_eq(import_state_row(state, table, &a, &found), STATUS_OK);
    cr_expect_eq(found.count, 2);
    cr_expect_str_eq(found.made[1].name, "discipline.imposed second");
    cr_expect_eq(found.made[1].seq, UINT64_C(1) << 40);
    cr_expect_eq(found.subject, 4);
    cr_assert_eq(import_state_row(state, table, &none, &found), STATUS_OK);
    cr_expect_eq(found.count, 0);
    cr_assert_eq(import_state_rows(state, table, &ids, &count), STATUS_OK);
    cr_assert_eq(count, 2);
    cr_expect(memcmp(&ids[0], &a, sizeof a) == 0 && memcmp(&ids[1], &b, sizeof b) == 0);
    free(ids);
}

static void commit_three(void) {
    put(1, "one", "");
    put(2, "two", "body 2");
    cr_assert_eq(import_state_commit(state, &why), STATUS_OK);
    put(3, "three", "");
    put(4, "four", "");
    put(5, "five", "");
    cr_assert_eq(import_state_commit(state, &why), STATUS_OK);
    put(6, "six", "");
    cr_assert_eq(import_state_commit(state, &why), STATUS_OK);
}

Test(import_state, withdrawing, .init = start, .fini = stop) {
    static const uint8_t later[IMPORT_TABLE_SIZE] = {9};
    struct import_row_id a = {.key = {1}}, b = {.key = {2}}, found = {.key = {0}};
    struct import_row row = {.handle = {7}, .subject = 2, .count = 2};
    char name[IMPORT_NAME_MAX + 1];
    uint8_t in[IMPORT_TABLE_SIZE];
    struct bytes n, body;
    uint64_t count = 0;
    snprintf(row.made[0].name, sizeof row.made[0].name, "finding.final");
    snprintf(row.made[1].name, sizeof row.made[1].name, "discipline.imposed");
    row.made[0].seq = 3;
    row.made[1].seq = 4;
    cr_assert_eq(import_state_put_row(state, table, &a, &row), STATUS_OK);
    row.made[0].seq = 5;
    row.made[1].seq = 6;
    cr_assert_eq(import_state_put_row(state, later, &b, &row), STATUS_OK);
    commit_three();
    put(7, "lost", "");
    cr_assert_eq(import_state_maker(state, 6, in, &found, name), STATUS_OK);
    cr_expect(memcmp(&found, &b, sizeof b) == 0 && memcmp(in, later, sizeof in) == 0);
    cr_expect_str_eq(name, "discipline.imposed");
    cr_expect_eq(import_state_maker(state, 2, in, &found, name), STATUS_NOT_FOUND);
    cr_assert_eq(import_state_withdraw(state, 4, &count, &why), STATUS_OK, "%s", why.text);
    cr_expect_eq(count, 3);
    reopen();
    expect_event(2, "two", "body 2");
    expect_event(3, "three", "");
    for (uint64_t seq = 4; seq <= 7; seq++) {
        cr_expect_eq(import_state_event(state, seq, &n, &body), STATUS_NOT_FOUND);
    }
    cr_assert_eq(import_state_row(state, table, &a, &row), STATUS_OK);
    cr_expect(row.count == 1 && row.made[0].seq == 3 && row.subject == 2 && row.handle[0] == 7);
    cr_assert_eq(import_state_row(state, later, &b, &row), STATUS_OK);
    cr_expect_eq(row.count, 0);
    put(4, "another", ""); /* the same number again */
    cr_assert_eq(import_state_commit(state, &why), STATUS_OK);
    expect_event(3, "three", "");
    expect_event(4, "another", "");
    cr_assert_eq(import_state_withdraw(state, 1, &count, &why), STATUS_OK);
    cr_expect_eq(count, 4);
    cr_assert_eq(import_state_withdraw(state, 1, &count, &why), STATUS_OK);
    cr_expect_eq(count, 0);
}

Test(import_state, handles_and_numbers, .init = start, .fini = stop) {
    const uint8_t one[IMPORT_ID_SIZE] = {1}, two[IMPORT_ID_SIZE] = {2};
    const uint8_t who[IMPORT_ID_SIZE] = {7}, whom[IMPORT_ID_SIZE] = {8};
    uint8_t first[IMPORT_HANDLE_SIZE], again[IMPORT_HANDLE_SIZE], other[IMPORT_HANDLE_SIZE];
    uint32_t n = 0;
    cr_assert_eq(import_state_case(state, one, first), STATUS_OK);
    cr_assert_eq(import_state_case(state, two, other), STATUS_OK);
    cr_expect(memcmp(first, other, sizeof first) != 0);
    cr_assert_eq(import_state_subject(state, one, who, &n), STATUS_OK);
    cr_expect_eq(n, 1);
    cr_assert_eq(import_state_subject(state, one, NULL, &n), STATUS_OK);
    cr_expect_eq(n, 2);
    cr_assert_eq(import_state_commit(state, &why), STATUS_OK);
    reopen();
    cr_assert_eq(import_state_case(state, one, again), STATUS_OK);
    cr_expect(memcmp(first, again, sizeof first) == 0);
    cr_assert_eq(import_state_subject(state, one, who, &n), STATUS_OK);
    cr_expect_eq(n, 1);
    cr_assert_eq(import_state_subject(state, one, whom, &n), STATUS_OK);
    cr_expect_eq(n, 3);
    for (uint32_t i = 4; i <= 999; i++) {
        cr_assert_eq(import_state_subject(state, one, NULL, &n), STATUS_OK);
        cr_assert_eq(n, i);
    }
    cr_expect_eq(import_state_subject(state, one, NULL, &n), STATUS_TOO_LARGE);
    cr_expect_eq(import_state_subject(state, one, whom, &n), STATUS_OK);
}
