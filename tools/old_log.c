#include "tools/cli.h"
#include "tools/succeed.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 30000

void succeed_wrong(struct old_log *old, const char *format, ...) {
    va_list args;
    old->wrong++;
    cli_progress_end();
    fputs("wrong: ", stdout);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

static void wrong(void *context, const char *text) {
    succeed_wrong(context, "%s", text);
}

void old_log_init(struct old_log *old) {
    memset(old, 0, sizeof *old);
    for (size_t i = 0; i < SUCCEED_MIRRORS_MAX; i++) {
        buffer_init(&old->mirrors[i].stored.bytes, CHECKPOINT_SIZE_MAX);
        buffer_init(&old->mirrors[i].pending.bytes, CHECKPOINT_SIZE_MAX);
    }
}

void old_log_release(struct old_log *old) {
    log_read_release(&old->read);
    json_decref(old->enrolments);
    for (size_t i = 0; i < SUCCEED_MIRRORS_MAX; i++) {
        buffer_clear(&old->mirrors[i].stored.bytes);
        buffer_clear(&old->mirrors[i].pending.bytes);
        free(old->mirrors[i].prefix);
    }
}

/* --- what the mirrors show --- */

/* OK, also if the mirror shows none. BAD_FORM, BAD_MEMBER: what it shows is no checkpoint of the
 * old key. */
static enum status get_shown(struct old_log *old, struct fetcher *fetcher, const char *base,
                             const char *path, struct shown *out, struct refusal *why) {
    const struct fetched *answer = NULL;
    struct fetch_request request = {
        .base = base, .path = path, .response_max = CHECKPOINT_SIZE_MAX, .timeout_ms = TIMEOUT_MS};
    TRY(fetch(fetcher, &request, &answer, why));
    if (answer->http == 404) {
        return STATUS_OK;
    }
    if (answer->http != 200) {
        return refuse(why, STATUS_IO, "%s%s: HTTP status %u", base, path, answer->http);
    }
    TRY(buffer_append(&out->bytes, buffer_view(&answer->body)));
    TRY(checkpoint_parse(buffer_view(&out->bytes), &out->note, &out->checkpoint, why));
    if (!bytes_equal(out->checkpoint.origin, vkey_name(&old->vkey)) ||
        note_verify(&out->note, &old->vkey) != STATUS_OK) {
        return refuse(why, STATUS_BAD_MEMBER, "%s%s is not signed by the key of %s", base, path,
                      old->vkey.name);
    }
    out->any = true;
    return STATUS_OK;
}

static enum status ask_mirror(struct old_log *old, struct fetcher *fetcher,
                              struct old_mirror *mirror, struct refusal *why) {
    char hex[2 * HASH_SIZE + 1];
    char pending[2 * HASH_SIZE + 32];
    struct hash id;
    struct writer w;
    struct bytes origin = vkey_name(&old->vkey);
    hash_of(origin.data, origin.len, &id);
    writer_init(&w, hex, sizeof hex - 1);
    writer_hash_hex(&w, &id);
    hex[w.len] = '\0';
    size_t len = strlen(mirror->url);
    while (len > 0 && mirror->url[len - 1] == '/') {
        len--;
    }
    if (asprintf(&mirror->prefix, "%.*s/%s", (int)len, mirror->url, hex) < 0) {
        mirror->prefix = NULL;
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    snprintf(pending, sizeof pending, "/witness/%s/checkpoint", hex);
    TRY(get_shown(old, fetcher, mirror->prefix, "/checkpoint", &mirror->stored, why));
    return get_shown(old, fetcher, mirror->url, pending, &mirror->pending, why);
}

static enum status ask_all(struct old_log *old, struct refusal *why) {
    struct fetcher *fetcher = NULL;
    size_t answered = 0;
    TRY(fetcher_open(&fetcher));
    for (size_t i = 0; i < old->mirror_count; i++) {
        struct old_mirror *mirror = &old->mirrors[i];
        struct refusal said = {.text = ""};
        if (ask_mirror(old, fetcher, mirror, &said) != STATUS_OK) {
            mirror->stored.any = mirror->pending.any = false;
            cli_error("succeed", CLI_FAILED, "left out: %s", said.text);
            continue;
        }
        answered++;
        if (mirror->stored.any && (old->best == NULL || mirror->stored.checkpoint.size >
                                                            old->best->stored.checkpoint.size)) {
            old->best = mirror;
        }
    }
    fetcher_close(fetcher);
    if (answered == 0) {
        return refuse(why, STATUS_IO, "no mirror answered");
    }
    return old->best != NULL
               ? STATUS_OK
               : refuse(why, STATUS_IO, "no mirror holds entries of %s", old->vkey.name);
}

/* What is shown besides the closing checkpoint: compared where it lies in the tree that is read,
 * else the largest is the candidate that is given up. */
static void note_shown(struct old_log *old, struct shown *shown, const char *url) {
    uint64_t size = old->best->stored.checkpoint.size;
    if (!shown->any) {
        return;
    }
    if (shown->checkpoint.size <= size) {
        old->read.known[old->read.known_count++] = (struct log_read_known){
            .size = shown->checkpoint.size, .root = shown->checkpoint.root, .who = url};
    } else if (old->abandoned == NULL || shown->checkpoint.size > old->abandoned->checkpoint.size) {
        old->abandoned = shown;
    }
}

/* --- what the entries say --- */

static enum status keep_enrolment(void *context, uint64_t index, const struct event *event) {
    struct old_log *old = context;
    if (index == 0 && event->kind->id == KIND_LOG_OPENED) {
        opened_of(event, &old->opened);
        old->has_opened = true;
    }
    if (!kind_enrols(event->kind)) {
        return STATUS_OK;
    }
    struct vkey key;
    enum status status = vkey_parse(bytes_text(event_open_text(event, "vkey")), &key, NULL);
    json_t *open = json_deep_copy(event->open);
    if (status != STATUS_OK || open == NULL ||
        json_object_set_new(old->enrolments, key.name, open) != 0) {
        return STATUS_NOMEM;
    }
    return STATUS_OK;
}

enum status old_log_read(struct old_log *old, struct refusal *why) {
    TRY(ask_all(old, why));
    old->enrolments = json_object();
    if (old->enrolments == NULL) {
        return refuse(why, STATUS_NOMEM, "out of memory");
    }
    struct log_read *read = &old->read;
    log_read_init(read, &old->vkey, LOG_EVENTS);
    read->url = old->best->prefix;
    read->what = "old log";
    read->context = old;
    read->wrong = wrong;
    read->accepted = keep_enrolment;
    for (size_t i = 0; i < old->mirror_count; i++) {
        note_shown(old, &old->mirrors[i].stored, old->mirrors[i].url);
        note_shown(old, &old->mirrors[i].pending, old->mirrors[i].url);
    }
    TRY(log_read_checkpoint(read, why));
    if (read->checkpoint.size != old->best->stored.checkpoint.size) {
        return refuse(why, STATUS_BUSY, "%s grew meanwhile: stop its node first, then try again",
                      old->vkey.name);
    }
    TRY(log_read_entries(read, why));
    if (read->unjudged > 0) {
        return refuse(why, STATUS_UNJUDGED, "the old log: %s", read->lacks.text);
    }
    if (!old->has_opened) {
        succeed_wrong(old, "entry 0 of %s is no log.opened: nobody is named who may end it",
                      old->vkey.name);
    }
    return old->wrong == 0 ? STATUS_OK
                           : refuse(why, STATUS_BAD_PROOF,
                                    "what the mirrors show is not one sound log: nothing is made");
}
