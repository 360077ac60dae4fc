/* add-entries (https://c2sp.org/tlog-mirror), but for the packages (package.c): the header, and the
 * end at which the mirror checkpoint moves and is cosigned.
 *
 * Happy path: upload_begin finds the checkpoint that the packages are proved against; each package
 * is stored; upload_end_job moves the mirror checkpoint and cosigns it.
 *
 * An upload may be cut off anywhere, and many may run at once: what is stored is proved and stays,
 * and the answer says where to go on. */
#include "ledger/guard.h"
#include "ledger/mirror_parts.h"
#include "ledger/push.h"

#include <assert.h>
#include <string.h>

/* --- the header --- */

enum status upload_header_parse(struct bytes available, struct upload_header *out, size_t *consumed,
                                struct refusal *why) {
    struct reader r;
    struct upload_header header;
    uint16_t origin_len;
    uint16_t ticket_len;
    reader_init(&r, available);
    if (!reader_u16(&r, &origin_len)) {
        return STATUS_NOT_FOUND;
    }
    if (origin_len == 0) {
        return refuse(why, STATUS_BAD_FORM, "the origin is empty");
    }
    if (origin_len > NAME_SIZE_MAX) {
        return refuse(why, STATUS_UNKNOWN_LOG, "no log known here has so long an origin");
    }
    if (!reader_take(&r, origin_len, &header.origin) || !reader_u64(&r, &header.start) ||
        !reader_u64(&r, &header.end) || !reader_u16(&r, &ticket_len)) {
        return STATUS_NOT_FOUND;
    }
    if (ticket_len > TICKET_SIZE_MAX) {
        return refuse(why, STATUS_BAD_FORM, "the ticket is longer than any given out here");
    }
    if (!reader_take(&r, ticket_len, &header.ticket)) {
        return STATUS_NOT_FOUND;
    }
    if (header.start > header.end) {
        return refuse(why, STATUS_BAD_FORM, "upload_start is larger than upload_end");
    }
    *out = header;
    *consumed = available.len - r.rest.len;
    return STATUS_OK;
}

void upload_header_format(struct writer *w, const struct upload_header *header) {
    assert(header->origin.len > 0 && header->origin.len <= NAME_SIZE_MAX);
    assert(header->start <= header->end && header->ticket.len <= TICKET_SIZE_MAX);
    writer_u16(w, (uint16_t)header->origin.len);
    writer_bytes(w, header->origin);
    writer_u64(w, header->start);
    writer_u64(w, header->end);
    writer_u16(w, (uint16_t)header->ticket.len);
    writer_bytes(w, header->ticket);
}

/* --- begin --- */

/* "If the client's upload_end value was valid, the first line SHOULD contain upload_end. …
 * Otherwise, the first line SHOULD be the tree size of the current pending checkpoint." Also where
 * all up to upload_end is stored, since the next entry, where the client is to go on, is then
 * beyond it. No ticket: what it would tell is stored here. */
enum status mirror_info_answer(struct store_txn *txn, uint32_t log, uint64_t upload_end, bool valid,
                               unsigned http, struct answer *answer) {
    struct signed_checkpoint pending;
    struct tree_head head;
    TRY(mirror_pending(txn, log, &pending));
    TRY(tree_read_head(txn, log, &head));
    struct mirror_info info = {
        .pending = valid && head.size <= upload_end ? upload_end : pending.size,
        .next_entry = head.size,
    };
    uint8_t memory[64];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    mirror_info_format(&w, &info);
    assert(!w.failed);
    answer_set(answer, http, "text/x.tlog.mirror-info", writer_view(&w));
    return STATUS_OK;
}

static enum status find_mirrored_log(struct store_txn *txn, struct bytes origin, struct log *log,
                                     struct refusal *why) {
    enum status status = logs_find(txn, origin, log);
    if (status == STATUS_UNKNOWN_LOG || (status == STATUS_OK && (log->flags & LOG_OWN) != 0)) {
        return refuse(why, STATUS_UNKNOWN_LOG, "this node does not mirror that log");
    }
    return status;
}

/* The conditions of tlog-mirror, Processing, in its order. `valid`: upload_end is a size that may
 * be uploaded to. */
