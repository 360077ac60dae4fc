/* What the registry comes to here: which logs are recognised, and what an ORI stands for. */
#include "crypto/encoding.h"
#include "ledger/member.h"
#include "ledger/mirror.h"
#include "ledger/sequencer.h"
#include "net/handlers.h"
#include "net/recogniser.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define LOGS_PER_PAGE 200
#define AGENCIES_PER_PAGE 500
#define ORIS_PER_PAGE 2000 /* looked at, of whatever state */
/* So many cost as much as another request; and a page of logs, for which all are sorted. */
#define ORIS_PER_REQUEST 50
#define LOGS_PAGE_REQUESTS 20

/* --- /recognised --- */

/* Of the largest checkpoint that is served of a log that is held here. */
static enum status size_json(struct store_txn *txn, const struct log *log, json_t *object) {
    struct published published = {.size = 0};
    struct signed_checkpoint mirrored = {.size = 0};
    char hex[HEX_LEN(HASH_SIZE)];
    struct hash root;
    bool own = (log->flags & LOG_OWN) != 0;
    enum status status = own ? sequencer_published(txn, log->number, &published)
                             : mirror_checkpoint(txn, log->number, &mirrored);
    if (status != STATUS_OK) {
        json_object_set_new(object, "size", json_integer(0));
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    uint64_t size = own ? published.size : mirrored.size;
    TRY(tree_root_at(txn, log->number, size, &root));
    hex_encode(hex, root.bytes, HASH_SIZE);
    json_object_set_new(object, "root", json_stringn(hex, sizeof hex));
    json_object_set_new(object, "size", json_integer((json_int_t)size));
    return STATUS_OK;
}

/* Where the receipt of the log.recognised is, of any node that holds the recogniser. */
static enum status receipt_json(struct store_txn *txn, const struct log *by, uint64_t index,
                                json_t *object) {
    char hex[HEX_LEN(HASH_SIZE) + 1];
    struct bytes entry;
    struct bytes note;
    struct event event;
    uint64_t stamp_ms = 0;
    TRY(tree_entry(txn, by->number, index, &entry));
    if (entry_parse(entry, &stamp_ms, &note, NULL) != STATUS_OK ||
        event_parse(note, &event, NULL) != STATUS_OK) {
        return STATUS_STORE_CORRUPT; /* it was accepted from there */
    }
    hex[hex_encode(hex, by->id.bytes, HASH_SIZE)] = '\0';
    json_object_set_new(object, "receipt",
                        json_sprintf("/%s/receipt/%.*s/%llu", hex, (int)event.issuer.len,
                                     (const char *)event.issuer.data,
                                     (unsigned long long)event.seq));
    event_release(&event);
    return STATUS_OK;
}

static json_t *texts_json(const char *texts, size_t size, size_t count) {
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_stringn(texts + i * size, size));
    }
    return list;
}

static json_t *roles_json(uint32_t roles) {
    static const uint32_t ascending[] = {ROLE_COURT, ROLE_OVERSIGHT, ROLE_POST};
    json_t *list = json_array();
    for (size_t i = 0; i < sizeof ascending / sizeof ascending[0]; i++) {
        if ((roles & ascending[i]) != 0) {
            json_array_append_new(list, json_string(role_name(ascending[i])));
        }
    }
    return list;
}

/* As the log.recognised says them. */
static void bounds_json(const struct recognition_bounds *bounds, json_t *object) {
    if (bounds->ori_count > 0) {
        json_object_set_new(object, "oris",
                            texts_json(bounds->oris[0], ORI_SIZE, bounds->ori_count));
    }
    if (bounds->roles != 0) {
        json_object_set_new(object, "roles", roles_json(bounds->roles));
    }
    if (bounds->state_count > 0) {
        json_object_set_new(object, "states",
                            texts_json(bounds->states[0], 2, bounds->state_count));
    }
}

static enum status by_json(struct store_txn *txn, const struct recognised *found, json_t *object) {
    const struct recognition_way *way = &found->ways[RECOGNISED_AT_ALL];
    struct recognition row;
    struct log by;
    if (way->by == 0) {
        return STATUS_OK;
    }
    TRY(logs_get(txn, way->by, &by));
    TRY(recognition_get(txn, way->by, vkey_name(&found->vkey), UINT64_MAX, &row));
    json_object_set_new(object, "address", json_string(row.address));
    json_object_set_new(object, "by", json_string(by.vkey.name));
    json_object_set_new(object, "index", json_integer((json_int_t)way->index));
    json_object_set_new(object, "operator", json_string(row.operator_name));
    if (row.withdrawn) {
        json_object_set_new(object, "withdrawn", json_true());
    }
    bounds_json(&row.bounds, object);
    return receipt_json(txn, &by, way->index, object);
}

struct listed {
    struct hash id;
    const struct recognised *found;
};

