#include "ledger/absence.h"
#include "ledger/evidence.h"
#include "net/buffer.h"
#include "net/file.h"
#include "tools/cli.h"
#include "tools/members.h"
#include "tools/trust.h"
#include "tools/verify_pair.h"
#include "tools/verify_print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct option options[] = {
    {"policy", required_argument, NULL, 'p'},
    {"root", required_argument, NULL, 'r'},
    {"threshold", required_argument, NULL, 't'},
    {"key", required_argument, NULL, 'k'},
    {"json", no_argument, NULL, 'j'},
    {"quiet", no_argument, NULL, 'q'},
    {"split", required_argument, NULL, 's'},
    {"evidence", required_argument, NULL, 'e'},
    {"by", required_argument, NULL, 'y'},
    {"batch", no_argument, NULL, 'b'},
    {"body", required_argument, NULL, 'B'},
    {"node", required_argument, NULL, 'n'},
    {"tiles", required_argument, NULL, 'T'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* One run: what was asked, and memory that is reused from file to file. */
struct run {
    struct verify_trust trust;
    struct policy policy;
    struct buffer policy_text;
    uint64_t threshold;
    const char *policy_path;
    const char *accused; /* a vkey, or NULL */
    const char *split;
    const char *evidence;                  /* where to write what two receipts prove, or NULL */
    const char *by[RECOGNITION_DEPTH_MAX]; /* receipts of log.recognised, the nearest first */
    size_t by_count;
    struct verify_chain chain;
    struct verify_read read;
    const char *body; /* the .body file of the event, or NULL */
    bool json;
    bool quiet;
    bool batch;
    struct verifier verifier;
    struct verify_report report;
    struct buffer file;
    struct verify_pair pair;
};

static int read_options(struct run *run, int argc, char **argv) {
    int c = 0;
    while ((c = getopt_long(argc, argv, "hjq", options, NULL)) != -1) {
        switch (c) {
        case 'p':
            run->policy_path = optarg;
            break;
        case 'r':
            if (trust_add_root("verify", &run->trust, optarg) != CLI_OK) {
                return CLI_USAGE;
            }
            break;
        case 't':
            if (!cli_number(optarg, 1, VERIFY_ROOTS_MAX, &run->threshold)) {
                return cli_usage("verify", "--threshold takes a number from 1 to %d",
                                 VERIFY_ROOTS_MAX);
            }
            break;
        case 'k':
            run->accused = optarg;
            break;
        case 'j':
            run->json = true;
            break;
        case 'q':
            run->quiet = true;
            break;
        case 's':
            run->split = optarg;
            break;
        case 'B':
            run->body = optarg;
            break;
        case 'n':
            run->read.node = optarg;
            break;
        case 'T':
            run->read.tiles = optarg;
            break;
        case 'e':
            run->evidence = optarg;
            break;
        case 'b':
            run->batch = true;
            break;
        case 'y':
            if (run->by_count == RECOGNITION_DEPTH_MAX) {
                return cli_usage("verify", "more than %d recognitions", RECOGNITION_DEPTH_MAX);
            }
            run->by[run->by_count++] = optarg;
            break;
        default:
            return cli_usage("verify", "unknown option");
        }
    }
    return CLI_OK;
}

static int load_trust(struct run *run) {
    int code = trust_load("verify", &run->trust, run->policy_path, run->threshold,
                          &run->policy_text, &run->policy);
    if (code == CLI_OK && run->trust.policy == NULL && run->trust.root_count == 0) {
        return cli_usage("verify", "say what you trust: --policy FILE, or --root VKEY, or both");
    }
    return code;
}

/* With --by, the roots are asked of the last recognition's log, and a policy still of the receipt's
 * own. Which is verified once more at the end, so that the verifier is about it again: what the
 * recognitions' receipts left there is gone. */
static enum status verify_recognised(struct run *run, struct refusal *why) {
    struct verify_trust own = {.policy = run->trust.policy, .by_others = true};
    struct verify_trust roots = run->trust;
    roots.policy = NULL;
    TRY(verify_receipt(&run->verifier, buffer_view(&run->file), &own, &run->report, why));
    struct verify_subject subject;
    verify_subject_of(&run->verifier, &run->report, &subject);
    TRY(verify_by(&run->verifier, &subject, run->by, run->by_count, &roots, &run->chain, why));
    return verify_receipt(&run->verifier, buffer_view(&run->file), &own, &run->report, why);
}

static enum status verify_file(struct run *run, const char *path, struct refusal *why) {
    buffer_clear(&run->file);
    TRY(file_read(path, &run->file, why));
    return run->by_count > 0 ? verify_recognised(run, why)
                             : verify_receipt(&run->verifier, buffer_view(&run->file), &run->trust,
                                              &run->report, why);
}

/* Is the file that was read an absence file, by its first line? */
static bool is_absence(const char *path) {
    char start[20] = "";
    FILE *file = fopen(path, "rb");
    size_t n = file != NULL ? fread(start, 1, sizeof start - 1, file) : 0;
    if (file != NULL) {
        fclose(file);
    }
    return n == sizeof start - 1 && strcmp(start, "dutylog/absence/v1\n") == 0;
}

/* An absence file of a batch: only whether it verifies. */
static enum status check_absence(struct run *run, const char *path, struct refusal *why) {
    struct absence *absence = calloc(1, sizeof *absence);
    struct absence_report *report = calloc(1, sizeof *report);
    enum status status =
        absence != NULL && report != NULL ? STATUS_OK : refuse(why, STATUS_NOMEM, "out of memory");
    buffer_clear(&run->file);
    if (status == STATUS_OK) {
        status = file_read(path, &run->file, why);
    }
    if (status == STATUS_OK) {
        status = absence_verify(&run->verifier, buffer_view(&run->file), &run->trust, absence,
                                report, why);
    }
    free(absence);
    free(report);
    return status;
}

static int verify_batch(struct run *run) {
    char *line = NULL;
    size_t cap = 0;
    ssize_t len = 0;
    int exit_code = CLI_OK;
    while ((len = getline(&line, &cap, stdin)) > 0) {
        line[strcspn(line, "\n")] = '\0';
        struct refusal why = {.text = ""};
        enum status status =
            is_absence(line) ? check_absence(run, line, &why) : verify_file(run, line, &why);
        printf("%s\n", status == STATUS_OK ? "ok" : why.text);
        if (status != STATUS_OK) {
            exit_code = CLI_REFUSED;
        }
    }
    free(line);
    return exit_code;
}

/* Writes the event as a plain note and its proof, for tools that are not ours. */
static int split(const struct run *run) {
    const struct receipt_item *last = &run->verifier.receipt.items[run->verifier.receipt.count - 1];
    char path[4096];
    int n = snprintf(path, sizeof path, "%s.tlog-proof", run->split);
    struct refusal why = {.text = ""};
    if (n < 0 || (size_t)n >= sizeof path) {
        return cli_usage("verify", "--split: the name is too long");
    }
    if (file_create(run->split, last->note, &why) != STATUS_OK ||
        file_create(path, last->proof, &why) != STATUS_OK) {
        return cli_error("verify", CLI_FAILED, "%s", why.text);
    }
    return CLI_OK;
}

/* What the event closed, shown by whoever kept its salts. */
static int show_body(struct run *run) {
    struct refusal why = {.text = ""};
    const struct receipt *receipt = &run->verifier.receipt;
    if (receipt->count == 0) {
        return cli_usage("verify", "--body goes with a receipt");
    }
    FILE *out = run->json || run->quiet ? stderr : stdout;
    enum status status = body_show(out, receipt->items[receipt->count - 1].note, run->body, &why);
    return status == STATUS_OK ? CLI_OK : cli_error("verify", cli_exit_of(status), "%s", why.text);
}

/* What does not come of the file or of what the log says, but of what could not be had. */
static bool is_lacking(enum status status) {
    return status == STATUS_IO || status == STATUS_NOT_FOUND || status == STATUS_NOMEM ||
           status == STATUS_BUSY || status == STATUS_UNJUDGED;
}

static int verify_one(struct run *run, const char *path) {
    struct refusal why = {.text = ""};
    enum status status = verify_file(run, path, &why);
    bool reads = status == STATUS_OK && verify_read_wanted(&run->read);
    if (reads) {
        status = verify_read(&run->read, &run->verifier, &run->report, &why);
    }
    if (is_lacking(status)) {
        return cli_error("verify", status == STATUS_UNJUDGED ? CLI_UNJUDGED : CLI_FAILED, "%s%s",
                         reads ? "the receipt verifies, and its log is unchecked: " : "", why.text);
    }
    if (run->json && status != STATUS_OK) {
        printf("{\"error\":\"%s\",\"verified\":false}\n", status_name(status));
    }
    if (status != STATUS_OK) {
        return run->quiet ? CLI_REFUSED
                          : cli_error("verify", CLI_REFUSED, "NOT VERIFIED: %s", why.text);
    }
    if (run->json) {
        verify_print_json(stdout, &run->report, run->by_count > 0 ? &run->chain : NULL,
                          reads ? &run->read : NULL);
    } else if (!run->quiet) {
        struct verify_trust trust = run->trust;
        trust.by_others = run->by_count > 0;
        verify_print_words(stdout, &run->report, &trust, reads ? &run->read : NULL);
    }
    if (run->by_count > 0 && !run->json && !run->quiet) {
        verify_by_print(stdout, &run->chain, run->report.origin, &run->trust);
    }
    int exit_code = run->body != NULL ? show_body(run) : CLI_OK;
    return exit_code == CLI_OK && run->split != NULL ? split(run) : exit_code;
}

/* Two receipts: each on its own, then one against the other, also where one does not verify: what a
 * log signed counts against it whether or not a quorum joined in. */
static int verify_two(struct run *run, char *const paths[2]) {
    struct verify_pair *pair = &run->pair;
    int exit_code = CLI_OK;
    if (run->trust.policy != NULL) {
        verify_pair_add_policy(pair, run->trust.policy);
    }
    for (int i = 0; i < 2; i++) {
        int one = verify_one(run, paths[i]);
        if (one == CLI_FAILED) {
            return one;
        }
        exit_code = one != CLI_OK ? one : exit_code;
        if (one == CLI_OK) {
            verify_pair_add_policy(pair, &run->verifier.policy);
        }
        if (buffer_append(&pair->files[i], buffer_view(&run->file)) != STATUS_OK) {
            return cli_error("verify", CLI_FAILED, "out of memory");
        }
    }
    int compared =
        verify_pair_compare(pair, exit_code == CLI_OK, run->evidence, run->json, run->quiet);
    return compared != CLI_OK ? compared : exit_code;
}

static int verify_accusation(struct run *run, const char *path) {
    struct vkey key;
    struct evidence evidence;
    struct refusal why = {.text = ""};
    if (vkey_parse(bytes_text(run->accused), &key, &why) != STATUS_OK) {
        return cli_usage("verify", "--key %s: %s", run->accused, why.text);
    }
    enum status status = file_read(path, &run->file, &why);
    if (status == STATUS_IO || status == STATUS_NOT_FOUND || status == STATUS_NOMEM) {
        return cli_error("verify", CLI_FAILED, "%s", why.text);
    }
    if (status == STATUS_OK) {
        status = evidence_parse(buffer_view(&run->file), &evidence, &why);
    }
    if (status == STATUS_OK) {
        status = evidence_verify(&evidence, &key, &why);
    }
    if (run->json) {
        printf("{\"key\":\"%s\",\"status\":\"%s\",\"verified\":%s}\n", key.name,
               status_name(status), status == STATUS_OK ? "true" : "false");
    } else if (status == STATUS_OK && !run->quiet) {
        printf("verified: evidence (%c) against %s\n  proved       %s\n", evidence.form, key.name,
               why.text + (strncmp(why.text, "proved: ", 8) == 0 ? 8 : 0));
    }
    if (status != STATUS_OK) {
        return run->quiet ? CLI_REFUSED
                          : cli_error("verify", CLI_REFUSED, "NOT VERIFIED: %s", why.text);
    }
    return CLI_OK;
}

static int verify_absence(struct run *run, const char *path) {
    struct refusal why = {.text = ""};
    struct absence *absence = calloc(1, sizeof *absence);
    struct absence_report *report = calloc(1, sizeof *report);
    enum status status = absence != NULL && report != NULL
                             ? file_read(path, &run->file, &why)
                             : refuse(&why, STATUS_NOMEM, "out of memory");
    bool failed = status != STATUS_OK;
    if (!failed) {
        status = absence_verify(&run->verifier, buffer_view(&run->file), &run->trust, absence,
                                report, &why);
        failed = status == STATUS_NOMEM;
    }
    int exit_code = CLI_OK;
    if (failed) {
        exit_code = cli_error("verify", CLI_FAILED, "%s", why.text);
    } else if (status != STATUS_OK) {
        exit_code = run->quiet ? CLI_REFUSED
                               : cli_error("verify", CLI_REFUSED, "NOT VERIFIED: %s", why.text);
    }
    if (run->json && !failed) {
        verify_print_absence_json(stdout, absence, report, status);
    } else if (status == STATUS_OK && !run->quiet) {
        verify_print_absence(stdout, absence, report, &run->trust);
    }
    free(absence);
    free(report);
    return exit_code;
}

static int dispatch(struct run *run, int argc, char **argv) {
    int exit_code = read_options(run, argc, argv);
    if (exit_code != CLI_OK) {
        return exit_code;
    }
    bool two = optind + 2 == argc && run->accused == NULL && run->split == NULL;
    if (run->batch ? optind != argc : optind + 1 != argc && !two) {
        return cli_usage("verify", run->batch ? "--batch reads the names from standard input"
                                              : "give one file, or two receipts");
    }
    if (run->evidence != NULL && !two) {
        return cli_usage("verify", "--evidence is for what two receipts prove: give two");
    }
    if (run->accused != NULL && !run->batch) {
        return verify_accusation(run, argv[optind]);
    }
    exit_code = load_trust(run);
    if (exit_code != CLI_OK) {
        return exit_code;
    }
    if (run->read.node != NULL && run->read.tiles != NULL) {
        return cli_usage("verify", "--node and --tiles: one log is read once, give one of them");
    }
    if (verify_read_wanted(&run->read) && (two || run->batch || is_absence(argv[optind]))) {
        return cli_usage("verify", "--node and --tiles are for one receipt");
    }
    if (run->by_count > 0 && run->split != NULL) {
        return cli_usage("verify", "--split is of a receipt alone: leave --by out");
    }
    if (run->by_count > 0 &&
        (two || run->trust.root_count == 0 || (!run->batch && is_absence(argv[optind])))) {
        return cli_usage("verify", "--by is of one receipt, and ends in roots: give --root VKEY");
    }
    if (run->batch || two) {
        return run->batch ? verify_batch(run) : verify_two(run, argv + optind);
    }
    return is_absence(argv[optind]) ? verify_absence(run, argv[optind])
                                    : verify_one(run, argv[optind]);
}

int cmd_verify(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            return cli_help("verify");
        }
    }
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        return cli_error("verify", CLI_FAILED, "out of memory");
    }
    buffer_init(&run->policy_text, POLICY_SIZE_MAX);
    buffer_init(&run->file, ABSENCE_SIZE_MAX);
    buffer_init(&run->pair.files[0], RECEIPT_SIZE_MAX);
    buffer_init(&run->pair.files[1], RECEIPT_SIZE_MAX);
    int exit_code = dispatch(run, argc, argv);
    buffer_clear(&run->policy_text);
    buffer_clear(&run->file);
    buffer_clear(&run->pair.files[0]);
    buffer_clear(&run->pair.files[1]);
    verify_read_release(&run->read);
    free(run);
    return exit_code;
}
