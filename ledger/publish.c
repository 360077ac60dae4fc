/* Publishing: the cosigned checkpoints that the log serves, and which of them it keeps for ever
 * (design G7). */
#include "ledger/confirm.h"
#include "ledger/publish_parts.h"
#include "ledger/schema.h"
#include "ledger/tree.h"

#include <assert.h>
#include <string.h>

/* TABLE_PUBLISHED: (log, size) -> u64 quorum time in seconds, u64 size of the last fall, then the
 * checkpoint as the quorum first had it. It is what confirms the times of events, so that later
 * cosignatures never replace it. TABLE_REFRESHED: log -> u64 size, u64 quorum time, and the
 * checkpoint of the latest size with cosignatures that came later: late ones, hourly ones.
 *
 * A *fall* is a kept checkpoint whose quorum time is less than that of the kept one before it, as
 * when a mirror whose clock was ahead is not needed any more. Each row names the last fall up to
 * itself (0: none), since the least of several quorum times is the first one's or a fall's: it is
 * found without reading the rows between, which are two for every half hour of years. */

#define HALF_HOUR 1800u

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
    if (!reader_u64(&r, &out->quorum_time) || out->quorum_time > COSIGN_TIME_MAX ||
        !reader_u64(&r, &out->fall) || out->fall > out->size) {
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

/* The kept one of exactly this size, which a row named. */
static enum status published_at(struct store_txn *txn, uint32_t log, uint64_t size,
                                struct published *out) {
    enum status status = sequencer_published_at_most(txn, log, size, out);
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && out->size != size)) {
        return STATUS_STORE_CORRUPT;
    }
    return status;
}

enum status sequencer_published_confirming(struct store_txn *txn, uint32_t log, uint64_t index,
                                           uint64_t size, struct published *out) {
    struct published last;
    struct published fall;
    assert(index < size);
    TRY(sequencer_published_covering(txn, log, index, out));
#ifdef DUTYLOG_BUG_FIRST_COVERING /* planted: what a wrong clock did stays */
    return STATUS_OK;
#endif
    enum status status = sequencer_published_covering(txn, log, size - 1, &last);
    if (status == STATUS_NOT_FOUND) {
        status = sequencer_published_at_most(txn, log, UINT64_MAX, &last);
    }
    TRY(status);
    uint64_t first = out->size;
    uint64_t first_time = out->quorum_time;
    /* From the last fall back, so that of several that are the least the smallest is taken. */
    while (last.fall > first) {
        TRY(published_at(txn, log, last.fall, &fall));
        if (fall.quorum_time < first_time && fall.quorum_time <= out->quorum_time) {
            *out = fall;
        }
        TRY(sequencer_published_at_most(txn, log, fall.size - 1, &last));
    }
    return STATUS_OK;
}

static uint64_t half_hour(const struct published *published) {
    return published->quorum_time / HALF_HOUR;
}

/* The stamp of entry `index` is what both confirm; true also of what has no stamp. */
static enum status both_confirm(struct store_txn *txn, uint32_t log, uint64_t index,
                                const struct published *latest, const struct published *next,
                                bool *both) {
    struct bytes entry;
    struct bytes note;
    uint64_t stamp_ms = 0;
    TRY(tree_entry(txn, log, index, &entry));
    *both = entry_parse(entry, &stamp_ms, &note, NULL) != STATUS_OK ||
            (confirm_stamp(stamp_ms, latest->quorum_time) &&
             confirm_stamp(stamp_ms, next->quorum_time));
    return STATUS_OK;
}

/* Without `latest`, is every event confirmed at the same time, whatever size is named? Those that
 * `before` covers are, if its own quorum time is the least of the three. Those that `latest` covers
 * first are, if both it and `next` confirm their stamps: the first one's and the last one's, and so
 * all between, since stamps never decrease. Then it makes no difference for the time of an event
 * which of the two a node keeps. */
static enum status confirms_alike(struct store_txn *txn, uint32_t log,
                                  const struct published *before, const struct published *latest,
                                  const struct published *next, bool *alike) {
    bool first = false;
    bool last = false;
    assert(before->size < latest->size);
    TRY(both_confirm(txn, log, before->size, latest, next, &first));
    TRY(both_confirm(txn, log, latest->size - 1, latest, next, &last));
    *alike = first && last && before->quorum_time <= latest->quorum_time &&
             before->quorum_time <= next->quorum_time;
    return STATUS_OK;
}

/* Of each half hour the first and the last are kept: design G7 asks for the first, but then, in a
 * log that falls silent, the second event of a half hour would be shown with the time of whatever
 * is published next, be it a day later. So the latest goes only if it was not its half hour's
 * first, which it is iff the one before it falls into another, `next` falls into the same one, and
 * no event's time hangs on it. */
static enum status drop_superseded(struct store_txn *txn, uint32_t log,
                                   const struct published *latest, const struct published *next,
                                   bool *dropped) {
    struct published before;
    bool alike = false;
    *dropped = false;
    if (latest->size == 0 || half_hour(next) != half_hour(latest)) {
        return STATUS_OK;
    }
    enum status status = sequencer_published_at_most(txn, log, latest->size - 1, &before);
    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK;
    }
    TRY(status);
    if (half_hour(&before) == half_hour(latest)) {
        TRY(confirms_alike(txn, log, &before, latest, next, &alike));
    }
    if (!alike) {
        return STATUS_OK;
    }
    *dropped = true;
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
    uint64_t fall = 0;
    bool dropped = false;
    enum status status = sequencer_published_at_most(txn, log, UINT64_MAX, &latest);
    assert(next->quorum_time <= COSIGN_TIME_MAX);
    if (status == STATUS_OK) {
        assert(latest.size < next->size);
        TRY(drop_superseded(txn, log, &latest, next, &dropped));
        /* Neither the one that was dropped is a fall, nor the one that takes its place. */
        bool falls = !dropped && next->quorum_time < latest.quorum_time;
        fall = falls ? next->size : latest.fall;
    } else if (status != STATUS_NOT_FOUND) {
        return status;
    }
    struct key key = key_log_u64(TABLE_PUBLISHED, log, next->size);
    return put_note(txn, &key, (const uint64_t[]){next->quorum_time, fall}, 2, next->note);
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
