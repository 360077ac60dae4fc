#include "ledger/recognition.h"

#include "ledger/accept_parts.h"
#include "ledger/scan.h"

#include <assert.h>
#include <string.h>

/* TABLE_RECOGNITION: log: the public keys of the authority that signed its log.opened, 32 bytes
 * each. log, the first 16 bytes of the SHA-256 of an origin, u64 index: u64 stamp, u16 length and
 * the vkey, u16 length and the address, u8 length and the operator, then the ORI, if there is one.
 * TABLE_META "recognitions": u64 how many of either were written. */
#define ORIGIN_PREFIX 16
#define VALUE_MAX                                                                                  \
    (8 + 2 + VKEY_SIZE_MAX + 2 + RECOGNITION_ADDRESS_MAX + 1 + RECOGNITION_OPERATOR_MAX + ORI_SIZE)

static const char counter[] = "recognitions";

struct row {
    uint64_t index;
    uint64_t stamp_ms;
    struct vkey vkey;
    struct bytes address; /* borrowed from the transaction, as the next two */
    struct bytes operator_name;
    struct bytes ori;
};

static struct key origin_key(uint32_t log, struct bytes origin) {
    struct key key = key_log(TABLE_RECOGNITION, log);
    struct hash id;
    hash_of(origin.data, origin.len, &id);
    key_bytes(&key, bytes_of(id.bytes, ORIGIN_PREFIX));
    return key;
}

static void read_vkey(const struct event *event, const char *member, struct vkey *out) {
    enum status status = vkey_parse(bytes_text(event_open_text(event, member)), out, NULL);
    assert(status == STATUS_OK); /* member_check took it */
}

/* --- the counter --- */

static struct key counter_key(void) {
    struct key key;
    key_start(&key, TABLE_META);
    key_bytes(&key, bytes_text(counter));
    return key;
}

enum status recognition_count(struct store_txn *txn, uint64_t *count) {
    struct key key = counter_key();
    struct bytes value;
    struct reader r;
    uint64_t n = 0;
    enum status status = store_get(txn, key_view(&key), &value);
    if (status == STATUS_OK) {
        reader_init(&r, value);
        if (!reader_u64(&r, &n) || !reader_done(&r)) {
            return STATUS_STORE_CORRUPT;
        }
    } else if (status != STATUS_NOT_FOUND) {
        return status;
    }
    *count = n;
    return STATUS_OK;
}

static enum status count_one(struct store_txn *txn) {
    struct key key = counter_key();
    uint64_t n = 0;
    uint8_t value[8];
    struct writer w;
    TRY(recognition_count(txn, &n));
    writer_init(&w, value, sizeof value);
    writer_u64(&w, n + 1);
    return store_put(txn, key_view(&key), writer_view(&w));
}

/* --- writing --- */

size_t recognition_signers(const struct event *event,
                           struct sign_public keys[static EVENT_SIGNATURES_MAX]) {
    struct opened opened;
    size_t count = 0;
    opened_of(event, &opened);
    for (size_t i = 0; i < event->note.count; i++) {
        const struct note_signature *line = &event->note.signatures[i];
        const struct vkey *root = opened_authority(&opened, line->name);
        if (root != NULL && note_signature_is_by(line, root) && count < EVENT_SIGNATURES_MAX) {
            keys[count++] = root->key;
        }
    }
    return count;
}

enum status recognition_put_opened(struct store_txn *txn, uint32_t log, const struct event *event) {
    struct sign_public keys[EVENT_SIGNATURES_MAX];
    uint8_t value[EVENT_SIGNATURES_MAX * SIGN_PUBLIC_SIZE];
    struct key key = key_log(TABLE_RECOGNITION, log);
    struct writer w;
    size_t count = recognition_signers(event, keys);
    writer_init(&w, value, sizeof value);
    for (size_t i = 0; i < count; i++) {
        writer_put(&w, keys[i].bytes, sizeof keys[i].bytes);
    }
    assert(!w.failed && count > 0); /* a threshold of at least one signed it */
    TRY(count_one(txn));
    return store_put(txn, key_view(&key), writer_view(&w));
}

