/* dutylog sign, dutylog merge: signatures of one event made on machines apart, such as those of an
 * authority's roots. */
#include "ledger/event.h"
#include "net/file.h"
#include "net/keyfile.h"
#include "tools/cli.h"
#include "tools/outbox.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The text of a draft, or of a note that is signed already; a view of `content`. */
static enum status read_text(const char *path, struct buffer *content, struct bytes *text,
                             struct event *event, struct refusal *why) {
    struct note note;
    TRY(file_read(path, content, why));
    *text = buffer_view(content);
    if (note_parse(*text, &note, NULL) == STATUS_OK) {
        *text = note.text;
    }
    return event_parse_text(*text, event, why);
}

/* --- sign --- */

/* What is about to be signed, for the eyes of whoever holds the key. */
static void show(const struct event *event) {
    char *open =
        event->open != NULL ? json_dumps(event->open, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL;
    char id[2 * HASH_SIZE];
    struct writer w;
    writer_init(&w, id, sizeof id);
    writer_hash_hex(&w, &event->id);
    fprintf(stderr, "%s, event %" PRIu64 " of %.*s\n  log  %.*s\n  id   %.*s\n%s\n",
            event->kind->name, event->seq, (int)event->issuer.len, (const char *)event->issuer.data,
            (int)event->log.len, (const char *)event->log.data, (int)sizeof id, id,
            open != NULL ? open : "");
    free(open);
}

static int sign(const char *path, const char *key, bool quiet) {
    struct buffer content;
    struct signer signer;
    struct refusal why = {.text = ""};
    struct bytes text = {NULL, 0};
    struct event event;
    uint8_t line[1024];
    struct writer w;
    buffer_init(&content, EVENT_SIZE_MAX);
    writer_init(&w, line, sizeof line);
    enum status status = read_text(path, &content, &text, &event, &why);
    if (status == STATUS_OK) {
        if (!quiet) {
            show(&event);
        }
        event_release(&event);
        status = keyfile_read(key, &signer, &why);
    }
    if (status == STATUS_OK && signer.vkey.type != VKEY_NOTE) {
        signer_wipe(&signer);
        status = refuse(&why, STATUS_DENIED_SIGNATURE, "%s is a cosigner's key", key);
    }
    if (status == STATUS_OK) {
        note_sign(&w, text, &signer);
        signer_wipe(&signer);
        fwrite(w.data, 1, w.len, stdout);
    }
    buffer_clear(&content);
    return status == STATUS_OK ? CLI_OK : cli_error("sign", cli_exit_of(status), "%s", why.text);
}

int cmd_sign(int argc, char **argv) {
    static const struct option options[] = {{"key", required_argument, NULL, 'k'},
                                            {"quiet", no_argument, NULL, 'q'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *key = NULL;
    bool quiet = false;
    int c = 0;
    while ((c = getopt_long(argc, argv, "hq", options, NULL)) != -1) {
        switch (c) {
        case 'k':
            key = optarg;
            break;
        case 'q':
            quiet = true;
            break;
        case 'h':
            return cli_help("sign");
        default:
            return cli_usage("sign", "unknown option");
        }
    }
    if (key == NULL || optind + 1 != argc) {
        return cli_usage("sign", "give the draft, and the key with --key");
    }
    return sign(argv[optind], key, quiet);
}

/* --- merge --- */

struct merging {
    struct buffer content; /* of the draft */
    struct bytes text;
    struct event event;
    struct buffer files[EVENT_SIGNATURES_MAX];
    struct note_signature lines[EVENT_SIGNATURES_MAX];
    size_t count;
    uint8_t note[EVENT_SIZE_MAX];
};

static enum status read_lines(struct merging *m, char *const *paths, size_t count,
                              struct refusal *why) {
    if (count > EVENT_SIGNATURES_MAX) {
        return refuse(why, STATUS_TOO_LARGE, "at most %d signatures", EVENT_SIGNATURES_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        size_t found = 0;
        TRY(file_read(paths[i], &m->files[i], why));
        TRY(note_parse_lines(buffer_view(&m->files[i]), &m->lines[m->count],
                             EVENT_SIGNATURES_MAX - m->count, &found, why));
        m->count += found;
    }
    return STATUS_OK;
}

static enum status deliver(struct merging *m, struct bytes note, const char *out,
                           const char *outbox_folder, struct refusal *why) {
    char path[OUTBOX_PATH_MAX + 16];
    char base[OUTBOX_PATH_MAX];
    struct outbox outbox = {.lock = -1};
    if (out != NULL) {
        TRY(file_create(out, note, why));
        printf("%s\n", out);
        return STATUS_OK;
    }
    TRY(outbox_open(&outbox, outbox_folder, why));
    enum status status = outbox_base(&outbox, m->event.issuer, m->event.seq, base, why);
    if (status == STATUS_OK) {
        snprintf(path, sizeof path, "%s.event", base);
        status = file_create(path, note, why);
    }
    outbox_close(&outbox);
    TRY(status);
    printf("%s\n", path);
    return STATUS_OK;
}

static enum status merge(struct merging *m, const char *draft, char *const *paths, size_t count,
                         const char *out, const char *outbox, struct refusal *why) {
    struct writer w;
    TRY(read_text(draft, &m->content, &m->text, &m->event, why));
    enum status status = read_lines(m, paths, count, why);
    writer_init(&w, m->note, sizeof m->note);
    if (status == STATUS_OK) {
        status = event_assemble(&w, m->text, m->lines, m->count, why);
    }
    if (status == STATUS_OK) {
        status = deliver(m, writer_view(&w), out, outbox, why);
    }
    event_release(&m->event);
    return status;
}

int cmd_merge(int argc, char **argv) {
    static const struct option options[] = {{"out", required_argument, NULL, 'o'},
                                            {"outbox", required_argument, NULL, 'b'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *out = NULL;
    const char *outbox = NULL;
    struct refusal why = {.text = ""};
    int c = 0;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        switch (c) {
        case 'o':
            out = optarg;
            break;
        case 'b':
            outbox = optarg;
            break;
        case 'h':
            return cli_help("merge");
        default:
            return cli_usage("merge", "unknown option");
        }
    }
    if (argc - optind < 2 || (out == NULL) == (outbox == NULL)) {
        return cli_usage("merge", "give the draft, the signatures, and --out FILE or --outbox DIR");
    }
    struct merging *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return cli_error("merge", CLI_FAILED, "out of memory");
    }
    buffer_init(&m->content, EVENT_SIZE_MAX);
    for (size_t i = 0; i < EVENT_SIGNATURES_MAX; i++) {
        buffer_init(&m->files[i], EVENT_SIZE_MAX);
    }
    enum status status =
        merge(m, argv[optind], argv + optind + 1, (size_t)(argc - optind - 1), out, outbox, &why);
    buffer_clear(&m->content);
    for (size_t i = 0; i < EVENT_SIGNATURES_MAX; i++) {
        buffer_clear(&m->files[i]);
    }
    free(m);
    return status == STATUS_OK ? CLI_OK : cli_error("merge", cli_exit_of(status), "%s", why.text);
}
