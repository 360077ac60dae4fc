#include "tools/members.h"

#include "crypto/encoding.h"
#include "crypto/random.h"
#include "ledger/json.h"
#include "ledger/law.h"
#include "ledger/member.h"
#include "ledger/note.h"
#include "net/buffer.h"
#include "net/file.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (256 * 1024)

enum status members_init(struct members *members, const struct kind *kind) {
    members->kind = kind;
    members->open = json_object();
    members->closed = json_object();
    return members->open != NULL && members->closed != NULL ? STATUS_OK : STATUS_NOMEM;
}

void members_release(struct members *members) {
    json_decref(members->open);
    json_decref(members->closed);
    members->open = NULL;
    members->closed = NULL;
}

/* Puts a value in its place after checking it. Takes the value. */
static enum status put(struct members *members, const char *name, bool closed, json_t *value,
                       struct refusal *why) {
    const struct kind_member *row = kind_member_find(members->kind, name, strlen(name));
    enum status status = STATUS_OK;
    if (row == NULL) {
        status = refuse(why, STATUS_BAD_MEMBER,
                        "%s has no member %s: dutylog event --template %s lists them",
                        members->kind->name, name, members->kind->name);
    } else if (closed != (row->visibility == VISIBLE_CLOSED) &&
               !(closed && law_of_member(members->kind->id, name, NULL) != NULL)) {
        status = refuse(why, STATUS_BAD_MEMBER,
                        closed ? "member %s is open: give it with --set"
                               : "member %s must be closed: give it with --closed",
                        name);
    } else {
        status = member_check(row, value, why);
    }
    if (status == STATUS_OK &&
        json_object_set(closed ? members->closed : members->open, name, value) != 0) {
        status = refuse(why, STATUS_NOMEM, "out of memory");
    }
    json_decref(value);
    return status;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "a,b,c" as an array, sorted where the form wants it so: a clerk need not know. */
static json_t *list_of(const char *text, bool sorted) {
    const char *items[256];
    size_t count = 0;
    char *copy = strdup(text);
    json_t *list = copy != NULL ? json_array() : NULL;
    char *rest = copy;
    while (list != NULL && rest != NULL && *rest != '\0' &&
           count < sizeof items / sizeof items[0]) {
        items[count++] = strsep(&rest, ",");
    }
    if (sorted && count > 0) {
        qsort(items, count, sizeof items[0], by_text);
    }
    for (size_t i = 0; list != NULL && i < count; i++) {
        json_array_append_new(list, json_string(items[i]));
    }
    free(copy);
    return list;
}

/* The value that the text stands for, by the member's type. NULL: it stands for none. */
static json_t *value_of(const struct kind_member *row, const char *text) {
    if (text[0] == '[' || text[0] == '{') {
        return json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
    }
    switch (row->type) {
    case MEMBER_INTEGER: {
        uint64_t number = 0;
        return bytes_to_u64(bytes_text(text), &number) && number <= (uint64_t)JCS_INTEGER_MAX
                   ? json_integer((json_int_t)number)
                   : NULL;
    }
    case MEMBER_VKEYS:
    case MEMBER_ORIS:
    case MEMBER_SOME_ORIS:
    case MEMBER_STATES:
    case MEMBER_CODES:
    case MEMBER_KINDS:
    case MEMBER_TOKENS:
        return list_of(text, true);
    case MEMBER_HASHES:
        return list_of(text, false);
    case MEMBER_OPERATORS:
    case MEMBER_DISCIPLINE:
    case MEMBER_EVENT:
        return NULL; /* only as JSON */
    case MEMBER_TEXT:
    case MEMBER_TOKEN:
    case MEMBER_NAME:
    case MEMBER_ORIGIN:
    case MEMBER_HASH:
    case MEMBER_HANDLE:
    case MEMBER_ORI:
    case MEMBER_DATE:
    case MEMBER_TIME:
    case MEMBER_CODE:
    case MEMBER_VKEY:
    case MEMBER_VKEY_ACCUSED:
    case MEMBER_POLICY:
    case MEMBER_CHECKPOINT:
    case MEMBER_SALT:
    case MEMBER_EVIDENCE:
    case MEMBER_ANY:
    case MEMBER_TITLE:
    case MEMBER_ADDRESS:
    case MEMBER_MONTH:
    case MEMBER_STATE:
    case MEMBER_TYPE_COUNT:
        break;
    }
    return json_string(text);
}

static enum status set_text(struct members *members, const char *name, bool closed,
                            const char *text, struct refusal *why) {
    const struct kind_member *row = kind_member_find(members->kind, name, strlen(name));
    if (row == NULL) {
        return put(members, name, closed, NULL, why); /* refuses, naming it */
    }
    json_t *value = value_of(row, text);
    if (value == NULL) {
        return refuse(why, STATUS_BAD_MEMBER, "%s must be %s", name, member_accepts(row->type));
    }
    return put(members, name, closed, value, why);
}

/* The content of a file as a member's text: evidence is binary and goes in as base64. */
static enum status set_file(struct members *members, const char *name, bool closed,
                            const char *path, struct refusal *why) {
    const struct kind_member *row = kind_member_find(members->kind, name, strlen(name));
    struct buffer content;
    buffer_init(&content, FILE_MAX);
    enum status status = file_read(path, &content, why);
    bool encoded = row != NULL && row->type == MEMBER_EVIDENCE;
    char *text = status == STATUS_OK ? malloc(BASE64_LEN(content.len) + 1) : NULL;
    if (text != NULL && encoded) {
        text[base64_encode(text, content.data, content.len)] = '\0';
    } else if (text != NULL && content.len > 0) {
        memcpy(text, content.data, content.len);
        text[content.len] = '\0';
    } else if (text != NULL) {
        text[0] = '\0';
    }
    if (status == STATUS_OK) {
        status = text != NULL ? set_text(members, name, closed, text, why)
                              : refuse(why, STATUS_NOMEM, "out of memory");
    }
    free(text);
    buffer_clear(&content);
    return status;
}

enum status members_set(struct members *members, const char *assignment, bool closed,
                        struct refusal *why) {
    const char *equals = strchr(assignment, '=');
    char name[JCS_NAME_MAX + 1];
    if (equals == NULL || equals == assignment || (size_t)(equals - assignment) > JCS_NAME_MAX) {
        return refuse(why, STATUS_BAD_FORM, "'%s': give members as name=value", assignment);
    }
    memcpy(name, assignment, (size_t)(equals - assignment));
    name[equals - assignment] = '\0';
    return equals[1] == '@' ? set_file(members, name, closed, equals + 2, why)
                            : set_text(members, name, closed, equals + 1, why);
}

static enum status put_all(struct members *members, json_t *object, bool closed,
                           struct refusal *why) {
    const char *name;
    json_t *value;
    json_object_foreach(object, name, value) {
        TRY(put(members, name, closed, json_incref(value), why));
    }
    return STATUS_OK;
}

enum status members_from_file(struct members *members, const char *path, struct refusal *why) {
    struct buffer content;
    json_error_t error;
    buffer_init(&content, FILE_MAX);
    enum status status = file_read(path, &content, why);
    json_t *root = status == STATUS_OK ? json_loadb((const char *)content.data, content.len,
                                                    JSON_REJECT_DUPLICATES, &error)
                                       : NULL;
    if (status == STATUS_OK && root == NULL) {
        status = refuse(why, STATUS_BAD_FORM, "%s:%d: %s", path, error.line, error.text);
    }
    if (status == STATUS_OK) {
        status = put_all(members, json_object_get(root, "open"), false, why);
    }
    if (status == STATUS_OK) {
        status = put_all(members, json_object_get(root, "closed"), true, why);
    }
    json_decref(root);
    buffer_clear(&content);
    return status;
}

/* --- the body --- */

/* What is open by its row is closed where law says so, and only there: readers count on it. The
 * state is known once all members are. */
static enum status check_law(const struct members *members, struct refusal *why) {
    const char *name;
    json_t *value;
    json_object_foreach(members->closed, name, value) {
        const struct kind_member *row = kind_member_find(members->kind, name, strlen(name));
        if (row->visibility == VISIBLE_OPEN &&
            law_of_member(members->kind->id, name, members->open) == NULL) {
            return refuse(why, STATUS_BAD_MEMBER,
                          "member %s is open here: give it with --set, since no law closes it in "
                          "this state with what else is open",
                          name);
        }
    }
    return STATUS_OK;
}

enum status body_draft_of(const struct members *members, struct body_draft *out,
                          struct refusal *why) {
    const char *names[EVENT_MEMBERS_MAX];
    const char *name;
    json_t *value;
    memset(out, 0, sizeof *out);
    if (json_object_size(members->closed) > EVENT_MEMBERS_MAX) {
        return refuse(why, STATUS_TOO_LARGE, "at most %d closed members", EVENT_MEMBERS_MAX);
    }
    TRY(check_law(members, why));
    json_object_foreach(members->closed, name, value) {
        names[out->count++] = name;
    }
    if (out->count == 0) {
        return STATUS_OK;
    }
    qsort(names, out->count, sizeof names[0], by_text);
    out->memory = malloc(FILE_MAX);
    if (out->memory == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    struct writer w;
    writer_init(&w, out->memory, FILE_MAX);
    for (size_t i = 0; i < out->count; i++) {
        size_t start = w.len;
        TRY(jcs_write(&w, json_object_get(members->closed, names[i]), why));
        TRY(writer_status(&w));
        out->members[i].name = bytes_text(names[i]);
        out->members[i].value = bytes_of(out->memory + start, w.len - start);
        random_fill(out->members[i].salt, BODY_SALT_SIZE);
    }
    out->memory_len = w.len;
    return STATUS_OK;
}

void body_draft_release(struct body_draft *draft) {
    if (draft->memory != NULL) {
        crypto_wipe(draft->memory, draft->memory_len);
    }
    free(draft->memory);
    crypto_wipe(draft, sizeof *draft);
}

char *body_draft_json(const struct body_draft *draft, const struct body_context *context) {
    json_t *members = json_object();
    for (size_t i = 0; i < draft->count; i++) {
        const struct body_member *member = &draft->members[i];
        char salt[HEX_LEN(BODY_SALT_SIZE)];
        json_t *value = NULL;
        hex_encode(salt, member->salt, BODY_SALT_SIZE);
        if (jcs_parse(member->value, &value, NULL) != STATUS_OK) {
            break; /* written by jcs_write just before: only for want of memory; the count below
                      tells */
        }
        json_object_setn_new(members, (const char *)member->name.data, member->name.len,
                             json_pack("{s:s%, s:o}", "salt", salt, sizeof salt, "value", value));
    }
    char *text = NULL;
    if (json_object_size(members) == draft->count) {
        json_t *root = json_pack("{s:s%, s:s%, s:O, s:I}", "issuer", context->issuer.data,
                                 context->issuer.len, "log", context->log.data, context->log.len,
                                 "members", members, "seq", (json_int_t)context->seq);
        text = root != NULL ? json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL;
        json_decref(root);
    }
    json_decref(members);
    return text;
}
