/* The store's keys: one byte naming the table, then big-endian parts, so that a range is a table or
 * one log's share of it. This file is the only one that lays out keys; values are laid out by the
 * file that owns the table (in brackets). specs/storage.md has the same table with the values'
 * bytes. `log` is the node's own number for a log, given in the order in which logs become known to
 * it. */
#ifndef DUTYLOG_LEDGER_SCHEMA_H
#define DUTYLOG_LEDGER_SCHEMA_H

#include "ledger/bytes.h"
#include "ledger/store.h"

/* What this version writes and reads; another number in a store is refused. */
#define STORE_FORMAT 7

/* X(name, byte, true if the key's first part is a log). The comment: key parts: value [owner]. */
#define TABLES(X)                                                                                  \
    /* "logs": their number [logs]; "store": format, times opened [store_lmdb]; "signing": commits \
     * that let signatures out [guard]; "holding": a mark [guard]; "restoring": a mark [restore];  \
     * "recognitions": how many rows were written [recognition_rows] */                            \
    X(META, 'm', false)                                                                            \
    /* origin: log number [logs] */                                                                \
    X(ORIGIN, 'o', false)                                                                          \
    /* log: origin, vkey, flags [logs] */                                                          \
    X(LOG, 'l', true)                                                                              \
    /* log: size, root, frontier [tree] */                                                         \
    X(TREE, 't', true)                                                                             \
    /* log, first index: a piece of the unfinished block [tree] */                                 \
    X(ENTRY, 'e', true)                                                                            \
    /* log, index / 256: the piece that is a full block [tree] */                                  \
    X(BLOCK, 'b', true)                                                                            \
    /* log, u8 level >= 1, index: hashes of a tile [tree] */                                       \
    X(TILE, 'h', true)                                                                             \
    /* log: last signed candidate [cut] */                                                         \
    X(HEAD, 'H', true)                                                                             \
    /* log, size: quorum time, last fall, cosigned checkpoint [publish] */                         \
    X(PUBLISHED, 'p', true)                                                                        \
    /* log: the latest, with later cosignatures [publish] */                                       \
    X(REFRESHED, 'q', true)                                                                        \
    /* log: pending checkpoint [mirror] */                                                         \
    X(PENDING, 'P', true)                                                                          \
    /* log, size: earlier pending checkpoints kept [mirror] */                                     \
    X(OLD_PENDING, 'O', true)                                                                      \
    /* log: mirror checkpoint [mirror] */                                                          \
    X(MIRRORED, 'M', true)                                                                         \
    /* log, key ID: last timestamp and size cosigned [mirror] */                                   \
    X(COSIGNED, 'c', true)                                                                         \
    /* log: last stamp, issuers, threshold, operator [issuer] */                                   \
    X(ACCEPT, 'a', true)                                                                           \
    /* log: nothing, or the floor: what a cosigner waits for [guard] */                            \
    X(GUARD, 'g', true)                                                                            \
    /* log: judged size [judge] */                                                                 \
    X(JUDGED, 'j', true)                                                                           \
    /* log, index: why a stored entry is not accepted [judge] */                                   \
    X(VERDICT, 'v', true)                                                                          \
    /* log, key name: key, roles, scope, last seq and id [issuer] */                               \
    X(ISSUER, 'i', true)                                                                           \
    /* log, issuer number: key name [issuer] */                                                    \
    X(ISSUER_NAME, 'n', true)                                                                      \
    /* log, issuer number, seq: index, id, body [accept_apply] */                                  \
    X(SEQUENCE, 's', true)                                                                         \
    /* log, issuer number, seq: the other event of a used seq [accept_apply] */                    \
    X(CONFLICT, 'x', true)                                                                         \
    /* log, index: nothing; a log.policy stands there [accept_apply] */                            \
    X(POLICY, 'y', true)                                                                           \
    /* hash of a case or of an event's id, log, index: nothing [case_index] */                     \
    X(CASE, 'C', false)                                                                            \
    /* hash of an origin, log: index, here: that log says that it ended [succession] */            \
    X(SUCCESSION, 'z', false)                                                                      \
    /* 16 bytes of a public key's hash, log, index: that log takes the key back [revocation] */    \
    X(REVOCATION, 'V', false)                                                                      \
    /* ORI, log, sort, index: what that log says of the agency [agency] */                         \
    X(AGENCY, 'G', false)                                                                          \
    /* ORI, log, index: the agency with which that log says it is one [merger] */                  \
    X(MERGER, 'J', false)                                                                          \
    /* log: who signed its opening; log, 16 bytes of an origin's hash, index: it recognises that   \
     * log, or withdraws that [recognition_rows] */                                                \
    X(RECOGNITION, 'k', true)                                                                      \
    /* log, u8 sort, agencies, u32 place: 16 bytes of an origin's hash; it has recognised that log \
     * for these agencies [recognition_rows] */                                                    \
    X(COVERED, 'K', true)                                                                          \
    /* 16 bytes of a public key's hash, log: nothing; the key is one of the authority that signed  \
     * the log's opening [recognition_rows] */                                                     \
    X(OPENER, 'R', false)                                                                          \
    /* key ID, hash of the vkey, hash of the file: vkey, evidence file [fork_keep] */              \
    X(EVIDENCE, 'E', false)                                                                        \
    /* log, size, hash: signed checkpoint not yet explained [fork_keep] */                         \
    X(UNRECONCILED, 'u', true)                                                                     \
    /* log: what is remembered of request notes; log, expiry, hash: one that was used [access] */  \
    X(REQUEST, 'r', true)                                                                          \
    /* log, number: a restricted read [access] */                                                  \
    X(ACCESS, 'A', true)

enum table {
#define TABLE_ENUM(name, byte, of_log) TABLE_##name = (byte),
    TABLES(TABLE_ENUM)
#undef TABLE_ENUM
};

/* Whether a key's first byte names a table, and one whose keys go on with a log. */
bool table_known(uint8_t byte);
bool table_of_log(uint8_t byte);

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
