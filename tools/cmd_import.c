#include "crypto/encoding.h"
#include "tools/cli.h"
#include "tools/import.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

const char cmd_import_help[] =
    "usage: dutylog import FILE --mapping MAP --key FILE --node URL --state DIR [--agencies "
    "FILE]\n"
    "                      [--report FILE] [--wait SECONDS] [--key-used] [--withdraw] [--json]\n"
    "       dutylog import FILE --mapping MAP --dry-run [--agencies FILE] [--report FILE] "
    "[--json]\n"
    "       dutylog import --state DIR --source NAME --case NUMBER [--json]\n"
    "\n"
    "Reads a table (CSV, plain or gzip) as the mapping tells, and signs what its rows say into a "
    "log, as events of\n"
    "basis imported. The source's own codes and words are kept in the closed members, with how "
    "surely they became ours.\n"
    "What cannot be read is reported with its line and reason, and never guessed at; the other "
    "rows go on. A second run\n"
    "of the same file makes nothing, one of a later edition only what is new; after a crash, run "
    "the same again.\n"
    "\n"
    "  --mapping MAP    which events a row makes, and what its codes are in ours: "
    "specs/import.md\n"
    "  --key FILE       a key of an agency or clerk, enrolled for imported events; one that signs "
    "nothing else\n"
    "  --node URL       the node that hosts the log\n"
    "  --state DIR      what was imported, with the closed values and salts: secret, to be kept "
    "for ever\n"
    "  --agencies FILE  the registry, as dutylog agencies --csv writes it: unknown agencies are "
    "reported\n"
    "  --report FILE    a line for every problem, as CSV\n"
    "  --wait SECONDS   how long to try a node that is overloaded, and to wait for its mirrors; "
    "default: 60\n"
    "  --key-used       the key signed other events in this log before; else that is refused, so "
    "that a lost state\n"
    "                   folder does not make every event twice\n"
    "  --withdraw       where the log refuses the key for good (it was revoked, the log is "
    "closed): "
    "take back what is\n"
    "                   signed and not logged, so that its rows count as not imported\n"
    "  --dry-run        sign nothing: show what would be made, as if nothing were logged yet\n"
    "  --case NUMBER    show the handle of a case and the events that were made of it; "
    "--source as in the mapping\n"
    "\n"
    "What the log refuses for what it says (an agency that it does not register, a kind that the "
    "key "
    "may not sign) is\n"
    "reported, and the other rows go on. Receipts are not fetched one by one: dutylog receipt has "
    "each by its seq.\n"
    "\n"
    "Exit code 0: all is logged. 1: some rows or values were reported, or refused. 3: no answer, "
    "or no room: run the\n"
    "same again. 4: logged, and no quorum of mirrors holds it yet.\n"
    "\n"
    "example:\n"
    "  dutylog import complaints.csv --mapping chicago-complaints.ini --dry-run\n"
    "  dutylog import complaints.csv --mapping chicago-complaints.ini --key import.key \\\n"
    "    --node https://log.springfield.example:8443 --state import --report problems.csv\n";

