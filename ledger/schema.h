/* The store's keys: one byte naming the table, then big-endian parts, so that a range is a table or
 * one log's share of it. This file is the only one that lays out keys; values are laid out by the
 * file that owns the table (in brackets). specs/storage.md has the same table with the values'
 * bytes. `log` is the node's own number for a log, given in the order in which logs become known to
 * it. */
#ifndef DUTYLOG_LEDGER_SCHEMA_H
#define DUTYLOG_LEDGER_SCHEMA_H

#include "ledger/bytes.h"
#include "ledger/store.h"

/* TABLE = byte, then key parts: value [owner] */
enum table {
    TABLE_META = 'm',      /* name: format number, own names [logs]; "opened": u64, times opened for
                              writing [store_lmdb] */
    TABLE_ORIGIN = 'o',    /* origin: log number [logs] */
    TABLE_LOG = 'l',       /* log: origin, vkey, flags [logs] */
    TABLE_TREE = 't',      /* log: size, root, frontier [tree] */
    TABLE_ENTRY = 'e',     /* log, first index: a piece of the unfinished block [tree] */
    TABLE_BLOCK = 'b',     /* log, index / 256: the piece that is a full block [tree] */
    TABLE_TILE = 'h',      /* log, u8 level >= 1, index: hashes of a tile [tree] */
    TABLE_HEAD = 'H',      /* log: last signed candidate [cut] */
    TABLE_PUBLISHED = 'p', /* log, size: quorum time, cosigned checkpoint [publish] */
    TABLE_REFRESHED = 'q', /* log: the latest, with later cosignatures [publish] */
    TABLE_PENDING = 'P',   /* log: pending checkpoint [mirror] */
    TABLE_OLD_PENDING = 'O',  /* log, size: earlier pending checkpoints kept [mirror] */
    TABLE_MIRRORED = 'M',     /* log: mirror checkpoint [mirror] */
    TABLE_COSIGNED = 'c',     /* log, key ID: last timestamp and size cosigned [mirror] */
    TABLE_ACCEPT = 'a',       /* log: last stamp, issuers, threshold, operator [issuer] */
    TABLE_JUDGED = 'j',       /* log: judged size [judge] */
    TABLE_VERDICT = 'v',      /* log, index: why a stored entry is not accepted [judge] */
    TABLE_ISSUER = 'i',       /* log, key name: key, roles, scope, last seq and id [issuer] */
    TABLE_ISSUER_NAME = 'n',  /* log, issuer number: key name [issuer] */
    TABLE_SEQUENCE = 's',     /* log, issuer number, seq: index, id, body [accept_apply] */
    TABLE_CONFLICT = 'x',     /* log, issuer number, seq: the other event of a used seq
                                 [accept_apply] */
    TABLE_POLICY = 'y',       /* log, index: nothing; a log.policy stands there [accept_apply] */
    TABLE_EVIDENCE = 'E',     /* key ID, hash: evidence file [fork] */
    TABLE_UNRECONCILED = 'u', /* log, size, hash: signed checkpoint not yet explained [fork] */
};

struct key {
    uint8_t data[STORE_KEY_MAX];
    size_t len;
};

/* Builds keys: start with the table, then add parts in the order given above. */
void key_start(struct key *key, enum table table);
void key_u8(struct key *key, uint8_t v);
void key_u32(struct key *key, uint32_t v);
void key_u64(struct key *key, uint64_t v);
void key_bytes(struct key *key, struct bytes v); /* only as the last part */
struct bytes key_view(const struct key *key);
/* The common shapes. */
struct key key_log(enum table table, uint32_t log);
struct key key_log_u64(enum table table, uint32_t log, uint64_t v);

#endif
