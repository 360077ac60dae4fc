#include "ledger/scan.h"

#include <string.h>

struct scan scan_from(struct store_txn *txn, struct key prefix, struct key at) {
    return (struct scan){.txn = txn, .prefix = prefix, .at = at};
}

enum status scan_next(struct scan *scan, struct bytes *key, struct bytes *value) {
    struct bytes found;
    if (scan->at.len == 0) {
        return STATUS_NOT_FOUND;
    }
    TRY(store_seek(scan->txn, key_view(&scan->at), &found, value));
    struct bytes prefix = key_view(&scan->prefix);
    if (found.len < prefix.len || memcmp(found.data, prefix.data, prefix.len) != 0) {
        return STATUS_NOT_FOUND;
    }
    memcpy(scan->at.data, found.data, found.len);
    scan->at.len = found.len;
    if (scan->at.len < STORE_KEY_MAX) {
        scan->at.data[scan->at.len++] = 0; /* the very next key there can be */
    } else {
        scan->at.len = 0; /* no table of a log has such keys: it is reported, and the last */
    }
    *key = found;
    return STATUS_OK;
}

bool scan_number(const struct scan *scan, struct bytes key, uint64_t *out) {
    struct reader r;
    reader_init(&r, bytes_of(key.data + scan->prefix.len, key.len - scan->prefix.len));
    return reader_u64(&r, out) && reader_done(&r);
}
