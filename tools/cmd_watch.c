#include "tools/cli.h"
#include "tools/watch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_S 86400
#define AGAIN_S 3600 /* after a failure */

static const struct option options[] = {
    {"once", no_argument, NULL, 'o'},
    {"json", no_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static void print_json(const struct watch_result *result) {
    char *text = json_dumps(result->json, JSON_COMPACT | JSON_SORT_KEYS);
    puts(text != NULL ? text : "{\"error\":\"out of memory\"}");
    free(text);
}

/* All lists once. What vanished goes before what failed: that is tried again, this is news.
 * `again`: something is to be tried again soon. */
static int run_once(const struct watch_config *config, bool json, bool *again) {
    size_t alerts = 0;
    size_t failed = 0;
    size_t pending = 0;
    for (size_t i = 0; i < config->count; i++) {
        struct watch_result result;
        if (!json && i > 0) {
            putchar('\n');
        }
        watch_list_run(&config->lists[i], json ? NULL : stdout, &result);
        if (json) {
            print_json(&result);
        }
        alerts += result.alerts;
        failed += result.failed;
        pending += result.pending;
        watch_result_release(&result);
        fflush(stdout);
    }
    *again = failed > 0 || pending > 0;
    if (alerts > 0) {
        return cli_error("watch", CLI_REFUSED, "%zu row%s to look at%s", alerts,
                         alerts == 1 ? "" : "s",
                         failed > 0 ? "; and not all lists were there" : "");
    }
    if (failed > 0) {
        return cli_error("watch", CLI_FAILED, "%zu of %zu lists had a failure: run again later",
                         failed, config->count);
    }
    return pending > 0 ? cli_error("watch", CLI_PENDING,
                                   "logged, and no quorum of mirrors yet: run again later")
                       : CLI_OK;
}

/* Without a timer: a run a day, sooner after a failure. Ends by a signal; any time is a good one.
 */
static void run_daily(const struct watch_config *config, bool json) {
    while (true) {
        bool again = false;
        int exit_code = run_once(config, json, &again);
        (void)exit_code; /* it was said */
        struct timespec t = {.tv_sec = again ? AGAIN_S : DAY_S};
        nanosleep(&t, NULL);
    }
}

int cmd_watch(int argc, char **argv) {
    struct refusal why = {.text = ""};
    bool once = false;
    bool json = false;
    bool again = false;
    int c = 0;
    while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (c == 'h') {
            return cli_help("watch");
        }
        if (c != 'o' && c != 'j') {
            return cli_usage("watch", "unknown option");
        }
        once = once || c == 'o';
        json = json || c == 'j';
    }
    if (optind + 1 != argc) {
        return cli_usage("watch", "give the file that says what to watch");
    }
    struct watch_config *config = calloc(1, sizeof *config);
    if (config == NULL) {
        return cli_error("watch", CLI_FAILED, "out of memory");
    }
    enum status status = watch_config_read(argv[optind], config, &why);
    int exit_code = CLI_OK;
    if (status != STATUS_OK) {
        exit_code =
            cli_error("watch", status == STATUS_NOMEM ? CLI_FAILED : CLI_USAGE, "%s", why.text);
    } else if (once) {
        exit_code = run_once(config, json, &again);
    } else {
        run_daily(config, json);
    }
    watch_config_release(config);
    free(config);
    return exit_code;
}
