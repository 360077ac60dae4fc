#include "ledger/logs.h"
#include "ledger/store_memory.h"
#include "tests/lib/check.h"
#include "tests/lib/keys.h"

#include <criterion/criterion.h>
#include <string.h>

static struct store *store;
static struct store_txn *txn;

static void begin(void) {
    CHECK_OK(store_begin(store, STORE_WRITE, &txn));
}

static void setup(void) {
    struct store_memory_options options = {.strict = true};
    CHECK_OK(store_memory_open(&options, &store));
    begin();
}

static void cleanup(void) {
    store_abort(txn);
    store_memory_close(store);
}

TestSuite(logs, .init = setup, .fini = cleanup);

static struct vkey key_of(const char *origin) {
    return test_signer(origin, VKEY_NOTE).vkey;
}

static struct log add(const char *origin, uint32_t flags) {
    struct vkey vkey = key_of(origin);
    struct log log;
    CHECK_OK(logs_register(txn, &vkey, flags, &log, NULL));
    return log;
}

static void refused(const struct vkey *vkey, uint32_t flags, const char *says) {
    struct log log = {.number = 77};
    struct refusal why;
    uint32_t before = 0;
    uint32_t after = 0;
    CHECK_OK(logs_count(txn, &before));
    CHECK_STATUS(logs_register(txn, vkey, flags, &log, &why), STATUS_BAD_LOG);
    cr_assert_not_null(strstr(why.text, says), "%s", why.text);
    cr_assert_eq(log.number, 77);
    CHECK_OK(logs_count(txn, &after));
    cr_assert_eq(before, after);
}

static void same(const struct log *a, const struct log *b) {
    cr_assert_eq(a->number, b->number);
    cr_assert_eq(a->flags, b->flags);
    cr_assert(vkey_equal(&a->vkey, &b->vkey));
    cr_assert(hash_equal(&a->id, &b->id));
}

Test(logs, numbers_them_as_they_come_and_for_good) {
    uint32_t count = 9;
    CHECK_OK(logs_count(txn, &count));
    cr_assert_eq(count, 0);
    struct log a = add("a.example/log", LOG_OWN | LOG_EVENTS);
    struct log b = add("b.example/log", LOG_EVENTS);
    struct log c = add("c.example/log", 0);
    cr_assert_eq(a.number, 1);
    cr_assert_eq(b.number, 2);
    cr_assert_eq(c.number, 3);
    CHECK_OK(store_commit(txn));
    begin();
    struct log again = add("b.example/log", LOG_EVENTS);
    same(&again, &b);
    CHECK_OK(logs_count(txn, &count));
    cr_assert_eq(count, 3);
}

Test(logs, finds_by_origin_number_and_id) {
    struct log a = add("a.example/log", LOG_EVENTS);
    struct log b = add("b.example/log", 0);
    struct log found;
    struct hash id;
    CHECK_OK(logs_find(txn, bytes_text("b.example/log"), &found));
    same(&found, &b);
    CHECK_OK(logs_get(txn, 1, &found));
    same(&found, &a);
    hash_of("b.example/log", 13, &id);
    cr_assert(hash_equal(&id, &b.id));
    CHECK_OK(logs_find_id(txn, &id, &found));
    same(&found, &b);
    id.bytes[0] ^= 1;
    CHECK_STATUS(logs_find_id(txn, &id, &found), STATUS_UNKNOWN_LOG);
    CHECK_STATUS(logs_get(txn, 0, &found), STATUS_UNKNOWN_LOG);
    CHECK_STATUS(logs_get(txn, 3, &found), STATUS_UNKNOWN_LOG);
}

Test(logs, does_not_know_what_was_never_registered) {
    struct log found = {.number = 77};
    static uint8_t long_name[NAME_SIZE_MAX + 1];
    memset(long_name, 'x', sizeof long_name);
    add("a.example/log", LOG_EVENTS);
    CHECK_STATUS(logs_find(txn, bytes_text("a.example/lo"), &found), STATUS_UNKNOWN_LOG);
    CHECK_STATUS(logs_find(txn, bytes_text("a.example/log2"), &found), STATUS_UNKNOWN_LOG);
    CHECK_STATUS(logs_find(txn, bytes_text(""), &found), STATUS_UNKNOWN_LOG);
    CHECK_STATUS(logs_find(txn, bytes_of(long_name, sizeof long_name), &found), STATUS_UNKNOWN_LOG);
    cr_assert_eq(found.number, 77);
}

Test(logs, takes_the_longest_origin) {
    char name[NAME_SIZE_MAX + 1];
    struct log found;
    memset(name, 'x', sizeof name - 1);
    name[NAME_SIZE_MAX] = '\0';
    struct log log = add(name, LOG_EVENTS);
    CHECK_OK(logs_find(txn, bytes_text(name), &found));
    same(&found, &log);
}

Test(logs, keeps_to_one_key_for_an_origin) {
    add("a.example/log", LOG_EVENTS);
    struct vkey other = key_of("b.example/log");
    CHECK_OK(vkey_make(bytes_text("a.example/log"), VKEY_NOTE, &other.key, &other));
    refused(&other, LOG_EVENTS, "another key");
}

Test(logs, keeps_to_one_role_for_an_origin) {
    add("a.example/log", LOG_EVENTS);
    struct vkey same_key = key_of("a.example/log");
    refused(&same_key, LOG_OWN | LOG_EVENTS, "another role");
    refused(&same_key, 0, "another role");
}

Test(logs, hosts_one_log) {
    add("a.example/log", LOG_EVENTS);
    add("b.example/log", LOG_OWN);
    struct vkey other = key_of("c.example/log");
    refused(&other, LOG_OWN | LOG_EVENTS, "hosts the log b.example/log");
    add("c.example/log", LOG_EVENTS);
}
