/* The log's side of the mirror protocol: the bodies of the two requests that a push to a mirror
 * makes, built from the store, and the answers read. (https://c2sp.org/tlog-mirror) */
#ifndef DUTYLOG_LEDGER_PUSH_H
#define DUTYLOG_LEDGER_PUSH_H

#include "ledger/mirror.h"

/* Body of add-checkpoint from `old_size` to the signed checkpoint `note` of `size`. */
enum status push_checkpoint(struct store_txn *txn, uint32_t log, uint64_t old_size, uint64_t size,
                            struct bytes note, struct writer *w) MUST_USE;
/* Body of add-entries for [start, end), at most PACKAGES_PER_UPLOAD packages and only as many as
 * fit; always at least one if start < end, for which `w` needs PACKAGE_SIZE_MAX and the header. */
enum status push_entries(struct store_txn *txn, uint32_t log, struct bytes origin, uint64_t start,
                         uint64_t end, struct bytes ticket, struct writer *w) MUST_USE;

/* Body of add-candidate: both, [old_size, size) being one package. TOO_LARGE: it does not fit. */
enum status push_candidate(struct store_txn *txn, uint32_t log, struct bytes origin,
                           uint64_t old_size, uint64_t size, struct bytes note,
                           struct writer *w) MUST_USE;

/* The root that the log itself has at the size which a fetched checkpoint (any bytes) names: what a
 * REPLICA_RESPONSE to ACTION_FETCH_PENDING carries beside the body. NOT_FOUND: it names none, or
 * more than is stored. */
enum status push_own_root(struct store_txn *txn, uint32_t log, struct bytes checkpoint,
                          struct hash *root) MUST_USE;

/* A text/x.tlog.mirror-info body. BAD_FORM. A ticket over TICKET_SIZE_MAX is read as none. */
struct mirror_info {
    uint64_t pending;
    uint64_t next_entry;
    uint8_t ticket[TICKET_SIZE_MAX];
    size_t ticket_len;
};
enum status mirror_info_parse(struct bytes body, struct mirror_info *out) MUST_USE;
void mirror_info_format(struct writer *w, const struct mirror_info *info);

#endif
