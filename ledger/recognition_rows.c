/* What the store keeps of recognitions: what each log says of others, in the order in which it said
 * it, and by which agencies to find it. */
#include "ledger/recognition_parts.h"

#include "ledger/accept_parts.h"
#include "ledger/json.h"

#include <assert.h>
#include <string.h>

/* TABLE_RECOGNITION: log: the public keys of the authority that signed its log.opened, 32 bytes
 * each. log, the first 16 bytes of the SHA-256 of an origin, u64 index: u8 what, u64 stamp, u64
 * index and u64 stamp of where this recognition began, u32 place, u16 length and the vkey, u16
 * length and the address, u8 length and the operator (of a withdrawal, what was said of these
 * last); of a log.recognised then u8 count and the ORIs, u8 count and the states, u32 roles.
 * TABLE_COVERED: log, u8 sort, the agencies, u32 place: the first 16 bytes of the origin's hash. A
 * row is written once and stays, whatever is said later: the rows above tell what holds.
 * TABLE_OPENER: the first 16 bytes of the SHA-256 of a public key, u32 log: nothing.
 * TABLE_META "recognitions": u64 how many openings, recognitions and withdrawals were written. */
#define ID_SIZE 16
#define BOUNDS_MAX (1 + RECOGNITION_ORIS_MAX * ORI_SIZE + 1 + RECOGNITION_STATES_MAX * 2 + 4)
#define VALUE_MAX                                                                                  \
    (1 + 8 + 8 + 8 + 4 + 2 + VKEY_SIZE_MAX + 2 + RECOGNITION_ADDRESS_MAX + 1 +                     \
     RECOGNITION_OPERATOR_MAX + BOUNDS_MAX)

/* By which agencies a recognition is found. */
enum sort { SORT_ALL, SORT_ANY_AGENCY, SORT_STATE, SORT_ORI, SORT_COUNT };

static const char counter[] = "recognitions";

static void id_of(struct bytes text, struct hash *out) {
    hash_of(text.data, text.len, out);
}

static struct key id_key(uint32_t log, struct bytes id) {
    struct key key = key_log(TABLE_RECOGNITION, log);
    assert(id.len == ID_SIZE);
    key_bytes(&key, id);
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

/* --- openings --- */

static struct key opener_key(const struct sign_public *key) {
    struct key at;
    struct hash id;
    hash_of(key->bytes, sizeof key->bytes, &id);
    key_start(&at, TABLE_OPENER);
    key_bytes(&at, bytes_of(id.bytes, ID_SIZE));
    return at;
}

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
        struct key opener = opener_key(&keys[i]);
        key_u32(&opener, log);
        TRY(store_put(txn, key_view(&opener), bytes_of(NULL, 0)));
        writer_put(&w, keys[i].bytes, sizeof keys[i].bytes);
    }
    assert(!w.failed && count > 0); /* a threshold of at least one signed it */
    TRY(count_one(txn));
    return store_put(txn, key_view(&key), writer_view(&w));
}

enum status recognition_openers(struct store_txn *txn, uint32_t log,
                                struct sign_public keys[static EVENT_SIGNATURES_MAX], size_t *out) {
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
    *out = count;
    return STATUS_OK;
}

enum status recognition_each_opened(struct store_txn *txn, const struct sign_public *key,
                                    enum status (*each)(void *context, uint32_t log),
                                    void *context) {
    struct key prefix = opener_key(key);
    struct scan scan = scan_from(txn, prefix, prefix);
    struct bytes at;
    struct bytes value;
    for (;;) {
        struct reader r;
        uint32_t log = 0;
        enum status status = scan_next(&scan, &at, &value);
        if (status != STATUS_OK) {
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        }
        reader_init(&r, bytes_of(at.data + prefix.len, at.len - prefix.len));
        if (!reader_u32(&r, &log) || !reader_done(&r)) {
            return STATUS_STORE_CORRUPT;
        }
        TRY(each(context, log));
    }
}

/* --- bounds --- */

void recognition_bounds_of(const struct event *event, struct recognition_bounds *out) {
    const json_t *oris = json_object_get(event->open, "oris");
    const json_t *states = json_object_get(event->open, "states");
    const json_t *roles = json_object_get(event->open, "roles");
    memset(out, 0, sizeof *out);
    out->ori_count = json_array_size(oris);
    out->state_count = json_array_size(states);
    /* The rows' maxima. */
    assert(out->ori_count <= RECOGNITION_ORIS_MAX && out->state_count <= RECOGNITION_STATES_MAX);
    for (size_t i = 0; i < out->ori_count; i++) {
        memcpy(out->oris[i], json_string_value(json_array_get(oris, i)), ORI_SIZE);
    }
    for (size_t i = 0; i < out->state_count; i++) {
        memcpy(out->states[i], json_string_value(json_array_get(states, i)), 2);
    }
    for (size_t i = 0; i < json_array_size(roles); i++) {
        struct bytes role = jcs_text(json_array_get(roles, i));
        out->roles |= role_find((const char *)role.data, role.len);
    }
}