static int compare_ids(const void *a, const void *b) {
    const struct listed *x = a;
    const struct listed *y = b;
    return memcmp(x->id.bytes, y->id.bytes, HASH_SIZE);
}

static enum status log_json(const struct node *node, struct store_txn *txn,
                            const struct listed *listed, json_t *list) {
    const struct recognised *found = listed->found;
    const struct recognition_way *way = &found->ways[RECOGNISED_AT_ALL];
    char hex[HEX_LEN(HASH_SIZE)];
    char vkey[VKEY_SIZE_MAX];
    struct writer w;
    writer_init(&w, vkey, sizeof vkey);
    vkey_format(&w, &found->vkey);
    hex_encode(hex, listed->id.bytes, HASH_SIZE);
    json_t *object = json_pack("{s:s, s:i, s:b, s:s%, s:s, s:s%}", "authority",
                               node->config.authorities[way->pin].pin.name, "depth",
                               (int)way->depth, "held", found->log != 0, "id", hex, sizeof hex,
                               "origin", found->vkey.name, "vkey", vkey, w.len);
    if (object == NULL || json_array_append_new(list, object) != 0) {
        return STATUS_NOMEM;
    }
    TRY(by_json(txn, found, object));
    return found->log != 0 ? size_json(txn, node_log_by_number(node, found->log), object)
                           : STATUS_OK;
}

/* All, in the order of their ids. From malloc; NULL: no memory. */
static struct listed *sort_set(const struct recognition_set *set) {
    struct listed *all = malloc((set->count > 0 ? set->count : 1) * sizeof *all);
    for (size_t i = 0; all != NULL && i < set->count; i++) {
        struct bytes origin = vkey_name(&set->list[i].vkey);
        hash_of(origin.data, origin.len, &all[i].id);
        all[i].found = &set->list[i];
    }
    if (all != NULL) {
        qsort(all, set->count, sizeof *all, compare_ids);
    }
    return all;
}

static enum status page_json(const struct node *node, struct store_txn *txn,
                             const struct hash *from, json_t *object) {
    const struct recognition_set *set = recogniser_set(node->recogniser);
    struct listed *all = sort_set(set);
    json_t *list = json_object_get(object, "logs");
    enum status status = all != NULL ? STATUS_OK : STATUS_NOMEM;
    size_t i = 0;
    size_t count = 0;
    while (status == STATUS_OK && i < set->count &&
           memcmp(all[i].id.bytes, from->bytes, HASH_SIZE) < 0) {
        i++;
    }
    for (; status == STATUS_OK && i < set->count && count < LOGS_PER_PAGE; i++, count++) {
        status = log_json(node, txn, &all[i], list);
    }
    if (status == STATUS_OK && i < set->count) {
        char hex[HEX_LEN(HASH_SIZE)];
        hex_encode(hex, all[i].id.bytes, HASH_SIZE);
        json_object_set_new(object, "next", json_stringn(hex, sizeof hex));
    }
    free(all);
    return status;
}

void handle_recognised(struct request *request) {
    struct node *node = request_context(request);
    struct store_txn *txn = NULL;
    struct hash from = {.bytes = {0}};
    struct bytes text;
    if (request_query(request, "from", &text) && !bytes_hex_to_hash(text, &from)) {
        request_answer_text(request, 400, "from is the `next` of the page before");
        return;
    }
    if (!handler_begin(request, &txn)) {
        return;
    }
    json_t *pinned = json_array();
    for (size_t i = 0; i < node->config.authority_count; i++) {
        json_array_append_new(pinned, json_string(node->config.authorities[i].pin.name));
    }
    json_t *object = json_pack("{s:[], s:o}", "logs", "pinned", pinned);
    enum status status = object == NULL             ? STATUS_NOMEM
                         : node->recogniser == NULL ? STATUS_OK
                                                    : page_json(node, txn, &from, object);
    store_abort(txn);
    request_cost(request, node->recogniser != NULL ? LOGS_PAGE_REQUESTS : 0);
    if (status == STATUS_OK) {
        handler_answer_json(request, 200, object);
    } else {
        json_decref(object);
        handler_answer_status(request, status, "no logs");
    }
}

/* --- agencies --- */

static json_t *agency_json(const struct node *node, const struct agency *agency) {
    json_t *former = json_array();
    for (size_t i = 0; i < agency->former_count; i++) {
        json_array_append_new(former, json_string(agency->former[i]));
    }
    json_t *object = json_pack("{s:o, s:s, s:b}", "former", former, "ori", agency->ori,
                               "registered", (int)agency->registered);
    if (object == NULL) {
        return NULL;
    }
    if (agency->name[0] != '\0') {
        json_object_set_new(object, "name", json_string(agency->name));
    }
    if (agency->registered) {
        json_object_set_new(object, "officers", json_integer((json_int_t)agency->officers));
        json_object_set_new(object, "state", json_string(agency->state));
        json_object_set_new(object, "type", json_string(agency->type));
    }
    if (agency->into[0] != '\0') {
        json_object_set_new(object, "into", json_string(agency->into));
        json_object_set_new(object, "merged_into", json_string(agency->goes_on));
        if (agency->cycle) {
            json_object_set_new(object, "circle", json_true());
        }
    }
    if (node->recogniser == NULL) {
        json_object_set_new(object, "unpinned", json_true());
    }
    return object;
}