static enum status check_bounds(struct store_txn *txn, const struct upload_header *header,
                                struct upload *upload, bool *valid, struct refusal *why) {
    struct signed_checkpoint mirrored;
    struct signed_checkpoint target;
    struct tree_head head;
    *valid = false;
    enum status status = mirror_known(txn, upload->log.number, header->end, &target);
    if (status == STATUS_NOT_FOUND) {
        return refuse(why, STATUS_CONFLICT_SIZE, "upload_end is no pending checkpoint's size");
    }
    TRY(status);
    upload->root = target.root;
    status = mirror_checkpoint(txn, upload->log.number, &mirrored);
    if (status == STATUS_OK && header->end < mirrored.size) {
        return refuse(why, STATUS_CONFLICT_SIZE, "upload_end is before the mirror checkpoint");
    }
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    *valid = true;
    TRY(tree_read_head(txn, upload->log.number, &head));
    if (header->start > head.size) {
        return refuse(why, STATUS_CONFLICT_SIZE, "upload_start is after the next entry");
    }
    uint64_t stored = header->end < head.size ? header->end : head.size;
    if (header->start < stored && stored - header->start > UPLOAD_EXCESS_MAX) {
        return refuse(why, STATUS_CONFLICT_SIZE, "too many of the entries are stored already");
    }
    return STATUS_OK;
}

static enum status begin(struct store_txn *txn, const struct upload_header *header,
                         struct upload *upload, struct answer *refused, struct refusal *why) {
    struct signed_checkpoint pending;
    bool valid;
    if (header->start > header->end) {
        return refuse(why, STATUS_BAD_SIZE, "upload_start is larger than upload_end");
    }
    TRY(find_mirrored_log(txn, header->origin, &upload->log, why));
    enum status status = mirror_pending(txn, upload->log.number, &pending);
    if (status == STATUS_NOT_FOUND) {
        return refuse(why, STATUS_BAD_PROOF,
                      "no checkpoint of that log was ever added here: add-checkpoint comes first");
    }
    TRY(status);
    status = check_bounds(txn, header, upload, &valid, why);
    if (status == STATUS_CONFLICT_SIZE) {
        TRY(mirror_info_answer(txn, upload->log.number, header->end, valid, 409, refused));
    }
    return status;
}

enum status upload_begin(struct store_txn *txn, const struct upload_header *header,
                         struct upload *out, struct answer *refused) {
    struct upload upload = {.start = header->start, .end = header->end};
    struct refusal why;
    memset(refused, 0, sizeof *refused);
    enum status status = begin(txn, header, &upload, refused, &why);
    if (status == STATUS_OK) {
        *out = upload;
        return STATUS_OK;
    }
    if (batch_is_fatal(status)) {
        (void)refuse(&why, status, "the upload can't begin: %s", status_text(status));
    }
    if (refused->http == 0) {
        answer_refusal(refused, &why);
    }
    return status;
}

/* --- end --- */

/* "If so, update the mirror checkpoint to the pending checkpoint of size upload_end." All its
 * entries are stored, and become durable at the latest with this very commit: "the mirror MUST NOT
 * sign or update its mirror checkpoint until all entries are durably committed." */
static enum status move_checkpoint(struct store_txn *txn, struct upload_end_job *job,
                                   const struct signed_checkpoint *target) {
    uint32_t log = job->upload->log.number;
    uint8_t note[CHECKPOINT_SIZE_MAX];
    uint8_t line[COSIGNATURE_LINE_MAX];
    struct signed_checkpoint moved = *target;
    struct writer w;
    if (target->note.len > sizeof note) {
        return STATUS_STORE_CORRUPT;
    }
    memcpy(note, target->note.data, target->note.len); /* the view ends with the next put */
    moved.note = bytes_of(note, target->note.len);
    writer_init(&w, line, sizeof line);
    TRY(mirror_cosign(txn, log, job->cosigner->mirror, job->now_seconds, moved.size,
                      mirror_note_text(moved.note), &w, &job->timestamp));
    moved.line = writer_view(&w);
    TRY(mirror_set_checkpoint(txn, log, &moved));
    answer_set(&job->answer, 200, "text/plain; charset=utf-8", writer_view(&w));
    return STATUS_OK;
}

