#include "ledger/agency.h"

#include "ledger/member.h"
#include "ledger/scan.h"

#include <assert.h>
#include <string.h>

/* TABLE_AGENCY: ORI, u32 log, u8 sort, u64 index: u64 stamp, u64 day of `from` (0: none), then
 *     registered   2 bytes of state, u32 officers, u8 length and the type, the name
 *     renamed      the name
 *     merged       the ORI of the agency that goes on
 * The sort is twice what it is, and 1 more where a POST signed it. By the ORI first, since one
 * agency is asked for, in all logs; registrations before the others, so that one look tells whether
 * a log has one, however much it says besides; and by who signed, since a log's word may count and
 * not that of a POST in it. */
enum what { WHAT_REGISTERED, WHAT_RENAMED, WHAT_MERGED, WHAT_COUNT };
#define VALUE_MAX (8 + 8 + 2 + 4 + 1 + AGENCY_TYPE_MAX + AGENCY_NAME_MAX)

struct row {
    uint32_t log;
    uint64_t index;
    enum what what;
    bool by_post;
    uint64_t stamp_ms;
    uint64_t from;
    char state[3];
    uint32_t officers;
    struct bytes type; /* borrowed from the transaction */
    struct bytes text; /* name, or ORI */
};

static struct key ori_key(const char *ori) {
    struct key key;
    key_start(&key, TABLE_AGENCY);
    key_bytes(&key, bytes_of(ori, ORI_SIZE));
    return key;
}

static uint8_t sort_of(enum what what, bool by_post) {
    return (uint8_t)(2 * what + (by_post ? 1 : 0));
}

/* --- writing --- */

static void put_registered(struct writer *w, const struct event *event) {
    uint64_t officers = 0;
    const char *type = event_open_text(event, "type");
    bool given = event_open_integer(event, "officers", &officers);
    assert(given && type != NULL && strlen(type) <= AGENCY_TYPE_MAX); /* required by the row */
    writer_text(w, event_open_text(event, "state"));
    writer_u32(w, (uint32_t)officers);
    writer_u8(w, (uint8_t)strlen(type));
    writer_text(w, type);
    writer_text(w, event_open_text(event, "name"));
}

enum status agency_put(struct store_txn *txn, uint32_t log, const struct event *event,
                       uint32_t role, uint64_t index, uint64_t stamp_ms) {
    const char *from = event_open_text(event, "from");
    enum kind_id kind = event->kind->id;
    uint8_t value[VALUE_MAX];
    struct writer w;
    struct key key = ori_key(event_open_text(event, "ori"));
    key_u32(&key, log);
    key_u8(&key, sort_of(kind == KIND_AGENCY_REGISTERED ? WHAT_REGISTERED
                         : kind == KIND_AGENCY_RENAMED  ? WHAT_RENAMED
                                                        : WHAT_MERGED,
                         role == ROLE_POST));
    key_u64(&key, index);
    writer_init(&w, value, sizeof value);
    writer_u64(&w, stamp_ms);
    writer_u64(&w, from != NULL ? date_to_days(from) : 0);
    if (kind == KIND_AGENCY_REGISTERED) {
        put_registered(&w, event);
    } else {
        assert(kind == KIND_AGENCY_RENAMED || kind == KIND_AGENCY_MERGED);
        writer_text(&w, event_open_text(event, kind == KIND_AGENCY_RENAMED ? "name" : "into"));
    }
    assert(!w.failed);
    return store_put(txn, key_view(&key), writer_view(&w));
}

/* --- reading a row --- */

static bool decode_registered(struct reader *r, struct row *row) {
    struct bytes state;
    uint8_t len = 0;
    if (!reader_take(r, 2, &state)) {
        return false;
    }
    memcpy(row->state, state.data, 2);
    row->state[2] = '\0';
    reader_u32(r, &row->officers);
    return reader_u8(r, &len) && len <= AGENCY_TYPE_MAX && reader_take(r, len, &row->type);
}

static bool decode(struct bytes place, struct bytes value, struct row *row) {
    struct reader r;
    uint8_t sort = 0;
    reader_init(&r, place);
    reader_u32(&r, &row->log);
    reader_u8(&r, &sort);
    reader_u64(&r, &row->index);
    if (!reader_done(&r) || sort / 2 >= WHAT_COUNT) {
        return false;
    }
    reader_init(&r, value);
    reader_u64(&r, &row->stamp_ms);
    if (!reader_u64(&r, &row->from)) {
        return false;
    }
    row->what = (enum what)(sort / 2);
    row->by_post = sort % 2 != 0;
    if (row->what == WHAT_REGISTERED && !decode_registered(&r, row)) {
        return false;
    }
    row->text = r.rest;
    return row->text.len > 0 && (row->what == WHAT_MERGED ? row->text.len == ORI_SIZE
                                                          : row->text.len <= AGENCY_NAME_MAX);
}

