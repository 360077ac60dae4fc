#include "ledger/revocation.h"

#include "ledger/issuer.h"
#include "ledger/member.h"
#include "ledger/scan.h"

#include <assert.h>
#include <string.h>

/* TABLE_REVOCATION: the first 16 bytes of the SHA-256 of the revoked public key, u32 log, u64
 * index: both public keys, u64 stamp, u64 since (in milliseconds), u8 reason. By the key first,
 * since it is one key that is asked for, in all logs. */
#define KEY_PREFIX 16
#define VALUE_SIZE (2 * SIGN_PUBLIC_SIZE + 8 + 8 + 1)

static const char *const reasons[REVOCATION_REASONS] = {
    [REVOKED_RETIRED] = "retired",
    [REVOKED_LOST] = "lost",
    [REVOKED_COMPROMISED] = "compromised",
    [REVOKED_LEFT] = "left",
};

const char *revocation_reason_name(enum revocation_reason reason) {
    return reasons[reason];
}

static enum revocation_reason reason_of(const struct event *event) {
    const char *text = event_open_text(event, "reason");
    assert(text != NULL); /* a required member of the row, and one of its codes */
    size_t i = 0;
    while (i < REVOCATION_REASONS && strcmp(text, reasons[i]) != 0) {
        i++;
    }
    assert(i < REVOCATION_REASONS);
    return (enum revocation_reason)i;
}

static uint64_t since_of(const struct event *event) {
    const char *since = event_open_text(event, "since");
    return since != NULL ? date_to_days(since) * DAY_MS : 0;
}

