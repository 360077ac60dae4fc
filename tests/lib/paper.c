#include "tests/lib/paper.h"

#include "ledger/proof.h"
#include "ledger/receipt.h"

#include <assert.h>
#include <string.h>

#define TIME (WORLD_TIME_MS / 1000 + 60)
#define MIRROR_0 1u

void paper_init(struct paper_log *log, struct world *world) {
    memset(log, 0, sizeof *log);
    log->world = world;
}

size_t paper_add_at(struct paper_log *log, struct bytes note, uint64_t received_ms) {
    static uint8_t memory[ENTRY_SIZE_MAX];
    struct writer w;
    size_t index = log->count++;
    assert(index < PAPER_ENTRIES_MAX);
    log->notes[index] = note;
    log->stamps[index] = received_ms;
    writer_init(&w, memory, sizeof memory);
    paper_entry(&w, log, index);
    assert(!w.failed);
    hash_leaf(w.data, w.len, &log->leaves[index]);
    return index;
}

size_t paper_add(struct paper_log *log, struct bytes note) {
    return paper_add_at(log, note, WORLD_TIME_MS + 1000 * log->count);
}

void paper_entry(struct writer *w, const struct paper_log *log, size_t index) {
    assert(index < log->count);
    entry_format(w, log->stamps[index], log->notes[index]);
}

/* --- hashes --- */

static void read_plan(const struct paper_log *log, const struct merkle_plan *plan,
                      struct hash *out) {
    for (size_t i = 0; i < plan->count; i++) {
        size_t width = (size_t)1 << plan->nodes[i].level;
        size_t first = (size_t)plan->nodes[i].index * width;
        assert(first + width <= log->count);
        merkle_root_of(log->leaves + first, width, &out[i]);
    }
}

void paper_root(const struct paper_log *log, size_t size, struct hash *root) {
    assert(size <= log->count);
    merkle_root_of(log->leaves, size, root);
}

struct bytes paper_checkpoint(const struct paper_log *log, size_t size, uint64_t time,
                              uint32_t mirrors) {
    struct hash root;
    paper_root(log, size, &root);
    return world_checkpoint(log->world, size, &root, time, mirrors);
}

void paper_consistency(const struct paper_log *log, size_t old_size, size_t new_size,
                       struct merkle_proof *proof) {
    struct merkle_plan plan;
    struct hash read[MERKLE_PLAN_MAX];
    merkle_consistency_plan(old_size, new_size, &plan);
    read_plan(log, &plan, read);
    merkle_consistency_prove(old_size, new_size, read, proof);
}

void paper_subproof(const struct paper_log *log, size_t m, size_t n, struct merkle_proof *proof) {
    struct merkle_plan plan;
    struct hash read[MERKLE_PLAN_MAX];
    merkle_subproof_plan(m, n, &plan);
    read_plan(log, &plan, read);
    merkle_subproof_prove(m, n, read, proof);
}

/* --- papers --- */

void paper_proof(struct writer *w, const struct paper_log *log, size_t index, size_t size,
                 struct bytes checkpoint) {
    struct merkle_plan plan;
    struct merkle_proof inclusion;
    struct hash read[MERKLE_PLAN_MAX];
    uint8_t line[64];
    struct writer extra;
    merkle_inclusion_plan(index, size, &plan);
    read_plan(log, &plan, read);
    merkle_inclusion_prove(index, size, read, &inclusion);
    writer_init(&extra, line, sizeof line);
    writer_text(&extra, "received ");
    writer_decimal(&extra, log->stamps[index]);
    writer_text(&extra, "\n");
    proof_format(w, writer_view(&extra), index, &inclusion, checkpoint);
}

void paper_receipt(struct writer *w, const struct paper_log *log, const size_t *items, size_t count,
                   size_t size, struct bytes checkpoint) {
    static uint8_t memory[PROOF_SIZE_MAX];
    struct writer proof;
    receipt_start(w);
    for (size_t i = 0; i < count; i++) {
        writer_init(&proof, memory, sizeof memory);
        paper_proof(&proof, log, items[i], size, checkpoint);
        assert(!proof.failed);
        receipt_item(w, log->notes[items[i]], writer_view(&proof));
    }
}

/* The two parts of form c: proofs of the first entry that differs. */
static void two_proofs(const struct paper_log *log, const struct paper_log *fork, size_t index,
                       size_t m, size_t n, struct evidence *evidence) {
    static uint8_t memory[2][PROOF_SIZE_MAX];
    const struct paper_log *sides[2] = {fork, log};
    const size_t sizes[2] = {m, n};
    for (size_t i = 0; i < 2; i++) {
        struct writer w;
        writer_init(&w, memory[i], sizeof memory[i]);
        paper_proof(&w, sides[i], index, sizes[i],
                    paper_checkpoint(sides[i], sizes[i], TIME, MIRROR_0));
        assert(!w.failed);
        evidence->parts[i] = writer_view(&w);
        evidence->hashes.hashes[i] = sides[i]->leaves[index];
    }
    evidence->hashes.count = 2;
}

void paper_evidence(struct writer *w, char form, const struct paper_log *log,
                    const struct paper_log *fork, size_t common, size_t m, size_t n) {
    struct evidence evidence = {.form = form};
    assert(common < m && m < n);
    switch (form) {
    case 'a':
        evidence.parts[0] = paper_checkpoint(log, n, TIME, MIRROR_0);
        evidence.parts[1] = paper_checkpoint(fork, n, TIME, MIRROR_0);
        if (bytes_compare(evidence.parts[0], evidence.parts[1]) > 0) {
            struct bytes first = evidence.parts[0];
            evidence.parts[0] = evidence.parts[1];
            evidence.parts[1] = first;
        }
        break;
    case 'b':
        evidence.parts[0] = paper_checkpoint(fork, m, TIME, MIRROR_0);
        evidence.parts[1] = paper_checkpoint(log, n, TIME, MIRROR_0);
        paper_subproof(log, m, n, &evidence.hashes);
        break;
    case 'c':
        two_proofs(log, fork, common, m, n, &evidence);
        break;
    default:
        assert(form == 'd');
        evidence.parts[0] = paper_checkpoint(log, m, TIME + 9, MIRROR_0);
        evidence.parts[1] = paper_checkpoint(log, n, TIME, MIRROR_0);
        break;
    }
    evidence_format(w, &evidence);
}
