#include "ledger/accused.h"

#include "ledger/accept.h"
#include "ledger/tree.h"

#include <assert.h>

enum status accused_policy(struct store_txn *txn, const struct log *log, uint64_t size,
                           uint64_t *index, struct event *event, struct policy *out) {
    struct bytes operators[POLICY_WITNESSES_MAX];
    struct bytes entry;
    struct bytes note;
    uint64_t received_ms;
    TRY(policy_in_force(txn, log->number, size, index));
    enum status status = tree_entry(txn, log->number, *index, &entry);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_STORE_CORRUPT : status;
    }
    if (entry_parse(entry, &received_ms, &note, NULL) != STATUS_OK ||
        event_parse(note, event, NULL) != STATUS_OK) {
        return STATUS_STORE_CORRUPT; /* it was accepted */
    }
    if (event->kind->id != KIND_LOG_POLICY) {
        event_release(event);
        return STATUS_STORE_CORRUPT;
    }
    event_policy(event, out, operators);
    return STATUS_OK;
}

static void add(struct accused *accused, const struct vkey *key) {
    for (size_t i = 0; i < accused->count; i++) {
        if (vkey_equal(&accused->keys[i], key)) {
            return;
        }
    }
    if (accused->count < ACCUSED_MAX) {
        accused->keys[accused->count++] = *key;
    }
}

enum status accused_of(struct store_txn *txn, const struct log *log, struct accused *out) {
    uint64_t size = UINT64_MAX;
    out->count = 0;
    add(out, &log->vkey);
    for (int i = 0; i < ACCUSED_POLICIES_MAX && (log->flags & LOG_EVENTS) != 0; i++) {
        struct event event;
        struct policy policy;
        uint64_t index;
        enum status status = accused_policy(txn, log, size, &index, &event, &policy);
        if (status == STATUS_NOT_FOUND) {
            break;
        }
        TRY(status);
        for (size_t k = 0; k < policy.witness_count; k++) {
            add(out, &policy.witnesses[k].vkey);
        }
        event_release(&event);
        size = index; /* the one before */
    }
    return STATUS_OK;
}