static enum status next_row(struct scan *scan, struct row *row) {
    struct bytes key;
    struct bytes value;
    size_t skip = 1 + ORI_SIZE;
    TRY(scan_next(scan, &key, &value));
    return decode(bytes_of(key.data + skip, key.len - skip), value, row) ? STATUS_OK
                                                                         : STATUS_STORE_CORRUPT;
}

enum status agency_known(struct store_txn *txn, uint32_t log, const char ori[ORI_SIZE]) {
    struct key prefix = ori_key(ori);
    struct row row;
    key_u32(&prefix, log);
    struct scan scan = scan_from(txn, prefix, prefix);
    TRY(next_row(&scan, &row));
    return row.what == WHAT_REGISTERED ? STATUS_OK : STATUS_NOT_FOUND;
}

/* --- acceptance --- */

static enum status check_ori(struct store_txn *txn, uint32_t log, uint32_t agencies,
                             const char *member, const char *ori, struct refusal *why) {
    enum status status = agency_known(txn, log, ori);
    if (status != STATUS_NOT_FOUND) {
        return status;
    }
    return refuse(why, STATUS_BAD_MEMBER,
                  "member %s: %s is none of the %u agencies that this log registers: correct it, "
                  "or have it registered first (agency.registered)",
                  member, ori, agencies);
}

enum status agency_check(struct store_txn *txn, uint32_t log, uint32_t agencies,
                         const struct event *event, struct refusal *why) {
    const char *ori = event->kind->has_ori ? event_open_text(event, "ori") : NULL;
    if (agencies == 0 || ori == NULL || event->kind->id == KIND_AGENCY_REGISTERED) {
        return STATUS_OK;
    }
    TRY(check_ori(txn, log, agencies, "ori", ori, why));
    return event->kind->id == KIND_AGENCY_MERGED
               ? check_ori(txn, log, agencies, "into", event_open_text(event, "into"), why)
               : STATUS_OK;
}

/* --- resolving --- */

/* Is `a` after `b` in the order (stamp, origin, index)? */
static enum status is_later(struct store_txn *txn, const struct row *a, const struct row *b,
                            bool *later) {
    struct log log_a;
    struct log log_b;
    if (a->stamp_ms != b->stamp_ms || a->log == b->log) {
        *later = a->stamp_ms != b->stamp_ms ? a->stamp_ms > b->stamp_ms : a->index > b->index;
        return STATUS_OK;
    }
    TRY(logs_get(txn, a->log, &log_a));
    TRY(logs_get(txn, b->log, &log_b));
    *later = bytes_compare(vkey_name(&log_a.vkey), vkey_name(&log_b.vkey)) > 0;
    return STATUS_OK;
}

/* What holds of the answers to one question. */
struct best {
    bool found;
    struct row row;
};

static enum status consider(struct store_txn *txn, struct best *best, const struct row *row) {
    bool later = !best->found || row->from > best->row.from;
    if (best->found && row->from == best->row.from) {
        TRY(is_later(txn, row, &best->row, &later));
    }
    if (later) {
        *best = (struct best){.found = true, .row = *row};
    }
    return STATUS_OK;
}

/* Names by the day from which they held; of more than fit, the earliest gives way. */
struct names {
    struct row rows[AGENCY_FORMER_MAX + 1]; /* the present one is among them */
    size_t count;
};

static enum status add_name(struct store_txn *txn, struct names *names, const struct row *row) {
    size_t at = 0;
    for (size_t i = 0; i < names->count; i++) {
        if (bytes_equal(names->rows[i].text, row->text)) {
            return STATUS_OK;
        }
    }
    while (at < names->count) {
        bool later = row->from > names->rows[at].from;
        if (row->from == names->rows[at].from) {
            TRY(is_later(txn, row, &names->rows[at], &later));
        }
        if (!later) {
            break;
        }
        at++;
    }
    if (names->count == AGENCY_FORMER_MAX + 1) {
        if (at == 0) {
            return STATUS_OK;
        }
        memmove(names->rows, names->rows + 1, (names->count - 1) * sizeof names->rows[0]);
        names->count--;
        at--;
    }
    memmove(names->rows + at + 1, names->rows + at, (names->count - at) * sizeof names->rows[0]);
    names->rows[at] = *row;
    names->count++;
    return STATUS_OK;
}

struct found {
    struct best registered;
    struct best named;
    struct best merged;
    struct names names;
    bool any;
};

/* Does the row count, by its log and by who signed it? */
static enum status is_counted(struct store_txn *txn, const struct agency_sources *sources,
                              const char *ori, const struct row *row, bool *out) {
    *out = true;
    return sources->counts == NULL ? STATUS_OK
                                   : sources->counts(sources->context, txn, row->log, ori,
                                                     row->by_post ? ROLE_POST : ROLE_ROOT, out);
}

