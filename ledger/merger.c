#include "ledger/merger.h"

#include "ledger/scan.h"

#include <assert.h>
#include <string.h>

/* TABLE_MERGER: ORI, u32 log, u64 index: the other ORI, u32 role. Two rows of one event: of the
 * agency that became part of another, and of that one. */
static struct key ori_key(const uint8_t *ori) {
    struct key key;
    key_start(&key, TABLE_MERGER);
    key_bytes(&key, bytes_of(ori, ORI_SIZE));
    return key;
}

static enum status put_side(struct store_txn *txn, uint32_t log, const char *ori, const char *other,
                            uint32_t role, uint64_t index) {
    uint8_t value[ORI_SIZE + 4];
    struct writer w;
    struct key key = ori_key((const uint8_t *)ori);
    key_u32(&key, log);
    key_u64(&key, index);
    writer_init(&w, value, sizeof value);
    writer_put(&w, other, ORI_SIZE);
    writer_u32(&w, role);
    assert(!w.failed);
    return store_put(txn, key_view(&key), writer_view(&w));
}

enum status merger_put(struct store_txn *txn, uint32_t log, const struct event *event,
                       uint32_t role, uint64_t index) {
    const char *ori = event_open_text(event, "ori");
    const char *into = event_open_text(event, "into");
    assert(ori != NULL && into != NULL && strcmp(ori, into) != 0); /* event_parse took it */
    TRY(put_side(txn, log, ori, into, role, index));
    return put_side(txn, log, into, ori, role, index);
}

static bool decode(struct bytes place, struct bytes value, struct merger *out) {
    struct reader r;
    struct bytes other;
    reader_init(&r, place);
    reader_u32(&r, &out->log);
    reader_u64(&r, &out->index);
    if (!reader_done(&r)) {
        return false;
    }
    reader_init(&r, value);
    if (!reader_take(&r, ORI_SIZE, &other) || !reader_u32(&r, &out->role)) {
        return false;
    }
    memcpy(out->other, other.data, ORI_SIZE);
    return reader_done(&r);
}

/* --- joining --- */

struct joined {
    uint8_t (*oris)[ORI_SIZE];
    size_t count; /* those of the levels before, and of this one so far, which is in order */
    size_t max;
    size_t level; /* where the one being found begins */
};

/* Into its place among those of the same distance; of too many the last falls out. */
static void add(struct joined *j, const uint8_t *ori) {
    size_t at = j->count;
    for (size_t i = 0; i < j->count; i++) {
        if (memcmp(j->oris[i], ori, ORI_SIZE) == 0) {
            return;
        }
    }
    while (at > j->level && memcmp(ori, j->oris[at - 1], ORI_SIZE) < 0) {
        at--;
    }
    if (j->count == j->max) {
        if (at == j->count) {
            return;
        }
        j->count--;
    }
    memmove(j->oris[at + 1], j->oris[at], (j->count - at) * ORI_SIZE);
    memcpy(j->oris[at], ori, ORI_SIZE);
    j->count++;
}

static enum status join_one(struct store_txn *txn, const struct merger_sources *sources,
                            const uint8_t *ori, struct joined *j) {
    struct key prefix = ori_key(ori);
    struct scan scan = scan_from(txn, prefix, prefix);
    uint32_t before = 0;
    size_t alike = 0;
    for (;;) {
        struct bytes key;
        struct bytes value;
        struct merger merger;
        bool counts = false;
        enum status status = scan_next(&scan, &key, &value);
        if (status != STATUS_OK) {
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        }
        if (!decode(bytes_of(key.data + prefix.len, key.len - prefix.len), value, &merger)) {
            return STATUS_STORE_CORRUPT;
        }
        alike = merger.log == before ? alike + 1 : 1;
        before = merger.log;
        if (alike > MERGER_ROWS_MAX) {
            scan.at = prefix; /* on with the next log */
            key_u32(&scan.at, merger.log + 1);
            continue;
        }
        TRY(sources->counts(sources->context, ori, &merger, &counts));
        if (counts) {
            add(j, merger.other);
        }
    }
}

enum status merger_join(struct store_txn *txn, const struct merger_sources *sources, size_t max,
                        uint8_t oris[][ORI_SIZE], size_t *count) {
    struct joined j = {.oris = oris, .count = *count, .max = max};
    size_t from = 0;
    assert(*count > 0 && *count <= max);
    while (from < j.count) {
        size_t end = j.count;
        j.level = end;
        for (; from < end; from++) {
            uint8_t ori[ORI_SIZE]; /* none of these levels moves any more */
            memcpy(ori, oris[from], ORI_SIZE);
            TRY(join_one(txn, sources, ori, &j));
        }
    }
    *count = j.count;
    return STATUS_OK;
}
