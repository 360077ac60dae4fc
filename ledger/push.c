#include "ledger/push.h"

#include "crypto/encoding.h"

#include <assert.h>
#include <string.h>

enum status push_checkpoint(struct store_txn *txn, uint32_t log, uint64_t old_size, uint64_t size,
                            struct bytes note, struct writer *w) {
    struct merkle_proof proof = {.count = 0};
    assert(old_size <= size);
    /* "If the old size is zero, the consistency proof MUST be empty"; between equal sizes it is. */
    if (old_size > 0 && old_size < size) {
        TRY(tree_consistency(txn, log, old_size, size, &proof));
    }
    add_checkpoint_format(w, old_size, &proof, note);
    return writer_status(w);
}

/* --- entries --- */

static enum status put_entry(void *context, uint64_t index, struct bytes entry,
                             const struct hash *leaf) {
    (void)index;
    (void)leaf;
    bundle_put(context, entry);
    return writer_status(context);
}

static enum status put_package(struct store_txn *txn, uint32_t log, uint64_t start, uint64_t end,
                               uint64_t upload_end, struct writer *w) {
    struct merkle_proof proof;
    TRY(tree_walk(txn, log, start, end, put_entry, w));
    TRY(tree_subtree(txn, log, start - start % TILE_WIDTH, end, upload_end, &proof));
    assert(proof.count <= PACKAGE_PROOF_MAX);
    writer_u8(w, (uint8_t)proof.count);
    for (size_t i = 0; i < proof.count; i++) {
        writer_hash(w, &proof.hashes[i]);
    }
    return writer_status(w);
}

enum status push_entries(struct store_txn *txn, uint32_t log, struct bytes origin, uint64_t start,
                         uint64_t end, struct bytes ticket, struct writer *w) {
    struct upload_header header = {.origin = origin, .start = start, .end = end, .ticket = ticket};
    upload_header_format(w, &header);
    TRY(writer_status(w));
    /* "clients SHOULD limit each add-entries request to at most 32 entry packages" */
    for (size_t packages = 0; start < end && packages < PACKAGES_PER_UPLOAD; packages++) {
        uint64_t package_end;
        size_t len = w->len;
        package_bounds(start, end, &package_end);
        enum status status = put_package(txn, log, start, package_end, end, w);
        if (status == STATUS_TOO_LARGE && packages > 0) {
            /* A prefix of the canonical sequence is a good request; the answer will say so. */
            w->len = len;
            w->failed = false;
            break;
        }
        TRY(status);
        start = package_end;
    }
    return STATUS_OK;
}

enum status push_candidate(struct store_txn *txn, uint32_t log, struct bytes origin,
                           uint64_t old_size, uint64_t size, struct bytes note, struct writer *w) {
    assert(package_count(old_size, size) == 1);
    uint8_t *prefix = writer_reserve(w, 2);
    TRY(writer_status(w));
    size_t before = w->len;
    TRY(push_checkpoint(txn, log, old_size, size, note, w));
    size_t len = w->len - before;
    static_assert(ADD_CHECKPOINT_SIZE_MAX <= UINT16_MAX, "its length fits");
    assert(len <= ADD_CHECKPOINT_SIZE_MAX);
    prefix[0] = (uint8_t)(len >> 8);
    prefix[1] = (uint8_t)len;
    return push_entries(txn, log, origin, old_size, size, bytes_of(NULL, 0), w);
}

/* --- answers --- */

enum status mirror_info_parse(struct bytes body, struct mirror_info *out) {
    struct reader r;
    struct bytes pending;
    struct bytes next;
    struct bytes ticket;
    struct mirror_info info;
    reader_init(&r, body);
    if (!reader_line(&r, &pending) || !reader_line(&r, &next) || !reader_line(&r, &ticket) ||
        !reader_done(&r) || !bytes_to_u64(pending, &info.pending) ||
        !bytes_to_u64(next, &info.next_entry)) {
        return STATUS_BAD_FORM;
    }
    info.ticket_len = 0;
    if (ticket.len > BASE64_LEN(TICKET_SIZE_MAX)) {
        /* It may be sent or not, and we upload to the current pending checkpoint, for which no
         * mirror needs to be reminded. */
        ticket.len = 0;
    }
    if (!base64_decode((const char *)ticket.data, ticket.len, info.ticket, sizeof info.ticket,
                       &info.ticket_len)) {
        return STATUS_BAD_FORM;
    }
    *out = info;
    return STATUS_OK;
}

void mirror_info_format(struct writer *w, const struct mirror_info *info) {
    assert(info->ticket_len <= sizeof info->ticket);
    writer_decimal(w, info->pending);
    writer_u8(w, '\n');
    writer_decimal(w, info->next_entry);
    writer_u8(w, '\n');
    uint8_t *text = writer_reserve(w, BASE64_LEN(info->ticket_len));
    if (text != NULL) {
        (void)base64_encode((char *)text, info->ticket, info->ticket_len);
    }
    writer_u8(w, '\n');
}

enum status push_own_root(struct store_txn *txn, uint32_t log, struct bytes checkpoint,
                          struct hash *root) {
    struct note note;
    struct checkpoint theirs;
    struct tree_head head;
    if (checkpoint_parse(checkpoint, &note, &theirs, NULL) != STATUS_OK) {
        return STATUS_NOT_FOUND;
    }
    TRY(tree_read_head(txn, log, &head));
    if (theirs.size > head.size) {
        return STATUS_NOT_FOUND;
    }
    return tree_root_at(txn, log, theirs.size, root);
}
