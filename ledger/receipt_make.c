/* Receipts from the store: the event, and what it rests on, each proved at one published
 * checkpoint. */
#include "ledger/proof.h"
#include "ledger/receipt.h"
#include "ledger/sequencer.h"

#include <assert.h>

/* The received line at the front of an event's entry, newline included, and the note after it. */
static enum status split_entry(struct bytes entry, struct bytes *line, struct bytes *note) {
    uint64_t received_ms = 0;
    if (entry_parse(entry, &received_ms, note, NULL) != STATUS_OK) {
        return STATUS_STORE_CORRUPT;
    }
    *line = bytes_of(entry.data, entry.len - note->len);
    return STATUS_OK;
}

enum status sequencer_proof(struct store_txn *txn, const struct log *log, uint64_t index,
                            struct bytes extra, const struct published *at, struct writer *w) {
    struct merkle_proof inclusion;
    assert(index < at->size);
    TRY(tree_inclusion(txn, log->number, index, at->size, &inclusion));
    proof_format(w, extra, index, &inclusion, at->note);
    return writer_status(w);
}

/* The entries that a receipt consists of, in its order. */
#define LINKS_MAX (ROOTS_REPLACED_MAX + CHAIN_MAX)
struct items {
    uint64_t indexes[2 + LINKS_MAX + 1];
    struct merkle_proof proofs[2 + LINKS_MAX + 1];
    size_t count;
};

/* Between the policy and the event: the enrolments that lead to its issuer, and the root.replaced
 * by which roots may have signed any of it, in the order of their places. */
static enum status put_links(struct store_txn *txn, const struct log *log,
                             const struct issuer *issuer, uint64_t before, struct items *items) {
    uint64_t roots[ROOTS_REPLACED_MAX];
    uint64_t chain[CHAIN_MAX];
    size_t root_count = 0;
    size_t chain_count = 0;
    TRY(roots_replaced(txn, log->number, before, roots, &root_count));
    TRY(issuer_chain(txn, log->number, issuer, chain, &chain_count));
    for (size_t r = 0, c = 0; r < root_count || c < chain_count;) {
        bool root = c == chain_count || (r < root_count && roots[r] < chain[c]);
        items->indexes[items->count++] = root ? roots[r++] : chain[c++];
    }
    return STATUS_OK;
}

static enum status put_item(struct store_txn *txn, const struct log *log, const struct items *items,
                            size_t which, const struct published *at, struct writer *w) {
    uint8_t memory[PROOF_SIZE_MAX];
    struct writer proof;
    struct bytes entry;
    struct bytes line;
    struct bytes note;
    writer_init(&proof, memory, sizeof memory);
    TRY(tree_entry(txn, log->number, items->indexes[which], &entry));
    TRY(split_entry(entry, &line, &note));
    proof_format(&proof, line, items->indexes[which], &items->proofs[which], at->note);
    receipt_item(w, note, writer_view(&proof));
    return writer_status(w);
}

/* The checkpoint to prove at: the one that confirms the event's time (design G7). It must cover a
 * policy too, which the log's first events may precede. */
static enum status choose_checkpoint(struct store_txn *txn, const struct log *log, uint64_t index,
                                     uint64_t size, struct published *at, uint64_t *policy) {
    TRY(sequencer_published_confirming(txn, log->number, index, size, at));
    return policy_in_force(txn, log->number, at->size, policy);
}

enum status sequencer_receipt(struct store_txn *txn, const struct log *log,
                              struct bytes issuer_name, uint64_t seq, uint64_t size,
                              struct writer *w, bool *pending, uint64_t *index,
                              struct refusal *why) {
    struct issuer issuer;
    struct published at;
    uint64_t policy = 0;
    *pending = false;
    enum status status = issuer_find(txn, log->number, issuer_name, &issuer);
    if (status == STATUS_OK) {
        status = issuer_event(txn, log->number, issuer.number, seq, index);
    }
    if (status == STATUS_NOT_FOUND) {
        return refuse(why, status, "no event %llu of %.*s in this log", (unsigned long long)seq,
                      (int)issuer_name.len, issuer_name.data);
    }
    TRY(status);
    if (size <= *index) {
        return refuse(why, STATUS_BAD_SIZE, "entry %llu is not below the size named, %llu",
                      (unsigned long long)*index, (unsigned long long)size);
    }
    status = choose_checkpoint(txn, log, *index, size, &at, &policy);
    if (status == STATUS_NOT_FOUND) {
        *pending = true;
        return refuse(why, status,
                      "entry %llu is durable here; no quorum of mirrors covers it yet: ask again",
                      (unsigned long long)*index);
    }
    TRY(status);
    struct items items = {.indexes = {0, policy}, .count = 2};
    TRY(put_links(txn, log, &issuer, *index > policy ? *index : policy, &items));
    items.indexes[items.count++] = *index;
    TRY(tree_inclusions(txn, log->number, items.indexes, items.count, at.size, items.proofs));
    receipt_start(w);
    for (size_t i = 0; i < items.count; i++) {
        TRY(put_item(txn, log, &items, i, &at, w));
    }
    return STATUS_OK;
}
