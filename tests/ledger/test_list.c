/* Cells in normal form, leaves, prefixes, and what an absence file's leaves prove. */
#include "ledger/absence.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const struct list_strips strips = {.patterns = {{(const uint8_t *)"##.", 3},
                                                       {(const uint8_t *)".", 1},
                                                       {(const uint8_t *)"NO:", 3}},
                                          .count = 3};

static void cell_is(const char *raw, const char *normal) {
    uint8_t memory[256];
    struct bytes cell = list_cell(bytes_text(raw), &strips, memory);
    cr_expect(bytes_equal(cell, bytes_text(normal)), "'%s' gives '%.*s', not '%s'", raw,
              (int)cell.len, (const char *)cell.data, normal);
}

Test(list, cells) {
    cell_is("", "");
    cell_is(" \t\n ", "");
    cell_is("a", "A");
    cell_is("  a \r\n b\t\tc ", "A B C");
    cell_is("\xc2\xa0x\xc2\x85y\x7f", "X Y");
    cell_is("caf\xc3\xa9", "CAF\xc3\xa9"); /* ASCII alone is raised */
    cell_is("01.failed", "FAILED");
    cell_is("01..failed", "FAILED");
    cell_is("01. 02. no: failed", "FAILED");
    cell_is("1.failed", "1.FAILED");
    cell_is("001.failed", "001.FAILED");
    cell_is("..", "");
    cell_is("no:  .. x", "X");
    cell_is("x no:", "X NO:");
}

static size_t make(char *out, size_t size, const char *key, const char *other) {
    struct bytes keys[2] = {bytes_text("OFF-1"), bytes_text(key)};
    struct bytes others[1] = {bytes_text(other)};
    struct writer w;
    writer_init(&w, out, size);
    list_leaf(&w, keys, 2, others, 1);
    cr_assert_not(w.failed);
    return w.len;
}

Test(list, leaves_and_prefixes) {
    char leaf[256];
    size_t len = make(leaf, sizeof leaf, "A \"B\\ ],[", "C");
    const char *text = "[[\"OFF-1\",\"A \\\"B\\\\ ],[\"],[\"C\"]]";
    cr_assert(bytes_equal(bytes_of(leaf, len), bytes_text(text)));
    struct bytes prefix = list_prefix(bytes_of(leaf, len));
    cr_expect_eq(prefix.len, strlen(text) - strlen("[\"C\"]]"));
    cr_expect_eq(list_leaf_check(bytes_of(leaf, len), NULL), STATUS_OK);
    static const char *const wrong[] = {
        "",          "[]", "[[],[]]",         "[[\"A\"]]",     "[[\"A\"],[1]]",
        "[[1],[]]",  "{}", "[[\"A\"],[],[]]", "[[\"A\"], []]", "[[\"A\"],\"B\"]",
        "[\"A\",[]]"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cr_expect_neq(list_leaf_check(bytes_text(wrong[i]), NULL), STATUS_OK, "%s", wrong[i]);
    }
    cr_expect_eq(list_leaf_check(bytes_text("[[\"A\"],[]]"), NULL), STATUS_OK);
}

/* --- absence: every small list, every key --- */

#define ROWS 7

struct small {
    char text[ROWS][64];
    struct bytes leaves[ROWS];
    struct hash hashes[ROWS];
    struct observed about;
};

/* Leaves of the keys B, D, F, ... (`step` letters apart), in order. */
static void small_list(struct small *list, size_t count, const char *observed) {
    memset(list, 0, sizeof *list);
    for (size_t i = 0; i < count; i++) {
        char key[2] = {(char)('B' + 2 * i), '\0'};
        list->leaves[i] =
            bytes_of(list->text[i], make(list->text[i], sizeof list->text[i], key, "SAID"));
        hash_leaf(list->leaves[i].data, list->leaves[i].len, &list->hashes[i]);
    }
    merkle_root_of(list->hashes, count, &list->about.root);
    if (count == 0) {
        hash_empty(&list->about.root);
    }
    list->about.count = count;
    snprintf(list->about.list, sizeof list->about.list, "nypd");
    snprintf(list->about.observed, sizeof list->about.observed, "%s", observed);
}

static void prove(const struct small *list, size_t index, struct absence_leaf *out) {
    struct merkle_plan plan;
    struct hash read[MERKLE_PLAN_MAX];
    merkle_inclusion_plan(index, list->about.count, &plan);
    for (size_t i = 0; i < plan.count; i++) {
        merkle_root_of(list->hashes + (plan.nodes[i].index << plan.nodes[i].level),
                       (size_t)1 << plan.nodes[i].level, &read[i]);
    }
    out->index = index;
    out->text = list->leaves[index];
    merkle_inclusion_prove(index, list->about.count, read, &out->proof);
}

