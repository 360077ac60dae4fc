#include "ledger/event.h"

#include "crypto/encoding.h"
#include "ledger/event_rules.h"
#include "ledger/json.h"
#include "ledger/member.h"

#include <assert.h>
#include <string.h>

#define RECEIVED "received "

/* --- parsing --- */

/* The members of every event, in the order of their names. */
enum top { TOP_BODY, TOP_ISSUER, TOP_KIND, TOP_LOG, TOP_OPEN, TOP_PREV, TOP_SEQ, TOP_COUNT };
static const char *const top_names[TOP_COUNT] = {"body", "issuer", "kind", "log",
                                                 "open", "prev",   "seq"};

static enum status refuse_unknown(const json_t *root, struct refusal *why) {
    json_t *object = (json_t *)(uintptr_t)root; /* jansson iterates over non-const only */
    for (void *i = json_object_iter(object); i != NULL; i = json_object_iter_next(object, i)) {
        const char *name = json_object_iter_key(i);
        bool known = false;
        for (size_t j = 0; j < TOP_COUNT; j++) {
            known = known || strcmp(name, top_names[j]) == 0;
        }
        if (!known) {
            return refuse(why, STATUS_BAD_MEMBER,
                          "an event has no member %s (in `open`, or in the body?)", name);
        }
    }
    assert(false); /* the count says that there is one */
    return STATUS_BAD_MEMBER;
}

static enum status get_members(const json_t *root, const json_t *members[TOP_COUNT],
                               struct refusal *why) {
    size_t known = 0;
    if (!json_is_object(root)) {
        return refuse(why, STATUS_BAD_FORM, "the second line is not a JSON object");
    }
    for (size_t i = 0; i < TOP_COUNT; i++) {
        members[i] = json_object_get(root, top_names[i]);
        known += members[i] != NULL;
        bool optional = i == TOP_BODY || i == TOP_OPEN || i == TOP_PREV;
        if (members[i] == NULL && !optional) {
            return refuse(why, STATUS_BAD_MEMBER, "%s is missing", top_names[i]);
        }
    }
    return known == json_object_size(root) ? STATUS_OK : refuse_unknown(root, why);
}

static enum status get_names(const json_t *const members[TOP_COUNT], struct event *event,
                             struct refusal *why) {
    static const struct kind_member issuer = {
        .name = "issuer", .type = MEMBER_NAME, .max = NAME_SIZE_MAX};
    static const struct kind_member log = {
        .name = "log", .type = MEMBER_ORIGIN, .max = NAME_SIZE_MAX};
    TRY(member_check(&issuer, members[TOP_ISSUER], why));
    TRY(member_check(&log, members[TOP_LOG], why));
    event->issuer = jcs_text(members[TOP_ISSUER]);
    event->log = jcs_text(members[TOP_LOG]);
    if (!json_is_string(members[TOP_KIND])) {
        return refuse(why, STATUS_BAD_MEMBER, "kind must be a string");
    }
    struct bytes name = jcs_text(members[TOP_KIND]);
    event->kind = kind_find((const char *)name.data, name.len);
    if (event->kind == NULL) {
        return refuse(why, STATUS_BAD_KIND,
                      "the kind %.60s is not in kinds table %u, the newest of this build",
                      (const char *)name.data, KIND_TABLE_NUMBER);
    }
    return STATUS_OK;
}

static enum status get_hash(const json_t *value, const char *name, struct hash *out,
                            struct refusal *why) {
    if (!json_is_string(value) || !bytes_hex_to_hash(jcs_text(value), out)) {
        return refuse(why, STATUS_BAD_MEMBER, "%s must be 64 lowercase hex characters", name);
    }
    return STATUS_OK;
}

static enum status get_sequence(const json_t *const members[TOP_COUNT], struct event *event,
                                struct refusal *why) {
    const json_t *seq = members[TOP_SEQ];
    if (!json_is_integer(seq) || json_integer_value(seq) < 1) {
        return refuse(why, STATUS_BAD_MEMBER, "seq must be an integer from 1 on");
    }
    event->seq = (uint64_t)json_integer_value(seq);
    event->has_prev = members[TOP_PREV] != NULL;
    if (event->has_prev && event->seq == 1) {
        return refuse(why, STATUS_BAD_MEMBER, "prev must be absent where seq is 1");
    }
    if (!event->has_prev && event->seq > 1) {
        return refuse(why, STATUS_BAD_MEMBER,
                      "prev is missing: the id of the issuer's event before, in this log");
    }
    return event->has_prev ? get_hash(members[TOP_PREV], "prev", &event->prev, why) : STATUS_OK;
}

