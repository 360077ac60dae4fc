/* Entry packages (https://c2sp.org/tlog-mirror, add-entries): up to 256 entries of one block with
 * the proof that ties them to a checkpoint, and the storing of one. */
#include "ledger/mirror_parts.h"

#include <assert.h>
#include <string.h>

static uint64_t block_of(uint64_t index) {
    return index - index % TILE_WIDTH;
}

void package_bounds(uint64_t start, uint64_t upload_end, uint64_t *package_end) {
    assert(start < upload_end);
    uint64_t end = block_of(start) + TILE_WIDTH;
    *package_end = end < upload_end ? end : upload_end;
}

uint64_t package_count(uint64_t start, uint64_t end) {
    assert(start <= end && end <= TREE_SIZE_MAX);
    if (start == end) {
        return 0;
    }
    return (block_of(end + TILE_WIDTH - 1) - block_of(start)) / TILE_WIDTH;
}

/* --- parsing --- */

enum status package_parse(struct bytes available, uint64_t start, uint64_t end,
                          struct package_scan *scan, struct package *out, size_t *consumed) {
    struct reader r;
    struct bytes seen;
    assert(start < end && end - block_of(start) <= TILE_WIDTH);
    reader_init(&r, available);
    bool still_there = reader_take(&r, scan->offset, &seen);
    assert(still_there);
    while (scan->entries < end - start) {
        struct bytes entry;
        if (!bundle_next(&r, &entry)) {
            return STATUS_NOT_FOUND;
        }
        scan->entries++;
        scan->offset = available.len - r.rest.len;
    }
    uint8_t count;
    struct package package = {.start = start, .end = end};
    if (!reader_u8(&r, &count)) {
        return STATUS_NOT_FOUND;
    }
    if (count > PACKAGE_PROOF_MAX) {
        return STATUS_BAD_FORM;
    }
    for (; package.proof.count < count; package.proof.count++) {
        if (!reader_hash(&r, &package.proof.hashes[package.proof.count])) {
            return STATUS_NOT_FOUND;
        }
    }
    package.entries = bytes_of(available.data, scan->offset);
    assert(scan->entries == end - start);
    *out = package;
    *consumed = available.len - r.rest.len;
    return STATUS_OK;
}

/* --- storing --- */

static enum status add_leaf(void *context, uint64_t index, struct bytes entry,
                            const struct hash *leaf) {
    (void)index;
    (void)entry;
    merkle_frontier_append(context, leaf);
    return STATUS_OK;
}

/* The edge of the block's entries before the package, as of a tree that begins at the block. Where
 * the package is the next to come it is the end of the tree's own: the nodes within the block are
 * those of the size's low bits. Else it is made of the leaf hashes: the flushed ones are read from
 * the store, those appended in this batch are at hand. */
static enum status edge_before(struct batch *batch, struct tree *tree, uint64_t block,
                               uint64_t start, struct merkle_frontier *edge) {
    merkle_frontier_init(edge);
    if (start == tree->frontier.size) {
        size_t all = merkle_frontier_count(&tree->frontier);
        edge->size = start - block;
        size_t count = merkle_frontier_count(edge);
        assert(edge->size < TILE_WIDTH && count <= all);
        memcpy(edge->nodes, tree->frontier.nodes + (all - count), count * sizeof edge->nodes[0]);
        return STATUS_OK;
    }
    if (block != block_of(tree->frontier.size)) {
        /* An upload that begins inside a block that others finished meanwhile. */
        TRY(tree_flush(tree, batch->txn));
    }
    uint64_t stored = start < tree->flushed ? start : tree->flushed;
    if (stored > block) {
        TRY(tree_walk(batch->txn, tree->log, block, stored, add_leaf, edge));
        assert(edge->size == stored - block);
    }
    while (block + edge->size < start) {
        merkle_frontier_append(edge, &tree->leaves[edge->size]);
    }
    return STATUS_OK;
}