bool recognition_covers(const struct recognition_bounds *bounds, const char ori[ORI_SIZE]) {
    for (size_t i = 0; i < bounds->ori_count; i++) {
        if (memcmp(bounds->oris[i], ori, ORI_SIZE) == 0) {
            return true;
        }
    }
    for (size_t i = 0; i < bounds->state_count; i++) {
        if (memcmp(bounds->states[i], ori, 2) == 0) {
            return true;
        }
    }
    return bounds->ori_count == 0 && bounds->state_count == 0;
}

static void put_bounds(struct writer *w, const struct recognition_bounds *bounds) {
    writer_u8(w, (uint8_t)bounds->ori_count);
    writer_put(w, bounds->oris, bounds->ori_count * ORI_SIZE);
    writer_u8(w, (uint8_t)bounds->state_count);
    writer_put(w, bounds->states, bounds->state_count * 2);
    writer_u32(w, bounds->roles);
}

static bool take_bounds(struct reader *r, struct recognition_bounds *out) {
    uint8_t oris = 0;
    uint8_t states = 0;
    struct bytes taken;
    if (!reader_u8(r, &oris) || oris > RECOGNITION_ORIS_MAX ||
        !reader_take(r, (size_t)oris * ORI_SIZE, &taken)) {
        return false;
    }
    memcpy(out->oris, taken.data, taken.len);
    if (!reader_u8(r, &states) || states > RECOGNITION_STATES_MAX ||
        !reader_take(r, (size_t)states * 2, &taken)) {
        return false;
    }
    memcpy(out->states, taken.data, taken.len);
    out->ori_count = oris;
    out->state_count = states;
    return reader_u32(r, &out->roles) && (out->roles & ~RECOGNITION_ROLES) == 0;
}

/* --- a row --- */

static void put_sized(struct writer *w, bool wide, const char *text) {
    size_t len = strlen(text);
    if (wide) {
        writer_u16(w, (uint16_t)len);
    } else {
        writer_u8(w, (uint8_t)len);
    }
    writer_text(w, text);
}

static void encode(struct writer *w, const struct recognition *row) {
    writer_u8(w, row->withdrawn ? 0 : 1);
    writer_u64(w, row->stamp_ms);
    writer_u64(w, row->since_index);
    writer_u64(w, row->since_ms);
    writer_u32(w, row->place);
    char vkey[VKEY_SIZE_MAX + 1];
    struct writer text;
    writer_init(&text, vkey, sizeof vkey - 1);
    vkey_format(&text, &row->vkey);
    vkey[text.len] = '\0';
    put_sized(w, true, vkey);
    put_sized(w, true, row->address);
    put_sized(w, false, row->operator_name);
    if (!row->withdrawn) {
        put_bounds(w, &row->bounds);
    }
}

static bool take_sized(struct reader *r, bool wide, size_t max, struct bytes *out) {
    uint16_t len = 0;
    uint8_t narrow = 0;
    if (!(wide ? reader_u16(r, &len) : reader_u8(r, &narrow))) {
        return false;
    }
    len = wide ? len : narrow;
    return len > 0 && len <= max && reader_take(r, len, out);
}

static bool take_text(struct reader *r, bool wide, size_t max, char *out) {
    struct bytes text;
    if (!take_sized(r, wide, max, &text)) {
        return false;
    }
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    return true;
}

static bool decode(struct bytes key, struct bytes value, struct recognition *out) {
    struct reader r;
    struct bytes vkey;
    uint8_t what = 0;
    size_t skip = 1 + 4 + ID_SIZE;
    memset(out, 0, sizeof *out);
    reader_init(&r, bytes_of(key.data + skip, key.len - skip));
    if (!reader_u64(&r, &out->index) || !reader_done(&r)) {
        return false;
    }
    reader_init(&r, value);
    reader_u8(&r, &what);
    reader_u64(&r, &out->stamp_ms);
    reader_u64(&r, &out->since_index);
    reader_u64(&r, &out->since_ms);
    if (!reader_u32(&r, &out->place) || what > 1 || !take_sized(&r, true, VKEY_SIZE_MAX, &vkey) ||
        vkey_parse(vkey, &out->vkey, NULL) != STATUS_OK) {
        return false;
    }
    out->withdrawn = what == 0;
    return take_text(&r, true, RECOGNITION_ADDRESS_MAX, out->address) &&
           take_text(&r, false, RECOGNITION_OPERATOR_MAX, out->operator_name) &&
           (out->withdrawn || take_bounds(&r, &out->bounds)) && reader_done(&r);
}

