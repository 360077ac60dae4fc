/* Who may read what is not open to all; each note once; each read a row, in the same commit. */
#include "ledger/access.h"
#include "ledger/schema.h"
#include "tests/lib/check.h"
#include "tests/lib/hosted.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define NOW_S (WORLD_TIME_MS / 1000)
#define TARGET "/access?from=7"

static struct hosted h;
static struct world *w;
static uint8_t memory[REQUEST_NOTE_SIZE_MAX];

static void open_started(void) {
    hosted_open(&h);
    w = &h.world;
    hosted_start(&h);
}

static void close_all(void) {
    hosted_close(&h);
}

TestSuite(access, .init = open_started, .fini = close_all);

struct asked {
    enum world_who who;
    const char *origin; /* NULL: this log's, as the next two */
    const char *method;
    const char *target;
    uint64_t expires; /* 0: in a minute */
    uint8_t nonce;
    bool damaged; /* its signature */
};

static struct request_note note_of(const struct asked *asked) {
    struct request_note values = {
        .origin = asked->origin != NULL ? bytes_text(asked->origin) : vkey_name(&h.log.vkey),
        .method = bytes_text(asked->method != NULL ? asked->method : "GET"),
        .target = bytes_text(asked->target != NULL ? asked->target : TARGET),
        .expires = asked->expires != 0 ? asked->expires : h.now_ms / 1000 + 60,
        .nonce = {asked->nonce},
    };
    struct request_note note;
    struct writer writer;
    writer_init(&writer, memory, sizeof memory);
    request_note_make(&writer, &values, &w->people[asked->who]);
    if (asked->damaged) {
        world_damage(writer_view(&writer), 0);
    }
    CHECK_OK(request_note_parse(writer_view(&writer), &note, NULL));
    return note;
}

static struct access_job ask(const struct asked *asked) {
    struct request_note note = note_of(asked);
    struct access_job job;
    struct hash before = store_digest(h.store);
    access_job_init(&job);
    job.request = (struct access_request){.log = &h.log,
                                          .note = &note,
                                          .method = bytes_text("GET"),
                                          .target = bytes_text(TARGET),
                                          .address = bytes_text("192.0.2.7"),
                                          .roles = ROLE_ROOT | ROLE_OVERSIGHT,
                                          .now_ms = h.now_ms};
    hosted_run(&h, &job.job);
    CHECK_OK(h.fate);
    struct hash after = store_digest(h.store);
    if (job.verdict != ACCESS_OK && job.verdict != ACCESS_FULL) {
        cr_assert(hash_equal(&before, &after), "a refusal wrote something");
        cr_assert(job.why.text[0] != '\0');
    }
    job.request.note = NULL; /* it ends with this call */
    return job;
}

static enum access_verdict verdict(const struct asked *asked) {
    return ask(asked).verdict;
}

static uint64_t rows(void) {
    struct store_txn *txn;
    struct access_row row = {.number = 0};
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    while (access_row_from(txn, h.log.number, row.number + 1, &row) == STATUS_OK) {
    }
    store_abort(txn);
    return row.number;
}

Test(access, a_read_that_is_granted_is_a_row) {
    struct store_txn *txn;
    struct access_row row;
    struct access_job job = ask(&(struct asked){.who = WORLD_BOARD});
    cr_assert_eq(job.verdict, ACCESS_OK);
    cr_assert_eq(job.number, 1);
    h.now_ms += 5;
    cr_assert_eq(ask(&(struct asked){.who = WORLD_ROOT_1, .nonce = 1}).number, 2);
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    CHECK_OK(access_row_from(txn, h.log.number, 2, &row));
    cr_assert_eq(row.number, 2);
    cr_assert_eq(row.time_ms, WORLD_TIME_MS + 5);
    cr_assert(bytes_equal(row.key, bytes_text("root-1")));
    cr_assert(bytes_equal(row.address, bytes_text("192.0.2.7")));
    cr_assert(bytes_equal(row.method, bytes_text("GET")));
    cr_assert(bytes_equal(row.target, bytes_text(TARGET)));
    CHECK_STATUS(access_row_from(txn, h.log.number, 3, &row), STATUS_NOT_FOUND);
    store_abort(txn);
}

