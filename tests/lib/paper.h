/* Papers about a small log: proofs, receipts and evidence, made of a world (tests/lib/world.h)
 * without any store or node. Needs no Criterion. What cannot fail here is asserted.
 *
 *     struct paper_log log;
 *     paper_init(&log, &world);
 *     size_t index = paper_add(&log, note);
 *     struct bytes checkpoint = paper_checkpoint(&log, log.count, time, 3);
 *     paper_receipt(&writer, &log, items, item_count, log.count, checkpoint);
 */
#ifndef DUTYLOG_TESTS_LIB_PAPER_H
#define DUTYLOG_TESTS_LIB_PAPER_H

#include "ledger/evidence.h"
#include "ledger/merkle.h"
#include "tests/lib/world.h"

#define PAPER_ENTRIES_MAX 64

struct paper_log {
    struct world *world;
    size_t count;
    struct bytes notes[PAPER_ENTRIES_MAX]; /* borrowed */
    uint64_t stamps[PAPER_ENTRIES_MAX];
    struct hash leaves[PAPER_ENTRIES_MAX];
};

void paper_init(struct paper_log *log, struct world *world);
/* Appends a note as an entry, one second after the one before. Its index. */
size_t paper_add(struct paper_log *log, struct bytes note);
/* The same with a stamp of the caller's. */
size_t paper_add_at(struct paper_log *log, struct bytes note, uint64_t received_ms);
/* Writes an entry's bytes. */
void paper_entry(struct writer *w, const struct paper_log *log, size_t index);

void paper_root(const struct paper_log *log, size_t size, struct hash *root);
/* Signed by the log, cosigned by a set of mirrors (bit i: mirror i) at `time`, seconds. */
struct bytes paper_checkpoint(const struct paper_log *log, size_t size, uint64_t time,
                              uint32_t mirrors);
void paper_consistency(const struct paper_log *log, size_t old_size, size_t new_size,
                       struct merkle_proof *proof);
/* SUBPROOF(m, D[n], false). */
void paper_subproof(const struct paper_log *log, size_t m, size_t n, struct merkle_proof *proof);

/* Writes a tlog-proof. */
void paper_proof(struct writer *w, const struct paper_log *log, size_t index, size_t size,
                 struct bytes checkpoint);
/* Writes a receipt of these entries, all at one checkpoint. */
void paper_receipt(struct writer *w, const struct paper_log *log, const size_t *items, size_t count,
                   size_t size, struct bytes checkpoint);

/* Writes evidence of a form, of two logs of one world that part after `common` entries: the smaller
 * side at size m from `fork`, the larger at n from `log`; form a at size n from both; form d does
 * not look at `fork`, and is by mirror 0. */
void paper_evidence(struct writer *w, char form, const struct paper_log *log,
                    const struct paper_log *fork, size_t common, size_t m, size_t n);

#endif