/* The last row before `size` whose key starts with `prefix`, from `*from` back. */
static enum status step_back(struct store_txn *txn, const struct key *prefix, struct key *from,
                             struct recognition *out) {
    struct bytes key;
    struct bytes value;
    TRY(store_seek_back(txn, key_view(from), &key, &value));
    if (key.len <= prefix->len || memcmp(key.data, prefix->data, prefix->len) != 0) {
        return STATUS_NOT_FOUND;
    }
    if (!decode(key, value, out) || out->index == 0) {
        return STATUS_STORE_CORRUPT; /* entry 0 opens its log */
    }
    *from = *prefix;
    key_u64(from, out->index - 1);
    return STATUS_OK;
}

enum status recognition_latest(struct store_txn *txn, uint32_t by, struct bytes id, uint64_t size,
                               struct recognition *out) {
    struct key prefix = id_key(by, id);
    struct key from = prefix;
    if (size == 0) {
        return STATUS_NOT_FOUND;
    }
    key_u64(&from, size - 1);
    return step_back(txn, &prefix, &from, out);
}

/* The front of a hash is not all of it: on past another origin's rows, which take 2^64 tries to
 * make. */
enum status recognition_get(struct store_txn *txn, uint32_t by, struct bytes origin, uint64_t size,
                            struct recognition *out) {
    struct hash id;
    id_of(origin, &id);
    struct key prefix = id_key(by, bytes_of(id.bytes, ID_SIZE));
    struct key from = prefix;
    if (size == 0) {
        return STATUS_NOT_FOUND;
    }
    key_u64(&from, size - 1);
    do {
        TRY(step_back(txn, &prefix, &from, out));
    } while (!bytes_equal(vkey_name(&out->vkey), origin));
    return STATUS_OK;
}

/* --- by which agencies --- */

static struct key covered_key(uint32_t log, enum sort sort, const char *agencies) {
    static const uint8_t sizes[SORT_COUNT] = {[SORT_STATE] = 2, [SORT_ORI] = ORI_SIZE};
    struct key key = key_log(TABLE_COVERED, log);
    key_u8(&key, (uint8_t)sort);
    if (sizes[sort] > 0) {
        key_bytes(&key, bytes_of(agencies, sizes[sort]));
    }
    return key;
}

static enum status put_covered(struct store_txn *txn, struct key key, uint32_t place,
                               struct bytes id) {
    key_u32(&key, place);
    return store_put(txn, key_view(&key), id);
}

static enum status cover(struct store_txn *txn, uint32_t log, const struct recognition *row,
                         struct bytes id) {
    const struct recognition_bounds *bounds = &row->bounds;
    TRY(put_covered(txn, covered_key(log, SORT_ALL, NULL), row->place, id));
    if (bounds->ori_count == 0 && bounds->state_count == 0) {
        return put_covered(txn, covered_key(log, SORT_ANY_AGENCY, NULL), row->place, id);
    }
    for (size_t i = 0; i < bounds->state_count; i++) {
        TRY(put_covered(txn, covered_key(log, SORT_STATE, bounds->states[i]), row->place, id));
    }
    for (size_t i = 0; i < bounds->ori_count; i++) {
        TRY(put_covered(txn, covered_key(log, SORT_ORI, bounds->oris[i]), row->place, id));
    }
    return STATUS_OK;
}

/* Of an origin that the log never recognised before. */
static enum status next_place(struct store_txn *txn, uint32_t log, uint32_t *place) {
    struct key prefix = covered_key(log, SORT_ALL, NULL);
    struct key from = prefix;
    struct bytes key;
    struct bytes value;
    struct reader r;
    key_u32(&from, UINT32_MAX);
    *place = 0;
    enum status status = store_seek_back(txn, key_view(&from), &key, &value);
    if (status == STATUS_OK && key.len > prefix.len &&
        memcmp(key.data, prefix.data, prefix.len) == 0) {
        reader_init(&r, bytes_of(key.data + prefix.len, key.len - prefix.len));
        if (!reader_u32(&r, place) || !reader_done(&r)) {
            return STATUS_STORE_CORRUPT;
        }
    } else if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    ++*place;
    return STATUS_OK;
}

static void start_sort(struct recognition_scan *scan, enum sort sort) {
    struct key prefix = covered_key(scan->log, sort, scan->ori);
    scan->sort = (int)sort;
    scan->scan = scan_from(scan->txn, prefix, prefix);
}

struct recognition_scan recognition_scan_of(struct store_txn *txn, uint32_t log, const char *ori) {
    struct recognition_scan scan = {.txn = txn, .log = log, .ori = ori};
    start_sort(&scan, ori != NULL ? SORT_ANY_AGENCY : SORT_ALL);
    return scan;
}