static bool same_key(const struct sign_public *a, const struct sign_public *b) {
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static struct key key_prefix(const struct sign_public *public_key) {
    struct key key;
    struct hash hash;
    hash_of(public_key->bytes, sizeof public_key->bytes, &hash);
    key_start(&key, TABLE_REVOCATION);
    key_bytes(&key, bytes_of(hash.bytes, KEY_PREFIX));
    return key;
}

enum status revocation_put(struct store_txn *txn, uint32_t log, const struct event *event,
                           const struct sign_public *key, const struct sign_public *revoker,
                           uint64_t index, uint64_t stamp_ms) {
    struct key at = key_prefix(key);
    uint8_t value[VALUE_SIZE];
    struct writer w;
    key_u32(&at, log);
    key_u64(&at, index);
    writer_init(&w, value, sizeof value);
    writer_put(&w, key->bytes, sizeof key->bytes);
    writer_put(&w, revoker->bytes, sizeof revoker->bytes);
    writer_u64(&w, stamp_ms);
    writer_u64(&w, since_of(event));
    writer_u8(&w, (uint8_t)reason_of(event));
    assert(!w.failed);
    return store_put(txn, key_view(&at), writer_view(&w));
}

static bool decode(struct bytes place, struct bytes value, struct revocation *out) {
    struct reader r;
    struct bytes key;
    struct bytes revoker;
    uint8_t reason = 0;
    reader_init(&r, place);
    reader_u32(&r, &out->log);
    reader_u64(&r, &out->index);
    if (!reader_done(&r)) {
        return false;
    }
    reader_init(&r, value);
    if (!reader_take(&r, SIGN_PUBLIC_SIZE, &key) || !reader_take(&r, SIGN_PUBLIC_SIZE, &revoker)) {
        return false;
    }
    memcpy(out->key.bytes, key.data, key.len);
    memcpy(out->revoker.bytes, revoker.data, revoker.len);
    reader_u64(&r, &out->stamp_ms);
    reader_u64(&r, &out->since_ms);
    reader_u8(&r, &reason);
    out->reason = (enum revocation_reason)reason;
    return reader_done(&r) && reason < REVOCATION_REASONS;
}

/* Of the keys that start with `prefix`, which does with key_prefix(key). */
static enum status each_row(struct store_txn *txn, struct key prefix, const struct sign_public *key,
                            enum status (*each)(void *context, const struct revocation *row),
                            void *context) {
    size_t parts = key_prefix(key).len;
    struct scan scan = scan_from(txn, prefix, prefix);
    struct bytes at;
    struct bytes value;
    for (;;) {
        struct revocation row;
        enum status status = scan_next(&scan, &at, &value);
        if (status != STATUS_OK) {
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        }
        if (!decode(bytes_of(at.data + parts, at.len - parts), value, &row)) {
            return STATUS_STORE_CORRUPT;
        }
        if (same_key(&row.key, key)) { /* the prefix is not all of its hash */
            TRY(each(context, &row));
        }
    }
}

enum status revocation_each(struct store_txn *txn, const struct sign_public *key,
                            enum status (*each)(void *context, const struct revocation *row),
                            void *context) {
    return each_row(txn, key_prefix(key), key, each, context);
}

/* A root that was replaced in its log speaks of that log's keys no more: what it said in another
 * log counts by the stamp there. */
static bool speaks(uint32_t log, const struct issuer *issuer, const struct revocation *row) {
    bool replaced = (issuer->roles & ROLE_ROOT) != 0 && issuer->revoked_at != 0;
    return same_key(&issuer->vkey.key, &row->revoker) &&
           (!replaced || row->log == log || row->stamp_ms < issuer->until_ms);
}

/* A root that came in another's place: in its own log alone, whose prefix made it one. */
static enum status is_later_root(struct store_txn *txn, uint32_t log, const struct revocation *row,
                                 bool *found) {
    struct accept_state state;
    TRY(accept_state_get(txn, log, &state));
    for (size_t i = 0; row->log == log && !*found && i < state.replaced_count; i++) {
        struct issuer root;
        TRY(issuer_by_number(txn, log, state.replaced[i], &root));
        *found = same_key(&root.vkey.key, &row->revoker);
    }
    return STATUS_OK;
}

/* Issuers are numbered as they become known, and log.opened names its authorities first. */
static enum status is_root(struct store_txn *txn, uint32_t log, const struct revocation *row,
                           bool *found) {
    *found = false;
    for (uint32_t number = 1; !*found; number++) {
        struct issuer issuer;
        TRY(issuer_by_number(txn, log, number, &issuer));
        if ((issuer.roles & ROLE_ROOT) == 0) {
            return is_later_root(txn, log, row, found); /* after the operator */
        }
        *found = speaks(log, &issuer, row);
    }
    return STATUS_OK;
}

enum status revocation_binds(struct store_txn *txn, uint32_t log, const struct issuer *issuer,
                             const struct revocation *row, bool *binds, bool *by_root) {
    struct issuer enroller;
    *binds = false;
    *by_root = false;
    if (issuer->enroller == 0 || !same_key(&issuer->vkey.key, &row->key)) {
        return STATUS_OK;
    }
    TRY(is_root(txn, log, row, by_root));
    TRY(issuer_by_number(txn, log, issuer->enroller, &enroller));
    *binds = *by_root || speaks(log, &enroller, row);
    return STATUS_OK;
}

bool revocation_doubts(enum revocation_reason reason, uint64_t since_ms, uint64_t stamp_ms) {
    return reason == REVOKED_COMPROMISED && stamp_ms >= since_ms;
}

/* --- taking back again --- */

struct said {
    struct store_txn *txn;
    uint32_t log;
    const struct issuer *target; /* whose revocations count; NULL: those by `revoker` do */
    const struct sign_public *revoker;
    bool by_root; /* the revoker is a root: then what others called stolen says less */
    struct revocation_said *out;
};

static enum status take_said(void *context, const struct revocation *row) {
    struct said *s = context;
    bool own = same_key(s->revoker, &row->revoker);
    bool counts = own;
    bool by_root = false;
    if (s->target != NULL) {
        TRY(revocation_binds(s->txn, s->log, s->target, row, &counts, &by_root));
    }
    s->out->rows++;
    s->out->by_revoker += own ? 1 : 0;
    if (counts) {
        s->out->index = s->out->any ? s->out->index : row->index;
        s->out->any = true;
    }
    /* An enroller disowns, and a root makes doubted: the one does not say the other. */
    if (counts && row->reason == REVOKED_COMPROMISED && (by_root || !s->by_root)) {
        bool earlier = !s->out->compromised || row->since_ms < s->out->since_ms;
        s->out->since_ms = earlier ? row->since_ms : s->out->since_ms;
        s->out->compromised = true;
    }
    return STATUS_OK;
}

enum status revocation_said(struct store_txn *txn, uint32_t log, const struct issuer *target,
                            const struct sign_public *key, const struct sign_public *revoker,
                            struct revocation_said *out) {
    struct said said = {.txn = txn, .log = log, .target = target, .revoker = revoker, .out = out};
    struct key prefix = key_prefix(key);
    *out = (struct revocation_said){.any = false};
    key_u32(&prefix, log);
    if (target != NULL) {
        const struct revocation fresh = {.revoker = *revoker, .log = log, .index = UINT64_MAX};
        TRY(is_root(txn, log, &fresh, &said.by_root));
    }
    return each_row(txn, prefix, key, take_said, &said);
}

bool revocation_says_more(const struct event *event, const struct revocation_said *said) {
    return !said->any || (reason_of(event) == REVOKED_COMPROMISED &&
                          (!said->compromised || since_of(event) < said->since_ms));
}
