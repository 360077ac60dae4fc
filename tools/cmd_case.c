/* dutylog case: a case as a node shows it; with trust, as its receipts prove it. */
#include "net/buffer.h"
#include "net/file.h"
#include "tools/case_print.h"
#include "tools/case_verify.h"
#include "tools/cli.h"
#include "tools/trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char cmd_case_help[] =
    "usage: dutylog case --node URL ORI HANDLE [--at HEX:SIZE]... [--json]\n"
    "                    [--policy FILE] [--root VKEY]... [--threshold K]\n"
    "       dutylog case --node URL ORI HANDLE [--at HEX:SIZE]... --left-out\n"
    "\n"
    "The timeline of a case over all logs that the node holds: when each event is confirmed, what "
    "it says, who signed\n"
    "it, and what it counts for and why; then what the case comes to for each of its parties. "
    "Numbers name the events\n"
    "of the list. Imported events stand at the day that they claim (as of).\n"
    "\n"
    "With --policy or --root every event's receipt is fetched and verified, and the case is "
    "judged "
    "anew from them: it is\n"
    "printed only if it comes to what the node says, byte for byte (else exit 1). What a node "
    "leaves out cannot be seen\n"
    "so: ask another at the same sizes, and compare (--json).\n"
    "\n"
    "  --at HEX:SIZE  look at this log alone (HEX: SHA-256 of its origin), its first SIZE "
    "entries; "
    "may be repeated\n"
    "  --policy FILE  a tlog-policy that every receipt must meet\n"
    "  --root VKEY    an authority that you trust; --threshold K of them must have opened each "
    "log "
    "(default: all)\n"
    "  --left-out     instead, the entries of the case that the node does not look at, if there "
    "are "
    "over 1,000: index and log\n"
    "  --json         the node's answer as it is\n"
    "\n"
    "example:\n"
    "  dutylog case --node https://log.state.example:8443 --policy policies NY0303000 \\\n"
    "    6a1f0c7de2b94b0c8d3e5f6a7b8c9d0e\n";

#define ANSWER_MAX ((size_t)64 << 20)
#define PATH_SIZE (64 + CASE_NAMED_MAX * 96)

