/* Rows of the domain that are not as they were written: too short, too long, naming what is not
 * there. Whoever reads them says STORE_CORRUPT. (What a bit flip leaves well formed is for the
 * offline check, which derives these tables anew.) */
#include "ledger/issuer.h"
#include "ledger/schema.h"
#include "tests/lib/check.h"
#include "tests/lib/hosted.h"

#include <criterion/criterion.h>
#include <string.h>

static struct hosted h;
static struct world *w;
static struct store_txn *txn;

static void setup(void) {
    hosted_open(&h);
    w = &h.world;
    hosted_start(&h);
    hosted_accept(&h, world_closed_sample(w, WORLD_CLERK, "failure.alleged"));
    hosted_accept(&h, world_sample(w, WORLD_CLERK, "finding.final"));
    hosted_publish(&h, WORLD_TIME_MS / 1000, 7);
    CHECK_OK(store_begin(h.store, STORE_WRITE, &txn));
}

static void cleanup(void) {
    store_abort(txn);
    hosted_close(&h);
}

TestSuite(damaged, .init = setup, .fini = cleanup);

typedef enum status (*read_row)(void);

static enum status read_clerk(void) {
    struct issuer issuer;
    return issuer_find(txn, h.log.number, bytes_text("clerk"), &issuer);
}

static enum status read_clerk_by_number(void) {
    struct issuer issuer;
    return issuer_by_number(txn, h.log.number, 6, &issuer);
}

static enum status read_state(void) {
    struct accept_state state;
    return accept_state_get(txn, h.log.number, &state);
}

static enum status read_first_event(void) {
    uint64_t index;
    return issuer_event(txn, h.log.number, 6, 1, &index);
}

static enum status read_second_event(void) {
    uint64_t index;
    return issuer_event(txn, h.log.number, 6, 2, &index);
}

static enum status read_published(void) {
    struct published at;
    return sequencer_published(txn, h.log.number, &at);
}

static enum status read_judged(void) {
    uint64_t judged;
    return judge_size(txn, h.log.number, &judged);
}

static enum status read_verdict(void) {
    struct refusal why;
    return judge_verdict(txn, h.log.number, 3, &why);
}

static enum status read_log(void) {
    struct log log;
    return logs_find(txn, bytes_text("agency.example/log"), &log);
}

static enum status count_logs(void) {
    uint32_t count;
    return logs_count(txn, &count);
}

static struct key named(enum table table, const char *name) {
    struct key key = key_log(table, h.log.number);
    key_bytes(&key, bytes_text(name));
    return key;
}

static struct key numbered(enum table table, uint32_t number, uint64_t seq) {
    struct key key = key_log(table, h.log.number);
    key_u32(&key, number);
    if (seq > 0) {
        key_u64(&key, seq);
    }
    return key;
}

static void put(const struct key *key, struct bytes value) {
    CHECK_OK(store_put(txn, key_view(key), value));
}

/* Cuts the row's value to every length below `lengths`, and lengthens it by a byte; the reader is
 * to find each corrupt, and the row itself good. */
static void refuse_lengths(struct key key, size_t lengths, bool longer, read_row read) {
    uint8_t value[1024];
    struct bytes stored;
    CHECK_OK(read());
    CHECK_OK(store_get(txn, key_view(&key), &stored));
    size_t len = stored.len;
    cr_assert(len < sizeof value && lengths <= len);
    memcpy(value, stored.data, len);
    value[len] = 'x';
    for (size_t i = 0; i < lengths; i++) {
        put(&key, bytes_of(value, i));
        cr_assert_eq(read(), STATUS_STORE_CORRUPT, "cut to %zu of %zu bytes", i, len);
    }
    if (longer) {
        put(&key, bytes_of(value, len + 1));
        cr_assert_eq(read(), STATUS_STORE_CORRUPT, "a byte longer");
    }
    put(&key, bytes_of(value, len));
    CHECK_OK(read());
}

Test(damaged, issuers) {
    /* 4 numbers to 32 bits and 6 to 64, an id, bases, a count, one ORI, the key. */
    size_t len = 4 * 4 + 6 * 8 + 32 + 1 + 1 + 9 + 32;
    refuse_lengths(named(TABLE_ISSUER, "clerk"), len, true, read_clerk);
}

