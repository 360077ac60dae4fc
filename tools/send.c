#include "tools/send.h"

#include "ledger/event.h"
#include "net/file.h"
#include "tools/cli.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TIMEOUT_MS 30000
#define POLL_MS 200
#define GROUP_EVENTS_MAX 256
#define GROUP_BODY_MAX (4u << 20)

static uint64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void sleep_ms(uint64_t ms) {
    struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

/* One event on its way. */
struct parcel {
    char event_path[OUTBOX_PATH_MAX + 16];
    char receipt_path[OUTBOX_PATH_MAX + 16];
    char ask[NAME_SIZE_MAX + 64]; /* /receipt/<issuer>/<seq> */
    size_t note_len;
    bool accepted;
};

/* Events that go in one request, and its body. */
struct group {
    struct parcel parcels[GROUP_EVENTS_MAX];
    size_t count;
    struct buffer body;
};

/* "BASE.event" or any other name, and where the receipt goes. */
static enum status parcel_of(struct parcel *parcel, const char *path, struct refusal *why) {
    size_t len = strlen(path);
    size_t base = len > 6 && strcmp(path + len - 6, ".event") == 0 ? len - 6 : len;
    if (len >= OUTBOX_PATH_MAX) {
        return refuse(why, STATUS_BAD_FORM, "%s: the name is too long", path);
    }
    memcpy(parcel->event_path, path, len + 1);
    snprintf(parcel->receipt_path, sizeof parcel->receipt_path, "%.*s.receipt", (int)base, path);
    parcel->accepted = false;
    return STATUS_OK;
}

/* Appends the event, after its length, to the group's body. */
static enum status group_add(struct group *group, const char *path, struct refusal *why) {
    struct parcel *parcel = &group->parcels[group->count];
    struct buffer note;
    struct event event;
    TRY(parcel_of(parcel, path, why));
    buffer_init(&note, EVENT_SIZE_MAX);
    enum status status = file_read(path, &note, why);
    if (status == STATUS_OK) {
        status = event_parse(buffer_view(&note), &event, why);
    }
    if (status == STATUS_OK) {
        uint8_t len[2] = {(uint8_t)(note.len >> 8), (uint8_t)note.len};
        snprintf(parcel->ask, sizeof parcel->ask, "/receipt/%.*s/%" PRIu64, (int)event.issuer.len,
                 event.issuer.data, event.seq);
        event_release(&event);
        parcel->note_len = note.len;
        status = buffer_append(&group->body, bytes_of(len, sizeof len));
        if (status == STATUS_OK) {
            status = buffer_append(&group->body, buffer_view(&note));
        }
        group->count += status == STATUS_OK ? 1 : 0;
    }
    buffer_clear(&note);
    return status;
}

/* One JSON line per event: marks those that are logged, and tells of the first that is refused. */
static enum status read_lines(struct group *group, struct bytes body, struct refusal *why) {
    struct reader r;
    struct bytes line;
    reader_init(&r, body);
    for (size_t i = 0; i < group->count; i++) {
        json_t *answer =
            reader_line(&r, &line) ? json_loadb((const char *)line.data, line.len, 0, NULL) : NULL;
        json_int_t http = json_integer_value(json_object_get(answer, "status"));
        const char *error = json_string_value(json_object_get(answer, "error"));
        enum status status = STATUS_OK;
        group->parcels[i].accepted = http == 200 || http == 202;
        if (!group->parcels[i].accepted) {
            status = answer == NULL
                         ? refuse(why, STATUS_IO, "%s: the node's answer cannot be read: ask again",
                                  group->parcels[i].event_path)
                         : refuse(why, http == 429 ? STATUS_RATE : STATUS_DENIED_SCOPE,
                                  "%s: refused with %lld: %s", group->parcels[i].event_path,
                                  (long long)http,
                                  error != NULL ? error : "(the node's answer makes no sense)");
        }
        json_decref(answer);
        TRY(status);
    }
    return STATUS_OK;
}

/* 503 and 429 mean that nothing was kept, and no answer that we do not know: the same bytes may be
 * sent again either way. */
static enum status send_group(struct sending *s, struct group *group, struct refusal *why) {
    uint64_t until = now_ms() + s->wait_s * 1000;
    for (;;) {
        const struct fetched *answer = NULL;
        struct fetch_request request = {.base = s->node,
                                        .path = "/add",
                                        .content_type = "application/octet-stream",
                                        .body = buffer_view(&group->body),
                                        .response_max = 1 << 20,
                                        .timeout_ms = TIMEOUT_MS};
        enum status status = fetch(s->fetcher, &request, &answer, why);
        if (status == STATUS_OK && strncmp(answer->content_type, "application/x-ndjson", 20) == 0) {
            return read_lines(group, buffer_view(&answer->body), why);
        }
        if (status == STATUS_OK && !fetch_try_later(answer->http)) {
            struct bytes body = buffer_view(&answer->body);
            return refuse(why, STATUS_DENIED_SCOPE, "refused with %u: %.*s", answer->http,
                          (int)(body.len < 180 ? body.len : 180), body.data);
        }
        if (status == STATUS_OK) {
            refuse(why, STATUS_BUSY,
                   "the node is overloaded or stopping: the events are kept here, try again later");
        }
        if (now_ms() >= until) {
            return why->status;
        }
        sleep_ms(POLL_MS);
    }
}

static enum status save_receipt(struct sending *s, const struct parcel *parcel,
                                struct bytes receipt, struct refusal *why) {
    TRY(file_write(parcel->receipt_path, receipt, why));
    s->receipts++;
    if (!s->quiet) {
        printf("%s\n", parcel->receipt_path);
    }
    return STATUS_OK;
}

/* Asks for the receipt until it is there or the time is up. */
static enum status fetch_receipt(struct sending *s, const struct parcel *parcel, uint64_t until,
                                 struct refusal *why) {
    for (;;) {
        const struct fetched *answer = NULL;
        struct fetch_request request = {.base = s->node,
                                        .path = parcel->ask,
                                        .response_max = RECEIPT_SIZE_MAX,
                                        .timeout_ms = TIMEOUT_MS};
        enum status status = fetch(s->fetcher, &request, &answer, why);
        if (status == STATUS_OK && answer->http == 200) {
            return save_receipt(s, parcel, buffer_view(&answer->body), why);
        }
        if (now_ms() >= until) {
            s->pending++;
            return STATUS_OK;
        }
        sleep_ms(POLL_MS);
    }
}

/* Sends the group, then fetches the receipts of all that is logged, also where a later event was
 * refused. */
static enum status deliver_group(struct sending *s, struct group *group, struct refusal *why) {
    struct refusal later;
    enum status sent = send_group(s, group, why);
    uint64_t until = now_ms() + s->wait_s * 1000;
    for (size_t i = 0; i < group->count; i++) {
        if (group->parcels[i].accepted) {
            cli_progress("receipts", s->receipts, s->total);
            enum status status =
                fetch_receipt(s, &group->parcels[i], until, sent == STATUS_OK ? why : &later);
            TRY(status);
        }
    }
    group->count = 0;
    buffer_clear(&group->body);
    return sent;
}

/* Events in the order given, in as few requests as they fit; the first refusal ends the run. */
enum status send_files(struct sending *s, char *const *paths, size_t count, struct refusal *why) {
    struct group *group = calloc(1, sizeof *group);
    if (group == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    buffer_init(&group->body, GROUP_BODY_MAX);
    enum status status = STATUS_OK;
    s->total = count;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (group->count == GROUP_EVENTS_MAX ||
            group->body.len + 2 + EVENT_SIZE_MAX > GROUP_BODY_MAX) {
            status = deliver_group(s, group, why);
        }
        if (status == STATUS_OK) {
            status = group_add(group, paths[i], why);
        }
    }
    if (status == STATUS_OK && group->count > 0) {
        status = deliver_group(s, group, why);
    }
    cli_progress_end();
    buffer_clear(&group->body);
    free(group);
    return status;
}

enum status send_outbox(struct sending *s, const char *folder, struct refusal *why) {
    struct outbox outbox;
    char **paths = NULL;
    size_t count = 0;
    TRY(outbox_open(&outbox, folder, why));
    enum status status = outbox_pending(&outbox, &paths, &count, why);
    if (status == STATUS_OK) {
        status = send_files(s, paths, count, why);
        outbox_free_list(paths, count);
    }
    outbox_close(&outbox);
    return status;
}
