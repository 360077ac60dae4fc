#include "ledger/regain.h"

#include "ledger/guard.h"
#include "ledger/mirror_parts.h"

#include <string.h>

/* --- what was found --- */

static void take_time(const struct note *note, const struct signer *signer, uint64_t *latest) {
    for (size_t i = 0; signer != NULL && i < note->count; i++) {
        uint64_t timestamp;
        if (note_signature_is_by(&note->signatures[i], &signer->vkey) &&
            cosignature_verify(&note->signatures[i], note->text, &signer->vkey, &timestamp) ==
                STATUS_OK &&
            timestamp <= COSIGN_TIME_MAX && timestamp > *latest) {
            *latest = timestamp;
        }
    }
}

bool regain_take(struct regain_found *found, const struct log *log, const struct cosigner *cosigner,
                 unsigned http, struct bytes body) {
    struct note note;
    struct checkpoint checkpoint;
    if (http == 404) {
        return true;
    }
    if (http != 200 || body.len > sizeof found->note ||
        checkpoint_parse(body, &note, &checkpoint, NULL) != STATUS_OK ||
        !bytes_equal(checkpoint.origin, vkey_name(&log->vkey)) ||
        note_verify(&note, &log->vkey) != STATUS_OK) {
        return false;
    }
    take_time(&note, cosigner->mirror, &found->mirror_time);
    take_time(&note, cosigner->witness, &found->witness_time);
    if (found->any && checkpoint.size == found->size &&
        !hash_equal(&checkpoint.root, &found->root)) {
        found->forked = true;
    }
    if (!found->any || checkpoint.size > found->size) {
        found->any = true;
        found->size = checkpoint.size;
        found->root = checkpoint.root;
        memcpy(found->note, body.data, body.len);
        found->note_len = body.len;
    }
    return true;
}

/* --- the floor --- */

/* Of a size that is stored, the tree tells; of that of the pending checkpoint, its root. */
static enum status check_root(struct store_txn *txn, const struct regain_job *job,
                              const struct signed_checkpoint *pending) {
    const struct regain_found *found = job->found;
    struct tree_head head;
    struct hash root;
    if (found->forked) {
        return STATUS_CONFLICT_ROOT;
    }
    if (found->any && found->size == pending->size) {
        return hash_equal(&found->root, &pending->root) ? STATUS_OK : STATUS_CONFLICT_ROOT;
    }
    TRY(tree_read_head(txn, job->log->number, &head));
    if (!found->any || found->size == 0 || found->size > head.size) {
        return STATUS_OK;
    }
    TRY(tree_root_at(txn, job->log->number, found->size, &root));
    return hash_equal(&root, &found->root) ? STATUS_OK : STATUS_CONFLICT_ROOT;
}

static enum status raise_times(struct store_txn *txn, const struct regain_job *job) {
    if (job->cosigner->mirror != NULL) {
        TRY(mirror_raise_time(txn, job->log->number, job->cosigner->mirror,
                              job->found->mirror_time));
    }
    if (job->cosigner->witness != NULL) {
        TRY(mirror_raise_time(txn, job->log->number, job->cosigner->witness,
                              job->found->witness_time));
    }
    return STATUS_OK;
}

/* What this node cosigned is at most the larger of what the log showed to others and what it holds
 * itself as pending. A floor that the pending checkpoint has reached is not raised: what the log
 * signed since then was not cosigned here before. */
static enum status set_floor(struct store_txn *txn, struct regain_job *job,
                             const struct signed_checkpoint *pending,
                             const struct signed_checkpoint *mirrored) {
    const struct regain_found *found = job->found;
    uint32_t log = job->log->number;
    struct guard_floor floor;
    TRY(guard_floor(txn, log, &floor));
    bool reached = floor.known && pending->size >= floor.size;
    if (!reached && found->any && found->size > pending->size) {
        job->behind = true;
        return guard_set_floor(txn, log, found->size, &found->root);
    }
    uint64_t size = reached ? floor.size : pending->size;
    job->over = mirrored->size >= size;
    job->behind = !job->over && found->any && found->size >= size;
    if (job->over) {
        return guard_release(txn, log);
    }
    return reached ? STATUS_OK : guard_set_floor(txn, log, size, &pending->root);
}

static enum status regain_apply(struct job *base, struct batch *batch) {
    struct regain_job *job = (struct regain_job *)base;
    uint32_t log = job->log->number;
    struct signed_checkpoint pending = {.size = 0};
    struct signed_checkpoint mirrored = {.size = 0};
    enum status status = mirror_pending(batch->txn, log, &pending);
    if (status == STATUS_NOT_FOUND) {
        hash_empty(&pending.root);
    } else {
        TRY(status);
    }
    status = mirror_checkpoint(batch->txn, log, &mirrored);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    TRY(check_root(batch->txn, job, &pending));
    TRY(raise_times(batch->txn, job));
    return set_floor(batch->txn, job, &pending, &mirrored);
}

static void regain_finish(struct job *base, enum status status) {
    (void)base;
    (void)status;
}

void regain_job_init(struct regain_job *job) {
    job->job.apply = regain_apply;
    job->job.finish = regain_finish;
    job->job.status = STATUS_OK;
    job->behind = false;
    job->over = false;
}