static enum status complete(struct store_txn *txn, struct upload_end_job *job) {
    uint32_t log = job->upload->log.number;
    uint64_t end = job->upload->end;
    struct signed_checkpoint mirrored;
    struct signed_checkpoint target;
    enum status status = mirror_checkpoint(txn, log, &mirrored);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    if (status == STATUS_OK && mirrored.size > end) {
        /* Another upload went further meanwhile; "the mirror MUST NOT rewind the checkpoint". */
        return mirror_info_answer(txn, log, end, false, 409, &job->answer);
    }
    status = mirror_known(txn, log, end, &target);
    if (status == STATUS_NOT_FOUND) {
        /* So many pending checkpoints came meanwhile that this one is forgotten. */
        return mirror_info_answer(txn, log, end, false, 409, &job->answer);
    }
    TRY(status);
    struct refusal why;
    status = guard_check_mirror(txn, log, end, &why);
    if (status == STATUS_OK) {
        status = mirror_clock_check(txn, log, job->now_seconds, job->peers, &why);
    }
    if (status == STATUS_BUSY) {
        answer_refusal(&job->answer, &why);
        return STATUS_OK;
    }
    TRY(status);
    TRY(move_checkpoint(txn, job, &target));
    return guard_release(txn, log);
}

static enum status incomplete(struct store_txn *txn, struct upload_end_job *job, uint64_t saved) {
    struct refusal why = job->failed;
    if (job->last != NULL && job->last->job.status != STATUS_OK) {
        (void)refuse(&why, job->last->job.status, "package at entry %llu: %s",
                     (unsigned long long)job->last->package.start,
                     status_text(job->last->job.status));
    }
    if (why.status == STATUS_BAD_PROOF) {
        answer_refusal(&job->answer, &why);
        return STATUS_OK;
    }
    if (saved > 0) {
        return mirror_info_answer(txn, job->upload->log.number, job->upload->end, true, 202,
                                  &job->answer);
    }
    /* "no entry package was authenticated and saved before the body ended": 400, unless the fault
     * was our own. */
    if (why.status != STATUS_BAD_FORM &&
        (why.status == STATUS_OK || answer_http(why.status) < 500)) {
        (void)refuse(&why, STATUS_BAD_FORM, "the body ended before the first package did");
    }
    answer_refusal(&job->answer, &why);
    return STATUS_OK;
}

static enum status upload_end_apply(struct job *job, struct batch *batch) {
    struct upload_end_job *self = (struct upload_end_job *)job;
    struct tree *tree;
    /* Packages of this upload may stand in this very batch: their entries are counted, and what
     * reads the stored size below must see them. */
    TRY(batch_tree(batch, self->upload->log.number, false, &tree));
    TRY(tree_flush(tree, batch->txn));
    uint64_t saved = self->saved;
    if (self->last != NULL && self->last->job.status == STATUS_OK) {
        saved++; /* it was applied before, in this batch or an earlier one */
    }
    bool all = saved == package_count(self->upload->start, self->upload->end);
#ifdef DUTYLOG_BUG_COSIGN_BEFORE_DURABLE
    return complete(batch->txn, self);
#endif
    if (!all) {
        return incomplete(batch->txn, self, saved);
    }
    batch->signs = true;
    /* Each package was stored or was there, and what is stored never shrinks. */
    return tree->frontier.size < self->upload->end ? STATUS_STORE_CORRUPT
                                                   : complete(batch->txn, self);
}

static void upload_end_finish(struct job *job, enum status status) {
    struct upload_end_job *self = (struct upload_end_job *)job;
    (void)mirror_answer_fate(&self->answer, status);
    if (self->done != NULL) {
        self->done(self, status);
    }
}

void upload_end_job_init(struct upload_end_job *job) {
    assert(job->cosigner != NULL && job->cosigner->mirror != NULL);
    job->job.apply = upload_end_apply;
    job->job.finish = upload_end_finish;
    job->job.status = STATUS_OK;
    job->timestamp = 0;
    memset(&job->answer, 0, sizeof job->answer);
}