Test(damaged, names_of_issuers) {
    refuse_lengths(numbered(TABLE_ISSUER_NAME, 6, 0), strlen("clerk"), true, read_clerk_by_number);
    static uint8_t long_name[NAME_SIZE_MAX + 1];
    struct key key = numbered(TABLE_ISSUER_NAME, 6, 0);
    put(&key, bytes_of(long_name, sizeof long_name));
    CHECK_STATUS(read_clerk_by_number(), STATUS_STORE_CORRUPT);
}

Test(damaged, acceptance_state) {
    /* Up to the operator's name, which is not empty. */
    const size_t before = 104 + 1;
    refuse_lengths(key_log(TABLE_ACCEPT, h.log.number), before + 1, false, read_state);
    struct key key = key_log(TABLE_ACCEPT, h.log.number);
    static uint8_t long_state[104 + 1 + OPENED_OPERATOR_MAX + 1];
    put(&key, bytes_of(long_state, sizeof long_state));
    CHECK_STATUS(read_state(), STATUS_STORE_CORRUPT);
    long_state[before - 1] = ROOTS_REPLACED_MAX + 1; /* more roots than are ever replaced */
    put(&key, bytes_of(long_state, sizeof long_state - 1));
    CHECK_STATUS(read_state(), STATUS_STORE_CORRUPT);
}

Test(damaged, sequences) {
    struct key second = numbered(TABLE_SEQUENCE, 6, 2);
    refuse_lengths(second, 8 + 32 + 1, true, read_second_event);
    /* With a body: cut before it, it is the row of an event without. */
    uint8_t value[73];
    struct key first = numbered(TABLE_SEQUENCE, 6, 1);
    struct bytes stored;
    CHECK_OK(store_get(txn, key_view(&first), &stored));
    cr_assert_eq(stored.len, sizeof value);
    memcpy(value, stored.data, sizeof value);
    for (size_t i = 0; i < sizeof value; i++) {
        put(&first, bytes_of(value, i));
        cr_assert_eq(read_first_event(), i == 41 ? STATUS_OK : STATUS_STORE_CORRUPT);
    }
    value[40] = KIND_COUNT;
    put(&first, bytes_of(value, sizeof value));
    CHECK_STATUS(read_first_event(), STATUS_STORE_CORRUPT);
}

Test(damaged, a_sequence_with_a_hole) {
    struct key first = numbered(TABLE_SEQUENCE, 6, 1);
    CHECK_OK(store_remove(txn, key_view(&first)));
    CHECK_OK(store_commit(txn));
    struct bytes other = world_event(
        w, &(struct world_event){
               .issuer = WORLD_CLERK, .kind = "finding.final", .seq = 1, .aside = true});
    struct submit_result result = hosted_submit(&h, other);
    CHECK_STATUS(h.fate, STATUS_STORE_CORRUPT);
    CHECK_STATUS(result.status, STATUS_STORE_CORRUPT);
    CHECK_OK(store_begin(h.store, STORE_WRITE, &txn));
}

Test(damaged, published_checkpoints) {
    struct key key = key_log_u64(TABLE_PUBLISHED, h.log.number, WORLD_START + 2);
    struct bytes stored;
    CHECK_OK(read_published());
    CHECK_OK(store_get(txn, key_view(&key), &stored));
    static const uint8_t row[16] = {0};
    for (size_t i = 0; i < sizeof row; i++) {
        put(&key, bytes_of(row, i));
        CHECK_STATUS(read_published(), STATUS_STORE_CORRUPT);
    }
    put(&key, bytes_text("12345678" /* a time beyond all times */ "12345678"));
    CHECK_STATUS(read_published(), STATUS_STORE_CORRUPT);
    put(&key, bytes_of("\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\77", 16)); /* a fall beyond itself */
    CHECK_STATUS(read_published(), STATUS_STORE_CORRUPT);
    struct key refreshed = key_log(TABLE_REFRESHED, h.log.number);
    put(&key, bytes_of(row, sizeof row));
    CHECK_OK(read_published());
    for (size_t i = 0; i < 16; i++) {
        put(&refreshed, bytes_of("1234567812345678", i));
        CHECK_STATUS(read_published(), STATUS_STORE_CORRUPT);
    }
}