static enum status get_body(const json_t *const members[TOP_COUNT], struct event *event,
                            struct refusal *why) {
    event->has_body = members[TOP_BODY] != NULL;
    if (!event->has_body) {
        return STATUS_OK;
    }
    if (!kind_has_closed(event->kind)) {
        return refuse(why, STATUS_BAD_MEMBER, "body must be absent: all members of %s are open",
                      event->kind->name);
    }
    return get_hash(members[TOP_BODY], "body", &event->body, why);
}

static enum status check_open(const struct event *event, struct refusal *why) {
    for (void *i = json_object_iter(event->open); i != NULL;
         i = json_object_iter_next(event->open, i)) {
        const char *name = json_object_iter_key(i);
        const struct kind_member *member = kind_member_find(event->kind, name, strlen(name));
        if (member == NULL) {
            return refuse(why, STATUS_BAD_MEMBER,
                          "%s has no member %s: dutylog event --template %s lists those it has",
                          event->kind->name, name, event->kind->name);
        }
        if (member->visibility == VISIBLE_CLOSED) {
            return refuse(why, STATUS_BAD_MEMBER,
                          "%s must be closed: put it into the body, not into open", name);
        }
        TRY(member_check(member, json_object_iter_value(i), why));
    }
    for (size_t i = 0; i < event->kind->member_count; i++) {
        const struct kind_member *member = &event->kind->members[i];
        if (member->required && member->visibility == VISIBLE_OPEN &&
            json_object_get(event->open, member->name) == NULL) {
            return refuse(why, STATUS_BAD_MEMBER, "open lacks %s: %s", member->name, member->help);
        }
    }
    return STATUS_OK;
}

static enum status get_open(const json_t *const members[TOP_COUNT], struct event *event,
                            struct refusal *why) {
    event->open = (json_t *)(uintptr_t)members[TOP_OPEN]; /* part of event->root, which is owned */
    if (event->open != NULL && json_object_size(event->open) == 0) {
        return refuse(why, STATUS_BAD_MEMBER, "open must be an object with members, or absent");
    }
    return check_open(event, why);
}

/* After its members were found to be of their types. */
static void get_about(struct event *event) {
    const json_t *ori = json_object_get(event->open, "ori");
    const json_t *handle = json_object_get(event->open, "case");
    const json_t *named = json_object_get(event->open, "event");
    struct event_about *about = &event->about;
    memset(about, 0, sizeof *about);
    if (ori != NULL && handle != NULL) {
        struct bytes hex = jcs_text(handle);
        bool good = hex_decode((const char *)hex.data, hex.len, about->handle, HANDLE_SIZE);
        assert(good && json_string_length(ori) == ORI_SIZE); /* member_check took them */
        memcpy(about->ori, json_string_value(ori), ORI_SIZE);
        about->has_case = true;
    }
    if (named != NULL) {
        about->has_named = true;
        bool good = bytes_hex_to_hash(jcs_text(json_object_get(named, "id")), &about->named);
        assert(good); /* member_check took it */
    }
}

/* Fills all of `event` but its note, from an owned root. */
static enum status read_root(struct event *event, struct refusal *why) {
    const json_t *members[TOP_COUNT];
    TRY(get_members(event->root, members, why));
    TRY(get_names(members, event, why));
    TRY(get_sequence(members, event, why));
    TRY(get_body(members, event, why));
    TRY(get_open(members, event, why));
    get_about(event);
    return event_check_rules(event, why);
}

/* Fills all of `event` but its note. On success `event->root` is owned. */
static enum status parse_text(struct bytes text, struct event *event, struct refusal *why) {
    struct reader r;
    struct bytes json;
    reader_init(&r, text);
    if (!reader_skip(&r, EVENT_FIRST_LINE "\n")) {
        return refuse(why, STATUS_BAD_FORM, "the first line of an event is %s", EVENT_FIRST_LINE);
    }
    if (!reader_line(&r, &json) || !reader_done(&r)) {
        return refuse(why, STATUS_BAD_FORM,
                      "the text of an event is two lines: %s and a JSON object", EVENT_FIRST_LINE);
    }
    TRY(jcs_parse(json, &event->root, why));
    enum status status = read_root(event, why);
    if (status != STATUS_OK) {
        json_decref(event->root);
        return status;
    }
    hash_of(text.data, text.len, &event->id);
    return STATUS_OK;
}

