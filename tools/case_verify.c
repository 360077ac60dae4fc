#include "tools/case_verify_parts.h"

#include "crypto/encoding.h"
#include "ledger/house.h"
#include "ledger/issuer.h"
#include "ledger/json.h"
#include "ledger/member.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROOF_PATH_MAX (NAME_SIZE_MAX + 2 * HASH_SIZE + 64) /* of a receipt, with its query */

static bool same_key(const struct sign_public *a, const struct sign_public *b) {
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* --- one receipt --- */

static enum status fetch_receipt(struct work *w, const char *path, uint8_t **copy,
                                 struct bytes *file) {
    const struct fetched *answer = NULL;
    struct fetch_request request = {.base = w->verify->node,
                                    .path = path,
                                    .response_max = RECEIPT_SIZE_MAX,
                                    .timeout_ms = 30000};
    TRY(fetch(w->verify->fetcher, &request, &answer, w->why));
    if (answer->http != 200) {
        return refuse(w->why, STATUS_IO, "%s: the node answers %u to that", path, answer->http);
    }
    struct bytes body = buffer_view(&answer->body);
    *copy = malloc(body.len > 0 ? body.len : 1);
    if (*copy == NULL) {
        return refuse(w->why, STATUS_NOMEM, "out of memory");
    }
    memcpy(*copy, body.data, body.len);
    *file = bytes_of(*copy, body.len);
    return STATUS_OK;
}

/* Items of a receipt that verified parse. */
static void parse_item(const struct work *w, size_t which, struct event *out) {
    enum status status = event_parse(w->verifier->receipt.items[which].note, out, NULL);
    assert(status == STATUS_OK);
}

static void read_signer(struct work *w, struct proved *out, struct authority *authority) {
    const struct verify_report *report = &out->report;
    struct event event;
    struct opened opened;
    parse_item(w, 0, &event);
    opened_of(&event, &opened);
    authority->count = opened.authority_count;
    authority->hash = house_authority(&opened);
    authority->log = opened.log_vkey;
    authority->signer_count = recognition_signers(&event, authority->signers);
    for (size_t i = 0; i < opened.authority_count; i++) {
        authority->keys[i] = opened.authorities[i].key;
    }
    memset(&out->signer, 0, sizeof out->signer);
    out->signer.key = report->issuer_key;
    out->signer.role = report->issuer_role;
    out->has_enroller = report->chain_count > 0;
    if (out->has_enroller) {
        out->enroller = report->chain[report->chain_count - 1].enroller_key;
    }
    out->signer.house = house_of(out->signer.role, bytes_text(report->issuer), &authority->hash);
    event_release(&event);
}

/* The receipt by the checkpoints that go with the size that the answer names of the log. */
static enum status sized_path(struct work *w, const char *path, const char *log,
                              char out[PROOF_PATH_MAX]) {
    const struct case_log *named =
        strlen(log) <= NAME_SIZE_MAX ? case_log_named(w->view, bytes_text(log)) : NULL;
    if (named == NULL || named->size == 0) {
        return refuse(w->why, STATUS_BAD_FORM, "%.60s: is not among the logs that the answer names",
                      log);
    }
    int n = snprintf(out, PROOF_PATH_MAX, "%s?size=%llu", path, (unsigned long long)named->size);
    return n > 0 && n < PROOF_PATH_MAX
               ? STATUS_OK
               : refuse(w->why, STATUS_BAD_FORM, "%.60s: a proof's path is too long", log);
}

/* Fetches and verifies what the node names at `said`: an event or a revocation. */
enum status case_prove(struct work *w, const json_t *said, uint8_t **copy, struct proved *out,
                       struct authority *authority) {
    const char *path = json_string_value(json_object_get(said, "proof"));
    const char *log = json_string_value(json_object_get(said, "log"));
    json_int_t index = json_integer_value(json_object_get(said, "index"));
    struct bytes file;
    if (path == NULL || log == NULL || path[0] != '/') {
        return refuse(w->why, STATUS_BAD_FORM, "an event without its log or proof");
    }
    char sized[PROOF_PATH_MAX];
    TRY(sized_path(w, path, log, sized));
    TRY(fetch_receipt(w, sized, copy, &file));
    struct refusal why = {.text = ""};
    struct verify_trust trust = *w->verify->trust;
    if (w->view->pin_count > 0) { /* who stands behind each log is asked by the pins, below */
        trust.root_count = 0;
        trust.by_others = trust.policy == NULL;
    }
    enum status status = verify_receipt(w->verifier, file, &trust, &out->report, &why);
    if (status != STATUS_OK) {
        return refuse(w->why, status, "%s: %s", path, why.text);
    }
    if (strcmp(out->report.origin, log) != 0 || out->report.index != (uint64_t)index) {
        return refuse(w->why, STATUS_BAD_PROOF,
                      "%s: is of entry %llu of %s, and not of what it "
                      "was given for",
                      path, (unsigned long long)out->report.index, out->report.origin);
    }
    out->root = w->verifier->proof.checkpoint.root;
    read_signer(w, out, authority);
    parse_item(w, w->verifier->receipt.count - 1, &out->event);
    w->verify->receipts++;
    return STATUS_OK;
}

/* The view's log, whose size was named; a receipt at just that size shows its root. */
enum status case_note_log(struct work *w, const struct proved *proved,
                          const struct authority *authority, size_t *out) {
    struct case_log *log = case_log_named(w->view, bytes_text(proved->report.origin));
    if (log == NULL || log->size == 0) {
        return refuse(w->why, STATUS_BAD_FORM, "%s: is not among the logs that the answer names",
                      proved->report.origin);
    }
    if (proved->report.index >= log->size) {
        return refuse(w->why, STATUS_BAD_PROOF, "%s: entry %llu is beyond the size named",
                      log->origin, (unsigned long long)proved->report.index);
    }
    if (proved->report.size == log->size && !hash_equal(&proved->root, &log->root)) {
        return refuse(w->why, STATUS_CONFLICT_ROOT,
                      "%s: at size %llu a receipt shows another root than the answer: keep both",
                      log->origin, (unsigned long long)log->size);
    }
    log->contributes = true;
    *out = (size_t)(log - w->view->logs);
    w->authorities[*out] = *authority;
    return STATUS_OK;
}

/* --- the parts of the answer --- */

static enum status read_logs(struct work *w) {
    const json_t *logs = json_object_get(w->verify->answer, "logs");
    for (size_t i = 0; i < json_array_size(logs); i++) {
        const json_t *said = json_array_get(logs, i);
        const char *origin = json_string_value(json_object_get(said, "origin"));
        const char *root = json_string_value(json_object_get(said, "root"));
        json_int_t size = json_integer_value(json_object_get(said, "size"));
        struct case_log *log = origin != NULL && strlen(origin) <= NAME_SIZE_MAX
                                   ? case_log_named(w->view, bytes_text(origin))
                                   : NULL;
        if (log == NULL || size <= 0 || root == NULL ||
            !bytes_hex_to_hash(bytes_text(root), &log->root)) {
            return refuse(w->why, STATUS_BAD_FORM, "logs: not as specs/standing.md has them");
        }
        log->size = (uint64_t)size;
    }
    return STATUS_OK;
}

static enum status add_event(struct work *w, const json_t *said) {
    struct case_view *view = w->view;
    struct proved proved;
    struct authority authority;
    size_t log = 0;
    TRY(case_prove(w, said, &w->receipts[view->count], &proved, &authority));
    struct case_item *item = &view->items[view->count];
    *item = (struct case_item){.index = proved.report.index,
                               .stamp_ms = proved.report.received_ms,
                               .confirmed_ms = proved.report.confirmed_ms,
                               .event = proved.event,
                               .signer = proved.signer};
    w->enrolled[view->count] = proved.has_enroller;
    w->enrollers[view->count] = proved.enroller;
    view->count++; /* owns the event from here on */
    TRY(case_note_log(w, &proved, &authority, &log));
    item->log = log;
    item->beyond = case_is_beyond(w, log, item->signer.role);
    for (size_t i = 0; i + 1 < view->count; i++) {
        if (view->items[i].log == log && view->items[i].index == item->index) {
            return refuse(w->why, STATUS_BAD_FORM, "events: entry %llu of %s is there twice",
                          (unsigned long long)item->index, proved.report.origin);
        }
    }
    const struct event_about *about = &proved.event.about;
    if (!case_is_of(view, about) && (about->has_case || !about->has_named)) {
        return refuse(w->why, STATUS_BAD_PROOF, "%s: entry %llu is no event of this case",
                      proved.report.origin, (unsigned long long)item->index);
    }
    return STATUS_OK;
}

/* An event without a case is there for one that it names. */
static enum status check_named(struct work *w) {
    const struct case_view *view = w->view;
    for (size_t i = 0; i < view->count; i++) {
        const struct event *event = &view->items[i].event;
        bool found = event->about.has_case;
        for (size_t j = 0; !found && j < view->count; j++) {
            found = hash_equal(&view->items[j].event.id, &event->about.named);
        }
        if (!found) {
            return refuse(w->why, STATUS_BAD_PROOF, "%.60s: entry %llu names no event of this case",
                          view->logs[view->items[i].log].origin,
                          (unsigned long long)view->items[i].index);
        }
    }
    return STATUS_OK;
}

/* Does the revocation bind the signer of an item; and is who signed it a root there? */
static bool binds(const struct work *w, const struct proved *revoked, size_t which, bool *by_root) {
    const struct case_item *item = &w->view->items[which];
    const char *vkey_text = event_open_text(&revoked->event, "vkey");
    const char *name = event_open_text(&revoked->event, "key");
    struct vkey vkey;
    bool here = strcmp(w->view->logs[item->log].origin, revoked->report.origin) == 0;
    /* Without a vkey (or in key.rotated, whose vkey is the new key's) it is a key of its own log.
     */
    bool elsewhere = vkey_text != NULL && revoked->event.kind->id == KIND_KEY_REVOKED;
    *by_root = false;
    if (elsewhere) {
        if (vkey_parse(bytes_text(vkey_text), &vkey, NULL) != STATUS_OK ||
            !same_key(&vkey.key, &item->signer.key)) {
            return false;
        }
    } else if (!here || name == NULL || !bytes_equal(bytes_text(name), item->event.issuer)) {
        return false;
    }
    if (!w->enrolled[which]) {
        return false;
    }
    const struct authority *roots = &w->authorities[item->log];
    for (size_t i = 0; i < roots->count; i++) {
        *by_root = *by_root || same_key(&revoked->signer.key, &roots->keys[i]);
    }
    return *by_root || same_key(&revoked->signer.key, &w->enrollers[which]);
}

static enum revocation_reason reason_of(const char *text) {
    size_t i = 0;
    while (i + 1 < REVOCATION_REASONS &&
           strcmp(text, revocation_reason_name((enum revocation_reason)i)) != 0) {
        i++;
    }
    return (enum revocation_reason)i;
}

static enum status take_revocation(struct work *w, const struct proved *proved,
                                   const struct authority *authority) {
    struct case_view *view = w->view;
    size_t log = 0;
    enum kind_id kind = proved->event.kind->id;
    if (kind != KIND_KEY_REVOKED && kind != KIND_KEY_ROTATED) {
        return refuse(w->why, STATUS_BAD_PROOF, "revocations: entry %llu of %s is %s",
                      (unsigned long long)proved->report.index, proved->report.origin,
                      proved->report.kind);
    }
    TRY(case_note_log(w, proved, authority, &log));
    const char *since = event_open_text(&proved->event, "since");
    struct case_revocation row = {.log = log,
                                  .index = proved->report.index,
                                  .stamp_ms = proved->report.received_ms,
                                  .confirmed_ms = proved->report.confirmed_ms,
                                  .seq = proved->report.seq,
                                  .reason = reason_of(event_open_text(&proved->event, "reason")),
                                  .since_ms = since != NULL ? date_to_days(since) * DAY_MS : 0};
    memcpy(row.issuer, proved->report.issuer, sizeof row.issuer);
    for (size_t i = 0; i < view->count; i++) {
        bool by_root = false;
        if (binds(w, proved, i, &by_root)) {
            case_bond(view, &view->items[i], &row, by_root, &w->bonds[i]);
        }
    }
    return STATUS_OK;
}

static enum status add_revocation(struct work *w, const json_t *said) {
    struct proved proved;
    struct authority authority;
    uint8_t *copy = NULL;
    enum status status = case_prove(w, said, &copy, &proved, &authority);
    if (status == STATUS_OK) {
        status = take_revocation(w, &proved, &authority);
        event_release(&proved.event);
    }
    free(copy);
    return status;
}

static enum status add_all(struct work *w) {
    const json_t *events = json_object_get(w->verify->answer, "events");
    const json_t *revocations = json_object_get(w->verify->answer, "revocations");
    uint64_t total = json_array_size(events) + json_array_size(revocations);
    if (json_array_size(events) > CASE_EVENTS_MAX) {
        return refuse(w->why, STATUS_BAD_FORM, "events: over %d", CASE_EVENTS_MAX);
    }
    for (size_t i = 0; i < total; i++) {
        size_t revocation = i - json_array_size(events); /* of the second array, once past it */
        if (w->verify->progress != NULL) {
            w->verify->progress(i, total);
        }
        if (i < json_array_size(events)) {
            TRY(add_event(w, json_array_get(events, i)));
        } else {
            TRY(add_revocation(w, json_array_get(revocations, revocation)));
        }
    }
    return STATUS_OK;
}

/* --- all of it --- */

/* What the node did not look at is its word: nobody proves how much there is. */
static void read_left_out(struct work *w) {
    static const char *const roles[GROUPS + 1] = {"court",  "post",  "oversight",
                                                  "agency", "other", "none"};
    const json_t *houses = json_object_get(w->verify->answer, "left_out");
    for (size_t i = 0; i < json_array_size(houses) && i < CASE_HOUSES_MAX; i++) {
        const json_t *said = json_array_get(houses, i);
        const char *role = json_string_value(json_object_get(said, "role"));
        const char *name = json_string_value(json_object_get(said, "name"));
        struct case_left_out *house = &w->view->left_out[w->view->left_out_count++];
        int group = GROUPS;
        while (group > 0 && (role == NULL || strcmp(role, roles[group]) != 0)) {
            group--;
        }
        *house = (struct case_left_out){
            .group = (enum house_group)group,
            .count = (uint64_t)json_integer_value(json_object_get(said, "count"))};
        if (name != NULL && strlen(name) <= NAME_SIZE_MAX) {
            memcpy(house->name, name, strlen(name) + 1);
        }
    }
}

static enum status read_oris(struct work *w) {
    const json_t *oris = json_object_get(w->verify->answer, "oris");
    for (size_t i = 0; i < json_array_size(oris); i++) {
        const char *ori = json_string_value(json_array_get(oris, i));
        if (i >= CASE_ORIS_MAX || ori == NULL || strlen(ori) != ORI_SIZE) {
            return refuse(w->why, STATUS_BAD_FORM, "oris: not as specs/standing.md has them");
        }
        memcpy(w->view->oris[i], ori, ORI_SIZE);
        w->view->ori_count = i + 1;
    }
    return STATUS_OK;
}

static enum status start(struct work *w) {
    const char *ori = json_string_value(json_object_get(w->verify->answer, "ori"));
    const char *handle = json_string_value(json_object_get(w->verify->answer, "case"));
    uint8_t raw[HANDLE_SIZE];
    if (ori == NULL || strlen(ori) != ORI_SIZE || handle == NULL ||
        !hex_decode(handle, strlen(handle), raw, sizeof raw)) {
        return refuse(w->why, STATUS_BAD_FORM, "the answer names no case");
    }
    case_init(w->view, (const uint8_t *)ori, raw);
    read_left_out(w);
    TRY(read_oris(w));
    TRY(case_read_pins(w));
    TRY(read_logs(w));
    return case_read_words(w);
}

static enum status write_view(struct work *w, struct buffer *out) {
    size_t max = case_write_max(w->view);
    uint8_t *memory = malloc(max);
    struct writer writer;
    if (memory == NULL) {
        return refuse(w->why, STATUS_NOMEM, "out of memory");
    }
    writer_init(&writer, memory, max);
    enum status status = case_write(w->view, &writer);
    if (status == STATUS_OK) {
        status = buffer_append(out, writer_view(&writer));
    }
    free(memory);
    return status == STATUS_OK ? status : refuse(w->why, status, "no room for the answer");
}

static enum status run(struct work *w, struct buffer *out) {
    TRY(start(w));
    TRY(add_all(w));
    TRY(check_named(w));
    TRY(case_prove_words(w));
    for (size_t i = 0; i < w->view->count; i++) {
        case_bind(w->view, i, &w->bonds[i]);
    }
    case_judge(w->view);
    return write_view(w, out);
}

enum status case_verify(struct case_verify *verify, struct buffer *out, struct refusal *why) {
    struct work *w = calloc(1, sizeof *w);
    struct case_view *view = malloc(sizeof *view);
    struct verifier *verifier = malloc(sizeof *verifier);
    enum status status = STATUS_NOMEM;
    verify->receipts = 0;
    if (w != NULL && view != NULL && verifier != NULL) {
        view->count = 0;
        *w = (struct work){.verify = verify, .why = why, .view = view, .verifier = verifier};
        status = run(w, out);
        case_release(view);
    } else {
        status = refuse(why, STATUS_NOMEM, "out of memory");
    }
    for (size_t i = 0; w != NULL && i < CASE_EVENTS_MAX; i++) {
        free(w->receipts[i]);
    }
    free(verifier);
    free(view);
    free(w);
    return status;
}