enum status recognition_put(struct store_txn *txn, uint32_t log, const struct event *event,
                            uint64_t index, uint64_t stamp_ms) {
    const char *vkey_text = event_open_text(event, "log_vkey");
    const char *address = event_open_text(event, "address");
    const char *operator_name = event_open_text(event, "operator");
    const char *ori = event_open_text(event, "ori");
    struct vkey vkey;
    uint8_t value[VALUE_MAX];
    struct writer w;
    assert(vkey_text != NULL && address != NULL && operator_name != NULL);
    read_vkey(event, "log_vkey", &vkey);
    struct key key = origin_key(log, vkey_name(&vkey));
    key_u64(&key, index);
    writer_init(&w, value, sizeof value);
    writer_u64(&w, stamp_ms);
    writer_u16(&w, (uint16_t)strlen(vkey_text));
    writer_text(&w, vkey_text);
    writer_u16(&w, (uint16_t)strlen(address));
    writer_text(&w, address);
    writer_u8(&w, (uint8_t)strlen(operator_name));
    writer_text(&w, operator_name);
    writer_text(&w, ori != NULL ? ori : "");
    assert(!w.failed);
    TRY(count_one(txn));
    return store_put(txn, key_view(&key), writer_view(&w));
}

/* --- reading --- */

static bool take_sized(struct reader *r, bool wide, size_t max, struct bytes *out) {
    uint16_t len = 0;
    uint8_t narrow = 0;
    if (!(wide ? reader_u16(r, &len) : reader_u8(r, &narrow))) {
        return false;
    }
    len = wide ? len : narrow;
    return len > 0 && len <= max && reader_take(r, len, out);
}

static bool decode(struct bytes key, struct bytes value, struct row *out) {
    struct reader r;
    struct bytes vkey;
    size_t skip = 1 + 4 + ORIGIN_PREFIX;
    reader_init(&r, bytes_of(key.data + skip, key.len - skip));
    if (!reader_u64(&r, &out->index) || !reader_done(&r)) {
        return false;
    }
    reader_init(&r, value);
    if (!reader_u64(&r, &out->stamp_ms) || !take_sized(&r, true, VKEY_SIZE_MAX, &vkey) ||
        !take_sized(&r, true, RECOGNITION_ADDRESS_MAX, &out->address) ||
        !take_sized(&r, false, RECOGNITION_OPERATOR_MAX, &out->operator_name) ||
        (r.rest.len != 0 && r.rest.len != ORI_SIZE)) {
        return false;
    }
    out->ori = r.rest;
    return vkey_parse(vkey, &out->vkey, NULL) == STATUS_OK;
}

static enum status next_row(struct scan *scan, struct row *row) {
    struct bytes key;
    struct bytes value;
    do {
        TRY(scan_next(scan, &key, &value));
    } while (key.len == 1 + 4); /* who signed the opening */
    return key.len > 1 + 4 + ORIGIN_PREFIX && decode(key, value, row) ? STATUS_OK
                                                                      : STATUS_STORE_CORRUPT;
}

static struct scan rows_of(struct store_txn *txn, struct key prefix) {
    return scan_from(txn, prefix, prefix);
}

/* The next one of this origin: its hash's prefix is not all of it. */
static enum status next_of(struct scan *scan, struct bytes origin, struct row *row) {
    do {
        TRY(next_row(scan, row));
    } while (!bytes_equal(vkey_name(&row->vkey), origin));
    return STATUS_OK;
}

enum status recognition_check(struct store_txn *txn, const struct log *log,
                              const struct event *event, struct refusal *why) {
    struct vkey vkey;
    struct row row;
    read_vkey(event, "log_vkey", &vkey);
    if (bytes_equal(vkey_name(&vkey), vkey_name(&log->vkey))) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "member log_vkey: a log does not recognise itself: give another log's");
    }
    struct scan scan = rows_of(txn, origin_key(log->number, vkey_name(&vkey)));
    enum status status = next_of(&scan, vkey_name(&vkey), &row);
    if (status == STATUS_OK && !vkey_equal(&row.vkey, &vkey)) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "member log_vkey: entry %llu recognises %.60s with another key: a log that "
                      "got another key goes on under another origin (log.succeeded)",
                      (unsigned long long)row.index, vkey.name);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static void copy_text(char *out, struct bytes text) {
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
}

enum status recognition_get(struct store_txn *txn, uint32_t by, struct bytes origin,
                            struct recognition *out) {
    struct key prefix = origin_key(by, origin);
    struct key from = prefix;
    struct row row;
    key_u64(&from, UINT64_MAX);
    do { /* from the last back: a log may have said it a thousand times */
        struct bytes key;
        struct bytes value;
        TRY(store_seek_back(txn, key_view(&from), &key, &value));
        if (key.len <= prefix.len || memcmp(key.data, prefix.data, prefix.len) != 0) {
            return STATUS_NOT_FOUND;
        }
        if (!decode(key, value, &row) || row.index == 0) {
            return STATUS_STORE_CORRUPT; /* entry 0 opens its log */
        }
        from = prefix;
        key_u64(&from, row.index - 1);
    } while (!bytes_equal(vkey_name(&row.vkey), origin));
    out->index = row.index;
    copy_text(out->address, row.address);
    copy_text(out->operator_name, row.operator_name);
    out->ori[0] = '\0';
    if (row.ori.len > 0) {
        copy_text(out->ori, row.ori);
    }
    return STATUS_OK;
}