Test(absence, only_true_neighbours_prove_it) {
    static struct small a, b;
    char key[2] = "A";
    size_t proved = 0;
    for (size_t count = 0; count <= ROWS; count++) {
        small_list(&b, count, "2023-09-20T00:00:00Z");
        for (key[0] = 'A'; key[0] < 'B' + 2 * ROWS; key[0]++) {
            bool there = (key[0] - 'B') % 2 == 0 && (size_t)(key[0] - 'B') / 2 < count;
            struct absence absence = {.around_count = 0};
            small_list(&a, 1, "2023-09-01T00:00:00Z");
            a.leaves[0] = bytes_of(a.text[0], make(a.text[0], sizeof a.text[0], key, "SAID"));
            hash_leaf(a.leaves[0].data, a.leaves[0].len, &a.hashes[0]);
            a.about.root = a.hashes[0];
            prove(&a, 0, &absence.row);
            struct observed lists[2] = {a.about, b.about};
            /* Every choice of none, one or two leaves: one of them proves it, if it is so. */
            size_t good = absence_check(&absence, lists, NULL) == STATUS_OK;
            for (size_t i = 0; i < count; i++) {
                absence.around_count = 1;
                prove(&b, i, &absence.around[0]);
                good += absence_check(&absence, lists, NULL) == STATUS_OK;
                absence.around_count = 2;
                for (size_t j = 0; j < count; j++) {
                    prove(&b, j, &absence.around[1]);
                    good += absence_check(&absence, lists, NULL) == STATUS_OK;
                }
            }
            cr_expect_eq(good, there ? 0 : 1, "%zu rows, key %s: %zu proofs", count, key, good);
            proved += good;
        }
    }
    cr_expect_gt(proved, 50);
}

Test(absence, lists_that_do_not_compare) {
    static struct small a, b;
    struct absence absence = {.around_count = 0};
    struct refusal why = {.text = ""};
    small_list(&a, 3, "2023-09-01T00:00:00Z");
    small_list(&b, 0, "2023-09-20T00:00:00Z");
    prove(&a, 1, &absence.row);
    struct observed lists[2] = {a.about, b.about};
    cr_assert_eq(absence_check(&absence, lists, &why), STATUS_OK, "%s", why.text);
    lists[1].keys.bytes[3] ^= 1;
    cr_expect_eq(absence_check(&absence, lists, &why), STATUS_BAD_MEMBER);
    lists[1] = b.about;
    lists[1].list[0] = 'x';
    cr_expect_eq(absence_check(&absence, lists, &why), STATUS_BAD_MEMBER);
    lists[1] = b.about;
    memcpy(lists[1].observed, lists[0].observed, sizeof lists[0].observed);
    cr_expect_eq(absence_check(&absence, lists, &why), STATUS_BAD_MEMBER);
    lists[1] = b.about;
    lists[0].root.bytes[0] ^= 1;
    cr_expect_eq(absence_check(&absence, lists, &why), STATUS_BAD_PROOF);
}

Test(absence, goes_round_and_no_shorter_form_is_read) {
    static struct small a, b;
    static uint8_t memory[8192], again[8192];
    struct absence absence = {.around_count = 2}, parsed;
    struct writer w, v;
    small_list(&a, 5, "2023-09-01T00:00:00Z");
    small_list(&b, 6, "2023-09-20T00:00:00Z");
    absence.receipts[0] = bytes_text("one\n");
    absence.receipts[1] = bytes_text("leaf two");
    prove(&a, 4, &absence.row);
    prove(&b, 1, &absence.around[0]);
    prove(&b, 2, &absence.around[1]);
    writer_init(&w, memory, sizeof memory);
    absence_format(&w, &absence);
    cr_assert_not(w.failed);
    cr_assert_eq(absence_parse(writer_view(&w), &parsed, NULL), STATUS_OK);
    writer_init(&v, again, sizeof again);
    absence_format(&v, &parsed);
    cr_assert(bytes_equal(writer_view(&w), writer_view(&v)));
    /* Cut at the end of a leaf it is another file of the form; nowhere else. */
    size_t whole = 0;
    for (size_t len = 0; len < w.len; len++) {
        if (absence_parse(bytes_of(memory, len), &parsed, NULL) == STATUS_OK) {
            writer_init(&v, again, sizeof again);
            absence_format(&v, &parsed);
            cr_assert_eq(v.len, len);
            whole++;
        }
    }
    cr_expect_eq(whole, 2);
}
