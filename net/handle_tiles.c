/* Checkpoints, tiles and entry bundles (https://c2sp.org/tlog-tiles), of the own log and of every
 * log held. Nothing is served beyond the checkpoint that the same prefix serves. */
#include "ledger/kept.h"
#include "ledger/sequencer.h"
#include "net/handlers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const char text_type[] = "text/plain; charset=utf-8";
static const char octets_type[] = "application/octet-stream";
static const struct reply_header no_cache = {"Cache-Control", "no-cache"};
static const struct reply_header for_ever = {"Cache-Control",
                                             "public, max-age=31536000, immutable"};

bool handler_begin(struct request *request, struct store_txn **txn) {
    struct node *node = request_context(request);
    if (store_begin(node->store, STORE_READ, txn) == STATUS_OK) {
        return true;
    }
    request_answer_text(request, 503, "too many readers at once: try again in a second");
    return false;
}

void handler_answer_status(struct request *request, enum status status, const char *what) {
    if (status == STATUS_NOT_FOUND) {
        request_answer_text(request, 404, "%s", what);
    } else {
        request_answer_text(request, answer_http(status), "%s", status_text(status));
    }
}

/* --- checkpoints --- */

static enum status write_own(struct store_txn *txn, uint32_t log, struct writer *w) {
    struct published published;
    TRY(sequencer_published(txn, log, &published));
    writer_bytes(w, published.note);
    return writer_status(w);
}

typedef enum status (*write_checkpoint)(struct store_txn *txn, uint32_t log, struct writer *w);

static void answer_checkpoint(struct request *request, const struct log *log,
                              write_checkpoint write) {
    uint8_t memory[CHECKPOINT_SIZE_MAX + 512];
    struct writer w;
    struct store_txn *txn = NULL;
    if (log == NULL) {
        request_answer_text(request, 404,
                            "this node holds no such log; GET /logs lists those it holds");
        return;
    }
    if (!handler_begin(request, &txn)) {
        return;
    }
    writer_init(&w, memory, sizeof memory);
    enum status status = write(txn, log->number, &w);
    store_abort(txn);
    if (status != STATUS_OK) {
        handler_answer_status(request, status, "no checkpoint yet: ask again later");
        return;
    }
    struct reply reply = {.http = 200,
                          .content_type = text_type,
                          .body = writer_view(&w),
                          .body_is = REPLY_COPY,
                          .headers = &no_cache,
                          .header_count = 1};
    request_answer(request, &reply);
}

static const struct log *own_log(struct request *request) {
    struct node *node = request_context(request);
    return node->has_own ? &node->own : NULL;
}

static const struct log *log_of_segment(struct request *request) {
    return node_log_by_id(request_context(request), request_segment(request, 0));
}

static bool is_own(const struct log *log) {
    return log != NULL && (log->flags & LOG_OWN) != 0;
}

void handle_own_checkpoint(struct request *request) {
    answer_checkpoint(request, own_log(request), write_own);
}

void handle_log_checkpoint(struct request *request) {
    const struct log *log = log_of_segment(request);
    answer_checkpoint(request, log, is_own(log) ? write_own : mirror_serve_checkpoint);
}

void handle_witness_checkpoint(struct request *request) {
    answer_checkpoint(request, log_of_segment(request), witness_serve_checkpoint);
}

