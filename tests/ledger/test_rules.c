/* The kinds table that a log is under: who may put it under a newer one, and what a build does that
 * lacks it. That a build which has it goes on is tests/integration/test_rules.py. */
#include "ledger/kind_page.h"
#include "ledger/rules.h"
#include "tests/lib/check.h"
#include "tests/lib/events.h"
#include "tests/lib/hosted.h"
#include "tests/lib/mirrored.h"

#include <criterion/criterion.h>
#include <string.h>

static struct hosted h;
static struct world *w;

static void open_started(void) {
    hosted_open(&h);
    w = &h.world;
    hosted_start(&h);
}

static void close_all(void) {
    hosted_close(&h);
}

TestSuite(rules, .init = open_started, .fini = close_all);

static struct rules in_force(struct store *store, uint32_t log) {
    struct store_txn *txn;
    struct rules rules;
    CHECK_OK(store_begin(store, STORE_READ, &txn));
    CHECK_OK(rules_in_force(txn, log, &rules));
    store_abort(txn);
    return rules;
}

static const char *activation(unsigned table, const char *hash) {
    return world_text(w, "{'hash':'%s','table':%u}", hash, table);
}

Test(rules, a_log_is_under_table_1_from_its_opening) {
    struct rules rules = in_force(h.store, h.log.number);
    cr_assert_eq(rules.table, 1);
    cr_assert_eq(rules.since, 0);
    cr_assert(rules_known(&rules));
    cr_assert_eq(rules_newest(), KIND_TABLE_NUMBER);
}

Test(rules, a_tables_hash_is_that_of_its_page) {
    static uint8_t memory[KIND_PAGE_MAX];
    struct writer writer;
    struct hash page;
    struct hash again;
    writer_init(&writer, memory, sizeof memory);
    kind_page_write(&writer, 1);
    cr_assert_not(writer.failed);
    hash_of(memory, writer.len, &page);
    rules_hash(1, &again);
    cr_assert(hash_equal(&page, &again));
    rules_hash(1, &again);
    cr_assert(hash_equal(&page, &again));
}

Test(rules, a_host_activates_no_table_that_it_lacks) {
    hosted_refuse(&h, world_aside(w, WORLD_ROOT_1, "rules.activated", activation(2, HASH_A)),
                  STATUS_BAD_MEMBER, "member table: this node has kinds table 1, and not 2");
    struct rules rules = in_force(h.store, h.log.number);
    cr_assert_eq(rules.table, 1);
    events_setup();
    refuse_changed(KIND_RULES_ACTIVATED, "\"table\":2", "\"table\":1", STATUS_BAD_MEMBER,
                   "table must be from 2 on");
}

Test(rules, another_table_of_that_number_is_not_known) {
    struct rules rules = {.table = 1};
    cr_assert(rules_known(&rules)); /* whatever hash: no event names the first */
    rules.table = KIND_TABLE_NUMBER + 1;
    cr_assert_not(rules_known(&rules));
}

/* A mirror of a log whose host has a newer build. */
static struct entries entries;

static void mirror_newer(struct mirrored *m) {
    entries_init(&entries, w);
    struct world again;
    world_init(&again, "agency.example/log");
    entries.world = &again;
    entries_start(&entries);
    entries_note(&entries, world_sample(&again, WORLD_CLERK, "failure.alleged"));
    entries_note(&entries, world_aside(&again, WORLD_CLERK, "rules.activated",
                                       activation(2, HASH_A))); /* not the authority */
    entries_note(&entries,
                 world_event(&again, &(struct world_event){.issuer = WORLD_ROOT_1,
                                                           .kind = "rules.activated",
                                                           .open = activation(3, HASH_A)}));
    entries_note(&entries, world_sample(&again, WORLD_CLERK, "finding.final"));
    entries_raw(&entries, bytes_text("no entry"));
    mirrored_open(m, &entries);
}

Test(rules, a_mirror_judges_as_far_as_it_has_the_table) {
    struct mirrored m;
    struct store_txn *txn;
    struct refusal why;
    mirror_newer(&m);
    cr_assert_eq(entries.count, WORLD_START + 5);
    for (size_t i = 0; i < 3; i++) { /* prepared or not, in one go or several */
        cr_assert_eq(mirrored_judge(&m, &entries, entries.count, i == 0 ? 9 : SIZE_MAX, 4 * i),
                     i == 0 ? WORLD_START + 2 : WORLD_START + 3);
    }
    struct rules rules = in_force(m.store, m.log.number);
    cr_assert_eq(rules.table, 3);
    cr_assert_eq(rules.since, WORLD_START + 2);
    cr_assert_not(rules_known(&rules));
    CHECK_OK(store_begin(m.store, STORE_READ, &txn));
    CHECK_STATUS(judge_verdict(txn, m.log.number, WORLD_START + 1, &why), STATUS_DENIED_SCOPE);
    CHECK_OK(judge_verdict(txn, m.log.number, WORLD_START + 2, &why));
    CHECK_OK(judge_verdict(txn, m.log.number, WORLD_START + 4, &why)); /* no verdict */
    CHECK_STATUS(rules_check(txn, &m.log, &why), STATUS_UNJUDGED);
    cr_assert_not_null(strstr(why.text, "entry 9 put this log under kinds table 3, and this build "
                                        "has table 1"));
    store_abort(txn);
    mirrored_close(&m);
}
