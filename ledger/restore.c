/* TABLE_META "restoring": one byte, while a restore lasts. */
#include "ledger/restore.h"

#include "ledger/guard.h"
#include "ledger/mirror_parts.h"
#include "ledger/rules.h"
#include "ledger/schema.h"
#include "ledger/sequencer.h"

#include <assert.h>
#include <string.h>

static struct key mark_key(void) {
    struct key key;
    key_start(&key, TABLE_META);
    key_bytes(&key, bytes_text("restoring"));
    return key;
}

enum status restore_unfinished(struct store_txn *txn, bool *unfinished) {
    struct key key = mark_key();
    struct bytes value;
    enum status status = store_get(txn, key_view(&key), &value);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    *unfinished = status == STATUS_OK;
    return STATUS_OK;
}

static enum status forget(struct store_txn *txn, struct key key) {
    enum status status = store_remove(txn, key_view(&key));
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* --- beginning --- */

/* An old folder's own log, as if it were mirrored: its signed head is what is pending, and all its
 * entries were accepted. */
static enum status put_aside(struct store_txn *txn, struct log *log) {
    struct head head = {.size = 0};
    struct tree_head tree;
    enum status status = sequencer_head(txn, log, &head);
    if (status == STATUS_OK) {
        struct signed_checkpoint pending = {
            .size = head.size, .root = head.root, .note = bytes_of(head.note, head.note_len)};
        TRY(mirror_set_pending(txn, log->number, &pending));
    } else if (status != STATUS_NOT_FOUND) {
        return status;
    }
    TRY(tree_read_head(txn, log->number, &tree));
    if ((log->flags & LOG_EVENTS) != 0) {
        TRY(judge_set_size(txn, log->number, tree.size));
    }
    TRY(forget(txn, key_log(TABLE_HEAD, log->number)));
    return logs_set_flags(txn, log, log->flags & ~(uint32_t)LOG_OWN);
}

enum status restore_begin(struct store_txn *txn, const struct vkey *vkey, uint32_t flags,
                          struct log *out, struct refusal *why) {
    struct log log;
    uint32_t mirrored = flags & ~(uint32_t)LOG_OWN;
    bool unfinished = false;
    uint8_t mark = 1;
    TRY(restore_unfinished(txn, &unfinished));
    enum status status = logs_find(txn, vkey_name(vkey), &log);
    if (status != STATUS_OK && status != STATUS_UNKNOWN_LOG) {
        return status;
    }
    bool known = status == STATUS_OK;
    if (known && unfinished && log.flags == mirrored) {
        flags = mirrored; /* gone on with */
    }
    if (!known && unfinished) {
        flags = mirrored;
    }
    TRY(logs_register(txn, vkey, flags, &log, why));
    if ((log.flags & LOG_OWN) != 0) {
        TRY(put_aside(txn, &log));
    }
    TRY(guard_release(txn, log.number)); /* no node starts before it is held again */
    struct key key = mark_key();
    TRY(store_put(txn, key_view(&key), bytes_of(&mark, sizeof mark)));
    *out = log;
    return STATUS_OK;
}

/* --- entries --- */

static enum status judge_one(struct restore_judge_job *job, struct batch *batch, uint64_t index,
                             struct bytes entry) {
    struct judgement judgement;
    struct refusal why;
    bool follows = false;
    if (judge_read_known(index, entry, &judgement)) {
        TRY(judge_follows(batch->txn, job->log, &judgement, &follows));
    }
    if (follows) {
        return accept_apply(batch->txn, job->log, &judgement.submission, index, judgement.stamp_ms);
    }
    judge_prepare_trusted(batch->txn, job->log, index, entry, &judgement);
    enum status status = judge_entry(batch->txn, job->log, &judgement);
    judgement_release(&judgement);
    if (status == STATUS_UNJUDGED) {
        enum status same = rules_check(batch->txn, job->log, &why);
        return same == status ? refuse(&job->why, STATUS_STORE_FAILED, "%s", why.text) : same;
    }
    TRY(status);
    status = judge_verdict(batch->txn, job->log->number, index, &why);
    if (status != STATUS_OK && !batch_is_fatal(status)) {
        return refuse(&job->why, STATUS_STORE_FAILED, "entry %llu is against the log's rules: %.*s",
                      (unsigned long long)index, REFUSAL_TEXT_MAX - 64, why.text);
    }
    return status;
}

static enum status judge_apply(struct job *base, struct batch *batch) {
    struct restore_judge_job *job = (struct restore_judge_job *)base;
    const struct package *package = &job->package->package;
    struct reader r;
    struct bytes entry;
    uint64_t judged = 0;
    if (job->package->job.status != STATUS_OK) {
        return STATUS_CONFLICT_SIZE;
    }
    TRY(judge_size(batch->txn, job->log->number, &judged));
    reader_init(&r, package->entries);
    for (uint64_t index = package->start; index < package->end; index++) {
        bool more = bundle_next(&r, &entry);
        assert(more); /* the package was stored */
        if (index >= judged) {
            TRY(judge_one(job, batch, index, entry));
        }
    }
    return package->end > judged ? judge_set_size(batch->txn, job->log->number, package->end)
                                 : STATUS_OK;
}

static void judge_finish(struct job *base, enum status status) {
    (void)base;
    (void)status;
}

void restore_judge_job_init(struct restore_judge_job *job) {
    job->job.apply = judge_apply;
    job->job.finish = judge_finish;
    job->job.status = STATUS_OK;
    job->why.text[0] = '\0';
}

/* --- the end --- */

enum status restore_check(struct store_txn *txn, const struct log *log) {
    struct signed_checkpoint pending;
    struct tree_head tree;
    struct hash root;
    TRY(mirror_pending(txn, log->number, &pending));
    TRY(tree_read_head(txn, log->number, &tree));
    if (tree.size < pending.size) {
        return STATUS_NOT_FOUND;
    }
    if (pending.size == 0) {
        return STATUS_OK;
    }
    TRY(tree_root_at(txn, log->number, pending.size, &root));
    return hash_equal(&root, &pending.root) ? STATUS_OK : STATUS_BAD_PROOF;
}

static enum status end_own(struct store_txn *txn, const struct log *log) {
    struct signed_checkpoint pending;
    struct head head;
    struct log own = *log;
    TRY(mirror_pending(txn, log->number, &pending));
    if (pending.note.len > sizeof head.note) {
        return STATUS_STORE_CORRUPT;
    }
    memcpy(head.note, pending.note.data, pending.note.len); /* the view ends with the next put */
    head.note_len = pending.note.len;
    struct key key = key_log(TABLE_HEAD, log->number);
    TRY(store_put(txn, key_view(&key), bytes_of(head.note, head.note_len)));
    TRY(mirror_forget(txn, log->number));
    TRY(forget(txn, key_log(TABLE_JUDGED, log->number)));
    return logs_set_flags(txn, &own, log->flags | LOG_OWN);
}

enum status restore_end_log(struct store_txn *txn, const struct log *log, bool own) {
    return own ? end_own(txn, log) : guard_hold(txn, log->number);
}

enum status restore_end(struct store_txn *txn) {
    return forget(txn, mark_key());
}
