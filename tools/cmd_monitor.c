/* dutylog monitor: what several nodes serve of one log or more, held against each other. */
#include "net/file.h"
#include "tools/cli.h"
#include "tools/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define DAY_S 86400
#define LOGS_MAX 64

static const struct option options[] = {
    {"vkey", required_argument, NULL, 'v'},
    {"policy", required_argument, NULL, 'p'},
    {"state", required_argument, NULL, 's'},
    {"evidence", required_argument, NULL, 'e'},
    {"silent-after", required_argument, NULL, 'i'},
    {"stale-after", required_argument, NULL, 't'},
    {"every", required_argument, NULL, 'y'},
    {"json", no_argument, NULL, 'j'},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

struct run {
    struct monitor_options options;
    struct monitored logs[LOGS_MAX];
    size_t log_count;
    uint64_t every; /* seconds; 0: once */
    bool json;
    bool quiet;
    struct monitor monitor;
};

/* --- what to look at --- */

static enum status add_log(struct run *run, const struct vkey *vkey, struct monitored **out,
                           struct refusal *why) {
    for (size_t i = 0; i < run->log_count; i++) {
        if (vkey_equal(&run->logs[i].vkey, vkey)) {
            *out = &run->logs[i];
            return STATUS_OK;
        }
    }
    if (run->log_count == LOGS_MAX) {
        return refuse(why, STATUS_TOO_LARGE, "at most %d logs", LOGS_MAX);
    }
    *out = &run->logs[run->log_count++];
    (*out)->vkey = *vkey;
    return STATUS_OK;
}

static enum status add_vkey(struct run *run, const char *text, struct refusal *why) {
    struct vkey vkey;
    struct monitored *log = NULL;
    if (vkey_parse(bytes_text(text), &vkey, why) != STATUS_OK || vkey.type != VKEY_NOTE) {
        return refuse(why, STATUS_BAD_FORM, "--vkey %.100s: not a log's verifier key", text);
    }
    return add_log(run, &vkey, &log, why);
}

/* Its logs, each with its witnesses. */
static enum status add_policy(struct run *run, const char *path, struct refusal *why) {
    static struct policy policy;
    struct buffer text;
    buffer_init(&text, POLICY_SIZE_MAX);
    enum status status = file_read(path, &text, why);
    if (status == STATUS_OK) {
        status = policy_parse(buffer_view(&text), &policy, why);
    }
    for (size_t i = 0; status == STATUS_OK && i < policy.log_count; i++) {
        struct monitored *log = NULL;
        status = add_log(run, &policy.logs[i].vkey, &log, why);
        for (size_t k = 0; status == STATUS_OK && k < policy.witness_count; k++) {
            if (log->cosigner_count < MONITOR_COSIGNERS_MAX) {
                log->counts[log->cosigner_count] = policy.witnesses[k].in_quorum;
                log->cosigners[log->cosigner_count++] = policy.witnesses[k].vkey;
            }
        }
    }
    buffer_clear(&text);
    return status;
}

/* --- one round --- */

static int exit_of(const struct monitor *m, int before) {
    int exit_code = before;
    for (size_t i = 0; i < m->finding_count; i++) {
        if (m->findings[i].type != FINDING_UNREACHABLE) {
            return CLI_REFUSED;
        }
        exit_code = exit_code == CLI_OK ? CLI_FAILED : exit_code;
    }
    return exit_code;
}

static int round_of(struct run *run) {
    struct monitor *m = &run->monitor;
    int exit_code = CLI_OK;
    json_t *all = json_array();
    run->options.now = (uint64_t)time(NULL);
    for (size_t i = 0; i < run->log_count; i++) {
        struct refusal why = {.text = ""};
        m->options = &run->options;
        m->log = &run->logs[i];
        cli_progress("monitor", i, run->log_count);
        enum status status = monitor_run(m, &why);
        cli_progress_end();
        if (status != STATUS_OK) {
            json_decref(all);
            return cli_error("monitor", CLI_FAILED, "%s", why.text);
        }
        exit_code = exit_of(m, exit_code);
        if (run->json) {
            json_array_append_new(all, monitor_json(m));
        } else {
            monitor_print(m, run->quiet);
        }
    }
    if (run->json) {
        char *text = json_dumps(all, JSON_COMPACT | JSON_SORT_KEYS);
        puts(text != NULL ? text : "[]");
        free(text);
    }
    json_decref(all);
    fflush(stdout);
    return exit_code;
}

/* One monitor at a time writes a state folder. */
static enum status lock_state(const char *folder, int *lock, struct refusal *why) {
    char path[1024];
    int n = snprintf(path, sizeof path, "%s/lock", folder);
    if (n < 0 || (size_t)n >= sizeof path) {
        return refuse(why, STATUS_BAD_FORM, "--state %.100s: the name is too long", folder);
    }
    TRY(file_make_folder(folder, why));
    *lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*lock < 0) {
        return refuse(why, STATUS_IO, "%s: %s", path, strerror(errno));
    }
    return flock(*lock, LOCK_EX | LOCK_NB) == 0
               ? STATUS_OK
               : refuse(why, STATUS_STORE_IN_USE, "%s: another monitor uses it", folder);
}

