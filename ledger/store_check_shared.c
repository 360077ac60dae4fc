/* The tables in which many logs write rows beside each other (ledger/store_check_log.h): whether
 * each has what the entries make, and nothing else, in one walk over each for all logs. */
#include "ledger/agency.h"
#include "ledger/scan.h"
#include "ledger/store_check_log.h"

#include <string.h>

/* `before` bytes stand between the table's own and the number of the log. */
static const struct {
    enum table table;
    size_t before;
    const char *name;
} tables[STORE_SHARED_TABLES] = {
    [STORE_SHARED_CASES] = {TABLE_CASE, 16, "cases"},
    [STORE_SHARED_SUCCESSIONS] = {TABLE_SUCCESSION, HASH_SIZE, "successions"},
    [STORE_SHARED_REVOCATIONS] = {TABLE_REVOCATION, 16, "revocations"},
    [STORE_SHARED_AGENCIES] = {TABLE_AGENCY, ORI_SIZE, "agencies"},
    [STORE_SHARED_MERGERS] = {TABLE_MERGER, ORI_SIZE, "mergers"},
};

void store_replay_shared_row(struct store_replay *replay, enum store_shared_table table,
                             bool there) {
    replay->shared.rows[table]++;
    if (there || replay->missing[table]) {
        return; /* one finding a table */
    }
    replay->missing[table] = true;
    store_check_found(replay->check, "log %s: the table of %s is not what the entries make it",
                      replay->log->vkey.name, tables[table].name);
}

static enum status look_up(struct store_replay *replay, enum store_shared_table table) {
    struct key prefix;
    struct bytes key;
    struct bytes value;
    key_start(&prefix, tables[table].table);
    struct scan scan = scan_from(replay->scratch, prefix, prefix);
    for (;;) {
        struct bytes stored;
        enum status status = scan_next(&scan, &key, &value);
        if (status != STATUS_OK) {
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        }
        status = store_get(replay->stored, key, &stored);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
            return status;
        }
        store_replay_shared_row(replay, table, status == STATUS_OK && bytes_equal(value, stored));
    }
}

enum status store_replay_shared(struct store_replay *replay) {
    for (size_t t = 0; t < STORE_SHARED_TABLES; t++) {
        TRY(look_up(replay, (enum store_shared_table)t));
    }
    return STATUS_OK;
}

/* --- what is stored beyond that --- */

/* Counts the row down in its log; one finding a log and table. */
static enum status take_row(struct store_check *check, struct store_txn *txn,
                            enum store_shared_table table, uint32_t number,
                            struct store_shared *logs, uint32_t count) {
    struct log log;
    if (number == 0 || number > count) {
        store_check_found(check, "the table of %s: a row of log number %u, which is not registered",
                          tables[table].name, (unsigned)number);
        return STATUS_OK;
    }
    struct store_shared *shared = &logs[number - 1];
    if (!shared->known || shared->rows[table] == UINT64_MAX) {
        return STATUS_OK;
    }
    if (shared->rows[table]-- > 0) { /* of the last one it becomes UINT64_MAX: said */
        return STATUS_OK;
    }
    TRY(logs_get(txn, number, &log));
    store_check_found(check, "log %s: the table of %s has a row that no entry makes", log.vkey.name,
                      tables[table].name);
    return STATUS_OK;
}

static enum status count_table(struct store_check *check, struct store_txn *txn,
                               enum store_shared_table table, struct store_shared *logs,
                               uint32_t count) {
    const size_t start = 1 + tables[table].before;
    struct key prefix;
    struct bytes key;
    struct bytes value;
    key_start(&prefix, tables[table].table);
    struct scan scan = scan_from(txn, prefix, prefix);
    for (;;) {
        struct reader r;
        uint32_t number = 0;
        enum status status = scan_next(&scan, &key, &value);
        if (status != STATUS_OK) {
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        }
        if (key.len < start + sizeof number) {
            store_check_found(check, "the table of %s: a key of %zu bytes", tables[table].name,
                              key.len);
            continue;
        }
        reader_init(&r, bytes_of(key.data + start, sizeof number));
        reader_u32(&r, &number);
        TRY(take_row(check, txn, table, number, logs, count));
    }
}

enum status store_check_shared(struct store_check *check, struct store_txn *txn,
                               struct store_shared *logs, uint32_t count) {
    for (size_t t = 0; t < STORE_SHARED_TABLES; t++) {
        TRY(count_table(check, txn, (enum store_shared_table)t, logs, count));
    }
    return STATUS_OK;
}
