/* Every maximum in one place, with the relations between them asserted. Sizes are bytes unless
 * said. */
#ifndef DUTYLOG_LEDGER_LIMITS_H
#define DUTYLOG_LEDGER_LIMITS_H

#include <assert.h>

#define NAME_SIZE_MAX 200           /* key names, origins */
#define NOTE_SIGNATURES_MAX 64      /* signed-note: at least 16 */
#define NOTE_SIGNATURE_BYTES_MAX 72 /* what we decode: timestamp and Ed25519 signature */
#define CHECKPOINT_SIZE_MAX 32768   /* a signed checkpoint with all its signature lines */

#define ENTRY_SIZE_MAX 65535 /* tlog-tiles: uint16 length prefix */
#define EVENT_SIZE_MAX 16384 /* design section 3 */
#define EVENT_SIGNATURES_MAX 8
#define EVENT_MEMBERS_MAX 64
#define EVENT_JSON_DEPTH_MAX 8
#define ORI_SIZE 9
#define HANDLE_SIZE 16

#define TILE_WIDTH 256
#define TILE_LEVEL_MAX 7 /* 256^8 = 2^64: level 7 tiles cover every size */
#define TILE_PATH_MAX 64
#define BUNDLE_SIZE_MAX (TILE_WIDTH * (2 + ENTRY_SIZE_MAX))

#define TREE_SIZE_MAX ((uint64_t)1 << 62)

#define POLICY_SIZE_MAX 12288 /* fits an event once escaped */
#define POLICY_LOGS_MAX 32
#define POLICY_WITNESSES_MAX 32
#define POLICY_GROUPS_MAX 32

#define PACKAGE_PROOF_MAX 63 /* tlog-mirror */
#define ADD_CHECKPOINT_SIZE_MAX (CHECKPOINT_SIZE_MAX + 64 * 64)
#define PACKAGES_PER_UPLOAD 32 /* tlog-mirror: what a client sends in one request */
#define TICKET_SIZE_MAX 256

#define RECEIPT_SIZE_MAX (1024 * 1024)
#define EVIDENCE_SIZE_MAX (256 * 1024)
#define EVIDENCE_PER_KEY_MAX 8

/* Seconds: the last that RFC 3339 writes. A cosignature beyond it has no time that a receipt could
 * state, and counts for nothing at the log. */
#define COSIGN_TIME_MAX 253402300799u
#define COSIGN_OFFSET_MAX_SECONDS 300 /* design section 3: the log stops stamping beyond this */

static_assert(EVENT_SIZE_MAX + 64 <= ENTRY_SIZE_MAX, "an event with its stamp is an entry");
static_assert(NAME_SIZE_MAX < 255, "names fit one-byte lengths and LMDB's 511-byte keys");

#endif