void recognition_scan_skip(struct recognition_scan *scan) {
    scan->scan.at.len = 0;
}

enum status recognition_scan_next(struct recognition_scan *scan, uint32_t *place,
                                  struct bytes *id) {
    struct bytes key;
    struct reader r;
    enum status status;
    while ((status = scan_next(&scan->scan, &key, id)) == STATUS_NOT_FOUND && scan->ori != NULL &&
           scan->sort < SORT_ORI) {
        start_sort(scan, (enum sort)(scan->sort + 1));
    }
    TRY(status);
    size_t prefix = scan->scan.prefix.len;
    reader_init(&r, bytes_of(key.data + prefix, key.len - prefix));
    return reader_u32(&r, place) && reader_done(&r) && id->len == ID_SIZE ? STATUS_OK
                                                                          : STATUS_STORE_CORRUPT;
}

/* --- writing --- */

/* Where the recognition began, and its place, go on from what the log said last; so does where the
 * log is served, which a withdrawal leaves as it was. */
static enum status go_on(struct store_txn *txn, uint32_t log, struct recognition *row) {
    struct recognition last;
    row->since_index = row->index;
    row->since_ms = row->stamp_ms;
    enum status status = recognition_get(txn, log, vkey_name(&row->vkey), row->index, &last);
    if (status == STATUS_OK) {
        row->place = last.place;
        if (row->withdrawn) {
            memcpy(row->address, last.address, sizeof row->address);
            memcpy(row->operator_name, last.operator_name, sizeof row->operator_name);
        } else if (!last.withdrawn) {
            row->since_index = last.since_index;
            row->since_ms = last.since_ms;
        }
    } else if (status != STATUS_NOT_FOUND) {
        return status;
    }
    assert(!row->withdrawn || row->place != 0); /* something was there to withdraw */
    return row->place != 0 ? STATUS_OK : next_place(txn, log, &row->place);
}

static void read_row(const struct event *event, struct recognition *out) {
    memset(out, 0, sizeof *out);
    read_vkey(event, "log_vkey", &out->vkey);
    out->withdrawn = event->kind->id == KIND_RECOGNITION_WITHDRAWN;
    if (!out->withdrawn) {
        const char *address = event_open_text(event, "address");
        const char *operator_name = event_open_text(event, "operator");
        assert(address != NULL && operator_name != NULL); /* required, and no longer than this */
        memcpy(out->address, address, strlen(address) + 1);
        memcpy(out->operator_name, operator_name, strlen(operator_name) + 1);
        recognition_bounds_of(event, &out->bounds);
    }
}

enum status recognition_put(struct store_txn *txn, uint32_t log, const struct event *event,
                            uint64_t index, uint64_t stamp_ms) {
    struct recognition row;
    struct hash hash;
    uint8_t value[VALUE_MAX];
    struct writer w;
    read_row(event, &row);
    row.index = index;
    row.stamp_ms = stamp_ms;
    TRY(go_on(txn, log, &row));
    id_of(vkey_name(&row.vkey), &hash);
    struct bytes id = bytes_of(hash.bytes, ID_SIZE);
    struct key key = id_key(log, id);
    key_u64(&key, index);
    writer_init(&w, value, sizeof value);
    encode(&w, &row);
    assert(!w.failed);
    TRY(count_one(txn));
    TRY(store_put(txn, key_view(&key), writer_view(&w)));
    return row.withdrawn ? STATUS_OK : cover(txn, log, &row, id);
}

/* --- acceptance --- */

enum status recognition_check(struct store_txn *txn, const struct log *log,
                              const struct event *event, struct refusal *why) {
    struct vkey vkey;
    struct recognition last;
    bool withdraws = event->kind->id == KIND_RECOGNITION_WITHDRAWN;
    read_vkey(event, "log_vkey", &vkey);
    if (bytes_equal(vkey_name(&vkey), vkey_name(&log->vkey))) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "member log_vkey: a log does not recognise itself: give another log's");
    }
    enum status status = recognition_get(txn, log->number, vkey_name(&vkey), UINT64_MAX, &last);
    if (status == STATUS_NOT_FOUND && withdraws) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "member log_vkey: no entry of this log recognises %.60s: there is nothing to "
                      "withdraw",
                      vkey.name);
    }
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    if (!vkey_equal(&last.vkey, &vkey)) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "member log_vkey: entry %llu names %.60s with another key: a log that "
                      "got another key goes on under another origin (log.succeeded)",
                      (unsigned long long)last.index, vkey.name);
    }
    if (withdraws && last.withdrawn) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "member log_vkey: entry %llu withdrew the recognition of %.60s already",
                      (unsigned long long)last.index, vkey.name);
    }
    return STATUS_OK;
}
