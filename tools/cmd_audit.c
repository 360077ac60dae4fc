/* dutylog audit: a whole log, over HTTP or from a folder, re-verified from its bytes: entries
 * against hashes, hashes against the signed and cosigned checkpoint, and each event against the
 * rules of its log. */
#include "ledger/policy.h"
#include "net/file.h"
#include "tools/cli.h"
#include "tools/log_read.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
    struct log_read read;
    struct vkey vkey;
    uint32_t flags;
    bool has_vkey;
    bool json;
    bool no_quorum; /* a mirror's copy: its checkpoint carries that mirror's cosignature alone */
    bool has_policy;
    struct policy policy;
    struct buffer policy_text;
    const char *url;
    uint64_t wrong; /* things that are not as they must be */
};

static void wrong(void *context, const char *text) {
    struct audit *a = context;
    a->wrong++;
    if (!a->json) {
        puts(text);
    }
}

/* --- the checkpoint, against what was read --- */

static void audit_quorum(struct audit *a, const struct policy *policy, const char *whose) {
    policy_set have = 0;
    size_t log = 0;
    struct refusal why;
    if (policy_check(policy, &a->read.note, &a->read.checkpoint, &have, NULL, &log, &why) !=
        STATUS_OK) {
        char text[REFUSAL_TEXT_MAX + 64];
        snprintf(text, sizeof text, "checkpoint: against %s policy: %s", whose, why.text);
        wrong(a, text);
    }
}

/* The log's own policy in force: the last log.policy that was accepted; found again among the
 * entries by its index. */
static enum status audit_own_policy(struct audit *a, struct refusal *why) {
    struct log_read *read = &a->read;
    uint64_t index = 0;
    enum status status =
        policy_in_force(read->txn, read->log.number, read->checkpoint.size, &index);
    if (status == STATUS_NOT_FOUND) {
        wrong(a, "the log has no policy: nobody is named who must cosign it");
        return STATUS_OK;
    }
    TRY(status);
    struct event event;
    struct policy policy;
    TRY(log_read_policy(read, index, &event, &policy, why));
    audit_quorum(a, &policy, "the log's own");
    event_release(&event);
    return STATUS_OK;
}

/* --- all of it --- */

static enum status audit_all(struct audit *a, struct refusal *why) {
    struct log_read *read = &a->read;
    TRY(log_read_checkpoint(read, why));
    TRY(log_read_entries(read, why));
    if (a->has_policy) {
        audit_quorum(a, &a->policy, "your");
    }
    /* Of unjudged entries one may be its policy. */
    bool own = (a->flags & LOG_EVENTS) != 0 && !a->no_quorum && read->unjudged == 0;
    return own ? audit_own_policy(a, why) : STATUS_OK;
}

static double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run(struct audit *a) {
    struct refusal why = {.text = ""};
    double started = seconds_now();
    log_read_init(&a->read, &a->vkey, a->flags);
    a->read.url = a->url;
    a->read.what = "audit";
    a->read.context = a;
    a->read.wrong = wrong;
    enum status status = audit_all(a, &why);
    double took = seconds_now() - started;
    if (status != STATUS_OK && status != STATUS_BAD_FORM) {
        return cli_error("audit", CLI_FAILED, "broken off after %" PRIu64 " entries: %s",
                         a->read.frontier.size, why.text);
    }
    if (status == STATUS_BAD_FORM) {
        wrong(a, why.text);
    }
    uint64_t rate = (uint64_t)((double)a->read.frontier.size / (took > 0.001 ? took : 0.001));
    if (a->json) {
        printf("{\"entries\":%" PRIu64 ",\"entries_per_second\":%" PRIu64
               ",\"log\":\"%s\",\"refused\":%" PRIu64 ",\"unjudged\":%" PRIu64
               ",\"verified\":%s,\"wrong\":%" PRIu64 "}\n",
               a->read.frontier.size, rate, a->vkey.name, a->read.refused, a->read.unjudged,
               a->wrong == 0 && a->read.unjudged == 0 ? "true" : "false", a->wrong);
    } else {
        if (a->read.unjudged > 0) {
            printf("%" PRIu64 " entries unjudged, nor is the log's own policy asked: %s\n",
                   a->read.unjudged, a->read.lacks.text);
        }
        printf("%s: %s, %" PRIu64 " entries, %" PRIu64 " things wrong; %.1f s, %" PRIu64
               " entries/s\n",
               a->wrong > 0            ? "NOT VERIFIED"
               : a->read.unjudged == 0 ? "verified"
                                       : "verified in part",
               a->vkey.name, a->read.frontier.size, a->wrong, took, rate);
    }
    if (a->wrong > 0) {
        return CLI_REFUSED;
    }
    return a->read.unjudged == 0 ? CLI_OK : CLI_UNJUDGED;
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
            if (vkey_parse(bytes_text(optarg), &a->vkey, &why) != STATUS_OK ||
                a->vkey.type != VKEY_NOTE) {
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
            a->flags = 0;
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
    a->flags = LOG_EVENTS;
    buffer_init(&a->policy_text, POLICY_SIZE_MAX);
    int exit_code = read_options(a, argc, argv);
    if (exit_code == CLI_OK) {
        exit_code = run(a);
    }
    buffer_clear(&a->policy_text);
    log_read_release(&a->read);
    free(a);
    return exit_code;
}