/* ?day=YYYY-MM-DD, or today. False: answered. */
static bool read_day(struct request *request, uint64_t *day) {
    struct bytes text;
    *day = clock_wall_ms() / DAY_MS;
    if (!request_query(request, "day", &text)) {
        return true;
    }
    if (!text_is_date(text)) {
        request_answer_text(request, 400, "day is a day such as 2024-02-01, from 1900 on");
        return false;
    }
    *day = date_to_days((const char *)text.data);
    return true;
}

void handle_agency(struct request *request) {
    struct node *node = request_context(request);
    struct bytes ori = request_segment(request, 0);
    struct agency_sources sources = recogniser_sources(node->recogniser);
    struct store_txn *txn = NULL;
    struct agency agency;
    uint64_t day = 0;
    if (!text_is_ori(ori)) {
        request_answer_text(request, 400, "agency/<ORI>: nine characters of A-Z and 0-9");
        return;
    }
    if (!read_day(request, &day) || !handler_begin(request, &txn)) {
        return;
    }
    enum status status = agency_resolve(txn, &sources, (const char *)ori.data, day, &agency);
    store_abort(txn);
    if (status == STATUS_OK) {
        handler_answer_json(request, 200, agency_json(node, &agency));
    } else {
        handler_answer_status(request, status,
                              node->recogniser != NULL
                                  ? "no such agency in any recognised log"
                                  : "no such agency in any log that is held here");
    }
}

struct listing {
    const struct node *node;
    struct agency_sources sources;
    uint64_t day;
    char state[3]; /* "": any */
    char at[ORI_SIZE + 2];
    size_t looked;
};

/* Fills `list` with a page; `at` is then where the next begins, "" at the end. */
static enum status list_agencies(struct store_txn *txn, struct listing *l, json_t *list) {
    for (l->looked = 0;; l->looked++) {
        char ori[ORI_SIZE + 1];
        struct agency agency;
        enum status status = agency_next(txn, l->at, ori);
        if (status == STATUS_NOT_FOUND) {
            l->at[0] = '\0';
            return STATUS_OK;
        }
        TRY(status);
        memcpy(l->at, ori, sizeof ori);
        if (l->looked == ORIS_PER_PAGE || json_array_size(list) == AGENCIES_PER_PAGE) {
            return STATUS_OK;
        }
        status = agency_resolve(txn, &l->sources, ori, l->day, &agency);
        if (status == STATUS_OK && (l->state[0] == '\0' || strcmp(agency.state, l->state) == 0)) {
            if (json_array_append_new(list, agency_json(l->node, &agency)) != 0) {
                return STATUS_NOMEM;
            }
        } else if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
            return status;
        }
        l->at[ORI_SIZE] = '0'; /* just after it: ORIs have nine characters */
        l->at[ORI_SIZE + 1] = '\0';
    }
}

/* False: answered. */
static bool read_listing(struct request *request, struct listing *l) {
    struct bytes text;
    if (request_query(request, "state", &text)) {
        if (text.len != 2) {
            request_answer_text(request, 400, "state is two letters, such as VA");
            return false;
        }
        memcpy(l->state, text.data, 2);
    }
    if (request_query(request, "from", &text)) {
        if (!text_is_ori(text)) {
            request_answer_text(request, 400, "from is an ORI: nine characters of A-Z and 0-9");
            return false;
        }
        memcpy(l->at, text.data, text.len);
    }
    return read_day(request, &l->day);
}

void handle_agencies(struct request *request) {
    struct node *node = request_context(request);
    struct listing l = {.node = node, .sources = recogniser_sources(node->recogniser)};
    struct store_txn *txn = NULL;
    if (!read_listing(request, &l) || !handler_begin(request, &txn)) {
        return;
    }
    json_t *list = json_array();
    enum status status = list != NULL ? list_agencies(txn, &l, list) : STATUS_NOMEM;
    store_abort(txn);
    request_cost(request, (unsigned)(l.looked / ORIS_PER_REQUEST));
    if (status != STATUS_OK) {
        json_decref(list);
        handler_answer_status(request, status, "no agencies");
        return;
    }
    json_t *object = json_pack("{s:o}", "agencies", list);
    if (object != NULL && l.at[0] != '\0') {
        json_object_set_new(object, "next", json_string(l.at));
    }
    handler_answer_json(request, 200, object);
}
