#include "tools/schema.h"

#include "ledger/kind_page.h"
#include "ledger/limits.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define LEAP                                                                                       \
    "(?:(?:19|[2-9][0-9])(?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[3579][26])00)-02-29"
#define ORDINARY                                                                                   \
    "(?:19|[2-9][0-9])[0-9]{2}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-"    \
    "(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
#define DAY "(?:" ORDINARY "|" LEAP ")"
#define CLOCK "T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z"
#define WHITE                                                                                      \
    "\\\\u0000-\\\\u0020\\\\u0085\\\\u00a0\\\\u1680\\\\u2000-"                                     \
    "\\\\u200a\\\\u2028\\\\u2029\\\\u202f\\\\u205f\\\\u3000"
#define VKEY_END "\\\\+[0-9a-f]{8}\\\\+"
#define MEASURE_MAX 99999

/* What a type is in a schema, in JSON with %u for `max` where it has one. What is shared by several
 * members stands under #/definitions. */
static const char *const types[MEMBER_TYPE_COUNT] = {
    [MEMBER_TEXT] = "{\"type\":\"string\",\"minLength\":1,\"maxLength\":%u,"
                    "\"pattern\":\"^[^\\\\u0000-\\\\u0009\\\\u000b-\\\\u001f\\\\u007f]+$\"}",
    [MEMBER_TITLE] = "{\"type\":\"string\",\"minLength\":1,\"maxLength\":%u,"
                     "\"pattern\":\"^[^\\\\u0000-\\\\u001f\\\\u007f]+$\"}",
    [MEMBER_TOKEN] = "{\"type\":\"string\",\"maxLength\":%u,\"pattern\":\"^[a-z0-9._-]+$\"}",
    [MEMBER_NAME] = "{\"$ref\":\"#/definitions/name\"}",
    [MEMBER_ORIGIN] = "{\"$ref\":\"#/definitions/origin\"}",
    [MEMBER_HASH] = "{\"$ref\":\"#/definitions/hash\"}",
    [MEMBER_SALT] = "{\"$ref\":\"#/definitions/hash\"}",
    [MEMBER_HANDLE] = "{\"type\":\"string\",\"pattern\":\"^[0-9a-f]{32}$\"}",
    [MEMBER_ORI] = "{\"$ref\":\"#/definitions/ori\"}",
    [MEMBER_DATE] = "{\"$ref\":\"#/definitions/day\"}",
    [MEMBER_TIME] = "{\"type\":\"string\",\"pattern\":\"^" DAY CLOCK "$\"}",
    [MEMBER_MONTH] =
        "{\"type\":\"string\",\"pattern\":\"^(?:19|[2-9][0-9])[0-9]{2}-(?:0[1-9]|1[0-2])$\"}",
    [MEMBER_INTEGER] = "{\"type\":\"integer\",\"minimum\":0,\"maximum\":%u}",
    [MEMBER_VKEY] = "{\"$ref\":\"#/definitions/vkey\"}",
    [MEMBER_VKEY_ACCUSED] = "{\"type\":\"string\",\"pattern\":\"^[^+" WHITE "]{1,200}" VKEY_END
                            "[AB][Q-Za-fA-P][A-Za-z0-9+/]{42}$\"}",
    [MEMBER_VKEYS] = "{\"type\":\"array\",\"minItems\":1,\"maxItems\":%u,\"uniqueItems\":true,"
                     "\"items\":{\"$ref\":\"#/definitions/vkey\"}}",
    [MEMBER_POLICY] = "{\"type\":\"string\",\"minLength\":1,\"maxLength\":%u}",
    [MEMBER_CHECKPOINT] = "{\"type\":\"string\",\"minLength\":1,\"maxLength\":%u}",
    [MEMBER_OPERATORS] =
        "{\"type\":\"object\",\"minProperties\":1,\"maxProperties\":32,\"additionalProperties\":"
        "{\"type\":\"string\",\"maxLength\":%u,\"pattern\":\"^[a-z0-9._-]+$\"}}",
    [MEMBER_ORIS] = "{\"type\":\"array\",\"maxItems\":%u,\"uniqueItems\":true,\"items\":"
                    "{\"$ref\":\"#/definitions/ori\"}}",
    [MEMBER_SOME_ORIS] = "{\"type\":\"array\",\"minItems\":1,\"maxItems\":%u,\"uniqueItems\":true,"
                         "\"items\":{\"$ref\":\"#/definitions/ori\"}}",
    [MEMBER_STATES] = "{\"type\":\"array\",\"minItems\":1,\"maxItems\":%u,\"uniqueItems\":true,"
                      "\"items\":{\"type\":\"string\",\"pattern\":\"^[A-Z]{2}$\"}}",
    [MEMBER_KINDS] = "{\"type\":\"array\",\"minItems\":1,\"maxItems\":%u,\"uniqueItems\":true,"
                     "\"anyOf\":[{\"items\":{\"$ref\":\"#/definitions/kind\"}},"
                     "{\"maxItems\":1,\"items\":{\"const\":\"*\"}}]}",
    [MEMBER_TOKENS] =
        "{\"type\":\"array\",\"minItems\":1,\"maxItems\":%u,\"uniqueItems\":true,\"items\":"
        "{\"type\":\"string\",\"maxLength\":40,\"pattern\":\"^[a-z0-9._-]+$\"}}",
    [MEMBER_HASHES] = "{\"type\":\"array\",\"maxItems\":%u,\"items\":"
                      "{\"$ref\":\"#/definitions/hash\"}}",
    [MEMBER_ANY] = "{\"not\":{\"type\":\"null\"}}",
    [MEMBER_DISCIPLINE] =
        "{\"type\":\"array\",\"minItems\":1,\"maxItems\":%u,\"anyOf\":[{\"items\":"
        "{\"$ref\":\"#/definitions/measure\"}},{\"maxItems\":1,\"items\":"
        "{\"$ref\":\"#/definitions/no_measure\"}}]}",
    [MEMBER_EVIDENCE] = "{\"type\":\"string\",\"minLength\":1,\"maxLength\":%u,"
                        "\"pattern\":\"^ZHV0eWxvZy9ldmlkZW5jZS92MS[A-P][A-Za-z0-9+/]*={0,2}$\"}",
    [MEMBER_ADDRESS] = "{\"type\":\"string\",\"maxLength\":%u,"
                       "\"pattern\":\"^(?:https?://|file:)[!-~]+$\"}",
    [MEMBER_STATE] = "{\"type\":\"string\",\"pattern\":\"^[A-Z]{2}$\"}",
    [MEMBER_EVENT] = "{\"$ref\":\"#/definitions/event\"}",
};