/* --- pins --- */

bool pin_holds(const struct pin *pin, const struct sign_public *keys, size_t count) {
    size_t found = 0;
    for (size_t i = 0; i < pin->root_count; i++) {
        for (size_t k = 0; k < count; k++) {
            if (memcmp(pin->roots[i].key.bytes, keys[k].bytes, sizeof keys[k].bytes) == 0) {
                found++;
                break;
            }
        }
    }
    return found >= pin->threshold;
}

static enum status verify_opened(const struct event *event, const struct pin *pin,
                                 struct opened *out, struct refusal *why) {
    struct sign_public signers[EVENT_SIGNATURES_MAX];
    struct vkey keys[EVENT_SIGNATURES_MAX];
    if (event->kind->id != KIND_LOG_OPENED) {
        return refuse(why, STATUS_BAD_MEMBER, "member kind: the first entry is no log.opened");
    }
    /* The keys are in it; no store is looked at. */
    TRY(accept_find_keys(NULL, NULL, event, keys, why));
    TRY(accept_verify(event, keys, why));
    size_t count = recognition_signers(event, signers);
    if (!pin_holds(pin, signers, count)) {
        return refuse(why, STATUS_DENIED_KEY,
                      "fewer than %zu of the %zu roots of %s signed its opening", pin->threshold,
                      pin->root_count, pin->name);
    }
    opened_of(event, out);
    return STATUS_OK;
}

enum status recognition_verify_opened(struct bytes entry, const struct pin *pin, struct opened *out,
                                      struct refusal *why) {
    struct event event;
    struct bytes note;
    uint64_t stamp_ms = 0;
    TRY(entry_parse(entry, &stamp_ms, &note, why));
    TRY(event_parse(note, &event, why));
    enum status status = verify_opened(&event, pin, out, why);
    event_release(&event);
    return status;
}

/* The first pin that anchors the log; NOT_FOUND. */
static enum status find_pin(struct store_txn *txn, uint32_t log, const struct pin *pins,
                            size_t pin_count, size_t *out) {
    struct sign_public keys[EVENT_SIGNATURES_MAX];
    struct key key = key_log(TABLE_RECOGNITION, log);
    struct bytes value;
    TRY(store_get(txn, key_view(&key), &value));
    size_t count = value.len / SIGN_PUBLIC_SIZE;
    if (value.len % SIGN_PUBLIC_SIZE != 0 || count == 0 || count > EVENT_SIGNATURES_MAX) {
        return STATUS_STORE_CORRUPT;
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(keys[i].bytes, value.data + i * SIGN_PUBLIC_SIZE, SIGN_PUBLIC_SIZE);
    }
    for (size_t i = 0; i < pin_count; i++) {
        if (pin_holds(&pins[i], keys, count)) {
            *out = i;
            return STATUS_OK;
        }
    }
    return STATUS_NOT_FOUND;
}

/* --- the set --- */

#define BUCKETS (2 * RECOGNISED_MAX)
static_assert(RECOGNISED_MAX < UINT16_MAX, "a bucket holds a place from 1");

/* Where the origin is, or would be put: a bucket. */
static size_t bucket_of(const struct recognition_set *set, struct bytes origin) {
    struct hash id;
    hash_of(origin.data, origin.len, &id);
    size_t at = ((size_t)id.bytes[0] << 16 | (size_t)id.bytes[1] << 8 | id.bytes[2]) % BUCKETS;
    while (set->buckets[at] != 0 &&
           !bytes_equal(vkey_name(&set->list[set->buckets[at] - 1].vkey), origin)) {
        at = (at + 1) % BUCKETS;
    }
    return at;
}

const struct recognised *recognition_of(const struct recognition_set *set, struct bytes origin) {
    size_t at = bucket_of(set, origin);
    return set->buckets[at] != 0 ? &set->list[set->buckets[at] - 1] : NULL;
}

static void add(struct recognition_set *set, const struct recognised *found) {
    size_t at = bucket_of(set, vkey_name(&found->vkey));
    assert(set->buckets[at] == 0);
    if (set->count == RECOGNISED_MAX ||
        (found->depth > 1 && set->below[found->top] == RECOGNISED_BELOW_MAX)) {
        set->full = true;
        return;
    }
    set->list[set->count] = *found;
    set->below[set->count] = 0;
    if (found->depth <= 1) {
        set->list[set->count].top = set->count;
    } else {
        set->below[found->top]++;
    }
    set->count++;
    set->buckets[at] = (uint16_t)set->count;
}

