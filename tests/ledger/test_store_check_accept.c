/* Judging anew what a store holds: the tables of acceptance are found sound, or what was done to
 * them is found. */
#include "ledger/case_index.h"
#include "ledger/schema.h"
#include "ledger/store_check_log.h"
#include "tests/lib/check.h"
#include "tests/lib/hosted.h"
#include "tests/lib/mirrored.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define ALL SIZE_MAX

static struct store_check check;
static char findings[4096];

static void found(void *context, const struct refusal *why) {
    (void)context;
    size_t len = strlen(findings);
    snprintf(findings + len, sizeof findings - len, "%s\n", why->text);
}

/* In pieces of a few entries, as threads would, and with what the whole log holds. */
static enum status replay_all(struct store_txn *txn, const struct log *log, uint64_t size,
                              struct store *scratch, bool signatures) {
    static struct replay_entry entries[7];
    struct store_replay replay;
    enum status status = store_replay_begin(&replay, &check, txn, log, size, scratch, signatures);
    cr_assert_eq(status, STATUS_OK);
    while (status == STATUS_OK && replay.next < replay.end) {
        uint64_t to = replay.end - replay.next < 7 ? replay.end : replay.next + 7;
        size_t count = (size_t)(to - replay.next);
        status = store_replay_prepare(&replay, txn, replay.next, to, entries);
        if (status == STATUS_OK) {
            status = store_replay_apply(&replay, entries, count);
            for (size_t i = 0; i < count; i++) {
                replay_entry_release(&entries[i]);
            }
        }
    }
    status = store_replay_end(&replay, status);
    if (status == STATUS_OK) {
        status = store_check_shared(&check, txn, &replay.shared, 1);
    }
    return status;
}

/* How many findings; their text is in `findings`. */
static uint64_t count_findings(struct store *store, const struct log *log, bool signatures) {
    struct store *scratch;
    struct store_txn *txn;
    struct tree_head head;
    check = (struct store_check){.finding = found};
    findings[0] = '\0';
    CHECK_OK(store_memory_open(NULL, &scratch));
    CHECK_OK(store_begin(store, STORE_READ, &txn));
    CHECK_OK(tree_read_head(txn, log->number, &head));
    CHECK_OK(replay_all(txn, log, head.size, scratch, signatures));
    store_abort(txn);
    store_memory_close(scratch);
    return check.stats.findings;
}

static void sound(struct store *store, const struct log *log) {
    for (int signatures = 0; signatures < 2; signatures++) {
        cr_assert_eq(count_findings(store, log, signatures != 0), 0, "%s", findings);
    }
}

/* A hosted log with a bit of everything. */
static void host(struct hosted *h) {
    struct world *w = &h->world;
    hosted_open(h);
    sound(h->store, &h->log);
    hosted_start(h);
    hosted_accept(h, world_closed_sample(w, WORLD_CLERK, "failure.alleged"));
    hosted_accept(h, world_sample(w, WORLD_CLERK, "event.opened"));
    h->now_ms += 1000;
    hosted_accept(h, world_sample(w, WORLD_BOARD, "finding.final"));
    hosted_accept(h, world_revoke(w, WORLD_AGENCY, WORLD_CLERK));
    hosted_accept(h, world_sample(w, WORLD_ROOT_1, "agency.registered"));
    hosted_accept(h, world_sample(w, WORLD_ROOT_1, "log.recognised"));
    hosted_accept(h, world_sample(w, WORLD_ROOT_1, "log.succeeded"));
}

Test(store_check_accept, finds_a_good_log_sound) {
    struct hosted h;
    host(&h);
    sound(h.store, &h.log);
    hosted_close(&h);
}

Test(store_check_accept, finds_every_change_to_its_tables) {
    static const uint8_t tables[] = {
        TABLE_ACCEPT,     TABLE_ISSUER,     TABLE_ISSUER_NAME, TABLE_SEQUENCE, TABLE_POLICY,
        TABLE_SUCCESSION, TABLE_REVOCATION, TABLE_CASE,        TABLE_AGENCY,   TABLE_RECOGNITION};
    struct hosted h;
    host(&h);
    for (size_t t = 0; t < sizeof tables; t++) {
        struct key prefix;
        key_start(&prefix, (enum table)tables[t]);
        if (table_of_log(tables[t])) {
            key_u32(&prefix, h.log.number);
        }
        struct key at = prefix;
        for (size_t row = 0;; row++) {
            struct store_txn *txn;
            struct bytes key;
            struct bytes value;
            uint8_t changed[512];
            uint8_t kept[512];
            CHECK_OK(store_begin(h.store, STORE_WRITE, &txn));
            enum status status = store_seek(txn, key_view(&at), &key, &value);
            if (status != STATUS_OK || memcmp(key.data, prefix.data, prefix.len) != 0) {
                cr_assert_gt(row, 0);
                store_abort(txn);
                break;
            }
            memcpy(at.data, key.data, key.len);
            at.len = key.len;
            size_t len = value.len;
            memcpy(kept, value.data, len);
            memcpy(changed, value.data, len);
            changed[len] = 'x';
            changed[len > 0 ? len - 1 : 0] ^= 1;
            /* The last byte another one, a byte more, and the row gone. */
            for (int how = 0; how < 3; how++) {
                if (how < 2) {
                    CHECK_OK(store_put(txn, key_view(&at),
                                       bytes_of(changed, len + (how == 1 || len == 0))));
                } else {
                    CHECK_OK(store_remove(txn, key_view(&at)));
                }
                CHECK_OK(store_commit(txn));
                cr_assert_eq(count_findings(h.store, &h.log, false), 1, "table %c row %zu: %s",
                             tables[t], row, findings);
                CHECK_OK(store_begin(h.store, STORE_WRITE, &txn));
            }
            CHECK_OK(store_put(txn, key_view(&at), bytes_of(kept, len)));
            CHECK_OK(store_commit(txn));
            at.data[at.len++] = 0;
        }
    }
    sound(h.store, &h.log);
    hosted_close(&h);
}

