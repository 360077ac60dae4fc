#include "net/log_sizes.h"

#include "ledger/accept.h"
#include "ledger/guard.h"
#include "ledger/mirror.h"
#include "ledger/rules.h"
#include "ledger/schema.h"
#include "ledger/sequencer.h"

#include <string.h>

static enum status or_none(enum status status) {
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static bool is_pulled(const struct node_config *config, const struct log *log) {
    for (size_t i = 0; i < config->log_count; i++) {
        if (vkey_equal(&config->logs[i].vkey, &log->vkey)) {
            return config->logs[i].pull_ms > 0;
        }
    }
    return false;
}

/* The kinds table of a log of events. */
static enum status read_rules(struct store_txn *txn, const struct log *log, struct log_sizes *out) {
    struct rules rules;
    if ((log->flags & LOG_EVENTS) == 0) {
        return STATUS_OK;
    }
    TRY(rules_in_force(txn, log->number, &rules));
    out->table = rules.table;
    out->lacks = rules_known(&rules) ? 0 : 1;
    return STATUS_OK;
}

enum status log_sizes_read(struct store_txn *txn, const struct node_config *config,
                           const struct log *log, uint64_t now_seconds, struct log_sizes *out) {
    struct tree_head tree;
    struct published published = {.size = 0};
    struct signed_checkpoint pending = {.size = 0};
    struct signed_checkpoint mirrored = {.size = 0};
    struct log_sizes sizes = {0};
    TRY(tree_read_head(txn, log->number, &tree));
    sizes.stored = tree.size;
    TRY(read_rules(txn, log, &sizes));
    if ((log->flags & LOG_OWN) != 0) {
        TRY(or_none(sequencer_published(txn, log->number, &published)));
        sizes.published = published.size;
        *out = sizes;
        return STATUS_OK;
    }
    TRY(or_none(mirror_pending(txn, log->number, &pending)));
    TRY(or_none(mirror_checkpoint(txn, log->number, &mirrored)));
    sizes.pending = pending.size;
    sizes.cosigned = mirrored.size;
    struct guard_floor floor;
    TRY(guard_floor(txn, log->number, &floor));
    sizes.held = floor.guarded ? 1 : 0;
    TRY(mirror_newest(txn, log->number, &sizes.newest));
    sizes.silent =
        sizes.newest > 0 && sizes.newest + LOG_SILENT_S < now_seconds && !is_pulled(config, log);
    if ((log->flags & LOG_EVENTS) != 0) {
        TRY(judge_size(txn, log->number, &sizes.judged));
    }
    *out = sizes;
    return STATUS_OK;
}

enum status log_refused_read(struct store_txn *txn, uint32_t log, uint64_t *count) {
    struct key key = key_log(TABLE_VERDICT, log);
    struct key prefix = key;
    struct bytes found;
    struct bytes value;
    uint64_t n = 0;
    enum status status = store_seek(txn, key_view(&key), &found, &value);
    while (status == STATUS_OK && found.len > prefix.len &&
           memcmp(found.data, prefix.data, prefix.len) == 0 && n < LOG_REFUSED_MAX) {
        n++;
        key = prefix;
        key_bytes(&key, bytes_of(found.data + prefix.len, found.len - prefix.len));
        key_u8(&key, 0); /* just after it */
        status = store_seek(txn, key_view(&key), &found, &value);
    }
    TRY(or_none(status));
    *count = n;
    return STATUS_OK;
}
