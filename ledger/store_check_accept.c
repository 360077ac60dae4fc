/* Judging a log anew and comparing what acceptance keeps of it (ledger/store_check_log.h). */
#include "ledger/accept.h"
#include "ledger/batch.h"
#include "ledger/scan.h"
#include "ledger/store_check_log.h"
#include "ledger/tree.h"

#include <assert.h>

struct replay {
    struct store_check *check;
    struct store_txn *stored;
    struct store_txn *scratch;
    const struct log *log;
    bool signatures;
};

static enum status replay_entry(void *context, uint64_t index, struct bytes entry,
                                const struct hash *leaf) {
    struct replay *replay = context;
    struct judgement judgement;
    struct refusal stored;
    (void)leaf; /* the tree's check compares it */
    /* What was refused may have been refused for its signature, and is judged whole. */
    if (replay->signatures ||
        judge_verdict(replay->stored, replay->log->number, index, &stored) != STATUS_OK) {
        judge_prepare(replay->scratch, replay->log, index, entry, &judgement);
    } else {
        judge_prepare_trusted(replay->scratch, replay->log, index, entry, &judgement);
    }
    enum status status = judge_entry(replay->scratch, replay->log, &judgement);
    judgement_release(&judgement);
    if (status != STATUS_OK) {
        return status;
    }
    struct refusal why;
    if ((replay->log->flags & LOG_OWN) != 0 &&
        judge_verdict(replay->scratch, replay->log->number, index, &why) != STATUS_OK) {
        store_check_found(replay->check, "log %s: entry %llu stands in it against its rules: %s",
                          replay->log->vkey.name, (unsigned long long)index, why.text);
    }
    return STATUS_OK;
}

/* Both tables, pair by pair, in the order of their keys. */
static enum status compare_table(struct store_check *check, struct store_txn *stored,
                                 struct store_txn *derived, const struct log *log, enum table table,
                                 const char *name) {
    struct key prefix = key_log(table, log->number);
    struct scan scan_a = scan_from(stored, prefix, prefix);
    struct scan scan_b = scan_from(derived, prefix, prefix);
    struct bytes key_a;
    struct bytes key_b;
    struct bytes value_a;
    struct bytes value_b;
    for (uint64_t row = 0;; row++) {
        enum status a = scan_next(&scan_a, &key_a, &value_a);
        enum status b = scan_next(&scan_b, &key_b, &value_b);
        if ((a != STATUS_OK && a != STATUS_NOT_FOUND) ||
            (b != STATUS_OK && b != STATUS_NOT_FOUND)) {
            return a != STATUS_OK && a != STATUS_NOT_FOUND ? a : b;
        }
        if (a == STATUS_NOT_FOUND && b == STATUS_NOT_FOUND) {
            return STATUS_OK;
        }
        if (a != b || !bytes_equal(key_a, key_b) || !bytes_equal(value_a, value_b)) {
            store_check_found(check,
                              "log %s: row %llu of the table of %s is not what the entries make it",
                              log->vkey.name, (unsigned long long)row, name);
            return STATUS_OK; /* one finding a table: the rest would follow from it */
        }
    }
}

static enum status compare_all(struct store_check *check, struct store_txn *stored,
                               struct store_txn *derived, const struct log *log) {
    TRY(compare_table(check, stored, derived, log, TABLE_ACCEPT, "the acceptance state"));
    TRY(compare_table(check, stored, derived, log, TABLE_ISSUER, "issuers"));
    TRY(compare_table(check, stored, derived, log, TABLE_ISSUER_NAME, "issuers' names"));
    TRY(compare_table(check, stored, derived, log, TABLE_SEQUENCE, "sequences"));
    TRY(compare_table(check, stored, derived, log, TABLE_POLICY, "policies"));
    if ((log->flags & LOG_OWN) == 0) {
        TRY(compare_table(check, stored, derived, log, TABLE_VERDICT, "verdicts"));
    }
    return STATUS_OK;
}

enum status store_check_acceptance(struct store_check *check, struct store_txn *txn,
                                   const struct log *log, uint64_t size, struct store *scratch,
                                   bool signatures) {
    struct replay replay = {.check = check, .stored = txn, .log = log, .signatures = signatures};
    uint64_t end = size;
    assert((log->flags & LOG_EVENTS) != 0);
    if ((log->flags & LOG_OWN) == 0) {
        TRY(judge_size(txn, log->number, &end));
        if (end > size) {
            store_check_found(check, "log %s: %llu entries are judged, %llu stored", log->vkey.name,
                              (unsigned long long)end, (unsigned long long)size);
            end = size;
        }
    }
    TRY(store_begin(scratch, STORE_WRITE, &replay.scratch));
    enum status status = tree_walk(txn, log->number, 0, end, replay_entry, &replay);
    if (status == STATUS_NOT_FOUND || status == STATUS_STORE_CORRUPT) {
        store_check_found(check, "log %s: the entries cannot be read to be judged anew",
                          log->vkey.name);
        status = STATUS_OK;
    } else if (status == STATUS_OK) {
        status = compare_all(check, txn, replay.scratch, log);
    }
    store_abort(replay.scratch);
    return status;
}