Test(access, refuses_each_for_its_own_reason) {
    static const struct {
        struct asked asked;
        enum access_verdict verdict;
    } cases[] = {
        {{.who = WORLD_BOARD, .origin = "other.example/log"}, ACCESS_OTHER_LOG},
        {{.who = WORLD_BOARD, .method = "POST"}, ACCESS_OTHER_REQUEST},
        {{.who = WORLD_BOARD, .target = "/access"}, ACCESS_OTHER_REQUEST},
        {{.who = WORLD_BOARD, .target = "/access?from=71"}, ACCESS_OTHER_REQUEST},
        {{.who = WORLD_BOARD, .expires = NOW_S}, ACCESS_EXPIRED},
        {{.who = WORLD_BOARD, .expires = 1}, ACCESS_EXPIRED},
        {{.who = WORLD_BOARD, .expires = NOW_S + 301}, ACCESS_AHEAD},
        {{.who = WORLD_BOARD, .expires = UINT64_C(1) << 52}, ACCESS_AHEAD},
        {{.who = WORLD_STRANGER}, ACCESS_UNKNOWN_KEY},
        {{.who = WORLD_BOARD, .damaged = true}, ACCESS_BAD_SIGNATURE},
        {{.who = WORLD_CLERK}, ACCESS_WITHOUT_RIGHT},
        {{.who = WORLD_OPERATOR}, ACCESS_WITHOUT_RIGHT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_assert_eq(verdict(&cases[i].asked), cases[i].verdict, "case %zu", i);
    }
    cr_assert_eq(rows(), 0);
    cr_assert_eq(verdict(&(struct asked){.who = WORLD_BOARD, .expires = NOW_S + 1}), ACCESS_OK);
    cr_assert_eq(verdict(&(struct asked){.who = WORLD_BOARD, .expires = NOW_S + 300}), ACCESS_OK);
}

Test(access, a_key_of_the_right_name_and_another_secret_is_unknown) {
    struct signer mine = w->people[WORLD_BOARD];
    w->people[WORLD_BOARD] = w->people[WORLD_STRANGER];
    CHECK_OK(vkey_make(vkey_name(&mine.vkey), VKEY_NOTE, &w->people[WORLD_STRANGER].vkey.key,
                       &w->people[WORLD_BOARD].vkey));
    cr_assert_eq(verdict(&(struct asked){.who = WORLD_BOARD}), ACCESS_UNKNOWN_KEY);
}

Test(access, not_by_a_key_revoked_or_out_of_its_days) {
    cr_assert_eq(verdict(&(struct asked){.who = WORLD_BOARD}), ACCESS_OK);
    hosted_accept(&h, world_revoke(w, WORLD_ROOT_1, WORLD_BOARD));
    cr_assert_eq(verdict(&(struct asked){.who = WORLD_BOARD, .nonce = 1}), ACCESS_WITHOUT_RIGHT);
    hosted_accept(&h, world_enrol_as(w, WORLD_ROOT_1, WORLD_NEWCOMER, "oversight", "[]", "['*']",
                                     "both", ",'until':'2025-12-25'"));
    cr_assert_eq(verdict(&(struct asked){.who = WORLD_NEWCOMER, .nonce = 2}), ACCESS_OK);
    h.now_ms += 86400000;
    cr_assert_eq(verdict(&(struct asked){.who = WORLD_NEWCOMER}), ACCESS_WITHOUT_RIGHT);
}

Test(access, each_note_once) {
    const struct asked one = {.who = WORLD_BOARD, .expires = NOW_S + 100};
    const struct asked two = {.who = WORLD_BOARD, .expires = NOW_S + 100, .nonce = 1};
    cr_assert_eq(verdict(&one), ACCESS_OK);
    cr_assert_eq(verdict(&one), ACCESS_REPLAYED);
    cr_assert_eq(verdict(&two), ACCESS_OK);
    h.now_ms += 99999;
    cr_assert_eq(verdict(&one), ACCESS_REPLAYED);
    cr_assert_eq(rows(), 2);
}

/* The same text under another signature is the same note. */
Test(access, a_note_is_its_text) {
    const struct asked by_board = {.who = WORLD_BOARD, .expires = NOW_S + 100};
    const struct asked by_root = {.who = WORLD_ROOT_1, .expires = NOW_S + 100};
    cr_assert_eq(verdict(&by_board), ACCESS_OK);
    cr_assert_eq(verdict(&by_root), ACCESS_REPLAYED);
}

/* What was forgotten stays expired when the clock goes back. */
Test(access, a_clock_that_goes_back_opens_nothing) {
    const struct asked old = {.who = WORLD_BOARD, .expires = NOW_S + 10};
    cr_assert_eq(verdict(&old), ACCESS_OK);
    h.now_ms += 60000;
    cr_assert_eq(verdict(&(struct asked){.who = WORLD_BOARD}), ACCESS_OK); /* forgets it */
    h.now_ms -= 60000;
    cr_assert_eq(verdict(&old), ACCESS_EXPIRED);
    const struct asked later = {.who = WORLD_BOARD, .expires = NOW_S + 11};
    cr_assert_eq(verdict(&later), ACCESS_OK);
}

Test(access, forgets_what_has_expired_and_only_that) {
    for (unsigned i = 0; i < 200; i++) {
        cr_assert_eq(verdict(&(struct asked){
                         .who = WORLD_BOARD, .expires = NOW_S + 10 + i % 50, .nonce = (uint8_t)i}),
                     ACCESS_OK);
    }
    h.now_ms += 35000; /* half of them have expired */
    for (unsigned i = 0; i < 5; i++) {
        cr_assert_eq(verdict(&(struct asked){.who = WORLD_BOARD, .nonce = (uint8_t)i}), ACCESS_OK);
    }
    const struct asked living = {.who = WORLD_BOARD, .expires = NOW_S + 59, .nonce = 49};
    cr_assert_eq(verdict(&living), ACCESS_REPLAYED);
    struct store_txn *txn;
    struct bytes key;
    struct bytes value;
    unsigned left = 0;
    CHECK_OK(store_begin(h.store, STORE_READ, &txn));
    struct key at = key_log_u64(TABLE_REQUEST, h.log.number, 0);
    while (store_seek(txn, key_view(&at), &key, &value) == STATUS_OK &&
           key.data[0] == TABLE_REQUEST) {
        memcpy(at.data, key.data, key.len);
        at.len = key.len;
        at.data[at.len++] = 0;
        left++;
    }
    store_abort(txn);
    cr_assert_leq(left, 110);
    cr_assert_eq(rows(), 205);
}

/* The number of rows is kept beside them: as if so many were there. */
Test(access, remembers_so_many_and_then_pushes_back) {
    struct store_txn *txn;
    uint8_t value[12] = {0};
    struct key key = key_log(TABLE_REQUEST, h.log.number);
    value[9] = ACCESS_REMEMBERED_MAX >> 16;
    CHECK_OK(store_begin(h.store, STORE_WRITE, &txn));
    CHECK_OK(store_put(txn, key_view(&key), bytes_of(value, sizeof value)));
    CHECK_OK(store_commit(txn));
    cr_assert_eq(verdict(&(struct asked){.who = WORLD_BOARD}), ACCESS_FULL);
    cr_assert_eq(rows(), 0);
}

/* The commit that failed granted nothing. */
Test(access, without_a_commit_no_grant) {
    struct request_note note = note_of(&(struct asked){.who = WORLD_BOARD});
    struct access_job job;
    access_job_init(&job);
    job.request = (struct access_request){.log = &h.log,
                                          .note = &note,
                                          .method = bytes_text("GET"),
                                          .target = bytes_text(TARGET),
                                          .address = bytes_text("::1"),
                                          .roles = ROLE_OVERSIGHT,
                                          .now_ms = h.now_ms};
    h.next = STORE_MEMORY_FAILS;
    hosted_run(&h, &job.job);
    cr_assert_neq(h.fate, STATUS_OK);
    cr_assert_eq(rows(), 0);
}
