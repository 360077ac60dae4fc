/* What is not open to all: the access log, and the other events that were sent under a used seq. */
#include "ledger/access.h"
#include "net/access.h"
#include "net/handlers.h"

#include <inttypes.h>
#include <stdlib.h>

#define ROWS_PER_ANSWER 500
#define CONFLICT_BYTES_PER_ANSWER ((size_t)1 << 20)

#define ROLES_ABOVE (ROLE_ROOT | ROLE_OPERATOR | ROLE_OVERSIGHT | ROLE_COURT | ROLE_POST)

/* --- the access log --- */

static json_t *text_of(struct bytes text) {
    return json_stringn((const char *)text.data, text.len);
}

static enum status list_access(struct store_txn *txn, uint32_t log, uint64_t from, json_t *list,
                               uint64_t *next) {
    for (unsigned i = 0; i < ROWS_PER_ANSWER; i++) {
        struct access_row row;
        enum status status = access_row_from(txn, log, from, &row);
        if (status != STATUS_OK) {
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
        }
        json_t *item = json_pack("{s:o, s:o, s:o, s:I, s:o, s:I}", "address", text_of(row.address),
                                 "key", text_of(row.key), "method", text_of(row.method), "number",
                                 (json_int_t)row.number, "path", text_of(row.target), "time_ms",
                                 (json_int_t)row.time_ms);
        if (json_array_append_new(list, item) != 0) {
            return STATUS_NOMEM;
        }
        from = row.number + 1;
        *next = from;
    }
    return STATUS_OK;
}

/* The number in the query; false: answered 400. */
static bool query_number(struct request *request, const char *name, uint64_t *out) {
    struct bytes value;
    if (!request_query(request, name, &value)) {
        return true;
    }
    if (!bytes_to_u64(value, out)) {
        request_answer_text(request, 400, "%s takes a number", name);
        return false;
    }
    return true;
}

static void answer_list(struct request *request, enum status status, const char *name, json_t *list,
                        uint64_t next) {
    if (status == STATUS_OK) {
        handler_answer_json(request, 200,
                            json_pack("{s:o, s:I}", name, list, "next", (json_int_t)next));
    } else {
        json_decref(list);
        handler_answer_status(request, status, "nothing to list");
    }
}

static void serve_access(struct request *request) {
    struct node *node = request_context(request);
    struct store_txn *txn = NULL;
    uint64_t from = 1;
    if (!query_number(request, "from", &from) || !handler_begin(request, &txn)) {
        return;
    }
    json_t *list = json_array();
    uint64_t next = from;
    enum status status = list_access(txn, node->own.number, from, list, &next);
    store_abort(txn);
    answer_list(request, status, "access", list, next);
}

void handle_access(struct request *request) {
    access_ask(request, ROLES_ABOVE, serve_access);
}

/* --- conflicts --- */

struct listing {
    struct store_txn *txn;
    uint32_t log;
    json_t *list;
    uint64_t skip; /* so many were in earlier answers */
    uint64_t next;
    size_t bytes;
    bool full;
};

static enum status list_conflict(void *context, uint32_t number, uint64_t seq, struct bytes note) {
    struct listing *l = context;
    struct issuer issuer;
    uint64_t index = 0;
    if (l->skip > 0) {
        l->skip--;
        return STATUS_OK;
    }
    if (l->bytes + note.len > CONFLICT_BYTES_PER_ANSWER) {
        l->full = true;
    }
    if (l->full) {
        return STATUS_OK;
    }
    TRY(issuer_by_number(l->txn, l->log, number, &issuer));
    TRY(issuer_event(l->txn, l->log, number, seq, &index));
    json_t *item = json_pack("{s:s, s:I, s:o, s:I}", "issuer", issuer.vkey.name, "logged",
                             (json_int_t)index, "note", text_of(note), "seq", (json_int_t)seq);
    if (json_array_append_new(l->list, item) != 0) {
        return STATUS_NOMEM;
    }
    l->bytes += note.len;
    l->next++;
    return STATUS_OK;
}

static void serve_conflicts(struct request *request) {
    struct node *node = request_context(request);
    struct listing l = {.log = node->own.number};
    if (!query_number(request, "from", &l.skip) || !handler_begin(request, &l.txn)) {
        return;
    }
    l.next = l.skip;
    l.list = json_array();
    enum status status = issuer_each_conflict(l.txn, l.log, list_conflict, &l);
    store_abort(l.txn);
    answer_list(request, status, "conflicts", l.list, l.next);
}

void handle_conflicts(struct request *request) {
    access_ask(request, ROLES_ABOVE | ROLE_AGENCY, serve_conflicts);
}