static enum status find_anchored(struct store_txn *txn, const struct pin *pins, size_t pin_count,
                                 struct recognition_set *set) {
    uint32_t count = 0;
    TRY(logs_count(txn, &count));
    for (uint32_t number = 1; number <= count; number++) {
        struct recognised found = {.log = number};
        struct log log;
        enum status status = find_pin(txn, number, pins, pin_count, &found.pin);
        if (status == STATUS_NOT_FOUND) {
            continue;
        }
        TRY(status);
        TRY(logs_get(txn, number, &log));
        found.vkey = log.vkey;
        add(set, &found);
    }
    return STATUS_OK;
}

/* Is `a` before `b` in the order (stamp, origin of the recogniser, index)? */
static enum status is_earlier(struct store_txn *txn, const struct recognised *a,
                              const struct recognised *b, bool *earlier) {
    struct log log_a;
    struct log log_b;
    if (a->stamp_ms != b->stamp_ms || a->by == b->by) {
        *earlier = a->stamp_ms != b->stamp_ms ? a->stamp_ms < b->stamp_ms : a->index < b->index;
        return STATUS_OK;
    }
    TRY(logs_get(txn, a->by, &log_a));
    TRY(logs_get(txn, b->by, &log_b));
    *earlier = bytes_compare(vkey_name(&log_a.vkey), vkey_name(&log_b.vkey)) < 0;
    return STATUS_OK;
}

/* Is the log known here, and by this key? */
static enum status find_number(struct store_txn *txn, struct recognised *found) {
    struct log log;
    enum status status = logs_find(txn, vkey_name(&found->vkey), &log);
    if (status == STATUS_UNKNOWN_LOG) {
        return STATUS_OK;
    }
    TRY(status);
    found->other_key = !vkey_equal(&log.vkey, &found->vkey);
    found->log = found->other_key ? 0 : log.number;
    return STATUS_OK;
}

static enum status add_found(struct store_txn *txn, struct recognition_set *set,
                             struct recognised *found) {
    size_t at = bucket_of(set, vkey_name(&found->vkey));
    TRY(find_number(txn, found));
    if (set->buckets[at] == 0) {
        add(set, found);
        return STATUS_OK;
    }
    struct recognised *known = &set->list[set->buckets[at] - 1];
    bool earlier = false;
    if (known->depth < found->depth) {
        return STATUS_OK; /* by a shorter way already */
    }
    TRY(is_earlier(txn, found, known, &earlier));
    if (earlier) {
        size_t top = known->top; /* it keeps its place among those that hang there */
        *known = *found;
        known->top = top;
    }
    return STATUS_OK;
}

/* What the log at list[at] recognises. Rows of one origin stand together, the first of them first:
 * that one is the recognition, and the others, which move its address, are skipped, however many.
 * (Two origins whose hashes share the prefix count as one: they take 2^64 tries to find.) */
static enum status expand(struct store_txn *txn, struct recognition_set *set, size_t at) {
    struct recognised by = set->list[at];
    struct scan scan = rows_of(txn, key_log(TABLE_RECOGNITION, by.log));
    const size_t most = by.depth == 0 ? RECOGNISED_MAX : RECOGNISED_BELOW_MAX;
    for (size_t origins = 0;; origins++) {
        struct row row;
        enum status status = next_row(&scan, &row);
        if (status != STATUS_OK) {
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        }
        if (origins == most || set->looked == RECOGNITIONS_MAX) {
            set->full = true;
            return STATUS_OK;
        }
        set->looked++;
        scan.at = origin_key(by.log, vkey_name(&row.vkey));
        key_u64(&scan.at, UINT64_MAX);
        struct recognised found = {.vkey = row.vkey,
                                   .depth = by.depth + 1,
                                   .pin = by.pin,
                                   .top = by.top,
                                   .by = by.log,
                                   .index = row.index,
                                   .stamp_ms = row.stamp_ms};
        TRY(add_found(txn, set, &found));
    }
}

enum status recognition_find(struct store_txn *txn, const struct pin *pins, size_t pin_count,
                             struct recognition_set *out) {
    out->count = 0;
    out->looked = 0;
    out->full = false;
    memset(out->buckets, 0, sizeof out->buckets);
    TRY(find_anchored(txn, pins, pin_count, out));
    size_t begin = 0;
    for (unsigned depth = 0; depth < RECOGNITION_DEPTH_MAX; depth++) {
        size_t end = out->count; /* what is found now is one deeper */
        for (size_t i = begin; i < end; i++) {
            if (out->list[i].log != 0) {
                TRY(expand(txn, out, i));
            }
        }
        begin = end;
    }
    return STATUS_OK;
}