Test(damaged, falls_of_published_checkpoints) {
    struct published at;
    uint8_t row[16];
    struct writer w_row;
    struct key key = key_log_u64(TABLE_PUBLISHED, h.log.number, WORLD_START + 9);
    writer_init(&w_row, row, sizeof row);
    writer_u64(&w_row, 1);
    writer_u64(&w_row, WORLD_START + 9);
    put(&key, writer_view(&w_row));
    CHECK_OK(sequencer_published_confirming(txn, h.log.number, 0, UINT64_MAX, &at));
    cr_assert_eq(at.size, WORLD_START + 9);
    row[15]--; /* names one that is not there */
    put(&key, writer_view(&w_row));
    CHECK_STATUS(sequencer_published_confirming(txn, h.log.number, 0, UINT64_MAX, &at),
                 STATUS_STORE_CORRUPT);
}

Test(damaged, judged_sizes_and_verdicts) {
    struct key judged = key_log(TABLE_JUDGED, h.log.number);
    struct key verdict = key_log_u64(TABLE_VERDICT, h.log.number, 3);
    put(&judged, bytes_of("\0\0\0\0\0\0\0\7", 8));
    refuse_lengths(judged, 8, true, read_judged);
    CHECK_OK(read_verdict());
    static const uint8_t numbers[][4] = {{0, 0, 0, STATUS_OK}, {0, 0, 0, STATUS_COUNT}, {1}};
    for (size_t i = 0; i < 3; i++) {
        put(&verdict, bytes_of(numbers[i], 4));
        CHECK_STATUS(read_verdict(), STATUS_STORE_CORRUPT);
    }
    for (size_t i = 0; i < 4; i++) {
        put(&verdict, bytes_of("\0\0\0\2", i));
        CHECK_STATUS(read_verdict(), STATUS_STORE_CORRUPT);
    }
    put(&verdict, bytes_of("\0\0\0\2why", 7));
    CHECK_STATUS(read_verdict(), (enum status)2);
}

Test(damaged, logs) {
    struct key count;
    struct key origin;
    key_start(&count, TABLE_META);
    key_bytes(&count, bytes_text("logs"));
    key_start(&origin, TABLE_ORIGIN);
    key_bytes(&origin, bytes_text("agency.example/log"));
    refuse_lengths(count, 4, true, count_logs);
    refuse_lengths(origin, 4, true, read_log);
    struct key log = key_log(TABLE_LOG, h.log.number);
    struct bytes stored;
    CHECK_OK(store_get(txn, key_view(&log), &stored));
    refuse_lengths(log, stored.len, true, read_log);
}

Test(damaged, an_entry_that_is_no_event_has_no_receipt) {
    struct hosted o;
    struct append_job job;
    struct bytes entry = bytes_text("no event\n");
    static uint8_t file[RECEIPT_SIZE_MAX];
    struct writer out;
    struct store_txn *reading;
    bool pending;
    uint64_t index;
    hosted_open(&o);
    append_job_init(&job);
    job.log = &o.log;
    job.entries = &entry;
    job.count = 1;
    hosted_run(&o, &job.job);
    hosted_publish(&o, 1, 7);
    CHECK_OK(store_begin(o.store, STORE_WRITE, &reading));
    /* The tables say that it is one. */
    struct issuer issuer = issuer_named(&w->people[WORLD_CLERK].vkey, ROLE_ROOT);
    struct accept_state state = {.threshold = 1, .operator_name = "x"};
    CHECK_OK(accept_state_put(reading, o.log.number, &state));
    CHECK_OK(issuer_add(reading, o.log.number, &issuer));
    struct key sequence = key_log(TABLE_SEQUENCE, o.log.number);
    key_u32(&sequence, 1);
    key_u64(&sequence, 1);
    uint8_t row[8 + 32] = {0};
    CHECK_OK(store_put(reading, key_view(&sequence), bytes_of(row, sizeof row)));
    struct key policy = key_log_u64(TABLE_POLICY, o.log.number, 0);
    CHECK_OK(store_put(reading, key_view(&policy), bytes_of(NULL, 0)));
    writer_init(&out, file, sizeof file);
    CHECK_STATUS(sequencer_receipt(reading, &o.log, bytes_text("clerk"), 1, UINT64_MAX, &out,
                                   &pending, &index, NULL),
                 STATUS_STORE_CORRUPT);
    store_abort(reading);
    hosted_close(&o);
}
