/* What the files of recognition share: recognition_rows.c (what the store keeps), recognition.c
 * (pins, and what is recognised). */
#ifndef DUTYLOG_LEDGER_RECOGNITION_PARTS_H
#define DUTYLOG_LEDGER_RECOGNITION_PARTS_H

#include "ledger/recognition.h"
#include "ledger/scan.h"

/* The authority keys that signed the log's opening. NOT_FOUND: no log.opened was accepted. */
enum status recognition_openers(struct store_txn *txn, uint32_t log,
                                struct sign_public keys[static EVENT_SIGNATURES_MAX],
                                size_t *count) MUST_USE;
/* Calls back for each log whose opening the key signed, by number; stops at the first status that
 * is not OK. */
enum status recognition_each_opened(struct store_txn *txn, const struct sign_public *key,
                                    enum status (*each)(void *context, uint32_t log),
                                    void *context) MUST_USE;

/* The logs that one log ever recognised, in the order in which it first did (their *place*, from
 * 1): of all, or those that may cover an agency. Each of the latter is given once for its ORI, once
 * for its state and once for being of any agency, where these apply; whether it still is so, its
 * row says. */
struct recognition_scan {
    struct store_txn *txn;
    uint32_t log;
    const char *ori; /* NULL: all */
    int sort;        /* that is scanned */
    struct scan scan;
};
struct recognition_scan recognition_scan_of(struct store_txn *txn, uint32_t log, const char *ori);
/* The next: its place, and the front of its origin's hash, for recognition_latest. NOT_FOUND at the
 * end. Places ascend within each sort; with recognition_scan_skip the rest of a sort is left. */
enum status recognition_scan_next(struct recognition_scan *scan, uint32_t *place,
                                  struct bytes *id) MUST_USE;
void recognition_scan_skip(struct recognition_scan *scan);
/* recognition_get by the front of an origin's hash. */
enum status recognition_latest(struct store_txn *txn, uint32_t by, struct bytes id, uint64_t size,
                               struct recognition *out) MUST_USE;

#endif