/* Leaf hashes of the package's entries. */
struct leaves {
    struct hash hashes[TILE_WIDTH];
    size_t count;
};

/* "First, it reconstructs the subtree hash based on the received entries and entries already in the
 * log. It then verifies the subtree consistency proof using this hash and the checkpoint at
 * upload_end." (tlog-mirror, Processing) */
static bool proves(const struct package_job *job, uint64_t block, struct merkle_frontier *edge,
                   const struct leaves *leaves) {
    const struct package *package = &job->package;
    struct hash subtree;
    for (size_t i = 0; i < leaves->count; i++) {
        merkle_frontier_append(edge, &leaves->hashes[i]);
    }
    assert(edge->size == package->end - block);
    merkle_frontier_root(edge, &subtree);
    return merkle_subtree_check(block, package->end, &subtree, job->upload->end, &job->upload->root,
                                package->proof.hashes, package->proof.count);
}

/* "If some entry has already been written to the log or the pending entry list, the mirror MUST
 * skip saving that entry." It is the same entry: both are proved to lie on one history. */
static enum status append_new(struct batch *batch, struct tree *tree, const struct package *package,
                              const struct leaves *leaves) {
    struct reader r;
    reader_init(&r, package->entries);
    for (uint64_t index = package->start; index < package->end; index++) {
        struct bytes entry;
        bool more = bundle_next(&r, &entry);
        assert(more); /* package_parse counted them */
        if (index < tree->frontier.size) {
            continue;
        }
        assert(index == tree->frontier.size);
        TRY(tree_append(tree, batch->txn, entry, &leaves->hashes[index - package->start]));
    }
    assert(reader_done(&r));
    return STATUS_OK;
}

static enum status store_package(struct package_job *self, struct batch *batch) {
    const struct package *package = &self->package;
    uint64_t block = block_of(package->start);
    struct tree *tree;
    struct merkle_frontier edge;
    struct leaves leaves = {.count = 0};
    assert(package->start < package->end && package->end <= self->upload->end);
    TRY(batch_tree(batch, self->upload->log.number, false, &tree));
    self->next_entry = tree->frontier.size;
    if (package->start > tree->frontier.size) {
        return STATUS_CONFLICT_SIZE; /* the package before it was refused, and this one waited */
    }
    TRY(edge_before(batch, tree, block, package->start, &edge));
    struct reader r;
    struct bytes entry;
    reader_init(&r, package->entries);
    while (bundle_next(&r, &entry)) {
        assert(leaves.count < package->end - package->start);
        hash_leaf(entry.data, entry.len, &leaves.hashes[leaves.count++]);
    }
    assert(leaves.count == package->end - package->start);
#ifndef DUTYLOG_BUG_UNPROVED_PACKAGE /* planted: entries are stored whatever the log signed */
    if (!proves(self, block, &edge, &leaves)) {
        return STATUS_BAD_PROOF;
    }
#endif
    TRY(batch_tree(batch, self->upload->log.number, true, &tree));
    TRY(append_new(batch, tree, package, &leaves));
    self->next_entry = tree->frontier.size;
    return STATUS_OK;
}

/* After a refused package none of the same upload is stored, be its own entries the next to come:
 * what the client sent was to be proved in its order. */
static enum status package_apply(struct job *job, struct batch *batch) {
    struct package_job *self = (struct package_job *)job;
    if (self->upload->stopped) {
        return STATUS_CONFLICT_SIZE;
    }
    enum status status = store_package(self, batch);
    self->upload->stopped = status != STATUS_OK;
    return status;
}

static void package_finish(struct job *job, enum status status) {
    struct package_job *self = (struct package_job *)job;
    if (self->done != NULL) {
        self->done(self, status);
    }
}

void package_job_init(struct package_job *job) {
    job->job.apply = package_apply;
    job->job.finish = package_finish;
    job->job.status = STATUS_BUSY; /* not applied yet: an upload_end_job may look */
    job->next_entry = 0;
}