/* Of one log, what was signed by one sort of signer, which stand together: is it the same group? */
static bool is_alike(const struct row *a, const struct row *b) {
    return a->log == b->log && a->what == b->what && a->by_post == b->by_post;
}

static enum status gather(struct store_txn *txn, const struct agency_sources *sources,
                          const char *ori, uint64_t day, struct found *found) {
    struct key prefix = ori_key(ori);
    struct scan scan = scan_from(txn, prefix, prefix);
    struct row row;
    struct row before = {.log = 0};
    size_t alike = 0;
    bool counts = false;
    memset(found, 0, sizeof *found);
    for (;;) {
        enum status status = next_row(&scan, &row);
        if (status != STATUS_OK) {
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        }
        alike = is_alike(&row, &before) ? alike + 1 : 1;
        before = row;
        if (alike == 1) {
            TRY(is_counted(txn, sources, ori, &row, &counts));
        }
        if (!counts || alike > AGENCY_ROWS_MAX) {
            scan.at = ori_key(ori); /* on with the next sort, or the next log */
            key_u32(&scan.at, row.log);
            key_u8(&scan.at, (uint8_t)(sort_of(row.what, row.by_post) + 1));
            continue;
        }
        found->any = true;
        if (row.what != WHAT_MERGED) {
            TRY(add_name(txn, &found->names, &row));
        }
        if (row.from > day) {
            continue;
        }
        if (row.what == WHAT_MERGED) {
            TRY(consider(txn, &found->merged, &row));
            continue;
        }
        TRY(consider(txn, &found->named, &row));
        if (row.what == WHAT_REGISTERED) {
            TRY(consider(txn, &found->registered, &row));
        }
    }
}

static void copy_text(char *out, struct bytes text) {
    memcpy(out, text.data, text.len);
    out[text.len] = '\0';
}

static void describe(const struct found *found, struct agency *out) {
    struct bytes name = bytes_of(NULL, 0);
    if (found->named.found) {
        name = found->named.row.text;
        copy_text(out->name, name);
    }
    if (found->registered.found) {
        const struct row *row = &found->registered.row;
        out->registered = true;
        out->officers = row->officers;
        memcpy(out->state, row->state, sizeof out->state);
        copy_text(out->type, row->type);
    }
    for (size_t i = 0; i < found->names.count; i++) {
        if (!bytes_equal(found->names.rows[i].text, name) &&
            out->former_count < AGENCY_FORMER_MAX) {
            copy_text(out->former[out->former_count++], found->names.rows[i].text);
        }
    }
    if (found->merged.found) {
        copy_text(out->into, found->merged.row.text);
    }
}

/* What is left of it in the end: an agency may have been merged into one that was merged. */
static enum status follow(struct store_txn *txn, const struct agency_sources *sources, uint64_t day,
                          struct agency *out) {
    char at[ORI_SIZE + 1];
    memcpy(at, out->into, sizeof at);
    memcpy(out->goes_on, out->into, sizeof at);
    for (size_t hop = 0; at[0] != '\0'; hop++) {
        struct found found;
        if (hop == AGENCY_HOPS_MAX || strcmp(at, out->ori) == 0) {
            out->cycle = true;
            return STATUS_OK;
        }
        TRY(gather(txn, sources, at, day, &found));
        if (!found.merged.found) {
            memcpy(out->goes_on, at, sizeof at);
            return STATUS_OK;
        }
        copy_text(at, found.merged.row.text);
    }
    return STATUS_OK;
}

enum status agency_resolve(struct store_txn *txn, const struct agency_sources *sources,
                           const char ori[ORI_SIZE], uint64_t day, struct agency *out) {
    struct found found;
    TRY(gather(txn, sources, ori, day, &found));
    if (!found.any) {
        return STATUS_NOT_FOUND;
    }
    memset(out, 0, sizeof *out);
    memcpy(out->ori, ori, ORI_SIZE);
    describe(&found, out);
    return follow(txn, sources, day, out);
}

enum status agency_next(struct store_txn *txn, const char *from, char out[static ORI_SIZE + 1]) {
    struct key prefix;
    struct bytes key;
    struct bytes value;
    key_start(&prefix, TABLE_AGENCY);
    struct key at = prefix;
    key_bytes(&at, bytes_text(from));
    struct scan scan = scan_from(txn, prefix, at);
    TRY(scan_next(&scan, &key, &value));
    if (key.len < 1 + ORI_SIZE) {
        return STATUS_STORE_CORRUPT;
    }
    memcpy(out, key.data + 1, ORI_SIZE);
    out[ORI_SIZE] = '\0';
    return STATUS_OK;
}
