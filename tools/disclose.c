/* Disclosing one closed member: the proof that it is what the event committed to, from the .event
 * and .body files, or from an import's state folder. */
#include "crypto/encoding.h"
#include "ledger/event.h"
#include "ledger/json.h"
#include "net/buffer.h"
#include "net/file.h"
#include "tools/import_state.h"
#include "tools/members.h"
#include "tools/text_print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (256 * 1024)

struct disclosure {
    struct buffer note;
    struct event event;
    bool parsed;
    json_t *body;
    struct body_member members[EVENT_MEMBERS_MAX];
    size_t count;
    uint8_t values[FILE_MAX];
};

static enum status read_event(struct disclosure *d, const char *base, struct refusal *why) {
    char path[4096];
    int n = snprintf(path, sizeof path, "%s.event", base);
    if (n <= 0 || (size_t)n >= sizeof path) {
        return refuse(why, STATUS_BAD_FORM, "the name is too long");
    }
    TRY(file_read(path, &d->note, why));
    TRY(event_parse(buffer_view(&d->note), &d->event, why));
    d->parsed = true;
    return d->event.has_body
               ? STATUS_OK
               : refuse(why, STATUS_BAD_MEMBER, "%s: the event has no closed members", path);
}

static enum status read_body_file(struct disclosure *d, const char *path, struct refusal *why) {
    struct buffer text;
    json_error_t error;
    buffer_init(&text, FILE_MAX);
    enum status status = file_read_secret(path, &text, why);
    if (status == STATUS_OK) {
        d->body = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &error);
        status = d->body != NULL
                     ? STATUS_OK
                     : refuse(why, STATUS_BAD_FORM, "%s:%d: %s", path, error.line, error.text);
    }
    buffer_wipe(&text);
    return status;
}

static enum status take_event(struct disclosure *d, struct bytes note, struct bytes body,
                              struct refusal *why) {
    json_error_t error;
    TRY(buffer_append(&d->note, note));
    TRY(event_parse(buffer_view(&d->note), &d->event, why));
    d->parsed = true;
    if (!d->event.has_body) {
        return refuse(why, STATUS_BAD_MEMBER, "the event has no closed members");
    }
    d->body = json_loadb((const char *)body.data, body.len, JSON_REJECT_DUPLICATES, &error);
    return d->body != NULL ? STATUS_OK
                           : refuse(why, STATUS_BAD_FORM, "the kept body: %s", error.text);
}

/* "FOLDER@SEQ": what dutylog import made and kept. */
static enum status read_state(struct disclosure *d, const char *folder, uint64_t seq,
                              struct refusal *why) {
    struct import_state *state = NULL;
    struct bytes note;
    struct bytes body;
    TRY(import_state_open_read(folder, &state, why));
    enum status status = import_state_event(state, seq, &note, &body);
    if (status == STATUS_OK) {
        status = take_event(d, note, body, why);
    } else {
        refuse(why, status, "%s has no event with seq %llu", folder, (unsigned long long)seq);
    }
    import_state_close(state);
    return status;
}

/* From a state folder, if `base` names one and a seq, else from two files. */
static enum status read_base(struct disclosure *d, const char *base, struct refusal *why) {
    const char *at = strrchr(base, '@');
    char folder[4096];
    uint64_t seq = 0;
    if (at != NULL && bytes_to_u64(bytes_text(at + 1), &seq) && seq > 0) {
        memcpy(folder, base, (size_t)(at - base)); /* as long as `base` at most */
        folder[at - base] = '\0';
        return read_state(d, folder, seq, why);
    }
    char path[sizeof folder + 8];
    TRY(read_event(d, base, why));
    int n = snprintf(path, sizeof path, "%s.body", base);
    return n > 0 && (size_t)n < sizeof path ? read_body_file(d, path, why)
                                            : refuse(why, STATUS_BAD_FORM, "the name is too long");
}

static int by_member_name(const void *a, const void *b) {
    const struct body_member *x = a;
    const struct body_member *y = b;
    return bytes_compare(x->name, y->name);
}

/* The members as body_root wants them. */
static enum status read_members(struct disclosure *d, struct refusal *why) {
    struct writer w;
    const char *name;
    json_t *member;
    json_t *all = json_object_get(d->body, "members");
    writer_init(&w, d->values, sizeof d->values);
    json_object_foreach(all, name, member) {
        struct body_member *out = &d->members[d->count];
        struct bytes salt = jcs_text(json_object_get(member, "salt"));
        size_t start = w.len;
        if (d->count == EVENT_MEMBERS_MAX ||
            !hex_decode((const char *)salt.data, salt.len, out->salt, BODY_SALT_SIZE)) {
            return refuse(why, STATUS_BAD_FORM,
                          "the .body file's member %s has no salt of 64 hex characters", name);
        }
        TRY(jcs_write(&w, json_object_get(member, "value"), why));
        TRY(writer_status(&w));
        out->name = bytes_text(name);
        out->value = bytes_of(d->values + start, w.len - start);
        d->count++;
    }
    qsort(d->members, d->count, sizeof d->members[0], by_member_name);
    return STATUS_OK;
}

