/* Judging a mirrored log: acceptance of what is stored already, entry by entry, with a verdict on
 * each that fails. */
#include "ledger/batch.h"
#include "ledger/issuer.h"
#include "ledger/schema.h"
#include "ledger/tree.h"

#include <assert.h>
#include <string.h>

/* TABLE_JUDGED: log -> u64 size. TABLE_VERDICT: (log, index) -> u32 status, text. No row: accepted.
 *
 * The status is kept as a number of enum status, which a later version may only append to. */

enum status judge_size(struct store_txn *txn, uint32_t log, uint64_t *judged) {
    struct key key = key_log(TABLE_JUDGED, log);
    struct bytes value;
    struct reader r;
    uint64_t size = 0;
    enum status status = store_get(txn, key_view(&key), &value);
    if (status == STATUS_OK) {
        reader_init(&r, value);
        if (!reader_u64(&r, &size) || !reader_done(&r)) {
            return STATUS_STORE_CORRUPT;
        }
    } else if (status != STATUS_NOT_FOUND) {
        return status;
    }
    *judged = size;
    return STATUS_OK;
}

enum status judge_set_size(struct store_txn *txn, uint32_t log, uint64_t size) {
    uint8_t value[8];
    struct writer w;
    writer_init(&w, value, sizeof value);
    writer_u64(&w, size);
    struct key key = key_log(TABLE_JUDGED, log);
    return store_put(txn, key_view(&key), writer_view(&w));
}

static enum status put_verdict(struct store_txn *txn, uint32_t log, uint64_t index,
                               const struct refusal *why) {
    uint8_t value[4 + REFUSAL_TEXT_MAX];
    struct writer w;
    writer_init(&w, value, sizeof value);
    writer_u32(&w, (uint32_t)why->status);
    writer_text(&w, why->text);
    struct key key = key_log_u64(TABLE_VERDICT, log, index);
    return store_put(txn, key_view(&key), writer_view(&w));
}

enum status judge_verdict(struct store_txn *txn, uint32_t log, uint64_t index,
                          struct refusal *why) {
    struct key key = key_log_u64(TABLE_VERDICT, log, index);
    struct bytes value;
    struct reader r;
    uint32_t code = 0;
    enum status status = store_get(txn, key_view(&key), &value);
    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK;
    }
    TRY(status);
    reader_init(&r, value);
    if (!reader_u32(&r, &code) || code == STATUS_OK || code >= STATUS_COUNT) {
        return STATUS_STORE_CORRUPT;
    }
    return refuse(why, (enum status)code, "%.*s", (int)r.rest.len, r.rest.data);
}

/* Acceptance of one event at its place, as the host had to decide it. */
static enum status judge_event(struct store_txn *txn, const struct log *log,
                               const struct submission *submission, uint64_t index,
                               uint64_t stamp_ms, struct refusal *why) {
    struct accept_state state;
    struct accept_place place;
    TRY(accept_state_get(txn, log->number, &state));
    if (stamp_ms < state.last_stamp_ms) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "received: %llu is earlier than an accepted entry before it",
                      (unsigned long long)stamp_ms);
    }
    TRY(accept_check(txn, log, submission, index, stamp_ms, &place, why));
    if (place.logged) {
        return refuse(why, STATUS_CONFLICT_USED, "the event of entry %llu again",
                      (unsigned long long)place.index);
    }
    return accept_apply(txn, log, submission, index, stamp_ms);
}

typedef void (*prepare_submission)(struct store_txn *txn, const struct log *log, struct bytes note,
                                   struct submission *out);

static void prepare(struct store_txn *txn, const struct log *log, uint64_t index,
                    struct bytes entry, prepare_submission submission, struct judgement *out) {
    struct bytes note;
    out->index = index;
    out->entry = entry;
    out->stamp_ms = 0;
    out->submission.parsed = false;
    out->form = entry_parse(entry, &out->stamp_ms, &note, &out->submission.why);
    if (out->form == STATUS_OK) {
        submission(txn, log, note, &out->submission);
    }
}

void judge_prepare(struct store_txn *txn, const struct log *log, uint64_t index, struct bytes entry,
                   struct judgement *out) {
    prepare(txn, log, index, entry, submission_prepare, out);
}

