/* Publishing: the cosigned checkpoints that the log serves, and which of them it keeps for ever
 * (design G7). */
#include "ledger/publish_parts.h"
#include "ledger/schema.h"
#include "ledger/tree.h"

#include <assert.h>
#include <string.h>

/* TABLE_PUBLISHED: (log, size) -> u64 quorum time in seconds, then the checkpoint as the quorum
 * first had it. It is what confirms the times of events, so that later cosignatures never replace
 * it. TABLE_REFRESHED: log -> the same of the latest size, with cosignatures that came later: late
 * ones, hourly ones. */

#define HALF_HOUR 1800u
#define HOUR 3600u

static enum status read_published(struct bytes key, struct bytes value, struct published *out) {
    struct reader r;
    uint8_t table = 0;
    uint32_t log = 0;
    reader_init(&r, key);
    if (!reader_u8(&r, &table) || !reader_u32(&r, &log) || !reader_u64(&r, &out->size) ||
        !reader_done(&r)) {
        return STATUS_STORE_CORRUPT;
    }
    reader_init(&r, value);
    if (!reader_u64(&r, &out->quorum_time)) {
        return STATUS_STORE_CORRUPT;
    }
    out->note = r.rest;
    return STATUS_OK;
}

/* True if the key found lies in this log's share of the table. */
static bool same_log(const struct key *prefix, struct bytes found) {
    return found.len == prefix->len + 8 && memcmp(found.data, prefix->data, prefix->len) == 0;
}

enum status sequencer_published_at_most(struct store_txn *txn, uint32_t log, uint64_t size,
                                        struct published *out) {
    struct key prefix = key_log(TABLE_PUBLISHED, log);
    struct key from = key_log_u64(TABLE_PUBLISHED, log, size);
    struct bytes key;
    struct bytes value;
    TRY(store_seek_back(txn, key_view(&from), &key, &value));
    return same_log(&prefix, key) ? read_published(key, value, out) : STATUS_NOT_FOUND;
}

enum status sequencer_published(struct store_txn *txn, uint32_t log, struct published *out) {
    struct published first;
    struct published fresh = {.size = 0};
    struct bytes value;
    struct reader r;
    TRY(sequencer_published_at_most(txn, log, UINT64_MAX, &first));
    struct key key = key_log(TABLE_REFRESHED, log);
    enum status status = store_get(txn, key_view(&key), &value);
    if (status == STATUS_OK) {
        reader_init(&r, value);
        if (!reader_u64(&r, &fresh.size) || !reader_u64(&r, &fresh.quorum_time)) {
            return STATUS_STORE_CORRUPT;
        }
        fresh.note = r.rest;
    } else if (status != STATUS_NOT_FOUND) {
        return status;
    }
    *out = status == STATUS_OK && fresh.size == first.size ? fresh : first;
    return STATUS_OK;
}

enum status sequencer_published_covering(struct store_txn *txn, uint32_t log, uint64_t index,
                                         struct published *out) {
    struct key prefix = key_log(TABLE_PUBLISHED, log);
    struct key from = key_log_u64(TABLE_PUBLISHED, log, index + 1);
    struct bytes key;
    struct bytes value;
    TRY(store_seek(txn, key_view(&from), &key, &value));
    return same_log(&prefix, key) ? read_published(key, value, out) : STATUS_NOT_FOUND;
}

static uint64_t half_hour(const struct published *published) {
    return published->quorum_time / HALF_HOUR;
}

/* Entry `index` was received at most an hour before `latest` (seconds), and no later than an hour
 * after `first`; true also of what has no stamp. */
static enum status within_hour(struct store_txn *txn, uint32_t log, uint64_t index, uint64_t first,
                               uint64_t latest, bool *within) {
    struct bytes entry;
    struct bytes note;
    uint64_t stamp_ms = 0;
    TRY(tree_entry(txn, log, index, &entry));
    *within = entry_parse(entry, &stamp_ms, &note, NULL) != STATUS_OK ||
              (latest <= stamp_ms / 1000 + HOUR && stamp_ms / 1000 <= first + HOUR);
    return STATUS_OK;
}