static const struct option options[] = {
    {"node", required_argument, NULL, 'n'},
    {"at", required_argument, NULL, 'a'},
    {"policy", required_argument, NULL, 'p'},
    {"root", required_argument, NULL, 'r'},
    {"threshold", required_argument, NULL, 't'},
    {"left-out", no_argument, NULL, 'l'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct run {
    const char *node;
    bool json;
    bool left_out;
    char at[PATH_SIZE]; /* hex:size,... */
    const char *policy_path;
    struct buffer policy_text;
    struct policy policy;
    uint64_t threshold;
    struct verify_trust trust;
    struct fetcher *fetcher;
    struct buffer answer;
};

static int add_at(struct run *run, const char *text) {
    size_t len = strlen(run->at);
    int n = snprintf(run->at + len, sizeof run->at - len, "%s%s", len > 0 ? "," : "", text);
    if (n < 0 || (size_t)n >= sizeof run->at - len || strpbrk(text, "&#? ") != NULL) {
        return cli_usage("case", "--at takes HEX:SIZE, the id of a log and how many entries");
    }
    return CLI_OK;
}

static int read_options(struct run *run, int argc, char **argv) {
    int c = 0;
    int code = CLI_OK;
    while (code == CLI_OK && (c = getopt_long(argc, argv, "hj", options, NULL)) != -1) {
        switch (c) {
        case 'n':
            run->node = optarg;
            break;
        case 'a':
            code = add_at(run, optarg);
            break;
        case 'p':
            run->policy_path = optarg;
            break;
        case 'r':
            code = trust_add_root("case", &run->trust, optarg);
            break;
        case 't':
            if (!cli_number(optarg, 1, VERIFY_ROOTS_MAX, &run->threshold)) {
                code =
                    cli_usage("case", "--threshold takes a number from 1 to %d", VERIFY_ROOTS_MAX);
            }
            break;
        case 'l':
            run->left_out = true;
            break;
        case 'j':
            run->json = true;
            break;
        default:
            code = cli_usage("case", "unknown option");
        }
    }
    return code;
}

/* What the node answers at a path, parsed; NULL with the exit code. */
static json_t *ask_path(struct run *run, const char *path, int *code) {
    const struct fetched *answer = NULL;
    struct refusal why = {.text = ""};
    struct fetch_request request = {
        .base = run->node, .path = path, .response_max = ANSWER_MAX, .timeout_ms = 30000};
    if (fetch(run->fetcher, &request, &answer, &why) != STATUS_OK) {
        *code = cli_error("case", CLI_FAILED, "%s", why.text);
        return NULL;
    }
    struct bytes body = buffer_view(&answer->body);
    if (answer->http != 200) {
        bool refused = answer->http == 404 || answer->http == 400 || answer->http == 409;
        *code = cli_error("case", refused ? CLI_REFUSED : CLI_FAILED, "%.*s",
                          (int)(body.len > 0 ? body.len - 1 : 0), body.data);
        return NULL;
    }
    json_t *parsed = json_loadb((const char *)body.data, body.len, JSON_REJECT_DUPLICATES, NULL);
    buffer_clear(&run->answer);
    if (parsed == NULL || buffer_append(&run->answer, body) != STATUS_OK) {
        json_decref(parsed);
        *code = cli_error("case", CLI_FAILED, "%s: what it answers is no JSON, or too large", path);
        return NULL;
    }
    return parsed;
}

static json_t *ask(struct run *run, const char *ori, const char *handle, int *code) {
    char path[PATH_SIZE + 256];
    snprintf(path, sizeof path, "/case/%.64s/%.64s%s%s", ori, handle,
             run->at[0] != '\0' ? "?at=" : "", run->at);
    return ask_path(run, path, code);
}

/* Page by page, until there is no next one. */
static int list_left_out(struct run *run, const char *ori, const char *handle) {
    json_int_t from = 0;
    int code = CLI_OK;
    for (bool more = true; more;) {
        char path[PATH_SIZE + 256];
        snprintf(path, sizeof path, "/case/%.64s/%.64s/left_out?from=%lld%s%s", ori, handle,
                 (long long)from, run->at[0] != '\0' ? "&at=" : "", run->at);
        json_t *page = ask_path(run, path, &code);
        const json_t *entries = json_object_get(page, "entries");
        const json_t *next = json_object_get(page, "next");
        for (size_t i = 0; i < json_array_size(entries); i++) {
            const json_t *entry = json_array_get(entries, i);
            const char *log = json_string_value(json_object_get(entry, "log"));
            printf("%lld %s\n", (long long)json_integer_value(json_object_get(entry, "index")),
                   log != NULL ? log : "?");
        }
        more = next != NULL && json_integer_value(next) > from; /* a node's word ends nothing */
        from = json_integer_value(next);
        json_decref(page);
    }
    return code;
}

static void progress(uint64_t done, uint64_t total) {
    cli_progress("case", done, total);
}

/* The first event on which the two differ, in words; none: what else differs. */
static int report_difference(const json_t *theirs, const json_t *ours) {
    const json_t *a = json_object_get(theirs, "events");
    const json_t *b = json_object_get(ours, "events");
    for (size_t i = 0; i < json_array_size(a) && i < json_array_size(b); i++) {
        const json_t *event = json_array_get(a, i);
        if (!json_equal(event, json_array_get(b, i))) {
            const char *there = json_string_value(json_object_get(event, "standing"));
            const char *here = json_string_value(json_object_get(json_array_get(b, i), "standing"));
            return cli_error("case", CLI_REFUSED,
                             "NOT VERIFIED: event %zu is \"%s\" by its receipts, and the node says "
                             "\"%s\"%s",
                             i + 1, here != NULL ? here : "?", there != NULL ? there : "?",
                             here != NULL && there != NULL && strcmp(here, there) == 0
                                 ? ", with something else about it"
                                 : "");
        }
    }
    return cli_error("case", CLI_REFUSED,
                     "NOT VERIFIED: by its receipts the case comes to something else than the node "
                     "says; --json shows what it says");
}

/* Nothing, if all receipts verify and the case comes to what the node says, byte for byte. */
static int verify(struct run *run, const json_t *answer, uint64_t *receipts) {
    struct refusal why = {.text = ""};
    struct buffer anew;
    struct case_verify verify = {.fetcher = run->fetcher,
                                 .node = run->node,
                                 .trust = &run->trust,
                                 .answer = answer,
                                 .progress = progress};
    buffer_init(&anew, ANSWER_MAX);
    enum status status = case_verify(&verify, &anew, &why);
    cli_progress_end();
    *receipts = verify.receipts;
    int code = CLI_OK;
    if (status == STATUS_IO || status == STATUS_NOMEM) {
        code = cli_error("case", CLI_FAILED, "%s", why.text);
    } else if (status != STATUS_OK) {
        code = cli_error("case", CLI_REFUSED, "NOT VERIFIED: %s", why.text);
    } else if (!bytes_equal(buffer_view(&anew), buffer_view(&run->answer))) {
        struct bytes view = buffer_view(&anew);
        json_t *ours = json_loadb((const char *)view.data, view.len, 0, NULL);
        code = report_difference(answer, ours);
        json_decref(ours);
    }
    buffer_clear(&anew);
    return code;
}

static int show(struct run *run, const json_t *answer) {
    bool trusts = run->trust.policy != NULL || run->trust.root_count > 0;
    uint64_t receipts = 0;
    int code = trusts ? verify(run, answer, &receipts) : CLI_OK;
    if (code != CLI_OK) {
        return code;
    }
    if (run->json) {
        struct bytes view = buffer_view(&run->answer);
        fwrite(view.data, 1, view.len, stdout);
        return CLI_OK;
    }
    case_print(stdout, answer);
    if (trusts) {
        printf("\nverified: %llu receipts, and what the case comes to by them alone\n",
               (unsigned long long)receipts);
    } else {
        printf("\nnot verified: as the node says; --policy FILE or --root VKEY fetches and "
               "verifies the receipts\n");
    }
    return CLI_OK;
}

static int run_case(struct run *run, int argc, char **argv) {
    int code = read_options(run, argc, argv);
    if (code == CLI_OK && (run->node == NULL || argc - optind != 2)) {
        code = cli_usage("case", "give --node URL, the agency's ORI and the case's handle");
    }
    if (code == CLI_OK) {
        code = trust_load("case", &run->trust, run->policy_path, run->threshold, &run->policy_text,
                          &run->policy);
    }
    if (code == CLI_OK && fetcher_open(&run->fetcher) != STATUS_OK) {
        code = cli_error("case", CLI_FAILED, "out of memory");
    }
    if (code != CLI_OK) {
        return code;
    }
    if (run->left_out) {
        code = list_left_out(run, argv[optind], argv[optind + 1]);
        fetcher_close(run->fetcher);
        return code;
    }
    json_t *answer = ask(run, argv[optind], argv[optind + 1], &code);
    if (answer != NULL) {
        code = show(run, answer);
        json_decref(answer);
    }
    fetcher_close(run->fetcher);
    return code;
}

int cmd_case(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return cli_help("case");
        }
    }
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        return cli_error("case", CLI_FAILED, "out of memory");
    }
    buffer_init(&run->policy_text, POLICY_SIZE_MAX);
    buffer_init(&run->answer, ANSWER_MAX);
    int code = run_case(run, argc, argv);
    buffer_clear(&run->policy_text);
    buffer_clear(&run->answer);
    free(run);
    return code;
}
