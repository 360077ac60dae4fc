#include "ledger/receipt_compare.h"

#include "ledger/proof.h"

/* What an item says of its entry; false if it cannot be read. */
struct stated {
    struct proof proof;
    struct hash leaf;
};

static bool read_item(const struct receipt_item *item, struct stated *out) {
    uint8_t entry[ENTRY_SIZE_MAX + PROOF_EXTRA_MAX];
    struct writer w;
    if (proof_parse(item->proof, &out->proof, NULL) != STATUS_OK) {
        return false;
    }
    writer_init(&w, entry, sizeof entry);
    writer_put(&w, out->proof.extra, out->proof.extra_len);
    writer_bytes(&w, item->note);
    if (w.failed) {
        return false;
    }
    hash_leaf(w.data, w.len, &out->leaf);
    return true;
}

/* The pair excludes each other by what it says; signatures are not looked at. */
static bool may_contradict(const struct stated *one, const struct stated *two,
                           const struct vkey *key) {
    const struct checkpoint *a = &one->proof.checkpoint;
    const struct checkpoint *b = &two->proof.checkpoint;
    bool roots = a->size == b->size && !hash_equal(&a->root, &b->root);
    bool leaves = one->proof.index == two->proof.index && !hash_equal(&one->leaf, &two->leaf);
    bool order = key->type == VKEY_COSIGNATURE && a->size != b->size;
    return bytes_equal(a->origin, b->origin) && (roots || leaves || order);
}

static enum status compare_items(const struct receipt_item *one, const struct receipt_item *two,
                                 const struct vkey *key, struct writer *w) {
    struct stated a;
    struct stated b;
    if (!read_item(one, &a) || !read_item(two, &b) || !may_contradict(&a, &b, key)) {
        return STATUS_NOT_FOUND;
    }
    enum status status =
        evidence_of_checkpoints(key, a.proof.checkpoint_note, b.proof.checkpoint_note, NULL, w);
    return status != STATUS_NOT_FOUND
               ? status
               : evidence_of_proofs(key, one->proof, &a.leaf, two->proof, &b.leaf, w);
}

enum status receipt_compare(const struct receipt *one, const struct receipt *two,
                            const struct vkey *keys, size_t key_count, struct vkey *accused,
                            struct writer *w) {
    for (size_t k = 0; k < key_count; k++) {
        for (size_t i = 0; i < one->count; i++) {
            for (size_t j = 0; j < two->count; j++) {
                enum status status = compare_items(&one->items[i], &two->items[j], &keys[k], w);
                if (status == STATUS_OK) {
                    *accused = keys[k];
                }
                if (status != STATUS_NOT_FOUND) {
                    return status;
                }
            }
        }
    }
    return STATUS_NOT_FOUND;
}