static const char definitions[] =
    "{\"hash\":{\"type\":\"string\",\"pattern\":\"^[0-9a-f]{64}$\"},"
    "\"ori\":{\"type\":\"string\",\"pattern\":\"^[A-Z0-9]{9}$\"},"
    "\"day\":{\"type\":\"string\",\"pattern\":\"^" DAY "$\"},"
    "\"name\":{\"type\":\"string\",\"maxLength\":200,\"pattern\":\"^(?!\\\\.{1,2}(?:/|$))"
    "(?!.*/\\\\.{1,2}(?:/|$))[a-z0-9._-]+(?:/[a-z0-9._-]+)*$\"},"
    "\"origin\":{\"type\":\"string\",\"maxLength\":200,\"pattern\":\"^[^+" WHITE "]+$\"},"
    "\"vkey\":{\"type\":\"string\",\"pattern\":\"^[^+" WHITE "]{1,200}" VKEY_END
    "A[Q-Za-f][A-Za-z0-9+/]{42}$\"},"
    "\"seq\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":9007199254740991},"
    "\"event\":{\"type\":\"object\",\"required\":[\"id\",\"issuer\",\"log\",\"seq\"],"
    "\"additionalProperties\":false,\"properties\":{\"id\":{\"$ref\":\"#/definitions/hash\"},"
    "\"issuer\":{\"$ref\":\"#/definitions/name\"},\"log\":{\"$ref\":\"#/definitions/origin\"},"
    "\"seq\":{\"$ref\":\"#/definitions/seq\"}}},"
    "\"no_measure\":{\"type\":\"object\",\"required\":[\"code\"],\"additionalProperties\":false,"
    "\"properties\":{\"code\":{\"const\":\"none\"}}}}";

