/* One conformance suite, run against LMDB, the simulator's store and its strict variant; then what
 * only one of them promises. */
#include "ledger/schema.h"
#include "ledger/store_lmdb.h"
#include "ledger/store_memory.h"
#include "tests/lib/check.h"
#include "tests/lib/folder.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum kind { LMDB, MEMORY, STRICT };

struct subject {
    enum kind kind;
    struct folder folder;
    struct store *store;
};

static void subject_open(struct subject *s, enum kind kind) {
    s->kind = kind;
    if (kind == LMDB) {
        struct refusal why = {0};
        folder_make(&s->folder);
        cr_assert_eq(store_lmdb_open(s->folder.path, NULL, &s->store, &why), STATUS_OK, "%s",
                     why.text);
    } else {
        struct store_memory_options options = {.strict = kind == STRICT};
        CHECK_OK(store_memory_open(&options, &s->store));
    }
}

/* What a stop and a start, or for memory a crash, leaves. */
static void subject_restart(struct subject *s) {
    if (s->kind == LMDB) {
        store_lmdb_close(s->store);
        CHECK_OK(store_lmdb_open(s->folder.path, NULL, &s->store, NULL));
    } else {
        store_memory_crash(s->store, 0);
    }
}

static void subject_close(struct subject *s) {
    if (s->kind == LMDB) {
        store_lmdb_close(s->store);
        folder_remove(&s->folder);
    } else {
        store_memory_close(s->store);
    }
}

#define CONFORMANCE(name)                                                                          \
    static void name(struct subject *s);                                                           \
    static void run_##name(enum kind kind) {                                                       \
        struct subject s = {0};                                                                    \
        subject_open(&s, kind);                                                                    \
        name(&s);                                                                                  \
        subject_close(&s);                                                                         \
    }                                                                                              \
    Test(store, lmdb_##name) {                                                                     \
        run_##name(LMDB);                                                                          \
    }                                                                                              \
    Test(store, memory_##name) {                                                                   \
        run_##name(MEMORY);                                                                        \
    }                                                                                              \
    Test(store, strict_##name) {                                                                   \
        run_##name(STRICT);                                                                        \
    }                                                                                              \
    static void name(struct subject *s)

static struct store_txn *begin(struct store *store, enum store_mode mode) {
    struct store_txn *txn = NULL;
    CHECK_OK(store_begin(store, mode, &txn));
    cr_assert_not_null(txn);
    return txn;
}

static void put(struct store_txn *txn, const char *key, const char *value) {
    CHECK_OK(store_put(txn, bytes_text(key), bytes_text(value)));
}

static void expect(struct store_txn *txn, const char *key, const char *value) {
    struct bytes v;
    enum status status = store_get(txn, bytes_text(key), &v);
    if (value == NULL) {
        CHECK_STATUS(status, STATUS_NOT_FOUND);
    } else {
        CHECK_STATUS(status, STATUS_OK);
        cr_assert(bytes_equal(v, bytes_text(value)), "%s is not %s", key, value);
    }
}

static void put_committed(struct store *store, const char *key, const char *value) {
    struct store_txn *txn = begin(store, STORE_WRITE);
    put(txn, key, value);
    CHECK_OK(store_commit(txn));
}

static void expect_committed(struct store *store, const char *key, const char *value) {
    struct store_txn *txn = begin(store, STORE_READ);
    expect(txn, key, value);
    store_abort(txn);
}

/* --- what every store promises --- */

CONFORMANCE(puts_gets_and_removes) {
    struct store_txn *txn = begin(s->store, STORE_WRITE);
    expect(txn, "zk", NULL);
    put(txn, "zk", "one");
    expect(txn, "zk", "one");
    put(txn, "zk", "two, longer");
    expect(txn, "zk", "two, longer");
    put(txn, "zk", "");
    expect(txn, "zk", "");
    CHECK_OK(store_remove(txn, bytes_text("zk")));
    expect(txn, "zk", NULL);
    CHECK_STATUS(store_remove(txn, bytes_text("zk")), STATUS_NOT_FOUND);
    put(txn, "zk", "three");
    CHECK_OK(store_commit(txn)); /* a remove that found nothing does not spoil it */
    expect_committed(s->store, "zk", "three");
}