static int watch(struct run *run) {
    struct refusal why = {.text = ""};
    int lock = -1;
    enum status status = fetcher_open(&run->monitor.fetcher);
    if (status == STATUS_OK && run->options.state != NULL) {
        status = lock_state(run->options.state, &lock, &why);
    }
    int exit_code =
        status == STATUS_OK ? round_of(run) : cli_error("monitor", CLI_FAILED, "%s", why.text);
    while (status == STATUS_OK && run->every > 0) {
        struct timespec pause = {.tv_sec = (time_t)run->every};
        nanosleep(&pause, NULL);
        exit_code = round_of(run);
    }
    if (lock >= 0) {
        close(lock);
    }
    return exit_code;
}

/* --- options --- */

static bool seconds_option(uint64_t *out) {
    return cli_number(optarg, 1, UINT64_C(1) << 32, out);
}

static enum status take_option(struct run *run, int c, struct refusal *why) {
    bool good = true;
    switch (c) {
    case 'v':
        return add_vkey(run, optarg, why);
    case 'p':
        return add_policy(run, optarg, why);
    case 's':
        run->options.state = optarg;
        break;
    case 'e':
        run->options.evidence = optarg;
        break;
    case 'i':
        good = seconds_option(&run->options.silent_after);
        break;
    case 't':
        good = seconds_option(&run->options.stale_after);
        break;
    case 'y':
        good = seconds_option(&run->every);
        break;
    case 'j':
        run->json = true;
        break;
    case 'q':
        run->quiet = true;
        break;
    default:
        return refuse(why, STATUS_BAD_FORM, "unknown option");
    }
    return good ? STATUS_OK : refuse(why, STATUS_BAD_FORM, "'%s' is no number of seconds", optarg);
}

static int dispatch(struct run *run, int argc, char **argv) {
    struct refusal why = {.text = ""};
    enum status status = STATUS_OK;
    int c = 0;
    while (status == STATUS_OK && (c = getopt_long(argc, argv, "hjq", options, NULL)) != -1) {
        if (c == 'h') {
            return cli_help("monitor");
        }
        status = take_option(run, c, &why);
    }
    if (status == STATUS_OK && (optind == argc || run->log_count == 0)) {
        status = refuse(&why, STATUS_BAD_FORM,
                        "give the nodes' addresses, and the log with --policy or --vkey: nothing "
                        "is believed unsigned");
    }
    if (status == STATUS_OK && argc - optind > MONITOR_URLS_MAX) {
        status = refuse(&why, STATUS_TOO_LARGE, "at most %d nodes", MONITOR_URLS_MAX);
    }
    if (status != STATUS_OK) {
        return cli_usage("monitor", "%s", why.text);
    }
    while (optind < argc) {
        run->options.urls[run->options.url_count++] = argv[optind++];
    }
    return watch(run);
}

int cmd_monitor(int argc, char **argv) {
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        return cli_error("monitor", CLI_FAILED, "out of memory");
    }
    run->options.evidence = "evidence";
    run->options.silent_after = DAY_S;
    run->options.stale_after = 3600;
    int exit_code = dispatch(run, argc, argv);
    fetcher_close(run->monitor.fetcher);
    free(run);
    return exit_code;
}