enum status event_parse(struct bytes note, struct event *out, struct refusal *why) {
    struct event event;
    struct note parsed;
    if (note.len > EVENT_SIZE_MAX) {
        return refuse(why, STATUS_TOO_LARGE, "the event has %zu bytes, and %d are the most",
                      note.len, EVENT_SIZE_MAX);
    }
    event.all = note;
    TRY(note_parse(note, &parsed, why));
    TRY(parse_text(parsed.text, &event, why));
    enum status status = event_check_lines(&event, &parsed, why);
    if (status == STATUS_OK) {
        assert(parsed.count <= EVENT_SIGNATURES_MAX); /* event_check_lines */
        event.note.text = parsed.text;
        event.note.count = parsed.count;
        memcpy(event.note.signatures, parsed.signatures,
               parsed.count * sizeof parsed.signatures[0]);
    } else {
        json_decref(event.root);
        return status;
    }
    *out = event;
    return STATUS_OK;
}

enum status event_parse_text(struct bytes text, struct event *out, struct refusal *why) {
    struct event event;
    if (text.len > EVENT_SIZE_MAX) {
        return refuse(why, STATUS_TOO_LARGE, "the text has %zu bytes, and %d are the most",
                      text.len, EVENT_SIZE_MAX);
    }
    event.all = text;
    event.note.text = text;
    event.note.count = 0;
    TRY(parse_text(text, &event, why));
    *out = event;
    return STATUS_OK;
}

void event_release(struct event *event) {
    json_decref(event->root);
    event->root = NULL;
    event->open = NULL;
}

/* --- writing --- */

/* Any member but the first. */
static void put_name(struct writer *w, enum top top) {
    writer_text(w, ",\"");
    writer_text(w, top_names[top]);
    writer_text(w, "\":");
}

static enum status put_text(struct writer *w, const struct event_draft *draft,
                            struct refusal *why) {
    writer_text(w, EVENT_FIRST_LINE "\n{");
    if (draft->body != NULL) {
        writer_text(w, "\"body\":\"");
        writer_hash_hex(w, draft->body);
        writer_text(w, "\",");
    }
    writer_text(w, "\"issuer\":");
    jcs_write_text(w, draft->issuer);
    put_name(w, TOP_KIND);
    jcs_write_text(w, draft->kind);
    put_name(w, TOP_LOG);
    jcs_write_text(w, draft->log);
    if (draft->open != NULL) {
        put_name(w, TOP_OPEN);
        TRY(jcs_write(w, draft->open, why));
    }
    if (draft->prev != NULL) {
        put_name(w, TOP_PREV);
        writer_text(w, "\"");
        writer_hash_hex(w, draft->prev);
        writer_text(w, "\"");
    }
    put_name(w, TOP_SEQ);
    writer_decimal(w, draft->seq);
    writer_text(w, "}\n");
    if (writer_status(w) != STATUS_OK) {
        return refuse(why, STATUS_TOO_LARGE, "the event does not fit");
    }
    return STATUS_OK;
}

enum status event_format(struct writer *w, const struct event_draft *draft, struct refusal *why) {
    struct writer before = *w;
    struct event event;
    assert(!w->failed && draft->seq <= INT64_MAX);
    enum status status = put_text(w, draft, why);
    if (status == STATUS_OK) {
        struct bytes text = bytes_of(w->data + before.len, w->len - before.len);
        status = parse_text(text, &event, why);
    }
    if (status != STATUS_OK) {
        *w = before;
        return status;
    }
    json_decref(event.root);
    return STATUS_OK;
}

/* signers[0] first, the others in the order of their names. Insertion: there are eight at most. */
static void put_lines(struct writer *w, struct bytes text, const struct signer *const *signers,
                      size_t count) {
    const struct signer *sorted[EVENT_SIGNATURES_MAX];
    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        while (at > 1 &&
               bytes_compare(vkey_name(&sorted[at - 1]->vkey), vkey_name(&signers[i]->vkey)) > 0) {
            sorted[at] = sorted[at - 1];
            at--;
        }
        sorted[at] = signers[i];
    }
    for (size_t i = 0; i < count; i++) {
        note_sign(w, text, sorted[i]);
    }
}