/* A schema from JSON text, one of the constants of this file. NULL: out of memory. */
static json_t *schema_of(const char *text) {
    json_error_t error;
    json_t *schema = json_loads(text, 0, &error);
    assert(schema != NULL || json_error_code(&error) == json_error_out_of_memory);
    return schema;
}

/* One of the codes; or an array of some. */
static json_t *codes_of(const struct kind_member *member) {
    const char *const *codes = member->codes;
    json_t *list = json_array();
    for (size_t i = 0; codes[i] != NULL; i++) {
        json_array_append_new(list, json_string(codes[i]));
    }
    json_t *one = json_pack("{s:s, s:o}", "type", "string", "enum", list);
    return member->type == MEMBER_CODE ? one
                                       : json_pack("{s:s, s:i, s:b, s:o}", "type", "array",
                                                   "minItems", 1, "uniqueItems", 1, "items", one);
}

static json_t *member_schema(const struct kind_member *member) {
    char text[2048];
    if (member->type == MEMBER_CODE || member->type == MEMBER_CODES) {
        json_t *schema = codes_of(member);
        json_object_set_new(schema, "description", json_string(member->help));
        return schema;
    }
    if (member->type == MEMBER_INTEGER && member->max == 0) {
        return json_pack("{s:s, s:s, s:i, s:I}", "description", member->help, "type", "integer",
                         "minimum", 0, "maximum", (json_int_t)9007199254740991);
    }
    const char *type = types[member->type];
    const char *number = strstr(type, "%u"); /* at most one, in a constant of this file */
    size_t before = number != NULL ? (size_t)(number - type) : strlen(type);
    snprintf(text, sizeof text, "%.*s", (int)before, type);
    if (number != NULL) {
        snprintf(text + before, sizeof text - before, "%u%s", (unsigned)member->max, number + 2);
    }
    json_t *schema = schema_of(text);
    /* Beside a $ref nothing counts in draft 7, so what describes it goes around. */
    return json_object_get(schema, "$ref") != NULL
               ? json_pack("{s:s, s:[o]}", "description", member->help, "allOf", schema)
               : (json_object_set_new(schema, "description", json_string(member->help)), schema);
}

/* Measures by the numbers that they carry. */
static json_t *measures(void) {
    json_t *any = json_array();
    for (const struct kind_discipline *row = kind_disciplines; row->code != NULL; row++) {
        json_t *properties = json_pack("{s:{s:s}}", "code", "const", row->code);
        json_t *schema =
            json_pack("{s:s, s:b, s:[s], s:O}", "type", "object", "additionalProperties", 0,
                      "required", "code", "properties", properties);
        json_t *required = json_object_get(schema, "required");
        json_t *number =
            json_pack("{s:s, s:i, s:i}", "type", "integer", "minimum", 1, "maximum", MEASURE_MAX);
        if (row->term) {
            json_object_set(properties, "days", number);
            json_object_set(properties, "months", number);
            json_object_set_new(
                schema, "oneOf",
                schema_of("[{\"required\":[\"days\"]},{\"required\":[\"months\"]}]"));
        }
        if (row->paid) {
            json_object_set_new(properties, "paid", json_pack("{s:s}", "type", "boolean"));
            json_array_append_new(required, json_string("paid"));
        }
        if (strcmp(row->code, "none") != 0) {
            json_array_append(any, schema);
        }
        json_decref(number);
        json_decref(properties);
        json_decref(schema);
    }
    return json_pack("{s:o}", "anyOf", any);
}