Test(store_check_accept, finds_a_row_of_a_case_that_no_entry_makes) {
    struct hosted h;
    struct store_txn *txn;
    host(&h);
    const struct event_about about = {.has_named = true, .named.bytes = {1}};
    struct issuer issuer;
    CHECK_OK(store_begin(h.store, STORE_WRITE, &txn));
    CHECK_OK(issuer_by_number(txn, h.log.number, 1, &issuer));
    CHECK_OK(case_index_put(txn, h.log.number, &issuer, &about, 3, WORLD_TIME_MS));
    CHECK_OK(store_commit(txn));
    cr_assert_eq(count_findings(h.store, &h.log, false), 1);
    cr_assert_not_null(strstr(findings, "the table of cases has a row that no entry makes"), "%s",
                       findings);
    hosted_close(&h);
}

/* A row beyond those that entries make is found by counting, in whatever shared table, of
 * whichever log it claims to be. */
Test(store_check_accept, finds_a_surplus_row_of_a_shared_table) {
    static const struct {
        enum table table;
        size_t before;
    } tables[] = {{TABLE_CASE, 16},
                  {TABLE_SUCCESSION, HASH_SIZE},
                  {TABLE_REVOCATION, 16},
                  {TABLE_AGENCY, ORI_SIZE}};
    struct hosted h;
    host(&h);
    for (size_t i = 0; i < 2 * sizeof tables / sizeof tables[0]; i++) {
        static const uint8_t zeros[HASH_SIZE];
        bool other = i % 2 == 1;
        struct store_txn *txn;
        struct key key;
        key_start(&key, tables[i / 2].table);
        memcpy(key.data + key.len, zeros, tables[i / 2].before);
        key.len += tables[i / 2].before;
        key_u32(&key, other ? 7 : h.log.number);
        key_u64(&key, 3);
        CHECK_OK(store_begin(h.store, STORE_WRITE, &txn));
        CHECK_OK(store_put(txn, key_view(&key), bytes_of(NULL, 0)));
        CHECK_OK(store_commit(txn));
        cr_assert_eq(count_findings(h.store, &h.log, false), 1, "%zu: %s", i, findings);
        cr_assert_not_null(strstr(findings, other ? "of log number 7" : "that no entry makes"),
                           "%s", findings);
        CHECK_OK(store_begin(h.store, STORE_WRITE, &txn));
        CHECK_OK(store_remove(txn, key_view(&key)));
        CHECK_OK(store_commit(txn));
    }
    sound(h.store, &h.log);
    hosted_close(&h);
}

/* Appends an entry past acceptance, as an operator does who edits the database. */
static void append_raw(struct hosted *h, struct bytes note) {
    struct append_job job;
    uint8_t memory[EVENT_SIZE_MAX];
    struct writer out;
    writer_init(&out, memory, sizeof memory);
    entry_format(&out, h->now_ms, note);
    struct bytes entry = writer_view(&out);
    append_job_init(&job);
    job.log = &h->log;
    job.entries = &entry;
    job.count = 1;
    hosted_run(h, &job.job);
    CHECK_OK(h->fate);
}

Test(store_check_accept, finds_an_entry_of_its_own_log_that_breaks_the_rules) {
    struct hosted h;
    host(&h);
    append_raw(&h, world_sample(&h.world, WORLD_STRANGER, "finding.final"));
    cr_assert_gt(count_findings(h.store, &h.log, false), 0);
    cr_assert_not_null(strstr(findings, "entry 14 stands in it against its rules"), "%s", findings);
    hosted_close(&h);
}

