/* Receipts, issuers and evidence. */
#include "crypto/encoding.h"
#include "ledger/accept.h"
#include "ledger/fork.h"
#include "ledger/schema.h"
#include "ledger/sequencer.h"
#include "net/handlers.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const char text_type[] = "text/plain; charset=utf-8";

void handler_answer_json(struct request *request, unsigned http, json_t *object) {
    char *text = object != NULL ? json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(object);
    size_t len = text != NULL ? strlen(text) : 0;
    char *line = text != NULL ? realloc(text, len + 1) : NULL;
    if (line == NULL) {
        free(text);
        request_answer_text(request, 503, "out of memory: try again in a second");
        return;
    }
    line[len] = '\n'; /* over the terminator: the reply has a length */
    struct reply reply = {.http = http,
                          .content_type = "application/json",
                          .body = bytes_of(line, len + 1),
                          .body_is = REPLY_TAKE};
    request_answer(request, &reply);
}

/* --- receipts --- */

/* "<issuer>/<seq>": key names may hold slashes, seq is the last component. */
static bool split_receipt_path(struct bytes path, struct bytes *issuer, uint64_t *seq) {
    size_t slash = path.len;
    while (slash > 0 && path.data[slash - 1] != '/') {
        slash--;
    }
    if (slash < 2) {
        return false;
    }
    *issuer = bytes_of(path.data, slash - 1);
    return bytes_to_u64(bytes_of(path.data + slash, path.len - slash), seq) && *seq > 0;
}

static void answer_pending(struct request *request, struct store_txn *txn, const struct log *log,
                           uint64_t index) {
    struct bytes entry;
    struct bytes note;
    uint64_t received_ms = 0;
    struct bytes target = request_path(request);
    enum status status = tree_entry(txn, log->number, index, &entry);
    if (status == STATUS_OK && entry_parse(entry, &received_ms, &note, NULL) != STATUS_OK) {
        status = STATUS_STORE_CORRUPT;
    }
    if (status != STATUS_OK) {
        handler_answer_status(request, status, "no such entry");
        return;
    }
    handler_answer_json(request, 202,
                        json_pack("{s:I, s:s%, s:I, s:i}", "index", (json_int_t)index, "receipt",
                                  target.data, target.len, "received", (json_int_t)received_ms,
                                  "status", 202));
}

/* `size` in the query: only the checkpoints that who names this size of the log goes by. */
static bool named_size(const struct request *request, uint64_t *size) {
    struct bytes value;
    *size = UINT64_MAX;
    return !request_query(request, "size", &value) || (bytes_to_u64(value, size) && *size > 0);
}

/* Of whichever log: a mirror proves what it shows by the quorum checkpoints that it keeps. */
static void answer_receipt(struct request *request, const struct log *log, struct bytes path) {
    struct refusal why = {.text = ""};
    struct store_txn *txn = NULL;
    struct bytes issuer;
    uint64_t seq = 0;
    uint64_t size = 0;
    uint64_t index = 0;
    bool pending = false;
    if (!split_receipt_path(path, &issuer, &seq) || !named_size(request, &size)) {
        request_answer_text(request, 400,
                            "receipt/<issuer>/<seq>, and perhaps ?size=<size of the log>, both in "
                            "decimal from 1");
        return;
    }
    uint8_t *memory = malloc(RECEIPT_SIZE_MAX);
    if (memory == NULL || !handler_begin(request, &txn)) {
        free(memory);
        request_answer_text(request, 503, "out of memory: try again in a second");
        return;
    }
    struct writer w;
    writer_init(&w, memory, RECEIPT_SIZE_MAX);
    enum status status = sequencer_receipt(txn, log, issuer, seq, size, &w, &pending, &index, &why);
    if (status == STATUS_OK) {
        struct reply reply = {
            .http = 200, .content_type = text_type, .body = writer_view(&w), .body_is = REPLY_COPY};
        request_answer(request, &reply);
    } else if (pending) {
        answer_pending(request, txn, log, index);
    } else if (status == STATUS_NOT_FOUND || status == STATUS_BAD_SIZE) {
        request_refuse(request, &why);
    } else {
        handler_answer_status(request, status, "no such receipt");
    }
    store_abort(txn);
    free(memory);
}

void handle_receipt(struct request *request) {
    const struct node *node = request_context(request);
    if (!node->has_own || (node->own.flags & LOG_EVENTS) == 0) {
        request_answer_text(request, 404, "this node hosts no log of events");
        return;
    }
    answer_receipt(request, &node->own, request_segment(request, 0));
}

void handle_log_receipt(struct request *request) {
    const struct log *log = node_log_by_id(request_context(request), request_segment(request, 0));
    if (log == NULL || (log->flags & LOG_EVENTS) == 0) {
        request_answer_text(
            request, 404, "this node holds no such log of events; GET /logs lists those it holds");
        return;
    }
    answer_receipt(request, log, request_segment(request, 1));
}

/* --- issuers --- */

static json_t *roles_json(uint32_t roles) {
    json_t *list = json_array();
    for (uint32_t bit = 1; bit != 0 && bit <= roles; bit <<= 1) {
        const char *name = (roles & bit) != 0 ? role_name(bit) : NULL;
        if (name != NULL) {
            json_array_append_new(list, json_string(name));
        }
    }
    return list;
}