CONFORMANCE(abort_leaves_no_trace) {
    put_committed(s->store, "zkept", "v");
    struct store_txn *txn = begin(s->store, STORE_WRITE);
    put(txn, "zkept", "changed");
    put(txn, "znew", "v");
    uint8_t *room;
    CHECK_OK(store_reserve(txn, bytes_text("zroom"), 5000, &room));
    store_abort(txn);
    expect_committed(s->store, "zkept", "v");
    expect_committed(s->store, "znew", NULL);
    expect_committed(s->store, "zroom", NULL);
}

CONFORMANCE(readers_see_the_commit_before_they_began) {
    put_committed(s->store, "za", "old");
    put_committed(s->store, "zb", "old");
    struct store_txn *old = begin(s->store, STORE_READ);
    struct store_txn *writer = begin(s->store, STORE_WRITE);
    put(writer, "za", "new");
    CHECK_OK(store_remove(writer, bytes_text("zb")));
    for (int i = 0; i < 500; i++) {
        char key[16];
        snprintf(key, sizeof key, "zc%03d", i);
        put(writer, key, "fill");
    }
    struct store_txn *during = begin(s->store, STORE_READ);
    expect(during, "za", "old");
    expect(old, "za", "old");
    CHECK_OK(store_commit(writer));
    struct store_txn *after = begin(s->store, STORE_READ);
    expect(after, "za", "new");
    expect(after, "zb", NULL);
    expect(during, "za", "old");
    expect(old, "zb", "old");
    struct bytes key, value;
    CHECK_OK(store_seek(old, bytes_text("zb"), &key, &value));
    CHECK_STATUS(store_seek(old, bytes_text("zb\1"), &key, &value), STATUS_NOT_FOUND);
    store_abort(old);
    store_abort(during);
    store_abort(after);
}

