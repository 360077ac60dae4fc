/* The logs that a node knows: its own and those it mirrors, each under a small number that every
 * key in the store starts with. A log is known by its origin and its key; the number is given once,
 * in the order in which logs become known. */
#ifndef DUTYLOG_LEDGER_LOGS_H
#define DUTYLOG_LEDGER_LOGS_H

#include "ledger/store.h"
#include "ledger/vkey.h"

enum log_flags {
    LOG_OWN = 1 << 0,    /* this node hosts it and holds its key */
    LOG_EVENTS = 1 << 1, /* its entries are events: accept and judge them; else opaque bytes */
};

struct log {
    uint32_t number;
    uint32_t flags;
    struct vkey vkey; /* type 0x01; its name is the origin */
    struct hash id;   /* SHA-256 of the origin: the path component of C2SP monitoring prefixes */
};

/* Makes the log known, or finds it again. CONFLICT_ROOT is not used; BAD_LOG: this folder knows the
 * origin with another key or other flags, or already hosts another own log. Needs a write
 * transaction. */
enum status logs_register(struct store_txn *txn, const struct vkey *vkey, uint32_t flags,
                          struct log *out, struct refusal *why) MUST_USE;
/* Gives a known log other flags, in the store and in `log`. */
enum status logs_set_flags(struct store_txn *txn, struct log *log, uint32_t flags) MUST_USE;
/* UNKNOWN_LOG. */
enum status logs_find(struct store_txn *txn, struct bytes origin, struct log *out) MUST_USE;
enum status logs_find_id(struct store_txn *txn, const struct hash *id, struct log *out) MUST_USE;
enum status logs_get(struct store_txn *txn, uint32_t number, struct log *out) MUST_USE;
enum status logs_count(struct store_txn *txn, uint32_t *count) MUST_USE;

#endif