static json_t *issuer_json(const struct issuer *issuer) {
    char vkey[VKEY_SIZE_MAX];
    char head[HEX_LEN(HASH_SIZE)];
    struct writer w;
    writer_init(&w, vkey, sizeof vkey);
    vkey_format(&w, &issuer->vkey);
    hex_encode(head, issuer->last_id.bytes, HASH_SIZE);
    json_t *object =
        json_pack("{s:I, s:s%, s:b, s:o, s:I}", "enrolled_at", (json_int_t)issuer->enrolled_at,
                  "key", vkey, w.len, "revoked", issuer->revoked_at != 0, "roles",
                  roles_json(issuer->roles), "seq", (json_int_t)issuer->last_seq);
    if (object != NULL && issuer->last_seq > 0) {
        json_object_set_new(object, "head", json_stringn(head, sizeof head));
    }
    return object;
}

void handle_issuer(struct request *request) {
    struct node *node = request_context(request);
    struct store_txn *txn = NULL;
    struct issuer issuer;
    if (!node->has_own || (node->own.flags & LOG_EVENTS) == 0) {
        request_answer_text(request, 404, "this node hosts no log of events");
        return;
    }
    if (!handler_begin(request, &txn)) {
        return;
    }
    enum status status = issuer_find(txn, node->own.number, request_segment(request, 0), &issuer);
    store_abort(txn);
    if (status == STATUS_OK) {
        handler_answer_json(request, 200, issuer_json(&issuer));
    } else {
        handler_answer_status(request, status, "no such key in this log: have it enrolled first");
    }
}

/* --- evidence --- */

static void hex_of(struct bytes content, char hex[HEX_LEN(HASH_SIZE) + 1]) {
    struct hash hash;
    hash_of(content.data, content.len, &hash);
    hex[hex_encode(hex, hash.bytes, HASH_SIZE)] = '\0';
}

static enum status list_evidence(void *context, const struct vkey *accused, struct bytes content) {
    json_t *list = context;
    char hex[HEX_LEN(HASH_SIZE) + 1];
    char form[2] = {0};
    struct evidence evidence;
    struct bytes origin;
    if (evidence_parse(content, &evidence, NULL) != STATUS_OK ||
        evidence_origin(&evidence, &origin) != STATUS_OK) {
        return STATUS_STORE_CORRUPT;
    }
    form[0] = evidence.form;
    hex_of(content, hex);
    json_t *item = json_pack("{s:o, s:s, s:o, s:s, s:s%}", "file",
                             json_sprintf("/evidence/%08x/%s", (unsigned)accused->id, hex), "form",
                             form, "key", json_sprintf("%08x", (unsigned)accused->id), "name",
                             accused->name, "log", origin.data, origin.len);
    return json_array_append_new(list, item) == 0 ? STATUS_OK : STATUS_NOMEM;
}

static enum status list_unreconciled(void *context, const struct vkey *log, struct bytes content) {
    json_t *list = context;
    struct note note;
    struct checkpoint checkpoint;
    if (checkpoint_parse(content, &note, &checkpoint, NULL) != STATUS_OK) {
        return STATUS_STORE_CORRUPT;
    }
    json_t *item = json_pack("{s:o, s:s%, s:I}", "key", json_sprintf("%08x", (unsigned)log->id),
                             "log", checkpoint.origin.data, checkpoint.origin.len, "size",
                             (json_int_t)checkpoint.size);
    return json_array_append_new(list, item) == 0 ? STATUS_OK : STATUS_NOMEM;
}

void handle_evidence_list(struct request *request) {
    struct store_txn *txn = NULL;
    if (!handler_begin(request, &txn)) {
        return;
    }
    json_t *evidence = json_array();
    json_t *unreconciled = json_array();
    enum status status = fork_each_evidence(txn, list_evidence, evidence);
    if (status == STATUS_OK) {
        status = fork_each_unreconciled(txn, list_unreconciled, unreconciled);
    }
    store_abort(txn);
    json_t *object = json_pack("{s:o, s:o}", "evidence", evidence, "unreconciled", unreconciled);
    if (status == STATUS_OK) {
        handler_answer_json(request, 200, object);
    } else {
        json_decref(object);
        handler_answer_status(request, status, "no evidence");
    }
}

void handle_evidence(struct request *request) {
    struct store_txn *txn = NULL;
    struct bytes id_text = request_segment(request, 0);
    struct hash hash;
    uint8_t id[4];
    struct vkey accused;
    struct bytes content;
    if (!hex_decode((const char *)id_text.data, id_text.len, id, sizeof id) ||
        !bytes_hex_to_hash(request_segment(request, 1), &hash)) {
        request_answer_text(request, 400,
                            "evidence/<key id in hex>/<SHA-256 in hex>; GET /evidence lists them");
        return;
    }
    if (!handler_begin(request, &txn)) {
        return;
    }
    uint32_t key_id = (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
    enum status status = fork_evidence(txn, key_id, &hash, &accused, &content);
    if (status == STATUS_OK) {
        struct reply reply = {
            .http = 200, .content_type = text_type, .body = content, .body_is = REPLY_COPY};
        request_answer(request, &reply);
    } else {
        handler_answer_status(request, status,
                              "no such evidence; GET /evidence lists what there is");
    }
    store_abort(txn);
}