CONFORMANCE(seeks_forth_and_back) {
    struct store_txn *txn = begin(s->store, STORE_WRITE);
    put(txn, "zb", "1");
    put(txn, "zba", "2");
    put(txn, "zd", "3");
    static const struct {
        const char *from, *next, *previous;
    } cases[] = {
        {"za", "zb", NULL},  {"zb", "zb", "zb"}, {"zb\1", "zba", "zb"}, {"zba", "zba", "zba"},
        {"zc", "zd", "zba"}, {"zd", "zd", "zd"}, {"zda", NULL, "zd"},   {"~", NULL, "zd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bytes key, value;
        enum status status = store_seek(txn, bytes_text(cases[i].from), &key, &value);
        CHECK_STATUS(status, cases[i].next ? STATUS_OK : STATUS_NOT_FOUND);
        cr_assert(!cases[i].next || bytes_equal(key, bytes_text(cases[i].next)));
        status = store_seek_back(txn, bytes_text(cases[i].from), &key, &value);
        if (cases[i].previous == NULL) { /* LMDB's folder counts its openings under 'm' */
            cr_assert(status == STATUS_NOT_FOUND || key.data[0] == 'm');
        } else {
            CHECK_STATUS(status, STATUS_OK);
            cr_assert(bytes_equal(key, bytes_text(cases[i].previous)));
        }
    }
    struct bytes key, value;
    CHECK_OK(store_seek(txn, bytes_of(NULL, 0), &key, &value));
    cr_assert(key.data[0] == (s->kind == LMDB ? 'm' : 'z'));
    CHECK_STATUS(store_seek_back(txn, bytes_of(NULL, 0), &key, &value), STATUS_NOT_FOUND);
    store_abort(txn);
}

CONFORMANCE(seeks_in_an_empty_range) {
    struct store_txn *txn = begin(s->store, STORE_READ);
    struct bytes key, value;
    CHECK_STATUS(store_seek(txn, bytes_text("z"), &key, &value), STATUS_NOT_FOUND);
    CHECK_STATUS(store_seek_back(txn, bytes_text("A"), &key, &value), STATUS_NOT_FOUND);
    store_abort(txn);
}

CONFORMANCE(reserves_room_and_reads_meanwhile) {
    put_committed(s->store, "za", "first ");
    put_committed(s->store, "zb", "second");
    struct store_txn *txn = begin(s->store, STORE_WRITE);
    uint8_t *room;
    CHECK_OK(store_reserve(txn, bytes_text("zroom"), 12, &room));
    struct bytes value;
    CHECK_OK(store_get(txn, bytes_text("za"), &value));
    memcpy(room, value.data, 6);
    struct bytes key;
    CHECK_OK(store_seek(txn, bytes_text("zb"), &key, &value));
    memcpy(room + 6, value.data, 6);
    CHECK_OK(store_remove(txn, bytes_text("za")));
    CHECK_OK(store_reserve(txn, bytes_text("zempty"), 0, &room));
    CHECK_OK(store_reserve(txn, bytes_text("zb"), 6, &room)); /* in place of what is there */
    memcpy(room, "SECOND", 6);
    CHECK_OK(store_commit(txn));
    expect_committed(s->store, "zroom", "first second");
    expect_committed(s->store, "zb", "SECOND");
    expect_committed(s->store, "zempty", "");
    expect_committed(s->store, "za", NULL);
}

CONFORMANCE(values_live_until_the_next_change) {
    struct store_txn *txn = begin(s->store, STORE_WRITE);
    put(txn, "za", "alpha");
    put(txn, "zb", "beta");
    struct bytes a, b, key, c;
    CHECK_OK(store_get(txn, bytes_text("za"), &a));
    CHECK_OK(store_get(txn, bytes_text("zb"), &b));
    CHECK_OK(store_seek(txn, bytes_text("z"), &key, &c));
    cr_assert(bytes_equal(a, bytes_text("alpha")) && bytes_equal(b, bytes_text("beta")));
    cr_assert(bytes_equal(key, bytes_text("za")) && bytes_equal(c, bytes_text("alpha")));
    CHECK_OK(store_commit(txn));
    /* A reader's live as long as the reader, whatever is written. */
    txn = begin(s->store, STORE_READ);
    CHECK_OK(store_get(txn, bytes_text("za"), &a));
    for (int i = 0; i < 20; i++) {
        put_committed(s->store, "za", i % 2 ? "other" : "words");
    }
    cr_assert(bytes_equal(a, bytes_text("alpha")));
    store_abort(txn);
}

CONFORMANCE(takes_big_values_and_long_keys) {
    static uint8_t big[200 * 1024], key[STORE_KEY_MAX + 1];
    for (size_t i = 0; i < sizeof big; i++) {
        big[i] = (uint8_t)(i * 31 >> 3);
    }
    memset(key, 'z', sizeof key);
    struct store_txn *txn = begin(s->store, STORE_WRITE);
    for (size_t len = 1; len <= STORE_KEY_MAX; len++) {
        CHECK_OK(store_put(txn, bytes_of(key, len), bytes_of(big, len)));
    }
    CHECK_OK(store_put(txn, bytes_of("y", 1), bytes_of(big, sizeof big)));
    CHECK_OK(store_commit(txn));
    txn = begin(s->store, STORE_READ);
    struct bytes value;
    for (size_t len = 1; len <= STORE_KEY_MAX; len++) {
        CHECK_OK(store_get(txn, bytes_of(key, len), &value));
        cr_assert(bytes_equal(value, bytes_of(big, len)));
    }
    CHECK_OK(store_get(txn, bytes_of("y", 1), &value));
    cr_assert(bytes_equal(value, bytes_of(big, sizeof big)));
    store_abort(txn);
}

CONFORMANCE(keeps_what_was_committed) {
    put_committed(s->store, "za", "1");
    struct store_txn *txn = begin(s->store, STORE_WRITE);
    put(txn, "za", "2");
    put(txn, "zb", "2");
    store_abort(txn);
    subject_restart(s);
    expect_committed(s->store, "za", "1");
    expect_committed(s->store, "zb", NULL);
    put_committed(s->store, "zb", "3");
    subject_restart(s);
    expect_committed(s->store, "zb", "3");
}

/* --- against a naive map --- */

#define MODEL_MAX 700

struct model {
    struct {
        uint16_t key; /* its two bytes, after 'z', are the key */
        uint32_t value;
    } rows[MODEL_MAX];
    size_t count;
};

static size_t model_find(const struct model *m, uint16_t key) {
    size_t i = 0;
    while (i < m->count && m->rows[i].key < key) {
        i++;
    }
    return i;
}

static bool model_has(const struct model *m, size_t i, uint16_t key) {
    return i < m->count && m->rows[i].key == key;
}

static uint32_t next_random(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

struct row_key {
    uint8_t data[3];
};

static struct row_key row_key(uint16_t key) {
    return (struct row_key){{'z', (uint8_t)(key >> 8), (uint8_t)key}};
}

/* A value's length and content follow from one number; some are longer than a page. */
static struct bytes row_value(uint32_t value) {
    static uint8_t memory[9000];
    size_t len = value % 7 == 0 ? value % 9000 : value % 60;
    for (size_t i = 0; i < len; i++) {
        memory[i] = (uint8_t)(value + i);
    }
    return bytes_of(memory, len);
}

static void check_row(const struct model *m, size_t i, struct bytes key, struct bytes value) {
    struct row_key expected = row_key(m->rows[i].key);
    cr_assert(bytes_equal(key, bytes_of(expected.data, 3)));
    cr_assert(bytes_equal(value, row_value(m->rows[i].value)));
}

static void check_all(const struct model *m, struct store_txn *txn) {
    uint8_t from[8] = "z";
    struct bytes at = bytes_of(from, 1), key, value;
    for (size_t i = 0; i < m->count; i++) {
        CHECK_OK(store_seek(txn, at, &key, &value));
        check_row(m, i, key, value);
        memcpy(from, key.data, key.len);
        from[key.len] = 0;
        at = bytes_of(from, key.len + 1);
    }
    CHECK_STATUS(store_seek(txn, at, &key, &value), STATUS_NOT_FOUND);
    memcpy(from, "z\xff\xff\xff", 4);
    at = bytes_of(from, 4);
    for (size_t i = m->count; i-- > 0;) {
        CHECK_OK(store_seek_back(txn, at, &key, &value));
        check_row(m, i, key, value);
        struct row_key before = row_key((uint16_t)(m->rows[i].key - 1));
        memcpy(from, before.data, 3);
        at = bytes_of(from, 3);
    }
}

static void random_change(struct model *m, struct store_txn *txn, uint64_t *random) {
    uint16_t key = (uint16_t)(1 + next_random(random) % 600);
    uint32_t value = next_random(random);
    struct row_key k = row_key(key);
    struct bytes view = bytes_of(k.data, 3);
    size_t i = model_find(m, key);
    bool there = model_has(m, i, key);
    if (next_random(random) % 5 < 2) {
        CHECK_STATUS(store_remove(txn, view), there ? STATUS_OK : STATUS_NOT_FOUND);
        if (there) {
            m->count--;
            memmove(&m->rows[i], &m->rows[i + 1], (m->count - i) * sizeof m->rows[0]);
        }
        return;
    }
    struct bytes content = row_value(value);
    if (next_random(random) % 3 == 0) {
        uint8_t *room;
        CHECK_OK(store_reserve(txn, view, content.len, &room));
        if (content.len > 0) {
            memcpy(room, content.data, content.len);
        }
    } else {
        CHECK_OK(store_put(txn, view, content));
    }
    if (!there) {
        memmove(&m->rows[i + 1], &m->rows[i], (m->count - i) * sizeof m->rows[0]);
        m->count++;
    }
    m->rows[i].key = key;
    m->rows[i].value = value;
}

static void random_look(const struct model *m, struct store_txn *txn, uint64_t *random) {
    uint16_t at = (uint16_t)(1 + next_random(random) % 600);
    struct row_key k = row_key(at);
    size_t i = model_find(m, at);
    struct bytes key, value;
    enum status status = store_get(txn, bytes_of(k.data, 3), &value);
    CHECK_STATUS(status, model_has(m, i, at) ? STATUS_OK : STATUS_NOT_FOUND);
    if (status == STATUS_OK) {
        cr_assert(bytes_equal(value, row_value(m->rows[i].value)));
    }
    status = store_seek(txn, bytes_of(k.data, 3), &key, &value);
    CHECK_STATUS(status, i < m->count ? STATUS_OK : STATUS_NOT_FOUND);
    if (status == STATUS_OK) {
        check_row(m, i, key, value);
    }
    size_t back = model_has(m, i, at) ? i + 1 : i;
    status = store_seek_back(txn, bytes_of(k.data, 3), &key, &value);
    if (back > 0) {
        CHECK_STATUS(status, STATUS_OK);
        check_row(m, back - 1, key, value);
    } else {
        cr_assert(status == STATUS_NOT_FOUND || key.data[0] == 'm');
    }
}

CONFORMANCE(agrees_with_a_naive_map) {
    static struct model model, before;
    uint64_t random = 1;
    for (int round = 0; round < 150; round++) {
        before = model;
        struct store_txn *txn = begin(s->store, STORE_WRITE);
        struct store_txn *reader = begin(s->store, STORE_READ);
        int changes = (int)(next_random(&random) % 80);
        for (int i = 0; i < changes; i++) {
            random_change(&model, txn, &random);
            random_look(&model, txn, &random);
        }
        check_all(&model, txn);
        if (next_random(&random) % 4 == 0) {
            store_abort(txn);
            model = before;
        } else {
            CHECK_OK(store_commit(txn));
        }
        check_all(&before, reader);
        store_abort(reader);
        if (round % 10 == 0) {
            subject_restart(s);
        }
        reader = begin(s->store, STORE_READ);
        check_all(&model, reader);
        store_abort(reader);
    }
}

CONFORMANCE(grows_and_shrinks_in_order) {
    enum { COUNT = 3000 };
    struct store_txn *txn = begin(s->store, STORE_WRITE);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct key key = key_log_u64(TABLE_ENTRY, 7, i);
        CHECK_OK(store_put(txn, key_view(&key), bytes_text("value")));
    }
    CHECK_OK(store_commit(txn));
    txn = begin(s->store, STORE_WRITE);
    for (uint32_t i = 0; i < COUNT; i++) {
        struct bytes key, value;
        struct key from = key_log(TABLE_ENTRY, 7);
        CHECK_OK(store_seek(txn, key_view(&from), &key, &value));
        struct key expected = key_log_u64(TABLE_ENTRY, 7, i);
        cr_assert(bytes_equal(key, key_view(&expected)));
        CHECK_OK(store_remove(txn, key_view(&expected)));
    }
    struct bytes key, value;
    struct key from = key_log(TABLE_ENTRY, 7);
    enum status status = store_seek(txn, key_view(&from), &key, &value);
    cr_assert(status == STATUS_NOT_FOUND || key.data[0] == TABLE_META);
    CHECK_OK(store_commit(txn));
}

/* --- our own bugs stop the program --- */

static void with_memory(void (*body)(struct store_txn *read, struct store_txn *write)) {
    struct store *store = NULL;
    CHECK_OK(store_memory_open(NULL, &store));
    body(begin(store, STORE_READ), begin(store, STORE_WRITE));
    store_memory_close(store);
}

#define STOPS(name, statement)                                                                     \
    static void stop_##name(struct store_txn *read, struct store_txn *write) {                     \
        static const uint8_t long_key[STORE_KEY_MAX + 1] = {'z'};                                  \
        struct bytes value;                                                                        \
        (void)long_key, (void)value, (void)read, (void)write;                                      \
        enum status unused = (statement);                                                          \
        (void)unused;                                                                              \
    }                                                                                              \
    Test(store, stops_at_##name, .signal = SIGABRT) {                                              \
        with_memory(stop_##name);                                                                  \
    }

STOPS(an_empty_key, store_get(read, bytes_of(NULL, 0), &value))
STOPS(a_long_key, store_put(write, bytes_of(long_key, sizeof long_key), bytes_text("v")))
STOPS(a_long_seek, store_seek(read, bytes_of(long_key, sizeof long_key), &value, &value))
STOPS(a_huge_value, store_put(write, bytes_text("z"), bytes_of("", STORE_VALUE_MAX + 1)))
STOPS(a_put_by_a_reader, store_put(read, bytes_text("z"), bytes_text("v")))
STOPS(a_remove_by_a_reader, store_remove(read, bytes_text("z")))
STOPS(a_commit_by_a_reader, store_commit(read))
STOPS(a_second_writer, store_begin(read->store, STORE_WRITE, &write))
