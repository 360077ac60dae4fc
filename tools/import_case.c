#include "crypto/encoding.h"
#include "ledger/event.h"
#include "ledger/list.h"
#include "tools/import.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shown {
    char handle[HEX_LEN(IMPORT_HANDLE_SIZE) + 1];
    char pattern[HEX_LEN(IMPORT_HANDLE_SIZE) + 16]; /* as it stands in an event */
    json_t *events;                                 /* NULL: printed as they come */
    struct refusal *why;
};

static void print_event(const struct event *event) {
    uint64_t subject = 0;
    char id[HEX_LEN(HASH_SIZE) + 1];
    id[hex_encode(id, event->id.bytes, HASH_SIZE)] = '\0';
    bool has_subject = event_open_integer(event, "subject", &subject);
    printf("  seq %-10" PRIu64 " %-24s", event->seq, event->kind->name);
    if (has_subject) {
        printf(" subject %-4" PRIu64, subject);
    } else {
        printf(" %-12s", "");
    }
    printf(" id %s\n", id);
}

static enum status on_event(void *context, uint64_t seq, struct bytes note, struct bytes body) {
    struct shown *s = context;
    struct event event;
    (void)seq;
    (void)body;
    if (memmem(note.data, note.len, s->pattern, strlen(s->pattern)) == NULL) {
        return STATUS_OK;
    }
    TRY(event_parse(note, &event, s->why));
    if (s->events == NULL) {
        print_event(&event);
    } else {
        char id[HEX_LEN(HASH_SIZE)];
        hex_encode(id, event.id.bytes, HASH_SIZE);
        json_array_append_new(s->events, json_pack("{s:s%, s:s, s:O, s:I}", "id", id, sizeof id,
                                                   "kind", event.kind->name, "open", event.open,
                                                   "seq", (json_int_t)event.seq));
    }
    event_release(&event);
    return STATUS_OK;
}

static enum status find_handle(struct import_state *state, const char *source, const char *number,
                               struct shown *s, struct refusal *why) {
    uint8_t id[IMPORT_ID_SIZE];
    uint8_t handle[IMPORT_HANDLE_SIZE];
    struct bytes raw = bytes_text(number);
    uint8_t *memory = malloc(raw.len + 1);
    if (memory == NULL || !bytes_utf8_valid(raw)) {
        free(memory);
        return refuse(why, STATUS_BAD_FORM, "--case takes a case number");
    }
    import_state_id(source, list_cell(raw, NULL, memory), id);
    free(memory);
    if (import_state_find_case(state, id, handle) != STATUS_OK) {
        return refuse(why, STATUS_NOT_FOUND,
                      "no case %.60s of the source %.60s was imported with this state folder",
                      number, source);
    }
    s->handle[hex_encode(s->handle, handle, sizeof handle)] = '\0';
    snprintf(s->pattern, sizeof s->pattern, "\"case\":\"%s\"", s->handle);
    return STATUS_OK;
}

enum status import_show_case(const char *state_path, const char *source, const char *number,
                             bool json, struct refusal *why) {
    struct import_state *state = NULL;
    struct shown s = {.why = why};
    TRY(import_state_open_read(state_path, &state, why));
    enum status status = find_handle(state, source, number, &s, why);
    if (status == STATUS_OK && json) {
        s.events = json_array();
    } else if (status == STATUS_OK) {
        printf("case %s\n", s.handle);
    }
    if (status == STATUS_OK) {
        status = import_state_each(state, on_event, &s);
    }
    if (status == STATUS_OK && json) {
        json_t *root = json_pack("{s:s, s:O}", "case", s.handle, "events", s.events);
        char *text = root != NULL ? json_dumps(root, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
        puts(text != NULL ? text : "{}");
        free(text);
        json_decref(root);
    } else if (status != STATUS_OK && why->text[0] == '\0') {
        refuse(why, status, "%s: %s", state_path, status_text(status));
    }
    json_decref(s.events);
    import_state_close(state);
    return status;
}
