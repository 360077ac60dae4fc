#include "ledger/logs.h"

#include "ledger/schema.h"

#include <assert.h>
#include <string.h>

/* TABLE_ORIGIN: origin -> u32 number. TABLE_LOG: number -> u32 flags, then the vkey's text.
 * TABLE_META "logs": u32 count. Numbers start at 1. The origin is kept under its own bytes (at most
 * NAME_SIZE_MAX), its SHA-256 is computed. */

static struct key count_key(void) {
    struct key key;
    key_start(&key, TABLE_META);
    key_bytes(&key, bytes_text("logs"));
    return key;
}

static struct key origin_key(struct bytes origin) {
    struct key key;
    key_start(&key, TABLE_ORIGIN);
    key_bytes(&key, origin);
    return key;
}

static enum status read_u32(struct store_txn *txn, const struct key *key, uint32_t *out) {
    struct bytes value;
    struct reader r;
    TRY(store_get(txn, key_view(key), &value));
    reader_init(&r, value);
    return reader_u32(&r, out) && reader_done(&r) ? STATUS_OK : STATUS_STORE_CORRUPT;
}

static enum status write_u32(struct store_txn *txn, const struct key *key, uint32_t v) {
    uint8_t memory[4];
    struct writer w;
    writer_init(&w, memory, sizeof memory);
    writer_u32(&w, v);
    return store_put(txn, key_view(key), writer_view(&w));
}

enum status logs_count(struct store_txn *txn, uint32_t *count) {
    struct key key = count_key();
    uint32_t n = 0;
    enum status status = read_u32(txn, &key, &n);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        return status;
    }
    *count = n;
    return STATUS_OK;
}

enum status logs_get(struct store_txn *txn, uint32_t number, struct log *out) {
    struct key key = key_log(TABLE_LOG, number);
    struct bytes value;
    struct reader r;
    struct log log = {.number = number};
    enum status status = store_get(txn, key_view(&key), &value);
    if (status != STATUS_OK) {
        return status == STATUS_NOT_FOUND ? STATUS_UNKNOWN_LOG : status;
    }
    reader_init(&r, value);
    if (!reader_u32(&r, &log.flags) || vkey_parse(r.rest, &log.vkey, NULL) != STATUS_OK) {
        return STATUS_STORE_CORRUPT;
    }
    hash_of(log.vkey.name, log.vkey.name_len, &log.id);
    *out = log;
    return STATUS_OK;
}

enum status logs_find(struct store_txn *txn, struct bytes origin, struct log *out) {
    uint32_t number = 0;
    if (origin.len == 0 || origin.len > NAME_SIZE_MAX) {
        return STATUS_UNKNOWN_LOG; /* no log has such a name, and no key is built of it */
    }
    struct key key = origin_key(origin);
    enum status status = read_u32(txn, &key, &number);
    if (status == STATUS_NOT_FOUND) {
        return STATUS_UNKNOWN_LOG;
    }
    TRY(status);
    return logs_get(txn, number, out);
}

enum status logs_find_id(struct store_txn *txn, const struct hash *id, struct log *out) {
    uint32_t count = 0;
    TRY(logs_count(txn, &count));
    for (uint32_t number = 1; number <= count; number++) {
        struct log log;
        TRY(logs_get(txn, number, &log));
        if (hash_equal(&log.id, id)) {
            *out = log;
            return STATUS_OK;
        }
    }
    return STATUS_UNKNOWN_LOG;
}

static enum status has_other_own_log(struct store_txn *txn, struct refusal *why) {
    uint32_t count = 0;
    TRY(logs_count(txn, &count));
    for (uint32_t number = 1; number <= count; number++) {
        struct log log;
        TRY(logs_get(txn, number, &log));
        if ((log.flags & LOG_OWN) != 0) {
            return refuse(why, STATUS_BAD_LOG,
                          "this data folder hosts the log %s: give another log a folder of its own",
                          log.vkey.name);
        }
    }
    return STATUS_OK;
}

static enum status put_log(struct store_txn *txn, uint32_t number, const struct vkey *vkey,
                           uint32_t flags) {
    uint8_t memory[4 + VKEY_SIZE_MAX];
    struct writer w;
    struct key key = key_log(TABLE_LOG, number);
    writer_init(&w, memory, sizeof memory);
    writer_u32(&w, flags);
    vkey_format(&w, vkey);
    assert(!w.failed);
    return store_put(txn, key_view(&key), writer_view(&w));
}

enum status logs_set_flags(struct store_txn *txn, struct log *log, uint32_t flags) {
    TRY(put_log(txn, log->number, &log->vkey, flags));
    log->flags = flags;
    return STATUS_OK;
}

static enum status add(struct store_txn *txn, const struct vkey *vkey, uint32_t flags,
                       struct log *out) {
    uint32_t count = 0;
    TRY(logs_count(txn, &count));
    uint32_t number = count + 1;
    struct key by_origin = origin_key(vkey_name(vkey));
    struct key counter = count_key();
    TRY(put_log(txn, number, vkey, flags));
    TRY(write_u32(txn, &by_origin, number));
    TRY(write_u32(txn, &counter, number));
    return logs_get(txn, number, out);
}

enum status logs_register(struct store_txn *txn, const struct vkey *vkey, uint32_t flags,
                          struct log *out, struct refusal *why) {
    assert(vkey->type == VKEY_NOTE);
    struct log log;
    enum status status = logs_find(txn, vkey_name(vkey), &log);
    if (status == STATUS_UNKNOWN_LOG) {
        if ((flags & LOG_OWN) != 0) {
            TRY(has_other_own_log(txn, why));
        }
        return add(txn, vkey, flags, out);
    }
    TRY(status);
    if (!vkey_equal(&log.vkey, vkey)) {
        return refuse(why, STATUS_BAD_LOG,
                      "this data folder knows the log %s under another key: check the vkey, or use "
                      "another folder",
                      vkey->name);
    }
    if (log.flags != flags) {
        return refuse(why, STATUS_BAD_LOG,
                      "this data folder knows the log %s in another role or with other contents "
                      "(own or mirrored, "
                      "events or opaque): restore the configuration, or use another folder",
                      vkey->name);
    }
    *out = log;
    return STATUS_OK;
}
