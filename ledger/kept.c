#include "ledger/kept.h"

#include "ledger/accept.h"
#include "ledger/accused.h"
#include "ledger/publish_parts.h"
#include "ledger/sequencer.h"
#include "ledger/tree.h"

#include <assert.h>
#include <string.h>

static const char first_line[] = "dutylog/checkpoints/v1\n";

/* --- what is given --- */

enum status kept_last(struct store_txn *txn, uint32_t log, uint64_t *size) {
    struct published last = {.size = 0};
    enum status status = sequencer_published(txn, log, &last);
    *size = last.size;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status kept_write(struct store_txn *txn, uint32_t log, uint64_t above, struct writer *w) {
    struct published published;
    uint64_t at = above;
    size_t count = 0;
    writer_text(w, first_line);
    while (count < KEPT_PER_FILE) {
        enum status status = sequencer_published_covering(txn, log, at, &published);
        if (status == STATUS_NOT_FOUND) {
            break;
        }
        TRY(status);
        writer_text(w, "checkpoint ");
        writer_decimal(w, published.note.len);
        writer_u8(w, '\n');
        writer_bytes(w, published.note);
        at = published.size; /* covering(at) is the first one larger than `at` */
        count++;
    }
    TRY(writer_status(w));
    return count > 0 ? STATUS_OK : STATUS_NOT_FOUND;
}

/* --- what is taken --- */

/* The next note of a file; false with `r->failed` if the file is malformed, else at its end. */
static bool next_note(struct reader *r, struct bytes *note) {
    struct bytes line;
    uint64_t len = 0;
    if (r->rest.len == 0) {
        return false;
    }
    r->failed = !reader_skip(r, "checkpoint ") || !reader_line(r, &line) ||
                !bytes_to_u64(line, &len) || len == 0 || len > CHECKPOINT_SIZE_MAX ||
                !reader_take(r, (size_t)len, note);
    return !r->failed;
}

static bool well_formed(struct bytes file, size_t *count) {
    struct reader r;
    struct bytes note;
    reader_init(&r, file);
    *count = 0;
    if (!reader_skip(&r, first_line)) {
        return false;
    }
    while (next_note(&r, &note)) {
        ++*count;
    }
    return !r.failed && *count >= 1 && *count <= KEPT_PER_FILE;
}

/* Its time, by the quorum of the policy in force. BUSY: not judged so far. */
static enum status quorum_time(struct store_txn *txn, const struct kept_job *job,
                               const struct note *note, const struct checkpoint *checkpoint,
                               uint64_t *time, struct refusal *why) {
    uint64_t times[POLICY_WITNESSES_MAX];
    struct policy policy;
    struct event event;
    uint64_t judged = 0;
    uint64_t index = 0;
    policy_set have = 0;
    size_t which = 0;
    TRY(judge_size(txn, job->log->number, &judged));
    if (judged < checkpoint->size) {
        return STATUS_BUSY;
    }
    enum status status = accused_policy(txn, job->log, checkpoint->size, &index, &event, &policy);
    if (status == STATUS_NOT_FOUND) {
        return refuse(why, STATUS_BAD_POLICY, "no policy is in force at size %llu",
                      (unsigned long long)checkpoint->size);
    }
    TRY(status);
    status = policy_check(&policy, note, checkpoint, &have, times, &which, why);
    if (status == STATUS_OK &&
        (!policy_quorum_time(&policy, times, time) || *time > COSIGN_TIME_MAX)) {
        status = refuse(why, STATUS_BAD_POLICY, "the cosignatures have no time of a quorum");
    }
    event_release(&event);
    return status;
}

static enum status take(struct store_txn *txn, const struct kept_job *job, struct bytes bytes,
                        struct refusal *why) {
    struct note note;
    struct checkpoint checkpoint;
    struct tree_head head;
    struct hash root;
    uint64_t last = 0;
    struct published next = {.note = bytes};
    TRY(checkpoint_parse(bytes, &note, &checkpoint, why));
    if (!bytes_equal(checkpoint.origin, vkey_name(&job->log->vkey))) {
        return refuse(why, STATUS_BAD_LOG, "a checkpoint of another log");
    }
    TRY(kept_last(txn, job->log->number, &last));
    TRY(tree_read_head(txn, job->log->number, &head));
    if (checkpoint.size <= last || checkpoint.size > head.size) {
        return checkpoint.size <= last ? STATUS_OK : STATUS_BUSY;
    }
    TRY(tree_root_at(txn, job->log->number, checkpoint.size, &root));
    if (!hash_equal(&root, &checkpoint.root)) {
        return refuse(why, STATUS_CONFLICT_ROOT, "a checkpoint of size %llu of another tree",
                      (unsigned long long)checkpoint.size);
    }
    TRY(quorum_time(txn, job, &note, &checkpoint, &next.quorum_time, why));
    next.size = checkpoint.size;
    return publish_keep(txn, job->log->number, &next);
}

static enum status kept_apply(struct job *base, struct batch *batch) {
    struct kept_job *job = (struct kept_job *)base;
    struct reader r;
    struct bytes note;
    if (!well_formed(job->file, &job->in_file)) {
        return refuse(&job->why, STATUS_BAD_FORM, "not a list of checkpoints");
    }
    reader_init(&r, job->file);
    bool skipped = reader_skip(&r, first_line);
    assert(skipped);
    while (next_note(&r, &note)) {
        struct refusal why = {.status = STATUS_OK};
        enum status status = take(batch->txn, job, note, &why);
        if (batch_is_fatal(status)) {
            return status;
        }
        if (status != STATUS_OK) {
            job->why = why; /* BUSY says nothing: it is asked for again */
            return STATUS_OK;
        }
        job->taken++;
    }
    return STATUS_OK;
}

static void kept_finish(struct job *base, enum status status) {
    struct kept_job *job = (struct kept_job *)base;
    if (job->done != NULL) {
        job->done(job, status);
    }
}

void kept_job_init(struct kept_job *job) {
    memset(job, 0, sizeof *job);
    job->job.apply = kept_apply;
    job->job.finish = kept_finish;
    job->why.status = STATUS_OK;
}