static const struct option options[] = {
    {"mapping", required_argument, NULL, 'm'},
    {"key", required_argument, NULL, 'k'},
    {"node", required_argument, NULL, 'n'},
    {"state", required_argument, NULL, 's'},
    {"agencies", required_argument, NULL, 'a'},
    {"report", required_argument, NULL, 'r'},
    {"wait", required_argument, NULL, 'w'},
    {"dry-run", no_argument, NULL, 'd'},
    {"key-used", no_argument, NULL, 'u'},
    {"case", required_argument, NULL, 'c'},
    {"source", required_argument, NULL, 'o'},
    {"json", no_argument, NULL, 'j'},
    {"withdraw", no_argument, NULL, 'W'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* What is asked about an import, instead of one. */
struct asked {
    const char *number;
    const char *source;
};

static enum status take_option(struct import *import, struct asked *asked, bool *json, int c,
                               struct refusal *why) {
    switch (c) {
    case 'c':
        asked->number = optarg;
        return STATUS_OK;
    case 'o':
        asked->source = optarg;
        return STATUS_OK;
    case 'm':
        import->mapping_path = optarg;
        return STATUS_OK;
    case 'k':
        import->key_path = optarg;
        return STATUS_OK;
    case 'n':
        import->node = optarg;
        return STATUS_OK;
    case 's':
        import->state_path = optarg;
        return STATUS_OK;
    case 'a':
        import->agencies_path = optarg;
        return STATUS_OK;
    case 'r':
        import->report_path = optarg;
        return STATUS_OK;
    case 'w':
        return cli_number(optarg, 0, 86400, &import->wait_s)
                   ? STATUS_OK
                   : refuse(why, STATUS_BAD_FORM, "--wait takes seconds, at most 86400");
    case 'd':
        import->dry_run = true;
        return STATUS_OK;
    case 'u':
        import->key_used = true;
        return STATUS_OK;
    case 'W':
        import->withdraw = true;
        return STATUS_OK;
    case 'j':
        *json = true;
        return STATUS_OK;
    default:
        return refuse(why, STATUS_BAD_FORM, "unknown option");
    }
}

static enum status check_options(const struct import *import, struct refusal *why) {
    bool none = import->key_path == NULL && import->node == NULL && import->state_path == NULL;
    bool all = import->key_path != NULL && import->node != NULL && import->state_path != NULL;
    if (import->mapping_path == NULL) {
        return refuse(why, STATUS_BAD_FORM, "say how the file is read, --mapping FILE");
    }
    return (import->dry_run && none) || (!import->dry_run && all)
               ? STATUS_OK
               : refuse(why, STATUS_BAD_FORM,
                        "give --key, --node and --state; or --dry-run, and none of these");
}

static void print_place(const struct import *import) {
    if (import->dry_run) {
        printf("  nothing was signed: a dry run\n");
        return;
    }
    printf("  %-34s %s\n", "log", import->origin);
    printf("  %-34s %s\n", "key", import->issuer);
    if (import->resent > 0) {
        printf("  %-34s %10" PRIu64 "\n", "sent, signed by an earlier run", import->resent);
    }
    if (import->withdrawn > 0) {
        printf("  %-34s %10" PRIu64 "\n", "taken back, signed by an earlier run",
               import->withdrawn);
    }
    if (import->first_seq > 0) {
        uint64_t count = import->last_seq - import->first_seq + 1;
        uint64_t ms = import->took_ms > 0 ? import->took_ms : 1;
        printf("  %-34s %10" PRIu64 " to %" PRIu64 "\n", "seq", import->first_seq,
               import->last_seq);
        printf("  %-34s %10.1f s, %" PRIu64 " events/s\n", "took", (double)ms / 1000,
               count * 1000 / ms);
    }
    printf("  %-34s %s\n", "a quorum of mirrors holds all",
           import->held            ? "yes"
           : import->last_seq == 0 ? "nothing is logged"
                                   : "not yet");
}

static void to_hex(const struct hash *hash, char out[static HEX_LEN(HASH_SIZE) + 1]) {
    out[hex_encode(out, hash->bytes, HASH_SIZE)] = '\0';
}

/* One line to be filed: what was imported from what, by what, and where it stands. */
static void print_summary(const struct import *import) {
    const struct import_report *r = &import->report;
    uint64_t problems = 0;
    char file[HEX_LEN(HASH_SIZE) + 1];
    char mapping[HEX_LEN(HASH_SIZE) + 1];
    for (size_t i = 0; i < IMPORT_PROBLEMS; i++) {
        problems += i != IMPORT_LEFT ? r->problems[i] : 0;
    }
    to_hex(&import->file, file);
    to_hex(&import->map.file, mapping);
    if (import->dry_run) {
        printf("\ndry run of %s/%s rows=%" PRIu64 " events=%" PRIu64 " problems=%" PRIu64
               " file=%s mapping=%s\n",
               import->map.source, import->map.table, r->rows, import_report_made(r), problems,
               file, mapping);
        return;
    }
    printf("\nimport %s/%s log=%s key=%s seq=%" PRIu64 "-%" PRIu64 " rows=%" PRIu64
           " events=%" PRIu64 " problems=%" PRIu64 " file=%s mapping=%s\n",
           import->map.source, import->map.table, import->origin, import->issuer, import->first_seq,
           import->first_seq > 0 ? import->last_seq : 0, r->rows, import_report_made(r), problems,
           file, mapping);
}

static enum status print_json(const struct import *import) {
    json_t *root = import_report_json(&import->report);
    char *text = NULL;
    if (root != NULL) {
        json_object_set_new(root, "dry_run", json_boolean(import->dry_run));
        json_object_set_new(root, "file", json_string(import->path));
        char hex[HEX_LEN(HASH_SIZE) + 1];
        to_hex(&import->file, hex);
        json_object_set_new(root, "file_hash", json_string(hex));
        to_hex(&import->map.file, hex);
        json_object_set_new(root, "mapping_hash", json_string(hex));
        json_object_set_new(root, "first_seq", json_integer((json_int_t)import->first_seq));
        json_object_set_new(root, "held", json_boolean(import->held));
        json_object_set_new(root, "issuer", json_string(import->issuer));
        json_object_set_new(root, "last_seq", json_integer((json_int_t)import->last_seq));
        json_object_set_new(root, "log", json_string(import->origin));
        json_object_set_new(root, "resent", json_integer((json_int_t)import->resent));
        json_object_set_new(root, "took_ms", json_integer((json_int_t)import->took_ms));
        json_object_set_new(root, "withdrawn", json_integer((json_int_t)import->withdrawn));
        text = json_dumps(root, JSON_INDENT(1) | JSON_SORT_KEYS);
    }
    json_decref(root);
    if (text != NULL) {
        puts(text);
    }
    free(text);
    return text != NULL ? STATUS_OK : STATUS_NOMEM;
}

static int run(struct import *import, bool json) {
    struct refusal why = {.text = ""};
    enum status status = import_run(import, &why);
    if (status != STATUS_OK) {
        return cli_error("import", cli_exit_of(status), "%s", why.text);
    }
    if (!json) {
        printf("import of %s (%s, %s)\n", import->path, import->map.source, import->map.table);
        print_place(import);
        import_report_print(&import->report);
        print_summary(import);
    } else if (print_json(import) != STATUS_OK) {
        return cli_error("import", CLI_FAILED, "out of memory");
    }
    if (!import->dry_run && !import->held && import->last_seq > 0) {
        return cli_error("import", CLI_PENDING,
                         "logged and durable at the node, but no quorum of mirrors holds it yet");
    }
    return import_report_clean(&import->report) ? CLI_OK : CLI_REFUSED;
}

static int show(const struct asked *asked, const struct import *import, bool json) {
    struct refusal why = {.text = ""};
    enum status status =
        import_show_case(import->state_path, asked->source, asked->number, json, &why);
    return status == STATUS_OK ? CLI_OK : cli_error("import", cli_exit_of(status), "%s", why.text);
}

int cmd_import(int argc, char **argv) {
    struct refusal why = {.text = ""};
    struct asked asked = {.number = NULL};
    struct import *import = calloc(1, sizeof *import);
    enum status status = STATUS_OK;
    bool json = false;
    int c = 0;
    if (import == NULL) {
        return cli_error("import", CLI_FAILED, "out of memory");
    }
    import->wait_s = 60;
    while (status == STATUS_OK && (c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h') {
            free(import);
            return cli_help("import");
        }
        status = take_option(import, &asked, &json, c, &why);
    }
    bool shows = asked.number != NULL || asked.source != NULL;
    if (status == STATUS_OK && shows &&
        (asked.number == NULL || asked.source == NULL || import->state_path == NULL ||
         optind != argc)) {
        status = refuse(&why, STATUS_BAD_FORM, "to look at a case: --state, --source and --case");
    }
    if (status == STATUS_OK && !shows) {
        status = optind + 1 == argc ? check_options(import, &why)
                                    : refuse(&why, STATUS_BAD_FORM, "give one file");
    }
    if (status != STATUS_OK) {
        free(import);
        return cli_usage("import", "%s", why.text);
    }
    import->path = argv[optind];
    int exit_code = shows ? show(&asked, import, json) : run(import, json);
    import_release(import);
    free(import);
    return exit_code;
}