static json_t *open_schema(const struct kind *kind) {
    json_t *properties = json_object();
    json_t *required = json_array();
    json_t *live = json_array();
    for (size_t i = 0; i < kind->member_count; i++) {
        const struct kind_member *member = &kind->members[i];
        if (member->visibility == VISIBLE_CLOSED) {
            continue;
        }
        json_object_set_new(properties, member->name, member_schema(member));
        if (member->required) {
            json_array_append_new(required, json_string(member->name));
        }
        if (member->required_live) {
            json_array_append_new(live, json_string(member->name));
        }
    }
    json_t *schema =
        json_pack("{s:s, s:b, s:i, s:o, s:o}", "type", "object", "additionalProperties", 0,
                  "minProperties", 1, "properties", properties, "required", required);
    if (json_array_size(live) > 0) {
        json_object_set_new(schema, "if",
                            schema_of("{\"properties\":{\"basis\":{\"const\":\"live\"}},"
                                      "\"required\":[\"basis\"]}"));
        json_object_set_new(schema, "then", json_pack("{s:O}", "required", live));
    }
    json_decref(live);
    return schema;
}

/* {"if": the kind is this one, "then": what it asks} */
static json_t *kind_schema(const struct kind *kind) {
    json_t *then = json_pack("{s:{s:o}, s:[s], s:s}", "properties", "open", open_schema(kind),
                             "required", "open", "description", kind->help);
    if (!kind_has_closed(kind)) {
        json_object_set_new(json_object_get(then, "properties"), "body", json_false());
    }
    return json_pack("{s:{s:{s:{s:s}}, s:[s]}, s:o}", "if", "properties", "kind", "const",
                     kind->name, "required", "kind", "then", then);
}

json_t *event_schema(void) {
    json_t *kinds = json_array();
    json_t *names = json_array();
    json_t *shared = schema_of(definitions);
    for (size_t i = 0; i < KIND_COUNT; i++) {
        json_array_append_new(names, json_string(kind_at((enum kind_id)i)->name));
        json_array_append_new(kinds, kind_schema(kind_at((enum kind_id)i)));
    }
    json_array_append_new(
        kinds,
        schema_of("{\"if\":{\"properties\":{\"seq\":{\"const\":1}}},\"then\":{\"properties\":"
                  "{\"prev\":false}},\"else\":{\"required\":[\"prev\"]}}"));
    json_object_set_new(shared, "kind", json_pack("{s:O}", "enum", names));
    json_object_set_new(shared, "measure", measures());
    json_t *schema = schema_of(
        "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"title\":\"dutylog event\","
        "\"description\":\"The second line of an event's text, in its canonical form (RFC 8785); "
        "specs/event.md, specs/kinds.md\",\"$comment\":\"Not said here: that texts are measured in "
        "bytes of UTF-8, arrays of names sorted, keys, policies, checkpoints and evidence whole; "
        "the rules of specs/event.md that relate members; and all that depends on the log.\","
        "\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"issuer\",\"kind\","
        "\"log\",\"seq\"],\"properties\":{\"body\":{\"$ref\":\"#/definitions/hash\"},\"issuer\":"
        "{\"$ref\":\"#/definitions/name\"},\"kind\":{\"$ref\":\"#/definitions/kind\"},\"log\":"
        "{\"$ref\":\"#/definitions/origin\"},\"open\":{\"type\":\"object\"},\"prev\":"
        "{\"$ref\":\"#/definitions/hash\"},\"seq\":{\"$ref\":\"#/definitions/seq\"}}}");
    json_object_set_new(schema, "definitions", shared);
    json_object_set_new(schema, "allOf", kinds);
    json_decref(names);
    return schema;
}