static json_t *hash_json(const uint8_t *hash) {
    char hex[HEX_LEN(HASH_SIZE)];
    hex_encode(hex, hash, HASH_SIZE);
    return json_stringn(hex, sizeof hex);
}

static enum status check_body(const struct disclosure *d, const struct body_context *context,
                              struct refusal *why) {
    struct hash root;
    TRY(body_root(context, d->members, d->count, &root, why));
    return hash_equal(&root, &d->event.body)
               ? STATUS_OK
               : refuse(why, STATUS_BAD_PROOF,
                        "the .body file is not that of the event: another one's, or changed");
}

/* Checks that the body is this event's, and fills the members of event.opened. */
static enum status fill(struct disclosure *d, struct members *members, const char *name,
                        struct refusal *why) {
    struct body_context context = {
        .log = d->event.log, .issuer = d->event.issuer, .seq = d->event.seq};
    struct merkle_proof proof;
    size_t which = 0;
    while (which < d->count && !bytes_equal(d->members[which].name, bytes_text(name))) {
        which++;
    }
    if (which == d->count) {
        return refuse(why, STATUS_BAD_MEMBER, "the body has no member %s", name);
    }
    TRY(check_body(d, &context, why));
    TRY(body_prove(&context, d->members, d->count, which, &proof));
    json_t *hashes = json_array();
    for (size_t i = 0; i < proof.count; i++) {
        json_array_append_new(hashes, hash_json(proof.hashes[i].bytes));
    }
    json_t *value = NULL;
    TRY(jcs_parse(d->members[which].value, &value, why));
    json_t *place = json_pack("{s:o, s:s%, s:s%, s:I}", "id", hash_json(d->event.id.bytes),
                              "issuer", d->event.issuer.data, d->event.issuer.len, "log",
                              d->event.log.data, d->event.log.len, "seq", (json_int_t)d->event.seq);
    json_object_set_new(members->open, "event", place);
    json_object_set_new(members->open, "count", json_integer((json_int_t)d->count));
    json_object_set_new(members->open, "index", json_integer((json_int_t)which));
    json_object_set_new(members->open, "member", json_string(name));
    json_object_set_new(members->open, "proof", hashes);
    json_object_set_new(members->open, "salt", hash_json(d->members[which].salt));
    json_object_set_new(members->open, "value", value);
    if (event_open_text(&d->event, "ori") != NULL &&
        json_object_get(members->open, "ori") == NULL) {
        json_object_set_new(members->open, "ori", json_string(event_open_text(&d->event, "ori")));
    }
    return STATUS_OK;
}

static void disclosure_free(struct disclosure *d) {
    if (d->parsed) {
        event_release(&d->event);
    }
    json_decref(d->body);
    buffer_clear(&d->note);
    crypto_wipe(d, sizeof *d);
    free(d);
}

enum status members_disclose(struct members *members, const char *what, struct refusal *why) {
    char base[4096];
    const char *colon = strrchr(what, ':');
    if (strcmp(members->kind->name, "event.opened") != 0) {
        return refuse(why, STATUS_BAD_KIND, "--disclose goes with event.opened");
    }
    if (colon == NULL || colon == what || (size_t)(colon - what) >= sizeof base) {
        return refuse(why, STATUS_BAD_FORM,
                      "--disclose takes BASE:member, for BASE.event and BASE.body, or for a "
                      "BASE of FOLDER@SEQ");
    }
    memcpy(base, what, (size_t)(colon - what));
    base[colon - what] = '\0';
    struct disclosure *d = calloc(1, sizeof *d);
    if (d == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    buffer_init(&d->note, EVENT_SIZE_MAX);
    enum status status = read_base(d, base, why);
    if (status == STATUS_OK) {
        status = read_members(d, why);
    }
    if (status == STATUS_OK) {
        status = fill(d, members, colon + 1, why);
    }
    disclosure_free(d);
    return status;
}

/* --- showing a body --- */

static enum status show(struct disclosure *d, FILE *out, const char *path, struct refusal *why) {
    if (!d->event.has_body) {
        return refuse(why, STATUS_BAD_MEMBER, "the event has no closed members");
    }
    struct body_context context = {
        .log = d->event.log, .issuer = d->event.issuer, .seq = d->event.seq};
    TRY(read_body_file(d, path, why));
    TRY(read_members(d, why));
    TRY(check_body(d, &context, why));
    fputs("  closed       shown by the .body file to be what the event committed to:\n", out);
    for (size_t i = 0; i < d->count; i++) {
        fprintf(out, "    %.*s = ", (int)d->members[i].name.len,
                (const char *)d->members[i].name.data); /* as body_root takes it: a-z and _ */
        text_print(out, d->members[i].value);
        fputc('\n', out);
    }
    return STATUS_OK;
}

enum status body_show(FILE *out, struct bytes note, const char *path, struct refusal *why) {
    struct disclosure *d = calloc(1, sizeof *d);
    if (d == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    buffer_init(&d->note, EVENT_SIZE_MAX);
    enum status status = event_parse(note, &d->event, why);
    d->parsed = status == STATUS_OK;
    if (status == STATUS_OK) {
        status = show(d, out, path, why);
    }
    disclosure_free(d);
    return status;
}
