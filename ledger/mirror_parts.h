/* What the files of the mirror share: mirror_state.c (what is stored), add_checkpoint.c, upload.c
 * (begin and end), package.c. Private to them. */
#ifndef DUTYLOG_LEDGER_MIRROR_PARTS_H
#define DUTYLOG_LEDGER_MIRROR_PARTS_H

#include "ledger/mirror.h"

#define COSIGNATURE_LINE_MAX (3 + 1 + NAME_SIZE_MAX + 1 + 104 + 1)

/* Makes `checkpoint` the pending one; the one before, if smaller, joins the earlier ones. */
enum status mirror_set_pending(struct store_txn *txn, uint32_t log,
                               const struct signed_checkpoint *checkpoint) MUST_USE;
/* Makes it the mirror checkpoint, and drops the earlier pending ones that it passes. */
enum status mirror_set_checkpoint(struct store_txn *txn, uint32_t log,
                                  const struct signed_checkpoint *checkpoint) MUST_USE;

/* Drops all checkpoints: the log is not mirrored any more. */
enum status mirror_forget(struct store_txn *txn, uint32_t log) MUST_USE;

/* Signs the checkpoint's text with a timestamp that is the time now, or the last one that the key
 * gave this log if that is later, and records it. The line must not leave before the commit. */
enum status mirror_cosign(struct store_txn *txn, uint32_t log, const struct signer *signer,
                          uint64_t now_seconds, uint64_t size, struct bytes text,
                          struct writer *line, uint64_t *timestamp) MUST_USE;

/* BUSY: this node's clock may be wrong, and nothing is cosigned by it (mirror_clock.c). To be asked
 * before mirror_cosign. */
enum status mirror_clock_check(struct store_txn *txn, uint32_t log, uint64_t now_seconds,
                               enum peers_say peers, struct refusal *why) MUST_USE;

/* The key gives this log no earlier time from now on. */
enum status mirror_raise_time(struct store_txn *txn, uint32_t log, const struct signer *signer,
                              uint64_t time) MUST_USE;

/* The text of a stored note. */
struct bytes mirror_note_text(struct bytes note);

/* Whatever answer was prepared stands only if the batch does: replaces it if the batch failed. */
bool mirror_answer_fate(struct answer *answer, enum status status);

/* 202 or 409 with what the log's next request should say. */
enum status mirror_info_answer(struct store_txn *txn, uint32_t log, uint64_t upload_end, bool valid,
                               unsigned http, struct answer *answer) MUST_USE;

#endif
