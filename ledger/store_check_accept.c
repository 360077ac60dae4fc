/* Judging a log anew and comparing what acceptance keeps of it (ledger/store_check_log.h). */
#include "ledger/accept_parts.h"
#include "ledger/batch.h"
#include "ledger/case_index.h"
#include "ledger/scan.h"
#include "ledger/store_check_log.h"
#include "ledger/tree.h"

#include <assert.h>

/* --- preparing: any thread --- */

struct preparing {
    const struct store_replay *replay;
    struct store_txn *txn;
    struct replay_entry *out;
    size_t count;
};

static enum status prepare_entry(void *context, uint64_t index, struct bytes entry,
                                 const struct hash *leaf) {
    struct preparing *p = context;
    const struct log *log = p->replay->log;
    struct replay_entry *out = &p->out[p->count++];
    struct refusal stored;
    (void)leaf; /* the tree's check compares it */
    bool refused = judge_verdict(p->txn, log->number, index, &stored) != STATUS_OK;
    out->known =
        !p->replay->signatures && !refused && judge_read_known(index, entry, &out->judgement);
    if (out->known) {
        return STATUS_OK;
    }
    /* What was refused may have been refused for its signature. */
    if (p->replay->signatures || refused) {
        judge_prepare(p->txn, log, index, entry, &out->judgement);
    } else {
        judge_prepare_trusted(p->txn, log, index, entry, &out->judgement);
    }
    return STATUS_OK;
}

void replay_entry_release(struct replay_entry *entry) {
    judgement_release(&entry->judgement);
}

enum status store_replay_prepare(const struct store_replay *replay, struct store_txn *txn,
                                 uint64_t from, uint64_t to, struct replay_entry *out) {
    struct preparing p = {.replay = replay, .txn = txn, .out = out};
    assert(from <= to && to <= replay->end);
    enum status status = tree_walk(txn, replay->log->number, from, to, prepare_entry, &p);
    if (status != STATUS_OK) {
        for (size_t i = 0; i < p.count; i++) {
            replay_entry_release(&out[i]);
        }
        return status;
    }
    assert(p.count == to - from);
    return STATUS_OK;
}

/* --- applying: in order --- */

/* It was prepared with the keys that the whole log enrols, before which some entries stand. Where
 * the prefix has other keys, or none, whatever was verified is not taken: accept_check looks them
 * up, and verifies. */
static enum status settle_keys(struct store_replay *replay, struct submission *submission) {
    struct vkey keys[EVENT_SIGNATURES_MAX];
    struct refusal why;
    if (!submission->parsed || submission->key_count == 0) {
        return STATUS_OK;
    }
    enum status status =
        accept_find_keys(replay->scratch, replay->log, &submission->event, keys, &why);
    if (status != STATUS_OK && status != STATUS_DENIED_KEY) {
        return status;
    }
    bool same = status == STATUS_OK;
    for (size_t i = 0; same && i < submission->key_count; i++) {
        same = vkey_equal(&keys[i], &submission->keys[i]);
    }
    if (!same) {
        submission->key_count = 0;
    }
    return STATUS_OK;
}

/* Of what is read off its bytes the row is looked up at once: making the index anew in the scratch
 * store, whose keys come in no order, took most of the time. */
static enum status check_case(struct store_replay *replay, const struct judgement *judgement) {
    const struct event *event = &judgement->submission.event;
    struct case_place place;
    bool there = false;
    bool has = false;
    struct issuer issuer;
    TRY(issuer_find(replay->scratch, replay->log->number, event->issuer, &issuer));
    TRY(case_index_place(replay->scratch, replay->log->number, &issuer, &event->about,
                         judgement->index, judgement->stamp_ms, &place, &has));
    if (has) {
        TRY(case_index_check(replay->stored, &place, &there));
    }
    if (has) {
        store_replay_shared_row(replay, STORE_SHARED_CASES, there);
    }
    return STATUS_OK;
}

static enum status apply_entry(struct store_replay *replay, struct replay_entry *entry) {
    struct judgement *judgement = &entry->judgement;
    struct store_txn *scratch = replay->scratch;
    const struct log *log = replay->log;
    struct refusal why;
    if (entry->known) {
        bool next = false;
        TRY(judge_follows(scratch, log, judgement, &next));
        if (next) {
            TRY(accept_apply_state(scratch, log, &judgement->submission, judgement->index,
                                   judgement->stamp_ms));
            return check_case(replay, judgement);
        }
        entry->known = false;
        judge_prepare(scratch, log, judgement->index, judgement->entry, judgement);
    }
    TRY(settle_keys(replay, &judgement->submission));
    enum status status = judge_entry(scratch, log, judgement);
    if (status == STATUS_UNJUDGED) {
        replay->unjudged++;
        return STATUS_OK;
    }
    TRY(status);
    if ((log->flags & LOG_OWN) != 0 &&
        judge_verdict(scratch, log->number, judgement->index, &why) != STATUS_OK) {
        store_check_found(replay->check, "log %s: entry %llu stands in it against its rules: %s",
                          log->vkey.name, (unsigned long long)judgement->index, why.text);
    }
    return STATUS_OK;
}

enum status store_replay_apply(struct store_replay *replay, struct replay_entry *entries,
                               size_t count) {
    for (size_t i = 0; i < count; i++) {
        assert(entries[i].judgement.index == replay->next);
        TRY(apply_entry(replay, &entries[i]));
        replay->next++;
    }
    return STATUS_OK;
}

/* --- comparing --- */

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
    TRY(compare_table(check, stored, derived, log, TABLE_RECOGNITION, "recognised logs"));
    if ((log->flags & LOG_OWN) == 0) {
        TRY(compare_table(check, stored, derived, log, TABLE_VERDICT, "verdicts"));
    }
    return STATUS_OK;
}

enum status store_replay_begin(struct store_replay *replay, struct store_check *check,
                               struct store_txn *txn, const struct log *log, uint64_t size,
                               struct store *scratch, bool signatures) {
    assert((log->flags & LOG_EVENTS) != 0);
    *replay = (struct store_replay){
        .check = check, .stored = txn, .log = log, .end = size, .signatures = signatures};
    if ((log->flags & LOG_OWN) == 0) {
        TRY(judge_size(txn, log->number, &replay->end));
        if (replay->end > size) {
            store_check_found(check, "log %s: %llu entries are judged, %llu stored", log->vkey.name,
                              (unsigned long long)replay->end, (unsigned long long)size);
            replay->end = size;
        }
        if (rules_check(txn, log, NULL) == STATUS_UNJUDGED) {
            replay->beyond = size - replay->end;
        }
    }
    return store_begin(scratch, STORE_WRITE, &replay->scratch);
}

enum status store_replay_end(struct store_replay *replay, enum status status) {
    if (status == STATUS_NOT_FOUND || status == STATUS_STORE_CORRUPT) {
        store_check_found(replay->check, "log %s: the entries cannot be read to be judged anew",
                          replay->log->vkey.name);
        status = STATUS_OK;
    } else if (status == STATUS_OK) {
        assert(replay->next == replay->end);
        if (replay->unjudged > 0) { /* what is stored may come of rules that this build lacks */
            store_abort(replay->scratch);
            return STATUS_OK;
        }
        status = compare_all(replay->check, replay->stored, replay->scratch, replay->log);
        if (status == STATUS_OK) {
            status = store_replay_shared(replay);
        }
        replay->shared.known = status == STATUS_OK;
    }
    store_abort(replay->scratch);
    return status;
}