static enum status put_note(struct writer *w, struct bytes text,
                            const struct signer *const *signers, size_t count,
                            struct refusal *why) {
    struct event event;
    size_t start = w->len;
    writer_bytes(w, text);
    writer_text(w, "\n");
    put_lines(w, text, signers, count);
    if (writer_status(w) != STATUS_OK) {
        return refuse(why, STATUS_TOO_LARGE, "the signed event does not fit");
    }
    /* What we sign, we can read: this refuses a text that is no event, the same name twice, and
     * signers that the kind does not have. */
    TRY(event_parse(bytes_of(w->data + start, w->len - start), &event, why));
    event_release(&event);
    return STATUS_OK;
}

enum status event_sign(struct writer *w, struct bytes text, const struct signer *const *signers,
                       size_t count, struct refusal *why) {
    struct writer before = *w;
    assert(!w->failed && count >= 1);
    if (count > EVENT_SIGNATURES_MAX) {
        return refuse(why, STATUS_DENIED_SIGNATURE, "%zu signatures, and %d are the most", count,
                      EVENT_SIGNATURES_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (signers[i]->vkey.type != VKEY_NOTE) {
            return refuse(why, STATUS_DENIED_SIGNATURE, "%.100s is a cosigner's key",
                          signers[i]->vkey.name);
        }
    }
    enum status status = put_note(w, text, signers, count, why);
    if (status != STATUS_OK) {
        *w = before;
    }
    return status;
}

/* The issuer's line first, the others by name: insertion, as above. */
static void put_made_lines(struct writer *w, struct bytes issuer,
                           const struct note_signature *lines, size_t count) {
    const struct note_signature *sorted[EVENT_SIGNATURES_MAX];
    for (size_t i = 0; i < count; i++) {
        size_t at = i;
        bool first = bytes_equal(lines[i].name, issuer);
        while (at > 0 && !bytes_equal(sorted[at - 1]->name, issuer) &&
               (first || bytes_compare(sorted[at - 1]->name, lines[i].name) > 0)) {
            sorted[at] = sorted[at - 1];
            at--;
        }
        sorted[at] = &lines[i];
    }
    for (size_t i = 0; i < count; i++) {
        writer_bytes(w, sorted[i]->line);
    }
}

enum status event_assemble(struct writer *w, struct bytes text, const struct note_signature *lines,
                           size_t count, struct refusal *why) {
    struct writer before = *w;
    struct event event;
    if (count == 0 || count > EVENT_SIGNATURES_MAX) {
        return refuse(why, STATUS_DENIED_SIGNATURE, "%zu signatures: 1 to %d are taken", count,
                      EVENT_SIGNATURES_MAX);
    }
    TRY(event_parse_text(text, &event, why));
    writer_bytes(w, text);
    writer_text(w, "\n");
    put_made_lines(w, event.issuer, lines, count);
    event_release(&event);
    enum status status =
        writer_status(w) == STATUS_OK
            ? event_parse(bytes_of(w->data + before.len, w->len - before.len), &event, why)
            : refuse(why, STATUS_TOO_LARGE, "the signed event does not fit");
    if (status != STATUS_OK) {
        *w = before;
        return status;
    }
    event_release(&event);
    return STATUS_OK;
}

/* --- entries --- */

enum status entry_parse(struct bytes entry, uint64_t *received_ms, struct bytes *note,
                        struct refusal *why) {
    struct reader r;
    struct bytes stamp;
    uint64_t ms;
    if (entry.len > ENTRY_SIZE_MAX) {
        return refuse(why, STATUS_TOO_LARGE, "the entry has %zu bytes, and %d are the most",
                      entry.len, ENTRY_SIZE_MAX);
    }
    reader_init(&r, entry);
    if (!reader_skip(&r, RECEIVED) || !reader_line(&r, &stamp) || !bytes_to_u64(stamp, &ms)) {
        return refuse(why, STATUS_BAD_FORM, "an entry starts with: received <unix ms>");
    }
    *received_ms = ms;
    *note = r.rest;
    return STATUS_OK;
}

void entry_format(struct writer *w, uint64_t received_ms, struct bytes note) {
    writer_text(w, RECEIVED);
    writer_decimal(w, received_ms);
    writer_text(w, "\n");
    writer_bytes(w, note);
}

/* --- reading members --- */

const char *event_open_text(const struct event *event, const char *name) {
    return json_string_value(json_object_get(event->open, name));
}

bool event_open_integer(const struct event *event, const char *name, uint64_t *out) {
    const json_t *value = json_object_get(event->open, name);
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return false;
    }
    *out = (uint64_t)json_integer_value(value);
    return true;
}
