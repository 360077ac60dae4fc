/* Signing an observation, once. A run may end between any two of these: the event is in the outbox,
 * its place is written, it is sent, its receipt is there. Whoever comes next looks for each. */
#include "tools/observe.h"

#include "crypto/encoding.h"
#include "ledger/json.h"
#include "net/file.h"
#include "net/keyfile.h"
#include "tools/make_event.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Where the event stands, as `previous` of the next names it. */
static enum status write_place(const struct observation *o, struct bytes log, struct bytes issuer,
                               uint64_t seq, const struct hash *id, struct refusal *why) {
    char path[OBSERVE_PATH_MAX];
    char text[1024];
    char hex[HEX_LEN(HASH_SIZE)];
    hex_encode(hex, id->bytes, HASH_SIZE);
    snprintf(text, sizeof text,
             "{\"id\":\"%.*s\",\"issuer\":\"%.*s\",\"log\":\"%.*s\",\"seq\":%llu}", (int)sizeof hex,
             hex, (int)issuer.len, (const char *)issuer.data, (int)log.len, (const char *)log.data,
             (unsigned long long)seq);
    TRY(observe_path(o, ".place", path, why));
    return file_write(path, bytes_text(text), why);
}

static enum status set_event_path(struct observation *o, const struct outbox *outbox,
                                  struct bytes issuer, uint64_t seq, struct refusal *why) {
    char base[OUTBOX_PATH_MAX];
    TRY(outbox_base(outbox, issuer, seq, base, why));
    snprintf(o->event_path, sizeof o->event_path, "%.4000s.event", base);
    return STATUS_OK;
}

static bool says_this(const struct observation *o, const struct event *event) {
    static const char *const names[] = {"list", "observed", "root", "file", "keys"};
    bool same = event->kind->id == KIND_LIST_OBSERVED;
    for (size_t i = 0; same && i < sizeof names / sizeof names[0]; i++) {
        same = json_equal(json_object_get(event->open, names[i]),
                          json_object_get(o->members.open, names[i]));
    }
    return same;
}

/* One file of the outbox: is it this observation, signed by a run that ended before it wrote the
 * place? */
static enum status try_file(struct observation *o, const struct outbox *outbox, const char *name,
                            struct bytes issuer, bool *found, struct refusal *why) {
    char path[OUTBOX_PATH_MAX];
    struct buffer note;
    struct event event;
    struct refusal reason;
    int n = snprintf(path, sizeof path, "%s/%s", outbox->folder, name);
    if (n <= 0 || (size_t)n >= sizeof path) {
        return STATUS_OK;
    }
    buffer_init(&note, EVENT_SIZE_MAX);
    enum status status = STATUS_OK;
    if (file_read(path, &note, &reason) == STATUS_OK &&
        event_parse(buffer_view(&note), &event, &reason) == STATUS_OK) {
        if (bytes_equal(event.issuer, issuer) && says_this(o, &event)) {
            *found = true;
            status = set_event_path(o, outbox, issuer, event.seq, why);
            if (status == STATUS_OK) {
                status = write_place(o, event.log, issuer, event.seq, &event.id, why);
            }
        }
        event_release(&event);
    }
    buffer_clear(&note);
    return status;
}

static enum status find_signed(struct observation *o, const struct outbox *outbox,
                               struct bytes issuer, bool *found, struct refusal *why) {
    DIR *folder = opendir(outbox->folder);
    if (folder == NULL) {
        return refuse(why, STATUS_IO, "%s: %s", outbox->folder, strerror(errno));
    }
    enum status status = STATUS_OK;
    *found = false;
    for (struct dirent *entry;
         !*found && status == STATUS_OK && (entry = readdir(folder)) != NULL;) {
        size_t len = strlen(entry->d_name);
        if (len > 6 && strcmp(entry->d_name + len - 6, ".event") == 0) {
            status = try_file(o, outbox, entry->d_name, issuer, found, why);
        }
    }
    closedir(folder);
    return status;
}

/* The newest signed observation before this one. */
static enum status set_previous(struct observation *o, struct refusal *why) {
    char name[256];
    char path[OBSERVE_PATH_MAX];
    char text[2048];
    const char *compact = strrchr(o->base, '-') + 1;
    struct buffer place;
    observe_newest(o->keep, o->list, ".place", compact, name);
    json_object_del(o->members.open, "previous");
    if (name[0] == '\0') {
        return STATUS_OK;
    }
    buffer_init(&place, 1024);
    snprintf(path, sizeof path, "%.3800s/%s", o->keep, name);
    enum status status = file_read(path, &place, why);
    if (status == STATUS_OK) {
        snprintf(text, sizeof text, "previous=%.*s", (int)place.len, (const char *)place.data);
        status = members_set(&o->members, text, false, why);
    }
    buffer_clear(&place);
    return status;
}

static enum status sign_into(struct observation *o, struct outbox *outbox,
                             const struct signer *signer, struct refusal *why) {
    struct place place = {.seq = 0};
    struct bytes issuer = vkey_name(&signer->vkey);
    const struct signer *signers[1] = {signer};
    bool found = false;
    TRY(find_signed(o, outbox, issuer, &found, why));
    if (found) {
        return STATUS_OK;
    }
    TRY(set_previous(o, why));
    TRY(place_from_node(&place, o->node, issuer, why));
    TRY(place_from_outbox(&place, outbox, issuer, why));
    if (place.seq == 0) {
        place.seq = 1;
    }
    uint64_t seq = place.seq;
    TRY(make_event_into(outbox, &place, "list.observed", o->members.open, signers, 1, why));
    TRY(set_event_path(o, outbox, issuer, seq, why));
    /* The place has moved on: its prev is what was just signed. */
    return write_place(o, bytes_text(place.log), issuer, seq, &place.prev, why);
}

enum status observe_sign(struct observation *o, struct refusal *why) {
    char path[OBSERVE_PATH_MAX];
    struct signer signer;
    struct outbox outbox = {.lock = -1};
    TRY(observe_path(o, ".place", path, why));
    if (access(path, F_OK) == 0) {
        return STATUS_OK;
    }
    TRY(keyfile_read(o->key_path, &signer, why));
    enum status status = outbox_open(&outbox, o->outbox, why);
    if (status == STATUS_OK) {
        status = sign_into(o, &outbox, &signer, why);
    }
    outbox_close(&outbox);
    signer_wipe(&signer);
    return status;
}
