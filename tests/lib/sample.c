#include "tests/lib/sample.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_quoted(struct writer *w, const char *text) {
    writer_text(w, "\"");
    writer_text(w, text);
    writer_text(w, "\"");
}

/* The text of a member that is a string, or NULL. */
static const char *text_of(const struct kind_member *member, const struct sample *sample) {
    switch ((int)member->type) {
    case MEMBER_TOKEN:
    case MEMBER_NAME:
    case MEMBER_TITLE:
    case MEMBER_TEXT:
        return "chief";
    case MEMBER_ORIGIN:
        return "other.example/log";
    case MEMBER_HASH:
    case MEMBER_SALT:
        return sample->hash;
    case MEMBER_HANDLE:
        return sample->handle;
    case MEMBER_ORI: /* another agency than the event's own, in a member of another name */
        return strcmp(member->name, "ori") == 0 ? sample->ori : "NY9999900";
    case MEMBER_DATE:
        return sample->day;
    case MEMBER_MONTH:
        return "2023-11";
    case MEMBER_STATE:
        return "NY";
    case MEMBER_CODE:
        return member->codes[0];
    case MEMBER_VKEY:
    case MEMBER_VKEY_ACCUSED:
        return sample->vkey;
    case MEMBER_ADDRESS:
        return "https://pd.example/list.csv";
    default:
        return NULL;
    }
}

static void put_value(struct writer *w, const struct kind_member *member,
                      const struct sample *sample) {
    const char *text = text_of(member, sample);
    if (text != NULL) {
        put_quoted(w, text);
    } else if (member->type == MEMBER_TIME) {
        writer_text(w, "\"");
        writer_text(w, sample->day);
        writer_text(w, "T00:00:00Z\"");
    } else if (member->type == MEMBER_INTEGER) {
        writer_text(w, "3");
    } else if (member->type == MEMBER_DISCIPLINE) {
        writer_text(w, "[{\"code\":\"probation\",\"months\":12},{\"code\":\"suspension\",\"days\":"
                       "30,\"paid\":false}]");
    } else if (member->type == MEMBER_EVENT) {
        writer_text(w, sample->event);
    } else if (member->type == MEMBER_SOME_ORIS) {
        writer_text(w, "[\"NY9999900\"]");
    } else if (member->type == MEMBER_STATES) {
        writer_text(w, "[\"NY\"]");
    } else if (member->type == MEMBER_CODES) {
        writer_text(w, "[");
        put_quoted(w, member->codes[0]);
        writer_text(w, "]");
    } else if (member->type == MEMBER_TOKENS) {
        writer_text(w, "[\"chief\",\"duty\"]");
    } else {
        fprintf(stderr, "sample: no value for member %s\n", member->name);
        abort();
    }
}

void sample_open(struct writer *w, const struct kind *kind, const struct sample *sample) {
    bool first = true;
    writer_text(w, "{");
    for (size_t i = 0; i < kind->member_count; i++) {
        const struct kind_member *member = &kind->members[i];
        if (member->visibility == VISIBLE_OPEN) {
            writer_text(w, first ? "" : ",");
            put_quoted(w, member->name);
            writer_text(w, ":");
            put_value(w, member, sample);
            first = false;
        }
    }
    writer_text(w, "}");
}
