/* dutylog audit: a whole log over HTTP, re-verified from its bytes: entries against hashes, hashes
 * against the signed and cosigned checkpoint, and each event against the rules of its log. */
#include "ledger/accept.h"
#include "ledger/batch.h"
#include "ledger/policy.h"
#include "ledger/store_memory.h"
#include "ledger/tile.h"
#include "net/file.h"
#include "tools/cli.h"
#include "tools/fetch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TIMEOUT_MS 30000
#define SCRATCH_BYTES ((size_t)8 << 30)
#define TRIES 3

static const struct option options[] = {
    {"vkey", required_argument, NULL, 'v'},
    {"policy", required_argument, NULL, 'p'},
    {"opaque", no_argument, NULL, 'o'},
    {"no-quorum", no_argument, NULL, 'n'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct audit {
    const char *url;
    struct log log;
    bool has_vkey;
    bool json;
    bool no_quorum; /* a mirror's copy: its checkpoint carries that mirror's cosignature alone */
    bool has_policy;
    struct policy policy;
    struct buffer policy_text;
    struct fetcher *fetcher;
    struct buffer checkpoint_bytes;
    struct note note;
    struct checkpoint checkpoint;
    struct merkle_frontier frontier;
    struct store *scratch;
    struct store_txn *txn; /* on scratch, for the whole run */
    struct buffer bundle;  /* kept while its hash tile is fetched */
    uint64_t wrong;        /* things that are not as they must be */
    uint64_t refused;      /* entries that the log's rules do not admit */
};

static void wrong(struct audit *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void wrong(struct audit *a, const char *format, ...) {
    va_list args;
    a->wrong++;
    if (a->json) {
        return;
    }
    cli_progress_end();
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
}

/* --- fetching --- */

/* GET of a path under the log's prefix; a node that is busy is asked again. */
static enum status get(struct audit *a, const char *path, size_t max, const struct fetched **out,
                       struct refusal *why) {
    struct fetch_request request = {
        .base = a->url, .path = path, .response_max = max, .timeout_ms = TIMEOUT_MS};
    for (unsigned try = 1;; try++) {
        enum status status = fetch(a->fetcher, &request, out, why);
        if (status == STATUS_OK && (*out)->http == 200) {
            return STATUS_OK;
        }
        if (status == STATUS_OK && !fetch_try_later((*out)->http)) {
            return refuse(why, STATUS_NOT_FOUND, "%s%s: HTTP status %u", a->url, path,
                          (*out)->http);
        }
        if (try == TRIES) {
            return status == STATUS_OK
                       ? refuse(why, STATUS_BUSY, "%s is overloaded: try again later", a->url)
                       : status;
        }
        struct timespec pause = {.tv_sec = 1};
        nanosleep(&pause, NULL);
    }
}

static enum status get_tile(struct audit *a, const struct tile *tile, size_t max,
                            const struct fetched **out, struct refusal *why) {
    char path[TILE_PATH_MAX + 2];
    struct writer w;
    writer_init(&w, path, sizeof path - 1);
    writer_u8(&w, '/');
    tile_format_path(&w, tile);
    TRY(writer_status(&w));
    path[w.len] = '\0';
    return get(a, path, max, out, why);
}

static enum status get_checkpoint(struct audit *a, struct refusal *why) {
    const struct fetched *answer = NULL;
    TRY(get(a, "/checkpoint", CHECKPOINT_SIZE_MAX, &answer, why));
    TRY(buffer_append(&a->checkpoint_bytes, buffer_view(&answer->body)));
    TRY(checkpoint_parse(buffer_view(&a->checkpoint_bytes), &a->note, &a->checkpoint, why));
    if (!bytes_equal(a->checkpoint.origin, vkey_name(&a->log.vkey))) {
        wrong(a, "checkpoint: it is of the log %.*s", (int)a->checkpoint.origin.len,
              a->checkpoint.origin.data);
    }
    if (note_verify(&a->note, &a->log.vkey) != STATUS_OK) {
        wrong(a, "checkpoint: not signed by %s", a->log.vkey.name);
    }
    return STATUS_OK;
}

/* --- entries --- */

static enum status judge(struct audit *a, uint64_t index, struct bytes entry) {
    struct judgement judgement;
    struct refusal why;
    judge_prepare(a->txn, &a->log, index, entry, &judgement);
    enum status status = judge_entry(a->txn, &a->log, &judgement);
    judgement_release(&judgement);
    TRY(status);
    if (judge_verdict(a->txn, a->log.number, index, &why) != STATUS_OK) {
        a->refused++;
        wrong(a, "entry %" PRIu64 ": against the log's rules: %s", index, why.text);
    }
    return STATUS_OK;
}

static enum status audit_bundle(struct audit *a, const struct tile *tile, struct bytes bundle,
                                struct bytes hashes) {
    struct reader r;
    struct bytes entry;
    reader_init(&r, bundle);
    for (unsigned i = 0; i < tile->width; i++) {
        uint64_t index = tile->index * TILE_WIDTH + i;
        struct hash leaf;
        if (!bundle_next(&r, &entry)) {
            wrong(a, "entry %" PRIu64 ": missing from its bundle", index);
            return STATUS_NOT_FOUND;
        }
        hash_leaf(entry.data, entry.len, &leaf);
        if (hashes.len != tile->width * (size_t)HASH_SIZE ||
            memcmp(hashes.data + (size_t)i * HASH_SIZE, leaf.bytes, HASH_SIZE) != 0) {
            wrong(a, "entry %" PRIu64 ": its hash is not the one in the hash tile", index);
        }
        merkle_frontier_append(&a->frontier, &leaf);
        if ((a->log.flags & LOG_EVENTS) != 0) {
            TRY(judge(a, index, entry));
        }
    }
    if (!reader_done(&r)) {
        wrong(a, "bundle %" PRIu64 ": bytes after its last entry", tile->index);
    }
    return STATUS_OK;
}

static enum status audit_entries(struct audit *a, struct refusal *why) {
    uint64_t size = a->checkpoint.size;
    for (uint64_t n = 0; n * TILE_WIDTH < size; n++) {
        struct tile bundle = {.entries = true, .index = n, .width = tile_width_at(0, n, size)};
        struct tile hashes = {.level = 0, .index = n, .width = bundle.width};
        const struct fetched *answer = NULL;
        TRY(get_tile(a, &bundle, BUNDLE_SIZE_MAX, &answer, why));
        buffer_clear(&a->bundle);
        TRY(buffer_append(&a->bundle, buffer_view(&answer->body)));
        TRY(get_tile(a, &hashes, TILE_WIDTH * HASH_SIZE, &answer, why));
        enum status status =
            audit_bundle(a, &bundle, buffer_view(&a->bundle), buffer_view(&answer->body));
        if (status == STATUS_NOT_FOUND) {
            return STATUS_OK; /* told already; what follows can't be placed */
        }
        TRY(status);
        cli_progress("audit", a->frontier.size, size);
    }
    cli_progress_end();
    return STATUS_OK;
}

/* --- the checkpoint, against what was read --- */

static void audit_root(struct audit *a) {
    struct hash root;
    merkle_frontier_root(&a->frontier, &root);
    if (a->frontier.size != a->checkpoint.size || !hash_equal(&root, &a->checkpoint.root)) {
        wrong(a, "checkpoint: the entries do not give the root that is signed");
    }
}

static void audit_quorum(struct audit *a, const struct policy *policy, const char *whose) {
    policy_set have = 0;
    size_t log = 0;
    struct refusal why;
    if (policy_check(policy, &a->note, &a->checkpoint, &have, NULL, &log, &why) != STATUS_OK) {
        wrong(a, "checkpoint: against %s policy: %s", whose, why.text);
    }
}

/* The log's own policy in force: the last log.policy that was accepted; found again among the
 * entries by its index. */
static enum status audit_own_policy(struct audit *a, struct refusal *why) {
    uint64_t index = 0;
    enum status status = policy_in_force(a->txn, a->log.number, a->checkpoint.size, &index);
    if (status == STATUS_NOT_FOUND) {
        wrong(a, "the log has no policy: nobody is named who must cosign it");
        return STATUS_OK;
    }
    TRY(status);
    struct tile bundle = {.entries = true,
                          .index = index / TILE_WIDTH,
                          .width = tile_width_at(0, index / TILE_WIDTH, a->checkpoint.size)};
    const struct fetched *answer = NULL;
    TRY(get_tile(a, &bundle, BUNDLE_SIZE_MAX, &answer, why));
    struct reader r;
    struct bytes entry = bytes_of(NULL, 0);
    reader_init(&r, buffer_view(&answer->body));
    for (uint64_t i = 0; i <= index % TILE_WIDTH; i++) {
        if (!bundle_next(&r, &entry)) {
            return refuse(why, STATUS_BAD_FORM, "a bundle changed while it was audited");
        }
    }
    uint64_t received = 0;
    struct bytes note;
    struct event event;
    TRY(entry_parse(entry, &received, &note, why));
    TRY(event_parse(note, &event, why));
    if (event.kind->id == KIND_LOG_POLICY) {
        struct policy policy;
        struct bytes operators[POLICY_WITNESSES_MAX];
        event_policy(&event, &policy, operators);
        audit_quorum(a, &policy, "the log's own");
    }
    event_release(&event);
    return STATUS_OK;
}

/* --- all of it --- */

static enum status audit_all(struct audit *a, struct refusal *why) {
    struct store_memory_options memory = {.max_bytes = SCRATCH_BYTES};
    refuse(why, STATUS_NOMEM, "out of memory");
    TRY(fetcher_open(&a->fetcher));
    TRY(store_memory_open(&memory, &a->scratch));
    TRY(store_begin(a->scratch, STORE_WRITE, &a->txn));
    TRY(get_checkpoint(a, why));
    merkle_frontier_init(&a->frontier);
    TRY(audit_entries(a, why));
    audit_root(a);
    if (a->has_policy) {
        audit_quorum(a, &a->policy, "your");
    }
    return (a->log.flags & LOG_EVENTS) != 0 && !a->no_quorum ? audit_own_policy(a, why) : STATUS_OK;
}

static double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run(struct audit *a) {
    struct refusal why = {.text = ""};
    double started = seconds_now();
    enum status status = audit_all(a, &why);
    double took = seconds_now() - started;
    if (a->txn != NULL) {
        store_abort(a->txn);
    }
    store_memory_close(a->scratch);
    fetcher_close(a->fetcher);
    if (status != STATUS_OK && status != STATUS_BAD_FORM) {
        return cli_error("audit", CLI_FAILED, "broken off after %" PRIu64 " entries: %s",
                         a->frontier.size, why.text);
    }
    if (status == STATUS_BAD_FORM) {
        wrong(a, "%s", why.text);
    }
    uint64_t rate = (uint64_t)((double)a->frontier.size / (took > 0.001 ? took : 0.001));
    if (a->json) {
        printf("{\"entries\":%" PRIu64 ",\"entries_per_second\":%" PRIu64
               ",\"log\":\"%s\",\"refused\":%" PRIu64 ",\"verified\":%s,\"wrong\":%" PRIu64 "}\n",
               a->frontier.size, rate, a->log.vkey.name, a->refused,
               a->wrong == 0 ? "true" : "false", a->wrong);
    } else {
        printf("%s: %s, %" PRIu64 " entries, %" PRIu64 " things wrong; %.1f s, %" PRIu64
               " entries/s\n",
               a->wrong == 0 ? "verified" : "NOT VERIFIED", a->log.vkey.name, a->frontier.size,
               a->wrong, took, rate);
    }
    return a->wrong == 0 ? CLI_OK : CLI_REFUSED;
}

static int load_policy(struct audit *a, const char *path) {
    struct refusal why = {.text = ""};
    enum status status = file_read(path, &a->policy_text, &why);
    if (status == STATUS_OK) {
        status = policy_parse(buffer_view(&a->policy_text), &a->policy, &why);
    }
    a->has_policy = status == STATUS_OK;
    return status == STATUS_OK ? CLI_OK : cli_error("audit", CLI_USAGE, "%s: %s", path, why.text);
}

static int read_options(struct audit *a, int argc, char **argv) {
    struct refusal why = {.text = ""};
    int c = 0;
    while ((c = getopt_long(argc, argv, "hj", options, NULL)) != -1) {
        switch (c) {
        case 'v':
            if (vkey_parse(bytes_text(optarg), &a->log.vkey, &why) != STATUS_OK ||
                a->log.vkey.type != VKEY_NOTE) {
                return cli_usage("audit", "--vkey %s: not a log's verifier key", optarg);
            }
            a->has_vkey = true;
            break;
        case 'p':
            if (load_policy(a, optarg) != CLI_OK) {
                return CLI_USAGE;
            }
            break;
        case 'o':
            a->log.flags = 0;
            break;
        case 'n':
            a->no_quorum = true;
            break;
        case 'j':
            a->json = true;
            break;
        default:
            return cli_usage("audit", "unknown option");
        }
    }
    if (!a->has_vkey || optind + 1 != argc) {
        return cli_usage(
            "audit",
            "give the log's address, and its key with --vkey: nothing is believed unsigned");
    }
    a->url = argv[optind];
    return CLI_OK;
}

int cmd_audit(int argc, char **argv) {
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        return cli_help("audit");
    }
    struct audit *a = calloc(1, sizeof *a);
    if (a == NULL) {
        return cli_error("audit", CLI_FAILED, "out of memory");
    }
    a->log.number = 1;
    a->log.flags = LOG_EVENTS;
    buffer_init(&a->policy_text, POLICY_SIZE_MAX);
    buffer_init(&a->checkpoint_bytes, CHECKPOINT_SIZE_MAX);
    buffer_init(&a->bundle, BUNDLE_SIZE_MAX);
    int exit_code = read_options(a, argc, argv);
    if (exit_code == CLI_OK) {
        exit_code = run(a);
    }
    buffer_clear(&a->policy_text);
    buffer_clear(&a->checkpoint_bytes);
    buffer_clear(&a->bundle);
    free(a);
    return exit_code;
}