void judge_prepare_trusted(struct store_txn *txn, const struct log *log, uint64_t index,
                           struct bytes entry, struct judgement *out) {
    prepare(txn, log, index, entry, submission_prepare_trusted, out);
}

void judgement_release(struct judgement *judgement) {
    submission_release(&judgement->submission);
}

enum status judge_entry(struct store_txn *txn, const struct log *log,
                        const struct judgement *entry) {
    struct refusal why = entry->submission.why;
    enum status status = entry->form;
    TRY(rules_check(txn, log, NULL));
    if (status == STATUS_OK) {
        status = judge_event(txn, log, &entry->submission, entry->index, entry->stamp_ms, &why);
    }
    if (status == STATUS_OK || batch_is_fatal(status)) {
        return status;
    }
    assert(why.status == status);
    return put_verdict(txn, log->number, entry->index, &why);
}

bool judge_read_known(uint64_t index, struct bytes entry, struct judgement *out) {
    struct bytes note;
    out->index = index;
    out->entry = entry;
    out->form = entry_parse(entry, &out->stamp_ms, &note, NULL);
    out->submission.note = note;
    out->submission.parsed = false; /* nothing to release */
    return out->form == STATUS_OK && event_read_known(note, &out->submission.event);
}

enum status judge_follows(struct store_txn *txn, const struct log *log,
                          const struct judgement *judgement, bool *follows) {
    const struct event *event = &judgement->submission.event;
    struct accept_state state;
    struct issuer issuer;
    TRY(accept_state_get(txn, log->number, &state));
    enum status status = issuer_find(txn, log->number, event->issuer, &issuer);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    *follows = status == STATUS_OK && issuer.revoked_at == 0 &&
               event->kind->table <= state.rules.table && rules_known(&state.rules) &&
               state.closed_at == 0 && event->seq == issuer.last_seq + 1 &&
               (event->seq == 1 || hash_equal(&event->prev, &issuer.last_id)) &&
               judgement->stamp_ms >= state.last_stamp_ms && judgement->index > 0;
    return STATUS_OK;
}

/* What was prepared for this index, if its bytes are those stored. */
static const struct judgement *find_prepared(const struct judgement *prepared, size_t count,
                                             uint64_t index, struct bytes entry) {
    for (size_t i = 0; i < count; i++) {
        if (prepared[i].index == index && prepared[i].form == STATUS_OK &&
            bytes_equal(prepared[i].entry, entry)) {
            return &prepared[i];
        }
    }
    return NULL;
}

static enum status judge_next(struct store_txn *txn, const struct log *log, uint64_t index,
                              const struct judgement *prepared, size_t prepared_count) {
    struct bytes entry;
    TRY(tree_entry(txn, log->number, index, &entry));
    const struct judgement *found = find_prepared(prepared, prepared_count, index, entry);
    if (found != NULL) {
        return judge_entry(txn, log, found);
    }
    struct judgement fresh;
    uint8_t copy[ENTRY_SIZE_MAX]; /* writing ends what the transaction lent */
    memcpy(copy, entry.data, entry.len);
    judge_prepare(txn, log, index, bytes_of(copy, entry.len), &fresh);
    enum status status = judge_entry(txn, log, &fresh);
    judgement_release(&fresh);
    return status;
}

enum status judge_advance(struct store_txn *txn, const struct log *log, uint64_t size, size_t max,
                          struct judgement *prepared, size_t prepared_count, uint64_t *judged) {
    assert((log->flags & LOG_EVENTS) != 0);
    uint64_t next = 0;
    TRY(judge_size(txn, log->number, &next));
    assert(next <= size);
    uint64_t end = size - next > max ? next + max : size;
    for (uint64_t index = next; index < end; index++) {
        enum status status = judge_next(txn, log, index, prepared, prepared_count);
        if (status == STATUS_UNJUDGED) {
            end = index;
            break;
        }
        TRY(status);
    }
    if (end > next) {
        TRY(judge_set_size(txn, log->number, end));
    }
    *judged = end;
    return STATUS_OK;
}