/* Without `latest`, is every event that it covers first confirmed at the same time by `next`? Then
 * the time of an event, once confirmed, never changes, whichever of the two a node keeps. */
static enum status confirms_alike(struct store_txn *txn, uint32_t log,
                                  const struct published *before, const struct published *latest,
                                  const struct published *next, bool *alike) {
    uint64_t first = latest->quorum_time;
    assert(before->size < latest->size);
    TRY(within_hour(txn, log, before->size, first, next->quorum_time, alike));
    bool also = false;
    TRY(within_hour(txn, log, latest->size - 1, first, next->quorum_time, &also));
    *alike = *alike && also;
    return STATUS_OK;
}

/* Of each half hour the first and the last are kept: design G7 asks for the first, but then, in a
 * log that falls silent, the second event of a half hour would be shown with the time of whatever
 * is published next, be it a day later. So the latest goes only if it was not its half hour's
 * first, which it is iff the one before it falls into another, `next` falls into the same one, and
 * no event's time hangs on it. */
static enum status drop_superseded(struct store_txn *txn, uint32_t log,
                                   const struct published *latest, const struct published *next) {
    struct published before;
    if (latest->size == 0 || half_hour(next) != half_hour(latest)) {
        return STATUS_OK;
    }
    enum status status = sequencer_published_at_most(txn, log, latest->size - 1, &before);
    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK;
    }
    TRY(status);
    bool alike = false;
    if (half_hour(&before) == half_hour(latest)) {
        TRY(confirms_alike(txn, log, &before, latest, next, &alike));
    }
    if (!alike) {
        return STATUS_OK;
    }
    struct key key = key_log_u64(TABLE_PUBLISHED, log, latest->size);
    return store_remove(txn, key_view(&key));
}

/* Writes the numbers of `head` and the note as one value. */
static enum status put_note(struct store_txn *txn, const struct key *key, const uint64_t *head,
                            size_t count, struct bytes note) {
    uint8_t *room = NULL;
    TRY(store_reserve(txn, key_view(key), 8 * count + note.len, &room));
    struct writer w;
    writer_init(&w, room, 8 * count + note.len);
    for (size_t i = 0; i < count; i++) {
        writer_u64(&w, head[i]);
    }
    writer_bytes(&w, note);
    assert(!w.failed);
    return STATUS_OK;
}

enum status publish_keep(struct store_txn *txn, uint32_t log, const struct published *next) {
    struct published latest;
    enum status status = sequencer_published_at_most(txn, log, UINT64_MAX, &latest);
    if (status == STATUS_OK) {
        assert(latest.size < next->size);
        TRY(drop_superseded(txn, log, &latest, next));
    } else if (status != STATUS_NOT_FOUND) {
        return status;
    }
    struct key key = key_log_u64(TABLE_PUBLISHED, log, next->size);
    return put_note(txn, &key, &next->quorum_time, 1, next->note);
}

static enum status publish_apply(struct job *base, struct batch *batch) {
    struct publish_job *job = (struct publish_job *)base;
    struct published latest;
    struct published next = {.size = job->size, .quorum_time = job->quorum_time, .note = job->note};
    uint32_t log = job->log->number;
    enum status status = sequencer_published_at_most(batch->txn, log, UINT64_MAX, &latest);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    if (status == STATUS_OK && latest.size > job->size) {
        return STATUS_CONFLICT_SIZE;
    }
    if (status == STATUS_OK && latest.size == job->size) {
        struct key key = key_log(TABLE_REFRESHED, log);
        return put_note(batch->txn, &key, (const uint64_t[]){job->size, job->quorum_time}, 2,
                        job->note);
    }
    return publish_keep(batch->txn, log, &next);
}

static void publish_finish(struct job *base, enum status status) {
    struct publish_job *job = (struct publish_job *)base;
    if (job->done != NULL) {
        job->done(job, status);
    }
}

void publish_job_init(struct publish_job *job) {
    memset(job, 0, sizeof *job);
    job->job.apply = publish_apply;
    job->job.finish = publish_finish;
}