/* Also where members and signatures of what was accepted are taken as they were found. */
Test(store_check_accept, finds_an_entry_out_of_sequence) {
    struct hosted h;
    host(&h);
    struct bytes first = world_sample(&h.world, WORLD_BOARD, "finding.final");
    uint8_t kept[EVENT_SIZE_MAX];
    memcpy(kept, first.data, first.len);
    first.data = kept;
    append_raw(&h, world_sample(&h.world, WORLD_BOARD, "finding.final")); /* leaves first out */
    cr_assert_gt(count_findings(h.store, &h.log, false), 0);
    cr_assert_not_null(strstr(findings, "leaves a gap"), "%s", findings);
    hosted_close(&h);
    host(&h);
    CHECK_OK(hosted_submit(&h, first).status);
    append_raw(&h, first); /* twice */
    cr_assert_gt(count_findings(h.store, &h.log, false), 0);
    cr_assert_not_null(strstr(findings, "again"), "%s", findings);
    hosted_close(&h);
    host(&h);
    h.now_ms -= 500; /* received before its predecessor */
    append_raw(&h, world_sample(&h.world, WORLD_BOARD, "finding.final"));
    cr_assert_gt(count_findings(h.store, &h.log, false), 0);
    cr_assert_not_null(strstr(findings, "received"), "%s", findings);
    hosted_close(&h);
}

Test(store_check_accept, finds_a_forged_entry_of_its_own_log_by_its_signature) {
    struct hosted h;
    host(&h);
    struct bytes note = world_sample(&h.world, WORLD_BOARD, "finding.final");
    struct submit_result result = hosted_submit(&h, note);
    CHECK_OK(result.status);
    sound(h.store, &h.log);
    hosted_close(&h);
    /* The same log, the last entry's signature damaged before it was appended. */
    host(&h);
    note = world_damage(world_sample(&h.world, WORLD_BOARD, "finding.final"), 0);
    append_raw(&h, note);
    cr_assert_gt(count_findings(h.store, &h.log, true), 0);
    cr_assert_not_null(strstr(findings, "does not verify"), "%s", findings);
    hosted_close(&h);
}

Test(store_check_accept, finds_an_honest_mirror_of_a_liar_sound) {
    static struct entries entries;
    struct world world;
    struct mirrored m;
    world_init(&world, "agency.example/log");
    entries_init(&entries, &world);
    entries_of_a_liar(&entries);
    mirrored_open(&m, &entries);
    sound(m.store, &m.log); /* nothing judged yet */
    while (mirrored_judged(&m) < entries.count) {
        mirrored_judge(&m, &entries, entries.count, 5, 0);
        sound(m.store, &m.log);
    }
    /* A verdict that was taken away, or invented. */
    struct store_txn *txn;
    for (uint64_t i = 0; i < entries.count; i++) {
        struct key key = key_log_u64(TABLE_VERDICT, m.log.number, i);
        struct bytes value;
        uint8_t kept[256];
        CHECK_OK(store_begin(m.store, STORE_WRITE, &txn));
        enum status status = store_get(txn, key_view(&key), &value);
        size_t len = status == STATUS_OK ? value.len : 0;
        if (status == STATUS_OK) {
            memcpy(kept, value.data, len);
            CHECK_OK(store_remove(txn, key_view(&key)));
        } else {
            CHECK_OK(store_put(txn, key_view(&key), bytes_of("\0\0\0\2because", 11)));
        }
        CHECK_OK(store_commit(txn));
        cr_assert_gt(count_findings(m.store, &m.log, false), 0, "entry %zu", (size_t)i);
        CHECK_OK(store_begin(m.store, STORE_WRITE, &txn));
        if (status == STATUS_OK) {
            CHECK_OK(store_put(txn, key_view(&key), bytes_of(kept, len)));
        } else {
            CHECK_OK(store_remove(txn, key_view(&key)));
        }
        CHECK_OK(store_commit(txn));
    }
    sound(m.store, &m.log);
    mirrored_close(&m);
    world_release(&world);
}

/* A store that fails under the comparison is never taken for a log that was compared. */
Test(store_check_accept, tells_of_every_failure_of_the_store) {
    static struct replay_entry entries[WORLD_START];
    struct hosted h;
    struct store_txn *txn;
    hosted_open(&h);
    hosted_start(&h);
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    for (uint64_t fail_at = 1;; fail_at++) {
        struct store_replay replay;
        struct store *scratch;
        findings[0] = '\0';
        check = (struct store_check){.finding = found};
        h.flaky.fail_at = 0;
        CHECK_OK(store_memory_open(NULL, &scratch));
        CHECK_OK(store_replay_begin(&replay, &check, txn, &h.log, WORLD_START, scratch, true));
        CHECK_OK(store_replay_prepare(&replay, txn, 0, WORLD_START, entries));
        CHECK_OK(store_replay_apply(&replay, entries, WORLD_START));
        for (size_t i = 0; i < WORLD_START; i++) {
            replay_entry_release(&entries[i]);
        }
        h.flaky.calls = 0;
        h.flaky.fail_at = fail_at;
        enum status status = store_replay_end(&replay, STATUS_OK);
        store_memory_close(scratch);
        cr_assert_eq(check.stats.findings, 0, "%s", findings);
        if (h.flaky.calls < fail_at) {
            CHECK_OK(status);
            break;
        }
        cr_assert_eq(status, STATUS_STORE_FAILED, "call %llu", (unsigned long long)fail_at);
    }
    store_abort(txn);
    hosted_close(&h);
}
