#include "tools/log_read.h"

#include "ledger/batch.h"
#include "ledger/rules.h"
#include "ledger/store_memory.h"
#include "ledger/tile.h"
#include "net/file.h"
#include "tools/cli.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define TIMEOUT_MS 30000
#define SCRATCH_BYTES ((size_t)8 << 30)
#define TRIES 3

static void wrong(struct log_read *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void wrong(struct log_read *r, const char *format, ...) {
    char text[REFUSAL_TEXT_MAX + 256];
    va_list args;
    cli_progress_end();
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    r->wrong(r->context, text);
}

void log_read_init(struct log_read *r, const struct vkey *vkey, uint32_t flags) {
    memset(r, 0, sizeof *r);
    r->log.number = 1;
    r->log.flags = flags;
    r->log.vkey = *vkey;
    buffer_init(&r->checkpoint_bytes, CHECKPOINT_SIZE_MAX);
    buffer_init(&r->bundle, BUNDLE_SIZE_MAX);
    buffer_init(&r->file.body, BUNDLE_SIZE_MAX);
    merkle_frontier_init(&r->frontier);
}

void log_read_release(struct log_read *r) {
    if (r->txn != NULL) {
        store_abort(r->txn);
        r->txn = NULL;
    }
    store_memory_close(r->scratch);
    r->scratch = NULL;
    fetcher_close(r->fetcher);
    r->fetcher = NULL;
    buffer_clear(&r->checkpoint_bytes);
    buffer_clear(&r->bundle);
    buffer_clear(&r->file.body);
}

static enum status open_all(struct log_read *r, struct refusal *why) {
    struct store_memory_options memory = {.max_bytes = SCRATCH_BYTES};
    if (r->txn != NULL) {
        return STATUS_OK;
    }
    refuse(why, STATUS_NOMEM, "out of memory");
    TRY(fetcher_open(&r->fetcher));
    TRY(store_memory_open(&memory, &r->scratch));
    return store_begin(r->scratch, STORE_WRITE, &r->txn);
}

/* --- fetching --- */

static bool is_folder(const char *url) {
    return strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0;
}

static enum status get_file(struct log_read *r, const char *path, size_t max,
                            const struct fetched **out, struct refusal *why) {
    char name[PATH_MAX];
    int n = snprintf(name, sizeof name, "%s%s", r->url, path);
    if (n < 0 || (size_t)n >= sizeof name) {
        return refuse(why, STATUS_BAD_FORM, "%.100s: the name is too long", r->url);
    }
    buffer_clear(&r->file.body);
    buffer_init(&r->file.body, max);
    TRY(file_read(name, &r->file.body, why));
    *out = &r->file;
    return STATUS_OK;
}

enum status log_read_get(struct log_read *r, const char *path, size_t max,
                         const struct fetched **out, struct refusal *why) {
    struct fetch_request request = {
        .base = r->url, .path = path, .response_max = max, .timeout_ms = TIMEOUT_MS};
    TRY(open_all(r, why));
    if (is_folder(r->url)) {
        return get_file(r, path, max, out, why);
    }
    for (unsigned try = 1;; try++) {
        enum status status = fetch(r->fetcher, &request, out, why);
        if (status == STATUS_OK && (*out)->http == 200) {
            return STATUS_OK;
        }
        if (status == STATUS_OK && !fetch_try_later((*out)->http)) {
            return refuse(why, STATUS_NOT_FOUND, "%s%s: HTTP status %u", r->url, path,
                          (*out)->http);
        }
        if (try == TRIES) {
            return status == STATUS_OK
                       ? refuse(why, STATUS_BUSY, "%s is overloaded: try again later", r->url)
                       : status;
        }
        struct timespec pause = {.tv_sec = 1};
        nanosleep(&pause, NULL);
    }
}

static enum status get_tile(struct log_read *r, const struct tile *tile, size_t max,
                            const struct fetched **out, struct refusal *why) {
    char path[TILE_PATH_MAX + 2];
    struct writer w;
    writer_init(&w, path, sizeof path - 1);
    writer_u8(&w, '/');
    tile_format_path(&w, tile);
    TRY(writer_status(&w));
    path[w.len] = '\0';
    return log_read_get(r, path, max, out, why);
}

enum status log_read_checkpoint(struct log_read *r, struct refusal *why) {
    const struct fetched *answer = NULL;
    TRY(log_read_get(r, "/checkpoint", CHECKPOINT_SIZE_MAX, &answer, why));
    buffer_clear(&r->checkpoint_bytes);
    TRY(buffer_append(&r->checkpoint_bytes, buffer_view(&answer->body)));
    TRY(checkpoint_parse(buffer_view(&r->checkpoint_bytes), &r->note, &r->checkpoint, why));
    if (!bytes_equal(r->checkpoint.origin, vkey_name(&r->log.vkey))) {
        wrong(r, "checkpoint: it is of the log %.*s", (int)r->checkpoint.origin.len,
              r->checkpoint.origin.data);
    }
    if (note_verify(&r->note, &r->log.vkey) != STATUS_OK) {
        wrong(r, "checkpoint: not signed by %s", r->log.vkey.name);
    }
    return STATUS_OK;
}

static struct tile bundle_at(const struct log_read *r, uint64_t number) {
    return (struct tile){
        .entries = true, .index = number, .width = tile_width_at(0, number, r->checkpoint.size)};
}

enum status log_read_entry(struct log_read *r, uint64_t index, struct bytes *entry,
                           struct refusal *why) {
    struct tile bundle = bundle_at(r, index / TILE_WIDTH);
    const struct fetched *answer = NULL;
    TRY(get_tile(r, &bundle, BUNDLE_SIZE_MAX, &answer, why));
    struct reader reader;
    reader_init(&reader, buffer_view(&answer->body));
    for (uint64_t i = 0; i <= index % TILE_WIDTH; i++) {
        if (!bundle_next(&reader, entry)) {
            return refuse(why, STATUS_BAD_FORM, "a bundle changed while it was read");
        }
    }
    return STATUS_OK;
}

enum status log_read_policy(struct log_read *r, uint64_t index, struct event *event,
                            struct policy *policy, struct refusal *why) {
    struct bytes operators[POLICY_WITNESSES_MAX];
    uint64_t received = 0;
    struct bytes entry = bytes_of(NULL, 0);
    struct bytes note;
    TRY(log_read_entry(r, index, &entry, why));
    TRY(entry_parse(entry, &received, &note, why));
    TRY(event_parse(note, event, why));
    if (event->kind->id != KIND_LOG_POLICY) {
        event_release(event);
        return refuse(why, STATUS_BAD_FORM, "a bundle changed while it was read");
    }
    event_policy(event, policy, operators);
    return STATUS_OK;
}

/* --- entries --- */

static enum status judge(struct log_read *r, uint64_t index, struct bytes entry) {
    struct judgement judgement;
    struct refusal why;
    judge_prepare(r->txn, &r->log, index, entry, &judgement);
    enum status status = judge_entry(r->txn, &r->log, &judgement);
    if (status == STATUS_UNJUDGED) {
        r->unjudged++;
        judgement_release(&judgement);
        status = rules_check(r->txn, &r->log, &r->lacks);
        return status == STATUS_UNJUDGED ? STATUS_OK : status;
    }
    if (status == STATUS_OK && judge_verdict(r->txn, r->log.number, index, &why) != STATUS_OK) {
        r->refused++;
        if (!r->rules_apart) {
            wrong(r, "entry %" PRIu64 ": against the log's rules: %s", index, why.text);
        }
    } else if (status == STATUS_OK && r->accepted != NULL) {
        status = r->accepted(r->context, index, &judgement.submission.event);
    }
    judgement_release(&judgement);
    return status;
}

static void compare_known(struct log_read *r) {
    for (size_t i = 0; i < r->known_count; i++) {
        struct hash root;
        if (r->known[i].size == r->frontier.size) {
            merkle_frontier_root(&r->frontier, &root);
            if (!hash_equal(&root, &r->known[i].root)) {
                wrong(r,
                      "%s: its checkpoint of size %" PRIu64 " is of another tree: the log forked",
                      r->known[i].who, r->known[i].size);
            }
        }
    }
}

static enum status read_bundle(struct log_read *r, const struct tile *tile, struct bytes bundle,
                               struct bytes hashes) {
    struct reader reader;
    struct bytes entry;
    reader_init(&reader, bundle);
    for (unsigned i = 0; i < tile->width; i++) {
        uint64_t index = tile->index * TILE_WIDTH + i;
        struct hash leaf;
        if (!bundle_next(&reader, &entry)) {
            wrong(r, "entry %" PRIu64 ": missing from its bundle", index);
            return STATUS_NOT_FOUND;
        }
        hash_leaf(entry.data, entry.len, &leaf);
        if (!r->entries_only &&
            (hashes.len != tile->width * (size_t)HASH_SIZE ||
             memcmp(hashes.data + (size_t)i * HASH_SIZE, leaf.bytes, HASH_SIZE) != 0)) {
            wrong(r, "entry %" PRIu64 ": its hash is not the one in the hash tile", index);
        }
        merkle_frontier_append(&r->frontier, &leaf);
        compare_known(r);
        if ((r->log.flags & LOG_EVENTS) != 0) {
            TRY(judge(r, index, entry));
        }
    }
    if (!reader_done(&reader)) {
        wrong(r, "bundle %" PRIu64 ": bytes after its last entry", tile->index);
    }
    return STATUS_OK;
}

enum status log_read_entries(struct log_read *r, struct refusal *why) {
    uint64_t size = r->checkpoint.size;
    compare_known(r);
    for (uint64_t n = 0; n * TILE_WIDTH < size; n++) {
        struct tile bundle = bundle_at(r, n);
        struct tile hashes = {.level = 0, .index = n, .width = bundle.width};
        const struct fetched *answer = NULL;
        TRY(get_tile(r, &bundle, BUNDLE_SIZE_MAX, &answer, why));
        buffer_clear(&r->bundle);
        TRY(buffer_append(&r->bundle, buffer_view(&answer->body)));
        struct bytes hashes_read = bytes_of(NULL, 0);
        if (!r->entries_only) {
            TRY(get_tile(r, &hashes, TILE_WIDTH * HASH_SIZE, &answer, why));
            hashes_read = buffer_view(&answer->body);
        }
        enum status status = read_bundle(r, &bundle, buffer_view(&r->bundle), hashes_read);
        if (status == STATUS_NOT_FOUND) {
            break; /* told already; what follows can't be placed */
        }
        TRY(status);
        cli_progress(r->what, r->frontier.size, size);
    }
    cli_progress_end();
    struct hash root;
    merkle_frontier_root(&r->frontier, &root);
    if (r->frontier.size != size || !hash_equal(&root, &r->checkpoint.root)) {
        wrong(r, "checkpoint: the entries do not give the root that is signed");
    }
    return STATUS_OK;
}