/* What is kept for ever of a log's quorum checkpoints, above a size. */
void handle_kept(struct request *request) {
    const struct log *log = log_of_segment(request);
    struct store_txn *txn = NULL;
    uint64_t above = 0;
    struct writer w;
    if (log == NULL) {
        request_answer_text(request, 404,
                            "this node holds no such log; GET /logs lists those it holds");
        return;
    }
    if (!bytes_to_u64(request_segment(request, 1), &above)) {
        request_answer_text(request, 400, "kept/<size>: those of larger sizes are given");
        return;
    }
    uint8_t *memory = malloc(KEPT_FILE_MAX);
    if (memory == NULL) {
        request_answer_text(request, 503, "out of memory: try again in a second");
        return;
    }
    if (handler_begin(request, &txn)) {
        writer_init(&w, memory, KEPT_FILE_MAX);
        enum status status = kept_write(txn, log->number, above, &w);
        store_abort(txn);
        if (status == STATUS_OK) {
            struct reply reply = {.http = 200,
                                  .content_type = text_type,
                                  .body = writer_view(&w),
                                  .body_is = REPLY_COPY,
                                  .headers = &no_cache,
                                  .header_count = 1};
            request_answer(request, &reply);
        } else {
            handler_answer_status(request, status, "none is kept above that size");
        }
    }
    free(memory);
}

/* --- tiles --- */

/* The size up to which this prefix serves. */
static enum status served_size(struct store_txn *txn, const struct log *log, uint64_t *size) {
    if (is_own(log)) {
        struct published published;
        TRY(sequencer_published(txn, log->number, &published));
        *size = published.size;
        return STATUS_OK;
    }
    struct signed_checkpoint checkpoint;
    TRY(mirror_checkpoint(txn, log->number, &checkpoint));
    *size = checkpoint.size;
    return STATUS_OK;
}

static void answer_bytes(struct request *request, struct bytes body, enum reply_body body_is) {
    struct reply reply = {.http = 200,
                          .content_type = octets_type,
                          .body = body,
                          .body_is = body_is,
                          .headers = &for_ever,
                          .header_count = 1};
    request_answer(request, &reply);
}

/* Computes what is not stored as it is served: partial tiles and bundles. */
static void answer_computed(struct request *request, struct store_txn *txn, const struct log *log,
                            const struct tile *tile, uint64_t size) {
    size_t cap = tile->entries ? BUNDLE_SIZE_MAX : TILE_WIDTH * HASH_SIZE;
    uint8_t *memory = malloc(cap); /* a bundle touches what its entries take, not all of it */
    struct writer w;
    if (memory == NULL) {
        request_answer_text(request, 503, "out of memory: try again in a second");
        return;
    }
    writer_init(&w, memory, cap);
    enum status status = tree_tile(txn, log->number, tile, size, &w);
    if (status != STATUS_OK) {
        free(memory);
        handler_answer_status(request, status, "no such tile in the checkpoint's tree");
        return;
    }
    answer_bytes(request, writer_view(&w), REPLY_TAKE);
}

static void answer_tile(struct request *request, const struct log *log, struct bytes path) {
    struct tile tile;
    struct store_txn *txn = NULL;
    uint64_t size = 0;
    struct bytes stored;
    if (log == NULL) {
        request_answer_text(request, 404,
                            "this node holds no such log; GET /logs lists those it holds");
        return;
    }
    if (tile_parse_path(path, &tile) != STATUS_OK) {
        request_answer_text(request, 400,
                            "not a tile's path: tile/<L>/<N>[.p/<W>] or tile/entries/<N>[.p/<W>]");
        return;
    }
    if (!handler_begin(request, &txn)) {
        return;
    }
    enum status status = served_size(txn, log, &size);
    if (status != STATUS_OK || tile.width > tile_width_at(tile.level, tile.index, size)) {
        store_abort(txn);
        handler_answer_status(request, status == STATUS_OK ? STATUS_NOT_FOUND : status,
                              "no such tile in the checkpoint's tree");
        return;
    }
    if (tree_tile_borrow(txn, log->number, &tile, size, &stored) == STATUS_OK) {
        answer_bytes(request, stored, REPLY_COPY);
    } else {
        answer_computed(request, txn, log, &tile, size);
    }
    store_abort(txn);
}

void handle_own_tile(struct request *request) {
    answer_tile(request, own_log(request), request_segment(request, 0));
}

void handle_log_tile(struct request *request) {
    answer_tile(request, log_of_segment(request), request_segment(request, 1));
}
